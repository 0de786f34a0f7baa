"""Every file of published examples has a test, and the published defaults are ours.

`COVERED` says which tests read which file. A new file without a test fails, and so does a test that
is named here but does not read its file, also where the examples are absent.
"""

from __future__ import annotations

import ast
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

from itpm_sync.reconcile import evm
from itpm_sync.reconcile.choices import DuplicateChoices
from itpm_sync.reconcile.evm import Performance
from itpm_sync.reconcile.inputs import Policy
from itpm_sync.reconcile.ratings import declared_colour, overall_rating
from itpm_sync.reconcile.status import Colour, Rating

COVERED: dict[str, tuple[str, ...]] = {
    "01_es_vanhoucke_pmkc_11wk": (
        "test_evm.py::test_vanhoucke_project_week_by_week",
        "test_pace.py::test_published_late_project_from_a_plan",
    ),
    "02_evm_pra_book_500k": ("test_evm.py::test_pra_example_of_half_a_million",),
    "03_evm_pra_unit_100k": ("test_evm.py::test_pra_example_of_a_hundred_thousand",),
    "05_tcpi_horace_lms": ("test_evm.py::test_tcpi_examples",),
    "08_es_quick_hksm": ("test_evm.py::test_earned_schedule_of_published_pairs",),
    "10_tcpi_ceboard": ("test_evm.py::test_tcpi_examples",),
    "11_agileevm_anatoquizup": ("test_evm.py::test_agile_evm_project",),
    "13_three_way_match_threeway": (
        "test_matching.py::test_published_exceptions",
        "test_order_findings.py::test_published_three_way_match_as_findings",
        "test_invoices.py::test_published_three_way_match_over_billing",
    ),
    "14_requirements_churn_projectR": (
        "test_churn.py::test_published_ledger_month_by_month",
        "test_scope_and_desk.py::test_published_requirements_churn",
    ),
    "15_rag_fema_mip": ("test_scope_and_desk.py::test_published_bands_are_two_sided",),
    "17_pfactor_constructed": (
        "test_evm.py::test_p_factor_of_constructed_schedule",
        "test_pace.py::test_published_schedule_adherence_from_a_plan",
    ),
    "18_money_allocation": ("test_money.py::test_published_allocations",),
    "19_misprints_negative": (
        "test_evm.py::test_misprinted_sources_are_not_followed",
        "test_vectors.py::test_each_listed_misprint_has_its_right_form_here",
    ),
    "closure_checklist": ("test_gates.py::test_every_check_of_the_closure_checklist_is_covered",),
    "handover_checklist": (
        "test_gates.py::test_every_item_of_the_hand_over_checklist_is_covered_as_strictly",
    ),
    "rag_defaults": ("test_vectors.py::test_published_rating_defaults_are_ours",),
    "reconcile_defaults": ("test_vectors.py::test_published_reconciliation_defaults_are_ours",),
}

HERE = Path(__file__).parent


def vectors_read(test: str) -> set[str]:
    """The starts of file names that a test hands to `vector`."""
    file, name = test.split("::")
    tree = ast.parse((HERE / file).read_text(encoding="utf-8"))
    return {
        str(ast.literal_eval(call.args[0]))
        for function in tree.body
        if isinstance(function, ast.FunctionDef) and function.name == name
        for call in ast.walk(function)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name)
        if call.func.id == "vector"
    }


@pytest.mark.parametrize(("stem", "test"), [(s, t) for s, tests in COVERED.items() for t in tests])
def test_a_test_that_is_named_here_reads_its_file(stem, test):
    assert any(stem.startswith(prefix) for prefix in vectors_read(test))


def test_every_file_of_published_examples_has_a_test(shared):
    assert {p.stem for p in (shared / "vectors").glob("*.json")} == set(COVERED)


# ---- defaults -----------------------------------------------------------------------------------


def rated(**colours: Colour) -> list[Rating]:
    return [Rating(dimension=d, colour=c, reason="r") for d, c in colours.items()]


def test_published_rating_defaults_are_ours(vector):
    case, policy = vector("rag_defaults"), Policy()
    for colour, low in (("green", policy.index_green), ("amber", policy.index_amber)):
        assert [low, 2 - low] == [Decimal(str(x)) for x in case["index"][colour]]
    assert 1 + policy.overrun_high == Decimal(str(case["eac_over_bac"]["amber"]))
    # "Worst dimension; unknown is grey, never green"; an unknown time or cost hides no red.
    green, grey, red = Colour.GREEN, Colour.GREY, Colour.RED
    assert overall_rating(rated(time=green, cost=green, risk=red)).colour is red
    assert overall_rating(rated(time=grey, cost=green)).colour is grey
    assert overall_rating(rated(time=grey, cost=red)).colour is red
    words = {word: declared_colour(word) for word in case["dca_uk"] if word != "source"}
    assert words == {
        "G": Colour.GREEN, "A/G": Colour.AMBER, "A": Colour.AMBER, "A/R": Colour.RED,
        "R": Colour.RED,
    }  # fmt: skip


def test_published_flags_of_the_to_complete_indices_are_ours(vector):
    flags, policy = vector("rag_defaults")["tcpi_flag"], Policy()
    assert [float(n) for n in (policy.tcpi_high, policy.tspi_high, policy.tcpi_gap)] == [
        flags["tcpi"], flags["tspi"], flags["tcpi_minus_cpi"]
    ]  # fmt: skip


def test_published_reconciliation_defaults_are_ours(vector):
    case, policy = vector("reconcile_defaults"), Policy()
    match, contract, scope = case["match_tolerance"]["default"], case["contract"], case["scope"]
    assert policy.quantity_tolerance * 100 == match["qty_pct"]
    assert policy.price_tolerance * 100 == match["price_pct"]
    assert policy.amount_tolerance_minor == match["line_abs_minor"]
    assert [policy.burn_amber, policy.burn_red] == [
        Decimal(str(contract[colour])) for colour in ("amber", "red")
    ]
    assert [float(s) for s in policy.ceiling_shares] == contract["value_thresholds"]
    assert list(policy.notice_days) == contract["renewal_alert_days_before_notice_deadline"]
    assert [policy.creep_amber, policy.creep_red] == [
        Decimal(str(scope[f"{colour}_creep"])) for colour in ("amber", "red")
    ]
    assert [policy.unplanned_amber, policy.unplanned_red, policy.scope_growth_watch] == [
        Decimal(str(scope[name]))
        for name in ("unplanned_ratio_amber", "unplanned_ratio_red", "monthly_growth_watch")
    ]
    choices, pairs = DuplicateChoices(), case["duplicates"]
    assert [choices.suggest, choices.sure] == [
        Decimal(str(pairs[name])) for name in ("suggest", "auto_link")
    ]


# ---- misprints ----------------------------------------------------------------------------------


def performance(bac: int, pv: int, ev: int, ac: int) -> Performance:
    return Performance(Fraction(bac), Fraction(pv), Fraction(ev), Fraction(ac))


def test_each_listed_misprint_has_its_right_form_here(vector):
    items = vector("19")["items"]
    assert len(items) == 9
    p = performance(22000, 14000, 13000, 15000)
    wrong = [
        Fraction(p.bac) / (Fraction(13, 15) * Fraction(13, 14)),  # EAC = BAC / (CPI · SPI)
        (Fraction(25384) - p.ev) / (Fraction(25384) - p.ac),  # TCPI = (EAC − EV) / (EAC − AC)
    ]
    assert evm.eac(p, "cpi_spi").value == p.ac + (p.bac - p.ev) / (
        Fraction(13, 15) * Fraction(13, 14)
    )
    assert evm.eac(p, "cpi_spi").value != wrong[0]
    assert evm.tcpi_eac(p, 25384).value == Fraction(22000 - 13000, 25384 - 15000)
    assert evm.tcpi_eac(p, 25384).value != wrong[1]
    # More work than money: above 1.
    over = evm.tcpi_bac(performance(100, 50, 40, 60)).value
    assert over is not None
    assert over > 1
    # PV is cumulative: BAC is its end, not its sum. An even plan of 52 weeks, 5.3 million.
    even = [Fraction(5_300_000 * week, 52) for week in range(1, 53)]
    assert evm.planned_duration(even) == 52
    es = evm.earned_schedule(even, 2_700_000).value
    assert es is not None
    assert es == Fraction(27, 53) * 52
    assert round(es, 2) == Fraction("26.49")
    # On a plan that is not even, PD · EV / BAC is not earned schedule.
    assert evm.earned_schedule([10, 30, 100], 30).value == 2 != Fraction(3 * 30, 100)
    # Nothing planned, nothing earned: n/a with a reason, never 1 and never 0.
    nothing = evm.spi(0, 0)
    assert nothing.value is None
    assert nothing.reason
    # IEAC(t) = AT + (PD − ES) / SPI(t) = PD / SPI(t), not AT / SPI(t).
    assert evm.ieac_t(52, 26, 30).value == 30 + Fraction(52 - 26) / Fraction(26, 30) == 60
