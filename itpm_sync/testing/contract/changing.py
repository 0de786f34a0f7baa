"""What an incremental read finds, and what stays the same of a record that people change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from itpm_sync.connector import Connector
from itpm_sync.testing.contract.asking import read, stream_of, the_one, title_of
from itpm_sync.testing.contract.worlds import ContractWorld


class Changes:
    """Each change is found in its window, and a changed record is the same record."""

    def test_an_edit_is_found_by_an_incremental_read(
        self, world: ContractWorld, connector: Connector
    ) -> None:
        stream = stream_of(connector, world)
        world.needs("incremental", "edit")
        assert world.edit is not None
        made = world.create(stream.scopes[0], "before")
        stamp = the_one(read(connector, stream), made).updated_at
        world.edit(made, "after")
        found = the_one(read(connector, stream, since=stamp), made)
        assert title_of(world, found) == "after"
        assert found.updated_at is not None
        assert stamp is not None
        assert found.updated_at >= stamp

    def test_the_window_includes_its_first_moment(
        self, world: ContractWorld, connector: Connector
    ) -> None:
        stream = stream_of(connector, world)
        world.needs("incremental")
        made = world.create(stream.scopes[0], "at the edge")
        stamp = the_one(read(connector, stream), made).updated_at
        assert made in {r.source_id for r in read(connector, stream, since=stamp)}

    def test_the_window_leaves_out_what_did_not_change_if_there_are_stamps(
        self, world: ContractWorld, connector: Connector
    ) -> None:
        stream = stream_of(connector, world)
        made = world.create(stream.scopes[0], "old")
        found = read(connector, stream, since=datetime.now(UTC) + timedelta(days=3))
        if stream.incremental:
            assert found == []
        else:  # always read whole
            assert made in {record.source_id for record in found}

    def test_a_moved_record_keeps_its_identity(
        self, world: ContractWorld, connector: Connector
    ) -> None:
        stream = stream_of(connector, world)
        world.needs("move")
        assert world.move is not None
        made = world.create(stream.scopes[0], "moving")
        world.move(made, stream.scopes[1])
        assert the_one(read(connector, stream), made).scope == stream.scopes[1]

    def test_a_renamed_record_keeps_its_identity(
        self, world: ContractWorld, connector: Connector
    ) -> None:
        world.needs("edit")
        assert world.edit is not None
        stream = stream_of(connector, world)
        made = world.create(stream.scopes[0], "before")
        world.edit(made, "after")
        found = the_one(read(connector, stream), made)
        assert title_of(world, found) == "after"
