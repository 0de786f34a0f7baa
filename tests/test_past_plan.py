"""The plan of a past day: what was added to it later is not in it."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from itpm_sync import app
from itpm_sync.reconcile.status import Snapshot

FIRST = datetime(2026, 11, 10, 6, 0, tzinfo=UTC)
SECOND = datetime(2026, 11, 17, 6, 0, tzinfo=UTC)
THIRD = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
BEFORE = date(2026, 11, 6)  # nothing had been read by then
BETWEEN = date(2026, 11, 18)
TABLES = """
plan: {file: plan.csv, kind: work_package, key: Code, columns: {
  code: Code, name: Code, project_key: Project, planned_start: Start, planned_finish: Finish,
  budget: {column: Budget, as: money, currency: CHF}}}
bills: {file: bills.csv, kind: invoice_line, key: Number, columns: {
  invoice: Number, project_key: Project, invoiced_on: Date,
  amount: {column: Net, as: money, currency: CHF}}}
contracts: {file: contracts.csv, kind: contract, key: Number, columns: {
  number: Number, vendor: Vendor, project_key: Project, start: Start, end: End,
  ceiling: {column: Ceiling, as: money, currency: CHF}}}
items: {file: items.csv, kind: work_item, key: Key, columns: {
  key: Key, title: Key, project_key: Project, created_at: Created}}
"""
HEADS = {
    "plan": "Code,Project,Start,Finish,Budget",
    "bills": "Number,Project,Date,Net",
    "contracts": "Number,Vendor,Project,Start,End,Ceiling",
    "items": "Key,Project,Created",
}
ONE = "1,NET,2026-11-02,2026-11-27,1000"
TWO = "2,NET,2026-11-02,2026-11-27,500"
CONFIG = f"""
version: 1
projects: [{{code: NET, name: Network, currency: CHF}}]
connections:
  office:
    connector: files
    folder: office
    tables:
{textwrap.indent(TABLES, "      ")}
"""
PullAt = Callable[..., None]


@pytest.fixture
def session(csv_office: Callable[..., Path]) -> Iterator[app.Session]:
    with app.open_session(csv_office(TABLES)) as session:
        yield session


@pytest.fixture
def pull_at(session: app.Session, tmp_path: Path) -> PullAt:
    """Pulls at a moment when these tables have these lines, and the others none."""
    return lambda moment, **tables: pull(session, tmp_path / "office", moment, tables)


def pull(
    session: app.Session, folder: Path, moment: datetime, tables: dict[str, list[str]]
) -> None:
    session.clock = lambda: moment
    for name, head in HEADS.items():
        file = folder / f"{name}.csv"
        file.write_text("\n".join([head, *tables.get(name, ())]) + "\n")
        os.utime(file, (moment.timestamp(), moment.timestamp()))
    app.pull(session)


def of(snapshot: Snapshot, name: str) -> Decimal | None:
    return snapshot.projects[0].figures[name].value


def test_a_package_that_a_later_pull_added_is_not_in_the_plan_before_the_first_pull(
    session: app.Session, pull_at: PullAt
) -> None:
    pull_at(FIRST, plan=[ONE])
    pull_at(SECOND, plan=[ONE, TWO])
    assert of(app.reconcile(session), "bac") == 1500
    assert of(app.reconcile(session, as_of=BEFORE), "bac") == 1000


def test_a_package_that_was_added_after_a_past_day_is_not_in_its_plan(
    session: app.Session, pull_at: PullAt
) -> None:
    pull_at(FIRST, plan=[ONE])
    pull_at(SECOND, plan=[ONE])
    pull_at(THIRD, plan=[ONE, TWO])
    assert of(app.reconcile(session, as_of=BETWEEN), "bac") == 1000
    assert of(app.reconcile(session), "bac") == 1500


def test_a_package_that_came_later_and_went_again_is_not_in_the_plan_of_a_day_before_it(
    session: app.Session, pull_at: PullAt
) -> None:
    pull_at(FIRST, plan=[ONE])
    pull_at(SECOND, plan=[ONE, TWO])
    pull_at(THIRD, plan=[ONE])
    assert of(app.reconcile(session, as_of=BEFORE), "bac") == 1000
    assert of(app.reconcile(session, as_of=BETWEEN), "bac") == 1500


def test_a_document_that_was_read_late_counts_from_its_own_day_on(
    session: app.Session, pull_at: PullAt
) -> None:
    bill, later = "R-1,NET,2026-11-02,70", "R-2,NET,2026-11-20,30"
    pull_at(FIRST, plan=[ONE], bills=["R-0,NET,2026-11-01,5"])
    pull_at(THIRD, plan=[ONE], bills=["R-0,NET,2026-11-01,5", bill, later])
    assert of(app.reconcile(session, as_of=BEFORE), "ac") == 75
    assert of(app.reconcile(session, as_of=BETWEEN), "ac") == 75
    assert of(app.reconcile(session), "ac") == 105


def test_a_ticket_without_a_day_of_its_own_is_none_of_the_scope_before_it_came(
    session: app.Session, pull_at: PullAt
) -> None:
    old = "N-1,NET,2026-11-01T08:00:00Z"
    dated, undated = "N-2,NET,2026-11-02T08:00:00Z", "N-3,NET,"
    pull_at(FIRST, plan=[ONE], items=[old])
    pull_at(SECOND, plan=[ONE], items=[old, dated, undated])
    assert of(app.reconcile(session, as_of=BEFORE), "items") == 2
    assert of(app.reconcile(session), "items") == 3


def test_a_contract_that_was_entered_late_was_in_force_from_its_start(
    session: app.Session, pull_at: PullAt
) -> None:
    pull_at(FIRST, plan=[ONE], contracts=["C-0,Acme,NET,2026-01-01,2027-12-31,10"])
    pull_at(
        SECOND, plan=[ONE],
        contracts=[
            "C-0,Acme,NET,2026-01-01,2027-12-31,10",
            "C-1,Acme,NET,2026-10-01,2027-12-31,20",
            "C-2,Acme,NET,2026-11-16,2027-12-31,30",
            "C-3,Acme,NET,,2027-12-31,40",
        ],
    )  # fmt: skip
    past = app.reconcile(session, as_of=BEFORE)
    assert [c.number for c in past.projects[0].contracts] == ["C-0", "C-1"]


def test_the_budget_of_a_day_before_the_first_reading_says_so(
    session: app.Session, pull_at: PullAt, tmp_path: Path
) -> None:
    pull_at(FIRST, plan=[ONE])
    past = app.reconcile(session, as_of=BEFORE).projects[0].figures
    notes = {past[name].note for name in ("bac", "pv")}
    assert notes == {"the plan as it was first read, on 10 Nov 2026"}
    assert "As it was first read, on 10 Nov 2026" in page(session, tmp_path, BEFORE, "NET")
    now = app.reconcile(session, as_of=FIRST.date()).projects[0].figures
    assert (now["bac"].note, now["pv"].note) == ("", "")


def test_the_source_says_how_many_records_were_left_out(
    session: app.Session, pull_at: PullAt
) -> None:
    pull_at(FIRST, plan=[ONE])
    pull_at(SECOND, plan=[ONE, TWO])
    row = next(c for c in app.reconcile(session, as_of=BEFORE).coverage if c.stream == "plan")
    assert row.later is not None
    assert (row.later.as_of, row.later.added) == (FIRST, 1)


def rejected(snapshot: Snapshot) -> list[str]:
    codes = [f for f in snapshot.findings if f.code == "rejected-records"]
    return [f.subject.partition("/")[2] for f in codes]


def test_a_past_day_tells_of_what_stood_in_quarantine_on_it(
    session: app.Session, pull_at: PullAt
) -> None:
    bad = [ONE, "2,NET,2026-11-02,2026-11-27,much"]
    pull_at(FIRST, plan=bad)
    pull_at(SECOND, plan=[*bad, "3,NET,2026-11-02,2026-11-27,little"])
    first, second = (f"plan/{n} plan.csv row {n + 1}, column Budget" for n in (2, 3))
    assert rejected(app.reconcile(session)) == [first, second]
    assert rejected(app.reconcile(session, as_of=BEFORE)) == [first]
    assert rejected(app.reconcile(session, as_of=FIRST.date())) == [first]


def test_a_row_that_moved_in_its_file_stands_in_quarantine_since_it_was_first_met(
    session: app.Session, pull_at: PullAt
) -> None:
    bad = "2,NET,2026-11-02,2026-11-27,much"
    pull_at(FIRST, plan=[bad])
    pull_at(SECOND, plan=[ONE, bad])
    assert len(rejected(app.reconcile(session, as_of=FIRST.date()))) == 1


def test_the_report_of_a_past_day_says_that_mended_records_are_not_kept(
    session: app.Session, pull_at: PullAt, tmp_path: Path
) -> None:
    pull_at(FIRST, plan=[ONE])
    app.reconcile(session)
    assert "what was mended since is not kept" not in page(session, tmp_path, FIRST.date())
    pull_at(SECOND, plan=[ONE, TWO])
    app.reconcile(session, as_of=FIRST.date())
    told = page(session, tmp_path, FIRST.date())
    assert "what was mended since is not kept" in told
    assert "1 record that came later left out" in told


def page(session: app.Session, folder: Path, day: date, name: str = "index") -> str:
    paths = app.report(session, as_of=day, formats=["html"], out=folder / "out").files
    text = next(p for p in paths if p.stem == name).read_text()
    return text.replace("\u00a0", " ")


@settings(max_examples=5)  # each of several pulls
@given(
    first=st.sets(st.integers(1, 6), min_size=1),
    later=st.lists(st.tuples(st.sets(st.integers(1, 9)), st.integers(1, 900)), max_size=2),
)
def test_no_later_pull_changes_the_plan_of_a_day_before_the_first_one(
    tmp_path_factory: pytest.TempPathFactory,
    first: set[int],
    later: list[tuple[set[int], int]],
) -> None:
    folder = tmp_path_factory.mktemp("plan")
    (folder / "office").mkdir()
    (folder / "itpm.yaml").write_text(CONFIG)
    with app.open_session(folder / "itpm.yaml") as session:
        codes = {**dict.fromkeys(first, 100)}
        pull(session, folder / "office", FIRST, {"plan": lines(codes)})
        figures = plan_figures(app.reconcile(session, as_of=BEFORE))
        assert figures["bac"] == 100 * len(first)
        for number, (added, budget) in enumerate(later, start=1):
            codes |= dict.fromkeys(added, budget)
            pull(session, folder / "office", FIRST + timedelta(days=number), {"plan": lines(codes)})
            assert plan_figures(app.reconcile(session, as_of=BEFORE)) == figures


def lines(budgets: dict[int, int]) -> list[str]:
    return [f"{n},NET,2026-11-02,2026-11-27,{budgets[n]}" for n in sorted(budgets)]


def plan_figures(snapshot: Snapshot) -> dict[str, Decimal | None]:
    return {name: of(snapshot, name) for name in ("bac", "pv", "items")}
