from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest

from itpm_sync import logs
from itpm_sync.errors import Stopped
from itpm_sync.http import Redactor
from itpm_sync.monitoring import ConnectionHealth, Health, metrics_text, replace_file, status_json
from itpm_sync.stopping import Stopping

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


def health(name: str = "jira-main") -> Health:
    broken = ConnectionHealth(state="failed", message="login refused", as_of=None, records=12)
    return Health(
        job="weekly", state="partial", exit_code=3,
        started=NOW, finished=NOW + timedelta(seconds=90),
        last_success=NOW - timedelta(days=1), connections={name: broken}, findings={"high": 2},
    )  # fmt: skip


def test_the_status_file_says_what_a_monitor_asks() -> None:
    data = orjson.loads(status_json(health()))
    assert (data["exit_code"], data["finished"]) == (3, "2026-11-22T03:01:30Z")
    assert data["connections"]["jira-main"]["message"] == "login refused"


def test_a_name_that_is_no_text_does_not_cost_the_status_file() -> None:
    told = health()
    broken = replace(told.connections["jira-main"], message="no file \udcdcber.csv")
    told = replace(told, message="\ud83d", connections={"jira-main": broken})
    data = orjson.loads(status_json(told))
    assert data["message"] == "\N{REPLACEMENT CHARACTER}"
    assert data["connections"]["jira-main"]["message"] == "no file \N{REPLACEMENT CHARACTER}ber.csv"


@pytest.mark.parametrize("form", ["text", "json"])
def test_what_others_wrote_is_one_line_of_the_log_and_commands_no_terminal(
    form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with usual_logging():
        logs.configure(0, form, Redactor())
        logging.getLogger("itpm_sync").warning("%s", "\x1b[2Ja\udcdc\n2026-11-22 error: forged")
    first, *more = capsys.readouterr().err.splitlines()
    assert all(line.startswith("  ") for line in more)
    assert not set(first) & {"\x1b", "\udcdc"}


def test_a_library_that_is_interrupted_by_the_stop_does_not_log_it_as_its_fault(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with usual_logging():
        logs.configure(0, "text", Redactor())
        for error in (Stopped(), ValueError("no stop")):
            try:
                raise error
            except (Stopped, ValueError):
                logging.getLogger("sqlalchemy.pool").exception("Exception closing connection")
    said = capsys.readouterr().err
    assert said.count("Exception closing connection") == 1
    assert "ValueError: no stop" in said


class Disposed:
    def __init__(self, error: BaseException) -> None:
        self.error = error

    def __del__(self) -> None:
        raise self.error


def test_a_stop_while_an_object_is_disposed_of_leaves_no_traceback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda what: told.append(str(what.exc_value)))
    with Stopping():
        Disposed(Stopped())
        Disposed(ValueError("no stop"))
    Disposed(ValueError("later"))
    assert told == ["no stop", "later"]


LEAVING = """
import os, signal
from itpm_sync.stopping import Stopping
with Stopping() as stopping:
    stopping.over()
    os.kill(os.getpid(), signal.SIGINT)
os.kill(os.getpid(), signal.SIGTERM)
raise SystemExit(3)
"""
TELLING = """
import os, signal
from itpm_sync import cli
def told():
    os.kill(os.getpid(), signal.SIGTERM)
cli._run_command = told
cli.main()
"""


@pytest.mark.parametrize(
    ("program", "code", "said"),
    [
        pytest.param(LEAVING, 3, "", id="the-work-is-done"),
        pytest.param(TELLING, 143, "itpm-sync: stopped by SIGTERM", id="an-error-is-told"),
    ],
)
def test_a_signal_at_the_very_end_leaves_no_traceback(program: str, code: int, said: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stdout) == (code, "")
    assert ended.stderr.partition(";")[0] == said


@contextmanager
def usual_logging() -> Iterator[None]:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    try:
        yield
    finally:
        root.handlers[:], root.level = before


def test_the_metrics_name_each_connection_and_job() -> None:
    lines = metrics_text(health()).decode().splitlines()
    assert 'itpm_sync_connection_up{connection="jira-main"} 0' in lines
    assert 'itpm_sync_run_exit_code{job="weekly"} 3' in lines
    assert 'itpm_sync_run_duration_seconds{job="weekly"} 90' in lines
    assert 'itpm_sync_findings{severity="high"} 2' in lines


def test_label_values_cannot_break_the_format() -> None:
    text = metrics_text(health('a"b\\c\nd')).decode()
    assert 'itpm_sync_connection_up{connection="a\\"b\\\\c\\nd"} 0' in text.splitlines()


def test_a_file_that_cannot_be_replaced_leaves_the_old_one_and_no_debris(tmp_path: Path) -> None:
    path = tmp_path / "status.json"
    replace_file(path, b"old")
    with pytest.raises(TypeError):
        replace_file(path, "not bytes")  # type: ignore[arg-type]
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["status.json"]
