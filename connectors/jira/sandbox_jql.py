"""A small JQL for the sandbox: text → predicate and order over indexed rows.

It knows the fields and operators that a synchronisation needs and refuses the rest with the
vendor's words. Three facts of the real language are kept because software trips over them: dates
are read in the account's time zone at minute granularity, `id` and `key` compared with `<` or `>`
mean the number of the key *within the project of the issue named* (and order by `id` is order by
key), and a negative comparison does not match an empty field.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, NamedTuple, Protocol, TypeVar


class JqlError(Exception):
    """The query is refused: the message is what the vendor would put into `errorMessages`."""


class Row(NamedTuple):
    """What the search index knows of one issue. Texts are case-folded, names beside ids."""

    id: int
    key: str
    project: str  # key, as written
    number: int  # of the key within its project
    created: int  # milliseconds since 1970, UTC
    updated: int
    resolved: int | None
    due: int | None
    words: Mapping[str, tuple[str, ...]]  # JQL field → every value and id it matches
    document: bytes  # the issue as it was when it was indexed


class Catalogue(Protocol):
    """What a query may name; an unknown value is refused as the vendor refuses it."""

    @property
    def zone(self) -> tzinfo: ...

    def now(self) -> datetime: ...

    def current_user(self) -> str: ...

    def knows(self, field: str, value: str) -> bool: ...

    def find(self, id_or_key: str) -> Row | None: ...


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed query. `bounded` is false where nothing restricts the search."""

    matches: Callable[[Row], bool]
    order: tuple[tuple[str, bool], ...]  # (field, descending)
    bounded: bool
    projects: frozenset[str] | None  # words of projects outside of which nothing can match
    ids: frozenset[int] | None  # ids beside which nothing can match; None: any

    def run(self, rows: Iterable[Row]) -> list[Row]:
        """The matching rows in order; without `ORDER BY`, the newest first."""
        found = [row for row in rows if self.matches(row)]
        found.sort(key=lambda row: row.id, reverse=True)
        for name, descending in reversed(self.order):
            found.sort(key=_ORDERS[name], reverse=descending)
        return found


_Value = str | datetime
_Known = TypeVar("_Known", int, str)


class _Part(NamedTuple):
    """A condition, and outside of which projects and ids it cannot hold (None: anywhere)."""

    test: Callable[[Row], bool]
    projects: frozenset[str] | None = None
    ids: frozenset[int] | None = None


_ALIASES = {
    "id": "key", "issue": "key", "issuekey": "key", "type": "issuetype", "createddate": "created",
    "updateddate": "updated", "resolutiondate": "resolved", "due": "duedate",
    "fixversions": "fixversion", "statuscategory": "statuscategory",
}  # fmt: skip
_DATES: Mapping[str, Callable[[Row], int | None]] = {
    "created": lambda row: row.created,
    "updated": lambda row: row.updated,
    "resolved": lambda row: row.resolved,
    "duedate": lambda row: row.due,
}
_WORDS = (
    "project", "status", "statuscategory", "issuetype", "assignee", "reporter", "labels",
    "fixversion", "sprint", "priority", "resolution", "component", "parent",
)  # fmt: skip
_ORDERS: Mapping[str, Callable[[Row], Any]] = {
    "key": lambda row: (row.project, row.number),
    "created": lambda row: row.created,
    "updated": lambda row: row.updated,
    "resolved": lambda row: row.resolved or 0,
    "duedate": lambda row: row.due or 0,
    "project": lambda row: row.project,
    "status": lambda row: row.words.get("status", ()),
    "issuetype": lambda row: row.words.get("issuetype", ()),
    "priority": lambda row: row.words.get("priority", ()),
    "assignee": lambda row: row.words.get("assignee", ()),
    "resolution": lambda row: row.words.get("resolution", ()),
}
_RESERVED = frozenset(
    """abort access add after alias all alter and any as asc audit before begin between boolean by
    byte cf char check column commit connect continue count create current date decimal default
    delete desc distinct divide do double drop else empty end equals escape exec execute exists
    explain false fetch file field first float for from function go goto grant group having if
    immediate in increment index initial inner input insert int integer intersect into is isempty
    isnull join last left less like limit lock long max min minus mode modify more multiply next
    not notin null number object of on option or order outer output power previous prior public
    raise raw rename resource return right row rows select session set share size start strict
    string subtract sum table then to transaction trigger true union unique update user validate
    values view when where while with""".split()
)
_TOKEN = re.compile(
    r"""\s*(?:(?P<quoted>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
      |(?P<op>!=|!~|<=|>=|=|<|>|~)|(?P<mark>[(),])|(?P<word>[^\s()=!<>~,"']+))""",
    re.VERBOSE,
)
_PERIOD = re.compile(r"([+-]?)(\d+)([wdhm])")
_FORMATS = ("%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M", "%Y-%m-%d", "%Y/%m/%d")
_RELATIONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: bool(a == b),
    "!=": lambda a, b: bool(a != b),
    "<": lambda a, b: bool(a < b),
    "<=": lambda a, b: bool(a <= b),
    ">": lambda a, b: bool(a > b),
    ">=": lambda a, b: bool(a >= b),
}
_MAX_ORDER_FIELDS = 7


class _Token(NamedTuple):
    kind: str  # "quoted", "op", "mark", "word", "end"
    text: str


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    at = 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if not match:
            raise JqlError(
                f"Error in the JQL Query: the character '{text[at:].strip()[0]}' at position "
                f"{at} is not valid here."
            )
        kind = str(match.lastgroup)
        value = match[kind]
        if kind == "quoted":
            value = re.sub(r"\\(.)", r"\1", value[1:-1])
        found.append(_Token(kind, value))
        at = match.end()
    return [*found, _Token("end", "")]


def parse(text: str, catalogue: Catalogue, *, strict: bool = True) -> Query:
    """The query, or JqlError in the vendor's words.

    Not `strict` (Data Center's `validateQuery=false`): values that do not exist match nothing
    instead of refusing the query.
    """
    return _Parser(text, catalogue, strict=strict).query()


class _Parser:
    def __init__(self, text: str, catalogue: Catalogue, *, strict: bool) -> None:
        self._strict = strict
        self._tokens = _tokens(text)
        self._at = 0
        self._catalogue = catalogue

    # ---- reading tokens

    def _peek(self, *words: str) -> bool:
        token = self._tokens[self._at]
        return token.kind == "word" and token.text.casefold() in words

    def _take(self) -> _Token:
        token = self._tokens[self._at]
        self._at += 1 if token.kind != "end" else 0
        return token

    def _accept(self, *words: str) -> bool:
        if self._peek(*words):
            self._at += 1
            return True
        return False

    def _mark(self, mark: str) -> bool:
        if self._tokens[self._at] == ("mark", mark):
            self._at += 1
            return True
        return False

    def _expect(self, mark: str) -> None:
        if not self._mark(mark):
            raise self._unexpected(f"'{mark}'")

    def _unexpected(self, expected: str) -> JqlError:
        token = self._tokens[self._at]
        found = f"'{token.text}'" if token.kind != "end" else "the end of the query"
        return JqlError(f"Error in the JQL Query: Expecting {expected} but got {found}.")

    # ---- grammar

    def query(self) -> Query:
        bounded = self._tokens[0].kind != "end" and not self._peek("order")
        part = self._any() if bounded else _Part(_everything)
        order = self._order() if self._accept("order") else ()
        if self._tokens[self._at].kind != "end":
            raise self._unexpected("either 'OR' or 'AND'")
        return Query(part.test, order, bounded, part.projects, part.ids)

    def _any(self) -> _Part:
        parts = [self._all()]
        while self._accept("or"):
            parts.append(self._all())
        if len(parts) == 1:
            return parts[0]
        tests = [part.test for part in parts]
        return _Part(
            lambda row: any(test(row) for test in tests),
            _union([part.projects for part in parts]),
            _union([part.ids for part in parts]),
        )

    def _all(self) -> _Part:
        parts = [self._one()]
        while self._accept("and"):
            parts.append(self._one())
        if len(parts) == 1:
            return parts[0]
        tests = [part.test for part in parts]
        return _Part(
            lambda row: all(test(row) for test in tests),
            _intersection([part.projects for part in parts]),
            _intersection([part.ids for part in parts]),
        )

    def _one(self) -> _Part:
        if self._accept("not"):
            test = self._one().test
            return _Part(lambda row: not test(row))
        if self._mark("("):
            part = self._any()
            self._expect(")")
            return part
        return self._clause()

    def _order(self) -> tuple[tuple[str, bool], ...]:
        if not self._accept("by"):
            raise self._unexpected("'BY'")
        keys: list[tuple[str, bool]] = []
        while True:
            name = self._field()
            if name not in _ORDERS:
                raise JqlError(f"Not able to sort using field '{name}'.")
            keys.append((name, self._accept("desc") or (self._accept("asc") and False)))
            if not self._mark(","):
                break
        if len(keys) > _MAX_ORDER_FIELDS:
            raise JqlError(f"The ORDER BY clause may name at most {_MAX_ORDER_FIELDS} fields.")
        return tuple(keys)

    def _field(self) -> str:
        token = self._take()
        if token.kind not in ("word", "quoted"):
            self._at -= 1 if token.kind != "end" else 0
            raise self._unexpected("a field name")
        name = _ALIASES.get(token.text.casefold(), token.text.casefold())
        if name not in _WORDS and name not in _DATES and name != "key":
            raise JqlError(
                f"Field '{token.text}' does not exist or you do not have permission to view it."
            )
        return name

    def _clause(self) -> _Part:
        name = self._field()
        operator = self._operator()
        if operator in ("is", "is not"):
            if not self._accept("empty", "null"):
                raise self._unexpected("'EMPTY' or 'NULL'")
            return _Part(_emptiness(name, wanted=operator == "is"))
        values = self._values() if operator in ("in", "not in") else [self._value()]
        return self._comparison(name, operator, values)

    def _operator(self) -> str:
        token = self._take()
        word = token.text.casefold()
        if token.kind == "op" and word in _RELATIONS:
            return word
        if token.kind == "word" and word == "in":
            return "in"
        if token.kind == "word" and word == "not" and self._accept("in"):
            return "not in"
        if token.kind == "word" and word == "is":
            return "is not" if self._accept("not") else "is"
        self._at -= 1 if token.kind != "end" else 0
        raise self._unexpected("operator (one of =, !=, <, >, <=, >=, IN, NOT IN, IS, IS NOT)")

    def _values(self) -> list[_Value]:
        self._expect("(")
        values = [self._value()]
        while self._mark(","):
            values.append(self._value())
        self._expect(")")
        return values

    def _value(self) -> _Value:
        token = self._take()
        if token.kind == "quoted":
            return token.text
        if token.kind != "word":
            self._at -= 1 if token.kind != "end" else 0
            raise self._unexpected("either a value, list or function")
        if self._mark("("):
            self._expect(")")
            return self._function(token.text)
        if token.text.casefold() in _RESERVED:
            raise JqlError(
                f"Error in the JQL Query: '{token.text}' is a reserved JQL word. You must "
                "surround it in quotation marks to use it in a query."
            )
        return token.text

    def _function(self, name: str) -> _Value:
        if name.casefold() == "currentuser":
            return self._catalogue.current_user()
        if name.casefold() == "now":
            return self._catalogue.now()
        raise JqlError(f"Unable to find JQL function '{name}()'.")

    # ---- meaning

    def _comparison(self, name: str, operator: str, values: Sequence[_Value]) -> _Part:
        if name in _DATES:
            return _Part(self._date(name, operator, values))
        if any(isinstance(value, datetime) for value in values):
            raise JqlError(f"A date is not a valid value for the field '{name}'.")
        texts = [str(value) for value in values]
        if name == "key":
            return self._key(operator, texts)
        if operator in ("<", "<=", ">", ">="):
            raise JqlError(f"The operator '{operator}' is not supported by the '{name}' field.")
        for text in texts:
            if self._strict and not self._catalogue.knows(name, text):
                raise JqlError(f"The value '{text}' does not exist for the field '{name}'.")
        wanted = frozenset(text.casefold() for text in texts)
        return _membership(name, wanted, positive=operator in ("=", "in"))

    def _date(self, name: str, operator: str, values: Sequence[_Value]) -> Callable[[Row], bool]:
        stamp = _DATES[name]
        moments = [self._milliseconds(name, value) for value in values]
        if operator in ("in", "not in"):
            positive = operator == "in"
            return lambda row: stamp(row) is not None and (stamp(row) in moments) is positive
        holds, limit = _RELATIONS[operator], moments[0]

        def compare(row: Row) -> bool:
            value = stamp(row)
            return value is not None and holds(value, limit)

        return compare

    def _milliseconds(self, name: str, value: _Value) -> int:
        if isinstance(value, datetime):
            return round(value.timestamp() * 1000)
        if re.fullmatch(r"-?\d+", value):
            return int(value)
        if period := _PERIOD.fullmatch(value):
            unit = {"w": "weeks", "d": "days", "h": "hours", "m": "minutes"}[period[3]]
            length = timedelta(**{unit: int(period[1] + period[2])})
            return round((self._catalogue.now() + length).timestamp() * 1000)
        for pattern in _FORMATS:
            try:
                moment = datetime.strptime(value, pattern).replace(tzinfo=self._catalogue.zone)
            except ValueError:
                continue
            return round(moment.timestamp() * 1000)
        raise JqlError(
            f"Date value '{value}' for field '{name}' is invalid. Valid formats include: "
            "'yyyy/MM/dd HH:mm', 'yyyy-MM-dd HH:mm', 'yyyy/MM/dd', 'yyyy-MM-dd', or a period "
            "format e.g. '-5d', '4w 2d'."
        )

    def _key(self, operator: str, values: Sequence[str]) -> _Part:
        rows = [row for value in values if (row := self._issue(value))]
        if operator in ("=", "in", "!=", "not in"):
            ids = frozenset(row.id for row in rows)
            positive = operator in ("=", "in")
            return _Part(lambda row: (row.id in ids) is positive, ids=ids if positive else None)
        if not rows:
            return _Part(lambda _row: False, ids=frozenset())
        holds, limit = _RELATIONS[operator], rows[0]
        return _Part(
            lambda row: row.project == limit.project and holds(row.number, limit.number),
            projects=frozenset([limit.project.casefold()]),
        )

    def _issue(self, value: str) -> Row | None:
        row = self._catalogue.find(value)
        if row is None and self._strict:
            raise JqlError(
                f"A value with ID '{value}' does not exist for the field 'id'."
                if value.isdigit()
                else f"An issue with key '{value}' does not exist for field 'key'."
            )
        return row


def _union(sets: Sequence[frozenset[_Known] | None]) -> frozenset[_Known] | None:
    known = [entry for entry in sets if entry is not None]
    return frozenset[_Known]().union(*known) if len(known) == len(sets) else None


def _intersection(sets: Sequence[frozenset[_Known] | None]) -> frozenset[_Known] | None:
    known = [entry for entry in sets if entry is not None]
    return frozenset.intersection(*known) if known else None


def _everything(_row: Row) -> bool:
    return True


def _emptiness(name: str, *, wanted: bool) -> Callable[[Row], bool]:
    if name == "key":
        return lambda _row: not wanted
    if name in _DATES:
        stamp = _DATES[name]
        return lambda row: (stamp(row) is None) is wanted
    return lambda row: (not row.words.get(name)) is wanted


def _membership(name: str, wanted: Collection[str], *, positive: bool) -> _Part:
    def test(row: Row) -> bool:
        values = row.words.get(name, ())
        return bool(values) and any(value in wanted for value in values) is positive

    return _Part(test, frozenset(wanted) if name == "project" and positive else None)


def utc(milliseconds: int) -> datetime:
    """Milliseconds since 1970 as an aware UTC time."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
