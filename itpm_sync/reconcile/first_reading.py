"""A plan on a day before its source was first read. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from itpm_sync.reconcile.inputs import Inputs
from itpm_sync.reconcile.progress import Plan
from itpm_sync.reconcile.workdays import Zone


def first_read(inputs: Inputs, plans: Iterable[Plan], zone: Zone) -> date | None:
    """The day of the first reading, where packages are among these of which no state by the data
    date is known; else None.
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
    return min(days, default=None)
