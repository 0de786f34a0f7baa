"""What a connector does when its source does not answer as it should: one clear line, no secret."""

from __future__ import annotations

import logging

import pytest

from itpm_sync.connector import Connector
from itpm_sync.errors import ConnectionFailed, ItpmError
from itpm_sync.testing.contract.asking import census_of, read, stream_of
from itpm_sync.testing.contract.worlds import ContractWorld
from itpm_sync.testing.wire import DAMAGES, Wire


class Failures:
    """A failure is told, in one line; nothing is read as if it had not been."""

    def test_check_reports_and_never_raises(self, world: ContractWorld) -> None:
        made = world.connector()
        items = list(made.check())
        made.close()
        assert items
        assert all(item.name for item in items)

    @pytest.mark.usefixtures("wire")
    def test_check_of_an_unreachable_host_is_a_line_not_an_exception(
        self, world: ContractWorld
    ) -> None:
        made = world.offline()
        items = list(made.check())
        made.close()
        bad = [item for item in items if not item.ok]
        assert bad
        assert all("\n" not in item.detail for item in bad)

    @pytest.mark.usefixtures("wire")  # repeats without a pause
    def test_an_unreachable_host_fails_with_one_clear_line(self, world: ContractWorld) -> None:
        made = world.offline()
        with pytest.raises(ConnectionFailed) as failure:
            read(made, stream_of(made, world))
        assert "\n" not in str(failure.value)
        assert not [secret for secret in world.secrets if secret in str(failure.value)]
        with pytest.raises(ItpmError):
            census_of(made, stream_of(made, world), stream_of(made, world).scopes[0])
        made.close()

    def test_a_scope_that_does_not_exist_is_told_from_an_empty_one(
        self, world: ContractWorld
    ) -> None:
        made = world.astray()
        stream = stream_of(made, world)
        assert [item for item in made.check() if not item.ok]
        try:
            found = read(made, stream)
        except ConnectionFailed as error:
            assert "\n" not in str(error)  # noqa: PT017 — or it gives nothing
        else:
            assert found == []
            assert not stream.may_be_empty, "so that the engine reports a scope without records"
        made.close()

    @pytest.mark.parametrize("damage", DAMAGES)
    def test_a_bad_answer_is_one_clear_line_without_a_secret(
        self, world: ContractWorld, wire: Wire, caplog: pytest.LogCaptureFixture, damage: str
    ) -> None:
        world.needs("wire")
        caplog.set_level(logging.DEBUG)
        world.create(stream_of(world.connector(), world).scopes[0], "asked for in vain")
        made = world.connector()
        with wire.spoilt(damage):
            with pytest.raises(ItpmError) as failure:
                read(made, stream_of(made, world))
            items = list(made.check())
        made.close()
        assert [item for item in items if not item.ok]
        told = [str(failure.value), *(item.detail for item in items)]
        assert not [line for line in told if "\n" in line]
        shown = "\n".join(
            [*told, repr(failure.value), repr(made), repr(vars(made)), repr(items), caplog.text]
        )
        assert not [secret for secret in world.secrets if secret in shown]

    @pytest.mark.parametrize("damage", ["html", "cut"])
    def test_a_census_that_is_cut_short_raises(
        self, world: ContractWorld, connector: Connector, wire: Wire, damage: str
    ) -> None:
        world.needs("wire")
        stream = stream_of(connector, world)
        for number in range(world.crosses):
            world.create(stream.scopes[0], f"record {number}")
        made = world.connector()
        with wire.watched():
            whole = census_of(made, stream, stream.scopes[0])
        made.close()
        assert len(whole) >= world.crosses
        for first in sorted({0, wire.asked // 2, wire.asked - 1}):
            made = world.connector()
            with wire.spoilt(damage, first), pytest.raises(ItpmError):
                census_of(made, stream, stream.scopes[0])
            made.close()
