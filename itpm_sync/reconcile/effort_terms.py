"""The items behind the figures of effort: `effort_variance_s`, `effort_variance_s:type:Story`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from functools import partial

from itpm_sync.model import TimeEntry, WorkItem
from itpm_sync.reconcile import effort
from itpm_sync.reconcile.effort import LABELS, Compared, Sums, compared, unit_of
from itpm_sync.reconcile.explanation import Part
from itpm_sync.reconcile.facts import ProjectFacts
from itpm_sync.reconcile.number import Number, known
from itpm_sync.reconcile.status import Figure
from itpm_sync.reconcile.tracing import Traces
from itpm_sync.reconcile.wording import show

FORMULAS: Mapping[str, str] = {
    "effort_variance_s": "estimated effort − spent effort",
    "unplanned_ratio_percent": "100 · unplanned effort / booked effort",
    "effort_variance_percent": "100 · effort variance / estimated effort",
}
SYMBOLS: Mapping[str, str] = {
    "unplanned effort": "unplanned_effort_s",
    "booked effort": "effort_s",
    "estimated effort": "effort_estimated_s",
    "spent effort": "effort_spent_s",
    "effort variance": "effort_variance_s",
}
_SHARE: Mapping[str, Callable[[Compared], int]] = {
    "effort_estimated_s": lambda one: one.estimated_s,
    "effort_spent_s": lambda one: one.spent_s,
}


def told(facts: ProjectFacts, traces: Traces) -> Mapping[str, Callable[[], Iterable[Part]]]:
    """The figures of the project that are sums over its items, each with how to list them."""
    sums = {name: partial(_items, facts, traces, name) for name in _SHARE}
    return {**sums, "unplanned_effort_s": partial(_unplanned, facts, traces)}


def _unplanned(facts: ProjectFacts, traces: Traces) -> Iterable[Part]:
    items = (*facts.records.of(WorkItem), *traces.gone_items)
    found = effort.unplanned(facts.records.of(TimeEntry), items, facts.scope)
    return traces.seconds(found)


def numbers(facts: ProjectFacts) -> Mapping[str, Number]:
    """The unrounded numbers of each group by the name of their figure."""
    return {
        _named(name, *group): number
        for group, sums in facts.effort.groups.items()
        for name, number in sums.numbers("").items()
    }


def figures(facts: ProjectFacts) -> Mapping[str, Figure]:
    """The figures of each group by name."""
    return {
        _named(name, *group): figure
        for group, sums in facts.effort.groups.items()
        for name, figure in effort.figures(*group, sums).items()
    }


def _named(name: str, by: str, word: str) -> str:
    return f"{name}:{by}:{word}"


def made(
    facts: ProjectFacts, traces: Traces, name: str
) -> tuple[str, Sequence[Part], Sequence[Part]]:
    """Formula, inputs and parts of a figure of a group; `name` is one of `numbers`."""
    plain, by, word = name.split(":", 2)
    if plain in _SHARE:
        return "", (), [*_items(facts, traces, plain, (by, word))]
    sums, formula = facts.effort.groups[by, word], FORMULAS[plain]
    there = (s for s in SYMBOLS if s in formula)
    return formula, [_term(sums, symbol, by, word) for symbol in there], ()


def _term(sums: Sums, symbol: str, by: str, word: str) -> Part:
    plain = SYMBOLS[symbol]
    return Part(
        label=f"{LABELS[plain]}, {by} {word}", value=sums.numbers("")[plain].value,
        unit=unit_of(plain), symbol=symbol, figure=_named(plain, by, word),
    )  # fmt: skip


def _items(
    facts: ProjectFacts, traces: Traces, name: str, group: tuple[str, str] | None = None
) -> Iterable[Part]:
    found, _ = compared(facts.scope.current, facts.records.of(TimeEntry), facts.end)
    for one in found:
        if group is None or group in effort.keys(one.item):
            spent, estimated = (show(Fraction(s, 3600)) for s in (one.spent_s, one.estimated_s))
            source = f"{spent} h spent of {estimated} h"
            yield traces.of(one.item, known(_SHARE[name](one)), "s", source=source)
