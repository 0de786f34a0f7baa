"""What the store takes and gives: frozen values.

Some have fields of values that `reconcile` and `publish` define for themselves. The store knows
neither, nor do they know the store: `app` copies between them by the fields' names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple, Protocol

from itpm_sync.connector import RawRecord, Target
from itpm_sync.errors import RecordError
from itpm_sync.model import Record
from itpm_sync.store.making import Made, MakeRow

MakeOf = Callable[[type[Record]], MakeRow]
"""What makes rows of a class, of the values of all its fields in their declared order."""


class MappedRecord(Protocol):
    """What a mapping gives for one raw record."""

    @property
    def records(self) -> Sequence[Made]:
        """What `MakeOf` made: the raw record's own rows and its children's."""
        ...

    @property
    def problems(self) -> Sequence[RecordError]:
        """Single values that were left empty."""
        ...


MapRecord = Callable[[RawRecord, MakeOf], MappedRecord]
"""Maps a raw record; raises RecordError to quarantine it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run. `state`: running, ok, failed, partial, safety_stop or interrupted."""

    id: str
    job: str
    started: datetime
    finished: datetime | None
    state: str
    counts: Mapping[str, Any]
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionState:
    """What is known of a connection between runs.

    `fingerprint` of the mapping, and `variables` that its source resolved, with which it was read
    last; `memory`: what its connector remembers, since `remembered_at`; `streams`: those that it
    is configured for, each with its scopes.
    """

    connection: str
    fingerprint: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)
    memory: Mapping[str, Any] = field(default_factory=dict)
    remembered_at: datetime | None = None
    streams: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """Up to where a scope of a stream was read: everything that changed before `at` is stored.

    `swept_at` is the moment of its last complete census, or of its first read; `detail` is the
    engine's own.
    """

    connection: str
    stream: str
    scope: str
    at: datetime
    partition: str = ""
    swept_at: datetime | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Landed:
    """What happened to the raw records of a page. Every one is counted exactly once in `new`,
    `changed`, `returned`, `unchanged`, `older` or `gone`; the other counts overlap with these.

    `older`: an older version than the same run has met before, ignored. `gone`: the source itself
    says that it is deleted or merged. `quarantined`: landed raw, but not mapped; `mapped` model
    records were written, `removed` are children that are no longer there. `changed_ids` (only of a
    re-mapping) are the identities of model records that were added, changed or removed.
    """

    new: int = 0
    changed: int = 0
    returned: int = 0  # was absent, is back
    unchanged: int = 0
    older: int = 0
    gone: int = 0
    quarantined: int = 0
    mapped: int = 0
    removed: int = 0
    changed_ids: tuple[str, ...] = ()

    @property
    def total(self) -> int:
        """Raw records handled."""
        return self.new + self.changed + self.returned + self.unchanged + self.older + self.gone

    def __add__(self, other: Landed) -> Landed:
        return Landed(
            new=self.new + other.new,
            changed=self.changed + other.changed,
            returned=self.returned + other.returned,
            unchanged=self.unchanged + other.unchanged,
            older=self.older + other.older,
            gone=self.gone + other.gone,
            quarantined=self.quarantined + other.quarantined,
            mapped=self.mapped + other.mapped,
            removed=self.removed + other.removed,
            changed_ids=self.changed_ids + other.changed_ids,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeCensus:
    """A census compared with the store, for one scope.

    `missing` are stored but listed nowhere in the stream, but for the number of `fresh` ones, which
    this run has just landed; `unknown` are listed here but not stored (or marked absent); `moved`
    are listed here but stored under another scope.
    """

    scope: str
    stored: int
    listed: int
    fresh: int
    missing: tuple[str, ...]
    unknown: tuple[str, ...]
    moved: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Completeness:
    """What a run proved of one stream and scope. Fields as in `reconcile.inputs.Coverage`."""

    connection: str
    stream: str
    scope: str
    stored: int
    source_count: int | None
    exact: bool
    census_count: int | None
    as_of: datetime | None
    complete: bool
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectedRecord:
    """A record in quarantine; `soft`: one value of it, which the mapping leaves out there, so that
    the record counts. `source_id` is empty if it has none.
    """

    connection: str
    stream: str
    source_id: str
    place: str
    field: str
    message: str
    run: str
    first_seen: datetime
    soft: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRaw:
    """A raw record as stored. `absent` is None, deleted, moved, hidden or merged."""

    connection: str
    stream: str
    raw: RawRecord
    run: str
    seen_at: datetime
    absent: str | None
    absent_since: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Which raw record a model record was mapped from, the run that fetched it last, and when that
    was; of a state that another has superseded, when it was first seen, and the run that saw it so
    (empty: not kept).
    """

    raw_id: str
    run: str
    seen_at: datetime
    superseded: bool = False


class Added(NamedTuple):
    """A model record that came after its connection, stream and scope had been read whole."""

    id: str
    connection: str
    stream: str
    scope: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSnapshot:
    """The bytes of a snapshot and where they come from."""

    data_date: date
    run: str
    created: datetime
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineLine:
    """One line of a baseline: `section` is `package` or `item`, `data` its plain values."""

    section: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredBaseline:
    """One version of a project's baseline."""

    project: str
    version: int
    on: date
    author: str
    approval: str
    change_request: str
    created: datetime
    lines: tuple[BaselineLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GateRecord:
    """What somebody did at a project's gates. Fields as in `reconcile.decisions.GateAct`."""

    project: str
    act: str
    subject: str
    author: str
    on: date
    recorded: datetime
    note: str = ""
    despite: str = ""  # why it was approved though criteria failed
    owner: str = ""  # to whom closing hands over
    failing: tuple[str, ...] = ()  # the criteria that failed


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxRow:
    """What the outbox knows of a target; the same fields as `publish.Entry`."""

    target: Target
    mark: str
    state: str
    written: str | None = None
    standing: str | None = None
    pending: str | None = None
    remote_id: str | None = None
    attempts: int = 0
    message: str = ""
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """Size of the store. `location` shows no password; `bytes` is None where it is not known."""

    location: str
    schema: str
    bytes: int | None
    rows: Mapping[str, int]
    raw_bytes: int  # compressed

    @property
    def bytes_per_record(self) -> Decimal | None:
        """Compressed bytes of a raw record."""
        count = self.rows["raw_record"]
        return (Decimal(self.raw_bytes) / count).quantize(Decimal(1)) if count else None


def total(parts: Sequence[Landed]) -> Landed:
    """The sum of counts."""
    result = Landed()
    for part in parts:
        result = result + part
    return result


def row_of(value: Any) -> dict[str, Any]:
    """The fields of one of these values by name, as its table has them."""
    return {name: getattr(value, name) for name in value.__dataclass_fields__}
