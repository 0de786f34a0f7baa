"""What became of records that no census lists: the source is asked, and its word is marked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from itpm_sync.connector import Deletes, Stream
from itpm_sync.errors import ConnectionFailed, RecordError
from itpm_sync.testing import MemoryConnector
from tests.pull.pull_world import World, fill, healthy


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


def test_a_row_without_an_id_may_be_any_that_is_missing(
    make: Callable[..., World],
) -> None:
    world = make()
    stream = Stream("item", ("A",), deletes=Deletes.WHOLE)
    world.connector = CensusOnly(source=world.source, stream=stream)
    fill(world, 5)
    world.pull()
    world.source.delete("A1")
    world.source.rejected = [
        RecordError(field="id", value="", expected="an id", place="row 9"),
    ]
    for confirm in (False, True):
        result = world.pull(confirm=confirm)
        assert (result.exit_code, world.absent()) == (3, {})
        assert "1 of its stored records is not listed. It may be among the rej" in result.message
        assert not world.coverage("A").complete
    world.source.rejected = []
    world.pull()
    assert world.absent() == {"A1": "deleted"}
    assert world.coverage("A").complete


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
    proof = world.coverage("A")
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
