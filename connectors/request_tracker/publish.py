"""Writes a project's status into Request Tracker: an internal comment, or a custom field.

A comment in RT cannot be edited, so that a changed status is a new comment, and the newest one with
our mark in its subject is what stands there. It is a Comment, never a reply: customers do not see
it. RT answers 200 to a refused change, so that every write is read back.
"""

from __future__ import annotations

import re
from typing import Any, ClassVar

from connectors.request_tracker.client import RequestTrackerClient
from itpm_sync.connector import Observed, StatusMessage, Target
from itpm_sync.errors import (
    ConnectionFailed,
    NotFound,
    PreconditionFailed,
    RequestRejected,
)

FIELD_LIMIT = 255  # RT moves longer values elsewhere, where it cannot compare or clear them
_OURS = re.compile(r"(GREEN|AMBER|RED|GREY) on \d{4}-\d{2}-\d{2}: ")
_ATTEMPTS = 3  # at a ticket that other people change meanwhile


class RequestTrackerPublisher:
    """The Publisher of a connection; an address is a ticket's number."""

    fields: ClassVar[tuple[str, ...]] = ("comment", "custom_field")

    def __init__(self, client: RequestTrackerClient, status_field: str) -> None:
        self.client, self.status_field = client, status_field

    def validate_address(self, address: str) -> str | None:
        """What is wrong with an address, or None."""
        if address.isascii() and address.isdigit() and int(address) > 0:
            return None
        return f"expected the number of a ticket, such as 42, found {address!r}"

    def render(self, target: Target, message: StatusMessage) -> str:
        """A comment of several lines, or one line of at most 255 characters."""
        if target.field == "custom_field":
            return _cut(_line(f"{_headline(message)}: {message.reason}"))
        return _comment_text(message)

    def observe(self, target: Target, mark: str, remote_id: str | None) -> Observed:
        """The newest comment with our mark, or the custom field's value, which has no place for a
        mark. Raises PreconditionFailed for a value that we never wrote and that does not read as
        if we had (an interrupted write, an earlier store)."""
        ticket, _ = self._ticket(target)
        if target.field == "custom_field":
            found = self._field(ticket, target)
            if remote_id is None and found.content and not _OURS.match(found.content):
                raise PreconditionFailed(
                    f"{self.status_field} of ticket {target.address} holds what we did not write; "
                    "clear it, or publish elsewhere"
                )
            return found
        # A later comment of ours replaces the one that is known.
        return self._newest_comment(target, mark)

    def write(self, target: Target, content: str, mark: str, current: Observed) -> Observed:
        """Adds a comment or sets the field, unless it is no longer `current`."""
        if target.field == "custom_field":
            return self._write_field(target, content, current)
        if self.observe(target, mark, None) != current:
            raise PreconditionFailed(f"ticket {target.address}: the status comment has changed")
        self.client.comment(target.address, subject_of(mark), content)
        return self.observe(target, mark, None)

    # ---- one ticket -----------------------------------------------------------------------------

    def _ticket(self, target: Target) -> tuple[dict[str, Any], str]:
        ticket, etag = self.client.ticket(target.address)
        if str(ticket.get("id")) != target.address:
            raise NotFound(
                f"ticket {target.address} was merged into {ticket.get('id')}: "
                "correct the address in the configuration"
            )
        if ticket.get("Status") == "deleted":
            raise NotFound(f"ticket {target.address} was deleted")
        return ticket, etag

    def _newest_comment(self, target: Target, mark: str) -> Observed:
        subject = subject_of(mark)
        ours = [
            line
            for line in self.client.comments(target.address, subject)
            if str(line.get("Data", "")).strip() == subject
        ]
        if not ours:
            return Observed(None)
        return Observed(_normal(self.client.text_of(ours[-1])), str(ours[-1]["id"]))

    def _field(self, ticket: dict[str, Any], target: Target) -> Observed:
        if not self.status_field:
            raise ConnectionFailed(
                f"{target.connection} is to publish into a custom field but names none",
                advice="set `status_field` of the connection to the custom field's name",
            )
        for custom in ticket.get("CustomFields") or ():
            if custom.get("name") == self.status_field:
                value = "\n".join(str(v) for v in custom.get("values") or ())
                return Observed(value or None, str(custom.get("id")))
        raise ConnectionFailed(
            f"ticket {target.address} shows no custom field {self.status_field!r}",
            advice="apply the field to the ticket's queue and grant SeeCustomField",
        )

    def _write_field(self, target: Target, content: str, current: Observed) -> Observed:
        """Sets the field; a change of anything else on the ticket meanwhile does not matter."""
        expected = {current.content}
        for _ in range(_ATTEMPTS):
            ticket, etag = self._ticket(target)
            found = self._field(ticket, target)
            if found.content not in expected:
                raise PreconditionFailed(
                    f"ticket {target.address}: {self.status_field} is no longer as expected"
                )
            if found.content == content:
                return found
            changes = {"CustomFields": {self.status_field: content}}
            try:
                messages = self.client.update(target.address, changes, etag)
            except PreconditionFailed:
                # Either somebody changed the ticket, or our own answer was lost and we asked again.
                expected = {current.content, content}
                continue
            return self._read_back(target, content, messages)
        raise PreconditionFailed(f"ticket {target.address} changes faster than we can write to it")

    def _read_back(self, target: Target, content: str, messages: list[str]) -> Observed:
        found = self._field(self._ticket(target)[0], target)
        if found.content != content:
            reason = "; ".join(messages) or "no reason given"
            raise RequestRejected(
                f"ticket {target.address}: RT did not set {self.status_field}: {reason}",
                status=200,
                advice="grant ModifyCustomField, and let the field take free text",
            )
        return found


def subject_of(mark: str) -> str:
    """The subject under which our comment is found again."""
    return f"Project status [{mark}]"


def _headline(message: StatusMessage) -> str:
    return f"{message.rating.upper()} on {message.data_date.isoformat()}"


def _comment_text(message: StatusMessage) -> str:
    before = f" (before: {message.previous_rating})" if message.previous_rating else ""
    lines = [f"{message.name}: {_headline(message)}{before}", message.reason, ""]
    lines += [f"{name}: {colour} - {reason}" for name, colour, reason in message.ratings]
    lines += ["", *(f"{label}: {text}" for label, text in message.figures)]
    if message.findings_total:
        lines += ["", f"Findings: {message.findings_total}"]
        lines += [f"- {finding}" for finding in message.findings]
    if message.report_url:
        lines += ["", f"Report: {message.report_url}"]
    return _normal("\n".join(_line(line) for line in lines))


def _line(text: str) -> str:
    """One line: a line break inside a title cannot make up another line."""
    return " ".join(text.split())


def _cut(text: str) -> str:
    return text if len(text) <= FIELD_LIMIT else text[: FIELD_LIMIT - 1].rstrip() + "…"


def _normal(text: str) -> str:
    """Without what RT or a mail agent may change: line ends, blanks at the end."""
    return "\n".join(line.rstrip() for line in text.splitlines()).strip("\n")
