"""What commands share: exit codes, global options, the session that a command works in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from itpm_sync.app import Session
    from itpm_sync.output import Output

EXIT_OK, EXIT_FAULT, EXIT_CONFIG, EXIT_PARTIAL, EXIT_SAFETY, EXIT_LOCKED = range(6)


@dataclass(frozen=True, slots=True)
class Options:
    """The global options. `verbosity` is that of `logs.configure`; below 0 only problems show."""

    config: Path
    verbosity: int
    log_format: str


AsOf = Annotated[
    str | None,
    typer.Option("--as-of", metavar="DATE", help="Data date, YYYY-MM-DD; today if none."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Names = Annotated[list[str] | None, typer.Argument(metavar="[CONNECTION]...", show_default=False)]


@contextmanager
def session_of(
    context: typer.Context, *, secrets: bool = True, reading: bool = False
) -> Iterator[Session]:
    """The configuration with its open store; `secrets`, `reading`: as `open_session` takes them."""
    from itpm_sync import app

    given: Options = context.obj
    with app.open_session(
        given.config,
        secrets=secrets,
        reading=reading,
        verbosity=given.verbosity,
        log_format=given.log_format,
    ) as session:
        yield session


def day_of(text: str | None, option: str = "--as-of") -> date | None:
    """The day that an option says; a wrong one is told as a mistake in that option."""
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"expected YYYY-MM-DD, found {text}", param_hint=option) from None


def output_of(context: typer.Context, *, tell: bool = False) -> Output:
    """What the command prints with; `tell`: as `Output` takes it."""
    from itpm_sync import output

    return output.Output(quiet=context.obj.verbosity < 0, tell=tell)
