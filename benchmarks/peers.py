"""The peers: how each is installed and run, as its own documentation says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

INSTALL_S = 300

_DLT = """
import sys, dlt
from dlt.sources.rest_api import rest_api_source
url, to = sys.argv[1:]
source = rest_api_source({
    "client": {"base_url": url + "/rest/api/3/",
               "paginator": {"type": "cursor", "cursor_path": "nextPageToken",
                             "cursor_param": "nextPageToken"}},
    "resources": [{"name": "issues", "primary_key": "id", "write_disposition": "merge",
                   "max_table_nesting": 0,
                   "endpoint": {"path": "search/jql", "data_selector": "issues",
                                "params": {"jql": "project = BEN", "fields": "*all",
                                           "maxResults": 100}}}]})
kind, _, path = to.partition(":")
where = dlt.destinations.sqlalchemy("sqlite:///" + path) if kind == "sqlite" \\
    else dlt.destinations.duckdb(path)
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


@dataclass(frozen=True, slots=True)
class Peer:
    """A program to compare with. `command(folder, url, out)` gives what to run."""

    name: str
    venv: str
    packages: tuple[str, ...]
    command: Callable[[Path, str, Path], list[str]]


def _python(code: str, prefix: str = "") -> Callable[[Path, str, Path], list[str]]:
    return lambda venv, url, out: [
        str(venv / "bin/python"), "-c", code, url, f"{prefix}{out / 'peer.db'}",
    ]  # fmt: skip


def _singer(venv: Path, url: str, out: Path) -> list[str]:
    out.mkdir(parents=True, exist_ok=True)
    config = {
        "base_url": url, "username": "a@example.org", "password": "abcdefgh",
        "start_date": "2020-01-01T00:00:00Z", "user_agent": "bench", "request_timeout": 300,
    }  # fmt: skip
    (out / "config.json").write_text(json.dumps(config))
    (out / "target.json").write_text(json.dumps({"destination_path": str(out)}))
    tap = venv / "bin/tap-jira"
    target = venv.parent / "target/bin/target-jsonl"
    script = f"""
set -e -o pipefail
{tap} --config config.json --discover > catalog.json
{sys.executable} - <<'END'
import json
catalog = json.load(open("catalog.json"))
for stream in catalog["streams"]:
    if stream["tap_stream_id"] == "issues":
        for entry in stream["metadata"]:
            if not entry["breadcrumb"]:
                entry["metadata"]["selected"] = True
json.dump(catalog, open("catalog.json", "w"))
END
{tap} --config config.json --catalog catalog.json | {target} --config target.json > /dev/null
test -s issues*.jsonl
"""
    return ["bash", "-c", f"cd {out} && {script}"]


PEERS = (
    Peer("dlt rest_api → SQLite", "dlt", ("dlt[duckdb,sqlalchemy]",), _python(_DLT, "sqlite:")),
    Peer("dlt rest_api → DuckDB", "dlt", ("dlt[duckdb,sqlalchemy]",), _python(_DLT, "duckdb:")),
    Peer("jira + pandas → SQLite", "jira", ("jira", "pandas"), _python(_JIRA)),
    Peer("tap-jira | target-jsonl", "tap", ("tap-jira",), _singer),
)
ALSO = {"tap": ("target", ("target-jsonl",))}  # Singer taps and targets want venvs of their own


def install(root: Path, venv: str, packages: tuple[str, ...]) -> str:
    """Makes `root/venv` with the packages; gives what went wrong, or nothing."""
    folder, stamp = root / venv, root / venv / ".installed"
    if stamp.exists() and stamp.read_text() == " ".join(packages):
        return ""
    quiet = ["--quiet", "--disable-pip-version-check"]
    try:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([folder / "bin/python", "-m", "pip", "install", *quiet, *packages],
                       check=True, timeout=INSTALL_S, capture_output=True)  # fmt: skip
    except (subprocess.SubprocessError, OSError) as error:
        output = getattr(error, "stderr", b"") or b""
        return f"not installed: {output.decode().strip().splitlines()[-1:] or error}"
    stamp.write_text(" ".join(packages))
    return "" if venv not in ALSO else install(root, *ALSO[venv])


def environment(folder: Path) -> dict[str, str]:
    """No telemetry, no settings of the person who runs the benchmark."""
    return {**os.environ, "HOME": str(folder), "RUNTIME__DLTHUB_TELEMETRY": "false",
            "BENCH_TOKEN": "abcdefgh"}  # fmt: skip
