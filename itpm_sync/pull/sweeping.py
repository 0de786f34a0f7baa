"""Sweeping: a census against the store, and what may be concluded from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from itpm_sync.connector import ListsUnchanged, Stream, TellsWhereabouts, Whereabouts, Window
from itpm_sync.errors import StoreError, scope_name
from itpm_sync.pull import plan
from itpm_sync.pull.reading import Wires, describe
from itpm_sync.store import Checkpoint, ScopeCensus

REMEMBERED = 1_000  # listed but unreadable ids that are kept, so as not to read them daily

ASKED_AT_ONCE = 1_000  # ids a question; between two of them a run can be stopped


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """What a sweep found and did, by scope. `counts`: how many records the source has, by a
    complete census and by what it gave when asked by id (`unlisted`: these must be read).
    `unknown` are listed but not stored. `marked` counts by cause. `problems`: of what is missing
    nothing is known, as the source could not be asked, or did not say.
    """

    counts: Mapping[str, int] = field(default_factory=dict)
    unknown: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unlisted: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    marked: Mapping[str, int] = field(default_factory=dict)
    safety_stop: str = ""
    problems: Mapping[str, str] = field(default_factory=dict)


def _unanswered(count: int) -> str:
    verb, them = ("is", "it") if count == 1 else ("are", "them")
    return (
        f"{count} of its stored records {verb} not listed, and the source did not say what became "
        f"of {them}; the next sweep asks again"
    )


def _unnamed(count: int) -> str:
    verb, them = ("is", "It") if count == 1 else ("are", "They")
    return (
        f"{count} of its stored records {verb} not listed. {them} may be among the rejected ones "
        "whose id cannot be read, so nothing is taken for deleted: mend these, or leave them out"
    )


def list_ids(
    wires: Wires, stream: Stream, windows: Mapping[str, Window] | None = None
) -> Mapping[str, str]:
    """Asks for a census of every scope; gives what went wrong, by scope. With `windows`, where the
    connector can, only for that part of it which reading them leaves out.
    """
    wires.write(lambda: wires.store.census_begin(wires.name, stream.name)).result()
    problems = {}
    for scope in plan.scopes_of(stream):
        try:
            _list_scope(wires, stream, scope, windows[scope] if windows else None)
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 — the connector's; `describe` logs it
            place = scope_name(stream.name, scope)
            problems[scope] = f"{place}: cannot be listed: {describe(error)}"
    return problems


def _list_scope(wires: Wires, stream: Stream, scope: str, window: Window | None) -> None:
    own = replace(stream, scopes=(scope,) if stream.scopes else ())
    connector = wires.connector
    if window and window.since is not None and isinstance(connector, ListsUnchanged):
        listed = connector.unchanged(own, scope, window.since)
    else:
        listed = connector.census(own, scope)
    writes = [
        wires.write(
            lambda ids=ids: wires.store.census_add(wires.name, stream.name, scope, ids)  # type: ignore[misc]
        )
        for ids in listed
    ]
    for write in writes:
        write.result()


def not_stored(wires: Wires, stream: Stream, policy: plan.Policy) -> Mapping[str, tuple[str, ...]]:
    """By scope, the ids that were listed and are not stored; the listing may lack scopes."""
    store, name = wires.store, wires.name
    censuses = wires.write(lambda: store.census_compare(name, stream.name, policy.run)).result()
    return {census.scope: census.unknown for census in censuses if census.unknown}


def conclude(
    wires: Wires,
    stream: Stream,
    checkpoints: Mapping[str, Checkpoint],
    policy: plan.Policy,
    *,
    listed_first: bool,
    unnamed: bool,
) -> Sweep:
    """Compares the sighted ids, a complete census of all scopes, with the store; asks the source
    what became of records that are missing, unless there is a reason to doubt the census; marks.

    `listed_first`: the census came before the reading, which may have met what was created since.
    `unnamed`: the census met records without an id. What is missing may be these: nothing is
    concluded then, not even if a person confirms it, unless the source can be asked by id.
    """
    store, name = wires.store, wires.name
    censuses = wires.write(lambda: store.census_compare(name, stream.name, policy.run)).result()
    counts = dict.fromkeys(plan.scopes_of(stream), 0)
    counts |= {c.scope: c.listed + c.fresh * listed_first for c in censuses if c.listed}
    unknown = {census.scope: census.unknown for census in censuses if census.unknown}
    found = Sweep(counts=counts, unknown=unknown)
    lacking = {c.scope: len(c.missing) for c in censuses if c.scope in plan.lacking(stream, [c])}
    if unnamed and lacking and not isinstance(wires.connector, TellsWhereabouts):
        return replace(found, problems={s: _unnamed(count) for s, count in lacking.items()})
    doubts = () if policy.confirm else plan.doubts(stream, censuses, policy.max_deleted_share)
    if doubts:
        return replace(found, safety_stop="; ".join(doubts))
    try:
        where = _ask(wires, stream, plan.to_ask(stream, censuses, checkpoints))
    except StoreError:
        raise
    except Exception as error:  # noqa: BLE001 — the connector's; `describe` logs it
        why = f"it cannot be asked what became of missing records: {describe(error)}"
        return replace(found, problems=dict.fromkeys(plan.lacking(stream, censuses), why))
    doubts = () if policy.confirm else plan.unconfirmed(stream, censuses, where)
    if doubts:
        return replace(found, safety_stop="; ".join(doubts))
    verdict = plan.judge(stream, censuses, checkpoints, where)
    marked = wires.write(lambda: _mark(wires, stream, censuses, verdict, checkpoints)).result()
    for scope, ids in (*verdict.unlisted.items(), *verdict.unanswered.items()):
        counts[scope] += len(ids)
    problems = {scope: _unanswered(len(ids)) for scope, ids in verdict.unanswered.items()}
    return replace(found, marked=marked, unlisted=verdict.unlisted, problems=problems)


def _ask(wires: Wires, stream: Stream, ids: Sequence[str]) -> Mapping[str, Whereabouts] | None:
    """What became of these records; None where the connector knows no more than its census."""
    connector = wires.connector
    if not isinstance(connector, TellsWhereabouts):
        return None
    found: dict[str, Whereabouts] = {}
    for start in range(0, len(ids), ASKED_AT_ONCE):
        wires.go_on()
        found |= connector.whereabouts(stream, ids[start : start + ASKED_AT_ONCE])
    return found


def _mark(
    wires: Wires,
    stream: Stream,
    censuses: Sequence[ScopeCensus],
    verdict: plan.Verdict,
    checkpoints: Mapping[str, Checkpoint],
) -> Mapping[str, int]:
    store, name, marked = wires.store, wires.name, Counter[str]()
    for census in censuses:
        if census.moved:
            store.mark_moved(name, stream.name, census.moved, census.scope)
            marked["moved"] += len(census.moved)
    for cause, ids in verdict.absent.items():
        marked[cause] += store.mark_absent(name, stream.name, ids, cause=cause, at=wires.now)
    store.clear_unlisted(name, stream.name, wires.run)
    dropped = checkpoints.keys() - set(plan.scopes_of(stream))
    if dropped:
        store.drop_checkpoints(name, stream.name, dropped)
    return marked


def worth_asking(
    wires: Wires, sweep: Sweep, checkpoints: Mapping[str, Checkpoint]
) -> Mapping[str, tuple[str, ...]]:
    """By scope, the listed ids that the source did not give in an earlier sweep: a record that was
    hidden again then may be given now. A connector that only reads whole scopes is not asked.
    """
    if not isinstance(wires.connector, TellsWhereabouts):
        return {}
    found = {
        scope: tuple(sorted(set(ids) & set(plan.unreadable(checkpoints.get(scope)))))
        for scope, ids in sweep.unknown.items()
    }
    return {scope: ids for scope, ids in found.items() if ids}


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

    After a safety stop, and where questions stayed open, it asks for another sweep in the next run,
    so that the stop is not forgotten.
    """
    if sweep.safety_stop or checkpoint.scope in sweep.problems:
        return replace(checkpoint, detail={**checkpoint.detail, "doubt": True})
    ids = sorted(sweep.unknown.get(checkpoint.scope, ()))[:REMEMBERED]
    unlisted = len(sweep.unlisted.get(checkpoint.scope, ()))
    ours = ("doubt", "unreadable", "unlisted")
    detail = {k: v for k, v in checkpoint.detail.items() if k not in ours}
    detail |= {"unreadable": ids} if ids else {}
    detail |= {"unlisted": unlisted} if unlisted else {}
    swept_at = checkpoint.at if scheduled else checkpoint.swept_at
    return replace(checkpoint, swept_at=swept_at, detail=detail)
