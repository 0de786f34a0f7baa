"""How values read in the sentences of findings, ratings and reasons; reports use the same forms.

An amount is `CHF 203,980.00` (`str` of Money), a day `22 Nov 2026`, a negative number has a true
minus sign. Rounding is for reading only, half-even.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType

from itpm_sync.model import Money, currency_exponent, round_fraction

MINUS = "\u2212"
_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
_KINDS: Mapping[str, str] = MappingProxyType({"help_desk_item": "help-desk item"})


def show(value: Fraction, digits: int = 2) -> str:
    """A number: `1,234.50`."""
    return plain(round_fraction(value, digits))


def plain(value: Decimal) -> str:
    """A Decimal with all its digits, and no others: `1,234.50`, `0.000000001`; never `1E-9`."""
    return f"{MINUS if value < 0 else ''}{value.copy_abs():,f}"


def trimmed(text: str) -> str:
    """A number without the zeros at its end that say nothing: `0.5`, `0`."""
    return text.rstrip("0").rstrip(".") if "." in text else text


def apart(value: Fraction, bound: Decimal | int, digits: int = 2) -> str:
    """A number with as many digits, `digits` or more, as it takes to stand on the same side of a
    bound as it does unrounded: 1.1004 above 1.10 reads `1.1004`, and not `1.10`. Where it is the
    bound itself, so is the text.
    """
    limit = Fraction(bound)
    rounded = (round_fraction(value, n) for n in itertools.count(digits))
    return plain(next(r for r in rounded if _side(r, limit) == _side(value, limit)))


def _side(value: Fraction | Decimal, limit: Fraction) -> int:
    difference = Fraction(value) - limit
    return (difference > 0) - (difference < 0)


def money(value: Fraction, currency: str) -> str:
    """An amount that is computed: `CHF 203,980.00`."""
    return str(Money(round_fraction(value, currency_exponent(currency)), currency))


def day(value: date) -> str:
    """`22 Nov 2026`; the same in every locale."""
    return f"{value.day} {_MONTHS[value.month - 1]} {value.year}"


def count(number: int, one: str, many: str = "") -> str:
    """`1 item`, `1,204 items`, `0 items`; `many` where it is not `one` with an s."""
    return f"{number:,} {one if number == 1 else many or plural(one)}"


def plural(one: str) -> str:
    """The plural of one of our own nouns: `items`, `time entries`."""
    return f"{one[:-1]}ies" if one.endswith("ry") else f"{one}s"


def kind(name: str) -> str:
    """How people call a kind of record: `time entry` for `time_entry`."""
    return _KINDS.get(name, name.replace("_", " "))


def sentence(text: str) -> str:
    """The text with a capital first letter, but for `n/a`."""
    return text if text.startswith("n/a") else f"{text[:1].upper()}{text[1:]}"
