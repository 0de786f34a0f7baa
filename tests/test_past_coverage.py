"""A report for a past day says what was known of the sources by the end of that day."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from itpm_sync import app
from itpm_sync.reconcile.status import Snapshot

BEFORE = datetime(2026, 11, 9, 18, 0, tzinfo=UTC)  # 30 h before the end of the day of FIRST
FIRST = datetime(2026, 11, 10, 6, 0, tzinfo=UTC)
SECOND = datetime(2026, 11, 17, 6, 0, tzinfo=UTC)
THIRD = datetime(2026, 11, 18, 6, 0, tzinfo=UTC)
TABLES = """
bills: {file: bills.csv, kind: invoice_line, key: [Number], columns: {
  invoice: Number, project_key: Project, invoiced_on: Date,
  amount: {column: Net, as: money, currency: CHF}}}
"""
BILLS = "Number,Project,Date,Net\nR-1,NET,2026-11-02,500\n"
PullAt = Callable[[datetime, str | None], None]


@pytest.fixture
def session(csv_office: Callable[..., Path]) -> Iterator[app.Session]:
    with app.open_session(csv_office(TABLES)) as session:
        yield session


@pytest.fixture
def pull_at(session: app.Session, tmp_path: Path) -> PullAt:
    """Pulls at a moment when the bills read so; None: their file is missing."""

    def at(moment: datetime, lines: str | None) -> None:
        session.clock = lambda: moment
        file = tmp_path / "office" / "bills.csv"
        file.unlink(missing_ok=True)
        if lines is not None:
            file.write_text(lines)
            os.utime(file, (moment.timestamp(), moment.timestamp()))
        app.pull(session)

    return at


def of_sources(snapshot: Snapshot) -> list[str]:
    """The codes of the findings of the sources."""
    codes = {"stale-source", "incomplete-source"}
    return sorted(f.code for f in snapshot.findings if f.code in codes)


def test_a_shortage_of_today_is_none_of_a_past_day(session: app.Session, pull_at: PullAt) -> None:
    pull_at(FIRST, BILLS)
    then = app.reconcile(session)
    pull_at(SECOND, None)
    (told,) = (f for f in app.reconcile(session).findings if f.code == "incomplete-source")
    assert told.stands_for == ("stale-source//office/bills/bills.csv",)
    again = app.reconcile(session, as_of=FIRST.date())
    assert of_sources(again) == []
    (row,) = again.coverage
    assert replace(row, later=None) == then.coverage[0]
    assert (row.stored, row.as_of, row.complete) == (1, FIRST, True)


def test_a_shortage_of_a_past_day_stays_that_days_while_nothing_made_it_good(
    session: app.Session, pull_at: PullAt
) -> None:
    pull_at(BEFORE, BILLS)
    pull_at(FIRST, None)
    assert of_sources(app.reconcile(session)) == ["incomplete-source"]
    pull_at(SECOND, None)
    assert of_sources(app.reconcile(session, as_of=FIRST.date())) == ["incomplete-source"]


def test_a_source_that_was_read_whole_since_lacks_nothing_of_a_past_day(
    session: app.Session, pull_at: PullAt
) -> None:
    pull_at(BEFORE, BILLS)
    pull_at(FIRST, None)
    pull_at(SECOND, BILLS)
    past = app.reconcile(session, as_of=FIRST.date())
    assert of_sources(past) == []
    (row,) = past.coverage
    assert not row.complete
    assert row.later is not None
    assert (row.later.as_of, row.later.complete) == (SECOND, True)


def test_a_shortage_after_a_whole_reading_is_none_of_the_day_before_it(
    session: app.Session, pull_at: PullAt
) -> None:
    pull_at(BEFORE, BILLS)
    pull_at(FIRST, None)
    pull_at(SECOND, BILLS)
    pull_at(THIRD, None)
    past = app.reconcile(session, as_of=FIRST.date())
    assert of_sources(past) == []
    later = past.coverage[0].later
    assert later is not None
    assert (later.as_of, later.complete) == (SECOND, True)


def test_the_week_that_a_later_pull_read_is_not_stale(
    session: app.Session, pull_at: PullAt
) -> None:
    pull_at(FIRST, BILLS)
    pull_at(SECOND, BILLS)
    past = app.reconcile(session, as_of=date(2026, 11, 16))  # 6 days after the reading by then
    assert of_sources(past) == []
    assert past.coverage[0].as_of == FIRST


def test_a_day_before_the_first_pull_is_told_as_not_read_by_then(
    session: app.Session, pull_at: PullAt
) -> None:
    pull_at(SECOND, BILLS)
    past = app.reconcile(session, as_of=FIRST.date())
    assert of_sources(past) == []
    (row,) = past.coverage
    assert (row.stored, row.source_count, row.as_of, row.complete) == (0, None, None, False)
    assert row.later is not None
    assert row.later.as_of == SECOND


def test_a_record_in_quarantine_is_named_by_its_project(
    csv_office: Callable[..., Path], tmp_path: Path
) -> None:
    plan = """
plan: {file: plan.csv, kind: work_package, key: [Project, WBS], columns: {
  project_key: Project, code: WBS, name: Name, planned_start: {column: Start, soft: false}}}
"""
    with app.open_session(csv_office(plan)) as session:
        lines = "Project,WBS,Name,Start\nNET,1,Switches,soon\nSDM,1,Desk,soon\n"
        (tmp_path / "office" / "plan.csv").write_text(lines)
        app.pull(session)
        (net,) = app.reconcile(session).projects
    (one,) = net.quarantined
    assert (one.source, one.name) == ("office plan", "NET/1")
    assert "plan.csv row 2, column Start: expected a" in one.message


def test_a_folder_that_was_gone_for_a_day_doubles_no_history(
    csv_office: Callable[..., Path], tmp_path: Path
) -> None:
    notes = """
notes: {file: notes.csv, kind: risk, key: [Code], columns: {code: Code, title: T}}
"""
    office, away = tmp_path / "office", tmp_path / "away"
    with app.open_session(csv_office(TABLES + notes)) as session:
        (office / "bills.csv").write_text(BILLS)
        keys = {"incomplete-source//office", *(
            f"incomplete-source//office/{name}/{name}.csv" for name in ("bills", "notes")
        )}  # fmt: skip

        def spans_on(moment: datetime) -> dict[str, tuple[date, date | None]]:
            session.clock = lambda: moment
            app.pull(session)
            app.reconcile(session)
            found = session.store.outcome.finding_spans(moment.date())
            return {key: found[key] for key in keys & set(found)}

        notes_key = "incomplete-source//office/notes/notes.csv"
        assert spans_on(FIRST) == {notes_key: (FIRST.date(), FIRST.date())}
        office.rename(away)
        spans = spans_on(SECOND)
        assert set(spans) == keys
        assert spans[notes_key] == (FIRST.date(), FIRST.date())
        assert spans["incomplete-source//office"] == (SECOND.date(), SECOND.date())
        away.rename(office)
        spans = spans_on(THIRD)
        assert spans.pop(notes_key) == (FIRST.date(), FIRST.date())
        assert {span[0] for span in spans.values()} == {SECOND.date()}
        (office / "notes.csv").write_text("Code,T\nR1,late\n")
        spans_on(THIRD + timedelta(days=1))  # what is settled on a day still counts for it
        assert {since for _, since in spans_on(THIRD + timedelta(days=2)).values()} == {None}
