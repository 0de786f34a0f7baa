"""Seeds the Jira sandbox with values of the unified model, as upserts by `ref.identity`.

`State.taken` keeps, for each identity, the object that its record made and the values given last.
A later record is compared with those: what is the same again changes nothing, what differs is an
edit made now, with history and stamp, and what others changed meanwhile stays.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime, time
from typing import Any

from connectors.jira.sandbox_api import Refusal, Request, Site, entries_of
from connectors.jira.sandbox_edit import brief, create, person, values
from connectors.jira.sandbox_state import Issue, Json, State, milliseconds, stamp
from connectors.jira.sandbox_writes import delete_worklog
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

_TYPES: Mapping[ItemType, str] = {
    ItemType.EPIC: "Epic", ItemType.STORY: "Story", ItemType.TASK: "Task",
    ItemType.DEFECT: "Bug", ItemType.IMPROVEMENT: "Improvement", ItemType.SUBTASK: "Sub-task",
}  # fmt: skip
_STATUSES: Mapping[WorkStatus, str] = {
    WorkStatus.TODO: "To Do", WorkStatus.IN_PROGRESS: "In Progress", WorkStatus.DONE: "Done",
    WorkStatus.CANCELLED: "Cancelled",
}  # fmt: skip
_ROBOT = "ITPM Sync"


def seed(site: Site, records: Iterable[Record]) -> int:
    """Adds or changes model values the vendor's way; returns how many were taken.

    Projects first, then what projects contain, then tickets (parents after all tickets exist),
    then time and history, so that the order of the records does not matter. Packages, milestones,
    sprints, time and changes whose project or ticket is not served here are not this sandbox's and
    are left to others.
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
    made = _tickets(state, items)
    taken += len(items)
    taken += sum(_happened(site, record, made) for record in given)
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


def _day(value: date | None) -> str | None:
    return value.isoformat() if value else None


def _moment(value: datetime | None) -> str | None:
    return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.000Z" if value else None


def _ms(value: datetime) -> int:
    return round(value.timestamp() * 1000)


# ---- versions and sprints


def _place(state: State, record: Record) -> bool:
    """Versions and sprints, which belong to a project."""
    project = state.projects.get(project_key(record.project_key)) if record.project_key else None
    if project is None or not isinstance(record, WorkPackage | Milestone | Sprint):
        return False
    if isinstance(record, Sprint):
        _place_sprint(state, project, record)
    else:
        _place_version(state, project, record)
    return True


def _place_version(state: State, project: Json, record: WorkPackage | Milestone) -> None:
    if isinstance(record, WorkPackage):
        more = {
            "startDate": _day(record.planned_start), "releaseDate": _day(record.planned_finish),
            "released": record.actual_finish is not None,
        }  # fmt: skip
    else:
        more = {"releaseDate": _day(record.planned), "released": record.actual is not None}
    known = state.taken.get(record.id, {}).get("version")
    before = [dict(version) for version in project["versions"]]
    for version in project["versions"]:
        if version["id"] == known:
            version["name"] = record.code
    made = state.version_of(project, record.code, description=record.name, **more)
    state.taken[record.id] = {"version": made["id"]}
    if made not in before:
        _renew(state, "fixversion", made)


def _place_sprint(state: State, project: Json, record: Sprint) -> None:
    before = [dict(sprint) for sprint in state.sprints.values()]
    known = state.sprints.get(state.taken.get(record.id, {}).get("sprint", 0))
    if known is not None:
        known["name"] = record.name
    made = state.sprint(
        project["key"], record.name, state=record.state or "future",
        startDate=_moment(record.start), endDate=_moment(record.finish),
        completeDate=_moment(record.finish) if record.state == "closed" else None,
    )  # fmt: skip
    state.taken[record.id] = {"sprint": made["id"]}
    if made not in before:
        _renew(state, "sprint", made)


def _renew(state: State, word: str, thing: Json) -> None:
    """Shows a changed version or sprint on its tickets, whose `updated` it does not move."""
    for number, row in list(state.rows.items()):
        issue = state.issues.get(number)
        if issue is None or str(thing["id"]) not in row.words.get(word, ()):
            continue
        document = issue.document()
        fields = document["fields"]
        if word == "sprint":
            listed = [*(fields.get("closedSprints") or ()), fields.get("sprint")]
            fields |= _sorted_sprints([_newer(s, thing) for s in listed if s])
        else:
            fields["fixVersions"] = [_newer(v, thing) for v in fields["fixVersions"]]
        state.commit(issue, document, touch=False)


def _newer(known: Json, thing: Json) -> Json:
    return dict(thing) if known["id"] == thing["id"] else known


def _sorted_sprints(sprints: Sequence[Json]) -> Json:
    current = [s for s in sprints if s["state"] != "closed"]
    closed = [s for s in sprints if s["state"] == "closed"]
    return {"sprint": current[-1] if current else None, "closedSprints": closed}


# ---- tickets


def _tickets(state: State, items: Sequence[WorkItem]) -> set[int]:
    """Adds or edits the tickets; returns the ids of the issues that are new."""
    created = {}
    for item in items:
        if _known(state, item.id) is None:
            created[item.id] = _add(state, item)
    made = {issue.id for issue in created.values()}
    for item in items:
        issue = created.pop(item.id, None)
        if issue is not None:
            _relate(state, item, issue)
        else:
            _edit(state, item)
    return made


def _known(state: State, identity: str) -> Issue | None:
    """The issue that a record made, unless somebody deleted it."""
    return state.issues.get(state.taken.get(identity, {}).get("issue", 0))


def _add(state: State, item: WorkItem) -> Issue:
    project = _project(state, item.project_key)
    changed = item.updated_at or item.created_at or state.clock.now()
    updated = _ms(changed)
    created = _ms(item.created_at or changed)
    issue = create(
        state, project, _fields(state, item), author=person(state, item.reporter or _ROBOT),
        created=created, updated=max(updated, created), key=_free_key(state, project, item.key),
        ident=_free_id(state, item),
    )  # fmt: skip
    state.taken[item.id] = {"issue": issue.id}
    for name in (item.id, item.ref.source_id, item.key):
        if state.seeded.get(name) not in state.issues:
            state.seeded[name] = issue.id
    return issue


def _free_key(state: State, project: Json, key: str) -> str:
    """The model's own key where it is one of this project and free, else none."""
    fits = re.fullmatch(re.escape(project["key"]) + r"-[1-9]\d*", key)
    return key if fits and key not in state.keys else ""


def _free_id(state: State, item: WorkItem) -> int:
    """The model's own number where it is free; that of a deleted issue never is again."""
    source_id = item.ref.source_id
    number = int(source_id) if source_id.isdecimal() and item.id not in state.taken else 0
    return number if number and number not in state.issues else 0


def _fields(state: State, item: WorkItem) -> Json:
    """What a request could set, as JSON."""
    points = item.points
    whole = points is not None and points == points.to_integral_value()
    fields: Json = {
        "summary": item.title,
        "issuetype": item.source_type or _TYPES.get(item.type, "Task"),
        "status": _STATUSES[item.status],
        "priority": item.priority or "Medium",
        "assignee": item.assignee or None,
        "reporter": item.reporter or _ROBOT,
        "labels": list(item.labels),
        "components": list(item.components),
        "fixVersions": list(item.versions),
        "duedate": _day(item.due),
        "timeoriginalestimate": item.estimate_s,
        "timeestimate": item.remaining_s,
        "Story Points": None if points is None else int(points) if whole else float(points),
        "Cost Code": item.work_package or None,
        "sprint": list(item.sprints),
        "resolution": None,
    }
    if item.resolved_at or item.status in (WorkStatus.DONE, WorkStatus.CANCELLED):
        default = "Won't Do" if item.status is WorkStatus.CANCELLED else "Done"
        fields["resolution"] = item.resolution or default
    for name, value in item.attributes.items():
        fields[state.fields.for_text(name)] = value
    return fields


def _apart(state: State, item: WorkItem) -> Json:
    """What a request could not set: place, times, parents, links to tickets served here."""
    parents = [state.issues.get(state.seeded.get(n, 0)) for n in (item.epic, item.parent) if n]
    links = []
    for text in item.links:
        kind, _, key = text.rpartition(" ")
        other = state.issues.get(state.seeded.get(key, 0))
        if other is not None:
            links.append([kind or "relates to", other.id])
    own = state.taken[item.id]["issue"]
    return {
        "project": project_key(item.project_key),
        "parents": [p.key for p in parents if p is not None and p.id != own], "links": links,
        "resolved": stamp(_ms(item.resolved_at)) if item.resolved_at else None,
        "spent": item.spent_s,
    }  # fmt: skip


def _relate(state: State, item: WorkItem, issue: Issue) -> None:
    """Completes a new ticket now that all the others exist; `updated` stays as it was given."""
    apart = _apart(state, item)
    document = issue.document()
    for key in apart["parents"]:
        document["fields"] |= values(state, state.project_of(issue), {"parent": key})
    if document["fields"]["resolution"]:
        document["fields"]["resolutiondate"] = document["fields"]["updated"]
    _put_apart(state, document["fields"], {}, apart)
    state.commit(issue, document, touch=False)
    state.taken[item.id]["given"] = _fields(state, item) | apart


def _put_apart(state: State, fields: Json, before: Json, now: Json) -> None:
    """Sets times and links to what is given now instead of before; nobody's history tells them."""
    if now["resolved"] and now["resolved"] != before.get("resolved"):
        fields["resolutiondate"] = now["resolved"]
    if now["spent"] is not None and now["spent"] != before.get("spent"):
        fields["timespent"] = max(now["spent"], _logged(fields))
    gone = [link for link in before.get("links", ()) if link not in now["links"]]
    fields["issuelinks"] = [x for x in fields["issuelinks"] if _parts(x) not in gone]
    listed = [_parts(x) for x in fields["issuelinks"]]
    for kind, number in now["links"]:
        if [kind, number] not in listed:
            fields["issuelinks"].append(_link(state, kind, state.issues[number]))


def _parts(link: Json) -> list[Any]:
    return [link["type"]["outward"], int(link.get("outwardIssue", {"id": 0})["id"])]


def _link(state: State, name: str, other: Issue) -> Json:
    inward = {"blocks": "is blocked by", "duplicates": "is duplicated by"}.get(name, name)
    kinds = {"blocks": "Blocks", "duplicates": "Duplicate", "relates to": "Relates"}
    return {
        "id": str(state.next_id()),
        "type": {"id": "10000", "name": kinds.get(name, name), "inward": inward, "outward": name},
        "outwardIssue": brief(other),
    }


def _logged(fields: Json) -> int:
    entries = (fields.get("worklog") or {}).get("worklogs", ())
    return sum(entry["timeSpentSeconds"] for entry in entries)


def _edit(state: State, item: WorkItem) -> None:
    """Changes a ticket as its assignee would do it now; nothing if nothing new is given."""
    issue, kept = state.issues[state.taken[item.id]["issue"]], state.taken[item.id]
    before, apart = kept["given"], _apart(state, item)
    now = _fields(state, item) | apart
    # What an earlier record had and this one lacks (an attribute) becomes empty.
    changed = {k: now.get(k) for k in {**before, **now} if now.get(k) != before.get(k)}
    if not changed:
        return
    kept["given"], stood = now, issue.updated
    author = person(state, item.assignee or item.reporter or _ROBOT)
    if "project" in changed and now["project"] != state.project_of(issue)["key"]:
        state.move(issue, now["project"], author)
    project = state.project_of(issue)
    setting = values(state, project, {k: v for k, v in changed.items() if k not in apart})
    if "parents" in changed:
        for key in (None, *now["parents"]):
            setting |= values(state, project, {"parent": key})
    state.change(issue, setting, author)
    document = issue.document()
    _put_apart(state, document["fields"], before, now)
    state.commit(issue, document, touch=issue.updated == stood)


# ---- time and history


def _happened(site: Site, record: Record, made: set[int]) -> bool:
    """Time worked and changes made, which belong to a ticket. On a ticket that is as new (`made`)
    they are its past; on an older one they are news, which moves its `updated`."""
    if not isinstance(record, TimeEntry | FieldChange):
        return False
    issue = site.state.issues.get(site.state.seeded.get(record.item, 0))
    if issue is None:
        return False
    kept = site.state.taken.get(record.id, {})
    given = _time(record) if isinstance(record, TimeEntry) else _change(site.state, record)
    if (kept.get("owner"), kept.get("given")) == (issue.id, given):
        return True
    ident = kept.get("entry") if kept.get("owner") == issue.id else None
    if isinstance(record, TimeEntry):
        _drop_worklog(site, kept, but=issue.id)
        ident = _put_worklog(site.state, issue, given, ident, news=issue.id not in made)
    else:
        ident = _put_change(site.state, issue, given, ident, news=issue.id not in made)
    site.state.taken[record.id] = {"owner": issue.id, "entry": ident, "given": given}
    return True


def _time(entry: TimeEntry) -> Json:
    start = entry.started_at or datetime.combine(entry.on, time(9), UTC)
    return {
        "started": stamp(_ms(start)), "timeSpentSeconds": entry.duration_s,
        "comment": entry.note or None, "person": entry.person,
    }  # fmt: skip


def _drop_worklog(site: Site, kept: Json, *, but: int) -> None:
    """Takes a worklog off the ticket that it no longer belongs to."""
    if kept and kept["owner"] != but:
        with suppress(Refusal):  # the ticket or the worklog is gone already
            delete_worklog(site, Request("DELETE", "", {}), str(kept["owner"]), kept["entry"])


def _add_spent(fields: Json, change: int) -> None:
    """A shorter worklog takes its time off; a longer one first explains what is spent already."""
    spent = (fields.get("timespent") or 0) + min(change, 0)
    fields["timespent"] = max(spent, _logged(fields))


def _put_worklog(state: State, issue: Issue, given: Json, ident: str | None, *, news: bool) -> str:
    """Adds a worklog, or changes the one of that id if it still stands; its id."""
    ended = milliseconds(given["started"]) + given["timeSpentSeconds"] * 1000
    at = state.clock.ms() if news else min(ended, state.clock.ms())
    who = person(state, given["person"])
    document = issue.document()
    entries = entries_of(document, "worklog", "worklogs")
    entry = next((e for e in entries if e["id"] == ident), None)
    if entry is None:
        entry = {"id": str(state.next_id()), "created": stamp(at), "timeSpentSeconds": 0}
        entries.append(entry)
    change = given["timeSpentSeconds"] - entry["timeSpentSeconds"]
    entry |= {k: v for k, v in given.items() if k != "person"}
    entry |= {"author": who, "updateAuthor": who, "updated": stamp(at)}
    _add_spent(document["fields"], change)
    _commit(state, issue, document, at, news=news)
    return str(entry["id"])


def _change(state: State, change: FieldChange) -> Json:
    ident = state.fields.named(change.field_name) or change.field_name
    item = {
        "field": state.fields.title(ident), "fieldId": ident,
        "fieldtype": "custom" if ident in state.fields.custom else "jira",
        "from": None, "fromString": change.before or None,
        "to": None, "toString": change.after or None,
    }  # fmt: skip
    return {"created": stamp(_ms(change.at)), "author": change.author or _ROBOT, "items": [item]}


def _put_change(state: State, issue: Issue, given: Json, ident: str | None, *, news: bool) -> str:
    """Writes a change into the history, or corrects the one of that id; its id."""
    ident = ident or str(state.next_id())
    document = issue.document()
    others = [entry for entry in document.get("history", []) if entry["id"] != ident]
    entry = {"id": ident, **given, "author": person(state, given["author"])}
    document["history"] = sorted([*others, entry], key=lambda e: (e["created"], int(e["id"])))
    _commit(state, issue, document, milliseconds(given["created"]), news=news)
    return ident


def _commit(state: State, issue: Issue, document: Json, moment: int, *, news: bool) -> None:
    """News are an edit made now; the past only makes the ticket no older than itself."""
    if not news:
        issue.updated = max(milliseconds(document["fields"]["updated"]), moment)
        document["fields"]["updated"] = stamp(issue.updated)
    state.commit(issue, document, touch=news)
