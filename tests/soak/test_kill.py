"""A real process that is killed, locked out, or has nowhere to write: the store stays whole, and
one run later it equals the source.

`make soak` kills 200 pulls of 5,000 issues on SQLite and as many on PostgreSQL (ITPM_SOAK_KILLS);
`make test` kills a few pulls of fewer issues.
"""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import sqlalchemy as sa

from connectors.jira.sandbox import JiraSandbox
from itpm_sync.connector import Faults
from itpm_sync.store import Store
from tests.soak.issues import issues_at, issues_in
from tests.soak.office import PATIENCE_S, PROJECTS, Office, people_work, two_projects, until

SOAK = "ITPM_SOAK_EXAMPLES" in os.environ
ISSUES = 5_000 if SOAK else 120
KILLS = int(os.environ.get("ITPM_SOAK_KILLS", "200")) if SOAK else 2  # on each database
SERIES = 20  # kills of one store, one after the other; series run side by side
FIRST = "a store that has nothing yet"
HOW = (FIRST, "--full", "--sweep", "--quiet")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[JiraSandbox]:
    """A site of two projects, some issues with work logs and history."""
    made = two_projects(ISSUES)
    yield made
    made.stop()


@pytest.fixture
def office(tmp_path: Path, store_url: str, sandbox: JiraSandbox) -> Office:
    return Office(tmp_path, store_url, sandbox)


soak_only = pytest.mark.skipif(not SOAK, reason="one kind of full disk is enough: make soak")


# ---- killed -------------------------------------------------------------------------------------


@pytest.mark.parametrize("series", range(-(-KILLS // SERIES)))
def test_killed_at_any_instant_the_next_run_makes_the_store_equal(
    office: Office, sandbox: JiraSandbox, series: int
) -> None:
    chance = random.Random(series)  # noqa: S311 - no secret
    lasts = dict.fromkeys(HOW, ISSUES / 4_000)  # seconds; a guess that each kill corrects
    count = min(SERIES, KILLS - series * SERIES)
    killed = 0
    for number in range(count):
        how = HOW[number % len(HOW)]
        if how == FIRST:
            office.forget()
        words = [] if how == FIRST else [how]
        lasted = office.kill_after(chance.uniform(0.0, lasts[how]), *words)
        killed += lasted is None
        lasts[how] = lasts[how] * 1.25 if lasted is None else lasted
        office.assert_whole()
        code, said = office.run("--sweep")
        assert code == 0, said
        office.assert_equal_to_source()
        people_work(sandbox, chance)
        sandbox.requests.clear()
    assert killed >= count // 3, "most instants must be within the run"


# ---- two at once --------------------------------------------------------------------------------


def test_of_two_runs_at_once_one_works_and_the_other_ends_with_5(
    office: Office, sandbox: JiraSandbox
) -> None:
    with sandbox_that(sandbox, Faults(latency_s=3.0)), office.start() as first:
        until(lambda: office.holder() or first.poll() is not None)
        code, said = office.run()
        sandbox.set_faults(Faults())
        told, _ = first.communicate(timeout=PATIENCE_S)
    assert (code, first.returncode) == (5, 0), told
    assert re.search(
        rf"another run is at work \(process {first.pid} on \S+, since 20\d\d-\d\d-\d\dT", said
    )
    office.assert_equal_to_source()


def test_two_first_runs_that_start_together_make_one_store(
    tmp_path: Path, unmigrated_url: str, sandbox: JiraSandbox
) -> None:
    fresh = Office(tmp_path, unmigrated_url, sandbox)
    with fresh.start() as first, fresh.start() as second:
        said = [process.communicate(timeout=PATIENCE_S)[0] for process in (first, second)]
    assert sorted(p.returncode for p in (first, second)) in ([0, 0], [0, 5]), said
    fresh.assert_equal_to_source()


def test_the_lock_of_a_killed_run_is_free(office: Office, sandbox: JiraSandbox) -> None:
    sandbox.requests.clear()
    with sandbox_that(sandbox, Faults(latency_s=0.2)), office.start() as first:
        until(lambda: sandbox.requests or first.poll() is not None)
        first.send_signal(signal.SIGKILL)
        first.communicate(timeout=PATIENCE_S)
    assert office.holder(), "nobody has tidied up after it"
    code, said = office.run()
    assert code == 0, said
    assert office.holder() == ""
    assert [run.state for run in office.runs()] == ["ok", "interrupted"]


@contextmanager
def sandbox_that(sandbox: JiraSandbox, faults: Faults) -> Iterator[None]:
    """The sandbox with faults, and without them again."""
    sandbox.set_faults(faults)
    try:
        yield
    finally:
        sandbox.set_faults(Faults())


# ---- nowhere to write ---------------------------------------------------------------------------


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A disk of 600 KB, in memory; only the superuser may have one. It is not among pytest's own
    folders, which a database server may not enter, and which a disk left by a killed run would keep
    from being cleared away.
    """
    disk = Path(tempfile.mkdtemp(prefix="itpm-small-disk-"))
    disk.chmod(0o755)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=600k,mode=0777", "tmpfs", disk],
        check=False, capture_output=True,
    )  # fmt: skip
    if mounted.returncode:
        disk.rmdir()
        pytest.skip("may not mount a small disk here")
    yield disk
    subprocess.run(["umount", "--lazy", disk], check=True)
    disk.rmdir()


def remount(disk: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", disk], check=True)


def fill(filler: Path) -> None:
    """Takes all the room that there is."""
    with suppress(OSError), filler.open("wb", buffering=0) as file:
        while file.write(bytes(4096)):
            pass


def test_a_full_disk_is_told_harms_nothing_and_is_forgotten_once_there_is_room(
    small_disk: Path, sandbox: JiraSandbox
) -> None:
    office = Office(small_disk, f"sqlite:///{small_disk / 'store.db'}", sandbox)
    code, said = office.run()
    assert code == 3, said
    assert "the disk is full: free space, then run again" in said
    office.assert_whole()
    remount(small_disk, "size=200m")
    code, said = office.run()
    assert code == 0, said
    office.assert_equal_to_source()


@soak_only
def test_a_disk_without_a_single_free_byte_is_told_as_such(
    small_disk: Path, sandbox: JiraSandbox
) -> None:
    remount(small_disk, "size=20m")
    office = Office(small_disk, f"sqlite:///{small_disk / 'store.db'}", sandbox)
    assert office.run()[0] == 0
    filler = small_disk / "other people's files"
    fill(filler)
    people_work(sandbox, random.Random(1))  # noqa: S311 - no secret
    code, said = office.run("--full")
    assert code == 3, said
    assert "the disk is full: free space, then run again" in said
    filler.unlink()
    assert office.run("--sweep")[0] == 0
    office.assert_equal_to_source()


@pytest.fixture
def small_postgresql(small_disk: Path, postgresql: str) -> Iterator[str]:
    """The URL of a database on the small disk; the server's own log has room elsewhere."""
    remount(small_disk, "size=20m")
    place = small_disk / "tables"
    place.mkdir()
    engine = sa.create_engine(postgresql, isolation_level="AUTOCOMMIT")
    with engine.connect() as database:
        owner = Path(str(database.exec_driver_sql("SHOW data_directory").scalar())).stat()
        os.chown(place, owner.st_uid, owner.st_gid)
        database.exec_driver_sql(f"CREATE TABLESPACE small LOCATION '{place}'")
        database.exec_driver_sql(
            "CREATE DATABASE small TEMPLATE template0 ENCODING 'UTF8' TABLESPACE small"
        )
        yield postgresql.replace("/postgres?", "/small?")
        database.exec_driver_sql("DROP DATABASE small WITH (FORCE)")
        database.exec_driver_sql("DROP TABLESPACE small")
    engine.dispose()


@soak_only
def test_a_full_disk_of_postgresql_is_told_and_is_forgotten_once_there_is_room(
    tmp_path: Path, small_disk: Path, small_postgresql: str, sandbox: JiraSandbox
) -> None:
    office = Office(tmp_path, small_postgresql, sandbox)
    assert office.run()[0] == 0
    for number in range(200):
        sandbox.create_issue("A", f"More than fits {number}")
    fill(small_disk / "other people's files")
    code, said = office.run()
    assert code == 3, said
    assert "the disk is full: free space, then run again" in said
    (small_disk / "other people's files").unlink()
    assert office.run()[0] == 0
    office.assert_equal_to_source()


def test_a_store_that_cannot_grow_is_told_and_stays_whole(
    tmp_path: Path, sandbox: JiraSandbox
) -> None:
    if os.geteuid() == 0 and not SOAK:
        pytest.skip("the superuser has a small disk, which shows more")
    office = Office(tmp_path, f"sqlite:///{tmp_path / 'store.db'}", sandbox)
    code, said = office.run(largest_file=600_000)
    assert code == 3
    assert f"store {office.folder / 'store.db'}" in said
    office.assert_whole()
    assert office.run("--sweep")[0] == 0
    office.assert_equal_to_source()


def test_a_read_only_disk_is_told_and_the_store_stays_as_it_was(
    small_disk: Path, sandbox: JiraSandbox
) -> None:
    remount(small_disk, "size=20m")
    office = Office(small_disk, f"sqlite:///{small_disk / 'store.db'}", sandbox)
    assert office.run()[0] == 0
    sandbox.create_issue("A", "Comes while nothing can be written")
    remount(small_disk, "ro")
    code, said = office.run()
    assert code == 3, said
    assert re.search("is read-only|Read-only file system", said), said
    remount(small_disk, "rw")
    office.assert_whole()
    assert office.run()[0] == 0
    office.assert_equal_to_source()


def test_a_read_only_store_is_told_and_stays_as_it_was(
    office: Office, sandbox: JiraSandbox
) -> None:
    if office.store_url.startswith("sqlite") and os.geteuid() == 0:
        pytest.skip("the superuser may write to what is read-only")
    assert office.run()[0] == 0
    before = issues_at(sandbox, PROJECTS)
    _permit_writing(office, False)
    sandbox.create_issue("A", "Comes while nothing can be written")
    code, said = office.run()
    assert code == 3
    assert "is read-only" in said
    _permit_writing(office, True)
    with Store.open(office.store_url) as store:
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
