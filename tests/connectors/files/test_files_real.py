"""Real dirt: 2,472 projects of the US federal IT dashboard, as published."""

from __future__ import annotations

import csv
import re
from collections import Counter
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from connectors.files.connector import FilesConnector
from connectors.files.settings import FilesSettings
from itpm_sync.connector import Context, Count, Page, Window
from itpm_sync.mapping import compile_mapping
from itpm_sync.model import Money, Project
from tests.beside import SHARED, on_real_data

FOLDER = SHARED / "data" / "us-it-dashboard"
WINDOW = Window(since=None, until=datetime(2026, 1, 1, tzinfo=UTC))

pytestmark = on_real_data(FOLDER)

MILLIONS = {"as": "money", "currency": "USD", "scale": 1_000_000, "required": True}
SETTINGS = {
    "tables": {
        "projects": {
            "file": "projects.csv",
            "kind": "project",
            "key": ["Project ID"],
            "columns": {
                "code": "Project ID",
                "name": "Project Name",
                "project_key": "Unique Investment Identifier",
                "planned_start": {"column": "Start Date", "required": True},
                "planned_finish": {"column": "Completion Date (B1)", "required": True},
                "actual_finish": "Projected/Actual Project Completion Date (B2)",
                "planned_cost": {"column": "Planned Cost ($ M)", **MILLIONS},
                "actual_cost": {"column": "Projected/Actual Cost ($ M)", **MILLIONS},
            },
            "attributes": {
                "agency": "Agency Name",
                "unique_project_id": "Unique Project ID",
                "published_cost_variance": {
                    "column": "Cost Variance ($ M)", "as": "decimal", "scale": 1_000_000,
                },
                "published_schedule_variance_days": {
                    "column": "Schedule Variance (in days)", "as": "int",
                },
            },
        }
    }
}  # fmt: skip


@pytest.fixture(scope="module")
def connector() -> FilesConnector:
    settings = FilesSettings.model_validate(SETTINGS)
    return FilesConnector("it-dashboard", settings, Context(base_dir=FOLDER))


@pytest.fixture(scope="module")
def pages(connector: FilesConnector) -> list[Page]:
    (stream,) = connector.streams()
    (partition,) = connector.partitions(stream, WINDOW)
    return list(connector.fetch(stream, partition, WINDOW))


@pytest.fixture(scope="module")
def projects(connector: FilesConnector, pages: list[Page]) -> dict[str, Project]:
    mapper = compile_mapping(connector.mapping())
    mapped = [mapper.apply("it-dashboard", "projects", r) for p in pages for r in p.records]
    assert not [problem for each in mapped for problem in each.problems]
    records = [record for each in mapped for record in each.records]
    return {record.code: record for record in records if isinstance(record, Project)}


def published() -> list[dict[str, str]]:
    with (FOLDER / "projects.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_row_is_a_record_or_a_named_rejection(
    connector: FilesConnector, pages: list[Page]
) -> None:
    rows = published()
    assert len(rows) == 2472
    records = [record for page in pages for record in page.records]
    rejected = [error for page in pages for error in page.rejected]
    repeated = [error for error in rejected if error.field == "Project ID"]
    assert len(records) + len(repeated) == len(rows)
    assert len({record.source_id for record in records}) == len(records)
    assert all(re.fullmatch(r"projects\.csv row \d+, column .+", e.place) for e in rejected)
    assert sorted(error.source_id for error in repeated) == sorted(
        key
        for key, times in Counter(row["Project ID"] for row in rows).items()
        for _ in range(times - 1)
    )
    assert connector.count(connector.streams()[0], "projects.csv") == Count(2468)


def test_missing_costs_and_dates_are_reported_cell_by_cell(pages: list[Page]) -> None:
    reported = Counter(e.field for page in pages for e in page.rejected if e.field != "Project ID")
    unique = {row["Project ID"]: row for row in reversed(published())}
    expected = {
        column: sum(not row[column] for row in unique.values())
        for column in (
            "Start Date",
            "Completion Date (B1)",
            "Planned Cost ($ M)",
            "Projected/Actual Cost ($ M)",
        )
    }
    assert reported == expected
    assert min(expected.values()) > 0


def test_amounts_and_dates_equal_the_published_ones_exactly(projects: dict[str, Project]) -> None:
    compared = 0
    for row in published():
        project = projects[row["Project ID"]]
        for column, money in (
            ("Planned Cost ($ M)", project.planned_cost),
            ("Projected/Actual Cost ($ M)", project.actual_cost),
        ):
            text = row[column]
            assert money == (Money(Decimal(text) * 1_000_000, "USD") if text else None)
            compared += bool(text)
        start = row["Start Date"]
        assert project.planned_start == (date.fromisoformat(start[:10]) if start else None)
    assert compared == 2 * (2472 - 17)


def test_the_published_variance_is_at_hand_for_comparison(projects: dict[str, Project]) -> None:
    """Most published variances equal planned minus actual; the others must be found later."""
    agree = differ = 0
    for project in projects.values():
        if project.planned_cost and project.actual_cost:
            ours = (project.planned_cost - project.actual_cost).amount
            stated = Decimal(project.attributes["published_cost_variance"])
            agree += abs(ours - stated) <= 500  # published to three digits of a million
            differ += abs(ours - stated) > 500
    assert agree + differ == 2468 - 17
    assert agree > 2000
    assert differ > 0
