"""When a package is planned: its parts over time, asked for day after day."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from datetime import date
from fractions import Fraction
from itertools import accumulate

from itpm_sync.reconcile.inputs import Phase
from itpm_sync.reconcile.workdays import Calendar, elapsed


class Phasing:
    """The phases of a package; where there is one for each day of years, none of them is walked."""

    def __init__(self, phases: Iterable[Phase]) -> None:
        found = sorted(phases, key=lambda p: (p.finish, p.start, p.weight))
        single = [p for p in found if p.start == p.finish]
        self._days = [p.finish for p in single]
        weights = (Fraction(p.weight) for p in single)
        self._sums = list(accumulate(weights, initial=Fraction(0)))
        self._spans = [(p, Fraction(p.weight)) for p in found if p.start != p.finish]
        self._whole = self._sums[-1] + sum(w for _, w in self._spans)
        self._number, self._any = len(found), self._whole > 0

    def __len__(self) -> int:
        return self._number

    def __bool__(self) -> bool:
        return self._any

    def share(self, on: date, calendar: Calendar) -> Fraction:
        """Share 0..1 that is planned to be done at the end of a day."""
        done = self._sums[bisect_right(self._days, on)]
        for phase, weight in self._spans:
            if phase.start <= on:
                done += weight * elapsed(phase.start, phase.finish, on, calendar)
        return done / self._whole


EVEN = Phasing(())
"""No phases: planned evenly from start to finish."""
