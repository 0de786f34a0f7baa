"""Which projects the records in quarantine belong to, as far as that can be known. Pure.

A record that cannot be read does not say where it belongs. It is known where an earlier state of it
is stored, where the source lists it under a project, and where its key holds a project's code.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from itpm_sync.reconcile.allocate import Allocation
from itpm_sync.reconcile.facts import label
from itpm_sync.reconcile.folding import fold
from itpm_sync.reconcile.inputs import Inputs, Rejected
from itpm_sync.reconcile.status import Quarantined


def quarantined(inputs: Inputs, allocation: Allocation) -> Mapping[str, Sequence[Quarantined]]:
    """What cannot be used, by the code of the project that it is known to belong to."""
    hard = [r for r in inputs.rejected if not r.soft]
    stored = _stored({_identity(r) for r in hard}, allocation) if hard else {}
    codes = {fold(p.code): p.code for p in inputs.projects}
    found: dict[str, list[Quarantined]] = defaultdict(list)
    for one in sorted(hard, key=lambda r: (r.connection, r.stream, r.place, r.message)):
        code, name = stored.get(_identity(one)) or (_named(one, codes), "")
        if code:
            found[code].append(_told(one, name))
    return found


def _identity(one: Rejected) -> str:
    return f"{one.connection}:{one.stream}:{one.source_id}"


def _stored(wanted: set[str], allocation: Allocation) -> Mapping[str, tuple[str, str]]:
    """Project and name of those of which an earlier state is stored."""
    return {
        placed.record.id: (code, label(placed.record))
        for code, records in allocation.projects.items()
        for group in records.kinds.values()
        for placed in group
        if placed.record.id in wanted
    }


def _named(one: Rejected, codes: Mapping[str, str]) -> str:
    """The only project whose code is the scope, or a part of the key; empty: none, or several."""
    words: Iterable[str] = (one.scope, *one.source_id.split("/"))
    found = {codes[fold(word)] for word in words if fold(word) in codes}
    return found.pop() if len(found) == 1 else ""


def _told(one: Rejected, name: str) -> Quarantined:
    link = one.place if one.place.startswith(("http://", "https://")) else ""
    where = one.place if one.place and one.place not in one.message and not link else ""
    return Quarantined(
        name=name or one.source_id,
        source=f"{one.connection} {one.stream}",
        message=f"{where}: {one.message}" if where else one.message,
        url=link,
    )
