"""Values of the model as issues of the sandbox: seeded, seeded again, saved and restored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest

from connectors.jira.sandbox import JiraSandbox
from connectors.jira.sandbox_data import dump
from itpm_sync import demo
from itpm_sync.model import (
    FieldChange,
    HelpDeskItem,
    ItemType,
    Milestone,
    Project,
    Record,
    Risk,
    SourceRef,
    Sprint,
    TimeEntry,
    WorkItem,
    WorkPackage,
    WorkStatus,
)
from tests.connectors.jira.sandbox.caller import Caller, running


def ref(name: str) -> SourceRef:
    return SourceRef("plan", "x", name)


def programme() -> list[Record]:
    def item(number: int, **more: Any) -> WorkItem:
        moment = datetime(2026, 3, number, 9, tzinfo=UTC)
        given: Mapping[str, Any] = {
            "ref": ref(str(number)), "project_key": "NET", "key": f"NET-{number}",
            "title": f"item {number}", "created_at": moment, "updated_at": moment, **more,
        }  # fmt: skip
        return WorkItem(**given)

    return [
        Risk(ref=ref("r"), code="R1", title="not ours"),
        TimeEntry(ref=ref("t"), item="plan:x:2", person="Jane Roe", on=date(2026, 3, 4),
                  duration_s=5400, note="pulled cable"),
        FieldChange(ref=ref("c"), item="plan:x:2", at=datetime(2026, 3, 5, tzinfo=UTC),
                    author="Bo", field_name="Story Points", before="3", after="5"),
        item(1, type=ItemType.EPIC, title="Switches"),
        item(2, type=ItemType.STORY, status=WorkStatus.DONE, points=Decimal("5.0"),
             estimate_s=7200, assignee="Jane Roe", epic="NET-1", versions=("R1",),
             work_package="1.2", sprints=("Sprint 1",), attributes={"Site": "Berne"},
             links=("blocks NET-3",), resolved_at=datetime(2026, 3, 2, 17, tzinfo=UTC)),
        item(3, type=ItemType.SUBTASK, parent="2", status=WorkStatus.CANCELLED),
        Project(ref=ref("p"), code="NET", name="Network refresh"),
        WorkPackage(ref=ref("w"), project_key="NET", code="1.2", name="Cabling",
                    planned_start=date(2026, 3, 1), planned_finish=date(2026, 4, 1)),
        Milestone(ref=ref("m"), project_key="NET", code="M1", name="Go live",
                  planned=date(2026, 5, 1), actual=date(2026, 5, 2)),
        Sprint(ref=ref("s"), project_key="NET", name="Sprint 1", state="closed",
               start=datetime(2026, 3, 1, tzinfo=UTC), finish=datetime(2026, 3, 14, tzinfo=UTC)),
        WorkPackage(ref=ref("o"), project_key="OTHER", code="9", name="elsewhere"),
    ]  # fmt: skip


@pytest.mark.parametrize("flavour", JiraSandbox.flavours)
def test_seeded_values_are_served_the_vendors_way(flavour: str) -> None:
    sandbox = JiraSandbox(flavour)
    assert sandbox.seed(programme()) == 9  # all but the risk and the other project's package
    with running(sandbox) as call:
        issue = call("/issue/NET-2?expand=changelog")
        child = call("/issue/NET-3")["fields"]
        versions = {v["name"]: v for v in call("/project/NET/versions")}
        names = {f["name"]: f["id"] for f in call("/field")}
        project = call("/project/NET")
    fields = issue["fields"]
    assert (issue["id"], project["name"]) == ("2", "Network refresh")
    assert fields["status"]["statusCategory"]["key"] == "done"
    assert fields["resolutiondate"] == "2026-03-02T17:00:00.000+0000"
    assert fields[names["Story Points"]] == 5
    assert fields[names["Cost Code"]] == "1.2"
    assert fields[names["Site"]] == "Berne"
    assert (fields["timeoriginalestimate"], fields["timespent"]) == (7200, 5400)
    (worklog,) = fields["worklog"]["worklogs"]
    assert worklog["started"] == "2026-03-04T09:00:00.000+0000"
    assert worklog["author"]["displayName"] == "Jane Roe"
    (history,) = issue["changelog"]["histories"]
    assert history["items"][0]["field"] == "Story Points"
    assert (history["items"][0]["fromString"], history["items"][0]["toString"]) == ("3", "5")
    assert fields["updated"] == "2026-03-05T00:00:00.000+0000"  # no older than its last change
    epic = fields["parent"]["key"] if sandbox.cloud else fields["customfield_10006"]
    assert epic == "NET-1"
    assert fields["issuelinks"][0]["outwardIssue"]["key"] == "NET-3"
    assert child["parent"]["key"] == "NET-2"
    assert (child["status"]["name"], child["resolution"]["name"]) == ("Cancelled", "Won't Do")
    assert versions["1.2"]["releaseDate"] == "2026-04-01"
    assert (versions["M1"]["released"], versions["R1"]["released"]) == (True, False)
    assert sandbox.configuration()["projects"] == ["NET"]


def served(sandbox: JiraSandbox) -> dict[str, Any]:
    """The whole state but the clock, as it is saved."""
    whole: dict[str, Any] = orjson.loads(dump(sandbox.state))
    return {name: value for name, value in whole.items() if name != "clock"}


@pytest.mark.parametrize("flavour", JiraSandbox.flavours)
def test_the_same_records_again_change_nothing(flavour: str) -> None:
    sandbox = JiraSandbox(flavour)
    sandbox.seed(programme())
    before = served(sandbox)
    assert sandbox.seed(programme()) == 9
    assert sandbox.seed(reversed(programme())) == 9
    assert served(sandbox) == before


def open_item(**more: Any) -> WorkItem:
    moment = datetime(2026, 3, 2, 9, tzinfo=UTC)
    given: Mapping[str, Any] = {
        "ref": ref("7"), "project_key": "NET", "key": "NET-7", "title": "Rack core A",
        "status": WorkStatus.IN_PROGRESS, "assignee": "Iva Novak", "created_at": moment,
        "updated_at": moment, **more,
    }  # fmt: skip
    return WorkItem(**given)


@pytest.mark.parametrize("flavour", JiraSandbox.flavours)
def test_a_changed_item_is_an_edit_of_the_same_issue_made_now(flavour: str) -> None:
    sandbox = JiraSandbox(flavour)
    sandbox.seed([open_item()])
    sandbox.add_comment("NET-7", "a person's")
    asked = sandbox.state.now().replace(microsecond=0)
    done_at = asked - timedelta(hours=1)
    changed = open_item(
        status=WorkStatus.DONE, resolved_at=done_at, title="Rack core A and B", updated_at=asked
    )
    sandbox.advance(120)
    assert sandbox.seed([changed]) == 1

    with running(sandbox) as call:
        issue = call("/issue/NET-7?expand=changelog")
    fields, (history,) = issue["fields"], issue["changelog"]["histories"]
    assert (issue["id"], issue["key"]) == ("7", "NET-7")
    assert (fields["status"]["name"], fields["summary"]) == ("Done", "Rack core A and B")
    assert fields["resolution"]["name"] == "Done"
    assert datetime.fromisoformat(fields["resolutiondate"]) == done_at
    assert sandbox.updated("NET-7") >= asked + timedelta(seconds=120)
    assert [c["body"] for c in sandbox.issue("NET-7")["fields"]["comment"]["comments"]] == [
        "a person's"
    ]
    assert history["author"]["displayName"] == "Iva Novak"
    told = {i["field"]: (i.get("fromString"), i.get("toString")) for i in history["items"]}
    assert told["status"] == ("In Progress", "Done")
    assert told["resolution"] == (None, "Done")
    since = f"{(asked + timedelta(seconds=60)).astimezone(sandbox.state.zone):%Y-%m-%d %H:%M}"
    rows = sandbox.state.search(f'project = NET AND updated >= "{since}"')
    assert [row.key for row in rows] == ["NET-7"]

    sandbox.seed([open_item()])
    reopened = sandbox.issue("NET-7")["fields"]
    assert (reopened["status"]["name"], reopened["resolution"]) == ("In Progress", None)
    assert len(sandbox.state.issues) == 1


def test_what_others_changed_meanwhile_stays_where_the_record_is_silent(cloud: Caller) -> None:
    cloud.sandbox.seed([open_item(links=("blocks NET-8",)), open_item(ref=ref("8"), key="NET-8")])
    cloud.sandbox.edit_issue("NET-7", labels=["urgent"], status="Done")
    cloud.sandbox.seed([open_item(title="Rack core C", points=Decimal("2.5"))])
    fields = cloud("/issue/NET-7")["fields"]
    assert (fields["summary"], fields["customfield_10016"]) == ("Rack core C", 2.5)
    assert (fields["labels"], fields["status"]["name"]) == (["urgent"], "Done")
    assert fields["issuelinks"] == []


def test_an_item_of_another_project_is_a_moved_issue(cloud: Caller) -> None:
    cloud.sandbox.seed([open_item(), open_item(ref=ref("8"), key="NET-8", parent="7")])
    cloud.sandbox.seed([open_item(project_key="SD", key="SD-1")])
    assert cloud("/issue/NET-7")["key"] == "SD-1"
    assert cloud("/issue/7")["fields"]["project"]["key"] == "SD"
    assert len(cloud.sandbox.state.issues) == 2


def test_a_deleted_issue_is_made_anew_with_another_id_and_key(cloud: Caller) -> None:
    cloud.sandbox.seed([open_item(), *worked(1800)])
    cloud.sandbox.delete_issue("NET-7")
    assert cloud.sandbox.seed([open_item(), *worked(1800)]) == 3
    (issue,) = cloud.sandbox.state.issues.values()
    assert (issue.id != 7, issue.key) == (True, "NET-8")
    assert cloud("/issue/NET-8")["fields"]["timespent"] == 1800


def worked(seconds: int, after: str = "5") -> list[Record]:
    return [
        TimeEntry(ref=ref("t7"), item="plan:x:7", person="Iva Novak", on=date(2026, 3, 3),
                  duration_s=seconds),
        FieldChange(ref=ref("c7"), item="plan:x:7", at=datetime(2026, 3, 3, tzinfo=UTC),
                    field_name="Story Points", before="3", after=after),
    ]  # fmt: skip


def test_time_and_history_find_their_issue_in_any_order_and_later(cloud: Caller) -> None:
    first = JiraSandbox("cloud")
    assert first.seed([*worked(1800), open_item(spent_s=1800)]) == 3
    cloud.sandbox.seed([open_item(spent_s=1800)])
    quiet = cloud.sandbox.updated("NET-7")
    assert cloud.sandbox.seed(worked(1800)) == 2
    for sandbox in (first, cloud.sandbox):
        document = sandbox.issue("NET-7")
        assert document["fields"]["timespent"] == 1800
        assert len(document["fields"]["worklog"]["worklogs"]) == 1
        assert len(document["history"]) == 1
    assert first.updated("NET-7") == datetime(2026, 3, 3, 9, 30, tzinfo=UTC)
    # On a ticket that is served already they are news, which an incremental read must find.
    assert cloud.sandbox.updated("NET-7") > quiet + timedelta(days=1)


def test_changed_time_and_history_are_corrected_in_place(cloud: Caller) -> None:
    cloud.sandbox.seed([open_item(), *worked(1800)])
    before, (log,) = cloud.sandbox.updated("NET-7"), logs(cloud, "NET-7")
    cloud.sandbox.seed(worked(600, after="8"))
    (changed,) = logs(cloud, "NET-7")
    document = cloud.sandbox.issue("NET-7")
    assert (changed["id"], changed["timeSpentSeconds"]) == (log["id"], 600)
    assert document["fields"]["timespent"] == 600
    assert [e["items"][0]["toString"] for e in document["history"]] == ["8"]
    assert cloud.sandbox.updated("NET-7") > before


def logs(call: Caller, key: str) -> list[Any]:
    return list(call(f"/issue/{key}/worklog")["worklogs"])


def test_time_moves_with_its_entry_to_another_issue(cloud: Caller) -> None:
    cloud.sandbox.seed([open_item(), open_item(ref=ref("8"), key="NET-8"), *worked(1800)])
    (entry, _) = worked(1800)
    assert isinstance(entry, TimeEntry)
    cloud.sandbox.seed([replace(entry, item="plan:x:8")])
    assert logs(cloud, "NET-7") == []
    assert [log["timeSpentSeconds"] for log in logs(cloud, "NET-8")] == [1800]
    assert cloud.sandbox.issue("NET-7")["fields"]["timespent"] == 0


def test_a_renamed_sprint_or_version_is_the_same_one_everywhere(cloud: Caller) -> None:
    def sprint(name: str, state: str) -> Sprint:
        return Sprint(ref=ref("s"), project_key="NET", name=name, state=state)

    def package(code: str) -> WorkPackage:
        return WorkPackage(ref=ref("w"), project_key="NET", code=code, name="Cabling")

    cloud.sandbox.seed(
        [sprint("S1", "active"), package("1.2"), open_item(sprints=("S1",), versions=("1.2",))]
    )
    before = cloud.sandbox.updated("NET-7")
    cloud.sandbox.seed([sprint("S one", "closed"), package("1.3")])
    fields = cloud.sandbox.issue("NET-7")["fields"]
    assert [s["name"] for s in cloud.sandbox.state.sprints.values()] == ["S one"]
    assert [v["name"] for v in cloud("/project/NET/versions")] == ["1.3"]
    assert (fields["sprint"], [s["name"] for s in fields["closedSprints"]]) == (None, ["S one"])
    assert [v["name"] for v in fields["fixVersions"]] == ["1.3"]
    assert cloud.sandbox.updated("NET-7") == before


@pytest.mark.parametrize("flavour", JiraSandbox.flavours)
def test_the_demos_programme_is_seeded_once_and_its_ticket_finished_later(
    flavour: str, tmp_path: Path
) -> None:
    world = demo.programme(date(2026, 11, 20))
    items = [r for r in world.records if isinstance(r, WorkItem)]
    sandbox = JiraSandbox(flavour)
    taken = sandbox.seed(world.records)
    desk = {r.id for r in world.records if isinstance(r, HelpDeskItem)}
    ours = [r for r in world.records if not desk & {r.id, getattr(r, "item", "")}]
    assert taken == len(ours)
    before = served(sandbox)
    assert sandbox.seed(reversed(world.records)) == taken
    assert served(sandbox) == before
    sandbox.save(tmp_path / "state.json")
    later = JiraSandbox(flavour)
    later.restore(tmp_path / "state.json")
    changed = demo.changed_ticket(world)
    stood = later.updated(changed.key)
    assert later.seed([*world.records, changed]) == taken + 1
    with running(later) as call:
        issue = call(f"/issue/{changed.key}?expand=changelog")
    assert len(later.state.issues) == len(items)
    assert (issue["id"], issue["key"]) == (changed.ref.source_id, changed.key)
    assert issue["fields"]["status"]["name"] == "Done"
    assert issue["fields"]["resolution"]["name"] == "Done"
    assert later.updated(changed.key) > stood
    statuses = [
        (item["fromString"], item["toString"])
        for entry in issue["changelog"]["histories"]
        for item in entry["items"]
        if item["field"] == "status"
    ]
    assert statuses == [("In Progress", "Done")]


def test_two_fields_may_share_a_name(cloud: Caller) -> None:
    ident = cloud.sandbox.add_field("Story Points", "number")
    named = [f["id"] for f in cloud("/field") if f["name"] == "Story Points"]
    assert named == ["customfield_10016", ident]


@pytest.mark.parametrize("flavour", JiraSandbox.flavours)
def test_a_restored_sandbox_goes_on_where_the_saved_one_was(flavour: str, tmp_path: Path) -> None:
    sandbox = JiraSandbox(flavour)
    sandbox.seed(programme())
    sandbox.move_issue("NET-3", "SD")
    sandbox.add_comment("NET-2", "hello")
    log = sandbox.add_worklog("NET-2", 60)
    sandbox.delete_worklog("NET-2", log)
    sandbox.hide_issue("NET-1")
    sandbox.deny("ADD_COMMENTS")
    sandbox.advance(3600)
    sandbox.save(tmp_path / "state.json")
    again = JiraSandbox(flavour)
    again.restore(tmp_path / "state.json")
    assert again.configuration() == sandbox.configuration()
    for key in ("NET-1", "NET-2", "SD-1"):
        assert again.issue(key) == sandbox.issue(key)
    assert again.issue("NET-3")["key"] == "SD-1"
    assert again.state.get("NET-1") is None
    assert again.state.denied == {"ADD_COMMENTS"}
    assert again.state.now() > datetime.now(UTC) + timedelta(minutes=59)
    assert again.state.worklogs_gone == sandbox.state.worklogs_gone
    assert [r.key for r in again.state.search("project = NET")] == ["NET-2"]
    again.seed(
        [TimeEntry(ref=ref("t2"), item="plan:x:2", person="Bo", on=date(2026, 3, 9), duration_s=60)]
    )
    assert len(again.issue("NET-2")["fields"]["worklog"]["worklogs"]) == 2
    new, old = again.create_issue("NET", "next"), sandbox.create_issue("NET", "next")
    assert new == old
