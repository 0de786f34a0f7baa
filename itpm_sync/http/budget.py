"""How fast a source lets us ask, shared by all threads of a client."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from itpm_sync.errors import ConnectionFailed, Stopped

MAX_PATIENCE_S = 900.0  # a source that asks for a longer pause gets its next chance at the next run


def until_stopped(stop: threading.Event) -> Callable[[float], None]:
    """A `sleep` that ends with Stopped as soon as `stop` is set."""

    def sleep(seconds: float) -> None:
        if stop.wait(seconds):
            raise Stopped

    return sleep


class RateBudget:
    """What a source lets us do per time, shared by all threads of a client.

    After a 429 nobody sends before the pause is over, and the interval between request starts
    doubles (from 20 ms up to 5 s); each success shortens it by a tenth until it is gone.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._clock, self._sleep = clock, sleep
        self._lock = threading.Lock()
        self._next_start = 0.0
        self._paused_until = 0.0
        self._interval = 0.0

    @property
    def interval_s(self) -> float:
        """The present interval between request starts; 0 while nothing was refused."""
        return self._interval

    def wait_turn(self) -> None:
        """Blocks until this thread may send.

        Raises ConnectionFailed when the source asked for a longer pause than we are patient for.
        """
        while True:
            with self._lock:
                now = self._clock()
                wait = self._next_start - now
                if wait <= 0:
                    self._next_start = now + self._interval
                    return
            if wait > MAX_PATIENCE_S:
                raise ConnectionFailed(
                    f"the source asks for a pause of {wait:.0f} s",
                    advice="the next run continues where this one stopped",
                )
            self._sleep(wait)

    def refused(self, pause_s: float) -> None:
        """The source asked for a pause: everyone waits and goes on slower."""
        with self._lock:
            now = self._clock()
            if now >= self._paused_until:  # else: sent before the pause, it says nothing new
                self._interval = min(max(self._interval * 2, 0.02), 5.0)
            self._paused_until = max(self._paused_until, now + pause_s)
            self._next_start = max(self._next_start, self._paused_until)

    def accepted(self) -> None:
        """One more success."""
        if self._interval:
            with self._lock:
                self._interval = self._interval * 0.9 if self._interval > 0.002 else 0.0
