"""Contracts against ceiling, term and notice."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from itpm_sync.model import Contract, FxRate, InvoiceLine, Money, OrderLine, Receipt
from itpm_sync.reconcile.explain import Explainer
from itpm_sync.reconcile.inputs import Policy
from tests.reconcile.documents import DAY, contract, invoice, order

TODAY = date(2026, 3, 13)


def test_burn_is_value_used_over_time_elapsed(world, eur):
    contract(world, eur)  # 72 of 365 days are over on 13 March
    order(world, eur, "PO-1", "4000", contract="c-1", quantity=Decimal(4))
    world.add(Receipt, "g", order="PO-1", quantity=Decimal(3), received_on=DAY)
    invoice(world, eur, "R-1", "2000", order="PO-1")  # through its order
    invoice(world, eur, "R-2", "600", contract="C-1")
    [status] = world.project().contracts
    assert (status.committed, status.invoiced) == (eur(1000), eur(2600))
    # (2600 invoiced + 1000 received and not invoiced) / 10000 ÷ (72 / 365)
    assert status.burn.value == Decimal("1.825")
    assert status.colour == "red"
    [found] = world.findings("contract-burn")
    assert "1.82 times as fast" in found.message


def test_burn_tells_what_is_used_though_nothing_is_invoiced_yet(world, eur):
    contract(world, eur, ceiling="1000")
    order(world, eur, "PO-1", "1000", contract="C-1", quantity=Decimal(10))
    world.add(Receipt, "g", order="PO-1", quantity=Decimal(9), received_on=DAY)
    [found] = world.findings("contract-burn")
    assert found.message.endswith("(EUR 900.00 used of EUR 1,000.00)")
    assert found.amount == eur(900)


def test_a_bill_without_a_rate_is_under_the_contract_of_its_own_systems_order(world, eur):
    for system, number in (("coupa", "C-2"), ("sap", "C-1")):
        contract(world, eur, number)
        for line in "12":
            world.add(
                OrderLine, f"{system}{line}", order="4500", line=line, amount=eur(1000),
                ordered_on=DAY, contract=number, connection=system,
            )  # fmt: skip
    world.add(
        InvoiceLine, "R-1", invoice="R-1", order="4500", invoiced_on=DAY, connection="sap",
        amount=Money(Decimal(70), "SEK"),
    )  # fmt: skip
    told = {c.number: c.invoiced for c in world.project().contracts}
    assert told == {"C-1": None, "C-2": eur(0)}


def test_the_rest_of_a_ceiling_is_what_is_not_used_whatever_is_still_on_order(world, eur):
    contract(world, eur, ceiling="260000")
    order(world, eur, "PO-1", "136000", contract="C-1", quantity=Decimal(8))
    order(world, eur, "PO-2", "60000", contract="C-1", quantity=Decimal(6))
    world.add(Receipt, "g", order="PO-2", quantity=Decimal(2), received_on=DAY)
    invoice(world, eur, "R-1", "136000", order="PO-1")
    [status] = world.project().contracts
    # of PO-2, 2 of 6 are received: 20,000 not invoiced, 40,000 to come; PO-1 is invoiced
    assert (status.committed, status.accrued) == (eur(40_000), eur(20_000))
    assert status.used == eur(156_000)  # 136,000 invoiced + 20,000
    assert status.left == eur(104_000)  # not 260,000 − 40,000


def test_what_a_snapshot_of_old_did_not_keep_is_not_made_up(world, eur):
    contract(world, eur)
    [status] = world.project().contracts
    assert (status.used, status.left) == (eur(0), eur(10_000))
    old = replace(status, accrued=None)
    assert (old.used, old.left) == (None, None)


def test_lines_of_one_order_may_be_under_two_contracts(world, eur):
    for number in ("C-1", "C-2"):
        contract(world, eur, number)
    for line, of in (("1", "C-1"), ("2", "C-2"), ("3", "")):
        world.add(
            OrderLine, f"o{line}", order="PO-1", line=line, amount=eur(1000),
            quantity=Decimal(10), ordered_on=DAY, contract=of,
        )  # fmt: skip
    world.add(Receipt, "g", order="PO-1", line="2", quantity=Decimal(9), received_on=DAY)
    invoice(world, eur, "R-1", "900", order="PO-1", order_line="02")
    invoice(world, eur, "R-2", "50", order="PO-1", order_line="3")  # under none
    invoice(world, eur, "R-3", "7", order="PO-1", order_line="2", contract="C-1")  # its own word
    invoice(world, eur, "R-4", "4", order="PO-1")  # bills line 1, which has room
    found = {c.number: c.invoiced for c in world.project().contracts}
    assert found == {"C-1": eur(7 + 4), "C-2": eur(900)}


def test_an_invoice_that_names_no_line_is_under_the_contracts_of_the_lines_that_it_bills(
    world, eur
):
    for line, of in (("1", "C-1"), ("2", "C-2")):
        contract(world, eur, of)
        world.add(
            OrderLine, f"o{line}", order="PO-1", line=line, amount=eur(1000),
            quantity=Decimal(10), ordered_on=DAY, contract=of,
        )  # fmt: skip
    world.add(Receipt, "g", order="PO-1", line="2", quantity=Decimal(3), received_on=DAY)
    invoice(world, eur, "R-1", "400", order="PO-1")  # 300 of what came, then what has room
    found = {c.number: c.invoiced for c in world.project().contracts}
    assert found == {"C-1": eur(100), "C-2": eur(300)}
    [part] = Explainer(world.inputs(), "NET").of("contract:C-2:invoiced").parts
    assert (part.value, part.source) == (300, "EUR 300.00")


def test_an_order_of_another_system_with_the_same_number_is_another_order(world, eur):
    for system, of in (("erp-1", "C-1"), ("erp-2", "C-2")):
        contract(world, eur, of)
        world.add(
            OrderLine, of, order="PO-1", amount=eur(1000), ordered_on=DAY, contract=of,
            connection=system,
        )  # fmt: skip
    invoice(world, eur, "R-1", "40", order="PO-1", order_line="1", connection="erp-2")
    found = {c.number: c.invoiced for c in world.project().contracts}
    assert found == {"C-1": eur(0), "C-2": eur(40)}


def test_each_entry_of_a_contract_tells_its_own_amount_and_what_is_left_of_the_line(world):
    world.add(
        Contract, "c", number="C-1", ceiling=Money(Decimal(9000), "EUR"),
        start=date(2026, 1, 1), end=date(2026, 12, 31),
    )  # fmt: skip
    world.add(FxRate, "f", currency="USD", base="EUR", on=DAY, rate=Decimal("0.9"))
    dollars = Money(Decimal(1000), "USD")
    world.add(
        OrderLine, "o", order="PO-1", amount=dollars, quantity=Decimal(10), ordered_on=DAY,
        contract="C-1",
    )  # fmt: skip
    world.add(Receipt, "g", order="PO-1", quantity=Decimal(3), received_on=DAY)
    world.add(
        InvoiceLine, "i", invoice="R-1", order="PO-1", amount=Money(Decimal(100), "USD"),
        quantity=Decimal(1), invoiced_on=DAY,
    )  # fmt: skip
    told = {
        state: [(p.value, p.source, p.note) for p in explainer.of(f"contract:C-1:{state}").parts]
        for explainer in (Explainer(world.inputs(), "NET"),)
        for state in ("ordered", "committed", "accrued", "invoiced")
    }
    came = "https://src.test/g"
    assert told == {
        "ordered": [(900, "USD 1,000.00", "")],
        "committed": [(630, "USD 700.00", "ordered USD 1,000.00 − received USD 300.00")],
        "accrued": [
            (
                180,
                "USD 200.00",
                f"received USD 300.00 ({came}); of USD 300.00 in all, USD 100.00 is invoiced",
            )
        ],
        "invoiced": [(90, "USD 100.00", "")],
    }


def test_contract_over_its_ceiling_tolerates_nothing(world, eur):
    contract(world, eur, ceiling="1000")
    invoice(world, eur, "R-1", "1000", contract="C-1")
    assert world.findings("contract-over-ceiling") == []
    invoice(world, eur, "R-2", "0.01", contract="C-1")
    [found] = world.findings("contract-over-ceiling")
    assert found.amount == eur("0.01")
    assert (
        found.message
        == "Contract C-1: invoiced EUR 1,000.01 − ceiling EUR 1,000.00 = EUR 0.01 too much"
    )


def test_orders_beyond_the_contract(world, eur):
    contract(world, eur, ceiling="1000")
    order(world, eur, "PO-1", "700", contract="C-1")
    order(world, eur, "PO-2", "400", contract="C-1")
    order(world, eur, "PO-3", "400", contract="C-1", status="cancelled")
    [found] = world.findings("order-over-contract")
    assert found.amount == eur(100)


@pytest.mark.parametrize(
    ("amount", "told"),
    [
        ("749.99", None),
        ("750", ("low", "C-1 used 75 % of EUR 1,000.00")),
        ("899.99", ("low", "C-1 used 75 % of EUR 1,000.00")),
        ("900", ("medium", "C-1 used 90 % of EUR 1,000.00")),
        ("1000", ("medium", "C-1 used 100 % of EUR 1,000.00")),
        ("1000.01", None),  # contract-over-ceiling
    ],
)
def test_each_share_of_the_ceiling_is_told_once(world, eur, amount, told):
    contract(world, eur, ceiling="1000")
    invoice(world, eur, "R-1", amount, contract="C-1")
    found = [(f.severity, f.subject) for f in world.findings("contract-value-reached")]
    assert found == ([told] if told else [])


def test_what_is_received_and_not_invoiced_is_used_and_orders_are_told_where_they_are_ahead(
    world, eur
):
    contract(world, eur, ceiling="1000")
    order(world, eur, "PO-1", "950", contract="C-1", quantity=Decimal(10))
    world.add(Receipt, "g", order="PO-1", quantity=Decimal(8), received_on=DAY)
    assert [f.subject for f in world.findings("contract-value-reached")] == [
        "C-1 ordered 90 % of EUR 1,000.00",  # 950
        "C-1 used 75 % of EUR 1,000.00",  # 8 × 95 = 760
    ]
    invoice(world, eur, "R-1", "950", order="PO-1")
    [found] = world.findings("contract-value-reached")
    assert found.message == (
        "Contract C-1: EUR 950.00 used, 95.0 % of a ceiling of EUR 1,000.00; EUR 50.00 left"
    )
    order(world, eur, "PO-2", "60", contract="C-1")  # 1,010: order-over-contract tells it
    assert [f.subject[:8] for f in world.findings("contract-value-reached")] == ["C-1 used"]


def test_a_changed_ceiling_arms_the_shares_anew(world, eur):
    contract(world, eur, ceiling="1000")
    invoice(world, eur, "R-1", "800", contract="C-1")
    [before] = world.findings("contract-value-reached")
    world.records["contract"] = []
    contract(world, eur, ceiling="1050")
    [after] = world.findings("contract-value-reached")
    assert before.key != after.key
    world.options["policy"] = Policy(ceiling_shares=(Decimal("0.8"),))
    assert world.findings("contract-value-reached") == []  # 76.2 %


@pytest.mark.parametrize(
    "over", [{"status": "closed"}, {"end": TODAY - timedelta(days=1)}, {"ceiling": "0"}]
)
def test_a_contract_that_is_over_reaches_no_share(world, eur, over):
    contract(world, eur, **({"ceiling": "1000"} | over))
    invoice(world, eur, "R-1", "800", contract="C-1")
    assert world.findings("contract-value-reached") == []


def test_notice_is_told_once_at_each_of_its_days_and_anew_when_the_end_moves(world, eur):
    def key(days):
        world.records["contract"] = []
        contract(world, eur, end=TODAY + timedelta(days=days + 60), notice_days=60)
        [found] = world.findings("contract-notice-due")
        return found.subject

    assert key(90) == "C-1 90 days before 2026-06-11"
    assert key(7) == "C-1 7 days before 2026-03-20"
    contract(world, eur, number="C-2", end=date(2026, 6, 11), notice_days=0)
    subjects = []
    for today in (date(2026, 4, 12), date(2026, 4, 13), date(2026, 5, 11), date(2026, 5, 12)):
        world.options["data_date"] = today
        subjects += [f.subject for f in world.findings("contract-notice-due") if "C-2" in f.subject]
    assert subjects == [
        "C-2 60 days before 2026-06-11", "C-2 60 days before 2026-06-11",
        "C-2 60 days before 2026-06-11", "C-2 30 days before 2026-06-11",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("days", "severity", "colour"),
    [(91, None, "green"), (90, "medium", "amber"), (30, "high", "red"), (0, "high", "red")],
)
def test_notice_is_due_before_the_end(world, eur, days, severity, colour):
    end = TODAY + timedelta(days=days + 60)
    contract(world, eur, end=end, notice_days=60)
    assert [f.severity for f in world.findings("contract-notice-due")] == (
        [severity] if severity else []
    )
    [status] = world.project().contracts
    assert status.notice_deadline == TODAY + timedelta(days=days)
    assert status.colour == colour


def test_missed_notice_is_no_alert_but_amber(world, eur):
    contract(world, eur, end=TODAY + timedelta(days=59), notice_days=60)
    assert world.findings("contract-notice-due") == []
    [status] = world.project().contracts
    assert (status.colour, status.reason) == (
        "amber",
        "The notice deadline 12 Mar 2026 has passed",
    )


def test_spending_after_the_end(world, eur):
    contract(world, eur, end=date(2026, 2, 28))
    invoice(world, eur, "R-1", "10", contract="C-1", invoiced_on=date(2026, 2, 28))
    assert world.findings("contract-expired-spending") == []
    invoice(world, eur, "R-2", "20", contract="C-1", invoiced_on=date(2026, 3, 1))
    order(world, eur, "PO-1", "70", contract="C-1")
    [found] = world.findings("contract-expired-spending")
    assert "1 invoice line after it (EUR 20.00) and EUR 70.00 still on open orders" in found.message


def test_closed_contract_raises_no_alerts(world, eur):
    contract(world, eur, end=TODAY + timedelta(days=70), notice_days=60, status="Closed")
    assert world.findings("contract-notice-due") == []
    assert world.project().contracts[0].colour == "grey"


def test_extreme_notice_period_has_no_deadline(world, eur):
    contract(world, eur, notice_days=10**9)
    assert world.project().contracts[0].notice_deadline is None
