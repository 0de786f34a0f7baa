"""Every endpoint of the Jira sandbox, driven the vendor's way and held against its documents."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests

from connectors.jira.sandbox import JiraSandbox
from tests.connectors.jira import openapi
from tests.connectors.jira.sandbox.caller import logged_in

pytestmark = pytest.mark.skipif(bool(openapi.missing()), reason=openapi.missing() or "ok")

Json = dict[str, Any]


class Client:
    """Plain requests with the sandbox's login."""

    def __init__(self, sandbox: JiraSandbox) -> None:
        self.sandbox, self.base = sandbox, sandbox.url
        self.api = "/rest/api/3" if sandbox.cloud else "/rest/api/2"
        self.session = logged_in(sandbox)

    def __call__(self, method: str, path: str, status: int = 200, **kwargs: Any) -> Any:
        place = path if path.startswith("/rest") else self.api + path
        answer = self.session.request(method, self.base + place, timeout=10, **kwargs)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None


def text(client: Client, words: str) -> Any:
    """A text as the flavour takes it."""
    if not client.sandbox.cloud:
        return words
    paragraph = {"type": "paragraph", "content": [{"type": "text", "text": words}]}
    return {"type": "doc", "version": 1, "content": [paragraph]}


@contextmanager
def serving(flavour: str) -> Iterator[Client]:
    """A sandbox with one epic and one story, whose every exchange is validated at the end."""
    sandbox = JiraSandbox(flavour)
    sandbox.recording = True
    sandbox.create_project("NET", "Network refresh")
    epic = sandbox.create_issue("NET", "New switches", issuetype="Epic")
    sandbox.create_issue(
        "NET", "Order switches", issuetype="Story", epic=epic, fixVersions=["R1"], labels=["hw"],
        assignee="Jane Roe", components=["Core"], sprint="Sprint 1", timeoriginalestimate=7200,
        timeestimate=7200, description="First.\n\nSecond line\nthird.", **{"Story Points": 5},
    )  # fmt: skip
    sandbox.start()
    try:
        yield Client(sandbox)
    finally:
        sandbox.stop()
    assert openapi.assert_valid(sandbox.requests, flavour) > 0
    assert not sandbox.unknown_parameters
    assert not sandbox.surprises


@pytest.fixture(params=JiraSandbox.flavours)
def client(request: pytest.FixtureRequest) -> Iterator[Client]:
    with serving(request.param) as running:
        yield running


@pytest.fixture
def cloud() -> Iterator[Client]:
    with serving("cloud") as running:
        yield running


@pytest.fixture
def datacenter() -> Iterator[Client]:
    with serving("datacenter") as running:
        yield running


def test_site_and_account(client: Client) -> None:
    info = client("GET", "/serverInfo")
    assert info["deploymentType"] == ("Cloud" if client.sandbox.cloud else "Server")
    me = client("GET", "/myself")
    assert me["timeZone"] == "Australia/Sydney"
    assert me["emailAddress"] == client.sandbox.email
    names = {f["name"]: f for f in client("GET", "/field")}
    assert names["Story Points"]["id"] == "customfield_10016"
    assert names["Cost Code"]["schema"]["type"] == "string"
    assert ("Epic Link" in names) is not client.sandbox.cloud
    ident = {"accountId": me["accountId"]} if client.sandbox.cloud else {"username": me["name"]}
    assert client("GET", "/user", params=ident)["displayName"] == "ITPM Sync"
    asked = {"permissions": "BROWSE_PROJECTS,ADD_COMMENTS"} if client.sandbox.cloud else {}
    found = client("GET", "/mypermissions", params={"projectKey": "NET", **asked})
    assert found["permissions"]["ADD_COMMENTS"]["havePermission"] is True


def test_projects_and_versions(client: Client) -> None:
    client.sandbox.create_project("SD", "Service desk")
    if client.sandbox.cloud:
        first = client("GET", "/project/search", params={"maxResults": 1})
        assert [p["key"] for p in first["values"]] == ["NET"]
        assert first["total"] == 2
        second = requests.get(first["nextPage"], auth=client.session.auth, timeout=10).json()
        assert [p["key"] for p in second["values"]] == ["SD"]
        assert second["isLast"] is True
    else:
        assert [p["key"] for p in client("GET", "/project")] == ["NET", "SD"]
    project = client("GET", "/project/NET")
    assert project["name"] == "Network refresh"
    assert client("GET", f"/project/{project['id']}")["key"] == "NET"
    assert [v["name"] for v in client("GET", "/project/NET/versions")] == ["R1"]
    page = client("GET", "/project/NET/version", params={"startAt": 0, "maxResults": 10})
    assert [v["name"] for v in page["values"]] == ["R1"]
    client("GET", "/project/NOPE", 404)


def test_boards_and_sprints(client: Client) -> None:
    boards = client("GET", "/rest/agile/1.0/board", params={"projectKeyOrId": "NET"})
    board = boards["values"][0]
    assert board["type"] == "scrum"
    assert client("GET", f"/rest/agile/1.0/board/{board['id']}")["name"] == board["name"]
    sprints = client("GET", f"/rest/agile/1.0/board/{board['id']}/sprint")
    assert [s["name"] for s in sprints["values"]] == ["Sprint 1"]
    ident = sprints["values"][0]["id"]
    assert client("GET", f"/rest/agile/1.0/sprint/{ident}")["state"] == "future"
    client("GET", "/rest/agile/1.0/sprint/1", 404)


def test_issue_life(client: Client) -> None:
    fields = {
        "project": {"key": "NET"}, "summary": "Lay cables", "issuetype": {"name": "Task"},
        "description": text(client, "Rooms 1 to 9"), "labels": ["cable"],
        "customfield_10016": 3, "timetracking": {"originalEstimate": "1d 2h"},
    }  # fmt: skip
    made = client("POST", "/issue", 201, json={"fields": fields})
    assert made["key"] == "NET-3"
    client("PUT", f"/issue/{made['key']}", 204, json={"fields": {"summary": "Lay fibre"}})
    ways = client("GET", f"/issue/{made['key']}/transitions")["transitions"]
    done = next(way for way in ways if way["name"] == "Done")
    way = {"transition": {"id": done["id"]}}
    client("POST", f"/issue/{made['key']}/transitions", 204, json=way)
    issue = client("GET", f"/issue/{made['id']}", params={"expand": "changelog"})
    assert issue["fields"]["summary"] == "Lay fibre"
    assert issue["fields"]["status"]["statusCategory"]["key"] == "done"
    assert issue["fields"]["resolution"]["name"] == "Done"
    assert issue["fields"]["timeoriginalestimate"] == 36000
    assert issue["fields"]["timetracking"]["originalEstimate"] == "1d 2h"
    changed = [i["field"] for h in issue["changelog"]["histories"] for i in h["items"]]
    assert sorted(changed) == ["status", "summary"]
    client("DELETE", f"/issue/{made['key']}", 204)
    client("GET", f"/issue/{made['key']}", 404)


def test_wrong_issues_are_refused(client: Client) -> None:
    kind = {"project": {"key": "NET"}, "issuetype": {"name": "Task"}}
    answer = client("POST", "/issue", 400, json={"fields": kind})
    assert answer["errors"] == {"summary": "You must specify a summary of the issue."}
    wrong = {"fields": {**kind, "summary": "x", "customfield_99999": 1}}
    assert "customfield_99999" in client("POST", "/issue", 400, json=wrong)["errors"]
    nowhere = {"fields": {**kind, "project": {"key": "NOPE"}, "summary": "x"}}
    assert "project" in client("POST", "/issue", 400, json=nowhere)["errors"]


def test_worklogs(client: Client) -> None:
    body = {
        "timeSpentSeconds": 1800, "started": "2026-03-02T09:00:00.000+0000",
        "comment": text(client, "pulled cable"),
    }  # fmt: skip
    made = client("POST", "/issue/NET-2/worklog", 201, json=body)
    assert made["timeSpent"] == "30m"
    place = f"/issue/NET-2/worklog/{made['id']}"
    assert client("GET", "/issue/NET-2")["fields"]["timeestimate"] == 5400
    left = {"adjustEstimate": "leave"}
    again = client("POST", "/issue/NET-2/worklog", 201, json={"timeSpent": "1h"}, params=left)
    assert client("GET", "/issue/NET-2")["fields"]["timeestimate"] == 5400
    client("PUT", place, json={"timeSpentSeconds": 3600})
    assert client("GET", place)["timeSpentSeconds"] == 3600
    logs = client("GET", "/issue/NET-2/worklog")
    assert logs["total"] == 2
    assert [w["id"] for w in logs["worklogs"]] == [made["id"], again["id"]]
    client("DELETE", f"/issue/NET-2/worklog/{again['id']}", 204)
    assert client("GET", "/issue/NET-2")["fields"]["timespent"] == 3600
    assert client("GET", "/worklog/updated", params={"since": 0})["values"] == []  # a minute's lag
    client.sandbox.advance(61)
    changed = client("GET", "/worklog/updated", params={"since": 0})
    assert [v["worklogId"] for v in changed["values"]] == [int(made["id"])]
    gone = client("GET", "/worklog/deleted", params={"since": 0})
    assert [v["worklogId"] for v in gone["values"]] == [int(again["id"])]
    listed = client("POST", "/worklog/list", json={"ids": [int(made["id"]), 999_999]})
    assert [w["id"] for w in listed] == [made["id"]]


def test_comments_and_their_properties(client: Client) -> None:
    mark = {"key": "itpm-sync", "value": {"target": "a", "version": 1}}
    body = {"body": text(client, "Green"), "properties": [mark]}
    made = client("POST", "/issue/NET-2/comment", 201, json=body)
    place = f"/issue/NET-2/comment/{made['id']}"
    client("PUT", place, json={"body": text(client, "Amber")})
    assert client("GET", place)["body"] == text(client, "Amber")
    listed = client("GET", "/issue/NET-2/comment", params={"expand": "properties"})
    assert listed["comments"][0]["properties"] == [mark]
    holder = f"/comment/{made['id']}/properties"
    assert client("GET", holder)["keys"][0]["key"] == "itpm-sync"
    assert client("GET", f"{holder}/itpm-sync")["value"] == mark["value"]
    client("PUT", f"{holder}/itpm-sync", json={"version": 2})
    client("PUT", f"{holder}/other", 201, json="text")
    assert client("GET", f"{holder}/itpm-sync")["value"] == {"version": 2}
    client("DELETE", f"{holder}/other", 204)
    client("GET", f"{holder}/other", 404)
    if client.sandbox.cloud:
        found = client("POST", "/comment/list", json={"ids": [int(made["id"])]})
        assert [c["id"] for c in found["values"]] == [made["id"]]
    client("DELETE", place, 204)
    client("GET", place, 404)


def test_a_comment_of_the_wrong_kind_is_refused_in_errors_only(client: Client) -> None:
    wrong = "plain words" if client.sandbox.cloud else {"type": "doc"}
    answer = client("POST", "/issue/NET-2/comment", 400, json={"body": wrong})
    assert answer == {"errorMessages": [], "errors": {"comment": "Comment body is not valid!"}}


def test_issue_properties(client: Client) -> None:
    place = "/issue/NET-2/properties/itpm-sync.status"
    client("GET", place, 404)
    client("PUT", place, 201, json={"rating": "green"})
    client("PUT", place, 200, json={"rating": "amber"})
    assert client("GET", place)["value"] == {"rating": "amber"}
    assert client("GET", "/issue/NET-2/properties")["keys"][0]["key"] == "itpm-sync.status"
    shown = client("GET", "/issue/NET-2", params={"properties": "itpm-sync.status"})
    assert shown["properties"] == {"itpm-sync.status": {"rating": "amber"}}
    client("PUT", place, 400, json="x" * 32_767)  # with its quotes one character too long
    client("DELETE", place, 204)
    client("GET", place, 404)


def test_remote_links_are_replaced_by_global_id(client: Client) -> None:
    link = {
        "globalId": "itpm-sync:NET", "relationship": "status report",
        "object": {"url": "https://pmo.example.com/net.html", "title": "Status"},
    }  # fmt: skip
    made = client(
        "POST", "/issue/NET-2/remotelink", 201 if client.sandbox.cloud else 200, json=link
    )
    del link["relationship"]
    again = client("POST", "/issue/NET-2/remotelink", 200, json=link)
    assert again["id"] == made["id"]
    wanted = {"globalId": "itpm-sync:NET"}
    found = client("GET", "/issue/NET-2/remotelink", params=wanted)
    assert found["object"]["title"] == "Status"
    assert "relationship" not in found  # what is left out is gone
    assert len(client("GET", "/issue/NET-2/remotelink")) == 1
    place = f"/issue/NET-2/remotelink/{made['id']}"
    client("PUT", place, 204, json=link | {"relationship": "report"})
    assert client("GET", place)["relationship"] == "report"
    client("DELETE", "/issue/NET-2/remotelink", 204, params=wanted)
    client("GET", "/issue/NET-2/remotelink", 404, params=wanted)
    other = client(
        "POST", "/issue/NET-2/remotelink", 201 if client.sandbox.cloud else 200, json=link
    )
    client("DELETE", f"/issue/NET-2/remotelink/{other['id']}", 204)


def test_search_and_bulk_on_cloud(cloud: Client) -> None:
    query = {"jql": "project = NET ORDER BY key", "fields": ["*all"], "expand": "changelog"}
    found = cloud("POST", "/search/jql", json=query)
    assert [i["key"] for i in found["issues"]] == ["NET-1", "NET-2"]
    got = cloud("GET", "/search/jql", params={"jql": "project = NET", "fields": "key,summary"})
    assert got["isLast"] is True
    counted = cloud("POST", "/search/approximate-count", json={"jql": "project = NET"})
    assert counted == {"count": 2}
    keys = {"issueIdsOrKeys": ["NET-2", "NET-1", "NET-9"], "fields": ["*all"]}
    bulk = cloud("POST", "/issue/bulkfetch", json=keys | {"expand": ["changelog"]})
    assert [i["key"] for i in bulk["issues"]] == ["NET-1", "NET-2"]
    assert bulk["issueErrors"] == [], "what is not found is not among the errors"
    cloud.sandbox.edit_issue("NET-2", status="Done")
    page = cloud("GET", "/issue/NET-2/changelog", params={"maxResults": 10})
    assert page["values"][0]["items"][0]["toString"] == "Done"
    logs = cloud("POST", "/changelog/bulkfetch", json={"issueIdsOrKeys": ["NET-1", "NET-2"]})
    assert len(logs["issueChangeLogs"]) == 1


def test_the_old_search_is_gone_on_cloud(cloud: Client) -> None:
    gone = cloud("GET", "/search", 410, params={"jql": "project = NET"})
    assert "CHANGE-2046" in gone["errorMessages"][0]
    cloud("POST", "/search", 410, json={"jql": "project = NET"})


def test_search_on_data_center(datacenter: Client) -> None:
    query = {"jql": "project = NET ORDER BY key", "fields": "*all", "expand": "changelog"}
    found = datacenter("GET", "/search", params=query | {"startAt": 1, "maxResults": 1})
    assert (found["total"], [i["key"] for i in found["issues"]]) == (2, ["NET-2"])
    assert found["issues"][0]["fields"]["customfield_10006"] == "NET-1"  # Epic Link
    assert "name=Sprint 1" in found["issues"][0]["fields"]["customfield_10005"][0]
    body = {"jql": "project = NET", "startAt": 0, "maxResults": 5, "fields": ["summary"]}
    assert datacenter("POST", "/search", json=body)["total"] == 2
    datacenter("POST", "/search", 500, json=body | {"startAt": 9_999})


def test_the_validator_notices_what_it_must(client: Client) -> None:
    sandbox = client.sandbox
    client("GET", "/myself", params={"nonsense": 1})
    assert sandbox.unknown_parameters == [f"GET {client.api}/myself?nonsense"]
    client("GET", "/nothing/here", 404)
    for exchange, expected in zip(
        sandbox.requests, ("'nonsense' is unknown", "no such method and path"), strict=True
    ):
        found = list(openapi.problems_of(exchange, sandbox.flavour))
        assert any(expected in problem for problem in found)
    sandbox.requests.clear()
    sandbox.unknown_parameters.clear()
    client("GET", "/myself")


@pytest.mark.parametrize("flavour", JiraSandbox.flavours)
def test_real_issues_are_served_by_the_documents(flavour: str) -> None:
    dump = openapi.documents().parent / "data" / "titanium-jira" / "DAEMON.jsonl.xz"
    if not dump.exists():
        pytest.skip(f"no real issues at {dump}")
    sandbox = JiraSandbox(flavour)
    assert sandbox.load(dump) == 317
    sandbox.recording = True
    sandbox.start()
    try:
        call = Client(sandbox)
        if sandbox.cloud:
            ids = list(map(str, sandbox.state.issues))[:100]
            body = {"issueIdsOrKeys": ids, "fields": ["*all"], "expand": ["changelog"]}
            assert len(call("POST", "/issue/bulkfetch", json=body)["issues"]) == 100
        else:
            body = {"jql": "project = DAEMON", "maxResults": 100, "fields": ["*all"]}
            assert len(call("POST", "/search", json=body)["issues"]) == 100
        for board in call("GET", "/rest/agile/1.0/board")["values"]:
            call("GET", f"/rest/agile/1.0/board/{board['id']}/sprint")
        call("GET", "/project/DAEMON")
        openapi.assert_valid(sandbox.requests, flavour)
    finally:
        sandbox.stop()
