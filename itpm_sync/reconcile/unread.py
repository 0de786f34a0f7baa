"""What figures lack because a source of theirs, though configured, was never read, or gave what
cannot be used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType

from itpm_sync.reconcile.inputs import Rejected
from itpm_sync.reconcile.wording import count

NeverRead = Mapping[str, Sequence[str]]
"""Kinds of record with the configured streams that give them and were never read."""

_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "time_entry": "time entries",
        "invoice_line": "invoices",
        "order_line": "purchase orders",
        "receipt": "receipts",
    }
)
_COST: Mapping[str, str] = MappingProxyType(
    {
        "time_entry": "their labour is",
        "invoice_line": "they are",
        "order_line": "accruals on them are",
        "receipt": "their accruals are",
    }
)


COST_KINDS = frozenset(_COST)
"""The kinds of record that actual cost is made of."""


def why_none(kind: str, never_read: NeverRead) -> str:
    """Why nothing is known of a kind: `receipts never read (office receipts)`."""
    streams = never_read.get(kind, ())
    if not streams:
        return f"no source of {_WORDS[kind]} is connected"
    return f"{_WORDS[kind]} never read ({', '.join(streams)})"


def not_netted(never_read: NeverRead, tells: Callable[[str], bool]) -> str:
    """What the open order balance was not lessened by: `receipts never read (office receipts): what
    was received is not taken off`; empty where all is known. `tells`: whether what there is of a
    kind is known, be it none.
    """
    return "; ".join(
        f"{why_none(kind, never_read)}: what was {done} is not taken off"
        for kind, done in (("receipt", "received"), ("invoice_line", "invoiced"))
        if kind in never_read or not tells(kind)
    )


def lacking_cost(never_read: NeverRead, rejected: Iterable[Rejected] = ()) -> Iterator[str]:
    """What actual cost lacks: `receipts never read (office receipts): their accruals are not in
    it`, `3 records of office time stand in quarantine: what they say is not in it`. Whose records
    these are nobody knows, so that the cost of every project may lack them.
    """
    for kind, words in _COST.items():
        if kind in never_read:
            yield f"{why_none(kind, never_read)}: {words} not in it"
    streams: dict[tuple[str, str], set[tuple[str, str]]] = {}
    for one in rejected:
        if not one.soft and one.kinds & COST_KINDS:
            row = one.source_id, "" if one.source_id else one.place
            streams.setdefault((one.connection, one.stream), set()).add(row)
    for (connection, stream), rows in sorted(streams.items()):
        told, are = count(len(rows), "record"), "stands" if len(rows) == 1 else "stand"
        say = "it says" if len(rows) == 1 else "they say"
        yield f"{told} of {connection} {stream} {are} in quarantine: what {say} is not in it"
