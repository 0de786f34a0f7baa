"""What a run with little or nothing new asks for, and that it misses nothing all the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from connectors.jira.connector import JiraConnector
from connectors.jira.seen import SeenIds
from connectors.jira.settings import JiraSettings
from itpm_sync.config import read_yaml
from itpm_sync.mapping import compile_mapping
from itpm_sync.pull import PullResult, PullSource, pull
from itpm_sync.store import Completeness, Store
from tests.connectors.jira.jira_site import CONTEXT, JiraSite

HOUR = timedelta(hours=1)
MAPPING = read_yaml(JiraConnector.mapping_file).data


class World:
    """A site, a store, and runs of which each begins ten minutes after the one before."""

    def __init__(self, site: JiraSite, store: Store, *projects: str) -> None:
        self.site, self.store, self.projects = site, store, projects or ("NET",)
        self.now = datetime.now(UTC)
        site.sandbox.freeze(self.now - HOUR)  # beyond what an incremental run reads twice
        for key in self.projects:
            site.sandbox.create_project(key)
            site.sandbox.create_issue(key, f"first of {key}")

    def pull(
        self, *, after: timedelta = timedelta(minutes=10), state: str = "ok", **settings: Any
    ) -> PullResult:
        self.now += after
        self.site.sandbox.freeze(self.now)
        given = {"projects": list(self.projects), **settings}
        self.site.sandbox.requests.clear()

        def opened(known: Any) -> Any:
            connector = self.site.connector(replace(CONTEXT, remembered=known), **given)
            return connector, compile_mapping(MAPPING, connector.variables(), "mapping.yaml")

        run = self.store.begin_run("pull", self.now)
        sources = [PullSource("jira", opened)]
        result = pull(self.store, sources, run=run, now=self.now, refresh_every=HOUR)
        assert result.state == state, result.message
        return result

    def asked(self) -> Counter[str]:
        """The requests of the latest run, by the last word of their path."""
        return Counter(e.path.rsplit("/", 1)[1] for e in self.site.sandbox.requests)

    def counted(self) -> list[str]:
        """What the latest run had counted."""
        sent = [
            orjson.loads(e.request_body) for e in self.site.sandbox.requests if e.method == "POST"
        ]
        return [s["jql"] for s in sent if s.get("maxResults", 0) == 0 and "jql" in s]

    def titles(self) -> set[str]:
        return {r.title for r in self.store.records("work_item")}  # type: ignore[attr-defined]

    def proofs(self) -> dict[tuple[str, str], Completeness]:
        return {(p.stream, p.scope): p for p in self.store.coverage("jira")}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(f"sqlite:///{tmp_path}/itpm.db") as opened:
        yield opened


def test_a_run_with_nothing_new_asks_for_account_changes_and_count(
    site: JiraSite, store: Store
) -> None:
    world = World(site, store)
    world.pull()
    world.pull()  # the overlap lists once more what was there at the first run
    world.pull(after=timedelta(minutes=20))

    assert len(site.sandbox.requests) == 3
    assert world.asked()["myself"] == 1
    assert store.coverage()


@pytest.mark.parametrize("count", [2, 7])
def test_more_projects_cost_no_more_requests(site: JiraSite, store: Store, count: int) -> None:
    keys = [f"P{n}" for n in range(count)]
    world = World(site, store, *keys)
    world.pull()
    world.pull(after=timedelta(minutes=30))

    assert len(site.sandbox.requests) == 3
    own = [world.proofs()["issue", key] for key in keys]
    assert [(p.stored, p.source_count, p.complete) for p in own] == [(1, 1, True)] * count


def test_changes_of_several_projects_arrive_in_one_list_each_under_its_own(
    site: JiraSite, store: Store
) -> None:
    world = World(site, store, "NET", "OPS", "SEC")
    world.pull()
    world.now += timedelta(minutes=5)
    site.sandbox.freeze(world.now)
    for key in ("NET", "SEC"):
        site.sandbox.create_issue(key, f"second of {key}")
    result = world.pull()

    assert {"second of NET", "second of SEC"} <= world.titles()
    assert store.counts("jira", "issue") == {"NET": 2, "OPS": 1, "SEC": 2}
    assert all(p.complete for p in store.coverage())
    assert result.connections[0].message == "issue: 2 new"


def test_what_changes_slowly_is_read_again_when_due(site: JiraSite, store: Store) -> None:
    world = World(site, store)
    world.pull()
    state = site.sandbox.state
    state.version_of(state.projects["NET"], "2026.1")
    world.pull()
    assert store.counts("jira", "version") == {}
    world.pull(after=HOUR)
    assert store.counts("jira", "version") == {"NET": 1}
    assert world.asked()["field"] == 1


def test_streams_that_were_not_read_stay_proved_as_of_their_own_reading(
    site: JiraSite, store: Store
) -> None:
    world = World(site, store)
    world.pull()
    first = world.now
    world.pull()

    ages = {stream: p.as_of for (stream, _), p in world.proofs().items()}
    assert ages == {"issue": world.now, "project": first, "version": first, "sprint": first}
    assert all(p.complete for p in world.proofs().values())


@pytest.mark.parametrize("zone", ["America/Los_Angeles", "Pacific/Auckland"])
def test_an_account_that_moves_to_another_time_zone_loses_nothing(
    site: JiraSite, store: Store, zone: str
) -> None:
    site.sandbox.state.zone_name = "Europe/Zurich"
    world = World(site, store, "NET", "OPS")
    world.pull()
    world.now += timedelta(minutes=2)
    site.sandbox.freeze(world.now)
    site.sandbox.create_issue("NET", "while the zone changed")
    site.sandbox.state.zone_name = zone
    world.pull(after=timedelta(minutes=2))

    assert "while the zone changed" in world.titles()


def test_a_project_that_cannot_be_read_does_not_keep_the_others_from_it(
    site: JiraSite, store: Store
) -> None:
    world = World(site, store, "NET", "OPS", "SEC")
    world.pull()
    site.sandbox.hide_project("OPS")
    world.now += timedelta(minutes=5)
    site.sandbox.freeze(world.now)
    site.sandbox.create_issue("SEC", "second of SEC")
    world.pull(state="partial")

    assert "second of SEC" in world.titles()
    assert {s: p.complete for (n, s), p in world.proofs().items() if n == "issue"} == {
        "NET": True, "OPS": False, "SEC": True,
    }  # fmt: skip


def test_a_total_that_disagrees_has_each_project_counted_and_the_deletion_found(
    datacenter: JiraSite, store: Store
) -> None:
    world = World(datacenter, store, "NET", "OPS")
    doomed = datacenter.sandbox.create_issue("OPS", "second of OPS")
    world.pull()
    world.pull(after=timedelta(minutes=20))
    datacenter.sandbox.delete_issue(doomed)
    world.pull()

    assert world.titles() == {"first of NET", "first of OPS"}
    assert world.proofs()["issue", "OPS"].source_count == 1


def test_each_project_is_counted_on_its_own_when_that_is_due(site: JiraSite, store: Store) -> None:
    world = World(site, store, "NET", "OPS")
    world.pull()  # a census of each
    world.pull(after=timedelta(minutes=20))
    assert world.counted() == ['project in ("NET", "OPS")']
    world.pull(after=2 * HOUR)
    assert world.counted() == ['project = "NET"', 'project = "OPS"']


def test_field_ids_are_asked_for_again_when_other_fields_are_configured(
    site: JiraSite, store: Store
) -> None:
    world = World(site, store)
    world.pull()
    world.pull()
    assert world.asked()["field"] == 0
    world.pull(fields={"points": "Story Points"})
    assert world.asked()["field"] == 1


# ---- pure ---------------------------------------------------------------------------------------


def test_ids_are_given_once_whatever_they_look_like() -> None:
    seen = SeenIds()
    assert seen.fresh(["7", "8", "7", "007", "", "x", "²", "9" * 40]) == [
        "7", "8", "007", "", "x", "²", "9" * 40,
    ]  # fmt: skip
    assert seen.fresh(["8", "9", "x", "", "007", "4103", "9" * 40]) == ["9", "4103"]


def test_a_million_ids_take_little_memory() -> None:
    seen = SeenIds()
    for start in range(10_000, 1_010_000, 5_000):
        seen.fresh([str(i) for i in range(start, start + 5_000)])
    assert seen.fresh(["10000", "1009999", "9999"]) == ["9999"]
    assert len(seen._blocks) < 500


def test_issues_are_read_whole_once_another_field_bears_a_configured_name() -> None:
    """The old one was renamed: no stored issue has the value of the new one."""
    asked = {"points": "Story Points"}
    settings = JiraSettings.model_validate(
        {"url": "https://jira.example", "flavor": "datacenter", "auth": {"token": "t"},
         "projects": ["NET"], "fields": asked}
    )  # fmt: skip

    def asks(ident: str) -> str:
        known = {"asked": asked, "fields": {"points": ident}}
        connector = JiraConnector("jira", settings, replace(CONTEXT, remembered=known))
        (issue,) = (s for s in connector.streams() if s.name == "issue")
        connector.close()
        return issue.asks

    assert asks("customfield_1") == asks("customfield_1") != asks("customfield_2")
