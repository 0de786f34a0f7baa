"""Why a stage gate is not approved, or a criterion not attested, and what to do about it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from itpm_sync.model import Stage
from itpm_sync.reconcile.status import Answer, CriterionStatus

REMEDIES: Mapping[str, str] = MappingProxyType(
    {
        "manager-named": "name the project's `manager` in the configuration",
        "sponsor-named": "name the project's `sponsor` in the configuration",
        "owner-named": "name the project's `operations_owner` in the configuration",
        "plan-dated": "give each work package a planned start and finish, then pull",
        "budget-known": "give the work packages a budget in the project's currency, then pull",
        "baseline-recorded": "itpm-sync baseline record PROJECT --author NAME",
        "risks-registered": "register the risks in their source, then pull",
        "risks-closed": "close the risks in their source, then pull",
        "work-done": "finish or cancel the items in their source, then pull",
        "scope-approved": "have a change request for them approved, or take them out, then pull",
        "no-open-defects": "resolve the defects in their source, then pull",
        "no-priority-one": "resolve them at the help desk, then pull",
        "no-high-findings": "itpm-sync findings PROJECT says what to do; or waive them",
        "changes-decided": "decide the change requests in their source, then pull",
        "milestones-met": "record in the plan when each was reached, then pull",
        "orders-settled": "receive and pay, or close, the orders in their source, then pull",
        "receipts-billed": "ask the vendor for the invoice, or close the line, then pull",
        "invoices-paid": "pay the invoices, or correct what is recorded as paid, then pull",
        "contracts-owned": "give each contract owner, end and notice in its source, then pull",
    }
)
"""By evidence: what to do while the sources say that it is not so."""


def approval_refused(
    project: str,
    gate: str,
    earlier: Sequence[Stage],
    missing: Sequence[CriterionStatus],
    evidence: Mapping[str, str],  # by id of a criterion
) -> str:
    """What stands against an approval, a line each with what to do; attestations in one."""
    lines = [f"the gate of {gate} of {project} is not approved:"]
    lines += [
        f"- the gate of {one} is not approved — itpm-sync gate approve {project} {one} --by NAME"
        for one in earlier
    ]
    denied = [c for c in missing if c.answer is Answer.FAILED]
    lines += [f"- {c.id}: {c.told} — {_remedy(c.id, project, evidence)}" for c in denied]
    lines += _unattested(project, [c for c in missing if c.answer is not Answer.FAILED])
    return "\n".join([*lines, "What stands against it is recorded with an approval in spite of it"])


def _unattested(project: str, missing: Sequence[CriterionStatus]) -> Iterator[str]:
    if missing:
        named = ", ".join(map(_reasoned, missing))
        yield f"- nobody has attested {named} — itpm-sync gate attest {project} CRITERION --by NAME"


def _reasoned(one: CriterionStatus) -> str:
    reason = one.told.removesuffix("nobody has attested it").rstrip("; ")
    return f"{one.id} ({reason})" if reason else one.id


def attestation_refused(
    project: str, one: CriterionStatus, *, withdraw: bool, evidence: Mapping[str, str]
) -> tuple[str, str]:
    """Why nobody's word is recorded, and what to do; nothing where it may be."""
    if one.by_sources:
        message = f"the sources tell of {one.id}: {one.told}"
        if one.answer is Answer.MET:
            return message, f"it is met: {_nothing('withdrawn' if withdraw else 'attested')}"
        return message, f"{_remedy(one.id, project, evidence)}; nobody's word goes before that"
    if withdraw and not one.told.startswith("attested"):
        if one.answer is Answer.MET:
            return f"{one.id} is {one.told}", "correct it there, then pull"
        return f"nobody has attested {one.id}", _nothing("withdrawn")
    return "", ""


def _nothing(done: str) -> str:
    return f"nothing is to be {done}"


def _remedy(criterion: str, project: str, evidence: Mapping[str, str]) -> str:
    return REMEDIES[evidence[criterion]].replace("PROJECT", project)
