"""TicketSQL and TransactionSQL: writing values safely, and for the sandbox, reading a query.

Only a part is read: comparisons of the fields below and of `CF.{Name}`, joined by AND, OR and
parentheses.
Measured on RT 5.0.3: strings are escaped with a backslash; AND binds stronger than OR; a date is
read in the asking user's time zone; an ISO stamp with `T` keeps only its day; what is no date at
all is the year 1970; a query that does not name EffectiveId never sees merged tickets, and none
ever sees deleted ones.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any

Row = Mapping[str, Any]
Test = Callable[[Row], bool]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NUMBERS = frozenset({"id", "EffectiveId"})
DATES = frozenset({"Created", "LastUpdated"})
TEXTS = frozenset({"Queue", "Status", "Type", "Subject", "Owner"})
TRANSACTION_NUMBERS = frozenset({"id", "ObjectId", "TimeTaken"})
TRANSACTION_TEXTS = frozenset({"ObjectType", "Type"})

_TOKEN = re.compile(
    r"""\s*(?:(?P<text>'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")
          |(?P<op><=|>=|!=|=|<|>)
          |(?P<paren>[()])
          |(?P<word>CF\.\{[^}]*\}|[\w.]+))""",
    re.VERBOSE | re.IGNORECASE,
)
_STAMP = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?: (\d\d):(\d\d):(\d\d))?")
_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq, "!=": operator.ne, "<": operator.lt,
    ">": operator.gt, "<=": operator.le, ">=": operator.ge,
}  # fmt: skip


class QueryError(ValueError):
    """The query is not TicketSQL, or more of it than the sandbox reads."""


def quoted(text: str) -> str:
    """`text` as a TicketSQL string that cannot end early, whatever a name contains."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def stamp(moment: datetime) -> str:
    """`moment` as RT reads it in a query, to the second: 2026-11-22 21:04:03."""
    return moment.strftime("%Y-%m-%d %H:%M:%S")


def compiled(query: str, zone: tzinfo) -> Test:
    """TicketSQL as a predicate on rows that hold ints, texts and aware UTC times by field name."""
    if not query.strip():
        return lambda _row: False
    parser = _Parser(query, zone, NUMBERS, TEXTS)
    test = parser.parse()
    merged_too = "EffectiveId" in parser.fields
    return lambda row: (
        row["Status"] != "deleted" and (merged_too or row["EffectiveId"] == row["id"]) and test(row)
    )


def compiled_for_transactions(query: str) -> Test:
    """TransactionSQL as a predicate on rows that hold ints and texts by field name."""
    return _Parser(query, UTC, TRANSACTION_NUMBERS, TRANSACTION_TEXTS).parse()


class _Parser:
    def __init__(
        self, query: str, zone: tzinfo, numbers: frozenset[str], texts: frozenset[str]
    ) -> None:
        self.query, self.zone = query, zone
        self.numbers, self.texts = numbers, texts
        self.tokens = self._tokens()
        self.at = 0
        self.fields: set[str] = set()

    def parse(self) -> Test:
        test = self._any()
        if self.at < len(self.tokens):
            raise QueryError(f"Wrong query, unexpected {self.tokens[self.at][1]!r}")
        return test

    def _tokens(self) -> list[tuple[str, str]]:
        found, position, query = [], 0, self.query.rstrip()
        while position < len(query):
            match = _TOKEN.match(query, position)
            if not match or match.lastgroup is None:
                raise QueryError(f"Wrong query at {query[position:]!r}")
            found.append((match.lastgroup, match[match.lastgroup]))
            position = match.end()
        return found

    def _next(self, kind: str) -> str:
        if self.at >= len(self.tokens) or self.tokens[self.at][0] != kind:
            raise QueryError(f"Incomplete query, expecting a {kind} in {self.query!r}")
        self.at += 1
        return self.tokens[self.at - 1][1]

    def _joined_by(self, word: str) -> bool:
        is_word = self.at < len(self.tokens) and self.tokens[self.at] == ("word", word)
        self.at += is_word
        return is_word

    def _any(self) -> Test:
        tests = [self._all()]
        while self._joined_by("OR"):
            tests.append(self._all())
        return lambda row: any(test(row) for test in tests)

    def _all(self) -> Test:
        tests = [self._one()]
        while self._joined_by("AND"):
            tests.append(self._one())
        return lambda row: all(test(row) for test in tests)

    def _one(self) -> Test:
        if self.at < len(self.tokens) and self.tokens[self.at] == ("paren", "("):
            self.at += 1
            test = self._any()
            if self._next("paren") != ")":
                raise QueryError(f"Unbalanced parentheses in {self.query!r}")
            return test
        field = self._next("word")
        compare = _OPERATORS[self._next("op")]
        if self.at < len(self.tokens) and self.tokens[self.at][0] == "text":
            value = re.sub(r"\\(.)", r"\1", self._next("text")[1:-1])
        else:
            value = self._next("word")
        self.fields.add(field)
        return self._comparison(field, compare, value)

    def _comparison(self, field: str, compare: Callable[[Any, Any], bool], value: str) -> Test:
        if field in self.numbers:
            if value in self.numbers:
                return lambda row: compare(row[field], row[value])
            number = int(value) if value.isdigit() else 0
            return lambda row: compare(row[field], number)
        if field in DATES and self.texts is TEXTS:
            moment = _moment(value, self.zone)
            return lambda row: compare(row[field], moment)
        custom = re.fullmatch(r"CF\.\{(.*)\}", field, re.IGNORECASE)
        if custom:
            name = custom[1]
            return lambda row: any(compare(v, value) for v in row["CustomFields"].get(name, ()))
        if field not in self.texts:
            raise QueryError(f"Unknown field: {field}")
        wanted = value.casefold()
        return lambda row: compare(str(row[field]).casefold(), wanted)


def _moment(text: str, zone: tzinfo) -> datetime:
    match = _STAMP.match(text)
    if not match:
        return EPOCH
    parts = [int(part) for part in match.groups("0")]
    try:
        return datetime(*parts, tzinfo=zone).astimezone(UTC)  # type: ignore[arg-type,misc]
    except ValueError:
        return EPOCH
