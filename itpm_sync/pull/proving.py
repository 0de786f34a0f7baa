"""What a run proves of a scope: pure functions."""

from __future__ import annotations

from itpm_sync.connector import Count, Stream
from itpm_sync.errors import scope_name
from itpm_sync.pull import plan
from itpm_sync.pull.reading import ScopeReading
from itpm_sync.pull.result import ScopeResult
from itpm_sync.pull.sweeping import Sweep
from itpm_sync.store import Checkpoint, Completeness


def doubt(stream: Stream, scope: str, *, stored: int, count: Count | None, sweep: Sweep) -> str:
    """Why a scope that was read is not whole, or nothing; `stored` live records, `count` what the
    source says it has.
    """
    if sweep.safety_stop:
        return ""
    where = scope_name(stream.name, scope)
    if not stored and not stream.may_be_empty:
        return f"{where}: yields nothing — check the name and the account's permissions"
    if not plan.agrees(count, stored + len(sweep.unknown.get(scope, ()))):
        source = count.value if count else 0
        return f"{where}: the source has {source} records, {stored} are stored"
    return ""


def proof(
    connection: str, stream: Stream, scope: str, *, stored: int, count: Count | None,
    sweep: Sweep, checkpoint: Checkpoint | None, problem: str,
) -> Completeness:  # fmt: skip
    """What is proved of a scope, given its `problem` if it has one."""
    unreadable = len(sweep.unknown.get(scope, ()))
    records = "record" if unreadable == 1 else "records"
    note = f"{unreadable} listed {records} could not be read" if unreadable else ""
    return Completeness(
        connection=connection,
        stream=stream.name,
        scope=scope,
        stored=stored,
        source_count=count.value if count else None,
        exact=count.exact if count else False,
        census_count=sweep.counts.get(scope),
        as_of=checkpoint.at if checkpoint else None,
        complete=not problem and not unreadable and not sweep.safety_stop,
        note=problem or note or _stopped(connection, sweep.safety_stop),
    )


def confirming(connection: str) -> str:
    """The command with which a person confirms what a safety stop asked."""
    return f"itpm-sync pull {connection} --sweep --confirm-deletions"


def _stopped(connection: str, doubt: str) -> str:
    if not doubt:
        return ""
    return f"{doubt} — look at the source, and if it is right: {confirming(connection)}"


def scope_result(proved: Completeness, reading: ScopeReading, problem: str) -> ScopeResult:
    """What the run tells of a scope."""
    return ScopeResult(
        scope=proved.scope,
        stored=proved.stored,
        source_count=proved.source_count,
        complete=proved.complete,
        problem=problem,
        failed=reading.error is not None,
    )
