"""`itpm-sync baseline`: records and compares baselines."""

from typing import Annotated

import typer

from itpm_sync.cli.options import Json, output_of, session_of

cli = typer.Typer(help="Record and compare baselines.", no_args_is_help=True)


@cli.command("record")
def record(  # noqa: PLR0917 — typer reads the options from the parameters
    context: typer.Context,
    project: Annotated[str, typer.Argument(metavar="PROJECT")],
    author: Annotated[str, typer.Option(help="Who records it.")],
    approval: Annotated[str, typer.Option(help="Who approved it, and where that is written.")] = "",
    change_request: Annotated[str, typer.Option(help="The change request behind it.")] = "",
    source: Annotated[
        str,
        typer.Option(
            "--from", metavar="plan|tickets|FILE", help="The store, or Microsoft Project XML."
        ),
    ] = "plan",
    number: Annotated[
        str,
        typer.Option("--baseline", metavar="N", help="Of the file: 0 to 10, or schedule."),
    ] = "",
    package_field: Annotated[
        str, typer.Option(metavar="FIELD", help="Of the file: names the work package.")
    ] = "",
    project_field: Annotated[
        str, typer.Option(metavar="FIELD", help="Of the file: names the project.")
    ] = "",
    level: Annotated[
        int | None, typer.Option(min=1, help="Of the file: add tasks up at this outline level.")
    ] = None,
    measure: Annotated[str, typer.Option(help="Of tickets: points or estimate.")] = "points",
    rate: Annotated[
        str, typer.Option(metavar="AMOUNT", help="Of tickets: for each point or hour.")
    ] = "",
    budget: Annotated[str, typer.Option(metavar="AMOUNT", help="Of tickets: for all.")] = "",
) -> None:
    """Freeze a project's plan and scope: of the store, a plan file, or the tickets."""
    from itpm_sync import app

    with session_of(context, secrets=False) as session, app.locked(session):
        lines = app.baseline_record(
            session, project, author=author, approval=approval, change_request=change_request,
            source=app.PlanSource(
                name=source, baseline=number, package_field=package_field,
                project_field=project_field, level=level, measure=measure, rate=rate,
                budget=budget,
            ),
        )  # fmt: skip
        output_of(context).lines(lines)


@cli.command("list")
def list_versions(
    context: typer.Context,
    project: Annotated[str | None, typer.Argument(metavar="[PROJECT]")] = None,
    as_json: Json = False,
) -> None:
    """List the recorded versions."""
    from itpm_sync import app

    with session_of(context, secrets=False, reading=True) as session:
        output_of(context).baselines(app.baseline_list(session, project), as_json=as_json)


@cli.command("diff")
def diff(
    context: typer.Context,
    project: Annotated[str, typer.Argument(metavar="PROJECT")],
    old: Annotated[int, typer.Argument(metavar="VERSION")],
    new: Annotated[int, typer.Argument(metavar="VERSION")],
) -> None:
    """Compare two versions."""
    from itpm_sync import app

    with session_of(context, secrets=False, reading=True) as session:
        output_of(context).lines(app.baseline_diff(session, project, old, new))
