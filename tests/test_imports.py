"""What a command loads: only what it needs, so that `--help` and frequent pulls are quick."""

from __future__ import annotations

import pkgutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from itpm_sync import app, cli
from itpm_sync.config import Root

LIBRARIES = (
    "alembic jinja2 numpy openpyxl pandas pydantic requests rich sqlalchemy xlsxwriter".split()
)
RUN = """
import gc, sys
from itpm_sync import cli
before = gc.get_stats()
try:
    cli.main()
except SystemExit as end:
    assert end.code == 0, end.code
collected = ["COLLECTED"] * (gc.get_stats() != before)
print(*sys.modules, *collected, file=sys.stderr)
"""
TABLES = """
plan:
  file: plan.csv
  kind: work_package
  key: [WBS]
  columns: {code: WBS, name: Name, project_key: Project}
"""
JOBS = "jobs: {hourly: [pull]}\n"


@pytest.fixture
def folder(csv_office: Callable[..., Path]) -> Path:
    folder = csv_office(TABLES, JOBS).parent
    (folder / "office" / "plan.csv").write_text("Project,WBS,Name\nNET,1,Switches\n")
    return folder


def loaded(folder: Path, *words: str) -> set[str]:
    """The modules that a command has imported by its end; COLLECTED if the collector began."""
    done = subprocess.run(
        [sys.executable, "-c", RUN, *words], cwd=folder, capture_output=True, text=True, check=True
    )
    return set(done.stderr.splitlines()[-1].split())


def test_help_loads_neither_the_application_nor_a_heavy_library(folder: Path) -> None:
    modules = loaded(folder, "--help")
    assert modules.isdisjoint(LIBRARIES)
    ours = {m for m in modules if m.startswith("itpm_sync.") and m.split(".")[1] != "cli"}
    assert ours == {"itpm_sync.errors", "itpm_sync.stopping"}


@pytest.mark.parametrize("words", [("pull",), ("run", "hourly")])
def test_a_pull_loads_nothing_that_reconciles_reports_or_publishes(
    folder: Path, words: tuple[str, ...]
) -> None:
    modules = loaded(folder, *words)
    assert "itpm_sync.pull" in modules
    others = ("itpm_sync.reconcile", "itpm_sync.report", "itpm_sync.publish", "itpm_sync.frames")
    assert not [m for m in modules if m.startswith(others)]
    assert modules.isdisjoint({"jinja2", "pandas", "xlsxwriter"})
    assert "rich" not in modules  # it draws on terminals


def test_a_pull_into_a_current_store_loads_no_migrations(folder: Path) -> None:
    loaded(folder, "pull")
    assert "alembic" not in loaded(folder, "pull")


def test_a_pull_with_nothing_new_is_over_before_the_collector_begins(folder: Path) -> None:
    loaded(folder, "pull")
    assert "COLLECTED" not in loaded(folder, "pull")


def test_every_public_name_of_the_application_is_where_its_table_says() -> None:
    assert list(app.__all__) == sorted(app._HOMES)
    for name, home in app._HOMES.items():
        assert getattr(app, name).__module__ == f"itpm_sync.app.{home}"


def test_no_module_of_the_application_hides_a_public_name() -> None:
    # An imported submodule becomes an attribute of its package: `app.pull` must stay a function.
    assert {m.name for m in pkgutil.iter_modules(app.__path__)}.isdisjoint(app.__all__)


def test_an_unknown_name_of_the_application_is_told_as_such() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'absent'"):
        _ = app.absent


def test_annotations_that_a_library_reads_are_no_texts_which_it_had_to_evaluate() -> None:
    groups = [cli.cli, *(group.typer_instance for group in cli.cli.registered_groups)]
    callbacks = [c.callback for group in groups if group for c in group.registered_commands]
    owners = [cli.global_options, *filter(None, callbacks), Root]
    assert len(owners) > 20
    assert not [o for o in owners if str in map(type, o.__annotations__.values())]
