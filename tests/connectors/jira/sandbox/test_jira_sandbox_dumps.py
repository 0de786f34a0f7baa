"""A dump of real records, served by the sandbox; what such a site holds no word of."""

from __future__ import annotations

import lzma
from pathlib import Path
from typing import Any

import orjson
import pytest

from connectors.jira.sandbox import JiraSandbox
from itpm_sync.errors import ConfigError
from tests.connectors.jira.sandbox.caller import Caller, running


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
