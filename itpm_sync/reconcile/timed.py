"""Sums over packages that are asked for day after day: PV and EV as they were on any day.

What of a package does not depend on the day is found once, and its amount becomes a whole number
over the one denominator of all: a day then costs a few whole numbers a package. The sums are the
exact ones of share · amount.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from fractions import Fraction
from functools import partial
from math import lcm
from typing import NamedTuple

from itpm_sync.model import Method
from itpm_sync.reconcile.inputs import Element
from itpm_sync.reconcile.number import Number, exact_sum, missing
from itpm_sync.reconcile.progress import Plan, Work, earned_share
from itpm_sync.reconcile.workdays import STANDARD, Worked

_DAY = timedelta(days=1)
Amounts = Iterable[tuple[Plan, Number]]
"""Packages with what each is worth in all."""


class _Weights:
    """Amounts over fixed wholes (days of a span, items) as whole numbers over one denominator."""

    def __init__(self, rates: Sequence[Fraction]) -> None:
        self.denominator = lcm(*(r.denominator for r in rates))
        self.each = [r.numerator * (self.denominator // r.denominator) for r in rates]


class _Span(NamedTuple):
    before: Worked  # working time from the first day of all until this package begins
    whole: Worked


class PlannedSum:
    """Σ planned share · amount."""

    def __init__(self, packages: Amounts) -> None:
        self.reasons: dict[str, None] = {}
        """Why it is undefined, whatever the day; empty: it is known on every day."""
        self._other: list[tuple[Plan, Fraction]] = []
        even: list[tuple[Plan, Fraction]] = []
        for plan, worth in packages:
            share = plan.planned_share(date.min)
            if worth.value is None or share.value is None:
                self.reasons[worth.reason or share.reason] = None
            elif plan.element is not Element.UNDISTRIBUTED:
                (self._other if plan.phases else even).append((plan, worth.value))
        self._first = min((_start(plan) for plan, _ in even), default=date.max)
        self._calendar = even[0][0].calendar if even else STANDARD
        spans, rates = list[_Span](), list[Fraction]()
        for plan, amount in even:
            start, finish = _start(plan), plan.finish or date.max
            whole = self._calendar.worked(start, finish) if plan.calendar == self._calendar else 0
            if whole:
                spans.append(_Span(self._calendar.worked(self._first, start - _DAY), whole))
                rates.append(amount / whole)
            else:
                self._other.append((plan, amount))
        self._weights = _Weights(rates)
        self._spans = [(n, *span) for n, span in zip(self._weights.each, spans, strict=True)]

    def on(self, day: date) -> Number:
        """The sum at the end of a day."""
        return missing(self.reasons) if self.reasons else Number(self.known(day))

    def known(self, day: date) -> Fraction:
        """The sum at the end of a day, where nothing makes it undefined."""
        result: Worked = 0
        worked = self._calendar.worked(self._first, day)
        for weight, before, whole in self._spans:
            done = worked - before
            if done > 0:
                result += weight * min(done, whole)
        found = Fraction(result, self._weights.denominator)
        if self._other:
            found += exact_sum((p.planned_share(day).value or 0) * a for p, a in self._other)
        return found


def _start(plan: Plan) -> date:
    return plan.start or plan.finish or date.max


Count = Callable[[date, datetime], int | None]
"""How much of its whole a package had earned at the end of a day; None: not known."""


class EarnedSum:
    """Σ earned share · amount, from dated facts only.

    `work` is that of the data date; `done` tells when the items of a package were done, ascending;
    `end_of` gives the first moment after a day.
    """

    def __init__(
        self,
        packages: Amounts,
        work: Work,
        done: Callable[[str], Sequence[datetime]],
        end_of: Callable[[date], datetime],
    ) -> None:
        self._work, self._end_of = work, end_of
        self._reasons: dict[str, None] = {}
        self._same = Fraction(0)
        self._milestones: list[tuple[Plan, Fraction]] = []
        effort: list[tuple[Plan, Number]] = []
        counts, rates = list[tuple[Count, str]](), list[Fraction]()
        for plan, amount in packages:
            items = work.tally(plan).items
            if plan.element is Element.WORK and plan.method is Method.LEVEL_OF_EFFORT:
                effort.append((plan, amount))
            elif amount.value is None:
                self._reasons[amount.reason] = None
            elif plan.element is not Element.WORK:
                self._add(earned_share(plan, work, {}), amount.value)
            elif plan.method is Method.MILESTONES:
                self._milestones.append((plan, amount.value))
            elif plan.method is Method.ITEMS and items:
                counts.append((_items(done(plan.code)), ""))
                rates.append(amount.value / items)
            else:
                counts.append(
                    (partial(_declared, plan), f"{plan.label}: no history of its progress")
                )
                rates.append(amount.value)
        self._effort = PlannedSum(effort)
        self._reasons |= self._effort.reasons
        self._weights = _Weights(rates)
        self._counts = [(n, *c) for n, c in zip(self._weights.each, counts, strict=True)]

    def _add(self, share: Number, amount: Fraction) -> None:
        if share.value is None:
            self._reasons[share.reason] = None
        else:
            self._same += share.value * amount

    def on(self, day: date) -> Number:
        """The sum at the end of a day that is over."""
        end, result, reasons = self._end_of(day), 0, dict(self._reasons)
        for weight, count, reason in self._counts:
            number = count(day, end)
            if number is None:
                reasons[reason] = None
            elif number:
                result += weight * number
        reached = self._reached(day)
        reasons |= {share.reason: None for share, _ in reached if share.value is None}
        if reasons:
            return missing(reasons)
        found = Fraction(result, self._weights.denominator) + self._same
        found += exact_sum((share.value or 0) * amount for share, amount in reached)
        return Number(found + self._effort.known(day))

    def _reached(self, day: date) -> list[tuple[Number, Fraction]]:
        """The shares of milestones that are reached by a day, each with its amount."""
        if not self._milestones:
            return []
        then = replace(self._work, on=day)
        return [(earned_share(plan, then, {}), amount) for plan, amount in self._milestones]


def _items(done: Sequence[datetime]) -> Count:
    return lambda _, end: bisect_left(done, end)


def _declared(plan: Plan, day: date, _: datetime) -> int | None:
    """Of a package that tells no more of its past than when it began and was finished."""
    record = plan.record
    finish = record.actual_finish if record is not None else None
    if finish is not None and finish <= day:
        return 1
    begun = record.actual_start if record is not None else None
    if (begun or plan.start or day) > day:
        return 0
    return 0 if finish is not None and plan.method is Method.ZERO_HUNDRED else None
