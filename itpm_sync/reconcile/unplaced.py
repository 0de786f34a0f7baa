"""Groups of records for the report: those that no rule placed, and those that share an id."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from operator import attrgetter
from types import MappingProxyType

from itpm_sync.model import Money, Record, TimeEntry, WorkPackage
from itpm_sync.reconcile.allocate import PACKAGE_KINDS, PLACED_KINDS, Missed, ProjectRecords
from itpm_sync.reconcile.facts import EXAMPLES, evidence_of
from itpm_sync.reconcile.folding import fold
from itpm_sync.reconcile.money import money_total
from itpm_sync.reconcile.status import MissedRule, Unallocated

_WORDS = 10  # packages that are kept of a rule, and codes that records name in vain
_TOLD = 3  # of these, and of rules, that a message names
_LONGEST = 60  # characters of a code in a message
_PROJECT, _WORK_PACKAGE = attrgetter("project_key"), attrgetter("work_package")
_NONE: Mapping[str, Missed] = MappingProxyType({})


def without_package(
    records: ProjectRecords,
    missed: Mapping[str, Missed],
    *,
    has_packages: bool,
    time_cost: Money | None,
) -> tuple[Unallocated, ...]:
    """Records of a project that ought to have a work package, where there is any; `missed` are the
    rules by which they would have had one, `time_cost` is what the time among them costs (None: not
    known).
    """
    if not has_packages:
        return ()
    result: list[Unallocated] = []
    for kind in PLACED_KINDS:
        if kind in PACKAGE_KINDS:
            loose = [p.record for p in records.kinds.get(kind, ()) if not p.package]
            groups = grouped(kind, loose, missed, code=_WORK_PACKAGE)
            if kind == TimeEntry.kind:
                groups = (replace(group, cost=time_cost) for group in groups)
            result += groups
    return tuple(result)


def grouped(
    kind: str,
    records: Sequence[Record],
    missed: Mapping[str, Missed] = _NONE,
    *,
    code: Callable[[Record], str] = _PROJECT,
) -> Iterable[Unallocated]:
    """One group a kind, and a currency where the records carry money or a budget; `code` is what
    would have placed a record, had it been one of ours.
    """
    groups: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        worth = worth_of(record)
        groups[worth.currency if worth else ""].append(record)
    summaries = _summaries(records)
    for currency, found in sorted(groups.items()):
        seconds = [r.duration_s for r in found if isinstance(r, TimeEntry)]
        amounts = [m for r in found if r.id not in summaries and (m := worth_of(r))]
        yield Unallocated(
            kind=kind,
            count=len(found),
            amount=money_total(amounts) if currency else None,
            duration_s=sum(seconds) if seconds else None,
            examples=tuple(evidence_of(r) for r in found[:EXAMPLES]),
            missed=tuple(_by_rule(missed[r.id] for r in found if r.id in missed)),
            named=_most_named(filter(None, map(code, found))),
        )


def worth_of(record: Record) -> Money | None:
    """The amount of a record, or the budget of a work package."""
    name = "budget" if isinstance(record, WorkPackage) else "amount"
    worth = getattr(record, name, None)
    return worth if isinstance(worth, Money) else None


def _summaries(records: Iterable[Record]) -> frozenset[str]:
    """Packages above budgeted ones, by identity: their budgets would count the same money twice."""
    packages = [r for r in records if isinstance(r, WorkPackage)]
    by_code = {(fold(p.project_key), fold(p.code)): p for p in packages}
    found: set[str] = set()
    for package in packages:
        above: WorkPackage | None = package if package.budget else None
        while above is not None:
            above = by_code.get((fold(above.project_key), fold(above.parent)))
            if above is None or above.id in found or above is package:
                break
            found.add(above.id)
    return frozenset(found)


def strays(records: Iterable[Record]) -> Mapping[str, Sequence[str]]:
    """The project codes under which packages of no project stand, by the package's folded code."""
    found: dict[str, set[str]] = defaultdict(set)
    for record in records:
        if isinstance(record, WorkPackage) and record.project_key:
            found[fold(record.code)].add(record.project_key)
    return {code: sorted(projects) for code, projects in found.items()}


def _most_named(codes: Iterable[str]) -> tuple[tuple[str, int], ...]:
    """The codes and how often each is given, the commonest first."""
    found = Counter(codes).items()
    return tuple(sorted(found, key=lambda named: (-named[1], named[0]))[:_WORDS])


def _by_rule(missed: Iterable[Missed]) -> Iterable[MissedRule]:
    """One a rule, in the order of their names."""
    groups: dict[str, list[Missed]] = defaultdict(list)
    for one in missed:
        groups[one.rule].append(one)
    for rule, found in sorted(groups.items()):
        words = sorted({word for one in found for word in one.work_packages})
        yield MissedRule(rule=rule, work_packages=tuple(words[:_WORDS]), count=len(found))


def rules_told(missed: Sequence[MissedRule], project: str) -> str:
    """`the allocation rule "network", whose work package 1.9 is none of NET`; up to three."""
    told = [_rule_told(m, project) for m in missed[:_TOLD]]
    more = [f"{len(missed) - _TOLD} more"] if len(missed) > _TOLD else []
    return " and ".join([*told, *more])


def codes_told(named: Sequence[tuple[str, int]], project: str) -> str:
    """`; the project NTE (2) is not configured`, `; work package 1.9 is none of NET`, or empty."""
    words = [f"{clipped(w)} ({n:,})" if n > 1 else clipped(w) for w, n in named[:_TOLD]]
    told = ", ".join(words) + (", …" if len(named) > _TOLD else "")
    s, are = ("", "is") if len(named) == 1 else ("s", "are")
    if not named:
        return ""
    if project:
        return f"; work package{s} {told} {are} none of {project}"
    return f"; the project{s} {told} {are} not configured"


def clipped(code: str) -> str:
    """A code from outside, at the length that a sentence bears."""
    return code if len(code) <= _LONGEST else f"{code[: _LONGEST - 1]}…"


def _rule_told(missed: MissedRule, project: str) -> str:
    names = missed.work_packages
    told = ", ".join(names[:_TOLD]) + (", …" if len(names) > _TOLD else "")
    packages = f"work package {told} is" if len(names) == 1 else f"work packages {told} are"
    return f'the allocation rule "{missed.rule}", whose {packages} none of {project}'


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
