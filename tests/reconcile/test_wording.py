"""How numbers read: never with an exponent, and never on the wrong side of a bound."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from itpm_sync.model import Money
from itpm_sync.reconcile.explanation import Part, shown
from itpm_sync.reconcile.wording import MINUS, apart, plain, show

FRACTIONS = st.fractions(min_value=-100, max_value=100, max_denominator=10**9)
BOUNDS = st.decimals(min_value=-100, max_value=100, places=4)


def number(text: str) -> Fraction:
    return Fraction(text.replace(MINUS, "-").replace(",", ""))


@pytest.mark.parametrize(
    ("value", "bound", "digits", "text"),
    [
        ("1.1004", "1.10", 2, "1.1004"),  # 1.10 and 1.100 would be the bound itself
        ("1.13", "1.10", 2, "1.13"),
        ("1.10", "1.10", 2, "1.10"),
        ("1.108", "1.109", 2, "1.108"),  # 1.11 would be above it
        (f"0.94{'9' * 30}", "0.95", 2, f"0.94{'9' * 30}"),  # more digits than decimals reckon with
        ("0.8999999", "0.90", 2, "0.8999999"),
        ("36.2", "36", 0, "36.2"),
        ("37.2", "36", 0, "37"),
        ("-0.001", "0", 2, f"{MINUS}0.001"),
    ],
)
def test_a_number_has_as_many_digits_as_tell_it_from_its_bound(
    value: str, bound: str, digits: int, text: str
) -> None:
    assert apart(Fraction(value), Decimal(bound), digits) == text


@given(FRACTIONS, BOUNDS, st.integers(0, 4))
def test_what_is_printed_is_on_the_side_of_the_bound_on_which_the_number_is(
    value: Fraction, bound: Decimal, digits: int
) -> None:
    text, limit = apart(value, bound, digits), Fraction(bound)
    assert (number(text) > limit, number(text) < limit) == (value > limit, value < limit)


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**20), max_value=10**20))
def test_no_number_is_printed_with_an_exponent(value: Decimal) -> None:
    assert not set(plain(value)) - set("0123456789.," + MINUS)
    assert number(plain(value)) == Fraction(value)
    assert "E" not in show(Fraction(value), 9)
    assert "E" not in str(Money(value, "EUR")).removeprefix("EUR")


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), ("1/2", "0.5"), ("1/3", "0.333333333"), ("-3", f"({MINUS}3)")]
)
def test_a_share_within_a_formula_has_no_zeros_that_say_nothing(value: str, text: str) -> None:
    part = Part(symbol="s", label="share", value=Fraction(value), unit="ratio")
    assert shown(part) == text


def test_items_within_a_formula_are_told_in_parts_where_the_plan_has_parts() -> None:
    parts = [Part(symbol="n", label="items", value=Fraction(v), unit="items") for v in (7, "29/6")]
    assert [shown(part) for part in parts] == ["7", "4.83"]


def test_a_number_of_many_digits_is_rounded_at_its_end_alone() -> None:
    assert show(Fraction(10**30, 3)) == f"333{',333' * 9}.33"
