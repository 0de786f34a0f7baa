"""Load against capacity by person and week, by numbers checked by hand."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest

from itpm_sync.model import (
    ItemType,
    Person,
    SourceRef,
    Sprint,
    TimeEntry,
    WorkItem,
    WorkPackage,
    WorkStatus,
)
from itpm_sync.reconcile.capacity import Capacity, Load, Work, capacity
from itpm_sync.reconcile.choices import CapacityChoices, PersonChoices
from itpm_sync.reconcile.workdays import Calendar, Zone

FRIDAY = date(2026, 3, 13)
MONDAY = date(2026, 3, 16)  # the first working day after the data date
HOUR = 3600


def ref(stream: str, number: object) -> SourceRef:
    return SourceRef("src", stream, str(number), f"https://src.test/{number}")


def item(number: int, hours: float | None = None, **fields) -> WorkItem:
    seconds = None if hours is None else round(hours * HOUR)
    fields = {"assignee": "Ana Ruiz", "remaining_s": seconds, **fields}
    return WorkItem(ref=ref("issue", number), key=f"N-{number}", title=f"Item {number}", **fields)


def find(
    *items: WorkItem | Work, sprints=(), entries=(), people=(), on=FRIDAY, **choices
) -> Capacity:
    return capacity(
        [i if isinstance(i, Work) else Work(i) for i in items],
        sprints=sprints,
        entries=entries,
        people=people,
        choices=CapacityChoices(**choices),
        zone=Zone.of("Europe/Berlin"),
        data_date=on,
    )


def only(found: Capacity) -> Load:
    (load,) = found.loads
    return load


def hours(load: Load) -> list[Fraction | None]:
    return [None if w.load.value is None else w.load.value / HOUR for w in load.weeks]


def rooms(load: Load) -> list[Fraction]:
    return [w.capacity / HOUR for w in load.weeks]


def test_remaining_work_is_spread_over_the_working_days_until_it_is_due() -> None:
    # 30 h over Monday 16 to Friday 27 March, ten working days: 3 h a day
    load = only(find(item(1, 30, due=date(2026, 3, 27)), weeks=3))
    assert hours(load) == [15, 15, 0]
    assert rooms(load) == [40, 40, 40]
    # until Wednesday 18: three days, all in the first week
    assert hours(only(find(item(1, 30, due=date(2026, 3, 18)), weeks=2))) == [30, 0]


def test_the_first_week_begins_on_the_day_after_the_data_date() -> None:
    load = only(find(item(1, 12, due=date(2026, 3, 13)), on=date(2026, 3, 10), weeks=1))
    assert (load.weeks[0].monday, load.weeks[0].first) == (date(2026, 3, 9), date(2026, 3, 11))
    assert (hours(load), rooms(load)) == ([12], [24])


def test_holidays_leave_and_part_time_take_from_capacity_and_shift_the_load() -> None:
    ana = PersonChoices(
        name="Ana Ruiz", percent=Decimal(50), leave=(date(2026, 3, 16), date(2026, 3, 17))
    )
    calendar = Calendar.of(days={date(2026, 3, 18): 0})
    load = _with(ana, calendar, item(1, 28, due=date(2026, 3, 27)))
    # Thursday and Friday, then five days, each half a day of 8 h: 8 h and 20 h, all of it used
    assert rooms(load) == [8, 20]
    assert hours(load) == [8, 20]
    assert load.over(Fraction(0)) == ()


def _with(person: PersonChoices, calendar: Calendar, *items: WorkItem) -> Load:
    return only(
        capacity(
            [Work(i) for i in items],
            sprints=(),
            entries=(),
            people=(),
            choices=CapacityChoices(weeks=2, calendar=calendar, people=(person,)),
            zone=Zone.of("Europe/Berlin"),
            data_date=FRIDAY,
        )
    )


def test_a_person_who_is_away_until_it_is_due_is_over_allocated() -> None:
    away = tuple(MONDAY + timedelta(days=n) for n in range(5))
    load = _with(PersonChoices(name="Ana Ruiz", leave=away), Calendar(), item(1, 5, due=away[-1]))
    assert (hours(load)[0], rooms(load)[0]) == (5, 0)
    assert [w.monday for w in load.over(Fraction(1, 10))] == [MONDAY]


def test_due_date_then_sprint_then_package_then_the_weeks_for_undated_work_say_until_when() -> None:
    sprint = Sprint(ref=ref("sprint", 1), name="S1", start=datetime(2026, 3, 23, tzinfo=UTC),
                    finish=datetime(2026, 3, 27, 17, tzinfo=UTC))  # fmt: skip
    package = WorkPackage(ref=ref("wp", 1), code="1.2", name="Core",
                          planned_finish=date(2026, 3, 20))  # fmt: skip
    found = find(
        item(1, 1, due=date(2026, 3, 24), sprints=("S1",)),
        Work(item(2, 1, sprints=("S1",)), package),
        Work(item(3, 1, sprints=("unknown",)), package),
        item(4, 1),
        sprints=[sprint],
    )
    when = {a.item.key: (a.first, a.last, a.why) for a in only(found).assignments}
    monday = date(2026, 3, 23)
    tomorrow = date(2026, 3, 14)
    assert when["N-1"] == (monday, date(2026, 3, 24), "due 24 Mar 2026")
    assert when["N-2"] == (monday, date(2026, 3, 27), "sprint S1 until 27 Mar 2026")
    assert when["N-3"] == (
        tomorrow, date(2026, 3, 20), "package 1.2 planned until 20 Mar 2026",
    )  # fmt: skip
    assert when["N-4"] == (tomorrow, date(2026, 4, 10), "no date: spread over 4 weeks")


def test_overdue_work_is_due_in_the_first_five_working_days() -> None:
    load = only(find(item(1, 10, due=date(2026, 3, 2)), weeks=2))
    assert hours(load) == [10, 0]
    assert load.assignments[0].why == "overdue, due 2 Mar 2026"
    assert load.assignments[0].last == date(2026, 3, 20)


def test_what_is_done_cancelled_an_epic_or_nobodys_is_no_load() -> None:
    found = find(
        item(1, 8, status=WorkStatus.DONE),
        item(2, 8, status=WorkStatus.CANCELLED),
        item(3, 8, type=ItemType.EPIC),
        item(4, 8, assignee=" "),
    )
    assert found.loads == ()


def test_work_without_an_estimate_is_counted_and_a_load_of_only_such_is_not_known() -> None:
    some = only(find(item(1, 8, due=MONDAY), item(2), weeks=1))
    assert (hours(some), some.unestimated) == ([8], 1)
    none = only(find(item(1), item(2), weeks=1))
    assert hours(none) == [None]
    assert none.weeks[0].load.reason == "none of 2 items is estimated"
    assert none.over(Fraction(0)) == ()
    spent = item(3, estimate_s=10 * HOUR, spent_s=4 * HOUR, due=MONDAY)
    assert hours(only(find(spent, weeks=1))) == [6]


def test_one_person_has_one_load_however_the_systems_write_the_name() -> None:
    person = Person(ref=ref("person", 1), name="Ana Ruiz", email="ar@example.org")
    names = ("Ana Ruiz", "Ruiz, Ana", "ar@example.org", "ana.ruiz@example.org", "ANA RUIZ")
    items = [item(n, 1, assignee=name, due=MONDAY) for n, name in enumerate(names)]
    load = only(find(*items, people=[person], weeks=1))
    assert (load.worker.name, hours(load)) == ("Ana Ruiz", [5])


def test_a_record_of_a_source_gives_part_time_leave_and_the_last_day() -> None:
    words = {
        "percent": "80 %",
        "leave": "2026-03-16..2026-03-17, 2026-03-20",
        "left_on": "2026-03-25",
    }
    person = Person(ref=ref("person", 1), name="Ana Ruiz", attributes=words)
    load = only(find(item(1, 1), people=[person], weeks=3))
    # 80 % of: Wednesday and Thursday; Monday to Wednesday; nothing
    assert rooms(load) == [Fraction(64, 5), Fraction(96, 5), 0]


def test_words_of_a_record_that_cannot_be_read_are_told() -> None:
    words = {"percent": "full", "leave": "Christmas, 2026-13-01", "left_on": "31.12.2026"}
    load = only(find(people=[Person(ref=ref("person", 1), name="Ana Ruiz", attributes=words)]))
    assert load.worker.unread == (
        "percent 'full', expected 0 to 100",
        "left_on '31.12.2026', expected DATE or DATE..DATE",
        "leave 'Christmas', expected DATE or DATE..DATE",
        "leave '2026-13-01', expected DATE or DATE..DATE",
    )


def test_the_configuration_goes_before_the_record_field_by_field() -> None:
    person = Person(ref=ref("person", 1), name="Ana Ruiz", team="network", skills=("lan",))
    own = PersonChoices(name="ana ruiz", skills=("wan",))
    worker = capacity(
        [], sprints=(), entries=(), people=[person], choices=CapacityChoices(people=(own,)),
        zone=Zone.of("UTC"), data_date=FRIDAY,
    ).loads[0].worker  # fmt: skip
    assert (worker.team, worker.skills, worker.known) == ("network", ("wan",), True)


def test_booked_time_of_the_last_four_weeks_stands_beside_the_capacity_of_then() -> None:
    entries = [
        TimeEntry(ref=ref("t", n), person="Ruiz, Ana", on=on, duration_s=seconds)
        for n, (on, seconds) in enumerate(
            [(date(2026, 3, 9), HOUR), (date(2026, 3, 13), 2 * HOUR), (date(2026, 2, 20), HOUR),
             (date(2026, 2, 15), 99 * HOUR)]
        )
    ]  # fmt: skip
    booked = only(find(item(1, 1), entries=entries)).booked
    assert [(m, c / HOUR, b / HOUR) for m, c, b in booked] == [
        (date(2026, 2, 16), 40, 1), (date(2026, 3, 9), 40, 3),
    ]  # fmt: skip


def test_who_can_help_has_the_skill_that_the_work_names_and_room() -> None:
    people = [
        Person(ref=ref("person", 1), name="Ana Ruiz", skills=("network",)),
        Person(ref=ref("person", 2), name="Luc Meyer", skills=("Firewall", "network")),
        Person(ref=ref("person", 3), name="Iva Novak", skills=("firewall",)),
        Person(ref=ref("person", 4), name="Tom Becker", skills=("desk",)),
        Person(ref=ref("person", 5), name="Jon Price", skills=("firewall",), active=False),
    ]
    mine = item(1, 60, due=date(2026, 3, 20), components=("FIREWALL",))
    busy = item(2, 30, due=date(2026, 3, 20), assignee="Luc Meyer")
    found = find(mine, busy, people=people)
    ana = next(x for x in found.loads if x.worker.name == "Ana Ruiz")
    able = found.able(ana, ana.weeks[0])
    assert [(o.worker.name, room / HOUR) for o, room in able] == [
        ("Iva Novak", 40),
        ("Luc Meyer", 10),
    ]
    unnamed = find(item(1, 60, due=date(2026, 3, 20)), busy, people=people)
    ana = next(x for x in unnamed.loads if x.worker.name == "Ana Ruiz")
    assert [o.worker.name for o, _ in unnamed.able(ana, ana.weeks[0])] == ["Luc Meyer"]


def test_without_skills_the_team_can_help() -> None:
    people = [
        Person(ref=ref("person", n), name=name, team=team)
        for n, (name, team) in enumerate([("Ana Ruiz", "LAN"), ("Luc Meyer", "lan"), ("Tom B", "")])
    ]
    found = find(item(1, 60, due=date(2026, 3, 20)), people=people)
    assert [o.worker.name for o, _ in found.able(found.loads[0], found.loads[0].weeks[0])] == [
        "Luc Meyer"
    ]


@pytest.mark.parametrize("seed", range(5))
def test_the_weeks_sum_to_the_remaining_work_and_the_order_of_records_changes_nothing(seed) -> None:
    chance = random.Random(seed)  # noqa: S311
    items = [
        item(n, chance.randint(1, 90) / 3, assignee=chance.choice(("Ana Ruiz", "Luc Meyer")),
             due=FRIDAY + timedelta(days=chance.randint(-20, 50)))
        for n in range(40)
    ]  # fmt: skip
    people = [
        Person(ref=ref("person", 1), name="Ana Ruiz", attributes={"percent": "60"}),
        Person(
            ref=ref("person", 2), name="Luc Meyer", attributes={"leave": "2026-03-20..2026-04-02"}
        ),
    ]
    found = find(*items, people=people, weeks=9)
    total = sum(w.load.value or 0 for x in found.loads for w in x.weeks)
    assert total == sum(i.remaining_s or 0 for i in items)
    for load in found.loads:
        for week in load.weeks:
            assert sum(s for _, s in week.parts) == week.load.value
    chance.shuffle(items)
    assert find(*items, people=people[::-1], weeks=9) == found


# ---- findings -----------------------------------------------------------------------------------


def put(world, *records) -> None:
    for record in records:
        world.records.setdefault(record.kind, []).append(record)


def test_too_much_work_is_a_finding_with_the_arithmetic_and_who_could_help(world) -> None:
    put(
        world,
        item(1, 50, due=date(2026, 3, 20), project_key="NET"),
        item(2, 10, due=date(2026, 3, 20), project_key="NET"),
        Person(ref=ref("person", 1), name="Ana Ruiz", team="LAN"),
        Person(ref=ref("person", 2), name="Luc Meyer", team="LAN"),
    )
    (found,) = world.findings("over-allocated")
    assert (found.project, found.subject, found.severity) == ("NET", "ana ruiz", "medium")
    assert found.message == (
        "Ana Ruiz has too much work in 1 week: week of 16 Mar 2026 60.0 h for 40.0 h (+20.0 h). "
        "Room in LAN in the week of 16 Mar 2026: Luc Meyer 40.0 h"
    )
    assert "`itpm-sync capacity 'Ana Ruiz' --week 2026-03-16`" in found.action
    assert [e.label for e in found.evidence] == ["N-1 Item 1", "N-2 Item 2"]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "Who could help is not known: neither skills nor a team are told"),
        ({"team": "LAN"}, "Nobody else in LAN is known to have room in the week of 16 Mar 2026"),
        ({"skills": ("routing",)},
         "Nobody with the skill is known to have room in the week of 16 Mar 2026"),
    ],
)  # fmt: skip
def test_a_finding_says_by_what_nobody_was_found_who_could_help(world, fields, said) -> None:
    put(
        world,
        item(1, 60, due=date(2026, 3, 20)),
        Person(ref=ref("person", 1), name="Ana Ruiz", **fields),
        Person(ref=ref("person", 2), name="Luc Meyer", team="WAN"),
    )
    (found,) = world.findings("over-allocated")
    assert found.message.endswith(f"(+20.0 h). {said}")


@pytest.mark.parametrize(("load", "found"), [(44, 0), (44.5, 1)])
def test_ten_percent_above_capacity_is_tolerated(world, load: float, found: int) -> None:
    put(world, item(1, load, due=date(2026, 3, 20)))
    assert len(world.findings("over-allocated")) == found


def test_work_of_those_who_left_or_leave_before_it_is_due_is_a_finding(world) -> None:
    put(
        world,
        item(1, 8, assignee="Jon Price", due=date(2026, 3, 20)),
        item(2, assignee="Jon Price"),
        item(3, 4, assignee="Ana Ruiz", due=date(2026, 3, 31)),
        item(4, 4, assignee="Ana Ruiz", due=date(2026, 3, 20)),
        Person(ref=ref("person", 1), name="Jon Price", active=False),
        Person(ref=ref("person", 2), name="Ana Ruiz", attributes={"left_on": "2026-03-24"}),
        item(5, 4, assignee="Zoe Lang", due=date(2026, 3, 20)),
        Person(ref=ref("person", 3), name="Zoe Lang", attributes={"left_on": "2026-02-27"}),
    )
    found = sorted(world.findings("work-of-leaver"), key=lambda f: f.subject)
    leaving, gone, long_gone = found
    assert long_gone.message.startswith("Zoe Lang left on 27 Feb 2026; 1 open item is assigned")
    assert gone.message == (
        "Jon Price has left; 2 open items are assigned to them. Effort at stake: 8.0 h"
    )
    assert leaving.message == (
        "Ana Ruiz leaves on 24 Mar 2026; 1 open item is assigned to them for later. "
        "Effort at stake: 4.0 h"
    )
    assert (gone.severity, leaving.severity) == ("high", "medium")
    assert [f.subject for f in world.findings("over-allocated")] == []


def test_items_without_estimate_and_words_that_cannot_be_read_make_the_load_unknown(world) -> None:
    put(
        world,
        item(1),
        item(2, 4),
        Person(ref=ref("person", 2), name="Ana Ruiz", attributes={"percent": "half"}),
    )
    estimates, words = sorted(world.findings("load-unknown"), key=lambda f: f.subject)
    assert estimates.message == (
        "1 of 2 assigned open items have no estimate: the load of Ana Ruiz is higher than shown, "
        "or n/a"
    )
    assert "percent 'half', expected 0 to 100: left out of the capacity" in words.message
