"""docs/operations.md names every command, option and exit code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from itpm_sync import cli
from itpm_sync.cli import options as cli_options

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
COMMANDS = TEXT[TEXT.index("## Commands") : TEXT.index("## Exit codes")]


def _commands(group: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _commands(command, f"{prefix}{name} ")
        else:
            yield f"{prefix}{name}", command


ALL = dict(_commands(typer.main.get_command(cli.cli)))


@pytest.mark.parametrize("name", ALL)
def test_every_command_is_described_with_every_option(name: str) -> None:
    described = re.search(rf"`({re.escape(name)}(?: [^`]*)?)`", COMMANDS)
    assert described is not None
    options = {o for p in ALL[name].params for o in p.opts if o.startswith("--")} - {"--help"}
    assert {o for o in options if o not in described[1]} == set()
    assert set(re.findall(r"--[a-z-]+", described[1])) - options == set()


def test_no_command_is_described_that_does_not_exist() -> None:
    rows = re.findall(r"^\| (`.*?`) \|", COMMANDS, re.MULTILINE)
    calls = [call for row in rows for call in re.findall(r"`([^`]+)`", row)]
    named = {" ".join(re.findall(r"^[a-z-]+(?: [a-z]+)?", call)) for call in calls}
    assert named == set(ALL)


def test_the_global_options_are_described() -> None:
    group = typer.main.get_command(cli.cli)
    options = {o for p in group.params for o in p.opts if o.startswith("--")} - {"--help"}
    assert {o for o in options if o not in COMMANDS} == set()


def test_the_exit_codes_are_those_of_the_program() -> None:
    table = TEXT[TEXT.index("## Exit codes") : TEXT.index("## Watching it")]
    described = [int(n) for n in re.findall(r"^\| (\d) \|", table, re.MULTILINE)]
    program = [value for name, value in vars(cli_options).items() if name.startswith("EXIT_")]
    assert described == sorted(program)


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs", "cron"])
def test_links_between_the_documents_lead_somewhere(name: str) -> None:
    place = ROOT / name
    for page in sorted(place.glob("*.md")) if place.is_dir() else [place]:
        text = page.read_text(encoding="utf-8")
        targets = re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", text)
        missing = [t for t in targets if not (page.parent / t).exists()]
        anchors = {_anchor(h) for h in re.findall(r"^#+ (.*)$", text, re.MULTILINE)}
        missing += [a for a in re.findall(r"\]\(#([^)]*)\)", text) if a not in anchors]
        assert missing == [], page.name


def _anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
