"""What the Request Tracker sandbox remembers: tickets, their transactions, queues, custom fields.

Every rule here was measured on RT 5.0.3: which act writes which transaction, moves which stamp and
answers in which words. Stamps are kept as RT writes them, `2026-11-22T21:04:03Z`; what is not set
is the year 1970. Times are whole minutes.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from connectors.request_tracker.ticketsql import compiled

Json = dict[str, Any]

UNSET = "1970-01-01T00:00:00Z"
STATUSES = ("new", "open", "stalled", "resolved", "rejected", "deleted")
INACTIVE = frozenset({"resolved", "rejected", "deleted"})
SLA_MINUTES: Mapping[str, int] = {"standard": 2880, "urgent": 240}  # to resolve
LINKS: Mapping[str, tuple[str, str]] = {  # the hyperlink on this ticket, and on the other one
    "DependsOn": ("depends-on", "depended-on-by"),
    "MemberOf": ("parent", "child"),
    "RefersTo": ("refers-to", "referred-to-by"),
}
RELATIONS = frozenset(ref for pair in LINKS.values() for ref in pair)
_STAMPS = ("Starts", "Started", "Due", "Resolved")
_MINUTES = ("TimeWorked", "TimeEstimated", "TimeLeft")


def text_of(moment: datetime) -> str:
    """`moment` in RT's own words, cut to the second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(slots=True)
class Ticket:
    """One ticket; `values` holds its plain fields by RT's own names, as RT's own texts."""

    id: int
    effective_id: int
    values: dict[str, str]
    requestors: list[str] = field(default_factory=list)
    custom: dict[str, list[str]] = field(default_factory=dict)
    links: list[tuple[str, str]] = field(default_factory=list)  # (ref, ticket id or URL)

    def row(self) -> dict[str, Any]:
        """The ticket as TicketSQL sees it."""
        stamps = {n: datetime.fromisoformat(self.values[n]) for n in ("Created", "LastUpdated")}
        numbers = {"id": self.id, "EffectiveId": self.effective_id}
        return {**self.values, **stamps, **numbers, "CustomFields": self.custom}


@dataclass(slots=True, kw_only=True)
class Transaction:
    """One line of a ticket's history; `content` is the text of a comment or reply."""

    id: int
    ticket: int
    type: str
    creator: str
    created: str
    field: str = ""
    old: str = ""
    new: str = ""
    taken: int = 0  # minutes
    data: str = ""
    content: str = ""

    def row(self) -> dict[str, Any]:
        """The transaction as TransactionSQL sees it."""
        numbers = {"id": self.id, "ObjectId": self.ticket, "TimeTaken": self.taken}
        return {**numbers, "ObjectType": "RT::Ticket", "Type": self.type}


@dataclass(slots=True)
class CustomField:
    """A ticket custom field: where it applies, and the values it allows (none: free text)."""

    id: int
    name: str
    queues: list[str]
    allowed: list[str] = field(default_factory=list)


class Desk:
    """The whole state and what people do to it. Not thread-safe: its server holds a lock."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self.clock = clock
        self.queues: list[str] = []
        self.fields: list[CustomField] = []
        self.tickets: dict[int, Ticket] = {}
        self.history: list[Transaction] = []
        self.taken: dict[str, Json] = {}  # identity of a seeded record → what it made
        self.zones: dict[str, str] = {"sync": "UTC"}  # user → time zone
        self.strangers: set[str] = set()  # users without any right to tickets
        self.totals_hidden = False  # as where $UseSQLForACLChecks is 0

    # ---- set-up ---------------------------------------------------------------------------------

    def add_queue(self, name: str) -> None:
        """Adds a queue unless it is there."""
        if name not in self.queues:
            self.queues.append(name)

    def add_field(self, name: str, queue: str, allowed: tuple[str, ...] = ()) -> CustomField:
        """Makes a custom field apply to a queue, adding it where it is new."""
        self.add_queue(queue)
        found = self.field_named(name)
        if found is None:
            found = CustomField(len(self.fields) + 1, name, [], list(allowed))
            self.fields.append(found)
        if queue not in found.queues:
            found.queues.append(queue)
        return found

    def field_named(self, name: str) -> CustomField | None:
        """The custom field of that name or number, or None."""
        return next((f for f in self.fields if name in (f.name, str(f.id))), None)

    def fields_of(self, ticket: Ticket) -> list[CustomField]:
        """The custom fields that apply to a ticket."""
        return [f for f in self.fields if ticket.values["Queue"] in f.queues]

    # ---- reading --------------------------------------------------------------------------------

    def ticket(self, number: int) -> Ticket | None:
        """The ticket that answers to a number: a merged one answers with the other."""
        found = self.tickets.get(number)
        return self.tickets[found.effective_id] if found else None

    def search(self, query: str, zone: tzinfo) -> list[Ticket]:
        """Tickets by id. Raises QueryError."""
        test = compiled(query, zone)
        return [t for _, t in sorted(self.tickets.items()) if test(t.row())]

    def transactions(self, ticket: Ticket) -> list[Transaction]:
        """A ticket's history, with that of the tickets merged into it."""
        ids = {t.id for t in self.tickets.values() if t.effective_id == ticket.id}
        return [t for t in self.history if t.ticket in ids]

    def transaction(self, number: int) -> Transaction | None:
        """A transaction by its number, or None."""
        return self.history[number - 1] if 0 < number <= len(self.history) else None

    def etag(self, ticket: Ticket) -> str:
        """The id of the last transaction."""
        return f'"{max((t.id for t in self.transactions(ticket)), default=0)}"'

    # ---- acting ---------------------------------------------------------------------------------

    def create(
        self, queue: str, user: str, given: Mapping[str, Any], *, number: int | None = None
    ) -> Ticket:
        """A new ticket, with the due time of its service level and, if free, the number asked."""
        self.add_queue(queue)
        if number is None or number in self.tickets:
            number = max(self.tickets, default=0) + 1
        now = self.clock()
        values = {
            "Queue": queue, "Subject": "", "Status": "new", "Type": "ticket", "Owner": "Nobody",
            "Priority": "50", "SLA": "", "Creator": user, "LastUpdatedBy": user,
            "Created": text_of(now), "LastUpdated": text_of(now),
            **dict.fromkeys(_STAMPS, UNSET), **dict.fromkeys(_MINUTES, "0"),
        }  # fmt: skip
        values |= {k: str(v) for k, v in given.items() if k in values and k != "Queue"}
        values["Subject"] = _joined(values["Subject"])
        if values["Due"] == UNSET and values["SLA"] in SLA_MINUTES:
            values["Due"] = text_of(now + timedelta(minutes=SLA_MINUTES[values["SLA"]]))
        requestors = given.get("Requestor") or []
        ticket = Ticket(
            number, number, values, [requestors] if isinstance(requestors, str) else [*requestors]
        )
        self.tickets[number] = ticket
        for name, value in (given.get("CustomFields") or {}).items():
            found = self.field_named(name)
            if found and found in self.fields_of(ticket):
                ticket.custom[found.name] = [str(v) for v in _as_list(value)]
        self.record(
            ticket, "Create", user, taken=int(values["TimeWorked"]), bump=False,
            content=str(given.get("Content", "")),
        )  # fmt: skip
        return ticket

    def record(
        self, ticket: Ticket, kind: str, user: str, *, bump: bool = True, **more: Any
    ) -> int:
        """Writes a transaction, by default moving LastUpdated; returns its id."""
        now = text_of(self.clock())
        number = len(self.history) + 1
        self.history.append(
            Transaction(id=number, ticket=ticket.id, type=kind, creator=user, created=now, **more)
        )
        if bump:
            ticket.values |= {"LastUpdated": now, "LastUpdatedBy": user}
        return number

    def message(
        self, ticket: Ticket, kind: str, user: str, *, subject: str, content: str, taken: int = 0
    ) -> int:
        """A `Comment` or `Correspond`; a reply opens a new ticket. Returns the transaction's id."""
        ticket.values["TimeWorked"] = str(int(ticket.values["TimeWorked"]) + taken)
        data = f"{subject}\n" if subject else "No Subject"
        text = content.replace("\r\n", "\n")
        number = self.record(ticket, kind, user, taken=taken, data=data, content=text)
        if kind == "Correspond" and ticket.values["Status"] == "new":
            self._set_status(ticket, user, "open")
        return number

    def update(self, ticket: Ticket, user: str, given: Mapping[str, Any]) -> list[str]:
        """What a PUT does, and the messages it answers: refusals too, unknown names none."""
        messages = []
        for name, value in given.items():
            if name in ("Subject", "Priority", "Owner", "Queue", "SLA", "Due", "Starts", *_MINUTES):
                messages += self._set(ticket, user, name, str(value))
        for name, value in (given.get("CustomFields") or {}).items():
            messages += self._set_custom(ticket, user, name, value)
        for name in LINKS:
            for target in _as_list(given.get(f"Add{name}") or []):
                messages.append(self._link(ticket, user, name, str(target)))
        if "Status" in given:
            messages += self._set_status(ticket, user, str(given["Status"]))
        if "MergeInto" in given:
            messages.append(self.merge(ticket, int(given["MergeInto"]), user))
        return messages

    def merge(self, ticket: Ticket, into: int, user: str) -> str:
        """Merges a ticket into another, with its minutes; returns RT's message."""
        target = self.ticket(into)
        if target is None:
            return "New ticket doesn't exist"
        if target.id == ticket.id:
            return "Can't merge a ticket into itself"
        for name in _MINUTES:
            target.values[name] = str(int(target.values[name]) + int(ticket.values[name]))
        target.requestors += [r for r in ticket.requestors if r not in target.requestors]
        for other in self.tickets.values():
            if other.effective_id == ticket.id:
                other.effective_id = target.id
        for one in (ticket, target):
            self.record(one, "AddLink", user, field="MergedInto", new=str(target.id))
        return "Merge Successful"

    def delete(self, ticket: Ticket, user: str) -> None:
        """Marks a ticket deleted; it leaves every search."""
        self._set_status(ticket, user, "deleted")

    def _set(self, ticket: Ticket, user: str, name: str, value: str) -> list[str]:
        old = ticket.values[name]
        value = _joined(value) if name == "Subject" else value
        if old == value:
            return []
        if name == "Queue" and value not in self.queues:
            return [f"Ticket {ticket.id}: Queue {value} does not exist"]
        taken = 0
        if name == "TimeWorked":
            taken = int(value) - int(old)
        ticket.values[name] = value
        self.record(ticket, "Set", user, field=name, old=old, new=value, taken=taken)
        if name == "TimeWorked":
            return [f"Ticket {ticket.id}: Worked {taken} minutes"]
        return [f"Ticket {ticket.id}: {name} changed from '{old}' to '{value}'"]

    def _set_status(self, ticket: Ticket, user: str, status: str) -> list[str]:
        old = ticket.values["Status"]
        if status == old:
            return []
        if status not in STATUSES:
            return [f"Ticket {ticket.id}: Status '{status}' isn't a valid status for this ticket."]
        now = text_of(self.clock())
        if old == "new" and ticket.values["Started"] == UNSET:
            ticket.values["Started"] = now
        if status in INACTIVE and old not in INACTIVE:
            ticket.values["Resolved"] = now
        ticket.values["Status"] = status  # a reopened ticket keeps its Resolved
        self.record(ticket, "Status", user, field="Status", old=old, new=status)
        if status == "deleted":
            return [f"Ticket {ticket.id}: Ticket deleted"]
        return [f"Ticket {ticket.id}: Status changed from '{old}' to '{status}'"]

    def _set_custom(self, ticket: Ticket, user: str, name: str, value: Any) -> list[str]:
        found = self.field_named(name)
        if found is None or found not in self.fields_of(ticket):
            return []
        old = (ticket.custom.get(found.name) or [""])[0]
        new = "" if value is None else str(_as_list(value)[0])
        if old == new:
            return []
        if new and found.allowed and new not in found.allowed:
            return ["Invalid value for custom field"]
        ticket.custom[found.name] = [new] if new else []
        self.record(ticket, "CustomField", user, field=str(found.id), old=old, new=new)
        if not new:
            return [f"{old} is no longer a value for custom field {found.name}"]
        if old:
            return [f"{found.name} {old} changed to {new}"]
        return [f"{found.name} {new} added"]

    def _link(self, ticket: Ticket, user: str, name: str, target: str) -> str:
        ref, inverse = LINKS[name]
        words = {"DependsOn": "depends on", "MemberOf": "member of", "RefersTo": "refers to"}[name]
        other = self.tickets.get(int(target)) if target.isdigit() else None
        for one, link in ((ticket, (ref, target)), (other, (inverse, str(ticket.id)))):
            if one is not None:
                one.links.append(link)
                self.record(one, "AddLink", user, field=name, new=link[1])
        return f"Ticket {ticket.id} {words} {'Ticket' if other else 'URI'} {target}."

    # ---- saving ---------------------------------------------------------------------------------

    def dump(self) -> dict[str, Any]:
        """The whole state as plain data."""
        return {
            "taken": self.taken,
            "zones": self.zones,
            "queues": self.queues,
            "fields": [dataclasses.asdict(f) for f in self.fields],
            "tickets": [dataclasses.asdict(t) for t in self.tickets.values()],
            "history": [dataclasses.asdict(t) for t in self.history],
        }

    def undump(self, data: Mapping[str, Any]) -> None:
        """Replaces the state by what `dump` gave."""
        self.taken = dict(data["taken"])
        self.zones = dict(data["zones"])
        self.queues = list(data["queues"])
        self.fields = [CustomField(**f) for f in data["fields"]]
        tickets = [Ticket(**t) for t in data["tickets"]]
        for ticket in tickets:
            ticket.links = [(ref, target) for ref, target in ticket.links]
        self.tickets = {t.id: t for t in tickets}
        self.history = [Transaction(**t) for t in data["history"]]


def _as_list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _joined(subject: str) -> str:
    """A subject as RT keeps it: it drops line breaks (RT 5.0.3, lib/RT/Ticket.pm)."""
    return subject.replace("\n", "")
