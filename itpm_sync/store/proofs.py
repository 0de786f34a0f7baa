"""What was proved last of each stream and scope of a connection, up to now or to a moment, and what
was read whole first after one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from itpm_sync.store.schema import COMPLETENESS, CONNECTION_STATE, of_stream
from itpm_sync.store.values import Completeness

_TABLE = COMPLETENESS.c
_PROOF = sa.select(*(c for c in COMPLETENESS.columns if c.name != "run"))
_OF_SCOPE = _PROOF.where(*of_stream(COMPLETENESS), _TABLE.scope == sa.bindparam("scope")).limit(1)
_LATEST = _OF_SCOPE.order_by(_TABLE.recorded.desc())
_LATEST_BY = _LATEST.where(_TABLE.recorded <= sa.bindparam("moment"))
_FIRST_WHOLE = _OF_SCOPE.where(_TABLE.complete, _TABLE.recorded > sa.bindparam("moment")).order_by(
    _TABLE.recorded
)


def latest(
    database: sa.Connection, connection: str | None, by: datetime | None
) -> Iterator[Completeness]:
    """The latest proofs, of those recorded `by` a moment; in the order of connection, stream and
    scope.

    One step of an index for each: proofs are kept, so there are many times more than scopes.
    """
    proof = _LATEST if by is None else _LATEST_BY
    for name, streams in _configured(database, connection):
        if streams:
            yield from (found for found, _ in _of(database, name, streams, proof, by))
        else:
            yield from _together(database, name, by)


def first_whole(
    database: sa.Connection, after: datetime
) -> Iterator[tuple[Completeness, datetime]]:
    """The first proofs of a complete reading that were recorded after a moment, in that order, each
    with the moment when it was."""
    for name, streams in _configured(database, None):
        yield from _of(database, name, streams, _FIRST_WHOLE, after)


def _configured(
    database: sa.Connection, connection: str | None
) -> Iterator[tuple[str, Mapping[str, Sequence[str]]]]:
    """Connections with the scopes of each stream; of one or of all."""
    state = CONNECTION_STATE.c
    query = sa.select(state.connection, state.streams).order_by(state.connection)
    if connection is not None:
        query = query.where(state.connection == connection)
    yield from ((row.connection, row.streams) for row in database.execute(query).all())


def _of(
    database: sa.Connection,
    connection: str,
    streams: Mapping[str, Sequence[str]],
    proof: sa.Select[Any],
    moment: datetime | None,
) -> Iterator[tuple[Completeness, datetime]]:
    """Those of the configured scopes: of others nothing is to be proved any more."""
    for stream, scopes in sorted(streams.items()):
        for scope in sorted(scopes):
            asked = {"connection": connection, "stream": stream, "scope": scope, "moment": moment}
            yield from map(_made, database.execute(proof, asked).mappings())


def _together(
    database: sa.Connection, connection: str, by: datetime | None
) -> Iterator[Completeness]:
    """Those of its latest run: until its next, a store of an earlier release does not know which
    scopes are configured."""
    mine = _TABLE.connection == connection
    if by is not None:
        mine = sa.and_(mine, _TABLE.recorded <= by)
    newest = sa.select(sa.func.max(_TABLE.recorded)).where(mine).scalar_subquery()
    query = _PROOF.where(mine, _TABLE.recorded == newest).order_by(_TABLE.stream, _TABLE.scope)
    yield from (_made(row)[0] for row in database.execute(query).mappings())


def _made(row: Mapping[Any, Any]) -> tuple[Completeness, datetime]:
    """A proof, and when it was recorded."""
    values = dict(row)
    recorded = values.pop("recorded")
    return Completeness(**values), recorded
