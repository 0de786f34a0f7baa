"""Pulling from an in-memory source: converges, marks only what is proved gone, stops in doubt."""

from __future__ import annotations

import contextlib
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from itpm_sync.connector import Deletes, Page, Partition, RawRecord, Stream, Window
from itpm_sync.errors import (
    ConnectionFailed,
    RecordError,
    RequestRejected,
    RetryableError,
    StoreError,
)
from itpm_sync.mapping import Mapper, compile_mapping
from itpm_sync.pull import PullResult, PullSource, pull, remap
from itpm_sync.store import Store
from itpm_sync.testing import MemoryConnector, MemorySource

MAPPING: dict[str, Any] = {
    "version": 1,
    "streams": {
        "item": [
            {
                "to": "work_item",
                "fields": {
                    "key": "id",
                    "title": "title",
                    "points": {"path": "points", "as": "decimal"},
                },
            },
            {
                "to": "time_entry",
                "each": "work",
                "id": "id",
                "fields": {
                    "item": "^@id",
                    "person": {"value": "Ann"},
                    "on": {"value": "2026-01-01", "as": "date"},
                    "duration_s": {"path": "s", "as": "int"},
                },
            },
        ]
    },
}


def mapper(data: Mapping[str, Any] = MAPPING) -> Mapper:
    return compile_mapping(data, {}, "test")


class World:
    """A store and a memory connection, pulled again and again, an hour apart."""

    def __init__(self, url: str, **connector: Any) -> None:
        self.store = Store.open(url)
        self.connector = MemoryConnector(**connector)
        self.source: MemorySource = self.connector.source
        self.mapper = mapper()
        self.pauses: list[float] = []

    def sources(self, *others: PullSource) -> list[PullSource]:
        return [PullSource("memory", lambda _known: (self.connector, self.mapper)), *others]

    def pull(self, *others: PullSource, inline: bool = True, **options: Any) -> PullResult:
        self.source.clock += timedelta(hours=1)
        now = self.source.clock
        run = self.store.begin_run("pull", now)
        result = pull(
            self.store, self.sources(*others), run=run, now=now, inline=inline,
            pause=self.pauses.append, **options,
        )  # fmt: skip
        self.store.finish_run(run, state=result.state, now=now, counts=result.counts)
        return result

    def titles(self) -> dict[str, str]:
        return {r.key: r.title for r in self.store.records("work_item")}  # type: ignore[attr-defined]

    def absent(self) -> dict[str, str | None]:
        raws = self.store.raw_records("memory")
        return {r.raw.source_id: r.absent for r in raws if r.absent is not None}

    def assert_equal_to_source(self) -> None:
        visible = [r for s in self.connector.stream.scopes for r in self.source.visible(s)]
        live = [r.raw for r in self.store.raw_records("memory") if r.absent is None]
        assert {r.source_id: (r.body, r.scope) for r in live} == {
            r.source_id: (r.body, r.scope) for r in visible
        }
        assert set(self.titles()) == {r.source_id for r in visible}


@pytest.fixture
def make(sqlite_url: str) -> Iterator[Callable[..., World]]:
    worlds: list[World] = []

    def build(url: str = sqlite_url, **connector: Any) -> World:
        worlds.append(World(url, **connector))
        return worlds[-1]

    yield build
    for made in worlds:
        made.store.close()


@pytest.fixture
def world(make: Callable[..., World]) -> World:
    return make()


def fill(world: World, count: int, scope: str = "A", start: int = 0) -> None:
    for number in range(start, start + count):
        world.source.put(f"{scope}{number}", scope, title=f"item {number}")


def healthy(world: World) -> None:
    """Both scopes hold something."""
    fill(world, 20, "A")
    fill(world, 5, "B")


# ---- reading ------------------------------------------------------------------------------------


@pytest.mark.parametrize("inline", [True, False])
def test_a_first_pull_stores_everything(
    store_url: str, make: Callable[..., World], inline: bool
) -> None:
    world = make(store_url)
    healthy(world)
    result = world.pull(inline=inline)
    assert (result.state, result.exit_code) == ("ok", 0)
    assert result.connections[0].message == "item: 25 new"
    world.assert_equal_to_source()
    assert {c.scope: (c.stored, c.source_count, c.complete) for c in world.store.coverage()} == {
        "A": (20, 20, True),
        "B": (5, 5, True),
    }


def test_the_next_pull_reads_only_what_changed(world: World) -> None:
    healthy(world)
    world.pull()
    world.source.calls.clear()
    assert world.pull().connections[0].message == "nothing new"
    assert world.source.calls["fetch"] == 0
    world.source.put("A3", "A", title="edited")
    assert world.pull().connections[0].message == "item: 1 changed"
    assert world.source.calls["fetch"] == 1
    assert world.titles()["A3"] == "edited"


def test_the_window_reaches_back_by_the_overlap(world: World) -> None:
    healthy(world)
    world.pull()
    late = world.source.put("A99", "A", title="late")
    checkpoint = world.store.checkpoints("memory", "item")["A"].at
    world.source.records["A99"] = replace(late, updated_at=checkpoint - timedelta(minutes=4))
    world.pull()
    assert "A99" in world.titles()


def test_a_checkpoint_is_the_run_s_beginning(world: World) -> None:
    healthy(world)
    world.pull()
    now = world.source.clock
    assert {c.at for c in world.store.checkpoints("memory", "item").values()} == {now}


def test_a_failing_scope_keeps_its_checkpoint_and_the_other_advances(world: World) -> None:
    healthy(world)
    world.pull()
    first = world.store.checkpoints("memory", "item")
    world.source.put("A1", "A", title="changed")
    world.source.put("B1", "B", title="changed")
    world.source.faults = [RequestRejected("A is refused", status=403)]
    result = world.pull()
    after = world.store.checkpoints("memory", "item")
    assert after["A"] == first["A"]
    assert after["B"].at > first["B"].at
    assert (result.state, result.exit_code) == ("partial", 3)
    assert result.connections[0].message == "item A: A is refused"
    incomplete = {c.scope: c for c in world.store.coverage()}["A"]
    assert (incomplete.complete, incomplete.note) == (False, "item A: A is refused")
    assert incomplete.as_of == first["A"].at
    world.pull()
    world.assert_equal_to_source()


def test_a_partition_is_tried_again_after_a_passing_fault(world: World) -> None:
    healthy(world)
    world.source.faults = [
        RetryableError("busy", retry_after_s=7),
        RetryableError("busy", retry_after_s=9_999),
    ]
    assert world.pull().state == "ok"
    assert world.pauses == [7, 60]
    world.assert_equal_to_source()


def test_a_fault_that_does_not_pass_fails_the_scope(world: World) -> None:
    healthy(world)
    world.source.faults = [RetryableError("still busy")] * 3
    result = world.pull()
    assert result.connections[0].message == "item A: still busy"
    assert world.pauses == [1, 2]


def test_a_new_scope_is_read_whole_while_the_others_are_not(world: World) -> None:
    healthy(world)
    fill(world, 4, "C")
    world.pull()
    world.connector.stream = replace(world.connector.stream, scopes=("A", "B", "C"))
    world.source.calls.clear()
    world.pull()
    assert world.store.counts("memory", "item") == {"A": 20, "B": 5, "C": 4}
    assert world.source.calls["fetch"] == 1


def test_a_full_pull_ignores_the_checkpoint(world: World) -> None:
    healthy(world)
    world.pull()
    world.source.calls.clear()
    world.pull(full=True)
    assert world.source.calls["fetch"] == 4


def test_a_source_that_was_restored_from_a_backup_is_equal_after_a_full_pull(
    world: World,
) -> None:
    healthy(world)
    world.pull()
    backup = dict(world.source.records)
    world.source.put("A3", "A", title="edited")
    world.source.put("A99", "A", title="new")
    world.source.move("B1", "A")
    world.source.delete("A4")
    world.pull(sweep=True)
    world.source.records = dict(backup)
    world.source.put("A99", "B", title="another record that took over its id")
    result = world.pull(full=True, sweep=True)
    assert result.state == "ok", result.message
    world.assert_equal_to_source()
    assert world.titles()["A3"] == "item 3"


# ---- faults of the process ----------------------------------------------------------------------


@pytest.mark.parametrize("pages", [0, 1, 3, 6])
def test_killed_between_two_pages_the_next_run_converges(
    store_url: str, make: Callable[..., World], monkeypatch: pytest.MonkeyPatch, pages: int
) -> None:
    world = make(store_url)
    healthy(world)
    landed = 0
    land = Store.land

    def die(self: Store, page: Page, **options: Any) -> Any:
        nonlocal landed
        if landed == pages:
            raise KeyboardInterrupt
        landed += 1
        return land(self, page, **options)

    monkeypatch.setattr(Store, "land", die)
    with pytest.raises(KeyboardInterrupt):
        world.pull()
    monkeypatch.undo()
    assert world.store.checkpoints("memory", "item") == {}
    world.source.put("A1", "A", title="changed meanwhile")
    world.source.delete("A2")
    assert world.pull(sweep=True).state == "ok"
    world.pull(sweep=True)
    world.assert_equal_to_source()
    assert [r.state for r in world.store.runs()][-1] == "interrupted"


@pytest.mark.parametrize("inline", [True, False])
def test_a_broken_store_ends_the_run_at_once(
    world: World, monkeypatch: pytest.MonkeyPatch, inline: bool
) -> None:
    healthy(world)

    def full(*_: object, **__: object) -> None:
        raise StoreError("store: the disk is full")

    monkeypatch.setattr(Store, "land", full)
    with pytest.raises(StoreError, match="disk is full"):
        world.pull(inline=inline)
    assert world.store.checkpoints("memory", "item") == {}


def test_what_cannot_be_stored_is_not_fetched_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    healthy(world)
    fetched: list[int] = []

    def full(*_: object, **__: object) -> None:
        raise StoreError("store: the disk is full")

    def endless(*_: object) -> Iterator[Page]:
        for number in range(100):
            fetched.append(number)
            yield Page(())

    monkeypatch.setattr(Store, "land", full)
    monkeypatch.setattr(MemoryConnector, "fetch", endless)
    with pytest.raises(StoreError, match="disk is full"):
        world.pull()
    assert set(fetched) == {0, 1}  # of each scope


def test_the_writer_is_one_thread_and_fetchers_are_several(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(world, 200, "A")
    fill(world, 1, "B")
    writers: set[str] = set()
    fetchers: set[str] = set()
    together = threading.Barrier(2, timeout=20)
    land, fetch = Store.land, MemoryConnector.fetch

    def note(self: Store, page: Page, **options: Any) -> Any:
        writers.add(threading.current_thread().name)
        return land(self, page, **options)

    def meet(self: MemoryConnector, *arguments: Any) -> Iterator[Page]:
        fetchers.add(threading.current_thread().name)
        if arguments[1].key in {"A 0", "A 7"}:
            together.wait()  # passes only if two partitions are fetched at once
        yield from fetch(self, *arguments)

    monkeypatch.setattr(Store, "land", note)
    monkeypatch.setattr(MemoryConnector, "fetch", meet)
    assert world.pull(inline=False).state == "ok"
    assert len(writers) == 1
    assert len(fetchers) > 1
    world.assert_equal_to_source()


# ---- several connections ------------------------------------------------------------------------


@pytest.mark.parametrize("inline", [True, False])
def test_one_failing_connection_never_stops_the_others(world: World, inline: bool) -> None:
    healthy(world)

    def no_login(_known: Any) -> Any:
        raise ConnectionFailed("login refused", advice="check the token")

    def bug(_known: Any) -> Any:
        raise ZeroDivisionError

    result = world.pull(PullSource("locked", no_login), PullSource("buggy", bug), inline=inline)
    states = {c.name: (c.state, c.message) for c in result.connections}
    assert states["memory"] == ("ok", "item: 25 new")
    assert states["locked"] == ("failed", "login refused — check the token")
    assert states["buggy"][0] == "failed"
    assert "unexpected ZeroDivisionError" in states["buggy"][1]
    assert (result.state, result.exit_code) == ("partial", 3)
    world.assert_equal_to_source()


def test_a_connection_that_fails_later_is_no_longer_proved_complete(world: World) -> None:
    healthy(world)
    world.pull()
    world.connector.down = ConnectionFailed("no route to host")
    result = world.pull()
    assert (result.state, result.exit_code) == ("failed", 3)
    assert all(not c.complete and c.note == "no route to host" for c in world.store.coverage())
    assert len(world.titles()) == 25


def test_the_same_failure_twice_is_not_asked_for_a_third_time(make: Callable[..., World]) -> None:
    world = make(stream=Stream("item", ("A", "B", "C", "D"), incremental=True))
    for scope in "ABCD":
        fill(world, 1, scope)
    world.source.faults = [ConnectionFailed("login refused")] * 4
    result = world.pull()
    assert world.source.calls["fetch"] == 2
    assert result.connections[0].state == "failed"
    assert [s.problem for s in result.connections[0].streams[0].scopes] == [
        f"item {s}: login refused" for s in "ABCD"
    ]


def test_different_failures_of_scopes_do_not_stop_the_rest(make: Callable[..., World]) -> None:
    world = make(stream=Stream("item", ("A", "B", "C"), incremental=True))
    for scope in "ABC":
        fill(world, 1, scope)
    world.source.faults = [ConnectionFailed("no A"), ConnectionFailed("no B")]
    world.pull()
    assert world.store.counts("memory", "item") == {"C": 1}


# ---- absence ------------------------------------------------------------------------------------


def test_a_deletion_is_marked_by_a_sweep_and_a_return_undoes_it(world: World) -> None:
    healthy(world)
    world.pull()
    gone = world.source.records["A7"]
    world.source.delete("A7")
    assert world.pull(sweep=True).connections[0].message == "item: 1 deleted"
    assert world.absent() == {"A7": "deleted"}
    assert [r.key for r in world.store.gone("work_item")] == ["A7"]  # type: ignore[attr-defined]
    world.source.records["A7"] = gone  # restored with its old stamp: no window would bring it
    world.pull(sweep=True)
    assert world.absent() == {}
    world.assert_equal_to_source()


def test_a_count_that_disagrees_calls_for_a_sweep_at_once(world: World) -> None:
    healthy(world)
    world.pull()
    world.source.delete("A7")
    world.pull()
    assert world.absent() == {"A7": "deleted"}
    world.assert_equal_to_source()


def test_without_a_count_the_sweep_comes_when_it_is_due(world: World) -> None:
    world.connector.counts = False
    healthy(world)
    world.pull()
    world.source.delete("A7")
    world.pull()
    assert world.absent() == {}
    world.pull(sweep_every=timedelta(hours=2))
    assert world.absent() == {"A7": "deleted"}
    world.source.calls.clear()
    world.pull(sweep_every=timedelta(hours=2))
    assert world.source.calls["census"] == 0


def test_a_full_read_that_names_its_ids_needs_no_census(make: Callable[..., World]) -> None:
    world = make(ids=True)
    healthy(world)
    world.pull()
    world.source.delete("A7")
    world.pull(full=True)
    assert world.absent() == {"A7": "deleted"}
    assert world.source.calls["census"] == 0


def test_a_moved_record_is_neither_doubled_nor_deleted(world: World) -> None:
    healthy(world)
    world.pull()
    world.source.move("A7", "B")
    world.pull(sweep=True)
    assert world.absent() == {}
    assert world.store.counts("memory", "item") == {"A": 19, "B": 6}
    assert len(world.titles()) == 25


def test_a_move_without_a_new_stamp_is_found_by_the_sweep(world: World) -> None:
    healthy(world)
    world.pull()
    world.source.records["A7"] = replace(world.source.records["A7"], scope="B")
    result = world.pull(sweep=True)
    assert result.connections[0].streams[0].moved == 1
    assert world.store.counts("memory", "item") == {"A": 19, "B": 6}


def test_a_merged_record_is_marked_by_what_the_source_says(world: World) -> None:
    healthy(world)
    world.pull()
    merged = world.source.put("A7", "A", title="")
    world.source.records["A7"] = replace(merged, merged_into="A8")
    world.pull()
    assert world.absent() == {"A7": "merged"}
    assert all(c.complete for c in world.store.coverage())


def test_a_scope_no_longer_configured_is_hidden_and_can_come_back(world: World) -> None:
    healthy(world)
    world.pull()
    both = world.connector.stream
    world.connector.stream = replace(both, scopes=("A",))
    result = world.pull(sweep=True)
    assert (result.state, result.connections[0].streams[0].hidden) == ("ok", 5)
    assert set(world.absent().values()) == {"hidden"}
    world.connector.stream = both
    world.pull()
    world.assert_equal_to_source()


def test_a_stream_no_longer_configured_is_hidden_and_can_come_back(world: World) -> None:
    healthy(world)
    world.pull()
    item = world.connector.stream
    world.connector.stream = replace(item, name="other")
    world.mapper = mapper({"version": 1, "streams": {"other": MAPPING["streams"]["item"]}})
    result = world.pull()
    assert "item: 25 no longer visible" in result.connections[0].message
    kept = [r.ref.stream for r in world.store.records("work_item")]
    assert set(kept) == {"other"}
    world.connector.stream, world.mapper = item, mapper()
    world.pull()
    assert {r.ref.stream for r in world.store.records("work_item")} == {"item"}


def test_an_empty_census_stops_for_a_person(world: World) -> None:
    healthy(world)
    world.pull()
    world.source.hidden.add("B")
    result = world.pull(sweep=True)
    one = result.connections[0]
    assert (result.state, result.exit_code) == ("safety_stop", 4)
    assert one.message == (
        "item B: the source lists nothing, 5 records are stored — to confirm: "
        "itpm-sync pull memory --sweep --confirm-deletions"
    )
    assert world.absent() == {}
    assert world.pull().exit_code == 4, "a stop is not forgotten by the next run"
    assert world.pull(confirm=True, sweep=True).exit_code == 3, "an empty scope is a problem"
    assert set(world.absent()) == {f"B{i}" for i in range(5)}
    world.source.hidden.clear()
    assert world.pull().exit_code == 0
    world.assert_equal_to_source()


@pytest.mark.parametrize(("deleted", "stops"), [(10, False), (11, True)])
def test_a_census_that_is_short_by_a_fifth_and_ten_records_stops(
    world: World, deleted: int, stops: bool
) -> None:
    fill(world, 50, "A")
    fill(world, 1, "B")
    world.pull()
    for number in range(deleted):
        world.source.delete(f"A{number}")
    result = world.pull(sweep=True)
    assert (result.exit_code == 4) is stops
    assert len(world.absent()) == (0 if stops else deleted)
    if stops:
        assert "11 of 50 stored records are no longer listed, more than 20%" in result.message


def test_a_census_that_fails_marks_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    healthy(world)
    world.pull()
    world.source.delete("A7")

    def fail(_self: MemoryConnector, _stream: Stream, scope: str) -> Iterator[list[str]]:
        yield ["A1"]
        raise ConnectionFailed(f"truncated listing of {scope}")

    monkeypatch.setattr(MemoryConnector, "census", fail)
    result = world.pull(sweep=True)
    assert world.absent() == {}
    assert result.exit_code == 3
    assert "item A: cannot be listed: truncated listing of A" in result.message


def test_a_failed_scope_forbids_conclusions_about_the_others(world: World) -> None:
    healthy(world)
    world.pull()
    world.source.delete("B1")
    world.source.put("A1", "A", title="x")
    world.source.faults = [RequestRejected("no", status=403)]
    world.pull(sweep=True)
    assert world.absent() == {}


def test_a_stream_read_whole_is_its_own_census(make: Callable[..., World]) -> None:
    world = make(stream=Stream("item", ("A",), deletes=Deletes.WHOLE))
    fill(world, 5)
    world.pull()
    world.source.delete("A1")
    world.pull()
    assert world.absent() == {"A1": "deleted"}
    assert world.source.calls["census"] == 0


def test_a_row_that_turned_bad_is_not_a_deleted_row(make: Callable[..., World]) -> None:
    world = make(stream=Stream("item", ("A",), deletes=Deletes.WHOLE))
    fill(world, 5)
    world.pull()
    good = world.source.records.pop("A1")
    world.source.rejected = [
        RecordError(field="Net", value="x", expected="an amount", place="row 2", source_id="A1"),
        RecordError(field="id", value="", expected="an id", place="row 9"),
    ]
    result = world.pull()
    assert (result.state, world.absent()) == ("ok", {})
    assert {p.place for p in world.store.rejected()} == {"row 2", "row 9"}
    assert world.titles()["A1"] == "item 1"
    world.source.rejected = []
    world.source.records["A1"] = good
    world.pull()
    assert world.store.rejected() == ()


def test_ids_that_are_listed_but_never_given_are_read_whole_only_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    healthy(world)
    world.pull()
    census = MemoryConnector.census

    def one_more(self: MemoryConnector, stream: Stream, scope: str) -> Iterator[Any]:
        yield from census(self, stream, scope)
        yield ["?"] if scope == "A" else []

    monkeypatch.setattr(MemoryConnector, "census", one_more)
    world.pull(sweep=True)
    proof = {c.scope: c for c in world.store.coverage()}["A"]
    assert (proof.complete, proof.note) == (False, "1 listed record could not be read")
    world.source.calls.clear()
    world.pull(sweep=True)
    assert world.source.calls["fetch"] == 1, "only by its id"
    world.source.put("?", "A", title="now it is given")
    world.source.records["?"] = replace(
        world.source.records["?"], updated_at=datetime(2020, 1, 1, tzinfo=UTC)
    )
    monkeypatch.undo()
    world.pull(sweep=True)
    world.assert_equal_to_source()


# ---- completeness -------------------------------------------------------------------------------


def test_a_scope_that_yields_nothing_is_a_problem(world: World) -> None:
    fill(world, 3, "A")
    result = world.pull()
    assert (result.state, result.exit_code) == ("partial", 3)
    assert result.message == (
        "memory: item B: yields nothing — check the name and the account's permissions"
    )


def test_a_scope_that_may_be_empty_is_no_problem(make: Callable[..., World]) -> None:
    world = make(stream=Stream("item", ("A",), may_be_empty=True))
    assert world.pull().state == "ok"


def test_a_source_that_holds_back_records_is_found_out(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    healthy(world)
    fetch = MemoryConnector.fetch

    def forgetful(self: MemoryConnector, *arguments: Any) -> Iterator[Page]:
        for page in fetch(self, *arguments):
            yield Page([r for r in page.records if r.source_id != "A7"])

    monkeypatch.setattr(MemoryConnector, "fetch", forgetful)
    monkeypatch.setattr(MemoryConnector, "census", lambda *_: iter([[]]))
    result = world.pull(confirm=True)
    assert result.exit_code == 3
    assert not {c.scope: c for c in world.store.coverage()}["A"].complete


# ---- quarantine and mapping ---------------------------------------------------------------------


def test_a_bad_record_is_quarantined_and_the_rest_loads(world: World) -> None:
    healthy(world)
    world.source.put("A3", "A", title="x", points="many")
    result = world.pull()
    assert (result.state, result.connections[0].message) == ("ok", "item: 25 new, 1 quarantined")
    (problem,) = world.store.rejected()
    assert (problem.source_id, problem.field) == ("A3", "points")
    assert len(world.titles()) == 24
    world.source.put("A3", "A", title="mended", points=3)
    world.pull()
    assert (world.store.rejected(), world.titles()["A3"]) == ((), "mended")


def test_a_body_that_is_no_json_is_quarantined(world: World) -> None:
    healthy(world)
    world.source.records["A3"] = replace(world.source.records["A3"], body=b"<html>")
    world.source.records["A4"] = replace(world.source.records["A4"], body=b"[1, 2]")
    world.pull()
    assert {p.source_id for p in world.store.rejected()} == {"A3", "A4"}


def changed_mapping() -> Mapper:
    data = {
        "version": 1,
        "streams": {"item": [{"to": "work_item", "fields": {"key": "id", "title": "id"}}]},
    }
    return mapper(data)


def test_remapping_reads_stored_records_and_no_source(world: World) -> None:
    healthy(world)
    world.source.put("A0", "A", title="x", work=[{"id": 1, "s": 60}])
    world.pull()
    world.source.calls.clear()
    new = changed_mapping()
    rehearsed = remap(world.store, "memory", new, now=world.source.clock, dry_run=True)
    assert world.titles()["A1"] == "item 1"
    done = remap(world.store, "memory", new, now=world.source.clock, run="r")
    assert (done.records, done.changed, done.rejected) == (25, 26, 0)
    assert set(done.changed_ids) == set(rehearsed.changed_ids)
    assert world.titles()["A1"] == "A1"
    assert list(world.store.records("time_entry")) == []
    assert sum(world.source.calls.values()) == 0
    assert remap(world.store, "memory", new, now=world.source.clock).records == 0


def test_a_pull_after_a_mapping_change_refreshes_every_row(world: World) -> None:
    healthy(world)
    world.pull()
    world.mapper = changed_mapping()
    result = world.pull()
    assert result.connections[0].remapped == 25
    assert world.titles()["B4"] == "B4"


def test_a_stream_without_a_rule_is_kept_raw_and_said(world: World) -> None:
    healthy(world)
    world.mapper = mapper({"version": 1, "streams": {}})
    result = world.pull()
    assert "no rule of the mapping uses it" in result.connections[0].streams[0].notes[0]
    assert world.store.counts("memory", "item") == {"A": 20, "B": 5}


def test_progress_is_told_what_is_done_of_what_is_listed(make: Callable[..., World]) -> None:
    world = make(ids=True)
    fill(world, 20, "A")
    fill(world, 1, "B")
    told: list[tuple[str, str, int, int | None]] = []

    class Listener:
        def update(self, connection: str, stream: str, done: int, total: int | None) -> None:
            told.append((connection, stream, done, total))

    world.pull(progress=Listener())
    assert told[:2] == [("memory", "item", 0, None), ("memory", "item", 3, 7)]
    assert told[-1] == ("memory", "item", 21, 21)


# ---- any history --------------------------------------------------------------------------------

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.integers(0, 12), st.sampled_from("AB")),
        st.tuples(st.just("delete"), st.integers(0, 12), st.just("")),
        st.tuples(st.just("move"), st.integers(0, 12), st.sampled_from("AB")),
        st.tuples(st.just("restamp"), st.integers(0, 12), st.sampled_from("AB")),
        st.tuples(st.sampled_from(["hide", "show"]), st.just(0), st.sampled_from("AB")),
        st.tuples(st.sampled_from(["retry", "refuse", "kill"]), st.integers(0, 5), st.just("")),
        st.tuples(st.just("pull"), st.just(0), st.sampled_from(["", "full", "sweep", "confirm"])),
    ),
    max_size=25,
)


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite store, to be copied: faster than migrating one for every example."""
    path = tmp_path_factory.mktemp("empty") / "store.db"
    Store.open(f"sqlite:///{path}").close()
    return path


class Killed(BaseException):
    """Stands for kill -9: nothing of ours may handle it."""


def apply(world: World, step: tuple[str, int, str]) -> None:
    what, number, where = step
    source, name = world.source, f"R{number}"
    match what:
        case "put":
            source.put(name, where, title=f"at {source.clock}", work=[{"id": number, "s": number}])
        case "delete" if name in source.records:
            source.delete(name)
        case "move" if name in source.records:
            source.move(name, where)
        case "restamp" if name in source.records:  # moved without a stamp: only a census tells
            source.records[name] = replace(source.records[name], scope=where)
        case "hide":
            source.hidden.add(where)
        case "show":
            source.hidden.discard(where)
        case "retry":
            source.faults.extend([RetryableError("later")] * (number + 1))
        case "refuse":
            source.faults.append(RequestRejected("no", status=403))
        case "kill":
            source.faults.append(Killed())  # type: ignore[arg-type]
        case "pull":
            with contextlib.suppress(Killed):
                world.pull(**({where: True} if where else {}))


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(steps=STEPS, ids=st.booleans())
def test_after_any_history_one_quiet_run_leaves_the_store_equal_to_the_source(
    empty_store: Path, tmp_path: Path, steps: list[tuple[str, int, str]], ids: bool
) -> None:
    for leftover in tmp_path.glob("any.db*"):
        leftover.unlink()
    shutil.copy(empty_store, tmp_path / "any.db")
    world = World(f"sqlite:///{tmp_path / 'any.db'}", ids=ids)
    try:
        for step in steps:
            apply(world, step)
        world.source.faults.clear()
        world.pull(sweep=True, confirm=True)
        world.assert_equal_to_source()
        entries = list(world.store.records("time_entry"))
        visible = [r for s in "AB" for r in world.source.visible(s)]
        assert len(entries) == len(visible), "every visible record has one time entry"
    finally:
        world.store.close()


def test_an_in_memory_record_is_what_the_connector_api_says(world: World) -> None:
    record = world.source.put("A1", "A", title="x")
    assert isinstance(record, RawRecord)
    assert record.updated_at == datetime(2026, 1, 1, 0, 0, 1, tzinfo=UTC)


# ---- what the source would not give, and what is asked for anew ---------------------------------


@contextlib.contextmanager
def refusing(world: World, monkeypatch: pytest.MonkeyPatch, source_id: str) -> Iterator[None]:
    """The source lists a record and then does not give it."""
    given = world.connector.fetch

    def fetch(stream: Stream, partition: Partition, window: Window) -> Iterator[Page]:
        for page in given(stream, partition, window):
            refused = [r for r in page.records if r.source_id == source_id]
            errors = [
                RecordError(field="item", value=r.source_id, expected="an item",
                            source_id=r.source_id)
                for r in refused
            ]  # fmt: skip
            yield Page([r for r in page.records if r not in refused], errors)

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(world.connector, "fetch", fetch)
        yield


def test_a_change_that_the_source_would_not_give_is_asked_for_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    healthy(world)
    world.pull()
    world.source.put("A3", "A", title="edited")
    with refusing(world, monkeypatch, "A3"):
        world.pull()
        assert world.titles()["A3"] == "item 3"
    world.pull()
    assert world.titles()["A3"] == "edited"
    assert not world.store.rejected()
    world.source.calls.clear()
    world.pull()
    assert world.source.calls["fetch"] == 0


def test_what_a_full_read_was_refused_is_read_by_its_id_in_the_next_run(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No window brings it: it has not changed. Found by a soak whose full run was killed."""
    healthy(world)
    world.pull()
    world.source.clock += timedelta(days=1)
    world.pull()
    with refusing(world, monkeypatch, "A3"):
        world.pull(full=True)
    assert [r.source_id for r in world.store.rejected()] == ["A3"]
    world.source.calls.clear()
    assert world.pull().state == "ok"
    assert not world.store.rejected()
    assert world.source.calls["fetch"] == 1
    world.pull()
    assert world.source.calls["fetch"] == 1
    world.assert_equal_to_source()


def test_what_never_can_be_read_is_asked_for_in_vain_for_a_week_only(world: World) -> None:
    healthy(world)
    world.pull()
    world.source.rejected = [RecordError(field="x", value=1, expected="2", source_id="A3")]
    world.pull()
    asked = world.store.checkpoints("memory", "item")["A"]
    assert "again" in asked.detail
    world.source.clock += timedelta(days=8)
    world.pull()
    assert "again" not in world.store.checkpoints("memory", "item")["A"].detail


def test_a_stream_that_asks_for_more_than_before_is_read_whole_once(world: World) -> None:
    healthy(world)
    world.pull()
    world.connector.stream = replace(world.connector.stream, asks="points")
    world.source.calls.clear()
    world.pull()
    assert world.source.calls["fetch"] == 4  # 20 of A by seven, 5 of B
    world.source.calls.clear()
    world.pull()
    assert world.source.calls["fetch"] == 0


# ---- what became of records that no census lists ------------------------------------------------


class CensusOnly(MemoryConnector):
    """A connector that can say no more than its census."""

    whereabouts = None  # type: ignore[assignment]


def test_deleted_moved_hidden_and_merged_are_told_apart(world: World) -> None:
    healthy(world)
    world.pull()
    world.source.delete("A1")
    world.source.move("A2", "elsewhere")
    world.source.secret.add("A3")
    world.source.records["A4"] = replace(world.source.records["A4"], merged_into="A5")
    result = world.pull(sweep=True)
    assert world.absent() == {"A1": "deleted", "A2": "moved", "A3": "hidden", "A4": "merged"}
    assert result.connections[0].message == (
        "item: 1 deleted, 1 moved, 1 merged, 1 no longer visible"
    )
    assert result.state == "ok"
    assert all(proof.complete for proof in world.store.coverage())


def test_a_connector_that_knows_only_its_census_takes_what_is_missing_for_deleted(
    sqlite_url: str,
) -> None:
    world = World(sqlite_url)
    world.connector = CensusOnly(source=world.source)
    healthy(world)
    world.pull()
    world.source.secret.add("A3")
    world.pull(sweep=True)
    assert world.absent() == {"A3": "deleted"}
    world.source.secret.clear()
    world.pull(sweep=True)
    assert world.absent() == {}
    world.store.close()


def test_only_what_is_missing_is_asked_for(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    healthy(world)
    world.pull()
    asked: list[tuple[str, ...]] = []
    told = MemoryConnector.whereabouts

    def note(self: MemoryConnector, stream: Stream, ids: Any) -> Any:
        asked.append(tuple(ids))
        return told(self, stream, ids)

    monkeypatch.setattr(MemoryConnector, "whereabouts", note)
    world.pull(sweep=True)
    assert asked == []
    world.source.delete("A7")
    world.source.move("B1", "elsewhere")
    world.pull(sweep=True)
    assert asked == [("A7", "B1")]


@pytest.mark.parametrize("edited", [False, True])
def test_a_record_that_is_there_but_not_listed_stays_and_is_read_by_its_id(
    world: World, edited: bool
) -> None:
    healthy(world)
    world.pull()
    world.source.unlisted.add("A7")  # archived, or the source's index lags
    if edited:
        world.source.put("A7", "A", title="edited")
    result = world.pull(sweep=True)
    assert (result.state, world.absent()) == ("ok", {})
    assert world.titles()["A7"] == ("edited" if edited else "item 7")
    proof = {c.scope: c for c in world.store.coverage()}["A"]
    assert (proof.stored, proof.source_count, proof.complete) == (20, 20, True)
    world.source.calls.clear()
    assert world.pull().state == "ok"
    assert world.source.calls["census"] == 0, "the count is known to lack it"
    world.source.unlisted.clear()
    world.pull()
    assert world.pull().state == "ok"
    world.assert_equal_to_source()


def test_a_question_that_fails_marks_nothing_and_is_told_and_asked_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    healthy(world)
    world.pull()
    world.source.delete("A7")

    def fail(*_: object) -> Any:
        raise ConnectionFailed("no route to host")

    with monkeypatch.context() as failing:
        failing.setattr(MemoryConnector, "whereabouts", fail)
        result = world.pull(sweep=True)
    assert world.absent() == {}
    assert result.exit_code == 3
    assert result.message == (
        "memory: item A: it cannot be asked what became of missing records: no route to host"
    )
    assert world.pull().state == "ok"
    assert world.absent() == {"A7": "deleted"}


def test_a_record_of_which_the_source_says_nothing_stays_and_is_told(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    healthy(world)
    world.pull()
    world.source.delete("A7")
    world.source.delete("B1")
    told = MemoryConnector.whereabouts

    def forgetful(self: MemoryConnector, stream: Stream, ids: Any) -> Any:
        return {i: w for i, w in told(self, stream, ids).items() if i != "A7"}

    with monkeypatch.context() as forgetting:
        forgetting.setattr(MemoryConnector, "whereabouts", forgetful)
        result = world.pull(sweep=True)
    assert world.absent() == {"B1": "deleted"}
    assert result.message == (
        "memory: item A: 1 of its stored records is not listed, and the source did not say what "
        "became of it; the next sweep asks again"
    )
    assert world.pull().state == "ok"
    assert set(world.absent()) == {"A7", "B1"}


def test_in_doubt_nobody_is_asked_and_confirmed_deletions_get_their_true_causes(
    world: World,
) -> None:
    healthy(world)
    world.pull()
    world.source.hidden.add("B")
    world.source.calls.clear()
    assert world.pull(sweep=True).exit_code == 4
    assert world.source.calls["whereabouts"] == 0
    world.source.move("B0", "elsewhere")
    del world.source.records["B1"]
    world.pull(sweep=True, confirm=True)
    hidden = dict.fromkeys(["B2", "B3", "B4"], "hidden")
    assert world.absent() == {"B0": "moved", "B1": "deleted"} | hidden


@pytest.mark.parametrize(
    ("change", "stops"),
    [("deleted", False), ("moved", False), ("hidden", True), ("nothing said", True)],
)
def test_an_empty_census_of_what_may_be_empty_is_believed_only_if_the_source_says_why(
    make: Callable[..., World], monkeypatch: pytest.MonkeyPatch, change: str, stops: bool
) -> None:
    world = make(stream=Stream("item", ("A",), may_be_empty=True))
    fill(world, 3)
    world.pull()
    for number in range(3):
        if change == "moved":
            world.source.move(f"A{number}", "elsewhere")
        elif change == "hidden":
            world.source.secret.add(f"A{number}")
        else:
            world.source.delete(f"A{number}")
    if change == "nothing said":
        monkeypatch.setattr(MemoryConnector, "whereabouts", lambda *_: {})
    result = world.pull(sweep=True)
    assert (result.exit_code == 4) is stops
    assert set(world.absent().values()) == (set() if stops else {change})
    if stops:
        assert "item A: the source lists nothing, 3 records are stored" in result.message


def test_many_records_of_what_may_be_empty_are_not_even_asked_for(
    make: Callable[..., World],
) -> None:
    world = make(stream=Stream("item", ("A",), may_be_empty=True))
    fill(world, 11)
    world.pull()
    for number in range(11):
        world.source.delete(f"A{number}")
    world.source.calls.clear()
    assert world.pull(sweep=True).exit_code == 4
    assert world.source.calls["whereabouts"] == 0


def test_what_was_changed_unseen_and_comes_back_while_a_sweep_is_at_work_is_read(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It came back after the changes were listed and before the census: listed, never read."""
    world.connector.counts = False
    healthy(world)
    world.pull()
    world.source.secret.add("A7")
    world.source.put("A7", "A", title="edited unseen")
    world.pull()
    world.pull()  # the checkpoint is beyond the edit by now
    listing, census = MemoryConnector.partitions, MemoryConnector.census
    done: list[str] = []

    def come_back(now: str) -> None:
        done.append(now)
        if len(done) == 2:  # between the two, whichever comes first
            world.source.secret.clear()

    def partitions(self: MemoryConnector, stream: Stream, window: Window) -> Any:
        yield from listing(self, stream, window)
        come_back("read")

    def ids(self: MemoryConnector, stream: Stream, scope: str) -> Any:
        come_back("listed")
        yield from census(self, stream, scope)

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(MemoryConnector, "partitions", partitions)
        meanwhile.setattr(MemoryConnector, "census", ids)
        world.connector.stream = replace(world.connector.stream, scopes=("A",))
        world.pull(sweep=True)
    world.pull(sweep=True)
    assert world.titles()["A7"] == "edited unseen"


class InTwoParts(MemoryConnector):
    """A connector that lists apart what has not changed; `between` happens when it has."""

    between: Callable[[], object] = staticmethod(lambda: None)

    def unchanged(self, stream: Stream, scope: str, since: datetime) -> Iterator[list[str]]:
        self._ask("unchanged")
        listed = self.source.listed(scope)
        yield [r.source_id for r in listed if r.updated_at is None or r.updated_at < since]
        self.between()

    def census(self, stream: Stream, scope: str) -> Iterator[Any]:
        yield from super().census(stream, scope)
        self.between()


@pytest.mark.parametrize("marked", [False, True])
def test_what_was_changed_unseen_and_is_seen_only_by_the_census_of_a_sweep_is_read_in_the_end(
    make: Callable[..., World], marked: bool
) -> None:
    """Shown while the census was taken, hidden again when the changes were asked for."""
    world = make(stream=Stream("item", ("A",), incremental=True))
    source = world.source
    world.connector = InTwoParts(source=source, stream=world.connector.stream)
    world.connector.counts = False
    fill(world, 20)
    world.pull()
    source.secret.add("A7")
    source.put("A7", "A", title="edited unseen")
    world.pull()
    world.pull(sweep=marked)
    source.secret.clear()
    world.connector.between = lambda: source.secret.add("A7")
    world.pull(sweep=True)
    assert world.titles().get("A7") != "item 7", "what is stored of it is old"
    world.connector.between = lambda: None
    source.secret.clear()
    result = world.pull(sweep=True)
    assert (result.state, world.titles()["A7"]) == ("ok", "edited unseen")
    world.assert_equal_to_source()


def test_a_sweep_in_two_parts_lists_each_record_once_and_marks_only_what_is_gone(
    make: Callable[..., World],
) -> None:
    world = make(ids=True)
    source = world.source
    world.connector = InTwoParts(source=source, ids=True)
    healthy(world)
    world.pull()
    source.clock += timedelta(days=1)
    source.delete("A1")
    source.move("A2", "B")
    source.put("A3", "A", title="edited")
    world.connector.between = lambda: source.put("A4", "A", title="edited meanwhile")
    source.calls.clear()
    result = world.pull(sweep=True)
    assert (result.state, world.absent()) == ("ok", {"A1": "deleted"})
    assert (source.calls["census"], source.calls["unchanged"]) == (0, 2)
    assert source.calls["whereabouts"] == 1
    assert {c.scope: (c.stored, c.census_count, c.complete) for c in world.store.coverage()} == {
        "A": (18, 18, True),
        "B": (6, 6, True),
    }
    world.assert_equal_to_source()


def test_what_comes_and_moves_between_census_and_reading_is_counted_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    healthy(world)
    world.pull()
    census = MemoryConnector.census

    def then_changes(self: MemoryConnector, stream: Stream, scope: str) -> Any:
        yield from census(self, stream, scope)
        if scope == "B":
            world.source.put("A99", "A", title="new")
            world.source.move("A1", "B")
            merged = world.source.put("A2", "A", title="")
            world.source.records["A2"] = replace(merged, merged_into="A3")

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(MemoryConnector, "census", then_changes)
        result = world.pull(sweep=True)
    assert (result.state, world.absent()) == ("ok", {"A2": "merged"})
    assert {c.scope: (c.stored, c.census_count, c.complete) for c in world.store.coverage()} == {
        "A": (19, 19, True),
        "B": (6, 6, True),
    }


def test_a_stream_read_whole_of_which_nothing_is_stored_is_not_listed(
    make: Callable[..., World],
) -> None:
    world = make(stream=Stream("item", ("A",), may_be_empty=True))
    world.pull()
    world.source.calls.clear()
    assert world.pull(sweep=True).state == "ok"
    assert world.source.calls["census"] == 0
