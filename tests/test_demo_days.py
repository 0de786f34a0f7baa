"""The demo's programme on other days than today: each finding shows whatever day it is run on.

The tickets go straight into the reconciliation, without the sandboxes, and nothing is looked back
at; `test_demo` tells the whole story on the day of the test.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from operator import attrgetter
from pathlib import Path

import pytest

from itpm_sync import app, demo
from itpm_sync.demo import Programme
from itpm_sync.model import WorkStatus
from itpm_sync.reconcile import reconcile
from itpm_sync.reconcile.checks import codes
from itpm_sync.reconcile.inputs import Inputs
from itpm_sync.reconcile.status import Snapshot

MONDAY = date(2026, 12, 28)
WEEK = [MONDAY + timedelta(days=n) for n in range(7)]  # over the end of a month and of a year
LEAP_DAY, SUMMER_TIME = date(2028, 2, 29), date(2027, 3, 28)

OF_THE_PAST = {
    "gate-approved-despite", "gate-skipped", "incomplete-source", "original-baseline-exceeded",
    "over-target-baseline", "plan-changed", "plan-differs-from-baseline", "stale-source",
}  # fmt: skip
"""What needs earlier snapshots, baselines, approvals or pulls."""


def read(world: Programme, out: Path) -> Inputs:
    """The office's files as they are read, and the tickets as the sandboxes would serve them."""
    demo.write_files(world.files, out / "office")
    demo.write_files(world.branches, out / "branches")
    text = demo.configuration(world, {}, ()).replace("cost_code", "work_package")  # of no sandbox
    (out / "itpm.yaml").write_text(text, encoding="utf-8")
    with app.open_session(out / "itpm.yaml") as session, app.locked(session):
        session.clock = lambda: datetime.combine(world.today, time(12), UTC)
        app.pull(session, ["office", "branches"])
        found = app.inputs(session, world.today)
    kind = attrgetter("kind")
    tickets = {k: tuple(of) for k, of in groupby(sorted(world.records, key=kind), kind)}
    kinds = {*found.records, *tickets}
    records = {k: (*found.records.get(k, ()), *tickets.get(k, ())) for k in kinds}
    return replace(found, records=records)


def on(day: date, out: Path) -> tuple[Programme, Snapshot]:
    world = demo.programme(day)
    return world, reconcile(read(world, out))


@pytest.mark.parametrize("day", [*WEEK, LEAP_DAY, SUMMER_TIME], ids=str)
def test_the_demo_shows_every_finding_on_any_day(day: date, tmp_path: Path) -> None:
    world, snapshot = on(day, tmp_path)
    shown = Counter(f.code for f in snapshot.all_findings)
    assert codes() - set(shown) == OF_THE_PAST
    assert max(shown.values()) <= 10
    assert demo.changed_ticket(world).status is WorkStatus.DONE
