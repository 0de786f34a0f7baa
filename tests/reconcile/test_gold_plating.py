"""Work that was done outside of the baseline though nobody asked for it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from itpm_sync.model import (
    ChangeRequest,
    HelpDeskItem,
    ItemType,
    Money,
    Rate,
    TicketType,
    TimeEntry,
    WorkItem,
    WorkStatus,
)

MONDAY = date(2026, 3, 2)
HOUR = 3600


@pytest.fixture
def plated(world, at):
    """Ten planned items; one that came later, has two hours of Ada booked, and no reason."""
    world.setup["baseline_on"] = date(2026, 2, 2)
    for number in range(10):
        item(world, number, at, created_at=at("2026-01-05T09:00"))
    world.add(Rate, "r", of="Ada", per_hour=Money(Decimal("90.50"), "EUR"))
    world.add(ChangeRequest, "c", number="CR-1", title="Other", status="approved")
    item(world, 20, at)
    book(world, 20, 2)
    return world


def item(world, number, at, **fields):
    fields = {
        "key": f"NET-{number}", "title": f"Item {number}", "type": ItemType.STORY,
        "created_at": at("2026-03-02T09:00"),
    } | fields  # fmt: skip
    return world.add(WorkItem, f"i{number}", **fields)


def book(world, number, hours, person="Ada", on=MONDAY):
    entry = f"t{len(world.records.get('time_entry', ()))}"
    of = f"src:work_item:i{number}"
    world.add(TimeEntry, entry, item=of, person=person, on=on, duration_s=hours * HOUR)


def keys(world, code="gold-plating"):
    return [e.label.split()[0] for f in world.findings(code) for e in f.evidence]


def test_booked_time_on_what_nobody_asked_for_is_at_stake_at_its_cost(plated, eur):
    [found] = plated.findings("gold-plating")
    assert found.message == (
        "1 item was worked on or finished outside of the scope of 2 Feb 2026, though no request, "
        "incident, defect or change request asks for it: 2.0 h, EUR 181.00"
    )
    assert (found.amount, found.severity, found.subject) == (eur(181), "medium", "scope")
    assert keys(plated) == ["NET-20"]
    assert plated.findings("scope-added-unapproved") == []


def test_each_item_is_told_by_one_of_the_two_findings(plated, at):
    item(plated, 21, at)  # nobody has worked on it
    item(plated, 22, at, status=WorkStatus.DONE, resolved_at=at("2026-03-04T09:00"))
    item(plated, 23, at, type=ItemType.DEFECT)
    book(plated, 23, 1)
    assert keys(plated) == ["NET-20", "NET-22"]
    assert keys(plated, "scope-added-unapproved") == ["NET-21", "NET-23"]
    [added] = plated.findings("scope-added-unapproved")
    assert added.message == (
        "2 items were added to the scope of 2 Feb 2026 (+20.0 %) without an approved change "
        "request; gold-plating tells of 2 more"
    )
    # 4 of 10 together: either finding is high, wherever the items stand
    assert {added.severity, *(f.severity for f in plated.findings("gold-plating"))} == {"high"}


@pytest.mark.parametrize(
    "fields",
    [
        {"labels": ("CR-7",)},
        {"links": ("relates to CR-7",)},
        {"attributes": {"change": "see CR-7"}},
        {"links": ("is caused by NET-30",)},
        {"links": ("https://src.test/d",)},
        {"title": "Guest access (asked in #4711)"},
        {"parent": "i40"},
        {"parent": "4711"},
        {"parent": "d"},
        {"epic": "NET-41"},
        {"parent": "i3"},
        {"links": ("split from NET-3",)},
        {"type": ItemType.DEFECT},
        {"type": ItemType.OTHER},
    ],
    ids=" ".join,
)
def test_what_somebody_asked_for_or_planned_is_no_gold_plating(plated, at, fields):
    plated.add(ChangeRequest, "c7", number="CR-7", title="More", status="rejected")
    item(plated, 30, at, type=ItemType.DEFECT, created_at=at("2026-01-05T09:00"))
    item(plated, 40, at, labels=("CR-7",))
    item(plated, 41, at, type=ItemType.EPIC, links=("relates to NET-30",))
    plated.add(
        HelpDeskItem, "d", key="4711", title="Wireless", type=TicketType.REQUEST, project_key=""
    )
    book(plated, 21, 3)
    item(plated, 21, at)
    assert keys(plated) == ["NET-21", "NET-20"]  # the dearest first
    plated.records["work_item"].pop()
    item(plated, 21, at, **fields)
    assert keys(plated) == ["NET-20"]


def test_what_a_help_desk_item_links_to_was_asked_for(plated):
    plated.add(
        HelpDeskItem, "d", key="1", title="Wireless", project_key="",
        links=("https://jira.test/browse/NET-20",),
    )  # fmt: skip
    assert keys(plated) == []
    assert keys(plated, "scope-added-unapproved") == ["NET-20"]


def test_what_is_part_of_a_defect_was_asked_for_by_it(plated, at):
    item(plated, 25, at, type=ItemType.DEFECT)  # itself an addition that nobody approved
    item(plated, 26, at, type=ItemType.SUBTASK, parent="i25", status=WorkStatus.DONE)
    item(plated, 27, at, type=ItemType.SUBTASK, parent="i26", status=WorkStatus.DONE)
    assert keys(plated) == ["NET-20"]
    assert keys(plated, "scope-added-unapproved") == ["NET-25", "NET-26", "NET-27"]


@pytest.mark.parametrize(
    ("link", "accused"),
    [
        ("relates to #12", []),
        ("relates to #13", ["12"]),
        ("relates to #120", ["12"]),
        ("relates to 12", ["12"]),
    ],
)
def test_a_number_in_a_link_of_the_help_desk_is_the_ticket_of_that_number(
    plated, at, link, accused
):
    plated.records["work_item"].pop()
    plated.add(HelpDeskItem, "d", key="1", title="Wireless", project_key="", links=(link,))
    item(plated, 20, at, key="12")
    assert keys(plated) == accused
    plated.add(HelpDeskItem, "e", key="12", title="Another", project_key="", connection="desk")
    assert keys(plated) == accused  # its own connection's 12 is meant
    plated.records["help_desk_item"] = []
    plated.add(
        HelpDeskItem, "d", key="1", title="A", project_key="", links=(link,), connection="desk"
    )
    plated.add(HelpDeskItem, "e", key="12", title="B", project_key="", connection="desk")
    assert keys(plated) == ["12"]  # now that is the help desk's


def test_an_approved_change_request_settles_both(plated, at):
    plated.records["work_item"].pop()
    item(plated, 20, at, labels=("CR-1",))
    assert keys(plated) == keys(plated, "scope-added-unapproved") == []


def test_where_nobody_records_who_asked_nobody_is_accused(plated):
    plated.records["change_request"] = []
    assert keys(plated) == []
    assert keys(plated, "scope-added-unapproved") == ["NET-20"]


def test_without_a_baseline_nothing_is_outside_of_it(plated):
    plated.setup["baseline_on"] = None
    assert keys(plated) == []


def test_time_without_a_rate_is_named_and_never_free(plated, at, eur):
    book(plated, 20, 4, person="Nobody")
    [found] = plated.findings("gold-plating")
    assert found.message.endswith(": 6.0 h, EUR 181.00, 4.0 h of it without cost")
    assert found.amount == eur(181)
    plated.records["rate"] = []
    [found] = plated.findings("gold-plating")
    assert found.message.endswith(": 6.0 h, cost n/a: no rate, or not booked as time")
    assert found.amount is None


def test_effort_that_only_the_ticket_sums_up_counts_without_cost(plated, at):
    plated.records["time_entry"] = []
    assert keys(plated) == []
    item(plated, 22, at, spent_s=3 * HOUR)
    [found] = plated.findings("gold-plating")
    assert "3.0 h, cost n/a" in found.message
    plated.records["work_item"].pop()
    item(plated, 22, at, status=WorkStatus.DONE, resolved_at=at("2026-03-04T09:00"))
    [found] = plated.findings("gold-plating")
    assert found.message.endswith("asks for it: no effort is booked")
