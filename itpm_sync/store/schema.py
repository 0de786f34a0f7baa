"""The tables, and how exact values stand in them on SQLite and PostgreSQL.

Every kind of model record has a typed table generated from its dataclass: `table_of(kind)`. Text is
Text (nothing is cut), decimals are exact text, money two columns (amount, currency), times UTC.
The schema of a database changes only by a migration; a test compares both.
"""

# ruff: noqa: ARG002 — the methods of a TypeDecorator have SQLAlchemy's signature

from __future__ import annotations

import dataclasses
import functools
import threading
import types
import typing
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from types import MappingProxyType
from typing import Any

import orjson
import sqlalchemy as sa

from itpm_sync.model import KINDS, Money, Record

LONGEST_ID = 500  # PostgreSQL's index rows end at about 2,700 bytes
VERSION = "0005"  # the newest migration
CAUSES = ("deleted", "moved", "hidden", "merged")  # why a record is absent
Processor = Callable[[Any], Any]
BIGGEST_INT = 2**63 - 1
_WHOLE_SECONDS = len('"2026-03-02T12:00:00+00:00"')


class UtcDateTime(sa.types.TypeDecorator[datetime]):
    """An aware moment, stored in UTC; a naive one is refused.

    On SQLite it is text with microseconds, which sorts as the moments do.
    """

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def bind_processor(self, dialect: sa.Dialect) -> Processor:
        """UTC, or ValueError."""
        return _utc_text if dialect.name == "sqlite" else _utc

    def result_processor(self, dialect: sa.Dialect, coltype: object) -> Processor:
        """Aware UTC."""
        return _from_utc_text if dialect.name == "sqlite" else _utc


def _utc(value: datetime | None) -> datetime | None:
    if value is None:
        return None
    if value.tzinfo is None:
        raise ValueError("the time has no zone")
    return value.astimezone(UTC)


def _utc_text(value: datetime | None) -> str | None:
    """`2026-03-02 12:00:00.000000`. A pulled issue has six stamps, and orjson writes one in a fifth
    of the time that `isoformat` takes; it leaves out a fraction that is nothing."""
    if value is None:
        return None
    if value.tzinfo is not UTC or value.__class__ is not datetime:
        value = _plain_utc(value)
    text = orjson.dumps(value).decode()
    fraction = ".000000" if len(text) == _WHOLE_SECONDS else text[20:27]
    return f"{text[1:11]} {text[12:20]}{fraction}"


def _plain_utc(value: datetime) -> datetime:
    moment = _utc(value)
    return datetime.combine(moment.date(), moment.time(), UTC) if moment else value


def _from_utc_text(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value).replace(tzinfo=UTC)


class ExactDecimal(sa.types.TypeDecorator[Decimal]):
    """A decimal as its exact text: SQLite has no decimals."""

    impl = sa.Text
    cache_ok = True

    def bind_processor(self, dialect: sa.Dialect) -> Processor:
        """`str(value)`."""
        return lambda value: None if value is None else str(value)

    def result_processor(self, dialect: sa.Dialect, coltype: object) -> Processor:
        """The same decimal, trailing zeros included."""
        return lambda value: None if value is None else Decimal(value)


class PlainText(sa.types.TypeDecorator[str]):
    """Text from outside; what no database can hold (NUL, lone surrogates) becomes U+FFFD."""

    impl = sa.Text
    cache_ok = True

    def bind_processor(self, dialect: sa.Dialect) -> Processor:
        """Storable text."""
        return storable

    def result_processor(self, dialect: sa.Dialect, coltype: object) -> None:
        """The text itself."""


def storable(value: str | None) -> str | None:
    """Text without NUL and lone surrogates."""
    if value is None:
        return None
    value = value.replace("\0", "\ufffd")
    try:
        value.encode()
    except UnicodeEncodeError:
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return value


class WholeNumber(sa.types.TypeDecorator[int]):
    """A 64-bit integer; a bigger one is refused with OverflowError before the driver sees it."""

    impl = sa.BigInteger
    cache_ok = True

    def bind_processor(self, dialect: sa.Dialect) -> Processor:
        """The value itself."""
        return _fitting


def _fitting(value: int | None) -> int | None:
    if value is not None and abs(value) > BIGGEST_INT:
        raise OverflowError("it does not fit into 64 bits")
    return value


def refused(value: object) -> bool:
    """Whether a time or a whole number is one that no column takes."""
    if isinstance(value, datetime):
        return value.tzinfo is None
    return isinstance(value, int) and abs(value) > BIGGEST_INT


class Coded(sa.types.TypeDecorator[Enum]):
    """A member of a StrEnum, as its value."""

    impl = sa.Text
    cache_ok = True

    def __init__(self, enum: type[Enum]) -> None:
        super().__init__()
        self.enum = enum

    def bind_processor(self, dialect: sa.Dialect) -> Processor:
        """The member's value."""
        return lambda value: None if value is None else value.value

    def result_processor(self, dialect: sa.Dialect, coltype: object) -> Processor:
        """The member."""
        members = {member.value: member for member in self.enum}
        return lambda value: None if value is None else members[value]


class JsonText(sa.types.TypeDecorator[Any]):
    """JSON as text with sorted keys: the same value gives the same text."""

    impl = sa.Text
    cache_ok = True

    def bind_processor(self, dialect: sa.Dialect) -> Processor:
        """Canonical JSON."""
        return _json

    def result_processor(self, dialect: sa.Dialect, coltype: object) -> Processor:
        """The JSON value."""
        return lambda value: None if value is None else orjson.loads(value)


_JSON = (dict, list, tuple)


def _json(value: Any) -> str | None:
    if value is None:
        return None
    plain = value if isinstance(value, _JSON) else dict(value)
    try:
        return orjson.dumps(plain, option=orjson.OPT_SORT_KEYS).decode()
    except orjson.JSONEncodeError:  # a lone surrogate
        return orjson.dumps(_cleaned(plain), option=orjson.OPT_SORT_KEYS).decode()


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, Mapping):
        return {_cleaned(k): _cleaned(v) for k, v in value.items()}
    return [_cleaned(v) for v in value] if isinstance(value, list | tuple) else value


METADATA = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _key(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Text, primary_key=True)


def _text(name: str) -> sa.Column[Any]:
    return sa.Column(name, PlainText, nullable=False, server_default="")


def _moment(name: str, *, null: bool = True) -> sa.Column[Any]:
    return sa.Column(name, UtcDateTime, nullable=null)


META = sa.Table("meta", METADATA, _key("name"), sa.Column("value", sa.Text, nullable=False))

CONNECTION_STATE = sa.Table(
    "connection_state", METADATA,
    _key("connection"),
    sa.Column("variables", JsonText, nullable=False),
    _text("fingerprint"),
    _moment("updated", null=False),
    sa.Column("memory", JsonText, nullable=False, server_default="{}"),  # the connector's own
    sa.Column("streams", JsonText, nullable=False, server_default="{}"),  # name → scopes
    _moment("remembered_at"),
)  # fmt: skip

RUN = sa.Table(
    "run", METADATA,
    _key("id"),
    _text("job"),
    _moment("started", null=False),
    _moment("finished"),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("counts", JsonText, nullable=False),
    _text("message"),
    sa.Index(None, "started"),
)  # fmt: skip

CHECKPOINT = sa.Table(
    "checkpoint", METADATA,
    _key("connection"), _key("stream"), _key("scope"), _key("partition"),
    _moment("at", null=False),
    _moment("swept_at"),
    sa.Column("detail", JsonText, nullable=False),
)  # fmt: skip

RAW_RECORD = sa.Table(
    "raw_record", METADATA,
    _key("id"),  # connection:stream:source_id
    *(sa.Column(n, sa.Text, nullable=False) for n in ("connection", "stream", "source_id")),
    _text("scope"),
    _moment("updated_at"),
    _moment("seen_at", null=False),  # when this content was landed, and by which run
    sa.Column("run", sa.Text, nullable=False),
    sa.Column("absent", sa.Text),  # NULL, or one of CAUSES
    _moment("absent_since"),
    sa.Column("merged_into", sa.Text),
    sa.Column("hash", sa.LargeBinary, nullable=False),
    sa.Column("fingerprint", sa.Text, nullable=False),  # of the mapping that read it last
    sa.Column("kinds", sa.Text, nullable=False),  # of its mapped rows, space-separated
    sa.Column("url", PlainText),
    sa.Column("body", sa.LargeBinary, nullable=False),  # zstd
    sa.Index(None, "connection", "stream", "scope", "absent"),
)  # fmt: skip

RAW_DICTIONARY = sa.Table(  # append-only: bodies name the one that they need
    "raw_dictionary", METADATA,
    sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
    *(sa.Column(n, sa.Text, nullable=False) for n in ("connection", "stream")),
    sa.Column("body", sa.LargeBinary, nullable=False),
)  # fmt: skip

SIGHTING = sa.Table(  # the census in progress: flat memory, one anti-join finds what is gone
    "sighting", METADATA,
    _key("id"),
    *(sa.Column(n, sa.Text, nullable=False) for n in ("connection", "stream", "source_id")),
    sa.Column("scope", sa.Text, nullable=False),
    sa.Index(None, "connection", "stream"),
    sqlite_with_rowid=False,
)  # fmt: skip

RECORD_VERSION = sa.Table(
    "record_version", METADATA,
    sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("id", sa.Text, nullable=False),
    _moment("state_from", null=False),
    _moment("seen_at", null=False),
    _moment("replaced_at", null=False),
    sa.Column("run", sa.Text, nullable=False),  # the run that replaced it
    sa.Column("data", sa.Text, nullable=False),
    sa.Index(None, "id", "kind", "state_from"),
)  # fmt: skip

REJECTED = sa.Table(
    "rejected", METADATA,
    _key("connection"), _key("stream"), _key("source_id"), _key("place"), _key("field"),
    _text("message"),
    sa.Column("run", sa.Text, nullable=False),
    _moment("first_seen", null=False),
    sa.Column("soft", sa.Boolean, nullable=False, server_default=sa.false()),
)  # fmt: skip

COMPLETENESS = sa.Table(
    "completeness", METADATA,
    _key("run"), _key("connection"), _key("stream"), _key("scope"),
    sa.Column("source_count", sa.BigInteger),
    sa.Column("exact", sa.Boolean, nullable=False),
    sa.Column("stored", sa.BigInteger, nullable=False),
    sa.Column("census_count", sa.BigInteger),
    _moment("as_of"),
    sa.Column("complete", sa.Boolean, nullable=False),
    _text("note"),
    _moment("recorded", null=False),
    sa.Index(None, "connection", "stream", "scope", "recorded"),
)  # fmt: skip

SNAPSHOT = sa.Table(
    "snapshot", METADATA,
    sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
    sa.Column("data_date", sa.Date, nullable=False),
    _moment("created", null=False),
    sa.Column("run", sa.Text, nullable=False),
    sa.Column("hash", sa.LargeBinary, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Index(None, "data_date", "seq"),
)  # fmt: skip

BASELINE = sa.Table(
    "plan_baseline", METADATA,
    _key("project"),
    sa.Column("version", sa.BigInteger, primary_key=True),
    sa.Column("on", sa.Date, nullable=False),
    _text("author"), _text("approval"), _text("change_request"),
    _moment("created", null=False),
)  # fmt: skip

BASELINE_LINE = sa.Table(
    "plan_baseline_line", METADATA,
    _key("project"),
    sa.Column("version", sa.BigInteger, primary_key=True),
    sa.Column("position", sa.BigInteger, primary_key=True),
    sa.Column("section", sa.Text, nullable=False),
    sa.Column("data", JsonText, nullable=False),
    sa.ForeignKeyConstraint(
        ["project", "version"], ["plan_baseline.project", "plan_baseline.version"],
        name="fk_plan_baseline_line_plan_baseline",
    ),
)  # fmt: skip

FINDING_SPAN = sa.Table(  # from which data date a finding stood, and on which it was gone
    "finding_span", METADATA,
    _key("key"),
    sa.Column("since", sa.Date, primary_key=True),
    sa.Column("resolved", sa.Date),
)  # fmt: skip

GATE_RECORD = sa.Table(  # approvals, attestations and their withdrawal; append-only
    "gate_record", METADATA,
    sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
    *(sa.Column(name, sa.Text, nullable=False) for name in ("project", "act", "subject")),
    _text("author"),
    sa.Column("on", sa.Date, nullable=False),
    _moment("recorded", null=False),
    _text("note"), _text("despite"), _text("owner"),
    sa.Column("failing", JsonText, nullable=False),  # of an approval: what was missing
    sa.Index(None, "project", "seq"),
)  # fmt: skip

OUTBOX = sa.Table(
    "outbox", METADATA,
    _key("id"),
    *(sa.Column(name, sa.Text, nullable=False)
      for name in ("connection", "project", "address", "field", "mark", "state")),
    sa.Column("written", PlainText), sa.Column("standing", PlainText),
    sa.Column("pending", PlainText), sa.Column("remote_id", PlainText),
    sa.Column("attempts", sa.BigInteger, nullable=False),
    _text("message"),
    _moment("updated_at"),
)  # fmt: skip


# ---- one table a kind ---------------------------------------------------------------------------

COMMON = ("project_key", "work_package", "updated_at", "attributes")
_OWN = frozenset({"ref", *COMMON})
_PLAIN: Mapping[type, Any] = MappingProxyType(
    {str: PlainText, int: WholeNumber, bool: sa.Boolean, Decimal: ExactDecimal,
     datetime: UtcDateTime, date: sa.Date, tuple: JsonText}
)  # fmt: skip


@dataclasses.dataclass(frozen=True, slots=True)
class FieldType:
    """A model field's declared type: `base` without None, and whether None is allowed."""

    name: str
    base: type
    null: bool


@functools.cache  # its annotations are evaluated, at 1 ms
def field_types(kind: str) -> tuple[FieldType, ...]:
    """The fields that a kind has beyond `Record`, in their declared order."""
    cls = KINDS[kind]
    hints = typing.get_type_hints(cls)
    own = (f.name for f in dataclasses.fields(cls) if f.name not in _OWN)
    return tuple(_field_type(name, hints[name]) for name in own)


def _field_type(name: str, hint: Any) -> FieldType:
    if isinstance(hint, types.UnionType):
        members = [m for m in typing.get_args(hint) if m is not types.NoneType]
        return FieldType(name, typing.get_origin(members[0]) or members[0], null=True)
    return FieldType(name, typing.get_origin(hint) or hint, null=False)


def column_names(field: FieldType) -> tuple[str, ...]:
    """The columns of a field: money has two."""
    if field.base is Money:
        return (field.name, f"{field.name}_currency")
    return (field.name,)


def _typed_columns(field: FieldType) -> list[sa.Column[Any]]:
    names = column_names(field)
    if field.base is Money:
        kinds: list[Any] = [ExactDecimal, sa.Text]
    elif issubclass(field.base, Enum):
        kinds = [Coded(field.base)]
    else:
        kinds = [_PLAIN[field.base]]
    return [sa.Column(n, k, nullable=field.null) for n, k in zip(names, kinds, strict=True)]


def _table(kind: str, cls: type[Record]) -> sa.Table:
    assert cls.kind == kind  # noqa: S101 — KINDS is keyed by it
    return sa.Table(
        kind, METADATA,
        _key("id"),
        *(sa.Column(n, sa.Text, nullable=False) for n in ("connection", "stream", "source_id")),
        sa.Column("url", PlainText),
        sa.Column("raw_id", sa.Text, nullable=False),  # identity of the raw record that owns it
        sa.Column("gone", sa.Text),
        _moment("gone_since"),
        _moment("state_from", null=False),  # this state's begin: as the source says, else seen_at
        _moment("seen_at", null=False),
        _text("project_key"), _text("work_package"),
        _moment("updated_at"),
        sa.Column("attributes", JsonText, nullable=False),
        *(column for f in field_types(kind) for column in _typed_columns(f)),
        sa.Index(None, "raw_id"),
        sqlite_with_rowid=False,
    )  # fmt: skip


def of_stream(table: sa.Table) -> tuple[sa.ColumnElement[bool], ...]:
    """The rows of one stream: a statement's parameters `connection` and `stream`."""
    return tuple(table.c[name] == sa.bindparam(name) for name in ("connection", "stream"))


_MADE = threading.Lock()


def table_of(kind: str) -> sa.Table:
    """The typed table of a kind, made when it is first asked for: a run that finds nothing new
    needs none, and all of them take a thirtieth of its time.
    """
    with _MADE:
        known = METADATA.tables.get(kind)
        return _table(kind, KINDS[kind]) if known is None else known


def all_tables() -> sa.MetaData:
    """The whole schema, with the tables of all kinds."""
    for kind in KINDS:
        table_of(kind)
    return METADATA
