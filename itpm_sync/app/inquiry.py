"""What a person asks: how things stand, what is wrong, where a number comes from, all of it as CSV.

Nothing here reads a source or changes the store.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from itpm_sync import publish
from itpm_sync.app.coverage import coverage
from itpm_sync.app.gathering import end_of, inputs, moment_of, rejected
from itpm_sync.app.jobs import JobStanding, standings
from itpm_sync.app.past_day import existing
from itpm_sync.app.publishing import entry_of
from itpm_sync.app.reconciling import compared_with, day_of, previous_of, snapshot_of
from itpm_sync.app.session import Session, latest_runs
from itpm_sync.errors import ConfigError, Problem, ReconcileError, StoreError, suggestion
from itpm_sync.publish import Entry, figure_text
from itpm_sync.reconcile.changes import State, changes, witnessed
from itpm_sync.reconcile.explanation import Explanation, Part
from itpm_sync.reconcile.inputs import Coverage, Rejected
from itpm_sync.reconcile.kept import kept
from itpm_sync.reconcile.outages import UNREAD
from itpm_sync.reconcile.status import Figure, Finding, ProjectStatus, Rating, Severity, Snapshot
from itpm_sync.reconcile.totals import PORTFOLIO, explain_total, totals
from itpm_sync.store import Run, Store

if TYPE_CHECKING:
    from itpm_sync.reconcile.capacity import Capacity
    from itpm_sync.reconcile.explain import Explainer


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What `status` shows. `healthy`: nothing of it asks for a person."""

    runs: tuple[Run, ...]
    jobs: tuple[JobStanding, ...]
    coverage: tuple[Coverage, ...]
    rejected: tuple[Rejected, ...]
    outbox: tuple[Entry, ...]
    snapshot: date | None
    healthy: bool


def status(session: Session) -> Status:
    """Runs, freshness, completeness, rejected records, outbox."""
    store = session.store
    jobs = standings(session)
    read = coverage(session)
    outbox = tuple(entry_of(row) for row in store.outcome.outbox())
    newest = store.outcome.snapshot()
    bad = rejected(session)
    troubled = any(not r.soft for r in bad) or any(
        e.state is not publish.State.DONE for e in outbox
    )
    return Status(
        runs=latest_runs(session, limit=10),
        jobs=jobs,
        coverage=read,
        rejected=bad,
        outbox=outbox,
        snapshot=newest.data_date if newest else None,
        healthy=not any(j.late for j in jobs) and not troubled and all(c.complete for c in read),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A finding, and what became of it since the report before."""

    finding: Finding
    state: State


def findings(session: Session, project: str | None = None) -> tuple[Found, ...]:
    """The findings of the latest snapshot, the most severe first; then the waived ones, then those
    of the snapshot that it is compared with that are resolved.
    """
    latest = snapshot_of(session)
    before = compared_with(session, latest.data_date)
    snapshot = witnessed(latest, before)
    told = changes(snapshot, before)
    found = [Found(finding=f, state=told.states[f.key]) for f in snapshot.all_findings]
    found += [Found(finding=f, state=State.RESOLVED) for f in told.resolved]
    if project:
        found = [f for f in found if f.finding.project == _project(snapshot, project).code]
    return tuple(sorted(found, key=_for_people))


def _for_people(found: Found) -> tuple[object, ...]:
    f, resolved = found.finding, found.state is State.RESOLVED
    order = list(Severity).index(f.severity), f.project, f.code not in UNREAD, f.key
    return resolved, f.waiver is not None, *order


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """A figure of a snapshot taken apart, each record with the run that fetched it."""

    run: str  # that read the sources last before the snapshot
    found: Explanation
    changed: str  # empty, or what the snapshot says where records have changed since
    kept: bool  # whether the snapshot keeps the figure, so that a change can be seen
    as_of: date | None  # the day that was asked for


def explain(
    session: Session, project: str, figure: str, package: str = "", *, as_of: date | None = None
) -> Explained:
    """A figure of the latest snapshot on or before a day, taken apart from the records as they were
    on its data date; `project` may be the word `portfolio`.

    Raises ConfigError for an unknown name and for a day to come.
    """
    snapshot = snapshot_of(session, as_of)
    day = f" --as-of {as_of}" if as_of else ""
    with _told_as_mistake(f"every figure: itpm-sync explain {project}{day}"):
        if _is_portfolio(snapshot, project, package):
            total = explain_total(snapshot, figure)
            return Explained(run=snapshot.run, found=total, changed="", kept=True, as_of=as_of)
        status = _project(snapshot, project)
        try:
            found = _explainer(session, snapshot, status).of(figure, package)
        except ReconcileError as error:
            again = f" --as-of {snapshot.data_date}" if as_of else ""
            raise _gone(kept(status, figure, package), figure, again) or error from None
    moment = moment_of(session, snapshot.data_date)
    parts = _fetched(session.store, (*found.inputs, *found.parts), moment)
    inputs_, records = parts[: len(found.inputs)], parts[len(found.inputs) :]
    stored = kept(status, found.figure.name, found.package)
    return Explained(
        run=snapshot.run,
        found=replace(found, inputs=inputs_, parts=records),
        changed=_changed(stored, found, as_of),
        kept=stored is not None or not found.figure.value,  # left out: nothing of it, or n/a
        as_of=as_of,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """Every figure that can be explained, by its name."""

    project: str
    package: str  # empty: the project
    data_date: date
    figures: Mapping[str, Figure]


def figures(
    session: Session, project: str, package: str = "", *, as_of: date | None = None
) -> Listed:
    """The figures of a project, one of its work packages, or the portfolio, of the latest snapshot
    on or before a day. Raises as `explain` does.
    """
    snapshot = snapshot_of(session, as_of)
    day = snapshot.data_date
    if _is_portfolio(snapshot, project, package):
        return Listed(project=project, package="", data_date=day, figures=totals(snapshot))
    status = _project(snapshot, project)
    with _told_as_mistake():
        found = _explainer(session, snapshot, status).figures(package)
    return Listed(project=status.code, package=package, data_date=day, figures=found)


def _is_portfolio(snapshot: Snapshot, project: str, package: str) -> bool:
    meant = project == PORTFOLIO and not any(p.code == project for p in snapshot.projects)
    if meant and package:
        raise ConfigError([Problem((), "the portfolio has no work packages", where="--package")])
    return meant


def _explainer(session: Session, snapshot: Snapshot, status: ProjectStatus) -> Explainer:
    from itpm_sync.reconcile.explain import Explainer

    day = snapshot.data_date
    return Explainer(inputs(session, day), status.code, previous_of(session, day))


@contextmanager
def _told_as_mistake(hint: str = "") -> Iterator[None]:
    """An unknown name is a mistake in the command."""
    try:
        yield
    except ReconcileError as error:
        raise ConfigError([Problem((), str(error), hint, "explain")]) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratings:
    """A project's ratings in a snapshot, the overall one first."""

    project: str
    data_date: date
    declared: str  # the project manager's own word
    ratings: tuple[Rating, ...]


def ratings(session: Session, project: str, *, as_of: date | None = None) -> Ratings:
    """How a project is rated, by the figures and by whom else. Raises as `explain` does."""
    snapshot = snapshot_of(session, as_of)
    found = _project(snapshot, project)
    return Ratings(
        project=found.code,
        data_date=snapshot.data_date,
        declared=found.declared_rating,
        ratings=(found.rating, *found.ratings),
    )


def _fetched(store: Store, parts: Sequence[Part], as_of: datetime | None) -> tuple[Part, ...]:
    """The parts, each record among them with the run that fetched it and when that was: of a state
    that was superseded after `as_of` the run that saw it first, where that is kept.
    """
    wanted: dict[str, list[str]] = defaultdict(list)
    for part in parts:
        if part.identity:
            wanted[part.kind].append(part.identity)
    known = {
        identity: origin
        for kind, ids in wanted.items()
        for identity, origin in store.provenance(kind, ids, as_of=as_of).items()
    }
    return tuple(
        replace(part, run=origin.run, seen_at=origin.seen_at, superseded=origin.superseded)
        if (origin := known.get(part.identity))
        else part
        for part in parts
    )


def _gone(stored: Figure | None, name: str, day: str) -> ConfigError | None:
    """A figure that was reported, and that the records as they were then no longer give."""
    if stored is None:
        return None
    said = f"the snapshot says {figure_text(stored)}, and its records give no {name!r} any more"
    hint = f"records changed since — run: itpm-sync reconcile{day}"
    return ConfigError([Problem((), said, hint, "explain")])


def _changed(stored: Figure | None, found: Explanation, as_of: date | None) -> str:
    """What the stored snapshot says, where it is not what its records say by now."""
    if stored is None or stored.value == found.figure.value:
        return ""
    said, day = figure_text(stored), f" --as-of {found.data_date}" if as_of else ""
    return f"the snapshot says {said}: records changed since — run: itpm-sync reconcile{day}"


def _project(snapshot: Snapshot, code: str) -> ProjectStatus:
    for status in snapshot.projects:
        if status.code == code:
            return status
    hint = suggestion(code, [p.code for p in snapshot.projects][:50])
    raise ConfigError([Problem((), f"no project {code!r}", hint, "PROJECT")])


@dataclass(frozen=True, slots=True, kw_only=True)
class Loads:
    """Everybody's load and capacity on the data date of the latest snapshot."""

    data_date: date
    tolerance: Decimal
    hours_per_day: Decimal
    found: Capacity


def capacity(session: Session) -> Loads:
    """The load of everybody to whom work is assigned, from the records of the latest snapshot."""
    from itpm_sync.reconcile.context import Context

    day = snapshot_of(session).data_date
    given = inputs(session, day)
    found = Context(given, None).load
    return Loads(
        data_date=day,
        tolerance=given.capacity.tolerance,
        hours_per_day=given.capacity.hours_per_day,
        found=found,
    )


def export(session: Session, folder: Path, *, as_of: date | None = None) -> tuple[Path, ...]:
    """The unified model as CSV files for spreadsheets and notebooks."""
    from itpm_sync import frames

    day = day_of(session, as_of)
    moment = end_of(as_of, session.config.root.timezone) if as_of else None
    found = existing(session, day, moment).records
    tables = {kind: frames.frame(kind, records) for kind, records in found.items()}
    try:
        return frames.export(tables, folder)
    except OSError as error:
        raise StoreError(f"cannot write to {folder}: {error.strerror}") from None
