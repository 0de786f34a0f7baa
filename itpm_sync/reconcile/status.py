"""What a reconciliation takes and what it gives: frozen values, nothing else.

`Inputs` hold everything that a figure may depend on, also today's date (`data_date`) and the rules;
`Snapshot` everything that a report or a published status may say. The same inputs give the same
snapshot, and the same snapshot the same bytes (`to_json`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from pydantic import TypeAdapter

from itpm_sync.model import Money, Record, Stage
from itpm_sync.reconcile.choices import CapacityChoices, DuplicateChoices
from itpm_sync.reconcile.decisions import GateAct, GateRules, Override, Seen, Waiver
from itpm_sync.reconcile.workdays import STANDARD, Calendar

# ---- what goes in -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectSetup:
    """A project of the portfolio, as configured or discovered in a source.

    `baseline_on` freezes the scope from the tickets' own creation times where no baseline was
    recorded: an item belongs to the baseline if it existed at the end of that day.
    """

    code: str
    name: str
    stage: Stage = Stage.EXECUTION
    manager: str = ""
    sponsor: str = ""
    currency: str = ""  # empty: no money is known; progress is measured in items
    start: date | None = None
    finish: date | None = None
    declared_rating: str = ""
    baseline_on: date | None = None
    management_reserve: Money | None = None
    undistributed_budget: Money | None = None
    budget_base: Money | None = None  # authorised in all; None: what the original baseline held
    calendar: Calendar = STANDARD
    operations_owner: str = ""  # to whom closing hands over


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One allocation rule: what matches all of `when` belongs to `project` and `work_package`.

    Keys of `when`: kind, connection, project, component, label, epic, version, sprint, type, queue,
    category, vendor, contract, order, work_package, or any attribute; values are matched whole,
    ignoring case, `*` and `?` as wildcards, a tuple is any of them. Targets may refer to the
    record's own words: `{project}`, `{version}`, `{component}`, `{epic}`, `{cost_code}`, ….
    """

    name: str
    when: Mapping[str, tuple[str, ...]]
    project: str = ""
    work_package: str = ""


class Element(StrEnum):
    """What a line of a plan is, in the hierarchy of the contract budget base.

    Contract budget base = performance measurement baseline + management reserve; performance
    measurement baseline (BAC) = work packages + planning packages + undistributed budget.
    """

    WORK = "work_package"
    PLANNING = "planning_package"  # budgeted and time-phased, not yet broken down: earns nothing
    UNDISTRIBUTED = "undistributed_budget"  # authorised, not yet in packages: not time-phased
    RESERVE = "management_reserve"  # outside of BAC, PV and EV


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """A part of a package that is planned evenly over the working time of its days."""

    start: date
    finish: date
    weight: Decimal  # an amount or seconds: only its share of the package's phases counts


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselinePackage:
    """A work package, or another element of the plan, as a recorded baseline froze it.

    Without `phases` it is planned evenly from start to finish.
    """

    code: str
    name: str
    planned_start: date | None
    planned_finish: date | None
    budget: Money | None
    method: str
    planned_effort_s: int | None = None
    element: Element = Element.WORK
    phases: tuple[Phase, ...] = ()
    own_budget: bool = False  # nothing of its budget is that of packages below it


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineItem:
    """A scope item as a recorded baseline froze it."""

    identity: str
    key: str
    title: str
    work_package: str
    points: Decimal | None
    estimate_s: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineMilestone:
    """A milestone as a recorded baseline froze it."""

    code: str
    name: str
    planned: date
    work_package: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineRate:
    """An exchange rate as a recorded baseline froze it: one unit of `currency` in `base`, as quoted
    on a day: the latest on or before the baseline's own, else the earliest after it.
    """

    currency: str
    base: str
    on: date
    rate: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class FrozenPlan:
    """What a baseline is about to record."""

    packages: tuple[BaselinePackage, ...]
    items: tuple[BaselineItem, ...] = ()
    milestones: tuple[BaselineMilestone, ...] = ()
    calendar: Calendar | None = None
    source: str = ""
    rates: tuple[BaselineRate, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedBaseline:
    """One version of a project's baseline; the store keeps them append-only.

    It is in force from the day `on` until the next version's. Its calendar is frozen with it; None
    (in versions of old): that of the configuration. So are its exchange rates; what it has none of
    (versions of old have none at all) is converted at the rate of its day that is known today.
    """

    project: str
    version: int
    on: date
    author: str
    approval: str
    change_request: str
    packages: tuple[BaselinePackage, ...]
    items: tuple[BaselineItem, ...]
    milestones: tuple[BaselineMilestone, ...] = ()
    calendar: Calendar | None = None
    source: str = ""  # what it was recorded from, for people
    rates: tuple[BaselineRate, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """The completeness of one stream and scope in the latest pull of its connection."""

    connection: str
    stream: str
    scope: str
    stored: int
    source_count: int | None  # None: the source cannot say
    exact: bool
    as_of: datetime | None  # aware UTC: the source was read as of this moment; None: never
    complete: bool
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """A record, or one value of it, that was quarantined."""

    connection: str
    stream: str
    source_id: str
    place: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Thresholds and choices; the defaults cite their source in docs/configuration.md."""

    index_green: Decimal = Decimal("0.95")  # FEMA: green within 0.95..1.05, amber 0.90..1.10
    index_amber: Decimal = Decimal("0.90")
    two_sided: bool = True  # a CPI of 1.2 is red too: bad plan or unbooked cost
    creep_amber: Decimal = Decimal("0.10")
    creep_red: Decimal = Decimal("0.20")
    unplanned_amber: Decimal = Decimal("0.20")  # effort outside of the baseline, share of all
    unplanned_red: Decimal = Decimal("0.35")
    scope_growth_watch: Decimal = Decimal("0.02")  # in a month
    orphan_share: Decimal = Decimal("0.10")  # of the items in scope: severity of the finding
    eac_method: str = "cpi"  # the declared policy; the others are shown as a range
    price_tolerance: Decimal = Decimal("0.02")  # of the order's price, in two- and three-way match
    quantity_tolerance: Decimal = Decimal("0.02")  # of the quantity ordered
    amount_tolerance_minor: int = 100  # in minor units (cents), whatever the share
    burn_amber: Decimal = Decimal("1.10")
    burn_red: Decimal = Decimal("1.25")
    ceiling_shares: tuple[Decimal, ...] = (Decimal("0.75"), Decimal("0.90"), Decimal(1))
    notice_days: tuple[int, ...] = (90, 60, 30, 7)
    sla_amber: Decimal = Decimal("0.95")  # share of items within SLA
    sla_red: Decimal = Decimal("0.90")
    defects_amber: Decimal = Decimal("0.10")  # growth of the open defects in four weeks
    exposure_amber: Decimal = Decimal("0.05")  # of BAC, where there is no management reserve
    exposure_red: Decimal = Decimal("0.10")
    reserve_amber: Decimal = Decimal("0.75")  # of the management reserve; red beyond all of it
    overrun_high: Decimal = Decimal("0.05")  # EAC over BAC, as a share: severity of the finding
    tcpi_high: Decimal = Decimal("1.10")  # to-complete indices that are hardly ever reached
    tspi_high: Decimal = Decimal("1.10")
    tcpi_gap: Decimal = Decimal("0.10")  # of TCPI(EAC) above CPI: the estimate is not realistic
    effort_share: Decimal = Decimal("0.15")  # of BAC in level of effort
    stale_after_h: int = 36  # a source older than this is a finding
    top_findings: int = 5  # in published statuses
    escaped_words: tuple[str, ...] = ("production", "prod", "live", "escaped")
    escaped_amber: Decimal = Decimal("0.05")  # share of defects found in production
    escaped_red: Decimal = Decimal("0.15")
    defect_days: int = 30  # an open defect older than this is a finding
    forecast_percentiles: tuple[int, ...] = (50, 80, 95)
    forecast_trials: int = 10_000
    forecast_weeks: int = 26  # looked back at most
    forecast_min_weeks: int = 7  # the next week is within seven past ones in 6 of 8 cases
    forecast_growth: bool = False  # scope goes on growing as in the past weeks
    forecast_seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """Everything a reconciliation depends on. `records` holds live records by kind.

    `gone` are records that their sources deleted, by kind: the scope ledger needs them.
    `zone` is the IANA zone in which days begin. `seen` tells of findings by their key.
    """

    title: str
    data_date: date
    zone: str
    projects: tuple[ProjectSetup, ...]
    rules: tuple[Rule, ...]
    records: Mapping[str, tuple[Record, ...]]
    gone: Mapping[str, tuple[Record, ...]] = field(default_factory=dict)
    baselines: tuple[RecordedBaseline, ...] = ()
    coverage: tuple[Coverage, ...] = ()
    rejected: tuple[Rejected, ...] = ()
    policy: Policy = field(default_factory=Policy)
    waivers: tuple[Waiver, ...] = ()
    overrides: tuple[Override, ...] = ()
    gates: GateRules = field(default_factory=GateRules)
    acts: tuple[GateAct, ...] = ()  # at the gates, up to the data date, oldest first
    seen: Mapping[str, Seen] = field(default_factory=dict)
    duplicates: DuplicateChoices = field(default_factory=DuplicateChoices)
    capacity: CapacityChoices = field(default_factory=CapacityChoices)
    run: str = ""  # the run that read the sources last


# ---- what comes out -----------------------------------------------------------------------------


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
    never its amounts. A waived one is shown, but neither counted nor told as a problem.
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
    """

    code: str
    name: str
    team: str
    method: str
    planned_start: date | None
    planned_finish: date | None
    state: str  # not started, in progress, done, late
    figures: Mapping[str, Figure]


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
    """Records of a kind that no rule placed: shown, never dropped."""

    kind: str
    count: int
    amount: Money | None
    duration_s: int | None
    examples: tuple[Evidence, ...]
    missed: tuple[MissedRule, ...] = ()
    cost: Money | None = None  # of time, at its rates, in the project's currency; None: not known


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

    @property
    def all_findings(self) -> tuple[Finding, ...]:
        """The findings of the portfolio, then those of its projects; waived ones too."""
        return (*self.findings, *(f for p in self.projects for f in p.findings))


_SNAPSHOT: TypeAdapter[Snapshot] = TypeAdapter(Snapshot)


def to_json(snapshot: Snapshot) -> bytes:
    """Canonical bytes: the same snapshot gives the same bytes."""
    return _SNAPSHOT.dump_json(snapshot)


def from_json(data: bytes) -> Snapshot:
    """The snapshot that `to_json` wrote."""
    return _SNAPSHOT.validate_json(data)
