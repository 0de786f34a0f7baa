"""Which mapping applies to a connection: the configuration's file, the connector's own data, or the
file that is shipped with the connector.
"""

from __future__ import annotations

import difflib
import re
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from itpm_sync.config import (
    RULE_WORDS,
    AllocationRule,
    Config,
    Connection,
    Document,
    in_order,
    read_yaml,
)
from itpm_sync.connector import Connector, Context
from itpm_sync.errors import ConfigError, Problem
from itpm_sync.mapping import Mapper, compile_mapping

Variables = Mapping[str, str]
_PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_ -]*)\}")


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

    def problems(self) -> Iterator[Problem]:
        """Every mistake of the mappings that the configuration names, each file's once."""
        named = {c.mapping: c for c in self._config.connections.values() if c.mapping is not None}
        for connection in named.values():
            try:
                self.of(connection, {})
            except ConfigError as error:
                yield from error.problems

    def unknown_words(self) -> Iterator[Problem]:
        """Words of allocation rules that no record can have: neither those of every record nor an
        attribute that some mapping gives. Raises ConfigError for a mapping that is wrong itself.
        """
        asked = list(_asked(self._config.root.allocation))
        if all(word in RULE_WORDS for _, word in asked):
            return
        known = RULE_WORDS.union(*map(self._attributes, self._config.connections.values()))
        for path, word in asked:
            if word not in known:
                message = f"no record has a word called {word!r}"
                yield Problem(path, message, _nearest(word, known))

    def kinds(self, connection: Connection, stream: str) -> frozenset[str]:
        """The kinds of record that a connection's mapping makes of a stream; of all of its streams
        where it is not known which there are (``).
        """
        streams = self._data(connection)["streams"]
        rules = streams.get(stream, ()) if stream else chain.from_iterable(streams.values())
        return frozenset(str(rule["to"]) for rule in rules)

    def _attributes(self, connection: Connection) -> set[str]:
        """The names of the attributes that a connection's mapping gives its records."""
        return {
            str(name)
            for rules in self._data(connection)["streams"].values()
            for rule in rules
            for name in rule.get("attributes") or ()
        }

    def _data(self, connection: Connection) -> Any:
        """A mapping's data, valid or ConfigError; a connector's own as its settings make it."""
        if connection.mapping is None and hasattr(connection.connector, "mapping"):
            made = connection.connector(
                connection.name, connection.settings, Context(self._config.base_dir)
            )
            try:
                return made.mapping()  # type: ignore[attr-defined]  # optional, asked for above
            finally:
                made.close()
        self.of(connection, {})
        given = connection.mapping
        file = self._config.file(given) if given else connection.connector.mapping_file
        return self._documents[file].data

    def _from(self, file: Path, variables: Variables) -> Mapper:
        key = (file, tuple(sorted(variables.items())))
        with self._lock:
            if key not in self._compiled:
                if file not in self._documents:
                    self._documents[file] = read_yaml(file)
                self._compiled[key] = _compiled(self._documents[file], variables)
            return self._compiled[key]


def _asked(rules: Sequence[AllocationRule]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Every word that a rule asks records for, with its place."""
    for i, rule in enumerate(rules):
        for word in rule.when:
            yield ("allocation", i, "when", word), word
        for key in ("project", "work_package"):
            for word in _PLACEHOLDER.findall(getattr(rule, key)):
                yield ("allocation", i, key), word


def _nearest(word: str, known: Collection[str]) -> str:
    """The word that was meant, or all there are: the nearest first."""
    close = difflib.get_close_matches(word.casefold(), known, n=3, cutoff=0.6)
    if close:
        return f"did you mean {' or '.join(close)}?"
    return f"known: {', '.join(sorted(known))}"


def _compiled(document: Document, variables: Variables) -> Mapper:
    try:
        mapper = compile_mapping(document.data, variables, str(document.path))
    except ConfigError as error:
        wrong = document.located(error.problems)
        raise ConfigError(in_order((*document.repeated, *wrong))) from None
    if document.repeated:
        raise ConfigError(document.repeated)
    return mapper
