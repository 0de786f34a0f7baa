"""The pace of a project: earned schedule, what the last weeks earned, and level of effort apart.

Earned schedule is measured on the working days of the plan's calendar (a part day is one of them),
interpolated within a day, and told in its weeks, of five of them unless configured otherwise.
Level of effort earns as time passes and says nothing of pace, so it is left out; so are packages
that do not count. After Lipke; PD, ES and AT count from the first planned day.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from fractions import Fraction
from math import ceil, floor
from typing import overload

from itpm_sync.model import Method
from itpm_sync.reconcile import evm
from itpm_sync.reconcile.inputs import Element
from itpm_sync.reconcile.number import Number, known, total, unknown
from itpm_sync.reconcile.performance import Values
from itpm_sync.reconcile.progress import Plan
from itpm_sync.reconcile.scope import Scope, is_done
from itpm_sync.reconcile.timed import PlannedSum
from itpm_sync.reconcile.wording import day
from itpm_sync.reconcile.workdays import (
    LATEST,
    STANDARD,
    Calendar,
    Zone,
    nth_working_day,
    working_days,
)

RECENT_WEEKS = 4
SCHEDULE = ("pd", "es", "at", "sv_t", "spi_t", "ieac_t", "tspi", "p_factor")
"""The figures of earned schedule, in their order."""

Packages = Sequence[tuple[Plan, Values]]


class PlannedValue(Sequence[Fraction]):
    """Cumulative PV at the end of each working day of a plan; a day is computed when asked for.

    A weekend belongs to the working day before it. Every package has usable dates and a BAC, and
    the packages of a project share its calendar.
    """

    def __init__(self, packages: Packages) -> None:
        self._packages = [(plan, values.bac.value or Fraction(0)) for plan, values in packages]
        self.first = min(p.start or p.finish or date.max for p, _ in packages)
        last = max(p.finish or date.min for p, _ in packages)
        self.calendar = calendar_of(packages)
        self._length = working_days(self.first, last, self.calendar)
        self._sum = PlannedSum((plan, known(bac)) for plan, bac in self._packages)
        self._sums: dict[int, Fraction] = {}

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, index: int) -> Fraction: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Fraction]: ...
    def __getitem__(self, index: int | slice) -> Fraction | Sequence[Fraction]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(self._length))]
        if not -self._length <= index < self._length:
            raise IndexError(index)
        number = index % self._length + 1
        if number not in self._sums:
            self._sums[number] = self._sum.known(self._end_of(number))
        return self._sums[number]

    def parts(self, days: Fraction) -> list[Fraction]:
        """PV of each package when so many working days are over, interpolated within a day."""
        whole = floor(days)
        before, after = self._parts_on(whole), self._parts_on(whole + 1)
        share = days - whole
        return [a + (b - a) * share for a, b in zip(before, after, strict=True)]

    def _parts_on(self, number: int) -> list[Fraction]:
        if not number:
            return [Fraction(0)] * len(self._packages)
        on = self._end_of(number)
        return [(plan.planned_share(on).value or 0) * bac for plan, bac in self._packages]

    def _end_of(self, number: int) -> date:
        """The day before the next working day: a weekend belongs to the day before it."""
        return nth_working_day(self.first, number + 1, self.calendar) - timedelta(days=1)


def calendar_of(packages: Packages) -> Calendar:
    """The calendar that the packages of a project share."""
    return next((plan.calendar for plan, _ in packages), STANDARD)


def discrete(packages: Packages) -> Packages:
    """The packages without level of effort, and without budget that is not time-phased."""
    return [
        (p, v)
        for p, v in packages
        if p.method is not Method.LEVEL_OF_EFFORT and p.element is not Element.UNDISTRIBUTED
    ]


def schedule(
    packages: Packages, on: date, finished: Callable[[], date | None]
) -> dict[str, Number]:
    """Earned schedule of the packages that count on a day: `SCHEDULE` in working weeks and ratios.

    `finished` is asked for the day of actual finish once everything is earned: AT stops there.
    """
    measured = discrete(packages)
    bac, ev = total(v.bac for _, v in measured), total(v.ev for _, v in measured)
    pv = total(v.pv for _, v in measured)
    missing = next((n for n in (bac, pv, ev) if n.value is None), None)
    if missing is None and not measured:
        missing = unknown("no work package but level of effort" if packages else "no plan to earn")
    if missing is not None or bac.value is None or ev.value is None:
        return dict.fromkeys(SCHEDULE, unknown(missing.reason if missing else ""))
    planned = PlannedValue(measured)
    if not len(planned) or bac.value <= 0:
        return dict.fromkeys(SCHEDULE, unknown("no time-phased plan"))
    return _schedule(planned, [v.ev.value or Fraction(0) for _, v in measured], on, finished)


def _schedule(
    planned: PlannedValue,
    earned: Sequence[Fraction],
    on: date,
    finished: Callable[[], date | None],
) -> dict[str, Number]:
    pd = evm.planned_duration(planned)
    es = evm.earned_schedule(planned, sum(earned, Fraction(0))).value or Fraction(0)
    complete = es >= pd
    end, note = on, ""
    if complete:
        actual = finished()
        end = min(on, actual) if actual is not None else on
        note = f"finished on {day(end)}" if actual is not None else "actual finish is not known"
    calendar = planned.calendar
    at, a_week = working_days(planned.first, end, calendar), calendar.days_a_week
    forecast = evm.ieac_t(pd, es, at)
    tspi = unknown("complete") if complete else evm.tspi(pd, es, at)
    return {
        "pd": _weeks(known(pd), a_week),
        "es": _weeks(known(es), a_week),
        "at": _weeks(known(at, note), a_week),
        "sv_t": _weeks(known(es - at), a_week),
        "spi_t": evm.spi_t(es, at),
        "ieac_t": _weeks(_dated(forecast, planned.first, calendar), a_week),
        "tspi": tspi,
        "p_factor": _adherence(planned, earned, es),
    }


def finished_on(packages: Packages, scope: Scope, end: datetime, zone: Zone) -> date | None:
    """The day on which the last of the finished packages was finished, if each tells its own.

    By its actual finish, else by the last of its items to be done.
    """
    done: dict[str, datetime] = {}
    for item, package, _ in scope.current:
        when = item.resolved_at
        if when is not None and is_done(item, end):
            done[package] = max(when, done.get(package, when))
    days = [_finish(plan, done, zone) for plan, _ in discrete(packages)]
    known_days = [d for d in days if d is not None]
    return max(known_days) if known_days and len(known_days) == len(days) else None


def _finish(plan: Plan, done: Mapping[str, datetime], zone: Zone) -> date | None:
    if plan.record is not None and plan.record.actual_finish is not None:
        return plan.record.actual_finish
    last = done.get(plan.code)
    return zone.day_of(last) if last is not None else None


def _weeks(days: Number, a_week: int) -> Number:
    return days if days.value is None else Number(days.value / a_week, note=days.note)


def _dated(days: Number, first: date, calendar: Calendar) -> Number:
    """The duration, with the day on which it ends as its note."""
    if days.value is None:
        return days
    end = finish_after(first, days.value, calendar)
    return known(days.value, f"finish on {day(end)}" if end else f"finish after {LATEST.year}")


def finish_after(first: date, days: Fraction, calendar: Calendar = STANDARD) -> date | None:
    """The day on which so many working days from `first` on are over; None if no plan means it."""
    if days > working_days(first, LATEST, calendar):
        return None
    return nth_working_day(first, max(1, ceil(days)), calendar)


def _adherence(planned: PlannedValue, earned: Sequence[Fraction], es: Fraction) -> Number:
    if not es:
        return unknown("nothing is earned yet")
    return evm.p_factor(planned.parts(es), earned)


# ---- level of effort apart ----------------------------------------------------------------------


def without_effort(packages: Packages, values: Values) -> dict[str, Number]:
    """CPI and SPI of the project without level of effort, and its share of BAC in percent.

    Cost that no package could take stays in AC.
    """
    effort = [(p, v) for p, v in packages if p.method is Method.LEVEL_OF_EFFORT]
    share = _part(total(v.bac for _, v in effort), values.bac)
    if not effort:
        note = "no package is level of effort"
        same = {"cpi_discrete": _index(values.ev, values.ac, evm.cpi),
                "spi_discrete": _index(values.ev, values.pv, evm.spi)}  # fmt: skip
        noted = {k: Number(n.value, n.reason, note) for k, n in same.items()}
        return noted | {"effort_share": share}
    ev, pv, ac = (
        _less(whole, total(parts))
        for whole, parts in (
            (values.ev, [v.ev for _, v in effort]),
            (values.pv, [v.pv for _, v in effort]),
            (values.ac, [v.ac for _, v in effort]),
        )
    )
    return {
        "cpi_discrete": _index(ev, ac, evm.cpi),
        "spi_discrete": _index(ev, pv, evm.spi),
        "effort_share": share,
    }


def _part(part: Number, whole: Number) -> Number:
    if part.value is None or whole.value is None:
        return unknown(part.reason or whole.reason)
    return evm.ratio(100 * part.value, whole.value, "BAC is 0: nothing is planned")


def _less(whole: Number, part: Number) -> Number:
    if whole.value is None or part.value is None:
        return unknown(whole.reason or part.reason)
    return known(whole.value - part.value)


def _index(a: Number, b: Number, formula: Callable[[Fraction, Fraction], Number]) -> Number:
    if a.value is None or b.value is None:
        return unknown(a.reason or b.reason)
    return formula(a.value, b.value)


# ---- the last weeks -----------------------------------------------------------------------------


def recent(now: Values, on: date, then: Values) -> dict[str, Number]:
    """CPI and SPI of what happened after the day `on`: cumulative ones mask the present."""
    since = f"since {day(on)}"
    ev, pv, ac = (
        _less(a, b)
        for a, b in (
            (now.ev, then.ev),
            (now.pv, then.pv),
            (now.ac, then.ac),
        )
    )
    cost = _index(ev, ac, lambda e, a: _recent_cost(e, a, since))
    time = _index(ev, pv, lambda e, p: evm.ratio(e, p, f"nothing was planned to be done {since}"))
    return {
        name: n if n.value is None else Number(n.value, note=since)
        for name, n in (("cpi_recent", cost), ("spi_recent", time))
    }


def _recent_cost(ev: Fraction, ac: Fraction, since: str) -> Number:
    if ac < 0:
        return unknown(f"more was credited than charged {since}")
    return evm.ratio(ev, ac, f"no cost was booked {since}")
