"""What a plan's figures say of themselves on a day before their source was first read. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from itpm_sync.reconcile.inputs import Inputs
from itpm_sync.reconcile.progress import Plan
from itpm_sync.reconcile.wording import day
from itpm_sync.reconcile.workdays import Zone

FIRST_READ = "the plan as it was first read"


def first_read(inputs: Inputs, plans: Iterable[Plan], zone: Zone) -> str:
    """`the plan as it was first read, on 2 Nov 2026`, where packages are among these of which no
    state by the data date is known; else nothing.
    """
    later = {
        (p.record.ref.connection, p.record.ref.stream)
        for p in plans
        if p.record is not None and p.record.id in inputs.progress_unknown
    }
    days = [
        zone.day_of(c.later.as_of)
        for c in inputs.coverage
        if (c.connection, c.stream) in later and c.as_of is None and c.later and c.later.as_of
    ]
    return f"{FIRST_READ}, on {day(min(days))}" if days else ""
