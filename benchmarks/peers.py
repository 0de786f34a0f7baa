"""The peers: how each is installed, run and counted, as its own documentation says.

All of them read the same mock as we do and write one row an issue. None is changed, but for
tap-jira: it insists on https, so its launcher leaves out that one rewriting of the address, which
also spares it the encryption. `--only peers` shows what they need.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

INSTALL_S = 300
ISSUES = "issues"

_DLT = """
import sys, dlt
from dlt.sources.rest_api import rest_api_source
url, kind, path = sys.argv[1:]
source = rest_api_source({
    "client": {"base_url": url + "/rest/api/3/",
               "paginator": {"type": "cursor", "cursor_path": "nextPageToken",
                             "cursor_param": "nextPageToken"}},
    "resources": [{"name": "issues", "primary_key": "id", "write_disposition": "merge",
                   "max_table_nesting": 0,
                   "endpoint": {"path": "search/jql", "data_selector": "issues",
                                "params": {"jql": "project = BEN", "fields": "*all",
                                           "maxResults": 100}}}]})
where = (dlt.destinations.sqlalchemy("sqlite:///" + path) if kind == "sqlite"
         else dlt.destinations.duckdb(path))
dlt.pipeline("bench", destination=where, dataset_name="main" if kind == "sqlite" else "bench",
             pipelines_dir=path + ".work").run(source)
"""

_JIRA = """
import sys, sqlite3, pandas
from jira import JIRA
url, path = sys.argv[1:]
site = JIRA(url, basic_auth=("a@example.org", "abcdefgh"), get_server_info=True)
issues = site.enhanced_search_issues("project = BEN", maxResults=0, json_result=False,
                                     fields="*all", expand="changelog")
frame = pandas.json_normalize([i.raw for i in issues], max_level=2)
frame = frame.map(lambda v: str(v) if isinstance(v, (list, dict)) else v)
frame.columns = [f"c{n}" for n in range(len(frame.columns))]
frame.to_sql("issues", sqlite3.connect(path), index=False, chunksize=100)
"""

_TAP = """
import tap_jira
from tap_jira.http import Client
Client.url = lambda self, path: self.base_url + path
tap_jira.main()
"""

_COUNT_SQLITE = """
import sqlite3, sys
print(sqlite3.connect(sys.argv[1]).execute("SELECT count(*) FROM issues").fetchone()[0])
"""

_COUNT_DUCKDB = """
import duckdb, sys
print(duckdb.connect(sys.argv[1]).execute(f"SELECT count(*) FROM {sys.argv[2]}").fetchone()[0])
"""


@dataclass(frozen=True, slots=True)
class Venv:
    """An environment of its own below `.bench/`."""

    name: str
    packages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Peer:
    """A program to compare with. `command(root, url, out)` gives what to run in the folder `out`;
    `count(root, out)` how many issues stand in what it wrote; `prepare(root, url, out)` does what
    is done once and not at every run. The venvs lie below `root`.
    """

    name: str
    venvs: tuple[Venv, ...]
    command: Callable[[Path, str, Path], list[str]]
    count: Callable[[Path, Path], int]
    prepare: Callable[[Path, str, Path], object] = lambda _root, _url, _out: None


DLT = Venv("dlt", ("dlt[duckdb,sqlalchemy]",))
JIRA = Venv("jira", ("jira", "pandas"))
TAP = Venv("tap", ("tap-jira",))  # Singer taps and targets want venvs of their own
JSONL = Venv("target-jsonl", ("target-jsonl",))
DUCKDB = Venv("target-duckdb", ("target-duckdb",))


def _python(root: Path, venv: Venv) -> str:
    return str(root / venv.name / "bin/python")


def _dlt(kind: str) -> Callable[[Path, str, Path], list[str]]:
    return lambda root, url, out: [_python(root, DLT), "-c", _DLT, url, kind,
                                   str(out / f"peer.{kind}")]  # fmt: skip


def _jira(root: Path, url: str, out: Path) -> list[str]:
    return [_python(root, JIRA), "-c", _JIRA, url, str(out / "peer.sqlite")]


def _discover(root: Path, url: str, out: Path) -> None:
    """Writes both configurations and the catalogue with the stream of issues selected."""
    tap = {
        "base_url": url, "username": "a@example.org", "password": "abcdefgh",
        "start_date": "2020-01-01T00:00:00Z", "user_agent": "bench", "request_timeout": 300,
    }  # fmt: skip
    to = {"destination_path": str(out), "filepath": str(out / "peer.duckdb"),
          "default_target_schema": "bench"}  # fmt: skip
    (out / "tap.json").write_text(json.dumps(tap))
    (out / "target.json").write_text(json.dumps(to))
    found = subprocess.run(
        [_python(root, TAP), "-c", _TAP, "--config", "tap.json", "--discover"],
        cwd=out, capture_output=True, check=True,
    )  # fmt: skip
    catalogue = json.loads(found.stdout)
    for stream in catalogue["streams"]:
        for entry in stream["metadata"]:
            if stream["tap_stream_id"] == ISSUES and not entry["breadcrumb"]:
                entry["metadata"]["selected"] = True
    (out / "catalog.json").write_text(json.dumps(catalogue))


def _singer(target: Venv) -> Callable[[Path, str, Path], list[str]]:
    def command(root: Path, url: str, out: Path) -> list[str]:  # noqa: ARG001
        tap = f"{_python(root, TAP)} -c '{_TAP}' --config tap.json --properties catalog.json"
        to = f"{root / target.name / 'bin' / target.name} --config target.json > /dev/null"
        return ["bash", "-c", f"set -o pipefail; {tap} | {to}"]

    return command


def _asked(command: list[str]) -> int:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return int(done.stdout) if done.returncode == 0 else 0


def _in_sqlite(root: Path, out: Path) -> int:  # noqa: ARG001
    files = [f for f in out.glob("peer*sqlite*") if f.is_file()]
    return max((_asked([sys.executable, "-c", _COUNT_SQLITE, str(f)]) for f in files), default=0)


def _in_duckdb(venv: Venv, table: str) -> Callable[[Path, Path], int]:
    return lambda root, out: _asked(
        [_python(root, venv), "-c", _COUNT_DUCKDB, str(out / "peer.duckdb"), table]
    )


def _in_lines(root: Path, out: Path) -> int:  # noqa: ARG001
    return sum(1 for file in out.glob("issues*.jsonl") for _ in file.open("rb"))


PEERS = (
    Peer("dlt rest_api → SQLite", (DLT,), _dlt("sqlite"), _in_sqlite),
    Peer("dlt rest_api → DuckDB", (DLT,), _dlt("duckdb"), _in_duckdb(DLT, "bench.issues")),
    Peer("jira + pandas → SQLite", (JIRA,), _jira, _in_sqlite),
    Peer("tap-jira → target-jsonl", (TAP, JSONL), _singer(JSONL), _in_lines, _discover),
    Peer("tap-jira → target-duckdb", (TAP, DUCKDB), _singer(DUCKDB),
         _in_duckdb(DUCKDB, "bench.issues"), _discover),
)  # fmt: skip


def install(root: Path, peer: Peer) -> str:
    """Makes the peer's venvs below `root`; gives what went wrong, or nothing."""
    return next((problem for v in peer.venvs if (problem := _install(root, v))), "")


def _install(root: Path, venv: Venv) -> str:
    folder, stamp = root / venv.name, root / venv.name / ".installed"
    wanted = " ".join(venv.packages)
    if stamp.exists() and stamp.read_text() == wanted:
        return ""
    pip = [
        str(folder / "bin/python"),
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ]
    try:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True, capture_output=True)
        subprocess.run([*pip, *venv.packages], check=True, timeout=INSTALL_S, capture_output=True)
    except (subprocess.SubprocessError, OSError) as error:
        said = (getattr(error, "stderr", None) or b"").decode(errors="replace").strip()
        return f"does not install: {(said.splitlines() or [str(error)])[-1][:160]}"
    stamp.write_text(wanted)
    return ""


def versions(root: Path, peer: Peer) -> str:
    """The peer's packages as installed: `dlt 1.31.0`."""
    found = []
    for venv in peer.venvs:
        for package in venv.packages:
            name = package.partition("[")[0].partition("<")[0].partition("=")[0]
            code = f"import importlib.metadata as m; print(m.version({name!r}))"
            done = subprocess.run([_python(root, venv), "-c", code], capture_output=True, text=True,
                                  check=False)  # fmt: skip
            found.append(f"{name} {done.stdout.strip()}")
    return ", ".join(found)


def environment(folder: Path) -> dict[str, str]:
    """No telemetry, no settings of the person who runs the benchmark. Modules are compiled once, as
    an installation does, whatever this environment says."""
    own = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    return {**own, "HOME": str(folder), "RUNTIME__DLTHUB_TELEMETRY": "false",
            "BENCH_TOKEN": "abcdefgh"}  # fmt: skip
