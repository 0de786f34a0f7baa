"""Reconciliation of cost and scope against the plan: pure functions of frozen inputs.

`reconcile(inputs, previous)` is the only way in; what it takes and gives is in `status`.
"""

from itpm_sync.reconcile.assemble import reconcile

__all__ = ["reconcile"]
