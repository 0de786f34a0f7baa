"""The exposure to risk of one project: probability × impact of each open risk, in its currency.

Registers keep no history of their risks. What the exposure was, earlier snapshots tell: each was
made of the records as they were on its day, and hands on those before it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from itpm_sync.model import Money, Risk
from itpm_sync.reconcile.comparing import LONGEST, is_recent
from itpm_sync.reconcile.number import Number, decimal, known, total, unknown
from itpm_sync.reconcile.ratings import exposure, is_open_risk
from itpm_sync.reconcile.status import ExposurePoint, Figure, ProjectStatus
from itpm_sync.reconcile.wording import count, day

Convert = Callable[[Money], Number]
"""An amount in the project's currency on the data date, or why it is not known."""


@dataclass(frozen=True, slots=True)
class Exposure:
    """The sum, the risks that make it up, and the open ones that lack what it needs."""

    number: Number
    open: Number  # how many are open
    parts: tuple[tuple[Risk, Number], ...]
    unquantified: tuple[Risk, ...]


def risk_exposure(risks: Sequence[Risk], convert: Convert, currency: str) -> Exposure:
    """The exposure of a project's risks in its `currency`, which may be unknown."""
    live = [r for r in risks if is_open_risk(r)]
    parts = tuple((r, convert(e)) for r in live if (e := exposure(r)) is not None)
    bare = tuple(r for r in live if exposure(r) is None)
    if not risks:
        none = unknown("no risk is registered")
        return Exposure(none, none, (), ())
    number = _sum((n for _, n in parts), len(parts), len(live))
    if not currency and number.value is not None:
        number = unknown("the project has no currency")
    return Exposure(number, known(len(live)), parts, bare)


def _sum(parts: Iterable[Number], counted: int, live: int) -> Number:
    if live and not counted:
        return unknown("no open risk has both a probability and an impact")
    number = total(parts)
    if number.value is None or counted == live:
        return number
    left = count(live - counted, "open risk")
    return number.noted(f"{left} without probability or impact not counted")


POINTS = 12  # snapshots of the trend, this one included


def exposure_before(
    previous: ProjectStatus | None, on: date | None, currency: str, today: date
) -> Number:
    """The exposure of the snapshot before, made on the day `on`, unless that is too long ago."""
    found = _comparable(previous, currency)
    if found is None or found.value is None or on is None:
        return unknown("no earlier snapshot knows the risk exposure in this currency")
    if not is_recent(on, today):
        return unknown(f"the snapshot before, of {day(on)}, is more than {LONGEST} days older")
    return known(found.value, f"on {day(on)}")


def exposure_change(now: Number, before: Number) -> Number:
    """Now − before; above 0 the risk has grown."""
    if now.value is None or before.value is None:
        return unknown(now.reason or before.reason)
    return known(now.value - before.value, before.note.replace("on", "since", 1))


def exposure_trend(
    now: Number, previous: ProjectStatus | None, previous_on: date | None, currency: str, on: date
) -> tuple[ExposurePoint, ...]:
    """The exposure of the last snapshots, this one the last; none without a currency."""
    found, earlier = _comparable(previous, currency), list[ExposurePoint]()
    if found is not None and previous is not None and previous_on is not None:
        earlier = [*previous.exposures] or [ExposurePoint(on=previous_on, amount=found.value)]
    value: Fraction | None = now.value
    point = ExposurePoint(on=on, amount=None if value is None else decimal(value))
    return (*[p for p in earlier if p.on < on][1 - POINTS :], point) if currency else ()


def _comparable(previous: ProjectStatus | None, currency: str) -> Figure | None:
    """The exposure of a snapshot, where it is in this currency."""
    found = previous.figures.get("risk_exposure") if previous is not None else None
    return found if found is not None and found.unit == currency else None
