"""The wire of the Jira sandbox: an HTTP/1.1 server on loopback, and what goes over it."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson

_HANG_S = 30.0


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its answer, as they went over the wire."""

    method: str
    url: str
    request_headers: Mapping[str, str]
    request_body: bytes
    status: int
    response_headers: Mapping[str, str]
    response_body: bytes

    @property
    def path(self) -> str:
        """The path without the query."""
        return urlsplit(self.url).path

    @property
    def query(self) -> dict[str, list[str]]:
        """The query parameters."""
        return parse_qs(urlsplit(self.url).query, keep_blank_values=True)

    def json(self) -> Any:
        """The answer's body."""
        return orjson.loads(self.response_body)


@dataclass(slots=True)
class Reply:
    """What goes over the wire, and how it may go wrong there."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    damage: str = ""  # "truncate", "reset", "hang"


Serve = Callable[[str, str, Mapping[str, str], bytes], Reply]  # method, target, headers, body


class Server(ThreadingHTTPServer):
    """Serves in threads, keeps connections alive; `stopping` ends requests that hang."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, serve: Serve, stopping: Event, port: int) -> None:
        self.serve, self.stopping = serve, stopping
        self._open: set[socket.socket] = set()
        super().__init__(("127.0.0.1", port), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news."""

    def close(self) -> None:
        """Closes the listener and the connections that clients keep alive."""
        self.server_close()
        for request in list(self._open):
            with suppress(OSError):
                request.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: Server

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length) if length else b""
        reply = self.server.serve(self.command, self.path, dict(self.headers.items()), body)
        if reply.damage == "hang":
            self.server.stopping.wait(_HANG_S)
            self.close_connection = True
        elif reply.damage == "reset":
            self._reset()
        else:
            self._write(reply)

    do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815 - the names that http.server looks for

    def _reset(self) -> None:
        """Closes so that the client sees a reset instead of an end."""
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.connection.close()
        self.close_connection = True

    def _write(self, reply: Reply) -> None:
        self.send_response_only(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if reply.status != 204:
            self.send_header("Content-Length", str(len(reply.body)))
        cut = reply.damage == "truncate"
        if cut:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(reply.body[: len(reply.body) // 2] if cut else reply.body)
        self.wfile.flush()
        self.close_connection = cut or self.close_connection

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Quiet: `JiraSandbox.requests` is the log."""
