"""A day that is reconciled for a look back does not become the week before of today's report."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from itpm_sync import app

TODAY = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
TABLES = """
receipts: {file: receipts.csv, kind: receipt, key: Number, columns: {
  order: Order, project_key: Project, received_on: Date, quantity: Quantity}}
"""


@pytest.fixture
def session(csv_office: Callable[..., Path], tmp_path: Path) -> Iterator[app.Session]:
    with app.open_session(csv_office(TABLES)) as session:
        session.clock = lambda: TODAY
        lines = "Number,Order,Project,Date,Quantity\nR-1,PO-7,NET,2024-11-02,1\n"
        (tmp_path / "office" / "receipts.csv").write_text(lines)
        app.pull(session)
        app.reconcile(session)
        yield session


def receipt(session: app.Session) -> tuple[str, date | None]:
    """What became of the finding of the receipt, and since when it stands."""
    [found] = [f for f in app.findings(session) if f.finding.code == "receipt-without-order"]
    return found.state.value, found.finding.since


def page(session: app.Session, out: Path) -> str:
    paths = app.report(session, formats=["html"], out=out).files
    return next(p for p in paths if p.name == "NET.html").read_text()


def test_a_day_of_long_ago_is_not_compared_with_and_the_report_says_why(
    session: app.Session, tmp_path: Path
) -> None:
    assert "First report, nothing to compare with" in page(session, tmp_path / "out")
    app.reconcile(session, as_of=date(2025, 1, 6))
    app.reconcile(session)
    told = page(session, tmp_path / "out").replace("\u00a0", " ")
    assert (
        "Nothing to compare with: the report before, of 6 Jan 2025, is 687 days older, "
        "more than 35" in told
    )
    assert receipt(session) == ("still open", TODAY.date())


def test_of_several_days_the_one_a_week_earlier_is_compared_with(
    session: app.Session, tmp_path: Path
) -> None:
    for day in (5, 16, 19):
        app.reconcile(session, as_of=date(2026, 11, day))
    told = page(session, tmp_path / "out").replace("\u00a0", " ")
    assert "Since last week (16 Nov 2026): 0 new" in told


def test_before_there_is_a_week_the_first_day_is_compared_with(
    session: app.Session, tmp_path: Path
) -> None:
    for day in (22, 23):
        app.reconcile(session, as_of=date(2026, 11, day))
    told = page(session, tmp_path / "out").replace("\u00a0", " ")
    assert "Since 22 Nov 2026: 0 new" in told


def test_a_finding_of_the_day_that_is_compared_with_stands_since_then(
    session: app.Session,
) -> None:
    app.reconcile(session, as_of=date(2026, 11, 17))
    assert receipt(session) == ("still open", date(2026, 11, 17))
    app.reconcile(session)
    assert receipt(session) == ("still open", date(2026, 11, 17))
