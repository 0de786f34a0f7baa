"""The composition root: one function a job. Only here meet configuration, store and connectors.

Only here, too, is it known what time it is: everything below takes the moment as an argument.
"""

from __future__ import annotations

import contextlib
import logging
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, date, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter

from itpm_sync import logs
from itpm_sync import publish as publishing
from itpm_sync import pull as pulling
from itpm_sync.config import Config, Connection, load, read_yaml
from itpm_sync.connector import CheckItem, Connector, ConnectorInfo, Context, Target, installed
from itpm_sync.errors import (
    ConfigError,
    ItpmError,
    Problem,
    ReconcileError,
    StoreError,
    suggestion,
)
from itpm_sync.http import Redactor
from itpm_sync.mapping import Mapper, compile_mapping
from itpm_sync.model import KINDS, Money, Project, Record
from itpm_sync.monitoring import ConnectionHealth, Health, metrics_text, replace_file, status_json
from itpm_sync.reconcile.explanation import Explanation, Part
from itpm_sync.reconcile.status import (
    BaselineItem,
    BaselinePackage,
    Coverage,
    Finding,
    Inputs,
    Policy,
    ProjectSetup,
    ProjectStatus,
    RecordedBaseline,
    Rejected,
    Rule,
    Severity,
    Snapshot,
    from_json,
    to_json,
)
from itpm_sync.store import BaselineLine, OutboxRow, Run, RunLock, Store, StoredBaseline

log = logging.getLogger(__name__)

_PACKAGES: TypeAdapter[list[BaselinePackage]] = TypeAdapter(list[BaselinePackage])
_ITEMS: TypeAdapter[list[BaselineItem]] = TypeAdapter(list[BaselineItem])
LAST_WEEK = timedelta(days=5)  # a weekly run may come up to two days early
RUNS_REMEMBERED = 1000  # in which the last success of a job is looked for
HISTORY = 26  # earlier snapshots that a report may draw on


@dataclass
class Session:
    """A configuration with its open store, for one command."""

    config: Config
    store: Store
    redactor: Redactor
    _built: dict[str, Connector] = field(default_factory=dict)

    def now(self) -> datetime:
        """This moment, aware UTC."""
        return datetime.now(UTC)

    def today(self) -> date:
        """Today's date in the zone of the configuration."""
        return self.now().astimezone(ZoneInfo(self.config.root.timezone)).date()

    def connector(self, name: str) -> Connector:
        """The connector of a connection, built once."""
        if name not in self._built:
            configured = self.config.connections[name]
            context = Context(
                base_dir=self.config.base_dir,
                connections=configured.max_connections,
                timeout_s=configured.timeout_s,
                attempts=configured.attempts,
                user_agent=f"itpm-sync/{version('itpm-sync')}",
            )
            self._built[name] = configured.connector(name, configured.settings, context)
        return self._built[name]

    def select(self, names: Collection[str]) -> tuple[Connection, ...]:
        """The named connections, or all. Raises ConfigError for a name that is not configured."""
        known = self.config.connections
        wrong = [n for n in names if n not in known]
        if wrong:
            raise ConfigError(
                Problem((), f"no connection {n!r}", suggestion(n, known), str(self.config.path))
                for n in wrong
            )
        return tuple(known[n] for n in (names or known))

    def close(self) -> None:
        """Closes connectors and store."""
        for connector in self._built.values():
            connector.close()
        self.store.close()


@contextlib.contextmanager
def open_session(
    path: Path, *, secrets: bool = True, verbosity: int = 0, log_format: str = "text"
) -> Iterator[Session]:
    """Loads the configuration, validates every mapping, opens the store. Exit 2 material raises
    ConfigError before anything runs.
    """
    redactor = Redactor()
    logs.configure(verbosity, log_format, redactor)
    config = load(path, secrets=secrets)
    for secret in config.secrets:
        redactor.add(secret)
    for warning in config.warnings:
        log.warning("%s", warning)
    for connection in config.connections.values():
        if connection.mapping is not None:
            _compiled(config, connection, {})
    session = Session(config, Store.open(config.store_url), redactor)
    try:
        yield session
    except ConfigError as error:
        cleaned = [replace(p, message=redactor.clean(p.message)) for p in error.problems]
        raise ConfigError(cleaned) from None
    except Exception as error:
        error.args = tuple(redactor.clean(a) if isinstance(a, str) else a for a in error.args)
        raise
    finally:
        session.close()


@contextlib.contextmanager
def locked(session: Session) -> Iterator[None]:
    """Holds the lock of this configuration. Raises RunLocked if another run is at work."""
    path = session.config.path
    with RunLock(path.with_name(f".{path.name}.lock")):
        yield


# ---- checking -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ConnectionCheck:
    """What `check` found about a connection."""

    name: str
    connector: str
    items: tuple[CheckItem, ...]

    @property
    def ok(self) -> bool:
        """True if every item holds."""
        return all(i.ok for i in self.items)


def check(session: Session, names: Collection[str] = ()) -> tuple[ConnectionCheck, ...]:
    """Checks each connection; the configuration and its mappings are valid already."""
    chosen = session.select(names)
    with ThreadPoolExecutor(max_workers=min(8, len(chosen))) as pool:
        return tuple(pool.map(lambda c: _check_one(session, c), chosen))


def _check_one(session: Session, connection: Connection) -> ConnectionCheck:
    clean = session.redactor.clean
    try:
        connector = session.connector(connection.name)
        items = [
            CheckItem(i.name, i.ok, clean(i.detail), clean(i.advice)) for i in connector.check()
        ]
        if all(i.ok for i in items):
            items.append(_check_mapping(session, connection, connector))
        items += _check_addresses(session, connection.name, connector)
    except ItpmError as error:
        items = [CheckItem("connection", ok=False, detail=clean(str(error)))]
    return ConnectionCheck(connection.name, connection.connector.info.name, tuple(items))


def _check_mapping(session: Session, connection: Connection, connector: Connector) -> CheckItem:
    mapper = _mapper(session, connection, connector)
    unmapped = [s.name for s in connector.streams() if not mapper.kinds(s.name)]
    if unmapped:
        advice = "add a rule for each under `streams:` of the mapping"
        detail = f"no rule for {', '.join(unmapped)}"
        return CheckItem("mapping", ok=False, detail=detail, advice=advice)
    return CheckItem("mapping", ok=True, detail=f"{len(mapper.streams)} streams")


def _check_addresses(session: Session, name: str, connector: Connector) -> Iterator[CheckItem]:
    publisher = connector.publisher()
    for project in session.config.root.projects:
        for target in project.publish:
            if target.connection == name and publisher is not None:
                wrong = publisher.validate_address(target.address)
                what = f"publish {project.code} → {target.address}"
                yield CheckItem(what, ok=wrong is None, detail=wrong or "")


def connectors() -> tuple[ConnectorInfo, ...]:
    """Every installed connector."""
    return tuple(point.load().info for point in installed().values())


# ---- mapping ------------------------------------------------------------------------------------


def _mapper(session: Session, connection: Connection, connector: Connector) -> Mapper:
    """The mapping with the variables that the source resolves."""
    return _compiled(session.config, connection, dict(connector.variables()), connector)


def _compiled(
    config: Config,
    connection: Connection,
    variables: Mapping[str, str],
    connector: Connector | None = None,
) -> Mapper:
    """A file named in the configuration, else the connector's own data, else its shipped file."""
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


# ---- pulling ------------------------------------------------------------------------------------


def pull(
    session: Session,
    names: Collection[str] = (),
    *,
    full: bool = False,
    sweep: bool = False,
    confirm: bool = False,
    progress: pulling.Progress | None = None,
    job: str = "pull",
) -> pulling.PullResult:
    """Sources → store. One failing connection never stops the others."""
    session.select(names)  # a wrong name is no run
    run = session.store.begin_run(job, session.now())
    result = _pull(session, run, names, full=full, sweep=sweep, confirm=confirm, progress=progress)
    session.store.finish_run(
        run, state=result.state, now=session.now(), counts=result.counts, message=result.message
    )
    return result


def _pull(
    session: Session,
    run: str,
    names: Collection[str],
    *,
    full: bool = False,
    sweep: bool = False,
    confirm: bool = False,
    progress: pulling.Progress | None = None,
) -> pulling.PullResult:
    safety = session.config.root.safety
    sources = [
        pulling.PullSource(c.name, lambda c=c: _source(session, c), c.max_connections)  # type: ignore[misc]
        for c in session.select(names)
    ]
    return pulling.pull(
        session.store,
        sources,
        run=run,
        now=session.now(),
        full=full,
        sweep=sweep,
        sweep_every=timedelta(hours=safety.sweep_every_h),
        max_deleted_share=float(safety.max_deleted_share),
        confirm=confirm,
        progress=progress,
    )


def _source(session: Session, connection: Connection) -> tuple[Connector, Mapper]:
    connector = session.connector(connection.name)
    return connector, _mapper(session, connection, connector)


@dataclass(frozen=True, slots=True)
class Remapped:
    """What re-mapping a connection from its raw records changed."""

    connection: str
    records: int
    changed: int
    rejected: int


def remap(session: Session, *, dry_run: bool = False) -> tuple[Remapped, ...]:
    """Maps the stored raw records anew, without the network."""
    run = None if dry_run else session.store.begin_run("remap", session.now())
    done = []
    for connection in session.config.connections.values():
        variables, fingerprint = session.store.connection_state(connection.name)
        if not fingerprint:
            continue  # never pulled: nothing to re-map
        mapper = _compiled(
            session.config, connection, variables, session.connector(connection.name)
        )
        outcome = pulling.remap(
            session.store, connection.name, mapper, run=run, now=session.now(), dry_run=dry_run
        )
        done.append(Remapped(connection.name, outcome.records, outcome.changed, outcome.rejected))
    if run is not None:
        changed = sum(r.changed for r in done)
        message = f"{changed} records changed"
        now = session.now()
        session.store.finish_run(run, state="ok", now=now, counts={}, message=message)
    return tuple(done)


# ---- reconciling --------------------------------------------------------------------------------


def inputs(session: Session, data_date: date) -> Inputs:
    """Everything that the reconciliation of `data_date` depends on."""
    root, store = session.config.root, session.store
    as_of = None if data_date >= session.today() else _end_of(data_date, root.timezone)
    live = {kind: _configured(session, store.records(kind, as_of=as_of)) for kind in KINDS}
    plan_from = root.plan_from
    if plan_from:
        packages = live["work_package"]
        live["work_package"] = tuple(p for p in packages if p.ref.connection in plan_from)
    discovered = [
        p
        for p in live["project"]
        if isinstance(p, Project) and p.ref.connection in root.discover_projects
    ]
    live["project"] = tuple(discovered)
    return Inputs(
        title=root.title,
        data_date=data_date,
        zone=root.timezone,
        projects=_setups(session.config, discovered),
        rules=tuple(
            Rule(
                name=r.name or f"rule {i}",
                when=r.when,
                project=r.project,
                work_package=r.work_package,
            )
            for i, r in enumerate(root.allocation, start=1)
        ),
        records=live,
        gone={kind: _configured(session, store.gone(kind, as_of=as_of)) for kind in KINDS},
        baselines=tuple(_baseline(b) for b in store.baselines() if b.on <= data_date),
        coverage=_coverage(session),
        rejected=_rejected(session),
        policy=Policy(**root.thresholds.model_dump()),
        run=_last_pull(store),
    )


def _configured(session: Session, records: Iterable[Record]) -> tuple[Record, ...]:
    """Without what a connection left behind that is configured no more: renamed, it would count
    twice. Its records stay in the store and are back with its name."""
    names = session.config.connections
    return tuple(r for r in records if r.ref.connection in names)


def _coverage(session: Session) -> tuple[Coverage, ...]:
    return tuple(
        Coverage(**{f.name: getattr(c, f.name) for f in fields(Coverage)})
        for c in session.store.coverage()
        if c.connection in session.config.connections
    )


def _rejected(session: Session) -> tuple[Rejected, ...]:
    return tuple(
        Rejected(**{f.name: getattr(r, f.name) for f in fields(Rejected)})
        for r in session.store.rejected()
        if r.connection in session.config.connections
    )


def _last_pull(store: Store) -> str:
    """The latest run that read sources. Its id stands in the snapshot: figures name their run."""
    return next((r.id for r in store.runs() if "connections" in r.counts), "")


def _end_of(day: date, zone: str) -> datetime:
    return datetime(day.year, day.month, day.day, 23, 59, 59, 999999, ZoneInfo(zone)).astimezone(
        UTC
    )


def _setups(config: Config, discovered: Iterable[Project]) -> tuple[ProjectSetup, ...]:
    """Configured projects first; a discovered one with the same code only adds what is missing."""
    root = config.root
    setups = {
        p.code: ProjectSetup(
            code=p.code,
            name=p.name or p.code,
            stage=p.stage,
            manager=p.manager,
            sponsor=p.sponsor,
            currency=p.currency or root.currency,
            start=p.start,
            finish=p.finish,
            declared_rating=p.declared_rating,
            baseline_on=p.baseline_on,
            management_reserve=_reserve(p.management_reserve, p.currency or root.currency),
        )
        for p in root.projects
    }
    for found in discovered:
        setups.setdefault(
            found.code,
            ProjectSetup(
                code=found.code,
                name=found.name,
                stage=found.stage,
                manager=found.manager,
                sponsor=found.sponsor,
                currency=found.currency or root.currency,
                start=found.planned_start,
                finish=found.planned_finish,
                declared_rating=found.declared_rating,
            ),
        )
    return tuple(setups.values())


def _reserve(amount: Any, currency: str) -> Money | None:
    return Money(amount, currency) if amount is not None and currency else None


def reconcile(session: Session, *, as_of: date | None = None) -> Snapshot:
    """Store → snapshot, kept in the store; the same inputs again change nothing."""
    from itpm_sync.reconcile import reconcile as compute

    data_date = as_of or session.today()
    if data_date > session.today():
        problem = Problem((), f"the data date {data_date} lies in the future", where="--as-of")
        raise ConfigError([problem])
    given = inputs(session, data_date)
    snapshot = compute(given, previous=_previous(session, data_date))
    session.store.put_snapshot(data_date, run=given.run, now=session.now(), body=to_json(snapshot))
    session.store.findings_seen((f.key for f in all_findings(snapshot)), data_date)
    return snapshot


def _previous(session: Session, data_date: date) -> Snapshot | None:
    """Last week's snapshot: the latest that is at least five days older."""
    stored = session.store.snapshot_before(data_date - LAST_WEEK + timedelta(days=1))
    return from_json(stored.body) if stored else None


def snapshot_of(session: Session, as_of: date | None = None) -> Snapshot:
    """The latest snapshot on or before a day. Raises StoreError if nothing was reconciled yet."""
    day = as_of or session.today()
    stored = session.store.snapshot_before(day + timedelta(days=1))
    if stored is None:
        raise StoreError(
            f"nothing has been reconciled as of {day} — run: itpm-sync pull, then itpm-sync "
            f"reconcile{f' --as-of {as_of}' if as_of else ''}"
        )
    return from_json(stored.body)


def _history(session: Session, before: date) -> Iterator[Snapshot]:
    """Earlier snapshots, newest first, one a data date."""
    for _ in range(HISTORY):
        stored = session.store.snapshot_before(before)
        if stored is None:
            return
        before = stored.data_date
        yield from_json(stored.body)


# ---- reporting and publishing -------------------------------------------------------------------


def report(
    session: Session,
    *,
    as_of: date | None = None,
    formats: Sequence[str] | None = None,
    out: Path | None = None,
) -> tuple[Path, ...]:
    """Snapshot → documents; returns the files written."""
    from itpm_sync.report import write_reports

    snapshot = snapshot_of(session, as_of)
    settings = session.config.root.reports
    history = tuple(_history(session, snapshot.data_date))
    return write_reports(
        snapshot,
        _previous(session, snapshot.data_date),
        history,
        out or session.config.file(settings.folder),
        formats or settings.formats,
    )


def publish(
    session: Session,
    *,
    dry_run: bool = False,
    max_writes: int | None = None,
    take_over: Collection[str] = (),
) -> publishing.PublishResult:
    """The latest snapshot → the fields that we own in outside systems."""
    snapshot = snapshot_of(session)
    previous = _previous(session, snapshot.data_date)
    limit = max_writes if max_writes is not None else session.config.root.safety.max_writes
    by_code = {p.code: p for p in snapshot.projects}
    destinations = []
    for project in session.config.root.projects:
        status = by_code.get(project.code)
        for wanted in project.publish if status is not None else ():
            publisher = session.connector(wanted.connection).publisher()
            if status is None or publisher is None:
                continue
            message = publishing.status_message(
                status, snapshot, previous, _report_url(session, snapshot, status),
                session.config.root.thresholds.top_findings,
            )  # fmt: skip
            destinations += [
                (Target(wanted.connection, project.code, wanted.address, f), publisher, message)
                for f in wanted.fields or publisher.fields
            ]
    return publishing.publish(
        destinations,
        _Outbox(session.store),
        clock=session.now,
        dry_run=dry_run,
        max_writes=limit,
        take_over=take_over,
    )


class _Outbox:
    """The store's outbox as publishing takes it."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def instance(self) -> str:
        return self._store.instance()

    def outbox_entry(self, target: Target) -> publishing.Entry | None:
        row = self._store.outbox_row(target)
        return None if row is None else _entry(row)

    def put_outbox_entry(self, entry: publishing.Entry) -> None:
        values = {f.name: getattr(entry, f.name) for f in fields(entry)}
        self._store.put_outbox_row(OutboxRow(**{**values, "state": entry.state.value}))


def _entry(row: OutboxRow) -> publishing.Entry:
    values = {f.name: getattr(row, f.name) for f in fields(row)}
    return publishing.Entry(**{**values, "state": publishing.State(row.state)})


def _report_url(session: Session, snapshot: Snapshot, status: ProjectStatus) -> str | None:
    from itpm_sync.report import project_file

    base = session.config.root.reports.url
    if base is None:
        return None
    return f"{base.rstrip('/')}/{snapshot.data_date.isoformat()}/{project_file(status.code)}"


# ---- jobs ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class JobResult:
    """What a job did, step by step."""

    job: str
    exit_code: int
    health: Health
    pulled: pulling.PullResult | None = None
    snapshot: Snapshot | None = None
    reports: tuple[Path, ...] = ()
    published: publishing.PublishResult | None = None


def run_job(session: Session, name: str, progress: pulling.Progress | None = None) -> JobResult:
    """Runs a job's steps in order; writes the status and metrics files whatever happens."""
    jobs = session.config.root.jobs
    if name not in jobs:
        where = str(session.config.path)
        raise ConfigError([Problem((), f"no job {name!r}", suggestion(name, jobs), where)])
    started = session.now()
    run = session.store.begin_run(name, started)
    job = _JobRun(session, name, run, started, progress)
    try:
        for step in jobs[name].steps:
            job.step(step, jobs[name].connections or ())
        return job.finish("")
    except BaseException as error:
        job.fail(error)
        raise


_JOB_STATES = {0: "ok", 3: "partial", 4: "safety_stop"}


class _JobRun:
    """The state of a running job, so that whatever ends it leaves a true status behind."""

    def __init__(
        self,
        session: Session,
        name: str,
        run: str,
        started: datetime,
        progress: pulling.Progress | None,
    ) -> None:
        self.session, self.name, self.run = session, name, run
        self.started, self.progress = started, progress
        self.exit_code = 0
        self.ended_early = False
        self.pulled: pulling.PullResult | None = None
        self.snapshot: Snapshot | None = None
        self.reports: tuple[Path, ...] = ()
        self.published: publishing.PublishResult | None = None

    def step(self, step: str, names: Collection[str]) -> None:
        session = self.session
        if step == "pull":
            self.pulled = _pull(session, self.run, names, progress=self.progress)
            self.exit_code = max(self.exit_code, self.pulled.exit_code)
        elif step == "remap":
            remap(session)
        elif step == "reconcile":
            self.snapshot = reconcile(session)
        elif step == "report":
            self.reports = report(session)
        elif step == "publish":
            self.published = publish(session)
            self.exit_code = max(self.exit_code, 3 if self.published.troubled else 0)

    @property
    def state(self) -> str:
        """ok, partial, safety_stop or failed. What an error ended is no partial success."""
        known = {0: "ok", 4: "safety_stop"} if self.ended_early else _JOB_STATES
        return known.get(self.exit_code, "failed")

    def fail(self, error: BaseException) -> None:
        """Notes what ended the job; the files tell it even if the store is what failed."""
        self.ended_early = True
        self.exit_code = error.exit_code if isinstance(error, ItpmError) else 1
        if isinstance(error, KeyboardInterrupt):
            self.exit_code = 130
        message = self.session.redactor.clean(str(error)) or type(error).__name__
        try:
            self.finish(message)
        except ItpmError as second:
            log.warning("%s", second)
            now = self.session.now()
            health = Health(
                job=self.name, state=self.state, exit_code=self.exit_code, started=self.started,
                finished=now, last_success=None, message=message,
            )  # fmt: skip
            with contextlib.suppress(StoreError):
                _write_health(self.session.config, health)

    def finish(self, message: str) -> JobResult:
        session, now, state = self.session, self.session.now(), self.state
        told = (part.message for part in (self.pulled, self.published) if part is not None)
        message = message or "; ".join(filter(None, told))
        session.store.finish_run(
            self.run,
            state=state,
            now=now,
            counts=self.pulled.counts if self.pulled else {},
            message=message,
        )
        health = Health(
            job=self.name,
            state=state,
            exit_code=self.exit_code,
            started=self.started,
            finished=now,
            last_success=now if state == "ok" else _last_success(session.store, self.name),
            connections=_connection_health(session, self.pulled),
            findings=_severities(self.snapshot),
            ratings=_ratings(self.snapshot),
            published=_actions(self.published),
            message=message,
        )
        _write_health(session.config, health)
        return JobResult(
            job=self.name,
            exit_code=self.exit_code,
            health=health,
            pulled=self.pulled,
            snapshot=self.snapshot,
            reports=self.reports,
            published=self.published,
        )


def _last_success(store: Store, job: str) -> datetime | None:
    runs = store.runs(limit=RUNS_REMEMBERED)
    return next((r.finished for r in runs if r.job == job and r.state == "ok"), None)


def _write_health(config: Config, health: Health) -> None:
    monitoring = config.root.monitoring
    contents = {monitoring.status_file: status_json(health)}
    if monitoring.metrics_file is not None:
        contents[monitoring.metrics_file] = metrics_text(health)
    for name, content in contents.items():
        try:
            replace_file(config.file(name), content)
        except OSError as error:
            raise StoreError(
                f"cannot write {config.file(name)}: {error.strerror} — "
                "give the account that runs ITPM Sync the right, or change `monitoring`"
            ) from None


def _connection_health(
    session: Session, pulled: pulling.PullResult | None
) -> dict[str, ConnectionHealth]:
    coverage = _coverage(session)
    result = {}
    for outcome in pulled.connections if pulled else ():
        own = [c for c in coverage if c.connection == outcome.name]
        stamps = [c.as_of for c in own if c.as_of]
        result[outcome.name] = ConnectionHealth(
            state=outcome.state,
            message=outcome.message,
            as_of=min(stamps) if stamps else None,
            records=sum(c.stored for c in own),
        )
    return result


def _severities(snapshot: Snapshot | None) -> dict[str, int]:
    found = Counter(f.severity.value for f in all_findings(snapshot)) if snapshot else Counter()
    return {s.value: found[s.value] for s in Severity} if snapshot else {}


def _ratings(snapshot: Snapshot | None) -> dict[str, str]:
    return {p.code: p.rating.colour.value for p in snapshot.projects} if snapshot else {}


def _actions(published: publishing.PublishResult | None) -> dict[str, int]:
    return dict(Counter(s.action.value for s in published.steps)) if published else {}


# ---- looking ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What `status` shows. `late` names jobs that have not run for longer than they should."""

    runs: tuple[Run, ...]
    late: tuple[str, ...]
    coverage: tuple[Coverage, ...]
    rejected: tuple[Rejected, ...]
    outbox: tuple[publishing.Entry, ...]
    snapshot: date | None
    healthy: bool


def status(session: Session) -> Status:
    """Runs, freshness, completeness, rejected records, outbox."""
    store, now = session.store, session.now()
    late = []
    for name, job in session.config.root.jobs.items():
        last = _last_success(store, name)
        if last is None or now - last > timedelta(hours=job.expect_every_h):
            late.append(name)
    coverage = _coverage(session)
    outbox = tuple(_entry(row) for row in store.outbox())
    newest = store.snapshot()
    troubled = any(e.state is not publishing.State.DONE for e in outbox)
    return Status(
        runs=store.runs(limit=10),
        late=tuple(late),
        coverage=coverage,
        rejected=_rejected(session),
        outbox=outbox,
        snapshot=newest.data_date if newest else None,
        healthy=not late and not troubled and all(c.complete for c in coverage),
    )


def all_findings(snapshot: Snapshot) -> tuple[Finding, ...]:
    """The findings of the portfolio and of every project."""
    return (*snapshot.findings, *(f for p in snapshot.projects for f in p.findings))


def findings(session: Session, project: str | None = None) -> tuple[Finding, ...]:
    """The findings of the latest snapshot, the most severe first."""
    snapshot = snapshot_of(session)
    found = _project(snapshot, project).findings if project else all_findings(snapshot)
    order = list(Severity)
    return tuple(sorted(found, key=lambda f: (order.index(f.severity), f.project, f.key)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """A figure of the latest snapshot taken apart, each record with the run that fetched it."""

    run: str  # that read the sources last before the snapshot
    found: Explanation
    changed: str  # empty, or what the snapshot says where records have changed since


def explain(session: Session, project: str, figure: str, package: str = "") -> Explained:
    """A figure of the latest snapshot, taken apart. Raises ConfigError for an unknown name."""
    from itpm_sync.reconcile.explain import explain as compute

    snapshot = snapshot_of(session)
    status, day = _project(snapshot, project), snapshot.data_date
    try:
        found = compute(inputs(session, day), status.code, figure, package, _previous(session, day))
    except ReconcileError as error:
        raise ConfigError([Problem((), str(error), where="explain")]) from None
    parts = _fetched(session.store, (*found.inputs, *found.parts))
    inputs_, records = parts[: len(found.inputs)], parts[len(found.inputs) :]
    return Explained(
        run=snapshot.run,
        found=replace(found, inputs=inputs_, parts=records),
        changed=_changed(status, found),
    )


def _fetched(store: Store, parts: Sequence[Part]) -> tuple[Part, ...]:
    """The parts, each record among them with the run that fetched it and when that was."""
    wanted: dict[str, list[str]] = defaultdict(list)
    for part in parts:
        if part.identity:
            wanted[part.kind].append(part.identity)
    known = {i: p for kind, ids in wanted.items() for i, p in store.provenance(kind, ids).items()}
    return tuple(
        replace(part, run=known[part.identity].run, seen_at=known[part.identity].seen_at)
        if part.identity in known
        else part
        for part in parts
    )


def _changed(status: ProjectStatus, found: Explanation) -> str:
    """What the stored snapshot says, where it is not what its records say by now."""
    packages = {p.code: p.figures for p in status.packages}
    figures = packages.get(found.package, {}) if found.package else status.figures
    stored = figures.get(found.figure.name, found.figure)
    if stored.value == found.figure.value:
        return ""
    said = publishing.figure_text(stored)
    return f"the snapshot says {said}: records changed since — run: itpm-sync reconcile"


def _project(snapshot: Snapshot, code: str) -> ProjectStatus:
    for status in snapshot.projects:
        if status.code == code:
            return status
    hint = suggestion(code, [p.code for p in snapshot.projects][:50])
    raise ConfigError([Problem((), f"no project {code!r}", hint, "PROJECT")])


def export(session: Session, folder: Path, *, as_of: date | None = None) -> tuple[Path, ...]:
    """The unified model as CSV files for spreadsheets and notebooks."""
    from itpm_sync import frames

    moment = _end_of(as_of, session.config.root.timezone) if as_of else None
    tables = {
        k: frames.frame(k, _configured(session, session.store.records(k, as_of=moment)))
        for k in KINDS
    }
    try:
        return frames.export(tables, folder)
    except OSError as error:
        raise StoreError(f"cannot write to {folder}: {error.strerror}") from None


# ---- baselines ----------------------------------------------------------------------------------


def _baseline(stored: StoredBaseline) -> RecordedBaseline:
    """A stored baseline as the reconciliation takes it."""

    def section(name: str) -> list[Any]:
        return [line.data for line in stored.lines if line.section == name]

    return RecordedBaseline(
        project=stored.project,
        version=stored.version,
        on=stored.on,
        author=stored.author,
        approval=stored.approval,
        change_request=stored.change_request,
        packages=tuple(_PACKAGES.validate_python(section("package"))),
        items=tuple(_ITEMS.validate_python(section("item"))),
    )


def baseline_record(
    session: Session, project: str, *, author: str, approval: str = "", change_request: str = ""
) -> tuple[str, ...]:
    """Freezes the plan and the scope of a project, as they are in the store now."""
    from itpm_sync.reconcile import freeze

    today = session.today()
    frozen = freeze(inputs(session, today), project)
    if frozen is None:
        raise ConfigError([Problem((), f"no project {project!r}", where="PROJECT")])
    packages, items = frozen
    lines = [
        *(
            BaselineLine(section="package", data=p)
            for p in _PACKAGES.dump_python(list(packages), mode="json")
        ),
        *(
            BaselineLine(section="item", data=i)
            for i in _ITEMS.dump_python(list(items), mode="json")
        ),
    ]
    number = session.store.put_baseline(
        project,
        on=today,
        author=author,
        now=session.now(),
        lines=lines,
        approval=approval,
        change_request=change_request,
    )
    counts = f"{len(packages)} work packages, {len(items)} scope items"
    return (f"baseline {number} of {project} recorded: {counts}",)


def baseline_list(session: Session, project: str | None = None) -> tuple[RecordedBaseline, ...]:
    """The recorded versions, oldest first."""
    return tuple(
        b for b in map(_baseline, session.store.baselines()) if project in (None, b.project)
    )


def baseline_diff(session: Session, project: str, old: int, new: int) -> tuple[str, ...]:
    """What two versions have differently, a line each."""
    versions = {b.version: b for b in baseline_list(session, project)}
    for number in (old, new):
        if number not in versions:
            known = ", ".join(map(str, versions)) or "none"
            raise ConfigError(
                [
                    Problem(
                        (), f"{project} has no baseline {number}", f"recorded: {known}", "VERSION"
                    )
                ]
            )
    lines = [
        *_differences(
            "work package",
            {p.code: p for p in versions[old].packages},
            {p.code: p for p in versions[new].packages},
        ),
        *_differences(
            "item",
            {i.identity: i for i in versions[old].items},
            {i.identity: i for i in versions[new].items},
        ),
    ]
    return tuple(lines) or (f"versions {old} and {new} of {project} are equal",)


def _differences(what: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    for key in sorted({*old, *new}):
        before, after = old.get(key), new.get(key)
        name = getattr(after or before, "key", key)
        if before is None:
            yield f"added    {what} {name}"
        elif after is None:
            yield f"removed  {what} {name}"
        elif before != after:
            changed = [
                f"{n}: {getattr(before, n)} → {getattr(after, n)}"
                for n in before.__dataclass_fields__
                if getattr(before, n) != getattr(after, n)
            ]
            yield f"changed  {what} {name}: {'; '.join(changed)}"
