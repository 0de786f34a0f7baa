"""Reconciliation of cost and scope against the plan: pure functions of frozen inputs.

`reconcile(inputs, previous)` gives a snapshot, `freeze(inputs, project)` the plan and scope that a
baseline records, `gates_of(inputs, previous)` every stage gate with its criteria; what they take
is in `inputs`, what they give in `status`. `finding_codes()` are those of all findings. They are
loaded where first used: whoever only reads a snapshot waits for none of what computes it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from itpm_sync.reconcile.assemble import freeze, gates_of, reconcile
    from itpm_sync.reconcile.tracking import finding_codes

__all__ = ("finding_codes", "freeze", "gates_of", "reconcile")


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = "tracking" if name == "finding_codes" else "assemble"
    return getattr(import_module(f"{__name__}.{home}"), name)
