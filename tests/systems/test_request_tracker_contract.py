"""The Request Tracker connector keeps the connector contract, on a real RT 5 (`make systems`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from itpm_sync.testing import ConnectorContract, ContractWorld
from tests.connectors.request_tracker.rt_world import rt_world

if TYPE_CHECKING:
    from tests.systems.conftest import RtServer


@pytest.mark.systems
class TestRealRequestTracker(ConnectorContract):
    @pytest.fixture
    def world(self, rt_server: RtServer) -> ContractWorld:
        return rt_world(rt_server.url, rt_server.token, time_entries=False)
