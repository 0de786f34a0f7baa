"""Snapshot → what the pages show. Pure: the same snapshots give the same pages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from types import MappingProxyType

from itpm_sync.model import Money
from itpm_sync.reconcile.status import (
    Colour,
    ContractStatus,
    Coverage,
    Evidence,
    Figure,
    Finding,
    HelpDeskStatus,
    PackageStatus,
    ProjectStatus,
    Rating,
    ScopeChange,
    Severity,
    Snapshot,
    Unallocated,
)  # fmt: skip
from itpm_sync.report import view
from itpm_sync.report.wording import (
    NBSP,
    WORDS,
    WORST_FIRST,
    Shown,
    amount,
    change,
    clean,
    count,
    day,
    hours,
    is_currency,
    iso_week,
    moment,
    money,
    normal,
    percent,
    plain,
    project_file,
    safe_url,
    shown,
)  # fmt: skip

TITLE = 160  # characters of a title on a page; the workbook has them all
MONEY_BARS = 12
SCOPE_ROWS = 12
PORTFOLIO_FINDINGS = 12
TRAIL = 12
_PACKAGE_FIGURES = ("bac", "pv", "ev", "ac", "cv", "sv", "cpi", "spi", "eac")
_LINE_FIGURES = ("cpi", "spi", "bac", "eac", "vac")
_TOTALS = ("bac", "pv", "ev", "ac", "eac", "budget", "committed", "invoiced", "paid")
_SEVERITIES = tuple(Severity)
_KINDS = MappingProxyType(
    {
        "work_item": "work item",
        "help_desk_item": "help-desk item",
        "time_entry": "time entry",
        "order_line": "order line",
        "invoice_line": "invoice line",
    }
)


@dataclass(frozen=True, slots=True)
class Past:
    """The reports before this one, looked up by project. `when` is how a reader calls the last."""

    when: str = ""
    projects: Mapping[str, ProjectStatus] = field(default_factory=dict)
    colours: Mapping[Colour, int] = field(default_factory=dict)
    findings: frozenset[str] | None = None
    trails: Mapping[str, tuple[view.TrailPoint, ...]] = field(default_factory=dict)

    @classmethod
    def of(
        cls, snapshot: Snapshot, previous: Snapshot | None, history: Sequence[Snapshot] = ()
    ) -> Past:
        """What lies before `snapshot`; snapshots of the same or a later data date do not."""
        trails = _trails(snapshot, (*history, *((previous,) if previous else ())))
        if previous is None or previous.data_date >= snapshot.data_date:
            return cls(trails=trails)
        age = (snapshot.data_date - previous.data_date).days
        return cls(
            when="last week" if 5 <= age <= 9 else f"on {day(previous.data_date)}",
            projects={p.code: p for p in previous.projects},
            colours=Counter(p.rating.colour for p in previous.projects),
            findings=frozenset(f.key for f in _all_findings(previous)),
            trails=trails,
        )


def _trails(
    snapshot: Snapshot, history: Iterable[Snapshot]
) -> dict[str, tuple[view.TrailPoint, ...]]:
    by_date = {s.data_date: s for s in history if s.data_date < snapshot.data_date}
    trails: dict[str, list[view.TrailPoint]] = {}
    for on in sorted(by_date)[-(TRAIL - 1) :]:
        for project in by_date[on].projects:
            colour = project.rating.colour
            point = view.TrailPoint(on=day(on), colour=colour, word=WORDS[colour])
            trails.setdefault(project.code, []).append(point)
    return {code: tuple(points) for code, points in trails.items()}


def _all_findings(snapshot: Snapshot) -> list[Finding]:
    return [*snapshot.findings, *(f for p in snapshot.projects for f in p.findings)]


# ---- a project ----------------------------------------------------------------------------------


def build_project(project: ProjectStatus, snapshot: Snapshot, past: Past) -> view.ProjectPage:
    """What a project's page shows."""
    before = past.projects.get(project.code)
    colour = project.rating.colour
    now = view.TrailPoint(on=day(snapshot.data_date), colour=colour, word=WORDS[colour])
    bars = _money_bars(project.packages)
    return view.ProjectPage(
        head=_head(snapshot, past),
        code=clean(project.code, 40),
        name=clean(project.name, TITLE) or clean(project.code, TITLE),
        facts=_facts(project),
        headline=headline(project),
        rating=_mark(project.rating, before.rating if before else None),
        dimensions=_dimensions(project, before),
        trail=(*past.trails.get(project.code, ()), now),
        key_figures=_key_figures(project, before, past.when),
        unit=project.unit,
        data_date=snapshot.data_date,
        bac=_value(project, "bac"),
        curve_now=_series(project, ("pv", "Planned value"), ("ev", "Earned value"),
                          ("ac", "Actual cost")),
        curve=project.curve,
        burnup=project.burnup,
        burnup_now=_burn_now(project),
        findings=_findings(project.findings, past),
        resolved=_resolved(project, before),
        money=bars[:MONEY_BARS],
        money_hidden=len(bars[MONEY_BARS:]),
        package_figures=tuple(n.upper() for n in _PACKAGE_FIGURES),
        packages=tuple(_package(p) for p in _by_concern(project.packages)),
        axis=_axis(project.contracts, snapshot.data_date),
        contracts=_contracts(project.contracts, snapshot.data_date),
        scope=tuple(_scope(c) for c in _newest(project.scope_changes)[:SCOPE_ROWS]),
        scope_hidden=len(project.scope_changes[SCOPE_ROWS:]),
        help_desk=_help_desk(project.help_desk, before, past.when),
        risks=tuple((clean(c, 40), clean(t, TITLE), clean(e, 80)) for c, t, e in project.risks),
        unallocated=tuple(_unallocated(u) for u in project.unallocated),
        sources=_sources(snapshot.coverage),
    )  # fmt: skip


def _head(snapshot: Snapshot, past: Past) -> view.Head:
    return view.Head(
        portfolio=clean(snapshot.title, TITLE),
        week=iso_week(snapshot.data_date),
        data_date=day(snapshot.data_date),
        run=clean(snapshot.run, 80),
        when=past.when,
    )


def _facts(project: ProjectStatus) -> tuple[tuple[str, str], ...]:
    term = f"{day(project.planned_start)} to {day(project.planned_finish)}"
    known = project.planned_start or project.planned_finish
    facts = (
        ("Phase", project.stage.value.capitalize()),
        ("Manager", clean(project.manager, 80)),
        ("Sponsor", clean(project.sponsor, 80)),
        ("Planned", term if known else ""),
        ("Declared by its manager", clean(project.declared_rating, 40)),
    )
    return tuple((label, text) for label, text in facts if text)


def _value(project: ProjectStatus | PackageStatus, name: str) -> Decimal | None:
    figure = project.figures.get(name)
    return normal(figure)[0] if figure else None


def headline(project: ProjectStatus) -> str:
    """The status in one or two plain sentences, made of the figures that are known."""
    parts = [p for p in (_progress(project), _cost(project), _forecast(project)) if p]
    if not parts:
        return "Nothing is known yet that could be compared with a plan."
    return " ".join(f"{p[0].upper()}{p[1:]}." for p in parts)


def _planned_percent(project: ProjectStatus | PackageStatus) -> Decimal | None:
    pv, bac = _value(project, "pv"), _value(project, "bac")
    return pv * 100 / bac if pv is not None and bac else None


def _progress(project: ProjectStatus) -> str:
    done, planned = _value(project, "percent"), _planned_percent(project)
    if done is None:
        return ""
    if planned is None:
        return f"{percent(done)} of the work is done"
    return f"{percent(done)} of the work is done, {percent(planned)} was planned by now"


def _cost(project: ProjectStatus) -> str:
    if not is_currency(project.unit):
        return ""
    variance, spent, budget = (_value(project, n) for n in ("cv", "ac", "bac"))
    if variance is not None:
        if not variance:
            return "it has cost what that work was budgeted at"
        side = "more" if variance < 0 else "less"
        size = money(Money(abs(variance), project.unit))
        return f"it has cost {size} {side} than that work was budgeted at"
    if spent is not None and budget is not None:
        return (
            f"{amount(spent, project.unit)} is spent of a budget of {amount(budget, project.unit)}"
        )
    return ""


def _forecast(project: ProjectStatus) -> str:
    eac, vac, bac = (_value(project, n) for n in ("eac", "vac", "bac"))
    if eac is None or vac is None or bac is None or not is_currency(project.unit):
        return ""
    if not vac:
        return f"the forecast meets the budget of {amount(bac, project.unit)}"
    side = "over" if vac < 0 else "under"
    return (
        f"at this rate it will end at {amount(eac, project.unit)}, "
        f"{money(Money(abs(vac), project.unit))} {side} its budget"
    )


def _mark(rating: Rating, before: Rating | None) -> view.Mark:
    move = ""
    if before:
        step = WORST_FIRST.index(rating.colour) - WORST_FIRST.index(before.colour)
        move = "same" if not step else "better" if step > 0 else "worse"
    return view.Mark(
        dimension=clean(rating.dimension, 40).capitalize(),
        colour=rating.colour,
        word=WORDS[rating.colour],
        reason=clean(rating.reason, 300),
        before=before.colour if before else None,
        before_word=WORDS[before.colour] if before else "",
        move=move,
    )


def _dimensions(project: ProjectStatus, before: ProjectStatus | None) -> tuple[view.Mark, ...]:
    earlier = {r.dimension: r for r in before.ratings} if before else {}
    return tuple(_mark(r, earlier.get(r.dimension)) for r in project.ratings)


def _key_figures(
    project: ProjectStatus, before: ProjectStatus | None, when: str
) -> tuple[view.KeyFigure, ...]:
    def key(name: str, label: str, beside: str) -> view.KeyFigure:
        now = project.figures.get(name)
        moved = change(now, before.figures.get(name), when) if before else ""
        return view.KeyFigure(label=label, value=shown(now), beside=beside, change=moved)

    def side(name: str, text: str) -> str:
        value = shown(project.figures.get(name))
        return "" if value.missing else text.format(value.text)

    planned = _planned_percent(project)
    variance = shown(project.figures.get("vac"))
    return (
        key("percent", "Work done", "" if planned is None else f"{percent(planned)} planned"),
        key("spi", "Schedule index (SPI)", side("sv", "variance {}")),
        key("cpi", "Cost index (CPI)", side("cv", "variance {}")),
        key("ac", "Spent", side("bac", "of {} budget")),
        key(
            "eac", "Forecast at completion", "" if variance.missing else f"variance {variance.text}"
        ),
        key("creep", "Scope growth", _scope_side(project)),
    )


def _scope_side(project: ProjectStatus) -> str:
    added, removed = _value(project, "added"), _value(project, "removed")
    if added is None or removed is None:
        return ""
    return f"{plain(added)} added, {plain(removed)} removed"


def _series(project: ProjectStatus, *names: tuple[str, str]) -> tuple[tuple[str, str, str], ...]:
    return tuple((n, label, shown(project.figures.get(n)).text) for n, label in names)


def _burn_now(project: ProjectStatus) -> tuple[tuple[str, str, str], ...]:
    if not project.burnup:
        return ()
    last = project.burnup[-1]
    return (("scope", "Scope", f"{last.scope:,} items"), ("done", "Done", f"{last.done:,} items"))


# ---- findings -----------------------------------------------------------------------------------


def _findings(
    findings: Iterable[Finding], past: Past, pages: Mapping[str, view.Link] | None = None
) -> tuple[view.FindingRow, ...]:
    ordered = sorted(findings, key=lambda f: _SEVERITIES.index(f.severity))
    return tuple(_finding(f, past, pages) for f in ordered)


def _finding(
    finding: Finding, past: Past, pages: Mapping[str, view.Link] | None
) -> view.FindingRow:
    return view.FindingRow(
        severity=finding.severity.value,
        code=clean(finding.code, 60),
        message=clean(finding.message, 400),
        action=clean(finding.action, 300),
        amount=money(finding.amount, exact=True) if finding.amount else "",
        evidence=tuple(_link(e) for e in finding.evidence[:5]),
        more_evidence=len(finding.evidence[5:]),
        is_new=past.findings is not None and finding.key not in past.findings,
        project=pages.get(finding.project) if pages else None,
    )


def _link(evidence: Evidence) -> view.Link:
    label = clean(evidence.label, 80) or clean(evidence.identity, 80)
    return view.Link(label=label, url=safe_url(evidence.url))


def _resolved(project: ProjectStatus, before: ProjectStatus | None) -> tuple[str, ...]:
    still = {f.key for f in project.findings}
    gone = (f for f in (before.findings if before else ()) if f.key not in still)
    return tuple(clean(f.message, 200) for f in gone)


# ---- work packages and money --------------------------------------------------------------------


def _by_concern(packages: Iterable[PackageStatus]) -> list[PackageStatus]:
    """Late ones first, then what is at work, what comes, what is done; in the plan's order."""
    order = {"late": 0, "in progress": 1, "not started": 2}
    return sorted(packages, key=lambda p: order.get(p.state, 3))


def _package(package: PackageStatus) -> view.PackageRow:
    items, items_done = _value(package, "items"), _value(package, "items_done")
    done = _value(package, "percent")
    known = items is not None and items_done is not None
    return view.PackageRow(
        code=clean(package.code, 60),
        name=clean(package.name, TITLE),
        team=clean(package.team, 60),
        method=clean(package.method, 40).replace("_", " "),
        state=clean(package.state, 40),
        start=day(package.planned_start),
        finish=day(package.planned_finish),
        done=shown(package.figures.get("percent")),
        done_width=_width(done, Decimal(100)),
        items=f"{plain(items_done or Decimal(0))}/{plain(items or Decimal(0))}" if known else "",
        figures=tuple(shown(package.figures.get(n), bare=True) for n in _PACKAGE_FIGURES),
    )


def _width(value: Decimal | None, whole: Decimal) -> str:
    """A CSS width: the share of `value` in `whole`, between 0 and 100 %."""
    if value is None or whole <= 0:
        return "0%"
    share = min(max(value * 100 / whole, Decimal(0)), Decimal(100))
    return f"{share.quantize(Decimal('0.01')).normalize():f}%"


def _money_bars(packages: Sequence[PackageStatus]) -> tuple[view.MoneyBar, ...]:
    names = ("budget", "committed", "invoiced", "paid")
    rows = [(p, [_value(p, n) for n in names]) for p in packages]
    rows = [(p, v) for p, v in rows if any(v)]
    by_unit: dict[str, Decimal] = {}
    for package, values in rows:
        unit = _unit(package)
        by_unit[unit] = max(by_unit.get(unit, Decimal(0)), *(v or Decimal(0) for v in values))
    bars = [(max(v or Decimal(0) for v in vs), _money_bar(p, vs, by_unit[_unit(p)]))
            for p, vs in rows]  # fmt: skip
    return tuple(bar for _, bar in sorted(bars, key=lambda pair: -pair[0]))


def _unit(package: PackageStatus) -> str:
    figure = package.figures.get("budget") or package.figures.get("committed")
    return figure.unit if figure else ""


def _money_bar(
    package: PackageStatus, values: Sequence[Decimal | None], widest: Decimal
) -> view.MoneyBar:
    budget, committed, invoiced, paid = values
    used = max(committed or Decimal(0), invoiced or Decimal(0), paid or Decimal(0))
    over = used - budget if budget is not None and used > budget else None
    return view.MoneyBar(
        label=clean(package.name, 80) or clean(package.code, 60),
        budget=shown(package.figures.get("budget")),
        committed=shown(package.figures.get("committed")),
        invoiced=shown(package.figures.get("invoiced")),
        paid=shown(package.figures.get("paid")),
        budget_at=_width(budget, widest) if budget is not None else "",
        committed_width=_width(committed, widest),
        invoiced_width=_width(invoiced, widest),
        paid_width=_width(paid, widest),
        over=amount(over, _unit(package)) if over is not None else "",
    )


# ---- contracts ----------------------------------------------------------------------------------


def _span(contracts: Sequence[ContractStatus], today: date) -> tuple[date, date]:
    days = [d for c in contracts for d in (c.start, c.end) if d]
    return (
        max(min([*days, today]), today - timedelta(days=730)),
        min(max([*days, today]), today + timedelta(days=730)) + timedelta(days=14),
    )


def _at(when: date, span: tuple[date, date]) -> str:
    return _width(Decimal((when - span[0]).days), Decimal((span[1] - span[0]).days))


def _axis(contracts: Sequence[ContractStatus], today: date) -> view.ContractAxis | None:
    if not any(c.start and c.end for c in contracts):
        return None
    span = _span(contracts, today)
    return view.ContractAxis(
        start=day(span[0]), end=day(span[1]), today_at=_at(today, span), today=day(today)
    )


def _contracts(contracts: Sequence[ContractStatus], today: date) -> tuple[view.ContractRow, ...]:
    span = _span(contracts, today)
    worst = sorted(contracts, key=lambda c: (WORST_FIRST.index(c.colour), c.end or date.max))
    return tuple(_contract(c, span, today) for c in worst)


def _contract(c: ContractStatus, span: tuple[date, date], today: date) -> view.ContractRow:
    left = _at(c.start, span) if c.start and c.end else ""
    right = _at(c.end, span) if c.start and c.end else ""
    width = Decimal(right[:-1]) - Decimal(left[:-1]) if left else Decimal(0)
    title = clean(c.title, TITLE) or clean(c.number, 60)
    return view.ContractRow(
        title=view.Link(label=title, url=safe_url(c.url)),
        number=clean(c.number, 60),
        vendor=clean(c.vendor, 80),
        colour=c.colour,
        word=WORDS[c.colour],
        reason=clean(c.reason, 300),
        term=f"{day(c.start)} to {day(c.end)}",
        notice=notice(c.notice_deadline, today),
        ceiling=money(c.ceiling) if c.ceiling else "no ceiling known",
        committed=money(c.committed) if c.committed else "n/a",
        invoiced=money(c.invoiced) if c.invoiced else "n/a",
        burn=shown(c.burn),
        left=left,
        width=_width(width, Decimal(100)) if left else "",
        notice_at=_at(c.notice_deadline, span) if left and c.notice_deadline else "",
    )


def notice(deadline: date | None, today: date) -> str:
    """The notice clock in words: `Notice by 30 Nov 2026, in 8 days`."""
    if deadline is None:
        return "No notice deadline is known"
    left = (deadline - today).days
    if left < 0:
        return f"Notice deadline passed {count(-left, 'day')} ago, on {day(deadline)}"
    return f"Notice by {day(deadline)}, " + (f"in {count(left, 'day')}" if left else "today")


# ---- scope, help desk, unallocated, sources -----------------------------------------------------


def _newest(changes: Iterable[ScopeChange]) -> list[ScopeChange]:
    return sorted(changes, key=lambda c: c.on or date.min, reverse=True)


def _scope(c: ScopeChange) -> view.ScopeRow:
    return view.ScopeRow(
        change=clean(c.change, 20),
        item=view.Link(label=clean(c.key, 60), url=safe_url(c.url)),
        title=clean(c.title, TITLE),
        work_package=clean(c.work_package, 60),
        on=day(c.on),
        approved_by=clean(c.approved_by, 60),
    )


def _help_desk(
    desk: HelpDeskStatus | None, before: ProjectStatus | None, when: str
) -> view.HelpDesk | None:
    if desk is None:
        return None
    earlier = before.help_desk if before else None
    return view.HelpDesk(
        open_now=f"{desk.open_now:,}",
        priorities=tuple((clean(n, 40) or "none", f"{k:,}") for n, k in desk.open_by_priority),
        within_sla=shown(desk.within_sla),
        sla_change=change(desk.within_sla, earlier.within_sla, when) if earlier else "",
        response_breaches=f"{desk.response_breaches:,}",
        resolve_breaches=f"{desk.resolve_breaches:,}",
        effort=shown(desk.effort),
        weeks=desk.weeks,
    )


def _unallocated(row: Unallocated) -> view.UnallocatedRow:
    one = _KINDS.get(row.kind, row.kind.replace("_", " "))
    return view.UnallocatedRow(
        what=count(row.count, clean(one, 40)).replace("entrys", "entries"),
        amount=money(row.amount) if row.amount else "",
        time=hours(row.duration_s) if row.duration_s else "",
        examples=tuple(_link(e) for e in row.examples[:5]),
    )


def _sources(coverage: Sequence[Coverage]) -> tuple[view.SourceRow, ...]:
    connections: dict[str, list[Coverage]] = {}
    for row in coverage:
        connections.setdefault(row.connection, []).append(row)
    return tuple(_source(name, rows) for name, rows in sorted(connections.items()))


def _source(name: str, rows: Sequence[Coverage]) -> view.SourceRow:
    times = [r.as_of for r in rows if r.as_of]
    notes = [r.note for r in rows if r.note and not r.complete]
    return view.SourceRow(
        connection=clean(name, 60),
        streams=count(len({r.stream for r in rows}), "stream"),
        records=count(sum(r.stored for r in rows), "record"),
        as_of=moment(min(times)) if len(times) == len(rows) else "partly never read",
        complete=all(r.complete for r in rows),
        note=clean("; ".join(notes[:2]), 200),
    )


def _stream(row: Coverage) -> view.StreamRow:
    known = "" if row.exact else "about "
    return view.StreamRow(
        connection=clean(row.connection, 60),
        stream=clean(row.stream, 60),
        scope=clean(row.scope, 80),
        stored=f"{row.stored:,}",
        at_source="not told" if row.source_count is None else f"{known}{row.source_count:,}",
        as_of=moment(row.as_of),
        complete=row.complete,
        note=clean(row.note, 200),
    )


# ---- the portfolio ------------------------------------------------------------------------------


def build_portfolio(
    snapshot: Snapshot, past: Past, pages: frozenset[str] | None = None
) -> view.PortfolioPage:
    """What the portfolio's page shows; `pages` are the codes with a page of their own (all)."""
    lines = tuple(_line(p, past, pages) for p in snapshot.projects)
    ordered = sorted(lines, key=lambda line: (line.rank, -line.high, line.name))
    links = {p.code: view.Link(label=line.name, url=line.page)
             for p, line in zip(snapshot.projects, lines, strict=True)}  # fmt: skip
    findings = _findings(_all_findings(snapshot), past, links)
    return view.PortfolioPage(
        head=_head(snapshot, past),
        headline=portfolio_headline(lines, past.when),
        shares=_shares(lines, past),
        moved=tuple(line for line in ordered if line.rating.move in ("better", "worse")),
        total_labels=_total_labels(snapshot.totals),
        totals=_totals(snapshot.totals),
        projects=tuple(ordered),
        without_page=sum(not line.page for line in lines),
        findings=findings[:PORTFOLIO_FINDINGS],
        findings_hidden=len(findings[PORTFOLIO_FINDINGS:]),
        unallocated=tuple(_unallocated(u) for u in snapshot.unallocated),
        sources=_sources(snapshot.coverage),
        streams=tuple(_stream(c) for c in snapshot.coverage),
    )


def _line(project: ProjectStatus, past: Past, pages: frozenset[str] | None) -> view.ProjectLine:
    before = past.projects.get(project.code)
    high = sum(f.severity is Severity.HIGH for f in project.findings)
    own = pages is None or project.code in pages
    return view.ProjectLine(
        code=clean(project.code, 40),
        name=clean(project.name, TITLE) or clean(project.code, TITLE),
        page=project_file(project.code) if own else "",
        manager=clean(project.manager, 80),
        stage=project.stage.value,
        rating=_mark(project.rating, before.rating if before else None),
        rank=WORST_FIRST.index(project.rating.colour),
        done=shown(project.figures.get("percent")),
        done_width=_width(_value(project, "percent"), Decimal(100)),
        planned_width=_width(_planned_percent(project), Decimal(100)),
        unit=project.unit,
        figures=tuple(shown(project.figures.get(n), bare=True) for n in _LINE_FIGURES),
        findings=f"{len(project.findings):,}",
        high=high,
    )


def portfolio_headline(lines: Sequence[view.ProjectLine], when: str) -> str:
    """The portfolio in a sentence: `1 of 3 projects is red, 1 amber, 1 green. 1 got worse …`."""
    if not lines:
        return "There is no project in this portfolio yet."
    tally = Counter(line.rating.colour for line in lines)
    parts = [f"{tally[c]:,}{NBSP}{WORDS[c].lower()}" for c in WORST_FIRST if tally[c]]
    text = f"{count(len(lines), 'project')}: {', '.join(parts)}."
    if not when:
        return f"{text} This is the first report."
    moves = Counter(line.rating.move for line in lines)
    worse, better = (f"{moves[m]:,}" if moves[m] else "none" for m in ("worse", "better"))
    since = "since last week" if when == "last week" else f"since the report {when}"
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
            width=_width(Decimal(tally[c]), Decimal(len(lines))),
        )
        for c in WORST_FIRST
    )


def _total_labels(totals: Sequence[Figure]) -> tuple[str, ...]:
    return tuple({f.name: clean(f.label, 40) for f in totals if is_currency(f.unit)}.values())


def _totals(totals: Sequence[Figure]) -> tuple[tuple[str, tuple[Shown, ...]], ...]:
    names = tuple(dict.fromkeys(f.name for f in totals if is_currency(f.unit)))
    by_key = {(f.unit, f.name): f for f in totals}
    units = sorted({f.unit for f in totals if is_currency(f.unit)})
    return tuple((u, tuple(shown(by_key.get((u, n)), bare=True) for n in names)) for u in units)
