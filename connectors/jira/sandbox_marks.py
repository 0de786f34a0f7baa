"""How the Jira sandbox takes what people and programs pin to an issue.

Comments, properties of comments and issues, remote links. Nothing here is idempotent but what the
vendor makes so: a remote link with a `globalId`, and putting a property. A repeated POST of a
comment is a second comment.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from connectors.jira.sandbox_api import (
    Answer,
    Refusal,
    Request,
    Site,
    entries_of,
    found,
    page,
    remove_entry,
    route,
)
from connectors.jira.sandbox_render import plain_of
from connectors.jira.sandbox_state import Issue, Json, stamp

_PROPERTY_LIMIT = 32_768


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


def _body(site: Site, body: Json) -> str | Json:
    text = site.written(body.get("body"), comment="Comment body is not valid!")
    if not plain_of(text).strip():
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
    site.state.amend(issue, lambda doc: entries_of(doc, "comment", "comments").append(entry))
    return Answer(201, site.render.comment(issue.id, entry, expand=request.text("expand")))


def _properties(body: Json) -> list[Json]:
    properties = body.get("properties") or []
    for entry in properties:
        _check_size(entry.get("value"))
    return [{"key": entry["key"], "value": entry.get("value")} for entry in properties]


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
    amend_comment(site, issue, ident, change)
    return comment(site, request, key, ident)


def amend_comment(site: Site, issue: Issue, ident: str, change: Mapping[str, Any]) -> None:
    """Changes entries of one comment."""

    def act(document: Json) -> None:
        for entry in entries_of(document, "comment", "comments"):
            if entry["id"] == ident:
                entry.update(change)

    site.state.amend(issue, act)


def delete_comment(site: Site, _request: Request, key: str, ident: str) -> Answer:
    """Deletes a comment."""
    issue = site.issue(key)
    _comment(issue, ident)
    remove_entry(site, issue, "comment", "comments", ident)
    site.state.comments.pop(int(ident), None)
    return Answer(204)


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
    amend_comment(site, issue, ident, {"properties": [*others, {"key": key, "value": value}]})
    return Answer(201 if fresh else 200)


def delete_comment_property(site: Site, _request: Request, ident: str, key: str) -> Answer:
    """Removes a property of a comment."""
    issue, entry = _owner(site, ident)
    comment_property(site, _request, ident, key)
    others = [p for p in entry["properties"] if p["key"] != key]
    amend_comment(site, issue, ident, {"properties": others})
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


_FLAGS = "notifyUsers overrideEditableFlag"
_COMMENT = "/api/issue/{key}/comment"
_PROPERTY = "/api/comment/{id}/properties"
_LINK = "/api/issue/{key}/remotelink"

ROUTES = (
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
)  # fmt: skip
