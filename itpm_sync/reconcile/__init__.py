"""Reconciliation of cost and scope against the plan: pure functions of frozen inputs.

`reconcile(inputs, previous)` gives a snapshot, `freeze(inputs, project)` the plan and scope that a
baseline records; what they take and give is in `status`.
"""

from itpm_sync.reconcile.assemble import freeze, reconcile

__all__ = ["freeze", "reconcile"]
