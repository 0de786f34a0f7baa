"""How values read in the sentences of findings, ratings and reasons; reports use the same forms.

An amount is `CHF 203,980.00` (`str` of Money), a day `22 Nov 2026`, a negative number has a true
minus sign. Rounding is for reading only, half-even.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from fractions import Fraction
from types import MappingProxyType

from itpm_sync.model import Money, currency_exponent, round_fraction

MINUS = "\u2212"
_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
_KINDS: Mapping[str, str] = MappingProxyType({"help_desk_item": "help-desk item"})


def show(value: Fraction, digits: int = 2) -> str:
    """A number: `1,234.50`."""
    rounded = round_fraction(value, digits)
    return f"{MINUS if rounded < 0 else ''}{abs(rounded):,}"


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
