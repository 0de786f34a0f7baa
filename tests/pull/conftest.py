"""Worlds to pull from, closed at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.pull.pull_world import World


@pytest.fixture
def make(sqlite_url: str) -> Iterator[Callable[..., World]]:
    worlds: list[World] = []

    def build(url: str = sqlite_url, **connector: Any) -> World:
        worlds.append(World(url, **connector))
        return worlds[-1]

    yield build
    for made in worlds:
        made.store.close()


@pytest.fixture
def world(make: Callable[..., World]) -> World:
    return make()
