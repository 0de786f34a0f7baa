"""Registers of projects: variances as published, and every dirty row named."""

from __future__ import annotations

import csv
import os
from collections import Counter
from datetime import date
from decimal import Decimal

import pytest

from itpm_sync.model import Money, Project, SourceRef
from itpm_sync.reconcile import reconcile
from itpm_sync.reconcile.inputs import Inputs, ProjectSetup
from itpm_sync.reconcile.portfolio import register
from itpm_sync.reconcile.status import Snapshot


def usd(amount):
    return Money(Decimal(amount), "USD")


def row(number, code, **fields):
    ref = SourceRef("register", "projects", f"projects.csv#{number}")
    published = fields.pop("published", {})
    attributes = {f"published_{k}": v for k, v in published.items()}
    return Project(ref=ref, code=code, name=f"Row {number}", attributes=attributes, **fields)


def portfolio(*rows) -> Snapshot:
    codes = dict.fromkeys(r.code for r in rows)
    return reconcile(
        Inputs(
            title="Register",
            data_date=date(2012, 8, 31),
            zone="UTC",
            projects=tuple(ProjectSetup(code=c, name=c, currency="USD") for c in codes),
            rules=(),
            records={"project": tuple(rows)},
        )
    )


def test_variances_by_hand():
    found = register(
        row(
            2,
            "1",
            planned_cost=usd("0.65"),
            actual_cost=usd("0.745"),
            planned_start=date(2011, 1, 1),
            planned_finish=date(2011, 4, 11),
            actual_finish=date(2011, 5, 1),
            published={"cost_variance": "-0.095", "cost_variance_percent": "-14.62"},
        )
    )
    assert found.cost_variance.value == Decimal("-0.095")
    assert float(found.cost_variance_percent.value) == pytest.approx(-14.6153846)
    assert found.schedule_variance_days.value == -20
    assert found.schedule_variance_percent.value == -20  # of 100 days
    assert found.cost_disagreements == ()


def test_published_scale_is_applied():
    found = register(
        row(
            2,
            "1",
            planned_cost=usd(650000),
            actual_cost=usd(745000),
            published={"cost_variance": "-0.095", "cost_scale": "1000000"},
        )
    )
    assert found.cost_disagreements == ()


def test_dirty_rows_are_findings_that_name_the_row():
    clean = {"planned_cost": usd(10), "actual_cost": usd(9)}
    snapshot = portfolio(
        row(2, "A", **clean, published={"cost_variance": "1"}),
        row(3, "B", planned_cost=usd(10)),
        row(4, "C", **clean, published={"cost_variance": "-46.92"}),
        row(
            5,
            "D",
            **clean,
            planned_finish=date(2012, 3, 31),
            actual_finish=date(2012, 3, 31),
            published={"schedule_variance_days": "-153"},
        ),
        row(6, "E", **clean, published={"schedule_variance_days": "-92"}),
        row(7, "A", **clean),
    )
    found = {
        (f.code, f.evidence[0].identity): f.message
        for f in (*snapshot.findings, *(f for p in snapshot.projects for f in p.findings))
    }
    assert "projects.csv#3: Row 3: no actual cost" in found.pop(
        ("plan-cost-missing", "register:projects:projects.csv#3")
    )
    assert (
        found.pop(("cost-variance-disagrees", "register:projects:projects.csv#4"))
        == "projects.csv#4: Row 4: cost variance: published USD −46.92 ≠ computed USD 1.00 "
        "(difference USD 47.92)"
    )
    late = found.pop(("schedule-variance-disagrees", "register:projects:projects.csv#5"))
    assert "schedule variance: published −153 days ≠ computed 0 days" in late
    unknown = found.pop(("schedule-variance-disagrees", "register:projects:projects.csv#6"))
    assert "published −92 days, computed n/a: no planned and no actual finish" in unknown
    repeated = found.pop(("repeated-id", "register:projects:projects.csv#2"))
    assert "projects.csv#2" in repeated
    assert "projects.csv#7" in repeated
    assert found == {}


def test_each_row_of_a_repeated_id_is_a_project_of_its_own():
    snapshot = portfolio(
        row(2, "A", planned_cost=usd(10), actual_cost=usd(9)),
        row(3, "A", planned_cost=usd(20), actual_cost=usd(25)),
    )
    assert [(p.code, p.figures["cost_variance"].value) for p in snapshot.projects] == [
        ("A", 1),
        ("A (2)", -5),
    ]
    total = next(f for f in snapshot.totals if f.name == "cost_variance")
    assert (total.value, total.unit) == (-4, "USD")


def test_rating_of_a_register_row():
    [project] = portfolio(row(2, "A", planned_cost=usd(80), actual_cost=usd(100))).projects
    ratings = {r.dimension: (str(r.colour), r.reason) for r in project.ratings}
    assert ratings["cost"] == ("red", "Planned ÷ actual cost 0.80, below 0.90")
    assert ratings["time"][0] == "grey"


@pytest.mark.real
@pytest.mark.skipif(os.environ.get("ITPM_REAL") != "1", reason="takes minutes: make real")
def test_us_it_dashboard(shared):
    """2,472 real rows: what is consistent agrees, what is not is found, nothing is lost."""
    path = shared / "data" / "us-it-dashboard" / "projects.csv"
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = [dashboard_row(n, r) for n, r in enumerate(csv.DictReader(file), 2)]
    snapshot = portfolio(*rows)
    assert len(snapshot.projects) == len(rows) == 2472
    found = [f for p in snapshot.projects for f in p.findings]
    count = Counter(f.code for f in found)
    assert count["cost-variance-disagrees"] == 7
    assert count["plan-cost-missing"] == 17
    computed = sum(p.figures["cost_variance"].value is not None for p in snapshot.projects)
    assert computed == 2455
    disagrees = {f.evidence[0].identity for f in found if f.code == "cost-variance-disagrees"}
    for source in rows:
        published = source.attributes["published_cost_variance"]
        if published and source.id not in disagrees:
            difference = source.planned_cost.amount - source.actual_cost.amount
            assert difference == Decimal(published)
    days = [f for f in found if f.code == "schedule-variance-disagrees" and " days" in f.message]
    assert len(days) == 352 + 236  # other dates than planned − actual, and no dates at all
    for finding in found:
        if finding.code != "behind-schedule":
            assert finding.evidence[0].label


def dashboard_row(number, cells):
    def money(name):
        return usd(cells[name]) if cells[name] else None

    def day(name):
        return date.fromisoformat(cells[name][:10]) if cells[name] else None

    return row(
        number,
        cells["Unique Project ID"] or f"row {number}",
        planned_cost=money("Planned Cost ($ M)"),
        actual_cost=money("Projected/Actual Cost ($ M)"),
        planned_start=day("Start Date"),
        planned_finish=day("Planned Project Completion Date (B2)"),
        actual_finish=day("Projected/Actual Project Completion Date (B2)"),
        published={
            "cost_variance": cells["Cost Variance ($ M)"],
            "cost_variance_percent": cells["Cost Variance (%)"],
            "schedule_variance_days": cells["Schedule Variance (in days)"],
            "schedule_variance_percent": cells["Schedule Variance (%)"],
        },
    )
