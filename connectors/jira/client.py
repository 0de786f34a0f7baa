"""Reading Jira, Cloud and Data Center: what the two answer differently stays in this file.

The `jira` package reads the small, unpaged metadata (account, fields, projects, versions,
permissions); its requests go through our own client by a transport adapter, so that they share
retries, rate budget, timeouts and redaction. Everything else is asked of our client directly,
because the package

- retries a lost POST as well as a GET, and breaks on a `Retry-After` that is a date,
- has no bulk fetch, no bulk changelog and no comment with properties,
- takes a page shorter than the one before as the last one (boards, sprints), and
- collects whole result lists in memory.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from connectors.jira.seen import SeenIds
from itpm_sync.errors import ConnectionFailed, NotFound, RequestRejected, RetryableError
from itpm_sync.http import HttpClient

if TYPE_CHECKING:
    from jira import JIRA

Json = dict[str, Any]

LIST_PAGE = (
    5_000  # ids a page: the most that Cloud gives; Data Center cuts it down to its own limit
)
BULK = 100  # issues a bulk fetch: the most that Cloud allows
RESULT_WINDOW = 10_000  # Data Center refuses to look beyond so many results
INLINE_CHANGES = 40  # Cloud puts at most so many histories into a bulk fetch
_PART = 9_500  # what we cut lists into: room below the window for issues that come meanwhile
_OFFSET_PAGE = 1_000  # what Data Center allows unless its administrator says otherwise
_RESTARTS = 5
_EARLIEST_ZONE = timedelta(hours=12)  # the furthest behind UTC that any zone is
_ORDER = "ORDER BY created ASC, key ASC"  # neither changes while we page through


class JiraClient:
    """One Jira site. Thread-safe."""

    def __init__(self, http: HttpClient, *, cloud: bool) -> None:
        self.http = http
        self.cloud = cloud
        self.api = "rest/api/3" if cloud else "rest/api/2"
        self._metadata: JIRA | None = None
        self._lock = threading.Lock()

    # ---- metadata -------------------------------------------------------------------------------

    def myself(self) -> Json:
        """The account. Raises ConnectionFailed with advice for this flavour if login fails."""
        answer, account = self.http.request(
            "GET", f"{self.api}/myself", allow=(401, 403), parse=True
        )
        if answer.status < 400 and isinstance(account, dict):
            return account
        denied = answer.headers.get("X-Authentication-Denied-Reason", "")
        if "CAPTCHA" in denied.upper():
            advice = "sign in once in a browser to answer the CAPTCHA, or use an access token"
        elif self.cloud:
            advice = (
                "check e-mail and API token; tokens are made at id.atlassian.com and expire; "
                "a Data Center server needs `flavor: datacenter`"
            )
        else:
            advice = (
                "check the personal access token (profile → Personal Access Tokens; they expire); "
                "basic authentication is off by default from Jira 11"
            )
        raise ConnectionFailed(
            f"{self.http.origin} refused the login ({answer.status})", advice=advice
        )

    def fields(self) -> list[Json]:
        """Every field of the site, system and custom."""
        return [f for f in self._site().fields() if "id" in f]

    def project(self, key: str) -> Json:
        """A project by its present or former key. Raises NotFound."""
        return dict(self._site().project(key).raw)

    def versions(self, key: str) -> list[Json]:
        """Every version of a project, released and archived ones too."""
        return [dict(v.raw) for v in self._site().project_versions(key)]

    def version(self, ident: str) -> Json:
        """A version by its id. Raises NotFound."""
        found: Json = self.http.get(f"{self.api}/version/{quote(ident, safe='')}")
        return found

    def permissions(self, key: str, names: Sequence[str]) -> Mapping[str, bool]:
        """Which of the named permissions the account has in a project."""
        wanted = ",".join(names) if self.cloud else None  # Data Center answers all of them
        found = self._site().my_permissions(projectKey=key, permissions=wanted)
        known: Mapping[str, Json] = found.get("permissions") or {}
        return {n: bool(known.get(n, {}).get("havePermission")) for n in names}

    def _site(self) -> JIRA:
        with self._lock:
            if self._metadata is None:
                from connectors.jira.metadata import metadata_client  # its import takes 0.1 s

                self._metadata = metadata_client(self.http, self.api.rsplit("/", 1)[1])
            return self._metadata

    # ---- boards and sprints ---------------------------------------------------------------------

    def boards(self, key: str) -> Iterator[Json]:
        """Boards whose filter reads the project."""
        yield from self._offsets("rest/agile/1.0/board", {"projectKeyOrId": key}, "values")

    def sprints(self, board: int) -> Iterator[Json]:
        """A board's sprints. Raises RequestRejected (400) if the board has none by its kind."""
        yield from self._offsets(f"rest/agile/1.0/board/{board}/sprint", {}, "values")

    def sprint(self, ident: str) -> Json:
        """A sprint by its id, on whatever board. Raises NotFound."""
        found: Json = self.http.get(f"rest/agile/1.0/sprint/{quote(ident, safe='')}")
        return found

    def _offsets(self, path: str, params: Mapping[str, Any], items: str) -> Iterator[Json]:
        """Pages by offset until the source says that it was the last: a short or even an empty
        page in between is not the end, because hidden entries leave holes."""
        start, asked = 0, 50
        while True:
            page = self.http.get(path, {**params, "startAt": start, "maxResults": asked})
            found = page.get(items) or []
            yield from found
            step = int(page.get("maxResults") or asked)
            start = int(page.get("startAt") or 0) + max(step, len(found), 1)
            total = page.get("total")
            last = page.get("isLast")
            if last is True or (
                last is None and (start >= total if total is not None else not found)
            ):
                return

    # ---- issues: which ------------------------------------------------------------------------

    def count(self, jql: str) -> int:
        """How many issues match; on Cloud approximately."""
        if self.cloud:
            path, name = "search/approximate-count", "count"
            found = self._search(path, {"jql": jql})
        else:
            path, name = "search", "total"
            found = self._search(path, {"jql": jql, "maxResults": 0, "fields": ["id"]})
        if not isinstance(found.get(name), int):
            raise ConnectionFailed(f"{self.http.origin}: {path} answered no {name}")
        return int(found[name])

    def issue_ids(self, jql: str, zone: tzinfo | None) -> Iterator[list[str]]:
        """The ids of every issue that matches, each once, in batches. `jql` has no order.

        Raises rather than ending early: ConnectionFailed for a source that goes in circles,
        RetryableError if its list never holds still.
        """
        seen = SeenIds()
        pages = self._ids_by_token(jql) if self.cloud else self._ids_by_offset(jql, zone)
        for page in pages:
            if fresh := seen.fresh(page):
                yield fresh

    def _ids_by_token(self, jql: str) -> Iterator[list[str]]:
        body: Json = {"jql": f"{jql} {_ORDER}", "fields": ["id"], "maxResults": LIST_PAGE}
        tokens: set[str] = set()
        while True:
            page = self._search("search/jql", body)
            yield _ids(page)
            token = page.get("nextPageToken")
            if not token:
                if page.get("isLast") is False:
                    raise ConnectionFailed(
                        f"{self.http.origin} says that more issues follow but not where",
                        advice="the next run starts this listing again",
                    )
                return
            if token in tokens:
                raise ConnectionFailed(
                    f"{self.http.origin} repeats a page of its issue list; stopped after "
                    f"{len(tokens) + 1} pages",
                    advice="the next run starts this listing again",
                )
            tokens.add(token)
            body["nextPageToken"] = token

    def _ids_by_offset(self, jql: str, zone: tzinfo | None) -> Iterator[list[str]]:
        """The list as it is where its first page, mostly its only one, says that it fits into the
        10,000 results that Data Center pages through; else range by range."""
        first = self._offset_page(jql, 0)
        if int(first["total"]) <= _PART:
            yield from self._ids_of_window(jql, first)
        else:
            for part in self._ranges(jql, zone or UTC):
                yield from self._ids_of_window(part)

    def _offset_page(self, jql: str, start: int) -> Json:
        size = min(_OFFSET_PAGE, RESULT_WINDOW - start)
        body = {"jql": f"{jql} {_ORDER}", "fields": ["id"], "startAt": start, "maxResults": size}
        return self._search("search", body)

    def _ids_of_window(self, jql: str, first: Json | None = None) -> Iterator[list[str]]:
        """Pages that overlap by one row: if the last row seen is not on the next page, rows have
        moved towards the front meanwhile and some could have been skipped, so the list starts
        again (it is read without bodies, and who listens drops what it has seen)."""
        for _ in range(_RESTARTS):
            start, anchor, total = 0, "", 1
            while start < total:
                page, first = first or self._offset_page(jql, start), None
                ids, total = _ids(page), int(page["total"])
                if anchor and anchor not in ids:
                    break
                yield ids
                if start + len(ids) >= total:
                    return
                if len(ids) < 2:
                    raise ConnectionFailed(
                        f"{self.http.origin} lists {len(ids)} issues a page of {total}",
                        advice="raise jira.search.views.default.max on the server",
                    )
                start, anchor = start + len(ids) - 1, ids[-1]
            else:
                return
        raise RetryableError(f"{self.http.origin}: the issue list changed during {_RESTARTS} reads")

    def _ranges(self, jql: str, zone: tzinfo) -> Iterator[str]:
        """The query, cut by `created`, which never changes."""
        first, last = (self._created(jql, order, zone) for order in ("ASC", "DESC"))
        yield from self._halves(jql, first, last + timedelta(minutes=1), (None, None))

    def _halves(
        self, jql: str, low: datetime, high: datetime, bounds: tuple[str | None, str | None]
    ) -> Iterator[str]:
        """`low` and `high` are local wall-clock minutes. The outermost ranges stay open, so that
        an issue with an odd stamp is not lost between them."""
        part = jql
        part += f' AND created >= "{bounds[0]}"' if bounds[0] else ""
        part += f' AND created < "{bounds[1]}"' if bounds[1] else ""
        if bounds != (None, None) and self.count(part) <= _PART:
            yield part
            return
        middle = (low + (high - low) / 2).replace(second=0, microsecond=0)
        if middle <= low:
            raise ConnectionFailed(
                f"more than {_PART} issues were created in the minute {low:%Y-%m-%d %H:%M}",
                advice="raise the result window of the server, or configure fewer projects",
            )
        cut = f"{middle:%Y-%m-%d %H:%M}"
        yield from self._halves(jql, low, middle, (bounds[0], cut))
        yield from self._halves(jql, middle, high, (cut, bounds[1]))

    def _created(self, jql: str, order: str, zone: tzinfo) -> datetime:
        body = {"jql": f"{jql} ORDER BY created {order}", "fields": ["created"], "maxResults": 1}
        issues = self._search("search", body)["issues"]
        stamp = parse_stamp(issues[0]["fields"].get("created")) if issues else None
        if stamp is None:
            raise RetryableError(f"{self.http.origin}: the issue list changed while it was read")
        return stamp.astimezone(zone).replace(tzinfo=None, second=0, microsecond=0)

    def _search(self, path: str, body: Json) -> Json:
        # A search only reads: it may be repeated although it is a POST.
        found = self.http.json("POST", f"{self.api}/{path}", body=body, idempotent=True)
        if not isinstance(found, dict):
            raise RetryableError(f"{self.http.origin}: {path} answered {type(found).__name__}")
        return found

    # ---- issues: what -------------------------------------------------------------------------

    def issues(
        self, ids: Sequence[str], fields: Sequence[str], *, changelog: bool
    ) -> tuple[dict[str, Json], dict[str, str]]:
        """At most 100 issues by id, and for those that the source could not give, its reason.

        What is in neither is gone or hidden by now: the reasons given are passing ones, says the
        vendor's document of the bulk fetch.
        """
        expand = ["changelog"] if changelog else []
        if not self.cloud:
            return self._issues_by_search(ids, fields, expand), {}
        body: Json = {"issueIdsOrKeys": list(ids), "fields": list(fields)}
        found = self._search("issue/bulkfetch", body | ({"expand": expand} if expand else {}))
        failed = {str(e.get("id")): str(e.get("errorMessage") or "no reason given")
                  for e in found.get("issueErrors") or ()}  # fmt: skip
        return {str(i["id"]): i for i in found.get("issues") or () if "id" in i}, failed

    def projects_of(self, ids: Sequence[str]) -> tuple[dict[str, str], list[str], list[str]]:
        """Where at most 100 issues are now, by no search's index: id → key of the project; those
        that do not exist, or that this account may not see; those that Jira cannot give now.
        """
        if self.cloud:
            found, failed = self.issues(ids, ["project"], changelog=False)
        else:  # issue by issue: Data Center has no bulk read but its search
            each = ((i, self._existing(i, ["project"], ())) for i in ids)
            found, failed = {i: issue for i, issue in each if issue}, {}
        projects = {i: str(issue["fields"]["project"]["key"]) for i, issue in found.items()}
        gone = [i for i in ids if i not in projects and i not in failed]
        return projects, gone, list(failed)

    def _issues_by_search(
        self, ids: Sequence[str], fields: Sequence[str], expand: Sequence[str]
    ) -> dict[str, Json]:
        """Bodies by `id in (…)`: unlike an offset, an id still means the same issue when others
        come and go between two pages. An id that was deleted meanwhile makes Jira refuse the whole
        query; `validateQuery` says not to, and a server that does so all the same is asked for
        each issue."""
        try:
            return self._issues_in(ids, fields, expand)
        except RequestRejected as error:
            if error.status != 400:
                raise
            found = (self._existing(i, fields, expand) for i in ids)
            return {str(issue["id"]): issue for issue in found if issue}

    def _existing(self, ident: str, fields: Sequence[str], expand: Sequence[str]) -> Json | None:
        """The issue, or None if there is none or, as some servers say (403), none for us."""
        try:
            return self.issue(ident, fields, changelog="changelog" in expand)
        except NotFound:
            return None
        except RequestRejected as error:
            if error.status != 403:
                raise
            return None

    def _issues_in(
        self, ids: Sequence[str], fields: Sequence[str], expand: Sequence[str]
    ) -> dict[str, Json]:
        found: dict[str, Json] = {}
        jql = f"id in ({', '.join(ids)}) ORDER BY key ASC"
        while True:
            body = {"jql": jql, "fields": list(fields), "expand": list(expand),
                    "startAt": len(found), "maxResults": len(ids),
                    "validateQuery": False}  # fmt: skip
            page = self._search("search", body)
            before = len(found)
            found.update({str(i["id"]): i for i in page.get("issues") or () if "id" in i})
            if len(found) >= int(page["total"]) or len(found) == before:
                return found

    def issue(self, address: str, fields: Sequence[str], *, changelog: bool = False) -> Json:
        """One issue by id or key. Raises NotFound."""
        params = {"fields": ",".join(fields)} | ({"expand": "changelog"} if changelog else {})
        found: Json = self.http.get(self.issue_path(address), params)
        return found

    def issue_path(self, address: str, rest: str = "") -> str:
        """The path of an issue, or of something below it."""
        return f"{self.api}/issue/{quote(address, safe='')}{rest}"

    def worklogs(self, issue_id: str) -> tuple[list[Json], int]:
        """Every work log of an issue, and how many the source says there are."""
        found: dict[str, Json] = {}
        while True:
            # Data Center answers all at once and knows no paging here.
            params = {"startAt": len(found), "maxResults": 5_000} if self.cloud else None
            page = self.http.get(self.issue_path(issue_id, "/worklog"), params)
            before = len(found)
            found.update({str(w.get("id")): w for w in page.get("worklogs") or ()})
            total = int(page.get("total", len(found)))
            if len(found) >= total or len(found) == before or not self.cloud:
                return list(found.values()), total

    def histories(self, ids: Collection[str]) -> dict[str, list[Json]]:
        """The complete change history of each issue, oldest first."""
        if not self.cloud:
            return {i: _histories(self.issue(i, ["updated"], changelog=True)) for i in ids}
        found: dict[str, dict[str, Json]] = {i: {} for i in ids}
        body: Json = {"issueIdsOrKeys": sorted(ids), "maxResults": 10_000}
        tokens: set[str] = set()
        while True:
            page = self._search("changelog/bulkfetch", body)
            for log in page.get("issueChangeLogs") or ():
                mine = found.setdefault(str(log.get("issueId")), {})
                mine.update({str(h.get("id")): h for h in log.get("changeHistories") or ()})
            token = page.get("nextPageToken")
            if not token:
                return {i: list(mine.values()) for i, mine in found.items()}
            if token in tokens:
                raise ConnectionFailed(f"{self.http.origin} repeats a page of its change history")
            tokens.add(token)
            body["nextPageToken"] = token


# ---- values -----------------------------------------------------------------------------------


def parse_stamp(text: Any) -> datetime | None:
    """A Jira time (`2024-05-01T10:11:12.345+0000`) as aware UTC; None for anything else."""
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)


def account_zone(account: Mapping[str, Any]) -> ZoneInfo | None:
    """The account's time zone; None where Jira does not say or uses a name that we do not know."""
    try:
        return ZoneInfo(str(account.get("timeZone") or ""))
    except (ValueError, OSError, KeyError):
        return None


def jql_stamp(moment: datetime, zone: tzinfo | None) -> str:
    """`moment` as a JQL date that never means a later time.

    JQL reads dates in the time zone of the account and knows minutes only, so the moment is
    written in that zone and floored. A wall-clock time that comes twice (clocks put back) could
    mean the later one: then an hour earlier is written. Without a known zone, the zone furthest
    behind UTC is assumed. Reading too much is harmless, a gap is not. (Epoch milliseconds are
    said to work on Cloud; nobody documents them for both flavours.)
    """
    if zone is None:
        return f"{moment.astimezone(UTC) - _EARLIEST_ZONE:%Y-%m-%d %H:%M}"
    local = moment.astimezone(zone)
    while local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset():
        moment -= timedelta(hours=1)
        local = moment.astimezone(zone)
    return f"{local:%Y-%m-%d %H:%M}"


def _ids(page: Mapping[str, Any]) -> list[str]:
    return [str(issue["id"]) for issue in page.get("issues") or ()]


def _histories(issue: Mapping[str, Any]) -> list[Json]:
    return list((issue.get("changelog") or {}).get("histories") or ())
