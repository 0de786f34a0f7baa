"""Effort estimated against effort spent, in the words of a project's page. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from itpm_sync.errors import up_to
from itpm_sync.reconcile.status import EffortGroup, ProjectStatus
from itpm_sync.report import view
from itpm_sync.report.wording import clean, shown

_GROUPS = 4


def effort(project: ProjectStatus) -> Iterator[view.KeyFigure]:
    """The variance of the items done, and unplanned effort; nothing where no such figure is."""
    found = project.figures.get("effort_variance_s")
    if found is None:
        return
    value = shown(found)
    share = shown(project.figures.get("effort_variance_percent"))
    whole = shown(project.figures.get("effort_estimated_s"))
    beside = "" if value.missing else f"{share.text} of {whole.text} estimated, {value.hint}"
    yield view.KeyFigure(label="Effort variance", value=value, beside=beside, change="")
    if (ratio := project.figures.get("unplanned_ratio_percent")) is not None:
        extra, booked = (shown(project.figures.get(n)) for n in ("unplanned_effort_s", "effort_s"))
        beside = "" if ratio.value is None else f"{extra.text} of {booked.text} booked"
        yield view.KeyFigure(label="Unplanned effort", value=shown(ratio), beside=beside, change="")


def effort_groups(project: ProjectStatus) -> str:
    """`Effort variance by priority: High −12 %, Low 3 %; by type: Story 2 %`."""
    told = []
    for by in ("priority", "type"):
        found = [g for g in project.effort if g.by == by]
        if len(found) > 1:
            told.append(f"by {by}: {up_to(_GROUPS, [_group(g) for g in found])}")
    return f"Effort variance {'; '.join(told)}." if told else ""


def _group(group: EffortGroup) -> str:
    return f"{clean(group.name, 40)} {shown(group.figures.get('effort_variance_percent')).text}"
