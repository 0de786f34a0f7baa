"""Load against capacity, by person and week; who has the skill and room; whose work has nobody.

Capacity of a week is the sum of its days: share of the day that the person works (holidays and
leave 0, part time less) × hours of a full day. Load is the remaining effort of the open work items
that are assigned to the person: spread evenly over the person's working days from tomorrow, or from
the start of its sprint or package where that is later, to its due date, else the end of its sprint,
else the planned finish of its package, else over `undated_weeks`. What is overdue is due in the
first five working days. Where the person does not work at all until then, the load falls on the
working days of the portfolio all the same, and the week is over-allocated. A monthly mean would
hide the peaks.

An item without an estimate has no load that anybody knows: it is counted, and the load is a lower
bound; the load of a person none of whose items is estimated is n/a. Help-desk items are no planned
work: `percent` leaves room for them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from fractions import Fraction
from functools import cached_property
from math import lcm
from operator import attrgetter

from itpm_sync.model import ItemType, Person, Sprint, TimeEntry, WorkItem, WorkPackage
from itpm_sync.reconcile.choices import CapacityChoices
from itpm_sync.reconcile.duplicates import remaining_s
from itpm_sync.reconcile.likeness import open_at, plain
from itpm_sync.reconcile.number import Number, decimal, exact_sum, known, unknown
from itpm_sync.reconcile.people import Worker, Workers
from itpm_sync.reconcile.status import PersonLoad, WeekLoad
from itpm_sync.reconcile.wording import count, day
from itpm_sync.reconcile.workdays import Calendar, Worked, Zone, impossible, nth_working_day

_PAST_WEEKS = 4
_OVERDUE_DAYS = 5  # working days in which overdue work is taken to be done
_HOURS = 3600
_NO_WORK = frozenset({ItemType.EPIC, ItemType.MILESTONE})


@dataclass(frozen=True, slots=True)
class Assignment:
    """An open work item of a person, and when it is taken to be worked on."""

    item: WorkItem
    seconds: int | None  # remaining; None: not estimated
    first: date
    last: date
    why: str  # `due 12 Mar 2026`
    skills: frozenset[str]  # that it needs, folded; empty: it does not say


@dataclass(frozen=True, slots=True)
class Week:
    """One week of a person, in seconds; `parts` are behind its load, by identity."""

    monday: date
    first: date  # of the days that count: the first week begins tomorrow
    last: date
    capacity: Fraction
    load: Number
    parts: tuple[tuple[Assignment, Fraction], ...]

    @property
    def over(self) -> Fraction:
        """Load above capacity; negative: room."""
        return (self.load.value or Fraction(0)) - self.capacity

    def is_over(self, tolerance: Fraction) -> bool:
        """Whether there is more work than capacity and tolerance allow."""
        load = self.load.value
        if not load or load <= self.capacity:  # of most weeks: they ask for no tolerance
            return False
        return self.over > self.capacity * tolerance

    @property
    def largest(self) -> tuple[tuple[Assignment, Fraction], ...]:
        """The parts, the largest first."""
        # whole numbers over one denominator compare many times faster than fractions
        unit = lcm(*{seconds.denominator for _, seconds in self.parts})

        def rank(part: tuple[Assignment, Fraction]) -> tuple[int, str]:
            seconds, of = part[1].as_integer_ratio()
            return -seconds * (unit // of), part[0].item.id

        return tuple(sorted(self.parts, key=rank))


@dataclass(frozen=True, slots=True)
class Load:
    """A person with their weeks to come and the time they booked in the last four."""

    worker: Worker
    weeks: tuple[Week, ...]
    assignments: tuple[Assignment, ...]
    booked: tuple[tuple[date, Fraction, Fraction], ...]  # Monday, capacity, booked

    @property
    def unestimated(self) -> int:
        """Assignments whose load nobody knows."""
        return sum(a.seconds is None for a in self.assignments)

    def over(self, tolerance: Fraction) -> tuple[Week, ...]:
        """The weeks with more work than capacity and tolerance allow."""
        return tuple(w for w in self.weeks if w.is_over(tolerance))

    def room(self, week: Week) -> Fraction:
        """Free seconds in the same week; none where the load is not known."""
        mine = next((w for w in self.weeks if w.monday == week.monday), None)
        return (
            Fraction(0) if mine is None or mine.load.value is None else max(-mine.over, Fraction())
        )


@dataclass(frozen=True, slots=True)
class Work:
    """A work item and the package that it belongs to."""

    item: WorkItem
    package: WorkPackage | None = None


@dataclass(frozen=True)
class Capacity:
    """Everybody's load, by name."""

    loads: tuple[Load, ...] = ()
    _rooms: dict[tuple[int, date], Fraction] = field(
        default_factory=dict, repr=False, compare=False
    )

    def able(self, load: Load, week: Week) -> tuple[tuple[Load, Fraction], ...]:
        """Who has the skill that a week's work needs and room in it, the most room first.

        The skill is what the items name; else the person's own skills, else their team.
        """
        needed = frozenset(s for a, _ in week.parts for s in a.skills)
        groups = [self._skilled.get(s, ()) for s in needed or _folded(load.worker.skills)]
        if not groups and load.worker.team:
            groups = [self._teams.get(plain(load.worker.team), ())]
        fitting = {id(other): other for group in groups for other in group if other is not load}
        found = ((other, self._room(other, week)) for other in fitting.values())
        return tuple(
            sorted((f for f in found if f[1] > 0), key=lambda f: (-f[1], f[0].worker.form))
        )

    @staticmethod
    def sought(load: Load, week: Week) -> str:
        """What `able` goes by: `skill`, `team`, or empty where neither is known."""
        if load.worker.skills or any(a.skills for a, _ in week.parts):
            return "skill"
        return "team" if load.worker.team else ""

    def _room(self, load: Load, week: Week) -> Fraction:
        key = id(load), week.monday
        if key not in self._rooms:
            self._rooms[key] = load.room(week)
        return self._rooms[key]

    @cached_property
    def _skilled(self) -> Mapping[str, Sequence[Load]]:
        """The people that are listed, by folded skill."""
        found: dict[str, list[Load]] = defaultdict(list)
        for load in self.loads:
            for skill in _folded(load.worker.skills) if load.worker.known else ():
                found[skill].append(load)
        return found

    @cached_property
    def _teams(self) -> Mapping[str, Sequence[Load]]:
        """The people that are listed, by folded team."""
        found: dict[str, list[Load]] = defaultdict(list)
        for load in self.loads:
            if load.worker.known:
                found[plain(load.worker.team)].append(load)
        return found


def shown(found: Capacity, tolerance: Fraction) -> tuple[PersonLoad, ...]:
    """The load of everybody to whom open work is assigned and who is still here."""
    return tuple(
        PersonLoad(
            name=x.worker.name,
            team=x.worker.team,
            skills=x.worker.skills,
            weeks=tuple(_shown(w, over=w.is_over(tolerance)) for w in x.weeks),
            unestimated=x.unestimated,
        )
        for x in found.loads
        if x.assignments and x.worker.here(x.weeks[0].first)
    )


def _shown(week: Week, *, over: bool) -> WeekLoad:
    value = week.load.value
    return WeekLoad(
        monday=week.monday,
        load_s=None if value is None else decimal(value),
        capacity_s=decimal(week.capacity),
        over=over,
    )


def _folded(words: Iterable[str]) -> frozenset[str]:
    return frozenset(plain(w).strip() for w in words)


def capacity(
    work: Iterable[Work],
    *,
    sprints: Iterable[Sprint],
    entries: Iterable[TimeEntry],
    people: Iterable[Person],
    choices: CapacityChoices,
    zone: Zone,
    data_date: date,
) -> Capacity:
    """Everybody's load on the data date. The order of the records changes nothing."""
    end = zone.end_of(data_date)
    mine = sorted((w for w in work if loads(w.item, end)), key=attrgetter("item.id"))
    workers = Workers(people, choices, {w.item.assignee for w in mine})
    skills = frozenset(s for w in workers.all.values() for s in _folded(w.skills))
    frame = _Frame(choices, data_date, _Sprints(sprints, zone), skills)
    times = {form: _Times(worker, frame) for form, worker in workers.all.items()}
    assigned: dict[str, list[Assignment]] = defaultdict(list)
    for one in mine:
        form = workers.form(one.item.assignee)
        if form in times:
            assigned[form].append(_assignment(one, times[form], frame))
    booked = _booked(entries, workers, data_date)
    found = (
        _load(times[form], assigned.get(form, ()), booked.get(form, {}), frame) for form in times
    )
    return Capacity(tuple(sorted(found, key=lambda x: (plain(x.worker.name), x.worker.form))))


def loads(item: WorkItem, end: datetime) -> bool:
    """Whether the item is open work of somebody at `end`."""
    return bool(item.assignee.strip()) and item.type not in _NO_WORK and open_at(item, end)


class _Sprints:
    """When a sprint of a connection begins and ends, by name."""

    def __init__(self, sprints: Iterable[Sprint], zone: Zone) -> None:
        self._zone = zone
        self._by_name: dict[tuple[str, str], Sprint] = {}
        for sprint in sorted(sprints, key=lambda s: s.id):
            self._by_name[sprint.ref.connection, sprint.name] = sprint

    def last_of(self, item: WorkItem) -> tuple[str, date | None, date] | None:
        """Name, first and last day of the item's sprint that ends last."""
        found = []
        for name in item.sprints:
            sprint = self._by_name.get((item.ref.connection, name))
            if sprint is not None and sprint.finish is not None:
                first = self._zone.day_of(sprint.start) if sprint.start else None
                found.append((self._zone.day_of(sprint.finish), name, first))
        if not found:
            return None
        last, name, first = max(found, key=lambda f: f[:2])
        return name, first, last


@dataclass(frozen=True)
class _Frame:
    """What all persons share."""

    choices: CapacityChoices
    data_date: date
    sprints: _Sprints
    skills: frozenset[str]  # that anybody has

    @cached_property
    def tomorrow(self) -> date:
        return self.data_date + timedelta(days=1)

    @cached_property
    def monday(self) -> date:
        """Of the first week: this one, unless nothing of it is worked any more."""
        own = self.tomorrow - timedelta(days=self.tomorrow.weekday())
        rest = self.choices.calendar.worked(self.tomorrow, own + timedelta(days=6))
        return own if rest else own + timedelta(days=7)

    @cached_property
    def day_s(self) -> Fraction:
        return Fraction(self.choices.hours_per_day) * _HOURS

    def seconds(self, worked: Worked) -> Fraction:
        """Of so many full days."""
        if worked not in self._seconds:
            self._seconds[worked] = worked * self.day_s
        return self._seconds[worked]

    @cached_property
    def _seconds(self) -> dict[Worked, Fraction]:
        return {}


def _assignment(work: Work, times: _Times, frame: _Frame) -> Assignment:
    tomorrow, choices = frame.tomorrow, frame.choices
    start, last, why = _when(work, frame.sprints)
    first = max(tomorrow, start) if start is not None and not impossible(start) else tomorrow
    if last is None or impossible(last):
        last = first + timedelta(days=7 * choices.undated_weeks - 1)
        why = f"no date: spread over {count(choices.undated_weeks, 'week')}"
    elif last < tomorrow:
        why, first, last = f"overdue, {why}", tomorrow, times.overdue_until
    first = min(first, last)
    item = work.item
    needed = frozenset[str]()
    if frame.skills:
        named = (*item.components, *item.labels, item.attributes.get("skill", ""))
        needed = _folded(named) & frame.skills
    return Assignment(item, remaining_s(item), first, last, why, needed)


def _working(own: Calendar, base: Calendar) -> Calendar:
    return own if any(own.week) else base


def _when(work: Work, sprints: _Sprints) -> tuple[date | None, date | None, str]:
    """From when and until when an item is to be worked on, and which source says so."""
    box, package = sprints.last_of(work.item), work.package
    start = box[1] if box else package.planned_start if package else None
    if work.item.due is not None:
        return start, work.item.due, f"due {day(work.item.due)}"
    if box is not None:
        return start, box[2], f"sprint {box[0]} until {day(box[2])}"
    if package is not None and package.planned_finish is not None:
        finish = package.planned_finish
        return start, finish, f"package {package.code} planned until {day(finish)}"
    return start, None, ""


def _load(
    times: _Times,
    assignments: Sequence[Assignment],
    booked: Mapping[date, int],
    frame: _Frame,
) -> Load:
    mondays = [frame.monday + timedelta(days=7 * n) for n in range(frame.choices.weeks)]
    weeks = tuple(_week(times, assignments, m, frame) for m in mondays)
    this = frame.data_date - timedelta(days=frame.data_date.weekday())
    past = [this - timedelta(days=7 * n) for n in range(_PAST_WEEKS - 1, -1, -1)]
    history = []
    for m in (m for m in past if m in booked):
        time = times.worked(m, min(m + timedelta(days=6), frame.data_date))
        history.append((m, frame.seconds(time), Fraction(booked[m])))
    return Load(times.worker, weeks, tuple(assignments), tuple(history))


def _week(times: _Times, assignments: Sequence[Assignment], monday: date, frame: _Frame) -> Week:
    first = frame.tomorrow if monday == frame.monday else monday
    last = monday + timedelta(days=6)
    here = (a for a in assignments if a.seconds and a.first <= last and a.last >= first)
    parts = tuple((a, share) for a in here if (share := times.share(a, first, last)))
    number = known(exact_sum(share for _, share in parts))
    if assignments and not parts and all(a.seconds is None for a in assignments):
        number = unknown(f"none of {count(len(assignments), 'item')} is estimated")
    return Week(monday, first, last, frame.seconds(times.worked(first, last)), number, parts)


class _Times:
    """What a person works between two days; the same spans come back with every item."""

    def __init__(self, worker: Worker, frame: _Frame) -> None:
        self.worker, self._base, self._frame = worker, frame.choices.calendar, frame
        self._found: dict[tuple[date, date], Worked] = {}

    def worked(self, first: date, last: date) -> Worked:
        """Full days that the person works from `first` to `last`."""
        found = self._found.get((first, last))
        if found is None:
            worker = self.worker
            until = min(last, worker.left_on or last)
            found = 0 if worker.gone else worker.calendar.worked(first, until)
            self._found[first, last] = found
        return found

    @cached_property
    def overdue_until(self) -> date:
        """When overdue work is taken to be done."""
        working = _working(self.worker.calendar, self._base)
        return nth_working_day(self._frame.tomorrow, _OVERDUE_DAYS, working)

    def share(self, a: Assignment, first: date, last: date) -> Fraction:
        """The seconds of an assignment that fall on the days from `first` to `last`."""
        start, finish = max(first, a.first), min(last, a.last)
        if finish < start or not a.seconds:
            return Fraction(0)
        if (start, finish) == (a.first, a.last):
            return Fraction(a.seconds)
        whole, part = self.worked(a.first, a.last), self.worked(start, finish)
        if not whole:  # the person is away all the time
            whole, part = self._base.worked(a.first, a.last), self._base.worked(start, finish)
        if not whole:
            whole, part = (a.last - a.first).days + 1, (finish - start).days + 1
        return Fraction(a.seconds * part, whole)


def _booked(
    entries: Iterable[TimeEntry], workers: Workers, data_date: date
) -> Mapping[str, Mapping[date, int]]:
    since = data_date - timedelta(days=data_date.weekday() + 7 * (_PAST_WEEKS - 1))
    found: dict[str, dict[date, int]] = defaultdict(lambda: defaultdict(int))
    mondays = {
        since + timedelta(days=n): since + timedelta(days=n - n % 7) for n in range(7 * _PAST_WEEKS)
    }
    for entry in entries:
        if since <= entry.on <= data_date:
            found[workers.form(entry.person)][mondays[entry.on]] += entry.duration_s
    return found
