"""Issues for the mock: invented ones in any number, and the real ones beside the project.

The invented are Jira Cloud issues of about 7 KB. A thousand bodies are made once; each is a list
of byte pieces between its own id, key and stamp, so an issue of its own is a join of seven
pieces: 2 µs, and a million issues need 7 MB.
"""

from __future__ import annotations

import json
import lzma
import os
import random
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

BODIES = 1_000
FIRST_ID = 10_000
PROJECT = "BEN"
CHANGED_SINCE = "2026-01-01 00:00"  # what bears a later stamp was changed during the benchmark
REAL = Path(os.environ.get("ITPM_SHARED", Path(__file__).parents[2] / "shared")) / "data"
TITANIUM = REAL / "titanium-jira"
_IDENT = re.compile(rb'\{"id": ?"(\d+)"')
_PERSON = re.compile(rb'"name": ?"[^"]*", ?"key": ?("[^"]*"), ?"displayName"')
_ACCOUNT = rb'"accountId":\1,"displayName"'
_ID, _KEY, _UPDATED = "@@id@@", "@@key@@", "@@updated@@"
_WORDS = (
    "gateway switch firewall rollout branch office router vendor invoice contract replacement "
    "migration window rack cabling latency outage approval budget order delivery acceptance test "
    "wireless access point controller license renewal change request escalation root cause plan"
).split()
_STATUSES = (
    ("To Do", "new", 2),
    ("In Progress", "indeterminate", 4),
    ("In Review", "indeterminate", 4),
    ("Done", "done", 3),
)
_TYPES = ("Story", "Task", "Bug", "Improvement")


@dataclass(frozen=True, slots=True)
class Body:
    """The pieces of one body: `pieces[i]` is followed by the value that `slots[i]` names."""

    pieces: tuple[bytes, ...]
    slots: tuple[int, ...]  # 0 id, 1 key, 2 updated


class Source(Protocol):
    """What a mock serves: ids in the order of creation, and their bodies."""

    @property
    def projects(self) -> Mapping[str, Sequence[int]]:
        """Project key → ids."""
        ...

    def bodies(self, idents: Iterable[int], updated: str | None) -> bytes:
        """Issues as JSON, separated by commas; `updated` replaces their old stamp."""
        ...


class Issues:
    """`count` issues; issue `n` (from 0) has the id FIRST_ID + n and the key BEN-<n + 1>."""

    def __init__(self, count: int, seed: int = 1) -> None:
        self.projects = {PROJECT: range(FIRST_ID, FIRST_ID + count)}
        chance = random.Random(seed)
        self._bodies = [_cut(json.dumps(_issue(chance))) for _ in range(min(BODIES, count))]

    def body(self, ident: int, updated: str | None) -> bytes:
        """One issue as JSON; `updated` None: its old stamp."""
        n = ident - FIRST_ID
        body = self._bodies[n % len(self._bodies)]
        stamp = updated or f"2025-03-{1 + n % 28:02}T{n % 24:02}:{n % 60:02}:{n % 59:02}.000+0000"
        values = (b"%d" % ident, b"%s-%d" % (PROJECT.encode(), n + 1), stamp.encode())
        parts: list[bytes] = []
        for piece, slot in zip(body.pieces, body.slots, strict=False):
            parts += (piece, values[slot])
        parts.append(body.pieces[-1])
        return b"".join(parts)

    def bodies(self, idents: Iterable[int], updated: str | None) -> bytes:
        """Several issues, separated by commas."""
        return b",".join([self.body(i, updated) for i in idents])


class RealIssues:
    """The 29,057 issues of the Titanium project as Cloud serves them: whole, people by account.

    They never change. Raises FileNotFoundError where the data are not beside the project.
    """

    def __init__(self, folder: Path = TITANIUM) -> None:
        self.projects: dict[str, list[int]] = {}
        self._bodies: dict[int, bytes] = {}
        for file in sorted(folder.glob("*.jsonl.xz")):
            with lzma.open(file) as lines:
                found = {_ident(line): _PERSON.sub(_ACCOUNT, line.strip()) for line in lines}
            self._bodies |= found
            self.projects[file.name.partition(".")[0]] = sorted(found)
        if not self._bodies:
            raise FileNotFoundError(folder)

    def bodies(self, idents: Iterable[int], updated: str | None) -> bytes:  # noqa: ARG002
        """Several issues, separated by commas, with the stamps that they have."""
        return b",".join([self._bodies[i] for i in idents])


def _ident(line: bytes) -> int:
    """The id of an issue, which its line begins with."""
    found = _IDENT.match(line)
    if found is None:
        raise ValueError(f"not an issue: {line[:60]!r}")
    return int(found[1])


def _cut(text: str) -> Body:
    pieces: list[bytes] = []
    slots: list[int] = []
    marks = {_ID: 0, _KEY: 1, _UPDATED: 2}
    while True:
        found = [(text.find(m), m) for m in marks if m in text]
        if not found:
            return Body((*pieces, text.encode()), tuple(slots))
        at, mark = min(found)
        pieces.append(text[:at].encode())
        slots.append(marks[mark])
        text = text[at + len(mark) :]


def _issue(chance: random.Random) -> dict[str, Any]:
    status, category, number = chance.choice(_STATUSES)
    kind = chance.choice(_TYPES)
    done = category == "done"
    histories = [_history(chance, i) for i in range(chance.randint(0, 3))]
    logs = [_worklog(chance, i) for i in range(chance.randint(0, 1))]
    fields: dict[str, Any] = {
        "summary": _text(chance, 8),
        "project": {
            "self": "https://bench.example.org/rest/api/3/project/10000", "id": "10000",
            "key": PROJECT, "name": "Branch network", "projectTypeKey": "software",
            "avatarUrls": _avatars("projectavatar", 10400),
        },
        "issuetype": {
            "self": "https://bench.example.org/rest/api/3/issuetype/10001", "id": "10001",
            "description": _text(chance, 10), "name": kind, "subtask": False, "hierarchyLevel": 0,
            "iconUrl": "https://bench.example.org/rest/api/2/universal_avatar/view/type/issuetype",
        },
        "status": {
            "self": "https://bench.example.org/rest/api/3/status/10002", "name": status,
            "description": "", "id": "10002",
            "iconUrl": "https://bench.example.org/images/icons/statuses/generic.png",
            "statusCategory": {"id": number, "key": category, "name": status,
                "colorName": "green", "self": "https://bench.example.org/rest/api/3/statuscategory/3"},
        },
        "priority": {"id": "3", "name": chance.choice(("High", "Medium", "Low")),
            "iconUrl": "https://bench.example.org/images/icons/priorities/medium.svg"},
        "resolution": {"id": "1", "name": "Done"} if done else None,
        "resolutiondate": "2025-03-02T10:00:00.000+0000" if done else None,
        "created": "2025-01-05T08:00:00.000+0000", "updated": _UPDATED,
        "duedate": f"2025-04-{chance.randint(1, 28):02}",
        "assignee": _person(chance), "reporter": _person(chance), "creator": _person(chance),
        "parent": None,
        "components": [{"id": "10100", "name": chance.choice(_WORDS),
            "self": "https://bench.example.org/rest/api/3/component/10100"}],
        "labels": [chance.choice(_WORDS)],
        "fixVersions": [{"id": "10200", "name": "R1", "archived": False, "released": False,
            "self": "https://bench.example.org/rest/api/3/version/10200"}],
        "issuelinks": [], "comment": {"startAt": 0, "maxResults": 0, "total": 0, "comments": []},
        "timeoriginalestimate": 28800, "timeestimate": 7200, "timespent": 3600 * len(logs),
        "worklog": {"startAt": 0, "maxResults": 20, "total": len(logs), "worklogs": logs},
        "customfield_10016": float(chance.choice((1, 2, 3, 5, 8))),
        "customfield_10020": [{"id": 7, "name": "Sprint 7", "state": "active", "boardId": 1,
            "startDate": "2025-03-01T08:00:00.000Z", "endDate": "2025-03-14T08:00:00.000Z"}],
    }  # fmt: skip
    fields |= {f"customfield_{11_000 + i}": None for i in range(25)}
    issue = {
        "expand": "renderedFields,names,schema,operations,editmeta,changelog", "id": _ID,
        "self": f"https://bench.example.org/rest/api/3/issue/{_ID}", "key": _KEY, "transitions": [],
        "changelog": {"startAt": 0, "maxResults": len(histories), "total": len(histories),
                      "histories": histories},
        "fields": fields,
    }  # fmt: skip
    size = len(json.dumps(issue))
    fields["customfield_11001"] = _text(chance, max(1, (7_100 - size) // 8))
    return issue


def _text(chance: random.Random, words: int) -> str:
    return " ".join(chance.choice(_WORDS) for _ in range(words)).capitalize()


def _avatars(kind: str, number: int) -> dict[str, str]:
    root = f"https://bench.example.org/rest/api/3/universal_avatar/view/type/{kind}/avatar/{number}"
    return {f"{s}x{s}": f"{root}?size={name}" for s, name in
            ((48, "xlarge"), (24, "small"), (16, "xsmall"), (32, "medium"))}  # fmt: skip


def _person(chance: random.Random) -> dict[str, Any]:
    number = chance.randint(1, 60)
    account = f"5b10ac8d82e05b22cc7d4{number:03}"
    return {
        "self": f"https://bench.example.org/rest/api/3/user?accountId={account}",
        "accountId": account, "displayName": f"Person {number}", "active": True,
        "timeZone": "Europe/Zurich", "accountType": "atlassian",
        "avatarUrls": _avatars("user", 10_000 + number),
    }  # fmt: skip


def _history(chance: random.Random, number: int) -> dict[str, Any]:
    return {
        "id": str(20_000 + number), "author": _person(chance),
        "created": f"2025-02-{1 + number:02}T09:00:00.000+0000",
        "items": [{"field": "status", "fieldtype": "jira", "fieldId": "status", "from": "10001",
            "fromString": "To Do", "to": "10002", "toString": "In Progress"}],
    }  # fmt: skip


def _worklog(chance: random.Random, number: int) -> dict[str, Any]:
    return {
        "id": str(30_000 + number), "author": _person(chance), "timeSpent": "1h",
        "timeSpentSeconds": 3600, "started": "2025-02-03T09:00:00.000+0000",
        "created": "2025-02-03T10:00:00.000+0000", "updated": "2025-02-03T10:00:00.000+0000",
    }  # fmt: skip
