"""Checks of tickets against each other: the same work twice, across systems and within."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from itpm_sync.model import WorkItem
from itpm_sync.reconcile.duplicates import (
    Basis,
    Capped,
    Pair,
    Series,
)
from itpm_sync.reconcile.facts import PortfolioFacts, finding, label
from itpm_sync.reconcile.likeness import ONE, Likeness, Ticket, told
from itpm_sync.reconcile.status import Finding, Severity
from itpm_sync.reconcile.wording import count, day, show

_SHOWN = 60  # characters of a title in a message


def duplicate_work(facts: PortfolioFacts) -> Iterator[Finding]:
    """Tickets that look like the same work, at least one of them open; suggested, never merged."""
    found, choices = facts.duplicates, facts.inputs.duplicates
    for pair in found.pairs[: choices.listed]:
        yield _pair(facts, pair)
    for series in found.series:
        yield _series(facts, series)


def duplicate_search_limited(facts: PortfolioFacts) -> Iterator[Finding]:
    """Pairs that were not looked at, or are not listed one by one."""
    found, choices = facts.duplicates, facts.inputs.duplicates
    rest = found.pairs[choices.listed :]
    parts = []
    if rest:
        parts.append(f"{count(len(rest), 'pair')} of lower score are not listed one by one")
    if found.capped:
        parts.append(_capped(found.capped))
    if parts:
        shown = [t.record for p in rest for t in (p.a, p.b)]
        yield finding(
            "duplicate-search-limited",
            Severity.LOW,
            "",
            "duplicates",
            "The search for duplicates was limited: " + "; ".join(parts),
            action="Decide the listed pairs first, or raise `suggest`, `listed` or `block_limit`.",
            evidence=shown,
        )


def _capped(capped: tuple[Capped, ...]) -> str:
    first = ", ".join(f"“{c.word}” ({c.tickets:,} tickets)" for c in capped[:3])
    more = f" and {len(capped) - 3:,} more words" if len(capped) > 3 else ""
    return (
        f"tickets that share {first}{more} were compared only with the "
        f"{capped[0].compared_with} entered next to them"
    )


def _pair(facts: PortfolioFacts, pair: Pair) -> Finding:
    a, b = pair.a.record, pair.b.record
    return finding(
        "duplicate-work",
        Severity.MEDIUM if pair.sure else Severity.LOW,
        facts.home((a, b)),
        f"{a.id}+{b.id}",
        f"{_called(pair.a)} and {_called(pair.b)} {_verdict(pair)}. {_stake(pair)}",
        action=_advice(pair),
        evidence=(a, b),
    )


def _called(ticket: Ticket) -> str:
    record, state = ticket.record, "" if ticket.open else ", closed"
    title = record.title if len(record.title) <= _SHOWN else f"{record.title[:_SHOWN]}…"
    return f"{record.ref.connection} {record.key} “{title}”{state}"


def _verdict(pair: Pair) -> str:
    if pair.decision is not None:
        who = f" by {pair.decision.author}" if pair.decision.author else ""
        on = f" on {day(pair.decision.on)}" if pair.decision.on else ""
        return f"are confirmed duplicates{who}{on}, and both are open"
    if pair.basis is Basis.LINKED:
        return (
            "are linked as duplicates, and " + ("both are" if _both(pair) else "one is") + " open"
        )
    if pair.basis is Basis.NAMED:
        return f"name each other, and their titles agree ({_share(pair.found.title)})"
    word = "are almost surely" if pair.sure else "may be"
    return f"{word} the same work: score {_share(pair.found.score)} ({_parts(pair.found)})"


def _both(pair: Pair) -> bool:
    return pair.a.open and pair.b.open


def _share(part: int) -> str:
    return show(Fraction(part, ONE))


def _parts(found: Likeness) -> str:
    return ", ".join(f"{name} {part}" for name, part in told(found).items())


def _stake(pair: Pair) -> str:
    if pair.at_stake_s is None:
        return "Effort at stake n/a: no open one is estimated"
    return f"Effort at stake: {show(Fraction(pair.at_stake_s, 3600), 1)} h remaining"


def _advice(pair: Pair) -> str:
    if pair.decision is not None or pair.basis is Basis.LINKED:
        return "Close one of them; carry over what only it says."
    ids = ", ".join(f'"{i}"' for i in pair.key)
    return (
        "Compare them; keep one and close the other with a link to it. To settle it, under "
        f"`duplicates.decisions`: `{{pair: [{ids}], verdict: rejected, author: …}}`."
    )


def _series(facts: PortfolioFacts, series: Series) -> Finding:
    pairs, names = series.pairs, [_holder(facts, series, word) for word in series.between]
    hours = [s for p in pairs if (s := p.at_stake_s) is not None]
    effort = f"{show(Fraction(sum(hours), 3600), 1)} h remaining" if hours else "n/a: no estimates"
    records = [t.record for p in pairs for t in (p.a, p.b)]
    return finding(
        "duplicate-work",
        Severity.LOW,
        facts.home(records),
        f"{pairs[0].a.connection}:{'+'.join(series.between)}",
        f"{count(len(pairs), 'ticket')} of {names[0]} are like tickets of {names[1]}: copies of a "
        f"template, or the same plan twice. Effort at stake: {effort}",
        action="If both are needed, nothing; else close one side.",
        evidence=records,
    )


def _holder(facts: PortfolioFacts, series: Series, word: str) -> str:
    """The key of a parent, by its source's id; epics and projects are named by key already."""
    connection = series.pairs[0].a.connection
    for record in facts.inputs.records.get("work_item", ()):
        same = record.ref.connection == connection and record.ref.source_id == word
        if same and isinstance(record, WorkItem):
            return label(record)
    return word
