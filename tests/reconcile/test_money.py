"""The ledger: netted once, exact to the cent, converted at dated rates or n/a."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from itpm_sync.model import (
    FxRate,
    InvoiceLine,
    Money,
    OrderLine,
    Payment,
    Rate,
    Receipt,
    SourceRef,
    TimeEntry,
    WorkPackage,
    round_fraction,
)
from itpm_sync.reconcile.exchange import FxTable
from itpm_sync.reconcile.money import allocate_minor

DAY = date(2026, 3, 2)


def test_published_allocations(vector):
    cases = vector("18")
    for case in cases["cases"]:
        weights = [Decimal(str(w)) for w in case["weights"]]
        assert allocate_minor(case["total_minor"], weights) == tuple(case["expected"])
    for value, digits, expected in cases["half_even"]:
        assert round_fraction(Fraction(value), digits) == Decimal(expected)


@given(
    st.integers(-(10**12), 10**12),
    st.lists(st.fractions(min_value=0, max_value=1000), min_size=1, max_size=30),
)
def test_parts_sum_to_the_whole_and_are_within_one_cent(whole, weights):
    parts = allocate_minor(whole, weights)
    assert sum(parts) == whole
    base = sum(weights) or len(weights)
    for part, weight in zip(parts, weights, strict=True):
        share = (weight if sum(weights) else 1) * Fraction(whole) / base
        assert abs(part - share) < 1


def test_allocation_to_nothing_is_refused():
    with pytest.raises(ValueError, match="no weights"):
        allocate_minor(100, [])
    with pytest.raises(ValueError, match="negative"):
        allocate_minor(100, [1, -1])


def order(world, eur, number="PO-1", amount="1000", quantity="10", **more):
    fields = {"ordered_on": DAY, "vendor": "Acme", "work_package": "WP1"} | more
    name = f"{number}-{fields.get('line', '1')}"
    world.add(
        OrderLine, name, order=number, amount=eur(amount), quantity=Decimal(quantity), **fields
    )


def invoice(world, eur, number="R-1", amount="400", source_id="", **more):
    fields = {"invoiced_on": DAY, "vendor": "Acme"} | more
    world.add(InvoiceLine, source_id or number, invoice=number, amount=eur(amount), **fields)


@pytest.fixture
def plan(world, eur):
    world.add(
        WorkPackage,
        "wp1",
        code="WP1",
        name="Switches",
        planned_start=date(2026, 3, 2),
        planned_finish=date(2026, 3, 27),
        budget=eur(5000),
        percent_complete=Decimal(50),
    )
    return world


def test_received_goods_leave_the_commitment_and_invoices_do_not_take_it_twice(plan, eur):
    order(plan, eur)
    plan.add(Receipt, "g1", order="PO-1", quantity=Decimal(6), received_on=DAY)
    invoice(plan, eur, amount="400", order="PO-1", order_line="1")
    found = plan.figures()
    assert found["ordered"] == 1000
    assert found["committed"] == 400  # 10 × 100 ordered − 6 × 100 received
    assert found["received"] == 600
    assert found["accrued"] == 200  # received 600 − invoiced 400
    assert found["invoiced"] == 400


def test_without_receipts_invoices_leave_the_commitment(plan, eur):
    order(plan, eur)
    invoice(plan, eur, amount="400", order="PO-1")
    assert plan.figures()["committed"] == 600


def test_over_delivery_never_commits_less_than_nothing(plan, eur):
    order(plan, eur)
    plan.add(Receipt, "g1", order="PO-1", quantity=Decimal(12), received_on=DAY)
    found = plan.figures()
    assert (found["committed"], found["received"]) == (0, 1200)


def test_cancelled_orders_are_left_out_and_closed_ones_commit_nothing(plan, eur):
    order(plan, eur, number="PO-1", status="Cancelled")
    order(plan, eur, number="PO-2", status="closed")
    found = plan.figures()
    assert (found["ordered"], found["committed"]) == (1000, 0)


def test_invoice_that_names_no_line_fills_the_lines_of_its_order_in_turn(plan, eur):
    order(plan, eur, amount="300", line="1")
    order(plan, eur, amount="500", line="2")
    invoice(plan, eur, amount="450", order="PO-1")
    assert plan.figures()["committed"] == 350  # 800 − 450
    assert plan.findings("invoice-over-order") == []


def test_credit_note_takes_away_whatever_its_sign(plan, eur):
    invoice(plan, eur, "R-1", "400", order="X", work_package="WP1")
    invoice(plan, eur, "G-1", "100", credit_note=True, order="X", work_package="WP1")
    invoice(plan, eur, "G-2", "-50", credit_note=True, order="X", work_package="WP1")
    found = plan.figures()
    assert (found["invoiced"], found["ac"]) == (250, 250)


def test_documents_after_the_data_date_are_not_there_yet(plan, eur):
    order(plan, eur)
    order(plan, eur, number="PO-2", ordered_on=date(2026, 3, 14))
    invoice(plan, eur, amount="400", order="PO-1", invoiced_on=date(2026, 3, 14))
    plan.add(Receipt, "g1", order="PO-1", quantity=Decimal(6), received_on=date(2026, 3, 14))
    found = plan.figures()
    assert (found["ordered"], found["committed"], found["received"]) == (1000, 1000, 0)


def test_payment_is_gross_and_the_ledger_net(plan, eur):
    invoice(plan, eur, amount="1000", tax=eur(190), order="PO-1", paid_on=date(2026, 3, 5))
    plan.add(Payment, "p1", invoice="r-1", vendor="ACME", amount=eur(595), paid_on=DAY)
    assert plan.figures()["paid"] == 500  # 595 of 1190 is half of 1000 net; paid_on is not added


def test_invoice_with_a_payment_date_is_paid_from_that_day(plan, eur):
    invoice(plan, eur, "R-1", "400", paid_on=date(2026, 3, 13))
    invoice(plan, eur, "R-2", "70", paid_on=date(2026, 3, 14))
    assert plan.figures()["paid"] == 400


def test_payment_for_an_unknown_invoice_is_counted_and_found(plan, eur):
    plan.add(Payment, "p1", invoice="R-9", vendor="Acme", amount=eur(70), paid_on=DAY)
    assert plan.figures()["paid"] is None  # no invoices are connected at all
    invoice(plan, eur)
    assert plan.figures()["paid"] == 70
    [found] = plan.findings("payment-without-invoice")
    assert found.amount == eur(70)


def test_parts_of_the_ledger_sum_to_the_project(plan, eur):
    order(plan, eur, amount="1000.01")
    order(plan, eur, number="PO-2", amount="33.33", work_package="")
    invoice(plan, eur, amount="10.01", order="PO-1")
    invoice(plan, eur, "R-2", amount="3.99")
    project = plan.project()
    package = project.packages[0].figures
    loose = [u for u in project.unallocated if u.kind in ("order_line", "invoice_line")]
    assert [(u.kind, str(u.amount)) for u in loose] == [
        ("order_line", "EUR 33.33"),
        ("invoice_line", "EUR 3.99"),
    ]
    assert project.figures["ordered"].value == package["ordered"].value + Decimal("33.33")
    assert project.figures["invoiced"].value == package["invoiced"].value + Decimal("3.99")


# ---- exchange rates -----------------------------------------------------------------------------


def fx(currency, base, rate, on, number=1):
    ref = SourceRef("src", "fx", f"{currency}{base}{on}{number}")
    return FxRate(ref=ref, currency=currency, base=base, rate=Decimal(rate), on=on)


def test_rate_in_force_is_the_latest_on_or_before_the_day():
    table = FxTable([fx("USD", "EUR", "0.9", date(2026, 1, 1)), fx("USD", "EUR", "0.8", DAY)])
    assert table.rate("USD", "EUR", date(2026, 3, 1)).value == Fraction(9, 10)
    assert table.rate("USD", "EUR", DAY).value == Fraction(8, 10)
    assert table.rate("EUR", "USD", DAY).value == Fraction(10, 8)
    before = table.rate("USD", "EUR", date(2025, 12, 31))
    assert (before.value, before.reason) == (None, "no exchange rate USD → EUR on 31 Dec 2025")
    early = table.rate("USD", "EUR", date(2025, 12, 31), or_earliest=True)
    assert early.value == Fraction(9, 10)


def test_rate_over_a_common_currency():
    table = FxTable([fx("USD", "EUR", "0.8", DAY), fx("GBP", "EUR", "1.2", DAY)])
    crossed = table.rate("GBP", "USD", DAY)
    assert (crossed.value, crossed.note) == (Fraction(3, 2), "GBP → EUR → USD")


def test_currency_without_a_rate_is_never_one_to_one(plan):
    usd = Money(Decimal(100), "USD")
    plan.add(
        InvoiceLine, "r", invoice="R", amount=usd, invoiced_on=DAY, order="P", work_package="WP1"
    )
    project = plan.project()
    for name in ("invoiced", "ac", "cpi", "eac"):
        assert project.figures[name].value is None
        assert "no exchange rate USD → EUR on 2 Mar 2026" in project.figures[name].reason
    [found] = [f for f in project.findings if f.code == "fx-missing"]
    assert found.evidence[0].url == "https://src.test/r"


def test_invoice_that_cannot_be_netted_leaves_the_commitment_unknown(plan, eur):
    order(plan, eur)
    usd = Money(Decimal(100), "USD")
    plan.add(InvoiceLine, "r", invoice="R", amount=usd, invoiced_on=DAY, order="PO-1")
    project = plan.project()
    assert project.figures["ordered"].value == 1000
    assert project.figures["committed"].value is None
    assert project.figures["committed"].reason == "no exchange rate USD → EUR on 2 Mar 2026"


def test_transactions_convert_on_their_own_day_and_budgets_at_the_planned_start(world):
    usd = Money(Decimal(1000), "USD")
    world.records["fx_rate"] = [
        fx("USD", "EUR", "0.9", date(2026, 3, 1)),
        fx("USD", "EUR", "0.8", date(2026, 3, 10)),
    ]
    world.add(
        WorkPackage,
        "wp",
        code="WP1",
        name="Cloud",
        planned_start=date(2026, 3, 2),
        planned_finish=date(2026, 3, 31),
        budget=usd,
    )
    for day, number in ((date(2026, 3, 9), "R1"), (date(2026, 3, 10), "R2")):
        world.add(InvoiceLine, number, invoice=number, amount=usd, invoiced_on=day, order="P")
    found = world.figures()
    assert (found["bac"], found["ac"]) == (900, 1700)


# ---- labour -------------------------------------------------------------------------------------


def rate(world, of, amount, valid_from=None, valid_to=None):
    world.add(
        Rate,
        f"{of}{valid_from}",
        of=of,
        per_hour=Money(Decimal(amount), "EUR"),
        valid_from=valid_from,
        valid_to=valid_to,
    )


def book(world, person, hours, on=DAY, **more):
    number = len(world.records.get("time_entry", ()))
    fields = {"work_package": "WP1"} | more
    world.add(TimeEntry, f"t{number}", person=person, on=on, duration_s=hours * 3600, **fields)


def test_person_rate_goes_before_role_and_team_and_changes_on_its_day(plan):
    rate(plan, "network", 50)
    rate(plan, "engineer", 60)
    rate(plan, "Ann", 70, valid_to=date(2026, 3, 9))
    rate(plan, "ann", 80, valid_from=date(2026, 3, 10))
    book(plan, "Ann", 1, role="engineer", team="network")  # 70
    book(plan, "Ann", 1, on=date(2026, 3, 10), role="engineer")  # 80
    book(plan, "Ben", 2, role="Engineer", team="network")  # 120
    book(plan, "Cid", 3, role="", team="network")  # 150
    assert plan.figures()["labour"] == 420
    assert plan.figures()["ac"] == 420


def test_time_in_no_package_is_told_with_its_cost_where_rates_tell_it(plan, eur):
    rate(plan, "Ann", 70)
    rate(plan, "Ben", "64.5")
    book(plan, "Ann", 5)
    book(plan, "Ann", 2, work_package="")  # 140
    book(plan, "Ben", 3, work_package="")  # 193.50
    [loose] = plan.project().unallocated
    assert (loose.kind, loose.amount, loose.duration_s) == ("time_entry", None, 18_000)
    assert loose.cost == eur("333.50")
    [found] = plan.findings("unallocated-records")
    assert found.message.startswith("2 time entries (5.0 h, EUR 333.50) match no rule")
    assert (found.subject, found.amount) == ("time_entry", eur("333.50"))
    book(plan, "Dora", 1, work_package="")
    [unrated] = plan.project().unallocated
    assert unrated.cost is None
    assert plan.findings("unallocated-records")[0].message.startswith(
        "3 time entries (6.0 h) match"
    )


def test_a_rate_below_0_makes_cost_unknown_not_smaller(plan):
    rate(plan, "Ann", 70)
    rate(plan, "Dora", -95)
    book(plan, "Ann", 1)
    book(plan, "Dora", 8)
    ac = plan.project().figures["ac"]
    assert (ac.value, ac.reason) == (None, "the hourly rate of Dora is below 0 (EUR −95.00)")
    assert [f.subject for f in plan.findings("no-rate")] == ["Dora"]


def test_time_without_a_rate_makes_cost_unknown_not_free(plan):
    rate(plan, "Ann", 70)
    book(plan, "Ann", 1)
    book(plan, "Dora", 8)
    project = plan.project()
    assert project.figures["ac"].value is None
    assert project.figures["ac"].reason == "no hourly rate for Dora"
    [found] = [f for f in project.findings if f.code == "no-rate"]
    assert (
        found.message == "8.00 h of Dora on 2 Mar 2026 have no hourly rate, so actual cost is n/a"
    )
