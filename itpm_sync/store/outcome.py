"""What was made of the records: snapshots, baselines, how long findings stand, acts at the gates,
and what was published.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
import zstandard

from itpm_sync.connector import Target
from itpm_sync.errors import StoreError
from itpm_sync.store.codec import TableWriter
from itpm_sync.store.database import Database
from itpm_sync.store.schema import (
    BASELINE,
    BASELINE_LINE,
    FINDING_SPAN,
    GATE_RECORD,
    OUTBOX,
    SNAPSHOT,
)
from itpm_sync.store.values import (
    BaselineLine,
    GateRecord,
    OutboxRow,
    StoredBaseline,
    StoredSnapshot,
    row_of,
)


def _unpacked(body: bytes) -> bytes | None:
    """None for what the disk or somebody has damaged."""
    try:
        return zstandard.decompress(body)
    except zstandard.ZstdError:
        return None


class Outcome:
    """The part of a store that no pull writes; with the same promises as `Store`, whose `outcome`
    it is. Snapshots and baselines are append-only.
    """

    def __init__(self, database: Database) -> None:
        self._db = database
        self._spans = TableWriter(FINDING_SPAN, database.dialect)
        self._outbox = TableWriter(OUTBOX, database.dialect)

    def put_snapshot(self, data_date: date, *, run: str, now: datetime, body: bytes) -> bool:
        """Appends a snapshot; False if the latest of that data date has the same bytes."""
        content = hashlib.blake2b(body, digest_size=16).digest()
        table = SNAPSHOT.c
        latest = sa.select(table.hash, table.body).where(table.data_date == data_date)
        with self._db.write() as db:
            row = db.execute(latest.order_by(table.seq.desc()).limit(1)).first()
            if row is not None and row.hash == content and _unpacked(row.body) is not None:
                return False
            db.execute(
                SNAPSHOT.insert(),
                {
                    "data_date": data_date, "created": now, "run": run, "hash": content,
                    "body": zstandard.compress(body),
                },
            )  # fmt: skip
        return True

    def snapshot(self, data_date: date | None = None) -> StoredSnapshot | None:
        """The latest snapshot of a data date; without one, of the latest data date."""
        return self._snapshot(() if data_date is None else (SNAPSHOT.c.data_date == data_date,))

    def snapshot_before(self, data_date: date) -> StoredSnapshot | None:
        """The latest snapshot of the latest data date before this one."""
        return self._snapshot((SNAPSHOT.c.data_date < data_date,))

    def data_dates(self, first: date, last: date) -> tuple[date, ...]:
        """The data dates from `first` to `last` that have a snapshot, the earliest first."""
        on = SNAPSHOT.c.data_date
        query = sa.select(on).where(on >= first, on <= last).distinct().order_by(on)
        with self._db.read() as db:
            return tuple(db.execute(query).scalars())

    def _snapshot(self, where: Sequence[sa.ColumnElement[bool]]) -> StoredSnapshot | None:
        table = SNAPSHOT.c
        newest = (table.data_date.desc(), table.seq.desc())
        query = sa.select(SNAPSHOT).where(*where).order_by(*newest).limit(1)
        with self._db.read() as db:
            row = db.execute(query).first()
        if row is None:
            return None
        body = _unpacked(row.body)
        if body is None:
            raise StoreError(
                f"store {self._db.location} is damaged: the snapshot of {row.data_date} cannot be "
                f"unpacked — make it anew: itpm-sync reconcile --as-of {row.data_date}"
            )
        return StoredSnapshot(data_date=row.data_date, run=row.run, created=row.created, body=body)

    def put_baseline(
        self, project: str, *, on: date, author: str, now: datetime,
        lines: Iterable[BaselineLine], approval: str = "", change_request: str = "",
    ) -> int:  # fmt: skip
        """Appends the next version of a project's baseline; gives its number, from 1 on."""
        head, body = BASELINE.c, BASELINE_LINE
        latest = sa.select(sa.func.max(head.version)).where(head.project == project)
        with self._db.write() as db:
            version = int(db.execute(latest).scalar() or 0) + 1
            key = {"project": project, "version": version}
            db.execute(
                BASELINE.insert(),
                {
                    **key, "on": on, "author": author, "approval": approval,
                    "change_request": change_request, "created": now,
                },
            )  # fmt: skip
            rows = [
                {**key, "position": i, "section": line.section, "data": line.data}
                for i, line in enumerate(lines)
            ]
            if rows:
                db.execute(body.insert(), rows)
        return version

    def baselines(self, project: str | None = None) -> tuple[StoredBaseline, ...]:
        """Every version of the baselines of a project, or of all, oldest first."""
        heads = sa.select(BASELINE).order_by(BASELINE.c.project, BASELINE.c.version)
        line = BASELINE_LINE.c
        rest = sa.select(BASELINE_LINE).order_by(line.project, line.version, line.position)
        if project is not None:
            heads, rest = (
                heads.where(BASELINE.c.project == project),
                rest.where(line.project == project),
            )
        lines: dict[tuple[str, int], list[BaselineLine]] = {}
        with self._db.read() as db:
            for row in db.execute(rest):
                own = lines.setdefault((row.project, row.version), [])
                own.append(BaselineLine(section=row.section, data=row.data))
            return tuple(
                StoredBaseline(**row, lines=tuple(lines.get((row["project"], row["version"]), ())))
                for row in db.execute(heads).mappings()
            )

    def findings_seen(self, keys: Iterable[str], on: date) -> None:
        """Notes which findings stand on a data date; those that stood and do not are resolved.

        A data date that is older than the latest snapshot's changes nothing: what came after it is
        known already.
        """
        table, standing = FINDING_SPAN.c, set(keys)
        present = sa.or_(table.resolved.is_(None), table.resolved == on)
        with self._db.write() as db:
            newest = db.execute(sa.select(sa.func.max(SNAPSHOT.c.data_date))).scalar()
            if newest is not None and newest > on:
                return
            spans = {r.key: r for r in db.execute(sa.select(FINDING_SPAN).where(present))}
            rows = [
                {"key": key, "since": spans[key].since if key in spans else on, "resolved": None}
                for key in sorted(standing)
                if key not in spans or spans[key].resolved is not None
            ]
            rows += [
                {"key": key, "since": span.since, "resolved": on}
                for key, span in spans.items()
                if key not in standing and span.resolved is None
            ]
            self._spans.write(db, rows)

    def finding_spans(self, on: date) -> Mapping[str, tuple[date, date | None]]:
        """By key of a finding known on a data date: the day on which it was first met, and that
        from which it has been standing (None: it is settled).

        What was settled on that very day stands again if it is found: the day is reconciled anew.
        """
        table = FINDING_SPAN.c
        standing = sa.or_(table.resolved.is_(None), table.resolved >= on)
        query = (
            sa.select(
                table.key,
                sa.func.min(table.since),
                sa.func.max(sa.case((standing, table.since))),
            )
            .where(table.since <= on)
            .group_by(table.key)
        )
        with self._db.read() as db:
            return {key: (first, since) for key, first, since in db.execute(query)}

    def put_gate_record(self, record: GateRecord) -> None:
        """Appends an approval, an attestation or its withdrawal."""
        with self._db.write() as db:
            db.execute(GATE_RECORD.insert(), row_of(record))

    def gate_records(self) -> tuple[GateRecord, ...]:
        """Every act at the gates, oldest first."""
        names = [c for c in GATE_RECORD.columns if c.name != "seq"]
        query = sa.select(*names).order_by(GATE_RECORD.c.seq)
        with self._db.read() as db:
            return tuple(
                GateRecord(**{**row, "failing": tuple(row["failing"])})
                for row in db.execute(query).mappings()
            )

    def outbox_row(self, target: Target) -> OutboxRow | None:
        """What the outbox knows of a target."""
        with self._db.read() as db:
            row = db.execute(sa.select(OUTBOX).where(OUTBOX.c.id == target.id)).mappings().first()
        return None if row is None else _outbox_row(row)

    def put_outbox_row(self, row: OutboxRow) -> None:
        """Stores it; committed when the call returns."""
        target = row.target
        values = {name: value for name, value in row_of(row).items() if name != "target"}
        values |= {
            "id": target.id, "connection": target.connection, "project": target.project,
            "address": target.address, "field": target.field,
        }  # fmt: skip
        with self._db.write() as db:
            self._outbox.write(db, [values])

    def outbox(self) -> tuple[OutboxRow, ...]:
        """Every target that was ever published to, by id."""
        with self._db.read() as db:
            found = db.execute(sa.select(OUTBOX).order_by(OUTBOX.c.id)).mappings()
            return tuple(_outbox_row(row) for row in found)


def _outbox_row(row: sa.RowMapping) -> OutboxRow:
    own: dict[str, Any] = {str(name): value for name, value in row.items()}
    own.pop("id")
    target = Target(*(own.pop(name) for name in ("connection", "project", "address", "field")))
    return OutboxRow(target=target, **own)
