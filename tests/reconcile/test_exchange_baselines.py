"""What exchange rates alone make of a baseline is told apart from what was planned."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from itpm_sync.model import (
    ChangeRequest,
    Method,
    WorkPackage,
)
from itpm_sync.reconcile.explain import explain
from itpm_sync.reconcile.inputs import BaselinePackage, Element
from tests.reconcile.foreign import MONDAY, USD_09, money, planned, rate


def test_a_configured_budget_base_is_converted_as_the_plan_is(abroad):
    abroad.setup["budget_base"] = money(1900)  # EUR 1,710 at 0.90; EUR 1,520 at today's rate
    [found] = abroad.findings("over-target-baseline")
    assert found.amount == money(90, "EUR")


@pytest.fixture
def rebaselined(abroad):
    """USD 2,000 planned at EUR 0.90, recorded anew on 9 March at EUR 0.72."""
    usd_072 = replace(USD_09, on=date(2026, 3, 9), rate=Decimal("0.72"))
    later = planned(money(2000), usd_072, number=2, on=date(2026, 3, 9))
    abroad.options["baselines"] = (planned(money(2000), USD_09), later)
    return abroad


def test_a_new_baseline_at_other_rates_says_what_is_from_them(rebaselined):
    found = rebaselined.figures()
    # 2,000 × 0.72 − 2,000 × 0.90
    assert (found["bac"], found["bac_original"], found["bac_growth"]) == (1440, 1800, -360)
    assert found["bac_growth_fx"] == -360
    (part,) = explain(rebaselined.inputs(), "NET", "bac_growth_fx").parts
    assert (part.value, part.source) == (-360, "USD 2,000.00")
    assert part.note == (
        "1 USD = 0.9 EUR by the original baseline, 0.72 EUR by baseline 2 of 9 Mar 2026; "
        "difference −0.18"
    )


def test_where_rates_have_done_nothing_to_bac_it_is_explained_why(world):
    def why():
        found = explain(world.inputs(), "NET", "bac_growth_fx")
        assert (found.figure.value, found.parts) == (None, ())
        return found.figure.reason

    assert why() == "no baseline is recorded"
    replanned(world, money(1000, "EUR"), "", money(1250), "0.8")
    assert why() == "the original baseline has no budget in another currency"
    world.options["baselines"] = world.options["baselines"][:1]
    assert why() == "the original baseline is in force"


def test_growth_by_exchange_rates_alone_is_no_finding(rebaselined):
    first, second = rebaselined.options["baselines"]
    rebaselined.options["baselines"] = (
        replace(first, rates=second.rates),
        replace(second, rates=first.rates),
    )
    # 1,440 → 1,800: 25 % by rates
    found = rebaselined.project()
    assert found.figures["bac_growth"].value == found.figures["bac_growth_fx"].value == 360
    codes = {f.code for f in found.findings}
    assert not codes & {"original-baseline-exceeded", "over-target-baseline"}


def test_growth_is_judged_without_what_rates_made_of_the_original(rebaselined):
    first, second = rebaselined.options["baselines"]
    more = replace(second.packages[0], budget=money(3000))
    rebaselined.options["baselines"] = (first, replace(second, packages=(more,)))
    # 3,000 × 0.72 = 2,160 of 1,800: 360 more, with −360 by rates on the original's 2,000:
    # USD 1,000 more, planned at 0.72
    (exceeded,) = rebaselined.findings("original-baseline-exceeded")
    assert exceeded.amount == money(720, "EUR")
    assert "BAC grew by EUR 720.00, 40.0 % of EUR 1,800.00" in exceeded.message
    (over,) = rebaselined.findings("over-target-baseline")
    assert over.amount == money(720, "EUR")
    assert (
        "BAC EUR 2,160.00 + EUR 360.00 by exchange rates − EUR 1,800.00 authorised" in over.message
    )


GROWTH = ("over-target-baseline", "original-baseline-exceeded")


def replanned(world, before, then, after, now):
    """A baseline of 2 March and one of 9 March, each with its budget and its rates of the dollar;
    without a rate it froze none.
    """

    def usd(on, value):
        return (replace(USD_09, on=on, rate=Decimal(value)),) if value else ()

    later = date(2026, 3, 9)
    world.options["baselines"] = (
        planned(before, *usd(MONDAY, then)),
        planned(after, *usd(later, now), number=2, on=later),
    )
    return world


def approved(world, amount, on, value):
    """A change request, approved on a day on which the dollar is worth so much."""
    rate(world, on, value)
    world.add(ChangeRequest, "c", number="CR-1", title="More", amount=amount, approved_on=on)


def amounts(world):
    return [[f.amount and f.amount.amount for f in world.findings(code)] for code in GROWTH]


def test_a_plan_for_just_what_was_authorised_is_not_over_target_after_the_rates_moved(world):
    replanned(world, money(1000), "1.0", money(1500), "0.8")
    approved(world, money(500), date(2026, 3, 5), "0.8")
    # 1,500 × 0.8 = 1,200; 1,000 × (0.8 − 1.0) = −200 by rates; 1,200 + 200 = 1,000 + 500 × 0.8
    assert world.findings("over-target-baseline") == []
    assert world.figures()["bac_growth_fx"] == -200


def test_a_plan_above_what_was_authorised_is_over_target_though_rates_rose(world):
    replanned(world, money(1000), "1.0", money(1580), "1.2")
    approved(world, money(500), date(2026, 3, 5), "1.2")
    # 1,580 × 1.2 = 1,896, of which 1,000 × 0.2 by rates: 1,696 − (1,000 + 600), USD 80 at 1.2
    (over,) = world.findings("over-target-baseline")
    assert over.amount == money(96, "EUR")


def test_what_rates_made_of_an_approved_change_request_is_not_over_target(world):
    replanned(world, money(1000), "1.0", money(1500), "1.2")
    approved(world, money(500), date(2026, 3, 5), "0.8")
    # 1,800 − 1,000 × 0.2 − 500 × (1.2 − 0.8) = 1,400 = 1,000 + 500 × 0.8
    assert world.findings("over-target-baseline") == []


def test_a_budget_base_abroad_is_worth_what_it_is_at_the_rates_in_force(world):
    replanned(world, money(1000), "1.0", money(2000), "1.2")
    world.setup["budget_base"] = money(2000)  # 2,000 × 1.2 − 2,000 × 0.2 by rates = 2,000
    assert world.findings("over-target-baseline") == []
    world.setup["budget_base"] = money(1900)  # 2,400 − 1,900 × 0.2 − 1,900: USD 100 at 1.2
    (over,) = world.findings("over-target-baseline")
    assert over.amount == money(120, "EUR")


def test_a_plan_moved_to_another_currency_at_the_same_bac_has_not_grown(world):
    replanned(world, money(1000, "EUR"), "", money(1250), "0.8")
    found = world.figures()  # 1,250 × 0.8; nothing of the original was in dollars
    assert (found["bac"], found["bac_growth"]) == (1000, 0)
    assert "bac_growth_fx" not in found
    assert amounts(world) == [[], []]


def test_a_plan_moved_to_the_projects_currency_at_the_rate_of_the_day_has_not_grown(world):
    replanned(world, money(1000), "1.0", money(1200, "EUR"), "1.2")
    found = world.figures()  # the original's 1,000 dollars are worth 1,200 now
    assert (found["bac_growth"], found["bac_growth_fx"]) == (200, 200)
    assert amounts(world) == [[], []]
    (part,) = explain(world.inputs(), "NET", "bac_growth_fx").parts
    assert (part.value, part.source) == (200, "USD 1,000.00")


def test_a_plan_in_the_projects_currency_beyond_its_rates_has_grown(world):
    replanned(world, money(1000), "1.0", money(1500, "EUR"), "1.2")
    # 500 more, of which 1,000 × 0.2 by rates
    assert amounts(world) == [[300], [300]]


def test_what_rates_made_of_the_original_is_n_a_where_none_is_known_now(world):
    replanned(world, money(1000), "1.0", money(1200, "EUR"), "")
    found = world.project().figures["bac_growth_fx"]
    assert (found.value, found.reason) == (None, "no exchange rate USD → EUR on 9 Mar 2026")
    (part,) = explain(world.inputs(), "NET", "bac_growth_fx").parts
    assert (part.value, part.reason) == (None, found.reason)


def test_an_amount_of_which_rates_may_have_made_a_part_is_told_as_such(world):
    replanned(world, money(1000), "1.0", money(1200, "EUR"), "")
    # 1,200 − 1,000; what the original's 1,000 dollars are worth now is not known, and not 1,000
    reason = "is from exchange rates is not known: no exchange rate USD → EUR on 9 Mar 2026)"
    for code in GROWTH:
        (found,) = world.findings(code)
        assert found.amount == money(200, "EUR")
        assert found.message.endswith(f" (what of it {reason}")


def test_an_unknown_worth_of_the_reserve_or_of_a_request_is_told_too(world):
    replanned(world, money(1000, "EUR"), "", money(1100, "EUR"), "")
    world.records["fx_rate"] = []
    later = date(2026, 3, 12)
    first, second = world.options["baselines"]
    kept = BaselinePackage(
        code="R", name="Reserve", planned_start=None, planned_finish=None, budget=money(100),
        method=Method.PERCENT.value, element=Element.RESERVE,
    )  # fmt: skip
    usd = replace(USD_09, on=MONDAY)
    world.options["baselines"] = (
        replace(first, packages=(*first.packages, kept), rates=(usd,)),
        replace(second, on=later),
    )
    # 1,100 − (1,000 + 100 × 0.9) = 10, of which the second baseline cannot tell what rates made
    (over,) = world.findings("over-target-baseline")
    assert over.amount == money(10, "EUR")
    assert "not known: no exchange rate USD → EUR on 12 Mar 2026" in over.message


def test_an_original_reserve_whose_worth_is_not_known_is_not_taken_for_none(world):
    replanned(world, money(1000, "EUR"), "", money(1100, "EUR"), "")
    world.setup["management_reserve"] = money(100)  # no rate: what was authorised is not known
    assert world.findings("over-target-baseline") == []


def test_a_reserve_abroad_is_authorised_at_the_rates_in_force_too(world):
    replanned(world, money(1000, "EUR"), "1.0", money(1000, "EUR"), "1.2")
    kept = BaselinePackage(
        code="R", name="Reserve", planned_start=None, planned_finish=None, budget=money(100),
        method=Method.PERCENT.value, element=Element.RESERVE,
    )  # fmt: skip
    first, second = world.options["baselines"]
    world.options["baselines"] = tuple(
        replace(b, packages=(*b.packages, kept)) for b in (first, second)
    )
    assert world.findings("over-target-baseline") == []  # 1,120 − 100 × 0.2 = 1,100
    doubled = replace(kept, budget=money(200))
    world.options["baselines"] = (
        world.options["baselines"][0],
        replace(second, packages=(*second.packages, doubled)),
    )
    (over,) = world.findings("over-target-baseline")  # 1,240 − 20 − 1,100: USD 100 at 1.2
    assert over.amount == money(120, "EUR")


def test_a_budget_base_in_the_projects_currency_is_exceeded_by_rates_too(rebaselined):
    first, second = rebaselined.options["baselines"]
    rebaselined.options["baselines"] = (
        replace(first, rates=second.rates),
        replace(second, rates=first.rates),
    )
    rebaselined.setup["budget_base"] = money(1700, "EUR")
    (over,) = rebaselined.findings("over-target-baseline")  # 2,000 × 0.90 − 1,700
    assert over.amount == money(100, "EUR")


def test_a_plan_that_only_exchange_rates_moved_has_not_changed(world):
    planned = {"code": "A", "name": "A", "planned_start": date(2026, 4, 1)}
    world.add(WorkPackage, "w", **planned, budget=money(2000), planned_finish=date(2026, 4, 30))
    rate(world, MONDAY, "0.9")
    before = world.snapshot()
    rate(world, date(2026, 3, 9), "0.8")
    now = world.snapshot(before).projects[0]
    # 2,000 at the latest rate before its start: 1,800, then 1,600
    assert (before.projects[0].figures["bac"].value, now.figures["bac"].value) == (1800, 1600)
    assert "plan-changed" not in {f.code for f in now.findings}
    world.records["work_package"] = []
    world.add(WorkPackage, "w", **planned, budget=money(1900), planned_finish=date(2026, 4, 30))
    now = world.snapshot(before).projects[0]
    assert "plan-changed" in {f.code for f in now.findings}
