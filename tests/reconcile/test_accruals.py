"""What is received costs on its day; the invoice takes the accrual back and stands in its place."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from itpm_sync.model import FxRate, InvoiceLine, Money, OrderLine, Receipt, WorkPackage
from itpm_sync.reconcile.accruals import Billed, Movement, Posting, accruals, still_open
from itpm_sync.reconcile.explain import Explainer
from itpm_sync.reconcile.inputs import ProjectSetup
from tests.reconcile.conftest import World

MONDAY = date(2026, 3, 2)
DAYS = st.integers(0, 20).map(lambda days: MONDAY + timedelta(days))
AMOUNTS = st.integers(-50, 100).map(Fraction)
MOVEMENTS = st.lists(st.builds(Movement, DAYS, AMOUNTS), max_size=8)
BILLS = st.lists(st.builds(Billed, DAYS, AMOUNTS, st.sampled_from(["", "A", "B"])), max_size=8)
A_THEN_B_THEN_NO_A = ((6, 60, "A"), (7, 40, "B"), (9, -60, "A"))


def day(of_march: int) -> date:
    return date(2026, 3, of_march)


def moved(*pairs: tuple[int, int]) -> list[Movement]:
    return [Movement(day(on), Fraction(amount)) for on, amount in pairs]


def billed(*pairs: tuple[int, int]) -> list[Billed]:
    return [Billed(*movement) for movement in moved(*pairs)]


def posted(*rows: tuple[int, int, int]) -> tuple[Posting, ...]:
    return tuple(Posting(day(on), Fraction(amount), day(since)) for on, amount, since in rows)


def test_a_bill_takes_back_the_oldest_accrual_first():
    found = accruals(moved((3, 60), (5, 40)), billed((10, 70)))
    assert found == posted((3, 60, 3), (5, 40, 5), (10, -60, 3), (10, -10, 5))
    assert still_open(found) == moved((5, 30))


def test_what_was_billed_in_advance_accrues_nothing_when_it_comes():
    found = accruals(moved((10, 100)), billed((2, 80)))
    assert found == posted((10, 20, 10))


def test_on_one_day_a_receipt_comes_before_its_bill():
    found = accruals(moved((3, 100)), billed((3, 100)))
    assert found == posted((3, 100, 3), (3, -100, 3))
    assert still_open(found) == []


def test_goods_that_went_back_and_a_bill_that_was_taken_back_are_netted():
    assert still_open(accruals(moved((3, 100), (4, -30)), [])) == moved((3, 70))
    reopened = accruals(moved((3, 100)), billed((5, 100), (6, -20)))
    assert reopened == posted((3, 100, 3), (5, -100, 3), (6, 20, 3))
    assert still_open(reopened) == moved((3, 20))  # what came on the 3rd is not billed again


def test_a_bill_that_is_taken_back_frees_what_it_took_and_not_what_another_did():
    bills = [Billed(day(on), Fraction(amount), of) for on, amount, of in A_THEN_B_THEN_NO_A]
    assert still_open(accruals(moved((3, 60), (5, 40)), bills)) == moved((3, 60))
    # without a word of which it was, the latest that was taken
    bills[-1] = Billed(day(9), Fraction(-60))
    assert still_open(accruals(moved((3, 60), (5, 40)), bills)) == moved((3, 20), (5, 40))


def test_a_bill_in_advance_that_is_taken_back_leaves_what_came_since_its_day():
    bills = [Billed(day(2), Fraction(80), "A"), Billed(day(9), Fraction(-80), "A")]
    assert accruals(moved((4, 50)), bills) == posted((9, 50, 4))


@given(MOVEMENTS, BILLS)
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
    fields = {"vendor": "Acme", "order": "PO-1", "work_package": "WP1"} | more
    world.add(
        InvoiceLine, f"r{number}", invoice=f"R-{number}", amount=amount, invoiced_on=day(on),
        **fields,
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


def usd(amount):
    return Money(Decimal(amount), "USD")


def ordered_in_dollars(plan, rates):
    """Ten pieces for USD 1,000; `rates` by day of the month: EUR for a dollar."""
    plan.records["order_line"].clear()
    plan.add(
        OrderLine, "po1", order="PO-1", amount=usd(1000), quantity=Decimal(10), vendor="Acme",
        ordered_on=MONDAY, work_package="WP1",
    )  # fmt: skip
    for on, rate in rates.items():
        plan.add(FxRate, f"fx{on}", currency="USD", base="EUR", rate=Decimal(rate), on=day(on))


def test_a_reversal_leaves_nothing_of_a_rate_that_moved(plan):
    ordered_in_dollars(plan, {2: "0.90", 4: "0.80", 10: "0.95"})
    receive(plan, 4, 10)
    assert spent(plan) == (None, 800, 800)  # at the rate of the day of the receipt
    bill(plan, 10, usd(400), quantity=Decimal(4))
    assert spent(plan) == (380, 480, 860)  # 400 × 0.95, and 600 × 0.80
    bill(plan, 11, usd(600), quantity=Decimal(6))
    assert spent(plan) == (950, 0, 950)


def test_what_a_whole_credit_note_makes_unbilled_again_is_worth_what_it_was_when_it_came(plan):
    ordered_in_dollars(plan, {2: "0.90", 4: "0.80", 9: "0.95", 11: "0.70"})
    receive(plan, 4, 10)
    bill(plan, 9, usd(1000), quantity=Decimal(10))
    assert spent(plan) == (950, 0, 950)
    bill(plan, 11, usd(1000), quantity=Decimal(10), credit_note=True)
    # invoiced 1,000 × (0.95 − 0.70); the goods are here: 1,000 × 0.80, as on the day they came
    assert spent(plan) == (250, 800, 1050)
    [part] = Explainer(plan.inputs(), "NET").of("accrued").parts
    assert (part.value, part.on) == (800, day(4))
    assert {p.on: p.ac for p in plan.project().curve}[day(8)] == 800  # no earlier week changes


def test_explain_names_each_receipt_that_is_not_billed(plan, eur):
    receive(plan, 3, 6)
    receive(plan, 5, 4)
    bill(plan, 10, eur(700), quantity=Decimal(7))
    found = Explainer(plan.inputs(), "NET").of("ac")
    assert found.formula == "labour + invoiced + accrued"
    assert [(p.value, p.on) for p in found.parts] == [(700, day(10)), (300, day(5))]
    assert found.parts[1].note == (
        "received EUR 400.00 (https://src.test/g1); of EUR 1,000.00 in all, EUR 700.00 is invoiced"
    )


def test_a_finding_of_cost_shows_what_is_received_and_not_billed_too(plan, eur):
    plan.records["work_package"] = [
        replace(w, planned_start=day(20), percent_complete=None)
        for w in plan.records["work_package"]
    ]
    receive(plan, 3, 6)
    bill(plan, 10, eur(200), quantity=Decimal(2))
    (finding,) = plan.findings("cost-before-start")
    assert finding.amount == eur(600)
    assert [e.identity for e in finding.evidence] == ["src:order_line:po1", "src:invoice_line:r0"]


# ---- bills that name no line --------------------------------------------------------------------


def second_line(world, eur, **more):
    """Another line of PO-1: 5 pieces at 100."""
    fields = {"line": "2", "work_package": "WP1", "amount": eur(500), "quantity": Decimal(5)} | more
    world.add(OrderLine, "po2", order="PO-1", vendor="Acme", ordered_on=MONDAY, **fields)


def came(world, on, quantity, line, **more):
    number = len(world.records.get("receipt", ()))
    world.add(
        Receipt, f"g{number}", order="PO-1", line=line, quantity=Decimal(quantity),
        received_on=day(on), **more,
    )  # fmt: skip


def test_a_bill_goes_to_what_is_received_before_it_goes_to_what_there_is_room_for(plan, eur):
    second_line(plan, eur)
    came(plan, 3, 5, "0002")  # some systems write zeros before a line's number
    bill(plan, 10, eur(500))
    assert spent(plan) == (500, 0, 500)


def test_a_later_bill_changes_no_earlier_week(plan, eur):
    second_line(plan, eur)
    came(plan, 3, 10, "1")
    bill(plan, 5, eur(1000))  # names no line: of line 1, which came
    assert {p.on: p.ac for p in plan.project().curve}[day(8)] == 1000
    bill(plan, 12, eur(1000), order_line="1", quantity=Decimal(10))
    assert {p.on: p.ac for p in plan.project().curve}[day(8)] == 1000


def test_a_bill_that_is_in_no_project_takes_no_accrual_back(plan, eur):
    plan.others.append(ProjectSetup(code="APP", name="App", currency="EUR"))
    plan.add(
        WorkPackage, "wp9", code="WP9", name="App", budget=eur(900), project_key="APP",
        planned_start=MONDAY, planned_finish=day(27), percent_complete=Decimal(50),
    )  # fmt: skip
    second_line(plan, eur, project_key="APP", work_package="WP9")
    came(plan, 3, 10, "1")
    came(plan, 3, 5, "2", project_key="APP")
    bill(plan, 10, eur(1500), project_key="", work_package="")
    found = {p.code: p.figures["ac"].value for p in plan.snapshot().projects}
    assert found == {"NET": 1000, "APP": 500}
    assert plan.findings("unallocated-records")


def test_a_bill_of_several_packages_costs_each_what_it_takes_back_there(plan, eur):
    plan.add(
        WorkPackage, "wp2", code="WP2", name="Cables", budget=eur(900),
        planned_start=MONDAY, planned_finish=day(27), percent_complete=Decimal(50),
    )  # fmt: skip
    second_line(plan, eur, work_package="WP2")
    came(plan, 3, 10, "1")
    came(plan, 3, 5, "2")
    bill(plan, 10, eur(1500), work_package="")
    project = plan.project()
    assert {p.code: p.figures["ac"].value for p in project.packages} == {"WP1": 1000, "WP2": 500}
    assert project.figures["ac"].value == 1500
    found = Explainer(plan.inputs(), "NET").of("ac", "WP2")
    assert [(p.value, p.source) for p in found.parts] == [(500, "EUR 500.00")]


def test_a_credit_note_that_names_no_line_is_borne_by_the_packages_too(plan, eur):
    plan.add(
        WorkPackage, "wp2", code="WP2", name="Cables", budget=eur(900),
        planned_start=MONDAY, planned_finish=day(27), percent_complete=Decimal(50),
    )  # fmt: skip
    second_line(plan, eur, work_package="WP2")
    bill(plan, 9, eur(1500), work_package="")
    bill(plan, 10, eur(300), credit_note=True, work_package="")
    project = plan.project()
    assert {p.code: p.figures["ac"].value for p in project.packages} == {"WP1": 700, "WP2": 500}


# ---- credit notes, quantities and currencies as they come ---------------------------------------


def test_a_credit_note_of_a_whole_bill_makes_it_unbilled_again(plan, eur):
    receive(plan, 3, 10)
    bill(plan, 9, eur(1000))
    bill(plan, 10, eur(1000), credit_note=True)  # a wrong invoice; the right one will come
    assert spent(plan) == (0, 1000, 1000)
    bill(plan, 11, eur(980), quantity=Decimal(10))
    assert spent(plan) == (980, 0, 980)


def test_a_credit_note_of_a_bill_that_named_no_line_gives_each_line_its_part_back(plan, eur):
    second_line(plan, eur)
    came(plan, 3, 10, "1")
    came(plan, 3, 5, "2")
    bill(plan, 9, eur(1500))
    assert spent(plan) == (1500, 0, 1500)
    bill(plan, 10, eur(1500), credit_note=True)
    assert spent(plan) == (0, 1500, 1500)


@pytest.mark.parametrize(
    ("quantity", "why"), [("0", "many exports write 0 for none"), ("250", "hours, not pieces")]
)
def test_a_quantity_that_is_no_count_of_the_orders_pieces_is_not_believed(plan, eur, quantity, why):
    receive(plan, 3, 10)
    bill(plan, 10, eur(1000), quantity=Decimal(quantity))
    assert spent(plan) == (1000, 0, 1000), why


def test_a_line_below_zero_takes_pieces_back_whatever_sign_its_quantity_has(plan, eur):
    receive(plan, 3, 10)
    bill(plan, 9, eur(1000), quantity=Decimal(10))
    bill(plan, 10, eur(-500), quantity=Decimal(5))
    assert spent(plan) == (500, 500, 1000)


def test_lines_of_other_currencies_are_billed_in_their_own(plan, eur):
    def usd(amount):
        return Money(Decimal(amount), "USD")

    second_line(plan, eur, amount=usd(1000), quantity=Decimal(10))
    plan.add(FxRate, "fx", currency="USD", base="EUR", rate=Decimal("0.9"), on=MONDAY)
    came(plan, 3, 10, "2")
    bill(plan, 10, usd(1000), order_line="2")
    assert spent(plan) == (900, 0, 900)


def test_a_discount_line_takes_its_part_of_what_is_received_away(plan, eur):
    second_line(plan, eur, amount=eur(-100), quantity=Decimal(1))
    came(plan, 3, 10, "1")
    came(plan, 3, 1, "2")
    assert plan.figures()["ac"] == 900


def test_what_came_of_an_order_counts_when_the_rest_is_cancelled(plan, eur):
    receive(plan, 3, 6)
    (order,) = plan.records["order_line"]
    plan.records["order_line"] = [replace(order, status="cancelled")]
    found = plan.figures()
    assert (found["ordered"], found["committed"], found["ac"]) == (0, 0, 600)
    assert plan.findings("receipt-without-order") == []


def test_a_receipt_of_a_cancelled_line_is_not_booked_to_the_other_one(plan, eur):
    second_line(plan, eur, status="cancelled")
    came(plan, 3, 5, "2")
    assert plan.figures()["committed"] == 1000
    assert plan.figures()["ac"] == 500  # it came, and somebody will bill it


def test_a_receipt_for_a_line_that_its_order_does_not_have_is_told(plan, eur):
    second_line(plan, eur)
    came(plan, 3, 5, "7")
    (finding,) = plan.findings("receipt-without-order")
    assert "1 receipt of order PO-1, line 7: the order has no such line" in finding.message


def test_orders_of_two_systems_may_bear_one_number(plan, eur):
    plan.add(
        OrderLine, "other", connection="erp2", order="PO-1", amount=eur(50), quantity=Decimal(1),
        vendor="Other", ordered_on=MONDAY, work_package="WP1",
    )  # fmt: skip
    came(plan, 3, 1, "1", connection="erp2")
    assert plan.figures()["ac"] == 50
    assert plan.findings("receipt-over-order") == []


def test_receipts_without_any_order_make_no_cost_of_zero(plan):
    plan.records["order_line"].clear()
    receive(plan, 3, 6)
    figure = plan.project().figures["ac"]
    assert figure.value is None
    assert "no source of time entries" in figure.reason


def test_past_weeks_without_a_rate_are_told_as_a_gap(plan):
    def usd(amount):
        return Money(Decimal(amount), "USD")

    plan.records["order_line"].clear()
    plan.add(
        OrderLine, "po1", order="PO-1", amount=usd(1000), quantity=Decimal(10), vendor="Acme",
        work_package="WP1",
    )  # fmt: skip
    plan.add(FxRate, "fx", currency="USD", base="EUR", rate=Decimal("0.9"), on=day(10))
    receive(plan, 4, 10)
    bill(plan, 10, usd(1000), quantity=Decimal(10))
    assert plan.figures()["ac"] == 900
    assert plan.findings("fx-missing")


# ---- whatever comes -----------------------------------------------------------------------------

LINES = {"1": ("WP1", 10), "2": ("WP2", 5)}  # pieces at 100 each
EVENTS = st.lists(
    st.one_of(
        st.tuples(
            st.just("receipt"), st.integers(2, 30), st.sampled_from([*LINES]), st.integers(-3, 12)
        ),
        st.tuples(
            st.just("invoice"), st.integers(2, 30), st.sampled_from([*LINES, ""]),
            st.sampled_from([None, 0, 1, 4, 10]), st.integers(1, 15), st.booleans(),
        ),
    ),
    max_size=9,
)  # fmt: skip


def world_of(events) -> World:
    world = World()
    world.options["data_date"] = day(30)
    for line, (package, pieces) in LINES.items():
        world.add(
            WorkPackage, package, code=package, name=package, planned_start=MONDAY,
            planned_finish=day(27), percent_complete=Decimal(50),
            budget=Money(Decimal(5000), "EUR"),
        )  # fmt: skip
        world.add(
            OrderLine, f"po{line}", order="PO-1", line=line, vendor="Acme", ordered_on=MONDAY,
            amount=Money(Decimal(100 * pieces), "EUR"), quantity=Decimal(pieces),
            work_package=package,
        )  # fmt: skip
    bill(world, 2, Money(Decimal(1), "EUR"), order="PO-0")  # so that invoices are known
    came(world, 2, 0, "1")  # and receipts
    for event in events:
        if event[0] == "receipt":
            _, on, line, pieces = event
            came(world, on, pieces, line)
        else:
            _, on, line, quantity, hundreds, credit = event
            bill(
                world, on, Money(Decimal(100 * hundreds), "EUR"), order_line=line,
                quantity=None if quantity is None else Decimal(quantity), credit_note=credit,
                work_package="",
            )  # fmt: skip
    return world


@given(EVENTS)
@settings(max_examples=60)
def test_what_a_week_cost_is_told_alike_on_its_last_day_and_ever_after(events):
    world = world_of(events)
    curve = {point.on: point.ac for point in world.project().curve}
    for sunday in (day(8), day(15), day(22), day(29)):
        world.options["data_date"] = sunday
        assert world.figures()["ac"] == curve[sunday], sunday


@given(EVENTS)
@settings(max_examples=60)
def test_packages_add_up_to_the_project_and_its_records_to_each_figure(events):
    world = world_of(events)
    project = world.project()
    explainer = Explainer(world.inputs(), "NET")
    for name in ("invoiced", "accrued", "ac", "received", "committed"):
        whole = Fraction(project.figures[name].value)
        loose = sum(p.value for p in explainer.of(name).parts if not p.package)
        packages = sum(Fraction(p.figures[name].value) for p in project.packages)
        assert packages + loose == whole, name
        assert sum(p.value for p in explainer.of(name).parts) == whole, name
        assert name not in ("accrued", "committed") or whole >= 0
    assert project.figures["committed"].value <= 1500
