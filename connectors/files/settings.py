"""Settings of a `files` connection: which files, which columns, how their cells are written."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeAlias, Union, get_args, get_origin, get_type_hints
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from connectors.files.cells import CURRENCIES, MISSING, READERS, BadCell, Format, constant, read
from itpm_sync.connector import ConnectorSettings
from itpm_sync.errors import suggestion
from itpm_sync.model import KINDS, Money

_NOT_MAPPED = frozenset(("ref", "attributes"))
DURATIONS = ("seconds", "minutes", "hours", "days")
_PROBE = datetime(2023, 11, 28, 13, 45, 50)  # noqa: DTZ001 — no two parts of it look alike


def _date_format(form: str) -> str:
    try:
        same = datetime.strptime(_PROBE.strftime(form), form).date() == _PROBE.date()  # noqa: DTZ007
    except ValueError:
        same = False
    if not same:
        msg = f'"{form}" is not a date format with day, month and year, such as "%d.%m.%Y"'
        raise ValueError(msg)
    return form


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError) as error:
        msg = f'"{name}" is not a time zone of the IANA list, such as "Europe/Zurich"'
        raise ValueError(msg) from error
    return name


def _currency(code: str) -> str:
    if code not in CURRENCIES:
        raise ValueError(f'"{code}" is not a currency code of ISO 4217, such as EUR')
    return code


def _kind(name: str) -> str:
    if name not in KINDS:
        raise ValueError(f'"{name}" is not a kind of the model; {suggestion(name, KINDS)}')
    return name


def _reading(name: str) -> str:
    if name not in READERS:
        raise ValueError(f'"{name}" is not a way to read a cell; {suggestion(name, READERS)}')
    return name


def _encoding(name: str) -> str:
    try:
        if name != "auto":
            b"a\xff\xff\xffa".decode(name, "surrogateescape")
    except UnicodeDecodeError:  # an encoding, only not of these bytes
        return name
    except (LookupError, ValueError) as error:  # ValueError: `idna` and others read no files
        msg = f'"{name}" is not a known encoding, such as utf-8, cp1252 or auto'
        raise ValueError(msg) from error
    return name


def _pattern(text: str) -> str:
    parts = re.split(r"[/\\]", text)
    if any("**" in part and part != "**" for part in parts) or parts[-1] in ("**", ""):
        raise ValueError(f'"{text}": ** stands for folders only, as in "**/plan.csv"')
    if not text or text.startswith(("/", "\\", "~")) or ".." in parts:
        msg = f'"{text}" must be a file name or pattern inside the folder, such as "invoices-*.csv"'
        raise ValueError(msg)
    return text


def _listed(value: object) -> object:
    return (value,) if isinstance(value, str | int | Mapping) else value


def _worded(value: object) -> object:
    """YAML reads yes, no and numbers as such; as words of a file they are text again."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float | date) else value


def _lettered(value: object) -> object:
    """As `_worded`, but for a truth value: where no constant is meant, it is a word like On or No
    that lacks its quotes, and so a mistake.
    """
    return value if isinstance(value, bool) else _worded(value)


Word = Annotated[str, BeforeValidator(_worded)]
Quoted = Annotated[str, BeforeValidator(_lettered)]
Words = Annotated[tuple[Quoted, ...], BeforeValidator(_listed)]
DateFormats = Annotated[
    tuple[Annotated[str, AfterValidator(_date_format)], ...], BeforeValidator(_listed)
]
Zone = Annotated[str, AfterValidator(_zone)]
CurrencyCode = Annotated[str, AfterValidator(_currency)]
DecimalSign = Literal[".", ","]
ThousandsSign = Literal["", ".", ",", "'", " "]
FieldName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
AttributeName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]*$")]


class _Settings(ConnectorSettings):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Defaults(_Settings):
    """How cells are written, unless a table or a column says otherwise."""

    date: DateFormats = ()
    decimal: DecimalSign = "."
    thousands: ThousandsSign = ""
    currency: CurrencyCode | None = None
    encoding: Annotated[str, AfterValidator(_encoding)] = "auto"
    delimiter: Literal["auto", ",", ";", "\t", "|", "tab"] = "auto"
    zone: Zone | None = None
    missing: Words = MISSING

    def over(self, base: Defaults) -> Defaults:
        """These settings where given, else those of `base`."""
        given = {name: getattr(self, name) for name in self.model_fields_set}
        return base.model_copy(update=given)


class CurrencyColumn(_Settings):
    """The column that holds the currency of another column's amounts."""

    column: str


class Rule(_Settings):
    """How one model field (or attribute) is read."""

    column: str | None = None
    value: Word | None = None  # a constant instead of a column
    as_: Annotated[str, AfterValidator(_reading)] | None = Field(default=None, alias="as")
    map: Mapping[str, Word] = Field(default_factory=dict)
    default: Word | None = None  # of an empty cell and of a word that `map` lacks
    required: bool = False  # an empty cell is a bad cell
    soft: bool | None = None  # a bad cell drops the cell (true) or the row (false)
    format: DateFormats | None = None
    zone: Zone | None = None
    decimal: DecimalSign | None = None
    thousands: ThousandsSign | None = None
    currency: CurrencyCode | CurrencyColumn | None = None
    scale: Decimal = Field(default=Decimal(1), allow_inf_nan=False)
    hours_per_day: Decimal = Field(default=Decimal(8), gt=0, le=24)
    separator: str = Field(default=",", min_length=1)

    @model_validator(mode="before")
    @classmethod
    def _bare_header(cls, given: Any) -> Any:
        return {"column": given} if isinstance(given, str) else given

    @model_validator(mode="after")
    def _one_origin(self) -> Rule:
        if (self.column is None) == (self.value is None):
            raise ValueError("give either column: (a header) or value: (a constant)")
        return self

    def headers(self) -> Iterator[str]:
        """The columns that this rule needs."""
        if self.column is not None:
            yield self.column
        if isinstance(self.currency, CurrencyColumn):
            yield self.currency.column

    def reading(self, field: ModelField | None) -> str:
        """How the cells are read, for a field of the model or (None) an attribute."""
        return self.as_ or (field.readings[0] if field else "text")

    def written(self, defaults: Defaults) -> Format:
        """How the rule's cells are written, by the rule and else by the defaults."""
        stated = self.currency if isinstance(self.currency, str) else None
        return Format(
            decimal=self.decimal or defaults.decimal,
            thousands=defaults.thousands if self.thousands is None else self.thousands,
            dates=defaults.date if self.format is None else self.format,
            zone=self.zone or defaults.zone or "",
            currency=stated or defaults.currency or "",
            currency_is_stated=stated is not None,
            scale=self.scale,
            hours_per_day=self.hours_per_day,
            separator=self.separator,
            missing=frozenset(word.casefold() for word in (*defaults.missing, "")),
        )


class Skip(_Settings):
    """Rows that are no records, such as totals; one of the conditions must hold."""

    column: str
    empty: bool = False
    is_: Words = Field(default=(), alias="is")
    starts_with: Words = ()

    @model_validator(mode="after")
    def _some_condition(self) -> Skip:
        if not (self.empty or self.is_ or self.starts_with):
            raise ValueError("give a condition: empty: true, is: [words] or starts_with: [words]")
        return self

    def holds(self, text: str) -> bool:
        """Whether a row with this text in the column is skipped."""
        word = text.casefold()
        return (
            (self.empty and not word)
            or word in {each.casefold() for each in self.is_}
            or bool(word and word.startswith(tuple(each.casefold() for each in self.starts_with)))
        )


@dataclasses.dataclass(frozen=True, slots=True)
class ModelField:
    """What the model says of a field."""

    name: str
    type: type  # without None
    required: bool
    may_be_dropped: bool  # absent means "unknown", not some assumed value
    readings: tuple[str, ...]  # what `as:` may be; the first is taken where none is given


@lru_cache(maxsize=64)
def model_fields(kind: str) -> Mapping[str, ModelField]:
    """The fields of a kind that a column can fill."""
    cls = KINDS[kind]
    hints = get_type_hints(cls)
    return {
        f.name: _model_field(f, hints[f.name])
        for f in dataclasses.fields(cls)
        if f.name not in _NOT_MAPPED
    }


def _model_field(field: dataclasses.Field[Any], hint: Any) -> ModelField:
    kinds = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    plain = next(kind for kind in kinds if kind is not NoneType)
    required = field.default is dataclasses.MISSING
    return ModelField(
        name=field.name,
        type=get_origin(plain) or plain,
        required=required,
        may_be_dropped=not required and field.default in (None, "", ()),
        readings=_readings(field.name, get_origin(plain) or plain),
    )


def _readings(name: str, kind: type) -> tuple[str, ...]:
    if kind is int and name.endswith("_s"):
        return DURATIONS
    if kind is Decimal and name.endswith("percent_complete"):
        return ("percent", "decimal")
    by_type: Mapping[type, tuple[str, ...]] = {
        Money: ("money",), Decimal: ("decimal", "percent"), int: ("int",), bool: ("bool",),
        date: ("date",), datetime: ("datetime",), tuple: ("list",),
    }  # fmt: skip
    return by_type.get(kind, ("text", "lower"))


class Table(_Settings):
    """One table: a file or a pattern of files of one shape; its name is the stream's name."""

    file: Annotated[str, AfterValidator(_pattern)]
    kind: Annotated[str, AfterValidator(_kind)]
    sheet: str | None = None
    header_row: Annotated[
        tuple[Annotated[int, Field(ge=1)], ...], BeforeValidator(_listed)
    ] = ()  # default: the first row that is not blank
    key: Words = ()
    columns: Mapping[FieldName, Rule]
    attributes: Mapping[AttributeName, Rule] = Field(default_factory=dict)
    skip_rows: Annotated[tuple[Skip, ...], BeforeValidator(_listed)] = ()
    fill_down: Words = ()  # columns whose empty cells repeat the cell above (merged cells)
    may_be_empty: bool = False
    repeated_rows: Literal["report", "allow"] = "report"  # the same row again, word for word
    defaults: Defaults = Defaults()

    def headers(self) -> tuple[str, ...]:
        """Every column that the file must have, each once, in the order of the settings."""
        rules = (*self.columns.values(), *self.attributes.values())
        named = [header for rule in rules for header in rule.headers()]
        named += [*self.key, *(skip.column for skip in self.skip_rows), *self.fill_down]
        return tuple(dict.fromkeys(named))

    @model_validator(mode="after")
    def _fits_the_model(self) -> Table:
        problems = [*self._fields_missing(), *self._header_rows()]
        known = model_fields(self.kind)
        for name, rule in self.columns.items():
            problems += _misfits(self.kind, name, rule, known)
        _raise_each(problems)
        return self

    def _fields_missing(self) -> Iterator[_Problem]:
        known = model_fields(self.kind)
        misspelt = [suggestion(name, known) for name in self.columns if name not in known]
        for name, field in known.items():
            meant = f'did you mean "{name}"?' in misspelt
            if field.required and name not in self.columns and not meant:
                yield ("columns",), f'{self.kind} needs the field "{name}", which has no column'

    def _header_rows(self) -> Iterator[_Problem]:
        rows = self.header_row
        if rows and rows != tuple(range(rows[0], rows[0] + len(rows))):
            yield ("header_row",), f"{list(rows)} must be one row, or rows that follow each other"


_Problem: TypeAlias = tuple[tuple[str, ...], str]  # where in the block, and what


def _raise_each(problems: Sequence[_Problem]) -> None:
    """Raises all problems at their own places; pydantic puts the table's place before each."""
    if problems:
        raise ValidationError.from_exception_data(
            "table",
            [
                InitErrorDetails(
                    type=PydanticCustomError("files", "{text}", {"text": text}), loc=place, input=""
                )
                for place, text in problems
            ],
        )


def _misfits(
    kind: str, name: str, rule: Rule, known: Mapping[str, ModelField]
) -> Iterator[_Problem]:
    """What is wrong with a rule for a field of the model."""
    here = ("columns", name)
    field = known.get(name)
    if field is None:
        yield here, f'"{name}" is not a field of {kind}; {suggestion(name, known)}'
        return
    if rule.as_ is None and field.readings == DURATIONS and rule.value is None:
        yield here, f"say the unit of the column with as: {', '.join(DURATIONS)}"
    if rule.as_ is not None and rule.as_ not in field.readings:
        yield (*here, "as"), f"{rule.as_} does not fit {name}; use {' or '.join(field.readings)}"
    if rule.soft and field.required:
        yield (*here, "soft"), f"there is no {kind} without {name}: leave soft: out"
    if rule.currency is not None and "money" not in field.readings:
        yield (*here, "currency"), f"{name} is no amount of money"
    yield from _unknown_words(here, rule, choices(field))


def _unknown_words(here: tuple[str, ...], rule: Rule, allowed: Sequence[str]) -> Iterator[_Problem]:
    """The words of a rule that a coded field does not know."""
    words = [((*here, "map", key), word) for key, word in rule.map.items()]
    words += [
        ((*here, name), word)
        for name, word in (("default", rule.default), ("value", rule.value))
        if word is not None
    ]
    for place, word in words if allowed else ():
        if word not in allowed:
            yield place, f'"{word}" is not one of its values; {suggestion(word, allowed)}'


def choices(field: ModelField) -> tuple[str, ...]:
    """The values of a coded field; empty for others."""
    return tuple(str(each) for each in field.type) if issubclass(field.type, Enum) else ()


class FilesSettings(_Settings):
    """A connection of the files connector."""

    folder: str = "."
    defaults: Defaults = Defaults()
    tables: Mapping[Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]*$")], Table] = Field(
        min_length=1
    )
    max_excel_mb: int = Field(default=500, ge=1)  # of one workbook, unpacked

    @model_validator(mode="after")
    def _signs_differ(self) -> FilesSettings:
        _raise_each([p for name, table in self.tables.items() for p in self._clashes(name, table)])
        return self

    def _clashes(self, name: str, table: Table) -> Iterator[_Problem]:
        written = table.defaults.over(self.defaults)
        for block, rules in (("columns", table.columns), ("attributes", table.attributes)):
            for field, rule in rules.items():
                here = ("tables", name, block, field)
                known = model_fields(table.kind).get(field) if block == "columns" else None
                yield from _unreadable(here, rule, rule.reading(known), written)
                sign = rule.decimal or written.decimal
                if sign == (written.thousands if rule.thousands is None else rule.thousands):
                    text = f'decimal and thousands are both "{sign}" for this column'
                    yield here, text


def _unreadable(
    here: tuple[str, ...], rule: Rule, reading: str, written: Defaults
) -> Iterator[_Problem]:
    """Words of a rule that could not be read as a value: every row would be rejected for them."""
    given = [((*here, "map", word), to) for word, to in rule.map.items()]
    given += [((*here, name), getattr(rule, name) or "") for name in ("value", "default")]
    fmt = rule.written(written)
    if isinstance(rule.currency, CurrencyColumn) and not fmt.currency:
        fmt = dataclasses.replace(fmt, currency="EUR")  # any, as each row will name its own
    for place, word in given:
        try:
            read(constant(word), reading, fmt)
        except BadCell as bad:
            yield place, f'"{word}" cannot be used: expected {bad.expected}'
