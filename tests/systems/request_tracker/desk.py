"""What people do on a Request Tracker, and what a connector gives of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import requests
import yaml

from connectors.request_tracker.connector import RequestTrackerConnector
from itpm_sync.connector import RawRecord, Window
from itpm_sync.mapping import compile_mapping
from itpm_sync.model import Record


@dataclass(frozen=True)
class Desk:
    """A server and what people do on it, over REST2 as user `sync`."""

    url: str
    tokens: dict[str, str]

    def ask(self, method: str, path: str, **options: Any) -> requests.Response:
        headers = {"Authorization": f"token {self.tokens['sync']}", **options.pop("headers", {})}
        return requests.request(
            method, f"{self.url}/REST/2.0/{path}", headers=headers, timeout=30, **options
        )

    def create(self, subject: str = "Printer jams", **fields: Any) -> str:
        body = {"Queue": "Helpdesk", "Subject": subject, "Requestor": "bob@example.org", **fields}
        answer = self.ask("POST", "ticket", json=body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def put(self, number: str, **fields: Any) -> list[str]:
        answer = self.ask("PUT", f"ticket/{number}", json=fields)
        assert answer.status_code == 200, answer.text
        return list(answer.json())

    def stamp(self, number: str) -> datetime:
        return datetime.fromisoformat(self.ask("GET", f"ticket/{number}").json()["LastUpdated"])

    def found(self, query: str, **options: Any) -> dict[str, Any]:
        params = {"query": query, "orderby": "id", **options}
        return dict(self.ask("GET", "tickets", params=params).json())


Connect = Callable[..., RequestTrackerConnector]


def pull(connector: RequestTrackerConnector, since: datetime | None = None) -> dict[str, RawRecord]:
    window = Window(since, datetime.now(UTC))
    (stream,) = connector.streams()
    return {
        record.source_id: record
        for partition in connector.partitions(stream, window)
        for page in connector.fetch(stream, partition, window)
        for record in page.records
    }


def census(connector: RequestTrackerConnector, queue: str = "Helpdesk") -> set[str]:
    (stream,) = connector.streams()
    return {number for batch in connector.census(stream, queue) for number in batch}


def mapped(connector: RequestTrackerConnector, raw: RawRecord) -> tuple[Record, ...]:
    data = yaml.safe_load(connector.mapping_file.read_text())
    result = compile_mapping(data, connector.variables()).apply("desk", "ticket", raw)
    assert result.problems == ()
    return result.records
