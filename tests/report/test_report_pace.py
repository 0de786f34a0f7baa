"""Forecast and pace on the project's page and in the workbook."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from io import BytesIO

import openpyxl
import pytest

from itpm_sync.report import render_workbook
from itpm_sync.report.pace import pace, why_missing
from itpm_sync.report.wording import NBSP
from tests.report.sample import figure, network, snapshot

FIGURES = {
    f.name: f
    for f in (
        figure("pd", 18, "weeks"),
        figure("sv_t", "-2.4", "weeks"),
        figure("spi_t", "0.8", "ratio"),
        figure("ieac_t", "22.5", "weeks", "finish on 5 Feb 2027"),
        figure("tspi", None, "ratio", reason="complete"),
        figure("p_factor", "0.91", "ratio"),
        figure("spi_recent", "0.5", "ratio", "since 25 Oct 2026"),
        figure("cpi_recent", None, "ratio", reason="no cost was booked since 25 Oct 2026"),
        figure("eac_low", 1_000, "EUR", "AC + BAC − EV"),
        figure("eac_high", 2_000, "EUR", "AC + (BAC − EV) / SPI"),
        figure("tcpi_bac", "1.2", "ratio"),
        figure("tcpi_eac", "0.9", "ratio"),
        figure("effort_share", 7, "percent"),
        figure("spi_discrete", "0.7", "ratio"),
        figure("cpi_discrete", "0.6", "ratio"),
    )
}
PROJECT = replace(network(), figures={**network().figures, **FIGURES})


def test_forecast_and_pace_in_words():
    found = {f.label: (f.value.text.replace(NBSP, " "), f.beside.replace(NBSP, " "))
             for f in pace(PROJECT)}  # fmt: skip
    assert found == {
        "Forecast duration": ("22.5 weeks", "Finish on 5 Feb 2027; 18 weeks planned"),
        "Index in time, SPI(t)": ("0.80", "2.4 weeks behind plan"),
        "Index to finish on time, TSPI": ("n/a", ""),
        "Work in planned order, p-factor": ("0.91", ""),
        "SPI of the last 4 weeks": ("0.50", "since 25 Oct 2026"),
        "CPI of the last 4 weeks": ("n/a", ""),
        "Range of estimates": ("EUR 1,000 to EUR 2,000", ""),
        "Index to meet the budget, TCPI": ("1.20", "0.90 to meet the forecast"),
        "SPI without level of effort": ("0.70", "7 % of the budget is level of effort"),
        "CPI without level of effort": ("0.60", ""),
    }
    assert why_missing(pace(PROJECT)) == ("complete", "no cost was booked since 25 Oct 2026")


def test_the_fx_variance_is_on_the_page_only_where_there_is_one():
    told = figure("fx_variance", "33.6", "EUR", "in AC; CV without it EUR −10.00")
    of = {**PROJECT.figures, "fx_variance": told}
    found = {f.label: f for f in pace(replace(PROJECT, figures=of))}["FX variance"]
    assert (found.value.text, found.beside) == (f"EUR{NBSP}33.60", told.note)
    of["fx_variance"] = replace(told, value=None, reason="no baseline is recorded")
    assert "FX variance" not in {f.label for f in pace(replace(PROJECT, figures=of))}


def test_nothing_known_leaves_no_block():
    unknown = {n: replace(f, value=None, reason="no plan") for n, f in FIGURES.items()}
    assert pace(replace(PROJECT, figures=unknown)) == ()
    assert pace(replace(PROJECT, figures={})) == ()


@pytest.mark.parametrize(
    ("title", "value"),
    [
        ("SPI(t)", 0.8),
        ("Forecast finish", "finish on 5 Feb 2027"),
        ("TSPI", "n/a"),
        ("Lowest EAC", 1000),
    ],
)
def test_workbook_has_a_row_a_project(title, value):
    made = openpyxl.load_workbook(
        BytesIO(render_workbook(replace(snapshot(), projects=(PROJECT,))))
    )["Pace"]
    heading, row = made.iter_rows(values_only=True)
    assert dict(zip(heading, row, strict=True))[title] == value


def test_lowest_estimate_alone_is_told_once():
    same = {"eac_high": replace(FIGURES["eac_low"], name="eac_high", value=Decimal(1000))}
    [both] = [f for f in pace(replace(PROJECT, figures={**FIGURES, **same}))
              if f.label == "Range of estimates"]  # fmt: skip
    assert both.value.text == f"EUR{NBSP}1,000"
