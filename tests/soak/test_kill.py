"""A real process that is killed, locked out, or has nowhere to write: the store stays whole, and
one run later it equals the source.

`make soak` kills 200 pulls of 5,000 issues on SQLite and as many on PostgreSQL (ITPM_SOAK_KILLS);
`make test` kills a few pulls of fewer issues.
"""

from __future__ import annotations

import os
import random
import resource
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa
import yaml

from connectors.jira.sandbox import JiraSandbox
from itpm_sync.connector import Faults
from itpm_sync.store import Store
from tests.soak.jira_world import issues_at, issues_in

SOAK = "ITPM_SOAK_EXAMPLES" in os.environ
ISSUES = 5_000 if SOAK else 120
KILLS = int(os.environ.get("ITPM_SOAK_KILLS", "200")) if SOAK else 3  # on each database
PROJECTS = ("A", "B")
ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 300.0


@pytest.fixture(scope="module")
def sandbox() -> Iterator[JiraSandbox]:
    """A site of two projects, some issues with work logs and history."""
    made = JiraSandbox("cloud")
    for number in range(ISSUES):
        key = made.create_issue(PROJECTS[number % 2], f"Issue {number}")
        if number % 10 == 0:
            made.add_worklog(key, 60 * (number + 1))
            made.edit_issue(key, status="In Progress")
    made.start()
    yield made
    made.stop()


@dataclass
class Office:
    """A configuration, its store, and the program as cron starts it."""

    folder: Path
    store_url: str
    sandbox: JiraSandbox

    def __post_init__(self) -> None:
        jira = {**self.sandbox.configuration(), "sprints": False}
        document = {
            "version": 1, "store": self.store_url, "connections": {"jira": jira},
            "discover_projects": ["jira"],
        }  # fmt: skip
        (self.folder / "itpm.yaml").write_text(yaml.safe_dump(document))

    def start(self, *words: str, largest_file: int | None = None) -> subprocess.Popen[str]:
        def limit() -> None:
            if largest_file is not None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))

        environment = {**os.environ, **self.sandbox.environment(), "PYTHONPATH": str(ROOT)}
        return subprocess.Popen(
            [sys.executable, "-m", "itpm_sync.cli", "pull", *words], cwd=self.folder,
            env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            preexec_fn=limit,  # noqa: PLW1509 - nothing but setrlimit happens there
        )  # fmt: skip

    def run(self, *words: str, largest_file: int | None = None) -> tuple[int, str]:
        """Exit code and what was said."""
        with self.start(*words, largest_file=largest_file) as process:
            said, _ = process.communicate(timeout=PATIENCE_S)
        assert "Traceback" not in said, said
        return process.returncode, said

    def kill_after(self, seconds: float, *words: str) -> bool:
        """kill -9 at that instant; false if the run had ended before."""
        with self.start(*words) as process:
            try:
                process.communicate(timeout=seconds)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
                return True
        return False

    def assert_whole(self) -> None:
        """The database has taken no harm."""
        if self.store_url.startswith("sqlite"):
            path = self.folder / "store.db"
            if path.exists():
                with closing(sqlite3.connect(path)) as database:
                    assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]

    def assert_equal_to_source(self) -> None:
        """Nothing is missing, doubled, or old; and the store says so."""
        with Store.open(self.store_url) as store:
            assert issues_in(store) == issues_at(self.sandbox, PROJECTS)
            proofs = [c for c in store.coverage() if c.stream == "issue"]
            assert {(c.scope, c.complete) for c in proofs} == {(p, True) for p in PROJECTS}


@pytest.fixture
def office(tmp_path: Path, sandbox: JiraSandbox) -> Office:
    return Office(tmp_path, f"sqlite:///{tmp_path / 'store.db'}", sandbox)


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


def test_killed_at_any_instant_the_next_run_makes_the_store_equal(
    tmp_path: Path, store_url: str, sandbox: JiraSandbox
) -> None:
    office, chance = Office(tmp_path, store_url, sandbox), random.Random(3)  # noqa: S311 - no secret
    killed = 0
    for number in range(KILLS):
        if number % 20 == 0:  # every now and then a store that has nothing yet
            _forget(office)
            began = time.monotonic()
            _, whole = office.run(), time.monotonic() - began
            _forget(office)
        how = "--sweep" if number % 3 == 2 else "--full"
        killed += office.kill_after(chance.uniform(0.3, whole), how)
        office.assert_whole()
        code, said = office.run("--sweep")
        assert code == 0, said
        office.assert_equal_to_source()
        people_work(sandbox, chance)
    assert killed >= KILLS // 3, "most instants must be within the run"


def _forget(office: Office) -> None:
    """A store without any content, as before the first run."""
    if office.store_url.startswith("sqlite"):
        for file in office.folder.glob("store.db*"):
            file.unlink()
        return
    engine = sa.create_engine(office.store_url, isolation_level="AUTOCOMMIT")
    with engine.connect() as database:
        database.exec_driver_sql("DROP SCHEMA public CASCADE")
        database.exec_driver_sql("CREATE SCHEMA public")
    engine.dispose()


def test_of_two_runs_at_once_one_works_and_the_other_ends_with_5(
    office: Office, sandbox: JiraSandbox
) -> None:
    lock = office.folder / ".itpm.yaml.lock"
    sandbox.set_faults(Faults(latency_s=0.2))
    try:
        with office.start() as first:
            until = time.monotonic() + PATIENCE_S
            while not (lock.exists() and lock.read_text()) and time.monotonic() < until:
                time.sleep(0.01)
            code, said = office.run()
            sandbox.set_faults(Faults())
            told, _ = first.communicate(timeout=PATIENCE_S)
    finally:
        sandbox.set_faults(Faults())
    assert (code, first.returncode) == (5, 0), told
    assert "another run is at work" in said
    office.assert_equal_to_source()


def test_a_store_that_cannot_grow_is_told_and_stays_whole(office: Office) -> None:
    code, said = office.run(largest_file=600_000)
    assert code == 3
    assert f"store {office.folder / 'store.db'}" in said
    office.assert_whole()
    assert office.run("--sweep")[0] == 0
    office.assert_equal_to_source()


def test_a_read_only_store_is_told_and_stays_as_it_was(
    tmp_path: Path, store_url: str, sandbox: JiraSandbox
) -> None:
    if store_url.startswith("sqlite") and os.geteuid() == 0:
        pytest.skip("the superuser may write to what is read-only")
    office = Office(tmp_path, store_url, sandbox)
    assert office.run()[0] == 0
    before = issues_at(sandbox, PROJECTS)
    _permit_writing(office, False)
    sandbox.create_issue("A", "Comes while nothing can be written")
    code, said = office.run()
    assert code == 3
    assert "is read-only" in said
    _permit_writing(office, True)
    with Store.open(store_url) as store:
        assert issues_in(store) == before
    office.assert_whole()
    assert office.run()[0] == 0
    office.assert_equal_to_source()


def _permit_writing(office: Office, allowed: bool) -> None:
    if office.store_url.startswith("sqlite"):
        (office.folder / "store.db").chmod(0o644 if allowed else 0o444)
        return
    asked = {"options": "-c default_transaction_read_only=off"}
    engine = sa.create_engine(office.store_url, isolation_level="AUTOCOMMIT", connect_args=asked)
    value = "off" if allowed else "on"
    with engine.connect() as database:
        database.exec_driver_sql(
            f"ALTER DATABASE {engine.url.database} SET default_transaction_read_only = {value}"
        )
    engine.dispose()
