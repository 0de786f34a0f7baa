"""A compiled mapping, and what it makes of a raw record."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson

from itpm_sync.connector import RawRecord
from itpm_sync.errors import RecordError
from itpm_sync.mapping.building import Build, FieldRule, Make, builder
from itpm_sync.mapping.values import Frame, Getter, Json, to_text
from itpm_sync.model import Record, SourceRef


class Mapped(NamedTuple):
    """What was made of one raw record, its own first, and the fields that were left empty."""

    records: tuple[Any, ...]
    problems: tuple[RecordError, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """One rule of a stream: which elements it takes, and what it makes of each."""

    kind: type[Record]
    each: Getter | None
    child_id: Getter
    url: Getter | None
    when: tuple[Callable[[Json, Frame], bool], ...]
    fields: tuple[FieldRule, ...]
    attributes: tuple[tuple[str, Getter], ...]


def record_of(kind: type[Record]) -> Callable[..., Record]:
    """Makes a record of the values of all its fields."""
    names = [field.name for field in dataclasses.fields(kind)]
    return lambda *values: kind(**dict(zip(names, values, strict=True)))


class Mapper:
    """A compiled mapping. Thread-safe: what it keeps are functions, made when first needed."""

    def __init__(self, blocks: Mapping[str, tuple[Block, ...]], fingerprint: str) -> None:
        self._blocks = blocks
        self._builders: dict[str, tuple[tuple[Block, Build], ...]] = {}
        self.fingerprint = fingerprint

    @property
    def streams(self) -> tuple[str, ...]:
        """The streams that this mapping knows."""
        return tuple(self._blocks)

    def kinds(self, stream: str) -> tuple[str, ...]:
        """The kinds of model records that a stream can give, its own first."""
        return tuple(dict.fromkeys(b.kind.kind for b in self._blocks.get(stream, ())))

    def apply(self, connection: str, stream: str, raw: RawRecord, make: Make = record_of) -> Mapped:
        """The model records of one raw record, or what `make` makes in their place.

        Raises RecordError to quarantine all of it.
        """
        ref = SourceRef(connection, stream, raw.source_id, raw.url)
        identity = ref.identity
        try:
            parsed = orjson.loads(raw.body) if raw.parsed is None else raw.parsed
            return self._apply(stream, ref, Frame(parsed, identity), make)
        except orjson.JSONDecodeError as error:
            broken = RecordError(
                field="body", value=str(error), expected="JSON", place=raw.url or identity
            )
            raise broken from None
        except RecursionError:
            deep = RecordError(
                field="body", value="…", expected="fewer nested levels", place=raw.url or identity
            )
            raise deep from None

    def _apply(self, stream: str, ref: SourceRef, frame: Frame, make: Make) -> Mapped:
        records: list[Any] = []
        problems: list[RecordError] = []
        builders = self._builders.get(stream)
        if builders is None:
            blocks = self._blocks.get(stream, ())
            builders = tuple((b, builder(b.kind, b.fields, b.attributes)) for b in blocks)
            self._builders[stream] = builders
        for block, build in builders:
            if block.each is None:
                if not block.when or all(test(frame.parent, frame) for test in block.when):
                    records.append(build(ref, frame.parent, frame, problems, make))
                continue
            for child, element in _children(block, ref, frame):
                if not block.when or all(test(element, frame) for test in block.when):
                    records.append(build(child, element, frame, problems, make))
        return Mapped(tuple(records), tuple(problems))


def _children(block: Block, ref: SourceRef, frame: Frame) -> Iterator[tuple[SourceRef, Json]]:
    elements = block.each(frame.parent, frame) if block.each else None
    if elements is None:
        return
    if not isinstance(elements, list):
        raise RecordError(
            field=f"each of {block.kind.kind}", value=elements, expected="a list",
            place=ref.url or frame.identity,
        )  # fmt: skip
    stream = f"{ref.stream}.{block.kind.kind}"
    for position, element in enumerate(elements):
        own = block.child_id(element, frame)
        own = position if own is None else own
        url = ref.url
        if block.url:
            found = block.url(element, frame)
            url = None if found is None else to_text(found)
        yield SourceRef(ref.connection, stream, f"{ref.source_id}/{own}", url), element
