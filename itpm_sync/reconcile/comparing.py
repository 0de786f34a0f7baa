"""Which earlier reconciliation a status is compared with: that of the week before. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

WEEK = 7
SHORTEST = 5  # days: a weekly run may come up to two days early
LONGEST = 35  # days: who reports by the month compares with the month before


def week_before(on: date, days: Iterable[date]) -> date | None:
    """The data date that a status of the day `on` is compared with: of those 5 to 35 days earlier
    the nearest to seven days earlier, of two as near the earlier one. In the first days, which have
    none of these, the first day of all.
    """
    known = sorted(day for day in days if 0 < (on - day).days <= LONGEST)
    weeks = [day for day in known if (on - day).days >= SHORTEST]
    return min(weeks or known[:1], key=lambda day: abs((on - day).days - WEEK), default=None)


def is_recent(before: date, on: date) -> bool:
    """Whether a snapshot of the day `before` is not too old to be compared with one of `on`."""
    return on - before <= timedelta(days=LONGEST)
