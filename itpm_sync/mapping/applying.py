"""A compiled mapping, and what it makes of a raw record."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from itpm_sync.connector import RawRecord
from itpm_sync.errors import RecordError
from itpm_sync.mapping.values import Convert, Frame, Getter, Json, to_text
from itpm_sync.model import Record, SourceRef


@dataclass(frozen=True, slots=True)
class Mapped:
    """The model records of one raw record, its own first, and the fields that were left empty."""

    records: tuple[Record, ...]
    problems: tuple[RecordError, ...]


@dataclass(frozen=True, slots=True)
class FieldRule:
    name: str
    path: str
    get: Getter
    convert: Convert
    soft: bool
    required: bool


@dataclass(frozen=True, slots=True)
class Block:
    kind: type[Record]
    each: Getter | None
    child_id: Getter
    url: Getter | None
    when: tuple[Callable[[Json, Frame], bool], ...]
    fields: tuple[FieldRule, ...]
    attributes: tuple[tuple[str, Getter], ...]


class Mapper:
    """A compiled mapping. Thread-safe: it holds no state."""

    def __init__(self, blocks: Mapping[str, tuple[Block, ...]], fingerprint: str) -> None:
        self._blocks = blocks
        self.fingerprint = fingerprint

    @property
    def streams(self) -> tuple[str, ...]:
        """The streams that this mapping knows."""
        return tuple(self._blocks)

    def kinds(self, stream: str) -> tuple[str, ...]:
        """The kinds of model records that a stream can give, its own first."""
        return tuple(dict.fromkeys(b.kind.kind for b in self._blocks.get(stream, ())))

    def apply(self, connection: str, stream: str, raw: RawRecord) -> Mapped:
        """The model records of one raw record. Raises RecordError to quarantine all of it."""
        identity = f"{connection}:{stream}:{raw.source_id}"
        try:
            parsed = orjson.loads(raw.body) if raw.parsed is None else raw.parsed
            return self._apply(connection, stream, raw, Frame(parsed, identity))
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

    def _apply(self, connection: str, stream: str, raw: RawRecord, frame: Frame) -> Mapped:
        records: list[Record] = []
        problems: list[RecordError] = []
        for block in self._blocks.get(stream, ()):
            for ref, element in self._elements(block, connection, stream, raw, frame):
                if not block.when or all(test(element, frame) for test in block.when):
                    records.append(_build(block, ref, element, frame, problems=problems))
        return Mapped(tuple(records), tuple(problems))

    @staticmethod
    def _elements(
        block: Block, connection: str, stream: str, raw: RawRecord, frame: Frame
    ) -> Iterator[tuple[SourceRef, Json]]:
        if block.each is None:
            yield SourceRef(connection, stream, raw.source_id, raw.url), frame.parent
            return
        child_stream = f"{stream}.{block.kind.kind}"
        elements = block.each(frame.parent, frame)
        if not isinstance(elements, list | None):
            raise RecordError(
                field=f"each of {block.kind.kind}",
                value=elements,
                expected="a list",
                place=raw.url or frame.identity,
            )
        for position, element in enumerate(elements or ()):
            own = block.child_id(element, frame)
            own = position if own is None else own
            url = block.url(element, frame) if block.url else raw.url
            yield SourceRef(connection, child_stream, f"{raw.source_id}/{own}", url), element


def _build(
    block: Block, ref: SourceRef, element: Json, frame: Frame, *, problems: list[RecordError]
) -> Record:
    values: dict[str, Any] = {"ref": ref}
    for field in block.fields:
        try:
            value = field.get(element, frame)
            if value is not None:
                value = field.convert(value)
        except RecordError as error:
            error = RecordError(
                field=field.path,
                value=error.value,
                expected=error.expected,
                place=ref.url or ref.identity,
                hint=error.hint,
            )
            if not field.soft or field.required:
                raise error from None
            problems.append(error)
            continue
        if value is not None:
            values[field.name] = value
        elif field.required:
            raise RecordError(
                field=field.path,
                value=None,
                expected=f"a {field.name}",
                place=ref.url or ref.identity,
            )
    if block.attributes:
        found = ((name, get(element, frame)) for name, get in block.attributes)
        values["attributes"] = {n: to_text(v) for n, v in found if v not in (None, "", [])}
    return block.kind(**values)
