"""A connector on a sandbox, for tests: every exchange is validated when it is left."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from connectors.jira.connector import JiraConnector
from connectors.jira.sandbox import Exchange, JiraSandbox
from connectors.jira.settings import JiraSettings
from itpm_sync.connector import Context, Page, RawRecord, Stream, Window
from tests.connectors.jira.openapi import assert_valid, missing

FLAVOURS = ("cloud", "datacenter")
CONTEXT = Context(Path(), connections=4, timeout_s=5.0, attempts=2)


@dataclass
class JiraSite:
    """A running sandbox and how to reach it."""

    sandbox: JiraSandbox
    opened: list[JiraConnector] = field(default_factory=list)

    def settings(self, **changes: Any) -> JiraSettings:
        """Settings for all projects of the sandbox."""
        given = {k: v for k, v in self.sandbox.configuration().items() if k != "connector"}
        auth = {"token": self.sandbox.token}
        if self.sandbox.cloud:
            auth["email"] = self.sandbox.email
        return JiraSettings.model_validate({**given, "auth": auth, **changes})

    def connector(self, context: Context = CONTEXT, **changes: Any) -> JiraConnector:
        """A fresh connector: it remembers nothing of earlier reads."""
        made = JiraConnector("jira-main", self.settings(**changes), context)
        self.opened.append(made)
        return made

    def sent(self, method: str, part: str) -> list[Exchange]:
        """The exchanges so far of a method whose path holds `part`."""
        return [e for e in self.sandbox.requests if e.method == method and part in e.path]


@contextmanager
def jira_site(flavour: str) -> Iterator[JiraSite]:
    """A sandbox while it runs; leaving it checks all that was said against the vendor's API."""
    sandbox = JiraSandbox(flavour)
    sandbox.recording = True
    sandbox.start()
    site = JiraSite(sandbox)
    try:
        yield site
    finally:
        for connector in site.opened:
            connector.close()
        sandbox.stop()
    assert sandbox.unknown_parameters == []
    assert sandbox.surprises == []
    if not missing():  # test_every_exchange_is_validated says so where the documents are absent
        assert_valid(sandbox.requests, flavour)


def stream(connector: JiraConnector, name: str) -> Stream:
    """One of the connector's streams."""
    return next(s for s in connector.streams() if s.name == name)


def pages(
    connector: JiraConnector, name: str, since: datetime | None = None, scopes: Sequence[str] = ()
) -> list[Page]:
    """Everything that a stream gives for a window."""
    chosen = stream(connector, name)
    chosen = replace(chosen, scopes=tuple(scopes)) if scopes else chosen
    window = Window(since, datetime.now(UTC) + timedelta(days=1))
    found = []
    for partition in connector.partitions(chosen, window):
        found += connector.fetch(chosen, partition, window)
    return found


def records(
    connector: JiraConnector, name: str, since: datetime | None = None
) -> Mapping[str, RawRecord]:
    """The records of a stream by source id; none may be rejected or come twice."""
    found = pages(connector, name, since)
    assert [r for p in found for r in p.rejected] == []
    listed = [r for p in found for r in p.records]
    by_id = {r.source_id: r for r in listed}
    assert len(by_id) == len(listed)
    return by_id


def body(record: RawRecord) -> Any:
    """The record's JSON."""
    return orjson.loads(record.body)
