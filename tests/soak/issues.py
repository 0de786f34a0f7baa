"""Issues as a source shows them and as a store holds them, to be compared field by field."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from connectors.jira.sandbox import JiraSandbox
from connectors.jira.sandbox_state import Issue
from itpm_sync.model import FieldChange, TimeEntry, WorkItem
from itpm_sync.store import Store

Issues = dict[str, dict[str, Any]]


def visible_issues(sandbox: JiraSandbox, scopes: Sequence[str]) -> dict[int, Issue]:
    """The issues of projects that our account may see."""
    state = sandbox.state
    return {
        issue.id: issue
        for issue in state.issues.values()
        if not issue.hidden
        and not state.project_of(issue).get("hidden")
        and issue.key.rpartition("-")[0] in scopes
    }


def issues_at(sandbox: JiraSandbox, scopes: Sequence[str]) -> Issues:
    """What a store should hold of the visible issues, by id, field by field."""
    found = {}
    for issue in visible_issues(sandbox, scopes).values():
        document = issue.document()
        fields = document["fields"]
        logs = fields["worklog"]["worklogs"]
        found[str(issue.id)] = {
            "key": document["key"], "project": fields["project"]["key"],
            "summary": fields["summary"], "status": fields["status"]["name"],
            "spent": fields["timespent"],
            "worklogs": {w["id"]: w["timeSpentSeconds"] for w in logs},
            "changes": Counter(
                (i["field"].casefold(), i["toString"])
                for h in document["history"] for i in h["items"]
            ),
        }  # fmt: skip
    return found


def issues_in(store: Store) -> Issues:
    """What a store holds, alike; nothing twice."""
    found: Issues = {}
    for item in store.records("work_item"):
        assert isinstance(item, WorkItem)
        assert item.ref.source_id not in found
        found[item.ref.source_id] = {
            "key": item.key, "project": item.project_key, "summary": item.title,
            "status": item.source_status, "spent": item.spent_s, "worklogs": {},
            "changes": Counter(),
        }  # fmt: skip
    for entry in store.records("time_entry"):
        assert isinstance(entry, TimeEntry)
        issue, _, ident = entry.ref.source_id.partition("/")
        assert ident not in found[issue]["worklogs"]
        found[issue]["worklogs"][ident] = entry.duration_s
    for change in store.records("field_change"):
        assert isinstance(change, FieldChange)
        issue, _, _ = change.ref.source_id.partition("/")
        found[issue]["changes"][change.field_name.casefold(), change.after] += 1
    return found
