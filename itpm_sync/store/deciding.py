"""What landing does with one raw record: pure decisions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum, auto
from typing import Any, NamedTuple


class Head(NamedTuple):
    """What a raw record says of itself, beside its content; fields as in RawRecord."""

    source_id: str
    scope: str
    updated_at: datetime | None
    url: str | None
    deleted: bool
    merged_into: str | None


class Step(StrEnum):
    """What landing does with one raw record."""

    NEW = auto()
    CHANGED = auto()
    RETURNED = auto()
    REMAPPED = auto()  # same content, other mapping
    READDRESSED = auto()  # same content at another address for people
    SAME = auto()
    OLDER = auto()
    GONE = auto()  # the source says so itself


SAME_STATE = frozenset({Step.REMAPPED, Step.READDRESSED})
"""Steps in which the source's state is the one that is stored: no row of theirs is a version."""


@dataclass(frozen=True, slots=True)
class RawState:
    """What the store knows of a raw record, without its body."""

    hash: bytes
    fingerprint: str
    scope: str
    updated_at: datetime | None
    absent: str | None
    kinds: frozenset[str]
    url: str | None = None
    run: str = ""  # the one that wrote it, or met it lately
    seen_at: Any = None  # when this content was landed, as the driver gives it


def decide(  # noqa: PLR0911 - a decision table
    stored: RawState | None, raw: Head, content: bytes, fingerprint: str, run: str
) -> Step:
    """What to do with `raw`, whose content hash is `content` and which `run` has read.

    Within a run the newer stamp counts: a source that lags may give an older version after a newer
    one. Of two runs the later one's answer counts, whatever its stamp: the source's clock may have
    been set back, or its data restored from a backup. An answer that lagged after all is made good
    by the next run, whose window reaches back by the overlap.
    """
    gone = cause_of(raw)
    if stored is None:
        return Step.GONE if gone else Step.NEW
    if stored.run == run and is_older(raw, stored) and not (stored.absent and not gone):
        return Step.OLDER
    if gone:
        return Step.SAME if stored.absent == gone else Step.GONE
    if stored.absent:
        return Step.RETURNED
    if (content, raw.scope, raw.updated_at) != (stored.hash, stored.scope, stored.updated_at):
        return Step.CHANGED
    if raw.url != stored.url:
        return Step.READDRESSED
    return Step.SAME if fingerprint == stored.fingerprint else Step.REMAPPED


def cause_of(raw: Head) -> str | None:
    """Why the source says that the record is gone, or None."""
    if raw.merged_into is not None:
        return "merged"
    return "deleted" if raw.deleted else None


def is_older(raw: Head, stored: RawState | None) -> bool:
    """Whether a record bears an older stamp than the stored one; what bears none is not older."""
    return stored is not None and _precedes(raw.updated_at, stored.updated_at)


def _precedes(one: datetime | None, other: datetime | None) -> bool:
    return one is not None and other is not None and one < other


def supersedes(raw: Head, other: Head) -> bool:
    """Whether `raw`, which came later, is the version to keep: unless it is older."""
    return not _precedes(raw.updated_at, other.updated_at)
