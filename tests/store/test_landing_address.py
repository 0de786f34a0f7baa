"""A record at another address, such as a row that moved in its file, is the same record."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from itpm_sync.connector import Page, RawRecord
from itpm_sync.model import SourceRef, WorkPackage
from itpm_sync.store import Landed, MakeOf, Store, made

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


class Mapped:
    """A work package of each raw record, which has no problems."""

    problems = ()

    def __init__(self, raw: RawRecord, make: MakeOf) -> None:
        ref = SourceRef("office", "plan", raw.source_id, raw.url)
        package = WorkPackage(ref=ref, code=raw.source_id, name=raw.body.decode())
        self.records = (made(package, make),)


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    with Store.open(store_url) as opened:
        yield opened


def land(store: Store, body: str, place: str, hours: int) -> Landed:
    return store.land_page(
        Page((RawRecord("1.1", body.encode(), "plan.csv", None, place),)),
        run="run",
        connection="office",
        stream="plan",
        fingerprint="one",
        map_record=Mapped,
        now=NOON + timedelta(hours=hours),
    )


def names(store: Store, as_of: datetime | None = None) -> list[tuple[str, str | None]]:
    found = store.records("work_package", as_of=as_of)
    return [(r.name, r.ref.url) for r in found if isinstance(r, WorkPackage)]


def test_another_address_alone_updates_the_row_and_is_no_version(store: Store) -> None:
    land(store, "Switches", "plan.csv row 2", 0)
    moved = land(store, "Switches", "plan.csv row 3", 2)
    assert (moved.changed, moved.unchanged) == (0, 1)
    assert names(store) == [("Switches", "plan.csv row 3")]
    assert names(store, as_of=NOON + timedelta(hours=1)) == [("Switches", "plan.csv row 3")]
    kept = store.raw_record("office", "plan", "1.1")
    assert kept is not None
    assert kept.raw.url == "plan.csv row 3"


def test_another_address_with_other_content_is_a_change(store: Store) -> None:
    land(store, "Switches", "plan.csv row 2", 0)
    changed = land(store, "Core switches", "plan.csv row 3", 2)
    assert (changed.changed, changed.unchanged) == (1, 0)
    assert names(store, as_of=NOON + timedelta(hours=1)) == [("Switches", "plan.csv row 2")]
    assert names(store) == [("Core switches", "plan.csv row 3")]
