"""Snapshot → the fields that we own in outside systems, by way of the store's outbox."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import fields, replace

from itpm_sync import publish as outbox
from itpm_sync.app.reconciling import compared_with, snapshot_of
from itpm_sync.app.session import Session
from itpm_sync.config import PublishTarget
from itpm_sync.connector import Publisher, StatusMessage, Target
from itpm_sync.errors import ConfigError, ConnectionFailed, Problem, suggestion
from itpm_sync.persons import Unnamed, unnamed
from itpm_sync.reconcile.figures import LABELS
from itpm_sync.reconcile.status import ProjectStatus, Snapshot
from itpm_sync.store import OutboxRow, Store


def publish(
    session: Session,
    *,
    dry_run: bool = False,
    max_writes: int | None = None,
    take_over: Collection[str] = (),
) -> outbox.PublishResult:
    """The latest snapshot → the fields that we own in outside systems.

    Raises ConfigError for a target to take over that there is not.
    """
    snapshot = snapshot_of(session)
    previous = compared_with(session, snapshot.data_date)
    without = _without_names(session, snapshot)
    limit = max_writes if max_writes is not None else session.config.root.safety.max_writes
    by_code = {p.code: p for p in snapshot.projects}
    destinations: list[tuple[Target, Publisher, StatusMessage]] = []
    unreached: list[outbox.Step] = []
    for project in session.config.root.projects:
        status = by_code.get(project.code)
        for wanted in project.publish if status is not None else ():
            if status is None:
                continue
            try:
                publisher = session.connector(wanted.connection).publisher()
            except ConnectionFailed as error:  # its settings are wrong: the others go on
                info = session.config.connections[wanted.connection].connector.info
                targets = _targets(project.code, wanted, info.publishes)
                unreached += [_failed(target, error) for target in targets]
                continue
            if publisher is None:
                continue
            message = outbox.status_message(
                status, snapshot, previous, _report_url(session, status),
                session.config.root.thresholds.top_findings, without=without,
            )  # fmt: skip
            targets = _targets(project.code, wanted, publisher.fields)
            destinations += [(target, publisher, message) for target in targets]
    _insist_known(take_over, [*(t for t, _, _ in destinations), *(s.target for s in unreached)])
    result = outbox.publish(
        destinations,
        Outbox(session.store),
        clock=session.now,
        dry_run=dry_run,
        max_writes=limit,
        take_over=take_over,
    )
    return replace(result, steps=(*result.steps, *unreached))


def _without_names(session: Session, snapshot: Snapshot) -> Unnamed | None:
    """What takes the names of persons out of a text: of all whom the sources, the configuration or
    a decision name. None where they are to be published.
    """
    root, outcome = session.config.root, session.store.outcome
    if root.privacy.publish_names:
        return None
    return unnamed(
        (
            *session.store.people(),
            *(person.name for person in snapshot.people),
            *(name for p in root.people for name in (p.name, p.email)),
            *(name for p in root.projects for name in (p.manager, p.sponsor, p.operations_owner)),
            root.gates.operations_owner,
            *(waiver.author for waiver in root.waivers),
            *(override.author for override in root.overrides),
            *(decision.author for decision in root.duplicates.decisions),
            *(baseline.author for baseline in outcome.baselines()),
            *(name for act in outcome.gate_records() for name in (act.author, act.owner)),
        ),
        _no_persons(snapshot),
    )


def _no_persons(snapshot: Snapshot) -> Iterator[str]:
    """Names that texts of ours hold and that mean no person, whoever is called so."""
    yield from map(str.upper, LABELS)
    for project in snapshot.projects:
        yield from (project.code, project.name, project.unit)
        for package in project.packages:
            yield from (package.code, package.name, package.team)


def _targets(project: str, wanted: PublishTarget, offered: Sequence[str]) -> list[Target]:
    names = wanted.fields or offered
    return [Target(wanted.connection, project, wanted.address, name) for name in names]


def _failed(target: Target, error: ConnectionFailed) -> outbox.Step:
    return outbox.Step(target=target, action=outbox.Action.FAILED, reason=str(error))


def _insist_known(named: Collection[str], targets: Collection[Target]) -> None:
    known = [target.id for target in targets]
    problems = [
        Problem((), f"no target {name!r}", suggestion(name, known), "--take-over")
        for name in named
        if name not in known
    ]
    if problems:
        raise ConfigError(problems)


def _report_url(session: Session, status: ProjectStatus) -> str | None:
    """The project's newest report: who follows the link next month does not want today's."""
    from itpm_sync.report import project_file

    base = session.config.root.reports.url
    return None if base is None else f"{base.rstrip('/')}/latest/{project_file(status.code)}"


class Outbox:
    """The store's outbox as publishing takes it."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def instance(self) -> str:
        return self._store.instance()

    def outbox_entry(self, target: Target) -> outbox.Entry | None:
        row = self._store.outcome.outbox_row(target)
        return None if row is None else entry_of(row)

    def put_outbox_entry(self, entry: outbox.Entry) -> None:
        values = {f.name: getattr(entry, f.name) for f in fields(entry)}
        self._store.outcome.put_outbox_row(OutboxRow(**{**values, "state": entry.state.value}))


def entry_of(row: OutboxRow) -> outbox.Entry:
    """An outbox row as publishing takes it."""
    values = {f.name: getattr(row, f.name) for f in fields(row)}
    return outbox.Entry(**{**values, "state": outbox.State(row.state)})
