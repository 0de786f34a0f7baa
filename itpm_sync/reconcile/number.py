"""A number that may be undefined: the value, or the reason why there is none.

Arithmetic is exact (`Fraction`) until a `Figure` is made. Undefined spreads: a sum with an
undefined part is undefined and keeps that part's reason, so that no total ever looks complete
when it is not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from fractions import Fraction
from math import lcm
from types import MappingProxyType
from typing import NamedTuple

from itpm_sync.errors import up_to
from itpm_sync.model import Money, round_fraction
from itpm_sync.reconcile.status import Figure

Exact = Fraction | Decimal | int
"""What every formula accepts; never a float."""

_DIGITS = 12  # places kept of a ratio that never ends, such as 1/3; amounts have fewer


class Number(NamedTuple):
    """`value`, or None with its `reason`; `note` says how the value was made."""

    # A named tuple: thousands are made for a project, and a frozen dataclass takes twice as long.
    value: Fraction | None
    reason: str = ""
    note: str = ""

    def noted(self, note: str) -> Number:
        """The same with another note."""
        return Number(self.value, self.reason, note)


def exact(value: Exact) -> Fraction:
    """The value as a Fraction."""
    # twice as fast as Fraction(value), which first asks what else it might be
    return value if type(value) is Fraction else Fraction(*value.as_integer_ratio())


def known(value: Exact, note: str = "") -> Number:
    """A defined number."""
    return Number(exact(value), "", note)


ZERO, ONE = known(0), known(1)


def unknown(reason: str) -> Number:
    """An undefined number and why."""
    return Number(None, reason)


def total(parts: Iterable[Number]) -> Number:
    """The sum; undefined if any part is, with up to three distinct reasons. No parts sum to 0."""
    values, reasons = list[Fraction](), dict[str, None]()
    for part in parts:
        if part.value is None:
            reasons[part.reason] = None
        else:
            values.append(part.value)
    return missing(reasons) if reasons else Number(exact_sum(values))


def times(share: Number, amount: Number) -> Number:
    """A share of an amount, with the note of the share."""
    if share.value is None or amount.value is None:
        return unknown(amount.reason or share.reason)
    return Number(share.value * amount.value, "", share.note)


def exact_sum(values: Iterable[Exact]) -> Fraction:
    """The exact sum; those of one denominator, which most are, as whole numbers."""
    sums: dict[int, int] = {}
    for value in values:
        numerator, denominator = value.as_integer_ratio()
        sums[denominator] = sums.get(denominator, 0) + numerator
    return _of_denominators(sums)


def _of_denominators(sums: Mapping[int, int]) -> Fraction:
    if len(sums) == 1:
        ((denominator, numerator),) = sums.items()
        return Fraction(numerator, denominator)
    common = lcm(*sums)
    return Fraction(sum(n * (common // d) for d, n in sums.items()), common)


def missing(reasons: Iterable[str]) -> Number:
    """Undefined, with up to three of the reasons; they are in the order of their words."""
    return unknown(up_to(3, sorted(reasons), "; "))


_PLACES: Mapping[int, tuple[int, int]] = MappingProxyType(
    {
        2**twos * 5**fives: (places, 10**places // (2**twos * 5**fives))
        for twos in range(_DIGITS + 1)
        for fives in range(_DIGITS + 1)
        if (places := max(twos, fives)) > 0
    }
)
"""Denominators of fractions that end: their places, and what the numerator is to be multiplied by.
As a fraction is in its lowest terms, the last place is never 0."""
_WIDE = 10**28  # beyond so many digits a Decimal rounds


def decimal(value: Fraction) -> Decimal:
    """The value as a Decimal in plain notation: `1200`, `0.8`, `0.333333333333`."""
    numerator, denominator = value.as_integer_ratio()
    if denominator == 1:
        return Decimal(numerator)
    if denominator in _PLACES:
        places, factor = _PLACES[denominator]
        if -_WIDE < (digits := numerator * factor) < _WIDE:
            return Decimal(digits).scaleb(-places)
    result = round_fraction(value, _DIGITS)
    if result != result.to_integral_value():
        return result.normalize()
    result = result.normalize()  # of whole numbers this alone would give 1E+1
    return Decimal(int(result)) if result.as_tuple().exponent > 0 else result  # type: ignore[operator]


def as_money(number: Number, currency: str) -> Money | None:
    """The number as an amount of a currency; None where it is n/a, or there is no currency."""
    return Money(decimal(number.value), currency) if number.value is not None and currency else None


def figure(name: str, label: str, number: Number, unit: str) -> Figure:
    """The number as a figure of the snapshot."""
    value = None if number.value is None else decimal(number.value)
    return Figure(
        name=name, label=label, value=value, unit=unit, reason=number.reason, note=number.note
    )
