"""A clock that is wrong, ours or the source's, and is set right: no change is ever missed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connectors.jira.connector import JiraConnector
from connectors.jira.sandbox import JiraSandbox
from connectors.jira.settings import JiraSettings
from itpm_sync.connector import Context, Deletes, Stream
from itpm_sync.pull import PullResult, PullSource, plan, pull
from itpm_sync.store import Checkpoint, Store
from tests.soak.jira_world import shipped_mapper

# beside the machine's own clock no source looks slow here: that would be made up for apart
NOON = datetime(2090, 3, 2, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class Office:
    """A site, a store, and a clock each."""

    def __init__(self, store: Store) -> None:
        self.sandbox, self.store = JiraSandbox("cloud"), store
        self.sandbox.freeze(NOON - DAY)
        self.key = self.sandbox.create_issue("A", "Router")
        self.sandbox.start()

    def pull(self, *, ours: datetime, theirs: datetime, **options: bool) -> PullResult:
        """A pull as cron starts it; censuses are not due."""
        self.sandbox.freeze(theirs)
        given = {k: v for k, v in self.sandbox.configuration().items() if k != "connector"}
        auth = {"email": self.sandbox.email, "token": self.sandbox.token}
        asked = {**given, "auth": auth, "projects": ["A"], "sprints": False}
        connector = JiraConnector("jira", JiraSettings.model_validate(asked), Context(Path()))
        source = PullSource("jira", lambda _known: (connector, shipped_mapper(connector)))
        run = self.store.begin_run("pull", ours)
        result = pull(
            self.store, [source], run=run, now=ours, sweep_every=1000 * DAY, inline=True, **options
        )
        connector.close()
        assert result.state == "ok", result.message
        return result

    def edit(self, title: str, *, theirs: datetime) -> None:
        self.sandbox.freeze(theirs)
        self.sandbox.edit_issue(self.key, summary=title)

    @property
    def titles(self) -> list[str]:
        return [item.title for item in self.store.records("work_item")]  # type: ignore[attr-defined]


@pytest.fixture
def office(sqlite_url: str) -> Iterator[Office]:
    with Store.open(sqlite_url) as store:
        made = Office(store)
        yield made
        made.sandbox.stop()


@pytest.mark.parametrize("wrong_by", [DAY, -DAY, 400 * DAY, timedelta(minutes=20)])
def test_a_change_after_a_run_with_a_wrong_clock_of_ours_is_not_missed(
    office: Office, wrong_by: timedelta
) -> None:
    office.pull(ours=NOON + wrong_by, theirs=NOON)
    office.edit("Core router", theirs=NOON + HOUR)
    office.pull(ours=NOON + 2 * HOUR, theirs=NOON + 2 * HOUR)
    assert office.titles == ["Core router"]
    (checkpoint,) = office.store.checkpoints("jira", "issue").values()
    assert checkpoint.at == NOON + 2 * HOUR


@pytest.mark.parametrize("wrong_by", [DAY, -DAY])
def test_a_change_is_not_missed_by_a_run_with_a_wrong_clock_of_ours(
    office: Office, wrong_by: timedelta
) -> None:
    office.pull(ours=NOON, theirs=NOON)
    office.edit("Core router", theirs=NOON + HOUR)
    office.pull(ours=NOON + 2 * HOUR + wrong_by, theirs=NOON + 2 * HOUR)
    assert office.titles == ["Core router"]
    office.edit("Edge router", theirs=NOON + 3 * HOUR)
    office.pull(ours=NOON + 4 * HOUR, theirs=NOON + 4 * HOUR)
    assert office.titles == ["Edge router"]


@pytest.mark.parametrize("wrong_by", [DAY, -DAY])
def test_a_source_that_is_always_wrong_is_read_without_a_gap(
    office: Office, wrong_by: timedelta
) -> None:
    office.pull(ours=NOON, theirs=NOON + wrong_by)
    for hour, title in enumerate(["Core router", "Edge router", "Spare router"], start=1):
        office.edit(title, theirs=NOON + hour * HOUR - HOUR / 2 + wrong_by)
        office.pull(ours=NOON + hour * HOUR, theirs=NOON + hour * HOUR + wrong_by)
        assert office.titles == [title]


@pytest.mark.parametrize("wrong_by", [DAY, -DAY])
def test_a_source_whose_clock_is_set_right_is_read_without_a_gap(
    office: Office, wrong_by: timedelta
) -> None:
    office.pull(ours=NOON, theirs=NOON + wrong_by)
    office.edit("Core router", theirs=NOON + HOUR)
    office.pull(ours=NOON + 2 * HOUR, theirs=NOON + 2 * HOUR)
    assert office.titles == ["Core router"]


def notes(result: PullResult) -> list[str]:
    return [note for s in result.connections[0].streams for note in s.notes]


def test_a_source_whose_clock_is_set_back_is_read_whole_and_it_is_told(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    assert notes(office.pull(ours=NOON, theirs=NOON)) == []
    office.edit("Core router", theirs=NOON - 3 * HOUR)
    office.edit("Edge router", theirs=NOON - 2 * HOUR)
    result = office.pull(ours=NOON + HOUR, theirs=NOON - 2 * HOUR)
    assert office.titles == ["Edge router"]
    (said,) = notes(result)
    assert said == (
        "issue: the source's clock is 2:00:00 behind what it showed when it was last read: it was "
        "set back, or the source was restored from a backup; everything is read again"
    )
    assert f"jira: {said}" in caplog.text
    office.edit("Spare router", theirs=NOON - HOUR)
    assert notes(office.pull(ours=NOON + 2 * HOUR, theirs=NOON - HOUR)) == []
    assert office.titles == ["Spare router"]


def test_a_clock_that_was_set_back_and_has_passed_the_checkpoint_again_is_noticed(
    office: Office,
) -> None:
    office.pull(ours=NOON, theirs=NOON)
    office.edit("Edge router", theirs=NOON - HOUR)  # two hours later: it was set back by three
    (said,) = notes(office.pull(ours=NOON + DAY, theirs=NOON + DAY - 3 * HOUR))
    assert said.startswith("issue: the source's clock is 3:00:00 behind")
    assert office.titles == ["Edge router"]
    assert notes(office.pull(ours=NOON + 2 * DAY, theirs=NOON + 2 * DAY - 3 * HOUR)) == []


def test_an_edit_with_an_older_stamp_than_the_stored_one_is_taken(office: Office) -> None:
    office.edit("Core router", theirs=NOON - timedelta(minutes=1))
    office.pull(ours=NOON, theirs=NOON)
    office.edit("Edge router", theirs=NOON - timedelta(minutes=3))
    office.pull(ours=NOON + HOUR, theirs=NOON + timedelta(minutes=10))
    assert office.titles == ["Edge router"]


def policy(now: datetime) -> plan.Policy:
    return plan.Policy(
        run="r", now=now, full=False, sweep=False, sweep_every=DAY, max_deleted_share=0.2,
        confirm=False,
    )  # fmt: skip


STREAM = Stream("ticket", ("A",), incremental=True, deletes=Deletes.CENSUS)


def test_a_checkpoint_in_the_future_is_not_believed() -> None:
    ahead = Checkpoint(connection="c", stream="ticket", scope="A", at=NOON + HOUR)
    assert plan.window(STREAM, ahead, policy(NOON)).since is None
    assert plan.window(STREAM, ahead, policy(NOON + HOUR)).since == NOON + HOUR - STREAM.overlap


@pytest.mark.parametrize(("seconds", "whole"), [(-1, False), (60, False), (61, True)])
def test_a_checkpoint_in_the_sources_future_is_not_believed(seconds: int, whole: bool) -> None:
    known = Checkpoint(connection="c", stream="ticket", scope="A", at=NOON)
    told = NOON - timedelta(seconds=seconds)
    window = plan.window(STREAM, known, policy(NOON + HOUR), source_time=told)
    assert (window.since is None) is whole


def test_a_census_that_was_taken_in_the_future_is_taken_again() -> None:
    ahead = Checkpoint(connection="c", stream="ticket", scope="A", at=NOON, swept_at=NOON + HOUR)
    assert plan.sweep_is_due(STREAM, {"A": ahead}, policy(NOON))
    assert not plan.sweep_is_due(STREAM, {"A": ahead}, policy(NOON + HOUR))


@pytest.mark.parametrize(
    ("told", "begins"),
    [
        (None, NOON),
        (NOON + DAY, NOON),
        (NOON - timedelta(seconds=59), NOON),  # the same time: seconds are cut off, answers travel
        (NOON - timedelta(seconds=61), NOON - timedelta(seconds=61)),
        (NOON - DAY, NOON - DAY),
    ],
)
def test_a_run_begins_by_the_clock_that_is_behind(told: datetime | None, begins: datetime) -> None:
    assert plan.beginning(policy(NOON), told) == begins
