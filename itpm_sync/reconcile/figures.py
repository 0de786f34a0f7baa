"""The figures of packages, projects and the portfolio, by name, with their labels and units."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

from itpm_sync.reconcile import effort
from itpm_sync.reconcile.exchange import NO_FOREIGN_COST
from itpm_sync.reconcile.facts import PackageFacts, ProjectFacts
from itpm_sync.reconcile.forecast import COST, FINISH
from itpm_sync.reconcile.money import Disputed, Documents, Entry
from itpm_sync.reconcile.number import Number, exact_sum, figure, known, total, unknown
from itpm_sync.reconcile.performance import indices
from itpm_sync.reconcile.risks import exposure_before, exposure_change
from itpm_sync.reconcile.status import Figure, ProjectStatus
from itpm_sync.reconcile.unread import not_netted, why_none
from itpm_sync.reconcile.wording import count, money

Tells = Callable[[str], bool]
"""Whether what there is of a kind is known, be it none."""

LABELS: Mapping[str, str] = {
    "bac": "Budget at completion (BAC)",
    "pv": "Planned value (PV)",
    "ev": "Earned value (EV)",
    "ac": "Actual cost (AC)",
    "cv": "Cost variance (CV)",
    "sv": "Schedule variance (SV)",
    "cpi": "Cost performance index (CPI)",
    "spi": "Schedule performance index (SPI)",
    "eac": "Estimate at completion (EAC)",
    "disputed": "Actual cost that findings dispute",
    "etc": "Estimate to complete (ETC)",
    "vac": "Variance at completion (VAC)",
    "tcpi_bac": "To-complete index for the budget (TCPI)",
    "tcpi_eac": "To-complete index for the estimate",
    "eac_low": "Lowest estimate at completion",
    "eac_high": "Highest estimate at completion",
    "cpi_recent": "CPI of the last 4 weeks",
    "spi_recent": "SPI of the last 4 weeks",
    "cpi_discrete": "CPI without level of effort",
    "spi_discrete": "SPI without level of effort",
    "effort_share": "Level of effort, share of BAC",
    "pd": "Planned duration (PD)",
    "at": "Actual time (AT)",
    "es": "Earned schedule (ES)",
    "sv_t": "Schedule variance in time (SV(t))",
    "spi_t": "Schedule performance index in time (SPI(t))",
    "ieac_t": "Estimated duration (IEAC(t))",
    "tspi": "To-complete schedule index (TSPI)",
    "p_factor": "Schedule adherence (p-factor)",
    "fx_variance": "FX variance",
    "percent": "Percent complete",
    "bac_original": "BAC of the original baseline",
    "pv_original": "PV by the original baseline",
    "ev_original": "EV by the original baseline",
    "cv_original": "Cost variance against the original baseline",
    "sv_original": "Schedule variance against the original baseline",
    "vac_original": "Variance at completion against the original baseline",
    "bac_growth": "BAC: current − original baseline",
    "bac_growth_fx": "BAC: current − original baseline, by exchange rates alone",
    "bac_growth_percent": "Growth of BAC in percent of the original baseline",
    "finish_growth_days": "Planned finish: current − original baseline",
    "undistributed": "Undistributed budget",
    "planning": "Planning packages",
    "management_reserve": "Management reserve",
    "budget_base": "Contract budget base",
    "budget": "Budget",
    "ordered": "Ordered",
    "committed": "Committed: open order balance",
    "received": "Received",
    "accrued": "Received, not invoiced",
    "invoiced": "Invoiced, less credit notes",
    "paid": "Paid",
    "labour": "Labour",
    "effort_s": "Effort booked",
    **effort.LABELS,
    "items": "Items in scope",
    "items_done": "Items done",
    "open_defects": "Open defects",
    "defects_opened": "Defects opened",
    "defects_closed": "Defects closed",
    "defects_reopened": "Defects reopened",
    "defect_age": "Age of open defects",
    "defects_escaped": "Defects found in production",
    "escaped_share": "Defects found in production, share",
    "desk_reopened": "Help-desk items reopened, last 28 days",
    "risks_open": "Open risks",
    "risk_exposure": "Risk exposure",
    "risk_exposure_before": "Risk exposure of the snapshot before",
    "risk_exposure_change": "Change of the risk exposure since then",
    "baseline_items": "Items in the baseline",
    "added": "Items added",
    "added_by_split": "Items added by splitting or merging others",
    "removed": "Items removed",
    "removed_by_split": "Items removed by splitting or merging them",
    "creep": "Scope creep",
    "churn": "Scope churn",
    "items_month_ago": "Items in scope a month ago",
    "scope_growth": "Growth of the scope in a month",
    "planned_cost": "Planned cost",
    "actual_cost": "Projected or actual cost",
    "cost_variance": "Cost variance: planned − actual",
    "cost_variance_percent": "Cost variance in percent of planned",
    "schedule_variance_days": "Schedule variance: planned − actual finish",
    "schedule_variance_percent": "Schedule variance in percent of the planned duration",
}

_DRAWN = {FINISH: "Weeks to finish", COST: "Cost at completion"}
_UNITS: Mapping[str, str] = {
    name: unit
    for unit, names in {
        "ratio": "cpi spi tcpi_bac tcpi_eac cpi_recent spi_recent cpi_discrete spi_discrete "
        "spi_t tspi p_factor",
        "percent": "scope_growth escaped_share desk_reopened percent creep churn effort_share "
        "cost_variance_percent "
        "schedule_variance_percent bac_growth_percent",
        "items": "items_month_ago items items_done baseline_items added added_by_split removed "
        "removed_by_split open_defects "
        "defects_opened defects_closed "
        "defects_reopened defects_escaped risks_open",
        "weeks": "pd at es sv_t ieac_t",
        "days": "defect_age schedule_variance_days finish_growth_days",
        "s": "effort_s",
    }.items()
    for name in names.split()
} | {name: effort.unit_of(name) for name in effort.LABELS}
_MONEY = frozenset(
    "disputed undistributed planning management_reserve budget_base "
    "budget ordered committed received accrued invoiced paid labour planned_cost actual_cost "
    "cost_variance risk_exposure risk_exposure_before risk_exposure_change".split()
)
_ORDERED = ("ordered", "committed", "received", "accrued")
_SUMMED = (
    "bac", "pv", "ev", "ac", "eac", "budget", "ordered", "committed", "received", "accrued",
    "invoiced", "paid", "labour", "planned_cost", "actual_cost", "cost_variance",
)  # fmt: skip


OF_WHICH_DISPUTED = "of which disputed"
"""What a part of AC is called that stands beside it; the part's note has the codes of findings."""
IMPLAUSIBLE = "implausible"
"""How the note of a figure begins that is computed rightly and can hardly be meant."""
_TWICE = 2  # the CPI beyond which even a bad plan is unlikelier than cost that nobody booked
_RESTING_ON_COST = ("cpi", "eac", "eac_low", "eac_high", "etc", "vac", "tcpi_eac")


def _doubted(numbers: Mapping[str, Number]) -> dict[str, Number]:
    """Figures that rest on the cost booked carry the doubt where that is less than half of EV."""
    cpi = numbers["cpi"].value
    if cpi is None or cpi <= _TWICE:
        return dict(numbers)
    note = f"{IMPLAUSIBLE}: less than half of what is earned is booked as cost"
    told = {
        name: n.noted(f"{note}; {n.note}" if n.note else note)
        for name in _RESTING_ON_COST
        if (n := numbers.get(name)) is not None and n.value is not None
    }
    return dict(numbers) | told


def unit_of(name: str, facts: ProjectFacts) -> str:
    """The unit of a figure in this project."""
    if name in _UNITS:
        return _UNITS[name]
    if name in _MONEY:
        return facts.currency
    return "weeks" if name.startswith(FINISH) else facts.unit


def label_of(name: str) -> str:
    """How people call a figure."""
    if name in LABELS:
        return LABELS[name]
    prefix = next(p for p in _DRAWN if name.startswith(p))
    return f"{_DRAWN[prefix]}, {name.removeprefix(prefix)} % likely"


def _figures(numbers: Mapping[str, Number], facts: ProjectFacts) -> dict[str, Figure]:
    return {
        name: figure(name, label_of(name), number, unit_of(name, facts))
        for name, number in numbers.items()
    }


def package_figures(
    facts: ProjectFacts, package: PackageFacts, tells: Tells
) -> Mapping[str, Figure]:
    """The figures of one work package."""
    return _figures(package_numbers(facts, package, tells), facts)


def package_numbers(
    facts: ProjectFacts, package: PackageFacts, tells: Tells
) -> Mapping[str, Number]:
    """The unrounded numbers of one work package, by the name of their figure."""
    code, tally = package.plan.code, facts.work.tally(package.plan)
    numbers = _doubted(indices(package.values, facts.policy.eac_method))
    if facts.in_money and code in facts.fx_variances:
        numbers["fx_variance"] = facts.fx_variances[code]
    numbers["budget"] = package.plan.budget
    numbers |= _booked(
        facts, tells, lambda state: facts.ledger.sum(state, code), facts.labour.cost(code)
    )
    numbers |= _disputed(
        [d for d in facts.disputed if d.package == code], numbers["ac"], facts.currency
    )
    numbers["effort_s"] = known(facts.labour.seconds.get(code, 0))
    numbers["items"] = known(tally.items)
    numbers["items_done"] = known(tally.done)
    return numbers


_COMPARED = ("ordered", "committed", "invoiced", "paid")


def in_budget_currency(facts: ProjectFacts, tells: Tells) -> Mapping[str, Mapping[str, Figure]]:
    """The money of work packages in the currency of their budget, by code, see
    `PackageStatus`; what is in another currency is converted at the rate of its day.
    """
    budgets = {f.plan.code: m for f in facts.packages if (m := f.plan.money) is not None}
    foreign = {c: m for c, m in budgets.items() if facts.currency not in ("", m.currency)}
    entries: dict[tuple[str, str], list[Entry]] = defaultdict(list)
    for entry in facts.ledger.entries if foreign else ():
        entries[entry.package, entry.state].append(entry)

    def state(name: str, code: str, currency: str) -> Number:
        own = entries.get((code, name), ())
        return total(_converted(e, facts.documents, currency) for e in own)

    found = {}
    for code, budget in foreign.items():
        sums = partial(state, code=code, currency=budget.currency)
        booked = _booked(facts, tells, sums, facts.labour.cost(code))
        numbers = {"budget": known(budget.amount)} | {n: booked[n] for n in _COMPARED}
        found[code] = {n: figure(n, LABELS[n], v, budget.currency) for n, v in numbers.items()}
    return found


def _converted(entry: Entry, documents: Documents, currency: str) -> Number:
    amount, own = entry.own
    netted = documents.netted.get(entry.record.id)
    if entry.state == "committed" and netted is not None and netted.gap is not None:
        return entry.amount  # its bills do not convert: what is open is known in no currency
    if own == currency:
        return known(amount)
    rate = documents.fx.rate(own, currency, entry.on)
    return rate if rate.value is None else known(amount * rate.value)


def project_figures(facts: ProjectFacts, tells: Tells) -> Mapping[str, Figure]:
    """The figures of one project."""
    return _figures(project_numbers(facts, tells), facts)


def project_numbers(facts: ProjectFacts, tells: Tells) -> Mapping[str, Number]:
    """The unrounded numbers of one project, by the name of their figure."""
    scope, tallies = facts.scope, facts.work.tallies.values()
    numbers = _doubted(facts.numbers)
    if not facts.in_money or numbers["fx_variance"].reason == NO_FOREIGN_COST:
        del numbers["fx_variance"]
    numbers["budget"] = _budget(facts)
    numbers |= _booked(facts, tells, facts.ledger.totals.__getitem__, facts.labour.total)
    numbers |= _disputed(facts.disputed, numbers["ac"], facts.currency)
    numbers["effort_s"] = known(sum(facts.labour.seconds.values()))
    numbers["items"] = known(sum(t.items for t in tallies))
    numbers["items_done"] = known(sum(t.done for t in tallies))
    numbers["baseline_items"] = scope.baseline_items
    for change in ("added", "removed"):
        count = known(scope.count(change), f"since {scope.label}")
        numbers[change] = unknown(scope.reason) if scope.members is None else count
        if split := scope.by_split(change):
            numbers[f"{change}_by_split"] = known(len(split), f"since {scope.label}")
    numbers["creep"] = scope.creep
    numbers["churn"] = scope.churn
    numbers["items_month_ago"], numbers["scope_growth"] = known(len(scope.earlier)), scope.growth
    numbers |= facts.quality.numbers
    numbers |= facts.effort.numbers
    booked = sum(facts.labour.seconds.values())
    numbers |= effort.unplanned_numbers(facts.unplanned_s, booked, scope)
    numbers["risks_open"], numbers["risk_exposure"] = facts.exposure.open, facts.exposure.number
    before = exposure_before(facts.previous, facts.previous_on, facts.currency, facts.data_date)
    numbers["risk_exposure_before"] = before
    numbers["risk_exposure_change"] = exposure_change(facts.exposure.number, before)
    if facts.register is not None:
        numbers |= facts.register.numbers
    return numbers


def _budget(facts: ProjectFacts) -> Number:
    if not facts.in_money:
        return unknown("no budget")
    return total(f.plan.budget for f in budgeted(facts))


def budgeted(facts: ProjectFacts) -> Sequence[PackageFacts]:
    """The packages whose budgets make up the project's."""
    return [f for f in facts.packages if f.plan.money is not None and not f.plan.is_summary]


def _booked(
    facts: ProjectFacts, tells: Tells, state: Callable[[str], Number], labour: Number
) -> dict[str, Number]:
    """Money states: n/a where no currency or no source could tell, else the sums."""
    if not facts.currency:
        reason = unknown("the project has no currency: no money is known")
        return dict.fromkeys((*_ORDERED, "invoiced", "paid", "labour"), reason)

    def none(kind: str) -> Number | None:
        return None if tells(kind) else unknown(why_none(kind, facts.never_read))

    orders, bills, came = none("order_line"), none("invoice_line"), none("receipt")
    result = {name: orders or state(name) for name in ("ordered", "committed")}
    if result["committed"].value is not None:
        result["committed"] = result["committed"].noted(not_netted(facts.never_read, tells))
    result |= {name: orders or came or state(name) for name in ("received", "accrued")}
    result |= {name: bills or state(name) for name in ("invoiced", "paid")}
    return result | {"labour": none("time_entry") or labour}


def _disputed(found: Sequence[Disputed], ac: Number, currency: str) -> Mapping[str, Number]:
    """The part of AC that findings dispute, where there is any, and AC with a note of it."""
    if not found or ac.value is None:
        return {}
    part = total(d.amount for d in found)
    if part.value is None:
        return {}
    codes = ", ".join(sorted({d.code for d in found}))
    note = f"{OF_WHICH_DISPUTED}: {money(part.value, currency)} ({codes})"
    told = "; ".join(t for t in (ac.note, note) if t)
    return {"ac": ac.noted(told), "disputed": part.noted(codes)}


def portfolio_totals(projects: Iterable[ProjectStatus]) -> tuple[Figure, ...]:
    """Sums over the projects, one a currency and figure; never across currencies.

    A project whose figure is n/a is left out, and the note says how many are.
    """
    sums: dict[tuple[str, str], list[Figure]] = defaultdict(list)
    for project in projects:
        for name in _SUMMED:
            one = project.figures.get(name)
            if one is not None and len(one.unit) == 3 and one.unit.isupper():
                sums[one.unit, name].append(one)
    order = {name: n for n, name in enumerate(_SUMMED)}
    return tuple(
        figure(name, LABELS[name], _sum(sums[unit, name]), unit)
        for unit, name in sorted(sums, key=lambda key: (key[0], order[key[1]]))
    )


def _sum(found: Sequence[Figure]) -> Number:
    values = [f.value for f in found if f.value is not None]
    if not values:
        return unknown("n/a in every project of this currency")
    left = len(found) - len(values)
    note = count(len(values), "project") + (f"; {left} n/a left out" if left else "")
    return known(exact_sum(values), note)
