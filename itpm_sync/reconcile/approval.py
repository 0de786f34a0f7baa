"""Change requests: which are decided and approved, and which of them an item names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from itpm_sync.model import ChangeRequest, WorkItem
from itpm_sync.reconcile.allocate import Placed
from itpm_sync.reconcile.folding import fold

_APPROVED = frozenset({"approved", "accepted", "authorised", "authorized", "implemented"})
_BARE = re.compile(r"#?[\d.]+")
ATTRIBUTE = "change_request"
"""The attribute of a work item, as a mapping fills it, that can name a request by a bare number."""
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

    A number without letters is also a rank, a row or an amount: it names a request only as a whole
    label or link, or in the attribute `change_request`.
    """
    if not requests:
        return ""
    texts = (*item.labels, *item.links, item.epic, *item.attributes.values())
    for text in texts:
        for word in _words(text):
            found = requests.get(fold(word))
            if found and (not _BARE.fullmatch(fold(word)) or _is_meant(item, fold(word))):
                return found.number
    return ""


def _words(text: str) -> Sequence[str]:
    return (text, *re.split(r"[\s,;]+", text))


def _is_meant(item: WorkItem, number: str) -> bool:
    """Whether a bare number stands where nothing else than a change request is named by it."""
    told = item.attributes.get(ATTRIBUTE, "")
    return number in map(fold, (*item.labels, *item.links, *_words(told)))
