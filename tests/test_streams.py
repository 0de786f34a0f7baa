"""Standard streams: closed, full, of an old encoding or without a reader, a command does its work
and ends as it would have."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ITPM = (sys.executable, "-m", "itpm_sync.cli")
UNREADABLE = """
version: 1
title: Größe → \U0001f600
store: sqlite:///itpm.db
connections: {plan: {connector: files, tables: {plan: {file: plan.csv, kind: work_package,
  key: [Code], columns: {project_key: Code, code: Code, name: Name}}}}}
projects: [{code: NET, name: "Größe → \U0001f600"}]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "itpm.yaml").write_text(UNREADABLE, encoding="utf-8")
    return tmp_path


def shell(command: str, folder: Path, **environ: str) -> subprocess.CompletedProcess[bytes]:
    """Runs `command` in bash, where `itpm` is the program."""
    script = f'set -o pipefail; itpm() {{ "{ITPM[0]}" {" ".join(ITPM[1:])} "$@"; }}; {command}'
    return subprocess.run(
        ["bash", "-c", script], cwd=folder, capture_output=True, check=False, timeout=60,
        env={**os.environ, **environ},
    )  # fmt: skip


@pytest.mark.parametrize("command", ["itpm init new | true", "itpm schema | true"])
def test_a_reader_that_leaves_is_no_failure(command: str, folder: Path) -> None:
    done = shell(command, folder)
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_reader_that_leaves_hides_no_failure(folder: Path) -> None:
    done = shell("itpm check 2>/dev/null | true", folder)  # there is no plan.csv
    assert done.returncode == 3


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_full_disk_behind_the_output_is_one_line(folder: Path) -> None:
    done = shell("itpm schema >/dev/full", folder)
    said = b"itpm-sync: standard output: No space left on device\n"
    assert (done.returncode, done.stderr) == (3, said)


@pytest.mark.parametrize("closed", ["<&-", "<&- >&- 2>&-"])
def test_closed_streams_stop_no_command(closed: str, folder: Path) -> None:
    done = shell(f"itpm init new {closed}", folder)
    assert (done.returncode, done.stderr) == (0, b"")
    assert (folder / "new" / "itpm.yaml").is_file()


def test_letters_that_the_terminal_cannot_show_are_escaped(folder: Path) -> None:
    done = shell("itpm reconcile", folder, PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.startswith(b"grey   NET  Gr\\u00f6\\u00dfe \\u2192 \\ud83d\\ude00 \\u2014 ")


def test_json_stays_json_in_any_encoding(folder: Path) -> None:
    done = shell("itpm reconcile --json", folder, PYTHONIOENCODING="latin-1")
    (project,) = json.loads(done.stdout.decode("latin-1"))["projects"]
    assert project["name"] == "Größe → \U0001f600"


def test_a_terminal_that_says_it_has_no_columns_is_shown_something(folder: Path) -> None:
    code = "from itpm_sync.cli import streams; streams.prepare(); print(*os.environ)"
    done = shell(f"'{ITPM[0]}' -c 'import os; {code}'", folder, COLUMNS="0")
    assert b"PATH" in done.stdout
    assert b"COLUMNS" not in done.stdout
