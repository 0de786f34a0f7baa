"""RT's REST2 over a `Desk`: one request in, one reply out, with RT's surprises.

Measured on 5.0.3: numbers as texts, `pages` as `0.0`, objects in no order, an empty page past the
end, refusals as messages of a 200, base64 comment texts, a history without totals.
"""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import orjson

from connectors.request_tracker.sandbox_desk import Desk, Ticket, Transaction
from connectors.request_tracker.ticketsql import QueryError, compiled_for_transactions

API = "/REST/2.0"
VERSION = "5.0.3"
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Call:
    """One request as the resources see it; `headers` looks names up without regard to case."""

    method: str
    path: str
    pairs: tuple[tuple[str, str], ...]
    headers: Callable[[str], str]
    body: bytes
    user: str

    @property
    def query(self) -> Mapping[str, str]:
        """The query parameters by name."""
        return dict(self.pairs)

    @property
    def fields(self) -> tuple[str, ...]:
        """What `fields` asks for."""
        return tuple(f for f in self.query.get("fields", "").split(",") if f)

    def json(self) -> Any:
        """The parsed body. Raises orjson.JSONDecodeError."""
        return orjson.loads(self.body) if self.body else {}


@dataclass(frozen=True, slots=True)
class Reply:
    """What a request is answered: status, a JSON-ready body or a text, headers."""

    status: int
    body: Any = None
    headers: tuple[tuple[str, str], ...] = ()


def refusal(status: int, message: str) -> Reply:
    """An error as RT words it."""
    return Reply(status, {"message": message})


def answer(desk: Desk, call: Call) -> Reply:
    """The answer to one request."""
    resources = _Resources(desk, call)
    for method, pattern, act in _ROUTES:
        match = re.fullmatch(f"{API}{pattern}/?", call.path)
        if match and method == call.method:
            try:
                return act(resources, *match.groups())
            except orjson.JSONDecodeError as error:
                return refusal(400, f"JSON parse error: {error}")
    return refusal(404, "Not Found")


class _Resources:
    def __init__(self, desk: Desk, call: Call) -> None:
        self.desk, self.call = desk, call
        self.base = f"http://{call.headers('Host')}{API}"

    def system(self) -> Reply:
        return Reply(200, {"Version": VERSION})

    def queue(self, name: str) -> Reply:
        if name not in self.desk.queues:
            return refusal(404, "Not Found")
        fields = [
            self._object("customfield", f.id, name=f.name, ref="customfield")
            for f in self.desk.fields
            if name in f.queues
        ]
        number = self.desk.queues.index(name) + 1
        shown = {"id": number, "Name": name, "Lifecycle": "default", "Disabled": "0"}
        return Reply(200, {**shown, "TicketCustomFields": fields})

    # ---- one ticket -----------------------------------------------------------------------------

    def create(self) -> Reply:
        given = self.call.json()
        queue = str(given.get("Queue") or "")
        if not queue:
            return refusal(400, "Could not create ticket. Queue not set")
        if queue not in self.desk.queues:
            return refusal(403, f"No permission to create tickets in the queue '{queue}'")
        ticket = self.desk.create(queue, self.call.user, given)
        place = f"{API}/ticket/{ticket.id}"
        return Reply(201, self._object("ticket", ticket.id), (("Location", place),))

    def show(self, number: str) -> Reply:
        ticket = self.desk.ticket(int(number))
        if ticket is None:
            return refusal(404, "Not Found")
        if self.call.user in self.desk.strangers:
            return refusal(403, "Forbidden")
        names = [*ticket.values, "Requestor", "CustomFields", "_hyperlinks"]
        shown = {name: self._value(ticket, name) for name in names}
        shown["EffectiveId"] = self._object("ticket", ticket.effective_id)
        return Reply(200, {**shown, "id": ticket.id}, (("ETag", self.desk.etag(ticket)),))

    def update(self, number: str) -> Reply:
        ticket = self.desk.ticket(int(number))
        if ticket is None:
            return refusal(404, "Not Found")
        wanted = self.call.headers("If-Match")
        if wanted and wanted != self.desk.etag(ticket):
            return refusal(412, "Precondition Failed")
        return Reply(200, self.desk.update(ticket, self.call.user, self.call.json()))

    def delete(self, number: str) -> Reply:
        ticket = self.desk.ticket(int(number))
        if ticket is None:
            return refusal(404, "Not Found")
        if ticket.values["Status"] == "deleted":
            return refusal(500, "Internal Server Error")
        self.desk.delete(ticket, self.call.user)
        return Reply(204)

    def comment(self, number: str) -> Reply:
        return self._message(number, "Comment", "Comments added")

    def correspond(self, number: str) -> Reply:
        return self._message(number, "Correspond", "Correspondence added")

    def _message(self, number: str, kind: str, words: str) -> Reply:
        given = self.call.json()
        ticket = self.desk.ticket(int(number))
        if not given.get("ContentType"):
            return refusal(400, "ContentType is a required field for application/json")
        if ticket is None:
            return refusal(400, "Message could not be recorded")
        line = self.desk.message(
            ticket,
            kind,
            self.call.user,
            subject=str(given.get("Subject") or ""),
            content=str(given.get("Content") or ""),
            taken=int(given.get("TimeTaken") or 0),
        )
        return Reply(201, [words], (("Location", f"{API}/transaction/{line}"),))

    # ---- collections ----------------------------------------------------------------------------

    def tickets(self) -> Reply:
        query = self.call.query
        zone = ZoneInfo(self.desk.zones.get(self.call.user, "UTC"))
        try:
            found = self.desk.search(query.get("query", ""), zone)
        except QueryError as error:
            return refusal(400, str(error))
        if self.call.user in self.desk.strangers:
            found = []
        if query.get("order", "").upper() == "DESC":
            found.reverse()
        total = None if self.desk.totals_hidden else len(found)
        return self._collection(found, total, self._listed)

    def transactions(self) -> Reply:
        try:
            test = compiled_for_transactions(self.call.query.get("query", ""))
        except QueryError as error:
            return refusal(400, str(error))
        found = [line for line in self.desk.history if test(line.row())]
        return self._collection(found, None, self._line)

    def history(self, number: str) -> Reply:
        ticket = self.desk.ticket(int(number))
        wanted = orjson.loads(self.call.query.get("query") or "[]")
        found = self.desk.transactions(ticket) if ticket else []
        return self._collection([t for t in found if _meets(t, wanted)], None, self._line)

    def _collection(
        self, found: Sequence[Any], total: int | None, show: Callable[[Any], Json]
    ) -> Reply:
        size = min(_positive(self.call.query.get("per_page"), 20), 100)
        page = _positive(self.call.query.get("page"), 1)
        items = [show(one) for one in found[(page - 1) * size : page * size]]
        body: Json = {"per_page": size, "page": page, "count": len(items), "items": items}
        body |= {"total": total, "pages": None}
        if total is not None:
            body["pages"] = math.ceil(total / size) or 0.0
        if total is not None and page * size < total:
            rest = [(k, v) for k, v in self.call.pairs if k != "page"]
            query = urlencode([*rest, ("page", str(page + 1))])
            body["next_page"] = f"{self.base}{self.call.path.removeprefix(API)}?{query}"
        return Reply(200, body)

    # ---- transactions ---------------------------------------------------------------------------

    def transaction(self, number: str) -> Reply:
        line = self.desk.transaction(int(number))
        if line is None:
            return refusal(404, "Not Found")
        return Reply(200, {**self._line(line, all_fields=True), "id": line.id})

    def attachment(self, number: str) -> Reply:
        line = self.desk.transaction(int(number))
        if line is None:
            return refusal(404, "Not Found")
        text = base64.encodebytes(line.content.encode()).decode()
        shown = {"id": line.id, "ContentType": "text/plain", "Subject": line.data.strip()}
        owner = self._object("transaction", line.id)
        return Reply(200, {**shown, "Content": text, "TransactionId": owner})

    def _line(self, line: Transaction, *, all_fields: bool = False) -> Json:
        values = {
            "Type": line.type, "Field": line.field, "OldValue": line.old, "NewValue": line.new,
            "TimeTaken": str(line.taken), "Data": line.data, "Created": line.created,
            "Creator": self._object("user", line.creator), "ObjectId": str(line.ticket),
            "_hyperlinks": self._attachment_links(line),
        }  # fmt: skip
        names = tuple(values) if all_fields else self.call.fields
        shown = self._object("transaction", line.id)
        return {**shown, **{name: values.get(name, "") for name in names}}

    def _attachment_links(self, line: Transaction) -> list[Json]:
        links = [self._object("transaction", line.id, ref="self")]
        if line.type in ("Comment", "Correspond"):
            links.append({"ref": "attachment", "_url": f"{self.base}/attachment/{line.id}"})
        return links

    # ---- shapes ---------------------------------------------------------------------------------

    def _object(self, kind: str, key: object, **more: Any) -> Json:
        return {"type": kind, "id": str(key), "_url": f"{self.base}/{kind}/{key}", **more}

    def _listed(self, ticket: Ticket) -> Json:
        shown = self._object("ticket", ticket.id)
        shown |= {name: self._value(ticket, name) for name in self.call.fields}
        if "Name" in self.call.query.get("fields[Queue]", "").split(",") and "Queue" in shown:
            shown["Queue"]["Name"] = ticket.values["Queue"]
        return shown

    def _value(self, ticket: Ticket, name: str) -> Any:
        shapes: Mapping[str, Callable[[], Any]] = {
            "CustomFields": lambda: self._custom(ticket),
            "_hyperlinks": lambda: self._hyperlinks(ticket),
            "EffectiveId": lambda: str(ticket.effective_id),
            "Requestor": lambda: [self._object("user", r) for r in ticket.requestors],
            "Queue": lambda: self._object(
                "queue", self.desk.queues.index(ticket.values["Queue"]) + 1
            ),
            **{
                role: lambda role=role: self._object("user", ticket.values[role])  # type: ignore[misc]
                for role in ("Owner", "Creator", "LastUpdatedBy")
            },
        }
        return shapes[name]() if name in shapes else ticket.values.get(name, "")

    def _custom(self, ticket: Ticket) -> list[Json]:
        return [
            self._object(
                "customfield", f.id, name=f.name, values=list(ticket.custom.get(f.name, ()))
            )
            for f in reversed(self.desk.fields_of(ticket))  # RT keeps no order either
        ]

    def _hyperlinks(self, ticket: Ticket) -> list[Json]:
        place = f"{self.base}/ticket/{ticket.id}"
        links: list[Json] = [{"ref": "self", "type": "ticket", "id": ticket.id, "_url": place}]
        for ref, target in ticket.links:
            if target.isdigit():
                links.append(self._object("ticket", target, ref=ref))
            else:
                links.append({"type": "external", "_url": target, "ref": ref})
        return links + [
            {"ref": ref, "_url": f"{place}/{ref}"} for ref in ("history", "correspond", "comment")
        ]


_ROUTES: tuple[tuple[str, str, Callable[..., Reply]], ...] = (
    ("GET", "/rt", _Resources.system),
    ("GET", "/queue/([^/]+)", _Resources.queue),
    ("GET", "/tickets", _Resources.tickets),
    ("GET", "/transactions", _Resources.transactions),
    ("POST", "/ticket", _Resources.create),
    ("GET", r"/ticket/(\d+)", _Resources.show),
    ("PUT", r"/ticket/(\d+)", _Resources.update),
    ("DELETE", r"/ticket/(\d+)", _Resources.delete),
    ("POST", r"/ticket/(\d+)/comment", _Resources.comment),
    ("POST", r"/ticket/(\d+)/correspond", _Resources.correspond),
    ("GET", r"/ticket/(\d+)/history", _Resources.history),
    ("GET", r"/transaction/(\d+)", _Resources.transaction),
    ("GET", r"/attachment/(\d+)", _Resources.attachment),
)


def _positive(text: str | None, default: int) -> int:
    return int(text) if text and text.isdigit() and int(text) else default


_TESTS: Mapping[str, Callable[[Any, str], bool]] = {
    "=": lambda have, value: str(have) == value,
    "!=": lambda have, value: str(have) != value,
    ">": lambda have, value: int(have) > int(value),
    "<": lambda have, value: int(have) < int(value),
    "LIKE": lambda have, value: value in str(have),
}


def _meets(line: Transaction, wanted: Iterable[Mapping[str, str]]) -> bool:
    """RT's JSON query: conditions on one field are alternatives, those on several all hold."""
    values: Mapping[str, Any] = {
        "id": line.id, "Type": line.type, "Data": line.data, "Field": line.field,
        "TimeTaken": line.taken,
    }  # fmt: skip
    by_field: dict[str, list[bool]] = {}
    for test in wanted:
        name = test["field"]
        if name in values:
            holds = _TESTS[test.get("operator", "=")](values[name], test["value"])
            by_field.setdefault(name, []).append(holds)
    return all(any(tests) for tests in by_field.values())
