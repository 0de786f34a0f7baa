"""The facts of a project as its status: figures, ratings, curve, findings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from fractions import Fraction

from itpm_sync.model import Risk
from itpm_sync.reconcile import effort, ratings
from itpm_sync.reconcile.baselines import last_finish
from itpm_sync.reconcile.checks import gate_findings, project_findings, sorted_findings
from itpm_sync.reconcile.checks.gates import GateReview
from itpm_sync.reconcile.context import Context
from itpm_sync.reconcile.facts import PackageFacts, ProjectFacts
from itpm_sync.reconcile.figures import in_budget_currency, package_figures, project_figures
from itpm_sync.reconcile.folding import fold
from itpm_sync.reconcile.gates import GateFacts, gate_statuses, next_gate
from itpm_sync.reconcile.inputs import RecordedBaseline
from itpm_sync.reconcile.number import unknown
from itpm_sync.reconcile.outages import told_of
from itpm_sync.reconcile.performance import curve
from itpm_sync.reconcile.portfolio import cost_index, time_index
from itpm_sync.reconcile.risks import exposure_trend
from itpm_sync.reconcile.status import (
    BaselineVersion,
    Figure,
    Finding,
    GateStatus,
    PackageStatus,
    ProjectStatus,
    Rating,
)
from itpm_sync.reconcile.waiving import unwaived


def project_status(
    run: Context, facts: ProjectFacts, shared: Sequence[Finding] = ()
) -> ProjectStatus:
    """What is said of a project; `shared` are findings of the portfolio that are all its own."""
    computed = _ratings(run, facts)
    facts = rated(run, facts, computed)
    decided = [o for o in run.inputs.overrides if fold(o.project) == fold(facts.code)]
    given = tuple(ratings.overridden(r, decided, run.today) for r in computed)
    overall = ratings.overridden(ratings.overall_rating(given), decided, run.today)
    found = (*project_findings(facts), *shared)
    gates = project_gates(run, facts, found, whole=False)
    coming = next_gate(gates, facts.setup.stage)
    review = GateReview(project=facts.code, stage=facts.setup.stage, gates=gates)
    setup, planned = facts.setup, [f.plan for f in facts.packages]
    own = in_budget_currency(facts, run.tells)
    return ProjectStatus(
        code=setup.code,
        name=setup.name,
        stage=setup.stage,
        manager=setup.manager,
        sponsor=setup.sponsor,
        unit=facts.unit,
        planned_start=setup.start or min((p.start for p in planned if p.start), default=None),
        planned_finish=setup.finish or max((p.finish for p in planned if p.finish), default=None),
        declared_rating=setup.declared_rating,
        rating=overall,
        ratings=given,
        figures=project_figures(facts, run.tells),
        packages=tuple(
            _package_status(run, facts, f, own.get(f.plan.code, {})) for f in facts.packages
        ),
        curve=curve(facts.past, facts.values, earlier=facts.earlier),
        burnup=facts.scope.burnup,
        scope_changes=facts.scope.changes,
        contracts=tuple(c.status for c in facts.contracts),
        help_desk=facts.desk.status if facts.desk else None,
        unallocated=tuple(facts.unallocated),
        findings=sorted_findings((*found, *gate_findings(review))),
        risks=_risks(facts),
        exposures=exposure_trend(
            facts.exposure.number, facts.previous, facts.previous_on, facts.currency, run.today
        ),
        defect_weeks=facts.quality.weeks,
        effort=effort.statuses(facts.effort),
        baselines=tuple(_versions(facts)),
        gates=tuple(replace(g, criteria=()) for g in gates),
        next_gate=coming,
        cost_lacks=facts.cost_lacks if facts.in_money else (),
        plan_read=facts.plan_read,
        quarantined=tuple(run.quarantined.get(facts.code, ())),
        unread=tuple(_unread(run, facts)),
    )


def _unread(run: Context, facts: ProjectFacts) -> Iterator[str]:
    told = (told_of(outage, facts.code, run.inputs.zone) for outage in run.outages)
    yield from filter(None, told)


def _versions(facts: ProjectFacts) -> Iterator[BaselineVersion]:
    """The original baseline, and the one in force where it is another."""
    if facts.original is None or facts.baseline is None:
        return
    yield _version(facts.original.baseline, facts.original.finish)
    if facts.baseline.version != facts.original.baseline.version:
        yield _version(facts.baseline, last_finish(facts.counted))


def _version(baseline: RecordedBaseline, finish: date | None) -> BaselineVersion:
    return BaselineVersion(
        version=baseline.version,
        on=baseline.on,
        author=baseline.author,
        approval=baseline.approval,
        change_request=baseline.change_request,
        finish=finish,
    )


def rated(
    run: Context, facts: ProjectFacts, computed: Sequence[Rating] | None = None
) -> ProjectFacts:
    """The facts with the overall rating by the figures, which checks compare with."""
    parts = _ratings(run, facts) if computed is None else computed
    return replace(facts, rating=ratings.overall_rating(parts))


def project_gates(
    run: Context, facts: ProjectFacts, findings: Sequence[Finding], *, whole: bool = True
) -> tuple[GateStatus, ...]:
    """The gates of a project, see `gate_statuses`; `findings` are all of the project."""
    inputs, code = run.inputs, fold(facts.code)
    return gate_statuses(
        GateFacts(
            facts=facts,
            rules=inputs.gates,
            acts=run.acts.get(code, ()),
            recorded=run.approvals.get(code, ()),
            findings=unwaived(findings, inputs),
            paid=run.paid,
            has=run.has,
        ),
        whole=whole,
    )


def _package_status(
    run: Context, facts: ProjectFacts, f: PackageFacts, own: Mapping[str, Figure]
) -> PackageStatus:
    return PackageStatus(
        code=f.plan.code,
        name=f.plan.name,
        team=f.plan.team,
        method=str(f.plan.method),
        planned_start=f.plan.start,
        planned_finish=f.plan.finish,
        state=f.state,
        figures=package_figures(facts, f, run.tells),
        in_budget_currency=own,
    )


# ---- ratings ------------------------------------------------------------------------------------


def _ratings(run: Context, facts: ProjectFacts) -> tuple[Rating, ...]:
    row, policy = facts.register, facts.policy
    time = ratings.index_rating("time", "SPI", facts.numbers["spi"], policy)
    cost = ratings.cost_rating(facts.numbers, facts.currency, policy)
    if row is not None and not facts.packages:
        time = ratings.index_rating("time", "Planned ÷ actual duration", time_index(row), policy)
        cost = ratings.index_rating("cost", "Planned ÷ actual cost", cost_index(row), policy)
    within = facts.desk.within if facts.desk else unknown("no help-desk items")
    risks = [p.record for p in facts.records.of(Risk)]
    reserve = facts.setup.management_reserve
    booked = sum(facts.labour.seconds.values())
    unplanned = effort.unplanned_numbers(facts.unplanned_s, booked, facts.scope)
    return (
        time,
        cost,
        ratings.scope_rating(facts.scope, unplanned["unplanned_ratio_percent"], policy),
        ratings.quality_rating(within, facts.quality, policy),
        ratings.risk_rating(
            risks,
            facts.exposure.number,
            run.converted(reserve, facts.currency) if reserve else unknown("none"),
            facts.values.bac if facts.in_money else unknown("measured in items"),
            policy,
            currency=facts.currency,
            today=facts.data_date,
        ),
    )


def _risks(facts: ProjectFacts) -> tuple[tuple[str, str, str], ...]:
    """Open risks, the largest exposure first."""
    rows = []
    for risk, _, _ in facts.records.of(Risk):
        if ratings.is_open_risk(risk):
            exposed = ratings.exposure(risk)
            text = str(exposed) if exposed else "n/a"
            size = Fraction(exposed.amount) if exposed else Fraction(-1)
            rows.append((-size, risk.code, risk.title, text))
    return tuple((code, title, text) for _, code, title, text in sorted(rows))
