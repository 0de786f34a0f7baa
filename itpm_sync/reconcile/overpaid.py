"""Invoices for which more was paid than is due: what is billed, less what credit notes take back.

A credit note is that of the bill of its own number; else of the latest bill of its vendor before it
over the same gross, of one that nobody paid first; else of the only one before it that names its
order. What it takes back of a bill that is paid is owed to us, until it was paid back or taken off
another payment.
"""

from __future__ import annotations

from bisect import insort
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction

from itpm_sync.model import InvoiceLine, Payment
from itpm_sync.reconcile.folding import fold
from itpm_sync.reconcile.inputs import Policy
from itpm_sync.reconcile.money import Settlement, gross_amount
from itpm_sync.reconcile.number import exact_sum
from itpm_sync.reconcile.order_lines import least_amount

_UNTOLD_TAX = Fraction(30, 100)  # of what is billed without tax; the highest VAT rates are below
Stream = tuple[str, str]


@dataclass(slots=True, eq=False)
class Overpaid:
    """A bill with its credit notes and everything that was paid for them, gross."""

    bill: Settlement
    notes: list[Settlement] = field(default_factory=list)
    tells_tax: bool = True  # else what is too much may in part be tax that its lines do not tell

    @property
    def lines(self) -> Sequence[InvoiceLine]:
        """Those of the bill."""
        return self.bill.lines

    @property
    def on(self) -> date:
        """The day of the bill."""
        return self.bill.lines[0].invoiced_on

    @property
    def payments(self) -> Sequence[Payment]:
        """Those of the bill and of its credit notes."""
        return [p for one in (self.bill, *self.notes) for p, _ in one.payments]

    @property
    def billed(self) -> Fraction:
        """What the bill bills, without what lines of its own number take back."""
        return exact_sum(g for i in self.lines if (g := gross_amount(i)) > 0 or not i.credit_note)

    @property
    def credited(self) -> Fraction:
        """What credit notes take back, of its own number and of others."""
        return self.billed - self.due

    @property
    def due(self) -> Fraction:
        """What is to be paid in all."""
        return exact_sum(one.gross for one in (self.bill, *self.notes))

    @property
    def paid(self) -> Fraction:
        """What was paid, less what came back."""
        return exact_sum(one.paid for one in (self.bill, *self.notes))

    @property
    def excess(self) -> Fraction:
        """What is too much."""
        return self.paid - self.due


def overpaid(settlements: Iterable[Settlement], policy: Policy) -> Iterator[Overpaid]:
    """What is overpaid beyond the tolerance, by vendor and number."""
    payees: dict[tuple[str, str], list[Settlement]] = defaultdict(list)
    for one in settlements:
        if len({i.amount.currency for i in one.lines}) == 1:
            payees[fold(one.lines[0].vendor), one.currency].append(one)
    tells_tax = frozenset(_stream(s) for found in payees.values() for s in found if _has_tax(s))
    for _, found in sorted(payees.items()):
        if not any(s.payments or s.marked for s in found):
            continue
        at_net = tells_tax.union(_stream(s) for s in found if _is_paid_at_net(s))
        bills = sorted((Overpaid(s) for s in found if s.gross >= 0), key=_ranked)
        _attach([s for s in found if s.gross < 0], bills)
        for bill in bills:
            bill.tells_tax = _stream(bill.bill) in at_net or not bill.payments
        least = least_amount(policy, found[0].currency)
        short = [b.due - b.paid for b in bills if 0 < b.paid < b.due - least]
        for bill in bills:
            excess = bill.excess
            if excess <= least or excess <= _tolerated(bill, policy, least):
                continue
            if not _is_set_off(bill, short, least):
                yield bill


def _ranked(bill: Overpaid) -> tuple[date, str]:
    return bill.on, bill.lines[0].id


def _stream(one: Settlement) -> Stream:
    ref = one.lines[0].ref
    return ref.connection, ref.stream


def _has_tax(one: Settlement) -> bool:
    return any(i.tax for i in one.lines)


def _is_paid_at_net(one: Settlement) -> bool:
    """Whether it was paid to the cent, with or without what its own number takes back, though it
    tells no tax: so its vendor charges none, or what the source gives for the vendor is gross. Of
    other vendors that says nothing.
    """
    paid = [amount for _, amount in one.payments]
    billed = exact_sum(gross_amount(i) for i in one.lines if not i.credit_note)
    return not ({one.gross, billed} - {0}).isdisjoint({*paid, exact_sum(paid)})


def _tolerated(bill: Overpaid, policy: Policy, least: Fraction) -> Fraction:
    """The absolute tolerance; of payments in another currency the share of prices, as banks have
    rates of their own; where no tax is told, what may be tax.
    """
    abroad = exact_sum(
        abs(amount)
        for one in (bill.bill, *bill.notes)
        for payment, amount in one.payments
        if payment.amount.currency != one.currency
    )
    tax = Fraction(0) if bill.tells_tax else _UNTOLD_TAX * bill.due
    return max(least, Fraction(policy.price_tolerance) * abroad, tax)


def _is_set_off(bill: Overpaid, short: list[Fraction], least: Fraction) -> bool:
    """Whether another bill of the vendor was paid short by what this one's notes take back."""
    if bill.excess > bill.credited + least:
        return False
    same = next((n for n, s in enumerate(short) if abs(s - bill.credited) <= least), None)
    if same is not None:
        short.pop(same)
    return same is not None


# ---- which bill a credit note is for ------------------------------------------------------------


def _attach(notes: Iterable[Settlement], bills: Sequence[Overpaid]) -> None:
    """Gives each credit note to its bill, where that can be told."""
    by_due: dict[Fraction, list[Overpaid]] = defaultdict(list)
    by_order: dict[str, list[Overpaid]] = defaultdict(list)
    for bill in sorted(bills, key=_likely):
        by_due[bill.due].append(bill)
        for order in _orders(bill.bill):
            by_order[order].append(bill)
    for note in sorted(notes, key=lambda n: (n.lines[0].invoiced_on, n.lines[0].id)):
        found = _whole(note, by_due[-note.gross]) or _only_one(note, by_order)
        if found is not None:
            by_due[found.due].remove(found)
            found.notes.append(note)
            insort(by_due[found.due], found, key=_likely)


def _likely(bill: Overpaid) -> tuple[bool, date, str]:
    """The likeliest last: of bills alike one that nobody paid, as all that was paid is due then for
    the others; then the latest.
    """
    return not bill.paid, *_ranked(bill)


def _whole(note: Settlement, bills: Sequence[Overpaid]) -> Overpaid | None:
    """The likeliest before the note, of bills over its amount that name no other order."""
    named, on = _orders(note), note.lines[0].invoiced_on
    before = (b for b in reversed(bills) if b.on <= on)
    fitting = (b for b in before if not (named and (own := _orders(b.bill)) and not own & named))
    return next(fitting, None)


def _only_one(note: Settlement, by_order: Mapping[str, Sequence[Overpaid]]) -> Overpaid | None:
    """The only bill of the note's orders, if the note can be for it."""
    found = {id(b): b for order in _orders(note) for b in by_order.get(order, ())}
    bill = next(iter(found.values()), None)
    if bill is None or len(found) > 1 or bill.on > note.lines[0].invoiced_on:
        return None
    return bill if bill.due >= -note.gross else None


def _orders(one: Settlement) -> frozenset[str]:
    return frozenset(fold(i.order) for i in one.lines if i.order)
