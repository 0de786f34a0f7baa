"""The client under test: against `responses` for single answers, a real socket for the rest."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import responses

from itpm_sync.http import BasicAuth, HttpClient, TokenAuth
from tests.http.scripted import BASE, Clock, Server


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def client(clock: Clock) -> Iterator[HttpClient]:
    made = HttpClient(BASE, auth=TokenAuth("tok-SECRET"), clock=clock, sleep=clock.sleep)
    yield made
    made.close()


@pytest.fixture
def answers() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.stop()


@pytest.fixture
def local(server: Server, clock: Clock) -> Iterator[HttpClient]:
    made = HttpClient(
        server.url, auth=BasicAuth("bot", "p@ss w/rd"), clock=clock, sleep=clock.sleep, attempts=3
    )
    yield made
    made.close()
