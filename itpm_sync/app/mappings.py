"""Which mapping applies to a connection: the configuration's file, the connector's own data, or the
file that is shipped with the connector.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path

from itpm_sync.config import Config, Connection, Document, read_yaml
from itpm_sync.connector import Connector
from itpm_sync.errors import ConfigError
from itpm_sync.mapping import Mapper, compile_mapping

Variables = Mapping[str, str]


class Mappings:
    """The mappings of a configuration. What several connections share is read and compiled once;
    thread-safe, as connections are opened side by side.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self._lock = threading.Lock()
        self._documents: dict[Path, Document] = {}
        self._compiled: dict[tuple[Path, tuple[tuple[str, str], ...]], Mapper] = {}

    def of(
        self, connection: Connection, variables: Variables, connector: Connector | None = None
    ) -> Mapper:
        """A file named in the configuration, else the connector's own data, else its shipped file.

        Raises ConfigError with every mistake of the mapping.
        """
        generated = getattr(connector, "mapping", None)
        if connection.mapping is None and generated is not None:
            return compile_mapping(generated(), variables, f"mapping of {connection.name}")
        if connection.mapping is not None:
            return self._from(self._config.file(connection.mapping), variables)
        return self._from(connection.connector.mapping_file, variables)

    def _from(self, file: Path, variables: Variables) -> Mapper:
        key = (file, tuple(sorted(variables.items())))
        with self._lock:
            if key not in self._compiled:
                if file not in self._documents:
                    self._documents[file] = read_yaml(file)
                self._compiled[key] = _compiled(self._documents[file], variables)
            return self._compiled[key]


def _compiled(document: Document, variables: Variables) -> Mapper:
    try:
        return compile_mapping(document.data, variables, str(document.path))
    except ConfigError as error:
        raise ConfigError(document.located(error.problems)) from None
