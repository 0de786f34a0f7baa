"""What figures lack because a source of theirs, though configured, was never read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType

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


def lacking_cost(never_read: NeverRead) -> Iterator[str]:
    """What actual cost lacks: `receipts never read (office receipts): their accruals are not in
    it`.
    """
    for kind, words in _COST.items():
        if kind in never_read:
            yield f"{why_none(kind, never_read)}: {words} not in it"
