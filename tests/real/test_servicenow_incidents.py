"""20,769 real incidents: service level and reopenings equal a plain recomputation from the file.

The recomputation uses the rows and the standard library alone. The file is an event log whose
last row of an incident says what became of it; its times carry no zone and are read as UTC.
"""

from __future__ import annotations

import csv
import lzma
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from functools import cache

import pytest

from itpm_sync.model import HelpDeskItem, SourceRef, TicketStatus, TicketType
from itpm_sync.reconcile import reconcile
from itpm_sync.reconcile.inputs import Inputs, ProjectSetup
from itpm_sync.reconcile.status import ProjectStatus
from tests.beside import SHARED, on_real_data

DATA = SHARED / "data" / "servicenow-incidents" / "incident_events.csv.xz"

pytestmark = on_real_data(DATA)
DAYS = (date(2016, 3, 31), date(2016, 4, 30), date(2016, 5, 31))


@pytest.fixture(scope="module")
def last_rows() -> list[dict[str, str]]:
    with lzma.open(DATA, "rt", encoding="utf-8", newline="") as file:
        return list({row["number"]: row for row in csv.DictReader(file)}.values())


@cache
def moment(text: str) -> datetime | None:
    return (
        None if text == "Unknown" else datetime.strptime(text, "%d/%m/%Y %H:%M").replace(tzinfo=UTC)
    )


def incident(row: dict[str, str]) -> HelpDeskItem:
    closed = row["incident_state"] in {"Closed", "Resolved"}
    return HelpDeskItem(
        ref=SourceRef("snow", "incident", row["number"]),
        project_key="OPS",
        key=row["number"],
        title=row["category"],
        type=TicketType.INCIDENT,
        status=TicketStatus.CLOSED if closed else TicketStatus.OPEN,
        priority=row["priority"],
        created_at=moment(row["opened_at"]),
        resolved_at=moment(row["resolved_at"]),
        resolve_breached=row["made_sla"] == "False",
        reopened=int(row["reopen_count"]),
    )


@pytest.fixture(scope="module")
def reconciled(last_rows: list[dict[str, str]]) -> dict[date, ProjectStatus]:
    records = {"help_desk_item": tuple(map(incident, last_rows))}
    return {
        day: reconcile(
            Inputs(title="Operations", data_date=day, zone="UTC", rules=(), records=records,
                   projects=(ProjectSetup(code="OPS", name="Operations"),))
        ).projects[0]
        for day in DAYS
    }  # fmt: skip


def window(rows: list[dict[str, str]], day: date) -> tuple[list[dict[str, str]], ...]:
    """Rows resolved in the 28 days to the end of a day, and those opened and not resolved by it.

    Nobody knows when a closed incident without a time was resolved: it is in neither.
    """
    end = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)
    closed, live = [], []
    for row in rows:
        opened, resolved = moment(row["opened_at"]), moment(row["resolved_at"])
        if opened is not None and opened >= end:
            continue
        if row["incident_state"] not in {"Closed", "Resolved"} or (resolved and resolved >= end):
            live.append(row)
        elif resolved and resolved >= end - timedelta(days=28):
            closed.append(row)
    return closed, live


def rounded(share: Fraction | None) -> float | None:
    return None if share is None else round(float(share), 9)


def test_the_file_is_the_one_that_was_looked_at(last_rows):
    assert len(last_rows) == 20_769


@pytest.mark.parametrize("day", DAYS)
def test_share_within_sla_equals_a_plain_recomputation(last_rows, reconciled, day):
    closed, live = window(last_rows, day)
    met = sum(r["made_sla"] == "True" for r in closed)
    missed = len(closed) - met + sum(r["made_sla"] == "False" for r in live)
    expected = Fraction(100 * met, met + missed) if met + missed else None
    desk = reconciled[day].help_desk
    assert desk is not None
    found = desk.within_sla.value
    assert rounded(None if found is None else Fraction(found)) == rounded(expected)
    assert desk.open_now == len(live)


@pytest.mark.parametrize("day", DAYS)
def test_share_reopened_equals_a_plain_recomputation(last_rows, reconciled, day):
    closed, _ = window(last_rows, day)
    again = sum(r["reopen_count"] != "0" for r in closed)
    expected = Fraction(100 * again, len(closed)) if closed else None
    found = reconciled[day].figures["desk_reopened"].value
    assert rounded(None if found is None else Fraction(found)) == rounded(expected)


def test_the_days_that_are_compared_say_something(last_rows):
    sizes = [tuple(map(len, window(last_rows, day))) for day in DAYS]
    assert all(closed > 3000 and live > 500 for closed, live in sizes)
