"""Defects and reopened tickets of one project, week by week, from the sources' own histories.

A defect is a work item of that type. What became of it and when, its status changes tell; without
any, its creation and resolution. A word of a status means what it means on the records that carry
it now: a word that no record of the connection carries any more is taken for an open one, as the
ends of a workflow are never empty for long.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from statistics import median

from itpm_sync.model import (
    FieldChange,
    HelpDeskItem,
    ItemType,
    TicketStatus,
    TicketType,
    WorkItem,
    WorkStatus,
)
from itpm_sync.reconcile.folding import fold
from itpm_sync.reconcile.number import Number, known, unknown
from itpm_sync.reconcile.status import DefectWeek
from itpm_sync.reconcile.wording import count
from itpm_sync.reconcile.workdays import Zone, week_ends

WEEKS = 12
RECENT_DAYS = 28
_ALWAYS = datetime.min.replace(tzinfo=UTC)
_OVER = frozenset({WorkStatus.DONE, WorkStatus.CANCELLED})
_CLOSED = frozenset({TicketStatus.RESOLVED, TicketStatus.CLOSED})
_FOUND_IN = ("found_in", "environment", "phase_found")
_NO_DEFECTS = "no work item is a defect"


@dataclass(frozen=True, slots=True)
class Defect:
    """A defect with its turns: when it was closed (True) and reopened (False), by turns."""

    item: WorkItem
    created: datetime
    turns: tuple[tuple[datetime, bool], ...]
    escaped: bool | None  # None: nothing tells where it was found

    def is_open(self, at: datetime) -> bool:
        """Whether it was open at a moment."""
        before = [closed for when, closed in self.turns if when < at]
        return self.created < at and not (before and before[-1])


@dataclass(frozen=True, slots=True)
class Quality:
    """The figures, and the records behind them."""

    numbers: Mapping[str, Number]
    weeks: tuple[DefectWeek, ...]
    defects: tuple[Defect, ...]
    open: tuple[tuple[Defect, int], ...]  # with its age in days, the oldest first
    opened: tuple[Defect, ...]  # in the last 28 days, as the next two
    closed: tuple[Defect, ...]
    reopened: tuple[Defect, ...]
    open_before: int  # 28 days ago
    desk: tuple[tuple[HelpDeskItem, bool], ...]  # closed in the last 28 days; whether reopened

    @property
    def escaped(self) -> tuple[Defect, ...]:
        """Defects found in production."""
        return tuple(d for d in self.defects if d.escaped)


class Histories:
    """The status changes of all items, and what the words of their statuses mean."""

    def __init__(self, items: Iterable[WorkItem], changes: Iterable[FieldChange]) -> None:
        self._over: dict[tuple[str, str], bool] = {}
        said = {(i.ref.connection, i.source_status, i.status in _OVER) for i in items}
        for connection, status, over in said:
            word = (connection, fold(status))
            self._over[word] = self._over.get(word, False) or over
        self._changes: dict[str, list[FieldChange]] = {}
        for change in changes:
            if fold(change.field_name) == "status":
                self._changes.setdefault(change.item, []).append(change)

    def turns(self, item: WorkItem, end: datetime) -> tuple[tuple[datetime, bool], ...]:
        """When the item was closed and reopened before `end`, ascending and by turns."""
        found: list[tuple[datetime, bool]] = []
        mine = (c for c in self._changes.get(item.id, ()) if c.at < end)
        for change in sorted(mine, key=lambda c: (c.at, c.id)):
            over = self._over.get((item.ref.connection, fold(change.after)), False)
            if over != bool(found and found[-1][1]):
                found.append((change.at, over))
        over = item.status in _OVER and (item.resolved_at is None or item.resolved_at < end)
        if over and not (found and found[-1][1]):
            found.append((item.resolved_at or item.created_at or _ALWAYS, True))
        elif not over and found and found[-1][1]:
            # closed by its history, open by its status: when it came back is known no better
            seen = item.updated_at if item.updated_at and item.updated_at < end else _ALWAYS
            found.append((max(found[-1][0], seen), False))
        return tuple(found)


def quality(
    items: Iterable[WorkItem],
    tickets: Sequence[HelpDeskItem],
    histories: Histories,
    escaped_words: Iterable[str],
    *,
    zone: Zone,
    data_date: date,
) -> Quality:
    """The quality of one project on the data date."""
    end, words = zone.end_of(data_date), frozenset(map(fold, escaped_words))
    incidents = {fold(t.key) for t in tickets if t.type is TicketType.INCIDENT and t.key}
    named = {fold(w) for t in tickets if t.type is TicketType.INCIDENT for w in _words(t.links)}
    defects = tuple(
        Defect(i, i.created_at or _ALWAYS, histories.turns(i, end),
               _escaped(i, words, incidents, named))
        for i in items
        if i.type is ItemType.DEFECT
    )  # fmt: skip
    ago = zone.end_of(data_date - timedelta(days=RECENT_DAYS))
    live = [(d, _age(d, data_date, zone)) for d in defects if d.is_open(end)]
    live.sort(key=lambda pair: (-pair[1], pair[0].item.id))
    opened = tuple(d for d in defects if d.created >= ago)
    closed, reopened = (
        tuple(d for d in defects if any(w >= ago and c is turn for w, c in d.turns))
        for turn in (True, False)
    )
    desk = _desk(tickets, ago, end)
    return Quality(
        _numbers(defects, live, opened, closed, reopened)
        | {"desk_reopened": _share(desk, "no help-desk item that counts reopenings was closed")},
        _weeks(defects, zone, data_date), defects, tuple(live), opened, closed, reopened,
        sum(d.is_open(ago) for d in defects), desk,
    )  # fmt: skip


def _age(defect: Defect, on: date, zone: Zone) -> int:
    """Days since it was created; 0 where that is not known."""
    return 0 if defect.created == _ALWAYS else (on - zone.day_of(defect.created)).days


def _words(texts: Iterable[str]) -> Iterable[str]:
    for text in texts:
        yield text
        yield from text.split()


def _escaped(
    item: WorkItem, words: frozenset[str], incidents: set[str], named: set[str]
) -> bool | None:
    """Whether it was found in production: by a label or attribute, or an incident linked to it."""
    told = [v for name in _FOUND_IN if (v := item.attributes.get(name, ""))]
    if any(fold(w) in words for w in (*told, *item.labels)):
        return True
    if fold(item.key) in named or any(fold(w) in incidents for w in _words(item.links)):
        return True
    return False if told or incidents else None


def _numbers(
    defects: Sequence[Defect],
    live: Sequence[tuple[Defect, int]],
    opened: Sequence[Defect],
    closed: Sequence[Defect],
    reopened: Sequence[Defect],
) -> dict[str, Number]:
    if not defects:
        names = ("open_defects", "defects_opened", "defects_closed", "defects_reopened",
                 "defect_age", "defects_escaped", "escaped_share")  # fmt: skip
        return dict.fromkeys(names, unknown(_NO_DEFECTS))
    judged = [d for d in defects if d.escaped is not None]
    untold = unknown("nothing tells where defects were found: no attribute, label or incident")
    escaped = sum(bool(d.escaped) for d in judged)
    since = f"last {RECENT_DAYS} days"
    return {
        "open_defects": known(len(live)),
        "defects_opened": known(len(opened), since),
        "defects_closed": known(len(closed), since),
        "defects_reopened": known(len(reopened), since),
        "defect_age": _median([age for _, age in live]),
        "defects_escaped": known(escaped) if judged else untold,
        "escaped_share": known(Fraction(100 * escaped, len(judged)),
                               f"of {count(len(judged), 'defect')}") if judged else untold,
    }  # fmt: skip


def _median(ages: Sequence[int]) -> Number:
    if not ages:
        return unknown("no defect is open")
    return known(Fraction(median(map(Fraction, ages))), f"median; the oldest {max(ages)} days")


def _desk(
    tickets: Iterable[HelpDeskItem], ago: datetime, end: datetime
) -> tuple[tuple[HelpDeskItem, bool], ...]:
    """Items closed in the last 28 days whose source counts how often they were reopened."""
    return tuple(
        (t, t.reopened > 0)
        for t in tickets
        if t.reopened is not None
        and t.status in _CLOSED
        and t.resolved_at is not None
        and ago <= t.resolved_at < end
    )


def _share(judged: Sequence[tuple[HelpDeskItem, bool]], reason: str) -> Number:
    if not judged:
        return unknown(f"{reason} in the last {RECENT_DAYS} days")
    return known(
        Fraction(100 * sum(yes for _, yes in judged), len(judged)),
        count(len(judged), "closed item"),
    )


def _weeks(defects: Sequence[Defect], zone: Zone, data_date: date) -> tuple[DefectWeek, ...]:
    """The flow of the last weeks: open at a week's end = opened − closed + reopened until then."""
    if not defects:
        return ()
    opened = sorted(d.created for d in defects)
    closed = sorted(when for d in defects for when, over in d.turns if over)
    again = sorted(when for d in defects for when, over in d.turns if not over)
    weeks = []
    for last in week_ends(data_date, WEEKS):
        monday = last - timedelta(days=last.weekday())
        start, end = zone.end_of(monday - timedelta(days=1)), zone.end_of(last)
        then = [bisect_left(moments, end) for moments in (opened, closed, again)]
        new = [
            n - bisect_left(m, start) for n, m in zip(then, (opened, closed, again), strict=True)
        ]
        weeks.append(
            DefectWeek(
                monday=monday, opened=new[0], closed=new[1], reopened=new[2],
                open_at_end=max(0, then[0] - then[1] + then[2]),
            )
        )  # fmt: skip
    return tuple(weeks)
