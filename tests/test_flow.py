"""The whole flow by the command line, against sandboxes on loopback: an administrator's view."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from connectors.jira.sandbox import JiraSandbox
from itpm_sync.connector import Faults
from itpm_sync.errors import StoreError
from itpm_sync.model import ItemType, Project, SourceRef, WorkItem, WorkStatus
from itpm_sync.store import Store
from tests.calling import Run

SECRET = "sandbox-token"
NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


def project(code: str) -> Project:
    return Project(ref=SourceRef("x", "project", code), project_key=code, code=code, name=code)


def ticket(number: int, code: str = "NET", *, done: bool = False) -> WorkItem:
    return WorkItem(
        ref=SourceRef("x", "issue", f"{code}{number}"),
        project_key=code,
        key=f"{code}-{number}",
        title=f"Ticket {number}",
        type=ItemType.TASK,
        source_type="Task",
        status=WorkStatus.DONE if done else WorkStatus.TODO,
        source_status="Done" if done else "To Do",
        created_at=NOW,
        updated_at=NOW,
        resolved_at=NOW if done else None,
    )


@pytest.fixture
def run(call: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("JIRA_TOKEN", SECRET)
    return call


@pytest.fixture
def jira() -> Iterator[JiraSandbox]:
    sandbox = JiraSandbox("cloud")
    sandbox.seed([project("NET"), project("SDM")])
    sandbox.seed([ticket(n, code) for code in ("NET", "SDM") for n in range(1, 6)])
    sandbox.start()
    yield sandbox
    sandbox.stop()


PLAN = """Project,WBS,Name,Start,Finish,Budget
NET,1,Roll-out,2026-10-01,2026-12-18,10000
SDM,1,Migration,2026-10-01,2026-12-18,20000
"""


def configure(folder: Path, url: str, *, extra: str = "", projects: str = "NET, SDM") -> None:
    (folder / "office").mkdir(exist_ok=True)
    (folder / "office" / "plan.csv").write_text(PLAN)
    (folder / "itpm.yaml").write_text(
        f"""
connections:
  jira-main:
    connector: jira
    url: {url}
    flavor: cloud
    auth: {{email: itpm-sync@example.com, token: "${{env:JIRA_TOKEN}}"}}
    projects: [{projects}]
    attempts: 2
  office:
    connector: files
    folder: office
    tables:
      plan:
        file: plan.csv
        kind: work_package
        key: [Project, WBS]
        columns:
          project_key: Project
          code: WBS
          name: Name
          planned_start: Start
          planned_finish: Finish
          budget: {{column: Budget, as: money, currency: CHF}}
{extra}
projects:
  - {{code: NET, name: Net, currency: CHF, publish: [{{connection: jira-main, address: NET-1}}]}}
  - {{code: SDM, name: Desk, currency: CHF, publish: [{{connection: jira-main, address: SDM-1}}]}}
plan_from: [office]
allocation:
  - {{when: {{connection: jira-main}}, work_package: "1"}}
jobs:
  weekly: [pull, reconcile, report, publish]
"""
    )


def url_of(sandbox: JiraSandbox) -> str:
    return str(sandbox.configuration()["url"])


def test_a_run_reports_publishes_and_is_silent_when_all_is_well(
    run: Run, jira: JiraSandbox, tmp_path: Path
) -> None:
    configure(tmp_path, url_of(jira))
    result = run("run", "weekly")
    assert (result.code, result.out, result.err) == (0, "", "")
    assert (tmp_path / "reports" / "latest" / "index.html").is_file()
    status = json.loads((tmp_path / "itpm-status.json").read_text())
    assert (status["state"], status["exit_code"]) == ("ok", 0)
    assert "itpm_sync_run_exit_code" in (tmp_path / "itpm-metrics.prom").read_text()
    with Store.open(f"sqlite:///{tmp_path / 'itpm.db'}") as store:
        snapshot = store.outcome.snapshot()
        assert snapshot is not None
        assert snapshot.run == store.runs()[0].id  # that read its sources, not the one before


def test_unchanged_publishes_nothing_and_one_changed_ticket_only_its_project(
    run: Run, jira: JiraSandbox, tmp_path: Path
) -> None:
    configure(tmp_path, url_of(jira))
    assert run("run", "weekly").code == 0
    jira.requests.clear()
    assert run("publish").out.startswith("nothing published: all")
    assert [r for r in jira.requests if r.method != "GET"] == []

    jira.seed([ticket(3, "SDM", done=True)])
    jira.requests.clear()
    result = run("-v", "run", "weekly")
    assert result.code == 0, result.all
    written = {r.path.split("/issue/")[1].split("/")[0] for r in jira.requests if writes(r)}
    assert written in ({"SDM-1"}, {jira.issue("SDM-1")["id"]})


def writes(request: object) -> bool:
    method, path = request.method, request.path  # type: ignore[attr-defined]
    return method in {"POST", "PUT", "DELETE"} and "/issue/" in path and "bulkfetch" not in path


def test_a_wrong_token_is_one_clear_line_exit_3_and_the_rest_goes_on(
    run: Run, jira: JiraSandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(tmp_path, url_of(jira))
    monkeypatch.setenv("JIRA_TOKEN", "wrong-secret-word")
    result = run("run", "weekly")
    assert result.code == 3
    assert "401" in result.all
    assert "wrong-secret-word" not in result.all
    assert rows(tmp_path, "select count(*) from work_package") == [(2,)]
    assert (tmp_path / "reports" / "latest" / "index.html").is_file()


def test_an_unreachable_host_is_one_clear_line_and_the_rest_goes_on(
    run: Run, tmp_path: Path
) -> None:
    configure(tmp_path, "http://127.0.0.1:9")
    result = run("pull")
    assert result.code == 3
    assert "refused" in result.all
    assert rows(tmp_path, "select count(*) from work_package") == [(2,)]


def test_the_first_report_of_a_job_says_why_a_source_was_not_read(run: Run, tmp_path: Path) -> None:
    configure(tmp_path, "http://127.0.0.1:9")
    assert run("run", "weekly").code == 3
    told = run("findings").out
    assert "refused" in told
    assert "at work" not in told


def test_a_project_that_yields_nothing_is_a_problem_not_a_success(
    run: Run, jira: JiraSandbox, tmp_path: Path
) -> None:
    jira.seed([project("EMPTY")])
    configure(tmp_path, url_of(jira), projects="NET, SDM, EMPTY")
    result = run("pull")
    assert result.code == 3
    assert "EMPTY" in result.all
    assert rows(tmp_path, "select count(*) from work_item") == [(10,)]


def test_a_project_that_is_not_visible_is_named_and_the_others_are_read(
    run: Run, jira: JiraSandbox, tmp_path: Path
) -> None:
    configure(tmp_path, url_of(jira), projects="NET, SDM, GONE")
    result = run("pull")
    assert result.code == 3
    assert "GONE" in result.all
    assert rows(tmp_path, "select count(*) from work_item") == [(10,)]


@pytest.mark.parametrize("fault", ["html", "truncate"])
def test_an_answer_that_makes_no_sense_is_one_clear_line(
    run: Run, jira: JiraSandbox, tmp_path: Path, fault: str
) -> None:
    configure(tmp_path, url_of(jira))
    jira.set_faults(Faults(fail_next=(fault,) * 40))
    result = run("pull")
    assert result.code == 3
    assert {"html": "web page instead of JSON", "truncate": "gave up"}[fault] in result.all
    assert rows(tmp_path, "select count(*) from work_package") == [(2,)]


class _Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b"<html><title>Sign in</title></html>"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


def test_a_login_page_in_between_is_recognised(run: Run, tmp_path: Path) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        configure(tmp_path, f"http://127.0.0.1:{server.server_port}")
        result = run("check")
    finally:
        server.shutdown()
        server.server_close()
    assert result.code == 3
    assert "web page instead of JSON" in result.all


def test_a_wrong_configuration_runs_nothing(run: Run, jira: JiraSandbox, tmp_path: Path) -> None:
    configure(tmp_path, url_of(jira), extra="proyects: []")
    result = run("run", "weekly")
    assert result.code == 2
    assert "itpm.yaml:" in result.err
    assert 'did you mean "projects"?' in result.err
    assert jira.requests == []
    assert not (tmp_path / "itpm.db").exists()


def test_an_unknown_job_suggests_the_one_that_was_meant(
    run: Run, jira: JiraSandbox, tmp_path: Path
) -> None:
    configure(tmp_path, url_of(jira))
    result = run("run", "weakly")
    assert result.code == 2
    assert 'did you mean "weekly"?' in result.err


def test_a_secret_that_is_not_set_is_the_only_problem_told(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(tmp_path, "http://127.0.0.1:9")
    monkeypatch.delenv("JIRA_TOKEN")
    result = run("check")
    assert result.code == 2
    assert "the environment variable JIRA_TOKEN is not set" in result.err
    assert "1 problem; nothing was run" in result.err


def test_a_store_of_an_unknown_kind_is_named_with_its_line(run: Run, tmp_path: Path) -> None:
    configure(tmp_path, "http://127.0.0.1:9", extra="store: mysql://db/itpm")
    result = run("status")
    assert result.code == 2
    assert "itpm.yaml:" in result.err
    assert "expected sqlite:///FILE" in result.err


def test_a_malformed_mapping_is_named_with_its_line_and_runs_nothing(
    run: Run, jira: JiraSandbox, tmp_path: Path
) -> None:
    configure(tmp_path, url_of(jira))
    text = (tmp_path / "itpm.yaml").read_text().replace("attempts: 2", "mapping: own.yaml")
    (tmp_path / "itpm.yaml").write_text(text)
    (tmp_path / "own.yaml").write_text(
        "version: 1\nstreams:\n  issue:\n    - to: work_itm\n      fields: {key: key}\n"
    )
    result = run("pull")
    assert result.code == 2
    assert "own.yaml:4:" in result.err
    assert 'did you mean "work_item"?' in result.err
    assert jira.requests == []


def test_a_source_that_suddenly_is_empty_stops_for_a_person(
    run: Run, jira: JiraSandbox, tmp_path: Path
) -> None:
    many = [ticket(n) for n in range(10, 60)]
    jira.seed(many)
    configure(tmp_path, url_of(jira))
    assert run("pull").code == 0
    for item in many:
        jira.delete_issue(item.key)
    result = run("pull", "--sweep")
    assert result.code == 4
    assert "--confirm-deletions" in result.all
    live = "select count(*) from raw_record where stream = 'issue' and absent is null"
    assert rows(tmp_path, live) == [(60,)]
    assert run("pull", "jira-main", "--sweep", "--confirm-deletions").code == 0
    assert rows(tmp_path, live) == [(10,)]


def test_a_second_run_at_once_ends_with_exit_code_5(
    run: Run, jira: JiraSandbox, tmp_path: Path
) -> None:
    configure(tmp_path, url_of(jira))
    assert run("pull").code == 0
    jira.set_faults(Faults(latency_s=0.5))
    command = [str(Path(sys.executable).parent / "itpm-sync"), "pull", "--full"]
    first = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        seen = len(jira.requests)
        while len(jira.requests) == seen and first.poll() is None:
            pass  # the first run holds the lock once it has asked something
        assert run("pull").code == 5
    finally:
        first.communicate(timeout=60)
    assert first.returncode == 0


def test_secrets_reach_no_log_store_report_error_or_process_list(
    run: Run, jira: JiraSandbox, tmp_path: Path
) -> None:
    configure(tmp_path, url_of(jira))
    jira.set_faults(Faults(fail_next=("503", "html"), latency_s=0.05))
    command = [str(Path(sys.executable).parent / "itpm-sync"), "-vv", "run", "weekly"]
    process = subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    lists = b""
    while process.poll() is None:
        lists += Path(f"/proc/{process.pid}/cmdline").read_bytes()
        if process.stdout is not None and len(lists) > 200:
            break
    output = process.communicate(timeout=120)[0] + lists
    jira.set_faults(Faults())
    result = run("-vv", "run", "weekly")
    assert result.code == 0, result.all
    seen = output + result.all.encode()
    for path in tmp_path.rglob("*"):
        if path.is_file():
            seen += path.read_bytes()
    assert SECRET.encode() not in seen
    assert len(seen) > 100_000  # the store, the reports and the logs were looked at


def rows(folder: Path, query: str) -> list[tuple]:
    database = sqlite3.connect(folder / "itpm.db")
    try:
        return database.execute(query).fetchall()
    finally:
        database.close()


def test_a_title_cannot_inject_anything_into_the_report(
    run: Run, jira: JiraSandbox, tmp_path: Path
) -> None:
    title = "<script>alert(1)</script>"
    jira.seed([replace(ticket(9), title=title)])
    configure(tmp_path, url_of(jira))
    assert run("run", "weekly").code == 0
    for page in (tmp_path / "reports").rglob("*.html"):
        assert "<script>alert" not in page.read_text(encoding="utf-8")


def test_only_the_environment_of_the_run_needs_secrets(
    run: Run, jira: JiraSandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(tmp_path, url_of(jira))
    assert run("run", "weekly").code == 0
    monkeypatch.delenv("JIRA_TOKEN")
    assert "JIRA_TOKEN" not in os.environ
    for words in (("status",), ("findings",), ("explain", "NET", "bac"), ("report",)):
        assert run(*words).code == 0, words
    assert run("pull").code == 2


def test_a_safety_stop_of_publishing_stands_in_the_status_file_as_such(
    run: Run, jira: JiraSandbox, tmp_path: Path
) -> None:
    configure(tmp_path, url_of(jira), extra="safety: {max_writes: 1}")
    assert run("run", "weekly").code == 4
    status = json.loads((tmp_path / "itpm-status.json").read_text())
    assert (status["state"], status["exit_code"]) == ("safety_stop", 4)
    assert "more than the limit of 1" in status["message"]


def test_a_connection_whose_login_is_none_does_not_stop_what_others_publish(
    run: Run, jira: JiraSandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(tmp_path, url_of(jira))
    file = tmp_path / "itpm.yaml"
    other = "  other:\n    connector: jira\n    url: http://127.0.0.1:9\n    flavor: cloud\n"
    other += '    auth: {email: a@b.example, token: "${env:OTHER}"}\n    projects: [SDM]\n'
    text = file.read_text().replace("  office:\n", f"{other}  office:\n")
    file.write_text(text.replace("jira-main, address: SDM", "other, address: SDM"))
    monkeypatch.setenv("OTHER", "two\nlines")
    done = run("run", "weekly")
    assert done.code == 3
    assert "failed other:SDM-1:comment:SDM" in done.out
    assert "line break" in done.out
    assert len(jira.issue("NET-1")["fields"]["comment"]["comments"]) == 1


def test_a_target_to_take_over_that_there_is_not_is_a_mistake(
    run: Run, jira: JiraSandbox, tmp_path: Path
) -> None:
    configure(tmp_path, url_of(jira))
    run("run", "weekly")
    done = run("publish", "--take-over", "jira-main:NET-1:coment:NET")
    assert done.code == 2
    assert 'did you mean "jira-main:NET-1:comment:NET"?' in done.err


def test_a_conflict_is_named_in_the_status_file(
    run: Run, jira: JiraSandbox, tmp_path: Path
) -> None:
    configure(tmp_path, url_of(jira))
    assert run("run", "weekly").code == 0
    (comment,) = jira.issue("SDM-1")["fields"]["comment"]["comments"]
    jira.edit_comment("SDM-1", comment["id"], "somebody's own words")
    jira.seed([ticket(3, "SDM", done=True)])
    assert run("run", "weekly").code == 3
    status = json.loads((tmp_path / "itpm-status.json").read_text())
    assert status["state"] == "partial"
    assert "SDM-1:comment:SDM: somebody edited what we had written" in status["message"]


def test_a_store_that_fails_during_a_job_leaves_a_status_file_that_says_so(
    run: Run, jira: JiraSandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(tmp_path, url_of(jira))
    assert run("run", "weekly").code == 0

    def full(*_: object, **__: object) -> None:
        raise StoreError("store itpm.db cannot grow")

    monkeypatch.setattr(Store, "put_completeness", full)
    monkeypatch.setattr(Store, "finish_run", full)
    assert run("run", "weekly").code == 3
    status = json.loads((tmp_path / "itpm-status.json").read_text())
    assert (status["state"], status["exit_code"]) == ("failed", 3)
    assert status["message"] == "store itpm.db cannot grow"


def test_a_status_file_that_cannot_be_written_is_one_clear_line(
    run: Run, jira: JiraSandbox, tmp_path: Path
) -> None:
    configure(tmp_path, url_of(jira), extra="monitoring: {status_file: taken/status.json}")
    (tmp_path / "taken").write_text("a file where a folder should be")
    result = run("run", "weekly")
    assert result.code == 3
    assert "cannot write" in result.err
    assert "fault of ours" not in result.err


def test_a_renamed_connection_counts_nothing_twice(
    run: Run, jira: JiraSandbox, tmp_path: Path
) -> None:
    configure(tmp_path, url_of(jira))
    assert run("run", "weekly").code == 0
    text = (tmp_path / "itpm.yaml").read_text()
    (tmp_path / "itpm.yaml").write_text(text.replace("jira-main", "jira"))
    assert run("pull").code == 0
    assert run("reconcile").code == 0
    figure = json.loads(run("explain", "NET", "items", "--json").out)["figure"]
    assert figure["value"] == "5"
    assert "jira-main" not in run("status").out


def test_a_fault_of_ours_shows_no_secret(
    run: Run, jira: JiraSandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(tmp_path, url_of(jira))

    def broken(*_: object, **__: object) -> None:
        raise ValueError(f"Invalid header value 'Bearer {SECRET}'")

    monkeypatch.setattr(Store, "begin_run", broken)
    result = run("pull")
    assert result.code == 1
    assert "Invalid header value" in result.err
    assert SECRET not in result.all
