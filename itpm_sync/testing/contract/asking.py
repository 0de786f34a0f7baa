"""How the suite asks a connector, as the engine does: partition by partition, page by page."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

import orjson

from itpm_sync.connector import Connector, RawRecord, Stream, TellsWhereabouts, Whereabouts, Window
from itpm_sync.testing.contract.worlds import ContractWorld


def read(connector: Connector, stream: Stream, since: datetime | None = None) -> list[RawRecord]:
    """Everything that a window gives, partition by partition."""
    window = Window(since, datetime.now(UTC))
    return [
        record
        for partition in connector.partitions(stream, window)
        for page in connector.fetch(stream, partition, window)
        for record in page.records
    ]


def stream_of(connector: Connector, world: ContractWorld) -> Stream:
    """The stream that is tested."""
    return next(stream for stream in connector.streams() if stream.name == world.stream)


def the_one(records: Iterable[RawRecord], source_id: str) -> RawRecord:
    """The record of that id, which was read exactly once."""
    found = [record for record in records if record.source_id == source_id]
    assert len(found) == 1, f"{source_id} was read {len(found)} times"
    return found[0]


def title_of(world: ContractWorld, record: RawRecord) -> str:
    """The title that stands in a raw record."""
    return world.title_of(orjson.loads(record.body))


def census_of(connector: Connector, stream: Stream, scope: str) -> Sequence[str]:
    """The ids that a scope lists."""
    return list(itertools.chain.from_iterable(connector.census(stream, scope)))


def whereabouts_of(
    connector: Connector, stream: Stream, ids: Sequence[str]
) -> Mapping[str, Whereabouts]:
    """What the source says of these ids."""
    assert isinstance(connector, TellsWhereabouts)
    return connector.whereabouts(stream, ids)
