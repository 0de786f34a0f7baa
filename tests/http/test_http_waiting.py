"""How long the client waits, all its threads alike, and whom it tells; stopped, it waits never."""

from __future__ import annotations

import logging
import threading
from datetime import UTC, datetime

import pytest
import responses
from hypothesis import given
from hypothesis import strategies as st

from itpm_sync.errors import ConnectionFailed, Stopped
from itpm_sync.http import HttpClient, RateBudget, retry_after_s
from tests.http.scripted import BASE, Clock

NOW = datetime(2024, 3, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "120"}, 120.0),
        ({"Retry-After": "1.5"}, 1.5),
        ({"Retry-After": "Fri, 01 Mar 2024 12:00:30 GMT"}, 30.0),
        ({"Retry-After": "Fri, 01 Mar 2024 11:00:00 GMT"}, 0.0),
        ({"X-RateLimit-Reset": "2024-03-01T12:01:00Z"}, 60.0),
        ({"X-RateLimit-Reset": "2024-03-01T13:01+01:00"}, 60.0),
        ({"X-RateLimit-Reset": str(int(NOW.timestamp()) + 5)}, 5.0),
        ({"Retry-After": "3", "X-RateLimit-Reset": "2024-03-01T12:01:00Z"}, 3.0),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "-5"}, None),
        ({"Retry-After": "inf"}, None),
        ({}, None),
    ],
)
def test_the_pause_is_read_as_seconds_http_date_iso_stamp_or_epoch(
    headers: dict[str, str], seconds: float | None
) -> None:
    assert retry_after_s(headers, NOW) == seconds


@given(st.text() | st.from_regex(r"\A\w{3}, \d{1,3} Mar \d{1,6} \d\d:\d\d:\d\d [+-]\d{1,30}\Z"))
def test_no_retry_after_however_odd_breaks_the_client(value: str) -> None:
    pause = retry_after_s({"Retry-After": value}, NOW)
    assert pause is None or pause >= 0


def test_one_refusal_makes_all_threads_wait_and_go_on_slower(clock: Clock) -> None:
    budget = RateBudget(clock=clock, sleep=clock.sleep)
    budget.refused(10)
    starts: list[float] = []

    def send() -> None:
        budget.wait_turn()
        starts.append(clock.now)

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert min(starts) >= 1010
    assert budget.interval_s == 0.02
    assert max(starts) - min(starts) >= 3 * 0.02 - 1e-6


def test_the_pace_halves_with_each_refusal_up_to_five_seconds_and_recovers_with_successes(
    clock: Clock,
) -> None:
    budget = RateBudget(clock=clock, sleep=clock.sleep)
    for _ in range(3):
        budget.refused(0)
    assert budget.interval_s == pytest.approx(0.08)
    for _ in range(20):
        budget.refused(0)
    assert budget.interval_s == 5.0
    for _ in range(100):
        budget.accepted()
    assert budget.interval_s == 0.0


def test_a_pause_beyond_our_patience_ends_the_connection_for_every_thread_without_waiting(
    client: HttpClient, answers: responses.RequestsMock, clock: Clock
) -> None:
    answers.add("GET", f"{BASE}/a", status=429, headers={"Retry-After": "3600"})
    with pytest.raises(ConnectionFailed, match="pause of 3600 s"):
        client.get("a")
    with pytest.raises(ConnectionFailed, match="pause of 3600 s"):
        client.get("b")
    assert (len(answers.calls), clock.slept) == (1, [])


def test_a_volley_of_refusals_slows_down_once() -> None:
    now = [100.0]
    budget = RateBudget(clock=lambda: now[0], sleep=lambda _s: None)
    for _ in range(8):  # as many requests were on their way
        budget.refused(1.0)
        now[0] += 0.05
    assert budget.interval_s == 0.02
    now[0] += 2
    budget.refused(1.0)
    assert budget.interval_s == 0.04


@pytest.mark.parametrize(("pause", "level"), [("2", logging.INFO), ("90", logging.WARNING)])
def test_only_a_long_pause_is_told_to_who_did_not_ask(
    client: HttpClient,
    answers: responses.RequestsMock,
    caplog: pytest.LogCaptureFixture,
    pause: str,
    level: int,
) -> None:
    caplog.set_level(logging.DEBUG, logger="itpm_sync")
    answers.add("GET", f"{BASE}/x", status=503, headers={"Retry-After": pause})
    answers.add("GET", f"{BASE}/x", json={})
    client.get("x")
    told = [r.levelno for r in caplog.records if "attempt 2 again in" in r.getMessage()]
    assert told == [level]


@pytest.mark.parametrize("headers", [{"Retry-After": "120"}, {}])
def test_a_stopped_client_waits_for_nothing_and_sends_nothing(headers: dict[str, str]) -> None:
    stop = threading.Event()
    with responses.RequestsMock() as site:
        asked = site.get(BASE + "/x", status=429 if headers else 500, headers=headers)
        client = HttpClient(BASE, stop=stop)
        waiter = threading.Thread(target=lambda: ended.append(_outcome(client)))
        ended: list[type[BaseException]] = []
        waiter.start()
        while not asked.call_count:
            stop.wait(0.001)
        stop.set()
        waiter.join()
        assert ended == [Stopped]
        with pytest.raises(Stopped):
            client.get("x")
        assert asked.call_count == 1


def _outcome(client: HttpClient) -> type[BaseException]:
    with pytest.raises(BaseException) as raised:  # noqa: PT011 - whatever it is, it is compared
        client.get("x")
    return raised.type
