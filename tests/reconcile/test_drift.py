"""A plan whose sources say otherwise than the recorded baseline is a finding of its own."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from itpm_sync.model import FxRate, Method, Money, WorkPackage
from itpm_sync.reconcile import freeze
from itpm_sync.reconcile.decisions import Waiver
from itpm_sync.reconcile.explain import explain
from itpm_sync.reconcile.inputs import RecordedBaseline
from itpm_sync.reconcile.status import Severity

CODE = "plan-differs-from-baseline"
MONDAY, FRIDAY = date(2026, 3, 2), date(2026, 3, 27)
KEY = "plan-differs-from-baseline/NET/plan"


def package(world, code, budget, finish=FRIDAY, **fields):
    world.records["work_package"] = [
        r for r in world.records.get("work_package", ()) if r.code != code
    ]
    fields = {"method": Method.PERCENT, "percent_complete": Decimal(0)} | fields
    world.add(
        WorkPackage, code, code=code, name=f"Package {code}", planned_start=MONDAY,
        planned_finish=finish, budget=budget, **fields,
    )  # fmt: skip


def record(world, *, number=1, on=MONDAY, **fields):
    """A baseline of the plan as it is."""
    frozen = freeze(world.inputs(), "NET")
    assert frozen is not None
    world.options["baselines"] = (
        *world.options.get("baselines", ()),
        RecordedBaseline(
            project="NET", version=number, on=on, author="Ann", approval="Board",
            change_request="", packages=frozen.packages, items=(), rates=frozen.rates, **fields,
        ),
    )  # fmt: skip


@pytest.fixture
def planned(world, eur):
    """A baseline of EUR 1,000, 500 and 50; the plan is still the same."""
    for code, budget in (("A", 1000), ("B", 500), ("C", 50)):
        package(world, code, eur(budget))
    record(world)
    return world


@pytest.fixture
def drifted(planned, eur):
    """A costs 200 more, B ends a week later, C is gone and D came."""
    package(planned, "A", eur(1200))
    package(planned, "B", eur(500), date(2026, 4, 3))
    package(planned, "D", eur(100))
    planned.records["work_package"] = [r for r in planned.records["work_package"] if r.code != "C"]
    return planned


def test_a_plan_that_is_as_recorded_is_no_finding(planned):
    assert planned.findings(CODE) == []
    assert planned.project().figures["bac"].note == "by baseline 1 of 2 Mar 2026"


def test_a_plan_that_drifted_is_told_with_its_difference_of_budget(drifted, eur):
    [found] = drifted.findings(CODE)
    # + 200 of A + 100 of D − 50 of C
    assert (found.key, found.amount) == (KEY, eur(250))
    assert found.message == (
        "The plan differs from baseline 1 of 2 Mar 2026, by which BAC, PV and EV are computed: "
        "by it BAC is EUR 1,800.00 − EUR 1,550.00 = EUR 250.00; 1 package added, "
        "1 package gone, 1 package with another budget, 1 package with other dates; "
        "the last planned finish is 27 Mar 2026 → 3 Apr 2026"
    )
    assert [e.label for e in found.evidence] == [
        "A: EUR 1,000.00 → EUR 1,200.00",
        "D: added, EUR 100.00",
        "C: gone, EUR 50.00",
        "B: finish 27 Mar 2026 → 3 Apr 2026",
    ]
    assert "new baseline with its change request" in found.action


def test_bac_is_that_of_the_baseline_and_says_what_the_plan_would_make_it(drifted):
    bac = drifted.project().figures["bac"]
    assert bac.value == 1550
    note = "by baseline 1 of 2 Mar 2026; by the plan it would be EUR 1,800.00"
    assert bac.note == f"{note}; not in the baseline, so not counted: Package D"
    assert explain(drifted.inputs(), "NET", "bac").figure.note == bac.note


@pytest.mark.parametrize(
    ("budget", "severity"),
    [(1077, Severity.MEDIUM), (1078, Severity.HIGH), (923, Severity.MEDIUM), (922, Severity.HIGH)],
)
def test_more_than_5_percent_of_bac_elsewhere_is_high(planned, eur, budget, severity):
    package(planned, "A", eur(budget))  # 5 % of 1,550 is 77.50
    [found] = planned.findings(CODE)
    assert (found.severity, found.amount) == (severity, eur(budget - 1000))


def test_budget_that_is_shifted_between_packages_is_a_drift_though_the_sum_stays(planned, eur):
    package(planned, "A", eur(900))
    package(planned, "B", eur(600))
    [found] = planned.findings(CODE)
    assert (found.severity, found.amount) == (Severity.HIGH, eur(0))
    assert "by it BAC is EUR 1,550.00 − EUR 1,550.00 = EUR 0.00" in found.message
    assert planned.project().figures["bac"].note == "by baseline 1 of 2 Mar 2026"


@pytest.mark.parametrize(
    ("finish", "severity"),
    [(date(2026, 3, 20), Severity.LOW), (date(2026, 4, 3), Severity.MEDIUM)],
)
def test_dates_alone_are_low_until_they_move_the_last_finish(planned, eur, finish, severity):
    package(planned, "A", eur(1000), finish)
    [found] = planned.findings(CODE)
    assert (found.severity, found.amount) == (severity, None)


def test_a_new_baseline_of_the_plan_settles_it(drifted):
    record(drifted, number=2, on=date(2026, 3, 9))
    assert drifted.findings(CODE) == []
    drifted.options["data_date"] = date(2026, 3, 8)  # the first one was in force
    assert len(drifted.findings(CODE)) == 1


def test_it_stays_the_same_finding_while_it_grows_and_can_be_waived(drifted, eur):
    package(drifted, "A", eur(5000))
    [found] = drifted.findings(CODE)
    assert (found.key, found.severity) == (KEY, Severity.HIGH)
    drifted.options["waivers"] = (
        Waiver(
            finding=CODE, project="NET", subject="plan", reason="agreed", author="Ann",
            expires=date(2026, 4, 1),
        ),
    )  # fmt: skip
    [found] = drifted.findings(CODE)
    assert found.waiver is not None


def test_exchange_rates_alone_are_no_drift(world, eur):
    usd = Money(Decimal(1000), "USD")
    package(world, "A", usd)
    world.add(FxRate, "1", currency="USD", base="EUR", on=MONDAY, rate=Decimal("0.9"))
    record(world)
    world.add(FxRate, "2", currency="USD", base="EUR", on=date(2026, 3, 9), rate=Decimal("0.5"))
    assert world.findings(CODE) == []
    package(world, "A", Money(Decimal(1100), "USD"))
    [found] = world.findings(CODE)
    assert found.amount == eur(90)  # 100 × 0.90, the rate that the baseline froze
    assert found.evidence[0].label == "A: USD 1,000.00 → USD 1,100.00"


def test_where_a_budget_cannot_be_converted_the_difference_is_not_known(planned):
    package(planned, "A", Money(Decimal(1000), "XPF"))
    [found] = planned.findings(CODE)
    assert found.amount is None
    assert "what it makes of BAC is n/a: no exchange rate" in found.message


def test_a_budget_that_went_to_parts_is_not_counted_twice(planned, eur):
    package(planned, "A1", eur(600), parent="A")
    package(planned, "A2", eur(400), parent="A")
    [found] = planned.findings(CODE)
    assert found.amount == eur(0)  # 600 + 400 − 1,000
    assert "A: EUR 1,000.00 → none" in [e.label for e in found.evidence]
    assert planned.project().figures["bac"].value == 1550


def test_parts_that_go_leave_the_summary_of_the_baseline_a_summary(world, eur):
    package(world, "A", eur(1000))
    package(world, "A1", eur(600), parent="A")
    package(world, "A2", eur(400), parent="A")
    record(world)
    world.records["work_package"] = [r for r in world.records["work_package"] if r.code == "A"]
    [found] = world.findings(CODE)
    assert found.amount == eur(0)  # 1,000 − 600 − 400
    assert world.project().figures["bac"].value == 1000  # not 2,000


def test_a_plan_that_was_read_after_the_data_date_says_nothing_of_it(drifted):
    later = frozenset(r.id for r in drifted.records["work_package"])
    drifted.options["progress_unknown"] = later
    [found] = drifted.findings(CODE)
    assert [e.label for e in found.evidence] == ["C: gone, EUR 50.00"]


def test_the_last_finish_is_not_that_of_a_package_that_was_read_after_the_data_date(planned, eur):
    package(planned, "A", eur(1100))
    package(planned, "B", eur(500), date(2026, 5, 29))
    planned.options["progress_unknown"] = frozenset({planned.records["work_package"][-1].id})
    [found] = planned.findings(CODE)
    assert "1 package with another budget" in found.message
    assert "last planned finish" not in found.message


def test_a_baseline_of_a_plan_file_is_compared_where_the_records_say_something(planned, eur):
    [baseline] = planned.options["baselines"]
    planned.options["baselines"] = (replace(baseline, source="plan.xml"),)
    planned.records["work_package"] = []
    planned.add(WorkPackage, "v", code="A", name="A", planned_finish=FRIDAY)  # a fix version
    planned.add(WorkPackage, "w", code="2.0", name="2.0")
    assert planned.findings(CODE) == []
    package(planned, "B", eur(800))
    [found] = planned.findings(CODE)
    assert [e.label for e in found.evidence] == ["B: EUR 500.00 → EUR 800.00"]
    planned.records["work_package"] = []
    package(planned, "B", eur(800), date(2026, 3, 20))
    [found] = planned.findings(CODE)  # A and C end on 27 March as ever, though no record says so
    assert "last planned finish" not in found.message


def test_without_budgets_packages_and_dates_are_told_without_an_amount(world):
    package(world, "A", None)
    record(world)
    package(world, "B", None, date(2026, 4, 3))
    [found] = world.findings(CODE)
    assert (found.amount, found.severity) == (None, Severity.MEDIUM)
    assert "computed: 1 package added; the last planned finish" in found.message
