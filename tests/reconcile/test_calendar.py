"""Working calendars: holidays, part days, other weeks; sums without walking the days."""

from __future__ import annotations

import os
import time
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from itpm_sync.errors import ReconcileError
from itpm_sync.model import WorkPackage
from itpm_sync.reconcile import reconcile
from itpm_sync.reconcile.inputs import BaselinePackage, Phase, RecordedBaseline
from itpm_sync.reconcile.phasing import Phasing
from itpm_sync.reconcile.status import to_json
from itpm_sync.reconcile.workdays import (
    STANDARD,
    Calendar,
    elapsed,
    nth_working_day,
    working_days,
)

MONDAY = date(2026, 3, 2)
shares = st.sampled_from([0, Fraction(1, 2), Fraction(14, 15), 1, Fraction(5, 4)])
weeks = st.lists(shares, min_size=7, max_size=7).filter(any)
days = st.dates(date(2026, 1, 1), date(2026, 6, 30))
calendars = st.builds(Calendar.of, weeks, st.dictionaries(days, shares, max_size=12))


def test_a_holiday_is_not_planned_to_be_worked():
    calendar = Calendar.of(days={date(2026, 3, 4): 0})
    assert working_days(MONDAY, date(2026, 3, 6), calendar) == 4
    assert elapsed(MONDAY, date(2026, 3, 6), date(2026, 3, 4), calendar) == Fraction(2, 4)


def test_a_part_day_counts_by_its_share():
    calendar = Calendar.of(days={date(2026, 3, 6): Fraction(1, 2)})  # the Friday
    assert calendar.worked(MONDAY, date(2026, 3, 6)) == Fraction(9, 2)
    assert elapsed(MONDAY, date(2026, 3, 6), date(2026, 3, 5), calendar) == Fraction(8, 9)


def test_an_extra_working_day_and_a_four_day_week():
    calendar = Calendar.of([1, 1, 1, 1, 0, 0, 0], {date(2026, 3, 7): 1})  # a worked Saturday
    assert calendar.days_a_week == 4
    assert working_days(MONDAY, date(2026, 3, 8), calendar) == 5
    assert nth_working_day(MONDAY, 5, calendar) == date(2026, 3, 7)
    assert nth_working_day(MONDAY, 6, calendar) == date(2026, 3, 9)


def test_a_span_of_holidays_only_is_measured_in_calendar_days():
    calendar = Calendar.of(days={MONDAY + timedelta(days=n): 0 for n in range(5)})
    assert elapsed(MONDAY, date(2026, 3, 6), date(2026, 3, 3), calendar) == Fraction(2, 5)


def test_the_default_is_monday_to_friday():
    assert Calendar.of() == STANDARD == Calendar.of(days={MONDAY: 1})


@pytest.mark.parametrize("week", [[0] * 7, [1] * 6, [1, 1, 1, 1, 1, 0, -1]])
def test_a_week_that_cannot_be_worked_is_refused(week):
    with pytest.raises(ReconcileError, match="seven days"):
        Calendar.of(week)


@given(calendars, days, st.integers(0, 120))
def test_sums_over_a_span_are_those_of_its_days(calendar, first, length):
    last = first + timedelta(days=length)
    walked = [calendar.share(first + timedelta(days=n)) for n in range(length + 1)]
    assert calendar.worked(first, last) == sum(walked)
    assert calendar.working_days(first, last) == sum(1 for share in walked if share)
    assert calendar.worked(last, first - timedelta(days=1)) == 0


@given(calendars, days, st.integers(1, 60))
def test_the_nth_working_day_is_the_first_on_which_so_many_are_over(calendar, start, number):
    found = nth_working_day(start, number, calendar)
    assert calendar.share(found) > 0
    assert calendar.working_days(start, found) == number


@given(calendars, days, st.integers(0, 90), st.decimals(0, 10**6, places=2))
def test_the_parts_of_a_period_sum_to_the_whole_to_the_cent(calendar, start, length, budget):
    finish = start + timedelta(days=length)
    cumulative = [
        elapsed(start, finish, start + timedelta(days=n), calendar) * Fraction(budget)
        for n in range(-1, length + 1)
    ]
    parts = [b - a for a, b in pairwise(cumulative)]
    assert all(p >= 0 for p in parts)
    assert sum(parts) == Fraction(budget)


phases = st.lists(
    st.builds(
        lambda start, length, weight: Phase(
            start=start, finish=start + timedelta(days=length), weight=weight
        ),
        days,
        st.integers(0, 40),
        st.decimals("0.01", 10**5, places=2),
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=30, deadline=None)
@given(calendars, phases, st.randoms(), days)
def test_order_of_phases_and_the_machines_zone_change_nothing(calendar, parts, random, on):
    shuffled = random.sample(parts, len(parts))
    assert planned(calendar, parts, on) == planned(calendar, shuffled, on, zone="Pacific/Auckland")
    last = max(p.finish for p in parts)
    assert planned(calendar, parts, last) == 1


def planned(calendar, parts, on, zone="UTC"):
    from itpm_sync.reconcile.progress import Plan

    before = os.environ.get("TZ")
    os.environ["TZ"] = zone
    time.tzset()
    try:
        plan = Plan(
            "A", "A", "", "items", min(p.start for p in parts), max(p.finish for p in parts),
            None, None, None, phases=Phasing(parts), calendar=calendar,
        )  # fmt: skip
        return plan.planned_share(on).value
    finally:
        os.environ.pop("TZ") if before is None else os.environ.update(TZ=before)
        time.tzset()


# ---- in the reconciliation ----------------------------------------------------------------------


def package(world, eur, **fields):
    fields = {"planned_start": MONDAY, "planned_finish": date(2026, 3, 27), **fields}
    return world.add(WorkPackage, "w", code="A", name="A", budget=eur(2000), **fields)


def test_pv_leaves_out_the_holidays_of_the_project(world, eur):
    package(world, eur)
    assert world.figures()["pv"] == 1000  # 10 of 20 working days by 13 March
    world.setup["calendar"] = Calendar.of(days={date(2026, 3, 3): 0, date(2026, 3, 4): 0})
    assert abs(world.figures()["pv"] - Decimal("888.888888888889")) < Decimal("1e-9")


def test_earned_schedule_counts_the_calendars_days_and_weeks(world, eur):
    package(world, eur, percent_complete=Decimal(50), method="percent_complete")
    world.setup["calendar"] = Calendar.of([1, 1, 1, 1, 0, 0, 0])
    found = world.figures()
    assert (found["pd"], found["at"], found["es"]) == (4, 2, 2)  # weeks of four days
    project = world.project()
    assert project.figures["ieac_t"].note == "finish on 26 Mar 2026"


def test_a_recorded_baseline_keeps_the_calendar_it_was_recorded_with(world, eur):
    package(world, eur)
    frozen = BaselinePackage(
        code="A", name="A", planned_start=MONDAY, planned_finish=date(2026, 3, 27),
        budget=eur(2000), method="items",
    )  # fmt: skip
    world.options["baselines"] = (
        RecordedBaseline(
            project="NET", version=1, on=MONDAY, author="Ann", approval="", change_request="",
            packages=(frozen,), items=(), calendar=STANDARD,
        ),
    )  # fmt: skip
    world.setup["calendar"] = Calendar.of(days={date(2026, 3, 3): 0})
    assert world.figures()["pv"] == 1000


def test_phases_of_a_package_say_when_it_is_planned(world, eur):
    frozen = BaselinePackage(
        code="A", name="A", planned_start=MONDAY, planned_finish=date(2026, 3, 27),
        budget=eur(2000), method="items",
        phases=(
            Phase(start=MONDAY, finish=date(2026, 3, 6), weight=Decimal(300)),
            Phase(start=date(2026, 3, 9), finish=date(2026, 3, 20), weight=Decimal(100)),
        ),
    )  # fmt: skip
    world.options["baselines"] = (
        RecordedBaseline(
            project="NET", version=1, on=MONDAY, author="Ann", approval="", change_request="",
            packages=(frozen,), items=(),
        ),
    )  # fmt: skip
    assert world.figures()["pv"] == 2000 * Decimal("0.875")  # 300 and half of 100, of 400


def test_the_machines_zone_changes_no_byte(world, eur, monkeypatch):
    package(world, eur)
    world.setup["calendar"] = Calendar.of(days={date(2026, 3, 6): Fraction(1, 3)})
    bodies = set()
    for zone in ("UTC", "America/Los_Angeles", "Pacific/Auckland"):
        monkeypatch.setenv("TZ", zone)
        time.tzset()
        bodies.add(to_json(reconcile(world.inputs())))
    monkeypatch.undo()
    time.tzset()
    assert len(bodies) == 1


@settings(max_examples=40, deadline=None)
@given(calendars, phases, days)
def test_the_share_of_phases_is_the_weighted_share_of_each(calendar, parts, on):
    whole = sum(Fraction(p.weight) for p in parts)
    each = (Fraction(p.weight) * elapsed(p.start, p.finish, on, calendar) for p in parts)
    assert Phasing(parts).share(on, calendar) == sum(each) / whole
