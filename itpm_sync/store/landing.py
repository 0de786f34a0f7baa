"""Landing a page: decide for each raw record, map what changed, write it all.

The rules. An older version never overwrites a newer one. What is unchanged, by content hash and
mapping fingerprint, costs one lookup and no write. Children belong to their raw record and are
replaced as a set: a child that a newer version lacks is marked deleted. A superseded state of a
model record becomes a version. A changed mapping re-reads the same source state: it replaces rows
in place and makes no version; so does a record that only has another address (a row that moved
down in its file). A record that cannot be mapped is kept raw, its last good rows stay,
and the reason goes to `rejected`.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum, auto
from itertools import islice
from typing import Any, TypeVar

import sqlalchemy as sa
import zstandard

from itpm_sync.connector import RawRecord
from itpm_sync.errors import RecordError
from itpm_sync.model import Record
from itpm_sync.store.codec import KindCodec, Row, TableWriter, check_id, writer
from itpm_sync.store.schema import RAW_RECORD, RECORD_VERSION, REJECTED, TABLES, storable
from itpm_sync.store.values import Landed, MappedRecord, MapRecord

_T = TypeVar("_T")
CHUNK = 2_000  # ids in one IN list; SQLite allows 32,766 parameters, PostgreSQL 65,535
MAX_MESSAGE = 2_000

Key = tuple[str, str]  # kind, identity
OldRows = Mapping[Key, Row]
Contents = dict[Key, tuple[Record, Row]]


class Step(Enum):
    """What landing does with one raw record."""

    NEW = auto()
    CHANGED = auto()
    RETURNED = auto()
    REMAPPED = auto()  # same content, other mapping
    READDRESSED = auto()  # same content at another address for people
    SAME = auto()
    OLDER = auto()
    GONE = auto()  # the source says so itself


_SAME_STATE = frozenset({Step.REMAPPED, Step.READDRESSED})
"""Steps in which the source's state is the one that is stored: no row of theirs is a version."""


@dataclass(frozen=True, slots=True)
class RawState:
    """What the store knows of a raw record, without its body."""

    hash: bytes
    fingerprint: str
    scope: str
    updated_at: datetime | None
    absent: str | None
    kinds: frozenset[str]
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Raw records of one stream, to be landed in one transaction.

    `remap` re-reads stored records: nothing returns, and only mapped rows change.
    """

    run: str
    connection: str
    stream: str
    fingerprint: str
    seen_at: datetime
    map_record: MapRecord
    records: Sequence[RawRecord]
    rejected: Sequence[RecordError] = ()
    remap: bool = False

    def identity(self, source_id: str) -> str:
        """The identity of a raw record of this batch."""
        return f"{self.connection}:{self.stream}:{source_id}"


# ---- decide -------------------------------------------------------------------------------------


def digest(raw: RawRecord) -> bytes:
    """The content hash of a raw record; its address is no content."""
    return hashlib.blake2b(raw.body, digest_size=16).digest()


def decide(  # noqa: PLR0911 - a decision table
    stored: RawState | None, raw: RawRecord, content: bytes, fingerprint: str
) -> Step:
    """What to do with `raw`; pure."""
    gone = cause_of(raw)
    if stored is None:
        return Step.GONE if gone else Step.NEW
    if _is_older(raw, stored) and not (stored.absent and not gone):
        return Step.OLDER
    if gone:
        return Step.SAME if stored.absent == gone else Step.GONE
    if stored.absent:
        return Step.RETURNED
    if (content, raw.scope, raw.updated_at) != (stored.hash, stored.scope, stored.updated_at):
        return Step.CHANGED
    if raw.url != stored.url:
        return Step.READDRESSED
    return Step.SAME if fingerprint == stored.fingerprint else Step.REMAPPED


def cause_of(raw: RawRecord) -> str | None:
    """Why the source says that the record is gone, or None."""
    if raw.merged_into is not None:
        return "merged"
    return "deleted" if raw.deleted else None


def _is_older(raw: RawRecord, stored: RawState) -> bool:
    if raw.updated_at is None or stored.updated_at is None:
        return False
    return raw.updated_at < stored.updated_at


def latest(records: Iterable[RawRecord]) -> list[RawRecord]:
    """Each record once, in its newest version; of equal or missing stamps the last one."""
    found: dict[str, RawRecord] = {}
    for raw in records:
        before = found.get(raw.source_id)
        if before is None or not _precedes(raw.updated_at, before.updated_at):
            found[raw.source_id] = raw
    return list(found.values())


def _precedes(one: datetime | None, other: datetime | None) -> bool:
    return one is not None and other is not None and one < other


def chunks(items: Iterable[_T], size: int = CHUNK) -> Iterator[list[_T]]:
    """The items in lists of at most `size`."""
    rest = iter(items)
    while chunk := list(islice(rest, size)):
        yield chunk


# ---- plan ---------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Writes:
    """What one batch writes, collected before the first write."""

    raw: list[dict[str, Any]] = field(default_factory=list)
    refreshed: list[dict[str, Any]] = field(default_factory=list)  # mapping columns only
    buried: list[tuple[RawRecord, RawState]] = field(default_factory=list)
    rows: dict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))
    unmapped: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    versions: list[dict[str, Any]] = field(default_factory=list)
    problems: dict[str, list[RecordError]] = field(default_factory=dict)
    steps: dict[Step, int] = field(default_factory=lambda: defaultdict(int))
    quarantined: int = 0
    mapped: int = 0
    removed: int = 0
    touched: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Todo:
    """A raw record that needs work."""

    raw: RawRecord
    stored: RawState | None
    step: Step
    content: bytes


@dataclass(frozen=True, slots=True)
class _Planner:
    """Decides what a batch writes and puts it into `writes`."""

    batch: Batch
    codec: Callable[[str], KindCodec]
    writes: _Writes
    compress: Callable[[bytes], bytes]
    now: Any  # `batch.seen_at` as the driver takes it

    def plan(self, todo: _Todo, old: OldRows) -> None:
        raw, stored, batch = todo.raw, todo.stored, self.batch
        kinds = stored.kinds if stored else frozenset[str]()
        if todo.step is Step.GONE:
            self.writes.problems[raw.source_id] = []
            if stored is None:
                self._keep_raw(todo, kinds)
            else:
                # body and rows stay as they last were: the scope ledger needs what was deleted
                self.writes.buried.append((raw, stored))
            return
        kinds |= self._map(todo, old)
        if todo.step is Step.REMAPPED:
            self.writes.refreshed.append(
                {"raw_id": batch.identity(raw.source_id), "new_kinds": _joined(kinds)}
            )
        else:
            self._keep_raw(todo, kinds)

    def _keep_raw(self, todo: _Todo, kinds: frozenset[str]) -> None:
        raw, batch, cause = todo.raw, self.batch, cause_of(todo.raw)
        self.writes.raw.append(
            {
                "id": batch.identity(raw.source_id),
                "connection": batch.connection, "stream": batch.stream,
                "source_id": raw.source_id, "scope": raw.scope, "updated_at": raw.updated_at,
                "seen_at": batch.seen_at, "run": batch.run, "absent": cause,
                "absent_since": _moment(raw, batch) if cause else None,
                "merged_into": raw.merged_into, "hash": todo.content,
                "fingerprint": batch.fingerprint, "kinds": _joined(kinds), "url": raw.url,
                "body": self.compress(raw.body),
            }
        )  # fmt: skip

    def _map(self, todo: _Todo, old: OldRows) -> frozenset[str]:
        """Plans the rows of a raw record; gives their kinds."""
        absent = todo.stored.absent if self.batch.remap and todo.stored else None
        try:
            contents, problems = self._contents(self.batch.map_record(todo.raw))
        except RecordError as error:
            if not absent:
                self.writes.problems[todo.raw.source_id] = [error]
                self.writes.quarantined += 1
            if todo.step is Step.RETURNED:
                self._revive(old)
            return frozenset()
        if not absent:
            self.writes.problems[todo.raw.source_id] = problems
        rest = dict(old)
        for key, (record, content) in contents.items():
            self._row(todo, record, content, rest.pop(key, None))
        for (kind, _), row in rest.items():
            self._leftover(todo, kind, row)
        return frozenset(kind for kind, _ in contents)

    def _contents(self, mapped: MappedRecord) -> tuple[Contents, list[RecordError]]:
        contents: Contents = {}
        problems = list(mapped.problems)
        for record in mapped.records:
            key = (record.kind, record.ref.identity)
            if key in contents:
                problems.append(_twice(record))
            else:
                contents[key] = (record, self.codec(record.kind).content(record))
        return contents, problems

    def _row(self, todo: _Todo, record: Record, content: Row, old: Row | None) -> None:
        """The new state of a mapped row; where it supersedes another, that becomes a version."""
        codec, batch = self.codec(record.kind), self.batch
        now = self.now
        begin = codec.moment(record.updated_at or _moment(todo.raw, batch))
        raw_id = batch.identity(todo.raw.source_id)
        if old is None:
            absent = todo.stored.absent if batch.remap and todo.stored else None
            engine: Row = (record.id, raw_id, absent, now if absent else None, begin, now)
            self._write(record.kind, (*engine, *content))
            return
        before = old[codec.HEAD :]
        if todo.step in _SAME_STATE:
            if before != content:
                self._write(record.kind, (*old[: codec.HEAD], *content))
            return
        if before == content and not old[2]:
            return
        state = old[4:6]
        if not _only(codec.UPDATED_AT - codec.HEAD, before, content):
            self.writes.versions.append(_version(codec, old, begin, batch))
            state = (begin, now)
        self._write(record.kind, (record.id, raw_id, None, None, *state, *content))

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
        if todo.step in _SAME_STATE:  # derived by the former mapping, never at the source
            self.writes.unmapped[kind].append(row[0])
            return
        since = self.codec(kind).moment(_moment(todo.raw, self.batch))
        self.writes.rows[kind].append((*row[:2], "deleted", since, *row[4:]))


def _moment(raw: RawRecord, batch: Batch) -> datetime:
    return raw.updated_at or batch.seen_at


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


def _twice(record: Record) -> RecordError:
    return RecordError(
        field="id", value=record.ref.source_id, expected="an id that no other child has",
        place=record.ref.url or record.id, hint="only the first was kept",
    )  # fmt: skip


# ---- write --------------------------------------------------------------------------------------


class Landing:
    """Lands batches on one kind of database; statements are prepared once."""

    def __init__(self, dialect: sa.Dialect) -> None:
        self._dialect = dialect
        self._codecs: dict[str, KindCodec] = {}
        self._raw = TableWriter(RAW_RECORD, dialect)
        self._moment = writer(RAW_RECORD.c.seen_at, dialect)
        self._rejected = TableWriter(REJECTED, dialect, update=("message", "run"))

    def codec(self, kind: str) -> KindCodec:
        """The prepared codec of a kind."""
        found = self._codecs.get(kind)
        if found is None:
            found = self._codecs[kind] = KindCodec(kind, self._dialect)
        return found

    def land(self, connection: sa.Connection, batch: Batch) -> Landed:
        """Decides and writes; the caller owns the transaction. Raises what `map_record` raises,
        except RecordError.
        """
        batch = _with_storable_ids(batch)
        records = latest(batch.records)
        states = raw_states(connection, batch, [raw.source_id for raw in records])
        writes = _Writes()
        todos = [todo for raw in records if (todo := _todo(batch, raw, states, writes))]
        if todos:
            old = self._old_rows(connection, batch, todos)
            compress = zstandard.ZstdCompressor(level=1).compress
            now = self._moment(batch.seen_at)
            planner = _Planner(batch, self.codec, writes, compress, now)
            for todo in todos:
                planner.plan(todo, old.get(batch.identity(todo.raw.source_id), {}))
        self._write(connection, batch, writes)
        self._write_problems(connection, batch, writes)
        return _landed(writes, batch)

    def _old_rows(
        self, connection: sa.Connection, batch: Batch, todos: Iterable[_Todo]
    ) -> dict[str, dict[Key, Row]]:
        """The stored rows that the batch's raw records own, by owner, as the driver gives them."""
        owners: dict[str, list[str]] = defaultdict(list)
        for todo in todos:
            if todo.stored is not None and todo.step is not Step.GONE:
                for kind in todo.stored.kinds & TABLES.keys():
                    owners[kind].append(batch.identity(todo.raw.source_id))
        found: dict[str, dict[Key, Row]] = defaultdict(dict)
        for kind, raw_ids in owners.items():
            for part in chunks(raw_ids):
                for row in self.codec(kind).owned_by(connection, part):
                    found[row[1]][kind, row[0]] = row
        return found

    def _write(self, connection: sa.Connection, batch: Batch, writes: _Writes) -> None:
        self._raw.write(connection, writes.raw)
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
                fingerprint=batch.fingerprint, kinds=sa.bindparam("new_kinds")
            )
            connection.execute(refresh, writes.refreshed)
        for raw, stored in writes.buried:
            _bury(connection, batch, raw, stored)

    def _write_problems(self, connection: sa.Connection, batch: Batch, writes: _Writes) -> None:
        """Replaces the problems of every record that was looked at; keeps their first day.

        A stored record that the connector could not read this time loses its content hash, so
        that the next good answer is looked at, even if it equals the stored one.
        """
        first_seen: dict[Row, datetime] = {}
        table = REJECTED.c
        for part in chunks(writes.problems):
            here = (*_of_stream(table, batch), table.source_id.in_(part))
            found = connection.execute(
                sa.select(table.source_id, table.place, table.field, table.first_seen).where(*here)
            ).all()
            if found:
                connection.execute(REJECTED.delete().where(*here))
            first_seen.update({(i, place, name): since for i, place, name, since in found})
        problems = [(i, error) for i, errors in writes.problems.items() for error in errors]
        problems += [(error.source_id, error) for error in batch.rejected]
        rows = (
            {
                "connection": batch.connection, "stream": batch.stream, "source_id": i,
                "place": _short(error.place), "field": _short(error.field),
                "message": str(error)[:MAX_MESSAGE], "run": batch.run,
                "first_seen": first_seen.get(
                    (i, _short(error.place), _short(error.field)), batch.seen_at
                ),
            }
            for i, error in problems
        )  # fmt: skip
        self._rejected.write(connection, rows)
        unread = [{"raw_id": batch.identity(e.source_id)} for e in batch.rejected if e.source_id]
        if unread:
            connection.execute(_one_raw().values(hash=b""), unread)


def _with_storable_ids(batch: Batch) -> Batch:
    """Records whose id no database can hold are rejected, not fatal."""
    good: list[RawRecord] = []
    rejected = list(batch.rejected)
    for raw in batch.records:
        try:
            check_id(raw.source_id, raw.url or batch.stream)
        except RecordError as error:
            rejected.append(error)
        else:
            good.append(raw)
    return (
        batch
        if len(good) == len(batch.records)
        else replace(batch, records=good, rejected=rejected)
    )


def _todo(
    batch: Batch, raw: RawRecord, states: Mapping[str, RawState], writes: _Writes
) -> _Todo | None:
    stored, content = states.get(raw.source_id), digest(raw)
    step = Step.REMAPPED if batch.remap else decide(stored, raw, content, batch.fingerprint)
    writes.steps[step] += 1
    return None if step in (Step.SAME, Step.OLDER) else _Todo(raw, stored, step, content)


def raw_states(connection: sa.Connection, batch: Batch, ids: Sequence[str]) -> dict[str, RawState]:
    """What the store knows of these records of the batch's stream."""
    table = RAW_RECORD.c
    query = sa.select(
        table.source_id, table.hash, table.fingerprint, table.scope,
        table.updated_at, table.absent, table.kinds, table.url,
)  # fmt: skip
    return {
        row[0]: RawState(row[1], row[2], row[3], row[4], row[5], frozenset(row[6].split()), row[7])
        for part in chunks(batch.identity(i) for i in ids)
        for row in connection.execute(query.where(table.id.in_(part)))
    }


def bury_rows(
    connection: sa.Connection,
    kinds: Iterable[str],
    raw_ids: Sequence[str],
    *,
    cause: str,
    since: datetime,
) -> None:
    """Marks the live mapped rows of raw records as gone."""
    for kind in TABLES.keys() & set(kinds):
        table = TABLES[kind]
        for part in chunks(raw_ids):
            live = table.update().where(table.c.raw_id.in_(part), table.c.gone.is_(None))
            connection.execute(live.values(gone=cause, gone_since=since))


def _bury(connection: sa.Connection, batch: Batch, raw: RawRecord, stored: RawState) -> None:
    cause, since = cause_of(raw) or "deleted", _moment(raw, batch)
    values = {
        "absent": cause, "absent_since": since, "merged_into": raw.merged_into,
        "updated_at": raw.updated_at or stored.updated_at, "run": batch.run,
    }  # fmt: skip
    connection.execute(_one_raw().values(values), {"raw_id": batch.identity(raw.source_id)})
    bury_rows(connection, stored.kinds, [batch.identity(raw.source_id)], cause=cause, since=since)


def _of_stream(table: Any, batch: Batch) -> tuple[sa.ColumnElement[bool], ...]:
    return (table.connection == batch.connection, table.stream == batch.stream)


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
        quarantined=writes.quarantined + len(batch.rejected),
        mapped=writes.mapped,
        removed=writes.removed,
        changed_ids=tuple(writes.touched),
    )
