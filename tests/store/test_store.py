"""The store beside landing: opening, runs, checkpoints, censuses, proofs, the lock."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from itpm_sync.connector import Page, RawRecord
from itpm_sync.errors import RecordError, RunLocked, StoreError
from itpm_sync.store import (
    Checkpoint,
    Completeness,
    ConnectionState,
    RunLock,
    Store,
    database,
    migrations,
)
from itpm_sync.store.schema import VERSION, UtcDateTime, all_tables

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


class Nothing:
    records = ()
    problems = ()


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    with Store.open(store_url) as opened:
        yield opened


def land(
    store: Store, *ids: str, scope: str = "A", run: str = "run", connection: str = "c",
    stream: str = "s",
) -> None:  # fmt: skip
    store.land_page(
        Page([RawRecord(i, b"{}", scope) for i in ids]), run=run, connection=connection,
        stream=stream, fingerprint="f", map_record=lambda *_: Nothing(), now=NOON,
    )  # fmt: skip


# ---- opening ------------------------------------------------------------------------------------


def test_the_migrations_give_exactly_the_declared_schema(unmigrated_url: str) -> None:
    Store.open(unmigrated_url).close()
    engine = sa.create_engine(unmigrated_url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, all_tables()) == []
    engine.dispose()


def shape(connection: sa.Connection) -> dict[str, object]:
    """Columns, keys and indexes of every table, in words."""
    inspector = sa.inspect(connection)
    found: dict[str, object] = {}
    for table in inspector.get_table_names():
        found[table] = (
            sorted((c["name"], str(c["type"]), c["nullable"], str(c["default"]))
                   for c in inspector.get_columns(table)),
            inspector.get_pk_constraint(table),
            sorted(str(i) for i in inspector.get_indexes(table)),
            sorted(str(k) for k in inspector.get_foreign_keys(table)),
        )  # fmt: skip
    if connection.dialect.name == "sqlite":
        rows = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE type='table'")
        found["without rowid"] = {name for name, sql in rows if "WITHOUT ROWID" in sql}
    return found


def test_an_empty_database_gets_what_all_migrations_would_have_given_it(
    unmigrated_url: str,
) -> None:
    engine = sa.create_engine(unmigrated_url)
    with engine.connect() as connection, connection.begin() as attempt:
        migrations.upgrade(connection)
        by_migrations = shape(connection)
        attempt.rollback()
    with engine.begin() as connection:  # the driver of SQLite commits DDL by itself
        for table in sa.inspect(connection).get_table_names():
            connection.exec_driver_sql(f'DROP TABLE "{table}"' + _cascade(engine))
    Store.open(unmigrated_url).close()
    with engine.connect() as connection:
        at_once = shape(connection)
    engine.dispose()
    assert at_once.keys() == by_migrations.keys()
    for table, found in at_once.items():
        assert found == by_migrations[table], table


def _cascade(engine: sa.Engine) -> str:
    return " CASCADE" if engine.dialect.name == "postgresql" else ""


def test_opening_again_keeps_what_is_stored(store_url: str) -> None:
    with Store.open(store_url) as first:
        instance = first.instance()
        assert first.instance() == instance
        land(first, "1")
    with Store.open(store_url) as second:
        assert second.instance() == instance
        assert second.counts("c", "s") == {"A": 1}


def test_a_newer_schema_is_refused_with_advice(sqlite_url: str, tmp_path: Path) -> None:
    Store.open(sqlite_url).close()
    with sqlite3.connect(tmp_path / "store.db") as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    database.close()
    with pytest.raises(StoreError, match=r"9999, newer than .* install the newer"):
        Store.open(sqlite_url)


def test_an_interrupted_first_start_leaves_an_empty_database(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = database._create

    def stop_before_the_end(connection: sa.Connection) -> None:
        create(connection)
        raise KeyboardInterrupt

    monkeypatch.setattr(database, "_create", stop_before_the_end)
    with pytest.raises(KeyboardInterrupt):
        Store.open(sqlite_url)
    monkeypatch.undo()
    with closing(sqlite3.connect(tmp_path / "store.db")) as opened:
        tables = opened.execute("SELECT count(*) FROM sqlite_master").fetchone()
    assert tables == (0,)
    Store.open(sqlite_url).close()


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"this is no database, only some text that is long enough " * 9, "is not a database")],
)
def test_a_file_that_is_no_store_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "x.db").write_bytes(content)
    with pytest.raises(StoreError, match=said):
        Store.open(f"sqlite:///{tmp_path / 'x.db'}")


def test_a_folder_of_any_name_has_its_own_store(tmp_path: Path) -> None:
    folder = tmp_path / "What? 100%25#1"
    folder.mkdir()
    Store.open(f"sqlite:///{folder / 'x.db'}").close()
    assert (folder / "x.db").is_file()
    assert [p.name for p in tmp_path.iterdir()] == [folder.name]


def test_a_folder_whose_name_is_no_utf_8_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"B�ro/x\.db: SQLite opens no path that is not UTF-8"):
        Store.open(f"sqlite:///{tmp_path}/B\udcfcro/x.db")


@pytest.mark.parametrize(
    "name", ["itpm.db?timeout=30", "itpm.db?timeout=30&x=y", "file:itpm.db?mode=ro&uri=true"]
)
def test_settings_after_the_path_of_a_sqlite_store_open_no_other_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Store.open("sqlite:///itpm.db").close()
    with pytest.raises(StoreError) as failure:
        Store.open(f"sqlite:///{name}")
    assert str(failure.value).endswith("takes no settings (?name=value) — write sqlite:///itpm.db")
    assert [p.name for p in tmp_path.iterdir()] == ["itpm.db"]


def test_a_store_whose_name_looks_like_settings_is_opened_where_it_exists(tmp_path: Path) -> None:
    Store.open(f"sqlite:///{tmp_path}/itpm.db").close()
    (tmp_path / "itpm.db").rename(tmp_path / "itpm.db?timeout=30")
    Store.open(f"sqlite:///{tmp_path}/itpm.db?timeout=30").close()
    assert [p.name for p in tmp_path.iterdir()] == ["itpm.db?timeout=30"]


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"nowhere/x\.db cannot be opened — check that its folder"):
        Store.open(f"sqlite:///{tmp_path / 'nowhere' / 'x.db'}")


def test_an_unreachable_server_is_one_line_without_the_password() -> None:
    with pytest.raises(StoreError, match="cannot be reached") as failure:
        Store.open("postgresql+psycopg://joe:secret-word@127.0.0.1:9/x")
    assert "secret-word" not in str(failure.value)
    assert "\n" not in str(failure.value)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://joe:pw@127.0.0.1:9/x?password=secret-word",
        "postgresql://127.0.0.1:9/x?user=joe&password=secret-word",
        "postgresql://joe:pw@secret-word@127.0.0.1:9/x",
        "postgresql://joe:secret-word@127.0.0.1:port/x",
        "postgresql://joe:pw@127.0.0.1:secret-word/x",
        "mysql://joe:secret-word@127.0.0.1/x",
    ],
)
def test_no_part_of_a_stores_address_that_may_be_a_password_is_shown(url: str) -> None:
    with pytest.raises(StoreError, match=r"^store") as failure:
        Store.open(url)
    assert "secret-word" not in str(failure.value)


@pytest.mark.parametrize("url", ["mysql://x/y", "no url at all", ""])
def test_other_addresses_are_refused(url: str) -> None:
    with pytest.raises(StoreError, match=r"^store: "):
        Store.open(url)


def test_a_value_that_no_column_takes_is_told_by_column_and_type_without_itself(
    sqlite_url: str,
) -> None:
    with Store.open(sqlite_url) as store:
        with pytest.raises(RecordError) as failure:
            store.begin_run("secret-word", datetime(2026, 1, 1))  # noqa: DTZ001 — that is the mistake
        assert str(failure.value) == (
            f"store {sqlite_url.removeprefix('sqlite:///')}: started: expected what the column "
            "takes, found 'datetime' — the time has no zone"
        )
        run = store.begin_run("weekly", NOON)
        assert [r.id for r in store.runs()] == [run]


def test_a_mistake_of_ours_in_a_value_stays_one_without_the_statement(sqlite_url: str) -> None:
    with Store.open(sqlite_url) as store, pytest.raises(AttributeError) as failure:
        store.begin_run(5, NOON)  # type: ignore[arg-type]
    assert str(failure.value) == "'int' object has no attribute 'replace'"


def test_a_full_disk_is_advice_and_leaves_the_store_whole(sqlite_url: str) -> None:
    with Store.open(sqlite_url) as store:
        land(store, "1")
        pages = store._db.engine

        @sa.event.listens_for(pages, "begin")
        def _limit(connection: sa.Connection) -> None:
            connection.exec_driver_sql("PRAGMA max_page_count = 1")

        with pytest.raises(StoreError, match="the disk is full: free space"):
            land(store, *(str(i) for i in range(9_000)))
    with Store.open(sqlite_url) as store:
        assert store.counts("c", "s") == {"A": 1}


def test_a_store_that_may_only_be_read_is_advice(sqlite_url: str) -> None:
    with Store.open(sqlite_url) as store:

        @sa.event.listens_for(store._db.engine, "begin")
        def _forbid(connection: sa.Connection) -> None:
            connection.exec_driver_sql("PRAGMA query_only = 1")

        with pytest.raises(StoreError, match="is read-only — give the account"):
            land(store, "1")


def test_a_naive_time_is_refused(store: Store) -> None:
    with pytest.raises(ValueError, match="has no zone"):
        store.put_checkpoints(
            [Checkpoint(connection="c", stream="s", scope="A", at=datetime(2026, 1, 1))]  # noqa: DTZ001
        )
    assert UtcDateTime().cache_ok


# ---- runs and checkpoints -----------------------------------------------------------------------


def test_a_run_left_running_was_interrupted(store: Store) -> None:
    first = store.begin_run("weekly", NOON)
    second = store.begin_run("weekly", NOON + timedelta(hours=1))
    store.finish_run(
        second, state="ok", now=NOON + timedelta(hours=2), counts={"connections": {"c": 1}}
    )
    newest, oldest = store.runs()
    assert (newest.id, newest.state, newest.counts) == (second, "ok", {"connections": {"c": 1}})
    assert (oldest.id, oldest.state) == (first, "interrupted")
    assert newest.finished == NOON + timedelta(hours=2)


def test_the_latest_run_of_a_connection_is_found_behind_those_of_others(store: Store) -> None:
    def ran(job: str, hour: int, state: str, counts: dict[str, object]) -> str:
        run = store.begin_run(job, NOON + timedelta(hours=hour))
        store.finish_run(run, state=state, now=NOON + timedelta(hours=hour), counts=counts)
        return run

    silent = ran("weekly", 0, "interrupted", {})
    own = ran("weekly", 1, "partial", {"connections": {"a%b": {"failure": "refused"}}})
    ran("weekly", 2, "ok", {"connections": {"other": {"streams": {"a%b": {}, 'x"a_b': {}}}}})
    ran("weekly", 3, "ok", {})
    ran("hourly", 4, "interrupted", {})
    for name, jobs, expected in (
        ("a%b", ["weekly"], own), ("axb", [], None), ("a_b", ["weekly"], silent),
        ("A%B", ["daily"], None), ("a%b", [], own),
    ):  # fmt: skip
        found = store.latest_run_of(name, jobs)
        assert (found and found.id) == expected
    at_work = store.begin_run("weekly", NOON + timedelta(hours=5))
    found = store.latest_run_of("a%b", ["weekly"])
    assert found is not None
    assert (found.id, found.state) == (at_work, "running")


def test_checkpoints_are_kept_by_scope(store: Store) -> None:
    one = Checkpoint(connection="c", stream="s", scope="A", at=NOON, detail={"x": [1]})
    two = Checkpoint(connection="c", stream="s", scope="B", at=NOON, swept_at=NOON)
    for checkpoint in (one, two, one):
        store.put_checkpoints([checkpoint])
    assert store.checkpoints("c", "s") == {"A": one, "B": two}
    store.drop_checkpoints("c", "s", ["A"])
    assert store.checkpoints("c", "s") == {"B": two}
    assert store.checkpoints("c", "other") == {}


def test_a_checkpoint_commits_with_its_page(store: Store) -> None:
    checkpoint = Checkpoint(connection="c", stream="s", scope="A", at=NOON)
    store.land_page(
        Page([RawRecord("1", b"{}", "A")]), run="r", connection="c", stream="s", fingerprint="f",
        map_record=lambda *_: Nothing(), now=NOON, checkpoint=checkpoint,
    )  # fmt: skip
    assert store.checkpoints("c", "s") == {"A": checkpoint}


def test_the_state_of_a_connection_is_as_it_was_put(store: Store) -> None:
    assert store.connection_state("c") == ConnectionState(connection="c")
    known = ConnectionState(
        connection="c", fingerprint="one", variables={"points": "cf_1"}, memory={"zone": ["Z"]},
        remembered_at=NOON, streams={"issue": ["A", "B"]},
    )  # fmt: skip
    store.put_connection_state(known, NOON)
    store.put_connection_state(replace(known, connection="d", fingerprint="two"), NOON)
    assert store.connection_state("c") == known


# ---- census -------------------------------------------------------------------------------------


def test_a_census_tells_missing_unknown_and_moved_apart(store: Store) -> None:
    land(store, "1", "2", "3", scope="A")
    land(store, "4", scope="B")
    land(store, "5", scope="B", run="now")
    store.census_begin("c", "s")
    store.census_add("c", "s", "A", ["1", "9"])
    store.census_add("c", "s", "B", ["2", "4", "4"])
    a, b = store.census_compare("c", "s", "now")
    assert (a.scope, a.stored, a.listed) == ("A", 3, 2)
    assert (a.missing, a.unknown, a.moved) == (("3",), ("9",), ())
    assert (b.scope, b.stored, b.listed) == ("B", 2, 2)
    assert (b.missing, b.unknown, b.moved) == ((), (), ("2",)), "5 was landed by this run"
    store.mark_moved("c", "s", b.moved, "B")
    assert store.mark_absent("c", "s", a.missing, cause="deleted", at=NOON) == 1
    assert store.counts("c", "s") == {"A": 1, "B": 3}


def test_an_absent_record_that_is_listed_again_is_unknown(store: Store) -> None:
    land(store, "1")
    store.mark_absent("c", "s", ["1"], cause="hidden", at=NOON)
    store.census_begin("c", "s")
    store.census_add("c", "s", "A", ["1"])
    (census,) = store.census_compare("c", "s", "other")
    assert (census.stored, census.unknown, census.missing) == (0, ("1",), ())


def test_a_new_census_forgets_the_former(store: Store) -> None:
    land(store, "1", "2")
    store.census_add("c", "s", "A", ["1", "2"])
    store.census_begin("c", "s")
    store.census_add("c", "s", "A", ["2"])
    (census,) = store.census_compare("c", "s", "other")
    assert census.missing == ("1",)


def test_a_made_up_cause_is_refused(store: Store) -> None:
    with pytest.raises(ValueError, match="expected one of deleted"):
        store.mark_absent("c", "s", ["1"], cause="lost", at=NOON)


def test_streams_are_those_that_hold_a_live_record(store: Store) -> None:
    assert store.streams("c") == ()
    for stream in ("s", "t", "r", "gone"):
        land(store, "1", "2", stream=stream)
    land(store, "1", connection="b", stream="other")
    store.mark_absent("c", "gone", ["1", "2"], cause="deleted", at=NOON)
    store.mark_absent("c", "t", ["1"], cause="hidden", at=NOON)
    assert store.streams("c") == ("r", "s", "t")


# ---- proofs and size ----------------------------------------------------------------------------


def proof(stream: str, stored: int) -> Completeness:
    return Completeness(
        connection="c", stream=stream, scope="A", stored=stored, source_count=3, exact=True,
        census_count=None, as_of=NOON, complete=stored == 3, note="",
    )  # fmt: skip


def configured(**streams: list[str]) -> ConnectionState:
    return ConnectionState(connection="c", streams=streams)


def test_coverage_is_the_latest_proof_of_every_configured_scope(store: Store) -> None:
    store.put_connection_state(configured(s=["A"], t=["A"], never_read=["A"]), NOON)
    store.put_completeness("r1", [proof("s", 1), proof("t", 3), proof("dropped", 3)], NOON)
    store.put_completeness("r2", [proof("s", 3)], NOON + timedelta(hours=1))

    assert store.coverage() == (proof("s", 3), proof("t", 3))
    assert store.coverage("c") == store.coverage()
    assert store.coverage("other") == ()


def test_coverage_by_a_moment_is_the_latest_proof_of_until_then(store: Store) -> None:
    store.put_connection_state(configured(s=["A"], t=["A"]), NOON)
    hour = timedelta(hours=1)
    store.put_completeness("r1", [proof("s", 1)], NOON)
    store.put_completeness("r2", [proof("s", 3), proof("t", 3)], NOON + hour)

    assert store.coverage(by=NOON - hour) == ()
    assert store.coverage(by=NOON) == (proof("s", 1),)
    assert store.coverage("c", by=NOON + hour) == store.coverage()


def test_what_was_read_whole_first_after_a_moment_is_not_the_latest(store: Store) -> None:
    store.put_connection_state(configured(s=["A"], t=["A"]), NOON)
    hour = timedelta(hours=1)
    again = replace(proof("s", 3), note="again")
    store.put_completeness("r1", [proof("s", 3), proof("t", 3)], NOON)
    store.put_completeness("r2", [proof("s", 2), proof("t", 2)], NOON + hour)
    store.put_completeness("r3", [proof("s", 3)], NOON + 2 * hour)
    store.put_completeness("r4", [again], NOON + 3 * hour)

    assert store.read_whole_after(NOON) == (proof("s", 3),)


def test_coverage_forgets_a_scope_that_is_configured_no_more(store: Store) -> None:
    store.put_completeness("r1", [proof("s", 3)], NOON)
    store.put_connection_state(configured(s=["B"]), NOON)
    assert store.coverage() == ()


def test_before_a_connection_was_pulled_by_this_release_its_latest_run_counts(
    store: Store,
) -> None:
    store.put_connection_state(configured(), NOON)
    store.put_completeness("r1", [proof("s", 1), proof("t", 3)], NOON)
    store.put_completeness("r2", [proof("s", 3)], NOON + timedelta(hours=1))
    assert store.coverage() == (proof("s", 3),)


def test_stats_count_rows_and_bytes(store: Store) -> None:
    land(store, "1", "2")
    stats = store.stats()
    assert stats.rows["raw_record"] == 2
    assert stats.raw_bytes > 0
    assert stats.bytes is not None
    assert stats.schema == VERSION


# ---- the lock -----------------------------------------------------------------------------------


def test_a_second_run_is_told_who_holds_the_lock(tmp_path: Path) -> None:
    path = tmp_path / "run.lock"
    with (
        RunLock(path),
        pytest.raises(RunLocked, match=r"process \d+ on .*, since 20"),
        RunLock(path),
    ):
        pass
    with RunLock(path):
        pass


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    path = tmp_path / "run.lock"
    code = (
        "import sys, os, signal, pathlib\n"
        "from itpm_sync.store import RunLock\n"
        f"RunLock(pathlib.Path({str(path)!r})).__enter__()\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = subprocess.run([sys.executable, "-c", code], check=False)
    assert killed.returncode == -9
    assert "pid" in path.read_text()
    with RunLock(path):
        pass


def test_a_lock_in_a_place_that_cannot_be_written_is_advice(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(StoreError, match=r"lock .*must be writable"),
        RunLock(tmp_path / "file" / "l"),
    ):
        pass
