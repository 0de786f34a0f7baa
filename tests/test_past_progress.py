"""What a plan declares of its progress holds from the day on which it was read, not before."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from itpm_sync import app
from itpm_sync.reconcile.status import Figure, Snapshot

BEFORE = datetime(2026, 11, 3, 6, 0, tzinfo=UTC)
FIRST = datetime(2026, 11, 10, 6, 0, tzinfo=UTC)
SECOND = datetime(2026, 11, 17, 6, 0, tzinfo=UTC)
TABLES = """
plan: {file: plan.csv, kind: work_package, key: Code, columns: {
  code: Code, name: Code, project_key: Project, planned_start: Start, planned_finish: Finish,
  percent_complete: Done,
  budget: {column: Budget, as: money, currency: CHF}, method: Method}}
"""
PLAN = """Code,Project,Start,Finish,Budget,Method,Done
1,NET,2026-11-02,2026-11-27,1000,percent_complete,{}
"""


@pytest.fixture
def session(csv_office: Callable[..., Path]) -> Iterator[app.Session]:
    with app.open_session(csv_office(TABLES)) as session:
        yield session


def pull_at(session: app.Session, office: Path, moment: datetime, percent: int) -> None:
    session.clock = lambda: moment
    file = office / "office" / "plan.csv"
    file.write_text(PLAN.format(percent))
    os.utime(file, (moment.timestamp(), moment.timestamp()))
    app.pull(session)


def ev(snapshot: Snapshot) -> Figure:
    return snapshot.projects[0].figures["ev"]


def test_a_percentage_that_was_read_later_is_none_of_a_past_day(
    session: app.Session, tmp_path: Path
) -> None:
    pull_at(session, tmp_path, FIRST, 30)
    pull_at(session, tmp_path, SECOND, 60)
    assert ev(app.reconcile(session)).value == 600
    assert ev(app.reconcile(session, as_of=FIRST.date())).value == 300
    unknown = ev(app.reconcile(session, as_of=BEFORE.date()))
    assert unknown.value is None
    assert unknown.reason == "work package 1: its percentage on that day is not known"
