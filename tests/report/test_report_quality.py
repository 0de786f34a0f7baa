"""Quality, risk and the simulated range on the project's page and in the workbook."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from io import BytesIO

import openpyxl

from itpm_sync.reconcile.status import DefectWeek, ExposurePoint
from itpm_sync.report import render_workbook
from itpm_sync.report.quality import exposures, quality, quality_weeks
from itpm_sync.report.ranges import simulated
from itpm_sync.report.wording import NBSP
from tests.report.sample import figure, network, snapshot

TODAY = date(2026, 11, 22)
FIGURES = {
    f.name: f
    for f in (
        figure("finish_p50", 2, "weeks"),
        figure("finish_p80", 4, "weeks"),
        figure("finish_p95", None, "weeks", reason="too far"),
        figure("cost_p50", 1500, "EUR"),
        figure("cost_p80", 1500, "EUR"),
        figure("ac", 500, "EUR"),
        figure("bac", 1000, "EUR"),
        figure("open_defects", 3, "items"),
        figure("defect_age", "16.5", "days", "median; the oldest 21 days"),
        figure("defects_opened", 2, "items"),
        figure("defects_closed", 1, "items"),
        figure("defects_reopened", 0, "items"),
        figure("defects_escaped", 1, "items"),
        figure("escaped_share", 25, "percent", "of 4 defects"),
        figure("desk_reopened", None, "percent", reason="none closed"),
        figure("risks_open", 1, "items"),
        figure("risk_exposure", 530, "EUR"),
        figure("risk_exposure_change", -70, "EUR", "since 15 Nov 2026"),
    )
}
WEEKS = tuple(
    DefectWeek(monday=date(2026, 11, 9 + 7 * n), opened=1, closed=0, reopened=0, open_at_end=2 + n)
    for n in range(2)
)
PROJECT = replace(
    network(), figures=FIGURES, defect_weeks=WEEKS, unit="EUR", planned_finish=date(2026, 12, 6)
)


def plain(text: str) -> str:
    return text.replace(NBSP, " ")


def test_the_range_in_a_sentence_and_what_it_lacks():
    told = plain(simulated(PROJECT, TODAY).sentence)
    assert told == (
        "In courses simulated from the project’s own weeks, 50 % finish by 6 Dec 2026, "
        "80 % by 20 Dec 2026; 80 % and more cost at most EUR 1,500. Not simulated: too far."
    )


def test_bars_begin_today_and_at_what_is_spent():
    finish, cost = simulated(PROJECT, TODAY).bars
    # 28 days and some room are 29.68: 14 days lie at 47.17 %, 28 at 94.34 %
    assert [at for _, _, at in finish.points] == ["47.17%", "94.34%"]
    assert (finish.left, finish.width, finish.planned_at) == ("47.17%", "47.17%", "47.17%")
    assert [at for _, _, at in cost.points] == ["94.34%", "94.34%"]
    assert cost.planned_at == "47.17%"  # 500 of 1,060
    assert plain(cost.start) == "spent EUR 500"


def test_no_history_is_told_in_words_and_draws_no_bar():
    short = {n: replace(f, value=None, reason="the history is too short")
             for n, f in FIGURES.items() if n.startswith(("finish_", "cost_"))}  # fmt: skip
    found = simulated(replace(PROJECT, figures={**FIGURES, **short}), TODAY)
    assert found.sentence == "No simulated forecast: the history is too short."
    assert found.bars == ()
    assert simulated(replace(PROJECT, figures={}), TODAY).sentence == ""


def test_quality_and_risk_in_words():
    found = {f.label: (plain(f.value.text), plain(f.beside)) for f in quality(PROJECT)}
    assert found == {
        "Open defects": ("3", "16.5 days old by median; the oldest 21 days"),
        "Defects opened, 28 days": ("2", "1 closed, 0 reopened"),
        "Found in production": ("1", "25 % of 4 defects"),
        "Help-desk items reopened": ("n/a", "none closed"),
        "Risk exposure": ("EUR 530", "1 risk open; EUR 70 less since 15 Nov 2026"),
    }
    assert quality_weeks(PROJECT) == "Open defects at the ends of the last weeks: 2, 3"
    assert quality(replace(PROJECT, figures={})) == ()


def test_exposure_of_the_last_reports():
    def point(day, amount):
        return ExposurePoint(on=date(2026, 11, day), amount=amount and Decimal(amount))

    points = (point(1, "1200.50"), point(8, None), point(15, "600"))
    assert exposures(replace(PROJECT, exposures=points)) == (
        "Risk exposure of the last reports, in EUR: 1,200, n/a, 600"
    )
    assert exposures(replace(PROJECT, exposures=points[:2])) == ""
    assert exposures(replace(PROJECT, exposures=points, figures={})) == ""


def test_workbook_has_the_range_quality_and_weeks():
    book = openpyxl.load_workbook(
        BytesIO(render_workbook(replace(snapshot(), data_date=TODAY, projects=(PROJECT,))))
    )
    heading, row = book["Pace"].iter_rows(values_only=True)
    pace = dict(zip(heading, row, strict=True))
    assert pace["Finish, 80 % likely"].date() == date(2026, 12, 20)
    assert pace["Finish, 95 % likely"] == "n/a"
    assert pace["Cost at completion, 80 % likely"] == 1500
    heading, row = book["Quality"].iter_rows(values_only=True)
    assert dict(zip(heading, row, strict=True))["Risk exposure"] == 530
    assert [r[5] for r in book["Defect weeks"].iter_rows(min_row=2, values_only=True)] == [2, 3]
