"""The script that brings up the real Request Tracker."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).with_name("rt.sh")


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(SCRIPT), *arguments], capture_output=True, text=True, check=False)


def test_it_explains_itself() -> None:
    told = run()
    assert told.returncode == 2
    assert "start DIR" in told.stderr


def test_stopping_what_does_not_run_is_well(tmp_path: Path) -> None:
    assert run("stop", str(tmp_path)).returncode == 0


@pytest.mark.systems
def test_starting_again_tells_of_the_server_that_runs(rt_server: Any) -> None:
    again = run("start", str(rt_server.directory))
    assert json.loads(again.stdout)["url"] == rt_server.url
