"""Invoices against orders and each other: without order, beyond it, booked twice."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest

from itpm_sync.model import InvoiceLine, Money, Payment, Receipt
from itpm_sync.reconcile.duplicate_invoices import almost_same, normalised_number
from itpm_sync.reconcile.explain import Explainer
from itpm_sync.reconcile.inputs import ProjectSetup
from tests.reconcile.documents import DAY, invoice, order


def test_invoice_without_order(world, eur):
    order(world, eur, "PO-1", "100")
    invoice(world, eur, "R-1", "10", order="po-1")
    invoice(world, eur, "R-2", "10", contract="C-9")
    invoice(world, eur, "R-3", "10", credit_note=True)
    assert world.findings("invoice-without-order") == []
    invoice(world, eur, "R-4", "10", order="PO-8")
    invoice(world, eur, "R-5", "10", project_key="unknown")
    found = world.findings("invoice-without-order")
    assert [(f.project, f.subject) for f in found] == [("", "Acme R-5"), ("NET", "Acme R-4")]


def test_invoices_over_their_order_beyond_two_percent(world, eur):
    order(world, eur, "PO-1", "1000")
    invoice(world, eur, "R-1", "1020", order="PO-1")
    assert world.findings("invoice-over-order") == []
    invoice(world, eur, "R-2", "0.01", order="PO-1")
    [found] = world.findings("invoice-over-order")
    assert found.amount == eur("20.01")


def test_published_three_way_match_over_billing(vector, world, eur):
    case = vector("13")["inputs_reconstructed"]
    for po, item, quantity, price in case["po"]:
        order(world, eur, po, str(quantity * Decimal(price)), quantity=Decimal(quantity), line=item)
    for po, item, quantity in case["grn"]:
        world.add(Receipt, po, order=po, line=item, quantity=Decimal(quantity), received_on=DAY)
    for po, item, quantity, price in case["inv"]:
        amount = str(quantity * Decimal(price))
        invoice(world, eur, f"I-{po}", amount, order=po, order_line=item)
    # By value: 60 × 5.50 of 50 × 5 and 40 × 5.50 of 40 × 5; 1000 × 5.02 is within 2 %.
    assert [(f.subject, f.amount) for f in world.findings("invoice-over-order")] == [
        ("PO-1005", eur(80)),
        ("PO-1007", eur(20)),
    ]
    assert [f.subject for f in world.findings("invoice-without-order")] == ["Acme I-PO-9999"]
    found = world.figures()
    # Ordered − the larger of received and invoiced: 1003: 500 − 125; 1004: 1,000 − 950 invoiced;
    # 1006: 500 − 385 invoiced; the others are delivered or billed in full or over.
    assert found["committed"] == 375 + 50 + 115


def test_same_number_twice_is_a_duplicate_however_it_is_written(world, eur):
    assert normalised_number("inv-00042/a") == normalised_number("INV 42 A") == "INV42A"
    assert normalised_number("100") == "100"
    invoice(world, eur, "INV-0042", "100", vendor="ACME")
    invoice(world, eur, "inv 42", "100", vendor="Acme ")
    invoice(world, eur, "INV-42", "-60", credit_note=True)  # another kind of document
    invoice(world, eur, "INV-42", "100", source_id="other", vendor="Other")
    [found] = world.findings("duplicate-invoice")
    assert found.amount == eur(100)
    assert found.message == (
        "Invoice INV-0042 = inv 42 of ACME is booked more than once: EUR 100.00 too much"
    )


def test_a_credit_note_is_called_one_by_its_kind_or_by_its_sign(world, eur):
    invoice(world, eur, "G-1", "60", credit_note=True)
    invoice(world, eur, "g1", "60", credit_note=True)
    invoice(world, eur, "G-2", "-70")
    [twice] = world.findings("duplicate-invoice")
    assert twice.message.startswith("Credit note G-1 = g1 of Acme is booked more than once")
    assert "make the cost too low" in twice.action
    assert [e.label for e in twice.evidence] == [
        "Credit note G-1 line 1, EUR 60.00", "Credit note g1 line 1, EUR 60.00",
    ]  # fmt: skip
    [loose] = world.findings("invoice-without-order")
    assert loose.message.startswith("Credit note Acme G-2 of ")
    explained = Explainer(world.inputs(), "NET").of("invoiced").parts
    # a single line does not tell whether all of its document is below 0
    assert sorted(p.label for p in explained) == [
        "Credit note G-1 line 1, EUR 60.00", "Credit note g1 line 1, EUR 60.00",
        "Invoice G-2 line 1, EUR −70.00",
    ]  # fmt: skip


def test_a_line_below_0_makes_no_credit_note_of_a_bill(world, eur):
    invoice(world, eur, "R-1", "100", line="1")
    invoice(world, eur, "R-1", "-5", source_id="R-1/2", line="2")
    [found] = world.findings("invoice-without-order")
    assert found.message.startswith("Invoice Acme R-1 of ")
    assert [e.label for e in found.evidence] == [
        "Invoice R-1 line 1, EUR 100.00", "Invoice R-1 line 2, EUR −5.00",
    ]  # fmt: skip


def test_a_copy_that_a_credit_note_took_back_is_no_duplicate_any_more(world, eur):
    invoice(world, eur, "R-1", "500")
    invoice(world, eur, "R-01", "500", invoiced_on=DAY + timedelta(days=1))
    invoice(world, eur, "R-001", "500", invoiced_on=DAY + timedelta(days=1))
    [found] = world.findings("duplicate-invoice")
    assert found.amount == eur(1000)
    later = {"credit_note": True, "invoiced_on": DAY + timedelta(days=2)}
    invoice(world, eur, "G-1", "500", **later)
    [found] = world.findings("duplicate-invoice")
    assert found.amount == eur(500)  # three were booked, one is credited
    invoice(world, eur, "R-1", "-500", source_id="G-2", **later)
    assert world.findings("duplicate-invoice") == []


def test_a_repeated_line_that_a_credit_note_took_back_is_no_duplicate_any_more(world, eur):
    for n in range(3):
        invoice(world, eur, "R-1", "70", source_id=f"first-{n}")
    [found] = world.findings("duplicate-invoice")
    assert found.amount == eur(140)
    invoice(world, eur, "G-1", "70", credit_note=True)
    [found] = world.findings("duplicate-invoice")
    assert found.amount == eur(70)


def test_a_credit_note_takes_back_the_bill_that_bears_its_number_else_the_latest(world, eur):
    invoice(world, eur, "R-1", "500")
    invoice(world, eur, "R-01", "500", invoiced_on=DAY + timedelta(days=1))
    invoice(world, eur, "Q-77", "500", invoiced_on=DAY + timedelta(days=2))
    later = {"credit_note": True, "invoiced_on": DAY + timedelta(days=3)}
    invoice(world, eur, "G-1", "500", **later)  # that of Q-77, so the copy of R-1 stands
    assert soft(world) == [("high", "Acme R1")]
    world.records["invoice_line"].pop()
    invoice(world, eur, "R-1", "500", source_id="G-1", **later)
    assert soft(world) == [("low", "Acme Q77 ~ R1")]


def test_documents_that_clash_are_found_in_their_project_else_in_the_portfolio(world, eur):
    world.others.append(ProjectSetup(code="WAN", name="Wide area", currency="EUR"))
    invoice(world, eur, "R-1", "100")
    invoice(world, eur, "R-01", "100")
    invoice(world, eur, "R-2", "200")
    invoice(world, eur, "R-02", "200", project_key="WAN")
    invoice(world, eur, "R-3", "300", project_key="WAN")
    invoice(world, eur, "R-03", "300", project_key="nobody's")
    world.add(Receipt, "g1", order="PO-7", quantity=Decimal(1), received_on=DAY)
    world.add(Payment, "p1", invoice="R-9", amount=eur(5), paid_on=DAY, project_key="WAN")
    snapshot = world.snapshot()
    codes = ("duplicate-invoice", "receipt-without-order", "payment-without-invoice")

    def of(findings):
        return [(f.code, f.project, f.message[:15]) for f in findings if f.code in codes]

    net, wan = snapshot.projects
    assert of(net.findings) == [
        ("duplicate-invoice", "NET", "Invoice R-01 = "),
        ("receipt-without-order", "NET", "1 receipt names"),
    ]
    assert of(wan.findings) == [("payment-without-invoice", "WAN", "1 payment (EUR ")]
    assert of(snapshot.findings) == [
        ("duplicate-invoice", "", "Invoice R-02 = "),
        ("duplicate-invoice", "", "Invoice R-03 = "),
    ]


def test_lines_of_one_invoice_are_no_duplicates_but_a_repeated_line_is(world, eur):
    for line, amount in (("1", 10), ("2", 10), ("1", 25)):
        name = f"R{line}{amount}"
        invoice(world, eur, "R-1", amount, line=line, source_id=name)
    assert world.findings("duplicate-invoice") == []
    invoice(world, eur, "R-1", 25, line="1", source_id="again")
    [found] = world.findings("duplicate-invoice")
    assert found.amount == eur(25)


@pytest.mark.parametrize(
    ("a", "b", "alike"),
    [
        ("R1032", "R1023", True), ("R1032", "R1033", True), ("R1032", "R132", True),
        ("R1032", "R10322", True), ("R1032", "X1032", True), ("1234", "1235", True),
        ("R1032", "R1045", False), ("R1032", "R2301", False), ("R1032", "R10", False),
        ("R1", "R2", False), ("", "", False), ("R1032", "R1032", False),
    ],
)  # fmt: skip
def test_numbers_one_slip_of_the_hand_apart_are_almost_the_same(a, b, alike):
    assert almost_same(a, b) is almost_same(b, a) is alike


def soft(world):
    return [(f.severity, f.subject) for f in world.findings("duplicate-invoice")]


def test_same_gross_under_almost_the_same_number_is_a_strong_duplicate(world, eur):
    invoice(world, eur, "R-1032", "100", tax=eur("19"))
    invoice(world, eur, "R-1023", "119.01", invoiced_on=date(2025, 6, 1))
    assert soft(world) == [("medium", "Acme R1023 ~ R1032")]
    [found] = world.findings("duplicate-invoice")
    assert found.message == (
        "Invoices R-1023 of 1 Jun 2025 and R-1032 of 2 Mar 2026 from Acme look like one: "
        "EUR 119.00, 274 days apart, almost the same number"
    )
    assert found.amount == eur(100)


def test_two_cents_another_currency_or_another_vendor_are_no_strong_duplicate(world, eur):
    invoice(world, eur, "R-1032", "100")
    invoice(world, eur, "R-1033", "100.02")
    invoice(world, eur, "R-1034", "100", vendor="Other")
    world.add(InvoiceLine, "usd", invoice="R-1035", vendor="Acme", invoiced_on=DAY,
              amount=Money(Decimal(100), "USD"))  # fmt: skip
    assert soft(world) == []


@pytest.mark.parametrize(("days", "found"), [(0, True), (30, True), (31, False)])
def test_same_gross_within_thirty_days_is_a_weak_duplicate(world, eur, days, found):
    invoice(world, eur, "R-1032", "100")
    invoice(world, eur, "77/B", "100", invoiced_on=DAY - timedelta(days=days))
    assert soft(world) == ([("low", "Acme 77B ~ R1032")] if found else [])


def test_a_cent_more_is_no_weak_duplicate(world, eur):
    invoice(world, eur, "R-1032", "100")
    invoice(world, eur, "77/B", "100.01")
    assert soft(world) == []


def test_a_bill_a_cent_away_hides_no_duplicate(world, eur):
    invoice(world, eur, "R-1032", "100")
    invoice(world, eur, "R-1023", "100", invoiced_on=DAY + timedelta(days=2))
    invoice(world, eur, "Q-77", "100.01", invoiced_on=date(2019, 1, 1))
    assert soft(world) == [("medium", "Acme R1023 ~ R1032")]


def test_a_negative_invoice_takes_back_what_it_credits(world, eur):
    invoice(world, eur, "R-1032", "100")
    invoice(world, eur, "R-2099", "-100", invoiced_on=DAY + timedelta(days=1))
    invoice(world, eur, "R-1040", "100", invoiced_on=DAY + timedelta(days=2))
    assert soft(world) == []


def test_an_invoice_below_0_is_no_second_booking_of_the_one_it_takes_back(world, eur):
    invoice(world, eur, "R-1001", "100")
    invoice(world, eur, "R-1001", "-100", source_id="back", invoiced_on=DAY + timedelta(days=1))
    assert world.findings("duplicate-invoice") == []
    # of two alike one was taken back: 100 + 100 − 100, so nothing is too much
    invoice(world, eur, "R-1002", "100", invoiced_on=DAY + timedelta(days=2))
    assert world.findings("duplicate-invoice") == []
    assert "disputed" not in world.figures()


def test_of_a_number_booked_twice_an_invoice_below_0_takes_back_the_copy(world, eur):
    for n in range(3):
        invoice(world, eur, "R-1", "100", source_id=f"R{n}", invoiced_on=DAY + timedelta(days=n))
    invoice(world, eur, "R-1", "-100", source_id="back", invoiced_on=DAY + timedelta(days=4))
    [found] = world.findings("duplicate-invoice")
    assert found.amount == eur(100)  # 3 × 100 − 100 is booked, 100 is due
    # the same correction under the number of an invoice, booked twice, is a credit note twice
    for day in (5, 6):
        on = DAY + timedelta(days=day)
        invoice(world, eur, "G-7", "-30", source_id=f"G{day}", invoiced_on=on)
    _, twice = sorted(world.findings("duplicate-invoice"), key=lambda f: f.subject, reverse=True)
    assert twice.message.startswith("Credit note G-7 of Acme is booked more than once: EUR −30.00")


def test_a_bill_with_a_discount_line_is_an_invoice_and_its_copy_one_too(world, eur):
    for n in range(2):
        booked = {"invoiced_on": DAY + timedelta(days=n)}
        invoice(world, eur, "R-1", "1000", source_id=f"a{n}", line="1", **booked)
        invoice(world, eur, "R-1", "-50", source_id=f"b{n}", line="2", **booked)
    [found] = world.findings("duplicate-invoice")
    assert found.message.startswith("Invoice R-1 of Acme is booked more than once: EUR 950.00")


def test_what_bills_other_goods_or_another_time_is_no_duplicate(world, eur):
    order(world, eur, "PO-1", "100")
    order(world, eur, "PO-2", "100")
    invoice(world, eur, "R-1032", "100", order="PO-1")
    invoice(world, eur, "R-1033", "100", order="PO-2")
    invoice(world, eur, "S-2001", "70", attributes={"service_period": "January"})
    invoice(world, eur, "S-2002", "70", attributes={"service_period": "February"})
    assert soft(world) == []


def test_an_invoice_that_was_credited_and_written_anew_is_no_duplicate(world, eur):
    invoice(world, eur, "R-1032", "100")
    invoice(world, eur, "R-1033", "100", invoiced_on=DAY + timedelta(days=3))
    assert len(soft(world)) == 1
    credited = {"credit_note": True, "invoiced_on": DAY + timedelta(days=3)}
    invoice(world, eur, "G-9", "-100", **credited)
    assert soft(world) == []


def test_bills_of_a_schedule_are_no_duplicates_but_two_on_one_day_are(world, eur):
    for month in (1, 2, 3):
        invoice(world, eur, f"R-100{month}", "100", invoiced_on=date(2026, month, 5))
    assert soft(world) == []
    invoice(world, eur, "R-1030", "100", invoiced_on=date(2026, 3, 5))
    assert soft(world) == [("medium", "Acme R1003 ~ R1030")]
    invoice(world, eur, "R-1031", "100", invoiced_on=date(2026, 3, 5))
    assert soft(world) == []  # three at once: a bill for each of several, as a rule


def test_a_pair_keeps_its_identity_when_its_dates_change(world, eur):
    invoice(world, eur, "R-1032", "100")
    invoice(world, eur, "R-1023", "100")
    [before] = world.findings("duplicate-invoice")
    world.records["invoice_line"] = []
    invoice(world, eur, "R-1032", "100", invoiced_on=date(2026, 1, 7))
    invoice(world, eur, "R-1023", "100")
    [after] = world.findings("duplicate-invoice")
    assert before.key == after.key


def test_receipt_for_an_unknown_order(world):
    world.add(Receipt, "g", order="PO-7", quantity=Decimal(1), received_on=DAY)
    [found] = world.findings("receipt-without-order")
    assert found.subject == "PO-7"
