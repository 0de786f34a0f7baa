"""The reconciliation: inputs → allocation → figures → ratings and findings → snapshot."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import partial

from itpm_sync.model import (
    Contract,
    HelpDeskItem,
    Person,
    Project,
    WorkItem,
    WorkPackage,
)
from itpm_sync.reconcile.allocate import PLACED_KINDS, Allocation
from itpm_sync.reconcile.capacity import shown
from itpm_sync.reconcile.changes import witnessed
from itpm_sync.reconcile.checks import portfolio_findings, project_findings
from itpm_sync.reconcile.comparing import is_recent
from itpm_sync.reconcile.context import Context
from itpm_sync.reconcile.duplicates import duplicates
from itpm_sync.reconcile.exchange import PlanRates
from itpm_sync.reconcile.facts import PortfolioFacts, ProjectFacts
from itpm_sync.reconcile.figures import portfolio_totals
from itpm_sync.reconcile.folding import fold
from itpm_sync.reconcile.future_dated import future_dated
from itpm_sync.reconcile.inputs import (
    BaselineItem,
    BaselinePackage,
    Element,
    FrozenPlan,
    Inputs,
    ProjectSetup,
    RecordedBaseline,
)
from itpm_sync.reconcile.measuring import contract_list, project_facts, project_scope
from itpm_sync.reconcile.overpaid import overpaid
from itpm_sync.reconcile.portfolio import registers, setups
from itpm_sync.reconcile.presenting import project_gates, project_status, rated
from itpm_sync.reconcile.progress import (
    Plan,
    chosen_records,
    configured_line,
    element_of,
    plans,
)
from itpm_sync.reconcile.status import Finding, GateStatus, Snapshot, Unallocated
from itpm_sync.reconcile.tracking import tracked
from itpm_sync.reconcile.unplaced import grouped, repeated


def reconcile(inputs: Inputs, previous: Snapshot | None = None) -> Snapshot:
    """Reconcile the portfolio on `inputs.data_date`.

    Pure: the same inputs (in any order of records) give the same snapshot. `previous` is the
    snapshot before this one; it fills weeks of the S-curve that records cannot tell, and shows a
    plan that changed without a baseline. Raises ReconcileError for an unknown zone.
    """
    run = Context(inputs, previous)
    unallocated = _nowhere(run.allocation)
    shared = _shared(run, unallocated)
    # One project after the other: what is known of one is let go before the next is looked at.
    projects = tuple(project_status(run, f, shared.pop(f.code, ())) for f in _facts(run))
    snapshot = Snapshot(
        title=inputs.title,
        data_date=inputs.data_date,
        run=inputs.run,
        projects=projects,
        totals=portfolio_totals(projects),
        unallocated=unallocated,
        findings=tuple(f for rest in shared.values() for f in rest),
        coverage=inputs.coverage,
        people=shown(run.load, Fraction(inputs.capacity.tolerance)),
        zone=inputs.zone,
    )
    recent = previous is not None and is_recent(previous.data_date, inputs.data_date)
    return witnessed(tracked(snapshot, inputs), previous if recent else None)


def gates_of(
    inputs: Inputs, previous: Snapshot | None = None
) -> Mapping[str, Sequence[GateStatus]]:
    """Every gate of every project with all of its criteria, by the project's code.

    Pure, like `reconcile`, whose snapshot keeps only the criteria of the next gate.
    """
    run = Context(inputs, previous)
    shared = _shared(run, _nowhere(run.allocation))
    return {
        f.code: project_gates(run, f, (*project_findings(f), *shared.get(f.code, ())))
        for f in map(partial(rated, run), _facts(run))
    }


def _facts(run: Context) -> Iterator[ProjectFacts]:
    rows = registers(run.of(Project))
    for setup, row in setups(run.inputs.projects, rows):
        yield project_facts(run, setup, row)


def _shared(run: Context, unallocated: Sequence[Unallocated]) -> dict[str, list[Finding]]:
    """The findings of the portfolio's records, by the project that they all belong to."""
    shared: dict[str, list[Finding]] = defaultdict(list)
    for finding in portfolio_findings(_portfolio_facts(run, unallocated)):
        shared[finding.project].append(finding)
    return shared


def _portfolio_facts(run: Context, unallocated: Sequence[Unallocated]) -> PortfolioFacts:
    known = {kind: tuple(found) for kind, found in run.records.items()}
    loose = run.allocation.nowhere.get("contract", ())
    return PortfolioFacts(
        inputs=replace(run.inputs, records=known),
        end=run.end,
        allocation=run.allocation,
        documents=run.documents,
        unallocated=unallocated,
        unlinked=run.unlinked,
        future_dated=future_dated(run.inputs, run.zone),
        repeated=repeated(run.records),
        contracts=contract_list(run, (c for c in loose if isinstance(c, Contract))),
        doubled=run.doubled,
        overpaid=tuple(overpaid(run.documents.settlements, run.policy)),
        duplicates=duplicates(
            (*run.of(WorkItem), *run.of(HelpDeskItem)),
            run.of(Person),
            run.inputs.duplicates,
            run.end,
        ),
        capacity=run.load,
        long_days=run.long_days,
        outages=run.outages,
    )


def _nowhere(allocation: Allocation) -> tuple[Unallocated, ...]:
    kinds = (grouped(kind, allocation.nowhere.get(kind, ())) for kind in PLACED_KINDS)
    return tuple(group for groups in kinds for group in groups)


def freeze(inputs: Inputs, project: str, plan: FrozenPlan | None = None) -> FrozenPlan | None:
    """The plan, the scope and the exchange rates of a project as they are now, for a baseline to
    record.

    `plan` goes before the plan of the records: its packages are known to the allocation, so that
    the scope is frozen by them. Amounts that the configuration sets apart (management reserve,
    undistributed budget) become lines, unless the plan has its own. Budgets stay in their own
    currency. None if no project has that code.
    """
    setup = next((p for p in inputs.projects if fold(p.code) == fold(project)), None)
    if setup is None:
        return None
    if plan is not None:
        inputs = replace(inputs, baselines=(*inputs.baselines, _prospective(inputs, setup, plan)))
    run = Context(inputs, None)
    records = run.allocation.of(setup.code)
    scope = project_scope(run, setup, records, None)
    live = records.of(WorkPackage)
    rates = PlanRates.of(None, run.fx)
    planned = () if plan else plans(live, None, rates, setup.currency, setup)
    own = plan.packages if plan else _packages(planned)
    items = tuple(
        BaselineItem(
            identity=item.id,
            key=item.key,
            title=item.title,
            work_package=package,
            points=item.points,
            estimate_s=item.estimate_s,
        )
        for item, package, _ in scope.current
    )
    if plan is None:
        reserved = [_of_record(r) for r in chosen_records(live).values()]
        own = (*own, *(p for p in reserved if p.element is Element.RESERVE))
    return FrozenPlan(
        packages=(*own, *_set_apart(setup, own)),
        items=items,
        milestones=plan.milestones if plan else (),
        calendar=(plan.calendar if plan else None) or setup.calendar,
        source=plan.source if plan else "",
        rates=tuple(run.fx.frozen(run.today)),
        summaries=frozenset(p.code for p in planned if p.is_summary),
    )


def _prospective(inputs: Inputs, setup: ProjectSetup, plan: FrozenPlan) -> RecordedBaseline:
    newest = max((b.version for b in inputs.baselines), default=0)
    return RecordedBaseline(
        project=setup.code, version=newest + 1, on=inputs.data_date, author="", approval="",
        change_request="", packages=plan.packages, items=(),
    )  # fmt: skip


def _packages(found: Iterable[Plan]) -> tuple[BaselinePackage, ...]:
    return tuple(
        BaselinePackage(
            code=plan.code,
            name=plan.name,
            planned_start=plan.start,
            planned_finish=plan.finish,
            budget=plan.money,
            method=str(plan.method),
            planned_effort_s=plan.record.planned_effort_s if plan.record else None,
            element=plan.element,
            own_budget=plan.money is not None and not plan.is_summary,
            summary=plan.is_summary,
        )
        for plan in found
    )


def _of_record(record: WorkPackage) -> BaselinePackage:
    return BaselinePackage(
        code=record.code, name=record.name, planned_start=record.planned_start,
        planned_finish=record.planned_finish, budget=record.budget, method=str(record.method),
        element=element_of(record),
    )  # fmt: skip


def _set_apart(
    setup: ProjectSetup, packages: Iterable[BaselinePackage]
) -> Iterable[BaselinePackage]:
    """Amounts of the configuration as lines, where the plan has none of their kind."""
    there = {p.element for p in packages}
    for element, amount in (
        (Element.UNDISTRIBUTED, setup.undistributed_budget),
        (Element.RESERVE, setup.management_reserve),
    ):
        if amount is not None and element not in there:
            yield configured_line(element, amount)
