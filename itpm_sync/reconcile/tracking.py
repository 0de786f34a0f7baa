"""The findings of a snapshot with what earlier runs and people say of them. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date

from itpm_sync.reconcile.checks import codes, decision_findings, sorted_findings
from itpm_sync.reconcile.checks.decisions import DecisionFacts
from itpm_sync.reconcile.decisions import Seen
from itpm_sync.reconcile.inputs import Inputs
from itpm_sync.reconcile.outages import SourceFinding
from itpm_sync.reconcile.status import Finding, Snapshot
from itpm_sync.reconcile.waiving import Cover


def tracked(snapshot: Snapshot, inputs: Inputs) -> Snapshot:
    """The snapshot with what earlier runs and people say of its findings.

    Each gets the data date from which it stands and the waiver that covers it; waivers that have
    expired or match nothing become findings themselves. Waived ones come last.
    """
    cover = Cover(inputs.waivers, inputs.data_date)
    own = [_covered(f, cover) for f in snapshot.findings]
    by_project = {p.code: [_covered(f, cover) for f in p.findings] for p in snapshot.projects}
    for key in snapshot.standing - {f.key for f in snapshot.all_findings}:
        cover.of(SourceFinding.of(key))  # what is not told in its own words needs its waiver too
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


def _covered(finding: Finding, cover: Cover) -> Finding:
    waiver = cover.of(finding)
    return finding if waiver is None else replace(finding, waiver=waiver)


def _dated(finding: Finding, seen: Seen | None, today: date) -> Finding:
    if seen is None:
        return replace(finding, since=today, first_seen=today)
    return replace(finding, since=seen.since or today, first_seen=seen.first)


def finding_codes() -> frozenset[str]:
    """The code of every finding there is: what a waiver can name."""
    return codes()
