"""Model records ⇄ rows, at the speed of the driver.

Landing writes rows by the ten thousand, so values pass SQLAlchemy's type processors once, in
closures prepared per table, and go to the driver as tuples (`exec_driver_sql`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from functools import cached_property
from sys import intern
from typing import Any

import orjson
import sqlalchemy as sa

from itpm_sync.model import KINDS, NO_ATTRIBUTES, Money, Record, SourceRef, as_plain
from itpm_sync.store.making import Row, processor, row_columns, row_maker
from itpm_sync.store.schema import (
    COMMON,
    FieldType,
    Processor,
    column_names,
    field_types,
    table_of,
)

_TOLD_ONCE = frozenset({"key", "title", "name", "email", "description", "note"})
"""Texts that differ from record to record. All others are told by many, and kept once: work items
and time entries that are read together take a third less memory."""
TOGETHER = 64  # rows of one statement; SQLite takes 32,766 values, its widest table has 40 columns


def reader(column: sa.Column[Any], dialect: sa.Dialect) -> Processor:
    """How the driver's value of the column becomes ours."""
    return column.type.dialect_impl(dialect).result_processor(dialect, None) or (
        lambda value: value
    )


def placeholders(dialect: sa.Dialect, count: int) -> str:
    """`(?, ?, …)` as the driver writes it."""
    marker = "%s" if dialect.name == "postgresql" else "?"
    return f"({','.join([marker] * count)})"


def upsert_sql(
    table: sa.Table, dialect: sa.Dialect, columns: Sequence[str], update: Iterable[str] | None
) -> str:
    """`INSERT … ON CONFLICT (primary key) DO UPDATE` as text, its values in the order of `columns`.

    `update` limits the columns that an existing row gets; empty: `DO NOTHING`.
    """
    insert: Any
    if dialect.name == "postgresql":  # a dialect costs 30 ms to import: only the one in use
        from sqlalchemy.dialects.postgresql import insert
    else:
        from sqlalchemy.dialects.sqlite import insert
    ordered = (sa.column(name, table.c[name].type) for name in columns)
    statement: Any = insert(sa.table(table.name, *ordered))
    keys = [c.name for c in table.primary_key.columns]
    names = [name for name in columns if name not in keys] if update is None else [*update]
    if names:
        changes = {name: statement.excluded[name] for name in names}
        statement = statement.on_conflict_do_update(index_elements=keys, set_=changes)
    else:
        statement = statement.on_conflict_do_nothing(index_elements=keys)
    return str(statement.compile(dialect=dialect))


class Upsert:
    """Upserts rows whose values are in the order of `columns` and as the driver takes them.

    SQLite gets many rows a statement: its driver lets other threads run after each, and who then
    wants to go on has to wait for them. (PostgreSQL refuses a statement that meets a row twice.)
    """

    def __init__(
        self, table: sa.Table, dialect: sa.Dialect, columns: Sequence[str],
        update: Iterable[str] | None = None,
    ) -> None:  # fmt: skip
        self._one = upsert_sql(table, dialect, columns, update)
        self._marks = f"({', '.join(['?'] * len(columns))})"
        self._full = self._statement(TOGETHER)
        self._together = dialect.name == "sqlite"

    def write(self, connection: sa.Connection, rows: Sequence[Row]) -> None:
        """Upserts all rows."""
        if self._together:
            self._write_together(connection, rows)
        elif rows:
            connection.exec_driver_sql(self._one, list(rows))

    def _write_together(self, connection: sa.Connection, rows: Sequence[Row]) -> None:
        """By the driver's own cursor: nothing of what SQLAlchemy does around one is needed."""
        with closing(connection.connection.cursor()) as cursor:
            for start in range(0, len(rows), TOGETHER):
                values: list[Any] = []
                for row in rows[start : start + TOGETHER]:
                    values += row
                rest = len(rows) - start
                cursor.execute(self._full if rest >= TOGETHER else self._statement(rest), values)

    def _statement(self, count: int) -> str:
        """SQLite's, for so many rows."""
        many = f"VALUES {', '.join([self._marks] * count)}"
        return self._one.replace(f"VALUES {self._marks}", many, 1)


class TableWriter:
    """Upserts of one table, prepared at the first: `rows` are mappings of column names."""

    def __init__(
        self, table: sa.Table, dialect: sa.Dialect, update: Iterable[str] | None = None
    ) -> None:
        self._table, self._dialect, self._update = table, dialect, update

    @cached_property
    def _upsert(self) -> Upsert:
        return Upsert(self._table, self._dialect, self._table.columns.keys(), self._update)

    @cached_property
    def _processed(self) -> Sequence[tuple[str, Processor]]:
        return [(c.name, processor(c, self._dialect)) for c in self._table.columns]

    def write(self, connection: sa.Connection, rows: Iterable[Mapping[str, Any]]) -> None:
        """Upserts all rows."""
        self._upsert.write(connection, [self._row(row) for row in rows])

    def write_rows(self, connection: sa.Connection, rows: Sequence[Row]) -> None:
        """Upserts rows that are in the table's order and as the driver takes them."""
        self._upsert.write(connection, rows)

    def _row(self, row: Mapping[str, Any]) -> Row:
        return tuple([process(row[name]) for name, process in self._processed])


class KindCodec:
    """Rows of one kind. A row's first `HEAD` values are the engine's, the rest the content."""

    ENGINE = ("id", "raw_id", "gone", "gone_since", "state_from", "seen_at")
    HEAD = len(ENGINE)
    ADDRESS = 4  # source_id, connection, stream, url
    STAMP = ADDRESS + COMMON.index("updated_at")  # within the content

    def __init__(self, kind: str, dialect: sa.Dialect) -> None:
        self.kind = kind
        self.cls = KINDS[kind]
        self.table = table_of(kind)
        self.fields = field_types(kind)
        self.columns = (*self.ENGINE, *row_columns(kind))
        self.make = row_maker(kind, dialect)
        table = self.table
        get = {name: reader(table.c[name], dialect) for name in self.columns}
        self.moment: Processor = processor(table.c.state_from, dialect)
        self.read_moment: Processor = get["state_from"]
        self._upsert = Upsert(table, dialect, self.columns)
        self._dialect = dialect
        self.select = sa.select(*(table.c[name] for name in self.columns))
        self._owned = f"{self.select.compile(dialect=dialect)} WHERE raw_id IN "
        self._get = tuple(get[name] for name in self.columns)
        self._decoders = self._field_decoders()

    def write(self, connection: sa.Connection, rows: Sequence[Row]) -> None:
        """Upserts rows (in the order of `columns`)."""
        self._upsert.write(connection, rows)

    def owned_by(self, connection: sa.Connection, raw_ids: Sequence[str]) -> list[Row]:
        """The rows of raw records, as the driver gives them."""
        sql = self._owned + placeholders(self._dialect, len(raw_ids))
        found = connection.exec_driver_sql(sql, tuple(raw_ids))
        return [tuple(row) for row in found]

    def decode(self, row: Sequence[Any]) -> Record:
        """The model record of a row as the driver gives it (in the order of `columns`)."""
        values = [get(value) for get, value in zip(self._get, row, strict=True)]
        return self.build(values)

    def build(self, values: Sequence[Any]) -> Record:
        """The model record of a row whose values are already ours."""
        head, common = self.HEAD, self.HEAD + self.ADDRESS
        source_id, connection, stream, url = values[head:common]
        ref = SourceRef(intern(connection), intern(stream), source_id, url)
        project, package, updated_at, attributes = values[common : common + len(COMMON)]
        own: dict[str, Any] = {
            "project_key": intern(project),
            "work_package": intern(package),
            "updated_at": updated_at,
            "attributes": attributes or NO_ATTRIBUTES,
        }
        for name, make, start in self._decoders:
            own[name] = make(values, start)
        return self.cls(ref=ref, **own)

    def _field_decoders(self) -> list[tuple[str, Callable[[Sequence[Any], int], Any], int]]:
        return [
            (field.name, _maker(field), self.columns.index(column_names(field)[0]))
            for field in self.fields
        ]

    # ---- versions -------------------------------------------------------------------------------

    def to_json(self, record: Record) -> str:
        """A record as canonical JSON, independent of the database."""
        plain = {f.name: as_plain(getattr(record, f.name)) for f in self.fields}
        plain |= {name: as_plain(getattr(record, name)) for name in COMMON}
        ref = record.ref
        plain["ref"] = [ref.connection, ref.stream, ref.source_id, ref.url]
        return orjson.dumps(plain, option=orjson.OPT_SORT_KEYS).decode()

    def from_json(self, text: str) -> Record:
        """The record that `to_json` wrote; fields unknown by then have their defaults."""
        plain = orjson.loads(text)
        own: dict[str, Any] = {
            f.name: _from_plain(f, plain[f.name]) for f in self.fields if f.name in plain
        }
        stamp = plain["updated_at"]
        return self.cls(
            ref=SourceRef(*plain["ref"]),
            project_key=plain["project_key"],
            work_package=plain["work_package"],
            updated_at=None if stamp is None else datetime.fromisoformat(stamp),
            attributes=plain["attributes"],
            **own,
        )


def _maker(field: FieldType) -> Callable[[Sequence[Any], int], Any]:
    if field.base is Money:
        return lambda values, i: None if values[i] is None else Money(values[i], values[i + 1])
    if field.base is tuple:
        return lambda values, i: tuple(values[i])
    if field.base is str and field.name not in _TOLD_ONCE:
        return lambda values, i: intern(values[i]) if values[i] else values[i]
    return lambda values, i: values[i]


def _from_plain(field: FieldType, value: Any) -> Any:
    if value is None:
        return None
    if field.base is Money:
        amount, currency = value.split(" ")
        return Money(Decimal(amount), currency)
    if field.base in (date, datetime):
        return field.base.fromisoformat(value)
    if field.base in (Decimal, tuple) or issubclass(field.base, Enum):
        return field.base(value)
    return value
