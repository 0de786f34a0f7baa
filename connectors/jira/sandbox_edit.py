"""Turns plain or vendor values of fields into what the sandbox's documents hold.

Seeds, tests and HTTP requests meet here: a status is given as "Done", `{"name": "Done"}` or
`{"id": "10102"}`, a person by display name, user name or account id.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from connectors.jira.sandbox_fields import CATEGORIES
from connectors.jira.sandbox_render import account_id, text_of
from connectors.jira.sandbox_state import Issue, Json, State, stamp

_TYPE_IDS = {"Epic": "10000", "Story": "10001", "Task": "10002", "Sub-task": "10003",
             "Bug": "10004", "Improvement": "10005"}  # fmt: skip
_PRIORITIES = {"Highest": "1", "High": "2", "Medium": "3", "Low": "4", "Lowest": "5"}


class UnknownValue(Exception):
    """A field or value that the site does not have: (field, the vendor's words)."""


def _stable_id(name: str) -> str:
    return str(20_000 + int(hashlib.sha256(name.encode()).hexdigest()[:6], 16))


def simple(value: Any) -> Any:
    """A vendor's value as a plain one: `{"name": "Done"}` → `"Done"`, a document → its text."""
    if isinstance(value, list):
        return [simple(entry) for entry in value]
    if not isinstance(value, dict):
        return value
    if value.get("type") == "doc":
        return text_of(value)
    for key in ("name", "value", "accountId", "key", "id"):
        if value.get(key) is not None:
            return value[key]
    return None


def issue_type(state: State, project: Json, name: str) -> Json:
    """The project's issue type of that name or id, made if there is none of that name."""
    for known in project["issueTypes"]:
        if name in (known["name"], known["id"]):
            return dict(known)
    made = {
        "id": _TYPE_IDS.get(name) or _stable_id(name), "name": name, "description": "",
        "subtask": name == "Sub-task",
    }  # fmt: skip
    if state.fields.cloud:
        made["hierarchyLevel"] = {"Epic": 1, "Sub-task": -1}.get(name, 0)
    project["issueTypes"].append(made)
    return dict(made)


def person(state: State, value: str) -> Json:
    """The user of that account id, user name or display name; a new name is a new user."""
    for user in state.users.values():
        if value in (user["name"], user["displayName"], account_id(user["name"])):
            return user
    return state.user(value)


def brief(issue: Issue) -> Json:
    """An issue as another one's document refers to it."""
    document = issue.document()
    fields = {k: document["fields"].get(k) for k in ("summary", "status", "priority", "issuetype")}
    return {
        "id": str(issue.id), "key": issue.key, "fields": {k: v for k, v in fields.items() if v},
    }  # fmt: skip


def values(state: State, project: Json, given: Mapping[str, Any]) -> Json:
    """Plain or vendor values by field id or name → what a document holds. Raises UnknownValue."""
    result: Json = {}
    for name, value in given.items():
        ident = {"sprint": "sprint", "epic": "epic", "fixVersion": "fixVersions"}.get(name)
        ident = ident or state.fields.named(name)
        if ident is None:
            raise UnknownValue(
                name, f"Field '{name}' cannot be set. It is not on the appropriate screen, or "
                "unknown."
            )  # fmt: skip
        result.update(_value(state, project, ident, simple(value)))
    return result


def _value(state: State, project: Json, ident: str, value: Any) -> Json:
    if ident in (state.fields.sprint, "sprint"):
        return _sprint(state, project, value)
    if ident in (state.fields.epic_link, "epic", "parent"):
        return _parent(state, ident, value)
    if ident == "timetracking":
        return {}
    return {ident: None if value is None else _plain(state, project, ident, value)}


def _plain(state: State, project: Json, ident: str, value: Any) -> Any:
    """A value that becomes exactly one entry of the document."""
    if ident in ("assignee", "reporter", "creator"):
        return dict(person(state, str(value)))
    if ident in ("fixVersions", "versions"):
        return [state.version_of(project, _text(v, project["versions"])) for v in value]
    if ident == "components":
        return [state.component_of(project, _text(v, project["components"])) for v in value]
    if ident in ("priority", "resolution"):
        return {"id": _PRIORITIES.get(value) or _stable_id(value), "name": value}
    if ident in ("issuetype", "status"):
        name = str(value)
        return issue_type(state, project, name) if ident == "issuetype" else _status(state, name)
    return _number(value) if isinstance(value, Decimal) else value


def _text(value: Any, listed: list[Json]) -> str:
    """A version or component given by id as its name."""
    named = (entry["name"] for entry in listed if entry["id"] == str(value))
    return str(next(named, value))


def _number(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)


def _status(state: State, value: str) -> Json:
    for known in state.statuses.values():
        if value.casefold() in (known["name"].casefold(), known["id"]):
            return dict(known)
    category = next((c["key"] for c in CATEGORIES if c["name"] == value), "indeterminate")
    return dict(state.status(value, category))


def _sprint(state: State, project: Json, value: Any) -> Json:
    if value is None or value == []:
        return {"sprint": None, "closedSprints": []}
    names = value if isinstance(value, list) else [value]
    known = [_one_sprint(state, project, name) for name in names]
    closed = [dict(s) for s in known if s["state"] == "closed"]
    current = [dict(s) for s in known if s["state"] != "closed"]
    return {"sprint": current[-1] if current else None, "closedSprints": closed}


def _one_sprint(state: State, project: Json, name: Any) -> Json:
    for known in state.sprints.values():
        if name in (known["id"], known["name"]):
            return known
    return state.sprint(project["key"], str(name))


def _parent(state: State, ident: str, value: Any) -> Json:
    if value is None:
        return {"parent": None, "epic": None} if ident == "parent" else {"epic": None}
    target = state.get(str(value))
    if target is None:
        raise UnknownValue(ident, f"Could not find issue by id or key: '{value}'.")
    fields = target.document()["fields"]
    if fields["issuetype"]["name"] == "Epic":
        done = fields["status"]["statusCategory"]["key"] == "done"
        epic = {"id": target.id, "key": target.key, "name": fields["summary"],
                "summary": fields["summary"], "done": done}  # fmt: skip
        return {"epic": epic}
    return {"parent": brief(target)}


def create(
    state: State,
    project: Json,
    given: Mapping[str, Any],
    *,
    author: Json,
    created: int | None = None,
    updated: int | None = None,
    key: str = "",
    ident: int = 0,
) -> Issue:
    """A new issue with every field that a real one carries; not yet in any history."""
    now = state.clock.ms()
    project["last"] += 0 if key else 1
    made = stamp(created if created is not None else now)
    fields: Json = {
        "summary": "", "issuetype": None, "status": dict(state.statuses["To Do"]),
        "project": {k: project[k] for k in ("id", "key", "name")}, "description": None,
        "environment": None, "created": made,
        "updated": stamp(updated) if updated is not None else made, "resolution": None,
        "resolutiondate": None, "priority": {"id": "3", "name": "Medium"}, "assignee": None,
        "reporter": dict(author), "creator": dict(author), "labels": [], "components": [],
        "versions": [], "fixVersions": [], "issuelinks": [], "subtasks": [], "duedate": None,
        "timeoriginalestimate": None, "timeestimate": None, "timespent": None,
        "comment": {"comments": []}, "worklog": {"worklogs": []}, "attachment": [],
        "closedSprints": [], "sprint": None,
    }  # fmt: skip
    fields |= values(state, project, {"issuetype": "Task", **given})
    state.resolve(fields)
    document = {
        "id": str(ident or state.next_id()), "key": key or f"{project['key']}-{project['last']}",
        "fields": fields, "history": [], "properties": {}, "remotelinks": [],
    }  # fmt: skip
    return state.adopt(document)
