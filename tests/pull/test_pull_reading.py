"""What a pull reads, and from where it goes on: windows, checkpoints, what is read whole."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from itpm_sync.connector import RawRecord
from tests.pull.pull_world import World, fill, healthy


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


def test_an_in_memory_record_is_what_the_connector_api_says(world: World) -> None:
    record = world.source.put("A1", "A", title="x")
    assert isinstance(record, RawRecord)
    assert record.updated_at == datetime(2026, 1, 1, 0, 0, 1, tzinfo=UTC)
