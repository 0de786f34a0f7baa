"""More than 24 hours of one person on one day is a finding, over all projects and systems."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from itpm_sync.model import Money, Person, Rate, TimeEntry
from itpm_sync.reconcile.decisions import Waiver
from itpm_sync.reconcile.inputs import ProjectSetup

CODE = "hours-impossible"
DAY = date(2026, 3, 10)


def book(world, hours, *, person="Ada Lovelace", on=DAY, **fields):
    number = len(world.records.get("time_entry", ()))
    seconds = int(Decimal(hours) * 3600)
    world.add(TimeEntry, f"t{number}", person=person, on=on, duration_s=seconds, **fields)


def rate(world, amount, of="Ada Lovelace", currency="EUR"):
    world.add(Rate, of, of=of, per_hour=Money(Decimal(amount), currency))


def test_24_hours_are_a_day_and_a_second_more_is_not(world):
    book(world, 16)
    book(world, 8)
    book(world, 10, on=date(2026, 3, 11))
    book(world, 20, person="Bob")
    assert world.findings(CODE) == []
    book(world, Decimal(1) / 3600)
    assert [f.key for f in world.findings(CODE)] == [f"{CODE}/NET/ada lovelace 2026-03-10"]


def test_it_says_how_much_is_too_much_and_what_that_costs(world, eur):
    rate(world, 90)
    book(world, 20)
    book(world, 10)
    [found] = world.findings(CODE)
    assert (found.severity, found.amount) == ("medium", eur(540))  # 6 h × 90
    assert found.message == (
        "Ada Lovelace is booked for 30.00 h on 10 Mar 2026, 6.00 h more than a day has; "
        "what is too much costs EUR 540.00 at the average rate of the day"
    )
    assert [e.label for e in found.evidence] == [
        "Ada Lovelace, 20.00 h on 10 Mar 2026",
        "Ada Lovelace, 10.00 h on 10 Mar 2026",
    ]


def test_the_same_worklog_of_two_systems_is_told_with_both(world):
    world.add(Person, "p", name="Ada Lovelace", email="ada@example.org")
    book(world, 14, connection="jira")
    book(world, 14, connection="redmine", person="ada@example.org")
    [found] = world.findings(CODE)
    assert found.subject == "ada lovelace 2026-03-10"
    assert "4.00 h more than a day has (jira 14.00 h, redmine 14.00 h)" in found.message
    assert "read it from one of them only" in found.action


def test_over_several_projects_it_belongs_to_the_portfolio(world):
    world.others = [ProjectSetup(code="APP", name="Apps", currency="EUR")]
    book(world, 16)
    book(world, 16, project_key="APP")
    [found] = world.findings(CODE)
    assert found.project == ""


def test_at_several_rates_the_average_of_the_day_counts(world, eur):
    rate(world, 60)
    rate(world, 120, of="Expert")
    rate(world, 0, of="nobody")
    book(world, 20)
    book(world, 12, role="Expert", person="Ada  Lovelace")  # no rate of that spelling: the role's
    [found] = world.findings(CODE)
    assert found.amount == eur(660)  # (20 × 60 + 12 × 120) × 8 ÷ 32


@pytest.mark.parametrize(
    ("rates", "why"),
    [
        ((), "no usable hourly rate for Ada Lovelace"),
        ((("-5", "EUR"),), "no usable hourly rate for Ada Lovelace"),
        ((("60", "EUR"), ("70", "USD")), "rates in EUR, USD"),
    ],
)
def test_what_cannot_be_costed_has_no_amount_but_a_reason(world, rates, why):
    for (amount, currency), of in zip(rates, ("Ada Lovelace", "Expert"), strict=False):
        rate(world, amount, of, currency)
    book(world, 20)
    book(world, 10, role="Expert", person="Ada  Lovelace" if len(rates) == 2 else "Ada Lovelace")
    [found] = world.findings(CODE)
    assert found.amount is None
    assert found.message.endswith(f"what is too much costs n/a: {why}")


def test_time_of_nobody_in_particular_is_none_of_one_person(world):
    book(world, 20, person="")
    book(world, 20, person="")
    assert world.findings(CODE) == []


def test_a_day_can_be_waived_and_stays_the_same_finding_when_it_grows(world):
    book(world, 30)
    world.options["waivers"] = (
        Waiver(
            finding=CODE, project="*", subject="ada lovelace *", reason="a month in one entry",
            author="Ann", expires=date(2026, 4, 1),
        ),
    )  # fmt: skip
    [before] = world.findings(CODE)
    book(world, 3)
    [found] = world.findings(CODE)
    assert found.waiver is not None
    assert found.key == before.key
