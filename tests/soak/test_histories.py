"""Histories that the state machine found or that its promise was broken by, each by its name."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from connectors.jira.publish import JiraPublisher
from itpm_sync.publish import Action
from tests.soak.jira_world import JiraWorld


@pytest.fixture(params=["cloud", "datacenter"])
def world(request: pytest.FixtureRequest) -> Iterator[JiraWorld]:
    made = JiraWorld(request.param)
    yield made
    made.close()


def test_what_was_changed_while_it_could_not_be_seen_between_two_sweeps_is_read(
    world: JiraWorld,
) -> None:
    world.settle()
    world.site.apply(("hide", 1))
    world.site.apply(("edit", 1, 2))
    for _ in range(2):  # these runs advance the checkpoint beyond the edit
        world.site.wait(timedelta(minutes=15))
        world.run()
    world.site.apply(("show", 1))
    world.settle()


def test_what_comes_to_be_seen_while_another_project_cannot_be_listed_is_read(
    world: JiraWorld,
) -> None:
    world.site.apply(("hide project", "A"))
    world.site.apply(("hide", 1))  # an issue of B, edited and never seen so far
    world.site.apply(("edit", 1, 2))
    for _ in range(2):
        world.site.wait(timedelta(minutes=15))
        world.run(sweep=True)
    world.site.apply(("show", 1))
    world.settle()


@pytest.mark.parametrize("killed_at", range(4, 9))
def test_a_first_comment_whose_run_was_killed_and_that_a_person_then_edited_stays_as_it_is(
    world: JiraWorld, killed_at: int
) -> None:
    world.publish("one", kill=("before", killed_at))
    world.person_edits_comment(delete=False)
    world.publish("two")
    world.settle_published()


def test_two_writes_in_a_row_that_were_interrupted_are_not_taken_for_a_persons(
    world: JiraWorld,
) -> None:
    world.publish("one")
    for first in range(2, 12):
        down = {first: "500", first + 1: "500", first + 2: "500"}
        world.publish("two", {**down, first: "timeout-after"})
        world.publish("three", down)
        world.publish("one", down)
        world.settle_published()


def test_a_record_that_was_listed_but_gone_is_no_longer_quarantined_after_the_next_sweep(
    world: JiraWorld,
) -> None:
    world.settle()
    world.site.apply(("create", "A"))
    world.site.sandbox.set_index_lag(290)
    world.site.apply(("delete", 8))
    world.run()
    world.settle()


def test_what_somebody_deleted_is_written_again_on_request_though_the_status_is_the_same(
    world: JiraWorld,
) -> None:
    world.publish("one")
    world.person_edits_comment(delete=True)
    assert world.publish("one") == dict.fromkeys(JiraPublisher.fields, Action.SKIP)
    assert world.publish("one", take_over=True)["comment"] is Action.CREATE
    world.settle_published()


def test_what_moves_away_hides_or_is_deleted_is_marked_with_what_jira_says_of_it(
    world: JiraWorld,
) -> None:
    world.settle()
    issues = [str(i) for i in world.site.sandbox.state.issues]
    world.site.apply(("move", 1, "OUT"))
    world.site.apply(("hide", 2))
    world.site.apply(("delete", 3))
    world.run(sweep=True)
    assert world.absent() == {
        ("issue", issues[1]): "moved",
        ("issue", issues[2]): "hidden",
        ("issue", issues[3]): "hidden",
    }
    world.site.apply(("show", 2))
    world.site.apply(("move", 1, "A"))
    world.settle()
    assert world.absent() == {("issue", issues[3]): "hidden"}


def test_what_moved_away_and_back_while_the_index_lags_is_not_marked(world: JiraWorld) -> None:
    world.settle()
    issue = list(world.site.sandbox.state.issues)[1]
    world.site.sandbox.set_index_lag(290)
    world.site.apply(("move", 1, "OUT"))
    world.site.wait(timedelta(minutes=4))
    world.site.apply(("move", 1, "A"))
    world.site.wait(timedelta(minutes=1))  # the index knows of the first move only
    world.run(sweep=True)
    assert ("issue", str(issue)) not in world.absent()
    world.settle()


def test_refused_boards_mark_no_sprint_and_are_told(world: JiraWorld) -> None:
    world.site.apply(("sprint", "A"))
    world.settle()
    world.site.apply(("refuse boards",))
    result = world.run(sweep=True)
    assert result is not None
    assert result.state == "partial"
    assert "the boards of A cannot be read" in result.message
    assert world.absent() == {}
    world.site.apply(("hide board", "A"))
    world.site.apply(("permit boards",))
    result = world.run(sweep=True)
    assert result is not None
    assert result.state == "safety_stop", "an account that lost a right is shown an empty list"
    assert world.absent() == {}
    world.settle()
    assert list(world.absent().values()) == ["hidden"]


def test_a_site_restored_from_a_backup_is_equal_after_a_full_run_though_ids_are_reused(
    world: JiraWorld,
) -> None:
    for op in [("log", 2, 7), ("back up",), ("edit", 0, 1), ("move", 1, "B"), ("log", 2, 5),
               ("create", "A"), ("delete", 3), ("sprint", "A")]:  # fmt: skip
        world.site.apply(op)
    world.settle()
    world.site.apply(("restore",))
    world.site.apply(("create", "B"))  # takes the id of what was created in A
    world.settle()


def test_a_site_whose_clock_is_set_back_is_read_again_without_being_asked_to(
    world: JiraWorld,
) -> None:
    world.site.apply(("edit", 0, 1))
    world.settle()
    world.site.apply(("set back", 180))
    world.site.apply(("edit", 0, 2))
    world.site.apply(("edit", 1, 2))
    world.settle()
    world.site.apply(("edit", 1, 3))
    world.site.wait(timedelta(hours=3))
    world.settle()


def test_a_clock_that_is_set_back_while_a_run_is_at_work_hides_no_change(
    world: JiraWorld,
) -> None:
    for at in (0, 3, 6):
        world.site.apply(("edit", 0, 1))
        world.run({at: ("set back", 20), at + 1: ("edit", 0, 2)})
        world.settle()


@pytest.mark.parametrize("marked", [False, True])
def test_what_was_changed_unseen_and_is_shown_to_one_request_of_a_sweep_only_is_read_in_the_end(
    world: JiraWorld, marked: bool
) -> None:
    world.settle()
    for shown_at in range(5, 8):
        world.site.apply(("hide", 1))
        world.site.apply(("edit", 1, shown_at))
        for _ in range(2):  # the checkpoint advances beyond the edit
            world.site.wait(timedelta(minutes=15))
            world.run(sweep=marked)
        world.run({shown_at: ("show", 1), shown_at + 1: ("hide", 1)}, sweep=True)
        world.site.apply(("show", 1))
        world.settle()
