"""What is pulled from the server, and what a check of the connection says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import orjson
import pytest

from itpm_sync.connector import Fate, Whereabouts
from itpm_sync.errors import ConnectionFailed
from itpm_sync.model import HelpDeskItem, TicketStatus, TimeEntry
from tests.systems.request_tracker.desk import Connect, Desk, census, mapped, pull

NOW = datetime.now(UTC)


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
