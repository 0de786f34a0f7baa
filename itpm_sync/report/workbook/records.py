"""The sheets of what a reader checks the figures by: findings, gates, records without a place, and
how complete each source was read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from itpm_sync.reconcile.inputs import Coverage
from itpm_sync.reconcile.status import Evidence, Figure, ProjectStatus, Snapshot
from itpm_sync.report.wording import safe_url, told_later
from itpm_sync.report.workbook.cells import Column, Row, Sheet
from itpm_sync.report.workbook.figures import PROJECT, computed

# ---- findings

_FINDINGS = (
    PROJECT,
    Column("severity", "Severity", 10),
    Column("code", "Finding", 22),
    Column("subject", "Subject", 20),
    Column("message", "Message", 60),
    Column("action", "What to do", 50),
    Column("amount", "Amount", 17),
    Column("unit", "Currency", 9),
    Column("since", "Since", 13),
    Column("first", "First seen", 13),
    Column("waived", "Waived by", 18),
    Column("until", "Waived until", 13),
    Column("because", "Waived because", 40),
    Column("evidence", "Evidence", 40),
    Column("links", "Links", 40),
)


def findings_sheet(snapshot: Snapshot) -> Sheet:
    """Every finding, the waived ones too, with who waived them."""
    return Sheet("Findings", _FINDINGS, tuple(_finding_rows(snapshot)), freeze=3)


def _finding_rows(snapshot: Snapshot) -> Iterable[Row]:
    for f in snapshot.all_findings:
        by = f.waiver
        yield (
            f.project, f.severity.value, f.code, f.subject, f.message, f.action, f.amount,
            f.amount.currency if f.amount else "", f.since, f.first_seen,
            by.author if by else "", by.expires if by else None, by.reason if by else "",
            _labels(f.evidence), _urls(f.evidence),
        )  # fmt: skip


def _labels(evidence: Sequence[Evidence]) -> str:
    return ", ".join(e.label or e.identity for e in evidence)


def _urls(evidence: Sequence[Evidence]) -> str:
    return " ".join(url for e in evidence if (url := safe_url(e.url)))


# ---- gates

_GATES = (
    PROJECT,
    Column("gate", "Gate", 12),
    Column("criterion", "Criterion", 22),
    Column("text", "What it asks", 50),
    Column("mandatory", "Mandatory", 10),
    Column("answer", "Answer", 10),
    Column("told", "What was found", 60),
    Column("approved", "Approved by", 20),
    Column("on", "Approved on", 13),
    Column("despite", "Despite", 40),
    Column("owner", "Handed over to", 24),
)


def gates_sheet(projects: Iterable[ProjectStatus]) -> Sheet:
    """Each approved gate, and each criterion of the next one."""
    return Sheet("Gates", _GATES, tuple(_gate_rows(projects)), freeze=3)


def _gate_rows(projects: Iterable[ProjectStatus]) -> Iterable[Row]:
    for p in projects:
        for g in p.gates:
            if g.approved_by:
                yield (
                    p.code, g.gate.value, "", "", "", "", g.note, g.approved_by, g.approved_on,
                    g.despite, g.owner,
                )  # fmt: skip
        coming = p.next_gate
        for c in coming.criteria if coming else ():
            yield (
                p.code, coming.gate.value if coming else "", c.id, c.text,
                "yes" if c.mandatory else "no", c.answer.value, c.told, "", None, "", "",
            )  # fmt: skip


# ---- what matches nothing

_UNALLOCATED = (
    Column("project", "Project", 14),
    Column("kind", "Kind", 18),
    Column("count", "Records", 10),
    Column("amount", "Amount", 17),
    Column("unit", "Currency", 9),
    Column("time", "Time", 11),
    Column("examples", "Examples", 60),
)


def unallocated_sheet(snapshot: Snapshot) -> Sheet:
    """What no rule placed: first in no project, then in no work package of one."""
    return Sheet("Unallocated", _UNALLOCATED, tuple(_unallocated_rows(snapshot)))


def _unallocated_rows(snapshot: Snapshot) -> Iterable[Row]:
    owned = ((p.code, u) for p in snapshot.projects for u in p.unallocated)
    for project, u in (*(("(no project)", u) for u in snapshot.unallocated), *owned):
        worth = u.amount or u.cost
        seconds = None if u.duration_s is None else Decimal(u.duration_s)
        time = seconds if seconds is None else Figure(name="", label="", value=seconds, unit="s")
        yield (
            project, u.kind.replace("_", " "), u.count, worth, worth.currency if worth else "",
            time, _labels(u.examples),
        )  # fmt: skip


# ---- coverage

_COVERAGE = (
    Column("connection", "Connection", 18),
    Column("stream", "Stream", 22),
    Column("scope", "Scope", 18),
    Column("stored", "Stored", 10),
    Column("source", "At the source", 12),
    Column("missing", "Difference", 11),
    Column("exact", "Count is", 10),
    Column("as_of", "Data as of (UTC)", 17),
    Column("complete", "Completeness", 13),
    Column("note", "Note", 60),
)


def coverage_sheet(coverage: Iterable[Coverage]) -> Sheet:
    """What is stored against what the source says it has; a row a scope."""
    return Sheet("Coverage", _COVERAGE, tuple(map(_coverage, coverage)), freeze=3)


def _coverage(c: Coverage) -> Row:
    known = c.source_count is not None
    missing = Decimal((c.source_count or 0) - c.stored)
    return (
        c.connection, c.stream, c.scope, c.stored, c.source_count if known else "not told",
        computed(missing, "items", "{source}-{stored}") if known else None,
        "exact" if c.exact else "estimated", c.as_of, "complete" if c.complete else "incomplete",
        "; ".join(filter(None, (c.reason, told_later(c, "UTC")))),
    )  # fmt: skip
