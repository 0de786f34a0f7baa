"""The terms behind the figures of `forecast`: what is left, and the weeks that were drawn from."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from fractions import Fraction
from typing import NamedTuple

from itpm_sync.reconcile.explanation import Part
from itpm_sync.reconcile.facts import ProjectFacts, label
from itpm_sync.reconcile.forecast import COST, FINISH, Forecast, Week
from itpm_sync.reconcile.number import decimal
from itpm_sync.reconcile.wording import count, day, money


class Made(NamedTuple):
    """Formula, inputs, parts (none) and samples of a simulated figure."""

    formula: str = ""
    inputs: Sequence[Part] = ()
    parts: Sequence[Part] = ()
    samples: Sequence[Part] = ()


def made(facts: ProjectFacts, drawn: Forecast, name: str) -> Made:
    """How a figure of the forecast is made; nothing where it is n/a."""
    if facts.numbers[name].value is None:
        return Made()
    if name.startswith(FINISH):
        percent = name.removeprefix(FINISH)
        words = f"weeks within which {percent} % of the courses reach what is left"
        return Made(words, [_left(drawn)], (), [_done(drawn, w) for w in drawn.weeks])
    percent = name.removeprefix(COST)
    words = f"AC + cost that {percent} % of the courses do not exceed until they reach what is left"
    ac = facts.values.ac
    spent = Part(
        label="Actual cost (AC)", value=ac.value, unit=facts.currency, symbol="AC", figure="ac",
        note=ac.note,
    )  # fmt: skip
    rest = _value_left(facts) if drawn.by_value else _left(drawn)
    return Made(words, [spent, rest], (), [_cost(facts, drawn, w) for w in drawn.weeks])


def _left(drawn: Forecast) -> Part:
    return Part(
        label="In scope and not done", value=drawn.left, unit=drawn.unit, symbol="what is left"
    )


def _value_left(facts: ProjectFacts) -> Part:
    bac, ev = facts.values.bac.value or Fraction(0), facts.values.ev.value or Fraction(0)
    return Part(
        label="BAC − EV", value=bac - ev, unit=facts.currency, symbol="what is left",
        note="budgeted, and not earned yet",
    )  # fmt: skip


def _week(week: Week) -> str:
    return f"Week from {day(week.end - timedelta(days=6))}"


def _done(drawn: Forecast, week: Week) -> Part:
    names = [i.key or label(i) for i in week.items]
    added = f"{decimal(week.added)} {drawn.unit} added" if week.added else ""
    return Part(
        label=_week(week), value=week.done, unit=drawn.unit, on=week.end, note=added,
        source=", ".join(sorted(names)),
    )  # fmt: skip


def _cost(facts: ProjectFacts, drawn: Forecast, week: Week) -> Part:
    earned = week.earned.value
    if drawn.by_value and earned is not None:
        note = f"earned {money(earned, facts.currency)}"
    else:
        unit = drawn.unit.removesuffix("s")
        note = (
            f"{count(int(week.done), unit)} done"
            if week.done.denominator == 1
            else (f"{decimal(week.done)} {drawn.unit} done")
        )
    return Part(
        label=_week(week), value=week.cost.value, unit=facts.currency, on=week.end, note=note,
        source="labour, invoices and accruals of the week",
    )  # fmt: skip
