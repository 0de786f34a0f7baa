"""Checks of order lines against receipts and invoices: the three-way match, one function a code."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from itpm_sync.model import Money, OrderLine, currency_exponent
from itpm_sync.reconcile.facts import ProjectFacts, finding
from itpm_sync.reconcile.folding import fold
from itpm_sync.reconcile.matching import Tolerance, is_other_price, relative
from itpm_sync.reconcile.netting import is_closed
from itpm_sync.reconcile.number import decimal
from itpm_sync.reconcile.order_lines import Delivery
from itpm_sync.reconcile.status import Finding, Severity
from itpm_sync.reconcile.wording import money, show


def invoice_over_order(p: ProjectFacts) -> Iterator[Finding]:
    """More is invoiced than was ordered, beyond the tolerance."""
    for number in _orders(p):
        over = _over(p, number)
        if over is None:
            continue
        ordered, invoiced, currency = over
        name = p.documents.lines_of(number)[0].order
        more = Money(decimal(invoiced - ordered), currency)
        yield finding(
            "invoice-over-order",
            Severity.HIGH,
            p.code,
            name,
            f"Order {name}: invoiced {money(invoiced, currency)} − ordered "
            f"{money(ordered, currency)} = {more} too much "
            f"({money(_tolerated(p, ordered, currency), currency)} is tolerated)",
            action="Hold the payment until the order is changed or the invoice corrected.",
            amount=more,
            evidence=p.documents.invoices_of_order.get(number, ()),
        )


def _orders(p: ProjectFacts) -> list[str]:
    return sorted({fold(o.record.order) for o in p.records.of(OrderLine)})


def _over(p: ProjectFacts, number: str) -> tuple[Fraction, Fraction, str] | None:
    """What was ordered and invoiced, with the currency, if it is too much."""
    lines = p.documents.lines_of(number)
    known = [n for o in lines if (n := p.documents.netted.get(o.id))]
    if not known or len({n.line.amount.currency for n in known}) > 1:
        return None
    ordered = sum((n.ordered for n in known), Fraction(0))
    invoiced = sum((n.invoiced for n in known), Fraction(0))
    currency = known[0].line.amount.currency
    if invoiced - ordered <= _tolerated(p, ordered, currency):
        return None
    return ordered, invoiced, currency


def _tolerated(p: ProjectFacts, ordered: Fraction, currency: str) -> Fraction:
    """The larger of the share of an amount and the absolute tolerance."""
    return max(_least(p, currency), ordered * Fraction(p.policy.price_tolerance))


def _least(p: ProjectFacts, currency: str) -> Fraction:
    return Fraction(p.policy.amount_tolerance_minor, 10 ** currency_exponent(currency))


def _tolerance(p: ProjectFacts, d: Delivery) -> Tolerance:
    least = _least(p, d.order.amount.currency)
    return relative(d.line, p.policy.quantity_tolerance, p.policy.price_tolerance, least)


def _beyond(p: ProjectFacts, d: Delivery, quantity: Fraction) -> bool:
    return quantity > _tolerance(p, d).quantity


def _worth(d: Delivery, quantity: Fraction) -> Money:
    return Money(decimal(quantity * d.line.order_price), d.order.amount.currency)


def _told(d: Delivery, *quantities: Fraction) -> Iterator[str]:
    """Quantities, or what they are worth at the order's price where no bill speaks of them."""
    for quantity in quantities:
        yield _number(quantity) if d.billed_by_quantity else str(_worth(d, quantity))


def _subject(d: Delivery) -> str:
    return f"{d.order.order} {d.order.line}".strip()


def invoice_over_receipt(p: ProjectFacts) -> Iterator[Finding]:
    """More is invoiced than was received, where the order's source books receipts."""
    books = p.documents.books_receipts
    for d in p.deliveries:
        more = d.line.quantity_variance
        if d.order.ref.connection not in books or not _beyond(p, d, more):
            continue
        whole = Fraction(d.order.quantity)
        invoiced, received, ordered = _told(d, d.line.invoiced, d.line.received, whole)
        got = f"received {received}" if d.line.received else "received nothing"
        amount = _worth(d, more)
        yield finding(
            "invoice-over-receipt",
            Severity.HIGH if d.line.received else Severity.MEDIUM,
            p.code,
            _subject(d),
            f"Order {d.order.order} line {d.order.line}: invoiced {invoiced}, "
            f"{got} of {ordered} ordered; {amount} is billed for what "
            "has not come",
            action="Hold the payment until the goods are received or the vendor credits them.",
            amount=amount,
            evidence=[d.order, *d.invoices],
        )


def receipt_over_order(p: ProjectFacts) -> Iterator[Finding]:
    """More was received than was ordered."""
    return (found for _, found in over_delivered(p))


def over_delivered(p: ProjectFacts) -> Iterator[tuple[Delivery, Finding]]:
    """Order lines of which more was received than ordered; the finding's amount is its worth."""
    for d in p.deliveries:
        more = d.line.received - Fraction(d.order.quantity)
        if more <= 0 or not _beyond(p, d, more):
            continue
        told = finding(
            "receipt-over-order",
            Severity.LOW,
            p.code,
            _subject(d),
            f"Order {d.order.order} line {d.order.line}: received {_number(d.line.received)} of "
            f"{_number(Fraction(d.order.quantity))} ordered",
            action="Return what was not ordered, or change the order before it is billed.",
            amount=_worth(d, more),
            evidence=[d.order],
        )
        yield d, told


def short_delivery(p: ProjectFacts) -> Iterator[Finding]:
    """An order line was closed before all of it was received."""
    for d in p.deliveries:
        missing = Fraction(d.order.quantity) - d.line.received
        if not (is_closed(d.order) and d.has_receipts and _beyond(p, d, missing)):
            continue
        yield finding(
            "short-delivery",
            Severity.MEDIUM,
            p.code,
            _subject(d),
            f"Order {d.order.order} line {d.order.line} is closed with {_number(d.line.received)} "
            f"of {_number(Fraction(d.order.quantity))} received",
            action="Ask whether the rest is still needed; reopen the order or lower it.",
            amount=_worth(d, missing),
            evidence=[d.order],
        )


def invoice_price_above_order(p: ProjectFacts) -> Iterator[Finding]:
    """The unit price invoiced is above that of the order, though the order as a whole is not."""
    for d in p.deliveries:
        more = d.line.invoice_price - d.line.order_price
        if more <= 0 or d.line.invoiced <= 0 or not is_other_price(d.line, _tolerance(p, d)):
            continue
        if _over(p, fold(d.order.order)) is not None:
            continue  # invoice-over-order says it already
        currency = d.order.amount.currency
        yield finding(
            "invoice-price-above-order",
            Severity.MEDIUM,
            p.code,
            _subject(d),
            f"Order {d.order.order} line {d.order.line}: invoiced at "
            f"{money(d.line.invoice_price, currency)} each, ordered at "
            f"{money(d.line.order_price, currency)}",
            action="Ask the vendor for the agreed price, or have the order changed.",
            amount=Money(decimal(more * d.line.invoiced), currency),
            evidence=[d.order, *d.invoices],
        )


def _number(value: Fraction) -> str:
    """A quantity without decimals that say nothing."""
    return show(value, 0 if value.denominator == 1 else 2)
