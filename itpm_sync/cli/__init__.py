"""Parse, call app, print, exit code. Everything heavy is imported by the command that needs it.

The annotations of commands are evaluated when they are imported, not kept as text: typer would do
so twice for each of every command, for a twentieth of a run that finds nothing new.

Exit codes: 0 all well · 1 a fault of ours · 2 configuration, nothing ran · 3 partial: something
failed, the rest went on · 4 safety stop: a person must confirm · 5 another run holds the lock ·
130 Ctrl-C, 143 SIGTERM: stopped.
"""

import atexit
import gc
import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from itpm_sync.cli import baselines, flow, gates, looking, problems, setting_up, streams, trying
from itpm_sync.cli.options import EXIT_CONFIG, EXIT_FAULT, EXIT_OK, EXIT_PARTIAL, Options
from itpm_sync.errors import ConfigError, ItpmError, Stopped, visible
from itpm_sync.stopping import Stopping

cli = typer.Typer(
    name="itpm-sync",
    help="Pulls IT projects' tickets, help-desk items and contracts into one model, reconciles "
    "cost and scope against the plan, reports weekly and publishes the status back.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"itpm-sync {version('itpm-sync')}")
        raise typer.Exit


@cli.callback()
def global_options(
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


for _command in (
    setting_up.init, setting_up.check, setting_up.connectors, setting_up.schema,
    flow.pull, flow.remap, flow.reconcile, flow.report, flow.publish, flow.run,
    looking.status, looking.findings, looking.explain, looking.capacity, looking.export,
    trying.sandbox, trying.demo,
):  # fmt: skip
    cli.command()(_command)
cli.add_typer(baselines.cli, name="baseline")
cli.add_typer(gates.cli, name="gate")

YOUNG_OBJECTS = 200_000  # before the collector looks for cycles; Python's own default is 700


def main() -> None:
    """The console entry point: runs a command and exits with its code."""
    # What a start imports (half of that many) lives on, and parsed pages and rows hold no cycles:
    # looking through them takes a tenth of a start and a seventh of a pull.
    gc.set_threshold(YOUNG_OBJECTS, 20, 20)
    atexit.register(gc.freeze)  # what is left then goes with the process: no search for 0.1 s
    # Pydantic would search every installed distribution for plug-ins; we use none.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    streams.prepare()
    with Stopping() as stopping:
        try:
            code = _run_command()
            if stopping.signal is not None and code != EXIT_OK:
                stopping.leave()
            stopping.over()
        except Stopped:  # it came while the command's error was told
            stopping.leave()
    sys.exit(code)


def _run_command() -> int:
    """Turns every expected error into advice and an exit code."""
    try:
        code = cli(standalone_mode=False)
        sys.stdout.flush()
    except ItpmError as error:
        code = _explain(error)
    except typer.Exit as error:
        code = error.exit_code
    except typer.Abort as error:
        if not isinstance(error.__cause__, KeyboardInterrupt):
            print("aborted", file=sys.stderr)  # noqa: T201
        code = EXIT_FAULT
    except streams.OutputFailed as error:
        print(f"itpm-sync: standard output: {error.strerror}", file=sys.stderr)  # noqa: T201
        code = EXIT_PARTIAL
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
        width = console.width if sys.stderr.isatty() else None
        for line in problems.lines(error.problems, Path.cwd(), width):
            console.print(line, markup=False)
        count = len(error.problems)
        console.print(f"{count} problem{'s' * (count != 1)}; nothing was run", markup=False)
        return EXIT_CONFIG
    console.print(visible(f"itpm-sync: {error}"), markup=False)
    return error.exit_code
