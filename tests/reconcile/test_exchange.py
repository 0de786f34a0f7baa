"""A plan keeps the exchange rates of its baseline; what rates have moved since stands apart."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from itpm_sync.app.baseline_lines import lines, recorded
from itpm_sync.model import (
    ChangeRequest,
    Contract,
    FxRate,
    InvoiceLine,
    Method,
    Money,
    OrderLine,
    Rate,
    Receipt,
    TimeEntry,
    WorkPackage,
)
from itpm_sync.reconcile import freeze
from itpm_sync.reconcile.exchange import FxTable
from itpm_sync.reconcile.explain import Explainer, explain
from itpm_sync.reconcile.explanation import adding_up
from itpm_sync.reconcile.inputs import BaselinePackage, BaselineRate, Element, RecordedBaseline
from itpm_sync.report.sections import money_bars
from itpm_sync.store import StoredBaseline

MONDAY = date(2026, 3, 2)
USD_09 = BaselineRate(currency="USD", base="EUR", on=date(2026, 2, 27), rate=Decimal("0.9"))


def money(amount, currency="USD"):
    return Money(Decimal(amount), currency)


def planned(budget, *rates, number=1, on=MONDAY):
    return RecordedBaseline(
        project="NET", version=number, on=on, author="Ann", approval="Board", change_request="",
        items=(), rates=rates,
        packages=(
            BaselinePackage(
                code="A", name="A", planned_start=MONDAY, planned_finish=date(2026, 3, 13),
                budget=budget, method=Method.PERCENT.value,
            ),
        ),
    )  # fmt: skip


def rate(world, on, value, currency="USD", base="EUR"):
    world.add(FxRate, f"{currency}{on}", currency=currency, base=base, on=on, rate=Decimal(value))


def bill(world, number, amount, on, **fields):
    world.add(
        InvoiceLine, number, invoice=number, amount=amount, invoiced_on=on, work_package="A",
        **fields,
    )  # fmt: skip


@pytest.fixture
def abroad(world):
    """Half of USD 2,000 is earned; the dollar was EUR 0.90 at the baseline, 0.95, and is 0.80."""
    world.add(
        WorkPackage, "w", code="A", name="A", method=Method.PERCENT, percent_complete=Decimal(50)
    )
    rate(world, date(2026, 2, 27), "0.9")
    rate(world, date(2026, 3, 9), "0.95")
    rate(world, date(2026, 3, 10), "0.8")
    bill(world, "R1", money(1000), date(2026, 3, 9))
    bill(world, "R2", money(100, "EUR"), date(2026, 3, 9))
    world.add(Rate, "r", of="Ada", per_hour=money(100))
    world.add(TimeEntry, "t", person="Ada", on=date(2026, 3, 10), duration_s=7200, work_package="A")
    world.options["baselines"] = (planned(money(2000), USD_09),)
    return world


def test_the_plan_is_at_the_frozen_rate_and_cost_at_the_rate_of_its_day(abroad):
    found = abroad.figures()
    assert (found["bac"], found["pv"], found["ev"]) == (1800, 1800, 900)  # at 0.90
    assert found["ac"] == 950 + 100 + 160  # 1,000 at 0.95, 2 h of USD 100 at 0.80
    # 1,000 × (0.95 − 0.90) + 200 × (0.80 − 0.90)
    assert found["fx_variance"] == 50 - 20
    figure = abroad.project().figures["fx_variance"]
    assert figure.unit == "EUR"
    without = "EUR −280.00"  # 900 − 1,210 + 30
    assert figure.note == f"in AC, against baseline 1 of 2 Mar 2026; CV without it {without}"


def order(world, number, amount, on, **fields):
    world.add(
        OrderLine, number, order=number, amount=amount, ordered_on=on, work_package="A", **fields
    )


def test_orders_are_compared_with_their_budget_in_its_own_currency(abroad):
    order(abroad, "P1", money(2000), date(2026, 3, 9))  # EUR 1,900 at 0.95; the budget is 1,800
    package = abroad.project().packages[0]
    assert package.figures["ordered"].value - package.figures["budget"].value == 100
    own = {name: (f.value, f.unit) for name, f in package.abroad.items()}
    assert own == {
        "budget": (2000, "USD"),
        "ordered": (2000, "USD"),
        "committed": (2000, "USD"),
        # 1,000, and EUR 100 at 0.95
        "invoiced": (Decimal("1105.263157894737"), "USD"),
        "paid": (0, "USD"),
    }


def test_a_package_over_its_budget_says_what_exchange_rates_did(abroad):
    bill(abroad, "R3", money(900), date(2026, 3, 9))
    # 1,900 × 0.95 + 100 + 160 = 2,065 of a budget of 2,000 × 0.90; 1,900 × 0.05 − 200 × 0.10
    (found,) = [f for f in abroad.project().findings if f.code == "package-over-budget"]
    told = (
        "AC EUR 2,065.00 − BAC EUR 1,800.00 = EUR 265.00 too much (AC holds FX variance EUR 75.00)"
    )
    assert found.message.endswith(told)


def test_fx_variance_may_be_more_than_what_is_too_much(abroad):
    bill(abroad, "R3", money(600), date(2026, 3, 9))
    # 1,600 × 0.95 + 100 + 160 = 1,780, and 60 more; 1,600 × 0.05 − 200 × 0.10 of it by rates
    bill(abroad, "R4", money(60, "EUR"), date(2026, 3, 9))
    (found,) = [f for f in abroad.project().findings if f.code == "package-over-budget"]
    assert found.message.endswith("= EUR 40.00 too much (AC holds FX variance EUR 60.00)")


def test_what_no_rate_brings_into_the_budgets_currency_is_not_known_there(abroad):
    order(abroad, "P1", money(500, "JPY"), MONDAY)
    rate(abroad, MONDAY, "0.006", currency="JPY")
    own = abroad.project().packages[0].abroad
    # JPY → EUR is quoted, and EUR → USD on 27 Feb: 500 × 0.006 ÷ 0.9
    assert own["ordered"].value == Decimal("3.333333333333")
    order(abroad, "P2", money(500, "SEK"), MONDAY)
    own = abroad.project().packages[0].abroad
    assert own["ordered"].value is None
    assert own["ordered"].reason == "no exchange rate SEK → USD on 2 Mar 2026"


def test_what_is_in_the_budgets_currency_needs_no_rate_to_be_known_there(abroad):
    abroad.records["fx_rate"] = []
    order(abroad, "P1", money(500), MONDAY)
    package = abroad.project().packages[0]
    assert package.figures["ordered"].value is None  # no rate to EUR
    for name in ("ordered", "committed"):
        assert (package.abroad[name].value, package.abroad[name].unit) == (500, "USD")


def test_what_is_open_of_an_order_whose_bill_does_not_convert_is_known_in_no_currency(abroad):
    order(abroad, "P1", money(500), MONDAY)
    bill(abroad, "R3", money(100, "SEK"), MONDAY, order="P1")
    own = abroad.project().packages[0].abroad
    assert own["ordered"].value == 500
    assert (own["committed"].value, own["committed"].reason) == (
        None, "no exchange rate SEK → USD on 2 Mar 2026"
    )  # fmt: skip


def test_a_package_without_a_rate_for_its_document_is_drawn_in_the_projects_currency(abroad):
    abroad.records = {"work_package": abroad.records["work_package"]}
    rate(abroad, date(2026, 3, 9), "0.8")  # the first quote, after the order
    order(abroad, "P1", money(500, "EUR"), MONDAY)
    packages = abroad.project().packages
    assert packages[0].abroad["ordered"].value is None
    (bar,) = money_bars(packages)
    told = [f.text.replace("\u00a0", " ") for f in (bar.ordered, bar.budget)]
    assert told == ["EUR 500", "EUR 1,800"]  # 2,000 × 0.9, as the baseline froze it


def test_a_budget_in_the_projects_currency_needs_no_other(abroad):
    abroad.options["baselines"] = (planned(money(2000, "EUR")),)
    assert abroad.project().packages[0].abroad == {}


def test_a_contract_is_compared_with_its_orders_in_its_own_currency(abroad):
    abroad.add(
        Contract, "c", number="C-1", ceiling=money(2000), start=MONDAY, end=date(2026, 12, 31)
    )
    order(abroad, "P1", money(1200), MONDAY, contract="C-1", quantity=Decimal(12))  # at 0.90
    order(abroad, "P2", money(800), date(2026, 3, 9), contract="C-1")  # at 0.95
    bill(abroad, "R3", money(1200), date(2026, 3, 10), order="P1", quantity=Decimal(12))  # at 0.80
    (contract,) = abroad.project().contracts
    assert contract.invoiced == money(1200)
    assert contract.committed == money(800)
    codes = {f.code for f in abroad.project().findings}
    over = {"order-over-contract", "invoice-over-order", "invoice-price-above-order"}
    assert not codes & {*over, "invoice-over-receipt"}


def test_each_record_is_explained_with_its_two_rates_and_their_difference(abroad):
    found = explain(abroad.inputs(), "NET", "fx_variance")
    assert [(p.identity, p.value, p.source, p.fx, p.note) for p in found.parts] == [
        ("src:invoice_line:R1", 50, "USD 1,000.00", "1 USD = 0.95 EUR on 9 Mar 2026",
         "baseline 1 of 2 Mar 2026: 0.9 EUR; difference +0.05"),
        ("src:time_entry:t", -20, "USD 200.00", "1 USD = 0.8 EUR on 10 Mar 2026",
         "baseline 1 of 2 Mar 2026: 0.9 EUR; difference −0.1"),
    ]  # fmt: skip
    assert found.total == 30
    (budget,) = explain(abroad.inputs(), "NET", "bac", "A").parts
    assert (budget.value, budget.source) == (1800, "USD 2,000.00")
    assert budget.fx == "1 USD = 0.9 EUR on 2 Mar 2026 (rate of 27 Feb 2026)"


def test_packages_have_the_variance_of_their_cost_and_add_up_to_the_projects(abroad):
    abroad.add(WorkPackage, "v", code="B", name="B", budget=money(10), percent_complete=Decimal(0))
    abroad.add(WorkPackage, "u", code="C", name="C", budget=money(10), percent_complete=Decimal(0))
    frozen = planned(money(2000), USD_09)
    packages = [
        *frozen.packages, *(replace(frozen.packages[0], code=c, budget=money(10)) for c in "BC")
    ]  # fmt: skip
    abroad.options["baselines"] = (replace(frozen, packages=tuple(packages)),)
    bill(abroad, "R3", money(300), date(2026, 3, 10))
    abroad.add(
        InvoiceLine, "R4", invoice="R4", amount=money(100), invoiced_on=date(2026, 3, 9),
        work_package="B",
    )  # fmt: skip
    abroad.add(
        InvoiceLine, "R5", invoice="R5", amount=money(70), invoiced_on=date(2026, 3, 10)
    )  # in no package
    project = abroad.project()
    told = {p.code: p.figures.get("fx_variance") for p in project.packages}
    # 1,000 × 0.05 − 200 × 0.10 − 300 × 0.10; 100 × 0.05; nothing in another currency
    assert told["A"].value == 50 - 20 - 30
    assert told["A"].note.startswith("in AC, against baseline 1 of 2 Mar 2026; CV without it EUR")
    assert (told["B"].value, told["C"].value) == (5, 0)
    assert told["C"].note == "no cost in another currency"
    assert project.figures["fx_variance"].value == 0 + 5 - 7  # and 70 × −0.10 in no package
    explainer = Explainer(abroad.inputs(), "NET")
    assert [(p.value, p.package) for p in explainer.of("fx_variance", "B").parts] == [(5, "B")]
    assert explainer.of("fx_variance", "A").total == 0
    assert explainer.of("fx_variance", "C").figure == told["C"]


def test_a_package_has_no_variance_where_its_project_has_no_cost_in_another_currency(abroad):
    abroad.records = {k: v for k, v in abroad.records.items() if k == "work_package"}
    abroad.add(InvoiceLine, "R1", invoice="R1", amount=Money(Decimal(5), "EUR"),
               invoiced_on=date(2026, 3, 9), work_package="A")  # fmt: skip
    abroad.options["baselines"] = (planned(money(2000), USD_09),)
    [package] = abroad.project().packages
    assert "fx_variance" not in package.figures
    found = Explainer(abroad.inputs(), "NET").of("fx_variance", "A").figure
    assert found.reason == "no cost in another currency"


def test_a_bill_over_two_packages_leaves_each_the_variance_of_its_part(abroad):
    abroad.add(WorkPackage, "v", code="B", name="B", budget=money(10), percent_complete=Decimal(0))
    frozen = planned(money(2000), USD_09)
    second = replace(frozen.packages[0], code="B", budget=money(10))
    abroad.options["baselines"] = (replace(frozen, packages=(*frozen.packages, second)),)
    for line, amount, package in (("1", 300, "A"), ("2", 100, "B")):
        abroad.add(
            OrderLine, f"o{line}", order="PO-1", line=line, amount=money(amount),
            work_package=package,
        )  # fmt: skip
    abroad.add(
        InvoiceLine, "R6", invoice="R6", order="PO-1", amount=money(400),
        invoiced_on=date(2026, 3, 9),
    )  # fmt: skip
    explainer = Explainer(abroad.inputs(), "NET")
    assert explainer.number("fx_variance", "A").value == 30 + 15  # 300 × 0.05
    assert explainer.number("fx_variance", "B").value == 5
    assert explainer.number("fx_variance").value == 50
    parts = explainer.of("fx_variance").parts
    assert sorted((p.package, p.value) for p in parts if p.identity.endswith("R6")) == [
        ("A", 15), ("B", 5),
    ]  # fmt: skip


def test_a_rate_is_told_with_the_day_of_the_quote_that_was_used(abroad):
    bill(abroad, "R3", money(200), date(2026, 3, 12))  # the dollar was last quoted on the 10th
    rate(abroad, date(2026, 3, 3), "1.5", currency="GBP", base="USD")
    bill(abroad, "R4", money(100, "GBP"), date(2026, 3, 12))  # over the dollar: 1.5 × 0.8
    bill(abroad, "R5", money(100, "GBP"), date(2026, 3, 10))
    parts = {p.identity[-2:]: p for p in explain(abroad.inputs(), "NET", "ac").parts}
    assert (parts["R3"].value, parts["R4"].value) == (160, 120)
    told = {number: parts[number].fx for number in ("R1", "R3", "R4", "R5")}
    assert told == {
        "R1": "1 USD = 0.95 EUR on 9 Mar 2026",
        "R3": "1 USD = 0.8 EUR on 12 Mar 2026 (rate of 10 Mar 2026)",
        "R4": "1 GBP = 1.2 EUR on 12 Mar 2026 "
        "(GBP → USD → EUR; rates of 3 Mar 2026 and 10 Mar 2026)",
        "R5": "1 GBP = 1.2 EUR on 10 Mar 2026 "
        "(GBP → USD → EUR; rates of 3 Mar 2026 and 10 Mar 2026)",
    }


def test_a_credit_note_takes_its_own_rate_back(abroad):
    bill(abroad, "R3", money(-500), date(2026, 3, 10), credit_note=True)
    assert abroad.figures()["fx_variance"] == 30 + 50  # −500 × (0.80 − 0.90)


def test_what_is_received_and_not_invoiced_counts_at_the_rate_of_its_receipt(abroad):
    abroad.add(
        OrderLine, "o", order="PO-1", amount=money(1000), quantity=Decimal(10), work_package="A"
    )
    abroad.add(Receipt, "g", order="PO-1", quantity=Decimal(2), received_on=date(2026, 3, 10))
    found = abroad.figures()
    assert found["ac"] == 1210 + 160  # two pieces of USD 100 at 0.80
    assert found["fx_variance"] == 30 - 20  # 200 × (0.80 − 0.90)


def test_rates_that_come_or_are_corrected_later_do_not_move_the_plan(abroad):
    before = abroad.figures()
    abroad.records["fx_rate"] = []
    rate(abroad, date(2026, 3, 1), "0.7")  # the table is replaced as a whole
    after = abroad.figures()
    assert [after[n] for n in ("bac", "pv", "ev")] == [before[n] for n in ("bac", "pv", "ev")]
    assert after["ac"] == 700 + 100 + 140
    assert after["fx_variance"] == -240  # 1,200 × (0.70 − 0.90)


def test_a_baseline_of_old_that_froze_no_rates_has_those_of_its_day(abroad):
    abroad.options["baselines"] = (planned(money(2000)),)
    assert abroad.figures()["bac"] == 1800
    abroad.options["baselines"] = (planned(money(2000), on=date(2026, 3, 9)),)
    assert abroad.figures()["bac"] == 1900
    assert abroad.figures()["fx_variance"] == -30  # 200 × (0.80 − 0.95)


def test_what_a_baseline_did_not_freeze_has_the_rate_of_its_day(abroad):
    rate(abroad, date(2026, 3, 1), "1.1", currency="GBP")
    rate(abroad, date(2026, 3, 10), "1.2", currency="GBP")
    bill(abroad, "R3", money(10, "GBP"), date(2026, 3, 10))
    assert abroad.figures()["fx_variance"] == 30 + 1


def test_a_new_baseline_freezes_new_rates_and_past_days_keep_theirs(abroad):
    second = planned(
        money(2000), replace(USD_09, on=date(2026, 3, 10), rate=Decimal("0.8")), number=2,
        on=date(2026, 3, 11),
    )  # fmt: skip
    abroad.options["baselines"] = (planned(money(2000), USD_09), second)
    found = abroad.figures()
    assert (found["bac"], found["bac_original"]) == (1600, 1800)
    assert found["fx_variance"] == 150  # 1,000 × (0.95 − 0.80)
    curve = {p.on: p.pv for p in abroad.project().curve}
    assert curve[date(2026, 3, 8)] == 900  # by the first one


def test_unchanged_rates_are_a_variance_of_0(abroad):
    abroad.records["fx_rate"] = []
    rate(abroad, MONDAY, "0.9")
    assert abroad.figures()["fx_variance"] == 0


def test_without_cost_in_another_currency_it_is_no_figure_and_explained_as_n_a(abroad):
    abroad.records["invoice_line"] = []
    bill(abroad, "R2", money(100, "EUR"), date(2026, 3, 9))
    abroad.records["rate"] = []
    abroad.add(Rate, "r", of="Ada", per_hour=money(50, "EUR"))
    assert "fx_variance" not in abroad.project().figures
    found = explain(abroad.inputs(), "NET", "fx_variance")
    assert (found.figure.value, found.figure.reason) == (None, "no cost in another currency")


def test_it_is_n_a_without_a_baseline_and_where_a_rate_is_missing(abroad):
    reason = "no baseline is recorded, so no exchange rate is frozen"
    kept, abroad.options["baselines"] = abroad.options["baselines"], ()
    abroad.records["work_package"] = []
    abroad.add(WorkPackage, "w", code="A", name="A", budget=money(2000), planned_finish=MONDAY)
    assert abroad.project().figures["fx_variance"].reason == reason
    assert Explainer(abroad.inputs(), "NET").of("fx_variance").parts == ()
    abroad.options["baselines"] = kept
    bill(abroad, "R3", money(10, "GBP"), date(2026, 3, 10))
    found = abroad.project().figures["fx_variance"]
    assert (found.value, found.reason) == (None, "no exchange rate GBP → EUR on 10 Mar 2026")


def test_a_recorded_baseline_keeps_the_rates_of_its_day(abroad):
    abroad.options["data_date"] = date(2026, 3, 9)
    rate(abroad, date(2026, 3, 1), "0.8", currency="EUR", base="GBP")
    rate(abroad, date(2026, 4, 1), "160", currency="EUR", base="JPY")  # the first there is
    frozen = freeze(abroad.inputs(), "NET")
    assert frozen is not None
    assert [(r.currency, r.base, r.on.month, r.on.day, str(r.rate)) for r in frozen.rates] == [
        ("EUR", "GBP", 3, 1, "0.8"), ("EUR", "JPY", 4, 1, "160"), ("USD", "EUR", 3, 9, "0.95"),
    ]  # fmt: skip
    stored = StoredBaseline(
        project="NET", version=1, on=MONDAY, author="Ann", approval="", change_request="",
        created=None, lines=lines(frozen),
    )  # fmt: skip
    assert recorded(stored).rates == frozen.rates


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


# ---- which of several rates ---------------------------------------------------------------------


def test_a_rate_in_force_over_another_currency_goes_before_a_later_one_of_the_pair(world):
    rate(world, date(2026, 3, 1), "0.8", base="GBP")
    rate(world, date(2026, 3, 1), "1.1", currency="GBP")
    rate(world, date(2026, 3, 9), "0.5")
    world.add(
        WorkPackage, "w", code="A", name="A", budget=money(1000), planned_start=date(2026, 3, 5),
        planned_finish=date(2026, 3, 27), percent_complete=Decimal(50),
    )  # fmt: skip
    assert world.figures()["bac"] == 880  # 1,000 × 0.8 × 1.1, not × 0.5
    [part] = explain(world.inputs(), "NET", "bac", "A").parts
    assert part.fx == "1 USD = 0.88 EUR on 5 Mar 2026 (USD → GBP → EUR; rate of 1 Mar 2026)"


def test_a_cross_rate_in_force_goes_before_one_of_the_future_on_plan_and_cost_alike(abroad):
    abroad.records = {"work_package": abroad.records["work_package"]}
    for currency, base, on, value in (
        ("USD", "CHF", 9, "0.9"), ("CHF", "EUR", 9, "0.5"),  # known first by name, not by day
        ("USD", "GBP", 1, "0.8"), ("GBP", "EUR", 1, "1.1"),
    ):  # fmt: skip
        rate(abroad, date(2026, 3, on), value, currency, base)
    abroad.options["data_date"] = date(2026, 3, 5)
    rates = FxTable(abroad.records["fx_rate"]).frozen(date(2026, 3, 5))
    abroad.options["baselines"] = (planned(money(2000), *rates, on=date(2026, 3, 5)),)
    bill(abroad, "R1", money(1000), date(2026, 3, 5))
    found = abroad.figures()
    assert (found["bac"], found["ac"], found["fx_variance"]) == (1760, 880, 0)


def test_of_several_cross_rates_the_freshest_counts():
    table = FxTable(
        BaselineRate(currency=c, base=b, on=date(2026, 3, on), rate=Decimal(value))
        for c, b, on, value in (
            ("USD", "CHF", 8, "0.9"), ("CHF", "EUR", 1, "0.5"),  # 0.45, as old as its older quote
            ("USD", "GBP", 3, "0.8"), ("GBP", "EUR", 4, "1.1"),  # 0.88
            ("USD", "JPY", 20, "150"), ("JPY", "EUR", 2, "0.006"),  # 0.90, from the 20th on
        )
    )  # fmt: skip
    assert table.rate("USD", "EUR", date(2026, 3, 9)).value == Fraction(88, 100)
    assert table.rate("USD", "EUR", date(2026, 3, 2)).value is None
    earliest = table.rate("USD", "EUR", date(2026, 3, 2), or_earliest=True)
    assert earliest.value == Fraction(88, 100)  # on the 4th, before CHF on the 8th
    assert earliest.note == "earliest known rate, of 4 Mar 2026, USD → GBP → EUR"


def test_a_currency_that_the_baseline_could_not_know_has_no_variance_but_a_budget(abroad):
    rate(abroad, date(2026, 3, 10), "1.2", currency="GBP")
    bill(abroad, "R3", money(100, "GBP"), date(2026, 3, 11))
    found = abroad.project().figures["fx_variance"]
    reason = "baseline 1 of 2 Mar 2026 knew no exchange rate GBP → EUR"
    assert (found.value, found.reason) == (None, reason)
    parts = {p.identity: p for p in Explainer(abroad.inputs(), "NET").of("fx_variance").parts}
    part = parts["src:invoice_line:R3"]
    assert (part.value, part.reason, part.note) == (None, reason, "")
    abroad.options["baselines"] = (planned(money(2000, "GBP"), USD_09),)
    [budget] = explain(abroad.inputs(), "NET", "bac", "A").parts
    assert (budget.value, budget.fx) == (
        2400,
        "1 GBP = 1.2 EUR on 2 Mar 2026 (not frozen; earliest known rate, of 10 Mar 2026)",
    )


def test_a_rate_that_the_baseline_did_not_freeze_is_not_called_its_own(abroad):
    rate(abroad, date(2026, 3, 1), "1.1", currency="GBP")
    rate(abroad, date(2026, 3, 10), "1.2", currency="GBP")
    bill(abroad, "R3", money(10, "GBP"), date(2026, 3, 10))
    parts = {p.identity: p for p in Explainer(abroad.inputs(), "NET").of("fx_variance").parts}
    note = "baseline 1 of 2 Mar 2026: 1.1 EUR (not frozen); difference +0.1"
    assert parts["src:invoice_line:R3"].note == note


# ---- for any rates and amounts ------------------------------------------------------------------

days = st.integers(0, 10).map(lambda n: MONDAY + timedelta(days=n))
quotes = st.decimals("0.001", "1000", places=4)


@given(
    st.lists(st.tuples(st.sampled_from(["USD", "GBP", "JPY"]), days, quotes), min_size=1),
    st.sampled_from([("USD", "EUR"), ("EUR", "USD"), ("GBP", "JPY")]),
    days,
)
def test_what_is_frozen_gives_every_rate_of_its_day(found, pair, on):
    table = FxTable(
        BaselineRate(currency=c, base="EUR" if c != "JPY" else "GBP", on=day, rate=value)
        for c, day, value in found
    )
    frozen = FxTable(table.frozen(on))
    assert frozen.rate(*pair, on, or_earliest=True) == table.rate(*pair, on, or_earliest=True)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(
        st.tuples(st.sampled_from(["USD", "GBP", "EUR"]), st.integers(-(10**7), 10**7), days),
        min_size=1, max_size=6,
    ),
    st.lists(quotes, min_size=4, max_size=4),
)  # fmt: skip
def test_cost_at_the_frozen_rates_and_the_variance_are_actual_cost(world, bills, values):
    world = type(world)()
    world.add(WorkPackage, "w", code="A", name="A", percent_complete=Decimal(50))
    first = {"USD": values[0], "GBP": values[1], "EUR": Decimal(1)}
    for n, currency in enumerate(("USD", "GBP")):
        rate(world, date(2026, 3, 1), first[currency], currency=currency)
        rate(world, date(2026, 3, 6), values[2 + n], currency=currency)
    for n, (currency, cents, on) in enumerate(bills):
        amount = money(Decimal(cents).scaleb(-2), currency)
        bill(world, f"R{n}", amount, on, credit_note=cents < 0)
    world.options["baselines"] = (planned(money(1000, "EUR")),)
    project = Explainer(world.inputs(), "NET")
    found, ac = project.of("fx_variance"), project.number("ac").value
    if all(currency == "EUR" for currency, _, _ in bills):
        assert found.figure.value is None
        return
    assert found.total == project.number("fx_variance").value
    at_frozen = sum(Fraction(cents, 100) * Fraction(first[c]) for c, cents, _ in bills)
    assert ac - found.total == at_frozen
    assert sum(v for v in adding_up(found.parts) if v is not None) == round(found.total, 2)
