"""What a connector writes: found again, never twice, and never unseen over a person's edit."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import date

import pytest

from itpm_sync.connector import Connector, Observed, Publisher, StatusMessage, Target
from itpm_sync.errors import ItpmError, NotFound
from itpm_sync.testing.contract.worlds import HOSTILE_TITLES, ContractWorld, PublishWorld
from itpm_sync.testing.wire import Wire

MARK = "itpm-sync:contract"
STATUS = StatusMessage(
    project="NET", name="Network refresh", data_date=date(2026, 3, 6), rating="amber",
    reason="Cost is 12 % over plan", previous_rating="green",
    ratings=(("cost", "red", "CPI 0.89"), ("time", "green", "")),
    figures=(("CPI", "0.89"), ("EAC", "n/a (nothing earned yet)")),
    findings=HOSTILE_TITLES, findings_total=14, report_url="https://reports.example/net.html",
)  # fmt: skip


class Publishing:
    """What is published stands there once, as it was rendered."""

    def test_what_is_published_stands_there_as_rendered_and_is_found_again(
        self, world: ContractWorld, connector: Connector
    ) -> None:
        for publisher, target, hands in _targets(world, connector):
            assert publisher.validate_address(target.address) is None
            assert publisher.validate_address("") is not None
            content = publisher.render(target, STATUS)
            assert content == publisher.render(target, STATUS)
            written = _publish(publisher, target)
            assert written.content == content
            # Unchanged: what is observed says so, and looking writes nothing.
            assert publisher.observe(target, MARK, written.remote_id) == written
            assert publisher.observe(target, MARK, None) == written
            assert hands.written(target.address, target.field) == 1

    def test_a_persons_edit_of_a_published_field_is_seen(
        self, world: ContractWorld, connector: Connector
    ) -> None:
        for publisher, target, hands in _targets(world, connector):
            assert (target.field in hands.edit) != bool(hands.fixed.get(target.field))
            if target.field in hands.edit:
                written = _publish(publisher, target)
                hands.edit[target.field](target.address, written)
                now = publisher.observe(target, MARK, written.remote_id)
                assert now.content != written.content

    def test_a_lost_answer_to_a_write_leads_to_no_second_one(
        self, world: ContractWorld, connector: Connector, wire: Wire
    ) -> None:
        """Each answer in turn is lost; the next run looks, and writes only if nothing is there."""
        world.needs("publishing", "wire")
        for number in itertools.count():
            lost = False
            for publisher, target, hands in _targets(world, connector):
                with wire.losing(number):
                    try:
                        _publish(publisher, target)
                    except ItpmError as error:
                        assert "\n" not in str(error)  # noqa: PT017 — it need not raise
                lost = lost or wire.asked > number
                if publisher.observe(target, MARK, None).content is None:
                    _publish(publisher, target)
                now = publisher.observe(target, MARK, None)
                assert now.content == publisher.render(target, STATUS)
                assert hands.written(target.address, target.field) == 1
            if not lost:
                assert number > 1
                break

    def test_publishing_to_what_is_gone_is_not_found(
        self, world: ContractWorld, connector: Connector
    ) -> None:
        world.needs("delete")
        assert world.delete is not None
        for publisher, target, _ in _targets(world, connector):
            world.delete(target.address)
            with pytest.raises(NotFound):
                publisher.observe(target, MARK, None)


def _targets(
    world: ContractWorld, connector: Connector
) -> Iterator[tuple[Publisher, Target, PublishWorld]]:
    """Each field that the connector publishes, at an object of its own."""
    world.needs("publishing")
    publisher, hands = connector.publisher(), world.publishing
    assert publisher is not None
    assert hands is not None
    assert publisher.fields == connector.info.publishes
    for name in publisher.fields:
        yield publisher, Target("contract", STATUS.project, hands.address(), name), hands


def _publish(publisher: Publisher, target: Target) -> Observed:
    now = publisher.observe(target, MARK, None)
    assert now.content is None
    return publisher.write(target, publisher.render(target, STATUS), MARK, now)
