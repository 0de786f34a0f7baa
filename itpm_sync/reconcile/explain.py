"""Where a figure comes from: formula → other figures → records, with the rule that placed each.

Every number is that of the snapshot, from the same computations; what is added here is how they
are called. Tests hold each explanation to its figure: the formula over the inputs equals it, and
the parts add up to it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import cached_property
from types import MappingProxyType
from typing import NamedTuple, TypeVar

from itpm_sync.errors import ReconcileError, suggestion
from itpm_sync.model import Money, Project
from itpm_sync.reconcile import (
    absent_terms,
    baseline_terms,
    contract_terms,
    desk_terms,
    effort_terms,
    evm,
    exchange_terms,
    forecast_terms,
    glossary,
    pace_terms,
    quality_terms,
)
from itpm_sync.reconcile.context import Context
from itpm_sync.reconcile.explanation import Explanation, Part, filled, largest_first, nearest
from itpm_sync.reconcile.facts import PackageFacts
from itpm_sync.reconcile.figures import (
    budgeted,
    label_of,
    package_figures,
    package_numbers,
    project_figures,
    project_numbers,
    unit_of,
)
from itpm_sync.reconcile.folding import fold
from itpm_sync.reconcile.inputs import Inputs
from itpm_sync.reconcile.measuring import project_facts
from itpm_sync.reconcile.money import STATES
from itpm_sync.reconcile.number import Number, known, unknown
from itpm_sync.reconcile.performance import is_counted
from itpm_sync.reconcile.portfolio import registers, setups
from itpm_sync.reconcile.progress import Plan, whole_project
from itpm_sync.reconcile.scope import Scope
from itpm_sync.reconcile.status import Figure, Snapshot
from itpm_sync.reconcile.tracing import Traces

_FORMULAS: Mapping[str, str] = MappingProxyType(
    {
        **glossary.FORMULAS,
        "creep": "100 · (added − removed) / baseline items",
        "churn": "100 · (added + removed + re-estimated) / baseline items",
        "risk_exposure_change": "risk exposure − exposure before",
        "scope_growth": "100 · (items − items a month ago) / items a month ago",
        "cost_variance": "planned cost − actual cost",
        "cost_variance_percent": "100 · cost variance / planned cost",
        "schedule_variance_days": "planned finish − actual finish",
        "schedule_variance_percent": "100 · days of variance / (planned finish − planned start)",
        **effort_terms.FORMULAS,
    }
)
_SYMBOLS: Mapping[str, str] = MappingProxyType(
    {
        **glossary.SYMBOLS,
        "items": "items", "items a month ago": "items_month_ago",
        "added": "added", "removed": "removed", "baseline items": "baseline_items",
        "planned cost": "planned_cost", "actual cost": "actual_cost",
        "cost variance": "cost_variance", "days of variance": "schedule_variance_days",
        "risk exposure": "risk_exposure", "exposure before": "risk_exposure_before",
        **baseline_terms.SYMBOLS,
        **effort_terms.SYMBOLS,
    }
)  # fmt: skip
_DATES = ("planned start", "planned finish", "actual finish")
V = TypeVar("V")


class _Made(NamedTuple):
    """How a figure is made: a formula over inputs, or the sum of parts, or both."""

    formula: str = ""
    inputs: Sequence[Part] = ()
    parts: Sequence[Part] = ()
    samples: Sequence[Part] = ()


def explain(
    inputs: Inputs,
    project: str,
    figure: str,
    package: str = "",
    previous: Snapshot | None = None,
) -> Explanation:
    """Where a figure of a project, or of one of its work packages, comes from.

    Pure, like `reconcile`, and with the same `previous` snapshot of the same figures. Raises
    ReconcileError for a project, package or figure that is not known, with the closest name.
    """
    return Explainer(inputs, project, previous).of(figure, package)


class Explainer:
    """One project, reconciled once, whose figures can all be explained."""

    def __init__(self, inputs: Inputs, project: str, previous: Snapshot | None = None) -> None:
        run = Context(inputs, previous)
        known_projects = {
            fold(s.code): (s, row) for s, row in setups(inputs.projects, registers(run.of(Project)))
        }
        if fold(project) not in known_projects:
            names = [s.code for s, _ in known_projects.values()]
            raise ReconcileError(f"no project {project!r}: {suggestion(project, names[:50])}")
        setup, row = known_projects[fold(project)]
        self._facts = facts = project_facts(run, setup, row)
        self._traces = Traces(run, facts)
        self._packages = {fold(f.plan.code): f for f in facts.packages}
        self._tells = run.tells

    def names(self, package: str = "") -> Sequence[str]:
        """The figures that can be explained, in the order of the report."""
        return tuple(self.figures(package))

    def figures(self, package: str = "") -> Mapping[str, Figure]:
        """The same by their names. Raises ReconcileError for an unknown package."""
        return self._figures(self._package(package))

    @property
    def packages(self) -> Sequence[str]:
        """The codes of the work packages."""
        return tuple(f.plan.code for f in self._facts.packages)

    def number(self, figure: str, package: str = "") -> Number:
        """The unrounded number of a figure."""
        return self._numbers(self._package(package))[figure]

    def of(self, figure: str, package: str = "") -> Explanation:
        """One figure; raises ReconcileError for an unknown name."""
        of = self._package(package)
        figures = self._figures(of)
        if figure not in figures:
            raise ReconcileError(f"no figure {figure!r}: {nearest(figure, figures)}")
        code = of.plan.code if of else ""
        made = self._package_made(figure, of) if of else self._project_made(figure)
        return Explanation(
            project=self._facts.code,
            package=code,
            data_date=self._facts.data_date,
            figure=figures[figure],
            formula=made.formula,
            filled=filled(made.formula, made.inputs),
            inputs=tuple(made.inputs),
            parts=largest_first(made.parts),
            samples=tuple(made.samples),
        )

    # ---- names and numbers ----------------------------------------------------------------------

    def _package(self, code: str) -> PackageFacts | None:
        if not code:
            return None
        found = self._packages.get(fold(code))
        if found is None:
            hint = suggestion(code, self.packages)
            raise ReconcileError(f"{self._facts.code} has no work package {code!r}: {hint}")
        return found

    def _figures(self, of: PackageFacts | None) -> Mapping[str, Figure]:
        if of is not None:
            abroad = exchange_terms.figures(self._facts, of.plan.code)
            absent = absent_terms.figures(self._facts, of.plan.code)
            return _first({**package_figures(self._facts, of, self._tells), **abroad}, absent)
        figures, desk = dict(project_figures(self._facts, self._tells)), self._facts.desk
        if desk is not None:
            effort = replace(desk.status.effort, name="desk_effort_s")
            figures |= {"within_sla": desk.status.within_sla, "desk_effort_s": effort}
        found = {**figures, **self._attached_figures}
        return _first(found, absent_terms.figures(self._facts))

    def _numbers(self, of: PackageFacts | None) -> Mapping[str, Number]:
        if of is not None:
            abroad = exchange_terms.numbers(self._facts, of.plan.code)
            absent = absent_terms.numbers(self._facts, of.plan.code)
            return _first({**package_numbers(self._facts, of, self._tells), **abroad}, absent)
        numbers, desk = dict(project_numbers(self._facts, self._tells)), self._facts.desk
        if desk is not None:
            numbers |= {"within_sla": desk.within, "desk_effort_s": desk.effort}
        attached = (desk_terms, contract_terms, effort_terms, exchange_terms)
        numbers |= {n: v for of in attached for n, v in of.numbers(self._facts).items()}
        return _first(numbers, absent_terms.numbers(self._facts))

    @cached_property
    def _attached_figures(self) -> Mapping[str, Figure]:
        """Those of the help desk's counts, of contracts and groups of effort; FX variance."""
        attached = (desk_terms, contract_terms, effort_terms, exchange_terms)
        return {n: f for of in attached for n, f in of.figures(self._facts).items()}

    def _term(self, name: str, of: PackageFacts | None, symbol: str = "") -> Part:
        """Another figure as a term."""
        number, code = self._numbers(of)[name], of.plan.code if of else ""
        label = label_of(name) if symbol or not of else f"{code} {of.plan.name}"
        return Part(
            label=label, value=number.value, unit=unit_of(name, self._facts), reason=number.reason,
            symbol=symbol, figure=name, package=code, note=number.note,
        )  # fmt: skip

    def _formula(self, formula: str, of: PackageFacts | None) -> _Made:
        """A formula over other figures; its terms in the order in which it names them."""
        words = "|".join(re.escape(s) for s in sorted(_SYMBOLS, key=len, reverse=True))
        named = dict.fromkeys(re.findall(rf"(?<!\w)(?:{words})(?!\w)", formula))
        there = [s for s in named if _SYMBOLS[s] in self._numbers(of)]
        return _Made(formula, [self._term(_SYMBOLS[symbol], of, symbol) for symbol in there])

    # ---- what projects and packages have in common ----------------------------------------------

    def _common(self, name: str, of: PackageFacts | None) -> _Made:
        code = of.plan.code if of else ""
        if name in STATES:
            return _Made(parts=[*self._traces.booked(name, code)])
        told: Mapping[str, Callable[[], Iterable[Part]]] = {
            "labour": lambda: self._traces.labour(code),
            "disputed": lambda: self._traces.disputed(code),
            exchange_terms.NAME: lambda: exchange_terms.parts(self._facts, self._traces, code),
            "effort_s": lambda: self._traces.effort(code),
            "items": lambda: self._traces.items(code if of else None),
            "items_done": lambda: self._traces.items(code if of else None, done=True),
        }
        if name in told:
            return _Made(parts=[*told[name]()])
        if name == "ac":
            return self._actual(of)
        if name == "eac":
            return self._formula(self._eac(of), of)
        return self._formula(_FORMULAS.get(name, ""), of)

    def _actual(self, of: PackageFacts | None) -> _Made:
        code, facts = of.plan.code if of else "", self._facts
        if not facts.in_money:
            return _Made()
        labour = facts.labour.cost(code) if of else facts.labour.total
        terms, parts = [self._spent("labour", labour, of)], [*self._traces.labour(code)]
        for state in ("invoiced", "accrued"):
            booked = facts.ledger.sum(state, code) if of else facts.ledger.totals[state]
            terms.append(self._spent(state, booked, of))
            parts += self._traces.booked(state, code)
        return _Made(_FORMULAS["ac"], terms, parts)

    def _spent(self, name: str, number: Number, of: PackageFacts | None) -> Part:
        """A term of AC: where no source tells it, it is 0 there, and n/a as a figure of its own."""
        term = self._term(name, of, symbol=name)
        if term.value == number.value:
            return term
        return replace(
            term, value=number.value, reason=number.reason, figure="", note=f"0: {term.reason}"
        )

    def _eac(self, of: PackageFacts | None) -> str:
        """The form that was really used: `evm.eac` falls back where the policy's is undefined."""
        method = self._facts.policy.eac_method
        spi_t = None if of else self._facts.numbers["spi_t"].value
        known_values = (of.values if of else self._facts.values).with_time(spi_t)
        note = evm.eac(known_values, method).note if known_values else ""
        return glossary.form(note) or evm.EAC_METHODS[method].label

    # ---- work packages --------------------------------------------------------------------------

    def _package_made(self, name: str, of: PackageFacts) -> _Made:
        if name in ("bac", "budget") and (self._facts.in_money or name == "budget"):
            return _Made(parts=[self._traces.budget(of.plan)])
        if name in ("bac", "pv", "ev"):
            return self._valued(name, of.plan, self._term("bac", of, "BAC"))
        return self._common(name, of)

    def _valued(self, name: str, plan: Plan, bac: Part) -> _Made:
        """BAC, PV and EV of a package, or of a project that is its own only package."""
        traces, facts = self._traces, self._facts
        if name == "pv":
            share = traces.planned_share(plan)
            return _Made(_FORMULAS["pv"], [share, bac])
        if facts.in_money:
            share = traces.earned_share(plan)
            return _Made(_FORMULAS["ev"], [share, bac], [*traces.earned(plan)])
        tell = traces.members if facts.work.has_baseline else traces.items
        return _Made(parts=[*tell(plan.code, done=name == "ev")])

    # ---- projects -------------------------------------------------------------------------------

    def _project_made(self, name: str) -> _Made:
        facts = self._facts
        told: Mapping[str, Callable[[], Iterable[Part]]] = {
            "budget": lambda: [self._term(name, f) for f in budgeted(facts) if facts.in_money],
            "baseline_items": lambda: self._traces.members(None),
            "added": lambda: self._traces.changes("added"),
            "removed": lambda: self._traces.changes("removed"),
            "added_by_split": lambda: self._traces.changes("added", by_split=True),
            "removed_by_split": lambda: self._traces.changes("removed", by_split=True),
            "items_month_ago": self._traces.items_earlier,
            "within_sla": self._within_sla,
            exchange_terms.NAME: lambda: exchange_terms.parts(facts, self._traces),
            "p_factor": lambda: pace_terms.adherence(facts),
            **quality_terms.told(facts, self._traces),
            **effort_terms.told(facts, self._traces),
            "desk_effort_s": lambda: self._traces.seconds(facts.desk.booked if facts.desk else ()),
        }
        if name in told:
            return _Made(parts=[*told[name]()])
        if name in self._attached_figures:
            return self._attached(name)
        if name == "defect_age":
            return _Made("median age of the open defects", samples=quality_terms.ages(facts))
        if name in ("bac", "pv", "ev"):
            return self._project_value(name)
        if facts.register is not None and name in facts.register.numbers:
            return self._register(name, facts.register.record)
        return self._derived(name)

    def _attached(self, name: str) -> _Made:
        if name.startswith("desk_"):
            return _Made(parts=[*desk_terms.parts(self._facts, self._traces, name)])
        if name.startswith("effort_"):
            return _Made(*effort_terms.made(self._facts, self._traces, name))
        return _Made(*contract_terms.made(self._facts, self._traces, name))

    def _derived(self, name: str) -> _Made:
        """A figure that is computed from others."""
        if name == "churn":
            return self._churn()
        drawn = self._facts.forecast
        if drawn is not None and name in drawn.numbers:
            return _Made(*forecast_terms.made(self._facts, drawn, name))
        if name in ("eac_low", "eac_high"):
            return self._formula(glossary.form(self._facts.numbers[name].note), None)
        if name in baseline_terms.NAMES:
            return self._baseline(name)
        if name in pace_terms.FORMULAS:
            made = self._formula(pace_terms.formula(self._facts, name), None)
            return _Made(made.formula, [*made.inputs, *pace_terms.terms(self._facts, made.formula)])
        return self._common(name, None)

    def _project_value(self, name: str) -> _Made:
        facts = self._facts
        if facts.packages or facts.in_money:
            counted = [f for f in facts.packages if is_counted(f.plan, in_money=facts.in_money)]
            return _Made(parts=[self._term(name, f) for f in counted])
        if facts.values.bac.value is None:
            return _Made()
        return self._valued(name, whole_project(facts.setup), self._term("bac", None, "BAC"))

    def _churn(self) -> _Made:
        scope, made = self._facts.scope, self._formula(_FORMULAS["churn"], None)
        term = Part(
            label="Items of the baseline whose points or estimate changed",
            value=Fraction(scope.re_estimated or 0), unit="items", symbol="re-estimated",
            note=_re_estimates_told(scope),
        )  # fmt: skip
        return _Made(made.formula, [*made.inputs, term])

    def _baseline(self, name: str) -> _Made:
        formula = baseline_terms.formula(self._facts, name)
        days = baseline_terms.dates(self._facts, formula)
        parts = () if formula else baseline_terms.parts(self._facts, name)
        return _Made(formula, [*self._formula(formula, None).inputs, *days], [*parts])

    def _within_sla(self) -> Iterable[Part]:
        judged = self._facts.desk.judged if self._facts.desk else ()
        for item, missed in judged:
            share = known(0 if missed else Fraction(100, len(judged)))
            note = "missed its target" if missed else "met its target"
            yield self._traces.of(item, share, "percent", note=note)

    def _register(self, name: str, record: Project) -> _Made:
        if name in ("planned_cost", "actual_cost"):
            amount: Money | None = getattr(record, name)
            if amount is None:
                return _Made()
            part = self._traces.of(
                record, known(amount.amount), unit_of(name, self._facts), source=str(amount)
            )
            return _Made(parts=[part])
        formula = _FORMULAS[name]
        made = self._formula(formula, None)
        days = [self._day(record, word) for word in _DATES if word in formula]
        return _Made(formula, [*made.inputs, *days])

    def _day(self, record: Project, word: str) -> Part:
        """A date of the register as a term: its number of days, so that days can be counted."""
        found = getattr(record, word.replace(" ", "_"))
        number = known(found.toordinal()) if found is not None else unknown(f"no {word}")
        return self._traces.of(record, number, "date", symbol=word, on=found)


def _first(found: Mapping[str, V], others: Mapping[str, V]) -> Mapping[str, V]:
    """What was found, then what it lacks of the others."""
    return {**found, **{name: v for name, v in others.items() if name not in found}}


def _re_estimates_told(scope: Scope) -> str:
    if scope.re_estimated is None:
        return "not known without a recorded baseline"
    return "without sizes that only went to parts or were merged" if scope.judged.moved else ""
