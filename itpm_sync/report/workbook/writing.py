"""A sheet's value → a sheet of the file: number formats, live formulas, safe text.

Nothing becomes a formula by accident: text is written as text, also where it starts with `=`, and
stays so when edited.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from xlsxwriter import Workbook
from xlsxwriter.worksheet import Worksheet

from itpm_sync.model import Money, currency_exponent
from itpm_sync.reconcile.status import Colour, Figure
from itpm_sync.report.wording import WORDS, clean, is_currency, normal
from itpm_sync.report.workbook.cells import Cell, Live, Sheet

_CELL = 32_767  # Excel's limit of characters in a cell
_NARROWEST_DIFFERENCE = Decimal("1e-9")  # relative; snapshots keep ratios to 12 places
_FILLS = {
    Colour.RED: ("#b3261e", "#fbeceb"),
    Colour.AMBER: ("#855400", "#fcf3df"),
    Colour.GREEN: ("#1b6b3f", "#e8f4ec"),
    Colour.GREY: ("#5b6776", "#f0f2f4"),
}


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


def write_sheet(book: Workbook, formats: Formats, sheet: Sheet) -> None:
    """Adds the sheet to the book: heading and rows, filters, frozen columns, set up for print."""
    worksheet = book.add_worksheet(sheet.name)
    heading = formats.get(bold=True, text_wrap=True, bottom=1, bg_color="#f0f2f4", valign="bottom")
    for x, column in enumerate(sheet.columns):
        worksheet.set_column(x, x, column.width)
        worksheet.write_string(sheet.top, x, column.title, heading)
    pen = _Pen(worksheet, formats, sheet)
    for y, row in enumerate(sheet.rows, start=sheet.top + 1):
        for x, cell in enumerate(row):
            pen.write(y, x, cell)
    for y, line in enumerate(sheet.title):
        style = formats.get() if y else formats.get(bold=True, font_size=14)
        worksheet.write_string(y, 0, line, style)
    worksheet.freeze_panes(sheet.top + 1, sheet.freeze)
    last = sheet.top + max(len(sheet.rows), 1)
    worksheet.autofilter(sheet.top, 0, last, len(sheet.columns) - 1)
    worksheet.set_landscape()
    worksheet.set_paper(9)
    worksheet.fit_to_pages(1, 0)
    worksheet.repeat_rows(sheet.top)


@dataclass(frozen=True, slots=True)
class _Pen:
    """Writes a cell as what it is."""

    worksheet: Worksheet
    formats: Formats
    sheet: Sheet

    def write(self, y: int, x: int, cell: Cell) -> None:
        match cell:
            case None:
                pass
            case Colour():
                ink, fill = _FILLS[cell]
                style = self.formats.get(bold=True, font_color=ink, bg_color=fill)
                self.worksheet.write_string(y, x, WORDS[cell], style)
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
        wrap = self.sheet.columns[x].width >= 40
        # without the quote a later edit of the cell would turn `=…` into a formula
        risky = shown.startswith(("=", "+", "-", "@", "\t"))
        self.worksheet.write_string(
            y, x, shown, self.formats.get(text_wrap=wrap, quote_prefix=risky, num_format="@")
        )

    def _date(self, y: int, x: int, when: date, form: str) -> None:
        if when.year < 1900:  # Excel's calendar begins there
            self._text(y, x, when.isoformat())
        else:
            style = self.formats.get(num_format=form, align="left")
            self.worksheet.write_datetime(y, x, when, style)

    def _number(self, y: int, x: int, value: Decimal, unit: str) -> None:
        number = float(cell_value(value, unit))
        if math.isfinite(number):
            self.worksheet.write_number(y, x, number, self.formats.number(unit))
        else:
            self._text(y, x, str(value))

    def _figure(self, y: int, x: int, figure: Figure) -> None:
        value, unit = normal(figure)
        if value is None:
            grey = self.formats.get(font_color="#5b6776", align="right")
            self.worksheet.write_string(y, x, "n/a", grey)
        else:
            self._number(y, x, value, unit)

    def _live(self, y: int, x: int, cell: Live) -> None:
        if cell.figure is None:
            return
        value, unit = normal(cell.figure)
        for formula, computed in cell.formulas:
            if value is not None and computed is not None and not differ(value, computed):
                shown = float(cell_value(value, unit))
                if not math.isfinite(shown):
                    break
                text = f'=IFERROR({formula.format(**self.sheet.places(y))},"n/a")'
                self.worksheet.write_formula(y, x, text, self.formats.number(unit), shown)
                return
        self._figure(y, x, cell.figure)
