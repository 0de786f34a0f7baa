"""The terms behind the figures of `pace`: earned schedule, the last weeks, effort apart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from fractions import Fraction
from types import MappingProxyType

from itpm_sync.model import Method
from itpm_sync.reconcile.explanation import Part
from itpm_sync.reconcile.facts import ProjectFacts
from itpm_sync.reconcile.number import Number, total
from itpm_sync.reconcile.pace import RECENT_WEEKS, PlannedValue, calendar_of, discrete
from itpm_sync.reconcile.performance import Values
from itpm_sync.reconcile.wording import count, day

FORMULAS: Mapping[str, str] = MappingProxyType(
    {
        "pd": "planned days / days a week",
        "es": "earned days / days a week",
        "at": "elapsed days / days a week",
        "sv_t": "ES − AT",
        "spi_t": "ES / AT",
        "ieac_t": "AT + (PD − ES) / SPI(t)",
        "tspi": "(PD − ES) / (PD − AT)",
        "cpi_recent": "(EV − EV then) / (AC − AC then)",
        "spi_recent": "(EV − EV then) / (PV − PV then)",
        "cpi_discrete": "(EV − EV of effort) / (AC − AC of effort)",
        "spi_discrete": "(EV − EV of effort) / (PV − PV of effort)",
        "effort_share": "100 · BAC of effort / BAC",
    }
)
_DAYS = {
    "planned days": ("pd", "Working days from {first} until PV reaches BAC"),
    "earned days": ("es", "Working days from {first} until PV was to reach what EV is now"),
    "elapsed days": ("at", "Working days from {first} to now, or to the actual finish"),
}


_A_WEEK = "days a week"


def formula(facts: ProjectFacts, name: str) -> str:
    """The formula of a figure, with the days of the calendar's week."""
    return FORMULAS[name].replace(_A_WEEK, str(_days_a_week(facts)))


def _days_a_week(facts: ProjectFacts) -> int:
    return calendar_of(facts.past.counted).days_a_week


def terms(facts: ProjectFacts, formula: str) -> Iterable[Part]:
    """The terms of a formula that are no figures of their own."""
    for symbol, (name, words) in _DAYS.items():
        if symbol in formula:
            yield _days(facts, symbol, name, words)
    if "then" in formula:
        weeks_ago = facts.data_date - timedelta(weeks=RECENT_WEEKS)
        on, then = facts.past.known_before(weeks_ago, facts.earlier)
        yield from _values(facts, formula, then, "then", f"At the end of {day(on)}")
    if "of effort" in formula:
        effort = [(p, v) for p, v in facts.past.counted if p.method is Method.LEVEL_OF_EFFORT]
        found = [v for _, v in effort]
        values = Values(
            total(v.bac for v in found),
            total(v.pv for v in found),
            total(v.ev for v in found),
            total(v.ac for v in found),
        )
        codes = ", ".join(p.code for p, _ in effort)
        words = count(len(effort), "level-of-effort package") + (f": {codes}" if codes else "")
        yield from _values(facts, formula, values, "of effort", words)


def _days(facts: ProjectFacts, symbol: str, name: str, words: str) -> Part:
    number, measured = facts.numbers[name], discrete(facts.past.counted)
    starts = [s for p, _ in measured if (s := p.start or p.finish)]
    first = day(min(starts)) if starts else "the start"
    value = None if number.value is None else number.value * _days_a_week(facts)
    return Part(
        label=words.format(first=first), value=value, unit="ratio", reason=number.reason,
        symbol=symbol, note=number.note,
    )  # fmt: skip


def _values(
    facts: ProjectFacts, formula: str, values: Values, suffix: str, words: str
) -> Iterable[Part]:
    named: Mapping[str, Number] = {
        "BAC": values.bac, "PV": values.pv, "EV": values.ev, "AC": values.ac,
    }  # fmt: skip
    for name, number in named.items():
        symbol = f"{name} {suffix}"
        if symbol in formula:
            yield Part(
                label=words, value=number.value, unit=facts.unit, reason=number.reason,
                symbol=symbol, note=number.note,
            )  # fmt: skip


def adherence(facts: ProjectFacts) -> Iterable[Part]:
    """The p-factor by package: what it earned of what was planned by ES, over all that was."""
    es, measured = facts.numbers["es"].value, discrete(facts.past.counted)
    if es is None or facts.numbers["p_factor"].value is None:
        return
    planned = PlannedValue(measured).parts(es * _days_a_week(facts))
    whole = sum(planned, Fraction(0))
    for (plan, values), due in zip(measured, planned, strict=True):
        earned = values.ev.value or Fraction(0)
        part = Number(min(due, earned) / whole)
        yield Part(
            label=f"{plan.code} {plan.name}".strip(), value=part.value, unit="ratio",
            package=plan.code,
            note="earned as planned by ES" if earned >= due else "behind what was planned by ES",
        )  # fmt: skip
