"""Faults while pulling: what fails alone, what is tried again, and what ends the run."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from itpm_sync.connector import Page, Stream
from itpm_sync.errors import ConnectionFailed, RequestRejected, RetryableError, StoreError
from itpm_sync.pull import PullSource
from itpm_sync.store import Store
from itpm_sync.testing import MemoryConnector
from tests.pull.pull_world import World, fill, healthy

# ---- of the source


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
    incomplete = world.coverage("A")
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


# ---- of a connection


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


# ---- of the process and the store


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
