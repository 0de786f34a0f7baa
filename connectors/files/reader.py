"""A CSV or Excel file → its header and its rows, with the row numbers that a person sees.

The csv module and openpyxl, not pandas: a quarantined cell must be named by file, row and column,
and read exactly as it stands; pandas guesses types per chunk, turns whole numbers with a gap into
floats, renames repeated headers and knows no row's position in the file.

A file is hostile until read: archives are measured before they are unpacked, XML goes through
defusedxml, and a row that cannot be trusted (too many cells, broken quotes, bytes that are no
text) comes with a `problem` instead of a guess.
"""

from __future__ import annotations

import codecs
import csv
import logging
import re
import threading
import unicodedata
import warnings
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, TextIO

from connectors.files.cells import EXCEL_EPOCH, NO_CACHED_VALUE, Cell
from itpm_sync.errors import ConnectionFailed, RetryableError, suggestion

log = logging.getLogger(__name__)

EXCEL_1904 = date(1904, 1, 1)
MAX_COLUMNS = 2000
_DELIMITERS = (",", ";", "\t", "|")
_SAMPLE = 64 * 1024  # characters read to find the delimiter
_BATCH = 500  # Excel rows parsed at a time
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark is its beginning
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_OLE = b"\xd0\xcf\x11\xe0"  # compound file: .xls, or a workbook with a password
_ZIP = b"PK\x03\x04"
_openpyxl_lock = threading.Lock()  # warnings.catch_warnings is not safe among threads


@dataclass(frozen=True, slots=True)
class Layout:
    """What is declared of a file."""

    headers: tuple[str, ...]  # the columns that must be there
    header_row: tuple[int, ...] = ()  # () = the first row that is not blank
    sheet: str | None = None
    encoding: str = "auto"
    delimiter: str = "auto"
    max_excel_bytes: int = 500 * 2**20


class Row(NamedTuple):
    """One row; `problem` says why its cells cannot be trusted."""

    number: int  # as a person sees it: Excel's row, or the line on which the record begins
    cells: Sequence[Cell]
    problem: str = ""


@dataclass(frozen=True, slots=True)
class OpenTable:
    """A file, open: iterate `rows` once. Blank rows are left out."""

    place: str  # "invoices.csv", "plan.xlsx sheet Plan"
    header: tuple[str, ...]  # one name a column; "@C" where column C has none of its own
    rows: Iterator[Row]
    epoch: date = EXCEL_EPOCH
    excel: bool = False
    notes: tuple[str, ...] = field(default=())  # what was guessed: encoding, delimiter
    advice: tuple[str, ...] = field(default=())  # what had better be declared


def letter(index: int) -> str:
    """Excel's name of the column at a 0-based index: 0 → A, 26 → AA."""
    name, rest = "", index + 1
    while rest:
        rest, digit = divmod(rest - 1, 26)
        name = chr(65 + digit) + name
    return name


@contextmanager
def open_table(path: Path, layout: Layout) -> Iterator[OpenTable]:
    """Opens a file by its content, not its suffix, and finds its header.

    Raises ConnectionFailed where the file as a whole cannot be used, RetryableError where it
    changes while it is read or the disk fails.
    """
    with ExitStack() as stack:
        try:
            before = path.stat()
            yield _open(path, layout, stack)
            after = path.stat()
        except FileNotFoundError as error:
            raise ConnectionFailed(f"{path.name} is gone", advice="look at the folder") from error
        except PermissionError as error:
            raise ConnectionFailed(
                f"{path.name} may not be read", advice="give the user of the job read access"
            ) from error
        except UnicodeDecodeError as error:
            raise ConnectionFailed(
                f"{path.name} is not text in {error.encoding}",
                advice="declare the encoding with which the file was saved",
            ) from error
        except OSError as error:
            raise RetryableError(f"{path.name}: {error.strerror or error}") from error
        if (before.st_mtime_ns, before.st_size) != (after.st_mtime_ns, after.st_size):
            raise RetryableError(f"{path.name} changed while it was read; read it again")


def _open(path: Path, layout: Layout, stack: ExitStack) -> OpenTable:
    with path.open("rb") as file:
        head = file.read(4096)
    if not head:
        raise ConnectionFailed(f"{path.name} is empty", advice="export it again")
    if head.startswith(_OLE):
        raise ConnectionFailed(
            f"{path.name} is an old Excel file (.xls) or protected by a password",
            advice="save it as .xlsx without a password",
        )
    if head.startswith(_ZIP):
        return _open_excel(path, layout, stack)
    return _open_csv(path, layout, head, stack)


# ---- header -------------------------------------------------------------------------------------


def clean(text: str) -> str:
    """A header as it is compared: one space for any white space, composed accents."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def _split_header(rows: Iterator[Row], layout: Layout, place: str) -> tuple[str, ...]:
    """Takes the rows up to the header off `rows` and returns the names of the columns."""
    found: list[Row] = []
    for row in rows:
        wanted = row.number in layout.header_row if layout.header_row else not found
        if wanted:
            found.append(row)
        if found and len(found) >= max(1, len(layout.header_row)):
            break
        if layout.header_row and row.number >= layout.header_row[-1]:
            break
    if not found:
        where = f"row {layout.header_row[0]}" if layout.header_row else "the file"
        raise ConnectionFailed(f"{place}: no header, as {where} is blank", advice="set header_row:")
    if found[-1].problem:
        raise ConnectionFailed(f"{place}: the header in row {found[-1].number} {found[-1].problem}")
    return _names([[clean(cell.text) for cell in row.cells] for row in found], layout, place)


def _names(rows: list[list[str]], layout: Layout, place: str) -> tuple[str, ...]:
    """Unique names; unnamed columns and repeated ones that nobody maps are called "@" + letter."""
    texts = _joined(rows)
    while texts and not texts[-1]:
        texts.pop()
    wanted = {clean(header) for header in layout.headers}
    repeated = sorted({text for text in texts if text in wanted and texts.count(text) > 1})
    if repeated:
        spots = "; ".join(
            f'"{name}" in ' + " and ".join(letter(i) for i, t in enumerate(texts) if t == name)
            for name in repeated
        )
        raise ConnectionFailed(
            f"{place}: several columns have the same header: {spots}",
            advice="rename all but one, so that it is clear which is meant",
        )
    missing = [header for header in layout.headers if clean(header) not in texts]
    if missing:
        present = [text for text in texts if text]
        raise ConnectionFailed(
            f"{place}: " + "; ".join(f'no column "{header}"' for header in missing),
            advice=_column_advice(missing, present),
        )
    return tuple(
        text if text and text not in texts[:index] else f"@{letter(index)}"
        for index, text in enumerate(texts)
    )


def _column_advice(missing: Sequence[str], present: Sequence[str]) -> str:
    guesses = {hint for header in missing if (hint := suggestion(header, present))[:3] == "did"}
    shown = ", ".join(f'"{name}"' for name in present[:60]) or "none"
    return " ".join([*sorted(guesses), f"the columns are {shown}"])


def _joined(rows: list[list[str]]) -> list[str]:
    """Several header rows as one: a text spanning columns (merged) stands before each below it."""
    texts = rows[-1]
    for upper in reversed(rows[:-1]):
        width = max(len(texts), len(upper))
        lower = texts + [""] * (width - len(texts))
        group, texts = "", []
        for index in range(width):
            own = upper[index] if index < len(upper) else ""
            group = own or group
            texts.append(f"{group} {lower[index]}".strip() if lower[index] else own)
    return list(texts)


# ---- CSV ----------------------------------------------------------------------------------------


def _open_csv(path: Path, layout: Layout, head: bytes, stack: ExitStack) -> OpenTable:
    encoding, advice = _encoding(path, layout.encoding, head)
    file = stack.enter_context(path.open(encoding=encoding, errors=_errors(encoding), newline=""))
    sample = file.read(_SAMPLE)
    file.seek(0)
    first, declared = _separator_line(sample)
    delimiter = {"tab": "\t"}.get(layout.delimiter, layout.delimiter)
    if delimiter == "auto":
        delimiter = declared or _delimiter(sample, layout)
    if first:
        file.readline()
    rows = _csv_rows(file, delimiter, first, path.name)
    header = _split_header(rows, layout, path.name)
    name = "tab" if delimiter == "\t" else f'"{delimiter}"'
    return OpenTable(
        place=path.name,
        header=header,
        rows=_of_width(rows, len(header)),
        notes=(f"{encoding.removesuffix('-sig')}, delimiter {name}",),
        advice=advice,
    )


def _errors(encoding: str) -> str:
    """Bytes that are no text survive as lone surrogates, so that only their row is rejected."""
    wide = encoding.replace("_", "-").lower().startswith(("utf-16", "utf-32"))
    return "strict" if wide else "surrogateescape"


def _encoding(path: Path, declared: str, head: bytes) -> tuple[str, tuple[str, ...]]:
    """The encoding to read with, and what a person should know of the choice."""
    marked = next((name for bom, name in _BOMS if head.startswith(bom)), "")
    if declared != "auto":
        is_utf8 = codecs.lookup(declared).name in ("utf-8", "utf-8-sig")
        return (marked if marked and (is_utf8 == (marked == "utf-8-sig")) else declared), ()
    if marked:
        return marked, ()
    if b"\0" in head and head.count(b"\0") * 3 > len(head):
        raise ConnectionFailed(
            f"{path.name} looks like UTF-16 without its mark, or is no text file",
            advice="declare encoding: utf-16-le, or save the file as CSV UTF-8",
        )
    if _is_mostly_utf8(path):
        return "utf-8", ()
    advice = (
        f"{path.name} is not UTF-8 and was read as cp1252: "
        "declare encoding: cp1252 if that is right, or save it as CSV UTF-8"
    )
    return "cp1252", (advice,)


def _is_mostly_utf8(path: Path) -> bool:
    """Whether more characters beyond ASCII are valid UTF-8 than bytes are not.

    One damaged row must not turn every accent of a UTF-8 file into two letters.
    """
    valid = broken = 0
    with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        while chunk := file.read(2**20):
            if not chunk.isascii():
                lone = len(re.findall("[\udc80-\udcff]", chunk))
                broken += lone
                valid += len(re.findall("[^\x00-\x7f]", chunk)) - lone
    return valid >= broken


def _separator_line(sample: str) -> tuple[int, str]:
    """Excel's own first line `sep=;`: how many lines it takes, and the delimiter."""
    found = re.match(r'"?sep=([,;|\t])"?\r?\n', sample)
    return (1, found[1]) if found else (0, "")


def _delimiter(sample: str, layout: Layout) -> str:
    """The delimiter under which the header has most of the wanted columns, then most columns."""
    wanted = {clean(header) for header in layout.headers}

    def fit(delimiter: str) -> tuple[int, int]:
        best = (0, 0)
        lines = csv.reader(sample.splitlines(keepends=True), delimiter=delimiter)
        try:
            for cells in islice(lines, 50):
                names = {clean(cell) for cell in cells}
                best = max(best, (len(names & wanted), len(cells)))
        except csv.Error:
            return best
        return best

    return max(_DELIMITERS, key=fit)


def _csv_rows(file: TextIO, delimiter: str, lines_before: int, name: str) -> Iterator[Row]:
    """The records that are not blank, each with the physical line on which it begins."""
    reader = csv.reader(file, delimiter=delimiter, strict=True)
    while True:
        number = lines_before + reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield _broken(str(error), number, lines_before + reader.line_num, name)
            continue
        if any(cells):
            row = [Cell(text.strip()) for text in cells]
            if any(cell.text for cell in row):
                yield Row(number, row, _unreadable(cells))


def _broken(message: str, number: int, last: int, name: str) -> Row:
    """A record whose quotes are wrong; fatal where the rest of the file is inside the quotes."""
    if "unexpected end" in message or "field larger" in message:
        raise ConnectionFailed(
            f"{name} row {number}: a quote opens and does not close; "
            f"rows {number} to {last} could not be read",
            advice="mend the quotes of this row; the rows before it were read",
        )
    return Row(number, (), "has a quote inside a quoted cell that is not doubled")


def _unreadable(cells: list[str]) -> str:
    text = "".join(cells)
    if "\0" in text:
        return "holds a NUL byte"
    if not text.isascii() and re.search("[\ud800-\udfff]", text):
        return "holds bytes that are not text in the encoding of the file"
    return ""


def _of_width(rows: Iterable[Row], width: int) -> Iterator[Row]:
    """Marks rows with too many or too few cells: theirs may stand under the wrong header."""
    for row in rows:
        count = len(row.cells)
        surplus = any(cell.text for cell in row.cells[width:])
        if row.problem or (count >= width and not surplus):
            yield row
        else:
            yield row._replace(problem=f"has {count} cells under {width} headers")


# ---- Excel --------------------------------------------------------------------------------------


def _open_excel(path: Path, layout: Layout, stack: ExitStack) -> OpenTable:
    file = stack.enter_context(path.open("rb"))  # one open file: what was measured is what is read
    has_formulas = _inspect_archive(path, file, layout.max_excel_bytes)
    book = _load(path, file, stack, values=True)
    sheet = _sheet(book, layout.sheet, path.name)
    formulas = None
    if has_formulas:
        formulas = _sheet(_load(path, file, stack, values=False), sheet.title, path.name)
    place = f"{path.name} sheet {sheet.title}"
    rows = _excel_rows(sheet, formulas, place)
    header = _split_header(rows, layout, place)
    epoch = EXCEL_1904 if book.epoch.year == 1904 else EXCEL_EPOCH
    return OpenTable(place, header, _cut(rows, len(header)), epoch, True, (f"sheet {sheet.title}",))


def _inspect_archive(path: Path, file: BinaryIO, limit: int) -> bool:
    """Whether any sheet holds formulas. Raises ConnectionFailed for what is no safe workbook.

    Sizes are those that the archive declares; zipfile never unpacks more than that of an entry.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
            size = sum(entry.file_size for entry in entries)
            if size > limit or len(entries) > 5000:
                raise ConnectionFailed(
                    f"{path.name} unpacks to {size / 2**20:,.0f} MB in {len(entries)} parts; "
                    f"allowed are {limit / 2**20:,.0f} MB and 5,000 parts",
                    advice="raise max_excel_mb if the file is meant to be so large",
                )
            names = [e.filename for e in entries if e.filename.startswith("xl/worksheets/")]
            if not any(name.endswith(".xml") for name in names):
                raise ConnectionFailed(
                    f"{path.name} is a ZIP archive without Excel sheets",
                    advice="save it as .xlsx (not .xlsb, .ods or a zipped CSV)",
                )
            return any(_holds(archive, name, re.compile(rb"<(\w+:)?f[ >/]")) for name in names)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, EOFError) as error:
        raise _damaged(path, error) from error
    except RuntimeError as error:  # zipfile's word for an encrypted entry
        raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> ConnectionFailed:
    return ConnectionFailed(
        f"{path.name} is damaged or no Excel workbook ({str(error)[:120] or type(error).__name__})",
        advice="open it in Excel and save it again as .xlsx",
    )


def _holds(archive: zipfile.ZipFile, name: str, pattern: re.Pattern[bytes]) -> bool:
    with archive.open(name) as part:
        tail = b""
        while chunk := part.read(2**20):
            if pattern.search(tail + chunk):
                return True
            tail = chunk[-20:]
    return False


def _guarded(path_name: str, act: Callable[[], Any]) -> Any:
    """Runs openpyxl, which warns of harmless things and raises anything on a damaged file."""
    with _openpyxl_lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return act()
        except (OSError, MemoryError):
            raise
        except Exception as error:  # a hostile file may make openpyxl raise anything
            raise _damaged(Path(path_name), error) from error


def _load(path: Path, file: BinaryIO, stack: ExitStack, *, values: bool) -> Any:
    import openpyxl

    book = _guarded(
        path.name,
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


def _excel_rows(sheet: Any, formulas: Any | None, place: str) -> Iterator[Row]:
    """The rows that are not blank, by Excel's own numbers.

    `formulas` is the same sheet with formulas instead of results: it tells an empty cell from a
    formula whose result was never stored.
    """
    numbered = enumerate(_plain_rows(sheet), start=1)
    twins = _plain_rows(formulas) if formulas is not None else None
    while True:
        batch = _guarded(
            place, lambda: [(n, row, next(twins, ())) if twins else (n, row, ())
                            for n, row in islice(numbered, _BATCH)]
        )  # fmt: skip
        if not batch:
            return
        for number, row, twin in batch:
            cells = [_excel_cell(cell) for cell in row]
            for index, cell in enumerate(twin):
                if cell.data_type == "f" and index < len(cells) and not cells[index].text:
                    cells[index] = Cell(NO_CACHED_VALUE, "error")
            if any(cell.text for cell in cells):
                yield Row(number, cells)


def _plain_rows(sheet: Any) -> Iterator[Sequence[Any]]:
    """Rows as long as they are: the dimensions that a file declares are often wrong."""
    sheet.reset_dimensions()
    return iter(sheet.iter_rows(max_col=None))


def _cut(rows: Iterable[Row], width: int) -> Iterator[Row]:
    """Rows of the table's width: what stands beside a table, under no header, is not of it."""
    for row in rows:
        cells = [*row.cells[:width], *[Cell()] * (width - len(row.cells))]
        if any(cell.text for cell in cells):
            yield row._replace(cells=cells)


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
        percent, unit = _number_format(cell.number_format)
        number = Decimal(value) if isinstance(value, int) else Decimal(format(value, ".15g"))
        if percent:
            return Cell(f"{_short(number * 100)}%", "number")
        return Cell(_short(number), "number", unit)
    return _dated(value)


def _dated(value: object) -> Cell:
    if isinstance(value, datetime):
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


def _short(number: Decimal) -> str:
    """Shortest plain text: `1.50` → "1.5", `1E+2` → "100"."""
    if not number.is_finite():
        return str(number)
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
