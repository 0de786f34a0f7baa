"""The stage gates as lines for people. Pure; what comes from outside is escaped here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.markup import escape

from itpm_sync.reconcile.gates import told
from itpm_sync.reconcile.status import Answer

if TYPE_CHECKING:
    from itpm_sync.app import ProjectGates
    from itpm_sync.reconcile.status import CriterionStatus, GateStatus


def line(one: ProjectGates) -> str:
    """A project's next gate and what is missing before it."""
    ready = one.coming is None or not one.coming.missing
    colour = "green" if ready else "yellow"
    return f"[{colour}]{escape(one.project)}[/] ({one.stage})  {escape(told(one.coming))}"


def whole(one: ProjectGates) -> Iterator[str]:
    """Every gate of a project with its criteria."""
    yield f"[bold]{escape(one.project)}[/]  {escape(one.name)}, in {one.stage}"
    for status in one.gates:
        yield f"[bold]{status.gate}[/]  {escape(_approval(status))}"
        yield from map(_criterion, status.criteria)


def _approval(status: GateStatus) -> str:
    if not status.approved_by:
        return "not approved"
    on = f" on {status.approved_on}" if status.approved_on else ""
    parts = [f"approved by {status.approved_by}{on}", status.note]
    parts += [f"despite what was missing: {status.despite}"] if status.despite else []
    parts += [f"handed over to {status.owner}"] if status.owner else []
    return "; ".join(p for p in parts if p)


def _criterion(one: CriterionStatus) -> str:
    colour = {Answer.MET: "green", Answer.FAILED: "red"}.get(one.answer, "yellow")
    optional = "" if one.mandatory else " (optional)"
    return (
        f"  [{colour}]{one.answer.value:7}[/] [bold]{escape(one.id)}[/]{optional}  "
        f"{escape(one.text)} — {escape(one.told)}"
    )
