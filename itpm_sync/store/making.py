"""The function that makes a row of a record's values, generated for one kind and database.

It takes the values of the fields of the record's class, in their order, so a mapping can make rows
without making records first: a pull makes four rows an issue and needs no record. What is common is
written out, which a test holds equal to what the columns' own processors give. Its text is made of
the model's own names only.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from enum import Enum
from typing import Any

import sqlalchemy as sa

from itpm_sync.errors import RecordError
from itpm_sync.model import KINDS, Money, Record
from itpm_sync.store.schema import (
    BIGGEST_INT,
    COMMON,
    LONGEST_ID,
    JsonText,
    PlainText,
    Processor,
    WholeNumber,
    field_types,
    storable,
    table_of,
)

Row = tuple[Any, ...]
_FALLS = (OverflowError, ValueError, TypeError)


Made = tuple[str, str, Row]
"""Kind and identity of a model record, and its row: its own values as the driver takes them."""

MakeRow = Callable[..., Made]
"""Takes the values of all fields of the kind's class, in their order. Raises RecordError for a
value that no database can hold."""


def made(record: Record, make: Callable[[type[Record]], MakeRow]) -> Made:
    """The row of a record that is there already."""
    values = [getattr(record, field.name) for field in dataclasses.fields(record)]
    return make(type(record))(*values)


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
        self._fields = [f.name for f in dataclasses.fields(KINDS[kind])]
        columns = table_of(kind).c
        self._put = {name: processor(columns[name], dialect) for name in row_columns(kind)}
        self._names: dict[str, Any] = {
            "FALLS": _FALLS, "date": date, "encodable": _encodable, "check_id": check_id,
            "storable": storable, "explain": _explain,
        }  # fmt: skip

    def function(self) -> MakeRow:
        values = ", ".join(map(self._value, self._put))
        texts = "".join(f"{{{name}}}" for name in ("source_id", "url", *self._texts()))
        self._names |= {f"put_{name}": process for name, process in self._put.items()}
        self._names["PUT"] = {n: p for n, p in self._put.items() if n in self._fields}
        clean = [f"        {name} = storable({name})" for name in ("url", *self._texts())]
        lines = [
            f"def make({', '.join(self._fields)}):",
            "    connection, stream = ref.connection, ref.stream",
            "    source_id, url = ref.source_id, ref.url",
            "    identity = f'{connection}:{stream}:{source_id}'",
            f"    texts = f'{texts}'",
            "    good = (texts.isascii() or encodable(texts)) and '\\0' not in texts",
            f"    if not good or len(source_id) > {LONGEST_ID}:",
            "        check_id(source_id, url or identity)",
            *clean,
            "    try:",
            f"        row = ({values},)",
            "    except FALLS as error:",
            "        explain(error, PUT, locals(), url or identity)",
            f"    return {self._kind!r}, identity, row",
        ]
        exec("\n".join(lines), self._names)  # noqa: S102 — the model's own names only
        made: MakeRow = self._names["make"]
        return made

    def _texts(self) -> Sequence[str]:
        own = [f.name for f in self._types.values() if f.base is str and not f.null]
        return ["project_key", "work_package", *own]

    def _value(self, column: str) -> str:  # noqa: PLR0911 — a table of types
        """An expression for the value of a column; what is common stands in it, else a call."""
        if column in ("connection", "stream", "source_id", "url", *self._texts()):
            return column
        kind, put = table_of(self._kind).c[column].type, f"put_{column}({column})"
        money = column.removesuffix("_currency")
        if money in self._types and self._types[money].base is Money:
            part = f"{money}.currency" if column != money else f"str({money}.amount)"
            return f"None if {money} is None else {part}"
        if isinstance(kind, sa.Date) and self._dialect.name == "sqlite":
            return f"{column}.isoformat() if {column}.__class__ is date else {put}"
        if isinstance(kind, JsonText):
            empty = "{}" if column == "attributes" else "[]"
            return f"{put} if {column} else '{empty}'"
        if isinstance(kind, WholeNumber):
            fits = f"-{BIGGEST_INT} <= {column} <= {BIGGEST_INT}"
            return f"{column} if {column} is None or {fits} else {put}"
        if column in self._types and issubclass(self._types[column].base, Enum):
            return f"None if {column} is None else {column}._value_"
        if isinstance(kind, PlainText):
            return put
        return column if self._put[column] is _same else f"None if {column} is None else {put}"


def _encodable(text: str) -> bool:
    """Whether a text has no lone surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


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
