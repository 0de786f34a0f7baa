"""One table on one sheet: typed cells, number formats, live formulas. Nothing becomes a formula by
accident: text is written as text, also where it starts with `=`, and stays so when edited.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from xlsxwriter import Workbook
from xlsxwriter.utility import xl_col_to_name, xl_rowcol_to_cell
from xlsxwriter.worksheet import Worksheet

from itpm_sync.model import Money, currency_exponent
from itpm_sync.reconcile.status import Colour, Figure
from itpm_sync.report.wording import WORDS, clean, is_currency, normal

_CELL = 32_767  # Excel's limit of characters in a cell
_NARROWEST_DIFFERENCE = Decimal("1e-9")  # relative; snapshots keep ratios to 12 places
_FILLS = {
    Colour.RED: ("#b3261e", "#fbeceb"),
    Colour.AMBER: ("#855400", "#fcf3df"),
    Colour.GREEN: ("#1b6b3f", "#e8f4ec"),
    Colour.GREY: ("#5b6776", "#f0f2f4"),
}


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table; `key` names it in formulas."""

    key: str
    title: str
    width: int = 12


@dataclass(frozen=True, slots=True)
class Live:
    """A formula over cells of the same row, `{key}` for each, whose value is known beforehand.

    `expected` is the snapshot's figure: a formula that does not reproduce it is not written, the
    number is. The workbook never contradicts the snapshot.
    """

    figure: Figure | None
    formulas: tuple[tuple[str, Decimal | None], ...]  # formula → what it computes to


Cell = str | int | Decimal | date | datetime | Money | Figure | Colour | Live | None
"""What a cell can be; None is empty."""


@dataclass(slots=True)
class Formats:
    """The workbook's formats, each made once."""

    book: Workbook
    made: dict[tuple[tuple[str, Any], ...], Any] = field(default_factory=dict)

    def get(self, **properties: Any) -> Any:
        """The format with these properties."""
        key = tuple(sorted(properties.items()))
        if key not in self.made:
            self.made[key] = self.book.add_format({"valign": "top", "font_size": 10, **properties})
        return self.made[key]

    def number(self, unit: str) -> Any:
        """The format of a number in its unit."""
        return self.get(num_format=number_format(unit), align="right")


def number_format(unit: str) -> str:
    """Excel's number format for a unit of a figure."""
    if is_currency(unit):
        digits = currency_exponent(unit)
        return f"[${unit}] #,##0{'.' + '0' * digits if digits else ''}"
    return {"ratio": "0.00", "percent": "0.0%", "s": '#,##0.0 "h"'}.get(unit, "#,##0.##")


def cell_value(value: Decimal, unit: str) -> Decimal:
    """The number that stands in a cell: percent as a share, seconds as hours."""
    return value / {"percent": 100, "s": 3600}.get(unit, 1)


def differ(one: Decimal, other: Decimal) -> bool:
    """Whether two numbers differ by more than the snapshot's own rounding."""
    return abs(one - other) > max(abs(one), abs(other), Decimal(1)) * _NARROWEST_DIFFERENCE


@dataclass(frozen=True, slots=True)
class Table:
    """A table whose heading stands in row `top` (from 0) of its sheet."""

    sheet: Worksheet
    formats: Formats
    columns: tuple[Column, ...]
    top: int = 0

    def fill(self, rows: Sequence[Sequence[Cell]], *, freeze: int = 1) -> None:
        """Writes heading and rows, freezes the first columns, filters and sets up printing."""
        heading = self.formats.get(
            bold=True, text_wrap=True, bottom=1, bg_color="#f0f2f4", valign="bottom"
        )
        for x, column in enumerate(self.columns):
            self.sheet.set_column(x, x, column.width)
            self.sheet.write_string(self.top, x, column.title, heading)
        for y, row in enumerate(rows, start=self.top + 1):
            for x, cell in enumerate(row):
                self._write(y, x, cell)
        self.sheet.freeze_panes(self.top + 1, freeze)
        self.sheet.autofilter(self.top, 0, self.top + max(len(rows), 1), len(self.columns) - 1)
        self.sheet.set_landscape()
        self.sheet.set_paper(9)
        self.sheet.fit_to_pages(1, 0)
        self.sheet.repeat_rows(self.top)

    def span(self, key: str, rows: int) -> str:
        """The absolute range of a column's cells, with the sheet's name."""
        name = xl_col_to_name(self._at(key), col_abs=True)
        first, last = self.top + 2, self.top + 1 + max(rows, 1)
        return f"'{self.sheet.get_name()}'!{name}${first}:{name}${last}"

    def _at(self, key: str) -> int:
        return next(x for x, column in enumerate(self.columns) if column.key == key)

    def _write(self, y: int, x: int, cell: Cell) -> None:
        match cell:
            case None:
                pass
            case Colour():
                ink, fill = _FILLS[cell]
                style = self.formats.get(bold=True, font_color=ink, bg_color=fill)
                self.sheet.write_string(y, x, WORDS[cell], style)
            case str():
                self._text(y, x, cell)
            case datetime():
                self._date(y, x, cell.astimezone(UTC).replace(tzinfo=None), "d mmm yyyy hh:mm")
            case date():
                self._date(y, x, cell, "d mmm yyyy")
            case Money():
                self._number(y, x, cell.amount, cell.currency)
            case Figure():
                self._figure(y, x, cell)
            case Live():
                self._live(y, x, cell)
            case int() | Decimal():
                self._number(y, x, Decimal(cell), "items")

    def _text(self, y: int, x: int, text: str) -> None:
        shown = clean(text, _CELL)
        if not shown:
            return
        wrap = self.columns[x].width >= 40
        # without the quote a later edit of the cell would turn `=…` into a formula
        risky = shown.startswith(("=", "+", "-", "@", "\t"))
        self.sheet.write_string(
            y, x, shown, self.formats.get(text_wrap=wrap, quote_prefix=risky, num_format="@")
        )

    def _date(self, y: int, x: int, when: date, form: str) -> None:
        if when.year < 1900:  # Excel's calendar begins there
            self._text(y, x, when.isoformat())
        else:
            style = self.formats.get(num_format=form, align="left")
            self.sheet.write_datetime(y, x, when, style)

    def _number(self, y: int, x: int, value: Decimal, unit: str) -> None:
        number = float(cell_value(value, unit))
        if math.isfinite(number):
            self.sheet.write_number(y, x, number, self.formats.number(unit))
        else:
            self._text(y, x, str(value))

    def _figure(self, y: int, x: int, figure: Figure) -> None:
        value, unit = normal(figure)
        if value is None:
            grey = self.formats.get(font_color="#5b6776", align="right")
            self.sheet.write_string(y, x, "n/a", grey)
        else:
            self._number(y, x, value, unit)

    def _live(self, y: int, x: int, cell: Live) -> None:
        if cell.figure is None:
            return
        value, unit = normal(cell.figure)
        for formula, computed in cell.formulas:
            if value is not None and computed is not None and not differ(value, computed):
                here = {c.key: xl_rowcol_to_cell(y, i) for i, c in enumerate(self.columns)}
                shown = float(cell_value(value, unit))
                if not math.isfinite(shown):
                    break
                text = f'=IFERROR({formula.format(**here)},"n/a")'
                self.sheet.write_formula(y, x, text, self.formats.number(unit), shown)
                return
        self._figure(y, x, cell.figure)
