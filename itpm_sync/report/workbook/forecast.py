"""The sheets that look ahead and back: pace and forecast, with the simulated percentiles that any
project has, and the growth against the original baseline.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from itpm_sync.reconcile.forecast import COST, FINISH
from itpm_sync.reconcile.status import Figure, ProjectStatus, Snapshot
from itpm_sync.report.ranges import finish_day, percentiles
from itpm_sync.report.wording import NBSP, day
from itpm_sync.report.workbook.cells import Cell, Column, Row, Sheet
from itpm_sync.report.workbook.figures import CODE, NAME, WHY, Listing, why

_PACE = Listing(
    (
        ("pd", "Planned duration, weeks"),
        ("at", "Actual time, weeks"),
        ("es", "Earned schedule, weeks"),
        ("sv_t", "SV(t), weeks"),
        ("spi_t", "SPI(t)"),
        ("ieac_t", "Forecast duration, weeks"),
        ("tspi", "TSPI"),
        ("p_factor", "p-factor"),
        ("cpi_recent", "CPI, last 4 weeks"),
        ("spi_recent", "SPI, last 4 weeks"),
        ("cpi_discrete", "CPI without level of effort"),
        ("spi_discrete", "SPI without level of effort"),
        ("effort_share", "Level of effort, share of budget"),
        ("tcpi_bac", "TCPI for the budget"),
        ("tcpi_eac", "TCPI for the forecast"),
        ("unplanned_ratio_percent", "Unplanned effort, share"),
        ("eac_low", "Lowest EAC"),
        ("eac_high", "Highest EAC"),
    ),
    15,
)
_NOTED = (
    ("eac_low", Column("low_by", "Lowest by", 30)),
    ("eac_high", Column("high_by", "Highest by", 30)),
    ("ieac_t", Column("finish", "Forecast finish", 22)),
)
_BASELINE = Listing(
    (
        ("bac", "BAC"),
        ("bac_original", "BAC, original"),
        ("bac_growth", "Growth of BAC"),
        ("bac_growth_fx", "of it by exchange rates"),
        ("bac_growth_percent", "Growth of BAC, share"),
        ("pv_original", "PV, original"),
        ("ev_original", "EV, original"),
        ("cv_original", "CV, original"),
        ("sv_original", "SV, original"),
        ("vac_original", "VAC, original"),
        ("finish_growth_days", "Growth of the finish, days"),
        ("budget_base", "Contract budget base"),
        ("undistributed", "Undistributed budget"),
        ("planning", "Planning packages"),
        ("management_reserve", "Management reserve"),
    ),
    17,
)


def pace_sheet(snapshot: Snapshot) -> Sheet:
    """Earned schedule, recent indices, ranges and simulated percentiles; a row a project."""
    drawn = _drawn(snapshot.projects)
    noted = tuple(column for _, column in _NOTED)
    return Sheet(
        "Pace",
        (CODE, NAME, *_PACE.columns, *noted, *drawn.columns, WHY),
        tuple(_pace(p, drawn, snapshot.data_date) for p in snapshot.projects),
    )


def _drawn(projects: Iterable[ProjectStatus]) -> Listing:
    """The simulated figures that any project has: finishes, then costs, each ascending."""
    found = {
        (prefix, p)
        for of in projects
        for prefix in (FINISH, COST)
        for p, _ in percentiles(of, prefix)
    }
    ordered = sorted(found, key=lambda pair: (pair[0] == COST, pair[1]))
    what = {FINISH: "Finish", COST: "Cost at completion"}
    titles = ((f"{prefix}{p}", f"{what[prefix]}, {p} % likely") for prefix, p in ordered)
    return Listing(tuple(titles), 15)


def _pace(p: ProjectStatus, drawn: Listing, today: date) -> Row:
    shown = _PACE.known_to(p.figures) | drawn.known_to(p.figures)
    noted = (shown[name].note if name in shown else "" for name, _ in _NOTED)
    simulated = (_simulated(name, shown.get(name), today) for name, _ in drawn.titles)
    return (p.code, p.name, *_PACE.cells(shown), *noted, *simulated, why(shown))


def _simulated(name: str, figure: Figure | None, today: date) -> Cell:
    """A simulated finish as its day, anything else as the figure."""
    if figure is None or not name.startswith(FINISH):
        return figure
    return finish_day(figure, today) or "n/a"


def baselines_sheet(projects: Sequence[ProjectStatus]) -> Sheet:
    """The baseline in force against the original one; a row a project."""
    original = Column("original", "Original baseline", 26)
    current = Column("current", "Baseline in force", 26)
    columns = (CODE, NAME, original, current, *_BASELINE.columns, WHY)
    return Sheet("Baselines", columns, tuple(map(_baselines, projects)))


def _baselines(p: ProjectStatus) -> Row:
    named = [f"{b.version} of {day(b.on).replace(NBSP, ' ')} by {b.author}" for b in p.baselines]
    first, last = (named[0], named[-1]) if named else ("", "")
    shown = _BASELINE.known_to(p.figures)
    return (p.code, p.name, first, last, *_BASELINE.cells(shown), why(shown))
