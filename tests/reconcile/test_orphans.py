"""Tickets that belong to nothing of the plan: each is told once, by what is gravest."""

from __future__ import annotations

from decimal import Decimal

import pytest

from itpm_sync.model import HelpDeskItem, ItemType, WorkItem, WorkPackage, WorkStatus
from itpm_sync.reconcile.inputs import Policy


def item(world, number, **fields):
    fields = {"key": f"NET-{number}", "title": f"Item {number}"} | fields
    return world.add(WorkItem, str(number), **fields)


@pytest.fixture
def planned(world):
    """A project with one package, an epic, and eight items that hang on both."""
    world.add(WorkPackage, "w", code="A", name="Work")
    item(world, 1, type=ItemType.EPIC)
    for number in range(2, 10):
        item(world, number, work_package="A", epic="NET-1")
    return world


def told(world):
    [found] = world.findings("orphan-tickets")
    return found.message, [e.label.split()[0] for e in found.evidence]


def test_what_hangs_on_the_plan_is_no_orphan(planned):
    item(planned, 10, epic="Item 1", work_package="A")  # the epic's name, as some sources give it
    item(planned, 11, parent="10")  # follows its parent into the package
    assert planned.findings("orphan-tickets") == []
    assert planned.findings("unallocated-records") == []  # the epic itself is no scope


def test_each_orphan_is_told_once_and_by_what_is_gravest(planned):
    item(planned, 20, where="gone", type=ItemType.EPIC)
    item(planned, 10, epic="NET-20")  # in no package either
    item(planned, 11, parent="99", work_package="A")
    item(planned, 12, epic="NET-98", work_package="A")
    item(planned, 13)
    item(planned, 14, status=WorkStatus.CANCELLED)  # not in scope
    message, evidence = told(planned)
    assert message == (
        "4 of 12 items in scope (33.3 %) belong to nothing of the plan: the parent or epic of 1 "
        "was deleted, moved away or hidden; the parent or epic of 2 is not known; 1 is in no work "
        "package"
    )
    assert evidence == ["NET-10", "NET-11", "NET-12", "NET-13"]


def test_an_epic_of_a_project_that_is_not_read_is_not_judged(planned):
    item(planned, 10, epic="PROG-7", parent="4711", work_package="A")
    assert planned.findings("orphan-tickets") == []
    item(planned, 11, key="PROG-8", project_key="PROG", work_package="A")  # now it is read
    assert told(planned)[1] == ["NET-10"]


def test_parent_and_epic_are_judged_each_on_its_own(planned):
    item(planned, 10, parent="NET-999", epic="OTH-1", work_package="A")  # NET is read, OTH is not
    item(planned, 11, parent="OTH-7", work_package="A")
    item(planned, 12, parent="OTH-7", epic="NET-1", work_package="A")
    item(planned, 13, parent="OTH-7", epic="4711", work_package="A")  # perhaps the id of OTH-7
    item(planned, 14, parent="4711", epic="NET-1", work_package="A")
    message, evidence = told(planned)
    assert evidence == ["NET-10", "NET-14"]
    assert message.endswith("the parent or epic of 2 is not known")


def test_a_parent_may_be_a_help_desk_item(planned):
    planned.add(HelpDeskItem, "h1", key="INC-1", title="Down")
    planned.add(HelpDeskItem, "h2", key="INC-2", title="Spam", where="gone")
    item(planned, 10, parent="INC-1", work_package="A")
    item(planned, 11, parent="h1", work_package="A")
    assert planned.findings("orphan-tickets") == []
    item(planned, 12, parent="INC-2", work_package="A")
    message, evidence = told(planned)
    assert evidence == ["NET-12"]
    assert message.endswith("the parent or epic of 1 was deleted, moved away or hidden")


def test_an_epic_that_was_created_after_the_data_date_is_known(planned, at):
    item(planned, 20, type=ItemType.EPIC, created_at=at("2026-03-20T10:00"))
    item(planned, 10, epic="NET-20", work_package="A")
    item(planned, 11, epic="Item 20", work_package="A")
    assert planned.findings("orphan-tickets") == []
    planned.records["work_item"] = [i for i in planned.records["work_item"] if i.key != "NET-20"]
    assert told(planned)[1] == ["NET-10", "NET-11"]


def test_without_work_packages_only_a_missing_parent_makes_an_orphan(world):
    item(world, 1)
    assert world.findings("orphan-tickets") == []
    item(world, 2, parent="99")
    assert told(world)[1] == ["NET-2"]


def test_the_severity_is_medium_above_the_share(planned):
    item(planned, 10)
    item(planned, 11, work_package="A")  # 1 of 10
    assert [f.severity for f in planned.findings("orphan-tickets")] == ["low"]
    planned.options["policy"] = Policy(orphan_share=Decimal("0.0999"))
    assert [f.severity for f in planned.findings("orphan-tickets")] == ["medium"]
    assert told(planned)[0].startswith("1 of 10 items in scope (10.0 %) belongs to nothing of")
