"""The parts of the pages: findings, packages, money, contracts, scope, help desk, sources. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal

from itpm_sync.reconcile.changes import State
from itpm_sync.reconcile.inputs import Coverage
from itpm_sync.reconcile.splits import restructured
from itpm_sync.reconcile.status import (
    ContractStatus,
    Evidence,
    Finding,
    HelpDeskStatus,
    PackageStatus,
    ProjectStatus,
    Quarantined,
    ScopeChange,
    Severity,
    Unallocated,
)
from itpm_sync.reconcile.wording import kind, sentence
from itpm_sync.report import view
from itpm_sync.report.past import Past
from itpm_sync.report.wording import (
    WORDS,
    WORST_FIRST,
    amount,
    change,
    clean,
    count,
    day,
    hours,
    left_out,
    moment,
    money,
    normal,
    read_later,
    safe_url,
    shown,
    told_later,
)

TITLE = 160  # characters of a title on a page; the workbook has them all
MONEY_BARS = 12
SCOPE_ROWS = 12
QUARANTINED = 5  # records in quarantine that a page names
_SEVERITIES = tuple(Severity)


def value_of(project: ProjectStatus | PackageStatus, name: str) -> Decimal | None:
    """The value of a figure in the reader's unit, None where it is n/a or absent."""
    figure = project.figures.get(name)
    return normal(figure)[0] if figure else None


# ---- findings -----------------------------------------------------------------------------------


def finding_rows(findings: Iterable[Finding], past: Past) -> tuple[view.FindingRow, ...]:
    """Findings that count, by severity."""
    counted = (f for f in findings if f.waiver is None)
    ordered = sorted(counted, key=lambda f: _SEVERITIES.index(f.severity))
    return tuple(_finding(f, past) for f in ordered)


def waived_rows(findings: Iterable[Finding], past: Past) -> tuple[view.FindingRow, ...]:
    """Findings that somebody waived."""
    return tuple(_finding(f, past) for f in findings if f.waiver is not None)


def _finding(finding: Finding, past: Past) -> view.FindingRow:
    evidence = tuple(dict.fromkeys(link(e) for e in finding.evidence))
    state, waiver = past.changes.states.get(finding.key), finding.waiver
    return view.FindingRow(
        severity=finding.severity.value,
        code=clean(finding.code, 60),
        message=clean(finding.message, 400),
        action=clean(finding.action, 300),
        amount=money(finding.amount, exact=True) if finding.amount else "",
        evidence=evidence[:5],
        more_evidence=len(evidence[5:]),
        tag=state.value if state in (State.NEW, State.REOPENED) else "",
        since=day(finding.since) if finding.since else "",
        waived=clean(f"By {waiver.author} until {day(waiver.expires)}: {waiver.reason}", 400)
        if waiver
        else "",
    )


def link(evidence: Evidence) -> view.Link:
    label = clean(evidence.label, 80) or clean(evidence.identity, 80)
    return view.Link(label=label, url=safe_url(evidence.url))


def quarantined(records: Iterable[Quarantined]) -> tuple[tuple[view.Link, str], ...]:
    """Records that cannot be used, each with where it stands and why."""
    return tuple(
        (
            view.Link(label=clean(f"{r.source} {r.name}".strip(), 120), url=safe_url(r.url)),
            clean(r.message, 300),
        )
        for r in records
    )


def resolved(past: Past, project: str | None) -> tuple[str, ...]:
    """What was found in the last report and is not any more; of a project, or of all."""
    gone = (f for f in past.changes.resolved if project in (None, f.project))
    return tuple(clean(f.message, 200) for f in gone)


def changed(findings: Sequence[Finding], past: Past, project: str | None) -> str:
    """`Since last week: 2 new, 1 reopened, 3 resolved, 14 still open; 1 is waived.`"""
    if not past.when:
        return ""
    tally = past.changes.count(findings)
    waived = sum(f.waiver is not None for f in findings)
    text = (
        f"Since {_since(past)}: {tally[State.NEW]:,} new, "
        f"{tally[State.REOPENED]:,} reopened, {len(resolved(past, project)):,} resolved, "
        f"{tally[State.OPEN]:,} still open"
    )
    return f"{text}{f'; {waived:,} waived' if waived else ''}."


def _since(past: Past) -> str:
    """`last week (9 Nov 2026)`."""
    return f"last week ({past.on})" if past.when == "last week" else past.on


# ---- money -------------------------------------------------------------------------------------


def width(value: Decimal | None, whole: Decimal) -> str:
    """A CSS width: the share of `value` in `whole`, between 0 and 100 %."""
    if value is None or whole <= 0:
        return "0%"
    share = min(max(value * 100 / whole, Decimal(0)), Decimal(100))
    return f"{share.quantize(Decimal('0.01')).normalize():f}%"


_BAR = ("budget", "ordered", "invoiced", "paid")


def money_bars(packages: Sequence[PackageStatus]) -> tuple[view.MoneyBar, ...]:
    """Packages with known orders or bills, the biggest first, on one scale per currency: that of
    the project, or of the package's budget where it is another.
    """
    own = [_in_one_currency(p) for p in sorted(packages, key=_size, reverse=True)]
    rows = [(p, [value_of(p, n) for n in _BAR]) for p in own]
    rows = [(p, v) for p, v in rows if any(x is not None for x in v[1:]) and any(v)]
    by_unit: dict[str, Decimal] = {}
    for package, values in rows:
        unit = _unit(package)
        by_unit[unit] = max(by_unit.get(unit, Decimal(0)), *(v or Decimal(0) for v in values))
    return tuple(_money_bar(p, vs, by_unit[_unit(p)]) for p, vs in rows)


def _in_one_currency(package: PackageStatus) -> PackageStatus:
    """In the currency of its budget, unless a rate is missing and less of it is known there."""
    in_budgets = replace(package, figures={**package.figures, **package.in_budget_currency})
    return max((in_budgets, package), key=lambda p: sum(value_of(p, n) is not None for n in _BAR))


def money_note(project: ProjectStatus) -> str:
    """`Still to come: no source of receipts is connected: …`; empty where all is known."""
    committed = project.figures.get("committed")
    note = committed.note if committed and committed.value else ""
    return f"Still to come: {clean(note, 300)}." if note else ""


def _size(package: PackageStatus) -> Decimal:
    """The largest amount of a package, in the project's currency."""
    return max(value_of(package, name) or Decimal(0) for name in _BAR)


def _unit(package: PackageStatus) -> str:
    figure = package.figures.get("budget") or package.figures.get("ordered")
    return figure.unit if figure else ""


def _money_bar(
    package: PackageStatus, values: Sequence[Decimal | None], widest: Decimal
) -> view.MoneyBar:
    budget, ordered, invoiced, paid = values
    still, bills = package.figures.get("committed"), (("Invoiced", invoiced), ("paid", paid))
    told = [f"{word} {amount(v, _unit(package))}" for word, v in bills if v is not None]
    used = max(ordered or Decimal(0), invoiced or Decimal(0), paid or Decimal(0))
    over = used - budget if budget is not None and used > budget else None
    return view.MoneyBar(
        label=clean(package.name, 80) or clean(package.code, 60),
        budget=shown(package.figures.get("budget")),
        ordered=shown(package.figures.get("ordered")),
        invoiced=shown(package.figures.get("invoiced")),
        paid=shown(package.figures.get("paid")),
        open=shown(still).text if still and still.value else "",
        bills=sentence(", ".join(told)) if invoiced or paid else "",
        budget_at=width(budget, widest) if budget is not None else "",
        ordered_width=width(ordered, widest),
        invoiced_width=width(invoiced, widest),
        paid_width=width(paid, widest),
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
    return width(Decimal((when - span[0]).days), Decimal((span[1] - span[0]).days))


def contract_axis(contracts: Sequence[ContractStatus], today: date) -> view.ContractAxis | None:
    """The common scale of the contracts' clocks, None where no term is known."""
    if not any(c.start and c.end for c in contracts):
        return None
    span = _span(contracts, today)
    return view.ContractAxis(
        start=day(span[0]), end=day(span[1]), today_at=_at(today, span), today=day(today)
    )


def contracts(contracts: Sequence[ContractStatus], today: date) -> tuple[view.ContractRow, ...]:
    """Contracts, the worst first."""
    span = _span(contracts, today)
    worst = sorted(contracts, key=lambda c: (WORST_FIRST.index(c.colour), c.end or date.max))
    return tuple(_contract(c, span, today) for c in worst)


def _contract(c: ContractStatus, span: tuple[date, date], today: date) -> view.ContractRow:
    left = _at(c.start, span) if c.start and c.end else ""
    right = _at(c.end, span) if c.start and c.end else ""
    term = Decimal(right[:-1]) - Decimal(left[:-1]) if left else Decimal(0)
    title = clean(c.title, TITLE) or clean(c.number, 60)
    return view.ContractRow(
        title=view.Link(label=title, url=safe_url(c.url)),
        number=clean(c.number, 60),
        vendor=clean(c.vendor, 80),
        colour=c.colour,
        word=WORDS[c.colour],
        reason=sentence(clean(c.reason, 300)),
        term=f"{day(c.start)} to {day(c.end)}",
        notice=notice(c.notice_deadline, today),
        ceiling=money(c.ceiling) if c.ceiling else "no ceiling known",
        committed=money(c.committed) if c.committed else "n/a",
        invoiced=money(c.invoiced) if c.invoiced else "n/a",
        accrued=money(c.accrued) if c.accrued else "n/a",
        used=money(c.used) if c.used else "n/a",
        rest=money(c.left) if c.left else "n/a" if c.ceiling else "",
        burn=shown(c.burn),
        left=left,
        width=width(term, Decimal(100)) if left else "",
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


def newest(changes: Iterable[ScopeChange]) -> list[ScopeChange]:
    """Changes, the newest first."""
    return sorted(changes, key=lambda c: c.on or date.min, reverse=True)


def scope_row(c: ScopeChange) -> view.ScopeRow:
    """A scope change as a line of the table."""
    return view.ScopeRow(
        change=clean(c.change, 20),
        how=clean(restructured(c), 120),
        item=view.Link(label=clean(c.key, 60), url=safe_url(c.url)),
        title=clean(c.title, TITLE),
        work_package=clean(c.work_package, 60),
        on=day(c.on),
        approved_by=clean(c.approved_by, 60) or ("needs none" if c.size_kept else ""),
    )


def help_desk(
    desk: HelpDeskStatus | None, before: ProjectStatus | None, when: str
) -> view.HelpDesk | None:
    """The help desk's load and service levels, None where the project has none."""
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


def unallocated(row: Unallocated) -> view.UnallocatedRow:
    """Records of a kind that no rule placed."""
    return view.UnallocatedRow(
        what=count(row.count, clean(kind(row.kind), 40)),
        amount=money(worth) if (worth := row.amount or row.cost) else "",
        time=hours(row.duration_s) if row.duration_s else "",
        examples=tuple(link(e) for e in row.examples[:5]),
    )


def sources(coverage: Sequence[Coverage], zone: str) -> tuple[view.SourceRow, ...]:
    """One line a connection, with its oldest reading."""
    connections: dict[str, list[Coverage]] = {}
    for row in coverage:
        connections.setdefault(row.connection, []).append(row)
    return tuple(_source(name, rows, zone) for name, rows in sorted(connections.items()))


def _source(name: str, rows: Sequence[Coverage], zone: str) -> view.SourceRow:
    times = [r.as_of for r in rows if r.as_of]
    notes = [r.note for r in rows if r.note and not r.complete]
    later = {read_later(r, zone) for r in rows} - {""}
    return view.SourceRow(
        connection=clean(name, 60),
        streams=count(len({r.stream for r in rows}), "stream"),
        records=count(sum(r.stored for r in rows), "record"),
        as_of=moment(min(times), zone) if len(times) == len(rows) else _unread(times, later),
        complete=all(r.complete for r in rows),
        note=clean("; ".join(filter(None, (*notes[:2], *sorted(later)[:2], left_out(rows)))), 200),
    )


def _unread(times: Collection[datetime], later: Collection[str]) -> str:
    then = "not read by then" if later else "never read"
    return f"partly {then}" if times else then


def stream(row: Coverage, zone: str) -> view.StreamRow:
    """One stream of a connection."""
    known = "" if row.exact else "about "
    return view.StreamRow(
        connection=clean(row.connection, 60),
        stream=clean(row.stream, 60),
        scope=clean(row.scope, 80),
        stored=f"{row.stored:,}",
        at_source="not told" if row.source_count is None else f"{known}{row.source_count:,}",
        as_of=moment(row.as_of, zone),
        complete=row.complete,
        note=clean("; ".join(filter(None, (row.reason, told_later(row, zone)))), 200),
    )
