"""A source that is configured and was never read is named where its figures would stand."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from itpm_sync.model import Contract, InvoiceLine, OrderLine, Receipt, WorkItem, WorkPackage
from itpm_sync.reconcile.explain import Explainer
from itpm_sync.reconcile.inputs import Rejected
from itpm_sync.reconcile.unread import lacking_cost

DAY = date(2026, 3, 2)
BOOKED = "labour + invoices − credit notes + received and not invoiced"
LACK = "receipts never read (office receipts): their accruals are not in it"


@pytest.fixture
def ordered(world, eur):
    """A budget, an order over 800 and a bill of 500."""
    world.add(WorkPackage, "1", code="1", name="One", budget=eur(9000), planned_finish=DAY)
    world.add(OrderLine, "o", order="PO-1", amount=eur(800), quantity=Decimal(8), ordered_on=DAY)
    world.add(InvoiceLine, "i", invoice="R-1", amount=eur(500), invoiced_on=DAY)
    return world


def test_cost_says_what_it_lacks_and_the_missing_figures_why(ordered):
    ordered.options["never_read"] = {"receipt": ("office receipts",)}
    project = ordered.project()
    figures, reason = project.figures, "receipts never read (office receipts)"
    assert (figures["ac"].value, figures["ac"].note) == (500, f"{BOOKED}; {LACK}")
    assert project.packages[0].figures["ac"].note == f"{BOOKED}; {LACK}"
    for name in ("received", "accrued"):
        assert (figures[name].value, figures[name].reason) == (None, reason)
    assert project.cost_lacks == (LACK,)
    terms = {p.symbol: p.note for p in Explainer(ordered.inputs(), "NET").of("ac").inputs}
    assert terms["accrued"] == f"0: {reason}"


def test_where_nothing_is_configured_nothing_is_missed(ordered):
    project = ordered.project()
    assert project.figures["ac"].note == BOOKED
    assert project.figures["received"].reason == "no source of receipts is connected"
    assert project.cost_lacks == ()


def test_what_is_committed_says_what_it_could_not_be_lessened_by(ordered):
    # ordered 800 − the larger of received, which nobody tells, and invoiced 0
    none = "no source of receipts is connected: what was received is not taken off"
    committed = ordered.project().figures["committed"]
    assert (committed.value, committed.note) == (800, none)
    ordered.options["never_read"] = {"receipt": ("office receipts",)}
    never = "receipts never read (office receipts): what was received is not taken off"
    assert ordered.project().figures["committed"].note == never
    assert ordered.project().packages[0].figures["committed"].note == never
    assert Explainer(ordered.inputs(), "NET").of("committed").figure.note == never
    ordered.records["invoice_line"] = []
    assert ordered.project().figures["committed"].note == (
        f"{never}; no source of invoices is connected: what was invoiced is not taken off"
    )


def test_what_is_committed_under_a_contract_says_it_too(ordered, eur):
    ordered.add(Contract, "c", number="C-1", title="C", ceiling=eur(9000))
    ordered.records["order_line"] = []
    none = "no source of receipts is connected: what was received is not taken off"
    assert Explainer(ordered.inputs(), "NET").of("contract:C-1:committed").figure.note == ""
    ordered.add(
        OrderLine, "o", order="PO-1", contract="C-1", amount=eur(800), quantity=Decimal(8),
        ordered_on=DAY,
    )  # fmt: skip
    committed = Explainer(ordered.inputs(), "NET").of("contract:C-1:committed").figure
    assert (committed.value, committed.note) == (800, none)
    ordered.options["never_read"] = {"receipt": ("office receipts",)}
    never = "receipts never read (office receipts): what was received is not taken off"
    found = Explainer(ordered.inputs(), "NET")
    assert found.of("contract:C-1:committed").figure.note == never
    assert found.of("contract:C-1:ordered").figure.note == ""
    ordered.options["never_read"] = {}
    ordered.add(Receipt, "g", order="PO-1", quantity=Decimal(2), received_on=DAY)
    committed = Explainer(ordered.inputs(), "NET").of("contract:C-1:committed").figure
    assert (committed.value, committed.note) == (600, "")


def test_what_is_committed_says_nothing_where_receipts_and_invoices_are_read(ordered):
    ordered.add(Receipt, "g", order="PO-1", quantity=Decimal(2), received_on=DAY)
    committed = ordered.project().figures["committed"]
    assert (committed.value, committed.note) == (600, "")


def test_where_a_source_was_read_that_holds_none_nothing_is_missed(ordered):
    ordered.options["read_empty"] = frozenset({"receipt"})
    figures = ordered.project().figures
    # ordered 800, received 0; the bill of 500 names no order
    for name, value in (("received", 0), ("accrued", 0), ("committed", 800), ("ac", 500)):
        assert (figures[name].value, figures[name].reason) == (value, "")
    assert (figures["committed"].note, figures["ac"].note) == ("", BOOKED)
    assert ordered.project().packages[0].figures["received"].value == 0
    assert Explainer(ordered.inputs(), "NET").of("received").figure.value == 0
    assert figures["labour"].reason == "no source of time entries is connected"


def test_a_cost_of_which_a_read_source_holds_nothing_is_0(world, eur):
    world.add(WorkPackage, "1", code="1", name="One", budget=eur(9000), planned_finish=DAY)
    assert world.figures()["ac"] is None
    world.options["read_empty"] = frozenset({"receipt"})  # without orders no receipt tells a cost
    assert world.figures()["ac"] is None
    world.options["read_empty"] = frozenset({"invoice_line"})
    assert (world.figures()["ac"], world.figures()["invoiced"]) == (0, 0)


def test_a_second_table_that_was_never_read_is_missed_beside_the_first(ordered):
    ordered.add(Receipt, "g", order="PO-1", quantity=Decimal(2), received_on=DAY)
    ordered.options["never_read"] = {"receipt": ("office receipts",)}
    project = ordered.project()
    assert project.figures["ac"].value == 500 + 200
    assert project.figures["received"].value == 200
    assert project.cost_lacks == (LACK,)


def test_a_cost_that_is_not_known_names_the_sources_that_were_never_read(world, eur):
    world.add(WorkPackage, "1", code="1", name="One", budget=eur(9000), planned_finish=DAY)
    world.options["never_read"] = {"time_entry": ("jira issue",), "invoice_line": ("a b", "c d")}
    figure = world.project().figures["ac"]
    assert figure.value is None
    assert figure.reason == (
        "time entries never read (jira issue): their labour is not in it; "
        "invoices never read (a b, c d): they are not in it"
    )


def test_a_project_without_money_lacks_none_of_it(world):
    world.add(WorkItem, "1", key="NET-1", title="One")
    world.options["never_read"] = {"receipt": ("office receipts",)}
    assert world.project().cost_lacks == ()


def test_cost_says_what_of_it_stands_in_quarantine(ordered):
    time, plan = frozenset({"time_entry"}), frozenset({"work_package"})
    rows = [("T-1", time, False), ("T-1", time, False), ("T-2", time, False), ("T-3", time, True)]
    ordered.options["rejected"] = tuple(
        Rejected(connection="office", stream="time", source_id=key, place=f"row {n}",
                 message="bad", soft=soft, kinds=kinds)
        for n, (key, kinds, soft) in enumerate([*rows, ("P-1", plan, False)])
    )  # fmt: skip
    lack = "2 records of office time stand in quarantine: what they say is not in it"
    project = ordered.project()
    assert project.cost_lacks == (lack,)
    assert project.figures["ac"].note == f"{BOOKED}; {lack}"


def test_what_is_no_part_of_the_cost_is_not_told():
    assert [*lacking_cost({"risk": ("office risks",), "order_line": ("office orders",)})] == [
        "purchase orders never read (office orders): accruals on them are not in it"
    ]
