"""Paying more than is due for an invoice is a finding; what a credit note takes back is not due."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from itpm_sync.model import FxRate, InvoiceLine, Money, Payment
from itpm_sync.reconcile.decisions import Waiver
from tests.reconcile.documents import DAY, invoice

CODE = "invoice-overpaid"


def pay(world, amount, number="R-1", *, on=date(2026, 3, 9), **fields):
    name = f"p{len(world.records.get('payment', ()))}"
    fields = {"vendor": "Acme"} | fields
    world.add(Payment, name, invoice=number, amount=amount, paid_on=on, **fields)


def credit(world, eur, amount, number="CN-1", **fields):
    given = {"credit_note": True, "invoiced_on": date(2026, 3, 10)} | fields
    invoice(world, eur, number, amount, source_id=f"note-{number}", **given)


@pytest.fixture
def billed(world, eur):
    """An invoice of EUR 1,000 and 190 of tax."""
    invoice(world, eur, "R-1", 1000, tax=eur(190))
    return world


def test_what_is_paid_as_billed_is_no_finding(billed, eur):
    pay(billed, eur(500))
    assert billed.findings(CODE) == []
    pay(billed, eur(691))  # 1,191 of 1,190: as much as is tolerated
    assert billed.findings(CODE) == []


def test_more_than_is_billed_is_told_with_the_excess_and_every_payment(billed, eur):
    pay(billed, eur(1190))
    pay(billed, eur("119.01"))
    [found] = billed.findings(CODE)
    assert (found.key, found.severity) == (f"{CODE}/NET/Acme R-1", "high")
    assert found.amount == eur("119.01")
    assert found.message == (
        "Invoice R-1 of Acme: paid EUR 1,309.01 − due EUR 1,190.00 = EUR 119.01 too much"
    )
    assert [e.label for e in found.evidence] == [
        "Invoice R-1 line 1, EUR 1,000.00",
        "Payment of EUR 1,190.00 on 9 Mar 2026",
        "Payment of EUR 119.01 on 9 Mar 2026",
    ]
    pay(billed, eur(-119))
    assert billed.findings(CODE) == []


@pytest.mark.parametrize("number", ["CN-1", "R-1"])
def test_a_payment_of_a_bill_that_a_credit_note_wholly_cancels_is_too_much(billed, eur, number):
    pay(billed, eur(1190))
    credit(billed, eur, 1000, number, tax=eur(190))
    [found] = billed.findings(CODE)
    assert (found.amount, found.severity) == (eur(1190), "high")
    assert "due EUR 0.00 (invoiced EUR 1,190.00, credited EUR 1,190.00" in found.message
    assert billed.findings("payment-without-invoice") == []
    # net of tax, as the ledger has it: 1,190 × 1,000 ÷ 1,190
    assert billed.project().figures["paid"].value == 1000


def test_a_bill_that_is_marked_as_paid_and_cancelled_is_told_until_the_note_is_paid_back(
    world, eur
):
    invoice(world, eur, "R-1", 1000, paid_on=DAY)
    credit(world, eur, 1000)
    [found] = world.findings(CODE)
    assert (found.amount, found.severity) == (eur(1000), "high")
    assert found.message.endswith("= EUR 1,000.00 too much")
    world.records["invoice_line"].pop()
    credit(world, eur, 1000, paid_on=date(2026, 3, 12))
    assert world.findings(CODE) == []


def test_a_credit_note_of_a_part_belongs_to_the_only_bill_of_its_order(world, eur):
    invoice(world, eur, "R-1", 1000, order="PO-1")
    pay(world, eur(1000))
    credit(world, eur, 200, order="PO-1")
    [found] = world.findings(CODE)
    assert found.amount == eur(200)
    assert found.message == (
        "Invoice R-1 of Acme: paid EUR 1,000.00 − due EUR 800.00 (invoiced EUR 1,000.00, "
        "credited EUR 200.00 by CN-1) = EUR 200.00 too much"
    )
    assert "Credit note CN-1 line 1, EUR 200.00" in [e.label for e in found.evidence]
    invoice(world, eur, "R-2", 700, order="PO-1")  # which of the two it is for, nobody tells
    assert world.findings(CODE) == []


def test_a_credit_note_that_was_paid_back_is_owed_no_more(world, eur):
    invoice(world, eur, "R-1", 1000, order="PO-1")
    pay(world, eur(1000))
    credit(world, eur, 200, order="PO-1")
    pay(world, eur(-200), "CN-1")
    assert world.findings(CODE) == []


def test_a_credit_note_that_was_taken_off_another_payment_is_owed_no_more(world, eur):
    invoice(world, eur, "R-1", 1000, order="PO-1")
    pay(world, eur(1000))
    credit(world, eur, 200, order="PO-1")
    invoice(world, eur, "R-2", 700, order="PO-2")
    pay(world, eur(500), "R-2")
    assert world.findings(CODE) == []
    pay(world, eur(100), "R-2")  # 100 short is not what the note took back
    assert [f.amount for f in world.findings(CODE)] == [eur(200)]


def test_where_no_tax_is_told_what_may_be_tax_is_none(world, eur):
    invoice(world, eur, "R-1", 1000)
    pay(world, eur(1300))
    assert world.findings(CODE) == []
    pay(world, eur(1))
    [found] = world.findings(CODE)
    assert (found.amount, found.severity) == (eur(301), "medium")
    assert found.message.endswith("too much; its lines tell no tax, which may be part of it")


def test_where_bills_are_paid_at_what_they_say_nothing_is_taken_for_tax(world, eur):
    invoice(world, eur, "R-1", 1000)
    pay(world, eur(1100))
    assert world.findings(CODE) == []
    invoice(world, eur, "R-2", 700)
    pay(world, eur(700), "R-2")
    [found] = world.findings(CODE)
    assert (found.subject, found.amount, found.severity) == ("Acme R-1", eur(100), "high")


def test_a_bill_that_was_paid_as_it_said_hides_no_tax_when_its_own_number_takes_a_part_back(
    world, eur
):
    invoice(world, eur, "R-1", 1000)
    pay(world, eur(1000))
    credit(world, eur, 200, "R-1")
    [found] = world.findings(CODE)
    assert (found.amount, found.severity) == (eur(200), "high")


def test_that_one_vendor_is_paid_without_tax_says_nothing_of_another(world, eur):
    invoice(world, eur, "F-1", 500, vendor="Foreign")
    pay(world, eur(500), "F-1", vendor="Foreign")  # reverse charge
    invoice(world, eur, "D-1", 1000, vendor="Domestic")
    pay(world, eur(1190), "D-1", vendor="Domestic")
    assert world.findings(CODE) == []
    invoice(world, eur, "T-1", 10, tax=eur(1), vendor="Other")  # the source tells tax after all
    assert [f.subject for f in world.findings(CODE)] == ["Domestic D-1"]


def test_a_credit_note_is_for_the_bill_that_nobody_paid_before_it_is_for_a_paid_one(world, eur):
    invoice(world, eur, "R-1", 1000)
    invoice(world, eur, "R-2", 1000, invoiced_on=date(2026, 3, 5))
    pay(world, eur(1000), "R-2")
    credit(world, eur, 1000)
    assert world.findings(CODE) == []
    pay(world, eur(1000), "R-1")
    assert [(f.subject, f.amount) for f in world.findings(CODE)] == [("Acme R-2", eur(1000))]


def test_a_payment_in_another_currency_has_the_tolerance_of_prices(billed, eur):
    billed.add(FxRate, "1", currency="USD", base="EUR", on=DAY, rate=Decimal("0.5"))
    pay(billed, Money(Decimal("2427.60"), "USD"))  # EUR 1,213.80; 2 % of it are 24.28
    assert billed.findings(CODE) == []
    pay(billed, eur("0.48"))  # 24.28 too much
    assert [f.amount for f in billed.findings(CODE)] == [eur("24.28")]


def test_it_can_be_waived(billed, eur):
    pay(billed, eur(2000))
    billed.options["waivers"] = (
        Waiver(
            finding=CODE, project="NET", subject="Acme R-1", reason="a deposit", author="Ann",
            expires=date(2026, 4, 1),
        ),
    )  # fmt: skip
    [found] = billed.findings(CODE)
    assert found.waiver is not None


def test_bills_of_one_number_of_two_vendors_are_told_apart(billed, eur):
    billed.add(
        InvoiceLine, "other", invoice="R-1", vendor="Bolt", amount=eur(50), invoiced_on=DAY,
    )  # fmt: skip
    pay(billed, eur(1190))
    pay(billed, eur(50), vendor="Bolt")
    assert billed.findings(CODE) == []
    pay(billed, eur(50), vendor="Bolt")
    assert [(f.subject, f.amount) for f in billed.findings(CODE)] == [("Bolt R-1", eur(50))]
