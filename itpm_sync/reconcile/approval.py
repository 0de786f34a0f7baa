"""Change requests: which are decided and approved, and which of them an item names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date

from itpm_sync.model import ChangeRequest, WorkItem
from itpm_sync.reconcile.allocate import Placed, fold

_APPROVED = frozenset({"approved", "accepted", "authorised", "authorized", "implemented"})
_DECIDED = _APPROVED | {
    "rejected", "refused", "declined", "withdrawn", "cancelled", "canceled", "closed", "done",
}  # fmt: skip


def is_decided(request: ChangeRequest, on: date) -> bool:
    """Whether somebody has approved or refused the change by the day."""
    if request.approved_on is not None and request.approved_on <= on:
        return True
    return fold(request.status) in _DECIDED


def approved_requests(
    requests: Iterable[Placed[ChangeRequest]], on: date
) -> Mapping[str, ChangeRequest]:
    """Change requests that were approved by the day, by folded number."""
    return {
        fold(r.record.number): r.record
        for r in requests
        if r.record.number
        and (
            r.record.approved_on <= on
            if r.record.approved_on is not None
            else fold(r.record.status) in _APPROVED
        )
    }


def named_request(item: WorkItem, requests: Mapping[str, ChangeRequest]) -> str:
    """The number of the change request that the item names in a label, a link, its epic or an
    attribute; `requests` are by folded number.
    """
    if not requests:
        return ""
    texts = (*item.labels, *item.links, item.epic, *item.attributes.values())
    for text in texts:
        for word in (text, *re.split(r"[\s,;]+", text)):
            if found := requests.get(fold(word)):
                return found.number
    return ""
