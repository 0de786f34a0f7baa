"""The program as cron starts it: a configuration, a store, a Jira sandbox, and real processes."""

from __future__ import annotations

import os
import random
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
import yaml

from connectors.jira.sandbox import JiraSandbox
from itpm_sync.store import Run, Store
from tests.soak.issues import issues_at, issues_in

PROJECTS = ("A", "B")
PATIENCE_S = 300.0
ROOT = Path(__file__).resolve().parents[2]


def two_projects(issues: int) -> JiraSandbox:
    """A site that is being served: two projects, some issues with work logs and history."""
    made = JiraSandbox("cloud")
    for number in range(issues):
        key = made.create_issue(PROJECTS[number % 2], f"Issue {number}")
        if number % 10 == 0:
            made.add_worklog(key, 60 * (number + 1))
            made.edit_issue(key, status="In Progress")
    made.start()
    return made


def people_work(sandbox: JiraSandbox, chance: random.Random) -> None:
    """A day's changes: edits, work logs, moves, deletions, new issues."""
    issues = list(sandbox.state.issues.values())
    share = max(len(issues) // 200, 2)
    for issue in chance.sample(issues, share):
        sandbox.edit_issue(issue.key, summary=f"Edit {chance.random()}", status="Done")
    for issue in chance.sample(issues, share):
        sandbox.add_worklog(issue.key, 60 * chance.randint(1, 500))
    sandbox.move_issue(chance.choice([i for i in issues if i.key.startswith("A")]).key, "B")
    sandbox.move_issue(chance.choice([i for i in issues if i.key.startswith("B")]).key, "A")
    sandbox.delete_issue(chance.choice(issues).key)
    sandbox.create_issue(chance.choice(PROJECTS), f"New {chance.random()}")


def until(happened: Callable[[], object]) -> None:
    """Waits for it."""
    latest = time.monotonic() + PATIENCE_S
    while not happened():
        assert time.monotonic() < latest, "it never happened"
        time.sleep(0.005)


@dataclass
class Office:
    """A configuration, its store, and the program as cron starts it."""

    folder: Path
    store_url: str
    sandbox: JiraSandbox

    def __post_init__(self) -> None:
        self.configure(self.sandbox.url)

    def configure(self, url: str, **jira: object) -> None:
        """Has the connection point at a URL."""
        connection = {**self.sandbox.configuration(), "url": url, "sprints": False, **jira}
        document = {
            "version": 1, "store": self.store_url, "connections": {"jira": connection},
            "discover_projects": ["jira"], "jobs": {"nightly": {"steps": ["pull"]}},
        }  # fmt: skip
        (self.folder / "itpm.yaml").write_text(yaml.safe_dump(document))

    def holder(self) -> str:
        """What the lock says of who holds it, or held it when it was killed."""
        lock = self.folder / ".itpm.yaml.lock"
        return lock.read_text() if lock.exists() else ""

    def start(self, *words: str, largest_file: int | None = None) -> subprocess.Popen[str]:
        """`itpm-sync pull WORDS…`, or `itpm-sync run JOB`; its output in one pipe."""
        command = words if "run" in words else ("pull", *words)

        def prepare() -> None:
            signal.signal(
                signal.SIGINT, signal.SIG_DFL
            )  # ignored where tests run in the background
            if largest_file is not None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))

        environment = {**os.environ, **self.sandbox.environment(), "PYTHONPATH": str(ROOT)}
        return subprocess.Popen(
            [sys.executable, "-m", "itpm_sync.cli", *command], cwd=self.folder,
            env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            preexec_fn=prepare,  # noqa: PLW1509 - nothing but these calls happens there
        )  # fmt: skip

    def run(self, *words: str, largest_file: int | None = None) -> tuple[int, str]:
        """Exit code and what was said."""
        with self.start(*words, largest_file=largest_file) as process:
            said, _ = process.communicate(timeout=PATIENCE_S)
        assert "Traceback" not in said, said
        return process.returncode, said

    def kill_after(self, seconds: float, *words: str) -> float | None:
        """kill -9, so long after the run began; how long it lasted if it had ended before."""
        former = self.holder()
        with self.start(*words) as process:
            until(lambda: self.holder() != former or process.poll() is not None)
            began = time.monotonic()
            try:
                process.communicate(timeout=seconds)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
                return None
        return time.monotonic() - began

    def stop(
        self, number: signal.Signals, once: Callable[[], object], *words: str, patience_s: float
    ) -> tuple[int, str]:
        """Starts a pull, signals it once something has happened; exit code and what was said.

        Fails if it has not ended after `patience_s`.
        """
        with self.start(*words) as process:
            try:
                until(lambda: once() or process.poll() is not None)
                process.send_signal(number)
                said, _ = process.communicate(timeout=patience_s)
            except BaseException:
                process.kill()
                raise
        assert "Traceback" not in said, said
        return process.returncode, said

    def runs(self) -> tuple[Run, ...]:
        """The recorded runs, newest first."""
        with Store.open(self.store_url) as store:
            return store.runs()

    def forget(self) -> None:
        """Leaves a store without any content, as before the first run."""
        if self.store_url.startswith("sqlite"):
            for file in self.folder.glob("store.db*"):
                file.unlink()
            return
        engine = sa.create_engine(self.store_url, isolation_level="AUTOCOMMIT")
        with engine.connect() as database:
            database.exec_driver_sql("DROP SCHEMA public CASCADE")
            database.exec_driver_sql("CREATE SCHEMA public")
        engine.dispose()

    def assert_whole(self) -> None:
        """The database has taken no harm."""
        if self.store_url.startswith("sqlite"):
            path = Path(str(sa.make_url(self.store_url).database))
            if path.exists():
                with closing(sqlite3.connect(path)) as database:
                    assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]

    def assert_equal_to_source(self) -> None:
        """Nothing is missing, doubled, or old; and the store says so."""
        with Store.open(self.store_url) as store:
            assert issues_in(store) == issues_at(self.sandbox, PROJECTS)
            proofs = [c for c in store.coverage() if c.stream == "issue"]
            assert {(c.scope, c.complete) for c in proofs} == {(p, True) for p in PROJECTS}
