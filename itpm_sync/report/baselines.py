"""The original baseline beside the one in force, and the layers of the budget. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from itpm_sync.reconcile.status import BaselineVersion, ProjectStatus
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
    """`BAC has grown by CHF 600, 60 % of the original`."""
    growth, share = (project.figures.get(n) for n in ("bac_growth", "bac_growth_percent"))
    if growth is None or share is None or growth.value is None or share.value is None:
        return ""
    if not growth.value:
        return "BAC is that of the original."
    verb = "shrunk" if growth.value < 0 else "grown"
    amount, part = (shown(f).text.replace(MINUS, "") for f in (growth, share))
    return f"BAC has {verb} by {amount}, {part} of the original."


def layers(project: ProjectStatus) -> tuple[view.KeyFigure, ...]:
    """Contract budget base and what of it is in no work package; none where all of it is."""
    found = [(label, project.figures[name]) for label, name in _LAYERS if name in project.figures]
    return tuple(
        view.KeyFigure(label=label, value=shown(figure), beside="", change="")
        for label, figure in found
        if figure.value != 0
    )
