"""Each project names the records in quarantine that are known to be its own."""

from __future__ import annotations

import pytest

from itpm_sync.model import WorkItem
from itpm_sync.reconcile.inputs import ProjectSetup, Rejected
from itpm_sync.reconcile.status import Quarantined, from_json, to_json


def rejected(source_id, **fields):
    given = {
        "connection": "src", "stream": "work_item", "source_id": source_id, "place": "",
        "message": "created: expected a date, found 'soon'",
    }  # fmt: skip
    return Rejected(**(given | fields))


def of_projects(world):
    snapshot = from_json(to_json(world.snapshot()))
    return {p.code: [q.name for q in p.quarantined] for p in snapshot.projects}


@pytest.fixture
def two(world):
    world.others.append(ProjectSetup(code="SDM", name="Desk", currency="EUR"))
    world.add(WorkItem, "1", key="NET-1", title="Cable")
    return world


def test_a_record_whose_earlier_state_is_stored_is_that_projects_and_has_its_name(two):
    two.options["rejected"] = (rejected("1", place="https://src.test/browse/NET-1"),)
    (one,) = two.project().quarantined
    assert one == Quarantined(
        name="NET-1 Cable",
        source="src work_item",
        message="created: expected a date, found 'soon'",
        url="https://src.test/browse/NET-1",
    )


def test_a_record_is_the_projects_under_which_it_is_listed_or_whose_code_its_key_holds(two):
    two.options["rejected"] = (
        rejected("7", scope="sdm"),
        rejected("NET/1.2", message="plan.csv row 3: expected 5 cells", place="plan.csv row 3"),
    )
    assert of_projects(two) == {"NET": ["NET/1.2"], "SDM": ["7"]}


def test_where_nobody_can_tell_no_project_names_it(two):
    two.options["rejected"] = (
        rejected("8"),
        rejected(""),
        rejected("NET/SDM"),  # of either
        rejected("NETWORK/1"),
        rejected("1", soft=True),  # its record counts
    )
    assert of_projects(two) == {"NET": [], "SDM": []}
    assert len(two.findings("rejected-records")) == 5


def test_the_place_is_told_once(two):
    two.options["rejected"] = (
        rejected("NET/1", place="plan.csv row 3", message="plan.csv row 3: bad"),
        rejected("NET/2", place="plan.csv row 4", message="bad"),
    )
    assert [q.message for q in two.project().quarantined] == [
        "plan.csv row 3: bad", "plan.csv row 4: bad",
    ]  # fmt: skip
