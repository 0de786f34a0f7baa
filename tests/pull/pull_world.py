"""A store and an in-memory source, pulled again and again, and what must hold of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from itpm_sync.mapping import Mapper, compile_mapping
from itpm_sync.pull import PullResult, PullSource, pull
from itpm_sync.store import Completeness, Store
from itpm_sync.testing import MemoryConnector, MemorySource

MAPPING: dict[str, Any] = {
    "version": 1,
    "streams": {
        "item": [
            {
                "to": "work_item",
                "fields": {
                    "key": "id",
                    "title": "title",
                    "points": {"path": "points", "as": "decimal"},
                },
            },
            {
                "to": "time_entry",
                "each": "work",
                "id": "id",
                "fields": {
                    "item": "^@id",
                    "person": {"value": "Ann"},
                    "on": {"value": "2026-01-01", "as": "date"},
                    "duration_s": {"path": "s", "as": "int"},
                },
            },
        ]
    },
}


def mapper(data: Mapping[str, Any] = MAPPING) -> Mapper:
    return compile_mapping(data, {}, "test")


class World:
    """A store and a memory connection, pulled again and again, an hour apart."""

    def __init__(self, url: str, **connector: Any) -> None:
        self.store = Store.open(url)
        self.connector = MemoryConnector(**connector)
        self.source: MemorySource = self.connector.source
        self.mapper = mapper()
        self.pauses: list[float] = []

    def sources(self, *others: PullSource) -> list[PullSource]:
        return [PullSource("memory", lambda _known: (self.connector, self.mapper)), *others]

    def pull(self, *others: PullSource, inline: bool = True, **options: Any) -> PullResult:
        self.source.clock += timedelta(hours=1)
        now = self.source.clock
        run = self.store.begin_run("pull", now)
        result = pull(
            self.store, self.sources(*others), run=run, now=now, inline=inline,
            pause=self.pauses.append, **options,
        )  # fmt: skip
        self.store.finish_run(run, state=result.state, now=now, counts=result.counts)
        return result

    def titles(self) -> dict[str, str]:
        return {r.key: r.title for r in self.store.records("work_item")}  # type: ignore[attr-defined]

    def absent(self) -> dict[str, str | None]:
        raws = self.store.raw_records("memory")
        return {r.raw.source_id: r.absent for r in raws if r.absent is not None}

    def coverage(self, scope: str) -> Completeness:
        return next(c for c in self.store.coverage() if c.scope == scope)

    def assert_equal_to_source(self) -> None:
        visible = [r for s in self.connector.stream.scopes for r in self.source.visible(s)]
        live = [r.raw for r in self.store.raw_records("memory") if r.absent is None]
        assert {r.source_id: (r.body, r.scope) for r in live} == {
            r.source_id: (r.body, r.scope) for r in visible
        }
        assert set(self.titles()) == {r.source_id for r in visible}


def fill(world: World, count: int, scope: str = "A", start: int = 0) -> None:
    for number in range(start, start + count):
        world.source.put(f"{scope}{number}", scope, title=f"item {number}")


def healthy(world: World) -> None:
    """Both scopes hold something."""
    fill(world, 20, "A")
    fill(world, 5, "B")
