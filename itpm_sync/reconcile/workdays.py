"""Days and weeks: working calendars, the project's zone, ISO weeks (Monday to Sunday).

Times are aware UTC; which day they belong to, the configured zone decides. A day of a change to or
from summer time has 23 or 25 hours, which is why a day's end is computed and never added up.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from functools import cached_property, lru_cache
from itertools import accumulate
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from itpm_sync.errors import ReconcileError

EARLIEST, LATEST = date(1970, 1, 1), date(2100, 12, 31)
"""Days outside of these are typing errors in every plan we have seen, not intentions."""
Worked = int | Fraction
"""Working time in days: 1 is a full working day, 0 a day off."""
_NOTHING, _ALL = Fraction(0), Fraction(1)


@dataclass(frozen=True, slots=True)
class Zone:
    """The IANA zone in which the portfolio's days begin."""

    name: str
    info: ZoneInfo

    @staticmethod
    def of(name: str) -> Zone:
        """The zone of that name; raises ReconcileError for an unknown one."""
        try:
            return Zone(name, ZoneInfo(name))
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ReconcileError(
                f"zone {name!r} is not an IANA time zone such as Europe/Berlin"
            ) from error

    def end_of(self, day: date) -> datetime:
        """The first moment after the day, in UTC."""
        return _end_of(day, self.info)

    def day_of(self, moment: datetime) -> date:
        """The day to which a moment belongs."""
        return moment.astimezone(self.info).date()


@lru_cache(maxsize=1024)
def _end_of(day: date, zone: ZoneInfo) -> datetime:
    # Every project asks for the ends of the same weeks.
    if day >= date.max:
        return datetime.max.replace(tzinfo=UTC)
    return datetime.combine(day + timedelta(days=1), time.min, zone).astimezone(UTC)


# ---- calendars ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Calendar:
    """How much of each day is worked: a week that repeats, and days that differ from it.

    `week` has seven values, Monday first; `days` are holidays (0), part days and extra working
    days, ascending. Use `of`, which brings any input into that form.
    """

    week: tuple[Worked, ...] = (1, 1, 1, 1, 1, 0, 0)
    days: tuple[tuple[date, Worked], ...] = ()

    @staticmethod
    def of(week: Iterable[Worked] = (), days: Mapping[date, Worked] | None = None) -> Calendar:
        """A calendar; without a `week` Monday to Friday. ReconcileError for one without work.

        Days that are as their weekday says are left out.
        """
        shares = tuple(_plain(share) for share in week) or STANDARD.week
        if len(shares) != 7 or min(shares) < 0 or not any(shares):
            raise ReconcileError("a working week has seven days, and work on at least one of them")
        different = {d: _plain(s) for d, s in (days or {}).items() if s != shares[d.weekday()]}
        return Calendar(shares, tuple(sorted(different.items())))

    @property
    def days_a_week(self) -> int:
        """On how many days of its week any work is done."""
        return sum(1 for share in self.week if share)

    def share(self, day: date) -> Worked:
        """How much of a day is worked."""
        found = bisect_left(self._dates, day)
        if found < len(self._dates) and self._dates[found] == day:
            return self.days[found][1]
        return self.week[day.weekday()]

    def worked(self, first: date, last: date) -> Worked:
        """Working time from `first` to `last`, both included; 0 if `last` is earlier."""
        return self._time.between(first, last)

    def working_days(self, first: date, last: date) -> int:
        """Days with any work from `first` to `last`, both included; 0 if `last` is earlier."""
        return int(self._number.between(first, last))

    @cached_property
    def _dates(self) -> Sequence[date]:
        return [day for day, _ in self.days]

    @cached_property
    def _time(self) -> _Sums:
        return _Sums(self.week, self.days)

    @cached_property
    def _number(self) -> _Sums:
        return _Sums([int(s > 0) for s in self.week], [(d, int(s > 0)) for d, s in self.days])


class _Sums:
    """Sums over a span of days without walking it: whole weeks, the rest, and what differs."""

    def __init__(self, week: Sequence[Worked], days: Iterable[tuple[date, Worked]]) -> None:
        twice = [*week, *week]
        self._week: Worked = sum(week)
        self._rest = [[sum(twice[start : start + n]) for n in range(7)] for start in range(7)]
        found = list(days)
        self._dates = [day for day, _ in found]
        changes = (share - week[day.weekday()] for day, share in found)
        self._changes: list[Worked] = list(accumulate(changes, initial=0))

    def between(self, first: date, last: date) -> Worked:
        number = (last - first).days + 1
        if number <= 0:
            return 0
        weeks, rest = divmod(number, 7)
        result = weeks * self._week + self._rest[first.weekday()][rest]
        if not self._dates:
            return result
        before, until = bisect_left(self._dates, first), bisect_right(self._dates, last)
        return result + self._changes[until] - self._changes[before]


def _plain(share: Worked) -> Worked:
    """Whole numbers as int: sums of them are many times faster than those of fractions."""
    return int(share) if share == int(share) else Fraction(share)


STANDARD = Calendar()
"""Monday to Friday, no holidays."""


def working_days(first: date, last: date, calendar: Calendar = STANDARD) -> int:
    """Days with any work from `first` to `last`, both included; 0 if `last` is earlier."""
    return calendar.working_days(first, last)


def elapsed(start: date, finish: date, on: date, calendar: Calendar = STANDARD) -> Fraction:
    """Share 0..1 of the working time from `start` to `finish` that is over at the end of `on`.

    A span without a working day is measured in calendar days.
    """
    if on < start:
        return _NOTHING
    if on >= finish:
        return _ALL
    whole = calendar.worked(start, finish)
    if whole:
        return Fraction(calendar.worked(start, on), whole)
    return Fraction((on - start).days + 1, (finish - start).days + 1)


def nth_working_day(start: date, number: int, calendar: Calendar = STANDARD) -> date:
    """The working day on which `number` working days from `start` on are over; `number` >= 1.

    Raises OverflowError beyond the calendar's end.
    """
    weeks = (number - 1) // calendar.days_a_week
    day = start + timedelta(days=7 * weeks)
    missing = number - calendar.working_days(start, day)
    while missing > 0:  # holidays, and the days of the last week
        day += timedelta(days=1)
        missing -= calendar.share(day) > 0
    while missing < 0 or not calendar.share(day):  # extra working days, or a week that began early
        missing += calendar.share(day) > 0
        day -= timedelta(days=1)
    return day


def sunday(day: date) -> date:
    """The last day of the ISO week of `day`."""
    return day + timedelta(days=6 - day.weekday())


def week_ends(until: date, count: int) -> tuple[date, ...]:
    """The ends of the last `count` weeks, ascending; the running week ends at `until`."""
    last = sunday(until) - timedelta(days=7)
    return (*(last - timedelta(days=7 * i) for i in range(count - 2, -1, -1)), until)


def impossible(*days: date | None) -> date | None:
    """The first of the days that no plan can mean, if any."""
    return next((d for d in days if d is not None and not EARLIEST <= d <= LATEST), None)
