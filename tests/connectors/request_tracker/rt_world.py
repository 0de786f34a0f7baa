"""The connector contract's world on a Request Tracker, simulated or real: all of it by REST2."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from connectors.request_tracker.connector import RequestTrackerConnector, RequestTrackerSettings
from itpm_sync.connector import Context, Observed
from itpm_sync.testing import ContractWorld, PublishWorld

QUEUES = ("Helpdesk", "Procurement")
STATUS_FIELD = "Project Status"
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

    def written(self, number: str, field: str) -> int:
        """How many comments there are, or changes of a custom field, by the ticket's history."""
        kind = {"comment": "Comment", "custom_field": "CustomField"}[field]
        path = f"ticket/{number}/history?fields=Type&per_page=100"
        return [line["Type"] for line in self.ask("GET", path, 200)["items"]].count(kind)

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
            "status_field": STATUS_FIELD,
        }
        context = Context(Path(), attempts=2, timeout_s=30)
        made = RequestTrackerConnector(
            "desk", RequestTrackerSettings.model_validate({**given, **settings}), context
        )
        made.client.page_size = 20
        return made

    def overwrite(number: str, _: Observed) -> None:
        people.change(number, CustomFields={STATUS_FIELD: "a person's words"})

    return ContractWorld(
        connector=connector,
        stream="ticket",
        create=people.create,
        title_of=lambda body: str(body["Subject"]),
        edit=lambda number, title: people.change(number, Subject=title),
        delete=people.delete,
        move=lambda number, queue: people.change(number, Queue=queue),
        offline=lambda: connector(NOBODY),
        astray=lambda: connector(queues=("Nowhere",)),
        cannot={
            "hide": "REST2 grants no rights; a stranger's 403 is measured by the specification"
        },
        publishing=PublishWorld(
            address=lambda: people.create("Helpdesk", "Status of the project"),
            written=people.written,
            edit={"custom_field": overwrite},
            fixed={"comment": "nobody can edit a comment of RT"},
        ),
        secrets=(token,),
        stored=lambda title: title.replace("\n", ""),
    )
