"""Builds small plans in Microsoft Project XML, as the planning tools write them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

NAMESPACE = "http://schemas.microsoft.com/project"

CALENDAR = """
  <Calendar>
    <UID>1</UID><Name>Standard</Name><IsBaseCalendar>1</IsBaseCalendar>
    <BaseCalendarUID>-1</BaseCalendarUID>
    <WeekDays>
      {weekdays}
      <WeekDay><DayType>0</DayType><DayWorking>0</DayWorking>
        <TimePeriod><FromDate>2026-03-04T00:00:00</FromDate>
        <ToDate>2026-03-04T23:59:00</ToDate></TimePeriod></WeekDay>
    </WeekDays>
    <Exceptions>
      <Exception><EnteredByOccurrences>0</EnteredByOccurrences>
        <TimePeriod><FromDate>2026-04-03T00:00:00</FromDate>
        <ToDate>2026-04-06T23:59:00</ToDate></TimePeriod>
        <Occurrences>1</Occurrences><Name>Easter</Name><Type>1</Type><DayWorking>0</DayWorking>
      </Exception>
      <Exception><EnteredByOccurrences>0</EnteredByOccurrences>
        <TimePeriod><FromDate>2026-01-01T00:00:00</FromDate>
        <ToDate>2040-12-31T23:59:00</ToDate></TimePeriod>
        <Name>National day</Name><Type>2</Type><Month>7</Month><MonthDay>1</MonthDay>
        <DayWorking>0</DayWorking>
      </Exception>
    </Exceptions>
  </Calendar>
  <Calendar>
    <UID>7</UID><Name>Weekend shift</Name><IsBaseCalendar>0</IsBaseCalendar>
    <BaseCalendarUID>1</BaseCalendarUID>
    <WeekDays>
      <WeekDay><DayType>1</DayType><DayWorking>1</DayWorking></WeekDay>
      <WeekDay><DayType>7</DayType><DayWorking>1</DayWorking></WeekDay>
      {free}
    </WeekDays>
  </Calendar>
"""
_HOURS = (
    "<WorkingTimes><WorkingTime><FromTime>08:00:00</FromTime><ToTime>12:00:00</ToTime>"
    "</WorkingTime><WorkingTime><FromTime>13:00:00</FromTime><ToTime>{to}</ToTime></WorkingTime>"
    "</WorkingTimes>"
)


def _weekday(day_type: int) -> str:
    working = 2 <= day_type <= 6
    hours = _HOURS.format(to="17:00:00" if day_type != 6 else "15:00:00") if working else ""
    return (
        f"<WeekDay><DayType>{day_type}</DayType><DayWorking>{int(working)}</DayWorking>{hours}"
        "</WeekDay>"
    )


def calendars() -> str:
    """Monday to Friday, Friday until three; 4 March, Easter and 1 August are free."""
    return CALENDAR.format(
        weekdays="".join(map(_weekday, range(1, 8))),
        free="".join(
            f"<WeekDay><DayType>{n}</DayType><DayWorking>0</DayWorking></WeekDay>"
            for n in range(2, 7)
        ),
    )


def task(uid: int, wbs: str, name: str = "", **fields: object) -> str:
    """A task; `start`, `finish` (days), `cost` (in the currency) and `hours` make its baseline."""
    name = name or f"Task {uid}"
    saved = ""
    if "start" in fields or "cost" in fields:
        saved = "<Baseline><Number>{number}</Number><Interim>0</Interim>".format(
            number=fields.pop("number", 0)
        )
        if start := fields.pop("start", None):
            saved += f"<Start>{start}T08:00:00</Start>"
        if finish := fields.pop("finish", None):
            saved += f"<Finish>{finish}T17:00:00</Finish>"
        if (hours := fields.pop("hours", None)) is not None:
            saved += f"<Work>PT{hours}H0M0S</Work>"
        if (cost := fields.pop("cost", None)) is not None:
            saved += f"<Cost>{cost * 100}</Cost>"
        if fixed := fields.pop("fixed", None):
            saved += f"<FixedCost>{fixed * 100}</FixedCost>"
        saved += "</Baseline>"
    inner = str(fields.pop("inner", ""))
    words = "".join(f"<{k}>{v}</{k}>" for k, v in fields.items())
    level = wbs.count(".") + 1 if wbs != "0" else 0
    return (
        f"<Task><UID>{uid}</UID><ID>{uid}</ID><Name>{name}</Name><WBS>{wbs}</WBS>"
        f"<OutlineNumber>{wbs}</OutlineNumber><OutlineLevel>{level}</OutlineLevel>{words}{inner}"
        f"{saved}</Task>\n"
    )


def text(number: str, value: str) -> str:
    """A custom field of a task."""
    return (
        f"<ExtendedAttribute><FieldID>{number}</FieldID><Value>{value}</Value></ExtendedAttribute>"
    )


def assignment(task_uid: int, *parts: str, cost: int | None = None) -> str:
    """An assignment of a task with its time-phased data."""
    saved = f"<Baseline><Number>0</Number><Cost>{cost * 100}</Cost></Baseline>" if cost else ""
    return (
        f"<Assignment><UID>{task_uid}01</UID><TaskUID>{task_uid}</TaskUID><ResourceUID>1"
        f"</ResourceUID>{saved}{''.join(parts)}</Assignment>"
    )


def phased(kind: int, start: str, finish: str, value: str, unit: int = 2) -> str:
    """One period of time-phased data."""
    return (
        f"<TimephasedData><Type>{kind}</Type><UID>1</UID><Start>{start}</Start>"
        f"<Finish>{finish}</Finish><Unit>{unit}</Unit><Value>{value}</Value></TimephasedData>"
    )


def document(*tasks: str, head: str = "", assignments: str = "", fields: str = "") -> str:
    """A whole plan in euros with the calendars above."""
    return (
        f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<Project xmlns="{NAMESPACE}">\n'
        f"<SaveVersion>14</SaveVersion><Title>Network</Title><CurrencyCode>EUR</CurrencyCode>\n"
        f"<CalendarUID>1</CalendarUID><MinutesPerDay>480</MinutesPerDay>{head}\n"
        f"<ExtendedAttributes>{fields}</ExtendedAttributes>\n<Calendars>{calendars()}</Calendars>\n"
        f"<Tasks>\n{''.join(tasks)}</Tasks>\n"
        "<Resources><Resource><UID>0</UID></Resource><Resource><UID>1</UID><Name>Ann</Name>"
        f"</Resource></Resources>\n<Assignments>{assignments}</Assignments>\n</Project>\n"
    )


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., Path]:
    """Writes a plan and gives its path."""

    def write(*tasks: str, **parts: str) -> Path:
        path = tmp_path / "plan.xml"
        path.write_text(document(*tasks, **parts), encoding="utf-8")
        return path

    return write


@pytest.fixture
def build() -> dict[str, Callable[..., str]]:
    """The builders: `task`, `text`, `assignment`, `phased`, `document`."""
    return {
        "task": task, "text": text, "assignment": assignment, "phased": phased,
        "document": document,
    }  # fmt: skip
