"""The original baseline beside the one in force, and the layers of the budget. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from itpm_sync.reconcile.status import BaselineVersion, Figure, ProjectStatus
from itpm_sync.reconcile.wording import MINUS
from itpm_sync.report import view
from itpm_sync.report.wording import Shown, clean, day, shown

_ROWS = (
    ("Budget (BAC)", "bac"),
    ("Planned value (PV)", "pv"),
    ("Earned value (EV)", "ev"),
    ("Cost variance (CV)", "cv"),
    ("Schedule variance (SV)", "sv"),
    ("Variance at completion (VAC)", "vac"),
)
_LAYERS = (
    ("Contract budget base", "budget_base"),
    ("of it undistributed", "undistributed"),
    ("of it in planning packages", "planning"),
    ("of it management reserve", "management_reserve"),
)
_NAME = 80


def comparison(project: ProjectStatus) -> view.Comparison | None:
    """The two baselines side by side; nothing where the original is still in force."""
    if len(project.baselines) < 2:
        return None
    original, current = project.baselines
    return view.Comparison(
        original=_told(original),
        current=_told(current),
        rows=(*_rows(project), _finish(project, original, current)),
        growth=_growth(project),
    )


def _told(version: BaselineVersion) -> str:
    approved = f", approved by {clean(version.approval, _NAME)}" if version.approval else ""
    return f"baseline {version.version}, {day(version.on)}{approved}"


def _rows(project: ProjectStatus) -> Iterator[view.ComparedRow]:
    for label, name in _ROWS:
        original = project.figures.get(f"{name}_original")
        yield view.ComparedRow(
            label=label, original=shown(original), current=shown(project.figures.get(name))
        )


def _finish(
    project: ProjectStatus, original: BaselineVersion, current: BaselineVersion
) -> view.ComparedRow:
    moved = project.figures.get("finish_growth_days")
    hint = shown(moved).text if moved is not None and moved.value else ""
    return view.ComparedRow(
        label="Planned finish",
        original=Shown(day(original.finish)),
        current=Shown(day(current.finish), hint),
    )


def _growth(project: ProjectStatus) -> str:
    """`BAC has grown by CHF 600, 60 % of the original`. What exchange rates alone have changed is
    neither growth nor a cut, and told apart.
    """
    growth, share = (project.figures.get(n) for n in ("bac_growth", "bac_growth_percent"))
    original, rates = (project.figures.get(n) for n in ("bac_original", "bac_growth_fx"))
    if growth is None or share is None or growth.value is None or share.value is None:
        return ""
    if rates is None or rates.value is None or not (original and original.value):
        unknown = "; what exchange rates did to it is not known" if rates else ""
        return f"{_grown(growth, share)}{unknown}."
    own = growth.value - rates.value
    planned = replace(growth, value=own), replace(share, value=own * 100 / original.value)
    if not rates.value:
        return f"{_grown(*planned)}."
    step = f"added {_size(rates)} to" if rates.value > 0 else f"taken {_size(rates)} from"
    return f"{_grown(*planned)}; exchange rates alone have {step} it."


def _grown(growth: Figure, share: Figure) -> str:
    if not growth.value:
        return "BAC is that of the original"
    verb = "shrunk" if growth.value < 0 else "grown"
    return f"BAC has {verb} by {_size(growth)}, {_size(share)} of the original"


def _size(figure: Figure) -> str:
    return shown(figure).text.replace(MINUS, "")


def layers(project: ProjectStatus) -> tuple[view.KeyFigure, ...]:
    """Contract budget base and what of it is in no work package; none where all of it is."""
    found = [(label, project.figures[name]) for label, name in _LAYERS if name in project.figures]
    return tuple(
        view.KeyFigure(label=label, value=shown(figure), beside="", change="")
        for label, figure in found
        if figure.value != 0
    )
