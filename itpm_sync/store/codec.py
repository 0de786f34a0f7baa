"""Model records ⇄ rows, at the speed of the driver.

Landing writes rows by the ten thousand, so values pass SQLAlchemy's type processors once, in
closures prepared per table, and go to the driver as tuples (`exec_driver_sql`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from operator import attrgetter, itemgetter
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from itpm_sync.errors import RecordError
from itpm_sync.model import KINDS, Money, Record, SourceRef, as_plain
from itpm_sync.store.schema import (
    COMMON,
    TABLES,
    FieldType,
    PlainText,
    Processor,
    column_names,
    field_types,
    storable,
)

Row = tuple[Any, ...]
LONGEST_ID = 500  # PostgreSQL's index rows end at about 2,700 bytes


def _same(value: Any) -> Any:
    return value


def writer(column: sa.Column[Any], dialect: sa.Dialect) -> Processor:
    """How a value of the column goes to the driver."""
    return column.type.dialect_impl(dialect).bind_processor(dialect) or _same


def reader(column: sa.Column[Any], dialect: sa.Dialect) -> Processor:
    """How the driver's value of the column becomes ours."""
    return column.type.dialect_impl(dialect).result_processor(dialect, None) or _same


def upsert_sql(
    table: sa.Table, dialect: sa.Dialect, *, update: Iterable[str] | None = None
) -> tuple[str, tuple[str, ...]]:
    """`INSERT … ON CONFLICT (primary key) DO UPDATE` as text, and the order of its values.

    `update` limits the columns that an existing row gets; empty: `DO NOTHING`.
    """
    insert = postgresql.insert if dialect.name == "postgresql" else sqlite.insert
    statement: Any = insert(table)
    keys = [c.name for c in table.primary_key.columns]
    names = [c.name for c in table.columns if c.name not in keys] if update is None else [*update]
    if names:
        changes = {name: statement.excluded[name] for name in names}
        statement = statement.on_conflict_do_update(index_elements=keys, set_=changes)
    else:
        statement = statement.on_conflict_do_nothing(index_elements=keys)
    compiled = statement.compile(dialect=dialect)
    return str(compiled), tuple(compiled.positiontup)


class TableWriter:
    """Prepared upserts of one table: `rows` are mappings of column names."""

    def __init__(
        self, table: sa.Table, dialect: sa.Dialect, update: Iterable[str] | None = None
    ) -> None:
        self.sql, order = upsert_sql(table, dialect, update=update)
        self._pick = itemgetter(*order)
        self._processed = _processors([writer(table.c[name], dialect) for name in order])

    def write(self, connection: sa.Connection, rows: Iterable[Mapping[str, Any]]) -> None:
        """Upserts all rows by one executemany."""
        values = [self._row(row) for row in rows]
        if values:
            connection.exec_driver_sql(self.sql, values)

    def _row(self, row: Mapping[str, Any]) -> Row:
        values = list(self._pick(row))
        for i, process in self._processed:
            values[i] = process(values[i])
        return tuple(values)


def _processors(processors: Sequence[Processor]) -> tuple[tuple[int, Processor], ...]:
    """Those that do something, with their place."""
    return tuple((i, process) for i, process in enumerate(processors) if process is not _same)


class KindCodec:
    """Rows of one kind. A row's first `HEAD` values are the engine's, the rest the content."""

    ENGINE = ("id", "raw_id", "gone", "gone_since", "state_from", "seen_at")
    HEAD = len(ENGINE)
    ADDRESS = 4  # source_id, connection, stream, url
    UPDATED_AT = HEAD + ADDRESS + COMMON.index("updated_at")

    def __init__(self, kind: str, dialect: sa.Dialect) -> None:
        self.kind = kind
        self.cls = KINDS[kind]
        self.table = TABLES[kind]
        self.fields = field_types(kind)
        plain = [field.name for field in self.fields if field.base is not Money]
        self._money = [field.name for field in self.fields if field.base is Money]
        own = ["source_id", "connection", "stream", "url", *COMMON, *plain]
        amounts = [f"{name}{part}" for name in self._money for part in ("", "_currency")]
        self.columns = (*self.ENGINE, *own, *amounts)
        table = self.table
        put = {name: writer(table.c[name], dialect) for name in self.columns}
        get = {name: reader(table.c[name], dialect) for name in self.columns}
        self.moment: Processor = put["state_from"]
        self.read_moment: Processor = get["state_from"]
        self.upsert, order = upsert_sql(table, dialect)
        self._permute = itemgetter(*(self.columns.index(name) for name in order))
        self._pick = attrgetter("ref.source_id", "ref.connection", "ref.stream", "ref.url",
                                *COMMON, *plain)  # fmt: skip
        self._texts = itemgetter(*(i for i, n in enumerate(own) if _is_text(table.c[n])))
        self._texts_at = tuple(i for i, n in enumerate(own) if put[n] is storable)
        self._processed = _processors([_same if put[n] is storable else put[n] for n in own])
        self._marker = "%s" if dialect.name == "postgresql" else "?"
        self.select = sa.select(*(table.c[name] for name in self.columns))
        self._owned = f"{self.select.compile(dialect=dialect)} WHERE raw_id IN ("
        self._get = tuple(get[name] for name in self.columns)
        self._decoders = self._field_decoders()

    def content(self, record: Record) -> Row:
        """The record's own values as the driver takes them.

        Raises RecordError for a value that no database can hold.
        """
        values = list(self._pick(record))
        texts = "".join(self._texts(values))  # one look at all of them: nearly always plain
        if not texts.isascii() or "\0" in texts or len(values[0]) > LONGEST_ID:
            check_id(values[0], record.ref.url or record.id[:LONGEST_ID])
            for i in self._texts_at:
                values[i] = storable(values[i])
        values[3] = storable(values[3])
        for i, process in self._processed:
            try:
                values[i] = process(values[i])
            except (OverflowError, ValueError, TypeError) as error:
                raise RecordError(
                    field=self.columns[self.HEAD + i], value=values[i],
                    expected="a value that can be stored", place=record.ref.url or record.id,
                    hint=str(error),
                ) from error  # fmt: skip
        for name in self._money:
            money = getattr(record, name)
            values += (None, None) if money is None else (str(money.amount), money.currency)
        return tuple(values)

    def write(self, connection: sa.Connection, rows: Sequence[Row]) -> None:
        """Upserts rows (in the order of `columns`) by one executemany."""
        if rows:
            permute = self._permute
            connection.exec_driver_sql(self.upsert, [permute(row) for row in rows])

    def owned_by(self, connection: sa.Connection, raw_ids: Sequence[str]) -> list[Row]:
        """The rows of raw records, as the driver gives them."""
        sql = self._owned + ",".join([self._marker] * len(raw_ids)) + ")"
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
        ref = SourceRef(connection, stream, source_id, url)
        own: dict[str, Any] = dict(
            zip(
                COMMON, values[head + self.ADDRESS : head + self.ADDRESS + len(COMMON)], strict=True
            )
        )
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


def _is_text(column: sa.Column[Any]) -> bool:
    return isinstance(column.type, sa.Text | PlainText) and not column.nullable


def check_id(source_id: str, place: str) -> None:
    """Raises RecordError for an id that cannot be a key of both databases."""
    if len(source_id) > LONGEST_ID or storable(source_id) != source_id:
        raise RecordError(
            field="id", value=source_id,
            expected=f"an id of at most {LONGEST_ID} characters, without NUL or half surrogates",
            place=place,
        )  # fmt: skip


def _maker(field: FieldType) -> Callable[[Sequence[Any], int], Any]:
    if field.base is Money:
        return lambda values, i: None if values[i] is None else Money(values[i], values[i + 1])
    if field.base is tuple:
        return lambda values, i: tuple(values[i])
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
