"""What a check may look at: everything computed about one project, or about the portfolio."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction

from itpm_sync.model import (
    Contract,
    HelpDeskItem,
    InvoiceLine,
    Money,
    OrderLine,
    Payment,
    Record,
    Risk,
    TimeEntry,
    WorkItem,
)
from itpm_sync.reconcile.allocate import Allocation, ProjectRecords
from itpm_sync.reconcile.baselines import Authorised, Original
from itpm_sync.reconcile.booking import Unlinked
from itpm_sync.reconcile.capacity import Capacity
from itpm_sync.reconcile.contracts import ContractFacts
from itpm_sync.reconcile.drift import Drift
from itpm_sync.reconcile.duplicate_invoices import Doubled
from itpm_sync.reconcile.duplicates import Duplicates
from itpm_sync.reconcile.effort import Effort
from itpm_sync.reconcile.exchange import ForeignCost, FxGap, PlanRates
from itpm_sync.reconcile.forecast import Forecast
from itpm_sync.reconcile.gold_plating import GoldPlating
from itpm_sync.reconcile.helpdesk import HelpDesk
from itpm_sync.reconcile.inputs import Inputs, Policy, ProjectSetup, RecordedBaseline
from itpm_sync.reconcile.labour import Labour
from itpm_sync.reconcile.long_days import LongDay
from itpm_sync.reconcile.money import Disputed, Documents, Ledger, is_credit
from itpm_sync.reconcile.number import Number, decimal
from itpm_sync.reconcile.order_lines import Delivery
from itpm_sync.reconcile.orphans import Orphans
from itpm_sync.reconcile.outages import Outage
from itpm_sync.reconcile.overpaid import Overpaid
from itpm_sync.reconcile.performance import Past, Values
from itpm_sync.reconcile.portfolio import Register
from itpm_sync.reconcile.progress import Plan, Work
from itpm_sync.reconcile.quality import Quality
from itpm_sync.reconcile.risks import Exposure
from itpm_sync.reconcile.scope import Scope
from itpm_sync.reconcile.status import (
    CurvePoint,
    Evidence,
    Finding,
    ProjectStatus,
    Rating,
    Severity,
    Unallocated,
)
from itpm_sync.reconcile.unread import NeverRead
from itpm_sync.reconcile.wording import day, money, show
from itpm_sync.reconcile.workdays import Zone

EXAMPLES = 10


@dataclass(frozen=True, slots=True)
class PackageFacts:
    """A work package, its values and its state on the data date."""

    plan: Plan
    values: Values
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectFacts:
    """One project on the data date."""

    setup: ProjectSetup
    policy: Policy
    never_read: NeverRead
    cost_lacks: tuple[str, ...]
    plan_read: date | None
    data_date: date
    end: datetime  # the first moment after the data date
    zone: Zone
    currency: str
    in_money: bool
    records: ProjectRecords
    baseline: RecordedBaseline | None
    rates: PlanRates  # at which its budgets are converted
    original: Original | None  # what the first baseline says; None: no baseline is recorded
    authorised: Authorised | None
    drift: Drift | None  # how the plan of its sources differs from the baseline in force
    packages: Sequence[PackageFacts]
    past: Past
    work: Work
    values: Values
    numbers: Mapping[str, Number]
    fx_variances: Mapping[str, Number]  # by package; empty: no cost in another currency
    ledger: Ledger
    labour: Labour
    scope: Scope
    orphans: Orphans
    plating: GoldPlating
    desk: HelpDesk | None
    quality: Quality
    effort: Effort
    unplanned_s: int  # effort booked outside of the baseline; 0 without one
    exposure: Exposure
    forecast: Forecast | None  # None: not computed yet
    contracts: Sequence[ContractFacts]
    register: Register | None
    documents: Documents
    deliveries: Sequence[Delivery]  # its order lines that were received or invoiced
    disputed: Sequence[Disputed]  # what of its actual cost findings dispute
    unallocated: Sequence[Unallocated]
    strays: Mapping[str, Sequence[str]]  # unknown projects that have a package of a folded code
    rating: Rating
    previous: ProjectStatus | None  # this project in the previous snapshot
    previous_on: date | None  # the data date of that snapshot

    @property
    def code(self) -> str:
        """The project's code."""
        return self.setup.code

    @property
    def unit(self) -> str:
        """The unit of its earned value."""
        return self.currency if self.in_money else "items"

    @property
    def foreign(self) -> Sequence[ForeignCost]:
        """The cost in other currencies."""
        return (*self.labour.foreign, *(e.foreign for e in self.ledger.foreign))

    @property
    def counted(self) -> Sequence[tuple[Plan, Values]]:
        """What the project's BAC, PV and EV are summed from."""
        return self.past.counted

    @property
    def earlier(self) -> Sequence[CurvePoint]:
        """The previous snapshot's curve, where it is in the same unit."""
        before = self.previous
        return before.curve if before is not None and before.unit == self.unit else ()

    @property
    def gaps(self) -> Iterable[FxGap]:
        """Conversions that no exchange rate covers."""
        yield from self.ledger.gaps
        yield from self.labour.gaps
        for contract in self.contracts:
            yield from contract.gaps

    def amount(self, value: Fraction) -> Money | None:
        """An amount at stake in the project's currency; None where it is measured in items."""
        return Money(decimal(value), self.currency) if self.in_money else None

    def told(self, value: Fraction) -> str:
        """An amount with its unit, for a sentence."""
        return money(value, self.currency) if self.in_money else f"{show(value, 1)} items"


@dataclass(frozen=True, slots=True, kw_only=True)
class PortfolioFacts:
    """What belongs to no single project; `inputs` hold only what was known on the data date."""

    inputs: Inputs
    end: datetime
    allocation: Allocation
    documents: Documents
    unallocated: Sequence[Unallocated]
    unlinked: Sequence[Unlinked]  # time entries that name no item, or no only one
    future_dated: Sequence[Record]  # documents of a day that had not come when they were read
    repeated: Sequence[Sequence[Record]]  # records of one kind and stream that share their id
    contracts: Sequence[ContractFacts]  # contracts of no project
    doubled: Sequence[Doubled]
    overpaid: Sequence[Overpaid]
    duplicates: Duplicates
    capacity: Capacity
    long_days: Sequence[LongDay]  # of one person over all projects and systems
    outages: Sequence[Outage]  # what was not read, a cause at a time

    def home(self, records: Iterable[Record]) -> str:
        """The project that all of the records belong to; empty: the portfolio."""
        return self.allocation.common_home(records)


def finding(
    code: str,
    severity: Severity,
    project: str,
    subject: str,
    message: str,
    *,
    action: str,
    amount: Money | None = None,
    evidence: Iterable[Record] = (),
) -> Finding:
    """A finding with up to ten records as evidence."""
    shown = [evidence_of(r) for _, r in zip(range(EXAMPLES), evidence, strict=False)]
    return Finding(
        code=code,
        severity=severity,
        project=project,
        subject=subject,
        message=message,
        action=action,
        amount=amount,
        evidence=tuple(shown),
    )


def evidence_of(record: Record, name: str = "") -> Evidence:
    """A record as evidence, by what people call it or by `name`; an address that is no web page
    (`plan.csv row 14`) is told in words.
    """
    url, name = record.ref.url, name or label(record)
    if url is None or ":" in url:
        return Evidence(identity=record.id, label=name, url=url)
    return Evidence(identity=record.id, label=f"{name} ({url})")


def label(record: Record) -> str:  # noqa: PLR0911 - one line a kind
    """How people recognise the record."""
    if isinstance(record, WorkItem | HelpDeskItem):
        return f"{record.key} {record.title}".strip()
    if isinstance(record, Contract):
        return f"Contract {record.number} {record.title}".strip()
    if isinstance(record, OrderLine):
        return f"Order {record.order} line {record.line}, {record.amount}"
    if isinstance(record, InvoiceLine):
        # of a line below 0 alone nobody knows whether all of its document is
        kind = "Credit note" if record.credit_note else "Invoice"
        return f"{kind} {record.invoice} line {record.line}, {record.amount}"
    if isinstance(record, Payment):
        return f"Payment of {record.amount} on {day(record.paid_on)}"
    if isinstance(record, TimeEntry):
        hours = show(Fraction(record.duration_s, 3600))
        return f"{record.person}, {hours} h on {day(record.on)}"
    if isinstance(record, Risk):
        return f"{record.code} {record.title}"
    named = [str(v) for n in ("code", "number", "invoice", "order") if (v := _word(record, n))]
    title = _word(record, "name") or _word(record, "title")
    return " ".join([*named[:1], *([title] if title else [])]) or record.ref.source_id


def document(lines: Sequence[InvoiceLine]) -> str:
    """What people call the document that these lines are of."""
    return "Credit note" if is_credit(lines) else "Invoice"


def _word(record: Record, name: str) -> str:
    return str(getattr(record, name, "") or "")


def place(record: Record) -> str:
    """The spot in the source that a person can open: a row, a page, else the source's id."""
    return record.attributes.get("place", "") or record.ref.url or record.ref.source_id
