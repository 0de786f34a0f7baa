"""The whole flow by the real command against a real Request Tracker and a real PostgreSQL."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import requests
import sqlalchemy as sa

pytestmark = pytest.mark.systems

CONFIGURATION = """
title: Real servers
timezone: Europe/Zurich
store: {store}
connections:
  desk:
    connector: request_tracker
    url: {url}
    auth: {{token: "${{env:RT_TOKEN}}"}}
    queues: [Helpdesk]
    fields: {{project: Project Code}}
    time_entries: true
projects:
  - code: NET
    name: Network refresh
    currency: CHF
    publish: [{{connection: desk, address: "{address}", fields: [comment]}}]
safety: {{sweep_every_h: 0}}
jobs:
  weekly: [pull, reconcile, report, publish]
"""


class Office:
    """A configuration in a folder of its own, a desk to work at, and a look into the store."""

    def __init__(self, folder: Path, url: str, token: str, store: str) -> None:
        self.folder, self.url, self.token, self.store = folder, url, token, store
        self.status_ticket = self.create("Status of the network refresh")
        text = CONFIGURATION.format(url=url, store=store, address=self.status_ticket)
        (folder / "itpm.yaml").write_text(text)

    def ask(self, method: str, path: str, **options: Any) -> Any:
        headers = {"Authorization": f"token {self.token}"}
        answer = requests.request(
            method, f"{self.url}/REST/2.0/{path}", headers=headers, timeout=30, **options
        )
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    def create(self, subject: str, **fields: Any) -> str:
        body = {"Queue": "Helpdesk", "Subject": subject, "Requestor": "bob@example.org", **fields}
        return str(self.ask("POST", "ticket", json=body)["id"])

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [str(Path(sys.executable).parent / "itpm-sync"), *words], cwd=self.folder, text=True,
            env={**os.environ, "RT_TOKEN": self.token}, capture_output=True, check=False,
            timeout=300, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        assert "Traceback" not in done.stdout + done.stderr
        assert self.token not in done.stdout + done.stderr
        return done

    def items(self) -> dict[str, Any]:
        """Live help-desk items by their ticket's number."""
        engine = sa.create_engine(self.store)
        query = (
            "select h.*, r.absent from help_desk_item h join raw_record r on "
            "r.connection = h.connection and r.stream = h.stream and r.source_id = h.source_id"
        )
        try:
            with engine.connect() as connection:
                rows = connection.execute(sa.text(query)).mappings().all()
        finally:
            engine.dispose()
        return {row["source_id"]: row for row in rows}

    def comments(self) -> list[str]:
        path = f"ticket/{self.status_ticket}/history"
        history = self.ask("GET", path, params={"fields": "Type", "per_page": "100"})
        return [t["id"] for t in history["items"] if t["Type"] == "Comment"]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def office(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Office:
    folder = tmp_path_factory.mktemp("office")
    store = f"sqlite:///{folder / 'itpm.db'}"
    rt = request.getfixturevalue("rt_server")
    if request.param == "postgresql":
        base = request.getfixturevalue("postgresql_url")
        name = f"flow_{uuid4().hex[:8]}"
        engine = sa.create_engine(base, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(sa.text(f"create database {name}"))
        engine.dispose()
        store = sa.make_url(base).set(database=name).render_as_string(hide_password=False)
    return Office(folder, rt.url, rt.token, store)


def test_check_accepts_the_real_server(office: Office) -> None:
    done = office.run("check")
    assert done.returncode == 0, done.stdout + done.stderr


def test_pull_edit_delete_merge_and_publish_converge_on_the_real_server(office: Office) -> None:
    kept = office.create("Printer jams", CustomFields={"Project Code": "NET"})
    doomed = office.create("Ordered by mistake")
    doubled = office.create("Printer jams again")

    done = office.run("run", "weekly")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout == ""  # quiet when all is well: cron sends no mail
    stored = office.items()
    assert {kept, doomed, doubled} <= set(stored)
    assert stored[kept]["project_key"] == "NET"
    (first,) = office.comments()

    office.ask("PUT", f"ticket/{kept}", json={"Subject": "Printer jams in Zürich"})
    office.ask("DELETE", f"ticket/{doomed}")
    office.ask("PUT", f"ticket/{doubled}", json={"MergeInto": kept})
    done = office.run("run", "weekly")
    assert done.returncode == 0, done.stdout + done.stderr
    stored = office.items()
    assert stored[kept]["title"] == "Printer jams in Zürich"
    assert stored[kept]["absent"] is None
    assert stored[doomed]["absent"] == "deleted"
    assert stored[doubled]["absent"] == "merged"

    again = office.comments()
    assert again[0] == first or first in again
    done = office.run("publish")
    assert "nothing published" in done.stdout
    assert office.comments() == again


def test_a_wrong_token_is_one_clear_line_and_exit_code_3(office: Office) -> None:
    command = [str(Path(sys.executable).parent / "itpm-sync"), "run", "weekly"]
    done = subprocess.run(
        command, cwd=office.folder, env={**os.environ, "RT_TOKEN": "1-14-wrong"},
        capture_output=True, text=True, check=False, timeout=300, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 3
    assert "refused the login (401)" in done.stdout + done.stderr
    assert "1-14-wrong" not in done.stdout + done.stderr


def test_the_status_file_tells_what_happened(office: Office) -> None:
    assert office.run("run", "weekly").returncode == 0
    status = json.loads((office.folder / "itpm-status.json").read_text())
    assert (status["state"], status["connections"]["desk"]["state"]) == ("ok", "ok")
