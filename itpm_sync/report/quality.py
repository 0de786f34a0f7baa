"""Quality and risk of a project, as a few compact figures. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from itpm_sync.reconcile.status import ProjectStatus
from itpm_sync.report import view
from itpm_sync.report.sections import value_of
from itpm_sync.report.wording import Shown, amount, shown

_WEEKS = 6
_WITH_UNIT = ("defect_age", "escaped_share", "desk_reopened", "risk_exposure")


def quality(project: ProjectStatus) -> tuple[view.KeyFigure, ...]:
    """The figures of the block; none where not a single one is known."""
    found = tuple(_figures(project))
    return found if any(not f.value.missing for f in found) else ()


def _figures(project: ProjectStatus) -> Iterator[view.KeyFigure]:
    def of(name: str) -> Shown:
        return shown(project.figures.get(name), bare=name not in _WITH_UNIT)

    def figure(label: str, name: str, beside: str = "") -> view.KeyFigure:
        value = of(name)
        return view.KeyFigure(
            label=label, value=value, beside=value.hint if value.missing else beside, change=""
        )

    if "open_defects" not in project.figures:
        return
    if value_of(project, "open_defects") is None:
        yield figure("Open defects", "open_defects")
    else:
        age = of("defect_age")
        yield figure("Open defects", "open_defects", "" if age.missing else _age(age))
        closed, again = of("defects_closed").text, of("defects_reopened").text
        yield figure("Defects opened, 28 days", "defects_opened",
                     f"{closed} closed, {again} reopened")  # fmt: skip
        share = of("escaped_share")
        yield figure("Found in production", "defects_escaped",
                     "" if share.missing else f"{share.text} {share.hint}")  # fmt: skip
    yield figure("Help-desk items reopened", "desk_reopened", of("desk_reopened").hint)
    risks = of("risks_open")
    yield figure("Risk exposure", "risk_exposure", "" if risks.missing else _risks(project, risks))


def _age(age: Shown) -> str:
    return f"{age.text} old by {age.hint}"


def _risks(project: ProjectStatus, risks: Shown) -> str:
    word = "risk" if value_of(project, "risks_open") == 1 else "risks"
    noted = shown(project.figures.get("risk_exposure")).hint
    return "; ".join(t for t in (f"{risks.text} {word} open", _moved(project), noted) if t)


def _moved(project: ProjectStatus) -> str:
    """`CHF 3,000 more since 16 Nov 2026`."""
    figure = project.figures.get("risk_exposure_change")
    if figure is None or figure.value is None:
        return ""
    if not figure.value:
        return f"unchanged {figure.note}"
    size = amount(abs(figure.value), figure.unit)
    return f"{size} {'more' if figure.value > 0 else 'less'} {figure.note}"


def exposures(project: ProjectStatus) -> str:
    """`Risk exposure of the last reports, in CHF: 12,000, 15,000`; empty without two known ones."""
    found = project.exposures[-_WEEKS:]
    figure = project.figures.get("risk_exposure")
    if figure is None or sum(p.amount is not None for p in found) < 2:
        return ""
    told = ("n/a" if p.amount is None else amount(p.amount, figure.unit, bare=True) for p in found)
    return f"Risk exposure of the last reports, in {figure.unit}: {', '.join(told)}"


def quality_weeks(project: ProjectStatus) -> str:
    """`Open defects at the ends of the last weeks: 3, 4, 4`."""
    weeks = project.defect_weeks[-_WEEKS:]
    if not any(w.open_at_end or w.opened or w.closed for w in weeks):
        return ""
    return "Open defects at the ends of the last weeks: " + ", ".join(
        str(w.open_at_end) for w in weeks
    )
