"""Which mapping applies to a connection: the configuration's file, the connector's own data, or the
file that is shipped with the connector.
"""

from __future__ import annotations

from collections.abc import Mapping

from itpm_sync.config import Config, Connection, read_yaml
from itpm_sync.connector import Connector
from itpm_sync.errors import ConfigError
from itpm_sync.mapping import Mapper, compile_mapping


def compiled(
    config: Config,
    connection: Connection,
    variables: Mapping[str, str],
    connector: Connector | None = None,
) -> Mapper:
    """A file named in the configuration, else the connector's own data, else its shipped file.

    Raises ConfigError with every mistake of the mapping.
    """
    generated = getattr(connector, "mapping", None)
    if connection.mapping is None and generated is not None:
        return compile_mapping(generated(), variables, f"mapping of {connection.name}")
    file = (
        config.file(connection.mapping) if connection.mapping else connection.connector.mapping_file
    )
    document = read_yaml(file)
    try:
        return compile_mapping(document.data, variables, str(file))
    except ConfigError as error:
        raise ConfigError(document.located(error.problems)) from None
