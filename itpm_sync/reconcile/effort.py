"""Effort estimated against effort spent, over the items that are done and know both.

Effort variance = estimated − spent, in percent of what was estimated; below 0, more was spent, as
with the cost variance. An item at work says nothing yet: its spent effort is no whole. What was
spent the source's own total says, else the time that is booked on the item.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from fractions import Fraction
from typing import NamedTuple

from itpm_sync.model import TimeEntry, WorkItem
from itpm_sync.reconcile.allocate import Placed
from itpm_sync.reconcile.evm import ratio
from itpm_sync.reconcile.number import Number, figure, known, unknown
from itpm_sync.reconcile.scope import Scope, is_done, is_scope
from itpm_sync.reconcile.status import EffortGroup, Figure
from itpm_sync.reconcile.wording import count

NAMES = ("effort_estimated_s", "effort_spent_s", "effort_variance_s", "effort_variance_percent")
_LABELS = (
    "Effort estimated of items done",
    "Effort spent on them",
    "Effort variance: estimated − spent",
    "Effort variance in percent of estimated",
)
LABELS: Mapping[str, str] = {
    **dict(zip(NAMES, _LABELS, strict=True)),
    "unplanned_effort_s": "Unplanned effort",
    "unplanned_ratio_percent": "Unplanned effort, share",
}
UNPLANNED = ("unplanned_effort_s", "unplanned_ratio_percent")
NONE = "none"
"""What the group is called of items that have no priority or type."""


class Compared(NamedTuple):
    """An item that is done, with both of its efforts in seconds."""

    item: WorkItem
    estimated_s: int
    spent_s: int


class Sums(NamedTuple):
    """What a group of items was estimated at and took, in seconds."""

    items: int = 0
    estimated_s: int = 0
    spent_s: int = 0

    @classmethod
    def of(cls, found: Sequence[Compared]) -> Sums:
        """Those of the items."""
        return cls(len(found), sum(c.estimated_s for c in found), sum(c.spent_s for c in found))

    def numbers(self, note: str) -> Mapping[str, Number]:
        """The figures of `NAMES`."""
        if not self.items:
            reason = "no item that is done has both an estimate and effort spent"
            return dict.fromkeys(NAMES, unknown(reason))
        variance = self.estimated_s - self.spent_s
        percent = Fraction(100 * variance, self.estimated_s)
        values: tuple[Fraction | int, ...] = (self.estimated_s, self.spent_s, variance, percent)
        return {name: known(v, note) for name, v in zip(NAMES, values, strict=True)}


class Effort(NamedTuple):
    """A project's effort, in all and by `(priority|type, word)`."""

    whole: Sums
    groups: Mapping[tuple[str, str], Sums]
    left_out: int  # items done that lack an estimate or effort

    @property
    def numbers(self) -> Mapping[str, Number]:
        """The figures of the project."""
        note = f"of {count(self.whole.items, 'item')} done"
        if self.left_out:
            note += f"; {self.left_out} without estimate or effort left out"
        return self.whole.numbers(note)


def compared(
    items: Iterable[Placed[WorkItem]], entries: Iterable[Placed[TimeEntry]], end: datetime
) -> tuple[list[Compared], int]:
    """The items done before `end` that can be compared, and how many others are done. An estimate
    or an effort that is not positive (a correction in a sheet) compares with nothing.

    `entries` are looked at only where a source does not sum up what was spent on an item.
    """
    done = [i for i, _, _ in items if is_done(i, end)]
    bare = {i.id for i in done if (i.estimate_s or 0) > 0 and i.spent_s is None}
    booked: dict[str, int] = defaultdict(int)
    for entry, _, _ in entries if bare else ():
        if entry.item in bare:
            booked[entry.item] += entry.duration_s
    found = [
        Compared(i, i.estimate_s, spent)
        for i in done
        if i.estimate_s is not None
        and i.estimate_s > 0
        and (spent := booked.get(i.id, 0) if i.spent_s is None else i.spent_s) > 0
    ]
    return found, len(done) - len(found)


def effort(found: Sequence[Compared], left_out: int) -> Effort:
    """What `compared` found, summed up."""
    groups: dict[tuple[str, str], list[Compared]] = defaultdict(list)
    for one in found:
        for key in keys(one.item):
            groups[key].append(one)
    return Effort(Sums.of(found), {key: Sums.of(of) for key, of in groups.items()}, left_out)


def keys(item: WorkItem) -> Iterator[tuple[str, str]]:
    """The groups that an item belongs to, in its source's own words."""
    yield "priority", item.priority or NONE
    yield "type", item.source_type or item.type.value or NONE


def statuses(found: Effort) -> tuple[EffortGroup, ...]:
    """The groups as figures of the snapshot, by priority and by type, the largest first."""
    ranked = sorted(found.groups.items(), key=lambda g: (g[0][0], -g[1].estimated_s, g[0][1]))
    return tuple(
        EffortGroup(by=by, name=word, items=sums.items, figures=figures(by, word, sums))
        for (by, word), sums in ranked
    )


def figures(by: str, word: str, sums: Sums) -> Mapping[str, Figure]:
    """The figures of a group by name: `effort_variance_s`, …"""
    note = f"of {count(sums.items, 'item')} done"
    return {
        name: figure(name, f"{LABELS[name]}, {by} {word}", number, unit_of(name))
        for name, number in sums.numbers(note).items()
    }


def unit_of(name: str) -> str:
    """Seconds, but for the percentage."""
    return "percent" if name.endswith("_percent") else "s"


def unplanned(
    entries: Sequence[Placed[TimeEntry]], items: Iterable[Placed[WorkItem]], scope: Scope
) -> list[TimeEntry]:
    """The time booked outside of the baseline: on items that it does not hold, help-desk items too,
    and on no item and no work package. Nothing where there is no baseline.

    What the baseline's items were split or merged into continues them; epics and milestones contain
    them: what is booked on these is planned. Among `items` are those that were deleted since.
    """
    members = scope.members
    if members is None:
        return []
    outside = [e for e, package, _ in entries if (e.item not in members if e.item else not package)]
    if not outside:
        return []
    planned = {i.id for i, _, _ in items if not is_scope(i)} | scope.judged.continued
    return [e for e in outside if e.item not in planned]


def unplanned_numbers(unplanned_s: int, booked_s: int, scope: Scope) -> Mapping[str, Number]:
    """The effort outside of the baseline, and its share of all effort booked, in percent."""
    if scope.members is None:
        return dict.fromkeys(UNPLANNED, unknown(scope.reason))
    share = ratio(100 * unplanned_s, booked_s, "no effort is booked")
    return dict(zip(UNPLANNED, (known(unplanned_s), share), strict=True))
