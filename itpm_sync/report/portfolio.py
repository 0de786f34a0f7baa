"""Snapshot → what the portfolio's page shows. Pure: the same snapshots give the same page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from itpm_sync.reconcile.glossary import terms
from itpm_sync.reconcile.outages import UNREAD
from itpm_sync.reconcile.status import Figure, Finding, ProjectStatus, Severity, Snapshot
from itpm_sync.report import view
from itpm_sync.report.build import figures_of, gate_line, page_head, planned_percent, rating_mark
from itpm_sync.report.past import Past
from itpm_sync.report.people import people
from itpm_sync.report.sections import (
    TITLE,
    changed,
    finding_rows,
    resolved,
    sources,
    stream,
    unallocated,
    value_of,
    width,
)
from itpm_sync.report.wording import (
    NBSP,
    WORDS,
    WORST_FIRST,
    Shown,
    clean,
    count,
    is_currency,
    is_rounded,
    project_file,
    shown,
)

GROUPS = 8  # projects under "What needs attention"
TOP = 3  # findings shown of each
_LINE_FIGURES = (
    ("cpi",), ("spi",), ("bac", "planned_cost"), ("eac", "actual_cost"), ("vac", "cost_variance"),
)  # fmt: skip


def build_portfolio(
    snapshot: Snapshot, past: Past, pages: frozenset[str] | None = None
) -> view.PortfolioPage:
    """What the portfolio's page shows; `pages` are the codes with a page of their own (all)."""
    lines = tuple(_line(p, past, pages) for p in snapshot.projects)
    ordered = sorted(lines, key=lambda line: (line.rank, -line.high, line.name))
    by_code = {p.code: line for p, line in zip(snapshot.projects, lines, strict=True)}
    groups = _attention(snapshot, past, by_code)
    told = sum(len(g.findings) + g.hidden for g in groups)
    counted = [f for f in snapshot.all_findings if f.waiver is None]
    return view.PortfolioPage(
        head=page_head(snapshot, past),
        headline=portfolio_headline(lines, past.when, past.alone),
        shares=_shares(lines, past),
        moved=tuple(line for line in ordered if line.rating.move in ("better", "worse")),
        currencies=_currencies(snapshot.totals),
        totals=_totals(snapshot),
        totals_rounded=len(lines) > 1
        and is_rounded(p.figures.get(n) for p in snapshot.projects for n in ("bac", "eac", "vac")),
        projects=tuple(ordered),
        without_page=sum(not line.page for line in lines),
        changed=changed(snapshot.all_findings, past, None),
        resolved=resolved(past, ""),
        attention=groups,
        findings_hidden=len(counted) - told,
        unallocated=tuple(unallocated(u) for u in snapshot.unallocated),
        people=people(snapshot),
        sources=sources(snapshot.coverage, snapshot.zone),
        streams=tuple(stream(c, snapshot.zone) for c in snapshot.coverage),
        read_since=any(c.later for c in snapshot.coverage),
        terms=terms(figure for p in snapshot.projects for figure in figures_of(p)),
    )


def _attention(
    snapshot: Snapshot, past: Past, lines: Mapping[str, view.ProjectLine]
) -> tuple[view.FindingGroup, ...]:
    """The gravest findings of the projects, the worst project first; those of the portfolio itself
    stand before them where any is high, else after them.

    New ones come first within a severity; small matters are left to the projects' pages, unless
    there is nothing else.
    """
    grave_only = any(
        f.severity is not Severity.LOW for f in snapshot.all_findings if f.waiver is None
    )

    def group(line: view.ProjectLine | None, findings: Iterable[Finding]) -> view.FindingGroup:
        rows = finding_rows(findings, past)
        told = [r for r in rows if not (grave_only and r.severity == Severity.LOW)]
        told.sort(key=_urgency)
        return view.FindingGroup(
            project=view.Link(label=line.name, url=line.page) if line else None,
            rating=line.rating if line else None,
            findings=tuple(told[:TOP]),
            hidden=len(rows) - len(told[:TOP]),
        )

    worst = sorted(
        (p for p in snapshot.projects if p.findings),
        key=lambda p: (lines[p.code].rank, -lines[p.code].high, lines[p.code].name),
    )
    groups = [group(lines[p.code], p.findings) for p in worst]
    groups = [g for g in groups if g.findings][:GROUPS]
    own = group(None, snapshot.findings)
    grave = any(f.severity == Severity.HIGH for f in own.findings)
    around = ([own], []) if grave else ([], [own])
    return tuple(g for part in (around[0], groups, around[1]) for g in part if g.findings)


def _urgency(row: view.FindingRow) -> tuple[object, ...]:
    """By severity; then what was not read, by which all else is in doubt; then what is new."""
    return list(Severity).index(Severity(row.severity)), row.code not in UNREAD, row.tag != "new"


def _line(project: ProjectStatus, past: Past, pages: frozenset[str] | None) -> view.ProjectLine:
    before = past.projects.get(project.code)
    counted = [f for f in project.findings if f.waiver is None]
    high = sum(f.severity is Severity.HIGH for f in counted)
    own = pages is None or project.code in pages
    figures = [_first(project, names) for names in _LINE_FIGURES]
    return view.ProjectLine(
        code=clean(project.code, 40),
        name=clean(project.name, TITLE) or clean(project.code, TITLE),
        page=project_file(project.code) if own else "",
        manager=clean(project.manager, 80),
        stage=project.stage.value,
        rating=rating_mark(project.rating, before.rating if before else None),
        rank=WORST_FIRST.index(project.rating.colour),
        done=shown(project.figures.get("percent")),
        done_width=width(value_of(project, "percent"), Decimal(100)),
        planned_width=width(planned_percent(project), Decimal(100)),
        unit=_unit(project, figures),
        figures=tuple(shown(f, bare=True) for f in figures),
        findings=f"{len(counted):,}",
        high=high,
        gate=gate_line(project),
    )


def _unit(project: ProjectStatus, figures: Sequence[Figure | None]) -> str:
    """Of the amounts in the line: a register's row is worth money, though it earns no value."""
    amounts = (f for f in figures if f is not None and f.value is not None and f.unit != "ratio")
    return next((f.unit for f in amounts), project.unit)


def _first(project: ProjectStatus, names: Sequence[str]) -> Figure | None:
    """The first of these figures that has a value, else the first, with its reason."""
    figures = [f for n in names if (f := project.figures.get(n))]
    return next((f for f in figures if f.value is not None), figures[0] if figures else None)


def portfolio_headline(lines: Sequence[view.ProjectLine], when: str, alone: str) -> str:
    """The portfolio in a sentence: `1 of 3 projects is red, 1 amber, 1 green. 1 got worse …`."""
    if not lines:
        return "There is no project in this portfolio yet."
    tally = Counter(line.rating.colour for line in lines)
    parts = [f"{tally[c]:,}{NBSP}{WORDS[c].lower()}" for c in WORST_FIRST if tally[c]]
    text = f"{count(len(lines), 'project')}: {', '.join(parts)}."
    if not when:
        return f"{text} {alone}."
    moves = Counter(line.rating.move for line in lines)
    worse, better = (f"{moves[m]:,}" if moves[m] else "none" for m in ("worse", "better"))
    since = f"since {when.removeprefix('on ')}"
    if not moves["worse"] and not moves["better"]:
        return f"{text} No rating has changed {since}."
    return f"{text} {worse.capitalize()} got worse {since}, {better} better."


def _shares(lines: Sequence[view.ProjectLine], past: Past) -> tuple[view.Share, ...]:
    tally = Counter(line.rating.colour for line in lines)
    return tuple(
        view.Share(
            colour=c,
            word=WORDS[c],
            now=tally[c],
            before=past.colours.get(c, 0) if past.when else None,
            width=width(Decimal(tally[c]), Decimal(len(lines))),
        )
        for c in WORST_FIRST
    )


def _totals(snapshot: Snapshot) -> tuple[view.TotalRow, ...]:
    """A row a figure, a column a currency; figures that no project has are left out."""
    totals = snapshot.totals
    by_key = {(f.name, f.unit): f for f in totals if is_currency(f.unit)}
    labels = {f.name: clean(f.label, 60) for f in by_key.values()}
    known = {name for (name, _), f in by_key.items() if f.value is not None}
    units = _currencies(totals)
    if all(_value(by_key.get(("budget", u))) == _value(by_key.get(("bac", u))) for u in units):
        known.discard("budget")  # the same once more
    return tuple(
        view.TotalRow(
            label=label,
            figures=tuple(
                shown(of, bare=True) if (of := by_key.get((name, u))) else Shown("–") for u in units
            ),
            known=tuple(_known(snapshot.projects, name, u) for u in units),
        )
        for name, label in labels.items()
        if name in known
    )


def _known(projects: Iterable[ProjectStatus], name: str, unit: str) -> str:
    """`2 of 4 projects`: how many a sum is of, where it leaves out any of its currency."""
    found = [f for p in projects if (f := p.figures.get(name)) is not None and f.unit == unit]
    known = sum(f.value is not None for f in found)
    return f"{known:,} of {count(len(found), 'project')}" if 0 < known < len(found) else ""


def _value(figure: Figure | None) -> Decimal | None:
    return figure.value if figure else None


def _currencies(totals: Sequence[Figure]) -> tuple[str, ...]:
    return tuple(sorted({f.unit for f in totals if is_currency(f.unit)}))
