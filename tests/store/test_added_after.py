"""Which records came after their source had been read whole, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from itpm_sync.connector import Page, RawRecord
from itpm_sync.model import Milestone, SourceRef
from itpm_sync.store import Added, Completeness, ConnectionState, MakeOf, Store, made

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
WEEK = timedelta(days=7)
BEFORE = NOON - WEEK


class Mapped:
    problems = ()

    def __init__(self, *records: Any) -> None:
        self.records = records


def milestone(raw: RawRecord, make: MakeOf) -> Mapped:
    ref = SourceRef("office", "dates", raw.source_id)
    return Mapped(made(Milestone(ref=ref, code=raw.source_id, name=raw.body.decode()), make))


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    with Store.open(store_url) as opened:
        state = ConnectionState(connection="office", streams={"dates": ["a", "b"]})
        opened.put_connection_state(state, NOON)
        yield opened


def read(store: Store, at: datetime, *, whole: bool = True, **names: str) -> None:
    """A run that read these records of the scope `a`: name by id."""
    run = f"{at:%Y%m%d}"
    store.land_page(
        Page([RawRecord(i, name.encode(), "a") for i, name in names.items()]),
        run=run, connection="office", stream="dates", fingerprint="one", map_record=milestone,
        now=at,
    )  # fmt: skip
    proof = Completeness(
        connection="office", stream="dates", scope="a", stored=len(names), source_count=None,
        exact=False, census_count=None, as_of=at, complete=whole, note="",
    )  # fmt: skip
    store.put_completeness(run, [proof], at)


def added(store: Store, moment: datetime) -> list[str]:
    found = store.added_after(["milestone"], moment)["milestone"]
    assert all(one == Added(one.id, "office", "dates", "a") for one in found)
    return [one.id.rpartition(":")[2] for one in found]


def test_what_the_first_whole_reading_gave_was_not_added_later(store: Store) -> None:
    read(store, NOON, whole=False, m1="start")
    read(store, NOON + WEEK, m1="start", m2="end")
    read(store, NOON + 2 * WEEK, m1="start", m2="end", m3="more")
    assert added(store, BEFORE) == ["m3"]
    assert added(store, NOON + 2 * WEEK) == []
    assert added(store, NOON + WEEK) == ["m3"]


def test_what_changed_since_was_not_added_since(store: Store) -> None:
    read(store, NOON, m1="start")
    read(store, NOON + WEEK, m1="begin", m2="end")
    read(store, NOON + 2 * WEEK, m1="first", m2="last")
    assert added(store, BEFORE) == ["m2"]


def test_of_what_never_was_read_whole_nobody_knows_what_came_late(store: Store) -> None:
    read(store, NOON, whole=False, m1="start")
    read(store, NOON + WEEK, whole=False, m1="start", m2="end")
    assert added(store, BEFORE) == []
    assert store.whole_from() == {}
