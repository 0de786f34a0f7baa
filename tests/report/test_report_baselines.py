"""The original baseline beside the one in force, on the project's page and in the workbook."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from io import BytesIO

import openpyxl

from itpm_sync.reconcile.status import BaselineVersion
from itpm_sync.report import Past, build_project, render_project, render_workbook
from itpm_sync.report.baselines import comparison, layers
from itpm_sync.report.wording import NBSP
from tests.report.sample import figure, network, snapshot

FIGURES = {
    f.name: f
    for f in (
        figure("bac", 1600, "EUR"),
        figure("ev", 800, "EUR"),
        figure("bac_original", 1000, "EUR"),
        figure("pv_original", 500, "EUR"),
        figure("ev_original", 500, "EUR"),
        figure("cv_original", -200, "EUR"),
        figure("sv_original", 0, "EUR"),
        figure("vac_original", None, "EUR", reason="AC is not known"),
        figure("bac_growth", 600, "EUR"),
        figure("bac_growth_percent", 60, "percent"),
        figure("finish_growth_days", 14, "days"),
        figure("budget_base", 1650, "EUR"),
        figure("planning", 0, "EUR"),
        figure("management_reserve", 50, "EUR"),
    )
}


def version(number, on, finish):
    return BaselineVersion(
        version=number, on=on, author="Ann", approval="<b>Board</b>", change_request="",
        finish=finish,
    )  # fmt: skip


FIRST = version(1, date(2026, 3, 2), date(2026, 3, 27))
SECOND = version(2, date(2026, 3, 9), date(2026, 4, 10))
PROJECT = replace(network(), figures={**network().figures, **FIGURES}, baselines=(FIRST, SECOND))


def test_both_baselines_are_named_and_each_figure_stands_twice():
    found = comparison(PROJECT)
    assert found is not None
    assert found.original.replace(NBSP, " ") == ("baseline 1, 2 Mar 2026, approved by <b>Board</b>")
    rows = {
        r.label: (r.original.text.replace(NBSP, " "), r.current.text.replace(NBSP, " "))
        for r in found.rows
    }
    assert rows["Budget (BAC)"] == ("EUR 1,000", "EUR 1,600")
    assert rows["Earned value (EV)"] == ("EUR 500", "EUR 800")
    assert rows["Variance at completion (VAC)"][0] == "n/a"
    assert rows["Planned finish"] == ("27 Mar 2026", "10 Apr 2026")
    assert found.growth.replace(NBSP, " ") == "BAC has grown by EUR 600, 60 % of the original."


def test_an_original_still_in_force_is_compared_with_nothing():
    assert comparison(replace(PROJECT, baselines=(FIRST,))) is None
    assert comparison(replace(PROJECT, baselines=())) is None


def test_a_shrunk_budget_is_told_as_such():
    figures = PROJECT.figures | {
        "bac_growth": figure("bac_growth", -600, "EUR"),
        "bac_growth_percent": figure("bac_growth_percent", -60, "percent"),
    }
    found = comparison(replace(PROJECT, figures=figures))
    assert found is not None
    assert found.growth.replace(NBSP, " ") == "BAC has shrunk by EUR 600, 60 % of the original."


def grown(growth, by_rates, **fields):
    figures = PROJECT.figures | {
        "bac_growth": figure("bac_growth", growth, "EUR"),
        "bac_growth_percent": figure("bac_growth_percent", growth / 10, "percent"),
        "bac_growth_fx": figure("bac_growth_fx", by_rates, "EUR", **fields),
    }
    found = comparison(replace(PROJECT, figures=figures))
    assert found is not None
    return found.growth.replace(NBSP, " ")


def test_what_exchange_rates_alone_did_to_bac_is_neither_growth_nor_shrinkage():
    same = "BAC is that of the original; exchange rates alone have "
    assert grown(-100, -100) == f"{same}taken EUR 100 from it."
    assert grown(50, 50) == f"{same}added EUR 50 to it."
    assert grown(500, -100) == (  # 600 of the 1,000 of the original
        "BAC has grown by EUR 600, 60 % of the original; exchange rates alone have taken EUR 100 "
        "from it."
    )
    assert grown(0, 0) == "BAC is that of the original."
    assert grown(-100, None, reason="no exchange rate") == (
        "BAC has shrunk by EUR 100, 10 % of the original; what exchange rates did to it is not "
        "known."
    )


def test_layers_of_the_budget_are_shown_where_they_hold_something():
    shown = [(k.label, k.value.text.replace(NBSP, " ")) for k in layers(PROJECT)]
    assert shown == [("Contract budget base", "EUR 1,650"), ("of it management reserve", "EUR 50")]


def test_the_workbook_has_both_baselines_a_row_a_project():
    made = replace(snapshot(), projects=(PROJECT,))
    sheet = openpyxl.load_workbook(BytesIO(render_workbook(made)))["Baselines"]
    heading, row = (list(r) for r in sheet.iter_rows(max_row=2, values_only=True))
    told = dict(zip(heading, row, strict=True))
    assert told["Original baseline"] == "1 of 2 Mar 2026 by Ann"
    assert told["Baseline in force"] == "2 of 9 Mar 2026 by Ann"
    assert (told["BAC, original"], told["Growth of BAC, share"]) == (1000, 0.6)
    assert "vac_original" in told["n/a because"]


def page_of(project):
    made = replace(snapshot(), projects=(project,))
    built = build_project(project, made, Past.of(made, None))
    return render_project(built).decode().replace(NBSP, " ")


def test_the_page_shows_the_comparison_and_escapes_what_people_wrote():
    html = page_of(PROJECT)
    section = html[html.index('id="baselines"') : html.index('id="findings"')]
    assert "baseline 2, 9 Mar 2026, approved by &lt;b&gt;Board&lt;/b&gt;" in section
    assert "EUR 1,000" in section
    assert "Contract budget base" in section


def test_on_a_small_screen_too_each_figure_says_of_which_baseline_it_is():
    html = render_project(build_project(PROJECT, snapshot(), Past())).decode()
    assert "Original: baseline 1" in html
    assert "In force: baseline 2" in html
    table = re.search(r'<section id="baselines">.*?</table>', html, re.DOTALL)[0]
    cells = re.findall(r"<td[^>]*>", table)
    assert len(cells) == 14
    assert all('data-label="Original"' in c or 'data-label="In force"' in c for c in cells)
    assert '<table class="stack">' in table  # labels are shown there, but not in a tight one


def test_without_a_second_baseline_and_layers_there_is_no_section():
    html = page_of(network())
    assert 'id="baselines"' not in html
