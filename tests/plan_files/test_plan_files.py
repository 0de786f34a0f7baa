"""Microsoft Project XML → work packages of a baseline, by hand-checked numbers."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from itpm_sync.app.plan_files import plan_of_file
from itpm_sync.config import PlanFileOptions
from itpm_sync.errors import ConfigError
from itpm_sync.model import Money
from itpm_sync.mspdi.calendars import _occurrences
from itpm_sync.mspdi.elements import NAMESPACE as NS
from itpm_sync.mspdi.elements import parse
from itpm_sync.reconcile.inputs import Element
from itpm_sync.reconcile.workdays import elapsed

TEXT1 = (
    "<ExtendedAttribute><FieldID>188743731</FieldID><FieldName>Text1</FieldName>"
    "<Alias>Package</Alias></ExtendedAttribute>"
)
TEXT2 = (
    "<ExtendedAttribute><FieldID>188743734</FieldID><FieldName>Text2</FieldName>"
    "</ExtendedAttribute>"
)


@pytest.fixture
def xml(build):
    return SimpleNamespace(**build)


def read(path, **options):
    return plan_of_file(path, PlanFileOptions(**options), "NET", "CHF")


def eur(amount):
    return Money(Decimal(amount), "EUR")


@pytest.fixture
def small(written, xml):
    """1 Build: 1.1 Cable 1,000 (2 to 13 March), 1.2 Switch 500 (9 to 13 March), 1.3 Done."""
    return written(
        xml.task(0, "0", "Network", start="2026-03-02", finish="2026-03-13", cost=1500),
        xml.task(1, "1", "Build", Summary=1, start="2026-03-02", finish="2026-03-13", cost=1500),
        xml.task(2, "1.1", "Cable", start="2026-03-02", finish="2026-03-13", cost=1000, hours=80),
        xml.task(3, "1.2", "Switch", start="2026-03-09", finish="2026-03-13", cost=500, hours=20),
        xml.task(4, "1.3", "Done", Milestone=1, start="2026-03-13", finish="2026-03-13", cost=0),
    )


def test_tasks_are_packages_and_summaries_are_not_counted_twice(small):
    plan, said = read(small)
    assert [(p.code, p.name, p.budget, p.planned_effort_s) for p in plan.packages] == [
        ("1.1", "Cable", eur(1000), 288_000),
        ("1.2", "Switch", eur(500), 72_000),
    ]
    assert (plan.packages[0].planned_start, plan.packages[0].planned_finish) == (
        date(2026, 3, 2), date(2026, 3, 13),
    )  # fmt: skip
    assert plan.packages[0].phases == ()
    assert [(m.code, m.name, m.planned) for m in plan.milestones] == [
        ("1.3", "Done", date(2026, 3, 13))
    ]
    assert plan.source == "plan.xml, its baseline 0"
    assert said == ("left out: 1 resource", "calendar Standard: 7 days off within its weeks")


def test_at_a_level_tasks_are_added_up_each_in_its_own_days(small):
    plan, _ = read(small, level=1)
    (package,) = plan.packages
    assert (package.code, package.name, package.budget) == ("1", "Build", eur(1500))
    assert [(p.start.day, p.finish.day, p.weight) for p in package.phases] == [
        (2, 13, 1000), (9, 13, 500),
    ]  # fmt: skip


def test_the_base_calendar_has_its_part_day_its_holiday_and_what_recurs(small):
    plan, _ = read(small)
    calendar = plan.calendar
    assert calendar.week == (1, 1, 1, 1, Fraction(3, 4), 0, 0)
    free = {d for d, share in calendar.days if not share}
    assert date(2026, 3, 4) in free  # the old form of an exception
    assert {date(2026, 4, 3), date(2026, 4, 6)} <= free
    assert {date(2028, 8, 1), date(2029, 8, 1)} <= free  # each year; 2026 and 2027 are a weekend
    # 2 to 13 March: 10 weekdays, one free, two Fridays of 3/4: 8.5 days; 2 to 6 March: 3.75
    share = elapsed(date(2026, 3, 2), date(2026, 3, 13), date(2026, 3, 6), calendar)
    assert share == Fraction(15, 34)


def test_another_saved_baseline_and_the_present_schedule(written, xml):
    path = written(
        xml.task(1, "1", start="2026-03-02", finish="2026-03-06", cost=10, number=3,
                 Start="2026-05-04T08:00:00", Finish="2026-05-08T17:00:00", Cost=7000),
    )  # fmt: skip
    assert read(path, baseline=3)[0].packages[0].budget == eur(10)
    (package,) = read(path, baseline="schedule")[0].packages
    assert (package.budget, package.planned_start) == (eur(70), date(2026, 5, 4))
    with pytest.raises(ConfigError, match="no task has a baseline 0; saved in the file: 3"):
        read(path)


def test_a_custom_field_names_the_package_and_is_inherited(written, xml):
    path = written(
        xml.task(1, "1", "Phase", inner=xml.text("188743731", "NET-A")),
        xml.task(2, "1.1", start="2026-03-02", finish="2026-03-06", cost=10),
        xml.task(3, "1.2", start="2026-03-09", finish="2026-03-13", cost=30),
        xml.task(4, "2", "Alone", start="2026-03-02", finish="2026-03-06", cost=5,
                 inner=xml.text("188743731", "NET-B")),
        fields=TEXT1,
    )  # fmt: skip
    for name in ("Package", "text1", "188743731"):
        plan, _ = read(path, work_package=name)
        assert [(p.code, p.name, p.budget) for p in plan.packages] == [
            ("NET-A", "Phase", eur(40)), ("NET-B", "Alone", eur(5)),
        ]  # fmt: skip


def test_only_tasks_of_the_project_count_and_the_others_are_told(written, xml):
    path = written(
        xml.task(1, "1", "Net", inner=xml.text("188743734", "net")),
        xml.task(2, "1.1", start="2026-03-02", finish="2026-03-06", cost=10),
        xml.task(3, "2", start="2026-03-09", finish="2026-03-13", cost=30,
                 inner=xml.text("188743734", "DATA")),
        xml.task(4, "3", start="2026-03-09", finish="2026-03-13", cost=30),
        fields=TEXT2,
    )  # fmt: skip
    plan, said = read(path, project="Text2")
    assert [p.code for p in plan.packages] == ["1.1"]
    assert "left out: 1 task of project DATA" in said
    assert "left out: 1 task of no named project" in said


def test_a_package_without_its_field_is_a_mistake_with_line_and_task(written, xml):
    path = written(xml.task(5, "1", "Cable", start="2026-03-02", finish="2026-03-06", cost=1))
    with pytest.raises(ConfigError) as caught:
        read(path, work_package="Text1")
    (problem,) = caught.value.problems
    assert problem.message == "task 5 (Cable): no Text1 to name its package"
    line = next(
        n for n, words in enumerate(path.read_text("utf-8").splitlines(), 1) if "<Task>" in words
    )
    assert problem.where == f"{path}:{line}"


def test_what_a_summary_costs_of_its_own_is_counted_once(written, xml):
    path = written(
        xml.task(0, "0", start="2026-03-02", finish="2026-03-13", cost=1100),
        xml.task(1, "1", start="2026-03-02", finish="2026-03-13", cost=1100, fixed=100),
        xml.task(2, "1.1", start="2026-03-02", finish="2026-03-13", cost=1000),
    )
    plan, said = read(path)
    assert [(p.code, p.budget) for p in plan.packages] == [("1", eur(100)), ("1.1", eur(1000))]
    assert not [words for words in said if "apart" in words]


def test_a_total_that_the_tasks_do_not_sum_to_is_told(written, xml):
    path = written(
        xml.task(0, "0", start="2026-03-02", finish="2026-03-13", cost=1200),
        xml.task(1, "1", start="2026-03-02", finish="2026-03-13", cost=1000),
    )
    assert read(path)[1][-1] == (
        "the tasks sum to EUR 1,000.00, the file's own total is EUR 1,200.00: EUR −200.00 apart"
    )


# ---- time-phased data ---------------------------------------------------------------------------


def weights(path, **options):
    (package,) = read(path, **options)[0].packages
    return [(p.start.isoformat(), p.finish.isoformat(), p.weight) for p in package.phases]


def test_time_phased_cost_is_followed_and_the_rest_is_spread(written, xml):
    path = written(
        xml.task(1, "1", start="2026-03-02", finish="2026-03-13", cost=1000),
        assignments=xml.assignment(
            1,
            xml.phased(5, "2026-03-02T08:00:00", "2026-03-03T08:00:00", "30000"),
            xml.phased(5, "2026-03-03T08:00:00", "2026-03-03T17:00:00", "40000"),
            xml.phased(4, "2026-03-02T08:00:00", "2026-03-03T08:00:00", "PT8H0M0S"),
            xml.phased(5, "2026-03-04T08:00:00", "2026-03-05T08:00:00", "0"),
        ),
    )
    assert weights(path) == [
        ("2026-03-02", "2026-03-02", 300),
        ("2026-03-02", "2026-03-13", 300),  # what no assignment phases
        ("2026-03-03", "2026-03-03", 400),
    ]


def test_time_phased_work_shapes_the_cost_to_the_cent(written, xml):
    path = written(
        xml.task(1, "1", start="2026-03-02", finish="2026-03-13", cost=100),
        assignments=xml.assignment(
            1,
            xml.phased(4, "2026-03-02T08:00:00", "2026-03-09T08:00:00", "PT10H0M0S", unit=3),
            xml.phased(4, "2026-03-09T08:00:00", "2026-03-16T08:00:00", "PT20H0M0S", unit=3),
        ),
    )
    found = weights(path)
    assert found == [
        ("2026-03-02", "2026-03-08", Decimal("33.3333")),
        ("2026-03-09", "2026-03-15", Decimal("66.6667")),
    ]
    assert sum(weight for *_, weight in found) == 100


@pytest.mark.parametrize(("number", "kind"), [(0, 10), (1, 19), (3, 31)])
def test_time_phased_data_of_a_task_is_that_of_its_baseline(written, xml, number, kind):
    path = written(
        xml.task(
            1, "1", start="2026-03-02", finish="2026-03-13", cost=10, number=number,
            inner=xml.phased(kind, "2026-03-05T00:00:00", "2026-03-06T00:00:00", "1000")
            + xml.phased(6, "2026-03-02T00:00:00", "2026-03-03T00:00:00", "1000"),
        )
    )  # fmt: skip
    assert weights(path, baseline=number) == [("2026-03-05", "2026-03-05", 10)]


def test_more_time_phased_cost_than_the_task_has_is_told(written, xml):
    path = written(
        xml.task(1, "1", "Cable", start="2026-03-02", finish="2026-03-13", cost=10),
        assignments=xml.assignment(
            1, xml.phased(5, "2026-03-02T08:00:00", "2026-03-02T17:00:00", "3000")
        ),
    )
    assert weights(path) == [("2026-03-02", "2026-03-02", 10)]
    said = read(path)[1]
    assert (
        "task 1 (Cable): 30 of time-phased cost is more than its baseline cost 10; it is taken as "
        "the shape only"
    ) in said


def test_a_task_with_a_calendar_of_its_own_is_planned_on_its_days(written, xml):
    path = written(
        xml.task(1, "1", start="2026-03-02", finish="2026-03-15", cost=100, CalendarUID=7)
    )
    assert weights(path) == [
        (day, day, 25) for day in ("2026-03-07", "2026-03-08", "2026-03-14", "2026-03-15")
    ]


def test_a_plan_without_cost_is_planned_by_its_work(written, xml):
    path = written(
        xml.task(1, "1", "Phase"),
        xml.task(2, "1.1", start="2026-03-02", finish="2026-03-06", hours=30),
        xml.task(3, "1.2", start="2026-03-09", finish="2026-03-13", hours=10),
    )
    (package,) = read(path, level=1)[0].packages
    assert (package.budget, package.planned_effort_s) == (None, 144_000)
    assert [p.weight for p in package.phases] == [108_000, 36_000]


# ---- what is left out, and what is refused ------------------------------------------------------


def test_what_is_no_part_of_the_baseline_is_left_out_and_told(written, xml):
    path = written(
        xml.task(1, "1", start="2026-03-02", finish="2026-03-06", cost=1),
        xml.task(2, "2", "Late idea"),
        xml.task(3, "3", Active=0, start="2026-03-02", finish="2026-03-06", cost=1),
        xml.task(4, "4", ExternalTask=1, start="2026-03-02", finish="2026-03-06", cost=1),
        "<Task><UID>5</UID><IsNull>1</IsNull></Task>",
        assignments=xml.assignment(1),
    )
    plan, said = read(path)
    assert [p.code for p in plan.packages] == ["1"]
    assert said[:5] == (
        "left out: 1 assignment (their cost and time-phasing is in the tasks)",
        "left out: 1 inactive task",
        "left out: 1 resource",
        "left out: 1 task of another plan",
        "left out: 1 task not in the baseline: task 2 (Late idea)",
    )


def test_a_field_can_say_what_element_of_the_budget_a_task_is(written, xml):
    path = written(
        xml.task(1, "1", start="2026-03-02", finish="2026-03-06", cost=70),
        xml.task(2, "2", start="2026-03-02", finish="2026-03-06", cost=20,
                 inner=xml.text("188743734", "Planning package")),
        xml.task(3, "3", start="2026-03-02", finish="2026-03-06", cost=10,
                 inner=xml.text("188743734", "management_reserve")),
        fields=TEXT2,
    )  # fmt: skip
    plan, _ = read(path, element="Text2")
    assert [p.element for p in plan.packages] == [
        Element.WORK, Element.PLANNING, Element.RESERVE,
    ]  # fmt: skip
    path = written(
        xml.task(1, "1", start="2026-03-02", finish="2026-03-06", cost=70,
                 inner=xml.text("188743734", "spare")),
        fields=TEXT2,
    )  # fmt: skip
    with pytest.raises(ConfigError, match=r"task 1 .*expected work_package, .* found 'spare'"):
        read(path, element="Text2")


MISTAKES = [
    ("<Start>2026-13-01T08:00:00</Start>", "Start: expected a time such as"),
    ("<Cost>12,5</Cost>", "Cost: expected a number, found '12,5'"),
    ("<Cost>NaN</Cost>", "Cost: expected a number of money"),
    ("<Cost>1E+99</Cost>", "Cost: expected a number of money"),
    ("<Work>8 hours</Work>", "Work: expected work such as PT40H0M0S"),
    ("<Work>-PT</Work>", "Work: expected work such as PT40H0M0S"),
    (f"<Work>PT{'9' * 30}H0M0S</Work>", "Work: expected work such as PT40H0M0S"),
    ("<Number>x</Number>", "Number: expected a whole number"),
]


@pytest.mark.parametrize(("element", "said"), MISTAKES)
def test_a_value_that_cannot_be_read_is_named_by_line_and_task(written, xml, element, said):
    number = "" if "Number" in element else "<Number>0</Number>"
    path = written(
        xml.task(1, "1", start="2026-03-02", finish="2026-03-06", cost=1),
        xml.task(9, "2", "Cable", inner=f"\n<Baseline>{number}\n{element}</Baseline>"),
    )
    with pytest.raises(ConfigError) as caught:
        read(path)
    (problem,) = caught.value.problems
    assert problem.message.startswith(f"task 9 (Cable): {said}")
    lines = path.read_text("utf-8").splitlines()
    assert element in lines[int(problem.where.rpartition(":")[2]) - 1]


def test_every_mistake_is_told_at_once_and_no_more_than_a_screen_of_them(written, xml):
    path = written(*(xml.task(n, str(n), start="never", cost=1) for n in range(1, 31)))
    with pytest.raises(ConfigError) as caught:
        read(path)
    assert len(caught.value.problems) == 21
    assert caught.value.problems[-1].message == "and 10 mistakes more"


def test_finish_before_start_and_impossible_dates_are_refused(written, xml):
    with pytest.raises(ConfigError, match="is before the start"):
        read(written(xml.task(1, "1", start="2026-03-06", finish="2026-03-02", cost=1)))
    with pytest.raises(ConfigError, match="before 1970 or after 2100"):
        read(written(xml.task(1, "1", start="1026-03-02", finish="1026-03-06", cost=1)))


def test_work_below_0_is_refused_not_taken_without_its_sign(written, xml):
    path = written(xml.task(1, "1", start="2026-03-02", finish="2026-03-06", hours=8))
    path.write_text(path.read_text("utf-8").replace("PT8H", "-PT8H"), "utf-8")
    with pytest.raises(ConfigError, match="cost or work is below 0"):
        read(path)


HOSTILE = {
    "laughs": '<!DOCTYPE p [<!ENTITY a "ha">]><Project>&a;</Project>',
    "external": '<!DOCTYPE p SYSTEM "file:///etc/passwd"><Project/>',
    "broken": "<Project><Tasks></Project>",
    "other": "<html xmlns='http://www.w3.org/1999/xhtml'/>",
    "no namespace": "<Project><Tasks/></Project>",
    "text": "not xml at all",
    "empty": "",
    "deep": "<Project xmlns='http://schemas.microsoft.com/project'>" + "<a>" * 40,
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_file_that_is_no_such_plan_is_refused_in_words(tmp_path, case):
    path = tmp_path / "plan.xml"
    path.write_text(HOSTILE[case], encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        read(path)
    assert str(path) in str(caught.value)


def test_a_binary_plan_a_missing_one_and_a_huge_one_are_refused(tmp_path, monkeypatch):
    path = tmp_path / "plan.mpp"
    path.write_bytes(b"\xd0\xcf\x11\xe0rest")
    with pytest.raises(ConfigError, match="binary plan"):
        read(path)
    with pytest.raises(ConfigError, match="cannot be read"):
        read(tmp_path / "none.xml")
    monkeypatch.setattr("itpm_sync.mspdi.elements.MAX_BYTES", 2)
    path.write_text("<Project/>", encoding="utf-8")
    with pytest.raises(ConfigError, match="at most"):
        read(path)


RECURRENCES = [
    ("<Type>1</Type>", [1, 2, 3, 4]),
    ("<Type>7</Type><Period>10</Period>", [1, 11, 21, 31]),
    ("<Type>6</Type><Period>2</Period><DaysOfWeek>10</DaysOfWeek>", [2, 4, 16, 18]),
    ("<Type>4</Type><Period>1</Period><MonthDay>17</MonthDay>", [17]),
    (
        "<Type>5</Type><Period>1</Period><MonthItem>7</MonthItem><MonthPosition>3</MonthPosition>",
        [26],
    ),
    (
        "<Type>3</Type><Month>2</Month><MonthItem>8</MonthItem><MonthPosition>4</MonthPosition>",
        [27],
    ),
    ("<Type>3</Type><Month>2</Month><MonthItem>1</MonthItem><MonthPosition>1</MonthPosition>", [3]),
    ("<Type>2</Type><Month>2</Month><MonthDay>30</MonthDay>", [30]),
]


@pytest.mark.parametrize(("kind", "days"), RECURRENCES)
def test_exceptions_recur_as_their_type_says(tmp_path, kind, days):
    """March 2026 begins on a Sunday, as the weeks of a recurrence do."""
    text = (
        f"<p:Exception xmlns:p='{NS}' xmlns='{NS}'><TimePeriod>"
        "<FromDate>2026-03-01T00:00:00</FromDate><ToDate>2026-03-31T23:59:00</ToDate>"
        f"</TimePeriod>{kind}</p:Exception>"
    )
    path = tmp_path / "plan.xml"
    path.write_text(
        f"<Project xmlns='{NS}'><Calendars>{text}</Calendars></Project>", encoding="utf-8"
    )
    nodes = []
    parse(path, frozenset({"Calendars"}), lambda home, node: nodes.append(node))
    found = list(_occurrences(nodes[0], date(2026, 3, 1), date(2026, 3, 31)))
    assert [d.day for d in found][:4] == days


def test_an_unknown_recurrence_of_a_calendar_is_refused_with_its_line(written, xml):
    path = written(xml.task(1, "1", start="2026-03-02", finish="2026-03-06", cost=1))
    path.write_text(path.read_text("utf-8").replace("<Type>2</Type>", "<Type>8</Type>"), "utf-8")
    with pytest.raises(ConfigError, match="National day: a recurrence of type 8 is not known"):
        read(path)


def test_the_outline_makes_summaries_where_levels_and_flags_are_missing(written, xml):
    rows = [
        xml.task(1, "1", "Phase", start="2026-03-02", finish="2026-03-06", cost=10),
        xml.task(2, "1.1", start="2026-03-02", finish="2026-03-06", cost=10),
    ]
    stripped = [r.replace("<OutlineLevel>1</OutlineLevel>", "").replace(
        "<OutlineLevel>2</OutlineLevel>", "") for r in rows]  # fmt: skip
    plan, _ = read(written(*stripped))
    assert [p.code for p in plan.packages] == ["1.1"]


def test_a_task_with_only_a_finish_is_planned_for_that_day(written, xml):
    path = written(xml.task(1, "1", cost=1, finish="2026-03-06"))
    (package,) = read(path)[0].packages
    assert (package.planned_start, package.planned_finish) == (date(2026, 3, 6), date(2026, 3, 6))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_damaged_plan_gives_a_plan_or_says_what_is_wrong(tmp_path, xml, data):
    whole = xml.document(
        xml.task(1, "1", "Phase", inner=xml.text("188743731", "A")),
        xml.task(2, "1.1", start="2026-03-02", finish="2026-03-06", cost=10, hours=8),
        assignments=xml.assignment(
            2, xml.phased(5, "2026-03-02T08:00:00", "2026-03-03T08:00:00", "1000")
        ),
        fields=TEXT1,
    )
    at = data.draw(st.integers(0, len(whole) - 1))
    cut = data.draw(st.integers(0, 12))
    with_ = data.draw(st.text(max_size=6))
    path = tmp_path / "plan.xml"
    path.write_bytes((whole[:at] + with_ + whole[at + cut :]).encode("utf-8", "replace"))
    problems = said_of(path)
    assert all(p.message and str(path) in (p.where or "") for p in problems)


def said_of(path):
    """What is wrong with a plan; nothing where it can be read."""
    try:
        read(path)
    except ConfigError as error:
        return error.problems
    return ()


def test_midnight_ends_the_day_before(written, xml):
    path = written(xml.task(1, "1", start="2026-03-02", finish="2026-03-06", cost=1))
    words = path.read_text("utf-8").replace("2026-03-06T17:00:00", "2026-03-07T00:00:00")
    path.write_text(words, "utf-8")
    assert read(path)[0].packages[0].planned_finish == date(2026, 3, 6)


def test_a_plan_without_currency_takes_that_of_the_project(written, xml):
    path = written(xml.task(1, "1", start="2026-03-02", finish="2026-03-06", cost=1))
    words = path.read_text("utf-8").replace("<CurrencyCode>EUR</CurrencyCode>", "")
    path.write_text(words, "utf-8")
    assert read(path)[0].packages[0].budget == Money(Decimal(1), "CHF")
    with pytest.raises(ConfigError, match="names no currency"):
        plan_of_file(path, PlanFileOptions(), "NET", "")
