"""Earned value of packages and of the project, as figures, and the S-curve.

A project's values are the sums of its packages' values; indices are computed from those sums,
never averaged. What cannot be measured is left undefined and named.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from itertools import accumulate
from math import lcm
from operator import itemgetter

from itpm_sync.errors import up_to
from itpm_sync.reconcile import evm
from itpm_sync.reconcile.number import Number, decimal, known, times, total, unknown
from itpm_sync.reconcile.progress import NO_BUDGET, Plan, Work, earned_share
from itpm_sync.reconcile.scope import Scope, is_done
from itpm_sync.reconcile.status import CurvePoint
from itpm_sync.reconcile.timed import EarnedSum, PlannedSum
from itpm_sync.reconcile.wording import count
from itpm_sync.reconcile.workdays import Zone, sunday

_CURVE_POINTS = 120


@dataclass(frozen=True, slots=True)
class Values:
    """Cumulative BAC, PV, EV and AC of a package or project, in its unit."""

    bac: Number
    pv: Number
    ev: Number
    ac: Number

    @property
    def performance(self) -> evm.Performance | None:
        """All four, where all are known."""
        bac, pv, ev, ac = self.bac.value, self.pv.value, self.ev.value, self.ac.value
        if bac is None or pv is None or ev is None or ac is None:
            return None
        return evm.Performance(bac, pv, ev, ac)

    def with_time(self, spi_t: Fraction | None) -> evm.Performance | None:
        """All four and SPI(t)."""
        p = self.performance
        return p if p is None or spi_t is None else replace(p, spi_t=spi_t)


def package_values(
    plan: Plan, work: Work, by_code: Mapping[str, Plan], ac: Number, *, in_money: bool
) -> Values:
    """The values of one package on the day of `work`."""
    if not in_money:
        return _item_values(plan, work)
    planned, earned = plan.planned_share(work.on), earned_share(plan, work, by_code)
    return Values(plan.budget, times(planned, plan.budget), times(earned, plan.budget), ac)


def _item_values(plan: Plan, work: Work) -> Values:
    tally = work.tally(plan)
    bac = known(tally.baseline if work.has_baseline else tally.items)
    ev = known(tally.baseline_done if work.has_baseline else tally.done)
    return Values(bac, times(plan.planned_share(work.on), bac), ev, unknown(NO_BUDGET))


def is_counted(plan: Plan, *, in_money: bool) -> bool:
    """Whether the package is part of the performance measurement baseline.

    In money: it has a budget of its own, within the baseline. In items: it has dates to be measured
    against; a version without a date is a backlog, not a plan.
    """
    if not in_money:
        return not plan.dates_problem
    return not plan.is_summary and plan.money is not None and not _is_outside(plan)


def _is_outside(plan: Plan) -> bool:
    """Whether a baseline is recorded that the package is not in."""
    return "baseline" in plan.budget.reason


def project_values(
    packages: Sequence[tuple[Plan, Values]], ac: Number, *, in_money: bool
) -> Values:
    """The sums over the packages that count; `ac` is that of the whole project."""
    counted = [(p, v) for p, v in packages if is_counted(p, in_money=in_money)]
    if not counted:
        reason = "no work package has a budget" if in_money else _no_dates(packages)
        missing = unknown(reason)
        return Values(missing, missing, missing, ac)
    note = _left_out([p for p, _ in packages if not is_counted(p, in_money=in_money)], in_money)
    bac, pv, ev = (
        number.noted(note) if number.value is not None else number
        for number in (
            total(v.bac for _, v in counted),
            total(v.pv for _, v in counted),
            total(v.ev for _, v in counted),
        )
    )
    return Values(bac, pv, ev, ac)


def _no_dates(packages: Sequence[tuple[Plan, Values]]) -> str:
    if not packages:
        return "no work package is known and the project has no planned finish"
    return f"no usable planned dates in {count(len(packages), 'work package')}"


def _left_out(plans: Sequence[Plan], in_money: bool) -> str:
    left = [p for p in plans if not p.is_summary]
    if in_money:
        without = [p for p in left if not _is_outside(p)]
        outside = [p for p in left if _is_outside(p)]
        told = {"without budget": without, "not in the baseline": outside}
        return "; ".join(_uncounted(why, which) for why, which in told.items() if which)
    items = "measured in items: no budget"
    return f"{items}; {_uncounted('without dates', left)}" if left else items


def _uncounted(why: str, plans: Sequence[Plan]) -> str:
    """`without budget, so not counted: Pilot, Support`; up to three."""
    return f"{why}, so not counted: {up_to(3, [p.name or p.code for p in plans])}"


def indices(values: Values, eac_method: str, spi_t: Fraction | None = None) -> dict[str, Number]:
    """Every figure of earned value by name, from the four cumulative values and SPI(t)."""
    bac, pv, ev, ac = values.bac, values.pv, values.ev, values.ac
    result = {
        "bac": bac,
        "pv": pv,
        "ev": ev,
        "ac": ac,
        "cv": _with(ev, ac, lambda a, b: known(a - b)),
        "sv": _with(ev, pv, lambda a, b: known(a - b)),
        "cpi": _with(ev, ac, evm.cpi),
        "spi": _with(ev, pv, evm.spi),
        "percent": _with(ev, bac, _percent),
    }
    return result | _forecasts(values, eac_method, spi_t)


def estimate_range(values: Values, spi_t: Fraction | None) -> dict[str, Number]:
    """The lowest and the highest estimate at completion over all forms, each named by its note."""
    p = values.with_time(spi_t)
    if p is None:
        missing = next(n for n in (values.ac, values.ev, values.pv, values.bac) if n.value is None)
        return dict.fromkeys(("eac_low", "eac_high"), unknown(missing.reason))
    found = evm.eac_range(p)
    return {"eac_low": found.low, "eac_high": found.high}


def _percent(ev: Fraction, bac: Fraction) -> Number:
    return evm.ratio(100 * ev, bac, "BAC is 0: nothing is planned")


def _with(a: Number, b: Number, formula: Callable[[Fraction, Fraction], Number]) -> Number:
    if a.value is None or b.value is None:
        return unknown(a.reason or b.reason)
    return formula(a.value, b.value)


def _forecasts(values: Values, method: str, spi_t: Fraction | None) -> dict[str, Number]:
    p = values.with_time(spi_t)
    if p is None:
        missing = next(n for n in (values.ac, values.ev, values.pv, values.bac) if n.value is None)
        names = ("eac", "etc", "vac", "tcpi_bac", "tcpi_eac")
        return dict.fromkeys(names, unknown(missing.reason))
    eac = evm.eac(p, method)
    at_completion = eac.value
    if at_completion is None:
        return dict.fromkeys(("eac", "etc", "vac", "tcpi_eac"), eac) | {"tcpi_bac": evm.tcpi_bac(p)}
    return {
        "eac": eac,
        "etc": known(at_completion - p.ac),
        "vac": known(p.bac - at_completion),
        "tcpi_bac": evm.tcpi_bac(p),
        "tcpi_eac": evm.tcpi_eac(p, at_completion),
    }


# ---- the S-curve --------------------------------------------------------------------------------


class Spending:
    """Cumulative cost from what was booked on each day."""

    def __init__(self, booked: Iterable[tuple[date, Fraction]]) -> None:
        rows = sorted(booked, key=itemgetter(0))
        self._days = [on for on, _ in rows]
        amounts = [amount.as_integer_ratio() for _, amount in rows]
        self._unit = lcm(*{of for _, of in amounts})
        self._sums = list(accumulate((n * (self._unit // of) for n, of in amounts), initial=0))

    def until(self, on: date) -> Fraction:
        """Cost booked up to the end of a day."""
        return Fraction(self._sums[bisect_right(self._days, on)], self._unit)


@dataclass(frozen=True, slots=True)
class History:
    """Dated facts of a project from which earlier weeks can be computed."""

    done: Mapping[str, Sequence[datetime]]  # when items were done, by package, ascending
    baseline_done: Sequence[datetime]  # of baseline items in counted packages, ascending
    spent: Spending | None  # None: not known


def done_history(scope: Scope, end: datetime, counted: frozenset[str]) -> History:
    """When items were done; an item without a resolution time is in no earlier week."""
    done: dict[str, list[datetime]] = defaultdict(list)
    baseline: list[datetime] = []
    for item, package, _ in scope.current:
        if item.resolved_at is None or not is_done(item, end):
            continue
        done[package].append(item.resolved_at)
        home = package if scope.members is None else scope.members.get(item.id)
        if home in counted:
            baseline.append(item.resolved_at)
    return History({k: sorted(v) for k, v in done.items()}, sorted(baseline), None)


@dataclass(frozen=True)
class Past:
    """What tells the values of an earlier day. `counted` are the packages that count.

    `before` are the same under earlier baselines, each until the day on which the next came into
    force, ascending: what was reported then is not rewritten by a plan that came later.
    """

    counted: Sequence[tuple[Plan, Values]]
    work: Work
    history: History
    zone: Zone
    in_money: bool
    before: Sequence[tuple[date, Past]] = ()

    def in_force(self, day: date) -> Past:
        """The past under the baseline that was in force on a day."""
        return next((past for until, past in self.before if day < until), self)

    @property
    def usable(self) -> Sequence[Plan]:
        """The packages with usable dates, also those of earlier baselines."""
        everything = (*(p for _, past in self.before for p in past.counted), *self.counted)
        return [plan for plan, _ in everything if not plan.dates_problem]

    def planned(self, day: date) -> Number:
        """PV at the end of any day."""
        return self._planned.on(day)

    def values(self, day: date) -> Values:
        """BAC of now; PV, EV and AC at the end of a day that is over."""
        return Values(self._bac, self.planned(day), self.earned(day), self.spent(day))

    def earned(self, day: date) -> Number:
        """EV at the end of a day that is over; computed once."""
        if day not in self._then:
            self._then[day] = self._earned_on(day)
        return self._then[day]

    def spent(self, day: date) -> Number:
        """AC at the end of a day that is over."""
        spent = self.history.spent
        return unknown("cost is not known") if spent is None else known(spent.until(day))

    def known_before(self, day: date, earlier: Iterable[CurvePoint]) -> tuple[date, Values]:
        """The values at the end of a day; where no record tells what was earned by then, those of
        the last report in the week before it, with the day of that report.
        """
        values = self.values(day)
        if values.ev.value is not None:
            return day, values
        week = (
            p
            for p in earlier
            if 0 <= (day - p.on).days < 7 and p.ev is not None and self.in_force(p.on) is self
        )
        last = max(week, key=lambda p: p.on, default=None)
        if last is None or last.ev is None:
            return day, values
        return last.on, replace(self.values(last.on), ev=known(last.ev))

    def _earned_on(self, day: date) -> Number:
        if not self.in_money:
            return known(bisect_left(self.history.baseline_done, self.zone.end_of(day)))
        return self._earned.on(day)

    @cached_property
    def _then(self) -> dict[date, Number]:
        return {}

    @cached_property
    def _bac(self) -> Number:
        return total(v.bac for _, v in self.counted)

    @cached_property
    def _planned(self) -> PlannedSum:
        return PlannedSum((plan, values.bac) for plan, values in self.counted)

    @cached_property
    def _earned(self) -> EarnedSum:
        return EarnedSum(
            ((plan, values.bac) for plan, values in self.counted),
            self.work,
            lambda code: self.history.done.get(code, ()),
            self.zone.end_of,
        )


def curve(past: Past, values: Values, *, earlier: Iterable[CurvePoint]) -> tuple[CurvePoint, ...]:
    """PV, EV and AC at the ends of weeks from the first planned day to the last, and today.

    Weeks that cannot be recomputed (a declared percentage has no history) are taken from the
    previous snapshot's curve, else they are None; a report within such a week keeps a point of its
    own. A day is judged by the baseline in force then. Long projects have a point every few weeks.
    """
    usable = past.usable
    if not usable:
        return ()
    before, today = {point.on: point for point in earlier}, past.work.on
    points = []
    for day in sorted({*_days(usable, today), *_reported(past, before.values())}):
        if day == today:
            points.append(_point(day, values.pv, values.ev, values.ac))
        elif day > today:
            points.append(_point(day, past.planned(day), unknown(""), unknown("")))
        else:
            then = past.in_force(day).values(day)
            points.append(_merged(_point(day, then.pv, then.ev, then.ac), before.get(day)))
    return tuple(points)


def _reported(past: Past, earlier: Iterable[CurvePoint]) -> Iterable[date]:
    """The last report of each week before today, where only that report tells what was earned."""
    weeks: dict[date, date] = {}
    for point in earlier:
        if point.ev is not None and point.on < past.work.on:
            week = sunday(point.on)
            weeks[week] = max(point.on, weeks.get(week, point.on))
    return (day for day in weeks.values() if past.in_force(day).values(day).ev.value is None)


def _days(plans: Sequence[Plan], on: date) -> Sequence[date]:
    first = sunday(min(p.start or p.finish or on for p in plans))
    last = sunday(max(on, *(p.finish or on for p in plans)))
    weeks = (last - first).days // 7 + 1
    step = timedelta(days=7 * -(-weeks // _CURVE_POINTS))
    days, day = {on}, last
    while day >= first:
        days.add(day)
        day -= step
    days.add(first)
    return sorted(days)


def _point(day: date, pv: Number, ev: Number, ac: Number) -> CurvePoint:
    return CurvePoint(on=day, pv=_plain(pv), ev=_plain(ev), ac=_plain(ac))


def _plain(number: Number) -> Decimal | None:
    return None if number.value is None else decimal(number.value)


def _merged(point: CurvePoint, before: CurvePoint | None) -> CurvePoint:
    if before is None:
        return point
    return replace(
        point,
        ev=before.ev if point.ev is None else point.ev,
        ac=before.ac if point.ac is None else point.ac,
    )
