"""The function that makes a record of an element, generated for one block of a mapping.

A pull evaluates some fifty rules an issue. Interpreted, each costs several Python calls; written
out as one straight function (as `dataclasses` does for `__init__`) most cost one lookup. Nothing
from outside becomes source text but the names of a path, as string literals: words, tables and
conversions are values of the function's namespace.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from itpm_sync.errors import RecordError
from itpm_sync.mapping.values import (
    NOTHING,
    Constant,
    Convert,
    First,
    Frame,
    Getter,
    Json,
    OrElse,
    Path,
    Translated,
    owner,
    to_text,
)
from itpm_sync.model import Record, SourceRef

Make = Callable[[type[Record]], Callable[..., Any]]
"""What makes something of a class: takes the values of all its fields, in their declared order."""

Build = Callable[[SourceRef, Json, Frame, list[RecordError], Make], Any]
"""(where the record is from, element, frame, problems of soft fields, make) → what `make` makes.
Raises RecordError, which quarantines the whole raw record."""

_MEMO = 1_000  # words of a coded field that are remembered; a source has a dozen
_LONGEST = 100  # characters of a word that is worth remembering


@dataclass(frozen=True, slots=True)
class FieldRule:
    """How one field of a record is read; `path` is for messages."""

    name: str
    path: str
    get: Getter
    convert: Convert
    soft: bool
    required: bool
    coded: bool = False  # few words, many times: what each means is remembered

    def failed(self, error: RecordError, ref: SourceRef, problems: list[RecordError]) -> None:
        """Notes what is wrong with a soft field; raises it for any other."""
        soft = self.soft and not self.required
        problem = RecordError(
            field=self.path, value=error.value, expected=error.expected,
            place=ref.url or ref.identity, hint=error.hint, soft=soft,
        )  # fmt: skip
        if not soft:
            raise problem from None
        problems.append(problem)

    def missing(self, ref: SourceRef) -> RecordError:
        """What to raise where a required field has no value."""
        return RecordError(
            field=self.path, value=None, expected=f"a {self.name}", place=ref.url or ref.identity
        )


def builder(
    kind: type[Record], fields: Sequence[FieldRule], attributes: Sequence[tuple[str, Getter]]
) -> Build:
    """The function that builds a record of `kind`."""
    return _Source(kind).function(fields, attributes)


class _Source:
    """Source text and namespace of one function."""

    def __init__(self, kind: type[Record]) -> None:
        self._kind = kind
        self._names: dict[str, Any] = {
            "Kind": kind, "RecordError": RecordError, "EMPTY": {}, "to_text": to_text,
            "NOTHING": NOTHING,
        }  # fmt: skip
        self._containers: dict[tuple[str, ...], str] = {}
        self._head: list[str] = []
        self._body: list[str] = []

    def function(
        self, fields: Sequence[FieldRule], attributes: Sequence[tuple[str, Getter]]
    ) -> Build:
        for field in fields:
            self._field(field)
        self._body.append("attributes = {}")
        for name, get in attributes:
            self._attribute(name, get)
        self._body.append(f"return make(Kind)({', '.join(self._arguments(fields))})")
        lines = ["def build(ref, element, frame, problems, make):"]
        lines += [f"    {line}" for line in (*self._head, *self._body)]
        exec("\n".join(lines), self._names)  # noqa: S102 — see the module's docstring
        build: Build = self._names["build"]
        return build

    def _arguments(self, fields: Sequence[FieldRule]) -> Iterator[str]:
        """The value of each field of the class, or its default."""
        mapped = {field.name for field in fields}
        for field in dataclasses.fields(self._kind):
            value, default = f"v_{field.name}", field.default
            if field.name in ("ref", "attributes"):
                yield field.name
            elif field.name not in mapped:
                yield self._named(default)
            elif default is None or default is dataclasses.MISSING:
                yield value
            else:
                yield f"{self._named(default)} if {value} is None else {value}"

    def _named(self, value: Any) -> str:
        """A name of the namespace for a value."""
        name = f"c{len(self._names)}"
        self._names[name] = value
        return name

    # ---- fields ---------------------------------------------------------------------------------

    def _field(self, field: FieldRule) -> None:
        value, rule = f"v_{field.name}", self._named(field)
        lines = [*self._get(field.get, value), *self._convert(field, value)]
        self._body += [
            "try:", *_indented(lines),
            "except RecordError as error:",
            f"    {value} = {rule}.failed(error, ref, problems)",
        ]  # fmt: skip
        if field.required:
            self._body.append(f"if {value} is None: raise {rule}.missing(ref)")

    def _convert(self, field: FieldRule, value: str) -> list[str]:
        convert = self._named(field.convert)
        if field.convert is to_text:
            return [
                f"if {value}.__class__ is not str or '\\0' in {value}:",
                f"    if {value} is not None: {value} = {convert}({value})",
            ]
        if field.coded:
            memo = self._named(_Memo(field.convert))
            known = f"{memo}[{value}] if {value}.__class__ is str else {convert}({value})"
            return [f"if {value} is not None: {value} = {known}"]
        return [f"if {value} is not None: {value} = {convert}({value})"]

    def _attribute(self, name: str, get: Getter) -> None:
        self._body += self._get(get, "v")
        self._body += [
            "if v is not None and v != '' and v != []:",
            f"    attributes[{name!r}] = to_text(v)",
        ]

    # ---- getters --------------------------------------------------------------------------------

    def _get(self, get: Getter, value: str) -> list[str]:  # noqa: PLR0911 — a table of getters
        """Lines that put what `get` finds into the variable `value`."""
        if isinstance(get, Constant):
            return [f"{value} = {self._named(get.value)}"]
        if isinstance(get, Path) and get.plain:
            return [f"{value} = {self._lookup(get)}"]
        if isinstance(get, Path) and get.lists:
            return self._listed(get, value)
        if get is owner:
            return [f"{value} = frame.identity"]
        if isinstance(get, First):
            return self._first(get, value)
        if isinstance(get, OrElse):
            default = self._named(get.default)
            return [*self._get(get.get, value), f"if {value} is None: {value} = {default}"]
        if isinstance(get, Translated):
            table = self._named(_Memo(get.word))
            other = f"{self._named(get.translate)}({value})"
            known = f"{table}[{value}] if {value}.__class__ is str else {other}"
            return [*self._get(get.get, value), f"{value} = {known}"]
        return [f"{value} = {self._named(get)}(element, frame)"]

    def _first(self, get: First, value: str) -> list[str]:
        first, *rest = get.gets
        lines = self._get(first, value)
        if rest:
            lines.append(f"if {value} is None or {value} == '':")
            lines += _indented(self._first(First(tuple(rest)), value))
        else:
            lines.append(f"if {value} == '': {value} = None")
        return lines

    def _lookup(self, path: Path) -> str:
        *outer, last = path.steps
        return f"{self._container(path.from_parent, tuple(outer))}.get({last!r})"

    def _listed(self, path: Path, value: str) -> list[str]:
        *outer, _, last = path.steps
        found = self._lookup(dataclasses.replace(path, steps=tuple(outer)))
        each = f"for e in {value} if e.__class__ is dict and (x := e.get({last!r})) is not None"
        return [
            f"{value} = {found}",
            f"if {value}.__class__ is list: {value} = [x {each}]",
            f"elif {value} is not None: {value} = []",
        ]

    def _container(self, from_parent: bool, steps: tuple[str, ...]) -> str:
        """The variable that holds the object at `steps`, an empty one where there is none."""
        key = ("^" if from_parent else "", *steps)
        if key not in self._containers:
            if steps:
                outer = self._container(from_parent, steps[:-1])
                source = f"{outer}.get({steps[-1]!r})"
            else:
                source = "frame.parent" if from_parent else "element"
            name = self._containers[key] = f"d{len(self._containers)}"
            self._head += [f"{name} = {source}", f"if {name}.__class__ is not dict: {name} = EMPTY"]
        return self._containers[key]


class _Memo(dict[str, Any]):
    """What words mean, computed once each; forgetful of all beyond the first thousand."""

    def __init__(self, meaning: Callable[[str], Any]) -> None:
        super().__init__()
        self._meaning = meaning

    def __missing__(self, word: str) -> Any:
        found = self._meaning(word)
        if len(self) < _MEMO and len(word) <= _LONGEST:
            self[word] = found
        return found


def _indented(lines: Sequence[str]) -> list[str]:
    return [f"    {line}" for line in lines]
