"""Creep and churn agree with a published requirements ledger, and count re-estimates."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from itpm_sync.model import WorkItem, round_fraction
from itpm_sync.reconcile.inputs import BaselineItem, RecordedBaseline
from itpm_sync.reconcile.scope import churn, creep


def test_published_ledger_month_by_month(vector):
    """Its printed formula has lost a minus sign: (RB(RA+RD+RC)/RB) for (RB − (RA+RD+RC)) / RB.

    With the sign it is 1 − churn, and agrees with our churn in every month.
    """
    case = vector("14")
    baseline = case["inputs"]["baseline"]
    added = removed = changed = 0
    rows = case["recompute"]
    for row, (month, less, more, other, total) in zip(rows, case["inputs"]["months"], strict=True):
        removed, added, changed = removed + less, added + more, changed + other
        assert (row["month"], row["total"]) == (month, total)
        assert baseline + added - removed == total
        assert added + removed + changed == row["cum_changes"]
        ours = churn(baseline, added, removed, changed).value
        growth = creep(baseline, added, removed).value
        assert round_fraction(ours, 2) == Decimal(str(row["churn_pct"])), month
        assert round_fraction(growth, 2) == Decimal(str(row["creep_pct"])), month
        stability = round_fraction(1 - ours / 100, 4)
        assert stability == Decimal(str(row["published_churn_metric"])), month


def item(world, number, **fields):
    return world.add(WorkItem, f"i{number}", key=f"NET-{number}", title="t", **fields)


def test_churn_counts_what_creep_lets_cancel_out(world):
    kept = item(world, 1, points=Decimal(3), estimate_s=3600)
    bigger = item(world, 2, points=Decimal(8))
    frozen = [(kept.id, 3, 3600), (bigger.id, 5, None), ("src:work_item:gone", 1, None)]
    item(world, 4)
    world.options["baselines"] = (
        RecordedBaseline(
            project="NET", version=1, on=date(2026, 3, 1), author="a", approval="b",
            change_request="", packages=(),
            items=tuple(
                BaselineItem(identity=i, key=i, title="t", work_package="", points=Decimal(p),
                             estimate_s=s) for i, p, s in frozen
            ),
        ),
    )  # fmt: skip
    figures = world.project().figures
    assert figures["creep"].value == 0
    assert figures["churn"].value == 100  # 1 added, 1 removed, 1 re-estimated of 3


@pytest.mark.parametrize("name", ["creep", "churn"])
def test_no_baseline_no_figure(world, name):
    item(world, 1)
    figure = world.project().figures[name]
    assert (figure.value, figure.reason) == (None, "no baseline is recorded")


def test_frozen_scope_does_not_know_re_estimates(world, at):
    world.setup["baseline_on"] = date(2026, 3, 1)
    item(world, 1, created_at=at("2026-02-01T10:00"))
    item(world, 2, created_at=at("2026-03-05T10:00"))
    figure = world.project().figures["churn"]
    assert (figure.value, figure.note) == (
        100,
        "re-estimates are not known: no baseline is recorded",
    )
