"""Tickets of the scope that belong to nothing of the plan: no package, no parent, no epic.

A ticket is told once, by what is gravest: its parent or epic is gone; it names one that nobody
knows; no work package takes it although the project has some.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from itpm_sync.model import WorkItem
from itpm_sync.reconcile.allocate import Allocation, Placed

_KEY = re.compile(r"(?P<project>[A-Za-z][A-Za-z0-9_]*)-\d+")


@dataclass(frozen=True, slots=True)
class Orphans:
    """The orphans of a project, each in one of the three."""

    gone: tuple[WorkItem, ...] = ()  # the parent or epic was deleted, moved or hidden
    unknown: tuple[WorkItem, ...] = ()  # the parent or epic is none that was ever read
    loose: tuple[WorkItem, ...] = ()  # in no work package
    items: int = 0  # of the scope

    @property
    def all(self) -> tuple[WorkItem, ...]:
        """All of them, the gravest first."""
        return (*self.gone, *self.unknown, *self.loose)

    @property
    def share(self) -> Fraction:
        """Of the items in scope."""
        return Fraction(len(self.all), self.items or 1)


def orphans(
    scope: Iterable[Placed[WorkItem]], allocation: Allocation, *, has_packages: bool
) -> Orphans:
    """The orphans among the items in scope."""
    found: dict[str, list[WorkItem]] = {"gone": [], "unknown": [], "loose": []}
    number = 0
    for item, package, _ in scope:
        number += 1
        above = _above(item, allocation) if item.parent or item.epic else ""
        if above or (has_packages and not package):
            found[above or "loose"].append(item)
    return Orphans(**{why: tuple(items) for why, items in found.items()}, items=number)


def _above(item: WorkItem, allocation: Allocation) -> str:
    """What is wrong with the parent and epic that the item names; empty: nothing."""
    found = [
        _state(allocation.item(item, word), allocation)
        for word in dict.fromkeys((item.parent, item.epic))
        if word
    ]
    if "gone" in found:
        return "gone"
    return "" if "unknown" not in found or _is_elsewhere(item, allocation) else "unknown"


def _state(above: WorkItem | None, allocation: Allocation) -> str:
    if above is None:
        return "unknown"
    return "live" if above.id in allocation.places else "gone"


def _is_elsewhere(item: WorkItem, allocation: Allocation) -> bool:
    """Whether the epic's key is of a project that is not read: nothing can be said of it."""
    key = _KEY.fullmatch(item.epic)
    return key is not None and (item.ref.connection, key["project"]) not in allocation.read_projects
