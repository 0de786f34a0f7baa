"""Findings across runs: since when each stands, which are waived, what has changed. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum

from itpm_sync.reconcile.checks import codes, decision_findings, sorted_findings
from itpm_sync.reconcile.checks.decisions import DecisionFacts
from itpm_sync.reconcile.decisions import Seen, Waiver
from itpm_sync.reconcile.folding import fold, pattern
from itpm_sync.reconcile.inputs import Inputs
from itpm_sync.reconcile.status import Finding, Snapshot


def tracked(snapshot: Snapshot, inputs: Inputs) -> Snapshot:
    """The snapshot with what earlier runs and people say of its findings.

    Each gets the data date from which it stands and the waiver that covers it; waivers that have
    expired or match nothing become findings themselves. Waived ones come last.
    """
    cover = _Cover(inputs.waivers, inputs.data_date)
    own = [cover.waived(f) for f in snapshot.findings]
    by_project = {p.code: [cover.waived(f) for f in p.findings] for p in snapshot.projects}
    facts = DecisionFacts(
        data_date=inputs.data_date,
        projects=frozenset(by_project),
        codes=codes(),
        waivers=inputs.waivers,
        overrides=inputs.overrides,
        matched=cover.matched,
    )
    for finding in decision_findings(facts):
        by_project.get(finding.project, own).append(finding)

    def finished(findings: Iterable[Finding]) -> tuple[Finding, ...]:
        known = (_dated(f, inputs.seen.get(f.key), inputs.data_date) for f in findings)
        return tuple(sorted(sorted_findings(known), key=lambda f: f.waiver is not None))

    return replace(
        snapshot,
        findings=finished(own),
        projects=tuple(
            replace(p, findings=finished(by_project[p.code])) for p in snapshot.projects
        ),
    )


def _dated(finding: Finding, seen: Seen | None, today: date) -> Finding:
    if seen is None:
        return replace(finding, since=today, first_seen=today)
    return replace(finding, since=seen.since or today, first_seen=seen.first)


def unwaived(findings: Iterable[Finding], inputs: Inputs) -> tuple[Finding, ...]:
    """The findings that no waiver in force covers."""
    cover = _Cover(inputs.waivers, inputs.data_date)
    return tuple(f for f in findings if cover.waived(f).waiver is None)


class _Cover:
    """The waivers by code. The first in force covers; what each covers, or would cover if it had
    not expired, is counted.
    """

    def __init__(self, waivers: Sequence[Waiver], today: date) -> None:
        self._today = today
        self._by_code: dict[str, list[tuple[int, Waiver]]] = defaultdict(list)
        self.matched: Counter[int] = Counter()
        for position, waiver in enumerate(waivers):
            self._by_code[waiver.finding].append((position, waiver))

    def waived(self, finding: Finding) -> Finding:
        """The finding, with the waiver that covers it."""
        matching = list(self._matching(finding))
        holding = [(n, w) for n, w in matching if w.holds(self._today)]
        self.matched.update(n for n, _ in holding or matching)
        return replace(finding, waiver=holding[0][1]) if holding else finding

    def _matching(self, finding: Finding) -> Iterator[tuple[int, Waiver]]:
        for position, waiver in self._by_code.get(finding.code, ()):
            if _fits(waiver.project, finding.project) and _fits(waiver.subject, finding.subject):
                yield position, waiver


def _fits(words: str, text: str) -> bool:
    return pattern(fold(words)).match(fold(text)) is not None


# ---- what has changed ---------------------------------------------------------------------------


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
