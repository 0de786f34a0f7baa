"""Commands that set up: a starter configuration, its check, what is installed."""

import sys
from collections.abc import Collection
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from itpm_sync.cli.options import EXIT_OK, EXIT_PARTIAL, Json, Names, output_of, session_of


def init(  # noqa: PLR0917 — typer reads the options from the parameters
    context: typer.Context,
    directory: Annotated[Path, typer.Argument(metavar="[DIR]")] = Path(),
    url: Annotated[str | None, typer.Option(help="Address of your Jira.")] = None,
    email: Annotated[
        str | None, typer.Option(help="E-mail of the account; empty for Jira Data Center.")
    ] = None,
    project: Annotated[str | None, typer.Option(help="Key of one project.")] = None,
    currency: Annotated[str | None, typer.Option(help="Currency of its budget.")] = None,
) -> None:
    """Write a commented starter configuration.

    Asks on a terminal for what no option says; elsewhere an example stands in its place.
    """
    from itpm_sync import trial

    trial.refuse_existing(directory)  # before anybody answers questions in vain
    given = {"url": url, "email": email, "project": project, "currency": currency}
    answers = {k: v for k, v in given.items() if v is not None}
    if sys.stdin.isatty():
        answers |= _ask(answers)
    output_of(context).lines(trial.init(directory, answers))


def _ask(known: Collection[str]) -> dict[str, str]:
    questions = (
        ("url", "Address of your Jira (empty: none yet, an example only)", ""),
        ("email", "E-mail of the account (empty for Jira Data Center)", ""),
        ("project", "Key of one project", "NET"),
        ("currency", "Currency of its budget", "EUR"),
    )
    return {
        key: typer.prompt(text, default=default, value_proc=partial(_answer, key))
        for key, text, default in questions
        if key not in known
    }


def _answer(key: str, text: str) -> str:
    from itpm_sync import starter

    try:
        return starter.cleaned(key, text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None  # typer shows it and asks again


def check(context: typer.Context, connections: Names = None, as_json: Json = False) -> None:
    """Validate the configuration, then try each connection.

    Tried are login, permissions, projects, custom fields, time zone and clock.
    """
    from itpm_sync import app

    with session_of(context, reading=True) as session:
        result = app.check(session, connections or ())
        output_of(context).check(result, as_json=as_json)
        raise typer.Exit(EXIT_OK if all(c.ok for c in result) else EXIT_PARTIAL)


def connectors(context: typer.Context, as_json: Json = False) -> None:
    """List the installed connectors and how each was verified."""
    from itpm_sync import app

    output_of(context).connectors(app.connectors(), as_json=as_json)


def schema() -> None:
    """Print the JSON Schema of the configuration, for editors."""
    import json

    from itpm_sync.config import json_schema

    typer.echo(json.dumps(json_schema(), indent=2, default=str))
