"""`itpm-sync status`: which job is late, which never ran, which run was killed."""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from itpm_sync import app
from itpm_sync.app import pulling
from itpm_sync.errors import ConnectionFailed, Stopped
from itpm_sync.store import ConnectionState, RunLock, lock, run_is_gone
from tests.calling import Run

NOW = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
TABLES = """
plan: {file: plan.csv, kind: work_package, key: [WBS],
       columns: {code: WBS, name: Name, project_key: Project}}
"""
JOBS = """
jobs:
  hourly: {steps: [pull], expect_every_h: 2}
  weekly: {steps: [pull], expect_every_h: 192}
"""

Status = Callable[[], tuple[int, str]]


@pytest.fixture
def session(csv_office: Callable[..., Path], tmp_path: Path) -> Iterator[app.Session]:
    configuration = csv_office(TABLES, JOBS)
    (tmp_path / "office" / "plan.csv").write_text("Project,WBS,Name\nNET,1,Switches\n")
    with app.open_session(configuration) as session:
        session.clock = lambda: NOW
        yield session


def standing(session: app.Session, job: str) -> app.JobStanding:
    return next(s for s in app.status(session).jobs if s.job == job)


def ran(session: app.Session, job: str, hours_ago: float, state: str = "ok") -> None:
    at = NOW - timedelta(hours=hours_ago)
    run = session.store.begin_run(job, at)
    session.store.finish_run(run, state=state, now=at)


def test_in_an_empty_store_every_job_is_due_now(session: app.Session) -> None:
    told = standing(session, "weekly")
    assert (told.last_run, told.due, told.late) == (None, NOW, True)


def test_a_job_that_never_ran_is_not_late_before_it_could_have_run(session: app.Session) -> None:
    ran(session, "hourly", 1)
    told = standing(session, "weekly")
    assert (told.last_run, told.late) == (None, False)
    assert told.due == NOW + timedelta(hours=191)
    assert app.status(session).healthy


def test_a_job_that_never_ran_in_all_its_time_is_late(session: app.Session) -> None:
    ran(session, "hourly", 193)
    ran(session, "hourly", 1)
    told = standing(session, "weekly")
    assert (told.last_run, told.late) == (None, True)
    assert told.due == NOW - timedelta(hours=1)
    assert not app.status(session).healthy


def test_a_job_counts_from_its_last_success_however_many_runs_came_since(
    session: app.Session,
) -> None:
    ran(session, "weekly", 193)
    for second in range(1_001):  # no two runs are of one second: their ids might be the same
        ran(session, "hourly", second / 3600)
    told = standing(session, "weekly")
    assert (told.last_success, told.late) == (NOW - timedelta(hours=193), True)


def test_a_job_is_late_when_it_has_not_ended_well_for_too_long(session: app.Session) -> None:
    ran(session, "hourly", 3)
    ran(session, "hourly", 1, "failed")
    told = standing(session, "hourly")
    assert told.late
    assert told.last_success == NOW - timedelta(hours=3)
    assert told.last_run == NOW - timedelta(hours=1)


def test_a_job_that_only_failed_is_late(session: app.Session) -> None:
    ran(session, "hourly", 1, "failed")
    assert standing(session, "hourly").late


def test_the_words_tell_never_run_from_late(session: app.Session, call: Run) -> None:
    office = "-c", str(session.config.path)
    code, out, _ = call(*office, "status")
    assert "never run the job weekly: due since 20" in out
    assert (code, "late" in out) == (3, False)
    call(*office, "run", "hourly")
    code, out, _ = call(*office, "status")
    assert "never run the job weekly: due by 20" in out
    assert "on time the job hourly: last ended well at 20" in out
    assert code == 0


def test_a_table_called_like_its_file_is_named_once(session: app.Session, call: Run) -> None:
    def said(command: str) -> str:
        return call("-c", str(session.config.path), command).all

    plan = session.config.base_dir / "office" / "plan.csv"
    said("pull")
    plan.write_text("Project,WBS,Name\n")
    pulled, status, _, findings = told = [
        said("pull"), said("status"), said("reconcile"), said("findings"),
    ]  # fmt: skip
    assert not re.search(r"plan plan\.csv|plan\.csv:? plan\.csv", "".join(told))
    assert "plan.csv: there is a header and no rows" in pulled
    assert "incomplete office plan.csv: there is a header and no rows" in status
    assert "Source office plan.csv: 1 stored, the source cannot say how many; there is" in findings


@pytest.mark.parametrize(
    "rows", ["NET,2,x,2026-13-45\n", "NET,,no key,2026-01-01\n", "NET,2,\0,2026-01-01\n"]
)
def test_quarantine_has_one_exit_code_for_pull_run_status_and_check(
    csv_office: Callable[..., Path], tmp_path: Path, call: Run, rows: str
) -> None:
    table = """
plan: {file: plan.csv, kind: work_package, key: [WBS],
       columns: {code: WBS, name: Name, project_key: Project, planned_start: Start}}
"""
    office = "-c", str(csv_office(table, JOBS))
    plan = tmp_path / "office" / "plan.csv"
    plan.write_text("Project,WBS,Name,Start\nNET,1,Switches,2026-01-01\n" + rows)
    for command in ("pull", "run weekly", "run weekly", "status", "check"):
        assert call(*office, *command.split()).code == 3, command
    told = call(*office, "run", "hourly").out
    assert "1 record or value stands in quarantine, plan.csv row 3" in told
    plan.write_text("Project,WBS,Name,Start\nNET,1,Switches,2026-01-01\n")
    for command in ("run weekly", "run hourly", "status", "check"):
        assert call(*office, *command.split())[0] == 0, command
    assert call(*office, "run", "weekly").out == ""


def test_a_record_in_quarantine_makes_no_job_late_and_a_failure_does(session: app.Session) -> None:
    ran(session, "hourly", 1, "quarantine")
    told = standing(session, "hourly")
    assert (told.last_success, told.late) == (NOW - timedelta(hours=1), False)
    ran(session, "weekly", 200)
    ran(session, "weekly", 1, "partial")
    assert standing(session, "weekly").late


def test_a_value_that_the_mapping_leaves_out_is_told_and_changes_no_exit_code(
    csv_office: Callable[..., Path], tmp_path: Path, call: Run
) -> None:
    table = """
plan: {file: plan.csv, kind: work_package, key: [WBS], columns: {code: WBS, name: Name,
       project_key: Project, planned_start: {column: Start, soft: true}}}
"""
    office = "-c", str(csv_office(table, JOBS))
    plan = tmp_path / "office" / "plan.csv"
    plan.write_text("Project,WBS,Name,Start\nNET,1,Switches,soon\n")
    for command in ("run hourly", "run weekly", "status", "check"):
        assert call(*office, *command.split()).code == 0, command
    assert "1 rejected record or value:" in call(*office, "status").out
    with app.open_session(Path(office[1])) as session:
        (one,) = session.store.rejected()
        assert (one.field, one.soft) == ("Start", True)
        assert [r.code for r in session.store.records("work_package")] == ["1"]


# ---- runs that were killed ----------------------------------------------------------------------


def folder_of(session: app.Session) -> dict[str, bytes]:
    folder = session.config.base_dir
    files = (f for f in folder.iterdir() if f.is_file() and not f.name.endswith("-shm"))
    return {f.name: f.read_bytes() for f in files}


def test_a_run_whose_process_is_gone_is_interrupted_and_nothing_is_written(
    session: app.Session,
) -> None:
    with app.locked(session):
        session.store.begin_run("hourly", NOW)  # and then the process is killed
        assert app.status(session).runs[0].state == "running"
    before = folder_of(session)
    told = app.status(session).runs[0]
    assert (told.state, told.finished) == ("interrupted", None)
    assert "its process is gone" in told.message
    assert folder_of(session) == before
    assert session.store.runs()[0].state == "running"


def test_after_a_kill_in_the_very_first_pull_nothing_counts_as_read_whole(
    session: app.Session, call: Run
) -> None:
    with app.locked(session):
        run = session.store.begin_run("pull", NOW)  # and then the process is killed
    code, out, _ = call("-c", str(session.config.path), "status")
    assert f"incomplete office: never read whole: the run {run} was interrupted before" in out
    assert code == 3
    state = ConnectionState(connection="office", streams={"plan": ["plan.csv"], "x": ["x.csv"]})
    session.store.put_connection_state(state, NOW)  # as if it had been killed a little later
    code, out, _ = call("-c", str(session.config.path), "status")
    assert f"incomplete office plan.csv, office x.csv: never read whole: the run {run} was" in out
    assert code == 3
    assert call("-c", str(session.config.path), "pull").code == 0
    assert "incomplete" not in call("-c", str(session.config.path), "status").out


def with_spare(configuration: Path) -> Path:
    """The same with a second connection, to which nothing answers."""
    other = (
        "  spare: {connector: jira, url: 'http://127.0.0.1:1', flavor: datacenter, attempts: 1,\n"
        "          auth: {token: x}, projects: [NET]}\n"
    )
    text = configuration.read_text()
    configuration.write_text(text.replace("connections:\n", f"connections:\n{other}"))
    return configuration


@pytest.fixture
def two(session: app.Session) -> Iterator[app.Session]:
    """The session with a second connection, `spare`."""
    with app.open_session(with_spare(session.config.path)) as both:
        both.clock = lambda: NOW
        yield both


def pulled(session: app.Session, hours_ago: float, *names: str) -> int:
    session.clock = lambda: NOW - timedelta(hours=hours_ago)
    code = app.pull(session, names).exit_code
    session.clock = lambda: NOW
    return code


def test_a_killed_run_of_another_connection_says_nothing_of_one_that_no_run_was_to_read(
    csv_office: Callable[..., Path],
) -> None:
    jobs = "jobs: {own: {steps: [pull], connections: [office]}}\n"
    with app.open_session(with_spare(csv_office(TABLES, jobs))) as session:
        with app.locked(session):
            session.store.begin_run("own", NOW)
        assert {c.connection for c in app.status(session).coverage} == {"office"}


def test_a_connection_that_was_never_opened_is_told_however_many_runs_came_since(
    two: app.Session,
) -> None:
    assert pulled(two, 30, "office", "spare") == 3
    for hour in range(1, 26):
        assert pulled(two, 26 - hour, "office") == 0
    spare, office = sorted(app.status(two).coverage, key=lambda c: c.complete)
    assert (spare.place, spare.as_of, office.complete) == ("spare", None, True)
    assert "127.0.0.1:1" in spare.reason
    assert not app.status(two).healthy
    told = {f.key: f.message for f in app.reconcile(two).findings}
    assert "Source spare was never read; " in told["incomplete-source//spare"]


def test_a_pull_that_was_killed_before_it_is_told_however_many_runs_came_since(
    two: app.Session,
) -> None:
    with app.locked(two):
        run = two.store.begin_run("pull", NOW - timedelta(hours=30))
    for hour in range(1, 26):
        assert pulled(two, 26 - hour, "office") == 0
    (spare,) = (c for c in app.status(two).coverage if not c.complete)
    assert spare.place == "spare"
    assert f"the run {run} was interrupted before" in spare.reason


@pytest.mark.parametrize(
    ("error", "ended"), [(Stopped(), "was interrupted"), (OSError(), "failed")]
)
def test_a_pull_that_ended_early_says_nothing_of_what_it_was_not_to_read(
    csv_office: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
    ended: str,
) -> None:
    path = csv_office(TABLES)
    table = "{file: x.csv, kind: rate, key: [Of], columns: {of: Of, per_hour: Rate}}"
    other = f"  spare: {{connector: files, folder: spare, tables: {{x: {table}}}}}\n"
    path.write_text(path.read_text().replace("connections:\n", f"connections:\n{other}"))

    def ends(*_: object, **__: object) -> None:
        raise error

    with app.open_session(path) as session:
        monkeypatch.setattr(pulling.engine, "pull", ends)
        with pytest.raises(type(error)):
            app.pull(session, ["office"])
        (row,) = app.status(session).coverage
        run = session.store.runs()[0]
    assert row.connection == "office"
    assert row.reason == f"never read whole: the run {run.id} {ended} before — pull again"


def test_a_connection_that_could_not_be_opened_at_all_was_never_read(
    session: app.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise ConnectionFailed("GET http://desk/: Connection refused", advice="try again")

    with monkeypatch.context() as patch:
        patch.setattr(app.Session, "connector", refused)
        assert app.pull(session).exit_code == 3
    (row,) = app.status(session).coverage
    assert (row.place, row.as_of, row.complete) == ("office", None, False)
    assert row.reason == "GET http://desk/: Connection refused — try again"
    assert not app.status(session).healthy
    (told,) = app.reconcile(session).findings
    assert told.key == "incomplete-source//office"
    assert "Source office was never read; GET http://desk/: Connection refused. " in told.message
    assert "Missing, of whatever project: plan (BAC, PV)" in told.message


def test_without_a_lock_file_nobody_can_tell(session: app.Session) -> None:
    session.store.begin_run("hourly", NOW)  # on another machine, in a store that both use
    assert app.status(session).runs[0].state == "running"


def test_a_run_that_ends_while_it_is_looked_at_is_not_called_interrupted(
    session: app.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    with app.locked(session):
        run = session.store.begin_run("hourly", NOW)

    def gone(path: Path) -> bool:
        session.store.finish_run(run, state="ok", now=NOW)
        return run_is_gone(path)

    monkeypatch.setattr("itpm_sync.app.session.run_is_gone", gone)
    assert app.status(session).runs[0].state == "ok"


def test_a_run_that_begins_while_it_is_looked_at_gets_its_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "lock"
    path.touch()
    looking = os.open(path, os.O_RDONLY)
    fcntl.flock(looking, fcntl.LOCK_SH)
    monkeypatch.setattr(lock.time, "sleep", lambda _: os.close(looking))
    with RunLock(path):
        assert not run_is_gone(path)
    assert run_is_gone(path)
