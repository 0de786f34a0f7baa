"""A Jira while it runs, of each flavour; all that is said to it is checked at the end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.connectors.jira.jira_site import FLAVOURS, JiraSite, jira_site


@pytest.fixture(params=FLAVOURS)
def site(request: pytest.FixtureRequest) -> Iterator[JiraSite]:
    with jira_site(request.param) as running:
        yield running


@pytest.fixture
def cloud() -> Iterator[JiraSite]:
    with jira_site("cloud") as running:
        yield running


@pytest.fixture
def datacenter() -> Iterator[JiraSite]:
    with jira_site("datacenter") as running:
        yield running
