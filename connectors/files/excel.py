"""Excel workbooks, read with openpyxl a batch of rows at a time.

A workbook is hostile until read: the archive is measured before it is unpacked, XML goes through
defusedxml (openpyxl uses it where it is installed, and it is a dependency of this project).
"""

from __future__ import annotations

import errno
import re
import threading
import warnings
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

from connectors.files.cells import EXCEL_EPOCH, NO_CACHED_VALUE, Cell
from connectors.files.table import Layout, OpenTable, Row, clean, shown_name, split_header
from itpm_sync.errors import ConnectionFailed, ItpmError

EXCEL_1904 = date(1904, 1, 1)
_MAX_COLUMNS = 2000  # searched for headers; what a file claims to have can be any number
_MAX_PARTS = 5000
_MAX_ROWS = 1_048_576
_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_ROW, _FORMULA = f"{_MAIN}row", f"{_MAIN}f"
_CHUNK = 2**18  # bytes of a sheet parsed at a time
_BATCH = 500  # rows parsed at a time
_openpyxl_lock = threading.Lock()  # warnings.catch_warnings is not safe among threads


def open_excel(path: Path, layout: Layout, stack: ExitStack) -> OpenTable:
    file = stack.enter_context(path.open("rb"))  # one open file: what was measured is what is read
    _inspect_archive(path, file, layout.max_excel_bytes)
    book = _load(path, file, stack, values=True)
    sheet = _sheet(book, layout.sheet, shown_name(path))
    place = f"{shown_name(path)} sheet {sheet.title}"
    formulas = None
    if _has_formulas(sheet, place):
        formulas = _sheet(_load(path, file, stack, values=False), sheet.title, shown_name(path))
    raw = _raw_rows(sheet, formulas, place)
    header = split_header(_rows(raw, _MAX_COLUMNS, place), layout, place)
    return OpenTable(
        place=place,
        header=header,
        rows=_rows(raw, len(header), place),
        epoch=EXCEL_1904 if book.epoch.year == 1904 else EXCEL_EPOCH,
        excel=True,
    )


@contextmanager
def _hostile(name: str) -> Iterator[None]:
    """What zipfile and openpyxl raise on a damaged file can be anything: one failure says it."""
    try:
        yield
    except (ItpmError, MemoryError):
        raise
    except OSError as error:
        if error.errno not in (None, errno.EINVAL):  # EINVAL: an offset that the archive invents
            raise
        raise _damaged(name, error) from error
    except Exception as error:
        raise _damaged(name, error) from error


def _damaged(name: str, error: Exception) -> ConnectionFailed:
    return ConnectionFailed(
        f"{name} is damaged or no Excel workbook ({str(error)[:120] or type(error).__name__})",
        advice="open it in Excel and save it again as .xlsx",
    )


def _inspect_archive(path: Path, file: BinaryIO, limit: int) -> None:
    """Raises ConnectionFailed for what is no safe workbook.

    Sizes are those that the archive declares; zipfile never unpacks more than that of an entry.
    """
    with _hostile(shown_name(path)), zipfile.ZipFile(file) as archive:
        entries = archive.infolist()
        size = sum(entry.file_size for entry in entries)
        if size > limit or len(entries) > _MAX_PARTS:
            raise ConnectionFailed(
                f"{shown_name(path)} unpacks to {size / 2**20:,.0f} MB in {len(entries):,} parts; "
                f"allowed are {limit / 2**20:,.0f} MB and {_MAX_PARTS:,} parts",
                advice="raise max_excel_mb if the file is meant to be so large",
            )
        names = [e.filename for e in entries if e.filename.startswith("xl/worksheets/")]
        if not any(name.endswith(".xml") for name in names):
            raise ConnectionFailed(
                f"{shown_name(path)} is a ZIP archive without Excel sheets",
                advice="save it as .xlsx (not .xlsb, .ods or a zipped CSV)",
            )


def _has_formulas(sheet: Any, place: str) -> bool:
    """Whether the sheet holds formulas. Raises ConnectionFailed where rows or cells are not in
    their order.
    """
    from defusedxml.ElementTree import XMLParser

    seen = _Order()
    parser = XMLParser(target=seen)
    with _hostile(place), sheet._get_source() as source:  # noqa: SLF001 — no public name
        while chunk := source.read(_CHUNK):
            parser.feed(chunk)
        parser.close()
    return seen.formulas


class _Order:
    """What an XML parser tells: formulas, and rows and cells that are not in their order.

    openpyxl leaves out what comes too late, and fills the rows before one that Excel cannot have
    without end. Numbers are read as it reads them; a row or cell without one follows the last.
    """

    def __init__(self) -> None:
        from openpyxl.utils.cell import coordinate_to_tuple

        self.formulas, self._placed = False, coordinate_to_tuple
        self._row = self._column = 0
        self._depth = 0  # of elements, from a row on

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """An element begins. Raises ValueError."""
        if tag == _ROW:
            self._next_row(attributes.get("r"))
        elif self._depth == 1:
            self._next_cell(attributes.get("r"))
        elif tag == _FORMULA:
            self.formulas = True
        self._depth += self._depth > 0 or tag == _ROW

    def end(self, _tag: str) -> None:
        """An element ends."""
        self._depth -= self._depth > 0

    def close(self) -> None:
        """The sheet ends."""

    def _next_row(self, number: str | None) -> None:
        row = self._row + 1 if number is None else _row_number(number)
        if self._depth or not self._row < row <= _MAX_ROWS:
            raise ValueError(
                f"row {row} is out of order after {self._row}, or beyond the {_MAX_ROWS:,} of Excel"
            )
        self._row, self._column = row, 0

    def _next_cell(self, name: str | None) -> None:
        column = self._placed(name)[1] if name else self._column + 1
        if column <= self._column:
            raise ValueError(f"row {self._row}: cell {name} is out of order")
        self._column = column


def _row_number(text: str) -> int:
    """As openpyxl reads it: some programs write `3.0`."""
    try:
        return int(text)
    except ValueError:
        number = float(text)
        if number.is_integer():
            return int(number)
        raise


def _guarded(name: str, act: Callable[[], Any]) -> Any:
    """Runs openpyxl, which warns of harmless things."""
    with _openpyxl_lock, warnings.catch_warnings(), _hostile(name):
        warnings.simplefilter("ignore")
        return act()


def _load(path: Path, file: BinaryIO, stack: ExitStack, *, values: bool) -> Any:
    import openpyxl

    book = _guarded(
        shown_name(path),
        lambda: openpyxl.load_workbook(file, read_only=True, data_only=values, keep_links=False),
    )
    return stack.enter_context(closing(book))


def _sheet(book: Any, wanted: str | None, name: str) -> Any:
    sheets = {sheet.title: sheet for sheet in book.worksheets}
    shown = [title for title, sheet in sheets.items() if sheet.sheet_state == "visible"]
    titles = ", ".join(f'"{title}"' for title in sheets) or "none"
    if wanted is not None:
        found = next((s for title, s in sheets.items() if clean(title) == clean(wanted)), None)
        if found is None:
            raise ConnectionFailed(
                f'{name}: no sheet "{wanted}"', advice=f"the sheets are {titles}"
            )
        return found
    if len(shown or sheets) != 1:
        raise ConnectionFailed(
            f"{name} has {len(sheets)} sheets", advice=f"name one with sheet: {titles}"
        )
    return sheets[(shown or list(sheets))[0]]


_Raw: TypeAlias = tuple[int, Sequence[Any], Sequence[Any]]  # number, results, formulas


def _raw_rows(sheet: Any, formulas: Any | None, place: str) -> Iterator[_Raw]:
    """Rows of openpyxl's cells, by Excel's own numbers.

    `formulas` is the same sheet with formulas instead of results: it tells an empty cell from a
    formula whose result was never stored.
    """
    numbered = enumerate(_all_rows(sheet), start=1)
    twins = None if formulas is None else _all_rows(formulas)

    def batch() -> list[_Raw]:
        return [
            (number, row, next(twins, ()) if twins else ())
            for number, row in islice(numbered, _BATCH)
        ]

    while rows := _guarded(place, batch):
        yield from rows


def _all_rows(sheet: Any) -> Iterator[Sequence[Any]]:
    """Rows as long as they are: the dimensions that a file declares are often wrong."""
    sheet.reset_dimensions()
    return iter(sheet.iter_rows())


def _rows(raw: Iterator[_Raw], width: int, place: str) -> Iterator[Row]:
    """The rows that are not blank within the table: what stands beside it is not of it."""
    for number, row, twin in raw:
        with _hostile(place):  # a cell may name a style that there is not
            cells = [_excel_cell(cell) for cell in row[:width]]
        cells += [Cell()] * (width - len(cells)) if width < _MAX_COLUMNS else []
        for index, cell in enumerate(twin[:width]):
            if cell.data_type == "f" and not cells[index].text:
                cells[index] = Cell(NO_CACHED_VALUE, "error")
        if any(cell.text for cell in cells):
            yield Row(number, cells)


def _excel_cell(cell: Any) -> Cell:
    """openpyxl's cell as exact text; numbers with the 15 digits that Excel itself vouches for."""
    value = cell.value
    if value is None:
        return Cell()
    if cell.data_type == "e":
        return Cell(str(value), "error")
    if isinstance(value, bool):
        return Cell("true" if value else "false", "bool")
    if isinstance(value, int | float):
        return _number(value, cell.number_format)
    return _dated(value)


def _number(value: float, form: str) -> Cell:
    percent, unit = _number_format(form)
    number = Decimal(value) if isinstance(value, int) else Decimal(format(value, ".15g"))
    if not number.is_finite():
        return Cell(str(number), "error")
    if percent:
        return Cell(f"{_short(number.scaleb(2))}%", "number")
    return Cell(_short(number), "number", unit)


def _dated(value: object) -> Cell:
    if isinstance(value, datetime):
        value = _to_second(value)
        midnight = value.time() == time.min
        return Cell(value.date().isoformat() if midnight else value.isoformat(), "date")
    if isinstance(value, date):
        return Cell(value.isoformat(), "date")
    if isinstance(value, timedelta):
        seconds = round(value.total_seconds())
        sign, seconds = ("-", -seconds) if seconds < 0 else ("", seconds)
        return Cell(f"{sign}{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}", "time")
    if isinstance(value, time):
        return Cell(value.isoformat(timespec="seconds"), "time")
    return Cell(str(value).strip())


def _to_second(when: datetime) -> datetime:
    """The nearest second: Excel keeps a time as a fraction of a day, never quite exact."""
    whole = when.replace(microsecond=0)
    late = when.microsecond >= 500_000 and when.year < 9999
    return whole + timedelta(seconds=1) if late else whole


def _short(number: Decimal) -> str:
    """Shortest plain text: `1.50` → "1.5", `1E+2` → "100"."""
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


@lru_cache(maxsize=512)
def _number_format(form: str) -> tuple[bool, str]:
    """What a person sees and the value lacks: whether it is a percentage; a currency sign.

    `[$CHF-807]`, `[$€-407]`, `"CHF" 0.00`, `$#,##0`; colours and other quoted words are no sign.
    """
    section = form.split(";", maxsplit=1)[0]
    tagged = re.search(r"\[\$([^\-\]]+)(?:-[0-9A-Fa-f]+)?\]", section)
    rest = re.sub(r"\[[^\]]*\]", "", section)
    quoted = re.findall(r'"([^"]*)"', rest)
    bare = re.sub(r'"[^"]*"|\\.|_.|\*.', "", rest)
    for text in ([tagged[1]] if tagged else []) + quoted + re.findall(r"[$€£¥]", bare):
        sign = text.strip()
        if re.fullmatch(r"[A-Z]{3}|[A-Z]{0,2}\$|[€£¥]", sign):
            return False, sign
    return "%" in bare, ""
