"""The simulated range of finish and cost, as a sentence and as bars on a scale. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from itpm_sync.reconcile.forecast import COST, FINISH
from itpm_sync.reconcile.status import Figure, ProjectStatus
from itpm_sync.reconcile.wording import sentence
from itpm_sync.report import view
from itpm_sync.report.sections import value_of, width
from itpm_sync.report.wording import amount, clean, day


@dataclass(frozen=True, slots=True)
class Simulated:
    """The range as a reader sees it; both empty where the snapshot has none."""

    sentence: str
    bars: tuple[view.RangeBar, ...]


def simulated(project: ProjectStatus, today: date) -> Simulated:
    """What the simulation says of a project, or why it says nothing."""
    finish, cost = percentiles(project, FINISH), percentiles(project, COST)
    told = [_told("finish by", [(p, day(finish_day(f, today))) for p, f in finish if _known(f)]),
            _told("cost at most", [(p, _amount(f)) for p, f in cost if _known(f)])]  # fmt: skip
    known = "; ".join(t for t in told if t)
    missing = dict.fromkeys(clean(f.reason, 200) for _, f in (*finish, *cost) if not _known(f))
    parts = [known and f"In courses simulated from the project’s own weeks, {known}"]
    if missing and finish:
        what = "No simulated forecast" if not known else "Not simulated"
        parts.append(f"{what}: {'; '.join(missing)}")
    text = " ".join(f"{sentence(p)}." for p in parts if p)
    bars = (_finish_bar(project, finish, today), _cost_bar(project, cost))
    return Simulated(text, tuple(b for b in bars if b is not None))


def percentiles(project: ProjectStatus, prefix: str) -> list[tuple[int, Figure]]:
    """The figures of a simulated range, ascending."""
    named = (
        (n.removeprefix(prefix), f) for n, f in project.figures.items() if n.startswith(prefix)
    )
    return sorted(((int(n), f) for n, f in named if n.isdecimal()), key=lambda pair: pair[0])


def finish_day(figure: Figure, today: date) -> date | None:
    """The day that a simulated number of weeks ends on."""
    return None if figure.value is None else today + timedelta(weeks=int(figure.value))


def _known(figure: Figure) -> bool:
    return figure.value is not None


def _amount(figure: Figure) -> str:
    return amount(figure.value or Decimal(0), figure.unit)


def _told(verb: str, found: Sequence[tuple[int, str]]) -> str:
    """`50 % finish by 7 Dec 2026, 80 % by 14 Dec 2026`; once where all are the same."""
    if not found:
        return ""
    if len({text for _, text in found}) == 1:
        return f"{found[-1][0]} % and more {verb} {found[-1][1]}"
    short = verb.split(" ", 1)[1]
    (first, text), *rest = found
    return ", ".join([f"{first} % {verb} {text}", *(f"{p} % {short} {t}" for p, t in rest)])


def _finish_bar(
    project: ProjectStatus, found: Sequence[tuple[int, Figure]], today: date
) -> view.RangeBar | None:
    days = [(p, d) for p, f in found if (d := finish_day(f, today)) is not None]
    planned = project.planned_finish
    if planned is not None and not today <= planned <= today + timedelta(days=3650):
        planned = None
    values = [(p, Decimal((d - today).days), day(d)) for p, d in days]
    plan = None if planned is None else Decimal((planned - today).days)
    told = f"planned {day(planned)}" if planned else ""
    return _bar("Finish", (f"data date {day(today)}", Decimal(0)), values, plan, told)


def _cost_bar(project: ProjectStatus, found: Sequence[tuple[int, Figure]]) -> view.RangeBar | None:
    values = [(p, f.value, _amount(f)) for p, f in found if f.value is not None]
    spent, bac = value_of(project, "ac"), value_of(project, "bac")
    if spent is None:
        return None
    told = f"budget {amount(bac, project.unit)}" if bac is not None else ""
    plan = bac if bac is not None and bac >= spent else None
    start = f"spent {amount(spent, project.unit)}", spent
    return _bar("Cost at completion", start, values, plan, told)


def _bar(
    label: str,
    start: tuple[str, Decimal],
    values: Sequence[tuple[int, Decimal, str]],
    plan: Decimal | None,
    planned: str,
) -> view.RangeBar | None:
    """The percentiles between the start and the highest of them and the plan, with some room."""
    begin, low = start
    top = max([v for _, v, _ in values] + ([plan] if plan is not None else []), default=low)
    if not values or top <= low:
        return None
    scale = (top - low) * Decimal("1.06")

    def at(value: Decimal) -> str:
        return width(value - low, scale)

    first, last = at(values[0][1]), at(values[-1][1])
    long = Decimal(last[:-1]) - Decimal(first[:-1])
    return view.RangeBar(
        label=label,
        start=begin,
        points=tuple((f"{p} %", text, at(value)) for p, value, text in values),
        left=first,
        width=width(long, Decimal(100)),
        planned=planned,
        planned_at="" if plan is None else at(plan),
    )
