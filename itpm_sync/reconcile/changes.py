"""What became of findings since an earlier snapshot: new, reopened, still open, resolved. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from itpm_sync.reconcile.status import Finding, Snapshot


class State(StrEnum):
    """What became of a finding since an earlier snapshot."""

    NEW = "new"
    REOPENED = "reopened"  # it had been settled before
    OPEN = "still open"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What became of the findings since an earlier snapshot. Waived ones are not counted."""

    before: date | None = None  # the earlier snapshot's data date; None: there is none
    states: Mapping[str, State] = field(default_factory=dict)  # of the later snapshot's, by key
    resolved: tuple[Finding, ...] = ()  # of the earlier snapshot

    def count(self, findings: Iterable[Finding]) -> Mapping[State, int]:
        """How many of these findings are in which state; each state is there."""
        found = Counter(self.states[f.key] for f in findings if f.waiver is None)
        return {state: found[state] for state in State}


def changes(snapshot: Snapshot, previous: Snapshot | None) -> Changes:
    """The findings of a snapshot against those of an earlier one; without it, all are open."""
    now = snapshot.all_findings
    if previous is None:
        return Changes(states={f.key: State.OPEN for f in now})
    before = {f.key for f in previous.all_findings}
    standing = {f.key for f in now}
    return Changes(
        before=previous.data_date,
        states={f.key: _state(f, f.key in before) for f in now},
        resolved=tuple(f for f in previous.all_findings if f.key not in standing),
    )


def _state(finding: Finding, was_there: bool) -> State:
    if was_there:
        return State.OPEN
    first, since = finding.first_seen, finding.since
    return (
        State.REOPENED if first is not None and since is not None and first < since else State.NEW
    )
