"""Commands that answer: how things stand, what is wrong, where a number comes from."""

from pathlib import Path
from typing import Annotated

import typer

from itpm_sync.cli.options import EXIT_OK, EXIT_PARTIAL, AsOf, Json, day_of, output_of, session_of


def status(context: typer.Context, as_json: Json = False) -> None:
    """Runs, freshness, completeness, outbox."""
    from itpm_sync import app

    with session_of(context, secrets=False, reading=True) as session:
        result = app.status(session)
        output_of(context).status(result, as_json=as_json)
        raise typer.Exit(EXIT_OK if result.healthy else EXIT_PARTIAL)


def findings(
    context: typer.Context,
    project: Annotated[str | None, typer.Argument(metavar="[PROJECT]")] = None,
    as_json: Json = False,
) -> None:
    """What is wrong, since when, and what became of it in a week."""
    from itpm_sync import app

    with session_of(context, secrets=False, reading=True) as session:
        output_of(context).findings(app.findings(session, project), as_json=as_json)


def explain(  # noqa: PLR0917 — typer reads the options from the parameters
    context: typer.Context,
    project: Annotated[str, typer.Argument(metavar="PROJECT")],
    figure: Annotated[str, typer.Argument(metavar="[FIGURE]", show_default=False)] = "",
    package: Annotated[
        str, typer.Option("--package", metavar="CODE", help="Of this work package only.")
    ] = "",
    everything: Annotated[
        bool, typer.Option("--all", help="Every part, not only the largest.")
    ] = False,
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """Where a number comes from: its formula, inputs and records.

    Without FIGURE, all there are. FIGURE `rating` tells how each dimension is rated, by the figures
    and by whom else. PROJECT `portfolio` takes a total apart, `contract:NUMBER:burn` a contract,
    `desk_open` the help desk.
    """
    from itpm_sync import app

    day = day_of(as_of)
    with session_of(context, secrets=False, reading=True) as session:
        if figure == "rating":
            output_of(context).ratings(app.ratings(session, project, as_of=day), as_json=as_json)
            return
        if not figure:
            known = app.figures(session, project, package, as_of=day)
            output_of(context).figures(known, as_json=as_json)
            return
        found = app.explain(session, project, figure, package, as_of=day)
        output_of(context).explanation(found, everything=everything, as_json=as_json)


def capacity(
    context: typer.Context,
    person: Annotated[str, typer.Argument(metavar="[PERSON]", show_default=False)] = "",
    week: Annotated[
        str | None, typer.Option(metavar="DATE", help="Only this week; any day of it.")
    ] = None,
    skill: Annotated[str, typer.Option(help="Only who has this skill.")] = "",
    as_json: Json = False,
) -> None:
    """Who has too much work in which week, and who has room.

    Of a PERSON: what a week is made of, the first with too much work if none is asked for.
    """
    from itpm_sync import app

    with session_of(context, secrets=False, reading=True) as session:
        found = app.capacity(session)
        output_of(context).capacity(
            found, person=person, skill=skill, week=day_of(week, "--week"), as_json=as_json
        )


def export(
    context: typer.Context,
    directory: Annotated[Path, typer.Argument(metavar="[DIR]")] = Path("export"),
    as_of: AsOf = None,
) -> None:
    """Write the unified model as CSV, a file a kind of record."""
    from itpm_sync import app

    with session_of(context, secrets=False, reading=True) as session:
        files = app.export(session, directory, as_of=day_of(as_of))
    output_of(context).lines(map(str, files))
