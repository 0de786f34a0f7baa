"""A plan in Microsoft Project XML as what a baseline records: its tasks as work packages.

Only tasks without tasks below them count, and what a summary task costs of its own (its fixed
cost): all else of a summary is the sum of its tasks. What of the file is not taken is said.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path

from itpm_sync.config import PlanFileOptions
from itpm_sync.errors import ConfigError, Problem, up_to
from itpm_sync.model import Money
from itpm_sync.mspdi import SCHEDULE, Mistake, PlanFile, Segment, Task, WorkingTime, read_plan
from itpm_sync.reconcile.inputs import (
    BaselineMilestone,
    BaselinePackage,
    Element,
    FrozenPlan,
    Phase,
)
from itpm_sync.reconcile.money import allocate_minor
from itpm_sync.reconcile.wording import count
from itpm_sync.reconcile.workdays import Calendar, impossible

_SHOWN = 20
_SCALE = 10_000  # parts of a unit of the currency that phases are split to
_YEARS_ON = 5  # of holidays after the plan's end: late projects need them


def plan_of_file(
    path: Path, options: PlanFileOptions, project: str, currency: str
) -> tuple[FrozenPlan, tuple[str, ...]]:
    """The plan of one project in a file, and what is to be said of it.

    `currency` counts where the file names none. Raises ConfigError with every mistake: the file's
    line, the task's number, what was expected.
    """
    found = read_plan(path, SCHEDULE if options.baseline == "schedule" else options.baseline)
    if not any(t.in_baseline for t in found.tasks):
        raise ConfigError([_no_baseline(path, found, options)])
    return _Conversion(path, found, options, project, options.currency or currency).result()


def _no_baseline(path: Path, found: PlanFile, options: PlanFileOptions) -> Problem:
    if options.baseline == "schedule":
        return Problem((), "the plan has no task with dates", where=str(path))
    saved = ", ".join(map(str, found.numbers)) or "none"
    message = f"no task has a baseline {options.baseline}; saved in the file: {saved}"
    hint = "set the baseline in the planning tool, or take the schedule: --baseline schedule"
    return Problem((), message, hint, str(path))


@dataclass
class _Package:
    """What is added up into one work package."""

    name: str
    tasks: list[Task] = field(default_factory=list)
    element: Element = Element.WORK


class _Conversion:
    """One file, read once."""

    def __init__(
        self, path: Path, plan: PlanFile, options: PlanFileOptions, project: str, currency: str
    ) -> None:
        self._path, self._plan, self._options, self._project = path, plan, options, project
        self._currency = plan.currency or currency
        self._problems: list[Problem] = []
        self._said: list[str] = []

    def result(self) -> tuple[FrozenPlan, tuple[str, ...]]:
        """The plan, or every mistake."""
        counted = list(self._counted())
        calendar = self._calendar(counted)
        in_money = any(_cost(t) for t in counted)
        if in_money and len(self._currency) != 3:
            hint = "name it: `currency` of the project, or of its `plan_file`"
            self._problem(None, "the file names no currency for its costs", hint)
        self._raise()
        packages = self._packages(counted)
        times = self._task_times(counted)
        frozen = FrozenPlan(
            packages=tuple(
                self._frozen(code, packages[code], times, in_money=in_money)
                for code in sorted(packages)
            ),
            milestones=tuple(self._milestones(counted)),
            calendar=calendar,
            source=f"{self._path.name}, {self._numbered}",
        )
        self._raise()
        self._summarised(counted)
        return frozen, tuple(self._said)

    @property
    def _numbered(self) -> str:
        number = self._options.baseline
        return "its schedule" if number == "schedule" else f"its baseline {number}"

    def _problem(self, task: Task | None, message: str, hint: str = "") -> None:
        where = f"{self._path}:{task.line}" if task else str(self._path)
        told = f"{task.label}: {message}" if task else message
        self._problems.append(Problem((), told, hint, where))

    def _raise(self) -> None:
        if self._problems:
            more = len(self._problems) - _SHOWN
            rest = [Problem((), f"and {more} more", where=str(self._path))] if more > 0 else []
            raise ConfigError([*self._problems[:_SHOWN], *rest])

    # ---- which tasks count ----------------------------------------------------------------------

    def _counted(self) -> Iterator[Task]:
        """Tasks of the project with the baseline, and summaries with a fixed cost of their own."""
        others: Counter[str] = Counter()
        late: list[Task] = []
        for task in self._plan.tasks:
            if task.is_summary and not task.fixed_cost:
                continue
            word = self._word(task, self._options.project) if self._options.project else ""
            if self._options.project and word.casefold() != self._project.casefold():
                others[word] += 1
            elif not task.in_baseline:
                late.append(task)
            elif self._is_usable(task):
                yield task
        self._left_out(others, late)

    def _is_usable(self, task: Task) -> bool:
        if task.start is None or task.finish is None:
            self._problem(task, "the baseline has a start and no finish")
            return False
        wrong = impossible(task.start, task.finish)
        if wrong is not None:
            self._problem(task, f"{wrong} is before 1970 or after 2100")
        if (task.cost or 0) < 0 or (task.work_s or 0) < 0:
            self._problem(task, "the baseline's cost or work is below 0")
        return wrong is None

    def _left_out(self, others: Mapping[str, int], late: Sequence[Task]) -> None:
        self._said += [f"left out: {words}" for words in self._plan.left_out]
        for word, number in sorted(others.items()):
            project = f"of project {word}" if word else "of no named project"
            self._said.append(f"left out: {count(number, 'task')} {project}")
        if late:
            shown = up_to(3, [task.label for task in late])
            self._said.append(f"left out: {count(len(late), 'task')} not in the baseline: {shown}")

    def _word(self, task: Task, name: str) -> str:
        """A field of the task, else of the nearest summary above it that has a value."""
        here: Task | None = task
        while here is not None:
            if word := _field(here, name):
                return word
            here = self._above(here)
        return ""

    def _above(self, task: Task) -> Task | None:
        return self._plan.tasks[task.above] if task.above is not None else None

    # ---- calendars ------------------------------------------------------------------------------

    def _span(self, tasks: Iterable[Task]) -> tuple[date, date]:
        days = [d for t in tasks for d in (t.start, t.finish) if d is not None]
        first, last = min(days, default=date(2000, 1, 1)), max(days, default=date(2000, 1, 1))
        return first, date(last.year + _YEARS_ON, 12, 31)

    def _time(self, uid: int | None, tasks: Sequence[Task]) -> WorkingTime | None:
        try:
            return self._plan.calendars.working_time(uid, *self._span(tasks))
        except Mistake as mistake:
            where = f"{self._path}:{mistake.node.line}"
            self._problems.append(Problem((), f"calendar: {mistake.message}", where=where))
            return None

    def _calendar(self, tasks: Sequence[Task]) -> Calendar | None:
        uid = self._plan.calendar
        found = self._time(uid, tasks)
        if found is None:
            return None
        if not any(found.week):
            self._problem(None, "the plan's calendar has no working day in its week")
            return None
        calendar = Calendar.of(found.week, found.days)
        if uid is not None and uid in self._plan.calendars:
            off = sum(1 for _, share in calendar.days if not share)
            name = self._plan.calendars.name(uid)
            self._said.append(f"calendar {name}: {count(off, 'day')} off within its weeks")
        return calendar

    def _task_times(self, tasks: Sequence[Task]) -> Mapping[int, WorkingTime]:
        """Calendars that tasks have of their own, other than the plan's."""
        uids = {t.calendar for t in tasks if t.calendar is not None} - {self._plan.calendar}
        times = {uid: self._time(uid, tasks) for uid in uids}
        return {uid: found for uid, found in times.items() if found is not None}

    # ---- work packages --------------------------------------------------------------------------

    def _packages(self, counted: Iterable[Task]) -> Mapping[str, _Package]:
        found: dict[str, _Package] = {}
        for task in counted:
            home = self._home(task)
            code = self._word(home, self._options.work_package)
            if not code and self._options.work_package == "wbs":
                code = self._word(home, "outline_number")
            if not code:
                hint = "fill it, there or in a summary task, or name another field"
                self._problem(task, f"no {self._options.work_package} to name its package", hint)
                continue
            package = found.setdefault(code, _Package(self._title(home, code)))
            package.tasks.append(task)
            self._set_element(package, task)
        self._raise()
        return {c: p for c, p in found.items() if not all(_is_event(t) for t in p.tasks)}

    def _home(self, task: Task) -> Task:
        """The task, or the summary above it at the configured level."""
        level, here = self._options.level, task
        while level is not None and here.level > level and (above := self._above(here)) is not None:
            here = above
        return here

    def _title(self, home: Task, code: str) -> str:
        """The name of the highest task that carries the code."""
        name, here = home.name, self._above(home)
        while here is not None and _field(here, self._options.work_package) == code:
            name, here = here.name, self._above(here)
        return name or code

    def _set_element(self, package: _Package, task: Task) -> None:
        if not self._options.element:
            return
        word = self._word(task, self._options.element).casefold().replace(" ", "_")
        if word and word not in set(Element):
            expected = ", ".join(Element)
            self._problem(
                task, f"{self._options.element}: expected {expected}, found {word[:40]!r}"
            )
        elif word:
            package.element = Element(word)

    def _frozen(
        self, code: str, package: _Package, times: Mapping[int, WorkingTime], *, in_money: bool
    ) -> BaselinePackage:
        tasks = [t for t in package.tasks if not _is_event(t)] or package.tasks
        starts = [t.start for t in tasks if t.start is not None]
        finishes = [t.finish for t in tasks if t.finish is not None]
        whole = sum((_cost(t) for t in package.tasks), Decimal(0))
        work = [t.work_s for t in package.tasks if t.work_s is not None]
        fixed = package.element in (Element.UNDISTRIBUTED, Element.RESERVE)
        return BaselinePackage(
            code=code,
            name=package.name,
            planned_start=None if fixed else min(starts),
            planned_finish=None if fixed else max(finishes),
            budget=Money(whole, self._currency) if in_money else None,
            method="",
            planned_effort_s=sum(work) if work else None,
            element=package.element,
            phases=() if fixed else self._phases(package.tasks, times),
            own_budget=True,
        )

    def _phases(self, tasks: Iterable[Task], times: Mapping[int, WorkingTime]) -> tuple[Phase, ...]:
        """The parts of a package; none where it is one task, even over its own days."""
        parts: dict[tuple[date, date], Decimal] = defaultdict(Decimal)
        number, shaped = 0, False
        for task in tasks:
            weight = _cost(task) if any(_cost(t) for t in tasks) else Decimal(task.work_s or 0)
            own = times.get(task.calendar) if task.calendar is not None else None
            segments = list(self._segments(task, weight, own))
            phased = not task.is_summary and (task.cost_by_time or task.work_by_time)
            shaped = shaped or own is not None or bool(phased)
            number += bool(segments)
            for part in segments:
                parts[part.start, part.finish] += part.value
        if number < 2 and not shaped:
            return ()
        return tuple(
            Phase(start=start, finish=finish, weight=parts[start, finish])
            for start, finish in sorted(parts)
        )

    def _segments(self, task: Task, weight: Decimal, own: WorkingTime | None) -> Iterator[Segment]:
        """When a task is planned: by its time-phased data, the rest evenly over its days."""
        if task.start is None or task.finish is None or not weight:
            return
        by_cost = () if task.is_summary else task.cost_by_time
        cost = sum((s.value for s in by_cost), Decimal(0))
        if cost > weight:
            extra = f"{cost} of time-phased cost is more than its baseline cost {weight}"
            self._said.append(f"{task.label}: {extra}; it is taken as the shape only")
        if cost:
            yield from _scaled(by_cost, min(cost, weight))
            weight -= min(cost, weight)
        elif task.work_by_time and not task.is_summary:
            yield from _scaled(task.work_by_time, weight)
            return
        if weight and own is not None:
            yield from _by_day(task.start, task.finish, weight, own)
        elif weight:
            yield Segment(task.start, task.finish, weight)

    # ---- what else is told ----------------------------------------------------------------------

    def _milestones(self, counted: Iterable[Task]) -> Iterator[BaselineMilestone]:
        for task in counted:
            if task.is_milestone and task.finish is not None:
                yield BaselineMilestone(
                    code=task.wbs or task.outline_number or str(task.uid),
                    name=task.name,
                    planned=task.finish,
                    work_package=self._word(self._home(task), self._options.work_package),
                )

    def _summarised(self, counted: Sequence[Task]) -> None:
        """The sum of the tasks beside what the file says of the whole plan."""
        total, stated = sum((_cost(t) for t in counted), Decimal(0)), self._plan.total
        if stated is not None and not self._options.project and total != stated:
            gap = Money(total - stated, self._currency)
            self._said.append(
                f"the tasks sum to {Money(total, self._currency)}, the file's own total is "
                f"{Money(stated, self._currency)}: {gap} apart"
            )


def _cost(task: Task) -> Decimal:
    """Cost of a task; of a summary only what it costs of its own."""
    return (task.fixed_cost if task.is_summary else task.cost) or Decimal(0)


def _is_event(task: Task) -> bool:
    """A milestone without cost or work: a date, not a part of a budget."""
    return task.is_milestone and not _cost(task) and not task.work_s


def _field(task: Task, name: str) -> str:
    """A field by the name of the format (`wbs`, `name`, …), or a custom one by name or alias."""
    built_in = {
        "wbs": task.wbs, "outline_number": task.outline_number, "name": task.name, "id": task.id,
        "uid": str(task.uid),
    }  # fmt: skip
    folded = name.strip().casefold()
    return (built_in.get(folded) or task.fields.get(folded, "")).strip()


def _scaled(segments: Sequence[Segment], whole: Decimal) -> Iterator[Segment]:
    """The segments as parts of a whole, exact to a ten-thousandth."""
    parts = allocate_minor(int(whole * _SCALE), [s.value for s in segments])
    for segment, part in zip(segments, parts, strict=True):
        if part:
            yield Segment(segment.start, segment.finish, Decimal(part) / _SCALE)


def _by_day(start: date, finish: date, whole: Decimal, time: WorkingTime) -> Iterator[Segment]:
    """A whole over the days of a calendar, each by its share; evenly where none is worked."""
    ordinals = range(start.toordinal(), finish.toordinal() + 1)
    days = [date.fromordinal(n) for n in ordinals]
    parts = allocate_minor(int(whole * _SCALE), [time.share(d) for d in days])
    for day, part in zip(days, parts, strict=True):
        if part:
            yield Segment(day, day, Decimal(part) / _SCALE)
