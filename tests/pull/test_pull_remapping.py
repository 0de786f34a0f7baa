"""A changed mapping: stored raw records are mapped anew, without the network."""

from __future__ import annotations

from itpm_sync.mapping import Mapper
from itpm_sync.pull import remap
from tests.pull.pull_world import World, healthy, mapper


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
