"""What every command works on: a valid configuration, its open store, its connectors, its lock.

Only here is it known what time it is: everything below takes the moment as an argument.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from itpm_sync import logs
from itpm_sync.app.examining import examined
from itpm_sync.app.mappings import Mappings
from itpm_sync.config import Config, Connection
from itpm_sync.connector import Connector, Context
from itpm_sync.errors import ConfigError, Problem, StoreError, suggestion
from itpm_sync.http import Redactor
from itpm_sync.mapping import Mapper
from itpm_sync.store import Run, RunLock, Store, run_is_gone

log = logging.getLogger(__name__)


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Session:
    """A configuration with its open store, for one command."""

    config: Config
    store: Store
    redactor: Redactor
    mappings: Mappings
    clock: Callable[[], datetime] = _now  # the demo's past is told with a clock of its own
    stop: threading.Event = field(default_factory=threading.Event)  # set: nobody waits any more
    _built: dict[str, Connector] = field(default_factory=dict)

    def now(self) -> datetime:
        """This moment, aware UTC."""
        return self.clock()

    def today(self) -> date:
        """Today's date in the zone of the configuration."""
        return self.now().astimezone(ZoneInfo(self.config.root.timezone)).date()

    def connector(self, name: str, remembered: Mapping[str, Any] | None = None) -> Connector:
        """The connector of a connection, built once; `remembered` as `Context` describes it."""
        if name not in self._built:
            configured = self.config.connections[name]
            context = Context(
                base_dir=self.config.base_dir,
                connections=configured.max_connections,
                timeout_s=configured.timeout_s,
                attempts=configured.attempts,
                user_agent=f"itpm-sync/{version('itpm-sync')}",
                stop=self.stop,
                remembered=remembered or {},
            )
            self._built[name] = configured.connector(name, configured.settings, context)
        return self._built[name]

    def mapper(self, connection: Connection) -> Mapper:
        """A connection's mapping, with the variables that its source resolves."""
        connector = self.connector(connection.name)
        return self.mappings.of(connection, connector.variables(), connector)

    def select(self, names: Collection[str]) -> tuple[Connection, ...]:
        """The named connections, or all. Raises ConfigError for a name that is not configured."""
        known = self.config.connections
        wrong = [n for n in names if n not in known]
        if wrong:
            raise ConfigError(
                Problem((), f"no connection {n!r}", suggestion(n, known), str(self.config.path))
                for n in wrong
            )
        return tuple(known[n] for n in (names or known))

    def close(self) -> None:
        """Closes connectors and store."""
        for connector in self._built.values():
            connector.close()
        self.store.close()


@contextlib.contextmanager
def open_session(
    path: Path,
    *,
    secrets: bool = True,
    reading: bool = False,
    verbosity: int = 0,
    log_format: str = "text",
) -> Iterator[Session]:
    """Loads and examines the configuration with its mappings, opens the store; `reading`: without
    writing to it. Exit 2 material raises ConfigError before anything runs.
    """
    redactor = Redactor()
    logs.configure(verbosity, log_format, redactor)
    config, mappings = examined(path, secrets=secrets)
    for secret in config.secrets:
        redactor.add(secret)
    for warning in config.warnings:
        log.warning("%s", warning)
    session = Session(config, Store.open(config.store_url, reading=reading), redactor, mappings)
    try:
        yield session
    except KeyboardInterrupt:
        session.stop.set()
        raise
    except ConfigError as error:
        cleaned = [replace(p, message=redactor.clean(p.message)) for p in error.problems]
        raise ConfigError(cleaned) from None
    except Exception as error:
        error.args = tuple(redactor.clean(a) if isinstance(a, str) else a for a in error.args)
        raise
    finally:
        session.close()


@contextlib.contextmanager
def recorded(session: Session, job: str) -> Iterator[str]:
    """A run in the store's record. What ends it early is recorded; the caller records its end."""
    run = session.store.begin_run(job, session.now())
    try:
        yield run
    except BaseException as error:
        state = "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"
        message = session.redactor.clean(str(error)) or type(error).__name__
        with contextlib.suppress(StoreError):
            session.store.finish_run(run, state=state, now=session.now(), message=message)
        raise


@contextlib.contextmanager
def locked(session: Session) -> Iterator[None]:
    """Holds the lock of this configuration. Raises RunLocked if another run is at work."""
    with RunLock(_lock_path(session)):
        yield


def latest_runs(session: Session, limit: int) -> tuple[Run, ...]:
    """The latest runs, newest first. One whose process was killed still stands in the store as
    running, until the next run begins; here it is `interrupted` already.
    """
    return _as_they_stand(session, lambda: session.store.runs(limit))


def latest_run_of(session: Session, connection: str) -> Run | None:
    """The latest run that was to read a connection, however long ago, with its state as above. One
    that left no counts is taken by its job, else for a pull of everything.
    """
    jobs = session.config.root.jobs
    silent = {"pull"} - jobs.keys() | {
        name
        for name, job in jobs.items()
        if "pull" in job.steps and (not job.connections or connection in job.connections)
    }

    def found() -> tuple[Run, ...]:
        run = session.store.latest_run_of(connection, silent)
        return () if run is None else (run,)

    return next(iter(_as_they_stand(session, found)), None)


def _as_they_stand(session: Session, read: Callable[[], tuple[Run, ...]]) -> tuple[Run, ...]:
    runs = read()
    running = {r.id for r in runs if r.state == "running"}
    if not running or not run_is_gone(_lock_path(session)):
        return runs
    # A run notes its end before it lets go of the lock: what still works now had lost it before.
    return tuple(
        replace(r, state="interrupted", message="its process is gone; the next run continues")
        if r.id in running and r.state == "running"
        else r
        for r in read()
    )


def _lock_path(session: Session) -> Path:
    path = session.config.path
    return path.with_name(f".{path.name}.lock")
