"""What is made of Jira's JSON before it is handed over; pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from connectors.jira.client import INLINE_CHANGES
from itpm_sync.errors import ConnectionFailed, suggestion

Json = dict[str, Any]

_DISCOVERED = {"sprint": ":gh-sprint", "epic": ":gh-epic-link"}  # neutral name: end of schema type
_PLAIN = frozenset({"", "done", "fixed", "resolved", "complete", "completed"})
# Data Center: com.atlassian.greenhopper.service.sprint.Sprint@1f[id=7,rapidViewId=2,…,name=A, b,…]
_SPRINT = re.compile(
    r"[\[,]id=(?P<id>\d+).*?,name=(?P<name>.*?)"
    r"(?=,(?:startDate|endDate|completeDate|activatedDate|sequence|goal|synced|autoStartStop)=|\]$)"
)


def resolve_fields(
    configured: Mapping[str, str], fields: Sequence[Mapping[str, Any]]
) -> dict[str, str]:
    """Neutral name → field id. `configured` gives a name or an id for each.

    Raises ConnectionFailed naming every field that is unknown or stands for several.
    """
    by_id = {str(f["id"]): f for f in fields}
    resolved: dict[str, str] = {}
    problems: list[str] = []
    for neutral, word in configured.items():
        found = [word] if word in by_id else _named(word, fields)
        if len(found) == 1:
            resolved[neutral] = found[0]
        elif found:
            choices = ", ".join(f"{i} ({_field_kind(by_id[i])})" for i in found)
            problems.append(f'fields.{neutral}: several fields are called "{word}": {choices}')
        else:
            hint = suggestion(word, [str(f.get("name")) for f in fields if f.get("custom")])
            problems.append(f'fields.{neutral}: no field is called "{word}"; {hint}')
    if problems:
        raise ConnectionFailed("; ".join(problems), advice="configure the field by its id")
    for neutral, kind in _DISCOVERED.items():
        ids = [i for i, f in by_id.items() if str(_schema(f).get("custom", "")).endswith(kind)]
        if neutral not in resolved and ids:
            resolved[neutral] = ids[0]
    return resolved


def _named(word: str, fields: Iterable[Mapping[str, Any]]) -> list[str]:
    folded = word.strip().casefold()
    return [str(f["id"]) for f in fields if str(f.get("name", "")).strip().casefold() == folded]


def _schema(field: Mapping[str, Any]) -> Mapping[str, Any]:
    return field.get("schema") or {}


def _field_kind(field: Mapping[str, Any]) -> str:
    kind = str(_schema(field).get("type") or "of unknown type")
    scope = field.get("scope") or {}
    project = (scope.get("project") or {}).get("id")
    return f"{kind}, only in project {project}" if project else kind


def flat_changes(histories: Iterable[Json]) -> list[Json]:
    """The change history as one list of changed fields, oldest first, each with what its history
    says and an id of its own. Nothing is left out but the grouping."""
    changes = []
    for history in histories:
        head = {**history}
        ident, items = head.pop("id", None), head.pop("items", None)
        if isinstance(created := head.get("created"), int):  # the bulk read of Cloud may do this
            head["created"] = datetime.fromtimestamp(created / 1000, UTC).isoformat()
        times: dict[str, int] = {}
        for item in items or ():
            # Not by position: the two ways of reading a history need not agree on the order.
            name = str(item.get("fieldId") or item.get("field"))
            time = times[name] = times.get(name, -1) + 1
            changes.append({**item, **head, "id": f"{ident}.{name}.{time}", "history": ident})
    if len(changes) > 1:
        changes.sort(key=lambda c: (str(c.get("created")), _numeric(c["history"]), c["id"]))
    return changes


def derived(fields: Mapping[str, Any], ids: Mapping[str, str]) -> Json:
    """What a mapping needs of an issue and no path can say: `_sprints` (Data Center writes them as
    text), `_epic` (Epic Link, or the parent if that is an epic), `_links` ("blocks NET-2") and
    `_closed_as` (how a finished issue ended)."""
    sprints = fields.get(ids.get("sprint", "")) or ()
    return {
        "_sprints": [s for s in map(_sprint, sprints if isinstance(sprints, list) else ()) if s],
        "_epic": _epic(fields, ids),
        "_links": [t for t in map(_link, fields.get("issuelinks") or ()) if t],
        "_closed_as": _closed_as(fields),
    }


def _closed_as(fields: Mapping[str, Any]) -> str | None:
    """The resolution of an issue in the category "done", or its status where there is none or it
    says nothing: many workflows resolve as "Done" whatever the status, "Cancelled" too."""
    status = fields.get("status") or {}
    if (status.get("statusCategory") or {}).get("key") != "done":
        return None
    resolution = str((fields.get("resolution") or {}).get("name") or "")
    return status.get("name") if resolution.casefold() in _PLAIN else resolution


def _sprint(value: Any) -> Json | None:
    if isinstance(value, dict):
        return {"id": value.get("id"), "name": value.get("name")}
    found = _SPRINT.search(str(value))
    return {"id": _numeric(found["id"]), "name": found["name"]} if found else None


def _epic(fields: Mapping[str, Any], ids: Mapping[str, str]) -> str | None:
    linked = fields.get(ids.get("epic", ""))
    if isinstance(linked, str) and linked:
        return linked
    parent = fields.get("parent") or {}
    kind = (parent.get("fields") or {}).get("issuetype") or {}
    if kind:
        is_epic = kind.get("hierarchyLevel") == 1 or str(kind.get("name")).casefold() == "epic"
    else:  # an epic that the account may not see shows no type; a story has no other parent
        is_epic = (fields.get("issuetype") or {}).get("subtask") is False
    return str(parent["key"]) if is_epic and parent.get("key") else None


def _link(link: Mapping[str, Any]) -> str | None:
    kind = link.get("type") or {}
    for side, word in (("outwardIssue", "outward"), ("inwardIssue", "inward")):
        if key := (link.get(side) or {}).get("key"):
            return f"{kind.get(word) or kind.get('name') or 'relates to'} {key}"
    return None


def _numeric(ident: object) -> int:
    text = str(ident)
    return int(text) if text.isdecimal() else 0


def cut_short(changelog: Any, *, cloud: bool) -> bool:
    """Whether an inline history is, or may be, only its newest part."""
    if not isinstance(changelog, dict):
        return False
    histories, total = changelog.get("histories"), changelog.get("total")
    listed = len(histories) if isinstance(histories, list) else 0
    told = total if isinstance(total, int) else 0
    return listed < told or (cloud and listed >= INLINE_CHANGES)
