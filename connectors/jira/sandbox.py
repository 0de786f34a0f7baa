"""A stateful simulator of Jira's REST API, served over real HTTP on loopback.

Two flavours: "cloud" (REST v3, basic authentication with an API token) and "datacenter" (REST v2,
a bearer token). Its answers are validated against the vendor's OpenAPI documents by the tests. It
keeps the habits that break software: short pages, tokens bound to their query, an index that
lags, moved issues, a removed search, dates read in the account's time zone.
"""

from __future__ import annotations

import base64
import math
import threading
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, unquote, urlsplit

import orjson

from connectors.jira import sandbox_marks, sandbox_reads, sandbox_search, sandbox_writes
from connectors.jira.sandbox_api import Answer, Refusal, Request, Route, Site
from connectors.jira.sandbox_data import dump, load, undump
from connectors.jira.sandbox_edit import create, values
from connectors.jira.sandbox_fields import Fields
from connectors.jira.sandbox_http import Exchange, Reply, Server
from connectors.jira.sandbox_render import Renderer
from connectors.jira.sandbox_seed import seed
from connectors.jira.sandbox_state import Issue, Json, State, milliseconds, stamp
from itpm_sync.connector import Faults
from itpm_sync.model import Record

_ROUTES: tuple[Route, ...] = (
    *sandbox_reads.ROUTES, *sandbox_search.ROUTES, *sandbox_marks.ROUTES, *sandbox_writes.ROUTES,
)  # fmt: skip
_LOGIN_PAGE = b"<!DOCTYPE html><html><head><title>Log in</title></head><body>Log in</body></html>"
_UNAUTHENTICATED = "You are not authenticated. Authentication required to perform this operation."


class JiraSandbox:
    """Implements `itpm_sync.connector.Sandbox`; the other methods are for tests.

    `requests` logs every exchange; bodies of answers are kept only while `recording` is true.
    `unknown_parameters` lists query parameters that the vendor does not know, `surprises` the
    requests whose body was of a shape that no handler expects.
    """

    title: ClassVar[str] = "Jira Cloud and Jira Data Center"
    flavours: ClassVar[tuple[str, ...]] = ("cloud", "datacenter")

    def __init__(self, flavour: str = "") -> None:
        if (flavour or "cloud") not in self.flavours:
            raise ValueError(f"flavour {flavour!r}: expected one of {', '.join(self.flavours)}")
        self.flavour = flavour or "cloud"
        self.cloud = self.flavour == "cloud"
        self.email, self.token = "itpm-sync@example.com", "sandbox-token"
        self.password = "sandbox-password"  # noqa: S105 - of a simulator on loopback
        self.state = State(fields=Fields(cloud=self.cloud))
        self.url = ""
        self.recording = False
        self.requests: list[Exchange] = []
        self.unknown_parameters: list[str] = []
        self.surprises: list[str] = []
        self._faults = Faults()
        self._failures: list[str] = []
        self._allowance = 0.0
        self._refilled = time.monotonic()
        self._lock = threading.RLock()
        self._stopping = threading.Event()
        self._server: Server | None = None
        self._site: Site | None = None
        self._routes = [
            (route, route.matcher(cloud=self.cloud), parameters)
            for route in _ROUTES
            if (parameters := route.parameters(cloud=self.cloud)) is not None
        ]

    # ---- the protocol

    def seed(self, records: Iterable[Record]) -> int:
        """Adds values of the unified model, or changes what their `ref` made; how many it took."""
        with self._lock:
            return seed(self.site, records)

    def load(self, path: Path) -> int:
        """Adds a dump of real issues; returns how many."""
        with self._lock:
            return load(self.state, Path(path))

    def start(self, port: int = 0) -> str:
        """Serves on 127.0.0.1 in a thread; returns the base URL."""
        self._stopping.clear()
        self._server = Server(self.serve, self._stopping, port)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.005,), daemon=True).start()
        return self.url

    def stop(self) -> None:
        """Stops serving; the state stays."""
        self._stopping.set()
        if self._server:
            self._server.shutdown()
            self._server.close()
            self._server = None

    def set_faults(self, faults: Faults) -> None:
        """What to do wrong from now on; replaces what was set before."""
        with self._lock:
            self._faults, self._failures = faults, list(faults.fail_next)
            self._allowance, self._refilled = faults.rate_limit_per_s or 0.0, time.monotonic()

    def configuration(self) -> Mapping[str, Any]:
        """A `connections:` entry for every visible project."""
        login: Json = {"token": "${env:JIRA_TOKEN}"}
        if self.cloud:
            login = {"email": self.email, **login}
        shown = (p["key"] for p in self.state.projects.values() if not p.get("hidden"))
        return {
            "connector": "jira", "url": self.url, "flavor": self.flavour, "auth": login,
            "projects": sorted(shown),
            "fields": {"points": "Story Points", "cost_code": "Cost Code"},
        }  # fmt: skip

    def environment(self) -> Mapping[str, str]:
        """The token that `configuration` refers to."""
        return {"JIRA_TOKEN": self.token}

    def save(self, path: Path) -> None:
        """Writes the whole state as one JSON file."""
        with self._lock:
            Path(path).write_bytes(dump(self.state))

    def restore(self, path: Path) -> None:
        """Replaces the state by one that `save` wrote."""
        with self._lock:
            state = State(fields=Fields(cloud=self.cloud))
            undump(state, Path(path).read_bytes())
            state.fields.cloud = self.cloud
            self.state, self._site = state, None

    # ---- what people do behind our back; keys are present or former ones

    @property
    def site(self) -> Site:
        """State and renderer as handlers get them."""
        if self._site is None or self._site.render.base != self.url:
            self._site = Site(self.state, Renderer(self.state, self.cloud, self.url))
        return self._site

    def create_project(self, key: str, name: str = "") -> str:
        """A new project; its key."""
        return str(self.state.add_project(key, name)["key"])

    def create_issue(self, project: str, summary: str, /, **fields: Any) -> str:
        """A new issue; fields by id or name (`status="Done"`, `labels=[…]`); its key."""
        with self._lock:
            owner = self.state.add_project(project)
            given = {"summary": summary, **fields}
            return create(self.state, owner, given, author=self.site.me).key

    def edit_issue(self, key: str, /, **fields: Any) -> None:
        """Changes fields by id or name, with history, as somebody else would."""
        with self._lock:
            issue = self._issue(key)
            changes = values(self.state, self.state.project_of(issue), fields)
            self.state.change(issue, changes, self.state.user("Somebody Else"))

    def delete_issue(self, key: str) -> None:
        """Deletes an issue for good."""
        with self._lock:
            self.state.delete(self._issue(key))

    def move_issue(self, key: str, project: str) -> str:
        """Moves an issue; its new key. The id stays and the old key goes on to find it."""
        with self._lock:
            self.state.add_project(project)
            issue = self._issue(key)
            return self.state.move(issue, project, self.state.user("Somebody Else"))

    def hide_issue(self, key: str, hidden: bool = True) -> None:
        """Takes the permission to see an issue, or gives it back."""
        with self._lock:
            self._issue(key).hidden = hidden
            self.state.version += 1

    def hide_project(self, key: str, hidden: bool = True) -> None:
        """Takes the permission to browse a project, or gives it back."""
        with self._lock:
            self.state.projects[key]["hidden"] = hidden
            self.state.version += 1

    def deny(self, *permissions: str) -> None:
        """Takes permissions such as `ADD_COMMENTS`, or `JIRA_SOFTWARE`, the licence to see boards;
        none given: all are back."""
        with self._lock:
            self.state.denied = set(permissions)

    def add_field(self, name: str, kind: str = "string") -> str:
        """One more custom field, even if the name exists already; its id."""
        return self.state.fields.add(name, kind)

    def add_comment(self, key: str, text: str, author: str = "Somebody Else") -> str:
        """A comment by somebody else; its id."""
        with self._lock:
            issue, now = self._issue(key), stamp(self.state.clock.ms())
            who, ident = self.state.user(author), str(self.state.next_id())
            entry = {"id": ident, "author": who, "body": text, "created": now, "updated": now}

            def act(document: Json) -> None:
                document["fields"]["comment"]["comments"].append(entry)

            self.state.amend(issue, act)
            return ident

    def edit_comment(self, key: str, ident: str, text: str) -> None:
        """Replaces a comment's text, as somebody else would."""
        change = {"body": text, "updateAuthor": self.state.user("Somebody Else")}
        with self._lock:
            sandbox_marks.amend_comment(self.site, self._issue(key), ident, change)

    def add_worklog(
        self, key: str, seconds: int, *, author: str = "Somebody Else", started: str = ""
    ) -> str:
        """A worklog by somebody else; its id."""
        with self._lock:
            issue, now = self._issue(key), stamp(self.state.clock.ms())
            who, ident = self.state.user(author), str(self.state.next_id())
            entry = {
                "id": ident, "author": who, "updateAuthor": who, "created": now, "updated": now,
                "started": started or now, "timeSpentSeconds": seconds,
            }  # fmt: skip
            sandbox_writes.record_worklog(self.site, issue, entry, adjust=True)
            return ident

    def edit_worklog(self, key: str, ident: str, seconds: int) -> None:
        """Changes how long a worklog lasted."""
        body = orjson.dumps({"timeSpentSeconds": seconds})
        with self._lock:
            sandbox_writes.edit_worklog(self.site, Request("PUT", "", {}, body), key, ident)

    def delete_worklog(self, key: str, ident: str) -> None:
        """Deletes a worklog."""
        with self._lock:
            sandbox_writes.delete_worklog(self.site, Request("DELETE", "", {}), key, ident)

    def set_index_lag(self, seconds: float) -> None:
        """How long writes stay invisible to searches; `advance` makes the time pass."""
        self.state.index_lag_s = seconds

    def advance(self, seconds: float) -> None:
        """Lets time pass on the sandbox's clock only; negative: its clock goes slow."""
        with self._lock:
            self.state.clock.offset += timedelta(seconds=seconds)
            self.state.refresh()

    def freeze(self, moment: datetime | None) -> None:
        """Stops the sandbox's clock at a moment; None lets it run again."""
        with self._lock:
            self.state.clock.frozen = moment
            self.state.refresh()

    def issue(self, key: str) -> Json:
        """The whole document of an issue, hidden or not, in Data Center's words."""
        return self._issue(key).document()

    def updated(self, key: str) -> datetime:
        """When the issue says that it changed."""
        moment = milliseconds(self.issue(key)["fields"]["updated"])
        return datetime.fromtimestamp(moment / 1000, UTC)

    def _issue(self, key: str) -> Issue:
        number = int(key) if key.isdigit() else self.state.keys[key]
        return self.state.issues[number]

    # ---- answering

    def serve(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """One request through faults, limits, login and handler; logged."""
        if self._faults.latency_s:
            time.sleep(self._faults.latency_s)
        with self._lock:
            reply = self._limited() or self._failing(method, target, headers, body)
            reply = reply or self._handled(method, target, headers, body)
            reply.headers.setdefault("Content-Type", "application/json;charset=UTF-8")
            reply.headers["Date"] = format_datetime(self.state.clock.now(), usegmt=True)
            kept = reply.body if self.recording else b""
            address = self.url + target
            self.requests.append(
                Exchange(method, address, headers, body, reply.status, reply.headers, kept)
            )
            return reply

    def _limited(self) -> Reply | None:
        rate = self._faults.rate_limit_per_s
        if not rate:
            return None
        now = time.monotonic()
        self._allowance = min(max(rate, 1.0), self._allowance + (now - self._refilled) * rate)
        self._refilled = now
        if self._allowance >= 1:
            self._allowance -= 1
            return None
        return self._too_many(math.ceil((1 - self._allowance) / rate), rate)

    def _too_many(self, wait_s: int, rate: float = 10.0, *, as_date: bool = False) -> Reply:
        until = self.state.clock.now() + timedelta(seconds=wait_s)
        wish = format_datetime(until + timedelta(seconds=1), usegmt=True) if as_date else None
        headers = {
            "Retry-After": wish or str(wait_s), "X-RateLimit-Limit": str(math.ceil(rate)),
            "X-RateLimit-Remaining": "0",
        }  # fmt: skip
        if self.cloud:
            headers["RateLimit-Reason"] = "jira-burst-based"
            headers["X-RateLimit-Reset"] = f"{until:%Y-%m-%dT%H:%MZ}"
            headers["X-RateLimit-NearLimit"] = "true"
        else:
            headers["X-RateLimit-Interval-Seconds"] = "1"
            headers["X-RateLimit-FillRate"] = str(math.ceil(rate))
        return _reply(Answer(429, _errors("Rate limit exceeded."), headers))

    def _failing(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes
    ) -> Reply | None:
        """Uses up one ordered failure."""
        if not self._failures:
            return None
        failure = self._failures.pop(0)
        if failure in ("truncate", "timeout-after"):
            reply = self._handled(method, target, headers, body)
            reply.damage = "truncate" if failure == "truncate" else "hang"
            return reply
        if failure in ("reset", "timeout-before"):
            return Reply(0, b"", damage="reset" if failure == "reset" else "hang")
        if failure == "html":
            return Reply(200, _LOGIN_PAGE, {"Content-Type": "text/html;charset=UTF-8"})
        if failure in ("429", "429-date"):
            return self._too_many(1, as_date=failure == "429-date")
        return self._unauthenticated() if failure == "401" else self._plain_failure(failure)

    def _plain_failure(self, failure: str) -> Reply:
        texts = {
            "403": "You do not have permission to perform this operation.",
            "500": "Internal server error", "503": "Service temporarily unavailable",
        }  # fmt: skip
        more = {"Retry-After": "1"} if failure == "503" else {}
        return _reply(Answer(int(failure), _errors(texts[failure]), more))

    def _unauthenticated(self) -> Reply:
        challenge = "OAuth realm" if self.cloud else "Bearer realm"
        headers = {
            "WWW-Authenticate": f'{challenge}="{self.url}"',
            "X-Seraph-LoginReason": "AUTHENTICATED_FAILED",
        }
        return _reply(Answer(401, _errors(_UNAUTHENTICATED), headers))

    def _login(self, headers: Mapping[str, str]) -> bool:
        given = headers.get("Authorization", "")
        user, secret = (self.email, self.token) if self.cloud else ("itpm-sync", self.password)
        basic = f"Basic {base64.b64encode(f'{user}:{secret}'.encode()).decode()}"
        return given == basic or (not self.cloud and given == f"Bearer {self.token}")

    def _handled(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Reply:
        if not self._login(headers):
            return self._unauthenticated()
        parts = urlsplit(target)
        query = parse_qs(parts.query, keep_blank_values=True)
        matches = [
            (route, hit, parameters)
            for route, matcher, parameters in self._routes
            if (hit := matcher.fullmatch(parts.path))
        ]
        for route, hit, parameters in matches:
            if route.method == method:
                unknown = [name for name in query if name not in parameters]
                self.unknown_parameters += [f"{method} {parts.path}?{n}" for n in unknown]
                request = Request(method, parts.path, query, body)
                return self._called(route, request, [unquote(group) for group in hit.groups()])
        if matches:
            return _reply(Answer(405, _errors("Method Not Allowed")))
        missing = {"message": f"null for uri: {target}", "status-code": 404}
        return _reply(Answer(404, missing))

    def _called(self, route: Route, request: Request, groups: list[str]) -> Reply:
        try:
            result = route.handler(self.site, request, *groups)
        except Refusal as refusal:
            result = refusal.answer
        except (TypeError, ValueError, AttributeError, LookupError, RecursionError) as error:
            # A body of the wrong shape; kept apart so that a test can tell it from a refusal.
            self.surprises.append(f"{request.method} {request.path}: {error!r}")
            result = Answer(400, _errors(f"Invalid request payload: {error}"))
        return _reply(result if isinstance(result, Answer) else Answer(200, result))


def _errors(message: str) -> Json:
    return {"errorMessages": [message], "errors": {}}


def _reply(answer: Answer) -> Reply:
    body = b"" if answer.body is None else orjson.dumps(answer.body)
    return Reply(answer.status, body, dict(answer.headers))


__all__ = ["Exchange", "JiraSandbox"]
