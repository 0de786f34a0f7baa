"""YAML → frozen settings; every problem with file:line:column and a suggestion.

`load` reads the whole file, resolves references (`${env:NAME}`, `${file:PATH}`, `${cmd:COMMAND}`)
and validates everything before it raises one ConfigError with all problems, so that an
administrator mends a file in one go. A secret in plain YAML is a warning, never an error.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
)

from itpm_sync.connector import Connector, ConnectorSettings, installed
from itpm_sync.errors import ConfigError, Problem, suggestion
from itpm_sync.model import Stage

M = typing.TypeVar("M", bound=BaseModel)
Path_ = tuple[str | int, ...]
STEPS = ("pull", "remap", "reconcile", "report", "publish")
_NAME = r"^[A-Za-z][A-Za-z0-9_-]{0,62}$"
_MAX_NODES = 200_000
_COMMAND_TIMEOUT_S = 30


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        raise ValueError(
            f"unknown time zone {name!r}; expected a name such as Europe/Zurich"
        ) from None
    return name


def _steps(value: Any) -> Any:
    return {"steps": value} if isinstance(value, list) else value


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str | int | float) else value


Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
Name = Annotated[str, Field(pattern=_NAME)]
Code = Annotated[str, Field(min_length=1, max_length=200)]
Zone = Annotated[str, AfterValidator(_zone)]
Words = Annotated[tuple[str, ...], BeforeValidator(_listed), Field(min_length=1)]
Share = Annotated[Decimal, Field(ge=0, le=10)]


class Settings(BaseModel):
    """Base of every block: unknown keys are errors, values are frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)


class PublishTarget(Settings):
    """Where a project's status goes: which fields of which object we own."""

    connection: Name
    address: Code
    fields: tuple[Name, ...] | None = None  # all that the connector offers


class Project(Settings):
    """A project of the portfolio."""

    code: Code
    name: str = ""
    stage: Stage = Stage.EXECUTION
    manager: str = ""
    sponsor: str = ""
    currency: Currency | Literal[""] = ""
    start: date | None = None
    finish: date | None = None
    declared_rating: Literal["", "green", "amber", "red"] = ""
    baseline_on: date | None = None
    management_reserve: Annotated[Decimal, Field(ge=0)] | None = None
    publish: tuple[PublishTarget, ...] = ()


class AllocationRule(Settings):
    """What matches all of `when` belongs to `project` and `work_package`; the first match wins."""

    name: str = ""
    when: dict[str, Words]
    project: str = ""
    work_package: str = ""


class Thresholds(Settings):
    """Thresholds of ratings and findings; see docs/configuration.md for their sources."""

    index_green: Share = Decimal("0.95")
    index_amber: Share = Decimal("0.90")
    two_sided: bool = True
    creep_amber: Share = Decimal("0.10")
    creep_red: Share = Decimal("0.20")
    eac_method: Literal["cpi", "budget", "cpi_spi"] = "cpi"
    burn_amber: Share = Decimal("1.10")
    burn_red: Share = Decimal("1.25")
    notice_days: tuple[Annotated[int, Field(ge=0)], ...] = (90, 60, 30, 7)
    sla_amber: Share = Decimal("0.95")
    sla_red: Share = Decimal("0.90")
    stale_after_h: Annotated[int, Field(gt=0)] = 36
    top_findings: Annotated[int, Field(ge=0, le=50)] = 5


class Reports(Settings):
    """Where reports are written, and under which address stakeholders reach that folder."""

    folder: Path = Path("reports")
    url: Annotated[str, Field(pattern=r"^https?://")] | None = None
    formats: tuple[Literal["html", "xlsx"], ...] = ("html", "xlsx")


class Safety(Settings):
    """Limits beyond which a person must confirm."""

    max_deleted_share: Annotated[Decimal, Field(gt=0, le=1)] = Decimal("0.20")
    max_writes: Annotated[int, Field(gt=0)] = 200
    sweep_every_h: Annotated[int, Field(ge=0)] = 24


class Monitoring(Settings):
    """Files that tell a dead cron from a healthy one."""

    status_file: Path = Path("itpm-status.json")
    metrics_file: Path | None = Path("itpm-metrics.prom")


class Job(Settings):
    """What `itpm-sync run` does, in order."""

    steps: Annotated[
        tuple[Literal["pull", "remap", "reconcile", "report", "publish"], ...], Field(min_length=1)
    ]
    connections: tuple[Name, ...] | None = None
    expect_every_h: Annotated[int, Field(gt=0)] = 24 * 7  # `status` warns if no run for longer


class Root(Settings):
    """The whole file, but for the connectors' own blocks."""

    version: Literal[1] = 1
    title: str = "IT project office"
    timezone: Zone = "UTC"
    currency: Currency | Literal[""] = ""
    store: Annotated[str, Field(min_length=1)] = "sqlite:///itpm.db"
    reports: Reports = Reports()
    connections: dict[Name, dict[str, Any]] = Field(min_length=1)
    projects: tuple[Project, ...] = ()
    discover_projects: tuple[Name, ...] = ()
    allocation: tuple[AllocationRule, ...] = ()
    thresholds: Thresholds = Thresholds()
    safety: Safety = Safety()
    monitoring: Monitoring = Monitoring()
    jobs: dict[Name, Annotated[Job, BeforeValidator(_steps)]] = Field(default_factory=dict)


class _ConnectionCore(Settings):
    """The keys of a connection that belong to the core."""

    connector: Name
    mapping: Path | None = None
    max_connections: Annotated[int, Field(ge=1, le=64)] = 8
    timeout_s: Annotated[float, Field(gt=0, le=600)] = 60.0
    attempts: Annotated[int, Field(ge=1, le=20)] = 5


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


# ---- text with positions ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Document:
    """A YAML file as plain data, with the place of every key and value."""

    path: Path
    data: Any
    marks: Mapping[Path_, tuple[int, int]]  # 1-based line and column

    def where(self, path: Path_) -> str:
        """`file:line:column` of a path, or of its nearest ancestor that stands in the file."""
        while path and path not in self.marks:
            path = path[:-1]
        line, column = self.marks.get(path, (1, 1))
        return f"{self.path}:{line}:{column}"

    def located(
        self, problems: typing.Iterable[Problem], prefix: Path_ = ()
    ) -> tuple[Problem, ...]:
        """The problems with their place, in the order of the file."""
        placed = [
            Problem((*prefix, *p.path), p.message, p.hint, self.where((*prefix, *p.path)))
            for p in problems
        ]
        return tuple(sorted(placed, key=lambda p: self._order(p.path)))

    def _order(self, path: Path_) -> tuple[int, int]:
        while path and path not in self.marks:
            path = path[:-1]
        return self.marks.get(path, (0, 0))


def read_yaml(path: Path) -> Document:
    """Parses a YAML file safely. Raises ConfigError: unreadable, not YAML, repeated keys."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        hint = "write one with `itpm-sync init`, or name it with --config FILE"
        raise ConfigError([Problem((), f"no such file: {path}", hint, str(path))]) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([Problem((), f"cannot be read: {error}", where=str(path))]) from None
    marks: dict[Path_, tuple[int, int]] = {}
    problems: list[Problem] = []
    loader = yaml.SafeLoader(text)
    try:
        node = loader.get_single_node()
        data = _Composer(loader, marks, problems).value(node, ()) if node is not None else None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)
        hint = "check indentation, quotes and colons here and on the line above"
        raise ConfigError([Problem((), f"not valid YAML: {error.problem}", hint, place)]) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ConfigError([Problem((), f"not valid YAML: {error}", where=str(path))]) from None
    finally:
        loader.dispose()
    document = Document(path, data, marks)
    if problems:
        raise ConfigError(document.located(problems))
    return document


class _Composer:
    """YAML nodes → plain data, noting each key's and value's place and each repeated key."""

    def __init__(
        self, loader: yaml.SafeLoader, marks: dict[Path_, tuple[int, int]], problems: list[Problem]
    ) -> None:
        self._loader, self._marks, self._problems = loader, marks, problems
        self._nodes = 0

    def value(self, node: yaml.Node, path: Path_) -> Any:
        self._nodes += 1
        if self._nodes > _MAX_NODES:
            raise ValueError(f"more than {_MAX_NODES} values (aliases that multiply?)")
        self._marks.setdefault(path, (node.start_mark.line + 1, node.start_mark.column + 1))
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(child, (*path, i)) for i, child in enumerate(node.value)]
        return self._loader.construct_object(node)

    def _mapping(self, node: yaml.MappingNode, path: Path_) -> dict[str, Any]:
        written = [key for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"]
        self._loader.flatten_mapping(node)
        result: dict[str, Any] = {}
        own: set[str] = set()
        for key_node, value_node in node.value:
            key = self._key(key_node)
            here = (*path, key)
            if key_node in written:
                if key in own:
                    self._problems.append(Problem(here, f"the key {key!r} stands twice"))
                own.add(key)
            self._marks[here] = (key_node.start_mark.line + 1, key_node.start_mark.column + 1)
            result[key] = self.value(value_node, here)
        return result

    @staticmethod
    def _key(node: yaml.Node) -> str:
        if not isinstance(node, yaml.ScalarNode):
            raise yaml.MarkedYAMLError(
                problem="a key must be plain text", problem_mark=node.start_mark
            )
        return str(node.value)  # the word as written: `on`, `no` and 1 stay what they look like


# ---- references ---------------------------------------------------------------------------------

_REFERENCE = re.compile(r"\$\{(?:(\w+):)?([^}]*)\}")


class _References:
    """Replaces `${env:…}`, `${file:…}` and `${cmd:…}` in every text of a document."""

    def __init__(self, base_dir: Path, environ: Mapping[str, str], *, resolve: bool) -> None:
        self._base_dir, self._environ, self._resolve = base_dir, environ, resolve
        self.secrets: set[str] = set()
        self.problems: list[Problem] = []
        self.used: set[Path_] = set()

    def replace(self, value: Any, path: Path_) -> Any:
        if isinstance(value, dict):
            return {k: self.replace(v, (*path, k)) for k, v in value.items()}
        if isinstance(value, list):
            return [self.replace(v, (*path, i)) for i, v in enumerate(value)]
        if not isinstance(value, str) or "${" not in value:
            return value
        self.used.add(path)
        return _REFERENCE.sub(lambda m: self._one(m, path), value)

    def _one(self, match: re.Match[str], path: Path_) -> str:
        source, name = match[1], match[2]
        readers = {"env": self._env, "file": self._file, "cmd": self._cmd}
        if source not in readers:
            hint = "use ${env:NAME}, ${file:PATH} or ${cmd:COMMAND}"
            self.problems.append(Problem(path, f"unknown reference {match[0]}", hint))
            return ""
        if not self._resolve and path[:1] == ("connections",):
            return "unresolved"
        try:
            return readers[source](name)
        except _Unresolved as error:
            self.problems.append(Problem(path, str(error), error.hint))
            return ""

    def _env(self, name: str) -> str:
        if name not in self._environ:
            near = suggestion(name, ()) or ""
            raise _Unresolved(
                f"the environment variable {name} is not set",
                near
                or "cron starts with an almost empty environment: set it in the crontab's "
                "environment file or use ${file:…}",
            )
        return self._environ[name]

    def _file(self, name: str) -> str:
        path = Path(name).expanduser()
        path = path if path.is_absolute() else self._base_dir / path
        try:
            text = path.read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "not text"
            raise _Unresolved(
                f"cannot read the secret file {path}: {reason}", "check its path and owner"
            ) from None
        self.secrets.add(text)
        return text

    def _cmd(self, command: str) -> str:
        try:
            done = subprocess.run(  # noqa: S603 — the administrator's own command, without a shell
                shlex.split(command), capture_output=True, text=True, check=False,
                timeout=_COMMAND_TIMEOUT_S, stdin=subprocess.DEVNULL, cwd=self._base_dir,
            )  # fmt: skip
        except (OSError, ValueError, subprocess.TimeoutExpired) as error:
            reason = getattr(error, "strerror", None) or type(error).__name__
            raise _Unresolved(
                f"the command of ${{cmd:…}} did not run: {reason}", "run it by hand"
            ) from None
        if done.returncode:
            raise _Unresolved(
                f"the command of ${{cmd:…}} ended with {done.returncode}", "run it by hand"
            )
        text = done.stdout.rstrip("\r\n")
        self.secrets.add(text)
        return text


class _Unresolved(Exception):
    def __init__(self, message: str, hint: str) -> None:
        self.hint = hint
        super().__init__(message)


# ---- loading ------------------------------------------------------------------------------------


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
    references = _References(
        path.parent, os.environ if environ is None else environ, resolve=secrets
    )
    data = references.replace(document.data, ())
    problems = list(references.problems)
    broken = {p.path for p in problems}
    root, found = _validated(Root, data)
    problems += [p for p in found if p.path not in broken]
    connections: dict[str, Connection] = {}
    plain: list[Problem] = []
    blocks = data.get("connections")
    for name, block in (blocks if isinstance(blocks, dict) else {}).items():
        connection, found = _connection(str(name), block)
        prefix: Path_ = ("connections", str(name))
        problems += [
            q
            for p in found
            if (q := Problem((*prefix, *p.path), p.message, p.hint)).path not in broken
        ]
        if connection is not None:
            connections[connection.name] = connection
            for at, secret in _secrets(connection.settings):
                references.secrets.add(secret)
                if (*prefix, *at) not in references.used and secret:
                    plain.append(
                        Problem(
                            (*prefix, *at),
                            "a secret stands in plain YAML",
                            "move it: ${env:…}, ${file:…} or ${cmd:…}",
                        )
                    )
    if root is not None:
        problems += _cross_check(root, connections, set(blocks or ()))
    if problems:
        raise ConfigError(document.located(problems))
    assert root is not None  # noqa: S101 — no root without a problem
    hidden = {*references.secrets, *_url_password(root.store)}
    return Config(
        path, root, connections, tuple(sorted(s for s in hidden if s)), document.located(plain)
    )


def _connection(name: str, block: Any) -> tuple[Connection | None, list[Problem]]:
    if not isinstance(block, dict):
        return None, [Problem((), "expected the settings of a connection", "at least `connector:`")]
    core_keys = set(_ConnectionCore.model_fields)
    core, problems = _validated(_ConnectionCore, {k: v for k, v in block.items() if k in core_keys})
    if core is None:
        return None, problems
    points = installed()
    if core.connector not in points:
        hint = suggestion(core.connector, points)
        return None, [
            Problem(("connector",), f"no connector {core.connector!r} is installed", hint)
        ]
    cls: type[Connector] = points[core.connector].load()
    settings, problems = _validated(
        cls.Settings, {k: v for k, v in block.items() if k not in core_keys}
    )
    if settings is None:
        return None, problems
    return (
        Connection(
            name, cls, settings, core.mapping, core.max_connections, core.timeout_s, core.attempts
        ),
        [],
    )


def _validated(model: type[M], data: Any) -> tuple[M | None, list[Problem]]:
    try:
        return model.model_validate(data), []
    except ValidationError as error:
        return None, [_problem(model, dict(e)) for e in error.errors(include_url=False)]


def _problem(model: type[BaseModel], error: dict[str, Any]) -> Problem:
    path: Path_ = tuple(error["loc"])
    kind, message = error["type"], str(error["msg"])
    if kind == "extra_forbidden":
        known = _known_keys(model, path[:-1])
        return Problem(path, f"unknown key {path[-1]!r}", suggestion(str(path[-1]), known))
    if kind == "missing":
        return Problem(path, f"the key {path[-1]!r} is missing")
    message = message.removeprefix("Value error, ").replace("Input should be", "expected")
    value = error.get("input")
    words = re.findall(r"'([^']*)'", str(error.get("ctx", {}).get("expected", "")))
    hint = suggestion(str(value), words) if words and isinstance(value, str) else ""
    hint = hint if hint.startswith("did you") else ""
    secret = isinstance(value, str) and _is_secret(model, path)
    shown = "" if isinstance(value, dict | list) or secret else f", found {value!r}"
    return Problem(path, f"{message}{shown}"[:300], hint)


def _known_keys(model: type[BaseModel], path: Path_) -> tuple[str, ...]:
    found = _annotation(model, path)
    return (
        tuple(found.model_fields)
        if isinstance(found, type) and issubclass(found, BaseModel)
        else ()
    )


def _is_secret(model: type[BaseModel], path: Path_) -> bool:
    return _annotation(model, path) is SecretStr


def _annotation(model: Any, path: Path_) -> Any:
    """The type that a settings model declares at a path; unions give their first model."""
    here = _unwrapped(model)
    for step in path:
        if isinstance(here, type) and issubclass(here, BaseModel):
            info = here.model_fields.get(str(step))
            here = _unwrapped(info.annotation) if info else None
        elif typing.get_origin(here) in (tuple, list) and isinstance(step, int):
            here = _unwrapped(typing.get_args(here)[0])
        elif typing.get_origin(here) is dict:
            here = _unwrapped(typing.get_args(here)[1])
        # else: a step that pydantic adds itself (the name of a union's member)
    return here


def _unwrapped(hint: Any) -> Any:
    while typing.get_origin(hint) is Annotated:
        hint = typing.get_args(hint)[0]
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        members = [_unwrapped(a) for a in typing.get_args(hint) if a is not type(None)]
        models = [m for m in members if isinstance(m, type) and issubclass(m, BaseModel)]
        return (models or members)[0]
    return hint


def _secrets(settings: BaseModel, at: Path_ = ()) -> Iterator[tuple[Path_, str]]:
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if isinstance(value, SecretStr):
            yield (*at, name), value.get_secret_value()
        elif isinstance(value, BaseModel):
            yield from _secrets(value, (*at, name))


def _url_password(url: str) -> tuple[str, ...]:
    match = re.match(r"[^:/]+://[^:/@]*:([^@]*)@", url)
    return (match[1],) if match else ()


def _cross_check(root: Root, built: Mapping[str, Connection], names: set[str]) -> Iterator[Problem]:
    codes = [p.code for p in root.projects]
    for i, project in enumerate(root.projects):
        if project.code in codes[:i]:
            yield Problem(("projects", i, "code"), f"the project {project.code!r} stands twice")
        for j, target in enumerate(project.publish):
            yield from _target(("projects", i, "publish", j), target, built, names)
    for i, name in enumerate(root.discover_projects):
        yield from _reference(("discover_projects", i), name, names)
    if not root.projects and not root.discover_projects:
        hint = "list them, or take them from a source with `discover_projects: [CONNECTION]`"
        yield Problem(("projects",), "no project is configured", hint)
    known_projects = () if root.discover_projects else codes
    for i, rule in enumerate(root.allocation):
        yield from _rule(("allocation", i), rule, known_projects, names)
    for job_name, job in root.jobs.items():
        for i, name in enumerate(job.connections or ()):
            yield from _reference(("jobs", job_name, "connections", i), name, names)


def _rule(
    path: Path_, rule: AllocationRule, codes: typing.Collection[str], names: set[str]
) -> Iterator[Problem]:
    if not rule.project and not rule.work_package:
        yield Problem(path, "the rule names neither `project` nor `work_package`")
    if codes and rule.project and "{" not in rule.project and rule.project not in codes:
        hint = suggestion(rule.project, codes)
        yield Problem((*path, "project"), f"no project {rule.project!r}", hint)
    for name in rule.when.get("connection", ()):
        if not set(name) & set("*?"):
            yield from _reference((*path, "when", "connection"), name, names)


def _reference(path: Path_, name: str, names: set[str]) -> Iterator[Problem]:
    if name not in names:
        yield Problem(path, f"no connection {name!r}", suggestion(name, names))


def _target(
    path: Path_, target: PublishTarget, built: Mapping[str, Connection], names: set[str]
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


def json_schema() -> dict[str, Any]:
    """JSON Schema of the configuration with every installed connector's block, for editors."""
    schema = Root.model_json_schema()
    blocks = []
    for name, point in installed().items():
        own = point.load().Settings.model_json_schema(ref_template=f"#/$defs/{name}.{{model}}")
        schema["$defs"].update({f"{name}.{k}": v for k, v in own.pop("$defs", {}).items()})
        core = _ConnectionCore.model_json_schema()["properties"]
        own["properties"] = {**own.get("properties", {}), **core, "connector": {"const": name}}
        own["required"] = ["connector", *own.get("required", [])]
        blocks.append(own)
    schema["properties"]["connections"]["additionalProperties"] = {"oneOf": blocks}
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    return schema
