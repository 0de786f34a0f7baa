"""One cause that keeps a source from being read is one finding; each scope's history goes on."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from itpm_sync.model import TimeEntry, WorkItem
from itpm_sync.reconcile.changes import State, changes
from itpm_sync.reconcile.checks import sorted_findings
from itpm_sync.reconcile.decisions import Seen, Waiver
from itpm_sync.reconcile.inputs import Coverage, ProjectSetup
from itpm_sync.reconcile.status import Finding, Severity, from_json, to_json

TODAY = date(2026, 3, 13)
READ = datetime(2026, 3, 12, 18, tzinfo=UTC)  # 29 h before the end of the day in Berlin
REFUSED = "GET http://src.test/: Connection refused — try again"
SCOPES = ("DAP", "NET", "SDM")


def row(scope, reason=REFUSED, **fields):
    given = {
        "connection": "src", "stream": "work_item", "scope": scope, "stored": 2,
        "source_count": 2, "exact": True, "as_of": READ, "complete": not reason,
        "note": f"work_item {scope}: {reason}" if reason else "",
    }  # fmt: skip
    return Coverage(**(given | fields))


def key(scope, code="incomplete-source"):
    return f"{code}//src/work_item/{scope}"


def waiver(subject, **fields):
    given = {"finding": "incomplete-source", "project": "", "reason": "moving house"}
    return Waiver(subject=subject, author="Ann", **(given | {"expires": TODAY} | fields))


@pytest.fixture
def down(world):
    """Two projects with tickets of a source of which nothing could be read today."""
    world.others.append(ProjectSetup(code="SDM", name="Desk", currency="EUR"))
    world.add(WorkItem, "1", key="NET-1", title="a")
    world.add(WorkItem, "2", key="SDM-1", title="b", project_key="SDM")
    world.options["coverage"] = tuple(row(scope) for scope in SCOPES)
    return world


def test_one_cause_is_one_finding_that_names_what_it_touches(down):
    (told,) = down.findings("incomplete-source")
    assert told.key == "incomplete-source//src"
    assert told.message == (
        "Source src was not read; GET http://src.test/: Connection refused. "
        "As of 12 Mar 2026, 19:00: progress and scope (EV) of NET, SDM"
    )
    assert told.action == "Try again. Then pull again."
    assert told.stands_for == tuple(key(scope) for scope in SCOPES)
    assert [e.label for e in told.evidence] == [f"work_item {scope}" for scope in SCOPES]


def test_each_cause_of_some_scopes_is_told_by_itself_under_its_first_scope(down):
    down.options["coverage"] = (
        row("DAP", ""), row("NET"), row("ONE", "HTTP 403"), row("SDM"), row("TWO", "HTTP 403"),
        row("X", "HTTP 500"),
    )  # fmt: skip
    told = down.findings("incomplete-source")
    assert [(f.subject, len(f.stands_for)) for f in told] == [
        ("src/work_item/NET", 1), ("src/work_item/ONE", 1), ("src/work_item/X", 0),
    ]  # fmt: skip
    assert told[0].message.startswith("Source src: 2 of 6 scopes were not read; GET")


def test_what_is_old_for_the_same_cause_is_told_with_it(down):
    down.options["coverage"] = tuple(
        row(scope, as_of=datetime(2026, 3, 2, tzinfo=UTC)) for scope in SCOPES
    )
    assert down.findings("stale-source") == []
    (told,) = down.findings("incomplete-source")
    assert set(told.stands_for) == {
        "stale-source//src",
        *(key(s, c) for s in SCOPES for c in ("incomplete-source", "stale-source")),
    }
    assert "As of 2 Mar 2026, 01:00" in told.message


def old(*reads, **fields):
    """Rows A, B, … of a source that was read whole then; None: never."""
    return tuple(row(s, "", as_of=at, **fields) for s, at in zip("ABCDEF", reads, strict=False))


def read_at(day, *time):
    return datetime(2026, 3, day, *time, tzinfo=UTC)


def test_scopes_that_one_pull_read_one_after_the_other_are_one_finding_of_the_oldest_age(down):
    # the day ends at 23:00 UTC: 47 h 30 min 2 s after the first was read, less than 47.5 after B, C
    reads = ((29, 58), (30, 3), (30, 8))
    down.options["coverage"] = old(*(read_at(11, 23, *time) for time in reads))
    (told,) = down.findings("stale-source")
    assert told.key == "stale-source//src"
    assert told.message == (
        "Source src: 3 scopes of it were last read up to 48 h before the end of the data date "
        "(limit 36 h)"
    )
    assert told.stands_for == tuple(f"stale-source//src/work_item/{scope}" for scope in "ABC")


def test_scopes_that_were_never_read_are_told_apart_from_old_ones(down):
    down.options["coverage"] = old(read_at(2), None, read_at(2))
    (told,) = down.findings("stale-source")
    assert told.message == (
        "Source src: 2 scopes of it were last read 11 days before the end of the data date "
        "(limit 36 h); never read: 1 scope"
    )
    down.options["coverage"] = old(None, None)
    (told,) = down.findings("stale-source")
    assert told.message == "Source src: 2 scopes of it were never read"


def test_where_some_scopes_are_old_a_waiver_of_the_connection_does_not_cover_them(down):
    down.options["waivers"] = (waiver("src", finding="stale-source"),)
    down.options["coverage"] = old(read_at(2), read_at(5), READ)
    (told,) = down.findings("stale-source")
    assert (told.key, told.waiver) == ("stale-source//src/work_item/A", None)
    assert told.stands_for == ("stale-source//src/work_item/B",)


def test_each_project_says_what_of_it_is_old_and_why(down):
    down.add(TimeEntry, "t", project_key="SDM", person="Ann", on=TODAY, duration_s=3600)
    down.options["coverage"] += (
        row("all", stream="time_entry", note=f"time_entry all: {REFUSED}"),
    )
    net, sdm = down.snapshot().projects
    why = "(GET http://src.test/: Connection refused)"
    reason = f"Source src was not read {why}. As of"
    assert net.unread == (f"{reason} 12 Mar 2026, 19:00: progress and scope (EV)",)
    assert sdm.unread == (f"{reason} 12 Mar 2026, 19:00: progress and scope (EV), labour (AC)",)
    down.options["coverage"] = ()
    assert down.project().unread == ()


def test_what_was_never_read_may_be_of_any_project_and_an_empty_one_is_no_alarm(down):
    down.others.append(ProjectSetup(code="TEL", name="Telephone", currency="EUR"))
    assert [f.severity for f in down.findings("project-empty")] == ["high"]
    down.options["never_read"] = {"work_item": ("jira",)}
    down.options["coverage"] = (
        row("", connection="jira", stream="", as_of=None, stored=0, source_count=None,
            exact=False, note=REFUSED),
    )  # fmt: skip
    (told,) = down.findings("incomplete-source")
    assert told.message == (
        "Source jira was never read; GET http://src.test/: Connection refused. "
        "Missing, of whatever project: progress and scope (EV)"
    )
    assert told.stands_for == ("stale-source//jira",)
    (empty,) = down.findings("project-empty")
    assert (empty.severity, empty.message) == (
        "low", "No record of any source belongs to project TEL; never read: jira",
    )  # fmt: skip
    assert all("jira was never read" in p.unread[0] for p in down.snapshot().projects)


def test_what_was_never_read_is_told_apart_from_what_is_old(down):
    down.options["never_read"] = {"time_entry": ("src time_entry",)}
    down.options["coverage"] += (
        row("all", stream="time_entry", as_of=None, stored=0, source_count=None, exact=False,
            note=f"time_entry all: {REFUSED}"),
    )  # fmt: skip
    (told,) = down.findings("incomplete-source")
    assert told.message.endswith(
        "As of 12 Mar 2026, 19:00: progress and scope (EV) of NET, SDM. "
        "Missing, of whatever project: labour (AC); never read: 1 scope"
    )
    assert [p.unread[0].partition("). ")[2] for p in down.snapshot().projects] == [
        "As of 12 Mar 2026, 19:00: progress and scope (EV). Missing: labour (AC)"
    ] * 2


def test_a_project_whose_scope_was_read_whole_is_not_told_that_it_is_old(down):
    down.options["coverage"] = (row("NET", "HTTP 403"), row("SDM", ""))
    down.options["scopes"] = {"src:work_item:1": "NET", "src:work_item:2": "SDM"}
    (told,) = down.findings("incomplete-source")
    assert told.message.endswith("As of 12 Mar 2026, 19:00: progress and scope (EV) of NET")
    net, sdm = down.snapshot().projects
    assert (len(net.unread), sdm.unread) == (1, ())
    del down.options["scopes"]["src:work_item:2"]  # it could be of either
    assert all(p.unread for p in down.snapshot().projects)


def test_what_stands_in_a_record_of_a_stream_that_failed_is_old_as_well(down):
    entry = down.add(TimeEntry, "1/1", person="Ann", on=TODAY, duration_s=3600)
    ref = replace(entry.ref, stream="work_item.time_entry")
    down.records["time_entry"] = [replace(entry, ref=ref)]
    assert down.project().unread[0].endswith("progress and scope (EV), labour (AC)")


# ---- waivers ------------------------------------------------------------------------------------


def test_a_waiver_of_one_scope_covers_it_alone(down):
    down.options["waivers"] = (waiver("src/work_item/DAP"),)
    together, alone = down.findings("incomplete-source")
    assert (together.key, together.waiver) == ("incomplete-source//src", None)
    assert key("DAP") not in together.stands_for
    assert (alone.key, alone.waiver.author) == (key("DAP"), "Ann")


def test_a_waiver_of_the_connection_covers_the_cause(down):
    down.options["waivers"] = (waiver("src"),)
    (told,) = down.findings("incomplete-source")
    assert told.waiver.author == "Ann"
    assert down.findings("waiver-unused") == []


def test_a_waiver_of_an_old_connection_is_needed_while_the_cause_is_told_in_its_place(down):
    down.options["waivers"] = (waiver("src", finding="stale-source"),)
    down.options["coverage"] = tuple(row(s, as_of=read_at(2)) for s in SCOPES)
    assert down.findings("stale-source") == []
    assert down.findings("waiver-unused") == []
    down.options["coverage"] = tuple(
        row(s, ARCHIVED if s == "DAP" else "", as_of=read_at(2)) for s in SCOPES
    )
    (rest,) = down.findings("stale-source")
    assert (rest.subject, rest.waiver.author) == ("src", "Ann")
    assert rest.stands_for == (key("NET", "stale-source"), key("SDM", "stale-source"))
    assert down.findings("waiver-unused") == []
    down.options["coverage"] = tuple(row(s) for s in SCOPES)  # nothing of it is old
    assert len(down.findings("waiver-unused")) == 1


ARCHIVED = "HTTP 403: archived"
TWO_CAUSES = tuple(row(s, ARCHIVED if s in "AB" else REFUSED) for s in "ABCDEF")


def test_a_waiver_of_the_connection_moves_to_no_cause_of_some_scopes(down):
    down.options["waivers"] = (waiver("src"),)
    down.options["coverage"] = TWO_CAUSES
    told = down.findings("incomplete-source")
    assert [(f.key, f.stands_for, f.waiver) for f in told] == [
        (key("A"), (key("B"),), None),
        (key("C"), (key("D"), key("E"), key("F")), None),
    ]


def test_a_waiver_of_the_scope_that_stands_first_covers_none_of_those_it_stands_for(down):
    down.options["waivers"] = (waiver("src/work_item/C"),)
    down.options["coverage"] = TWO_CAUSES
    told = {f.key: f for f in down.findings("incomplete-source")}
    assert {k: f.waiver is not None for k, f in told.items()} == {
        key("A"): False, key("C"): True, key("D"): False,
    }  # fmt: skip
    assert told[key("D")].stands_for == (key("E"), key("F"))


def test_a_waiver_of_the_connection_covers_what_others_of_scopes_leave_of_it(down):
    down.options["waivers"] = tuple(waiver(s) for s in ("src", "src/work_item/A*", "*/NET"))
    down.options["coverage"] = (row("ALL"), row("NET"), row("SDM"))
    told = down.findings("incomplete-source")
    assert {f.key for f in told} == {key("ALL"), key("NET"), "incomplete-source//src"}
    assert all(f.waiver for f in told)


def test_an_expired_waiver_still_counts_what_it_covered(down):
    down.options["waivers"] = (waiver("src/*", expires=date(2026, 3, 12)),)
    assert len(down.findings("incomplete-source")) == 3
    (expired,) = down.findings("waiver-expired")
    assert "3 findings that it covered are back" in expired.message


# ---- across runs --------------------------------------------------------------------------------


def later(world, day, rows, previous, seen):
    """The snapshot of a later day, and what is seen by then."""
    world.options |= {"data_date": day, "coverage": rows, "seen": seen}
    snapshot = from_json(to_json(world.snapshot(previous)))
    for one in snapshot.standing - set(seen):
        seen[one] = Seen(first=day, since=day)
    return snapshot


def test_scopes_go_on_standing_while_they_are_told_together(down):
    seen = {}
    rows = tuple(row(scope) for scope in SCOPES)
    first = later(down, date(2026, 3, 6), (row("NET", "HTTP 500"),), None, seen)
    second = later(down, TODAY, rows, first, seen)
    told = changes(second, first)
    assert told.resolved == ()
    assert told.states["incomplete-source//src"] is State.NEW
    third = later(down, date(2026, 3, 20), (row("NET", "HTTP 500"),), second, seen)
    told = changes(third, second)
    (one,) = [f for f in third.findings if f.code == "incomplete-source"]
    assert (one.since, told.states[one.key]) == (date(2026, 3, 6), State.OPEN)
    assert [f.key for f in told.resolved if f.code == "incomplete-source"] == []
    mended = later(down, date(2026, 3, 21), (), second, seen)
    told = changes(mended, second)
    assert [f.key for f in told.resolved] == ["incomplete-source//src"]


def test_a_scope_that_stood_folded_in_the_snapshot_before_is_not_new_when_it_is_alone(down):
    # the earlier day was reconciled afterwards: no history of the store tells of it
    down.options["data_date"] = date(2026, 3, 12)
    before = from_json(to_json(down.snapshot()))
    down.options |= {"data_date": date(2026, 3, 14), "coverage": (row("NET", "HTTP 500"),)}
    now = down.snapshot(before)
    told = changes(now, before)
    (one,) = [f for f in now.all_findings if f.code == "incomplete-source"]
    assert (one.key, one.since) == (key("NET"), date(2026, 3, 12))
    assert told.states[one.key] is State.OPEN


def test_what_was_not_read_is_told_before_all_else_of_its_severity():
    def of(code, severity=Severity.HIGH):
        return Finding(code=code, severity=severity, project="", subject="", message="", action="")

    medium = of("stale-source", Severity.MEDIUM)
    found = [medium, of("contract-burn"), of("incomplete-source"), of("work-of-leaver")]
    assert [f.code for f in sorted_findings(found)] == [
        "incomplete-source", "contract-burn", "work-of-leaver", "stale-source",
    ]  # fmt: skip
