"""Records that are gone, moved or merged, and that come back: what is marked of them, and when."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from itpm_sync.connector import Deletes, Stream
from itpm_sync.errors import RecordError
from tests.pull.pull_world import MAPPING, World, fill, healthy, mapper


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
    assert (result.state, world.absent()) == ("quarantine", {})
    assert {p.place for p in world.store.rejected()} == {"row 2", "row 9"}
    assert world.titles()["A1"] == "item 1"
    world.source.rejected = []
    world.source.records["A1"] = good
    world.pull()
    assert world.store.rejected() == ()
