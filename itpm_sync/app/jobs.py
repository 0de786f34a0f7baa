"""A job: its steps in order, its run in the store, and the files that it leaves for a monitor."""

from __future__ import annotations

import contextlib
import logging
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from itpm_sync.app.session import Session
from itpm_sync.config import Config
from itpm_sync.errors import (
    EXIT_CODES,
    ConfigError,
    ItpmError,
    Problem,
    StoreError,
    suggestion,
    worst,
)
from itpm_sync.monitoring import ConnectionHealth, Health, metrics_text, replace_file, status_json
from itpm_sync.store import Store

if TYPE_CHECKING:
    from itpm_sync.publish import PublishResult
    from itpm_sync.pull import Progress, PullResult
    from itpm_sync.reconcile.status import Snapshot
    from itpm_sync.report import Written

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobResult:
    """What a job did, step by step."""

    job: str
    exit_code: int
    health: Health
    pulled: PullResult | None = None
    snapshot: Snapshot | None = None
    reports: Written | None = None
    published: PublishResult | None = None


def run_job(session: Session, name: str, progress: Progress | None = None) -> JobResult:
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


STOPPED = 128  # exit codes from here on: ended by a signal
WELL = ("ok", "quarantine")  # the states of a job that did all that it is for


class _JobRun:
    """The state of a running job, so that whatever ends it leaves a true status behind."""

    def __init__(
        self,
        session: Session,
        name: str,
        run: str,
        started: datetime,
        progress: Progress | None,
    ) -> None:
        self.session, self.name, self.run = session, name, run
        self.started, self.progress = started, progress
        self.exit_code, self.outcome = 0, "ok"
        self.ended_early = False
        self.pulled: PullResult | None = None
        self.snapshot: Snapshot | None = None
        self.reports: Written | None = None
        self.published: PublishResult | None = None

    def step(self, step: str, names: Collection[str]) -> None:
        """Does a step, with only what that step needs imported."""
        session = self.session
        if step == "pull":
            from itpm_sync.app.pulling import pull_within

            self.pulled = pull_within(session, self.run, names, progress=self.progress)
            self._note(self.pulled.state)
        elif step == "remap":
            from itpm_sync.app.pulling import remap

            if any(one.rejected for one in remap(session)):
                self._note("quarantine")
        elif step == "reconcile":
            from itpm_sync.app.reconciling import reconcile

            self.snapshot = reconcile(session, run=self.run if self.pulled else "")
        elif step == "report":
            from itpm_sync.app.reporting import report

            self.reports = report(session)
        elif step == "publish":
            from itpm_sync.app.publishing import publish

            self.published = publish(session)
            if self.published.troubled:
                self._note("partial")

    def _note(self, outcome: str) -> None:
        """How a step went; what none of its sources gave is part of the job."""
        self.outcome = worst((self.outcome, "partial" if outcome == "failed" else outcome))
        self.exit_code = EXIT_CODES[self.outcome]

    @property
    def state(self) -> str:
        """One of those of `Health`. What an error ended is no partial success."""
        if self.exit_code >= STOPPED:
            return "interrupted"
        if self.ended_early:
            return {0: "ok", 4: "safety_stop"}.get(self.exit_code, "failed")
        return self.outcome

    def fail(self, error: BaseException) -> None:
        """Notes what ended the job; the files tell it even if the store is what failed."""
        self.ended_early = True
        self.exit_code = error.exit_code if isinstance(error, ItpmError) else 1
        if isinstance(error, KeyboardInterrupt):
            self.exit_code = getattr(error, "exit_code", STOPPED)
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
            counts=self.pulled.counts if self.pulled else None,
            message=message,
        )
        health = Health(
            job=self.name,
            state=state,
            exit_code=self.exit_code,
            started=self.started,
            finished=now,
            last_success=now if state in WELL else last_success(session.store, self.name),
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


@dataclass(frozen=True, slots=True, kw_only=True)
class JobStanding:
    """How a job stands. `due`: until when it should have ended well; late if that is over."""

    job: str
    last_run: datetime | None  # None: it never ran
    last_success: datetime | None
    due: datetime
    late: bool


def standings(session: Session) -> tuple[JobStanding, ...]:
    """How each job of the configuration stands.

    One that never ran is due as long after the store's first run as it would be after its own:
    nobody knows since when it is configured. In an empty store it is due now, and so is one that
    never ended well.
    """
    store, now = session.store, session.now()
    found = []
    for name, job in session.config.root.jobs.items():
        own, success = store.runs(1, job=name), last_success(store, name)
        since = success or (None if own else store.first_run_at())
        due = now if since is None else since + timedelta(hours=job.expect_every_h)
        found.append(
            JobStanding(
                job=name,
                last_run=own[0].started if own else None,
                last_success=success,
                due=due,
                late=now >= due,
            )
        )
    return tuple(found)


def last_success(store: Store, job: str) -> datetime | None:
    """When a job last ended well; None if it never did. A record in quarantine keeps no job from
    it: whoever watches whether jobs run must not be told that they do not.
    """
    return next((run.finished for run in store.runs(1, job=job, states=WELL)), None)


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


def _connection_health(session: Session, pulled: PullResult | None) -> dict[str, ConnectionHealth]:
    coverage = session.store.coverage()
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
    if snapshot is None:
        return {}
    from itpm_sync.reconcile.status import Severity

    found = Counter(f.severity for f in snapshot.all_findings if f.waiver is None)
    return {s.value: found[s] for s in Severity}


def _ratings(snapshot: Snapshot | None) -> dict[str, str]:
    return {p.code: p.rating.colour.value for p in snapshot.projects} if snapshot else {}


def _actions(published: PublishResult | None) -> dict[str, int]:
    return dict(Counter(s.action.value for s in published.steps)) if published else {}
