"""What must hold of the installed distribution; runs in the checkout and from the built wheel."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import distribution, packages_distributions
from pathlib import Path

import pytest
import yaml

import connectors
import itpm_sync


def run(
    *words: str, cwd: Path, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    command = Path(sys.executable).parent / "itpm-sync"
    return subprocess.run(
        [str(command), *words],
        cwd=cwd, env={**os.environ, **(env or {})}, capture_output=True, text=True, check=False,
        stdin=subprocess.DEVNULL, timeout=120,
    )  # fmt: skip


def test_the_import_package_connectors_belongs_to_this_distribution() -> None:
    providers = packages_distributions()  # an editable installation is not listed there
    assert set(providers.get("connectors", ["itpm-sync"])) == {"itpm-sync"}
    assert Path(connectors.__path__[0]).parent == Path(itpm_sync.__path__[0]).parent


def test_every_entry_point_loads() -> None:
    points = [p for p in distribution("itpm-sync").entry_points if p.group.startswith("itpm_sync.")]
    assert {p.name for p in points} >= {"files", "jira", "request_tracker"}
    assert all(p.load() for p in points)


def test_help_names_every_command_of_the_design(tmp_path: Path) -> None:
    done = run("--help", cwd=tmp_path)
    assert done.returncode == 0
    for command in (
        "init check pull remap reconcile report publish run status findings explain baseline "
        "gate connectors schema sandbox demo"
    ).split():
        assert f"\n  {command}" in done.stdout or f" {command} " in done.stdout, command


def test_a_missing_configuration_is_advice_and_exit_code_2(tmp_path: Path) -> None:
    done = run("run", "weekly", cwd=tmp_path)
    assert done.returncode == 2
    assert "itpm.yaml" in done.stderr
    assert "itpm-sync init" in done.stderr
    assert "Traceback" not in done.stderr


def test_init_writes_a_configuration_that_check_can_read(tmp_path: Path) -> None:
    done = run("init", ".", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    document = yaml.safe_load((tmp_path / "itpm.yaml").read_text())
    assert document["connections"]
    again = run("init", ".", cwd=tmp_path)
    assert again.returncode != 0
    assert "exists" in again.stderr


def test_the_demo_runs_from_the_installed_distribution(tmp_path: Path) -> None:
    done = run("demo", "--out", "demo", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "demo" / "itpm.yaml").is_file()
    (page,) = (tmp_path / "demo" / "reports").glob("20*/index.html")
    assert "Network refresh" in page.read_text(encoding="utf-8")
    assert "nothing published" in done.stdout
    after_the_change = done.stdout.split("4. After")[1]
    assert "SDM-1" in after_the_change
    assert "NET-1" not in after_the_change
    assert "DAP-1" not in after_the_change


@pytest.mark.parametrize("word", ["rnu", "--no-such-option"])
def test_wrong_words_are_a_usage_error_not_a_traceback(word: str, tmp_path: Path) -> None:
    done = run(word, cwd=tmp_path)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
