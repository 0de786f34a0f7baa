"""What is received costs on its day; the invoice takes the accrual back and stands in its place."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from itpm_sync.model import FxRate, InvoiceLine, Money, OrderLine, Receipt, WorkPackage
from itpm_sync.reconcile.accruals import Movement, Posting, accruals, still_open
from itpm_sync.reconcile.explain import Explainer

MONDAY = date(2026, 3, 2)
MOVEMENTS = st.lists(
    st.builds(
        Movement,
        st.integers(0, 20).map(lambda days: MONDAY + timedelta(days)),
        st.integers(-50, 100).map(Fraction),
    ),
    max_size=8,
)


def day(of_march: int) -> date:
    return date(2026, 3, of_march)


def moved(*pairs: tuple[int, int]) -> list[Movement]:
    return [Movement(day(on), Fraction(amount)) for on, amount in pairs]


def posted(*rows: tuple[int, int, int]) -> tuple[Posting, ...]:
    return tuple(Posting(day(on), Fraction(amount), day(since)) for on, amount, since in rows)


def test_a_bill_takes_back_the_oldest_accrual_first():
    found = accruals(moved((3, 60), (5, 40)), moved((10, 70)))
    assert found == posted((3, 60, 3), (5, 40, 5), (10, -60, 3), (10, -10, 5))
    assert still_open(found) == moved((5, 30))


def test_what_was_billed_in_advance_accrues_nothing_when_it_comes():
    found = accruals(moved((10, 100)), moved((2, 80)))
    assert found == posted((10, 20, 10))


def test_on_one_day_a_receipt_comes_before_its_bill():
    found = accruals(moved((3, 100)), moved((3, 100)))
    assert found == posted((3, 100, 3), (3, -100, 3))
    assert still_open(found) == []


def test_goods_that_went_back_and_a_bill_that_was_taken_back_are_netted():
    assert still_open(accruals(moved((3, 100), (4, -30)), [])) == moved((3, 70))
    reopened = accruals(moved((3, 100)), moved((5, 100), (6, -20)))
    assert still_open(reopened) == moved((6, 20))


@given(MOVEMENTS, MOVEMENTS)
def test_at_the_end_of_each_day_the_accrual_is_what_is_received_and_not_billed(received, billed):
    found = accruals(received, billed)
    for days in range(21):
        on = MONDAY + timedelta(days)
        got, of_it = (sum(m.amount for m in ms if m.on <= on) for ms in (received, billed))
        until = [posting for posting in found if posting.on <= on]
        assert sum(posting.amount for posting in until) == max(0, got - of_it)
        assert all(left > 0 for _, left in still_open(until))
    assert all(posting.since <= posting.on for posting in found)


# ---- in a project -------------------------------------------------------------------------------


@pytest.fixture
def plan(world, eur):
    """A package of 5,000 and an order of 10 pieces at 100."""
    world.add(
        WorkPackage, "wp1", code="WP1", name="Switches", budget=eur(5000),
        planned_start=MONDAY, planned_finish=day(27), percent_complete=Decimal(50),
    )  # fmt: skip
    world.add(
        OrderLine, "po1", order="PO-1", amount=eur(1000), quantity=Decimal(10), vendor="Acme",
        ordered_on=MONDAY, work_package="WP1",
    )  # fmt: skip
    return world


def receive(world, on, quantity):
    number = len(world.records.get("receipt", ()))
    world.add(Receipt, f"g{number}", order="PO-1", quantity=Decimal(quantity), received_on=day(on))


def bill(world, on, amount, **more):
    number = len(world.records.get("invoice_line", ()))
    world.add(
        InvoiceLine, f"r{number}", invoice=f"R-{number}", vendor="Acme", order="PO-1",
        amount=amount, invoiced_on=day(on), work_package="WP1", **more,
    )  # fmt: skip


def spent(world) -> tuple[Decimal | None, ...]:
    found = world.figures()
    return found["invoiced"], found["accrued"], found["ac"]


def test_actual_cost_is_what_is_billed_and_what_is_received_and_not_billed(plan, eur):
    receive(plan, 3, 6)
    assert spent(plan) == (None, 600, 600)  # no source of invoices is connected
    bill(plan, 10, eur(400), quantity=Decimal(4))
    assert spent(plan) == (400, 200, 600)


def test_the_weeks_before_an_invoice_keep_the_cost_of_what_was_received_in_them(plan, eur):
    receive(plan, 4, 6)  # in the week that ends on 8 March
    bill(plan, 12, eur(660), quantity=Decimal(6))
    curve = {point.on: point.ac for point in plan.project().curve}
    assert curve[day(8)] == 600
    assert curve[day(13)] == 660  # the invoice, in place of its accrual


def test_an_invoice_at_a_better_price_leaves_no_accrual(plan, eur):
    receive(plan, 3, 10)
    bill(plan, 10, eur(900), quantity=Decimal(10))
    assert spent(plan) == (900, 0, 900)


def test_an_invoice_without_a_quantity_takes_back_its_amount(plan, eur):
    receive(plan, 3, 10)
    bill(plan, 10, eur(900))
    assert spent(plan) == (900, 100, 1000)


def test_a_credit_note_without_a_quantity_corrects_the_price_and_one_with_it_the_billing(plan, eur):
    receive(plan, 3, 10)
    bill(plan, 9, eur(1000), quantity=Decimal(10))
    bill(plan, 10, eur(50), credit_note=True)
    assert spent(plan) == (950, 0, 950)
    bill(plan, 11, eur(200), quantity=Decimal(2), credit_note=True)
    assert spent(plan) == (750, 200, 950)  # the two pieces are here and will be billed
    receive(plan, 12, -2)
    assert spent(plan) == (750, 0, 750)  # they went back


def test_an_invoice_that_names_no_line_takes_back_the_lines_in_turn(plan, eur):
    plan.add(
        OrderLine, "po2", order="PO-1", line="2", amount=eur(500), quantity=Decimal(5),
        vendor="Acme", ordered_on=MONDAY, work_package="WP1",
    )  # fmt: skip
    receive(plan, 3, 10)
    plan.add(Receipt, "g2", order="PO-1", line="2", quantity=Decimal(5), received_on=day(3))
    bill(plan, 10, eur(1200))
    assert spent(plan) == (1200, 300, 1500)  # 1,000 of line 1 and 200 of line 2


def test_a_reversal_leaves_nothing_of_a_rate_that_moved(plan):
    def usd(amount):
        return Money(Decimal(amount), "USD")

    plan.records["order_line"].clear()
    plan.add(
        OrderLine, "po1", order="PO-1", amount=usd(1000), quantity=Decimal(10), vendor="Acme",
        ordered_on=MONDAY, work_package="WP1",
    )  # fmt: skip
    for on, rate in ((2, "0.90"), (4, "0.80"), (10, "0.95")):
        plan.add(FxRate, f"fx{on}", currency="USD", base="EUR", rate=Decimal(rate), on=day(on))
    receive(plan, 4, 10)
    assert spent(plan) == (None, 800, 800)  # at the rate of the day of the receipt
    bill(plan, 10, usd(400), quantity=Decimal(4))
    assert spent(plan) == (380, 480, 860)  # 400 × 0.95, and 600 × 0.80
    bill(plan, 11, usd(600), quantity=Decimal(6))
    assert spent(plan) == (950, 0, 950)


def test_explain_names_each_receipt_that_is_not_billed(plan, eur):
    receive(plan, 3, 6)
    receive(plan, 5, 4)
    bill(plan, 10, eur(700), quantity=Decimal(7))
    found = Explainer(plan.inputs(), "NET").of("ac")
    assert found.formula == "labour + invoiced + accrued"
    assert [(p.value, p.on) for p in found.parts] == [(700, day(10)), (300, day(5))]
    assert found.parts[1].note == "received EUR 1,000.00, of it invoiced EUR 700.00"
