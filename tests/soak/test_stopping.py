"""Ctrl-C and SIGTERM: the real process ends at once, whatever it does, and says so in a line."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import socket
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from connectors.jira.sandbox import JiraSandbox
from itpm_sync.connector import Faults
from tests.soak.office import Office, two_projects, until

SOAK = "ITPM_SOAK_EXAMPLES" in os.environ
ISSUES, STOPS = (2_000, 40) if SOAK else (60, 1)
SAID = {
    signal.SIGINT: "itpm-sync: stopped by Ctrl-C; the next run continues where this one ended\n",
    signal.SIGTERM: "itpm-sync: stopped by SIGTERM; the next run continues where this one ended\n",
}
CODES = {signal.SIGINT: 130, signal.SIGTERM: 143}
SOON_S = 30.0  # far below the pauses and time-outs (60 s and more) that it must not wait for


@pytest.fixture(scope="module")
def sandbox() -> Iterator[JiraSandbox]:
    made = two_projects(ISSUES)
    yield made
    made.stop()


@pytest.fixture
def office(tmp_path: Path, sandbox: JiraSandbox) -> Iterator[Office]:
    sandbox.requests.clear()
    yield Office(tmp_path, f"sqlite:///{tmp_path / 'store.db'}", sandbox)
    sandbox.set_faults(Faults())


both = pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT][: 2 if SOAK else 1])


@both
@pytest.mark.parametrize("seed", range(STOPS))
def test_stopped_at_any_instant_the_run_is_recorded_and_the_next_goes_on(
    office: Office, sandbox: JiraSandbox, number: signal.Signals, seed: int
) -> None:
    instant = random.Random(seed).uniform(0.0, ISSUES / 1_000)  # noqa: S311 - no secret
    sandbox.set_faults(Faults(latency_s=0.05))
    began: list[float] = []

    def due() -> bool:
        if sandbox.requests and not began:
            began.append(time.monotonic())
        return bool(began) and time.monotonic() - began[0] >= instant

    code, said = office.stop(number, due, patience_s=SOON_S)
    states = [run.state for run in office.runs()]
    if code == 0:  # it had ended before
        assert states == ["ok"]
    else:
        assert (code, said) == (CODES[number], SAID[number])
    if states == ["ok"]:  # or had only to tell of it
        office.assert_equal_to_source()
    else:
        assert states == ["interrupted"]
    office.assert_whole()
    sandbox.set_faults(Faults())
    assert office.run()[0] == 0
    office.assert_equal_to_source()


def test_nobody_waits_for_a_pause_that_the_source_asked_for(
    office: Office, sandbox: JiraSandbox
) -> None:
    number = signal.SIGINT
    sandbox.set_faults(Faults(rate_limit_per_s=1 / 120))  # 429 with Retry-After: 120
    refused = lambda: any(r.status == 429 for r in list(sandbox.requests))  # noqa: E731
    code, said = office.stop(number, refused, patience_s=SOON_S)
    assert code == CODES[number]
    assert re.fullmatch(rf".* warning .*: 429 .*\n{re.escape(SAID[number])}", said)
    assert [run.state for run in office.runs()] == ["interrupted"]
    sandbox.set_faults(Faults())
    assert office.run()[0] == 0
    office.assert_equal_to_source()


def test_a_job_that_is_stopped_leaves_a_status_that_says_so(
    office: Office, sandbox: JiraSandbox
) -> None:
    sandbox.set_faults(Faults(rate_limit_per_s=1 / 120))
    asked = lambda: bool(sandbox.requests)  # noqa: E731
    code, _ = office.stop(signal.SIGTERM, asked, "run", "nightly", patience_s=SOON_S)
    status = json.loads((office.folder / "itpm-status.json").read_text())
    assert (code, status["state"], status["exit_code"]) == (143, "interrupted", 143)
    assert status["message"].startswith("stopped by SIGTERM")
    assert [(run.job, run.state) for run in office.runs()] == [("nightly", "interrupted")]


def test_nobody_waits_for_a_source_that_never_answers(office: Office) -> None:
    number = signal.SIGINT
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        silent.settimeout(SOON_S)
        office.configure(f"http://127.0.0.1:{silent.getsockname()[1]}")
        asked: list[socket.socket] = []

        def reached() -> bool:
            if not asked:
                asked.append(silent.accept()[0])
            return bool(asked[0].recv(1, socket.MSG_PEEK))

        assert office.stop(number, reached, patience_s=SOON_S) == (CODES[number], SAID[number])
        asked[0].close()
    assert [run.state for run in office.runs()] == ["interrupted"]


def test_nobody_waits_for_another_program_that_has_locked_the_store(office: Office) -> None:
    number = signal.SIGTERM
    assert office.run()[0] == 0
    with closing(sqlite3.connect(office.folder / "store.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        signed = lambda: office.holder() != ""  # noqa: E731
        assert office.stop(number, signed, patience_s=20.0) == (CODES[number], SAID[number])
    assert office.run()[0] == 0
    office.assert_equal_to_source()


def test_a_signal_that_was_ignored_stays_ignored(office: Office, sandbox: JiraSandbox) -> None:
    former = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
    try:
        sandbox.set_faults(Faults(latency_s=0.05))
        asked = lambda: bool(sandbox.requests)  # noqa: E731
        code, said = office.stop(signal.SIGHUP, asked, patience_s=300.0)
    finally:
        signal.signal(signal.SIGHUP, former)
    assert code == 0, said
    office.assert_equal_to_source()


def test_a_second_signal_does_not_wait_for_the_first_to_be_dealt_with(office: Office) -> None:
    assert office.run()[0] == 0
    with closing(sqlite3.connect(office.folder / "store.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with office.start() as process:
            until(lambda: office.holder() != "" or process.poll() is not None)
            process.send_signal(signal.SIGTERM)
            process.send_signal(signal.SIGINT)
            said, _ = process.communicate(timeout=20.0)
    assert process.returncode in (130, 143)
    assert re.fullmatch(r"itpm-sync: stopped by (SIGTERM|Ctrl-C); the next run .*\n", said)
