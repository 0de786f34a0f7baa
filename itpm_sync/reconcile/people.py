"""Who works on projects: what the configuration and the sources say of a person, joined.

The configuration goes before a person record of a source, field by field. A record may carry, as
attributes, `percent` (0 to 100), `left_on` (a day) and `leave` (days and spans, separated by
commas: `2026-12-24..2026-12-31, 2027-02-01`). Somebody to whom work is assigned and of whom nothing
else is known is taken to work full time, and is said to be unknown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from fractions import Fraction

from itpm_sync.model import Person, SourceRef
from itpm_sync.reconcile.choices import CapacityChoices, PersonChoices
from itpm_sync.reconcile.likeness import People
from itpm_sync.reconcile.workdays import Calendar, Worked

_LONGEST = timedelta(days=3660)
_CONFIGURED = SourceRef("", "people", "")


@dataclass(frozen=True, slots=True)
class Worker:
    """A person with the calendar of their own: days off, leave and part time are in it."""

    form: str  # one spelling for all systems
    name: str
    team: str
    skills: tuple[str, ...]
    percent: Fraction
    calendar: Calendar
    leave: frozenset[date]
    left_on: date | None
    gone: bool  # the source says that they do not work here any more
    known: bool  # listed in the configuration or by a source
    record: Person | None
    unread: tuple[str, ...] = ()  # what of the record cannot be read

    def here(self, day: date) -> bool:
        """Whether they are still with us on a day."""
        return not self.gone and (self.left_on is None or day <= self.left_on)

    def share(self, day: date) -> Worked:
        """How much of a full working day they work on a day."""
        return self.calendar.share(day) if self.here(day) else 0


class Workers:
    """Everybody there is, found by any way in which a source writes them."""

    def __init__(
        self, records: Iterable[Person], choices: CapacityChoices, assigned: Iterable[str]
    ) -> None:
        records = sorted(records, key=lambda r: r.id)
        listed = [Person(ref=_CONFIGURED, name=c.name, email=c.email) for c in choices.people]
        self._people = People([*listed, *records])
        self._choices = choices
        self._forms: dict[str, str] = {}
        own = {self.form(c.name): c for c in choices.people}
        found: dict[str, Person] = {}
        for record in records:
            found.setdefault(self.form(record.name), record)
        names: dict[str, str] = {}
        for name in sorted(assigned):
            names.setdefault(self.form(name), name)
        self.all: Mapping[str, Worker] = {
            form: self._worker(form, own.get(form), found.get(form), names.get(form, ""))
            for form in sorted({*own, *found, *names} - {""})
        }

    def form(self, name: str) -> str:
        """The one spelling of a person."""
        found = self._forms.get(name)
        if found is None:
            found = self._forms[name] = self._people.form(name)
        return found

    def _worker(
        self, form: str, own: PersonChoices | None, record: Person | None, name: str
    ) -> Worker:
        read = _Read(record)
        percent = own.percent if own and own.percent is not None else read.percent
        share = Fraction(100 if percent is None else percent) / 100
        leave = frozenset((*(own.leave if own else ()), *read.leave))
        base = own.calendar if own and own.calendar else self._choices.calendar
        return Worker(
            form,
            name=(own.name if own else "") or (record.name if record else "") or name,
            team=(own.team if own else "") or (record.team if record else ""),
            skills=(own.skills if own else ()) or (record.skills if record else ()),
            percent=share,
            calendar=_own_calendar(base, share, leave),
            leave=leave,
            left_on=(own.left_on if own else None) or read.left_on,
            gone=record is not None and not record.active,
            known=own is not None or record is not None,
            record=record,
            unread=tuple(read.unread),
        )


def _own_calendar(base: Calendar, share: Fraction, leave: Iterable[date]) -> Calendar:
    leave = frozenset(leave)
    if share == 1 and not leave:
        return base
    if not share:
        return Calendar(week=(0,) * 7)
    days = {day: worked * share for day, worked in base.days}
    return Calendar.of((w * share for w in base.week), days | dict.fromkeys(leave, 0))


class _Read:
    """What the attributes of a person record say, and what of them cannot be read."""

    def __init__(self, record: Person | None) -> None:
        given = record.attributes if record is not None else {}
        self.unread: list[str] = []
        self.percent = self._percent(given.get("percent", ""))
        days = list(self._days("left_on", given.get("left_on", "")))
        self.left_on = days[0] if days else None
        self.leave = tuple(self._days("leave", given.get("leave", "")))

    def _percent(self, text: str) -> Decimal | None:
        if not text.strip():
            return None
        try:
            value = Decimal(text.replace("%", "").strip())
        except InvalidOperation:
            value = Decimal(-1)
        if 0 <= value <= 100:
            return value
        self.unread.append(f"percent {text[:40]!r}, expected 0 to 100")
        return None

    def _days(self, name: str, text: str) -> Iterator[date]:
        for part in filter(None, (p.strip() for p in text.split(","))):
            days = _span(part)
            if not days:
                self.unread.append(f"{name} {part[:40]!r}, expected DATE or DATE..DATE")
            yield from days


def _span(text: str) -> Sequence[date]:
    first, _, last = text.partition("..")
    try:
        start = date.fromisoformat(first.strip())
        end = date.fromisoformat(last.strip()) if last else start
    except ValueError:
        return ()
    length = end - start
    return [start + timedelta(days=n) for n in range(length.days + 1)] if length <= _LONGEST else ()
