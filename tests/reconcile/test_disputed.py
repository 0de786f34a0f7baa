"""Actual cost stays as it is booked, and says what of it findings dispute."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from itpm_sync.model import FxRate, InvoiceLine, Money, OrderLine, Receipt, WorkPackage
from itpm_sync.reconcile.decisions import Waiver
from itpm_sync.reconcile.explain import Explainer
from tests.reconcile.conftest import World

DAY = date(2026, 3, 2)


def budgets(world, eur):
    for code in ("1", "2"):
        world.add(
            WorkPackage, code, code=code, name=f"Package {code}", budget=eur("9000"),
            planned_start=DAY, planned_finish=date(2026, 3, 27),
        )  # fmt: skip


def test_where_nothing_is_disputed_it_is_explained_as_0_and_no_figure_of_the_status(plan, eur):
    bill(plan, eur, "R-1", "500")
    assert "disputed" not in plan.project().figures
    for package in ("", "1"):
        found = Explainer(plan.inputs(), "NET").of("disputed", package)
        assert (found.figure.value, found.figure.unit, found.parts) == (0, "EUR", ())
        assert found.figure.note == "no finding disputes any of AC"
    plan.records["invoice_line"] = []
    found = Explainer(plan.inputs(), "NET").of("disputed")  # of a cost that is not known
    assert found.figure.reason == "no source of time entries, invoices or receipts is connected"


@pytest.fixture
def plan(world, eur):
    budgets(world, eur)
    return world


def bill(world, eur, number, amount, package="1", **fields):
    more = {"vendor": "Acme", "invoiced_on": DAY, "work_package": package} | fields
    world.add(InvoiceLine, number, invoice=number, amount=eur(amount), **more)


def deliver(world, eur, *, ordered, received, line="1", package="2"):
    """A line of an order of so many pieces at 100 in a package, and what came of it."""
    world.add(
        OrderLine, f"PO-1 {line}", order="PO-1", line=line, vendor="Acme", ordered_on=DAY,
        quantity=Decimal(ordered), amount=eur(ordered * 100), work_package=package,
    )  # fmt: skip
    world.add(
        Receipt, f"g-{line}", order="PO-1", line=line, quantity=Decimal(received), received_on=DAY
    )


def told(world, package=""):
    """Value of AC, its note, value and note of what is disputed."""
    figures = world.project().figures
    if package:
        figures = next(p for p in world.project().packages if p.code == package).figures
    part = figures.get("disputed")
    return figures["ac"].value, figures["ac"].note, part.value if part else None


BOOKED = "labour + invoices − credit notes + received and not invoiced"


def test_a_bill_booked_twice_is_in_the_cost_and_named(plan, eur):
    bill(plan, eur, "R-1", "500")
    assert told(plan) == (500, BOOKED, None)
    bill(plan, eur, "R-01", "500", package="2", invoiced_on=date(2026, 3, 3))
    note = f"{BOOKED}; of which disputed: EUR 500.00 (duplicate-invoice)"
    assert told(plan) == (1000, note, 500)
    assert told(plan, "1") == (500, BOOKED, None)  # the first is not in question
    assert told(plan, "2") == (500, note, 500)


def test_what_came_beyond_an_order_is_in_the_cost_and_named(plan, eur):
    deliver(plan, eur, ordered=20, received=24)
    note = f"{BOOKED}; of which disputed: EUR 400.00 (receipt-over-order)"
    assert told(plan) == (2400, note, 400)
    bill(plan, eur, "R-1", "2400", package="2", order="PO-1", quantity=Decimal(24))
    assert told(plan, "2") == (2400, note, 400)  # billed too, it is in the cost all the same


def test_several_findings_are_named_and_their_parts_add_up(plan, eur):
    bill(plan, eur, "R-1", "500")
    bill(plan, eur, "R-01", "500")
    deliver(plan, eur, ordered=20, received=24)
    assert told(plan)[1].endswith("disputed: EUR 900.00 (duplicate-invoice, receipt-over-order)")
    explainer = Explainer(plan.inputs(), "NET")
    found = explainer.of("disputed")
    assert [(p.value, p.identity, p.note) for p in found.parts] == [
        (500, "src:invoice_line:R-1", "duplicate-invoice"),
        (400, "src:order_line:PO-1 1", "receipt-over-order"),
    ]
    cost = {p.identity: p.note for p in explainer.of("ac").parts}
    assert cost["src:invoice_line:R-01"] == ""
    assert cost["src:invoice_line:R-1"] == "disputed: duplicate-invoice"
    assert cost["src:order_line:PO-1 1"].endswith("; disputed: receipt-over-order")
    assert [p.value for p in explainer.of("disputed", "2").parts] == [400]


@pytest.mark.parametrize(
    ("ordered", "received", "first", "second", "disputed"),
    [
        (20, 24, 20, 20, 20),  # 40 billed of 20 ordered: the copy takes the surplus in
        (20, 24, 11, 11, 11),  # 22 billed, 2 accrued: without the copy 13 are within the order
        (40, 20, 20, 20, 20),  # nothing came beyond the order
        (20, 30, 20, 5, 10),  # bills that are not alike: the surplus alone
    ],
)
def test_one_amount_is_not_disputed_twice(  # noqa: PLR0917
    plan, eur, ordered, received, first, second, disputed
):
    deliver(plan, eur, ordered=ordered, received=received)
    for number, pieces in (("R-1", first), ("R-01" if first == second else "X-77", second)):
        bill(plan, eur, number, pieces * 100, order="PO-1", quantity=Decimal(pieces))
    cost = max(received, first + second) * 100
    assert told(plan)[::2] == (cost, disputed * 100)


def test_a_surplus_is_disputed_at_what_it_cost_not_at_the_price_of_the_order(plan, eur):
    deliver(plan, eur, ordered=20, received=100)
    bill(plan, eur, "R-1", "5000", package="2", order="PO-1", quantity=Decimal(100))
    # 80 pieces too many are worth 8,000 by the order; what was billed is 3,000 over its 2,000
    assert told(plan)[::2] == told(plan, "2")[::2] == (5000, 3000)


def test_a_surplus_that_was_credited_is_not_disputed(plan, eur):
    deliver(plan, eur, ordered=20, received=24)
    bill(plan, eur, "R-1", "2400", order="PO-1", quantity=Decimal(24))
    assert told(plan)[::2] == (2400, 400)
    bill(plan, eur, "G-1", "300", order="PO-1", credit_note=True)
    assert told(plan)[::2] == (2100, 100)
    bill(plan, eur, "G-2", "100", order="PO-1", credit_note=True)
    assert told(plan) == (2000, BOOKED, None)  # exactly what was ordered


@pytest.mark.parametrize("over", ["1", "2"])
def test_a_copy_that_names_no_line_takes_a_surplus_in_on_whichever_line_it_came(plan, eur, over):
    for line in ("1", "2"):
        deliver(plan, eur, ordered=20, received=24 if line == over else 20, line=line)
    bill(plan, eur, "R-1", "4000", package="", order="PO-1")
    assert told(plan)[::2] == (4400, 400)  # 4,000 billed, 400 accrued
    bill(plan, eur, "R-01", "4000", package="", order="PO-1")
    assert told(plan)[::2] == (8000, 4000)  # what is left is what was ordered


def test_a_copy_that_names_a_line_hides_no_surplus_of_another(plan, eur):
    deliver(plan, eur, ordered=20, received=24, line="1")
    deliver(plan, eur, ordered=20, received=20, line="2")
    for number in ("R-1", "R-01"):
        bill(plan, eur, number, "1000", order="PO-1", order_line="2")
    # line 1: 2,400 accrued of 2,000; line 2: two bills of 1,000, one of them again
    assert told(plan)[::2] == (4400, 400 + 1000)


def test_a_surplus_is_disputed_in_the_package_that_bears_its_cost(plan, eur):
    deliver(plan, eur, ordered=20, received=24)
    bill(plan, eur, "R-1", "2400", package="1", order="PO-1", quantity=Decimal(24))
    assert told(plan, "1")[::2] == (2400, 400)
    assert told(plan, "2") == (0, BOOKED, None)
    [part] = Explainer(plan.inputs(), "NET").of("disputed", "1").parts
    assert (part.identity, part.source) == ("src:invoice_line:R-1", "EUR 400.00")


def test_what_came_last_is_the_surplus(plan, eur):
    deliver(plan, eur, ordered=20, received=25)
    bill(plan, eur, "R-1", "2000", package="1", order="PO-1", quantity=Decimal(20))
    bill(plan, eur, "R-2", "300", package="2", order="PO-1", quantity=Decimal(3),
         invoiced_on=date(2026, 3, 4))  # fmt: skip
    # 5 too many: 2 are accrued in package 2, 3 are billed there last
    assert told(plan, "1")[::2] == (2000, None)
    assert told(plan, "2")[::2] == (500, 500)


def test_a_copy_that_a_credit_note_took_back_is_not_disputed(plan, eur):
    bill(plan, eur, "R-1", "500")
    bill(plan, eur, "R-01", "500")
    bill(plan, eur, "G-1", "500", credit_note=True)
    assert told(plan) == (500, BOOKED, None)


def test_a_credit_note_booked_twice_takes_nothing_from_what_else_is_disputed(plan, eur):
    bill(plan, eur, "R-1", "500")
    bill(plan, eur, "R-01", "500")
    for number in ("G-1", "G-01"):
        bill(plan, eur, number, "200", credit_note=True)
    assert told(plan)[::2] == (600, 500)
    assert len(plan.findings("duplicate-invoice")) == 2


def test_no_more_is_disputed_than_the_cost_is(plan, eur):
    bill(plan, eur, "R-1", "500", package="1")
    bill(plan, eur, "R-01", "500", package="2", invoiced_on=date(2026, 3, 3))
    bill(plan, eur, "G-1", "300", package="2", credit_note=True)
    assert told(plan, "2")[::2] == (200, 200)
    assert told(plan)[::2] == (700, 200)


amounts = st.integers(1, 30)
packages = st.sampled_from(["", "1", "2"])
lines = st.tuples(st.integers(1, 20), st.integers(0, 30), packages)  # ordered, received
bills = st.tuples(  # number, hundreds, currency, pieces, line, package, credit note, day
    st.sampled_from(["R-1", "R-01", "X-7", "Y-9"]), amounts, st.sampled_from(["EUR", "USD"]),
    st.none() | amounts, st.sampled_from(["", "1", "2"]), packages, st.booleans(),
    st.integers(2, 12),
)  # fmt: skip


@settings(max_examples=120, deadline=None)
@given(st.lists(lines, max_size=2), st.lists(bills, max_size=6))
def test_disputed_is_part_of_the_cost_of_each_package_and_of_the_project(ordered, billed):
    def eur(amount):
        return Money(Decimal(amount), "EUR")

    world = World()
    budgets(world, eur)
    for day, rate in ((1, "0.9"), (5, "0.7")):
        on = date(2026, 3, day)
        world.add(FxRate, str(on), currency="USD", base="EUR", on=on, rate=Decimal(rate))
    for line, (pieces, came, package) in enumerate(ordered, 1):
        deliver(world, eur, ordered=pieces, received=came, line=str(line), package=package)
    for n, (number, hundreds, own, pieces, line, package, credit, day) in enumerate(billed):
        world.add(
            InvoiceLine, f"{n}", invoice=number, amount=Money(Decimal(hundreds * 100), own),
            order="PO-1", quantity=None if pieces is None else Decimal(pieces), order_line=line,
            work_package=package, credit_note=credit, invoiced_on=date(2026, 3, day), vendor="Acme",
        )  # fmt: skip
    project = world.project()
    found = [p.figures for p in (project, *project.packages)]
    parts = [f["disputed"].value for f in found if "disputed" in f]
    assert all(part > 0 for part in parts)
    assert all(f["disputed"].value <= f["ac"].value for f in found if "disputed" in f)
    if "disputed" in project.figures:
        explained = Explainer(world.inputs(), "NET").of("disputed").total
        told = Fraction(project.figures["disputed"].value)
        assert abs(explained - told) <= Fraction(1, 200)


def test_a_waived_finding_disputes_nothing(plan, eur):
    bill(plan, eur, "R-1", "500")
    bill(plan, eur, "R-01", "500")
    deliver(plan, eur, ordered=20, received=24)
    waiver = Waiver(
        finding="duplicate-invoice", reason="both due", author="Ann", expires=date(2026, 12, 31)
    )
    plan.options["waivers"] = (waiver,)
    assert told(plan)[2] == 400
    plan.options["waivers"] = (waiver, replace(waiver, finding="receipt-over-order"))
    assert told(plan) == (3400, BOOKED, None)


def test_what_is_disputed_in_another_currency_has_the_rate_of_its_day(plan, eur):
    def usd(amount):
        return Money(Decimal(amount), "USD")

    for on, rate in ((date(2026, 3, 1), "0.9"), (date(2026, 3, 5), "0.8")):
        plan.add(FxRate, str(on), currency="USD", base="EUR", on=on, rate=Decimal(rate))
    deliver(plan, usd, ordered=20, received=24)
    bill(plan, usd, "R-1", "500")
    bill(plan, usd, "R-01", "500", invoiced_on=date(2026, 3, 6))
    assert told(plan)[2] == 400 * Decimal("0.9") + 500 * Decimal("0.8")
    assert Explainer(plan.inputs(), "NET").of("disputed").total == Fraction(760)


def test_nothing_is_said_of_a_cost_that_is_not_known(plan, eur):
    bill(plan, eur, "R-1", "500")
    bill(plan, eur, "R-01", "500")
    bill(plan, lambda a: Money(Decimal(a), "SEK"), "R-9", "1")
    assert told(plan) == (None, BOOKED, None)
