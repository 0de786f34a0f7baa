"""`baseline record | list | diff`: from the store, a plan file and the tickets, by the command."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from itpm_sync import app
from tests.calling import Ended

CONFIG = """\
currency: EUR
timezone: Europe/Zurich
connections:
  office:
    connector: files
    folder: .
    tables:
      plan:
        file: plan.csv
        kind: work_package
        key: [Project, WBS]
        columns:
          project_key: Project
          code: WBS
          name: Name
          planned_start: Start
          planned_finish: Finish
          budget: {column: Budget, currency: EUR}
projects:
  - {code: NET, management_reserve: 50, plan_file: {level: 1}}
  - {code: EMPTY}
"""
PLAN = """\
Project,WBS,Name,Start,Finish,Budget
NET,1,Cable,2026-03-02,2026-03-27,1000.00
"""
XML = """\
<?xml version="1.0"?>
<Project xmlns="http://schemas.microsoft.com/project"><CurrencyCode>EUR</CurrencyCode><Tasks>
<Task><UID>1</UID><Name>Build</Name><WBS>1</WBS><OutlineLevel>1</OutlineLevel></Task>
<Task><UID>2</UID><Name>Cable</Name><WBS>1.1</WBS><OutlineLevel>2</OutlineLevel>
<Baseline><Number>0</Number><Start>2026-03-02T08:00:00</Start><Finish>2026-04-10T17:00:00</Finish>
<Cost>160000</Cost></Baseline></Task>
</Tasks></Project>
"""
Run = Callable[..., tuple[int, str]]


@pytest.fixture(scope="module")
def pulled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small office whose plan is pulled."""
    folder = tmp_path_factory.mktemp("office")
    (folder / "itpm.yaml").write_text(CONFIG, encoding="utf-8")
    (folder / "plan.csv").write_text(PLAN, encoding="utf-8")
    (folder / "net.xml").write_text(XML, encoding="utf-8")
    with app.open_session(folder / "itpm.yaml") as session:
        assert app.pull(session).state == "ok"
    return folder


@pytest.fixture
def run(pulled: Path, tmp_path: Path, call: Callable[..., Ended]) -> Run:
    """Runs a command on a copy of the office; gives exit code and output."""
    shutil.copytree(pulled, tmp_path, dirs_exist_ok=True)

    def told(*words: str) -> tuple[int, str]:
        ended = call("-c", str(tmp_path / "itpm.yaml"), *words)
        return ended.code, ended.all

    return told


def test_each_version_says_where_it_is_from_and_what_differs(run: Run, tmp_path: Path) -> None:
    by = ("--author", "Ann", "--approval", "Board")
    code, said = run("baseline", "record", "NET", *by)
    assert (code, said) == (
        0,
        (
            "baseline 1 of NET recorded: 1 work package, 0 scope items, EUR 1,000.00, management "
            "reserve EUR 50.00\n"
        ),
    )
    code, said = run("baseline", "record", "net", *by, "--from", str(tmp_path / "net.xml"))
    assert code == 0
    assert said.splitlines()[0] == (
        "baseline 2 of NET recorded: 1 work package, 0 scope items, EUR 1,600.00, management "
        "reserve EUR 50.00, from net.xml, its baseline 0"
    )
    _, listed = run("baseline", "list", "NET", "--json")
    first, second = json.loads(listed)
    assert (first["calendar"]["week"], second["source"]) == (
        [1, 1, 1, 1, 1, 0, 0], "net.xml, its baseline 0",
    )  # fmt: skip
    _, told = run("baseline", "diff", "NET", "1", "2")
    assert "budget: EUR 1,000.00 → EUR 1,600.00" in told
    assert "planned_finish: 2026-03-27 → 2026-04-10" in told


def test_amounts_set_apart_are_no_work_packages(run: Run, tmp_path: Path) -> None:
    config = (tmp_path / "itpm.yaml").read_text(encoding="utf-8")
    apart = config.replace("{code: NET, ", "{code: NET, undistributed_budget: 200, ")
    (tmp_path / "itpm.yaml").write_text(apart, encoding="utf-8")
    _, said = run("baseline", "record", "NET", "--author", "Ann")
    assert said == (  # 1,000 + 200, and 50 beside them
        "baseline 1 of NET recorded: 1 work package, 0 scope items, EUR 1,200.00, of which "
        "undistributed budget EUR 200.00, management reserve EUR 50.00\n"
    )
    (tmp_path / "itpm.yaml").write_text(apart.replace("reserve: 50", "reserve: 70"), "utf-8")
    run("baseline", "record", "NET", "--author", "Ann")
    _, told = run("baseline", "diff", "NET", "1", "2")
    assert told == "changed  management reserve: budget: EUR 50.00 → EUR 70.00\n"
    _, listed = run("baseline", "list", "NET")
    assert [line.split()[4:6] for line in listed.splitlines()[1:]] == [["1", "0"]] * 2


def test_a_summary_adds_nothing_to_the_budget_that_is_recorded(run: Run, tmp_path: Path) -> None:
    plan = PLAN.replace("Budget", "Budget,Above").replace(",1000.00", ",1000.00,")
    plan += "NET,1.1,Duct,2026-03-02,2026-03-27,1000.00,1\n"
    (tmp_path / "plan.csv").write_text(plan, encoding="utf-8")
    config = (tmp_path / "itpm.yaml").read_text(encoding="utf-8")
    above = config.replace(
        "          name: Name\n", "          name: Name\n          parent: Above\n"
    )
    (tmp_path / "itpm.yaml").write_text(above, encoding="utf-8")
    run("pull")
    _, said = run("baseline", "record", "NET", "--author", "Ann")
    assert said.startswith(
        "baseline 1 of NET recorded: 2 work packages, 0 scope items, EUR 1,000.00, management"
    )


def test_the_figures_stand_beside_the_original_after_a_new_version(
    run: Run, tmp_path: Path
) -> None:
    run("baseline", "record", "NET", "--author", "Ann")
    run("baseline", "record", "NET", "--author", "Ann", "--from", str(tmp_path / "net.xml"))
    run("reconcile")
    code, said = run("explain", "NET", "bac_growth")
    assert code == 0
    assert "= BAC − original BAC\n= 1,600.00 − 1,000.00\n" in said
    _, found = run("findings", "NET", "--json")
    codes = {f["code"] for f in json.loads(found)}
    assert {"over-target-baseline", "original-baseline-exceeded"} <= codes


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("NOPE",), "no project 'NOPE'"),
        (("NET", "--from", "none.xml"), "none.xml: cannot be read"),
        (("NET", "--from", "tickets"), "no ticket of NET is in a work package"),
        (("NET", "--from", "tickets", "--measure", "size"), "expected points or estimate"),
        (("NET", "--from", "tickets", "--rate", "much"), "expected an amount such as CHF 120.50"),
        (("EMPTY",), "has neither plan nor tickets"),
    ],
)
def test_what_cannot_be_recorded_is_told_and_nothing_is(
    run: Run, words: tuple[str, ...], said: str
) -> None:
    code, told = run("baseline", "record", *words, "--author", "Ann")
    assert (code, said in told) == (2, True), told
    assert run("baseline", "list", "--json")[1].strip() == "[]"


def test_options_of_the_command_go_before_the_block_of_the_project(
    run: Run, tmp_path: Path
) -> None:
    file = str(tmp_path / "net.xml")
    record = ("baseline", "record", "NET", "--author", "Ann", "--from", file)
    code, told = run(*record, "--baseline", "11")
    assert (code, "baseline" in told) == (2, True)
    code, told = run(*record, "--package-field", "Text1")
    assert (code, "no Text1 to name its package" in told) == (2, True)
    assert run(*record, "--level", "2")[0] == 0
    listed = json.loads(run("baseline", "list", "--json")[1])
    assert [p["code"] for p in listed[0]["packages"]] == ["1.1", "management reserve"]


def test_a_baseline_without_packages_does_not_follow_one_with_some(
    run: Run, tmp_path: Path
) -> None:
    record = ("baseline", "record", "EMPTY", "--author", "Ann")
    assert run(*record, "--from", str(tmp_path / "net.xml"))[0] == 0
    code, told = run(*record)
    assert (code, "no source gives work packages of EMPTY" in told) == (2, True), told
