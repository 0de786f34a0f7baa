"""The reconciliation: inputs → allocation → figures → ratings and findings → snapshot."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from fractions import Fraction
from typing import TypeVar

from itpm_sync.model import (
    ChangeRequest,
    Contract,
    FxRate,
    HelpDeskItem,
    InvoiceLine,
    ItemType,
    Milestone,
    Money,
    OrderLine,
    Payment,
    Person,
    Project,
    Rate,
    Receipt,
    Record,
    Risk,
    TimeEntry,
    WorkItem,
    WorkPackage,
)
from itpm_sync.reconcile import ratings
from itpm_sync.reconcile.allocate import (
    PLACED_KINDS,
    Allocation,
    ProjectRecords,
    allocate,
    fold,
)
from itpm_sync.reconcile.checks import portfolio_findings, project_findings
from itpm_sync.reconcile.contracts import ContractFacts, ContractMoney, contract_facts
from itpm_sync.reconcile.facts import (
    PackageFacts,
    PortfolioFacts,
    ProjectFacts,
)
from itpm_sync.reconcile.figures import package_figures, portfolio_totals, project_figures
from itpm_sync.reconcile.helpdesk import help_desk
from itpm_sync.reconcile.labour import Labour, RateCard, labour
from itpm_sync.reconcile.money import Documents, FxTable, Ledger, Paid, ledger
from itpm_sync.reconcile.number import Number, show, total, unknown
from itpm_sync.reconcile.performance import (
    Values,
    curve,
    done_history,
    indices,
    is_counted,
    package_values,
    project_values,
)
from itpm_sync.reconcile.portfolio import (
    Register,
    cost_index,
    is_register,
    register,
    time_index,
)
from itpm_sync.reconcile.progress import (
    NO_BUDGET,
    Work,
    earned_share,
    package_state,
    plans,
    tallies,
    whole_project,
)
from itpm_sync.reconcile.scope import Scope, baseline_in_force, is_cancelled, is_done, scope_ledger
from itpm_sync.reconcile.status import (
    BaselineItem,
    BaselinePackage,
    Colour,
    CurvePoint,
    Inputs,
    PackageStatus,
    ProjectSetup,
    ProjectStatus,
    Rating,
    RecordedBaseline,
    Snapshot,
    Unallocated,
)
from itpm_sync.reconcile.unplaced import grouped, repeated, without_package
from itpm_sync.reconcile.workdays import Zone, week_ends

R = TypeVar("R", bound=Record)


def reconcile(inputs: Inputs, previous: Snapshot | None = None) -> Snapshot:
    """Reconcile the portfolio on `inputs.data_date`.

    Pure: the same inputs (in any order of records) give the same snapshot. `previous` is the
    snapshot before this one; it fills weeks of the S-curve that records cannot tell, and shows a
    plan that changed without a baseline. Raises ReconcileError for an unknown zone.
    """
    return _Reconciliation(inputs, previous).snapshot()


def freeze(
    inputs: Inputs, project: str
) -> tuple[tuple[BaselinePackage, ...], tuple[BaselineItem, ...]] | None:
    """The plan and the scope of a project as they are now, for a baseline to record.

    Budgets stay in their own currency. None if no project has that code.
    """
    setup = next((p for p in inputs.projects if fold(p.code) == fold(project)), None)
    if setup is None:
        return None
    run = _Reconciliation(inputs, None)
    records = run.allocation.of(setup.code)
    scope = run.scope(setup, records, None)
    packages = tuple(
        BaselinePackage(
            code=plan.code,
            name=plan.name,
            planned_start=plan.start,
            planned_finish=plan.finish,
            budget=plan.money,
            method=str(plan.method),
        )
        for plan in plans(records.of(WorkPackage), None, run.fx, setup.currency)
    )
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
    return packages, items


class _Reconciliation:
    """One run: what all projects share, computed once."""

    def __init__(self, inputs: Inputs, previous: Snapshot | None) -> None:
        self.inputs, self.policy, self.today = inputs, inputs.policy, inputs.data_date
        self.zone = Zone.of(inputs.zone)
        self.end = self.zone.end_of(self.today)
        self.records = {
            kind: sorted((r for r in found if self._is_known(r)), key=lambda r: r.id)
            for kind, found in inputs.records.items()
        }
        self.allocation: Allocation = allocate(inputs, self.records)
        self.fx = FxTable(self._of(FxRate))
        self.rates = RateCard(self._of(Rate), self._of(Person))
        self.documents = Documents(
            self._of(OrderLine),
            self._of(Receipt),
            self._of(InvoiceLine),
            self._of(Payment),
            self.fx,
            data_date=self.today,
        )
        self.contracts = ContractMoney(self.documents, self._of(InvoiceLine))
        self.paid: dict[str, list[Paid]] = defaultdict(list)
        for part in self.documents.paid:
            self.paid[part.line.id].append(part)
        self.orphan_payments = {p.id for p in self.documents.orphan_payments}
        self.before = previous
        self.before_by_code = {p.code: p for p in previous.projects} if previous else {}

    def _of(self, kind: type[R]) -> list[R]:
        return [r for r in self.records.get(kind.kind, ()) if isinstance(r, kind)]

    def _is_known(self, record: Record) -> bool:  # noqa: PLR0911 - one line a kind
        """Whether the record existed, as far as its own dates tell, on the data date."""
        if isinstance(record, WorkItem | HelpDeskItem):
            return record.created_at is None or record.created_at < self.end
        if isinstance(record, TimeEntry):
            return record.on <= self.today
        if isinstance(record, InvoiceLine):
            return record.invoiced_on <= self.today
        if isinstance(record, OrderLine):
            return record.ordered_on is None or record.ordered_on <= self.today
        if isinstance(record, Receipt):
            return record.received_on <= self.today
        if isinstance(record, Payment):
            return record.paid_on <= self.today
        return True

    # ---- the portfolio --------------------------------------------------------------------------

    def snapshot(self) -> Snapshot:
        """Everything, in the order of the configured projects."""
        rows = _registers(self._of(Project))
        facts = [self._project(setup, row) for setup, row in self._setups(rows)]
        unallocated = self._nowhere()
        portfolio = PortfolioFacts(
            inputs=replace(self.inputs, records=self._as_tuples()),
            end=self.end,
            allocation=self.allocation,
            documents=self.documents,
            unallocated=unallocated,
            repeated=repeated(self.records),
            contracts=self._contract_facts(
                r for r in self.allocation.nowhere.get("contract", ()) if isinstance(r, Contract)
            ),
        )
        projects = tuple(self._status(f) for f in facts)
        return Snapshot(
            title=self.inputs.title,
            data_date=self.today,
            run=self.inputs.run,
            projects=projects,
            totals=portfolio_totals(projects),
            unallocated=unallocated,
            findings=portfolio_findings(portfolio),
            coverage=self.inputs.coverage,
        )

    def _as_tuples(self) -> Mapping[str, tuple[Record, ...]]:
        return {kind: tuple(found) for kind, found in self.records.items()}

    def _setups(
        self, rows: Mapping[str, Sequence[Register]]
    ) -> Iterable[tuple[ProjectSetup, Register | None]]:
        """Every project; a code that a register repeats gives one project a row.

        The first row (by identity) keeps the code, the next are `code (2)`, `code (3)`, ….
        """
        seen: set[str] = set()
        for setup in self.inputs.projects:
            if fold(setup.code) in seen:
                continue
            seen.add(fold(setup.code))
            found = rows.get(fold(setup.code), ())
            yield setup, found[0] if found else None
            for number, row in enumerate(found[1:], 2):
                yield _of_row(setup, row.record, f"{setup.code} ({number})"), row

    def _nowhere(self) -> tuple[Unallocated, ...]:
        kinds = (grouped(kind, self.allocation.nowhere.get(kind, ())) for kind in PLACED_KINDS)
        return tuple(group for groups in kinds for group in groups)

    # ---- one project ----------------------------------------------------------------------------

    def _project(self, setup: ProjectSetup, row: Register | None) -> ProjectFacts:
        records = self.allocation.of(setup.code)
        baseline = baseline_in_force(self.inputs.baselines, setup.code, self.today)
        scope = self.scope(setup, records, baseline)
        currency = _currency(setup, records, baseline, row)
        found = plans(records.of(WorkPackage), baseline, self.fx, currency)
        in_money = bool(currency) and any(p.money is not None for p in found)
        time = labour(records.of(TimeEntry), self.rates, self.fx, currency)
        work = Work(
            self.today,
            tallies(scope, self.end),
            _milestones(records),
            time.seconds,
            scope.members is not None,
        )
        book = self._ledger(currency, records)
        by_code = {fold(p.code): p for p in found}
        packages = [
            PackageFacts(
                plan,
                package_values(
                    plan,
                    work,
                    by_code,
                    self._actual(time.cost(plan.code), book.sum("invoiced", plan.code), in_money),
                    in_money=in_money,
                ),
                package_state(plan, work, earned_share(plan, work, by_code)),
            )
            for plan in found
        ]
        values = self._values(
            setup=setup,
            packages=packages,
            work=work,
            time=time,
            book=book,
            in_money=in_money,
            scope=scope,
        )
        numbers = indices(values, self.policy.eac_method)
        desk = help_desk(records.of(HelpDeskItem), records.of(TimeEntry), self.zone, self.today)
        before = self.before_by_code.get(setup.code)
        return ProjectFacts(
            setup=setup,
            policy=self.policy,
            data_date=self.today,
            end=self.end,
            zone=self.zone,
            currency=currency,
            in_money=in_money,
            records=records,
            baseline=baseline,
            packages=packages,
            work=work,
            values=values,
            numbers=numbers,
            ledger=book,
            labour=time,
            scope=scope,
            desk=desk,
            contracts=self._contract_facts(p.record for p in records.of(Contract)),
            register=row,
            documents=self.documents,
            unallocated=without_package(records, bool(found)),
            rating=Rating(dimension="overall", colour=Colour.GREY, reason=""),
            previous=before,
            previous_on=self.before.data_date if self.before else None,
        )

    def scope(
        self, setup: ProjectSetup, records: ProjectRecords, baseline: RecordedBaseline | None
    ) -> Scope:
        """The scope of a project against a baseline."""
        return scope_ledger(
            setup,
            records.of(WorkItem),
            self.allocation.gone_from(setup.code).of(WorkItem),
            records.of(ChangeRequest),
            baseline=baseline,
            zone=self.zone,
            data_date=self.today,
        )

    def _values(
        self,
        *,
        setup: ProjectSetup,
        packages: Sequence[PackageFacts],
        work: Work,
        time: Labour,
        book: Ledger,
        in_money: bool,
        scope: Scope,
    ) -> Values:
        ac = self._actual(time.total, book.totals["invoiced"], in_money)
        if packages or in_money:
            return project_values([(f.plan, f.values) for f in packages], ac, in_money=in_money)
        whole = whole_project(setup)
        if whole.dates_problem or not scope.current:
            return project_values([], ac, in_money=False)
        only = package_values(whole, work, {}, ac, in_money=False)
        note = "measured in items over the project's own dates: no work package is known"
        return replace(only, bac=replace(only.bac, note=note))

    def _actual(self, cost: Number, invoiced: Number, in_money: bool) -> Number:
        if not in_money:
            return unknown(NO_BUDGET)
        if not (self.records.get("time_entry") or self.records.get("invoice_line")):
            return unknown("no source of time entries or invoices is connected")
        return replace(total((cost, invoiced)), note="labour + invoices − credit notes")

    def _ledger(self, currency: str, records: ProjectRecords) -> Ledger:
        invoices = records.of(InvoiceLine)
        parts = [part for i in invoices for part in self.paid.get(i.record.id, ())]
        orphans = [p for p in records.of(Payment) if p.record.id in self.orphan_payments]
        return ledger(
            currency,
            self.documents,
            orders=records.of(OrderLine),
            invoices=invoices,
            paid=parts,
            payments=orphans,
            data_date=self.today,
        )

    def _contract_facts(self, contracts: Iterable[Contract]) -> tuple[ContractFacts, ...]:
        return tuple(contract_facts(c, self.contracts, self.policy, self.today) for c in contracts)

    def _status(self, facts: ProjectFacts) -> ProjectStatus:
        rated = self._ratings(facts)
        facts = replace(facts, rating=ratings.overall_rating(rated))
        setup, planned = facts.setup, [f.plan for f in facts.packages]
        before = facts.previous
        return ProjectStatus(
            code=setup.code,
            name=setup.name,
            stage=setup.stage,
            manager=setup.manager,
            sponsor=setup.sponsor,
            unit=facts.unit,
            planned_start=setup.start or min((p.start for p in planned if p.start), default=None),
            planned_finish=setup.finish
            or max((p.finish for p in planned if p.finish), default=None),
            declared_rating=setup.declared_rating,
            rating=facts.rating,
            ratings=rated,
            figures=project_figures(facts, self._has),
            packages=tuple(self._package_status(facts, f) for f in facts.packages),
            curve=self._curve(facts, before),
            burnup=facts.scope.burnup,
            scope_changes=facts.scope.changes,
            contracts=tuple(c.status for c in facts.contracts),
            help_desk=facts.desk.status if facts.desk else None,
            unallocated=tuple(facts.unallocated),
            findings=project_findings(facts),
            risks=_risks(facts),
        )

    def _has(self, kind: str) -> bool:
        return bool(self.records.get(kind))

    def _package_status(self, facts: ProjectFacts, f: PackageFacts) -> PackageStatus:
        return PackageStatus(
            code=f.plan.code,
            name=f.plan.name,
            team=f.plan.team,
            method=str(f.plan.method),
            planned_start=f.plan.start,
            planned_finish=f.plan.finish,
            state=f.state,
            figures=package_figures(facts, f, self._has),
        )

    def _curve(self, facts: ProjectFacts, before: ProjectStatus | None) -> tuple[CurvePoint, ...]:
        pairs = [(f.plan, f.values) for f in facts.packages]
        if not pairs and not facts.in_money and facts.values.bac.value is not None:
            pairs = [(whole_project(facts.setup), facts.values)]
        counted = frozenset(p.code for p, _ in pairs if is_counted(p, in_money=facts.in_money))
        history = done_history(facts.scope, self.end, counted)
        if facts.in_money and facts.values.ac.value is not None:
            history = replace(history, spent=_spent(facts))
        earlier = before.curve if before is not None and before.unit == facts.unit else ()
        return curve(
            pairs,
            facts.values,
            facts.work,
            history,
            self.zone,
            earlier=earlier,
            in_money=facts.in_money,
        )

    # ---- ratings --------------------------------------------------------------------------------

    def _ratings(self, facts: ProjectFacts) -> tuple[Rating, ...]:
        row, policy = facts.register, self.policy
        time = ratings.index_rating("time", "SPI", facts.numbers["spi"], policy)
        cost = ratings.cost_rating(facts.numbers, policy)
        if row is not None and not facts.packages:
            time = ratings.index_rating(
                "time", "planned ÷ actual duration", time_index(row), policy
            )
            cost = ratings.index_rating("cost", "planned ÷ actual cost", cost_index(row), policy)
        now, earlier = self._open_defects(facts)
        within = facts.desk.within if facts.desk else unknown("no help-desk items")
        risks = [p.record for p in facts.records.of(Risk)]
        reserve = facts.setup.management_reserve
        return (
            time,
            cost,
            ratings.scope_rating(facts.scope, policy),
            ratings.quality_rating(within, now, earlier, policy),
            ratings.risk_rating(
                risks,
                self._exposure(risks, facts.currency),
                self._converted(reserve, facts.currency) if reserve else unknown("none"),
                facts.values.bac if facts.in_money else unknown("measured in items"),
                self.today,
            ),
        )

    def _open_defects(self, facts: ProjectFacts) -> tuple[int, int]:
        """Open defects now and four weeks ago."""
        defects = [p.record for p in facts.records.of(WorkItem) if p.record.type is ItemType.DEFECT]
        ago = self.zone.end_of(week_ends(self.today, 5)[0])
        return _open_at(defects, self.end), _open_at(defects, ago)

    def _exposure(self, risks: Sequence[Risk], currency: str) -> Number:
        found = [e for r in risks if ratings.is_open_risk(r) and (e := ratings.exposure(r))]
        if not found:
            return unknown("no open risk has both a probability and an impact")
        return total(self._converted(m, currency) for m in found)

    def _converted(self, money: Money, currency: str) -> Number:
        if not currency:
            return unknown("the project has no currency")
        return self.fx.convert(money, currency, self.today)


# ---- small decisions ----------------------------------------------------------------------------


def _registers(records: Sequence[Project]) -> Mapping[str, Sequence[Register]]:
    """Register rows by folded code, those of the first connection and stream that has any.

    Two sources that know one project are not two projects; two rows of one register are.
    """
    found: dict[str, list[Register]] = defaultdict(list)
    for record in records:
        if not is_register(record):
            continue
        rows = found[fold(record.code)]
        source = (record.ref.connection, record.ref.stream)
        if not rows or source == (rows[0].record.ref.connection, rows[0].record.ref.stream):
            rows.append(register(record))
    return found


def _of_row(setup: ProjectSetup, record: Project, code: str) -> ProjectSetup:
    return replace(
        setup,
        code=code,
        name=record.name,
        stage=record.stage,
        manager=record.manager,
        sponsor=record.sponsor,
        currency=record.currency or setup.currency,
        start=record.planned_start,
        finish=record.planned_finish,
        declared_rating=record.declared_rating,
    )


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


def _spent(facts: ProjectFacts) -> Sequence[tuple[date, Fraction]]:
    """Cost by day; every part is known, or AC would not be."""
    days: dict[date, Fraction] = defaultdict(Fraction)
    for booked in facts.labour.booked:
        days[booked.on] += booked.cost.value or 0
    for entry in facts.ledger.entries:
        if entry.state == "invoiced":
            days[entry.on] += entry.amount.value or 0
    return sorted(days.items())


def _open_at(items: Sequence[WorkItem], end: datetime) -> int:
    return sum(
        (i.created_at is None or i.created_at < end)
        and not is_done(i, end)
        and not is_cancelled(i, end)
        for i in items
    )


def _risks(facts: ProjectFacts) -> tuple[tuple[str, str, str], ...]:
    """Open risks, the largest exposure first."""
    rows = []
    for risk, _, _ in facts.records.of(Risk):
        if ratings.is_open_risk(risk):
            exposed = ratings.exposure(risk)
            text = f"{show(Fraction(exposed.amount))} {exposed.currency}" if exposed else "n/a"
            size = Fraction(exposed.amount) if exposed else Fraction(-1)
            rows.append((-size, risk.code, risk.title, text))
    return tuple((code, title, text) for _, code, title, text in sorted(rows))
