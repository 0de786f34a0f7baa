"""What a full read, the census and the count say of the same source, whole and in parts."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import orjson
import pytest

from itpm_sync.connector import Connector, ListsUnchanged, Stream, Window
from itpm_sync.testing.contract.asking import census_of, read, stream_of, title_of
from itpm_sync.testing.contract.worlds import HOSTILE_TITLES, ContractWorld


class Completeness:
    """Nothing is lost, nothing is repeated, and everything arrives as it is."""

    def test_every_raw_record_is_well_formed(
        self, world: ContractWorld, connector: Connector
    ) -> None:
        stream = stream_of(connector, world)
        world.create(stream.scopes[0], "well formed")
        for record in read(connector, stream):
            assert record.source_id
            assert isinstance(orjson.loads(record.body), dict)
            assert record.scope in stream.scopes
            if record.updated_at is not None:
                assert record.updated_at.utcoffset() == timedelta(0)
            assert stream.incremental <= (record.updated_at is not None)

    def test_paging_loses_and_repeats_nothing(
        self, world: ContractWorld, connector: Connector
    ) -> None:
        stream = stream_of(connector, world)
        before = {r.source_id for r in read(connector, stream)}
        made = {world.create(stream.scopes[0], f"record {i}") for i in range(world.crosses)}
        ids = [r.source_id for r in read(connector, stream)]
        assert len(ids) == len(set(ids))
        assert set(ids) == before | made

    def test_a_full_read_the_census_and_the_count_agree(
        self, world: ContractWorld, connector: Connector
    ) -> None:
        stream = stream_of(connector, world)
        _fill_each_scope(world, stream)
        records = [r for r in read(connector, stream) if not (r.deleted or r.merged_into)]
        for scope in stream.scopes:
            read_ids = {r.source_id for r in records if r.scope == scope}
            listed = census_of(connector, stream, scope)
            assert len(listed) == len(set(listed))
            assert set(listed) == read_ids
            count = connector.count(stream, scope)
            if count is not None and count.exact:
                assert count.value == len(read_ids)

    def test_what_changed_and_what_did_not_are_the_census(
        self, world: ContractWorld, connector: Connector
    ) -> None:
        if not isinstance(connector, ListsUnchanged):
            pytest.skip("lists no part of a census")
        stream = stream_of(connector, world)
        _fill_each_scope(world, stream)
        stamps = sorted(r.updated_at for r in read(connector, stream) if r.updated_at)
        moments = {stamps[0], stamps[len(stamps) // 2], stamps[-1] + timedelta(days=2)}
        for since in sorted(moments):
            changed = read(connector, stream, since)
            for scope in stream.scopes:
                rest = set(itertools.chain.from_iterable(connector.unchanged(stream, scope, since)))
                own = {
                    r.source_id
                    for r in changed
                    if r.scope == scope and not (r.deleted or r.merged_into)
                }
                assert rest | own == set(census_of(connector, stream, scope))
        assert rest, "what is older than the window is listed"
        before = stamps[0] - timedelta(days=2)
        for scope in stream.scopes:
            left = itertools.chain.from_iterable(connector.unchanged(stream, scope, before))
            assert not list(left), "what has changed since is not listed"

    def test_partitions_that_name_their_ids_read_just_these(
        self, world: ContractWorld, connector: Connector
    ) -> None:
        stream = stream_of(connector, world)
        world.create(stream.scopes[0], "listed")
        window = Window(None, datetime.now(UTC))
        for partition in connector.partitions(stream, window):
            if partition.ids is not None:
                pages = connector.fetch(stream, partition, window)
                found = {r.source_id for page in pages for r in page.records}
                assert found == set(partition.ids)

    def test_partitions_are_cut_for_the_scopes_asked_for(
        self, world: ContractWorld, connector: Connector
    ) -> None:
        stream = stream_of(connector, world)
        for scope in stream.scopes:
            world.create(scope, f"in {scope}")
        for scope in stream.scopes:
            records = read(connector, replace(stream, scopes=(scope,)))
            assert {r.scope for r in records} == {scope}

    def test_reading_twice_gives_the_same_bytes(
        self, world: ContractWorld, connector: Connector
    ) -> None:
        stream = stream_of(connector, world)
        world.create(stream.scopes[0], "unchanged")
        first = {r.source_id: (r.body, r.updated_at, r.url) for r in read(connector, stream)}
        second = {r.source_id: (r.body, r.updated_at, r.url) for r in read(connector, stream)}
        assert first == second

    @pytest.mark.parametrize("title", HOSTILE_TITLES)
    def test_hostile_titles_arrive_as_they_are(
        self, world: ContractWorld, connector: Connector, title: str
    ) -> None:
        stream = stream_of(connector, world)
        made = world.create(stream.scopes[0], title)
        records = {r.source_id: r for r in read(connector, stream)}
        assert title_of(world, records[made]) == world.stored(title)


def _fill_each_scope(world: ContractWorld, stream: Stream) -> None:
    for number in range(world.crosses):
        world.create(stream.scopes[number % len(stream.scopes)], f"record {number}")
