"""A configuration file → settings and connections, or every problem in it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from itpm_sync.config.agreement import disagreements
from itpm_sync.config.document import Document, KeyPath, in_order, read_yaml
from itpm_sync.config.hiding import Hidden, passwords
from itpm_sync.config.references import UNRESOLVED, References
from itpm_sync.config.settings import NAME, ConnectionCore, Root
from itpm_sync.config.validation import as_written, checked, near, secrets_in, validated
from itpm_sync.connector import Connector, ConnectorSettings, installed
from itpm_sync.errors import ConfigError, Problem, suggestion


@dataclass(frozen=True, slots=True)
class Connection:
    """A configured connection, ready to be built."""

    name: str
    connector: type[Connector]
    settings: ConnectorSettings
    mapping: Path | None
    max_connections: int
    timeout_s: float
    attempts: int


@dataclass(frozen=True, slots=True)
class Config:
    """Everything `load` found: settings, connections, secrets to redact, warnings to show."""

    path: Path
    root: Root
    connections: Mapping[str, Connection]
    secrets: tuple[str, ...] = field(repr=False)
    warnings: tuple[Problem, ...] = ()

    @property
    def base_dir(self) -> Path:
        """The folder that relative paths start from."""
        return self.path.parent

    def file(self, path: Path) -> Path:
        """A path of the configuration, absolute."""
        return path if path.is_absolute() else self.base_dir / path

    @property
    def store_url(self) -> str:
        """The store's SQLAlchemy URL; a relative SQLite path starts from `base_dir`."""
        prefix, _, name = self.root.store.partition("sqlite:///")
        if prefix or not name or name.startswith((":", "/")):
            return self.root.store
        return f"sqlite:///{self.base_dir / name}"


def load(path: Path, *, secrets: bool = True, environ: Mapping[str, str] | None = None) -> Config:
    """Reads and validates a configuration. Raises ConfigError with every problem.

    Without `secrets` the references inside connections are not resolved: for commands that only
    read the store.
    """
    found = examine(path, secrets=secrets, environ=environ)
    if found.problems or found.config is None:
        raise ConfigError(found.problems)
    return found.config


@dataclass(frozen=True, slots=True)
class Examined:
    """A configuration and every problem in it. With problems, `config` is what is left without what
    is wrong, to be examined further and for nothing else; None where too little is left. It is
    `complete` if every connection could be read.
    """

    config: Config | None
    problems: tuple[Problem, ...]
    complete: bool
    located: Callable[[Iterable[Problem]], tuple[Problem, ...]]  # further ones, with their place


def examine(
    path: Path,
    *,
    secrets: bool = True,
    environ: Mapping[str, str] | None = None,
    findings: Callable[[], Collection[str]] | None = None,
) -> Examined:
    """Reads a configuration as `load` does. Raises ConfigError only where it is no YAML at all.
    `findings` gives the codes that waivers can name; without it they are not looked at.
    """
    path = path.absolute()
    document = read_yaml(path)
    if not isinstance(document.data, dict):
        hint = "write one with `itpm-sync init`"
        raise ConfigError(
            [Problem((), "the file is empty or no mapping of keys", hint, f"{path}:1:1")]
        )
    references = References(
        path.parent, os.environ if environ is None else environ, resolve=secrets
    )
    data = references.replace(document.data, ())
    root = checked(Root, data, references.used)
    blocks = {
        name: _connection(name, block, references, lenient=not secrets)
        for name, block in _blocks(root.data)
    }
    problems = [*root.problems]
    for name, found in blocks.items():
        at = as_written(("connections",), root.written)
        problems += [Problem((*at, name, *p.path), p.message, p.hint) for p in found.problems]
    known = [p.path for p in (*problems, *references.problems)]

    def sound(path: KeyPath) -> bool:
        at = as_written(path, root.written)
        return not any(wrong[: len(at)] == at for wrong in known)

    kinds = {name: found.kind for name, found in blocks.items() if found.kind is not None}
    problems += [
        Problem(as_written(p.path, root.written), p.message, p.hint)
        for p in disagreements(root.data, kinds, findings, sound)
    ]
    problems = [*references.problems, *_independent(problems, references.problems)]
    connections = {n: found.built for n, found in blocks.items() if found.built is not None}
    hidden = Hidden(references.given, data)
    told = in_order((*document.repeated, *document.located(dict.fromkeys(problems))))

    def located(further: Iterable[Problem]) -> tuple[Problem, ...]:
        placed = document.located(
            Problem(as_written(p.path, root.written), p.message, p.hint) for p in further
        )
        return tuple(map(hidden.without, placed))

    return Examined(
        _config(path, root.rest, connections, references, document),
        tuple(map(hidden.without, told)),
        len(connections) == len(blocks),
        located,
    )


def _config(
    path: Path,
    root: Root | None,
    connections: Mapping[str, Connection],
    references: References,
    document: Document,
) -> Config | None:
    if root is None:
        return None
    plain = _plain_secrets(connections, references)
    hidden = {*references.secrets, *passwords(root.store)} - {UNRESOLVED}
    return Config(
        path, root, connections, tuple(sorted(s for s in hidden if s)), document.located(plain)
    )


def _blocks(data: Any) -> Iterator[tuple[str, Any]]:
    blocks = data.get("connections")
    yield from (blocks if isinstance(blocks, dict) else {}).items()


def _independent(problems: Iterable[Problem], unresolved: Iterable[Problem]) -> Iterator[Problem]:
    """The problems that are no consequence of an unresolved reference: neither at its value nor,
    within a connection, at what the value belongs to.
    """
    broken = {p.path for p in unresolved}
    owners = {path[:n] for path in broken for n in range(2, len(path))}
    for problem in problems:
        in_connection = problem.path[:1] == ("connections",)
        if problem.path not in broken and not (in_connection and problem.path in owners):
            yield problem


def _plain_secrets(
    connections: Mapping[str, Connection], references: References
) -> tuple[Problem, ...]:
    """Collects every secret for redaction; returns a warning for each that stands in the YAML."""
    warnings = []
    for name, connection in connections.items():
        for at, secret in secrets_in(connection.settings):
            path = ("connections", name, *at)
            references.secrets.add(secret)
            if secret and path not in references.used:
                hint = "move it: ${env:…}, ${file:…} or ${cmd:…}"
                warnings.append(Problem(path, "a secret stands in plain YAML", hint))
    return tuple(warnings)


@dataclass(frozen=True, slots=True)
class _Block:
    """One block of `connections`, as far as it could be read."""

    problems: Sequence[Problem]
    kind: type[Connector] | None = None
    built: Connection | None = None


_CORE = frozenset(ConnectionCore.model_fields)


def _connection(name: str, block: Any, references: References, *, lenient: bool) -> _Block:
    """One connection. `lenient`: unresolved references are no problem, settings stay unchecked."""
    if not isinstance(block, dict):
        return _Block(())  # said already, of the whole file
    used = {p[2:] for p in references.used if p[:2] == ("connections", name)}
    block, misspelt = _core_respelt(block)
    problems = [
        Problem((word,), f"unknown key {word!r}", f'did you mean "{meant}"?')
        for word, meant in misspelt.items()
    ]
    core, found = validated(ConnectionCore, {k: v for k, v in block.items() if k in _CORE}, used)
    cls, missing = _connector(block.get("connector"))
    meant = {m: word for word, m in misspelt.items()}
    problems += [
        Problem((meant.get(str(p.path[0]), p.path[0]), *p.path[1:]), p.message, p.hint)
        for p in (*found, *missing)
    ]
    if cls is None:
        return _Block(problems)
    own = checked(cls.Settings, block, used, _CORE)
    settings, wrong = own.value, own.problems
    if lenient and settings is None and all(p.path in used for p in wrong):
        settings, wrong = cls.Settings.model_construct(), []
    if core is None or settings is None or problems:
        return _Block([*problems, *wrong], cls)
    limits = (core.max_connections, core.timeout_s, core.attempts)
    return _Block(wrong, cls, Connection(name, cls, settings, core.mapping, *limits))


def _core_respelt(block: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """The block with misspelt keys of the core as they were meant, and what each was taken for. A
    key that the connector has, or is nearer to one of its keys, is the connector's.
    """
    cls, _ = _connector(block.get("connector"))
    own = {i.alias or n for n, i in cls.Settings.model_fields.items()} if cls else set()
    free = (_CORE | own) - set(block)
    taken: dict[str, str] = {}
    for word in block:
        meant = near(word, free) if word not in _CORE | own else ""
        if meant in _CORE and meant not in taken.values():
            taken[word] = meant
    return {taken.get(word, word): value for word, value in block.items()}, taken


def _connector(name: Any) -> tuple[type[Connector] | None, list[Problem]]:
    points = installed()
    if not isinstance(name, str) or not re.match(NAME, name):
        return None, []  # the core's own check has said so
    if name not in points:
        message = f"no connector {name!r} is installed"
        return None, [Problem(("connector",), message, suggestion(name, points))]
    try:
        return points[name].load(), []
    except (ImportError, AttributeError) as error:
        message = f"the connector {name!r} cannot be loaded: {error}"
        return None, [Problem(("connector",), message, "reinstall the package that brings it")]


def json_schema() -> dict[str, Any]:
    """JSON Schema of the configuration with every installed connector's block, for editors."""
    schema = Root.model_json_schema()
    core = ConnectionCore.model_json_schema()["properties"]
    names, cases = [], []
    for name in installed():
        cls, _ = _connector(name)
        if cls is None:
            continue
        own = cls.Settings.model_json_schema(ref_template=f"#/$defs/{name}.{{model}}")
        schema["$defs"].update({f"{name}.{k}": v for k, v in own.pop("$defs", {}).items()})
        own["properties"] = {**own.get("properties", {}), **core}
        cases.append({"if": {"properties": {"connector": {"const": name}}}, "then": own})
        names.append(name)
    block = {
        "type": "object",
        "required": ["connector"],
        "properties": {"connector": {"enum": names}},
        "allOf": cases,
    }
    connections = schema["properties"]["connections"]
    connections.update(patternProperties={NAME: block}, additionalProperties=False)
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    return schema
