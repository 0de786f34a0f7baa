"""The commands of the flow: what cron calls, and each of its steps alone."""

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from itpm_sync.cli.options import (
    EXIT_OK,
    EXIT_PARTIAL,
    AsOf,
    Json,
    Names,
    day_of,
    output_of,
    session_of,
)


def pull(
    context: typer.Context,
    connections: Names = None,
    full: Annotated[bool, typer.Option("--full", help="Read everything again.")] = False,
    sweep: Annotated[bool, typer.Option("--sweep", help="Look for deletions now.")] = False,
    confirm_deletions: Annotated[
        bool, typer.Option("--confirm-deletions", help="Confirm what a safety stop asked.")
    ] = False,
) -> None:
    """Sources → store."""
    from itpm_sync import app

    show = output_of(context)
    with session_of(context) as session, app.locked(session), show.progress() as progress:
        result = app.pull(
            session, connections or (), full=full, sweep=sweep, confirm=confirm_deletions,
            progress=progress,
        )  # fmt: skip
    show.pull(result)
    raise typer.Exit(result.exit_code)


def remap(
    context: typer.Context,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would change.")] = False,
) -> None:
    """Map the stored raw records anew, after a mapping change.

    Works without the network.
    """
    from itpm_sync import app

    with session_of(context, secrets=False) as session, app.locked(session):
        done = app.remap(session, dry_run=dry_run)
    output_of(context).remap(done, dry_run=dry_run)
    raise typer.Exit(EXIT_PARTIAL if any(one.rejected for one in done) else EXIT_OK)


def reconcile(context: typer.Context, as_of: AsOf = None, as_json: Json = False) -> None:
    """Store → snapshot and findings."""
    from itpm_sync import app

    with session_of(context, secrets=False) as session, app.locked(session):
        snapshot = app.reconcile(session, as_of=day_of(as_of))
    output_of(context).snapshot(snapshot, as_json=as_json)


def report(
    context: typer.Context,
    as_of: AsOf = None,
    formats: Annotated[
        str | None, typer.Option("--format", help="Comma-separated: html, xlsx.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Where to write.")
    ] = None,
) -> None:
    """Snapshot → documents."""
    from itpm_sync import app

    with session_of(context, secrets=False, reading=True) as session:
        wanted = tuple(f.strip() for f in formats.split(",")) if formats else None
        found = app.report(session, as_of=day_of(as_of), formats=wanted, out=out)
    output_of(context).reports(found)


def publish(
    context: typer.Context,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the plan, write nothing.")
    ] = False,
    max_writes: Annotated[int | None, typer.Option(help="Confirm more writes than usual.")] = None,
    take_over: Annotated[
        list[str] | None, typer.Option(metavar="TARGET", help="Overwrite a conflicting target.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Snapshot → outside systems. A dry run shows each text, and how it differs from what stands.

    A TARGET is called as the dry run calls it.
    """
    from itpm_sync import app

    with (
        session_of(context, reading=dry_run) as session,
        nullcontext() if dry_run else app.locked(session),
    ):
        result = app.publish(
            session, dry_run=dry_run, max_writes=max_writes, take_over=take_over or ()
        )
    output_of(context).published(result, as_json=as_json)
    if result.stop is not None:
        raise result.stop
    raise typer.Exit(EXIT_PARTIAL if result.troubled else EXIT_OK)


def run(context: typer.Context, job: Annotated[str, typer.Argument(metavar="JOB")]) -> None:
    """Run a job of the configuration: what cron calls. Says nothing when all is well and piped."""
    from itpm_sync import app

    show = output_of(context)
    with session_of(context) as session, app.locked(session), show.progress() as progress:
        result = app.run_job(session, job, progress=progress)
    show.job(result)
    raise typer.Exit(result.exit_code)
