"""Real servers for the tests marked `systems`, each started once per session.

`make systems` sets ITPM_SYSTEMS=1; without it these tests are skipped and say so.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

RT_SCRIPT = Path(__file__).with_name("rt.sh")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if os.environ.get("ITPM_SYSTEMS") == "1":
        return
    skip = pytest.mark.skip(reason="needs real servers: run `make systems` (sets ITPM_SYSTEMS=1)")
    for item in items:
        if item.get_closest_marker("systems"):
            item.add_marker(skip)


@dataclass(frozen=True)
class RtServer:
    """A running Request Tracker: tokens and passwords by user name (`sync`, `newyork`, `root`…)."""

    url: str
    token: str
    tokens: dict[str, str]
    passwords: dict[str, str]
    directory: Path


@pytest.fixture(scope="session")
def rt_server() -> Iterator[RtServer]:
    """Installs (root, Debian 12), seeds and starts Request Tracker; ends its process group."""
    directory = Path(tempfile.mkdtemp(prefix="itpm-rt-"))
    try:
        started = subprocess.run(
            [str(RT_SCRIPT), "start", str(directory)], capture_output=True, text=True, check=False
        )
        assert started.returncode == 0, f"Request Tracker did not start:\n{started.stderr[-3000:]}"
        told = json.loads(started.stdout)
        users = told["users"]
        yield RtServer(
            url=told["url"],
            token=told["token"],
            tokens={name: u["token"] for name, u in users.items() if "token" in u},
            passwords={name: u["password"] for name, u in users.items()},
            directory=directory,
        )
    finally:
        subprocess.run([str(RT_SCRIPT), "stop", str(directory)], check=False)
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """A private PostgreSQL of the `pgserver` wheel, as an SQLAlchemy URL for psycopg 3."""
    directory = Path(tempfile.mkdtemp(prefix="itpm-pg-"))
    # As root, pgserver runs PostgreSQL as a user of its own, who must be able to pass through.
    directory.chmod(0o755)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the wheel's own: it looks for XDG_RUNTIME_DIR
        import pgserver
    server = pgserver.get_server(directory / "data")
    try:
        yield server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
    finally:
        server.cleanup()
        shutil.rmtree(directory, ignore_errors=True)
