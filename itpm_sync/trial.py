"""Trying it out: the starter configuration, a connector's sandbox, and the demo.

The demo seeds whatever sandboxes are installed with the invented programme, writes a configuration
that reaches them, looks back three weeks, and runs the weekly job three times: for the first time,
again with nothing changed, and after one ticket was changed.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

import orjson

from itpm_sync import app, demo, starter
from itpm_sync.connector import SANDBOX_GROUP, Faults, Sandbox, installed
from itpm_sync.errors import ConfigError, Problem, StoreError, suggestion
from itpm_sync.model import WorkItem
from itpm_sync.monitoring import replace_file
from itpm_sync.pull import PullResult

JOB = "weekly"
_LOOK_BACK = 3
_STATE = "sandboxes"


class Screen(Protocol):
    """Where the demo tells its story."""

    def line(self, text: str = "") -> None: ...

    def pull(self, result: PullResult) -> None: ...

    def job(self, result: app.JobResult) -> None: ...


def init(directory: Path, answers: Mapping[str, str]) -> tuple[str, ...]:
    """Writes the starter configuration. Raises ConfigError where one exists already."""
    refuse_existing(directory)
    path, office = directory / "itpm.yaml", directory / "office"
    given = {"timezone": _local_zone(), **_cleaned(answers)}
    today = datetime.now(ZoneInfo(given["timezone"])).date()
    try:
        replace_file(path, starter.configuration(given, today).encode())
        for name, text in starter.files(given, today).items():
            if not (office / name).exists():
                replace_file(office / name, text.encode())
    except OSError as error:
        raise StoreError(f"cannot write to {directory}: {error.strerror}") from None
    steps = [f"edit {path.name}, then: {program()} check", f"then: {program()} run {JOB}"]
    if given.get("url"):
        steps.insert(
            0, f"export {starter.TOKEN_VARIABLE}=…   (the token; it stays out of the file)"
        )
    else:
        steps = [f"{program()} run {JOB}   (reports on the example)", *steps[:1]]
    if directory.absolute() != Path.cwd():
        steps.insert(0, f"cd {directory}")
    return (
        f"wrote {path} and a small example in {office}",
        *(f"{'next:' if i == 0 else '':5} {step}" for i, step in enumerate(steps)),
    )


def program() -> str:
    """How to call this program from here: by its name, where the shell finds that."""
    called = Path(sys.argv[0])
    if shutil.which("itpm-sync") or called.name != "itpm-sync":
        return "itpm-sync"
    return str(called)


def refuse_existing(directory: Path) -> None:
    """Raises ConfigError where a configuration exists already."""
    path = directory / "itpm.yaml"
    if path.exists():
        hint = "edit it, or give another folder: itpm-sync init DIR"
        raise ConfigError([Problem((), "a configuration exists already", hint, str(path))])


def _cleaned(answers: Mapping[str, str]) -> dict[str, str]:
    clean, problems = {}, []
    for key, text in answers.items():
        try:
            clean[key] = starter.cleaned(key, text)
        except ValueError as error:
            problems.append(Problem((), str(error), where=f"--{key}"))
    if problems:
        raise ConfigError(problems)
    return clean


def _local_zone() -> str:
    """This machine's time zone where it says so, else UTC."""
    linked = str(Path("/etc/localtime").resolve()).partition("zoneinfo/")[2]
    known = available_timezones()
    return next((z for z in (os.environ.get("TZ", ""), linked) if z in known), "UTC")


# ---- one sandbox --------------------------------------------------------------------------------


def serve_sandbox(
    connector: str,
    *,
    flavour: str = "",
    load: Path | None = None,
    restore: Path | None = None,
    empty: bool = False,
    port: int = 0,
    latency_s: float = 0.0,
    say: Callable[[str], None],
) -> None:
    """Serves a sandbox until Ctrl-C; prints how to reach it. Without `load` or `restore` it holds
    the demo's programme, unless `empty`.
    """
    with (
        suppress(KeyboardInterrupt),
        _serving(connector, flavour, port, load=load, restore=restore) as (sandbox, url),
    ):
        if not (load or restore or empty):
            sandbox.seed(demo.programme(demo.local_today()).records)
        sandbox.set_faults(Faults(latency_s=latency_s))
        say(f"{sandbox.title} at {url} — Ctrl-C stops it")
        name = f"{connector}-main"
        say(f"# into itpm.yaml, under `connections:`, in place of {name} if it has one:")
        say(demo.yaml_block({name: dict(sandbox.configuration())}))
        say("# and in the shell that runs itpm-sync:")
        for name, value in sandbox.environment().items():
            say(f"export {name}={value}")
        threading.Event().wait()


@contextmanager
def _serving(
    name: str, flavour: str, port: int, *, load: Path | None = None, restore: Path | None = None
) -> Iterator[tuple[Sandbox, str]]:
    points = installed(SANDBOX_GROUP)
    if name not in points:
        hint = suggestion(name, points)
        raise ConfigError([Problem((), f"no sandbox for {name!r}", hint, "CONNECTOR")])
    kind = points[name].load()
    if flavour and flavour not in kind.flavours:
        hint = suggestion(flavour, kind.flavours)
        raise ConfigError([Problem((), f"no flavour {flavour!r}", hint, "--flavour")])
    sandbox: Sandbox = kind(flavour) if flavour else kind()
    try:
        if restore is not None:
            sandbox.restore(restore)
        if load is not None:
            sandbox.load(load)
        url = sandbox.start(port)
    except OSError as error:
        reason = f"{error.filename}: {error.strerror}" if error.filename else error.strerror
        raise StoreError(f"the sandbox cannot be served: {reason}") from None
    try:
        yield sandbox, url
    finally:
        sandbox.stop()


# ---- the demo -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Served:
    name: str
    sandbox: Sandbox
    port: int
    takes_work: bool  # work items: the statuses are published there


def run_demo(out: Path, screen: Screen) -> int:
    """The whole flow in an empty folder `out`; returns the exit code of the last run, 0 also where
    it only told of the quarantine that belongs to the programme.
    """
    config = out / "itpm.yaml"
    if config.exists():
        _clear(out)
    world = demo.programme(demo.local_today())
    try:
        demo.write_files(world.files_in(1), out / "office")
        demo.write_files(world.branches, out / "branches")
    except OSError as error:
        raise StoreError(f"cannot write to {out}: {error.strerror}") from None
    with _seeded(world) as served:
        _write_configuration(out, world, served)
        screen.line(f"An invented programme in its tenth week, in {out}/:")
        for one in served:
            screen.line(f"  {one.sandbox.title} on port {one.port}")
        screen.line(f"  spreadsheets in {out / 'office'}")
        screen.line(f"\n1. Everything read for the first time, and {_LOOK_BACK} weeks looked back.")
        screen.line("   A file of the branches is taken away, to show how that is told:")
        _look_back(config, world, screen)
        screen.line("\n2. The weekly job:")
        _run(config, screen)
        screen.line("\n3. The same job again:")
        _run(config, screen)
        changed = demo.changed_ticket(world)
        screen.line(f"\n4. After {changed.key} “{changed.title}” was finished in the work system:")
        for one in served:
            one.sandbox.seed([changed])
        code = _run(config, screen)
        for one in served:
            one.sandbox.save(out / _STATE / f"{one.name}.json")
    screen.line(f"\nLook at      {out / 'reports' / 'latest' / 'index.html'}")
    call = program()
    screen.line(f"Findings     {call} -c {config} findings")
    screen.line(f"A figure     {call} -c {config} explain NET eac")
    screen.line(f"Play on      {call} demo {out} --serve   (keeps the sandboxes running)")
    return code


def serve_demo(out: Path, screen: Screen) -> int:
    """Serves the sandboxes of an earlier demo on their ports, until Ctrl-C."""
    listing = out / _STATE / "ports.json"
    if not listing.is_file():
        raise ConfigError([Problem((), "no demo here", f"first: itpm-sync demo {out}", str(out))])
    ports: dict[str, int] = orjson.loads(listing.read_bytes())
    states = out / _STATE
    wanted: list[tuple[str, int, Path | None]] = [
        (n, p, states / f"{n}.json") for n, p in sorted(ports.items())
    ]
    with suppress(KeyboardInterrupt), _all(wanted) as served:
        for one in served:
            screen.line(f"{one.sandbox.title} at http://127.0.0.1:{one.port}")
        screen.line(f"run: {program()} -c {out / 'itpm.yaml'} run {JOB}    — Ctrl-C stops")
        threading.Event().wait()
    return 0


@contextmanager
def _all(wanted: list[tuple[str, int, Path | None]]) -> Iterator[list[_Served]]:
    with ExitStack() as stack:
        served = []
        for name, port, state in wanted:
            sandbox, url = stack.enter_context(_serving(name, "", port, restore=state))
            served.append(_Served(name, sandbox, urlsplit(url).port or 0, takes_work=False))
        yield served


@contextmanager
def _seeded(world: demo.Programme) -> Iterator[list[_Served]]:
    """Every installed sandbox that takes some of the programme, seeded with it."""
    with _all([(name, 0, None) for name in installed(SANDBOX_GROUP)]) as served:
        status_ticket = next(r for r in world.records if isinstance(r, WorkItem))
        taken = []
        for one in served:
            one.sandbox.seed(world.records)
            takes_work = one.sandbox.seed([status_ticket]) > 0
            taken.append(replace(one, takes_work=takes_work))
        yield taken


def _write_configuration(out: Path, world: demo.Programme, served: list[_Served]) -> None:
    blocks = {one.name: _with_secret_files(one.sandbox.configuration()) for one in served}
    publish_to = [one.name for one in served if one.takes_work]
    secrets = {k: v for one in served for k, v in one.sandbox.environment().items()}
    for name, value in secrets.items():
        path = out / "secrets" / name
        replace_file(path, value.encode())
        path.chmod(0o600)
    ports = {one.name: one.port for one in served}
    replace_file(out / _STATE / "ports.json", orjson.dumps(ports))
    replace_file(out / "itpm.yaml", demo.configuration(world, blocks, publish_to).encode())


def _with_secret_files(value: Any) -> Any:
    """`${env:NAME}` → `${file:secrets/NAME}`, so that the demo's job needs no environment."""
    if isinstance(value, Mapping):
        return {k: _with_secret_files(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_with_secret_files(v) for v in value]
    if isinstance(value, str):
        return re.sub(r"\$\{env:(\w+)\}", r"${file:secrets/\1}", value)
    return value


def _look_back(config: Path, world: demo.Programme, screen: Screen) -> None:
    """What went before: files of the branches that came once, a plan that was made and replaced,
    and the statuses of the weeks before, from the sources' own dates: trends need a past.
    """
    office, branches = config.parent / "office", config.parent / "branches"
    with _on(config, world.today - timedelta(weeks=4)) as session:
        app.pull(session, ["branches"])
    (branches / "leases.csv").unlink()
    with _on(config, world.today - timedelta(days=10)) as session:
        screen.pull(app.pull(session, ["branches"]))
    with _on(config, world.today) as session:
        files = {"branches", "office"}
        screen.pull(app.pull(session, [n for n in session.config.connections if n not in files]))
    with _on(config, world.start) as session:
        screen.pull(app.pull(session, ["office"]))
        _record(session, screen, approval="Chief Information Officer")
    demo.write_files(world.files_in(demo.RE_PLANNED), office)
    with _on(config, world.re_planned) as session:
        app.pull(session, ["office"])
        _record(session, screen, change_request="CR-3")
        _approve(session, screen)
    with _on(config, world.today) as session:
        for weeks in range(_LOOK_BACK, 0, -1):
            app.reconcile(session, as_of=world.today - timedelta(weeks=weeks))
    demo.write_files(world.files, office)


@contextmanager
def _on(config: Path, day: date) -> Iterator[app.Session]:
    """A session on an earlier day, or now."""
    with app.open_session(config) as session, app.locked(session):
        if day < session.today():
            session.clock = lambda: datetime.combine(day, time(12), UTC)
        yield session


def _record(
    session: app.Session, screen: Screen, *, approval: str = "", change_request: str = ""
) -> None:
    for line in app.baseline_record(
        session, "NET", author="Ana Ruiz", approval=approval, change_request=change_request
    ):
        screen.line(line)


def _approve(session: app.Session, screen: Screen) -> None:
    told = app.gate_approve(
        session, "NET", "planning", by="Chief Information Officer",
        despite="the switches have to be ordered before the concept is signed off",
    )  # fmt: skip
    screen.line(f"{told[0]}, despite {len(told) - 1} criteria")


def _run(config: Path, screen: Screen) -> int:
    with app.open_session(config) as session, app.locked(session):
        result = app.run_job(session, JOB)
    screen.job(result)
    if result.health.state == "quarantine":
        screen.line("   (exit code 3: what stands in quarantine, put there on purpose, is told")
        screen.line("   with every run until it is mended at its source)")
        return 0
    return result.exit_code


def _clear(out: Path) -> None:
    """Removes an earlier demo; refuses a folder that holds somebody's own configuration."""
    if not (out / _STATE / "ports.json").is_file():
        hint = "give another folder: itpm-sync demo DIR"
        raise ConfigError([Problem((), "holds a configuration that is no demo's", hint, str(out))])
    for name in ("office", "branches", "reports", "secrets", _STATE):
        shutil.rmtree(out / name, ignore_errors=True)
    for path in (*out.glob("itpm.db*"), *out.glob("itpm*.json"), *out.glob("itpm*.prom")):
        path.unlink()
    (out / "itpm.yaml").unlink()
