"""Checks of invoices that may be booked twice, or are overpaid: what `duplicate_invoices` and
`overpaid` find, in words.
"""

from __future__ import annotations

from collections.abc import Iterator

from itpm_sync.model import Money
from itpm_sync.reconcile.duplicate_invoices import Bill, Doubled, Lookalike, Rebooked
from itpm_sync.reconcile.facts import PortfolioFacts, document, finding
from itpm_sync.reconcile.money import is_credit, money_total
from itpm_sync.reconcile.number import decimal
from itpm_sync.reconcile.overpaid import Overpaid
from itpm_sync.reconcile.status import Finding, Severity
from itpm_sync.reconcile.wording import count, day, money


def duplicate_invoice(facts: PortfolioFacts) -> Iterator[Finding]:
    """An invoice that seems to be booked twice: hard, strong and weak, as one code."""
    for found in facts.doubled:
        yield _rebooked(found) if isinstance(found, Rebooked) else _lookalike(found)


def _rebooked(found: Rebooked) -> Finding:
    words = " = ".join(sorted({i.invoice for i in found.lines}))
    vendor = found.lines[0].vendor or "an unnamed vendor"
    too_much = money_total(i.amount for i in found.again)
    action = "Compare the documents; pay one, and have the other cancelled or credited."
    if is_credit(found.lines):
        action = "Compare the documents; have all but one cancelled: they make the cost too low."
    return _finding(
        found,
        Severity.HIGH,
        f"{document(found.lines)} {words} of {vendor} is booked more than once: "
        f"{too_much or 'several currencies'} too much",
        action=action,
    )


def _lookalike(found: Lookalike) -> Finding:
    first, second, apart = found.first, found.second, found.days_apart
    near = f"{count(apart, 'day')} apart" if apart else "of the same day"
    why = "almost the same number" if found.strong else "under another number"
    return _finding(
        found,
        Severity.MEDIUM if found.strong else Severity.LOW,
        f"Invoices {_named(first)} and {_named(second)} from {first.lines[0].vendor} look like "
        f"one: {second.gross}, {near}, {why}",
        action="Compare the documents; pay one, or waive the pair if both are due.",
    )


def _named(bill: Bill) -> str:
    """The number as it is written, and the day."""
    return f"{bill.lines[0].invoice or '(no number)'} of {day(bill.on)}"


def _finding(found: Doubled, severity: Severity, message: str, *, action: str) -> Finding:
    return finding(
        "duplicate-invoice",
        severity,
        found.project,
        found.subject,
        message,
        action=action,
        amount=money_total(i.amount for i in found.again),
        evidence=found.lines,
    )


def invoice_overpaid(facts: PortfolioFacts) -> Iterator[Finding]:
    """More was paid for an invoice than is due after its credit notes."""
    for found in facts.overpaid:
        currency, one = found.bill.currency, found.lines[0]
        notes = [i for note in found.notes for i in note.lines]
        tax = "" if found.tells_tax else "; its lines tell no tax, which may be part of it"
        excess = Money(decimal(found.excess), currency)
        yield finding(
            "invoice-overpaid",
            Severity.HIGH if found.tells_tax or not found.due else Severity.MEDIUM,
            facts.home(found.lines),
            f"{one.vendor} {one.invoice}".strip(),
            f"Invoice {one.invoice} of {one.vendor or 'an unnamed vendor'}: paid "
            f"{money(found.paid, currency)} − due {money(found.due, currency)}{_due(found)} = "
            f"{excess} too much{tax}",
            action="Reclaim it, or have it set off against an open invoice of the vendor; correct "
            "the payment's invoice number if it is for another one.",
            amount=excess,
            evidence=(*found.lines, *notes, *found.payments),
        )


def _due(found: Overpaid) -> str:
    """How it comes that something else is due than was billed."""
    if not found.credited:
        return ""
    numbers = sorted({i.invoice for note in found.notes for i in note.lines})
    by = f" by {', '.join(numbers)}" if numbers else ""
    billed, credited = (money(m, found.bill.currency) for m in (found.billed, found.credited))
    return f" (invoiced {billed}, credited {credited}{by})"
