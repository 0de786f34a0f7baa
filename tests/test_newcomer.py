"""What somebody meets who has never seen the program: help, `init`, wrong words."""

from __future__ import annotations

import logging
import re
import signal
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from connectors.jira.sandbox import JiraSandbox
from itpm_sync import cli, starter, trial
from itpm_sync.errors import ConfigError, Stopped
from itpm_sync.logs import _Text
from itpm_sync.output import Output
from tests.calling import Run

JIRA = "--url", "https://example.atlassian.net"


@pytest.fixture
def run(call: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("JIRA_TOKEN", raising=False)
    return call


def test_the_overview_of_commands_cuts_no_sentence_short_at_80_columns(run: Run) -> None:
    code, out, _ = run("--help")
    assert code == 0
    assert "..." not in out.split("Commands:")[1]


def test_the_version_can_be_asked_for(run: Run) -> None:
    code, out, _ = run("--version")
    assert (code, out.split()[0]) == (0, "itpm-sync")
    assert out.split()[1][0].isdigit()


def test_init_writes_configuration_and_plan_of_the_same_project(run: Run, tmp_path: Path) -> None:
    code, out, _ = run(
        "init", "pmo", "--url", "jira.firma.de/browse/ABC-1", "--email", "", "--project", "abc",
        "--currency", "chf",
    )  # fmt: skip
    assert code == 0
    written = yaml.safe_load((tmp_path / "pmo" / "itpm.yaml").read_text())
    jira = written["connections"]["jira-main"]
    assert (jira["url"], jira["flavor"]) == ("https://jira.firma.de", "datacenter")
    assert jira["projects"] == ["ABC"]
    assert written["projects"][0]["currency"] == "CHF"
    plan = (tmp_path / "pmo" / "office" / "plan.csv").read_text().splitlines()
    assert re.fullmatch(r"ABC,1\.1,Design,2.{9},2.{9},4000,percent_complete,100", plan[1])
    assert "cd pmo" in out


MONDAY = date(2026, 11, 23)


@pytest.mark.parametrize("day", range(0, 70, 5))
def test_the_example_lies_in_the_past_and_on_working_days(day: int) -> None:
    today = MONDAY + timedelta(days=day)
    files = starter.files({}, today)
    dates = [date.fromisoformat(d) for d in re.findall(r"\d{4}-\d\d-\d\d", "".join(files.values()))]
    finish = max(dates)
    assert (finish - today).days in range(50, 57)
    assert all(d < today or d == finish for d in dates)
    assert all(d.weekday() < 5 for d in dates)


def test_after_init_and_a_run_the_first_report_has_figures(run: Run, tmp_path: Path) -> None:
    assert run("init").code == run("check").code == 0
    assert run("run", "weekly") == (0, "", "")
    told = run("explain", "NET", "--json").json
    # Design is done, and 3 of the 9 items of the roll-out: 4,000 + 18,000 / 3.
    assert told["ev"]["value"] == "10000"
    # Ana's 40 h at 95 and Ben's 38 h at 90, and an invoice of 3,200.
    assert told["ac"]["value"] == "10420"
    assert told["bac"]["value"] == "22000"
    for name in ("pv", "cpi", "spi", "eac", "ordered", "invoiced", "creep", "es"):
        assert told[name]["value"] is not None, told[name]
    assert 0.9 < float(told["cpi"]["value"]) < 1.1
    assert 0.95 < float(told["spi"]["value"]) < 1.1  # on a Friday, on a Monday
    assert (tmp_path / "reports" / "latest" / "index.html").exists()
    assert "high" not in run("findings").out


def test_with_a_jira_tickets_and_time_are_its_own(run: Run, tmp_path: Path) -> None:
    run("init", *JIRA)
    written = yaml.safe_load((tmp_path / "itpm.yaml").read_text())
    assert {"tickets", "time"}.isdisjoint(written["connections"]["office"]["tables"])
    assert not (tmp_path / "office" / "tickets.csv").exists()
    assert written["allocation"][0]["when"] == {"connection": "jira-main"}


def test_the_comments_of_the_starter_are_a_valid_jira_once_their_signs_are_gone(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("init")
    file = tmp_path / "itpm.yaml"
    file.write_text(re.sub(r"(?m)^(  )?# (jira-main:|  |allocation:)", r"\1\2", file.read_text()))
    monkeypatch.setenv("JIRA_TOKEN", "x")
    assert yaml.safe_load(file.read_text())["connections"]["jira-main"]["projects"] == ["NET"]
    assert run("check", "office").code == 0


def test_what_a_sandbox_prints_takes_the_place_of_the_jira_that_init_wrote(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    printed: list[str] = []

    class Serving:
        def wait(self) -> None:
            run("init", *JIRA)
            text = (tmp_path / "itpm.yaml").read_text()
            block = next(p for p in printed if p.startswith("  jira-main:\n"))
            start, end = text.index("  jira-main:\n"), text.index("  office:")
            (tmp_path / "itpm.yaml").write_text(text[:start] + block + text[end:])
            export = next(p for p in printed if p.startswith("export "))
            monkeypatch.setenv(*export.removeprefix("export ").split("="))
            assert run("check").code == 0
            assert run("pull").code == 0
            raise KeyboardInterrupt

    monkeypatch.setattr(trial, "threading", SimpleNamespace(Event=Serving))
    trial.serve_sandbox("jira", say=printed.append)


def test_init_names_every_wrong_answer_and_writes_nothing(run: Run, tmp_path: Path) -> None:
    code, _, err = run("init", "--project", "net-x y", "--currency", "Euro")
    assert code == cli.EXIT_CONFIG
    assert "--project: expected a project key such as NET" in err
    assert "--currency: expected a currency code such as EUR" in err
    assert not list(tmp_path.iterdir())


def test_init_keeps_a_plan_that_is_there_already(run: Run, tmp_path: Path) -> None:
    (tmp_path / "office").mkdir()
    (tmp_path / "office" / "plan.csv").write_text("mine")
    assert run("init")[0] == 0
    assert (tmp_path / "office" / "plan.csv").read_text() == "mine"


def test_init_takes_this_machines_time_zone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TZ", "America/Bogota")
    trial.init(tmp_path, {})
    assert "timezone: America/Bogota" in (tmp_path / "itpm.yaml").read_text()


def test_demo_takes_its_folder_as_init_does(run: Run, tmp_path: Path) -> None:
    for words in (["here"], ["--out", "here"]):
        code, _, said = run("demo", *words, "--serve")
        assert (code, "no demo here — first: itpm-sync demo here" in said) == (2, True), said
    code, _, said = run("demo", "here", "--out", "there")
    assert (code, "give the folder once" in said) == (2, True), said


def test_init_refuses_to_overwrite(tmp_path: Path) -> None:
    trial.init(tmp_path, {})
    with pytest.raises(ConfigError, match="a configuration exists already"):
        trial.init(tmp_path, {})


@pytest.mark.parametrize(
    ("copied", "site"),
    [
        ("https://x.atlassian.net/jira/software/projects/NET/boards/1", "https://x.atlassian.net"),
        ("https://jira.x.org/context/browse/NET-1?filter=2", "https://jira.x.org/context"),
        ("jira.x.org/", "https://jira.x.org"),
        ("https://jira.x.org/jira", "https://jira.x.org/jira"),
        ("https://jira.x.org/jira/browse/NET-1", "https://jira.x.org/jira"),
    ],
)
def test_the_site_is_found_in_a_copied_address(copied: str, site: str) -> None:
    assert starter.cleaned("url", copied) == site


@pytest.mark.parametrize(
    ("address", "wrong"),
    [
        ("foo bar", "it holds a blank or another character that no address has"),
        ("https://jira.example.org/a b", "it holds a blank or another character that no address"),
        ('https://jira"x', "it holds a blank or another character that no address has"),
        ("http://", "it names no host"),
        ("/browse/NET-1", "it names no host"),
        ("ftp://x", "it begins with ftp://"),
        ("http:/jira.example.org", "http: is no host"),
        ("https://jira..org", "jira..org is no host"),
        ("https://-", "- is no host"),
        ("jira.example.org:0", "jira.example.org:0 is no host"),
        ("jira.example.org:99999", "its port is no number up to 65535, or its brackets"),
        ("https://[::1", "its port is no number up to 65535, or its brackets do not close"),
        ("foo", "a name without a dot needs its scheme, as in https://foo"),
    ],
)
def test_an_address_that_leads_nowhere_is_refused_with_the_reason_and_an_example(
    run: Run, address: str, wrong: str
) -> None:
    code, _, told = run("init", "--url", address)
    assert code == 2
    assert told.startswith(
        "--url: expected an address such as https://example.atlassian.net, found"
    )
    assert f": {wrong}" in told
    assert not Path("itpm.yaml").exists()


@pytest.mark.parametrize(
    "address",
    ["http://jira", "localhost:8080", "https://[::1]:80/jira", "https://jira.exämple.org"],
)
def test_an_address_of_the_house_will_do(address: str) -> None:
    assert starter.cleaned("url", address).endswith(address)


def test_a_password_in_an_address_is_refused_and_not_shown(run: Run) -> None:
    code, _, told = run("init", "--url", "https://ann:geheim@jira.example.org")
    assert code == 2
    assert "no name and no password belong in it; --email and the token say who you are" in told
    assert "geheim" not in told


def test_a_port_that_cannot_be_is_no_fault_of_ours(run: Run) -> None:
    code, _, err = run("sandbox", "jira", "--port", "99999")
    assert code == cli.EXIT_CONFIG
    assert "65535" in err
    assert "fault of ours" not in err


def test_a_missing_dump_is_named_in_words(run: Run) -> None:
    _, _, err = run("sandbox", "jira", "--load", "nope.json")
    assert "nope.json: No such file or directory" in err
    assert "Errno" not in err


def test_a_sandbox_holds_the_demos_programme_and_ctrl_c_ends_it_quietly(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Interrupted:
        def wait(self) -> None:
            raise KeyboardInterrupt

    monkeypatch.setattr(trial, "threading", SimpleNamespace(Event=Interrupted))
    code, out, err = run("sandbox", "jira")
    assert (code, err) == (0, "")
    served = yaml.safe_load(out[out.index("  jira-main:") : out.index("# and in the shell")])
    assert sorted(served["jira-main"]["projects"]) == ["DAP", "NET", "SDM"]
    assert "projects: []" in run("sandbox", "jira", "--empty")[1]


def test_a_sandbox_that_is_stopped_has_ended_well() -> None:
    words = [sys.executable, "-m", "itpm_sync.cli", "sandbox", "jira", "--empty"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as one:
        assert one.stdout is not None
        line = ""
        while not line.startswith("export JIRA_TOKEN="):  # the last that it says
            assert one.poll() is None
            line = one.stdout.readline()
        one.send_signal(signal.SIGTERM)
        out, err = one.communicate(timeout=30.0)
    assert (one.returncode, err) == (0, "")
    assert out in ("", line)  # a signal that comes while a line is written may have it said twice


def test_ctrl_c_while_a_sandbox_is_seeded_is_no_interrupted_run(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise Stopped

    monkeypatch.setattr(JiraSandbox, "seed", interrupted)
    assert run("sandbox", "jira") == (0, "", "")


def test_the_readme_names_the_account_of_the_sandbox(run: Run) -> None:
    sandbox = JiraSandbox()
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    assert f"`{sandbox.email}`" in readme
    assert f"`{sandbox.token}`" in readme


def test_commands_to_go_on_with_can_be_called_from_here(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("sys.argv", [".venv/bin/itpm-sync"])
    monkeypatch.setenv("PATH", str(tmp_path))
    jira = {"url": "https://jira.x.org"}
    assert trial.init(tmp_path / "a", jira)[-1].endswith("then: .venv/bin/itpm-sync run weekly")
    (tmp_path / "itpm-sync").touch(0o755)
    assert trial.init(tmp_path / "b", jira)[-1].endswith("then: itpm-sync run weekly")


def test_a_time_zone_without_its_continent_is_recognised(run: Run, tmp_path: Path) -> None:
    run("init")
    file = tmp_path / "itpm.yaml"
    file.write_text(re.sub(r"(?m)^timezone:.*", "timezone: Zurich", file.read_text()))
    assert "expected a name such as Europe/Zurich" in run("status")[2]


def test_a_title_cannot_command_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    hostile = "Switch \x1b]0;owned\x07\x1b[31m\u202eNET\x9b2J"
    out = Output()
    out.line(hostile)
    out.gates([], whole=False, as_json=False)
    out._table(("A",), [(hostile,)])
    out._print(hostile)
    monitor = logging.LogRecord("x", logging.WARNING, "", 0, hostile, None, None)
    shown = capsys.readouterr().out + _Text().format(monitor)
    assert shown.count("Switch �]0;owned��[31m�NET�2J") == 4
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", shown)


def test_a_pull_of_an_unknown_connection_leaves_no_run_behind(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("init", *JIRA)
    monkeypatch.setenv("JIRA_TOKEN", "x")
    code, _, err = run("pull", "ofice")
    assert (code, 'did you mean "office"' in err) == (cli.EXIT_CONFIG, True)
    assert "pull" not in run("status")[1]


def test_a_report_of_a_day_without_a_snapshot_says_how_to_get_one(run: Run) -> None:
    run("init")
    _, _, err = run("report", "--as-of", "2026-01-31")
    assert "itpm-sync reconcile --as-of 2026-01-31" in err


def test_wrong_values_are_told_in_words_not_in_types(run: Run, tmp_path: Path) -> None:
    run("init", *JIRA)
    file = tmp_path / "itpm.yaml"
    text = file.read_text().replace("https://example.atlassian.net", "jira.x.org")
    file.write_text(text.replace("projects: [NET]", "projects: []"))
    _, _, err = run("check")
    assert (
        "14:5: expected an address such as https://jira.example.org, without blanks, ? and #" in err
    )
    assert "expected at least 1 of them" in err
    assert "String should" not in err
    assert "Tuple" not in err


def test_a_wrong_time_zone_is_told_once(run: Run, tmp_path: Path) -> None:
    run("init")
    file = tmp_path / "itpm.yaml"
    lines = file.read_text().splitlines()
    told = ["timezone: Europe/Zurch" if line.startswith("timezone:") else line for line in lines]
    file.write_text("\n".join(told))
    _, _, err = run("status")
    assert err.count("Europe/Zurch'") == 1


def test_a_column_for_an_unknown_field_names_the_field_and_no_empty_text(
    run: Run, tmp_path: Path
) -> None:
    run("init")
    file = tmp_path / "itpm.yaml"
    file.write_text(file.read_text().replace("planned_start: Start", "planned_strt: Start"))
    _, _, err = run("status")
    assert 'did you mean "planned_start"?' in err
    assert "found" not in err


def test_a_column_that_is_left_empty_is_told_without_the_word_none(
    run: Run, tmp_path: Path
) -> None:
    run("init")
    file = tmp_path / "itpm.yaml"
    file.write_text(file.read_text().replace("code: WBS", "code:"))
    _, _, err = run("status")
    assert "found nothing" in err
    assert "None" not in err


@pytest.mark.parametrize("command", ["reconcile", "report", "export", "explain NET eac"])
def test_nothing_is_told_of_a_day_to_come(run: Run, command: str) -> None:
    run("init")
    code, _, err = run(*command.split(), "--as-of", "2999-01-31")
    assert code == cli.EXIT_CONFIG
    assert "--as-of: the data date 2999-01-31 lies in the future — today is 2" in err


@pytest.mark.parametrize("day", ["0001-01-01", "1969-12-31"])
def test_nothing_is_told_of_a_day_before_there_were_projects(run: Run, day: str) -> None:
    run("init")
    code, _, err = run("reconcile", "--as-of", day)
    assert code == cli.EXIT_CONFIG
    assert f"--as-of: the data date {day} lies before 1970" in err
    assert run("reconcile", "--as-of", "1970-01-01")[0] == cli.EXIT_OK


def test_a_demo_where_nothing_can_be_written_is_one_line(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    code, _, err = run("demo", "file")
    assert (code, err) == (cli.EXIT_PARTIAL, "itpm-sync: cannot write to file: Not a directory\n")


def test_baselines_of_an_unknown_project_are_not_just_none(run: Run) -> None:
    run("init")
    code, _, err = run("baseline", "list", "NETT")
    assert code == cli.EXIT_CONFIG
    assert "no project 'NETT' — did you mean \"NET\"?" in err
    assert run("baseline", "list", "NET")[0] == 0


def test_in_a_pipe_a_table_begins_with_the_names_of_its_columns(run: Run) -> None:
    _, out, _ = run("connectors")
    assert out.splitlines()[0] == "Connector\tSystem\tPublishes\tVerified against"


def test_status_fits_80_columns_with_whole_run_ids_and_times(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    run("init")
    monkeypatch.setenv("JIRA_TOKEN", "x")
    assert run("pull", "office")[0] == 0
    _, out, _ = run("status")
    table = re.sub(r"\x1b\[[0-9;]*m", "", out).splitlines()
    run_line = next(line for line in table if " pull " in line)
    assert len(run_line.split()[0]) == len("20261122T225905-a95138")
    assert run_line.split()[4].endswith("Z")
    assert max(len(line) for line in table if not line.startswith("the latest")) <= 80


def test_a_check_does_not_claim_to_have_looked_where_the_status_goes(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("init", "--url", "http://127.0.0.1:1")
    monkeypatch.setenv("JIRA_TOKEN", "x")
    file = tmp_path / "itpm.yaml"
    text = file.read_text().replace("    flavor: cloud", "    attempts: 1\n    flavor: cloud")
    target = "    publish:\n      - {connection: jira-main, address: NET-9}\n"
    file.write_text(text.replace("\nplan_from:", f"{target}\nplan_from:"))
    _, out, _ = run("check", "jira-main")
    told = next(line for line in out.splitlines() if "→ NET-9" in line)
    assert told.split()[0] == "note"
    assert "publish --dry-run" in told
