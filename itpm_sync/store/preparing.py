"""What can be done with a page before the transaction that lands it: hash, map, compress.

It needs nothing of the store but the raw records' hashes, so it runs in the threads that fetch;
compression and hashing run beside each other there. A prepared record is a fifth of the size of
what was received: pages wait for the writer in this form.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from itpm_sync.connector import Page, RawRecord
from itpm_sync.errors import RecordError
from itpm_sync.model import Record
from itpm_sync.store.bodies import Bodies
from itpm_sync.store.codec import KindCodec
from itpm_sync.store.deciding import Head
from itpm_sync.store.making import Made, MakeRow, check_id
from itpm_sync.store.values import MappedRecord, MapRecord

_PIECE = (
    2_000  # bytes: of more, hashlib lets other threads run first, which costs more than hashing
)


class _Rows(NamedTuple):
    """What a mapping gave for one raw record, without what it gave twice."""

    records: Sequence[Made]
    problems: Sequence[RecordError]


class Prepared(NamedTuple):
    """A raw record ready to be landed.

    `body` is compressed; where `rows` is None it is as received: it was known when it was prepared,
    or the source says that it is gone, so most likely nobody needs it.
    """

    head: Head
    content: bytes  # hash of the body
    body: bytes
    rows: MappedRecord | RecordError | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedPage:
    """Prepared records of one stream. Pages with equal `origin` can be landed together."""

    connection: str
    stream: str
    fingerprint: str  # of the mapping
    map_record: MapRecord
    records: Sequence[Prepared]
    rejected: Sequence[RecordError] = ()

    @property
    def origin(self) -> tuple[str, str, str]:
        """Connection, stream and mapping."""
        return self.connection, self.stream, self.fingerprint

    def identity(self, source_id: str) -> str:
        """The identity of a raw record of this stream."""
        return f"{self.connection}:{self.stream}:{source_id}"


def digest(raw: RawRecord) -> bytes:
    """The content hash of a raw record; its address is no content."""
    body, found = raw.body, hashlib.blake2b(digest_size=16)
    for start in range(0, len(body), _PIECE):
        found.update(body[start : start + _PIECE])
    return found.digest()


class _Makers(dict[type[Record], MakeRow]):
    """What makes rows of a class, by the class."""

    def __init__(self, codec: Callable[[str], KindCodec]) -> None:
        super().__init__()
        self._codec = codec

    def __missing__(self, kind: type[Record]) -> MakeRow:
        found = self[kind] = self._codec(kind.kind).make
        return found


class Preparer:
    """Prepares records. `codec` gives the codec of a kind; `known` the content hashes of those raw
    records (by identity) that are stored as a mapping (by fingerprint) reads them.
    """

    def __init__(
        self, codec: Callable[[str], KindCodec], bodies: Bodies,
        known: Callable[[Sequence[str], str], Mapping[str, bytes]],
    ) -> None:  # fmt: skip
        self._make, self._bodies, self._known = _Makers(codec).__getitem__, bodies, known

    def page(
        self, page: Page, *, connection: str, stream: str, fingerprint: str, map_record: MapRecord,
        first: bool = False,
    ) -> PreparedPage:  # fmt: skip
        """The page, prepared. `first`: nothing of it is known, most likely: all is mapped at once,
        and what is stored all the same is found when it is landed."""
        good, rejected = _with_storable_ids(page, stream)
        head = f"{connection}:{stream}:"
        ids = () if first else [head + raw.source_id for raw in good]
        known = self._known(ids, fingerprint) if ids else {}
        hashes = [digest(raw) for raw in good]
        wanted = [
            not _is_gone(raw) and known.get(head + raw.source_id) != content
            for raw, content in zip(good, hashes, strict=True)
        ]
        bodies = [raw.body for raw, want in zip(good, wanted, strict=True) if want]
        frames = iter(self._bodies.compress((connection, stream), bodies))
        records = [
            Prepared(_head(raw), content, next(frames), self.rows(raw, map_record))
            if want
            else Prepared(_head(raw), content, raw.body, None)
            for raw, content, want in zip(good, hashes, wanted, strict=True)
        ]
        return PreparedPage(
            connection=connection, stream=stream, fingerprint=fingerprint, map_record=map_record,
            records=records, rejected=rejected,
        )  # fmt: skip

    def again(
        self, records: Sequence[RawRecord], *, connection: str, stream: str, fingerprint: str,
        map_record: MapRecord,
    ) -> PreparedPage:  # fmt: skip
        """Stored records under another mapping: only their rows are new."""
        mapped = [Prepared(_head(r), b"", b"", self.rows(r, map_record)) for r in records]
        return PreparedPage(
            connection=connection, stream=stream, fingerprint=fingerprint, map_record=map_record,
            records=mapped,
        )  # fmt: skip

    def rows(self, raw: RawRecord, map_record: MapRecord) -> MappedRecord | RecordError:
        """The rows of a raw record, or why it cannot be mapped."""
        try:
            return self._rows(map_record(raw, self._make))
        except RecordError as error:
            return error

    def _rows(self, mapped: MappedRecord) -> MappedRecord:
        records = mapped.records
        if len(records) == len({identity for _, identity, _ in records}):
            return mapped
        return _each_once(records, mapped.problems)

    def late(self, page: PreparedPage, prepared: Prepared, *, mapped: bool) -> Prepared:
        """A record that was only hashed when it was prepared."""
        raw = RawRecord(body=prepared.body, **prepared.head._asdict())
        rows = self.rows(raw, page.map_record) if mapped else None
        (body,) = self._bodies.compress((page.connection, page.stream), [prepared.body])
        return prepared._replace(body=body, rows=rows)


def _is_gone(raw: RawRecord) -> bool:
    return raw.deleted or raw.merged_into is not None


def _head(raw: RawRecord) -> Head:
    return Head(
        raw.source_id, raw.scope, raw.updated_at, raw.url, raw.deleted, raw.merged_into
    )  # fmt: skip


def _with_storable_ids(page: Page, stream: str) -> tuple[list[RawRecord], list[RecordError]]:
    """The records whose id a database can hold, and what is wrong with the others."""
    good: list[RawRecord] = []
    rejected = list(page.rejected)
    for raw in page.records:
        try:
            check_id(raw.source_id, raw.url or stream)
        except RecordError as error:
            rejected.append(error)
        else:
            good.append(raw)
    return good, rejected


def _each_once(records: Sequence[Made], problems: Sequence[RecordError]) -> _Rows:
    """The first of each kind and identity; the others are problems."""
    kept: dict[tuple[str, str], Made] = {}
    twice = [made for made in records if made is not kept.setdefault(made[:2], made)]
    return _Rows([*kept.values()], [*problems, *map(_twice, twice)])


def _twice(made: Made) -> RecordError:
    _, identity, (source_id, _, _, url, *_) = made
    return RecordError(
        field="id", value=source_id, expected="an id that no other child has",
        place=url or identity, hint="only the first was kept",
    )  # fmt: skip
