"""The contract suite on the in-memory connector: it passes, and it catches what it is there for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pytest

from itpm_sync.connector import (
    Connector,
    Fate,
    Page,
    Partition,
    Stream,
    Whereabouts,
    Window,
)
from itpm_sync.errors import ConnectionFailed
from itpm_sync.testing import ConnectorContract, ContractWorld, MemoryConnector, MemorySource


def world_of(build: Callable[..., MemoryConnector], ids: bool = False) -> ContractWorld:
    """A world over a connector class; every connector of it reads the same source."""
    source = MemorySource()
    numbers = iter(range(10_000))
    source.put("A-old", "A", title="there before")
    source.put("B-old", "B", title="there before")

    def create(scope: str, title: str) -> str:
        return source.put(str(next(numbers)), scope, title=title).source_id

    def edit(source_id: str, title: str) -> None:
        source.put(source_id, source.records[source_id].scope, title=title)

    def offline() -> MemoryConnector:
        made = build(source=source, ids=ids)
        made.down = ConnectionFailed("memory.example: connection refused")
        return made

    def astray() -> MemoryConnector:
        return build(source=source, stream=Stream("item", ("Nowhere",), incremental=True))

    return ContractWorld(
        connector=lambda: build(source=source, ids=ids), stream="item", create=create,
        title_of=lambda body: str(body["title"]), edit=edit, delete=source.delete,
        move=source.move, hide=source.secret.add, offline=offline, astray=astray,
        secrets=("in no field",),
        cannot={"wire": "a dict is not asked by HTTP", "publishing": "a dict is only read"},
    )  # fmt: skip


class TestMemory(ConnectorContract):
    @pytest.fixture(params=[False, True], ids=["sliced", "listed"])
    def world(self, request: pytest.FixtureRequest) -> ContractWorld:
        return world_of(MemoryConnector, ids=request.param)


# ---- connectors that break a promise, and the test that says so ---------------------------------


class LosesAPage(MemoryConnector):
    def fetch(self, stream: Stream, partition: Partition, window: Window) -> Iterator[Page]:
        yield from list(super().fetch(stream, partition, window))[:2]


class RepeatsAPage(MemoryConnector):
    def fetch(self, stream: Stream, partition: Partition, window: Window) -> Iterator[Page]:
        for page in super().fetch(stream, partition, window):
            yield page
            yield page


class EndsTheCensusEarly(MemoryConnector):
    def census(self, stream: Stream, scope: str) -> Iterator[Sequence[str]]:
        yield from list(super().census(stream, scope))[:1]


class ReadsAfterTheMoment(MemoryConnector):
    def partitions(self, stream: Stream, window: Window) -> Iterator[Partition]:
        for partition in super().partitions(stream, window):
            newer = [
                i for i in partition.detail["ids"]
                if window.since is None or self.source.records[i].updated_at != window.since
            ]  # fmt: skip
            yield Partition(partition.key, partition.scope, detail={"ids": tuple(newer)})


class ReadsEveryScope(MemoryConnector):
    def partitions(self, stream: Stream, window: Window) -> Iterator[Partition]:
        yield from super().partitions(self.stream, window)


class TakesHiddenForDeleted(MemoryConnector):
    def whereabouts(self, stream: Stream, ids: Sequence[str]) -> Mapping[str, Whereabouts]:
        found = super().whereabouts(stream, ids)
        deleted = Whereabouts(Fate.DELETED)
        return {i: deleted if w.fate is Fate.HIDDEN else w for i, w in found.items()}


class TakesTheSearchesWord(MemoryConnector):
    def whereabouts(self, stream: Stream, ids: Sequence[str]) -> Mapping[str, Whereabouts]:
        own = {r.source_id for r in self.source.listed(stream.scopes[0])}
        return {
            i: Whereabouts(Fate.THERE, stream.scopes[0]) if i in own else Whereabouts(Fate.HIDDEN)
            for i in ids
        }


class ReadsEverythingWhateverIsAskedFor(MemoryConnector):
    def fetch(self, stream: Stream, partition: Partition, window: Window) -> Iterator[Page]:
        for scope in stream.scopes if partition.ids else ():
            yield Page(self.source.listed(scope))
        yield from super().fetch(stream, partition, window) if not partition.ids else ()


class RaisesInCheck(MemoryConnector):
    def check(self) -> Any:
        raise ConnectionFailed("no route to host")


@pytest.mark.parametrize(
    ("broken", "test"),
    [
        (LosesAPage, ConnectorContract.test_paging_loses_and_repeats_nothing),
        (RepeatsAPage, ConnectorContract.test_paging_loses_and_repeats_nothing),
        (EndsTheCensusEarly, ConnectorContract.test_a_full_read_the_census_and_the_count_agree),
        (ReadsAfterTheMoment, ConnectorContract.test_the_window_includes_its_first_moment),
        (
            TakesHiddenForDeleted,
            ConnectorContract.test_what_the_account_may_not_see_is_not_said_to_be_deleted,
        ),
        (
            TakesTheSearchesWord,
            ConnectorContract.test_whereabouts_name_the_scope_of_what_is_there,
        ),
        (
            ReadsEverythingWhateverIsAskedFor,
            ConnectorContract.test_what_is_there_can_be_read_by_its_id,
        ),
        (ReadsEveryScope, ConnectorContract.test_partitions_are_cut_for_the_scopes_asked_for),
    ],
)
def test_a_broken_promise_is_caught(
    broken: type[MemoryConnector],
    test: Callable[[ConnectorContract, ContractWorld, Connector], None],
) -> None:
    world = world_of(broken)
    with pytest.raises(AssertionError, match="assert"):  # as pytest rewrites it: with its values
        test(ConnectorContract(), world, world.connector())


def test_a_check_that_raises_is_caught() -> None:
    with pytest.raises(ConnectionFailed):
        ConnectorContract().test_check_reports_and_never_raises(world_of(RaisesInCheck))
