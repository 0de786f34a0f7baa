"""A store that is only read: nothing is created or changed, also where nothing may be."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from itpm_sync import app, cli
from itpm_sync.cli.options import EXIT_LOCKED
from itpm_sync.errors import StoreError
from itpm_sync.store import Store, access
from tests.calling import Run

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
TABLES = """
plan: {file: plan.csv, kind: work_package, key: [WBS],
       columns: {code: WBS, name: Name, project_key: Project}}
"""
READING = (
    "status", "findings", "explain NET", "explain NET ac", "capacity", "baseline list",
    "gate status", "report --out elsewhere", "export elsewhere", "check",
    "publish --dry-run",
)  # fmt: skip


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A store that holds one run, closed."""
    file = tmp_path / "data" / "a b?%.db"
    file.parent.mkdir()
    with Store.open(f"sqlite:///{file}") as store:
        store.begin_run("weekly", NOON)
    return file


@pytest.fixture
def forbidden(monkeypatch: pytest.MonkeyPatch) -> None:
    """An account that may read everything and write nothing (tests may run as the superuser)."""
    monkeypatch.setattr(access, "may", lambda _path, right: right == os.R_OK)


def reading(path: Path) -> Store:
    return Store.open(f"sqlite:///{path}", reading=True)


def beside(path: Path) -> list[str]:
    return sorted(f.name for f in path.parent.iterdir())


@pytest.mark.usefixtures("forbidden")
def test_a_store_in_a_folder_that_cannot_be_written_is_read_and_nothing_created(path: Path) -> None:
    with reading(path) as store:
        assert [r.job for r in store.runs()] == ["weekly"]
        assert beside(path) == [path.name]
        with pytest.raises(StoreError, match="is read-only"):
            store.begin_run("other", NOON)
    assert beside(path) == [path.name]


def test_where_writing_is_allowed_a_reader_still_changes_nothing(path: Path) -> None:
    before = path.read_bytes()
    with reading(path) as store, pytest.raises(StoreError, match="is read-only"):
        store.begin_run("other", NOON)
    assert (beside(path), path.read_bytes()) == ([path.name], before)


def test_a_reader_sees_what_a_working_run_has_committed(path: Path) -> None:
    with Store.open(f"sqlite:///{path}") as writer, reading(path) as store:
        writer.begin_run("daily", NOON)
        assert len(store.runs()) == 2


@pytest.mark.usefixtures("forbidden")
def test_the_log_of_a_working_run_is_read_too_where_nothing_may_be_created(path: Path) -> None:
    with Store.open(f"sqlite:///{path}") as writer:
        writer.begin_run("daily", NOON)
        with reading(path) as store:
            assert len(store.runs()) == 2


@pytest.mark.usefixtures("forbidden")
def test_a_log_without_its_index_says_what_is_missing_and_why(path: Path, tmp_path: Path) -> None:
    copied = tmp_path / "copy.db"
    with Store.open(f"sqlite:///{path}") as writer:
        writer.begin_run("daily", NOON)
        shutil.copy(path, copied)
        shutil.copy(f"{path}-wal", f"{copied}-wal")
    with pytest.raises(StoreError) as told:
        reading(copied)
    assert "copy.db-wal holds changes of a run that did not end" in str(told.value)
    assert "copy.db-shm is needed, which this account may not create" in str(told.value)
    assert beside(copied) == ["copy.db", "copy.db-wal", "data"]


@pytest.mark.usefixtures("forbidden")
def test_a_store_that_is_written_while_it_is_read_without_locks_is_no_answer(path: Path) -> None:
    with reading(path) as store:
        assert len(store.runs()) == 1
        with Store.open(f"sqlite:///{path}") as writer:  # its log appears
            writer.begin_run("daily", NOON)
            with pytest.raises(StoreError, match="written by another run while it was read"):
                store.runs()
        with pytest.raises(StoreError, match="run the command again"):  # and was put into the file
            store.runs()
    with reading(path) as store:
        assert len(store.runs()) == 2


def test_a_store_that_may_not_be_read_says_whose_right_is_missing(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access, "may", lambda _path, _right: False)
    with pytest.raises(StoreError, match=r"this account may not read a b\?%.db — give the account"):
        reading(path)


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may enter every folder")
def test_a_folder_that_may_not_be_entered_is_told_as_such(path: Path) -> None:
    path.parent.chmod(0)
    try:
        with pytest.raises(StoreError, match="the right to enter its folder"):
            reading(path)
    finally:
        path.parent.chmod(0o755)


def test_a_store_that_is_not_there_yet_is_empty_and_is_not_made(tmp_path: Path) -> None:
    with reading(tmp_path / "none" / "itpm.db") as store:
        assert (store.runs(), store.coverage()) == ((), ())
    assert not list(tmp_path.iterdir())


def test_an_older_schema_is_not_upgraded_by_who_only_reads(path: Path) -> None:
    with sqlite3.connect(path) as db:
        db.execute("UPDATE alembic_version SET version_num = '0001'")
    db.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match="its schema is 0001, older than this program's 0") as told:
        reading(path)
    assert "the next job, pull or remap upgrades it" in str(told.value)
    assert path.read_bytes() == before


def test_the_upgrade_that_is_documented_begins_with_a_command_that_migrates_the_store() -> None:
    pages = Path(__file__).parents[2] / "docs" / "operations.md"
    upgrade = pages.read_text("utf-8").partition("\n## Upgrade\n")[2].partition("\n## ")[0]
    first = re.findall(r"^itpm-sync (\S+)", upgrade, re.MULTILINE)[0]
    assert first not in {words.split()[0] for words in READING}


def test_a_newer_schema_is_told_to_a_reader_as_to_a_writer(path: Path) -> None:
    with sqlite3.connect(path) as db:
        db.execute("UPDATE alembic_version SET version_num = '9999'")
    db.close()
    with pytest.raises(StoreError, match="install the newer ITPM Sync"):
        reading(path)


def test_a_file_that_is_no_store_is_told_and_left_alone(tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    with sqlite3.connect(other) as db:
        db.execute("CREATE TABLE mine (x)")
    db.close()
    with pytest.raises(StoreError, match="its schema is unknown"):
        reading(other)


def test_a_database_without_tables_is_empty_and_gets_none_by_reading(unmigrated_url: str) -> None:
    with Store.open(unmigrated_url, reading=True) as store:
        assert store.runs() == ()
    with Store.open(unmigrated_url) as store:
        assert store.runs() == ()
        store.begin_run("weekly", NOON)
    with Store.open(unmigrated_url, reading=True) as store:
        assert len(store.runs()) == 1


def test_a_reader_knows_the_stores_own_id_and_makes_none(path: Path) -> None:
    with reading(path) as store:
        assert store.instance() == ""
    with Store.open(f"sqlite:///{path}") as store:
        made = store.instance()
    with reading(path) as store:
        assert store.instance() == made != ""


def test_a_dry_run_of_publishing_need_not_wait_for_a_run_that_is_at_work(
    csv_office: Callable[..., Path], tmp_path: Path, call: Run
) -> None:
    config = csv_office(TABLES)
    (tmp_path / "office" / "plan.csv").write_text("Project,WBS,Name\nNET,1,Switches\n")
    with app.open_session(config) as session, app.locked(session):
        app.pull(session)
        app.reconcile(session)
        assert call("-c", str(config), "publish", "--dry-run").code == cli.EXIT_OK
        assert call("-c", str(config), "publish").code == EXIT_LOCKED


@pytest.mark.usefixtures("forbidden")
def test_every_command_that_answers_works_where_nothing_may_be_written(
    csv_office: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    call: Run,
) -> None:
    monkeypatch.chdir(tmp_path)
    office = "-c", str(csv_office(TABLES))
    (tmp_path / "office" / "plan.csv").write_text("Project,WBS,Name\nNET,1,Switches\n")
    before = beside(tmp_path / "itpm.yaml")
    assert call(*office, "status").code == cli.EXIT_OK
    assert beside(tmp_path / "itpm.yaml") == before
    assert call(*office, "pull").code == call(*office, "reconcile").code == cli.EXIT_OK
    kept = {f: f.read_bytes() for f in tmp_path.iterdir() if f.is_file()}
    for words in READING:
        ended = call(*office, *words.split())
        assert ended.code == cli.EXIT_OK, ended
    assert {f: f.read_bytes() for f in tmp_path.iterdir() if f.is_file()} == kept
