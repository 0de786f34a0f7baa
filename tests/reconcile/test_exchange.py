"""A plan keeps the exchange rates of its baseline; what rates have moved since stands apart."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from itpm_sync.app.baseline_lines import lines, recorded
from itpm_sync.model import (
    Contract,
    InvoiceLine,
    Money,
    OrderLine,
    Rate,
    Receipt,
    WorkPackage,
)
from itpm_sync.reconcile import freeze
from itpm_sync.reconcile.exchange import FxTable
from itpm_sync.reconcile.explain import Explainer, explain
from itpm_sync.reconcile.explanation import adding_up
from itpm_sync.reconcile.inputs import BaselineRate
from itpm_sync.report.sections import money_bars
from itpm_sync.store import StoredBaseline
from tests.reconcile.foreign import MONDAY, USD_09, bill, money, planned, rate


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
    own = {name: (f.value, f.unit) for name, f in package.in_budget_currency.items()}
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
    own = abroad.project().packages[0].in_budget_currency
    # JPY → EUR is quoted, and EUR → USD on 27 Feb: 500 × 0.006 ÷ 0.9
    assert own["ordered"].value == Decimal("3.333333333333")
    order(abroad, "P2", money(500, "SEK"), MONDAY)
    own = abroad.project().packages[0].in_budget_currency
    assert own["ordered"].value is None
    assert own["ordered"].reason == "no exchange rate SEK → USD on 2 Mar 2026"


def test_what_is_in_the_budgets_currency_needs_no_rate_to_be_known_there(abroad):
    abroad.records["fx_rate"] = []
    order(abroad, "P1", money(500), MONDAY)
    package = abroad.project().packages[0]
    assert package.figures["ordered"].value is None  # no rate to EUR
    for name in ("ordered", "committed"):
        found = package.in_budget_currency[name]
        assert (found.value, found.unit) == (500, "USD")


def test_what_is_open_of_an_order_whose_bill_does_not_convert_is_known_in_no_currency(abroad):
    order(abroad, "P1", money(500), MONDAY)
    bill(abroad, "R3", money(100, "SEK"), MONDAY, order="P1")
    own = abroad.project().packages[0].in_budget_currency
    assert own["ordered"].value == 500
    assert (own["committed"].value, own["committed"].reason) == (
        None, "no exchange rate SEK → USD on 2 Mar 2026"
    )  # fmt: skip


def test_a_package_without_a_rate_for_its_document_is_drawn_in_the_projects_currency(abroad):
    abroad.records = {"work_package": abroad.records["work_package"]}
    rate(abroad, date(2026, 3, 9), "0.8")  # the first quote, after the order
    order(abroad, "P1", money(500, "EUR"), MONDAY)
    packages = abroad.project().packages
    assert packages[0].in_budget_currency["ordered"].value is None
    (bar,) = money_bars(packages)
    told = [f.text.replace("\u00a0", " ") for f in (bar.ordered, bar.budget)]
    assert told == ["EUR 500", "EUR 1,800"]  # 2,000 × 0.9, as the baseline froze it


def test_a_budget_in_the_projects_currency_needs_no_other(abroad):
    abroad.options["baselines"] = (planned(money(2000, "EUR")),)
    assert abroad.project().packages[0].in_budget_currency == {}


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
