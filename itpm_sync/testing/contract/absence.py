"""What a connector says of records that are gone from the census, where it can tell."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from itpm_sync.connector import Connector, Fate, Partition, Whereabouts, Window
from itpm_sync.errors import ItpmError
from itpm_sync.testing.contract.asking import census_of, read, stream_of, whereabouts_of
from itpm_sync.testing.contract.worlds import ContractWorld
from itpm_sync.testing.wire import Wire


class Absence:
    """What is gone, hidden or elsewhere is told apart, and what is there can be read."""

    def test_a_deleted_record_leaves_the_census(
        self, world: ContractWorld, connector: Connector
    ) -> None:
        stream = stream_of(connector, world)
        world.needs("delete")
        assert world.delete is not None
        made = world.create(stream.scopes[0], "short-lived")
        kept = world.create(stream.scopes[0], "kept")
        world.delete(made)
        listed = census_of(connector, stream, stream.scopes[0])
        assert kept in listed
        assert made not in listed
        live = {r.source_id for r in read(connector, stream) if not (r.deleted or r.merged_into)}
        assert made not in live

    def test_whereabouts_name_the_scope_of_what_is_there(
        self, world: ContractWorld, connector: Connector
    ) -> None:
        world.needs("whereabouts")
        stream = stream_of(connector, world)
        made = [world.create(stream.scopes[0], f"here {i}") for i in range(world.crosses)]
        scopes = dict.fromkeys(made, stream.scopes[0])
        if world.move is not None:
            world.move(made[0], stream.scopes[1])
            scopes[made[0]] = stream.scopes[1]
        found = whereabouts_of(connector, stream, made)
        assert found == {i: Whereabouts(Fate.THERE, scope) for i, scope in scopes.items()}

    def test_whereabouts_tell_what_is_deleted_from_what_is_there(
        self, world: ContractWorld, connector: Connector
    ) -> None:
        world.needs("whereabouts", "delete")
        assert world.delete is not None
        stream = stream_of(connector, world)
        gone, kept = (world.create(stream.scopes[0], title) for title in ("short-lived", "kept"))
        world.delete(gone)
        found = whereabouts_of(connector, stream, [gone, kept])
        assert found[gone].fate in (Fate.DELETED, Fate.HIDDEN)
        assert found[kept].fate is Fate.THERE

    def test_what_the_account_may_not_see_is_not_said_to_be_deleted(
        self, world: ContractWorld, connector: Connector
    ) -> None:
        world.needs("whereabouts", "hide")
        assert world.hide is not None
        stream = stream_of(connector, world)
        made = world.create(stream.scopes[0], "confidential")
        world.hide(made)
        assert made not in census_of(connector, stream, stream.scopes[0])
        assert whereabouts_of(connector, stream, [made]) == {made: Whereabouts(Fate.HIDDEN)}

    def test_what_is_there_can_be_read_by_its_id(
        self, world: ContractWorld, connector: Connector
    ) -> None:
        world.needs("whereabouts")
        stream = stream_of(connector, world)
        made = [world.create(stream.scopes[0], f"asked for {i}") for i in range(world.crosses)]
        world.create(stream.scopes[0], "not asked for")
        partition = Partition("by id", stream.scopes[0], ids=tuple(made))
        pages = list(connector.fetch(stream, partition, Window(None, datetime.now(UTC))))
        by_id = {r.source_id: r.body for page in pages for r in page.records}
        assert by_id == {
            r.source_id: r.body for r in read(connector, stream) if r.source_id in made
        }

    @pytest.mark.parametrize("damage", ["html", "cut", "500"])
    def test_whereabouts_that_cannot_be_asked_for_raise(
        self, world: ContractWorld, wire: Wire, damage: str
    ) -> None:
        world.needs("whereabouts")
        made = world.offline()
        stream = stream_of(made, world)
        ids = [world.create(stream.scopes[0], "asked for in vain")]
        with pytest.raises(ItpmError):
            whereabouts_of(made, stream, ids)
        made.close()
        world.needs("wire")
        made = world.connector()
        with wire.spoilt(damage), pytest.raises(ItpmError):
            whereabouts_of(made, stream, ids)
        made.close()
