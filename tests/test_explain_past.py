"""`explain --as-of`: a past figure with what was known of it then, and what has changed since."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from fractions import Fraction
from pathlib import Path

import pytest

from itpm_sync import app
from itpm_sync.app.inquiry import Explained
from itpm_sync.errors import ConfigError
from itpm_sync.output.explanation import parts as rows

THEN = datetime(2026, 11, 10, 6, 0, tzinfo=UTC)
LATER = datetime(2026, 11, 17, 6, 0, tzinfo=UTC)
DAY = THEN.date()
TABLES = """
plan: {file: plan.csv, kind: work_package, key: [WBS], columns: {
  code: WBS, name: Name, project_key: Project, planned_start: Start, planned_finish: Finish,
  budget: {column: Budget, as: money, currency: CHF}}}
contracts: {file: contracts.csv, kind: contract, key: [Number], columns: {
  number: Number, vendor: Vendor, project_key: Project, start: Start, end: End,
  ceiling: {column: Ceiling, as: money, currency: CHF}}}
bills: {file: bills.csv, kind: invoice_line, key: [Number], columns: {
  invoice: Number, vendor: Vendor, project_key: Project, contract: Contract,
  invoiced_on: Date, amount: {column: Net, as: money, currency: CHF}}}
"""
HEAD = "Number,Vendor,Project,Contract,Date,Net\n"
Bills = Callable[[datetime, str], None]


@pytest.fixture
def session(csv_office: Callable[..., Path], tmp_path: Path) -> Iterator[app.Session]:
    configuration, folder = csv_office(TABLES), tmp_path / "office"
    (folder / "plan.csv").write_text(
        "Project,WBS,Name,Start,Finish,Budget\nNET,1,Switches,2026-10-01,2026-12-18,9000\n"
    )
    (folder / "contracts.csv").write_text(
        "Number,Vendor,Project,Start,End,Ceiling\nC-1,Acme,NET,2026-01-01,2026-12-31,5000\n"
    )
    for file in folder.iterdir():
        os.utime(file, (THEN.timestamp(), THEN.timestamp()))
    with app.open_session(configuration) as session:
        yield session


@pytest.fixture
def pulled(session: app.Session, tmp_path: Path) -> Bills:
    """Pulls at a moment when the bills read so."""

    def at(moment: datetime, lines: str) -> None:
        session.clock = lambda: moment
        file = tmp_path / "office" / "bills.csv"
        file.write_text(HEAD + lines)
        os.utime(file, (moment.timestamp(), moment.timestamp()))
        app.pull(session)

    return at


def explained(session: app.Session, figure: str, as_of: date | None = DAY) -> Explained:
    return app.explain(session, "NET", figure, as_of=as_of)


def test_a_past_value_is_not_told_as_fetched_by_a_run_that_never_saw_it(
    session: app.Session, pulled: Bills
) -> None:
    pulled(THEN, "R-1,Acme,NET,,2026-11-02,500\nR-2,Acme,NET,,2026-11-02,80\n")
    app.reconcile(session)
    first = session.store.runs(limit=1)[0].id
    pulled(LATER, "R-1,Acme,NET,,2026-11-02,700\nR-2,Acme,NET,,2026-11-02,80\n")
    told = explained(session, "ac")
    of = {p.value: p for p in told.found.parts}
    assert told.found.total == 580
    assert (of[Fraction(500)].run, of[Fraction(500)].seen_at) == ("", THEN)
    assert of[Fraction(500)].superseded
    assert (of[Fraction(80)].run, of[Fraction(80)].superseded) == (first, False)
    cells = {row[0]: row[4] for row in rows(told.found, DAY, everything=True)}
    assert cells["CHF 500.00"].startswith("(run not kept) 2026-11-10")
    assert cells["CHF 500.00"].endswith("; superseded since")


def test_a_contracts_past_figure_says_that_records_changed_since(
    session: app.Session, pulled: Bills
) -> None:
    pulled(THEN, "R-1,Acme,NET,C-1,2026-11-02,500\n")
    app.reconcile(session)
    assert explained(session, "contract:C-1:invoiced").changed == ""
    pulled(LATER, "R-1,Acme,NET,C-1,2026-11-02,500\nR-2,Acme,NET,C-1,2026-11-03,70\n")
    told = explained(session, "contract:C-1:invoiced")
    assert (told.found.figure.value, told.kept) == (570, True)
    assert told.changed == (
        "the snapshot says CHF 500.00: records changed since — run: "
        "itpm-sync reconcile --as-of 2026-11-10"
    )
    assert explained(session, "contract:C-1:burn").changed.startswith("the snapshot says 0.12: ")


def test_the_run_that_saw_a_state_after_another_is_known(
    session: app.Session, pulled: Bills
) -> None:
    pulled(datetime(2026, 11, 3, 6, 0, tzinfo=UTC), "R-1,Acme,NET,,2026-11-02,400\n")
    pulled(THEN, "R-1,Acme,NET,,2026-11-02,500\n")
    app.reconcile(session)
    second = session.store.runs(job="pull", limit=1)[0].id
    pulled(LATER, "R-1,Acme,NET,,2026-11-02,700\n")
    [part] = explained(session, "ac").found.parts
    assert (part.value, part.run, part.seen_at) == (500, second, THEN)


def test_a_figure_that_the_records_no_longer_give_says_what_was_reported(
    session: app.Session, pulled: Bills
) -> None:
    booked = "R-1,Acme,NET,,2026-11-02,500\nR-01,Acme,NET,,2026-11-03,500\n"
    pulled(THEN, booked)
    app.reconcile(session)
    assert explained(session, "disputed").found.figure.value == 500
    pulled(LATER, f"{booked}G-1,Acme,NET,,2026-11-04,-500\n")  # the copy is credited
    now = explained(session, "disputed")
    assert now.found.figure.value == 0
    assert now.changed.startswith("the snapshot says CHF 500.00: records changed since")
    with pytest.raises(ConfigError, match="zzz"):
        explained(session, "zzz")
