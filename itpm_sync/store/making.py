"""The function that makes a row of a record's values, generated for one kind and database.

It takes what the record's class takes (`ref=…, title=…`), so a mapping can make rows without
making records first: a pull makes four rows an issue and needs no record. Its text is made of the
model's own names only.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC
from enum import Enum
from typing import Any, NamedTuple

import sqlalchemy as sa

from itpm_sync.errors import RecordError
from itpm_sync.model import KINDS, Money, Record
from itpm_sync.store.schema import (
    COMMON,
    LONGEST_ID,
    JsonText,
    PlainText,
    Processor,
    UtcDateTime,
    WholeNumber,
    field_types,
    storable,
    table_of,
)

Row = tuple[Any, ...]
_FALLS = (OverflowError, ValueError, TypeError)


class Made(NamedTuple):
    """The row of one model record: its own values as the driver takes them."""

    kind: str
    identity: str
    place: str  # for messages: the record's address
    row: Row


MakeRow = Callable[..., Made]
"""Takes the keyword arguments of the kind's class. Raises RecordError for a value that no
database can hold."""


def made(record: Record, make: Callable[[type[Record]], MakeRow]) -> Made:
    """The row of a record that is there already."""
    values = {field.name: getattr(record, field.name) for field in dataclasses.fields(record)}
    return make(type(record))(**values)


def row_maker(kind: str, dialect: sa.Dialect) -> MakeRow:
    """The function for one kind; its rows are in the order of `row_columns`."""
    return _Source(kind, dialect).function()


def row_columns(kind: str) -> tuple[str, ...]:
    """The columns of a kind that a record fills itself."""
    plain = [f.name for f in field_types(kind) if f.base is not Money]
    money = [f.name for f in field_types(kind) if f.base is Money]
    amounts = [f"{name}{part}" for name in money for part in ("", "_currency")]
    return ("source_id", "connection", "stream", "url", *COMMON, *plain, *amounts)


def processor(column: sa.Column[Any], dialect: sa.Dialect) -> Processor:
    """How a value of the column goes to the driver."""
    return column.type.dialect_impl(dialect).bind_processor(dialect) or _same


def _same(value: Any) -> Any:
    return value


class _Source:
    def __init__(self, kind: str, dialect: sa.Dialect) -> None:
        self._kind, self._dialect = kind, dialect
        self._types = {f.name: f for f in field_types(kind)}
        self._fields = [f for f in dataclasses.fields(KINDS[kind]) if f.name != "ref"]
        self._own = {f.name for f in self._fields}
        columns = table_of(kind).c
        self._put = {name: processor(columns[name], dialect) for name in row_columns(kind)}
        self._names: dict[str, Any] = {
            "Made": Made, "RecordError": RecordError, "FALLS": _FALLS, "UTC": UTC,
            "EMPTY": {}, "fits": _fits, "storable": storable, "explain": _explain,
        }  # fmt: skip

    def function(self) -> MakeRow:
        values = ", ".join(map(self._value, self._put))
        texts = "".join(f"{{{name}}}" for name in self._texts())
        self._names |= {f"put_{name}": process for name, process in self._put.items()}
        self._names["PUT"] = {n: p for n, p in self._put.items() if n in self._own}
        clean = [f"        {name} = storable({name})" for name in self._texts()]
        lines = [
            f"def make(*, ref, {', '.join(map(self._parameter, self._fields))}):",
            "    source_id = ref.source_id",
            "    place = ref.url or ref.identity",
            f"    if not fits(source_id, f'{texts}', place):",
            *(clean or ["        pass"]),
            "    url = ref.url",
            "    if url is not None and ('\\0' in url or not url.isascii()): url = storable(url)",
            "    try:",
            f"        row = ({values},)",
            "    except FALLS as error:",
            "        explain(error, PUT, locals(), place)",
            f"    return Made({self._kind!r}, ref.identity, place, row)",
        ]
        exec("\n".join(lines), self._names)  # noqa: S102 — the model's own names only
        made: MakeRow = self._names["make"]
        return made

    def _parameter(self, field: dataclasses.Field[Any]) -> str:
        if field.default is dataclasses.MISSING:
            required = field.default_factory is dataclasses.MISSING
            return field.name if required else f"{field.name}=EMPTY"
        self._names[f"default_{field.name}"] = field.default
        return f"{field.name}=default_{field.name}"

    def _texts(self) -> Sequence[str]:
        own = [f.name for f in self._types.values() if f.base is str and not f.null]
        return ["project_key", "work_package", *own]

    def _value(self, column: str) -> str:  # noqa: PLR0911 — a table of types
        """An expression for the value of a column; what is common stands in it, else a call."""
        if column in ("connection", "stream"):
            return f"ref.{column}"
        if column in ("source_id", "url", *self._texts()):
            return column
        kind, put = table_of(self._kind).c[column].type, f"put_{column}({column})"
        money = column.removesuffix("_currency")
        if money in self._types and self._types[money].base is Money:
            part = f"{money}.currency" if column != money else f"str({money}.amount)"
            return f"None if {money} is None else {part}"
        if isinstance(kind, UtcDateTime) and self._dialect.name == "sqlite":
            text = f"{column}.isoformat(' ', 'microseconds')[:26]"
            return f"None if {column} is None else {text} if {column}.tzinfo is UTC else {put}"
        if isinstance(kind, JsonText):
            empty = "{}" if column == "attributes" else "[]"
            return f"{put} if {column} else '{empty}'"
        if isinstance(kind, WholeNumber):
            return f"{column} if {column} is None else {put}"
        if column in self._types and issubclass(self._types[column].base, Enum):
            return f"None if {column} is None else {column}._value_"
        if isinstance(kind, PlainText):
            return put
        return column if self._put[column] is _same else f"None if {column} is None else {put}"


def _fits(source_id: str, texts: str, place: str) -> bool:
    """Whether texts can be stored as they are. Raises RecordError for an id that cannot."""
    if len(source_id) <= LONGEST_ID and "\0" not in texts and "\0" not in source_id:
        try:
            texts.encode()
            source_id.encode()
        except UnicodeEncodeError:
            pass
        else:
            return True
    check_id(source_id, place)
    return False


def check_id(source_id: str, place: str) -> None:
    """Raises RecordError for an id that cannot be a key of both databases."""
    if len(source_id) > LONGEST_ID or storable(source_id) != source_id:
        raise RecordError(
            field="id", value=source_id,
            expected=f"an id of at most {LONGEST_ID} characters, without NUL or half surrogates",
            place=place[:LONGEST_ID],
        )  # fmt: skip


def _explain(
    error: Exception, put: Mapping[str, Processor], values: Mapping[str, Any], place: str
) -> None:
    """Raises RecordError for the value that failed."""
    for name, process in put.items():
        try:
            process(values[name])
        except _FALLS as problem:
            raise RecordError(
                field=name, value=values[name], expected="a value that can be stored",
                place=place, hint=str(problem),
            ) from error  # fmt: skip
    raise error
