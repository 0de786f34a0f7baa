"""The table of work packages: a line each, what is in none of them, and the project's own line."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from itpm_sync.model import currency_exponent
from itpm_sync.reconcile.status import Figure, PackageStatus, ProjectStatus
from itpm_sync.report import view
from itpm_sync.report.sections import TITLE, value_of, width
from itpm_sync.report.wording import Shown, clean, count, day, is_currency, is_rounded, plain, shown

PACKAGE_FIGURES = ("bac", "pv", "ev", "ac", "cv", "sv", "cpi", "spi", "eac")
_ADDED = ("bac", "pv", "ev", "ac", "cv", "sv")  # whose lines add up to the project's
OUTSIDE = "In no work package"
_COUNTED = frozenset({"items", "points"})  # measurement methods


def by_concern(packages: Iterable[PackageStatus]) -> list[PackageStatus]:
    """Late ones first, then what is at work, what comes, what is done; in the plan's order."""
    order = {"late": 0, "in progress": 1, "not started": 2}
    return sorted(packages, key=lambda p: order.get(p.state, 3))


def package(package: PackageStatus) -> view.PackageRow:
    """A work package as a line of the table."""
    done = value_of(package, "percent")
    return view.PackageRow(
        code=clean(package.code, 60),
        name=clean(package.name, TITLE),
        team=clean(package.team, 60),
        basis=_basis(package),
        state=clean(package.state, 40),
        start=day(package.planned_start),
        finish=day(package.planned_finish),
        done=shown(package.figures.get("percent")),
        done_width=width(done, Decimal(100)),
        figures=tuple(shown(package.figures.get(n), bare=True) for n in PACKAGE_FIGURES),
    )


def _basis(package: PackageStatus) -> str:
    """Items say how far a package is only where it is measured by them."""
    items, items_done = value_of(package, "items"), value_of(package, "items_done")
    if package.method not in _COUNTED or not items or items_done is None:
        return clean(package.method, 40).replace("_", " ")
    return f"{plain(items_done)} of {count(int(items), 'item')}"


# ---- what they add up to


def outside(project: ProjectStatus, name: str, *, sparse: bool = False) -> Figure | None:
    """What of a sum of money of the project is booked in none of its packages.

    None where there is nothing, not a cent, or where one of the amounts is not known, as in older
    snapshots, which did not keep each figure by package; where the figure is `sparse`, a package
    without it has nothing. Packages count their own bookings only, never those of packages below
    them.
    """
    whole = project.figures.get(name)
    parts = [p.figures.get(name) for p in project.packages if name in p.figures or not sparse]
    if whole is None or whole.value is None or not is_currency(whole.unit):
        return None
    known = [p.value for p in parts if p and p.value is not None and p.unit == whole.unit]
    if len(known) < len(parts):
        return None
    rest = whole.value - sum(known, Decimal(0))
    if abs(rest) * 2 <= Decimal(1).scaleb(-currency_exponent(whole.unit)):
        return None
    return Figure(name=name, label=whole.label, value=rest, unit=whole.unit)


def package_sums(project: ProjectStatus) -> tuple[view.SumRow, ...]:
    """The lines below the packages: the cost in none of them, if any, and the project's figures,
    which are those of the snapshot, not summed once more.
    """
    if not project.packages:
        return ()
    cells = {name: shown(project.figures.get(name), bare=True) for name in PACKAGE_FIGURES}
    whole = view.SumRow(
        label="Project",
        note="",
        done=shown(project.figures.get("percent")),
        figures=tuple(cells.values()),
    )
    loose = outside(project, "ac")
    if loose is None:
        return (whole,)
    return (
        view.SumRow(
            label=OUTSIDE,
            note="time, invoices and receipts that none could take",
            done=Shown(""),
            figures=tuple(
                shown(loose, bare=True) if name == "ac" else Shown("") for name in PACKAGE_FIGURES
            ),
        ),
        whole,
    )


def sums_note(project: ProjectStatus) -> str:
    """What of the lines adds up to the project's, and what cannot."""
    amounts = [project.figures.get("ac"), *(p.figures.get("ac") for p in project.packages)]
    if len(amounts) <= 2 or any(a is None or a.value is None for a in amounts):
        return ""
    return (
        "The AC of the project is the sum of all its lines. Its EAC is not: each forecast goes by "
        "the indices of its own line."
    )


def are_rounded(project: ProjectStatus) -> bool:
    """Whether the lines of the table, being rounded one by one, need not add up as shown."""
    of = (p.figures.get(name) for p in project.packages for name in _ADDED)
    return len(package_sums(project)) + len(project.packages) > 2 and is_rounded(of)
