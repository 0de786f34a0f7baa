"""What a census says of a stream: the listed ids stand in a table, so memory stays flat.

The queries compare; who decides whether to believe a census is the pull.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from itpm_sync.store.landing import UNREAD, bury_rows, chunks
from itpm_sync.store.making import Row
from itpm_sync.store.schema import CAUSES, RAW_RECORD, REJECTED, SIGHTING, of_stream
from itpm_sync.store.values import ScopeCensus


def _of(table: sa.Table, connection: str, stream: str) -> tuple[sa.ColumnElement[bool], ...]:
    return (table.c.connection == connection, table.c.stream == stream)


def forget(database: sa.Connection, connection: str, stream: str) -> None:
    """Begins a census: nothing has been listed yet."""
    database.execute(SIGHTING.delete().where(*_of(SIGHTING, connection, stream)))


def sightings(connection: str, stream: str, scope: str, source_ids: Iterable[str]) -> list[Row]:
    """The rows that say that a scope listed these ids, in the order of the table."""
    owner = f"{connection}:{stream}:"
    return [(owner + i, connection, stream, i, scope) for i in dict.fromkeys(source_ids)]


def compare(
    database: sa.Connection, connection: str, stream: str, run: str
) -> tuple[ScopeCensus, ...]:
    """The census against the store, a value for each scope of either.

    Listing and reading take their time, so what `run` itself has read of a record counts more than
    the listing: what it landed is not missing but `fresh`, where it says that a record is now, it
    is, and what the source told it is gone is not listed.
    """
    raw, seen = RAW_RECORD.c, SIGHTING.c
    live = (*_of(RAW_RECORD, connection, stream), raw.absent.is_(None))
    listed = _of(SIGHTING, connection, stream)
    same = seen.id == raw.id
    stored = dict(_pairs(database, sa.select(raw.scope, sa.func.count()).where(*live), raw.scope))
    lacking = (
        sa.select(raw.scope, raw.source_id, raw.run == run)
        .where(*live)
        .where(~sa.exists().where(same))
    )
    missing, fresh = _split(database.execute(lacking))
    unknown = _by_scope(
        database.execute(
            sa.select(seen.scope, seen.source_id)
            .where(*listed)
            .where(~sa.exists().where(same, sa.or_(raw.absent.is_(None), raw.run == run)))
        )
    )
    moved = _by_scope(
        database.execute(
            sa.select(seen.scope, seen.source_id)
            .join(RAW_RECORD, same)
            .where(*listed, raw.absent.is_(None), raw.scope != seen.scope, raw.run != run)
        )
    )
    counted = _listed(database, connection, stream, run)
    return tuple(
        ScopeCensus(
            scope=scope,
            stored=stored.get(scope, 0),
            listed=counted.get(scope, 0),
            fresh=len(fresh[scope]),
            missing=tuple(missing[scope]),
            unknown=tuple(unknown[scope]),
            moved=tuple(moved[scope]),
        )
        for scope in sorted({*stored, *counted})
    )


def _listed(database: sa.Connection, connection: str, stream: str, run: str) -> dict[str, int]:
    """How many records each scope lists, as `run` knows better."""
    raw, seen = RAW_RECORD.c, SIGHTING.c
    told = sa.and_(seen.id == raw.id, raw.run == run)
    rows = (
        sa.select(sa.func.coalesce(raw.scope, seen.scope).label("scope"))
        .select_from(SIGHTING.outerjoin(RAW_RECORD, told))
        .where(*_of(SIGHTING, connection, stream), raw.absent.is_(None))
        .subquery()
    )
    return dict(_pairs(database, sa.select(rows.c.scope, sa.func.count()), rows.c.scope))


def _split(
    rows: Iterable[Any],
) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Ids by scope: those of earlier runs, and those of this one."""
    earlier, ours = defaultdict[str, list[str]](list), defaultdict[str, list[str]](list)
    for scope, source_id, own in rows:
        (ours if own else earlier)[scope].append(source_id)
    return earlier, ours


def forget_unlisted(database: sa.Connection, connection: str, stream: str, run: str) -> None:
    """Drops rejections of records that a census does not list and that are not stored: they are
    gone, and were never read. Those of `run` stay: its listing may lag behind.
    """
    rejected = REJECTED.c
    identity = rejected.connection + ":" + rejected.stream + ":" + rejected.source_id
    database.execute(
        REJECTED.delete().where(
            *_of(REJECTED, connection, stream),
            rejected.source_id != "",
            rejected.run != run,
            ~sa.exists().where(SIGHTING.c.id == identity),
            ~sa.exists().where(RAW_RECORD.c.id == identity, RAW_RECORD.c.absent.is_(None)),
        )
    )


_UNREAD = (
    sa.select(RAW_RECORD.c.scope, RAW_RECORD.c.source_id)
    .distinct()
    .select_from(
        REJECTED.join(
            RAW_RECORD,
            RAW_RECORD.c.id
            == REJECTED.c.connection + ":" + REJECTED.c.stream + ":" + REJECTED.c.source_id,
        )
    )
    .where(
        *of_stream(REJECTED),
        REJECTED.c.run != sa.bindparam("run"),
        REJECTED.c.first_seen >= sa.bindparam("since"),
        RAW_RECORD.c.absent.is_(None),
        RAW_RECORD.c.hash == UNREAD,
    )
)


def unread(
    database: sa.Connection, connection: str, stream: str, run: str, since: datetime
) -> dict[str, list[str]]:
    """The ids, by scope, of live records that the connector could not read, as runs before `run`
    and no earlier than `since` found. Nearly always nothing stands in quarantine, and this is one
    look at an empty table.
    """
    asked = {"connection": connection, "stream": stream, "run": run, "since": since}
    return _by_scope(database.execute(_UNREAD, asked))


def _pairs(database: sa.Connection, query: Any, by: Any) -> list[tuple[str, int]]:
    return [(scope, count) for scope, count in database.execute(query.group_by(by))]


def _by_scope(rows: Iterable[Any]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for scope, source_id in rows:
        found[scope].append(source_id)
    return found


def move(
    database: sa.Connection, connection: str, stream: str, source_ids: Iterable[str], scope: str
) -> None:
    """Records that are now in another scope; they stay what they are."""
    raw = RAW_RECORD.c
    for part in chunks(source_ids):
        database.execute(
            RAW_RECORD.update()
            .where(*_of(RAW_RECORD, connection, stream), raw.source_id.in_(part))
            .values(scope=scope)
        )


def bury(
    database: sa.Connection, connection: str, stream: str, source_ids: Sequence[str],
    *, cause: str, at: datetime,
) -> int:  # fmt: skip
    """Marks live records and their mapped rows as absent; gives how many it marked."""
    if cause not in CAUSES:
        raise ValueError(f"cause {cause!r}: expected one of {', '.join(CAUSES)}")
    raw, marked = RAW_RECORD.c, 0
    for part in chunks(source_ids):
        here = (
            *_of(RAW_RECORD, connection, stream), raw.source_id.in_(part), raw.absent.is_(None)
        )  # fmt: skip
        found = database.execute(sa.select(raw.source_id, raw.kinds).where(*here)).all()
        kinds = {kind for _, text in found for kind in text.split()}
        owners = [f"{connection}:{stream}:{source_id}" for source_id, _ in found]
        database.execute(RAW_RECORD.update().where(*here).values(absent=cause, absent_since=at))
        bury_rows(database, kinds, owners, cause=cause, since=at)
        database.execute(
            REJECTED.delete().where(
                *_of(REJECTED, connection, stream), REJECTED.c.source_id.in_(part)
            )
        )
        marked += len(found)
    return marked
