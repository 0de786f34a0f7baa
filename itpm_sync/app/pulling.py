"""Sources → store: reading the connections, and mapping what was read anew."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from itpm_sync import pull as engine
from itpm_sync.app.session import Session, recorded
from itpm_sync.config import Connection
from itpm_sync.connector import Connector
from itpm_sync.execute import lean_memory
from itpm_sync.mapping import Mapper


def pull(
    session: Session,
    names: Collection[str] = (),
    *,
    full: bool = False,
    sweep: bool = False,
    confirm: bool = False,
    progress: engine.Progress | None = None,
    job: str = "pull",
) -> engine.PullResult:
    """Sources → store. One failing connection never stops the others."""
    session.select(names)  # a wrong name is no run
    with recorded(session, job) as run:
        result = pull_within(
            session, run, names, full=full, sweep=sweep, confirm=confirm, progress=progress
        )
        session.store.finish_run(
            run, state=result.state, now=session.now(), counts=result.counts, message=result.message
        )
    return result


def pull_within(
    session: Session,
    run: str,
    names: Collection[str],
    *,
    full: bool = False,
    sweep: bool = False,
    confirm: bool = False,
    progress: engine.Progress | None = None,
) -> engine.PullResult:
    """Reads within a run that has begun already, and is finished by whoever began it."""
    lean_memory()
    safety = session.config.root.safety
    sources = [
        engine.PullSource(c.name, partial(_source, session, c), c.max_connections)
        for c in session.select(names)
    ]
    session.store.note_run(run, {"to_read": [source.name for source in sources]})
    result = engine.pull(
        session.store,
        sources,
        run=run,
        now=session.now(),
        full=full,
        sweep=sweep,
        sweep_every=timedelta(hours=safety.sweep_every_h),
        refresh_every=timedelta(hours=safety.refresh_every_h),
        max_deleted_share=float(safety.max_deleted_share),
        confirm=confirm,
        progress=progress,
        stop=session.stop,
    )
    session.store.note_run(run, result.counts)  # what follows in the run tells of it
    return result


def _source(
    session: Session, connection: Connection, remembered: Mapping[str, Any]
) -> tuple[Connector, Mapper]:
    return session.connector(connection.name, remembered), session.mapper(connection)


@dataclass(frozen=True, slots=True)
class Remapped:
    """What re-mapping a connection from its raw records changed."""

    connection: str
    records: int
    changed: int
    rejected: int


def remap(session: Session, *, dry_run: bool = False) -> tuple[Remapped, ...]:
    """Maps the stored raw records anew, without the network."""
    if dry_run:
        return _remapped(session, None)
    with recorded(session, "remap") as run:
        done = _remapped(session, run)
        message = f"{sum(r.changed for r in done)} records changed"
        session.store.finish_run(run, state="ok", now=session.now(), counts={}, message=message)
    return done


def _remapped(session: Session, run: str | None) -> tuple[Remapped, ...]:
    done = []
    for connection in session.config.connections.values():
        state = session.store.connection_state(connection.name)
        if not state.fingerprint:
            continue  # never pulled: nothing to re-map
        connector = session.connector(connection.name)
        mapper = session.mappings.of(connection, state.variables, connector)
        outcome = engine.remap(
            session.store, connection.name, mapper, run=run, now=session.now(), dry_run=run is None
        )
        done.append(Remapped(connection.name, outcome.records, outcome.changed, outcome.rejected))
    return tuple(done)
