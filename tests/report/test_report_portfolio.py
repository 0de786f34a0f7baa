"""What the portfolio's page says."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

from itpm_sync.reconcile.inputs import LaterReading
from itpm_sync.reconcile.status import Colour, PersonLoad, Severity, WeekLoad
from itpm_sync.report import Past, build_portfolio, render_portfolio
from itpm_sync.report.view import Link
from tests.report import sample
from tests.report.page import Page, past, portfolio_html


def test_the_portfolio_counts_ratings_and_what_moved() -> None:
    page = Page(portfolio_html())
    assert (
        "3 projects: 1 red, 1 amber, 1 green. 1 got worse since last week, 1 better." in page.text
    )
    assert "worse: Amber last week" in page.text
    assert page.text.index("Network refresh NET") < page.text.index("Service desk migration SDM")


def test_what_needs_attention_is_told_by_project_the_gravest_three_of_each() -> None:
    status = sample.network()
    many_findings = tuple(
        replace(status.findings[0], subject=f"s{n}", message=f"Matter {n}") for n in range(5)
    )
    snapshot = replace(sample.snapshot(), projects=(replace(status, findings=many_findings),))
    page = build_portfolio(snapshot, Past.of(snapshot, None))
    own, records = page.attention
    assert own.project == Link(label=status.name, url="NET.html")
    assert [f.message for f in own.findings] == ["Matter 0", "Matter 1", "Matter 2"]
    assert (own.hidden, page.findings_hidden) == (2, 0)
    assert records.project is None  # of medium severity, so they stand last
    text = Page(render_portfolio(page).decode()).text
    assert "2 more on its page" in text
    assert text.index("Matter 2") < text.index("Sources and records of no single project")


def test_a_high_finding_of_the_portfolio_itself_stands_first() -> None:
    base = sample.snapshot()
    stale = replace(base.findings[0], severity=Severity.HIGH)
    page = build_portfolio(replace(base, findings=(stale,)), past())
    assert [g.project is None for g in page.attention] == [True, False, False]


def test_the_same_total_is_shown_once() -> None:
    base = sample.snapshot()
    bac = next(f for f in base.totals if f.name == "bac")
    budget = replace(bac, name="budget", label="Budget of the plan")
    assert bac.value is not None
    other = replace(budget, value=bac.value + 1)
    for totals, there in (((bac, budget), False), ((bac, other), True)):
        page = build_portfolio(replace(base, totals=totals), past())
        assert ("Budget of the plan" in [row.label for row in page.totals]) is there


def test_a_total_that_leaves_projects_out_says_of_how_many_it_is() -> None:
    base = sample.snapshot()
    euro = base.projects[0]
    none = sample.figure("eac", None, "EUR", reason="nothing is earned")
    blind = replace(euro, code="X", figures={**euro.figures, "eac": none})
    totals = (
        sample.figure("bac", 2_250_000, "EUR"), sample.figure("eac", 1_313_435, "EUR"),
        sample.figure("eac", 250_000, "GBP"),
    )  # fmt: skip
    snapshot = replace(base, projects=(euro, blind, base.projects[1]), totals=totals)
    page = build_portfolio(snapshot, Past.of(snapshot, None))
    assert [row.known for row in page.totals] == [("", ""), ("1 of 2 projects", "")]
    text = Page(render_portfolio(page).decode()).text
    assert "Budget at completion 2,250,000 – Estimate at completion 1,313,435" in text
    assert "1,313,435 1 of 2 projects 250,000" in text
    assert "sums of different projects cannot be compared" in text
    assert "cannot be compared" not in Page(portfolio_html()).text


def test_whoever_has_too_much_work_is_shown_with_load_and_capacity_by_week() -> None:
    def week(hours: str | None, *, over: bool) -> WeekLoad:
        load = None if hours is None else Decimal(hours) * 3600
        capacity = Decimal(144_000)
        return WeekLoad(monday=date(2026, 11, 23), load_s=load, capacity_s=capacity, over=over)

    def person(name: str, *weeks: WeekLoad) -> PersonLoad:
        return PersonLoad(name=name, team="", skills=("lan",), weeks=weeks, unestimated=2)

    loads = (
        person("Calm", week("40", over=False)),
        person("<b>Busy</b>", week("60", over=True)),
        person("Busier", week("70.4", over=True)),
        person("Unknown", week(None, over=False)),
    )
    page = build_portfolio(replace(sample.snapshot(), people=loads), past())
    text = Page(render_portfolio(page).decode()).text
    assert "Busier lan 2 items not estimated 70 / 40 <b>Busy</b> lan" in text
    assert "Calm" not in text
    assert build_portfolio(sample.snapshot(), past()).people is None


def test_currencies_are_totalled_apart() -> None:
    text = Page(portfolio_html()).text
    assert re.search(r"Budget at completion 780,000|EUR GBP USD", text)
    assert "Budget at completion 1,125,000 259,000 780,000" in text
    assert "Actual cost 749,300 162,900 n/a" in text
    assert "Amounts of different currencies are never added." in text


def test_unknown_is_counted_as_unknown() -> None:
    grey = replace(sample.network(), rating=sample.rating("overall", Colour.GREY, "no data"))
    snapshot = replace(sample.snapshot(), projects=(grey,))
    text = Page(render_portfolio(build_portfolio(snapshot, Past.of(snapshot, None))).decode()).text
    assert "1 project: 1 unknown. First report, nothing to compare with." in text
    assert "0 Green" in text


def test_an_empty_portfolio_is_a_page_too() -> None:
    empty = replace(sample.snapshot(), projects=(), totals=(), findings=(), coverage=())
    text = Page(render_portfolio(build_portfolio(empty, Past.of(empty, None))).decode()).text
    assert "There is no project in this portfolio yet." in text
    assert "No source has been read." in text


def test_a_past_report_says_what_was_read_by_then_and_when_it_was_read_again() -> None:
    monday = datetime(2026, 11, 30, 5, 2, tzinfo=UTC)
    jira, _, _, desk, bills = sample.snapshot().coverage
    unread = {"stored": 0, "source_count": None, "exact": False, "as_of": None, "complete": False}
    rows = (
        replace(jira, later=LaterReading(as_of=monday, complete=True)),
        replace(desk, later=LaterReading(as_of=monday, complete=False)),
        replace(bills, **unread, note="", later=LaterReading(as_of=monday, complete=True)),
    )
    past_report = replace(sample.snapshot(), coverage=rows)
    text = Page(render_portfolio(build_portfolio(past_report, Past.of(past_report, None))).decode())
    for told in (
        "22 Nov 2026, 05:02 UTC 166 records in 1 stream Complete read again as of 30 Nov 2026",
        "11 tickets are missing; read again as of 30 Nov 2026, 05:02 UTC, in part",
        "purchasing not read by then no records in 1 stream Incomplete read first as of 30 Nov",
    ):
        assert told in text.text
