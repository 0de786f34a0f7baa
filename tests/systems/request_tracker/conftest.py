"""One specification, two servers: the sandbox (always) and a real RT 5 (`make systems`).

What the sandbox promises is thereby what RT does. Tests share the queues of one server, so that
each speaks of its own tickets only, and of differences in counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors.request_tracker.connector import RequestTrackerConnector, RequestTrackerSettings
from connectors.request_tracker.sandbox import RequestTrackerSandbox
from itpm_sync.connector import Context
from tests.systems.request_tracker.desk import Connect, Desk


@pytest.fixture(scope="module", params=["sandbox", pytest.param("real", marks=pytest.mark.systems)])
def desk(request: pytest.FixtureRequest) -> Iterator[Desk]:
    if request.param == "real":
        server = request.getfixturevalue("rt_server")
        yield Desk(server.url, server.tokens)
        return
    sandbox = RequestTrackerSandbox()
    for queue in ("Helpdesk", "Procurement"):
        sandbox.desk.add_field("Project Code", queue)
        sandbox.desk.add_field("Project Status", queue)
    sandbox.desk.add_field("Category", "Helpdesk", ("Hardware", "Software", "Access"))
    sandbox.desk.zones["newyork"] = "America/New_York"
    sandbox.tokens["1-29-newyork"] = "newyork"
    sandbox.passwords["outsider"] = "outsider-secret"
    sandbox.desk.strangers.add("outsider")
    url = sandbox.start()
    try:
        yield Desk(url, {"sync": "1-27-sandbox-token", "newyork": "1-29-newyork"})
    finally:
        sandbox.stop()


@pytest.fixture
def connect(desk: Desk, tmp_path: Path) -> Iterator[Connect]:
    made: list[RequestTrackerConnector] = []

    def build(*, user: str = "sync", **settings: Any) -> RequestTrackerConnector:
        token = desk.tokens.get(user, user)
        given = {"url": desk.url, "auth": {"token": token}, "queues": ["Helpdesk"], **settings}
        connector = RequestTrackerConnector(
            "desk", RequestTrackerSettings(**given), Context(tmp_path, attempts=2, timeout_s=30)
        )
        made.append(connector)
        return connector

    yield build
    for connector in made:
        connector.close()
