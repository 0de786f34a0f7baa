"""Accruals: what was received and is not invoiced yet, posting by posting.

Goods and services cost on the day on which they are received, at the order's price. The invoice
takes their accrual back on its own day and stands in its place, so that nothing counts twice and no
earlier week changes. What is billed is compared by quantity at the order's price where quantities
are known: an invoice at a better price leaves no accrual behind. A bill that is taken back frees
the accrual that it had taken: on the day of the credit note, and at the rate of the receipt, since
that is when the goods came and what they cost; no document of money has changed that.
"""

from __future__ import annotations

from bisect import insort
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from fractions import Fraction
from operator import attrgetter
from typing import NamedTuple

from itpm_sync.reconcile.number import exact_sum


class Movement(NamedTuple):
    """What was received on a day: at the order's price, in its currency; less than nothing where it
    went back.
    """

    on: date
    amount: Fraction


class Billed(NamedTuple):
    """What the bill `of` bills on a day, at the order's price; less than nothing where it, or (of
    none) so much of whichever, is taken back.
    """

    on: date
    amount: Fraction
    of: str = ""


class Posting(NamedTuple):
    """An accrual (more than 0) or its reversal. `since` is the day of the receipt that it belongs
    to: its exchange rate holds for both, so that a reversal leaves nothing behind.
    """

    on: date
    amount: Fraction
    since: date


def accruals(received: Iterable[Movement], billed: Iterable[Billed]) -> tuple[Posting, ...]:
    """The postings of one order line by day; a bill takes back the oldest accrual first, one that
    is taken back frees what it took, else what was taken last.

    Their sum is what was received and is not billed, never less than 0: what was billed in advance
    waits for its receipt, which then accrues nothing.
    """
    events = [(m.on, False, -m.amount, "") for m in received]
    events += [(m.on, True, m.amount, m.of) for m in billed]  # of one day: after what was received
    match = _Match()
    for on, is_bill, amount, of in sorted(events, key=lambda e: (e[0], e[1], -e[2], e[3])):
        if is_bill and amount > 0:
            match.bill(on, amount, of)
        elif is_bill:
            match.take_back(on, -amount, of)
        elif amount < 0:
            match.came(on, -amount, on)
        else:
            match.went_back(on, amount)
    return tuple(match.postings)


class _Part(NamedTuple):
    """A part of what came `since` a day, billed by `of`; of what is in advance, None."""

    amount: Fraction
    since: date | None
    of: str = ""


class _Match:
    """Receipts against bills: what waits for its bill, bills in advance of their receipt, and what
    of bills took what had come. Nothing waits while there are bills in advance.
    """

    def __init__(self) -> None:
        self.postings: list[Posting] = []
        self._waiting: list[_Part] = []  # the oldest receipt first
        self._in_advance: list[_Part] = []
        self._taken: list[_Part] = []

    def came(self, on: date, amount: Fraction, since: date) -> None:
        """Goes to what was billed in advance, and accrues beyond it."""
        for part in _cut(self._in_advance, amount, list(self._in_advance)):
            self._taken.append(part._replace(since=since))
            amount -= part.amount
        if amount:
            self.postings.append(Posting(on, amount, since))
            insort(self._waiting, _Part(amount, since), key=attrgetter("since"))

    def bill(self, on: date, amount: Fraction, of: str) -> None:
        """Takes the oldest accrual, and is in advance beyond it."""
        for part in self._reversed(on, amount):
            self._taken.append(part._replace(of=of))
            amount -= part.amount
        if amount:
            self._in_advance.append(_Part(amount, None, of))

    def went_back(self, on: date, amount: Fraction) -> None:
        """Of what waits for its bill; else its bill, the latest first, is in advance again."""
        amount -= exact_sum(p.amount for p in self._reversed(on, amount))
        for part in _cut(self._taken, amount, self._taken[::-1]):
            self._in_advance.append(part._replace(since=None))
            amount -= part.amount
        if amount:
            self._in_advance.append(_Part(amount, None))

    def take_back(self, on: date, amount: Fraction, of: str) -> None:
        """Of what the bill itself billed, else of any, the latest first; what had come of it waits
        for its bill again, each since its own day.
        """
        freed: list[_Part] = []
        for is_own in (True, False):
            for held in (self._in_advance, self._taken):
                order = [p for p in held[::-1] if not is_own or p.of == of]
                parts = _cut(held, amount, order)
                amount -= exact_sum(p.amount for p in parts)
                freed += parts
        for part in freed:
            if part.since is not None:
                self.came(on, part.amount, part.since)
        if amount:
            self.came(on, amount, on)

    def _reversed(self, on: date, amount: Fraction) -> Sequence[_Part]:
        """Takes of what waits, the oldest first."""
        parts = _cut(self._waiting, amount, list(self._waiting))
        self.postings += [Posting(on, -p.amount, p.since) for p in parts if p.since is not None]
        return parts


def _cut(held: list[_Part], amount: Fraction, order: Iterable[_Part]) -> Sequence[_Part]:
    """Cuts up to an amount out of what is held, in an order of its parts; gives what was cut."""
    found: list[_Part] = []
    for one in order:
        if not amount:
            break
        part, at = min(amount, one.amount), held.index(one)
        held[at : at + 1] = [one._replace(amount=one.amount - part)] if part < one.amount else []
        found.append(one._replace(amount=part))
        amount -= part
    return found


def still_open(postings: Sequence[Posting]) -> list[Movement]:
    """What of each receipt is not billed, by the day of the receipt."""
    by_day: dict[date, Fraction] = defaultdict(Fraction)
    for posting in postings:
        by_day[posting.since] += posting.amount
    return [Movement(on, amount) for on, amount in sorted(by_day.items()) if amount]
