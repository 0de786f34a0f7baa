"""Checks of the scope against the baseline and the plan, one function a code."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from fractions import Fraction

from itpm_sync.model import Money, WorkItem
from itpm_sync.reconcile.facts import ProjectFacts, finding
from itpm_sync.reconcile.number import decimal
from itpm_sync.reconcile.status import Evidence, Finding, ScopeChange, Severity
from itpm_sync.reconcile.unplaced import rules_told
from itpm_sync.reconcile.wording import count, day, money, show


def scope_added_unapproved(p: ProjectFacts) -> Iterator[Finding]:
    """Items came into the scope since the baseline without an approved change request.

    Those among them that `gold-plating` tells of are left to it.
    """
    plated = p.plating.identities
    added = [c for c in p.scope.unapproved("added") if c.identity not in plated]
    if added:
        share = p.scope.of_baseline(len(added)).value
        size = f" (+{show(share, 1)} %)" if share is not None else ""
        more = f"; gold-plating tells of {len(plated):,} more" if plated else ""
        yield _scope_finding(
            "scope-added-unapproved",
            _of_unapproved(p),
            p,
            added,
            f"{_were(len(added))} added to {p.scope.label}{size} without an approved change "
            f"request{more}",
            action="Name the approved change request in a label or link of each, or take it out.",
        )


def gold_plating(p: ProjectFacts) -> Iterator[Finding]:
    """Work was done on items outside of the baseline that nobody approved, nor even asked for."""
    items = p.plating.items
    if items:
        seconds, costed = sum(i.seconds for i in items), sum(i.costed_s for i in items)
        cost = sum((i.cost for i in items), Fraction(0))
        them = "it" if len(items) == 1 else "them"
        yield finding(
            "gold-plating",
            _of_unapproved(p),
            p.code,
            "scope",
            f"{_were(len(items))} worked on or finished outside of {p.scope.label}, though no "
            f"request, incident, defect or change request asks for {them}: "
            f"{_took(p, seconds, costed, cost)}",
            action="Link each to who asked for it, raise a change request, or stop it.",
            amount=Money(decimal(cost), p.currency) if costed else None,
            evidence=(i.item for i in items),
        )


def _took(p: ProjectFacts, seconds: int, costed: int, cost: Fraction) -> str:
    """`30.0 h, EUR 2,100.00, 4.0 h of it without cost`."""
    if not seconds:
        return "no effort is booked"
    hours, left = (f"{show(Fraction(s, 3600), 1)} h" for s in (seconds, seconds - costed))
    if not costed:
        return f"{hours}, cost n/a: no rate, or not booked as time"
    without = f", {left} of it without cost" if costed < seconds else ""
    return f"{hours}, {money(cost, p.currency)}{without}"


def _of_unapproved(p: ProjectFacts) -> Severity:
    """By all that was added without approval, whichever finding tells of it."""
    share = p.scope.of_baseline(p.scope.count("added", unapproved=True)).value
    high = share is not None and share >= 100 * p.policy.creep_red
    return Severity.HIGH if high else Severity.MEDIUM


def scope_removed(p: ProjectFacts) -> Iterator[Finding]:
    """Baseline items were cancelled, deleted or moved away without an approved change request."""
    removed = p.scope.unapproved("removed")
    if removed:
        yield _scope_finding(
            "scope-removed",
            Severity.LOW,
            p,
            removed,
            f"{_were(len(removed))} cancelled, deleted or moved out of {p.scope.label} without an "
            "approved change request",
            action="Confirm that they are not needed any more, and record a new baseline.",
        )


def _were(items: int) -> str:
    return f"{count(items, 'item')} {'was' if items == 1 else 'were'}"


def _scope_finding(
    code: str,
    severity: Severity,
    p: ProjectFacts,
    changes: Sequence[ScopeChange],
    message: str,
    *,
    action: str,
) -> Finding:
    latest = sorted(changes, key=lambda c: c.on or date.min, reverse=True)[:10]
    evidence = tuple(
        Evidence(identity=c.identity, label=f"{c.key} {c.title}".strip(), url=c.url)
        for c in sorted(latest, key=lambda c: c.identity)
    )
    return Finding(
        code=code,
        severity=severity,
        project=p.code,
        subject="scope",
        message=message,
        action=action,
        evidence=evidence,
    )


def scope_growing(p: ProjectFacts) -> Iterator[Finding]:
    """The scope grew in the last month, after it had been frozen, by more than tickets that were
    split and kept their size.
    """
    growth, judged, frozen = p.scope.growth.value, p.scope.judged_growth.value, _frozen_on(p)
    if growth is None or judged is None or frozen is None or frozen > p.scope.earlier_on:
        return
    if judged > 100 * p.policy.scope_growth_watch:
        since, kept = p.zone.end_of(p.scope.earlier_on), p.scope.judged.kept
        new = [i for i, _, _ in p.scope.current if i.created_at and i.created_at >= since]
        without = f", {show(judged, 1)} % without splits and merges that kept their size"
        yield finding(
            "scope-growing",
            Severity.LOW,
            p.code,
            "scope",
            f"{count(len(p.scope.current), 'item')} in scope, {len(p.scope.earlier)} on "
            f"{day(p.scope.earlier_on)}: {show(growth, 1)} % more in a month"
            + (without if judged != growth else ""),
            action="Ask where it comes from; agree a change request, or what goes out in exchange.",
            evidence=[i for i in new if i.id not in kept],
        )


def _frozen_on(p: ProjectFacts) -> date | None:
    """The day of the baseline; None where there is none."""
    if p.scope.members is None:
        return None
    return p.baseline.on if p.baseline is not None else p.setup.baseline_on


def orphan_tickets(p: ProjectFacts) -> Iterator[Finding]:
    """Items of the scope without a work package, or under a parent or epic that is not there."""
    found = p.orphans
    number = len(found.all)
    if not number:
        return
    told = (
        (found.gone, "the parent or epic of {} was deleted, moved away or hidden"),
        (found.unknown, "the parent or epic of {} is not known"),
        (found.loose, "{} in no work package"),
    )
    parts = [words.format(_those(len(items), words)) for items, words in told if items]
    missed = [m for u in p.unallocated if u.kind == WorkItem.kind for m in u.missed]
    if found.loose and missed:
        parts.append(f"some by {rules_told(missed, p.code)}")
    belong = "belongs" if number == 1 else "belong"
    yield finding(
        "orphan-tickets",
        Severity.MEDIUM if found.share > Fraction(p.policy.orphan_share) else Severity.LOW,
        p.code,
        "scope",
        f"{number:,} of {count(found.items, 'item')} in scope ({show(100 * found.share, 1)} %) "
        f"{belong} to nothing of the plan: {'; '.join(parts)}",
        action="Put each under a live parent or in a work package, by a field or a rule; close "
        "what nobody needs.",
        evidence=found.all,
    )


def _those(number: int, words: str) -> str:
    if not words.startswith("{}"):
        return f"{number:,}"
    return f"{number:,} {'is' if number == 1 else 'are'}"
