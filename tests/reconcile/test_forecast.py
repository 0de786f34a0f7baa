"""The simulated finish and cost, by cases whose distribution is known."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from itpm_sync.model import (
    InvoiceLine,
    Method,
    Stage,
    WorkItem,
    WorkPackage,
    WorkStatus,
)
from itpm_sync.reconcile.explain import explain
from itpm_sync.reconcile.inputs import Policy
from itpm_sync.reconcile.simulation import HORIZON, Draws, courses, percentile, seed_of

ROOT = Path(__file__).resolve().parents[2]
MONDAY = date(2026, 1, 5)
TODAY = MONDAY + timedelta(weeks=10, days=-1)  # a Sunday: ten complete weeks


def items(world, per_week, left, **fields):
    """Items done on the Mondays of the weeks, and `left` that are not; all there from the start."""
    world.options["data_date"] = MONDAY + timedelta(weeks=len(per_week), days=-1)
    created = datetime(2025, 12, 1, tzinfo=UTC)
    for week, number in enumerate(per_week):
        on = datetime.combine(MONDAY + timedelta(weeks=week), datetime.min.time(), UTC)
        for n in range(number):
            key = f"NET-{week}-{n}"
            world.add(WorkItem, key, key=key, title="t", status=WorkStatus.DONE, created_at=created,
                      resolved_at=on + timedelta(hours=9), **fields)  # fmt: skip
    for n in range(left):
        world.add(WorkItem, f"left-{n}", key=f"NET-L{n}", title="t", created_at=created, **fields)


def drawn(world, prefix):
    return {n.removeprefix(prefix): f for n, f in world.project().figures.items()
            if n.startswith(prefix)}  # fmt: skip


def test_constant_throughput_gives_one_point(world):
    items(world, [3] * 10, 8)
    found = drawn(world, "finish_p")
    assert {p: f.value for p, f in found.items()} == {
        "50": 3,
        "80": 3,
        "95": 3,
    }  # 8 / 3, rounded up
    assert found["80"].unit == "weeks"
    assert found["80"].label == "Weeks to finish, 80 % likely"
    assert found["80"].note == (
        "by 5 Apr 2026; 8 items left, 10,000 courses of the 10 weeks from 5 Jan 2026 to 15 Mar 2026"
    )


def test_two_kinds_of_week_give_binomial_percentiles(world):
    """Weeks of 0 and of 2 items, even chances, 4 items left: the second good week ends it.

    P(at most n weeks) = 1 − (1 + n) / 2^n: 2 weeks 0.25, 3 0.5, 4 0.6875, 5 0.8125, 7 0.9375,
    8 0.9648. The chance is no nearer than 0.0125 to the percentiles asked for, but 50.
    """
    world.options["policy"] = Policy(forecast_percentiles=(20, 45, 60, 80, 95))
    items(world, [2, 0] * 5, 4)
    found = drawn(world, "finish_p")
    assert [int(f.value) for f in found.values()] == [2, 3, 4, 5, 8]


def test_share_of_courses_agrees_with_the_exact_distribution():
    draws = Draws(seed_of("any"), 4, 100_000)  # one good week of four, three to get
    weeks, cost = courses(draws, [0, 0, 0, 1], [1, 1, 1, 1], 3)
    for n in (3, 6, 10, 20):
        exact = sum(math.comb(n, k) * 0.25**k * 0.75 ** (n - k) for k in range(3, n + 1))
        assert float((weeks <= n).mean()) == pytest.approx(exact, abs=0.006)
    assert (weeks == cost).all()


def test_percentile_is_the_smallest_value_not_exceeded_by_so_many():
    draws = Draws(1, 1, 100)
    weeks, _ = courses(draws, [5], [0], 5)
    values = weeks * 0 + list(range(100, 0, -1))
    assert [percentile(values, p) for p in (1, 50, 80, 99)] == [1, 50, 80, 99]


def test_course_that_does_not_end_has_no_finish():
    draws = Draws(1, 2, 100)
    weeks, cost = courses(draws, [0, 0], [1, 1], 1)
    assert percentile(weeks, 1) is percentile(cost, 1) is None
    weeks, _ = courses(draws, [1, 1], [1, 1], HORIZON)
    assert percentile(weeks, 99) == HORIZON
    weeks, _ = courses(draws, [1, 1], [1, 1], HORIZON + 1)
    assert percentile(weeks, 1) is None


def planned(world, eur, budget=1000):
    world.add(
        WorkPackage, "w", code="W", name="W", budget=eur(budget), method=Method.ITEMS,
        planned_start=MONDAY, planned_finish=date(2026, 6, 30),
    )  # fmt: skip


def test_constant_cost_and_earned_value_give_what_the_index_gives(world, eur):
    items(world, [3] * 10, 20, work_package="W")
    planned(world, eur)
    for week in range(10):
        on = MONDAY + timedelta(weeks=week, days=2)
        world.add(InvoiceLine, f"r{week}", invoice=f"R{week}", amount=eur(90), invoiced_on=on)
    found, project = drawn(world, "cost_p"), world.project()
    # 30 of 50 items are 600 of 1,000, for 900: the other 400 cost 600 more
    assert project.figures["eac"].value == 1500
    assert {p: f.value for p, f in found.items()} == dict.fromkeys(("50", "80", "95"), 1500)
    assert found["80"].note.startswith("by cost and earned value, 10,000 courses")
    assert found["80"].unit == "EUR"


def test_cost_is_drawn_by_items_where_no_record_tells_what_weeks_earned(world, eur):
    items(world, [3] * 10, 8, work_package="W")
    world.add(
        WorkPackage, "w", code="W", name="W", budget=eur(1000), method=Method.PERCENT,
        percent_complete=Decimal(40), planned_start=MONDAY, planned_finish=date(2026, 6, 30),
    )  # fmt: skip
    for week in range(10):
        on = MONDAY + timedelta(weeks=week)
        world.add(InvoiceLine, f"r{week}", invoice=f"R{week}", amount=eur(90), invoiced_on=on)
    found = drawn(world, "cost_p")
    assert found["80"].value == 900 + 240  # 8 of 3 a week: two weeks and two thirds at 90
    assert found["80"].note.startswith("by cost and items done")


def test_points_where_every_item_has_them(world):
    items(world, [2] * 10, 3, points=Decimal("2.5"))
    found = drawn(world, "finish_p")["50"]
    assert found.value == 2  # 7.5 points at 5 a week
    assert "7.5 points left" in found.note
    world.add(WorkItem, "x", key="NET-X", title="t")
    assert "4 items left" in drawn(world, "finish_p")["50"].note


def test_growth_of_scope_is_drawn_with_its_week(world):
    items(world, [3] * 10, 8)
    for week in range(10):
        at = datetime.combine(MONDAY + timedelta(weeks=week), datetime.min.time(), UTC)
        world.add(WorkItem, f"new{week}", key=f"N{week}", title="t", created_at=at)
    assert drawn(world, "finish_p")["80"].value == 6  # 18 left, 3 a week
    world.options["policy"] = Policy(forecast_growth=True)
    grown = drawn(world, "finish_p")["80"]
    assert grown.value == 9  # of 3 done a week 2 are gained
    assert grown.note.endswith("scope growing as in them")


@pytest.mark.parametrize(
    ("per_week", "left", "reason"),
    [
        ([3] * 10, 0, "everything in scope is done"),
        ([], 0, "no work item is in scope: there is nothing to finish"),
        ([0] * 10, 5, "no item is done and no time is booked yet"),
        (
            [1] * 6,
            5,
            (
                "the history is too short: 6 complete weeks since work began on 5 Jan 2026, "
                "and 7 are needed"
            ),
        ),
        ([1, *[0] * 30], 5, "no item was done in the 26 weeks from 9 Feb 2026 to 9 Aug 2026"),
        (
            [1, *[0] * 19],
            500,
            "at the pace of the past weeks 50 % of the courses take more than five years",
        ),
    ],
)
def test_what_cannot_be_forecast_says_why(world, per_week, left, reason):
    items(world, per_week, left)
    if not per_week:
        world.options["data_date"] = TODAY
    found = drawn(world, "finish_p")["50"]
    assert (found.value, found.reason) == (None, reason)
    assert drawn(world, "cost_p")["50"].reason


def test_closed_project_and_growth_without_end_are_told(world):
    items(world, [1] * 10, 3)
    world.setup["stage"] = Stage.CLOSED
    assert drawn(world, "finish_p")["50"].reason == "the project is closed"
    world.setup["stage"] = Stage.EXECUTION
    world.options["policy"] = Policy(forecast_growth=True)
    for week in range(10):
        at = datetime.combine(MONDAY + timedelta(weeks=week), datetime.min.time(), UTC)
        world.add(WorkItem, f"new{week}", key=f"N{week}", title="t", created_at=at)
    assert drawn(world, "finish_p")["50"].reason.startswith("scope grew as fast as work was done")


def test_partial_weeks_are_not_drawn(world):
    """Work began on a Wednesday and today is a Tuesday: neither week is a sample."""
    items(world, [0, *[2] * 8, 0], 4)
    at = datetime(2026, 1, 7, 9, tzinfo=UTC)
    world.add(WorkItem, "first", key="F", title="t", status=WorkStatus.DONE, resolved_at=at)
    world.options["data_date"] = MONDAY + timedelta(weeks=9, days=1)
    assert "8 weeks from 12 Jan 2026 to 8 Mar 2026" in drawn(world, "finish_p")["50"].note


def test_same_seed_draws_the_same_everywhere_and_another_one_does_not(world):
    assert seed_of("NET", "2026-03-13", 0) != seed_of("NET", "2026-03-13", 1)
    code = (
        "from itpm_sync.reconcile.simulation import *;"
        "print(Draws(seed_of('NET'), 19, 1000).pair(1).tolist())"
    )
    env = {**os.environ, "TZ": "Pacific/Auckland", "PYTHONHASHSEED": "7", "PYTHONPATH": str(ROOT)}
    made = subprocess.run(
        [sys.executable, "-c", code], env=env, cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert made.stdout.strip() == str(Draws(seed_of("NET"), 19, 1000).pair(1).tolist())


def test_explanation_has_the_weeks_and_their_items(world, eur):
    items(world, [2, 1] * 5, 5, work_package="W")
    planned(world, eur)
    on = MONDAY + timedelta(days=1)
    world.add(InvoiceLine, "r", invoice="R", amount=eur(90), invoiced_on=on)
    found = explain(world.inputs(), "NET", "finish_p80")
    assert [p.value for p in found.samples] == [2, 1] * 5
    assert found.samples[0].label == "Week from 5 Jan 2026"
    assert found.samples[0].source == "NET-0-0, NET-0-1"
    assert [(p.symbol, p.value) for p in found.inputs] == [("what is left", 5)]
    again = Draws(seed_of("NET", "2026-03-15", 0), 10, 10_000)
    weeks, _ = courses(again, [int(p.value) for p in found.samples], [0] * 10, 5)
    assert percentile(weeks, 80) == found.figure.value
    cost = explain(world.inputs(), "NET", "cost_p50")
    assert [p.value for p in cost.samples] == [90, *[0] * 9]
    assert cost.samples[0].note == "earned EUR 100.00"  # 2 of 20 items of 1,000
    assert [p.symbol for p in cost.inputs] == ["AC", "what is left"]


def test_absurd_amounts_are_no_crash(world, eur):
    items(world, [2] * 10, 5, work_package="W", points=Decimal("1e11"))
    planned(world, eur, 10**30)
    world.add(InvoiceLine, "r", invoice="R", amount=eur(10**25), invoiced_on=MONDAY)
    assert drawn(world, "cost_p")["50"].reason == "the numbers are too large to be simulated"
    assert drawn(world, "finish_p")["50"].value == 3


def test_policy_is_honoured(world):
    items(world, [1, 3] * 10, 12)
    world.options["policy"] = Policy(forecast_percentiles=(85,), forecast_weeks=8)
    found = drawn(world, "finish_p")
    assert set(found) == {"85"}
    assert "of the 8 weeks" in found["85"].note
