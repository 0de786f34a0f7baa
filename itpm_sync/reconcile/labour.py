"""What the booked time costs: each entry at the rate in force on its day.

The rate of the person comes first, then that of the role, then that of the team. Time without a
rate makes the cost undefined; it is never free.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import NamedTuple

from itpm_sync.model import Person, Rate, TimeEntry
from itpm_sync.reconcile.allocate import Placed
from itpm_sync.reconcile.exchange import ForeignCost, FxGap, FxTable
from itpm_sync.reconcile.folding import fold
from itpm_sync.reconcile.number import ZERO, Number, exact, total, unknown


class RateCard:
    """Dated hourly rates by person, role and team."""

    def __init__(self, rates: Iterable[Rate], people: Iterable[Person]) -> None:
        self._rates: dict[str, list[Rate]] = defaultdict(list)
        for rate in sorted(rates, key=lambda r: (r.valid_from or date.min, r.id)):
            self._rates[fold(rate.of)].append(rate)
        self._people = {fold(p.name): p for p in people}
        self._people |= {fold(p.email): p for p in self._people.values() if p.email}
        self._candidates: dict[tuple[str, str, str], Sequence[Rate]] = {}

    @property
    def empty(self) -> bool:
        """Whether no rate is known at all."""
        return not self._rates

    def in_force(self, person: str, role: str, team: str, on: date) -> Rate | None:
        """The rate for an hour of that person on that day; the latest start wins."""
        key = person, role, team
        candidates = self._candidates.get(key)
        if candidates is None:
            candidates = self._candidates[key] = self._ranked(person, role, team)
        for rate in candidates:
            if (rate.valid_from or date.min) <= on <= (rate.valid_to or date.max):
                return rate
        return None

    def _ranked(self, person: str, role: str, team: str) -> Sequence[Rate]:
        """The rates that can be in force for a person, whatever the day: the first that is."""
        known_as = self._people.get(fold(person))
        if known_as is not None:
            role, team = role or known_as.role, team or known_as.team
        names = [person, known_as.name if known_as else "", role, team]
        ranked = (reversed(self._rates.get(fold(name), ())) for name in names if name)
        return [rate for rates in ranked for rate in rates]


class Unrated(NamedTuple):
    """Time of a person for which no rate is in force."""

    person: str
    seconds: int
    first: date
    last: date


class Booked(NamedTuple):
    """Cost of one package on one day."""

    package: str
    on: date
    cost: Number


@dataclass(frozen=True, slots=True)
class Labour:
    """Labour of a project: seconds and cost by package, and what could not be costed."""

    seconds: Mapping[str, int]
    costs: Mapping[str, Number]
    total: Number
    booked: tuple[Booked, ...]
    unrated: tuple[Unrated, ...]
    gaps: tuple[FxGap, ...]
    foreign: tuple[ForeignCost, ...] = ()  # what of it has rates in another currency

    def cost(self, package: str) -> Number:
        """Labour cost of a package."""
        return self.costs.get(package, ZERO)


def labour(
    entries: Sequence[Placed[TimeEntry]], card: RateCard, fx: FxTable, currency: str
) -> Labour:
    """Cost the time of one project in its currency; without a currency only seconds are known."""
    groups: dict[tuple[str, str, str, str, date], int] = defaultdict(int)
    seconds: dict[str, int] = defaultdict(int)
    for entry, package, _ in entries:
        groups[package, entry.person, entry.role, entry.team, entry.on] += entry.duration_s
        seconds[package] += entry.duration_s
    booked, gaps, foreign = list[Booked](), list[FxGap](), list[ForeignCost]()
    unrated: dict[str, list[tuple[date, int]]] = defaultdict(list)
    for (package, person, role, team, on), worked in sorted(groups.items()):
        found = costed(card, fx, currency, (person, role, team), on=on, seconds=worked)
        if found.rate is None:
            unrated[person].append((on, worked))
        if abroad := foreign_cost(found, currency, worked):
            foreign.append(abroad._replace(package=package))
        if found.gap is not None:
            gaps.append(found.gap)
        booked.append(Booked(package, on, found.cost))
    parts: dict[str, list[Number]] = defaultdict(list)
    for item in booked:
        parts[item.package].append(item.cost)
    missing = tuple(
        Unrated(person, sum(s for _, s in days), min(days)[0], max(days)[0])
        for person, days in sorted(unrated.items())
    )
    costs = {package: total(numbers) for package, numbers in parts.items()}
    whole = total(costs.values())
    return Labour(seconds, costs, whole, tuple(booked), missing, tuple(gaps), tuple(foreign))


class Costed(NamedTuple):
    """What time costs and at which rate. It is not known without an hourly rate, which must not be
    below 0, nor without an exchange rate (then there is a gap).
    """

    rate: Rate | None
    cost: Number
    gap: FxGap | None = None


def costed(
    card: RateCard, fx: FxTable, currency: str, who: tuple[str, str, str], *, on: date, seconds: int
) -> Costed:
    """The cost of time in `currency`; `who` are person, role and team."""
    rate = card.in_force(*who, on)
    if rate is None:
        return Costed(None, unknown(f"no hourly rate for {who[0]}"))
    if not currency:
        return Costed(rate, unknown("the project has no currency"))
    if rate.per_hour.amount < 0:
        return Costed(None, unknown(f"the hourly rate of {rate.of} is below 0 ({rate.per_hour})"))
    price, of = rate.per_hour.amount.as_integer_ratio()
    if rate.per_hour.currency != currency:
        per_hour = fx.convert(rate.per_hour, currency, on)
        if per_hour.value is None:
            return Costed(rate, per_hour, FxGap(rate.per_hour.currency, currency, on, rate))
        price, of = per_hour.value.as_integer_ratio()
    return Costed(rate, Number(Fraction(price * seconds, of * 3600)))


def foreign_cost(found: Costed, currency: str, seconds: int) -> ForeignCost | None:
    """Time whose rate is in another currency than the project's; None for any other."""
    rate = found.rate
    if rate is None or rate.per_hour.currency == currency:
        return None
    amount = exact(rate.per_hour.amount) * seconds / 3600
    return ForeignCost(amount, rate.per_hour.currency, found.cost)
