"""29,057 real Jira issues, pulled by the real command from the sandbox, as Cloud and Data Center.

Run with `make real`. The data stand beside the project and are not part of it.
"""

from __future__ import annotations

import json
import lzma
import os
import random
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors.jira.sandbox import JiraSandbox
from tests.beside import SHARED, on_real_data

DATA = SHARED / "data" / "titanium-jira"
COUNTS = {"TIMOB": 22_371, "AC": 4_503, "ALOY": 1_499, "MOD": 367, "DAEMON": 317}
SAMPLE = 200

pytestmark = on_real_data(DATA)

CONFIGURATION = """
title: Titanium
store: sqlite:///itpm.db
connections:
  titanium:
    connector: jira
    url: {url}
    flavor: {flavour}
    auth: {auth}
    projects: [TIMOB, AC, ALOY, MOD, DAEMON]
    changelog: false
discover_projects: [titanium]
jobs:
  weekly: {{steps: [pull, reconcile, report]}}
"""


@pytest.fixture(scope="module")
def source() -> dict[str, dict]:
    """Every issue of the dump by its id."""
    return {issue["id"]: issue for issue in _dump()}


def _dump() -> Iterator[dict]:
    for file in sorted(DATA.glob("*.jsonl.xz")):
        with lzma.open(file, "rt", encoding="utf-8") as lines:
            yield from map(json.loads, lines)


@pytest.fixture(scope="module", params=["cloud", "datacenter"])
def pulled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which one `itpm-sync run` has pulled everything."""
    folder = tmp_path_factory.mktemp(request.param)
    sandbox = JiraSandbox(request.param)
    sandbox.load(DATA)
    url = sandbox.start()
    try:
        block = sandbox.configuration()
        auth = json.dumps(block["auth"])
        text = CONFIGURATION.format(url=url, flavour=request.param, auth=auth)
        (folder / "itpm.yaml").write_text(text)
        done = subprocess.run(
            [str(Path(sys.executable).parent / "itpm-sync"), "run", "weekly"],
            cwd=folder, env={**os.environ, **sandbox.environment()}, capture_output=True,
            text=True, check=False, timeout=900,
        )  # fmt: skip
    finally:
        sandbox.stop()
    assert "Traceback" not in done.stdout + done.stderr
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def rows(folder: Path, query: str) -> list[sqlite3.Row]:
    database = sqlite3.connect(folder / "itpm.db")
    database.row_factory = sqlite3.Row
    try:
        return database.execute(query).fetchall()
    finally:
        database.close()


def test_every_project_is_stored_completely(pulled: Path) -> None:
    counted = rows(pulled, "select project_key, count(*) n from work_item group by 1")
    assert {r["project_key"]: r["n"] for r in counted} == COUNTS
    assert rows(pulled, "select count(*) n from rejected")[0]["n"] == 0
    proofs = rows(pulled, "select * from completeness where stream = 'issue'")
    assert {r["scope"]: r["stored"] for r in proofs} == COUNTS
    assert all(r["complete"] for r in proofs)


def test_a_sample_equals_its_source_field_by_field(pulled: Path, source: dict[str, dict]) -> None:
    stored = {r["source_id"]: r for r in rows(pulled, "select * from work_item")}
    ids = random.Random(20261122).sample(sorted(source), SAMPLE)  # noqa: S311
    different = [
        (ident, name, got, want)
        for ident in ids
        for name, got, want in compared(stored[ident], source[ident]["fields"])
        if got != want
    ]
    assert different == []


def compared(row: sqlite3.Row, fields: dict) -> Iterator[tuple[str, object, object]]:
    def named(name: str) -> list[str]:
        return [v["name"] for v in fields.get(name) or ()]

    yield "title", row["title"], fields["summary"]
    yield "source_type", row["source_type"], fields["issuetype"]["name"]
    yield "source_status", row["source_status"], fields["status"]["name"]
    done = fields["status"]["statusCategory"]["key"] == "done"
    yield "closed", row["status"] in {"done", "cancelled"}, done
    yield "resolution", row["resolution"], (fields.get("resolution") or {}).get("name", "")
    yield "priority", row["priority"], (fields.get("priority") or {}).get("name", "")
    yield "assignee", row["assignee"], (fields.get("assignee") or {}).get("displayName", "")
    yield "reporter", row["reporter"], (fields.get("reporter") or {}).get("displayName", "")
    yield "components", json.loads(row["components"]), named("components")
    yield "versions", json.loads(row["versions"]), named("fixVersions")
    yield "labels", json.loads(row["labels"]), fields.get("labels") or []
    yield "created_at", moment(row["created_at"]), moment(fields["created"])
    yield "updated_at", moment(row["updated_at"]), moment(fields["updated"])
    yield "resolved_at", moment(row["resolved_at"]), moment(fields.get("resolutiondate"))


def moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    value = datetime.fromisoformat(text)
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def test_the_plan_is_derived_from_fix_versions_and_their_release_dates(pulled: Path) -> None:
    described = json.loads((DATA / "ALOY.project.json").read_text(encoding="utf-8"))
    wanted = {v["name"]: v.get("releaseDate") for v in described["versions"]}
    found = rows(pulled, "select * from work_package where project_key = 'ALOY'")
    assert {r["code"]: r["planned_finish"] for r in found} == wanted


def test_the_report_shows_each_project_with_its_curves(pulled: Path) -> None:
    (folder,) = (pulled / "reports").glob("20*")
    index = (folder / "index.html").read_text(encoding="utf-8")
    for code in COUNTS:
        assert code in index
        assert "<svg" in (folder / f"{code}.html").read_text(encoding="utf-8")
    assert (folder / "status.xlsx").stat().st_size > 10_000
