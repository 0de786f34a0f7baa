"""2,480 resolved issues of public Jiras: effort variance by project and priority.

Run with `make real`. The recomputation uses the rows and the standard library alone.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from datetime import date, datetime
from decimal import Decimal

import pytest

from itpm_sync.model import SourceRef, WorkItem, WorkStatus
from itpm_sync.reconcile import reconcile
from itpm_sync.reconcile.inputs import Inputs, ProjectSetup
from itpm_sync.reconcile.status import Snapshot
from tests.beside import SHARED, on_real_data

DATA = SHARED / "data" / "jira-time-estimates" / "resolved_issues.csv"

pytestmark = on_real_data(DATA)


@pytest.fixture(scope="module")
def rows() -> list[dict[str, str]]:
    with DATA.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def project(row: dict[str, str]) -> str:
    return f"{row['repo_name']} {row['project_name']}"


def seconds(text: str) -> int | None:
    return int(float(text)) if text else None


def item(row: dict[str, str], number: int) -> WorkItem:
    resolved = datetime.fromisoformat(row["resolutiondate"] or row["updated"])
    return WorkItem(
        ref=SourceRef("jira", "issue", str(number)), key=f"I-{number}", title=row["issue_name"],
        project_key=project(row), priority=row["priority"], status=WorkStatus.DONE,
        source_type=row["issue_name"], estimate_s=seconds(row["timeestimate"]),
        spent_s=seconds(row["timespent"]), created_at=datetime.fromisoformat(row["created"]),
        resolved_at=resolved,
    )  # fmt: skip


def recomputed(rows: list[dict[str, str]], *columns: str) -> dict[tuple[str, ...], int]:
    """Estimated − spent in seconds, by project and other columns."""
    sums: dict[tuple[str, ...], int] = defaultdict(int)
    for row in rows:
        variance = (seconds(row["timeestimate"]) or 0) - (seconds(row["timespent"]) or 0)
        sums[project(row), *(row[c] or "none" for c in columns)] += variance
    return sums


@pytest.fixture(scope="module")
def snapshot(rows: list[dict[str, str]]) -> Snapshot:
    names = sorted({project(row) for row in rows})
    return reconcile(
        Inputs(
            title="Public Jiras", data_date=date(2023, 1, 1), zone="UTC", rules=(),
            records={"work_item": tuple(item(row, number) for number, row in enumerate(rows))},
            projects=tuple(ProjectSetup(code=n, name=n) for n in names),
        )
    )  # fmt: skip


def test_the_file_is_the_one_that_was_looked_at(rows):
    assert len(rows) == 2480


@pytest.mark.parametrize(("by", "column"), [("priority", "priority"), ("type", "issue_name")])
def test_effort_variance_of_each_group_equals_a_plain_recomputation(rows, snapshot, by, column):
    found = {
        (p.code, group.name): group.figures["effort_variance_s"].value
        for p in snapshot.projects
        for group in p.effort
        if group.by == by
    }
    assert found == recomputed(rows, column)


def test_effort_variance_of_each_project_equals_a_plain_recomputation(rows, snapshot):
    found = {(p.code,): p.figures["effort_variance_s"].value for p in snapshot.projects}
    assert found == recomputed(rows)


def test_each_project_is_off_by_the_percentage_that_its_rows_say(rows, snapshot):
    estimated = defaultdict(int)
    for row in rows:
        estimated[project(row)] += seconds(row["timeestimate"])
    for (name,), variance in recomputed(rows).items():
        [figure] = [
            p.figures["effort_variance_percent"] for p in snapshot.projects if p.code == name
        ]
        assert abs(figure.value - Decimal(100 * variance) / estimated[name]) < Decimal("1e-9")
