"""Landing pages: decide for each raw record what changes, and write it all.

The rules. Within a run an older version never overwrites a newer one; of two runs the later one's
answer counts. What is unchanged, by content hash and mapping fingerprint, costs one lookup and no
write (but the run's name, where it changed lately). Children belong to their raw record and are
replaced as a set: a child that a newer version lacks is marked deleted. A superseded state of a
model record becomes a version. A changed mapping re-reads the same source state: it replaces rows
in place and makes no version; so does a record that only has another address (a row that moved
down in its file). A record that cannot be mapped is kept raw, its last good rows stay,
and the reason goes to `rejected`.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, NamedTuple, TypeVar

import sqlalchemy as sa

from itpm_sync.errors import RecordError
from itpm_sync.model import KINDS
from itpm_sync.store.codec import KindCodec, TableWriter, placeholders, reader
from itpm_sync.store.deciding import (
    SAME_STATE,
    Head,
    RawState,
    Step,
    cause_of,
    decide,
    is_older,
    supersedes,
)
from itpm_sync.store.making import Made, Row, processor
from itpm_sync.store.preparing import Prepared, PreparedPage, Preparer
from itpm_sync.store.schema import RAW_RECORD, RECORD_VERSION, REJECTED, storable, table_of
from itpm_sync.store.values import Landed

_T = TypeVar("_T")
CHUNK = 2_000  # ids in one IN list; SQLite allows 32,766 parameters, PostgreSQL 65,535
MAX_MESSAGE = 2_000
LATELY = timedelta(hours=1)  # longer than a source lags, see `_Lately`

Key = tuple[str, str]  # kind, identity
OldRows = Mapping[Key, Row]
UNREAD = b""  # instead of the content hash of a stored record that could not be read since
_STATE = ("id", "hash", "fingerprint", "scope", "updated_at", "absent", "kinds", "url", "run",
          "seen_at")  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Prepared records of one stream, to be landed in one transaction.

    `remap` re-reads stored records: nothing returns, and only mapped rows change.
    """

    page: PreparedPage
    run: str
    seen_at: datetime
    remap: bool = False


def chunks(items: Iterable[_T], size: int = CHUNK) -> Iterator[list[_T]]:
    """The items in lists of at most `size`."""
    rest = iter(items)
    while chunk := list(islice(rest, size)):
        yield chunk


def joined(pages: Sequence[PreparedPage]) -> PreparedPage:
    """Pages of one origin as one page: each record once, in its newest version. One that a page
    could not read and a later page gives is not rejected: it was read after all.
    """
    first = pages[0]
    found: dict[str, Prepared] = {}
    rejected: list[RecordError] = []
    for page in pages:
        given = {prepared.head.source_id for prepared in page.records}
        rejected = [error for error in rejected if error.source_id not in given]
        rejected += page.rejected
        for prepared in page.records:
            before = found.get(prepared.head.source_id)
            if before is None or supersedes(prepared.head, before.head):
                found[prepared.head.source_id] = prepared
    return PreparedPage(
        connection=first.connection, stream=first.stream, fingerprint=first.fingerprint,
        map_record=first.map_record, records=list(found.values()), rejected=rejected,
    )  # fmt: skip


# ---- plan ---------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Writes:
    """What one batch writes, collected before the first write."""

    raw: list[Row] = field(default_factory=list)
    refreshed: list[dict[str, Any]] = field(default_factory=list)  # mapping columns only
    buried: list[tuple[Head, RawState]] = field(default_factory=list)
    rows: dict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))
    unmapped: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    versions: list[dict[str, Any]] = field(default_factory=list)
    problems: dict[str, Sequence[RecordError]] = field(default_factory=dict)
    steps: dict[Step, int] = field(default_factory=lambda: defaultdict(int))
    quarantined: int = 0
    mapped: int = 0
    removed: int = 0
    touched: list[str] = field(default_factory=list)
    met: list[str] = field(default_factory=list)  # unchanged, and bears this run's name from now on


class _Todo(NamedTuple):
    """A record that needs work. `stamp` is its `updated_at`, `seen` when its content was landed
    first, `moment` the beginning of its state: the stamp, or that landing where there is none or it
    went back; as the driver takes them.
    """

    prepared: Prepared
    stored: RawState | None
    step: Step
    identity: str
    stamp: Any
    moment: Any
    seen: Any


@dataclass(frozen=True, slots=True)
class _Planner:
    """Decides what a batch writes and puts it into `writes`."""

    batch: Batch
    codec: Callable[[str], KindCodec]
    writes: _Writes
    now: Any  # `batch.seen_at` as the driver takes it

    def plan(self, todo: _Todo, old: OldRows) -> None:
        raw, stored = todo.prepared.head, todo.stored
        kinds = stored.kinds if stored else frozenset[str]()
        if todo.step is Step.GONE:
            self.writes.problems[raw.source_id] = ()
            if stored is None:
                self._keep_raw(todo, kinds)
            else:
                # body and rows stay as they last were: the scope ledger needs what was deleted
                self.writes.buried.append((raw, stored))
            return
        kinds |= self._map(todo, old)
        if todo.step is Step.REMAPPED:
            self.writes.refreshed.append({"raw_id": todo.identity, "new_kinds": _joined(kinds)})
        else:
            self._keep_raw(todo, kinds)

    def _keep_raw(self, todo: _Todo, kinds: frozenset[str]) -> None:
        """The columns of `raw_record`, in their order."""
        raw, batch = todo.prepared.head, self.batch
        page, cause = batch.page, cause_of(raw)
        self.writes.raw.append(
            (
                todo.identity, page.connection, page.stream, raw.source_id, storable(raw.scope),
                todo.stamp, self.now, batch.run, cause, todo.moment if cause else None,
                raw.merged_into, todo.prepared.content, page.fingerprint, _joined(kinds),
                storable(raw.url), todo.prepared.body,
            )
        )  # fmt: skip

    def _map(self, todo: _Todo, old: OldRows) -> frozenset[str]:
        """Plans the rows of a raw record; gives their kinds."""
        found, source_id = todo.prepared.rows, todo.prepared.head.source_id
        absent = todo.stored.absent if self.batch.remap and todo.stored else None
        if found is None or isinstance(found, RecordError):
            if not absent and found is not None:
                self.writes.problems[source_id] = [found]
                self.writes.quarantined += 1
            if todo.step is Step.RETURNED:
                self._revive(old)
            return frozenset()
        if not absent:
            self.writes.problems[source_id] = found.problems
        rest = dict(old)
        for made in found.records:
            before = rest.pop(made[:2], None) if rest else None
            if before is None:
                self._new_row(todo, made, absent)
            else:
                self._row(todo, made, before)
        for (kind, _), row in rest.items():
            self._leftover(todo, kind, row)
        return frozenset([kind for kind, _, _ in found.records])

    def _new_row(self, todo: _Todo, made: Made, absent: str | None) -> None:
        """The first state of a mapped row; `absent`: why its owner is."""
        kind, identity, content = made
        since, begin = self.now if absent else None, content[KindCodec.STAMP] or todo.moment
        engine: Row = (identity, todo.identity, absent, since, begin, todo.seen)
        self._write(kind, engine + content)

    def _row(self, todo: _Todo, made: Made, old: Row) -> None:
        """The new state of a mapped row; where it supersedes another, that becomes a version."""
        kind, identity, content = made
        codec, now = self.codec(kind), self.now
        begin = content[codec.STAMP] or todo.moment
        if begin < old[4]:  # its stamp went back: nobody knows when
            begin = now
        before = old[codec.HEAD :]
        if todo.step in SAME_STATE:
            if before != content:
                self._write(kind, old[: codec.HEAD] + content)
            return
        if before == content and not old[2]:
            return
        state = old[4:6]
        if not _only(codec.STAMP, before, content):
            self.writes.versions.append(_version(codec, old, begin, self.batch))
            state = (begin, now)
        self._write(kind, (identity, todo.identity, None, None, *state, *content))

    def _write(self, kind: str, row: Row) -> None:
        self.writes.rows[kind].append(row)
        self.writes.mapped += 1
        if self.batch.remap:
            self.writes.touched.append(row[0])

    def _revive(self, old: OldRows) -> None:
        """The rows that went when their owner went come back as they were."""
        since = max((row[3] for row in old.values() if row[2]), default=None)
        for (kind, _), row in old.items():
            if row[2] and row[3] == since:
                self.writes.rows[kind].append((*row[:2], None, None, *row[4:]))

    def _leftover(self, todo: _Todo, kind: str, row: Row) -> None:
        """A row that the newest version no longer gives."""
        if row[2]:  # already gone
            return
        self.writes.removed += 1
        if self.batch.remap:
            self.writes.touched.append(row[0])
        if todo.step in SAME_STATE:  # derived by the former mapping, never at the source
            self.writes.unmapped[kind].append(row[0])
            return
        self.writes.rows[kind].append((*row[:2], "deleted", todo.moment, *row[4:]))


class _Lately:
    """Of what a source changed lately, it may still give an older version: that this run has met
    the newer one is noted, although nothing else is to be written. These are few.
    """

    def __init__(self, batch: Batch) -> None:
        self._run = batch.run
        self._since, self._until = batch.seen_at - LATELY, batch.seen_at + LATELY

    def changed(self, stored: RawState | None) -> bool:
        if stored is None or stored.updated_at is None or stored.run == self._run:
            return False
        return self._since < stored.updated_at < self._until


def _joined(kinds: Iterable[str]) -> str:
    return " ".join(sorted(kinds))


def _only(index: int, before: Row, content: Row) -> bool:
    """Whether nothing but, at most, the value at `index` differs."""
    return before[:index] == content[:index] and before[index + 1 :] == content[index + 1 :]


def _version(codec: KindCodec, old: Row, replaced_at: Any, batch: Batch) -> dict[str, Any]:
    return {
        "kind": codec.kind, "id": old[0], "state_from": codec.read_moment(old[4]),
        "seen_at": codec.read_moment(old[5]), "replaced_at": codec.read_moment(replaced_at),
        "run": batch.run, "data": codec.to_json(codec.decode(old)),
    }  # fmt: skip


# ---- write --------------------------------------------------------------------------------------


class Landing:
    """Lands batches on one kind of database; statements are prepared once."""

    def __init__(self, dialect: sa.Dialect) -> None:
        self._dialect = dialect
        self._codecs: dict[str, KindCodec] = {}
        self._making = threading.Lock()
        self._raw = TableWriter(RAW_RECORD, dialect)
        self._moment = processor(RAW_RECORD.c.seen_at, dialect)
        self._read_moment = reader(RAW_RECORD.c.seen_at, dialect)
        self._rejected = TableWriter(REJECTED, dialect, update=("message", "run", "soft"))

    def codec(self, kind: str) -> KindCodec:
        """The prepared codec of a kind. The first page in each thread waits for the same one."""
        found = self._codecs.get(kind)
        if found is None:
            with self._making:
                found = self._codecs.get(kind) or KindCodec(kind, self._dialect)
                self._codecs[kind] = found
        return found

    def land(self, connection: sa.Connection, batch: Batch, preparer: Preparer) -> Landed:
        """Decides and writes; the caller owns the transaction."""
        page, writes = batch.page, _Writes()
        states = self.states(connection, [page.identity(p.head.source_id) for p in page.records])
        now = self._moment(batch.seen_at)
        todos = self._todos(batch, states, writes, preparer, now)
        if todos:
            old = self._old_rows(connection, todos) if states else {}
            planner = _Planner(batch, self.codec, writes, now)
            for todo in todos:
                planner.plan(todo, old.get(todo.identity, {}))
        self._write(connection, batch, writes)
        self._write_problems(connection, batch, writes)
        return _landed(writes, batch)

    def states(self, connection: sa.Connection, identities: Iterable[str]) -> dict[str, RawState]:
        """What the store knows of these raw records, by identity."""
        found: dict[str, RawState] = {}
        select = f"SELECT {', '.join(_STATE)} FROM {RAW_RECORD.name} WHERE id IN "  # noqa: S608
        for part in chunks(identities):
            sql = select + placeholders(self._dialect, len(part))
            for row in connection.exec_driver_sql(sql, tuple(part)):
                identity, content, fingerprint, scope, stamp, absent, kinds, url, run, seen = row
                found[identity] = RawState(
                    bytes(content), fingerprint, scope, self._read_moment(stamp), absent,
                    frozenset(kinds.split()), url, run, seen,
                )  # fmt: skip
        return found

    def _todos(
        self, batch: Batch, states: Mapping[str, RawState], writes: _Writes, preparer: Preparer,
        now: Any,
    ) -> list[_Todo]:  # fmt: skip
        page, todos, lately = batch.page, [], _Lately(batch)
        for prepared in page.records:
            raw = prepared.head
            identity = page.identity(raw.source_id)
            stored = states.get(identity)
            step = Step.REMAPPED
            if not batch.remap:
                step = decide(stored, raw, prepared.content, page.fingerprint, batch.run)
            writes.steps[step] += 1
            if step is Step.SAME and lately.changed(stored):
                writes.met.append(identity)
            if step in (Step.SAME, Step.OLDER):
                continue
            ready = prepared
            if prepared.rows is None:
                ready = preparer.late(page, prepared, mapped=step is not Step.GONE)
            stamp = self._moment(raw.updated_at)
            seen = stored.seen_at if stored and step in SAME_STATE else now
            moment = seen if stamp is None or is_older(raw, stored) else stamp
            todos.append(_Todo(ready, stored, step, identity, stamp, moment, seen))
        return todos

    def _old_rows(
        self, connection: sa.Connection, todos: Iterable[_Todo]
    ) -> dict[str, dict[Key, Row]]:
        """The stored rows that the batch's raw records own, by owner, as the driver gives them."""
        owners: dict[str, list[str]] = defaultdict(list)
        for todo in todos:
            if todo.stored is not None and todo.step is not Step.GONE:
                for kind in todo.stored.kinds & KINDS.keys():
                    owners[kind].append(todo.identity)
        found: dict[str, dict[Key, Row]] = defaultdict(dict)
        for kind, raw_ids in owners.items():
            for part in chunks(raw_ids):
                for row in self.codec(kind).owned_by(connection, part):
                    found[row[1]][kind, row[0]] = row
        return found

    def _write(self, connection: sa.Connection, batch: Batch, writes: _Writes) -> None:
        self._raw.write_rows(connection, writes.raw)
        for kind, rows in writes.rows.items():
            self.codec(kind).write(connection, rows)
        for kind, ids in writes.unmapped.items():
            table = self.codec(kind).table
            for part in chunks(ids):
                connection.execute(table.delete().where(table.c.id.in_(part)))
        if writes.versions:
            connection.execute(RECORD_VERSION.insert(), writes.versions)
        if writes.refreshed:
            refresh = _one_raw().values(
                fingerprint=batch.page.fingerprint, kinds=sa.bindparam("new_kinds")
            )
            connection.execute(refresh, writes.refreshed)
        if writes.met:
            met = [{"raw_id": identity} for identity in writes.met]
            connection.execute(_one_raw().values(run=batch.run), met)
        for raw, stored in writes.buried:
            _bury(connection, batch, raw, stored)

    def _write_problems(self, connection: sa.Connection, batch: Batch, writes: _Writes) -> None:
        """Replaces the problems of every record that was looked at; keeps their first day.

        A stored record that the connector could not read this time loses its content hash, so
        that the next good answer is looked at, even if it equals the stored one.
        """
        page = batch.page
        first_seen = _clear_problems(connection, page, writes.problems)
        problems = [(i, error) for i, errors in writes.problems.items() for error in errors]
        problems += [(error.source_id, error) for error in page.rejected]
        rows = (
            {
                "connection": page.connection, "stream": page.stream, "source_id": i,
                "place": _short(error.place), "field": _short(error.field),
                "message": str(error)[:MAX_MESSAGE], "run": batch.run,
                "first_seen": first_seen.get((i, _short(error.field)), batch.seen_at),
                "soft": error.soft,
            }
            for i, error in problems
        )  # fmt: skip
        self._rejected.write(connection, rows)
        unread = [{"raw_id": page.identity(e.source_id)} for e in page.rejected if e.source_id]
        if unread:
            connection.execute(_one_raw().values(hash=UNREAD), unread)


def _clear_problems(
    connection: sa.Connection, page: PreparedPage, source_ids: Iterable[str]
) -> dict[Row, datetime]:
    """Drops the problems of these records; gives since when one was known of each record's field,
    wherever its row stood. Nearly always a stream has none: then one look is all.
    """
    table, first_seen = REJECTED.c, dict[Row, datetime]()
    stream = (table.connection == page.connection, table.stream == page.stream)
    if not connection.execute(sa.select(sa.exists().where(*stream))).scalar():
        return first_seen
    for part in chunks(source_ids):
        here = (*stream, table.source_id.in_(part))
        found = connection.execute(
            sa.select(table.source_id, table.field, sa.func.min(table.first_seen))
            .where(*here)
            .group_by(table.source_id, table.field)
        ).all()
        if found:
            connection.execute(REJECTED.delete().where(*here))
        first_seen.update({(i, name): since for i, name, since in found})
    return first_seen


def bury_rows(
    connection: sa.Connection,
    kinds: Iterable[str],
    raw_ids: Sequence[str],
    *,
    cause: str,
    since: datetime,
) -> None:
    """Marks the live mapped rows of raw records as gone."""
    for kind in KINDS.keys() & set(kinds):
        table = table_of(kind)
        for part in chunks(raw_ids):
            live = table.update().where(table.c.raw_id.in_(part), table.c.gone.is_(None))
            connection.execute(live.values(gone=cause, gone_since=since))


def _bury(connection: sa.Connection, batch: Batch, raw: Head, stored: RawState) -> None:
    cause, since = cause_of(raw) or "deleted", raw.updated_at or batch.seen_at
    since = batch.seen_at if is_older(raw, stored) else since
    identity = batch.page.identity(raw.source_id)
    values = {
        "absent": cause, "absent_since": since, "merged_into": raw.merged_into,
        "updated_at": raw.updated_at or stored.updated_at, "run": batch.run,
    }  # fmt: skip
    connection.execute(_one_raw().values(values), {"raw_id": identity})
    bury_rows(connection, stored.kinds, [identity], cause=cause, since=since)


def _one_raw() -> sa.Update:
    return RAW_RECORD.update().where(RAW_RECORD.c.id == sa.bindparam("raw_id"))


def _short(text: str) -> str:
    """A part of a primary key: PostgreSQL's index rows end at about 2,700 bytes."""
    return storable(text[:200]) or ""


def _landed(writes: _Writes, batch: Batch) -> Landed:
    steps = writes.steps
    return Landed(
        new=steps[Step.NEW],
        changed=steps[Step.CHANGED] + steps[Step.REMAPPED],
        returned=steps[Step.RETURNED],
        unchanged=steps[Step.SAME] + steps[Step.READDRESSED],
        older=steps[Step.OLDER],
        gone=steps[Step.GONE],
        quarantined=writes.quarantined + sum(not e.soft for e in batch.page.rejected),
        mapped=writes.mapped,
        removed=writes.removed,
        changed_ids=tuple(writes.touched),
    )
