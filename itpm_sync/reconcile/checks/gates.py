"""Checks of the stage gates: passed without approval, or approved in spite of what failed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from itpm_sync.model import Stage
from itpm_sync.reconcile.gates import skipped
from itpm_sync.reconcile.status import Finding, GateStatus, Severity
from itpm_sync.reconcile.wording import count, day


@dataclass(frozen=True, slots=True, kw_only=True)
class GateReview:
    """A project at its gates, with the criteria of each."""

    project: str
    stage: Stage
    gates: Sequence[GateStatus]


def gate_skipped(review: GateReview) -> Iterator[Finding]:
    """The project is beyond a gate that nobody approved, in an office that approves gates."""
    if not any(s.approved_by for s in review.gates):
        return
    for gate in skipped(review.gates, review.stage):
        yield Finding(
            code="gate-skipped",
            severity=Severity.MEDIUM,
            project=review.project,
            subject=gate.value,
            message=f"The project is in {review.stage}, but the gate of {gate} was not approved",
            action=f"Approve it with `itpm-sync gate approve {review.project} {gate}`, or correct "
            "the project's stage.",
        )


def gate_approved_despite(review: GateReview) -> Iterator[Finding]:
    """A gate was approved in spite of failing criteria, and some of them fail still."""
    for status in review.gates:
        missing = status.missing
        if not (status.despite and status.approved_on and missing):
            continue
        names = ", ".join(c.id for c in missing[:5])
        yield Finding(
            code="gate-approved-despite",
            severity=Severity.MEDIUM,
            project=review.project,
            subject=status.gate.value,
            message=f"The gate of {status.gate} was approved by {status.approved_by} on "
            f"{day(status.approved_on)} despite what is missing ({status.despite}); "
            f"{count(len(missing), 'criterion', 'criteria')} still: {names}",
            action="See to what is missing: `itpm-sync gate status` tells it.",
        )
