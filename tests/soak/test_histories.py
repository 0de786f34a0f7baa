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
    world.apply(("hide", 1))
    world.apply(("edit", 1, 2))
    for _ in range(2):  # these runs advance the checkpoint beyond the edit
        world.wait(timedelta(minutes=15))
        world.run()
    world.apply(("show", 1))
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
    world.apply(("create", "A"))
    world.sandbox.set_index_lag(290)
    world.apply(("delete", 8))
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
