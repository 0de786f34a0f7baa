"""A YAML file as plain data with places: what is wrong in it can be said with line and column."""

from __future__ import annotations

import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from itpm_sync.errors import ConfigError, Problem, whole

KeyPath = tuple[str | int, ...]
_MAX_NODES = 200_000
_MAX_DEPTH = 40


@dataclass(frozen=True, slots=True)
class Document:
    """A YAML file as plain data, with the place of every key and value."""

    path: Path
    data: Any
    marks: Mapping[KeyPath, tuple[int, int]]  # 1-based line and column
    repeated: tuple[Problem, ...] = ()  # keys that stand twice; `data` has what both say

    def where(self, path: KeyPath) -> str:
        """`file:line:column` of a path, or of its nearest ancestor that stands in the file."""
        line, column = self._mark(path)
        return f"{self.path}:{line}:{column}"

    def located(
        self, problems: typing.Iterable[Problem], prefix: KeyPath = ()
    ) -> tuple[Problem, ...]:
        """The problems with their place, in the order of the file."""
        placed = [
            Problem((*prefix, *p.path), p.message, p.hint, self.where((*prefix, *p.path)))
            for p in problems
        ]
        return tuple(sorted(placed, key=lambda p: self._mark(p.path)))

    def _mark(self, path: KeyPath) -> tuple[int, int]:
        """Leaves out steps that are not in the file: pydantic's own, and those of shorthands."""
        here: KeyPath = ()
        for step in path:
            if (*here, step) in self.marks:
                here = (*here, step)
        return self.marks.get(here, (1, 1))


def in_order(problems: typing.Iterable[Problem]) -> tuple[Problem, ...]:
    """Problems of one file with their place, in its order."""
    return tuple(sorted(problems, key=lambda p: [int(n) for n in p.where.split(":")[-2:]]))


def read_yaml(path: Path) -> Document:
    """Parses a YAML file safely. Raises ConfigError: unreadable, not YAML.

    Keys that stand twice are in `repeated`: a mistake, but none that hides those in what they hold.

    Numbers that writing them again would change (`007`, `1.10`, `12:30`) and dates stay the text
    that they are in the file: as codes and versions they mean just that, and settings that want a
    number or a date read it from the text.
    """
    text = _text_of(path)
    marks: dict[KeyPath, tuple[int, int]] = {}
    try:
        # In Python: the parser in C is 15 ms quicker, and takes tabs that this one refuses, so that
        # a file would be good on one machine and a mistake on another.
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        repeated = () if node is None else tuple(_repeated_keys(node, path))
        if node is not None and repeated:
            _Folder().fold(node)
        data = _Composer(loader, marks).value(node, ()) if node is not None else None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)
        message, hint = _in_our_words(str(error.problem))
        raise ConfigError([Problem((), f"not valid YAML: {message}", hint, place)]) from None
    except yaml.reader.ReaderError as error:
        message = f"not valid YAML: the character U+{ord(text[error.position]):04X}"
        hint = "remove it, or write it as an escape within double quotes"
        place = _placed(path, text[: error.position])
        raise ConfigError([Problem((), message, hint, place)]) from None
    except (ValueError, OverflowError):  # of chr(), which the library calls unasked
        message = "not valid YAML: an escape such as \\U00110000 stands for no character"
        raise ConfigError([Problem((), message, where=f"{path}:1:1")]) from None
    except RecursionError:
        message = "not valid YAML: nested too deeply, or an alias that contains itself"
        raise ConfigError([Problem((), message, where=f"{path}:1:1")]) from None
    return Document(path, data, marks, repeated)


_FOREIGN = (
    ("undefined alias", "an alias (*) of what stands nowhere above",
     "a text that begins with * needs quotes"),
    ("could not determine a constructor", "an unknown tag (!)",
     "a text that begins with ! needs quotes"),
    ("undefined tag handle", "an unknown tag (!)", "a text that begins with ! needs quotes"),
    ("for merging", "", "`<<` takes in the keys of another block: `<<: *ITS_ANCHOR`"),
    ("base64", "", "remove !!binary: no value here is made of bytes"),
    ("contains itself", "", "write what is meant in place of the *"),
    ("\\t", "", "indent with spaces, not with tabs"),
)  # fmt: skip
"""By words of the library's: the message in their place where they quote a text, which may be a
secret that lacks its quotes, and the hint."""


def _in_our_words(problem: str) -> tuple[str, str]:
    """The message and the hint for what the library finds."""
    for words, message, hint in _FOREIGN:
        if words in problem:
            return message or problem, hint
    return problem, "check indentation, quotes and colons here and on the line above"


def _text_of(path: Path) -> str:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        hint = "write one with `itpm-sync init`, or name it with --config FILE"
        raise ConfigError([Problem((), f"no such file: {path}", hint, str(path))]) from None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ConfigError([Problem((), f"cannot be read: {reason}", where=str(path))]) from None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        message = f"not UTF-8 text: the byte 0x{error.object[error.start]:02X}"
        place = _placed(path, error.object[: error.start].decode("utf-8"))
        raise ConfigError([Problem((), message, "save the file as UTF-8", place)]) from None


def _placed(path: Path, before: str) -> str:
    """`file:line:column` of what follows the text `before`."""
    lines = before.split("\n")
    return f"{path}:{len(lines)}:{len(lines[-1]) + 1}"


def _repeated_keys(root: yaml.Node, path: Path) -> Iterator[Problem]:
    """Keys that stand twice in one mapping, where YAML would silently take the last.

    Before merge keys (`<<`) are resolved: what a mapping writes itself may override them.
    """
    waiting, seen = [root], set[int]()
    found: list[yaml.ScalarNode] = []
    while waiting:
        node = waiting.pop()
        if id(node) in seen or isinstance(node, yaml.ScalarNode):
            continue
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            keys = [k for k, _ in node.value if isinstance(k, yaml.ScalarNode)]
            first = {k.value: k for k in reversed(keys)}
            found += [k for k in keys if first[k.value] is not k]
        waiting += [v for _, v in node.value] if isinstance(node, yaml.MappingNode) else node.value
    for key in sorted(found, key=lambda k: k.start_mark.index):
        place = f"{path}:{key.start_mark.line + 1}:{key.start_mark.column + 1}"
        yield Problem((key.value,), f"the key {key.value!r} stands twice", "remove one", place)


class _Folder:
    """Makes one of the values of keys that stand twice, so that the mistakes in both are found and
    what either defines is known.
    """

    def __init__(self) -> None:
        self._joined: dict[tuple[int, int], tuple[yaml.Node, yaml.Node, yaml.Node]] = {}

    def fold(self, root: yaml.Node) -> None:
        waiting, seen = [root], set[int]()
        while waiting:
            node = waiting.pop()
            if id(node) in seen or isinstance(node, yaml.ScalarNode):
                continue
            seen.add(id(node))
            if isinstance(node, yaml.MappingNode):
                node.value = self._each_once(node.value)
            of_mapping = isinstance(node, yaml.MappingNode)
            waiting += [v for _, v in node.value] if of_mapping else node.value

    def _each_once(self, pairs: list[_Pair]) -> list[_Pair]:
        kept: dict[Any, _Pair] = {}
        for key, value in pairs:
            name = key.value if isinstance(key, yaml.ScalarNode) and key.value != "<<" else id(key)
            kept[name] = (key, self._together(kept[name][1], value) if name in kept else value)
        return list(kept.values())

    def _together(self, first: yaml.Node, second: yaml.Node) -> yaml.Node:
        """Blocks and lists joined; of other values the last, unless it says nothing."""
        if isinstance(second, yaml.ScalarNode) and second.value in _SAYS_NOTHING:
            return first
        if first is second or type(first) is not type(second) or len(self._joined) > _MAX_NODES:
            return second
        if not isinstance(second, yaml.CollectionNode):
            return second
        pair = (id(first), id(second))  # aliases lead to the same pair again
        if pair not in self._joined:
            told = {_text_at(n) for n in first.value}
            more = [n for n in second.value if _text_at(n) not in told]
            joined = type(second)(
                second.tag, [*first.value, *more], second.start_mark, second.end_mark
            )
            self._joined[pair] = (first, second, joined)
        return self._joined[pair][2]


_Pair = tuple[yaml.Node, yaml.Node]
_SAYS_NOTHING = ("", "~", "null")


def _text_at(part: yaml.Node | _Pair) -> Any:
    """The text of a list's entry, since one that was pasted twice is no further mistake; of a
    block's keys nothing that another can equal.
    """
    if isinstance(part, tuple) or part.start_mark.buffer is None:
        return id(part)
    return part.start_mark.buffer[part.start_mark.pointer : part.end_mark.pointer].strip()


class _Composer:
    """YAML nodes → plain data, noting each key's and value's place."""

    def __init__(self, loader: yaml.SafeLoader, marks: dict[KeyPath, tuple[int, int]]) -> None:
        self._loader, self._marks = loader, marks
        self._nodes = 0
        self._within: set[int] = set()  # the nodes that are being made

    def value(self, node: yaml.Node, path: KeyPath) -> Any:
        self._nodes += 1
        if self._nodes > _MAX_NODES:
            raise _malformed(node, f"more than {_MAX_NODES} values (aliases that multiply?)")
        if len(path) > _MAX_DEPTH:
            raise _malformed(node, f"nested more than {_MAX_DEPTH} deep")
        self._marks.setdefault(path, (node.start_mark.line + 1, node.start_mark.column + 1))
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node)
        if id(node) in self._within:
            raise _malformed(node, "an alias that contains itself")
        self._within.add(id(node))
        value = self._collection(node, path)
        self._within.remove(id(node))
        return value

    def _collection(self, node: yaml.Node, path: KeyPath) -> Any:
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        return [self.value(child, (*path, i)) for i, child in enumerate(node.value)]

    def _mapping(self, node: yaml.MappingNode, path: KeyPath) -> dict[str, Any]:
        self._loader.flatten_mapping(node)
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise _malformed(key_node, "a key must be plain text")
            _insist_text(key_node)
            key = str(key_node.value)  # as written: `on`, `no` and 1 stay what they look like
            here = (*path, key)
            self._marks[here] = (key_node.start_mark.line + 1, key_node.start_mark.column + 1)
            result[key] = self.value(value_node, here)
        return result

    def _scalar(self, node: yaml.Node) -> Any:
        _insist_text(node)
        if node.tag == "tag:yaml.org,2002:timestamp":
            return node.value
        try:
            value = self._loader.construct_object(node)
        except (ValueError, LookupError):
            raise _malformed(node, f"the value does not fit its tag {node.tag}") from None
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return node.value if number and str(value) != node.value else value


def _insist_text(node: yaml.Node) -> None:
    """An escape can stand for what no file, name or store can hold: NUL, or half a letter."""
    if "\0" in node.value or whole(node.value) != node.value:
        raise _malformed(node, "a text with \\0, or with one half of a \\ud800 pair")


def _malformed(node: yaml.Node, problem: str) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark)
