"""Single requests and answers that no well-behaved server gives; and the pure functions."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest
import responses
from hypothesis import given
from hypothesis import strategies as st

from connectors.jira.client import JiraClient, account_zone, jql_stamp, parse_stamp
from connectors.jira.connector import JiraConnector
from connectors.jira.records import cut_short, derived, flat_changes
from connectors.jira.settings import JiraSettings
from itpm_sync.connector import Context, Page, Partition, Window
from itpm_sync.errors import ConnectionFailed, RetryableError
from itpm_sync.http import HttpClient

BASE = "https://jira.example"
CLOUD, SERVER = f"{BASE}/rest/api/3", f"{BASE}/rest/api/2"
AGILE = f"{BASE}/rest/agile/1.0"
CONTEXT = Context(Path(), attempts=1)


def client(*, cloud: bool = True) -> JiraClient:
    return JiraClient(HttpClient(BASE, attempts=1), cloud=cloud)


def connector(flavor: str = "cloud", **changes: Any) -> JiraConnector:
    auth = {"token": "t"} | ({"email": "a@b.c"} if flavor == "cloud" else {})
    given = {"url": BASE, "flavor": flavor, "auth": auth, "projects": ["NET"], **changes}
    api = CLOUD if flavor == "cloud" else SERVER
    responses.get(f"{api}/myself", json={"timeZone": "Europe/Zurich"})
    responses.get(f"{api}/field", json=[])
    return JiraConnector("jira", JiraSettings.model_validate(given), CONTEXT)


def fetched(made: JiraConnector, *ids: str) -> Page:
    issues = next(s for s in made.streams() if s.name == "issue")
    window = Window(None, datetime(2026, 3, 2, tzinfo=UTC))
    (page,) = made.fetch(issues, Partition("NET", "NET", ids=ids), window)
    return page


def issue(ident: str, **more: Any) -> dict[str, Any]:
    fields = {"project": {"key": "NET"}, "updated": "2026-03-01T10:00:00.000+0000"}
    return {"id": ident, "key": f"NET-{ident}", "fields": fields | more}


def sent(number: int) -> Any:
    return orjson.loads(responses.calls[number].request.body or b"")


# ---- lists that do not end well ------------------------------------------------------------------


@responses.activate
def test_a_token_that_comes_again_stops_the_listing_with_an_error() -> None:
    page = {"issues": [{"id": "1"}], "nextPageToken": "again", "isLast": False}
    responses.post(f"{CLOUD}/search/jql", json=page)

    with pytest.raises(ConnectionFailed, match="repeats a page"):
        list(client().issue_ids('project = "NET"', UTC))


@responses.activate
def test_a_page_that_is_not_the_last_must_name_the_next() -> None:
    responses.post(f"{CLOUD}/search/jql", json={"issues": [{"id": "1"}], "isLast": False})

    with pytest.raises(ConnectionFailed, match="more issues follow but not where"):
        list(client().issue_ids('project = "NET"', UTC))


@responses.activate
def test_short_and_empty_pages_in_between_are_not_the_end_and_repeats_are_dropped() -> None:
    for ids, token in ((["1", "2"], "a"), ([], "b"), (["2", "3"], None)):
        page: dict[str, Any] = {"issues": [{"id": i} for i in ids], "isLast": token is None}
        page |= {"nextPageToken": token} if token else {}
        responses.post(f"{CLOUD}/search/jql", json=page)

    assert list(client().issue_ids('project = "NET"', UTC)) == [["1", "2"], ["3"]]
    assert [sent(n).get("nextPageToken") for n in range(3)] == [None, "a", "b"]


@responses.activate
def test_a_list_that_never_holds_still_is_given_up() -> None:
    def answer(request: Any) -> tuple[int, dict[str, str], str]:
        asked = orjson.loads(request.body)
        start, calls = asked["startAt"] if asked["maxResults"] else 0, len(responses.calls)
        ids = [{"id": str(1000 * calls + start + n)} for n in range(10)]
        return 200, {}, orjson.dumps({"issues": ids, "total": 30}).decode()

    responses.add_callback(responses.POST, f"{SERVER}/search", answer)

    with pytest.raises(RetryableError, match="the issue list changed during 5 reads"):
        list(client(cloud=False).issue_ids('project = "NET"', UTC))


@responses.activate
def test_holes_in_a_page_of_boards_are_not_the_end() -> None:
    for start, ids, last in ((0, [1], False), (50, [], False), (100, [3], True)):
        responses.get(
            f"{AGILE}/board",
            match=[responses.matchers.query_param_matcher({"startAt": start}, strict_match=False)],
            json={"values": [{"id": i} for i in ids], "startAt": start, "maxResults": 50,
                  "isLast": last},
        )  # fmt: skip

    assert [b["id"] for b in client().boards("NET")] == [1, 3]


# ---- issues that cannot be read whole -----------------------------------------------------------


@responses.activate
def test_an_issue_that_jira_could_not_give_is_asked_for_again() -> None:
    error = {"id": "2", "errorMessage": "timed out"}
    responses.post(
        f"{CLOUD}/issue/bulkfetch", json={"issues": [issue("1")], "issueErrors": [error]}
    )
    responses.post(f"{CLOUD}/issue/bulkfetch", json={"issues": [issue("2")]})

    page = fetched(connector(), "1", "2")

    assert [r.source_id for r in page.records] == ["1", "2"]
    assert page.rejected == []
    assert sent(-1)["issueIdsOrKeys"] == ["2"]


@responses.activate
def test_an_issue_that_fails_twice_is_rejected_with_the_reason() -> None:
    error = {"id": "2", "errorMessage": "payload too large"}
    answer = {"issues": [issue("1")], "issueErrors": [error]}
    responses.post(f"{CLOUD}/issue/bulkfetch", json=answer)

    page = fetched(connector(), "1", "2")

    assert [r.source_id for r in page.records] == ["1"]
    assert [(e.value, e.hint) for e in page.rejected] == [("2", "payload too large")]


@responses.activate
def test_a_work_log_that_stays_short_is_rejected_never_passed_on_with_a_gap() -> None:
    short = {"total": 3, "worklogs": [{"id": "1"}]}
    responses.post(f"{CLOUD}/issue/bulkfetch", json={"issues": [issue("1", worklog=short)]})
    responses.get(f"{CLOUD}/issue/1/worklog", json=short)

    page = fetched(connector(), "1")

    assert page.records == []
    (error,) = page.rejected
    assert (error.field, error.value) == ("fields.worklog", "1 of 3 entries")
    assert error.place == f"{BASE}/browse/NET-1"


@responses.activate
def test_a_history_that_stays_short_is_rejected() -> None:
    inline = {"total": 3, "histories": [{"id": "7", "items": []}]}
    found = issue("1") | {"changelog": inline}
    responses.post(f"{CLOUD}/issue/bulkfetch", json={"issues": [found]})
    log = {"issueId": "1", "changeHistories": [{"id": "7", "items": []}]}
    responses.post(f"{CLOUD}/changelog/bulkfetch", json={"issueChangeLogs": [log]})

    page = fetched(connector(), "1")

    assert [(e.field, e.value) for e in page.rejected] == [("changelog", "1 of 3 entries")]


@responses.activate
def test_work_logs_are_paged_until_all_are_there() -> None:
    for start, ids in ((0, "ab"), (2, "c")):
        responses.get(
            f"{CLOUD}/issue/1/worklog",
            match=[responses.matchers.query_param_matcher({"startAt": start}, strict_match=False)],
            json={"total": 3, "worklogs": [{"id": i} for i in ids]},
        )

    logs, total = client().worklogs("1")

    assert ([w["id"] for w in logs], total) == (["a", "b", "c"], 3)


@responses.activate
def test_a_server_that_pages_its_search_shorter_than_asked_is_read_to_the_end() -> None:
    for ids in ("12", "3"):
        responses.post(f"{SERVER}/search", json={"issues": [issue(i) for i in ids], "total": 3})

    found, failed = client(cloud=False).issues(["1", "2", "3"], ["summary"], changelog=False)

    assert (list(found), failed) == (["1", "2", "3"], {})
    assert sent(1)["startAt"] == 2


@responses.activate
def test_an_issue_without_a_usable_stamp_is_kept() -> None:
    odd = issue("1", updated=None)
    responses.post(f"{CLOUD}/issue/bulkfetch", json={"issues": [odd]})

    (record,) = fetched(connector(), "1").records

    assert record.updated_at is None


@responses.activate
def test_a_search_is_repeated_after_a_passing_fault_although_it_is_a_post() -> None:
    responses.post(f"{CLOUD}/search/approximate-count", status=502)
    responses.post(f"{CLOUD}/search/approximate-count", json={"count": 7})
    patient = JiraClient(HttpClient(BASE, attempts=2, sleep=lambda _s: None), cloud=True)

    assert patient.count('project = "NET"') == 7


# ---- sprints -----------------------------------------------------------------------------------


def board(ident: int, kind: str = "scrum") -> dict[str, Any]:
    return {"id": ident, "name": f"board {ident}", "type": kind}


def sprints_of(made: JiraConnector) -> Page:
    sprints = next(s for s in made.streams() if s.name == "sprint")
    window = Window(None, datetime(2026, 3, 2, tzinfo=UTC))
    (partition,) = made.partitions(sprints, window)
    (page,) = made.fetch(sprints, partition, window)
    return page


def serve_boards(*boards: dict[str, Any]) -> None:
    responses.get(f"{AGILE}/board", json={"values": boards, "isLast": True})


def serve_sprints(number: int, **answer: Any) -> None:
    responses.get(f"{AGILE}/board/{number}/sprint", **answer)


@responses.activate
def test_a_board_that_refuses_is_reported_and_the_others_are_read() -> None:
    serve_boards(board(1), board(2), board(3, "simple"), board(4, "kanban"))
    serve_sprints(1, status=403, json={"errorMessages": ["no licence"]})
    serve_sprints(2, json={"values": [{"id": 7, "name": "S 7", "state": "active"}], "isLast": True})
    serve_sprints(3, status=400, json={"errorMessages": ["The board does not support sprints"]})
    made = connector()

    page = sprints_of(made)

    assert [r.source_id for r in page.records] == ["7"]
    assert [(e.place, "no licence" in e.hint) for e in page.rejected] == [
        ("board 1"[:5] + " board 1", True)
    ]
    with pytest.raises(ConnectionFailed, match="cannot be listed completely"):
        list(made.census(next(s for s in made.streams() if s.name == "sprint"), "boards"))


@responses.activate
def test_a_sprint_on_boards_of_two_projects_comes_once_and_belongs_to_neither() -> None:
    serve_boards(board(1))
    shared = {"id": 7, "name": "S 7", "state": "active"}
    serve_sprints(1, json={"values": [shared], "isLast": True})

    (record,) = sprints_of(connector(projects=["NET", "OPS"])).records

    body = orjson.loads(record.body)
    assert (body["_projects"], body["_project_key"]) == (["NET", "OPS"], None)


@responses.activate
@pytest.mark.parametrize("status", [403, 404])
def test_jira_without_boards_is_fine_unless_sprints_are_demanded(status: int) -> None:
    responses.get(f"{AGILE}/board", status=status)

    assert sprints_of(connector()).records == []
    with pytest.raises(ConnectionFailed, match="set `sprints: false`"):
        sprints_of(connector(sprints=True))


# ---- pure --------------------------------------------------------------------------------------

ZURICH = ZoneInfo("Europe/Zurich")


def test_a_jql_date_is_in_the_accounts_zone_and_floored_to_the_minute() -> None:
    moment = datetime(2026, 7, 1, 10, 30, 59, tzinfo=UTC)
    assert jql_stamp(moment, ZURICH) == "2026-07-01 12:30"
    assert jql_stamp(moment, ZoneInfo("Asia/Kolkata")) == "2026-07-01 16:00"


def test_a_wall_clock_time_that_comes_twice_is_written_before_the_first() -> None:
    # Clocks went back on 2026-10-25 at 01:00 UTC: 02:00-03:00 came twice.
    second = datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    assert jql_stamp(second, ZURICH) == "2026-10-25 01:30"


@given(
    moment=st.datetimes(datetime(2000, 1, 2), datetime(2035, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    zone=st.sampled_from(["Europe/Zurich", "America/St_Johns", "Australia/Lord_Howe", "UTC"]),
)
def test_a_jql_date_never_means_a_later_time(moment: datetime, zone: str) -> None:
    written = datetime.fromisoformat(jql_stamp(moment, ZoneInfo(zone)))
    for fold in (0, 1):
        meant = written.replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC)
        assert meant <= moment
        assert (moment - meant).total_seconds() < 3 * 3600


def test_without_a_zone_half_a_day_is_added() -> None:
    moment = datetime(2026, 3, 2, 10, 30, tzinfo=UTC)
    assert jql_stamp(moment, None) == "2026-03-01 22:30"
    assert account_zone({"timeZone": "Mars/Olympus"}) is None
    assert account_zone({}) is None


def test_stamps_with_and_without_colon_are_read() -> None:
    expected = datetime(2024, 5, 1, 8, 11, 12, 345000, tzinfo=UTC)
    assert parse_stamp("2024-05-01T10:11:12.345+0200") == expected
    assert parse_stamp("2024-05-01T10:11:12.345+02:00") == expected
    assert parse_stamp("yesterday") is None
    assert parse_stamp(12) is None


def test_changes_are_flat_in_order_and_know_their_author() -> None:
    ann = {"displayName": "Ann"}
    late = {"id": "11", "created": "2026-03-02T00:00:00.000+0000", "author": ann,
            "items": [{"field": "status"}, {"field": "resolution"}]}  # fmt: skip
    early = {"id": "9", "created": "2026-03-01T00:00:00.000+0000", "items": [{"field": "points"}]}

    found = flat_changes([late, early])

    assert [(c["id"], c["field"]) for c in found] == [
        ("9.points.0", "points"), ("11.resolution.0", "resolution"), ("11.status.0", "status"),
    ]  # fmt: skip
    assert found[1]["author"] == ann


def test_a_change_keeps_its_id_in_whatever_order_jira_lists_it() -> None:
    items = [{"field": "Link"}, {"field": "status"}, {"field": "Link"}]
    listed = [
        {c["id"] for c in flat_changes([{"id": "1", "items": chosen}])}
        for chosen in (items, items[::-1])
    ]
    assert listed[0] == listed[1] == {"1.Link.0", "1.Link.1", "1.status.0"}


def test_a_change_stamped_in_milliseconds_is_dated_like_the_others() -> None:
    (change,) = flat_changes([{"id": "1", "created": 1772323200000, "items": [{"field": "x"}]}])
    assert change["created"] == "2026-03-01T00:00:00+00:00"


@pytest.mark.parametrize(
    ("listed", "total", "cloud", "short"),
    [(3, 3, True, False), (3, 4, False, True), (40, 40, True, True), (40, 40, False, False)],
)
def test_when_an_inline_history_may_be_cut(
    listed: int, total: int, cloud: bool, short: bool
) -> None:
    history = {"histories": [{}] * listed, "total": total}
    assert cut_short(history, cloud=cloud) is short


def test_sprints_are_read_from_objects_and_from_the_text_of_data_center() -> None:
    text = (
        "com.atlassian.greenhopper.service.sprint.Sprint@6d[id=582,rapidViewId=121,state=CLOSED,"
        "name=2016, Sprint 04 [Tooling],startDate=2016-02-13T01:31:29.907Z,endDate=<null>,"
        "completeDate=<null>,activatedDate=<null>,sequence=582,goal=name=x,]"
    )
    found = derived({"c": [text, {"id": 7, "name": "S 7", "state": "active"}]}, {"sprint": "c"})
    assert found["_sprints"] == [
        {"id": 582, "name": "2016, Sprint 04 [Tooling]"},
        {"id": 7, "name": "S 7"},
    ]


@pytest.mark.parametrize(
    ("fields", "epic"),
    [
        ({"c": "NET-1"}, "NET-1"),
        ({"parent": {"key": "NET-2", "fields": {"issuetype": {"name": "Epic"}}}}, "NET-2"),
        ({"parent": {"key": "NET-3", "fields": {"issuetype": {"hierarchyLevel": 1}}}}, "NET-3"),
        ({"parent": {"key": "NET-4", "fields": {"issuetype": {"name": "Story"}}}}, None),
        ({"parent": {"key": "NET-5"}, "issuetype": {"subtask": False}}, "NET-5"),
        ({"parent": {"key": "NET-6"}, "issuetype": {"subtask": True}}, None),
        ({}, None),
    ],
)
def test_the_epic_is_the_epic_link_or_a_parent_that_is_one(
    fields: dict[str, Any], epic: str | None
) -> None:
    assert derived(fields, {"epic": "c"})["_epic"] == epic


def test_links_read_from_this_issue() -> None:
    kind = {"name": "Blocks", "inward": "is blocked by", "outward": "blocks"}
    links = [{"type": kind, "outwardIssue": {"key": "A-1"}},
             {"type": kind, "inwardIssue": {"key": "A-2"}}, {"type": kind}]  # fmt: skip
    assert derived({"issuelinks": links}, {})["_links"] == ["blocks A-1", "is blocked by A-2"]


@pytest.mark.parametrize(
    ("category", "status", "resolution", "closed"),
    [
        ("done", "Closed", "Won't Do", "Won't Do"),
        ("done", "Cancelled", "Done", "Cancelled"),
        ("done", "Cancelled", None, "Cancelled"),
        ("indeterminate", "Reopened", "Fixed", None),
    ],
)
def test_how_an_issue_ended(
    category: str, status: str, resolution: str | None, closed: str | None
) -> None:
    fields = {"status": {"name": status, "statusCategory": {"key": category}},
              "resolution": {"name": resolution} if resolution else None}  # fmt: skip
    assert derived(fields, {})["_closed_as"] == closed


# ---- check --------------------------------------------------------------------------------------


@responses.activate
def test_check_names_a_token_in_the_clear_and_a_renamed_project_and_goes_on() -> None:
    base = "http://jira.example/jira"
    responses.get(f"{base}/rest/api/2/myself", json={"timeZone": "UTC", "displayName": "Bot"})
    responses.get(f"{base}/rest/api/2/field", json=[])
    responses.get(f"{base}/rest/api/2/project/NET", json={"id": "1", "key": "NET"})
    responses.get(f"{base}/rest/api/2/project/OLD", json={"id": "2", "key": "OPS"})
    responses.post(f"{base}/rest/api/2/search", json={"total": 3, "issues": []})
    responses.get(f"{base}/rest/api/2/mypermissions", status=500)
    made = connector("datacenter", url=base, sprints=False, projects=["NET", "OLD"])

    items = {i.name: i for i in made.check()}

    assert items["encryption"].advice == "use https"
    assert items["project OLD"].detail == "OLD is now called OPS"
    assert "publishing in OLD" not in items
    assert items["publishing in NET"].ok
    assert "cannot be read" in items["publishing in NET"].detail


@responses.activate
def test_a_captcha_is_named() -> None:
    denied = {"X-Authentication-Denied-Reason": "CAPTCHA_CHALLENGE; login-url=https://x"}
    responses.get(f"{SERVER}/myself", status=403, headers=denied)

    with pytest.raises(ConnectionFailed, match="sign in once in a browser"):
        client(cloud=False).myself()
