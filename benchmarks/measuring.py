"""Running programs in turn and taking what the kernel says of them.

Wall time is from start to exit. CPU and peak memory are those that the kernel accounts to the
child (wait4): CPU of it and of the processes that it waited for, memory of the biggest of them.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.peers import environment

ROOT = Path(__file__).resolve().parents[1]
WORK = ROOT / ".bench"


@dataclass(frozen=True, slots=True)
class Usage:
    """What one run took."""

    wall_s: float
    cpu_s: float
    peak_mb: float


@dataclass(frozen=True, slots=True)
class Program:
    """Something to measure. `prepare` runs before each time, `stored` after it, unmeasured:
    `stored` gives how many issues it wrote, and a run that did not write them all has failed.
    """

    name: str
    command: Sequence[str]
    folder: Path
    prepare: Callable[[], object] = lambda: None
    stored: Callable[[], int] | None = None
    limit_s: float = 7_200


Found = dict[str, list[Usage] | str]
"""What each program took, run by run; or why it has no figures."""


class Failed(Exception):
    """A program did not end well; the text says how."""


def measure(program: Program, issues: int = 0) -> Usage:
    """Runs it once. Raises Failed, also if it did not store so many issues."""
    program.prepare()
    with (WORK / "output.txt").open("w+b") as log:
        started = time.monotonic()
        child = subprocess.Popen(
            program.command, cwd=program.folder, stdout=log, stderr=log,
            env=environment(program.folder), start_new_session=True,
        )  # fmt: skip
        try:
            status, used = _waited(child, started + program.limit_s)
        except BaseException:
            os.killpg(child.pid, signal.SIGKILL)
            raise
        wall = time.monotonic() - started
        log.seek(0)
        said = log.read().decode(errors="replace").strip()
    if status is None:
        raise Failed(f"stopped after {program.limit_s:.0f} s")
    if status:
        raise Failed((said.splitlines() or ["no output"])[-1][:160])
    if program.stored and (stored := program.stored()) != issues:
        raise Failed(f"stored {stored:,} of {issues:,} issues")
    return Usage(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def _waited(
    child: subprocess.Popen[bytes], until: float
) -> tuple[int | None, resource.struct_rusage]:
    """The exit code (None: it took too long) and what it used. `wait4` polls no faster than every
    5 ms, so that waiting costs nothing of what is measured."""
    while True:
        pid, status, used = os.wait4(child.pid, os.WNOHANG)
        if pid:
            child.returncode = os.waitstatus_to_exitcode(status)
            return child.returncode, used
        if time.monotonic() > until:
            os.killpg(child.pid, signal.SIGKILL)
            child.returncode = -9
            return None, os.wait4(child.pid, 0)[2]
        time.sleep(0.005)


def rounds(programs: Sequence[Program], repeat: int, issues: int) -> Found:
    """Each program `repeat` times, in turn, so that what else the machine does hits them alike; a
    failure ends that program."""
    found: Found = {p.name: [] for p in programs}
    for _ in range(repeat):
        for program in programs:
            uses = found[program.name]
            if isinstance(uses, str):
                continue
            try:
                uses.append(measure(program, issues))
                print(f"  {program.name}: {uses[-1].wall_s:.2f} s", flush=True)
            except Failed as error:
                found[program.name] = str(error)
                print(f"  {program.name}: {error}", flush=True)
    return found


def median(uses: Sequence[Usage]) -> Usage:
    """The median of each figure."""
    return Usage(*(statistics.median(getattr(u, n) for u in uses) for n in Usage.__slots__))


# ---- the mock -----------------------------------------------------------------------------------


@dataclass(slots=True)
class Served:
    """A running mock; `cpu_s` is known when it has ended."""

    url: str
    cpu_s: float = field(default=0.0)

    def ask(self, path: str, body: object = None) -> Mapping[str, int]:
        """Asks the mock itself."""
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(urllib.request.Request(self.url + path, data)) as answer:
            found: Mapping[str, int] = json.load(answer)
            return found


@contextmanager
def mock(issues: int, latency_ms: float, per_issue_ms: float = 0.0, *, real: bool = False
         ) -> Iterator[Served]:  # fmt: skip
    """A mock in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.mock_jira", "--issues", str(issues),
               "--latency-ms", str(latency_ms), "--per-issue-ms", str(per_issue_ms),
               *(["--real"] if real else [])]  # fmt: skip
    server = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert server.stdout
    served = Served(server.stdout.readline().strip())
    before = _cpu_s(server.pid)
    try:
        if not served.url:
            raise Failed("the mock did not start")
        yield served
    finally:
        served.cpu_s = _cpu_s(server.pid) - before
        server.kill()
        server.wait()
        server.stdout.close()


def _cpu_s(pid: int) -> float:
    """CPU seconds of a running process, or 0 where /proc does not say."""
    try:
        parts = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK")
