"""Stage gates: what the sources tell goes before anybody's word; a name and a day for the rest."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import get_args

import pytest

from itpm_sync import config
from itpm_sync.config import Gates, default_criteria, gate_criteria
from itpm_sync.model import (
    ChangeRequest,
    Contract,
    Gate,
    HelpDeskItem,
    InvoiceLine,
    ItemType,
    Milestone,
    OrderLine,
    Payment,
    Receipt,
    Risk,
    Stage,
    TicketStatus,
    TicketType,
    WorkItem,
    WorkPackage,
    WorkStatus,
)
from itpm_sync.reconcile import gates_of
from itpm_sync.reconcile.decisions import Criterion, GateAct, GateRules, Waiver
from itpm_sync.reconcile.gates import EVIDENCE, before, told
from itpm_sync.reconcile.status import Answer, from_json, to_json

TODAY = date(2026, 3, 13)
LAST = date(2026, 3, 2)


@pytest.fixture
def ask(world):
    """The answer to one criterion with this evidence."""

    def answer(evidence, name="it"):
        world.options["gates"] = GateRules(
            criteria=(asked(evidence, name),), priority_one=("1", "P1*")
        )
        [gate] = gates_of(world.inputs())["NET"]
        return gate.criteria[0]

    return answer


def asked(evidence, name="it", gate=Stage.CLOSING, *, mandatory=True):
    return Criterion(id=name, gate=gate, text="?", evidence=evidence, mandatory=mandatory)


def act(kind, subject, **fields):
    given = {"project": "NET", "act": kind, "subject": subject, "author": "Ann", "on": LAST}
    return GateAct(**{**given, **fields})


# ---- what the sources tell ----------------------------------------------------------------------


def incident(**fields):
    given = {"key": "INC-1", "title": "Down", "type": TicketType.INCIDENT, "priority": "P1 high"}
    return HelpDeskItem, {**given, "status": TicketStatus.OPEN, **fields}


def order(**fields):
    return OrderLine, {"order": "PO-7", "status": "open", "ordered_on": LAST, **fields}


def ticket(**fields):
    return WorkItem, {"key": "NET-1", "title": "Fix", "type": ItemType.DEFECT, **fields}


RECEIPT = (Receipt, {"order": "PO-7", "quantity": Decimal(1), "received_on": LAST})
DONE = {"status": WorkStatus.DONE}


@pytest.mark.parametrize(
    ("evidence", "records", "answer", "words"),
    [
        ("no-priority-one", [], None, "no source tells of incidents"),
        ("no-priority-one", [incident()], False, "1 priority-one incident is open: INC-1 Down"),
        ("no-priority-one", [incident(priority="2")], True, "no priority-one incident is open"),
        ("no-priority-one", [incident(type=TicketType.REQUEST)], True, "no priority-one"),
        ("no-priority-one", [incident(status=TicketStatus.RESOLVED)], True, "no priority-one"),
        ("no-open-defects", [], None, "no source tells of its work items"),
        ("no-open-defects", [ticket()], False, "1 defect is open: NET-1 Fix"),
        ("no-open-defects", [ticket(**DONE)], True, "no defect is open"),
        ("work-done", [], None, "no work item is in scope"),
        ("work-done", [ticket()], False, "1 work item is open: NET-1 Fix"),
        ("work-done", [ticket(**DONE)], True, "no work item is open"),
        ("orders-settled", [], None, "no source tells of orders"),
        ("orders-settled", [order()], False, "1 order line is open: Order PO-7 line 1"),
        ("orders-settled", [order(status="closed")], True, "no order line is open"),
        ("receipts-billed", [order()], None, "no source tells of receipts"),
        ("receipts-billed", [order(), RECEIPT], False, "1 order line is received but not invoiced"),
        ("risks-closed", [], None, "no risk is registered"),
        ("risks-closed", [(Risk, {"code": "R1", "title": "Late"})], False, "1 risk is open: R1"),
        ("risks-closed", [(Risk, {"code": "R1", "title": "Late", "status": "closed"})], True, "no"),
        ("risks-registered", [(Risk, {"code": "R1", "title": "Late"})], True, "1 risk registered"),
        ("changes-decided", [], None, "no source tells of changes"),
        (
            "changes-decided", [(ChangeRequest, {"number": "CR-1", "title": "More"})], False,
            "1 change request is open: CR-1 More",
        ),
        (
            "changes-decided",
            [(ChangeRequest, {"number": "CR-1", "title": "More", "status": "rejected"})], True,
            "no change request is open",
        ),
        (
            "milestones-met", [(Milestone, {"code": "M1", "name": "Live", "planned": LAST})], False,
            "1 milestone is not reached: M1 Live",
        ),
        ("milestones-met", [(Milestone, {"code": "M1", "name": "Live", "actual": LAST})], True, ""),
        (
            "contracts-owned", [(Contract, {"number": "C-1", "owner": "Bo"})], False,
            "1 contract is without owner, end or notice: Contract C-1",
        ),
        (
            "contracts-owned",
            [(Contract, {"number": "C-1", "owner": "Bo", "end": LAST, "notice_days": 0})], True,
            "no contract is without",
        ),
        ("scope-approved", [], None, "baseline"),
        ("baseline-recorded", [], False, "no baseline is recorded"),
        ("plan-dated", [], False, "there is no work package"),
        (
            "plan-dated", [(WorkPackage, {"code": "1", "name": "n"})], False,
            "1 work package without dates: 1",
        ),
        ("budget-known", [], False, ""),
        ("manager-named", [], False, "no manager is named"),
        ("owner-named", [], False, "no owner in operations is named"),
    ],
)  # fmt: skip
def test_the_sources_say_yes_no_or_nothing(  # noqa: PLR0917 — three fixtures and a case
    world, ask, eur, evidence, records, answer, words
):
    for number, (kind, fields) in enumerate(records):
        amount = {"amount": eur(100)} if kind is OrderLine else {}
        world.add(kind, f"r{number}", **fields, **amount)
    found = ask(evidence)
    expected = {True: Answer.MET, False: Answer.FAILED, None: Answer.MISSING}[answer]
    assert (found.answer, found.by_sources) == (expected, answer is not None)
    assert words in found.told


def test_an_invoice_is_settled_when_it_is_paid_as_billed(world, ask, eur):
    world.add(InvoiceLine, "i", invoice="R-1", vendor="A", invoiced_on=LAST, amount=eur(100))
    assert ask("invoices-paid").told.startswith("no source tells what is paid")
    world.add(Payment, "p", invoice="R-1", vendor="A", amount=eur(60), paid_on=LAST)
    assert ask("invoices-paid").answer is Answer.FAILED
    world.add(Payment, "q", invoice="R-1", vendor="A", amount=eur(40), paid_on=LAST)
    assert ask("invoices-paid").answer is Answer.MET


def test_a_high_finding_fails_until_it_is_waived(world, ask):
    world.add(
        WorkPackage, "w", code="1", name="n", planned_start=date(2026, 1, 5),
        planned_finish=date(2026, 1, 30),
    )  # fmt: skip
    found = ask("no-high-findings")
    assert (found.answer, found.told) == (Answer.FAILED, "1 high finding: package-late")
    waiver = Waiver(finding="package-late", reason="agreed", author="Bo", expires=TODAY)
    world.options["waivers"] = (waiver,)
    assert ask("no-high-findings").answer is Answer.MET


def test_that_nothing_is_high_is_not_known_while_a_source_was_never_read(world, ask):
    world.options["never_read"] = {"work_item": ("jira",)}
    found = ask("no-high-findings")
    assert found.answer is Answer.MISSING
    assert "never read: jira" in found.told


# ---- a person's word ----------------------------------------------------------------------------


def test_what_no_source_tells_is_attested_by_name_and_day(world, ask):
    world.options["acts"] = (act("attested", "it", note="minutes 4"),)
    found = ask("no-priority-one")
    assert (found.answer, found.told) == (Answer.MET, "attested by Ann on 2 Mar 2026: minutes 4")


def test_what_the_sources_deny_nobody_can_attest(world, ask):
    kind, fields = incident()
    world.add(kind, "h", **fields)
    world.options["acts"] = (act("attested", "it"),)
    assert ask("no-priority-one").answer is Answer.FAILED


def test_a_withdrawn_word_does_not_count_and_a_renewed_one_does(world, ask):
    acts = act("attested", "it"), act("withdrawn", "it"), act("attested", "it", author="Bo")
    world.options["acts"] = acts[:2]
    assert ask("attestation").answer is Answer.MISSING
    world.options["acts"] = acts
    assert ask("attestation").told == "attested by Bo on 2 Mar 2026"


def test_a_word_about_another_project_does_not_count(world, ask):
    world.options["acts"] = (act("attested", "it", project="SDM"),)
    assert ask("attestation").answer is Answer.MISSING


def test_a_sign_off_is_declared_by_a_done_labelled_ticket_or_a_reached_milestone(world, ask):
    fields = {"labels": ("Security-Sign-Off",), "title": "Sign-off", "key": "SEC-1"}
    world.add(WorkItem, "s", status=WorkStatus.TODO, **fields)
    assert ask("attestation", "security-sign-off").answer is Answer.MISSING
    world.records["work_item"].clear()
    world.add(WorkItem, "s", status=WorkStatus.DONE, **fields)
    assert ask("attestation", "SECURITY-sign-off").answer is Answer.MET
    found = ask("attestation", "security-sign-off")
    assert (found.answer, found.told) == (Answer.MET, "declared by SEC-1 Sign-off")
    world.records["work_item"].clear()
    world.add(Milestone, "m", code="security-sign-off", name="Signed", actual=LAST)
    assert ask("attestation", "security-sign-off").answer is Answer.MET


# ---- gates --------------------------------------------------------------------------------------


@pytest.fixture
def office(world):
    """One attested criterion at each gate, the last with an optional one."""
    stages = [s for s in Stage if s is not Stage.CLOSED]
    criteria = [asked("attestation", f"{s}-asked", s) for s in stages]
    criteria.append(asked("attestation", "nice", Stage.CLOSING, mandatory=False))
    world.options["gates"] = GateRules(criteria=tuple(criteria))
    return world


def test_the_next_gate_is_the_first_unapproved_from_the_projects_stage_on(office):
    coming = office.project().next_gate
    assert told(coming) == "next gate execution: 1 of 1 missing: execution-asked"
    office.options["acts"] = (act("approved", "execution"),)
    assert office.project().next_gate.gate is Stage.MONITORING
    office.setup["stage"] = Stage.CLOSED
    assert office.project().next_gate.gate is Stage.CLOSING
    office.options["acts"] = (act("approved", "closing", owner="Ops"),)
    project = office.project()
    assert told(project.next_gate) == "every gate is approved"
    assert project.gates[-1].owner == "Ops"


def test_an_optional_criterion_is_shown_but_never_missing(office):
    closing = gates_of(office.inputs())["NET"][-1]
    assert [c.id for c in closing.criteria] == ["closing-asked", "nice"]
    assert [c.id for c in closing.missing] == ["closing-asked"]


def test_a_source_may_record_an_approval_until_then_unknown(office):
    office.add(Gate, "g", stage=Stage.EXECUTION, approved_by="Board", approved_on=date(2026, 3, 20))
    assert office.project().next_gate.gate is Stage.EXECUTION
    office.options["data_date"] = date(2026, 3, 20)
    assert office.project().next_gate.gate is Stage.MONITORING
    execution = office.project().gates[2]
    assert (execution.approved_by, execution.note) == ("Board", "recorded in src")


def test_a_gate_waits_for_those_before_it_from_the_projects_stage_on(office):
    gates = gates_of(office.inputs())["NET"]
    assert before(gates, Stage.CLOSING, Stage.EXECUTION) == (Stage.EXECUTION, Stage.MONITORING)
    assert before(gates, Stage.PLANNING, Stage.EXECUTION) == ()


def test_a_gate_that_was_passed_without_approval_is_found_where_gates_are_approved(office):
    assert office.findings("gate-skipped") == []
    office.options["acts"] = (act("approved", "initiation"),)
    [found] = office.findings("gate-skipped")
    assert found.subject == "planning"


def test_an_approval_despite_what_fails_is_found_until_that_is_settled(office):
    given = act("approved", "execution", despite="go-live is fixed", failing=("execution-asked",))
    office.options["acts"] = (given,)
    [found] = office.findings("gate-approved-despite")
    assert "(go-live is fixed); 1 criterion still: execution-asked" in found.message
    office.options["acts"] = (given, act("attested", "execution-asked"))
    assert office.findings("gate-approved-despite") == []


def test_an_office_without_criteria_hears_nothing_of_gates(world):
    project = world.project()
    assert (project.gates, project.next_gate) == ((), None)


def test_a_snapshot_keeps_the_criteria_of_the_next_gate_only(office):
    snapshot = office.snapshot()
    [project] = snapshot.projects
    assert len(project.gates) == 5
    assert all(gate.criteria == () for gate in project.gates)
    assert len(project.next_gate.criteria) == 1
    assert from_json(to_json(snapshot)) == snapshot


# ---- the criteria that come with the product ----------------------------------------------------


def test_every_kind_of_evidence_that_may_be_configured_is_judged():
    kinds = get_args(config.Criterion.model_fields["evidence"].annotation)
    assert set(kinds) == {*EVIDENCE, "attestation"}


def test_the_default_criteria_are_distinct_and_every_gate_asks_something_mandatory():
    ids = [c.id for c in default_criteria()]
    assert len(ids) == len(set(ids))
    mandatory = {c.gate for c in default_criteria() if c.mandatory}
    assert mandatory == {"initiation", "planning", "execution", "monitoring", "closing"}


def test_own_criteria_replace_those_of_their_id_or_come_after_and_some_are_dropped():
    given = {"id": "lessons", "gate": "closing", "text": "ours"}
    own = config.Criterion.model_validate(given)
    added = own.model_copy(update={"id": "works-council"})
    found = gate_criteria(Gates(criteria=(own, added), without=("archive",)))
    by_id = {c.id: c for c in found}
    assert by_id["lessons"].text == "ours"
    assert found[-1] == added
    assert "archive" not in by_id
    assert len(found) == len(default_criteria())


HAND_OVER = {
    "monitoring": "alerting", "reporting": "service-reporting", "capacity": "capacity",
    "licences": "contracts-owned", "configuration": "configuration-items",
    "design_docs": "as-built", "service_description": "service-catalogue",
    "user_training": "users-trained", "support_training": "support-trained",
    "service_cost": "running-cost", "acceptance": "acceptance",
    "non_production": "non-production", "test_plans": "test-plans", "sla_ola": "service-levels",
    "runbooks": "runbooks", "known_issues": "known-errors", "backup_dr": "backup",
    "security": "security-sign-off", "support_contracts": "support-contracts",
    "els": "early-life-support", "follow_on": "follow-on", "benefits": "benefits-plan",
}  # fmt: skip
CLOSURE = (  # in the order of the list
    ("deliverables", "acceptance"), ("acceptance-criteria", "acceptance"),
    ("defects", "risks-passed-on", "follow-on"), ("performance-reviewed",),
    ("benefits-reviewed",), ("lessons",), ("orders-settled", "receipts-billed", "invoices-paid"),
    ("archive",), ("released",),
)  # fmt: skip
ACTIVITIES = {  # of closing; None: deliberately no criterion
    "prepare planned closure": "performance-reviewed",
    "prepare premature closure": None,  # the same gate, approved --despite what was not done
    "hand over products": "acceptance",
    "evaluate the project": "lessons",
    "recommend project closure": None,  # that is the approval itself
}


def test_every_item_of_the_hand_over_checklist_is_covered_as_strictly(vector):
    criteria = {c.id: c for c in default_criteria()}
    items = {i["area"]: i["mandatory"] for i in vector("handover_checklist")["items"]}
    assert set(items) == set(HAND_OVER)
    assert {a: criteria[c].mandatory for a, c in HAND_OVER.items()} == items


def test_every_check_of_the_closure_checklist_is_covered(vector):
    closure = vector("closure_checklist")
    assert len(closure["checks"]) == len(CLOSURE)
    assert set(closure["activities"]) == set(ACTIVITIES)
    known = {c.id for c in default_criteria()}
    named = {name for names in CLOSURE for name in names} | set(filter(None, ACTIVITIES.values()))
    assert named <= known


def test_no_text_is_copied_from_the_checklists(vector):
    theirs = {i["question"] for i in vector("handover_checklist")["items"]}
    theirs |= set(vector("closure_checklist")["checks"])
    folded = {t.casefold().rstrip("?. ") for t in theirs}
    assert not folded & {c.text.casefold() for c in default_criteria()}


def test_gates_do_not_depend_on_the_order_of_records(office):
    for number in range(3):
        office.add(WorkItem, f"d{number}", key=f"NET-{number}", title="t", type=ItemType.DEFECT)
    office.options["gates"] = GateRules(criteria=(asked("no-open-defects"),))
    inputs = office.inputs()
    turned = {k: tuple(reversed(v)) for k, v in inputs.records.items()}
    assert gates_of(inputs) == gates_of(replace(inputs, records=turned))
