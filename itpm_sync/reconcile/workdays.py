"""Days and weeks: working days, the project's zone, ISO weeks (Monday to Sunday).

Times are aware UTC; which day they belong to, the configured zone decides. A day of a change to or
from summer time has 23 or 25 hours, which is why a day's end is computed and never added up.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from itpm_sync.errors import ReconcileError

EARLIEST, LATEST = date(1970, 1, 1), date(2100, 12, 31)
"""Days outside of these are typing errors in every plan we have seen, not intentions."""
_FRIDAY = 4  # as date.weekday() counts


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
        if day >= date.max:
            return datetime.max.replace(tzinfo=UTC)
        after = datetime.combine(day + timedelta(days=1), time.min, self.info)
        return after.astimezone(UTC)

    def day_of(self, moment: datetime) -> date:
        """The day to which a moment belongs."""
        return moment.astimezone(self.info).date()


def working_days(first: date, last: date) -> int:
    """Mondays to Fridays from `first` to `last`, both included; 0 if `last` is earlier."""
    days = (last - first).days + 1
    if days <= 0:
        return 0
    weeks, rest = divmod(days, 7)
    start = first.weekday()
    return weeks * 5 + sum(1 for i in range(rest) if (start + i) % 7 < 5)


def elapsed(start: date, finish: date, on: date) -> Fraction:
    """Share 0..1 of the working time from `start` to `finish` that is over at the end of `on`.

    A span without a working day is measured in calendar days.
    """
    if on < start:
        return Fraction(0)
    if on >= finish:
        return Fraction(1)
    whole = working_days(start, finish)
    if whole:
        return Fraction(working_days(start, on), whole)
    return Fraction((on - start).days + 1, (finish - start).days + 1)


def nth_working_day(start: date, number: int) -> date:
    """The working day on which `number` working days from `start` on are over; `number` >= 1.

    Raises OverflowError beyond the calendar's end.
    """
    weekday = start.weekday()
    if weekday > _FRIDAY:
        start, weekday = start + timedelta(days=7 - weekday), 0
    weeks, rest = divmod(number - 1, 5)
    weekend = 2 if weekday + rest > _FRIDAY else 0
    return start + timedelta(days=7 * weeks + rest + weekend)


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
