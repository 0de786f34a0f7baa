from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from rich.text import Text

from itpm_sync.connector import Observed, StatusMessage, Target
from itpm_sync.errors import (
    ConnectionFailed,
    NotFound,
    PreconditionFailed,
    RetryableError,
    SafetyStop,
)
from itpm_sync.output import Output
from itpm_sync.output.publication import difference
from itpm_sync.persons import unnamed
from itpm_sync.publish import (
    Action,
    Entry,
    PublishResult,
    State,
    Step,
    figure_text,
    figure_value,
    mark_for,
    publish,
    status_message,
)
from itpm_sync.reconcile.status import Figure, Finding, Severity
from tests.report import sample

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)


def message(project: str = "NET", rating: str = "green") -> StatusMessage:
    return StatusMessage(
        project=project, name="Network refresh", data_date=date(2026, 11, 22), rating=rating,
        reason="on plan", previous_rating=None, ratings=(), figures=(), findings=(),
        findings_total=0, report_url=None,
    )  # fmt: skip


def target(project: str = "NET", connection: str = "jira") -> Target:
    return Target(connection, project, f"{project}-1", "comment")


class Memory:
    """An outbox that outlives a crash of the run."""

    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}
        self.log: list[State] = []

    def instance(self) -> str:
        return "store-1"

    def outbox_entry(self, target: Target) -> Entry | None:
        return self.entries.get(target.id)

    def put_outbox_entry(self, entry: Entry) -> None:
        self.entries[entry.target.id] = entry
        self.log.append(entry.state)


class Wall:
    """A remote system with one field per target, people who edit it, and lost answers."""

    fields = ("comment",)

    def __init__(self) -> None:
        self.texts: dict[str, tuple[str, str]] = {}  # address → mark, text
        self.requests: list[str] = []
        self.fail: Exception | None = None
        self.lose_answer = False

    def validate_address(self, address: str) -> str | None:
        return None

    def render(self, target: Target, message: StatusMessage) -> str:
        return f"{message.name}: {message.rating}"

    def observe(self, target: Target, mark: str, remote_id: str | None) -> Observed:
        self.requests.append("observe")
        if self.fail:
            raise self.fail
        found = self.texts.get(target.address)
        return Observed(found[1], "9") if found and found[0] == mark else Observed(None)

    def write(self, target: Target, content: str, mark: str, current: Observed) -> Observed:
        self.requests.append("write")
        if self.fail:
            raise self.fail
        self.texts[target.address] = (mark, content)
        if self.lose_answer:
            raise KeyboardInterrupt
        return Observed(content, "9")


@contextmanager
def answer_lost(wall: Wall) -> Iterator[None]:
    """What is written here is done, and the program ends before it hears so."""
    wall.lose_answer = True
    with pytest.raises(KeyboardInterrupt):
        yield
    wall.lose_answer = False


def run(wall: Wall, box: Memory, rating: str = "green", **options: object) -> PublishResult:
    return publish([(target(), wall, message(rating=rating))], box, clock=lambda: NOW, **options)  # type: ignore[arg-type]


def actions(result: PublishResult) -> list[Action]:
    return [s.action for s in result.steps]


def test_the_first_status_is_created_and_the_same_again_sends_no_request() -> None:
    wall, box = Wall(), Memory()
    assert actions(run(wall, box)) == [Action.CREATE]
    assert box.log == [State.SENDING, State.DONE]
    wall.requests.clear()
    assert actions(run(wall, box)) == [Action.SKIP]
    assert wall.requests == []


def test_a_changed_status_updates_what_stands_there() -> None:
    wall, box = Wall(), Memory()
    run(wall, box)
    assert actions(run(wall, box, "red")) == [Action.UPDATE]
    assert wall.texts["NET-1"][1] == "Network refresh: red"


def test_a_dry_run_prints_the_plan_and_writes_neither_there_nor_in_the_outbox() -> None:
    wall, box = Wall(), Memory()
    result = run(wall, box, dry_run=True)
    assert actions(result) == [Action.CREATE]
    assert (wall.texts, box.entries) == ({}, {})


def test_a_persons_edit_is_a_conflict_until_somebody_decides() -> None:
    wall, box = Wall(), Memory()
    run(wall, box)
    mark = wall.texts["NET-1"][0]
    wall.texts["NET-1"] = (mark, "edited by Ana")
    for _ in range(2):
        result = run(wall, box, "red")
        assert actions(result) == [Action.CONFLICT]
        assert wall.texts["NET-1"][1] == "edited by Ana"
        assert f"--take-over '{target().id}'" in result.steps[0].reason
    assert actions(run(wall, box, "red", take_over=[target().id])) == [Action.UPDATE]
    assert wall.texts["NET-1"][1] == "Network refresh: red"
    assert actions(run(wall, box, "red")) == [Action.SKIP]


def test_a_persons_deletion_is_a_conflict_not_a_reason_to_write_again() -> None:
    wall, box = Wall(), Memory()
    run(wall, box)
    wall.texts.clear()
    assert actions(run(wall, box, "red")) == [Action.CONFLICT]
    assert actions(run(wall, box, "red", take_over=[target().id])) == [Action.CREATE]


def test_after_a_lost_answer_the_mark_is_looked_up_and_nothing_is_doubled() -> None:
    wall, box = Wall(), Memory()
    with answer_lost(wall):
        run(wall, box)
    assert box.entries[target().id].state is State.SENDING
    wall.requests.clear()
    assert actions(run(wall, box)) == [Action.ADOPT]
    assert wall.requests == ["observe"]
    assert actions(run(wall, box)) == [Action.SKIP]


def test_a_lost_answer_to_an_update_is_adopted_not_taken_for_an_edit() -> None:
    wall, box = Wall(), Memory()
    run(wall, box)
    with answer_lost(wall):
        run(wall, box, "red")
    assert actions(run(wall, box, "red")) == [Action.ADOPT]


def test_a_lost_answer_followed_by_a_new_status_is_our_own_text_not_an_edit() -> None:
    wall, box = Wall(), Memory()
    run(wall, box)
    with answer_lost(wall):
        run(wall, box, "amber")
    assert actions(run(wall, box, "red")) == [Action.UPDATE]
    assert wall.texts["NET-1"][1] == "Network refresh: red"


def test_an_edit_of_what_a_lost_write_had_created_is_a_conflict() -> None:
    wall, box = Wall(), Memory()
    with answer_lost(wall):
        run(wall, box)
    wall.texts["NET-1"] = (wall.texts["NET-1"][0], "edited by Ana")
    assert actions(run(wall, box, "red")) == [Action.CONFLICT]
    assert wall.texts["NET-1"][1] == "edited by Ana"


def test_a_conflict_that_was_told_and_is_then_deleted_stays_one() -> None:
    wall, box = Wall(), Memory()
    with answer_lost(wall):
        run(wall, box)
    wall.texts["NET-1"] = (wall.texts["NET-1"][0], "edited by Ana")
    assert actions(run(wall, box)) == [Action.CONFLICT]
    wall.texts.clear()
    for _ in range(2):
        assert actions(run(wall, box)) == [Action.CONFLICT]
    assert wall.texts == {}


def test_what_a_lost_write_made_and_somebody_deleted_unseen_is_written_again() -> None:
    """Nobody can tell this from a write that never arrived."""
    wall, box = Wall(), Memory()
    with answer_lost(wall):
        run(wall, box)
    wall.texts.clear()
    assert actions(run(wall, box)) == [Action.CREATE]


def test_two_lost_writes_in_a_row_are_not_taken_for_an_edit() -> None:
    wall, box = Wall(), Memory()
    run(wall, box)
    with answer_lost(wall):
        run(wall, box, "amber")  # acted
    original = wall.write

    def refused(*args: object) -> Observed:
        raise RetryableError("connection reset")

    wall.write = refused  # type: ignore[method-assign]
    assert actions(run(wall, box, "red")) == [Action.FAILED]  # not acted
    wall.write = original  # type: ignore[method-assign]
    assert actions(run(wall, box, "green")) == [Action.UPDATE]
    assert wall.texts["NET-1"][1] == "Network refresh: green"


def test_a_refused_precondition_is_a_conflict() -> None:
    wall, box = Wall(), Memory()
    original = wall.write

    def refuse(*args: object) -> Observed:
        raise PreconditionFailed("412")

    wall.write = refuse  # type: ignore[method-assign]
    assert actions(run(wall, box)) == [Action.CONFLICT]
    wall.write = original  # type: ignore[method-assign]
    assert actions(run(wall, box)) == [Action.CREATE]


def test_a_connection_that_is_down_is_asked_once_and_the_others_go_on() -> None:
    down, up, box = Wall(), Wall(), Memory()
    down.fail = ConnectionFailed("host unreachable")
    destinations = [
        (target("A"), down, message("A")),
        (target("B"), down, message("B")),
        (target("C", "rt"), up, message("C")),
    ]
    result = publish(destinations, box, clock=lambda: NOW)
    assert actions(result) == [Action.FAILED, Action.FAILED, Action.CREATE]
    assert down.requests == ["observe"]
    assert "not tried: host unreachable" in result.steps[1].reason


def test_one_missing_issue_does_not_stop_its_connection() -> None:
    wall, box = Wall(), Memory()
    original = wall.observe
    wall.observe = lambda t, m, r: (
        (_ for _ in ()).throw(NotFound("404")) if t.project == "A" else original(t, m, r)
    )  # type: ignore[method-assign]
    result = publish(
        [(target("A"), wall, message("A")), (target("B"), wall, message("B"))],
        box,
        clock=lambda: NOW,
    )
    assert actions(result) == [Action.FAILED, Action.CREATE]
    assert "A-1 is gone or hidden: correct `publish` of project A" in result.steps[0].reason


def test_a_failed_write_is_tried_again_by_the_next_run() -> None:
    wall, box = Wall(), Memory()
    original = wall.write

    def lost(*args: object) -> Observed:
        raise RetryableError("answer lost")

    wall.write = lost  # type: ignore[method-assign]
    assert actions(run(wall, box)) == [Action.FAILED]
    wall.write = original  # type: ignore[method-assign]
    assert actions(run(wall, box)) == [Action.CREATE]


class DatedWall(Wall):
    """One whose texts say of which day the status is."""

    def render(self, target: Target, message: StatusMessage) -> str:
        return f"{message.rating} on {message.data_date}"


def on(wall: DatedWall, box: Memory, day: int, rating: str = "green") -> list[Action]:
    said = replace(message(rating=rating), data_date=date(2026, 11, day))
    return actions(publish([(target(), wall, said)], box, clock=lambda: NOW))


def test_a_status_in_which_only_the_data_date_has_changed_is_written_once_a_week() -> None:
    wall, box = DatedWall(), Memory()
    assert on(wall, box, 2) == [Action.CREATE]
    wall.requests.clear()
    assert [on(wall, box, day) for day in range(3, 9)] == [[Action.SKIP]] * 6
    assert wall.requests == []
    assert on(wall, box, 9) == [Action.UPDATE]
    assert wall.texts["NET-1"][1] == "green on 2026-11-09"
    assert on(wall, box, 10) == [Action.SKIP]


def test_a_status_that_has_changed_is_written_on_the_same_day() -> None:
    wall, box = DatedWall(), Memory()
    on(wall, box, 2)
    assert on(wall, box, 3, "red") == [Action.UPDATE]
    assert on(wall, box, 4, "green") == [Action.UPDATE]
    assert wall.texts["NET-1"][1] == "green on 2026-11-04"


def test_a_status_of_an_earlier_day_replaces_a_later_one() -> None:
    wall, box = DatedWall(), Memory()
    on(wall, box, 3)
    assert on(wall, box, 2) == [Action.UPDATE]


def test_what_is_to_be_taken_over_is_written_whatever_its_date() -> None:
    wall, box = DatedWall(), Memory()
    on(wall, box, 2)
    wall.texts["NET-1"] = (wall.texts["NET-1"][0], "edited by Ana")
    said = replace(message(), data_date=date(2026, 11, 3))
    result = publish([(target(), wall, said)], box, clock=lambda: NOW, take_over=[target().id])
    assert actions(result) == [Action.UPDATE]


def test_a_dry_run_gives_each_text_and_what_stands_in_its_place() -> None:
    wall, box = Wall(), Memory()
    run(wall, box)
    (step,) = run(wall, box, "red", dry_run=True).steps
    assert (step.text_now, step.text) == ("Network refresh: green", "Network refresh: red")
    assert [*difference(step)] == [
        "[red]    - Network refresh: green[/]", "[green]    + Network refresh: red[/]",
    ]  # fmt: skip


def test_a_text_from_outside_is_shown_as_it_is() -> None:
    step = Step(target=target(), action=Action.UPDATE, text="[bold]a[/]\nb", text_now="b")
    shown = Text.from_markup("\n".join(difference(step))).plain
    assert shown.splitlines() == ["    + [bold]a[/]", "      b"]


def test_json_is_shown_a_line_a_key() -> None:
    class Data(Wall):
        def render(self, target: Target, message: StatusMessage) -> str:
            return '{"rating":"red","project":"NET"}'

    (step,) = run(Data(), Memory(), dry_run=True).steps
    assert step.text.splitlines()[1:3] == ['  "rating": "red",', '  "project": "NET"']


def test_a_dry_run_names_what_is_up_to_date_and_publishing_counts_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    wall, box = Wall(), Memory()
    destinations = [(target(p), wall, message(p)) for p in "AB"]
    publish(destinations, box, clock=lambda: NOW)
    destinations[1] = (target("B"), wall, message("B", "red"))

    def told(*, dry_run: bool) -> list[str]:
        Output().published(publish(destinations, box, clock=lambda: NOW, dry_run=dry_run))
        return capsys.readouterr().out.splitlines()

    a, b = target("A").id, target("B").id
    plan = told(dry_run=True)
    assert plan[:2] == [f"up to date {a}", f"would update {b}"]
    assert not [line for line in plan if " more target" in line]
    assert told(dry_run=False) == [f"update {b}", "1 more target is up to date"]
    assert told(dry_run=True)[:2] == [f"up to date {a}", f"up to date {b}"]


def test_a_dry_run_shows_a_plan_that_is_too_long_beside_what_would_stop_it() -> None:
    wall, box = Wall(), Memory()
    destinations = [(target(p), wall, message(p)) for p in "ABC"]
    result = publish(destinations, box, clock=lambda: NOW, max_writes=2, dry_run=True)
    assert actions(result) == [Action.CREATE] * 3
    assert "--max-writes 3" in str(result.stop)


def test_more_writes_than_the_limit_stop_before_the_first() -> None:
    wall, box = Wall(), Memory()
    destinations = [(target(p), wall, message(p)) for p in "ABC"]
    with pytest.raises(SafetyStop, match="--max-writes 3"):
        publish(destinations, box, clock=lambda: NOW, max_writes=2)
    assert wall.texts == {}


def test_marks_are_stable_and_differ_between_installations_and_targets() -> None:
    assert mark_for("s", target("A")) == mark_for("s", target("A"))
    assert len({mark_for(s, target(p)) for s in "st" for p in "AB"}) == 4


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        ("1234567.125", "EUR", "EUR 1,234,567.12"),
        ("1234.5", "JPY", "JPY 1,234"),
        ("-1980", "CHF", "CHF −1,980.00"),
        ("0.925", "ratio", "0.92"),
        ("41.66", "percent", "41.7 %"),
        ("5400", "s", "1.5 h"),
        ("12", "items", "12"),
        ("-3", "days", "−3 days"),
    ],
)
def test_figures_are_rounded_half_even_for_people(value: str, unit: str, text: str) -> None:
    assert figure_text(Figure(name="x", label="X", value=Decimal(value), unit=unit)) == text


def test_an_undefined_figure_says_why() -> None:
    figure = Figure(name="cpi", label="CPI", value=None, unit="ratio", reason="no cost is booked")
    assert figure_text(figure) == "n/a (no cost is booked)"


def test_nothing_invisible_in_a_title_is_published() -> None:
    hidden = "a\x1b[31m\u202eb\x00"
    now = sample.snapshot()
    status = now.projects[0]
    finding = replace(status.findings[0], message=hidden, waiver=None)
    rating = replace(status.rating, reason=hidden)
    status = replace(
        status, name=hidden, rating=rating, ratings=(rating,), findings=(finding,),
        figures={"bac": Figure(name="bac", value=None, unit="EUR", reason=hidden, label="BAC")},
    )  # fmt: skip
    told = status_message(status, now, None, None)
    seen = "a�[31m�b�"
    assert (told.name, told.reason, told.ratings[0][2]) == (seen, seen, seen)
    assert told.figures == (("BAC", f"n/a ({seen})"),)
    assert told.findings[0].endswith(f": {seen}")


def test_what_of_the_cost_is_disputed_is_published_below_it_where_there_is_any() -> None:
    now = sample.snapshot()
    status = now.projects[0]
    assert "of which disputed" not in dict(status_message(status, now, None, None).figures)
    part = sample.figure("disputed", "21600", "EUR", "duplicate-invoice, receipt-over-order")
    status = replace(status, figures={**status.figures, "disputed": part})
    told = status_message(status, now, None, None).figures
    cost = [label for label, _ in told].index("Actual cost")
    assert told[cost + 1] == (
        "of which disputed", "EUR 21,600.00 (duplicate-invoice, receipt-over-order)",
    )  # fmt: skip


# ---- persons ------------------------------------------------------------------------------------


def person_finding(code: str, subject: str, severity: Severity = Severity.MEDIUM) -> Finding:
    return Finding(
        code=code, severity=severity, project="NET", subject=subject,
        message=f"{subject} has 52.0 h for 40.0 h. Room: Ben Ito 8.0 h", action="",
    )  # fmt: skip


def test_findings_about_single_persons_are_counted_and_others_name_somebody() -> None:
    now = sample.snapshot()
    rating = replace(now.projects[0].rating, reason="Set by Ana Ruiz until 7 Dec 2026: late")
    why = "no hourly rate for Ana Ruiz; no hourly rate for Ben Ito"
    status = replace(
        now.projects[0], rating=rating, ratings=(rating,),
        figures={"ac": Figure(name="ac", value=None, unit="EUR", reason=why, label="AC")},
        findings=(
            person_finding("over-allocated", "Ana Ruiz"),
            person_finding("over-allocated", "Ben Ito"),
            person_finding("no-rate", "Ben Ito"), person_finding("other", "ANA RUIZ"),
            person_finding("over-allocated", "Ben Ito", Severity.HIGH),
        ),
    )  # fmt: skip
    told = status_message(status, now, None, None, without=unnamed(["Ana Ruiz", "Ben Ito", ""]))
    assert told.findings == (
        "high: 1 person has too much work in a week; the report says who",
        "medium: 1 person has no hourly rate for booked time; the report says who",
        "medium: somebody has 52.0 h for 40.0 h. Room: somebody 8.0 h",
        "medium: 2 people have too much work in a week; the report says who",
    )
    assert told.findings_total == 4
    assert told.reason == told.ratings[0][2] == "Set by somebody until 7 Dec 2026: late"
    assert told.figures == (("AC", "n/a (no hourly rate for somebody)"),)
    named = status_message(status, now, None, None)
    assert (named.findings_total, "Ana Ruiz" in named.reason) == (5, True)


def test_days_of_more_than_24_hours_are_counted_without_telling_whose_or_when() -> None:
    now = sample.snapshot()
    status = replace(
        now.projects[0],
        findings=tuple(person_finding("hours-impossible", f"ana 2026-03-{n}") for n in (10, 11)),
    )
    told = status_message(status, now, None, None, without=unnamed(["Ana"])).findings
    assert told == (
        "medium: 2 days on which a person is booked for more than 24 hours; the report says who",
    )


def test_a_name_that_a_project_or_a_team_has_too_is_no_persons() -> None:
    without = unnamed(["SPI", "Network", "Ana Ruiz"], ["spi", "Network "])
    assert without("SPI 0.8: Network waits for Ana Ruiz") == "SPI 0.8: Network waits for somebody"


def test_only_whole_names_are_taken_out_and_the_longest_first() -> None:
    without = unnamed(["Ann", "Ann Lee", "Al", "Nobody", "j.x+y"])
    assert without("Ann Lee, Annex, Ann and Al; Nobody knows j.x+y, jax") == (
        "somebody, Annex, somebody and Al; Nobody knows somebody, jax"
    )
    assert unnamed([])("a; a") == "a; a"
    assert without("CPI is n/a: no rate of Ann; no rate of Ann Lee") == (
        "CPI is n/a: no rate of somebody"
    )


def test_a_person_who_is_called_like_a_month_is_not_taken_out_of_dates() -> None:
    without = unnamed(["jan", "May"])
    text = "Set by Jan until 7 Jan 2027; 31 May 2026: 3 May have time, 1 Jan. May is off"
    assert without(text) == (
        "Set by somebody until 7 Jan 2027; 31 May 2026: 3 somebody have time, 1 somebody. "
        "somebody is off"
    )


@pytest.mark.parametrize(
    ("value", "unit", "told"),
    [
        ("-1234567.891", "EUR", ("-1234567.89", "EUR", "EUR −1,234,567.89")),
        ("1234.4", "JPY", ("1234", "JPY", "JPY 1,234")),
        ("0.955", "ratio", ("0.96", "ratio", "0.96")),
        ("-4.25", "percent", ("-4.2", "percent", "−4.2 %")),
        ("5400", "s", ("1.5", "hours", "1.5 h")),
        ("1204", "items", ("1204", "items", "1,204")),
        ("3.5", "points", ("3.5", "points", "3.5 points")),
    ],
)
def test_a_figure_for_programs_is_a_decimal_with_the_digits_of_its_text(
    value: str, unit: str, told: tuple[str, str, str]
) -> None:
    found = figure_value(Figure(name="x", label="X", value=Decimal(value), unit=unit))
    assert (found.value, found.unit, found.text) == told


def test_a_figure_that_is_na_has_no_number_for_programs() -> None:
    found = figure_value(Figure(name="x", label="X", value=None, unit="EUR", reason="why"))
    assert (found.value, found.unit, found.text) == (None, "EUR", "n/a (why)")
