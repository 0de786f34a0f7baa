"""Raw bodies, compressed: zstd with a dictionary of their stream.

Records of one stream repeat the same field names and values; what a dictionary trained on the
first hundred of them leaves is a quarter of what zstd alone does, in half the time. A dictionary
is stored, in a transaction of its own, before the first body that needs it, and never changes; a
body names it in its frame header, so bodies from before it stay readable.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

import sqlalchemy as sa
import zstandard

from itpm_sync.errors import StoreError
from itpm_sync.store.database import Database
from itpm_sync.store.schema import RAW_DICTIONARY

LEVEL = 1
SIZE = 32 * 1024  # of a dictionary, in bytes
ENOUGH = 50  # bodies to train one on
ENOUGH_BYTES = 64 * 1024
MOST_BYTES = 4 * 1024 * 1024  # of what is trained on: more takes longer and gives nothing
WORTH = 0.8  # of the size without it, at most: else it is not kept
FIRST_ID = 32_768  # lower numbers are reserved (RFC 8878, 5)

StreamKey = tuple[str, str]  # connection, stream


class Bodies:
    """Compresses and reads bodies. Thread-safe."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self._training = threading.Lock()
        self._by_id: dict[int, zstandard.ZstdCompressionDict] = {}
        self._of_stream: dict[StreamKey, zstandard.ZstdCompressionDict | None] = {}
        self._unworthy: set[StreamKey] = set()  # where a dictionary would not help

    def compress(self, stream: StreamKey, bodies: Sequence[bytes]) -> list[bytes]:
        """Frames of these bodies of a stream; trains on them where it has no dictionary yet.

        Fewer than ENOUGH never wait for a training: it waits for the database's write lock, which
        who compresses a few may hold.
        """
        known = self._of(stream)
        if known is None and len(bodies) >= ENOUGH and stream not in self._unworthy:
            with self._training:
                known = self._of_stream[stream]
                if known is None and stream not in self._unworthy:
                    known = self._of_stream[stream] = self._trained(stream, bodies)
        compressor = zstandard.ZstdCompressor(level=LEVEL, dict_data=known)
        if not any(bodies):  # nothing at all is refused by the call for many
            return [compressor.compress(body) for body in bodies]
        # one call for all: each would let other threads run and then wait for them
        frames = compressor.multi_compress_to_buffer(list(bodies))
        return [frames[i].tobytes() for i in range(len(frames))]

    def read(self, frame: bytes) -> bytes:
        """The body of a frame. Raises StoreError for one that cannot be read any more."""
        try:
            number = zstandard.get_frame_parameters(frame).dict_id
            dictionary = self._dictionary(number) if number else None
            return zstandard.ZstdDecompressor(dict_data=dictionary).decompress(frame)
        except zstandard.ZstdError as error:
            raise self._corrupt("a raw record cannot be unpacked") from error

    def _corrupt(self, problem: str) -> StoreError:
        return StoreError(
            f"store {self._db.location} is corrupt: {problem} — restore a backup, or move it away: "
            "the next pull with --full rebuilds it"
        )

    def _dictionary(self, number: int) -> zstandard.ZstdCompressionDict:
        found = self._by_id.get(number)
        if found is None:
            query = sa.select(RAW_DICTIONARY.c.body).where(RAW_DICTIONARY.c.id == number)
            with self._db.read() as db:
                body = db.execute(query).scalar()
            if body is None:
                raise self._corrupt(f"the dictionary {number} of its raw records is missing")
            found = self._by_id[number] = _loaded(body)
        return found

    def _of(self, stream: StreamKey) -> zstandard.ZstdCompressionDict | None:
        if stream not in self._of_stream:
            self._of_stream.setdefault(stream, self._stored(stream))
        return self._of_stream[stream]

    def _stored(self, stream: StreamKey) -> zstandard.ZstdCompressionDict | None:
        table = RAW_DICTIONARY.c
        query = sa.select(table.body).where(
            table.connection == stream[0], table.stream == stream[1]
        )
        with self._db.read() as db:
            body = db.execute(query.order_by(table.id.desc()).limit(1)).scalar()
        return None if body is None else _loaded(body)

    def _trained(
        self, stream: StreamKey, bodies: Sequence[bytes]
    ) -> zstandard.ZstdCompressionDict | None:
        samples = _samples(bodies)
        if sum(map(len, samples)) < ENOUGH_BYTES:
            return None
        with self._db.read() as db:
            last = db.execute(sa.select(sa.func.max(RAW_DICTIONARY.c.id))).scalar()
        number = FIRST_ID if last is None else int(last) + 1  # who trains holds the lock
        body = _train(samples, number)
        if body is None:
            self._unworthy.add(stream)
            return None
        row = {"id": number, "connection": stream[0], "stream": stream[1], "body": body}
        with self._db.write() as db:
            db.execute(RAW_DICTIONARY.insert(), row)
        return _loaded(body)


def _samples(bodies: Sequence[bytes]) -> list[bytes]:
    chosen, size = [], 0
    for body in bodies:
        size += len(body)
        if size > MOST_BYTES:
            break
        chosen.append(body)
    return chosen


def _train(samples: Sequence[bytes], number: int) -> bytes | None:
    """A dictionary made of every other sample, if it helps with those that it has not seen."""
    seen: list[bytes | bytearray | memoryview] = [*samples[::2]]
    unseen = samples[1::2]
    try:
        trained = zstandard.train_dictionary(SIZE, seen, level=LEVEL, dict_id=number)
    except zstandard.ZstdError:  # nothing repeats
        return None
    alone = zstandard.ZstdCompressor(level=LEVEL).compress
    helped = zstandard.ZstdCompressor(level=LEVEL, dict_data=trained).compress
    sizes = [sum(len(compress(s)) for s in unseen) for compress in (alone, helped)]
    return bytes(trained.as_bytes()) if sizes[1] <= WORTH * sizes[0] else None


def _loaded(body: bytes) -> zstandard.ZstdCompressionDict:
    dictionary = zstandard.ZstdCompressionDict(bytes(body))
    dictionary.precompute_compress(level=LEVEL)
    return dictionary
