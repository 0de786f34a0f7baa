"""What people decide about the outcome of a reconciliation, each with reason, name and date.

A decision holds to the end of the day on which it expires. An expired one is not applied, and is
itself a finding.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


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
