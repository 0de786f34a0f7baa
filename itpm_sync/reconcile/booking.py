"""The tickets that time is booked on: a time entry names its item by identity, or by key.

A source that knows its items says their identity; a sheet says the key that people know. A key is
that of the entry's own connection, else of the only ticket anywhere that has it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from operator import attrgetter
from typing import NamedTuple

from itpm_sync.model import HelpDeskItem, TimeEntry, WorkItem
from itpm_sync.reconcile.folding import fold

_identity = attrgetter("id")
Ticket = WorkItem | HelpDeskItem
_IDENTITY_COLONS = 2  # CONNECTION:STREAM:ID


class Unlinked(NamedTuple):
    """A time entry whose item could not be found: several have its key, or none does."""

    entry: TimeEntry
    several: tuple[Ticket, ...]


class Tickets:
    """Tickets by what a time entry calls them; those that are gone where no live one has a key."""

    def __init__(self, live: Iterable[Ticket], gone: Iterable[Ticket]) -> None:
        self._live, self._gone = live, gone  # looked at when the first entry names a key

    @cached_property
    def _by_word(self) -> Mapping[str, Sequence[Ticket]]:
        found: dict[str, list[Ticket]] = defaultdict(list)
        for ticket in sorted(self._live, key=_identity):
            found[fold(ticket.key)].append(ticket)
        lost: dict[str, list[Ticket]] = defaultdict(list)
        for ticket in sorted(self._gone, key=_identity):
            lost[fold(ticket.key)].append(ticket)
        return {**lost, **found}

    @cached_property
    def _projects(self) -> frozenset[str]:
        return frozenset(project for word in self._by_word if (project := _project(word)))

    def named(self, entry: TimeEntry) -> Sequence[Ticket]:
        """What the key of an entry can mean."""
        found = self._by_word.get(fold(entry.item), ())
        own = [t for t in found if t.ref.connection == entry.ref.connection]
        return own or found

    def is_read(self, word: str) -> bool:
        """Whether something can be said of a key: one of a project that nobody reads leads out."""
        project = _project(fold(word))
        return not project or project in self._projects


def _project(word: str) -> str:
    """What stands before the number: `A-B` of `A-B-12`, be it no project of ours; empty: nothing.
    Wider than a key has to be, as nothing may be said of what another system counts so.
    """
    project, _, number = word.rpartition("-")
    return project if number.isdecimal() else ""


def linked(
    entries: Iterable[TimeEntry], tickets: Tickets
) -> tuple[list[TimeEntry], tuple[Unlinked, ...]]:
    """The entries with the identity of their item in place of its key, and those whose key means
    nothing or several tickets; these stay as they are.
    """
    result, unlinked = list[TimeEntry](), list[Unlinked]()
    for entry in entries:
        if not entry.item or entry.item.count(":") >= _IDENTITY_COLONS:
            result.append(entry)
            continue
        found = tickets.named(entry)
        if len(found) == 1:
            result.append(replace(entry, item=found[0].id))
            continue
        result.append(entry)
        if found or tickets.is_read(entry.item):
            unlinked.append(Unlinked(entry, tuple(found)))
    return result, tuple(unlinked)
