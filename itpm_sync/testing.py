"""For tests of connectors and of the engine: an in-memory source, and the connector contract.

`MemorySource` plays an outside system; `MemoryConnector` reads it. `ConnectorContract` is the
suite that every connector passes: derive a test class from it and say how to build and change
your source (see the fixtures).
"""

from __future__ import annotations

import itertools
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import orjson
import pytest
from pydantic import SecretStr

from itpm_sync.connector import (
    CheckItem,
    Connector,
    ConnectorInfo,
    ConnectorSettings,
    Context,
    Count,
    Deletes,
    Page,
    Partition,
    Publisher,
    RawRecord,
    Stream,
    Window,
)
from itpm_sync.errors import ConnectionFailed, RecordError

HOSTILE_TITLES = (
    '"; DROP TABLE issue; --',
    '=HYPERLINK("http://evil.example")',
    "<script>alert(1)</script>",
    "line one\nline two\ttab",
    "Grüße – 日本語 – 🧨 – \u202eright to left",
    "back\\slash 'single' and \"double\"",
    "{{ 7 * 7 }} ${env:HOME} %s",
)


# ---- an outside system in memory ----------------------------------------------------------------


@dataclass(slots=True)
class MemorySource:
    """Records by id, with scopes that people may or may not see. Thread-safe enough for tests.

    `faults` are raised, one each, by the next calls of `fetch`, between its pages. `tick` is how
    much time passes with each edit.
    """

    records: dict[str, RawRecord] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)  # scopes that are no longer visible
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
            own = [
                r for r in self.records.values() if r.scope == scope and scope not in self.hidden
            ]
        return sorted(own, key=lambda r: (r.updated_at or self.clock, r.source_id))

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
        """One line."""
        if self.down is not None:
            return [CheckItem("login", ok=False, detail=str(self.down))]
        return [CheckItem("login", ok=True)]

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
            found = [r for r in self.source.visible(scope) if _within(r, window)]
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
        ids = partition.detail["ids"]
        if partition.key.endswith((" 0", " rejected")) and self.source.rejected:
            yield Page([], tuple(self.source.rejected))
        for start in range(0, len(ids), self.per_page):
            self.source.fault()
            part = (self.source.records.get(i) for i in ids[start : start + self.per_page])
            yield Page([r for r in part if r is not None and r.scope not in self.source.hidden])

    def census(self, stream: Stream, scope: str) -> Iterator[Sequence[str]]:  # noqa: ARG002
        """Ids, a few a batch."""
        self._ask("census")
        ids = [r.source_id for r in self.source.visible(scope) if not (r.deleted or r.merged_into)]
        for start in range(0, len(ids), self.per_page):
            yield ids[start : start + self.per_page]

    def count(self, stream: Stream, scope: str) -> Count | None:  # noqa: ARG002
        """Exact."""
        self._ask("count")
        if not self.counts:
            return None
        live = [r for r in self.source.visible(scope) if not (r.deleted or r.merged_into)]
        return Count(len(live))

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


# ---- the contract -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ContractWorld:
    """A connector and the hands that change its source; what a source cannot do is None.

    `connector` builds a fresh one. `create(scope, title)` adds a record of `stream` and gives its
    source id; `edit(source_id, title)`, `delete(source_id)`, `move(source_id, scope)` change it.
    `title_of(raw)` reads the title from a raw record's JSON. `offline` builds one that reaches no
    host, for `check`, `streams` and a clear failure. `stream` is the name of the stream tested;
    `crosses` is how many records cross a page limit of the source (or of its test settings).
    `stored(title)` is what the source itself makes of a title (one that takes a single line).
    """

    connector: Callable[[], Connector]
    stream: str
    create: Callable[[str, str], str]
    title_of: Callable[[Mapping[str, Any]], str]
    edit: Callable[[str, str], None] | None = None
    delete: Callable[[str], None] | None = None
    move: Callable[[str, str], None] | None = None
    offline: Callable[[], Connector] | None = None
    crosses: int = 25
    stored: Callable[[str], str] = str


class ConnectorContract:
    """What every connector promises. Derive, and give the one fixture `world`.

    ```python
    class TestYourSystem(ConnectorContract):
        @pytest.fixture
        def world(self) -> ContractWorld | Iterator[ContractWorld]:
            sandbox = YourSandbox(); url = sandbox.start()
            yield ContractWorld(connector=lambda: …, stream="ticket", create=…, title_of=…, …)
            sandbox.stop()
    ```

    The source may hold records already; the tests only look at what changes.
    """

    @pytest.fixture
    def world(self) -> ContractWorld | Iterator[ContractWorld]:
        """The connector under test and its source."""
        raise NotImplementedError("derive from ConnectorContract and define the fixture `world`")

    @pytest.fixture
    def connector(self, world: ContractWorld) -> Iterator[Connector]:
        """A connector, closed at the end."""
        made = world.connector()
        yield made
        made.close()

    # ---- shape

    def test_it_implements_the_whole_interface(self, connector: Connector) -> None:
        assert isinstance(connector, Connector)
        info = connector.info
        assert info.name == info.name.lower()
        assert info.title
        assert info.system
        assert info.verified_against

    def test_unknown_settings_are_refused(self, connector: Connector) -> None:
        assert issubclass(connector.Settings, ConnectorSettings)
        assert connector.Settings.model_config.get("extra") == "forbid"
        assert connector.Settings.model_config.get("frozen") is True

    def test_secrets_are_in_no_representation(self, connector: Connector) -> None:
        secret = {
            name
            for name, declared in connector.Settings.model_fields.items()
            if any(word in name for word in ("password", "token", "secret"))
            and declared.annotation in (str, str | None)
        }
        assert not secret, f"{secret} must be SecretStr"

    def test_streams_are_named_once_and_need_no_network(self, world: ContractWorld) -> None:
        build = world.offline or world.connector
        made = build()
        names = [stream.name for stream in made.streams()]
        made.close()
        assert world.stream in names
        assert len(names) == len(set(names))

    def test_check_reports_and_never_raises(self, world: ContractWorld) -> None:
        made = world.connector()
        items = list(made.check())
        made.close()
        assert items
        assert all(item.name for item in items)

    def test_check_of_an_unreachable_host_is_a_line_not_an_exception(
        self, world: ContractWorld
    ) -> None:
        if world.offline is None:
            pytest.skip("this source has no host")
        made = world.offline()
        items = list(made.check())
        made.close()
        bad = [item for item in items if not item.ok]
        assert bad
        assert all("\n" not in item.detail for item in bad)

    def test_an_unreachable_host_fails_with_one_clear_line(self, world: ContractWorld) -> None:
        if world.offline is None:
            pytest.skip("this source has no host")
        made = world.offline()
        with pytest.raises(ConnectionFailed) as failure:
            read(made, _stream(made, world))
        made.close()
        assert "\n" not in str(failure.value)

    # ---- reading

    def test_every_raw_record_is_well_formed(
        self, world: ContractWorld, connector: Connector
    ) -> None:
        stream = _stream(connector, world)
        world.create(stream.scopes[0], "well formed")
        for record in read(connector, stream):
            assert record.source_id
            assert isinstance(orjson.loads(record.body), dict)
            assert record.scope in stream.scopes
            if record.updated_at is not None:
                assert record.updated_at.utcoffset() == timedelta(0)
            assert stream.incremental <= (record.updated_at is not None)

    def test_paging_loses_and_repeats_nothing(
        self, world: ContractWorld, connector: Connector
    ) -> None:
        stream = _stream(connector, world)
        before = {r.source_id for r in read(connector, stream)}
        made = {world.create(stream.scopes[0], f"record {i}") for i in range(world.crosses)}
        ids = [r.source_id for r in read(connector, stream)]
        assert len(ids) == len(set(ids))
        assert set(ids) == before | made

    def test_a_full_read_the_census_and_the_count_agree(
        self, world: ContractWorld, connector: Connector
    ) -> None:
        stream = _stream(connector, world)
        for number in range(world.crosses):
            world.create(stream.scopes[number % len(stream.scopes)], f"record {number}")
        records = [r for r in read(connector, stream) if not (r.deleted or r.merged_into)]
        for scope in stream.scopes:
            read_ids = {r.source_id for r in records if r.scope == scope}
            listed = list(itertools.chain.from_iterable(connector.census(stream, scope)))
            assert len(listed) == len(set(listed))
            assert set(listed) == read_ids
            count = connector.count(stream, scope)
            if count is not None and count.exact:
                assert count.value == len(read_ids)

    def test_partitions_that_name_their_ids_read_just_these(
        self, world: ContractWorld, connector: Connector
    ) -> None:
        stream = _stream(connector, world)
        world.create(stream.scopes[0], "listed")
        window = Window(None, datetime.now(UTC))
        for partition in connector.partitions(stream, window):
            if partition.ids is not None:
                pages = connector.fetch(stream, partition, window)
                found = {r.source_id for page in pages for r in page.records}
                assert found == set(partition.ids)

    def test_partitions_are_cut_for_the_scopes_asked_for(
        self, world: ContractWorld, connector: Connector
    ) -> None:
        stream = _stream(connector, world)
        for scope in stream.scopes:
            world.create(scope, f"in {scope}")
        for scope in stream.scopes:
            records = read(connector, replace(stream, scopes=(scope,)))
            assert {r.scope for r in records} == {scope}

    def test_reading_twice_gives_the_same_bytes(
        self, world: ContractWorld, connector: Connector
    ) -> None:
        stream = _stream(connector, world)
        world.create(stream.scopes[0], "unchanged")
        first = {r.source_id: (r.body, r.updated_at, r.url) for r in read(connector, stream)}
        second = {r.source_id: (r.body, r.updated_at, r.url) for r in read(connector, stream)}
        assert first == second

    @pytest.mark.parametrize("title", HOSTILE_TITLES)
    def test_hostile_titles_arrive_as_they_are(
        self, world: ContractWorld, connector: Connector, title: str
    ) -> None:
        stream = _stream(connector, world)
        made = world.create(stream.scopes[0], title)
        records = {r.source_id: r for r in read(connector, stream)}
        assert world.title_of(orjson.loads(records[made].body)) == world.stored(title)

    # ---- change

    def test_an_edit_is_found_by_an_incremental_read(
        self, world: ContractWorld, connector: Connector
    ) -> None:
        stream = _stream(connector, world)
        if not stream.incremental or world.edit is None:
            pytest.skip("this stream is always read whole")
        made = world.create(stream.scopes[0], "before")
        stamp = _one(read(connector, stream), made).updated_at
        world.edit(made, "after")
        found = _one(read(connector, stream, since=stamp), made)
        assert world.title_of(orjson.loads(found.body)) == "after"
        assert found.updated_at is not None
        assert stamp is not None
        assert found.updated_at >= stamp

    def test_the_window_includes_its_first_moment(
        self, world: ContractWorld, connector: Connector
    ) -> None:
        stream = _stream(connector, world)
        if not stream.incremental:
            pytest.skip("this stream is always read whole")
        made = world.create(stream.scopes[0], "at the edge")
        stamp = _one(read(connector, stream), made).updated_at
        assert made in {r.source_id for r in read(connector, stream, since=stamp)}

    def test_the_window_leaves_out_what_did_not_change(
        self, world: ContractWorld, connector: Connector
    ) -> None:
        stream = _stream(connector, world)
        if not stream.incremental:
            pytest.skip("this stream is always read whole")
        world.create(stream.scopes[0], "old")
        later = datetime.now(UTC) + timedelta(days=3)
        assert read(connector, stream, since=later) == []

    def test_a_deleted_record_leaves_the_census(
        self, world: ContractWorld, connector: Connector
    ) -> None:
        stream = _stream(connector, world)
        if world.delete is None or stream.deletes is Deletes.NEVER:
            pytest.skip("this stream's records are not deleted")
        made = world.create(stream.scopes[0], "short-lived")
        kept = world.create(stream.scopes[0], "kept")
        world.delete(made)
        listed = set(itertools.chain.from_iterable(connector.census(stream, stream.scopes[0])))
        assert kept in listed
        assert made not in listed
        live = {r.source_id for r in read(connector, stream) if not (r.deleted or r.merged_into)}
        assert made not in live

    def test_a_moved_record_keeps_its_identity(
        self, world: ContractWorld, connector: Connector
    ) -> None:
        stream = _stream(connector, world)
        if world.move is None or len(stream.scopes) < 2:
            pytest.skip("this source cannot move a record")
        made = world.create(stream.scopes[0], "moving")
        world.move(made, stream.scopes[1])
        assert _one(read(connector, stream), made).scope == stream.scopes[1]


def read(connector: Connector, stream: Stream, since: datetime | None = None) -> list[RawRecord]:
    """Everything that a window gives, partition by partition."""
    window = Window(since, datetime.now(UTC))
    return [
        record
        for partition in connector.partitions(stream, window)
        for page in connector.fetch(stream, partition, window)
        for record in page.records
    ]


def _stream(connector: Connector, world: ContractWorld) -> Stream:
    return next(stream for stream in connector.streams() if stream.name == world.stream)


def _one(records: Iterable[RawRecord], source_id: str) -> RawRecord:
    found = [record for record in records if record.source_id == source_id]
    assert len(found) == 1, f"{source_id} was read {len(found)} times"
    return found[0]
