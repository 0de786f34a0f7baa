"""What a project's page says of its cost, its packages and its contracts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from itpm_sync.reconcile.status import ProjectStatus
from itpm_sync.report import build_portfolio, build_project, render_portfolio, render_project
from tests.report import sample
from tests.report.page import Page, alone, past, project_html


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


ROUNDED = "Amounts are rounded one by one; a total is the sum of the exact amounts, rounded once."


def test_lines_that_are_rounded_say_once_that_their_total_is_exact() -> None:
    # 101,200.40 and 371,500.40 read as 101,200 and 371,500: 749,300 with the rest, and 749,301
    whole = sample.network()
    first, second, *rest = whole.packages
    broken = [
        replace(p, figures={**p.figures, "ac": sample.figure("ac", value, "EUR")})
        for p, value in ((first, "101200.40"), (second, "371500.40"))
    ]
    text = alone(with_cost(replace(whole, packages=(*broken, *rest)), "749300.80")).text
    assert "Project 57 % 1,125,000 827,300 641,800 749,301" in text
    assert text.count(ROUNDED) == 1
    assert ROUNDED not in alone(whole).text


def test_the_totals_of_a_portfolio_say_so_too() -> None:
    made = sample.snapshot()
    cents = made.projects[0].figures | {"bac": sample.figure("bac", "1125000.60", "EUR")}
    broken = replace(made, projects=(replace(made.projects[0], figures=cents), *made.projects[1:]))
    page = render_portfolio(build_portfolio(broken, past())).decode()
    assert Page(page).text.count(ROUNDED) == 1


def test_bars_say_what_is_ordered_invoiced_and_paid() -> None:
    assert (
        "Core switches Ordered EUR 455,800 of EUR 420,000 EUR 35,800 over "
        "Invoiced EUR 318,400, paid EUR 214,000 EUR 137,400 still to come"
    ) in alone(sample.network()).text


def test_bars_say_what_is_not_known_of_open_orders() -> None:
    note = "no source of receipts is connected: what was received is not taken off"
    figures = sample.network().figures
    told = figures | {"committed": replace(figures["committed"], note=note)}
    assert f"Still to come: {note}." in alone(replace(sample.network(), figures=told)).text
    assert "not taken off" not in alone(sample.network()).text


def test_a_package_with_a_budget_abroad_is_compared_in_the_currency_of_its_budget() -> None:
    # in EUR the budget is at the baseline's rate and the orders at those of their days
    dollars = {"budget": "500000", "ordered": "500000", "invoiced": "350000", "paid": "200000"}
    switches, *rest = sample.network().packages
    abroad = {n: sample.figure(n, v, "USD") for n, v in dollars.items()}
    switches = replace(switches, in_budget_currency=abroad)
    status = replace(sample.network(), packages=(switches, *rest))
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
