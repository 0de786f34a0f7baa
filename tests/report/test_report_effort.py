"""Effort variance on the project's page and in the workbook."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO

import openpyxl

from itpm_sync.reconcile.status import EffortGroup
from itpm_sync.report import render_project, render_workbook
from itpm_sync.report.build import build_project
from itpm_sync.report.effort import effort, effort_groups
from itpm_sync.report.past import Past
from itpm_sync.report.wording import NBSP
from tests.report.sample import figure, network, snapshot


def figures(estimated_h: int, spent_h: int, percent: int, note: str = ""):
    values = {
        "effort_estimated_s": (estimated_h * 3600, "s"),
        "effort_spent_s": (spent_h * 3600, "s"),
        "effort_variance_s": ((estimated_h - spent_h) * 3600, "s"),
        "effort_variance_percent": (percent, "percent"),
    }
    return {name: figure(name, *value, note) for name, value in values.items()}


def group(by: str, name: str, estimated_h: int, spent_h: int, percent: int) -> EffortGroup:
    of = figures(estimated_h, spent_h, percent)
    return EffortGroup(by=by, name=name, items=2, figures=of)


PROJECT = replace(
    network(),
    figures=network().figures | figures(100, 125, -25, "of 7 items done"),
    effort=(group("priority", "High", 60, 90, -50), group("priority", "<b>Low</b>", 40, 35, 12),
            group("type", "Story", 100, 125, -25)),
)  # fmt: skip


def plain(text: str) -> str:
    return text.replace(NBSP, " ")


def test_the_variance_stands_beside_what_was_estimated():
    [found] = effort(PROJECT)
    assert plain(found.value.text) == "−25 h"
    assert plain(found.beside) == "−25 % of 100 h estimated, of 7 items done"
    assert not list(effort(replace(PROJECT, figures={})))


def test_groups_are_told_where_there_is_more_than_one():
    assert plain(effort_groups(PROJECT)) == (
        "Effort variance by priority: High −50 %, <b>Low</b> 12 %."
    )
    assert effort_groups(replace(PROJECT, effort=())) == ""


def test_the_page_escapes_the_words_of_the_source():
    bare = replace(PROJECT, curve=(), burnup=(), help_desk=None)
    whole = replace(snapshot(), projects=(bare,))
    html = render_project(build_project(bare, whole, Past.of(whole, None))).decode()
    assert "Effort variance by priority" in html
    assert "<b>Low" not in html


def test_the_workbook_has_a_row_a_group_below_that_of_the_project():
    book = openpyxl.load_workbook(
        BytesIO(render_workbook(replace(snapshot(), projects=(PROJECT,)))), data_only=True
    )
    rows = list(book["Effort"].iter_rows(min_row=2, values_only=True))
    assert [(r[1], r[2], r[3]) for r in rows] == [
        ("project", None, None), ("priority", "High", 2), ("priority", "<b>Low</b>", 2),
        ("type", "Story", 2),
    ]  # fmt: skip


def test_unplanned_effort_stands_beside_what_was_booked():
    known = {
        "unplanned_effort_s": figure("unplanned_effort_s", 10 * 3600, "s"),
        "effort_s": figure("effort_s", 25 * 3600, "s"),
        "unplanned_ratio_percent": figure("unplanned_ratio_percent", 40, "percent"),
    }
    _, found = effort(replace(PROJECT, figures=PROJECT.figures | known))
    assert (plain(found.value.text), plain(found.beside)) == ("40 %", "10 h of 25 h booked")
