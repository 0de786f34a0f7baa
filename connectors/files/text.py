"""CSV files, read with the csv module; a row that cannot be trusted comes with a `problem`."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from itertools import islice, takewhile
from pathlib import Path
from typing import TextIO

from connectors.files.cells import Cell
from connectors.files.table import (
    LONGEST_CELL,
    Layout,
    OpenTable,
    Row,
    clean,
    shown_name,
    split_header,
)
from itpm_sync.errors import ConnectionFailed

_DELIMITERS = (",", ";", "\t", "|")
_SAMPLE = 64 * 1024  # characters read to find the delimiter
_LONGEST = 2**20  # characters of a cell; what is longer, is what an open quote has swallowed
_END_OF_FILE = "\x1a"  # Ctrl-Z, with which DOS ends a text
_IN_QUOTES = "ends within quotes"
_LONE_BYTES = tuple(map(chr, range(0xDC80, 0xDD00)))  # as `surrogateescape` reads what is no text
_UNDOUBLED = "has a quote inside a quoted cell that is not doubled"
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark is its beginning
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def open_csv(path: Path, layout: Layout, head: bytes, stack: ExitStack) -> OpenTable:
    # the module's limit of 131,072 would end the file; it holds for the process, so it only rises
    csv.field_size_limit(max(csv.field_size_limit(), _LONGEST))
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
    swallowed: list[Row] = []
    rows = _csv_rows(file, delimiter, first, shown_name(path), swallowed)
    top: list[Row] = []
    header = split_header(_noting(rows, top), layout, shown_name(path))
    if top[-1].lines > 1 and _holds_rows(top[-1], len(header), delimiter):
        swallowed.append(top[-1])
    name = "tab" if delimiter == "\t" else f'"{delimiter}"'
    each = _one_each(rows, len(header), delimiter, swallowed)
    rest = _without_footers(each, header, layout)
    return OpenTable(
        place=shown_name(path),
        header=header,
        rows=_whole(_of_width(rest, len(header)), len(header), shown_name(path)),
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
    if marked:
        family = marked.removesuffix("-sig")
        fits = declared == "auto" or codecs.lookup(declared).name.startswith(family)
        return marked, () if fits else (
            f"{shown_name(path)} is marked as {family}, not {declared}",
        )
    if declared != "auto":
        return declared, ()
    if b"\0" in head and head.count(b"\0") * 3 > len(head):
        raise ConnectionFailed(
            f"{shown_name(path)} looks like UTF-16 without its mark, or is no text file",
            advice="declare encoding: utf-16-le, or save the file as CSV UTF-8",
        )
    if _is_mostly_utf8(path):
        return "utf-8", ()
    advice = (
        f"{shown_name(path)} is not UTF-8 and was read as cp1252: "
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


def _noting(rows: Iterator[Row], taken: list[Row]) -> Iterator[Row]:
    for row in rows:
        taken.append(row)
        yield row


def _csv_rows(
    file: TextIO, delimiter: str, lines_before: int, name: str, swallowed: list[Row]
) -> Iterator[Row]:
    """The records that are not blank, each with the physical line on which it begins.

    Raises ConnectionFailed at the end if a quote swallowed rows, here or as whoever takes the rows
    has noted in `swallowed`: which ones they were nobody knows, so nothing of the file may be taken
    for deleted.
    """
    latest: list[str] = []  # the lines of the record that csv reads, should it not understand it

    def lines() -> Iterator[str]:
        for line in file:
            if text := line.rstrip(_END_OF_FILE):  # shorter only where the line has no end
                latest.append(text)
                yield text

    reader = csv.reader(lines(), delimiter=delimiter, strict=True)
    while True:
        number = lines_before + reader.line_num + 1
        latest.clear()
        try:
            cells = next(reader)
        except StopIteration:
            break
        except csv.Error as error:
            row = Row(number, (), lines=lines_before + reader.line_num + 1 - number)
            if "end of" in str(error) and not _is_ended(latest):
                yield _within_quote(row, "".join(latest), delimiter)
            elif "field larger" not in str(error) and (row.lines > 1 or "end of" in str(error)):
                swallowed.append(row)
            else:
                yield _broken(row, str(error), _before_fault(latest[-1], delimiter)[0], name)
            continue
        if any(cells):
            texts = [Cell(text.strip()) for text in cells]
            if any(cell.text for cell in texts):
                last = lines_before + reader.line_num
                yield Row(
                    number, texts, _unreadable(cells), lines=last + 1 - number,
                    ended=_is_ended(latest),
                )  # fmt: skip
    if swallowed:
        shown = ", ".join(row.span for row in swallowed[:5])
        more = f" and {len(swallowed) - 5} more such places" if len(swallowed) > 5 else ""
        raise ConnectionFailed(
            f"{name}: a quote opens and does not close where it should; what stands from it to the "
            f"next quote could not be read: {shown}{more}",
            advice="mend the quotes where each of them begins, or, where that is a text of several "
            "lines, put a blank after each delimiter in it; the other rows were read",
        )


def _is_ended(lines: Sequence[str]) -> bool:
    return lines[-1].endswith(("\n", "\r"))


def _within_quote(row: Row, text: str, delimiter: str) -> Row:
    """The record within whose quoted cell the file ends; the cells before that one are certain."""
    before, rest = _before_fault(text, delimiter)
    cells = [Cell(cell.strip()) for cell in (*before, rest.strip().removeprefix('"'))]
    return row._replace(cells=cells, problem=_IN_QUOTES, sure=len(before), ended=False)


def _broken(row: Row, error: str, cells: list[str], name: str) -> Row:
    """A record of one line that csv does not understand; `cells` are those before the fault.

    Raises ConnectionFailed for a cell beyond all bounds that goes on over several lines, as then
    nobody knows where the next record begins.
    """
    first = [
        Cell(text.strip()) for text in takewhile(lambda text: len(text) <= LONGEST_CELL, cells)
    ]
    why = _UNDOUBLED
    if "field larger" in error:
        if row.lines > 1:
            raise ConnectionFailed(
                f"{name} row {row.number}: a quote opens and does not close within {_LONGEST:,} "
                f"characters; the rows from {row.number} on could not be read",
                advice="mend the quotes of this row; the rows before it were read",
            )
        why = f"has a cell of more than {_LONGEST:,} characters"
    return row._replace(cells=first, problem=why, sure=len(first))


def _before_fault(line: str, delimiter: str) -> tuple[list[str], str]:
    """The cells of a line before the first one with a quote that is not doubled, and the rest."""
    end = re.escape(delimiter)
    cell = re.compile(rf'(?:"((?:[^"]++|"")*+)"|((?:[^"{end}][^{end}]*+)?+)){end}')
    cells, at = [], 0
    while found := cell.match(line, at):
        cells.append(found[2] if found[1] is None else found[1].replace('""', '"'))
        at = found.end()
    return cells, line[at:]


def _unreadable(cells: list[str]) -> str:
    text = "".join(cells)
    if "\0" in text:
        return "holds a NUL byte"
    if not text.isascii() and re.search("[\ud800-\udfff]", text):
        return "holds bytes that are not text in the encoding of the file"
    return ""


def _one_each(
    rows: Iterable[Row], width: int, delimiter: str, swallowed: list[Row]
) -> Iterator[Row]:
    """The rows but for those of several lines that are several rows: these go to `swallowed`."""
    for row in rows:
        if row.lines > 1 and (
            (width == 1 and row.problem != _IN_QUOTES)
            or not (_fits(row, width) or _is_cut(row, width))
            or any(len(cell.text) > LONGEST_CELL for cell in row.cells)
            or _holds_rows(row, width, delimiter)
        ):
            swallowed.append(row)
        else:
            yield row


def _holds_rows(row: Row, width: int, delimiter: str) -> bool:
    """Whether lines of a cell have as many cells as rows have.

    A quote that swallows rows takes the end of its own row, whole rows, and the beginning of the
    row with the next quote. A text may have commas too, but blanks follow most of them.
    """
    for cell in row.cells:
        first, *inner = re.split("\r\n?|\n", cell.text)
        ends = [inner.pop() + first] if inner else []
        if any(_is_like_a_row(text, width, delimiter) for text in ends + inner):
            return True
    return False


def _is_like_a_row(text: str, width: int, delimiter: str) -> bool:
    cells = text.split(delimiter)
    if len(cells) < max(width, 2) or any(map(str.strip, cells[width:])):
        return False
    return 2 * sum(cell.startswith(" ") for cell in cells[1:]) <= len(cells) - 1


def _without_footers(rows: Iterable[Row], header: Sequence[str], layout: Layout) -> Iterator[Row]:
    """The rows but for the short ones of one line that are declared to be no records: by how their
    first cell begins. Without an end of line, one with a second cell, or after another such row,
    may be a subtotal within which the file is cut, with rows after it.
    """
    words = tuple(
        word.casefold()
        for column, beginnings in layout.footers
        if clean(column) == header[0]
        for word in beginnings
        if word
    )
    first = True
    for row in rows:
        declared = bool(row.cells) and row.cells[0].text.casefold().startswith(words)
        short = not row.problem and row.lines == 1 and len(row.cells) < len(header)
        if not (declared and short and (row.ended or (first and len(row.cells) == 1))):
            yield row
        first = first and not declared


def _of_width(rows: Iterable[Row], width: int) -> Iterator[Row]:
    """Marks rows with too many or too few cells: theirs may stand under the wrong header."""
    for row in rows:
        if row.problem or _fits(row, width):
            yield row
        else:
            yield row._replace(problem=f"has {len(row.cells)} cells under {width} headers")


def _is_cut(row: Row, width: int) -> bool:
    """Whether the file ends within this row: there is no end of its line, and cells are missing, or
    the last one is open or ends within a letter.
    """
    if row.ended:
        return False
    return len(row.cells) < width or _is_within(row)


def _is_within(row: Row) -> bool:
    """Whether the row ends within quotes or within a letter."""
    broken = bool(row.cells) and row.cells[-1].text[-1:] in _LONE_BYTES
    return row.problem == _IN_QUOTES or broken


def _whole(rows: Iterable[Row], width: int, name: str) -> Iterator[Row]:
    """The rows, a cut one under a problem that says so. One that is as short as a row before it is
    none: an export may leave out the empty cells at the end.

    Raises ConnectionFailed at the end if the last one is cut off: how many rows there were nobody
    knows, so nothing of the file may be taken for deleted.
    """
    cut = ""
    shortest = width
    for row in rows:
        as_others = row.lines == 1 and shortest <= len(row.cells) < width
        if row.ended or not _is_cut(row, width) or (as_others and not _is_within(row)):
            if row.lines == 1 and row.cells:
                shortest = min(shortest, len(row.cells))
            yield row
            continue
        within = " within quotes" if row.problem == _IN_QUOTES else ""
        told = f"is the last one and ends{within} after {len(row.cells)} of {width} cells"
        sure = len(row.cells) - 1 if row.sure is None else row.sure
        yield row._replace(problem=f"{told}: the file seems cut off", sure=sure)
        cut = f"{name}: the file seems cut off: row {row.number} {told}, without an end of line"
    if cut:
        raise ConnectionFailed(
            f"{cut}; this row is in quarantine, those before it were read, and nothing is taken "
            "for deleted",
            advice="export or upload the whole file again; if it always ends with this line (a "
            "total), declare the beginning of its first cell in skip_rows: starts_with",
        )


def _fits(row: Row, width: int) -> bool:
    return len(row.cells) >= width and not any(cell.text for cell in row.cells[width:])
