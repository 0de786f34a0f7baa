"""Documents of a day that had not come when they were read: a mistyped year, a planned posting."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from operator import attrgetter

from itpm_sync.model import InvoiceLine, OrderLine, Payment, Receipt, Record, TimeEntry
from itpm_sync.reconcile.inputs import Inputs
from itpm_sync.reconcile.workdays import Zone

_DATES: Mapping[type[Record], Callable[[Record], date | None]] = {
    TimeEntry: attrgetter("on"),
    InvoiceLine: attrgetter("invoiced_on"),
    OrderLine: attrgetter("ordered_on"),
    Receipt: attrgetter("received_on"),
    Payment: attrgetter("paid_on"),
}


def document_day(record: Record) -> date | None:
    """The day of an order, a receipt, an invoice, a payment or a time entry; None: it has none, or
    the record is no such document.
    """
    found = _DATES.get(type(record))
    return found(record) if found else None


def future_dated(inputs: Inputs, zone: Zone) -> Sequence[Record]:
    """The documents of a day after the data date that was not over either when their stream was
    read last, by identity. What came between a past data date and that reading is no mistake.
    """
    read: dict[tuple[str, str], date] = {}
    for c in inputs.coverage:
        for moment in (c.as_of, c.later.as_of if c.later else None):
            if moment is not None:
                place = c.connection, c.stream
                read[place] = max(read.get(place, inputs.data_date), zone.day_of(moment))
    found = (
        record
        for kind in _DATES
        for record in inputs.records.get(kind.kind, ())
        if (day := document_day(record)) is not None
        and (known := read.get((record.ref.connection, record.ref.stream))) is not None
        and day > known
    )
    return sorted(found, key=attrgetter("id"))
