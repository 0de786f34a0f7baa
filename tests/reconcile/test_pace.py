"""Earned schedule, level of effort apart, the range of estimates and the last weeks, by hand."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from itpm_sync.model import InvoiceLine, Method, Milestone, WorkItem, WorkPackage, WorkStatus
from itpm_sync.reconcile.inputs import Policy
from itpm_sync.reconcile.workdays import nth_working_day, working_days

START, FINISH = date(2026, 3, 2), date(2026, 3, 27)  # Monday to Friday: 4 weeks of 5 days
TODAY = date(2026, 3, 13)  # the end of the second week


def package(world, eur, code="WP1", budget=2000, **fields):
    fields = {"planned_start": START, "planned_finish": FINISH, "method": Method.PERCENT} | fields
    return world.add(WorkPackage, code, code=code, name=code, budget=eur(budget), **fields)


def bill(world, eur, name, amount, on=START, **fields):
    world.add(InvoiceLine, name, invoice=name, amount=eur(amount), invoiced_on=on, **fields)


@given(st.dates(date(2020, 1, 1), date(2030, 1, 1)), st.integers(1, 2000))
def test_nth_working_day_ends_as_many_working_days(start, number):
    end = nth_working_day(start, number)
    assert end.weekday() < 5
    assert working_days(start, end) == number


def test_linear_project_by_hand(world, eur):
    package(world, eur, percent_complete=Decimal(40))
    project = world.project()
    assert {n: project.figures[n].value for n in (
        "pd", "at", "es", "sv_t", "spi_t", "ieac_t", "tspi", "p_factor"
    )} == {
        "pd": 4,
        "at": 2,
        "es": Decimal("1.6"),  # 40 % of 20 days = 8 days
        "sv_t": Decimal("-0.4"),
        "spi_t": Decimal("0.8"),
        "ieac_t": 5,  # 4 / 0.8
        "tspi": Decimal("1.2"),  # (4 - 1.6) / (4 - 2)
        "p_factor": 1,
    }  # fmt: skip
    assert project.figures["ieac_t"].note == "finish on 3 Apr 2026"
    assert project.figures["sv_t"].unit == "weeks"


def to_complete(world):
    found = world.findings("to-complete-index-high")
    return {f.subject: f.message for f in found}


def test_targets_that_need_more_than_was_ever_reached_are_told(world, eur):
    package(world, eur, percent_complete=Decimal(40))
    bill(world, eur, "I", 1000)
    # TCPI (2000 − 800) / (2000 − 1000) = 1.2; TSPI (4 − 1.6) / (4 − 2) = 1.2; CPI = SPI(t) = 0.8
    assert to_complete(world) == {
        "budget": "The budget can be met with a TCPI of 1.20 from now on; so far CPI 0.80: above "
        "1.10 is seldom reached",
        "finish": "The finish can be met with a TSPI of 1.20 from now on; so far SPI(t) 0.80: "
        "above 1.10 is seldom reached",
    }
    world.options["policy"] = Policy(tcpi_high=Decimal("1.2"), tspi_high=Decimal("1.2"))
    assert to_complete(world) == {}  # at the limit, not above it


def test_an_estimate_at_budgeted_rates_is_told_where_the_cost_says_otherwise(world, eur):
    package(world, eur, percent_complete=Decimal(50))
    bill(world, eur, "I", 1100)
    # EAC = 1100 + 1000, TCPI(EAC) = 1000 / 1000 = 1; CPI = 1000 / 1100 = 0.9090…: 0.0909… below
    world.options["policy"] = Policy(eac_method="budget", tcpi_gap=Decimal("0.09"))
    assert to_complete(world) == {
        "budget": "The budget can be met with a TCPI of 1.11 from now on; so far CPI 0.91: above "
        "1.10 is seldom reached",  # 1000 / 900
        "estimate": "The estimate at completion needs a TCPI of 1.00, 0.091 above the CPI of 0.91: "
        "more than 0.09 is seldom reached",
    }
    world.options["policy"] = Policy(eac_method="budget")
    assert set(to_complete(world)) == {"budget"}


def test_a_budget_that_is_spent_and_a_duration_that_is_over_are_told_by_others(world, eur):
    package(world, eur, percent_complete=Decimal(90))
    bill(world, eur, "I", 2000)
    world.options["data_date"] = date(2026, 4, 30)
    assert to_complete(world) == {}
    assert world.findings("cost-overrun-forecast")


def test_published_schedule_adherence_from_a_plan(world, eur, vector):
    """Vector 17: periods of two days, so that its 6 periods are 12 working days."""
    case = vector("17")
    first = date(2026, 3, 2)
    for task in case["inputs"]["tasks"]:
        world.add(
            WorkPackage, task["id"], code=task["id"], name=task["id"], budget=eur(task["bac"]),
            planned_start=nth_working_day(first, 2 * task["start"] + 1),
            planned_finish=nth_working_day(first, 2 * task["finish"]),
            method=Method.PERCENT, percent_complete=100 * Decimal(task["ev"]) / task["bac"],
        )  # fmt: skip
    found = world.figures()
    assert found["es"] * 5 / 2 == Decimal(case["expected"]["es"])
    assert round(found["p_factor"], 6) == Decimal(case["expected"]["p"])


def test_published_late_project_from_a_plan(world, eur, vector):
    """Vector 01 as packages of one week each: the snapshot agrees with every published week.

    The source's PV and EV are cumulative by week; ours are in working days, and agree because
    each package spreads its week's PV evenly, as the interpolation of the source does.
    """
    case = vector("01")
    rows = {r["t"]: r for r in case["recompute"]["rows"]}
    pv, before = case["inputs"]["pv"][:9], 0
    first = date(2026, 3, 2)
    for n, value in enumerate(pv):
        start = first + timedelta(weeks=n)
        world.add(
            WorkPackage, f"W{n}", code=f"W{n}", name="w", budget=eur(value - before),
            planned_start=start, planned_finish=start + timedelta(days=4),
            method=Method.MILESTONES,
        )  # fmt: skip
        before = value
    # What was earned by a week's end, as dated milestones that take the packages in their order.
    earned = Fraction(0)
    for t, text in enumerate(case["inputs"]["ev"], 1):
        # 3.33 and 6.67 are printed roundings of 10/3 and 20/3
        now = {"3.33": Fraction(10, 3), "6.67": Fraction(20, 3)}.get(text) or Fraction(text)
        low = Fraction(0)
        for n, value in enumerate(pv):
            part = max(Fraction(0), min(now, value) - max(earned, low))
            if part:
                world.add(
                    Milestone, f"m{t}-{n}", code=f"m{t}-{n}", name="m", work_package=f"W{n}",
                    weight=(part * 12).limit_denominator(1).numerator * Decimal(1),
                    actual=first + timedelta(days=7 * t - 3),
                )  # fmt: skip
            low = Fraction(value)
        earned = now
    for t, row in rows.items():
        world.options["data_date"] = first + timedelta(days=7 * t - 3)
        found = world.figures()
        for ours, theirs in (("es", "es"), ("spi_t", "spi_t"), ("spi", "spi"), ("tspi", "tspi"),
                             ("ieac_t", "ieac_t")):  # fmt: skip
            if row[theirs] is None:
                assert found[ours] is None
            else:
                assert float(found[ours]) == pytest.approx(row[theirs], abs=6e-5), (t, ours)


def test_level_of_effort_is_left_out_of_the_schedule_and_shown_apart(world, eur):
    package(world, eur, percent_complete=Decimal(40))
    package(world, eur, "PM", 500, method=Method.LEVEL_OF_EFFORT)
    bill(world, eur, "R1", 1000, order="P", work_package="WP1")
    bill(world, eur, "R2", 300, order="P", work_package="PM")
    found = world.figures()
    assert found["spi"] == Decimal("0.84")  # (800 + 250) / (1000 + 250)
    assert found["spi_discrete"] == Decimal("0.8")
    assert found["spi_t"] == Decimal("0.8")
    assert round(found["cpi"], 6) == Decimal("0.807692")  # 1050 / 1300
    assert found["cpi_discrete"] == Decimal("0.8")
    assert found["effort_share"] == 20


def test_range_of_estimates_names_the_forms(world, eur):
    package(world, eur, percent_complete=Decimal(40))
    bill(world, eur, "R1", 1000, order="P", work_package="WP1")
    figures = world.project().figures
    low, high = figures["eac_low"], figures["eac_high"]
    assert (low.value, low.note) == (2200, "AC + BAC − EV")
    assert high.value == 2875  # 1000 + 1200 / (0.8 × 0.8)
    assert high.note == "AC + (BAC − EV) / (CPI·SPI) or AC + (BAC − EV) / (CPI·SPI(t))"


def test_last_weeks_are_told_apart_from_the_past(world, eur, at):
    package(world, eur, method=Method.MILESTONES, planned_start=date(2026, 1, 5),
            planned_finish=date(2026, 4, 10))  # fmt: skip
    for n, on in enumerate((date(2026, 1, 9), date(2026, 2, 12), date(2026, 3, 6), None, None)):
        world.add(Milestone, f"m{n}", code=f"m{n}", name="m", work_package="WP1", actual=on)
    bill(world, eur, "R1", 500, date(2026, 2, 13), order="P", work_package="WP1")
    bill(world, eur, "R2", 800, date(2026, 2, 14), order="P", work_package="WP1")
    project = world.project()
    recent = project.figures["cpi_recent"]
    # 28 days before 13 March ends 13 February: 800 earned for 500; since then 400 for 800.
    assert (recent.value, recent.note) == (Decimal("0.5"), "since 13 Feb 2026")
    # 20 of 70 working days × 2000 were planned since.
    assert project.figures["spi_recent"].value == Decimal("0.7")


def test_declared_progress_is_compared_with_the_report_of_four_weeks_ago(world, eur):
    record = {"planned_start": date(2026, 1, 5), "planned_finish": date(2026, 4, 10)}
    package(world, eur, percent_complete=Decimal(30), **record)
    bill(world, eur, "R1", 500, date(2026, 2, 9), order="P", work_package="WP1")
    world.options["data_date"] = date(2026, 2, 11)  # a Wednesday
    then = world.snapshot()
    world.records[WorkPackage.kind].clear()
    package(world, eur, percent_complete=Decimal(50), **record)
    bill(world, eur, "R2", 500, date(2026, 3, 9), order="P", work_package="WP1")
    world.options["data_date"] = TODAY
    assert world.project().figures["cpi_recent"].value is None
    [project] = world.snapshot(then).projects
    recent = project.figures["cpi_recent"]
    assert (recent.value, recent.note) == (Decimal("0.8"), "since 11 Feb 2026")
    # A report in between keeps the point, though the day is no week's end.
    world.options["data_date"] = date(2026, 3, 4)
    between = world.snapshot(then)
    world.options["data_date"] = TODAY
    [project] = world.snapshot(between).projects
    assert project.figures["cpi_recent"].value == Decimal("0.8")


def test_actual_time_stops_when_the_work_is_done(world, eur):
    package(world, eur, percent_complete=Decimal(100), planned_finish=date(2026, 3, 6),
            actual_finish=date(2026, 3, 11))  # fmt: skip
    project = world.project()
    assert project.figures["spi"].value == 1
    assert project.figures["at"].value == Decimal("1.6")  # 8 working days
    assert project.figures["at"].note == "finished on 11 Mar 2026"
    assert project.figures["spi_t"].value == Decimal("0.625")
    assert project.figures["tspi"].reason == "complete"


def test_items_tell_when_the_work_was_done(world, at):
    world.setup["currency"] = ""
    world.add(WorkPackage, "WP1", code="WP1", name="w", planned_start=START, planned_finish=FINISH)
    world.add(WorkItem, "i", key="NET-1", title="t", work_package="WP1", status=WorkStatus.DONE,
              resolved_at=at("2026-03-06T10:00"))  # fmt: skip
    figures = world.project().figures
    assert (figures["es"].value, figures["at"].value) == (4, 1)
    assert figures["ieac_t"].value == 1


@pytest.mark.parametrize(
    ("fields", "on", "told"),
    [
        ({}, date(2026, 2, 27), ("spi_t", "AT is 0: the project has not begun")),
        ({"percent_complete": Decimal(0)}, TODAY, ("ieac_t", "no schedule earned yet")),
        ({"percent_complete": Decimal(0)}, TODAY, ("p_factor", "nothing is earned yet")),
        ({}, TODAY, ("es", "no percentage is declared")),
        ({"method": Method.LEVEL_OF_EFFORT}, TODAY, ("es", "no work package but level of effort")),
        ({"planned_finish": None}, TODAY, ("es", "no planned finish")),
        (
            {"percent_complete": Decimal(50)},
            date(2026, 3, 30),
            ("tspi", "planned duration is over"),
        ),
        ({"percent_complete": Decimal(50)}, TODAY, ("cpi_recent", "no source of time entries")),
    ],
)
def test_undefined_pace_is_not_a_number_and_says_why(world, eur, fields, on, told):
    name, reason = told
    package(world, eur, **fields)
    world.options["data_date"] = on
    figure = world.project().figures[name]
    assert figure.value is None
    assert reason in figure.reason
