"""Parse, call app, print, exit code. Everything heavy is imported by the command that needs it.

Exit codes: 0 all well · 1 a fault of ours · 2 configuration, nothing ran · 3 partial: something
failed, the rest went on · 4 safety stop: a person must confirm · 5 another run holds the lock ·
130 Ctrl-C, 143 SIGTERM: stopped.
"""

from __future__ import annotations

import gc
import logging
import os
import sys
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from itpm_sync.errors import ConfigError, ItpmError, Stopped
from itpm_sync.stopping import Stopping

if TYPE_CHECKING:
    from itpm_sync.app import Session

EXIT_OK, EXIT_FAULT, EXIT_CONFIG, EXIT_PARTIAL, EXIT_SAFETY, EXIT_LOCKED = range(6)

cli = typer.Typer(
    name="itpm-sync",
    help="Pulls IT projects' tickets, help-desk items and contracts into one model, reconciles "
    "cost and scope against the plan, reports weekly and publishes the status back.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


class Options:
    """The global options, as the callback read them."""

    def __init__(self, config: Path, verbosity: int, log_format: str) -> None:
        self.config, self.verbosity, self.log_format = config, verbosity, log_format


AsOf = Annotated[
    str | None,
    typer.Option("--as-of", metavar="DATE", help="Data date, YYYY-MM-DD; today if none."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Names = Annotated[list[str] | None, typer.Argument(metavar="[CONNECTION]...", show_default=False)]


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"itpm-sync {version('itpm-sync')}")
        raise typer.Exit


@cli.callback()
def options(
    context: typer.Context,
    config: Annotated[
        Path, typer.Option("--config", "-c", envvar="ITPM_CONFIG", help="Configuration file.")
    ] = Path("itpm.yaml"),
    verbose: Annotated[
        int,
        typer.Option(
            "--verbose", "-v", count=True, show_default=False, help="More log; -vv: all of it."
        ),
    ] = 0,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only problems.")] = False,
    log_format: Annotated[str, typer.Option(help="text or json.", metavar="FORMAT")] = "text",
    _version: Annotated[
        bool,
        typer.Option(
            "--version", is_eager=True, callback=_print_version, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """Holds the global options for the command."""
    if log_format not in ("text", "json"):
        raise typer.BadParameter("expected text or json", param_hint="--log-format")
    context.obj = Options(config, -1 if quiet else verbose, log_format)


YOUNG_OBJECTS = 100_000  # before the collector looks for cycles; Python's own default is 700


def main() -> None:
    """The console entry point: runs a command and exits with its code."""
    # What a start imports lives on, and parsed pages and rows hold no cycles: looking through them
    # takes a tenth of a start and a seventh of a pull.
    gc.set_threshold(YOUNG_OBJECTS, 20, 20)
    # Pydantic would search every installed distribution for plug-ins; we use none.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    with Stopping() as stopping:
        code = _run_command()
        if stopping.signal is not None and code != EXIT_OK:
            stopping.leave()
    sys.exit(code)


def _run_command() -> int:
    """Turns every expected error into advice and an exit code."""
    try:
        code = cli(standalone_mode=False)
    except ItpmError as error:
        code = _explain(error)
    except typer.Exit as error:
        code = error.exit_code
    except typer.Abort as error:
        if not isinstance(error.__cause__, KeyboardInterrupt):
            print("aborted", file=sys.stderr)  # noqa: T201
        code = EXIT_FAULT
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = EXIT_OK
    except KeyboardInterrupt:
        code = Stopped().exit_code
    except Exception as error:  # noqa: BLE001 — the last resort; the log holds the traceback
        code = _usage(error)
    return code if isinstance(code, int) else EXIT_OK


def _usage(error: Exception) -> int:
    """Wrong words on the command line are shown as such; anything else is a fault of ours."""
    shown: Callable[[], None] | None = getattr(error, "show", None)
    if shown is not None:
        shown()
        return EXIT_CONFIG
    logging.getLogger("itpm_sync").debug("traceback", exc_info=error)
    print(  # noqa: T201
        f"itpm-sync: a fault of ours, not of your configuration: {type(error).__name__}: {error}\n"
        "Please report it with the output of the same command with -vv.",
        file=sys.stderr,
    )
    return EXIT_FAULT


def _explain(error: ItpmError) -> int:
    from rich.console import Console

    console = Console(stderr=True, soft_wrap=True, highlight=False, emoji=False)
    if isinstance(error, ConfigError):
        for problem in error.problems:
            console.print(str(problem), markup=False)
        count = len(error.problems)
        console.print(f"{count} problem{'s' * (count != 1)}; nothing was run", markup=False)
        return EXIT_CONFIG
    console.print(f"itpm-sync: {error}", markup=False)
    return error.exit_code


@contextmanager
def _session(context: typer.Context, *, secrets: bool = True) -> Iterator[Session]:
    from itpm_sync import app

    given: Options = context.obj
    with app.open_session(
        given.config, secrets=secrets, verbosity=given.verbosity, log_format=given.log_format
    ) as session:
        yield session


def _day(text: str | None, option: str = "--as-of") -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"expected YYYY-MM-DD, found {text}", param_hint=option) from None


def _show(context: typer.Context, *, tell: bool = False) -> Any:
    from itpm_sync import output

    return output.Output(quiet=context.obj.verbosity < 0, tell=tell)


# ---- setting up ---------------------------------------------------------------------------------


@cli.command()
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
    _show(context).lines(trial.init(directory, answers))


def _ask(known: Collection[str]) -> dict[str, str]:
    questions = (
        ("url", "Address of your Jira", "https://example.atlassian.net"),
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


@cli.command()
def check(context: typer.Context, connections: Names = None, as_json: Json = False) -> None:
    """Validate the configuration, then try each connection.

    Tried are login, permissions, projects, custom fields, time zone and clock.
    """
    from itpm_sync import app

    with _session(context) as session:
        result = app.check(session, connections or ())
        _show(context).check(result, as_json=as_json)
        raise typer.Exit(EXIT_OK if all(c.ok for c in result) else EXIT_PARTIAL)


@cli.command()
def connectors(context: typer.Context, as_json: Json = False) -> None:
    """List the installed connectors and how each was verified."""
    from itpm_sync import app

    _show(context).connectors(app.connectors(), as_json=as_json)


@cli.command()
def schema() -> None:
    """Print the JSON Schema of the configuration, for editors."""
    import json

    from itpm_sync.config import json_schema

    typer.echo(json.dumps(json_schema(), indent=2, default=str))


# ---- the flow -----------------------------------------------------------------------------------


@cli.command()
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

    with _session(context) as session, app.locked(session), _show(context).progress() as progress:
        result = app.pull(
            session, connections or (), full=full, sweep=sweep, confirm=confirm_deletions,
            progress=progress,
        )  # fmt: skip
    _show(context).pull(result)
    raise typer.Exit(result.exit_code)


@cli.command()
def remap(
    context: typer.Context,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would change.")] = False,
) -> None:
    """Map the stored raw records anew, after a mapping change.

    Works without the network.
    """
    from itpm_sync import app

    with _session(context, secrets=False) as session, app.locked(session):
        _show(context).remap(app.remap(session, dry_run=dry_run), dry_run=dry_run)


@cli.command()
def reconcile(context: typer.Context, as_of: AsOf = None, as_json: Json = False) -> None:
    """Store → snapshot and findings."""
    from itpm_sync import app

    with _session(context, secrets=False) as session, app.locked(session):
        snapshot = app.reconcile(session, as_of=_day(as_of))
    _show(context).snapshot(snapshot, as_json=as_json)


@cli.command()
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

    with _session(context, secrets=False) as session:
        wanted = tuple(f.strip() for f in formats.split(",")) if formats else None
        _show(context).reports(app.report(session, as_of=_day(as_of), formats=wanted, out=out))


@cli.command()
def publish(
    context: typer.Context,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the plan, write nothing.")
    ] = False,
    max_writes: Annotated[int | None, typer.Option(help="Confirm more writes than usual.")] = None,
    take_over: Annotated[
        list[str] | None, typer.Option(metavar="TARGET", help="Overwrite a conflicting target.")
    ] = None,
) -> None:
    """Snapshot → outside systems."""
    from itpm_sync import app

    with _session(context) as session, app.locked(session):
        result = app.publish(
            session, dry_run=dry_run, max_writes=max_writes, take_over=take_over or ()
        )
    _show(context).published(result)
    raise typer.Exit(EXIT_PARTIAL if result.troubled else EXIT_OK)


@cli.command()
def run(context: typer.Context, job: Annotated[str, typer.Argument(metavar="JOB")]) -> None:
    """Run a job of the configuration: what cron calls. Says nothing when all is well and piped."""
    from itpm_sync import app

    show = _show(context)
    with _session(context) as session, app.locked(session), show.progress() as progress:
        result = app.run_job(session, job, progress=progress)
    show.job(result)
    raise typer.Exit(result.exit_code)


# ---- looking ------------------------------------------------------------------------------------


@cli.command()
def status(context: typer.Context, as_json: Json = False) -> None:
    """Runs, freshness, completeness, outbox."""
    from itpm_sync import app

    with _session(context, secrets=False) as session:
        result = app.status(session)
        _show(context).status(result, as_json=as_json)
        raise typer.Exit(EXIT_OK if result.healthy else EXIT_PARTIAL)


@cli.command()
def findings(
    context: typer.Context,
    project: Annotated[str | None, typer.Argument(metavar="[PROJECT]")] = None,
    as_json: Json = False,
) -> None:
    """What is wrong, since when, and what became of it in a week."""
    from itpm_sync import app

    with _session(context, secrets=False) as session:
        _show(context).findings(app.findings(session, project), as_json=as_json)


@cli.command()
def explain(  # noqa: PLR0917 — typer reads the options from the parameters
    context: typer.Context,
    project: Annotated[str, typer.Argument(metavar="PROJECT")],
    figure: Annotated[str, typer.Argument(metavar="FIGURE")],
    package: Annotated[
        str, typer.Option("--package", metavar="CODE", help="Of this work package only.")
    ] = "",
    everything: Annotated[
        bool, typer.Option("--all", help="Every part, not only the largest.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Where a number comes from: its formula, inputs and records.

    FIGURE `rating` tells how each dimension is rated, by the figures and by whom else. PROJECT
    `portfolio` takes a total apart, `contract:NUMBER:burn` a contract, `desk_open` the help desk.
    """
    from itpm_sync import app

    with _session(context, secrets=False) as session:
        if figure == "rating":
            _show(context).ratings(app.ratings(session, project), as_json=as_json)
            return
        found = app.explain(session, project, figure, package)
        _show(context).explanation(found, everything=everything, as_json=as_json)


@cli.command()
def capacity(
    context: typer.Context,
    person: Annotated[str, typer.Argument(metavar="[PERSON]", show_default=False)] = "",
    week: Annotated[
        str | None, typer.Option(metavar="DATE", help="Any day of it; with PERSON.")
    ] = None,
    skill: Annotated[str, typer.Option(help="Only who has this skill.")] = "",
    as_json: Json = False,
) -> None:
    """Who has too much work in which week, and who has room.

    Of a PERSON: what a week is made of.
    """
    from itpm_sync import app

    with _session(context, secrets=False) as session:
        found = app.capacity(session)
        _show(context).capacity(
            found, person=person, skill=skill, week=_day(week, "--week"), as_json=as_json
        )


@cli.command()
def export(
    context: typer.Context,
    directory: Annotated[Path, typer.Argument(metavar="[DIR]")] = Path("export"),
    as_of: AsOf = None,
) -> None:
    """Write the unified model as CSV, a file a kind of record."""
    from itpm_sync import app

    with _session(context, secrets=False) as session:
        files = app.export(session, directory, as_of=_day(as_of))
    _show(context).lines(map(str, files))


baseline = typer.Typer(help="Record and compare baselines.", no_args_is_help=True)
cli.add_typer(baseline, name="baseline")


@baseline.command("record")
def baseline_record(  # noqa: PLR0917 — typer reads the options from the parameters
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

    with _session(context, secrets=False) as session, app.locked(session):
        lines = app.baseline_record(
            session, project, author=author, approval=approval, change_request=change_request,
            source=app.PlanSource(
                name=source, baseline=number, package_field=package_field,
                project_field=project_field, level=level, measure=measure, rate=rate,
                budget=budget,
            ),
        )  # fmt: skip
        _show(context).lines(lines)


@baseline.command("list")
def baseline_list(
    context: typer.Context,
    project: Annotated[str | None, typer.Argument(metavar="[PROJECT]")] = None,
    as_json: Json = False,
) -> None:
    """List the recorded versions."""
    from itpm_sync import app

    with _session(context, secrets=False) as session:
        _show(context).baselines(app.baseline_list(session, project), as_json=as_json)


@baseline.command("diff")
def baseline_diff(
    context: typer.Context,
    project: Annotated[str, typer.Argument(metavar="PROJECT")],
    old: Annotated[int, typer.Argument(metavar="VERSION")],
    new: Annotated[int, typer.Argument(metavar="VERSION")],
) -> None:
    """Compare two versions."""
    from itpm_sync import app

    with _session(context, secrets=False) as session:
        _show(context).lines(app.baseline_diff(session, project, old, new))


gate = typer.Typer(
    help="Evidence, attestation and approval of the stage gates.", no_args_is_help=True
)
cli.add_typer(gate, name="gate")

By = Annotated[str, typer.Option(metavar="NAME", help="Who says so.")]
Note = Annotated[str, typer.Option(metavar="TEXT", help="What they say, and where it is written.")]


@gate.command("status")
def gate_status(
    context: typer.Context,
    project: Annotated[str | None, typer.Argument(metavar="[PROJECT]")] = None,
    as_json: Json = False,
) -> None:
    """The next gate of each project and what is missing; of one project, every criterion."""
    from itpm_sync import app

    with _session(context, secrets=False) as session:
        found = app.gate_status(session, project)
        _show(context).gates(found, whole=project is not None, as_json=as_json)


@gate.command("attest")
def gate_attest(  # noqa: PLR0917 — typer reads the options from the parameters
    context: typer.Context,
    project: Annotated[str, typer.Argument(metavar="PROJECT")],
    criterion: Annotated[str, typer.Argument(metavar="CRITERION")],
    by: By,
    note: Note = "",
    withdraw: Annotated[bool, typer.Option("--withdraw", help="It is not so any more.")] = False,
) -> None:
    """Record a named person's word that a criterion is met."""
    from itpm_sync import app

    with _session(context, secrets=False) as session, app.locked(session):
        told = app.gate_attest(session, project, criterion, by=by, note=note, withdraw=withdraw)
        _show(context).lines(told)


@gate.command("approve")
def gate_approve(  # noqa: PLR0917 — typer reads the options from the parameters
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

    with _session(context, secrets=False) as session, app.locked(session):
        told = app.gate_approve(
            session, project, gate, by=by, note=note, despite=despite, owner=owner
        )
        _show(context).lines(told)


# ---- trying it out ------------------------------------------------------------------------------


@cli.command()
def sandbox(  # noqa: PLR0917 — typer reads the options from the parameters
    context: typer.Context,
    connector: Annotated[str, typer.Argument(metavar="CONNECTOR")],
    flavour: Annotated[str, typer.Option(help="Which edition of the system.")] = "",
    load: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A dump of real records.")
    ] = None,
    restore: Annotated[Path | None, typer.Option(metavar="FILE", help="A saved state.")] = None,
    empty: Annotated[
        bool, typer.Option("--empty", help="Without the demo's invented programme.")
    ] = False,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free one.")] = 0,
    latency_ms: Annotated[int, typer.Option(min=0, help="Added to each request.")] = 0,
) -> None:
    """Serve a connector's simulator until it is stopped with Ctrl-C."""
    from itpm_sync import trial

    trial.serve_sandbox(
        connector, flavour=flavour, load=load, restore=restore, empty=empty, port=port,
        latency_s=latency_ms / 1000, say=_show(context).line,
    )  # fmt: skip


@cli.command()
def demo(
    context: typer.Context,
    out: Annotated[Path, typer.Option("--out", metavar="DIR")] = Path("demo"),
    serve: Annotated[
        bool, typer.Option("--serve", help="Keep the sandboxes of an earlier demo running.")
    ] = False,
) -> None:
    """Run the whole flow on sandboxes, with an invented programme."""
    from itpm_sync import trial

    show = _show(context, tell=True)
    raise typer.Exit(trial.serve_demo(out, show) if serve else trial.run_demo(out, show))


if __name__ == "__main__":
    main()
