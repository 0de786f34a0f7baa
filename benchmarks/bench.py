"""`make bench`: ours, the floor and the peers against one mock; tables into benchmarks/README.md.

    python -m benchmarks.bench [--large | --million] [--repeat N] [--no-peers]

Programs run in turn, N times round, so that what else the machine does hits them alike; a table
shows medians. Compare ratios of one table, not seconds of two. CPU and peak memory are those that
the kernel accounts to the child (wait4), of its biggest process.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import peers

ROOT = Path(__file__).resolve().parents[1]
WORK = ROOT / ".bench"
README = ROOT / "benchmarks/README.md"
OURS = Path(sys.executable).with_name("itpm-sync")
PEER_LIMIT_S = 600
OUR, FLOOR = "itpm-sync", "floor"


@dataclass(frozen=True, slots=True)
class Usage:
    """What one run took."""

    wall_s: float
    cpu_s: float
    peak_mb: float


@dataclass(frozen=True, slots=True)
class Program:
    """Something to measure; `prepare` runs before each time and is not measured."""

    name: str
    prepare: Callable[[], None]
    command: Sequence[str]
    folder: Path


class Failed(Exception):
    """A program did not end well; the text says how."""


def measure(program: Program, limit_s: float = 7_200) -> Usage:
    """Runs it once. Raises Failed."""
    program.prepare()
    log = (WORK / "output.txt").open("w+b")
    started = time.monotonic()
    child = subprocess.Popen(
        program.command, cwd=program.folder, stdout=log, stderr=log,
        env=peers.environment(program.folder),
    )  # fmt: skip
    while True:
        pid, status, used = os.wait4(child.pid, os.WNOHANG)
        if pid:
            break
        if time.monotonic() - started > limit_s:
            child.kill()
            os.wait4(child.pid, 0)
            raise Failed(f"stopped after {limit_s:.0f} s")
        time.sleep(0.005)
    wall = time.monotonic() - started
    child.returncode = os.waitstatus_to_exitcode(status)
    log.seek(0)
    said = log.read().decode(errors="replace").strip()
    log.close()
    if child.returncode:
        raise Failed((said.splitlines() or ["no output"])[-1][:160])
    return Usage(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def rounds(programs: Sequence[Program], repeat: int) -> dict[str, list[Usage] | str]:
    """Each program `repeat` times, in turn; a failure instead of figures ends that program."""
    found: dict[str, list[Usage] | str] = {p.name: [] for p in programs}
    for _ in range(repeat):
        for program in programs:
            uses = found[program.name]
            if isinstance(uses, str):
                continue
            limit = 7_200 if program.name in (OUR, FLOOR) else PEER_LIMIT_S
            try:
                uses.append(measure(program, limit))
            except Failed as error:
                found[program.name] = str(error)
            print(f"  {program.name}: {found[program.name]}", flush=True)
    return found


# ---- the mock -----------------------------------------------------------------------------------


@contextmanager
def mock(issues: int, latency_ms: float, per_issue_ms: float = 0.0) -> Iterator[str]:
    """A mock in a process of its own; gives its URL."""
    command = [sys.executable, "-m", "benchmarks.mock_jira", "--issues", str(issues),
               "--latency-ms", str(latency_ms), "--per-issue-ms", str(per_issue_ms)]  # fmt: skip
    server = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout
        yield server.stdout.readline().strip()
    finally:
        server.kill()
        server.wait()


def ask(url: str, path: str, body: object = None) -> dict[str, int]:
    """Asks the mock itself."""
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(url + path, data)) as answer:
        found: dict[str, int] = json.load(answer)
        return found


# ---- the programs -------------------------------------------------------------------------------


def _configuration(url: str, connections: int) -> str:
    entry = """  c{n}:
    connector: jira
    url: {url}
    flavor: cloud
    auth: {{email: a@example.org, token: "${{env:BENCH_TOKEN}}"}}
    projects: [BEN]
    fields: {{points: Story Points}}
"""
    sites = [url if connections == 1 else f"{url}/c{n}" for n in range(1, connections + 1)]
    entries = "".join(entry.format(n=n, url=site) for n, site in enumerate(sites, 1))
    return f"timezone: UTC\nconnections:\n{entries}projects: [{{code: BEN}}]\n"


def ours(url: str, *, fresh: bool = True, connections: int = 1, name: str = OUR) -> Program:
    """`itpm-sync pull`, into an empty store or the one that is there."""
    folder = WORK / name

    def prepare() -> None:
        if fresh:
            _empty(folder)
        (folder / "itpm.yaml").write_text(_configuration(url, connections))

    return Program(name, prepare, [str(OURS), "pull"], folder)


def floor(url: str, *, fresh: bool = True) -> Program:
    """The floor, likewise."""
    folder = WORK / FLOOR
    command = [sys.executable, str(ROOT / "benchmarks/floor.py"), url, str(folder / "floor.db")]
    return Program(
        FLOOR, lambda: _empty(folder) if fresh else None,
        command if fresh else [*command, "--since"], folder,
    )  # fmt: skip


def peer(known: peers.Peer, url: str) -> Program:
    """A peer into an empty folder."""
    folder = WORK / "peer"

    def prepare() -> None:
        _empty(folder)

    prepare()
    return Program(known.name, prepare, known.command(WORK / known.venv, url, folder), folder)


def _empty(folder: Path) -> None:
    keep = {"config.json", "target.json"}
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name not in keep:
            path.unlink()


# ---- tables -------------------------------------------------------------------------------------


def _median(uses: Sequence[Usage]) -> Usage:
    return Usage(*(statistics.median(v) for v in zip(
        *((u.wall_s, u.cpu_s, u.peak_mb) for u in uses), strict=True)))  # fmt: skip


def table(found: dict[str, list[Usage] | str], issues: int) -> list[str]:
    """Markdown rows; ratios are medians of each round's ratio to the floor."""
    base = found[FLOOR]
    lines = ["| program | wall s | issues/s | CPU s | peak MB | wall ÷ floor | CPU ÷ floor |",
             "|---|--:|--:|--:|--:|--:|--:|"]  # fmt: skip
    for name, uses in found.items():
        if isinstance(uses, str):
            lines.append(f"| {name} | skipped: {uses.replace('|', '/')} | | | | | |")
            continue
        m, ratio, cpu = _median(uses), "", ""
        if not isinstance(base, str):
            pairs = list(zip(uses, base, strict=False))
            ratio = f"{statistics.median(u.wall_s / b.wall_s for u, b in pairs):.2f}"
            cpu = f"{statistics.median(u.cpu_s / b.cpu_s for u, b in pairs):.2f}"
        rate = f"{issues / m.wall_s:,.0f}" if issues else ""
        lines.append(f"| {name} | {m.wall_s:.2f} | {rate} | {m.cpu_s:.2f} | {m.peak_mb:.0f} "
                     f"| {ratio} | {cpu} |")  # fmt: skip
    return lines


def full(issues: int, latency_ms: float, repeat: int, known: Sequence[peers.Peer],
         per_issue_ms: float = 0.0) -> list[str]:  # fmt: skip
    """A first pull of everything."""
    title = f"Full pull, {issues:,} issues, {latency_ms:.0f} ms latency"
    title += f", {per_issue_ms:g} ms per issue" if per_issue_ms else ""
    print(title, flush=True)
    with mock(issues, latency_ms, per_issue_ms) as url:
        found = rounds([ours(url), floor(url)], repeat)
        found |= rounds([peer(p, url) for p in known], 1)
    store = WORK / OUR / "itpm.db"
    size = store.stat().st_size / issues if store.exists() else 0
    return [f"### {title}", "", *table(found, issues), "",
            f"Store: {size:,.0f} bytes an issue.", ""]  # fmt: skip


def incremental(issues: int, latency_ms: float, repeat: int) -> list[str]:
    """A pull after 1 % of the issues changed, in the store of the full pull before."""
    title = f"1 % of {issues:,} issues changed, {latency_ms:.0f} ms latency"
    print(title, flush=True)
    with mock(issues, latency_ms) as url:
        rounds([ours(url), floor(url)], 1)

        def change() -> None:
            ask(url, "/_changed", {"share": 0.01})
            ask(url, "/_counts")

        programs = [ours(url, fresh=False), floor(url, fresh=False)]
        programs = [
            Program(p.name, _both(p.prepare, change), p.command, p.folder) for p in programs
        ]
        found = rounds(programs, repeat)
    return [f"### {title}", "", *table(found, issues // 100), ""]


def _both(first: Callable[[], None], second: Callable[[], None]) -> Callable[[], None]:
    def act() -> None:
        first()
        second()

    return act


def nothing_new(repeat: int) -> list[str]:
    """Five connections of 1,000 issues each, nothing new; and how fast `--help` is."""
    print("Nothing new", flush=True)
    with mock(1_000, 0) as url:
        quiet = ours(url, fresh=False, connections=5, name="quiet")
        measure(ours(url, connections=5, name="quiet"))
        ask(url, "/_counts")
        uses = [measure(quiet) for _ in range(repeat)]
        counts = ask(url, "/_counts")
    requests = sum(counts.values()) / 5 / repeat
    helped = [measure(Program("help", lambda: None, [str(OURS), "--help"], WORK))
              for _ in range(repeat)]  # fmt: skip
    used = _median(uses)
    text = (
        f"`itpm-sync pull`: {used.wall_s:.2f} s wall, {used.cpu_s:.2f} s CPU, "
        f"{requests:.1f} requests a connection. "
        f"`itpm-sync --help`: {_median(helped).wall_s:.2f} s."
    )
    return ["### Nothing new, five connections; `--help`", "", text, ""]


def _write(section: str, lines: Sequence[str]) -> None:
    text = README.read_text()
    begin, end = f"<!-- {section} -->", f"<!-- /{section} -->"
    before, _, rest = text.partition(begin)
    _, _, after = rest.partition(end)
    README.write_text("\n".join([before + begin, "", *lines, end]) + after)


def _installed() -> tuple[list[peers.Peer], list[str]]:
    good, notes = [], []
    for known in peers.PEERS:
        problem = peers.install(WORK, known.venv, known.packages)
        if problem:
            notes += [f"{known.name}: {problem}", ""]
        else:
            good.append(known)
    return good, notes


def _circumstances() -> str:
    python, load = platform.python_version(), os.getloadavg()[0]
    day = f"{datetime.now(UTC):%Y-%m-%d}"
    return f"{day}, Python {python}, {os.cpu_count()} cores, load {load:.1f} at the start."


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--large", action="store_true", help="100,000 and 300,000 issues")
    parser.add_argument("--million", action="store_true", help="1,000,000 issues")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--dry", action="store_true", help="do not write README.md")
    given = parser.parse_args()
    WORK.mkdir(exist_ok=True)
    known, notes = ([], []) if given.no_peers else _installed()
    lines = [_circumstances(), "", *notes]
    if given.million:
        section = "million"
        lines += full(1_000_000, 0, 1, [])
    elif given.large:
        section = "large"
        lines += full(100_000, 0, given.repeat, []) + full(100_000, 100, given.repeat, known)
        lines += full(300_000, 0, 1, [])
    else:
        section = "quick"
        lines += full(10_000, 0, given.repeat, []) + full(10_000, 100, given.repeat, known)
        lines += full(10_000, 0, 1, [], per_issue_ms=2)
        lines += incremental(10_000, 0, given.repeat) + nothing_new(given.repeat)
    print("\n".join(lines))
    if not given.dry:
        _write(section, lines)


if __name__ == "__main__":
    main()
