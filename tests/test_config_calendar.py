"""The working calendar of the configuration: portfolio, project, and what cannot be meant."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from pathlib import Path

import pytest

from itpm_sync.app.gathering import calendar
from itpm_sync.config import load
from itpm_sync.errors import ConfigError

OFFICE = """\
connections:
  office:
    connector: files
    folder: .
    tables:
      plan: {file: p.csv, kind: work_package, key: WBS, columns: {code: WBS, name: Name}}
"""

CALENDAR = """
calendar:
  holidays: [2026-12-25, 2026-12-28..2026-12-30]
  part_days: {2026-12-24: 0.5}
projects:
  - code: NET
    currency: EUR
    undistributed_budget: 100
    calendar: {week: {mon: 1, tue: 1, fri: 0.5}, holidays: [2026-12-22], part_days: {2026-12-25: 1}}
  - code: DATA
"""


def test_a_projects_calendar_adds_its_days_to_those_of_the_portfolio(tmp_path: Path) -> None:
    file = tmp_path / "itpm.yaml"
    file.write_text(OFFICE + CALENDAR, encoding="utf-8")
    root = load(file).root
    own, shared = (calendar(root.calendar, p.calendar) for p in root.projects)
    assert (own.week, own.days_a_week) == ((1, 1, 0, 0, Fraction(1, 2), 0, 0), 3)
    assert [own.share(date(2026, 12, d)) for d in (22, 24, 25, 28)] == [0, Fraction(1, 2), 1, 0]
    assert shared.week == (1, 1, 1, 1, 1, 0, 0)
    assert [shared.share(date(2026, 12, d)) for d in (22, 25, 30, 31)] == [1, 0, 0, 1]


@pytest.mark.parametrize(
    ("block", "said"),
    [
        ("{holidays: [2026-12-31..2026-12-24]}", "expected a span of 1 to 367 days"),
        ("{holidays: [Christmas..Easter]}", "expected DATE or DATE..DATE"),
        ("{holidays: [25.12.2026]}", "expected a date as YYYY-MM-DD, found '25.12.2026'"),
        ("{week: {monday: 1}}", "'mon', 'tue', 'wed'"),
        ("{week: {mon: 0}}", "no day of the `week` is worked"),
        ("{part_days: {2026-12-24: 5}}", "3 or less"),
    ],
)
def test_a_calendar_that_cannot_be_meant_is_refused(tmp_path: Path, block: str, said: str) -> None:
    file = tmp_path / "itpm.yaml"
    file.write_text(
        f"{OFFICE}projects: [{{code: NET}}]\ncalendar: {block}\n",
        encoding="utf-8",
    )
    with pytest.raises(ConfigError) as caught:
        load(file)
    assert said in str(caught.value)
