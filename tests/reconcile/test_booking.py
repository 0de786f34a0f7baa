"""Time names its item by identity or by key; what cannot be told is said."""

from __future__ import annotations

from datetime import date

import pytest

from itpm_sync.model import HelpDeskItem, TimeEntry, WorkItem, WorkPackage, WorkStatus
from itpm_sync.reconcile.inputs import ProjectSetup

HOUR = 3600


@pytest.fixture
def sheet(world, at):
    """NET-9 of four estimated hours, done, in package A; time is booked in a sheet."""
    world.setup["baseline_on"] = date(2026, 3, 1)
    world.add(WorkPackage, "w", code="A", name="A")
    world.add(
        WorkItem, "9", key="NET-9", title="t", work_package="A", status=WorkStatus.DONE,
        estimate_s=4 * HOUR, created_at=at("2026-02-02T08:00"), resolved_at=at("2026-03-06T08:00"),
    )  # fmt: skip
    return world


def book(world, name, item, **fields):
    fields = {"connection": "sheets", "project_key": ""} | fields
    world.add(
        TimeEntry, name, item=item, person="p", on=date(2026, 3, 4), duration_s=HOUR, **fields
    )


@pytest.mark.parametrize("word", ["NET-9", " net-9", "src:work_item:9"])
def test_time_on_a_key_is_time_on_its_item(sheet, word):
    book(sheet, "t", word)
    found = sheet.project()
    figures = {name: found.figures[name].value for name in found.figures}
    assert figures["effort_s"] == HOUR  # of the item's project
    assert figures["effort_spent_s"] == HOUR  # of four estimated
    assert figures["unplanned_effort_s"] == 0
    assert [p.figures["effort_s"].value for p in found.packages] == [HOUR]
    assert sheet.findings("rejected-records") == []


def test_a_key_is_that_of_a_help_desk_item_too(sheet, at):
    sheet.add(HelpDeskItem, "4", key="4711", title="t", created_at=at("2026-03-02T08:00"))
    book(sheet, "t", "4711")
    assert sheet.snapshot().projects[0].help_desk.effort.value == 0  # booked before these 7 days
    assert sheet.findings("rejected-records") == []


def test_a_key_of_two_tickets_is_that_of_the_own_connection_or_told(sheet):
    sheet.others = [ProjectSetup(code="APP", name="Apps")]
    sheet.add(WorkItem, "1", key="NET-9", title="u", connection="other", project_key="APP")
    book(sheet, "t1", "NET-9", connection="src")
    assert sheet.figures()["effort_s"] == HOUR
    assert sheet.findings("rejected-records") == []
    book(sheet, "t2", "NET-9", project_key="NET")
    assert sheet.figures()["effort_s"] == 2 * HOUR
    assert sheet.figures()["effort_spent_s"] == HOUR
    [found] = sheet.findings("rejected-records")
    assert found.message == (
        "Source sheets time_entry: 1 time entry (1.0 h) names an item that cannot be told: "
        "NET-9 (several: in other and src)"
    )
    assert found.subject == "sheets/time_entry/item"


def test_a_key_that_no_ticket_has_is_told_where_its_project_is_read(sheet):
    for number, word in enumerate(("NET-99", "NET-99", "weekly meeting", "PROG-1"), start=1):
        book(sheet, f"t{number}", word, project_key="NET")
    [found] = sheet.findings("rejected-records")
    assert found.message == (
        "Source sheets time_entry: 3 time entries (3.0 h) name an item that cannot be told: "
        "NET-99 (no ticket has this key), weekly meeting (no ticket has this key)"
    )
    assert sheet.figures()["effort_s"] == 4 * HOUR


@pytest.mark.parametrize("word", ["A-B-12", "2026-11", "Überland-7"])
def test_of_what_another_system_counts_nothing_is_said(sheet, word):
    book(sheet, "t", word, project_key="NET")
    assert sheet.findings("rejected-records") == []
    assert sheet.figures()["effort_s"] == HOUR


def test_a_live_ticket_goes_before_one_that_is_gone(sheet, at):
    gone = {"where": "gone", "title": "old", "created_at": at("2026-02-02T08:00")}
    sheet.add(WorkItem, "8", key="NET-9", **gone)
    sheet.add(WorkItem, "7", key="NET-7", **gone)
    book(sheet, "t1", "NET-9")
    book(sheet, "t2", "NET-7", project_key="NET")
    assert sheet.figures()["effort_spent_s"] == HOUR
    assert sheet.figures()["unplanned_effort_s"] == 0  # both were in the baseline
    assert sheet.findings("rejected-records") == []
