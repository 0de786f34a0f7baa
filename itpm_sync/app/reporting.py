"""Snapshot → documents."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from itpm_sync.app.reconciling import history, is_newest, previous_of, snapshot_of
from itpm_sync.app.session import Session


def report(
    session: Session,
    *,
    as_of: date | None = None,
    formats: Sequence[str] | None = None,
    out: Path | None = None,
) -> tuple[Path, ...]:
    """Snapshot → documents; returns the files written. It becomes the latest report unless a later
    day has been reconciled.
    """
    from itpm_sync.report import write_reports

    snapshot = snapshot_of(session, as_of)
    settings = session.config.root.reports
    return write_reports(
        snapshot,
        previous_of(session, snapshot.data_date),
        tuple(history(session, snapshot.data_date)),
        out or session.config.file(settings.folder),
        formats or settings.formats,
        current=is_newest(session, snapshot.data_date),
    )
