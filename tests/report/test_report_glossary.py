"""The glossary of the pages: what stands on a page is explained there, and nothing else."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from itpm_sync.reconcile.glossary import in_words, terms
from itpm_sync.reconcile.status import Figure
from itpm_sync.report import Past, build_portfolio, build_project, render_portfolio, render_project
from tests.report import sample


def figure(name: str, note: str = "") -> Figure:
    return Figure(name=name, label=f"of old {name}", value=None, unit="CHF", note=note)


def told(page: bytes) -> list[str]:
    found = re.search(rb'<dl id="terms">(.*?)</dl>', page, re.DOTALL)
    return re.findall(r"<dt>(.*?)</dt>", found[1].decode()) if found else []


def test_a_page_explains_the_abbreviations_that_stand_on_it_and_no_others() -> None:
    snapshot = sample.snapshot()
    project = snapshot.projects[0]
    page = render_project(build_project(project, snapshot, Past()))
    assert {"BAC", "PV", "EV", "AC", "CPI", "SPI", "EAC"} <= set(told(page))
    above = page.partition(b'<details class="terms">')[0].decode()
    text = re.sub("<[^>]*>", " ", above)
    assert all(re.search(rf"(?<!\w){re.escape(t)}(?!\w)", text) for t in told(page))
    assert "ETC" not in told(page)  # a figure of the project that the page does not print
    assert "etc" in project.figures
    assert told(render_portfolio(build_portfolio(snapshot, Past())))[:2] == ["CPI", "SPI"]


def test_a_page_without_such_figures_has_no_glossary() -> None:
    snapshot = sample.snapshot()
    bare = replace(snapshot.projects[0], figures={}, help_desk=None, findings=())
    page = render_project(build_project(bare, snapshot, Past()))
    assert b'class="terms"' not in page


def test_a_page_leads_to_its_glossary_only_where_it_has_one() -> None:
    snapshot = sample.snapshot()
    project = snapshot.projects[0]
    link, target = b'href="#terms"', b'id="terms"'
    whole = render_project(build_project(project, snapshot, Past()))
    assert link in whole
    assert target in whole
    bare = render_project(build_project(replace(project, figures={}), snapshot, Past()))
    assert b'<section id="packages">' in bare
    assert link not in bare
    assert target not in bare


def test_formulas_are_told_in_the_names_of_their_figures() -> None:
    cv, tcpi = terms([figure("tcpi_bac"), figure("cv"), figure("no such")])
    assert (cv.short, cv.name, cv.formula) == (
        "CV", "Cost variance", "earned value − actual cost",
    )  # fmt: skip
    assert tcpi.short == "TCPI"
    assert tcpi.formula == (
        "(budget at completion − earned value) ÷ (budget at completion − actual cost)"
    )
    assert in_words("AT + (PD − ES) / SPI(t)") == (
        "actual time + (planned duration − earned schedule) ÷ schedule performance index in time"
    )


@pytest.mark.parametrize(
    ("notes", "formula"),
    [
        (["AC + BAC − EV, as AC + (BAC − EV) / CPI is undefined: AC is 0"],
         "actual cost + budget at completion − earned value"),
        (["implausible: less than half of it is booked; AC + BAC − EV"],
         "actual cost + budget at completion − earned value"),
        (["AC + BAC − EV", "", "AC: the work is complete", "AC + BAC − EV"],
         "actual cost + budget at completion − earned value or actual cost"),
        ([""], ""),
    ],
)  # fmt: skip
def test_the_forecast_is_told_by_the_form_that_was_really_used(
    notes: list[str], formula: str
) -> None:
    (eac,) = terms(figure("eac", note) for note in notes)
    assert eac.formula == formula
