"""Snapshot → an Excel workbook with live numbers.

Inputs are numbers, what follows from them are formulas over those cells, with their values stored
too, so that a viewer that does not calculate shows them. n/a stands as text, with the reason in the
last column. The same snapshot gives the same bytes: the document's date is the data date.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from io import BytesIO

from xlsxwriter import Workbook

from itpm_sync.reconcile.effort import NAMES as EFFORT
from itpm_sync.reconcile.forecast import COST, FINISH
from itpm_sync.reconcile.status import (
    ContractStatus,
    Coverage,
    Evidence,
    Figure,
    HelpDeskStatus,
    PackageStatus,
    ProjectStatus,
    Severity,
    Snapshot,
)
from itpm_sync.report.ranges import finish_day, percentiles
from itpm_sync.report.sheet import Cell, Column, Formats, Live, Table
from itpm_sync.report.wording import NBSP, clean, day, is_currency, iso_week, safe_url

Row = Sequence[Cell]


def render_workbook(snapshot: Snapshot) -> bytes:
    """The workbook's bytes."""
    content = BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False,
               "strings_to_numbers": False}  # fmt: skip
    book = Workbook(content, options)
    book.set_properties(
        {
            "title": clean(snapshot.title, 120),
            "subject": f"Status on {snapshot.data_date.isoformat()}",
            "created": datetime.combine(snapshot.data_date, time()),
        }
    )
    book.set_calc_mode("auto")
    _fill(book, snapshot)
    book.close()
    return content.getvalue()


def _fill(book: Workbook, snapshot: Snapshot) -> None:
    formats = Formats(book)

    def table(name: str, columns: tuple[Column, ...], rows: Iterable[Row], *, freeze: int = 2,
              top: int = 0) -> Table:  # fmt: skip
        made = Table(book.add_worksheet(name), formats, columns, top)
        made.fill(tuple(rows), freeze=freeze)
        return made

    projects = snapshot.projects
    money_rows = tuple(_money_rows(projects))
    portfolio = table("Portfolio", _PORTFOLIO, map(_project, projects), top=3)
    _title(portfolio, snapshot)
    table(
        "Work packages", _PACKAGES, (_package(p, w) for p in projects for w in p.packages), freeze=3
    )
    drawn = _drawn_names(projects)
    table(
        "Pace",
        (*_PACE[:-1], *_drawn_columns(drawn), _PACE[-1]),
        (_pace(p, drawn, snapshot.data_date) for p in projects),
    )
    table("Baselines", _BASELINES, map(_baselines, projects))
    money = table("Money", _MONEY, money_rows, freeze=4)
    table("Totals", _TOTALS, _total_rows(snapshot, portfolio, money, len(money_rows)))
    table("Findings", _FINDINGS, _finding_rows(snapshot), freeze=3)
    table("Gates", _GATES, _gate_rows(projects), freeze=3)
    table("Contracts", _CONTRACTS, _contract_rows(snapshot), freeze=3)
    table("Help desk", _DESK, (_desk(p.code, d) for p in projects if (d := p.help_desk)))
    table("Help desk weeks", _WEEKS, _week_rows(projects))
    table("Quality", _QUALITY, map(_quality, projects))
    table("Defect weeks", _DEFECT_WEEKS, _defect_rows(projects))
    table("Effort", _EFFORT, _effort_rows(projects), freeze=3)
    table("Scope", _SCOPE, _scope_rows(projects), freeze=3)
    table("Unallocated", _UNALLOCATED, _unallocated_rows(snapshot))
    table("Coverage", _COVERAGE, map(_coverage, snapshot.coverage), freeze=3)


def _title(table: Table, snapshot: Snapshot) -> None:
    big, plain = table.formats.get(bold=True, font_size=14), table.formats.get()
    about = f"{iso_week(snapshot.data_date)} · data date {day(snapshot.data_date)}"
    table.sheet.write_string(0, 0, clean(snapshot.title, 200), big)
    table.sheet.write_string(1, 0, about.replace(NBSP, " "), plain)


# ---- earned value -------------------------------------------------------------------------------

_EVM = (
    Column("bac", "Budget (BAC)", 17),
    Column("pv", "Planned value", 17),
    Column("ev", "Earned value", 17),
    Column("ac", "Actual cost", 17),
    Column("cv", "Cost variance", 17),
    Column("sv", "Schedule variance", 17),
    Column("cpi", "CPI", 8),
    Column("spi", "SPI", 8),
    Column("eac", "Forecast (EAC)", 17),
    Column("vac", "Variance at completion", 17),
    Column("percent", "Done", 9),
    Column("method", "Forecast by", 18),
)
_PORTFOLIO = (
    Column("code", "Code", 12),
    Column("name", "Project", 34),
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
    Column("planned_cost", "Planned cost", 17),
    Column("actual_cost", "Projected or actual cost", 17),
    Column("cost_variance", "Cost variance, planned − actual", 17),
    Column("schedule_variance_days", "Schedule variance, days", 11),
    Column("items", "Items", 9),
    Column("items_done", "Items done", 9),
    Column("added", "Added", 9),
    Column("removed", "Removed", 9),
    Column("creep", "Scope growth", 10),
    Column("scope_growth", "Scope growth in a month", 10),
    Column("high", "High findings", 9),
    Column("findings", "Findings", 9),
    Column("computed", "Computed rating", 10),
    Column("why", "n/a because", 50),
)
_PACKAGES = (
    Column("project", "Project", 12),
    Column("code", "Code", 12),
    Column("name", "Work package", 34),
    Column("team", "Team", 20),
    Column("measured", "Measured by", 18),
    Column("state", "State", 12),
    Column("start", "Planned start", 13),
    Column("finish", "Planned finish", 13),
    Column("unit", "Unit", 8),
    *_EVM,
    Column("items", "Items", 9),
    Column("items_done", "Items done", 9),
    Column("effort_s", "Effort", 10),
    Column("why", "n/a because", 50),
)


def _project(p: ProjectStatus) -> Row:
    counted = [f for f in p.findings if f.waiver is None]
    high = sum(f.severity is Severity.HIGH for f in counted)
    over = _minus(_value(p.figures, "planned_cost"), _value(p.figures, "actual_cost"))
    scope = ("items", "items_done", "added", "removed", "creep", "scope_growth")
    return (
        p.code, p.name, p.rating.colour, p.rating.reason,
        p.declared_rating, p.stage.value,
        p.manager, p.sponsor, p.planned_start, p.planned_finish, p.unit, *_evm(p.figures),
        p.figures.get("planned_cost"), p.figures.get("actual_cost"),
        Live(p.figures.get("cost_variance"), (("{planned_cost}-{actual_cost}", over),)),
        p.figures.get("schedule_variance_days"), *(p.figures.get(n) for n in scope), high,
        len(counted), p.rating.computed or p.rating.colour, _why(p.figures),
    )  # fmt: skip


def _package(p: ProjectStatus, w: PackageStatus) -> Row:
    bac = w.figures.get("bac")
    return (
        p.code, w.code, w.name, w.team, w.method.replace("_", " "), w.state, w.planned_start,
        w.planned_finish, bac.unit if bac else p.unit, *_evm(w.figures), w.figures.get("items"),
        w.figures.get("items_done"), w.figures.get("effort_s"), _why(w.figures),
    )  # fmt: skip


def _evm(figures: Mapping[str, Figure]) -> Row:
    """Inputs as numbers, the rest as formulas (PMI's, see docs/configuration.md for the choice)."""
    bac, pv, ev, ac, eac = (_value(figures, n) for n in ("bac", "pv", "ev", "ac", "eac"))

    def live(name: str, *formulas: tuple[str, Decimal | None]) -> Live:
        return Live(figures.get(name), formulas)

    share = _over(ev, bac)
    note = figures["eac"].note if "eac" in figures else ""
    return (
        *(figures.get(n) for n in ("bac", "pv", "ev", "ac")),
        live("cv", ("{ev}-{ac}", _minus(ev, ac))),
        live("sv", ("{ev}-{pv}", _minus(ev, pv))),
        live("cpi", ("{ev}/{ac}", _over(ev, ac))),
        live("spi", ("{ev}/{pv}", _over(ev, pv))),
        live("eac", ("{bac}*{ac}/{ev}", _over(_times(bac, ac), ev)),
             ("{ac}+{bac}-{ev}", _minus(_plus(ac, bac), ev))),
        live("vac", ("{bac}-{eac}", _minus(bac, eac))),
        live("percent", ("{ev}/{bac}", None if share is None else share * 100)),
        note,
    )  # fmt: skip


def _value(figures: Mapping[str, Figure], name: str) -> Decimal | None:
    figure = figures.get(name)
    return figure.value if figure else None


def _minus(a: Decimal | None, b: Decimal | None) -> Decimal | None:
    return None if a is None or b is None else a - b


def _plus(a: Decimal | None, b: Decimal | None) -> Decimal | None:
    return None if a is None or b is None else a + b


def _times(a: Decimal | None, b: Decimal | None) -> Decimal | None:
    return None if a is None or b is None else a * b


def _over(a: Decimal | None, b: Decimal | None) -> Decimal | None:
    return None if a is None or not b else a / b


def _why(figures: Mapping[str, Figure]) -> str:
    """Reason and names of all figures without a value: `no cost is booked (ac, cpi)`."""
    names: dict[str, list[str]] = {}
    for name, figure in figures.items():
        if figure.value is None:
            names.setdefault(figure.reason or "no reason was recorded", []).append(name)
    return "; ".join(f"{reason} ({', '.join(of)})" for reason, of in names.items())


# ---- forecast and pace --------------------------------------------------------------------------

_PACE_FIGURES = (
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
)
_PACE = (
    Column("code", "Code", 12),
    Column("name", "Project", 34),
    *(Column(name, title, 15) for name, title in _PACE_FIGURES),
    Column("low_by", "Lowest by", 30),
    Column("high_by", "Highest by", 30),
    Column("finish", "Forecast finish", 22),
    Column("why", "n/a because", 50),
)


_BASELINE_FIGURES = (
    ("bac", "BAC"),
    ("bac_original", "BAC, original"),
    ("bac_growth", "Growth of BAC"),
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
)
_BASELINES = (
    Column("code", "Code", 12),
    Column("name", "Project", 34),
    Column("original", "Original baseline", 26),
    Column("current", "Baseline in force", 26),
    *(Column(name, title, 17) for name, title in _BASELINE_FIGURES),
    Column("why", "n/a because", 50),
)


def _baselines(p: ProjectStatus) -> Row:
    named = [f"{b.version} of {day(b.on).replace(NBSP, ' ')} by {b.author}" for b in p.baselines]
    first, last = (named[0], named[-1]) if named else ("", "")
    shown = {n: f for n, _ in _BASELINE_FIGURES if (f := p.figures.get(n))}
    figures = (shown.get(n) for n, _ in _BASELINE_FIGURES)
    return (p.code, p.name, first, last, *figures, _why(shown))


def _drawn_names(projects: Iterable[ProjectStatus]) -> tuple[str, ...]:
    """The simulated figures that any project has."""
    found = {
        (prefix, p)
        for of in projects
        for prefix in (FINISH, COST)
        for p, _ in percentiles(of, prefix)
    }
    return tuple(f"{prefix}{p}" for prefix, p in sorted(found, key=lambda x: (x[0] == COST, x[1])))


def _drawn_columns(names: Iterable[str]) -> Iterable[Column]:
    for name in names:
        what = "Finish" if name.startswith(FINISH) else "Cost at completion"
        yield Column(name, f"{what}, {name.rpartition('p')[2]} % likely", 15)


def _pace(p: ProjectStatus, drawn: Sequence[str], today: date) -> Row:
    shown = {n: f for n in (*(n for n, _ in _PACE_FIGURES), *drawn) if (f := p.figures.get(n))}
    noted = (shown[n].note if n in shown else "" for n in ("eac_low", "eac_high", "ieac_t"))
    cells = (_drawn(n, shown.get(n), today) for n in drawn)
    return (
        p.code, p.name, *(shown.get(n) for n, _ in _PACE_FIGURES), *noted, *cells, _why(shown),
    )  # fmt: skip


def _drawn(name: str, figure: Figure | None, today: date) -> Cell:
    """A simulated finish as its day, anything else as the figure."""
    if figure is None or not name.startswith(FINISH):
        return figure
    return finish_day(figure, today) or "n/a"


# ---- money --------------------------------------------------------------------------------------

_STATES = (
    "budget", "ordered", "committed", "received", "accrued", "invoiced", "paid", "labour",
)  # fmt: skip
_STATE_TITLES = {"committed": "Committed (open orders)", "accrued": "Received, not invoiced"}
_MONEY = (
    Column("project", "Project", 12),
    Column("level", "Level", 13),
    Column("code", "Code", 12),
    Column("name", "Name", 34),
    Column("unit", "Currency", 9),
    *(Column(name, _STATE_TITLES.get(name, name.capitalize()), 17) for name in _STATES),
    Column("free", "Budget not ordered", 17),
    Column("open", "Ordered, not invoiced", 17),
    Column("unpaid", "Invoiced, not paid", 17),
    Column("why", "n/a because", 50),
)


def _money_rows(projects: Iterable[ProjectStatus]) -> Iterable[Row]:
    for p in projects:
        if any(is_currency(f.unit) for n in _STATES if (f := p.figures.get(n))):
            yield _money_row(p, "project", p)
        for w in p.packages:
            if any(is_currency(f.unit) for n in _STATES if (f := w.figures.get(n))):
                yield _money_row(p, "work package", w)


def _money_row(p: ProjectStatus, level: str, of: ProjectStatus | PackageStatus) -> Row:
    states = {n: f for n in _STATES if (f := of.figures.get(n))}
    unit = next(f.unit for f in states.values() if is_currency(f.unit))

    def rest(whole: str, part: str) -> Cell:
        value = _minus(_value(states, whole), _value(states, part))
        figure = Figure(name="", label="", value=value, unit=unit)
        return Live(figure, ((f"{{{whole}}}-{{{part}}}", value),))

    return (
        p.code, level, of.code, of.name, unit, *(states.get(n) for n in _STATES),
        rest("budget", "ordered"), rest("ordered", "invoiced"), rest("invoiced", "paid"),
        _why(states),
    )  # fmt: skip


_TOTALS = (
    Column("unit", "Currency", 10),
    Column("figure", "Figure", 24),
    Column("sum", "Sum of the projects that have it", 20),
    Column("known", "Projects that have it", 12),
    Column("missing", "Projects where it is n/a", 12),
    Column("snapshot", "In the snapshot", 20),
    Column("why", "n/a because", 50),
)


def _total_rows(snapshot: Snapshot, portfolio: Table, money: Table, lines: int) -> Iterable[Row]:
    """Sums per currency and figure as formulas over the other sheets; never across currencies."""
    projects = len(snapshot.projects)
    level = money.span("level", lines)
    figures = (f for p in snapshot.projects for f in p.figures.values())
    for unit in sorted({f.unit for f in figures if is_currency(f.unit)}):
        for name in ("bac", "pv", "ev", "ac", "eac"):
            where = f"{portfolio.span('unit', projects)},{{unit}}"
            yield _total(snapshot, unit, name, portfolio.span(name, projects), where)
        for name in ("budget", "ordered", "committed", "received", "invoiced", "paid"):
            where = f'{money.span("unit", lines)},{{unit}},{level},"project"'
            yield _total(snapshot, unit, name, money.span(name, lines), where)


def _total(snapshot: Snapshot, unit: str, name: str, cells: str, where: str) -> Row:
    figures = [f for p in snapshot.projects if (f := p.figures.get(name)) and f.unit == unit]
    values = [f.value for f in figures if f.value is not None]
    official = next((f for f in snapshot.totals if f.name == name and f.unit == unit), None)
    label = next((f.label for f in (official, *figures) if f), name)
    missing = len(figures) - len(values)
    return (
        unit,
        label,
        _computed(sum(values, Decimal(0)), unit, f"SUMIFS({cells},{where})"),
        _computed(Decimal(len(values)), "items", f'COUNTIFS({where},{cells},"<>n/a",{cells},"<>")'),
        _computed(Decimal(missing), "items", f'COUNTIFS({where},{cells},"n/a")'),
        official,
        official.reason if official else "",
    )


def _computed(value: Decimal, unit: str, formula: str) -> Live:
    return Live(Figure(name="", label="", value=value, unit=unit), ((formula, value),))


# ---- findings, contracts ------------------------------------------------------------------------

_FINDINGS = (
    Column("project", "Project", 12),
    Column("severity", "Severity", 10),
    Column("code", "Finding", 22),
    Column("subject", "Subject", 20),
    Column("message", "Message", 60),
    Column("action", "What to do", 50),
    Column("amount", "Amount", 17),
    Column("unit", "Currency", 9),
    Column("since", "Since", 13),
    Column("first", "First seen", 13),
    Column("waived", "Waived by", 18),
    Column("until", "Waived until", 13),
    Column("because", "Waived because", 40),
    Column("evidence", "Evidence", 40),
    Column("links", "Links", 40),
)
_CONTRACTS = (
    Column("project", "Project", 12),
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
    Column("committed", "Committed", 17),
    Column("invoiced", "Invoiced", 17),
    Column("left", "Ceiling left", 17),
    Column("burn", "Value used per time gone", 12),
    Column("why", "n/a because", 40),
    Column("link", "Link", 40),
)


def _finding_rows(snapshot: Snapshot) -> Iterable[Row]:
    for f in snapshot.all_findings:
        by = f.waiver
        yield (
            f.project, f.severity.value, f.code, f.subject, f.message, f.action, f.amount,
            f.amount.currency if f.amount else "", f.since, f.first_seen,
            by.author if by else "", by.expires if by else None, by.reason if by else "",
            _labels(f.evidence), _urls(f.evidence),
        )  # fmt: skip


_GATES = (
    Column("project", "Project", 12),
    Column("gate", "Gate", 12),
    Column("criterion", "Criterion", 22),
    Column("text", "What it asks", 50),
    Column("mandatory", "Mandatory", 10),
    Column("answer", "Answer", 10),
    Column("told", "What was found", 60),
    Column("approved", "Approved by", 20),
    Column("on", "Approved on", 13),
    Column("despite", "Despite", 40),
    Column("owner", "Handed over to", 24),
)


def _gate_rows(projects: Iterable[ProjectStatus]) -> Iterable[Row]:
    """Each approved gate, and each criterion of the next one."""
    for p in projects:
        for g in p.gates:
            if g.approved_by:
                yield (
                    p.code, g.gate.value, "", "", "", "", g.note, g.approved_by, g.approved_on,
                    g.despite, g.owner,
                )  # fmt: skip
        coming = p.next_gate
        for c in coming.criteria if coming else ():
            yield (
                p.code, coming.gate.value if coming else "", c.id, c.text,
                "yes" if c.mandatory else "no", c.answer.value, c.told, "", None, "", "",
            )  # fmt: skip


def _labels(evidence: Sequence[Evidence]) -> str:
    return ", ".join(e.label or e.identity for e in evidence)


def _urls(evidence: Sequence[Evidence]) -> str:
    return " ".join(url for e in evidence if (url := safe_url(e.url)))


def _contract_rows(snapshot: Snapshot) -> Iterable[Row]:
    for p in snapshot.projects:
        for c in p.contracts:
            yield _contract(p.code, c, snapshot.data_date)


def _contract(project: str, c: ContractStatus, today: date) -> Row:
    known = next((m.currency for m in (c.ceiling, c.committed, c.invoiced) if m), "")
    left = _money_left(c)
    return (
        project, c.number, c.title, c.vendor, c.colour, c.reason, c.start, c.end,
        c.notice_deadline, _days_left(c.notice_deadline, today), known, c.ceiling, c.committed,
        c.invoiced, left, c.burn, c.burn.reason if c.burn.value is None else "", safe_url(c.url),
    )  # fmt: skip


def _days_left(deadline: date | None, today: date) -> Cell:
    if deadline is None or deadline.year < 1900:
        return None
    formula = f"{{notice}}-DATE({today.year},{today.month},{today.day})"
    return _computed(Decimal((deadline - today).days), "days", formula)


def _money_left(c: ContractStatus) -> Cell:
    if not c.ceiling or not c.committed or c.ceiling.currency != c.committed.currency:
        return None
    left = c.ceiling - c.committed
    return _computed(left.amount, left.currency, "{ceiling}-{committed}")


# ---- help desk, scope, unallocated, coverage ----------------------------------------------------

_DESK = (
    Column("project", "Project", 12),
    Column("open", "Open now", 10),
    Column("priorities", "Open by priority", 34),
    Column("response", "Answered too late", 12),
    Column("resolve", "Resolved too late", 12),
    Column("sla", "Within SLA, 28 days", 12),
    Column("effort", "Effort, 7 days", 12),
    Column("why", "n/a because", 50),
)
_WEEKS = (
    Column("project", "Project", 12),
    Column("monday", "Week from", 13),
    Column("opened", "Opened", 10),
    Column("resolved", "Resolved", 10),
    Column("net", "Net", 10),
    Column("open", "Open at its end", 12),
)
_SCOPE = (
    Column("project", "Project", 12),
    Column("change", "Change", 10),
    Column("key", "Item", 14),
    Column("title", "Title", 60),
    Column("package", "Work package", 16),
    Column("on", "On", 13),
    Column("approved", "Approved by", 16),
    Column("link", "Link", 40),
)
_UNALLOCATED = (
    Column("project", "Project", 14),
    Column("kind", "Kind", 18),
    Column("count", "Records", 10),
    Column("amount", "Amount", 17),
    Column("unit", "Currency", 9),
    Column("time", "Time", 11),
    Column("examples", "Examples", 60),
)
_COVERAGE = (
    Column("connection", "Connection", 18),
    Column("stream", "Stream", 22),
    Column("scope", "Scope", 18),
    Column("stored", "Stored", 10),
    Column("source", "At the source", 12),
    Column("missing", "Difference", 11),
    Column("exact", "Count is", 10),
    Column("as_of", "Data as of (UTC)", 17),
    Column("complete", "Completeness", 13),
    Column("note", "Note", 60),
)


def _desk(project: str, desk: HelpDeskStatus) -> Row:
    priorities = ", ".join(f"{name or 'none'} {n}" for name, n in desk.open_by_priority)
    figures = {"within SLA": desk.within_sla, "effort": desk.effort}
    return (
        project, desk.open_now, priorities, desk.response_breaches, desk.resolve_breaches,
        desk.within_sla, desk.effort, _why(figures),
    )  # fmt: skip


def _week_rows(projects: Iterable[ProjectStatus]) -> Iterable[Row]:
    for p in projects:
        for w in p.help_desk.weeks if p.help_desk else ():
            net = _computed(Decimal(w.opened - w.resolved), "items", "{opened}-{resolved}")
            yield (p.code, w.monday, w.opened, w.resolved, net, w.open_at_end)


_QUALITY_FIGURES = (
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
)
_QUALITY = (
    Column("project", "Project", 12),
    *(Column(name, title, 14) for name, title in _QUALITY_FIGURES),
    Column("why", "n/a because", 50),
)
_DEFECT_WEEKS = (
    Column("project", "Project", 12),
    Column("monday", "Week from", 13),
    Column("opened", "Opened", 10),
    Column("closed", "Closed", 10),
    Column("reopened", "Reopened", 10),
    Column("open", "Open at its end", 10),
)


def _quality(p: ProjectStatus) -> Row:
    shown = {n: f for n, _ in _QUALITY_FIGURES if (f := p.figures.get(n))}
    return (p.code, *(shown.get(n) for n, _ in _QUALITY_FIGURES), _why(shown))


def _defect_rows(projects: Iterable[ProjectStatus]) -> Iterable[Row]:
    for p in projects:
        for w in p.defect_weeks:
            yield (p.code, w.monday, w.opened, w.closed, w.reopened, w.open_at_end)


_EFFORT = (
    Column("project", "Project", 12),
    Column("by", "By", 10),
    Column("name", "Priority or type", 22),
    Column("items", "Items done", 10),
    Column("estimated", "Estimated", 12),
    Column("spent", "Spent", 12),
    Column("variance", "Variance: estimated − spent", 14),
    Column("percent", "Variance, share of estimated", 14),
)


def _effort_rows(projects: Iterable[ProjectStatus]) -> Iterable[Row]:
    for p in projects:
        if _value(p.figures, "effort_estimated_s"):
            yield (p.code, "project", "", None, *_efforts(p.figures))
        for g in p.effort:
            yield (p.code, g.by, g.name, g.items, *_efforts(g.figures))


def _efforts(figures: Mapping[str, Figure]) -> Row:
    estimated, spent, variance, percent = EFFORT
    left = _minus(_value(figures, estimated), _value(figures, spent))
    return (
        figures.get(estimated), figures.get(spent),
        Live(figures.get(variance), (("{estimated}-{spent}", left),)), figures.get(percent),
    )  # fmt: skip


def _scope_rows(projects: Iterable[ProjectStatus]) -> Iterable[Row]:
    for p in projects:
        for c in p.scope_changes:
            approved = c.approved_by or "not approved"
            yield (
                p.code, c.change, c.key, c.title, c.work_package, c.on, approved, safe_url(c.url),
            )  # fmt: skip


def _unallocated_rows(snapshot: Snapshot) -> Iterable[Row]:
    owned = ((p.code, u) for p in snapshot.projects for u in p.unallocated)
    for project, u in (*(("(no project)", u) for u in snapshot.unallocated), *owned):
        seconds = None if u.duration_s is None else Decimal(u.duration_s)
        time = seconds if seconds is None else Figure(name="", label="", value=seconds, unit="s")
        yield (
            project, u.kind.replace("_", " "), u.count, u.amount,
            u.amount.currency if u.amount else "", time, _labels(u.examples),
        )  # fmt: skip


def _coverage(c: Coverage) -> Row:
    known = c.source_count is not None
    missing = Decimal((c.source_count or 0) - c.stored)
    return (
        c.connection, c.stream, c.scope, c.stored, c.source_count if known else "not told",
        _computed(missing, "items", "{source}-{stored}") if known else None,
        "exact" if c.exact else "estimated", c.as_of, "complete" if c.complete else "incomplete",
        c.note,
    )  # fmt: skip
