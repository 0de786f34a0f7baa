"""Store → snapshot, and the snapshots of before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

from itpm_sync.app.gathering import inputs
from itpm_sync.app.session import Session
from itpm_sync.errors import ConfigError, Problem, StoreError
from itpm_sync.reconcile.comparing import LONGEST, week_before
from itpm_sync.reconcile.status import Snapshot, from_json, to_json

_EARLIEST = date(1970, 1, 1)
HISTORY = 26  # earlier snapshots that a report may draw on


def reconcile(session: Session, *, as_of: date | None = None, run: str = "") -> Snapshot:
    """Store → snapshot, kept in the store; the same inputs again change nothing. `run` has read the
    sources and goes on; without it the latest that has ended is named.
    """
    from itpm_sync.reconcile import reconcile as compute

    data_date = day_of(session, as_of)
    given = inputs(session, data_date)
    if run:
        given = replace(given, run=run)
    snapshot = compute(given, previous=previous_of(session, data_date))
    session.store.outcome.put_snapshot(
        data_date, run=given.run, now=session.now(), body=to_json(snapshot)
    )
    session.store.outcome.findings_seen(snapshot.standing, data_date)
    return snapshot


def day_of(session: Session, as_of: date | None) -> date:
    """The day asked for, else today. Raises ConfigError: nobody knows a day that is to come, and no
    project is older than computers.
    """
    today = session.today()
    if as_of is not None and as_of > today:
        message = f"the data date {as_of} lies in the future"
        raise ConfigError([Problem((), message, f"today is {today}", "--as-of")])
    if as_of is not None and as_of < _EARLIEST:
        raise ConfigError([Problem((), f"the data date {as_of} lies before 1970", where="--as-of")])
    return as_of or today


def snapshot_of(session: Session, as_of: date | None = None) -> Snapshot:
    """The latest snapshot on or before a day.

    Raises StoreError if nothing was reconciled yet, ConfigError for a day to come.
    """
    day = day_of(session, as_of)
    stored = session.store.outcome.snapshot_before(day + timedelta(days=1))
    if stored is None:
        raise StoreError(
            f"nothing has been reconciled as of {day} — run: itpm-sync pull, then itpm-sync "
            f"reconcile{f' --as-of {as_of}' if as_of else ''}"
        )
    return from_json(stored.body)


def is_newest(session: Session, data_date: date) -> bool:
    """Whether no later day has been reconciled."""
    stored = session.store.outcome.snapshot_before(date.max)
    return stored is None or stored.data_date <= data_date


def compared_with(session: Session, data_date: date) -> Snapshot | None:
    """The snapshot that one of this data date is compared with, see `comparing`; None: none is of
    a day near enough to the week before.
    """
    outcome, longest = session.store.outcome, timedelta(days=LONGEST)
    day = week_before(data_date, outcome.data_dates(data_date - longest, data_date))
    stored = outcome.snapshot(day) if day else None
    return from_json(stored.body) if stored else None


def previous_of(session: Session, data_date: date) -> Snapshot | None:
    """The snapshot that one of this data date is compared with, else the latest that is older: it
    hands on what snapshots alone remember, such as the weeks of the S-curve.
    """
    found = compared_with(session, data_date)
    if found is not None:
        return found
    stored = session.store.outcome.snapshot_before(data_date - timedelta(days=LONGEST))
    return from_json(stored.body) if stored else None


def history(session: Session, before: date) -> Iterator[Snapshot]:
    """Earlier snapshots, newest first, one a data date."""
    for _ in range(HISTORY):
        stored = session.store.outcome.snapshot_before(before)
        if stored is None:
            return
        before = stored.data_date
        yield from_json(stored.body)
