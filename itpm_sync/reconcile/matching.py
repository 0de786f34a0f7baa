"""Three-way match: what was ordered, what was received and what was invoiced, line by line.

A decision table over exact numbers, nothing else. Statuses, in the order in which they are decided:
`orphan` (no order line), `not started`, `matched` (within the tolerances), `check` (within twice
the quantity and three times the value), `exception`. What is not matched carries the first reason
that is true of it. The order of decisions and of reasons is that of the published example which the
tests reproduce.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from itpm_sync.reconcile.number import Exact


class Status(StrEnum):
    """How well three documents agree."""

    ORPHAN = "orphan"
    NOT_STARTED = "not started"
    MATCHED = "matched"
    CHECK = "check"
    EXCEPTION = "exception"


class Reason(StrEnum):
    """Why a line is not matched."""

    NONE = ""
    ORPHAN = "receipt or invoice without an order line"
    NOT_STARTED = "neither received nor invoiced yet"
    NOT_RECEIVED = "invoiced, but nothing is received"
    OVER_BILLED = "invoiced for more than was received"
    OVER_DELIVERED = "received more than was ordered"
    SHORT = "received less than was ordered"
    PRICE = "the invoice's price is not the order's"
    VALUE = "the quantities agree, the value does not"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Quantities and unit prices of one order line, in one currency.

    `ordered` is None where receipts or invoices name no line of an order.
    """

    ordered: Fraction | None
    order_price: Fraction
    received: Fraction
    invoiced: Fraction
    invoice_price: Fraction

    @property
    def quantity_variance(self) -> Fraction:
        """Invoiced − received."""
        return self.invoiced - self.received

    @property
    def value_variance(self) -> Fraction:
        """Invoiced at its price − received at the order's price."""
        return self.invoiced * self.invoice_price - self.received * self.order_price


@dataclass(frozen=True, slots=True)
class Tolerance:
    """What is still taken as equal: a quantity, a value, a share of the order's price, and an
    amount of the line that its price may make however large the share is.
    """

    quantity: Fraction
    value: Fraction
    price_share: Fraction
    amount: Fraction = Fraction(0)


def relative(line: Line, quantity_share: Exact, price_share: Exact, amount: Exact = 0) -> Tolerance:
    """Tolerances as shares of what was ordered and of its price, as policies state them.

    Of the share of the price and the absolute `amount` the larger holds; a quantity has its share.
    """
    ordered, price = abs(line.ordered or Fraction(0)), Fraction(price_share)
    least = Fraction(amount)
    value = max(least, price * abs(line.received * line.order_price))
    return Tolerance(Fraction(quantity_share) * ordered, value, price, least)


@dataclass(frozen=True, slots=True)
class Match:
    """The verdict on one line."""

    status: Status
    reason: Reason


def match(line: Line, tolerance: Tolerance) -> Match:
    """Judge one line."""
    status = _status(line, tolerance)
    return Match(status, Reason.NONE if status is Status.MATCHED else _reason(line, tolerance))


def _status(line: Line, tolerance: Tolerance) -> Status:
    if line.ordered is None:
        return Status.ORPHAN
    if not line.received and not line.invoiced:
        return Status.NOT_STARTED
    quantity, value = abs(line.quantity_variance), abs(line.value_variance)
    if quantity <= tolerance.quantity and value <= tolerance.value:
        return Status.MATCHED
    if quantity <= 2 * tolerance.quantity and value <= 3 * tolerance.value:
        return Status.CHECK
    return Status.EXCEPTION


def _reason(line: Line, tolerance: Tolerance) -> Reason:
    ordered = line.ordered
    if ordered is None:
        return Reason.ORPHAN
    table = (
        (not line.received and not line.invoiced, Reason.NOT_STARTED),
        (not line.received and line.invoiced > 0, Reason.NOT_RECEIVED),
        (line.invoiced > line.received, Reason.OVER_BILLED),
        (line.received > ordered, Reason.OVER_DELIVERED),
        (line.received < ordered, Reason.SHORT),
        (is_other_price(line, tolerance), Reason.PRICE),
    )
    return next((reason for holds, reason in table if holds), Reason.VALUE)


def is_other_price(line: Line, tolerance: Tolerance) -> bool:
    """Whether the invoice's unit price differs from the order's beyond the tolerance."""
    other = abs(line.invoice_price - line.order_price)
    if tolerance.amount and other * abs(line.invoiced) <= tolerance.amount:
        return False
    return other > line.order_price * tolerance.price_share
