"""The contract suite: what every connector promises, as tests of a connector and its source.

`worlds` is what a connector's author gives, `asking` how the suite reads. The promises stand by
subject, each in a class of its own that knows only the fixtures: `declaring`, `failing`,
`completeness`, `changing`, `absence`, `publishing`. `ConnectorContract` is all of them.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from itpm_sync.connector import Connector
from itpm_sync.testing.contract.absence import Absence
from itpm_sync.testing.contract.asking import read
from itpm_sync.testing.contract.changing import Changes
from itpm_sync.testing.contract.completeness import Completeness
from itpm_sync.testing.contract.declaring import Declarations
from itpm_sync.testing.contract.failing import Failures
from itpm_sync.testing.contract.publishing import Publishing
from itpm_sync.testing.contract.worlds import HOSTILE_TITLES, ContractWorld, PublishWorld
from itpm_sync.testing.wire import Wire

__all__ = ["HOSTILE_TITLES", "ConnectorContract", "ContractWorld", "PublishWorld", "read"]


# pytest runs the tests of the last base first
class ConnectorContract(Publishing, Absence, Changes, Completeness, Failures, Declarations):
    """What every connector promises. Derive, and give the one fixture `world`.

    ```python
    class TestYourSystem(ConnectorContract):
        @pytest.fixture
        def world(self) -> ContractWorld | Iterator[ContractWorld]:
            sandbox = YourSandbox(); url = sandbox.start()
            yield ContractWorld(connector=lambda: …, stream="ticket", create=…, title_of=…, …)
            sandbox.stop()
    ```

    The source may hold records already; the tests only look at what changes.
    """

    @pytest.fixture
    def world(self) -> ContractWorld | Iterator[ContractWorld]:
        """The connector under test and its source."""
        raise NotImplementedError("derive from ConnectorContract and define the fixture `world`")

    @pytest.fixture
    def connector(self, world: ContractWorld) -> Iterator[Connector]:
        """A connector, closed at the end."""
        made = world.connector()
        yield made
        made.close()

    @pytest.fixture
    def wire(self, monkeypatch: pytest.MonkeyPatch) -> Wire:
        """What goes between the connector and its source."""
        return Wire(monkeypatch)
