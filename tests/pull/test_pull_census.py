"""In doubt nothing is marked: a census that is empty, short, cut or of another moment."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from itpm_sync.connector import Stream, Window
from itpm_sync.errors import ConnectionFailed, RequestRejected
from itpm_sync.testing import MemoryConnector
from tests.pull.pull_world import World, fill, healthy

# ---- a census that is not believed


def test_an_empty_census_stops_for_a_person(world: World) -> None:
    healthy(world)
    world.pull()
    world.source.hidden.add("B")
    result = world.pull(sweep=True)
    one = result.connections[0]
    assert (result.state, result.exit_code) == ("safety_stop", 4)
    assert one.message == (
        "item B: the source lists nothing, 5 records are stored — look at item at the source, "
        "and if it is right: itpm-sync pull memory --sweep --confirm-deletions"
    )
    assert world.absent() == {}
    assert world.pull().exit_code == 4, "a stop is not forgotten by the next run"
    assert world.pull(confirm=True, sweep=True).exit_code == 3, "an empty scope is a problem"
    assert set(world.absent()) == {f"B{i}" for i in range(5)}
    world.source.hidden.clear()
    assert world.pull().exit_code == 0
    world.assert_equal_to_source()


@pytest.mark.parametrize(
    ("stored", "deleted", "share"),
    [
        (50, 10, None), (50, 11, "20%"),  # a fifth, and more than ten
        (13, 10, "50%"), (13, 6, None), (5, 3, "50%"), (3, 2, None),  # half, and more than two
    ],
)  # fmt: skip
def test_a_census_that_is_short_by_much_of_its_scope_stops(
    world: World, stored: int, deleted: int, share: str | None
) -> None:
    fill(world, stored, "A")
    fill(world, 1, "B")
    world.pull()
    for number in range(deleted):
        world.source.delete(f"A{number}")
    result = world.pull(sweep=True)
    assert (result.exit_code == 4) is (share is not None)
    assert len(world.absent()) == (0 if share else deleted)
    if share:
        told = f"{deleted} of {stored} stored records are no longer listed, more than {share}"
        assert told in result.message


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


def test_a_stream_read_whole_of_which_nothing_is_stored_is_not_listed(
    make: Callable[..., World],
) -> None:
    world = make(stream=Stream("item", ("A",), may_be_empty=True))
    world.pull()
    world.source.calls.clear()
    assert world.pull(sweep=True).state == "ok"
    assert world.source.calls["census"] == 0


# ---- what happens between census and reading


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
