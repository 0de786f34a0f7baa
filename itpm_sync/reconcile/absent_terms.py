"""Figures that the status leaves out where there is nothing of them: 0 or n/a, and why.

Items added and removed by splits and merges, disputed cost, growth of BAC by exchange rates. Who
asks for one by name is told so.
"""

from __future__ import annotations

from collections.abc import Mapping

from itpm_sync.reconcile.facts import ProjectFacts
from itpm_sync.reconcile.figures import label_of, unit_of
from itpm_sync.reconcile.number import Number, figure, known, total, unknown
from itpm_sync.reconcile.status import Figure


def numbers(facts: ProjectFacts, package: str = "") -> Mapping[str, Number]:
    """The numbers of the project, or of a package; only those that it does not have count."""
    if package:
        of = next(f for f in facts.packages if f.plan.code == package)
        return {"disputed": _disputed(facts, of.values.ac, package)}
    scope = facts.scope
    none = known(0, f"no item was split or merged since {scope.label}")
    by_split = unknown(scope.reason) if scope.members is None else none
    return {
        "added_by_split": by_split,
        "removed_by_split": by_split,
        "disputed": _disputed(facts, facts.values.ac),
        "bac_growth_fx": _growth_by_rates(facts),
    }


def figures(facts: ProjectFacts, package: str = "") -> Mapping[str, Figure]:
    """The same as figures."""
    return {
        name: figure(name, label_of(name), number, unit_of(name, facts))
        for name, number in numbers(facts, package).items()
    }


def _disputed(facts: ProjectFacts, ac: Number, package: str = "") -> Number:
    found = total(d.amount for d in facts.disputed if package in ("", d.package))
    if ac.value is None or found.value is None:
        return unknown(ac.reason or found.reason)
    return found.noted("no finding disputes any of AC")


def _growth_by_rates(facts: ProjectFacts) -> Number:
    if facts.original is None or facts.baseline is None:
        return unknown("no baseline is recorded")
    if facts.original.baseline.version == facts.baseline.version:
        return unknown("the original baseline is in force")
    if not facts.in_money or not facts.original.in_money:
        return unknown("not all baselines are measured in money")
    return unknown("the original baseline has no budget in another currency")
