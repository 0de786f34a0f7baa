"""What became of records that no census lists: the connector says no more than Jira does."""

from __future__ import annotations

from pathlib import Path

import pytest
import responses

from connectors.jira.connector import JiraConnector
from connectors.jira.settings import JiraSettings
from itpm_sync.connector import Context, Fate, Whereabouts
from itpm_sync.errors import ConnectionFailed
from tests.connectors.jira.jira_site import JiraSite, records, stream

HIDDEN = Whereabouts(Fate.HIDDEN)


@pytest.fixture
def site(site: JiraSite) -> JiraSite:
    site.sandbox.create_project("NET")
    site.sandbox.create_project("ELSE")
    return site


def test_of_issues_deleted_and_hidden_are_one_and_moved_is_told(site: JiraSite) -> None:
    sandbox = site.sandbox
    keys = [sandbox.create_issue("NET", f"issue {n}") for n in range(4)]
    there, moved, hidden, deleted = (str(sandbox.issue(key)["id"]) for key in keys)
    connector = site.connector(projects=["NET"])
    sandbox.set_index_lag(600)  # a search would still have them all where they were
    sandbox.move_issue(moved, "ELSE")
    sandbox.hide_issue(hidden)
    sandbox.delete_issue(deleted)

    found = connector.whereabouts(stream(connector, "issue"), [there, moved, hidden, deleted])

    assert found == {
        there: Whereabouts(Fate.THERE, "NET"),
        moved: Whereabouts(Fate.THERE, "ELSE"),
        hidden: HIDDEN,
        deleted: HIDDEN,
    }


def test_a_sprint_on_a_board_of_others_is_there_and_one_that_is_not_given_is_hidden(
    site: JiraSite,
) -> None:
    state = site.sandbox.state
    kept, moved, gone = (str(state.sprint("NET", name)["id"]) for name in ("1", "2", "3"))
    other = state.board("ELSE", scrum=True)["id"]
    state.sprints[int(moved)]["originBoardId"] = other
    del state.sprints[int(gone)]
    connector = site.connector(projects=["NET"])
    sprints = stream(connector, "sprint")

    assert [list(batch) for batch in connector.census(sprints, "boards")] == [[kept]]
    assert connector.whereabouts(sprints, [moved, gone]) == {
        moved: Whereabouts(Fate.THERE, f"board {other}"),
        gone: HIDDEN,
    }
    site.sandbox.deny("JIRA_SOFTWARE")
    assert connector.whereabouts(sprints, [kept]) == {kept: HIDDEN}


def test_a_version_that_its_project_no_longer_has_was_deleted(site: JiraSite) -> None:
    state = site.sandbox.state
    kept = state.version_of(state.projects["NET"], "1.0")["id"]
    connector = site.connector(projects=["NET"])
    versions = stream(connector, "version")

    assert connector.whereabouts(versions, [kept, "987654"]) == {
        kept: Whereabouts(Fate.THERE, "NET"),
        "987654": Whereabouts(Fate.DELETED),
    }


def test_refused_boards_are_no_boards_to_a_reading_but_fail_a_census(site: JiraSite) -> None:
    site.sandbox.state.sprint("NET", "1")
    site.sandbox.deny("JIRA_SOFTWARE")
    connector = site.connector(projects=["NET"], sprints="auto")

    assert records(connector, "sprint") == {}
    with pytest.raises(ConnectionFailed, match="the boards of NET cannot be read"):
        list(connector.census(stream(connector, "sprint"), "boards"))


def test_a_deleted_worklog_is_a_change_of_its_issue(site: JiraSite) -> None:
    sandbox = site.sandbox
    key = sandbox.create_issue("NET", "one")
    logs = [sandbox.add_worklog(key, 3600), sandbox.add_worklog(key, 60)]
    connector = site.connector(projects=["NET"])
    (before,) = records(connector, "issue").values()
    sandbox.advance(3600)
    sandbox.delete_worklog(key, logs[0])

    (after,) = records(connector, "issue", since=before.updated_at).values()

    assert before.updated_at is not None
    assert after.updated_at is not None
    assert after.updated_at > before.updated_at
    assert [w["id"] for w in after.parsed["fields"]["worklog"]["worklogs"]] == logs[1:]


def refusing(flavor: str) -> JiraConnector:
    auth = {"token": "t"} | ({"email": "a@example.org"} if flavor == "cloud" else {})
    given = {"url": "https://jira.example", "flavor": flavor, "auth": auth, "projects": ["NET"]}
    return JiraConnector("jira", JiraSettings.model_validate(given), Context(Path(), attempts=1))


@responses.activate
def test_an_issue_that_jira_cannot_give_now_is_unknown() -> None:
    error = {"id": "1", "errorMessage": "timed out"}
    answer = {"issues": [], "issueErrors": [error]}
    responses.post("https://jira.example/rest/api/3/issue/bulkfetch", json=answer)
    connector = refusing("cloud")
    assert connector.whereabouts(stream(connector, "issue"), ["1", "2"]) == {
        "1": Whereabouts(Fate.UNKNOWN),
        "2": HIDDEN,
    }


@responses.activate
def test_an_issue_that_a_server_forbids_is_hidden() -> None:
    refused = {"errorMessages": ["You may not see this issue."], "errors": {}}
    responses.get("https://jira.example/rest/api/2/issue/1", json=refused, status=403)
    connector = refusing("datacenter")
    assert connector.whereabouts(stream(connector, "issue"), ["1"]) == {"1": HIDDEN}
