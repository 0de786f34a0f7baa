"""Checks of orders, invoices, contracts, rates and currencies, one function a code."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction

from itpm_sync.model import Contract, InvoiceLine, Money, Payment, Receipt
from itpm_sync.reconcile.contracts import ContractFacts
from itpm_sync.reconcile.exchange import FxGap
from itpm_sync.reconcile.facts import PortfolioFacts, ProjectFacts, document, finding
from itpm_sync.reconcile.inputs import Policy
from itpm_sync.reconcile.money import Documents, money_total
from itpm_sync.reconcile.number import Number, decimal
from itpm_sync.reconcile.status import Finding, Severity
from itpm_sync.reconcile.wording import count, day, money, plain, show, trimmed

Facts = ProjectFacts | PortfolioFacts
_MUCH = Decimal("0.90")  # of a ceiling
_BEHIND = {"ordered": ("ordered",), "used": ("invoiced", "accrued")}
"""The entries of a contract that a share of its ceiling rests on."""


def _code(facts: Facts) -> str:
    return facts.code if isinstance(facts, ProjectFacts) else ""


def _invoices(facts: Facts) -> Sequence[InvoiceLine]:
    if isinstance(facts, ProjectFacts):
        return [i.record for i in facts.records.of(InvoiceLine)]
    loose = facts.allocation.nowhere.get("invoice_line", ())
    return [r for r in loose if isinstance(r, InvoiceLine)]


def _by_invoice(lines: Iterable[InvoiceLine]) -> Iterator[tuple[str, list[InvoiceLine]]]:
    groups: dict[tuple[str, str], list[InvoiceLine]] = defaultdict(list)
    for line in lines:
        groups[line.vendor, line.invoice].append(line)
    for (vendor, number), found in sorted(groups.items()):
        yield f"{vendor} {number}".strip(), found


# ---- invoices and orders ------------------------------------------------------------------------


def invoice_without_order(facts: Facts) -> Iterator[Finding]:
    """An invoice that names no order and no contract, or an order that is not known."""
    for subject, lines in _by_invoice(i for i in _invoices(facts) if not i.credit_note):
        loose = [i for i in lines if _is_loose(i, facts.documents)]
        if not loose:
            continue
        named = sorted({i.order for i in loose if i.order})
        why = f"names the unknown order {named[0]}" if named else "names no order or contract"
        yield finding(
            "invoice-without-order",
            Severity.MEDIUM,
            _code(facts),
            subject,
            f"{document(lines)} {subject} of {day(loose[0].invoiced_on)} {why}: {_sum(loose)}",
            action="Ask who ordered it; link it to its order or contract, or reject it.",
            amount=money_total(i.amount for i in loose),
            evidence=loose,
        )


def _is_loose(invoice: InvoiceLine, documents: Documents) -> bool:
    return not documents.has_order(invoice.order) if invoice.order else not invoice.contract


def _sum(lines: Sequence[InvoiceLine]) -> str:
    whole = money_total(i.amount for i in lines)
    return str(whole) if whole is not None else "several currencies"


def receipt_without_order(facts: PortfolioFacts) -> Iterator[Finding]:
    """Something was received for an order, or for a line of one, that is not known."""
    loose: dict[str, list[Receipt]] = defaultdict(list)
    for receipt in facts.documents.orphan_receipts:
        loose[receipt.order].append(receipt)
    for order, receipts in sorted(loose.items()):
        yield finding(
            "receipt-without-order",
            Severity.LOW,
            facts.home(receipts),
            order or "(no order)",
            _of_no_line(receipts, order)
            if facts.documents.knows(order)
            else _named(len(receipts), "receipt", "", "order", order),
            action="Add the order or its line, or correct the number on the receipt.",
            evidence=receipts,
        )


def _of_no_line(receipts: Sequence[Receipt], order: str) -> str:
    lines = ", ".join(sorted({r.line for r in receipts}))
    return (
        f"{count(len(receipts), 'receipt')} of order {order}, line {lines}: the order has no such "
        "line, several of them, or no quantity there; what it is worth is not known"
    )


def payment_without_invoice(facts: PortfolioFacts) -> Iterator[Finding]:
    """Money left for an invoice that is not known."""
    loose: dict[str, list[Payment]] = defaultdict(list)
    for payment in facts.documents.orphan_payments:
        loose[f"{payment.vendor} {payment.invoice}".strip()].append(payment)
    for subject, payments in sorted(loose.items()):
        whole = money_total(p.amount for p in payments)
        yield finding(
            "payment-without-invoice",
            Severity.MEDIUM,
            facts.home(payments),
            subject or "(no invoice)",
            _named(
                len(payments),
                "payment",
                f" ({whole or 'several currencies'})",
                "invoice",
                subject if payments[0].invoice else "",
            ),
            action="Add the invoice, or correct its number on the payment.",
            amount=whole,
            evidence=payments,
        )


def _named(number: int, one: str, worth: str, of: str, name: str) -> str:
    """`1 receipt names the unknown order PO-9`, `2 payments (EUR 9.00) name no invoice`."""
    verb = "names" if number == 1 else "name"
    return (
        f"{count(number, one)}{worth} {verb} {f'the unknown {of} {name}' if name else f'no {of}'}"
    )


# ---- contracts ----------------------------------------------------------------------------------


def order_over_contract(facts: Facts) -> Iterator[Finding]:
    """The orders under a contract exceed its ceiling."""
    for contract, told, over in _beyond_ceiling(facts, "ordered", lambda c: c.ordered):
        yield finding(
            "order-over-contract",
            Severity.HIGH,
            _code(facts),
            contract.number,
            told,
            action="Amend the contract or cancel orders before anything more is ordered.",
            amount=over,
            evidence=[contract],
        )


def contract_over_ceiling(facts: Facts) -> Iterator[Finding]:
    """More is invoiced under a contract than its ceiling; nothing is tolerated."""
    for contract, told, over in _beyond_ceiling(facts, "invoiced", lambda c: c.invoiced):
        yield finding(
            "contract-over-ceiling",
            Severity.HIGH,
            _code(facts),
            contract.number,
            told,
            action="Stop payment; amend the contract or reclaim the excess.",
            amount=over,
            evidence=[contract],
        )


def _beyond_ceiling(
    facts: Facts, word: str, used: Callable[[ContractFacts], Number]
) -> Iterator[tuple[Contract, str, Money]]:
    """The contracts whose ceiling is exceeded, with the sum in words and the excess."""
    for c in facts.contracts:
        ceiling, reached = c.contract.ceiling, used(c).value
        if ceiling is None or reached is None or reached <= ceiling.amount:
            continue
        over = Money(decimal(reached - Fraction(ceiling.amount)), ceiling.currency)
        told = (
            f"Contract {c.contract.number}: {word} {money(reached, ceiling.currency)} − ceiling "
            f"{ceiling} = {over} too much"
        )
        yield c.contract, told, over


def contract_value_reached(facts: Facts) -> Iterator[Finding]:
    """The orders under a contract, or its use, have reached a share of its ceiling."""
    for c in facts.contracts:
        ceiling, end = c.contract.ceiling, c.contract.end
        if ceiling is None or ceiling.amount <= 0 or not c.is_live:
            continue
        if end is not None and end < _today(facts):
            continue
        whole, invoiced = Fraction(ceiling.amount), c.invoiced.value or Fraction(0)
        if invoiced > whole:
            continue  # contract-over-ceiling says it already
        used = c.used.value
        spent = _reached(facts, used, whole)
        if used is not None and spent is not None:
            yield _value_reached(facts, c, "used", used, spent)
        placed = _reached(facts, c.ordered.value, whole)
        if c.ordered.value is None or placed is None or c.ordered.value > whole:
            continue
        if spent is None or placed > spent:
            yield _value_reached(facts, c, "ordered", c.ordered.value, placed)


def _reached(facts: Facts, value: Fraction | None, ceiling: Fraction) -> Decimal | None:
    """The highest of the shares of the ceiling that a value has reached."""
    if value is None:
        return None
    passed = (s for s in _policy(facts).ceiling_shares if value >= Fraction(s) * ceiling)
    return max(passed, default=None)


def _value_reached(
    facts: Facts, c: ContractFacts, state: str, value: Fraction, share: Decimal
) -> Finding:
    ceiling = c.contract.ceiling
    assert ceiling is not None  # noqa: S101 - a share of it was reached
    left = Fraction(ceiling.amount) - value
    rest = f"{money(left, ceiling.currency)} left"
    severity = Severity.MEDIUM if share >= _MUCH else Severity.LOW
    if left < 0:
        rest, severity = f"{money(-left, ceiling.currency)} too much", Severity.HIGH
    entries = [entry for name in _BEHIND[state] for entry in c.entries[name]]
    return finding(
        "contract-value-reached",
        severity,
        _code(facts),
        f"{c.contract.number} {state} {trimmed(plain(100 * share))} % of {ceiling}",
        f"Contract {c.contract.number}: {money(value, ceiling.currency)} {state}, "
        f"{show(100 * value / Fraction(ceiling.amount), 1)} % of a ceiling of {ceiling}; {rest}",
        action="Decide what the rest is kept for; agree an amendment before it is needed.",
        amount=Money(decimal(value), ceiling.currency),
        evidence=[
            c.contract,
            *{e.record.id: e.record for e in entries if e.number.value != 0}.values(),
        ],
    )


def contract_notice_due(facts: Facts) -> Iterator[Finding]:
    """The last day for notice is near."""
    for c in facts.contracts:
        deadline, days = c.notice_deadline, _days_left(facts, c)
        limits = _policy(facts).notice_days
        if not c.is_live or deadline is None or days is None or not limits:
            continue
        if not 0 <= days <= max(limits):
            continue
        reached = min(limit for limit in limits if days <= limit)
        yield finding(
            "contract-notice-due",
            Severity.HIGH if reached <= 30 else Severity.MEDIUM,
            _code(facts),
            f"{c.contract.number} {count(reached, 'day')} before {deadline}",
            _notice_words(c.contract, deadline, days),
            action="Decide now: renew, renegotiate or give notice.",
            amount=c.contract.ceiling,
            evidence=[c.contract],
        )


def _notice_words(contract: Contract, deadline: date, days: int) -> str:
    ends = f" ends on {day(contract.end)};" if contract.end is not None else ":"
    vendor = f" ({contract.vendor})" if contract.vendor else ""
    left = f"in {count(days, 'day')}" if days else "today"
    renewal = f"; renewal: {contract.renewal}" if contract.renewal else ""
    return (
        f"Contract {contract.number}{vendor}{ends} notice of "
        f"{count(contract.notice_days or 0, 'day')} is due by {day(deadline)}, {left}{renewal}"
    )


def _policy(facts: Facts) -> Policy:
    return facts.policy if isinstance(facts, ProjectFacts) else facts.inputs.policy


def _today(facts: Facts) -> date:
    return facts.data_date if isinstance(facts, ProjectFacts) else facts.inputs.data_date


def _days_left(facts: Facts, c: ContractFacts) -> int | None:
    deadline = c.notice_deadline
    return (deadline - _today(facts)).days if deadline is not None else None


def contract_expired_spending(facts: Facts) -> Iterator[Finding]:
    """Invoices after the end of a contract's term, or open orders under an expired one."""
    today = _today(facts)
    for c in facts.contracts:
        end, committed = c.contract.end, c.committed.value
        if end is None or end >= today or not (c.late_invoices or committed):
            continue
        late = money_total(i.amount for i in c.late_invoices)
        parts = []
        if c.late_invoices:
            lines = count(len(c.late_invoices), "invoice line")
            parts.append(f"{lines} after it ({late or 'several currencies'})")
        if committed:
            parts.append(f"{money(committed, c.currency)} still on open orders")
        yield finding(
            "contract-expired-spending",
            Severity.HIGH,
            _code(facts),
            c.contract.number,
            f"Contract {c.contract.number} expired on {day(end)}: {' and '.join(parts)}",
            action="Renew the contract or stop the orders; check what the late invoices rest on.",
            amount=late,
            evidence=[c.contract, *c.late_invoices],
        )


def contract_burn(facts: Facts) -> Iterator[Finding]:
    """A contract's value is used faster than its term passes."""
    policy = _policy(facts)
    for c in facts.contracts:
        burn, used, ceiling = c.burn.value, c.used.value, c.contract.ceiling
        if burn is None or used is None or burn < policy.burn_amber or not c.is_live:
            continue
        if ceiling and c.invoiced.value is not None and c.invoiced.value > ceiling.amount:
            continue  # contract-over-ceiling says it already
        yield finding(
            "contract-burn",
            Severity.HIGH if burn >= policy.burn_red else Severity.MEDIUM,
            _code(facts),
            c.contract.number,
            f"Contract {c.contract.number}: its value is used {show(burn)} times as fast as its "
            f"term passes ({money(used, c.currency)} used of {ceiling})",
            action="Forecast when the ceiling is reached; slow down or extend in time.",
            amount=Money(decimal(used), c.currency),
            evidence=[c.contract],
        )


# ---- rates and currencies -----------------------------------------------------------------------


def no_rate(p: ProjectFacts) -> Iterator[Finding]:
    """Time that cannot be costed, in a project whose cost is measured."""
    if not p.in_money:
        return
    for unrated in p.labour.unrated:
        hours, first = show(Fraction(unrated.seconds, 3600)), day(unrated.first)
        when = (
            f"on {first}"
            if unrated.first == unrated.last
            else f"from {first} to {day(unrated.last)}"
        )
        yield finding(
            "no-rate",
            Severity.MEDIUM,
            p.code,
            unrated.person,
            f"{hours} h of {unrated.person} {when} have no hourly rate, so actual cost is n/a",
            action="Add a rate for the person, the role or the team, in force on those days.",
        )


def fx_missing(p: ProjectFacts) -> Iterator[Finding]:
    """Amounts that cannot be converted: their sums are n/a."""
    groups: dict[tuple[str, str], list[FxGap]] = defaultdict(list)
    for gap in p.gaps:
        groups[gap.currency, gap.base].append(gap)
    for f in p.packages:
        if f.plan.money is not None and "no exchange rate" in f.plan.budget.reason:
            on = p.rates.day(f.plan.start or f.plan.finish or p.data_date)
            groups[f.plan.money.currency, p.currency].append(
                FxGap(f.plan.money.currency, p.currency, on, f.plan.record)
            )
    for (currency, base), gaps in sorted(groups.items()):
        days = sorted({g.on for g in gaps})
        records = {g.record.id: g.record for g in gaps if g.record is not None}
        yield finding(
            "fx-missing",
            Severity.HIGH,
            p.code,
            f"{currency}-{base or 'none'}",
            f"{count(len(records) or len(gaps), 'amount')} in {currency} cannot be converted to "
            f"{base or 'a currency of the project'}: no exchange rate {_until(days)}",
            action="Add dated exchange rates for the pair; sums that need them are n/a until then.",
            evidence=[records[k] for k in sorted(records)],
        )


def _until(days: Sequence[date]) -> str:
    if len(days) == 1:
        return f"on or before {day(days[0])}"
    return f"for {len(days)} days from {day(days[0])} to {day(days[-1])}"
