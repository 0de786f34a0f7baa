"""What people decide about the outcome of a reconciliation, each with reason, name and date.

A decision holds to the end of the day on which it expires. An expired one is not applied, and is
itself a finding.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from itpm_sync.model import Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver:
    """Findings that are known and accepted for a time.

    `finding` is a code; `project` and `subject` are matched whole, ignoring case, with `*` and `?`
    as wildcards. An empty project is the portfolio itself.
    """

    finding: str
    project: str = "*"
    subject: str = "*"
    reason: str
    author: str
    expires: date

    def holds(self, on: date) -> bool:
        """Whether it applies on a day."""
        return on <= self.expires


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """A rating that a person sets in place of the computed one.

    `dimension` is time, cost, scope, quality, risk or overall; `rating` green, amber, red or grey.
    """

    project: str
    dimension: str
    rating: str
    reason: str
    author: str
    expires: date

    def holds(self, on: date) -> bool:
        """Whether it applies on a day."""
        return on <= self.expires


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What earlier reconciliations knew of a finding: when it was first met, and the data date
    from which it has been standing; None: it is settled at present."""

    first: date
    since: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """What a stage gate asks. `evidence` names what the sources tell, or is `attestation`."""

    id: str
    gate: Stage
    text: str
    evidence: str
    mandatory: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class GateAct:
    """What somebody did at a project's gates. `act` is approved, attested or withdrawn; `subject`
    the gate, or the criterion that is attested.
    """

    project: str
    act: str
    subject: str
    author: str
    on: date
    note: str = ""
    despite: str = ""  # why it was approved though criteria failed
    owner: str = ""  # to whom closing handed over
    failing: tuple[str, ...] = ()  # the criteria that failed then


@dataclass(frozen=True, slots=True, kw_only=True)
class GateRules:
    """The criteria in the order of the gates, and the words for the highest priority (`*`, `?`)."""

    criteria: tuple[Criterion, ...] = ()
    priority_one: tuple[str, ...] = ()
