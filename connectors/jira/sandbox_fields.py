"""The fields of the Jira sandbox: what `/field` lists, and how a value reads in the history."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

Json = dict[str, Any]

CATEGORIES: tuple[Json, ...] = (
    {"id": 2, "key": "new", "colorName": "blue-gray", "name": "To Do"},
    {"id": 4, "key": "indeterminate", "colorName": "yellow", "name": "In Progress"},
    {"id": 3, "key": "done", "colorName": "green", "name": "Done"},
)
WORKFLOW: tuple[dict[str, str], ...] = (
    {"name": "To Do", "category": "new", "id": "10100"},
    {"name": "In Progress", "category": "indeterminate", "id": "10101"},
    {"name": "Done", "category": "done", "id": "10102"},
    {"name": "Cancelled", "category": "done", "id": "10103"},
)

# id: (name, schema type, schema items, navigable, JQL names)
_SYSTEM: Mapping[str, tuple[str, str, str, bool, tuple[str, ...]]] = MappingProxyType(
    {
        "summary": ("Summary", "string", "", True, ("summary",)),
        "issuetype": ("Issue Type", "issuetype", "", True, ("issuetype", "type")),
        "project": ("Project", "project", "", True, ("project",)),
        "status": ("Status", "status", "", True, ("status",)),
        "resolution": ("Resolution", "resolution", "", True, ("resolution",)),
        "resolutiondate": ("Resolved", "datetime", "", True, ("resolutiondate", "resolved")),
        "priority": ("Priority", "priority", "", True, ("priority",)),
        "assignee": ("Assignee", "user", "", True, ("assignee",)),
        "reporter": ("Reporter", "user", "", True, ("reporter",)),
        "creator": ("Creator", "user", "", True, ("creator",)),
        "created": ("Created", "datetime", "", True, ("created", "createdDate")),
        "updated": ("Updated", "datetime", "", True, ("updated", "updatedDate")),
        "duedate": ("Due date", "date", "", True, ("due", "duedate")),
        "labels": ("Labels", "array", "string", True, ("labels",)),
        "components": ("Components", "array", "component", True, ("component",)),
        "versions": ("Affects versions", "array", "version", True, ("affectedVersion",)),
        "fixVersions": ("Fix versions", "array", "version", True, ("fixVersion",)),
        "description": ("Description", "string", "", True, ("description",)),
        "environment": ("Environment", "string", "", True, ("environment",)),
        "issuelinks": ("Linked Issues", "array", "issuelinks", True, ("issueLink",)),
        "subtasks": ("Sub-tasks", "array", "issuelinks", True, ("subtasks",)),
        "parent": ("Parent", "issuelink", "", True, ("parent",)),
        "timeoriginalestimate": ("Original estimate", "number", "", True, ("originalEstimate",)),
        "timeestimate": ("Remaining Estimate", "number", "", True, ("remainingEstimate",)),
        "timespent": ("Time Spent", "number", "", True, ("timespent",)),
        "timetracking": ("Time tracking", "timetracking", "", False, ()),
        "worklog": ("Log Work", "array", "worklog", False, ("worklogAuthor", "worklogDate")),
        "comment": ("Comment", "comments-page", "", False, ("comment",)),
        "attachment": ("Attachment", "array", "attachment", False, ("attachments",)),
    }
)
_SOFTWARE = "com.pyxis.greenhopper.jira:"
_TYPES = "com.atlassian.jira.plugin.system.customfieldtypes:"

EDITABLE = frozenset(_SYSTEM) - {
    "creator", "created", "updated", "resolutiondate", "worklog", "comment", "attachment",
    "issuelinks", "subtasks", "timespent", "status", "project",
}  # fmt: skip
"""Fields that a create or edit request may set."""


@dataclass(slots=True)
class Fields:
    """The site's fields. Custom ones have other numbers on every site, so do the flavours here."""

    cloud: bool = True
    custom: dict[str, Json] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.custom:
            return
        self._add(self.sprint, "Sprint", f"{_SOFTWARE}gh-sprint", "array", "json")
        self._add(self.flagged, "Flagged", f"{_TYPES}multicheckboxes", "array", "option")
        if not self.cloud:
            self._add(self.epic_link, "Epic Link", f"{_SOFTWARE}gh-epic-link", "any")
        self._add("customfield_10016", "Story Points", f"{_TYPES}float", "number")
        self._add("customfield_10050", "Cost Code", f"{_TYPES}textfield", "string")

    @property
    def sprint(self) -> str:
        """The id of the Sprint field."""
        return "customfield_10020" if self.cloud else "customfield_10005"

    @property
    def epic_link(self) -> str:
        """The id of the Epic Link field (Data Center only)."""
        return "customfield_10006"

    @property
    def flagged(self) -> str:
        """The id of the Flagged field."""
        return "customfield_10021" if self.cloud else "customfield_10007"

    def _add(self, ident: str, name: str, custom: str, kind: str, items: str = "") -> str:
        number = int(ident.removeprefix("customfield_"))
        schema: Json = {"type": kind, "custom": custom, "customId": number}
        if items:
            schema["items"] = items
        clauses = [f"cf[{number}]", name]
        self.custom[ident] = _entry(ident, name, schema, clauses, custom=True, navigable=True)
        return ident

    def add(self, name: str, kind: str = "string") -> str:
        """One more custom field (`string` or `number`), even if the name exists; its id."""
        last = max(int(ident.removeprefix("customfield_")) for ident in self.custom)
        custom = f"{_TYPES}{'float' if kind == 'number' else 'textfield'}"
        return self._add(f"customfield_{max(last, 10_100) + 1}", name, custom, kind)

    def named(self, name: str) -> str | None:
        """The id of the first field that has this id or name."""
        if name in _SYSTEM or name in self.custom:
            return name
        for ident, entry in self.custom.items():
            if entry["name"].casefold() == name.casefold():
                return ident
        found = (i for i, entry in _SYSTEM.items() if entry[0].casefold() == name.casefold())
        return next(found, None)

    def for_text(self, name: str) -> str:
        """The id of the text field of that name, made on demand."""
        return self.named(name) or self.add(name)

    def listing(self) -> list[Json]:
        """What `/field` answers."""
        key = {"id": "issuekey", "name": "Key", "custom": False, "orderable": False,
               "navigable": True, "searchable": False,
               "clauseNames": ["id", "issue", "issuekey", "key"]}  # fmt: skip
        system = []
        for ident, (name, kind, items, navigable, clauses) in _SYSTEM.items():
            schema = {"type": kind, "system": ident} | ({"items": items} if items else {})
            system.append(
                _entry(ident, name, schema, list(clauses), custom=False, navigable=navigable)
            )
        entries = [key, *system, *self.custom.values()]
        return [entry | {"key": entry["id"]} for entry in entries] if self.cloud else entries

    def navigable(self, ident: str) -> bool:
        """Whether `*navigable` includes the field."""
        return _SYSTEM[ident][3] if ident in _SYSTEM else True

    def title(self, ident: str) -> str:
        """The field's name, as the history of an issue calls it."""
        if ident in self.custom:
            return str(self.custom[ident]["name"])
        return {"fixVersions": "Fix Version", "components": "Component"}.get(ident, ident)


def _entry(
    ident: str, name: str, schema: Json, clauses: list[str], *, custom: bool, navigable: bool
) -> Json:
    return {
        "id": ident, "name": name, "custom": custom, "orderable": True, "navigable": navigable,
        "searchable": bool(clauses), "clauseNames": clauses, "schema": schema,
    }  # fmt: skip


def describe(fields: Fields, ident: str, before: Any, after: Any) -> list[Json]:
    """The history's items for one changed field: one, or one per version or component."""
    title = fields.title(ident)
    kind = "custom" if ident in fields.custom or ident in ("sprint", "epic") else "jira"
    title = {"sprint": "Sprint", "epic": "Epic Link"}.get(ident, title)
    if ident in ("fixVersions", "components", "versions"):
        old = {entry["id"]: entry["name"] for entry in before or ()}
        new = {entry["id"]: entry["name"] for entry in after or ()}
        gone = [_item(title, kind, ident, (i, n), None) for i, n in old.items() if i not in new]
        come = [_item(title, kind, ident, None, (i, n)) for i, n in new.items() if i not in old]
        return gone + come
    return [_item(title, kind, ident, _reading(before), _reading(after))]


def _reading(value: Any) -> tuple[str | None, str] | None:
    """A value as the history writes it: (id, text); None for an empty one."""
    if value is None or value in ([], ""):
        return None
    if isinstance(value, dict):
        ident = value.get("key") if "displayName" in value else value.get("id")
        text = value.get("displayName") or value.get("name") or value.get("key") or ""
        return (str(ident) if ident is not None else None), str(text)
    if isinstance(value, list):
        return None, " ".join(map(str, value))
    return None, str(value)


def _item(
    title: str,
    kind: str,
    ident: str,
    before: tuple[str | None, str] | None,
    after: tuple[str | None, str] | None,
) -> Json:
    return {
        "field": title, "fieldtype": kind, "fieldId": ident,
        "from": before[0] if before else None, "fromString": before[1] if before else None,
        "to": after[0] if after else None, "toString": after[1] if after else None,
    }  # fmt: skip
