"""`itpm-sync gate`: evidence, attestation and approval of the stage gates."""

from typing import Annotated

import typer

from itpm_sync.cli.options import Json, output_of, session_of

cli = typer.Typer(
    help="Evidence, attestation and approval of the stage gates.", no_args_is_help=True
)

By = Annotated[str, typer.Option(metavar="NAME", help="Who says so.")]
Note = Annotated[str, typer.Option(metavar="TEXT", help="What they say, and where it is written.")]


@cli.command("status")
def status(
    context: typer.Context,
    project: Annotated[str | None, typer.Argument(metavar="[PROJECT]")] = None,
    as_json: Json = False,
) -> None:
    """The next gate of each project and what is missing; of one project, every criterion."""
    from itpm_sync import app

    with session_of(context, secrets=False, reading=True) as session:
        found = app.gate_status(session, project)
        output_of(context).gates(found, whole=project is not None, as_json=as_json)


@cli.command("attest")
def attest(  # noqa: PLR0917 — typer reads the options from the parameters
    context: typer.Context,
    project: Annotated[str, typer.Argument(metavar="PROJECT")],
    criterion: Annotated[str, typer.Argument(metavar="CRITERION")],
    by: By,
    note: Note = "",
    withdraw: Annotated[bool, typer.Option("--withdraw", help="It is not so any more.")] = False,
) -> None:
    """Record a named person's word that a criterion is met."""
    from itpm_sync import app

    with session_of(context, secrets=False) as session, app.locked(session):
        told = app.gate_attest(session, project, criterion, by=by, note=note, withdraw=withdraw)
        output_of(context).lines(told)


@cli.command("approve")
def approve(  # noqa: PLR0917 — typer reads the options from the parameters
    context: typer.Context,
    project: Annotated[str, typer.Argument(metavar="PROJECT")],
    gate: Annotated[str, typer.Argument(metavar="GATE")],
    by: By,
    note: Note = "",
    despite: Annotated[
        str, typer.Option(metavar="REASON", help="Why, although criteria fail.")
    ] = "",
    owner: Annotated[str, typer.Option(metavar="NAME", help="To whom closing hands over.")] = "",
) -> None:
    """Record the approval of a gate. Refused while mandatory criteria fail."""
    from itpm_sync import app

    with session_of(context, secrets=False) as session, app.locked(session):
        told = app.gate_approve(
            session, project, gate, by=by, note=note, despite=despite, owner=owner
        )
        output_of(context).lines(told)
