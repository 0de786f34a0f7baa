"""2,472 real federal IT projects through the `files` connector: nothing is lost, variances agree.

Run with `make real`. The data stand beside the project and are not part of it. The published
variances are judged from the file itself, by arithmetic of this test, not by the product's.
"""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
from collections import Counter
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from tests.beside import SHARED, on_real_data

DATA = SHARED / "data" / "us-it-dashboard" / "projects.csv"

pytestmark = on_real_data(DATA)

CONFIGURATION = """
title: Federal IT projects
store: sqlite:///itpm.db
connections:
  dashboard:
    connector: files
    folder: data
    defaults: {currency: USD}
    tables:
      projects:
        file: projects.csv
        kind: project
        key: [Project ID]               # what the register calls unique repeats
        columns:
          project_key: Unique Project ID
          code: Unique Project ID
          name: Project Name
          currency: {value: USD}
          planned_start: Start Date
          planned_finish: {column: "Planned Project Completion Date (B2)", soft: true}
          actual_finish: {column: "Projected/Actual Project Completion Date (B2)", soft: true}
          planned_cost: {column: Planned Cost ($ M), as: money, scale: 1000000, soft: true}
          actual_cost:
            {column: Projected/Actual Cost ($ M), as: money, scale: 1000000, soft: true}
        attributes:
          agency: Agency Name
          published_cost_variance: {column: "Cost Variance ($ M)", as: decimal, scale: 1000000}
          published_cost_variance_percent: "Cost Variance (%)"
          published_schedule_variance_days: "Schedule Variance (in days)"
          published_schedule_variance_percent: "Schedule Variance (%)"
discover_projects: [dashboard]
jobs:
  weekly: {steps: [pull, reconcile, report]}
"""


@pytest.fixture(scope="module")
def table() -> list[dict[str, str]]:
    with DATA.open(encoding="utf-8-sig", newline="") as file:
        return [{k: v.strip() for k, v in row.items()} for row in csv.DictReader(file)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("dashboard")
    (home / "data").mkdir()
    (home / "data" / "projects.csv").write_bytes(DATA.read_bytes())
    (home / "itpm.yaml").write_text(CONFIGURATION)
    done = itpm_sync(home, "run", "weekly")
    assert "Traceback" not in done.stdout + done.stderr
    assert done.returncode in (0, 3), done.stdout + done.stderr
    return home


def itpm_sync(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).parent / "itpm-sync"), *words]
    return subprocess.run(
        command, cwd=home, capture_output=True, text=True, check=False, timeout=600
    )


@pytest.fixture(scope="module")
def found(folder: Path) -> list[dict]:
    return json.loads(itpm_sync(folder, "findings", "--json").stdout)


@pytest.fixture(scope="module")
def snapshot(folder: Path) -> dict[str, dict]:
    """Every project of the snapshot by its code."""
    done = itpm_sync(folder, "reconcile", "--json")
    return {p["code"]: p for p in json.loads(done.stdout)["projects"]}


@pytest.fixture(scope="module")
def loaded(table: list[dict[str, str]]) -> dict[str, dict[str, str]]:
    """The rows that should be projects, by the code that each gets in the snapshot.

    Of rows with one `Project ID` the first counts; of rows with one `Unique Project ID` the first
    by `Project ID` keeps the code, the next are `code (2)`, `code (3)`, …
    """
    first = {row["Project ID"]: row for row in reversed(table)}
    groups: dict[str, list[dict[str, str]]] = {}
    for ident in sorted(first):
        row = first[ident]
        groups.setdefault(row["Unique Project ID"].casefold(), []).append(row)
    return {
        row["Unique Project ID"] if n == 1 else f"{group[0]['Unique Project ID']} ({n})": row
        for group in groups.values()
        for n, row in enumerate(group, 1)
    }


def millions(text: str) -> Decimal | None:
    return Decimal(text) * 1_000_000 if text else None


def test_every_row_is_a_project_or_a_named_finding(
    table: list[dict[str, str]],
    loaded: dict[str, dict[str, str]],
    snapshot: dict[str, dict],
    found: list[dict],
) -> None:
    assert len(table) == 2472
    assert set(snapshot) == set(loaded)
    rejected = [f["message"] for f in found if f["code"] == "rejected-records"]
    assert len(rejected) == len(table) - len(loaded) == 4
    for message in rejected:
        assert re.search(r"projects\.csv row \d+, column Project ID: expected a key", message)


def test_each_id_that_is_not_unique_is_a_finding_that_names_the_rows(
    loaded: dict[str, dict[str, str]], found: list[dict]
) -> None:
    ids = Counter(row["Unique Project ID"].casefold() for row in loaded.values())
    named = {
        f["subject"].rsplit("/", 1)[1].casefold(): f["message"]
        for f in found
        if f["code"] == "repeated-id"
    }
    assert set(named) == {ident for ident, count in ids.items() if count > 1}
    for ident, message in named.items():
        rows = set(re.findall(r"projects\.csv row \d+", message))
        assert len(rows) == ids[ident], ident


def test_computed_cost_variances_equal_the_published_ones_wherever_those_are_consistent(
    loaded: dict[str, dict[str, str]], snapshot: dict[str, dict], found: list[dict]
) -> None:
    disagreeing = {f["project"] for f in found if f["code"] == "cost-variance-disagrees"}
    consistent = inconsistent = 0
    for code, row in loaded.items():
        planned = millions(row["Planned Cost ($ M)"])
        actual = millions(row["Projected/Actual Cost ($ M)"])
        published = millions(row["Cost Variance ($ M)"])
        if planned is None or actual is None or published is None:
            continue
        computed = Decimal(snapshot[code]["figures"]["cost_variance"]["value"])
        assert computed == planned - actual, code
        if planned - actual == published:
            consistent += 1
            assert code not in disagreeing
        else:
            inconsistent += 1
            assert code in disagreeing
    assert (consistent, inconsistent) == (2444, 7)  # of 2,468 rows, 17 without costs


def test_computed_schedule_variances_equal_the_published_ones_wherever_those_are_consistent(
    loaded: dict[str, dict[str, str]], snapshot: dict[str, dict], found: list[dict]
) -> None:
    disagreeing = {f["project"] for f in found if f["code"] == "schedule-variance-disagrees"}
    consistent = 0
    for code, row in loaded.items():
        planned = row["Planned Project Completion Date (B2)"][:10]
        actual = row["Projected/Actual Project Completion Date (B2)"][:10]
        published = row["Schedule Variance (in days)"]
        if not (planned and actual and published):
            continue
        days = (date.fromisoformat(planned) - date.fromisoformat(actual)).days
        assert Decimal(snapshot[code]["figures"]["schedule_variance_days"]["value"]) == days, code
        if Decimal(published) == days:
            consistent += 1
        else:
            assert code in disagreeing, code
    assert consistent > 1000


def test_each_missing_cost_is_a_finding_that_names_the_row(
    loaded: dict[str, dict[str, str]], found: list[dict]
) -> None:
    missing = {
        code
        for code, row in loaded.items()
        if not (row["Planned Cost ($ M)"] and row["Projected/Actual Cost ($ M)"])
    }
    named = {f["project"]: f for f in found if f["code"] == "plan-cost-missing"}
    assert missing == set(named)
    assert all("projects.csv row " in f["message"] for f in named.values())


def test_each_impossible_date_is_a_finding_that_names_the_row(
    loaded: dict[str, dict[str, str]], found: list[dict]
) -> None:
    def day(row: dict[str, str], column: str) -> str:
        return row[column][:10]

    impossible = {
        code
        for code, row in loaded.items()
        if day(row, "Planned Project Completion Date (B2)")
        and day(row, "Planned Project Completion Date (B2)") < day(row, "Start Date")
    }
    named = {f["project"]: f for f in found if f["code"] == "plan-dates-impossible"}
    assert impossible
    assert impossible <= set(named)
    assert all("projects.csv row " in f["message"] for f in named.values())
