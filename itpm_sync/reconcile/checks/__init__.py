"""The registry of checks: one function a code, values in, findings out.

To add one: write the function beside its like, add it to a registry below, describe its code in
docs/findings.md (a test fails until you do).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from itpm_sync.reconcile.checks import (
    baseline,
    data,
    decisions,
    gates,
    invoices,
    money,
    orders,
    pace,
    people,
    plan,
    quality,
    scope,
    sources,
    tickets,
)
from itpm_sync.reconcile.checks.decisions import DecisionFacts
from itpm_sync.reconcile.checks.gates import GateReview
from itpm_sync.reconcile.facts import PortfolioFacts, ProjectFacts
from itpm_sync.reconcile.outages import UNREAD
from itpm_sync.reconcile.status import Finding, Severity

ProjectCheck = Callable[[ProjectFacts], Iterator[Finding]]
PortfolioCheck = Callable[[PortfolioFacts], Iterator[Finding]]
DecisionCheck = Callable[[DecisionFacts], Iterator[Finding]]
GateCheck = Callable[[GateReview], Iterator[Finding]]

PROJECT_CHECKS: tuple[ProjectCheck, ...] = (
    plan.project_empty,
    plan.cost_overrun_forecast,
    plan.cost_index_implausible,
    plan.behind_schedule,
    pace.to_complete_index_high,
    plan.package_late,
    plan.package_over_budget,
    plan.cost_before_start,
    plan.actual_cost_negative,
    plan.progress_unknown,
    plan.plan_dates_impossible,
    plan.plan_cost_missing,
    plan.cost_variance_disagrees,
    plan.schedule_variance_disagrees,
    plan.plan_changed,
    baseline.plan_differs_from_baseline,
    baseline.over_target_baseline,
    baseline.original_baseline_exceeded,
    baseline.planning_package_due,
    plan.level_of_effort_high,
    scope.scope_added_unapproved,
    scope.gold_plating,
    scope.scope_removed,
    scope.scope_growing,
    scope.orphan_tickets,
    plan.declared_better_than_computed,
    money.invoice_without_order,
    orders.invoice_over_order,
    orders.invoice_over_receipt,
    orders.invoice_price_above_order,
    orders.receipt_over_order,
    orders.short_delivery,
    money.order_over_contract,
    money.contract_over_ceiling,
    money.contract_value_reached,
    money.contract_notice_due,
    money.contract_expired_spending,
    money.contract_burn,
    money.no_rate,
    money.fx_missing,
    data.unallocated_records,
    data.sla_breached,
    quality.defects_aged,
    quality.defects_escaped,
    quality.risk_overdue,
    quality.risk_unquantified,
)

PORTFOLIO_CHECKS: tuple[PortfolioCheck, ...] = (
    money.invoice_without_order,
    invoices.duplicate_invoice,
    invoices.invoice_overpaid,
    money.receipt_without_order,
    money.payment_without_invoice,
    money.order_over_contract,
    money.contract_over_ceiling,
    money.contract_value_reached,
    money.contract_notice_due,
    money.contract_expired_spending,
    money.contract_burn,
    tickets.duplicate_work,
    tickets.duplicate_search_limited,
    people.over_allocated,
    people.work_of_leaver,
    people.load_unknown,
    people.hours_impossible,
    data.unallocated_records,
    sources.stale_source,
    sources.incomplete_source,
    data.rejected_records,
    data.repeated_id,
)

GATE_CHECKS: tuple[GateCheck, ...] = (
    gates.gate_skipped,
    gates.gate_approved_despite,
)

DECISION_CHECKS: tuple[DecisionCheck, ...] = (
    decisions.waiver_expired,
    decisions.waiver_unused,
    decisions.override_expired,
    decisions.override_unused,
)

_ORDER = {Severity.HIGH: 0, Severity.MEDIUM: 1, Severity.LOW: 2}


def codes() -> frozenset[str]:
    """Every code there is: a check is named after its code."""
    checks = (*PROJECT_CHECKS, *PORTFOLIO_CHECKS, *GATE_CHECKS, *DECISION_CHECKS)
    return frozenset(c.__name__.replace("_", "-") for c in checks)


def project_findings(facts: ProjectFacts) -> tuple[Finding, ...]:
    """Every finding of one project, the worst first."""
    return sorted_findings(f for check in PROJECT_CHECKS for f in check(facts))


def portfolio_findings(facts: PortfolioFacts) -> tuple[Finding, ...]:
    """Every finding about the portfolio's records as a whole, the worst first.

    Those whose records all belong to one project carry its code.
    """
    return sorted_findings(f for check in PORTFOLIO_CHECKS for f in check(facts))


def gate_findings(review: GateReview) -> tuple[Finding, ...]:
    """Every finding about a project's gates, the worst first."""
    return sorted_findings(f for check in GATE_CHECKS for f in check(review))


def decision_findings(facts: DecisionFacts) -> tuple[Finding, ...]:
    """Every finding about what people decided, the worst first."""
    return sorted_findings(f for check in DECISION_CHECKS for f in check(facts))


def sorted_findings(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Findings, the worst first; among equals first what was not read, since others rest on it."""
    return tuple(
        sorted(
            findings, key=lambda f: (_ORDER[f.severity], f.code not in UNREAD, f.code, f.subject)
        )
    )
