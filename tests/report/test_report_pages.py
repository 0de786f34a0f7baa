"""The pages: what they say, and that nothing in them can do harm or load anything."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from html.parser import HTMLParser

import pytest

from itpm_sync.reconcile.decisions import Waiver
from itpm_sync.reconcile.inputs import LaterReading
from itpm_sync.reconcile.status import (
    Colour,
    PersonLoad,
    ProjectStatus,
    Severity,
    Snapshot,
    WeekLoad,
)
from itpm_sync.report import (
    Past,
    build_portfolio,
    build_project,
    project_file,
    render_portfolio,
    render_project,
)
from itpm_sync.report.view import Link
from itpm_sync.report.wording import NBSP
from tests.report import sample

VOID = {"meta", "br", "input", "link", "img", "hr"}


class Page(HTMLParser):
    """The elements, the visible text and the addresses of a page."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.raw: dict[str, str] = {}
        self.unclosed: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {k: v or "" for k, v in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {k: v or "" for k, v in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.unclosed.append(tag)

    def handle_data(self, data: str) -> None:
        inside = self.open[-1] if self.open else ""
        if inside in ("style", "script"):
            self.raw[inside] = self.raw.get(inside, "") + data
        else:
            self.words.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.words).replace("\u00a0", " "))

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attrs for name, attrs in self.tags if name == tag]


@cache
def past() -> Past:
    history = [sample.earlier(n) for n in (5, 4, 3, 2)]
    return Past.of(sample.snapshot(), sample.earlier(1), history)


@cache
def project_html(index: int) -> str:
    snapshot = sample.snapshot()
    return render_project(build_project(snapshot.projects[index], snapshot, past())).decode()


@cache
def portfolio_html() -> str:
    return render_portfolio(build_portfolio(sample.snapshot(), past())).decode()


def many(number: int) -> Snapshot:
    snapshot = sample.snapshot()
    base = replace(sample.register_project(), help_desk=None)
    more = tuple(replace(base, code=f"P-{n}", name=f"Project {n}") for n in range(number))
    return replace(snapshot, projects=(*snapshot.projects, *more))


def pages() -> Iterator[str]:
    yield from (project_html(n) for n in range(3))
    yield portfolio_html()
    yield render_portfolio(build_portfolio(many(20), past())).decode()


def alone(project: ProjectStatus) -> Page:
    """The page of a project without any report before it and without charts."""
    bare = replace(project, curve=(), burnup=(), help_desk=None)
    snapshot = replace(sample.snapshot(), projects=(bare,))
    return Page(render_project(build_project(bare, snapshot, Past.of(snapshot, None))).decode())


# ---- harmless -----------------------------------------------------------------------------------


def test_pages_are_well_formed_whatever_the_titles_hold() -> None:
    for html in pages():
        page = Page(html)
        assert page.unclosed == []
        assert page.open == []


def test_titles_stand_as_text_and_never_as_markup() -> None:
    page = Page(project_html(0))
    assert page.all("script") == []
    assert sample.SCRIPT in page.text
    assert sample.FORMULA in page.text
    assert "<script>alert" not in project_html(0) + project_html(2) + portfolio_html()


def test_no_attribute_is_an_event_handler() -> None:
    for html in pages():
        names = {name for _, attrs in Page(html).tags for name in attrs}
        assert not [n for n in names if n.startswith("on")]


def test_direction_overrides_and_control_characters_do_not_reach_a_page() -> None:
    for html in pages():
        assert not re.search("[\u202a-\u202e\u2066-\u2069\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", html)


def test_a_title_of_ten_thousand_characters_is_cut() -> None:
    assert "Longwinded" in project_html(0)
    assert sample.LONG[:200] not in project_html(0)


def test_a_page_refers_to_nothing_outside_but_evidence() -> None:
    siblings = {"index.html", "status.xlsx", *map(project_file, ("NET", "SDM", "../../etc"))}
    siblings |= {f"P-{n}.html" for n in range(20)}
    siblings |= {f"{name}#findings" for name in siblings}
    for html in pages():
        page = Page(html)
        addresses = [a["href"] for a in page.all("a")]
        assert addresses
        for href in addresses:
            assert href in siblings or href.startswith(("#", "https://jira.example.com/",
                                                        "https://erp.example.com/"))  # fmt: skip
        loaded = [a for t, a in page.tags if "src" in a or t in ("link", "iframe", "object", "img")]
        assert loaded == []
        assert not re.search(r"url\((?!#)|@import", page.raw["style"])
        assert "xlink:href" not in html


def test_links_to_evidence_give_nothing_away() -> None:
    outside = [a for a in Page(project_html(0)).all("a") if a["href"].startswith("http")]
    assert outside
    assert all(a["rel"] == "noopener noreferrer" for a in outside)


def test_the_policy_forbids_everything_but_our_own_style() -> None:
    metas = {m.get("http-equiv"): m.get("content", "") for m in Page(project_html(0)).all("meta")}
    policy = metas["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert "script-src" not in policy


def test_the_only_script_is_ours_and_allowed_by_its_hash() -> None:
    html = render_portfolio(build_portfolio(many(20), past())).decode()
    page = Page(html)
    assert len(page.all("script")) == 1
    digest = base64.b64encode(hashlib.sha256(page.raw["script"].encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in html.replace("&#39;", "'")


# ---- for everyone -------------------------------------------------------------------------------


def test_pages_fit_a_phone_and_a_printer() -> None:
    for html in pages():
        metas = {m.get("name"): m.get("content", "") for m in Page(html).all("meta")}
        assert metas["viewport"] == "width=device-width, initial-scale=1"
        assert "@media print" in html
        assert "@media screen and (max-width: 720px)" in html


def test_pages_have_landmarks_and_headed_tables_and_described_charts() -> None:
    for html in pages():
        page = Page(html)
        assert len(page.all("main")) == 1
        assert len(page.all("h1")) == 1
        assert page.all("html")[0]["lang"] == "en"
        assert all(th.get("scope") in ("col", "row") for th in page.all("th"))
        for svg in page.all("svg"):
            assert svg.get("aria-hidden") == "true" or svg.get("aria-label")


def test_a_rating_is_a_word_and_a_shape_not_only_a_colour() -> None:
    html = alone(sample.network())
    assert "Red" in html.text
    shapes = {
        re.search(r"<svg class=\"shape .*?</svg>", project_html(i), re.DOTALL)[0].split(">", 1)[1]  # type: ignore[index]
        for i in range(3)
    }
    assert len(shapes) == 3


# ---- what the page says -------------------------------------------------------------------------


def test_the_top_of_a_page_is_the_status_in_plain_words() -> None:
    assert (
        "57 % of the work is done, 74 % was planned by now. It has cost EUR 107,500 more than that "
        "work was budgeted at. At this rate it will end at EUR 1,313,435, EUR 188,435 over its "
        "budget."
    ) in Page(project_html(0)).text


def test_figures_on_the_page_are_those_of_the_snapshot() -> None:
    text = Page(project_html(0)).text
    for figure in ("EUR 749,300", "EUR 1,313,435", "0.78", "0.86", "variance EUR −185,500"):
        assert figure in text
    for cell in ("420,000", "294,000", "371,500", "−77,500", "530,714"):  # of core switches
        assert cell in text


def test_last_weeks_rating_and_figures_stand_beside_this_weeks() -> None:
    text = Page(project_html(0)).text
    assert re.search(r"Red Amber last week Time and cost are red", text)
    assert "▼ 0.05 from 0.91 last week" in text
    assert "15 Nov 2026: Amber" in text  # the trail


def test_a_first_report_compares_with_nothing() -> None:
    page = alone(sample.network())
    assert "First report, nothing to compare with" in page.text
    assert "last week" not in page.text
    assert not [s for s in page.all("span") if s.get("class") == "tag"]


def test_a_comparison_with_an_older_report_names_its_day() -> None:
    snapshot = sample.snapshot()
    page = build_project(snapshot.projects[0], snapshot, Past.of(snapshot, sample.earlier(3)))
    assert page.head.when.replace("\u00a0", " ") == "on 1 Nov 2026"


def test_a_snapshot_of_the_same_or_a_later_day_is_not_the_past() -> None:
    snapshot = sample.snapshot()
    assert Past.of(snapshot, snapshot, [snapshot]).when == ""
    assert Past.of(sample.earlier(1), snapshot, [snapshot]).trails == {}


def test_a_missing_figure_is_shown_with_its_reason() -> None:
    page = Page(project_html(2))
    assert "Cost index (CPI) n/a no cost is booked: no time entry has a rate" in page.text
    reasons = {a["title"] for a in page.all("abbr")}
    assert "no work was planned to start by the data date" in reasons
    assert "n/a: no cost is booked" in page.text  # under the table, also on paper


def test_a_project_measured_in_items_speaks_of_no_money() -> None:
    status = sample.service_desk()
    figures = sample.evm(106, 80, 68, 0, "items") | {
        n: sample.figure(n, None, "items", reason="no budget") for n in ("ac", "cv", "eac", "vac")
    }
    page = alone(replace(status, unit="items", figures=figures, packages=()))
    assert "64 % of the work is done, 75 % was planned by now." in page.text
    assert "cost" not in page.text.split("Planned")[0].lower()


def test_a_register_row_is_told_by_its_planned_and_actual_cost() -> None:
    page = alone(sample.register_project())
    assert "It costs USD 1,400,000 against USD 1,250,000 planned, USD 150,000 over." in page.text
    assert "It finishes 31 days later than planned." in page.text
    assert "n/a" not in page.text.split("What needs attention")[0]


def test_nothing_known_is_said_and_not_invented() -> None:
    page = alone(replace(sample.service_desk(), figures={}, packages=(), findings=()))
    assert "Nothing is known yet that could be compared with a plan." in page.text
    assert "No discrepancy was found." in page.text


def test_findings_carry_amount_action_and_evidence_worst_first() -> None:
    text = Page(project_html(0)).text
    assert "EUR 18,412.50" in text
    assert "Ask the vendor for a credit note before payment." in text
    assert text.index("High Orders on contract") < text.index("Medium Invoice INV-2291")
    links = {a["href"] for a in Page(project_html(0)).all("a")}
    assert "https://jira.example.com/browse/NET-118" in links
    assert "and 4 more in the workbook" in text


def test_findings_that_are_new_or_settled_since_last_week_are_marked() -> None:
    text = Page(project_html(0)).text
    assert re.search(r"it renews by itself\. new", text)
    assert not re.search(r"exceed its ceiling of EUR 640,000 by EUR 46,800\. new", text)
    assert "1 resolved since last week" in text
    assert "Invoice INV-2207 was 12 days overdue." in text


def test_what_changed_is_counted_and_each_finding_says_since_when() -> None:
    base = sample.snapshot()
    status = base.projects[0]
    findings = (replace(status.findings[0], since=date(2026, 3, 2)), *status.findings[1:])
    page = build_project(replace(status, findings=findings), base, past())
    assert page.findings[0].since == "2 Mar 2026".replace(" ", NBSP)
    gone = len(page.resolved)
    assert page.changed == f"Since last week: 4 new, 0 reopened, {gone} resolved, 2 still open."


def test_a_waived_finding_is_shown_apart_and_counted_nowhere() -> None:
    base = sample.snapshot()
    status = base.projects[0]
    waiver = Waiver(
        finding="over_ceiling", reason=f"amendment {sample.SCRIPT}", author="Ann",
        expires=date(2026, 12, 1),
    )  # fmt: skip
    waived = replace(status.findings[0], waiver=waiver)
    status = replace(status, findings=(*status.findings[1:], waived))
    snapshot = replace(base, projects=(status,))
    page = build_project(status, snapshot, past())
    assert len(page.findings) == len(status.findings) - 1
    assert [f.code for f in page.waived] == ["over_ceiling"]
    text = Page(render_project(page).decode()).text
    assert "By Ann until 1 Dec 2026: amendment <script>" in text
    portfolio = build_portfolio(snapshot, past())
    assert (portfolio.projects[0].findings, portfolio.projects[0].high) == ("5", 2)
    assert all(f.code != "over_ceiling" for g in portfolio.attention for f in g.findings)


def test_a_record_is_evidence_of_a_finding_once() -> None:
    status = sample.network()
    twice = replace(status.findings[0], evidence=status.findings[0].evidence[:1] * 9)
    page = build_project(replace(status, findings=(twice,)), sample.snapshot(), Past())
    assert [(len(f.evidence), f.more_evidence) for f in page.findings] == [(1, 0)]


def test_items_stand_beside_progress_only_where_it_is_measured_by_them() -> None:
    status = sample.network()
    first = status.packages[0]
    bases = []
    for method in ("items", "level_of_effort"):
        changed = replace(status, packages=(replace(first, method=method),))
        [row] = build_project(changed, sample.snapshot(), Past()).packages
        bases.append(row.basis)
    done, items = (f"{first.figures[n].value}" for n in ("items_done", "items"))
    assert bases == [f"{done} of {items}\u00a0items", "level of effort"]


def test_an_index_that_hardly_any_cost_explains_is_marked() -> None:
    status = sample.network()
    first = status.packages[0]
    note = "implausible: less than half of what is earned is booked as cost"
    cpi = replace(first.figures["cpi"], value=Decimal("12.59"), note=note)
    doubted = replace(first, figures={**first.figures, "cpi": cpi})
    page = alone(replace(status, packages=(doubted,)))
    assert "12.59\u00a0?" in page.text.replace("12.59 ?", "12.59\u00a0?")
    assert note in {a["title"] for a in page.all("abbr")}
    assert "?: implausible" in page.text
    assert "?: implausible" not in alone(status).text


def with_cost(project: ProjectStatus, ac: str | None) -> ProjectStatus:
    figures = project.figures | {"ac": sample.figure("ac", ac, "EUR", reason="no rate")}
    return replace(project, figures=figures)


def test_the_lines_of_the_packages_and_of_none_add_up_to_the_cost_of_the_project() -> None:
    # 101,200 + 371,500 + 148,300 + 69,400 + 0 + 58,900 = 749,300 in packages; 2,027 in none
    text = alone(with_cost(sample.network(), "751327")).text
    assert "that none could take 2,027 Project 57 % 1,125,000 827,300 641,800 751,327" in text
    assert "Its EAC is not: each forecast goes by the indices of its own line." in text


@pytest.mark.parametrize("ac", ["749300", "749300.004", None])
def test_nothing_is_said_to_be_in_no_package_where_that_is_no_cent_or_not_known(
    ac: str | None,
) -> None:
    text = alone(with_cost(sample.network(), ac)).text
    assert "In no work package" not in text
    assert "Project 57 % 1,125,000" in text
    assert ("Its EAC is not" in text) is (ac is not None)


def test_what_is_spent_is_told_by_its_parts() -> None:
    text = Page(project_html(0)).text  # 239,400 + 509,900 = 749,300
    assert "of EUR 1,125,000 budget of it labour 239,400, invoiced 509,900" in text
    figures = sample.network().figures | {"accrued": sample.figure("accrued", "1200", "EUR")}
    told = alone(replace(sample.network(), figures=figures)).text
    assert "labour 239,400, invoiced 509,900, received and not invoiced 1,200" in told
    assert "of it" not in Page(project_html(2)).text.split("Scope growth")[0]  # n/a


def test_what_the_cost_lacks_stands_beside_it_and_cannot_do_harm() -> None:
    snapshot = sample.snapshot()
    lacks = ("receipts never read (a): not in it", f"invoices never read ({sample.SCRIPT}): none")
    project = replace(snapshot.projects[0], cost_lacks=lacks)
    html = render_project(build_project(project, snapshot, past())).decode()
    assert "invoiced 509,900; receipts never read (a): not in it; invoices" in html
    assert sample.SCRIPT not in html


def test_what_of_the_cost_is_disputed_stands_beside_it() -> None:
    snapshot = sample.snapshot()
    project = snapshot.projects[0]
    part = sample.figure("disputed", "21600", "EUR", "duplicate-invoice")
    figures = {**project.figures, "disputed": part}
    page = build_project(replace(project, figures=figures), snapshot, past())
    [spent] = [k for k in page.key_figures if k.label == "Spent"]
    assert spent.parts.endswith("; of which disputed: 21,600 (duplicate-invoice)")
    assert "disputed" not in build_project(project, snapshot, past()).key_figures[3].parts


def test_every_finding_shows_its_code() -> None:
    own = {f.code for f in sample.network().findings}
    top = {"over_ceiling", "scope_growth", "quarantined"}
    for html, codes in ((project_html(0), own), (portfolio_html(), top)):
        shown = re.findall(r'<code class="code">([^<]+)</code>', html)
        assert codes <= set(shown)
        assert html.count('<div class="sev') == len(shown)


def test_bars_say_what_is_ordered_invoiced_and_paid() -> None:
    assert (
        "Core switches Ordered EUR 455,800 of EUR 420,000 EUR 35,800 over "
        "Invoiced EUR 318,400, paid EUR 214,000 EUR 137,400 still to come"
    ) in alone(sample.network()).text


def test_a_package_with_a_budget_abroad_is_compared_in_the_currency_of_its_budget() -> None:
    # in EUR the budget is at the baseline's rate and the orders at those of their days
    dollars = {"budget": "500000", "ordered": "500000", "invoiced": "350000", "paid": "200000"}
    switches, *rest = sample.network().packages
    abroad = {n: sample.figure(n, v, "USD") for n, v in dollars.items()}
    status = replace(sample.network(), packages=(replace(switches, abroad=abroad), *rest))
    text = alone(status).text
    told = "Ordered USD 500,000 of USD 500,000 Invoiced USD 350,000, paid USD 200,000"
    assert f"{switches.name} {told}" in text


def test_a_contract_shows_what_is_used_and_left_of_its_ceiling() -> None:
    text = Page(project_html(0)).text  # 414,900 invoiced + 31,500.50 = 446,400.50 of 640,000
    assert (
        "Ceiling EUR 640,000 Invoiced EUR 414,900 Received, not invoiced EUR 31,500 "
        "Used EUR 446,400 Ceiling left EUR 193,600 Committed (open orders) EUR 686,800"
    ) in text
    assert "Ceiling no ceiling known Invoiced n/a" in text


def test_money_bars_need_more_than_a_budget() -> None:
    status = sample.network()
    assert "EUR 455,800 of EUR 420,000 EUR 35,800 over" in alone(status).text
    why = "no source of purchase orders is connected"
    blind = tuple(
        replace(p, figures={
            n: replace(f, value=None, reason=why) if n in ("ordered", "invoiced", "paid") else f
            for n, f in p.figures.items()
        })
        for p in status.packages
    )  # fmt: skip
    assert "Budget and orders" not in alone(replace(status, packages=blind)).text


def test_a_contract_shows_its_notice_clock() -> None:
    text = Page(project_html(0)).text
    assert "Notice by 30 Nov 2026, in 8 days" in text
    assert "No notice deadline is known" in text


def test_scope_help_desk_unallocated_and_sources_are_on_the_page() -> None:
    text = Page(project_html(0)).text
    assert "The newest 12; 4 older changes are in the workbook" in text
    assert "Within SLA, last 28 days 91 %" in text
    assert "14 time entries EUR 4,410 49 h" in text
    assert "helpdesk 20 Nov 2026, 05:01 UTC 241 records in 1 stream Incomplete" in text


def test_a_table_that_a_small_screen_cuts_shows_that_it_goes_on() -> None:
    page = Page(project_html(0))
    assert "Scroll the table sideways for all its columns" in page.text
    css = page.raw["style"]
    [rule] = re.findall(r"(?m)^\.scroll \{(.*?)\}", css, re.DOTALL)
    assert "overflow-x: auto" in rule
    assert "var(--shade)" in rule
    narrow = css.partition("(max-width: 720px)")[2].partition("@media")[0]
    assert ".sideways { display: inline; }" in narrow


def test_charts_are_drawn_only_from_data() -> None:
    assert alone(sample.network()).all("figure") == []
    charts = [s for s in Page(project_html(0)).all("svg") if s.get("role") == "img"]
    assert len(charts) == 4  # the S-curve for wide and for narrow screens, burn-up, help desk
    assert all("viewbox" in c and "width" not in c for c in charts)


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
    assert "1 project: 1 unknown. This is the first report." in text
    assert "0 Green" in text


def test_an_empty_portfolio_is_a_page_too() -> None:
    empty = replace(sample.snapshot(), projects=(), totals=(), findings=(), coverage=())
    text = Page(render_portfolio(build_portfolio(empty, Past.of(empty, None))).decode()).text
    assert "There is no project in this portfolio yet." in text
    assert "No source has been read." in text


def test_an_absurd_number_spoils_no_page() -> None:
    figures = sample.network().figures | {"ac": sample.figure("ac", "1e400", "EUR")}
    text = alone(replace(sample.network(), figures=figures)).text
    assert "EUR 1.000E+400" in text


@pytest.mark.parametrize("index", [0, 2])
def test_the_same_snapshot_gives_the_same_page(index: int) -> None:
    snapshot = sample.snapshot()
    again = render_project(build_project(snapshot.projects[index], snapshot, past()))
    assert again.decode() == project_html(index)


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
