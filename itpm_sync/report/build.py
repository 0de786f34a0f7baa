"""Snapshot → what a project's page shows. Pure: the same snapshots give the same page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

from itpm_sync.model import Money
from itpm_sync.reconcile.figures import OF_WHICH_DISPUTED
from itpm_sync.reconcile.gates import told
from itpm_sync.reconcile.glossary import terms
from itpm_sync.reconcile.status import Figure, PackageStatus, ProjectStatus, Rating, Snapshot
from itpm_sync.reconcile.wording import sentence
from itpm_sync.report import view
from itpm_sync.report.baselines import comparison, layers
from itpm_sync.report.effort import effort_groups
from itpm_sync.report.pace import pace, why_missing
from itpm_sync.report.packages import (
    PACKAGE_FIGURES,
    are_rounded,
    by_concern,
    package,
    package_sums,
    sums_note,
)
from itpm_sync.report.past import Past
from itpm_sync.report.quality import exposures, quality, quality_weeks
from itpm_sync.report.ranges import simulated
from itpm_sync.report.sections import (
    MONEY_BARS,
    QUARANTINED,
    SCOPE_ROWS,
    TITLE,
    changed,
    contract_axis,
    contracts,
    finding_rows,
    help_desk,
    money_bars,
    money_note,
    newest,
    quarantined,
    resolved,
    scope_row,
    sources,
    unallocated,
    value_of,
    waived_rows,
)
from itpm_sync.report.wording import (
    DOUBT,
    WORDS,
    WORST_FIRST,
    amount,
    change,
    clean,
    count,
    day,
    is_currency,
    iso_week,
    money,
    percent,
    plain,
    shown,
)

# ---- a project ----------------------------------------------------------------------------------


def build_project(project: ProjectStatus, snapshot: Snapshot, past: Past) -> view.ProjectPage:
    """What a project's page shows."""
    before = past.projects.get(project.code)
    colour = project.rating.colour
    now = view.TrailPoint(on=day(snapshot.data_date), colour=colour, word=WORDS[colour])
    bars, forecast = money_bars(project.packages), pace(project)
    drawn = simulated(project, snapshot.data_date)
    return view.ProjectPage(
        head=page_head(snapshot, past),
        code=clean(project.code, 40),
        name=clean(project.name, TITLE) or clean(project.code, TITLE),
        facts=_facts(project),
        headline=headline(project),
        rating=rating_mark(project.rating, before.rating if before else None),
        dimensions=_dimensions(project, before),
        trail=(*past.trails.get(project.code, ()), now),
        key_figures=_key_figures(project, before, past.when),
        unit=project.unit,
        data_date=snapshot.data_date,
        bac=value_of(project, "bac"),
        curve_now=_series(project, ("pv", "Planned value"), ("ev", "Earned value"),
                          ("ac", "Actual cost")),
        curve=project.curve,
        burnup=project.burnup,
        burnup_now=_burn_now(project),
        pace=forecast,
        pace_missing=why_missing(forecast),
        effort=effort_groups(project),
        forecast=drawn.sentence,
        forecast_bars=drawn.bars,
        comparison=comparison(project),
        layers=layers(project),
        quality=quality(project),
        quality_weeks=quality_weeks(project),
        exposures=exposures(project),
        quarantined=quarantined(project.quarantined[:QUARANTINED]),
        quarantined_hidden=len(project.quarantined[QUARANTINED:]),
        unread=tuple(sentence(clean(text, 400)) for text in project.unread),
        findings=finding_rows(project.findings, past),
        waived=waived_rows(project.findings, past),
        changed=changed(project.findings, past, project.code),
        resolved=resolved(past, project.code),
        money=bars[:MONEY_BARS],
        money_hidden=len(bars[MONEY_BARS:]),
        money_note=money_note(project),
        package_figures=tuple(n.upper() for n in PACKAGE_FIGURES),
        packages=tuple(package(p) for p in by_concern(project.packages)),
        package_sums=package_sums(project),
        sums_note=sums_note(project),
        sums_rounded=are_rounded(project),
        axis=contract_axis(project.contracts, snapshot.data_date),
        contracts=contracts(project.contracts, snapshot.data_date),
        scope=tuple(scope_row(c) for c in newest(project.scope_changes)[:SCOPE_ROWS]),
        scope_hidden=len(project.scope_changes[SCOPE_ROWS:]),
        help_desk=help_desk(project.help_desk, before, past.when),
        risks=tuple((clean(c, 40), clean(t, TITLE), clean(e, 80)) for c, t, e in project.risks),
        unallocated=tuple(unallocated(u) for u in project.unallocated),
        sources=sources(snapshot.coverage, snapshot.zone),
        terms=terms(figures_of(project)),
    )  # fmt: skip


def figures_of(project: ProjectStatus) -> Iterator[Figure]:
    """The figures of a project and its help desk."""
    yield from project.figures.values()
    if project.help_desk is not None:
        yield project.help_desk.within_sla


def page_head(snapshot: Snapshot, past: Past) -> view.Head:
    """What every page says about itself."""
    return view.Head(
        portfolio=clean(snapshot.title, TITLE),
        week=iso_week(snapshot.data_date),
        data_date=day(snapshot.data_date),
        run=clean(snapshot.run, 80),
        when=past.when,
        alone=past.alone,
    )


def _facts(project: ProjectStatus) -> tuple[tuple[str, str], ...]:
    term = f"{day(project.planned_start)} to {day(project.planned_finish)}"
    known = project.planned_start or project.planned_finish
    facts = (
        ("Phase", project.stage.value.capitalize()),
        ("Manager", clean(project.manager, 80)),
        ("Sponsor", clean(project.sponsor, 80)),
        ("Planned", term if known else ""),
        ("Plan", f"As it was first read, on {day(read)}" if (read := project.plan_read) else ""),
        ("Declared by its manager", clean(project.declared_rating, 40)),
        ("Gate", gate_line(project)),
        ("Owner in operations", clean(_heir(project), 80)),
    )
    return tuple((label, text) for label, text in facts if text)


def gate_line(project: ProjectStatus) -> str:
    """The next stage gate and what is missing before it, in a line.

    Empty for a row of a register: of a project that is known by its cost and dates alone, no gate's
    evidence can be there, and saying so of each would hide the others.
    """
    from_register = "planned_cost" in project.figures and not project.packages
    if not project.gates or from_register:
        return ""
    return sentence(clean(told(project.next_gate), 600))


def _heir(project: ProjectStatus) -> str:
    """To whom closing has handed the project over."""
    return next((g.owner for g in project.gates if g.owner), "")


def headline(project: ProjectStatus) -> str:
    """The status in one or two plain sentences, made of the figures that are known."""
    known = (_progress(project), _cost(project), _forecast(project), *_register(project))
    parts = [p for p in known if p]
    if not parts:
        return f"Nothing is known yet that could be compared with a plan{_why_no_plan(project)}."
    return " ".join(f"{sentence(p)}." for p in parts)


def _why_no_plan(project: ProjectStatus) -> str:
    bac = project.figures.get("bac")
    why = bac is not None and project.packages and bac.value is None and clean(bac.reason, 300)
    return f": {why}" if why else ""


def planned_percent(project: ProjectStatus | PackageStatus) -> Decimal | None:
    """What was planned to be done by the data date, in percent; None where it is not known."""
    pv, bac = value_of(project, "pv"), value_of(project, "bac")
    return pv * 100 / bac if pv is not None and bac else None


def _progress(project: ProjectStatus) -> str:
    done, planned = value_of(project, "percent"), planned_percent(project)
    if done is None:
        return _undone(project, planned)
    if planned is None:
        return f"{percent(done)} of the work is done"
    return f"{percent(done)} of the work is done, {percent(planned)} was planned by now"


def _undone(project: ProjectStatus, planned: Decimal | None) -> str:
    """What is known of the plan where what is done is not, and why it is not."""
    plan, done = value_of(project, "bac"), project.figures.get("percent")
    if plan is None or done is None:
        return ""
    told = f"the plan is worth {amount(plan, project.unit)}"
    if planned is not None:
        told = f"{percent(planned)} of the plan's {amount(plan, project.unit)} was planned by now"
    return f"{told}, but how much is done is n/a: {shown(done).hint}"


def _cost(project: ProjectStatus) -> str:
    if not is_currency(project.unit):
        return ""
    variance, spent, budget = (value_of(project, n) for n in ("cv", "ac", "bac"))
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
    if budget is not None and value_of(project, "percent") is None and "ac" in project.figures:
        return f"what it has cost is n/a: {shown(project.figures['ac']).hint}"
    return ""


def _forecast(project: ProjectStatus) -> str:
    eac, vac, bac = (value_of(project, n) for n in ("eac", "vac", "bac"))
    if eac is None or vac is None or bac is None or not is_currency(project.unit):
        return ""
    if not vac:
        return f"the forecast meets the budget of {amount(bac, project.unit)}"
    side = "over" if vac < 0 else "under"
    if shown(project.figures["eac"]).doubtful:
        return (
            "the cost booked is less than half of what is earned and can hardly be all: at that "
            f"rate it would end at {amount(eac, project.unit)}{DOUBT}, "
            f"{money(Money(abs(vac), project.unit))} {side} its budget"
        )
    return (
        f"at this rate it will end at {amount(eac, project.unit)}, "
        f"{money(Money(abs(vac), project.unit))} {side} its budget"
    )


def _is_register(project: ProjectStatus) -> bool:
    """Whether only the totals of a register are known: planned and actual cost and dates."""
    return "planned_cost" in project.figures and value_of(project, "bac") is None


def _register(project: ProjectStatus) -> tuple[str, ...]:
    if not _is_register(project):
        return ()
    cost = project.figures.get("cost_variance")
    late = value_of(project, "schedule_variance_days")
    return (
        _register_cost(project, cost) if cost and cost.value is not None else "",
        "" if late is None else _register_time(late),
    )


def _register_cost(project: ProjectStatus, variance: Figure) -> str:
    names = ("actual_cost", "planned_cost")
    actual, planned = (shown(project.figures.get(n)).text for n in names)
    size = amount(abs(variance.value or Decimal(0)), variance.unit)
    side = f", {size} {'over' if variance.value < 0 else 'under'}" if variance.value else ""
    return f"it costs {actual} against {planned} planned{side}"


def _register_time(days: Decimal) -> str:
    if not days:
        return "it finishes as planned"
    side = "later" if days < 0 else "earlier"
    return f"it finishes {count(int(abs(days)), 'day')} {side} than planned"


def rating_mark(rating: Rating, before: Rating | None) -> view.Mark:
    """A rating in words, and how it moved."""
    move = ""
    if before:
        step = WORST_FIRST.index(rating.colour) - WORST_FIRST.index(before.colour)
        move = "same" if not step else "better" if step > 0 else "worse"
    return view.Mark(
        dimension=clean(rating.dimension, 40).capitalize(),
        colour=rating.colour,
        word=WORDS[rating.colour],
        reason=sentence(clean(rating.reason, 600 if rating.override else 300)),
        computed_word=WORDS[rating.computed] if rating.computed else "",
        before=before.colour if before else None,
        before_word=WORDS[before.colour] if before else "",
        move=move,
    )


def _dimensions(project: ProjectStatus, before: ProjectStatus | None) -> tuple[view.Mark, ...]:
    earlier = {r.dimension: r for r in before.ratings} if before else {}
    return tuple(rating_mark(r, earlier.get(r.dimension)) for r in project.ratings)


def _key_figures(
    project: ProjectStatus, before: ProjectStatus | None, when: str
) -> tuple[view.KeyFigure, ...]:
    def key(name: str, label: str, beside: str) -> view.KeyFigure:
        now = project.figures.get(name)
        moved = change(now, before.figures.get(name), when) if before else ""
        return view.KeyFigure(label=label, value=shown(now), beside=beside, change=moved)

    def side(name: str, text: str) -> str:
        value = shown(project.figures.get(name))
        doubt = DOUBT if value.doubtful else ""
        return "" if value.missing else text.format(f"{value.text}{doubt}")

    if _is_register(project):
        return (
            key("planned_cost", "Planned cost", ""),
            key("actual_cost", "Projected or actual cost", ""),
            key("cost_variance", "Cost variance", side("cost_variance_percent", "{} of planned")),
            key("schedule_variance_days", "Schedule variance",
                side("schedule_variance_percent", "{} of the planned duration")),
        )  # fmt: skip
    planned = planned_percent(project)
    return (
        key("percent", "Work done", "" if planned is None else f"{percent(planned)} planned"),
        key("spi", "Schedule index (SPI)", side("sv", "variance {}")),
        key("cpi", "Cost index (CPI)", side("cv", "variance {}")),
        replace(key("ac", "Spent", side("bac", "of {} budget")), parts=_spent_on(project)),
        key("eac", "Forecast at completion", side("vac", "variance {}")),
        key("creep", "Scope growth", _scope_side(project)),
    )


def _spent_on(project: ProjectStatus) -> str:
    """`of it labour 239,400, invoiced 509,900`: the parts of AC that there are, what of it is
    disputed, and what it lacks.
    """
    if value_of(project, "ac") is None:
        return ""
    labels = {"labour": "labour", "invoiced": "invoiced", "accrued": "received and not invoiced"}
    parts = [
        f"{label} {shown(project.figures[name], bare=True).text}"
        for name, label in labels.items()
        if value_of(project, name)
    ]
    told = [f"of it {', '.join(parts)}"] if parts else []
    if value_of(project, "disputed") is not None:
        part = project.figures["disputed"]
        told.append(f"{OF_WHICH_DISPUTED}: {shown(part, bare=True).text} ({part.note})")
    return "; ".join((*told, *(clean(lack, 300) for lack in project.cost_lacks)))


def _scope_side(project: ProjectStatus) -> str:
    added, removed = value_of(project, "added"), value_of(project, "removed")
    if added is None or removed is None:
        return ""
    told = (
        f"{plain(added)} added{_split(project, 'added')}, "
        f"{plain(removed)} removed{_split(project, 'removed')}"
    )
    month = value_of(project, "scope_growth")
    return told if month is None else f"{told}; {percent(month)} in a month"


def _split(project: ProjectStatus, change: str) -> str:
    """` (2 by splitting)`: more tickets are not always more work."""
    number = value_of(project, f"{change}_by_split")
    return f" ({plain(number)} by splitting or merging)" if number else ""


def _series(project: ProjectStatus, *names: tuple[str, str]) -> tuple[tuple[str, str, str], ...]:
    return tuple((n, label, shown(project.figures.get(n)).text) for n, label in names)


def _burn_now(project: ProjectStatus) -> tuple[tuple[str, str, str], ...]:
    if not project.burnup:
        return ()
    last = project.burnup[-1]
    return (("scope", "Scope", f"{last.scope:,} items"), ("done", "Done", f"{last.done:,} items"))
