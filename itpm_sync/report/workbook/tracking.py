"""The sheets of the work as it goes: help desk, defects and risks, effort, changes of scope."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from itpm_sync.reconcile.effort import NAMES as EFFORT
from itpm_sync.reconcile.status import Figure, HelpDeskStatus, ProjectStatus
from itpm_sync.report.wording import safe_url
from itpm_sync.report.workbook.cells import Column, Row, Sheet
from itpm_sync.report.workbook.figures import (
    PROJECT,
    WHY,
    Listing,
    computed,
    difference,
    value,
    why,
)

_MONDAY = Column("monday", "Week from", 13)

# ---- help desk

_DESK = (
    PROJECT,
    Column("open", "Open now", 10),
    Column("priorities", "Open by priority", 34),
    Column("response", "Answered too late", 12),
    Column("resolve", "Resolved too late", 12),
    Column("sla", "Within SLA, 28 days", 12),
    Column("effort", "Effort, 7 days", 12),
    WHY,
)
_DESK_WEEKS = (
    PROJECT,
    _MONDAY,
    Column("opened", "Opened", 10),
    Column("resolved", "Resolved", 10),
    Column("net", "Net", 10),
    Column("open", "Open at its end", 12),
)


def desk_sheet(projects: Iterable[ProjectStatus]) -> Sheet:
    """Load and service levels; a row a project that has a help desk."""
    rows = (_desk(p.code, desk) for p in projects if (desk := p.help_desk))
    return Sheet("Help desk", _DESK, tuple(rows))


def _desk(project: str, desk: HelpDeskStatus) -> Row:
    priorities = ", ".join(f"{name or 'none'} {n}" for name, n in desk.open_by_priority)
    figures = {"within SLA": desk.within_sla, "effort": desk.effort}
    return (
        project, desk.open_now, priorities, desk.response_breaches, desk.resolve_breaches,
        desk.within_sla, desk.effort, why(figures),
    )  # fmt: skip


def desk_weeks_sheet(projects: Iterable[ProjectStatus]) -> Sheet:
    """What came and went at the help desk; a row a week."""
    return Sheet("Help desk weeks", _DESK_WEEKS, tuple(_desk_week_rows(projects)))


def _desk_week_rows(projects: Iterable[ProjectStatus]) -> Iterable[Row]:
    for p in projects:
        for w in p.help_desk.weeks if p.help_desk else ():
            net = computed(Decimal(w.opened - w.resolved), "items", "{opened}-{resolved}")
            yield (p.code, w.monday, w.opened, w.resolved, net, w.open_at_end)


# ---- quality and risk

_QUALITY = Listing(
    (
        ("open_defects", "Open defects"),
        ("defect_age", "Median age, days"),
        ("defects_opened", "Opened, 28 days"),
        ("defects_closed", "Closed, 28 days"),
        ("defects_reopened", "Reopened, 28 days"),
        ("defects_escaped", "Found in production"),
        ("escaped_share", "Share found in production"),
        ("desk_reopened", "Help-desk items reopened"),
        ("risks_open", "Open risks"),
        ("risk_exposure", "Risk exposure"),
        ("risk_exposure_change", "Change of the exposure"),
    ),
    14,
)
_DEFECT_WEEKS = (
    PROJECT,
    _MONDAY,
    Column("opened", "Opened", 10),
    Column("closed", "Closed", 10),
    Column("reopened", "Reopened", 10),
    Column("open", "Open at its end", 10),
)


def quality_sheet(projects: Iterable[ProjectStatus]) -> Sheet:
    """Defects and risks; a row a project."""
    return Sheet("Quality", (PROJECT, *_QUALITY.columns, WHY), tuple(map(_quality, projects)))


def _quality(p: ProjectStatus) -> Row:
    shown = _QUALITY.known_to(p.figures)
    return (p.code, *_QUALITY.cells(shown), why(shown))


def defect_weeks_sheet(projects: Iterable[ProjectStatus]) -> Sheet:
    """Defects opened, closed and reopened; a row a week."""
    rows = (
        (p.code, w.monday, w.opened, w.closed, w.reopened, w.open_at_end)
        for p in projects
        for w in p.defect_weeks
    )
    return Sheet("Defect weeks", _DEFECT_WEEKS, tuple(rows))


# ---- effort

_ESTIMATED, _SPENT, _VARIANCE, _PERCENT = EFFORT
_EFFORT = (
    PROJECT,
    Column("by", "By", 10),
    Column("name", "Priority or type", 22),
    Column("items", "Items done", 10),
    Column(_ESTIMATED, "Estimated", 12),
    Column(_SPENT, "Spent", 12),
    Column(_VARIANCE, "Variance: estimated − spent", 14),
    Column(_PERCENT, "Variance, share of estimated", 14),
)


def effort_sheet(projects: Iterable[ProjectStatus]) -> Sheet:
    """Effort estimated against effort spent: of each project, and of each of its groups."""
    return Sheet("Effort", _EFFORT, tuple(_effort_rows(projects)), freeze=3)


def _effort_rows(projects: Iterable[ProjectStatus]) -> Iterable[Row]:
    for p in projects:
        if value(p.figures, _ESTIMATED):
            yield (p.code, "project", "", None, *_efforts(p.figures))
        for g in p.effort:
            yield (p.code, g.by, g.name, g.items, *_efforts(g.figures))


def _efforts(figures: Mapping[str, Figure]) -> Row:
    return (
        figures.get(_ESTIMATED),
        figures.get(_SPENT),
        difference(figures, _VARIANCE, _ESTIMATED, _SPENT),
        figures.get(_PERCENT),
    )


# ---- scope

_SCOPE = (
    PROJECT,
    Column("change", "Change", 10),
    Column("key", "Item", 14),
    Column("title", "Title", 60),
    Column("package", "Work package", 16),
    Column("on", "On", 13),
    Column("approved", "Approved by", 16),
    Column("by", "By", 10),
    Column("origins", "From", 20),
    Column("results", "To", 20),
    Column("size", "Size", 14),
    Column("link", "Link", 40),
)
_SIZES = {True: "kept", False: "changed", None: "not known"}


def scope_sheet(projects: Iterable[ProjectStatus]) -> Sheet:
    """What was added to the baseline's scope and removed from it; a row an item."""
    return Sheet("Scope", _SCOPE, tuple(_scope_rows(projects)), freeze=3)


def _scope_rows(projects: Iterable[ProjectStatus]) -> Iterable[Row]:
    for p in projects:
        for c in p.scope_changes:
            approved = c.approved_by or ("needs none" if c.size_kept else "not approved")
            yield (
                p.code, c.change, c.key, c.title, c.work_package, c.on, approved, c.by,
                ", ".join(c.origins), ", ".join(c.results), _SIZES[c.size_kept] if c.by else "",
                safe_url(c.url),
            )  # fmt: skip
