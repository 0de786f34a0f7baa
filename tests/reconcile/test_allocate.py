"""Every record is placed by the first rule that can, or is shown as unallocated."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from itpm_sync.model import (
    Contract,
    HelpDeskItem,
    InvoiceLine,
    ItemType,
    Milestone,
    Money,
    OrderLine,
    TimeEntry,
    WorkItem,
    WorkPackage,
)
from itpm_sync.reconcile.allocate import allocate
from itpm_sync.reconcile.inputs import ProjectSetup, Rule


@pytest.fixture
def net(world):
    """Packages LAN (finish June) and WAN (finish April) in NET; a second project SD."""
    for code, finish in (("LAN", date(2026, 6, 30)), ("WAN", date(2026, 4, 30))):
        world.add(WorkPackage, code, code=code, name=f"{code} work", planned_finish=finish)
    world.others.append(ProjectSetup(code="SD", name="Service desk"))
    return world


def item(world, source_id, **fields):
    return world.add(WorkItem, source_id, key=f"NET-{source_id}", title="t", **fields)


def places(world):
    inputs = world.inputs()
    found = allocate(inputs, {k: list(v) for k, v in inputs.records.items()})
    result = {}
    for project, records in found.projects.items():
        for placed in (p for kind in records.kinds.values() for p in kind):
            result[placed.record.ref.source_id] = (project, placed.package, placed.rule)
    return result, found


def rule(name, when, **target):
    return Rule(name=name, when={k: tuple(v) for k, v in when.items()}, **target)


def test_own_project_key_and_package_code_place_a_record_ignoring_case(net):
    item(net, "1", project_key="net", work_package="lan")
    found, _ = places(net)
    assert found["1"] == ("NET", "LAN", "project key; work package code")


def test_first_matching_rule_wins_over_own_keys(net):
    net.options["rules"] = (
        rule("desk", {"component": ["Service*"], "type": ["defect"]}, project="SD"),
        rule("late", {"component": ["*"]}, project="NET", work_package="WAN"),
    )
    item(net, "1", components=("service desk",), type=ItemType.DEFECT, work_package="LAN")
    item(net, "2", components=("service desk",), type=ItemType.STORY, work_package="LAN")
    found, _ = places(net)
    assert found["1"] == ("SD", "", "desk")
    assert found["2"] == ("NET", "WAN", "late")


def test_all_conditions_of_a_rule_must_hold_and_values_match_whole(net):
    net.options["rules"] = (
        rule("r", {"label": ["wan"], "kind": ["work_item"]}, work_package="WAN"),
    )
    item(net, "1", labels=("WAN",))
    item(net, "2", labels=("wan-2",))
    found, _ = places(net)
    assert found["1"] == ("NET", "WAN", "project key; r")
    assert found["2"] == ("NET", "", "project key")


def test_targets_take_the_words_of_the_record(net):
    net.options["rules"] = (
        rule("cost code", {"cost_code": ["NET-*"]}, project="NET", work_package="{area}"),
    )
    item(net, "1", project_key="", attributes={"cost_code": "NET-7", "area": "wan"})
    item(net, "2", project_key="", attributes={"cost_code": "NET-7"})
    found, _ = places(net)
    assert found["1"] == ("NET", "WAN", "cost code")
    assert found["2"] == ("NET", "", "cost code")


def test_brackets_in_a_rule_are_no_wildcard(net):
    net.options["rules"] = (rule("r", {"label": ["[abc]*"]}, work_package="WAN"),)
    item(net, "1", labels=("apple",))
    item(net, "2", labels=("[abc] apple",))
    found, _ = places(net)
    assert (found["1"][1], found["2"][1]) == ("", "WAN")


def test_item_of_several_versions_counts_once_in_the_earliest(net):
    item(net, "1", versions=("LAN", "wan work"))
    found, _ = places(net)
    assert found["1"] == ("NET", "WAN", "project key; fix version")


def test_child_follows_its_parent_then_its_epic_at_any_depth(net):
    item(net, "1", work_package="LAN")
    item(net, "2", parent="1")
    item(net, "3", parent="2")
    item(net, "4", type=ItemType.EPIC, work_package="WAN")
    item(net, "5", epic="NET-4")
    found, _ = places(net)
    assert found["3"] == ("NET", "LAN", "project key; follows its parent")
    assert found["5"] == ("NET", "WAN", "project key; follows its epic")


def test_parents_in_a_circle_end(net):
    item(net, "1", parent="2")
    item(net, "2", parent="1")
    found, _ = places(net)
    assert found["1"] == found["2"] == ("NET", "", "project key")


def test_parent_of_another_connection_is_no_parent(net):
    item(net, "1", work_package="LAN")
    item(net, "2", parent="1", connection="other")
    found, _ = places(net)
    assert found["2"] == ("NET", "", "project key")


def test_time_follows_its_item_even_where_the_key_says_otherwise(net):
    net.options["rules"] = (rule("desk", {"component": ["desk"]}, project="SD"),)
    moved = item(net, "1", components=("desk",))
    placed = item(net, "2", work_package="LAN")
    for number, target in (("t1", moved), ("t2", placed)):
        net.add(TimeEntry, number, item=target.id, person="Ann", on=date(2026, 3, 2), duration_s=60)
    found, _ = places(net)
    assert found["t1"] == ("SD", "", "follows its item")
    assert found["t2"] == ("NET", "LAN", "follows its item")


def test_invoice_follows_order_line_then_contract(net, eur):
    net.add(Contract, "c", number="C-1", work_package="WAN", project_key="NET")
    net.add(OrderLine, "o1", order="PO-1", line="1", work_package="LAN", amount=eur(1))
    net.add(OrderLine, "o2", order="PO-2", contract="c-1", project_key="", amount=eur(1))
    for number, fields in (
        ("i1", {"order": "po-1", "order_line": "1"}),
        ("i2", {"contract": "C-1"}),
        ("i3", {"order": "PO-2", "order_line": "1"}),
        ("i4", {"order": "PO-9"}),
    ):
        net.add(
            InvoiceLine,
            number,
            project_key="",
            invoice=number,
            amount=eur(1),
            invoiced_on=date(2026, 3, 2),
            **fields,
        )
    found, allocation = places(net)
    assert found["o2"] == ("NET", "WAN", "follows its contract")
    assert found["i1"] == ("NET", "LAN", "follows its order line")
    assert found["i2"] == ("NET", "WAN", "follows its contract")
    assert found["i3"] == ("NET", "WAN", "follows its order line")
    assert [r.ref.source_id for r in allocation.nowhere["invoice_line"]] == ["i4"]


def test_a_rule_that_names_a_package_of_nobody_is_told_with_what_it_names(net):
    net.options["rules"] = (rule("network", {"label": ["net"]}, work_package="1.9"),)
    net.add(WorkItem, "0", key="NET-0", title="t", type=ItemType.EPIC, labels=("net",))
    item(net, "1", labels=("net",))
    item(net, "2", epic="NET-0")  # would follow its epic
    item(net, "3")
    day = date(2026, 3, 2)
    for number, of in enumerate(("1", "2", "2"), start=1):
        net.add(
            TimeEntry, f"t{number}", person="p", on=day, duration_s=3600,
            item=f"src:work_item:{of}",
        )  # fmt: skip
    [found] = net.findings("unallocated-records")
    assert found.message == (
        '3 time entries (3.0 h) match the allocation rule "network", whose work package 1.9 is '
        "none of NET: they are in the project's totals only"
    )
    [orphans] = net.findings("orphan-tickets")
    assert orphans.message.endswith(
        '3 are in no work package; some by the allocation rule "network", whose work package 1.9 '
        "is none of NET"
    )
    net.add(TimeEntry, "t4", person="p", on=day, duration_s=7200)
    [found] = net.findings("unallocated-records")
    assert found.message == (
        "4 time entries (5.0 h) are in no work package of NET, 3 of them by the allocation rule "
        '"network", whose work package 1.9 is none of NET: they are in the project\'s totals only'
    )
    net.options["rules"] = (rule("network", {"label": ["net"]}, work_package="WAN"),)
    [found] = net.findings("unallocated-records")
    assert found.message == (
        "1 time entry (2.0 h) matches no rule for a work package of NET: it is in the project's "
        "totals only"
    )


def test_what_matches_nothing_is_shown_with_its_worth(net, eur):
    net.add(OrderLine, "o", order="PO-1", project_key="ELSEWHERE", amount=eur("99.90"))
    net.add(HelpDeskItem, "h", key="1", title="t", project_key="")
    item(net, "1", work_package="NO-SUCH")
    snapshot = net.snapshot()
    assert [(u.kind, u.count, str(u.amount)) for u in snapshot.unallocated] == [
        ("order_line", 1, "EUR 99.90"),
        ("help_desk_item", 1, "None"),
    ]
    project = snapshot.projects[0]
    assert [(u.kind, u.count) for u in project.unallocated] == [("work_item", 1)]
    assert project.figures["items"].value == Decimal(1)
    subjects = [f.subject for f in net.findings("unallocated-records")]
    assert subjects == ["help_desk_item", "order_line EUR"]
    [orphan] = net.findings("orphan-tickets")  # which tells of the ticket
    assert [e.identity for e in orphan.evidence] == ["src:work_item:1"]


def test_a_misspelt_project_code_is_named_with_the_one_that_was_meant(net, eur):
    for code in ("1", "2"):
        net.add(WorkPackage, f"w{code}", code=code, name="Wifi", project_key="NTE", budget=eur(9))
    net.add(Milestone, "m", code="M1", name="Live", planned=date(2026, 3, 2), project_key="NTE")
    net.add(Milestone, "n", code="M2", name="Over", planned=date(2026, 3, 2), project_key="")
    packages, milestones = net.findings("unallocated-records")
    assert packages.message == (
        "2 work packages (EUR 18.00) match no rule for a project: they are in no total; the "
        "project NTE (2) is not configured"
    )
    assert (packages.severity, packages.amount) == ("high", eur(18))
    assert [e.identity for e in packages.evidence] == ["src:work_package:w1", "src:work_package:w2"]
    assert milestones.severity == "medium"
    assert packages.action == (
        "Correct the code at the source (NTE: NET?), configure the project, or add an allocation "
        "rule."
    )
    assert milestones.message == (
        "2 milestones match no rule for a project: they are in no total; the project NTE is not "
        "configured"
    )


def test_budgets_that_nobody_has_are_told_by_currency_and_none_twice(net, eur):
    """The summary 1 holds the budgets of 1.1 and 1.2; a row without a budget is no matter."""
    chf = Money(Decimal(7), "CHF")
    for code, parent, budget in (
        ("1", "", eur(10)), ("1.1", "1", eur(6)), ("1.2", "1", eur(4)), ("2", "", chf),
        ("3", "", None),
    ):  # fmt: skip
        net.add(
            WorkPackage, code, code=code, name=code, project_key="NTE", parent=parent, budget=budget
        )
    found = net.findings("unallocated-records")
    assert [(f.severity, f.subject, f.amount) for f in found] == [
        ("high", "work_package CHF", chf),
        ("high", "work_package EUR", eur(10)),
        ("medium", "work_package", None),
    ]


def test_budgets_of_a_project_that_is_not_ours_are_no_high_finding(net, eur):
    net.add(WorkPackage, "w", code="1", name="w", project_key="WAREHOUSE", budget=eur(10))
    [found] = net.findings("unallocated-records")
    assert (found.severity, found.amount) == ("medium", eur(10))


def test_a_package_that_stands_under_a_misspelt_project_is_named_with_it(net, eur):
    """Not the nearest of the project's own packages, to which the cost would be misbooked."""
    net.add(WorkPackage, "w", code="LAM", name="Lamps", project_key="NTE", budget=eur(9))
    net.add(OrderLine, "o", order="P1", amount=eur(1), work_package="lam")
    [found] = [f for f in net.findings("unallocated-records") if f.project]
    assert found.action == (
        "Correct the code at the source (lam stands in the plan under project NTE: NET?), add the "
        "work package to the plan, or add an allocation rule."
    )
    for number, other in enumerate(("XYZ", "QQQ")):
        net.add(WorkPackage, f"x{number}", code="LAM", name="Lamps", project_key=other)
    [found] = [f for f in net.findings("unallocated-records") if f.project]
    assert "under project NTE: NET?" in found.action


def test_a_misspelt_work_package_is_named_with_its_project(net, eur):
    for number, package in enumerate(("LNA", "LNA", "1.9", "WANN", "", "X"), start=1):
        net.add(OrderLine, f"o{number}", order=f"P{number}", amount=eur(1), work_package=package)
    [found] = net.findings("unallocated-records")
    assert found.message == (
        "6 order lines (EUR 6.00) match no rule for a work package of NET: they are in the "
        "project's totals only; work packages LNA (2), 1.9, WANN, … are none of NET"
    )
    # of several codes the advice is for all of them
    assert found.action == (
        "Correct the code at the source, add the work package to the plan, or add an allocation "
        "rule."
    )
    net.records["order_line"] = net.records["order_line"][:2]
    [found] = net.findings("unallocated-records")
    assert found.action == (
        "Correct the code at the source (LNA: LAN?), add the work package to the plan, or add an "
        "allocation rule."
    )


def test_the_code_that_was_meant_is_found_whatever_its_case(net, eur):
    net.add(WorkPackage, "w", code="1", name="Wifi", project_key="net2", budget=eur(9))
    [found] = net.findings("unallocated-records")
    assert found.action.startswith("Correct the code at the source (net2: NET?), ")
