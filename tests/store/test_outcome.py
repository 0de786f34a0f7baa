"""What was made of the records: snapshots, baselines, how long findings stand, the outbox."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command

from itpm_sync.connector import Target
from itpm_sync.errors import StoreError
from itpm_sync.store import BaselineLine, OutboxRow, Store
from itpm_sync.store.migrations import configuration
from itpm_sync.store.outcome import Outcome
from itpm_sync.store.schema import SNAPSHOT

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def outcome(store_url: str) -> Iterator[Outcome]:
    with Store.open(store_url) as opened:
        yield opened.outcome


def test_a_damaged_snapshot_is_told_with_what_makes_it_anew(outcome: Outcome) -> None:
    day = date(2026, 11, 23)
    outcome.put_snapshot(day, run="r1", now=NOON, body=b"one")
    with outcome._db.write() as db:
        db.execute(sa.update(SNAPSHOT).values(body=b"x"))
    with pytest.raises(StoreError, match=r"itpm-sync reconcile --as-of 2026-11-23$"):
        outcome.snapshot()
    assert outcome.put_snapshot(day, run="r1", now=NOON, body=b"one")
    found = outcome.snapshot()
    assert found is not None
    assert found.body == b"one"


def test_snapshots_are_appended_once_a_content_and_found_by_date(outcome: Outcome) -> None:
    monday, sunday = date(2026, 3, 2), date(2026, 3, 8)
    assert outcome.put_snapshot(monday, run="r1", now=NOON, body=b"one")
    assert not outcome.put_snapshot(monday, run="r2", now=NOON, body=b"one")
    assert outcome.put_snapshot(monday, run="r3", now=NOON, body=b"two")
    assert outcome.put_snapshot(sunday, run="r4", now=NOON, body=b"three")
    found = [
        outcome.snapshot(monday),
        outcome.snapshot(),
        outcome.snapshot_before(sunday),
    ]
    assert [s.body for s in found if s] == [b"two", b"three", b"two"]
    assert outcome.snapshot_before(monday) is None
    assert outcome.snapshot(date(2026, 1, 1)) is None


def test_baselines_are_numbered_and_never_changed(outcome: Outcome) -> None:
    lines = [BaselineLine(section="package", data={"code": "1.1", "budget": "10.00 EUR"})]
    assert outcome.put_baseline("P", on=date(2026, 1, 1), author="Ann", now=NOON, lines=lines) == 1
    assert outcome.put_baseline("P", on=date(2026, 2, 1), author="Ben", now=NOON, lines=[]) == 2
    assert outcome.put_baseline("Q", on=date(2026, 2, 1), author="Ben", now=NOON, lines=[]) == 1
    first, second = outcome.baselines("P")
    assert (first.version, first.author, first.lines) == (1, "Ann", tuple(lines))
    assert (second.version, second.lines) == (2, ())
    assert len(outcome.baselines()) == 3


def test_a_finding_keeps_the_day_on_which_it_was_first_seen(outcome: Outcome) -> None:
    outcome.findings_seen(["a", "b"], date(2026, 3, 2))
    outcome.findings_seen(["b", "c", "b"], date(2026, 3, 9))
    assert outcome.finding_spans(date(2026, 3, 9)) == {
        "a": (date(2026, 3, 2), date(2026, 3, 2)),  # settled on this very day: it may come back
        "b": (date(2026, 3, 2), date(2026, 3, 2)),
        "c": (date(2026, 3, 9), date(2026, 3, 9)),
    }
    assert outcome.finding_spans(date(2026, 3, 10))["a"] == (date(2026, 3, 2), None)


def test_a_finding_that_returns_stands_since_its_return(outcome: Outcome) -> None:
    for day, keys in ((2, ["a"]), (9, []), (16, ["a"])):
        outcome.findings_seen(keys, date(2026, 3, day))
    assert outcome.finding_spans(date(2026, 3, 23)) == {"a": (date(2026, 3, 2), date(2026, 3, 16))}
    assert outcome.finding_spans(date(2026, 3, 5)) == {"a": (date(2026, 3, 2), date(2026, 3, 2))}
    assert outcome.finding_spans(date(2026, 3, 1)) == {}


def test_a_day_that_is_reconciled_again_knows_only_its_last_outcome(outcome: Outcome) -> None:
    outcome.findings_seen(["a"], date(2026, 3, 2))
    for keys in ([], ["a"], [], ["a"]):
        outcome.findings_seen(keys, date(2026, 3, 9))
    assert outcome.finding_spans(date(2026, 3, 9)) == {"a": (date(2026, 3, 2), date(2026, 3, 2))}


def test_a_past_day_that_is_reconciled_later_changes_no_history(outcome: Outcome) -> None:
    outcome.findings_seen(["a"], date(2026, 3, 2))
    outcome.put_snapshot(date(2026, 3, 9), run="r", now=NOON, body=b"newest")
    outcome.findings_seen(["b"], date(2026, 3, 4))
    assert outcome.finding_spans(date(2026, 3, 9)) == {"a": (date(2026, 3, 2), date(2026, 3, 2))}


def test_the_states_of_the_first_schema_become_spans(sqlite_url: str, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "store.db") as old:
        engine = sa.create_engine(sqlite_url)
        with engine.begin() as connection:
            command.upgrade(configuration(connection), "0001")
        engine.dispose()
        old.execute("INSERT INTO finding_state VALUES ('a', '2026-03-02', '2026-03-09')")
        old.execute("INSERT INTO finding_state VALUES ('b', '2026-03-02', '2026-03-02')")
        for number, day in enumerate(("2026-03-02", "2026-03-09")):
            old.execute(
                "INSERT INTO snapshot VALUES (?, ?, '2026-03-09', 'run', x'00', x'00')",
                (number, day),
            )
    old.close()
    with Store.open(sqlite_url) as store:
        assert store.outcome.finding_spans(date(2026, 3, 16)) == {
            "a": (date(2026, 3, 2), date(2026, 3, 2)),
            "b": (date(2026, 3, 2), None),
        }


def test_the_outbox_gives_back_what_was_put(outcome: Outcome) -> None:
    target = Target("jira", "P", "NET-1", "comment")
    assert outcome.outbox_row(target) is None
    row = OutboxRow(target=target, mark="m", state="sending", pending="text ✓", attempts=1)
    outcome.put_outbox_row(row)
    done = OutboxRow(
        target=target, mark="m", state="done", written="text ✓", standing="text ✓",
        remote_id="77", attempts=1, updated_at=NOON,
    )  # fmt: skip
    outcome.put_outbox_row(done)
    assert outcome.outbox_row(target) == done
    assert outcome.outbox() == (done,)
