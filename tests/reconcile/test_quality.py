"""Defects, reopened tickets and risk exposure by hand."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from itpm_sync.model import (
    FieldChange,
    HelpDeskItem,
    ItemType,
    Risk,
    TicketStatus,
    TicketType,
    WorkItem,
    WorkStatus,
)
from itpm_sync.reconcile.explain import explain
from itpm_sync.reconcile.inputs import Policy
from itpm_sync.reconcile.status import Colour

WORDS = {WorkStatus.DONE: "Done", WorkStatus.IN_PROGRESS: "Doing", WorkStatus.TODO: "Open"}
NAMES = ("open_defects", "defects_opened", "defects_closed", "defects_reopened", "defect_age",
         "defects_escaped", "escaped_share")  # fmt: skip


@pytest.fixture
def defect(world, at):
    """`defect("D1", "2026-03-02", status, ("2026-03-05", "Open", "Done"))`; today is 13 March."""

    def add(key, created, status=WorkStatus.TODO, *changes, **fields):
        if status is WorkStatus.DONE and changes:
            fields.setdefault("resolved_at", at(f"{changes[-1][0]}T10:00"))
        item = world.add(
            WorkItem, key, key=key, title="t", type=ItemType.DEFECT, status=status,
            source_status=WORDS[status], created_at=at(f"{created}T08:00"), **fields,
        )  # fmt: skip
        for n, (day, before, after) in enumerate(changes):
            world.add(FieldChange, f"{key}-{n}", item=item.id, at=at(f"{day}T10:00"),
                      field_name="status", before=before, after=after)  # fmt: skip
        return item

    return add


def quality(world):
    figures = world.project().figures
    return {n: figures[n].value for n in NAMES}


def test_no_defects_is_not_zero_defects(world):
    world.add(WorkItem, "w", key="W", title="t")
    figures = world.project().figures
    assert {figures[n].reason for n in NAMES} == {"no work item is a defect"}


def test_opened_closed_reopened_and_age_from_status_changes(world, defect):
    defect("D1", "2026-03-01")  # open for 12 days
    defect("D2", "2026-01-05", WorkStatus.DONE, ("2026-03-05", "Open", "Done"))
    defect(
        "D3",
        "2026-02-20",
        WorkStatus.IN_PROGRESS,
        ("2026-02-25", "Open", "Done"),
        ("2026-03-03", "Done", "Doing"),
    )  # open for 21 days
    defect("D4", "2026-01-01", WorkStatus.DONE, ("2026-01-20", "Open", "Done"))
    assert quality(world) == {
        "open_defects": 2,
        "defects_opened": 2,  # D1 and D3, since 13 February
        "defects_closed": 2,  # D2 and, for a week, D3
        "defects_reopened": 1,
        "defect_age": Decimal("16.5"),
        "defects_escaped": None,
        "escaped_share": None,
    }
    weeks = {w.monday.isoformat(): (w.opened, w.closed, w.reopened, w.open_at_end)
             for w in world.project().defect_weeks}  # fmt: skip
    assert weeks["2026-01-19"] == (0, 1, 0, 1)  # D4 goes, D2 stays
    assert weeks["2026-02-16"] == (1, 0, 0, 2)
    assert weeks["2026-02-23"] == (1, 1, 0, 2)  # D3 closed, D1 opened on its Sunday
    assert weeks["2026-03-02"] == (0, 1, 1, 2)  # D2 closed, D3 back
    assert weeks["2026-03-09"] == (0, 0, 0, 2)


def test_without_changes_creation_and_resolution_tell(world, defect, at):
    defect("D1", "2026-02-20", WorkStatus.DONE, resolved_at=at("2026-03-04T08:00"))
    defect("D2", "2026-02-20", WorkStatus.DONE, resolved_at=at("2026-03-20T08:00"))  # tomorrow's
    assert (quality(world)["open_defects"], quality(world)["defects_closed"]) == (1, 1)


def test_word_that_nobody_carries_any_more_is_an_open_one(world, defect):
    defect("D1", "2026-02-20", WorkStatus.DONE,
           ("2026-03-02", "Open", "In review"), ("2026-03-04", "In review", "Done"))  # fmt: skip
    assert (quality(world)["defects_closed"], quality(world)["defects_reopened"]) == (1, 0)


def test_closed_by_its_history_and_open_by_its_status_is_reopened(world, defect):
    defect("D0", "2026-02-01", WorkStatus.DONE, ("2026-02-02", "Open", "Done"))
    defect("D1", "2026-02-20", WorkStatus.TODO, ("2026-03-02", "Open", "Done"))
    assert (quality(world)["open_defects"], quality(world)["defects_reopened"]) == (1, 1)


def test_escaped_by_label_attribute_or_incident(world, defect):
    defect("D1", "2026-03-01", labels=("Production",))
    defect("D2", "2026-03-01", attributes={"found_in": "live"})
    defect("D3", "2026-03-01", attributes={"found_in": "system test"})
    defect("D4", "2026-03-01", links=("relates to INC-7",))
    defect("D5", "2026-03-01")
    world.add(HelpDeskItem, "7", key="INC-7", title="t", type=TicketType.INCIDENT)
    world.add(HelpDeskItem, "8", key="INC-8", title="t", type=TicketType.INCIDENT,
              links=("caused by D5",))  # fmt: skip
    assert quality(world)["defects_escaped"] == 4
    assert quality(world)["escaped_share"] == 80
    [found] = world.findings("defects-escaped")
    assert found.message == "4 defects found in production and still open"
    world.options["policy"] = Policy(escaped_words=("system test",))
    assert quality(world)["defects_escaped"] == 3  # D3, D4, D5


def test_share_found_in_production_makes_the_quality_rating(world, defect):
    for n in range(20):
        defect(f"D{n}", "2026-01-01", labels=("production",) if n < 3 else ())
    world.add(HelpDeskItem, "7", key="INC-7", title="t", type=TicketType.INCIDENT)
    rating = next(r for r in world.project().ratings if r.dimension == "quality")
    assert rating.colour is Colour.AMBER  # 15 % is not above the red bound
    assert rating.reason == "3 defects found in production (15.0 %)"
    world.options["policy"] = Policy(escaped_red=Decimal("0.1499"))
    rating = next(r for r in world.project().ratings if r.dimension == "quality")
    assert rating.colour is Colour.RED


def test_old_defects_are_a_finding_with_the_oldest_first(world, defect):
    defect("D1", "2026-02-11")  # 30 days
    defect("D2", "2026-02-10")
    defect("D3", "2026-01-10")
    [found] = world.findings("defects-aged")
    assert found.message == "2 defects open for more than 30 days, the oldest (D3) for 62"
    assert [e.label for e in found.evidence] == ["D3 t", "D2 t"]


def test_reopened_help_desk_items_of_those_closed_in_28_days(world, at):
    for n, (reopened, closed) in enumerate(
        [(0, "2026-03-10"), (2, "2026-03-01"), (1, "2026-02-01"), (None, "2026-03-10"),
         (0, "2026-02-14")]
    ):  # fmt: skip
        world.add(HelpDeskItem, f"h{n}", key=f"H{n}", title="t", status=TicketStatus.CLOSED,
                  resolved_at=at(f"{closed}T10:00"), reopened=reopened)  # fmt: skip
    figure = world.project().figures["desk_reopened"]
    assert round(figure.value, 6) == Decimal("33.333333")
    assert figure.note == "3 closed items"
    parts = explain(world.inputs(), "NET", "desk_reopened").parts
    assert parts[0].note == "reopened 2 times"
    assert len(parts) == 3


def test_exposure_is_probability_times_impact(world, eur):
    half = Decimal("0.5")
    world.add(Risk, "1", code="R1", title="a", probability=half, impact=eur(1000))
    world.add(Risk, "2", code="R2", title="b", probability=Decimal("0.1"), impact=eur(300),
              due=date(2026, 3, 1))  # fmt: skip
    world.add(Risk, "3", code="R3", title="c", probability=half)
    world.add(Risk, "4", code="R4", title="d", probability=half, impact=eur(9), status="closed")
    figures = world.project().figures
    assert (figures["risk_exposure"].value, figures["risk_exposure"].unit) == (530, "EUR")
    assert figures["risk_exposure"].note == "1 open risk without probability or impact not counted"
    assert figures["risks_open"].value == 3
    parts = explain(world.inputs(), "NET", "risk_exposure").parts
    assert [(p.value, p.source) for p in parts] == [(500, "0.5 · EUR 1,000.00"),
                                                     (30, "0.1 · EUR 300.00")]  # fmt: skip
    [late] = world.findings("risk-overdue")
    assert late.message == "Risk R2 (b) was due on 1 Mar 2026, 12 days ago, and is open"
    [bare] = world.findings("risk-unquantified")
    assert bare.message == "1 open risk without probability or impact: R3"


@pytest.mark.parametrize(
    ("currency", "given", "reason"),
    [
        ("EUR", False, "no risk is registered"),
        ("", True, "the project has no currency"),
    ],
)
def test_exposure_that_is_not_known_says_why(world, eur, currency, given, reason):
    world.setup["currency"] = currency
    if given:
        world.add(Risk, "1", code="R1", title="a", status="closed")
    assert world.project().figures["risk_exposure"].reason == reason


def test_every_figure_of_quality_is_explained(world, defect, eur):
    defect("D1", "2026-02-01", labels=("live",))
    defect("D2", "2026-02-20", WorkStatus.DONE, ("2026-03-05", "Open", "Done"))
    world.add(Risk, "1", code="R1", title="a", probability=Decimal(1), impact=eur(7))
    for name in ("open_defects", "defects_opened", "defects_closed", "defects_escaped",
                 "escaped_share", "risks_open", "risk_exposure"):  # fmt: skip
        found = explain(world.inputs(), "NET", name)
        assert found.total == found.figure.value != 0, name
    age = explain(world.inputs(), "NET", "defect_age")
    assert [(p.label, p.value) for p in age.samples] == [("D1 t", 40)]


# ---- trend of the exposure ----------------------------------------------------------------------


@pytest.fixture
def risk(world, eur):
    """`risk(0.5)`: one risk of EUR 1,000 with this probability, in place of the one before."""

    def at(probability, on):
        world.records[Risk.kind] = []
        chance = None if probability is None else Decimal(probability)
        world.add(Risk, "r", code="R1", title="t", probability=chance, impact=eur(1000))
        world.options["data_date"] = on

    return at


def test_exposure_is_compared_with_the_snapshot_before(world, risk):
    risk("0.2", date(2026, 2, 27))
    first = world.snapshot()
    figures = first.projects[0].figures
    assert figures["risk_exposure_change"].value is None
    assert figures["risk_exposure_change"].reason.startswith("no earlier snapshot")
    risk("0.5", date(2026, 3, 6))
    second = world.snapshot(first)
    figures = second.projects[0].figures
    assert (figures["risk_exposure_before"].value, figures["risk_exposure_change"].value) == (
        200, 300,
    )  # fmt: skip
    assert figures["risk_exposure_change"].note == "since 27 Feb 2026"
    found = explain(world.inputs(), "NET", "risk_exposure_change", previous=first)
    assert found.filled == "500.00 − 200.00"
    [part] = explain(world.inputs(), "NET", "risk_exposure_before", previous=first).parts
    assert (part.label, part.value) == ("Risk exposure of the snapshot of 27 Feb 2026", 200)


def test_trend_is_handed_on_from_snapshot_to_snapshot(world, risk):
    snapshot = None
    for day, chance in ((20, "0.2"), (27, None), (28, "0.5")):
        risk(chance, date(2026, 2, day))
        snapshot = world.snapshot(snapshot)
    assert [(p.on.day, p.amount) for p in snapshot.projects[0].exposures] == [
        (20, 200), (27, None), (28, 500),
    ]  # fmt: skip
    again = world.snapshot(snapshot)  # the same day, after that snapshot: no day stands twice
    assert [p.on.day for p in again.projects[0].exposures] == [20, 27, 28]


def test_trend_begins_anew_with_another_currency_and_keeps_twelve(world, risk, eur):
    snapshot = None
    for day in range(1, 15):
        risk("0.1", date(2026, 2, day))
        snapshot = world.snapshot(snapshot)
    assert [p.on.day for p in snapshot.projects[0].exposures] == [*range(3, 15)]
    world.setup["currency"] = "CHF"
    changed = world.snapshot(snapshot).projects[0]
    assert len(changed.exposures) == 1
    assert changed.figures["risk_exposure_before"].value is None
