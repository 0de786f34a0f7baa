"""The connector contract's world on a Request Tracker, simulated or real: all of it by REST2."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from connectors.request_tracker.connector import RequestTrackerConnector, RequestTrackerSettings
from itpm_sync.connector import Context
from itpm_sync.testing import ContractWorld

QUEUES = ("Helpdesk", "Procurement")
NOBODY = "http://127.0.0.1:9"  # the discard port: nothing listens there


@dataclass(frozen=True)
class People:
    """What people do to tickets."""

    url: str
    token: str

    def ask(self, method: str, path: str, status: int, body: Any = None) -> Any:
        """One request that must be answered with `status`."""
        answer = requests.request(
            method, f"{self.url}/REST/2.0/{path}", json=body, timeout=30,
            headers={"Authorization": f"token {self.token}"},
        )  # fmt: skip
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    def create(self, queue: str, title: str) -> str:
        """A new ticket; its number."""
        body = {"Queue": queue, "Subject": title, "Requestor": "bob@example.org"}
        return str(self.ask("POST", "ticket", 201, body)["id"])

    def change(self, number: str, **fields: Any) -> None:
        """Changes a ticket's fields; RT's messages must speak of a change."""
        assert self.ask("PUT", f"ticket/{number}", 200, fields)

    def delete(self, number: str) -> None:
        """Marks a ticket deleted."""
        self.ask("DELETE", f"ticket/{number}", 204)


def rt_world(url: str, token: str, *, time_entries: bool) -> ContractWorld:
    """Two queues of a server that holds tickets of others too."""
    people = People(url, token)

    def connector(to: str = url, **settings: Any) -> RequestTrackerConnector:
        given = {
            "url": to,
            "auth": {"token": token},
            "queues": QUEUES,
            "time_entries": time_entries,
        }
        context = Context(Path(), attempts=2, timeout_s=30)
        made = RequestTrackerConnector(
            "desk", RequestTrackerSettings.model_validate({**given, **settings}), context
        )
        made.client.page_size = 10
        return made

    return ContractWorld(
        connector=connector,
        stream="ticket",
        create=people.create,
        title_of=lambda body: str(body["Subject"]),
        edit=lambda number, title: people.change(number, Subject=title),
        delete=people.delete,
        move=lambda number, queue: people.change(number, Queue=queue),
        offline=lambda: connector(NOBODY),
        stored=lambda title: title.replace("\n", ""),
    )
