"""Where work runs: inline, or on threads behind `concurrent.futures.Executor`."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any, ParamSpec, TypeVar

_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8  # malloc.h of glibc
P = ParamSpec("P")
T = TypeVar("T")


class Inline(Executor):
    """Runs each call at once in the caller's thread: the order is that of submission."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """A future that is already done."""
        future: Future[T] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except BaseException as error:
            future.set_exception(error)
            if not isinstance(error, Exception):
                raise
        return future


class Bounded(Executor):
    """Another executor with at most `limit` calls waiting or running: `submit` blocks beyond it.

    This is the engine's backpressure: what produces work can never be far ahead of what does it.
    """

    def __init__(self, inner: Executor, limit: int) -> None:
        self._inner = inner
        self._places = threading.BoundedSemaphore(limit)

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Waits for a place, then submits."""
        self._places.acquire()
        try:
            future = self._inner.submit(fn, *args, **kwargs)
        except BaseException:
            self._places.release()
            raise
        future.add_done_callback(self._release)
        return future

    def _release(self, _future: Future[Any]) -> None:
        self._places.release()

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Shuts the inner executor down."""
        self._inner.shutdown(wait, cancel_futures=cancel_futures)


def threads(workers: int, name: str, *, ahead: int = 2) -> Executor:
    """A thread pool that takes at most `workers × ahead` calls before `submit` blocks."""
    return Bounded(ThreadPoolExecutor(workers, thread_name_prefix=name), workers * ahead)


def lean_memory() -> None:
    """Has the C library give big blocks back when they are freed, and keep two heaps, not one a
    thread: pages that eight threads receive and parse would leave 40 MB of holes. Only glibc
    knows these options (mallopt(3)); elsewhere nothing happens.
    """
    import ctypes

    with suppress(OSError, AttributeError, TypeError):
        libc = ctypes.CDLL(None)
        libc.mallopt(_M_MMAP_THRESHOLD, 256 * 1024)
        libc.mallopt(_M_ARENA_MAX, 2)
