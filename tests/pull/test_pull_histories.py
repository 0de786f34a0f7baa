"""After any history of changes, faults and kills, one quiet run makes the store equal again."""

from __future__ import annotations

import contextlib
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from itpm_sync.errors import RequestRejected, RetryableError
from itpm_sync.store import Store
from tests.pull.pull_world import World

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
