"""Actual cost stays as it is booked, and says what of it findings dispute."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest

from itpm_sync.model import FxRate, InvoiceLine, Money, OrderLine, Receipt, WorkPackage
from itpm_sync.reconcile.decisions import Waiver
from itpm_sync.reconcile.explain import Explainer

DAY = date(2026, 3, 2)


@pytest.fixture
def plan(world, eur):
    for code in ("1", "2"):
        world.add(
            WorkPackage, code, code=code, name=f"Package {code}", budget=eur("9000"),
            planned_start=DAY, planned_finish=date(2026, 3, 27),
        )  # fmt: skip
    return world


def bill(world, eur, number, amount, package="1", **fields):
    more = {"vendor": "Acme", "invoiced_on": DAY, "work_package": package} | fields
    world.add(InvoiceLine, number, invoice=number, amount=eur(amount), **more)


def deliver(world, eur, *, ordered, received, number="PO-1", price=100):
    """An order of so many pieces at 100 in package 2, and what came of it."""
    world.add(
        OrderLine, number, order=number, line="1", vendor="Acme", ordered_on=DAY,
        quantity=Decimal(ordered), amount=eur(ordered * price), work_package="2",
    )  # fmt: skip
    world.add(
        Receipt, f"g-{number}", order=number, line="1", quantity=Decimal(received), received_on=DAY
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
        (400, "src:order_line:PO-1", "receipt-over-order"),
    ]
    cost = {p.identity: p.note for p in explainer.of("ac").parts}
    assert cost["src:invoice_line:R-01"] == ""
    assert cost["src:invoice_line:R-1"] == "disputed: duplicate-invoice"
    assert cost["src:order_line:PO-1"].endswith("; disputed: receipt-over-order")
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
