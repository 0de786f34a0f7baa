"""Sweeping: a census against the store, and what may be concluded from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from itpm_sync.connector import Stream
from itpm_sync.errors import StoreError
from itpm_sync.pull import plan
from itpm_sync.pull.reading import Wires, describe
from itpm_sync.store import Checkpoint, ScopeCensus

REMEMBERED = 1_000  # listed but unreadable ids that are kept, so as not to read them daily


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """What a sweep found and did. `counts` are the sizes of complete censuses, by scope."""

    done: bool = False
    counts: Mapping[str, int] = field(default_factory=dict)
    unknown: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    marked: Mapping[str, int] = field(default_factory=dict)  # deleted, moved, hidden
    safety_stop: str = ""
    problems: Mapping[str, str] = field(default_factory=dict)  # by scope


def list_ids(wires: Wires, stream: Stream) -> Mapping[str, str]:
    """Asks for a census of every scope; gives what went wrong, by scope."""
    wires.write(lambda: wires.store.census_begin(wires.name, stream.name)).result()
    problems = {}
    for scope in plan.scopes_of(stream):
        try:
            _list_scope(wires, stream, scope)
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 — the connector's; `describe` logs it
            problems[scope] = f"{stream.name} {scope}: cannot be listed: {describe(error)}"
    return problems


def _list_scope(wires: Wires, stream: Stream, scope: str) -> None:
    own = replace(stream, scopes=(scope,) if stream.scopes else ())
    writes = [
        wires.write(
            lambda ids=ids: wires.store.census_add(wires.name, stream.name, scope, ids)  # type: ignore[misc]
        )
        for ids in wires.connector.census(own, scope)
    ]
    for write in writes:
        write.result()


def conclude(
    wires: Wires, stream: Stream, checkpoints: Mapping[str, Checkpoint], policy: plan.Policy
) -> Sweep:
    """Compares the sighted ids, a complete census of all scopes, with the store, and marks."""
    store, name = wires.store, wires.name
    censuses = wires.write(lambda: store.census_compare(name, stream.name, policy.run)).result()
    counts = dict.fromkeys(plan.scopes_of(stream), 0)
    counts |= {census.scope: census.listed for census in censuses if census.listed}
    unknown = {census.scope: census.unknown for census in censuses if census.unknown}
    doubts = () if policy.confirm else plan.doubts(stream, censuses, policy.max_deleted_share)
    if doubts:
        return Sweep(done=True, counts=counts, unknown=unknown, safety_stop="; ".join(doubts))
    marked = wires.write(lambda: _mark(wires, stream, censuses, checkpoints)).result()
    return Sweep(done=True, counts=counts, unknown=unknown, marked=marked)


def _mark(
    wires: Wires,
    stream: Stream,
    censuses: Sequence[ScopeCensus],
    checkpoints: Mapping[str, Checkpoint],
) -> Mapping[str, int]:
    store, name, marked = wires.store, wires.name, Counter[str]()
    for census in censuses:
        if census.moved:
            store.mark_moved(name, stream.name, census.moved, census.scope)
            marked["moved"] += len(census.moved)
        if census.missing:
            cause = plan.cause_of_absence(stream, census.scope, checkpoints)
            marked[cause] += store.mark_absent(
                name, stream.name, census.missing, cause=cause, at=wires.now
            )
    store.clear_unlisted(name, stream.name, wires.run)
    dropped = checkpoints.keys() - set(plan.scopes_of(stream))
    if dropped:
        store.drop_checkpoints(name, stream.name, dropped)
    return marked


def worth_reading(sweep: Sweep, checkpoints: Mapping[str, Checkpoint]) -> tuple[str, ...]:
    """Scopes that list ids which are not stored, beyond those known to be unreadable.

    They appear when a permission returns or something old is restored: no stamp tells of it.
    """
    return tuple(
        scope
        for scope, ids in sweep.unknown.items()
        if not set(ids) <= set(plan.unreadable(checkpoints.get(scope)))
    )


def remember(checkpoint: Checkpoint, sweep: Sweep, *, scheduled: bool) -> Checkpoint:
    """The checkpoint after a sweep: when it was, and which listed ids could not be read.

    One that was not `scheduled` does not count: its run read only what changed since the last run,
    and a scheduled one reads what changed since the last that counts (see `plan.window`).

    After a safety stop it asks for another sweep, so that the stop is not forgotten.
    """
    if sweep.safety_stop:
        return replace(checkpoint, detail={**checkpoint.detail, "doubt": True})
    ids = sorted(sweep.unknown.get(checkpoint.scope, ()))[:REMEMBERED]
    detail = {k: v for k, v in checkpoint.detail.items() if k not in ("doubt", "unreadable")}
    detail |= {"unreadable": ids} if ids else {}
    swept_at = checkpoint.at if scheduled else checkpoint.swept_at
    return replace(checkpoint, swept_at=swept_at, detail=detail)
