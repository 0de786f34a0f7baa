"""`explain` of a figure that was reported, and that its records no longer give."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from itpm_sync import cli
from tests.calling import Run

TABLES = """
plan: {file: plan.csv, kind: work_package, key: [WBS],
       columns: {code: WBS, name: Name, project_key: Project,
                 budget: {column: Budget, currency: CHF}}}
"""
HEAD = "Project,WBS,Name,Budget\nNET,1,Switches,100\n"


@pytest.fixture
def office(csv_office: Callable[..., Path], tmp_path: Path, call: Run) -> tuple[str, ...]:
    """Reported with two work packages, of which the plan then lost one."""
    words = "-c", str(csv_office(TABLES))
    plan = tmp_path / "office" / "plan.csv"
    plan.write_text(HEAD + "NET,2,Cabling,50\n")
    assert call(*words, "pull").code == call(*words, "reconcile").code == 0
    plan.write_text(HEAD)
    call(*words, "pull")
    return words


def test_a_reported_figure_without_records_says_what_was_reported_and_what_to_do(
    office: tuple[str, ...], call: Run
) -> None:
    code, _, said = call(*office, "explain", "NET", "bac", "--package", "2")
    assert code == cli.EXIT_CONFIG
    assert "the snapshot says CHF 50.00, and its records give no 'bac' any more" in said
    assert "records changed since — run: itpm-sync reconcile\n" in said


def test_a_figure_that_never_was_is_unknown_and_not_gone(
    office: tuple[str, ...], call: Run
) -> None:
    _, _, said = call(*office, "explain", "NET", "bac", "--package", "3")
    assert "any more" not in said
    assert "3" in said


def test_after_reconciling_again_it_is_unknown(office: tuple[str, ...], call: Run) -> None:
    assert call(*office, "reconcile").code == 0
    assert "any more" not in call(*office, "explain", "NET", "bac", "--package", "2").err
