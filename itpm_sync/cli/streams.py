"""The standard streams as cron, supervisors and pipes leave them: closed, full, of an old encoding,
or a pipe that nobody reads any more. None of it changes what a command does or how it ends.
"""

from __future__ import annotations

import codecs
import io
import os
import sys
from typing import TextIO

_ESCAPED = "itpm_sync.escaped"


class OutputFailed(OSError):
    """Standard output cannot be written: its disk is full, its terminal is gone."""


def prepare() -> None:
    """Opens what is closed, and makes standard output one that takes any text.

    To be called before any file is opened: it would get the number of a closed stream, and what is
    printed would end in it. A stream that somebody has put in their place stays.
    """
    codecs.register_error(_ESCAPED, _escaped)
    if sys.stdin is None:
        _open_nowhere(0)
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    if sys.stdout is sys.__stdout__:
        sys.stdout = _lenient(sys.stdout, 1, _Descriptor)
    if sys.stderr is sys.__stderr__:
        sys.stderr = _lenient(sys.stderr, 2, _Unheard)
    if os.environ.get("COLUMNS") == "0":  # told by some shells; nothing would be shown
        del os.environ["COLUMNS"]


class _Descriptor(io.FileIO):
    """A descriptor whose reader may go: what is written then goes nowhere, as in `… | head -1`."""

    def write(self, data: bytes, /) -> int | None:  # type: ignore[override]  # any buffer
        try:
            return super().write(data)
        except OSError as error:
            _open_nowhere(self.fileno())
            self.failed(error)
            return len(data)

    def failed(self, error: OSError) -> None:
        """Whatever else is wrong is told."""
        if not isinstance(error, BrokenPipeError):
            raise OutputFailed(error.errno, error.strerror) from error


class _Unheard(_Descriptor):
    """Standard error: where it cannot be written, nobody can be told."""

    def failed(self, error: OSError) -> None:
        """Nothing."""


def _lenient(stream: TextIO | None, number: int, kind: type[io.FileIO]) -> TextIO:
    if stream is None:  # it was closed
        _open_nowhere(number)
    descriptor = kind(number, "w", closefd=False)
    return io.TextIOWrapper(
        io.BufferedWriter(descriptor),
        encoding=stream.encoding if stream is not None else "utf-8",
        errors=_ESCAPED,
        line_buffering=number == 2 or descriptor.isatty(),
    )


def _open_nowhere(number: int) -> None:
    nowhere = os.open(os.devnull, os.O_RDWR)
    if nowhere != number:
        os.dup2(nowhere, number)
        os.close(nowhere)


def _escaped(error: UnicodeError) -> tuple[str, int]:
    """Letters that the encoding lacks, and halves of letters, as JSON escapes them."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    units = error.object[error.start : error.end].encode("utf-16-be", "surrogatepass")
    pairs = (units[n : n + 2].hex() for n in range(0, len(units), 2))
    return "".join(f"\\u{pair}" for pair in pairs), error.end
