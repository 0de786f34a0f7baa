"""Accruals: what was received and is not invoiced yet, posting by posting.

Goods and services cost on the day on which they are received, at the order's price. The invoice
takes their accrual back on its own day and stands in its place, so that nothing counts twice and no
earlier week changes. What is billed is compared by quantity at the order's price where quantities
are known: an invoice at a better price leaves no accrual behind.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from datetime import date
from fractions import Fraction
from itertools import chain
from typing import NamedTuple

_NOTHING = Fraction(0)


class Movement(NamedTuple):
    """What was received, or billed of it, on a day: at the order's price, in its currency; less
    than nothing where it went back."""

    on: date
    amount: Fraction


class Posting(NamedTuple):
    """An accrual (more than 0) or its reversal. `since` is the day of the receipt that it belongs
    to: its exchange rate holds for both, so that a reversal leaves nothing behind.
    """

    on: date
    amount: Fraction
    since: date


def accruals(received: Iterable[Movement], billed: Iterable[Movement]) -> tuple[Posting, ...]:
    """The postings of one order line by day; a bill takes back the oldest accrual first.

    Their sum is what was received and is not billed, never less than 0: what was billed in advance
    waits for its receipt, which then accrues nothing.
    """
    receipts = ((m.on, 0, m.amount) for m in received)
    bills = ((m.on, 1, -m.amount) for m in billed)  # of one day: after what was received
    waiting: deque[Posting] = deque()
    postings: list[Posting] = []
    in_advance = _NOTHING
    for on, _, amount in sorted(chain(receipts, bills)):
        left = amount + in_advance if amount > 0 else amount
        if amount > 0:
            in_advance = min(left, _NOTHING)
            if left > 0:
                waiting.append(Posting(on, left, on))
                postings.append(waiting[-1])
            continue
        while left < 0 and waiting:
            oldest = waiting.popleft()
            taken = min(oldest.amount, -left)
            postings.append(Posting(on, -taken, oldest.since))
            left += taken
            if rest := oldest.amount - taken:
                waiting.appendleft(oldest._replace(amount=rest))
        in_advance += left
    return tuple(postings)


def still_open(postings: Sequence[Posting]) -> list[Movement]:
    """What of each receipt is not billed, by the day of the receipt."""
    by_day: dict[date, Fraction] = defaultdict(Fraction)
    for posting in postings:
        by_day[posting.since] += posting.amount
    return [Movement(on, amount) for on, amount in sorted(by_day.items()) if amount]
