"""The Jira connector keeps the connector contract, in both flavours; every exchange is valid."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

import connectors.jira.client
import connectors.jira.connector
from connectors.jira.publish import PROPERTY
from itpm_sync.connector import Observed
from itpm_sync.testing import ConnectorContract, ContractWorld, PublishWorld
from tests.connectors.jira.jira_site import FLAVOURS, JiraSite, jira_site

PAGE = 10
NOBODY = "http://127.0.0.1:9"  # the discard port: nothing listens there


@pytest.fixture
def site(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[JiraSite]:
    """Two projects with an issue each, read in pages that a few issues cross."""
    for module, name in (
        (connectors.jira.connector, "BULK"),
        (connectors.jira.client, "LIST_PAGE"),
        (connectors.jira.client, "_OFFSET_PAGE"),
    ):
        monkeypatch.setattr(module, name, PAGE)
    with jira_site(request.param) as running:
        for project in ("NET", "OPS"):
            running.sandbox.create_issue(project, "there before")
        yield running


def world_of(site: JiraSite) -> ContractWorld:
    """A world over one running sandbox."""
    sandbox = site.sandbox

    def create(project: str, title: str) -> str:
        return str(sandbox.issue(sandbox.create_issue(project, title))["id"])

    def written(key: str, field: str) -> int:
        document = sandbox.issue(key)
        found = {
            "comment": document["fields"]["comment"]["comments"],
            "remote_link": document["remotelinks"],
            "property": document["properties"],
        }
        return len(found[field])

    def amend(key: str, change: Callable[[Any], None]) -> None:
        sandbox.state.amend(sandbox._issue(key), change)

    def edit_property(key: str, _: Observed) -> None:
        amend(key, lambda doc: doc["properties"][PROPERTY].update(rating="green"))

    def edit_link(key: str, _: Observed) -> None:
        amend(key, lambda doc: doc["remotelinks"][0]["object"].update(title="All is well"))

    def edit_comment(key: str, stands: Observed) -> None:
        assert stands.remote_id
        sandbox.edit_comment(key, stands.remote_id, "I disagree")

    return ContractWorld(
        connector=site.connector,
        stream="issue",
        create=create,
        title_of=lambda body: str(body["fields"]["summary"]),
        edit=lambda ident, title: sandbox.edit_issue(ident, summary=title),
        delete=sandbox.delete_issue,
        move=lambda ident, project: str(sandbox.move_issue(ident, project)) and None,
        hide=sandbox.hide_issue,
        offline=lambda: site.connector(url=NOBODY),
        astray=lambda: site.connector(projects=["NOWHERE"]),
        publishing=PublishWorld(
            address=lambda: sandbox.create_issue("NET", "Status of the project"),
            written=written,
            edit={"property": edit_property, "remote_link": edit_link, "comment": edit_comment},
        ),
        secrets=(sandbox.token,),
    )


@pytest.mark.parametrize("site", FLAVOURS, indirect=True)
class TestJira(ConnectorContract):
    @pytest.fixture
    def world(self, site: JiraSite) -> ContractWorld:
        return world_of(site)
