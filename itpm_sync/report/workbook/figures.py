"""Figures in cells: arithmetic that knows n/a, formulas, and why a figure has no value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from itpm_sync.reconcile.status import Figure
from itpm_sync.report.workbook.cells import Column, Live, Row

CODE = Column("code", "Code", 12)
NAME = Column("name", "Project", 34)
PROJECT = Column("project", "Project", 12)
WHY = Column("why", "n/a because", 50)


@dataclass(frozen=True, slots=True)
class Listing:
    """Figures that stand side by side, each in a column of its own name."""

    titles: tuple[tuple[str, str], ...]  # name of the figure, heading
    width: int

    @property
    def columns(self) -> tuple[Column, ...]:
        """Their columns."""
        return tuple(Column(name, title, self.width) for name, title in self.titles)

    def known_to(self, figures: Mapping[str, Figure]) -> dict[str, Figure]:
        """Those of the listed figures that there are, with a value or n/a."""
        return {name: figure for name, _ in self.titles if (figure := figures.get(name))}

    def cells(self, figures: Mapping[str, Figure]) -> Row:
        """Their cells."""
        return tuple(figures.get(name) for name, _ in self.titles)


def why(figures: Mapping[str, Figure]) -> str:
    """Reason and names of all figures without a value: `no cost is booked (ac, cpi)`."""
    names: dict[str, list[str]] = {}
    for name, figure in figures.items():
        if figure.value is None:
            names.setdefault(figure.reason or "no reason was recorded", []).append(name)
    return "; ".join(f"{reason} ({', '.join(of)})" for reason, of in names.items())


def value(figures: Mapping[str, Figure], name: str) -> Decimal | None:
    """A figure's value; None where it has none, or is not there."""
    figure = figures.get(name)
    return figure.value if figure else None


def minus(a: Decimal | None, b: Decimal | None) -> Decimal | None:
    """a − b; None where one of them is."""
    return None if a is None or b is None else a - b


def plus(a: Decimal | None, b: Decimal | None) -> Decimal | None:
    """a + b; None where one of them is."""
    return None if a is None or b is None else a + b


def times(a: Decimal | None, b: Decimal | None) -> Decimal | None:
    """a × b; None where one of them is."""
    return None if a is None or b is None else a * b


def over(a: Decimal | None, b: Decimal | None) -> Decimal | None:
    """a ÷ b; None where one of them is, or b is 0."""
    return None if a is None or not b else a / b


def difference(figures: Mapping[str, Figure], name: str, whole: str, part: str) -> Live:
    """A figure that is the difference of two others, in the columns of their names."""
    known = minus(value(figures, whole), value(figures, part))
    return Live(figures.get(name), ((f"{{{whole}}}-{{{part}}}", known),))


def computed(known: Decimal | None, unit: str, formula: str) -> Live:
    """A formula for what the snapshot does not hold, and what it computes to; None is n/a."""
    return Live(Figure(name="", label="", value=known, unit=unit), ((formula, known),))
