"""How mistakes are written: a line each for programs, wrapped for people. Pure."""

import textwrap
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from itpm_sync.errors import Problem, visible


def lines(problems: Iterable[Problem], here: Path, width: int | None) -> list[str]:
    """Each problem as a line with the whole path of its file; on a terminal of `width` columns
    wrapped at blanks, a file in the folder `here` or below it named from there.
    """
    if width is None:
        return [visible(str(p)) for p in problems]
    wrapper = textwrap.TextWrapper(
        width, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False
    )
    return [wrapper.fill(visible(str(_from(here, p)))) for p in problems]


def _from(here: Path, problem: Problem) -> Problem:
    return replace(problem, where=problem.where.removeprefix(f"{str(here).rstrip('/')}/"))
