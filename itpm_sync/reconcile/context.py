"""What all projects of a run share, computed once: the records of the data date, indexed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from operator import attrgetter
from typing import TypeVar, cast

from itpm_sync.model import (
    ChangeRequest,
    FieldChange,
    FxRate,
    Gate,
    HelpDeskItem,
    InvoiceLine,
    Money,
    OrderLine,
    Payment,
    Person,
    Rate,
    Receipt,
    Record,
    Sprint,
    TimeEntry,
    WorkItem,
    WorkPackage,
)
from itpm_sync.reconcile.allocate import Allocation, allocate
from itpm_sync.reconcile.booking import Ticket, Tickets, linked
from itpm_sync.reconcile.capacity import Capacity, Work, capacity, loads
from itpm_sync.reconcile.contracts import ContractMoney
from itpm_sync.reconcile.decisions import GateAct
from itpm_sync.reconcile.duplicate_invoices import Doubled, doubled
from itpm_sync.reconcile.exchange import FxTable
from itpm_sync.reconcile.folding import fold
from itpm_sync.reconcile.future_dated import document_day
from itpm_sync.reconcile.gold_plating import Askers
from itpm_sync.reconcile.inputs import Inputs
from itpm_sync.reconcile.labour import Costed, RateCard, costed
from itpm_sync.reconcile.long_days import LongDay, long_days
from itpm_sync.reconcile.money import Documents, Paid
from itpm_sync.reconcile.number import Number, unknown
from itpm_sync.reconcile.orphans import OtherTickets
from itpm_sync.reconcile.outages import Outage, outages
from itpm_sync.reconcile.people import Workers
from itpm_sync.reconcile.quality import Histories
from itpm_sync.reconcile.quarantine import quarantined
from itpm_sync.reconcile.status import Quarantined, Snapshot
from itpm_sync.reconcile.unplaced import strays
from itpm_sync.reconcile.unread import lacking_cost, not_netted
from itpm_sync.reconcile.waiving import unwaived
from itpm_sync.reconcile.workdays import Zone

R = TypeVar("R", bound=Record)
_identity = attrgetter("id")


class Context:
    """One run over `inputs`; `before` is the snapshot before this one.

    Raises ReconcileError for an unknown zone.
    """

    def __init__(self, inputs: Inputs, previous: Snapshot | None) -> None:
        self.inputs, self.policy, self.today = inputs, inputs.policy, inputs.data_date
        self.zone = Zone.of(inputs.zone)
        self.end = self.zone.end_of(self.today)
        self.records = {
            kind: sorted(filter(self._is_known, found), key=_identity)
            for kind, found in inputs.records.items()
        }
        booked, self.unlinked = linked(self.of(TimeEntry), self._tickets())
        self.records["time_entry"] = [*booked]
        self.allocation: Allocation = allocate(inputs, self.records)
        self.fx = FxTable(self.of(FxRate))
        self.rates = RateCard(self.of(Rate), self.of(Person))
        self.documents = Documents(
            self.of(OrderLine),
            self.of(Receipt),
            self.of(InvoiceLine),
            self.of(Payment),
            self.fx,
            homes=self.allocation.homes((OrderLine, InvoiceLine)),
            data_date=self.today,
        )
        self.contracts = ContractMoney(
            self.documents, self.of(InvoiceLine), not_netted(inputs.never_read, self.tells)
        )
        self.cost_lacks = tuple(lacking_cost(inputs.never_read, inputs.rejected))
        self.paid: dict[str, list[Paid]] = defaultdict(list)
        for part in self.documents.paid:
            self.paid[part.line.id].append(part)
        self.orphan_payments = {p.id for p in self.documents.orphan_payments}
        self.acts: dict[str, list[GateAct]] = defaultdict(list)  # by folded project code
        for act in inputs.acts:
            self.acts[fold(act.project)].append(act)
        self.approvals: dict[str, list[Gate]] = defaultdict(list)  # those that a source records
        for gate in self.of(Gate):
            self.approvals[fold(gate.project_key)].append(gate)
        self.histories = Histories(self.of(WorkItem), self.of(FieldChange))
        self.before = previous
        self.before_by_code = {p.code: p for p in previous.projects} if previous else {}

    def of(self, kind: type[R]) -> Sequence[R]:
        """The portfolio's records of a class of the model, by identity."""
        return cast("Sequence[R]", self.records.get(kind.kind, ()))

    def _tickets(self) -> Tickets:
        """All tickets, of whatever day."""

        def of(records: Mapping[str, Sequence[Record]]) -> Iterator[Ticket]:
            for kind in ("work_item", "help_desk_item"):
                yield from (r for r in records.get(kind, ()) if isinstance(r, Ticket))

        return Tickets(of(self.inputs.records), of(self.inputs.gone))

    def converted(self, money: Money, currency: str) -> Number:
        """An amount in another currency at the rate of the data date."""
        if not currency:
            return unknown("the project has no currency")
        return self.fx.convert(money, currency, self.today)

    def has(self, kind: str) -> bool:
        """Whether any record of the kind was read at all, be it of a later day."""
        return bool(self.inputs.records.get(kind))

    def tells(self, kind: str) -> bool:
        """Whether what there is of a kind is known: records were read, or it was read that there
        are none.
        """
        return self.has(kind) or kind in self.inputs.read_empty

    @cached_property
    def load(self) -> Capacity:
        """Everybody's load and capacity, over all projects and over work of none."""
        return capacity(
            self._work(),
            sprints=self.of(Sprint),
            entries=self.of(TimeEntry),
            people=self.of(Person),
            choices=self.inputs.capacity,
            zone=self.zone,
            data_date=self.today,
        )

    @cached_property
    def quarantined(self) -> Mapping[str, Sequence[Quarantined]]:
        """What cannot be used, by project."""
        return quarantined(self.inputs, self.allocation)

    @cached_property
    def outages(self) -> Sequence[Outage]:
        """What was not read, a cause at a time."""
        return outages(self.inputs, self.end, self.allocation, self.records)

    @cached_property
    def long_days(self) -> Sequence[LongDay]:
        """The days of more than 24 hours, of whichever projects."""
        people = Workers(self.of(Person), self.inputs.capacity, ())
        return tuple(long_days(self.of(TimeEntry), people.form, self.rates))

    @cached_property
    def askers(self) -> Askers:
        """Who can have asked for work, over all projects."""
        return Askers(self.of(HelpDeskItem), self.of(WorkItem), self.of(ChangeRequest))

    @cached_property
    def strays(self) -> Mapping[str, Sequence[str]]:
        """The codes of unknown projects under which packages stand, by their folded code."""
        return strays(self.allocation.nowhere.get(WorkPackage.kind, ()))

    @cached_property
    def doubled(self) -> Sequence[Doubled]:
        """The invoices that seem to be booked twice."""
        return tuple(doubled(self.of(InvoiceLine), self.allocation.common_home))

    @cached_property
    def copies(self) -> frozenset[str]:
        """The lines that are too many, by identity, without what is waived."""
        return frozenset(i.id for d in unwaived(self.doubled, self.inputs) for i in d.again)

    @cached_property
    def other_tickets(self) -> OtherTickets:
        """The tickets that were read and are no work items of the data date."""
        kinds = ("work_item", "help_desk_item")
        read = (r for kind in kinds for r in self.inputs.records.get(kind, ()))
        gone = self.inputs.gone.get("help_desk_item", ())
        return OtherTickets(
            (
                r
                for r in read
                if isinstance(r, HelpDeskItem)
                or (isinstance(r, WorkItem) and not self._is_known(r))
            ),
            (r for r in gone if isinstance(r, HelpDeskItem)),
        )

    def costed(self, entry: TimeEntry, currency: str) -> Costed:
        """What a time entry costs in a currency, at the rates of its day."""
        who = entry.person, entry.role, entry.team
        return costed(self.rates, self.fx, currency, who, on=entry.on, seconds=entry.duration_s)

    def _work(self) -> Iterator[Work]:
        """The work items that load somebody, each with its package."""
        for item in self.allocation.nowhere.get("work_item", ()):
            if isinstance(item, WorkItem) and loads(item, self.end):
                yield Work(item)
        for records in self.allocation.projects.values():
            packages = {p.record.code: p.record for p in records.of(WorkPackage)}
            for item, package, _ in records.of(WorkItem):
                if loads(item, self.end):
                    yield Work(item, packages.get(package))

    def _is_known(self, record: Record) -> bool:
        """Whether the record existed, as far as its own dates tell, on the data date."""
        if isinstance(record, WorkItem | HelpDeskItem):
            return record.created_at is None or record.created_at < self.end
        on = document_day(record)
        return on is None or on <= self.today
