"""The unified project model: frozen values, standard library only.

Identity is `connection:stream:source id`. Money is an exact amount with its currency. Times are
aware UTC. Durations are seconds. Every coded field keeps the source's own word beside ours
(`status`, `source_status`). A record names its project, work package and order in the *source's*
words (`project_key`, `work_package`, …); which project of the portfolio that is, the
reconciliation decides by the rules of the configuration, so that a changed rule needs no pull.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from enum import StrEnum
from fractions import Fraction
from types import MappingProxyType
from typing import Any, ClassVar

# ISO 4217 minor units that are not 2; source: ISO 4217 list one.
_EXPONENTS = {
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(
        "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(), 0
    ),
    **dict.fromkeys(("CLF", "UYW"), 4),
}


def currency_exponent(currency: str) -> int:
    """Digits after the decimal point of a currency (ISO 4217): JPY 0, EUR 2, KWD 3."""
    return _EXPONENTS.get(currency, 2)


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """An exact amount and its ISO 4217 currency. Sums across currencies raise ValueError."""

    amount: Decimal
    currency: str

    def __post_init__(self) -> None:
        if len(self.currency) != 3 or not self.currency.isascii() or not self.currency.isupper():
            raise ValueError(f"currency {self.currency!r} is not a three-letter ISO 4217 code")
        if not self.amount.is_finite():
            raise ValueError(f"amount {self.amount} is not a number")

    def _same(self, other: Money) -> None:
        if self.currency != other.currency:
            raise ValueError(
                f"cannot add {self.currency} and {other.currency}: convert with a dated rate first"
            )

    def __add__(self, other: Money) -> Money:
        self._same(other)
        return Money(self.amount + other.amount, self.currency)

    def __sub__(self, other: Money) -> Money:
        self._same(other)
        return Money(self.amount - other.amount, self.currency)

    def __neg__(self) -> Money:
        return Money(-self.amount, self.currency)

    def __mul__(self, factor: Decimal | int) -> Money:
        return Money(self.amount * factor, self.currency)

    def __str__(self) -> str:
        """For people: `CHF 203,980.00`, in the currency's minor unit, with a true minus sign."""
        amount = self.rounded().amount
        return f"{self.currency} {'−' if amount < 0 else ''}{abs(amount):,f}"

    def rounded(self) -> Money:
        """Half-even to the currency's exponent; for output only."""
        quantum = Decimal(1).scaleb(-currency_exponent(self.currency))
        return Money(self.amount.quantize(quantum, ROUND_HALF_EVEN), self.currency)

    @staticmethod
    def total(amounts: Iterable[Money], currency: str) -> Money:
        """The sum in `currency`; raises ValueError on any other currency."""
        result = Money(Decimal(0), currency)
        for amount in amounts:
            result = result + amount
        return result


def round_fraction(value: Fraction, digits: int) -> Decimal:
    """A Fraction as a Decimal with `digits` places, half-even; exact until this very step."""
    numerator, denominator = value.as_integer_ratio()
    scaled, rest = divmod(numerator * 10**digits, denominator)
    if 2 * rest > denominator or (2 * rest == denominator and scaled % 2):
        scaled += 1
    # Not `scaleb`: it rounds to the 28 digits of the context.
    return Decimal(f"{scaled}E{-digits}")


class Stage(StrEnum):
    """A project's phase; each ends in an approval."""

    INITIATION = "initiation"
    PLANNING = "planning"
    EXECUTION = "execution"
    MONITORING = "monitoring"
    CLOSING = "closing"
    CLOSED = "closed"


class WorkStatus(StrEnum):
    """The three states every work system can be mapped to."""

    TODO = "todo"
    IN_PROGRESS = "in_progress"
    DONE = "done"
    CANCELLED = "cancelled"


class ItemType(StrEnum):
    """The kind of a work item."""

    EPIC = "epic"
    STORY = "story"
    TASK = "task"
    DEFECT = "defect"
    IMPROVEMENT = "improvement"
    SUBTASK = "subtask"
    MILESTONE = "milestone"
    OTHER = "other"


class TicketType(StrEnum):
    """The kind of a help-desk item, in ITIL's words."""

    INCIDENT = "incident"
    REQUEST = "request"
    PROBLEM = "problem"
    CHANGE = "change"
    OTHER = "other"


class TicketStatus(StrEnum):
    """The state of a help-desk item."""

    NEW = "new"
    OPEN = "open"
    PENDING = "pending"
    RESOLVED = "resolved"
    CLOSED = "closed"
    CANCELLED = "cancelled"


class Method(StrEnum):
    """How a work package's progress is measured (its earned-value technique)."""

    ZERO_HUNDRED = "0/100"
    FIFTY_FIFTY = "50/50"
    MILESTONES = "weighted_milestones"
    PERCENT = "percent_complete"
    ITEMS = "items"  # physical units: work items done
    POINTS = "points"  # physical units: points done
    LEVEL_OF_EFFORT = "level_of_effort"
    APPORTIONED = "apportioned"


@dataclass(frozen=True, slots=True)
class SourceRef:
    """Where a record comes from. `identity` never changes, whatever people rename or move."""

    connection: str
    stream: str
    source_id: str
    url: str | None = None

    @property
    def identity(self) -> str:
        """`connection:stream:source id`."""
        return f"{self.connection}:{self.stream}:{self.source_id}"


NO_ATTRIBUTES: Mapping[str, str] = {}
"""The attributes of a record that has none: one for all, as an empty mapping takes 64 bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What every record of the model carries."""

    kind: ClassVar[str] = ""
    ref: SourceRef
    project_key: str = ""  # the source's own word for the project (key, queue, code)
    work_package: str = ""  # a WBS or cost code, where the source has one
    updated_at: datetime | None = None  # when the source says it changed
    attributes: Mapping[str, str] = field(default_factory=lambda: NO_ATTRIBUTES)  # for rules

    @property
    def id(self) -> str:
        """The record's identity, as `SourceRef.identity`; asked for many times of each record."""
        ref = self.ref
        return f"{ref.connection}:{ref.stream}:{ref.source_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Project(Record):
    """A project of the portfolio, or of a source that is used as one."""

    kind: ClassVar[str] = "project"
    code: str
    name: str
    stage: Stage = Stage.EXECUTION
    manager: str = ""
    sponsor: str = ""
    currency: str = ""
    planned_start: date | None = None
    planned_finish: date | None = None
    actual_finish: date | None = None
    planned_cost: Money | None = None
    actual_cost: Money | None = None
    declared_rating: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Team(Record):
    """A team and its discipline (hardware, software, network, data, service management, …)."""

    kind: ClassVar[str] = "team"
    name: str
    discipline: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person(Record):
    """Somebody who works on projects."""

    kind: ClassVar[str] = "person"
    name: str
    email: str = ""
    team: str = ""
    role: str = ""
    active: bool = True
    skills: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate(Record):
    """What an hour costs: of a person, a role or a team (`of`), in force from a day on."""

    kind: ClassVar[str] = "rate"
    of: str
    per_hour: Money
    valid_from: date | None = None
    valid_to: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FxRate(Record):
    """One unit of `currency` in `base` on a day."""

    kind: ClassVar[str] = "fx_rate"
    currency: str
    base: str
    rate: Decimal
    on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkPackage(Record):
    """The plan's unit of budget and time."""

    kind: ClassVar[str] = "work_package"
    code: str
    name: str
    parent: str = ""
    team: str = ""
    planned_start: date | None = None
    planned_finish: date | None = None
    actual_start: date | None = None
    actual_finish: date | None = None
    budget: Money | None = None
    planned_effort_s: int | None = None
    method: Method = Method.ITEMS
    percent_complete: Decimal | None = None  # 0..100, as declared by the source
    depends_on: str = ""  # the base package of an apportioned one


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline(Record):
    """The header of one frozen, versioned plan; its content is kept by the store."""

    kind: ClassVar[str] = "baseline"
    version: int
    author: str
    on: date
    approval: str = ""
    change_request: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkItem(Record):
    """A ticket of a work system."""

    kind: ClassVar[str] = "work_item"
    key: str
    title: str
    type: ItemType = ItemType.OTHER
    source_type: str = ""
    status: WorkStatus = WorkStatus.TODO
    source_status: str = ""
    resolution: str = ""
    priority: str = ""
    points: Decimal | None = None
    estimate_s: int | None = None  # original estimate
    spent_s: int | None = None
    remaining_s: int | None = None
    assignee: str = ""
    reporter: str = ""
    parent: str = ""  # source id of the parent
    epic: str = ""  # key or name of the epic
    components: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    versions: tuple[str, ...] = ()  # fix versions
    sprints: tuple[str, ...] = ()
    links: tuple[str, ...] = ()  # "blocks OTHER-1"
    created_at: datetime | None = None
    resolved_at: datetime | None = None
    due: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldChange(Record):
    """One change of one field of a work or help-desk item, from the source's own history."""

    kind: ClassVar[str] = "field_change"
    item: str  # identity of the item
    at: datetime
    author: str = ""
    field_name: str
    before: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HelpDeskItem(Record):
    """An incident, request, problem or change of a help desk."""

    kind: ClassVar[str] = "help_desk_item"
    key: str
    title: str
    type: TicketType = TicketType.OTHER
    status: TicketStatus = TicketStatus.NEW
    source_status: str = ""
    priority: str = ""
    queue: str = ""
    category: str = ""
    requester: str = ""
    assignee: str = ""
    spent_s: int | None = None
    created_at: datetime | None = None
    started_at: datetime | None = None
    resolved_at: datetime | None = None
    sla: str = ""
    response_due_at: datetime | None = None
    resolve_due_at: datetime | None = None
    response_breached: bool | None = None  # None: the source does not say, see the due times
    resolve_breached: bool | None = None
    reopened: int | None = None
    links: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeEntry(Record):
    """Time that a person worked; it belongs to the date on which it started."""

    kind: ClassVar[str] = "time_entry"
    item: str = ""  # identity of the work or help-desk item
    person: str
    role: str = ""
    team: str = ""
    on: date
    started_at: datetime | None = None
    duration_s: int
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract(Record):
    """An agreement with a vendor, with ceiling, term and the clock of its notice."""

    kind: ClassVar[str] = "contract"
    number: str
    title: str = ""
    vendor: str = ""
    ceiling: Money | None = None
    start: date | None = None
    end: date | None = None
    notice_days: int | None = None
    renewal: str = ""  # automatic, manual, none
    status: str = ""
    owner: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLine(Record):
    """One line of a purchase order, with what its order's header says."""

    kind: ClassVar[str] = "order_line"
    order: str
    line: str = "1"
    description: str = ""
    vendor: str = ""
    contract: str = ""
    ordered_on: date | None = None
    quantity: Decimal = Decimal(1)
    amount: Money  # net, of the whole line
    status: str = ""  # open, closed, cancelled


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt(Record):
    """Goods or services received against an order line."""

    kind: ClassVar[str] = "receipt"
    order: str
    line: str = "1"
    quantity: Decimal
    received_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceLine(Record):
    """One line of an invoice or credit note, with what its header says."""

    kind: ClassVar[str] = "invoice_line"
    invoice: str
    line: str = "1"
    credit_note: bool = False
    description: str = ""
    vendor: str = ""
    order: str = ""
    order_line: str = ""
    contract: str = ""
    invoiced_on: date
    due: date | None = None
    quantity: Decimal | None = None
    amount: Money  # net of recoverable tax; negative on a credit note
    tax: Money | None = None
    paid_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment(Record):
    """Money that left for an invoice."""

    kind: ClassVar[str] = "payment"
    invoice: str
    vendor: str = ""
    amount: Money
    paid_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Milestone(Record):
    """A dated event of the plan; with a weight it can measure a work package."""

    kind: ClassVar[str] = "milestone"
    code: str
    name: str
    planned: date | None = None
    actual: date | None = None
    weight: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sprint(Record):
    """A time box of a work system."""

    kind: ClassVar[str] = "sprint"
    name: str
    state: str = ""
    start: datetime | None = None
    finish: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Risk(Record):
    """Something that may happen; exposure is probability times impact."""

    kind: ClassVar[str] = "risk"
    code: str
    title: str
    probability: Decimal | None = None  # 0..1
    impact: Money | None = None
    status: str = ""
    owner: str = ""
    response: str = ""
    due: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRequest(Record):
    """A request to change scope, time or money; approved or not."""

    kind: ClassVar[str] = "change_request"
    number: str
    title: str
    status: str = ""
    approved_by: str = ""
    approved_on: date | None = None
    amount: Money | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate(Record):
    """The approval that ends a phase."""

    kind: ClassVar[str] = "gate"
    stage: Stage
    approved_by: str = ""
    approved_on: date | None = None


KINDS: Mapping[str, type[Record]] = MappingProxyType(
    {
        cls.kind: cls
        for cls in (
            Project, Team, Person, Rate, FxRate, WorkPackage, Baseline, WorkItem, FieldChange,
            HelpDeskItem, TimeEntry, Contract, OrderLine, Receipt, InvoiceLine, Payment, Milestone,
            Sprint, Risk, ChangeRequest, Gate,
        )
    }
)  # fmt: skip
"""Every kind of record, by its name in mappings and in the store."""


def as_plain(value: Any) -> Any:
    """A model value as JSON-ready data: Decimal and dates as text, Money as `"12.50 EUR"` exact."""
    if isinstance(value, Money):
        return f"{value.amount} {value.currency}"
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, tuple):
        return [as_plain(v) for v in value]
    if isinstance(value, Mapping):
        return {k: as_plain(v) for k, v in sorted(value.items())}
    return value
