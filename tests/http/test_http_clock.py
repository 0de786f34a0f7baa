"""The source's clock, as its answers tell it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
import responses

from itpm_sync.http import HttpClient
from tests.http.scripted import BASE, Clock


def test_the_sources_clock_is_compared_with_ours(
    client: HttpClient, answers: responses.RequestsMock
) -> None:
    ahead = format_datetime(datetime.now(UTC) + timedelta(minutes=10), usegmt=True)
    answers.add("GET", f"{BASE}/a", json={}, headers={"Date": ahead})
    assert client.clock_skew_s is None
    client.get("a")
    assert client.clock_skew_s == pytest.approx(600, abs=5)


@pytest.mark.parametrize("stamp", ["yesterday", "Fri, 01 Mar 2024 12:00:30 +9999999999999999999"])
def test_an_unreadable_date_of_the_source_is_ignored(
    client: HttpClient, answers: responses.RequestsMock, stamp: str
) -> None:
    answers.add("GET", f"{BASE}/a", json={}, headers={"Date": stamp})
    assert client.get("a") == {}
    assert client.clock_skew_s is None


def test_the_time_of_the_first_answer_is_kept_in_the_sources_clock(clock: Clock) -> None:
    first, second = "Mon, 02 Mar 2026 12:00:00 GMT", "Mon, 02 Mar 2026 13:00:00 GMT"
    with responses.RequestsMock() as site:
        client = HttpClient(BASE, sleep=clock.sleep)
        assert client.first_answer_at is None
        for stamp in ("once upon a time", first, second):
            site.get(BASE + "/x", json={}, headers={"Date": stamp})
            client.get("x")
        assert client.first_answer_at == datetime(2026, 3, 2, 12, tzinfo=UTC)
