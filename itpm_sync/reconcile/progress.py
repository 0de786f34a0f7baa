"""Work packages against the plan: what is planned, earned and spent on a day, in money or items.

A project with budgets is measured in its currency: planned value by time-phasing over
working time, earned value by each package's measurement method, actual cost from labour and
invoices. A project without a budget is measured in items: a package is worth its items (those of
the baseline, else the current ones) and earns each item that is done; cost is not compared.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from functools import partial
from types import MappingProxyType

from itpm_sync.model import Method, Milestone, Money, WorkItem, WorkPackage, WorkStatus
from itpm_sync.reconcile.allocate import Placed
from itpm_sync.reconcile.exchange import PlanRates
from itpm_sync.reconcile.folding import fold
from itpm_sync.reconcile.inputs import BaselinePackage, Element, ProjectSetup, RecordedBaseline
from itpm_sync.reconcile.number import Number, exact_sum, known, unknown
from itpm_sync.reconcile.phasing import EVEN, Phasing
from itpm_sync.reconcile.scope import Scope, is_done
from itpm_sync.reconcile.wording import count, day
from itpm_sync.reconcile.workdays import STANDARD, Calendar, elapsed, impossible

_UNEARNED = {
    Element.PLANNING: "a planning package earns nothing until it is broken into work packages",
    Element.UNDISTRIBUTED: "undistributed budget earns nothing",
}
_ELEMENTS: Mapping[str, Element] = MappingProxyType({e.value: e for e in Element})
_DONE_WHEN_EARNED = frozenset({Method.LEVEL_OF_EFFORT, Method.MILESTONES, Method.APPORTIONED})
NO_BUDGET = "no budget or rates: cost is not measured"


@dataclass(frozen=True, slots=True)
class Plan:
    """A work package as planned: dates, budget and method of the baseline in force, else its own.

    `budget` is in the project's currency; `money` is the amount as the source gave it.
    """

    code: str
    name: str
    team: str
    method: Method
    start: date | None
    finish: date | None
    budget: Number
    money: Money | None
    record: WorkPackage | None
    is_summary: bool = False
    element: Element = Element.WORK
    phases: Phasing = EVEN
    own_budget: bool = False
    calendar: Calendar = STANDARD
    dates_problem: str = field(init=False, repr=False, compare=False)
    """Why the planned dates cannot be used, or empty."""

    def __post_init__(self) -> None:
        # Asked for at every day of every curve, so found once.
        object.__setattr__(self, "dates_problem", self._dates_problem())

    def _dates_problem(self) -> str:
        wrong = impossible(self.start, self.finish)
        if wrong is not None:
            return f"the planned date {day(wrong)} is impossible"
        if self.finish is None:
            return "no planned finish" if self.start else "no planned dates"
        if self.start is not None and self.finish < self.start:
            start, finish = day(self.start), day(self.finish)
            return f"the planned finish {finish} is before the planned start {start}"
        return ""

    def planned_share(self, on: date) -> Number:
        """Share 0..1 that is planned to be done at the end of a day.

        By its phases, each even over working time, else even from start to finish; a package with
        only a finish is planned to happen on that day.
        """
        if self.element is Element.UNDISTRIBUTED:
            return known(0, "undistributed: not time-phased")
        if self.dates_problem or self.finish is None:
            return unknown(f"{self.label}: {self.dates_problem}")
        if self.phases:
            return known(self.phases.share(on, self.calendar))
        return known(elapsed(self.start or self.finish, self.finish, on, self.calendar))

    @property
    def label(self) -> str:
        """How messages name the package."""
        return f"work package {self.code}" if self.code else "the project"


# ---- plans --------------------------------------------------------------------------------------


def plans(
    packages: Sequence[Placed[WorkPackage]],
    baseline: RecordedBaseline | None,
    rates: PlanRates,
    currency: str,
    setup: ProjectSetup,
) -> tuple[Plan, ...]:
    """The project's packages by code; with a baseline, its dates, budgets and methods count.

    Two sources may know one package: the one with a budget, then with a finish, is taken.
    Management reserve is none of them: it lies outside of what is measured.
    """
    lines = _lines(packages, setup) if baseline is None else {}
    frozen = {fold(p.code): p for p in baseline.packages} if baseline else lines
    chosen = chosen_records(packages)
    made = partial(
        _plan,
        worth=partial(_budget, rates=rates, currency=currency),
        calendar=(baseline.calendar if baseline else None) or setup.calendar,
        within=baseline is None,
    )
    result = (made(chosen.get(code), frozen.get(code)) for code in sorted({*chosen, *frozen}))
    found = [p for p in result if p.element is not Element.RESERVE]
    return tuple(
        _mark_summaries(found, [p for p in found if not baseline or fold(p.code) in frozen])
    )


def chosen_records(packages: Iterable[Placed[WorkPackage]]) -> Mapping[str, WorkPackage]:
    """One record a package, by folded code: the one with a budget, then with a finish."""
    chosen: dict[str, WorkPackage] = {}
    ranked = sorted(
        (p.record for p in packages),
        key=lambda r: (r.budget is None, r.planned_finish is None, r.id),
    )
    for record in ranked:
        chosen.setdefault(fold(record.code), record)
    return chosen


UNDISTRIBUTED, RESERVE = "undistributed budget", "management reserve"
"""The codes of the lines that the configuration gives."""


def _lines(
    packages: Sequence[Placed[WorkPackage]], setup: ProjectSetup
) -> Mapping[str, BaselinePackage]:
    """The undistributed budget of the configuration, unless the plan has such a line."""
    listed = {element_of(p.record) for p in packages}
    if setup.undistributed_budget is None or Element.UNDISTRIBUTED in listed:
        return {}
    return {UNDISTRIBUTED: configured_line(Element.UNDISTRIBUTED, setup.undistributed_budget)}


def configured_line(element: Element, budget: Money) -> BaselinePackage:
    """An amount of the configuration as a line of the plan."""
    code = RESERVE if element is Element.RESERVE else UNDISTRIBUTED
    return BaselinePackage(
        code=code, name=code.capitalize(), planned_start=None, planned_finish=None, budget=budget,
        method=str(Method.PERCENT), element=element,
    )  # fmt: skip


def element_of(record: WorkPackage) -> Element:
    """What its source calls the line in the attribute `budget_element`; else a work package."""
    word = fold(record.attributes.get("budget_element", "")).replace(" ", "_").replace("-", "_")
    return _ELEMENTS.get(word, Element.WORK)


def _plan(
    record: WorkPackage | None,
    frozen: BaselinePackage | None,
    *,
    worth: Callable[[Money | None, date | None], Number],
    calendar: Calendar,
    within: bool,
) -> Plan:
    """`worth` is an amount of a day in the project's currency; `within`: a record without a frozen
    line is part of the plan, as no baseline is recorded.
    """
    source = frozen or record
    assert source is not None  # noqa: S101 - one of the two named the code
    start, finish = source.planned_start, source.planned_finish
    if record is not None and frozen is None and not within:
        budget = unknown(f"work package {record.code} is not in the baseline")
    else:
        budget = worth(source.budget, start or finish)
    return Plan(
        code=source.code,
        name=source.name,
        team=record.team if record else "",
        method=Method(frozen.method) if frozen and frozen.method else _method(record),
        start=start,
        finish=finish,
        budget=budget,
        money=source.budget,
        record=record,
        element=frozen.element if frozen else _element(record),
        phases=Phasing(frozen.phases) if frozen and frozen.phases else EVEN,
        is_summary=bool(frozen and frozen.summary),
        own_budget=bool(frozen and frozen.own_budget),
        calendar=calendar,
    )


def _element(record: WorkPackage | None) -> Element:
    return element_of(record) if record is not None else Element.WORK


def _method(record: WorkPackage | None) -> Method:
    return record.method if record else Method.ITEMS


def _budget(money: Money | None, on: date | None, rates: PlanRates, currency: str) -> Number:
    if money is None:
        return unknown("no budget")
    if not currency:
        return unknown("the project has no currency")
    return rates.convert(money, currency, on)


def _mark_summaries(found: Sequence[Plan], within: Iterable[Plan]) -> Iterable[Plan]:
    """A package above a budgeted one is a summary: its budget would count the same money twice.

    Unless the baseline says that it is its own; what is not `within` the baseline changes nothing
    of it.
    """
    by_code = {fold(p.code): p for p in found}
    summaries: set[str] = set()
    for plan in within:
        if plan.money is None:
            continue
        above, seen = fold(plan.record.parent) if plan.record else "", {fold(plan.code)}
        while above in by_code and above not in seen:
            seen.add(above)
            summaries.add(above)
            parent = by_code[above].record
            above = fold(parent.parent) if parent else ""
    for plan in found:
        if plan.is_summary or (fold(plan.code) in summaries and not plan.own_budget):
            budget = unknown("a summary: its budget is that of its parts")
            yield replace(plan, budget=budget, is_summary=True)
        else:
            yield plan


# ---- what was done ------------------------------------------------------------------------------


@dataclass(slots=True)
class Tally:
    """Work items of one package: current scope, and the part of it in the baseline."""

    items: int = 0
    done: int = 0
    started: int = 0
    points: Fraction = Fraction(0)
    points_done: Fraction = Fraction(0)
    pointed: int = 0
    baseline: int = 0
    baseline_done: int = 0


def tallies(scope: Scope, end: datetime) -> Mapping[str, Tally]:
    """Counts by package code, one pass over the items; `""` holds those of no package."""
    result: dict[str, Tally] = defaultdict(Tally)
    members = scope.members or {}
    for package, number in Counter(members.values()).items():
        result[package].baseline = number
    homes: dict[str, list[WorkItem]] = defaultdict(list)
    for item, package, _ in scope.current:
        homes[package].append(item)
        if members and is_done(item, end) and (home := members.get(item.id)) is not None:
            result[home].baseline_done += 1
    for package, items in homes.items():
        _count(result[package], items, end)
    return result


def _count(tally: Tally, items: Sequence[WorkItem], end: datetime) -> None:
    finished = [item for item in items if is_done(item, end)]
    points = [item.points for item in items if item.points is not None]
    tally.items, tally.done = len(items), len(finished)
    begun = sum(i.status is WorkStatus.IN_PROGRESS for i in items)
    tally.started, tally.pointed = tally.done + begun, len(points)
    tally.points = exact_sum(points)
    tally.points_done = exact_sum(i.points for i in finished if i.points is not None)


@dataclass(frozen=True, slots=True)
class Work:
    """What a package's measurement may look at, on one day."""

    on: date
    tallies: Mapping[str, Tally]
    milestones: Mapping[str, Sequence[Milestone]]
    seconds: Mapping[str, int]  # time booked, by package
    has_baseline: bool  # whether items are counted against a baseline
    progress_unknown: frozenset[str] = frozenset()  # ids of packages first known later

    def tally(self, plan: Plan) -> Tally:
        """The package's items."""
        return self.tallies.get(plan.code) or Tally()

    def percent(self, plan: Plan) -> Decimal | None:
        """The percentage complete, 0..100, that its source declares; None: none, or none that was
        known of that day.
        """
        record = plan.record
        known = record is not None and record.id not in self.progress_unknown
        return record.percent_complete if record is not None and known else None

    def is_finished(self, plan: Plan) -> bool:
        """By its own actual finish, its declared percentage, or all of its items."""
        record, tally, percent = plan.record, self.tally(plan), self.percent(plan)
        if record is not None and record.actual_finish is not None:
            return record.actual_finish <= self.on
        if percent is not None:
            return percent >= 100
        return tally.items > 0 and tally.done == tally.items

    def is_started(self, plan: Plan) -> bool:
        """By its own actual start, its declared percentage, an item in progress, or time booked."""
        record = plan.record
        if self.is_finished(plan) or self.tally(plan).started:
            return True
        if record is None:
            return bool(self.seconds.get(plan.code))
        if record.actual_start is not None:
            return record.actual_start <= self.on
        return bool(self.percent(plan) or self.seconds.get(plan.code))


def earned_share(plan: Plan, work: Work, by_code: Mapping[str, Plan]) -> Number:
    """Share 0..1 that is earned on the day, by the package's measurement method."""
    if plan.element in _UNEARNED:
        return known(0, _UNEARNED[plan.element])
    if plan.method is Method.LEVEL_OF_EFFORT:
        share = plan.planned_share(work.on)
        return share.noted("level of effort: earned as planned") if share.value else share
    if plan.method is Method.APPORTIONED:
        return _apportioned(plan, work, by_code)
    share = _measured(plan, work)
    if share.value is None and not work.is_started(plan) and plan.planned_share(work.on).value == 0:
        return known(0, "not started, and not planned to be")
    return share


def _apportioned(plan: Plan, work: Work, by_code: Mapping[str, Plan]) -> Number:
    seen, base = {plan.code}, plan
    while base.method is Method.APPORTIONED:
        above = base.record.depends_on if base.record else ""
        found = by_code.get(fold(above))
        if found is None:
            return unknown(f"{plan.label}: its base package {above or '(none)'} is not known")
        if found.code in seen:
            return unknown(f"{plan.label}: apportioned packages depend on each other")
        seen.add(found.code)
        base = found
    share = earned_share(base, work, by_code)
    return share.noted(f"apportioned to {base.code}") if share.value is not None else share


def measured_by(plan: Plan, work: Work) -> Method:
    """The method that really measures: what has no points or items is as its source declares."""
    tally = work.tally(plan)
    if plan.method is Method.POINTS and tally.points <= 0:
        return Method.PERCENT
    if plan.method is Method.ITEMS and not tally.items:
        return Method.PERCENT
    return plan.method


def _measured(plan: Plan, work: Work) -> Number:  # noqa: PLR0911 - one line a method
    if plan.method is Method.ZERO_HUNDRED:
        return known(1 if work.is_finished(plan) else 0)
    if plan.method is Method.FIFTY_FIFTY:
        started = Fraction(1, 2) if work.is_started(plan) else Fraction(0)
        return known(1 if work.is_finished(plan) else started)
    if plan.method is Method.MILESTONES:
        return _milestones(plan, work)
    if plan.method is Method.PERCENT:
        return _declared(plan, work)
    tally, method = work.tally(plan), measured_by(plan, work)
    if method is Method.POINTS:
        left = tally.items - tally.pointed
        note = f"left out: {count(left, 'item')} without points" if left else ""
        return known(tally.points_done / tally.points, note)
    if method is Method.ITEMS:
        return known(Fraction(tally.done, tally.items))
    share = _declared(plan, work)
    word = "work items" if plan.method is Method.ITEMS else "points"
    if share.value is None:
        return unknown(f"{plan.label}: no {word} and no declared progress to measure it by")
    return share.noted(f"declared by the source: it has no {word}")


def _declared(plan: Plan, work: Work) -> Number:
    record, percent = plan.record, work.percent(plan)
    if record is not None and record.actual_finish is not None and record.actual_finish <= work.on:
        return known(1)
    if percent is None:
        later = record is not None and record.id in work.progress_unknown
        why = "its percentage on that day is not known" if later else "no percentage is declared"
        return unknown(f"{plan.label}: {why}")
    if not 0 <= percent <= 100:
        return unknown(f"{plan.label}: declared {percent} % is not within 0..100")
    return known(Fraction(percent) / 100)


def _milestones(plan: Plan, work: Work) -> Number:
    found = work.milestones.get(plan.code, ())
    if not found:
        return unknown(f"{plan.label}: no milestone is placed in it")
    unweighted = [m.code for m in found if m.weight is None]
    if 0 < len(unweighted) < len(found):
        return unknown(f"{plan.label}: milestone {unweighted[0]} has no weight")
    weights = [Fraction(1 if m.weight is None else m.weight) for m in found]
    reached = [
        w
        for m, w in zip(found, weights, strict=True)
        if m.actual is not None and m.actual <= work.on
    ]
    if sum(weights) <= 0:
        return unknown(f"{plan.label}: its milestones weigh nothing")
    note = "milestones without weights count equally" if unweighted else ""
    return known(sum(reached, Fraction(0)) / sum(weights), note)


def package_state(plan: Plan, work: Work, earned: Number) -> str:
    """`done`, `late` (past its finish), `in progress` or `not started`.

    `earned` is its share or value: some methods say only by it that nothing is left.
    """
    if work.is_finished(plan) or (plan.method in _DONE_WHEN_EARNED and earned.value == 1):
        return "done"
    if plan.finish is not None and not plan.dates_problem and plan.finish < work.on:
        return "late"
    return "in progress" if work.is_started(plan) else "not started"


def whole_project(setup: ProjectSetup) -> Plan:
    """The project's own dates as its only package, where no work package is known."""
    return Plan(
        "", setup.name, "", Method.ITEMS, setup.start, setup.finish, known(0), None, None,
        calendar=setup.calendar,
    )  # fmt: skip
