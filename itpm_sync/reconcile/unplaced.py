"""Groups of records for the report: those that no rule placed, and those that share an id."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from itpm_sync.model import Money, Record, TimeEntry
from itpm_sync.reconcile.allocate import PACKAGE_KINDS, PLACED_KINDS, ProjectRecords, fold
from itpm_sync.reconcile.facts import EXAMPLES, evidence_of, money_total
from itpm_sync.reconcile.status import Unallocated


def without_package(records: ProjectRecords, has_packages: bool) -> tuple[Unallocated, ...]:
    """Records of a project that ought to have a work package, where there is any."""
    if not has_packages:
        return ()
    result: list[Unallocated] = []
    for kind in PLACED_KINDS:
        if kind in PACKAGE_KINDS:
            loose = [p.record for p in records.kinds.get(kind, ()) if not p.package]
            result += grouped(kind, loose)
    return tuple(result)


def grouped(kind: str, records: Sequence[Record]) -> Iterable[Unallocated]:
    """One group a kind, and a currency where the records carry money."""
    groups: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        amount = getattr(record, "amount", None)
        groups[amount.currency if isinstance(amount, Money) else ""].append(record)
    for currency, found in sorted(groups.items()):
        seconds = [r.duration_s for r in found if isinstance(r, TimeEntry)]
        amounts = [m for r in found if isinstance(m := getattr(r, "amount", None), Money)]
        yield Unallocated(
            kind=kind,
            count=len(found),
            amount=money_total(amounts) if currency else None,
            duration_s=sum(seconds) if seconds else None,
            examples=tuple(evidence_of(r) for r in found[:EXAMPLES]),
        )


def repeated(records: Mapping[str, Sequence[Record]]) -> Sequence[Sequence[Record]]:
    """Projects, packages (within a project) and contracts of one stream that share their id."""
    groups: dict[tuple[str, ...], list[Record]] = defaultdict(list)
    for kind, name in (("project", "code"), ("work_package", "code"), ("contract", "number")):
        for record in records.get(kind, ()):
            word = fold(str(getattr(record, name)))
            owner = "" if kind == "project" else fold(record.project_key)
            if word:
                key = (kind, record.ref.connection, record.ref.stream, owner, word)
                groups[key].append(record)
    return [groups[key] for key in sorted(groups) if len(groups[key]) > 1]
