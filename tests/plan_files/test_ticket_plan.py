"""A baseline from the tickets themselves: points or estimates as budget, to the cent."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from itpm_sync.model import Method, Money, SourceRef, Sprint, WorkItem, WorkPackage, WorkStatus
from itpm_sync.reconcile import freeze, reconcile
from itpm_sync.reconcile.inputs import Inputs, ProjectSetup, RecordedBaseline
from itpm_sync.reconcile.ticket_plan import Measure, Worth, plan_of_tickets

TODAY = date(2026, 3, 13)


def chf(amount):
    return Money(Decimal(amount), "CHF")


def ref(kind, source_id):
    return SourceRef("jira", kind, source_id)


def ticket(number, version="1.0", points=None, hours=None, **fields):
    return WorkItem(
        ref=ref("issue", str(number)), key=f"NET-{number}", title="t", project_key="NET",
        versions=(version,) if version else (),
        points=None if points is None else Decimal(points),
        estimate_s=None if hours is None else int(hours * 3600),
        created_at=datetime(2026, 3, 1, tzinfo=UTC), **fields,
    )  # fmt: skip


def inputs(items, *others, **fields):
    records = {"work_item": tuple(items)}
    for record in others:
        records[record.kind] = (*records.get(record.kind, ()), record)
    setup = {"code": "NET", "name": "Network", "currency": "CHF", "finish": date(2026, 3, 27)}
    return Inputs(
        title="Office", data_date=TODAY, zone="Europe/Zurich", rules=(), records=records,
        projects=(ProjectSetup(**(setup | fields)),),
    )  # fmt: skip


def test_points_at_a_rate_are_the_budget_of_each_version():
    items = [ticket(1, "1.0", points=3), ticket(2, "1.0", points=5), ticket(3, "2.0", points=2)]
    plan, said = plan_of_tickets(
        inputs(items), "net", Measure.POINTS, Worth(rate=chf("900.50"))
    )  # fmt: skip
    assert [(p.code, p.budget, p.method) for p in plan.packages] == [
        ("1.0", chf("7204.00"), Method.POINTS.value),
        ("2.0", chf("1801.00"), Method.POINTS.value),
    ]
    assert (plan.source, said) == ("3 tickets by points", ())


def test_estimates_share_a_budget_and_planned_effort_is_kept():
    items = [ticket(1, "A", hours=8), ticket(2, "B", hours=16), ticket(3, "C", hours=0.5)]
    plan, said = plan_of_tickets(
        inputs(items), "NET", Measure.ESTIMATE, Worth(budget=chf("1000"))
    )  # fmt: skip
    assert [p.budget for p in plan.packages] == [chf("326.53"), chf("653.06"), chf("20.41")]
    assert [p.planned_effort_s for p in plan.packages] == [28_800, 57_600, 1_800]
    assert said == (
        "budget is by estimate; value is earned by tickets done, each alike in its package",
    )


def test_tickets_without_size_or_package_are_told():
    items = [ticket(1, points=3), ticket(2), ticket(3, "", points=8)]
    plan, said = plan_of_tickets(inputs(items), "NET", Measure.POINTS, Worth(rate=chf(10)))
    assert [p.budget for p in plan.packages] == [chf("30.00")]
    assert said == (
        "1 ticket without points, so without budget: NET-2",
        (
            "1 ticket in no work package, so without budget: give them a fix version, or add an "
            "allocation rule"
        ),
    )


def test_without_money_the_packages_are_measured_in_items():
    plan, said = plan_of_tickets(inputs([ticket(1, points=3)]), "NET", Measure.POINTS, Worth())
    assert plan.packages[0].budget is None
    assert said == ("no rate and no budget is given: the packages are measured in items",)


def test_nothing_that_carries_the_budget_is_an_error():
    with pytest.raises(ValueError, match="nothing carries the budget"):
        plan_of_tickets(inputs([ticket(1)]), "NET", Measure.POINTS, Worth(rate=chf(1)))


def test_dates_come_from_the_plan_then_sprints_and_due_dates_then_the_project():
    sprint = Sprint(
        ref=ref("sprint", "1"), name="Sprint 1", start=datetime(2026, 3, 2, tzinfo=UTC),
        finish=datetime(2026, 3, 13, tzinfo=UTC),
    )  # fmt: skip
    planned = WorkPackage(
        ref=ref("plan", "1"), project_key="NET", code="P", name="Planned",
        planned_start=date(2026, 1, 5), planned_finish=date(2026, 1, 30),
    )  # fmt: skip
    items = [
        ticket(1, "S", points=1, sprints=("Sprint 1",)),
        ticket(2, "D", points=1, due=date(2026, 3, 20)),
        ticket(3, "N", points=1),
        ticket(4, "P", points=1),
    ]
    plan, _ = plan_of_tickets(
        inputs(items, sprint, planned), "NET", Measure.POINTS, Worth()
    )  # fmt: skip
    found = {p.code: (p.planned_start, p.planned_finish) for p in plan.packages}
    assert found == {
        "S": (date(2026, 3, 2), date(2026, 3, 13)),
        "D": (date(2026, 3, 1), date(2026, 3, 20)),
        "N": (date(2026, 3, 1), date(2026, 3, 27)),
        "P": (date(2026, 1, 5), date(2026, 1, 30)),
    }


def test_what_is_recorded_from_tickets_is_measured_by_them():
    """AgileEVM: 4 of 10 points of 1.0 are done, so 40 % of its 10 × 100 are earned."""
    done = {"status": WorkStatus.DONE, "resolved_at": datetime(2026, 3, 10, tzinfo=UTC)}
    items = [ticket(1, points=4, **done), ticket(2, points=6), ticket(3, "2.0", points=5)]
    given = inputs(items, start=date(2026, 3, 2))
    plan, _ = plan_of_tickets(given, "NET", Measure.POINTS, Worth(rate=chf(100)))
    frozen = freeze(given, "NET", plan)
    assert {i.key: i.work_package for i in frozen.items} == {
        "NET-1": "1.0", "NET-2": "1.0", "NET-3": "2.0",
    }  # fmt: skip
    baseline = RecordedBaseline(
        project="NET", version=1, on=TODAY, author="Ann", approval="", change_request="",
        packages=frozen.packages, items=frozen.items, calendar=frozen.calendar,
    )  # fmt: skip
    (project,) = reconcile(replace(given, baselines=(baseline,))).projects
    figures = {n: f.value for n, f in project.figures.items()}
    assert (figures["bac"], figures["ev"]) == (1500, 400)
    assert (figures["baseline_items"], figures["added"]) == (3, 0)


@given(
    st.lists(
        st.tuples(st.sampled_from("ABCDE"), st.decimals(0, 100, places=1)), min_size=1, max_size=12
    ).filter(lambda rows: any(points for _, points in rows)),
    st.decimals("0.01", 10**7, places=2),
)
def test_the_budgets_of_the_packages_sum_to_the_whole_to_the_cent(rows, budget):
    items = [ticket(n, version, points=points) for n, (version, points) in enumerate(rows)]
    plan, _ = plan_of_tickets(inputs(items), "NET", Measure.POINTS, Worth(budget=chf(budget)))
    assert sum(p.budget.amount for p in plan.packages) == budget
