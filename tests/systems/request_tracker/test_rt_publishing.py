"""What is written back: comments, a custom field, conflicts and refusals."""

from __future__ import annotations

from dataclasses import replace

import pytest

from itpm_sync.connector import Observed, Target
from itpm_sync.errors import ConnectionFailed, NotFound, PreconditionFailed, RequestRejected
from tests.connectors.request_tracker import rt_status
from tests.systems.request_tracker.desk import Connect, Desk

MESSAGE = replace(
    rt_status.MESSAGE,
    name="Network refresh – Zürich",
    findings=("Contract C-7 ends\nStatus: green",),
    report_url=None,
)


def target(number: str, field: str) -> Target:
    return Target("desk", "NET", number, field)


def test_a_comment_is_written_once_and_found_again(desk: Desk, connect: Connect) -> None:
    publisher = connect().publisher()
    number = desk.create()
    place = target(number, "comment")
    content = publisher.render(place, MESSAGE)
    assert "Status: green" not in content.splitlines()
    empty = publisher.observe(place, "itpm:net:1", None)
    assert empty == Observed(None)
    written = publisher.write(place, content, "itpm:net:1", empty)
    assert written.content == content
    assert publisher.observe(place, "itpm:net:1", written.remote_id) == written
    assert publisher.observe(place, "itpm:net:2", None) == Observed(None)
    assert desk.ask("GET", f"ticket/{number}").json()["Status"] == "new"


def test_a_changed_status_is_a_new_comment_and_the_newest_counts(
    desk: Desk, connect: Connect
) -> None:
    publisher = connect().publisher()
    place = target(desk.create(), "comment")
    first = publisher.write(place, "green", "itpm:net:1", Observed(None))
    second = publisher.write(place, "amber", "itpm:net:1", first)
    assert second.remote_id != first.remote_id
    assert publisher.observe(place, "itpm:net:1", first.remote_id) == second
    with pytest.raises(PreconditionFailed):
        publisher.write(place, "red", "itpm:net:1", first)


def test_a_custom_field_is_written_and_read_back(desk: Desk, connect: Connect) -> None:
    publisher = connect(status_field="Project Status").publisher()
    place = target(desk.create(), "custom_field")
    content = publisher.render(place, MESSAGE)
    assert content == "AMBER on 2026-11-20: cost 8 % over"
    empty = publisher.observe(place, "m", None)
    assert empty.content is None
    written = publisher.write(place, content, "m", empty)
    assert written.content == content
    assert publisher.observe(place, "m", None) == written


def test_a_persons_edit_of_the_field_is_a_conflict(desk: Desk, connect: Connect) -> None:
    publisher = connect(status_field="Project Status").publisher()
    number = desk.create()
    place = target(number, "custom_field")
    written = publisher.write(place, "green", "m", publisher.observe(place, "m", None))
    desk.put(number, CustomFields={"Project Status": "by a person"})
    with pytest.raises(PreconditionFailed, match="no longer as expected"):
        publisher.write(place, "amber", "m", written)
    assert publisher.observe(place, "m", written.remote_id).content == "by a person"


def test_an_edit_elsewhere_on_the_ticket_is_no_conflict(desk: Desk, connect: Connect) -> None:
    publisher = connect(status_field="Project Status").publisher()
    number = desk.create()
    place = target(number, "custom_field")
    written = publisher.write(place, "green", "m", publisher.observe(place, "m", None))
    desk.put(number, Subject="another subject")
    assert publisher.write(place, "amber", "m", written).content == "amber"


def test_a_refused_value_is_raised_with_rts_own_words(desk: Desk, connect: Connect) -> None:
    publisher = connect(status_field="Category").publisher()
    place = target(desk.create(), "custom_field")
    with pytest.raises(RequestRejected, match="Invalid value for custom field"):
        publisher.write(place, "amber", "m", publisher.observe(place, "m", None))


def test_a_field_that_the_ticket_does_not_have_is_raised(desk: Desk, connect: Connect) -> None:
    publisher = connect(status_field="No such field").publisher()
    with pytest.raises(ConnectionFailed, match="shows no custom field 'No such field'"):
        publisher.observe(target(desk.create(), "custom_field"), "m", None)


def test_a_ticket_that_is_gone_is_not_found(desk: Desk, connect: Connect) -> None:
    publisher = connect().publisher()
    deleted, keep, merged = desk.create(), desk.create(), desk.create()
    desk.ask("DELETE", f"ticket/{deleted}")
    desk.put(merged, MergeInto=int(keep))
    for number, reason in (("999999", "404"), (deleted, "deleted"), (merged, f"into {keep}")):
        with pytest.raises(NotFound, match=reason):
            publisher.observe(target(number, "comment"), "m", None)
