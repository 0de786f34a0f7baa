"""Model records ⇄ rows, at the speed of the driver.

Landing writes rows by the ten thousand, so values pass SQLAlchemy's type processors once, in
closures prepared per table, and go to the driver as tuples (`exec_driver_sql`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from operator import attrgetter
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from itpm_sync.errors import RecordError
from itpm_sync.model import KINDS, Money, Record, SourceRef, as_plain
from itpm_sync.store.schema import COMMON, TABLES, FieldType, Processor, column_names, field_types

Row = tuple[Any, ...]


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
        self._order = tuple((name, writer(table.c[name], dialect)) for name in order)

    def write(self, connection: sa.Connection, rows: Iterable[Mapping[str, Any]]) -> None:
        """Upserts all rows by one executemany."""
        values = [tuple(process(row[name]) for name, process in self._order) for row in rows]
        if values:
            connection.exec_driver_sql(self.sql, values)


class KindCodec:
    """Rows of one kind. A row's first `HEAD` values are the engine's, the rest the content."""

    ENGINE = ("id", "raw_id", "gone", "gone_since", "state_from", "seen_at")
    HEAD = len(ENGINE)
    UPDATED_AT = HEAD + 4 + COMMON.index("updated_at")

    def __init__(self, kind: str, dialect: sa.Dialect) -> None:
        self.kind = kind
        self.cls = KINDS[kind]
        self.table = TABLES[kind]
        self.fields = field_types(kind)
        names = [*self.ENGINE, "connection", "stream", "source_id", "url", *COMMON]
        names += [column for field in self.fields for column in column_names(field)]
        self.columns = tuple(names)
        table, put = self.table, {n: writer(self.table.c[n], dialect) for n in names}
        get = {n: reader(self.table.c[n], dialect) for n in names}
        self.moment: Processor = put["state_from"]
        self.read_moment: Processor = get["state_from"]
        sql, order = upsert_sql(table, dialect)
        self.upsert = sql
        self._permute = tuple(self.columns.index(name) for name in order)
        marker = "%s" if dialect.name == "postgresql" else "?"
        self.select = sa.select(*(table.c[n] for n in names))
        self._owned = f"{self.select.compile(dialect=dialect)} WHERE raw_id IN ("
        self._marker = marker
        self._encoders = self._content_encoders(put)
        self._get = tuple(get[n] for n in names)
        self._decoders = self._field_decoders()

    def _content_encoders(self, put: Mapping[str, Processor]) -> list[tuple[str, Processor, Any]]:
        pairs: list[tuple[str, Processor, Any]] = [
            ("connection", attrgetter("ref.connection"), _same),
            ("stream", attrgetter("ref.stream"), _same),
            ("source_id", attrgetter("ref.source_id"), put["source_id"]),
            ("url", attrgetter("ref.url"), put["url"]),
        ]
        pairs += [(name, attrgetter(name), put[name]) for name in COMMON]
        for field in self.fields:
            if field.base is Money:
                amount, currency = column_names(field)
                pairs.append((amount, _part(field.name, "amount"), put[amount]))
                pairs.append((currency, _part(field.name, "currency"), put[currency]))
            else:
                pairs.append((field.name, attrgetter(field.name), put[field.name]))
        return pairs

    def content(self, record: Record) -> Row:
        """The record's own values as the driver takes them.

        Raises RecordError for a value that no database can hold.
        """
        try:
            return tuple([put(get(record)) for _, get, put in self._encoders])
        except (OverflowError, ValueError, TypeError) as error:
            raise self._misfit(record, error) from error

    def _misfit(self, record: Record, error: Exception) -> RecordError:
        for name, get, put in self._encoders:
            try:
                put(get(record))
            except (OverflowError, ValueError, TypeError):
                return RecordError(
                    field=name, value=get(record), expected="a value that can be stored",
                    place=record.ref.url or record.id, hint=str(error),
                )  # fmt: skip
        raise error

    def write(self, connection: sa.Connection, rows: Sequence[Row]) -> None:
        """Upserts rows (in the order of `columns`) by one executemany."""
        if rows:
            order = self._permute
            values = [tuple([row[i] for i in order]) for row in rows]
            connection.exec_driver_sql(self.upsert, values)

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
        head = self.HEAD
        ref = SourceRef(*values[head : head + 4])
        own: dict[str, Any] = dict(
            zip(COMMON, values[head + 4 : head + 4 + len(COMMON)], strict=True)
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


def _part(name: str, part: str) -> Processor:
    get = attrgetter(name)

    def value(record: Record) -> Any:
        money = get(record)
        return None if money is None else getattr(money, part)

    return value


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
