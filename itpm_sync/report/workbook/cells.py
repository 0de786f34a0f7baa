"""What a sheet is made of, as values: columns, rows of typed cells, formulas known beforehand.

Formulas name the columns that they read by key. Where a cell stands is decided here and in
`writing`, so that no sheet counts columns or rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from xlsxwriter.utility import xl_col_to_name, xl_rowcol_to_cell

from itpm_sync.model import Money
from itpm_sync.reconcile.status import Colour, Figure


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a sheet; `key` names it in formulas, `width` is in characters."""

    key: str
    title: str
    width: int = 12


@dataclass(frozen=True, slots=True)
class Live:
    """A formula over cells of the same row, `{key}` for each, whose value is known beforehand.

    `figure` is the snapshot's: a formula that does not reproduce it is not written, the number is.
    The workbook never contradicts the snapshot.
    """

    figure: Figure | None
    formulas: tuple[tuple[str, Decimal | None], ...]  # formula → what it computes to


Cell = str | int | Decimal | date | datetime | Money | Figure | Colour | Live | None
"""What a cell can be; None is empty."""
Row = Sequence[Cell]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table on a sheet of its own, below a title and an empty row where it has one.

    The first `freeze` columns stay when one scrolls.
    """

    name: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    freeze: int = 2
    title: tuple[str, ...] = ()

    @property
    def top(self) -> int:
        """The row of the heading, from 0."""
        return len(self.title) + 1 if self.title else 0

    def span(self, key: str) -> str:
        """The absolute range of a column's cells, with the sheet's name."""
        at = next(x for x, column in enumerate(self.columns) if column.key == key)
        name = xl_col_to_name(at, col_abs=True)
        first, last = self.top + 2, self.top + 1 + max(len(self.rows), 1)
        return f"'{self.name}'!{name}${first}:{name}${last}"

    def places(self, y: int) -> Mapping[str, str]:
        """Column's key → its cell in row `y` (from 0): `{"ev": "D7"}`."""
        return {c.key: xl_rowcol_to_cell(y, x) for x, c in enumerate(self.columns)}
