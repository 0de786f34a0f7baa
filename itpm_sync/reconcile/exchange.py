"""Exchange rates: dated ones for what was spent, those of the baseline for what was planned.

A plan's amounts are converted at the rates that its baseline froze on its day, so that PV, EV and
BAC do not move with the market; cost at the rate of its own day. What lies between the two is the
FX variance: the part of AC that comes from rates which moved. No rate is never a rate of 1.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from itpm_sync.model import FxRate, Money, Record
from itpm_sync.reconcile.inputs import BaselineRate, RecordedBaseline
from itpm_sync.reconcile.number import ONE, Number, decimal, exact, exact_sum, known, total, unknown
from itpm_sync.reconcile.wording import MINUS, day, money


class FxGap(NamedTuple):
    """A conversion that no rate covers."""

    currency: str
    base: str
    on: date
    record: Record | None

    @property
    def number(self) -> Number:
        """The undefined amount that it leaves."""
        return unknown(no_rate_reason(self.currency, self.base, self.on))


def no_rate_reason(currency: str, base: str, on: date) -> str:
    """Why an amount cannot be converted."""
    return f"no exchange rate {currency} → {base} on {day(on)}"


def signed(step: Fraction) -> str:
    """The difference of two rates: `+0.05`, `−0.1`."""
    text = f"{abs(decimal(step)):f}"
    return f"{MINUS if step < 0 else '+' if step else ''}{text}"


class _Quote(NamedTuple):
    on: date
    rate: Fraction


class _Path(NamedTuple):
    """A rate made of one quote or two, and the days of the oldest and of the latest of them."""

    oldest: date
    complete: date  # from which day on all of them are in force
    rate: Fraction
    over: str = ""


class FxTable:
    """Dated exchange rates: direct, inverse, or over one common currency; latest on or before.

    Of several rates for a pair and day the last one counts: give them in a stable order.
    """

    def __init__(self, rates: Iterable[FxRate | BaselineRate]) -> None:
        quoted: dict[tuple[str, str], dict[date, Decimal]] = defaultdict(dict)
        for one in rates:
            if one.rate > 0:
                quoted[one.currency, one.base][one.on] = one.rate
        pairs: dict[tuple[str, str], dict[date, Fraction]] = defaultdict(dict)
        for (currency, base), quotes in quoted.items():
            for on, quote in quotes.items():
                pairs[currency, base][on] = Fraction(quote)
                if on not in quoted.get((base, currency), ()):
                    pairs[base, currency][on] = 1 / Fraction(quote)
        self._quoted = dict(quoted)
        self._days = {pair: sorted(days) for pair, days in pairs.items()}
        self._rates = dict(pairs)
        self._neighbours: dict[str, list[str]] = defaultdict(list)
        for currency, base in sorted(pairs):
            self._neighbours[currency].append(base)

    def rate(self, currency: str, base: str, on: date, *, or_earliest: bool = False) -> Number:
        """What one unit of `currency` is in `base` on a day; of several common currencies over the
        one whose quotes are the freshest.

        Where no quotes in force give one, `or_earliest` takes the first that is known later: for
        budgets, whose planned start may precede the table.
        """
        if currency == base:
            return ONE
        found = self._path(currency, base, on, or_earliest=or_earliest)
        if found is None:
            return unknown(no_rate_reason(currency, base, on))
        if found.complete <= on:
            return known(found.rate, found.over)
        over = f", {found.over}" if found.over else ""
        return known(found.rate, f"earliest known rate, of {day(found.complete)}{over}")

    def quoted_on(
        self, currency: str, base: str, on: date, *, or_earliest: bool = False
    ) -> tuple[date, ...]:
        """The day of the quote behind `rate`, or the days of its two, the older first."""
        found = self._path(currency, base, on, or_earliest=or_earliest)
        return () if found is None else tuple(sorted({found.oldest, found.complete}))

    def _path(self, currency: str, base: str, on: date, *, or_earliest: bool) -> _Path | None:
        direct = self._quote(currency, base, on)
        if direct is not None and direct.on <= on:
            return _Path(direct.on, direct.on, direct.rate)
        paths = [*self._crossing(currency, base, on)]
        if direct is not None:
            paths.insert(0, _Path(direct.on, direct.on, direct.rate))
        in_force = [path for path in paths if path.complete <= on]
        if in_force:
            return max(in_force, key=lambda path: (path.oldest, path.complete))
        if not paths or not or_earliest:
            return None
        return min(paths, key=lambda path: (path.complete, -path.oldest.toordinal()))

    def _crossing(self, currency: str, base: str, on: date) -> Iterator[_Path]:
        """The rates over one common currency, by its name."""
        for middle in self._neighbours.get(currency, ()):
            first, second = self._quote(currency, middle, on), self._quote(middle, base, on)
            if first is not None and second is not None:
                older, newer = sorted((first.on, second.on))
                rate = first.rate * second.rate
                yield _Path(older, newer, rate, f"{currency} → {middle} → {base}")

    def _quote(self, currency: str, base: str, on: date) -> _Quote | None:
        """The quote of a pair that is in force on a day, else its earliest."""
        days = self._days.get((currency, base))
        if not days:
            return None
        found = days[max(bisect_right(days, on) - 1, 0)]
        return _Quote(found, self._rates[currency, base][found])

    def convert(self, money: Money, base: str, on: date, *, or_earliest: bool = False) -> Number:
        """The amount in `base`, unrounded."""
        if money.currency == base:
            return known(money.amount)
        rate = self.rate(money.currency, base, on, or_earliest=or_earliest)
        return rate if rate.value is None else known(exact(money.amount) * rate.value, rate.note)

    def frozen(self, on: date) -> Iterator[BaselineRate]:
        """The quotes that give every rate of a day: each pair's in force, else its earliest."""
        for (currency, base), quotes in sorted(self._quoted.items()):
            days = sorted(quotes)
            quoted_on = days[max(bisect_right(days, on) - 1, 0)]
            yield BaselineRate(
                currency=currency, base=base, on=quoted_on, rate=quotes[quoted_on]
            )  # fmt: skip


# ---- the rates of a plan ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PlanRates:
    """At which rates a plan is converted: those that `baseline` froze; without one, dated ones.

    What a baseline did not freeze (versions of old froze none) has the `dated` rate of its day,
    which the note of the rate says; a budget without either has the earliest known.
    """

    dated: FxTable
    frozen: FxTable
    baseline: RecordedBaseline | None

    @classmethod
    def of(cls, baseline: RecordedBaseline | None, dated: FxTable) -> PlanRates:
        """The rates of a baseline, or of the plan of the records."""
        return cls(dated, FxTable(baseline.rates if baseline else ()), baseline)

    @property
    def version(self) -> str:
        """`baseline 2 of 4 Mar 2026`."""
        if self.baseline is None:
            return "no baseline"
        return f"baseline {self.baseline.version} of {day(self.baseline.on)}"

    def day(self, planned: date | None) -> date:
        """The day whose rate counts for an amount that is `planned` on a day."""
        return self.baseline.on if self.baseline else planned or date.min

    def rate(self, currency: str, base: str, planned: date | None = None) -> Number:
        """What one unit of `currency` is in `base`; the earliest known for a day before it."""
        on = self.day(planned)
        if self.baseline is None:
            return self.dated.rate(currency, base, on, or_earliest=True)
        found = self.then(currency, base)
        if found.value is not None:
            return found
        return _not_frozen(self.dated.rate(currency, base, on, or_earliest=True))

    def quoted_on(self, currency: str, base: str, planned: date | None = None) -> tuple[date, ...]:
        """The days of the quotes behind `rate`, the older first."""
        on = self.day(planned)
        frozen = self.frozen.quoted_on(currency, base, on, or_earliest=True)
        return frozen or self.dated.quoted_on(currency, base, on, or_earliest=True)

    def then(self, currency: str, base: str) -> Number:
        """The rate that the baseline froze, else the one in force on its day; what it could not
        know then is undefined.
        """
        if self.baseline is None:
            return unknown("no baseline is recorded, so no exchange rate is frozen")
        on = self.baseline.on
        found = self.frozen.rate(currency, base, on, or_earliest=True)
        if found.value is None:
            found = _not_frozen(self.dated.rate(currency, base, on))
        if found.value is None:
            return unknown(f"{self.version} knew no exchange rate {currency} → {base}")
        return found

    def convert(self, amount: Money, base: str, planned: date | None = None) -> Number:
        """The amount in `base`, unrounded."""
        if amount.currency == base:
            return known(amount.amount)
        rate = self.rate(amount.currency, base, planned)
        return rate if rate.value is None else known(exact(amount.amount) * rate.value, rate.note)


def _not_frozen(rate: Number) -> Number:
    if rate.value is None:
        return rate
    return known(rate.value, "; ".join(t for t in ("not frozen", rate.note) if t))


# ---- FX variance --------------------------------------------------------------------------------

NO_FOREIGN_COST = "no cost in another currency"


class ForeignCost(NamedTuple):
    """Cost in another currency than the project's, and what it came to at the rate of its day."""

    amount: Fraction
    currency: str
    cost: Number
    package: str = ""  # empty: it is in none

    def moved(self, planned: Number) -> Number:
        """amount × (rate of its day − the planned rate), in the project's currency."""
        if self.cost.value is None or planned.value is None:
            return unknown(self.cost.reason or planned.reason)
        return known(self.cost.value - self.amount * planned.value)


def fx_variance(
    foreign: Sequence[ForeignCost], rates: PlanRates, ac: Number, ev: Number, currency: str
) -> Number:
    """The part of AC that comes from rates which moved since the baseline; above 0: dearer.

    n/a without cost in another currency, without a recorded baseline, where it has cost in a
    currency whose rate the baseline could not know, and where AC is.
    """
    if ac.value is None:
        return unknown(ac.reason)
    if not foreign:
        return unknown(NO_FOREIGN_COST)
    moved = total(s.moved(rates.then(s.currency, currency)) for s in _sums(foreign))
    if moved.value is None or ev.value is None:
        return moved
    without = money(ev.value - ac.value + moved.value, currency)
    return known(moved.value, f"in AC, against {rates.version}; CV without it {without}")


def by_package(foreign: Iterable[ForeignCost]) -> Mapping[str, Sequence[ForeignCost]]:
    """The cost in other currencies of each package that has any."""
    found: dict[str, list[ForeignCost]] = defaultdict(list)
    for one in foreign:
        found[one.package].append(one)
    return found


def _sums(foreign: Sequence[ForeignCost]) -> Iterator[ForeignCost]:
    """One a currency."""
    groups: dict[str, list[ForeignCost]] = defaultdict(list)
    for one in foreign:
        groups[one.currency].append(one)
    for currency, found in sorted(groups.items()):
        cost = total(f.cost for f in found)
        yield ForeignCost(exact_sum(f.amount for f in found), currency, cost)
