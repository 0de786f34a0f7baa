"""Where our CPU goes, in µs an issue: `python -m benchmarks.where [--issues 10000] [--write]`.

A sampling profile of a real pull from the mock, in one thread so that each moment belongs to one
stage. The kernel interrupts every few milliseconds of CPU; the innermost frame that a rule knows
names the stage. The calls into C that matter (parsing, writing JSON, hashing, compressing) go
through a Python function here, so that they are stages of their own wherever they are called.
Unlike with `cProfile`, Python calls are not made dearer than C. Rules name folders and packages, no
functions: what moves within a part needs no change here.
"""

from __future__ import annotations

import argparse
import functools
import hashlib
import os
import signal
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any
from unittest.mock import patch

import orjson
import zstandard

from benchmarks import programs
from benchmarks.measuring import WORK, measure, mock

INTERVAL_S = 0.001
STAGES = (
    ("HTTP", ("/itpm_sync/http/", "/requests/", "/urllib3/", "/tenacity/", "/http/client.py")),
    ("SQLite and SQLAlchemy", ("/sqlalchemy/", "/itpm_sync/store/codec.py")),  # calls the driver
    ("connector", ("/connectors/",)),
    ("mapping", ("/itpm_sync/mapping/", "/itpm_sync/model.py")),
    ("store: decisions and rows", ("/itpm_sync/store/",)),
    ("engine", ("/itpm_sync/pull/", "/itpm_sync/execute.py", "/concurrent/futures/")),
    ("the command", ("/itpm_sync/",)),
)
IMPORTS, REST = "imports (once a run)", "the rest"
CALLS = {"parse": "decode JSON", "write": "encode JSON", "digest": "hash", "compress": "compress"}
"""Functions of this file → their stages."""


def stage(frame: FrameType | None) -> str:
    """The stage that a stack belongs to."""
    found = ""
    while frame is not None:
        code = frame.f_code
        if code.co_filename.startswith("<frozen importlib"):
            return IMPORTS
        found = found or _stage_of(code.co_filename, code.co_name)
        frame = frame.f_back
    return found or REST


@functools.cache
def _stage_of(file: str, name: str) -> str:
    if file == __file__:
        return CALLS.get(name, "")
    return next((s for s, parts in STAGES if any(p in file for p in parts)), "")


@contextmanager
def sampled(counts: Counter[str]) -> Iterator[None]:
    """Counts the stage of this thread at each interval of CPU time."""
    signal.signal(signal.SIGPROF, lambda _, frame: counts.update([stage(frame)]))
    signal.setitimer(signal.ITIMER_PROF, INTERVAL_S, INTERVAL_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


@contextmanager
def named_calls() -> Iterator[None]:
    """Sends the calls into C through functions that the sampler can see."""
    loads, dumps, blake2b = orjson.loads, orjson.dumps, hashlib.blake2b
    compressor = zstandard.ZstdCompressor

    def parse(data: Any) -> Any:
        return loads(data)

    def write(*given: Any, **options: Any) -> bytes:
        return dumps(*given, **options)

    def compress(own: Any, bodies: Any) -> Any:
        return own.multi_compress_to_buffer(bodies)

    def digest(*given: Any, **options: Any) -> Any:
        return blake2b(*given, **options)

    class Compressor:
        """Compresses like the one that it stands for."""

        def __init__(self, *given: Any, **options: Any) -> None:
            self._own = compressor(*given, **options)

        def __getattr__(self, name: str) -> Any:
            own = self._own
            many = name == "multi_compress_to_buffer"
            return functools.partial(compress, own) if many else getattr(own, name)

    with (
        patch.object(orjson, "loads", parse),
        patch.object(orjson, "dumps", write),
        patch.object(hashlib, "blake2b", digest),
        patch.object(zstandard, "ZstdCompressor", Compressor),
    ):
        yield


def profile(url: str) -> tuple[Counter[str], float]:
    """Samples by stage, and the CPU seconds of a pull in one thread into an empty store."""
    folder = WORK / "where"
    programs.empty(folder)
    (folder / "itpm.yaml").write_text(programs.configuration(url, 1, ("BEN",)))
    os.environ["BENCH_TOKEN"] = "abcdefgh"
    counts: Counter[str] = Counter()
    with named_calls(), _working_in(folder):
        from itpm_sync import app
        from itpm_sync import pull as engine

        in_one_thread = functools.partial(engine.pull, inline=True)
        before = time.process_time()
        with (
            patch.object(engine, "pull", in_one_thread),
            sampled(counts),
            app.open_session(Path("itpm.yaml")) as session,
        ):
            result = app.pull(session)
        used = time.process_time() - before
    if result.state != "ok":
        raise SystemExit(f"the pull did not end well: {result.message}")
    return counts, used


@contextmanager
def _working_in(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def lines(counts: Mapping[str, int], used_s: float, issues: int) -> list[str]:
    """A table: the dearest stage first."""
    taken = sum(counts.values()) or 1
    total = used_s / issues * 1e6
    rows = [f"| {name} | {total * n / taken:.0f} | {n / taken:.0%} |"
            for name, n in sorted(counts.items(), key=lambda item: -item[1])]  # fmt: skip
    return ["| stage | µs of CPU an issue | share |", "| --- | --: | --: |", *rows,
            f"| **one thread, {taken:,} samples** | **{total:.0f}** | |", ""]  # fmt: skip


def whole(url: str, issues: int) -> list[str]:
    """The command itself, with its threads, beside the floor; and its cost without any news."""
    first, floor = measure(programs.ours(url), issues), measure(programs.floor(url), issues)
    idle = measure(programs.ours(url, fresh=False))
    each = [used.cpu_s / issues * 1e6 for used in (first, floor)]
    text = (
        f"The command, with its threads and its start: {each[0]:.0f} µs of CPU an issue; "
        f"the floor: {each[1]:.0f}. A pull that finds nothing new costs {idle.cpu_s:.2f} s of CPU: "
        "start, imports, the small requests."
    )
    return [text, ""]


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--issues", type=int, default=10_000)
    parser.add_argument("--write", action="store_true", help="into README.md")
    given = parser.parse_args()
    WORK.mkdir(exist_ok=True)
    with mock(given.issues, 0) as served:
        found = whole(served.url, given.issues)
        found += lines(*profile(served.url), given.issues)
    print("\n".join(found))
    if given.write:
        from benchmarks.bench import circumstances, write

        write("where", [circumstances(), "", *found])


if __name__ == "__main__":
    main()
