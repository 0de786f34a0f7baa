"""Jira Cloud and Jira Data Center as a source, and as a place to publish the status to.

Reading an issue stream is the same on both: list the ids (cheap, and over a full window the
census for nothing), then read the bodies a hundred at a time, in parallel. What is cut short in an
answer (Cloud gives 20 work logs and 40 changes) is completed before the record is handed over, so
that the raw record is whole; one that stays short is rejected, never passed on with a gap.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta, tzinfo
from functools import partial
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

import orjson

from connectors.jira.client import (
    BULK,
    JiraClient,
    account_zone,
    jql_stamp,
    parse_stamp,
)
from connectors.jira.publish import JiraPublisher
from connectors.jira.records import cut_short, derived, flat_changes, resolve_fields
from connectors.jira.settings import JiraSettings, http_client
from itpm_sync.connector import (
    CheckItem,
    ConnectorInfo,
    ConnectorSettings,
    Context,
    Count,
    Deletes,
    Fate,
    Page,
    Partition,
    Publisher,
    RawRecord,
    Stream,
    Whereabouts,
    Window,
)
from itpm_sync.errors import (
    ConnectionFailed,
    ItpmError,
    NotFound,
    RecordError,
    RequestRejected,
    one_record,
)

log = logging.getLogger(__name__)

Json = dict[str, Any]

FIELDS = (
    "project summary issuetype status priority resolution resolutiondate created updated duedate "
    "assignee reporter parent components labels fixVersions issuelinks timeoriginalestimate "
    "timeestimate timespent"
).split()  # not description or comments: they are big, private, and nothing is computed from them
PUBLISHING = ("ADD_COMMENTS", "EDIT_OWN_COMMENTS", "EDIT_ISSUES", "LINK_ISSUES")
BOARDS = "boards"  # the scope of sprints: they belong to boards, which read several projects
_SKEW_S = 60.0
# The index of a search lags behind by seconds, on a bad day by minutes; stamps in JQL are minutes.
_OVERLAP = timedelta(minutes=10)


class JiraConnector:
    """Implements itpm_sync.connector.Connector for Jira."""

    info: ClassVar[ConnectorInfo] = ConnectorInfo(
        name="jira",
        title="Jira",
        system="Jira Cloud, Jira Data Center 9-10",
        verified_against="a sandbox whose every exchange is validated against Atlassian's OpenAPI "
        "documents (Cloud platform v3, Cloud software, Data Center 10.3)",
        publishes=JiraPublisher.fields,
        publishes_one=("property",),
    )
    Settings: ClassVar[type[ConnectorSettings]] = JiraSettings
    mapping_file: ClassVar[Path] = Path(__file__).with_name("mapping.yaml")

    def __init__(self, name: str, settings: JiraSettings, context: Context) -> None:
        self.name = name
        self.settings = settings
        self._root = settings.url.rstrip("/")
        self._http = http_client(settings, context)
        self._client = JiraClient(self._http, cloud=settings.flavor == "cloud")
        self._lock = threading.Lock()
        self._zone: tzinfo | None = None
        self._logged_in = False
        self._fields = _still_valid(context.remembered, settings)

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    def first_answer_at(self) -> datetime | None:
        """The site's clock when it first answered."""
        return self._http.first_answer_at

    def publisher(self) -> Publisher | None:
        """Writes issue properties, remote links and comments."""
        return JiraPublisher(self._client)

    def streams(self) -> Sequence[Stream]:
        """Projects, issues, versions and, unless switched off, sprints."""
        keys = self.settings.projects
        streams = [
            Stream("project", keys, deletes=Deletes.WHOLE, reference=True),
            Stream(
                "issue", keys, incremental=True, joint=True, overlap=_OVERLAP, asks=self._asked()
            ),
            Stream("version", keys, deletes=Deletes.WHOLE, may_be_empty=True, reference=True),
        ]
        if self.settings.sprints is not False:
            streams.append(Stream("sprint", (BOARDS,), may_be_empty=True, reference=True))
        return streams

    def _asked(self) -> str:
        """What a changed configuration would read differently, as words; of fields their ids, once
        these are known: another field that bears the name now is in no issue that was read."""
        own = self.settings
        fields = own.fields if self._fields is None else self._fields
        parts = {"worklog": own.worklogs, "changelog": own.changelog}
        words = [*FIELDS, *(name for name, asked in parts.items() if asked)]
        return " ".join([*words, *sorted(f"{n}={w}" for n, w in fields.items())])

    def variables(self) -> Mapping[str, str]:
        """Neutral names → field ids: the configured ones, and `sprint` and `epic` where found.

        The account is asked for in every run, before anything else: it proves the login, its
        answer tells the site's clock, and JQL reads dates in its time zone, which people change.
        """
        self._account_zone()
        with self._lock:
            if self._fields is None:
                self._fields = resolve_fields(self.settings.fields, self._client.fields())
            return self._fields

    def remember(self) -> Mapping[str, Any]:
        """The ids of the fields, and of which configured names they are the ids."""
        return {"asked": dict(self.settings.fields), "fields": dict(self.variables())}

    def _account_zone(self) -> tzinfo | None:
        with self._lock:
            if not self._logged_in:
                self._zone = account_zone(self._client.myself())
                self._logged_in = True
            return self._zone

    # ---- what there is --------------------------------------------------------------------------

    def partitions(self, stream: Stream, window: Window) -> Iterator[Partition]:
        """Issues: a hundred ids each, in the order of creation; changes of all scopes in one
        list, so that many quiet projects cost one request. Else one a scope."""
        if stream.name != "issue":
            yield from (Partition(scope, scope) for scope in stream.scopes)
        elif window.since is not None and len(stream.scopes) > 1:
            yield from self._slices("", self._ids(stream.scopes, window.since))
        else:
            for scope in stream.scopes:
                yield from self._slices(scope, self._ids((scope,), window.since))

    def _slices(self, scope: str, listed: Iterable[Sequence[str]]) -> Iterator[Partition]:
        for ids in _chunks(listed, BULK):
            yield Partition(f"{scope} {ids[0]}-{ids[-1]}".strip(), scope, ids=tuple(ids))

    def census(self, stream: Stream, scope: str) -> Iterator[Sequence[str]]:
        """Every id of a scope, in batches; raises rather than ending early. Boards that are refused
        are not taken for none, whatever `sprints` says: who asks has sprints in store."""
        if stream.name == "issue":
            yield from self._ids((scope,), None)
        elif stream.name == "sprint":
            refused: list[RecordError] = []
            yield list(self._sprints(refused, lenient=False))
            if refused:
                raise ConnectionFailed(f"sprints cannot be listed completely: {refused[0]}")
        else:
            yield [record.source_id for record in self._small(stream.name, scope)]

    def unchanged(self, stream: Stream, scope: str, since: datetime) -> Iterator[Sequence[str]]:  # noqa: ARG002
        """The ids of issues that were last changed before `since`."""
        yield from self._ids((scope,), since, changed="<")

    def count(self, stream: Stream, scope: str) -> Count | None:
        """Issues by the search's own count (Cloud: approximate), of all scopes together for the
        scope ""; else what a listing gives."""
        if stream.name == "issue":
            value = self._client.count(_jql(*((scope,) if scope else stream.scopes)))
            return Count(value, exact=not self._client.cloud)
        if stream.name == "sprint":
            return None
        return Count(len(list(self._small(stream.name, scope))))

    # ---- what is missing ------------------------------------------------------------------------

    def whereabouts(self, stream: Stream, ids: Sequence[str]) -> Mapping[str, Whereabouts]:
        """What became of records, asked by id: a search has an index, which lags.

        Jira has one answer for "deleted" and "you may not see it" (404, or an issue left out of a
        bulk fetch): HIDDEN. Only of a version it says more: who sees the project, as its listing
        has just shown, sees every version, and versions never change their project.
        """
        if stream.name == "issue":
            parts = (self._client.projects_of(part) for part in _chunks([ids], BULK))
            return {ident: where for part in parts for ident, where in _fates(*part).items()}
        return {ident: self._whereabouts(stream.name, ident) for ident in ids}

    def _whereabouts(self, stream: str, ident: str) -> Whereabouts:
        client = self._client
        try:
            if stream == "sprint":  # there, but on none of the boards that read our projects
                return Whereabouts(Fate.THERE, f"board {client.sprint(ident).get('originBoardId')}")
            if stream == "version":
                ident = str(client.version(ident)["projectId"])
            return Whereabouts(Fate.THERE, str(client.project(ident)["key"]))
        except NotFound:
            return Whereabouts(Fate.DELETED if stream == "version" else Fate.HIDDEN)
        except RequestRejected as error:
            if error.status != 403:
                raise
            return Whereabouts(Fate.HIDDEN)

    def _ids(
        self, scopes: Sequence[str], since: datetime | None, changed: str = ">="
    ) -> Iterator[list[str]]:
        zone = self._account_zone()
        jql = _jql(*scopes)
        if since is not None:
            jql += f' AND updated {changed} "{jql_stamp(self._http.in_its_time(since), zone)}"'
        try:
            yield from self._client.issue_ids(jql, zone)
        except RequestRejected as error:
            raise _about_project(error, ", ".join(scopes)) from None

    # ---- reading --------------------------------------------------------------------------------

    def fetch(self, stream: Stream, partition: Partition, window: Window) -> Iterator[Page]:  # noqa: ARG002
        """A page for every hundred ids of the partition; the window stands in these."""
        if stream.name == "issue":
            for ids in _chunks([partition.ids or ()], BULK):
                yield self._issues(replace(partition, ids=tuple(ids)))
        elif stream.name == "sprint":
            rejected: list[RecordError] = []
            sprints = self._sprints(rejected, lenient=self.settings.sprints == "auto")
            yield Page([_record(i, s, BOARDS) for i, s in sprints.items()], rejected)
        else:
            yield Page(list(self._small(stream.name, partition.scope)))

    def _small(self, stream: str, key: str) -> Iterator[RawRecord]:
        """A project, or all its versions. A version gets `_project`, as it names none by key, and
        `_finished`: its release date once it is released (before, the date is a plan)."""
        try:
            project = self._client.project(key)
            if stream == "project":
                yield _record(str(project["id"]), project, project["key"], self._browse(key))
                return
            versions = self._client.versions(key)
        except NotFound as error:
            raise _about_project(error, key) from None
        own = {n: project.get(n) for n in ("id", "key", "name")}
        for version in versions:
            finished = version.get("releaseDate") if version.get("released") else None
            body = version | {"_project": own, "_finished": finished}
            yield _record(str(version["id"]), body, project["key"])

    def _issues(self, partition: Partition) -> Page:
        client, ids, names = self._client, partition.ids or (), self.variables()
        wanted = [*FIELDS, *dict.fromkeys(names.values())]
        wanted += ["worklog"] if self.settings.worklogs else []
        found, failed = client.issues(ids, wanted, changelog=self.settings.changelog)
        if failed:  # "retriable", says the vendor: once more, now fewer at a time
            again, failed = client.issues(list(failed), wanted, changelog=self.settings.changelog)
            found |= again
        missing = {i: failed.get(i) or _GONE for i in ids if i not in found}
        place = f"project {partition.scope or ', '.join(self.settings.projects)}"
        rejected = [_unread(i, reason, place) for i, reason in missing.items()]
        changes = self._histories(found) if self.settings.changelog else {}
        records = []
        for ident, issue in found.items():
            try:
                with one_record(ident, self._browse(ident)):
                    self._complete(ident, issue, changes.get(ident))
                    issue.update(derived(issue["fields"], names))
                    records.append(self._issue_record(ident, issue, partition.scope))
            except RecordError as problem:
                rejected.append(problem)
        return Page(records, rejected)

    def _histories(self, issues: Mapping[str, Json]) -> Mapping[str, list[Json]]:
        short = [
            ident
            for ident, issue in issues.items()
            if cut_short(issue.get("changelog"), cloud=self._client.cloud)
        ]
        return self._client.histories(short) if short else {}

    def _complete(self, ident: str, issue: Json, histories: list[Json] | None) -> None:
        """Puts the whole change history (as `_changes`) and all work logs into the body. Raises
        RecordError for what stays short."""
        fields = issue.setdefault("fields", {})
        if self.settings.changelog:
            inline = issue.pop("changelog", None) or {}
            listed = inline.get("histories") or [] if histories is None else histories
            if len(listed) < int(inline.get("total") or 0):
                raise self._short(issue, "changelog", len(listed), inline["total"])
            issue["_changes"] = flat_changes(listed)
        logs = fields.get("worklog")
        if self.settings.worklogs and isinstance(logs, dict):
            entries, total = logs.get("worklogs") or [], int(logs.get("total") or 0)
            if len(entries) < total:
                entries, total = self._client.worklogs(ident)
            if len(entries) < total:
                raise self._short(issue, "fields.worklog", len(entries), total)
            fields["worklog"] = {"total": len(entries), "worklogs": entries}

    def _short(self, issue: Json, field: str, listed: int, total: int) -> RecordError:
        return RecordError(
            field=field, value=f"{listed} of {total} entries", expected="all entries",
            place=self._browse(str(issue.get("key"))),
            hint="Jira counts more than it lists; the next pulls try again",
            source_id=str(issue["id"]),
        )  # fmt: skip

    def _issue_record(self, ident: str, issue: Json, scope: str) -> RawRecord:
        """Raises RecordError for an issue that belongs to no scope: it was read with those of
        several projects, and does not say which is its own."""
        project = issue["fields"].get("project")
        now_in = str(project.get("key") or scope) if isinstance(project, dict) else scope
        url = self._browse(str(issue.get("key") or ident))
        if not now_in:
            raise RecordError(
                field="fields.project", value=project, expected="a project with its key",
                place=url, hint="the next pulls try again", source_id=ident,
            )  # fmt: skip
        updated = parse_stamp(issue["fields"].get("updated"))
        return _record(ident, issue, now_in, url, updated)

    def _browse(self, key: str) -> str:
        return f"{self._root}/browse/{key}"

    # ---- sprints --------------------------------------------------------------------------------

    def _sprints(self, rejected: list[RecordError], *, lenient: bool) -> dict[str, Json]:
        """Every sprint of every board that reads one of the projects, each once, with the keys of
        those projects as `_projects` (and `_project_key` if it is one). A board that refuses goes
        to `rejected`. `lenient`: a project whose boards are refused has none."""
        sprints: dict[str, Json] = {}
        for key in self.settings.projects:
            for board in self._boards(key, lenient=lenient):
                try:
                    for sprint in self._client.sprints(int(board["id"])):
                        own = sprints.setdefault(str(sprint["id"]), {**sprint, "_projects": []})
                        if key not in own["_projects"]:
                            own["_projects"].append(key)
                except (RequestRejected, NotFound) as error:
                    if getattr(error, "status", 0) != 400:  # 400: this kind of board has no sprints
                        rejected.append(_refused(board, error))
        for own in sprints.values():
            own["_project_key"] = own["_projects"][0] if len(own["_projects"]) == 1 else None
        return sprints

    def _boards(self, key: str, *, lenient: bool) -> list[Json]:
        try:
            return [b for b in self._client.boards(key) if b.get("type") != "kanban"]
        except (NotFound, RequestRejected) as error:
            if lenient:  # Jira without its Software part has no boards
                log.info("%s: no boards for %s: %s", self.name, key, error)
                return []
            raise ConnectionFailed(
                f"the boards of {key} cannot be read: {error}",
                advice="the account needs access to Jira Software; or set `sprints: false`",
            ) from None

    # ---- check ----------------------------------------------------------------------------------

    def check(self) -> Iterable[CheckItem]:
        """Login, zone, clock, fields, each project, and what publishing would need."""
        account: Json = {}

        def login() -> str:
            account.update(self._client.myself())
            name = account.get("emailAddress") or account.get("name") or account.get("accountId")
            return f"{account.get('displayName')} ({name})"

        yield (first := _tried("login", login))
        if not first.ok:
            return
        yield from self._check_transport()
        yield self._check_zone(account)
        yield self._check_clock()
        yield _tried("fields", self._check_fields)
        for key in self.settings.projects:
            yield (project := _tried(f"project {key}", partial(self._check_project, key)))
            if project.ok:
                yield self._check_publishing(key)

    def _check_transport(self) -> Iterator[CheckItem]:
        parts = urlsplit(self.settings.url)
        if parts.scheme == "http" and parts.hostname not in ("127.0.0.1", "::1", "localhost"):
            yield CheckItem(
                "encryption", ok=True, detail="none: the token can be read on its way",
                advice="use https",
            )  # fmt: skip

    def _check_zone(self, account: Json) -> CheckItem:
        zone = account_zone(account)
        if zone is not None:
            return CheckItem("time zone", ok=True, detail=zone.key)
        return CheckItem(
            "time zone", ok=True, detail="unknown; dates in queries are widened by half a day",
            advice="set a time zone in the account's profile",
        )  # fmt: skip

    def _check_clock(self) -> CheckItem:
        skew = self._http.clock_skew_s
        if skew is None:
            return CheckItem("clock", ok=True, detail="the server does not tell its time")
        ok = abs(skew) < _SKEW_S
        advice = "" if ok else "set both clocks by NTP: changes are asked for by time"
        return CheckItem("clock", ok=ok, detail=f"{skew:+.0f} s against ours", advice=advice)

    def _check_fields(self) -> str:
        found = resolve_fields(self.settings.fields, self._client.fields())
        return ", ".join(f"{n} = {i}" for n, i in found.items()) or "no custom fields"

    def _check_project(self, key: str) -> str:
        try:
            project = self._client.project(key)
        except (NotFound, RequestRejected) as error:
            raise _about_project(error, key) from None
        if project.get("key") != key:
            raise ConnectionFailed(
                f"{key} is now called {project.get('key')}", advice="change `projects`"
            )
        return f"{project.get('name')}: {self._client.count(_jql(key))} issues"

    def _check_publishing(self, key: str) -> CheckItem:
        """Never fails the check: who does not publish needs none of it."""
        name = f"publishing in {key}"
        try:
            has = self._client.permissions(key, PUBLISHING)
        except ItpmError as error:
            return CheckItem(
                name, ok=True, detail=f"permissions cannot be read: {error}",
                advice="needed only to publish",
            )  # fmt: skip
        lacking = [p for p, granted in has.items() if not granted]
        if not lacking:
            return CheckItem(name, ok=True, detail="permitted")
        return CheckItem(
            name, ok=True, detail=f"lacks {', '.join(lacking)}",
            advice="needed only to publish; ask the project's administrator",
        )  # fmt: skip


_GONE = "listed, but deleted or hidden from this account when it was read"


def _jql(*keys: str) -> str:
    quoted = [f'"{key}"' for key in keys]  # a key is validated: nothing in it needs escaping
    return f"project = {quoted[0]}" if len(keys) == 1 else f"project in ({', '.join(quoted)})"


def _still_valid(remembered: Mapping[str, Any], settings: JiraSettings) -> Mapping[str, str] | None:
    """The field ids of an earlier run, unless other fields are configured now."""
    if remembered.get("asked") != dict(settings.fields):
        return None
    fields = remembered.get("fields")
    return {str(n): str(i) for n, i in fields.items()} if isinstance(fields, Mapping) else None


def _fates(
    projects: Mapping[str, str], gone: Iterable[str], unanswered: Iterable[str]
) -> dict[str, Whereabouts]:
    """As `JiraClient.projects_of` found them."""
    found = {ident: Whereabouts(Fate.THERE, key) for ident, key in projects.items()}
    found |= dict.fromkeys(gone, Whereabouts(Fate.HIDDEN))
    return found | dict.fromkeys(unanswered, Whereabouts(Fate.UNKNOWN))


def _chunks(batches: Iterable[Sequence[str]], size: int) -> Iterator[list[str]]:
    """Regroups batches into lists of `size`, as soon as each is full."""
    rest: list[str] = []
    for batch in batches:
        rest.extend(batch)
        while len(rest) >= size:
            yield rest[:size]
            rest = rest[size:]
    if rest:
        yield rest


def _record(
    ident: str, body: Json, scope: str, url: str | None = None, updated: datetime | None = None
) -> RawRecord:
    return RawRecord(ident, orjson.dumps(body), scope, updated, url, parsed=body)


def _unread(ident: str, reason: str, place: str) -> RecordError:
    return RecordError(
        field="issue", value=ident, expected="an issue that can be read",
        place=place, hint=reason, source_id=ident,
    )  # fmt: skip


def _refused(board: Json, error: ItpmError) -> RecordError:
    return RecordError(
        field="sprint", value=None, expected="the sprints of the board",
        place=f"board {board.get('name') or board.get('id')}", hint=str(error),
    )  # fmt: skip


def _about_project(error: ItpmError, key: str) -> ConnectionFailed:
    return ConnectionFailed(
        f"project {key} cannot be read: {error}",
        advice="check the key, and that the account has Browse Projects in it",
    )


def _tried(name: str, attempt: Callable[[], str]) -> CheckItem:
    try:
        return CheckItem(name, ok=True, detail=attempt())
    except ConnectionFailed as error:
        return CheckItem(name, ok=False, detail=error.message, advice=error.advice)
    except ItpmError as error:
        return CheckItem(name, ok=False, detail=str(error))
