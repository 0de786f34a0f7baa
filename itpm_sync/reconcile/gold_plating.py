"""Gold plating: work that was done outside of the baseline though nobody asked for it.

Asked for is what names a change request (approved or not), a help-desk item or a defect, in its
title, links, labels or attributes, or in those of the items above it; what is part of a defect
or of a help-desk item; and what a help-desk item links to. A part of a baseline item breaks down
what was planned, and what others were split or merged into continues them. Where neither change
requests nor help-desk items are read, nothing can tell who asked, and nobody is accused.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from fractions import Fraction
from typing import NamedTuple

from itpm_sync.model import ChangeRequest, HelpDeskItem, ItemType, TimeEntry, WorkItem
from itpm_sync.reconcile.allocate import Allocation, Placed
from itpm_sync.reconcile.approval import named_request
from itpm_sync.reconcile.folding import fold
from itpm_sync.reconcile.number import Number
from itpm_sync.reconcile.references import References, keys_in
from itpm_sync.reconcile.scope import Scope, is_done

CostOf = Callable[[TimeEntry], Number]
"""What a time entry costs, in the project's currency; n/a without a rate."""

_PLATING = frozenset({ItemType.STORY, ItemType.TASK, ItemType.IMPROVEMENT, ItemType.SUBTASK})


class Plated(NamedTuple):
    """An item that was worked on or finished, and what it took."""

    item: WorkItem
    seconds: int
    costed_s: int  # of these, what a cost is known of
    cost: Fraction


class GoldPlating(NamedTuple):
    """The gold plating of a project, the dearest item first."""

    items: tuple[Plated, ...] = ()

    @property
    def identities(self) -> frozenset[str]:
        """Of its items."""
        return frozenset(p.item.id for p in self.items)


class Askers:
    """Who can have asked for work: requests, incidents, changes and defects of the portfolio."""

    def __init__(
        self,
        tickets: Sequence[HelpDeskItem],
        items: Sequence[WorkItem],
        requests: Iterable[ChangeRequest],
    ) -> None:
        self._requests = {fold(r.number): r for r in requests if r.number}
        self.known = bool(self._requests or tickets)
        defects = (i for i in items if i.type is ItemType.DEFECT)
        self._tickets = References((*tickets, *defects) if self.known else ())
        self._parents = {
            (t.ref.connection, word) for t in tickets for word in (t.ref.source_id, t.key) if word
        }
        self._linked = {k for t in tickets for link in t.links for k in keys_in(link)}
        # a number alone means one of the ticket's own connection first
        everything = References((*tickets, *items) if self.known else ())
        numbered = ((t, link) for t in tickets for link in t.links if "#" in link)
        self._numbered = {r.id for t, link in numbered for r in everything.named(t, link)}

    def asked(self, item: WorkItem) -> bool:
        """Whether the item is a defect, says itself who asked for it, or a help-desk item does."""
        if item.type is ItemType.DEFECT or named_request(item, self._requests):
            return True
        if fold(item.key) in self._linked or item.id in self._numbered:
            return True
        if any((item.ref.connection, word) in self._parents for word in (item.parent, item.epic)):
            return True
        texts = (item.title, *item.links, *item.labels, *item.attributes.values())
        return any(t.id != item.id for text in texts for t in self._tickets.named(item, text))


def gold_plating(
    scope: Scope,
    entries: Iterable[Placed[TimeEntry]],
    allocation: Allocation,
    askers: Callable[[], Askers],
    *,
    cost_of: CostOf,
    end: datetime,
) -> GoldPlating:
    """The items that came into the scope without approval or request, and were worked on."""
    added = {c.identity for c in scope.unapproved("added") if not c.by}
    items = {i.id: i for i, _, _ in scope.current if i.id in added and i.type in _PLATING}
    if not items or not askers().known:
        return GoldPlating()
    booked: dict[str, list[TimeEntry]] = defaultdict(list)
    for entry, _, _ in entries:
        if entry.item in items:
            booked[entry.item].append(entry)
    found = [
        _plated(i, booked.get(i.id, ()), cost_of)
        for i in items.values()
        if (i.id in booked or i.spent_s or is_done(i, end))
        and not _is_asked(i, scope, allocation, askers())
    ]
    worked = (p for p in found if p.seconds > 0 or is_done(p.item, end))
    return GoldPlating(tuple(sorted(worked, key=lambda p: (-p.cost, -p.seconds, p.item.id))))


def _plated(item: WorkItem, entries: Sequence[TimeEntry], cost_of: CostOf) -> Plated:
    """Effort is what is booked; where nothing is, the source's own total, which has no cost."""
    costs = [(e.duration_s, cost_of(e).value) for e in entries]
    known = [(seconds, cost) for seconds, cost in costs if cost is not None]
    return Plated(
        item,
        sum(seconds for seconds, _ in costs) or item.spent_s or 0,
        sum(seconds for seconds, _ in known),
        sum((cost for _, cost in known), Fraction(0)),
    )


def _is_asked(item: WorkItem, scope: Scope, allocation: Allocation, askers: Askers) -> bool:
    """Whether anybody asked for the item or for what it is a part of, or it was planned."""
    return any(
        (scope.members is not None and one.id in scope.members) or askers.asked(one)
        for one in _with_ancestors(item, allocation)
    )


def _with_ancestors(item: WorkItem, allocation: Allocation) -> Iterator[WorkItem]:
    """The item, its parents and epics, each once."""
    seen, waiting = {item.id}, [item]
    while waiting:
        current = waiting.pop(0)
        yield current
        for word in (current.parent, current.epic):
            above = allocation.item(current, word) if word else None
            if above is not None and above.id not in seen:
                seen.add(above.id)
                waiting.append(above)
