"""Opening a database: connection, migration, and errors as advice.

SQLite runs in WAL mode; a write takes the write lock at its beginning (`BEGIN IMMEDIATE`), because
a transaction that begins reading and then wants to write fails at once when another has written.
"""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, StatementError

from itpm_sync.errors import RecordError, StoreError, whole
from itpm_sync.store.access import Access, access
from itpm_sync.store.schema import VERSION, all_tables, refused

BUSY_TIMEOUT_S = 30.0
_SQLITE = "sqlite:///"
_SETTINGS = re.compile(r"\?\w+=")
_WRITES = "itpm_writes"
_MIGRATING = 0x1794  # PostgreSQL's advisory lock while the schema changes: any number of our own
_FULL = 64 * 1024  # bytes free: less is no room for SQLite's log

_ADVICE = (  # part of the driver's message → what to say; the first match counts
    ("readonly", "is read-only", "give the account that runs ITPM Sync the right to write there"),
    ("read-only", "is read-only", "give the account that runs ITPM Sync the right to write there"),
    ("disk is full", "cannot grow", "the disk is full: free space, then run again"),
    ("no space left", "cannot grow", "the disk is full: free space, then run again"),
    ("not a database", "is not a database of ITPM Sync", "check `store:` in the configuration"),
    ("malformed", "is corrupt",
     "restore a backup, or move it away: the next pull with --full rebuilds it"),
    ("no such table", "is not whole",
     "restore a backup, or move it away: the next pull with --full rebuilds it"),
    ("no such column", "is not whole",
     "restore a backup, or move it away: the next pull with --full rebuilds it"),
    ("disk i/o error", "cannot be read or written", "check the disk"),
    ("unable to open", "cannot be opened", "check that its folder exists and may be written"),
    ("locked", f"was locked by another program for {BUSY_TIMEOUT_S:.0f} s",
     "close what holds it open, then run again"),
    ("password authentication failed", "refuses the login", "check user and password"),
    ("does not exist", "does not exist", "create the database or the user first"),
    ("permission denied", "denies permission", "grant the user the right to create tables"),
    ("connection refused", "cannot be reached", "check host and port, and that the server runs"),
    ("could not translate host", "cannot be reached", "check the host's name"),
    ("failed to resolve host", "cannot be reached", "check the host's name"),
    ("timeout", "does not answer", "check host and port"),
)  # fmt: skip


class Database:
    """An engine whose schema is current. `write` and `read` give transactions.

    Opened for `reading` it creates nothing and changes no schema: what does not exist yet is read
    as an empty store, and an older schema raises StoreError.
    """

    def __init__(self, url: str, *, reading: bool = False) -> None:
        self._url, self._access, self.reading = _parsed(url), None, reading
        sqlite = _is_sqlite(self._url)
        # A query may hold `password=` as well, which the URL's own text would show.
        shown = str(self._url.set(query={}))
        self.location: str = (self._url.database or ":memory:") if sqlite else shown
        with self.errors():
            if reading and self.path is not None:
                self._access = access(self.path)
                self.engine = _engine_reading(self._access)
            else:
                self.engine = _engine(self._url)
            try:
                if reading:
                    self._expect_schema()
                else:
                    self._migrate()
            except BaseException:
                self.engine.dispose()
                raise
        self._writer = self.engine.execution_options(**{_WRITES: True})

    @property
    def dialect(self) -> sa.Dialect:
        """SQLite's or PostgreSQL's."""
        return self.engine.dialect

    @property
    def path(self) -> Path | None:
        """The file of a SQLite store."""
        return Path(self._url.database) if _is_sqlite(self._url) and self._url.database else None

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """One transaction that writes: all or nothing. Raises StoreError."""
        with self.errors(), self._writer.begin() as connection:
            yield connection

    @contextmanager
    def rehearse(self) -> Iterator[sa.Connection]:
        """A transaction that is rolled back at its end."""
        with self.errors(), self._writer.connect() as connection, connection.begin() as attempt:
            yield connection
            attempt.rollback()

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """One transaction that sees one state of the store. Raises StoreError."""
        unchanged = self._access.unchanged() if self._access else nullcontext()
        with unchanged, self.errors(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Turns what the driver raises into StoreError, and a value that no column takes into
        RecordError, as the store itself is well. Never shows SQL, values or a password; a mistake
        of this program stays what it is.
        """
        try:
            yield
        except (DBAPIError, sqlite3.Error) as error:
            raise StoreError(_advice(self.location, error, self.path)) from error
        except StatementError as error:  # its text holds the statement and all values
            if isinstance(error.orig, ValueError | OverflowError):
                raise _refused(self.location, error, error.orig) from None
            raise (error.orig or error) from None
        except OSError as error:
            raise StoreError(f"store {self.location}: {error.strerror or error}") from error

    def _expect_schema(self) -> None:
        """For reading: the schema is ours, or there is nothing yet, which is read as such."""
        found = _version(self.engine)
        if found == VERSION:
            return
        if found is None and not sa.inspect(self.engine).get_table_names():
            self.engine.dispose()
            self._access, self.engine = None, _engine_reading(None)
            with self.engine.begin() as connection:
                _create(connection)
            return
        from itpm_sync.store import migrations

        if found is not None and found not in migrations.known():
            raise self._newer(found)
        raise StoreError(
            f"store {self.location}: its schema is {found or 'unknown'}, older than this program's "
            f"{VERSION}, and a command that only reads upgrades nothing — the next job, pull or "
            "remap upgrades it; where nobody may write it, read it with the program that wrote it"
        )

    def _newer(self, found: str) -> StoreError:
        return StoreError(
            f"store {self.location}: its schema is {found}, newer than this program's "
            f"{VERSION} — install the newer ITPM Sync, or restore the backup made before"
        )

    def _migrate(self) -> None:
        found = _version(self.engine)
        if found == VERSION:
            return
        with self.engine.execution_options(**{_WRITES: True}).begin() as connection:
            if not _is_sqlite(self._url):  # else two first runs would both create the tables
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIGRATING)))
            if not sa.inspect(connection).get_table_names():
                _create(connection)
                return
            from itpm_sync.store import migrations  # Alembic costs 0.1 s and is rarely needed

            if found is not None and found not in migrations.known():
                raise self._newer(found)
            migrations.upgrade(connection)


def _create(connection: sa.Connection) -> None:
    """The newest schema in an empty database; a test holds it equal to what the migrations give."""
    all_tables().create_all(connection, checkfirst=False)
    connection.exec_driver_sql(
        "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL, "
        "CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"
    )
    connection.execute(sa.text("INSERT INTO alembic_version VALUES (:v)"), {"v": VERSION})


def _parsed(url: str) -> sa.URL:
    """The URL's parts. Raises StoreError, which shows none of it: any part may be of a password.

    A SQLite address is a path to its end: folders may have any name, `What?` and `100%` as well.
    """
    if url.startswith(_SQLITE):
        return sa.URL.create("sqlite", database=_sqlite_path(url.removeprefix(_SQLITE)))
    try:
        parsed = sa.make_url(url)
    except (ArgumentError, ValueError) as error:  # ValueError: the port is no number
        raise StoreError(
            "store: the address cannot be read — expected sqlite:///PATH or "
            "postgresql+psycopg://USER:PASSWORD@HOST:PORT/DATABASE"
        ) from error
    if "@" in (parsed.host or ""):
        raise StoreError(
            "store: the address holds more than one @ — write an @ of the password as %40"
        )
    if parsed.drivername in {"postgresql", "postgres"}:
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername not in {"sqlite", "postgresql+psycopg"}:
        raise StoreError(f"store: {parsed.drivername} is not known — use SQLite or PostgreSQL")
    return parsed


def _sqlite_path(path: str) -> str:
    """The path. Raises StoreError for one that SQLite cannot open, and for settings after it: with
    them it would name a new, empty store.
    """
    if whole(path) != path:
        raise StoreError(
            f"store {whole(path)}: SQLite opens no path that is not UTF-8 — rename the folder, "
            "or name another one with `store:`"
        )
    if _SETTINGS.search(path.rpartition("/")[2]) and not os.path.exists(path):  # noqa: PTH110 — any text
        bare = path.rpartition("?")[0].removeprefix("file:")
        raise StoreError(
            "store: a SQLite address is a path and takes no settings (?name=value) — "
            f"write {_SQLITE}{bare}"
        )
    return path


def _is_sqlite(url: sa.URL) -> bool:
    return url.drivername == "sqlite"


def _engine(url: sa.URL) -> sa.Engine:
    if not _is_sqlite(url):
        try:
            engine = sa.create_engine(
                url, paramstyle="format", connect_args={"connect_timeout": 10}, pool_pre_ping=True
            )
        except (ModuleNotFoundError, NoSuchModuleError) as error:
            raise StoreError(
                "store: PostgreSQL needs its driver — pip install 'itpm-sync[postgresql]'"
            ) from error
        event.listen(engine, "connect", _prepare_postgresql)
        return engine
    engine = sa.create_engine(
        url, connect_args={"timeout": BUSY_TIMEOUT_S, "isolation_level": None}
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _engine_reading(found: Access | None) -> sa.Engine:
    """Of a file that is there, or of an empty store in memory. Nothing writes to either."""
    if found is None:
        return sa.create_engine("sqlite://", poolclass=sa.StaticPool)
    address = found.uri if found.options else os.fspath(found.path)

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(
            address, uri=bool(found.options), timeout=BUSY_TIMEOUT_S, isolation_level=None,
            check_same_thread=False,
        )  # fmt: skip

    engine = sa.create_engine("sqlite://", creator=connect, poolclass=sa.QueuePool)
    event.listen(engine, "connect", _prepare_reading)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_reading(connection: sqlite3.Connection, _record: Any) -> None:
    for pragma in ("query_only=ON", "cache_size=-8000"):
        connection.execute(f"PRAGMA {pragma}")


def _prepare_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    for pragma in (
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "foreign_keys=ON",
        "cache_size=-8000",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _prepare_postgresql(connection: Any, _record: Any) -> None:
    """A generic plan compares a list of ids with every row (measured: 60 ms against 1)."""
    with connection.cursor() as cursor:
        cursor.execute("SET plan_cache_mode = force_custom_plan")
        cursor.execute("SET random_page_cost = 1.1")
        cursor.execute("SET jit = off")
    connection.commit()


def _begin_sqlite(connection: sa.Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _version(engine: sa.Engine) -> str | None:
    """The schema's version, or None for an empty database."""
    with engine.connect() as connection:
        if not sa.inspect(connection).has_table("alembic_version"):
            return None
        found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
        return None if found is None else str(found)


def _disk(path: Path) -> str:
    """What SQLite does not say when it cannot map or open its log: why."""
    folder = path.absolute().parent
    if not folder.exists():
        return ""
    if not os.access(folder, os.W_OK):
        return "read-only"
    return "no space left" if shutil.disk_usage(folder).free < _FULL else ""


def _refused(location: str, error: StatementError, reason: Exception) -> RecordError:
    """Which columns refused what type of value."""
    params = error.params if isinstance(error.params, list | tuple) else [error.params]
    rows = [row for row in params if isinstance(row, Mapping)]
    unfit = {(name, type(v).__name__) for row in rows for name, v in row.items() if refused(v)}
    return RecordError(
        field=", ".join(sorted({str(name) for name, _ in unfit})) or "a value",
        value=", ".join(sorted({kind for _, kind in unfit})),
        expected="what the column takes", place=f"store {location}", hint=str(reason),
    )  # fmt: skip


def _advice(location: str, error: Exception, path: Path | None) -> str:
    cause = str(getattr(error, "orig", None) or error).strip()
    lowered = f"{cause} {_disk(path) if path else ''}".lower()
    for part, problem, advice in _ADVICE:
        if part in lowered:
            return f"store {location} {problem} — {advice}"
    return f"store {location}: {cause.splitlines()[0] if cause else type(error).__name__}"
