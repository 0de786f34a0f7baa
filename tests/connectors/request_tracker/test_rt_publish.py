"""Publishing: the texts, the addresses, and writes whose answer is lost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from connectors.request_tracker.connector import RequestTrackerConnector, RequestTrackerSettings
from connectors.request_tracker.publish import FIELD_LIMIT, RequestTrackerPublisher
from connectors.request_tracker.sandbox import RequestTrackerSandbox
from itpm_sync.connector import Context, Faults, Observed, Target
from itpm_sync.errors import ConnectionFailed, PreconditionFailed, RetryableError
from tests.connectors.request_tracker.rt_status import MESSAGE

COMMENT = Target("desk", "NET", "1", "comment")
FIELD = Target("desk", "NET", "1", "custom_field")
TEXT = """\
Network refresh: AMBER on 2026-11-20 (before: green)
cost 8 % over

cost: amber - CPI 0.92
scope: green - no growth

EV: 1,200.00 EUR
EAC: n/a (CPI undefined)

Findings: 3
- error: contract C-7 Rating: green

Report: https://reports.example.org/NET.html"""


@pytest.fixture
def sandbox() -> Iterator[RequestTrackerSandbox]:
    made = RequestTrackerSandbox()
    made.desk.add_field("Project Status", "Helpdesk")
    made.create("Helpdesk")
    made.start()
    yield made
    made.stop()


@pytest.fixture
def publisher(sandbox: RequestTrackerSandbox) -> Iterator[RequestTrackerPublisher]:
    settings = RequestTrackerSettings(
        url=sandbox.base_url,
        auth={"token": "1-27-sandbox-token"},  # type: ignore[arg-type]
        queues=("Helpdesk",),
        status_field="Project Status",
    )
    connector = RequestTrackerConnector(
        "desk", settings, Context(Path(), attempts=2, timeout_s=0.4)
    )
    made = connector.publisher()
    assert isinstance(made, RequestTrackerPublisher)
    yield made
    connector.close()


def test_a_comment_says_all_and_a_title_cannot_make_up_a_line(
    publisher: RequestTrackerPublisher,
) -> None:
    assert publisher.render(COMMENT, MESSAGE) == TEXT
    assert publisher.render(COMMENT, MESSAGE) == publisher.render(COMMENT, replace(MESSAGE))


def test_a_field_is_one_line_that_rt_can_keep(publisher: RequestTrackerPublisher) -> None:
    assert publisher.render(FIELD, MESSAGE) == "AMBER on 2026-11-20: cost 8 % over"
    long = publisher.render(FIELD, replace(MESSAGE, reason="a\n" * 400))
    assert len(long) == FIELD_LIMIT
    assert long.endswith("…")
    assert "\n" not in long


@pytest.mark.parametrize("address", ["", "0", "-1", "NET-1", "4 2", "٤٢", "1/../2"])
def test_an_address_that_is_no_ticket_number_is_refused(
    publisher: RequestTrackerPublisher, address: str
) -> None:
    assert "number of a ticket" in str(publisher.validate_address(address))


def test_a_ticket_number_is_an_address(publisher: RequestTrackerPublisher) -> None:
    assert publisher.validate_address("42") is None


def test_a_lost_answer_to_a_comment_is_not_repeated_and_found_again(
    sandbox: RequestTrackerSandbox, publisher: RequestTrackerPublisher
) -> None:
    # GET ticket and GET history answer; the POST acts and its answer is lost.
    sandbox.set_faults(Faults(fail_next=("", "", "timeout-after")))
    with pytest.raises(RetryableError):
        publisher.write(COMMENT, TEXT, "m", Observed(None))
    sandbox.set_faults(Faults())
    assert publisher.observe(COMMENT, "m", None).content == TEXT
    written = [line for line in sandbox.desk.history if line.type == "Comment"]
    assert len(written) == 1


def test_a_lost_answer_to_a_field_is_seen_to_have_acted(
    sandbox: RequestTrackerSandbox, publisher: RequestTrackerPublisher
) -> None:
    # The PUT acts, its answer is lost; repeated, its ETag is stale: 412, yet our text stands there.
    sandbox.set_faults(Faults(fail_next=("", "timeout-after")))
    written = publisher.write(FIELD, "amber", "m", Observed(None, "1"))
    assert written.content == "amber"
    assert [t.new for t in sandbox.desk.history if t.type == "CustomField"] == ["amber"]


def test_an_edit_between_look_and_write_is_a_conflict(
    sandbox: RequestTrackerSandbox,
    publisher: RequestTrackerPublisher,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ask = publisher.client.ticket

    def then_edited(number: str) -> object:
        answer = ask(number)
        monkeypatch.setattr(publisher.client, "ticket", ask)
        sandbox.edit(1, CustomFields={"Project Status": "a person"})
        return answer

    monkeypatch.setattr(publisher.client, "ticket", then_edited)
    with pytest.raises(PreconditionFailed):
        publisher.write(FIELD, "amber", "m", Observed(None, "1"))
    assert publisher.observe(FIELD, "m", "1").content == "a person"


def test_a_ticket_that_never_rests_is_given_up(
    sandbox: RequestTrackerSandbox,
    publisher: RequestTrackerPublisher,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ask = publisher.client.ticket

    def busy(number: str) -> object:
        answer = ask(number)
        sandbox.edit(1, Priority=str(len(sandbox.desk.history)))
        return answer

    monkeypatch.setattr(publisher.client, "ticket", busy)
    with pytest.raises(PreconditionFailed, match="faster than we can write"):
        publisher.write(FIELD, "amber", "m", Observed(None, "1"))


def test_the_same_subject_by_a_person_with_more_words_is_not_ours(
    sandbox: RequestTrackerSandbox, publisher: RequestTrackerPublisher
) -> None:
    with sandbox.lock:
        sandbox.desk.message(
            sandbox.desk.tickets[1], "Comment", "bob",
            subject="Re: Project status [m]", content="I disagree",
        )  # fmt: skip
    assert publisher.observe(COMMENT, "m", None) == Observed(None)


def test_a_field_without_a_configured_name_is_raised_with_advice(
    publisher: RequestTrackerPublisher,
) -> None:
    nameless = RequestTrackerPublisher(publisher.client, "")
    with pytest.raises(ConnectionFailed, match="set `status_field`"):
        nameless.observe(FIELD, "m", None)


def test_a_field_that_a_person_filled_before_us_is_not_overwritten(
    publisher: RequestTrackerPublisher, sandbox: RequestTrackerSandbox
) -> None:
    sandbox.edit(1, CustomFields={"Project Status": "on hold, says Ana"})
    with pytest.raises(PreconditionFailed, match="holds what we did not write"):
        publisher.observe(FIELD, "mark", None)
    ours = publisher.render(FIELD, MESSAGE)
    sandbox.edit(1, CustomFields={"Project Status": ours})  # an interrupted write of ours
    assert publisher.observe(FIELD, "mark", None).content == ours
