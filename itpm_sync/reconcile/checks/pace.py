"""Checks of the pace: how the scope grows and what the rest would need, one function a code."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from itpm_sync.reconcile.facts import ProjectFacts, finding
from itpm_sync.reconcile.status import Finding, Severity
from itpm_sync.reconcile.wording import count, day, show


class _Target(NamedTuple):
    """What is to be met, the index that it needs, what is beyond the limit, and in words."""

    subject: str
    value: Fraction
    limit: Decimal
    message: str


def to_complete_index_high(p: ProjectFacts) -> Iterator[Finding]:
    """Budget, estimate or finish need a pace that is hardly ever reached."""
    for target in _targets(p):
        if target.value > target.limit:
            yield finding(
                "to-complete-index-high",
                Severity.MEDIUM,
                p.code,
                target.subject,
                f"{target.message} {target.limit} is seldom reached",
                action="Decide on scope, money or the date: this target steers nothing any more.",
            )


def _targets(p: ProjectFacts) -> Iterator[_Target]:
    """The targets whose indices are known."""
    names = ("tcpi_bac", "tcpi_eac", "cpi", "tspi", "spi_t")
    budget, estimate, cpi, time, spi_t = (p.numbers[n].value for n in names)
    if budget is not None:
        so_far = f"; so far CPI {show(cpi)}" if cpi is not None else ""
        words = f"The budget can be met with a TCPI of {show(budget)} from now on{so_far}: above"
        yield _Target("budget", budget, p.policy.tcpi_high, words)
    if estimate is not None and cpi is not None:
        gap = estimate - cpi
        words = (
            f"The estimate at completion needs a TCPI of {show(estimate)}, {show(gap)} above the "
            f"CPI of {show(cpi)}: more than"
        )
        yield _Target("estimate", gap, p.policy.tcpi_gap, words)
    if time is not None:
        so_far = f"; so far SPI(t) {show(spi_t)}" if spi_t is not None else ""
        words = f"The finish can be met with a TSPI of {show(time)} from now on{so_far}: above"
        yield _Target("finish", time, p.policy.tspi_high, words)


def scope_growing(p: ProjectFacts) -> Iterator[Finding]:
    """The scope grew in the last month, after it had been frozen."""
    growth, frozen = p.scope.growth.value, _frozen_on(p)
    if growth is None or frozen is None or frozen > p.scope.earlier_on:
        return
    if growth > 100 * p.policy.scope_growth_watch:
        since = p.zone.end_of(p.scope.earlier_on)
        came = [i for i, _, _ in p.scope.current if i.created_at and i.created_at >= since]
        yield finding(
            "scope-growing",
            Severity.LOW,
            p.code,
            "scope",
            f"{count(len(p.scope.current), 'item')} in scope, {len(p.scope.earlier)} on "
            f"{day(p.scope.earlier_on)}: {show(growth, 1)} % more in a month",
            action="Ask where it comes from; agree a change request, or what goes out in exchange.",
            evidence=came,
        )


def _frozen_on(p: ProjectFacts) -> date | None:
    """The day of the baseline; None where there is none."""
    if p.scope.members is None:
        return None
    return p.baseline.on if p.baseline is not None else p.setup.baseline_on
