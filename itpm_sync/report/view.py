"""What the pages show, as frozen values: text and positions, nothing left to decide or to round."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from itpm_sync.reconcile.glossary import Term
from itpm_sync.reconcile.status import BurnPoint, Colour, CurvePoint, HelpDeskWeek
from itpm_sync.report.wording import Shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A label and where it leads; an empty address is plain text."""

    label: str
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A rating and the one before it; `move` is better, worse, same, or empty without a before."""

    dimension: str
    colour: Colour
    word: str
    reason: str
    before: Colour | None = None
    before_word: str = ""
    move: str = ""
    computed_word: str = ""  # the rating by the figures, where a person has set another


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFigure:
    """One of the few numbers at the top: value, what to compare it with, how it moved."""

    label: str
    value: Shown
    beside: str
    change: str
    parts: str = ""  # what the value is made of


@dataclass(frozen=True, slots=True, kw_only=True)
class RangeBar:
    """What is simulated on one scale: where each percentile lies, and what was planned."""

    label: str
    start: str  # what the scale begins with
    points: tuple[tuple[str, str, str], ...]  # `80 %`, value, position in percent
    left: str  # of the bar from the lowest to the highest percentile
    width: str
    planned: str  # empty: not known
    planned_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TrailPoint:
    """The overall rating of one report, oldest first."""

    on: str
    colour: Colour
    word: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingRow:
    """A finding as a reader needs it. `tag` is `new` or `reopened`, and empty where there is no
    report to compare with; `waived` says by whom, until when and why.
    """

    severity: str
    code: str
    message: str
    action: str
    amount: str
    evidence: tuple[Link, ...]
    more_evidence: int
    tag: str = ""
    since: str = ""
    waived: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageRow:
    """A line of the work packages table. `late` states stand out; `basis` is what `done` rests on:
    items done of all, else the measurement method.
    """

    code: str
    name: str
    team: str
    basis: str
    state: str
    start: str
    finish: str
    done: Shown
    done_width: str
    figures: tuple[Shown, ...]  # in the order of the table's heading


@dataclass(frozen=True, slots=True, kw_only=True)
class SumRow:
    """A line below the work packages: what is in none of them, or the whole project."""

    label: str
    note: str
    done: Shown
    figures: tuple[Shown, ...]  # as in PackageRow; an empty text where the line has none


@dataclass(frozen=True, slots=True, kw_only=True)
class MoneyBar:
    """Budget, ordered, invoiced and paid of a package; widths in percent of the widest.

    `open` is the part of the orders that is still to come: the commitment; `bills` says what is
    invoiced and paid.
    """

    label: str
    budget: Shown
    ordered: Shown
    invoiced: Shown
    paid: Shown
    open: str
    bills: str
    budget_at: str
    ordered_width: str
    invoiced_width: str
    paid_width: str
    over: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractRow:
    """A contract: its clock on the common axis of the page (percent), and its value used."""

    title: Link
    number: str
    vendor: str
    colour: Colour
    word: str
    reason: str
    term: str
    notice: str
    ceiling: str
    committed: str
    invoiced: str
    accrued: str  # received, not invoiced
    used: str  # invoiced, and received and not invoiced
    rest: str  # of the ceiling; empty where there is none
    burn: Shown
    left: str
    width: str
    notice_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractAxis:
    """The years the contracts' clocks are drawn on."""

    start: str
    end: str
    today_at: str
    today: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeRow:
    """An item added to or removed from the baseline."""

    change: str
    how: str  # `split from NET-3, size kept`, or empty
    item: Link
    title: str
    work_package: str
    on: str
    approved_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HelpDesk:
    """The help desk's load, in the words of the page."""

    open_now: str
    priorities: tuple[tuple[str, str], ...]
    within_sla: Shown
    sla_change: str
    response_breaches: str
    resolve_breaches: str
    effort: Shown
    weeks: tuple[HelpDeskWeek, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class UnallocatedRow:
    """Records that no rule placed."""

    what: str
    amount: str
    time: str
    examples: tuple[Link, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRow:
    """One connection: how much of it was read and as of when."""

    connection: str
    streams: str
    records: str
    as_of: str
    complete: bool
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamRow:
    """One stream of a connection."""

    connection: str
    stream: str
    scope: str
    stored: str
    at_source: str
    as_of: str
    complete: bool
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What every page says about itself."""

    portfolio: str
    week: str
    data_date: str
    run: str
    when: str  # `last week`, or `on 8 Nov 2026`; empty: there is nothing to compare with
    alone: str  # why there is nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedRow:
    """A figure by the original baseline and by the one in force."""

    label: str
    original: Shown
    current: Shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The original baseline beside the one in force, and how far the budget has grown."""

    original: str
    current: str
    rows: tuple[ComparedRow, ...]
    growth: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectPage:
    """A project's page."""

    head: Head
    code: str
    name: str
    facts: tuple[tuple[str, str], ...]
    headline: str
    rating: Mark
    dimensions: tuple[Mark, ...]
    trail: tuple[TrailPoint, ...]
    key_figures: tuple[KeyFigure, ...]
    unit: str
    data_date: date
    bac: Decimal | None  # in `unit`, for the chart
    curve_now: tuple[tuple[str, str, str], ...]  # series, label, value on the data date
    curve: tuple[CurvePoint, ...]
    burnup: tuple[BurnPoint, ...]
    burnup_now: tuple[tuple[str, str, str], ...]
    pace: tuple[KeyFigure, ...]
    pace_missing: tuple[str, ...]  # why some of them are n/a
    effort: str  # its variance by priority and type
    forecast: str  # the simulated range in a sentence, or why there is none
    forecast_bars: tuple[RangeBar, ...]
    comparison: Comparison | None  # None: the original baseline is in force, or none is recorded
    layers: tuple[KeyFigure, ...]  # of the budget, where not all of it is in work packages
    quality: tuple[KeyFigure, ...]
    quality_weeks: str  # how many defects were open at the ends of the last weeks
    exposures: str  # the risk exposure of the last reports
    quarantined: tuple[tuple[Link, str], ...]  # name, and what is wrong with it: the first few
    quarantined_hidden: int
    unread: tuple[str, ...]  # which sources were not read, and what of it rests on them
    findings: tuple[FindingRow, ...]
    waived: tuple[FindingRow, ...]
    changed: str  # how many findings are new, reopened, resolved, still open
    resolved: tuple[str, ...]
    money: tuple[MoneyBar, ...]
    money_hidden: int
    money_note: str  # what is not known of the orders that are still open
    package_figures: tuple[str, ...]  # headings of PackageRow.figures
    packages: tuple[PackageRow, ...]
    package_sums: tuple[SumRow, ...]
    sums_note: str  # what of the lines adds up and what cannot
    sums_rounded: bool
    axis: ContractAxis | None
    contracts: tuple[ContractRow, ...]
    scope: tuple[ScopeRow, ...]
    scope_hidden: int
    help_desk: HelpDesk | None
    risks: tuple[tuple[str, str, str], ...]
    unallocated: tuple[UnallocatedRow, ...]
    sources: tuple[SourceRow, ...]
    terms: tuple[Term, ...]  # those that stand on the page are told in its glossary


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectLine:
    """A project's line on the portfolio page; `page` is empty where it has no page of its own."""

    code: str
    name: str
    page: str
    manager: str
    stage: str
    rating: Mark
    rank: int  # for sorting: worst first
    done: Shown
    done_width: str
    planned_width: str
    unit: str
    figures: tuple[Shown, ...]  # CPI, SPI, BAC, EAC, VAC
    findings: str
    high: int
    gate: str = ""  # the next gate and what is missing; empty where there are no gates


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """How many projects have a rating, now and before."""

    colour: Colour
    word: str
    now: int
    before: int | None
    width: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TotalRow:
    """A figure summed over the projects, one sum a currency.

    `known` says beside each sum of how many projects it is, where it leaves some out.
    """

    label: str
    figures: tuple[Shown, ...]
    known: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingGroup:
    """The gravest findings of a project, or of the portfolio itself (no project)."""

    project: Link | None
    rating: Mark | None
    findings: tuple[FindingRow, ...]
    hidden: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonRow:
    """A person: `load / capacity` in hours and whether that is too much, week by week."""

    name: str
    skills: str
    weeks: tuple[tuple[str, bool], ...]
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """Those who have too much work; `weeks` are the Mondays."""

    weeks: tuple[str, ...]
    rows: tuple[PersonRow, ...]
    more: str  # how many are not shown


@dataclass(frozen=True, slots=True, kw_only=True)
class PortfolioPage:
    """The portfolio's page."""

    head: Head
    headline: str
    shares: tuple[Share, ...]
    moved: tuple[ProjectLine, ...]
    currencies: tuple[str, ...]
    totals: tuple[TotalRow, ...]
    totals_rounded: bool  # amounts of the projects are, so that they need not add up as shown
    projects: tuple[ProjectLine, ...]
    without_page: int
    changed: str  # how many findings are new, reopened, resolved, still open
    resolved: tuple[str, ...]  # of the portfolio itself
    attention: tuple[FindingGroup, ...]
    findings_hidden: int
    unallocated: tuple[UnallocatedRow, ...]
    people: People | None
    sources: tuple[SourceRow, ...]
    streams: tuple[StreamRow, ...]
    read_since: bool  # a past day, after which sources were read: not all that was then is kept
    terms: tuple[Term, ...]  # as in ProjectPage
