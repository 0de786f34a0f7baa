"""For tests of connectors and of the engine: an in-memory source, and the connector contract.

`MemorySource` plays an outside system; `MemoryConnector` reads it. `ConnectorContract` is the
suite that every connector passes: derive a test class from it and say how to build and change
your source (see `ContractWorld`).
"""

import pytest

pytest.register_assert_rewrite("itpm_sync.testing.contract")  # before it is imported below

from itpm_sync.testing.contract import (  # noqa: E402
    HOSTILE_TITLES,
    ConnectorContract,
    ContractWorld,
    PublishWorld,
    read,
)
from itpm_sync.testing.memory import MemoryConnector, MemorySettings, MemorySource  # noqa: E402

__all__ = [
    "HOSTILE_TITLES",
    "ConnectorContract",
    "ContractWorld",
    "MemoryConnector",
    "MemorySettings",
    "MemorySource",
    "PublishWorld",
    "read",
]
