"""Reading one scope of a stream: partitions are fetched side by side, one writer lands pages.

Listing is lazy and every queue bounded: fetching starts while listing goes on, and neither is far
ahead of the store, so memory does not grow with the source.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Executor, Future
from contextlib import closing, nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Protocol

from itpm_sync.connector import Connector, Deletes, Page, Partition, RawRecord, Stream, Window
from itpm_sync.errors import (
    ConnectionFailed,
    ItpmError,
    RecordError,
    RetryableError,
    Stopped,
    StoreError,
)
from itpm_sync.mapping import Mapped, Mapper
from itpm_sync.pull.writing import Writer
from itpm_sync.store import Landed, MakeOf, MapRecord, Store

log = logging.getLogger(__name__)

RETRIES = 2  # of a partition, after the HTTP client has given up on a request
LONGEST_PAUSE_S = 60.0


class Progress(Protocol):
    """Is told how far a stream is; called from several threads."""

    def update(self, connection: str, stream: str, done: int, total: int | None) -> None:
        """`done` records have been landed, of `total` listed so far (None: not known)."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Wires:
    """What reading a connection needs, put together by the engine."""

    name: str
    connector: Connector
    mapper: Mapper
    store: Store
    run: str
    now: datetime
    fetchers: Executor
    listers: Executor  # several scopes are listed side by side; their partitions share `fetchers`
    writer: Writer
    progress: Progress | None
    stop: threading.Event
    pause: Callable[[float], None]

    def write(self, job: Callable[[], Any]) -> Future[Any]:
        """Has the one writer do something after all that it was given before. Once the run is being
        stopped, nothing more is written: that raises Stopped, here or in the future.
        """
        self.go_on()
        return self.writer.submit(job)

    def go_on(self) -> None:
        """Raises Stopped if the run is being stopped."""
        if self.stop.is_set():
            raise Stopped


@dataclass(slots=True)
class Tally:
    """How far a stream is; shared by its threads. `unnamed`: where what is read is the census,
    records were rejected without an id, so that any of those that are not listed may be there.
    """

    landed: Landed = field(default_factory=Landed)
    listed: int = 0
    all_listed: bool = True
    unnamed: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    def expect(self, partition: Partition) -> None:
        """Notes a partition before it is fetched."""
        with self.lock:
            self.listed += len(partition.ids or ())
            self.all_listed &= partition.ids is not None

    def add(self, landed: Landed) -> tuple[int, int | None]:
        """Adds what was landed; gives what `Progress` takes."""
        with self.lock:
            self.landed = self.landed + landed
            return self.landed.total, self.listed if self.all_listed else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeReading:
    """How reading a scope went. `listed`: the ids that were sighted are a complete census.
    `unread`: the connector rejected records, so that what is stored of them may be old.
    """

    scope: str
    error: Exception | None = None
    listed: bool = False
    unread: bool = False

    @property
    def message(self) -> str:
        """The failure in words, or nothing."""
        return describe(self.error) if self.error else ""


def describe(error: Exception) -> str:
    """An error for a person; the traceback of what should not happen goes to the log."""
    if isinstance(error, ItpmError):
        return "; ".join(str(error).splitlines())
    log.error("unexpected error", exc_info=error)
    return f"unexpected {type(error).__name__} in the connector (the log has the details)"


class ScopeReader:
    """Reads scopes of one stream over one connection."""

    def __init__(self, wires: Wires, stream: Stream, *, sights: bool = False) -> None:
        """`sights`: what is read of changes belongs to the stream's census."""
        self._wires, self._stream, self._sighting = wires, stream, sights
        self.tally = Tally()

    def read(self, scope: str, window: Window, *, first: bool = False) -> ScopeReading:
        """Fetches and lands one scope; `first`: it never was read to its end. Raises StoreError;
        any other failure is in the result."""
        stream = replace(self._stream, scopes=(scope,) if self._stream.scopes else ())
        sights = window.since is None or self._sighting
        sights = sights and stream.deletes is not Deletes.NEVER
        job = _ScopeJob(self._wires, stream, scope, window, self.tally, sights=sights, first=first)
        return job.run()

    def read_again(self, scope: str, ids: Sequence[str], now: datetime) -> ScopeReading:
        """Fetches and lands records of a scope by their ids."""
        stream = replace(self._stream, scopes=(scope,) if self._stream.scopes else ())
        given = Partition(f"{scope} by id", scope, ids=tuple(ids))
        window = Window(None, now)
        return _ScopeJob(
            self._wires, stream, scope, window, self.tally, sights=False, given=given
        ).run()

    def read_together(self, scopes: Sequence[str], window: Window) -> ScopeReading:
        """Fetches and lands what changed in several scopes of a joint stream; the result has no
        scope, and holds for each of them."""
        stream = replace(self._stream, scopes=tuple(scopes))
        return _ScopeJob(self._wires, stream, "", window, self.tally, sights=False).run()


class _ScopeJob:
    def __init__(
        self, wires: Wires, stream: Stream, scope: str, window: Window, tally: Tally,
        *, sights: bool, first: bool = False, given: Partition | None = None,
    ) -> None:  # fmt: skip
        self._wires, self._stream, self._scope = wires, stream, scope
        self._window, self._tally, self._sights = window, tally, sights
        self._whole, self._first, self._given = stream.deletes is Deletes.WHOLE, first, given
        self._failed, self._unread = threading.Event(), threading.Event()
        self._configured = {name.casefold(): name for name in stream.scopes or (scope,)}
        self._unwritten: list[Future[Landed]] = []

    def run(self) -> ScopeReading:
        running = _Running()
        listed: bool | None = None  # whether every partition named its ids
        error: Exception | None = None
        try:
            for partition in self._partitions():
                listed = listed is not False and partition.ids is not None
                self._tally.expect(partition)
                running.add(self._wires.fetchers.submit(self._fetch, partition))
                if self._failed.is_set():
                    break
        except (StoreError, Stopped):
            self._failed.set()
            raise
        except Exception as problem:  # noqa: BLE001 — the connector's; the caller reports it
            self._failed.set()
            error = problem
        error = running.first_error(error)
        self._wires.write(lambda: None).result()  # every page before it is stored by then
        for landing in self._unwritten:
            running.add(landing)
        error = running.first_error(error)
        all_read = self._sights and self._window.since is None and error is None
        census = all_read and (self._whole or listed is True)
        unread = self._unread.is_set()
        return ScopeReading(scope=self._scope, error=error, listed=census, unread=unread)

    def _partitions(self) -> Iterator[Partition]:
        """The connector's partitions; listed again after a RetryableError, without repeating."""
        if self._given is not None:
            yield self._given
            return
        done: set[bytes] = set()
        for attempt in range(RETRIES + 1):
            try:
                for partition in self._wires.connector.partitions(self._stream, self._window):
                    if (mark := _mark(partition)) not in done:
                        done.add(mark)
                        yield partition
            except RetryableError as error:
                self._pause(error, attempt)
            else:
                return

    def _fetch(self, partition: Partition) -> None:
        """One partition, from its beginning after a RetryableError; hands in its pages."""
        if self._failed.is_set():
            return
        try:
            for attempt in range(RETRIES + 1):
                try:
                    self._pages(partition)
                except RetryableError as error:
                    self._pause(error, attempt)
                else:
                    return
        except BaseException:
            self._failed.set()
            raise

    def _pages(self, partition: Partition) -> None:
        connector, wires = self._wires.connector, self._wires
        full = self._window.since is None
        listed = partition.ids if self._sights and full else None
        pages = connector.fetch(self._stream, partition, self._window)
        with closing(pages) if isinstance(pages, Generator) else nullcontext():
            for page in pages:
                wires.go_on()
                if self._unwritten:  # what follows would be fetched for nothing
                    return
                if page.rejected:
                    self._unread.set()
                named = self._sights and not (full and partition.ids is not None)
                if named and (self._whole or not full):  # no other census lists them
                    self._tally.unnamed |= any(not error.source_id for error in page.rejected)
                ids = _named(page) if named else listed
                self._land(page, ids)
                listed = None
        if listed:  # nothing came of what was listed
            self._land(Page(()), listed)

    def _land(self, page: Page, sighted: Sequence[str] | None) -> None:
        """Hands a page to the writer; `sighted` are ids for the census."""
        wires, stream = self._wires, self._stream.name
        prepared = wires.store.prepare(
            Page([self._placed(raw) for raw in page.records], page.rejected),
            connection=wires.name,
            stream=stream,
            fingerprint=wires.mapper.fingerprint,
            map_record=mapping_of(wires.mapper, wires.name, stream),
            first=self._first,
        )
        landing = wires.writer.land(prepared, (self._scope, sighted) if sighted else None)
        landing.add_done_callback(self._landed)

    def _landed(self, landing: Future[Landed]) -> None:
        if landing.exception() is not None:
            self._unwritten.append(landing)
            self._failed.set()
            return
        wires = self._wires
        done, total = self._tally.add(landing.result())
        if wires.progress is not None:
            wires.progress.update(wires.name, self._stream.name, done, total)

    def _placed(self, raw: RawRecord) -> RawRecord:
        """The record under its scope as configured: sources write names in their own case."""
        scope = self._configured.get(raw.scope.casefold(), raw.scope) or self._scope
        return raw if raw.scope == scope else replace(raw, scope=scope)

    def _pause(self, error: RetryableError, attempt: int) -> None:
        """Waits before the next attempt, or raises the error after the last."""
        if attempt == RETRIES:
            raise error
        wished = error.retry_after_s if error.retry_after_s is not None else 2.0**attempt
        self._wires.pause(min(wished, LONGEST_PAUSE_S))


def _named(page: Page) -> list[str]:
    """The ids that a page names; a rejected record exists too, one that is told to be gone does
    not."""
    rejected = [error.source_id for error in page.rejected if error.source_id]
    there = (raw for raw in page.records if not raw.deleted and raw.merged_into is None)
    return [*(raw.source_id for raw in there), *rejected]


def _mark(partition: Partition) -> bytes:
    """What a partition is recognised by: as short for a hundred ids as for one."""
    named = repr((partition.key, partition.ids)).encode(errors="surrogatepass")
    return hashlib.blake2b(named, digest_size=16).digest()


class _Running:
    """Calls that have been submitted and not been waited for, oldest first; what is done is let go,
    so that a long reading keeps a few of them only."""

    def __init__(self) -> None:
        self._futures: deque[Future[Any]] = deque()
        self._error: Exception | None = None

    def add(self, future: Future[Any]) -> None:
        """Notes one more. Raises what `first_error` raises."""
        self._futures.append(future)
        while self._futures and self._futures[0].done():
            self._take()

    def first_error(self, before: Exception | None = None) -> Exception | None:
        """Waits for all. Raises StoreError and what stops the run, else gives the first failure;
        one from `before` counts as earlier."""
        while self._futures:
            self._take()
        return before or self._error

    def _take(self) -> None:
        problem = self._futures.popleft().exception()
        if isinstance(problem, StoreError) or (
            problem is not None and not isinstance(problem, Exception)
        ):
            raise problem
        if self._error is None and isinstance(problem, Exception):
            self._error = problem


def mapping_of(mapper: Mapper, connection: str, stream: str) -> MapRecord:
    """The mapper for one stream. What it cannot digest becomes a RecordError, never more."""

    def apply(raw: RawRecord, make: MakeOf) -> Mapped:
        try:
            return mapper.apply(connection, stream, raw, make)
        except RecordError:
            raise
        except Exception as error:
            log.exception("mapping %s:%s:%s", connection, stream, raw.source_id)
            raise RecordError(
                field="record", value=type(error).__name__, expected="a record that can be mapped",
                place=raw.url or f"{connection}:{stream}:{raw.source_id}", hint=str(error),
            ) from error  # fmt: skip

    return apply


def ends_connection(error: Exception | None, before: Exception | None) -> bool:
    """Whether asking on is pointless: the same failure of the connection twice in a row."""
    return (
        type(error) is ConnectionFailed
        and isinstance(before, ConnectionFailed)
        and str(error) == str(before)
    )
