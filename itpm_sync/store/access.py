"""Opening a SQLite file only to read it, also where this account may write nothing of it.

Nothing is created, and no schema changed. Facts: a database in WAL mode is read through an index
(`-shm`) beside it, which even a reader creates where it lacks, and `immutable=1` reads the file
alone, without index and locks, and would give nonsense were it changed meanwhile (SQLite:
wal.html#readonly, uri.html). So a file without a log is read that way only where we could not make
an index, and every reading proves that the file stood as it was.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from itpm_sync.errors import StoreError

_CHANGED = "was written by another run while it was read — run the command again"


@dataclass(frozen=True, slots=True)
class Access:
    """How a file that is there can be read. `options` are those of SQLite's URI; none: as ever.
    `state` is that of a file that is read without locks, when it was opened.
    """

    path: Path
    options: str = ""
    state: tuple[object, ...] | None = None

    @property
    def uri(self) -> str:
        """The address for SQLite."""
        return f"file:{quote(os.fspath(self.path.absolute()))}?{self.options}"

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """Around a reading. Raises StoreError where a file that is read without locks was changed
        since it was opened; then whatever the reading gave, or failed with, means nothing.
        """
        try:
            yield
        finally:
            if self.state is not None and _state(self.path) != self.state:
                raise StoreError(f"store {self.path} {_CHANGED}")


def access(path: Path) -> Access | None:
    """How to read a store; None if there is none. Raises StoreError that says what is missing."""
    try:
        if not path.exists():
            return None
    except OSError as error:
        raise _unreadable(path, f"{error.strerror}: {path.parent}", "enter its folder") from None
    log, index = _beside(path, "-wal"), _beside(path, "-shm")
    for file in (path, log, index):
        if file.exists() and not may(file, os.R_OK):
            raise _unreadable(path, f"this account may not read {file.name}", "read it")
    if may(path, os.W_OK) and may(path.parent, os.W_OK):
        return Access(path)
    if not log.exists():
        return Access(path, "mode=ro&immutable=1", _state(path))
    if not index.exists():
        raise StoreError(
            f"store {path} cannot be read: {log.name} holds changes of a run that did not end, and "
            f"to read them {index.name} is needed, which this account may not create in "
            f"{path.parent} — let the next run end, or copy the store with its -wal into a folder "
            "that this account may write"
        )
    return Access(path, "mode=ro")


def may(path: Path, right: int) -> bool:
    """Whether this account has a right; a file system that is mounted read-only gives none to
    write."""
    return os.access(path, right)


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(path.name + ending)


def _state(path: Path) -> tuple[object, ...]:
    """What changes when anybody writes: a log appears, or the file is another or was written."""
    try:
        found = path.stat()
        log = _beside(path, "-wal").exists()
    except OSError as error:
        return (error.errno,)
    return log, found.st_ino, found.st_size, found.st_mtime_ns


def _unreadable(path: Path, reason: str, right: str) -> StoreError:
    return StoreError(
        f"store {path} cannot be read: {reason} — give the account the right to {right}, "
        "or run this as the account that runs ITPM Sync"
    )
