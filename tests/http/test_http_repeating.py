"""What the client repeats, what never, and what a refusal for good is called."""

from __future__ import annotations

import pytest
import responses

from itpm_sync.errors import (
    ConnectionFailed,
    NotFound,
    PreconditionFailed,
    RequestRejected,
    RetryableError,
)
from itpm_sync.http import HttpClient
from tests.http.scripted import BASE, Clock, Server, answer, reset, say_nothing


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
def test_a_request_that_may_be_repeated_is_repeated_after_a_server_error(
    client: HttpClient, answers: responses.RequestsMock, method: str
) -> None:
    answers.add(method, f"{BASE}/a", status=500)
    answers.add(method, f"{BASE}/a", status=502)
    answers.add(method, f"{BASE}/a")
    answer, _ = client.request(method, "a")
    assert (answer.status, len(answers.calls)) == (200, 3)


@pytest.mark.parametrize(("status", "headers"), [(500, {}), (503, {"Retry-After": "2"}), (408, {})])
def test_a_post_is_never_blindly_repeated(
    client: HttpClient, answers: responses.RequestsMock, status: int, headers: dict[str, str]
) -> None:
    answers.add("POST", f"{BASE}/comment", status=status, headers=headers)
    with pytest.raises(RetryableError, match=f"POST {BASE}/comment: {status}"):
        client.json("POST", "comment", body={"text": "hello"})
    assert len(answers.calls) == 1


def test_a_post_that_the_caller_calls_idempotent_is_repeated(
    client: HttpClient, answers: responses.RequestsMock
) -> None:
    answers.add("POST", f"{BASE}/search", status=500)
    answers.add("POST", f"{BASE}/search", json={"issues": []})
    assert client.json("POST", "search", body={"jql": "x"}, idempotent=True) == {"issues": []}


def test_a_post_answered_429_was_not_acted_upon_and_is_repeated(
    client: HttpClient, answers: responses.RequestsMock, clock: Clock
) -> None:
    answers.add("POST", f"{BASE}/comment", status=429, headers={"Retry-After": "7"})
    answers.add("POST", f"{BASE}/comment", json={"id": "1"})
    assert client.json("POST", "comment", body={}) == {"id": "1"}
    assert 7 <= sum(clock.slept) <= 7 * 1.25 + 0.1


def test_a_lost_answer_repeats_a_get_but_leaves_a_post_unknown(
    server: Server, local: HttpClient
) -> None:
    server.script = [say_nothing, reset, answer(b'{"n": 1}')]
    assert local.get("a") == {"n": 1}
    assert len(server.requests) == 3
    server.script = [reset]
    with pytest.raises(RetryableError, match=r"POST http://127\.0\.0\.1:\d+/a"):
        local.json("POST", "a", body={})
    assert len(server.requests) == 4


def test_after_the_last_attempt_the_connection_failed_with_the_reason_of_the_last(
    client: HttpClient, answers: responses.RequestsMock, clock: Clock
) -> None:
    answers.add("GET", f"{BASE}/a", status=500, json={"errorMessages": ["index is locked"]})
    with pytest.raises(ConnectionFailed, match=r"500 \(index is locked\); gave up after 5 att"):
        client.get("a")
    assert len(answers.calls) == 5
    waits = [0.5, 1, 2, 4]
    assert all(w <= s <= w * 1.25 for w, s in zip(waits, clock.slept, strict=True))


@pytest.mark.parametrize(
    ("status", "raised"),
    [
        (400, RequestRejected), (401, ConnectionFailed), (403, RequestRejected), (404, NotFound),
        (409, PreconditionFailed), (410, NotFound), (412, PreconditionFailed),
        (422, RequestRejected),
    ],
)  # fmt: skip
def test_what_the_source_refuses_for_good_is_asked_once_and_named_by_reaction(
    client: HttpClient, answers: responses.RequestsMock, status: int, raised: type[Exception]
) -> None:
    answers.add("GET", f"{BASE}/a", status=status, json={"errorMessages": ["no", "way"]})
    with pytest.raises(raised) as failure:
        client.get("a")
    assert type(failure.value) is raised
    assert len(answers.calls) == 1
    if status != 401:
        assert "(no; way)" in str(failure.value)


def test_a_status_that_the_caller_allows_is_an_answer(
    client: HttpClient, answers: responses.RequestsMock
) -> None:
    answers.add("GET", f"{BASE}/property", status=404, json={"gone": True})
    answer, data = client.request("GET", "property", allow=(404,), parse=True)
    assert (answer.status, data) == (404, {"gone": True})
