"""CSV and Excel files as a source: plans, contracts, orders, invoices, time, rates, risks.

One table of the configuration is one stream with one scope, its file or pattern of files. Every
fetch reads all of it, so that a fetch is its own census. A row becomes a raw record that holds the
row as it stands in the file and the values that its columns were read as; a row or cell that
cannot be read is reported with file, row and column, and the rest goes on.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, ClassVar

import orjson

from connectors.files.cells import CURRENCIES, BadCell, Cell, Format, Json, read
from connectors.files.reader import Layout, OpenTable, Row, clean, letter, open_table
from connectors.files.settings import (
    CurrencyColumn,
    FilesSettings,
    ModelField,
    Rule,
    Table,
    choices,
    model_fields,
)
from itpm_sync.connector import (
    CheckItem,
    ConnectorInfo,
    ConnectorSettings,
    Context,
    Count,
    Deletes,
    Page,
    Partition,
    Publisher,
    RawRecord,
    Stream,
    Window,
)
from itpm_sync.errors import ConnectionFailed, ItpmError, RecordError, suggestion

log = logging.getLogger(__name__)

_PAGE = 1000
_LONGEST_KEY = 400  # characters; a key is an index entry of the store


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
    reading: str
    fmt: Format
    field: ModelField | None  # None: an attribute
    index: int | None  # of the column in the row; None: a constant
    currency_index: int | None


@dataclass(frozen=True, slots=True)
class _Spot:
    """Where a record was seen first, to judge whether the same key again is the same row."""

    place: str
    digest: bytes


class FilesConnector:
    """Reads the tables of one folder; see README.md beside this file for every setting."""

    info: ClassVar[ConnectorInfo] = ConnectorInfo(
        name="files",
        title="CSV and Excel files",
        system="CSV (UTF-8, UTF-16, Windows-1252), Excel .xlsx and .xlsm",
        verified_against="2,472 real projects of the US federal IT dashboard; invented dirt",
    )
    Settings: ClassVar[type[ConnectorSettings]] = FilesSettings
    mapping_file: ClassVar[Path] = Path(__file__).with_name("mapping.yaml")

    def __init__(self, name: str, settings: FilesSettings, context: Context) -> None:
        self._name = name
        self._settings = settings
        self._folder = context.base_dir / settings.folder

    # ---- what there is --------------------------------------------------------------------------

    def variables(self) -> Mapping[str, str]:
        """None: columns are named in the configuration."""
        return {}

    def mapping(self) -> Mapping[str, Any]:
        """The mapping of every configured table, as plain data of the mapping format."""
        return {
            "version": 1,
            "streams": {name: [_mapping(t)] for name, t in self._settings.tables.items()},
        }

    def streams(self) -> Sequence[Stream]:
        """One per table."""
        return [
            Stream(
                name=name,
                scopes=(table.file,),
                deletes=Deletes.WHOLE,
                may_be_empty=table.may_be_empty,
            )
            for name, table in self._settings.tables.items()
        ]

    def partitions(self, stream: Stream, window: Window) -> Iterator[Partition]:  # noqa: ARG002
        """One: rows with the same key are found across all files of a table."""
        for scope in stream.scopes:
            yield Partition(key=scope, scope=scope)

    def publisher(self) -> Publisher | None:
        """Files are only read."""
        return None

    def close(self) -> None:
        """Files are closed after each fetch."""

    # ---- reading --------------------------------------------------------------------------------

    def fetch(
        self,
        stream: Stream,
        partition: Partition,  # noqa: ARG002 — a table is one partition
        window: Window,  # noqa: ARG002 — and is always read whole
    ) -> Iterator[Page]:
        """Pages of 1,000 rows. Raises ConnectionFailed after the last page if a file failed."""
        with closing(self._outcomes(stream.name)) as outcomes:
            for batch in _batches(outcomes):
                yield Page(
                    records=[each.record for each in batch if each.record],
                    rejected=[problem for each in batch for problem in each.problems],
                )

    def census(self, stream: Stream, scope: str) -> Iterator[Sequence[str]]:  # noqa: ARG002
        """The id of every row that names itself, quarantined ones too: they are not deleted."""
        with closing(self._outcomes(stream.name)) as outcomes:
            for batch in _batches(outcomes):
                yield [each.source_id for each in batch if each.source_id and not each.repeats]

    def count(self, stream: Stream, scope: str) -> Count | None:  # noqa: ARG002
        """Rows that ought to be records: all but blank, skipped and word-for-word repeated ones."""
        with closing(self._outcomes(stream.name)) as outcomes:
            return Count(sum(not each.repeats for each in outcomes))

    def check(self) -> Iterable[CheckItem]:
        """Per table: files, header, columns; then how many rows can be read."""
        for name, table in self._settings.tables.items():
            yield from self._check(name, table)

    def _check(self, name: str, table: Table) -> Iterator[CheckItem]:
        title = f"{name}: {table.file}"
        try:
            notes: list[str] = []
            advice: list[str] = []
            for path in self._paths(table):
                with open_table(path, self._layout(table)) as file:
                    notes.append(f"{file.place} ({', '.join(file.notes)})")
                    advice += file.advice
            yield CheckItem(title, ok=True, detail="; ".join(notes), advice="; ".join(advice))
            yield self._check_rows(name, table)
        except ConnectionFailed as error:
            yield CheckItem(title, ok=False, detail=error.message, advice=error.advice)
        except ItpmError as error:
            yield CheckItem(title, ok=False, detail=str(error))

    def _check_rows(self, name: str, table: Table) -> CheckItem:
        rows = loaded = repeated = 0
        problems: list[str] = []
        for outcome in self._outcomes(name):
            rows += 1
            loaded += outcome.record is not None
            repeated += outcome.repeats
            problems += map(str, outcome.problems)
        detail = f"{rows:,} rows: {loaded:,} can be loaded"
        detail += f", {repeated:,} repeat another word for word" if repeated else ""
        if problems:
            more = f" … and {len(problems) - 3:,} more" if len(problems) > 3 else ""
            detail += f"; {len(problems):,} problems: " + "; ".join(problems[:3]) + more
        ok = not problems and (rows > 0 or table.may_be_empty)
        return CheckItem(f"{name}: rows", ok, detail, "" if table.key else _NO_KEY)

    def _outcomes(self, name: str) -> Generator[Outcome, None, None]:
        """Every row of every file of a table; a file that fails is named after the others."""
        table = self._settings.tables[name]
        seen: dict[str, _Spot] = {}
        failures: list[ConnectionFailed] = []
        rows = 0
        if not table.key:
            log.warning("%s %s: %s", self._name, name, _NO_KEY)
        for path in self._paths(table):
            try:
                with open_table(path, self._layout(table)) as file:
                    for line in file.advice:
                        log.warning("%s %s: %s", self._name, name, line)
                    for outcome in self._file(table, file, path, seen):
                        rows += 1
                        yield outcome
            except ConnectionFailed as error:
                failures.append(error)
        if failures:
            raise ConnectionFailed(
                f"table {name}: " + "; ".join(error.message for error in failures),
                advice="; ".join(error.advice for error in failures if error.advice),
            )
        if not rows and not table.may_be_empty:
            raise ConnectionFailed(
                f"table {name}: {table.file} has a header and no rows",
                advice="export it again, or set may_be_empty: true if that is right",
            )

    def _file(
        self, table: Table, file: OpenTable, path: Path, seen: dict[str, _Spot]
    ) -> Iterator[Outcome]:
        columns = self._columns(table, file)
        places = {name: index for index, name in enumerate(file.header)}
        above: dict[int, Cell] = {}
        fill = [places[clean(header)] for header in table.fill_down]
        for row in file.rows:
            if row.problem:
                yield _quarantined(file, row)
                continue
            cells = _filled(row.cells, fill, above)
            if any(skip.holds(cells[places[clean(skip.column)]].text) for skip in table.skip_rows):
                continue
            given = _Given(table, file, path.name, row.number, cells)
            yield _first_of_its_key(given, _outcome(given, columns, places), seen)

    def _columns(self, table: Table, file: OpenTable) -> tuple[_Column, ...]:
        """The rules of a table, bound to the columns of an open file."""
        defaults = table.defaults.over(self._settings.defaults)
        places = {name: index for index, name in enumerate(file.header)}
        known = model_fields(table.kind)
        rules = [(name, rule, known.get(name)) for name, rule in table.columns.items()]
        rules += [(name, rule, None) for name, rule in table.attributes.items()]
        return tuple(
            _Column(
                name=name,
                rule=rule,
                reading=_reading(rule, field),
                fmt=replace(rule.written(defaults), epoch=file.epoch),
                field=field,
                index=None if rule.column is None else places[clean(rule.column)],
                currency_index=places[clean(rule.currency.column)]
                if isinstance(rule.currency, CurrencyColumn)
                else None,
            )
            for name, rule, field in rules
        )

    # ---- files ----------------------------------------------------------------------------------

    def _layout(self, table: Table) -> Layout:
        written = table.defaults.over(self._settings.defaults)
        return Layout(
            headers=table.headers(),
            header_row=table.header_row,
            sheet=table.sheet,
            encoding=written.encoding,
            delimiter=written.delimiter,
            max_excel_bytes=self._settings.max_excel_mb * 2**20,
        )

    def _paths(self, table: Table) -> list[Path]:
        """The files of a table, sorted by name; all of them regular and inside the folder.

        Raises ConnectionFailed where there is none, or one leads elsewhere.
        """
        folder = self._folder.resolve()
        if not folder.is_dir():
            raise ConnectionFailed(
                f"folder {self._folder} does not exist", advice="create it, or correct folder:"
            )
        found = sorted(path for path in folder.glob(table.file) if _is_data(path))
        if not found:
            raise ConnectionFailed(
                f"no file {table.file} in {self._folder}", advice=_file_advice(folder, table.file)
            )
        for path in found:
            if not path.resolve().is_relative_to(folder):
                raise ConnectionFailed(
                    f"{path.name} leads out of {self._folder}",
                    advice="put the file itself into the folder, not a link to it",
                )
            if not path.is_file():
                raise ConnectionFailed(f"{path.name} is not a regular file")
        return found


_NO_KEY = (
    "no key: is set, so a row is known by its number only: a row inserted above makes every "
    "later row another record; name the columns that identify a row"
)


def _batches(outcomes: Iterable[Outcome]) -> Iterator[list[Outcome]]:
    """Batches of a page's size; what was read before a failure comes before the failure."""
    batch: list[Outcome] = []
    failure: ItpmError | None = None
    try:
        for outcome in outcomes:
            batch.append(outcome)
            if len(batch) == _PAGE:
                yield batch
                batch = []
    except ItpmError as error:
        failure = error
    if batch:
        yield batch
    if failure:
        raise failure


def _is_data(path: Path) -> bool:
    """Not what an office program leaves beside an open document."""
    return not path.name.startswith((".", "~$")) and not path.is_dir()


def _file_advice(folder: Path, pattern: str) -> str:
    present = [path.name for path in folder.iterdir() if _is_data(path)]
    shown = sorted(present)[:20]
    near = suggestion(pattern, present) if present else ""
    listed = f"the folder holds {', '.join(shown)}" if shown else "the folder is empty"
    loose = [name for name in shown if fnmatch(name.lower(), pattern.lower())]
    return f'did you mean "{loose[0]}"?' if loose else near if near[:3] == "did" else listed


# ---- one row ------------------------------------------------------------------------------------


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
        self, index: int | None, value: str, expected: str, hint: str = "", source_id: str = ""
    ) -> RecordError:
        """A problem of one column."""
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
        )


def _quarantined(file: OpenTable, row: Row) -> Outcome:
    """A row whose cells cannot be told apart safely."""
    shown = " | ".join(cell.text for cell in row.cells[:8])
    problem = RecordError(
        field="the row",
        value=shown.encode("utf-8", "backslashreplace").decode(),
        expected=f"{len(file.header)} readable cells",
        place=f"{file.place} row {row.number}",
        hint=f"it {row.problem}",
    )
    return Outcome("", None, (problem,))


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
            problems.append(given.error(column.index, text or "", bad.expected, hint, source_id))
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
    cell = Cell(rule.value or "") if column.index is None else cells[column.index]
    if cell.kind != "error":
        cell = _translated(cell, rule)
    fmt = column.fmt
    if column.currency_index is not None and cell.text:
        fmt = _with_currency(fmt, cells[column.currency_index])
    value = read(cell, column.reading, fmt)
    field = column.field
    if field is None:
        if value is None and rule.required:
            raise BadCell("a value")
        return value
    if value is None and (field.required or rule.required):
        raise BadCell("a value")
    return _coded(value, field) if isinstance(value, str) else value


def _translated(cell: Cell, rule: Rule) -> Cell:
    """The cell after `map` and `default`."""
    if not cell.text:
        return cell if rule.default is None else Cell(rule.default)
    if not rule.map:
        return cell
    word = {key.casefold(): to for key, to in rule.map.items()}.get(cell.text.casefold())
    if word is None:
        word = rule.default
    return cell if word is None else Cell(word)


def _with_currency(fmt: Format, cell: Cell) -> Format:
    code = cell.text.upper()
    if code and code not in CURRENCIES:
        raise BadCell("an amount with an ISO 4217 currency", f'its currency is "{cell.text}"')
    return replace(fmt, currency=code or fmt.currency, currency_is_stated=bool(code))


def _coded(value: str, field: ModelField) -> str:
    """A word of a coded field in the model's spelling; raises BadCell for any other word."""
    allowed = choices(field)
    if not allowed:
        return value
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
    row |= {"@file": given.file_name, "@row": given.number}
    body = {"row": row, "values": values, "attributes": attributes}
    return RawRecord(
        source_id=source_id,
        body=orjson.dumps(body, option=orjson.OPT_SORT_KEYS),
        scope=given.table.file,
    )


def _first_of_its_key(given: _Given, outcome: Outcome, seen: dict[str, _Spot]) -> Outcome:
    """The outcome, unless its key was there before: then the same row again, or a contradiction."""
    if not outcome.source_id:
        return outcome
    text = "\0".join(cell.text for cell in given.cells)
    spot = _Spot(given.place, hashlib.blake2b(text.encode(), digest_size=16).digest())
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
        hint=f"{first.place} has {cells}; only that row is used",
        source_id=outcome.source_id,
    )
    return Outcome(outcome.source_id, None, (problem,), repeats=same)


# ---- the mapping of a table ---------------------------------------------------------------------


def _reading(rule: Rule, field: ModelField | None) -> str:
    return rule.as_ or (field.readings[0] if field else "text")


def _mapping(table: Table) -> Mapping[str, Any]:
    """One table's rule of the mapping format: every value is taken as the connector read it."""
    known = model_fields(table.kind)
    return {
        "to": table.kind,
        "fields": {n: _mapped(n, _reading(rule, known[n])) for n, rule in table.columns.items()},
        "attributes": {name: f"attributes.{name}" for name in table.attributes},
    }


def _mapped(name: str, reading: str) -> Any:
    path = f"values.{name}"
    kept = {
        "money": "money", "int": "int", "decimal": "decimal", "percent": "decimal",
        "bool": "bool", "date": "date", "datetime": "datetime", "list": "list",
        **dict.fromkeys(("seconds", "minutes", "hours", "days"), "int"),
    }  # fmt: skip
    return {"path": path, "as": kept[reading]} if reading in kept else path
