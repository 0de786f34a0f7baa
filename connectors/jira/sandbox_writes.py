"""How the Jira sandbox takes writes: issues, comments, worklogs, remote links, properties.

Nothing here is idempotent but what the vendor makes so: a remote link with a `globalId`, and
putting a property. A repeated POST of a comment is a second comment.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import orjson

from connectors.jira.sandbox_api import Answer, Refusal, Request, Site, found, page, route
from connectors.jira.sandbox_edit import UnknownValue, create, simple, values
from connectors.jira.sandbox_fields import EDITABLE
from connectors.jira.sandbox_state import Issue, Json, stamp

_UNITS = {"w": 144_000, "d": 28_800, "h": 3600, "m": 60}
_ADF = "Operation value must be an Atlassian Document (see the Atlassian Document Format)"
_PROPERTY_LIMIT = 32_768


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


# ---- comments


def _comments(issue: Issue) -> list[Json]:
    entries: list[Json] = (issue.document()["fields"].get("comment") or {}).get("comments", [])
    return entries


def _comment(issue: Issue, ident: str) -> Json:
    return found(_comments(issue), ident, f"Can not find a comment for the id: {ident}.")


def comments(site: Site, request: Request, key: str) -> Json:
    """An issue's comments in the order of their making, or reversed."""
    issue = site.issue(key)
    entries = _comments(issue)
    if request.text("orderBy").startswith("-"):
        entries.reverse()
    expand = request.text("expand")
    shown = [site.render.comment(issue.id, entry, expand=expand) for entry in entries]
    most = 5000 if site.cloud else max(len(shown), 1)
    return page(site, request, shown, most=most, key="comments")


def comment(site: Site, request: Request, key: str, ident: str) -> Json:
    """One comment."""
    issue = site.issue(key)
    return site.render.comment(issue.id, _comment(issue, ident), expand=request.text("expand"))


def _body(site: Site, body: Json) -> str:
    text = site.plain(body.get("body"), comment="Comment body is not valid!")
    if not text.strip():
        raise Refusal(400, comment="Comment body can not be empty!")
    return text


def add_comment(site: Site, request: Request, key: str) -> Answer:
    """A new comment, its properties set with it."""
    issue = site.issue(key)
    site.may("ADD_COMMENTS", "You do not have the permission to comment on this issue.")
    body, now = request.object(), stamp(site.state.clock.ms())
    entry = {
        "id": str(site.state.next_id()), "author": site.me, "updateAuthor": site.me,
        "body": _body(site, body), "created": now, "updated": now,
        "properties": _properties(body),
    }  # fmt: skip
    if body.get("visibility"):
        entry["visibility"] = body["visibility"]
    site.state.amend(issue, lambda doc: _list(doc, "comment", "comments").append(entry))
    return Answer(201, site.render.comment(issue.id, entry, expand=request.text("expand")))


def _properties(body: Json) -> list[Json]:
    properties = body.get("properties") or []
    for entry in properties:
        _check_size(entry.get("value"))
    return [{"key": entry["key"], "value": entry.get("value")} for entry in properties]


def _list(document: Json, field: str, key: str) -> list[Json]:
    holder = document["fields"].get(field) or {}
    document["fields"][field] = holder
    entries: list[Json] = holder.setdefault(key, [])
    return entries


def edit_comment(site: Site, request: Request, key: str, ident: str) -> Json:
    """Replaces a comment's text; its properties stay unless given."""
    issue = site.issue(key)
    _comment(issue, ident)
    site.may("EDIT_OWN_COMMENTS", "You do not have the permission to edit this comment.")
    body = request.object()
    change: Json = {"body": _body(site, body), "updateAuthor": site.me}
    change["updated"] = stamp(site.state.clock.ms())
    if body.get("properties"):
        change["properties"] = _properties(body)
    _amend_comment(site, issue, ident, change)
    return comment(site, request, key, ident)


def _amend_comment(site: Site, issue: Issue, ident: str, change: Mapping[str, Any]) -> None:
    def act(document: Json) -> None:
        for entry in _list(document, "comment", "comments"):
            if entry["id"] == ident:
                entry.update(change)

    site.state.amend(issue, act)


def delete_comment(site: Site, _request: Request, key: str, ident: str) -> Answer:
    """Deletes a comment."""
    issue = site.issue(key)
    _comment(issue, ident)
    _remove(site, issue, "comment", "comments", ident)
    site.state.comments.pop(int(ident), None)
    return Answer(204)


def _remove(site: Site, issue: Issue, field: str, key: str, ident: str) -> None:
    def act(document: Json) -> None:
        entries = _list(document, field, key)
        entries[:] = [entry for entry in entries if entry["id"] != ident]

    site.state.amend(issue, act)


def comment_list(site: Site, request: Request) -> Json:
    """Comments of any issues by id."""
    shown = []
    for ident in request.object().get("ids") or ():
        owner = site.state.get(str(site.state.comments.get(int(ident), "")))
        if owner:
            entry = _comment(owner, str(ident))
            shown.append(site.render.comment(owner.id, entry, expand=request.text("expand")))
    return page(site, request, shown, most=1000)


def _owner(site: Site, ident: str) -> tuple[Issue, Json]:
    number = site.state.comments.get(int(ident)) if ident.isdigit() else None
    issue = site.state.get(str(number)) if number else None
    if issue is None:
        raise Refusal(404, f"Can not find a comment for the id: {ident}.")
    return issue, _comment(issue, ident)


def comment_properties(site: Site, request: Request, ident: str) -> Json:
    """The keys of a comment's properties."""
    _, entry = _owner(site, ident)
    return _keys(site, request, [p["key"] for p in entry.get("properties", [])])


def _keys(site: Site, request: Request, keys: list[str]) -> Json:
    place = site.render.base + request.path
    return {"keys": [{"self": f"{place}/{key}", "key": key} for key in keys]}


def comment_property(site: Site, _request: Request, ident: str, key: str) -> Json:
    """One property of a comment."""
    _, entry = _owner(site, ident)
    for known in entry.get("properties", []):
        if known["key"] == key:
            return {"key": key, "value": known["value"]}
    raise Refusal(404, f"The property {key} does not exist.")


def put_comment_property(site: Site, request: Request, ident: str, key: str) -> Answer:
    """Sets a property of a comment."""
    issue, entry = _owner(site, ident)
    value = _checked(request)
    others = [p for p in entry.get("properties", []) if p["key"] != key]
    fresh = len(others) == len(entry.get("properties", []))
    _amend_comment(site, issue, ident, {"properties": [*others, {"key": key, "value": value}]})
    return Answer(201 if fresh else 200)


def delete_comment_property(site: Site, _request: Request, ident: str, key: str) -> Answer:
    """Removes a property of a comment."""
    issue, entry = _owner(site, ident)
    comment_property(site, _request, ident, key)
    others = [p for p in entry["properties"] if p["key"] != key]
    _amend_comment(site, issue, ident, {"properties": others})
    return Answer(204)


# ---- properties of issues


def _check_size(value: Any) -> None:
    if len(orjson.dumps(value).decode()) > _PROPERTY_LIMIT:
        raise Refusal(400, f"The property value is longer than {_PROPERTY_LIMIT} characters.")


def _checked(request: Request) -> Any:
    value = request.json()
    _check_size(value)
    return value


def issue_properties(site: Site, request: Request, key: str) -> Json:
    """The keys of an issue's properties."""
    return _keys(site, request, list(site.issue(key).document().get("properties", {})))


def issue_property(site: Site, _request: Request, key: str, name: str) -> Json:
    """One property of an issue."""
    known = site.issue(key).document().get("properties", {})
    if name not in known:
        raise Refusal(404, f"The property {name} does not exist.")
    return {"key": name, "value": known[name]}


def put_issue_property(site: Site, request: Request, key: str, name: str) -> Answer:
    """Sets a property of an issue; `updated` of the issue stays."""
    issue, value = site.issue(key), _checked(request)
    site.may("EDIT_ISSUES", "You do not have permission to edit issues in this project.")
    fresh = name not in issue.document().get("properties", {})

    def act(document: Json) -> None:
        document.setdefault("properties", {})[name] = value

    site.state.amend(issue, act, touch=False)
    return Answer(201 if fresh else 200)


def delete_issue_property(site: Site, request: Request, key: str, name: str) -> Answer:
    """Removes a property of an issue."""
    issue_property(site, request, key, name)
    site.state.amend(site.issue(key), lambda doc: doc["properties"].pop(name), touch=False)
    return Answer(204)


# ---- remote links


def _remote(issue: Issue) -> list[Json]:
    links: list[Json] = issue.document().get("remotelinks", [])
    return links


def remote_links(site: Site, request: Request, key: str) -> Any:
    """An issue's remote links, or the one of a `globalId`."""
    issue = site.issue(key)
    if wanted := request.text("globalId"):
        for link in _remote(issue):
            if link.get("globalId") == wanted:
                return site.render.remote_link(issue.id, link)
        raise Refusal(404, f"The remote issue link with global id '{wanted}' does not exist.")
    return [site.render.remote_link(issue.id, link) for link in _remote(issue)]


def remote_link(site: Site, _request: Request, key: str, ident: str) -> Json:
    """One remote link by its number."""
    issue = site.issue(key)
    link = found(_remote(issue), ident, f"The remote link with id {ident} does not exist.")
    return site.render.remote_link(issue.id, link)


def _link_of(body: Json) -> Json:
    """A link's fields; what is left out becomes null, as at the vendor."""
    target = body.get("object") or {}
    for name in ("title", "url"):
        if not str(target.get(name) or "").strip():
            raise Refusal(400, **{name: f"The field '{name}' is required."})
    if len(str(body.get("globalId") or "")) > 255:
        raise Refusal(400, globalId="The global id is longer than 255 characters.")
    return {
        "globalId": body.get("globalId"), "application": body.get("application") or {},
        "relationship": body.get("relationship"), "object": target,
    }  # fmt: skip


def post_remote_link(site: Site, request: Request, key: str) -> Answer:
    """Creates a remote link, or replaces the one of the same `globalId`."""
    issue, fields = site.issue(key), _link_of(request.object())
    site.may("LINK_ISSUES", "You do not have permission to link issues in this project.")
    wanted = fields["globalId"]
    known = next((x for x in _remote(issue) if wanted and x.get("globalId") == wanted), None)
    number = known["id"] if known else site.state.next_id()
    _put_link(site, issue, {"id": number, **fields})
    place = f"{site.render.api}/issue/{issue.id}/remotelink/{number}"
    # Data Center's document knows only 200 here, Cloud's has 201 for a new link.
    status = 200 if known or not site.cloud else 201
    return Answer(status, {"id": number, "self": place})


def _put_link(site: Site, issue: Issue, link: Json) -> None:
    def act(document: Json) -> None:
        others = [x for x in document.get("remotelinks", []) if x["id"] != link["id"]]
        document["remotelinks"] = [*others, link]

    site.state.amend(issue, act, touch=False)


def put_remote_link(site: Site, request: Request, key: str, ident: str) -> Answer:
    """Replaces a remote link by its number."""
    remote_link(site, request, key, ident)
    _put_link(site, site.issue(key), {"id": int(ident), **_link_of(request.object())})
    return Answer(204)


def delete_remote_link(site: Site, request: Request, key: str, ident: str = "") -> Answer:
    """Deletes a remote link by its number or its `globalId`."""
    issue = site.issue(key)
    if not ident:
        ident = str(remote_links(site, request, key)["id"])
    remote_link(site, request, key, ident)

    def act(document: Json) -> None:
        links = document["remotelinks"]
        document["remotelinks"] = [x for x in links if str(x["id"]) != ident]

    site.state.amend(issue, act, touch=False)
    return Answer(204)


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
        result["comment"] = site.plain(body["comment"], comment="Comment body is not valid!")
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
        _list(document, "worklog", "worklogs").append(entry)
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
        for entry in _list(document, "worklog", "worklogs"):
            if entry["id"] == ident:
                entry.update(change)
        document["fields"]["timespent"] = (document["fields"].get("timespent") or 0) + delta

    site.state.amend(issue, act)
    return worklog(site, request, key, ident)


def delete_worklog(site: Site, _request: Request, key: str, ident: str) -> Answer:
    """Deletes a worklog; `/worklog/deleted` will name it."""
    issue = site.issue(key)
    spent = _worklog(issue, ident)["timeSpentSeconds"]
    _remove(site, issue, "worklog", "worklogs", ident)

    def act(document: Json) -> None:
        document["fields"]["timespent"] = (document["fields"].get("timespent") or 0) - spent

    site.state.amend(issue, act)
    site.state.worklogs.pop(int(ident), None)
    site.state.worklogs_gone.append((site.state.clock.ms(), int(ident)))
    return Answer(204)


_ADJUST = "adjustEstimate newEstimate"
_FLAGS = "notifyUsers overrideEditableFlag"
_COMMENT = "/api/issue/{key}/comment"
_PROPERTY = "/api/comment/{id}/properties"
_LINK = "/api/issue/{key}/remotelink"
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
    route("GET", _COMMENT, comments, *["startAt maxResults orderBy expand"] * 2),
    route("POST", _COMMENT, add_comment, "expand", "expand"),
    route("GET", _COMMENT + "/{id}", comment, "expand", "expand"),
    route("PUT", _COMMENT + "/{id}", edit_comment, f"{_FLAGS} expand", "expand"),
    route("DELETE", _COMMENT + "/{id}", delete_comment),
    route("POST", "/api/comment/list", comment_list, "expand", None),
    route("GET", _PROPERTY, comment_properties),
    route("GET", _PROPERTY + "/{key}", comment_property),
    route("PUT", _PROPERTY + "/{key}", put_comment_property),
    route("DELETE", _PROPERTY + "/{key}", delete_comment_property),
    route("GET", "/api/issue/{key}/properties", issue_properties),
    route("GET", "/api/issue/{key}/properties/{name}", issue_property),
    route("PUT", "/api/issue/{key}/properties/{name}", put_issue_property),
    route("DELETE", "/api/issue/{key}/properties/{name}", delete_issue_property),
    route("GET", _LINK, remote_links, "globalId", "globalId"),
    route("POST", _LINK, post_remote_link),
    route("DELETE", _LINK, delete_remote_link, "globalId", "globalId"),
    route("GET", _LINK + "/{id}", remote_link),
    route("PUT", _LINK + "/{id}", put_remote_link),
    route("DELETE", _LINK + "/{id}", delete_remote_link),
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
