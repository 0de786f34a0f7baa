"""Scope against its baseline, the help desk's load, and how both are rated."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest

from itpm_sync.model import (
    ChangeRequest,
    HelpDeskItem,
    ItemType,
    Risk,
    TicketStatus,
    TimeEntry,
    WorkItem,
    WorkStatus,
)
from itpm_sync.reconcile.inputs import Policy, ProjectSetup
from itpm_sync.reconcile.number import known
from itpm_sync.reconcile.ratings import band, cost_rating, index_rating, overall_rating
from itpm_sync.reconcile.scope import Scope, month_before
from itpm_sync.reconcile.status import Colour, Rating, ScopeChange


@pytest.fixture
def scoped(world, at):
    """Ten items that existed on the baseline day, 2 February 2026."""
    world.setup["baseline_on"] = date(2026, 2, 2)
    for number in range(10):
        item(world, number, created_at=at("2026-01-05T09:00"))
    return world


def item(world, number, **fields):
    fields = {"key": f"NET-{number}", "title": f"Item {number}"} | fields
    return world.add(WorkItem, f"i{number}", **fields)


@pytest.mark.parametrize(
    ("today", "before"),
    [
        (date(2026, 3, 13), date(2026, 2, 13)), (date(2026, 3, 31), date(2026, 2, 28)),
        (date(2028, 3, 30), date(2028, 2, 29)), (date(2026, 1, 1), date(2025, 12, 1)),
        (date(2026, 1, 31), date(2025, 12, 31)),
    ],
)  # fmt: skip
def test_a_month_before_is_the_same_day_or_the_last_of_a_shorter_month(today, before):
    assert month_before(today) == before


def test_growth_of_the_scope_in_a_month(scoped, at):
    item(scoped, 10, created_at=at("2026-02-13T22:59"))  # still the 13th in Berlin
    item(scoped, 11, created_at=at("2026-02-13T23:00"))
    item(scoped, 12, created_at=at("2026-03-01T09:00"), labels=("CR-7",))
    gone = {"status": WorkStatus.CANCELLED, "created_at": at("2026-01-05T09:00")}
    item(scoped, 13, resolved_at=at("2026-03-02T09:00"), **gone)
    item(scoped, 14, resolved_at=at("2026-02-02T09:00"), **gone)
    # 10 + number 10 + number 13 were in scope then; 10 + 3 are now: 1 of 12 more
    figures = scoped.figures()
    assert figures["items_month_ago"] == 12
    assert figures["scope_growth"] == Decimal("8.333333333333")
    [found] = scoped.findings("scope-growing")
    assert found.message == "13 items in scope, 12 on 13 Feb 2026: 8.3 % more in a month"
    assert [e.label.split()[0] for e in found.evidence] == ["NET-11", "NET-12"]


def test_items_that_were_replaced_are_no_growth(scoped, at):
    old = {"created_at": at("2026-01-05T09:00"), "where": "gone"}
    item(scoped, 10, updated_at=at("2026-03-05T09:00"), **old)
    item(scoped, 11, updated_at=at("2026-03-05T09:00"), **old)
    item(scoped, 12, updated_at=at("2026-01-20T09:00"), **old)  # had gone before
    for number in (20, 21):
        item(scoped, number, created_at=at("2026-03-05T09:00"))
    figures = scoped.figures()
    assert (figures["items_month_ago"], figures["scope_growth"]) == (12, 0)


def test_growth_is_unknown_where_no_item_tells_when_it_was_created(world):
    item(world, 1)
    figure = world.project().figures["scope_growth"]
    assert (figure.value, figure.reason) == (None, "no item tells when it was created")


def test_an_item_that_was_resolved_before_its_import_was_never_in_scope(scoped, at):
    item(scoped, 10, created_at=at("2026-03-01T09:00"), resolved_at=at("2025-10-01T09:00"),
         status=WorkStatus.CANCELLED)  # fmt: skip
    assert scoped.figures()["items_month_ago"] == 10
    assert all(point.scope >= 0 for point in scoped.project().burnup)


def test_growth_up_to_the_watched_share_is_no_finding(scoped, at):
    item(scoped, 10, created_at=at("2026-03-01T09:00"))
    scoped.options["policy"] = Policy(scope_growth_watch=Decimal("0.10"))
    assert scoped.figures()["scope_growth"] == 10
    assert scoped.findings("scope-growing") == []
    scoped.options["policy"] = Policy(scope_growth_watch=Decimal("0.0999"))
    assert len(scoped.findings("scope-growing")) == 1


def test_a_plan_in_the_making_grows_without_a_finding(world, at, scoped):
    item(scoped, 10, created_at=at("2026-03-01T09:00"))
    scoped.setup["baseline_on"] = date(2026, 2, 14)  # the month began before it was frozen
    assert scoped.findings("scope-growing") == []
    scoped.setup["baseline_on"] = None
    assert scoped.findings("scope-growing") == []
    assert scoped.figures()["scope_growth"] == 10


def test_a_project_that_began_this_month_has_no_growth(world, at):
    item(world, 1, created_at=at("2026-03-01T09:00"))
    figure = world.project().figures["scope_growth"]
    assert (figure.value, figure.reason) == (None, "nothing was in scope on 13 Feb 2026")


def test_added_and_removed_items_since_the_baseline(scoped, at):
    # 22:59 UTC is still 2 February in Berlin; 23:00 is the third.
    item(scoped, 10, created_at=at("2026-02-02T22:59"))
    item(scoped, 11, created_at=at("2026-02-02T23:00"))
    item(scoped, 12, created_at=at("2026-03-01T09:00"), labels=("CR-7",))
    item(scoped, 13, created_at=at("2026-03-13T23:00"))  # after the data date
    item(scoped, 14, created_at=at("2026-03-01T09:00"), type=ItemType.EPIC)
    item(
        scoped,
        15,
        created_at=at("2026-01-05T09:00"),
        status=WorkStatus.CANCELLED,
        resolved_at=at("2026-02-20T09:00"),
    )
    item(
        scoped,
        16,
        created_at=at("2026-01-05T09:00"),
        status=WorkStatus.CANCELLED,
        resolved_at=at("2026-01-20T09:00"),
    )  # cancelled before the baseline: never in it
    item(scoped, 17, where="gone", created_at=at("2026-01-05T09:00"))
    scoped.add(ChangeRequest, "c", number="cr-7", title="More", approved_on=date(2026, 2, 27))
    project = scoped.project()
    found = {name: f.value for name, f in project.figures.items()}
    assert (found["baseline_items"], found["added"], found["removed"]) == (13, 2, 2)
    assert found["creep"] == 0
    changes = {(c.change, c.key, c.on, c.approved_by) for c in project.scope_changes}
    assert changes == {
        ("added", "NET-11", date(2026, 2, 3), ""),
        ("added", "NET-12", date(2026, 3, 1), "cr-7"),
        ("removed", "NET-15", date(2026, 2, 20), ""),
        ("removed", "NET-17", None, ""),
    }
    [added] = [f for f in project.findings if f.code == "scope-added-unapproved"]
    assert added.message == (
        "1 item was added to the scope of 2 Feb 2026 (+7.7 %) without an approved change request"
    )
    assert [e.label for e in added.evidence] == ["NET-11 Item 11"]


def test_item_moved_to_another_project_left_the_scope(scoped, at):
    world = scoped
    world.others.append(ProjectSetup(code="SD", name="Desk", baseline_on=date(2026, 2, 2)))
    before = world.snapshot().projects[0].figures["items"].value
    moved = world.records["work_item"].pop()
    world.add(
        WorkItem,
        moved.ref.source_id,
        key="SD-1",
        title="moved",
        project_key="SD",
        created_at=at("2026-01-05T09:00"),
    )
    assert world.figures()["items"] == before - 1


@pytest.mark.parametrize(
    ("fields", "approved"),
    [
        ({"labels": ("14",)}, "14"),
        ({"links": ("14",)}, "14"),
        ({"attributes": {"change_request": "13, 14"}}, "14"),
        ({"labels": ("CR-14",)}, "CR-14"),
        ({"attributes": {"place": "plan.csv row 14"}}, ""),
        ({"attributes": {"rank": "14"}}, ""),
        ({"attributes": {"change_request": "140"}}, ""),
        ({"links": ("relates to 14",)}, ""),
        ({"labels": ("phase 14",)}, ""),
        ({"epic": "14"}, ""),
    ],
    ids=str,
)
def test_a_number_without_letters_approves_only_where_it_can_mean_nothing_else(
    scoped, at, fields, approved
):
    for number in ("14", "CR-14"):
        scoped.add(ChangeRequest, number, number=number, title="More", status="approved")
    item(scoped, 20, created_at=at("2026-03-02T09:00"), **fields)
    [change] = scoped.project().scope_changes
    assert change.approved_by == approved


def test_change_request_approved_later_approves_nothing_yet(scoped, at):
    item(scoped, 10, created_at=at("2026-03-01T09:00"), links=("implements CR-7",))
    scoped.add(ChangeRequest, "c", number="CR-7", title="M", approved_on=date(2026, 3, 20))
    assert scoped.project().scope_changes[0].approved_by == ""
    scoped.records["change_request"].clear()
    scoped.add(ChangeRequest, "c", number="CR-7", title="M", status="Approved")
    assert scoped.project().scope_changes[0].approved_by == "CR-7"


def test_without_a_baseline_creep_is_not_known(world, at):
    item(world, 1, created_at=at("2026-01-05T09:00"))
    creep = world.project().figures["creep"]
    assert (creep.value, creep.reason) == (
        None,
        "no baseline is recorded",
    )


def test_burn_up_counts_at_the_end_of_each_week(world, at):
    item(world, 1, created_at=at("2026-02-24T09:00"))
    item(
        world,
        2,
        created_at=at("2026-03-02T09:00"),
        status=WorkStatus.DONE,
        resolved_at=at("2026-03-08T22:59"),
    )  # 23:59 on Sunday in Berlin
    item(
        world,
        3,
        created_at=at("2026-03-02T09:00"),
        status=WorkStatus.CANCELLED,
        resolved_at=at("2026-03-10T09:00"),
    )
    points = [(p.on, p.scope, p.done) for p in world.project().burnup]
    assert points == [
        (date(2026, 3, 1), 1, 0),
        (date(2026, 3, 8), 3, 1),
        (date(2026, 3, 13), 2, 1),
    ]


def test_published_requirements_churn(vector):
    case = vector("14")
    baseline = case["inputs"]["baseline"]
    changes: list[ScopeChange] = []
    expected = {row["month"]: row["creep_pct"] for row in case["recompute"]}
    for month, removed, added, _changed, _total in case["inputs"]["months"]:
        changes += [change("removed")] * removed + [change("added")] * added
        scope = Scope("b", "", dict.fromkeys(map(str, range(baseline)), ""), (), tuple(changes), ())
        creep = scope.creep.value
        assert creep is not None
        assert float(creep) == pytest.approx(expected[month], abs=0.006)


def change(word):
    return ScopeChange(
        change=word, identity="i", key="k", title="t", work_package="", on=None, approved_by=""
    )


# ---- help desk ----------------------------------------------------------------------------------


def ticket(world, number, **fields):
    return world.add(HelpDeskItem, f"h{number}", key=str(number), title="t", **fields)


def test_load_and_breaches_of_the_help_desk(world, at):
    closed = {"status": TicketStatus.RESOLVED, "created_at": at("2026-03-02T08:00")}
    due = {"resolve_due_at": at("2026-03-10T12:00")}
    ticket(world, 1, resolved_at=at("2026-03-10T12:00"), **closed, **due)  # in time
    ticket(world, 2, resolved_at=at("2026-03-10T12:01"), **closed, **due)  # a minute late
    ticket(world, 3, priority="high", created_at=at("2026-03-09T08:00"), **due)  # open, late
    ticket(
        world,
        4,
        priority="high",
        created_at=at("2026-03-12T08:00"),
        resolve_due_at=at("2026-03-20T12:00"),
        response_due_at=at("2026-03-12T09:00"),
    )  # open, in time, but nobody answered
    ticket(world, 5, resolved_at=at("2026-02-20T12:01"), resolve_breached=False, **closed)
    ticket(world, 6, resolved_at=at("2026-03-11T08:00"), **closed)  # no target
    work = world.records["help_desk_item"][0]
    for number, day in (("a", date(2026, 3, 7)), ("b", date(2026, 3, 6))):
        world.add(TimeEntry, number, item=work.id, person="Ann", on=day, duration_s=3600)
    desk = world.project().help_desk
    assert desk is not None
    assert desk.open_now == 2
    assert desk.open_by_priority == (("high", 2),)
    assert (desk.resolve_breaches, desk.response_breaches) == (2, 1)
    assert desk.within_sla.value == 50  # 1 and 5 met it, 2 and 3 did not
    assert desk.effort.value == 3600  # 7 to 13 March
    assert [(w.monday, w.opened, w.resolved, w.open_at_end) for w in desk.weeks][-2:] == [
        (date(2026, 3, 2), 4, 0, 3),
        (date(2026, 3, 9), 2, 3, 2),
    ]
    [breached] = world.findings("sla-breached")
    assert [e.label for e in breached.evidence] == ["3 t", "4 t", "2 t"]


def test_source_word_about_a_breach_goes_before_its_times(world, at):
    ticket(
        world,
        1,
        created_at=at("2026-03-01T08:00"),
        resolve_due_at=at("2026-03-02T08:00"),
        resolve_breached=False,
    )
    desk = world.project().help_desk
    assert desk is not None
    assert desk.resolve_breaches == 0


def test_project_without_tickets_has_no_help_desk(world):
    assert world.project().help_desk is None


# ---- ratings ------------------------------------------------------------------------------------


def test_published_bands_are_two_sided(vector):
    words = {"yellow": Colour.AMBER, "green": Colour.GREEN, "red": Colour.RED}
    for index, expected in vector("15")["cases"]:
        assert band(Fraction(index), Policy()) is words[expected], index


def test_one_sided_bands_where_the_policy_says_so():
    assert band(Fraction(2), Policy(two_sided=False)) is Colour.GREEN


@pytest.mark.parametrize(
    ("index", "colour", "told"),
    [
        ("0.8", "red", "SPI 0.80, below 0.90"),
        ("0.9", "amber", "SPI 0.90, below 0.95"),  # a bound belongs to the better side
        ("0.95", "green", "SPI 0.95"),
        ("1.05", "green", "SPI 1.05"),
        ("1.08", "amber", "SPI 1.08, above 1.05: check the plan and unbooked work"),
        ("1.2", "red", "SPI 1.20, above 1.10: check the plan and unbooked work"),
        ("0.89999", "red", "SPI 0.89999, below 0.90"),
        ("0.8996", "red", "SPI 0.8996, below 0.90"),  # 0.90 and 0.900 would be the bound itself
        ("0.948", "amber", "SPI 0.948, below 0.95"),
    ],
)
def test_a_rating_names_the_bound_that_was_broken(index, colour, told):
    found = index_rating("time", "SPI", known(Fraction(index)), Policy())
    assert (found.colour, found.reason) == (colour, told)


def test_a_forecast_that_alone_makes_cost_red_names_its_bound():
    numbers = {"cpi": known(Fraction("0.93")), "eac": known(1250), "bac": known(1000)}
    found = cost_rating(numbers, "EUR", Policy())
    assert found.colour is Colour.RED
    assert found.reason == (
        "CPI 0.93, below 0.95; EAC EUR 1,250.00 against BAC EUR 1,000.00 (BAC ÷ EAC 0.80, below "
        "0.90)"
    )


def rated(**colours):
    return [
        Rating(dimension=name, colour=Colour(colour), reason="r")
        for name, colour in colours.items()
    ]


@pytest.mark.parametrize(
    ("colours", "overall"),
    [
        ({"time": "green", "cost": "green", "scope": "grey", "risk": "grey"}, "green"),
        ({"time": "green", "cost": "grey", "scope": "green", "risk": "green"}, "grey"),
        ({"time": "grey", "cost": "grey", "scope": "amber", "risk": "green"}, "amber"),
        ({"time": "amber", "cost": "grey", "scope": "red", "risk": "green"}, "red"),
    ],
)
def test_overall_is_the_worst_and_unknown_is_never_green(colours, overall):
    assert overall_rating(rated(**colours)).colour == overall


def test_declared_rating_better_than_the_computed_one_is_found(world, eur):
    world.setup["declared_rating"] = "Green"
    item(world, 1)
    world.setup |= {"start": date(2026, 1, 1), "finish": date(2026, 2, 1)}
    [found] = world.findings("declared-better-than-computed")
    assert found.message.startswith("Declared green, but the figures say red. Time: SPI 0.00")
    world.setup["declared_rating"] = "red"
    assert world.findings("declared-better-than-computed") == []


def test_risk_exposure_against_the_reserve(world, eur):
    world.setup["management_reserve"] = eur(1000)
    for code, probability, impact in (("R1", "0.5", 1500), ("R2", "0.1", 5000)):
        world.add(
            Risk,
            code,
            code=code,
            title="t",
            probability=Decimal(probability),
            impact=eur(impact),
            due=date(2026, 3, 1),
        )
    world.add(
        Risk, "R3", code="R3", title="t", probability=Decimal(1), impact=eur(9), status="Closed"
    )
    project = world.project()
    rating = next(r for r in project.ratings if r.dimension == "risk")
    # 0.5 × 1500 + 0.1 × 5000 = 1250 of 1000
    assert rating.colour == "red"
    assert "exposure EUR 1,250.00 of a management reserve of EUR 1,000.00" in rating.reason
    assert project.risks == (("R1", "t", "EUR 750.00"), ("R2", "t", "EUR 500.00"))
