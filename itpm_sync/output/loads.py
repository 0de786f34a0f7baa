"""Load and capacity as cells of tables, a person's week taken apart, and both as data. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from rich.markup import escape

from itpm_sync.errors import ConfigError, Problem, suggestion
from itpm_sync.model import round_fraction
from itpm_sync.reconcile.capacity import Assignment, Capacity, Load, Week
from itpm_sync.reconcile.likeness import People, plain
from itpm_sync.reconcile.wording import count, day, show

PARTS = ("Hours", "Of", "Item", "Worked on", "Source")
_HOURS = 3600
_NAMES = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def headers(loads: Sequence[Load]) -> tuple[str, ...]:
    """Person, team, skills, then the weeks by their Monday."""
    weeks = loads[0].weeks if loads else ()
    return ("Person", "Team", "Skills", *(f"{w.monday:%d %b}" for w in weeks), "Not estimated")


def rows(loads: Iterable[Load], tolerance: Fraction) -> list[tuple[str, ...]]:
    """A person a row: load / capacity in hours, red where it is too much."""
    return [
        (
            escape(load.worker.name), escape(load.worker.team),
            escape(", ".join(load.worker.skills)),
            *(_cell(w, over=w in load.over(tolerance)) for w in load.weeks),
            str(load.unestimated or ""),
        )
        for load in loads
    ]  # fmt: skip


def _cell(week: Week, *, over: bool) -> str:
    text = f"{_number(week.load.value)}/{_number(week.capacity)}"
    return f"[red]{text}[/]" if over else text


def _number(seconds: Fraction | None) -> str:
    return "n/a" if seconds is None else show(seconds / _HOURS, 0)


def chosen(found: Capacity, person: str, skill: str) -> tuple[Load, ...]:
    """The loads asked for: of a person, of those with a skill, of all. ConfigError if of none."""
    loads = [x for x in found.loads if not skill or plain(skill) in map(plain, x.worker.skills)]
    if skill and not loads:
        known = {s for x in found.loads for s in x.worker.skills}
        hint = suggestion(skill, known) or "skills stand under `people`, or in person records"
        raise ConfigError([Problem((), f"nobody has the skill {skill!r}", hint, "--skill")])
    if person:
        form = People(()).form(person)
        named = [x for x in loads if form in (x.worker.form, People(()).form(x.worker.name))]
        if not named:
            hint = suggestion(person, [x.worker.name for x in loads])
            raise ConfigError([Problem((), f"nobody is called {person!r}", hint, "PERSON")])
        return tuple(named)
    return tuple(loads)


def within(loads: Iterable[Load], wanted: date | None) -> tuple[Load, ...]:
    """The loads with the week of a day only, with all of theirs where none is asked for.

    ConfigError if it is not one of those looked at.
    """
    if wanted is None:
        return tuple(loads)
    return tuple(replace(x, weeks=(week_of(x, wanted, Fraction()),)) for x in loads)


def week_of(load: Load, wanted: date | None, tolerance: Fraction) -> Week:
    """The week asked for, else the first with too much work, else the first; ConfigError if not
    one of those looked at.
    """
    if wanted is None:
        return next(iter(load.over(tolerance)), load.weeks[0])
    for week in load.weeks:
        if week.monday <= wanted <= week.last:
            return week
    first, last = load.weeks[0].first, load.weeks[-1].last
    raise ConfigError([Problem((), f"{wanted} is not within {first} to {last}", "", "--week")])


def lines(found: Capacity, load: Load, week: Week, hours_per_day: Decimal) -> list[str]:
    """A person's week in sentences: what is over, how the capacity is made, who could help."""
    worker, value = load.worker, week.load.value
    told = f"n/a, {week.load.reason}" if value is None else _hours(value)
    word = "over" if week.over > 0 else "room"
    over = "" if value is None else f" ({word} {_hours(abs(week.over))})"
    title = f"{worker.name}, week of {day(week.monday)}"
    result = [
        f"{title}: {told} of work for {_hours(week.capacity)}{over}",
        f"capacity = {_days(load, week)}, of {show(Fraction(hours_per_day), 1)} h a full day",
    ]
    if not worker.known:
        result.append("not listed under `people` nor by a source: taken to work full time")
    if load.unestimated:
        result.append(f"{count(load.unestimated, 'item')} without estimate: the load is more")
    able = found.able(load, week)
    if able:
        helpers = ", ".join(f"{o.worker.name} {_hours(room)}" for o, room in able[:10])
        result.append(f"skill and room in that week: {helpers}")
    for monday, time, booked in load.booked:
        result.append(f"booked in the week of {day(monday)}: {_hours(booked)} of {_hours(time)}")
    return result


def _days(load: Load, week: Week) -> str:
    days = (week.first + timedelta(days=n) for n in range((week.last - week.first).days + 1))
    return ", ".join(f"{_NAMES[d.weekday()]} {_share(load, d)}" for d in days)


def _share(load: Load, on: date) -> str:
    worker = load.worker
    if not worker.here(on):
        return "0 (left)"
    return "0 (leave)" if on in worker.leave else show(Fraction(worker.share(on)), 2)


def parts(week: Week) -> list[tuple[str, ...]]:
    """The items behind a week's load, the most first."""
    return [tuple(map(escape, _part(a, seconds))) for a, seconds in week.largest]


def _part(a: Assignment, seconds: Fraction) -> tuple[str, ...]:
    span = f"{day(a.first)} to {day(a.last)}: {a.why}"
    title = f"{a.item.key} {a.item.title}".strip()
    whole = _hours(Fraction(a.seconds or 0))
    return _hours(seconds), f"{whole} remaining", title, span, a.item.ref.url or a.item.id


def _hours(seconds: Fraction) -> str:
    return f"{show(seconds / _HOURS, 1)} h"


def data(loads: Iterable[Load], tolerance: Fraction) -> list[dict[str, Any]]:
    """Everything as plain values; hours with two places."""
    return [
        {
            "person": x.worker.name, "team": x.worker.team, "skills": x.worker.skills,
            "left_on": x.worker.left_on, "known": x.worker.known, "unestimated": x.unestimated,
            "weeks": [_week_data(w, over=w in x.over(tolerance)) for w in x.weeks],
            "booked": [
                {"monday": m, "capacity_h": _two(time), "booked_h": _two(booked)}
                for m, time, booked in x.booked
            ],
        }
        for x in loads
    ]  # fmt: skip


def _week_data(week: Week, *, over: bool) -> dict[str, Any]:
    return {
        "monday": week.monday, "capacity_h": _two(week.capacity), "over": over,
        "load_h": None if week.load.value is None else _two(week.load.value),
        "reason": week.load.reason,
        "items": [
            {"identity": a.item.id, "key": a.item.key, "title": a.item.title, "why": a.why,
             "hours": _two(seconds), "first": a.first, "last": a.last, "url": a.item.ref.url}
            for a, seconds in week.largest
        ],
    }  # fmt: skip


def _two(seconds: Fraction) -> Decimal:
    return round_fraction(seconds / _HOURS, 2)
