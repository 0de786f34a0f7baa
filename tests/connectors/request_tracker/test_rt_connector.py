"""The connector where a server goes wrong, hides things or lies; and its settings."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import responses
from pydantic import ValidationError

from connectors.request_tracker.connector import (
    IDS_PER_PARTITION,
    RequestTrackerConnector,
    RequestTrackerSettings,
    canonical,
)
from connectors.request_tracker.sandbox import RequestTrackerSandbox
from itpm_sync.connector import Connector, Context, Deletes, Faults, Page, Window
from itpm_sync.errors import ConnectionFailed

TOKEN = "1-27-sandbox-token"
SITE = "https://rt.example.org"
START = datetime(2026, 1, 5, 12, tzinfo=UTC)


@pytest.fixture
def sandbox() -> Iterator[RequestTrackerSandbox]:
    made = RequestTrackerSandbox()
    made.clock = lambda: START
    made.desk.add_field("Project Code", "Helpdesk")
    made.start()
    yield made
    made.stop()


def build(url: str, **settings: Any) -> RequestTrackerConnector:
    given = {"url": url, "auth": {"token": TOKEN}, "queues": ["Helpdesk"], **settings}
    context = Context(Path(), attempts=2, timeout_s=5)
    return RequestTrackerConnector("desk", RequestTrackerSettings(**given), context)


def pages(connector: RequestTrackerConnector, since: datetime | None = None) -> list[Page]:
    (stream,) = connector.streams()
    window = Window(since, START + timedelta(hours=1))
    return [
        page
        for partition in connector.partitions(stream, window)
        for page in connector.fetch(stream, partition, window)
    ]


def deep(levels: int) -> list[Any]:
    """A list in a list in a list …: more than can be written as JSON again."""
    found: list[Any] = []
    for _ in range(levels):
        found = [found]
    return found


def numbers(found: list[Page]) -> list[str]:
    return [record.source_id for page in found for record in page.records]


def test_it_is_a_connector_with_one_incremental_stream() -> None:
    connector = build(SITE, queues=["Helpdesk", "Procurement"])
    assert isinstance(connector, Connector)
    (stream,) = connector.streams()
    assert (stream.name, stream.scopes) == ("ticket", ("Helpdesk", "Procurement"))
    assert stream.incremental
    assert stream.deletes is Deletes.CENSUS


def test_its_clock_is_known_before_the_first_window(sandbox: RequestTrackerSandbox) -> None:
    """Else a clock that was set back would never be noticed."""
    connector = build(sandbox.base_url)
    assert connector.first_answer_at() is None
    connector.variables()
    assert connector.first_answer_at() is not None


# ---- windows ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "zone", ["UTC", "America/New_York", "Etc/GMT+12", "Pacific/Kiritimati", "Asia/Kolkata"]
)
def test_no_zone_of_the_account_loses_or_adds_a_ticket(
    sandbox: RequestTrackerSandbox, zone: str
) -> None:
    sandbox.desk.zones["sync"] = zone
    moments = [START + timedelta(hours=h) for h in (-30, -1, 0, 1, 30)]
    for moment in moments:
        sandbox.clock = lambda moment=moment: moment  # type: ignore[misc]
        sandbox.create("Helpdesk")
    assert numbers(pages(build(sandbox.base_url), START)) == ["3", "4", "5"]


def test_a_full_window_of_many_ids_is_cut_into_ranges_that_miss_none(
    sandbox: RequestTrackerSandbox,
) -> None:
    ids = [1, IDS_PER_PARTITION, IDS_PER_PARTITION + 1, 2 * IDS_PER_PARTITION + 5]
    for number in ids:
        sandbox.desk.create("Helpdesk", "sync", {}, number=number)
    connector = build(sandbox.base_url)
    (stream,) = connector.streams()
    window = Window(None, START)
    parts = list(connector.partitions(stream, window))
    assert [p.key for p in parts] == [
        "Helpdesk 1-5000", "Helpdesk 5001-10000", "Helpdesk 10001-",
    ]  # fmt: skip
    sandbox.create("Helpdesk")  # while the pull goes on
    found = [[*numbers(list(connector.fetch(stream, p, window)))] for p in parts]
    assert found == [["1", "5000"], ["5001"], ["10005", "10006"]]


def test_an_empty_queue_has_one_empty_partition(sandbox: RequestTrackerSandbox) -> None:
    assert numbers(pages(build(sandbox.base_url))) == []


def test_a_listing_asks_by_key_so_that_a_change_meanwhile_shifts_nothing(
    sandbox: RequestTrackerSandbox,
) -> None:
    for _ in range(250):
        sandbox.create("Helpdesk")
    connector = build(sandbox.base_url)
    (stream,) = connector.streams()
    seen: list[str] = []
    for batch in connector.census(stream, "Helpdesk"):
        seen += batch
        if len(seen) == 100:
            sandbox.delete(5)  # with offsets, ticket 101 would now be skipped
    assert seen == [str(n) for n in range(1, 251)]


# ---- a server that hides, breaks or lies --------------------------------------------------------


def test_hidden_totals_stop_the_connection_with_advice(sandbox: RequestTrackerSandbox) -> None:
    sandbox.create("Helpdesk")
    sandbox.desk.totals_hidden = True
    connector = build(sandbox.base_url)
    with pytest.raises(ConnectionFailed, match="UseSQLForACLChecks"):
        pages(connector)
    (stream,) = connector.streams()
    assert connector.count(stream, "Helpdesk") is None
    wrong = [item.name for item in connector.check() if not item.ok]
    assert wrong == ["queue Helpdesk"]


@pytest.mark.parametrize("fault", ["500", "truncate", "reset", "429"])
def test_a_passing_fault_is_survived(sandbox: RequestTrackerSandbox, fault: str) -> None:
    sandbox.create("Helpdesk")
    sandbox.set_faults(Faults(fail_next=(fault,)))
    connector, waits = build(sandbox.base_url), list[float]()
    connector.client.http._sleep = waits.append
    assert numbers(pages(connector)) == ["1"]
    assert len(waits) == 1
    assert waits[0] >= (1.0 if fault == "429" else 0.5)  # as the source wishes, else our own


def test_a_web_page_instead_of_json_is_one_clear_failure(sandbox: RequestTrackerSandbox) -> None:
    sandbox.set_faults(Faults(fail_next=("html",)))
    with pytest.raises(ConnectionFailed, match="web page instead of JSON"):
        pages(build(sandbox.base_url))


def test_tickets_that_were_announced_and_never_come_are_no_end() -> None:
    with responses.RequestsMock() as mock:
        for total, items in ((3, [{"id": "1"}]), (2, [])):
            body = {"total": total, "count": len(items), "items": items}
            mock.get(f"{SITE}/REST/2.0/tickets", json=body)
        connector = build(SITE)
        (stream,) = connector.streams()
        with pytest.raises(ConnectionFailed, match="2 more tickets follow id 1 and sent none"):
            list(connector.census(stream, "Helpdesk"))


@pytest.mark.parametrize(
    "body",
    [[], {"total": 1}, {"items": "none", "total": 1}, {"items": [], "total": ["1"]}, "text"],
)
def test_an_answer_of_another_shape_is_one_clear_failure(body: Any) -> None:
    with responses.RequestsMock() as mock:
        mock.get(f"{SITE}/REST/2.0/tickets", json=body)
        connector = build(SITE)
        (stream,) = connector.streams()
        with pytest.raises(ConnectionFailed, match="Request Tracker 5"):
            connector.count(stream, "Helpdesk")


def test_a_ticket_without_a_usable_stamp_is_rejected_and_the_rest_goes_on() -> None:
    good = {"id": "2", "LastUpdated": "2026-01-05T12:00:00Z", "Queue": {"Name": "Helpdesk"}}
    items = [{"id": "1", "LastUpdated": "yesterday"}, good]
    with responses.RequestsMock() as mock:
        mock.get(f"{SITE}/REST/2.0/tickets", json={"total": 2, "items": items})
        (page,) = pages(build(SITE), START)
    assert numbers([page]) == ["2"]
    (error,) = page.rejected
    assert str(error).startswith(f"{SITE}/Ticket/Display.html?id=1: LastUpdated: expected a stamp")


@pytest.mark.parametrize(
    ("odd", "read", "rejected"),
    [
        ({"CustomFields": "none"}, ["1", "2"], []),  # what is no list holds no field
        ({"CustomFields": [deep(600)]}, ["2"], ["1"]),
        ({"_hyperlinks": ["x"]}, ["2"], ["1"]),
    ],
)
def test_a_ticket_of_another_shape_is_read_or_rejected_and_the_rest_goes_on(
    odd: dict[str, Any], read: list[str], rejected: list[str]
) -> None:
    usual = {"LastUpdated": "2026-01-05T12:00:00Z", "Queue": "Helpdesk"}
    items = [{"id": "1", **usual, **odd}, {"id": "2", **usual}]
    with responses.RequestsMock() as mock:
        mock.get(f"{SITE}/REST/2.0/tickets", json={"total": 2, "items": items})
        (page,) = pages(build(SITE), START)
    assert numbers([page]) == read
    assert [error.source_id for error in page.rejected] == rejected


@pytest.mark.parametrize("levels", [600, 5_000])
def test_a_ticket_that_nests_too_deep_is_rejected_and_the_rest_of_its_page_is_read(
    levels: int,
) -> None:
    usual = '"LastUpdated": "2026-01-05T12:00:00Z", "Queue": "Helpdesk"'
    nest = "[" * levels + "]" * levels
    body = (
        f'{{"total": 2, "items": [{{"id": "1", "CustomFields": [{nest}], {usual}}},'
        f'{{"id": "2", {usual}}}]}}'
    )
    with responses.RequestsMock() as mock:
        mock.get(f"{SITE}/REST/2.0/tickets", body=body)
        (page,) = pages(build(SITE), START)
    assert numbers([page]) == ["2"]
    assert [error.source_id for error in page.rejected] == ["1"]


def test_a_ticket_without_a_number_does_not_end_the_reading_of_the_others() -> None:
    usual = {"LastUpdated": "2026-01-05T12:00:00Z", "Queue": {"Name": "Helpdesk"}}
    answers = ([{"id": "1", **usual}, {"Subject": "no id"}, "none"], [{"id": "2", **usual}])
    with responses.RequestsMock() as mock:
        for total, items in zip((4, 1), answers, strict=True):
            mock.get(f"{SITE}/REST/2.0/tickets", json={"total": total, "items": items})
        found = pages(build(SITE), START)
    assert numbers(found) == ["1", "2"]
    assert len([error for page in found for error in page.rejected]) == 2


def test_a_history_link_to_another_host_is_not_followed() -> None:
    connector = build(SITE)
    line = {"_hyperlinks": [{"ref": "attachment", "_url": "https://evil.example/attachment/1"}]}
    with responses.RequestsMock(), pytest.raises(ConnectionFailed, match="another host"):
        connector.client.text_of(line)


def test_the_time_of_many_tickets_is_one_question(sandbox: RequestTrackerSandbox) -> None:
    for minutes in (5, 0, 7):
        sandbox.create("Helpdesk", TimeWorked=minutes)
    sandbox.edit(1, TimeWorked=12)
    sandbox.requests.clear()
    client = build(sandbox.base_url).client
    lines = client.time_worked({"1": 12, "3": 7})
    taken = {number: [line["TimeTaken"] for line in own] for number, own in lines.items()}
    assert taken == {"1": ["5", "7"], "3": ["7"]}
    assert sandbox.requests == [("GET", "/REST/2.0/transactions")]


def test_time_that_does_not_add_up_is_asked_for_until_nothing_is_left(
    sandbox: RequestTrackerSandbox,
) -> None:
    sandbox.create("Helpdesk", TimeWorked=5)
    sandbox.create("Helpdesk", TimeWorked=7)
    sandbox.requests.clear()
    lines = build(sandbox.base_url).client.time_worked({"1": 60, "2": 7})  # 60 are told, 5 shown
    assert [line["TimeTaken"] for line in lines["1"]] == ["5"]
    assert [path for _, path in sandbox.requests] == [
        "/REST/2.0/transactions",
        "/REST/2.0/ticket/1/history",
        "/REST/2.0/ticket/1/history",  # the empty page
    ]


def test_more_lines_than_a_page_are_all_read(sandbox: RequestTrackerSandbox) -> None:
    sandbox.create("Helpdesk")
    for minutes in range(1, 251):
        sandbox.edit(1, TimeWorked=minutes)
    lines = build(sandbox.base_url).client.time_worked({"1": 250})
    assert len(lines["1"]) == 250


def test_a_server_that_does_not_know_the_question_is_asked_ticket_by_ticket() -> None:
    stray = {"id": "1", "ObjectId": "99", "TimeTaken": "3"}
    own = {"id": "2", "ObjectId": "1", "TimeTaken": "5"}
    with responses.RequestsMock() as mock:
        mock.get(f"{SITE}/REST/2.0/transactions", json={"items": [stray] * 100})
        mock.get(f"{SITE}/REST/2.0/ticket/1/history", json={"items": [own]})
        assert build(SITE).client.time_worked({"1": 5}) == {"1": [own]}


def test_tickets_without_time_cost_no_request_for_their_history(
    sandbox: RequestTrackerSandbox,
) -> None:
    sandbox.create("Helpdesk")
    sandbox.requests.clear()
    (page,) = pages(build(sandbox.base_url, time_entries=True))
    assert b'"_history":[]' in page.records[0].body
    assert {path for _, path in sandbox.requests} == {"/REST/2.0/tickets"}


def test_a_deleted_status_is_told() -> None:
    item = {"id": "2", "LastUpdated": "2026-01-05T12:00:00Z", "Status": "deleted"}
    with responses.RequestsMock() as mock:
        mock.get(f"{SITE}/REST/2.0/tickets", json={"total": 1, "items": [item]})
        (page,) = pages(build(SITE), START)
    assert page.records[0].deleted


def test_what_rt_leaves_to_chance_does_not_change_the_bytes() -> None:
    fields = [{"id": "3", "name": "B", "values": []}, {"id": "2", "name": "A", "values": ["x"]}]
    links = [{"ref": "refers-to", "_url": "b"}, {"ref": "lifecycle", "to": "open"}]
    one = canonical({"id": "1", "CustomFields": fields, "_hyperlinks": links})
    two = canonical({"_hyperlinks": links[:1], "CustomFields": fields[::-1], "id": "1"})
    assert one == two
    assert b"lifecycle" not in one


# ---- settings -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"queues": []}, "at least 1 item"),
        ({"queues": ["A", "A"]}, "different, non-empty names"),
        ({"url": "rt.example.org"}, "expected RT's own address"),
        ({"url": "https://rt example.org"}, "expected RT's own address"),
        ({"url": "https://"}, "expected RT's own address"),
        ({"url": f"{SITE}/REST/2.0"}, "expected RT's own address"),
        ({"auth": {}}, "either `token`, or `user` and `password`"),
        ({"auth": {"token": "abc", "user": "u", "password": "p"}}, "either `token`"),
        ({"auth": {"user": "u"}}, "either `token`"),
        ({"queue": ["A"]}, "Extra inputs"),
    ],
)
def test_wrong_settings_are_refused(change: dict[str, Any], message: str) -> None:
    given = {"url": SITE, "auth": {"token": TOKEN}, "queues": ["A"], **change}
    with pytest.raises(ValidationError, match=message):
        RequestTrackerSettings(**given)


def test_secrets_stand_in_no_repr() -> None:
    connector = build(SITE)
    login = {"user": "u", "password": "pass-word-1"}
    settings = RequestTrackerSettings(url=SITE, auth=login, queues=["A"])  # type: ignore[arg-type]
    shown = repr(connector.settings) + repr(connector.client.http) + repr(settings)
    shown += repr(settings.auth.scheme())
    assert TOKEN not in shown
    assert "pass-word-1" not in shown
