"""Raw bodies: compressed with a dictionary of their stream, readable for ever."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import orjson
import pytest
import sqlalchemy as sa

from itpm_sync.connector import Page, RawRecord
from itpm_sync.errors import StoreError
from itpm_sync.store import Store, bodies, database
from itpm_sync.store.schema import RAW_DICTIONARY, RAW_RECORD

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
WORDS = "gateway switch firewall rollout branch office router vendor invoice contract".split()


class Nothing:
    records = problems = ()


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    with Store.open(store_url) as opened:
        yield opened


def body(number: int) -> bytes:
    """Two kilobytes, alike in form, unlike in content."""
    chance = random.Random(number)  # noqa: S311
    fields = {f"customfield_{n}": chance.choice(WORDS) for n in range(60)}
    return orjson.dumps({"id": number, "fields": fields, "key": f"NET-{number}"})


def land(store: Store, bodies: dict[str, bytes], stream: str = "issue") -> None:
    store.land_page(
        Page([RawRecord(i, b, "NET") for i, b in bodies.items()]), run="r", connection="jira",
        stream=stream, fingerprint="f", map_record=lambda *_: Nothing(), now=NOON,
    )  # fmt: skip


def dictionaries(store: Store) -> list[tuple[int, str]]:
    table = RAW_DICTIONARY.c
    with store._db.read() as db:
        return [(i, s) for i, s in db.execute(sa.select(table.id, table.stream).order_by(table.id))]


def stored(store: Store) -> dict[str, bytes]:
    return {found.raw.source_id: found.raw.body for found in store.raw_records("jira")}


def test_bodies_from_before_with_and_after_a_dictionary_are_all_readable(store_url: str) -> None:
    few = {str(n): body(n) for n in range(3)}
    many = {str(n): body(n) for n in range(100, 200)}
    late = {str(n): body(n) for n in range(300, 303)}
    with Store.open(store_url) as store:
        land(store, few)
        assert dictionaries(store) == []
        land(store, many)
        assert dictionaries(store) == [(32_768, "issue")]
    with Store.open(store_url) as store:
        land(store, late)
        assert stored(store) == few | many | late
        assert dictionaries(store) == [(32_768, "issue")]
        found = store.raw_record("jira", "issue", "150")
        assert found is not None
        assert found.raw.body == body(150)


def test_a_dictionary_saves_space(store: Store) -> None:
    land(store, {str(n): body(n) for n in range(100)})
    land(store, {f"alone {n}": body(n) for n in range(40)}, stream="sprint")
    length = sa.func.avg(sa.func.length(RAW_RECORD.c.body))
    with store._db.read() as db:
        sizes = dict(
            db.execute(sa.select(RAW_RECORD.c.stream, length).group_by(RAW_RECORD.c.stream)).all()
        )
    assert float(sizes["issue"]) < 0.8 * float(sizes["sprint"])


def test_what_does_not_repeat_gets_no_dictionary(store: Store) -> None:
    chance = random.Random(1)  # noqa: S311
    noise = {str(n): chance.randbytes(2_000) for n in range(100)}
    land(store, noise)
    assert dictionaries(store) == []
    assert stored(store) == noise


def test_a_dictionary_that_would_not_help_is_tried_once(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[int] = []
    train = bodies._train

    def note(samples: Sequence[bytes], number: int) -> bytes | None:
        tried.append(number)
        return train(samples, number)

    monkeypatch.setattr(bodies, "_train", note)
    chance = random.Random(1)  # noqa: S311
    for page in range(3):
        land(store, {f"{page}.{n}": chance.randbytes(2_000) for n in range(100)})
    assert len(tried) == 1


def test_each_stream_has_its_own(store: Store) -> None:
    for stream in ("issue", "version"):
        land(store, {str(n): body(n) for n in range(100)}, stream=stream)
    assert dictionaries(store) == [(32_768, "issue"), (32_769, "version")]


def test_a_training_and_a_landing_never_wait_for_each_other(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who trains needs the write lock that a landing holds, which compresses a late body."""
    landing, training = threading.Event(), threading.Event()
    monkeypatch.setattr(database, "BUSY_TIMEOUT_S", 10.0)

    def samples(many: list[bytes]) -> list[bytes]:
        training.set()
        return many

    monkeypatch.setattr(bodies, "_samples", samples)

    def mapped_late(*_: object) -> Nothing:
        landing.set()
        assert training.wait(10)
        return Nothing()

    def train() -> None:
        assert landing.wait(10)
        land(store, {str(n): body(n) for n in range(100, 160)}, stream="sprint")

    with Store.open(sqlite_url) as store:
        land(store, {"1": body(1)})
        store.mark_absent("jira", "issue", ["1"], cause="hidden", at=NOON)
        known = store.prepare(
            Page([RawRecord("1", body(1), "NET")]), connection="jira", stream="issue",
            fingerprint="f", map_record=mapped_late,
        )  # fmt: skip
        other = threading.Thread(target=train)
        other.start()
        assert store.land([known], run="r", now=NOON).returned == 1
        other.join(20)
        assert len(stored(store)) == 61


def test_a_record_without_a_body_is_kept_like_any_other(store: Store) -> None:
    land(store, {"1": b"", "2": b""})
    land(store, {"3": b"", "4": body(4)})
    assert stored(store) == {"1": b"", "2": b"", "3": b"", "4": body(4)}


def test_a_body_whose_dictionary_is_lost_is_told_with_advice(store_url: str) -> None:
    with Store.open(store_url) as store:
        land(store, {str(n): body(n) for n in range(100)})
        with store._db.write() as db:
            db.execute(RAW_DICTIONARY.delete())
    with Store.open(store_url) as store, pytest.raises(StoreError, match=r"32768 .*missing — rest"):
        stored(store)


def test_a_body_that_was_damaged_is_told_with_advice(store: Store) -> None:
    land(store, {"1": body(1)})
    with store._db.write() as db:
        db.execute(RAW_RECORD.update().values(body=b"damaged"))
    with pytest.raises(StoreError, match="corrupt: a raw record cannot be unpacked"):
        stored(store)
