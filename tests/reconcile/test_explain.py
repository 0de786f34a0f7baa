"""Each figure equals its explanation: the formula over its inputs, and the sum of its parts."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest

from itpm_sync.errors import ReconcileError
from itpm_sync.model import (
    ChangeRequest,
    FxRate,
    HelpDeskItem,
    InvoiceLine,
    Method,
    Milestone,
    OrderLine,
    Payment,
    Project,
    Rate,
    Receipt,
    TicketStatus,
    TimeEntry,
    WorkItem,
    WorkPackage,
    WorkStatus,
)
from itpm_sync.reconcile import freeze
from itpm_sync.reconcile.explain import Explainer, explain
from itpm_sync.reconcile.inputs import Inputs, RecordedBaseline, Rule
from tests.reconcile.evaluating import evaluated

MONDAY = date(2026, 3, 2)


def check_all(inputs: Inputs) -> set[str]:
    """Every figure of every project and package against its explanation; names those with one."""
    explained = set()
    for setup in inputs.projects:
        project = Explainer(inputs, setup.code)
        for package in ("", *project.packages):
            for name in project.names(package):
                if check(project, name, package):
                    explained.add(name)
    return explained


def check(project: Explainer, name: str, package: str) -> bool:
    found, exact = project.of(name, package), project.number(name, package)
    told = (found.figure.label, package, found.formula, found.filled)
    for term in (*found.inputs, *found.parts):
        if term.figure:
            same = project.number(term.figure, term.package)
            assert (term.value, term.reason) == (same.value, same.reason), told
    if exact.value is None:
        assert found.figure.value is None
        assert found.figure.reason == exact.reason != "", told
        return False
    if found.inputs and not found.samples:
        assert evaluated(found) == exact.value, told
    if found.parts:
        assert found.total == exact.value, told
    assert found.inputs or found.parts or found.samples or exact.value == 0, told
    assert all(p.unit and p.label for p in found.samples)
    return bool(found.inputs or found.parts)


@pytest.fixture
def rich(world, eur, at):
    """A project with every measurement method, two currencies, orders, bills, payments, a desk."""
    world.options["rules"] = (
        Rule(name="network team", when={"component": ("Net",)}, work_package="ITEMS"),
    )
    for n, method in enumerate(Method):
        world.add(
            WorkPackage,
            f"w{n}",
            code="PERCENT" if method is Method.PERCENT else method.value.upper(),
            name=f"By {method.value}",
            planned_start=MONDAY,
            planned_finish=date(2026, 3, 20),
            budget=eur(100 * n + 70) if n % 2 else eur(1000) * Decimal("1.01"),
            method=method,
            percent_complete=Decimal(30),
            depends_on="ITEMS" if method is Method.APPORTIONED else "",
        )
    for n in range(7):
        done = n % 3 == 0
        item = world.add(
            WorkItem,
            f"i{n}",
            key=f"NET-{n}",
            title="Cable",
            components=("Net",) if n % 2 else (),
            work_package="" if n % 2 else "POINTS",
            points=Decimal(n) if n != 4 else None,
            status=WorkStatus.DONE if done else WorkStatus.TODO,
            resolved_at=at("2026-03-10T09:00") if done else None,
            created_at=at("2026-02-01T08:00") if n < 5 else at("2026-03-05T08:00"),
        )
        world.add(TimeEntry, f"t{n}", item=item.id, person="A", on=MONDAY, duration_s=1000 * n + 7)
    world.add(Rate, "a", of="A", per_hour=eur("61.37"))
    for code, reached in (("M1", MONDAY), ("M2", None)):
        world.add(
            Milestone, code, code=code, name=code, work_package="WEIGHTED_MILESTONES",
            actual=reached, weight=Decimal(3) if reached else Decimal(4),
        )  # fmt: skip
    usd = eur(1).__class__(Decimal(330), "USD")
    world.add(FxRate, "x", currency="USD", base="EUR", on=date(2026, 1, 1), rate=Decimal("0.9"))
    for n, amount in enumerate((eur(500), usd)):
        world.add(OrderLine, f"o{n}", order=f"P{n}", amount=amount, work_package="PERCENT")
        world.add(Receipt, f"g{n}", order=f"P{n}", quantity=Decimal("0.7"), received_on=MONDAY)
        world.add(
            InvoiceLine, f"r{n}", invoice=f"R{n}", order=f"P{n}", amount=amount * Decimal("0.4"),
            invoiced_on=MONDAY, vendor="V",
        )  # fmt: skip
        world.add(
            Payment, f"p{n}", invoice=f"R{n}", vendor="V", amount=amount * Decimal("0.1"),
            paid_on=MONDAY,
        )  # fmt: skip
    for n in range(3):
        world.add(
            HelpDeskItem, f"h{n}", key=f"H{n}", title="Mail", status=TicketStatus.CLOSED,
            created_at=at("2026-03-09T08:00"), resolved_at=at(f"2026-03-{10 + n}T08:00"),
            resolve_due_at=at("2026-03-11T09:00"),
        )  # fmt: skip
    world.setup["baseline_on"] = date(2026, 2, 20)
    return world


def test_every_figure_of_a_project_in_money_recombines(rich):
    explained = check_all(rich.inputs())
    unheard = {"removed", *(n for n in explained if n.startswith("schedule_variance"))}
    everything = {n for n, f in rich.project().figures.items() if f.value}
    assert everything - unheard <= explained
    assert "within_sla" in explained


def test_every_figure_recombines_under_each_form_of_the_estimate(rich):
    for method in ("budget", "cpi", "spi", "spi_t", "cpi_spi", "weighted", "weighted_t"):
        policy = rich.inputs().policy.__class__(eac_method=method)
        rich.options["policy"] = policy
        project = Explainer(rich.inputs(), "NET")
        assert check(project, "eac", ""), method


def test_a_recorded_baseline_is_named_and_still_recombines(rich, at):
    frozen = freeze(rich.inputs(), "NET")
    assert frozen is not None
    packages, items = frozen.packages, frozen.items
    rich.options["baselines"] = (
        RecordedBaseline(
            project="NET", version=1, on=date(2026, 3, 3), author="Ada", approval="Board",
            change_request="", packages=packages[2:], items=items,
        ),
        RecordedBaseline(
            project="NET", version=2, on=date(2026, 3, 4), author="Ada", approval="Board",
            change_request="", packages=packages, items=items[1:],
        ),
    )  # fmt: skip
    rich.records["work_item"].pop(3)
    rich.add(ChangeRequest, "c", number="C-1", title="Cut", status="approved")
    check_all(rich.inputs())
    (budget,) = explain(rich.inputs(), "NET", "bac", "ITEMS").parts
    assert budget.note == "baseline 2 of 4 Mar 2026 by Ada, approved by Board"
    removed = explain(rich.inputs(), "NET", "removed").parts
    assert [(p.value, p.note) for p in removed] == [
        (1, "without approval; no longer in the project")
    ]


def test_a_project_measured_in_items_recombines_with_packages_and_without(world, at):
    for n in range(4):
        world.add(
            WorkItem, f"i{n}", key=f"NET-{n}", title="t", work_package="1" if n else "",
            status=WorkStatus.DONE if n == 2 else WorkStatus.TODO,
            created_at=at("2026-03-01T08:00"),
        )  # fmt: skip
    world.setup |= {"currency": "", "start": MONDAY, "finish": date(2026, 3, 20)}
    assert {"bac", "pv", "ev", "items", "percent"} <= check_all(world.inputs())
    dates = {"planned_start": MONDAY, "planned_finish": date(2026, 3, 20)}
    world.add(WorkPackage, "w", code="1", name="One", **dates)
    assert {"bac", "pv", "ev", "items", "percent"} <= check_all(world.inputs())
    assert [p.figure for p in explain(world.inputs(), "NET", "ev").parts] == ["ev"]


def test_a_register_row_recombines(world, eur):
    world.add(
        Project, "p", code="NET", name="Network", planned_cost=eur(900), actual_cost=eur(1000),
        planned_start=date(2026, 1, 1), planned_finish=date(2026, 2, 1),
        actual_finish=date(2026, 2, 4),
    )  # fmt: skip
    assert {"cost_variance_percent", "schedule_variance_percent"} <= check_all(world.inputs())
    days = explain(world.inputs(), "NET", "schedule_variance_days")
    assert days.filled == "1 Feb 2026 − 4 Feb 2026"
    assert days.figure.value == -3


def test_nothing_is_known_and_every_reason_is_kept(world):
    world.add(TimeEntry, "t", item="", person="Nobody", on=MONDAY, duration_s=60)
    check_all(world.inputs())
    (entry,) = explain(world.inputs(), "NET", "labour").parts
    assert (entry.value, entry.reason) == (None, "no hourly rate for Nobody")


def test_a_time_entry_shows_its_hours_rate_and_rule(world, eur):
    world.add(TimeEntry, "t", item="", person="A", on=MONDAY, duration_s=5400)
    usd = eur(1).__class__(Decimal(100), "USD")
    world.add(Rate, "a", of="A", per_hour=usd)
    world.add(FxRate, "x", currency="USD", base="EUR", on=date(2026, 1, 1), rate=Decimal("0.9"))
    found = explain(world.inputs(), "NET", "labour")
    (part,) = found.parts
    assert (part.value, part.unit, part.on) == (135, "EUR", MONDAY)
    assert (part.source, part.fx) == (
        "1.50 h",
        "1 USD = 0.9 EUR on 2 Mar 2026 (rate of 1 Jan 2026)",
    )
    assert part.rate == "USD 100.00 an hour, rate of A (src:rate:a)"
    assert (part.identity, part.rule) == ("src:time_entry:t", "project key")
    assert (part.url, part.place) == ("https://src.test/t", "https://src.test/t")


def test_an_order_balance_shows_what_was_netted(rich):
    eur_order = explain(rich.inputs(), "NET", "committed", "PERCENT").parts[0]
    assert eur_order.value == 150
    assert eur_order.note == "ordered EUR 500.00 − received EUR 350.00"
    usd_order = explain(rich.inputs(), "NET", "committed", "PERCENT").parts[1]
    assert (usd_order.value, usd_order.source) == (Fraction("89.1"), "USD 99.00")
    assert usd_order.fx == "1 USD = 0.9 EUR on 13 Mar 2026 (rate of 1 Jan 2026)"


def test_the_formula_is_told_with_its_numbers(rich):
    found = explain(rich.inputs(), "NET", "cpi", "PERCENT")
    assert [p.symbol for p in found.inputs] == ["EV", "AC"]
    assert found.formula == "EV / AC"
    assert re.fullmatch(r"[\d,.]+ / [\d,.]+", found.filled)
    share = explain(rich.inputs(), "NET", "pv", "PERCENT").inputs[0]
    assert share.note == "10 of 15 working days from 2 Mar 2026 to 20 Mar 2026"


def test_a_formula_worked_out_as_printed_gives_its_figure_to_the_cent(rich):
    found = explain(rich.inputs(), "NET", "eac")
    assert found.formula == "AC + (BAC − EV) / CPI"
    ac, bac, ev, cpi = (Fraction(n) for n in re.findall(r"[\d.]+", found.filled.replace(",", "")))
    assert abs(ac + (bac - ev) / cpi - Fraction(found.figure.value)) < Fraction(1, 100)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("NETT", "ev"), "no project 'NETT': did you mean \"NET\"?"),
        (("NET", "eacs"), "no figure 'eacs': did you mean \"eac\", Estimate at completion (EAC)?"),
        (("NET", "ev", "ITEM"), "NET has no work package 'ITEM': did you mean \"ITEMS\"?"),
    ],
)
def test_an_unknown_name_suggests_the_one_that_was_meant(rich, words, message):
    with pytest.raises(ReconcileError, match=re.escape(message)):
        explain(rich.inputs(), *words)
