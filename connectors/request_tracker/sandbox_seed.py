"""Seeds the Request Tracker sandbox with values of the unified model, as upserts by identity.

`Desk.taken` keeps, for each identity, what its record made and the values given last. A later
record is compared with those: what is the same again changes nothing, what differs is an edit made
now, with transactions and `LastUpdated`.

Time worked belongs to the people of the time entries. What an item's own `spent_s` says beyond its
entries was noted when the ticket was created, by the account.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, time

from connectors.request_tracker.sandbox_desk import UNSET, Desk, Json, Ticket, text_of
from itpm_sync.model import HelpDeskItem, Record, TicketStatus, TimeEntry

ACCOUNT = "sync"
_STATUS: Mapping[TicketStatus, str] = {
    TicketStatus.NEW: "new",
    TicketStatus.OPEN: "open",
    TicketStatus.PENDING: "stalled",
    TicketStatus.RESOLVED: "resolved",
    TicketStatus.CLOSED: "resolved",
    TicketStatus.CANCELLED: "rejected",
}
_PRIORITY: Mapping[str, str] = {"low": "0", "medium": "50", "high": "100", "critical": "100"}
_STAMPS = ("Created", "Started", "Resolved", "Due")


def seed(desk: Desk, records: Iterable[Record]) -> int:
    """Adds or changes help-desk items and the time entries that belong to them, whatever the order
    of the records; returns how many were taken."""
    given = list(records)
    items = [r for r in given if isinstance(r, HelpDeskItem)]
    made = {ticket.id for item in items if (ticket := _item(desk, item))}
    entries = [r for r in given if isinstance(r, TimeEntry) and "ticket" in _kept(desk, r.item)]
    for entry in entries:
        _entry(desk, entry, made)
    _share_time(desk)
    return len(items) + len(entries)


def _kept(desk: Desk, identity: str) -> Json:
    return desk.taken.get(identity, {})


# ---- tickets ------------------------------------------------------------------------------------


def _item(desk: Desk, item: HelpDeskItem) -> Ticket | None:
    """Adds or edits a ticket; returns a new one."""
    given = _values(item)
    desk.add_queue(given["Queue"])
    for name in given["CustomFields"]:
        desk.add_field(name, given["Queue"])
    if item.id in desk.taken:
        _edit(desk, item, given)
        return None
    return _add(desk, item, given)


def _values(item: HelpDeskItem) -> Json:
    """An item in RT's words, as JSON; `spent` is in seconds, and no field of RT's."""
    status = item.source_status if item.source_status in _STATUS.values() else ""
    custom = {
        "Project Code": item.project_key, "Work Package": item.work_package,
        "Category": item.category, "Ticket Type": item.type.value, "Project Status": "",
        **item.attributes,
    }  # fmt: skip
    return {
        "Queue": item.queue or "General",
        "Subject": item.title,
        "Requestor": [item.requester] if item.requester else [],
        "Owner": item.assignee or "Nobody",
        "Priority": _PRIORITY.get(item.priority.casefold(), item.priority or "50"),
        "SLA": item.sla,
        "Status": status or _STATUS[item.status],
        "CustomFields": custom,
        "Created": text_of(item.created_at) if item.created_at else "",
        "Started": _stamp(item.started_at),
        "Resolved": _stamp(item.resolved_at),
        "Due": text_of(item.resolve_due_at) if item.resolve_due_at else "",
        "spent": item.spent_s or 0,
    }  # fmt: skip


def _stamp(moment: datetime | None) -> str:
    return text_of(moment) if moment else UNSET


def _add(desk: Desk, item: HelpDeskItem, given: Json) -> Ticket:
    """A new ticket, as old as the item says."""
    named = {k: v for k, v in given.items() if k not in ("Status", *_STAMPS)}
    named["CustomFields"] = {k: v for k, v in given["CustomFields"].items() if v}
    number = int(item.key) if item.key.isdecimal() else None
    ticket = desk.create(given["Queue"], ACCOUNT, named, number=number)
    ticket.values["Status"] = given["Status"]
    _put_stamps(ticket, given)
    updated = item.updated_at or item.resolved_at or item.created_at
    ticket.values["LastUpdated"] = text_of(updated) if updated else ticket.values["Created"]
    first = desk.history[-1]
    first.created = ticket.values["Created"]
    desk.taken[item.id] = {"ticket": ticket.id, "first": first.id, "given": given}
    return ticket


def _put_stamps(ticket: Ticket, given: Mapping[str, str]) -> None:
    ticket.values |= {name: given[name] for name in _STAMPS if given.get(name)}


def _edit(desk: Desk, item: HelpDeskItem, given: Json) -> None:
    """Changes a ticket as its owner would do it now; nothing if nothing new is given."""
    kept = desk.taken[item.id]
    before, kept["given"] = kept["given"], given
    changed = {name: value for name, value in given.items() if value != before[name]}
    if not changed:
        return
    ticket, user = desk.tickets[kept["ticket"]], item.assignee or ACCOUNT
    if "CustomFields" in changed:
        old, new = before["CustomFields"], given["CustomFields"]
        names = [n for n in {**old, **new} if old.get(n, "") != new.get(n, "")]
        changed["CustomFields"] = {name: new.get(name) or None for name in names}
    desk.update(ticket, user, {k: v for k, v in changed.items() if k not in _STAMPS})
    _put_stamps(ticket, changed)
    if "Requestor" in changed:
        ticket.requestors = list(changed["Requestor"])
    ticket.values |= {"LastUpdated": text_of(desk.clock()), "LastUpdatedBy": user}


# ---- time worked --------------------------------------------------------------------------------


def _entry(desk: Desk, entry: TimeEntry, made: set[int]) -> None:
    """Adds a line of history by the entry's person, or corrects it; on a ticket that is as new
    (`made`) it is the past, on an older one an edit made now."""
    number, kept = _kept(desk, entry.item)["ticket"], _kept(desk, entry.id)
    given: Json = {
        "item": entry.item, "person": entry.person, "note": entry.note,
        "seconds": entry.duration_s, "at": text_of(_started(entry)),
    }  # fmt: skip
    if kept.get("given") == given:
        return
    ticket, minutes = desk.tickets[number], entry.duration_s // 60
    before = {name: ticket.values[name] for name in ("LastUpdated", "LastUpdatedBy")}
    line = desk.transaction(kept.get("line", 0))
    if line is None:
        desk.message(ticket, "Comment", entry.person, subject=entry.note, content=entry.note)
        line = desk.history[-1]
    former = desk.tickets[line.ticket]
    _add_minutes(former, -line.taken)
    _add_minutes(ticket, minutes)
    line.ticket, line.creator, line.created = number, entry.person, given["at"]
    line.taken, line.content = minutes, entry.note
    line.data = f"{entry.note}\n" if entry.note else "No Subject"
    now = {"LastUpdated": text_of(desk.clock()), "LastUpdatedBy": entry.person}
    former.values |= now
    ticket.values |= before if number in made else now
    desk.taken[entry.id] = {"line": line.id, "given": given}


def _started(entry: TimeEntry) -> datetime:
    return entry.started_at or datetime.combine(entry.on, time(12), UTC)


def _add_minutes(ticket: Ticket, minutes: int) -> None:
    ticket.values["TimeWorked"] = str(int(ticket.values["TimeWorked"]) + minutes)


def _share_time(desk: Desk) -> None:
    """Leaves on each ticket's first line what its item was given beyond its entries' time."""
    entered: Counter[str] = Counter()
    for kept in desk.taken.values():
        if "line" in kept:
            entered[kept["given"]["item"]] += kept["given"]["seconds"]
    for identity, kept in desk.taken.items():
        if "first" in kept:
            first = desk.history[kept["first"] - 1]
            rest = max(0, kept["given"]["spent"] - entered[identity]) // 60
            _add_minutes(desk.tickets[kept["ticket"]], rest - first.taken)
            first.taken = rest
