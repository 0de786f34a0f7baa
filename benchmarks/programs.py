"""What is measured: ours, the floor and the peers, each with its folder below `.bench/`."""

from __future__ import annotations

import shutil
import sqlite3
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from benchmarks import peers
from benchmarks.floor import CHANGED_SINCE
from benchmarks.measuring import ROOT, WORK, Program

COMMAND = Path(sys.executable).with_name("itpm-sync")
OURS, FLOOR = "itpm-sync", "floor"
PEER_LIMIT_S = 900
_ISSUES = "SELECT count(*) FROM work_item WHERE gone IS NULL"
_CHANGED = f"{_ISSUES} AND updated_at >= '{CHANGED_SINCE}'"


def ours(
    url: str, *, fresh: bool = True, connections: int = 1, projects: Sequence[str] = ("BEN",),
    name: str = OURS,
) -> Program:  # fmt: skip
    """`itpm-sync pull`, into an empty store or the one that is there."""
    folder = WORK / name

    def prepare() -> None:
        if fresh:
            empty(folder)
        (folder / "itpm.yaml").write_text(configuration(url, connections, projects))

    return Program(
        name, [str(COMMAND), "pull"], folder, prepare,
        lambda: count(store_of(name), _ISSUES if fresh else _CHANGED),
    )  # fmt: skip


def floor(url: str, *, fresh: bool = True, projects: Sequence[str] = ("BEN",)) -> Program:
    """The floor, likewise."""
    folder = WORK / FLOOR
    command = [sys.executable, str(ROOT / "benchmarks/floor.py"), url, str(store_of(FLOOR)),
               "--projects", ",".join(projects)]  # fmt: skip
    return Program(
        FLOOR, command if fresh else [*command, "--since"], folder,
        lambda: empty(folder) if fresh else None,
        lambda: count(store_of(FLOOR), _ISSUES if fresh else _CHANGED),
    )  # fmt: skip


def peer(known: peers.Peer, url: str) -> Program:
    """A peer into an empty folder."""
    folder = WORK / "peer"

    def prepare() -> None:
        empty(folder)
        known.prepare(WORK, url, folder)

    return Program(
        known.name, known.command(WORK, url, folder), folder, prepare,
        lambda: known.count(WORK, folder), PEER_LIMIT_S,
    )  # fmt: skip


def store_of(name: str) -> Path:
    """The database of ours or of the floor."""
    return WORK / name / "itpm.db"


def configuration(url: str, connections: int, projects: Sequence[str]) -> str:
    """An itpm.yaml; several connections are sites of their own of the same mock."""
    entry = """  c{n}:
    connector: jira
    url: {url}
    flavor: cloud
    auth: {{email: a@example.org, token: "${{env:BENCH_TOKEN}}"}}
    projects: [{keys}]
"""
    if projects == ("BEN",):
        entry += "    fields: {{points: Story Points}}\n"
    sites = [url if connections == 1 else f"{url}/c{n}" for n in range(1, connections + 1)]
    keys = ", ".join(projects)
    entries = "".join(entry.format(n=n, url=u, keys=keys) for n, u in enumerate(sites, 1))
    portfolio = "".join(f"\n  - code: {key}" for key in projects)
    return f"timezone: UTC\nconnections:\n{entries}projects:{portfolio}\n"


def count(database: Path, query: str) -> int:
    """The one number that a query gives; 0 where there is no such database."""
    if not database.exists():
        return 0
    with closing(sqlite3.connect(database)) as connection:
        return int(connection.execute(query).fetchone()[0])


def empty(folder: Path) -> None:
    """An empty folder of that name."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
