"""A total of the portfolio taken apart into the figures of its projects."""

from __future__ import annotations

from fractions import Fraction

from itpm_sync.errors import ReconcileError
from itpm_sync.reconcile.explanation import Explanation, Part, largest_first, nearest
from itpm_sync.reconcile.status import Figure, ProjectStatus, Snapshot

PORTFOLIO = "portfolio"


def explain_total(snapshot: Snapshot, name: str) -> Explanation:
    """A portfolio total: `ac`, or `ac:CHF` where several currencies have one.

    Its parts are the projects' figures, which can be explained in their turn; projects where it is
    n/a are left out of the sum and named among the inputs. Raises ReconcileError for an unknown
    name.
    """
    total = _total(snapshot, name)
    found = [
        _part(project, figure)
        for project in snapshot.projects
        if (figure := project.figures.get(total.name)) is not None and figure.unit == total.unit
    ]
    return Explanation(
        project=PORTFOLIO,
        package="",
        data_date=snapshot.data_date,
        figure=total,
        formula="",
        filled="",
        inputs=tuple(p for p in found if p.value is None),
        parts=largest_first([p for p in found if p.value is not None]),
    )


def totals(snapshot: Snapshot) -> dict[str, Figure]:
    """Every total by its full name, in the report's order."""
    return {f"{t.name}:{t.unit}": t for t in snapshot.totals}


def _total(snapshot: Snapshot, name: str) -> Figure:
    plain, _, currency = name.partition(":")
    found = [
        t for t in snapshot.totals if t.name == plain and currency.upper() in ("", t.unit.upper())
    ]
    if len(found) == 1:
        return found[0]
    if found:
        known = ", ".join(f"{t.name}:{t.unit}" for t in found)
        raise ReconcileError(f"{name!r} stands in several currencies, never summed: say {known}")
    raise ReconcileError(f"no total {name!r}: {nearest(name, totals(snapshot))}")


def _part(project: ProjectStatus, figure: Figure) -> Part:
    return Part(
        label=f"{project.code} {project.name}".strip(),
        value=Fraction(figure.value) if figure.value is not None else None,
        unit=figure.unit,
        reason=figure.reason,
        project=project.code,
        figure=figure.name,
        note=figure.note,
    )
