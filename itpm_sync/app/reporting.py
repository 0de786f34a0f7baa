"""Snapshot → documents."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from itpm_sync.app.reconciling import compared_with, history, is_newest, snapshot_of
from itpm_sync.app.session import Session
from itpm_sync.reconcile.changes import witnessed

if TYPE_CHECKING:
    from itpm_sync.report import Written

log = logging.getLogger(__name__)


def report(
    session: Session,
    *,
    as_of: date | None = None,
    formats: Sequence[str] | None = None,
    out: Path | None = None,
) -> Written:
    """Snapshot → documents. It becomes the latest report unless a later
    day has been reconciled.
    """
    from itpm_sync.report import write_reports

    snapshot = snapshot_of(session, as_of)
    if as_of not in (None, snapshot.data_date):
        log.warning(
            "nothing was reconciled on %s: the report is that of %s, the last day before — "
            "for that day: itpm-sync reconcile --as-of %s",
            as_of, snapshot.data_date, as_of,
        )  # fmt: skip
    before = compared_with(session, snapshot.data_date)
    settings = session.config.root.reports
    return write_reports(
        witnessed(snapshot, before),
        before,
        tuple(history(session, snapshot.data_date)),
        out or session.config.file(settings.folder),
        formats or settings.formats,
        current=is_newest(session, snapshot.data_date),
    )
