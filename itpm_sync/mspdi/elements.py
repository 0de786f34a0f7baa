"""The XML of a plan as small trees with line numbers, one element of a collection at a time."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any
from xml.sax import SAXException, SAXParseException
from xml.sax.handler import ContentHandler, feature_namespaces

from defusedxml import DefusedXmlException
from defusedxml import sax as defused

from itpm_sync.errors import ConfigError, Problem

NAMESPACE = "http://schemas.microsoft.com/project"
MAX_BYTES = 64 * 2**20
_MAX_NODES = 200_000  # within one task, assignment or calendar
_MAX_DEPTH = 16
_MAX_TEXT = 65_536  # characters; longer notes are cut, none of them is read
_COMPOUND = b"\xd0\xcf\x11\xe0"  # how a binary .mpp begins
_DURATION = re.compile(
    r"(-?)P(?:(\d{1,9})D)?(?:T(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9})(?:\.\d+)?S)?)?"
)
_DIGITS = 24


@dataclass(slots=True)
class Node:
    """An element without its namespace: text, children, and the line on which it begins."""

    tag: str
    line: int
    text: str = ""
    children: list[Node] = field(default_factory=list)

    def all(self, tag: str) -> Iterator[Node]:
        """The children of that name."""
        return (c for c in self.children if c.tag == tag)

    def first(self, tag: str) -> Node | None:
        """The first child of that name."""
        return next(self.all(tag), None)

    def word(self, tag: str) -> str:
        """The text of a child, empty where there is none."""
        found = self.first(tag)
        return found.text.strip() if found is not None else ""

    def flag(self, tag: str, *, default: bool = False) -> bool:
        """A yes or no of the schema: `1`, `0`, `true`, `false`."""
        word = self.word(tag).casefold()
        return word in ("1", "true") if word else default


class Mistake(Exception):
    """A value that cannot be read, with the node where it stands."""

    def __init__(self, node: Node, message: str) -> None:
        super().__init__(message)
        self.node, self.message = node, message


def whole(node: Node, tag: str) -> int | None:
    """A whole number of a child, None where there is none."""
    found = node.first(tag)
    word = found.text.strip() if found is not None else ""
    if found is None or not word:
        return None
    if not re.fullmatch(r"-?\d{1,9}", word):
        raise Mistake(found, f"{tag}: expected a whole number, found {word[:40]!r}")
    return int(word)


def decimal(node: Node, tag: str) -> Decimal | None:
    """An exact number of a child, None where there is none."""
    found = node.first(tag)
    word = found.text.strip() if found is not None else ""
    if found is None or not word:
        return None
    try:
        value = Decimal(word)
    except InvalidOperation:
        raise Mistake(found, f"{tag}: expected a number, found {word[:40]!r}") from None
    if not value.is_finite() or abs(value.adjusted()) > _DIGITS:
        raise Mistake(found, f"{tag}: expected a number of money or time, found {word[:40]!r}")
    return value


def amount(node: Node, tag: str) -> Decimal | None:
    """An amount of a child: the file holds hundredths."""
    value = decimal(node, tag)
    return None if value is None else value / 100


def moment(node: Node, tag: str) -> datetime | None:
    """A local time of a child, None where there is none."""
    found = node.first(tag)
    word = found.text.strip() if found is not None else ""
    if found is None or not word or word == "NA":
        return None
    try:
        return datetime.fromisoformat(word).replace(tzinfo=None)
    except ValueError:
        hint = f"expected a time such as 2026-03-02T08:00:00, found {word[:40]!r}"
        raise Mistake(found, f"{tag}: {hint}") from None


def seconds(node: Node, tag: str) -> int | None:
    """A duration of a child such as `PT40H0M0S`, in seconds; None where there is none."""
    found = node.first(tag)
    word = found.text.strip() if found is not None else ""
    if found is None or not word:
        return None
    match = _DURATION.fullmatch(word)
    if match is None or word.lstrip("-") in ("P", "PT"):
        raise Mistake(found, f"{tag}: expected work such as PT40H0M0S, found {word[:40]!r}")
    days, hours, minutes, rest = (int(g or 0) for g in match.groups()[1:])
    found_s = ((days * 24 + hours) * 60 + minutes) * 60 + rest
    return -found_s if match[1] else found_s


def last_day(start: datetime, finish: datetime) -> date:
    """The last day of a period that ends before `finish`.

    A period of whole days ends at the hour at which the next begins: from Monday 08:00 to Tuesday
    08:00 is Monday. Midnight ends the day before.
    """
    ended = finish.time() == time.min or finish.time() <= start.time()
    if finish.date() > start.date() and ended:
        return finish.date() - timedelta(days=1)
    return finish.date()


# ---- the file -----------------------------------------------------------------------------------

Take = Callable[[str, Node], None]
"""What is done with an element of a collection (`Tasks`, `Calendars`, …), or with a value of the
project itself (collection empty)."""


def parse(path: Path, wanted: frozenset[str], take: Take) -> None:
    """Hands over each element of the wanted collections, and each value of the project.

    Raises ConfigError for a file that is not there, too large, not XML or not such a plan.
    """
    _check_size(path)
    parser = defused.make_parser()
    parser.forbid_dtd = True
    parser.setFeature(feature_namespaces, True)
    handler = _Handler(wanted, take)
    parser.setContentHandler(handler)
    try:
        with path.open("rb") as file:
            parser.parse(file)
    except _TooMuch as error:
        raise _refused(path, str(error), handler.line) from None
    except DefusedXmlException as error:
        message = f"the file declares {type(error).__name__.removesuffix('Forbidden')}"
        hint = "a plan needs none: export it anew, and do not take it from strangers"
        raise _refused(path, message, handler.line, hint) from None
    except SAXParseException as error:
        message = f"not well-formed XML: {error.getMessage()}"
        raise _refused(path, message, error.getLineNumber() or 1) from None
    except (SAXException, ValueError, LookupError) as error:
        raise _refused(path, f"not readable as XML: {error}", handler.line) from None


def _check_size(path: Path) -> None:
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            begin = file.read(4)
    except OSError as error:
        problem = Problem((), f"cannot be read: {error.strerror}", where=str(path))
        raise ConfigError([problem]) from None
    if begin == _COMPOUND:
        hint = "in Microsoft Project, save the plan as XML Format (*.xml)"
        raise ConfigError([Problem((), "a binary plan (.mpp), not XML", hint, str(path))])
    if size > MAX_BYTES:
        message = f"{size / 2**20:,.0f} MiB: a plan of at most {MAX_BYTES // 2**20} MiB is read"
        raise ConfigError([Problem((), message, "", str(path))])


def _refused(path: Path, message: str, line: int, hint: str = "") -> ConfigError:
    return ConfigError([Problem((), message, hint, f"{path}:{line}")])


class _TooMuch(Exception):
    """A limit was reached, or the root is another."""


class _Handler(ContentHandler):
    """Keeps one element of a collection at a time."""

    def __init__(self, wanted: frozenset[str], take: Take) -> None:
        super().__init__()
        self._wanted, self._take = wanted, take
        self._stack: list[Node] = []
        self._nodes = 0

    @property
    def line(self) -> int:
        """Where the parser is."""
        locator: Any = getattr(self, "_locator", None)
        return int(locator.getLineNumber() or 1) if locator is not None else 1

    def startElementNS(  # noqa: N802 - the name of the interface
        self,
        name: tuple[str | None, str],
        qname: str | None,  # noqa: ARG002 - the signature of the interface
        attrs: Any,  # noqa: ARG002
    ) -> None:
        """Begins a node."""
        uri, tag = name
        depth = len(self._stack)
        if depth == 0 and (uri, tag) != (NAMESPACE, "Project"):
            raise _TooMuch(
                f"expected <Project> of {NAMESPACE}, found <{tag}>"
                + (f" of {uri}" if uri else " without a namespace")
            )
        if depth > _MAX_DEPTH:
            raise _TooMuch(f"nested more than {_MAX_DEPTH} deep")
        node = Node(tag if uri == NAMESPACE else "", self.line)
        if depth >= 2:
            self._nodes = self._nodes + 1 if depth > 2 else 1
            if self._nodes > _MAX_NODES:
                raise _TooMuch(f"more than {_MAX_NODES:,} elements in one <{self._stack[2].tag}>")
        if depth > 2 and self._stack[1].tag in self._wanted:
            self._stack[-1].children.append(node)
        self._stack.append(node)

    def characters(self, content: str) -> None:
        """Text of the present node; that of collections is white space."""
        if len(self._stack) == 2 or len(self._stack) > 3:
            node = self._stack[-1]
            if len(node.text) < _MAX_TEXT:
                node.text += content

    def endElementNS(  # noqa: N802 - the name of the interface
        self,
        name: tuple[str | None, str],  # noqa: ARG002 - the signature of the interface
        qname: str | None,  # noqa: ARG002
    ) -> None:
        """Hands a finished element over."""
        node = self._stack.pop()
        if len(self._stack) == 2 and (home := self._stack[1].tag):
            self._take(home, node)
        elif len(self._stack) == 1:
            self._take("", node)
