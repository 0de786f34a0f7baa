"""How the plan, as its sources have it, differs from the recorded baseline in force.

The baseline counts: BAC, PV and EV are by it. Budgets are compared in their own currency, and what
a difference is worth is told at the baseline's rates on both sides, so that exchange rates alone
make none.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import NamedTuple

from itpm_sync.model import Money
from itpm_sync.reconcile.baselines import minus
from itpm_sync.reconcile.folding import fold
from itpm_sync.reconcile.inputs import RecordedBaseline
from itpm_sync.reconcile.number import ZERO, Number, exact_sum, total
from itpm_sync.reconcile.progress import Plan


class Change(NamedTuple):
    """A package of which baseline and plan say different things; None: it is not in that one."""

    was: Plan | None
    now: Plan | None

    @property
    def code(self) -> str:
        """The package's, as the plan writes it."""
        return _either(self).code

    @property
    def budgets(self) -> tuple[Money | None, Money | None]:
        """By the baseline and by the plan; a summary's is that of its parts, so it has none."""
        return _own_budget(self.was), _own_budget(self.now)

    @property
    def starts(self) -> tuple[date | None, date | None]:
        """By the baseline and by the plan."""
        was, now = (p.start if p is not None else None for p in self)
        return was, now

    @property
    def finishes(self) -> tuple[date | None, date | None]:
        """By the baseline and by the plan."""
        was, now = (p.finish if p is not None else None for p in self)
        return was, now

    @property
    def is_of_budget(self) -> bool:
        """Whether its budget is another, or its package came or went."""
        return self.was is None or self.now is None or self.budgets[0] != self.budgets[1]

    @property
    def more(self) -> Number:
        """Budget by the plan − by the baseline, in the project's currency at the baseline's rates;
        exactly 0 where both are the same in their own currency.
        """
        was, now = self.budgets
        return ZERO if was == now else minus(_worth(self.now), _worth(self.was))


@dataclass(frozen=True, slots=True)
class Drift:
    """Every change, the largest of a budget first; `finishes` are the last planned ones."""

    changes: Sequence[Change]
    finishes: tuple[date | None, date | None]

    @property
    def more(self) -> Number:
        """BAC by the plan − BAC."""
        return total(c.more for c in self.changes)

    @property
    def moved(self) -> Fraction:
        """How much budget is elsewhere: the larger of what came and what went, so that what was
        shifted between packages counts, too. What cannot be converted is left out.
        """
        steps = [v for c in self.changes if (v := c.more.value) is not None]
        return max(exact_sum(s for s in steps if s > 0), -exact_sum(s for s in steps if s < 0))


def _own_budget(plan: Plan | None) -> Money | None:
    """What a package adds to the sum of the budgets, in its own currency."""
    return plan.money if plan is not None and not plan.is_summary else None


def drift(
    baseline: RecordedBaseline | None,
    frozen: Iterable[Plan],
    current: Iterable[Plan],
    not_known: Collection[str],
) -> Drift | None:
    """What the plan of the records (`current`) says otherwise than the baseline (`frozen`).

    `not_known` are the ids of packages that were first read after the data date: what they said
    on it nobody knows, so they are taken to be as in the baseline. A baseline that was recorded
    from a file or from tickets is not that of the records: these are compared where both say
    something, and what they lack is not gone. None without a baseline, without a plan, and where
    nothing differs.
    """
    if baseline is None:
        return None
    recorded = {fold(p.code) for p in baseline.packages}
    was = {fold(p.code): p for p in frozen if fold(p.code) in recorded}
    now = {fold(p.code): p for p in current}
    if not any(p.record is not None for p in now.values()):
        return None
    later = {c for c, p in now.items() if p.record is not None and p.record.id in not_known}
    now = {c: p for c, p in now.items() if c not in later} | {c: was[c] for c in later & was.keys()}
    is_own = not baseline.source
    changes = [
        change
        for code in sorted({*was, *now})
        if _differs(change := Change(was.get(code), now.get(code)), is_own=is_own)
    ]
    if not changes:
        return None
    ranked = sorted(changes, key=lambda c: (not c.is_of_budget, -abs(c.more.value or 0)))
    dated = now if is_own else was | {c: p for c, p in now.items() if p.finish is not None}
    return Drift(tuple(ranked), (_last(was), _last(dated)))


def _differs(change: Change, *, is_own: bool) -> bool:
    was, now = change.was, change.now
    pairs = [(a, b) for a, b in (change.budgets, change.starts, change.finishes) if a != b]
    if is_own:
        return was is None or now is None or bool(pairs)
    if was is None:
        return _own_budget(now) is not None
    return any(a is not None and b is not None for a, b in pairs)


def _either(change: Change) -> Plan:
    found = change.now or change.was
    assert found is not None  # noqa: S101 - one of the two has the package
    return found


def _worth(plan: Plan | None) -> Number:
    return plan.budget if plan is not None and _own_budget(plan) is not None else ZERO


def _last(plans: Mapping[str, Plan]) -> date | None:
    days = (p.finish for p in plans.values() if p.finish is not None and not p.dates_problem)
    return max(days, default=None)
