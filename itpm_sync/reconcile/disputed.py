"""What of the actual cost findings dispute: bills booked twice, and deliveries beyond the order.

Cost stays as it is booked until somebody settles the finding; a waived finding disputes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from fractions import Fraction

from itpm_sync.model import OrderLine
from itpm_sync.reconcile.checks.orders import over_delivered
from itpm_sync.reconcile.facts import ProjectFacts
from itpm_sync.reconcile.inputs import Inputs
from itpm_sync.reconcile.money import Disputed
from itpm_sync.reconcile.netting import Netted, net_amount
from itpm_sync.reconcile.number import Number, exact, exact_sum
from itpm_sync.reconcile.order_lines import Delivery
from itpm_sync.reconcile.tracking import unwaived


def disputed(facts: ProjectFacts, copies: Collection[str], inputs: Inputs) -> Iterator[Disputed]:
    """What is disputed of a project's AC; `copies` are the invoice lines that are booked twice."""
    for entry in facts.ledger.entries if copies else ():
        if entry.state == "invoiced" and entry.record.id in copies:
            yield Disputed(
                entry.record, entry.package, entry.on, entry.own, entry.amount, "duplicate-invoice"
            )
    found = list(over_delivered(facts))
    standing = {f.subject for f in unwaived((told for _, told in found), inputs)}
    homes = {o.record.id: o.package for o in facts.records.of(OrderLine)} if standing else {}
    for delivery, told in found:
        if told.subject in standing and told.amount is not None:
            worth = _in_cost(delivery, facts.documents.netted[delivery.order.id], copies)
            if worth := min(worth, exact(told.amount.amount)):
                yield _beyond(facts, delivery, homes[delivery.order.id], worth)


def _in_cost(delivery: Delivery, netted: Netted, copies: Collection[str]) -> Fraction:
    """The most that may be told beside the copies among the bills of a line: without them, so much
    of its cost is beyond what is ordered.
    """
    again = [net_amount(i) for i in delivery.invoices if i.id in copies]
    if not again:
        return netted.received
    return max(Fraction(0), netted.invoiced + netted.accrued - exact_sum(again) - netted.ordered)


def _beyond(facts: ProjectFacts, delivery: Delivery, package: str, worth: Fraction) -> Disputed:
    """At the rate of the last receipt, as which the surplus came."""
    order, documents = delivery.order, facts.documents
    own, on = order.amount.currency, max(r.on for r in documents.netted[order.id].receipts)
    rate = documents.fx.rate(own, facts.currency, on)
    amount = rate if rate.value is None else Number(worth * rate.value)
    return Disputed(order, package, on, (worth, own), amount, "receipt-over-order")
