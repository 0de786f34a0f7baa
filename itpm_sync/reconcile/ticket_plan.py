"""A plan made of the tickets themselves: their points or estimates are the budget.

A work package is what the tickets are placed in by the allocation (rules, codes, fix versions,
parents); a fix version that no plan knows becomes a package of its own. Money comes from a rate for
each point or hour, or from a sum that is spread over the packages to the cent. Without either the
packages have dates and no budget, and are measured in items.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from itpm_sync.errors import up_to
from itpm_sync.model import Method, Money, Sprint, WorkItem, WorkPackage, currency_exponent
from itpm_sync.reconcile.context import Context
from itpm_sync.reconcile.folding import fold
from itpm_sync.reconcile.inputs import (
    BaselinePackage,
    FrozenPlan,
    Inputs,
    ProjectSetup,
    RecordedBaseline,
)
from itpm_sync.reconcile.measuring import project_scope
from itpm_sync.reconcile.money import allocate_minor
from itpm_sync.reconcile.progress import chosen_records
from itpm_sync.reconcile.wording import count


class Measure(StrEnum):
    """What of a ticket is its size."""

    POINTS = "points"
    ESTIMATE = "estimate"  # hours of its original estimate


@dataclass(frozen=True, slots=True)
class Worth:
    """Money of the plan: `rate` for a point or an hour, or `budget` for all of it, or neither."""

    rate: Money | None = None
    budget: Money | None = None


def plan_of_tickets(
    inputs: Inputs, project: str, measure: Measure, worth: Worth
) -> tuple[FrozenPlan, tuple[str, ...]] | None:
    """The plan, and what is to be said of it. None if no project has that code.

    Raises ValueError where nothing can carry the budget.
    """
    setup = next((p for p in inputs.projects if fold(p.code) == fold(project)), None)
    if setup is None:
        return None
    versions = {v for item, package in _placed(inputs, setup) if not package for v in item.versions}
    known = replace(inputs, baselines=(*inputs.baselines, _of_versions(inputs, setup, versions)))
    homes: dict[str, list[WorkItem]] = defaultdict(list)
    for item, package in _placed(known, setup):
        homes[package].append(item)
    loose = homes.pop("", [])
    sizes = {
        code: sum((_size(i, measure) for i in items), Fraction(0)) for code, items in homes.items()
    }
    budgets = _budgets(sizes, worth)
    run = Context(inputs, None)
    records = chosen_records(run.allocation.of(setup.code).of(WorkPackage))
    sprints = {fold(s.name): s for s in run.of(Sprint)}
    packages = tuple(
        _package(
            code, homes[code], records.get(fold(code)), budgets.get(code), measure,
            days=_days(run, setup, homes[code], sprints),
        )
        for code in sorted(homes)
    )  # fmt: skip
    number = sum(len(items) for items in homes.values())
    plan = FrozenPlan(packages=packages, source=f"{count(number, 'ticket')} by {measure}")
    return plan, tuple(_remarks(homes, loose, measure, worth))


def _placed(inputs: Inputs, setup: ProjectSetup) -> Iterable[tuple[WorkItem, str]]:
    run = Context(inputs, None)
    scope = project_scope(run, setup, run.allocation.of(setup.code), None)
    return [(p.record, p.package) for p in scope.current]


def _of_versions(inputs: Inputs, setup: ProjectSetup, names: Iterable[str]) -> RecordedBaseline:
    """Fix versions as packages, so that the allocation can place by them."""
    return RecordedBaseline(
        project=setup.code, version=0, on=inputs.data_date, author="", approval="",
        change_request="", items=(),
        packages=tuple(
            BaselinePackage(
                code=name, name=name, planned_start=None, planned_finish=None, budget=None,
                method="",
            )
            for name in sorted(names)
        ),
    )  # fmt: skip


def _size(item: WorkItem, measure: Measure) -> Fraction:
    """Points, or hours; 0 where the ticket has none."""
    if measure is Measure.POINTS:
        return Fraction(item.points or 0)
    return Fraction(item.estimate_s or 0, 3600)


def _has_size(item: WorkItem, measure: Measure) -> bool:
    return (item.points if measure is Measure.POINTS else item.estimate_s) is not None


def _budgets(sizes: Mapping[str, Fraction], worth: Worth) -> Mapping[str, Money]:
    """Money by package; the parts sum to the whole to the cent."""
    money = worth.rate or worth.budget
    if money is None:
        return {}
    whole = sum(sizes.values(), Fraction(0))
    if not whole:
        raise ValueError("no ticket of a work package has a size: nothing carries the budget")
    exponent = currency_exponent(money.currency)
    total = Fraction(money.amount) * (whole if worth.rate else 1)
    codes = sorted(sizes)
    parts = allocate_minor(round(total * 10**exponent), [sizes[c] for c in codes])
    return {
        code: Money(Decimal(part).scaleb(-exponent), money.currency)
        for code, part in zip(codes, parts, strict=True)
    }


def _package(
    code: str,
    items: Sequence[WorkItem],
    record: WorkPackage | None,
    budget: Money | None,
    measure: Measure,
    *,
    days: tuple[date | None, date | None],
) -> BaselinePackage:
    estimates = [i.estimate_s for i in items if i.estimate_s is not None]
    return BaselinePackage(
        code=record.code if record else code,
        name=record.name if record else code,
        planned_start=(record.planned_start if record else None) or days[0],
        planned_finish=(record.planned_finish if record else None) or days[1],
        budget=budget,
        method=(Method.POINTS if measure is Measure.POINTS else Method.ITEMS).value,
        planned_effort_s=sum(estimates) if estimates else None,
        own_budget=True,
    )


def _days(
    run: Context, setup: ProjectSetup, items: Sequence[WorkItem], sprints: Mapping[str, Sprint]
) -> tuple[date | None, date | None]:
    """From the first sprint to the last, or due date; else the project's own dates."""
    found = [sprints[fold(n)] for i in items for n in i.sprints if fold(n) in sprints]
    starts = [run.zone.day_of(s.start) for s in found if s.start is not None]
    ends = [run.zone.day_of(s.finish) for s in found if s.finish is not None]
    ends += [i.due for i in items if i.due is not None]
    created = [run.zone.day_of(i.created_at) for i in items if i.created_at is not None]
    start = min(starts, default=None) or setup.start or min(created, default=None)
    finish = max(ends, default=None) or setup.finish
    if start is not None and finish is not None and finish < start:
        start = finish
    return start, finish


def _remarks(
    homes: Mapping[str, Sequence[WorkItem]],
    loose: Sequence[WorkItem],
    measure: Measure,
    worth: Worth,
) -> Iterable[str]:
    placed = [i for items in homes.values() for i in items]
    without = [i for i in placed if not _has_size(i, measure)]
    if without:
        shown = up_to(5, [i.key for i in without])
        size = "points" if measure is Measure.POINTS else "estimate"
        yield f"{count(len(without), 'ticket')} without {size}, so without budget: {shown}"
    if loose:
        yield (
            f"{count(len(loose), 'ticket')} in no work package, so without budget: give them a fix "
            "version, or add an allocation rule"
        )
    if worth.rate is None and worth.budget is None:
        yield "no rate and no budget is given: the packages are measured in items"
    elif measure is Measure.ESTIMATE:
        yield "budget is by estimate; value is earned by tickets done, each alike in its package"
