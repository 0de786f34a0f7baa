"""The connector API: public and stable. A connector is one package that implements `Connector`.

Terms. A *connection* is a configured account on an outside system; a *connector* the code for a
kind of system; a *stream* one kind of record of a connection; a *scope* the project, queue or file
that a record belongs to at its source (completeness is proved per scope); a *partition* an
independent slice of a stream; a *window* what a fetch covers; a *page* one answer; a *raw record*
the source's own JSON as received; a *cursor* where an incremental read continues, a *checkpoint*
the cursor as stored; a *census* a complete listing of a stream's ids; a *sweep* comparing a census
with the store.

The engine calls the connector, never the other way round, and owns retries of whole partitions,
transactions, checkpoints, mapping and deletion. A connector fetches, and says what it fetched.

Raises: every method may raise ConnectionFailed (the connection cannot go on) and RetryableError
(it could later); `fetch` may put RecordError values into `Page.rejected` for single records that
it cannot even name properly. While a whole reading holds one without a `source_id`, nothing that
it lacks is taken for deleted.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import Enum
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict

from itpm_sync.errors import RecordError
from itpm_sync.model import Record

API_VERSION = 1
CONNECTOR_GROUP = "itpm_sync.connectors"
SANDBOX_GROUP = "itpm_sync.sandboxes"


class ConnectorSettings(BaseModel):
    """Base of a connector's own settings: unknown keys are errors, values are frozen.

    Mark secrets as `pydantic.SecretStr`: the core then knows what to redact and warns when one
    stands in plain YAML.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)


class Deletes(Enum):
    """How a stream tells that a record is gone."""

    CENSUS = "census"  # only a complete listing of ids can tell; see TellsWhereabouts
    WHOLE = "whole"  # every fetch reads the whole scope, so it is its own census (files)
    NEVER = "never"  # records of this stream are not deleted at the source


@dataclass(frozen=True, slots=True)
class Stream:
    """One kind of record of a connection, as data.

    `overlap` is how far before the checkpoint an incremental read starts again: it covers the
    source's stamp granularity, the lag of its index and clocks that disagree.
    """

    name: str
    scopes: tuple[str, ...]  # what is configured and therefore must yield something
    incremental: bool = False  # records carry a stamp and can be asked for by it
    overlap: timedelta = timedelta(minutes=5)
    deletes: Deletes = Deletes.CENSUS
    may_be_empty: bool = False  # an empty scope is a success (sprints), else a problem (issues)
    asks: str = ""
    """What is asked of each record (fields, work logs): where the configuration changes it, the
    stream is read whole again, since unchanged records would lack what is new."""
    reference: bool = False
    """Small and slow to change (projects, versions): read when `refresh_every_h` is over, not in
    each run. What is not read keeps the proof, and the `as of`, of its last reading."""
    joint: bool = False
    """Changes of several scopes can be asked for at once. `partitions` then also gets windows with
    a `since` and several scopes, and may give partitions without a scope, each record of which
    names its own; `count` also gets several scopes and the scope "", and counts them together."""


@dataclass(frozen=True, slots=True)
class Window:
    """What a fetch covers: records changed at or after `since` (None: all of them).

    `until` is the moment at which the run began, aware UTC; it becomes the checkpoint. Records
    changed later may be returned too.
    """

    since: datetime | None
    until: datetime


@dataclass(frozen=True, slots=True)
class Partition:
    """An independent slice of a stream within a window; partitions are fetched concurrently.

    `ids` lists what the slice will read where the connector has listed it first: over a full
    window these are the census, which then costs nothing. `detail` is the connector's own.
    """

    key: str  # stable and readable: "NET", "NET 201-300"
    scope: str = ""
    ids: tuple[str, ...] | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RawRecord:
    """The source's own JSON of one record, as received, and what the engine must know of it."""

    source_id: str  # never changes, whatever is renamed or moved: an id, not a key
    body: bytes  # UTF-8 JSON object
    scope: str = ""  # where the record is now; differs from the partition's scope after a move
    updated_at: datetime | None = None  # aware UTC; None: this stream has no stamp
    url: str | None = None  # for people: a web address, or a place such as `plan.csv row 14`
    deleted: bool = False  # the source itself says so
    merged_into: str | None = None  # source id of the record that replaced this one
    parsed: Any = field(default=None, compare=False, repr=False)
    """`body` as parsed JSON, where the connector has it at hand: saves parsing it again. Nobody
    changes it afterwards."""


@dataclass(frozen=True, slots=True)
class Page:
    """One answer of a source. The engine commits page, mapped rows and progress together."""

    records: Sequence[RawRecord]
    rejected: Sequence[RecordError] = ()


@dataclass(frozen=True, slots=True)
class Count:
    """How many records the source says a scope has; `exact` is false for estimates."""

    value: int
    exact: bool = True


class Fate(Enum):
    """What a source says of a record that it is asked for by its id."""

    THERE = "there"  # it gives the record, and says in which scope that now is
    DELETED = "deleted"  # it says itself that the record no longer exists
    MERGED = "merged"  # another record has taken its place
    HIDDEN = "hidden"
    """It does not give the record to this account. Many sources answer alike where a record was
    deleted and where a right is missing: that is HIDDEN too, as nobody said that it was deleted."""
    UNKNOWN = "unknown"  # it could not say now: nothing is concluded, the next sweep asks again


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """A record's fate; `scope` of one that is THERE, configured or not (a project's key)."""

    fate: Fate
    scope: str = ""


@dataclass(frozen=True, slots=True)
class CheckItem:
    """One line of `itpm-sync check`: what was tried, whether it holds, and advice: what to do if it
    does not, or what to know although it does.
    """

    name: str
    ok: bool
    detail: str = ""
    advice: str = ""


@dataclass(frozen=True, slots=True)
class ConnectorInfo:
    """What `itpm-sync connectors` prints."""

    name: str
    title: str
    system: str  # "Jira Cloud, Jira Data Center 9.12-10.x"
    verified_against: str  # "a real RT 5.0.3 server", "a sandbox validated against OpenAPI …"
    publishes: tuple[str, ...] = ()  # names of the fields a Publisher can own
    publishes_one: tuple[str, ...] = ()  # those that an object has once: for one project only


@runtime_checkable
class Connector(Protocol):
    """What every connector implements.

    The core builds it with `Settings` validated from YAML and a context, then calls `check`,
    or `streams`, `partitions`, `fetch`, `census`, `count`; `publisher` where it writes back.
    Methods are called from several threads at once; `close` once.
    """

    info: ClassVar[ConnectorInfo]
    Settings: ClassVar[type[ConnectorSettings]]
    mapping_file: ClassVar[Path]  # the mapping that ships with the connector

    def __init__(self, name: str, settings: Any, context: Context) -> None: ...

    def check(self) -> Iterable[CheckItem]:
        """Login, permissions, fields, time zone, clock; never raises for what it can report."""
        ...

    def variables(self) -> Mapping[str, str]:
        """Values for `{name}` in mapping paths, resolved at the source: custom-field ids."""
        ...

    def streams(self) -> Sequence[Stream]:
        """The streams this connection is configured for; no network."""
        ...

    def partitions(self, stream: Stream, window: Window) -> Iterator[Partition]:
        """How the window is cut; lazily, so that fetching starts while listing goes on."""
        ...

    def fetch(self, stream: Stream, partition: Partition, window: Window) -> Iterator[Page]:
        """The partition's pages. Retried from its start after a RetryableError."""
        ...

    def census(self, stream: Stream, scope: str) -> Iterator[Sequence[str]]:
        """Every id of a scope, in batches. Raises rather than ending early, and where it cannot
        know: a listing that was refused is not an empty one.
        """
        ...

    def count(self, stream: Stream, scope: str) -> Count | None:
        """How many records the source says the scope has; None where it cannot say."""
        ...

    def publisher(self) -> Publisher | None:
        """The side that writes back, or None."""
        ...

    def close(self) -> None:
        """Releases sessions and files."""
        ...


@runtime_checkable
class TellsWhereabouts(Protocol):
    """A connector whose source says more of a missing record than that it is not listed.

    Without it, what a complete census does not list is taken for deleted: right where the census
    lists all that exists, wrong where records can leave the account's sight.
    """

    def whereabouts(self, stream: Stream, ids: Sequence[str]) -> Mapping[str, Whereabouts]:
        """What became of records that are stored but that no census of the stream lists.

        Asked by id, not by a search: its index may lag. Says no more than the source said. An id
        that is left out counts as UNKNOWN; raises where nothing can be asked. `fetch` is then
        given a partition that names, as `ids`, those that are THERE in a scope of the stream.
        """
        ...


@runtime_checkable
class ListsUnchanged(Protocol):
    """A connector that can list what has not changed since a moment.

    Together with the reading of what has, that is a census without a gap. Beside a census of all,
    a record can be listed while it is visible, and its change be asked for while it is not: what
    is stored of it is then old, and nothing tells.
    """

    def unchanged(self, stream: Stream, scope: str, since: datetime) -> Iterator[Sequence[str]]:
        """As `census`, the ids of those records that `partitions` and `fetch` leave out of a window
        which begins at `since`: each live record of the scope is here or there, or in both.
        """
        ...


@runtime_checkable
class TellsTime(Protocol):
    """A connector whose source says what time it is."""

    def first_answer_at(self) -> datetime | None:
        """The source's own clock when it first answered this connector, aware UTC; None if it
        has not answered yet, or does not tell. Once `variables()` has returned, it has answered.

        No checkpoint lies beyond it: were our clock a day ahead, the next run would otherwise ask
        for changes since tomorrow, and miss those of today.
        """
        ...


@runtime_checkable
class Remembering(Protocol):
    """A connector that keeps what it asked its source for, so as not to ask in each run."""

    def remember(self) -> Mapping[str, Any]:
        """JSON for `Context.remembered` of later runs; asked for after `variables`, no network.

        It is stored in plain: no secrets. What it depends on (settings) belongs into it, so that
        the connector can tell when it no longer holds.
        """
        ...


@dataclass(frozen=True, slots=True)
class Context:
    """What the core hands to a connector: its folder for relative paths, and limits."""

    base_dir: Path
    connections: int = 8  # parallel requests to this outside system
    timeout_s: float = 60.0
    attempts: int = 5  # of one request
    user_agent: str = "itpm-sync"
    remembered: Mapping[str, Any] = field(default_factory=dict)
    """What this connection's connector gave to `remember` in an earlier run, while that is younger
    than `refresh_every_h`; else empty."""
    stop: threading.Event = field(default_factory=threading.Event, compare=False)
    """Set when the run is being stopped: no thread may wait beyond it (HttpClient takes it)."""


# ---- publishing ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureValue:
    """A figure for programs. `value` is a decimal number as `text` shows it, without separators,
    None where the figure is n/a; `unit` a currency (ISO 4217), or `ratio`, `percent`, `hours`,
    `days`, `weeks`, `items`, `points`.
    """

    name: str  # as `itpm-sync explain` calls it
    label: str
    value: str | None
    unit: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusMessage:
    """A project's consolidated status, ready for people, as a connector publishes it.

    Every text is plain and already rounded; a publisher only lays it out. It holds nothing that
    changes without the status changing (no run times) but the data date, so that unchanged means no
    write; where nothing but the data date has changed, the core writes a week later.
    """

    project: str
    name: str
    data_date: date
    rating: str  # green, amber, red, grey
    reason: str
    previous_rating: str | None
    ratings: tuple[tuple[str, str, str], ...]  # dimension, colour, reason
    figures: tuple[tuple[str, str], ...]  # label, text with unit or "n/a (reason)"
    findings: tuple[str, ...]  # the most severe first, one line each
    findings_total: int  # lines there are; what is about one person each is one line
    report_url: str | None
    values: tuple[FigureValue, ...] = ()  # the figures again, for programs


@dataclass(frozen=True, slots=True)
class Target:
    """One field that we own: `address` is the connector's own (an issue key, a ticket id)."""

    connection: str
    project: str
    address: str
    field: str

    @property
    def id(self) -> str:
        """Stable name of the target in store and output."""
        return f"{self.connection}:{self.address}:{self.field}:{self.project}"


@dataclass(frozen=True, slots=True)
class Observed:
    """What stands at a target now. `content` None: nothing there.

    `content` is comparable text: two observations are equal exactly if nobody changed the field
    in between, and equal to what `render` gave if the field holds just that (a source that
    rewrites texts needs a digest beside them), so that an interrupted write is recognised.
    `remote_id` names the object that holds it (a comment's id).
    """

    content: str | None
    remote_id: str | None = None


class Publisher(Protocol):
    """Writes fields that we own. The core decides; this acts, one target at a time.

    No method retries a request that may have acted: the core looks the mark up instead.
    """

    fields: ClassVar[tuple[str, ...]]

    def validate_address(self, address: str) -> str | None:
        """What is wrong with a configured address, or None; no network."""
        ...

    def render(self, target: Target, message: StatusMessage) -> str:
        """The canonical text that the field should hold; pure, the same bytes each time."""
        ...

    def observe(self, target: Target, mark: str, remote_id: str | None) -> Observed:
        """What is there now: by `remote_id` where known, else by looking for our mark.

        Raises NotFound if the object that carries the field (issue, ticket) is gone.
        """
        ...

    def write(self, target: Target, content: str, mark: str, current: Observed) -> Observed:
        """Creates or updates the field, leaving `mark` where `observe` finds it again.

        `mark` identifies the target (not the content): it is the same each week. Returns what
        stands there after the write, read back. Raises PreconditionFailed where the source can
        tell that the field is no longer `current`.
        """
        ...


@runtime_checkable
class Readable(Protocol):
    """A Publisher whose canonical texts are not those that people see: a document as JSON."""

    def readable(self, target: Target, content: str) -> str:
        """A canonical text as plain lines, for a dry run; pure."""
        ...


# ---- sandboxes ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Faults:
    """What a sandbox should do wrong, for tests and for trying a configuration."""

    latency_s: float = 0.0  # added to every request
    rate_limit_per_s: float | None = None  # beyond it: 429 with Retry-After
    fail_next: tuple[str, ...] = ()
    # one entry is used up per request: "500", "503", "429", "429-date", "html", "truncate",
    # "reset", "timeout-before", "timeout-after" (the server acts, the answer is lost), "401", "403"


class Sandbox(Protocol):
    """A small stateful simulator of a vendor's API, served over real HTTP on loopback.

    `seed` takes values of the unified model and serves them the vendor's way; what is not the
    sandbox's kind of record is ignored, so that a demo can offer everything to every sandbox.
    """

    title: ClassVar[str]
    flavours: ClassVar[tuple[str, ...]]

    def __init__(self, flavour: str = "") -> None: ...

    def seed(self, records: Iterable[Record]) -> int:
        """Adds model records, or changes those it has by the same `ref`; returns how many it
        took. A changed record counts as edited now, so that an incremental read finds it.
        """
        ...

    def load(self, path: Path) -> int:
        """Adds a dump of real vendor records (JSON lines, .xz allowed, or a folder of them)."""
        ...

    def start(self, port: int = 0) -> str:
        """Serves on 127.0.0.1 in a thread; returns the base URL."""
        ...

    def stop(self) -> None: ...

    def set_faults(self, faults: Faults) -> None: ...

    def configuration(self) -> Mapping[str, Any]:
        """A `connections:` entry that reaches this sandbox, secrets as `${env:NAME}`."""
        ...

    def environment(self) -> Mapping[str, str]:
        """The environment variables that `configuration` refers to."""
        ...

    def save(self, path: Path) -> None:
        """Writes the whole state, so that a later process can serve it again."""
        ...

    def restore(self, path: Path) -> None: ...


# ---- discovery ----------------------------------------------------------------------------------


@functools.cache  # it opens the metadata of every installed package
def installed(group: str = CONNECTOR_GROUP) -> Mapping[str, EntryPoint]:
    """What is installed, by name: connectors, or sandboxes with `SANDBOX_GROUP`. Nothing loads."""
    return MappingProxyType({point.name: point for point in sorted(entry_points(group=group))})
