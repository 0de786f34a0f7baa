"""The Request Tracker connector keeps the connector contract, on the sandbox."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest

from connectors.request_tracker.connector import RequestTrackerConnector
from connectors.request_tracker.publish import RequestTrackerPublisher, subject_of
from connectors.request_tracker.sandbox import RequestTrackerSandbox
from itpm_sync.connector import (
    Connector,
    Context,
    Observed,
    Partition,
    Stream,
    Target,
    Window,
)
from itpm_sync.errors import ConnectionFailed, ItpmError, RetryableError
from itpm_sync.testing import ConnectorContract, ContractWorld
from itpm_sync.testing.wire import Wire
from tests.connectors.request_tracker.rt_world import QUEUES, rt_world


@pytest.fixture
def sandbox() -> Iterator[RequestTrackerSandbox]:
    made = RequestTrackerSandbox()
    for queue in QUEUES:
        made.desk.add_field("Project Status", queue)
        made.create(queue, Subject="there before")
    made.start()
    yield made
    made.stop()


class TestRequestTracker(ConnectorContract):
    @pytest.fixture
    def world(self, sandbox: RequestTrackerSandbox) -> ContractWorld:
        return rt_world(sandbox.base_url, next(iter(sandbox.tokens)), time_entries=True)


# ---- connectors that break a promise on the wire, and the test that says so ---------------------


class WritesOverAnything(RequestTrackerPublisher):
    """Asks for a comment again when its answer is lost."""

    def write(self, target: Target, content: str, mark: str, current: Observed) -> Observed:
        try:
            return super().write(target, content, mark, current)
        except RetryableError:
            self.client.comment(target.address, subject_of(mark), content)
            return self.observe(target, mark, None)


class RemembersWhatItWrote(RequestTrackerPublisher):
    """Takes its own word for what stands there."""

    told: ClassVar[dict[Target, Observed]] = {}

    def observe(self, target: Target, mark: str, remote_id: str | None) -> Observed:
        return self.told.get(target) or super().observe(target, mark, remote_id)

    def write(self, target: Target, content: str, mark: str, current: Observed) -> Observed:
        self.told[target] = super().write(target, content, mark, current)
        return self.told[target]


class EndsTheCensusAtAFailure(RequestTrackerConnector):
    def census(self, stream: Stream, scope: str) -> Iterator[Sequence[str]]:
        with contextlib.suppress(ItpmError):
            yield from super().census(stream, scope)


class ShowsItsToken(RequestTrackerConnector):
    def partitions(self, stream: Stream, window: Window) -> Iterator[Partition]:
        try:
            yield from super().partitions(stream, window)
        except ItpmError as error:
            token = self.settings.auth.token
            assert token is not None
            raise ConnectionFailed(f"{error} with {token.get_secret_value()}") from None


def built(
    world: ContractWorld,
    kind: type[RequestTrackerConnector] = RequestTrackerConnector,
    publisher: type[RequestTrackerPublisher] = RequestTrackerPublisher,
) -> ContractWorld:
    """The world, its connector replaced by another kind or given another publisher."""

    def connector() -> Connector:
        good = world.connector()
        assert isinstance(good, RequestTrackerConnector)
        good.close()
        made = kind(good.name, good.settings, Context(Path(), attempts=1, timeout_s=30))
        made.client.page_size = 10
        published = publisher(made.client, "Project Status")
        made.publisher = lambda: published  # type: ignore[method-assign]
        return made

    return replace(world, connector=connector)


@pytest.fixture
def world(sandbox: RequestTrackerSandbox) -> ContractWorld:
    return rt_world(sandbox.base_url, next(iter(sandbox.tokens)), time_entries=False)


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    return Wire(monkeypatch)


def test_a_write_that_is_repeated_is_caught(world: ContractWorld, wire: Wire) -> None:
    broken = built(world, publisher=WritesOverAnything)
    with pytest.raises(AssertionError):
        ConnectorContract().test_a_lost_answer_to_a_write_leads_to_no_second_one(
            broken, broken.connector(), wire
        )


def test_an_edit_that_is_overlooked_is_caught(world: ContractWorld) -> None:
    broken = built(world, publisher=RemembersWhatItWrote)
    with pytest.raises(AssertionError):
        ConnectorContract().test_a_persons_edit_of_a_published_field_is_seen(
            broken, broken.connector()
        )


def test_a_census_that_ends_at_a_failure_is_caught(world: ContractWorld, wire: Wire) -> None:
    broken = built(world, EndsTheCensusAtAFailure)
    with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"):
        ConnectorContract().test_a_census_that_is_cut_short_raises(
            broken, broken.connector(), wire, "html"
        )


def test_a_secret_in_an_error_is_caught(
    world: ContractWorld, wire: Wire, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(AssertionError):
        ConnectorContract().test_a_bad_answer_is_one_clear_line_without_a_secret(
            built(world, ShowsItsToken), wire, caplog, "401"
        )


def test_a_reason_to_skip_that_is_not_true_is_caught(world: ContractWorld, wire: Wire) -> None:
    excused = replace(world, cannot={"wire": "trust us"})
    with pytest.raises(AssertionError):
        ConnectorContract().test_what_is_not_tested_is_declared_with_a_reason_and_true(
            excused, excused.connector(), wire
        )
