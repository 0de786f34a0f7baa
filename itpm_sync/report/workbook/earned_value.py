"""The sheets of earned value, one row a project and one a work package: what is an input and stands
as a number, and by which formula the rest follows from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from itpm_sync.reconcile.figures import OF_WHICH_DISPUTED
from itpm_sync.reconcile.status import Figure, PackageStatus, ProjectStatus, Severity, Snapshot
from itpm_sync.reconcile.wording import sentence
from itpm_sync.report.packages import OUTSIDE, outside
from itpm_sync.report.wording import NBSP, clean, day, iso_week
from itpm_sync.report.workbook.cells import Cell, Column, Live, Row, Sheet
from itpm_sync.report.workbook.figures import (
    CODE,
    NAME,
    PROJECT,
    WHY,
    Listing,
    difference,
    minus,
    over,
    plus,
    times,
    value,
    why,
)

_INPUTS = Listing(
    (
        ("bac", "Budget (BAC)"),
        ("pv", "Planned value"),
        ("ev", "Earned value"),
        ("ac", "Actual cost"),
    ),
    17,
)
_DISPUTED = Listing((("disputed", sentence(OF_WHICH_DISPUTED)),), 17)
_EVM = (
    *_INPUTS.columns,
    *_DISPUTED.columns,
    Column("disputed_by", "Disputed by", 20),
    Column("cv", "Cost variance", 17),
    Column("sv", "Schedule variance", 17),
    Column("cpi", "CPI", 8),
    Column("spi", "SPI", 8),
    Column("eac", "Forecast (EAC)", 17),
    Column("vac", "Variance at completion", 17),
    Column("percent", "Done", 9),
    Column("method", "Forecast by", 18),
)


def _evm(figures: Mapping[str, Figure]) -> Row:
    """Inputs as numbers, the rest as formulas (PMI's, see docs/configuration.md for the choice)."""
    bac, ev, ac = (value(figures, n) for n in ("bac", "ev", "ac"))

    def live(name: str, *formulas: tuple[str, Decimal | None]) -> Live:
        return Live(figures.get(name), formulas)

    note = figures["eac"].note if "eac" in figures else ""
    findings = figures["disputed"].note if "disputed" in figures else ""
    return (
        *_INPUTS.cells(figures),
        *_DISPUTED.cells(figures),
        findings,
        difference(figures, "cv", "ev", "ac"),
        difference(figures, "sv", "ev", "pv"),
        live("cpi", ("{ev}/{ac}", over(ev, ac))),
        live("spi", ("{ev}/{pv}", over(ev, value(figures, "pv")))),
        live("eac", ("{bac}*{ac}/{ev}", over(times(bac, ac), ev)),
             ("{ac}+{bac}-{ev}", minus(plus(ac, bac), ev))),
        difference(figures, "vac", "bac", "eac"),
        live("percent", ("{ev}/{bac}", times(over(ev, bac), Decimal(100)))),
        note,
    )  # fmt: skip


# ---- projects

_FX = Listing((("fx_variance", "FX variance, in actual cost"),), 17)
_COSTS = Listing(
    (("planned_cost", "Planned cost"), ("actual_cost", "Projected or actual cost")), 17
)
_ITEMS = Listing((("items", "Items"), ("items_done", "Items done")), 9)
_CHANGES = Listing((("added", "Added"), ("removed", "Removed")), 9)
_GROWTH = Listing((("creep", "Scope growth"), ("scope_growth", "Scope growth in a month")), 10)
_PORTFOLIO = (
    CODE,
    NAME,
    Column("rating", "Rating", 10),
    Column("reason", "Reason", 44),
    Column("declared", "Declared", 11),
    Column("stage", "Phase", 12),
    Column("manager", "Manager", 20),
    Column("sponsor", "Sponsor", 20),
    Column("start", "Planned start", 13),
    Column("finish", "Planned finish", 13),
    Column("unit", "Unit", 8),
    *_EVM,
    *_FX.columns,
    *_COSTS.columns,
    Column("cost_variance", "Cost variance, planned − actual", 17),
    Column("schedule_variance_days", "Schedule variance, days", 11),
    *_ITEMS.columns,
    *_CHANGES.columns,
    *_GROWTH.columns,
    Column("high", "High findings", 9),
    Column("findings", "Findings", 9),
    Column("computed", "Computed rating", 10),
    WHY,
)


def portfolio_sheet(snapshot: Snapshot) -> Sheet:
    """A row a project, below the portfolio's title and data date."""
    about = f"{iso_week(snapshot.data_date)} · data date {day(snapshot.data_date)}"
    return Sheet(
        "Portfolio",
        _PORTFOLIO,
        tuple(map(_project, snapshot.projects)),
        title=(clean(snapshot.title, 200), about.replace(NBSP, " ")),
    )


def _project(p: ProjectStatus) -> Row:
    counted = [f for f in p.findings if f.waiver is None]
    high = sum(f.severity is Severity.HIGH for f in counted)
    return (
        p.code, p.name, p.rating.colour, p.rating.reason, p.declared_rating, p.stage.value,
        p.manager, p.sponsor, p.planned_start, p.planned_finish, p.unit,
        *_evm(p.figures), *_FX.cells(p.figures), *_COSTS.cells(p.figures),
        difference(p.figures, "cost_variance", "planned_cost", "actual_cost"),
        p.figures.get("schedule_variance_days"), *_ITEMS.cells(p.figures),
        *_CHANGES.cells(p.figures), *_GROWTH.cells(p.figures), high, len(counted),
        p.rating.computed or p.rating.colour, why(p.figures),
    )  # fmt: skip


# ---- work packages

_PACKAGES = (
    PROJECT,
    Column("code", "Code", 12),
    Column("name", "Work package", 34),
    Column("team", "Team", 20),
    Column("measured", "Measured by", 18),
    Column("state", "State", 12),
    Column("start", "Planned start", 13),
    Column("finish", "Planned finish", 13),
    Column("unit", "Unit", 8),
    *_EVM,
    *_FX.columns,
    *_ITEMS.columns,
    Column("effort_s", "Effort", 10),
    WHY,
)


def packages_sheet(projects: Iterable[ProjectStatus]) -> Sheet:
    """A row a work package, and one a project for the cost that is in none of them."""
    about = (
        "The actual cost of a project, what of it is disputed, and the FX variance in it, are the "
        "sums of its rows. Its forecast is not: each goes by the indices of its own row."
    )
    rows = tuple(row for p in projects for row in _package_rows(p))
    return Sheet("Work packages", _PACKAGES, rows, freeze=3, title=("Work packages", about))


def _package_rows(p: ProjectStatus) -> Iterable[Row]:
    yield from (_package(p, w) for w in p.packages)
    names = ("ac", "fx_variance") if p.packages else ()
    loose = {name: figure for name in names if (figure := outside(p, name))}
    if p.packages and (disputed := outside(p, "disputed", sparse=True)):
        loose["disputed"] = disputed
    if loose:
        row: Mapping[str, Cell] = {"project": p.code, "name": OUTSIDE, "unit": p.unit, **loose}
        yield tuple(row.get(column.key) for column in _PACKAGES)


def _package(p: ProjectStatus, w: PackageStatus) -> Row:
    bac = w.figures.get("bac")
    return (
        p.code, w.code, w.name, w.team, w.method.replace("_", " "), w.state, w.planned_start,
        w.planned_finish, bac.unit if bac else p.unit, *_evm(w.figures), *_FX.cells(w.figures),
        *_ITEMS.cells(w.figures), w.figures.get("effort_s"), why(w.figures),
    )  # fmt: skip
