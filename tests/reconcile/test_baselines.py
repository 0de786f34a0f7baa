"""History is judged by the baseline in force then; the original stands beside the current."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from itpm_sync.model import ChangeRequest, FxRate, InvoiceLine, Method, Money, WorkPackage
from itpm_sync.reconcile import freeze, reconcile
from itpm_sync.reconcile.inputs import BaselinePackage, Element, RecordedBaseline

MONDAY = date(2026, 3, 2)


def eur_of(amount):
    return Money(Decimal(amount), "EUR")


def line(code, budget, finish=date(2026, 3, 27), start=MONDAY, **fields):
    return BaselinePackage(
        **{
            "code": code, "name": f"Package {code}", "planned_start": start,
            "planned_finish": finish, "budget": eur_of(budget), "method": Method.PERCENT.value,
            **fields,
        }
    )  # fmt: skip


def version(number, on, *packages, **fields):
    return RecordedBaseline(
        project="NET", version=number, on=on, author="Ann", approval=f"Board {number}",
        change_request="", packages=packages, items=(), **fields,
    )  # fmt: skip


@pytest.fixture
def replanned(world, eur):
    """Half done on 13 March: 1,000 planned until 27 March; since 9 March 1,600 until 10 April."""
    world.add(
        WorkPackage, "w", code="A", name="A", budget=eur(1600), planned_start=MONDAY,
        planned_finish=date(2026, 4, 10), method=Method.PERCENT, percent_complete=Decimal(50),
    )  # fmt: skip
    world.add(InvoiceLine, "i", invoice="R", amount=eur(700), invoiced_on=MONDAY, work_package="A")
    world.options["baselines"] = (
        version(1, MONDAY, line("A", 1000)),
        version(2, date(2026, 3, 9), line("A", 1600, date(2026, 4, 10))),
    )
    return world


def test_variance_against_the_original_stands_beside_the_current(replanned):
    found = replanned.figures()
    # current: 10 of 30 working days of 1,600; original: 10 of 20 of 1,000
    assert abs(found["pv"] - Decimal("533.333333333333")) < Decimal("1e-9")
    assert (found["bac"], found["ev"], found["ac"], found["eac"]) == (1600, 800, 700, 1400)
    assert (found["bac_original"], found["pv_original"], found["ev_original"]) == (1000, 500, 500)
    assert (found["cv_original"], found["sv_original"]) == (-200, 0)
    assert found["vac_original"] == -400  # 1,000 − 1,400, where the current baseline says +200
    assert (found["bac_growth"], found["bac_growth_percent"]) == (600, 60)
    assert found["finish_growth_days"] == 14


def test_weeks_before_a_new_baseline_keep_the_pv_of_the_old_one(replanned):
    curve = {p.on: p for p in replanned.project().curve}
    assert curve[date(2026, 3, 8)].pv == 250  # 5 of 20 days of 1,000, not 5 of 30 of 1,600
    assert abs(curve[date(2026, 3, 13)].pv - Decimal("533.333333333333")) < Decimal("1e-9")
    assert max(curve) == date(2026, 4, 12)


def test_the_baseline_of_a_day_is_in_force_on_that_day(replanned):
    replanned.options["data_date"] = date(2026, 3, 8)
    assert replanned.figures()["bac"] == 1000
    replanned.options["data_date"] = date(2026, 3, 9)
    assert replanned.figures()["bac"] == 1600


def test_without_a_recorded_baseline_nothing_is_compared(world, eur):
    world.add(WorkPackage, "w", code="A", name="A", budget=eur(10), planned_finish=MONDAY)
    assert "bac_original" not in world.figures()


def test_an_original_in_items_is_not_compared_with_money(replanned):
    first = version(1, MONDAY, replace(line("A", 1), budget=None))
    replanned.options["baselines"] = (first, replanned.options["baselines"][1])
    figure = replanned.project().figures["bac_original"]
    assert figure.value is None
    assert figure.reason == ("the original baseline is measured in items, the current one in money")


@pytest.fixture
def fresh(world):
    """Makes an empty portfolio for each example."""
    return type(world)


lines = st.lists(
    st.tuples(st.integers(1, 10**6), st.integers(0, 60), st.integers(0, 90)), min_size=1, max_size=4
)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(lines, min_size=2, max_size=3), st.integers(0, 40))
def test_a_new_baseline_never_changes_the_past(fresh, plans, gap):
    recorded = [
        version(
            n, MONDAY + timedelta(days=gap * (n - 1) + n),
            *(
                line(
                    f"A{i}", cents * Decimal("0.01"),
                    start=MONDAY + timedelta(days=begin),
                    finish=MONDAY + timedelta(days=begin + length),
                )
                for i, (cents, begin, length) in enumerate(found)
            ),
        )
        for n, found in enumerate(plans, 1)
    ]  # fmt: skip
    world = fresh()
    for i in range(4):
        world.add(
            WorkPackage, f"w{i}", code=f"A{i}", name="A", planned_start=MONDAY,
            method=Method.PERCENT, percent_complete=Decimal(25 * i),
        )  # fmt: skip
    newest = recorded[-1]
    world.options["data_date"] = newest.on - timedelta(days=1)
    world.options["baselines"] = tuple(recorded[:-1])
    then = reconcile(world.inputs())
    world.options["baselines"] = tuple(reversed(recorded))
    assert reconcile(world.inputs()) == then

    world.options["data_date"] = newest.on + timedelta(days=30)
    before = {p.on: p.pv for p in then.projects[0].curve if p.on < newest.on}
    now = {p.on: p.pv for p in reconcile(world.inputs()).projects[0].curve}
    shared = before.keys() & now.keys()
    assert all(before[day] == now[day] for day in shared)


# ---- the layers of the budget -------------------------------------------------------------------


@pytest.fixture
def layered(world):
    """700 in a work package, 200 in a planning package, 100 undistributed, 50 in reserve."""
    world.options["baselines"] = (
        version(
            1, MONDAY, line("A", 700), line("P", 200, element=Element.PLANNING),
            line("UB", 100, None, None, element=Element.UNDISTRIBUTED),
            line("MR", 50, None, None, element=Element.RESERVE),
        ),
    )  # fmt: skip
    world.add(
        WorkPackage, "w", code="A", name="A", method=Method.PERCENT, percent_complete=Decimal(40)
    )
    return world


def test_bac_holds_all_but_the_management_reserve(layered):
    found = layered.figures()
    assert (found["bac"], found["budget_base"]) == (1000, 1050)
    assert (found["undistributed"], found["planning"], found["management_reserve"]) == (
        100,
        200,
        50,
    )


def test_undistributed_budget_is_not_planned_in_time_and_planning_packages_earn_nothing(layered):
    found = layered.figures()
    assert found["pv"] == 450  # half of 700 and of 200
    assert found["ev"] == 280  # 40 % of 700
    layered.options["data_date"] = date(2026, 12, 31)
    assert layered.figures()["pv"] == 900
    assert layered.figures()["pd"] == 4  # weeks: PD does not wait for what is not planned in time


def test_reserve_and_undistributed_budget_of_the_configuration_are_frozen(world, eur):
    world.setup["management_reserve"], world.setup["undistributed_budget"] = eur(50), eur(100)
    world.add(
        WorkPackage, "w", code="A", name="A", budget=eur(700), planned_finish=MONDAY,
        planned_start=MONDAY,
    )  # fmt: skip
    live = world.figures()
    assert (live["bac"], live["budget_base"], live["management_reserve"]) == (800, 850, 50)
    frozen = freeze(world.inputs(), "NET")
    assert [(p.element, p.budget) for p in frozen.packages] == [
        (Element.WORK, eur(700)),
        (Element.UNDISTRIBUTED, eur(100)),
        (Element.RESERVE, eur(50)),
    ]
    world.options["baselines"] = (version(1, MONDAY, *frozen.packages),)
    world.setup["management_reserve"] = eur(9999)  # what was agreed stays
    assert world.figures()["budget_base"] == 850


def test_the_plan_says_by_an_attribute_what_a_line_is(world, eur):
    for code, word in (("A", ""), ("B", "Planning package"), ("C", "management_reserve")):
        world.add(
            WorkPackage, code, code=code, name=code, budget=eur(100), planned_start=MONDAY,
            planned_finish=date(2026, 3, 27), attributes={"budget_element": word},
        )  # fmt: skip
    found = world.figures()
    assert (found["bac"], found["planning"], found["management_reserve"]) == (200, 100, 100)
    assert [p.element for p in freeze(world.inputs(), "NET").packages] == [
        Element.WORK, Element.PLANNING, Element.RESERVE,
    ]  # fmt: skip


# ---- what is wrong with a baseline --------------------------------------------------------------


def test_a_baseline_above_what_was_authorised_is_over_target(replanned, eur):
    [found] = replanned.findings("over-target-baseline")
    assert found.amount == eur(600)
    assert "EUR 1,600.00" in found.message
    assert "EUR 1,000.00" in found.message
    replanned.add(
        ChangeRequest, "c", number="CR-1", title="More", amount=eur(600),
        approved_on=date(2026, 3, 9), approved_by="Board",
    )  # fmt: skip
    assert replanned.findings("over-target-baseline") == []


def test_a_configured_budget_base_is_what_was_authorised(replanned, eur):
    replanned.setup["budget_base"] = eur(1500)
    [found] = replanned.findings("over-target-baseline")
    assert found.amount == eur(100)
    replanned.setup["budget_base"] = eur(1600)
    assert replanned.findings("over-target-baseline") == []


def test_growth_over_the_original_is_found_however_often_it_was_replanned(replanned, eur):
    [found] = replanned.findings("original-baseline-exceeded")
    assert found.severity == "high"  # 60 %
    assert found.amount == eur(600)
    assert "60.0 %" in found.message
    replanned.options["baselines"] = (
        version(1, MONDAY, line("A", 1500)),
        version(2, date(2026, 3, 9), line("A", 1600, date(2026, 4, 10))),
    )
    assert replanned.findings("original-baseline-exceeded") == []  # 6.7 % and 14 days


def test_a_late_finish_alone_exceeds_the_original(replanned):
    replanned.options["baselines"] = (
        version(1, MONDAY, line("A", 1600)),
        version(2, date(2026, 3, 9), line("A", 1600, date(2026, 10, 30))),
    )
    [found] = replanned.findings("original-baseline-exceeded")
    assert found.severity == "medium"
    assert "217 days" in found.message


def test_a_planning_package_that_has_begun_must_be_broken_down(layered):
    [found] = layered.findings("planning-package-due")
    assert found.subject == "P"
    layered.options["data_date"] = date(2026, 3, 1)
    assert layered.findings("planning-package-due") == []


def test_amounts_of_change_requests_are_converted_at_their_rate(replanned, eur):
    replanned.add(FxRate, "x", currency="USD", base="EUR", on=MONDAY, rate=Decimal("0.5"))
    replanned.add(
        ChangeRequest, "c", number="CR-1", title="More", amount=Money(Decimal(600), "USD"),
        approved_on=date(2026, 3, 9),
    )  # fmt: skip
    [found] = replanned.findings("over-target-baseline")
    assert found.amount == eur(300)


def test_bac_is_the_sum_of_its_layers_to_the_cent(layered):
    found = {n: Fraction(f.value) for n, f in layered.project().figures.items() if f.value}
    work = sum(
        Fraction(p.figures["bac"].value) for p in layered.project().packages if p.code == "A"
    )
    assert found["bac"] == work + found["planning"] + found["undistributed"]
    assert found["budget_base"] == found["bac"] + found["management_reserve"]


def test_what_a_package_above_others_has_of_its_own_is_counted(world):
    world.add(WorkPackage, "1", code="1", name="Phase")
    world.add(WorkPackage, "2", code="1.1", name="Part", parent="1")
    above, below = line("1", 100), line("1.1", 1000)
    world.options["baselines"] = (version(1, MONDAY, above, below),)
    assert world.figures()["bac"] == 1000
    world.options["baselines"] = (version(1, MONDAY, replace(above, own_budget=True), below),)
    assert world.figures()["bac"] == 1100
