"""What the sandbox shows, and what happens behind one's back: searches, lists, moves, rights."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import chain

import pytest

from connectors.jira.sandbox import JiraSandbox
from itpm_sync.connector import Sandbox
from tests.connectors.jira.sandbox.caller import Caller, running


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
