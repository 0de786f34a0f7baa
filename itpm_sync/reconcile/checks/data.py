"""Checks of what the sources gave: what is rejected, repeated or unplaced."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from fractions import Fraction

from itpm_sync.errors import up_to
from itpm_sync.model import HelpDeskItem, Record, WorkItem, WorkPackage
from itpm_sync.reconcile.booking import Unlinked
from itpm_sync.reconcile.facts import PortfolioFacts, ProjectFacts, finding, label, place
from itpm_sync.reconcile.folding import fold
from itpm_sync.reconcile.future_dated import document_day
from itpm_sync.reconcile.inputs import Rejected
from itpm_sync.reconcile.status import Evidence, Finding, Severity, Unallocated
from itpm_sync.reconcile.unplaced import clipped, codes_told, grouped, rules_told, worth_of
from itpm_sync.reconcile.wording import count, day, kind, show

_SINGLE_REJECTIONS = 200  # per stream; beyond that one finding lists them all
_WORDS = 5  # keys that a message names


def unallocated_records(facts: ProjectFacts | PortfolioFacts) -> Iterator[Finding]:
    """Records without a project, or without a package in a project that has packages.

    Of a project's tickets without a package, `orphan-tickets` tells.
    """
    project = facts.code if isinstance(facts, ProjectFacts) else ""
    for group in facts.unallocated:
        if project and group.kind == WorkItem.kind:
            continue
        one = group.count == 1
        where = "in the project's totals only" if project else "in no total"
        currency = f" {group.amount.currency}" if group.amount is not None else ""
        yield Finding(
            code="unallocated-records",
            severity=_severity(group, facts),
            project=project,
            subject=f"{group.kind}{currency}",
            message=f"{count(group.count, kind(group.kind))}{_worth(group)} "
            f"{_unmatched(group, project)}: {'it is' if one else 'they are'} {where}"
            f"{codes_told(group.named, project)}",
            action=_placing(group, facts),
            amount=group.amount or group.cost,
            evidence=group.examples,
        )


def _severity(group: Unallocated, facts: ProjectFacts | PortfolioFacts) -> Severity:
    """High: budgets of a plan under a code that looks like one of ours are most likely those of
    that project, which then lacks them. A plan may well have projects that are not ours."""
    if isinstance(facts, ProjectFacts):
        return Severity.LOW
    ours = [p.code for p in facts.inputs.projects]
    budgets = group.kind == WorkPackage.kind and group.amount is not None
    misspelt = budgets and any(_meant(code, ours) for code, _ in group.named)
    return Severity.HIGH if misspelt else Severity.MEDIUM


def _placing(group: Unallocated, facts: ProjectFacts | PortfolioFacts) -> str:
    """What to do; where only one code is named and looks like one of ours, which."""
    if _missed(group) == group.count:
        return "Correct the rule, or add the work package to the plan."
    if not group.named:
        return "Add an allocation rule, or the missing code at the source."
    if isinstance(facts, ProjectFacts):
        known, what = [f.plan.code for f in facts.packages], "add the work package to the plan"
        stray = _astray(group, facts)
    else:
        known, what = [p.code for p in facts.inputs.projects], "configure the project"
        stray = ""
    meant = stray or (_meant(group.named[0][0], known) if len(group.named) == 1 else "")
    return f"Correct the code at the source{meant}, {what}, or add an allocation rule."


def _meant(code: str, known: Iterable[str]) -> str:
    """` (NTE: NET?)`: the code that was probably meant, whatever its case."""
    ours = {fold(one): one for one in known}
    nearest = get_close_matches(fold(code), ours, n=1)
    return f" ({clipped(code)}: {ours[nearest[0]]}?)" if nearest else ""


def _astray(group: Unallocated, facts: ProjectFacts) -> str:
    """` (WP3 stands in the plan under project ALPHA: ALFA?)`: where the very package that records
    name is one of an unknown project; of several such projects the one whose code is alike."""
    for code, _ in group.named:
        under = facts.strays.get(fold(code), ())
        alike = under if len(under) == 1 else get_close_matches(facts.code, under, n=1)
        if alike:
            where = f"stands in the plan under project {clipped(alike[0])}"
            return f" ({clipped(code)} {where}: {facts.code}?)"
    return ""


def _missed(group: Unallocated) -> int:
    return sum(m.count for m in group.missed)


def _unmatched(group: Unallocated, project: str) -> str:
    """`match no rule for a project`, or which rules they match in vain."""
    match, missed = "matches" if group.count == 1 else "match", _missed(group)
    if not missed:
        return f"{match} no rule for {f'a work package of {project}' if project else 'a project'}"
    if missed == group.count:
        return f"{match} {rules_told(group.missed, project)}"
    rules = rules_told(group.missed, project)
    return f"are in no work package of {project}, {missed:,} of them by {rules}"


def _worth(group: Unallocated) -> str:
    if group.amount is not None:
        return f" ({group.amount})"
    hours = None if group.duration_s is None else f"{group.duration_s / 3600:,.1f} h"
    known = [str(part) for part in (hours, group.cost) if part is not None]
    return f" ({', '.join(known)})" if known else ""


def sla_breached(p: ProjectFacts) -> Iterator[Finding]:
    """Help-desk items, open or closed in the last 7 days, that missed a target."""
    if p.desk is None or not p.desk.breached:
        return
    status = p.desk.status
    missed = {"resolution": status.resolve_breaches, "response": status.response_breaches}
    parts = [f"{what} ({number})" for what, number in missed.items() if number]
    if len(parts) == 1:
        parts = [what for what, number in missed.items() if number]
    yield finding(
        "sla-breached",
        Severity.HIGH if status.resolve_breaches else Severity.MEDIUM,
        p.code,
        "help-desk",
        f"{count(len(p.desk.breached), 'help-desk item')} missed the target for "
        + " and ".join(parts),
        action="Work on the oldest first; if it recurs, look at the team's load.",
        evidence=_open_first(p.desk.breached),
    )


def _open_first(items: Iterable[HelpDeskItem]) -> Iterable[HelpDeskItem]:
    return sorted(items, key=lambda i: (i.resolved_at is not None, i.id))


def rejected_records(facts: PortfolioFacts) -> Iterator[Finding]:
    """Records or values that could not be used, each named; none is lost."""
    yield from _unlinked(facts)
    yield from _future_dated(facts)
    streams: dict[tuple[str, str], list[Rejected]] = defaultdict(list)
    for rejected in facts.inputs.rejected:
        streams[rejected.connection, rejected.stream].append(rejected)
    for (connection, stream), found in sorted(streams.items()):
        found.sort(key=lambda r: (r.place, r.source_id, r.message))
        if len(found) <= _SINGLE_REJECTIONS:
            yield from (_one_rejected(r, n) for n, r in _numbered(found))
            continue
        yield Finding(
            code="rejected-records",
            severity=Severity.HIGH,
            project="",
            subject=f"{connection}/{stream}",
            message=f"{len(found):,} records of {connection} {stream} were rejected; the first: "
            f"{_told(found[0])}",
            action="Correct them at the source; the list is in the evidence.",
            evidence=tuple(
                Evidence(identity=f"{connection}:{stream}:{r.source_id}", label=_told(r))
                for r in found
            ),
        )


def _unlinked(facts: PortfolioFacts) -> Iterator[Finding]:
    """Time whose item is a key that no ticket has, or several: one finding a stream."""
    streams: dict[tuple[str, str], list[Unlinked]] = defaultdict(list)
    for one in facts.unlinked:
        streams[one.entry.ref.connection, one.entry.ref.stream].append(one)
    for (connection, stream), found in sorted(streams.items()):
        hours = show(Fraction(sum(u.entry.duration_s for u in found), 3600), 1)
        words = up_to(_WORDS, sorted({_named(u) for u in found}))
        verb = "names" if len(found) == 1 else "name"
        yield finding(
            "rejected-records",
            Severity.MEDIUM,
            "",
            f"{connection}/{stream}/item",
            f"Source {connection} {stream}: {count(len(found), 'time entry')} "
            f"({hours} h) {verb} an item that cannot be told: {words}",
            action="Write the ticket's key as its source has it, or its identity "
            "(CONNECTION:STREAM:ID); the time counts by its own project and work package.",
            evidence=(u.entry for u in found),
        )


def _future_dated(facts: PortfolioFacts) -> Iterator[Finding]:
    """Documents of a day that had not come when they were read: one finding a stream and kind, and
    a currency where they carry money."""
    streams: dict[tuple[str, str, str], list[Record]] = defaultdict(list)
    for record in facts.future_dated:
        streams[record.ref.connection, record.ref.stream, record.kind].append(record)
    for (connection, stream, name), records in sorted(streams.items()):
        for group in grouped(name, records):
            currency = group.amount.currency if group.amount else ""
            found = [r for r in records if (w.currency if (w := worth_of(r)) else "") == currency]
            yield finding(
                "rejected-records",
                Severity.MEDIUM,
                "",
                f"{connection}/{stream}/{name}/later" + (f"/{currency}" if currency else ""),
                f"Source {connection} {stream}: {_counted(group)} dated later than the day of "
                f"reading, in no figure until that day: {_days_told(found)}",
                action="Correct the date at the source; a posting that is planned for that day "
                "counts from then on.",
                amount=group.amount,
                evidence=found,
            )


def _counted(group: Unallocated) -> str:
    are = "is" if group.count == 1 else "are"
    return f"{count(group.count, kind(group.kind))}{_worth(group)} {are}"


def _days_told(records: list[Record]) -> str:
    """`Invoice INV4 line 1, EUR 1,000.00 on 20 Nov 2062`; up to five."""
    told = [
        clipped(label(r)).removesuffix(f" on {day(on)}") + f" on {day(on)}"  # time tells its day
        for r in records
        if (on := document_day(r))
    ]
    return up_to(_WORDS, told, "; ")


def _named(unlinked: Unlinked) -> str:
    who = " and ".join(sorted({t.ref.connection for t in unlinked.several}))
    return f"{unlinked.entry.item} ({f'several: in {who}' if who else 'no ticket has this key'})"


def _numbered(found: list[Rejected]) -> Iterator[tuple[int, Rejected]]:
    """Each with how many of the same place came before, so that every subject is its own."""
    seen: dict[tuple[str, str], int] = defaultdict(int)
    for rejected in found:
        key = (rejected.source_id, rejected.place)
        yield seen[key], rejected
        seen[key] += 1


def _told(r: Rejected) -> str:
    return r.message if not r.place or r.place in r.message else f"{r.place}: {r.message}"


def _one_rejected(r: Rejected, number: int) -> Finding:
    where = " ".join(w for w in (r.source_id, r.place) if w)
    return Finding(
        code="rejected-records",
        severity=Severity.MEDIUM,
        project="",
        subject=f"{r.connection}/{r.stream}/{where}" + (f"#{number + 1}" if number else ""),
        message=f"Source {r.connection} {r.stream}, record {r.source_id or 'of no id'}: {_told(r)}",
        action="Correct the value at the source; the rest of the source is loaded.",
        evidence=(
            Evidence(
                identity=f"{r.connection}:{r.stream}:{r.source_id}", label=r.place or r.source_id
            ),
        ),
    )


def repeated_id(facts: PortfolioFacts) -> Iterator[Finding]:
    """Records of one stream that share an id which ought to be unique."""
    for records in facts.repeated:
        first = records[0]
        word = str(getattr(first, "code", "") or getattr(first, "number", ""))
        yield finding(
            "repeated-id",
            Severity.MEDIUM,
            "",
            f"{first.ref.connection}/{first.ref.stream}/{first.kind}/{first.project_key}/{word}",
            f"{count(len(records), kind(first.kind))} share the id {word}: "
            + ", ".join(f"{place(r)} ({label(r)})" for r in records),
            action="Give each its own id at the source; each is shown as its own until then.",
            evidence=records,
        )
