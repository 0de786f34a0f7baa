"""The terms behind the figures of `baselines`: the original beside the current, and the layers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from types import MappingProxyType

from itpm_sync.reconcile.baselines import RateStep, last_finish
from itpm_sync.reconcile.exchange import signed
from itpm_sync.reconcile.explanation import Part
from itpm_sync.reconcile.facts import ProjectFacts
from itpm_sync.reconcile.inputs import Element, RecordedBaseline
from itpm_sync.reconcile.number import Number, decimal, known, unknown
from itpm_sync.reconcile.performance import Values
from itpm_sync.reconcile.progress import Plan
from itpm_sync.reconcile.wording import day

_FORMULAS: Mapping[str, str] = MappingProxyType(
    {
        "cv_original": "original EV − AC",
        "sv_original": "original EV − original PV",
        "vac_original": "original BAC − EAC",
        "bac_growth": "BAC − original BAC",
        "bac_growth_percent": "100 · growth / original BAC",
        "finish_growth_days": "current finish − original finish",
        "budget_base": "BAC + management reserve",
    }
)
SYMBOLS: Mapping[str, str] = MappingProxyType(
    {
        "original BAC": "bac_original", "original PV": "pv_original",
        "original EV": "ev_original", "growth": "bac_growth",
        "management reserve": "management_reserve",
    }
)  # fmt: skip
_SUMS = ("bac_original", "pv_original", "ev_original", "undistributed", "planning")
NAMES = frozenset((*_FORMULAS, *_SUMS, "management_reserve", "bac_growth_fx"))


def formula(facts: ProjectFacts, name: str) -> str:
    """The formula of a figure; empty where it is a sum."""
    if name == "budget_base" and facts.numbers["management_reserve"].value is None:
        return "BAC"
    return _FORMULAS.get(name, "")


def dates(facts: ProjectFacts, formula: str) -> Iterable[Part]:
    """The planned finishes, as terms of a formula that counts days."""
    if "finish" in formula and facts.original is not None:
        words = told(facts.original.baseline)
        yield _day("current finish", last_finish(facts.counted), "The plan in force")
        yield _day("original finish", facts.original.finish, words)


def _day(symbol: str, on: date | None, words: str) -> Part:
    number = known(on.toordinal()) if on is not None else unknown("no usable planned finish")
    return Part(
        label=words, value=number.value, unit="date", reason=number.reason, symbol=symbol, on=on
    )


def parts(facts: ProjectFacts, name: str) -> Iterable[Part]:
    """What a sum is made of: work packages of the original baseline, or of one element."""
    if name in ("undistributed", "planning"):
        element = Element.PLANNING if name == "planning" else Element.UNDISTRIBUTED
        for plan, values in facts.counted:
            if plan.element is element:
                yield _package(facts, plan, values.bac, "")
    elif name == "management_reserve":
        number = facts.numbers[name]
        from_ = told(facts.baseline) if facts.baseline else "the plan and the configuration"
        yield Part(
            label="Management reserve", value=number.value, unit=facts.currency,
            reason=number.reason, note=from_,
        )  # fmt: skip
    elif name == "bac_growth_fx" and facts.original is not None:
        yield from (_rate_step(facts, s) for s in facts.original.rate_steps)
    elif name in _SUMS and facts.original is not None and facts.numbers[name].value is not None:
        for plan, values in facts.original.counted:
            note = f"{told(facts.original.baseline)}; {plan.method}"
            yield _package(facts, plan, _value(values, name), note)


def _value(values: Values, name: str) -> Number:
    by_name = {"bac_original": values.bac, "pv_original": values.pv, "ev_original": values.ev}
    return by_name[name]


def _package(facts: ProjectFacts, plan: Plan, number: Number, note: str) -> Part:
    return Part(
        label=f"{plan.code} {plan.name}".strip(), value=number.value, unit=facts.unit,
        reason=number.reason, package=plan.code,
        note="; ".join(t for t in (note, number.note) if t),
    )  # fmt: skip


def _rate_step(facts: ProjectFacts, step: RateStep) -> Part:
    note, base, then, now = "", facts.currency, step.then.value, step.now.value
    if then is not None and now is not None:
        note = (
            f"1 {step.money.currency} = {decimal(then)} {base} by the original baseline, "
            f"{decimal(now)} {base} by {facts.rates.version}; difference {signed(now - then)}"
        )
    return replace(_package(facts, step.plan, step.number, note), source=str(step.money))


def told(baseline: RecordedBaseline) -> str:
    """A version for people: `baseline 2 of 4 Mar 2026 by Ada, approved by Board`."""
    approved = f", approved by {baseline.approval}" if baseline.approval else ""
    return f"baseline {baseline.version} of {day(baseline.on)} by {baseline.author}{approved}"
