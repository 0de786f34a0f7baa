"""The workbook: live formulas that agree with the snapshot, and cells that stay text."""

from __future__ import annotations

import ast
import operator
import re
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from io import BytesIO
from typing import Any

import openpyxl
import pytest

from itpm_sync.reconcile.status import Snapshot
from itpm_sync.report import render_workbook
from tests.report import sample

SHEETS = [
    "Portfolio", "Work packages", "Pace", "Baselines", "Money", "Totals", "Findings", "Gates",
    "Contracts", "Help desk", "Help desk weeks", "Quality", "Defect weeks", "Effort", "Scope",
    "Unallocated", "Coverage",
]  # fmt: skip
OPERATORS: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
CELL = r"\$?([A-Z]+)\$?(\d+)"


@cache
def content() -> bytes:
    return render_workbook(sample.snapshot())


def book(data: bytes, *, values: bool) -> Any:
    return openpyxl.load_workbook(BytesIO(data), data_only=values)


class Calculator:
    """Calculates the few kinds of formula that the workbook has, from its cells."""

    def __init__(self, data: bytes) -> None:
        self.formulas, self.values = book(data, values=False), book(data, values=True)

    def compute(self, sheet: str, formula: str) -> Any:
        inner = re.fullmatch(r'=IFERROR\((.*),"n/a"\)', formula)
        assert inner, formula
        text = inner[1]
        if text.startswith(("SUMIFS", "COUNTIFS")):
            return self._aggregate(sheet, text)
        text = re.sub(r"DATE\((\d+),(\d+),(\d+)\)", self._serial, text)
        text = re.sub(CELL, lambda m: repr(self._number(sheet, m[1] + m[2])), text)
        return self._arithmetic(ast.parse(text, mode="eval").body)

    def _serial(self, match: re.Match[str]) -> str:
        return str((date(*map(int, match.groups())) - date(1899, 12, 30)).days)

    def _number(self, sheet: str, cell: str) -> float:
        value = self.values[sheet][cell].value
        if isinstance(value, datetime):
            return float((value - datetime(1899, 12, 30)).days)  # noqa: DTZ001  # as Excel counts
        return float(value)

    def _arithmetic(self, node: ast.AST) -> float:
        if isinstance(node, ast.BinOp):
            return OPERATORS[type(node.op)](
                self._arithmetic(node.left), self._arithmetic(node.right)
            )
        if isinstance(node, ast.UnaryOp):
            return -self._arithmetic(node.operand)
        assert isinstance(node, ast.Constant)
        return float(node.value)  # type: ignore[arg-type]

    def _range(self, text: str) -> list[Any]:
        name, first, last = re.fullmatch(r"'(.+)'!(\$[A-Z]+\$\d+):(\$[A-Z]+\$\d+)", text).groups()  # type: ignore[union-attr]
        cells = self.values[name][f"{first}:{last}".replace("$", "")]
        return [row[0].value for row in cells]

    def _aggregate(self, sheet: str, text: str) -> float:
        name, inside = text[:-1].split("(", 1)
        args = inside.split(",")
        summed = self._range(args.pop(0)) if name == "SUMIFS" else None
        hits: list[bool] = []
        for cells, criterion in zip(args[::2], args[1::2], strict=True):
            found = [self._meets(sheet, v, criterion) for v in self._range(cells)]
            hits = [a and b for a, b in zip(hits, found, strict=True)] if hits else found
        if summed is None:
            return float(sum(hits))
        pairs = zip(summed, hits, strict=True)
        return float(sum(v for v, hit in pairs if hit and isinstance(v, int | float)))

    def _meets(self, sheet: str, value: Any, criterion: str) -> bool:
        if not criterion.startswith('"'):
            return bool(value == self.values[sheet][criterion].value)
        wanted = criterion.strip('"')
        if wanted.startswith("<>"):
            return value is not None if wanted == "<>" else value != wanted[2:]
        return bool(value == wanted)


def rows(sheet: str, *, data: bytes | None = None, top: int = 1) -> list[dict[str, Any]]:
    lines = list(book(data or content(), values=True)[sheet].iter_rows(values_only=True))
    return [dict(zip(lines[top - 1], line, strict=True)) for line in lines[top:]]


def formula_cells(data: bytes) -> list[tuple[str, str, str]]:
    return [
        (sheet.title, cell.coordinate, cell.value)
        for sheet in book(data, values=False)
        for line in sheet.iter_rows()
        for cell in line
        if cell.data_type == "f"
    ]


def test_every_formula_computes_to_the_value_stored_with_it() -> None:
    calculator = Calculator(content())
    cells = formula_cells(content())
    assert len(cells) > 150
    for sheet, cell, formula in cells:
        stored = calculator.values[sheet][cell].value
        assert calculator.compute(sheet, formula) == pytest.approx(stored, rel=1e-9), (sheet, cell)


def test_computed_columns_are_live_and_equal_the_snapshot() -> None:
    cells = {(s, c): f for s, c, f in formula_cells(content())}
    assert cells["Portfolio", "R5"] == '=IFERROR(N5-O5,"n/a")'
    network = rows("Portfolio", top=4)[0]
    figures = sample.network().figures
    for title, name in (
        ("Cost variance", "cv"), ("Schedule variance", "sv"), ("CPI", "cpi"), ("SPI", "spi"),
        ("Forecast (EAC)", "eac"), ("Variance at completion", "vac"), ("Actual cost", "ac"),
    ):  # fmt: skip
        assert network[title] == pytest.approx(float(figures[name].value or 0)), title
    assert network["Done"] == pytest.approx(641_800 / 1_125_000)  # a share, shown as percent


def test_a_formula_that_would_contradict_the_snapshot_gives_way_to_its_number() -> None:
    snapshot = sample.snapshot()
    network = snapshot.projects[0]
    bottom_up = sample.figure("eac", 1_200_000, "EUR", "bottom-up")
    changed = replace(network, figures={**network.figures, "eac": bottom_up})
    data = render_workbook(replace(snapshot, projects=(changed,)))
    cells = {(s, c) for s, c, _ in formula_cells(data)}
    assert ("Portfolio", "R5") in cells
    assert ("Portfolio", "V5") not in cells
    row = rows("Portfolio", data=data, top=4)[0]
    assert (row["Forecast (EAC)"], row["Forecast by"]) == (1_200_000, "bottom-up")


def test_the_fx_variance_stands_beside_the_cost() -> None:
    snapshot = sample.snapshot()
    of = snapshot.projects[0]
    moved = sample.figure("fx_variance", "33.6", "EUR")
    changed = replace(of, figures={**of.figures, "fx_variance": moved})
    data = render_workbook(replace(snapshot, projects=(changed, *snapshot.projects[1:])))
    shown = [r["FX variance, in actual cost"] for r in rows("Portfolio", data=data, top=4)]
    assert shown[:2] == [33.6, None]


def test_what_of_the_cost_is_disputed_stands_beside_it_where_there_is_any() -> None:
    snapshot = sample.snapshot()
    of = snapshot.projects[0]
    whole, part = (
        sample.figure("disputed", v, "EUR", "duplicate-invoice") for v in ("21600", "20000")
    )
    first, *others = of.packages
    packages = (replace(first, figures={**first.figures, "disputed": part}), *others)
    changed = replace(of, figures={**of.figures, "disputed": whole}, packages=packages)
    data = render_workbook(replace(snapshot, projects=(changed, *snapshot.projects[1:])))

    def told(sheet: str, name: str) -> dict[str, tuple[Any, Any]]:
        found = {
            r[name]: (r["Of which disputed"], r["Disputed by"])
            for r in rows(sheet, data=data, top=4)
        }
        return {name: cells for name, cells in found.items() if any(cells)}

    assert told("Portfolio", "Code") == {"NET": (21_600, "duplicate-invoice")}
    assert told("Work packages", "Work package") == {
        first.name: (20_000, "duplicate-invoice"),
        "In no work package": (1_600, None),
    }
    columns = list(rows("Portfolio", data=data, top=4)[0])
    assert columns.index("Of which disputed") == columns.index("Actual cost") + 1


def test_packages_and_what_is_in_none_of_them_share_the_projects_fx_variance() -> None:
    snapshot = sample.snapshot()
    of = snapshot.projects[0]
    first = of.packages[0]
    moved = [sample.figure("fx_variance", v, "EUR") for v in ("33.6", "20.1", "0")]
    packages = tuple(
        replace(p, figures={**p.figures, "fx_variance": moved[1 if p is first else 2]})
        for p in of.packages
    )
    changed = replace(of, figures={**of.figures, "fx_variance": moved[0]}, packages=packages)
    data = render_workbook(replace(snapshot, projects=(changed,)))
    told = {
        r["Work package"]: r["FX variance, in actual cost"]
        for r in rows("Work packages", data=data, top=4)
    }
    assert told.pop(first.name) == 20.1
    assert told.pop("In no work package") == 13.5
    assert set(told.values()) == {0}


def test_what_a_snapshot_does_not_keep_by_package_is_not_said_to_be_in_none() -> None:
    snapshot = sample.snapshot()
    of = snapshot.projects[0]
    moved = sample.figure("fx_variance", "33.6", "EUR")
    changed = replace(of, figures={**of.figures, "fx_variance": moved})
    data = render_workbook(replace(snapshot, projects=(changed,)))
    names = [r["Work package"] for r in rows("Work packages", data=data, top=4)]
    assert "In no work package" not in names
    assert rows("Portfolio", data=data, top=4)[0]["FX variance, in actual cost"] == 33.6


def test_totals_are_per_currency_and_count_what_is_missing() -> None:
    totals = {(r["Currency"], r["Figure"]): r for r in rows("Totals")}
    eur, usd = totals["EUR", "Budget at completion"], totals["USD", "Actual cost"]
    assert eur["Sum of the projects that have it"] == 1_125_000
    assert eur["In the snapshot"] == 1_125_000
    assert usd["Projects where it is n/a"] == 1
    assert usd["In the snapshot"] == "n/a"
    assert usd["n/a because"].startswith("no cost is booked")
    assert totals["GBP", "Ordered"]["Sum of the projects that have it"] == 113_500
    states = [figure for currency, figure in totals if currency == "GBP"][5:]
    assert states == [
        "Budget", "Ordered", "Committed: open order balance", "RECEIVED",
        "Received, not invoiced", "Invoiced", "Paid", "LABOUR",
    ]  # fmt: skip
    assert totals["GBP", "LABOUR"]["Sum of the projects that have it"] == 95_900


def test_a_missing_figure_is_text_with_its_reason_beside_it() -> None:
    platform = rows("Portfolio", top=4)[2]
    assert platform["CPI"] == "n/a"
    assert "no time entry has a rate and no invoice was found (" in platform["n/a because"]


def test_numbers_are_numbers_dates_are_dates_with_formats() -> None:
    sheet = book(content(), values=True)["Money"]
    assert sheet["F2"].value == 1_125_000
    assert sheet["F2"].number_format == "[$EUR] #,##0.00"
    contract = rows("Contracts")[1]
    assert contract["Last day for notice"] == datetime(2026, 11, 30)  # noqa: DTZ001
    assert contract["Days left"] == 8
    coverage = rows("Coverage")
    assert coverage[3]["Difference"] == 11
    assert coverage[2]["At the source"] == "not told"
    assert coverage[0]["Data as of (UTC)"] == datetime(2026, 11, 22, 5, 2)  # noqa: DTZ001


def test_what_is_left_of_a_ceiling_is_live_and_rests_on_what_is_used() -> None:
    supply, _, cabling = rows("Contracts")
    assert supply["Committed (open orders)"] == 686_800
    assert supply["Received, not invoiced"] == 31_500.5
    assert supply["Used"] == 446_400.5  # 414,900 invoiced + 31,500.50
    assert supply["Ceiling left"] == 193_599.5  # of 640,000
    assert cabling["Ceiling left"] is None  # it has no ceiling
    formulas = {cell: f for sheet, cell, f in formula_cells(content()) if sheet == "Contracts"}
    assert formulas["P2"] == '=IFERROR(N2+O2,"n/a")'
    assert formulas["Q2"] == '=IFERROR(L2-P2,"n/a")'


def test_states_of_money_are_not_subtracted_from_each_other() -> None:
    # EUR 1,000 ordered at 0.96 and paid at 0.93: CHF 30 left that nobody owes
    assert list(rows("Money")[0])[5:] == [
        "Budget", "Ordered", "Committed (open orders)", "Received", "Received, not invoiced",
        "Invoiced", "Paid", "Labour", "n/a because", "Not known of what is committed",
    ]  # fmt: skip


def test_the_cost_in_no_package_has_a_row_so_that_the_rows_of_a_project_add_up() -> None:
    snapshot = sample.snapshot()
    # 101,200 + 371,500 + 148,300 + 69,400 + 0 + 58,900 = 749,300 in packages
    figures = sample.network().figures | {
        "ac": sample.figure("ac", "751327.25", "EUR"),
        "labour": sample.figure("labour", "2027.25", "EUR"),
    }
    packages = tuple(
        replace(p, figures={**p.figures, "labour": sample.figure("labour", 0, "EUR")})
        for p in sample.network().packages
    )
    network = replace(snapshot.projects[0], figures=figures, packages=packages)
    data = render_workbook(replace(snapshot, projects=(network,)))
    found = rows("Work packages", data=data, top=4)
    assert [r["Actual cost"] for r in found] == [
        101_200,
        371_500,
        148_300,
        69_400,
        0,
        58_900,
        2027.25,
    ]
    loose = found[-1]
    assert (loose["Project"], loose["Work package"]) == ("NET", "In no work package")
    assert (loose["Code"], loose["Budget (BAC)"], loose["Forecast (EAC)"]) == (None, None, None)
    # ordered 858,800 of the project − (52,000 + 455,800 + 231,000 + 120,000) of its packages = 0
    outside = rows("Money", data=data)[-1]
    assert (outside["Name"], outside["Labour"], outside["Ordered"]) == (
        "In no work package", 2027.25, None,
    )  # fmt: skip
    assert "In no work package" not in [r["Work package"] for r in rows("Work packages", top=4)]


def test_yen_have_no_cents() -> None:
    snapshot = sample.snapshot()
    yen = replace(snapshot.projects[0], figures=sample.evm(100, 50, 40, 60, "JPY"), unit="JPY")
    data = render_workbook(replace(snapshot, projects=(yen,)))
    assert book(data, values=True)["Portfolio"]["L5"].number_format == "[$JPY] #,##0"


def test_text_from_outside_never_becomes_a_formula() -> None:
    titles = [r["Title"] for r in rows("Scope")]
    assert sample.FORMULA in titles
    assert sample.COMMAND in titles
    formulas = [f for _, _, f in formula_cells(content())]
    assert all(f.startswith("=IFERROR(") for f in formulas)
    assert not [f for f in formulas if "HYPERLINK" in f or "cmd" in f]


def test_text_that_looks_like_a_formula_stays_text_when_somebody_edits_the_cell() -> None:
    sheet = book(content(), values=False)["Scope"]
    risky = [c for line in sheet.iter_rows() for c in line if str(c.value)[:1] in ("=", "+")]
    assert len(risky) == 2
    assert all(c.quotePrefix and c.data_type == "s" for c in risky)


def test_the_file_has_no_links_macros_or_illegal_characters() -> None:
    with zipfile.ZipFile(BytesIO(content())) as archive:
        names = archive.namelist()
        text = b"".join(archive.read(n) for n in names).decode()
    assert not [n for n in names if "externalLink" in n or "vba" in n.lower()]
    assert "<hyperlink" not in text
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\u202a-\u202e\ufffe\uffff]", text)


def test_long_text_is_whole_up_to_what_a_cell_holds() -> None:
    assert sample.LONG in [r["Title"] for r in rows("Scope")]
    snapshot = sample.snapshot()
    change = replace(snapshot.projects[0].scope_changes[0], title="x" * 40_000)
    huge = replace(snapshot.projects[0], scope_changes=(change,))
    data = render_workbook(replace(snapshot, projects=(huge,)))
    assert len(rows("Scope", data=data)[0]["Title"]) == 32_767


def test_a_date_before_excels_calendar_and_a_number_beyond_it_stay_readable() -> None:
    snapshot = sample.snapshot()
    figures = sample.network().figures | {"ac": sample.figure("ac", Decimal("1e400"), "EUR")}
    odd = replace(snapshot.projects[0], planned_start=date(1, 1, 1), figures=figures, contracts=())
    row = rows("Portfolio", data=render_workbook(replace(snapshot, projects=(odd,))), top=4)[0]
    assert row["Planned start"] == "0001-01-01"
    assert row["Actual cost"] == "1E+400"


def test_sheets_are_frozen_filtered_and_named() -> None:
    made = book(content(), values=False)
    assert made.sheetnames == SHEETS
    for sheet in made:
        assert sheet.freeze_panes
        assert sheet.auto_filter.ref
    assert made["Portfolio"]["A1"].value == "IT programme 2026"
    assert made["Portfolio"]["A2"].value == "Week 47, 2026 · data date 22 Nov 2026"


def test_everything_of_the_snapshot_is_in_the_workbook() -> None:
    snapshot: Snapshot = sample.snapshot()
    projects = snapshot.projects
    found = len(snapshot.findings) + sum(len(p.findings) for p in projects)
    assert len(rows("Findings")) == found
    assert len(rows("Work packages", top=4)) == sum(len(p.packages) for p in projects)
    assert len(rows("Scope")) == sum(len(p.scope_changes) for p in projects)
    assert len(rows("Help desk weeks")) == 12
    assert len(rows("Unallocated")) == 3
    assert len(rows("Coverage")) == len(snapshot.coverage)


def test_an_empty_portfolio_gives_an_empty_workbook() -> None:
    empty = replace(sample.snapshot(), projects=(), totals=(), findings=(), coverage=(),
                    unallocated=())  # fmt: skip
    assert book(render_workbook(empty), values=False).sheetnames == SHEETS


def test_the_same_snapshot_gives_the_same_workbook_dated_on_the_data_date() -> None:
    assert render_workbook(sample.snapshot()) == content()
    assert book(content(), values=False).properties.created == datetime(2026, 11, 22)  # noqa: DTZ001
