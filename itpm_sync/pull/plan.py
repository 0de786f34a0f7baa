"""What a pull decides: pure functions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from itpm_sync.connector import Count, Deletes, Fate, Stream, Whereabouts, Window
from itpm_sync.errors import scope_name
from itpm_sync.store import Checkpoint, ScopeCensus

FEW = 10  # deletions that need no confirmation, unless they are most of a small scope
VERY_FEW = 2  # deletions that need none, however small the scope
MOST = 0.5  # share of a small scope that may go without one
ESTIMATE_SLACK = 0.02  # of an estimated count
SAME_TIME = timedelta(minutes=1)  # clocks that differ by less agree: every overlap covers it
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
    refresh_every: timedelta = timedelta(0)  # see `schedule`; 0: do everything in each run


def scopes_of(stream: Stream) -> tuple[str, ...]:
    """The stream's scopes; one without a name if it has none."""
    return stream.scopes or ("",)


def beginning(policy: Policy, source_time: datetime | None) -> datetime:
    """When the run began, by whichever clock is behind: the next checkpoint.

    `source_time` is the source's own clock at its first answer to this run; what changes after
    that bears no earlier stamp, however wrong our clock is, or was.
    """
    if source_time is None or source_time > policy.now - SAME_TIME:
        return policy.now
    return source_time


def window(
    stream: Stream, checkpoint: Checkpoint | None, policy: Policy, *,
    sweeps: bool = False, source_time: datetime | None = None,
) -> Window:  # fmt: skip
    """What to read of a scope: since its checkpoint less the overlap, else everything.

    It ends at the run's beginning: what changes during the run belongs to the next one. It begins
    earlier where an earlier reading listed records that the source then would not give. In a run
    that `sweeps`, it begins at the sweep before: what was changed while the account could not see
    it, and came back between two sweeps, is listed and stored, but stored as it was.

    A checkpoint in the future, by our clock or by the source's (`source_time`, see `beginning`),
    proves nothing: our clock was ahead when it was made, or is behind now, or the source's was set
    back, maybe with all its data. Nobody knows by how much.
    """
    if policy.full or not stream.incremental or checkpoint is None:
        return Window(None, policy.now)
    if checkpoint.at > policy.now or checkpoint.detail.get("asks", "") != stream.asks:
        return Window(None, policy.now)
    if set_back(checkpoint, source_time, policy.now, stream.overlap):
        return Window(None, policy.now)
    again = checkpoint.detail.get("again")
    since = datetime.fromisoformat(again["since"]) if again else checkpoint.at
    swept = (checkpoint.swept_at if sweeps else None) or checkpoint.at
    return Window(min(since, swept, checkpoint.at) - stream.overlap, policy.now)


def set_back(
    checkpoint: Checkpoint | None, source_time: datetime | None, now: datetime, overlap: timedelta
) -> timedelta:
    """By how much the source's clock was set back since the checkpoint was made; zero if it was
    not, or no further than the overlap reaches.

    It lies before the checkpoint, although it showed that or more; or it has passed it again, and
    is less far ahead of ours (`now`) than it was: what was changed in between bears older stamps.
    """
    if checkpoint is None or source_time is None:
        return timedelta(0)
    behind = checkpoint.at - source_time
    if behind > SAME_TIME:
        return behind
    ahead_s = checkpoint.detail.get("ahead_s")
    if ahead_s is None:
        return timedelta(0)
    shift = timedelta(seconds=ahead_s) - (source_time - now)
    return shift if shift > overlap else timedelta(0)


def advanced(
    checkpoint: Checkpoint, stream: Stream, now: datetime, *,
    unread: bool, ahead: timedelta | None = None,
) -> Checkpoint:  # fmt: skip
    """The checkpoint after a reading that did not fail. `unread`: it listed records that the
    source would not give; their changes are asked for again, for as long as PATIENCE lasts.
    `ahead`: how far the source's clock is ahead of ours, where it is known.
    """
    ours = ("again", "asks", "ahead_s")
    detail = {k: v for k, v in checkpoint.detail.items() if k not in ours}
    if ahead is not None:
        detail["ahead_s"] = ahead.total_seconds()
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
    return policy.now - last >= policy.sweep_every or last > policy.now


def lists_before_reading(stream: Stream, policy: Policy) -> bool:
    """Whether a sweep takes its census before the changes are read.

    Then whatever the account comes to see during the run is either read, or missing in the census.
    The other way round, a record that was changed while it could not be seen would be lost if it
    came back between the two: too late for the reading, listed as if it had been there all along.
    Only a connector that lists what has not changed apart leaves no gap at all (ListsUnchanged).
    A stream that is read whole has no such gap; and its reading often is its census.
    """
    return stream.incremental and not policy.full


def doubts(stream: Stream, censuses: Iterable[ScopeCensus], max_share: float) -> tuple[str, ...]:
    """Why a census should not be believed without a person: one line a scope.

    Records under a scope that is not configured are not in doubt: the source itself has moved
    them, or the configuration no longer asks for them. Nor is, yet, an empty scope that may be
    empty and held few records: see `unconfirmed`.
    """
    found = []
    for census in _lacking(stream, censuses):
        gone = len(census.missing)
        if not census.listed:
            if gone > FEW or not stream.may_be_empty:
                found.append(_lists_nothing(stream, census))
        elif (share := _too_many(gone, census.stored, max_share)) is not None:
            place = scope_name(stream.name, census.scope)
            found.append(
                f"{place}: {gone} of {census.stored} stored records are no longer listed, "
                f"more than {share:.0%}"
            )
    return tuple(found)


def _too_many(gone: int, stored: int, max_share: float) -> float | None:
    """The share (over 0, up to 1) that is exceeded, if one is. Of a few records a fifth may well go
    in a day; a file of thirteen rows that has three is cut short.
    """
    for few, share in ((FEW, max_share), (VERY_FEW, max(max_share, MOST))):
        if gone > few and gone > share * stored:
            return share
    return None


def unconfirmed(
    stream: Stream, censuses: Iterable[ScopeCensus], where: Mapping[str, Whereabouts] | None
) -> tuple[str, ...]:
    """Doubts about scopes that list nothing at all, though they may, once the source was asked
    `where` the few records of each are: it must say that they were deleted, or where they are. An
    empty list is also what an account gets to see that has lost a right.
    """
    return tuple(
        _lists_nothing(stream, census)
        for census in _lacking(stream, censuses)
        if not census.listed
        and (where is None or any(_fate(where, i) in _UNSAID for i in census.missing))
    )


def _lacking(stream: Stream, censuses: Iterable[ScopeCensus]) -> Iterator[ScopeCensus]:
    """The censuses of configured scopes that do not list all that is stored."""
    return (c for c in censuses if c.scope in scopes_of(stream) and c.missing)


def _lists_nothing(stream: Stream, census: ScopeCensus) -> str:
    place = scope_name(stream.name, census.scope)
    return f"{place}: the source lists nothing, {census.stored} records are stored"


# ---- what became of records that no census lists ------------------------------------------------

_UNSAID = frozenset({Fate.HIDDEN, Fate.UNKNOWN})
_CAUSES = {Fate.DELETED: "deleted", Fate.MERGED: "merged", Fate.HIDDEN: "hidden"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What is concluded of missing records. `absent`: ids by cause; `unlisted`: by the scope in
    which they are now; `unanswered`: by the one under which they are stored.

    `unlisted` exist in the stream all the same (its listing lags, or leaves out what is archived):
    they stay, and are read by id. Of the `unanswered` nothing is known; they stay as they are.
    """

    absent: Mapping[str, tuple[str, ...]]
    unlisted: Mapping[str, tuple[str, ...]]
    unanswered: Mapping[str, tuple[str, ...]]


def to_ask(
    stream: Stream, censuses: Iterable[ScopeCensus], checkpoints: Mapping[str, Checkpoint]
) -> tuple[str, ...]:
    """The records whose whereabouts only the source can tell: not those of a scope that was
    configured once, for which nobody asks any more.
    """
    dropped = checkpoints.keys() - set(scopes_of(stream))
    return tuple(i for census in censuses if census.scope not in dropped for i in census.missing)


def lacking(stream: Stream, censuses: Iterable[ScopeCensus]) -> tuple[str, ...]:
    """The configured scopes that do not list all that is stored."""
    return tuple(census.scope for census in _lacking(stream, censuses))


def judge(
    stream: Stream,
    censuses: Iterable[ScopeCensus],
    checkpoints: Mapping[str, Checkpoint],
    where: Mapping[str, Whereabouts] | None,
) -> Verdict:
    """Why records are listed nowhere: deleted, merged, moved, hidden, or not absent at all.

    `where` is None for a connector that only knows its census: then what is missing was deleted.
    """
    absent, unlisted, unanswered = (defaultdict[str, list[str]](list) for _ in range(3))
    for census in censuses:
        configured = census.scope in scopes_of(stream)
        silent = _said_before(configured, dropped=census.scope in checkpoints)
        for ident in census.missing:
            fate = Fate.UNKNOWN if where is None else _fate(where, ident)
            if fate in _CAUSES:
                absent[_CAUSES[fate]].append(ident)
            elif where is not None and fate is Fate.THERE:
                place = _scope_of(stream, where[ident].scope)
                (unlisted[place] if place is not None else absent["moved"]).append(ident)
            elif silent or where is None:
                absent[silent or "deleted"].append(ident)
            else:
                unanswered[census.scope].append(ident)
    return Verdict(absent=_frozen(absent), unlisted=_frozen(unlisted),
                   unanswered=_frozen(unanswered))  # fmt: skip


def _said_before(configured: bool, *, dropped: bool) -> str:
    """The cause that is known without a new answer, of records stored under a scope. One that is
    not configured: it was once, or the source said that they are there when it gave them last.
    """
    if configured:
        return ""
    return "hidden" if dropped else "moved"


def _fate(where: Mapping[str, Whereabouts], ident: str) -> Fate:
    told = where.get(ident)
    return told.fate if told else Fate.UNKNOWN


def _scope_of(stream: Stream, scope: str) -> str | None:
    """The stream's own name of a scope, None if it has none: sources write names in their case."""
    if not stream.scopes:
        return ""
    return {own.casefold(): own for own in stream.scopes}.get(scope.casefold())


def _frozen(found: Mapping[str, list[str]]) -> dict[str, tuple[str, ...]]:
    return {name: tuple(ids) for name, ids in found.items()}


def unreadable(checkpoint: Checkpoint | None) -> tuple[str, ...]:
    """Ids that the source listed in the last sweep but did not give."""
    return tuple(checkpoint.detail.get("unreadable", ())) if checkpoint else ()


def unlisted(checkpoint: Checkpoint | None) -> int:
    """How many records the source, in the last sweep, gave by id but did not list."""
    return int(checkpoint.detail.get("unlisted", 0)) if checkpoint else 0


def with_unlisted(count: Count | None, checkpoint: Checkpoint | None) -> Count | None:
    """The source's count with the records that it would not list."""
    return count and replace(count, value=count.value + unlisted(checkpoint))


def agrees(count: Count | None, stored: int) -> bool:
    """Whether the source's count fits what is stored; an estimate may be a little off."""
    if count is None:
        return True
    slack = 0 if count.exact else max(FEW, int(ESTIMATE_SLACK * count.value))
    return abs(count.value - stored) <= slack
