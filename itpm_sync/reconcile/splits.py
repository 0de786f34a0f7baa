"""Items that were split or merged, as their links say, and whether the work kept its size.

Jira's link type "Issue split" says "split to" on the original and "split from" on its parts; merged
ones say "merged into" and "merged from". One side is enough. Parts whose sizes sum to what the
baseline froze are more tickets, not more scope. "is child of" and the like make nothing of another.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import NamedTuple

from itpm_sync.model import ChangeRequest, WorkItem
from itpm_sync.reconcile.allocate import Placed
from itpm_sync.reconcile.approval import named_request
from itpm_sync.reconcile.inputs import BaselineItem
from itpm_sync.reconcile.status import ScopeChange

Find = Callable[[WorkItem, str], WorkItem | None]
"""The item that another item of its connection calls by a key."""

_WORDS = re.compile(
    r"(?:is |was |were )?(?P<how>split|merge)(?:s|d|ted)? (?P<way>to|into|from) (?P<key>\S+)",
    re.IGNORECASE,
)
_HOW = {"split": "split", "merge": "merged"}


class Link(NamedTuple):
    """`source` was split or merged into `target`: identities, or the key of what is not known."""

    how: str  # split, merged
    source: str
    target: str


class Ground(NamedTuple):
    """What a project's changes are judged on: the baseline, and its items of now and of before."""

    members: Mapping[str, str]
    frozen: Mapping[str, BaselineItem]
    items: Sequence[Placed[WorkItem]]  # also cancelled and deleted ones
    current: Sequence[Placed[WorkItem]]
    approved: Mapping[str, ChangeRequest]


class Judged(NamedTuple):
    """What of the restructured is no change of the work itself, by identity.

    `kept` are all items of splits and merges that made the scope no larger, or by which nothing
    was added, no smaller; `moved`, those of sizes that only went from one item to another;
    `continued`, what was made of baseline items, directly or by way of others.
    """

    kept: frozenset[str] = frozenset()
    moved: frozenset[str] = frozenset()
    continued: frozenset[str] = frozenset()


NOT_SPLIT = Judged()


class Splits:
    """What became of what, over the items of one project and those that they name."""

    def __init__(self, items: Iterable[Placed[WorkItem]], find: Find) -> None:
        self._into: dict[str, dict[Link, None]] = defaultdict(dict)
        self._from: dict[str, dict[Link, None]] = defaultdict(dict)
        self._keys: dict[str, str] = {}
        for item, _, _ in items:
            for text in item.links:
                # most links say something else, and looking for letters is cheap
                if "plit" in text or "erge" in text:
                    self._read(item, text, find)

    def _read(self, item: WorkItem, text: str, find: Find) -> None:
        said = _WORDS.fullmatch(text.strip())
        other = find(item, said["key"]) if said else None
        if said is None or other is item:
            return
        named = other.id if other is not None else said["key"]
        self._keys |= {item.id: item.key, named: other.key if other is not None else named}
        ends = (named, item.id) if said["way"].lower() == "from" else (item.id, named)
        link = Link(_HOW[said["how"].lower()], *ends)
        self._into[link.target][link] = None
        self._from[link.source][link] = None

    def told(self, changes: tuple[ScopeChange, ...], ground: Ground) -> tuple[ScopeChange, ...]:
        """The changes; those by a split or merge with how, from what and to what."""
        if not self._keys:
            return changes
        items = {p.record.id: p.record for p in ground.items}
        now = {p.record.id: p.record for p in ground.current}
        return tuple(self._told(c, ground, items, now) for c in changes)

    def judged(self, changes: Iterable[ScopeChange], ground: Ground) -> Judged:
        """The splits and merges that count as growth or loss for nobody."""
        added = {c.identity for c in changes if c.change == "added"}
        now = {p.record.id: p.record for p in ground.current} if self._keys else {}
        kept, moved = set[str](), set[str]()
        for group in self._groups():
            sizes = _sizes(group, ground, now)
            if sizes is not None:
                kept |= group if _is_kept(bool(group & added), *sizes) else set()
                moved |= group if sizes[0] == sizes[1] else set()
        return Judged(frozenset(kept), frozenset(moved), frozenset(self._continued(ground.members)))

    def _groups(self) -> Iterator[frozenset[str]]:
        """What belongs together by splits and merges, each once."""
        seen = set[str]()
        for identity in sorted(self._keys):
            if identity not in seen:
                group = self._group(identity)
                seen |= group
                yield group

    def _continued(self, members: Mapping[str, str]) -> set[str]:
        seen, waiting = set[str](), sorted(i for i in self._from if i in members)
        while waiting:
            targets = {x.target for x in self._from.get(waiting.pop(), ())} - seen
            seen |= targets
            waiting += sorted(targets)
        return seen

    def _told(
        self,
        change: ScopeChange,
        ground: Ground,
        items: Mapping[str, WorkItem],
        now: Mapping[str, WorkItem],
    ) -> ScopeChange:
        added, identity = change.change == "added", change.identity
        found = [*(self._into if added else self._from).get(identity, ())]
        if not found:
            return change
        others = tuple(sorted(self._keys[x.source if added else x.target] for x in found))
        approval = change.approved_by or (self._inherited(identity, ground, items) if added else "")
        return replace(
            change,
            by=found[0].how,
            origins=others if added else (change.key,),
            results=(change.key,) if added else others,
            size_kept=_size_kept(added, self._group(identity), ground, now),
            approved_by=approval,
        )

    def _inherited(self, identity: str, ground: Ground, items: Mapping[str, WorkItem]) -> str:
        """The approval of the addition that an item was made of: its parts are approved with it."""
        origins = (i for i in self._origins(identity) if i not in ground.members and i in items)
        return next((n for i in origins if (n := named_request(items[i], ground.approved))), "")

    def _origins(self, identity: str) -> Iterator[str]:
        """What an item was made of, and what that was made of in its turn."""
        seen, waiting = {identity}, [identity]
        while waiting:
            for link in self._into.get(waiting.pop(0), ()):
                if link.source not in seen:
                    seen.add(link.source)
                    waiting.append(link.source)
                    yield link.source

    def _group(self, identity: str) -> frozenset[str]:
        """All that an item is tied to by splits and merges, itself included."""
        seen, waiting = {identity}, [identity]
        while waiting:
            one = waiting.pop()
            ends = {x.source for x in self._into.get(one, ())}
            ends |= {x.target for x in self._from.get(one, ())}
            waiting += sorted(ends - seen)
            seen |= ends
        return frozenset(seen)


def _size_kept(
    added: bool, group: Iterable[str], ground: Ground, now: Mapping[str, WorkItem]
) -> bool | None:
    """Whether additions are no more than the baseline held of the group, or removals no less; None
    where that is not known.
    """
    sizes = _sizes(group, ground, now)
    return None if sizes is None else _is_kept(added, *sizes)


def _is_kept(added: bool, before: Decimal, after: Decimal) -> bool:
    return after <= before if added else after >= before


def _sizes(
    group: Iterable[str], ground: Ground, now: Mapping[str, WorkItem]
) -> tuple[Decimal, Decimal] | None:
    """What the baseline held of a group, and what there is of it now.

    By points where all of the group have them, else by estimates; None where neither is known of
    all, and where nothing of the group is in the baseline. Sizes that are all 0 tell nothing.
    """
    members = [i for i in group if i in ground.members]
    planned = [ground.frozen[i] for i in members if i in ground.frozen]
    live = [now[i] for i in group if i in now]
    if not planned or len(planned) < len(members):
        return None
    sizes = (
        (_sum(i.points for i in planned), _sum(i.points for i in live)),
        (_sum(i.estimate_s for i in planned), _sum(i.estimate_s for i in live)),
    )
    for before, after in sizes:
        if before is not None and after is not None:
            return before, after
    return None


def _sum(sizes: Iterable[Decimal | int | None]) -> Decimal | None:
    found = list(sizes)
    known = [s for s in found if s is not None]
    whole = Decimal(sum(known))
    return whole if len(known) == len(found) and (whole or not found) else None


def restructured(change: ScopeChange) -> str:
    """`split from NET-3, size kept`; empty where it was neither split nor merged."""
    if not change.by:
        return ""
    word, ends = ("from", change.origins) if change.change == "added" else ("into", change.results)
    size = {True: ", size kept", False: ", size changed", None: ""}[change.size_kept]
    return f"{change.by} {word} {', '.join(ends)}{size}"
