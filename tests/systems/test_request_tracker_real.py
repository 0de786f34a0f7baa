"""One specification, two servers: the sandbox (always) and a real RT 5 (`make systems`).

What the sandbox promises is thereby what RT does. Tests share the queues of one server, so that
each speaks of its own tickets only, and of differences in counts.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest
import requests
import yaml

from connectors.request_tracker.connector import RequestTrackerConnector, RequestTrackerSettings
from connectors.request_tracker.sandbox import RequestTrackerSandbox
from itpm_sync.connector import (
    Context,
    Fate,
    Observed,
    RawRecord,
    StatusMessage,
    Target,
    Whereabouts,
    Window,
)
from itpm_sync.errors import ConnectionFailed, NotFound, PreconditionFailed, RequestRejected
from itpm_sync.mapping import compile_mapping
from itpm_sync.model import HelpDeskItem, Record, TicketStatus, TimeEntry

NOW = datetime.now(UTC)
MESSAGE = StatusMessage(
    project="NET",
    name="Network refresh – Zürich",
    data_date=date(2026, 11, 20),
    rating="amber",
    reason="cost 8 % over",
    previous_rating="green",
    ratings=(("cost", "amber", "CPI 0.92"), ("scope", "green", "no growth")),
    figures=(("EV", "1,200.00 EUR"), ("EAC", "n/a (CPI undefined)")),
    findings=("Contract C-7 ends\nStatus: green",),
    findings_total=3,
    report_url=None,
)


@dataclass(frozen=True)
class Desk:
    """A server and what people do on it, over REST2 as user `sync`."""

    url: str
    tokens: dict[str, str]

    def ask(self, method: str, path: str, **options: Any) -> requests.Response:
        headers = {"Authorization": f"token {self.tokens['sync']}", **options.pop("headers", {})}
        return requests.request(
            method, f"{self.url}/REST/2.0/{path}", headers=headers, timeout=30, **options
        )

    def create(self, subject: str = "Printer jams", **fields: Any) -> str:
        body = {"Queue": "Helpdesk", "Subject": subject, "Requestor": "bob@example.org", **fields}
        answer = self.ask("POST", "ticket", json=body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def put(self, number: str, **fields: Any) -> list[str]:
        answer = self.ask("PUT", f"ticket/{number}", json=fields)
        assert answer.status_code == 200, answer.text
        return list(answer.json())

    def stamp(self, number: str) -> datetime:
        return datetime.fromisoformat(self.ask("GET", f"ticket/{number}").json()["LastUpdated"])

    def found(self, query: str, **options: Any) -> dict[str, Any]:
        params = {"query": query, "orderby": "id", **options}
        return dict(self.ask("GET", "tickets", params=params).json())


@pytest.fixture(scope="module", params=["sandbox", pytest.param("real", marks=pytest.mark.systems)])
def desk(request: pytest.FixtureRequest) -> Iterator[Desk]:
    if request.param == "real":
        server = request.getfixturevalue("rt_server")
        yield Desk(server.url, server.tokens)
        return
    sandbox = RequestTrackerSandbox()
    for queue in ("Helpdesk", "Procurement"):
        sandbox.desk.add_field("Project Code", queue)
        sandbox.desk.add_field("Project Status", queue)
    sandbox.desk.add_field("Category", "Helpdesk", ("Hardware", "Software", "Access"))
    sandbox.desk.zones["newyork"] = "America/New_York"
    sandbox.tokens["1-29-newyork"] = "newyork"
    sandbox.passwords["outsider"] = "outsider-secret"
    sandbox.desk.strangers.add("outsider")
    url = sandbox.start()
    try:
        yield Desk(url, {"sync": "1-27-sandbox-token", "newyork": "1-29-newyork"})
    finally:
        sandbox.stop()


Connect = Callable[..., RequestTrackerConnector]


@pytest.fixture
def connect(desk: Desk, tmp_path: Path) -> Iterator[Connect]:
    made: list[RequestTrackerConnector] = []

    def build(*, user: str = "sync", **settings: Any) -> RequestTrackerConnector:
        token = desk.tokens.get(user, user)
        given = {"url": desk.url, "auth": {"token": token}, "queues": ["Helpdesk"], **settings}
        connector = RequestTrackerConnector(
            "desk", RequestTrackerSettings(**given), Context(tmp_path, attempts=2, timeout_s=30)
        )
        made.append(connector)
        return connector

    yield build
    for connector in made:
        connector.close()


def pull(connector: RequestTrackerConnector, since: datetime | None = None) -> dict[str, RawRecord]:
    window = Window(since, datetime.now(UTC))
    (stream,) = connector.streams()
    return {
        record.source_id: record
        for partition in connector.partitions(stream, window)
        for page in connector.fetch(stream, partition, window)
        for record in page.records
    }


def census(connector: RequestTrackerConnector, queue: str = "Helpdesk") -> set[str]:
    (stream,) = connector.streams()
    return {number for batch in connector.census(stream, queue) for number in batch}


def mapped(connector: RequestTrackerConnector, raw: RawRecord) -> tuple[Record, ...]:
    data = yaml.safe_load(connector.mapping_file.read_text())
    result = compile_mapping(data, connector.variables()).apply("desk", "ticket", raw)
    assert result.problems == ()
    return result.records


# ---- what the server does -----------------------------------------------------------------------


def test_numbers_are_texts_and_unset_dates_are_the_year_1970(desk: Desk) -> None:
    number = desk.create(Priority=80)
    fields = "Priority,TimeWorked,Resolved,EffectiveId"
    (item,) = desk.found(f"id = {number}", fields=fields)["items"]
    assert item["id"] == number
    assert item["Priority"] == "80"
    assert item["TimeWorked"] == "0"
    assert item["EffectiveId"] == number
    assert item["Resolved"] == "1970-01-01T00:00:00Z"


def test_a_page_past_the_end_is_empty_and_has_no_next(desk: Desk) -> None:
    desk.create()
    page = desk.found("id > 0", page=50)
    assert (page["count"], page["items"], page["page"]) == (0, [], 50)
    assert "next_page" not in page


def test_a_search_without_result_has_no_pages(desk: Desk) -> None:
    page = desk.found("id = 0")
    assert (page["total"], page["pages"], page["per_page"]) == (0, 0, 20)


def test_a_page_has_at_most_a_hundred_tickets(desk: Desk) -> None:
    assert desk.found("id > 0", per_page=1000)["per_page"] == 100


def test_a_next_page_repeats_the_query(desk: Desk) -> None:
    first, second = desk.create(), desk.create()
    page = desk.found(f"id = {first} OR id = {second}", per_page=1)
    assert page["total"] == 2
    followed = requests.get(
        page["next_page"], headers={"Authorization": f"token {desk.tokens['sync']}"}, timeout=30
    ).json()
    assert [item["id"] for item in followed["items"]] == [second]


@pytest.mark.parametrize("query", ["bogus", "Bogus = 1", "(id = 1"])
def test_what_is_no_ticketsql_is_a_400_with_a_message(desk: Desk, query: str) -> None:
    answer = desk.ask("GET", "tickets", params={"query": query})
    assert answer.status_code == 400
    assert answer.json()["message"]


def test_a_search_reads_stamps_in_the_users_zone_to_the_second(desk: Desk) -> None:
    number = desk.create()
    changed = desk.stamp(number)
    for user, zone in (("sync", "UTC"), ("newyork", "America/New_York")):
        for seconds, total in ((-1, 1), (0, 1), (1, 0)):
            asked = (changed + timedelta(seconds=seconds)).astimezone(ZoneInfo(zone))
            query = f"id = {number} AND LastUpdated >= '{asked:%Y-%m-%d %H:%M:%S}'"
            headers = {"Authorization": f"token {desk.tokens[user]}"}
            answer = desk.ask("GET", "tickets", params={"query": query}, headers=headers)
            assert answer.json()["total"] == total, (user, seconds)


def test_an_iso_stamp_loses_its_time(desk: Desk) -> None:
    number = desk.create()
    later = desk.stamp(number).replace(hour=23, minute=59, second=59)
    query = f"id = {number} AND LastUpdated >= '{later:%Y-%m-%dT%H:%M:%SZ}'"
    assert desk.found(query)["total"] == 1


def test_a_put_answers_200_with_refusals_as_messages(desk: Desk) -> None:
    number = desk.create()
    assert desk.put(number, Status="nonsense") == [
        f"Ticket {number}: Status 'nonsense' isn't a valid status for this ticket."
    ]
    assert desk.put(number, CustomFields={"Category": "Nonsense"}) == [
        "Invalid value for custom field"
    ]
    assert desk.put(number, CustomFields={"No such field": "x"}) == []
    assert desk.put(number, Nonsense="x") == []
    assert desk.put(number, CustomFields={"Project Status": "Green"}) == [
        "Project Status Green added"
    ]
    assert desk.put(number, CustomFields={"Project Status": "Red"}) == [
        "Project Status Green changed to Red"
    ]
    assert desk.put(number, CustomFields={"Project Status": None}) == [
        "Red is no longer a value for custom field Project Status"
    ]


def test_a_stale_etag_is_412_and_changes_nothing(desk: Desk) -> None:
    number = desk.create()
    old = desk.ask("GET", f"ticket/{number}").headers["ETag"]
    desk.put(number, Subject="Printer burns")
    answer = desk.ask(
        "PUT", f"ticket/{number}", json={"Subject": "mine"}, headers={"If-Match": old}
    )
    assert answer.status_code == 412
    fresh = desk.ask("GET", f"ticket/{number}")
    assert fresh.json()["Subject"] == "Printer burns"
    assert fresh.headers["ETag"] != old


def test_a_deleted_ticket_leaves_every_search_yet_answers(desk: Desk) -> None:
    number = desk.create()
    assert desk.ask("DELETE", f"ticket/{number}").status_code == 204
    for query in (f"id = {number}", f"id = {number} AND Status = 'deleted'"):
        assert desk.found(query)["total"] == 0
    assert desk.found(f"id = {number} AND EffectiveId > 0")["total"] == 0
    answer = desk.ask("GET", f"ticket/{number}")
    assert (answer.status_code, answer.json()["Status"]) == (200, "deleted")


def test_a_merged_ticket_answers_as_the_other_and_is_found_by_effective_id(desk: Desk) -> None:
    keep, gone = desk.create(TimeWorked=5), desk.create(TimeWorked=7)
    assert desk.put(gone, MergeInto=int(keep)) == ["Merge Successful"]
    assert str(desk.ask("GET", f"ticket/{gone}").json()["id"]) == keep
    assert desk.ask("GET", f"ticket/{keep}").json()["TimeWorked"] == "12"
    assert desk.found(f"id = {gone}")["total"] == 0
    (found,) = desk.found(f"id = {gone} AND EffectiveId > 0", fields="EffectiveId")["items"]
    assert found["EffectiveId"] == keep


def test_a_comment_is_a_201_whose_text_is_base64_in_an_attachment(desk: Desk) -> None:
    number = desk.create()
    body = {"Subject": "Hello", "Content": "Grün ✓\nzwei", "ContentType": "text/plain"}
    answer = desk.ask("POST", f"ticket/{number}/comment", json=body)
    assert (answer.status_code, answer.json()) == (201, ["Comments added"])
    line = desk.ask("GET", answer.headers["Location"].removeprefix("/REST/2.0/")).json()
    assert (line["Type"], line["Data"]) == ("Comment", "Hello\n")
    (link,) = [one["_url"] for one in line["_hyperlinks"] if one["ref"] == "attachment"]
    content = desk.ask("GET", link.split("/REST/2.0/")[1]).json()["Content"]
    assert base64.b64decode(content).decode() == "Grün ✓\nzwei"


def test_a_reply_opens_a_new_ticket_and_a_comment_does_not(desk: Desk) -> None:
    number = desk.create()
    body = {"Content": "x", "ContentType": "text/plain"}
    desk.ask("POST", f"ticket/{number}/comment", json=body)
    assert desk.ask("GET", f"ticket/{number}").json()["Status"] == "new"
    answer = desk.ask("POST", f"ticket/{number}/correspond", json=body)
    assert (answer.status_code, answer.json()) == (201, ["Correspondence added"])
    assert desk.ask("GET", f"ticket/{number}").json()["Status"] == "open"


def test_a_message_without_content_type_or_ticket_is_400(desk: Desk) -> None:
    number = desk.create()
    assert desk.ask("POST", f"ticket/{number}/comment", json={"Content": "x"}).status_code == 400
    body = {"Content": "x", "ContentType": "text/plain"}
    assert desk.ask("POST", "ticket/999999/comment", json=body).status_code == 400


def test_a_history_has_no_totals_and_takes_conditions(desk: Desk) -> None:
    number = desk.create(TimeWorked=5)
    desk.put(number, TimeWorked=12)
    wanted = [{"field": "TimeTaken", "operator": "!=", "value": "0"}]
    params = {"query": orjson.dumps(wanted).decode(), "fields": "Type,Field,TimeTaken"}
    page = desk.ask("GET", f"ticket/{number}/history", params=params).json()
    assert (page["total"], page["pages"]) == (None, None)
    assert [(i["Type"], i["TimeTaken"]) for i in page["items"]] == [("Create", "5"), ("Set", "7")]
    later = [*wanted, {"field": "id", "operator": ">", "value": page["items"][0]["id"]}]
    params["query"] = orjson.dumps(later).decode()
    page = desk.ask("GET", f"ticket/{number}/history", params=params).json()
    assert [i["TimeTaken"] for i in page["items"]] == ["7"]
    assert desk.ask("GET", "ticket/999999/history").json()["items"] == []


def test_transactions_of_many_tickets_are_found_by_sql(desk: Desk) -> None:
    one, two = desk.create(TimeWorked=5), desk.create(TimeWorked=7)
    desk.put(one, TimeWorked=4)
    query = f"ObjectType = 'RT::Ticket' AND (ObjectId = {one} OR ObjectId = {two})"
    params = {"query": f"{query} AND TimeTaken != 0 AND id > 0", "fields": "ObjectId,TimeTaken"}
    page = desk.ask("GET", "transactions", params={**params, "orderby": "id"}).json()
    assert (page["total"], page["pages"]) == (None, None)
    found = [(line["ObjectId"], line["TimeTaken"]) for line in page["items"]]
    assert found == [(one, "5"), (two, "7"), (one, "-1")]


def test_a_reopened_ticket_keeps_its_stamp_but_does_not_count_as_resolved(
    desk: Desk, connect: Connect
) -> None:
    number = desk.create()
    desk.put(number, Status="resolved")
    connector = connect()
    (closed,) = mapped(connector, pull(connector)[number])
    assert isinstance(closed, HelpDeskItem)
    assert closed.status is TicketStatus.RESOLVED
    assert closed.resolved_at is not None
    assert closed.started_at is not None
    desk.put(number, Status="open")
    ticket = desk.ask("GET", f"ticket/{number}").json()
    assert (ticket["Status"], ticket["Resolved"][:4] > "1970") == ("open", True)
    (reopened,) = mapped(connector, pull(connector)[number])
    assert isinstance(reopened, HelpDeskItem)
    assert (reopened.status, reopened.resolved_at) == (TicketStatus.OPEN, None)


def test_a_link_stands_on_both_tickets(desk: Desk) -> None:
    one, other = desk.create(), desk.create()
    desk.put(one, AddDependsOn=int(other))
    links = desk.found(f"id = {other}", fields="_hyperlinks")["items"][0]["_hyperlinks"]
    assert [link["id"] for link in links if link["ref"] == "depended-on-by"] == [one]


@pytest.mark.parametrize(("path", "status"), [("ticket/999999", 404), ("queue/Nope", 404)])
def test_what_is_not_there_is_404(desk: Desk, path: str, status: int) -> None:
    assert desk.ask("GET", path).status_code == status


# ---- pulling ------------------------------------------------------------------------------------


def test_a_ticket_arrives_as_a_help_desk_item(desk: Desk, connect: Connect) -> None:
    custom = {"Project Code": "NET", "Category": "Hardware"}
    number = desk.create(
        "Laptop – dead", Priority=80, Owner="sync", TimeWorked=15, SLA="urgent",
        CustomFields=custom,
    )  # fmt: skip
    connector = connect(fields={"project": "Project Code", "category": "Category"})
    raw = pull(connector)[number]
    assert raw.scope == "Helpdesk"
    assert raw.updated_at == desk.stamp(number)
    assert raw.url == f"{desk.url}/Ticket/Display.html?id={number}"
    (item,) = mapped(connector, raw)
    assert isinstance(item, HelpDeskItem)
    assert (item.key, item.title, item.project_key) == (number, "Laptop – dead", "NET")
    assert (item.category, item.queue, item.sla) == ("Hardware", "Helpdesk", "urgent")
    assert (item.requester, item.assignee, item.priority) == ("bob@example.org", "sync", "80")
    assert (item.status, item.source_status) == (TicketStatus.NEW, "new")
    assert item.spent_s == 900
    assert item.resolved_at is None
    assert item.created_at is not None
    assert item.resolve_due_at is not None
    assert item.resolve_due_at - item.created_at == timedelta(minutes=240)


def test_the_same_ticket_gives_the_same_bytes(desk: Desk, connect: Connect) -> None:
    number = desk.create(CustomFields={"Project Code": "NET"})
    desk.put(number, AddRefersTo=["https://example.org/a", "https://example.org/b"])
    connector = connect()
    assert len({pull(connector)[number].body for _ in range(4)}) == 1


def test_an_incremental_pull_brings_what_changed_since(desk: Desk, connect: Connect) -> None:
    number = desk.create()
    changed = desk.stamp(number)
    for user in ("sync", "newyork"):
        connector = connect(user=user)
        assert number in pull(connector, changed)
        assert number not in pull(connector, changed + timedelta(seconds=1))


def test_an_edit_is_pulled_with_its_new_stamp(desk: Desk, connect: Connect) -> None:
    number = desk.create()
    before = pull(connect())[number]
    assert desk.put(number, Subject="Printer burns", Priority=90)
    after = pull(connect(), before.updated_at)[number]
    assert after.updated_at is not None
    assert before.updated_at is not None
    assert after.updated_at >= before.updated_at
    assert orjson.loads(after.body)["Subject"] == "Printer burns"


def test_a_moved_ticket_tells_its_new_queue(desk: Desk, connect: Connect) -> None:
    number = desk.create()
    desk.put(number, Queue="Procurement")
    connector = connect(queues=["Helpdesk", "Procurement"])
    assert pull(connector)[number].scope == "Procurement"
    assert number not in census(connector, "Helpdesk")
    assert number in census(connector, "Procurement")


def test_whereabouts_tell_deleted_merged_moved_and_forbidden_apart(
    desk: Desk, connect: Connect
) -> None:
    there, deleted, merged, moved = (desk.create() for _ in range(4))
    desk.ask("DELETE", f"ticket/{deleted}")
    desk.put(merged, MergeInto=int(there))
    desk.put(moved, Queue="Procurement")
    numbers = [there, deleted, merged, moved, "999999"]
    connector = connect()
    (stream,) = connector.streams()
    assert connector.whereabouts(stream, numbers) == {
        there: Whereabouts(Fate.THERE, "Helpdesk"),
        deleted: Whereabouts(Fate.DELETED),
        merged: Whereabouts(Fate.MERGED),
        moved: Whereabouts(Fate.THERE, "Procurement"),
        "999999": Whereabouts(Fate.DELETED),
    }
    stranger = connect(auth={"user": "outsider", "password": "outsider-secret"})
    assert stranger.whereabouts(stream, numbers) == {
        **dict.fromkeys(numbers, Whereabouts(Fate.HIDDEN)),
        "999999": Whereabouts(Fate.DELETED),
    }


def test_a_deleted_ticket_leaves_census_and_count(desk: Desk, connect: Connect) -> None:
    number = desk.create()
    connector = connect()
    (stream,) = connector.streams()
    before = connector.count(stream, "Helpdesk")
    assert before is not None
    assert before.exact
    assert number in census(connector)
    assert before.value == len(census(connector))
    desk.ask("DELETE", f"ticket/{number}")
    assert number not in census(connector)
    after = connector.count(stream, "Helpdesk")
    assert after is not None
    assert after.value == before.value - 1


def test_a_merged_ticket_says_what_replaced_it(desk: Desk, connect: Connect) -> None:
    keep, gone = desk.create(TimeWorked=5), desk.create(TimeWorked=7)
    since = desk.stamp(keep)
    desk.put(gone, MergeInto=int(keep))
    connector = connect(time_entries=True)
    records = pull(connector, since)
    assert records[gone].merged_into == keep
    assert records[keep].merged_into is None
    assert gone not in census(connector)
    minutes = [r.duration_s for r in mapped(connector, records[keep]) if isinstance(r, TimeEntry)]
    assert minutes == [300, 420]
    assert [r for r in mapped(connector, records[gone]) if isinstance(r, TimeEntry)] == []


def test_time_worked_is_told_per_person_and_day(desk: Desk, connect: Connect) -> None:
    number = desk.create(TimeWorked=15, CustomFields={"Project Code": "NET"})
    body = {"Content": "did it", "ContentType": "text/plain", "TimeTaken": 10}
    headers = {"Authorization": f"token {desk.tokens['newyork']}"}
    desk.ask("POST", f"ticket/{number}/comment", json=body, headers=headers)
    desk.put(number, TimeWorked=20)
    connector = connect(time_entries=True, fields={"project": "Project Code"})
    item, *entries = mapped(connector, pull(connector)[number])
    assert isinstance(item, HelpDeskItem)
    assert item.spent_s == 20 * 60
    told = [(e.person, e.duration_s, e.item) for e in entries if isinstance(e, TimeEntry)]
    assert told == [
        ("sync", 900, item.id), ("newyork", 600, item.id), ("sync", -300, item.id),
    ]  # fmt: skip
    assert {e.project_key for e in entries} == {"NET"}
    days = {e.on for e in entries if isinstance(e, TimeEntry)}
    assert days <= {NOW.date(), datetime.now(UTC).date()}


def test_a_listing_longer_than_a_page_is_complete(desk: Desk, connect: Connect) -> None:
    made = {desk.create(f"Bulk {n}", Queue="Procurement", TimeWorked=1) for n in range(11)}
    connector = connect(queues=["Procurement"], time_entries=True)
    connector.client.page_size = 5
    assert made <= set(pull(connector))
    assert made <= census(connector, "Procurement")


# ---- checking -----------------------------------------------------------------------------------


def test_check_is_green_for_a_right_configuration(desk: Desk, connect: Connect) -> None:
    desk.create()
    connector = connect(fields={"project": "Project Code"}, status_field="Project Status")
    items = list(connector.check())
    assert [i for i in items if not i.ok] == []
    assert items[0].detail.startswith("Request Tracker 5.")


def test_check_names_a_wrong_queue_and_a_wrong_field(desk: Desk, connect: Connect) -> None:
    connector = connect(queues=["Helpdesk", "Nope"], fields={"project": "Projekt Code"})
    wrong = {i.name: i for i in connector.check() if not i.ok}
    assert set(wrong) == {"queue Helpdesk: custom field Projekt Code", "queue Nope"}
    assert "Project Code" in wrong["queue Helpdesk: custom field Projekt Code"].advice


def test_a_bad_token_is_one_clear_failure(desk: Desk, connect: Connect) -> None:
    connector = connect(user="1-27-not-a-token")
    with pytest.raises(ConnectionFailed, match="refused the login") as caught:
        pull(connector)
    assert "1-27-not-a-token" not in str(caught.value)
    (item,) = connector.check()
    assert (item.name, item.ok) == ("login", False)


# ---- publishing ---------------------------------------------------------------------------------


def target(number: str, field: str) -> Target:
    return Target("desk", "NET", number, field)


def test_a_comment_is_written_once_and_found_again(desk: Desk, connect: Connect) -> None:
    publisher = connect().publisher()
    number = desk.create()
    place = target(number, "comment")
    content = publisher.render(place, MESSAGE)
    assert "Status: green" not in content.splitlines()
    empty = publisher.observe(place, "itpm:net:1", None)
    assert empty == Observed(None)
    written = publisher.write(place, content, "itpm:net:1", empty)
    assert written.content == content
    assert publisher.observe(place, "itpm:net:1", written.remote_id) == written
    assert publisher.observe(place, "itpm:net:2", None) == Observed(None)
    assert desk.ask("GET", f"ticket/{number}").json()["Status"] == "new"


def test_a_changed_status_is_a_new_comment_and_the_newest_counts(
    desk: Desk, connect: Connect
) -> None:
    publisher = connect().publisher()
    place = target(desk.create(), "comment")
    first = publisher.write(place, "green", "itpm:net:1", Observed(None))
    second = publisher.write(place, "amber", "itpm:net:1", first)
    assert second.remote_id != first.remote_id
    assert publisher.observe(place, "itpm:net:1", first.remote_id) == second
    with pytest.raises(PreconditionFailed):
        publisher.write(place, "red", "itpm:net:1", first)


def test_a_custom_field_is_written_and_read_back(desk: Desk, connect: Connect) -> None:
    publisher = connect(status_field="Project Status").publisher()
    place = target(desk.create(), "custom_field")
    content = publisher.render(place, MESSAGE)
    assert content == "AMBER on 2026-11-20: cost 8 % over"
    empty = publisher.observe(place, "m", None)
    assert empty.content is None
    written = publisher.write(place, content, "m", empty)
    assert written.content == content
    assert publisher.observe(place, "m", None) == written


def test_a_persons_edit_of_the_field_is_a_conflict(desk: Desk, connect: Connect) -> None:
    publisher = connect(status_field="Project Status").publisher()
    number = desk.create()
    place = target(number, "custom_field")
    written = publisher.write(place, "green", "m", publisher.observe(place, "m", None))
    desk.put(number, CustomFields={"Project Status": "by a person"})
    with pytest.raises(PreconditionFailed, match="no longer as expected"):
        publisher.write(place, "amber", "m", written)
    assert publisher.observe(place, "m", written.remote_id).content == "by a person"


def test_an_edit_elsewhere_on_the_ticket_is_no_conflict(desk: Desk, connect: Connect) -> None:
    publisher = connect(status_field="Project Status").publisher()
    number = desk.create()
    place = target(number, "custom_field")
    written = publisher.write(place, "green", "m", publisher.observe(place, "m", None))
    desk.put(number, Subject="another subject")
    assert publisher.write(place, "amber", "m", written).content == "amber"


def test_a_refused_value_is_raised_with_rts_own_words(desk: Desk, connect: Connect) -> None:
    publisher = connect(status_field="Category").publisher()
    place = target(desk.create(), "custom_field")
    with pytest.raises(RequestRejected, match="Invalid value for custom field"):
        publisher.write(place, "amber", "m", publisher.observe(place, "m", None))


def test_a_field_that_the_ticket_does_not_have_is_raised(desk: Desk, connect: Connect) -> None:
    publisher = connect(status_field="No such field").publisher()
    with pytest.raises(ConnectionFailed, match="shows no custom field 'No such field'"):
        publisher.observe(target(desk.create(), "custom_field"), "m", None)


def test_a_ticket_that_is_gone_is_not_found(desk: Desk, connect: Connect) -> None:
    publisher = connect().publisher()
    deleted, keep, merged = desk.create(), desk.create(), desk.create()
    desk.ask("DELETE", f"ticket/{deleted}")
    desk.put(merged, MergeInto=int(keep))
    for number, reason in (("999999", "404"), (deleted, "deleted"), (merged, f"into {keep}")):
        with pytest.raises(NotFound, match=reason):
            publisher.observe(target(number, "comment"), "m", None)
