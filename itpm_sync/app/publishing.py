"""Snapshot → the fields that we own in outside systems, by way of the store's outbox."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import fields

from itpm_sync import publish as outbox
from itpm_sync.app.reconciling import previous_of, snapshot_of
from itpm_sync.app.session import Session
from itpm_sync.connector import Target
from itpm_sync.reconcile.status import ProjectStatus
from itpm_sync.store import OutboxRow, Store


def publish(
    session: Session,
    *,
    dry_run: bool = False,
    max_writes: int | None = None,
    take_over: Collection[str] = (),
) -> outbox.PublishResult:
    """The latest snapshot → the fields that we own in outside systems."""
    snapshot = snapshot_of(session)
    previous = previous_of(session, snapshot.data_date)
    limit = max_writes if max_writes is not None else session.config.root.safety.max_writes
    by_code = {p.code: p for p in snapshot.projects}
    destinations = []
    for project in session.config.root.projects:
        status = by_code.get(project.code)
        for wanted in project.publish if status is not None else ():
            publisher = session.connector(wanted.connection).publisher()
            if status is None or publisher is None:
                continue
            message = outbox.status_message(
                status, snapshot, previous, _report_url(session, status),
                session.config.root.thresholds.top_findings,
            )  # fmt: skip
            destinations += [
                (Target(wanted.connection, project.code, wanted.address, f), publisher, message)
                for f in wanted.fields or publisher.fields
            ]
    return outbox.publish(
        destinations,
        Outbox(session.store),
        clock=session.now,
        dry_run=dry_run,
        max_writes=limit,
        take_over=take_over,
    )


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
