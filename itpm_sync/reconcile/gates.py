"""Stage gates: what each asks, what the sources tell of it, who attested and approved. Pure.

Evidence that the sources give goes before anybody's word: what they deny, nobody can attest. Where
they tell nothing, a named person attests, or a source declares it: a done work item that has the
criterion's id as a label, or a reached milestone that has it as its code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from types import MappingProxyType
from typing import NamedTuple

from itpm_sync.errors import up_to
from itpm_sync.model import (
    ChangeRequest,
    Gate,
    HelpDeskItem,
    InvoiceLine,
    ItemType,
    Milestone,
    OrderLine,
    Record,
    Risk,
    Stage,
    TicketType,
    WorkItem,
)
from itpm_sync.reconcile.approval import is_decided
from itpm_sync.reconcile.decisions import Criterion, GateAct, GateRules
from itpm_sync.reconcile.facts import EXAMPLES, ProjectFacts, evidence_of, label
from itpm_sync.reconcile.folding import fold, pattern
from itpm_sync.reconcile.helpdesk import is_open
from itpm_sync.reconcile.money import Paid
from itpm_sync.reconcile.netting import Netted, net_amount
from itpm_sync.reconcile.ratings import is_open_risk
from itpm_sync.reconcile.scope import is_cancelled, is_done
from itpm_sync.reconcile.status import Answer, CriterionStatus, Finding, GateStatus, Severity
from itpm_sync.reconcile.wording import count, day

GATES = (Stage.INITIATION, Stage.PLANNING, Stage.EXECUTION, Stage.MONITORING, Stage.CLOSING)
_ORDER = (*GATES, Stage.CLOSED)
_SMALL = Fraction(1, 200)  # half a cent: what rounding of a payment's share may leave


class Told(NamedTuple):
    """What the sources tell: yes, no, or nothing (None); and the records that say no."""

    met: bool | None
    words: str
    records: Sequence[Record] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GateFacts:
    """What the gates of one project may look at."""

    facts: ProjectFacts
    rules: GateRules
    acts: Sequence[GateAct]  # of this project, oldest first
    recorded: Sequence[Gate]  # approvals that a source records of it
    findings: Sequence[Finding]  # of this project, not waived
    paid: Mapping[str, Sequence[Paid]]  # by identity of an invoice line, of the whole portfolio
    has: Callable[[str], bool]  # whether any source has records of a kind


def gate_statuses(g: GateFacts, *, whole: bool = True) -> tuple[GateStatus, ...]:
    """Every gate that has criteria or was approved.

    `whole`: with all of its criteria; else only the next gate, and those that were approved in
    spite of something, are judged.
    """
    asking = {c.gate for c in g.rules.criteria}
    found = [s for s in map(partial(_approval, g), GATES) if s.gate in asking or s.approved_by]
    coming = next_gate(found, g.facts.setup.stage)
    declared = _declared(g)
    return tuple(
        _with_criteria(g, s, declared) if whole or s is coming or s.despite else s for s in found
    )


def next_gate(gates: Sequence[GateStatus], stage: Stage) -> GateStatus | None:
    """The first gate that is not approved, from the project's stage on; the last once closed."""
    at = min(_ORDER.index(stage), len(GATES) - 1)
    ahead = (s for s in gates if _ORDER.index(s.gate) >= at)
    return next((s for s in ahead if not s.approved_by), None)


def before(gates: Sequence[GateStatus], gate: Stage, stage: Stage) -> tuple[Stage, ...]:
    """The gates that must be approved before this one: from the project's stage on."""
    span = range(_ORDER.index(stage), _ORDER.index(gate))
    return tuple(s.gate for s in gates if _ORDER.index(s.gate) in span and not s.approved_by)


def skipped(gates: Sequence[GateStatus], stage: Stage) -> tuple[Stage, ...]:
    """The gates that the project has passed without an approval."""
    return tuple(
        s.gate for s in gates if _ORDER.index(s.gate) < _ORDER.index(stage) and not s.approved_by
    )


def told(gate: GateStatus | None) -> str:
    """What stands before a gate, in a line."""
    if gate is None:
        return "every gate is approved"
    asked, missing = sum(c.mandatory for c in gate.criteria), gate.missing
    if not missing:
        return f"next gate {gate.gate}: all {asked} mandatory criteria are met"
    names = ", ".join(c.id if c.answer is Answer.MISSING else f"{c.id} ({c.told})" for c in missing)
    return f"next gate {gate.gate}: {len(missing)} of {asked} missing: {names}"


def _approval(g: GateFacts, gate: Stage) -> GateStatus:
    """A gate and who approved it; its criteria are another matter."""
    acts = [a for a in g.acts if a.act == "approved" and a.subject == gate]
    if acts:
        a = acts[-1]
        return GateStatus(
            gate=gate, criteria=(), approved_by=a.author, approved_on=a.on, note=a.note,
            despite=a.despite, owner=a.owner,
        )  # fmt: skip
    for r in g.recorded:
        known = r.approved_on is None or r.approved_on <= g.facts.data_date
        if r.stage is gate and r.approved_by and known:
            return GateStatus(
                gate=gate, criteria=(), approved_by=r.approved_by, approved_on=r.approved_on,
                note=f"recorded in {r.ref.connection}",
            )  # fmt: skip
    return GateStatus(gate=gate, criteria=())


def _with_criteria(g: GateFacts, status: GateStatus, declared: Mapping[str, Record]) -> GateStatus:
    own = (c for c in g.rules.criteria if c.gate is status.gate)
    return replace(status, criteria=tuple(_judged(g, c, declared) for c in own))


def _judged(
    g: GateFacts, criterion: Criterion, declarations: Mapping[str, Record]
) -> CriterionStatus:
    check = EVIDENCE.get(criterion.evidence)
    told = check(g) if check else Told(None, "")
    if told.met is None:
        return _attested(g, criterion, told.words, declarations.get(fold(criterion.id)))
    shown = [evidence_of(r) for _, r in zip(range(EXAMPLES), told.records, strict=False)]
    return CriterionStatus(
        id=criterion.id,
        text=criterion.text,
        mandatory=criterion.mandatory,
        answer=Answer.MET if told.met else Answer.FAILED,
        told=told.words,
        by_sources=True,
        evidence=tuple(shown),
    )


def _attested(
    g: GateFacts, criterion: Criterion, why: str, declared: Record | None
) -> CriterionStatus:
    status = CriterionStatus(
        id=criterion.id,
        text=criterion.text,
        mandatory=criterion.mandatory,
        answer=Answer.MISSING,
        told=f"{why}; nobody has attested it" if why else "nobody has attested it",
        by_sources=False,
    )
    acts = [a for a in g.acts if a.act != "approved" and a.subject == criterion.id]
    if acts and acts[-1].act == "attested":
        a = acts[-1]
        told = f"attested by {a.author} on {day(a.on)}{f': {a.note}' if a.note else ''}"
        return replace(status, answer=Answer.MET, told=told)
    if declared is None:
        return status
    return replace(
        status,
        answer=Answer.MET,
        told=f"declared by {label(declared)}",
        evidence=(evidence_of(declared),),
    )


def _declared(g: GateFacts) -> Mapping[str, Record]:
    """The record of a source that declares a criterion, by the criterion's folded id."""
    asked, facts = {fold(c.id) for c in g.rules.criteria}, g.facts
    found: dict[str, Record] = {}
    for item, _, _ in facts.records.of(WorkItem) if asked else ():
        if item.labels and is_done(item, facts.end):
            for name in asked.intersection(map(fold, item.labels)):
                found.setdefault(name, item)
    for milestone, _, _ in facts.records.of(Milestone):
        if fold(milestone.code) in asked and _is_reached(milestone, facts):
            found.setdefault(fold(milestone.code), milestone)
    return found


def _is_reached(milestone: Milestone, facts: ProjectFacts) -> bool:
    return milestone.actual is not None and milestone.actual <= facts.data_date


# ---- what the sources tell ----------------------------------------------------------------------


def _named(who: str, what: str) -> Told:
    """A name stands in the configuration or in a source, or it does not."""
    return Told(True, who) if who else Told(False, f"no {what} is named")


def _none(what: str, open_: Sequence[Record], word: str = "open") -> Told:
    """Met if there is none of these records."""
    if not open_:
        return Told(True, f"no {what} is {word}")
    names = up_to(3, [label(r) for r in open_])
    are = "is" if len(open_) == 1 else "are"
    return Told(False, f"{count(len(open_), what)} {are} {word}: {names}", open_)


def _unless(g: GateFacts, kind: str, what: str, answer: Callable[[], Told]) -> Told:
    """The answer, unless no source has any record of the kind: then nothing is known."""
    return answer() if g.has(kind) else Told(None, f"no source tells of {what}")


def _plan_dated(g: GateFacts) -> Told:
    plans = [f.plan for f in g.facts.packages]
    loose = [p.code for p in plans if p.start is None or p.finish is None]
    if not plans:
        return Told(False, "there is no work package")
    if loose:
        return Told(False, f"{count(len(loose), 'work package')} without dates: {loose[0]}")
    return Told(True, f"{count(len(plans), 'work package')} with dates")


def _budget_known(g: GateFacts) -> Told:
    bac = g.facts.values.bac
    if g.facts.in_money and bac.value is not None:
        return Told(True, g.facts.told(bac.value))
    return Told(False, bac.reason or "no work package has a budget")


def _baseline_recorded(g: GateFacts) -> Told:
    found = g.facts.baseline
    if found is None:
        return Told(False, "no baseline is recorded")
    return Told(True, f"baseline {found.version} of {day(found.on)} by {found.author}")


def _risks_registered(g: GateFacts) -> Told:
    number = len(g.facts.records.of(Risk))
    met = Told(True, f"{count(number, 'risk')} registered")
    return met if number else Told(None, "no risk is registered")


def _risks_closed(g: GateFacts) -> Told:
    risks = [p.record for p in g.facts.records.of(Risk)]
    if not risks:
        return Told(None, "no risk is registered")
    return _none("risk", [r for r in risks if is_open_risk(r)])


def _work_done(g: GateFacts) -> Told:
    items = [p.record for p in g.facts.scope.current]
    if not items:
        return Told(None, "no work item is in scope")
    return _none("work item", [i for i in items if not is_done(i, g.facts.end)])


def _scope_approved(g: GateFacts) -> Told:
    scope = g.facts.scope
    if scope.members is None:
        return Told(None, scope.reason)
    parts = [(n, scope.count(n, unapproved=True)) for n in ("added", "removed")]
    told = ", ".join(f"{number} {name}" for name, number in parts if number)
    return Told(not told, f"{told} without approval" if told else "no change without approval")


def _defects(g: GateFacts) -> Told:
    end, items = g.facts.end, [p.record for p in g.facts.records.of(WorkItem)]
    if not items:
        return Told(None, "no source tells of its work items")
    defects = (i for i in items if i.type is ItemType.DEFECT)
    return _none("defect", [i for i in defects if not (is_done(i, end) or is_cancelled(i, end))])


def _priority_one(g: GateFacts) -> Told:
    words = [pattern(fold(w)) for w in g.rules.priority_one]
    found = [
        p.record
        for p in g.facts.records.of(HelpDeskItem)
        if p.record.type not in (TicketType.REQUEST, TicketType.CHANGE)
        and any(w.match(fold(p.record.priority)) for w in words)
        and is_open(p.record, g.facts.end)
    ]
    return _unless(g, "help_desk_item", "incidents", lambda: _none("priority-one incident", found))


def _high_findings(g: GateFacts) -> Told:
    high = [f for f in g.findings if f.severity is Severity.HIGH]
    codes = ", ".join(sorted({f.code for f in high})[:5])
    if high:
        return Told(False, f"{count(len(high), 'high finding')}: {codes}")
    unread = sorted({name for names in g.facts.never_read.values() for name in names})
    if unread:  # what they would show is not known
        return Told(None, f"no high finding in what was read; never read: {', '.join(unread)}")
    return Told(True, "no high finding")


def _changes_decided(g: GateFacts) -> Told:
    requests = [p.record for p in g.facts.records.of(ChangeRequest)]
    waiting = [r for r in requests if not is_decided(r, g.facts.data_date)]
    return _unless(g, "change_request", "changes", lambda: _none("change request", waiting))


def _milestones_met(g: GateFacts) -> Told:
    found = [p.record for p in g.facts.records.of(Milestone)]
    if not found:
        return Told(None, "no source tells of its milestones")
    return _none("milestone", [m for m in found if not _is_reached(m, g.facts)], "not reached")


def _netted(g: GateFacts) -> Iterator[Netted]:
    for placed in g.facts.records.of(OrderLine):
        netted = g.facts.documents.netted.get(placed.record.id)
        if netted is not None:
            yield netted


def _orders_settled(g: GateFacts) -> Told:
    still = [n.line for n in _netted(g) if n.open > 0]
    return _unless(g, "order_line", "orders", lambda: _none("order line", still))


def _receipts_billed(g: GateFacts) -> Told:
    still = [n.line for n in _netted(g) if n.accrued > 0]
    return _unless(
        g, "receipt", "receipts", lambda: _none("order line", still, "received but not invoiced")
    )


def _invoices_paid(g: GateFacts) -> Told:
    """Where no source tells of any payment, nothing is known: most books keep them elsewhere."""
    lines = [p.record for p in g.facts.records.of(InvoiceLine)]
    due = [i for i in lines if abs(net_amount(i) - _paid(g, i)) > _SMALL]
    if not g.has("invoice_line") or (lines and not g.paid):
        return Told(None, "no source tells what is paid")
    return _none("invoice line", due, "not paid as billed")


def _paid(g: GateFacts, line: InvoiceLine) -> Fraction:
    return sum((part.amount for part in g.paid.get(line.id, ())), Fraction(0))


def _contracts_owned(g: GateFacts) -> Told:
    live = [c for c in g.facts.contracts if c.is_live]
    loose = [
        c.contract
        for c in live
        if not (c.contract.owner and c.contract.end and c.contract.notice_days is not None)
    ]
    return _unless(
        g, "contract", "contracts", lambda: _none("contract", loose, "without owner, end or notice")
    )


EVIDENCE: Mapping[str, Callable[[GateFacts], Told]] = MappingProxyType(
    {
        "manager-named": lambda g: _named(g.facts.setup.manager, "manager"),
        "sponsor-named": lambda g: _named(g.facts.setup.sponsor, "sponsor"),
        "owner-named": lambda g: _named(g.facts.setup.operations_owner, "owner in operations"),
        "plan-dated": _plan_dated,
        "budget-known": _budget_known,
        "baseline-recorded": _baseline_recorded,
        "risks-registered": _risks_registered,
        "risks-closed": _risks_closed,
        "work-done": _work_done,
        "scope-approved": _scope_approved,
        "no-open-defects": _defects,
        "no-priority-one": _priority_one,
        "no-high-findings": _high_findings,
        "changes-decided": _changes_decided,
        "milestones-met": _milestones_met,
        "orders-settled": _orders_settled,
        "receipts-billed": _receipts_billed,
        "invoices-paid": _invoices_paid,
        "contracts-owned": _contracts_owned,
    }
)
"""What the sources can tell, by its name in the configuration."""
