"""Commands that try things out: a connector's sandbox, the demo."""

from pathlib import Path
from typing import Annotated

import typer

from itpm_sync.cli.options import output_of


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
        latency_s=latency_ms / 1000, say=output_of(context).line,
    )  # fmt: skip


def demo(
    context: typer.Context,
    directory: Annotated[
        Path | None, typer.Argument(metavar="DIR", help="The folder; `demo` where none is given.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="As DIR.")] = None,
    serve: Annotated[
        bool, typer.Option("--serve", help="Keep the sandboxes of an earlier demo running.")
    ] = False,
) -> None:
    """Run the whole flow on sandboxes, with an invented programme."""
    from itpm_sync import trial

    if directory is not None and out is not None:
        raise typer.BadParameter("give the folder once: DIR or --out DIR")
    show, folder = output_of(context, tell=True), directory or out or Path("demo")
    raise typer.Exit(trial.serve_demo(folder, show) if serve else trial.run_demo(folder, show))
