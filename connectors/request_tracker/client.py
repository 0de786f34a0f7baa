"""Request Tracker's REST2, as far as the connector needs it.

Facts, measured on RT 5.0.3 (README.md has them all):
- A listing is paged by key (`id > last`, always page 1), not by `next_page`: offsets shift while
  tickets change, and RT's own link is then neither needed nor trusted. Every page says how many
  tickets are left, so that an early end is noticed.
- A `total` of null means that RT filters rows after cutting the page: pages may be short without
  being the last, so that completeness cannot be proved. Such a listing is refused.
- A history has no totals; several JSON conditions on one field are alternatives.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

import orjson
from requests.auth import AuthBase

from itpm_sync.connector import Context
from itpm_sync.errors import ConnectionFailed
from itpm_sync.http import HttpClient

Json = dict[str, Any]

MAX_PAGE = 100  # RT answers no more at once, whatever is asked
LISTED = (
    "Subject,Status,Type,Queue,SLA,Owner,Creator,Requestor,Priority,CustomFields,EffectiveId,"
    "TimeWorked,TimeEstimated,TimeLeft,Created,Starts,Started,Due,Resolved,LastUpdated,_hyperlinks"
)
TRANSACTION = "ObjectId,Type,Field,OldValue,NewValue,TimeTaken,Creator,Created,Data"
TICKETS_PER_QUESTION = 50  # keeps the URL under 2 KB, far below what any server refuses


class RequestTrackerClient:
    """Typed questions to one RT. Raises what HttpClient raises. Thread-safe."""

    def __init__(
        self, url: str, auth: AuthBase, context: Context, *, verify: bool | str = True
    ) -> None:
        self.site = url.rstrip("/")
        self.page_size = MAX_PAGE
        self.http = HttpClient(
            f"{self.site}/REST/2.0/",
            auth=auth,
            connections=context.connections,
            timeout_s=context.timeout_s,
            attempts=context.attempts,
            user_agent=context.user_agent,
            verify=verify,
            stop=context.stop,
        )

    def close(self) -> None:
        """Closes all pooled connections."""
        self.http.close()

    def page_for_people(self, ticket: str) -> str:
        """The ticket's web page."""
        return f"{self.site}/Ticket/Display.html?id={ticket}"

    def version(self) -> str:
        """RT's version."""
        return str(_object(self.http.get("rt"), "rt").get("Version", ""))

    def queue(self, name: str) -> Json:
        """A queue by name. Raises NotFound, or RequestRejected (403) where it is hidden."""
        return _object(self.http.get(f"queue/{_segment(name)}"), f"queue {name}")

    # ---- tickets --------------------------------------------------------------------------------

    def count(self, query: str) -> int | None:
        """How many tickets a query finds; None where RT does not tell this account."""
        found = self._search(query, fields="", per_page=1)
        return None if found["total"] is None else int(found["total"])

    def highest_id(self, query: str) -> int:
        """The highest ticket id that a query finds, 0 for none."""
        items = self._search(query, fields="", per_page=1, order="DESC")["items"]
        return max(_numbers(items), default=0)

    def tickets(
        self, query: str, *, after: int = 0, fields: str = LISTED
    ) -> Iterator[Sequence[Json]]:
        """All tickets of a query with an id above `after`, by id, in pages."""
        while True:
            found = self._search(f"({query}) AND id > {after}", fields=fields)
            items, left = found["items"], found["total"]
            if left is None:
                raise ConnectionFailed(
                    f"{self.site} does not say how many tickets a search finds, so that a short "
                    "page could hide others",
                    advice="set $UseSQLForACLChecks to 1 in RT (its default), or grant ShowTicket "
                    "globally to the account",
                )
            if items:
                yield items
            if len(items) >= int(left):
                return
            before, after = after, max(_numbers(items), default=after)
            if after <= before:
                raise ConnectionFailed(
                    f"{self.site} said that {left} more tickets follow id {after} and sent none",
                    advice="run the pull again; if it stays so, ask RT's administrator",
                )

    def _search(self, query: str, *, fields: str, per_page: int = 0, order: str = "ASC") -> Json:
        params = {"query": query, "orderby": "id", "order": order}
        params["per_page"] = str(per_page or self.page_size)
        if fields:
            params |= {"fields": fields, "fields[Queue]": "Name"}
        found = _object(self.http.get("tickets", params), "tickets")
        total = found.get("total", "")
        told = total is None or str(total).isdecimal()  # RT 5 says null where it hides the number
        if not (told and isinstance(found.get("items"), list)):
            raise ConnectionFailed(
                f"{self.site}/REST/2.0/tickets answered without items and total",
                advice="check that `url` leads to Request Tracker 5",
            )
        return found

    def ticket(self, number: str) -> tuple[Json, str]:
        """One ticket and its ETag. A merged ticket answers with the other's id."""
        answer, data = self.http.request("GET", f"ticket/{number}", parse=True)
        return _object(data, f"ticket {number}"), answer.headers.get("ETag", "")

    def update(self, number: str, changes: Json, etag: str) -> list[str]:
        """Changes a ticket if it still is at `etag`; RT's messages, refusals among them.

        Raises PreconditionFailed where it is not.
        """
        headers = {"If-Match": etag} if etag else {}
        _, data = self.http.request(
            "PUT", f"ticket/{number}", body=changes, headers=headers, parse=True
        )
        return [str(message) for message in data or ()]

    # ---- history --------------------------------------------------------------------------------

    def time_worked(self, minutes: Mapping[str, int]) -> dict[str, list[Json]]:
        """The transactions that took time, of tickets whose `TimeWorked` is given by number.

        One question serves many tickets. Where its answer does not add up to the ticket's own
        minutes (lines hidden from the account, lines of tickets merged into it), that ticket's
        history is asked for.
        """
        found: dict[str, list[Json]] = {number: [] for number in minutes}
        numbers = list(minutes)
        for start in range(0, len(numbers), TICKETS_PER_QUESTION):
            for line in self._lines_with_time(numbers[start : start + TICKETS_PER_QUESTION]):
                found.setdefault(str(line.get("ObjectId")), []).append(line)
        return {
            number: found[number]
            if _taken(found[number]) == worked
            else self._own_time(number, worked)
            for number, worked in minutes.items()
        }

    def _lines_with_time(self, numbers: Sequence[str]) -> Iterator[Json]:
        """Up to the first short page: what is missing then is seen to be, by its minutes."""
        tickets = " OR ".join(f"ObjectId = {number}" for number in numbers)
        wanted, after = f"ObjectType = 'RT::Ticket' AND ({tickets}) AND TimeTaken != 0", 0
        while True:
            params = {"query": f"{wanted} AND id > {after}", "fields": TRANSACTION}
            params |= {"per_page": str(self.page_size), "orderby": "id", "order": "ASC"}
            found = _object(self.http.get("transactions", params), "transactions")
            items = [_object(item, "transactions") for item in found.get("items") or ()]
            yield from items
            if len(items) < self.page_size or any(i.get("ObjectId") not in numbers for i in items):
                return
            after = max(int(item["id"]) for item in items)

    def _own_time(self, number: str, minutes: int) -> list[Json]:
        """A ticket's own history, until it adds up or a page is empty."""
        lines: list[Json] = []
        condition = {"field": "TimeTaken", "operator": "!=", "value": "0"}
        for page in self._history(number, condition):
            lines += page
            if len(page) < self.page_size and _taken(lines) == minutes:
                break
        return lines

    def comments(self, number: str, subject_part: str) -> list[Json]:
        """The comments whose subject contains a text, oldest first, with their hyperlinks."""
        conditions = (
            {"field": "Type", "value": "Comment"},
            {"field": "Data", "operator": "LIKE", "value": subject_part},
        )
        pages = self._history(number, *conditions, fields=f"{TRANSACTION},_hyperlinks")
        return [line for page in pages for line in page]

    def _history(
        self, number: str, *conditions: Mapping[str, str], fields: str = TRANSACTION
    ) -> Iterator[list[Json]]:
        """A ticket's transactions by id, until a page is empty."""
        after = "0"
        while True:
            query = [*conditions, {"field": "id", "operator": ">", "value": after}]
            params = {
                "query": orjson.dumps(query).decode(),
                "fields": fields,
                "per_page": str(self.page_size),
            }
            params |= {"orderby": "id", "order": "ASC"}
            found = _object(self.http.get(f"ticket/{number}/history", params), "history")
            items = [_object(item, "history") for item in found.get("items") or ()]
            if not items:
                return
            yield items
            after = str(max(int(item["id"]) for item in items))

    def comment(self, number: str, subject: str, text: str) -> str:
        """Adds an internal comment; returns its transaction's id.

        Never repeated: RetryableError means that it may or may not stand there.
        """
        body = {"Subject": subject, "Content": text, "ContentType": "text/plain"}
        answer, _ = self.http.request("POST", f"ticket/{number}/comment", body=body)
        place = answer.headers.get("Location", "")
        return place.rstrip("/").rsplit("/", 1)[-1]

    def text_of(self, line: Json) -> str:
        """The text of a comment that `comments` listed."""
        for link in line.get("_hyperlinks") or ():
            if link.get("ref") == "attachment":
                content = _object(self.http.get(str(link["_url"])), "attachment").get("Content")
                return _decoded(str(content or ""))
        return ""


def _decoded(content: str) -> str:
    try:
        return base64.b64decode(content).decode("utf-8", "replace")
    except binascii.Error:
        return content


def _taken(lines: Sequence[Json]) -> int:
    return sum(int(line.get("TimeTaken") or 0) for line in lines)


def _numbers(items: Iterable[Any]) -> list[int]:
    """The ids of those that have one; who reads the others rejects them."""
    ids = (str(item.get("id")) for item in items if isinstance(item, dict))
    return [int(ident) for ident in ids if ident.isdecimal()]


def _object(data: Any, what: str) -> Json:
    if not isinstance(data, dict):
        raise ConnectionFailed(
            f"Request Tracker answered {type(data).__name__} instead of an object for {what}",
            advice="check that `url` leads to Request Tracker 5",
        )
    return data


def _segment(name: str) -> str:
    """A name as one path segment of a URL."""
    return quote(name, safe="")
