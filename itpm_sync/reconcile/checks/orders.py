"""Checks of order lines against receipts and invoices: the three-way match, one function a code."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from itpm_sync.model import Money, OrderLine
from itpm_sync.reconcile.facts import ProjectFacts, finding
from itpm_sync.reconcile.folding import fold
from itpm_sync.reconcile.matching import is_other_price
from itpm_sync.reconcile.netting import is_closed
from itpm_sync.reconcile.number import decimal
from itpm_sync.reconcile.order_lines import Delivery, least_amount, over_delivered
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
    return max(least_amount(p.policy, currency), ordered * Fraction(p.policy.price_tolerance))


def _told(d: Delivery, *quantities: Fraction) -> Iterator[str]:
    """Quantities, or what they are worth at the order's price where no bill speaks of them."""
    for quantity in quantities:
        yield _number(quantity) if d.billed_by_quantity else str(d.worth(quantity))


def invoice_over_receipt(p: ProjectFacts) -> Iterator[Finding]:
    """More is invoiced than was received, where the order's source books receipts."""
    books = p.documents.books_receipts
    for d in p.deliveries:
        more = d.line.quantity_variance
        if d.order.ref.connection not in books or not d.is_beyond(more, p.policy):
            continue
        whole = Fraction(d.order.quantity)
        invoiced, received, ordered = _told(d, d.line.invoiced, d.line.received, whole)
        got = f"received {received}" if d.line.received else "received nothing"
        amount = d.worth(more)
        yield finding(
            "invoice-over-receipt",
            Severity.HIGH if d.line.received else Severity.MEDIUM,
            p.code,
            d.subject,
            f"Order {d.order.order} line {d.order.line}: invoiced {invoiced}, "
            f"{got} of {ordered} ordered; {amount} is billed for what "
            "has not come",
            action="Hold the payment until the goods are received or the vendor credits them.",
            amount=amount,
            evidence=[d.order, *d.invoices],
        )


def receipt_over_order(p: ProjectFacts) -> Iterator[Finding]:
    """More was received than was ordered: its cost is in AC, though nothing is paid for it yet."""
    for over in over_delivered(p.code, p.deliveries, p.policy):
        d, worth = over.delivery, over.worth
        least = least_amount(p.policy, worth.currency)
        yield finding(
            "receipt-over-order",
            Severity.LOW if abs(worth.amount) <= least else Severity.MEDIUM,
            p.code,
            over.subject,
            f"Order {d.order.order} line {d.order.line}: received {_number(d.line.received)} of "
            f"{_number(Fraction(d.order.quantity))} ordered: {worth} too much",
            action="Return what was not ordered, or change the order before it is billed.",
            amount=worth,
            evidence=[d.order],
        )


def short_delivery(p: ProjectFacts) -> Iterator[Finding]:
    """An order line was closed before all of it was received."""
    for d in p.deliveries:
        missing = Fraction(d.order.quantity) - d.line.received
        if not (is_closed(d.order) and d.has_receipts and d.is_beyond(missing, p.policy)):
            continue
        yield finding(
            "short-delivery",
            Severity.MEDIUM,
            p.code,
            d.subject,
            f"Order {d.order.order} line {d.order.line} is closed with {_number(d.line.received)} "
            f"of {_number(Fraction(d.order.quantity))} received",
            action="Ask whether the rest is still needed; reopen the order or lower it.",
            amount=d.worth(missing),
            evidence=[d.order],
        )


def invoice_price_above_order(p: ProjectFacts) -> Iterator[Finding]:
    """The unit price invoiced is above that of the order, though the order as a whole is not."""
    for d in p.deliveries:
        more = d.line.invoice_price - d.line.order_price
        if more <= 0 or d.line.invoiced <= 0 or not is_other_price(d.line, d.tolerance(p.policy)):
            continue
        if _over(p, fold(d.order.order)) is not None:
            continue  # invoice-over-order says it already
        currency = d.order.amount.currency
        yield finding(
            "invoice-price-above-order",
            Severity.MEDIUM,
            p.code,
            d.subject,
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
