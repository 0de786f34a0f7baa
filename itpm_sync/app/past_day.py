"""The records of a past day: those that existed then, as far as the sources and readings tell.

What is stored of a day before its stream was first read is what that reading found: the nearest
that is known. A record that came later still was in no plan of that day, unless its own date says
that it existed: an invoice of that week may well be booked a month later.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from itpm_sync.app.session import Session
from itpm_sync.model import (
    KINDS,
    ChangeRequest,
    Contract,
    FieldChange,
    FxRate,
    Gate,
    HelpDeskItem,
    InvoiceLine,
    Payment,
    Person,
    Rate,
    Receipt,
    Record,
    Team,
    TimeEntry,
    WorkItem,
)
from itpm_sync.reconcile.future_dated import document_day
from itpm_sync.store import RejectedRecord

Scope = tuple[str, str, str]  # connection, stream, scope
_TIMELESS = (Person, Team, Rate, FxRate, FieldChange)
"""Who is who and what things cost is no plan, whenever it was entered; a change has its moment."""
_DATED = (TimeEntry, Receipt, InvoiceLine, Payment)
"""Each has its day, which says that it existed. They are most of a store: nothing is asked of them.
"""


@dataclass(frozen=True, slots=True)
class Existing:
    """The records by kind, and how many were left out because they were added later."""

    records: Mapping[str, tuple[Record, ...]]
    added: Mapping[Scope, int]


def existing(session: Session, day: date, moment: datetime | None) -> Existing:
    """The live records of the configured connections on a day that ends at `moment`; None: now.

    Documents and tickets that are dated later are among them: whoever counts them sees their date.
    """
    store = session.store
    live = {kind: configured(session, store.records(kind, as_of=moment)) for kind in KINDS}
    if moment is None:
        return Existing(live, {})
    plans = [kind for kind, cls in KINDS.items() if not issubclass(cls, (*_TIMELESS, *_DATED))]
    scopes = {
        one.id: (one.connection, one.stream, one.scope)
        for added in store.added_after(plans, moment).values()
        for one in added
    }
    late = {r.id for rs in live.values() for r in rs if r.id in scopes and not _existed(r, day)}
    return Existing(
        {kind: tuple(r for r in found if r.id not in late) for kind, found in live.items()},
        Counter(scopes[identity] for identity in late),
    )


def quarantined(session: Session, moment: datetime | None) -> tuple[RejectedRecord, ...]:
    """What of the configured connections stood in quarantine at a moment, and stands there still;
    None: now. Before a stream was first read whole, what that reading put there: as of its records.
    What was mended since is not kept.
    """
    names, store = session.config.connections, session.store
    found = tuple(r for r in store.rejected() if r.connection in names)
    if moment is None:
        return found
    whole: dict[tuple[str, str], datetime] = {}
    for (connection, stream, _), at in store.whole_from().items():
        whole[connection, stream] = max(at, whole.get((connection, stream), moment))
    return tuple(
        r for r in found if r.first_seen <= whole.get((r.connection, r.stream), r.first_seen)
    )


def configured(session: Session, records: Iterable[Record]) -> tuple[Record, ...]:
    """Without what a connection left behind that is configured no more: renamed, it would count
    twice. Its records stay in the store and are back with its name."""
    names = session.config.connections
    return tuple(r for r in records if r.ref.connection in names)


def _existed(record: Record, day: date) -> bool:
    """Whether a record that was read late says by its own date that it existed; of one that is
    dated after the day, whoever counts it sees so."""
    if isinstance(record, WorkItem | HelpDeskItem):
        return record.created_at is not None
    if isinstance(record, Contract):
        return record.start is not None and record.start <= day
    if isinstance(record, ChangeRequest | Gate):
        return record.approved_on is not None and record.approved_on <= day
    return document_day(record) is not None
