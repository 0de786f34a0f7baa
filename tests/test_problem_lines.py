"""Mistakes of a configuration on a terminal and in a pipe."""

from __future__ import annotations

from pathlib import Path

from itpm_sync.cli.problems import lines
from itpm_sync.errors import Problem

HERE = Path("/srv/pmo")
PROBLEM = Problem(
    ("jobs",),
    "expected 'pull', 'remap' or 'report', found 'pul'",
    'did you mean "pull"?',
    "/srv/pmo/itpm.yaml:93:12",
)


def test_a_terminal_gets_lines_that_end_between_words_and_paths_from_where_one_is() -> None:
    (told,) = lines([PROBLEM], HERE, 60)
    assert told.splitlines() == [
        "itpm.yaml:93:12: expected 'pull', 'remap' or 'report', found",
        "    'pul' — did you mean \"pull\"?",
    ]


def test_a_pipe_gets_one_line_a_mistake_with_the_whole_path() -> None:
    (line,) = lines([PROBLEM], HERE, None)
    assert line.startswith("/srv/pmo/itpm.yaml:93:12: expected 'pull',")
    assert "\n" not in line


def test_a_file_elsewhere_keeps_its_path_and_options_are_not_broken() -> None:
    elsewhere = Problem(
        (), "closing needs an owner", "give --owner NAME", "/srv/pmo2/itpm.yaml:1:1"
    )
    (told,) = lines([elsewhere], HERE, 60)
    assert told.startswith("/srv/pmo2/itpm.yaml:1:1: closing needs an owner — give\n")
    assert told.endswith("    --owner NAME")


def test_what_would_command_a_terminal_is_shown_as_a_mark() -> None:
    (told,) = lines([Problem((), "found '\x1b[2J'", where="x")], HERE, 80)
    assert "\x1b" not in told
