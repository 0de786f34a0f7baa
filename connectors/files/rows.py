"""One row of a table → a raw record, or the reasons why it is none; pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import orjson

from connectors.files.cells import BadCell, Cell, Format, Json, constant, currency_of, read
from connectors.files.settings import (
    CurrencyColumn,
    Defaults,
    ModelField,
    Rule,
    Table,
    choices,
    model_fields,
)
from connectors.files.table import LONGEST_CELL, OpenTable, Row, clean, letter
from itpm_sync.connector import RawRecord
from itpm_sync.errors import RecordError

_LONGEST_KEY = 400  # characters; a key is an index entry of the store
_UNREADABLE = re.compile("[\0\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one row came to.

    `record` None: the row is quarantined, for the reasons in `problems`, or (`repeats`) stands in
    the files once more, word for word. `source_id` is known unless the key itself is bad.
    """

    source_id: str
    record: RawRecord | None
    problems: tuple[RecordError, ...] = ()
    repeats: bool = False


@dataclass(frozen=True, slots=True)
class _Column:
    """One rule, ready to read cells of one open file."""

    name: str
    rule: Rule
    words: Mapping[str, str]  # the rule's map, casefolded
    allowed: tuple[str, ...]  # the words of a coded field; empty for others
    reading: str
    fmt: Format
    field: ModelField | None  # None: an attribute
    index: int | None  # of the column in the row; None: a constant
    currency_index: int | None


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a key was seen first, to judge whether the same key again is the same row."""

    file: str
    row: int
    digest: bytes


def outcomes(
    table: Table, defaults: Defaults, file: OpenTable, file_name: str, seen: dict[str, Spot]
) -> Iterator[Outcome]:
    """What each row of an open file comes to; `seen` carries the keys of the table's files."""
    columns = _columns(table, defaults, file)
    places = {name: index for index, name in enumerate(file.header)}
    fill = [places[clean(header)] for header in table.fill_down]
    skips = [(places[clean(skip.column)], skip) for skip in table.skip_rows]
    above: dict[int, Cell] = {}
    for row in file.rows:
        if row.problem:
            yield _quarantined(_Given(table, file, file_name, row.number, row.cells), row, places)
            continue
        cells = _filled(row.cells, fill, above)
        if any(skip.holds(cells[index].text) for index, skip in skips):
            continue
        given = _Given(table, file, file_name, row.number, cells)
        yield _first_of_its_key(given, _outcome(given, columns, places), seen)


def _columns(table: Table, defaults: Defaults, file: OpenTable) -> tuple[_Column, ...]:
    """The rules of a table, bound to the columns of an open file."""
    places = {name: index for index, name in enumerate(file.header)}
    known = model_fields(table.kind)
    rules = [(name, rule, known.get(name)) for name, rule in table.columns.items()]
    rules += [(name, rule, None) for name, rule in table.attributes.items()]
    return tuple(
        _Column(
            name=name,
            rule=rule,
            words={word.casefold(): to for word, to in rule.map.items()},
            allowed=choices(field) if field else (),
            reading=rule.reading(field),
            fmt=replace(rule.written(defaults), epoch=file.epoch),
            field=field,
            index=None if rule.column is None else places[clean(rule.column)],
            currency_index=places[clean(rule.currency.column)]
            if isinstance(rule.currency, CurrencyColumn)
            else None,
        )
        for name, rule, field in rules
    )


@dataclass(frozen=True, slots=True)
class _Given:
    """A row with what is needed to name it."""

    table: Table
    file: OpenTable
    file_name: str
    number: int
    cells: Sequence[Cell]

    @property
    def place(self) -> str:
        return f"{self.file.place} row {self.number}"

    def error(
        self,
        index: int | None,
        value: str,
        expected: str,
        hint: str = "",
        source_id: str = "",
        *,
        soft: bool = False,
    ) -> RecordError:
        """A problem of one column; `soft`: of its cell only."""
        header = "the row" if index is None else self.file.header[index]
        spot = "" if index is None else f", column {header}"
        cell = f" ({letter(index)}{self.number})" if self.file.excel and index is not None else ""
        return RecordError(
            field=header,
            value=value,
            expected=expected,
            place=f"{self.place}{spot}{cell}",
            hint=hint,
            source_id=source_id,
            soft=soft,
        )


def _quarantined(given: _Given, row: Row, places: Mapping[str, int]) -> Outcome:
    """A row that cannot be trusted, under its key where that can be."""
    shown = " | ".join(cell.text for cell in given.cells[:8])
    width = len(given.file.header)
    sure = _sure(given, width) if row.sure is None else row.sure
    # without a key a row is known by its number, which says nothing of those after a cut
    readable = (bool(given.table.key) or row.ended) and all(
        places[clean(header)] < sure for header in given.table.key
    )
    named = _source_id(given, places)[0] if readable else ""
    source_id = "" if _UNREADABLE.search(named) else named
    problem = RecordError(
        field="the row",
        value=shown.encode("utf-8", "backslashreplace").decode(),
        expected=f"{width} readable cells",
        place=given.place,
        hint=f"it {row.problem}",
        source_id=source_id,
    )
    return Outcome(source_id, None, (problem,))


def _sure(given: _Given, width: int) -> int:
    """How many cells at the beginning surely stand under their header.

    In a row with too many, a text that is not quoted holds the delimiter: no key does, if its
    columns are the first ones. In one with too few, a delimiter may be missing anywhere.
    """
    if len(given.cells) < width:
        return 0
    return len(given.table.key) if any(c.text for c in given.cells[width:]) else width


def _filled(cells: Sequence[Cell], fill: Sequence[int], above: dict[int, Cell]) -> Sequence[Cell]:
    """The row with the cells of `fill_down` columns repeated from above where they are empty."""
    if not fill:
        return cells
    result = list(cells)
    for index in fill:
        if result[index].text:
            above[index] = result[index]
        else:
            result[index] = above.get(index, result[index])
    return result


def _outcome(given: _Given, columns: Sequence[_Column], places: Mapping[str, int]) -> Outcome:
    """Reads every column of a row, and only then judges it: all its problems are reported."""
    source_id, key_problem = _source_id(given, places)
    values: dict[str, Json] = {}
    attributes: dict[str, str] = {}
    problems = [key_problem] if key_problem else []
    rejected = bool(problems)
    for column in columns:
        try:
            value = _value(column, given.cells)
        except BadCell as bad:
            fatal = _fatal(column)
            rejected = rejected or fatal
            hint = "; ".join(
                filter(None, (bad.hint, "" if fatal else "only this cell is left out"))
            )
            text = column.rule.value if column.index is None else given.cells[column.index].text
            soft = bool(column.rule.soft)  # somebody said so; else a figure lacks what should be
            problems.append(
                given.error(column.index, text or "", bad.expected, hint, source_id, soft=soft)
            )
            continue
        if column.field is not None:
            values[column.name] = value
        elif value is not None:
            attributes[column.name] = _as_text(value)
    record = None if rejected else _record(given, source_id, values, attributes)
    return Outcome(source_id, record, tuple(problems))


def _fatal(column: _Column) -> bool:
    """Whether a bad cell rejects its row: where the rule says so, else where leaving it out would

    put an assumed value in its place (a required field, or one whose default is not "unknown").
    """
    if column.rule.soft is not None:
        return not column.rule.soft
    return column.field is not None and not column.field.may_be_dropped


def _source_id(given: _Given, places: Mapping[str, int]) -> tuple[str, RecordError | None]:
    """The key cells as one id; parts of a compound key are joined by "/", escaped within them."""
    if not given.table.key:
        return f"{given.file_name}#{given.number}", None
    indices = [places[clean(header)] for header in given.table.key]
    cells = [given.cells[index] for index in indices]
    for index, cell in zip(indices, cells, strict=True):
        if not cell.text or cell.kind == "error" or len(cell.text) > _LONGEST_KEY:
            expected = f"a value of up to {_LONGEST_KEY} characters, as it identifies the row"
            return "", given.error(index, cell.text, expected)
    if len(cells) == 1:
        return cells[0].text, None
    return "/".join(c.text.replace("%", "%25").replace("/", "%2F") for c in cells), None


def _value(column: _Column, cells: Sequence[Cell]) -> Json:
    """The canonical value of a column in a row; raises BadCell."""
    rule = column.rule
    cell = constant(rule.value or "") if column.index is None else cells[column.index]
    if len(cell.text) > LONGEST_CELL:
        raise BadCell(f"at most {LONGEST_CELL:,} characters", "is a quote before it not closed?")
    if cell.kind != "error":
        cell = _translated(cell, column)
    fmt = column.fmt
    if column.currency_index is not None and cell.text:
        fmt = _with_currency(fmt, cells[column.currency_index])
    value = read(cell, column.reading, fmt)
    if value is None and (rule.required or (column.field is not None and column.field.required)):
        raise BadCell("a value")
    return _coded(value, column.allowed) if column.allowed and value is not None else value


def _translated(cell: Cell, column: _Column) -> Cell:
    """The cell after `map` and `default`."""
    default = column.rule.default
    word = default
    if cell.text:
        word = column.words.get(cell.text.casefold(), default if column.words else None)
    return cell if word is None else constant(word)


def _with_currency(fmt: Format, cell: Cell) -> Format:
    """The format with the currency that another column of the row states."""
    if not cell.text:
        return fmt
    return replace(fmt, currency=currency_of((cell.text,), fmt), currency_is_stated=True)


def _coded(value: str, allowed: Sequence[str]) -> str:
    """A word of a coded field in the model's spelling; raises BadCell for any other word."""
    word = value.casefold().replace(" ", "_")
    if word not in allowed:
        raise BadCell(f"one of {', '.join(allowed)}", "translate the words of the file with map:")
    return word


def _as_text(value: Json) -> str:
    if isinstance(value, dict):
        return f"{value['amount']} {value['currency']}"
    if isinstance(value, bool):
        return "true" if value else "false"
    return ", ".join(value) if isinstance(value, list) else str(value)


def _record(
    given: _Given, source_id: str, values: Mapping[str, Json], attributes: Mapping[str, str]
) -> RawRecord:
    row: dict[str, Json] = {
        name: cell.text
        for name, cell in zip(given.file.header, given.cells, strict=False)
        if cell.text or name[0] != "@"
    }
    row |= {"@file": given.file_name}
    body = {"row": row, "values": values, "attributes": attributes}
    return RawRecord(
        source_id=source_id,
        body=orjson.dumps(body, option=orjson.OPT_SORT_KEYS),
        scope=given.table.file,
        url=given.place,
    )


def _first_of_its_key(given: _Given, outcome: Outcome, seen: dict[str, Spot]) -> Outcome:
    """The outcome, unless its key was there before: then the same row again, or a contradiction."""
    if not outcome.source_id:
        return outcome
    text = "\0".join(cell.text for cell in given.cells)
    spot = Spot(
        given.file.place, given.number, hashlib.blake2b(text.encode(), digest_size=16).digest()
    )
    first = seen.setdefault(outcome.source_id, spot)
    if first is spot:
        return outcome
    same = first.digest == spot.digest
    if same and given.table.repeated_rows == "allow":
        return Outcome(outcome.source_id, None, repeats=True)
    keys = ", ".join(given.table.key)
    cells = "the same cells" if same else "other cells under the same key"
    problem = RecordError(
        field=keys,
        value=outcome.source_id,
        expected="a key that no other row has",
        place=f"{given.place}, column {keys}",
        hint=f"{first.file} row {first.row} has {cells}; only that row is used",
        source_id=outcome.source_id,
    )
    return Outcome(outcome.source_id, None, (problem,), repeats=same)
