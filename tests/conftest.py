"""Fixtures for every test: an empty store on SQLite and on PostgreSQL, an office whose records are
CSV files, a caller of commands, and the demo, run once.
"""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import tempfile
import textwrap
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import settings

from itpm_sync import cli, trial
from itpm_sync.output.console import Output
from itpm_sync.stopping import SIGNALS
from itpm_sync.store import Store
from tests.calling import Ended, Run

_NUMBERS = itertools.count(1)
_OFFICE = """
version: 1
title: Office
projects: [{code: NET, name: Network, currency: CHF}]
connections:
  office:
    connector: files
    folder: office
    tables:
"""

# What stands beside tests and judges for them: an assertion that fails there shows its values too.
pytest.register_assert_rewrite(
    "tests.config", "tests.connectors", "tests.pull", "tests.soak", "tests.systems"
)

# Each property is tried on a few examples in `make test` and on many in `make soak`.
settings.register_profile("test", max_examples=40, deadline=None)
settings.register_profile(
    "soak", max_examples=int(os.environ.get("ITPM_SOAK_EXAMPLES", "2000")), deadline=None
)
settings.load_profile("soak" if "ITPM_SOAK_EXAMPLES" in os.environ else "test")


@pytest.fixture(scope="session")
def demo_config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The configuration of the demo's programme, whose whole story was told once."""
    out = tmp_path_factory.mktemp("demo")
    assert trial.run_demo(out, Output(quiet=True)) == 0
    return out / "itpm.yaml"


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Calls the program with these words, in this process."""

    def ended(*words: str) -> Ended:
        monkeypatch.setattr(sys, "argv", ["itpm-sync", *words])
        capsys.readouterr()
        handlers = {number: signal.getsignal(number) for number in SIGNALS}
        with pytest.raises(SystemExit) as end:
            cli.main()
        for number, handler in handlers.items():  # a program that ends leaves them ignored
            signal.signal(number, handler)
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        assert isinstance(end.value.code, int)
        return Ended(end.value.code, out, err)

    return ended


@pytest.fixture
def csv_office(tmp_path: Path) -> Callable[..., Path]:
    """`csv_office(tables, more="")` makes the folder `office` and a configuration that reads these
    tables there, with `more` at its end; gives the configuration's path.
    """

    def configured(tables: str, more: str = "") -> Path:
        (tmp_path / "office").mkdir()
        path = tmp_path / "itpm.yaml"
        path.write_text(_OFFICE + textwrap.indent(textwrap.dedent(tables), "      ") + more)
        return path

    return configured


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The URL of a real PostgreSQL, started for this session (under two seconds)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pgserver = pytest.importorskip("pgserver", reason="no PostgreSQL wheel for this platform")
        server = _started(pgserver)
    server.psql("ALTER SYSTEM SET fsync = off; ALTER SYSTEM SET full_page_writes = off;")
    server.psql("SELECT pg_reload_conf();")
    yield server.get_uri().replace("postgresql://", "postgresql+psycopg://").replace(":@", "@")
    with pytest.MonkeyPatch.context() as patch:  # its data go too: nothing needs to be written back
        inner = pgserver.postgres_server
        control = inner.pg_ctl
        patch.setattr(inner, "pg_ctl", lambda a, **given: control([*a, "-m", "immediate"], **given))
        server.cleanup()


def _started(pgserver: Any) -> Any:
    """A server in a folder of its own. On a busy machine it may take longer than the wheel's ten
    seconds to start: we wait two minutes, and begin anew twice.
    """
    inner = pgserver.postgres_server
    control = inner.pg_ctl
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PGCTLTIMEOUT", "120")
        patch.setattr(inner, "pg_ctl", lambda *a, **given: control(*a, **{**given, "timeout": 130}))
        for _ in range(2):
            try:
                return pgserver.get_server(_folder(), cleanup_mode="delete")
            except subprocess.SubprocessError:
                continue
        return pgserver.get_server(_folder(), cleanup_mode="delete")


def _folder() -> str:
    """Not among pytest's own: each session of the superuser's forbids other accounts to enter
    those, and with them the server of a session that runs already.
    """
    return tempfile.mkdtemp(prefix="itpm-sync-postgresql-")


@pytest.fixture(scope="session")
def migrated(postgresql: str) -> str:
    """The name of a database with an empty store, to be copied: faster than migrating each."""
    name = _new_database(postgresql, "template0")
    Store.open(_at(postgresql, name)).close()
    return name


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty store, on both databases."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store.db'}"
    server = request.getfixturevalue("postgresql")
    return _at(server, _new_database(server, request.getfixturevalue("migrated")))


@pytest.fixture(params=["sqlite", "postgresql"])
def unmigrated_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database without any table, on both databases."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store.db'}"
    server = request.getfixturevalue("postgresql")
    return _at(server, _new_database(server, "template0"))


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The URL of an empty SQLite store."""
    return f"sqlite:///{tmp_path / 'store.db'}"


def _at(server: str, name: str) -> str:
    return server.replace("/postgres?", f"/{name}?")


def _new_database(server: str, template: str) -> str:
    name = f"store_{next(_NUMBERS)}"
    engine = sa.create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name} TEMPLATE {template} ENCODING 'UTF8'")
    engine.dispose()
    return name
