"""The one thread that writes: jobs in order, waiting pages together.

A transaction costs as much as some hundred rows, so pages of one stream that arrive within a
moment are landed in one. Whoever hands in a page waits only while too many are waiting already:
what fetches is never far ahead of the store, and memory does not grow with the source.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from itpm_sync.errors import Stopped, StoreError
from itpm_sync.store import Landed, PreparedPage, Store

WAITING = 10  # pages, before those who bring more have to wait
TOGETHER = 500  # records in a transaction, or one page more; of pages of 100, half of what may wait
PATIENCE_S = 0.2  # for which pages wait for more of them


@dataclass(frozen=True, slots=True)
class _Job:
    act: Callable[[], Any]
    future: Future[Any] = field(default_factory=Future)


@dataclass(frozen=True, slots=True)
class _Delivery:
    page: PreparedPage
    sighted: tuple[str, Sequence[str]] | None
    future: Future[Landed] = field(default_factory=Future)


class Writer:
    """Does every write of a pull, in the order in which it was handed in.

    `inline`: at once and in the caller's thread, each page in a transaction of its own. Once `stop`
    is set nothing more is written: futures have, and waiting calls raise, Stopped.
    """

    def __init__(
        self, store: Store, *, run: str, now: datetime, stop: threading.Event,
        inline: bool = False,
    ) -> None:  # fmt: skip
        self._store, self._run, self._now, self._stop = store, run, now, stop
        self._queue: queue.Queue[_Job | _Delivery | None] = queue.Queue()
        self._places = threading.BoundedSemaphore(WAITING)
        self._closed, self._door = False, threading.Lock()
        self._thread: threading.Thread | None = None
        if not inline:
            self._thread = threading.Thread(target=self._work, name="store_0", daemon=True)
            self._thread.start()

    def submit(self, act: Callable[[], Any]) -> Future[Any]:
        """Has something written after all that was handed in before."""
        job = _Job(act)
        if self._thread is None:
            self._do(job)
        else:
            self._put(job)
        return job.future

    def land(
        self, page: PreparedPage, sighted: tuple[str, Sequence[str]] | None = None
    ) -> Future[Landed]:
        """Lands a page, with others where there are some; the counts of all stand in the first
        one's future. `sighted`: a scope and its ids, for the census.
        """
        delivery = _Delivery(page, sighted)
        if self._thread is None:
            self._deliver([delivery])
        else:
            while not self._places.acquire(timeout=PATIENCE_S):
                self._go_on()
            delivery.future.add_done_callback(lambda _: self._places.release())
            self._put(delivery)
        return delivery.future

    def close(self, *, wait: bool = True) -> None:
        """Writes what is waiting, and ends; without `wait`, by itself. What is handed in later
        raises Stopped: nobody would ever do it.
        """
        if self._thread is not None:
            with self._door:
                self._closed = True
                self._queue.put(None)
            if wait:
                self._thread.join()

    def _put(self, item: _Job | _Delivery) -> None:
        with self._door:
            if self._closed:
                raise Stopped
            self._queue.put(item)

    def _go_on(self) -> None:
        if self._stop.is_set():
            raise Stopped

    # ---- the thread -----------------------------------------------------------------------------

    def _work(self) -> None:
        item = self._queue.get()
        while item is not None:
            if isinstance(item, _Job):
                self._do(item)
                item = self._queue.get()
            else:
                item = self._gather(item)

    def _gather(self, first: _Delivery) -> _Job | _Delivery | None:
        """Lands a page and what follows it soon; gives what comes after."""
        pages, records = [first], len(first.page.records)
        until = time.monotonic() + PATIENCE_S
        following: _Job | _Delivery | None = None
        while True:
            left = until - time.monotonic()
            if records >= TOGETHER or len(pages) >= WAITING or left <= 0:
                self._deliver(pages)
                return self._queue.get()
            try:
                following = self._queue.get(timeout=left)
            except queue.Empty:
                continue
            if not isinstance(following, _Delivery) or following.page.origin != first.page.origin:
                self._deliver(pages)
                return following
            pages.append(following)
            records += len(following.page.records)

    def _deliver(self, deliveries: Sequence[_Delivery]) -> None:
        first, *others = (delivery.future for delivery in deliveries)
        try:
            self._go_on()
            landed = self._land(deliveries)
        except BaseException as error:
            if others and isinstance(error, Exception) and not isinstance(error, StoreError):
                for delivery in deliveries:  # one of them has it: the others are not to blame
                    self._deliver([delivery])
                return
            for future in (first, *others):
                future.set_exception(error)
            if self._is_caller(error):
                raise
            return
        first.set_result(landed)
        for future in others:
            future.set_result(Landed())

    def _land(self, deliveries: Sequence[_Delivery]) -> Landed:
        pages = [delivery.page for delivery in deliveries]
        sighted = [delivery.sighted for delivery in deliveries if delivery.sighted]
        return self._store.land(pages, run=self._run, now=self._now, sighted=sighted)

    def _do(self, job: _Job) -> None:
        try:
            self._go_on()
            job.future.set_result(job.act())
        except BaseException as error:
            job.future.set_exception(error)
            if self._is_caller(error):
                raise

    def _is_caller(self, error: BaseException) -> bool:
        """Whether this is the caller's own thread, which Ctrl-C ends."""
        return self._thread is None and not isinstance(error, Exception)
