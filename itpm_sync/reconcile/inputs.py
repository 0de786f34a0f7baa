"""What a reconciliation takes: frozen values, nothing else.

`Inputs` hold everything that a figure may depend on, also today's date (`data_date`) and the rules.
The same inputs give the same snapshot (`status.Snapshot`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from itpm_sync.errors import scope_name
from itpm_sync.model import Money, Record, Stage
from itpm_sync.reconcile.choices import CapacityChoices, DuplicateChoices
from itpm_sync.reconcile.decisions import GateAct, GateRules, Override, Seen, Waiver
from itpm_sync.reconcile.workdays import STANDARD, Calendar


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
    summary: bool = False  # all of it is; neither, in versions of old: as its records have it


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
    summaries: frozenset[str] = frozenset()  # codes of packages whose budget is that of their parts


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

    @property
    def work(self) -> Sequence[BaselinePackage]:
        """The lines that work is planned in; amounts that are set apart are no packages."""
        return [p for p in self.packages if p.element in (Element.WORK, Element.PLANNING)]


@dataclass(frozen=True, slots=True, kw_only=True)
class LaterReading:
    """What was read of a stream and scope after the data date: by the first pull that read it
    whole, else by the latest. `added`: so many records came later, and count for nothing on the
    data date.
    """

    as_of: datetime | None
    complete: bool
    added: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """The completeness of one stream and scope in the latest pull of its connection: for a past
    data date the latest that had ended by then. Without one nothing is stored, as of never.
    """

    connection: str
    stream: str
    scope: str
    stored: int
    source_count: int | None  # None: the source cannot say
    exact: bool
    as_of: datetime | None  # aware UTC: the source was read as of this moment; None: never
    complete: bool
    note: str = ""
    later: LaterReading | None = None

    @property
    def place(self) -> str:
        """Connection and scope as messages call them: `office receipts.csv`."""
        return f"{self.connection} {scope_name(self.stream, self.scope)}".strip()

    @property
    def reason(self) -> str:
        """The note without the scope that it begins with, to stand beside it."""
        return self.note.removeprefix(f"{scope_name(self.stream, self.scope)}: ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """A record that was quarantined; `soft`: one value of it, which its mapping leaves out. `kinds`
    are those of what its stream gives; `scope` that under which the source listed it, if known.
    """

    connection: str
    stream: str
    source_id: str
    place: str
    message: str
    soft: bool = False
    kinds: frozenset[str] = frozenset()
    scope: str = ""


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
    never_read: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # see `unread`
    progress_unknown: frozenset[str] = frozenset()  # packages first known after the data date
    read_empty: frozenset[str] = frozenset()  # kinds whose streams were read and hold none of them
    rejected: tuple[Rejected, ...] = ()
    scopes: Mapping[str, str] = field(default_factory=dict)  # by identity, of streams half read
    policy: Policy = field(default_factory=Policy)
    waivers: tuple[Waiver, ...] = ()
    overrides: tuple[Override, ...] = ()
    gates: GateRules = field(default_factory=GateRules)
    acts: tuple[GateAct, ...] = ()  # at the gates, up to the data date, oldest first
    seen: Mapping[str, Seen] = field(default_factory=dict)
    duplicates: DuplicateChoices = field(default_factory=DuplicateChoices)
    capacity: CapacityChoices = field(default_factory=CapacityChoices)
    run: str = ""  # the run that read the sources last
