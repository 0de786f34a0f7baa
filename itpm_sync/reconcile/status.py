"""What a reconciliation gives: frozen values, nothing else.

A `Snapshot` holds everything that a report or a published status may say. The same `inputs` give
the same snapshot, and the same snapshot the same bytes (`to_json`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum

from pydantic import TypeAdapter

from itpm_sync.model import Money, Stage
from itpm_sync.reconcile.decisions import Override, Waiver
from itpm_sync.reconcile.inputs import Coverage


class Colour(StrEnum):
    """A rating. Grey is unknown and never becomes green."""

    GREEN = "green"
    AMBER = "amber"
    RED = "red"
    GREY = "grey"


class Severity(StrEnum):
    """How much a finding matters."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A number with its unit, or None with the reason. Unrounded: rounding is for output.

    Units: an ISO 4217 currency, `items`, `points`, `ratio`, `percent` (0..100), `s`, `days`,
    `weeks` (of the working days of the project's calendar, five unless configured).
    """

    name: str
    label: str
    value: Decimal | None
    unit: str
    reason: str = ""  # why there is no value
    note: str = ""  # how it was made: `BAC / CPI`, `measured in items: no budget`


@dataclass(frozen=True, slots=True, kw_only=True)
class Rating:
    """A colour for one dimension (time, cost, scope, quality, risk, overall) and why.

    Where a person has overridden it, the reason begins with that, `computed` is the colour by the
    figures and `override` the decision. An overall rating that rests on an overridden dimension
    says so in its reason.
    """

    dimension: str
    colour: Colour
    reason: str
    computed: Colour | None = None
    override: Override | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A record behind a finding."""

    identity: str
    label: str
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A discrepancy, as a value. `key` is its identity across runs: its code and what it is about,
    never its amounts. A waived one is shown, but neither counted nor told as a problem. One that
    tells several of one cause at once has their keys in `stands_for`: they go on standing, untold.
    """

    code: str
    severity: Severity
    project: str  # empty: the portfolio
    subject: str  # what it is about: a package, a contract, a row; stable across runs
    message: str
    action: str
    amount: Money | None = None
    evidence: tuple[Evidence, ...] = ()
    since: date | None = None  # the data date from which it has been standing
    first_seen: date | None = None  # earlier than `since` where it was settled in between
    waiver: Waiver | None = None
    stands_for: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """`code/project/subject`."""
        return f"{self.code}/{self.project}/{self.subject}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CurvePoint:
    """One week's end of the S-curve, cumulative, in the project's unit; None: not known."""

    on: date
    pv: Decimal | None
    ev: Decimal | None
    ac: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BurnPoint:
    """One week's end of the scope burn-up, in items."""

    on: date
    scope: int
    done: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeChange:
    """An item added to or removed from the baseline's scope.

    Where that came about by a split or a merge, `by` says so, with the keys of what it was made
    of and of what was made of it; `size_kept`, whether those are of one size (None: not known).
    """

    change: str  # added, removed
    identity: str
    key: str
    title: str
    work_package: str
    on: date | None
    approved_by: str  # number of the approved change request, or empty
    url: str | None = None
    by: str = ""  # split, merged
    origins: tuple[str, ...] = ()
    results: tuple[str, ...] = ()
    size_kept: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageStatus:
    """A work package on the data date. `figures` by name: bac, pv, ev, ac, cv, sv, cpi, spi, eac,
    percent, budget, committed, invoiced, paid, items, items_done, effort_s.

    `in_budget_currency`: budget, ordered, committed, invoiced and paid in the currency of the
    budget, where that is not the project's; else empty. Only there can they be compared: in the
    project's the budget is at the rate of the baseline, and each document at that of its own day.
    """

    code: str
    name: str
    team: str
    method: str
    planned_start: date | None
    planned_finish: date | None
    state: str  # not started, in progress, done, late
    figures: Mapping[str, Figure]
    in_budget_currency: Mapping[str, Figure] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractStatus:
    """A contract against its ceiling and its clock.

    `committed` is what is ordered and open, `accrued` what is received and not invoiced.
    """

    identity: str
    number: str
    title: str
    vendor: str
    ceiling: Money | None
    committed: Money | None
    invoiced: Money | None
    start: date | None
    end: date | None
    notice_deadline: date | None
    burn: Figure  # ratio of value used to time elapsed
    colour: Colour
    reason: str
    url: str | None = None
    accrued: Money | None = None  # None: not known, as in snapshots that did not keep it

    @property
    def used(self) -> Money | None:
        """What counts against the ceiling: invoiced, and received and not invoiced; None: n/a."""
        if self.invoiced is None or self.accrued is None:
            return None
        return self.invoiced + self.accrued

    @property
    def left(self) -> Money | None:
        """Ceiling − used, below 0 where it is overrun; None: n/a."""
        if self.ceiling is None or self.used is None:
            return None
        return self.ceiling - self.used


@dataclass(frozen=True, slots=True, kw_only=True)
class HelpDeskWeek:
    """Load of one week."""

    monday: date
    opened: int
    resolved: int
    open_at_end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DefectWeek:
    """The defects of one week."""

    monday: date
    opened: int
    closed: int
    reopened: int
    open_at_end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EffortGroup:
    """Effort estimated and spent of the done items of one priority or type. `figures` by name:
    effort_estimated_s, effort_spent_s, effort_variance_s, effort_variance_percent.
    """

    by: str  # priority, type
    name: str  # in the source's words; `none`: it has none
    items: int
    figures: Mapping[str, Figure]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExposurePoint:
    """The risk exposure of a snapshot, in the project's currency; None: n/a then."""

    on: date
    amount: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HelpDeskStatus:
    """Load and service levels of the help desk for a project, on the data date."""

    open_now: int
    open_by_priority: tuple[tuple[str, int], ...]
    response_breaches: int  # of the items still open or closed in the last 7 days
    resolve_breaches: int
    within_sla: Figure  # share of items with a target that met it, last 28 days, percent
    weeks: tuple[HelpDeskWeek, ...]
    effort: Figure  # seconds booked in the last 7 days


class Answer(StrEnum):
    """Whether a criterion of a gate is met. Failed: the sources say no. Missing: nobody said."""

    MET = "met"
    FAILED = "failed"
    MISSING = "missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class CriterionStatus:
    """A criterion of a gate on the data date."""

    id: str
    text: str
    mandatory: bool
    answer: Answer
    told: str  # what was found, or who attested it and when
    by_sources: bool  # whether the sources told it; nobody can attest what they tell
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GateStatus:
    """A gate of a project on the data date. A snapshot keeps the criteria of the next gate only."""

    gate: Stage
    criteria: tuple[CriterionStatus, ...]
    approved_by: str = ""  # empty: not approved
    approved_on: date | None = None
    note: str = ""
    despite: str = ""
    owner: str = ""

    @property
    def missing(self) -> tuple[CriterionStatus, ...]:
        """The mandatory criteria that are not met."""
        return tuple(c for c in self.criteria if c.mandatory and c.answer is not Answer.MET)


@dataclass(frozen=True, slots=True, kw_only=True)
class MissedRule:
    """An allocation rule that records match, themselves or what they hang on, and whose work
    packages their project does not have.
    """

    rule: str
    work_packages: tuple[str, ...]  # the first ten by name
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Unallocated:
    """Records of a kind that no rule placed: shown, never dropped.

    `named` are the codes that they give as their project, or as their work package where the
    project is known, and that nobody has: the first ten by how many records give them.
    """

    kind: str
    count: int
    amount: Money | None
    duration_s: int | None
    examples: tuple[Evidence, ...]
    missed: tuple[MissedRule, ...] = ()
    cost: Money | None = None  # of time, at its rates, in the project's currency; None: not known
    named: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineVersion:
    """The header of a recorded baseline, and the last finish that it plans."""

    version: int
    on: date
    author: str
    approval: str
    change_request: str
    finish: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantined:
    """A record, or a value of one, that cannot be used: in no figure until it is mended."""

    name: str  # what people call it, else its id at its source
    source: str  # connection and stream
    message: str  # where it stands, what was expected and found
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectStatus:
    """A project on the data date.

    `figures` by name: bac, pv, ev, ac, cv, sv, cpi, spi, eac, etc, vac, percent, budget, committed,
    received, invoiced, paid, labour, items, items_done, baseline_items, added, removed, creep.
    `unit` is the currency, or `items` where no budget is known.
    """

    code: str
    name: str
    stage: Stage
    manager: str
    sponsor: str
    unit: str
    planned_start: date | None
    planned_finish: date | None
    declared_rating: str
    rating: Rating
    ratings: tuple[Rating, ...]
    figures: Mapping[str, Figure]
    packages: tuple[PackageStatus, ...]
    curve: tuple[CurvePoint, ...]
    burnup: tuple[BurnPoint, ...]
    scope_changes: tuple[ScopeChange, ...]
    contracts: tuple[ContractStatus, ...]
    help_desk: HelpDeskStatus | None
    unallocated: tuple[Unallocated, ...]
    findings: tuple[Finding, ...]
    risks: tuple[tuple[str, str, str], ...] = ()  # code, title, exposure as text
    exposures: tuple[ExposurePoint, ...] = ()  # of earlier snapshots and of this one, ascending
    defect_weeks: tuple[DefectWeek, ...] = ()
    effort: tuple[EffortGroup, ...] = ()  # by priority, then by type
    baselines: tuple[BaselineVersion, ...] = ()  # the original, and the one in force where another
    gates: tuple[GateStatus, ...] = ()
    next_gate: GateStatus | None = None  # the first not approved, from the project's stage on
    cost_lacks: tuple[str, ...] = ()  # what AC is without: see `unread`
    plan_read: date | None = None  # first, after the data date: that reading stands for the plan
    quarantined: tuple[Quarantined, ...] = ()  # those that are known to be the project's
    unread: tuple[str, ...] = ()  # which sources were not read, and what of it rests on them


@dataclass(frozen=True, slots=True, kw_only=True)
class WeekLoad:
    """A person's week, in seconds."""

    monday: date
    load_s: Decimal | None  # None: nothing is estimated
    capacity_s: Decimal
    over: bool  # beyond what is tolerated


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonLoad:
    """A person's load in the weeks to come, against their capacity."""

    name: str
    team: str
    skills: tuple[str, ...]
    weeks: tuple[WeekLoad, ...]
    unestimated: int  # items whose effort nobody knows


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The frozen result of a reconciliation."""

    title: str
    data_date: date
    run: str
    projects: tuple[ProjectStatus, ...]
    totals: tuple[Figure, ...]  # portfolio sums, one per currency and figure: never across
    unallocated: tuple[Unallocated, ...]  # what belongs to no project at all
    findings: tuple[Finding, ...]  # of the portfolio, not of one project
    coverage: tuple[Coverage, ...]
    people: tuple[PersonLoad, ...] = ()  # to whom open work is assigned
    zone: str = "UTC"  # of the office: IANA name

    @property
    def all_findings(self) -> tuple[Finding, ...]:
        """The findings of the portfolio, then those of its projects; waived ones too."""
        return (*self.findings, *(f for p in self.projects for f in p.findings))

    @property
    def standing(self) -> frozenset[str]:
        """The keys of all that stands: of its findings, and of those that they stand for."""
        return frozenset(key for f in self.all_findings for key in (f.key, *f.stands_for))


_SNAPSHOT: TypeAdapter[Snapshot] = TypeAdapter(Snapshot)


def to_json(snapshot: Snapshot) -> bytes:
    """Canonical bytes: the same snapshot gives the same bytes."""
    return _SNAPSHOT.dump_json(snapshot)


def from_json(data: bytes) -> Snapshot:
    """The snapshot that `to_json` wrote."""
    return _SNAPSHOT.validate_json(data)
