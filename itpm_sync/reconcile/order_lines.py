"""Order lines as the three-way match sees them: quantities and prices out of joined documents."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

from itpm_sync.model import InvoiceLine, Money, OrderLine, currency_exponent
from itpm_sync.reconcile.inputs import Policy
from itpm_sync.reconcile.matching import Line, Tolerance, relative
from itpm_sync.reconcile.money import Documents
from itpm_sync.reconcile.netting import Netted, net_amount
from itpm_sync.reconcile.number import decimal


@dataclass(frozen=True, slots=True)
class Delivery:
    """An order line with what was received and invoiced of it."""

    order: OrderLine
    line: Line
    invoices: tuple[InvoiceLine, ...]
    has_receipts: bool

    @property
    def billed_by_quantity(self) -> bool:
        """Whether every bill says how much it is for; else its quantity is only its share of the
        price, which means nothing to a person.
        """
        return all(i.credit_note or i.quantity for i in self.invoices)

    @property
    def subject(self) -> str:
        """What findings about it, and their waivers, name."""
        return f"{self.order.order} {self.order.line}".strip()

    def tolerance(self, policy: Policy) -> Tolerance:
        """What the policy takes as equal to what was ordered."""
        least = least_amount(policy, self.order.amount.currency)
        return relative(self.line, policy.quantity_tolerance, policy.price_tolerance, least)

    def is_beyond(self, quantity: Fraction, policy: Policy) -> bool:
        """Whether a difference of so many pieces is not tolerated."""
        return quantity > self.tolerance(policy).quantity

    def worth(self, quantity: Fraction) -> Money:
        """So many pieces at the order's price."""
        return Money(decimal(quantity * self.line.order_price), self.order.amount.currency)


@dataclass(frozen=True, slots=True)
class OverDelivery:
    """An order line of which more was received than ordered."""

    code: ClassVar[str] = "receipt-over-order"
    project: str
    delivery: Delivery
    more: Fraction  # pieces

    @property
    def subject(self) -> str:
        """What it is about, for findings and their waivers."""
        return self.delivery.subject

    @property
    def worth(self) -> Money:
        """What is too much, at the order's price."""
        return self.delivery.worth(self.more)


def least_amount(policy: Policy, currency: str) -> Fraction:
    """The amount that is tolerated, whatever its share of the whole."""
    return Fraction(policy.amount_tolerance_minor, 10 ** currency_exponent(currency))


def over_delivered(
    project: str, found: Iterable[Delivery], policy: Policy
) -> Iterator[OverDelivery]:
    """The lines of a project of which more was received than ordered, beyond the tolerance."""
    for d in found:
        more = d.line.received - Fraction(d.order.quantity)
        if more > 0 and d.is_beyond(more, policy):
            yield OverDelivery(project, d, more)


def deliveries(documents: Documents, number: str) -> Iterable[Delivery]:
    """The lines of an order that can be matched by quantity.

    A line without quantity or price cannot be, nor one with invoices in another currency; one of
    which nothing is received or invoiced is left out. Invoices that name no line belong to the only
    line of their order, else to none.
    """
    for order in documents.lines_of(number):
        netted = documents.netted.get(order.id)
        if netted is None or not order.quantity or not order.amount.amount:
            continue
        invoices = tuple(documents.bills.get(order.id, ()))
        if not (invoices or netted.has_receipts):
            continue
        if all(i.amount.currency == order.amount.currency for i in invoices):
            yield Delivery(order, _line(netted, invoices), invoices, netted.has_receipts)


def _line(netted: Netted, invoices: Iterable[InvoiceLine]) -> Line:
    order = netted.line
    ordered = Fraction(order.quantity)
    price = netted.ordered / ordered
    quantity = sum((_quantity(i, price) for i in invoices), Fraction(0))
    value = sum((net_amount(i) for i in invoices), Fraction(0))
    return Line(
        ordered=ordered,
        order_price=price,
        received=netted.received / price,
        invoiced=quantity,
        invoice_price=value / quantity if quantity else price,
    )


def _quantity(invoice: InvoiceLine, price: Fraction) -> Fraction:
    """What a line bills, in its own word, be it of another unit: a price that is far from the
    order's is what the match looks for. Without a quantity (0 is none) it is taken at the order's
    price, and a credit note without one corrects the price.
    """
    if not invoice.quantity:
        return Fraction(0) if invoice.credit_note else net_amount(invoice) / price
    quantity = Fraction(invoice.quantity)
    return -abs(quantity) if invoice.credit_note else quantity
