"""TicketSQL: values that cannot break out, and the subset that the sandbox reads."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.request_tracker.ticketsql import QueryError, compiled, quoted, stamp


def row(**fields: Any) -> dict[str, Any]:
    base = {
        "id": 7, "EffectiveId": 7, "Queue": "Helpdesk", "Status": "new", "Type": "ticket",
        "Subject": "s", "Owner": "Nobody", "CustomFields": {"Code": ["NET"]},
        "Created": datetime(2026, 1, 5, tzinfo=UTC),
        "LastUpdated": datetime(2026, 1, 5, 12, tzinfo=UTC),
    }  # fmt: skip
    return {**base, **fields}


def holds(query: str, zone: str = "UTC", **fields: Any) -> bool:
    return compiled(query, ZoneInfo(zone))(row(**fields))


@given(st.text())
def test_a_quoted_name_means_exactly_that_name(name: str) -> None:
    query = f"Queue = {quoted(name)} AND id = 7"
    assert holds(query, Queue=name)
    assert not holds(query, Queue=name + "x")
    assert not holds(query, Queue=name, id=8, EffectiveId=8)


def test_and_binds_stronger_than_or() -> None:
    assert holds("id = 7 OR id = 8 AND id = 9")
    assert not holds("(id = 7 OR id = 8) AND id = 9")


def test_merged_tickets_are_seen_only_by_who_names_effective_id() -> None:
    assert not holds("id = 7", EffectiveId=4)
    assert holds("id = 7 AND EffectiveId > 0", EffectiveId=4)
    assert holds("EffectiveId != id", EffectiveId=4)


def test_deleted_tickets_are_never_seen() -> None:
    assert not holds("EffectiveId > 0 AND Status = 'deleted'", Status="deleted")


@pytest.mark.parametrize(
    ("zone", "text", "found"),
    [
        ("UTC", "2026-01-05 12:00:00", True),
        ("UTC", "2026-01-05 12:00:01", False),
        ("America/New_York", "2026-01-05 07:00:00", True),  # UTC-5 in January
        ("America/New_York", "2026-01-05 07:00:01", False),
        ("UTC", "2026-01-05T23:00:00Z", True),  # keeps only the day
        ("UTC", "2026-01-06T00:00:00Z", False),
        ("UTC", "2026-99-99 00:00:00", True),  # no date at all: 1970
    ],
)
def test_a_date_is_read_in_the_users_zone(zone: str, text: str, found: bool) -> None:
    assert holds(f"LastUpdated >= '{text}'", zone) is found


def test_custom_fields_are_compared_by_name() -> None:
    assert holds("CF.{Code} = 'NET'")
    assert not holds("CF.{Code} = 'DATA'")
    assert not holds("CF.{Other} = 'NET'")


@pytest.mark.parametrize(
    "query", ["x", "id", "id =", "id = 1 OR", "(id = 1", "id = 1)", "Nope = 1", "id ~ 1"]
)
def test_what_cannot_be_read_is_an_error(query: str) -> None:
    with pytest.raises(QueryError):
        holds(query)


def test_an_empty_query_finds_nothing() -> None:
    assert not holds(" ")


def test_a_stamp_is_written_to_the_second() -> None:
    assert stamp(datetime(2026, 1, 5, 7, 8, 9, 999_999, tzinfo=UTC)) == "2026-01-05 07:08:09"
