"""`make bench`: ours, the floor and the peers against one mock; tables into benchmarks/README.md.

    python -m benchmarks.bench [--only PART …] [--large | --million] [--repeat N] [--dry]

A part measures one thing and writes one section of the README, so parts can be run alone. Programs
run in turn, so that what else the machine does hits them alike. Compare the ratios of one table,
not the seconds of two.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import signal
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from benchmarks import parity, peers, programs, reconcile
from benchmarks.issues import TITANIUM
from benchmarks.measuring import (
    ROOT,
    WORK,
    Failed,
    Found,
    Program,
    Served,
    Usage,
    measure,
    median,
    mock,
    rounds,
)
from benchmarks.programs import FLOOR, OURS

README = ROOT / "benchmarks/README.md"
REAL_ISSUES = 29_057
REAL_PROJECTS = ("TIMOB", "AC", "ALOY", "MOD", "DAEMON")
SITES, SITE_ISSUES = 5, 1_000
LARGE, HUGE, MILLION = 100_000, 300_000, 1_000_000
FASTEST = "dlt rest_api → DuckDB"  # of the peers, by the part of that name


@dataclass(frozen=True, slots=True)
class Options:
    """How to measure."""

    issues: int
    repeat: int
    all_peers: bool


# ---- tables -------------------------------------------------------------------------------------

COLUMNS = ("program", "wall s", "issues/s", "CPU s", "peak MB", "wall ÷ floor", "CPU ÷ floor")


def table(found: Found, issues: int) -> list[str]:
    """Markdown: medians of each figure, and of each round's ratios with their span."""
    peered = not found.keys() <= {OURS, FLOOR}
    columns = [*COLUMNS, *(["wall ÷ ours"] if peered else [])]
    rows = ([name, *_cells(uses, found, issues)] for name, uses in found.items())
    return markdown(columns, [row[: len(columns)] for row in rows])


def markdown(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A table whose first column is text and the others numbers."""
    lines = [columns, ["---", *["--:"] * (len(columns) - 1)], *rows]
    return [f"| {' | '.join(cells)} |" for cells in lines]


def _cells(uses: list[Usage] | str, found: Found, issues: int) -> list[str]:
    if isinstance(uses, str):
        return [f"skipped: {uses.replace('|', '/')}", *[""] * 6]
    m = median(uses)
    return [f"{m.wall_s:.2f}", f"{issues / m.wall_s:,.0f}", f"{m.cpu_s:.2f}", f"{m.peak_mb:.0f}",
            _ratio(uses, found.get(FLOOR), _wall), _ratio(uses, found.get(FLOOR), _cpu),
            _ratio(uses, found.get(OURS), _wall)]  # fmt: skip


def _wall(used: Usage) -> float:
    return used.wall_s


def _cpu(used: Usage) -> float:
    return used.cpu_s


def _ratio(
    uses: Sequence[Usage], base: list[Usage] | str | None, of: Callable[[Usage], float]
) -> str:
    """`1.42 (1.39–1.60)`: the median of the rounds' ratios, the lowest and the highest."""
    if not isinstance(base, list) or uses is base:
        return "1" if uses is base else ""
    ratios = [of(u) / of(b) for u, b in zip(uses, base, strict=False)]
    span = f" ({min(ratios):.2f}–{max(ratios):.2f})" if len(ratios) > 1 else ""
    return f"{statistics.median(ratios):.2f}{span}"


def _titled(title: str, found: Found, issues: int, *notes: str) -> list[str]:
    lines = [f"**{title}**", "", *table(found, issues), ""]
    return [*lines, *(line for note in notes if note for line in (note, ""))]


def _mock_cpu(served: Served, runs: int) -> str:
    return f"The mock needed {served.cpu_s / max(runs, 1):.2f} s of CPU a run."


def _runs(found: Found) -> int:
    return sum(len(uses) for uses in found.values() if isinstance(uses, list))


def _store_size(issues: int) -> str:
    files = [programs.store_of(name) for name in (OURS, FLOOR)]
    sizes = [f.stat().st_size / issues if f.exists() else 0 for f in files]
    return f"Store: {sizes[0]:,.0f} bytes an issue; the floor's: {sizes[1]:,.0f}."


# ---- parts --------------------------------------------------------------------------------------


def full(options: Options) -> list[str]:
    """A first pull of everything, ours and the floor."""
    return [
        *_full(options.issues, options.repeat, 0),
        *_full(options.issues, options.repeat, 100),
        *_full(options.issues, options.repeat, 0, per_issue_ms=2),
    ]


def _full(issues: int, repeat: int, latency_ms: float, per_issue_ms: float = 0.0) -> list[str]:
    title = f"{issues:,} issues, {latency_ms:g} ms latency"
    title += f", {per_issue_ms:g} ms of server time an issue" if per_issue_ms else ""
    print(title, flush=True)
    with mock(issues, latency_ms, per_issue_ms) as served:
        found = rounds([programs.ours(served.url), programs.floor(served.url)], repeat, issues)
    return _titled(title, found, issues, _store_size(issues), _mock_cpu(served, _runs(found)))


def beside_peers(options: Options) -> list[str]:
    """A first pull of everything at 100 ms, once round with every peer."""
    return _beside(options.issues, peers.PEERS)


def _beside(issues: int, wanted: Sequence[peers.Peer]) -> list[str]:
    title = f"{issues:,} issues, 100 ms latency, one round"
    print(title, flush=True)
    problems = {p.name: problem for p in wanted if (problem := peers.install(WORK, p))}
    known = [p for p in wanted if p.name not in problems]
    with mock(issues, 100) as served:
        chosen = [programs.ours(served.url), programs.floor(served.url),
                  *(programs.peer(p, served.url) for p in known)]  # fmt: skip
        found = rounds(chosen, 1, issues) | problems
    walls = {n: u[0].wall_s for n, u in found.items() if isinstance(u, list)}
    others = {n: wall for n, wall in walls.items() if n not in (OURS, FLOOR)}
    note = ""
    if others and OURS in walls:
        fastest = min(others, key=others.__getitem__)
        note = f"Ours is {others[fastest] / walls[OURS]:.1f} × as fast as {fastest}."
    installed = "; ".join(dict.fromkeys(peers.versions(WORK, p) for p in known))
    return _titled(title, found, issues, note, f"Installed: {installed}." if installed else "")


def incremental(options: Options) -> list[str]:
    """A pull after 1 % of the issues changed, in the store of the full pull before."""
    return [line for latency_ms in (0, 100)
            for line in _incremental(options.issues, options.repeat, latency_ms)]  # fmt: skip


def _incremental(issues: int, repeat: int, latency_ms: float) -> list[str]:
    title = f"1 % of {issues:,} issues changed, {latency_ms:g} ms latency"
    print(title, flush=True)
    changed = round(issues * 0.01)
    with mock(issues, latency_ms) as served:
        rounds([programs.ours(served.url), programs.floor(served.url)], 1, issues)
        again = [programs.ours(served.url, fresh=False), programs.floor(served.url, fresh=False)]
        found = rounds([_after_changes(p, served) for p in again], repeat, changed)
    return _titled(title, found, changed)


def _after_changes(program: Program, served: Served) -> Program:
    def prepare() -> None:
        program.prepare()
        served.ask("/_changed", {"share": 0.01})

    return Program(program.name, program.command, program.folder, prepare, program.stored)


def quiet(options: Options) -> list[str]:
    """Five connections of 1,000 issues each, nothing new; and how fast `--help` is."""
    print("nothing new", flush=True)
    with mock(SITE_ISSUES, 0) as served:
        first, idle = (
            programs.ours(served.url, fresh=fresh, connections=SITES, name="quiet")
            for fresh in (True, False)
        )
        measure(first, SITES * SITE_ISSUES)
        served.ask("/_counts")
        uses = [measure(idle) for _ in range(options.repeat)]
        asked = served.ask("/_counts")
    helped = [measure(Program("help", [str(programs.COMMAND), "--help"], WORK))
              for _ in range(options.repeat)]  # fmt: skip
    each = sum(asked.values()) / SITES / options.repeat
    paths = _paths(asked, SITES * options.repeat)
    rows = [_plain("`itpm-sync pull`, five connections, nothing new", uses),
            _plain("`itpm-sync --help`", helped)]  # fmt: skip
    return [*markdown(("command", "wall s", "CPU s", "peak MB"), rows), "",
            f"Requests a connection: {each:.1f} ({paths}).", ""]  # fmt: skip


def _plain(name: str, uses: Sequence[Usage]) -> list[str]:
    m, walls = median(uses), [u.wall_s for u in uses]
    span = f"{m.wall_s:.2f} ({min(walls):.2f}–{max(walls):.2f})"
    return [name, span, f"{m.cpu_s:.2f}", f"{m.peak_mb:.0f}"]


def _paths(asked: Mapping[str, int], runs: int) -> str:
    """`2 × search/jql, 1 × myself`: what each connection asks a run."""
    totals: dict[str, int] = {}
    for key, times in asked.items():
        path = re.sub(r"^.*?/rest/(api|agile)/[\d.]+/", "", key.split(" ", 2)[2])
        totals[path] = totals.get(path, 0) + times
    ordered = sorted(totals.items(), key=lambda item: -item[1])
    return ", ".join(f"{times / runs:g} × {path}" for path, times in ordered)


def titanium(options: Options) -> list[str]:
    """A first pull of the real issues at 100 ms."""
    if not TITANIUM.is_dir():
        return ["Skipped: the real data are not beside the project (`../shared/data`).", ""]
    title = f"{REAL_ISSUES:,} real issues of {len(REAL_PROJECTS)} projects, 100 ms latency"
    print(title, flush=True)
    with mock(0, 100, real=True) as served:
        chosen = [programs.ours(served.url, projects=REAL_PROJECTS),
                  programs.floor(served.url, projects=REAL_PROJECTS)]  # fmt: skip
        found = rounds(chosen, options.repeat, REAL_ISSUES)
    size = _store_size(REAL_ISSUES)
    return _titled(title, found, REAL_ISSUES, size, _mock_cpu(served, _runs(found)))


def large(options: Options) -> list[str]:
    """100,000 issues: full at 0 and 100 ms, 1 % changed, and the fastest peer."""
    known = [p for p in peers.PEERS if options.all_peers or p.name == FASTEST]
    return [
        *_full(LARGE, options.repeat, 0),
        *_full(LARGE, options.repeat, 100),
        *_incremental(LARGE, options.repeat, 0),
        *_beside(LARGE, known),
    ]


def memory(options: Options) -> list[str]:  # noqa: ARG001
    """Peak memory at three times the issues."""
    rows, peaks = [], []
    for issues in (LARGE, HUGE):
        print(f"memory: {issues:,} issues", flush=True)
        with mock(issues, 0) as served:
            used = measure(programs.ours(served.url), issues)
        peaks.append(used.peak_mb)
        rows.append([f"{issues:,}", f"{used.wall_s:.1f}", f"{issues / used.wall_s:,.0f}",
                     f"{used.cpu_s:.1f}", f"{used.peak_mb:.1f}"])  # fmt: skip
    change = (peaks[1] / peaks[0] - 1) * 100
    return [*markdown(("issues", "wall s", "issues/s", "CPU s", "peak MB"), rows), "",
            f"Three times the issues: {change:+.1f} % peak memory.", ""]  # fmt: skip


def million(options: Options) -> list[str]:  # noqa: ARG001
    """Ours alone: time, memory and size of the store."""
    issues = MILLION
    print(f"{issues:,} issues", flush=True)
    with mock(issues, 0) as served:
        used = measure(programs.ours(served.url), issues)
    size = programs.store_of(OURS).stat().st_size
    columns = ("issues", "wall s", "issues/s", "CPU s", "peak MB", "store GB", "bytes an issue")
    row = [f"{issues:,}", f"{used.wall_s:.0f}", f"{issues / used.wall_s:,.0f}",
           f"{used.cpu_s:.0f}", f"{used.peak_mb:.0f}", f"{size / 1e9:.2f}",
           f"{size / issues:,.0f}"]  # fmt: skip
    return [*markdown(columns, [row]), "", _mock_cpu(served, 1), ""]


def reconciled(options: Options) -> list[str]:
    """A reconciliation of 200 ordinary projects, beside a bare pass over the same records."""
    return reconcile.section(reconcile.ORDINARY, options.repeat)


def reconciled_large(options: Options) -> list[str]:  # noqa: ARG001
    """A reconciliation of 2,100,000 records, once."""
    return reconcile.section(reconcile.LARGE, 1)


PARTS: Mapping[str, Callable[[Options], list[str]]] = {
    "full": full, "peers": beside_peers, "incremental": incremental, "quiet": quiet,
    "titanium": titanium, "large": large, "memory": memory, "million": million,
    "reconcile": reconciled, "reconcile-large": reconciled_large,
}  # fmt: skip
USUAL = ("full", "incremental", "quiet", "titanium", "reconcile", "peers")


# ---- the command line ---------------------------------------------------------------------------


def write(part: str, lines: Sequence[str]) -> None:
    """Replaces the part's section of the README."""
    begin, end = f"<!-- {part} -->", f"<!-- /{part} -->"
    before, found, rest = README.read_text().partition(begin)
    _, closed, after = rest.partition(end)
    if not (found and closed):
        raise SystemExit(f"{README} has no section {begin} … {end}")
    README.write_text("\n".join([before + begin, "", *lines, end]) + after)


def circumstances() -> str:
    """When and on what it was measured."""
    load = os.getloadavg()[0]
    day, python = f"{datetime.now(UTC):%Y-%m-%d}", platform.python_version()
    return f"{day}, Python {python}, {os.cpu_count()} cores, load {load:.1f} at the start."


def _run(part: str, options: Options) -> list[str]:
    began, lines = time.monotonic(), [circumstances(), ""]
    try:
        lines += PARTS[part](options)
    except Failed as error:
        lines += [f"Failed: {error}", ""]
    print(f"{part}: {time.monotonic() - began:.0f} s", flush=True)
    return lines


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", action="append", choices=PARTS, help="this part (repeatable)")
    parser.add_argument(
        "--large", action="store_true", help="100,000 and 300,000 issues; the large portfolio"
    )
    parser.add_argument("--million", action="store_true", help="1,000,000 issues")
    parser.add_argument("--issues", type=int, default=10_000, help="of the usual parts")
    parser.add_argument("--repeat", type=int, default=3, help="rounds")
    parser.add_argument("--all-peers", action="store_true", help="not only the fastest at 100,000")
    parser.add_argument("--dry", action="store_true", help="do not write README.md")
    given = parser.parse_args()
    chosen = given.only or (["large", "memory", "reconcile-large"] if given.large else [])
    chosen = chosen or (["million"] if given.million else [*USUAL])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # ends the measured program too
    WORK.mkdir(exist_ok=True)
    parity.check()
    options = Options(given.issues, given.repeat, given.all_peers)
    for part in chosen:
        lines = _run(part, options)
        print("\n".join(lines), flush=True)
        if not given.dry:
            write(part, lines)


if __name__ == "__main__":
    main()
