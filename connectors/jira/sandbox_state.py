"""What the Jira sandbox remembers: projects, issues, their history, and the index of a search.

An issue is kept as one JSON document in Data Center's words (users by name, wiki text; a comment
written as an Atlassian document stays one), together with all its comments, worklogs, history,
properties and remote links; `sandbox_render` turns it into what either flavour answers. Documents
stay bytes until somebody asks, so that tens of thousands fit. A search sees `Row` values, which lag
behind the documents when told to.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from sys import intern
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from connectors.jira.sandbox_fields import CATEGORIES, WORKFLOW, Fields, describe
from connectors.jira.sandbox_jql import Query, Row, parse

Json = dict[str, Any]


_DONE = {"id": "10000", "name": "Done"}


class Clock:
    """The sandbox's own clock: real time plus an offset that tests move."""

    def __init__(self) -> None:
        self.offset = timedelta(0)
        self.frozen: datetime | None = None

    def now(self) -> datetime:
        """The sandbox's present, aware UTC."""
        base = self.frozen or datetime.fromtimestamp(time.time(), UTC)
        return base + self.offset

    def ms(self) -> int:
        """The sandbox's present in milliseconds since 1970."""
        return round(self.now().timestamp() * 1000)


def stamp(milliseconds: int) -> str:
    """A time as Jira writes it: `2024-05-01T10:11:12.345+0000`."""
    moment = datetime.fromtimestamp(milliseconds // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{milliseconds % 1000:03d}+0000"


def milliseconds(text: str) -> int:
    """The inverse of `stamp`, for any offset and for plain dates (midnight UTC)."""
    moment = datetime.fromisoformat(text)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return round(moment.timestamp() * 1000)


@dataclass(slots=True)
class Issue:
    """One issue: identity and place for the lists, the document for everything else."""

    id: int
    key: str
    raw: bytes
    updated: int
    hidden: bool = False

    def document(self) -> Json:
        """A fresh copy of the document; give it back through `State.commit`."""
        found: Json = orjson.loads(self.raw)
        return found


@dataclass(slots=True)
class State:
    """Everything that `save` writes and `restore` reads back."""

    zone_name: str = "Australia/Sydney"
    clock: Clock = field(default_factory=Clock)
    index_lag_s: float = 0.0
    projects: dict[str, Json] = field(default_factory=dict)  # by key
    issues: dict[int, Issue] = field(default_factory=dict)
    keys: dict[str, int] = field(default_factory=dict)  # present and former keys
    users: dict[str, Json] = field(default_factory=dict)  # by name
    statuses: dict[str, Json] = field(default_factory=dict)  # by name
    boards: dict[int, Json] = field(default_factory=dict)
    sprints: dict[int, Json] = field(default_factory=dict)
    fields: Fields = field(default_factory=Fields)
    seeded: dict[str, int] = field(default_factory=dict)  # identity, id or key of a model record
    taken: dict[str, Json] = field(default_factory=dict)  # identity → what it made, as given last
    denied: set[str] = field(default_factory=set)  # permissions that the account lacks
    comments: dict[int, int] = field(default_factory=dict)  # comment id → issue id
    worklogs: dict[int, tuple[int, int]] = field(default_factory=dict)  # id → (issue id, updated)
    worklogs_gone: list[tuple[int, int]] = field(default_factory=list)  # (when, worklog id)
    last_id: int = 10_000
    version: int = 0  # grows with each change: what was computed from an older one is stale
    rows: dict[int, Row] = field(default_factory=dict)
    pending: list[tuple[int, int]] = field(default_factory=list)  # (visible from, issue id)
    found: dict[str, tuple[int, list[Row]]] = field(default_factory=dict)  # JQL → result

    def __post_init__(self) -> None:
        self.user("ITPM Sync", name="itpm-sync", email="itpm-sync@example.com")
        for status in WORKFLOW:
            self.status(**status)

    # ---- the catalogue that JQL asks

    @property
    def zone(self) -> ZoneInfo:
        """The account's time zone, in which JQL dates are read."""
        return ZoneInfo(self.zone_name)

    def now(self) -> datetime:
        """The sandbox's present."""
        return self.clock.now()

    def current_user(self) -> str:
        """The name of the account that the token belongs to."""
        return "itpm-sync"

    def knows(self, name: str, value: str) -> bool:
        """Whether a value that must exist does; projects only where they are visible."""
        word = value.casefold()
        if name == "project":
            return any(
                word in (p["id"], p["key"].casefold(), p["name"].casefold())
                for p in self.projects.values()
                if not p.get("hidden")
            )
        if name == "status":
            return any(word in (s["id"], s["name"].casefold()) for s in self.statuses.values())
        if name == "statuscategory":
            return any(word in (str(c["id"]), c["key"], c["name"].casefold()) for c in CATEGORIES)
        if name == "fixversion":
            return any(
                word in (v["id"], v["name"].casefold())
                for p in self.projects.values()
                for v in p["versions"]
            )
        if name == "sprint":
            return any(word in (str(s["id"]), s["name"].casefold()) for s in self.sprints.values())
        return True

    def find(self, id_or_key: str) -> Row | None:
        """The row of a visible issue, indexed or not: names in a query are no search."""
        issue = self.get(id_or_key)
        return self.rows.get(issue.id) or self._row(issue, None) if issue else None

    def search(self, jql: str, reconcile: Iterable[int] = (), *, strict: bool = True) -> list[Row]:
        """Matching rows in order. `reconcile` ids are judged as they are, not as indexed."""
        self.refresh()
        fresh = tuple(reconcile)
        cached = self.found.get(jql)
        plain = strict and not fresh
        if cached and cached[0] == self.version and plain:
            return cached[1]
        query = parse(jql, self, strict=strict)
        rows = query.run(self._candidates(query, fresh))
        if plain:
            if len(self.found) > 20:
                self.found.clear()
            self.found[jql] = (self.version, rows)
        return rows

    def bounded(self, jql: str) -> bool:
        """Whether the query restricts the search; raises JqlError for a malformed one."""
        return parse(jql, self).bounded

    def _candidates(self, query: Query, fresh: Sequence[int]) -> Iterable[Row]:
        rows: Mapping[int, Row] = self.rows
        if fresh:
            now = {i: self._row(self.issues[i], None) for i in fresh if i in self.issues}
            rows = {i: row for i, row in rows.items() if i not in fresh} | now
        wanted = {
            p["key"]
            for p in self.projects.values()
            if query.projects is None
            or query.projects & {p["id"], p["key"].casefold(), p["name"].casefold()}
        }
        chosen: Iterable[Row] = rows.values()
        if query.ids is not None:
            chosen = [rows[i] for i in query.ids if i in rows]
        visible = {key for key in wanted if not self.projects[key].get("hidden")}
        return (
            row
            for row in chosen
            if row.project in visible and not (row.id in self.issues and self.issues[row.id].hidden)
        )

    # ---- looking up

    def get(self, id_or_key: str) -> Issue | None:
        """The issue by id, key or former key, if the account may see it."""
        number = int(id_or_key) if id_or_key.isdigit() else self.keys.get(id_or_key.upper(), 0)
        issue = self.issues.get(number)
        if issue is None or issue.hidden or self.project_of(issue).get("hidden"):
            return None
        return issue

    def project_of(self, issue: Issue) -> Json:
        """The project that the issue is in now."""
        return self.projects[issue.key.rpartition("-")[0]]

    def project(self, id_or_key: str) -> Json | None:
        """A visible project by id or key."""
        for project in self.projects.values():
            if id_or_key.upper() in (project["id"], project["key"]):
                return None if project.get("hidden") else project
        return None

    def next_id(self) -> int:
        """An id that nothing has had."""
        self.last_id += 1
        return self.last_id

    # ---- things that issues refer to; each is made when it is first named

    def user(self, display: str, *, name: str = "", email: str = "") -> Json:
        """The user of that display name or user name."""
        name = name or re.sub(r"[^a-z0-9]+", ".", display.casefold()).strip(".") or "unknown"
        if name not in self.users:
            self.users[name] = {
                "name": name, "key": name, "displayName": display, "active": True,
                "timeZone": self.zone_name, "emailAddress": email or f"{name}@example.com",
            }  # fmt: skip
        return self.users[name]

    def status(self, name: str, category: str = "indeterminate", id: str = "") -> Json:  # noqa: A002
        """The workflow status of that name."""
        if name not in self.statuses:
            entry = next(c for c in CATEGORIES if c["key"] == category)
            self.statuses[name] = {
                "id": id or str(self.next_id()), "name": name, "description": "",
                "statusCategory": entry,
            }  # fmt: skip
        return self.statuses[name]

    def add_project(self, key: str, name: str = "", **more: Any) -> Json:
        """The project of that key, made if there is none."""
        if key not in self.projects:
            self.projects[key] = {
                "id": str(more.pop("id", "") or self.next_id()), "key": key, "name": name or key,
                "description": "", "versions": [], "components": [], "issueTypes": [],
                "last": 0, **more,
            }  # fmt: skip
        return self.projects[key]

    def version_of(self, project: Json, name: str, **more: Any) -> Json:
        """The project's version of that name; `more` overrides what is known of it."""
        found = next((v for v in project["versions"] if v["name"] == name), None)
        if found is None:
            found = {"id": str(self.next_id()), "name": name, "archived": False, "released": False}
            project["versions"].append(found)
        found.update({k: v for k, v in more.items() if v is not None})
        return dict(found)

    def component_of(self, project: Json, name: str) -> Json:
        """The project's component of that name."""
        found = next((c for c in project["components"] if c["name"] == name), None)
        if found is None:
            found = {"id": str(self.next_id()), "name": name}
            project["components"].append(found)
        return dict(found)

    def board(self, project: str, *, scrum: bool, id: int = 0) -> Json:  # noqa: A002
        """The project's board of that kind."""
        for board in self.boards.values():
            if board["id"] == id or (not id and project in board["projects"]):
                board["type"] = "scrum" if scrum else board["type"]
                board["projects"] = sorted({*board["projects"], project})
                return board
        board = {
            "id": id or self.next_id(), "name": f"{project} board",
            "type": "scrum" if scrum else "kanban", "projects": [project],
        }  # fmt: skip
        self.boards[board["id"]] = board
        return board

    def sprint(self, project: str, name: str, **more: Any) -> Json:
        """The sprint of that name on the project's board."""
        board = self.board(project, scrum=True)
        for known in self.sprints.values():
            if known["name"] == name and known["originBoardId"] == board["id"]:
                known.update({k: v for k, v in more.items() if v is not None})
                return known
        made = {
            "id": self.next_id(), "name": name, "state": "future", "originBoardId": board["id"],
            **{k: v for k, v in more.items() if v is not None},
        }  # fmt: skip
        self.sprints[made["id"]] = made
        return made

    # ---- changing

    def adopt(self, document: Json, raw: bytes = b"", *, hidden: bool = False) -> Issue:
        """Takes a complete document as an issue, indexed at once; `raw` are its bytes, if known."""
        number, key = int(document["id"]), document["key"]
        issue = Issue(number, key, raw or orjson.dumps(document), 0, hidden)
        self.issues[number] = issue
        self.keys[key] = number
        self.last_id = max(self.last_id, number)
        project = self.projects[key.rpartition("-")[0]]
        project["last"] = max(project["last"], int(key.rpartition("-")[2]))
        self._register(number, document)
        self.rows[number] = self._row(issue, document)
        issue.updated = self.rows[number].updated
        self.version += 1
        return issue

    def _register(self, number: int, document: Json) -> None:
        for comment in document["fields"].get("comment", {}).get("comments", ()):
            self.comments[int(comment["id"])] = number
        for entry in document["fields"].get("worklog", {}).get("worklogs", ()):
            self.worklogs[int(entry["id"])] = (number, milliseconds(entry["updated"]))

    def commit(self, issue: Issue, document: Json, *, touch: bool = True) -> None:
        """Keeps a changed document; `touch` stamps `updated`, as every change of a field does.
        Changes within a second have stamps in their order; a clock that was set back shows."""
        if touch:
            now = self.clock.ms()
            if 0 <= issue.updated - now < 1_000:
                now = issue.updated + 1
            document["fields"]["updated"] = stamp(now)
            issue.updated = now
        issue.key = document["key"]
        issue.raw = orjson.dumps(document)
        self._register(issue.id, document)
        self._reindex(issue.id)

    def _reindex(self, number: int) -> None:
        self.pending.append((self.clock.ms() + round(self.index_lag_s * 1000), number))
        self.refresh()

    def refresh(self) -> None:
        """Lets the index see what is due by now."""
        if not self.pending:
            return
        now = self.clock.ms()
        due = [number for at, number in self.pending if at <= now]
        self.pending = [entry for entry in self.pending if entry[0] > now]
        for number in due:
            issue = self.issues.get(number)
            if issue:
                self.rows[number] = self._row(issue, None)
            else:
                self.rows.pop(number, None)
        self.version += bool(due)

    def change(self, issue: Issue, values: Mapping[str, Any], author: Json) -> None:
        """Sets fields (id → value as documents hold it), writing the history."""
        document = issue.document()
        items = []
        for name, value in values.items():
            before = document["fields"].get(name)
            if before != value:
                items.extend(describe(self.fields, name, before, value))
                document["fields"][name] = value
        if not items:
            return
        self.resolve(document["fields"])
        self._record(document, items, author)
        self.commit(issue, document)

    def resolve(self, fields: Json) -> None:
        """Resolution and its date go with a status of the category "done", as workflows do."""
        done = fields["status"]["statusCategory"]["key"] == "done"
        if done and not fields.get("resolutiondate"):
            fields["resolutiondate"] = stamp(self.clock.ms())
            cancelled = fields["status"]["name"] == "Cancelled"
            default = {"id": "10001", "name": "Won't Do"} if cancelled else dict(_DONE)
            fields["resolution"] = fields.get("resolution") or default
        elif not done:
            fields["resolutiondate"] = fields["resolution"] = None

    def _record(self, document: Json, items: Sequence[Json], author: Json) -> None:
        document.setdefault("history", []).append(
            {
                "id": str(self.next_id()), "author": author,
                "created": stamp(self.clock.ms()), "items": list(items),
            }
        )  # fmt: skip

    def delete(self, issue: Issue) -> None:
        """Removes the issue and its worklogs; its key is never used again."""
        del self.issues[issue.id]
        for worklog, (owner, _) in list(self.worklogs.items()):
            if owner == issue.id:
                del self.worklogs[worklog]
                self.worklogs_gone.append((self.clock.ms(), worklog))
        self._reindex(issue.id)

    def move(self, issue: Issue, project: str, author: Json) -> str:
        """Moves the issue: a new key, the same id; the old key goes on to find it."""
        target = self.projects[project]
        document = issue.document()
        before = document["key"]
        target["last"] += 1
        document["key"] = f"{project}-{target['last']}"
        old = document["fields"]["project"]
        document["fields"]["project"] = {k: target[k] for k in ("id", "key", "name")}
        items = [
            {"field": "project", "fieldtype": "jira", "from": old["id"], "fromString": old["name"],
             "to": target["id"], "toString": target["name"]},
            {"field": "Key", "fieldtype": "jira", "from": None, "fromString": before,
             "to": None, "toString": document["key"]},
        ]  # fmt: skip
        self._record(document, items, author)
        self.keys[document["key"]] = issue.id
        self.commit(issue, document)
        return str(document["key"])

    def amend(self, issue: Issue, act: Callable[[Json], None], *, touch: bool = True) -> None:
        """Changes a document in place: comments, worklogs, properties, links."""
        document = issue.document()
        act(document)
        self.commit(issue, document, touch=touch)

    # ---- the index

    def _row(self, issue: Issue, document: Json | None) -> Row:
        document = document or issue.document()
        fields = document["fields"]
        project, _, number = issue.key.rpartition("-")
        due, resolved = fields.get("duedate"), fields.get("resolutiondate")
        return Row(
            issue.id, issue.key, intern(project), int(number),
            milliseconds(fields["created"]), milliseconds(fields["updated"]),
            milliseconds(resolved) if resolved else None, milliseconds(due) if due else None,
            _words(fields), issue.raw,
        )  # fmt: skip


def _words(fields: Json) -> dict[str, tuple[str, ...]]:
    """What JQL's equality finds an issue by: ids and names, case-folded, without repetition."""
    sprints = [*(fields.get("closedSprints") or ()), fields.get("sprint")]
    parents = (fields.get("parent"), fields.get("epic"))
    found = {
        "project": _names([fields["project"]], "key", "id", "name"),
        "status": _names([fields["status"]], "name", "id"),
        "statuscategory": _names([fields["status"]["statusCategory"]], "name", "key", "id"),
        "issuetype": _names([fields["issuetype"]], "name", "id"),
        "assignee": _names([fields.get("assignee")], "name", "displayName", "accountId"),
        "reporter": _names([fields.get("reporter")], "name", "displayName", "accountId"),
        "labels": tuple(intern(label.casefold()) for label in fields.get("labels") or ()),
        "fixversion": _names(fields.get("fixVersions") or (), "name", "id"),
        "component": _names(fields.get("components") or (), "name", "id"),
        "sprint": _names(sprints, "name", "id"),
        "priority": _names([fields.get("priority")], "name", "id"),
        "resolution": _names([fields.get("resolution")], "name", "id"),
        "parent": _names(parents, "key", "id"),
    }
    return {name: words for name, words in found.items() if words}


def _names(things: Iterable[Json | None], *keys: str) -> tuple[str, ...]:
    return tuple(
        intern(str(thing[key]).casefold()) for thing in things if thing for key in keys
        if key in thing
    )  # fmt: skip
