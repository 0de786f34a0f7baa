"""The sandbox's JQL: what matches, in which order, and what is refused in which words."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from connectors.jira.sandbox import JiraSandbox
from connectors.jira.sandbox_jql import JqlError

NOON = datetime(2026, 3, 2, 12, 0, 30, tzinfo=UTC)  # 23:00:30 in Sydney, the account's zone


@pytest.fixture
def sandbox() -> JiraSandbox:
    box = JiraSandbox("cloud")
    box.freeze(NOON)
    box.create_project("NET", "Network refresh")
    box.create_project("SD", "Service desk")
    box.create_issue(
        "NET", "one", issuetype="Story", labels=["hw", "late"], fixVersions=["R1"],
        assignee="Jane Roe", sprint="Sprint 1",
    )  # fmt: skip
    box.advance(60)
    box.create_issue("NET", "two", status="Done", labels=["sw"])
    box.advance(60)
    box.create_issue("SD", "three", status="In Progress", assignee="Ann Poe")
    return box


def keys(sandbox: JiraSandbox, jql: str) -> list[str]:
    return [row.key for row in sandbox.state.search(jql)]


@pytest.mark.parametrize(
    ("jql", "expected"),
    [
        ("project = NET ORDER BY key", ["NET-1", "NET-2"]),
        ("project in (NET, sd) ORDER BY created DESC", ["SD-1", "NET-2", "NET-1"]),
        ('project = "Service desk"', ["SD-1"]),
        ("project != NET", ["SD-1"]),
        ("key = NET-2", ["NET-2"]),
        ("issuekey not in (NET-2, SD-1)", ["NET-1"]),
        ("status = done", ["NET-2"]),
        ('statusCategory = "In Progress"', ["SD-1"]),
        ("statusCategory != Done ORDER BY id", ["NET-1", "SD-1"]),
        ("issuetype in (Story, Task) AND project = NET ORDER BY key", ["NET-1", "NET-2"]),
        ('assignee = "Jane Roe" OR assignee = ann.poe ORDER BY key', ["NET-1", "SD-1"]),
        ("assignee is EMPTY", ["NET-2"]),
        ("assignee IS NOT EMPTY AND NOT project = SD", ["NET-1"]),
        ("labels = hw", ["NET-1"]),
        ("labels not in (hw)", ["NET-2"]),  # no label at all does not match a negative comparison
        ("fixVersion = R1 OR (project = SD AND labels is empty)", ["SD-1", "NET-1"]),
        ('sprint = "sprint 1"', ["NET-1"]),
        ("reporter = currentUser() AND resolved is not EMPTY", ["NET-2"]),
        ("created <= now() AND updated >= -90s1 OR key = SD-1", None),
        ("created >= -1m ORDER BY key", ["NET-2", "SD-1"]),
    ],
)
def test_queries(sandbox: JiraSandbox, jql: str, expected: list[str] | None) -> None:
    if expected is None:
        with pytest.raises(JqlError, match="'-90s1' for field 'updated' is invalid"):
            keys(sandbox, jql)
    else:
        assert keys(sandbox, jql) == expected


def test_without_an_order_the_newest_comes_first(sandbox: JiraSandbox) -> None:
    assert keys(sandbox, "created > 0 AND project = NET") == ["NET-2", "NET-1"]


def test_dates_are_read_in_the_accounts_zone_to_the_minute(sandbox: JiraSandbox) -> None:
    # NET-1 changed at 23:00:30 Sydney time, NET-2 at 23:01:30.
    assert keys(sandbox, 'project = NET AND updated >= "2026-03-02 23:01"') == ["NET-2"]
    assert keys(sandbox, 'project = NET AND updated < "2026/03/02 23:01"') == ["NET-1"]
    assert keys(sandbox, 'project = NET AND updated >= "2026-03-02 12:01"') == ["NET-2", "NET-1"]
    assert keys(sandbox, 'project = NET AND updated <= "2026-03-02 23:00"') == []
    with pytest.raises(JqlError, match="invalid"):
        keys(sandbox, 'updated >= "2026-03-02 23:00:30"')


def test_epoch_milliseconds_are_exact(sandbox: JiraSandbox) -> None:
    start = round(NOON.timestamp() * 1000)
    assert keys(sandbox, f"project = NET AND updated > {start}") == ["NET-2"]
    assert keys(sandbox, f"project = NET AND updated = {start}") == ["NET-1"]


def test_ids_are_compared_by_key_number_within_one_project(sandbox: JiraSandbox) -> None:
    first = sandbox.issue("NET-1")["id"]
    assert keys(sandbox, f"id > {first}") == ["NET-2"]  # not SD-1, whose id is greater too
    assert keys(sandbox, "key >= NET-1 ORDER BY key") == ["NET-1", "NET-2"]
    assert keys(sandbox, f"id in ({first}, SD-1) ORDER BY id DESC") == ["SD-1", "NET-1"]


@pytest.mark.parametrize(
    ("jql", "words"),
    [
        ("project = NOPE", "The value 'NOPE' does not exist for the field 'project'."),
        ("status = Nowhere", "The value 'Nowhere' does not exist for the field 'status'."),
        ("key = NET-99", "An issue with key 'NET-99' does not exist for field 'key'."),
        ("id = 99", "A value with ID '99' does not exist for the field 'id'."),
        ("nonsense = 1", "Field 'nonsense' does not exist or you do not have permission"),
        ("project = AND status = Done", "'AND' is a reserved JQL word"),
        ("project = set", "'set' is a reserved JQL word"),
        ("project NET", "Expecting operator"),
        ("project = NET status = Done", "Expecting either 'OR' or 'AND' but got 'status'"),
        ("project = NET AND", "but got the end of the query"),
        ("project in (NET", "Expecting '\\)' but got the end of the query"),
        ('project = "NET', "is not valid here"),
        ("project = NET ORDER key", "Expecting 'BY'"),
        ("project = NET ORDER BY labels", "Not able to sort using field 'labels'"),
        ("status > Done", "The operator '>' is not supported by the 'status' field"),
        ("assignee = membersOf()", "Unable to find JQL function 'membersOf"),
    ],
)
def test_what_is_refused(sandbox: JiraSandbox, jql: str, words: str) -> None:
    with pytest.raises(JqlError, match=words.replace("(", r"\(") if "\\" not in words else words):
        keys(sandbox, jql)


def test_unknown_values_match_nothing_where_validation_is_off(sandbox: JiraSandbox) -> None:
    found = sandbox.state.search("id in (99, NET-1) OR project = NOPE", strict=False)
    assert [row.key for row in found] == ["NET-1"]


def test_quotes_and_escapes_keep_values_apart(sandbox: JiraSandbox) -> None:
    tricky = 'a" OR project = "SD'
    sandbox.create_issue("NET", "four", labels=[tricky])
    escaped = tricky.replace('"', '\\"')
    assert keys(sandbox, f'labels = "{escaped}"') == ["NET-3"]


def test_a_query_without_restriction_is_unbounded(sandbox: JiraSandbox) -> None:
    assert not sandbox.state.bounded("ORDER BY created")
    assert not sandbox.state.bounded("")
    assert sandbox.state.bounded("project = NET ORDER BY created")
