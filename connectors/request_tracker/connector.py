"""Tickets of Request Tracker 5: incidents, requests and the time worked on them.

A search reads `LastUpdated` in the time zone of the account, which no answer states reliably (an
account without its own zone has the server's, which REST2 does not tell), and which changes twice a
year. So the search does not rely on it: it asks from 12 hours before `since`, the furthest any zone
lies west of UTC, and drops what `LastUpdated`, which is answered in UTC, says is older. At most
26 hours of changes are listed in vain; none is missed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import orjson
from pydantic import Field, SecretStr, field_validator, model_validator
from requests.auth import AuthBase

from connectors.request_tracker.client import (
    LISTED,
    TICKETS_PER_QUESTION,
    RequestTrackerClient,
)
from connectors.request_tracker.publish import RequestTrackerPublisher
from connectors.request_tracker.ticketsql import quoted, stamp
from itpm_sync.connector import (
    CheckItem,
    ConnectorInfo,
    ConnectorSettings,
    Context,
    Count,
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
    ItpmError,
    NotFound,
    RecordError,
    RequestRejected,
    one_record,
    suggestion,
)
from itpm_sync.http import BasicAuth, TokenAuth

WESTMOST = timedelta(hours=12)
IDS_PER_PARTITION = 5_000
_RELATIONS = frozenset("depends-on depended-on-by parent child refers-to referred-to-by".split())


class Auth(ConnectorSettings):
    """Either a token (RT: Logged in as … → Settings → Auth Tokens) or user and password."""

    token: SecretStr | None = None
    user: str = ""
    password: SecretStr | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Auth:
        by_password = bool(self.user and self.password)
        if (self.token is not None) == by_password or bool(self.user) != bool(self.password):
            raise ValueError("give either `token`, or `user` and `password`")
        return self

    def scheme(self) -> AuthBase:
        """The login as the HTTP client sends it."""
        if self.token is not None:
            return TokenAuth(self.token.get_secret_value(), scheme="token")
        assert self.password is not None  # noqa: S101 — `_one_way` holds
        return BasicAuth(self.user, self.password.get_secret_value())


class RequestTrackerSettings(ConnectorSettings):
    """What stands under a connection with `connector: request_tracker`."""

    url: str
    auth: Auth
    queues: tuple[str, ...] = Field(min_length=1)
    fields: Mapping[str, str] = Field(default_factory=dict)  # neutral name → custom field
    status_field: str = ""  # the custom field that `publish` may own
    time_entries: bool = False  # a few more requests per hundred tickets
    verify: bool | str = True  # or the path of a CA bundle

    @field_validator("url")
    @classmethod
    def _url(cls, value: str) -> str:
        if not re.fullmatch(r"https?://[^/\s?#]+[^\s?#]*", value) or "/REST/" in value:
            raise ValueError("expected RT's own address, such as https://rt.example.org")
        return value.rstrip("/")

    @field_validator("queues")
    @classmethod
    def _queues(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if any(not name.strip() for name in value) or len(set(value)) != len(value):
            raise ValueError("expected different, non-empty names of queues")
        return value


class RequestTrackerConnector:
    """One RT and the queues configured for it; each queue is a scope of the stream `ticket`."""

    info: ClassVar[ConnectorInfo] = ConnectorInfo(
        name="request_tracker",
        title="Request Tracker",
        system="Request Tracker 5 (REST2)",
        verified_against="a real RT 5.0.3 server (make systems)",
        publishes=RequestTrackerPublisher.fields,
        publishes_one=("custom_field",),
    )
    Settings: ClassVar[type[ConnectorSettings]] = RequestTrackerSettings
    mapping_file: ClassVar[Path] = Path(__file__).with_name("mapping.yaml")

    def __init__(self, name: str, settings: RequestTrackerSettings, context: Context) -> None:
        self.name, self.settings = name, settings
        verify = settings.verify
        if isinstance(verify, str):
            verify = str(context.base_dir / verify)
        self.client = RequestTrackerClient(
            settings.url, settings.auth.scheme(), context, verify=verify
        )

    def close(self) -> None:
        """Closes all pooled connections."""
        self.client.close()

    def first_answer_at(self) -> datetime | None:
        """RT's clock when it first answered."""
        return self.client.http.first_answer_at

    def variables(self) -> Mapping[str, str]:
        """The custom fields by neutral name: RT answers them by name, so nothing is looked up. It
        is asked for its version before anything else, as the answer tells its clock."""
        if self.client.http.first_answer_at is None:
            self.client.version()
        return dict(self.settings.fields)

    def streams(self) -> Sequence[Stream]:
        """The stream `ticket`."""
        asks = LISTED + (" time entries" if self.settings.time_entries else "")
        return (Stream("ticket", self.settings.queues, incremental=True, asks=asks),)

    # ---- reading --------------------------------------------------------------------------------

    def partitions(self, stream: Stream, window: Window) -> Iterator[Partition]:
        """An incremental window: a queue. A full one: ranges of ids, the last one open-ended."""
        for queue in stream.scopes:
            top = 0 if window.since else self.client.highest_id(_everything(queue))
            starts = range(0, max(top, 1), IDS_PER_PARTITION)
            for start in starts:
                end = start + IDS_PER_PARTITION if start != starts[-1] else None
                key = queue if len(starts) == 1 else f"{queue} {start + 1}-{end or ''}"
                yield Partition(key, scope=queue, detail={"after": start, "up_to": end})

    def fetch(
        self,
        stream: Stream,  # noqa: ARG002 — there is one
        partition: Partition,
        window: Window,
    ) -> Iterator[Page]:
        """The tickets of a queue, merged ones among them, that changed since the window began."""
        if partition.ids is not None:
            for chosen in _by_number(partition.ids):
                for tickets in self.client.tickets(f"({chosen}) AND EffectiveId > 0"):
                    yield self._page(tickets, None)
            return
        query = _everything(partition.scope)
        if window.since is not None:
            earliest = stamp(window.since.astimezone(UTC) - WESTMOST)
            query += f" AND LastUpdated >= {quoted(earliest)}"
        if partition.detail.get("up_to") is not None:
            query += f" AND id <= {partition.detail['up_to']}"
        for tickets in self.client.tickets(query, after=partition.detail.get("after", 0)):
            since = window.since and self.client.http.in_its_time(window.since)
            yield self._page(tickets, since)

    def census(
        self,
        stream: Stream,  # noqa: ARG002 — there is one
        scope: str,
    ) -> Iterator[Sequence[str]]:
        """The ids of a queue's tickets; deleted and merged ones are not among them."""
        for tickets in self.client.tickets(f"Queue = {quoted(scope)}", fields=""):
            yield [str(ticket["id"]) for ticket in tickets]

    def unchanged(
        self,
        stream: Stream,  # noqa: ARG002 — there is one
        scope: str,
        since: datetime,
    ) -> Iterator[Sequence[str]]:
        """The ids of a queue's tickets that were last changed before `since`."""
        until = self.client.http.in_its_time(since)
        for tickets in self.client.tickets(f"Queue = {quoted(scope)}", fields="LastUpdated"):
            yield [str(ticket["id"]) for ticket in tickets if not self._changed(ticket, until)]

    def _changed(self, ticket: Any, since: datetime) -> bool:
        try:
            moment = _moment(ticket.get("LastUpdated"), "")
        except RecordError:  # it is read with the changes, whenever it was
            return True
        return moment >= since

    def whereabouts(
        self,
        stream: Stream,  # noqa: ARG002 — there is one
        ids: Sequence[str],
    ) -> Mapping[str, Whereabouts]:
        """What became of tickets: a search finds those of any queue, and RT answers for each of
        the others: a deleted or merged one still answers, a forbidden one is 403, none is 404."""
        found = {
            str(ticket["id"]): Whereabouts(Fate.THERE, _queue(ticket))
            for chosen in _by_number(ids)
            for tickets in self.client.tickets(chosen, fields="Queue")
            for ticket in tickets
        }
        return {i: found.get(i) or self._whereabouts(i) for i in ids}

    def _whereabouts(self, number: str) -> Whereabouts:
        try:
            ticket, _ = self.client.ticket(number)
        except NotFound:
            return Whereabouts(Fate.DELETED)
        except RequestRejected as error:
            if error.status != 403:
                raise
            return Whereabouts(Fate.HIDDEN)
        if str(ticket.get("id")) != number:
            return Whereabouts(Fate.MERGED)
        return Whereabouts(Fate.DELETED if ticket.get("Status") == "deleted" else Fate.UNKNOWN)

    def count(
        self,
        stream: Stream,  # noqa: ARG002 — there is one
        scope: str,
    ) -> Count | None:
        """How many tickets the queue has, or None where RT does not tell this account."""
        value = self.client.count(f"Queue = {quoted(scope)}")
        return None if value is None else Count(value)

    def _page(self, tickets: Sequence[Any], since: datetime | None) -> Page:
        records: dict[str, RawRecord] = {}
        rejected: list[RecordError] = []
        for ticket in tickets:
            try:
                record = self._record(ticket)
            except RecordError as error:
                rejected.append(error)
                continue
            if since is None or record.updated_at is None or record.updated_at >= since:
                records[record.source_id] = record
        if self.settings.time_entries:
            self._complete(records, {str(t.get("id")): t for t in tickets if isinstance(t, dict)})
        return Page(tuple(records.values()), tuple(rejected))

    def _record(self, ticket: Any) -> RawRecord:
        number = str(ticket.get("id", "")) if isinstance(ticket, dict) else ""
        if not number.isdigit():
            raise RecordError(field="id", value=ticket, expected="a ticket with a number")
        place = self.client.page_for_people(number)
        with one_record(number, place):
            return self._raw(number, ticket, place)

    def _raw(self, number: str, ticket: Mapping[str, Any], place: str) -> RawRecord:
        effective = str(ticket.get("EffectiveId") or number)
        return RawRecord(
            source_id=number,
            body=canonical(ticket),
            scope=_queue(ticket),
            updated_at=_moment(ticket.get("LastUpdated"), place),
            url=place,
            deleted=ticket.get("Status") == "deleted",
            merged_into=effective if effective != number else None,
        )

    def _complete(self, records: dict[str, RawRecord], tickets: Mapping[str, Any]) -> None:
        """Adds the time entries. Those of a merged ticket belong to the other one."""
        worked = {
            number: minutes
            for number, record in records.items()
            if record.merged_into is None and (minutes := _minutes(tickets[number]))
        }
        history = self.client.time_worked(worked)
        for number, record in records.items():
            body = canonical({**tickets[number], "_history": history.get(number, [])})
            records[number] = replace(record, body=body)

    # ---- check ----------------------------------------------------------------------------------

    def check(self) -> Iterable[CheckItem]:
        """Login, queues, custom fields, completeness, the right to comment, clock and zone."""
        try:
            version = self.client.version()
        except ItpmError as error:
            yield CheckItem("login", ok=False, detail=str(error))
            return
        yield CheckItem("login", ok=True, detail=f"Request Tracker {version}")
        for queue in self.settings.queues:
            try:
                yield from self._check_queue(queue)
            except ItpmError as error:
                yield CheckItem(f"queue {queue}", ok=False, detail=str(error))
        yield self._check_clock()
        yield CheckItem(
            "time zone", ok=True, detail="searches do not depend on the account's time zone"
        )

    def _check_queue(self, queue: str) -> Iterator[CheckItem]:
        try:
            found = self.client.queue(queue)
        except (NotFound, RequestRejected) as error:
            advice = "check the name, and grant SeeQueue and ShowTicket to the account"
            yield CheckItem(f"queue {queue}", ok=False, detail=str(error), advice=advice)
            return
        count = self.client.count(f"Queue = {quoted(queue)}")
        yield CheckItem(
            f"queue {queue}",
            ok=count is not None,
            detail="RT hides totals" if count is None else f"{count} tickets",
            advice="" if count is not None else "set $UseSQLForACLChecks to 1 in RT",
        )
        names = {str(f.get("name")) for f in found.get("TicketCustomFields") or ()}
        for neutral, wanted in {**self.settings.fields, "status_field": self._status()}.items():
            if wanted and wanted not in names:
                yield CheckItem(
                    f"queue {queue}: custom field {wanted}",
                    ok=False,
                    detail=f"`{neutral}` names a custom field that this queue does not show",
                    advice=suggestion(wanted, names) or "grant SeeCustomField to the account",
                )
        yield from self._check_comment(queue)

    def _status(self) -> str:
        return self.settings.status_field

    def _check_comment(self, queue: str) -> Iterator[CheckItem]:
        highest = self.client.highest_id(f"Queue = {quoted(queue)}")
        if highest:
            links = self.client.ticket(str(highest))[0].get("_hyperlinks") or ()
            allowed = any(link.get("ref") == "comment" for link in links)
            detail = "may" if allowed else "may not"
            advice = "" if allowed else "to publish comments, grant CommentOnTicket"
            yield CheckItem(
                f"queue {queue}: comment", ok=True, detail=f"the account {detail}", advice=advice
            )

    def _check_clock(self) -> CheckItem:
        skew = self.client.http.clock_skew_s or 0.0
        return CheckItem(
            "clock",
            ok=abs(skew) < 120,
            detail=f"RT's clock is {skew:+.0f} s from ours",
            advice="" if abs(skew) < 120 else "set both clocks by NTP",
        )

    # ---- publishing -----------------------------------------------------------------------------

    def publisher(self) -> Publisher:
        """Writes internal comments and the status field."""
        return RequestTrackerPublisher(self.client, self.settings.status_field)


def canonical(ticket: Mapping[str, Any]) -> bytes:
    """The ticket's JSON with what RT leaves to chance put in order.

    Keys, custom fields and links come in no fixed order; the hyperlinks that list an account's
    rights and next statuses are no property of the ticket and are left out.
    """
    shown = dict(ticket)
    for name, wanted in (("CustomFields", None), ("_hyperlinks", _RELATIONS)):
        if isinstance(shown.get(name), list):
            kept = (v for v in shown[name] if wanted is None or v.get("ref") in wanted)
            shown[name] = sorted(kept, key=lambda v: orjson.dumps(v, option=orjson.OPT_SORT_KEYS))
    return orjson.dumps(shown, option=orjson.OPT_SORT_KEYS)


def _everything(queue: str) -> str:
    """All of a queue: naming EffectiveId makes RT show merged tickets too."""
    return f"Queue = {quoted(queue)} AND EffectiveId > 0"


def _by_number(numbers: Sequence[str]) -> Iterator[str]:
    """Queries for tickets by number, some at a time: a URL has its limits."""
    for start in range(0, len(numbers), TICKETS_PER_QUESTION):
        part = numbers[start : start + TICKETS_PER_QUESTION]
        yield " OR ".join(f"id = {number}" for number in part)


def _queue(ticket: Mapping[str, Any]) -> str:
    queue = ticket.get("Queue")
    return str(queue.get("Name", "")) if isinstance(queue, dict) else ""


def _minutes(ticket: Mapping[str, Any]) -> int:
    text = str(ticket.get("TimeWorked") or "0")
    return int(text) if text.removeprefix("-").isdecimal() else 0


def _moment(text: Any, place: str) -> datetime:
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise RecordError(
            field="LastUpdated", value=text, expected="a stamp like 2026-11-22T21:04:03Z",
            place=place,
        )  # fmt: skip
    return moment.astimezone(UTC)
