"""What became of findings since an earlier snapshot: new, reopened, still open, resolved. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
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


def witnessed(snapshot: Snapshot, previous: Snapshot | None) -> Snapshot:
    """The snapshot with findings that stand since an earlier one at the latest, where that tells
    of them too. A day may be reconciled after a later one (`--as-of`): which findings stood on it
    is known by its snapshot alone.
    """
    if previous is None or previous.data_date >= snapshot.data_date:
        return snapshot
    on, before = previous.data_date, _standing(previous)

    def told(findings: Iterable[Finding]) -> tuple[Finding, ...]:
        return tuple(_witnessed(f, before.get(f.key), on) for f in findings)

    return replace(
        snapshot,
        findings=told(snapshot.findings),
        projects=tuple(replace(p, findings=told(p.findings)) for p in snapshot.projects),
    )


def _standing(snapshot: Snapshot) -> Mapping[str, Finding]:
    """All that stands in a snapshot, by key. Since when what another finding stands for has been
    standing, it does not tell.
    """
    found = snapshot.all_findings
    folded = (replace(f, since=None, first_seen=None) for f in found if f.stands_for)
    return {key: f for f in folded for key in f.stands_for} | {f.key: f for f in found}


def _witnessed(finding: Finding, before: Finding | None, on: date) -> Finding:
    """What was first met after that day had not been settled before it was first met."""
    first, since = finding.first_seen, finding.since
    if before is None or first is None or since is None or first <= on:
        return finding
    stood = before.since or on
    return replace(
        finding,
        first_seen=before.first_seen or stood,
        since=stood if since == first else since,
    )


def changes(snapshot: Snapshot, previous: Snapshot | None) -> Changes:
    """The findings of a snapshot (`witnessed` by it) against those of an earlier one; without it,
    all are open.
    """
    now = snapshot.all_findings
    if previous is None:
        return Changes(states={f.key: State.OPEN for f in now})
    before, standing = previous.standing, snapshot.standing
    return Changes(
        before=previous.data_date,
        states={f.key: _state(f, previous.data_date, f.key in before) for f in now},
        resolved=tuple(
            f for f in previous.all_findings if standing.isdisjoint((f.key, *f.stands_for))
        ),
    )


def _state(finding: Finding, before: date, was_there: bool) -> State:
    """By the days that stand beside it, so that the two never contradict each other."""
    first, since = finding.first_seen, finding.since
    if first is None or since is None:
        return State.OPEN if was_there else State.NEW
    if since <= before:
        return State.OPEN
    return State.REOPENED if first < since else State.NEW
