"""The check of invoices that may be booked twice: what `duplicate_invoices` finds, in words."""

from __future__ import annotations

from collections.abc import Iterator

from itpm_sync.reconcile.duplicate_invoices import Bill, Doubled, Lookalike, Rebooked
from itpm_sync.reconcile.facts import PortfolioFacts, document, finding
from itpm_sync.reconcile.money import is_credit, money_total
from itpm_sync.reconcile.status import Finding, Severity
from itpm_sync.reconcile.wording import count, day


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
