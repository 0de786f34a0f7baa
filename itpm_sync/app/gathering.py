"""What a reconciliation depends on, gathered from store and configuration into frozen inputs.

A connection that is configured no more takes part in nothing; its records stay in the store.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from itpm_sync.app.baseline_lines import recorded
from itpm_sync.app.coverage import coverage_of, never_read, read_empty
from itpm_sync.app.past_day import configured, existing, quarantined
from itpm_sync.app.session import Session
from itpm_sync.config import Config, Duplicates, Root, WorkingCalendar, gate_criteria
from itpm_sync.config.settings import WEEKDAYS
from itpm_sync.model import KINDS, Money, Project, Stage
from itpm_sync.reconcile.choices import (
    CapacityChoices,
    Decision,
    DuplicateChoices,
    PersonChoices,
)
from itpm_sync.reconcile.decisions import Criterion, GateAct, GateRules, Override, Seen, Waiver
from itpm_sync.reconcile.inputs import (
    Coverage,
    Inputs,
    Policy,
    ProjectSetup,
    Rejected,
    Rule,
)
from itpm_sync.reconcile.workdays import Calendar
from itpm_sync.store import Store

_LOOKED_UP = 1_000  # records in quarantine whose project is looked for in what is stored of them


def inputs(session: Session, data_date: date) -> Inputs:
    """Everything that the reconciliation of `data_date` depends on."""
    root, store = session.config.root, session.store
    as_of = moment_of(session, data_date)
    found = existing(session, data_date, as_of)
    live = dict(found.records)
    plan_from = root.plan_from
    if plan_from:
        packages = live["work_package"]
        live["work_package"] = tuple(p for p in packages if p.ref.connection in plan_from)
    later = store.first_known_after("work_package", as_of) if as_of else frozenset[str]()
    discovered = [
        p
        for p in live["project"]
        if isinstance(p, Project) and p.ref.connection in root.discover_projects
    ]
    live["project"] = tuple(discovered)
    proved = coverage_of(session, as_of, found.added)
    return Inputs(
        title=root.title,
        data_date=data_date,
        zone=root.timezone,
        projects=_setups(session.config, discovered),
        rules=tuple(
            Rule(
                name=r.name or f"rule {i}",
                when=r.when,
                project=r.project,
                work_package=r.work_package,
            )
            for i, r in enumerate(root.allocation, start=1)
        ),
        records=live,
        progress_unknown=later,
        gone={kind: configured(session, store.gone(kind, as_of=as_of)) for kind in KINDS},
        baselines=tuple(recorded(b) for b in store.outcome.baselines() if b.on <= data_date),
        coverage=proved,
        never_read=never_read(session),
        read_empty=read_empty(session, proved, live),
        rejected=_with_kinds(session, rejected(session, as_of)),
        scopes=_scopes(session, proved),
        policy=Policy(**root.thresholds.model_dump()),
        waivers=tuple(Waiver(**w.model_dump()) for w in root.waivers),
        overrides=tuple(Override(**o.model_dump()) for o in root.overrides),
        gates=GateRules(
            criteria=tuple(
                Criterion(**{**c.model_dump(), "gate": Stage(c.gate)})
                for c in gate_criteria(root.gates)
            ),
            priority_one=root.gates.priority_one,
        ),
        acts=tuple(
            GateAct(**{f.name: getattr(r, f.name) for f in fields(GateAct)})
            for r in store.outcome.gate_records()
            if r.on <= data_date
        ),
        seen={
            key: Seen(first=first, since=since)
            for key, (first, since) in store.outcome.finding_spans(data_date).items()
        },
        duplicates=_duplicates(root.duplicates),
        capacity=_capacity(root),
        run=_last_pull(store),
    )


def rejected(session: Session, moment: datetime | None = None) -> tuple[Rejected, ...]:
    """The records and values that the configured connections could not give, now or at a moment."""
    names = [f.name for f in fields(Rejected) if f.name not in ("kinds", "scope")]
    found = quarantined(session, moment)
    return tuple(Rejected(**{name: getattr(r, name) for name in names}) for r in found)


def _with_kinds(session: Session, found: Sequence[Rejected]) -> tuple[Rejected, ...]:
    """The same with what their streams give; mappings are looked at only where there are such."""
    connections, kinds = session.config.connections, session.mappings.kinds
    given = {
        (name, stream): frozenset(kinds(connections[name], stream))
        for name, stream in {(r.connection, r.stream) for r in found}
    }
    told = (replace(r, kinds=given[r.connection, r.stream]) for r in found)
    return tuple(
        replace(r, scope=_scope_of(session, r)) if n < _LOOKED_UP else r for n, r in enumerate(told)
    )


def _scopes(session: Session, proved: Sequence[Coverage]) -> Mapping[str, str]:
    """The scopes of the records of streams of which some scopes were read whole and some not."""
    whole = {(c.connection, c.stream) for c in proved if c.complete}
    partly = whole & {(c.connection, c.stream) for c in proved if not c.complete}
    found: dict[str, str] = {}
    for name, stream in sorted(partly):
        kinds = session.mappings.kinds(session.config.connections[name], stream)
        found |= session.store.scopes(kinds, name, stream)
    return found


def _scope_of(session: Session, one: Rejected) -> str:
    """Under what the source listed a record; empty where none of it is stored."""
    if one.soft or not one.source_id:
        return ""
    raw = session.store.raw_record(one.connection, one.stream, one.source_id)
    return raw.raw.scope if raw is not None else ""


def _duplicates(block: Duplicates) -> DuplicateChoices:
    given = block.model_dump(exclude={"decisions"}, exclude_none=True)
    decisions = tuple(
        Decision(
            pair=d.pair, same=d.verdict == "confirmed", author=d.author, on=d.on, reason=d.reason
        )
        for d in block.decisions
    )
    return DuplicateChoices(**given, decisions=decisions)


def _capacity(root: Root) -> CapacityChoices:
    people = tuple(
        PersonChoices(
            calendar=calendar(root.calendar, p.calendar) if p.calendar else None,
            **p.model_dump(exclude={"calendar"}),
        )
        for p in root.people
    )
    own = calendar(root.calendar)
    return CapacityChoices(**root.capacity.model_dump(), calendar=own, people=people)


def _last_pull(store: Store) -> str:
    """The latest run that read sources. Its id stands in the snapshot: figures name their run."""
    return next((r.id for r in store.runs() if "connections" in r.counts), "")


def moment_of(session: Session, data_date: date) -> datetime | None:
    """The moment whose records a data date speaks of; None: those of now."""
    zone = session.config.root.timezone
    return None if data_date >= session.today() else end_of(data_date, zone)


def end_of(day: date, zone: str) -> datetime:
    """The last moment of a day in a zone, in UTC."""
    return datetime(day.year, day.month, day.day, 23, 59, 59, 999999, ZoneInfo(zone)).astimezone(
        UTC
    )


def _setups(config: Config, discovered: Iterable[Project]) -> tuple[ProjectSetup, ...]:
    """Configured projects first; a discovered one with the same code only adds what is missing."""
    root = config.root
    setups = {
        p.code: ProjectSetup(
            code=p.code,
            name=p.name or p.code,
            stage=p.stage,
            manager=p.manager,
            sponsor=p.sponsor,
            operations_owner=p.operations_owner or root.gates.operations_owner,
            currency=p.currency or root.currency,
            start=p.start,
            finish=p.finish,
            declared_rating=p.declared_rating,
            baseline_on=p.baseline_on,
            management_reserve=_amount(p.management_reserve, p.currency or root.currency),
            undistributed_budget=_amount(p.undistributed_budget, p.currency or root.currency),
            budget_base=_amount(p.budget_base, p.currency or root.currency),
            calendar=calendar(root.calendar, p.calendar),
        )
        for p in root.projects
    }
    for found in discovered:
        setups.setdefault(
            found.code,
            ProjectSetup(
                code=found.code,
                name=found.name,
                stage=found.stage,
                manager=found.manager,
                sponsor=found.sponsor,
                operations_owner=root.gates.operations_owner,
                currency=found.currency or root.currency,
                start=found.planned_start,
                finish=found.planned_finish,
                declared_rating=found.declared_rating,
                calendar=calendar(root.calendar),
            ),
        )
    return tuple(setups.values())


def calendar(*layers: WorkingCalendar) -> Calendar:
    """The working calendar: of the portfolio, then of the project. The later goes before."""
    week: Mapping[str, Decimal] | None = None
    days: dict[date, Fraction | int] = {}
    for layer in layers:
        week = {str(d): s for d, s in layer.week.items()} if layer.week else week
        days |= dict.fromkeys(layer.holidays, 0)
        days |= {day: Fraction(share) for day, share in layer.part_days.items()}
    return Calendar.of((Fraction(week.get(d, 0)) for d in WEEKDAYS) if week else (), days)


def _amount(amount: Any, currency: str) -> Money | None:
    return Money(amount, currency) if amount is not None and currency else None
