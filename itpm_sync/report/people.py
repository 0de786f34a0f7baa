"""Whoever has too much work, for the portfolio's page: a row a person, a column a week. Pure."""

from __future__ import annotations

from itpm_sync.reconcile.status import PersonLoad, Snapshot, WeekLoad
from itpm_sync.report import view
from itpm_sync.report.wording import clean, count, day, plain

_MOST = 20  # persons shown


def people(snapshot: Snapshot) -> view.People | None:
    """Those with a week above their capacity, the most above first; None if there is nobody."""
    over = sorted((p for p in snapshot.people if any(w.over for w in p.weeks)), key=_worst)
    if not over:
        return None
    hidden = len(over) - _MOST
    return view.People(
        weeks=tuple(day(w.monday) for w in over[0].weeks),
        rows=tuple(map(_row, over[:_MOST])),
        more=f"{count(hidden, 'more person', 'more persons')} have" if hidden > 0 else "",
    )


def _worst(person: PersonLoad) -> tuple[float, str]:
    return -max(float((w.load_s or 0) - w.capacity_s) for w in person.weeks if w.over), person.name


def _row(person: PersonLoad) -> view.PersonRow:
    note = f"{count(person.unestimated, 'item')} not estimated" if person.unestimated else ""
    return view.PersonRow(
        name=clean(person.name, 80),
        skills=clean(", ".join(person.skills), 80),
        weeks=tuple((_cell(w), w.over) for w in person.weeks),
        note=note,
    )


def _cell(week: WeekLoad) -> str:
    load = "n/a" if week.load_s is None else plain(week.load_s / 3600)
    return f"{load} / {plain(week.capacity_s / 3600)}"
