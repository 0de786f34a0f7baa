"""2,472 real federal IT projects through the `files` connector: nothing is lost, variances agree.

Run with `make real`. The data stand beside the project and are not part of it. The published
variances are judged from the file itself, by arithmetic of this test, not by the product's.
"""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest

SHARED = Path(os.environ.get("ITPM_SHARED", Path(__file__).parents[3] / "shared"))
DATA = SHARED / "data" / "us-it-dashboard" / "projects.csv"

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not DATA.is_file(), reason="the real data are not beside the project"),
    pytest.mark.skipif(os.environ.get("ITPM_REAL") != "1", reason="takes minutes: make real"),
]

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
        key: [Unique Project ID]
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
        return list(csv.DictReader(file))


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


def millions(text: str) -> Decimal | None:
    return Decimal(text) * 1_000_000 if text.strip() else None


def test_every_row_is_a_project_or_a_named_finding(
    table: list[dict[str, str]], snapshot: dict[str, dict], found: list[dict]
) -> None:
    ids = Counter(row["Unique Project ID"] for row in table)
    assert len(table) == 2472
    assert set(snapshot) == set(ids)
    repeated = [row for row in table if ids[row["Unique Project ID"]] > 1]
    text = json.dumps(found)
    for ident in {row["Unique Project ID"] for row in repeated}:
        assert f"'{ident}'" in text or f" {ident} " in text or f'"{ident}"' in text, ident


def test_computed_cost_variances_equal_the_published_ones_wherever_those_are_consistent(
    table: list[dict[str, str]], snapshot: dict[str, dict], found: list[dict]
) -> None:
    disagreeing = {f["project"] for f in found if f["code"] == "cost-variance-disagrees"}
    compared = 0
    for row in table:
        planned, actual = (
            millions(row[c]) for c in ("Planned Cost ($ M)", "Projected/Actual Cost ($ M)")
        )
        published, code = millions(row["Cost Variance ($ M)"]), row["Unique Project ID"]
        if None in (planned, actual, published) or snapshot[code] is None:
            continue
        figure = snapshot[code]["figures"].get("cost_variance") or {}
        if planned - actual == published and figure.get("value") is not None:
            compared += 1
            if code not in disagreeing:
                assert Decimal(figure["value"]) == published, code
        elif figure.get("value") is not None and abs(planned - actual - published) > 10_000:
            assert code in disagreeing, code
    assert compared > 2000


def test_each_missing_cost_is_a_finding_that_names_the_row(
    table: list[dict[str, str]], found: list[dict]
) -> None:
    ids = Counter(row["Unique Project ID"] for row in table)
    missing = {
        row["Unique Project ID"]
        for row in table
        if ids[row["Unique Project ID"]] == 1
        and not (row["Planned Cost ($ M)"].strip() and row["Projected/Actual Cost ($ M)"].strip())
    }
    named = {f["project"]: f for f in found if f["code"] == "plan-cost-missing"}
    assert missing
    assert missing <= set(named)
    assert all("row " in named[m]["message"] for m in missing)
