"""One project on the data date: its plan, progress, money, scope and help desk, as facts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from fractions import Fraction
from functools import partial

from itpm_sync.model import (
    ChangeRequest,
    Contract,
    HelpDeskItem,
    InvoiceLine,
    Milestone,
    OrderLine,
    Payment,
    Risk,
    TimeEntry,
    WorkItem,
    WorkPackage,
)
from itpm_sync.reconcile.allocate import ProjectRecords
from itpm_sync.reconcile.baselines import (
    NO_RESERVE,
    Original,
    authorised,
    compared,
    layers,
    minus,
    rate_steps,
    reserve,
    versions,
)
from itpm_sync.reconcile.context import Context
from itpm_sync.reconcile.contracts import ContractFacts, contract_facts
from itpm_sync.reconcile.disputed import disputed
from itpm_sync.reconcile.drift import Drift, drift
from itpm_sync.reconcile.effort import compared as with_efforts
from itpm_sync.reconcile.effort import effort, unplanned
from itpm_sync.reconcile.exchange import (
    NO_FOREIGN_COST,
    ForeignCost,
    PlanRates,
    by_package,
    fx_variance,
)
from itpm_sync.reconcile.facts import PackageFacts, ProjectFacts
from itpm_sync.reconcile.first_reading import first_read
from itpm_sync.reconcile.folding import fold
from itpm_sync.reconcile.forecast import Known, forecast
from itpm_sync.reconcile.gold_plating import gold_plating
from itpm_sync.reconcile.helpdesk import help_desk
from itpm_sync.reconcile.inputs import ProjectSetup, RecordedBaseline
from itpm_sync.reconcile.labour import Labour, labour
from itpm_sync.reconcile.money import Ledger, ledger
from itpm_sync.reconcile.number import ZERO, Number, as_money, known, total, unknown
from itpm_sync.reconcile.order_lines import Delivery, deliveries
from itpm_sync.reconcile.orphans import orphans
from itpm_sync.reconcile.pace import RECENT_WEEKS, finished_on, recent, schedule, without_effort
from itpm_sync.reconcile.performance import (
    Past,
    Spending,
    Values,
    done_history,
    estimate_range,
    indices,
    is_counted,
    package_values,
    project_values,
)
from itpm_sync.reconcile.portfolio import Register
from itpm_sync.reconcile.progress import (
    NO_BUDGET,
    Plan,
    Work,
    earned_share,
    package_state,
    plans,
    tallies,
    whole_project,
)
from itpm_sync.reconcile.quality import quality
from itpm_sync.reconcile.risks import risk_exposure
from itpm_sync.reconcile.scope import Scope, scope_ledger
from itpm_sync.reconcile.status import Colour, Rating
from itpm_sync.reconcile.unplaced import without_package
from itpm_sync.reconcile.wording import day, money


def project_facts(run: Context, setup: ProjectSetup, row: Register | None) -> ProjectFacts:
    """Everything that is known of one project; `row` is its line in a register, if it has one."""
    records = run.allocation.of(setup.code)
    recorded = versions(run.inputs.baselines, setup.code, run.today)
    baseline = recorded[-1] if recorded else None
    currency = _currency(setup, records, baseline, row)
    time = labour(records.of(TimeEntry), run.rates, run.fx, currency)
    booked = _Booked(currency, time, _ledger(run, currency, records))
    now = _under(run, setup, records, baseline, booked)
    earlier = [_under(run, setup, records, version, booked) for version in recorded[:-1]]
    original = _original(
        run, setup, records, recorded, (*earlier, now)[0], now=now, currency=currency
    )
    rates = PlanRates.of(baseline, run.fx)
    kept = reserve(records.of(WorkPackage), baseline, setup, rates, currency)
    drifted = _drift(run, setup, records, now, rates=rates, currency=currency)
    now = _told_with(drifted, now, rates, currency)
    desk = help_desk(records.of(HelpDeskItem), records.of(TimeEntry), run.zone, run.today)
    before = run.before_by_code.get(setup.code)
    facts = ProjectFacts(
        setup=setup,
        policy=run.policy,
        never_read=run.inputs.never_read,
        cost_lacks=run.cost_lacks,
        plan_read=now.plan_read,
        data_date=run.today,
        end=run.end,
        zone=run.zone,
        currency=currency,
        in_money=now.past.in_money,
        records=records,
        baseline=baseline,
        rates=rates,
        original=original,
        authorised=authorised(
            original, records.of(ChangeRequest), setup, rates, currency, on=run.today
        )
        if original is not None and currency
        else None,
        drift=drifted,
        packages=now.packages,
        past=replace(now.past, before=_replaced(recorded, earlier, now)),
        work=now.past.work,
        values=now.values,
        numbers=_numbers(run, now, original, kept),
        fx_variances={},
        ledger=booked.book,
        labour=time,
        scope=now.scope,
        plating=gold_plating(
            now.scope,
            records.of(TimeEntry),
            run.allocation,
            lambda: run.askers,
            cost_of=lambda entry: run.costed(entry, currency).cost,
            end=run.end,
        ),
        orphans=orphans(
            now.scope.current,
            run.allocation,
            lambda: run.other_tickets,
            has_packages=bool(now.packages),
        ),
        desk=desk,
        quality=quality(
            (p.record for p in records.of(WorkItem)),
            [p.record for p in records.of(HelpDeskItem)],
            run.histories,
            run.policy.escaped_words,
            zone=run.zone,
            data_date=run.today,
        ),
        unplanned_s=sum(
            e.duration_s
            for e in unplanned(
                records.of(TimeEntry),
                (*records.of(WorkItem), *run.allocation.gone_from(setup.code).of(WorkItem)),
                now.scope,
            )
        ),
        effort=effort(*with_efforts(now.scope.current, records.of(TimeEntry), run.end)),
        exposure=risk_exposure(
            [p.record for p in records.of(Risk)], lambda m: run.converted(m, currency), currency
        ),
        forecast=None,
        contracts=contract_list(run, (p.record for p in records.of(Contract))),
        register=row,
        documents=run.documents,
        deliveries=_deliveries(run, records),
        disputed=(),
        unallocated=without_package(
            records,
            run.allocation.missed,
            has_packages=bool(now.packages),
            time_cost=as_money(time.cost(""), currency),
        ),
        strays=run.strays,
        rating=Rating(dimension="overall", colour=Colour.GREY, reason=""),
        previous=before,
        previous_on=run.before.data_date if run.before else None,
    )
    return _completed(run, facts)


def _numbers(
    run: Context, now: _Measured, original: Original | None, kept: Number
) -> dict[str, Number]:
    """Indices, estimates, pace and layers of the plan; `kept` is the management reserve."""
    values, counted, in_money = now.values, now.past.counted, now.past.in_money
    pace = schedule(counted, run.today, lambda: finished_on(counted, now.scope, run.end, run.zone))
    spi_t = pace["spi_t"].value
    numbers = indices(values, run.policy.eac_method, spi_t) | estimate_range(values, spi_t) | pace
    numbers |= without_effort(counted, values)
    numbers |= layers(counted, values.bac, kept, in_money=in_money)
    numbers |= compared(original, counted, values, numbers["eac"], in_money=in_money)
    return numbers


def _completed(run: Context, facts: ProjectFacts) -> ProjectFacts:
    """The facts with what is computed from them: recent pace, forecast, variances, disputes."""
    values, currency = facts.values, facts.currency
    drawn = forecast(
        Known(
            setup=facts.setup,
            policy=run.policy,
            scope=facts.scope,
            booked=(p.record.on for p in facts.records.of(TimeEntry)),
            past=facts.past,
            values=values,
            currency=currency if facts.in_money else "",
        )
    )
    foreign = facts.foreign
    fx = fx_variance(foreign, facts.rates, values.ac, values.ev, currency)
    return replace(
        facts,
        numbers={**facts.numbers, **_recent(facts), **drawn.numbers, "fx_variance": fx},
        fx_variances=_fx_variances(facts, foreign, fx) if foreign else {},
        forecast=drawn,
        disputed=tuple(disputed(facts, run.copies, run.inputs)) if facts.in_money else (),
    )


def _fx_variances(
    facts: ProjectFacts, foreign: Iterable[ForeignCost], fx: Number
) -> dict[str, Number]:
    """Those of the packages; `fx` is the project's."""
    abroad = by_package(foreign)
    nothing = unknown(NO_FOREIGN_COST) if fx.value is None else known(0, NO_FOREIGN_COST)
    return {
        code: fx_variance(abroad[code], facts.rates, values.ac, values.ev, facts.currency)
        if code in abroad
        else nothing
        for code, values in ((f.plan.code, f.values) for f in facts.packages)
    }


@dataclass(frozen=True, slots=True)
class _Booked:
    """What was spent, whatever the plan."""

    currency: str
    time: Labour
    book: Ledger


@dataclass(frozen=True, slots=True)
class _Measured:
    """A project on the data date under one plan."""

    scope: Scope
    packages: Sequence[PackageFacts]
    values: Values
    past: Past
    plan_read: date | None  # see `ProjectStatus`


def _under(
    run: Context,
    setup: ProjectSetup,
    records: ProjectRecords,
    baseline: RecordedBaseline | None,
    booked: _Booked,
) -> _Measured:
    """The project measured under a baseline, or under the plan of its records."""
    currency, time, book = booked.currency, booked.time, booked.book
    scope = project_scope(run, setup, records, baseline)
    rates = PlanRates.of(baseline, run.fx)
    found = plans(records.of(WorkPackage), baseline, rates, currency, setup)
    in_money = bool(currency) and any(p.money is not None for p in found)
    work = Work(
        run.today,
        tallies(scope, run.end),
        _milestones(records),
        time.seconds,
        scope.members is not None,
        run.inputs.progress_unknown,
    )
    by_code = {fold(p.code): p for p in found}
    packages = [
        PackageFacts(
            plan,
            package_values(
                plan,
                work,
                by_code,
                _actual(run, time.cost(plan.code), partial(book.sum, package=plan.code), in_money),
                in_money=in_money,
            ),
            package_state(plan, work, earned_share(plan, work, by_code)),
        )
        for plan in found
    ]
    values = _values(
        run,
        setup=setup,
        packages=packages,
        work=work,
        time=time,
        book=book,
        in_money=in_money,
        scope=scope,
    )
    counted = _counted(setup, packages, values, in_money=in_money)
    plan_read = None
    if baseline is None:
        plan_read = first_read(run.inputs, (plan for plan, _ in counted), run.zone)
    if plan_read is not None:
        told = f"the plan as it was first read, on {day(plan_read)}"
        values = replace(values, bac=_also(values.bac, told), pv=_also(values.pv, told))
    history = done_history(scope, run.end, frozenset(p.code for p, _ in counted))
    if in_money and values.ac.value is not None and book.accrued_by_day is not None:
        history = replace(history, spent=_spending(time, book, book.accrued_by_day))
    past = Past(counted, work, history, run.zone, in_money)
    return _Measured(scope, packages, values, past, plan_read)


def _replaced(
    recorded: Sequence[RecordedBaseline], earlier: Sequence[_Measured], now: _Measured
) -> tuple[tuple[date, Past], ...]:
    """Earlier baselines, each with the day from which it was no longer in force."""
    pairs = zip(recorded[1:], earlier, strict=False)
    return tuple((b.on, m.past) for b, m in pairs if m.past.in_money == now.past.in_money)


def _original(
    run: Context,
    setup: ProjectSetup,
    records: ProjectRecords,
    recorded: Sequence[RecordedBaseline],
    first: _Measured,
    *,
    now: _Measured,
    currency: str,
) -> Original | None:
    if not recorded:
        return None
    then, in_force = PlanRates.of(recorded[0], run.fx), PlanRates.of(recorded[-1], run.fx)

    def kept(rates: PlanRates) -> Number:
        return reserve(records.of(WorkPackage), recorded[0], setup, rates, currency)

    in_money, step = first.past.in_money and now.past.in_money, minus(kept(in_force), kept(then))
    return Original(
        recorded[0],
        first.past.counted,
        first.values,
        first.past.in_money,
        kept(then),
        rate_steps(first.past.counted, then, in_force, currency) if in_money else (),
        ZERO if step.reason == NO_RESERVE else step,
    )


def _drift(
    run: Context,
    setup: ProjectSetup,
    records: ProjectRecords,
    now: _Measured,
    *,
    rates: PlanRates,
    currency: str,
) -> Drift | None:
    """How the plan of the records differs from the baseline that the project is measured under."""
    if rates.baseline is None:
        return None
    return drift(
        rates.baseline,
        (f.plan for f in now.packages),
        plans(records.of(WorkPackage), None, rates, currency, setup),
        run.inputs.progress_unknown,
    )


def _told_with(drifted: Drift | None, now: _Measured, rates: PlanRates, currency: str) -> _Measured:
    """With a note at BAC by which baseline it is, and what the plan of the records would make it
    where that says otherwise.
    """
    bac = now.values.bac
    if rates.baseline is None or bac.value is None:
        return now
    by_plan, more = "", drifted.more if drifted is not None and now.past.in_money else ZERO
    if more.value != 0:
        worth = None if more.value is None else bac.value + more.value
        told = f"n/a: {more.reason}" if worth is None else money(worth, currency)
        by_plan = f"by the plan it would be {told}"
    notes = (f"by {rates.version}", by_plan, bac.note)
    bac = bac.noted("; ".join(t for t in notes if t))
    return replace(now, values=replace(now.values, bac=bac))


def _recent(facts: ProjectFacts) -> dict[str, Number]:
    """CPI and SPI of the last weeks, against the earlier day of which the values are known."""
    then = facts.data_date - timedelta(weeks=RECENT_WEEKS)
    return recent(facts.values, *facts.past.known_before(then, facts.earlier))


def _deliveries(run: Context, records: ProjectRecords) -> tuple[Delivery, ...]:
    """Those of the project's own order lines; an order may have lines of several projects."""
    own = {o.record.id for o in records.of(OrderLine)}
    numbers = sorted({fold(o.record.order) for o in records.of(OrderLine)})
    found = (d for number in numbers for d in deliveries(run.documents, number))
    return tuple(d for d in found if d.order.id in own)


def _spending(time: Labour, book: Ledger, accrued: Iterable[tuple[date, Fraction]]) -> Spending:
    """Cost by day; every part is known, or AC would not be."""
    spent = [(b.on, b.cost.value) for b in time.booked]
    spent += [(e.on, e.amount.value) for e in book.entries if e.state == "invoiced"]
    return Spending((*((on, cost) for on, cost in spent if cost is not None), *accrued))


def project_scope(
    run: Context, setup: ProjectSetup, records: ProjectRecords, baseline: RecordedBaseline | None
) -> Scope:
    """The scope of a project against a baseline."""
    return scope_ledger(
        setup,
        records.of(WorkItem),
        run.allocation.gone_from(setup.code).of(WorkItem),
        records.of(ChangeRequest),
        baseline=baseline,
        zone=run.zone,
        data_date=run.today,
        find=run.allocation.item,
    )


def _values(
    run: Context,
    *,
    setup: ProjectSetup,
    packages: Sequence[PackageFacts],
    work: Work,
    time: Labour,
    book: Ledger,
    in_money: bool,
    scope: Scope,
) -> Values:
    ac = _actual(run, time.total, book.totals.__getitem__, in_money)
    if packages or in_money:
        return project_values([(f.plan, f.values) for f in packages], ac, in_money=in_money)
    whole = whole_project(setup)
    if whole.dates_problem or not scope.current:
        return project_values([], ac, in_money=False)
    only = package_values(whole, work, {}, ac, in_money=False)
    note = "measured in items over the project's own dates: no work package is known"
    return replace(only, bac=only.bac.noted(note))


def _also(number: Number, note: str) -> Number:
    if not note or number.value is None:
        return number
    return number.noted("; ".join(filter(None, (number.note, note))))


def _counted(
    setup: ProjectSetup, packages: Sequence[PackageFacts], values: Values, *, in_money: bool
) -> Sequence[tuple[Plan, Values]]:
    """What the project's values are the sums of; the project itself where it has no package."""
    if not packages and not in_money and values.bac.value is not None:
        return [(whole_project(setup), values)]
    return [(f.plan, f.values) for f in packages if is_counted(f.plan, in_money=in_money)]


def _actual(run: Context, cost: Number, booked: Callable[[str], Number], in_money: bool) -> Number:
    """Actual cost from labour and from what is `booked` in a state of the ledger."""
    if not in_money:
        return unknown(NO_BUDGET)
    received = run.tells("receipt") and run.tells("order_line")
    if not (received or run.tells("time_entry") or run.tells("invoice_line")):
        none = "no source of time entries, invoices or receipts is connected"
        return unknown("; ".join(run.cost_lacks) or none)
    spent = total((cost, booked("invoiced"), booked("accrued")))
    how = "labour + invoices − credit notes + received and not invoiced"
    return spent.noted("; ".join((how, *run.cost_lacks)))


def _ledger(run: Context, currency: str, records: ProjectRecords) -> Ledger:
    invoices = records.of(InvoiceLine)
    parts = [part for i in invoices for part in run.paid.get(i.record.id, ())]
    orphans = [p for p in records.of(Payment) if p.record.id in run.orphan_payments]
    return ledger(
        currency,
        run.documents,
        orders=records.of(OrderLine),
        invoices=invoices,
        paid=parts,
        payments=orphans,
        data_date=run.today,
    )


def contract_list(run: Context, contracts: Iterable[Contract]) -> tuple[ContractFacts, ...]:
    """Contracts on the data date, each with its money."""
    return tuple(contract_facts(c, run.contracts, run.policy, run.today) for c in contracts)


def _currency(
    setup: ProjectSetup,
    records: ProjectRecords,
    baseline: RecordedBaseline | None,
    row: Register | None,
) -> str:
    """The configured currency, else the only one of the budgets, else the only one of all money."""
    if setup.currency:
        return setup.currency
    budgets = {p.record.budget.currency for p in records.of(WorkPackage) if p.record.budget}
    budgets |= {p.budget.currency for p in (baseline.packages if baseline else ()) if p.budget}
    if row is not None:
        costs = (row.record.planned_cost, row.record.actual_cost)
        budgets |= {m.currency for m in costs if m is not None}
    if budgets:
        return budgets.pop() if len(budgets) == 1 else ""
    money = {o.record.amount.currency for o in records.of(OrderLine)}
    money |= {i.record.amount.currency for i in records.of(InvoiceLine)}
    return money.pop() if len(money) == 1 else ""


def _milestones(records: ProjectRecords) -> Mapping[str, Sequence[Milestone]]:
    found: dict[str, list[Milestone]] = defaultdict(list)
    for milestone, package, _ in records.of(Milestone):
        found[package].append(milestone)
    return found
