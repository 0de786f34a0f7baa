"""Records that are bad or that the source would not give: set apart, told, and asked for again."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from itpm_sync.connector import Page, Partition, Stream, Window
from itpm_sync.errors import RecordError
from tests.pull.pull_world import World, healthy


def test_a_bad_record_is_quarantined_and_the_rest_loads(world: World) -> None:
    healthy(world)
    world.source.put("A3", "A", title="x", points="many")
    result = world.pull()
    (problem,) = world.store.rejected()
    assert result.state == "quarantine"
    assert result.connections[0].message == (
        f"item: 25 new, 1 quarantined; 1 record or value stands in quarantine, {problem.message}"
    )
    assert (problem.source_id, problem.field) == ("A3", "points")
    assert len(world.titles()) == 24
    world.source.put("A3", "A", title="mended", points=3)
    assert world.pull().state == "ok"
    assert (world.store.rejected(), world.titles()["A3"]) == ((), "mended")


def test_what_an_earlier_run_put_in_quarantine_keeps_every_run_from_being_well(
    world: World,
) -> None:
    healthy(world)
    world.source.put("A3", "A", title="x", points="many")
    world.source.put("A4", "A", title="y", points="few")
    world.pull()
    result = world.pull()
    assert (result.state, result.exit_code) == ("quarantine", 3)
    assert "2 records or values stand in quarantine, the first: " in result.message
    assert result.message.endswith("(all of them: itpm-sync status)")


def test_a_body_that_is_no_json_is_quarantined(world: World) -> None:
    healthy(world)
    world.source.records["A3"] = replace(world.source.records["A3"], body=b"<html>")
    world.source.records["A4"] = replace(world.source.records["A4"], body=b"[1, 2]")
    world.pull()
    assert {p.source_id for p in world.store.rejected()} == {"A3", "A4"}


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
