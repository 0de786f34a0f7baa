"""A figure taken apart, as frozen values: its formula with the numbers filled in, and its parts."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction
from math import floor

from itpm_sync.model import currency_exponent
from itpm_sync.reconcile.status import Figure
from itpm_sync.reconcile.wording import day, show, trimmed

_NEAREST = 6  # figures that are named where the one asked for is not known
_MEANT = 0.6  # from here on one of them is taken to have been meant
_FULL = 9  # digits of a ratio within a formula: an amount that is divided by it keeps its cents
_DIGITS = {"ratio": 4, "percent": 2, "points": 2, "items": 0, "days": 0, "weeks": 2, "s": 0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A term of a figure: another figure, a record, or a choice of the plan.

    `value` is exact and in `unit`, None for the `reason`. Another figure is named by `figure` and
    `package`, and can be explained in its turn; a record by `kind` and `identity`.
    """

    label: str
    value: Fraction | None
    unit: str
    reason: str = ""
    symbol: str = ""  # how the formula calls it
    figure: str = ""
    project: str = ""  # of that figure, where it is of another project
    package: str = ""
    kind: str = ""
    identity: str = ""
    url: str = ""  # empty: the source has no page for it
    place: str = ""  # where a person finds it: a row of a file, a page, the source's id
    on: date | None = None
    source: str = ""  # what the source says: an amount in its own currency, hours, points
    rate: str = ""  # the hourly rate in force
    fx: str = ""  # the exchange rate in force
    rule: str = ""  # which allocation rule placed the record
    note: str = ""
    run: str = ""  # the run that fetched the record, where the store is at hand
    seen_at: datetime | None = None  # when that was, aware UTC
    superseded: bool = False  # the source says something else by now; no run: not kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Where a figure comes from.

    A figure with a `formula` equals it over the values of its `inputs`; one with `parts` is their
    sum. A figure may have both: earned value is a share of the budget, and a sum over the items.
    One that is simulated has `samples` instead, of which its formula speaks in words.
    """

    project: str
    package: str  # empty: the whole project
    data_date: date
    figure: Figure
    formula: str
    filled: str  # the formula with the numbers in it
    inputs: tuple[Part, ...]
    parts: tuple[Part, ...]  # the largest contribution first
    samples: tuple[Part, ...] = ()  # the weeks that a simulated figure was drawn from, in order

    @property
    def total(self) -> Fraction | None:
        """The sum of the parts; None where there are none or one of them is not known."""
        if not self.parts:
            return None
        return sum_of([p.value for p in self.parts])


def sum_of(values: Sequence[Fraction | None]) -> Fraction | None:
    """The sum, if every value is known."""
    found = [v for v in values if v is not None]
    return sum(found, Fraction(0)) if len(found) == len(values) else None


def filled(formula: str, inputs: Sequence[Part]) -> str:
    """The formula with its symbols replaced by their values, rounded for reading."""
    values = {p.symbol: shown(p) for p in inputs}
    if not values:
        return ""
    words = "|".join(re.escape(s) for s in sorted(values, key=len, reverse=True))
    return re.sub(rf"(?<!\w)(?:{words})(?!\w)", lambda m: values[m[0]], formula)


def nearest(word: str, figures: Mapping[str, Figure]) -> str:
    """The figure that was meant, by its name or its label, or those nearest to it, each with what
    it is.
    """
    close = sorted(figures, key=lambda name: -_likeness(word, name, figures[name].label))
    told = [f'"{name}", {figures[name].label}' for name in close[:_NEAREST]]
    if told and _likeness(word, close[0], figures[close[0]].label) >= _MEANT:
        return f"did you mean {told[0]}?"
    return f"the nearest are {'; '.join(told)}" if told else "there is none"


def _likeness(word: str, name: str, label: str) -> float:
    texts = (name.casefold(), label.casefold())
    return max(difflib.SequenceMatcher(None, word.casefold(), text).ratio() for text in texts)


def shown(part: Part) -> str:
    """The value of a term within a formula: a negative one in brackets."""
    if part.value is None:
        return "n/a"
    if part.unit == "date":
        return day(date.fromordinal(int(part.value)))
    if part.unit == "s":
        text = f"{show(part.value / 3600)} h"
    elif part.unit == "ratio":
        text = trimmed(show(part.value, _FULL))
    elif part.unit == "items":  # planned by the day, they come in parts
        text = trimmed(show(part.value))
    else:
        text = show(part.value, digits_of(part.unit))
    return f"({text})" if part.value < 0 else text


def largest_first(parts: Sequence[Part]) -> tuple[Part, ...]:
    """What is not known first, then by size; equal ones by label and identity."""
    return tuple(
        sorted(
            parts,
            key=lambda p: (p.value is not None, -abs(p.value or 0), p.label, p.identity, p.package),
        )
    )


def amount_text(value: Fraction | None, unit: str, reason: str = "") -> str:
    """A part's value for people, with its unit: `CHF 12.50`, `1.50 h`, `n/a (no rate)`."""
    if value is None:
        return f"n/a ({reason})" if reason else "n/a"
    if unit == "date":
        return day(date.fromordinal(int(value)))
    if unit == "s":
        return f"{show(value / 3600)} h"
    text = show(value, digits_of(unit))
    if unit == "percent":
        return f"{text} %"
    return f"{unit} {text}" if unit.isupper() else text


def digits_of(unit: str) -> int:
    """How many digits a value of a unit is shown with."""
    return _DIGITS[unit] if unit in _DIGITS else currency_exponent(unit)


def adding_up(parts: Sequence[Part]) -> tuple[Fraction | None, ...]:
    """The values rounded as they are shown, so that they add up to their rounded sum.

    Largest remainder; ties go to the earlier part. Values are left as they are where one is n/a.
    """
    values = [p.value for p in parts]
    whole = sum_of(values)
    if not parts or whole is None or parts[0].unit == "s":
        return tuple(values)
    scale = 10 ** digits_of(parts[0].unit)
    exact = [(v or Fraction(0)) * scale for v in values]
    floors = [floor(e) for e in exact]
    left = round(whole * scale) - sum(floors)
    ranked = sorted(range(len(floors)), key=lambda i: (floors[i] - exact[i], i))
    for i in ranked[:left]:
        floors[i] += 1
    return tuple(Fraction(f, scale) for f in floors)
