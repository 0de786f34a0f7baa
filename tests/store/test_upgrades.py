"""A store of an older version is brought up to date with all its data, or left as it was."""

from __future__ import annotations

import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from itpm_sync.connector import Page, RawRecord
from itpm_sync.errors import StoreError
from itpm_sync.store import Checkpoint, Store, database, migrations
from itpm_sync.store.schema import VERSION, all_tables

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def old_url(unmigrated_url: str) -> str:
    """A store of schema 0001 as it was left in an office, on both databases."""
    if unmigrated_url.startswith("sqlite"):
        text = (HERE / "schema_0001.sqlite.sql").read_text(encoding="utf-8")
        with closing(sqlite3.connect(str(sa.make_url(unmigrated_url).database))) as database:
            database.executescript(text)
        return unmigrated_url
    engine = sa.create_engine(unmigrated_url, isolation_level="AUTOCOMMIT")
    text = (HERE / "schema_0001.postgresql.sql").read_text(encoding="utf-8")
    with engine.connect() as connection:
        connection.exec_driver_sql(text.replace("%", "%%"))
    engine.dispose()
    return unmigrated_url


def assert_all_is_there(store: Store) -> None:
    """What the office left: looked up in the dump, not computed."""
    titles = {r.ref.source_id: r.title for r in store.records("work_item")}  # type: ignore[attr-defined]
    assert titles == {"1": "Core router", "2": "Schalter für Größe 5 – 'quoted'; -- € 🙂"}
    assert [r.ref.source_id for r in store.gone("work_item")] == ["3"]
    assert [r.duration_s for r in store.records("time_entry")] == [7200]  # type: ignore[attr-defined]
    versions = store.versions("work_item", "memory:item:1")
    assert [v.title for _, v in versions] == ["Router", "Core router"]  # type: ignore[attr-defined]
    raw = store.raw_record("memory", "item", "1")
    assert raw is not None
    assert raw.raw.body == b'{"id":"1","title":"Core router","work":[{"id":"w1","s":7200}]}'
    assert store.checkpoints("memory", "item") == {
        "A": Checkpoint(
            connection="memory", stream="item", scope="A", at=NOON, swept_at=NOON,
            detail={"unreadable": ["9"]},
        )
    }  # fmt: skip
    assert store.connection_state("memory").variables == {"points": "customfield_10016"}
    (run,) = store.runs()
    assert (run.job, run.state, run.message, run.started) == ("weekly", "ok", "two", NOON)
    (proof,) = store.coverage()
    assert (proof.stored, proof.source_count, proof.complete) == (2, 2, True)
    snapshot = store.outcome.snapshot(date(2026, 3, 1))
    assert snapshot is not None
    assert snapshot.body == b'{"title":"Programme"}'
    (baseline,) = store.outcome.baselines()
    assert (baseline.author, baseline.approval) == ("Ada", "Board, 2026-03-01")
    assert [line.data for line in baseline.lines] == [{"code": "1.1", "budget": "1000.00"}]
    since = date(2026, 3, 1)
    assert store.outcome.finding_spans(date(2026, 4, 1)) == {"over-budget NET": (since, since)}
    (row,) = store.outcome.outbox()
    assert (row.target.id, row.mark, row.remote_id) == (
        "memory:NET-1:comment:NET", "itpm-0001", "77",
    )  # fmt: skip
    assert store.instance() == "0123456789abcdef0123456789abcdef"


def test_a_store_of_the_first_schema_is_brought_up_to_date_with_all_its_data(old_url: str) -> None:
    with Store.open(old_url) as store:
        assert_all_is_there(store)
        assert store.stats().schema == VERSION
    engine = sa.create_engine(old_url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, all_tables()) == []
    engine.dispose()


def test_a_store_that_was_brought_up_to_date_is_worked_with(old_url: str) -> None:
    class Nothing:
        records = ()
        problems = ()

    newer = RawRecord("2", b'{"id":"2","title":"Hub"}', "A", NOON + HOUR)
    with Store.open(old_url) as store:
        landed = store.land_page(
            Page([newer, RawRecord("4", b'{"id":"4"}', "A", NOON)]), run="next",
            connection="memory", stream="item", fingerprint="f", map_record=lambda *_: Nothing(),
            now=NOON + HOUR,
        )  # fmt: skip
        assert (landed.new, landed.changed) == (1, 1)
        assert store.counts("memory", "item") == {"A": 3}
        raw = store.raw_record("memory", "item", "2")
        assert raw is not None
        assert raw.raw.body == newer.body


def test_of_what_stood_in_quarantine_a_value_is_told_from_a_record(old_url: str) -> None:
    # of item 1 there are rows in the model, of item 9 there is nothing
    row = "INSERT INTO rejected VALUES ('memory', 'item', '{0}', '', 'x', 'bad', 'r', '{1}')"
    engine = sa.create_engine(old_url)
    with engine.begin() as connection:
        for number in ("1", "9"):
            connection.exec_driver_sql(row.format(number, "2026-03-02 12:00:00+00:00"))
    engine.dispose()
    with Store.open(old_url) as store:
        assert [(r.source_id, r.soft) for r in store.rejected()] == [("1", True), ("9", False)]


# ---- interrupted --------------------------------------------------------------------------------

NEXT = """
import os, signal
from pathlib import Path
import sqlalchemy as sa
from alembic import op
revision, down_revision, branch_labels, depends_on = "9001", {newest!r}, None, None

def upgrade():
    op.create_table("half", sa.Column("name", sa.Text))
    op.add_column("run", sa.Column("half", sa.Text))
    op.execute("UPDATE checkpoint SET detail = 'half'")
    op.execute("DELETE FROM outbox")
    if os.path.exists({fuse!r}):
        how = Path({fuse!r}).read_text()
        os.remove({fuse!r})
        if how == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        raise KeyboardInterrupt
    op.execute("UPDATE checkpoint SET detail = '{{}}'")
    op.drop_table("half")
"""

UPGRADE = """
import sys
from pathlib import Path
from tests.store.test_upgrades import open_as
open_as(Path(sys.argv[1]), sys.argv[2])
"""


def open_as(release: Path, url: str) -> None:
    """Opens the store as a program would that has these migrations."""

    def configuration(connection: sa.Connection | None = None) -> Config:
        made = ours(connection)
        made.set_main_option("script_location", str(release))
        return made

    ours = migrations.configuration
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(migrations, "configuration", configuration)
        patch.setattr(database, "VERSION", "9001")
        Store.open(url).close()


@pytest.fixture
def next_release(tmp_path: Path) -> Path:
    """The program's migrations and one more, which blows up in the middle while `fuse` exists."""
    folder = tmp_path / "migrations"
    shutil.copytree(Path(migrations.__file__).parent, folder, ignore=lambda *_: ["__pycache__"])
    newest = ScriptDirectory.from_config(migrations.configuration()).get_current_head()
    text = NEXT.format(newest=newest, fuse=str(tmp_path / "fuse"))
    (folder / "versions" / "9001_next.py").write_text(text)
    return folder


def test_an_upgrade_that_is_killed_leaves_the_old_store_and_is_done_by_the_next_start(
    old_url: str, next_release: Path
) -> None:
    Store.open(old_url).close()  # this release
    (next_release.parent / "fuse").write_text("kill")
    words = [sys.executable, "-c", UPGRADE, str(next_release), old_url]
    died = subprocess.run(words, cwd=ROOT, check=False, capture_output=True, text=True)
    assert died.returncode == -signal.SIGKILL, died.stderr
    assert_old_then_upgraded(old_url, next_release)


def test_an_upgrade_that_is_stopped_leaves_the_old_store_and_is_done_by_the_next_start(
    old_url: str, next_release: Path
) -> None:
    Store.open(old_url).close()
    (next_release.parent / "fuse").write_text("stop")
    with pytest.raises(KeyboardInterrupt):
        open_as(next_release, old_url)
    assert_old_then_upgraded(old_url, next_release)


def assert_old_then_upgraded(url: str, release: Path) -> None:
    """The store is still this release's, whole; then the next one's, whole."""
    with Store.open(url) as store:
        assert_all_is_there(store)
        assert store.stats().schema == VERSION
    open_as(release, url)
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        query = sa.text("SELECT version_num, detail FROM alembic_version, checkpoint")
        assert connection.execute(query).all() == [("9001", "{}")]
        assert not sa.inspect(connection).has_table("half")
    engine.dispose()
    with pytest.raises(StoreError, match=r"its schema is 9001, newer than .* install the newer"):
        Store.open(url)
