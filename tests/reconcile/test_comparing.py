"""The earlier reconciliation that a status is compared with: that of the week before."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from itpm_sync.model import WorkPackage
from itpm_sync.reconcile.comparing import week_before

TODAY = date(2026, 3, 13)


@pytest.mark.parametrize(
    ("ages", "chosen"),
    [
        ([], None),
        ([0], None),  # today
        ([0, 1, 4], 4),  # in the first days: the first of all
        ([1, 14], 14),
        ([36, 400], None),  # a month is over: nobody means that day
        ([7, 400], 7),
        ([5, 6, 7, 8], 7),  # who reconciles daily
        ([6, 8], 8),
        ([6, 13], 6),  # a weekly run that came a day late last week
        ([5, 14], 5),
        ([30, 31], 30),  # who reports by the month
    ],
)
def test_the_day_nearest_to_a_week_earlier_is_compared_with(ages, chosen):
    days = [TODAY - timedelta(days=age) for age in ages]
    expected = None if chosen is None else TODAY - timedelta(days=chosen)
    assert week_before(TODAY, days) == expected
    assert week_before(TODAY, reversed(days)) == expected


def test_a_plan_is_not_called_changed_against_a_day_long_ago(world, eur):
    given = {"code": "W", "name": "w", "planned_start": TODAY, "planned_finish": TODAY}
    for age, told in ((35, 1), (36, 0)):
        world.records.clear()
        world.options["data_date"] = TODAY - timedelta(days=age)
        world.add(WorkPackage, "w", budget=eur(100), **given)
        before = world.snapshot()
        world.records.clear()
        world.options["data_date"] = TODAY
        world.add(WorkPackage, "w", budget=eur(300), **given)
        found = [f for f in world.snapshot(before).all_findings if f.code == "plan-changed"]
        assert len(found) == told
    assert before.data_date == date(2026, 2, 5)
