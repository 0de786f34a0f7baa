"""The items added and removed by splits and merges where there are none: 0, and why.

The status leaves these figures out then; who asks for one by name is told so.
"""

from __future__ import annotations

from collections.abc import Mapping

from itpm_sync.reconcile.facts import ProjectFacts
from itpm_sync.reconcile.figures import label_of
from itpm_sync.reconcile.number import Number, figure, known, unknown
from itpm_sync.reconcile.status import Figure


def numbers(facts: ProjectFacts) -> Mapping[str, Number]:
    """The numbers of the figures that the status leaves out."""
    scope = facts.scope
    none = known(0, f"no item was split or merged since {scope.label}")
    return {
        f"{change}_by_split": unknown(scope.reason) if scope.members is None else none
        for change in ("added", "removed")
        if not scope.by_split(change)
    }


def figures(facts: ProjectFacts) -> Mapping[str, Figure]:
    """The same as figures."""
    return {n: figure(n, label_of(n), number, "items") for n, number in numbers(facts).items()}
