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
from urllib.parse import unquote
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
    model_validator,
)

from itpm_sync.connector import Connector, ConnectorSettings, installed
from itpm_sync.errors import ConfigError, Problem, suggestion
from itpm_sync.model import Stage

M = typing.TypeVar("M", bound=BaseModel)
Path_ = tuple[str | int, ...]
STEPS = ("pull", "remap", "reconcile", "report", "publish")
_NAME = r"^[A-Za-z][A-Za-z0-9_-]{0,62}$"
_CURRENCY = r"^([A-Z]{3})?$"
_URL = r"^https?://"
_MAX_NODES = 200_000
_MAX_DEPTH = 40
_COMMAND_TIMEOUT_S = 30
_UNRESOLVED = "https://unresolved.invalid"  # good as a word, as a secret and as an address


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


Currency = Annotated[str, Field(pattern=_CURRENCY)]
Name = Annotated[str, Field(pattern=_NAME)]
Code = Annotated[str, Field(min_length=1, max_length=200)]
Zone = Annotated[str, AfterValidator(_zone)]
Words = Annotated[
    tuple[str, ...],
    BeforeValidator(_listed, json_schema_input_type=str | float | tuple[str | float, ...]),
    Field(min_length=1),
]
Share = Annotated[Decimal, Field(ge=0, le=10)]
Steps = Annotated[
    tuple[Literal["pull", "remap", "reconcile", "report", "publish"], ...], Field(min_length=1)
]


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
    currency: Currency = ""
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

    @model_validator(mode="after")
    def _in_order(self) -> Thresholds:
        for better, worse in (
            ("index_green", "index_amber"), ("creep_red", "creep_amber"),
            ("burn_red", "burn_amber"), ("sla_amber", "sla_red"),
        ):  # fmt: skip
            high, low = getattr(self, better), getattr(self, worse)
            if high < low:
                raise ValueError(f"`{better}` ({high}) is below `{worse}` ({low})")
        return self


class Reports(Settings):
    """Where reports are written, and under which address stakeholders reach that folder."""

    folder: Path = Path("reports")
    url: Annotated[str, Field(pattern=_URL)] | None = None
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
    """What `itpm-sync run` does, in order; the list of steps alone will do."""

    steps: Steps
    connections: tuple[Name, ...] | None = None
    expect_every_h: Annotated[int, Field(gt=0)] = 24 * 7  # `status` warns if no run for longer


class Root(Settings):
    """The whole file, but for the connectors' own blocks."""

    version: Literal[1] = 1
    title: str = "IT project office"
    timezone: Zone = "UTC"
    currency: Currency = ""
    store: Annotated[str, Field(min_length=1, repr=False)] = "sqlite:///itpm.db"
    reports: Reports = Reports()
    connections: dict[Name, dict[str, Any]] = Field(min_length=1, repr=False)
    projects: tuple[Project, ...] = ()
    discover_projects: tuple[Name, ...] = ()
    plan_from: tuple[Name, ...] = ()  # whose work packages are the plan; empty: all
    allocation: tuple[AllocationRule, ...] = ()
    thresholds: Thresholds = Thresholds()
    safety: Safety = Safety()
    monitoring: Monitoring = Monitoring()
    jobs: dict[
        Name, Annotated[Job, BeforeValidator(_steps, json_schema_input_type=Job | Steps)]
    ] = Field(default_factory=dict)


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
        line, column = self._mark(path)
        return f"{self.path}:{line}:{column}"

    def located(
        self, problems: typing.Iterable[Problem], prefix: Path_ = ()
    ) -> tuple[Problem, ...]:
        """The problems with their place, in the order of the file."""
        placed = [
            Problem((*prefix, *p.path), p.message, p.hint, self.where((*prefix, *p.path)))
            for p in problems
        ]
        return tuple(sorted(placed, key=lambda p: self._mark(p.path)))

    def _mark(self, path: Path_) -> tuple[int, int]:
        """Leaves out steps that are not in the file: pydantic's own, and those of shorthands."""
        here: Path_ = ()
        for step in path:
            if (*here, step) in self.marks:
                here = (*here, step)
        return self.marks.get(here, (1, 1))


def read_yaml(path: Path) -> Document:
    """Parses a YAML file safely. Raises ConfigError: unreadable, not YAML, repeated keys.

    Numbers that writing them again would change (`007`, `1.10`, `12:30`) and dates stay the text
    that they are in the file: as codes and versions they mean just that, and settings that want a
    number or a date read it from the text.
    """
    text = _text_of(path)
    marks: dict[Path_, tuple[int, int]] = {}
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        problems = () if node is None else tuple(_repeated_keys(node, path))
        data = _Composer(loader, marks).value(node, ()) if node is not None else None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)
        hint = "check indentation, quotes and colons here and on the line above"
        if "\\t" in str(error.problem):
            hint = "indent with spaces, not with tabs"
        raise ConfigError([Problem((), f"not valid YAML: {error.problem}", hint, place)]) from None
    except yaml.reader.ReaderError as error:
        message = f"not valid YAML: the character U+{ord(text[error.position]):04X}"
        hint = "remove it, or write it as an escape within double quotes"
        place = _placed(path, text[: error.position])
        raise ConfigError([Problem((), message, hint, place)]) from None
    except RecursionError:
        message = "not valid YAML: nested too deeply, or an alias that contains itself"
        raise ConfigError([Problem((), message, where=f"{path}:1:1")]) from None
    if problems:
        raise ConfigError(problems)
    return Document(path, data, marks)


def _text_of(path: Path) -> str:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        hint = "write one with `itpm-sync init`, or name it with --config FILE"
        raise ConfigError([Problem((), f"no such file: {path}", hint, str(path))]) from None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ConfigError([Problem((), f"cannot be read: {reason}", where=str(path))]) from None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        message = f"not UTF-8 text: the byte 0x{error.object[error.start]:02X}"
        place = _placed(path, error.object[: error.start].decode("utf-8"))
        raise ConfigError([Problem((), message, "save the file as UTF-8", place)]) from None


def _placed(path: Path, before: str) -> str:
    """`file:line:column` of what follows the text `before`."""
    lines = before.split("\n")
    return f"{path}:{len(lines)}:{len(lines[-1]) + 1}"


def _repeated_keys(root: yaml.Node, path: Path) -> Iterator[Problem]:
    """Keys that stand twice in one mapping, where YAML would silently take the last.

    Before merge keys (`<<`) are resolved: what a mapping writes itself may override them.
    """
    waiting, seen = [root], set[int]()
    found: list[yaml.ScalarNode] = []
    while waiting:
        node = waiting.pop()
        if id(node) in seen or isinstance(node, yaml.ScalarNode):
            continue
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            keys = [k for k, _ in node.value if isinstance(k, yaml.ScalarNode)]
            first = {k.value: k for k in reversed(keys)}
            found += [k for k in keys if first[k.value] is not k]
        waiting += [v for _, v in node.value] if isinstance(node, yaml.MappingNode) else node.value
    for key in sorted(found, key=lambda k: k.start_mark.index):
        place = f"{path}:{key.start_mark.line + 1}:{key.start_mark.column + 1}"
        yield Problem((key.value,), f"the key {key.value!r} stands twice", "remove one", place)


class _Composer:
    """YAML nodes → plain data, noting each key's and value's place."""

    def __init__(self, loader: yaml.SafeLoader, marks: dict[Path_, tuple[int, int]]) -> None:
        self._loader, self._marks = loader, marks
        self._nodes = 0

    def value(self, node: yaml.Node, path: Path_) -> Any:
        self._nodes += 1
        if self._nodes > _MAX_NODES:
            raise _malformed(node, f"more than {_MAX_NODES} values (aliases that multiply?)")
        if len(path) > _MAX_DEPTH:
            raise _malformed(node, f"nested more than {_MAX_DEPTH} deep")
        self._marks.setdefault(path, (node.start_mark.line + 1, node.start_mark.column + 1))
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(child, (*path, i)) for i, child in enumerate(node.value)]
        return self._scalar(node)

    def _mapping(self, node: yaml.MappingNode, path: Path_) -> dict[str, Any]:
        self._loader.flatten_mapping(node)
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise _malformed(key_node, "a key must be plain text")
            key = str(key_node.value)  # as written: `on`, `no` and 1 stay what they look like
            here = (*path, key)
            self._marks[here] = (key_node.start_mark.line + 1, key_node.start_mark.column + 1)
            result[key] = self.value(value_node, here)
        return result

    def _scalar(self, node: yaml.Node) -> Any:
        if node.tag == "tag:yaml.org,2002:timestamp":
            return node.value
        try:
            value = self._loader.construct_object(node)
        except (ValueError, LookupError):
            raise _malformed(node, f"{node.value!r} does not fit its tag {node.tag}") from None
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return node.value if number and str(value) != node.value else value


def _malformed(node: yaml.Node, problem: str) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark)


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
        if "${" in _REFERENCE.sub("", value):
            self.problems.append(Problem(path, "a reference that does not end", "add the `}`"))
        return _REFERENCE.sub(lambda m: self._one(m, path), value)

    def _one(self, match: re.Match[str], path: Path_) -> str:
        source, name = match[1], match[2]
        readers = {"env": self._env, "file": self._file, "cmd": self._cmd}
        if source not in readers:
            hint = "use ${env:NAME}, ${file:PATH} or ${cmd:COMMAND}"
            self.problems.append(Problem(path, f"unknown reference {match[0]}", hint))
            return ""
        if not self._resolve and path[:1] == ("connections",):
            return _UNRESOLVED
        try:
            return readers[source](name)
        except _Unresolved as error:
            self.problems.append(Problem(path, str(error), error.hint))
            return ""

    def _env(self, name: str) -> str:
        if name not in self._environ:
            raise _Unresolved(
                f"the environment variable {name} is not set",
                "cron starts with an almost empty environment: set it in the crontab's "
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
    root, problems = _validated(Root, data, references.used)
    connections: dict[str, Connection] = {}
    blocks = data.get("connections")
    for name, block in (blocks if isinstance(blocks, dict) else {}).items():
        connection, found = _connection(name, block, references, lenient=not secrets)
        problems += [Problem(("connections", name, *p.path), p.message, p.hint) for p in found]
        if connection is not None:
            connections[name] = connection
    problems += _cross_check(data, connections)
    broken = {p.path for p in references.problems}
    problems = [*references.problems, *(p for p in problems if p.path not in broken)]
    if problems or root is None:
        raise ConfigError(document.located(dict.fromkeys(problems)))
    plain = _plain_secrets(connections, references)
    hidden = {*references.secrets, *_url_password(root.store)} - {_UNRESOLVED}
    return Config(
        path, root, connections, tuple(sorted(s for s in hidden if s)), document.located(plain)
    )


def _plain_secrets(
    connections: Mapping[str, Connection], references: _References
) -> tuple[Problem, ...]:
    """Collects every secret for redaction; returns a warning for each that stands in the YAML."""
    warnings = []
    for name, connection in connections.items():
        for at, secret in _secrets(connection.settings):
            path = ("connections", name, *at)
            references.secrets.add(secret)
            if secret and path not in references.used:
                hint = "move it: ${env:…}, ${file:…} or ${cmd:…}"
                warnings.append(Problem(path, "a secret stands in plain YAML", hint))
    return tuple(warnings)


def _connection(
    name: str, block: Any, references: _References, *, lenient: bool
) -> tuple[Connection | None, list[Problem]]:
    """One connection. `lenient`: unresolved references are no problem, settings stay unchecked."""
    if not isinstance(block, dict):
        return None, [Problem((), "expected the settings of a connection", "at least `connector:`")]
    used = {p[2:] for p in references.used if p[:2] == ("connections", name)}
    core_keys = set(_ConnectionCore.model_fields)
    core, problems = _validated(
        _ConnectionCore, {k: v for k, v in block.items() if k in core_keys}, used
    )
    cls, found = _connector(block.get("connector"))
    problems += found
    if cls is None:
        return None, problems
    own = {k: v for k, v in block.items() if k not in core_keys}
    settings, found = _validated(cls.Settings, own, used)
    if lenient and settings is None and all(p.path in used for p in found):
        settings, found = cls.Settings.model_construct(), []
    if core is None or settings is None:
        return None, problems + found
    limits = (core.max_connections, core.timeout_s, core.attempts)
    return Connection(name, cls, settings, core.mapping, *limits), problems + found


def _connector(name: Any) -> tuple[type[Connector] | None, list[Problem]]:
    points = installed()
    if not isinstance(name, str) or not re.match(_NAME, name):
        return None, []  # the core's own check has said so
    if name not in points:
        message = f"no connector {name!r} is installed"
        return None, [Problem(("connector",), message, suggestion(name, points))]
    try:
        return points[name].load(), []
    except (ImportError, AttributeError) as error:
        message = f"the connector {name!r} cannot be loaded: {error}"
        return None, [Problem(("connector",), message, "reinstall the package that brings it")]


def _validated(
    model: type[M], data: Any, hidden: typing.Collection[Path_] = ()
) -> tuple[M | None, list[Problem]]:
    """The validated block and its problems; values at `hidden` paths are never shown."""
    try:
        return model.model_validate(data), []
    except ValidationError as error:
        return None, [_problem(model, dict(e), hidden) for e in error.errors(include_url=False)]


_EXPECTED = {
    _NAME: "expected a name of letters, digits, - and _ that begins with a letter",
    _CURRENCY: "expected a currency code such as EUR",
    _URL: "expected an address that begins with http:// or https://",
    "model_type": "expected a mapping of keys",
    "dict_type": "expected a mapping of keys",
    "mapping_type": "expected a mapping of keys",
    "tuple_type": "expected a list",
    "list_type": "expected a list",
    "string_type": "expected a text",
}


def _problem(
    model: type[BaseModel], error: dict[str, Any], hidden: typing.Collection[Path_]
) -> Problem:
    path: Path_ = tuple(error["loc"])
    kind, value = error["type"], error.get("input")
    if kind == "extra_forbidden":
        known = _known_keys(model, path[:-1])
        return Problem(path, f"unknown key {path[-1]!r}", suggestion(str(path[-1]), known))
    if kind == "missing":
        return Problem(path, f"the key {path[-1]!r} is missing")
    context = error.get("ctx", {})
    message = _EXPECTED.get(context.get("pattern", kind)) or str(error["msg"])
    message = message.removeprefix("Value error, ").replace("Input should be", "expected")
    secret = path in hidden or _is_secret(model, path)
    if not secret and not isinstance(value, dict | list):
        message += f", found {value!r}"
    return Problem(path, message[:300], "" if secret else _hint(kind, value, context))


def _hint(kind: str, value: Any, context: Mapping[str, Any]) -> str:
    if kind == "string_type" and isinstance(value, bool):
        return "YAML reads this word as true or false: put it in quotes"
    words = re.findall(r"'([^']*)'", str(context.get("expected", "")))
    hint = suggestion(value, words) if words and isinstance(value, str) else ""
    return hint if hint.startswith("did you") else ""


def _known_keys(model: type[BaseModel], path: Path_) -> tuple[str, ...]:
    found = _annotation(model, path)
    if not (isinstance(found, type) and issubclass(found, BaseModel)):
        return ()
    return tuple(info.alias or name for name, info in found.model_fields.items())


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
        elif typing.get_origin(here) in (dict, Mapping):
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


def _secrets(value: Any, at: Path_ = ()) -> Iterator[tuple[Path_, str]]:
    """Every secret within a value and the path at which it stands in the file."""
    if isinstance(value, SecretStr):
        yield at, value.get_secret_value()
    elif isinstance(value, BaseModel):
        for name, info in type(value).model_fields.items():
            yield from _secrets(getattr(value, name, None), (*at, info.alias or name))
    elif isinstance(value, Mapping):
        for key, part in value.items():
            yield from _secrets(part, (*at, key))
    elif isinstance(value, list | tuple):
        for index, part in enumerate(value):
            yield from _secrets(part, (*at, index))


def _url_password(url: str) -> tuple[str, ...]:
    match = re.match(r"[^:/]+://[^:/@]*:([^@]*)@", url)
    return (match[1], unquote(match[1])) if match else ()


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
    if not listed and not discovered:
        hint = "list them, or take them from a source with `discover_projects: [CONNECTION]`"
        yield Problem(("projects",), "no project is configured", hint)
    certain = not discovered and isinstance(listed, list) and len(projects) == len(listed)
    for i, rule in _valid(AllocationRule, data.get("allocation")):
        yield from _rule(("allocation", i), rule, codes if certain else (), names)
    for job_name in _keys(data.get("jobs")):
        for _, job in _valid(Job, [data["jobs"][job_name]]):
            for i, name in enumerate(job.connections or ()):
                yield from _reference(("jobs", job_name, "connections", i), name, names)


def _valid(model: type[M], items: Any) -> Iterator[tuple[int, M]]:
    """The items of a list that are valid by themselves, with their index."""
    for i, item in enumerate(items if isinstance(items, list) else ()):
        found, _ = _validated(model, item)
        if found is not None:
            yield i, found


def _keys(block: Any) -> set[str]:
    return set(block) if isinstance(block, dict) else set()


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


def _reference(path: Path_, name: Any, names: set[str]) -> Iterator[Problem]:
    if isinstance(name, str) and name not in names:
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
    core = _ConnectionCore.model_json_schema()["properties"]
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
    connections.update(patternProperties={_NAME: block}, additionalProperties=False)
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    return schema
