"""Reading model records and raw records, streamed in batches of one transaction each.

A reader never holds a transaction while its caller works: it continues after the last key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from itpm_sync.connector import RawRecord
from itpm_sync.model import Record
from itpm_sync.store.codec import KindCodec
from itpm_sync.store.database import Database
from itpm_sync.store.making import Row
from itpm_sync.store.schema import RAW_RECORD, RECORD_VERSION, table_of
from itpm_sync.store.values import Added, Provenance, StoredRaw

BATCH = 1_000
RAW_BATCH = 200  # bodies are big
ReadBody = Callable[[bytes], bytes]
WholeFrom = Mapping[tuple[str, str, str], datetime]
"""By connection, stream and scope: when it was first proved to have been read whole."""


def records(
    database: Database, codec: KindCodec, *, as_of: datetime | None, gone: bool
) -> Iterator[Record]:
    """Live or gone records of a kind, see `Store.records` and `Store.gone`."""
    table = codec.table.c
    there: sa.ColumnElement[bool]
    if as_of is None:
        there = table.gone.is_not(None) if gone else table.gone.is_(None)
    else:
        left = sa.and_(table.gone.is_not(None), table.gone_since <= as_of)
        there = left if gone else sa.or_(table.gone.is_(None), table.gone_since > as_of)
    query = codec.select.where(there).order_by(table.id).limit(BATCH)
    last = ""
    while True:
        with database.read() as db:
            rows = [tuple(row) for row in db.execute(query.where(table.id > last))]
            earlier = {} if as_of is None else _states_at(db, codec, rows, as_of)
        for row in rows:
            yield earlier[row[0]] if row[0] in earlier else codec.build(row)
        if len(rows) < BATCH:
            return
        last = rows[-1][0]


_PERSONS = (
    ("person", "name"), ("person", "email"), ("work_item", "assignee"), ("work_item", "reporter"),
    ("help_desk_item", "assignee"), ("time_entry", "person"),
)  # fmt: skip


def people(database: Database) -> frozenset[str]:
    """The names of persons in live records."""
    found: set[str] = set()
    with database.read() as db:
        for kind, column in _PERSONS:
            table = table_of(kind).c
            names = sa.select(table[column]).where(table.gone.is_(None)).distinct()
            found.update(name for name in db.execute(names).scalars() if name)
    return frozenset(found)


def first_known_after(database: Database, codec: KindCodec, moment: datetime) -> frozenset[str]:
    """The live records of a kind of which no state by a moment is known."""
    table, former = codec.table.c, RECORD_VERSION.c
    by_then = sa.exists().where(
        former.kind == codec.kind, former.id == table.id, former.state_from <= moment
    )
    query = sa.select(table.id).where(table.gone.is_(None), table.state_from > moment, ~by_then)
    with database.read() as db:
        return frozenset(db.execute(query).scalars())


def scopes(
    database: Database, codec: KindCodec, connection: str, stream: str
) -> Iterator[tuple[str, str]]:
    """The live records of a kind that a stream gave, each with its scope, see `Store.scopes`."""
    table, raw = codec.table.c, RAW_RECORD.c
    query = (
        sa.select(table.id, raw.scope)
        .join(RAW_RECORD, raw.id == table.raw_id)
        .where(raw.connection == connection, raw.stream == stream, table.gone.is_(None))
    )
    with database.read() as db:
        rows = db.execute(query).all()
    yield from ((row.id, row.scope) for row in rows if row.scope)


def added_after(
    database: Database, codec: KindCodec, moment: datetime, whole: WholeFrom
) -> Iterator[Added]:
    """What came after a moment and after its scope had been read whole, see `Store.added_after`."""
    earliest = min(whole.values(), default=None)
    if earliest is None:
        return
    table, former, raw = codec.table.c, RECORD_VERSION.c, RAW_RECORD.c
    states = sa.select(former.id).where(former.kind == codec.kind, former.id == table.id)
    by_then = sa.exists(states.where(former.state_from <= moment))
    first_seen = (
        sa.select(sa.func.min(former.seen_at))
        .where(former.kind == codec.kind, former.id == table.id)
        .scalar_subquery()
    )
    query = (
        sa.select(
            table.id, table.connection, table.stream, raw.scope, table.seen_at,
            sa.type_coerce(first_seen, table.seen_at.type).label("first_seen"),
        )
        .join(RAW_RECORD, raw.id == table.raw_id)
        .where(table.state_from > moment, table.seen_at > earliest, ~by_then)
        .order_by(table.id)
    )  # fmt: skip
    with database.read() as db:
        rows = db.execute(query).all()
    for row in rows:
        scope = row.connection, row.stream, row.scope
        read = whole.get(scope)
        if read is not None and (row.first_seen or row.seen_at) > read:
            yield Added(row.id, *scope)


def _states_at(
    db: sa.Connection, codec: KindCodec, rows: Sequence[Row], as_of: datetime
) -> dict[str, Record]:
    """The former states of those rows whose present one began after `as_of`."""
    late = [row[0] for row in rows if row[4] > as_of]
    if not late:
        return {}
    table = RECORD_VERSION.c
    query = (
        sa.select(table.id, table.state_from, table.data)
        .where(table.kind == codec.kind, table.id.in_(late))
        .order_by(table.id, table.state_from, table.seq)
    )
    chosen: dict[str, str] = {}
    for identity, since, data in db.execute(query):
        if identity not in chosen or since <= as_of:
            chosen[identity] = data
    return {identity: codec.from_json(data) for identity, data in chosen.items()}


def versions(
    database: Database, codec: KindCodec, identity: str
) -> tuple[tuple[datetime, Record], ...]:
    """Every known state of a record, oldest first."""
    table = RECORD_VERSION.c
    former = (
        sa.select(table.state_from, table.data)
        .where(table.kind == codec.kind, table.id == identity)
        .order_by(table.state_from, table.seq)
    )
    with database.read() as db:
        states = [(since, codec.from_json(data)) for since, data in db.execute(former)]
        row = db.execute(codec.select.where(codec.table.c.id == identity)).first()
    if row is not None:
        states.append((row[4], codec.build(tuple(row))))
    return tuple(states)


def raw_records(
    database: Database, read: ReadBody, connection: str, stale_for: str | None
) -> Iterator[StoredRaw]:
    """Raw records of a connection, see `Store.raw_records`."""
    table = RAW_RECORD.c
    query = sa.select(RAW_RECORD).where(table.connection == connection)
    if stale_for is not None:
        query = query.where(table.fingerprint != stale_for)
    query = query.order_by(table.id).limit(RAW_BATCH)
    last = ""
    while True:
        with database.read() as db:
            rows = db.execute(query.where(table.id > last)).all()
        for row in rows:
            yield _stored_raw(row, read(row.body))
        if len(rows) < RAW_BATCH:
            return
        last = rows[-1].id


def raw_record(
    database: Database, read: ReadBody, connection: str, stream: str, source_id: str
) -> StoredRaw | None:
    """One raw record, or None."""
    query = sa.select(RAW_RECORD).where(RAW_RECORD.c.id == f"{connection}:{stream}:{source_id}")
    with database.read() as db:
        row = db.execute(query).first()
    return None if row is None else _stored_raw(row, read(row.body))


def provenance(
    database: Database, codec: KindCodec, identities: Sequence[str], *, as_of: datetime | None
) -> Iterator[tuple[str, Provenance]]:
    """The raw record behind each model record of a kind, batch by batch, see `Store.provenance`."""
    table = codec.table.c
    query = sa.select(
        table.id, table.raw_id, RAW_RECORD.c.run, RAW_RECORD.c.seen_at, table.state_from
    ).join(RAW_RECORD, RAW_RECORD.c.id == table.raw_id)
    for start in range(0, len(identities), BATCH):
        with database.read() as db:
            rows = db.execute(query.where(table.id.in_(identities[start : start + BATCH]))).all()
            late = [] if as_of is None else [row.id for row in rows if row.state_from > as_of]
            former = _former(db, codec.kind, late, as_of) if as_of and late else {}
        for identity, raw_id, run, seen_at, _ in rows:
            now = Provenance(raw_id=raw_id, run=run, seen_at=seen_at)
            then = former.get(identity)
            yield identity, now if then is None else replace(then, raw_id=raw_id)


def _former(
    db: sa.Connection, kind: str, identities: Sequence[str], as_of: datetime
) -> dict[str, Provenance]:
    """When the states at `as_of` were first seen, and by which run: that which replaced the state
    before. Who saw the first state of a record is not kept.
    """
    table = RECORD_VERSION.c
    query = (
        sa.select(table.id, table.state_from, table.seen_at, table.run)
        .where(table.kind == kind, table.id.in_(identities))
        .order_by(table.id, table.state_from, table.seq)
    )
    chosen: dict[str, Provenance] = {}
    before: dict[str, str] = {}
    for identity, since, seen_at, replaced_by in db.execute(query):
        if identity not in chosen or since <= as_of:
            run = before.get(identity, "")
            chosen[identity] = Provenance(raw_id="", run=run, seen_at=seen_at, superseded=True)
        before[identity] = replaced_by
    return chosen


def _stored_raw(row: Any, body: bytes) -> StoredRaw:
    raw = RawRecord(
        source_id=row.source_id, body=body, scope=row.scope, updated_at=row.updated_at,
        url=row.url, deleted=row.absent == "deleted", merged_into=row.merged_into,
    )  # fmt: skip
    return StoredRaw(
        connection=row.connection, stream=row.stream, raw=raw, run=row.run, seen_at=row.seen_at,
        absent=row.absent, absent_since=row.absent_since,
    )  # fmt: skip
