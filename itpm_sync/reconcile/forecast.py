"""Finish and cost at completion as a range, from the project's own past weeks (Monte Carlo).

Each trial draws past weeks at random, with replacement, until what is left is done: a bootstrap, so
that no shape of distribution is assumed. A week is drawn whole, with what was done, earned, spent
and added in it. The result is the smallest value that 50, 80, 95 % (as configured) of the trials do
not exceed, beside the forecasts by indices.

The finish comes from work items, or points where every item in scope has them. The cost is AC and
the drawn weeks' cost until their earned value reaches BAC − EV; where no record tells what earlier
weeks earned, until their items reach what is left. Weeks are Monday to Sunday and complete, from
the first one after work began (the first item done, the first time booked).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction

from itpm_sync.model import Stage, WorkItem, currency_exponent
from itpm_sync.reconcile.inputs import Policy, ProjectSetup
from itpm_sync.reconcile.number import Exact, Number, decimal, exact_sum, known, unknown
from itpm_sync.reconcile.performance import Past, Values
from itpm_sync.reconcile.progress import NO_BUDGET
from itpm_sync.reconcile.scope import Scope, is_done
from itpm_sync.reconcile.wording import count, day
from itpm_sync.reconcile.workdays import Zone, sunday

FINISH, COST = "finish_p", "cost_p"
"""How the names of the figures begin; the percentile follows: `finish_p80`."""
_POINT = 1000  # points are counted in thousandths
_MOST = 10**12  # points or amounts beyond it are errors at their source, and inexact when drawn
_TOO_LARGE = "the numbers are too large to be simulated"


@dataclass(frozen=True, slots=True)
class Week:
    """A complete week of the past, as it is drawn. `done` and `added` in the forecast's unit."""

    end: date  # its Sunday
    items: tuple[WorkItem, ...]  # what was done in it
    done: Fraction
    added: Fraction  # to the scope, and still in it
    cost: Number  # in the project's currency
    earned: Number


@dataclass(frozen=True, slots=True)
class Forecast:
    """The range, and what it was drawn from."""

    unit: str  # items or points
    left: Fraction
    weeks: tuple[Week, ...]
    by_value: bool  # the cost is drawn by earned value, not by items
    numbers: Mapping[str, Number]


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What a forecast is made of. `booked` are the days on which time was booked."""

    setup: ProjectSetup
    policy: Policy
    scope: Scope
    booked: Iterable[date]
    past: Past
    values: Values
    currency: str  # empty: not measured in money


def forecast(of: Known) -> Forecast:
    """The figures `finish_p50`, `cost_p50`, … of one project."""
    size, unit = _measure(of.scope)
    end = of.past.zone.end_of(of.past.work.on)
    left = exact_sum(size(p.record) for p in of.scope.current if not is_done(p.record, end))
    began, weeks = _history(of, size)
    no_finish = _first(_against_finish(of, left, began, weeks))
    by_value = bool(weeks) and all(w.earned.value is not None for w in weeks)
    no_cost = _first(_against_cost(of, began, weeks, by_value=by_value, no_finish=no_finish))
    numbers: dict[str, Number] = {}
    for prefix, reason in ((FINISH, no_finish), (COST, no_cost)):
        numbers |= {f"{prefix}{p}": unknown(reason) for p in of.policy.forecast_percentiles}
    result = Forecast(unit, left, weeks, by_value, numbers)
    if no_finish and no_cost:
        return result
    numbers |= _simulated(of, result, finish=not no_finish, cost=not no_cost)
    return result


Size = Callable[[WorkItem], Exact]


def _measure(scope: Scope) -> tuple[Size, str]:
    """Points where every item in scope has them, else each item counts as one."""
    points = [p.record.points for p in scope.current]
    if points and all(p is not None and 0 <= p < _MOST for p in points) and any(points):
        return lambda item: item.points or 0, "points"
    return lambda _: 1, "items"


# ---- the weeks to draw from ---------------------------------------------------------------------


def _history(of: Known, size: Size) -> tuple[date | None, tuple[Week, ...]]:
    """When work began, and the complete weeks since, no more than the policy looks back."""
    past, zone, today = of.past, of.past.zone, of.past.work.on
    end = zone.end_of(today)
    current = [p.record for p in of.scope.current]
    finished = [(i.resolved_at, i) for i in current if i.resolved_at and is_done(i, end)]
    added = [(i.created_at, i) for i in current if i.created_at]
    first = min(of.booked, default=date.max)
    if finished:
        first = min(first, zone.day_of(min(when for when, _ in finished)))
    if first > today:
        return None, ()
    start = first if first.weekday() == 0 else sunday(first) + timedelta(days=1)
    last = today if today.weekday() == 6 else sunday(today) - timedelta(days=7)
    number = min((last - start).days // 7 + 1, of.policy.forecast_weeks)
    ends = [last - timedelta(days=7 * n) for n in range(number - 1, -1, -1)]
    if not ends:
        return first, ()
    return first, tuple(
        _weeks(past, ends, _by_week(ends, finished, zone), _by_week(ends, added, zone), size)
    )


def _by_week(
    ends: Sequence[date], dated: Iterable[tuple[datetime, WorkItem]], zone: Zone
) -> Sequence[tuple[WorkItem, ...]]:
    """The items of each week, in their order."""
    bounds = [zone.end_of(ends[0] - timedelta(days=7)), *map(zone.end_of, ends)]
    found: list[list[WorkItem]] = [[] for _ in range(len(ends) + 2)]
    for when, item in dated:
        found[bisect_right(bounds, when)].append(item)
    return [tuple(items) for items in found[1:-1]]


def _weeks(
    past: Past,
    ends: Sequence[date],
    finished: Sequence[tuple[WorkItem, ...]],
    added: Sequence[tuple[WorkItem, ...]],
    size: Size,
) -> Iterable[Week]:
    then = _at(past, ends[0] - timedelta(days=7))
    for end, items, new in zip(ends, finished, added, strict=True):
        now = _at(past, end)
        yield Week(
            end,
            items,
            exact_sum(map(size, items)),
            exact_sum(map(size, new)),
            *(_less(a, b) for a, b in zip(now, then, strict=True)),
        )
        then = now


def _at(past: Past, on: date) -> tuple[Number, Number]:
    """What was spent and earned by the end of a day, in money."""
    if not past.in_money:
        return unknown(NO_BUDGET), unknown(NO_BUDGET)
    return past.spent(on), past.earned(on)


def _less(now: Number, then: Number) -> Number:
    if now.value is None or then.value is None:
        return unknown(now.reason or then.reason)
    return known(now.value - then.value)


# ---- what cannot be forecast --------------------------------------------------------------------


def _against_any(of: Known, began: date | None, weeks: Sequence[Week]) -> Iterator[str]:
    if of.setup.stage is Stage.CLOSED:
        yield "the project is closed"
    if began is None:
        yield "no item is done and no time is booked yet"
    elif len(weeks) < of.policy.forecast_min_weeks:
        yield (
            f"the history is too short: {count(len(weeks), 'complete week')} since work began on "
            f"{day(began)}, and {of.policy.forecast_min_weeks} are needed"
        )


def _against_finish(
    of: Known, left: Fraction, began: date | None, weeks: Sequence[Week]
) -> Iterator[str]:
    """Why the finish cannot be drawn: the first reason is told."""
    if not of.scope.current:
        yield "no work item is in scope: there is nothing to finish"
    if not left:
        yield "everything in scope is done"
    yield from _against_any(of, began, weeks)
    if not any(w.done for w in weeks):
        yield f"no item was done in the {_span(weeks)}"
    if max(left, *(max(w.done, w.added) for w in weeks)) >= _MOST:
        yield _TOO_LARGE
    if sum(_steps(weeks, growth=of.policy.forecast_growth)) <= 0:
        yield f"scope grew as fast as work was done in the {_span(weeks)}"


def _against_cost(
    of: Known, began: date | None, weeks: Sequence[Week], *, by_value: bool, no_finish: str
) -> Iterator[str]:
    """Why the cost cannot be drawn: the first reason is told."""
    if not of.currency:
        yield NO_BUDGET
    bac, ev = of.values.bac, of.values.ev
    yield from (n.reason for n in (bac, of.values.ac) if n.value is None)
    if bac.value is not None and ev.value is not None and ev.value >= bac.value:
        yield "everything planned is earned"
    yield from _against_any(of, began, weeks)
    yield from (w.cost.reason for w in weeks if w.cost.value is None)
    if any(_is_large(n.value) for n in (bac, *(n for w in weeks for n in (w.cost, w.earned)))):
        yield _TOO_LARGE
    if not by_value:
        yield no_finish
    elif sum(w.earned.value or 0 for w in weeks) <= 0:
        yield f"nothing was earned in the {_span(weeks)}"


def _is_large(value: Fraction | None) -> bool:
    return value is not None and abs(value.numerator) >= _MOST * value.denominator


def _first(reasons: Iterator[str]) -> str:
    return next(reasons, "")


def _span(weeks: Sequence[Week]) -> str:
    first = weeks[0].end - timedelta(days=6)
    return f"{count(len(weeks), 'week')} from {day(first)} to {day(weeks[-1].end)}"


# ---- the courses --------------------------------------------------------------------------------


def _steps(weeks: Sequence[Week], *, growth: bool) -> list[int]:
    """What a week takes off what is left, in thousandths."""
    return [round((w.done - (w.added if growth else 0)) * _POINT) for w in weeks]


def _simulated(of: Known, found: Forecast, *, finish: bool, cost: bool) -> dict[str, Number]:
    # Imported when there is something to draw: arrays take longer to load than most to reconcile.
    from itpm_sync.reconcile import simulation

    policy, today = of.policy, of.past.work.on
    seed = simulation.seed_of(of.setup.code, today.isoformat(), policy.forecast_seed)
    draws = simulation.Draws(seed, len(found.weeks), policy.forecast_trials)
    steps, left = _steps(found.weeks, growth=policy.forecast_growth), round(found.left * _POINT)
    costs, scale = [0] * len(steps), 10 ** currency_exponent(of.currency)
    if cost:
        costs = [round((w.cost.value or 0) * scale) for w in found.weeks]
    numbers: dict[str, Number] = {}
    if finish or not found.by_value:
        unpriced = [0] * len(steps)
        weeks, amounts = simulation.courses(
            draws, steps, unpriced if found.by_value else costs, left
        )
    if finish:
        for p in policy.forecast_percentiles:
            numbers[f"{FINISH}{p}"] = _finish(of, found, simulation.percentile(weeks, p), p)
    if cost and found.by_value:
        bac, ev = of.values.bac.value or Fraction(), of.values.ev.value or Fraction()
        earned = [round((w.earned.value or 0) * scale) for w in found.weeks]
        _, amounts = simulation.courses(draws, earned, costs, round((bac - ev) * scale))
    if cost:
        for p in policy.forecast_percentiles:
            more = simulation.percentile(amounts, p)
            to_go = None if more is None else Fraction(more, scale)
            numbers[f"{COST}{p}"] = _cost(of, found, to_go, p)
    return numbers


def _finish(of: Known, found: Forecast, weeks: int | None, percent: int) -> Number:
    if weeks is None:
        return unknown(_beyond(percent))
    by = of.past.work.on + timedelta(weeks=weeks)
    amount = f"{decimal(found.left)} {found.unit}"
    return known(weeks, f"by {day(by)}; {amount} left, {_drawn(of, found)}")


def _cost(of: Known, found: Forecast, to_go: Fraction | None, percent: int) -> Number:
    if to_go is None:
        return unknown(_beyond(percent))
    by = "earned value" if found.by_value else f"{found.unit} done"
    return known((of.values.ac.value or 0) + to_go, f"by cost and {by}, {_drawn(of, found)}")


def _beyond(percent: int) -> str:
    return f"at the pace of the past weeks {percent} % of the courses take more than five years"


def _drawn(of: Known, found: Forecast) -> str:
    growth = ", scope growing as in them" if of.policy.forecast_growth else ""
    return f"{of.policy.forecast_trials:,} courses of the {_span(found.weeks)}{growth}"
