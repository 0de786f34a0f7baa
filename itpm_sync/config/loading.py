"""A configuration file → settings and connections, or every problem in it."""

from __future__ import annotations

import os
import re
import typing
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from pydantic import BaseModel

from itpm_sync.config.document import KeyPath, read_yaml
from itpm_sync.config.gates import default_criteria
from itpm_sync.config.references import UNRESOLVED, References
from itpm_sync.config.settings import (
    NAME,
    AllocationRule,
    ConnectionCore,
    Criterion,
    DuplicateDecision,
    Job,
    Override,
    Project,
    PublishTarget,
    Root,
    Waiver,
)
from itpm_sync.config.validation import secrets_in, validated
from itpm_sync.connector import Connector, ConnectorSettings, installed
from itpm_sync.errors import ConfigError, Problem, suggestion
from itpm_sync.model import KINDS

M = typing.TypeVar("M", bound=BaseModel)


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
    root, problems = validated(Root, data, references.used)
    connections: dict[str, Connection] = {}
    blocks = data.get("connections")
    for name, block in (blocks if isinstance(blocks, dict) else {}).items():
        connection, found = _connection(name, block, references, lenient=not secrets)
        problems += [Problem(("connections", name, *p.path), p.message, p.hint) for p in found]
        if connection is not None:
            connections[name] = connection
    problems += _cross_check(data, connections)
    problems = [*references.problems, *_independent(problems, references.problems)]
    if problems or root is None:
        raise ConfigError(document.located(dict.fromkeys(problems)))
    plain = _plain_secrets(connections, references)
    hidden = {*references.secrets, *_url_passwords(root.store)} - {UNRESOLVED}
    return Config(
        path, root, connections, tuple(sorted(s for s in hidden if s)), document.located(plain)
    )


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


def _connection(
    name: str, block: Any, references: References, *, lenient: bool
) -> tuple[Connection | None, list[Problem]]:
    """One connection. `lenient`: unresolved references are no problem, settings stay unchecked."""
    if not isinstance(block, dict):
        return None, [Problem((), "expected the settings of a connection", "at least `connector:`")]
    used = {p[2:] for p in references.used if p[:2] == ("connections", name)}
    core_keys = set(ConnectionCore.model_fields)
    core, problems = validated(
        ConnectionCore, {k: v for k, v in block.items() if k in core_keys}, used
    )
    cls, found = _connector(block.get("connector"))
    problems += found
    if cls is None:
        return None, problems
    own = {k: v for k, v in block.items() if k not in core_keys}
    settings, found = validated(cls.Settings, own, used)
    if lenient and settings is None and all(p.path in used for p in found):
        settings, found = cls.Settings.model_construct(), []
    if core is None or settings is None:
        return None, problems + found
    limits = (core.max_connections, core.timeout_s, core.attempts)
    return Connection(name, cls, settings, core.mapping, *limits), problems + found


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


def _url_passwords(url: str) -> set[str]:
    """The password before the host and those in the query, as written and as meant."""
    written = re.findall(r"^[^:/]+://[^:/@]*:([^@]*)@", url)
    written += re.findall(r"[?&]\w*password=([^&]*)", url)
    return {*written, *map(unquote, written)}


def _cross_check(data: Mapping[str, Any], built: Mapping[str, Connection]) -> Iterator[Problem]:
    """What refers to something else in the file. Works on what is valid, whatever else is not."""
    names = _keys(data.get("connections"))
    discovered, listed = data.get("discover_projects"), data.get("projects")
    for key in ("discover_projects", "plan_from"):
        for i, name in enumerate(data[key] if isinstance(data.get(key), list) else ()):
            yield from _reference((key, i), name, names)
    projects = dict(_valid(Project, listed))
    codes = [p.code for p in projects.values()]
    for position, (i, project) in enumerate(projects.items()):
        if project.code in codes[:position]:
            yield Problem(("projects", i, "code"), f"the project {project.code!r} stands twice")
        for j, target in enumerate(project.publish):
            yield from _target(("projects", i, "publish", j), target, built, names)
    yield from _published_twice(projects, built)
    if not listed and not discovered:
        hint = "list them, or take them from a source with `discover_projects: [CONNECTION]`"
        yield Problem(("projects",), "no project is configured", hint)
    yield from _decided_pairs(data.get("duplicates"), names)
    certain = not discovered and isinstance(listed, list) and len(projects) == len(listed)
    for i, rule in _valid(AllocationRule, data.get("allocation")):
        yield from _rule(("allocation", i), rule, codes if certain else (), names)
    yield from _decisions(data, codes if certain else ())
    yield from _gates(data.get("gates"))
    for job_name in _keys(data.get("jobs")):
        for _, job in _valid(Job, [data["jobs"][job_name]]):
            for i, name in enumerate(job.connections or ()):
                yield from _reference(("jobs", job_name, "connections", i), name, names)


def _decisions(data: Mapping[str, Any], codes: typing.Collection[str]) -> Iterator[Problem]:
    yield from _decided_twice("waivers", data, Waiver, "finding", "project", "subject", "expires")
    yield from _decided_twice("overrides", data, Override, "project", "dimension", "expires")
    for i, override in _valid(Override, data.get("overrides")):
        if codes and override.project not in codes:
            message, hint = f"no project {override.project!r}", suggestion(override.project, codes)
            yield Problem(("overrides", i, "project"), message, hint)


def _gates(data: Any) -> Iterator[Problem]:
    """Own criteria that stand twice, and dropped ones that are no default."""
    block = data if isinstance(data, dict) else {}
    if not block:
        return
    for twice in _decided_twice("criteria", block, Criterion, "id"):
        yield Problem(("gates", *twice.path), twice.message, twice.hint)
    known = {c.id for c in default_criteria()}
    dropped = block.get("without")
    for i, name in enumerate(dropped if isinstance(dropped, list) else ()):
        if isinstance(name, str) and name not in known:
            message = f"no default criterion {name!r}"
            yield Problem(("gates", "without", i), message, suggestion(name, known))


def _decided_twice(
    block: str, data: Mapping[str, Any], model: type[BaseModel], *keys: str
) -> Iterator[Problem]:
    """Decisions about the same thing until the same day: which reason is the one?"""
    taken: set[tuple[Any, ...]] = set()
    for i, item in _valid(model, data.get(block)):
        about = tuple(getattr(item, key) for key in keys)
        if about in taken:
            yield Problem((block, i), "the same is decided above already", "remove one")
        taken.add(about)


def _valid(model: type[M], items: Any) -> Iterator[tuple[int, M]]:
    """The items of a list that are valid by themselves, with their index."""
    for i, item in enumerate(items if isinstance(items, list) else ()):
        found, _ = validated(model, item)
        if found is not None:
            yield i, found


def _keys(block: Any) -> set[str]:
    return set(block) if isinstance(block, dict) else set()


def _rule(
    path: KeyPath, rule: AllocationRule, codes: typing.Collection[str], names: set[str]
) -> Iterator[Problem]:
    if not rule.project and not rule.work_package:
        yield Problem(path, "the rule names neither `project` nor `work_package`")
    if codes and rule.project and "{" not in rule.project and rule.project not in codes:
        hint = suggestion(rule.project, codes)
        yield Problem((*path, "project"), f"no project {rule.project!r}", hint)
    for name in rule.when.get("connection", ()):
        if not set(name) & set("*?"):
            yield from _reference((*path, "when", "connection"), name, names)
    for kind in rule.when.get("kind", ()):
        if not set(kind) & set("*?") and kind.casefold() not in KINDS:
            hint = suggestion(kind, KINDS)
            yield Problem((*path, "when", "kind"), f"no kind of record is called {kind!r}", hint)


def _decided_pairs(block: Any, names: set[str]) -> Iterator[Problem]:
    """Decisions on tickets of connections that do not exist, and on one pair twice."""
    seen: set[frozenset[str]] = set()
    decisions = block.get("decisions") if isinstance(block, dict) else None
    for i, decision in _valid(DuplicateDecision, decisions):
        path: KeyPath = ("duplicates", "decisions", i, "pair")
        for j, identity in enumerate(decision.pair):
            yield from _reference((*path, j), identity.partition(":")[0], names)
        if frozenset(decision.pair) in seen:
            yield Problem(path, "this pair was decided already, further up")
        seen.add(frozenset(decision.pair))


def _reference(path: KeyPath, name: Any, names: set[str]) -> Iterator[Problem]:
    if isinstance(name, str) and name not in names:
        yield Problem(path, f"no connection {name!r}", suggestion(name, names))


def _target(
    path: KeyPath, target: PublishTarget, built: Mapping[str, Connection], names: set[str]
) -> Iterator[Problem]:
    yield from _reference((*path, "connection"), target.connection, names)
    connection = built.get(target.connection)
    if connection is None:
        return
    offered = connection.connector.info.publishes
    if not offered:
        message = f"the connector {connection.connector.info.name!r} does not publish"
        yield Problem((*path, "connection"), message)
    for i, name in enumerate(target.fields or ()):
        if offered and name not in offered:
            message = f"{connection.connector.info.name} has no field {name!r} to publish"
            yield Problem((*path, "fields", i), message, suggestion(name, offered))


def _published_twice(
    projects: Mapping[int, Project], built: Mapping[str, Connection]
) -> Iterator[Problem]:
    """Targets that a project names twice, which would make two comments of one, and those where
    two projects would overwrite each other in turn."""
    taken: dict[tuple[str, ...], str] = {}
    for i, project in projects.items():
        for j, target in enumerate(project.publish):
            connection = built.get(target.connection)
            if connection is None:
                continue
            info = connection.connector.info
            for field_name in target.fields or info.publishes:
                place = (target.connection, target.address, field_name)
                key = place if field_name in info.publishes_one else (*place, project.code)
                if key in taken:
                    message = (
                        f"{field_name} of {target.address} is published to already, for the "
                        f"project {taken[key]!r}"
                    )
                    hint = "give another address, or list other `fields`"
                    yield Problem(("projects", i, "publish", j), message, hint)
                taken.setdefault(key, project.code)


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
