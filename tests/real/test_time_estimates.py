"""2,480 resolved issues of public Jiras: effort planned and spent, by project and priority.

Run with `make real`. Each priority is a work package by an allocation rule, with the sum of the
original estimates as its plan; the time that was logged is booked on the issues. The recomputation
uses the rows and the standard library alone.
"""

from __future__ import annotations

import csv
import os
from collections import defaultdict
from datetime import date, datetime
from pathlib import Path

import pytest

from itpm_sync.model import Record, SourceRef, TimeEntry, WorkItem, WorkPackage, WorkStatus
from itpm_sync.reconcile import reconcile
from itpm_sync.reconcile.status import Inputs, ProjectSetup, Rule, Snapshot

SHARED = Path(os.environ.get("ITPM_SHARED", Path(__file__).parents[3] / "shared"))
DATA = SHARED / "data" / "jira-time-estimates" / "resolved_issues.csv"

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not DATA.is_file(), reason="the real data are not beside the project"),
    pytest.mark.skipif(os.environ.get("ITPM_REAL") != "1", reason="real data: make real"),
]
NOBODY_SAID = "no priority"


@pytest.fixture(scope="module")
def rows() -> list[dict[str, str]]:
    with DATA.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def project(row: dict[str, str]) -> str:
    return f"{row['repo_name']} {row['project_name']}"


def seconds(text: str) -> int | None:
    return int(float(text)) if text else None


def records(row: dict[str, str], number: int) -> tuple[WorkItem, TimeEntry | None]:
    resolved = datetime.fromisoformat(row["resolutiondate"] or row["updated"])
    item = WorkItem(
        ref=SourceRef("jira", "issue", str(number)), key=f"I-{number}", title=row["issue_name"],
        project_key=project(row), priority=row["priority"], status=WorkStatus.DONE,
        estimate_s=seconds(row["timeestimate"]), spent_s=seconds(row["timespent"]),
        created_at=datetime.fromisoformat(row["created"]), resolved_at=resolved,
        attributes={"priority": row["priority"] or NOBODY_SAID},
    )  # fmt: skip
    spent = seconds(row["timespent"])
    if not spent:
        return item, None
    return item, TimeEntry(
        ref=SourceRef("jira", "worklog", str(number)), project_key=project(row), item=item.id,
        person=row["assignee_id"] or "somebody", on=resolved.date(), duration_s=spent,
    )  # fmt: skip


def package(name: str, priority: str, planned: int) -> WorkPackage:
    return WorkPackage(
        ref=SourceRef("plan", "package", f"{name}/{priority}"), project_key=name, code=priority,
        name=priority, planned_effort_s=planned,
    )  # fmt: skip


def by_priority(rows: list[dict[str, str]], column: str) -> dict[tuple[str, str], int]:
    """Sums of a column in seconds, by project and priority."""
    sums: dict[tuple[str, str], int] = defaultdict(int)
    for row in rows:
        sums[project(row), row["priority"] or NOBODY_SAID] += seconds(row[column]) or 0
    return sums


@pytest.fixture(scope="module")
def snapshot(rows: list[dict[str, str]]) -> Snapshot:
    made = [records(row, number) for number, row in enumerate(rows)]
    plan = by_priority(rows, "timeestimate")
    found: dict[str, tuple[Record, ...]] = {
        "work_item": tuple(item for item, _ in made),
        "time_entry": tuple(entry for _, entry in made if entry is not None),
        "work_package": tuple(package(*key, planned) for key, planned in plan.items()),
    }
    return reconcile(
        Inputs(
            title="Public Jiras", data_date=date(2023, 1, 1), zone="UTC", records=found,
            rules=(Rule(name="r", when={"kind": ("work_item",)}, work_package="{priority}"),),
            projects=tuple(ProjectSetup(code=n, name=n) for n in sorted({p for p, _ in plan})),
        )
    )  # fmt: skip


def test_the_file_is_the_one_that_was_looked_at(rows):
    assert len(rows) == 2480


def test_effort_variance_of_each_project_and_priority_equals_a_plain_recomputation(rows, snapshot):
    planned, spent = by_priority(rows, "timeestimate"), by_priority(rows, "timespent")
    found = {
        (p.code, package.code): planned[p.code, package.code]
        - int(package.figures["effort_s"].value)
        for p in snapshot.projects
        for package in p.packages
    }
    assert found == {key: planned[key] - spent[key] for key in planned}


def test_effort_of_a_project_is_the_sum_of_its_priorities(rows, snapshot):
    spent: dict[str, int] = defaultdict(int)
    for (name, _), each in by_priority(rows, "timespent").items():
        spent[name] += each
    assert {p.code: p.figures["effort_s"].value for p in snapshot.projects} == spent
