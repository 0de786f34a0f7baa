"""Findings across runs: since when, waived by whom, new, reopened or resolved since a report."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from itpm_sync.model import Receipt
from itpm_sync.reconcile.changes import State, changes
from itpm_sync.reconcile.decisions import Seen, Waiver
from itpm_sync.reconcile.status import from_json, to_json

TODAY = date(2026, 3, 13)
KEY = "receipt-without-order/NET/PO-7"


@pytest.fixture
def loose(world):
    """A project with a receipt for an unknown order, which is one finding."""
    fields = {"quantity": Decimal(1), "received_on": date(2026, 3, 2)}
    world.add(Receipt, "r1", order="PO-7", **fields)
    return world


def waiver(**fields):
    given = {"finding": "receipt-without-order", "reason": "gift", "author": "Ann"}
    return Waiver(**{**given, "expires": TODAY, **fields})


def found(world, key=KEY):
    [one] = [f for f in world.snapshot().all_findings if f.key == key]
    return one


def test_a_finding_that_nobody_met_before_stands_since_the_data_date(loose):
    assert (found(loose).since, found(loose).first_seen) == (TODAY, TODAY)


def test_a_finding_keeps_the_day_since_which_it_stands(loose):
    loose.options["seen"] = {KEY: Seen(first=date(2026, 1, 5), since=date(2026, 3, 2))}
    assert (found(loose).since, found(loose).first_seen) == (date(2026, 3, 2), date(2026, 1, 5))


def test_a_finding_that_was_settled_stands_since_the_data_date_again(loose):
    loose.options["seen"] = {KEY: Seen(first=date(2026, 1, 5), since=None)}
    assert (found(loose).since, found(loose).first_seen) == (TODAY, date(2026, 1, 5))


def test_an_amount_is_no_part_of_a_findings_identity(loose):
    before = found(loose)
    fields = {"quantity": Decimal(5), "received_on": date(2026, 3, 3)}
    loose.add(Receipt, "r2", order="PO-7", **fields)
    after = found(loose)
    assert after.key == before.key
    assert after.message != before.message


# ---- waivers ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fields",
    [{}, {"project": "net"}, {"subject": "po-?"}, {"project": "N*", "subject": "PO-7"}],
    ids=["code", "project", "wildcard", "both"],
)
def test_a_waived_finding_stays_and_says_by_whom_and_why(loose, fields):
    loose.options["waivers"] = (waiver(**fields),)
    waived = found(loose).waiver
    assert waived is not None
    assert (waived.author, waived.reason) == ("Ann", "gift")
    assert loose.findings("waiver-unused") == []


@pytest.mark.parametrize(
    "fields",
    [{"project": "SDM"}, {"project": ""}, {"subject": "PO-[7]"}, {"finding": "no-rate"}],
    ids=["other project", "portfolio only", "brackets are no wildcard", "other code"],
)
def test_a_waiver_that_matches_nothing_is_reported(loose, fields):
    loose.options["waivers"] = (waiver(**fields),)
    assert found(loose).waiver is None
    [unused] = loose.findings("waiver-unused")
    assert "by Ann matches no finding" in unused.message


def test_a_waiver_of_an_unknown_code_suggests_the_one_that_was_meant(loose):
    loose.options["waivers"] = (waiver(finding="receipt-without-ordr"),)
    [unused] = loose.findings("waiver-unused")
    assert unused.action == 'Correct the code: did you mean "receipt-without-order"?'


@pytest.mark.parametrize(
    ("project", "action"),
    [
        ("NTE", 'Correct the project\'s code: did you mean "NET"?'),
        ("S?M*", "Correct the project's code, or remove the entry."),
    ],
)
def test_a_waiver_of_an_unknown_project_says_so(loose, project, action):
    loose.options["waivers"] = (waiver(project=project),)
    [unused] = loose.findings("waiver-unused")
    assert unused.message.endswith(f"by Ann matches no finding: there is no project {project}")
    assert unused.action == action


def test_an_expired_waiver_covers_nothing_and_is_itself_a_finding(loose):
    loose.options["waivers"] = (waiver(expires=date(2026, 3, 12), project="NET"),)
    assert found(loose).waiver is None
    [expired] = loose.findings("waiver-expired")
    assert expired.project == "NET"
    assert expired.message == (
        "The waiver of receipt-without-order of NET by Ann expired on 12 Mar 2026: "
        "1 finding that it covered is back"
    )


def test_an_expired_waiver_that_was_renewed_only_asks_to_be_removed(loose):
    loose.options["waivers"] = (waiver(expires=date(2026, 3, 12)), waiver())
    assert found(loose).waiver is not None
    [expired] = loose.findings("waiver-expired")
    assert (expired.severity, expired.action) == ("low", "Remove it from the configuration.")


def test_no_waiver_silences_the_finding_about_a_waiver(loose):
    loose.options["waivers"] = (waiver(finding="waiver-unused"), waiver(project="SDM"))
    unused = loose.findings("waiver-unused")
    assert len(unused) == 2
    assert [f.waiver for f in unused] == [None, None]


def test_waived_findings_come_last_and_survive_storage(loose):
    loose.options["waivers"] = (waiver(),)
    snapshot = loose.snapshot()
    waived = [f.waiver is not None for f in snapshot.projects[0].findings]
    assert waived == sorted(waived)
    assert any(waived)
    assert from_json(to_json(snapshot)) == snapshot


def test_a_waiver_changes_no_rating(loose):
    plain = loose.snapshot().projects[0]
    loose.options["waivers"] = (waiver(),)
    assert loose.snapshot().projects[0].ratings == plain.ratings


# ---- what has changed ---------------------------------------------------------------------------


def test_each_finding_is_new_reopened_open_or_resolved_since_the_snapshot_before(loose):
    loose.options["data_date"] = date(2026, 3, 6)
    fields = {"quantity": Decimal(1), "received_on": date(2026, 3, 2)}
    settled = loose.add(Receipt, "r2", order="PO-8", **fields)
    before = loose.snapshot()
    loose.records["receipt"].remove(settled)
    loose.options["data_date"] = TODAY
    for number in (9, 10):
        loose.add(Receipt, f"r{number}", order=f"PO-{number}", **fields)
    again = KEY.replace("PO-7", "PO-10")
    loose.options["seen"] = {
        KEY: Seen(first=date(2026, 3, 6), since=date(2026, 3, 6)),
        again: Seen(first=date(2026, 1, 2), since=None),
    }
    told = changes(loose.snapshot(before), before)
    states = {key.rpartition("/")[2]: told.states[key] for key in told.states if "PO-" in key}
    assert states == {"PO-7": State.OPEN, "PO-9": State.NEW, "PO-10": State.REOPENED}
    assert [f.subject for f in told.resolved] == ["PO-8"]


def test_without_a_snapshot_before_nothing_is_called_new(loose):
    snapshot = loose.snapshot()
    told = changes(snapshot, None)
    assert set(told.states.values()) == {State.OPEN}
    assert told.resolved == ()


@pytest.mark.parametrize(
    ("seen", "since", "state"),
    [
        (None, date(2026, 3, 6), State.OPEN),  # the day was reconciled after today was
        (Seen(first=date(2026, 3, 10), since=date(2026, 3, 10)), date(2026, 3, 6), State.OPEN),
        (Seen(first=date(2026, 3, 9), since=date(2026, 3, 12)), date(2026, 3, 12), State.REOPENED),
        (Seen(first=date(2026, 3, 2), since=TODAY), TODAY, State.REOPENED),
        (Seen(first=date(2026, 3, 2), since=date(2026, 3, 4)), date(2026, 3, 4), State.OPEN),
    ],
)
def test_what_stood_in_the_snapshot_before_is_not_told_as_standing_since_today(
    loose, seen, since, state
):
    loose.options["data_date"] = date(2026, 3, 6)
    before = loose.snapshot()
    loose.options["data_date"] = TODAY
    loose.options["seen"] = {KEY: seen} if seen else {}
    snapshot = loose.snapshot(before)
    [one] = [f for f in snapshot.all_findings if f.key == KEY]
    assert (one.since, changes(snapshot, before).states[KEY]) == (since, state)


def test_what_stands_longer_than_the_snapshot_before_is_not_new_though_that_lacks_it(loose):
    loose.options["data_date"] = date(2026, 3, 6)
    before = replace(loose.snapshot(), projects=(), findings=())
    loose.options["data_date"] = TODAY
    loose.options["seen"] = {KEY: Seen(first=date(2026, 3, 2), since=date(2026, 3, 2))}
    assert changes(loose.snapshot(before), before).states[KEY] is State.OPEN


def test_waived_findings_are_not_counted_as_changes(loose):
    before = replace(
        loose.snapshot(), projects=(), findings=(), data_date=TODAY - timedelta(days=7)
    )
    snapshot = loose.snapshot()
    everything = len(snapshot.all_findings)
    assert changes(snapshot, before).count(snapshot.all_findings)[State.NEW] == everything
    loose.options["waivers"] = (waiver(),)
    snapshot = loose.snapshot()
    assert changes(snapshot, before).count(snapshot.all_findings)[State.NEW] == everything - 1
