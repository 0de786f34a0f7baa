"""The sandbox as a Sandbox: seeding, saving, loading dumps, going wrong on request.

That it behaves as RT does is the matter of tests/systems/test_request_tracker_real.py.
"""

from __future__ import annotations

import lzma
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import orjson
import pytest
import requests
import yaml

from connectors.request_tracker.connector import RequestTrackerConnector, RequestTrackerSettings
from connectors.request_tracker.sandbox import RequestTrackerSandbox
from itpm_sync.connector import Context, Faults, RawRecord, Sandbox, Window
from itpm_sync.mapping import compile_mapping
from itpm_sync.model import (
    HelpDeskItem,
    Project,
    Record,
    SourceRef,
    TicketStatus,
    TicketType,
    TimeEntry,
)


def ref(stream: str, number: str) -> SourceRef:
    return SourceRef("seed", stream, number)


ITEM = HelpDeskItem(
    ref=ref("ticket", "1001"),
    project_key="NET",
    key="1001",
    title="VPN <drops>",
    type=TicketType.INCIDENT,
    status=TicketStatus.RESOLVED,
    priority="high",
    queue="Helpdesk",
    category="Access",
    requester="user@example.org",
    assignee="alice",
    spent_s=3600,
    created_at=datetime(2026, 1, 5, 8, tzinfo=UTC),
    started_at=datetime(2026, 1, 5, 9, tzinfo=UTC),
    resolved_at=datetime(2026, 1, 6, 10, tzinfo=UTC),
    sla="standard",
    resolve_due_at=datetime(2026, 1, 7, 8, tzinfo=UTC),
    updated_at=datetime(2026, 1, 6, 10, tzinfo=UTC),
    attributes={"cost_code": "CC-7"},
)
ENTRY = TimeEntry(
    ref=ref("time", "1"), item=ITEM.id, person="bob", on=date(2026, 1, 6), duration_s=1200
)


@pytest.fixture
def sandbox() -> Iterator[RequestTrackerSandbox]:
    made = RequestTrackerSandbox()
    made.seed([ITEM, ENTRY])
    made.start()
    yield made
    made.stop()


def connector(sandbox: RequestTrackerSandbox) -> RequestTrackerConnector:
    block = dict(sandbox.configuration())
    assert block.pop("connector") == "request_tracker"
    ((name, value),) = sandbox.environment().items()
    assert block["auth"] == {"token": "${env:" + name + "}"}
    settings = RequestTrackerSettings(**{**block, "auth": {"token": value}})
    return RequestTrackerConnector("desk", settings, Context(Path(), attempts=1, timeout_s=5))


def pull(sandbox: RequestTrackerSandbox) -> tuple[Record, ...]:
    made = connector(sandbox)
    (stream,) = made.streams()
    window = Window(None, datetime.now(UTC))
    raw: list[RawRecord] = []
    for partition in made.partitions(stream, window):
        for page in made.fetch(stream, partition, window):
            raw += page.records
    made.close()
    mapper = compile_mapping(yaml.safe_load(made.mapping_file.read_text()), made.variables())
    return tuple(r for one in raw for r in mapper.apply("desk", "ticket", one).records)


def test_it_is_a_sandbox() -> None:
    made: Sandbox = RequestTrackerSandbox("rt5")
    assert made.seed([]) == 0
    with pytest.raises(ValueError, match="known are rt5"):
        RequestTrackerSandbox("rt3")


def test_what_is_seeded_comes_back_through_the_connector(sandbox: RequestTrackerSandbox) -> None:
    item, *entries = pull(sandbox)
    assert isinstance(item, HelpDeskItem)
    names = (
        "key project_key title type status queue category requester assignee spent_s created_at "
        "started_at resolved_at sla resolve_due_at updated_at"
    ).split()
    assert {n: getattr(item, n) for n in names} == {n: getattr(ITEM, n) for n in names}
    assert item.attributes["cost_code"] == "CC-7"
    told = [(e.person, e.on, e.duration_s) for e in entries if isinstance(e, TimeEntry)]
    # The item says an hour, the entry 20 minutes of it: the rest was noted when it was created.
    assert told == [("sync", date(2026, 1, 5), 2400), ("bob", date(2026, 1, 6), 1200)]


def test_records_of_other_kinds_are_not_taken() -> None:
    project = Project(ref=ref("project", "1"), code="NET", name="Network")
    stray = TimeEntry(
        ref=ref("time", "2"), item="jira:issue:1", person="x", on=date(2026, 1, 1), duration_s=60
    )
    assert RequestTrackerSandbox().seed([project, stray, ITEM, ENTRY]) == 2


def test_a_saved_state_is_served_again(sandbox: RequestTrackerSandbox, tmp_path: Path) -> None:
    sandbox.edit(1001, AddRefersTo="https://example.org/x")
    before = pull(sandbox)
    sandbox.save(tmp_path / "desk.json")
    other = RequestTrackerSandbox()
    other.restore(tmp_path / "desk.json")
    other.start()
    try:
        assert [(r.id, r.updated_at) for r in pull(other)] == [(r.id, r.updated_at) for r in before]
        other.save(tmp_path / "again.json")
    finally:
        other.stop()
    assert (tmp_path / "again.json").read_bytes() == (tmp_path / "desk.json").read_bytes()


def test_a_dump_of_real_tickets_is_served(sandbox: RequestTrackerSandbox, tmp_path: Path) -> None:
    token = next(iter(sandbox.tokens))
    headers = {"Authorization": f"token {token}"}
    params = {
        "query": "id = 1001",
        "fields": "Subject,Status,Queue,Owner,Creator,Requestor,CustomFields,EffectiveId,"
        "TimeWorked,Created,Resolved,LastUpdated,_hyperlinks",
        "fields[Queue]": "Name",
    }
    url = f"{sandbox.base_url}/REST/2.0/tickets"
    (ticket,) = requests.get(url, params=params, headers=headers, timeout=5).json()["items"]
    with lzma.open(tmp_path / "dump.jsonl.xz", "wb") as file:
        file.write(orjson.dumps(ticket) + b"\n")
    other = RequestTrackerSandbox()
    assert other.load(tmp_path) == 1
    other.start()
    try:
        (item, entry) = pull(other)
    finally:
        other.stop()
    assert isinstance(item, HelpDeskItem)
    assert (item.key, item.title, item.project_key) == ("1001", "VPN <drops>", "NET")
    assert isinstance(entry, TimeEntry)
    assert entry.duration_s == 3600


@pytest.mark.parametrize(
    ("fault", "status"), [("500", 500), ("503", 503), ("429", 429), ("401", 401), ("403", 403)]
)
def test_a_fault_is_used_up_by_one_request(
    sandbox: RequestTrackerSandbox, fault: str, status: int
) -> None:
    sandbox.set_faults(Faults(fail_next=(fault,)))
    assert ask(sandbox).status_code == status
    assert ask(sandbox).status_code == 200


def test_refusals_say_how_long_to_wait(sandbox: RequestTrackerSandbox) -> None:
    sandbox.set_faults(Faults(fail_next=("429", "429-date")))
    assert ask(sandbox).headers["Retry-After"] == "1"
    assert ask(sandbox).headers["Retry-After"].endswith("GMT")


def test_html_and_broken_answers_are_not_json(sandbox: RequestTrackerSandbox) -> None:
    sandbox.set_faults(Faults(fail_next=("html", "truncate", "reset", "timeout-before")))
    assert ask(sandbox).text.startswith("<!DOCTYPE html>")
    for _ in range(2):
        with pytest.raises(requests.exceptions.RequestException):
            ask(sandbox)
    with pytest.raises(requests.exceptions.ReadTimeout):
        ask(sandbox, timeout=0.2)


def test_a_lost_answer_leaves_the_act_done(sandbox: RequestTrackerSandbox) -> None:
    sandbox.set_faults(Faults(fail_next=("timeout-after",)))
    with pytest.raises(requests.exceptions.ReadTimeout):
        ask(sandbox, "PUT", "ticket/1001", json={"Subject": "done"}, timeout=0.2)
    assert ask(sandbox, "GET", "ticket/1001").json()["Subject"] == "done"


def test_a_rate_limit_refuses_what_is_too_much(sandbox: RequestTrackerSandbox) -> None:
    sandbox.set_faults(Faults(rate_limit_per_s=2))
    assert [ask(sandbox).status_code for _ in range(3)] == [200, 200, 429]


@pytest.mark.parametrize("login", [("sync", "sandbox-secret"), ("sync", "wrong"), ("nobody", "x")])
def test_a_login_by_password_works_or_is_401(
    sandbox: RequestTrackerSandbox, login: tuple[str, str]
) -> None:
    answer = requests.get(f"{sandbox.base_url}/REST/2.0/rt", auth=login, timeout=5)
    assert answer.status_code == (200 if login[1] == "sandbox-secret" else 401)


def ask(
    sandbox: RequestTrackerSandbox,
    method: str = "GET",
    path: str = "rt",
    timeout: float = 5,
    **options: object,
) -> requests.Response:
    headers = {"Authorization": f"token {next(iter(sandbox.tokens))}"}
    url = f"{sandbox.base_url}/REST/2.0/{path}"
    return requests.request(method, url, headers=headers, timeout=timeout, **options)  # type: ignore[arg-type]
