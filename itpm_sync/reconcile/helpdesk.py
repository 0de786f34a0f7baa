"""Load and service levels of the help desk, for one project on the data date."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction

from itpm_sync.model import HelpDeskItem, TicketStatus, TimeEntry
from itpm_sync.reconcile.allocate import Placed
from itpm_sync.reconcile.number import Number, figure, known, unknown
from itpm_sync.reconcile.status import HelpDeskStatus, HelpDeskWeek
from itpm_sync.reconcile.wording import count
from itpm_sync.reconcile.workdays import Zone, week_ends

_WEEKS = 12
_CLOSED = frozenset({TicketStatus.RESOLVED, TicketStatus.CLOSED, TicketStatus.CANCELLED})


def is_open(item: HelpDeskItem, end: datetime) -> bool:
    """Whether the item was still open at `end`."""
    closed = item.status in _CLOSED
    return not closed or (item.resolved_at is not None and item.resolved_at >= end)


def response_breached(item: HelpDeskItem, end: datetime) -> bool | None:
    """Whether the first response missed its target; the source's own word goes before its times.

    None: no target is known.
    """
    if item.response_breached is not None:
        return item.response_breached
    if item.response_due_at is None:
        return None
    return min(item.started_at or item.resolved_at or end, end) > item.response_due_at


def resolve_breached(item: HelpDeskItem, end: datetime) -> bool | None:
    """Whether the resolution missed its target; None: no target is known."""
    if item.resolve_breached is not None:
        return item.resolve_breached
    if item.resolve_due_at is None:
        return None
    return min(item.resolved_at or end, end) > item.resolve_due_at


@dataclass(frozen=True, slots=True)
class HelpDesk:
    """The status, and the items that breached, for findings."""

    status: HelpDeskStatus
    within: Number  # percent
    breached: tuple[HelpDeskItem, ...]
    judged: tuple[tuple[HelpDeskItem, bool], ...]  # behind `within`: whether each missed its target
    live: Sequence[HelpDeskItem]
    answered_late: Sequence[HelpDeskItem]  # open, or closed in the last 7 days
    resolved_late: Sequence[HelpDeskItem]  # the same
    effort: Number  # seconds
    booked: tuple[TimeEntry, ...]  # behind `effort`


def help_desk(
    placed: Sequence[Placed[HelpDeskItem]],
    time: Sequence[Placed[TimeEntry]],
    zone: Zone,
    data_date: date,
) -> HelpDesk | None:
    """The help desk of one project; None if it has no items."""
    if not placed:
        return None
    end = zone.end_of(data_date)
    items = [p.record for p in placed]
    live = [i for i in items if is_open(i, end)]
    recent = [*live, *_closed_within(items, zone, data_date, 7)]
    answered_late = [i for i in recent if response_breached(i, end)]
    resolved_late = [i for i in recent if resolve_breached(i, end)]
    breached = [i for i in recent if resolve_breached(i, end) or response_breached(i, end)]
    judged = _judged(items, live, zone, data_date)
    within = _within_sla(judged)
    effort, booked = _effort(items, time, data_date)
    status = HelpDeskStatus(
        open_now=len(live),
        open_by_priority=tuple(sorted(Counter(i.priority or "none" for i in live).items())),
        response_breaches=len(answered_late),
        resolve_breaches=len(resolved_late),
        within_sla=figure("within_sla", "Resolved within SLA, last 28 days", within, "percent"),
        weeks=_weeks(items, zone, data_date),
        effort=figure("effort_s", "Effort, last 7 days", effort, "s"),
    )
    return HelpDesk(
        status, within, tuple(breached), judged, live, answered_late, resolved_late, effort, booked
    )


def _closed_within(
    items: Sequence[HelpDeskItem], zone: Zone, data_date: date, days: int
) -> list[HelpDeskItem]:
    start, end = zone.end_of(data_date - timedelta(days=days)), zone.end_of(data_date)
    return [
        i
        for i in items
        if not is_open(i, end)
        and i.status is not TicketStatus.CANCELLED
        and i.resolved_at is not None
        and i.resolved_at >= start
    ]


def _judged(
    items: Sequence[HelpDeskItem], live: Sequence[HelpDeskItem], zone: Zone, data_date: date
) -> tuple[tuple[HelpDeskItem, bool], ...]:
    """Items closed in the last 28 days and open ones past their target, and which missed it."""
    end = zone.end_of(data_date)
    closed = _closed_within(items, zone, data_date, 28)
    return (
        *((i, b) for i in closed if (b := resolve_breached(i, end)) is not None),
        *((i, True) for i in live if resolve_breached(i, end)),
    )


def _within_sla(judged: Sequence[tuple[HelpDeskItem, bool]]) -> Number:
    """Met ÷ all."""
    if not judged:
        return unknown("no item with a resolution target was closed or missed in the last 28 days")
    return known(
        Fraction(100 * sum(not missed for _, missed in judged), len(judged)),
        count(len(judged), "item") + " with a target",
    )


def _weeks(items: Sequence[HelpDeskItem], zone: Zone, data_date: date) -> tuple[HelpDeskWeek, ...]:
    opened = sorted(i.created_at for i in items if i.created_at is not None)
    closed = sorted(
        i.resolved_at for i in items if i.resolved_at is not None and i.status in _CLOSED
    )
    # Items without the times needed are open, or were, for the whole of the period shown.
    undated = sum(i.created_at is None for i in items)
    vanished = sum(i.resolved_at is None and i.status in _CLOSED for i in items)
    weeks = []
    for last in week_ends(data_date, _WEEKS):
        monday = last - timedelta(days=last.weekday())
        start, end = zone.end_of(monday - timedelta(days=1)), zone.end_of(last)
        into, out = bisect_left(opened, end), bisect_left(closed, end)
        weeks.append(
            HelpDeskWeek(
                monday=monday,
                opened=into - bisect_left(opened, start),
                resolved=out - bisect_left(closed, start),
                open_at_end=max(0, undated + into - out - vanished),
            )
        )
    return tuple(weeks)


def _effort(
    items: Sequence[HelpDeskItem], time: Sequence[Placed[TimeEntry]], data_date: date
) -> tuple[Number, tuple[TimeEntry, ...]]:
    mine = {i.id for i in items}
    first = data_date - timedelta(days=6)
    booked = [t.record for t in time if t.record.item in mine]
    if not booked:
        return unknown("no time is booked on help-desk items"), ()
    recent = tuple(t for t in booked if first <= t.on <= data_date)
    return known(sum(t.duration_s for t in recent)), recent
