"""Days on which one person is booked for more than 24 hours, over all projects and systems."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from fractions import Fraction
from operator import attrgetter
from typing import NamedTuple

from itpm_sync.model import Money, TimeEntry
from itpm_sync.reconcile.labour import RateCard
from itpm_sync.reconcile.number import Number, exact, exact_sum, known, unknown

DAY_S = 24 * 3600


class LongDay(NamedTuple):
    """A day of a person, by one spelling for all systems, with everything that is booked on it."""

    person: str
    on: date
    entries: Sequence[TimeEntry]  # the longest first
    currency: str  # of the rates; empty: none, or several
    cost: Number  # of what is beyond 24 hours, at the average rate of the day

    @property
    def seconds(self) -> int:
        """What is booked."""
        return sum(e.duration_s for e in self.entries)

    @property
    def by_connection(self) -> Mapping[str, int]:
        """Seconds by the connection that they were read from."""
        found: dict[str, int] = defaultdict(int)
        for entry in sorted(self.entries, key=attrgetter("ref.connection")):
            found[entry.ref.connection] += entry.duration_s
        return found


def long_days(
    entries: Iterable[TimeEntry], form: Callable[[str], str], card: RateCard
) -> Iterator[LongDay]:
    """Every such day, by person and day; `form` tells people by any way in which they are written.
    Time of nobody in particular is none of one person.
    """
    days: dict[tuple[str, date], list[TimeEntry]] = defaultdict(list)
    for entry in entries:
        days[form(entry.person), entry.on].append(entry)
    for (person, on), found in sorted(days.items()):
        booked = sum(e.duration_s for e in found)
        if person and booked > DAY_S:
            ranked = sorted(found, key=lambda e: (-e.duration_s, e.id))
            currency, cost = _cost(ranked, card)
            if cost.value is not None:
                cost = known(cost.value * Fraction(booked - DAY_S, booked))
            yield LongDay(person, on, ranked, currency, cost)


def _cost(entries: Iterable[TimeEntry], card: RateCard) -> tuple[str, Number]:
    """What all of the time costs, in the currency of its rates."""
    parts: list[tuple[Money, int]] = []
    for entry in entries:
        rate = card.in_force(entry.person, entry.role, entry.team, entry.on)
        if rate is None or rate.per_hour.amount < 0:
            return "", unknown(f"no usable hourly rate for {entry.person}")
        parts.append((rate.per_hour, entry.duration_s))
    currencies = {per_hour.currency for per_hour, _ in parts}
    if len(currencies) > 1:
        return "", unknown(f"rates in {', '.join(sorted(currencies))}")
    return currencies.pop(), known(exact_sum(exact(m.amount) * s / 3600 for m, s in parts))
