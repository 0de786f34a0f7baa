"""Publishing to the sandbox, in both flavours; every exchange is valid by the vendor's API."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, ClassVar

import orjson
import pytest
import responses
from hypothesis import given
from hypothesis import strategies as st

from connectors.jira.client import JiraClient
from connectors.jira.publish import FOOTER, SCHEMA, JiraPublisher, adf, canonical, escaped, wiki
from itpm_sync.connector import (
    Context,
    Faults,
    FigureValue,
    Observed,
    Publisher,
    StatusMessage,
    Target,
)
from itpm_sync.errors import NotFound, PreconditionFailed, RequestRejected
from itpm_sync.http import HttpClient
from itpm_sync.publish import Action, Entry
from itpm_sync.publish import publish as run_publish
from tests.connectors.jira.jira_site import CONTEXT, JiraSite

HOSTILE = "{code} *bold* [~admin] !x.png! | h1. <b>&amp;</b> \\ (x)\nnext line"
MESSAGE = StatusMessage(
    project="NET", name="Network refresh", data_date=date(2026, 3, 6), rating="amber",
    reason="Cost is 12 % over plan", previous_rating="green",
    ratings=(("cost", "red", "CPI 0.89"), ("time", "green", "")),
    figures=(("CPI", "0.89"), ("EAC", "n/a (nothing earned yet)")),
    findings=("Contract C-7 lapses in 20 days", HOSTILE), findings_total=14,
    report_url="https://reports.example/net.html",
    values=(
        FigureValue(name="ac", label="Actual cost", value="1234.50", unit="EUR",
                    text="EUR 1,234.50"),
        FigureValue(name="eac", label="EAC", value=None, unit="EUR",
                    text="n/a (nothing earned yet)"),
    ),
)  # fmt: skip
SPARSE = replace(
    MESSAGE, name="", reason="", previous_rating=None, ratings=(("", "", ""),), figures=(),
    findings=(), findings_total=0,
)  # fmt: skip
MARK = "itpm-sync:NET"
FIELDS = JiraPublisher.fields


@pytest.fixture
def site(site: JiraSite) -> JiraSite:
    site.sandbox.create_issue("NET", "Status of the network refresh")
    return site


def publisher(site: JiraSite, context: Context = CONTEXT) -> JiraPublisher:
    made = site.connector(context).publisher()
    assert isinstance(made, JiraPublisher)
    return made


def target(field: str, address: str = "NET-1") -> Target:
    return Target("jira-main", "NET", address, field)


def publish(to: JiraPublisher, field: str, message: StatusMessage = MESSAGE) -> Observed:
    current = to.observe(target(field), MARK, None)
    return to.write(target(field), to.render(target(field), message), MARK, current)


def comments(site: JiraSite) -> list[dict[str, Any]]:
    return list(site.sandbox.issue("NET-1")["fields"]["comment"]["comments"])


# ---- what all fields promise -------------------------------------------------------------------


@pytest.mark.parametrize("field", FIELDS)
def test_nothing_is_there_before_we_write(site: JiraSite, field: str) -> None:
    assert publisher(site).observe(target(field), MARK, None).content is None


@pytest.mark.parametrize("field", FIELDS)
def test_what_was_written_is_observed_the_same_by_id_and_by_mark(
    site: JiraSite, field: str
) -> None:
    to = publisher(site)
    written = publish(to, field)

    assert written.content
    assert written.remote_id
    assert to.observe(target(field), MARK, written.remote_id) == written
    assert publisher(site).observe(target(field), MARK, None) == written


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("message", [MESSAGE, SPARSE], ids=["full", "sparse"])
def test_what_stands_there_is_observed_as_it_was_rendered(
    site: JiraSite, field: str, message: StatusMessage
) -> None:
    to = publisher(site)
    assert publish(to, field, message).content == to.render(target(field), message)


@dataclass
class Losing:
    """A publisher whose writes act, and whose answers are lost."""

    site: JiraSite
    fields: ClassVar[tuple[str, ...]] = FIELDS

    def __post_init__(self) -> None:
        to = publisher(self.site)
        self.render, self.observe = to.render, to.observe
        self.validate_address = to.validate_address

    def write(self, target: Target, content: str, mark: str, current: Observed) -> Observed:
        hasty = publisher(self.site, replace(CONTEXT, timeout_s=0.2, attempts=1))
        http = hasty._client.http
        ask = http.request

        def request(method: str, path: str, **options: Any) -> Any:
            if method != "GET":
                self.site.sandbox.set_faults(Faults(fail_next=("timeout-after",)))
            return ask(method, path, **options)

        http.request = request  # type: ignore[method-assign]
        try:
            return hasty.write(target, content, mark, current)
        finally:
            self.site.sandbox.set_faults(Faults())


class Box(dict[str, Entry]):
    """An outbox that outlives the runs."""

    def instance(self) -> str:
        return "store-1"

    def outbox_entry(self, target: Target) -> Entry | None:
        return self.get(target.id)

    def put_outbox_entry(self, entry: Entry) -> None:
        self[entry.target.id] = entry


@pytest.mark.parametrize("field", FIELDS)
def test_a_write_whose_answer_was_lost_is_recognised_as_ours(site: JiraSite, field: str) -> None:
    to, losing, box = publisher(site), Losing(site), Box()

    def run(by: Publisher, reason: str) -> Action:
        destination = (target(field), by, replace(MESSAGE, reason=reason))
        (step,) = run_publish([destination], box, clock=lambda: datetime.now(UTC)).steps
        return step.action

    def writes() -> int:
        return len([e for e in site.sandbox.requests if e.method in ("POST", "PUT")])

    assert run(losing, "first week") is Action.FAILED
    assert run(to, "first week") is Action.ADOPT
    assert run(losing, "second week") is Action.FAILED
    assert run(to, "second week") is Action.ADOPT
    assert writes() == 2
    assert run(to, "second week") is Action.SKIP
    assert run(to, "third week") is Action.UPDATE

    document = site.sandbox.issue("NET-1")
    objects = {
        "comment": document["fields"]["comment"]["comments"],
        "remote_link": document["remotelinks"],
        "property": list(document["properties"]),
    }
    assert {name: len(found) for name, found in objects.items() if found} == {field: 1}
    assert "third week" in str(document)


@pytest.mark.parametrize("field", FIELDS)
def test_a_second_status_replaces_the_first(site: JiraSite, field: str) -> None:
    to = publisher(site)
    first = publish(to, field)
    second = publish(to, field, replace(MESSAGE, reason="Back on track", rating="green"))

    assert second.content != first.content
    assert second.remote_id == first.remote_id
    assert to.observe(target(field), MARK, None) == second


@pytest.mark.parametrize("field", FIELDS)
def test_writing_the_same_again_changes_nothing(site: JiraSite, field: str) -> None:
    to = publisher(site)
    assert publish(to, field) == publish(to, field)


@pytest.mark.parametrize("field", ["remote_link", "comment"])
def test_another_projects_mark_on_the_same_issue_is_not_ours(site: JiraSite, field: str) -> None:
    to = publisher(site)
    publish(to, field)
    assert to.observe(target(field), "itpm-sync:OPS", None) == Observed(None)


@pytest.mark.parametrize("field", FIELDS)
def test_an_issue_that_is_gone_is_not_found(site: JiraSite, field: str) -> None:
    to = publisher(site)
    with pytest.raises(NotFound):
        to.observe(target(field, "NET-99"), MARK, None)
    written = publish(to, field)
    site.sandbox.delete_issue("NET-1")
    with pytest.raises(NotFound):
        to.observe(target(field), MARK, written.remote_id)


@pytest.mark.parametrize("field", FIELDS)
def test_rendering_is_pure_and_sends_nothing(site: JiraSite, field: str) -> None:
    to = publisher(site)
    assert to.render(target(field), MESSAGE) == to.render(target(field), replace(MESSAGE))
    assert site.sandbox.requests == []


@pytest.mark.parametrize(
    ("field", "permission"),
    [("property", "EDIT_ISSUES"), ("remote_link", "LINK_ISSUES"), ("comment", "ADD_COMMENTS")],
)
def test_a_lacking_permission_is_said(site: JiraSite, field: str, permission: str) -> None:
    site.sandbox.deny(permission)
    with pytest.raises(RequestRejected):
        publish(publisher(site), field)


@pytest.mark.parametrize(
    "address", ["net-1", "NET", "NET-0", "../myself", "NET-1/x", "", "NET-1\n"]
)
def test_an_address_must_be_a_key_or_an_id(address: str) -> None:
    to = JiraPublisher(JiraClient(HttpClient("http://127.0.0.1:9"), cloud=True))
    assert "neither an issue key such as NET-12" in (to.validate_address(address) or "")
    assert to.validate_address("NET-12") is None
    assert to.validate_address("10042") is None


# ---- property ----------------------------------------------------------------------------------


def test_the_property_is_json_that_others_can_read(site: JiraSite) -> None:
    publish(publisher(site), "property")

    value = site.sandbox.issue("NET-1")["properties"]["itpm-sync.status"]

    assert (value["rating"], value["data_date"], value["mark"]) == ("amber", "2026-03-06", MARK)
    assert value["version"] == SCHEMA == 2
    assert value["figures"] == {
        "ac": {"label": "Actual cost", "value": "1234.50", "unit": "EUR", "text": "EUR 1,234.50"},
        "eac": {"label": "EAC", "value": None, "unit": "EUR", "text": "n/a (nothing earned yet)"},
    }


def test_a_property_of_the_first_version_is_replaced_by_the_next_run(
    site: JiraSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    box, to = Box(), publisher(site)

    def action() -> Action:
        destination = (target("property"), to, MESSAGE)
        (step,) = run_publish([destination], box, clock=lambda: datetime.now(UTC)).steps
        return step.action

    first = {"data_date": "2026-03-06", "figures": {"EAC": "EUR 9.00"}, "project": "NET"}
    with monkeypatch.context() as before:
        before.setattr(JiraPublisher, "render", lambda *_: orjson.dumps(first).decode())
        assert action() is Action.CREATE
    assert action() is Action.UPDATE
    assert site.sandbox.issue("NET-1")["properties"]["itpm-sync.status"]["version"] == 2
    assert action() is Action.SKIP


def test_the_readme_describes_every_key_of_the_property(site: JiraSite) -> None:
    publish(publisher(site), "property")
    value = site.sandbox.issue("NET-1")["properties"]["itpm-sync.status"]
    readme = (Path(__file__).parents[3] / "connectors/jira/README.md").read_text(encoding="utf-8")
    told = readme.partition("### The property")[2].partition("\n## ")[0]
    assert f"Version {SCHEMA}" in told
    for key in (*value, *value["figures"]["ac"], *value["ratings"][0]):
        assert f"`{key}`" in told, key


def test_a_long_property_keeps_within_jiras_limit(site: JiraSite) -> None:
    long = replace(MESSAGE, findings=tuple(f"{n} {'ü' * 290}" for n in range(300)))
    content = publish(publisher(site), "property", long).content

    assert content is not None
    assert 20_000 < len(content) <= 32_768 - len(MARK)
    assert orjson.loads(content)["findings_total"] == 14


def test_two_projects_do_not_overwrite_each_others_property(site: JiraSite) -> None:
    to = publisher(site)
    publish(to, "property")
    with pytest.raises(PreconditionFailed, match="publish each project on an issue of its own"):
        to.observe(Target("jira-main", "OPS", "NET-1", "property"), "itpm-sync:OPS", None)


def test_a_property_of_the_same_project_from_an_earlier_store_can_be_updated(
    site: JiraSite,
) -> None:
    to = publisher(site)
    publish(to, "property")
    seen = to.observe(target("property"), "itpm-sync:another-store", None)
    assert seen.content is not None


def test_an_edited_property_is_seen(site: JiraSite) -> None:
    to = publisher(site)
    before = publish(to, "property")

    def edit(document: dict[str, Any]) -> None:
        document["properties"]["itpm-sync.status"]["rating"] = "green"

    site.sandbox.state.amend(site.sandbox._issue("NET-1"), edit)
    assert to.observe(target("property"), MARK, None).content != before.content


# ---- remote link -------------------------------------------------------------------------------


def test_the_remote_link_names_rating_and_day_and_carries_the_mark(site: JiraSite) -> None:
    publish(publisher(site), "remote_link")

    (link,) = site.sandbox.issue("NET-1")["remotelinks"]

    assert link["globalId"] == MARK
    assert link["object"]["url"] == "https://reports.example/net.html"
    assert link["object"]["title"] == "Status of Network refresh: AMBER on 2026-03-06"
    assert link["object"]["status"] == {"resolved": False}


def test_the_link_goes_when_there_is_no_report_any_more(site: JiraSite) -> None:
    to = publisher(site)
    written = publish(to, "remote_link")

    assert to.write(target("remote_link"), "", MARK, written) == Observed(None)

    assert site.sandbox.issue("NET-1")["remotelinks"] == []
    assert to.write(target("remote_link"), "", MARK, written) == Observed(None)


@pytest.mark.parametrize("url", [None, "", "javascript:alert(1)", "file:///etc/passwd"])
def test_without_a_web_address_of_the_report_no_link_is_wanted(
    site: JiraSite, url: str | None
) -> None:
    to = publisher(site)
    message = replace(MESSAGE, report_url=url)
    assert to.render(target("remote_link"), message) == ""
    assert to.write(target("remote_link"), "", MARK, Observed(None)) == Observed(None)
    assert site.sandbox.requests == []
    assert "javascript" not in to.render(target("comment"), message)


def test_a_mark_too_long_for_jira_still_finds_its_link(site: JiraSite) -> None:
    to, mark = publisher(site), "m" * 400
    content = to.render(target("remote_link"), MESSAGE)
    written = to.write(target("remote_link"), content, mark, Observed(None))
    assert to.observe(target("remote_link"), mark, None) == written


# ---- comment -----------------------------------------------------------------------------------


def test_the_comment_is_created_with_its_mark_and_hidden_from_customers(site: JiraSite) -> None:
    publish(publisher(site), "comment")

    (comment,) = comments(site)

    assert {p["key"]: p["value"] for p in comment["properties"]} == {
        "itpm-sync.mark": {"mark": MARK},
        "sd.public.comment": {"internal": True},
    }
    assert len(site.sent("POST", "/comment")) == 1


def test_later_weeks_change_the_comment_instead_of_adding_one(site: JiraSite) -> None:
    to = publisher(site)
    publish(to, "comment")
    publish(to, "comment", replace(MESSAGE, reason="Another week"))

    (comment,) = comments(site)
    assert "Another week" in str(comment["body"])
    assert comment["properties"][0]["value"] == {"mark": MARK}


def test_our_comment_is_found_among_many_others(site: JiraSite) -> None:
    for number in range(120):
        site.sandbox.add_comment("NET-1", f"talk {number}")
    to = publisher(site)
    written = publish(to, "comment")
    for number in range(5):
        site.sandbox.add_comment("NET-1", f"more {number}")

    assert publisher(site).observe(target("comment"), MARK, None) == written


def test_a_deleted_comment_is_nothing_there_and_made_anew(site: JiraSite) -> None:
    to = publisher(site)
    first = publish(to, "comment")

    def drop(document: dict[str, Any]) -> None:
        document["fields"]["comment"]["comments"].clear()

    site.sandbox.state.amend(site.sandbox._issue("NET-1"), drop)

    assert to.observe(target("comment"), MARK, first.remote_id) == Observed(None)
    with pytest.raises(PreconditionFailed, match="was deleted meanwhile"):
        to.write(target("comment"), to.render(target("comment"), MESSAGE), MARK, first)
    again = publish(to, "comment")
    assert again.remote_id != first.remote_id
    assert len(comments(site)) == 1


def test_an_edit_between_look_and_write_is_a_conflict(site: JiraSite) -> None:
    to = publisher(site)
    first = publish(to, "comment")
    site.sandbox.edit_comment("NET-1", str(first.remote_id), "somebody's own words")
    changed = to.render(target("comment"), replace(MESSAGE, reason="Another week"))

    with pytest.raises(PreconditionFailed, match="was edited meanwhile"):
        to.write(target("comment"), changed, MARK, first)
    assert "own words" in str(comments(site)[0]["body"])


def test_a_persons_edit_is_seen(site: JiraSite) -> None:
    to = publisher(site)
    before = publish(to, "comment")

    assert before.remote_id is not None
    site.sandbox.edit_comment("NET-1", before.remote_id, "I disagree")

    after = to.observe(target("comment"), MARK, before.remote_id)
    assert after.content != before.content
    assert after.remote_id == before.remote_id


def service_without_expansion(marked: str) -> JiraPublisher:
    """A server that lists comments without their properties: only comment 12 is marked."""
    base = "https://jira.example/rest/api/2"
    me, other = {"name": "bot"}, {"name": "ann"}
    listed = [
        {"id": "10", "author": other, "body": "hello"},
        {"id": "11", "author": me, "body": "something else of ours"},
        {"id": "12", "author": {"name": "former-bot"}, "body": f"status\n\n_{FOOTER}_"},
    ]
    responses.get(f"{base}/myself", json=me)
    responses.get(f"{base}/issue/NET-1/comment", json={"comments": listed, "total": 3})
    for number in (11, 12):
        mark = marked if number == 12 else "another"
        responses.get(
            f"{base}/comment/{number}/properties/itpm-sync.mark",
            json={"key": "itpm-sync.mark", "value": {"mark": mark}},
        )
    return JiraPublisher(JiraClient(HttpClient("https://jira.example"), cloud=False))


@responses.activate
def test_where_lists_show_no_properties_only_likely_comments_are_asked() -> None:
    to = service_without_expansion(MARK)

    assert to.observe(target("comment"), MARK, None).remote_id == "12"

    asked = [c.request.url for c in responses.calls if "/properties/" in str(c.request.url)]
    assert [str(u).split("/comment/")[1].split("/")[0] for u in asked] == ["11", "12"]


@responses.activate
def test_a_mark_that_is_not_there_is_not_found_among_likely_comments() -> None:
    assert service_without_expansion("other").observe(target("comment"), MARK, None) == Observed(
        None
    )


# ---- texts -------------------------------------------------------------------------------------


def texts(node: Any) -> str:
    if isinstance(node, list):
        return " ".join(texts(n) for n in node)
    if node.get("type") == "status":
        return str(node["attrs"]["text"])
    return str(node["text"]) if "text" in node else texts(node.get("content", []))


def test_the_document_says_all_that_the_message_says() -> None:
    text = texts(adf(MESSAGE))
    for part in (
        "Network refresh: status on 06 Mar 2026", "AMBER", "GREEN", "CPI 0.89",
        "n/a (nothing earned yet)", "Contract C-7", "and 12 more", "Full report",
    ):  # fmt: skip
        assert part in text


def test_a_hostile_title_stays_text_in_the_document() -> None:
    assert "{code} *bold* [~admin]" in texts(adf(MESSAGE))
    kinds = {n["type"] for n in nodes(adf(MESSAGE))}
    assert kinds == {
        "doc", "heading", "paragraph", "text", "status", "table", "tableRow", "tableHeader",
        "tableCell", "bulletList", "listItem",
    }  # fmt: skip


def nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("content", []):
        yield from nodes(child)


def test_no_text_node_is_empty_because_jira_refuses_it() -> None:
    empty = replace(MESSAGE, reason="", ratings=(("", "", ""),), figures=(("", ""),), name="")
    found = [n for n in nodes(adf(empty)) if n["type"] == "text"]
    assert found
    assert all(n["text"] for n in found)


def test_what_jira_adds_to_a_document_is_no_edit() -> None:
    document = adf(MESSAGE)
    stored = orjson.loads(orjson.dumps(document))
    for node in nodes(stored):
        node.setdefault("attrs", {})["localId"] = "4f0c"
        if node["type"] == "table":
            node["attrs"] |= {"layout": "default", "isNumberColumnEnabled": False}
    assert canonical(stored) == canonical(document)

    stored["content"][0]["content"][0]["text"] += "!"
    assert canonical(stored) != canonical(document)


def test_a_hostile_title_stays_text_in_wiki_markup() -> None:
    line = next(x for x in wiki(MESSAGE).split("\n") if "bold" in x)
    assert line == (
        "* \\{code\\} \\*bold\\* \\[\\~admin\\] \\!x.png\\! \\| h1. <b>&amp;amp;</b> &#92; \\(x\\)"
        " next line"
    )


@given(st.text(max_size=80))
def test_escaped_text_holds_no_markup_character_unescaped(text: str) -> None:
    result = escaped(text)
    assert "\n" not in result
    bare = re.sub(r"&(#92|amp);|\\[^\\\w\s]|\\_", "", result)
    assert not set(bare) & set("{}[]*_-+^~?!#|()@:&\\")


def test_wiki_markup_of_a_status_reads_as_intended() -> None:
    message = replace(MESSAGE, findings=("one",), findings_total=1, ratings=MESSAGE.ratings[:1])
    assert wiki(message) == (
        "h3. Network refresh\\: status on 06 Mar 2026\n"
        "\n"
        "{color:#b38600}*AMBER*{color} Cost is 12 % over plan\n"
        "\n"
        "Before: {color:green}*GREEN*{color}\n"
        "\n"
        "||Dimension||Rating||Reason||\n"
        "|cost|{color:red}*RED*{color}|CPI 0.89|\n"
        "\n"
        "||Figure||Value||\n"
        "|CPI|0.89|\n"
        "|EAC|n/a \\(nothing earned yet\\)|\n"
        "\n"
        "h4. Findings\n"
        "\n"
        "* one\n"
        "\n"
        "[Full report|https://reports.example/net.html]\n"
        "\n"
        "_Written by ITPM Sync; changed again when the status changes._"
    )


def test_a_comment_of_the_cloud_is_read_as_its_text(site: JiraSite) -> None:
    made = publisher(site)
    shown = made.readable(target("comment"), made.render(target("comment"), MESSAGE))
    if made.render(target("comment"), MESSAGE).startswith("{"):
        assert shown.splitlines()[:5] == [
            "Network refresh: status on 06 Mar 2026", "AMBER Cost is 12 % over plan",
            "Before: GREEN", "Dimension | Rating | Reason",
            "cost | RED | CPI 0.89",
        ]  # fmt: skip
        assert "- Contract C-7 lapses in 20 days" in shown.splitlines()
        assert "Full report (https://reports.example/net.html)" in shown.splitlines()
    link = made.render(target("remote_link"), MESSAGE)
    assert made.readable(target("remote_link"), link) == link
