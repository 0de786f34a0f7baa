"""What the handlers of the Jira sandbox share: request, answer, refusal, route, paging."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import orjson

from connectors.jira.sandbox_render import Renderer, plain_of
from connectors.jira.sandbox_state import Issue, Json, State


@dataclass(frozen=True, slots=True)
class Request:
    """One request as a handler sees it."""

    method: str
    path: str
    query: dict[str, list[str]]
    body: bytes = b""

    def text(self, name: str, default: str = "") -> str:
        """The last value of a query parameter."""
        return self.query.get(name, [default])[-1]

    def number(self, name: str, default: int) -> int:
        """A query parameter as a whole number; a word instead of one is a 404, as at the vendor."""
        try:
            return int(self.text(name) or default)
        except ValueError:
            raise Refusal(404, f"{name}: '{self.text(name)}' is not a number") from None

    def words(self, name: str) -> list[str]:
        """A query parameter that may repeat and may hold commas."""
        values = self.query.get(name, [])
        return [word.strip() for value in values for word in value.split(",") if word.strip()]

    def json(self) -> Any:
        """The body; a malformed one is refused."""
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError as error:
            raise Refusal(400, f"Invalid request payload: {error}") from None

    def object(self) -> Json:
        """The body where it must be a JSON object."""
        found = self.json()
        if not isinstance(found, dict):
            raise Refusal(400, "Invalid request payload. Refer to the REST API documentation.")
        return found


@dataclass(frozen=True, slots=True)
class Answer:
    """What a handler says; `body` None is an empty one."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


class Refusal(Exception):
    """An answer with Jira's error collection."""

    def __init__(self, status: int, *messages: str, **errors: str) -> None:
        super().__init__(status, messages, errors)
        self.answer = Answer(status, {"errorMessages": list(messages), "errors": errors})


@dataclass(frozen=True, slots=True)
class Site:
    """What a handler works on."""

    state: State
    render: Renderer

    @property
    def cloud(self) -> bool:
        """Whether this is the Cloud flavour."""
        return self.render.cloud

    @property
    def me(self) -> Json:
        """The account of the token."""
        return self.state.users[self.state.current_user()]

    def issue(self, id_or_key: str) -> Issue:
        """The visible issue, or the vendor's 404, which does not tell gone from forbidden."""
        found = self.state.get(id_or_key)
        if found is None:
            raise Refusal(404, "Issue does not exist or you do not have permission to see it.")
        return found

    def project(self, id_or_key: str) -> Json:
        """The visible project, or 404."""
        found = self.state.project(id_or_key)
        if found is None:
            raise Refusal(404, f"No project could be found with key '{id_or_key}'.")
        return found

    def may(self, permission: str, refusal: str) -> None:
        """Refuses with 403 what the account lacks the permission for."""
        if permission in self.state.denied:
            raise Refusal(403, refusal)

    def written(self, value: Any, **error: str) -> str | Json:
        """A text from a request, kept as it is: a document on Cloud, wiki text on Data Center."""
        if isinstance(value, dict) and self.cloud and value.get("type") == "doc":
            return value
        if isinstance(value, str) and not self.cloud:
            return value
        raise Refusal(400, **error)

    def plain(self, value: Any, **error: str) -> str:
        """A text from a request where only its words are kept."""
        return plain_of(self.written(value, **error))


Handler = Callable[..., Any]  # (site, request, *path parameters) → JSON value or Answer


@dataclass(frozen=True, slots=True)
class Route:
    """One method of one path. The query parameters are those of the vendor's documents."""

    method: str
    path: str
    handler: Handler
    cloud: frozenset[str] | None  # query parameters; None: not in this flavour
    datacenter: frozenset[str] | None

    def matcher(self, *, cloud: bool) -> re.Pattern[str]:
        """The whole path as an expression with one group a parameter."""
        path = self.path.replace("/api/", f"/api/{3 if cloud else 2}/")
        return re.compile("/rest" + re.sub(r"\{\w+\}", "([^/]+)", path))

    def parameters(self, *, cloud: bool) -> frozenset[str] | None:
        """The flavour's query parameters, None where it lacks the path."""
        return self.cloud if cloud else self.datacenter


def route(
    method: str, path: str, handler: Handler, cloud: str | None = "", datacenter: str | None = ""
) -> Route:
    """A route with its parameters as words; None where the flavour lacks it."""

    def words(text: str | None) -> frozenset[str] | None:
        return None if text is None else frozenset(text.split())

    return Route(method, path, handler, words(cloud), words(datacenter))


def page(
    site: Site, request: Request, values: Sequence[Any], *, most: int, key: str = "values"
) -> Json:
    """One page by `startAt` and `maxResults`, as most lists of both flavours answer."""
    start = max(request.number("startAt", 0), 0)
    size = min(max(request.number("maxResults", most), 0), most)
    shown = list(values[start : start + size])
    last = start + len(shown) >= len(values)
    result: Json = {"startAt": start, "maxResults": size, "total": len(values), key: shown}
    if key == "values":
        result |= {"self": site.render.base + request.path, "isLast": last}
        if not last:
            others = [
                f"{quote(name)}={quote(value)}"
                for name, given in request.query.items()
                if name not in ("startAt", "maxResults")
                for value in given
            ]
            query = "&".join([*others, f"maxResults={size}", f"startAt={start + len(shown)}"])
            result["nextPage"] = f"{site.render.base}{request.path}?{query}"
    return result


def without(values: Json, *names: str) -> Json:
    """A copy that lacks some entries."""
    return {name: value for name, value in values.items() if name not in names}


def found(things: Iterable[Json], ident: str, refusal: str) -> Json:
    """The thing of that id, or 404."""
    for thing in things:
        if str(thing["id"]) == ident:
            return thing
    raise Refusal(404, refusal)


def entries_of(document: Json, field: str, key: str) -> list[Json]:
    """The live list in a document's field: of comments, of worklogs."""
    holder = document["fields"].get(field) or {}
    document["fields"][field] = holder
    entries: list[Json] = holder.setdefault(key, [])
    return entries


def remove_entry(site: Site, issue: Issue, field: str, key: str, ident: str) -> None:
    """Takes one comment or worklog out of an issue."""

    def act(document: Json) -> None:
        entries = entries_of(document, field, key)
        entries[:] = [entry for entry in entries if entry["id"] != ident]

    site.state.amend(issue, act)
