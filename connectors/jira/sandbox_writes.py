"""How the Jira sandbox takes writes of issues and of time worked on them."""

from __future__ import annotations

import re
from typing import Any

from connectors.jira.sandbox_api import (
    Answer,
    Refusal,
    Request,
    Site,
    entries_of,
    found,
    remove_entry,
    route,
)
from connectors.jira.sandbox_edit import UnknownValue, create, simple, values
from connectors.jira.sandbox_fields import EDITABLE
from connectors.jira.sandbox_state import Issue, Json, stamp

_UNITS = {"w": 144_000, "d": 28_800, "h": 3600, "m": 60}
_ADF = "Operation value must be an Atlassian Document (see the Atlassian Document Format)"


def seconds(text: str) -> int:
    """`1d 2h` in seconds, with 8-hour days and 5-day weeks."""
    parts = re.findall(r"(\d+)\s*([wdhm])", text)
    if not parts:
        raise Refusal(400, timetracking="You have to specify a valid time span.")
    return sum(int(count) * _UNITS[unit] for count, unit in parts)


# ---- issues


def _given(site: Site, body: Json) -> Json:
    """The fields of a request, `update: [{set: …}]` included, checked as the vendor checks."""
    given = dict(body.get("fields") or {})
    for name, operations in (body.get("update") or {}).items():
        for operation in operations:
            if "set" in operation:
                given[name] = operation["set"]
    custom = site.state.fields.custom
    for name in given:
        if name not in EDITABLE and name not in custom and name != "project":
            raise Refusal(400, **{name: f"Field '{name}' cannot be set. It is not on the "
                                  "appropriate screen, or unknown."})  # fmt: skip
    for name in ("description", "environment"):
        if given.get(name) is not None:
            given[name] = site.plain(given[name], **{name: _ADF})
    return given | _tracking(given.pop("timetracking", None))


def _tracking(value: Any) -> Json:
    result: Json = {}
    names = {"originalEstimate": "timeoriginalestimate", "remainingEstimate": "timeestimate"}
    for name, field in names.items():
        if value and value.get(name):
            result[field] = seconds(str(value[name]))
    return result


def create_issue(site: Site, request: Request) -> Answer:
    """A new issue; project, type and summary are required."""
    given = _given(site, request.object())
    project = site.state.project(str(simple(given.pop("project", None)) or ""))
    if project is None:
        raise Refusal(400, project="Specify a valid project ID or key")
    site.may("CREATE_ISSUES", "You do not have permission to create issues in this project.")
    if not str(given.get("summary") or "").strip():
        raise Refusal(400, summary="You must specify a summary of the issue.")
    if not given.get("issuetype"):
        raise Refusal(400, issuetype="Specify an issue type")
    try:
        made = create(site.state, project, given, author=site.me)
    except UnknownValue as error:
        raise Refusal(400, **{error.args[0]: error.args[1]}) from None
    place = f"{site.render.api}/issue/{made.id}"
    return Answer(201, {"id": str(made.id), "key": made.key, "self": place})


def edit_issue(site: Site, request: Request, key: str) -> Answer:
    """Sets fields; what changes is written to the history."""
    issue = site.issue(key)
    site.may("EDIT_ISSUES", "You do not have permission to edit issues in this project.")
    given = _given(site, request.object())
    given.pop("project", None)
    try:
        changes = values(site.state, site.state.project_of(issue), given)
    except UnknownValue as error:
        raise Refusal(400, **{error.args[0]: error.args[1]}) from None
    site.state.change(issue, changes, site.me)
    return Answer(204)


def delete_issue(site: Site, _request: Request, key: str) -> Answer:
    """Deletes the issue for good."""
    issue = site.issue(key)
    site.may("DELETE_ISSUES", "You do not have permission to delete issues in this project.")
    site.state.delete(issue)
    return Answer(204)


def transitions(site: Site, _request: Request, key: str) -> Json:
    """Every status can be reached from every other."""
    site.issue(key)
    shown = []
    for number, status in enumerate(site.state.statuses.values(), start=1):
        entry: Json = {"id": f"{number}1", "name": status["name"]}
        entry["to"] = site.render.linked("status", status)
        shown.append(entry)
    return {"expand": "transitions", "transitions": shown} if site.cloud else {"transitions": shown}


def transition(site: Site, request: Request, key: str) -> Answer:
    """Moves the issue through the workflow."""
    issue = site.issue(key)
    wanted = str(simple((request.object().get("transition") or {}).get("id") or ""))
    statuses = list(site.state.statuses.values())
    for number, status in enumerate(statuses, start=1):
        if wanted == f"{number}1":
            site.state.change(issue, {"status": dict(status)}, site.me)
            return Answer(204)
    raise Refusal(400, "It seems that you have tried to perform an illegal workflow operation.")


# ---- worklogs


def _worklog(issue: Issue, ident: str) -> Json:
    entries = (issue.document()["fields"].get("worklog") or {}).get("worklogs", [])
    return found(entries, ident, f"Cannot find worklog with id: '{ident}'.")


def worklog(site: Site, request: Request, key: str, ident: str) -> Json:
    """One worklog."""
    issue = site.issue(key)
    return site.render.worklog(issue.id, _worklog(issue, ident), expand=request.text("expand"))


def _worklog_fields(site: Site, body: Json) -> Json:
    result: Json = {}
    if body.get("timeSpentSeconds"):
        result["timeSpentSeconds"] = int(body["timeSpentSeconds"])
    elif body.get("timeSpent"):
        result["timeSpentSeconds"] = seconds(str(body["timeSpent"]))
    if body.get("started"):
        if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d{4}", body["started"]):
            raise Refusal(
                400, "The 'started' date must be written as 2024-05-01T10:11:12.345+0000."
            )
        result["started"] = body["started"]
    if body.get("comment") is not None:
        result["comment"] = site.written(body["comment"], comment="Comment body is not valid!")
    return result


def add_worklog(site: Site, request: Request, key: str) -> Answer:
    """Logs time; the remaining estimate shrinks unless `adjustEstimate=leave`."""
    issue = site.issue(key)
    site.may("WORK_ON_ISSUES", "You do not have permission to log work on this issue.")
    given, now = _worklog_fields(site, request.object()), stamp(site.state.clock.ms())
    if "timeSpentSeconds" not in given:
        raise Refusal(400, timeLogged="You must indicate the time spent working.")
    entry = {
        "id": str(site.state.next_id()), "author": site.me, "updateAuthor": site.me,
        "created": now, "updated": now, "started": now, **given,
    }  # fmt: skip
    record_worklog(site, issue, entry, adjust=request.text("adjustEstimate", "auto") == "auto")
    return Answer(201, site.render.worklog(issue.id, entry))


def record_worklog(
    site: Site, issue: Issue, entry: Json, *, adjust: bool, touch: bool = True
) -> None:
    """Adds a worklog to its issue and sums the time spent."""

    def act(document: Json) -> None:
        entries_of(document, "worklog", "worklogs").append(entry)
        fields = document["fields"]
        fields["timespent"] = (fields.get("timespent") or 0) + entry["timeSpentSeconds"]
        if adjust and fields.get("timeestimate") is not None:
            fields["timeestimate"] = max(fields["timeestimate"] - entry["timeSpentSeconds"], 0)

    site.state.amend(issue, act, touch=touch)


def edit_worklog(site: Site, request: Request, key: str, ident: str) -> Json:
    """Changes a worklog."""
    issue = site.issue(key)
    before, change = _worklog(issue, ident), _worklog_fields(site, request.object())
    change |= {"updateAuthor": site.me, "updated": stamp(site.state.clock.ms())}
    delta = change.get("timeSpentSeconds", before["timeSpentSeconds"]) - before["timeSpentSeconds"]

    def act(document: Json) -> None:
        for entry in entries_of(document, "worklog", "worklogs"):
            if entry["id"] == ident:
                entry.update(change)
        document["fields"]["timespent"] = (document["fields"].get("timespent") or 0) + delta

    site.state.amend(issue, act)
    return worklog(site, request, key, ident)


def delete_worklog(site: Site, _request: Request, key: str, ident: str) -> Answer:
    """Deletes a worklog; `/worklog/deleted` will name it."""
    issue = site.issue(key)
    spent = _worklog(issue, ident)["timeSpentSeconds"]
    remove_entry(site, issue, "worklog", "worklogs", ident)

    def act(document: Json) -> None:
        document["fields"]["timespent"] = (document["fields"].get("timespent") or 0) - spent

    site.state.amend(issue, act)
    site.state.worklogs.pop(int(ident), None)
    site.state.worklogs_gone.append((site.state.clock.ms(), int(ident)))
    return Answer(204)


_ADJUST = "adjustEstimate newEstimate"
_FLAGS = "notifyUsers overrideEditableFlag"
_WORKLOG = "/api/issue/{key}/worklog"

ROUTES = (
    route("POST", "/api/issue", create_issue, "updateHistory", "updateHistory"),
    route(
        "PUT", "/api/issue/{key}", edit_issue,
        f"{_FLAGS} overrideScreenSecurity returnIssue expand", "notifyUsers",
    ),
    route("DELETE", "/api/issue/{key}", delete_issue, "deleteSubtasks", "deleteSubtasks"),
    route(
        "GET", "/api/issue/{key}/transitions", transitions,
        "expand transitionId skipRemoteOnlyCondition includeUnavailableTransitions "
        "sortByOpsBarAndStatus",
        "transitionId",
    ),
    route("POST", "/api/issue/{key}/transitions", transition),
    route(
        "POST", _WORKLOG, add_worklog, f"{_FLAGS} {_ADJUST} reduceBy expand", f"{_ADJUST} reduceBy"
    ),
    route("GET", _WORKLOG + "/{id}", worklog, "expand", ""),
    route("PUT", _WORKLOG + "/{id}", edit_worklog, f"{_FLAGS} {_ADJUST} expand", _ADJUST),
    route(
        "DELETE", _WORKLOG + "/{id}", delete_worklog, f"{_FLAGS} {_ADJUST} increaseBy",
        f"{_ADJUST} increaseBy",
    ),
)  # fmt: skip
