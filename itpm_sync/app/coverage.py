"""How completely the configured connections were read: what pulls proved, and what none has yet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from datetime import datetime

from itpm_sync.app.past_day import Scope
from itpm_sync.app.session import Session, latest_run_of
from itpm_sync.errors import scope_name
from itpm_sync.model import Record
from itpm_sync.reconcile.inputs import Coverage, LaterReading
from itpm_sync.reconcile.unread import COST_KINDS
from itpm_sync.store import Completeness


def coverage(session: Session) -> tuple[Coverage, ...]:
    """How completely each scope of the configured connections was read, and as of when."""
    return _coverage(session, (*session.store.coverage(), *_unproved(session)))


def coverage_of(
    session: Session, moment: datetime | None, added: Mapping[Scope, int]
) -> tuple[Coverage, ...]:
    """The same for a past moment: what was proved by then, with what was read later beside it, the
    first time that it was whole, and how many records were `added` since."""
    latest = coverage(session)
    if moment is None:
        return latest
    by, after = (
        {(c.connection, c.stream, c.scope): c for c in _coverage(session, proofs)}
        for proofs in (session.store.coverage(by=moment), session.store.read_whole_after(moment))
    )
    keys = ((c.connection, c.stream, c.scope) for c in latest)
    return tuple(
        _as_known(by.get(k), after.get(k), c, added.get(k, 0))
        for k, c in zip(keys, latest, strict=True)
    )


def _as_known(
    then: Coverage | None, whole: Coverage | None, latest: Coverage, added: int
) -> Coverage:
    if then == latest:
        return latest
    read = whole or latest
    later = LaterReading(as_of=read.as_of, complete=read.complete, added=added)
    if then is not None:
        return replace(then, later=later)
    nothing = replace(latest, stored=0, source_count=None, exact=False, as_of=None, complete=False)
    return replace(nothing, note="", later=later)


def _coverage(session: Session, proofs: Iterable[Completeness]) -> tuple[Coverage, ...]:
    names = {f.name for f in fields(Completeness)} & {f.name for f in fields(Coverage)}
    return tuple(
        Coverage(**{name: getattr(c, name) for name in names})
        for c in proofs
        if c.connection in session.config.connections
    )


def never_read(session: Session) -> dict[str, tuple[str, ...]]:
    """The kinds of record that configured streams give of which nothing was ever read, nor proved
    that there is nothing, each with these streams. Mappings are looked at only where there is such
    a stream.
    """
    rows = coverage(session)
    streams = {(c.connection, c.stream) for c in rows}
    streams -= {(c.connection, c.stream) for c in rows if _is_read(c)}
    found: dict[str, tuple[str, ...]] = {}
    for name, stream in sorted(streams):
        for kind in session.mappings.kinds(session.config.connections[name], stream):
            found[kind] = (*found.get(kind, ()), f"{name} {stream}".strip())
    return found


def _is_read(c: Coverage) -> bool:
    whole = c.as_of is not None and c.complete
    return bool(c.stored) or whole or (c.later is not None and c.later.complete)


def read_empty(
    session: Session, rows: Iterable[Coverage], live: Mapping[str, Sequence[Record]]
) -> frozenset[str]:
    """The kinds of cost that configured streams give, were read, and hold no record of."""
    lacking = {kind for kind in COST_KINDS if not live[kind]}
    streams = {(c.connection, c.stream) for c in rows if lacking and _is_read(c)}
    given = (session.mappings.kinds(session.config.connections[n], s) for n, s in streams)
    return frozenset(lacking & {kind for kinds in given for kind in kinds})


def _unproved(session: Session) -> Iterator[Completeness]:
    """Scopes that a pull was to read and of which none has proved anything: it was killed before,
    or could not open the connection. Of one that was never opened, which streams it has is not
    known: it is one row without a stream. What no pull has tried yet is not told.
    """
    for name in session.config.connections:
        streams = session.store.connection_state(name).streams
        proved = {(p.stream, p.scope) for p in session.store.coverage(name)}
        wanted = [(stream, scope) for stream, scopes in streams.items() for scope in scopes]
        lacking = sorted(set(wanted) - proved)
        if not lacking and proved:
            continue
        why = _why_unread(session, name)
        for stream, scope in lacking if wanted else [("", "")] if why else []:
            yield _never_whole(session, name, stream, scope, why)


def _never_whole(session: Session, name: str, stream: str, scope: str, why: str) -> Completeness:
    stored = session.store.counts(name, stream).get(scope, 0) if stream else 0
    place = scope_name(stream, scope)
    note = f"{place}: {why}" if place and why else why
    return Completeness(
        connection=name, stream=stream, scope=scope, stored=stored, source_count=None, exact=False,
        census_count=None, as_of=None, complete=False, note=note or "never read whole",
    )  # fmt: skip


def _why_unread(session: Session, name: str) -> str:
    """Why nothing of a connection is proved, by the latest run that was to read it; empty where
    none was.
    """
    run = latest_run_of(session, name)
    if run is None:
        return ""
    told = run.counts.get("connections", {}).get(name)
    if told is not None:
        return str(told.get("failure") or "never read whole")
    if run.state == "running":
        return f"not read whole yet: the run {run.id} is at work"
    ended = "was interrupted" if run.state == "interrupted" else "failed"
    return f"never read whole: the run {run.id} {ended} before — pull again"
