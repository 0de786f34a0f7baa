"""Checks of the baseline itself, one function a code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from fractions import Fraction

from itpm_sync.model import Money
from itpm_sync.reconcile.baseline_terms import told
from itpm_sync.reconcile.drift import Change, Drift
from itpm_sync.reconcile.facts import ProjectFacts, evidence_of, finding
from itpm_sync.reconcile.inputs import Element
from itpm_sync.reconcile.number import ZERO, Number
from itpm_sync.reconcile.status import Evidence, Finding, Severity
from itpm_sync.reconcile.wording import count, day, show

_SIGNIFICANT, _CRITICAL = 15, 25  # percent of the original BAC: 10 U.S.C. 2445c
_HALF_A_YEAR, _A_YEAR = 183, 365  # days of delay: the same


def plan_differs_from_baseline(p: ProjectFacts) -> Iterator[Finding]:
    """The plan of the sources says otherwise than the recorded baseline, which is what counts."""
    if p.drift is None:
        return
    budget, more = p.in_money and any(c.is_of_budget for c in p.drift.changes), p.drift.more.value
    found = finding(
        "plan-differs-from-baseline",
        _severity(p, p.drift),
        p.code,
        "plan",
        f"The plan differs from {p.rates.version}, by which BAC, PV and EV are computed: "
        f"{'; '.join(_differences(p, p.drift))}",
        action="Record a new baseline with its change request if this was agreed; else correct "
        "the plan.",
        amount=p.amount(more) if budget and more is not None else None,
    )
    evidence = tuple(_side_by_side(c, p.rates.version) for c in p.drift.changes)
    yield replace(found, evidence=evidence)


def _severity(p: ProjectFacts, found: Drift) -> Severity:
    """High where more budget is elsewhere than an estimate may be above BAC before that is high;
    low where only dates within the project's own moved.
    """
    bac = p.values.bac.value
    if p.in_money and bac is not None and found.moved > Fraction(p.policy.overrun_high) * bac:
        return Severity.HIGH
    is_more = any(c.is_of_budget for c in found.changes) or found.finishes[0] != found.finishes[1]
    return Severity.MEDIUM if is_more else Severity.LOW


def _differences(p: ProjectFacts, found: Drift) -> Iterator[str]:
    """What the plan makes of BAC, how many packages differ in what, and the last finish."""
    bac, more = p.values.bac.value, found.more
    if p.in_money and any(c.is_of_budget for c in found.changes):
        if bac is None or more.value is None:
            yield f"what it makes of BAC is n/a: {p.values.bac.reason or more.reason}"
        else:
            yield f"by it BAC is {p.told(bac + more.value)} − {p.told(bac)} = {p.told(more.value)}"
    kinds = Counter(k for c in found.changes for k in _kinds(c))
    yield ", ".join(f"{count(n, 'package')} {word}" for word, n in sorted(kinds.items()))
    was, now = found.finishes
    if was != now and was is not None and now is not None:
        yield f"the last planned finish is {_arrow(day(was), day(now))}"


def _kinds(change: Change) -> Iterator[str]:
    if change.was is None or change.now is None:
        yield "added" if change.was is None else "gone"
        return
    if change.is_of_budget:
        yield "with another budget"
    if change.starts[0] != change.starts[1] or change.finishes[0] != change.finishes[1]:
        yield "with other dates"


def _side_by_side(change: Change, version: str) -> Evidence:
    """A package with what the baseline says → what the plan says."""
    pairs = (("", change.budgets), ("start ", change.starts), ("finish ", change.finishes))
    told = [f"{w}{_arrow(_word(a), _word(b))}" for w, (a, b) in pairs if a != b]
    if change.was is None:
        told = [f"added, {_word(change.budgets[1])}"]
    elif change.now is None:
        told = [f"gone, {_word(change.budgets[0])}"]
    words = f"{change.code}: {', '.join(told)}"
    record = change.now.record if change.now is not None else None
    if record is None:
        return Evidence(identity=f"{version}: {change.code}", label=words)
    return evidence_of(record, words)


def _word(value: Money | date | None) -> str:
    if isinstance(value, date):
        return day(value)
    return str(value) if value is not None else "none"


def _arrow(was: str, now: str) -> str:
    return f"{was} → {now}"


def over_target_baseline(p: ProjectFacts) -> Iterator[Finding]:
    """BAC and management reserve are above the contract budget base that was authorised."""
    if not p.in_money or p.baseline is None or p.authorised is None or p.values.bac.value is None:
        return
    allowed, kept = p.authorised.amount.value, p.numbers.get("management_reserve")
    reserve = (kept.value if kept is not None else None) or Fraction(0)
    whole = p.values.bac.value + reserve
    by_rates = p.authorised.by_rates.value or Fraction(0)  # n/a: the message says so
    if allowed is None or whole - by_rates <= allowed:
        return
    approved = f" ({p.baseline.approval or 'no approval'})"
    parts = f"BAC {p.told(p.values.bac.value)}"
    parts += f" + management reserve {p.told(reserve)}" if reserve else ""
    if by_rates:
        parts += f" {'−' if by_rates > 0 else '+'} {p.told(abs(by_rates))} by exchange rates"
    yield finding(
        "over-target-baseline",
        Severity.MEDIUM if p.baseline.approval else Severity.HIGH,
        p.code,
        "baseline",
        f"Baseline {p.baseline.version} of {day(p.baseline.on)}{approved} is an over-target "
        f"baseline: {parts} − {p.told(allowed)} authorised ({p.authorised.told}) = "
        f"{p.told(whole - by_rates - allowed)} too much{_not_known(p.authorised.by_rates)}",
        action="Have the amount authorised by a change request, or bring the baseline back to it.",
        amount=p.amount(whole - by_rates - allowed),
        evidence=p.authorised.requests,
    )


def original_baseline_exceeded(p: ProjectFacts) -> Iterator[Finding]:
    """Cost or finish have grown far over the original baseline, however often it was replaced.
    What exchange rates alone have changed is no growth.
    """
    if (
        p.original is None
        or p.baseline is None
        or p.baseline.version == p.original.baseline.version
    ):
        return
    days = p.numbers["finish_growth_days"].value or Fraction(0)
    growth, bac = _planned_growth(p), p.numbers["bac_original"].value
    by_rates = p.numbers.get("bac_growth_fx", ZERO)
    percent = 100 * growth / bac if growth is not None and bac else Fraction(0)
    if percent < _SIGNIFICANT and days < _HALF_A_YEAR:
        return
    grown = []
    if growth is not None and growth > 0 and bac is not None:
        percent_told = f"{show(percent, 1)} % of {p.told(bac)}"
        grown.append(f"BAC grew by {p.told(growth)}, {percent_told}{_not_known(by_rates)}")
    if days > 0:
        grown.append(f"the planned finish moved by {count(int(days), 'day')}")
    yield finding(
        "original-baseline-exceeded",
        Severity.HIGH if percent >= _CRITICAL or days >= _A_YEAR else Severity.MEDIUM,
        p.code,
        "baseline",
        f"Since {told(p.original.baseline)}, {' and '.join(grown)}",
        action="Judge the project by the original baseline too, and decide whether to go on.",
        amount=p.amount(growth) if growth is not None and growth > 0 else None,
    )


def _not_known(by_rates: Number) -> str:
    """What a message adds where exchange rates may have made part of its amount."""
    if by_rates.value is not None:
        return ""
    return f" (what of it is from exchange rates is not known: {by_rates.reason})"


def _planned_growth(p: ProjectFacts) -> Fraction | None:
    """The growth of BAC without what exchange rates alone made of the original's budgets; all of
    it where that is not known.
    """
    growth, by_rates = p.numbers["bac_growth"].value, p.numbers.get("bac_growth_fx")
    if growth is None or by_rates is None or by_rates.value is None:
        return growth
    return growth - by_rates.value


def planning_package_due(p: ProjectFacts) -> Iterator[Finding]:
    """A planning package was to begin, and is not broken into work packages yet."""
    for plan, values in p.counted:
        start = plan.start or plan.finish
        due = plan.element is Element.PLANNING and start is not None and start <= p.data_date
        if due and start is not None and values.bac.value is not None:
            yield finding(
                "planning-package-due",
                Severity.MEDIUM,
                p.code,
                plan.code,
                f"Planning package {plan.code} ({plan.name}), {p.told(values.bac.value)}, was to "
                f"begin on {day(start)}; it counts in PV and earns nothing",
                action="Break it into work packages, and record a new baseline.",
                amount=p.amount(values.bac.value),
                evidence=[plan.record] if plan.record is not None else [],
            )
