"""Calendars of a plan: week days, holidays and other exceptions, by what they are based on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from fractions import Fraction

from itpm_sync.mspdi.elements import Mistake, Node, last_day, moment, whole

_DAY = timedelta(days=1)
_STANDARD = (1, 1, 1, 1, 1, 0, 0)
_DAILY, _YEARLY, _YEARLY_BY_PLACE, _MONTHLY, _MONTHLY_BY_PLACE, _WEEKLY, _BY_DAYS = range(1, 8)
_LAST = 4  # MonthPosition: the last one


@dataclass(frozen=True, slots=True)
class WorkingTime:
    """Shares of a full day by weekday (Monday first), and by date where they differ."""

    week: tuple[Fraction, ...]
    days: Mapping[date, Fraction]

    def share(self, day: date) -> Fraction:
        """How much of a day is worked."""
        return self.days.get(day, self.week[day.weekday()])


class Calendars:
    """The calendars of one file by their number; `full_day` is its standard day in minutes."""

    def __init__(self, nodes: Iterable[Node], full_day: int) -> None:
        self._nodes = {uid: n for n in nodes if (uid := whole(n, "UID")) is not None}
        self._full_day = full_day

    def __contains__(self, uid: int) -> bool:
        return uid in self._nodes

    def name(self, uid: int) -> str:
        """The calendar's name."""
        return self._nodes[uid].word("Name") or str(uid)

    def working_time(self, uid: int | None, first: date, last: date) -> WorkingTime:
        """A calendar over the days of a span; Monday to Friday where the file has none.

        Raises Mistake for a value that cannot be read and an exception of an unknown kind.
        """
        week: list[Fraction] = [Fraction(share) for share in _STANDARD]
        days: dict[date, Fraction] = {}
        for node in reversed(self._chain(uid)):
            for weekday, share in self._week(_weekdays(node)):
                week[weekday] = share
            days |= self._dated(node, first, last)
        return WorkingTime(tuple(week), days)

    def _chain(self, uid: int | None) -> Sequence[Node]:
        """The calendar, what it is based on, and so on; a loop ends where it began."""
        found: list[Node] = []
        while uid in self._nodes and self._nodes[uid] not in found:
            found.append(self._nodes[uid])
            uid = whole(self._nodes[uid], "BaseCalendarUID")
        return found

    def _week(self, nodes: Iterable[Node]) -> Iterator[tuple[int, Fraction]]:
        for node in nodes:
            day_type = whole(node, "DayType") or 0
            if 1 <= day_type <= 7:  # Sunday is 1
                yield (day_type - 2) % 7, self._share(node)

    def _share(self, node: Node) -> Fraction:
        """Minutes of work of a full day; a working day without times is a full one."""
        if not node.flag("DayWorking", default=node.first("WorkingTimes") is not None):
            return Fraction(0)
        times = node.first("WorkingTimes")
        spans = list(times.all("WorkingTime")) if times is not None else []
        minutes = sum(_minutes(s) for s in spans)
        return Fraction(minutes, self._full_day) if minutes else Fraction(1)

    def _dated(self, node: Node, first: date, last: date) -> dict[date, Fraction]:
        """What differs from the week: other weeks for a time, then exceptions, new form and old."""
        found: dict[date, Fraction] = {}
        for other in _children(node, "WorkWeeks", "WorkWeek"):
            week = dict(self._week(_weekdays(other)))
            for day in _days(_period(other, first, last)):
                if day.weekday() in week:
                    found[day] = week[day.weekday()]
        for old in _weekdays(node):
            if whole(old, "DayType") == 0:
                found |= dict.fromkeys(_days(_period(old, first, last)), self._share(old))
        for exception in _children(node, "Exceptions", "Exception"):
            found |= dict.fromkeys(_occurrences(exception, first, last), self._share(exception))
        return found


def _children(node: Node, collection: str, tag: str) -> Iterable[Node]:
    found = node.first(collection)
    return found.all(tag) if found is not None else ()


def _weekdays(node: Node) -> Iterable[Node]:
    return _children(node, "WeekDays", "WeekDay")


def _minutes(span: Node) -> int:
    """From one time of the day to another; midnight at the end is the end of the day."""
    begin, end = (_time(span, tag) for tag in ("FromTime", "ToTime"))
    if begin is None or end is None:
        return 0
    return (end or 24 * 60) - begin if (end or 24 * 60) >= begin else 0


def _time(span: Node, tag: str) -> int | None:
    found = span.first(tag)
    word = found.text.strip() if found is not None else ""
    if found is None or not word:
        return None
    try:
        at = time.fromisoformat(word)
    except ValueError:
        message = f"{tag}: expected a time such as 08:00:00, found {word[:40]!r}"
        raise Mistake(found, message) from None
    return at.hour * 60 + at.minute


def _span(node: Node) -> tuple[datetime, datetime] | None:
    period = node.first("TimePeriod")
    begin = moment(period, "FromDate") if period is not None else None
    end = moment(period, "ToDate") if period is not None else None
    return (begin, end) if begin is not None and end is not None else None


def _period(node: Node, first: date, last: date) -> tuple[date, date]:
    """The days of a node's period within a span; none where it has no period."""
    span = _span(node)
    if span is None:
        return last, first - _DAY
    return max(span[0].date(), first), min(last_day(*span), last)


def _days(period: tuple[date, date]) -> Iterator[date]:
    first, last = period
    return (first + n * _DAY for n in range((last - first).days + 1))


# ---- exceptions that recur ----------------------------------------------------------------------


def _occurrences(node: Node, first: date, last: date) -> Iterator[date]:
    """The days of an exception within a span, by its kind of recurrence.

    `Type`: 1 each day of its period, 2 yearly by day of the month, 3 yearly by position, 4 monthly
    by day, 5 monthly by position, 6 weekly, 7 each so many days. Without one (an older file): 1.
    """
    kind, span = whole(node, "Type") or _DAILY, _span(node)
    if kind not in range(_DAILY, _BY_DAYS + 1):
        name = node.word("Name") or "without a name"
        raise Mistake(node, f"exception {name}: a recurrence of type {kind} is not known")
    if span is None:
        return
    begin, every = span[0].date(), max(whole(node, "Period") or 1, 1)
    for day in _days(_period(node, first, last)):
        if _recurs(node, kind, day, begin, every):
            yield day


def _recurs(node: Node, kind: int, day: date, begin: date, every: int) -> bool:
    if kind in (_DAILY, _BY_DAYS):
        return kind == _DAILY or (day - begin).days % every == 0
    if kind == _WEEKLY:
        weeks = ((day - begin).days + (begin.weekday() + 1) % 7) // 7  # they begin on Sunday
        mask = whole(node, "DaysOfWeek") or 0
        return weeks % every == 0 and bool(mask >> ((day.weekday() + 1) % 7) & 1)
    months = (day.year - begin.year) * 12 + day.month - begin.month
    yearly = kind in (_YEARLY, _YEARLY_BY_PLACE)
    due = day.month == (whole(node, "Month") or 0) + 1 if yearly else months % every == 0
    if kind in (_YEARLY, _MONTHLY):
        return due and day.day == whole(node, "MonthDay")
    return due and _is_placed(node, day)


def _is_placed(node: Node, day: date) -> bool:
    """Whether the day is the first, second, … or last of its kind in its month."""
    item, place = whole(node, "MonthItem") or 0, whole(node, "MonthPosition") or 0
    if not _is_item(day, item):
        return False
    if place >= _LAST:
        rest = (day + n * _DAY for n in range(1, 32))
        return not any(d.month == day.month and _is_item(d, item) for d in rest)
    before = sum(_is_item(day.replace(day=n), item) for n in range(1, day.day))
    return before == place


def _is_item(day: date, item: int) -> bool:
    """`MonthItem`: 0 any day, 1 Monday to Friday, 2 Saturday or Sunday, from 3 on Sunday to
    Saturday.
    """
    if item < 3:
        return item == 0 or (day.weekday() < 5) == (item == 1)
    return (day.weekday() + 1) % 7 == item - 3
