"""`itpm-sync capacity`: who has too much work, and what a week is made of."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest

from itpm_sync import cli
from tests.calling import Ended

CONFIG = """\
timezone: UTC
connections:
  office:
    connector: files
    tables:
      items:
        file: items.csv
        kind: work_item
        key: [Key]
        columns:
          key: Key
          title: Title
          project_key: Project
          assignee: Who
          remaining_s: {column: Hours, as: hours}
      people:
        file: people.csv
        kind: person
        key: [Name]
        columns: {name: Name, skills: {column: Skills, as: list}}
        attributes: {leave: Leave}
projects: [{code: NET}]
people: [{name: Luc Meyer, percent: 50}]
capacity: {weeks: 5, undated_weeks: 4}
"""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: Callable[..., Ended]):
    (tmp_path / "itpm.yaml").write_text(CONFIG)
    (tmp_path / "items.csv").write_text(
        "Key,Title,Project,Who,Hours\n"
        "N-1,Core :smile: [bold],NET,Ana Ruiz,800\n"
        "N-2,Edge,NET,Luc Meyer,\n"
    )
    (tmp_path / "people.csv").write_text("Name,Skills,Leave\nAna Ruiz,lan,\nLuc Meyer,lan,\n")
    monkeypatch.chdir(tmp_path)

    def told(*words: str) -> tuple[int, str]:
        ended = call(*words)
        return ended.code, ended.all

    for words in (("pull",), ("reconcile",)):
        assert told(*words)[0] == 0
    return told


def test_everybody_is_a_line_with_load_and_capacity_by_week(run) -> None:
    code, text = run("capacity")
    names, *people = (line.split("\t") for line in text.splitlines())
    assert [names[0], names[-1]] == ["Person", "Not estimated"]
    ana, luc = people
    assert code == 0
    assert ana[:3] == ["Ana Ruiz", "", "lan"]
    assert ana[4:6] == ["200/40", "200/40"]  # whole weeks of the four over which 800 h are spread
    assert luc[0] == "Luc Meyer"
    assert luc[4:] == ["n/a/20", "n/a/20", "n/a/20", "n/a/20", "1"]


def test_a_persons_week_names_its_items_and_says_how_the_capacity_is_made(run) -> None:
    code, text = run("capacity", "ruiz, ana")
    assert code == 0
    assert "Ana Ruiz, week of" in text
    assert "of 8.0 h a full day" in text
    assert "N-1 Core :smile: [bold]" in text
    assert "no date: spread over 4 weeks" in text
    assert "800.0 h remaining" in text


def test_a_week_is_listed_with_everybody_and_nothing_else(run) -> None:
    columns = run("capacity")[1].splitlines()[0].split("\t")
    monday = next(w["monday"] for w in json.loads(run("capacity", "--json")[1])[0]["weeks"][1:])
    day = date.fromisoformat(monday) + timedelta(days=2)
    code, text = run("capacity", "--week", str(day))
    assert code == 0
    assert [line.split("\t") for line in text.splitlines()] == [
        ["Person", "Team", "Skills", columns[4], "Not estimated"],
        ["Ana Ruiz", "", "lan", "200/40", ""],
        ["Luc Meyer", "", "lan", "n/a/20", "1"],
    ]
    for words in ((), ("Ana Ruiz",)):
        found = json.loads(run("capacity", *words, "--week", str(day), "--json")[1])
        assert [w["monday"] for x in found for w in x["weeks"]] == [monday] * len(found)


def test_json_holds_the_same(run) -> None:
    _, text = run("capacity", "--json")
    ana, luc = json.loads(text)
    assert sum(float(w["load_h"]) for w in ana["weeks"]) == pytest.approx(800, abs=0.05)
    assert luc["weeks"][0]["load_h"] is None
    assert luc["weeks"][0]["reason"] == "none of 1 item is estimated"
    assert luc["unestimated"] == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("Anna Ruiz",), "nobody is called 'Anna Ruiz'"),
        (("--skill", "cobol"), "nobody has the skill 'cobol'"),
        (("Ana Ruiz", "--week", "1999-01-01"), "1999-01-01 is not within"),
        (("--week", "1999-01-01"), "1999-01-01 is not within"),
        (("Ana Ruiz", "--week", "soon"), "expected YYYY-MM-DD, found soon"),
    ],
)
def test_what_does_not_exist_is_said_and_mended(run, words: tuple[str, ...], message: str) -> None:
    code, text = run("capacity", *words)
    assert code == cli.EXIT_CONFIG
    assert message in text
