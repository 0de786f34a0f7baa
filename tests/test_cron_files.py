"""The schedules that ship with the product: well formed, and every command in them exists."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from itpm_sync.cli import cli

ROOT = Path(__file__).resolve().parents[1]
CRON = ROOT / "cron"
CRONTAB = (CRON / "itpm-sync.crontab").read_text(encoding="utf-8")
SERVICE = (CRON / "itpm-sync.service").read_text(encoding="utf-8")
KUBERNETES = list(yaml.safe_load_all((CRON / "kubernetes-cronjob.yaml").read_text("utf-8")))


def _container() -> dict[str, Any]:
    pod = KUBERNETES[1]["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    return dict(pod["containers"][0])


def _entries() -> list[list[str]]:
    """The crontab's lines: five fields of time, a user, a command."""
    lines = [x.strip() for x in CRONTAB.splitlines()]
    found = [x.split(None, 6) for x in lines if x and x[0] not in "#ABCDEFGHIJKLMNOPQRSTUVWXYZ"]
    return [[*x[:6], x[6]] for x in found]


def _commands() -> list[list[str]]:
    """Every `itpm-sync …` of the three schedules, as a list of arguments."""
    texts = [e[6] for e in _entries()]
    texts += re.findall(r"^ExecStart=(.*)$", SERVICE, re.MULTILINE)
    called = [re.search(r"(?:^|; |/bin/)itpm-sync ([^;>|]*)", text) for text in texts]
    assert all(called)
    container = _container()
    return [*(shlex.split(c[1]) for c in called if c), list(container["args"])]


def _parsed(arguments: list[str]) -> tuple[str, dict[str, Any]]:
    """The command and its parameters, as the command line itself would read them."""
    group = typer.main.get_command(cli)
    context = group.make_context("itpm-sync", list(arguments))
    words = [*context._protected_args, *context.args]
    name, command, rest = group.resolve_command(context, words)  # type: ignore[attr-defined]
    return name, command.make_context(name, rest, parent=context).params


@pytest.mark.parametrize("arguments", _commands(), ids=" ".join)
def test_every_command_exists_and_parses_and_its_job_is_in_the_example(
    arguments: list[str],
) -> None:
    name, parameters = _parsed(arguments)
    assert name in {"run", "status"}
    if name == "run":
        example = yaml.safe_load((ROOT / "config" / "itpm.yaml").read_text(encoding="utf-8"))
        assert parameters["job"] in example["jobs"]


def test_the_crontab_has_sound_times_and_tells_a_person() -> None:
    limits = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
    assert len(_entries()) == 3
    for entry in _entries():
        for field, (low, high) in zip(entry, limits, strict=False):
            numbers = [int(n) for n in re.findall(r"\d+", field)]
            assert field == "*" or all(low <= n <= high for n in numbers), entry
        assert entry[5] == "itpm-sync"
        assert "%" not in entry[6], "cron reads % as the end of a line"
    assert re.search(r"^MAILTO=\S+@\S+$", CRONTAB, re.MULTILINE)
    assert CRONTAB.endswith("\n"), "cron ignores a last line without an end"


def test_the_environment_file_is_read_alike_by_the_shell_and_by_systemd() -> None:
    lines = (CRON / "environment").read_text(encoding="utf-8").splitlines()
    settings = [line for line in lines if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[A-Z_]+='[^']*'", line) for line in settings), settings
    script = 'set -a; . "$1"; env'
    shown = subprocess.run(
        ["sh", "-c", script, "sh", str(CRON / "environment")],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "JIRA_TOKEN=replace-me" in shown.stdout.splitlines()


def test_the_cronjob_forbids_overlap_keeps_its_data_and_takes_secrets_by_reference() -> None:
    claim, job = KUBERNETES
    spec = job["spec"]
    pod = spec["jobTemplate"]["spec"]["template"]["spec"]
    volumes = {v["name"]: v for v in pod["volumes"]}
    assert spec["concurrencyPolicy"] == "Forbid"
    assert volumes["data"]["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]
    assert {m["name"] for m in _container()["volumeMounts"]} == set(volumes)
    assert all("secretKeyRef" in e["valueFrom"] for e in _container()["env"])
    assert pod["securityContext"]["runAsNonRoot"] is True
    final = spec["jobTemplate"]["spec"]["podFailurePolicy"]["rules"][0]["onExitCodes"]
    assert (final["containerName"], final["values"]) == (_container()["name"], [2, 4])


def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is not installed")
    service = SERVICE.replace("/opt/itpm-sync/bin/itpm-sync", "/bin/true")
    (tmp_path / "itpm-sync.service").write_text(service)
    shutil.copy(CRON / "itpm-sync.timer", tmp_path)
    units = [str(tmp_path / "itpm-sync.service"), str(tmp_path / "itpm-sync.timer")]
    done = subprocess.run(
        [analyze, "verify", "--man=no", *units], capture_output=True, text=True, check=False
    )
    complaints = [line for line in done.stderr.splitlines() if "itpm-sync" in line]
    assert complaints == []


def test_the_timer_makes_up_for_missed_runs() -> None:
    timer = (CRON / "itpm-sync.timer").read_text(encoding="utf-8")
    assert re.search(r"^Persistent=true$", timer, re.MULTILINE)
    assert re.search(r"^OnCalendar=Mon ", timer, re.MULTILINE)
