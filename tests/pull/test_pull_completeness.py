"""What a pull has proved of a scope, and what it says where it has not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from itpm_sync.connector import Page, Stream
from itpm_sync.store import Store
from itpm_sync.testing import MemoryConnector
from tests.pull.pull_world import World, fill, healthy


def test_a_scope_that_yields_nothing_is_a_problem(world: World) -> None:
    fill(world, 3, "A")
    result = world.pull()
    assert (result.state, result.exit_code) == ("partial", 3)
    assert result.message == (
        "memory: item B: yields nothing — check the name and the account's permissions"
    )


def test_a_run_with_nothing_new_counts_what_is_stored_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    healthy(world)
    world.pull()
    asked: list[str] = []
    counts = Store.counts

    def counting(store: Store, connection: str, stream: str) -> Mapping[str, int]:
        asked.append(stream)
        return counts(store, connection, stream)

    monkeypatch.setattr(Store, "counts", counting)
    assert world.pull().state == "ok"
    assert asked == ["item"]


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
    assert not world.coverage("A").complete


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
    proof = world.coverage("A")
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
