"""Planned, earned and actual of work packages, by hand: dates, methods, money and items."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest

from itpm_sync.model import (
    InvoiceLine,
    ItemType,
    Method,
    Milestone,
    Project,
    WorkItem,
    WorkPackage,
    WorkStatus,
)
from itpm_sync.reconcile.figures import IMPLAUSIBLE
from itpm_sync.reconcile.inputs import BaselineItem, BaselinePackage, RecordedBaseline
from itpm_sync.reconcile.workdays import elapsed, week_ends, working_days

# Data date of the tests: Friday 13 March 2026.
START, FINISH = date(2026, 3, 2), date(2026, 3, 27)  # Monday to Friday: 20 working days


def package(world, code="WP1", **fields):
    fields = {"planned_start": START, "planned_finish": FINISH, "name": code} | fields
    return world.add(WorkPackage, code, code=code, **fields)


def item(world, number, status=WorkStatus.TODO, package="WP1", **fields):
    fields = {"key": f"NET-{number}", "title": "t", "work_package": package} | fields
    return world.add(WorkItem, f"i{number}", status=status, **fields)


def test_working_days_by_the_calendar():
    assert working_days(START, FINISH) == 20
    assert working_days(date(2026, 3, 7), date(2026, 3, 8)) == 0
    assert working_days(FINISH, START) == 0
    assert elapsed(START, FINISH, date(2026, 3, 13)) == Fraction(10, 20)
    assert elapsed(START, FINISH, date(2026, 3, 15)) == Fraction(10, 20)
    assert elapsed(date(2026, 3, 7), date(2026, 3, 8), date(2026, 3, 7)) == Fraction(1, 2)
    assert week_ends(date(2026, 3, 13), 3) == (
        date(2026, 3, 1),
        date(2026, 3, 8),
        date(2026, 3, 13),
    )


def test_money_project_by_hand(world, eur):
    package(world, budget=eur(2000), method=Method.PERCENT, percent_complete=Decimal(40))
    world.add(
        InvoiceLine,
        "r",
        invoice="R",
        amount=eur(1000),
        invoiced_on=START,
        order="P",
        work_package="WP1",
    )
    project = world.project()
    expected = {
        "bac": 2000,
        "pv": 1000,  # 10 of 20 working days
        "ev": 800,
        "ac": 1000,
        "cv": -200,
        "sv": -200,
        "cpi": Decimal("0.8"),
        "spi": Decimal("0.8"),
        "eac": 2500,  # 2000 / 0.8
        "etc": 1500,
        "vac": -500,
        "tcpi_bac": Decimal("1.2"),  # 1200 / 1000
        "tcpi_eac": Decimal("0.8"),
        "percent": 40,
    }
    assert {name: project.figures[name].value for name in expected} == expected
    assert {name: project.packages[0].figures[name].value for name in expected} == expected
    assert project.figures["eac"].note == "AC + (BAC − EV) / CPI"
    assert project.unit == "EUR"
    today = next(p for p in project.curve if p.on == date(2026, 3, 13))
    assert (today.pv, today.ev, today.ac) == (1000, 800, 1000)
    assert project.curve[-1].pv == 2000
    codes = {f.code for f in project.findings}
    assert {"cost-overrun-forecast", "behind-schedule"} <= codes


@pytest.mark.parametrize(
    ("fields", "share"),
    [
        ({"method": Method.ZERO_HUNDRED, "percent_complete": Decimal(99)}, 0),
        ({"method": Method.ZERO_HUNDRED, "actual_finish": date(2026, 3, 13)}, 1),
        ({"method": Method.ZERO_HUNDRED, "actual_finish": date(2026, 3, 14)}, 0),
        ({"method": Method.FIFTY_FIFTY, "actual_start": START}, Fraction(1, 2)),
        ({"method": Method.FIFTY_FIFTY}, 0),
        ({"method": Method.PERCENT, "percent_complete": Decimal("12.5")}, Fraction(1, 8)),
        ({"method": Method.LEVEL_OF_EFFORT}, Fraction(1, 2)),
        ({"method": Method.ITEMS, "percent_complete": Decimal(30)}, Fraction(3, 10)),
    ],
)
def test_methods_that_need_no_items(world, eur, fields, share):
    package(world, budget=eur(1000), **fields)
    assert world.figures()["ev"] == Decimal(1000) * share.numerator / share.denominator


def test_items_and_points_are_measured_on_what_is_not_cancelled(world, eur, at):
    package(world, "A", budget=eur(900), method=Method.ITEMS)
    package(world, "B", budget=eur(900), method=Method.POINTS)
    for code in "AB":
        late = {"package": code, "resolved_at": at("2026-03-14T09:00")}
        item(world, f"{code}1", WorkStatus.DONE, code, points=Decimal(5))
        item(world, f"{code}2", WorkStatus.DONE, points=Decimal(3), **late)  # after the data date
        item(world, f"{code}3", WorkStatus.TODO, code)
        item(world, f"{code}4", WorkStatus.CANCELLED, code, points=Decimal(100))
        item(world, f"{code}5", WorkStatus.DONE, code, type=ItemType.EPIC, points=Decimal(100))
    a, b = world.project().packages
    assert a.figures["ev"].value == 300  # 1 of 3
    assert b.figures["ev"].value == Decimal("562.5")  # 5 of 8 points
    assert b.figures["ev"].note == "left out: 1 item without points"


def test_weighted_milestones(world, eur):
    package(world, budget=eur(1000), method=Method.MILESTONES)
    for code, weight, actual in (("M1", 3, START), ("M2", 1, date(2026, 3, 20)), ("M3", 1, None)):
        world.add(
            Milestone,
            code,
            code=code,
            name=code,
            work_package="WP1",
            weight=Decimal(weight),
            actual=actual,
        )
    assert world.figures()["ev"] == 600


def test_apportioned_follows_its_base_and_circles_are_undefined(world, eur):
    package(world, "BASE", budget=eur(1000), method=Method.PERCENT, percent_complete=Decimal(25))
    package(world, "QA", budget=eur(400), method=Method.APPORTIONED, depends_on="base")
    package(world, "X", budget=eur(1), method=Method.APPORTIONED, depends_on="Y")
    package(world, "Y", budget=eur(1), method=Method.APPORTIONED, depends_on="X")
    found = {p.code: p.figures["ev"] for p in world.project().packages}
    assert found["QA"].value == 100
    assert found["X"].value is None
    assert "depend on each other" in found["X"].reason


@pytest.mark.parametrize(
    ("dates", "pv", "reason"),
    [
        ({"planned_start": None, "planned_finish": date(2026, 3, 13)}, 1000, ""),
        ({"planned_start": None, "planned_finish": date(2026, 3, 14)}, 0, ""),
        ({"planned_start": None, "planned_finish": None}, None, "no planned dates"),
        ({"planned_start": START, "planned_finish": None}, None, "no planned finish"),
        ({"planned_finish": date(2026, 3, 1)}, None, "before the planned start"),
        ({"planned_finish": date(2999, 3, 1)}, None, "is impossible"),
    ],
)
def test_planned_value_of_incomplete_dates(world, eur, dates, pv, reason):
    package(world, budget=eur(1000), percent_complete=Decimal(10), **dates)
    project = world.project()
    assert project.figures["pv"].value == pv
    assert reason in project.figures["pv"].reason
    impossible = [f for f in project.findings if f.code == "plan-dates-impossible"]
    assert bool(impossible) == ("before" in reason or "impossible" in reason)


def test_package_that_cannot_be_measured_leaves_the_project_undefined_and_named(world, eur):
    package(world, "A", budget=eur(1000), percent_complete=Decimal(10))
    package(world, "B", budget=eur(1000))
    project = world.project()
    assert project.figures["bac"].value == 2000
    assert project.figures["ev"].value is None
    assert "work package B" in project.figures["ev"].reason
    assert [f.subject for f in project.findings if f.code == "progress-unknown"] == ["B"]


def test_future_package_has_earned_nothing_yet(world, eur):
    later = {"planned_start": date(2026, 4, 1), "planned_finish": date(2026, 4, 30)}
    package(world, "A", budget=eur(1000), percent_complete=Decimal(50))
    package(world, "B", budget=eur(1000), **later)
    assert world.figures()["ev"] == 500


def test_level_of_effort_is_done_when_its_time_is_over(world, eur):
    times = {"planned_start": date(2026, 1, 5), "planned_finish": date(2026, 3, 6)}
    package(world, budget=eur(100), method=Method.LEVEL_OF_EFFORT, **times)
    assert world.project().packages[0].state == "done"
    assert world.findings("package-late") == []


def test_summary_package_does_not_count_its_parts_twice(world, eur):
    package(world, "1", budget=eur(3000))
    package(world, "1.1", budget=eur(1000), parent="1", percent_complete=Decimal(50))
    package(world, "1.2", budget=eur(2000), parent="1", percent_complete=Decimal(50))
    project = world.project()
    assert (project.figures["bac"].value, project.figures["budget"].value) == (3000, 3000)
    assert "summary" in project.packages[0].figures["bac"].reason


# ---- projects without a budget ------------------------------------------------------------------


def test_project_without_budget_is_measured_in_items(world):
    world.setup["currency"] = ""
    package(world, "1.0", planned_start=None, planned_finish=date(2026, 2, 1))
    package(world, "2.0", planned_start=None, planned_finish=date(2026, 5, 1))
    package(world, "Backlog", planned_start=None, planned_finish=None)
    for number in range(4):
        status = WorkStatus.DONE if number < 3 else WorkStatus.TODO
        item(world, number, status, versions=("1.0", "2.0"), package="")
    item(world, 4, WorkStatus.DONE, "2.0")
    item(world, 5, WorkStatus.DONE, "Backlog")
    item(world, 6, WorkStatus.DONE, "")
    project = world.project()
    found = {name: f.value for name, f in project.figures.items()}
    assert (found["bac"], found["pv"], found["ev"]) == (5, 4, 4)
    assert (found["items"], found["items_done"]) == (7, 6)
    assert found["ac"] is None
    assert project.figures["ac"].reason == "no budget or rates: cost is not measured"
    assert "without dates, so not counted: Backlog" in project.figures["bac"].note
    assert project.unit == "items"
    assert [p.state for p in project.packages] == ["late", "done", "done"]


def test_project_without_packages_is_measured_over_its_own_dates(world):
    world.setup |= {"currency": "", "start": START, "finish": FINISH}
    for number in range(4):
        item(world, number, WorkStatus.DONE if number == 0 else WorkStatus.TODO, "")
    project = world.project()
    assert (project.figures["pv"].value, project.figures["ev"].value) == (2, 1)
    assert project.curve[-1].pv == 4
    assert project.rating.colour == "red"


def test_recorded_baseline_judges_dates_budget_and_items(world, eur):
    kept = item(world, 1, WorkStatus.DONE)
    item(world, 2)  # added after the baseline
    package(world, budget=eur(9999), planned_finish=date(2026, 12, 31), method=Method.ITEMS)
    package(world, "NEW", budget=eur(500))
    frozen = BaselinePackage(
        code="WP1",
        name="WP1",
        planned_start=START,
        planned_finish=FINISH,
        budget=eur(2000),
        method="items",
    )
    items = tuple(
        BaselineItem(identity=i, key=i, title=i, work_package="WP1", points=None, estimate_s=None)
        for i in (kept.id, "src:work_item:lost")
    )
    common = {"project": "NET", "author": "Ann", "approval": "Board", "change_request": ""}
    world.options["baselines"] = (
        RecordedBaseline(version=1, on=START, packages=(frozen,), items=items, **common),
        RecordedBaseline(
            version=2, on=date(2026, 3, 20), packages=(), items=(), **common
        ),  # later than the data date: not in force
    )
    project = world.project()
    found = {name: f.value for name, f in project.figures.items()}
    assert (found["bac"], found["pv"]) == (2000, 1000)
    assert (found["baseline_items"], found["added"], found["removed"]) == (2, 1, 1)
    new = next(p for p in project.packages if p.code == "NEW")
    assert new.figures["bac"].reason == "work package NEW is not in the baseline"
    assert project.figures["bac"].note == (
        "by baseline 1 of 2 Mar 2026; by the plan it would be EUR 10,499.00; "
        "not in the baseline, so not counted: NEW"
    )


def test_cost_on_a_package_that_has_not_started_is_found_and_in_the_totals(world, eur):
    package(
        world, "A", budget=eur(100), planned_start=date(2026, 4, 1), planned_finish=date(2026, 4, 2)
    )
    world.add(
        InvoiceLine,
        "r",
        invoice="R",
        amount=eur(40),
        invoiced_on=START,
        order="P",
        work_package="A",
    )
    project = world.project()
    assert (project.figures["ev"].value, project.figures["ac"].value) == (0, 40)
    assert project.figures["cpi"].value == 0
    assert "cost-before-start" in {f.code for f in project.findings}


def test_cost_where_progress_is_not_known_is_not_told_as_cost_before_the_start(world, eur):
    package(
        world, "A", budget=eur(100), planned_start=START, planned_finish=date(2026, 4, 2),
        method=Method.PERCENT, percent_complete=None,
    )  # fmt: skip
    world.add(InvoiceLine, "r", invoice="R", amount=eur(40), invoiced_on=START, work_package="A")
    project = world.project()
    assert project.figures["ev"].value is None
    assert "cost-before-start" not in {f.code for f in project.findings}


def test_unknown_is_grey_and_never_green(world, eur):
    package(world, budget=eur(1000), method=Method.LEVEL_OF_EFFORT)
    project = world.project()
    colours = {r.dimension: str(r.colour) for r in project.ratings}
    assert colours == {
        "time": "green",
        "cost": "grey",
        "scope": "grey",
        "quality": "grey",
        "risk": "grey",
    }
    assert project.rating.colour == "grey"


def test_empty_project_says_so(world):
    world.add(Project, "p", code="NET", name="Network")
    [found] = world.findings("project-empty")
    assert found.severity == "high"
    assert all(f.value is None or f.value == 0 for f in world.project().figures.values())


def test_an_index_on_hardly_any_cost_is_doubted_and_so_is_its_forecast(world, eur):
    plan = {"planned_start": date(2026, 1, 5), "planned_finish": date(2026, 12, 18)}
    for code, cost in (("A", 100), ("B", 250)):
        fields = {"code": code, "name": code, "budget": eur(1000), **plan}
        world.add(WorkPackage, code, percent_complete=Decimal(50), method=Method.PERCENT, **fields)
        line = {"invoiced_on": date(2026, 3, 2), "work_package": code, "order": "P"}
        world.add(InvoiceLine, f"r{code}", invoice=f"R-{code}", amount=eur(cost), **line)
    a, b = (p.figures for p in world.project().packages)
    assert (a["cpi"].value, b["cpi"].value) == (5, 2)
    assert {n for n, f in a.items() if f.note.startswith(IMPLAUSIBLE)} == {
        "cpi", "eac", "etc", "vac", "tcpi_eac"
    }  # fmt: skip
    assert a["eac"].note.endswith("; AC + (BAC − EV) / CPI")
    assert not any(f.note.startswith(IMPLAUSIBLE) for f in b.values())
