"""A Jira Cloud that is never the bottleneck: `python -m benchmarks.mock_jira --issues 10000`.

One asyncio process, HTTP/1.1 with keep-alive, no framework. Up to PREPARED issues, the pages of a
hundred issues are made at start; beyond, they are joined from prepared pieces. `--real` serves the
real issues beside the project. Waiting (`--latency-ms`, `--per-issue-ms`) never keeps another
connection from its answer. Prints its base URL. A first path part `/c1` … `/c9` stands for a site
of its own in the counts. An answer holds whole issues, whatever fields were asked for.

    GET  /_counts            requests by site and path, then forgotten
    POST /_changed {"share": 0.01}   from now on that share has a new stamp (0: nothing is new)
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import socket
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from benchmarks.issues import CHANGED_SINCE, Issues, RealIssues, Source

ZONE = "UTC"
PREPARED = 100_000
PAGE = 100
_SITE = re.compile(r"^/(c\d)(?=/)")
_SINCE = re.compile(r"updated >= ['\"]([^'\"]+)")
_WORD = re.compile(r"\w+")
_PROJECT = re.compile(r"/project/([A-Z]+)(?=/|$)")
_SERVER = {"baseUrl": "http://x", "version": "1001.0.0", "versionNumbers": [1001],
           "deploymentType": "Cloud", "buildNumber": 1}  # fmt: skip
_FIELDS = [
    {"id": "summary", "name": "Summary", "custom": False, "schema": {"type": "string"}},
    {"id": "updated", "name": "Updated", "custom": False, "schema": {"type": "datetime"}},
    {"id": "customfield_10016", "name": "Story Points", "custom": True,
     "schema": {"type": "number", "custom": "com.pyxis.greenhopper.jira:float"}},
    {"id": "customfield_10020", "name": "Sprint", "custom": True,
     "schema": {"type": "array", "custom": "com.pyxis.greenhopper.jira:gh-sprint"}},
]  # fmt: skip


class Mock:
    """What the server knows and answers."""

    def __init__(self, source: Source, latency_s: float, per_issue_s: float) -> None:
        self.source, self.latency_s, self.per_issue_s = source, latency_s, per_issue_s
        self.counts: Counter[str] = Counter()
        self.stamp = ""
        self.changed: Sequence[int] = ()
        self._fresh: frozenset[int] = frozenset()
        self._all = _joined(source.projects.values())
        self._pages = _prepared(source) if len(self._all) <= PREPARED else {}

    def answer(self, method: str, target: str, body: bytes) -> tuple[bytes, float]:
        """The JSON, and for how long to wait before it is sent."""
        parts = urlsplit(target)
        site = _SITE.match(parts.path)
        path = parts.path[site.end() :] if site else parts.path
        if path == "/_counts":
            counts, self.counts = self.counts, Counter()
            return json.dumps(counts).encode(), 0.0
        asked: dict[str, Any] = {k: v[0] for k, v in parse_qs(parts.query).items()}
        asked |= json.loads(body) if body else {}
        if path == "/_changed":
            return self._change(asked["share"]), 0.0
        self.counts[f"{site[1] if site else 'c0'} {method} {path}"] += 1
        answer, given = self._route(path, asked)
        return answer, self.latency_s + given * self.per_issue_s

    def _change(self, share: float) -> bytes:
        count = round(len(self._all) * share)
        self.stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000")
        step = len(self._all) // count if count else 1
        self.changed = self._all[: count * step : step]
        self._fresh = frozenset(self.changed)
        return json.dumps({"changed": count}).encode()

    def _route(self, path: str, asked: dict[str, Any]) -> tuple[bytes, int]:
        if path.endswith("/issue/bulkfetch"):
            return self._bulk([int(i) for i in asked["issueIdsOrKeys"]])
        if path.endswith("/search/jql"):
            return self._search(asked, by_token=True)
        if path.endswith("/search") and not path.endswith("/project/search"):
            return self._search(asked, by_token=False)
        return json.dumps(self._small(path, asked)).encode(), 0

    def _small(self, path: str, asked: dict[str, Any]) -> Any:
        last = path.rsplit("/", 1)[-1]
        if named := _PROJECT.search(path):
            project = self._project(named[1])
            return project["versions"] if last == "versions" else project
        known: dict[str, Any] = {
            "approximate-count": {"count": len(self._matching(asked.get("jql", "")))},
            "myself": {"accountId": "1", "displayName": "Bench", "timeZone": ZONE},
            "field": _FIELDS,
            "project": (projects := [self._project(key) for key in self.source.projects]),
            "search": {"startAt": 0, "total": len(projects), "isLast": True, "values": projects},
            "serverInfo": _SERVER,
            "board": {"startAt": 0, "maxResults": 50, "total": 0, "isLast": True, "values": []},
        }
        return known.get(last, {})

    def _project(self, key: str) -> dict[str, Any]:
        number = [*self.source.projects].index(key)
        version = {"id": f"{10200 + number}", "name": "R1", "archived": False, "released": False}
        return {"id": f"{10000 + number}", "key": key, "name": f"Project {key}",
                "versions": [version], "lead": {"displayName": "Person 1"}}  # fmt: skip

    def _matching(self, jql: str) -> Sequence[int]:
        since = _SINCE.search(jql)
        if since and since[1] >= CHANGED_SINCE:
            return self.changed
        projects = self.source.projects
        named = [k for k in dict.fromkeys(_WORD.findall(jql)) if k in projects]
        return _joined([projects[k] for k in named]) if named else self._all

    def _bulk(self, wanted: list[int]) -> tuple[bytes, int]:
        return b'{"issues":[' + self._bodies(wanted) + b'],"issueErrors":[]}', len(wanted)

    def _bodies(self, wanted: Sequence[int]) -> bytes:
        if self._fresh.isdisjoint(wanted):
            ids, page = self._pages.get(wanted[0] if wanted else 0, ((), b""))
            return page if wanted and ids == tuple(wanted) else self.source.bodies(wanted, None)
        if self._fresh.issuperset(wanted):
            return self.source.bodies(wanted, self.stamp)
        return b",".join(
            [self.source.bodies([i], self.stamp if i in self._fresh else None) for i in wanted]
        )

    def _search(self, asked: dict[str, Any], *, by_token: bool) -> tuple[bytes, int]:
        matching = self._matching(asked.get("jql", ""))
        start = int(asked.get("nextPageToken") or asked.get("startAt") or 0)
        bare = asked.get("fields", "id") in (["id"], "id")
        size = min(int(asked.get("maxResults", 50)), 5_000 if bare else PAGE)
        part = matching[start : start + size]
        last = start + size >= len(matching)
        rows = b",".join([b'{"id":"%d"}' % i for i in part]) if bare else self._bodies(part)
        head: dict[str, Any] = {"startAt": start, "maxResults": size, "total": len(matching)}
        if by_token:
            head = {"isLast": last} | ({} if last else {"nextPageToken": str(start + size)})
        text = json.dumps(head).encode()
        return text[:-1] + b',"issues":[' + rows + b"]}", 0 if bare else len(part)


def _joined(projects: Iterable[Sequence[int]]) -> Sequence[int]:
    found = [*projects]
    return found[0] if len(found) == 1 else [i for ids in found for i in ids]


def _prepared(source: Source) -> dict[int, tuple[tuple[int, ...], bytes]]:
    """The pages of a project read from its beginning, by their first id."""
    pages: dict[int, tuple[tuple[int, ...], bytes]] = {}
    for ids in source.projects.values():
        for start in range(0, len(ids), PAGE):
            page = tuple(ids[start : start + PAGE])
            pages[page[0]] = page, source.bodies(page, None)
    return pages


class Connection(asyncio.Protocol):
    """One HTTP/1.1 connection; answers requests in turn."""

    def __init__(self, mock: Mock, loop: asyncio.AbstractEventLoop) -> None:
        self._mock, self._loop, self._buffer = mock, loop, b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keeps the transport."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2**22)

    def data_received(self, data: bytes) -> None:
        """Answers once a request is complete."""
        self._buffer += data
        head, found, rest = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return
        length = re.search(rb"content-length: *(\d+)", head, re.IGNORECASE)
        size = int(length[1]) if length else 0
        if len(rest) < size:
            return
        self._buffer = rest[size:]
        method, target, _ = head.split(b"\r\n", 1)[0].decode().split(" ", 2)
        body, wait_s = self._mock.answer(method, target, rest[:size])
        if wait_s:
            self._loop.call_later(wait_s, self._send, body)
        else:
            self._send(body)

    def _send(self, body: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            head = (
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
            )
            self._transport.write(head % len(body))
            self._transport.write(body)


async def serve(mock: Mock, port: int) -> None:
    """Serves until it is killed."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(mock, loop), "127.0.0.1", port)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--issues", type=int, default=10_000)
    parser.add_argument("--real", action="store_true")
    parser.add_argument("--latency-ms", type=float, default=0.0)
    parser.add_argument("--per-issue-ms", type=float, default=0.0)
    parser.add_argument("--port", type=int, default=0)
    given = parser.parse_args()
    source: Source = RealIssues() if given.real else Issues(given.issues)
    mock = Mock(source, given.latency_ms / 1000, given.per_issue_ms / 1000)
    asyncio.run(serve(mock, given.port))


if __name__ == "__main__":
    main()
