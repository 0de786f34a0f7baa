"""What a pull decides: pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from itpm_sync.connector import Count, Deletes, Stream, Window
from itpm_sync.store import Checkpoint, ScopeCensus

FEW = 10  # deletions that need no confirmation, however small the scope
ESTIMATE_SLACK = 0.02  # of an estimated count
PATIENCE = timedelta(days=7)  # for which a record that the source would not give is asked for again


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How this run pulls; see `engine.pull`."""

    run: str
    now: datetime
    full: bool
    sweep: bool
    sweep_every: timedelta
    max_deleted_share: float
    confirm: bool


def scopes_of(stream: Stream) -> tuple[str, ...]:
    """The stream's scopes; one without a name if it has none."""
    return stream.scopes or ("",)


def window(
    stream: Stream, checkpoint: Checkpoint | None, policy: Policy, *, sweeps: bool = False
) -> Window:
    """What to read of a scope: since its checkpoint less the overlap, else everything.

    It ends at the run's beginning: what changes during the run belongs to the next one. It begins
    earlier where an earlier reading listed records that the source then would not give. In a run
    that `sweeps`, it begins at the sweep before: what was changed while the account could not see
    it, and came back between two sweeps, is listed and stored, but stored as it was.
    """
    if policy.full or not stream.incremental or checkpoint is None:
        return Window(None, policy.now)
    if checkpoint.detail.get("asks", "") != stream.asks:
        return Window(None, policy.now)
    again = checkpoint.detail.get("again")
    since = datetime.fromisoformat(again["since"]) if again else checkpoint.at
    swept = (checkpoint.swept_at if sweeps else None) or checkpoint.at
    return Window(min(since, swept, checkpoint.at) - stream.overlap, policy.now)


def advanced(checkpoint: Checkpoint, stream: Stream, now: datetime, *, unread: bool) -> Checkpoint:
    """The checkpoint after a reading that did not fail. `unread`: it listed records that the
    source would not give; their changes are asked for again, for as long as PATIENCE lasts.
    """
    detail = {k: v for k, v in checkpoint.detail.items() if k not in ("again", "asks")}
    if stream.asks:
        detail["asks"] = stream.asks
    if unread:
        first = {"since": checkpoint.at.isoformat(), "noted": now.isoformat()}
        again = checkpoint.detail.get("again", first)
        if now - datetime.fromisoformat(again["noted"]) <= PATIENCE:
            detail["again"] = again
    return replace(checkpoint, at=now, detail=detail)


def sweep_is_due(stream: Stream, checkpoints: Mapping[str, Checkpoint], policy: Policy) -> bool:
    """Whether a census of its own is worth its requests now.

    Not for a stream that has just been read for the first time: nothing can be missing yet.
    """
    if stream.deletes is not Deletes.CENSUS or not checkpoints:
        return False
    if policy.sweep or any(c.detail.get("doubt") for c in checkpoints.values()):
        return True
    known = [checkpoints.get(scope) for scope in scopes_of(stream)]
    last = min((c.swept_at or c.at for c in known if c is not None), default=policy.now)
    return policy.now - last >= policy.sweep_every


def doubts(stream: Stream, censuses: Iterable[ScopeCensus], max_share: float) -> tuple[str, ...]:
    """Why a census should not be believed without a person: one line a scope.

    Records under a scope that is not configured are not in doubt: the source itself has moved
    them, or the configuration no longer asks for them.
    """
    found = []
    for census in censuses:
        if census.scope not in scopes_of(stream) or not census.missing:
            continue
        where = f"{stream.name} {census.scope}".strip()
        gone = len(census.missing)
        if not census.listed and not stream.may_be_empty:
            found.append(f"{where}: the source lists nothing, {census.stored} records are stored")
        elif gone > FEW and gone > max_share * census.stored:
            found.append(
                f"{where}: {gone} of {census.stored} stored records are no longer listed, "
                f"more than {max_share:.0%}"
            )
    return tuple(found)


def cause_of_absence(stream: Stream, scope: str, checkpoints: Mapping[str, Checkpoint]) -> str:
    """Why records stored under `scope` are listed nowhere: deleted, hidden or moved.

    hidden: the configuration no longer names the scope. moved: the source said, when the record
    was read last, that it is in a scope which was never asked for.
    """
    if scope in scopes_of(stream):
        return "deleted"
    return "hidden" if scope in checkpoints else "moved"


def unreadable(checkpoint: Checkpoint | None) -> tuple[str, ...]:
    """Ids that the source listed in the last sweep but did not give."""
    return tuple(checkpoint.detail.get("unreadable", ())) if checkpoint else ()


def agrees(count: Count | None, stored: int) -> bool:
    """Whether the source's count fits what is stored; an estimate may be a little off."""
    if count is None:
        return True
    slack = 0 if count.exact else max(FEW, int(ESTIMATE_SLACK * count.value))
    return abs(count.value - stored) <= slack
