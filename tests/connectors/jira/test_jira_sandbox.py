"""How the Jira sandbox behaves beyond its answers' shapes: state, faults, dumps, seeds."""

from __future__ import annotations

import lzma
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from email.utils import parsedate_to_datetime
from itertools import chain
from pathlib import Path
from typing import Any

import orjson
import pytest
import requests

from connectors.jira.sandbox import JiraSandbox
from connectors.jira.sandbox_data import dump
from itpm_sync import demo
from itpm_sync.connector import Faults, Sandbox
from itpm_sync.errors import ConfigError
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


class Caller:
    """Plain requests with the sandbox's login."""

    def __init__(self, sandbox: JiraSandbox) -> None:
        self.sandbox = sandbox
        self.api = f"{sandbox.url}/rest/api/{3 if sandbox.cloud else 2}"
        self.session = requests.Session()
        if sandbox.cloud:
            self.session.auth = (sandbox.email, sandbox.token)
        else:
            self.session.headers["Authorization"] = f"Bearer {sandbox.token}"

    def raw(self, path: str, body: Any = None, **kwargs: Any) -> requests.Response:
        method = "GET" if body is None else "POST"
        more = {} if body is None else {"json": body}
        return self.session.request(method, self.api + path, timeout=5, **more, **kwargs)

    def __call__(self, path: str, body: Any = None, **kwargs: Any) -> Any:
        answer = self.raw(path, body, **kwargs)
        assert answer.ok, answer.text
        return answer.json()

    def ids(self, jql: str, **more: Any) -> list[list[str]]:
        """The pages of a Cloud search."""
        pages, body = [], {"jql": jql, **more}
        while True:
            found = self("/search/jql", body)
            pages.append([issue["id"] for issue in found["issues"]])
            if "nextPageToken" not in found:
                assert found["isLast"] is True
                return pages
            body["nextPageToken"] = found["nextPageToken"]


@contextmanager
def running(sandbox: JiraSandbox) -> Iterator[Caller]:
    sandbox.start()
    try:
        yield Caller(sandbox)
    finally:
        sandbox.stop()


@pytest.fixture
def cloud() -> Iterator[Caller]:
    sandbox = JiraSandbox("cloud")
    sandbox.create_project("NET", "Network refresh")
    with running(sandbox) as caller:
        yield caller


@pytest.fixture
def datacenter() -> Iterator[Caller]:
    sandbox = JiraSandbox("datacenter")
    sandbox.create_project("NET", "Network refresh")
    with running(sandbox) as caller:
        yield caller


def test_it_is_a_sandbox_of_two_flavours() -> None:
    sandbox: Sandbox = JiraSandbox("datacenter")
    assert sandbox.flavours == ("cloud", "datacenter")
    with pytest.raises(ValueError, match="expected one of cloud, datacenter"):
        JiraSandbox("server")


# ---- searching


def test_pages_are_shorter_than_asked_and_a_short_page_is_not_the_last(cloud: Caller) -> None:
    for number in range(260):
        cloud.sandbox.create_issue("NET", f"issue {number}")
    pages = cloud.ids("project = NET ORDER BY key", fields=["summary"], maxResults=5000)
    assert [len(page) for page in pages] == [100, 100, 60]
    pages = cloud.ids("project = NET ORDER BY key", fields=["summary"], maxResults=60)
    assert [len(page) for page in pages] == [60, 60, 40, 60, 40]
    light = cloud.ids("project = NET ORDER BY key", maxResults=5000)
    assert [len(page) for page in light] == [260]
    assert list(chain.from_iterable(pages)) == light[0]
    assert len(set(light[0])) == 260


def test_a_token_serves_its_own_query_only_and_not_for_ever(cloud: Caller) -> None:
    for number in range(3):
        cloud.sandbox.create_issue("NET", f"issue {number}")
    query = {"jql": "project = NET", "maxResults": 1}
    token = cloud("/search/jql", query)["nextPageToken"]
    other = {"jql": "project = NET ORDER BY key", "maxResults": 1, "nextPageToken": token}
    assert cloud.raw("/search/jql", other).status_code == 400
    assert cloud.raw("/search/jql", query | {"nextPageToken": "junk!"}).status_code == 400
    assert cloud.raw("/search/jql", query | {"nextPageToken": token}).status_code == 200
    cloud.sandbox.advance(8 * 86_400)
    assert cloud.raw("/search/jql", query | {"nextPageToken": token}).status_code == 400


def test_an_unbounded_or_malformed_query_is_refused(cloud: Caller) -> None:
    for jql in ("", "ORDER BY key", "project = NOPE", "project ="):
        for path in ("/search/jql", "/search/approximate-count"):
            answer = cloud.raw(path, {"jql": jql})
            assert answer.status_code == 400
            assert answer.json()["errorMessages"]


def test_default_fields_are_the_id_alone(cloud: Caller) -> None:
    cloud.sandbox.create_issue("NET", "one")
    (issue,) = cloud("/search/jql", {"jql": "project = NET"})["issues"]
    assert set(issue) == {"id"}


def test_the_index_lags_until_time_passes_or_an_id_is_reconciled(cloud: Caller) -> None:
    key = cloud.sandbox.create_issue("NET", "one")
    ident = cloud.sandbox.issue(key)["id"]
    cloud.sandbox.set_index_lag(30)
    cloud.sandbox.edit_issue(key, status="Done", summary="changed")
    done = {"jql": "status = Done", "fields": ["summary"]}
    assert cloud("/search/jql", done)["issues"] == []
    fresh = cloud("/search/jql", done | {"reconcileIssues": [int(ident)]})["issues"]
    assert [issue["fields"]["summary"] for issue in fresh] == ["changed"]
    assert cloud(f"/issue/{key}")["fields"]["summary"] == "changed"
    cloud.sandbox.advance(31)
    assert len(cloud("/search/jql", done)["issues"]) == 1
    too_many = done | {"reconcileIssues": list(range(1, 52))}
    assert cloud.raw("/search/jql", too_many).status_code == 400


def test_a_deleted_issue_stays_in_a_lagging_index(cloud: Caller) -> None:
    key = cloud.sandbox.create_issue("NET", "one")
    cloud.sandbox.set_index_lag(30)
    cloud.sandbox.delete_issue(key)
    assert len(cloud.ids("project = NET")[0]) == 1
    assert cloud.raw(f"/issue/{key}").status_code == 404
    cloud.sandbox.advance(31)
    assert cloud.ids("project = NET") == [[]]


def test_data_center_pages_by_offset_and_ends_at_ten_thousand(datacenter: Caller) -> None:
    for number in range(5):
        datacenter.sandbox.create_issue("NET", f"issue {number}")
    query = "/search?jql=project%3DNET+ORDER+BY+key&fields=summary"
    page = datacenter(f"{query}&startAt=3&maxResults=9999")
    assert (page["maxResults"], page["total"], len(page["issues"])) == (1000, 5, 2)
    answer = datacenter.raw(f"{query}&startAt=9500&maxResults=501")
    assert answer.status_code == 500
    assert "exceeded the search platform limit of 10,000" in answer.text


# ---- what happens behind one's back


@pytest.mark.parametrize("flavour", JiraSandbox.flavours)
def test_a_moved_issue_keeps_its_id_and_answers_to_both_keys(flavour: str) -> None:
    sandbox = JiraSandbox(flavour)
    sandbox.create_project("SD", "Service desk")
    key = sandbox.create_issue("NET", "one")
    ident = sandbox.issue(key)["id"]
    assert sandbox.move_issue(key, "SD") == "SD-1"
    with running(sandbox) as call:
        for name in ("NET-1", "SD-1", ident):
            assert call(f"/issue/{name}")["key"] == "SD-1"
        if sandbox.cloud:
            bulk = call("/issue/bulkfetch", {"issueIdsOrKeys": ["NET-1", ident]})
            assert [issue["key"] for issue in bulk["issues"]] == ["SD-1"]
    assert sandbox.create_issue("NET", "next") == "NET-2"  # the old key is not used again
    assert [row.key for row in sandbox.state.search("project = SD")] == ["SD-1"]


def test_what_may_not_be_seen_is_not_there(cloud: Caller) -> None:
    key = cloud.sandbox.create_issue("NET", "one")
    cloud.sandbox.create_issue("NET", "two")
    cloud.sandbox.hide_issue(key)
    assert cloud("/search/approximate-count", {"jql": "project = NET"}) == {"count": 1}
    assert cloud.raw(f"/issue/{key}").status_code == 404
    cloud.sandbox.hide_issue(key, False)
    assert cloud.raw(f"/issue/{key}").status_code == 200
    cloud.sandbox.hide_project("NET")
    answer = cloud.raw("/search/jql", {"jql": "project = NET"})
    assert answer.status_code == 400
    expected = "The value 'NET' does not exist for the field 'project'."
    assert answer.json()["errorMessages"] == [expected]
    assert cloud.raw("/project/NET").status_code == 404
    assert cloud("/project/search")["values"] == []


def test_worklogs_beyond_twenty_are_not_inline(cloud: Caller) -> None:
    key = cloud.sandbox.create_issue("NET", "one", timeestimate=100_000)
    for hour in range(25):
        cloud.sandbox.add_worklog(key, 60, started=f"2026-03-02T{hour % 24:02}:00:00.000+0000")
    (issue,) = cloud("/issue/bulkfetch", {"issueIdsOrKeys": [key], "fields": ["worklog"]})["issues"]
    inline = issue["fields"]["worklog"]
    assert (len(inline["worklogs"]), inline["total"]) == (20, 25)
    first = cloud(f"/issue/{key}/worklog?maxResults=10")
    rest = cloud(f"/issue/{key}/worklog?startAt=10&maxResults=5000")
    found = [w["started"] for w in first["worklogs"] + rest["worklogs"]]
    assert len(found) == 25
    assert found == sorted(found)


def test_history_beyond_forty_is_not_inline_in_bulk(cloud: Caller) -> None:
    key = cloud.sandbox.create_issue("NET", "one")
    for number in range(45):
        cloud.sandbox.edit_issue(key, summary=f"summary {number}")
    body = {"issueIdsOrKeys": [key], "expand": ["changelog"]}
    (issue,) = cloud("/issue/bulkfetch", body)["issues"]
    shown = issue["changelog"]
    assert (len(shown["histories"]), shown["total"]) == (40, 45)
    assert shown["histories"][0]["items"][0]["toString"] == "summary 44"  # the newest first
    first = cloud(f"/issue/{key}/changelog?maxResults=30")
    assert first["values"][0]["items"][0]["toString"] == "summary 0"
    rest = cloud("/changelog/bulkfetch", {"issueIdsOrKeys": [key], "maxResults": 30})
    more = {"issueIdsOrKeys": [key], "maxResults": 30, "nextPageToken": rest["nextPageToken"]}
    last = cloud("/changelog/bulkfetch", more)
    assert len(last["issueChangeLogs"][0]["changeHistories"]) == 15
    assert "nextPageToken" not in last


def test_changes_are_stamped_later_than_what_they_change(cloud: Caller) -> None:
    cloud.sandbox.freeze(datetime(2026, 3, 2, 12, tzinfo=UTC))
    key = cloud.sandbox.create_issue("NET", "one")
    before = cloud.sandbox.updated(key)
    cloud.sandbox.edit_issue(key, summary="one")  # the same: no change
    assert cloud.sandbox.updated(key) == before
    cloud.sandbox.edit_issue(key, summary="two")
    assert cloud.sandbox.updated(key) > before


def test_bulk_fetch_takes_a_hundred_at_most(cloud: Caller) -> None:
    many = {"issueIdsOrKeys": [str(n) for n in range(101)]}
    assert cloud.raw("/issue/bulkfetch", many).status_code == 400


# ---- faults


def test_wrong_credentials_are_turned_away(cloud: Caller) -> None:
    for given in (None, (cloud.sandbox.email, "wrong"), ("other@example.com", "sandbox-token")):
        answer = requests.get(f"{cloud.api}/myself", auth=given, timeout=5)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"]


def test_data_center_takes_a_bearer_token_or_a_password(datacenter: Caller) -> None:
    place, sandbox = f"{datacenter.api}/myself", datacenter.sandbox
    wrong = {"Authorization": "Bearer wrong"}
    assert requests.get(place, headers=wrong, timeout=5).status_code == 401
    login = ("itpm-sync", sandbox.password)
    assert requests.get(place, auth=login, timeout=5).status_code == 200


@pytest.mark.parametrize("failure", ["500", "503", "401", "403", "429"])
def test_ordered_failures_are_used_up_one_a_request(cloud: Caller, failure: str) -> None:
    cloud.sandbox.set_faults(Faults(fail_next=(failure,)))
    answer = cloud.raw("/myself")
    assert answer.status_code == int(failure)
    assert answer.json()["errorMessages"]
    assert ("Retry-After" in answer.headers) is (failure in ("503", "429"))
    assert cloud.raw("/myself").status_code == 200


def test_a_rate_limit_may_ask_for_a_date(cloud: Caller) -> None:
    cloud.sandbox.set_faults(Faults(fail_next=("429-date",)))
    answer = cloud.raw("/myself")
    wish = parsedate_to_datetime(answer.headers["Retry-After"])
    now = parsedate_to_datetime(answer.headers["Date"])
    assert 0 < (wish - now).total_seconds() <= 3
    assert answer.headers["RateLimit-Reason"] == "jira-burst-based"
    datetime.fromisoformat(answer.headers["X-RateLimit-Reset"])


def test_beyond_the_rate_requests_are_refused(datacenter: Caller) -> None:
    datacenter.sandbox.set_faults(Faults(rate_limit_per_s=3))
    codes = [datacenter.raw("/myself").status_code for _ in range(5)]
    assert codes[:3] == [200, 200, 200]
    assert 429 in codes[3:]


def test_html_truncation_and_reset(cloud: Caller) -> None:
    cloud.sandbox.set_faults(Faults(fail_next=("html", "truncate", "reset")))
    assert cloud.raw("/myself").headers["Content-Type"].startswith("text/html")
    with pytest.raises(requests.RequestException):
        cloud.raw("/myself")
    with pytest.raises(requests.ConnectionError):
        cloud.raw("/myself")
    assert cloud.raw("/myself").status_code == 200


def test_a_timeout_comes_before_or_after_the_deed(cloud: Caller) -> None:
    key = cloud.sandbox.create_issue("NET", "one")
    words = {"type": "paragraph", "content": [{"type": "text", "text": "hello"}]}
    body = {"body": {"type": "doc", "version": 1, "content": [words]}}
    place = f"{cloud.api}/issue/{key}/comment"
    for failure, expected in (("timeout-before", 0), ("timeout-after", 1)):
        cloud.sandbox.set_faults(Faults(fail_next=(failure,)))
        with pytest.raises(requests.Timeout):
            cloud.session.post(place, json=body, timeout=0.2)
        assert len(cloud.sandbox.issue(key)["fields"]["comment"]["comments"]) == expected


def test_latency_is_added(cloud: Caller) -> None:
    cloud.sandbox.set_faults(Faults(latency_s=0.05))
    began = time.monotonic()
    cloud("/myself")
    assert time.monotonic() - began >= 0.05


def test_requests_are_logged_with_their_bodies(cloud: Caller) -> None:
    cloud("/search/approximate-count", {"jql": "project = NET"})
    (entry,) = cloud.sandbox.requests
    assert (entry.method, entry.path) == ("POST", "/rest/api/3/search/approximate-count")
    assert orjson.loads(entry.request_body) == {"jql": "project = NET"}
    assert (entry.status, entry.response_body) == (200, b"")
    cloud.sandbox.recording = True
    cloud("/myself?expand=groups&other=1")
    assert cloud.sandbox.requests[-1].json()["displayName"] == "ITPM Sync"
    assert cloud.sandbox.unknown_parameters == ["GET /rest/api/3/myself?other"]


def test_a_body_of_the_wrong_shape_is_a_400_not_a_dead_server(cloud: Caller) -> None:
    deep = {"jql": "(" * 5000 + "project = NET"}
    for body in (
        deep,
        [],
        {"jql": ["x"], "maxResults": "many"},
        {"jql": "project = NET", "fields": 5},
    ):
        assert cloud.raw("/search/jql", body).status_code == 400
    answer = cloud.session.post(f"{cloud.api}/search/jql", data=b"{", timeout=5)
    assert answer.status_code == 400


# ---- dumps


def issue(number: int, key: str, **fields: Any) -> dict[str, Any]:
    """An issue as a Data Center export has it."""
    done = {"id": 3, "key": "done", "colorName": "green", "name": "Done"}
    jane = {"name": "jroe", "key": "jroe", "displayName": "Jane Roe", "active": True}
    common = {
        "summary": f"issue {number}", "issuetype": {"id": "1", "name": "Bug", "subtask": False},
        "project": {"id": "12", "key": "AC", "name": "Inbox"},
        "status": {"id": "6", "name": "Closed", "description": "", "statusCategory": done},
        "created": "2015-01-30T00:43:49.000+0000", "updated": "2015-02-02T18:32:28.000+0000",
        "resolutiondate": "2015-02-02T18:32:28.000+0000", "assignee": jane, "labels": [],
        "description": "First.\r\n\r\nSecond\nline.", "comment": {"comments": []},
    }  # fmt: skip
    return {"id": str(number), "key": key, "fields": common | fields}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    sprint = {"id": 7, "state": "closed", "name": "S1", "originBoardId": 3,
              "startDate": "2015-02-02T15:53:51.937Z"}  # fmt: skip
    epic = {"id": 101, "key": "AC-1", "name": "The epic", "summary": "The epic", "done": False}
    comment = {"id": "900", "author": {"name": "bo", "displayName": "Bo"}, "body": "hi",
               "created": "2015-02-01T00:00:00.000+0000",
               "updated": "2015-02-01T00:00:00.000+0000"}  # fmt: skip
    issues = [
        issue(101, "AC-1"),
        issue(102, "AC-2", closedSprints=[sprint], epic=epic, flagged=True,
              comment={"comments": [comment]}),
    ]  # fmt: skip
    lines = b"\n".join(orjson.dumps(entry) for entry in issues)
    (tmp_path / "AC.jsonl.xz").write_bytes(lzma.compress(lines))
    version = {"id": "5", "name": "1.0", "released": True, "releaseDate": "2015-03-01",
               "userReleaseDate": "01/Mar/15"}  # fmt: skip
    project = {"id": "12", "key": "AC", "name": "Inbox", "versions": [version]}
    (tmp_path / "AC.project.json").write_bytes(orjson.dumps(project))
    return tmp_path


def test_a_dump_is_served_as_cloud(folder: Path) -> None:
    sandbox = JiraSandbox("cloud")
    assert sandbox.load(folder) == 2
    with running(sandbox) as call:
        fields = call("/issue/AC-2")["fields"]
        board = call.session.get(f"{sandbox.url}/rest/agile/1.0/board/3/sprint", timeout=5).json()
        versions = call("/project/AC/versions")
    assert fields["parent"]["key"] == "AC-1"
    assert fields["parent"]["fields"]["summary"] == "issue 101"
    assert "epic" not in fields
    assert [s["name"] for s in fields["customfield_10020"]] == ["S1"]
    assert fields["customfield_10021"][0]["value"] == "Impediment"
    assert set(fields["assignee"]) & {"name", "key", "emailAddress"} == set()
    assert len(fields["assignee"]["accountId"]) == 24
    paragraphs = fields["description"]["content"]
    assert [p["content"][0]["text"] for p in paragraphs] == ["First.", "Second"]
    assert paragraphs[1]["content"][1:] == [
        {"type": "hardBreak"},
        {"type": "text", "text": "line."},
    ]
    assert fields["comment"]["total"] == 1
    assert [s["id"] for s in board["values"]] == [7]
    assert versions[0]["releaseDate"] == "2015-03-01"
    assert sandbox.create_issue("AC", "next") == "AC-3"


def test_a_dump_is_served_as_data_center(folder: Path) -> None:
    sandbox = JiraSandbox("datacenter")
    sandbox.load(folder)
    with running(sandbox) as call:
        fields = call("/issue/AC-2")["fields"]
    assert fields["customfield_10006"] == "AC-1"
    assert "state=CLOSED,name=S1" in fields["customfield_10005"][0]
    assert "parent" not in fields
    assert fields["assignee"]["name"] == "jroe"
    assert fields["description"] == "First.\r\n\r\nSecond\nline."


@pytest.mark.parametrize(
    ("content", "where"),
    [(b'{"id": "1"}', ":1: is not a Jira issue"), (b"{", ":1: is not JSON"), (b"", "no issues")],
)
def test_a_broken_dump_names_file_and_line(tmp_path: Path, content: bytes, where: str) -> None:
    file = tmp_path / "AC.jsonl"
    file.write_bytes(content)
    with pytest.raises(ConfigError, match=where):
        JiraSandbox().load(file)


@pytest.mark.parametrize(
    ("jql", "found"),
    [
        ("id in ({id}, 99999) ORDER BY key", ["NET-1"]),
        ("key in (NET-1, NET-2, NET-99)", ["NET-1"]),  # NET-2 is hidden, NET-99 does not exist
        ("project in (NET, NOPE)", ["NET-1"]),
        ("fixVersion = Nope OR sprint = 4711", []),
    ],
)
def test_what_does_not_exist_matches_nothing_where_the_query_is_not_to_be_validated(
    datacenter: Caller, jql: str, found: list[str]
) -> None:
    sandbox = datacenter.sandbox
    ident = sandbox.issue(sandbox.create_issue("NET", "seen"))["id"]
    sandbox.hide_issue(sandbox.create_issue("NET", "hidden"))
    query = {"jql": jql.format(id=ident)}

    assert datacenter.raw("/search", query).status_code == 400
    assert datacenter.raw("/search", query | {"validateQuery": True}).status_code == 400
    assert datacenter.raw("/search", params=query | {"validateQuery": "true"}).status_code == 400
    for answer in (
        datacenter("/search", query | {"validateQuery": False}),
        datacenter("/search", params=query | {"validateQuery": "false"}),
        datacenter("/search", params=query | {"validateQuery": "False"}),
    ):
        assert (answer["total"], [i["key"] for i in answer["issues"]]) == (len(found), found)


def test_a_query_that_is_not_to_be_validated_must_still_be_one(datacenter: Caller) -> None:
    for jql in ("project =", "nofield = 3"):
        answer = datacenter.raw("/search", {"jql": jql, "validateQuery": False})
        assert answer.status_code == 400


# ---- seeds


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


# ---- saving


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


def test_the_configuration_reaches_the_sandbox(cloud: Caller) -> None:
    found = cloud.sandbox.configuration()
    assert found["url"] == cloud.sandbox.url
    assert (found["connector"], found["flavor"]) == ("jira", "cloud")
    assert found["auth"] == {"email": cloud.sandbox.email, "token": "${env:JIRA_TOKEN}"}
    assert cloud.sandbox.environment() == {"JIRA_TOKEN": cloud.sandbox.token}
