"""Checks of the sources themselves: what was not read, not whole, or too long ago."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from itpm_sync.errors import scope_name, told_apart, up_to
from itpm_sync.reconcile.facts import PortfolioFacts, finding
from itpm_sync.reconcile.inputs import Coverage
from itpm_sync.reconcile.outages import (
    STALE,
    Outage,
    SourceFinding,
    hours_old,
    is_named,
    is_stale,
    read_at,
    rests_on,
    shortages,
    subject_of,
    wholly_stale,
)
from itpm_sync.reconcile.status import Evidence, Finding, Severity
from itpm_sync.reconcile.wording import apart, count

_IN_DAYS_H = 72  # from here on an age reads better in days
_CODES = 6  # of projects that a message names


def stale_source(facts: PortfolioFacts) -> Iterator[Finding]:
    """Sources that were last read longer ago than the policy allows: one finding a connection,
    under its name where it is about all of it, else under that of its first scope. What waivers
    name is told scope by scope. Where `incomplete-source` says why, it tells this too.
    """
    told = {key for outage in facts.outages for key in outage.stands_for}
    whole = wholly_stale(facts.inputs, facts.end)
    old: dict[str, list[Coverage]] = defaultdict(list)
    for row in sorted(facts.inputs.coverage, key=lambda c: (c.connection, c.stream, c.scope)):
        own = SourceFinding(code=STALE, subject=subject_of(row))
        if is_stale(row, facts.inputs, facts.end) and own.key not in told:
            old[row.connection].append(row)
    for connection, found in old.items():
        rows = []
        for row in found:
            if is_named(row, STALE, facts.inputs):
                yield _stale(subject_of(row), [row], facts)
            else:
                rows.append(row)
        if rows:
            subject = connection if connection in whole else subject_of(rows[0])
            yield _stale(subject, rows, facts)


def _ages(rows: Sequence[Coverage], facts: PortfolioFacts) -> str:
    """`2 scopes of it were last read up to 48 h before the end of the data date (limit 36 h)`."""
    read = [row for row in rows if hours_old(row, facts.end) is not None]
    never = len(rows) - len(read)
    if not read:
        return f"{count(never, 'scope')} of it were never read"
    oldest = max(read, key=lambda row: hours_old(row, facts.end) or 0)
    differ = len({_age(row, facts) for row in read}) > 1
    were = "was" if len(read) == 1 else "were"
    told = f"{count(len(read), 'scope')} of it {were} last read {'up to ' if differ else ''}"
    rest = f"; never read: {count(never, 'scope')}" if never else ""
    return f"{told}{_age(oldest, facts)}{rest}"


def _age(row: Coverage, facts: PortfolioFacts) -> str:
    """`48 h before the end of the data date (limit 36 h)`; empty where it was never read."""
    hours = hours_old(row, facts.end)
    if hours is None:
        return ""
    limit = facts.inputs.policy.stale_after_h
    ago = f"{apart(hours, limit, 0)} h"
    if hours >= max(_IN_DAYS_H, limit + 24):
        ago = f"{hours // 24:.0f} days"
    return f"{ago} before the end of the data date (limit {limit} h)"


def _stale(subject: str, rows: Sequence[Coverage], facts: PortfolioFacts) -> Finding:
    (first, *more) = rows
    keys = (SourceFinding(code=STALE, subject=subject_of(row)).key for row in rows)
    if more:
        told = f"Source {first.connection}: {_ages(rows, facts)}"
    else:
        age = _age(first, facts)
        told = f"Source {first.place} was {f'last read {age}' if age else 'never read'}"
    return Finding(
        code="stale-source",
        severity=Severity.HIGH,
        project="",
        subject=subject,
        message=told,
        action="See `itpm-sync status` for the failed run, mend the connection and pull again.",
        evidence=_scopes(rows) if more else (),
        stands_for=tuple(k for k in keys if k != f"{STALE}//{subject}"),
    )


def incomplete_source(facts: PortfolioFacts) -> Iterator[Finding]:
    """Streams whose latest pull did not complete, or whose count is not that of the source: one
    finding a cause. A past data date is judged by the pulls up to then, and lacks nothing that a
    later one has read whole.

    Where only quarantined records are missing, `rejected-records` says so, record by record.
    """
    told = {row for outage in facts.outages for row in outage.rows}
    for outage in facts.outages:
        yield _outage(outage, facts)
    for row in shortages(facts.inputs):
        if row not in told:
            reason, advice = told_apart(row.reason)
            yield finding(
                "incomplete-source",
                Severity.HIGH,
                "",
                subject_of(row),
                _shortage(row) + (f"; {reason}" if reason else ""),
                action=_then_pull(advice),
            )


def _shortage(row: Coverage) -> str:
    known = row.source_count is not None
    told = f"the source has {row.source_count:,}" if known else "the source cannot say how many"
    return f"Source {row.place}: {row.stored:,} stored, {told}"


def _outage(outage: Outage, facts: PortfolioFacts) -> Finding:
    (first, *more) = outage.rows
    told = outage.told
    if not more and first.stream and first.stored != first.source_count:
        told = _shortage(first)
    touched = _touched(outage, facts)
    return Finding(
        code="incomplete-source",
        severity=Severity.HIGH,
        project="",
        subject=outage.subject,
        message=f"{told}; {outage.reason}" + (f". {touched}" if touched else ""),
        action=_then_pull(outage.advice),
        evidence=_scopes(outage.rows) if more else (),
        stands_for=outage.stands_for,
    )


def _touched(outage: Outage, facts: PortfolioFacts) -> str:
    """What of which projects is old, and what is missing: `As of 22 Nov 2026, 07:00: progress and
    scope (EV) of NET, SDM. Missing, of whatever project: labour (AC)`.
    """
    old, missing = rests_on(outage.kinds), rests_on(outage.missing)
    codes = up_to(_CODES, [*outage.projects])
    of = f" of {codes}" if codes else ""
    told = [f"As of {read_at(outage, facts.inputs.zone)}: {old}{of}"] if old else []
    told += [f"Missing, of whatever project: {missing}"] if missing else []
    never = f"; never read: {count(outage.never, 'scope')}" if outage.never and outage.read else ""
    return ". ".join(told) + never if told else ""


def _scopes(rows: Sequence[Coverage]) -> tuple[Evidence, ...]:
    return tuple(
        Evidence(identity=subject_of(row), label=scope_name(row.stream, row.scope)) for row in rows
    )


def _then_pull(advice: str) -> str:
    """What a person does: what the cause asks for, where it says so, before the source is read."""
    if not advice:
        return "Pull again; if it stays, pull with --full --sweep."
    end = "" if advice.endswith((".", "?", "!")) else "."
    return f"{advice[0].upper()}{advice[1:]}{end} Then pull again."
