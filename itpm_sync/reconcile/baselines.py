"""The versions of a baseline against each other, and the layers of the budget.

Re-baselining hides nothing: what the original baseline says of today stands beside what the current
one says. Contract budget base = BAC + management reserve; BAC = work packages + planning packages +
undistributed budget. A baseline above what was authorised is an over-target baseline.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from itpm_sync.model import ChangeRequest, Money, WorkPackage
from itpm_sync.reconcile.allocate import Placed
from itpm_sync.reconcile.approval import approved_requests
from itpm_sync.reconcile.exchange import PlanRates
from itpm_sync.reconcile.folding import fold
from itpm_sync.reconcile.inputs import Element, ProjectSetup, RecordedBaseline
from itpm_sync.reconcile.number import ZERO, Number, exact, known, total, unknown
from itpm_sync.reconcile.performance import Values
from itpm_sync.reconcile.progress import Plan, chosen_records, element_of

NO_RESERVE = "no management reserve is planned"


def versions(
    baselines: Iterable[RecordedBaseline], project: str, on: date
) -> Sequence[RecordedBaseline]:
    """A project's baselines up to a day, in the order in which they came into force."""
    mine = (b for b in baselines if fold(b.project) == fold(project) and b.on <= on)
    return sorted(mine, key=lambda b: (b.on, b.version))


class RateStep(NamedTuple):
    """A budget of the original baseline in another currency, with its rates by that baseline and
    by the one in force.
    """

    plan: Plan
    money: Money
    then: Number
    now: Number

    @property
    def number(self) -> Number:
        """budget × (rate now − rate then), in the project's currency."""
        return _by_rate(self.money, minus(self.now, self.then))


def _by_rate(amount: Money, rate: Number) -> Number:
    return rate if rate.value is None else known(exact(amount.amount) * rate.value)


def rate_steps(
    counted: Iterable[tuple[Plan, Values]], then: PlanRates, now: PlanRates, currency: str
) -> Sequence[RateStep]:
    """The budgets of the original baseline whose worth the baseline in force sees at its own rates.

    What was added or re-planned since is planned at the rates of today: these have not moved it.
    """
    if then.baseline == now.baseline:
        return ()
    foreign = ((p, p.money) for p, _ in counted if p.money and p.money.currency != currency)
    return [
        RateStep(plan, m, then.rate(m.currency, currency), now.rate(m.currency, currency))
        for plan, m in foreign
    ]


@dataclass(frozen=True, slots=True)
class Original:
    """What the first baseline says on the data date: its packages that count, and their sums;
    `rate_steps` are those of its budgets that the baseline in force converts at its own rates.
    """

    baseline: RecordedBaseline
    counted: Sequence[tuple[Plan, Values]]
    values: Values
    in_money: bool
    reserve: Number
    rate_steps: Sequence[RateStep] = ()
    reserve_step: Number = ZERO  # the same of its management reserve

    @property
    def growth_by_rates(self) -> Number:
        """What of the growth of BAC comes from exchange rates alone: Σ budget of the original ×
        (rate now − rate then).
        """
        return total(s.number for s in self.rate_steps)

    @property
    def finish(self) -> date | None:
        """The last planned finish."""
        return last_finish(self.counted)


def last_finish(counted: Iterable[tuple[Plan, Values]]) -> date | None:
    """The latest planned finish of the packages that count."""
    days = (p.finish for p, _ in counted if p.finish is not None and not p.dates_problem)
    return max(days, default=None)


# ---- the layers of the budget -------------------------------------------------------------------


def reserve(
    packages: Iterable[Placed[WorkPackage]],
    baseline: RecordedBaseline | None,
    setup: ProjectSetup,
    rates: PlanRates,
    currency: str,
) -> Number:
    """Management reserve: of the baseline, else of the plan, else of the configuration."""
    found = reserve_lines(packages, baseline)
    amounts = [m for m in (found or [setup.management_reserve]) if m is not None]
    if not amounts:
        return unknown(NO_RESERVE)
    if not currency:
        return unknown("the project has no currency")
    return total(rates.convert(m, currency) for m in amounts)


def reserve_lines(
    packages: Iterable[Placed[WorkPackage]], baseline: RecordedBaseline | None
) -> list[Money | None]:
    """The amounts that the baseline, or without one the plan, sets apart as management reserve."""
    if baseline is not None:
        return [p.budget for p in baseline.packages if p.element is Element.RESERVE]
    records = chosen_records(packages).values()
    return [r.budget for r in records if element_of(r) is Element.RESERVE]


def layers(
    counted: Iterable[tuple[Plan, Values]], bac: Number, kept: Number, *, in_money: bool
) -> Mapping[str, Number]:
    """Undistributed budget, planning packages, management reserve and contract budget base.

    None of them where all budget is in work packages.
    """
    parts = list(counted)
    apart = any(p.element is not Element.WORK for p, _ in parts) or kept.reason != NO_RESERVE
    if not in_money or not apart:
        return {}
    if bac.value is None or (kept.value is None and kept.reason != NO_RESERVE):
        base = unknown(bac.reason or kept.reason)
    else:
        note = "" if kept.value is not None else "without management reserve: none is planned"
        base = known(bac.value + (kept.value or 0), note)
    return {
        "undistributed": _of(parts, Element.UNDISTRIBUTED),
        "planning": _of(parts, Element.PLANNING),
        "management_reserve": kept,
        "budget_base": base,
    }


def _of(counted: Iterable[tuple[Plan, Values]], element: Element) -> Number:
    return total(v.bac for p, v in counted if p.element is element)


# ---- the original beside the current baseline ---------------------------------------------------

COMPARED = (
    "bac_original", "pv_original", "ev_original", "cv_original", "sv_original", "vac_original",
    "bac_growth", "bac_growth_percent", "finish_growth_days",
)  # fmt: skip
"""The figures against the original baseline, in their order."""


def compared(
    original: Original | None,
    counted: Sequence[tuple[Plan, Values]],
    values: Values,
    eac: Number,
    *,
    in_money: bool,
) -> Mapping[str, Number]:
    """What the original baseline says of today: `COMPARED`, and `bac_growth_fx` where it has
    budgets in another currency. EV is by its budgets too.

    None of them without a recorded baseline.
    """
    if original is None:
        return {}
    if original.in_money != in_money:
        unit, other = ("money", "items") if original.in_money else ("items", "money")
        reason = f"the original baseline is measured in {unit}, the current one in {other}"
        return dict.fromkeys(COMPARED, unknown(reason))
    then, ac = original.values, values.ac
    growth = minus(values.bac, then.bac)
    by_rates = {"bac_growth_fx": original.growth_by_rates} if original.rate_steps else {}
    return by_rates | {
        "bac_original": then.bac,
        "pv_original": then.pv,
        "ev_original": then.ev,
        "cv_original": minus(then.ev, ac),
        "sv_original": minus(then.ev, then.pv),
        "vac_original": minus(then.bac, eac),
        "bac_growth": growth,
        "bac_growth_percent": _percent(growth, then.bac),
        "finish_growth_days": _days(original.finish, last_finish(counted)),
    }


def minus(a: Number, b: Number) -> Number:
    """The difference, undefined if one of them is."""
    if a.value is None or b.value is None:
        return unknown(a.reason or b.reason)
    return known(a.value - b.value)


def _percent(part: Number, whole: Number) -> Number:
    if part.value is None or whole.value is None:
        return unknown(part.reason or whole.reason)
    if whole.value == 0:
        return unknown("the original BAC is 0")
    return known(100 * part.value / whole.value)


def _days(original: date | None, current: date | None) -> Number:
    if original is None or current is None:
        return unknown("no usable planned finish")
    return known((current - original).days)


# ---- what was authorised ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Authorised:
    """The contract budget base that was authorised, at the exchange rates of its days, and how it
    came to be. `by_rates` is what rates alone have added to its worth since, as the baseline in
    force sees it: nobody has planned it.
    """

    amount: Number
    by_rates: Number
    told: str
    requests: Sequence[ChangeRequest]


def authorised(
    original: Original,
    requests: Iterable[Placed[ChangeRequest]],
    setup: ProjectSetup,
    now: PlanRates,
    currency: str,
    *,
    on: date,
) -> Authorised:
    """The configured budget base, else the original's and the approved change requests since;
    `now` are the rates of the baseline in force.
    """
    if (base := setup.budget_base) is not None:
        amount = PlanRates.of(original.baseline, now.dated).convert(base, currency)
        by_rates = minus(now.convert(base, currency), amount)
        return Authorised(amount, by_rates, "the configured budget base", ())
    since = original.baseline.on
    approved = approved_requests(requests, on).values()
    found = [
        (r, r.amount)
        for r in approved
        if r.amount is not None and (r.approved_on is None or r.approved_on > since)
    ]
    added = [
        now.dated.convert(m, currency, r.approved_on or on, or_earliest=True) for r, m in found
    ]
    steps = [minus(now.convert(m, currency), a) for (_, m), a in zip(found, added, strict=True)]
    kept = ZERO if original.reserve.reason == NO_RESERVE else original.reserve
    amount = total([original.values.bac, kept, *added])
    by_rates = total([original.growth_by_rates, original.reserve_step, *steps])
    words = "BAC and management reserve of the original baseline"
    told = f"{words} + approved change requests" if added else words
    return Authorised(amount, by_rates, told, [r for r, _ in found])
