"""Fills the Jira sandbox: dumps of real issues, values of the unified model, saved states."""

from __future__ import annotations

import lzma
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import orjson

from connectors.jira.sandbox_api import Site
from connectors.jira.sandbox_edit import brief, create, person, values
from connectors.jira.sandbox_state import Issue, Json, State, milliseconds, stamp
from connectors.jira.sandbox_writes import record_worklog
from itpm_sync.errors import ConfigError, Problem
from itpm_sync.model import (
    FieldChange,
    ItemType,
    Milestone,
    Project,
    Record,
    Sprint,
    TimeEntry,
    WorkItem,
    WorkPackage,
    WorkStatus,
)

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


# ---- values of the unified model

_TYPES: Mapping[ItemType, str] = {
    ItemType.EPIC: "Epic", ItemType.STORY: "Story", ItemType.TASK: "Task",
    ItemType.DEFECT: "Bug", ItemType.IMPROVEMENT: "Improvement", ItemType.SUBTASK: "Sub-task",
}  # fmt: skip
_STATUSES: Mapping[WorkStatus, str] = {
    WorkStatus.TODO: "To Do", WorkStatus.IN_PROGRESS: "In Progress", WorkStatus.DONE: "Done",
    WorkStatus.CANCELLED: "Cancelled",
}  # fmt: skip


def seed(site: Site, records: Iterable[Record]) -> int:
    """Adds model values the vendor's way; returns how many were taken.

    Projects first, then what projects contain, then tickets (parents after all tickets exist),
    then time and history. Packages, milestones, sprints, time and changes whose project or ticket
    is not served here are not this sandbox's and are left to others.
    """
    state, given = site.state, list(records)
    items = [r for r in given if isinstance(r, WorkItem)]
    taken = 0
    for record in given:
        if isinstance(record, Project):
            _project(state, record.code, record.name)
            taken += 1
    for item in items:
        _project(state, item.project_key)
    taken += sum(_place(state, record) for record in given)
    issues = [_item(state, item) for item in items]
    for item, issue in zip(items, issues, strict=True):
        _relate(state, item, issue)
    taken += len(items)
    taken += sum(_happened(site, record) for record in given)
    for key in state.projects:
        if not any(key in board["projects"] for board in state.boards.values()):
            state.board(key, scrum=False)
    return taken


def project_key(code: str) -> str:
    """A project's code as a Jira key: letters, digits and underscores, a letter first."""
    key = re.sub(r"[^A-Z0-9_]", "", code.upper())
    return key if key[:1].isalpha() else f"P{key}"


def _project(state: State, code: str, name: str = "") -> Json:
    project = state.add_project(project_key(code), name or code)
    if name:
        project["name"] = name
    return project


def _place(state: State, record: Record) -> bool:
    """Versions and sprints, which belong to a project."""
    project = state.projects.get(project_key(record.project_key)) if record.project_key else None
    if project is None or not isinstance(record, WorkPackage | Milestone | Sprint):
        return False
    if isinstance(record, WorkPackage):
        finish = record.planned_finish
        state.version_of(
            project, record.code, description=record.name, startDate=_day(record.planned_start),
            releaseDate=_day(finish), released=record.actual_finish is not None,
        )  # fmt: skip
    elif isinstance(record, Milestone):
        state.version_of(
            project, record.code, description=record.name, releaseDate=_day(record.planned),
            released=record.actual is not None,
        )  # fmt: skip
    else:
        state.sprint(
            project["key"], record.name, state=record.state or "future",
            startDate=_moment(record.start), endDate=_moment(record.finish),
            completeDate=_moment(record.finish) if record.state == "closed" else None,
        )  # fmt: skip
    return True


def _day(value: date | None) -> str | None:
    return value.isoformat() if value else None


def _moment(value: datetime | None) -> str | None:
    return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.000Z" if value else None


def _ms(value: datetime) -> int:
    return round(value.timestamp() * 1000)


def _item(state: State, item: WorkItem) -> Issue:
    project = _project(state, item.project_key)
    changed = item.updated_at or item.created_at or state.clock.now()
    updated = _ms(changed)
    created = _ms(item.created_at or changed)
    issue = create(
        state, project, _fields(state, item), author=person(state, item.reporter or "ITPM Sync"),
        created=created, updated=max(updated, created), key=_free_key(state, project, item.key),
        ident=_free_id(state, item.ref.source_id),
    )  # fmt: skip
    for name in (item.id, item.ref.source_id, item.key):
        state.seeded.setdefault(name, issue.id)
    return issue


def _free_key(state: State, project: Json, key: str) -> str:
    """The model's own key where it is one of this project and free, else none."""
    fits = re.fullmatch(re.escape(project["key"]) + r"-[1-9]\d*", key)
    return key if fits and key not in state.keys else ""


def _free_id(state: State, source_id: str) -> int:
    number = int(source_id) if source_id.isdigit() else 0
    return number if number and number not in state.issues else 0


def _fields(state: State, item: WorkItem) -> Json:
    fields: Json = {
        "summary": item.title,
        "issuetype": item.source_type or _TYPES.get(item.type, "Task"),
        "status": _STATUSES[item.status],
        "priority": item.priority or "Medium",
        "assignee": item.assignee or None,
        "reporter": item.reporter or "ITPM Sync",
        "labels": list(item.labels),
        "components": list(item.components),
        "fixVersions": list(item.versions),
        "duedate": _day(item.due),
        "timeoriginalestimate": item.estimate_s,
        "timeestimate": item.remaining_s,
        "Story Points": item.points,
        "Cost Code": item.work_package or None,
        "sprint": list(item.sprints),
    }
    if item.resolved_at or item.status in (WorkStatus.DONE, WorkStatus.CANCELLED):
        default = "Won't Do" if item.status is WorkStatus.CANCELLED else "Done"
        fields["resolution"] = item.resolution or default
    for name, value in item.attributes.items():
        fields[state.fields.for_text(name)] = value
    return fields


def _relate(state: State, item: WorkItem, issue: Issue) -> None:
    """Parents, epics, links and times that a request could not set."""
    document = issue.document()
    fields = document["fields"]
    project = state.project_of(issue)
    for name in (item.epic, item.parent):
        target = state.issues.get(state.seeded.get(name, 0)) if name else None
        if target is not None and target.id != issue.id:
            fields |= values(state, project, {"parent": target.key})
    for text in item.links:
        kind, _, key = text.rpartition(" ")
        other = state.issues.get(state.seeded.get(key, 0))
        if other is not None:
            fields["issuelinks"].append(_link(state, kind, other))
    if item.resolved_at:
        fields["resolutiondate"] = stamp(_ms(item.resolved_at))
    elif fields["resolution"]:
        fields["resolutiondate"] = fields["updated"]
    if item.spent_s is not None:
        fields["timespent"] = item.spent_s
    state.commit(issue, document, touch=False)


def _link(state: State, kind: str, other: Issue) -> Json:
    name = kind or "relates to"
    inward = {"blocks": "is blocked by", "duplicates": "is duplicated by"}.get(name, name)
    kinds = {"blocks": "Blocks", "duplicates": "Duplicate", "relates to": "Relates"}
    return {
        "id": str(state.next_id()),
        "type": {"id": "10000", "name": kinds.get(name, name), "inward": inward, "outward": name},
        "outwardIssue": brief(other),
    }


def _happened(site: Site, record: Record) -> bool:
    """Time worked and changes made, which belong to a ticket."""
    if not isinstance(record, TimeEntry | FieldChange):
        return False
    issue = site.state.issues.get(site.state.seeded.get(record.item, 0))
    if issue is None:
        return False
    if isinstance(record, TimeEntry):
        _time(site, issue, record)
    else:
        _change(site.state, issue, record)
    return True


def _time(site: Site, issue: Issue, entry: TimeEntry) -> None:
    state = site.state
    start = entry.started_at or datetime.combine(entry.on, time(9), UTC)
    made = min(_ms(start) + entry.duration_s * 1000, state.clock.ms())
    who = person(state, entry.person)
    spent = issue.document()["fields"].get("timespent")
    worklog = {
        "id": str(state.next_id()), "author": who, "updateAuthor": who, "created": stamp(made),
        "updated": stamp(made), "started": stamp(_ms(start)), "timeSpentSeconds": entry.duration_s,
        "comment": entry.note or None,
    }  # fmt: skip
    record_worklog(site, issue, worklog, adjust=False, touch=False)
    document = issue.document()
    logged = sum(w["timeSpentSeconds"] for w in document["fields"]["worklog"]["worklogs"])
    document["fields"]["timespent"] = max(spent or 0, logged)
    _no_older(document, made)
    state.commit(issue, document, touch=False)
    issue.updated = milliseconds(document["fields"]["updated"])


def _no_older(document: Json, moment: int) -> None:
    """An issue changed at a moment was not last updated before it."""
    fields = document["fields"]
    fields["updated"] = stamp(max(milliseconds(fields["updated"]), moment))


def _change(state: State, issue: Issue, change: FieldChange) -> None:
    ident = state.fields.named(change.field_name) or change.field_name
    document = issue.document()
    item = {
        "field": state.fields.title(ident), "fieldId": ident,
        "fieldtype": "custom" if ident in state.fields.custom else "jira",
        "from": None, "fromString": change.before or None,
        "to": None, "toString": change.after or None,
    }  # fmt: skip
    entry = {
        "id": str(state.next_id()), "author": person(state, change.author or "ITPM Sync"),
        "created": stamp(_ms(change.at)), "items": [item],
    }  # fmt: skip
    history = [*document.get("history", []), entry]
    document["history"] = sorted(history, key=lambda e: (e["created"], int(e["id"])))
    _no_older(document, _ms(change.at))
    state.commit(issue, document, touch=False)
    issue.updated = milliseconds(document["fields"]["updated"])


# ---- saved states

_SAVED = (
    "zone_name", "index_lag_s", "projects", "keys", "users", "statuses", "seeded", "worklogs_gone",
    "last_id",
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
