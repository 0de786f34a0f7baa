"""What a project's page says."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from decimal import Decimal

from itpm_sync.reconcile.decisions import Waiver
from itpm_sync.reconcile.status import Quarantined
from itpm_sync.report import Past, build_portfolio, build_project, render_project
from itpm_sync.report.wording import NBSP
from tests.report import sample
from tests.report.page import Page, alone, past, portfolio_html, project_html


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


def test_a_plan_whose_progress_is_not_known_is_told_with_the_reason() -> None:
    """One bad cell leaves EV and AC undefined: PV and BAC are known all the same."""
    of = sample.service_desk()
    lacking = dict.fromkeys(("ev", "percent", "cv", "eac", "vac"), "WP2: no percentage is declared")
    lacking["ac"] = "hours of Ann have no rate"
    figures = of.figures | {
        n: sample.figure(n, None, of.unit, reason=why) for n, why in lacking.items()
    }
    assert (
        "64 % of the plan's GBP 259,000 was planned by now, but how much is done is n/a: WP2: no "
        "percentage is declared. What it has cost is n/a: hours of Ann have no rate."
    ) in alone(replace(of, figures=figures)).text
    bac = sample.figure("bac", None, of.unit, reason="no rate from USD to GBP")
    assert (
        "Nothing is known yet that could be compared with a plan: no rate from USD to GBP."
    ) in alone(replace(of, figures={"bac": bac})).text


def test_figures_that_can_hardly_be_meant_are_marked_at_the_top_too() -> None:
    """CPI 3.06: the table marks it, so do the key figures and the first sentence."""
    of = sample.network()
    doubt = "implausible: less than half of what is earned is booked as cost"
    figures = of.figures | {
        name: replace(of.figures[name], note=doubt) for name in ("cpi", "eac", "vac")
    }
    text = alone(replace(of, figures=figures)).text
    assert "Cost index (CPI) 0.86 ?" in text
    assert "Forecast at completion EUR 1,313,435 ? variance EUR −188,435 ?" in text
    assert (
        "The cost booked is less than half of what is earned and can hardly be all: at that rate "
        "it would end at EUR 1,313,435 ?, EUR 188,435 over its budget."
    ) in text
    assert "will end at" not in text
    assert "?" not in alone(of).text.split("What needs attention")[0]


def test_a_page_names_what_was_not_read_and_the_first_of_its_records_in_quarantine() -> None:
    lost = tuple(
        Quarantined(
            name=f"{n} {sample.SCRIPT}", source="office plan",
            message=f"plan.csv row {n}, column Start: expected a date, found 'soon'",
            url="javascript:alert(1)" if n > 1 else "https://office.test/1",
        )
        for n in range(1, 8)
    )  # fmt: skip
    old = "Source jira was not read (HTTP 503): as of 22 Nov 2026, 07:00 is progress"
    page = alone(replace(sample.service_desk(), quarantined=lost, unread=(old,)))
    assert f"{old}." in page.text
    assert "In quarantine, so that no figure holds it" in page.text
    assert f"office plan 5 {sample.SCRIPT} : plan.csv row 5, column Start: expected" in page.text
    assert "plan.csv row 6" not in page.text
    assert "and 2 more: itpm-sync status" in page.text
    links = {a["href"] for a in page.all("a")}
    assert "https://office.test/1" in links
    assert not any("javascript" in link for link in links)
    assert "In quarantine" not in alone(sample.service_desk()).text


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
    assert page.changed.replace(NBSP, " ") == (
        f"Since last week (15 Nov 2026): 4 new, 0 reopened, {gone} resolved, 2 still open."
    )


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


def test_every_finding_shows_its_code() -> None:
    own = {f.code for f in sample.network().findings}
    top = {"over_ceiling", "scope_growth", "quarantined"}
    for html, codes in ((project_html(0), own), (portfolio_html(), top)):
        shown = re.findall(r'<code class="code">([^<]+)</code>', html)
        assert codes <= set(shown)
        assert html.count('<div class="sev') == len(shown)


def test_scope_help_desk_unallocated_and_sources_are_on_the_page() -> None:
    text = Page(project_html(0)).text
    assert "The newest 12; 4 older changes are in the workbook" in text
    assert "Within SLA, last 28 days 91 %" in text
    assert "14 time entries EUR 4,410 49 h" in text
    assert "helpdesk 20 Nov 2026, 05:01 UTC 241 records in 1 stream Incomplete" in text


def test_charts_are_drawn_only_from_data() -> None:
    assert alone(sample.network()).all("figure") == []
    charts = [s for s in Page(project_html(0)).all("svg") if s.get("role") == "img"]
    assert len(charts) == 4  # the S-curve for wide and for narrow screens, burn-up, help desk
    assert all("viewbox" in c and "width" not in c for c in charts)
