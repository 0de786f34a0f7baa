"""A simulator of Request Tracker 5's REST2 over real HTTP, with state.

`sandbox_desk` knows what happens to tickets, `sandbox_rest` how RT says it; this module seeds,
saves and serves them, and goes wrong on request. The same tests run on it and on a real server.
"""

from __future__ import annotations

import base64
import contextlib
import lzma
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qsl, unquote, urlsplit

import orjson

from connectors.request_tracker.sandbox_desk import RELATIONS, Desk
from connectors.request_tracker.sandbox_rest import Call, Reply, answer, refusal
from connectors.request_tracker.sandbox_seed import seed
from itpm_sync.connector import Faults
from itpm_sync.model import Record

TOKEN_VARIABLE = "RT_SANDBOX_TOKEN"  # noqa: S105 — the variable's name


class RequestTrackerSandbox:
    """A help desk on loopback; `desk` is open to tests, under `lock` while it serves."""

    title: ClassVar[str] = "Request Tracker 5 (REST2)"
    flavours: ClassVar[tuple[str, ...]] = ("rt5",)

    def __init__(self, flavour: str = "") -> None:
        if flavour and flavour not in self.flavours:
            raise ValueError(f"unknown flavour {flavour!r}: known are {', '.join(self.flavours)}")
        self.clock: Callable[[], datetime] = lambda: datetime.now(UTC)
        self.lock = threading.RLock()
        self.desk = Desk(lambda: self.clock())  # noqa: PLW0108 — tests replace the clock
        self.tokens: dict[str, str] = {"1-27-sandbox-token": "sync"}
        self.passwords: dict[str, str] = {"sync": "sandbox-secret"}
        self.requests: list[tuple[str, str]] = []  # what was asked, for tests that count
        self.base_url = ""
        self._faults = Faults()
        self._fail_next: deque[str] = deque()
        self._recent: deque[float] = deque()
        self._server: ThreadingHTTPServer | None = None
        self._stopping = threading.Event()

    # ---- Sandbox protocol -----------------------------------------------------------------------

    def seed(self, records: Iterable[Record]) -> int:
        """Adds or changes help-desk items and the time entries that belong to them."""
        with self.lock:
            return seed(self.desk, records)

    def load(self, path: Path) -> int:
        """Takes tickets as `GET /ticket/N` answers them, one JSON object a line."""
        files = sorted(path.glob("*.jsonl*")) if path.is_dir() else [path]
        count = 0
        with self.lock:
            for file in files:
                opened = lzma.open if file.suffix == ".xz" else open
                with opened(file, "rb") as lines:
                    for line in lines:
                        count += self._load_ticket(orjson.loads(line))
        return count

    def _load_ticket(self, data: Mapping[str, Any]) -> int:
        queue = data["Queue"].get("Name") or str(data["Queue"]["id"])
        custom = data.get("CustomFields") or []
        for one in custom:
            self.desk.add_field(one["name"], queue)
        ticket = self.desk.create(queue, data["Creator"]["id"], {}, number=int(data["id"]))
        ticket.effective_id = _id(data.get("EffectiveId")) or ticket.id
        ticket.values |= {k: str(v) for k, v in data.items() if k in ticket.values and k != "Queue"}
        for role in ("Owner", "Creator", "LastUpdatedBy"):
            if isinstance(data.get(role), dict):
                ticket.values[role] = data[role]["id"]
        ticket.requestors = [r["id"] for r in data.get("Requestor") or ()]
        ticket.custom = {c["name"]: list(c["values"]) for c in custom}
        for link in data.get("_hyperlinks") or ():
            if link.get("ref") in RELATIONS:
                ticket.links.append((link["ref"], str(link.get("id") or link["_url"])))
        minutes = int(ticket.values["TimeWorked"])
        created = self.desk.history[-1]
        created.created, created.taken = ticket.values["Created"], minutes
        return 1

    def start(self, port: int = 0) -> str:
        """Serves on 127.0.0.1 in a thread; returns the base URL."""
        self._stopping.clear()
        server = _Server(("127.0.0.1", port), _handler_of(self))
        self._server = server
        self.base_url = f"http://127.0.0.1:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, args=(0.005,), daemon=True).start()
        return self.base_url

    def stop(self) -> None:
        """Stops serving; requests that hang are let go."""
        self._stopping.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def set_faults(self, faults: Faults) -> None:
        """What goes wrong from now on."""
        with self.lock:
            self._faults, self._fail_next = faults, deque(faults.fail_next)

    def configuration(self) -> Mapping[str, Any]:
        """A `connections:` entry that reaches this sandbox."""
        names = {f.name for f in self.desk.fields}
        neutral = {
            "project": "Project Code", "work_package": "Work Package", "category": "Category",
            "type": "Ticket Type", "cost_code": "cost_code",
        }  # fmt: skip
        return {
            "connector": "request_tracker",
            "url": self.base_url,
            "auth": {"token": "${env:" + TOKEN_VARIABLE + "}"},
            "queues": list(self.desk.queues),
            "fields": {k: v for k, v in neutral.items() if v in names},
            "status_field": "Project Status",
            "time_entries": True,
        }

    def environment(self) -> Mapping[str, str]:
        """The environment variables that `configuration` refers to."""
        return {TOKEN_VARIABLE: next(iter(self.tokens))}

    def save(self, path: Path) -> None:
        """Writes the whole state as JSON."""
        with self.lock:
            path.write_bytes(orjson.dumps(self.desk.dump()))

    def restore(self, path: Path) -> None:
        """Reads what `save` wrote."""
        data = orjson.loads(path.read_bytes())
        with self.lock:
            self.desk.undump(data)

    # ---- acts for tests and for trying a configuration ------------------------------------------

    def create(self, queue: str, user: str = "sync", **fields: Any) -> int:
        """A new ticket; returns its number."""
        with self.lock:
            return self.desk.create(queue, user, fields).id

    def edit(self, number: int, user: str = "sync", **fields: Any) -> list[str]:
        """What a PUT of these fields does."""
        with self.lock:
            return self.desk.update(self.desk.tickets[number], user, fields)

    def delete(self, number: int) -> None:
        """Marks a ticket deleted."""
        with self.lock:
            self.desk.delete(self.desk.tickets[number], "sync")

    def merge(self, number: int, into: int) -> None:
        """Merges one ticket into another."""
        with self.lock:
            self.desk.merge(self.desk.tickets[number], into, "sync")

    # ---- requests -------------------------------------------------------------------------------

    def next_fault(self) -> str:
        """The fault of this request, or nothing; uses it up."""
        with self.lock:
            if self._fail_next:
                return self._fail_next.popleft()
            limit, now = self._faults.rate_limit_per_s, time.monotonic()
            if limit is not None:
                while self._recent and self._recent[0] < now - 1:
                    self._recent.popleft()
                if len(self._recent) >= limit:
                    return "429"
                self._recent.append(now)
        return ""

    def pause(self) -> None:
        """The latency of every request."""
        if self._faults.latency_s:
            self._stopping.wait(self._faults.latency_s)

    def hang(self) -> None:
        """Keeps a client waiting until it gives up or the sandbox stops."""
        self._stopping.wait(120)

    def user_of(self, authorization: str) -> str | None:
        """Who asks, or None for a bad login."""
        scheme, _, secret = authorization.partition(" ")
        if scheme.lower() == "token":
            return self.tokens.get(secret)
        if scheme.lower() == "basic":
            with contextlib.suppress(ValueError):
                user, _, password = base64.b64decode(secret).decode().partition(":")
                return user if self.passwords.get(user) == password else None
        return None

    def answer(self, call: Call) -> Reply:
        """The answer to one request, as RT would give it."""
        with self.lock:
            self.requests.append((call.method, call.path))
            return answer(self.desk, call)


def _id(value: Any) -> int | None:
    """An id as a ticket (an object) or a list (a text) gives it."""
    found = value.get("id") if isinstance(value, dict) else value
    return int(found) if found else None


# ---- HTTP ---------------------------------------------------------------------------------------


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that hang up are no news."""


_MAX_BODY = 16 * 1024 * 1024


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # An answer goes out as one piece: head and body apart would wait for each other's receipt.
    disable_nagle_algorithm = True
    wbufsize = -1
    sandbox: RequestTrackerSandbox

    def _serve(self) -> None:
        length = min(int(self.headers.get("Content-Length") or 0), _MAX_BODY)
        body = self.rfile.read(length)
        self.sandbox.pause()
        fault = self.sandbox.next_fault()
        early = _EARLY_FAULTS.get(fault)
        if early is not None:
            self._send(early())
        elif fault == "reset":
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.close_connection = True
        elif fault == "timeout-before":
            self.sandbox.hang()
            self.close_connection = True
        else:
            self._act(body, fault)

    def _act(self, body: bytes, fault: str) -> None:
        parts = urlsplit(self.path)
        pairs = tuple(parse_qsl(parts.query, keep_blank_values=True))
        user = self.sandbox.user_of(self.headers.get("Authorization", ""))
        if user is None:
            self._send(refusal(401, "Unauthorized"))
            return
        path = unquote(parts.path)
        headers = self.headers
        call = Call(self.command, path, pairs, lambda n: headers.get(n, ""), body, user)
        reply = self.sandbox.answer(call)
        if fault == "timeout-after":
            self.sandbox.hang()
            self.close_connection = True
        else:
            self._send(reply, truncated=fault == "truncate")

    def _send(self, reply: Reply, *, truncated: bool = False) -> None:
        is_text = isinstance(reply.body, str)
        data: bytes = reply.body.encode() if is_text else orjson.dumps(reply.body)
        data = b"" if reply.status == 204 else data
        self.send_response(reply.status)
        kind = "text/html" if is_text else "application/json"
        self.send_header("Content-Type", f'{kind}; charset="utf-8"')
        self.send_header("Content-Length", str(len(data)))
        for name, value in reply.headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data[: len(data) // 2] if truncated else data)
        self.close_connection = self.close_connection or truncated

    do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815 — the base class's names

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 — the base class's name
        """A sandbox is quiet."""


_EARLY_FAULTS: Mapping[str, Callable[[], Reply]] = {
    "500": lambda: refusal(500, "Internal Server Error"),
    "503": lambda: Reply(503, "<h1>RT is down for maintenance</h1>"),
    "429": lambda: Reply(429, {"message": "Too Many Requests"}, (("Retry-After", "1"),)),
    "429-date": lambda: Reply(
        429,
        {"message": "Too Many Requests"},
        (("Retry-After", format_datetime(datetime.now(UTC) + timedelta(seconds=1), usegmt=True)),),
    ),
    "html": lambda: Reply(200, "<!DOCTYPE html><title>Login</title>"),
    "401": lambda: refusal(401, "Unauthorized"),
    "403": lambda: refusal(403, "Forbidden"),
}


def _handler_of(sandbox: RequestTrackerSandbox) -> type[_Handler]:
    return type("Handler", (_Handler,), {"sandbox": sandbox})
