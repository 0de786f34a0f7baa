"""The connector against the sandbox, in both flavours; every exchange is validated."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import reduce
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from connectors.jira import client
from connectors.jira.connector import JiraConnector
from connectors.jira.settings import JiraSettings
from itpm_sync.connector import Connector, Context, Count, Deletes, Faults, Window
from itpm_sync.errors import ConnectionFailed
from itpm_sync.mapping import Mapper, compile_mapping
from itpm_sync.model import FieldChange, ItemType, Method, Record, TimeEntry, WorkItem, WorkStatus
from itpm_sync.pull import PullResult, PullSource, pull
from itpm_sync.store import Store
from tests.connectors.jira.jira_site import CONTEXT, JiraSite, body, pages, records, stream
from tests.connectors.jira.openapi import assert_valid, missing


def mapper(connector: JiraConnector) -> Mapper:
    text = connector.mapping_file.read_text(encoding="utf-8")
    return compile_mapping(yaml.safe_load(text), connector.variables())


def mapped(connector: JiraConnector, name: str) -> list[Record]:
    apply = mapper(connector).apply
    found = (apply("jira-main", name, r) for r in records(connector, name).values())
    return list(chain.from_iterable(m.records for m in found))


def key_of(site: JiraSite, key: str) -> str:
    return str(site.sandbox.issue(key)["id"])


@pytest.mark.skipif(bool(missing()), reason=missing() or "documents are there")
def test_every_exchange_is_validated(cloud: JiraSite) -> None:
    cloud.sandbox.create_issue("NET", "one")
    list(cloud.connector().check())
    assert assert_valid(cloud.sandbox.requests, "cloud") == len(cloud.sandbox.requests) > 4


# ---- listing and reading ------------------------------------------------------------------------


def test_it_is_a_connector(site: JiraSite) -> None:
    site.sandbox.create_project("NET")
    assert isinstance(site.connector(), Connector)


def test_every_issue_is_read_once_in_partitions_of_a_hundred_that_list_their_ids(
    site: JiraSite,
) -> None:
    for number in range(230):
        site.sandbox.create_issue("NET", f"issue {number}")
    connector = site.connector()

    issues = stream(connector, "issue")
    window = Window(None, datetime.now(UTC))
    partitions = list(connector.partitions(issues, window))

    assert [len(p.ids or ()) for p in partitions] == [100, 100, 30]
    assert len({p.key for p in partitions}) == 3
    found = records(connector, "issue")
    assert {i for p in partitions for i in p.ids or ()} == set(found)
    census = [i for batch in connector.census(issues, "NET") for i in batch]
    assert sorted(census) == sorted(found)
    assert connector.count(issues, "NET") == Count(230, exact=not site.sandbox.cloud)


def test_a_record_names_its_project_its_page_and_its_stamp(site: JiraSite) -> None:
    key = site.sandbox.create_issue("NET", "Replace core switches")

    (record,) = records(site.connector(), "issue").values()

    assert record.source_id == key_of(site, key)
    assert record.scope == "NET"
    assert record.url == f"{site.sandbox.url}/browse/{key}"
    assert record.updated_at == site.sandbox.updated(key)


def test_only_what_changed_is_read_though_the_account_lives_far_from_utc(site: JiraSite) -> None:
    at = datetime.now(UTC).replace(microsecond=0)  # a site whose clock is slow is asked for more
    site.sandbox.freeze(at - timedelta(hours=4))
    site.sandbox.create_issue("NET", "old")
    site.sandbox.freeze(at)
    new = site.sandbox.create_issue("NET", "new")

    for zone in ("Australia/Sydney", "America/Los_Angeles"):
        site.sandbox.state.zone_name = zone
        found = records(site.connector(), "issue", since=at)
        assert [body(r)["key"] for r in found.values()] == [new], zone


def test_an_unknown_time_zone_reads_more_rather_than_less(site: JiraSite) -> None:
    site.sandbox.freeze(datetime(2026, 3, 2, 10, 30, tzinfo=UTC))
    key = site.sandbox.create_issue("NET", "new")
    connector = site.connector()
    connector.variables()
    connector._zone = None

    found = records(connector, "issue", since=datetime(2026, 3, 2, 10, 30, tzinfo=UTC))

    assert [body(r)["key"] for r in found.values()] == [key]


def test_long_histories_and_work_logs_arrive_complete(site: JiraSite) -> None:
    key = site.sandbox.create_issue("NET", "start")
    for number in range(45):
        site.sandbox.edit_issue(key, summary=f"change {number}")
    for number in range(25):
        site.sandbox.add_worklog(key, 600 + number)

    (record,) = records(site.connector(), "issue").values()

    raw = body(record)
    assert [c["toString"] for c in raw["_changes"]] == [f"change {n}" for n in range(45)]
    assert len({c["id"] for c in raw["_changes"]}) == 45
    logs = raw["fields"]["worklog"]["worklogs"]
    assert sorted(w["timeSpentSeconds"] for w in logs) == [600 + n for n in range(25)]


def test_histories_of_many_long_issues_cost_one_request(cloud: JiraSite) -> None:
    for number in range(3):
        key = cloud.sandbox.create_issue("NET", f"issue {number}")
        for change in range(42):
            cloud.sandbox.edit_issue(key, summary=f"{number}/{change}")

    assert len(records(cloud.connector(), "issue")) == 3
    assert len(cloud.sent("POST", "/changelog/bulkfetch")) == 1


def test_work_logs_and_history_are_not_asked_for_if_switched_off(site: JiraSite) -> None:
    key = site.sandbox.create_issue("NET", "issue")
    site.sandbox.add_worklog(key, 600)
    site.sandbox.edit_issue(key, summary="other")

    (record,) = records(site.connector(worklogs=False, changelog=False), "issue").values()

    assert "_changes" not in body(record)
    assert "worklog" not in body(record)["fields"]


def test_an_issue_that_vanishes_between_listing_and_reading_is_reported_not_dropped(
    site: JiraSite,
) -> None:
    keys = [site.sandbox.create_issue("NET", f"issue {n}") for n in range(3)]
    gone = key_of(site, keys[1])
    connector = site.connector()
    issues = stream(connector, "issue")
    window = Window(None, datetime.now(UTC))
    (partition,) = connector.partitions(issues, window)
    site.sandbox.delete_issue(keys[1])

    (page,) = connector.fetch(issues, partition, window)

    assert [body(r)["key"] for r in page.records] == [keys[0], keys[2]]
    assert [(e.value, e.place) for e in page.rejected] == [(gone, "project NET")]


@pytest.mark.parametrize(
    "odd",
    [
        {"fields": ["no", "object"]},
        {"fields": {"worklog": {"total": "many"}}},
        {"changelog": {"histories": ["none"]}},
        {"nested": reduce(lambda inner, _: [inner], range(300), [])},  # as deep as a page is read
    ],
)
def test_an_issue_of_another_shape_is_rejected_and_the_rest_goes_on(
    site: JiraSite, monkeypatch: pytest.MonkeyPatch, odd: dict[str, Any]
) -> None:
    bad, good = (key_of(site, site.sandbox.create_issue("NET", "issue")) for _ in range(2))
    asked = client.JiraClient.issues

    def issues(*args: Any, **options: Any) -> Any:
        found, failed = asked(*args, **options)
        found[bad] |= odd
        return found, failed

    monkeypatch.setattr(client.JiraClient, "issues", issues)
    (page,) = pages(site.connector(), "issue")

    assert [r.source_id for r in page.records] == [good]
    assert [e.source_id for e in page.rejected] == [bad]


def test_a_moved_issue_keeps_its_id_and_says_where_it_is_now(site: JiraSite) -> None:
    key = site.sandbox.create_issue("NET", "wanders")
    ident = key_of(site, key)
    connector = site.connector()
    issues = stream(connector, "issue")
    window = Window(None, datetime.now(UTC))
    (partition,) = connector.partitions(issues, window)
    new_key = site.sandbox.move_issue(key, "OPS")

    (page,) = connector.fetch(issues, partition, window)

    (record,) = page.records
    assert (record.source_id, record.scope) == (ident, "OPS")
    assert body(record)["key"] == new_key


def test_a_project_beyond_the_result_window_is_cut_by_date_of_creation(
    datacenter: JiraSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "_PART", 10)
    start = datetime(2026, 1, 5, tzinfo=UTC)
    for number in range(45):
        datacenter.sandbox.freeze(start + timedelta(hours=number if number < 30 else 40))
        datacenter.sandbox.create_issue("NET", f"issue {number}")
    connector = datacenter.connector()

    with pytest.raises(ConnectionFailed, match="issues were created in the minute 2026-01-07"):
        list(connector.census(stream(connector, "issue"), "NET"))

    monkeypatch.setattr(client, "_PART", 15)
    census = [i for b in connector.census(stream(connector, "issue"), "NET") for i in b]
    assert len(census) == len(set(census)) == 45


def test_a_deletion_while_the_list_is_read_by_offset_skips_nobody(
    datacenter: JiraSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "_OFFSET_PAGE", 10)
    keys = [datacenter.sandbox.create_issue("NET", f"issue {n}") for n in range(30)]
    ids = [key_of(datacenter, k) for k in keys]
    connector = datacenter.connector()

    listing = connector.census(stream(connector, "issue"), "NET")
    found = list(next(listing))
    for key in keys[:5]:
        datacenter.sandbox.delete_issue(key)
    found += [i for batch in listing for i in batch]

    assert len(found) == len(set(found))
    assert set(ids[5:]) <= set(found)


def test_scopes_are_read_apart(site: JiraSite) -> None:
    site.sandbox.create_issue("NET", "one")
    site.sandbox.create_issue("OPS", "two")
    connector = site.connector()
    issues = stream(connector, "issue")

    assert issues.scopes == ("NET", "OPS")
    assert connector.count(issues, "OPS") == Count(1, exact=not site.sandbox.cloud)
    assert [r.scope for p in pages(connector, "issue", scopes=["OPS"]) for r in p.records] == [
        "OPS"
    ]


def test_a_project_that_cannot_be_seen_is_an_error_not_an_empty_success(site: JiraSite) -> None:
    site.sandbox.create_issue("NET", "one")
    site.sandbox.create_project("DARK")
    connector = site.connector()
    site.sandbox.hide_project("DARK")

    for name in ("project", "issue", "version"):
        with pytest.raises(ConnectionFailed, match="project DARK cannot be read"):
            pages(connector, name, scopes=["DARK"])


def test_streams_say_how_absence_is_noticed(site: JiraSite) -> None:
    site.sandbox.create_project("NET")
    deletes = {s.name: s.deletes for s in site.connector().streams()}
    assert deletes == {
        "project": Deletes.WHOLE,
        "issue": Deletes.CENSUS,
        "version": Deletes.WHOLE,
        "sprint": Deletes.CENSUS,
    }
    assert "sprint" not in {s.name for s in site.connector(sprints=False).streams()}


# ---- faults ------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["500", "truncate", "reset", "503"])
def test_a_passing_fault_costs_nothing_but_time(site: JiraSite, fault: str) -> None:
    site.sandbox.create_issue("NET", "one")
    connector = site.connector()
    connector.variables()
    waits: list[float] = []
    connector._http._sleep = waits.append
    site.sandbox.set_faults(Faults(fail_next=(fault,)))

    assert len(records(connector, "issue")) == 1
    assert len(waits) == 1
    assert waits[0] >= (1.0 if fault == "503" else 0.5)  # as the source wishes, else our own


def test_a_web_page_instead_of_an_answer_is_one_clear_line(site: JiraSite) -> None:
    site.sandbox.create_issue("NET", "one")
    connector = site.connector()
    site.sandbox.set_faults(Faults(fail_next=("html",)))

    with pytest.raises(ConnectionFailed, match="a web page instead of JSON"):
        connector.variables()
    site.sandbox.requests.clear()  # that answer was never meant to be valid


# ---- mapping ------------------------------------------------------------------------------------


def test_an_issue_becomes_a_work_item_with_its_time_and_history(site: JiraSite) -> None:
    sandbox = site.sandbox
    sandbox.create_issue("NET", "Goal", issuetype="Epic")
    key = sandbox.create_issue(
        "NET", "Replace <b>switches</b>", issuetype="Bug", components=["Core"],
        labels=["urgent"], fixVersions=["1.0"], duedate="2026-05-01",
        **{"Story Points": 5, "Cost Code": "CC-7"},
    )  # fmt: skip
    sandbox.edit_issue(key, status="Done")
    sandbox.add_worklog(key, 5400, author="Ann Other", started="2026-03-01T23:30:00.000+0100")

    found = mapped(site.connector(), "issue")

    item = next(r for r in found if isinstance(r, WorkItem) and r.key == key)
    assert item.title == "Replace <b>switches</b>"
    assert (item.type, item.source_type) == (ItemType.DEFECT, "Bug")
    assert (item.status, item.source_status) == (WorkStatus.DONE, "Done")
    assert item.project_key == "NET"
    assert item.points == 5
    assert item.attributes == {"cost_code": "CC-7"}
    assert (item.components, item.labels, item.versions) == (("Core",), ("urgent",), ("1.0",))
    assert item.due is not None
    assert item.due.isoformat() == "2026-05-01"
    entry = next(r for r in found if isinstance(r, TimeEntry))
    assert (entry.item, entry.person, entry.duration_s) == (item.id, "Ann Other", 5400)
    assert entry.started_at == datetime(2026, 3, 1, 22, 30, tzinfo=UTC)
    changes = [r for r in found if isinstance(r, FieldChange) and r.item == item.id]
    status = next(c for c in changes if c.field_name == "status")
    assert (status.before, status.after, status.author) == ("To Do", "Done", "Somebody Else")


def test_a_cancelled_issue_is_not_counted_as_done(site: JiraSite) -> None:
    key = site.sandbox.create_issue("NET", "never mind")
    site.sandbox.edit_issue(key, status="Cancelled")

    (item,) = (r for r in mapped(site.connector(), "issue") if isinstance(r, WorkItem))

    assert item.status is WorkStatus.CANCELLED


def test_a_fix_version_is_a_work_package_and_is_finished_once_released(site: JiraSite) -> None:
    site.sandbox.create_issue("NET", "x", fixVersions=["1.0", "2.0"])
    one, two = site.sandbox.state.projects["NET"]["versions"]
    one |= {"released": True, "startDate": "2026-01-01", "releaseDate": "2026-02-01"}
    two |= {"released": False, "releaseDate": "2026-06-01"}

    packages = {r.code: r for r in mapped(site.connector(), "version")}  # type: ignore[attr-defined]

    first, second = packages["1.0"], packages["2.0"]
    assert (str(first.planned_start), str(first.planned_finish)) == ("2026-01-01", "2026-02-01")
    assert str(first.actual_finish) == "2026-02-01"
    assert (str(second.planned_finish), second.actual_finish) == ("2026-06-01", None)
    assert {p.project_key for p in packages.values()} == {"NET"}
    assert first.method is Method.ITEMS


def test_the_project_itself_is_read(site: JiraSite) -> None:
    site.sandbox.create_project("NET", "Network refresh")

    (project,) = mapped(site.connector(), "project")

    assert (project.code, project.name) == ("NET", "Network refresh")  # type: ignore[attr-defined]


# ---- check --------------------------------------------------------------------------------------


def test_check_tells_who_we_are_and_that_all_is_well(site: JiraSite) -> None:
    site.sandbox.create_issue("NET", "one")

    items = {i.name: i for i in site.connector().check()}

    assert all(i.ok for i in items.values())
    assert "itpm-sync@example.com" in items["login"].detail
    assert items["time zone"].detail == "Australia/Sydney"
    assert "points = customfield_10016" in items["fields"].detail
    assert items["project NET"].detail == "NET: 1 issues"
    assert items["publishing in NET"].detail == "permitted"


def test_check_says_what_is_wrong_and_goes_on(site: JiraSite) -> None:
    for key in ("NET", "DARK"):
        site.sandbox.create_issue(key, "one")
    connector = site.connector(fields={"points": "Storey Points"})
    site.sandbox.hide_project("DARK")
    site.sandbox.deny("ADD_COMMENTS")
    site.sandbox.advance(3600)

    items = {i.name: i for i in connector.check()}

    assert [n for n, i in items.items() if not i.ok] == ["clock", "fields", "project DARK"]
    assert "NTP" in items["clock"].advice
    assert 'did you mean "Story Points"?' in items["fields"].detail
    assert "Browse Projects" in items["project DARK"].advice
    assert items["publishing in NET"].detail == "lacks ADD_COMMENTS"
    assert "publishing in DARK" not in items  # nobody knows what the account may there


def test_a_refused_login_gives_advice_for_the_flavour(site: JiraSite) -> None:
    site.sandbox.create_project("NET")
    auth = {"token": "wrong-token"} | ({"email": "a@b.c"} if site.sandbox.cloud else {})

    (item,) = site.connector(auth=auth).check()

    assert not item.ok
    assert "refused the login (401)" in item.detail
    wanted = "id.atlassian.com" if site.sandbox.cloud else "Personal Access Tokens"
    assert wanted in item.advice
    assert "wrong-token" not in f"{item}"


def test_an_unreachable_server_is_one_clear_line() -> None:
    settings = JiraSettings.model_validate(
        {"url": "http://127.0.0.1:9", "flavor": "datacenter", "auth": {"token": "secret-token"},
         "projects": ["NET"]}
    )  # fmt: skip
    connector = JiraConnector("jira", settings, Context(CONTEXT.base_dir, attempts=1))

    (item,) = connector.check()

    assert not item.ok
    assert "gave up after 1 attempts" in item.detail


def test_two_fields_of_one_name_are_told_apart_by_their_ids(site: JiraSite) -> None:
    site.sandbox.create_issue("NET", "one")
    second = site.sandbox.add_field("story points", "number")

    with pytest.raises(ConnectionFailed, match="several fields") as caught:
        site.connector().variables()
    assert "customfield_10016 (number)" in str(caught.value)
    assert second in str(caught.value)

    chosen = site.connector(fields={"points": second})
    assert chosen.variables()["points"] == second


# ---- settings -----------------------------------------------------------------------------------


GOOD = {"url": "https://a.example", "flavor": "cloud", "projects": ["NET"],
        "auth": {"email": "a@b.c", "token": "x"}}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"projects": []}, "at least 1 item"),
        ({"projects": ["net"]}, "should match pattern"),
        ({"projects": ['NET" OR 1=1']}, "should match pattern"),
        ({"projects": ["NET", "NET"]}, "NET is listed more than once"),
        ({"auth": {"token": "x"}}, "flavor cloud needs {email, token}, found token"),
        ({"auth": {}}, "found nothing"),
        ({"flavor": "datacenter"}, "needs {token} or {password, user}, found email, token"),
        ({"url": "ftp://a.example"}, "should match pattern"),
        ({"fields": {"Story-Points": "x"}}, "should match pattern"),
        ({"boards": True}, "Extra inputs are not permitted"),
    ],
)
def test_wrong_settings_say_what_is_expected(change: dict[str, object], message: str) -> None:
    JiraSettings.model_validate(GOOD)
    with pytest.raises(ValidationError) as caught:
        JiraSettings.model_validate(GOOD | change)
    assert message in str(caught.value)


def test_secrets_stand_in_no_repr() -> None:
    settings = JiraSettings.model_validate(
        GOOD | {"auth": {"email": "a@b.c", "token": "very-secret-token"}}
    )
    connector = JiraConnector("jira", settings, CONTEXT)
    assert "very-secret-token" not in f"{settings!r} {connector._http!r} {connector!r}"


def test_a_ca_bundle_is_found_beside_the_configuration(cloud: JiraSite) -> None:
    cloud.sandbox.create_project("NET")
    with pytest.raises(ConnectionFailed, match=r"no CA bundle ca\.pem is there — correct `verify`"):
        cloud.connector(verify="ca.pem")


def test_a_change_at_a_site_whose_clock_is_slow_is_not_missed(site: JiraSite) -> None:
    site.sandbox.advance(-1800)  # the site's clock is half an hour behind ours
    key = site.sandbox.create_issue("NET", "one")
    checkpoint = datetime.now(UTC)
    site.sandbox.edit_issue(key, summary="two")

    found = records(site.connector(), "issue", since=checkpoint - timedelta(minutes=10))

    assert set(found) == {key_of(site, key)}


def test_a_project_that_is_no_longer_configured_is_no_longer_there(
    site: JiraSite, tmp_path: Path
) -> None:
    for key in ("NET", "OPS"):
        site.sandbox.create_project(key)
        site.sandbox.create_issue(key, "one")
    with Store.open(f"sqlite:///{tmp_path}/itpm.db") as store:
        assert _pulled(store, site.connector()).state == "ok"
        assert {p.code for p in store.records("project")} == {"NET", "OPS"}  # type: ignore[attr-defined]
        _pulled(store, site.connector(projects=["NET"]))
        assert {p.code for p in store.records("project")} == {"NET"}  # type: ignore[attr-defined]


def test_a_field_that_is_configured_later_is_read_for_unchanged_issues_too(
    site: JiraSite, tmp_path: Path
) -> None:
    key = site.sandbox.create_issue("NET", "one")
    site.sandbox.add_worklog(key, 3600)
    an_hour = timedelta(hours=1)
    with Store.open(f"sqlite:///{tmp_path}/itpm.db") as store:
        without = site.connector(worklogs=False)
        _pulled(store, without, now=datetime.now(UTC) + an_hour)
        assert not list(store.records("time_entry"))
        for hours, entries in ((2, 1), (3, 1)):
            _pulled(store, site.connector(), now=datetime.now(UTC) + hours * an_hour)
            assert len(list(store.records("time_entry"))) == entries


def _pulled(store: Store, connector: JiraConnector, now: datetime | None = None) -> PullResult:
    moment = now or datetime.now(UTC)
    run = store.begin_run("pull", moment)
    source = PullSource(connector.name, lambda _known: (connector, mapper(connector)))
    return pull(store, [source], run=run, now=moment)
