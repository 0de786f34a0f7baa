"""Builders for reconciliation tests: records with the fields that a test cares about."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from itpm_sync.model import Money, Record, SourceRef
from itpm_sync.reconcile import reconcile
from itpm_sync.reconcile.inputs import Inputs, ProjectSetup
from itpm_sync.reconcile.status import Finding, ProjectStatus, Snapshot
from tests.beside import SHARED
from tests.reconcile.foreign import half_earned


class World:
    """Collects records, then reconciles them. Project NET in EUR unless told otherwise."""

    def __init__(self) -> None:
        self.records: dict[str, list[Record]] = {}
        self.gone: dict[str, list[Record]] = {}
        self.setup: dict[str, Any] = {"code": "NET", "name": "Network", "currency": "EUR"}
        self.options: dict[str, Any] = {
            "title": "Portfolio",
            "data_date": date(2026, 3, 13),
            "zone": "Europe/Berlin",
            "rules": (),
        }
        self.others: list[ProjectSetup] = []

    def add(
        self, kind: type[Record], source_id: str, *, where: str = "live", **fields: Any
    ) -> Record:
        """A record of connection `src`, stream = its kind; of project NET unless told otherwise."""
        fields.setdefault("project_key", "NET")
        connection = fields.pop("connection", "src")
        ref = SourceRef(connection, kind.kind, source_id, f"https://src.test/{source_id}")
        record = kind(ref=ref, **fields)
        (self.gone if where == "gone" else self.records).setdefault(kind.kind, []).append(record)
        return record

    def inputs(self) -> Inputs:
        """What was collected."""
        return Inputs(
            projects=(ProjectSetup(**self.setup), *self.others),
            records={k: tuple(v) for k, v in self.records.items()},
            gone={k: tuple(v) for k, v in self.gone.items()},
            **self.options,
        )

    def snapshot(self, previous: Snapshot | None = None) -> Snapshot:
        """The reconciled portfolio."""
        return reconcile(self.inputs(), previous)

    def project(self) -> ProjectStatus:
        """The first project, reconciled."""
        return self.snapshot().projects[0]

    def figures(self) -> Mapping[str, Decimal | None]:
        """The first project's figures by name."""
        return {name: f.value for name, f in self.project().figures.items()}

    def findings(self, code: str) -> list[Finding]:
        """All findings of a code, of the portfolio and of every project."""
        snapshot = self.snapshot()
        everything = [*snapshot.findings, *(f for p in snapshot.projects for f in p.findings)]
        return [f for f in everything if f.code == code]


@pytest.fixture
def world() -> World:
    """An empty portfolio with one project."""
    return World()


@pytest.fixture
def eur() -> Callable[[str | int], Money]:
    """`eur("12.50")`."""
    return lambda amount: Money(Decimal(amount), "EUR")


@pytest.fixture
def at() -> Callable[[str], datetime]:
    """`at("2026-03-02T10:00")`, in UTC."""
    return lambda text: datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.fixture
def vector() -> Callable[[str], dict[str, Any]]:
    """A published worked example by the start of its file name; skips where there are none."""

    def load(prefix: str) -> dict[str, Any]:
        found = sorted((SHARED / "vectors").glob(f"{prefix}*.json"))
        if not found:
            pytest.skip(f"published examples are not at {SHARED / 'vectors'}")
        loaded: dict[str, Any] = json.loads(found[0].read_text(encoding="utf-8"))
        return loaded

    return load


@pytest.fixture
def shared() -> Path:
    """The folder of shared data; skips where it is absent."""
    if not SHARED.is_dir():
        pytest.skip(f"no shared data at {SHARED}")
    return SHARED


@pytest.fixture
def abroad(world: World) -> World:
    """Half of USD 2,000 is earned; the dollar was EUR 0.90 at the baseline, 0.95, and is 0.80."""
    half_earned(world)
    return world
