"""How the Jira sandbox answers searches and hands out issues, worklogs and histories in bulk."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

import orjson

from connectors.jira.sandbox_api import Refusal, Request, Site, page, route
from connectors.jira.sandbox_jql import JqlError, Row
from connectors.jira.sandbox_render import INLINE_CHANGELOG, worklogs
from connectors.jira.sandbox_state import Json, milliseconds

_MOST_IDS, _MOST_BODIES, _MOST_CLASSIC = 5000, 100, 1000
_WINDOW = 10_000
_TOKEN_LIFE_MS = 7 * 86_400_000
_UNBOUNDED = (
    "Unbounded JQL queries are not allowed here. Please add a search restriction to your query."
)


def search_jql(site: Site, request: Request) -> Json:
    """Cloud's search: tokens instead of offsets, no total, pages shorter than asked.

    Pages hold up to 5,000 issues when only ids or keys are asked, 100 otherwise; every third one
    is a third shorter still, because the vendor promises no page size and neither do we.
    """
    asked = _asked(request)
    jql, reconcile = str(asked.get("jql") or ""), asked["reconcileIssues"]
    if len(reconcile) > 50:
        raise Refusal(400, "The maximum number of issues to reconcile is 50.")
    rows = _rows(site, jql, reconcile)
    mark = _fingerprint(jql, asked["fields"], asked["expand"], reconcile)
    start, number = _position(site, asked.get("nextPageToken"), mark)
    light = not set(asked["fields"]) - {"id", "key", "issuekey"} and not asked["expand"]
    size = min(int(asked.get("maxResults") or 50), _MOST_IDS if light else _MOST_BODIES)
    if size < 1:
        raise Refusal(400, "The value of 'maxResults' must be positive.")
    size = max(size * 2 // 3, 1) if number % 3 == 2 else size
    shown = rows[start : start + size]
    result: Json = {"issues": _issues(site, shown, asked["fields"], asked["expand"], reconcile)}
    if start + size < len(rows):
        token = [mark, start + size, number + 1, site.state.clock.ms()]
        text = base64.urlsafe_b64encode(orjson.dumps(token)).decode()
        return result | {"nextPageToken": text, "isLast": False}
    return result | {"isLast": True}


def _asked(request: Request) -> Json:
    """The parameters of a search, from the query or the body."""
    if request.method == "POST":
        body = request.object()
        return body | {
            "fields": body.get("fields") or ["id"], "expand": body.get("expand") or "",
            "reconcileIssues": [int(i) for i in body.get("reconcileIssues") or ()],
        }  # fmt: skip
    return {
        "jql": request.text("jql"), "nextPageToken": request.text("nextPageToken") or None,
        "maxResults": request.number("maxResults", 50), "expand": request.text("expand"),
        "fields": request.words("fields") or ["id"],
        "reconcileIssues": [int(i) for i in request.words("reconcileIssues")],
    }  # fmt: skip


def _rows(site: Site, jql: str, reconcile: Sequence[int] = (), *, strict: bool = True) -> list[Row]:
    try:
        if site.cloud and not site.state.bounded(jql):
            raise Refusal(400, _UNBOUNDED)
        return site.state.search(jql, reconcile, strict=strict)
    except JqlError as error:
        raise Refusal(400, str(error)) from None


def _fingerprint(*parts: Any) -> str:
    return hashlib.sha256(orjson.dumps(parts)).hexdigest()[:16]


def _position(site: Site, token: Any, mark: str) -> tuple[int, int]:
    """(offset, page number) of a token, which serves its own query only, for seven days."""
    if not token:
        return 0, 0
    try:
        owner, start, number, made = orjson.loads(base64.urlsafe_b64decode(str(token)))
    except ValueError:
        raise Refusal(400, "The provided next page token is invalid.") from None
    if owner != mark:
        raise Refusal(400, "The provided next page token does not belong to this query.")
    if site.state.clock.ms() - made > _TOKEN_LIFE_MS:
        raise Refusal(400, "The provided next page token has expired.")
    return int(start), int(number)


def _issues(
    site: Site, rows: Iterable[Row], fields: Sequence[str], expand: str, fresh: Sequence[int] = ()
) -> list[Json]:
    """Rows as issues, as they were when they were indexed."""
    if site.cloud and set(fields) == {"id"}:
        return [{"id": str(row.id)} for row in rows]
    shown = []
    for row in rows:
        if set(fields) <= {"id", "key", "issuekey"} and not expand:
            place = f"{site.render.api}/issue/{row.id}"
            shown.append({"expand": "", "id": str(row.id), "self": place, "key": row.key})
            continue
        live = site.state.issues.get(row.id) if row.id in fresh else None
        document = live.document() if live else orjson.loads(row.document)
        inline = INLINE_CHANGELOG if site.cloud else 10_000
        shown.append(site.render.issue(document, fields, expand, inline=inline))
    return shown


def count(site: Site, request: Request) -> Json:
    """How many issues a bounded query finds, by the index."""
    return {"count": len(_rows(site, str(request.object().get("jql") or "")))}


def search_classic(site: Site, request: Request) -> Json:
    """Data Center's search: offset and total, 1,000 a page, an error beyond 10,000 results."""
    if request.method == "POST":
        body = request.object()
        jql, start = str(body.get("jql") or ""), int(body.get("startAt") or 0)
        size = int(body.get("maxResults", 50))
        fields, expand = body.get("fields") or [], ",".join(body.get("expand") or ())
        strict = bool(body.get("validateQuery", True))
    else:
        jql, start = request.text("jql"), request.number("startAt", 0)
        size, expand = request.number("maxResults", 50), request.text("expand")
        fields = request.words("fields")
        strict = request.text("validateQuery", "true").casefold() == "true"
    size = min(size, _MOST_CLASSIC)
    if start + size > _WINDOW:
        raise Refusal(
            500,
            f"Search limit exceeded. We couldn't complete your search because it requests "
            f"{start + size:,} results which exceeded the search platform limit of {_WINDOW:,}.",
        )
    rows = _rows(site, jql, strict=strict)
    shown = _issues(site, rows[start : start + size], fields or ["*navigable"], expand)
    return {
        "expand": "schema,names", "startAt": start, "maxResults": size, "total": len(rows),
        "issues": shown,
    }  # fmt: skip


# ---- issues by id


def issue(site: Site, request: Request, key: str) -> Json:
    """One issue; a former key finds it too."""
    chosen = site.issue(key).document()
    wanted = request.words("fields") or ["*all"]
    inline = 100 if site.cloud else 10_000
    shown = site.render.issue(chosen, wanted, request.text("expand"), inline=inline)
    if asked := request.words("properties"):
        known = chosen.get("properties", {})
        chosen_keys = known if "*all" in asked else [key for key in asked if key in known]
        shown["properties"] = {key: known[key] for key in chosen_keys}
    return shown


def bulk_fetch(site: Site, request: Request) -> Json:
    """Up to 100 issues by id or key, in ascending id order. What does not exist or is not permitted
    is left out; the errors are those that pass, of which this sandbox has none of its own."""
    body = request.object()
    asked = [str(word) for word in body.get("issueIdsOrKeys") or ()]
    if not 1 <= len(asked) <= 100:
        raise Refusal(400, "The number of issues to fetch must be between 1 and 100.")
    wanted = body.get("fields") or ["*navigable"]
    expand = ",".join(body.get("expand") or ())
    hits = {word: site.state.get(word) for word in asked}
    chosen = {found.id: found for found in hits.values() if found}
    shown = [
        site.render.issue(chosen[number].document(), wanted, expand, inline=INLINE_CHANGELOG)
        for number in sorted(chosen)
    ]
    return {"issues": shown, "issueErrors": []}


# ---- history


def changelog(site: Site, request: Request, key: str) -> Json:
    """An issue's history, oldest first, 100 a page (Cloud only)."""
    entries = site.issue(key).document().get("history", [])
    return page(site, request, [site.render.history(e) for e in entries], most=100)


def changelog_bulk(site: Site, request: Request) -> Json:
    """The histories of up to 1,000 issues, oldest change first, cut into pages by token."""
    body = request.object()
    asked, fields = body.get("issueIdsOrKeys") or [], body.get("fieldIds") or []
    if not 1 <= len(asked) <= 1000 or len(fields) > 10:
        raise Refusal(400, "Up to 1000 issues and 10 field ids can be requested.")
    mark = _fingerprint(asked, fields)
    start, number = _position(site, body.get("nextPageToken"), mark)
    size = min(int(body.get("maxResults") or 1000), 10_000)
    entries = _histories(site, asked, fields)
    grouped: dict[int, list[Json]] = {}
    for owner, entry in entries[start : start + size]:
        grouped.setdefault(owner, []).append(site.render.history(entry))
    logs = [{"issueId": str(i), "changeHistories": found} for i, found in grouped.items()]
    result: Json = {"issueChangeLogs": logs}
    if start + size < len(entries):
        token = [mark, start + size, number + 1, site.state.clock.ms()]
        result["nextPageToken"] = base64.urlsafe_b64encode(orjson.dumps(token)).decode()
    return result


def _histories(site: Site, asked: Sequence[str], fields: Sequence[str]) -> list[tuple[int, Json]]:
    entries = []
    for chosen in {
        found.id: found for found in map(site.state.get, map(str, asked)) if found
    }.values():
        for entry in chosen.document().get("history", []):
            items = [i for i in entry["items"] if not fields or i.get("fieldId") in fields]
            if items:
                entries.append((chosen.id, entry | {"items": items}))
    return sorted(entries, key=lambda pair: (pair[1]["created"], pair[0], int(pair[1]["id"])))


# ---- worklogs


def issue_worklogs(site: Site, request: Request, key: str) -> Json:
    """An issue's worklogs, oldest start first; Cloud pages them, Data Center gives all."""
    owner = site.issue(key)
    entries = worklogs(owner.document())
    after, before = request.number("startedAfter", 0), request.number("startedBefore", 0)
    entries = [
        entry
        for entry in entries
        if (not after or milliseconds(entry["started"]) >= after)
        and (not before or milliseconds(entry["started"]) < before)
    ]
    expand = request.text("expand")
    shown = [site.render.worklog(owner.id, entry, expand=expand) for entry in entries]
    most = 5000 if site.cloud else max(len(shown), 1)
    return page(site, request, shown, most=most, key="worklogs")


def worklogs_updated(site: Site, request: Request) -> Json:
    """Ids of worklogs made or changed since a moment, 1,000 a page, without the last minute."""
    changes = [(when, ident) for ident, (_, when) in site.state.worklogs.items()]
    return _changed(site, request, changes)


def worklogs_deleted(site: Site, request: Request) -> Json:
    """Ids of worklogs deleted since a moment, 1,000 a page, without the last minute."""
    return _changed(site, request, site.state.worklogs_gone)


def _changed(site: Site, request: Request, changes: Iterable[tuple[int, int]]) -> Json:
    since, newest = request.number("since", 0), site.state.clock.ms() - 60_000
    due = sorted(change for change in changes if since <= change[0] <= newest)
    shown, last = due[:1000], len(due) <= 1000
    until = shown[-1][0] if shown else since
    place = site.render.base + request.path
    result: Json = {
        "values": [
            {"worklogId": ident, "updatedTime": when} | ({"properties": []} if site.cloud else {})
            for when, ident in shown
        ],
        "since": since, "until": until, "self": f"{place}?since={since}", "lastPage": last,
    }  # fmt: skip
    if not last:
        result["nextPage"] = f"{place}?since={until}"
    return result


def worklog_list(site: Site, request: Request) -> list[Json]:
    """Up to 1,000 worklogs by id; those the account may not see are left out."""
    asked = [int(i) for i in request.object().get("ids") or ()]
    if len(asked) > 1000:
        raise Refusal(400, "At most 1000 worklog ids can be requested.")
    owners: dict[int, set[int]] = {}
    for ident in asked:
        if ident in site.state.worklogs:
            owners.setdefault(site.state.worklogs[ident][0], set()).add(ident)
    shown = []
    for owner, idents in owners.items():
        chosen = site.state.get(str(owner))
        entries = worklogs(chosen.document()) if chosen else []
        shown += [
            site.render.worklog(owner, entry, expand=request.text("expand"))
            for entry in entries
            if int(entry["id"]) in idents
        ]
    return shown


ROUTES = (
    route(
        "GET", "/api/search/jql", search_jql,
        "jql nextPageToken maxResults fields expand properties fieldsByKeys failFast "
        "reconcileIssues",
        None,
    ),
    route("POST", "/api/search/jql", search_jql, "", None),
    route("POST", "/api/search/approximate-count", count, "", None),
    route(
        "GET", "/api/search", search_classic, None,
        "jql startAt maxResults validateQuery fields expand",
    ),
    route("POST", "/api/search", search_classic, None, ""),
    route("POST", "/api/issue/bulkfetch", bulk_fetch, "", None),
    route(
        "GET", "/api/issue/{key}", issue,
        "fields fieldsByKeys expand properties updateHistory failFast",
        "fields expand properties updateHistory",
    ),
    route("GET", "/api/issue/{key}/changelog", changelog, "startAt maxResults", None),
    route("POST", "/api/changelog/bulkfetch", changelog_bulk, "", None),
    route(
        "GET", "/api/issue/{key}/worklog", issue_worklogs,
        "startAt maxResults startedAfter startedBefore expand", "",
    ),
    route("GET", "/api/worklog/updated", worklogs_updated, "since expand", "since"),
    route("GET", "/api/worklog/deleted", worklogs_deleted, "since", "since"),
    route("POST", "/api/worklog/list", worklog_list, "expand", ""),
)  # fmt: skip
