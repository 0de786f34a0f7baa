"""What a run leaves out because it was done a short while ago: pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from itpm_sync.connector import Count, Stream, Window
from itpm_sync.pull import plan
from itpm_sync.store import Checkpoint, Completeness, ConnectionState

_COUNTED = "counted"  # in a checkpoint's detail: when the scope was counted on its own


def remembered(state: ConnectionState, policy: plan.Policy) -> Mapping[str, Any]:
    """What the connector may rely on of what it was told in an earlier run."""
    return state.memory if _recent(state.remembered_at, policy) else {}


def is_due(
    stream: Stream,
    checkpoints: Mapping[str, Checkpoint],
    proofs: Iterable[Completeness],
    policy: plan.Policy,
) -> bool:
    """Whether to read a stream now. Only a reference stream is ever left out: if all that was asked
    for was read a short while ago, and is whole by its latest proof.
    """
    if not stream.reference:
        return True
    whole = {p.scope for p in proofs if p.stream == stream.name and p.complete}
    known = [checkpoints.get(scope) for scope in plan.scopes_of(stream) if scope in whole]
    if len(known) < len(plan.scopes_of(stream)) or plan.sweep_is_due(stream, checkpoints, policy):
        return True
    return not all(
        c is not None
        and c.detail.get("asks", "") == stream.asks
        and not c.detail.get("again")
        and _recent(c.at, policy)
        for c in known
    )


def together(stream: Stream, windows: Mapping[str, Window]) -> list[tuple[str, ...]]:
    """The scopes, those in one tuple whose changes are asked for at once: they have changed since
    the same moment, so that none is asked for more than it would be alone.
    """
    groups: dict[datetime | str, list[str]] = {}
    for scope, window in windows.items():
        alone = not stream.joint or window.since is None
        groups.setdefault(scope if alone else window.since or scope, []).append(scope)
    return [tuple(scopes) for scopes in groups.values()]


def counted(checkpoint: Checkpoint, now: datetime) -> Checkpoint:
    """Notes that a scope was counted on its own, by the source or by a census."""
    return replace(checkpoint, detail={**checkpoint.detail, _COUNTED: now.isoformat()})


def counts_each(
    scopes: Sequence[str], checkpoints: Mapping[str, Checkpoint], policy: plan.Policy
) -> bool:
    """Whether each scope is to be counted on its own, because that was not done for a while."""
    marks = [checkpoints[s].detail.get(_COUNTED) if s in checkpoints else None for s in scopes]
    return not all(mark and _recent(datetime.fromisoformat(mark), policy) for mark in marks)


def agree_together(total: Count | None, stored: Sequence[int]) -> bool:
    """Whether a count of several scopes fits what is stored of them. An estimate may be off by no
    more than one of the smallest scope alone could be: a total must not hide what counts of the
    single scopes would show.
    """
    if total is None or total.exact:
        return total is not None and total.value == sum(stored)
    others = sum(stored) - min(stored, default=0)
    return plan.agrees(Count(total.value - others, exact=False), min(stored, default=0))


def _recent(moment: datetime | None, policy: plan.Policy) -> bool:
    """Done less than `refresh_every` ago, in a run that does not do everything anew."""
    if moment is None or policy.full or policy.sweep:
        return False
    return timedelta(0) <= policy.now - moment < policy.refresh_every
