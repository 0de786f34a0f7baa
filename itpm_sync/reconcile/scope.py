"""The scope ledger: what the baseline contained, what came and went since, and who approved it.

A scope item is a work item that is neither an epic (a container) nor a milestone (an event), and
is not cancelled. The baseline is the recorded one in force on the data date, else what existed at
the end of the project's `baseline_on`, else there is none and creep is not known.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import NamedTuple

from itpm_sync.model import ChangeRequest, ItemType, WorkItem, WorkStatus
from itpm_sync.reconcile.allocate import Placed
from itpm_sync.reconcile.approval import approved_requests, named_request
from itpm_sync.reconcile.evm import ratio
from itpm_sync.reconcile.inputs import BaselineItem, ProjectSetup, RecordedBaseline
from itpm_sync.reconcile.number import Number, known, unknown
from itpm_sync.reconcile.splits import NOT_SPLIT, Find, Ground, Judged, Splits
from itpm_sync.reconcile.status import BurnPoint, ScopeChange
from itpm_sync.reconcile.wording import day
from itpm_sync.reconcile.workdays import Zone, week_ends

_WEEKS = 26
_NOT_SCOPE = frozenset({ItemType.EPIC, ItemType.MILESTONE})


def is_scope(item: WorkItem) -> bool:
    """Whether the item is counted as work at all."""
    return item.type not in _NOT_SCOPE


def is_cancelled(item: WorkItem, end: datetime) -> bool:
    """Whether the item had been cancelled before `end`."""
    return item.status is WorkStatus.CANCELLED and _over(item, end)


def is_done(item: WorkItem, end: datetime) -> bool:
    """Whether the item had been done before `end`."""
    return item.status is WorkStatus.DONE and _over(item, end)


def _over(item: WorkItem, end: datetime) -> bool:
    return item.resolved_at is None or item.resolved_at < end


@dataclass(frozen=True, slots=True)
class Scope:
    """The scope of one project on the data date.

    `members` maps the identity of each baseline item to its package; None without a baseline, for
    the `reason`. `current` are the live scope items.
    """

    label: str
    reason: str
    members: Mapping[str, str] | None
    current: tuple[Placed[WorkItem], ...]
    changes: tuple[ScopeChange, ...]
    burnup: tuple[BurnPoint, ...]
    re_estimated: int | None = None  # baseline items whose points or estimate changed by no split
    earlier: tuple[WorkItem, ...] = ()  # in scope on the day `earlier_on`, a month before
    earlier_on: date = date.min
    judged: Judged = NOT_SPLIT

    def count(self, change: str, *, unapproved: bool = False) -> int:
        """Items `added` or `removed`, all or only those that no change request approved."""
        if unapproved:
            return len(self.unapproved(change))
        return sum(1 for c in self.changes if c.change == change)

    def unapproved(self, change: str) -> list[ScopeChange]:
        """Items `added` or `removed` that no change request approved.

        What was split or merged and kept its size needs none: the scope is what it was.
        """
        return [
            c for c in self.changes if c.change == change and not c.approved_by and not c.size_kept
        ]

    @property
    def judged_creep(self) -> Number:
        """`creep` as it is rated: without splits and merges that made more tickets of the same
        size, or fewer. What they made smaller is told as removed, and is no growth either.
        """
        if self.members is None:
            return unknown(self.reason)
        counted = [c.change for c in self.changes if c.identity not in self.judged.kept]
        return creep(len(self.members), counted.count("added"), counted.count("removed"))

    def by_split(self, change: str) -> list[ScopeChange]:
        """Items `added` or `removed` by splitting or merging others."""
        return [c for c in self.changes if c.change == change and c.by]

    @property
    def baseline_items(self) -> Number:
        """Size of the baseline."""
        return unknown(self.reason) if self.members is None else known(len(self.members))

    def of_baseline(self, count: int) -> Number:
        """A number of items as percent of the baseline."""
        if self.members is None:
            return unknown(self.reason)
        if not self.members:
            return unknown(_EMPTY)
        return known(Fraction(100 * count, len(self.members)))

    @property
    def creep(self) -> Number:
        """Net growth in percent of the baseline."""
        if self.members is None:
            return unknown(self.reason)
        return creep(len(self.members), self.count("added"), self.count("removed"))

    @property
    def churn(self) -> Number:
        """All change in percent of the baseline: growth that cancels out is change all the same."""
        if self.members is None:
            return unknown(self.reason)
        changed = self.re_estimated or 0
        number = churn(len(self.members), self.count("added"), self.count("removed"), changed)
        if number.value is None or self.re_estimated is not None:
            return number
        return known(number.value, "re-estimates are not known: no baseline is recorded")

    @property
    def growth(self) -> Number:
        """Growth of the scope in the last month, in percent; known without a baseline too."""
        if self.current and not any(p.record.created_at for p in self.current):
            return unknown("no item tells when it was created")
        if not self.earlier:
            return unknown(f"nothing was in scope on {day(self.earlier_on)}")
        percent = Fraction(100 * (len(self.current) - len(self.earlier)), len(self.earlier))
        return known(percent, f"since {day(self.earlier_on)}")

    @property
    def judged_growth(self) -> Number:
        """`growth` without what splits and merges made more or fewer of, at the same size."""
        if self.growth.value is None or not self.judged.kept:
            return self.growth
        kept = self.judged.kept
        more = sum(p.record.id not in kept for p in self.current)
        more -= sum(item.id not in kept for item in self.earlier)
        return known(Fraction(100 * more, len(self.earlier)))


_EMPTY = "the baseline has no items"


def month_before(on: date) -> date:
    """The same day of the month before, or its last one."""
    last = on.replace(day=1) - timedelta(days=1)
    return last.replace(day=min(on.day, last.day))


def was_in_scope(item: WorkItem, end: datetime) -> bool:
    """Whether a scope item existed before `end` and was not cancelled by then."""
    if item.created_at is not None and item.created_at >= end:
        return False
    return item.status is not WorkStatus.CANCELLED or (
        item.resolved_at is not None and item.resolved_at >= end
    )


def _was_there(item: WorkItem, end: datetime) -> bool:
    """Whether an item that is gone now was in scope before `end`. When it went is not recorded: the
    last that is known of it is when it was resolved or changed."""
    last = item.resolved_at or item.updated_at
    return was_in_scope(item, end) and last is not None and last >= end


def creep(baseline: int, added: int, removed: int) -> Number:
    """(added − removed) ÷ baseline, in percent."""
    return ratio(100 * (added - removed), baseline, _EMPTY)


def churn(baseline: int, added: int, removed: int, changed: int) -> Number:
    """(added + removed + changed) ÷ baseline, in percent; it only ever grows.

    Some sources print stability instead, (baseline − changes) ÷ baseline = 1 − churn: 1 is ideal,
    and it falls below 0. One prints it without its minus sign, which means nothing.
    """
    return ratio(100 * (added + removed + changed), baseline, _EMPTY)


def scope_ledger(
    setup: ProjectSetup,
    items: Sequence[Placed[WorkItem]],
    gone: Sequence[Placed[WorkItem]],
    requests: Sequence[Placed[ChangeRequest]],
    *,
    baseline: RecordedBaseline | None,
    zone: Zone,
    data_date: date,
    find: Find,
) -> Scope:
    """The scope of a project; `items` existed on the data date, `gone` were deleted at source.

    `find` tells which item a link names.
    """
    end = zone.end_of(data_date)
    scoped = [p for p in items if is_scope(p.record)]
    current = tuple(p for p in scoped if not is_cancelled(p.record, end))
    members, label, reason = _members(setup, scoped, gone, baseline, zone=zone, data_date=data_date)
    approved = approved_requests(requests, data_date)
    identified = [(p.record.id, p) for p in current]
    frozen = {i.identity: i for i in baseline.items} if baseline is not None else {}
    changes: tuple[ScopeChange, ...] = ()
    judged = NOT_SPLIT
    if members is not None:
        left = sorted(members.keys() - {identity for identity, _ in identified})
        others = {p.record.id: p for p in (*gone, *scoped)} if left else {}
        changes = (
            *(_added(p, approved, zone) for identity, p in identified if identity not in members),
            *(
                _removed(
                    identity,
                    members[identity],
                    others.get(identity),
                    frozen=frozen.get(identity),
                    approved=approved,
                    zone=zone,
                )
                for identity in left
            ),
        )
        everything = (*scoped, *gone)
        splits = Splits(everything, find)
        ground = Ground(members, frozen, everything, current, approved)
        changes = splits.told(changes, ground)
        judged = splits.judged(changes, ground)
    then = month_before(data_date)
    then_end = zone.end_of(then)
    earlier = [p.record for p in scoped if was_in_scope(p.record, then_end)]
    gone_since = [p.record for p in gone if is_scope(p.record) and _was_there(p.record, then_end)]
    return Scope(
        label,
        reason,
        members,
        current,
        changes,
        _burnup(_flow(scoped), zone, data_date),
        _re_estimated(identified, frozen, judged.moved) if baseline is not None else None,
        (*earlier, *gone_since),
        then,
        judged,
    )


def _re_estimated(
    current: Iterable[tuple[str, Placed[WorkItem]]],
    frozen: Mapping[str, BaselineItem],
    moved: frozenset[str],
) -> int:
    """Without those whose size only went to their parts, or came from what was merged into them:
    these count as added or removed already.
    """
    pairs = ((frozen.get(identity), p.record) for identity, p in current if identity not in moved)
    return sum(
        was is not None and (was.points, was.estimate_s) != (now.points, now.estimate_s)
        for was, now in pairs
    )


def _members(
    setup: ProjectSetup,
    items: Sequence[Placed[WorkItem]],
    gone: Sequence[Placed[WorkItem]],
    baseline: RecordedBaseline | None,
    *,
    zone: Zone,
    data_date: date,
) -> tuple[Mapping[str, str] | None, str, str]:
    if baseline is not None:
        members = {i.identity: i.work_package for i in baseline.items}
        return members, f"baseline {baseline.version} of {day(baseline.on)}", ""
    frozen_on = setup.baseline_on
    if frozen_on is None:
        return None, "", "no baseline is recorded"
    if frozen_on > data_date:
        return None, "", f"the baseline of {day(frozen_on)} lies after the data date"
    end = zone.end_of(frozen_on)
    members = {
        p.record.id: p.package
        for p in (*items, *(g for g in gone if is_scope(g.record)))
        if _existed(p.record, end)
    }
    return members, f"the scope of {day(frozen_on)}", ""


def _existed(item: WorkItem, end: datetime) -> bool:
    """An item without a creation time cannot be called new, so it counts as having existed."""
    before = item.created_at is None or item.created_at < end
    cancelled = item.status is WorkStatus.CANCELLED
    return before and not (cancelled and item.resolved_at is not None and item.resolved_at < end)


# ---- changes ------------------------------------------------------------------------------------


def _added(
    placed: Placed[WorkItem], approved: Mapping[str, ChangeRequest], zone: Zone
) -> ScopeChange:
    item = placed.record
    return ScopeChange(
        change="added",
        identity=item.id,
        key=item.key,
        title=item.title,
        work_package=placed.package,
        on=zone.day_of(item.created_at) if item.created_at else None,
        approved_by=named_request(item, approved),
        url=item.ref.url,
    )


def _removed(
    identity: str,
    package: str,
    placed: Placed[WorkItem] | None,
    *,
    frozen: BaselineItem | None,
    approved: Mapping[str, ChangeRequest],
    zone: Zone,
) -> ScopeChange:
    """A baseline item that was cancelled, deleted, or moved out of the project (no record left)."""
    if placed is None:
        return ScopeChange(
            change="removed",
            identity=identity,
            key=frozen.key if frozen else "",
            title=frozen.title if frozen else "",
            work_package=package,
            on=None,
            approved_by="",
        )
    item = placed.record
    when = item.resolved_at or item.updated_at
    return ScopeChange(
        change="removed",
        identity=identity,
        key=item.key,
        title=item.title,
        work_package=package,
        on=zone.day_of(when) if when else None,
        approved_by=named_request(item, approved),
        url=item.ref.url,
    )


# ---- burn-up ------------------------------------------------------------------------------------


class _Flow(NamedTuple):
    """When scope items came, were cancelled and were done: each ascending."""

    created: list[datetime]
    left: list[datetime]
    done: list[datetime]

    def scope(self, end: datetime) -> int:
        """Items in scope before `end`."""
        return bisect_left(self.created, end) - bisect_left(self.left, end)


def _flow(items: Sequence[Placed[WorkItem]]) -> _Flow:
    epoch = datetime.min.replace(day=2, tzinfo=UTC)  # no creation time: it was always there
    created, left, done = [], [], []
    for item, _, _ in items:
        cancelled = item.status is WorkStatus.CANCELLED
        if cancelled and item.resolved_at is None:
            continue
        created.append(item.created_at or epoch)
        if cancelled and item.resolved_at is not None:
            left.append(max(item.resolved_at, item.created_at or epoch))
        elif item.status is WorkStatus.DONE:
            done.append(item.resolved_at or item.created_at or epoch)
    for moments in (created, left, done):
        moments.sort()
    return _Flow(created, left, done)


def _burnup(flow: _Flow, zone: Zone, data_date: date) -> tuple[BurnPoint, ...]:
    """Scope and done at the end of each of the last 26 weeks, from the first week with an item."""
    if not flow.created:
        return ()
    points = []
    for week_end in week_ends(data_date, _WEEKS):
        end = zone.end_of(week_end)
        done = bisect_left(flow.done, end)
        points.append(BurnPoint(on=week_end, scope=flow.scope(end), done=done))
    first = next((i for i, p in enumerate(points) if p.scope or p.done), len(points))
    return tuple(points[first:])
