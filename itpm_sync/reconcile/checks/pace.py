"""Checks of the pace: how the scope grows and what the rest would need, one function a code."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from itpm_sync.reconcile.facts import ProjectFacts, finding
from itpm_sync.reconcile.status import Finding, Severity
from itpm_sync.reconcile.wording import apart, plain, show


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
                f"{target.message} {plain(target.limit)} is seldom reached",
                action="Decide on scope, money or the date: this target steers nothing any more.",
            )


def _targets(p: ProjectFacts) -> Iterator[_Target]:
    """The targets whose indices are known."""
    names = ("tcpi_bac", "tcpi_eac", "cpi", "tspi", "spi_t")
    budget, estimate, cpi, time, spi_t = (p.numbers[n].value for n in names)
    if budget is not None:
        so_far = f"; so far CPI {show(cpi)}" if cpi is not None else ""
        needed = apart(budget, p.policy.tcpi_high)
        words = f"The budget can be met with a TCPI of {needed} from now on{so_far}: above"
        yield _Target("budget", budget, p.policy.tcpi_high, words)
    if estimate is not None and cpi is not None:
        gap = estimate - cpi
        words = (
            f"The estimate at completion needs a TCPI of {show(estimate)}, "
            f"{apart(gap, p.policy.tcpi_gap)} above the "
            f"CPI of {show(cpi)}: more than"
        )
        yield _Target("estimate", gap, p.policy.tcpi_gap, words)
    if time is not None:
        so_far = f"; so far SPI(t) {show(spi_t)}" if spi_t is not None else ""
        needed = apart(time, p.policy.tspi_high)
        words = f"The finish can be met with a TSPI of {needed} from now on{so_far}: above"
        yield _Target("finish", time, p.policy.tspi_high, words)
