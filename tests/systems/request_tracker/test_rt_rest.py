"""What the server does: its REST answers, searches, stamps, merges and histories."""

from __future__ import annotations

import base64
from datetime import timedelta
from zoneinfo import ZoneInfo

import orjson
import pytest
import requests

from itpm_sync.model import HelpDeskItem, TicketStatus
from tests.systems.request_tracker.desk import Connect, Desk, mapped, pull


def test_numbers_are_texts_and_unset_dates_are_the_year_1970(desk: Desk) -> None:
    number = desk.create(Priority=80)
    fields = "Priority,TimeWorked,Resolved,EffectiveId"
    (item,) = desk.found(f"id = {number}", fields=fields)["items"]
    assert item["id"] == number
    assert item["Priority"] == "80"
    assert item["TimeWorked"] == "0"
    assert item["EffectiveId"] == number
    assert item["Resolved"] == "1970-01-01T00:00:00Z"


def test_a_page_past_the_end_is_empty_and_has_no_next(desk: Desk) -> None:
    desk.create()
    page = desk.found("id > 0", page=50)
    assert (page["count"], page["items"], page["page"]) == (0, [], 50)
    assert "next_page" not in page


def test_a_search_without_result_has_no_pages(desk: Desk) -> None:
    page = desk.found("id = 0")
    assert (page["total"], page["pages"], page["per_page"]) == (0, 0, 20)


def test_a_page_has_at_most_a_hundred_tickets(desk: Desk) -> None:
    assert desk.found("id > 0", per_page=1000)["per_page"] == 100


def test_a_next_page_repeats_the_query(desk: Desk) -> None:
    first, second = desk.create(), desk.create()
    page = desk.found(f"id = {first} OR id = {second}", per_page=1)
    assert page["total"] == 2
    followed = requests.get(
        page["next_page"], headers={"Authorization": f"token {desk.tokens['sync']}"}, timeout=30
    ).json()
    assert [item["id"] for item in followed["items"]] == [second]


@pytest.mark.parametrize("query", ["bogus", "Bogus = 1", "(id = 1"])
def test_what_is_no_ticketsql_is_a_400_with_a_message(desk: Desk, query: str) -> None:
    answer = desk.ask("GET", "tickets", params={"query": query})
    assert answer.status_code == 400
    assert answer.json()["message"]


def test_a_search_reads_stamps_in_the_users_zone_to_the_second(desk: Desk) -> None:
    number = desk.create()
    changed = desk.stamp(number)
    for user, zone in (("sync", "UTC"), ("newyork", "America/New_York")):
        for seconds, total in ((-1, 1), (0, 1), (1, 0)):
            asked = (changed + timedelta(seconds=seconds)).astimezone(ZoneInfo(zone))
            query = f"id = {number} AND LastUpdated >= '{asked:%Y-%m-%d %H:%M:%S}'"
            headers = {"Authorization": f"token {desk.tokens[user]}"}
            answer = desk.ask("GET", "tickets", params={"query": query}, headers=headers)
            assert answer.json()["total"] == total, (user, seconds)


def test_an_iso_stamp_loses_its_time(desk: Desk) -> None:
    number = desk.create()
    later = desk.stamp(number).replace(hour=23, minute=59, second=59)
    query = f"id = {number} AND LastUpdated >= '{later:%Y-%m-%dT%H:%M:%SZ}'"
    assert desk.found(query)["total"] == 1


def test_a_put_answers_200_with_refusals_as_messages(desk: Desk) -> None:
    number = desk.create()
    assert desk.put(number, Status="nonsense") == [
        f"Ticket {number}: Status 'nonsense' isn't a valid status for this ticket."
    ]
    assert desk.put(number, CustomFields={"Category": "Nonsense"}) == [
        "Invalid value for custom field"
    ]
    assert desk.put(number, CustomFields={"No such field": "x"}) == []
    assert desk.put(number, Nonsense="x") == []
    assert desk.put(number, CustomFields={"Project Status": "Green"}) == [
        "Project Status Green added"
    ]
    assert desk.put(number, CustomFields={"Project Status": "Red"}) == [
        "Project Status Green changed to Red"
    ]
    assert desk.put(number, CustomFields={"Project Status": None}) == [
        "Red is no longer a value for custom field Project Status"
    ]


def test_a_stale_etag_is_412_and_changes_nothing(desk: Desk) -> None:
    number = desk.create()
    old = desk.ask("GET", f"ticket/{number}").headers["ETag"]
    desk.put(number, Subject="Printer burns")
    answer = desk.ask(
        "PUT", f"ticket/{number}", json={"Subject": "mine"}, headers={"If-Match": old}
    )
    assert answer.status_code == 412
    fresh = desk.ask("GET", f"ticket/{number}")
    assert fresh.json()["Subject"] == "Printer burns"
    assert fresh.headers["ETag"] != old


def test_a_deleted_ticket_leaves_every_search_yet_answers(desk: Desk) -> None:
    number = desk.create()
    assert desk.ask("DELETE", f"ticket/{number}").status_code == 204
    for query in (f"id = {number}", f"id = {number} AND Status = 'deleted'"):
        assert desk.found(query)["total"] == 0
    assert desk.found(f"id = {number} AND EffectiveId > 0")["total"] == 0
    answer = desk.ask("GET", f"ticket/{number}")
    assert (answer.status_code, answer.json()["Status"]) == (200, "deleted")


def test_a_merged_ticket_answers_as_the_other_and_is_found_by_effective_id(desk: Desk) -> None:
    keep, gone = desk.create(TimeWorked=5), desk.create(TimeWorked=7)
    assert desk.put(gone, MergeInto=int(keep)) == ["Merge Successful"]
    assert str(desk.ask("GET", f"ticket/{gone}").json()["id"]) == keep
    assert desk.ask("GET", f"ticket/{keep}").json()["TimeWorked"] == "12"
    assert desk.found(f"id = {gone}")["total"] == 0
    (found,) = desk.found(f"id = {gone} AND EffectiveId > 0", fields="EffectiveId")["items"]
    assert found["EffectiveId"] == keep


def test_a_comment_is_a_201_whose_text_is_base64_in_an_attachment(desk: Desk) -> None:
    number = desk.create()
    body = {"Subject": "Hello", "Content": "Grün ✓\nzwei", "ContentType": "text/plain"}
    answer = desk.ask("POST", f"ticket/{number}/comment", json=body)
    assert (answer.status_code, answer.json()) == (201, ["Comments added"])
    line = desk.ask("GET", answer.headers["Location"].removeprefix("/REST/2.0/")).json()
    assert (line["Type"], line["Data"]) == ("Comment", "Hello\n")
    (link,) = [one["_url"] for one in line["_hyperlinks"] if one["ref"] == "attachment"]
    content = desk.ask("GET", link.split("/REST/2.0/")[1]).json()["Content"]
    assert base64.b64decode(content).decode() == "Grün ✓\nzwei"


def test_a_reply_opens_a_new_ticket_and_a_comment_does_not(desk: Desk) -> None:
    number = desk.create()
    body = {"Content": "x", "ContentType": "text/plain"}
    desk.ask("POST", f"ticket/{number}/comment", json=body)
    assert desk.ask("GET", f"ticket/{number}").json()["Status"] == "new"
    answer = desk.ask("POST", f"ticket/{number}/correspond", json=body)
    assert (answer.status_code, answer.json()) == (201, ["Correspondence added"])
    assert desk.ask("GET", f"ticket/{number}").json()["Status"] == "open"


def test_a_message_without_content_type_or_ticket_is_400(desk: Desk) -> None:
    number = desk.create()
    assert desk.ask("POST", f"ticket/{number}/comment", json={"Content": "x"}).status_code == 400
    body = {"Content": "x", "ContentType": "text/plain"}
    assert desk.ask("POST", "ticket/999999/comment", json=body).status_code == 400


def test_a_history_has_no_totals_and_takes_conditions(desk: Desk) -> None:
    number = desk.create(TimeWorked=5)
    desk.put(number, TimeWorked=12)
    wanted = [{"field": "TimeTaken", "operator": "!=", "value": "0"}]
    params = {"query": orjson.dumps(wanted).decode(), "fields": "Type,Field,TimeTaken"}
    page = desk.ask("GET", f"ticket/{number}/history", params=params).json()
    assert (page["total"], page["pages"]) == (None, None)
    assert [(i["Type"], i["TimeTaken"]) for i in page["items"]] == [("Create", "5"), ("Set", "7")]
    later = [*wanted, {"field": "id", "operator": ">", "value": page["items"][0]["id"]}]
    params["query"] = orjson.dumps(later).decode()
    page = desk.ask("GET", f"ticket/{number}/history", params=params).json()
    assert [i["TimeTaken"] for i in page["items"]] == ["7"]
    assert desk.ask("GET", "ticket/999999/history").json()["items"] == []


def test_transactions_of_many_tickets_are_found_by_sql(desk: Desk) -> None:
    one, two = desk.create(TimeWorked=5), desk.create(TimeWorked=7)
    desk.put(one, TimeWorked=4)
    query = f"ObjectType = 'RT::Ticket' AND (ObjectId = {one} OR ObjectId = {two})"
    params = {"query": f"{query} AND TimeTaken != 0 AND id > 0", "fields": "ObjectId,TimeTaken"}
    page = desk.ask("GET", "transactions", params={**params, "orderby": "id"}).json()
    assert (page["total"], page["pages"]) == (None, None)
    found = [(line["ObjectId"], line["TimeTaken"]) for line in page["items"]]
    assert found == [(one, "5"), (two, "7"), (one, "-1")]


def test_a_reopened_ticket_keeps_its_stamp_but_does_not_count_as_resolved(
    desk: Desk, connect: Connect
) -> None:
    number = desk.create()
    desk.put(number, Status="resolved")
    connector = connect()
    (closed,) = mapped(connector, pull(connector)[number])
    assert isinstance(closed, HelpDeskItem)
    assert closed.status is TicketStatus.RESOLVED
    assert closed.resolved_at is not None
    assert closed.started_at is not None
    desk.put(number, Status="open")
    ticket = desk.ask("GET", f"ticket/{number}").json()
    assert (ticket["Status"], ticket["Resolved"][:4] > "1970") == ("open", True)
    (reopened,) = mapped(connector, pull(connector)[number])
    assert isinstance(reopened, HelpDeskItem)
    assert (reopened.status, reopened.resolved_at) == (TicketStatus.OPEN, None)


def test_a_link_stands_on_both_tickets(desk: Desk) -> None:
    one, other = desk.create(), desk.create()
    desk.put(one, AddDependsOn=int(other))
    links = desk.found(f"id = {other}", fields="_hyperlinks")["items"][0]["_hyperlinks"]
    assert [link["id"] for link in links if link["ref"] == "depended-on-by"] == [one]


@pytest.mark.parametrize(("path", "status"), [("ticket/999999", 404), ("queue/Nope", 404)])
def test_what_is_not_there_is_404(desk: Desk, path: str, status: int) -> None:
    assert desk.ask("GET", path).status_code == status
