"""A sandbox of each flavour with one project, while it runs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from connectors.jira.sandbox import JiraSandbox
from tests.connectors.jira.sandbox.caller import Caller, running


def with_a_project(flavour: str) -> JiraSandbox:
    sandbox = JiraSandbox(flavour)
    sandbox.create_project("NET", "Network refresh")
    return sandbox


@pytest.fixture
def cloud() -> Iterator[Caller]:
    with running(with_a_project("cloud")) as caller:
        yield caller


@pytest.fixture
def datacenter() -> Iterator[Caller]:
    with running(with_a_project("datacenter")) as caller:
        yield caller
