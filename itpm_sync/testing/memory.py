"""An outside system in memory, and the connector that reads it: for tests of the engine."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import orjson
from pydantic import SecretStr

from itpm_sync.connector import (
    CheckItem,
    ConnectorInfo,
    ConnectorSettings,
    Context,
    Count,
    Fate,
    Page,
    Partition,
    Publisher,
    RawRecord,
    Stream,
    Whereabouts,
    Window,
)
from itpm_sync.errors import RecordError


@dataclass(slots=True)
class MemorySource:
    """Records by id, with scopes that people may or may not see. Thread-safe enough for tests.

    `faults` are raised, one each, by the next calls of `fetch`, between its pages. `tick` is how
    much time passes with each edit.
    """

    records: dict[str, RawRecord] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)  # scopes that are no longer visible
    secret: set[str] = field(default_factory=set)  # records that are no longer visible
    unlisted: set[str] = field(default_factory=set)  # given by id, but left out of every list
    faults: list[Exception] = field(default_factory=list)
    rejected: list[RecordError] = field(default_factory=list)  # in every first page of a scope
    clock: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    tick: timedelta = timedelta(seconds=1)
    calls: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def put(self, source_id: str, scope: str, **fields: Any) -> RawRecord:
        """Creates or replaces a record, stamped now."""
        self.clock += self.tick
        body = orjson.dumps({"id": source_id, **fields})
        record = RawRecord(
            source_id, body, scope, self.clock, f"https://source.example/{source_id}"
        )
        self.records[source_id] = record
        return record

    def delete(self, source_id: str) -> None:
        """Removes a record without a trace."""
        self.clock += self.tick
        del self.records[source_id]

    def move(self, source_id: str, scope: str) -> None:
        """Moves a record to another scope, stamped now."""
        self.clock += self.tick
        moved = replace(self.records[source_id], scope=scope, updated_at=self.clock)
        self.records[source_id] = moved

    def visible(self, scope: str) -> list[RawRecord]:
        """A scope's records, oldest change first."""
        with self.lock:
            own = [r for r in self.records.values() if r.scope == scope and self.shows(r)]
        return sorted(own, key=lambda r: (r.updated_at or self.clock, r.source_id))

    def listed(self, scope: str) -> list[RawRecord]:
        """Those that its lists name."""
        return [r for r in self.visible(scope) if r.source_id not in self.unlisted]

    def shows(self, record: RawRecord) -> bool:
        """Whether our account may see the record."""
        return record.scope not in self.hidden and record.source_id not in self.secret

    def fault(self) -> None:
        """Raises the next fault, if there is one."""
        with self.lock:
            error = self.faults.pop(0) if self.faults else None
        if error is not None:
            raise error


class MemorySettings(ConnectorSettings):
    """Nothing to set but a secret."""

    token: SecretStr = SecretStr("")


class MemoryConnector:
    """Reads a MemorySource: one stream, a partition for every `per_partition` records.

    `ids`: partitions name what they will read, so that a full read is its own census.
    """

    info: ClassVar[ConnectorInfo] = ConnectorInfo(
        name="memory", title="Memory", system="a dict", verified_against="itself"
    )
    Settings: ClassVar[type[ConnectorSettings]] = MemorySettings
    mapping_file: ClassVar[Path] = Path("mapping.yaml")

    def __init__(
        self,
        name: str = "memory",
        settings: Any = None,  # noqa: ARG002 — the signature of every connector
        context: Context | None = None,  # noqa: ARG002
        *,
        source: MemorySource | None = None,
        stream: Stream | None = None,
        per_page: int = 3,
        per_partition: int = 7,
        ids: bool = False,
    ) -> None:
        self.name = name
        self.source = source if source is not None else MemorySource()
        self.stream = stream or Stream("item", ("A", "B"), incremental=True)
        self.per_page, self.per_partition, self.ids = per_page, per_partition, ids
        self.down: Exception | None = None  # raised by everything that asks the source
        self.counts = True  # whether the source can count
        self.closed = False

    def _ask(self, what: str) -> None:
        self.source.calls[what] += 1
        if self.down is not None:
            raise self.down

    def check(self) -> Iterable[CheckItem]:
        """The login, and each scope that shows nothing."""
        if self.down is not None:
            return [CheckItem("login", ok=False, detail=str(self.down))]
        empty = [s for s in self.stream.scopes if not self.source.visible(s)]
        return [
            CheckItem("login", ok=True),
            *(CheckItem(f"scope {scope}", ok=False, detail="shows nothing") for scope in empty),
        ]

    def mapping(self) -> Mapping[str, Any]:
        """Every record is a risk with a title."""
        rule = {"to": "risk", "fields": {"code": "id", "title": "title"}}
        return {"version": 1, "streams": {self.stream.name: [rule]}}

    def variables(self) -> Mapping[str, str]:
        """None."""
        self._ask("variables")
        return {}

    def streams(self) -> Sequence[Stream]:
        """The one stream."""
        return (self.stream,)

    def partitions(self, stream: Stream, window: Window) -> Iterator[Partition]:
        """Slices of a scope's records, in the order of their change."""
        for scope in stream.scopes:
            self._ask("partitions")
            found = [r for r in self.source.listed(scope) if _within(r, window)]
            ids = [r.source_id for r in found]
            for start in range(0, len(ids), self.per_partition):
                part = tuple(ids[start : start + self.per_partition])
                yield Partition(
                    f"{scope} {start}", scope, ids=part if self.ids else None, detail={"ids": part}
                )
            if not ids and self.source.rejected:
                yield Partition(f"{scope} rejected", scope, detail={"ids": ()})

    def fetch(self, stream: Stream, partition: Partition, window: Window) -> Iterator[Page]:  # noqa: ARG002
        """The slice's records that still exist, a few a page."""
        self._ask("fetch")
        ids = partition.detail.get("ids", partition.ids or ())
        if partition.key.endswith((" 0", " rejected")) and self.source.rejected:
            yield Page([], tuple(self.source.rejected))
        for start in range(0, len(ids), self.per_page):
            self.source.fault()
            part = (self.source.records.get(i) for i in ids[start : start + self.per_page])
            yield Page([r for r in part if r is not None and self.source.shows(r)])

    def census(self, stream: Stream, scope: str) -> Iterator[Sequence[str]]:  # noqa: ARG002
        """Ids, a few a batch."""
        self._ask("census")
        ids = [r.source_id for r in self.source.listed(scope) if not (r.deleted or r.merged_into)]
        for start in range(0, len(ids), self.per_page):
            yield ids[start : start + self.per_page]

    def count(self, stream: Stream, scope: str) -> Count | None:  # noqa: ARG002
        """Exact."""
        self._ask("count")
        if not self.counts:
            return None
        live = [r for r in self.source.listed(scope) if not (r.deleted or r.merged_into)]
        return Count(len(live))

    def whereabouts(self, stream: Stream, ids: Sequence[str]) -> Mapping[str, Whereabouts]:  # noqa: ARG002
        """It knows what was deleted, and what this account may not see."""
        self._ask("whereabouts")
        return {i: self._whereabouts(self.source.records.get(i)) for i in ids}

    def _whereabouts(self, record: RawRecord | None) -> Whereabouts:
        if record is None or record.deleted:
            return Whereabouts(Fate.DELETED)
        if not self.source.shows(record):
            return Whereabouts(Fate.HIDDEN)
        if record.merged_into:
            return Whereabouts(Fate.MERGED)
        return Whereabouts(Fate.THERE, record.scope)

    def publisher(self) -> Publisher | None:
        """It is only read."""
        return None

    def close(self) -> None:
        """Notes that it was closed."""
        self.closed = True


def _within(record: RawRecord, window: Window) -> bool:
    return window.since is None or (
        record.updated_at is not None and record.updated_at >= window.since
    )
