"""Fills the Jira sandbox with dumps of real issues and with saved states."""

from __future__ import annotations

import lzma
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson

from connectors.jira.sandbox_state import Json, State
from itpm_sync.errors import ConfigError, Problem

# ---- dumps of real records


def load(state: State, path: Path) -> int:
    """Adds a dump: a folder of `KEY.project.json` and `KEY.jsonl[.xz]`, or one JSON-lines file.

    Returns the number of issues. Raises ConfigError naming file and line of what is no issue.
    """
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    for file in files:
        if file.name.endswith(".project.json"):
            _load_project(state, _parsed(file.read_bytes(), f"{file}:1"))
    count = 0
    for file in files:
        if file.name.endswith((".jsonl", ".jsonl.xz")) or not path.is_dir():
            for number, line in enumerate(_lines(file), start=1):
                _load_issue(state, line, f"{file}:{number}")
                count += 1
    if not count:
        raise _broken(str(path), "holds no issues", "expected *.jsonl or *.jsonl.xz files")
    _load_boards(state)
    return count


def _broken(where: str, message: str, hint: str) -> ConfigError:
    return ConfigError([Problem(path=(), message=message, hint=hint, where=where)])


def _lines(file: Path) -> Iterator[bytes]:
    with lzma.open(file) if file.suffix == ".xz" else file.open("rb") as stream:
        yield from (line.strip() for line in stream if line.strip())


def _parsed(line: bytes, where: str) -> Json:
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise _broken(where, f"is not JSON: {error}", "one JSON object a line") from None
    if not isinstance(found, dict):
        raise _broken(where, "is not a JSON object", "one JSON object a line")
    return found


def _load_project(state: State, given: Json) -> None:
    project = state.add_project(given["key"], given["name"], id=given["id"])
    shown = ("id", "name", "description", "archived", "released", "startDate", "releaseDate")
    project["versions"] = [{k: v[k] for k in shown if k in v} for v in given.get("versions", ())]
    project["components"] = list(given.get("components", ()))
    project["issueTypes"] = list(given.get("issueTypes", ()))
    project["description"] = given.get("description") or ""


def _load_issue(state: State, line: bytes, where: str) -> None:
    document = _parsed(line, where)
    try:
        fields = document["fields"]
        at_home = fields["project"]
        state.add_project(at_home["key"], at_home.get("name", ""), id=at_home["id"])
        status = fields["status"]
        if status["name"] not in state.statuses:
            state.statuses[status["name"]] = status
        for user in (fields.get("assignee"), fields.get("reporter"), fields.get("creator")):
            if user and user["name"] not in state.users:
                state.users[user["name"]] = user
        for sprint in (*(fields.get("closedSprints") or ()), fields.get("sprint")):
            if sprint:
                known = state.sprints.setdefault(sprint["id"], {**sprint, "projects": []})
                if at_home["key"] not in known["projects"]:
                    known["projects"].append(at_home["key"])
        state.adopt(document, line)
    except (KeyError, TypeError, ValueError) as error:
        message = f"is not a Jira issue: {type(error).__name__} {error}"
        raise _broken(where, message, "expected id, key and fields of one issue") from None


def _load_boards(state: State) -> None:
    """Boards are known from the sprints that began on them."""
    for sprint in state.sprints.values():
        for project in sprint.pop("projects", ()):
            if sprint.get("originBoardId"):
                state.board(project, scrum=True, id=int(sprint["originBoardId"]))
    newest = max([state.last_id, *state.sprints, *state.boards])
    state.last_id = max([newest, *state.comments, *state.worklogs])


# ---- saved states

_SAVED = (
    "zone_name", "index_lag_s", "projects", "keys", "users", "statuses", "seeded", "taken",
    "worklogs_gone", "last_id",
)  # fmt: skip


def dump(state: State) -> bytes:
    """The whole state as JSON. The index is not kept: a restored one is up to date."""
    issues = [
        {"hidden": issue.hidden, "document": orjson.Fragment(issue.raw)}
        for issue in state.issues.values()
    ]
    whole: dict[str, Any] = {name: getattr(state, name) for name in _SAVED}
    whole |= {
        "boards": list(state.boards.values()), "sprints": list(state.sprints.values()),
        "denied": sorted(state.denied), "cloud": state.fields.cloud,
        "fields": state.fields.custom, "issues": issues,
        "clock": state.clock.offset.total_seconds(),
    }  # fmt: skip
    return orjson.dumps(whole)


def undump(state: State, saved: bytes) -> None:
    """Fills a fresh state with what `dump` wrote."""
    whole = orjson.loads(saved)
    for name in _SAVED:
        setattr(state, name, whole[name])
    state.worklogs_gone = [(when, ident) for when, ident in whole["worklogs_gone"]]
    state.boards = {board["id"]: board for board in whole["boards"]}
    state.sprints = {sprint["id"]: sprint for sprint in whole["sprints"]}
    state.denied = set(whole["denied"])
    state.clock.offset = timedelta(seconds=whole["clock"])
    state.fields.cloud, state.fields.custom = whole["cloud"], whole["fields"]
    for entry in whole["issues"]:
        state.adopt(entry["document"], hidden=entry["hidden"])
