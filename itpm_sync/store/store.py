"""The store: the only part of the product that speaks SQL."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Self

import orjson
import sqlalchemy as sa

from itpm_sync.connector import Page, RawRecord
from itpm_sync.model import Record
from itpm_sync.store import absence, proofs, reading
from itpm_sync.store.bodies import Bodies
from itpm_sync.store.codec import TableWriter
from itpm_sync.store.database import Database
from itpm_sync.store.landing import Batch, Landing, joined
from itpm_sync.store.outcome import Outcome
from itpm_sync.store.preparing import PreparedPage, Preparer
from itpm_sync.store.schema import (
    CHECKPOINT,
    COMPLETENESS,
    CONNECTION_STATE,
    META,
    RAW_RECORD,
    REJECTED,
    RUN,
    SIGHTING,
    VERSION,
    all_tables,
    of_stream,
)
from itpm_sync.store.values import (
    Added,
    Checkpoint,
    Completeness,
    ConnectionState,
    Landed,
    MapRecord,
    Provenance,
    RejectedRecord,
    Run,
    ScopeCensus,
    Stats,
    StoredRaw,
    row_of,
)

_NEWEST_RUN = (RUN.c.started.desc(), RUN.c.id.desc())
_EVER = datetime(1970, 1, 1, tzinfo=UTC)  # before everything that was ever recorded
# What each run asks for each stream: making a statement takes longer than running it.
_STATE = sa.select(
    *(CONNECTION_STATE.c[name] for name in ConnectionState.__dataclass_fields__)
).where(CONNECTION_STATE.c.connection == sa.bindparam("connection"))
_CHECKPOINTS = sa.select(CHECKPOINT).where(*of_stream(CHECKPOINT), CHECKPOINT.c.partition == "")
_COUNTS = (
    sa.select(RAW_RECORD.c.scope, sa.func.count())
    .where(*of_stream(RAW_RECORD), RAW_RECORD.c.absent.is_(None))
    .group_by(RAW_RECORD.c.scope)
)


def _live_streams() -> sa.Select[str]:
    """The streams of a connection that have live records, in order: a step of the index for each
    stream, where DISTINCT would look at every record."""
    raw, first = RAW_RECORD.c, sa.func.min(RAW_RECORD.c.stream).label("stream")
    own = raw.connection == sa.bindparam("connection")
    named = sa.select(first).where(own).cte("named", recursive=True)
    following = sa.select(first).where(own, raw.stream > named.c.stream).scalar_subquery()
    named = named.union_all(sa.select(following).where(named.c.stream.is_not(None)))
    live = sa.exists().where(own, raw.stream == named.c.stream, raw.absent.is_(None))
    return sa.select(named.c.stream).where(live).order_by(named.c.stream)


_STREAMS = _live_streams()


def _read_by(run: Run) -> Collection[str]:
    """The connections that a run has counts of; without counts, those that it was to read."""
    found: Collection[str] = run.counts.get("connections", run.counts.get("to_read", ()))
    return found


class Store:
    """Everything that ITPM Sync remembers. Open it with `Store.open(url)`, use it as a context
    manager or call `close`.

    Promises:
    - Every method is one transaction of its own: all of it or nothing, also after a kill.
    - One writer at a time (the run lock sees to it); any number of threads may read meanwhile.
    - Every method raises StoreError, whose text is advice, for what the database refuses.
    - Moments are aware UTC; a naive one raises RecordError, as all that no column takes.
    - Nothing is deleted: absent records are marked, superseded states become versions; snapshots
      and baselines are append-only. (Mapped rows that only a former mapping gave are removed.)

    Runs        begin_run, note_run, finish_run, runs, latest_run_of, first_run_at
    Pulling     connection_state, put_connection_state, checkpoints, put_checkpoints,
                drop_checkpoints, prepare, land, land_page, remap_page, clear_rejected,
                clear_unlisted, census_begin, census_add, census_compare, mark_absent, mark_moved,
                streams, hide_stream, counts, put_completeness
    Reading     records, first_known_after, added_after, gone, versions, raw_records, raw_record,
                provenance, rejected, coverage, read_whole_after, whole_from
    Itself      instance, stats

    What people and reconciliation made of the records is in `outcome`.
    """

    def __init__(self, database: Database) -> None:
        self._db = database
        self._landing = Landing(database.dialect)
        self._bodies = Bodies(database)
        self._preparer = Preparer(self._landing.codec, self._bodies, self._known)
        dialect = database.dialect
        self._sight = TableWriter(SIGHTING, dialect, update=("scope",))
        self._put = {
            table.name: TableWriter(table, dialect)
            for table in (CONNECTION_STATE, CHECKPOINT, COMPLETENESS)
        }
        self.outcome = Outcome(database)
        self._meta = TableWriter(META, dialect, update=())

    @classmethod
    def open(cls, url: str, *, reading: bool = False) -> Self:
        """Opens a store, creating or migrating its schema in one transaction; for `reading` only,
        without creating or changing anything, where it may not be written as well.

        `sqlite:///relative.db`, `sqlite:////absolute.db`, `postgresql+psycopg://user@host/name`.
        Raises StoreError: unreachable, read-only, corrupt, disk full, a newer schema, or an
        older one where it is only read.
        """
        return cls(Database(url, reading=reading))

    def close(self) -> None:
        """Closes all connections; the store must not be used afterwards."""
        self._db.engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def instance(self) -> str:
        """The store's own unique id, made once; it is part of publishing marks. Empty where the
        store is only read and has none yet.
        """
        named = sa.select(META.c.value).where(META.c.name == "instance")
        if self._db.reading:
            with self._db.read() as db:
                return db.execute(named).scalar() or ""
        with self._db.write() as db:
            self._meta.write(db, [{"name": "instance", "value": uuid.uuid4().hex}])
            return str(db.execute(named).scalar())

    # ---- runs -----------------------------------------------------------------------------------

    def begin_run(self, job: str, now: datetime) -> str:
        """Notes that a run began; gives its id, which sorts by time.

        The caller holds the run lock: a run that is still `running` was killed, and becomes
        `interrupted`.
        """
        run = f"{now:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"
        with self._db.write() as db:
            db.execute(
                RUN.update()
                .where(RUN.c.state == "running")
                .values(state="interrupted", message="stopped before its end")
            )
            db.execute(
                RUN.insert(),
                {"id": run, "job": job, "started": now, "state": "running", "counts": {}},
            )
        return run

    def note_run(self, run: str, counts: Mapping[str, Any]) -> None:
        """What a run that goes on has counted so far, or is `to_read` (names of connections)."""
        with self._db.write() as db:
            db.execute(RUN.update().where(RUN.c.id == run).values(counts=dict(counts)))

    def finish_run(
        self,
        run: str,
        *,
        state: str,
        now: datetime,
        counts: Mapping[str, Any] | None = None,
        message: str = "",
    ) -> None:
        """Notes how a run ended: ok, failed, partial or safety_stop. Without counts those that were
        noted before stay.
        """
        told = {} if counts is None else {"counts": dict(counts)}
        with self._db.write() as db:
            db.execute(
                RUN.update()
                .where(RUN.c.id == run)
                .values(state=state, finished=now, message=message, **told)
            )

    def runs(
        self, limit: int = 20, *, job: str | None = None, states: Collection[str] = ()
    ) -> tuple[Run, ...]:
        """The latest runs, of a job or with one of these outcomes if given, newest first."""
        query = sa.select(RUN).order_by(*_NEWEST_RUN).limit(limit)
        if job is not None:
            query = query.where(RUN.c.job == job)
        if states:
            query = query.where(RUN.c.state.in_(states))
        with self._db.read() as db:
            return tuple(Run(**row) for row in db.execute(query).mappings())

    def latest_run_of(self, connection: str, jobs: Collection[str]) -> Run | None:
        """The latest run that was to read a connection: it noted that, or it noted nothing, stopped
        or is at work, and was of one of these jobs.
        """
        name, counts = orjson.dumps(connection).decode(), RUN.c.counts
        naming = sa.type_coerce(counts, sa.Text).contains(name, autoescape=True)
        silent = sa.and_(
            counts == {}, RUN.c.job.in_(list(jobs)), RUN.c.state.in_(("running", "interrupted"))
        )
        query = sa.select(RUN).where(naming | silent).order_by(*_NEWEST_RUN)
        with self._db.read() as db:
            found = (Run(**row) for row in db.execute(query).mappings())
            # A text that contains the name may do so for another reason.
            return next((r for r in found if not r.counts or connection in _read_by(r)), None)

    def first_run_at(self) -> datetime | None:
        """When the first run began; None if there was none."""
        with self._db.read() as db:
            query = sa.select(RUN.c.started).order_by(RUN.c.started).limit(1)
            return db.execute(query).scalar()

    # ---- pulling --------------------------------------------------------------------------------

    def connection_state(self, connection: str) -> ConnectionState:
        """What is known of a connection; an empty value if it was never pulled."""
        with self._db.read() as db:
            row = db.execute(_STATE, {"connection": connection}).mappings().first()
        return ConnectionState(**(row or {"connection": connection}))

    def put_connection_state(self, state: ConnectionState, now: datetime) -> None:
        """Stores it as it is."""
        with self._db.write() as db:
            self._put["connection_state"].write(db, [{**row_of(state), "updated": now}])

    def checkpoints(self, connection: str, stream: str) -> Mapping[str, Checkpoint]:
        """The checkpoints of a stream, by scope (those of whole scopes: `partition` is empty)."""
        asked = {"connection": connection, "stream": stream}
        with self._db.read() as db:
            found = [Checkpoint(**row) for row in db.execute(_CHECKPOINTS, asked).mappings()]
        return {checkpoint.scope: checkpoint for checkpoint in found}

    def put_checkpoints(self, checkpoints: Iterable[Checkpoint]) -> None:
        """Stores them as they are: the caller knows that every page before them is landed."""
        with self._db.write() as db:
            self._put["checkpoint"].write(db, [row_of(one) for one in checkpoints])

    def drop_checkpoints(self, connection: str, stream: str, scopes: Iterable[str]) -> None:
        """Forgets how far scopes were read: the next read of them is whole."""
        table = CHECKPOINT.c
        with self._db.write() as db:
            db.execute(
                CHECKPOINT.delete().where(
                    table.connection == connection,
                    table.stream == stream,
                    table.scope.in_(list(scopes)),
                )
            )

    def land_page(
        self,
        page: Page,
        *,
        run: str,
        connection: str,
        stream: str,
        fingerprint: str,
        map_record: MapRecord,
        now: datetime,
        checkpoint: Checkpoint | None = None,
    ) -> Landed:
        """Lands a page: raw records, mapped rows, versions, rejections and progress, in one
        transaction. Idempotent.

        `map_record` is called only for raw records whose content (or scope) or whose mapping
        `fingerprint` changed; where it raises RecordError, the raw record is kept, its last good
        rows stay and the reason goes to `rejected`. A record with an older `updated_at` than
        what the same `run` stored is ignored. A record that was absent returns with all its rows.
        `RawRecord.deleted` and `merged_into` mark the record absent at once.
        """
        prepared = self.prepare(
            page, connection=connection, stream=stream, fingerprint=fingerprint,
            map_record=map_record,
        )  # fmt: skip
        return self.land([prepared], run=run, now=now, checkpoint=checkpoint)

    def prepare(
        self, page: Page, *, connection: str, stream: str, fingerprint: str, map_record: MapRecord,
        first: bool = False,
    ) -> PreparedPage:  # fmt: skip
        """What `land` needs of a page: hashed, mapped, compressed. Any thread may do it, and many
        at a time; nothing is written. Raises what `map_record` raises, except RecordError.

        What is known and unchanged is neither mapped nor compressed; with `first`, where hardly
        anything can be known, nobody looks.
        """
        return self._preparer.page(
            page, connection=connection, stream=stream, fingerprint=fingerprint,
            map_record=map_record, first=first,
        )  # fmt: skip

    def _known(self, identities: Sequence[str], fingerprint: str) -> Mapping[str, bytes]:
        """The content hashes of those raw records that are stored as this mapping reads them."""
        with self._db.read() as db:
            states = self._landing.states(db, identities)
        return {i: known.hash for i, known in states.items() if known.fingerprint == fingerprint}

    def land(
        self, pages: Sequence[PreparedPage], *, run: str, now: datetime,
        checkpoint: Checkpoint | None = None, sighted: Sequence[tuple[str, Sequence[str]]] = (),
    ) -> Landed:  # fmt: skip
        """Lands prepared pages of one origin in one transaction; see `land_page`. `sighted` adds
        to the stream's census: ids by scope.
        """
        batch = Batch(page=joined(pages), run=run, seen_at=now)
        connection, stream, _ = pages[0].origin
        with self._db.write() as db:
            landed = self._landing.land(db, batch, self._preparer)
            for scope, ids in sighted:
                self._sight.write_rows(db, absence.sightings(connection, stream, scope, ids))
            if checkpoint is not None:
                self._put["checkpoint"].write(db, [row_of(checkpoint)])
        return landed

    def remap_page(
        self,
        records: Sequence[RawRecord],
        *,
        run: str,
        connection: str,
        stream: str,
        fingerprint: str,
        map_record: MapRecord,
        now: datetime,
        dry_run: bool = False,
    ) -> Landed:
        """Maps stored raw records anew, in place and without versions; `changed_ids` names every
        mapped record that was added, changed or removed. `dry_run` rolls all of it back.
        """
        page = self._preparer.again(
            records, connection=connection, stream=stream, fingerprint=fingerprint,
            map_record=map_record,
        )  # fmt: skip
        batch = Batch(page=page, run=run, seen_at=now, remap=True)
        with (self._db.rehearse if dry_run else self._db.write)() as db:
            return self._landing.land(db, batch, self._preparer)

    def clear_rejected(self, connection: str, stream: str, run: str) -> None:
        """Drops rejections of what is not stored (records without an id, or never readable) that
        `run` did not meet again; for use after the whole stream was read.
        """
        table = REJECTED.c
        identity = table.connection + ":" + table.stream + ":" + table.source_id
        with self._db.write() as db:
            db.execute(
                REJECTED.delete().where(
                    table.connection == connection,
                    table.stream == stream,
                    table.run != run,
                    ~sa.exists().where(RAW_RECORD.c.id == identity),
                )
            )

    def census_begin(self, connection: str, stream: str) -> None:
        """Begins a census of a stream: forgets what an earlier one listed."""
        with self._db.write() as db:
            absence.forget(db, connection, stream)

    def census_add(
        self, connection: str, stream: str, scope: str, source_ids: Iterable[str]
    ) -> None:
        """Adds ids that the source listed."""
        with self._db.write() as db:
            self._sight.write_rows(db, absence.sightings(connection, stream, scope, source_ids))

    def census_compare(self, connection: str, stream: str, run: str) -> tuple[ScopeCensus, ...]:
        """The census against the store, per scope. What `run` itself read of a record counts more
        than the listing; records that it landed are never missing.
        """
        with self._db.read() as db:
            return absence.compare(db, connection, stream, run)

    def clear_unlisted(self, connection: str, stream: str, run: str) -> None:
        """Drops rejections of records that a complete census does not list and that are not
        stored; those that `run` met stay.
        """
        with self._db.write() as db:
            absence.forget_unlisted(db, connection, stream, run)

    def unread(
        self, connection: str, stream: str, *, run: str, since: datetime
    ) -> Mapping[str, Sequence[str]]:
        """The ids, by scope, of live records that the connector could not read when it met them
        last, in a run before `run` and since `since`.
        """
        with self._db.read() as db:
            return absence.unread(db, connection, stream, run, since)

    def mark_absent(
        self, connection: str, stream: str, source_ids: Sequence[str], *, cause: str, at: datetime
    ) -> int:
        """Marks live records, their rows and children as deleted, moved, hidden or merged; gives
        how many were live. They return when they are landed again.
        """
        with self._db.write() as db:
            return absence.bury(db, connection, stream, source_ids, cause=cause, at=at)

    def mark_moved(
        self, connection: str, stream: str, source_ids: Iterable[str], scope: str
    ) -> None:
        """Puts records under another scope; identity and rows stay."""
        with self._db.write() as db:
            absence.move(db, connection, stream, source_ids, scope)

    def streams(self, connection: str) -> tuple[str, ...]:
        """The streams of a connection that have live records."""
        with self._db.read() as db:
            return tuple(db.execute(_STREAMS, {"connection": connection}).scalars())

    def hide_stream(self, connection: str, stream: str, *, at: datetime) -> int:
        """Marks every live record of a stream as hidden and forgets how far it was read, so that
        it returns whole; gives how many were live.
        """
        table = RAW_RECORD.c
        live = sa.select(table.source_id).where(
            table.connection == connection, table.stream == stream, table.absent.is_(None)
        )
        progress = CHECKPOINT.c
        with self._db.write() as db:
            db.execute(
                CHECKPOINT.delete().where(
                    progress.connection == connection, progress.stream == stream
                )
            )
            ids = list(db.execute(live).scalars())
            return absence.bury(db, connection, stream, ids, cause="hidden", at=at)

    def counts(self, connection: str, stream: str) -> Mapping[str, int]:
        """Live raw records by scope; a scope without any is missing."""
        asked = {"connection": connection, "stream": stream}
        with self._db.read() as db:
            return {row[0]: row[1] for row in db.execute(_COUNTS, asked)}

    def put_completeness(self, run: str, proofs: Iterable[Completeness], now: datetime) -> None:
        """Notes what a run proved of streams and scopes."""
        rows = [{**row_of(proof), "run": run, "recorded": now} for proof in proofs]
        with self._db.write() as db:
            self._put["completeness"].write(db, rows)

    # ---- reading --------------------------------------------------------------------------------

    def records(self, kind: str, *, as_of: datetime | None = None) -> Iterator[Record]:
        """The live model records of a kind, in the order of their identity, streamed.

        With `as_of`: the state that each had at that moment, as its source dates it. A record
        whose first known state is later gives that state: it may well have existed, and its own
        dates (created, ordered, …) say so better than we can. A record that went later is there,
        and so is one that was absent then and came back: history is the source's, not our sight's.
        """
        return reading.records(self._db, self._landing.codec(kind), as_of=as_of, gone=False)

    def people(self) -> frozenset[str]:
        """Every name and address of a person in a live record, as its source writes it."""
        return reading.people(self._db)

    def first_known_after(self, kind: str, moment: datetime) -> frozenset[str]:
        """The identities of the live model records of a kind of which no state by that moment is
        known: `records` gives a later one.
        """
        return reading.first_known_after(self._db, self._landing.codec(kind), moment)

    def scopes(self, kinds: Iterable[str], connection: str, stream: str) -> Mapping[str, str]:
        """By identity, the scope of the live model records of these kinds that a stream gave."""
        return {
            identity: scope
            for kind in kinds
            for identity, scope in reading.scopes(
                self._db, self._landing.codec(kind), connection, stream
            )
        }

    def added_after(
        self, kinds: Iterable[str], moment: datetime
    ) -> Mapping[str, tuple[Added, ...]]:
        """The model records of each of these kinds that had come neither by a moment nor when
        their scope was first read whole: `records` gives them for that moment all the same. Of a
        scope that never was read whole nobody knows what came late.
        """
        whole = self.whole_from()
        return {
            kind: tuple(reading.added_after(self._db, self._landing.codec(kind), moment, whole))
            for kind in kinds
        }

    def gone(self, kind: str, *, as_of: datetime | None = None) -> Iterator[Record]:
        """The model records of a kind that are absent (`as_of`: were by then), as last known."""
        return reading.records(self._db, self._landing.codec(kind), as_of=as_of, gone=True)

    def versions(self, kind: str, identity: str) -> tuple[tuple[datetime, Record], ...]:
        """Every known state of a record, oldest first, each with the moment from which it held."""
        return reading.versions(self._db, self._landing.codec(kind), identity)

    def raw_records(self, connection: str, *, stale_for: str | None = None) -> Iterator[StoredRaw]:
        """All raw records of a connection, absent ones too, streamed by identity.

        `stale_for` limits them to those that were read with another mapping fingerprint.
        """
        return reading.raw_records(self._db, self._bodies.read, connection, stale_for)

    def raw_record(self, connection: str, stream: str, source_id: str) -> StoredRaw | None:
        """One raw record: where a number ends when it is explained."""
        return reading.raw_record(self._db, self._bodies.read, connection, stream, source_id)

    def provenance(
        self, kind: str, identities: Sequence[str], *, as_of: datetime | None = None
    ) -> Mapping[str, Provenance]:
        """The raw record and the run behind model records of a kind, by identity; with `as_of`
        behind the states that `records` gives for it.
        """
        codec = self._landing.codec(kind)
        return dict(reading.provenance(self._db, codec, identities, as_of=as_of))

    def rejected(self, connection: str | None = None) -> tuple[RejectedRecord, ...]:
        """What stands in quarantine."""
        query = sa.select(REJECTED).order_by(*REJECTED.primary_key.columns)
        if connection is not None:
            query = query.where(REJECTED.c.connection == connection)
        with self._db.read() as db:
            return tuple(RejectedRecord(**row) for row in db.execute(query).mappings())

    def coverage(
        self, connection: str | None = None, *, by: datetime | None = None
    ) -> tuple[Completeness, ...]:
        """The latest proof of each stream and scope that a connection is configured for, of one or
        of all connections. It may stand several runs back: not every run reads every stream, and
        one that was killed read only some. With `by`: the latest that was recorded by then.
        """
        with self._db.read() as db:
            return tuple(proofs.latest(db, connection, by))

    def whole_from(self) -> Mapping[tuple[str, str, str], datetime]:
        """When each connection, stream and scope was first proved to have been read whole, of those
        that were.
        """
        with self._db.read() as db:
            return {
                (p.connection, p.stream, p.scope): at for p, at in proofs.first_whole(db, _EVER)
            }

    def read_whole_after(self, moment: datetime) -> tuple[Completeness, ...]:
        """The first proof of a complete reading that was recorded after a moment, of each stream
        and scope that has one.
        """
        with self._db.read() as db:
            return tuple(proof for proof, _ in proofs.first_whole(db, moment))

    # ---- itself ----------------------------------------------------------------------------------

    def stats(self) -> Stats:
        """How big the store is; counts every table, so not for each run."""
        length = sa.func.coalesce(sa.func.sum(sa.func.length(RAW_RECORD.c.body)), 0)
        with self._db.read() as db:
            rows = {
                table.name: int(
                    db.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
                )
                for table in all_tables().sorted_tables
            }
            raw_bytes = int(db.execute(sa.select(length)).scalar_one())
            size = self._size(db)
        return Stats(
            location=self._db.location, schema=VERSION, bytes=size, rows=rows, raw_bytes=raw_bytes
        )

    def _size(self, db: sa.Connection) -> int | None:
        path = self._db.path
        if path is not None:
            return path.stat().st_size if path.exists() else None
        if self._db.dialect.name == "sqlite":
            return None
        return int(db.execute(sa.text("SELECT pg_database_size(current_database())")).scalar_one())
