"""How far a pull is: shown on a terminal, by a real process, and nowhere else."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from itpm_sync.connector import Faults
from itpm_sync.output.progress import shown_on
from tests.soak.office import ROOT, Office, two_projects


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    sandbox = two_projects(300)
    yield Office(tmp_path, f"sqlite:///{tmp_path / 'store.db'}", sandbox)
    sandbox.stop()


def on_a_terminal(office: Office, *words: str) -> tuple[str, str]:
    """What `itpm-sync WORDS…` shows on a terminal of 100 columns, and what it writes to a pipe."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    environment = {
        **os.environ, **office.sandbox.environment(), "PYTHONPATH": str(ROOT), "TERM": "xterm",
    }  # fmt: skip
    with subprocess.Popen(
        [sys.executable, "-m", "itpm_sync.cli", *words], cwd=office.folder, env=environment,
        stdout=subprocess.PIPE, stderr=theirs, text=True,
    ) as process:  # fmt: skip
        os.close(theirs)
        shown = _read(ours)
        piped, _ = process.communicate()
    assert process.returncode == 0, shown
    return shown, piped


def _read(terminal: int) -> str:
    """Everything until the other side is closed, which a terminal tells by an error."""
    shown = b""
    try:
        while piece := os.read(terminal, 65536):
            shown += piece
    except OSError:
        pass
    os.close(terminal)
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode())


def test_a_terminal_shows_each_connection_and_the_log_passes_above(office: Office) -> None:
    office.sandbox.set_faults(Faults(latency_s=0.2))
    shown, piped = on_a_terminal(office, "-v", "pull")
    assert re.search(r"jira issue ━+ \d+ of (150|300) listed", shown)
    assert " info jira: issue: 300 new\r\n" in shown
    assert piped == "ok       jira  project: 2 new; issue: 300 new\n"


def test_a_quiet_pull_shows_nothing_on_a_terminal(office: Office) -> None:
    assert on_a_terminal(office, "-q", "pull") == ("", "")


def test_in_a_pipe_there_is_no_progress(office: Office) -> None:
    assert office.run() == (0, "ok       jira  project: 2 new; issue: 300 new\n")


def test_rate_and_remaining_time_are_those_of_the_stream() -> None:
    said = io.StringIO()
    console = Console(file=said, force_terminal=True, width=100)
    with shown_on(console) as progress:
        now = [0.0]
        progress._bars.get_time = lambda: now[0]
        progress.update("jira", "issue", 0, 3_000)
        for second in range(1, 11):
            now[0] = float(second)
            progress.update("jira", "issue", second * 100, 3_000)
        progress._bars.refresh()
        issues = _plain(said)
        progress.update("jira", "sprint", 0, None)
        progress._bars.refresh()
        sprints = _plain(said).removeprefix(issues)
    assert "jira issue" in issues
    assert "1,000 of 3,000 listed 100/s 0:00:20 left" in issues
    assert "jira sprint" in sprints
    assert "/s" not in sprints.splitlines()[-1]


def _plain(said: io.StringIO) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", said.getvalue())
