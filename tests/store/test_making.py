"""A row is what its columns' own processors make of a record, however it is written out."""

from __future__ import annotations

import dataclasses
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.dialects import postgresql, sqlite

from itpm_sync.errors import RecordError
from itpm_sync.model import KINDS, Money, Record, SourceRef, WorkItem
from itpm_sync.store import landing
from itpm_sync.store.codec import KindCodec
from itpm_sync.store.landing import Landing
from itpm_sync.store.making import made, processor, row_columns, row_maker
from itpm_sync.store.schema import FieldType, field_types, storable, table_of

TEXTS = st.text(st.characters(codec=None), max_size=8)  # NUL and lone surrogates too
MOMENTS = st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=-9, minutes=-30))]))
MOMENTS = MOMENTS.filter(lambda m: 2 < m.year < 9998)
VALUES: dict[type, st.SearchStrategy[Any]] = {
    str: TEXTS,
    int: st.integers(-(2**63) + 1, 2**63 - 1),
    bool: st.booleans(),
    Decimal: st.decimals(allow_nan=False, allow_infinity=False),
    datetime: MOMENTS,
    date: st.dates(),
    tuple: st.lists(TEXTS, max_size=3).map(tuple),
    Money: st.builds(
        Money, st.decimals(allow_nan=False, allow_infinity=False), st.sampled_from(["EUR", "JPY"])
    ),
}
EAST = timezone(timedelta(hours=2))
DIALECTS = {"sqlite": sqlite.dialect(), "postgresql": postgresql.dialect()}


def values(field: FieldType) -> st.SearchStrategy[Any]:
    if issubclass(field.base, Enum):
        known = st.sampled_from(list(field.base))
    else:
        known = VALUES[field.base]
    return st.none() | known if field.null else known


def records(kind: str) -> st.SearchStrategy[Record]:
    ids = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8)
    refs = st.builds(SourceRef, st.just("jira"), st.just("issue"), ids, st.none() | TEXTS)
    common = {
        "project_key": TEXTS,
        "work_package": TEXTS,
        "updated_at": st.none() | MOMENTS,
        "attributes": st.dictionaries(TEXTS, TEXTS, max_size=2),
    }
    own = {field.name: values(field) for field in field_types(kind)}
    return st.builds(KINDS[kind], ref=refs, **common, **own)


def expected(record: Record, dialect: sa.Dialect) -> list[Any]:
    """By the processors alone, one column after the other."""
    money = {f.name for f in field_types(record.kind) if f.base is Money}
    given: dict[str, Any] = {f.name: getattr(record, f.name) for f in dataclasses.fields(record)}
    given |= {f"{n}_currency": m.currency if (m := given[n]) else None for n in money}
    given |= {name: given[name].amount for name in money if given[name]}
    given |= {name: getattr(record.ref, name) for name in SourceRef.__dataclass_fields__}
    texts = {f.name for f in field_types(record.kind) if f.base is str}
    texts |= {"project_key", "work_package"}
    columns = table_of(record.kind).c
    return [
        storable(given[name]) if name in texts else processor(columns[name], dialect)(given[name])
        for name in row_columns(record.kind)
    ]


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS.keys())
@pytest.mark.parametrize("kind", KINDS)
def test_a_row_holds_what_the_processors_of_its_columns_give(
    kind: str, dialect: sa.Dialect
) -> None:
    make = row_maker(kind, dialect)

    @settings(max_examples=20)
    @given(records(kind))
    def holds(record: Record) -> None:
        found_kind, identity, row = made(record, lambda _: make)
        assert (found_kind, identity) == (kind, record.id)
        assert [*row] == expected(record, dialect)

    holds()


class Stamp(datetime):
    """A moment of a class of its own, as pandas has one."""


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2026, 3, 2, 12, tzinfo=UTC), "2026-03-02 12:00:00.000000"),
        (datetime(2026, 3, 2, 12, 0, 0, 1, tzinfo=UTC), "2026-03-02 12:00:00.000001"),
        (datetime(1, 1, 1, tzinfo=UTC), "0001-01-01 00:00:00.000000"),
        (datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), "9999-12-31 23:59:59.999999"),
        (
            datetime(2026, 3, 2, 1, tzinfo=timezone(timedelta(hours=2))),
            "2026-03-01 23:00:00.000000",
        ),
        (Stamp(2026, 3, 2, 12, 0, 0, 120_000, tzinfo=UTC), "2026-03-02 12:00:00.120000"),
    ],
)
def test_a_moment_is_text_that_sorts_as_moments_do(moment: datetime, text: str) -> None:
    column = table_of("work_item").c.updated_at
    assert processor(column, DIALECTS["sqlite"])(moment) == text
    assert text == moment.astimezone(UTC).isoformat(" ", "microseconds")[:26]


def test_a_day_that_is_a_moment_is_stored_as_the_day() -> None:
    due = datetime(2026, 3, 2, 12, tzinfo=UTC)
    item = WorkItem(ref=SourceRef("jira", "issue", "1"), key="K-1", title="t", due=due)
    _, _, row = made(item, lambda _: row_maker("work_item", DIALECTS["sqlite"]))
    assert row[row_columns("work_item").index("due")] == "2026-03-02"


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS.keys())
@pytest.mark.parametrize("big", [2**63, -(2**63)])
def test_a_number_that_no_database_holds_is_named(big: int, dialect: sa.Dialect) -> None:
    item = WorkItem(ref=SourceRef("jira", "issue", "1"), key="K-1", title="t", spent_s=big)
    with pytest.raises(RecordError, match="spent_s"):
        made(item, lambda _: row_maker("work_item", dialect))


def test_threads_that_begin_at_once_make_one_codec_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[str] = []
    again = threading.Event()

    class Slow(KindCodec):
        def __init__(self, kind: str, dialect: sa.Dialect) -> None:
            begun.append(kind)
            if len(begun) > 1:
                again.set()
            again.wait(0.2)  # for another thread, which comes unless it has to wait
            super().__init__(kind, dialect)

    monkeypatch.setattr(landing, "KindCodec", Slow)
    one = Landing(sqlite.dialect())
    with ThreadPoolExecutor(4) as pool:
        found = set(pool.map(one.codec, ["work_item"] * 4))
    assert len(found) == 1
    assert begun == ["work_item"]
