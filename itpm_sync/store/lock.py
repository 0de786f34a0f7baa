"""One run at a time for one configuration."""

from __future__ import annotations

import fcntl
import json
import os
import socket
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Self

from itpm_sync.errors import RunLocked, StoreError


def _now() -> datetime:
    return datetime.now(UTC)


class RunLock:
    """`with RunLock(path):` — raises RunLocked at once, saying who holds it since when.

    The kernel holds the lock for as long as the process lives, so that one left by a killed run
    is free again; the file's content is only for people. It is never deleted: a second process
    could otherwise hold a lock on a file that is no longer there.
    """

    def __init__(self, path: Path, *, clock: Callable[[], datetime] = _now) -> None:
        self._path, self._clock = path, clock
        self._file: IO[str] | None = None

    def __enter__(self) -> Self:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            file = self._path.open("a+", encoding="utf-8")
        except OSError as error:
            raise StoreError(
                f"lock {self._path}: {error.strerror} — its folder must be writable"
            ) from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = _holder(file)
            file.close()
            raise RunLocked(
                f"another run is at work{holder}; it holds {self._path} — wait until it ends"
            ) from error
        self._file = file
        self._sign()
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.truncate(0)
            self._file.close()
            self._file = None

    def _sign(self) -> None:
        assert self._file is not None  # noqa: S101 — only called while held
        self._file.seek(0)
        self._file.truncate()
        started = self._clock().isoformat(timespec="seconds")
        json.dump({"pid": os.getpid(), "host": socket.gethostname(), "since": started}, self._file)
        self._file.flush()


def _holder(file: IO[str]) -> str:
    """` (process 12 on host, since …)`, or nothing if the file does not say."""
    file.seek(0)
    try:
        told = json.load(file)
        return f" (process {told['pid']} on {told['host']}, since {told['since']})"
    except (ValueError, KeyError, TypeError):
        return ""
