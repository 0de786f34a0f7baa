"""Checks of time, cost and scope against the plan, one function a code."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from fractions import Fraction

from itpm_sync.errors import up_to
from itpm_sync.model import InvoiceLine, Money, Project, Record, TimeEntry, WorkItem
from itpm_sync.reconcile.comparing import is_recent
from itpm_sync.reconcile.evm import EAC_METHODS
from itpm_sync.reconcile.facts import PackageFacts, ProjectFacts, finding, place
from itpm_sync.reconcile.figures import budgeted
from itpm_sync.reconcile.performance import is_counted
from itpm_sync.reconcile.portfolio import Register
from itpm_sync.reconcile.progress import Tally
from itpm_sync.reconcile.ratings import band, declared_colour, is_worse
from itpm_sync.reconcile.scope import is_done
from itpm_sync.reconcile.status import Colour, Finding, ProjectStatus, Severity
from itpm_sync.reconcile.wording import apart, count, day, plain, show
from itpm_sync.reconcile.workdays import impossible

_NAMED = 8  # packages; the plan has them all


def cost_overrun_forecast(p: ProjectFacts) -> Iterator[Finding]:
    """EAC by the declared method is above BAC."""
    eac, bac = p.numbers["eac"].value, p.values.bac.value
    if eac is None or bac is None or eac <= bac:
        return
    method = p.numbers["eac"].note or EAC_METHODS[p.policy.eac_method].label
    limit = (1 + Fraction(p.policy.overrun_high)) * bac
    severity = Severity.HIGH if eac > limit else Severity.MEDIUM
    yield finding(
        "cost-overrun-forecast",
        severity,
        p.code,
        "project",
        f"Forecast to end {p.told(eac - bac)} over budget: EAC {p.told(eac)} ({method}) − BAC "
        f"{p.told(bac)}",
        action="Find the packages with the lowest CPI; cut scope, add budget, or mend the plan.",
        amount=p.amount(eac - bac),
    )


def behind_schedule(p: ProjectFacts) -> Iterator[Finding]:
    """SPI is below the green band."""
    index, pv, ev = p.numbers["spi"].value, p.values.pv.value, p.values.ev.value
    if index is None or pv is None or ev is None or index >= p.policy.index_green:
        return
    yield finding(
        "behind-schedule",
        Severity.HIGH if index < p.policy.index_amber else Severity.MEDIUM,
        p.code,
        "project",
        f"Behind schedule by {p.told(pv - ev)}: SPI {show(index)} = EV {p.told(ev)} ÷ PV "
        f"{p.told(pv)}",
        action="Look at the late packages below; re-plan with a recorded baseline or add capacity.",
        amount=p.amount(pv - ev),
    )


def package_late(p: ProjectFacts) -> Iterator[Finding]:
    """A package is past its planned finish and not done."""
    late = [f for f in p.packages if f.state == "late" and not f.plan.is_summary]
    waiting = _open_items(p) if late else {}
    for f in late:
        if f.plan.finish is None:
            continue
        days = (p.data_date - f.plan.finish).days
        tally = p.work.tally(f.plan)
        yield finding(
            "package-late",
            Severity.HIGH if days > 28 else Severity.MEDIUM,
            p.code,
            f.plan.code,
            f"{_named(f)} was planned to finish on {day(f.plan.finish)} and is "
            f"{count(days, 'day')} late" + (f"; {_progress(tally)}" if tally.items else ""),
            action="Close it at the source if it is finished; otherwise agree a new date.",
            evidence=waiting.get(f.plan.code, ()),
        )


def _progress(tally: Tally) -> str:
    verb = "is" if tally.done == 1 else "are"
    return f"{tally.done} of {count(tally.items, 'item')} {verb} done"


def _open_items(p: ProjectFacts) -> Mapping[str, Sequence[WorkItem]]:
    """Items not done, by package: one pass, however many packages are late."""
    found: dict[str, list[WorkItem]] = defaultdict(list)
    for item, package, _ in p.scope.current:
        if not is_done(item, p.end):
            found[package].append(item)
    return found


def _named(f: PackageFacts) -> str:
    plan = f.plan
    name = f" ({plan.name})" if plan.name and plan.name != plan.code else ""
    return f"Work package {plan.code}{name}"


def package_over_budget(p: ProjectFacts) -> Iterator[Finding]:
    """A package has cost more than its budget."""
    for f in p.packages:
        ac, bac = f.values.ac.value, f.values.bac.value
        if p.in_money and ac is not None and bac is not None and not f.plan.is_summary and ac > bac:
            yield finding(
                "package-over-budget",
                Severity.HIGH,
                p.code,
                f.plan.code,
                f"{_named(f)}: AC {p.told(ac)} − BAC {p.told(bac)} = {p.told(ac - bac)} too much"
                f"{_by_rates(p, f)}",
                action="Check its bookings; move the wrong ones, or raise a change request.",
                amount=p.amount(ac - bac),
                evidence=_costs(p, f.plan.code),
            )


def _by_rates(p: ProjectFacts, f: PackageFacts) -> str:
    """What of AC comes from exchange rates that rose since the baseline; of AC, not of what is too
    much, which may be less.
    """
    fx = p.fx_variances.get(f.plan.code)
    if fx is None or not fx.value or fx.value < 0:
        return ""
    return f" (AC holds FX variance {p.told(fx.value)})"


def _costs(p: ProjectFacts, package: str) -> Iterator[Record]:
    """What the actual cost of a package is made of: bills, received order lines, time."""
    spent = (e for e in p.ledger.entries if e.package == package)
    yield from (e.record for e in spent if e.state in ("invoiced", "accrued"))
    yield from (t.record for t in p.records.of(TimeEntry) if t.package == package)


def cost_before_start(p: ProjectFacts) -> Iterator[Finding]:
    """Cost is booked on a package that has not started."""
    for f in p.packages:
        ac, ev = f.values.ac.value, f.values.ev.value
        early = f.plan.start is not None and f.plan.start > p.data_date
        if not p.in_money or ac is None or ac <= 0 or ev is None or ev:
            continue
        if not (early or _idle(f)):
            continue
        yield finding(
            "cost-before-start",
            Severity.MEDIUM,
            p.code,
            f.plan.code,
            f"{_named(f)}: {p.told(ac)} is booked, but nothing is earned and it has not started"
            + (f" (planned start {day(f.plan.start)})" if f.plan.start else ""),
            action="Move the bookings to the package that caused them, or record the actual start.",
            amount=p.amount(ac),
            evidence=_costs(p, f.plan.code),
        )


def _own(reason: str, f: PackageFacts) -> str:
    """The reason without the package that the message has named already."""
    return reason.removeprefix(f"{f.plan.label}: ")


def _idle(f: PackageFacts) -> bool:
    return f.state == "not started"


def actual_cost_negative(p: ProjectFacts) -> Iterator[Finding]:
    """Cumulative AC is below 0: more credit than cost."""
    ac = p.values.ac.value
    if ac is not None and ac < 0:
        yield finding(
            "actual-cost-negative",
            Severity.HIGH,
            p.code,
            "project",
            f"Cumulative AC is {p.told(ac)}: credit notes exceed all cost",
            action="Look for a credit note without its invoice, or with the wrong project.",
            amount=p.amount(ac),
            evidence=(i.record for i in p.records.of(InvoiceLine) if i.record.credit_note),
        )


def progress_unknown(p: ProjectFacts) -> Iterator[Finding]:
    """A planned package cannot be measured, so the project's earned value is n/a."""
    for f in p.packages:
        if not is_counted(f.plan, in_money=p.in_money):
            continue
        reason = f.values.ev.reason or f.values.pv.reason
        if reason and f.values.bac.value is not None:
            yield finding(
                "progress-unknown",
                Severity.MEDIUM,
                p.code,
                f.plan.code,
                f"{_named(f)}, measured by {f.plan.method.replace('_', ' ')}: {_own(reason, f)}",
                action="Give it dates and what its method measures, or another measurement method.",
                amount=p.amount(f.values.bac.value),
            )


def plan_dates_impossible(p: ProjectFacts) -> Iterator[Finding]:
    """Planned dates of the project or a package that cannot be meant."""
    plans: list[tuple[str, date | None, date | None, Record | None]]
    plans = [(f.plan.code, f.plan.start, f.plan.finish, f.plan.record) for f in p.packages]
    plans.append(("project", p.setup.start, p.setup.finish, _project_record(p)))
    for subject, start, finish, record in plans:
        wrong = impossible(start, finish)
        problem = ""
        if wrong is not None:
            problem = f"{day(wrong)} is before 1970 or after 2100"
        elif start is not None and finish is not None and finish < start:
            problem = f"the finish {day(finish)} is before the start {day(start)}"
        if not problem:
            continue
        where = f"{place(record)}: p" if record is not None else "P"
        what = "the project" if subject == "project" else f"work package {subject}"
        yield finding(
            "plan-dates-impossible",
            Severity.MEDIUM,
            p.code,
            subject,
            f"{where}lanned dates of {what}: {problem}",
            action="Correct the dates at the source; until then the plan is not time-phased.",
            evidence=[record] if record is not None else [],
        )


def _project_record(p: ProjectFacts) -> Project | None:
    return p.register.record if p.register is not None else None


def plan_cost_missing(p: ProjectFacts) -> Iterator[Finding]:
    """A register row without its costs, or a package without budget beside budgeted ones."""
    if p.register is not None and p.register.cost_variance.value is None:
        record = p.register.record
        yield finding(
            "plan-cost-missing",
            Severity.MEDIUM,
            p.code,
            record.ref.identity,
            f"{place(record)}: {record.name or record.code}: {p.register.cost_variance.reason}",
            action="Fill the amount at the source; until then no variance can be computed.",
            evidence=[record],
        )
    for f in p.packages:
        if p.in_money and f.plan.money is None and not f.plan.is_summary and not _has_parts(p, f):
            record_ = f.plan.record
            yield finding(
                "plan-cost-missing",
                Severity.LOW,
                p.code,
                f.plan.code,
                f"{_named(f)} has no budget, so it is not in BAC, PV and EV",
                action="Give it a budget (0 if its cost is planned elsewhere).",
                evidence=[record_] if record_ is not None else [],
            )


def _has_parts(p: ProjectFacts, f: PackageFacts) -> bool:
    code = f.plan.code.casefold()
    return any(o.plan.record and o.plan.record.parent.casefold() == code for o in p.packages)


def cost_variance_disagrees(p: ProjectFacts) -> Iterator[Finding]:
    """The published cost variance is not planned − actual."""
    if p.register is not None and p.register.cost_disagreements:
        yield _disagreement(
            "cost-variance-disagrees", p.code, p.register, p.register.cost_disagreements
        )


def schedule_variance_disagrees(p: ProjectFacts) -> Iterator[Finding]:
    """The published schedule variance is not planned − actual finish."""
    if p.register is not None and p.register.schedule_disagreements:
        yield _disagreement(
            "schedule-variance-disagrees", p.code, p.register, p.register.schedule_disagreements
        )


def _disagreement(code: str, project: str, row: Register, words: tuple[str, ...]) -> Finding:
    return finding(
        code,
        Severity.MEDIUM if code.startswith("cost") else Severity.LOW,
        project,
        row.record.ref.identity,
        f"{place(row.record)}: {row.record.name or row.record.code}: {'; '.join(words)}",
        action="Ask who publishes the figure which number is wrong; ours uses the row's own.",
        evidence=[row.record],
    )


def plan_changed(p: ProjectFacts) -> Iterator[Finding]:
    """BAC moved since the previous snapshot without a new baseline, and not by exchange rates."""
    before, on = p.previous, p.previous_on
    if before is None or on is None or before.unit != p.unit or not p.in_money:
        return
    if not is_recent(on, p.data_date):
        return
    was, now = before.figures.get("bac"), p.values.bac.value
    if was is None or was.value is None or now is None or Fraction(was.value) == now:
        return
    agreed = p.baseline is not None and p.baseline.on > on
    changes = [*_budget_changes(p, before)]
    if agreed or not changes:
        return
    former = Fraction(was.value)
    is_large = abs(now - former) > Fraction(p.policy.overrun_high) * former
    yield finding(
        "plan-changed",
        Severity.HIGH if is_large else Severity.MEDIUM,
        p.code,
        "project",
        f"BAC was {p.told(former)} in the snapshot of {day(on)} and is {p.told(now)}: "
        + up_to(_NAMED, changes, "; "),
        action="Record a baseline with its approval if this was agreed; else restore the plan.",
        amount=p.amount(now - former),
    )


def _budget_changes(p: ProjectFacts, before: ProjectStatus) -> Iterator[str]:
    """`1.2 EUR 18,000.00 → none`: each package whose budget is not what it was, in its own
    currency; nothing where only exchange rates moved.
    """
    priced = [k for k in before.packages if (b := k.figures.get("budget")) and b.value is not None]
    figures = {k.code: k.in_budget_currency.get("budget") or k.figures["budget"] for k in priced}
    was = {k: Money(f.value, f.unit) for k, f in figures.items() if f.value is not None}
    now = {f.plan.code: f.plan.money for f in budgeted(p) if f.plan.money is not None}
    for code in sorted(was.keys() | now.keys()):
        if (old := was.get(code)) != (new := now.get(code)):
            yield f"{code} {old or 'none'} → {new or 'none'}"


def level_of_effort_high(p: ProjectFacts) -> Iterator[Finding]:
    """So much of the budget is level of effort that the indices are flattered."""
    share = p.numbers["effort_share"].value
    if share is None or share <= 100 * p.policy.effort_share:
        return
    cpi, spi = (p.numbers[name].value for name in ("cpi_discrete", "spi_discrete"))
    told = ", ".join(
        f"{name} {show(value)}" for name, value in (("CPI", cpi), ("SPI", spi)) if value is not None
    )
    yield finding(
        "level-of-effort-high",
        Severity.LOW,
        p.code,
        "plan",
        f"{show(share, 0)} % of the budget is level of effort, which earns as time passes"
        + (f"; without it {told}" if told else ""),
        action="Measure by results what has results; judge the project by its indices without it.",
    )


def declared_better_than_computed(p: ProjectFacts) -> Iterator[Finding]:
    """The declared rating is better than what the figures say."""
    declared = declared_colour(p.setup.declared_rating)
    computed = p.rating.colour
    if declared is None or computed is Colour.GREY or not is_worse(computed, declared):
        return
    yield finding(
        "declared-better-than-computed",
        Severity.MEDIUM,
        p.code,
        "rating",
        f"Declared {declared}, but the figures say {computed}. {p.rating.reason}",
        action="Ask the project manager which facts are missing, and have them recorded.",
    )


def cost_index_implausible(p: ProjectFacts) -> Iterator[Finding]:
    """CPI far above 1: a bad plan, or cost that nobody booked."""
    index = p.numbers["cpi"].value
    if not p.policy.two_sided or index is None or index <= 1:
        return
    if band(index, p.policy) is Colour.RED:
        bound = 2 - p.policy.index_amber
        yield finding(
            "cost-index-implausible",
            Severity.MEDIUM,
            p.code,
            "project",
            f"CPI {apart(index, bound)} is above {plain(bound)}: more is earned than its cost "
            "can explain",
            action="Look for time and invoices that are not booked yet, and for a padded budget.",
        )


def project_empty(p: ProjectFacts) -> Iterator[Finding]:
    """Nothing at all was found for the project. Low while a source was never read: it may well be
    there, and that it was not read is a finding of its own.
    """
    if p.register is not None or any(p.records.kinds.values()):
        return
    unread = sorted({name for names in p.never_read.values() for name in names})
    action = "Compare its code with the sources' project keys; check rules and permissions."
    yield finding(
        "project-empty",
        Severity.LOW if unread else Severity.HIGH,
        p.code,
        "project",
        f"No record of any source belongs to project {p.code}"
        + (f"; never read: {', '.join(unread)}" if unread else ""),
        action="Have the source read first." if unread else action,
    )
