"""Promises of the whole: reproducible bytes, order does not matter, every code is documented."""

from __future__ import annotations

import random
import re
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from itpm_sync.errors import ReconcileError
from itpm_sync.model import (
    Contract,
    InvoiceLine,
    Method,
    OrderLine,
    Rate,
    Receipt,
    SourceRef,
    TimeEntry,
    WorkItem,
    WorkPackage,
    WorkStatus,
)
from itpm_sync.reconcile import freeze, reconcile
from itpm_sync.reconcile.checks import codes
from itpm_sync.reconcile.inputs import Coverage, Rejected
from itpm_sync.reconcile.status import Severity, from_json, to_json

DOCS = Path(__file__).resolve().parents[2] / "docs" / "findings.md"
MONDAY = date(2026, 3, 2)


@pytest.fixture
def filled(world, eur, at):
    """A project with something of everything, drawn by a fixed seed."""
    draw = random.Random(7)  # noqa: S311 - test data, not secrets
    for n in range(4):
        world.add(
            WorkPackage,
            f"w{n}",
            code=f"WP{n}",
            name=f"Package {n}",
            planned_start=MONDAY - timedelta(days=7 * n),
            planned_finish=MONDAY + timedelta(days=9 * n + 3),
            budget=eur(Decimal(draw.randrange(100000, 900000)) / 100),
            method=draw.choice([Method.ITEMS, Method.POINTS]),
        )
    for n in range(60):
        item = world.add(
            WorkItem,
            f"i{n}",
            key=f"NET-{n}",
            title="t",
            work_package=f"WP{draw.randrange(5)}",
            points=Decimal(draw.randrange(1, 8)),
            status=draw.choice(list(WorkStatus)),
            created_at=at("2026-02-01T08:00") + timedelta(hours=draw.randrange(900)),
        )
        world.add(
            TimeEntry,
            f"t{n}",
            item=item.id,
            person=draw.choice("AB"),
            on=MONDAY + timedelta(days=draw.randrange(12)),
            duration_s=draw.randrange(60, 30000),
        )
        amount = eur(Decimal(draw.randrange(1, 99999)) / 100)
        package = f"WP{draw.randrange(5)}"
        world.add(OrderLine, f"o{n}", order=f"P{n}", amount=amount, work_package=package)
        world.add(Receipt, f"g{n}", order=f"P{n}", quantity=Decimal("0.3"), received_on=MONDAY)
        world.add(
            InvoiceLine,
            f"r{n}",
            invoice=f"R{n}",
            order=f"P{n}",
            amount=amount * Decimal("0.7"),
            invoiced_on=MONDAY,
        )
    world.add(Rate, "a", of="A", per_hour=eur("61.37"))
    world.add(Rate, "b", of="B", per_hour=eur("83.10"))
    world.add(Contract, "c", number="C", ceiling=eur(100), end=date(2026, 6, 1), notice_days=30)
    world.setup["baseline_on"] = date(2026, 2, 20)
    return world


def test_same_inputs_give_the_same_bytes_and_read_back(filled):
    first = filled.snapshot()
    assert to_json(filled.snapshot()) == to_json(first)
    assert from_json(to_json(first)) == first


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.randoms(use_true_random=False))
def test_order_of_records_changes_nothing(filled, shuffler):
    expected = to_json(filled.snapshot())
    for records in filled.records.values():
        shuffler.shuffle(records)
    assert to_json(filled.snapshot()) == expected


def test_parts_sum_to_the_whole_to_the_cent(filled):
    project = filled.project()
    loose = {u.kind: u for u in project.unallocated}
    assert {"order_line", "invoice_line", "time_entry"} <= set(loose)
    for name in ("bac", "pv", "ev", "budget"):
        parts = sum(p.figures[name].value for p in project.packages)
        assert abs(parts - project.figures[name].value) < Decimal("1e-9"), name
    parts = sum(p.figures["invoiced"].value for p in project.packages)
    assert parts + loose["invoice_line"].amount.amount == project.figures["invoiced"].value
    parts = sum(p.figures["ordered"].value for p in project.packages)
    assert parts + loose["order_line"].amount.amount == project.figures["ordered"].value
    spent = sum(f.duration_s for f in filled.records["time_entry"])
    assert project.figures["effort_s"].value == spent
    in_packages = sum(p.figures["items"].value for p in project.packages)
    loose_scope = [
        i
        for i in filled.records["work_item"]
        if i.work_package == "WP4"  # no such package
        and i.status is not WorkStatus.CANCELLED
        and i.created_at < datetime(2026, 3, 13, 23, tzinfo=UTC)
    ]
    assert loose_scope
    assert project.figures["items"].value == in_packages + len(loose_scope)


def test_every_undefined_figure_says_why(filled):
    snapshot = filled.snapshot()
    for project in snapshot.projects:
        for part in (project, *project.packages):
            for figure in part.figures.values():
                assert (figure.value is None) == bool(figure.reason), figure


def test_findings_have_one_identity_each(filled):
    snapshot = filled.snapshot()
    found = [*snapshot.findings, *(f for p in snapshot.projects for f in p.findings)]
    repeated = [key for key, n in Counter(f.key for f in found).items() if n > 1]
    assert found
    assert repeated == []
    assert all(f.message and f.action and len(f.evidence) <= 10 for f in found)


def test_unknown_zone_is_an_error(world):
    world.options["zone"] = "Europe/Berln"
    with pytest.raises(ReconcileError, match="Europe/Berln"):
        world.snapshot()


def test_weeks_without_history_come_from_the_previous_snapshot(world, eur):
    world.add(
        WorkPackage,
        "w",
        code="WP1",
        name="n",
        planned_start=MONDAY,
        planned_finish=date(2026, 3, 27),
        budget=eur(1000),
        method=Method.PERCENT,
        percent_complete=Decimal(10),
    )
    world.options["data_date"] = date(2026, 3, 8)
    before = world.snapshot()
    world.options["data_date"] = date(2026, 3, 15)
    alone = {p.on: p.ev for p in world.project().curve}
    after = {p.on: p.ev for p in world.snapshot(before).projects[0].curve}
    assert alone[date(2026, 3, 8)] is None
    assert after[date(2026, 3, 8)] == 100


def test_changed_budget_without_a_baseline_is_found(world, eur):
    fields = {"planned_start": MONDAY, "planned_finish": date(2026, 3, 27), "name": "n"}
    world.add(WorkPackage, "w", code="WP1", budget=eur(1000), **fields)
    world.options["data_date"] = date(2026, 3, 6)
    before = world.snapshot()
    world.records["work_package"].clear()
    world.add(WorkPackage, "w", code="WP1", budget=eur(1500), **fields)
    world.options["data_date"] = date(2026, 3, 13)
    [found] = [f for f in world.snapshot(before).projects[0].findings if f.code == "plan-changed"]
    assert (found.amount, found.severity) == (eur(500), Severity.HIGH)  # more than 5 %
    assert found.message.endswith(" is EUR 1,500.00: WP1 EUR 1,000.00 → EUR 1,500.00")


def test_a_plan_that_lost_a_package_says_which_and_a_small_change_is_less_severe(world, eur):
    fields = {"planned_start": MONDAY, "planned_finish": date(2026, 3, 27), "name": "n"}
    plan = [("A", eur(1000)), ("B", eur(40)), ("C", eur(7))]
    world.options["data_date"] = date(2026, 3, 6)
    for code, budget in plan:
        world.add(WorkPackage, code, code=code, budget=budget, **fields)
    before = world.snapshot()
    world.records["work_package"].clear()
    world.options["data_date"] = date(2026, 3, 13)
    for code, budget in (plan[0], ("C", eur(8)), ("D", eur(3))):
        world.add(WorkPackage, code, code=code, budget=budget, **fields)
    [found] = [f for f in world.snapshot(before).projects[0].findings if f.code == "plan-changed"]
    assert (found.amount, found.severity) == (eur(-36), Severity.MEDIUM)  # 36 of 1,047: 3.4 %
    assert found.message.endswith(": B EUR 40.00 → none; C EUR 7.00 → EUR 8.00; D none → EUR 3.00")


def test_frozen_baseline_holds_the_plan_and_scope_of_now(filled):
    frozen = freeze(filled.inputs(), "net")
    assert frozen is not None
    packages, items = frozen.packages, frozen.items
    project = filled.project()
    assert [p.code for p in packages] == [p.code for p in project.packages]
    assert len(items) == project.figures["items"].value
    assert freeze(filled.inputs(), "NOPE") is None


# ---- sources ------------------------------------------------------------------------------------


def coverage(**fields):
    common = {
        "connection": "jira",
        "stream": "issue",
        "scope": "NET",
        "stored": 10,
        "source_count": 10,
        "exact": True,
        "as_of": datetime(2026, 3, 13, 5, tzinfo=UTC),
        "complete": True,
    }
    return Coverage(**(common | fields))


def test_stale_and_incomplete_sources_are_found(world):
    world.options["coverage"] = (
        coverage(scope="OK"),
        coverage(scope="OLD", as_of=datetime(2026, 3, 12, 10, tzinfo=UTC)),
        coverage(scope="OLDER", as_of=datetime(2026, 2, 13, 10, tzinfo=UTC)),
        coverage(scope="NEVER", as_of=None),
        coverage(scope="SHORT", stored=9),
        coverage(scope="ABOUT", stored=9, exact=False),
        coverage(scope="FAILED", complete=False, note="HTTP 500"),
    )
    # The data date ends at 23:00 UTC in Berlin: 37 h after 10:00 on the day before.
    (stale,) = world.findings("stale-source")
    assert (stale.subject, [e.label for e in stale.evidence]) == (
        "jira/issue/NEVER", ["issue NEVER", "issue OLD", "issue OLDER"],
    )  # fmt: skip
    assert stale.message == (
        "Source jira: 2 scopes of it were last read up to 28 days before the end of the data date "
        "(limit 36 h); never read: 1 scope"
    )
    incomplete = world.findings("incomplete-source")
    assert [f.subject for f in incomplete] == ["jira/issue/FAILED", "jira/issue/SHORT"]
    assert "9 stored, the source has 10" in incomplete[1].message
    world.options["coverage"] = world.options["coverage"][:2]
    (stale,) = world.findings("stale-source")
    assert stale.subject == "jira/issue/OLD"
    assert "37 h before the end of the data date (limit 36 h)" in stale.message


@pytest.mark.parametrize(
    ("note", "reason", "action"),
    [
        ("plan: no file p.csv in /o — put it there; the folder is empty",
         "no file p.csv in /o", "Put it there; the folder is empty. Then pull again."),
        ('plan: no file p.csv in /o — did you mean "P.csv"?',
         "no file p.csv in /o", 'Did you mean "P.csv"? Then pull again.'),
        ("plan: a — b.csv may not be read — give it read access.",
         "a — b.csv may not be read", "Give it read access. Then pull again."),
        ("plan: the source has 9 records, 3 are stored",
         "the source has 9 records, 3 are stored",
         "Pull again; if it stays, pull with --full --sweep."),
    ],
)  # fmt: skip
def test_the_advice_for_an_incomplete_source_fits_its_cause(world, note, reason, action):
    world.options["coverage"] = (
        coverage(connection="office", stream="plan", scope="", complete=False, note=note),
    )
    (told,) = world.findings("incomplete-source")
    assert told.message.endswith(f"; {reason}")
    assert told.action == action


def test_a_gap_of_quarantined_records_only_is_told_by_their_own_findings(world):
    world.options["coverage"] = (
        coverage(connection="files", stream="invoices", scope="i.csv", stored=8, complete=False),
    )
    world.options["rejected"] = (rejected(1), rejected(2))
    assert world.findings("incomplete-source") == []
    world.options["rejected"] = (rejected(1), rejected(1))
    assert len(world.findings("incomplete-source")) == 1


def rejected(number, place="invoices.csv row {0}, column Net"):
    return Rejected(
        connection="files",
        stream="invoices",
        source_id=f"R-{number}",
        place=place.format(number),
        message="expected an amount",
    )


def test_each_rejected_record_is_named(world):
    world.options["rejected"] = tuple(rejected(n) for n in (3, 4, 4))
    found = world.findings("rejected-records")
    assert len({f.key for f in found}) == len(found) == 3
    assert "invoices.csv row 3, column Net: expected an amount" in found[0].message


def test_many_rejected_records_are_one_finding_that_lists_them_all(world):
    world.options["rejected"] = tuple(rejected(n) for n in range(201))
    [found] = world.findings("rejected-records")
    assert len(found.evidence) == 201
    assert found.message.startswith("201 records of files invoices were rejected")


def read_at(*streams, day):
    moment = datetime(2026, 3, day, 5, tzinfo=UTC)
    return tuple(coverage(connection="src", stream=s, as_of=moment) for s in streams)


def test_documents_of_a_day_that_had_not_come_when_they_were_read_are_told(world, eur):
    """They are in no figure; `2062` is a mistyped 2026."""
    world.options["coverage"] = read_at("invoice_line", "time_entry", day=13)
    for number, on in (("1", date(2026, 3, 13)), ("4", date(2062, 11, 20))):
        world.add(InvoiceLine, number, invoice=f"INV{number}", amount=eur(1000), invoiced_on=on)
    world.add(TimeEntry, "t", person="ann", on=date(2026, 3, 14), duration_s=5400)
    invoice, hours = world.findings("rejected-records")
    assert invoice.message == (
        "Source src invoice_line: 1 invoice line (EUR 1,000.00) is dated later than the day of "
        "reading, in no figure until that day: Invoice INV4 line 1, EUR 1,000.00 on 20 Nov 2062"
    )
    assert (invoice.amount, len(invoice.evidence)) == (eur(1000), 1)
    assert "1 time entry (1.5 h) is dated later" in hours.message
    assert hours.message.endswith(": ann, 1.50 h on 14 Mar 2026")
    assert world.figures()["invoiced"] == 1000


def test_a_past_day_is_silent_about_documents_that_came_before_they_were_read(world):
    world.options["coverage"] = read_at("receipt", day=20)
    world.add(Receipt, "r", order="PO", quantity=Decimal(5), received_on=date(2026, 3, 20))
    assert world.findings("rejected-records") == []
    world.add(Receipt, "s", order="PO-9", quantity=Decimal(7), received_on=date(2026, 3, 21))
    [found] = world.findings("rejected-records")
    assert found.message.endswith("in no figure until that day: PO-9 on 21 Mar 2026")


# ---- documentation ------------------------------------------------------------------------------


def test_every_code_has_a_section_and_every_section_a_code():
    sections = set(re.findall(r"^### `([a-z-]+)`$", DOCS.read_text(encoding="utf-8"), re.MULTILINE))
    assert sections == set(codes())


def test_every_section_says_meaning_computation_and_action():
    text = DOCS.read_text(encoding="utf-8")
    for section in re.split(r"^### ", text, flags=re.MULTILINE)[1:]:
        for word in ("**Means:**", "**Computed:**", "**Do:**"):
            assert word in section, section.splitlines()[0]


def test_checks_emit_only_their_own_code():
    source = Path(reconcile.__code__.co_filename).parent / "checks"
    emitted = set()
    for path in source.glob("[!_]*.py"):
        text = path.read_text(encoding="utf-8")
        emitted |= set(re.findall(r'(?:code=)?"([a-z]+(?:-[a-z]+)+)",', text))
    assert emitted - {"help-desk"} == set(codes())


def test_evidence_names_the_row_of_a_file_and_links_a_web_page(world, eur):
    setup = {"order": "PO-7", "quantity": Decimal(1), "received_on": date(2026, 3, 2)}
    ref = SourceRef("office", "receipts", "g1", "receipts.csv row 14")
    world.records["receipt"] = [Receipt(ref=ref, project_key="NET", **setup)]
    world.add(Receipt, "g2", **setup)
    [found] = world.findings("receipt-without-order")
    assert found.message == "2 receipts name the unknown order PO-7"
    assert [(e.label, e.url) for e in found.evidence] == [
        ("PO-7 (receipts.csv row 14)", None),
        ("PO-7", "https://src.test/g2"),
    ]
