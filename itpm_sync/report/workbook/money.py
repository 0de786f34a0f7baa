"""The sheets of money: each amount in its own currency, sums never across currencies.

States of money are not subtracted from each other: an amount in a foreign currency is converted at
the rate of its own day, so that the rest would hold the difference of the rates too. What is still
open is a state of its own: committed, accrued.

The totals are formulas over the sheets of earned value and of money, so that they follow whoever
corrects a cell there.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from itpm_sync.model import Money
from itpm_sync.reconcile.status import ContractStatus, PackageStatus, ProjectStatus, Snapshot
from itpm_sync.report.packages import OUTSIDE, outside
from itpm_sync.report.wording import is_currency, safe_url
from itpm_sync.report.workbook.cells import Cell, Column, Row, Sheet
from itpm_sync.report.workbook.figures import (
    PROJECT,
    WHY,
    Listing,
    computed,
    why,
)

_STATES = Listing(
    (
        ("budget", "Budget"),
        ("ordered", "Ordered"),
        ("committed", "Committed (open orders)"),
        ("received", "Received"),
        ("accrued", "Received, not invoiced"),
        ("invoiced", "Invoiced"),
        ("paid", "Paid"),
        ("labour", "Labour"),
    ),
    17,
)
_MONEY = (
    PROJECT,
    Column("level", "Level", 13),
    Column("code", "Code", 12),
    Column("name", "Name", 34),
    Column("unit", "Currency", 9),
    *_STATES.columns,
    WHY,
    Column("note", "Not known of what is committed", 50),
)


def money_sheet(projects: Iterable[ProjectStatus]) -> Sheet:
    """The ledger of each project and of each of its work packages that has one."""
    return Sheet("Money", _MONEY, tuple(_money_rows(projects)), freeze=4)


def _money_rows(projects: Iterable[ProjectStatus]) -> Iterable[Row]:
    for p in projects:
        yield from _money_row(p, "project", p)
        for w in p.packages:
            yield from _money_row(p, "work package", w)
        yield from _outside(p)


def _money_row(p: ProjectStatus, level: str, of: ProjectStatus | PackageStatus) -> Iterable[Row]:
    states = _STATES.known_to(of.figures)
    unit = next((f.unit for f in states.values() if is_currency(f.unit)), "")
    if not unit:
        return
    committed = states.get("committed")
    note = committed.note if committed and committed.value else ""
    yield (p.code, level, of.code, of.name, unit, *_STATES.cells(states), why(states), note)


def _outside(p: ProjectStatus) -> Iterable[Row]:
    """What is booked on the project and in none of its packages, where there is any."""
    booked = [name for name, _ in _STATES.titles if name != "budget"]
    found = {name: figure for name in booked if (figure := outside(p, name))}
    if p.packages and found:
        unit = next(iter(found.values())).unit
        yield (p.code, "work package", "", OUTSIDE, unit, *_STATES.cells(found), "", "")


# ---- totals

_TOTALS = (
    Column("unit", "Currency", 10),
    Column("figure", "Figure", 24),
    Column("sum", "Sum of the projects that have it", 20),
    Column("known", "Projects that have it", 12),
    Column("missing", "Projects where it is n/a", 12),
    Column("snapshot", "In the snapshot", 20),
    WHY,
)


def totals_sheet(snapshot: Snapshot, portfolio: Sheet, money: Sheet) -> Sheet:
    """Sums per currency and figure, over the rows of the projects on two other sheets."""
    return Sheet("Totals", _TOTALS, tuple(_total_rows(snapshot, portfolio, money)))


def _total_rows(snapshot: Snapshot, portfolio: Sheet, money: Sheet) -> Iterable[Row]:
    figures = (f for p in snapshot.projects for f in p.figures.values())
    for unit in sorted({f.unit for f in figures if is_currency(f.unit)}):
        for name in ("bac", "pv", "ev", "ac", "eac"):
            where = f"{portfolio.span('unit')},{{unit}}"
            yield _total(snapshot, unit, name, portfolio.span(name), where)
        for name, _ in _STATES.titles:
            where = f'{money.span("unit")},{{unit}},{money.span("level")},"project"'
            yield _total(snapshot, unit, name, money.span(name), where)


def _total(snapshot: Snapshot, unit: str, name: str, cells: str, where: str) -> Row:
    figures = [f for p in snapshot.projects if (f := p.figures.get(name)) and f.unit == unit]
    values = [f.value for f in figures if f.value is not None]
    official = next((f for f in snapshot.totals if f.name == name and f.unit == unit), None)
    label = next((f.label for f in (official, *figures) if f), dict(_STATES.titles).get(name, name))
    missing = len(figures) - len(values)
    return (
        unit,
        label,
        computed(sum(values, Decimal(0)), unit, f"SUMIFS({cells},{where})"),
        computed(Decimal(len(values)), "items", f'COUNTIFS({where},{cells},"<>n/a",{cells},"<>")'),
        computed(Decimal(missing), "items", f'COUNTIFS({where},{cells},"n/a")'),
        official,
        official.reason if official else "",
    )


# ---- contracts

_CONTRACTS = (
    PROJECT,
    Column("number", "Contract", 14),
    Column("title", "Title", 34),
    Column("vendor", "Vendor", 24),
    Column("rating", "Rating", 10),
    Column("reason", "Reason", 44),
    Column("start", "Start", 13),
    Column("end", "End", 13),
    Column("notice", "Last day for notice", 13),
    Column("days", "Days left", 9),
    Column("unit", "Currency", 9),
    Column("ceiling", "Ceiling", 17),
    Column("committed", "Committed (open orders)", 17),
    Column("invoiced", "Invoiced", 17),
    Column("accrued", "Received, not invoiced", 17),
    Column("used", "Used", 17),
    Column("left", "Ceiling left", 17),
    Column("burn", "Value used per time gone", 12),
    Column("why", "n/a because", 40),
    Column("link", "Link", 40),
)


def contracts_sheet(snapshot: Snapshot) -> Sheet:
    """A row a contract of a project: its term, and how far it is used."""
    today = snapshot.data_date
    rows = (_contract(p.code, c, today) for p in snapshot.projects for c in p.contracts)
    return Sheet("Contracts", _CONTRACTS, tuple(rows), freeze=3)


def _contract(project: str, c: ContractStatus, today: date) -> Row:
    amounts = (c.ceiling, c.committed, c.invoiced, c.accrued)
    known = next((m.currency for m in amounts if m), "")
    return (
        project, c.number, c.title, c.vendor, c.colour, c.reason, c.start, c.end,
        c.notice_deadline, _days_left(c.notice_deadline, today), known, c.ceiling, c.committed,
        c.invoiced, c.accrued, _sum_of(c.used, "{invoiced}+{accrued}"),
        _sum_of(c.left, "{ceiling}-{used}"), c.burn, c.burn.reason if c.burn.value is None else "",
        safe_url(c.url),
    )  # fmt: skip


def _days_left(deadline: date | None, today: date) -> Cell:
    if deadline is None or deadline.year < 1900:  # Excel's calendar begins there
        return None
    formula = f"{{notice}}-DATE({today.year},{today.month},{today.day})"
    return computed(Decimal((deadline - today).days), "days", formula)


def _sum_of(known: Money | None, formula: str) -> Cell:
    return computed(known.amount, known.currency, formula) if known else None
