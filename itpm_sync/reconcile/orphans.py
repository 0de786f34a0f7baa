"""Tickets of the scope that belong to nothing of the plan: no package, no parent, no epic.

A ticket is told once, by what is gravest: its parent or epic is gone; it names one that nobody
knows; no work package takes it although the project has some. Parent and epic are judged each on
its own; of a key of a project that is not read nothing can be said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction

from itpm_sync.model import HelpDeskItem, ItemType, WorkItem
from itpm_sync.reconcile.allocate import Allocation, Placed
from itpm_sync.reconcile.references import project_of


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


class OtherTickets:
    """What was read and is no work item of the data date: help-desk items, and items created after
    it. They too can stand above an item, by source id or key, and epics by name.
    """

    def __init__(
        self, live: Iterable[WorkItem | HelpDeskItem], gone: Iterable[HelpDeskItem]
    ) -> None:
        self._live, self._gone = frozenset(_names(live)), frozenset(_names(gone))

    def state(self, of: WorkItem, word: str) -> str:
        """`live` or `gone` for what an item of the same connection calls so; else empty."""
        name = of.ref.connection, word
        return "live" if name in self._live else "gone" if name in self._gone else ""


def _names(tickets: Iterable[WorkItem | HelpDeskItem]) -> Iterator[tuple[str, str]]:
    for ticket in tickets:
        words = (ticket.ref.source_id, ticket.key)
        yield from ((ticket.ref.connection, word) for word in words)
        if ticket.type is ItemType.EPIC:
            yield ticket.ref.connection, ticket.title


def orphans(
    scope: Iterable[Placed[WorkItem]],
    allocation: Allocation,
    others: Callable[[], OtherTickets],
    *,
    has_packages: bool,
) -> Orphans:
    """The orphans among the items in scope; `others` is asked where the work items do not tell."""
    found: dict[str, list[WorkItem]] = {"gone": [], "unknown": [], "loose": []}
    number = 0
    for item, package, _ in scope:
        number += 1
        above = _above(item, allocation, others) if item.parent or item.epic else ""
        if above or (has_packages and not package):
            found[above or "loose"].append(item)
    return Orphans(**{why: tuple(items) for why, items in found.items()}, items=number)


def _above(item: WorkItem, allocation: Allocation, others: Callable[[], OtherTickets]) -> str:
    """What is wrong with the parent and epic that the item names; empty: nothing."""
    words = {w for w in (item.parent, item.epic) if w}
    found = {_state(item, word, allocation, others) for word in words}
    if "gone" in found:
        return "gone"
    # an id tells no project: it may be that of the epic, as Jira's parent is
    untold = "untold" in found and "unread" not in found
    return "unknown" if untold or "unknown" in found else ""


def _state(
    item: WorkItem, word: str, allocation: Allocation, others: Callable[[], OtherTickets]
) -> str:
    """`live`, `gone`; `unknown` of a project that is read, `unread` of one that is not; `untold`
    for an id or name that tells no project.
    """
    above = allocation.item(item, word)
    if above is not None:
        return "live" if above.id in allocation.places else "gone"
    if other := others().state(item, word):
        return other
    project = project_of(word)
    if not project:
        return "untold"
    is_read = (item.ref.connection, project) in allocation.read_projects
    return "unknown" if is_read else "unread"
