"""What a connector says of itself: interface, settings, streams, mapping, what it cannot do."""

from __future__ import annotations

from typing import Any, get_args

import yaml
from pydantic import BaseModel, SecretStr

from itpm_sync.connector import Connector, ConnectorSettings, Deletes, TellsWhereabouts
from itpm_sync.mapping import compile_mapping
from itpm_sync.testing.contract.asking import read, stream_of
from itpm_sync.testing.contract.worlds import ContractWorld
from itpm_sync.testing.wire import Wire


class Declarations:
    """The declarations are complete, and true."""

    def test_what_is_not_tested_is_declared_with_a_reason_and_true(
        self, world: ContractWorld, connector: Connector, wire: Wire
    ) -> None:
        stream = stream_of(connector, world)
        hands = ("edit", "delete", "move", "hide", "publishing")
        with wire.watched():
            read(connector, stream)
        absent = {name for name in hands if getattr(world, name) is None}
        absent |= set() if stream.incremental else {"incremental"}
        absent |= set() if wire.asked else {"wire"}
        absent |= set() if isinstance(connector, TellsWhereabouts) else {"whereabouts"}
        assert set(world.cannot) == absent
        assert all(world.cannot.values())
        assert (connector.publisher() is None) == (world.publishing is None)
        assert (world.delete is None) == (stream.deletes is Deletes.NEVER)
        assert world.move is None or len(stream.scopes) > 1
        assert world.hide is None or isinstance(connector, TellsWhereabouts), (
            "where a record can leave the account's sight, a census cannot tell that it was deleted"
        )

    def test_it_implements_the_whole_interface(self, connector: Connector) -> None:
        assert isinstance(connector, Connector)
        info = connector.info
        assert info.name == info.name.lower()
        assert info.title
        assert info.system
        assert info.verified_against

    def test_unknown_settings_are_refused(self, connector: Connector) -> None:
        assert issubclass(connector.Settings, ConnectorSettings)
        for model in _models(connector.Settings):
            assert model.model_config.get("extra") == "forbid", model
            assert model.model_config.get("frozen") is True, model

    def test_secrets_are_declared_as_such(self, world: ContractWorld, connector: Connector) -> None:
        fields = {
            name: _types(declared.annotation)
            for model in _models(connector.Settings)
            for name, declared in model.model_fields.items()
        }
        words = ("password", "token", "secret")
        bare = [n for n, types in fields.items() if any(w in n for w in words) and str in types]
        assert not bare, f"{bare} must be SecretStr"
        assert any(SecretStr in types for types in fields.values()) == bool(world.secrets)

    def test_the_shipped_mapping_covers_each_stream(
        self, world: ContractWorld, connector: Connector
    ) -> None:
        stream = stream_of(connector, world)
        world.create(stream.scopes[0], "mapped")
        own = getattr(connector, "mapping", None)
        data = own() if own else yaml.safe_load(connector.mapping_file.read_text("utf-8"))
        mapper = compile_mapping(data, connector.variables())
        assert {s.name for s in connector.streams()} <= set(mapper.streams)
        for raw in read(connector, stream):
            mapped = mapper.apply("contract", stream.name, raw)
            assert mapped.problems == ()
            assert mapped.records

    def test_streams_are_named_once_and_need_no_network(self, world: ContractWorld) -> None:
        made = world.offline()
        names = [stream.name for stream in made.streams()]
        made.close()
        assert world.stream in names
        assert len(names) == len(set(names))


def _types(annotation: Any) -> frozenset[Any]:
    """An annotation and all that it is made of."""
    inner = (_types(part) for part in get_args(annotation))
    return frozenset({annotation}.union(*inner))


def _models(settings: type[BaseModel]) -> list[type[BaseModel]]:
    """A settings model and those it holds, each once."""
    found = [settings]
    for model in found:
        for declared in model.model_fields.values():
            found += [
                t for t in _types(declared.annotation)
                if isinstance(t, type) and issubclass(t, BaseModel) and t not in found
            ]  # fmt: skip
    return found
