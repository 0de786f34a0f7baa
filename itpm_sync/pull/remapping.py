"""Mapping stored raw records anew after the mapping changed: no network, no versions."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import groupby, islice

from itpm_sync.mapping import Mapper
from itpm_sync.pull.reading import mapping_of
from itpm_sync.store import Landed, Store, StoredRaw

BATCH = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Remapped:
    """What a re-mapping did, or would do. `changed_ids` are identities of mapped records."""

    records: int = 0  # raw records read
    changed: int = 0  # mapped records added, changed or removed
    rejected: int = 0  # raw records that this mapping cannot read
    changed_ids: tuple[str, ...] = field(default=())


def remap(
    store: Store,
    connection: str,
    mapper: Mapper,
    *,
    now: datetime,
    run: str | None = None,
    dry_run: bool = False,
) -> Remapped:
    """Maps every raw record of a connection that was read with another mapping.

    Interrupted, it continues where it was. Raises StoreError.
    """
    landed = Landed()
    raws = store.raw_records(connection, stale_for=mapper.fingerprint)
    for stream, of_stream in groupby(raws, key=lambda stored: stored.stream):
        while batch := list(islice(of_stream, BATCH)):
            landed = landed + _remap_batch(
                store, batch, stream, mapper, now=now, run=run or "", dry_run=dry_run
            )
    if not dry_run:
        state = store.connection_state(connection)
        store.put_connection_state(replace(state, fingerprint=mapper.fingerprint), now)
    return Remapped(
        records=landed.total,
        changed=len(landed.changed_ids),
        rejected=landed.quarantined,
        changed_ids=landed.changed_ids,
    )


def _remap_batch(
    store: Store,
    batch: list[StoredRaw],
    stream: str,
    mapper: Mapper,
    *,
    now: datetime,
    run: str,
    dry_run: bool,
) -> Landed:
    connection = batch[0].connection
    return store.remap_page(
        [stored.raw for stored in batch],
        run=run,
        connection=connection,
        stream=stream,
        fingerprint=mapper.fingerprint,
        map_record=mapping_of(mapper, connection, stream),
        now=now,
        dry_run=dry_run,
    )
