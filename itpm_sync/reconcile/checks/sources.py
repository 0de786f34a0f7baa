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
    is_stale,
    read_at,
    rests_on,
    shortages,
    subject_of,
)
from itpm_sync.reconcile.status import Evidence, Finding, Severity
from itpm_sync.reconcile.waiving import named_by_waivers
from itpm_sync.reconcile.wording import apart, count

_IN_DAYS_H = 72  # from here on an age reads better in days
_CODES = 6  # of projects that a message names


def stale_source(facts: PortfolioFacts) -> Iterator[Finding]:
    """Sources that were last read longer ago than the policy allows: one finding a connection and
    age. Where `incomplete-source` says why, it tells this too.
    """
    told = {key for outage in facts.outages for key in outage.stands_for}
    alike: dict[tuple[str, str], list[Coverage]] = defaultdict(list)
    for row in facts.inputs.coverage:
        own = SourceFinding(code=STALE, subject=subject_of(row))
        if not is_stale(row, facts.inputs, facts.end) or own.key in told:
            continue
        if named_by_waivers(own, facts.inputs.waivers):
            yield _stale(own.subject, [row], facts)
        else:
            alike[row.connection, _age(row, facts)].append(row)
    by_itself: set[str] = set()
    for (connection, _), rows in sorted(alike.items(), key=lambda found: -len(found[1])):
        if len(rows) > 1 and connection not in by_itself:
            by_itself.add(connection)
            yield _stale(connection, rows, facts)
        else:
            yield from (_stale(subject_of(row), [row], facts) for row in rows)


def _age(row: Coverage, facts: PortfolioFacts) -> str:
    hours = hours_old(row, facts.end)
    if hours is None:
        return "never read"
    limit = facts.inputs.policy.stale_after_h
    ago = f"{apart(hours, limit, 0)} h"
    if hours >= max(_IN_DAYS_H, limit + 24):
        ago = f"{hours // 24:.0f} days"
    return f"last read {ago} before the end of the data date (limit {limit} h)"


def _stale(subject: str, rows: Sequence[Coverage], facts: PortfolioFacts) -> Finding:
    first = rows[0]
    keys = (SourceFinding(code=STALE, subject=subject_of(row)).key for row in rows)
    what = f"Source {first.place} was"
    if len(rows) > 1:
        what = f"Source {first.connection}: {count(len(rows), 'scope')} of it were"
    return Finding(
        code="stale-source",
        severity=Severity.HIGH,
        project="",
        subject=subject,
        message=f"{what} {_age(first, facts)}",
        action="See `itpm-sync status` for the failed run, mend the connection and pull again.",
        evidence=_scopes(rows) if len(rows) > 1 else (),
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
    """What of which projects is old or missing: `As of 22 Nov 2026, 07:00: progress and scope (EV)
    of NET, SDM`.
    """
    what = rests_on(outage.kinds)
    if not what:
        return ""
    if outage.read is None:
        return f"Missing, of whatever project: {what}"
    codes = up_to(_CODES, [*outage.projects])
    of = f" of {codes}" if codes else ""
    never = f"; never read: {count(outage.never, 'scope')}" if outage.never else ""
    return f"As of {read_at(outage, facts.inputs.zone)}: {what}{of}{never}"


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
