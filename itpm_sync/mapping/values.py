"""Values of raw JSON: found by a path, and read as what a field of the model holds.

A conversion raises RecordError with an empty `field`; who called it knows the field's name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal, InvalidOperation
from enum import Enum
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from itpm_sync.errors import RecordError
from itpm_sync.model import Money

Json = Any
Getter = Callable[[Json, "Frame"], Json]
Convert = Callable[[Json], Any]


class Frame(NamedTuple):
    """What a path can refer to besides the element itself: the parent record and its identity."""

    parent: Json
    identity: str


NOTHING = object()
"""No value given, where None would be one."""


def nothing(_element: Json, _frame: Frame) -> Json:
    """No value, whatever the element."""
    return None


def owner(_element: Json, frame: Frame) -> Json:
    """The identity of the raw record."""
    return frame.identity


@dataclass(frozen=True, slots=True)
class Constant:
    """The same value for every element."""

    value: Json

    def __call__(self, _element: Json, _frame: Frame) -> Json:
        return self.value


@dataclass(frozen=True, slots=True)
class Path:
    """The value at the end of a path; None where it leads nowhere."""

    steps: tuple[Any, ...]
    find: Convert
    from_parent: bool = False

    @property
    def plain(self) -> bool:
        """Whether it goes through objects only."""
        return bool(self.steps) and all(map(_is_name, self.steps))

    @property
    def lists(self) -> bool:
        """Whether it goes through objects to a list, and gives what one name leads to in each."""
        if len(self.steps) < 3:
            return False
        *outer, star, last = self.steps
        return star == "*" and all(map(_is_name, (*outer, last)))

    def __call__(self, element: Json, frame: Frame) -> Json:
        return self.find(frame.parent if self.from_parent else element)


def _is_name(step: Any) -> bool:
    return isinstance(step, str) and step != "*"


@dataclass(frozen=True, slots=True)
class First:
    """The first value that is one."""

    gets: tuple[Getter, ...]

    def __call__(self, element: Json, frame: Frame) -> Json:
        for get in self.gets:
            value = get(element, frame)
            if value is not None and value != "":
                return value
        return None


@dataclass(frozen=True, slots=True)
class OrElse:
    """`default` where there is no value."""

    get: Getter
    default: Json

    def __call__(self, element: Json, frame: Frame) -> Json:
        value = self.get(element, frame)
        return self.default if value is None else value


@dataclass(frozen=True, slots=True)
class Translated:
    """A word of ours for a word of the source, whose case and outer blanks do not matter.

    `default` is for words that the table lacks; NOTHING leaves them as they are.
    """

    get: Getter
    table: Mapping[str, Json]  # keys folded
    default: Json = NOTHING

    def __call__(self, element: Json, frame: Frame) -> Json:
        return self.translate(self.get(element, frame))

    def translate(self, value: Json) -> Json:
        """Of any value."""
        if value is None:
            return None if self.default is NOTHING else self.default
        return self.word(str(value), value)

    def word(self, text: str, value: Json = NOTHING) -> Json:
        """Of a text; `value` is what it was."""
        found = self.table.get(text.strip().casefold(), self.default)
        if found is not NOTHING:
            return found
        return text if value is NOTHING else value


def with_currency(amount: Getter, currency: Getter) -> Getter:
    """Both as one value, which `as: money` reads; nothing without an amount."""

    def pair(element: Json, frame: Frame) -> Json:
        found = amount(element, frame)
        return None if found is None else {"amount": found, "currency": currency(element, frame)}

    return pair


def follow(steps: tuple[Any, ...]) -> Convert:
    """What leads from a value to the end of a path; None where the path leads nowhere.

    Nearly every path is a few plain names, and pulling follows forty of them a record: for those
    it is far cheaper to try than to ask first.
    """
    if len(steps) not in (1, 2, 3) or not all(map(_is_name, steps)):
        return _follow_all(steps)
    first, second, third = (*steps, "", "")[:3]

    def one(value: Json) -> Json:
        return value.get(first) if isinstance(value, dict) else None

    def two(value: Json) -> Json:
        try:
            return value[first][second]
        except (KeyError, TypeError):
            return None

    def three(value: Json) -> Json:
        try:
            return value[first][second][third]
        except (KeyError, TypeError):
            return None

    return (one, two, three)[len(steps) - 1]


def _follow_all(steps: tuple[Any, ...]) -> Convert:
    """Any path; of one through a list (`a.*.b`) both parts are prepared."""
    star = steps.index("*") if "*" in steps else 0
    if not 0 < star < len(steps) - 1:
        return lambda value: walk(value, steps)
    enter, to_part = follow(steps[:star]), follow(steps[star + 1 :])

    def parts(value: Json) -> Json:
        found = enter(value)
        if found is None:
            return None
        inside = map(to_part, found) if isinstance(found, list) else ()
        return [v for v in inside if v is not None]

    return parts


def walk(value: Json, steps: tuple[Any, ...]) -> Json:
    """The value at the end of a path; None where the path leads nowhere."""
    for index, step in enumerate(steps):
        if isinstance(step, str):
            if step == "*":
                rest = steps[index + 1 :]
                found = (walk(v, rest) for v in value) if isinstance(value, list) else ()
                return [v for v in found if v is not None]
            value = value.get(step) if isinstance(value, dict) else None
        elif isinstance(step, int):
            if isinstance(value, dict):
                value = value.get(str(step))
            else:
                inside = isinstance(value, list) and step < len(value)
                value = value[step] if inside else None
        else:
            key, wanted = step
            candidates = value if isinstance(value, list) else ()
            value = next(
                (v for v in candidates if isinstance(v, dict) and str(v.get(key)) == wanted), None
            )
        if value is None:
            return None
    return value


def condition(test: str, get: Getter, wanted: Json) -> Callable[[Json, Frame], bool]:
    """One test of `when:`: is, not, in or present; words are compared ignoring case."""
    if test == "present":
        return lambda e, f: (get(e, f) not in (None, "", [])) == bool(wanted)
    allowed = {
        str(w).casefold()
        for w in (wanted if isinstance(wanted, list) and test == "in" else [wanted])
    }
    positive = test != "not"
    return lambda e, f: (str(get(e, f)).casefold() in allowed) == positive


def shape(value: Json) -> str:
    """What a value is, for a message."""
    return "nothing" if value is None else f"{type(value).__name__} {value!r}"[:60]


def to_text(value: Json) -> str:
    """A word for people: of an object its value or name, of a list its parts."""
    if isinstance(value, str):
        return value.replace("\x00", "�")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ", ".join(to_text(v) for v in value)
    if isinstance(value, dict):  # a choice or user of the source: its word for people
        for key in ("value", "displayName", "name", "key", "id"):
            if value.get(key) is not None:
                return to_text(value[key])
        return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return "" if value is None else str(value)


_NO_NUMBERS = (bool, list, dict)


def _blank(value: Json) -> bool:
    return isinstance(value, str) and not value.strip()


def to_decimal(value: Json) -> Decimal | None:
    """An exact number of at most 30 digits; None for a blank."""
    if _blank(value):
        return None
    if value.__class__ in _NO_NUMBERS:
        raise RecordError(field="", value=value, expected="a number")
    text = str(value).strip()  # str(float) is the shortest text that means it
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        raise RecordError(field="", value=value, expected="a number")
    if len(text) > 60 or abs(number.adjusted()) > 30:
        raise RecordError(field="", value=value, expected="a number of at most 30 digits")
    return number


def to_int(value: Json) -> int | None:
    """A whole number of at most 63 bits."""
    if value.__class__ is int and -(2**63) < value < 2**63:
        return int(value)
    number = to_decimal(value)
    if number is None:
        return None
    if number != number.to_integral_value() or abs(number) >= 2**63:
        raise RecordError(field="", value=value, expected="a whole number of at most 63 bits")
    return int(number)


def scaled(convert: Convert, factor: Decimal | None) -> Convert:
    """The number times `factor`."""
    if factor is None:
        return convert
    return lambda v: None if (n := convert(v)) is None else n * factor


def to_percent(value: Json) -> Decimal | None:
    """A number from 0 to 100, with or without `%`."""
    text = str(value).strip().removesuffix("%")
    number = to_decimal(text)
    if number is not None and not 0 <= number <= 100:
        raise RecordError(field="", value=value, expected="a percentage between 0 and 100")
    return number


def to_bool(value: Json) -> bool | None:
    """Yes or no, in some languages."""
    if isinstance(value, bool):
        return value
    word = str(value).strip().casefold()
    if not word:
        return None
    if word in ("true", "yes", "y", "1", "ja", "oui", "x"):
        return True
    if word in ("false", "no", "n", "0", "nein", "non"):
        return False
    raise RecordError(field="", value=value, expected="yes or no")


def to_list(value: Json) -> tuple[str, ...]:
    """The texts of a list, or the parts between commas."""
    if isinstance(value, list):
        return tuple([to_text(v) for v in value if v is not None and v != ""]) if value else ()
    return tuple(part.strip() for part in to_text(value).split(",") if part.strip())


def to_seconds(unit_s: int) -> Convert:
    """Whole seconds, of a number of units."""

    def convert(value: Json) -> int | None:
        number = to_decimal(value)
        if number is not None and abs(number * unit_s) >= 2**63:
            raise RecordError(field="", value=value, expected="a duration")
        return None if number is None else round(number * unit_s)

    return convert


def to_date(formats: tuple[str, ...], zone: ZoneInfo | None) -> Convert:
    """The day as the source wrote it, in the source's own zone; of a count of ms, in `zone`."""
    read = _moment(formats, zone)

    def convert(value: Json) -> date | None:
        if _blank(value):
            return None
        text = str(value).strip()
        if not formats and len(text) >= 10 and (len(text) == 10 or text[10] in "T "):
            try:
                return date.fromisoformat(text[:10])
            except ValueError:
                pass
        return read(value).date()

    return convert


def to_datetime(formats: tuple[str, ...], zone: ZoneInfo | None) -> Convert:
    """Aware UTC; a time without a zone is in `zone`, else in UTC."""
    read = _moment(formats, zone)

    def convert(value: Json) -> datetime | None:
        if not formats and value.__class__ is str:
            try:
                moment = datetime.fromisoformat(value)
            except ValueError:
                pass
            else:
                if moment.tzinfo is UTC:  # the usual stamp: nothing to convert
                    return moment
        return None if _blank(value) else read(value).astimezone(UTC)

    return convert


def _moment(formats: tuple[str, ...], zone: ZoneInfo | None) -> Callable[[Json], datetime]:
    """Reads an aware time that UTC can express; one without a zone is in `zone`, else in UTC."""
    parsers = (*(_strptime(f) for f in formats), _fromiso)
    expected = f"a date like {formats[0]}" if formats else "an ISO 8601 date or time"

    def read(value: Json) -> datetime:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return _epoch_ms(value, zone or UTC)
        text = str(value).strip()
        for parse in parsers:
            try:
                moment = parse(text)
                moment = moment if moment.tzinfo else moment.replace(tzinfo=zone or UTC)
                moment.astimezone(UTC)
            except (ValueError, OverflowError):
                continue
            return moment
        raise RecordError(field="", value=value, expected=expected)

    return read


def reads_dates(form: Json) -> bool:
    """Whether a format is one that strptime can use at all."""
    try:
        datetime.strptime(datetime(2024, 2, 29, tzinfo=UTC).strftime(form), form)  # noqa: DTZ007
    except (ValueError, TypeError, re.error):
        return False
    return True


def _strptime(form: str) -> Callable[[str], datetime]:
    return lambda text: datetime.strptime(text, form)  # noqa: DTZ007 — the caller sets the zone


def _fromiso(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _epoch_ms(value: float, zone: tzinfo) -> datetime:
    try:
        return datetime.fromtimestamp(value / 1000, UTC).astimezone(zone)
    except (ValueError, OverflowError, OSError):
        raise RecordError(field="", value=value, expected="milliseconds since 1970") from None


def to_money(currency: Callable[[Json], str] | None, scale: Decimal | None) -> Convert:
    """An amount with the declared currency, or the one that the value itself carries."""
    number = scaled(to_decimal, scale)

    def convert(value: Json) -> Money | None:
        amount, code = value, currency(value) if currency else ""
        if isinstance(value, dict):
            amount, code = value.get("amount"), code or str(value.get("currency") or "")
        elif isinstance(value, str) and not currency:
            amount, _, code = value.strip().replace("\xa0", " ").partition(" ")
            code = code.strip()
        exact = None if amount is None else number(amount)
        if exact is None:
            return None
        try:
            return Money(exact, code)
        except ValueError:
            raise RecordError(
                field="", value=value, expected="an amount with a currency code such as EUR"
            ) from None

    return convert


def to_member_of(convert: Convert, enum: type[Enum]) -> Convert:
    """A member of the enum, by its value and ignoring case."""
    words = {str(m.value).casefold(): m for m in enum}
    exact = {str(m.value): m for m in enum}

    def to_member(value: Json) -> Enum | None:
        if value.__class__ is str and (known := exact.get(value)) is not None:
            return known
        text = to_text(convert(value)).strip()
        if not text:
            return None
        member = words.get(text.casefold())
        if member is None:
            listed = ", ".join(str(m.value) for m in enum)
            raise RecordError(
                field="", value=text, expected=f"one of {listed}", hint="add it to the `map`"
            )
        return member

    return to_member
