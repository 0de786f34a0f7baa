"""Every public exception, named by the reaction it needs, and the words that messages share.

    ItpmError                 anything this product raises on purpose; str() is advice for a person
    ├── ConfigError           configuration or mapping is wrong: nothing runs            (exit 2)
    ├── ConnectionFailed      one connection cannot go on; the others do                 (exit 3)
    │   └── RequestRejected   the source refused this one request (400, 403, 422)
    ├── RetryableError        the same request may succeed later; the HTTP client retries
    ├── RecordError           one record is quarantined and reported; the rest goes on
    ├── PreconditionFailed    what we want to change is not as we left it: a conflict
    ├── NotFound              the remote object is gone or hidden; the caller knows which
    ├── SafetyStop            going on could lose data: a person must confirm            (exit 4)
    ├── RunLocked             another run holds the lock of this configuration           (exit 5)
    ├── StoreError            the store cannot be read or written                        (exit 3)
    └── ReconcileError        inputs of a reconciliation break a promise of the model

    Stopped (a KeyboardInterrupt)   the run is being stopped: nobody reacts, everybody ends

Messages say what, where, expected, actual and what to do. They never contain a secret.
"""

from __future__ import annotations

import difflib
import logging
import re
import signal
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

log = logging.getLogger(__name__)


class ItpmError(Exception):
    """Anything this product raises on purpose. `exit_code` is that of a command it ends."""

    exit_code: ClassVar[int] = 1


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong in a configuration or mapping, as a value.

    `path` is the way to the value through keys and indices; `where` is `file:line:column`, filled
    in by whoever knows the file's text.
    """

    path: tuple[str | int, ...]
    message: str
    hint: str = ""
    where: str = ""

    def __str__(self) -> str:
        place = self.where or "/".join(map(str, self.path)) or "configuration"
        return f"{place}: {self.message}" + (f" — {self.hint}" if self.hint else "")


class ConfigError(ItpmError):
    """The configuration or a mapping is wrong; carries every problem, not only the first."""

    exit_code = 2

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


class ConnectionFailed(ItpmError):
    """A connection cannot go on: login, host, permission, or answers that make no sense."""

    exit_code = 3

    def __init__(self, message: str, *, advice: str = "") -> None:
        self.message, self.advice = message, advice
        super().__init__(f"{message} — {advice}" if advice else message)


class RequestRejected(ConnectionFailed):
    """The source understood and refused one request. `status` is the HTTP status."""

    def __init__(self, message: str, *, status: int, advice: str = "") -> None:
        self.status = status
        super().__init__(message, advice=advice)


class RetryableError(ItpmError):
    """The same request may succeed later. `retry_after_s` is the source's own wish, if any."""

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(message)


class RecordError(ItpmError):
    """One record, or one value of it, cannot be used: it is quarantined and the rest goes on.

    `field` names the value (a JSON path or a column), `place` the spot a person can open
    (`invoices.csv row 14, column Net`), when there is one better than the record's id. A
    connector that rejects a record which it can name gives its `source_id`: the record exists at
    the source, so its absence from a whole fetch is no deletion. `soft`: the mapping leaves out
    such a value, and its record counts.
    """

    def __init__(
        self,
        *,
        field: str,
        value: object,
        expected: str,
        place: str = "",
        hint: str = "",
        source_id: str = "",
        soft: bool = False,
    ) -> None:
        self.field, self.value, self.expected = field, value, expected
        self.place, self.hint, self.source_id, self.soft = place, hint, source_id, soft
        shown = repr(value)
        shown = shown if len(shown) <= 80 else shown[:77] + "…"
        where = f"{place}: " if place else ""
        name = "" if f"column {field}" in place else f"{field}: "  # said already
        super().__init__(
            f"{where}{name}expected {expected}, found {shown}" + (f" — {hint}" if hint else "")
        )


class one_record:  # noqa: N801 — a context manager, a quarter of the cost of a generator's
    """Around what a connector makes of one record: whatever shape it has that nobody expected, it
    is that record's RecordError and not the end of the reading.
    """

    __slots__ = ("_place", "_source_id")

    def __init__(self, source_id: str, place: str) -> None:
        self._source_id, self._place = source_id, place

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, _UNEXPECTED):
            log.debug("record %s", self._source_id, exc_info=error)
            raise RecordError(
                field="record", value=type(error).__name__, expected="the documented form",
                place=self._place, hint=str(error), source_id=self._source_id,
            ) from error  # fmt: skip


_UNEXPECTED = (LookupError, TypeError, ValueError, AttributeError, RecursionError)


class PreconditionFailed(ItpmError):
    """The remote object changed since we last wrote it; nothing was overwritten."""


class NotFound(ItpmError):
    """The source answers 404 or 410 for one object: deleted, moved or no longer visible."""


class SafetyStop(ItpmError):
    """Going on could lose data. `confirm` is the command with which a person confirms."""

    exit_code = 4

    def __init__(self, message: str, *, confirm: str = "") -> None:
        self.confirm = confirm
        super().__init__(f"{message} — to confirm: {confirm}" if confirm else message)


class RunLocked(ItpmError):
    """Another run of the same configuration is at work."""

    exit_code = 5


class StoreError(ItpmError):
    """The store cannot be read or written (disk, permissions, version, connection)."""

    exit_code = 3


class ReconcileError(ItpmError):
    """The inputs of a reconciliation break a promise of the model (mixed currencies, no zone)."""


class Stopped(KeyboardInterrupt):
    """The run is being stopped: by Ctrl-C, SIGTERM (cron, systemd), or an error that ends it all.

    Raised where a thread would wait, and by the program's signal handler. No ItpmError, and no
    Exception either: nothing retries it, reports it as a connection's failure, or goes on after it.
    """

    def __init__(self, number: int = signal.SIGINT) -> None:
        self.exit_code = 128 + number  # as shells count
        by = "Ctrl-C" if number == signal.SIGINT else signal.Signals(number).name
        super().__init__(f"stopped by {by}; the next run continues where this one ended")


EXIT_CODES = {"ok": 0, "quarantine": 3, "partial": 3, "failed": 3, "safety_stop": 4}
"""How what went to its end went, the better first. `quarantine`: everything was done, and records
that cannot be used were put aside.
"""


def worst(states: Collection[str]) -> str:
    """The worst of them; `ok` of none."""
    return max(states, key=[*EXIT_CODES].index, default="ok")


_HALVES = re.compile("[\ud800-\udfff]")
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


def whole(text: str) -> str:
    """A text that can be written as UTF-8: half a letter, as of a file's name that is no UTF-8, is
    shown as `�`.
    """
    return _HALVES.sub("\N{REPLACEMENT CHARACTER}", text)


def visible(text: str) -> str:
    """A text for a terminal: what would command it, or turn the order of its letters, is shown as
    `�`. Titles of tickets and messages of servers are anybody's.
    """
    return _UNSEEN.sub("\N{REPLACEMENT CHARACTER}", text)


def scope_name(stream: str, scope: str) -> str:
    """How messages call a scope of a stream: `issue NET`, but `receipts.csv` where its own name
    begins with the stream's.
    """
    says = scope.casefold().startswith(stream.casefold()) and not scope[len(stream) :][:1].isalnum()
    return scope if says else f"{stream} {scope}".strip()


def told_apart(message: str) -> tuple[str, str]:
    """What happened, and what to do, of a message of ours; nothing where it does not say."""
    happened, dash, advice = message.rpartition(" — ")
    return (happened, advice) if dash else (message, "")


def up_to(most: int, texts: Sequence[str], separator: str = ", ") -> str:
    """The first of these texts in a row, and how many more there are: `A, B, C and 4 more`."""
    shown = separator.join(texts[:most])
    if len(texts) <= most:
        return shown
    return f"{shown}{'' if separator == ', ' else separator.strip()} and {len(texts) - most:,} more"


def suggestion(word: str, known: Iterable[str]) -> str:
    """`did you mean "…"?` for the closest known word, or the list of what is known."""
    names = sorted(known)
    close = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    if close:
        return f'did you mean "{close[0]}"?'
    return f"known: {', '.join(names)}" if names else ""
