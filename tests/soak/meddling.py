"""A Jira sandbox that is meddled with: at the n-th request from now something happens, a fault of
the wire, an answer that is wrong, or a change by somebody else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from connectors.jira.sandbox import JiraSandbox
from connectors.jira.sandbox_http import Reply
from itpm_sync.connector import Faults

ON_THE_WIRE = (
    "429", "429-date", "500", "503", "timeout-before", "timeout-after", "reset", "truncate",
    "html", "401", "403",
)  # fmt: skip
IN_THE_ANSWER = ("malformed", "repeated token", "higher total", "lower total")

Op = tuple[Any, ...]
Event = str | Op


class MeddledSandbox(JiraSandbox):
    """A sandbox in which something happens at the n-th request from `meet` on."""

    def __init__(self, flavour: str) -> None:
        super().__init__(flavour)
        self._events: dict[int, Event] = {}
        self._act: Callable[[Op], None] = lambda _: None
        self.asked = 0

    def meet(self, events: Mapping[int, Event], act: Callable[[Op], None]) -> None:
        """What happens at which request; `act` carries out changes. An empty plan is quiet."""
        with self._lock:
            self._events, self._act, self.asked = dict(events), act, 0
            self.set_faults(Faults())

    def serve(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """One request and what it meets."""
        with self._lock:
            event = self._events.pop(self.asked, None)
            self.asked += 1
            if isinstance(event, tuple):
                self._act(event)
            elif event in ON_THE_WIRE:
                self.set_faults(Faults(fail_next=(event,)))
            reply = super().serve(method, target, headers, body)
            if event in IN_THE_ANSWER and reply.status == 200:
                _damage(event, reply, body)
            return reply


def _damage(how: str, reply: Reply, request: bytes) -> None:
    if how == "malformed":
        reply.body = reply.body[:-1] + b",}"
        return
    answer = orjson.loads(reply.body)
    if not isinstance(answer, dict):
        return
    if how == "repeated token":
        token = answer.get("nextPageToken") or orjson.loads(request or b"{}").get("nextPageToken")
        if token and "nextPageToken" in answer | orjson.loads(request or b"{}"):
            answer |= {"nextPageToken": token, "isLast": False}
    for name in ("total", "count"):
        if isinstance(answer.get(name), int):
            answer[name] = max(answer[name] + (2 if how == "higher total" else -1), 0)
    reply.body = orjson.dumps(answer)
