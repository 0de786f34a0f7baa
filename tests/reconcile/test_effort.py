"""Effort estimated against effort spent, by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest

from itpm_sync.model import (
    HelpDeskItem,
    ItemType,
    TimeEntry,
    WorkItem,
    WorkPackage,
    WorkStatus,
)
from itpm_sync.reconcile.effort import NAMES
from itpm_sync.reconcile.explain import Explainer
from itpm_sync.reconcile.inputs import Policy

HOUR = 3600


@pytest.fixture
def item(world, at):
    """`item("A", 4, 5)`: done on 9 March, estimated at 4 h, 5 h spent."""

    def add(key, estimated, spent, status=WorkStatus.DONE, **fields):
        if status is WorkStatus.DONE:
            fields.setdefault("resolved_at", at("2026-03-09T10:00"))
        return world.add(
            WorkItem, key, key=key, title=key, status=status, created_at=at("2026-03-02T08:00"),
            estimate_s=None if estimated is None else estimated * HOUR,
            spent_s=None if spent is None else spent * HOUR, **fields,
        )  # fmt: skip

    return add


def efforts(world):
    figures = world.project().figures
    return [figures[name].value for name in NAMES]


def test_variance_is_estimated_less_spent_over_the_items_that_are_done(world, item):
    item("A", 4, 5)
    item("B", 8, 6)
    item("C", 10, 16)
    item("at work", 20, 90, WorkStatus.IN_PROGRESS)
    # 22 h estimated − 27 h spent = −5 h; −5 / 22 = −22.7272… %
    assert efforts(world) == [22 * HOUR, 27 * HOUR, -5 * HOUR, Decimal("-22.727272727273")]
    assert world.project().figures["effort_variance_s"].note == "of 3 items done"


def test_corrections_in_a_sheet_compare_with_nothing(world, item):
    item("A", 4, 5)
    item("back", -4, 3)
    item("taken", 2, -1)
    assert efforts(world) == [4 * HOUR, 5 * HOUR, -1 * HOUR, Decimal(-25)]
    assert world.project().figures["effort_variance_s"].note == (
        "of 1 item done; 2 without estimate or effort left out"
    )


def test_what_lacks_an_estimate_or_effort_is_left_out_and_counted(world, item):
    item("A", 4, 5)
    item("no estimate", None, 3)
    item("estimated at nothing", 0, 3)
    item("nobody booked", 4, None)
    item("booked nothing", 4, 0)
    item("an epic", 4, 90, type=ItemType.EPIC)
    assert efforts(world)[2] == -HOUR
    assert world.project().figures["effort_variance_percent"].note == (
        "of 1 item done; 4 without estimate or effort left out"
    )


def test_nothing_to_compare_is_no_variance(world, item):
    item("A", None, 5)
    item("open", 4, 5, WorkStatus.TODO)
    figures = world.project().figures
    assert {figures[n].value for n in NAMES} == {None}
    assert {figures[n].reason for n in NAMES} == {
        "no item that is done has both an estimate and effort spent"
    }
    assert world.project().effort == ()


def test_time_booked_on_an_item_counts_where_its_source_does_not_sum_it_up(world, item):
    a = item("A", 4, None)
    b = item("B", 4, 3)
    for n, (of, day) in enumerate(((a, 3), (a, 4), (b, 4), (a, 20))):
        world.add(TimeEntry, str(n), item=of.id, person="p", on=date(2026, 3, day),
                  duration_s=2 * HOUR)  # fmt: skip
    # A: 2 + 2 h up to the data date of 13 March; B: its own 3 h, not the 2 h booked on it
    assert efforts(world)[:3] == [8 * HOUR, 7 * HOUR, HOUR]


def test_work_that_was_finished_later_says_nothing_of_an_earlier_day(world, item, at):
    item("A", 4, 5)
    item("B", 4, 9, resolved_at=at("2026-03-20T10:00"))
    assert efforts(world)[2] == -HOUR


def test_groups_by_priority_and_type_each_add_up_to_the_project(world, item):
    item("A", 4, 5, priority="High", source_type="Bug", type=ItemType.DEFECT)
    item("B", 8, 6, priority="Low", source_type="Story", type=ItemType.STORY)
    item("C", 10, 16, priority="High", type=ItemType.STORY)
    item("D", 1, 1)
    found = {
        (g.by, g.name): (g.items, g.figures["effort_variance_s"].value / HOUR)
        for g in world.project().effort
    }
    assert found == {
        ("priority", "High"): (2, -7), ("priority", "Low"): (1, 2), ("priority", "none"): (1, 0),
        ("type", "story"): (1, -6), ("type", "Story"): (1, 2), ("type", "Bug"): (1, -1),
        ("type", "other"): (1, 0),
    }  # fmt: skip
    assert [g.name for g in world.project().effort][:2] == ["High", "Low"]  # 14 h, 8 h
    [high] = [g for g in world.project().effort if g.name == "High"]
    assert high.figures["effort_variance_percent"].value == -50  # (14 − 21) / 14


def test_each_figure_is_explained_by_its_items(world, item):
    item("A", 4, 5, priority="High: now")
    item("B", 8, 6)
    project = Explainer(world.inputs(), "NET")
    whole = project.of("effort_spent_s")
    assert [(p.label, p.source) for p in whole.parts] == [
        ("B B", "6.00 h spent of 8.00 h"), ("A A", "5.00 h spent of 4.00 h"),
    ]  # fmt: skip
    assert whole.total == 11 * HOUR
    variance = project.of("effort_variance_s")
    assert variance.formula == "estimated effort − spent effort"
    assert [p.value for p in variance.inputs] == [12 * HOUR, 11 * HOUR]
    group = project.of("effort_variance_percent:priority:High: now")
    assert group.filled == "100 · (−1.00 h) / 4.00 h"
    assert [p.value for p in group.inputs] == [4 * HOUR, -HOUR]
    assert project.number("effort_variance_percent:priority:High: now").value == Fraction(-25)
    one = project.of("effort_spent_s:priority:none")
    assert [p.label for p in one.parts] == ["B B"]


# ---- unplanned effort ---------------------------------------------------------------------------


def book(world, name, hours, **fields):
    world.add(TimeEntry, name, person="p", on=date(2026, 3, 9), duration_s=hours * HOUR, **fields)


def test_unplanned_effort_is_what_is_booked_outside_of_the_baseline(world, item, at):
    world.setup["baseline_on"] = date(2026, 3, 3)
    planned = item("A", 4, None)
    later = item("B", 4, None)
    later = replace(later, created_at=at("2026-03-05T08:00"))
    world.records["work_item"][1] = later
    epic = item("E", None, None, WorkStatus.TODO, type=ItemType.EPIC)
    ticket = world.add(HelpDeskItem, "T", key="T", title="t", created_at=at("2026-03-04T08:00"))
    package = world.add(WorkPackage, "WP", code="WP", name="WP")
    book(world, "planned", 10, item=planned.id)
    book(world, "epic", 2, item=epic.id)
    book(world, "package", 3, work_package=package.code)
    book(world, "later", 4, item=later.id)
    book(world, "desk", 5, item=ticket.id)
    book(world, "loose", 1)
    project = world.project()
    # 4 + 5 + 1 of 25 hours
    assert project.figures["unplanned_effort_s"].value == 10 * HOUR
    assert project.figures["unplanned_ratio_percent"].value == 40
    scope = next(r for r in project.ratings if r.dimension == "scope")
    assert scope.colour == "red"
    assert scope.reason.endswith("; 40.0 % of the effort is unplanned")
    explained = Explainer(world.inputs(), "NET").of("unplanned_effort_s")
    assert sorted(p.value / HOUR for p in explained.parts) == [1, 4, 5]


@pytest.mark.parametrize(
    ("amber", "red", "colour"),
    [("0.26", "0.3", "green"), ("0.25", "0.3", "amber"), ("0.2", "0.25", "red")],
)
def test_the_rating_of_scope_counts_unplanned_effort_from_its_thresholds(
    world, item, amber, red, colour
):
    world.setup["baseline_on"] = date(2026, 3, 3)
    book(world, "planned", 3, item=item("A", 4, None).id)
    book(world, "loose", 1)
    world.options["policy"] = Policy(unplanned_amber=Decimal(amber), unplanned_red=Decimal(red))
    scope = next(r for r in world.project().ratings if r.dimension == "scope")
    assert scope.colour == colour


def test_without_baseline_or_effort_nobody_knows_what_is_unplanned(world, item):
    planned = item("A", 4, None)
    assert world.project().figures["unplanned_ratio_percent"].reason == "no baseline is recorded"
    world.setup["baseline_on"] = date(2026, 3, 3)
    assert world.project().figures["unplanned_ratio_percent"].reason == "no effort is booked"
    book(world, "planned", 10, item=planned.id)
    assert world.project().figures["unplanned_ratio_percent"].value == 0
