"""What a table in a file is: its layout as declared, its header, its rows."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import NamedTuple

from connectors.files.cells import EXCEL_EPOCH, Cell
from itpm_sync.errors import ConnectionFailed, suggestion

LONGEST_CELL = 2**17  # characters: a text of 40 pages


@dataclass(frozen=True, slots=True)
class Layout:
    """What is declared of a file."""

    headers: tuple[str, ...]  # the columns that must be there
    header_row: tuple[int, ...] = ()  # () = the first row that is not blank
    sheet: str | None = None
    encoding: str = "auto"
    delimiter: str = "auto"
    footers: tuple[tuple[str, tuple[str, ...]], ...] = ()  # column, beginnings: no record
    max_excel_bytes: int = 500 * 2**20


class Row(NamedTuple):
    """One row; `problem` says why its cells cannot be trusted."""

    number: int  # as a person sees it: Excel's row, or the line on which the record begins
    cells: Sequence[Cell]
    problem: str = ""
    sure: int | None = None  # with a problem: how many of its first cells are certain, if known
    lines: int = 1  # that it spans, in a text file
    ended: bool = True  # by the end of a line, not by that of the file, in a text file

    @property
    def span(self) -> str:
        """The row as it is named in a message."""
        last = self.number + self.lines - 1
        return f"rows {self.number} to {last}" if last > self.number else f"row {last}"


@dataclass(frozen=True, slots=True)
class OpenTable:
    """A file, open: iterate `rows` once. Blank rows are left out."""

    place: str  # "invoices.csv", "plan.xlsx sheet Plan"
    header: tuple[str, ...]  # one name a column; "@C" where column C has none of its own
    rows: Iterator[Row]
    epoch: date = EXCEL_EPOCH
    excel: bool = False
    notes: tuple[str, ...] = ()  # what was guessed: encoding, delimiter
    advice: tuple[str, ...] = ()  # what had better be declared


_UNSEEN = ("Cc", "Cf", "Cs", "Zl", "Zp")  # controls, formats, surrogates, line separators


def shown_name(path: Path) -> str:
    """A file's name for messages: bytes that are no UTF-8, line breaks and what would command a
    terminal or turn the order of letters are shown as escapes.
    """
    return "".join(
        c.encode("unicode_escape").decode() if unicodedata.category(c) in _UNSEEN else c
        for c in stored_name(path)
    )


def stored_name(path: Path) -> str:
    """A file's real name, for records; only bytes that are no UTF-8 are escapes, as no text holds
    them.
    """
    return os.fsencode(path.name).decode("utf-8", "backslashreplace")


def letter(index: int) -> str:
    """Excel's name of the column at a 0-based index: 0 → A, 26 → AA."""
    name, rest = "", index + 1
    while rest:
        rest, digit = divmod(rest - 1, 26)
        name = chr(65 + digit) + name
    return name


def clean(text: str) -> str:
    """A header as it is compared: one space for any white space, composed accents, no mark of the
    byte order, which a file put together from several has twice.
    """
    return " ".join(unicodedata.normalize("NFC", text.replace("\ufeff", "")).split())


def split_header(rows: Iterator[Row], layout: Layout, place: str) -> tuple[str, ...]:
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
            advice=_column_advice(missing, present, wanted),
        )
    return tuple(
        text if text and text not in texts[:index] else f"@{letter(index)}"
        for index, text in enumerate(texts)
    )


def _column_advice(missing: Sequence[str], present: Sequence[str], wanted: Collection[str]) -> str:
    """What may have been meant: no column that is read already."""
    free = [text for text in present if text not in wanted]
    guesses = {hint for header in missing if (hint := suggestion(header, free))[:3] == "did"}
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
