"""Tasks with one of their saved baselines, from the elements of a plan."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

from itpm_sync.errors import ConfigError, Problem
from itpm_sync.mspdi.calendars import Calendars
from itpm_sync.mspdi.elements import (
    Mistake,
    Node,
    amount,
    last_day,
    moment,
    parse,
    seconds,
    whole,
)

SCHEDULE = -1  # instead of a baseline's number: the present schedule
MAX_TASKS = 100_000
_COLLECTIONS = frozenset(("Tasks", "Calendars", "Assignments", "ExtendedAttributes", "Resources"))
_FULL_DAY = 480  # minutes
_SHOWN = 20  # problems


@dataclass(frozen=True, slots=True)
class Segment:
    """An amount, or seconds of work, planned evenly from a day to a day."""

    start: date
    finish: date
    value: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A row of the plan. `cost` and `work_s` are those of the baseline; None: it has none there.

    `above` is the position of its summary task in the plan, None at the top.
    """

    uid: int
    id: str
    line: int
    name: str
    wbs: str
    outline_number: str
    level: int
    above: int | None = None
    is_summary: bool = False
    is_milestone: bool = False
    calendar: int | None = None  # its own
    fields: Mapping[str, str] = field(default_factory=dict)  # custom ones, by folded name and alias
    in_baseline: bool = False
    start: date | None = None
    finish: date | None = None
    cost: Decimal | None = None
    fixed_cost: Decimal | None = None
    work_s: int | None = None
    cost_by_time: tuple[Segment, ...] = ()
    work_by_time: tuple[Segment, ...] = ()

    @property
    def label(self) -> str:
        """How messages name it."""
        return f"task {self.uid} ({self.name})" if self.name else f"task {self.uid}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanFile:
    """A plan as it stands in the file; `left_out` says what of it is not read."""

    title: str
    currency: str
    tasks: tuple[Task, ...]
    calendars: Calendars
    calendar: int | None
    numbers: tuple[int, ...]  # of the saved baselines in the file
    total: Decimal | None  # baseline cost of the plan's own summary, where it is written
    left_out: tuple[str, ...]


def read_plan(path: Path, number: int = 0) -> PlanFile:
    """The tasks with baseline `number` (0 to 10), or with the present schedule (`SCHEDULE`).

    Raises ConfigError with each mistake: the file's line, the task's number and what was expected.
    """
    reader = _Reader(number)
    parse(path, _COLLECTIONS, reader.take)
    found = reader.plan()
    problems = [
        Problem((), message, where=f"{path}:{line}") for line, message in reader.mistakes[:_SHOWN]
    ]
    if len(reader.mistakes) > _SHOWN:
        more = f"and {len(reader.mistakes) - _SHOWN} mistakes more"
        problems.append(Problem((), more, where=str(path)))
    if problems:
        raise ConfigError(problems)
    return found


class _Reader:
    """Collects what the parser hands over."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._project: dict[str, Node] = {}
        self._calendars: list[Node] = []
        self._tasks: list[Task] = []
        self._assigned: dict[int, list[_Assignment]] = defaultdict(list)
        self._names: dict[str, tuple[str, ...]] = {}
        self._raw_fields: list[list[tuple[str, str]]] = []
        self._numbers: set[int] = set()
        self._skipped: dict[str, int] = defaultdict(int)
        self._total: Decimal | None = None
        self.mistakes: list[tuple[int, str]] = []

    def take(self, home: str, node: Node) -> None:
        """One element; a mistake in it is noted, and the rest goes on."""
        try:
            self._take(home, node)
        except Mistake as mistake:
            self.mistakes.append((mistake.node.line, f"{_named(home, node)}{mistake.message}"))

    def _take(self, home: str, node: Node) -> None:
        if home == "":
            self._project[node.tag] = node
        elif home == "Tasks":
            self._task(node)
        elif home == "Assignments":
            self._assignment(node)
        elif home == "Calendars":
            self._calendars.append(node)
        elif home == "ExtendedAttributes":
            names = (node.word("FieldName"), node.word("Alias"))
            self._names[node.word("FieldID")] = tuple(n.casefold() for n in names if n)
        elif home == "Resources" and (whole(node, "UID") or 0) > 0:
            self._skipped["resource"] += 1

    # ---- tasks ----------------------------------------------------------------------------------

    def _task(self, node: Node) -> None:
        uid = whole(node, "UID")
        if uid is None:
            raise Mistake(node, "the UID is missing")
        if node.flag("IsNull"):
            return
        for reason, is_so in (
            ("inactive task", not node.flag("Active", default=True)),
            ("task of another plan", node.flag("ExternalTask")),
        ):
            if is_so:
                self._skipped[reason] += 1
                return
        if len(self._tasks) >= MAX_TASKS:
            self._skipped[f"task beyond {MAX_TASKS:,}"] += 1
            raise Mistake(node, f"more than {MAX_TASKS:,} tasks")
        numbers = {n for b in _saved(node) if (n := whole(b, "Number")) is not None}
        self._numbers |= numbers
        source = self._source(node)
        level = _level(node)
        if level == 0:
            self._total = amount(source, "Cost") if source is not None else None
            return
        self._tasks.append(self._read(node, uid, level, source))
        self._raw_fields.append(
            [(a.word("FieldID"), a.word("Value")) for a in node.all("ExtendedAttribute")]
        )

    def _source(self, node: Node) -> Node | None:
        """Where the baseline's values stand: its element, or the task itself for the schedule."""
        if self._number == SCHEDULE:
            return node
        return next((b for b in _saved(node) if whole(b, "Number") == self._number), None)

    def _read(self, node: Node, uid: int, level: int, source: Node | None) -> Task:
        task = Task(
            uid=uid, id=node.word("ID"), line=node.line, name=node.word("Name"),
            wbs=node.word("WBS"), outline_number=node.word("OutlineNumber"), level=level,
            is_milestone=node.flag("Milestone"), calendar=_calendar_of(node),
        )  # fmt: skip
        if source is None:
            return task
        start, finish = moment(source, "Start"), moment(source, "Finish")
        if start is not None and finish is not None and finish < start:
            raise Mistake(source, f"the finish {finish} is before the start {start}")
        kinds = _Kinds.of(self._number, task=True)
        return replace(
            task,
            in_baseline=start is not None or finish is not None,
            start=_first_day(start, finish),
            finish=last_day(start or finish, finish) if finish else None,
            cost=amount(source, "Cost"),
            fixed_cost=amount(source, "FixedCost"),
            work_s=seconds(source, "Work"),
            cost_by_time=tuple(_segments(node, source, kinds.cost)),
            work_by_time=tuple(_segments(node, source, kinds.work)),
        )

    # ---- assignments ----------------------------------------------------------------------------

    def _assignment(self, node: Node) -> None:
        uid, source = whole(node, "TaskUID"), self._source(node)
        self._skipped["assignment"] += 1
        if uid is None:
            return
        kinds = _Kinds.of(self._number, task=False)
        self._assigned[uid].append(
            _Assignment(
                amount(source, "Cost") if source is not None else None,
                tuple(_segments(node, source, kinds.cost)),
                tuple(_segments(node, source, kinds.work)),
            )
        )

    # ---- the whole ------------------------------------------------------------------------------

    def plan(self) -> PlanFile:
        """What was collected."""
        try:
            return self._plan()
        except Mistake as mistake:
            self.mistakes.append((mistake.node.line, mistake.message))
            return PlanFile(
                title="", currency="", tasks=(), calendars=Calendars((), _FULL_DAY), calendar=None,
                numbers=(), total=None, left_out=(),
            )  # fmt: skip

    def _plan(self) -> PlanFile:
        project = Node("Project", 1, children=list(self._project.values()))
        minutes = whole(project, "MinutesPerDay") or _FULL_DAY
        calendars = Calendars(self._calendars, minutes if minutes > 0 else _FULL_DAY)
        return PlanFile(
            title=project.word("Title") or project.word("Name"),
            currency=project.word("CurrencyCode").upper(),
            tasks=tuple(_outlined(self._complete())),
            calendars=calendars,
            calendar=whole(project, "CalendarUID"),
            numbers=tuple(sorted(self._numbers)),
            total=self._total,
            left_out=tuple(self._left_out()),
        )

    def _complete(self) -> Iterator[Task]:
        """The tasks with their custom fields and what their assignments say."""
        for task, raw in zip(self._tasks, self._raw_fields, strict=True):
            fields = {
                name: value
                for number, value in raw
                for name in (number, *self._names.get(number, ()))
                if value
            }
            yield _with_assignments(replace(task, fields=fields), self._assigned[task.uid])

    def _left_out(self) -> Iterator[str]:
        for what, number in sorted(self._skipped.items()):
            detail = (
                " (their cost and time-phasing is in the tasks)" if what == "assignment" else ""
            )
            yield f"{number:,} {what}{'s' if number > 1 else ''}{detail}"


@dataclass(frozen=True, slots=True)
class _Assignment:
    cost: Decimal | None
    cost_by_time: tuple[Segment, ...]
    work_by_time: tuple[Segment, ...]


def _with_assignments(task: Task, assigned: Sequence[_Assignment]) -> Task:
    """Time-phasing is that of the assignments where they have any: a task's own repeats it."""
    cost = tuple(s for a in assigned for s in a.cost_by_time)
    work = tuple(s for a in assigned for s in a.work_by_time)
    known = [a.cost for a in assigned if a.cost is not None]
    own = task.cost
    if own is None and known:
        own = sum(known, Decimal(0)) + (task.fixed_cost or 0)
    return replace(
        task,
        cost=own,
        cost_by_time=cost or task.cost_by_time,
        work_by_time=work or task.work_by_time,
    )


def _outlined(tasks: Iterable[Task]) -> Iterator[Task]:
    """Each task with its summary task; one that has tasks below it is a summary."""
    rows, above = list(tasks), list[int]()
    summaries: set[int] = set()
    places: list[int | None] = []
    for position, task in enumerate(rows):
        while above and rows[above[-1]].level >= task.level:
            above.pop()
        places.append(above[-1] if above else None)
        summaries.update(above[-1:])
        above.append(position)
    for position, task in enumerate(rows):
        yield replace(task, above=places[position], is_summary=position in summaries)


def _named(home: str, node: Node) -> str:
    kind = {"Tasks": "task", "Assignments": "assignment", "Calendars": "calendar"}.get(home, "")
    name = f" ({node.word('Name')})" if node.word("Name") else ""
    return f"{kind} {node.word('UID') or '(no UID)'}{name}: " if kind else ""


def _saved(node: Node) -> Iterator[Node]:
    """The saved baselines of a task or assignment; interim plans are none."""
    return (b for b in node.all("Baseline") if not b.flag("Interim"))


def _first_day(start: datetime | None, finish: datetime | None) -> date | None:
    """The start; a task that only has a finish is planned for that day."""
    if start is not None:
        return start.date()
    return last_day(finish, finish) if finish is not None else None


def _level(node: Node) -> int:
    level = whole(node, "OutlineLevel")
    if level is not None:
        return level
    outline = node.word("OutlineNumber") or node.word("WBS")
    return 0 if outline in ("", "0") else outline.count(".") + 1


def _calendar_of(node: Node) -> int | None:
    uid = whole(node, "CalendarUID")
    return uid if uid is not None and uid >= 0 else None


# ---- time-phased data ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Kinds:
    """The `Type` of time-phased data of a baseline: of its work and of its cost.

    Baseline 0: assignment 4 and 5, task 9 and 10. Baselines 1 to 10: six types each from 16 on,
    assignment work and cost, task work and cost, resource work and cost.
    """

    work: int
    cost: int

    @staticmethod
    def of(number: int, *, task: bool) -> _Kinds:
        if number < 0:
            return _Kinds(-1, -1)
        own = 2 if task else 0
        first = 16 + 6 * (number - 1) + own if number else 4 + own // 2 * 5
        return _Kinds(first, first + 1)


def _segments(node: Node, source: Node | None, kind: int) -> Iterator[Segment]:
    """The parts of one kind, beside the baseline or within it; empty parts say nothing."""
    homes = [node] if source is None or source is node else [node, source]
    for part in (p for home in homes for p in home.all("TimephasedData")):
        if whole(part, "Type") != kind:
            continue
        value = _value(part)
        if value is None or value == 0:
            continue
        start, finish = moment(part, "Start"), moment(part, "Finish")
        if start is None or finish is None or finish < start:
            raise Mistake(part, "time-phased data without a start before its finish")
        if value < 0:
            raise Mistake(part, f"time-phased data of {value}: expected nothing below 0")
        yield Segment(start.date(), last_day(start, finish), value)


def _value(part: Node) -> Decimal | None:
    """Work in seconds, cost in the currency."""
    if part.word("Value").startswith(("P", "-P")):
        found = seconds(part, "Value")
        return None if found is None else Decimal(found)
    return amount(part, "Value")
