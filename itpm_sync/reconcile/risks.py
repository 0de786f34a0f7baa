"""The exposure to risk of one project: probability × impact of each open risk, in its currency."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from itpm_sync.model import Money, Risk
from itpm_sync.reconcile.number import Number, known, total, unknown
from itpm_sync.reconcile.ratings import exposure, is_open_risk
from itpm_sync.reconcile.wording import count

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
    return replace(
        number,
        note=f"{count(live - counted, 'open risk')} without probability or impact not counted",
    )
