"""The Request Tracker connector keeps the connector contract, on the sandbox."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from connectors.request_tracker.sandbox import RequestTrackerSandbox
from itpm_sync.testing import ConnectorContract, ContractWorld
from tests.connectors.request_tracker.rt_world import QUEUES, rt_world


@pytest.fixture
def sandbox() -> Iterator[RequestTrackerSandbox]:
    made = RequestTrackerSandbox()
    for queue in QUEUES:
        made.desk.add_field("Project Status", queue)
        made.create(queue, Subject="there before")
    made.start()
    yield made
    made.stop()


class TestRequestTracker(ConnectorContract):
    @pytest.fixture
    def world(self, sandbox: RequestTrackerSandbox) -> ContractWorld:
        return rt_world(sandbox.base_url, next(iter(sandbox.tokens)), time_entries=True)
