"""Checks of quality and risk: old defects, defects found in production, forgotten risks."""

from __future__ import annotations

from collections.abc import Iterator

from itpm_sync.model import Risk
from itpm_sync.reconcile.facts import ProjectFacts, finding
from itpm_sync.reconcile.ratings import is_open_risk
from itpm_sync.reconcile.status import Finding, Severity
from itpm_sync.reconcile.wording import count, day


def defects_aged(p: ProjectFacts) -> Iterator[Finding]:
    """Defects that have been open for longer than the policy allows."""
    limit = p.policy.defect_days
    old = [(d.item, age) for d, age in p.quality.open if age > limit]
    if old:
        yield finding(
            "defects-aged",
            Severity.MEDIUM,
            p.code,
            "defects",
            f"{count(len(old), 'defect')} open for more than {limit} days, "
            f"the oldest ({old[0][0].key}) for {old[0][1]}",
            action="Mend or reject the oldest; agree with the sponsor what will not be mended.",
            evidence=(item for item, _ in old),
        )


def defects_escaped(p: ProjectFacts) -> Iterator[Finding]:
    """Open defects that were found in production."""
    live = {d.item.id for d, _ in p.quality.open}
    found = [d.item for d in p.quality.escaped if d.item.id in live]
    if found:
        yield finding(
            "defects-escaped",
            Severity.HIGH,
            p.code,
            "defects",
            f"{count(len(found), 'defect')} found in production and still open",
            action="Mend what escaped before new work; ask which test would have found them.",
            evidence=found,
        )


def risk_overdue(p: ProjectFacts) -> Iterator[Finding]:
    """Open risks whose date for a response has passed."""
    for risk, _, _ in p.records.of(Risk):
        if is_open_risk(risk) and risk.due is not None and risk.due < p.data_date:
            yield finding(
                "risk-overdue",
                Severity.MEDIUM,
                p.code,
                risk.code,
                f"Risk {risk.code} ({risk.title}) was due on {day(risk.due)}, "
                f"{count((p.data_date - risk.due).days, 'day')} ago, and is open",
                action="Respond to it, close it, or give it a new date.",
                amount=risk.impact,
                evidence=[risk],
            )


def risk_unquantified(p: ProjectFacts) -> Iterator[Finding]:
    """Open risks without a probability or an impact: the exposure does not contain them."""
    bare = p.exposure.unquantified
    if bare:
        yield finding(
            "risk-unquantified",
            Severity.LOW,
            p.code,
            "risks",
            f"{count(len(bare), 'open risk')} without probability or impact: "
            f"{', '.join(r.code for r in bare[:5])}",
            action="Estimate both; until then the exposure is too small.",
            evidence=bare,
        )
