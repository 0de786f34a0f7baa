"""One run at a time for one configuration."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import socket
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from itpm_sync.errors import RunLocked, StoreError

_SIGNED_WITHIN_S = 0.5  # of getting the lock


def _now() -> datetime:
    return datetime.now(UTC)


class RunLock:
    """`with RunLock(path):` — raises RunLocked at once, saying who holds it since when.

    The kernel holds the lock for as long as the process lives, so that one left by a killed run
    is free again; the file's content is only for people, and may be missing on a full disk. The
    file is never deleted: a second process could otherwise hold a lock on one that is gone.
    """

    def __init__(self, path: Path, *, clock: Callable[[], datetime] = _now) -> None:
        self._path, self._clock = path, clock
        self._file: int | None = None

    def __enter__(self) -> Self:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            full = error.errno == errno.ENOSPC
            advice = "free space, then run again" if full else "its folder must be writable"
            raise StoreError(f"lock {self._path}: {error.strerror} — {advice}") from error
        if not _taken(file):
            holder = _holder(file)
            os.close(file)
            raise RunLocked(
                f"another run is at work{holder}; it holds {self._path} — wait until it ends"
            )
        self._file = file
        self._write(self._signature())
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._write(b"")
            os.close(self._file)
            self._file = None

    def _signature(self) -> bytes:
        since = self._clock().isoformat(timespec="seconds")
        told = {"pid": os.getpid(), "host": socket.gethostname(), "since": since}
        return json.dumps(told).encode()

    def _write(self, content: bytes) -> None:
        assert self._file is not None  # noqa: S101 — only called while held
        with contextlib.suppress(OSError):
            os.ftruncate(self._file, 0)
            os.pwrite(self._file, content, 0)


def run_is_gone(path: Path) -> bool:
    """True if there is a lock file that nobody holds: whatever run says that it works was killed.

    Changes nothing. False where nobody can tell: no lock file (a store that another machine
    writes), or one that this account may not read.
    """
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(file)
    return True


def _taken(file: int) -> bool:
    """Takes the lock; waits out a `run_is_gone`, which holds it for an instant."""
    for wait_s in (0.01, 0.05, 0.0):
        with contextlib.suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        time.sleep(wait_s)
    return False


def _holder(file: int) -> str:
    """` (process 12 on host, since …)`, or nothing if the file does not say."""
    latest = time.monotonic() + _SIGNED_WITHIN_S
    while not (content := os.pread(file, 4096, 0)) and time.monotonic() < latest:
        time.sleep(0.01)
    try:
        told = json.loads(content)
        return f" (process {told['pid']} on {told['host']}, since {told['since']})"
    except (ValueError, KeyError, TypeError):
        return ""
