"""Stopping on Ctrl-C, SIGTERM (cron, systemd) or a closed terminal: at once, whatever goes on.

The main thread gets Stopped, so that the run is recorded as interrupted and the lock let go. Inside
a library's call it hears of the signal only when that returns, and other threads never do: what
is still at work after PATIENCE_S is left where it is. That harms nothing, for the same reason as
`kill -9` does not: what is half-done was not committed.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
from contextlib import suppress
from types import FrameType
from typing import Any, NoReturn, Self

from itpm_sync.errors import Stopped

PATIENCE_S = 2.0
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_SHOW_CURSOR = "\x1b[?25h"  # a progress bar hides it


class Stopping:
    """`with Stopping() as stopping:` — around everything that the program does.

    The first signal raises Stopped in the main thread, a second one ends the process at once.
    Signals that the caller had ignored (nohup) stay ignored. `signal` is the one that came.
    """

    def __init__(self) -> None:
        self.signal: int | None = None
        self._former: dict[signal.Signals, Any] = {}
        self._tell = sys.unraisablehook
        self._woken, self._wakes = os.pipe()
        self._leaving = threading.RLock()  # two threads may leave at once: one says so

    def __enter__(self) -> Self:
        os.set_blocking(self._wakes, False)
        for number in SIGNALS:
            former = signal.getsignal(number)
            if former is not signal.SIG_IGN:
                self._former[number] = former
                signal.signal(number, self._raise)
        signal.set_wakeup_fd(self._wakes, warn_on_full_buffer=False)
        threading.Thread(target=self._watch, name="stopping", daemon=True).start()
        sys.unraisablehook = self._tell_unless_stopped
        return self

    def __exit__(self, *_: object) -> None:
        sys.unraisablehook = self._tell
        signal.set_wakeup_fd(-1)
        for number, handler in self._former.items():
            signal.signal(number, handler)
        os.close(self._wakes)

    def over(self) -> None:
        """The work is done and the program only leaves: no signal changes how it ends."""
        handled, self._former = self._former, {}
        for number in handled:
            signal.signal(number, signal.SIG_IGN)

    def leave(self) -> NoReturn:
        """Says so in a line and ends the process, with whatever threads it has."""
        self._leaving.acquire()  # for good
        number = self.signal or signal.SIGINT
        cursor = _SHOW_CURSOR if sys.stderr.isatty() else ""
        with suppress(OSError, ValueError):  # the terminal may be what has gone
            sys.stdout.flush()
            sys.stderr.write(f"{cursor}itpm-sync: {Stopped(number)}\n")
            sys.stderr.flush()
        os._exit(Stopped(number).exit_code)

    def _raise(self, number: int, _frame: FrameType | None) -> None:
        if self.signal is None and number in self._former:
            self.signal = number
            raise Stopped(number)

    def _tell_unless_stopped(self, what: Any) -> None:
        """A signal may come while an object is disposed of, where nothing can be raised: `_watch`
        ends the program then.
        """
        if not isinstance(what.exc_value, Stopped):
            self._tell(what)

    def _watch(self) -> None:
        """Woken by the signal itself, also while the main thread is busy in a library. Whoever took
        the signal for an ordinary end, and comes to it in time, ends by itself.
        """
        while number := os.read(self._woken, 1):
            if number[0] in self._former:
                again, _, _ = select.select([self._woken], [], [], PATIENCE_S)
                if again and not os.read(self._woken, 1):
                    break
                self.signal = number[0]
                self.leave()
        os.close(self._woken)
