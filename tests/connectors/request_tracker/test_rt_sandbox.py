"""The sandbox as a Sandbox: seeding, saving, loading dumps, going wrong on request.

That it behaves as RT does is the matter of tests/systems/request_tracker.
"""

from __future__ import annotations

import lzma
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import orjson
import pytest
import requests
import yaml

from connectors.request_tracker.connector import RequestTrackerConnector, RequestTrackerSettings
from connectors.request_tracker.sandbox import RequestTrackerSandbox
from itpm_sync import demo
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


def worked(sandbox: RequestTrackerSandbox) -> dict[tuple[str, str], int]:
    """Minutes by ticket and person, as the connector tells them."""
    minutes: Counter[tuple[str, str]] = Counter()
    for record in pull(sandbox):
        if isinstance(record, TimeEntry):
            minutes[record.item, record.person] += record.duration_s // 60
    return dict(minutes)


TICKET = "desk:ticket:1001"


def test_the_same_records_again_change_nothing(sandbox: RequestTrackerSandbox) -> None:
    before = orjson.dumps(sandbox.desk.dump())
    assert sandbox.seed([ENTRY, ITEM]) == 2
    assert orjson.dumps(sandbox.desk.dump()) == before


def test_a_changed_item_is_an_edit_of_the_same_ticket_made_now() -> None:
    sandbox = RequestTrackerSandbox()
    resolved = ITEM.resolved_at
    opened = replace(ITEM, status=TicketStatus.OPEN, resolved_at=None)
    sandbox.clock = lambda: datetime(2026, 1, 8, 7, tzinfo=UTC)
    sandbox.seed([opened])
    sandbox.seed([replace(
        ITEM, title="VPN", requester="new@example.org", category="Network",
        attributes={}, resolve_due_at=datetime(2026, 1, 9, tzinfo=UTC),
    )])  # fmt: skip
    sandbox.start()
    try:
        (item, _) = pull(sandbox)
    finally:
        sandbox.stop()
    assert isinstance(item, HelpDeskItem)
    assert (item.ref.source_id, item.status, item.resolved_at) == (
        "1001", TicketStatus.RESOLVED, resolved,
    )  # fmt: skip
    assert (item.title, item.requester, item.category) == ("VPN", "new@example.org", "Network")
    assert item.attributes.get("cost_code", "") == ""
    assert item.resolve_due_at == datetime(2026, 1, 9, tzinfo=UTC)
    assert item.updated_at == datetime(2026, 1, 8, 7, tzinfo=UTC)
    changes = {(t.field, t.old, t.new, t.creator) for t in sandbox.desk.history if t.old}
    assert ("Status", "open", "resolved", "alice") in changes
    assert ("Subject", "VPN <drops>", "VPN", "alice") in changes


@pytest.mark.parametrize("parts", [[[ENTRY, ITEM]], [[ITEM], [ENTRY]], [[ITEM, ENTRY], [ITEM]]])
def test_time_belongs_to_its_person_whatever_the_order(parts: list[list[Record]]) -> None:
    made = RequestTrackerSandbox()
    for part in parts:
        assert made.seed(part) == len(part)
    made.start()
    try:
        assert worked(made) == {(TICKET, "sync"): 40, (TICKET, "bob"): 20}
        # Bob corrects his line, then somebody explains the rest of the hour.
        made.seed([replace(ENTRY, duration_s=1800)])
        assert worked(made) == {(TICKET, "sync"): 30, (TICKET, "bob"): 30}
        made.seed([replace(ENTRY, ref=ref("time", "9"), person="Ana Ruiz", duration_s=1800)])
        assert worked(made) == {(TICKET, "bob"): 30, (TICKET, "Ana Ruiz"): 30}
        made.seed([replace(ENTRY, duration_s=3600)])
        assert worked(made) == {(TICKET, "bob"): 60, (TICKET, "Ana Ruiz"): 30}
    finally:
        made.stop()


def test_time_on_an_older_ticket_is_news_to_an_incremental_read(
    sandbox: RequestTrackerSandbox,
) -> None:
    sandbox.clock = lambda: datetime(2026, 2, 1, 8, tzinfo=UTC)
    sandbox.seed([replace(ENTRY, ref=ref("time", "2"), person="carol")])
    item = next(r for r in pull(sandbox) if isinstance(r, HelpDeskItem))
    assert item.updated_at == datetime(2026, 2, 1, 8, tzinfo=UTC)


def test_time_moves_with_its_entry_to_another_ticket(sandbox: RequestTrackerSandbox) -> None:
    other = replace(ITEM, ref=ref("ticket", "1002"), key="1002", spent_s=None)
    sandbox.seed([other, replace(ENTRY, item=other.id)])
    assert worked(sandbox) == {(TICKET, "sync"): 60, ("desk:ticket:1002", "bob"): 20}


def test_the_demos_desk_is_seeded_once_and_its_time_is_the_peoples(tmp_path: Path) -> None:
    world = demo.programme(date(2026, 11, 20))
    desk = {r.id: r for r in world.records if isinstance(r, HelpDeskItem)}
    entries = [r for r in world.records if isinstance(r, TimeEntry) and r.item in desk]
    sandbox = RequestTrackerSandbox()
    assert sandbox.seed(world.records) == len(desk) + len(entries)
    sandbox.save(tmp_path / "desk.json")
    later = RequestTrackerSandbox()
    later.restore(tmp_path / "desk.json")
    assert later.seed(reversed(world.records)) == len(desk) + len(entries)
    later.save(tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == (tmp_path / "desk.json").read_bytes()
    assert len(later.desk.tickets) == len(desk)

    expected: Counter[str] = Counter()
    for entry in entries:
        expected[entry.person] += entry.duration_s // 60
    taken: Counter[str] = Counter()
    for line in later.desk.history:
        taken[line.creator] += line.taken
    minutes = sum(int(t.values["TimeWorked"]) for t in later.desk.tickets.values())
    assert {p: m for p, m in taken.items() if m} == {p: m for p, m in expected.items() if m}
    assert minutes == expected.total()


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
