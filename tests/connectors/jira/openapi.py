"""Validates what went over the wire against Atlassian's OpenAPI documents.

    openapi.assert_valid(sandbox.requests, "cloud")     # after `sandbox.recording = True`

Every request and every answer must fit the document of its flavour; a path, a method or a query
parameter that the document does not know fails too, as does a text that is no proper Atlassian
document (its schema allows anything). The documents lie outside this repository: `documents()`
says where, `missing()` why a test must be skipped.

What differs from the documents, and why:
- Security is not checked: personal access tokens stand in no document.
- Stamps such as `2024-05-01T10:11:12.345+0000` are accepted as `date-time`: Jira writes no colon.
- Any error status is accepted if it is one that Atlassian documents for all operations (401, 403,
  404, 429, 5xx, …); its body is checked where the operation describes one.
- Bodies of requests may hold described properties only, also where the document is silent.
- Data Center's document (generated from Java) types fields of issues and values of properties too
  narrowly, and shows a list as its single element; `_mend_datacenter` corrects exactly those.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
from openapi_core import Config, OpenAPI
from openapi_core.testing import MockRequest, MockResponse

from connectors.jira.sandbox import Exchange
from tests.beside import SHARED

Json = dict[str, Any]

_FILES = {
    "cloud": "jira-cloud-platform-v3.json",
    "software": "jira-cloud-software.json",
    "datacenter": "jira-data-center-10.3.json",
}
_HOST = "http://sandbox"
_GENERAL_ERRORS = frozenset({400, 401, 403, 404, 405, 409, 410, 413, 422, 429, 500, 502, 503, 504})
_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)")
_VARYING = re.compile(rb"(?<=//127\.0\.0\.1:)\d+|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}(?=\+0000)")
_SILENT = frozenset({0})  # no answer was given: an injected reset or timeout


def documents() -> Path:
    """The folder of the vendor's documents."""
    return SHARED / "specs"


def missing() -> str:
    """Why validation is impossible here; empty if it is possible."""
    absent = [name for name in _FILES.values() if not (documents() / name).exists()]
    return f"the vendor's documents are not at {documents()}" if absent else ""


def assert_valid(exchanges: Iterable[Exchange], flavour: str) -> int:
    """Fails on the first problems of any exchange; returns how many were checked."""
    count = 0
    problems: list[str] = []
    for exchange in exchanges:
        count += 1
        likeness = _likeness(exchange, flavour)
        if likeness in _proved():
            continue
        found = list(problems_of(exchange, flavour))
        if not found:
            _proved().add(likeness)
        place = f"{exchange.method} {urlsplit(exchange.url).path} → {exchange.status}"
        problems += [f"{place}: {problem}" for problem in found]
    assert not problems, "\n".join(problems[:20])
    return count


@cache
def _proved() -> set[bytes]:
    """The likenesses of the exchanges that were found valid: the tests repeat most of them."""
    return set()


def _likeness(exchange: Exchange, flavour: str) -> bytes:
    """An exchange but for its port and the figures of its stamps, which no schema asks about."""
    head = f"{flavour} {exchange.method} {exchange.url} {exchange.status}".encode()
    whole = b"\n\n".join((head, exchange.request_body, exchange.response_body))
    return _VARYING.sub(b"~", whole)


def problems_of(exchange: Exchange, flavour: str) -> Iterator[str]:
    """What is wrong with one exchange."""
    agile = exchange.path.startswith("/rest/agile/")
    document = _Document.of("software" if agile and flavour == "cloud" else flavour)
    operation = document.operation(exchange.method, exchange.path)
    if operation is None:
        yield "no such method and path in the vendor's document"
        return
    known = {p["name"] for p in operation["parameters"] if p["in"] == "query"}
    for name in exchange.query:
        if name not in known:
            yield f"query parameter {name!r} is unknown (known: {', '.join(sorted(known))})"
    if exchange.status not in _GENERAL_ERRORS:
        yield from document.request_errors(exchange)
        yield from _text_errors(exchange.request_body, flavour)
    yield from document.response_errors(exchange, operation)
    yield from _text_errors(exchange.response_body, flavour)
    yield from _paging_errors(exchange)


class _Document:
    """One of the vendor's documents, mended and ready."""

    @staticmethod
    @cache
    def of(name: str) -> _Document:
        return _Document(name)

    def __init__(self, name: str) -> None:
        raw = orjson.loads((documents() / _FILES[name]).read_bytes())
        prefix = "/rest" if name == "datacenter" else ""
        raw["servers"] = [{"url": _HOST + prefix}]
        if name == "datacenter":
            _mend_datacenter(raw)
        if name == "software":
            _mend_software(raw)
        for item in raw["paths"].values():
            for method in item.values():
                if isinstance(method, dict):
                    method.pop("security", None)
        self._raw = raw
        self._tighten()
        self._paths = [
            (re.compile(prefix + re.sub(r"\\{[^}]*\\}", "[^/]+", re.escape(path))), path)
            for path in sorted(raw["paths"], key=lambda path: path.count("{"))
        ]
        self._apis: dict[str, OpenAPI] = {}

    def _api(self, exchange: Exchange) -> OpenAPI:
        """The document with the one path that matters: openapi-core looks through all it has."""
        template = self._template(exchange.method, exchange.path)
        if template not in self._apis:
            self._apis[template] = OpenAPI.from_dict(
                self._raw | {"paths": {template: self._raw["paths"][template]}},
                config=Config(
                    spec_validator_cls=None,
                    extra_format_validators={"date-time": lambda v: bool(_STAMP.fullmatch(str(v)))},
                ),
            )
        return self._apis[template]

    def _tighten(self) -> None:
        for item in self._raw["paths"].values():
            for method in ("post", "put"):
                body = self._resolved(item.get(method, {}).get("requestBody", {}))
                for content in body.get("content", {}).values():
                    schema = self._resolved(content.get("schema", {}))
                    if schema.get("properties"):
                        content["schema"] = schema | {"additionalProperties": False}

    def _template(self, method: str, path: str) -> str:
        """The most literal path that matches and has the method; empty if none has."""
        return next(
            (
                template
                for matcher, template in self._paths
                if matcher.fullmatch(path) and method.lower() in self._raw["paths"][template]
            ),
            "",
        )

    def operation(self, method: str, path: str) -> Json | None:
        """The operation of the most literal matching path, its parameters resolved."""
        item = self._raw["paths"].get(self._template(method, path))
        if item is None:
            return None
        found: Json = item[method.lower()]
        given = [*item.get("parameters", ()), *found.get("parameters", ())]
        return found | {"parameters": [self._resolved(p) for p in given]}

    def _resolved(self, thing: Json) -> Json:
        while "$ref" in thing:
            target: Any = self._raw
            for part in thing["$ref"].removeprefix("#/").split("/"):
                target = target[part]
            thing = target
        return thing

    def request_errors(self, exchange: Exchange) -> Iterator[str]:
        for error in self._api(exchange).iter_request_errors(_request(exchange)):
            yield f"request: {_words(error)}"

    def response_errors(self, exchange: Exchange, operation: Json) -> Iterator[str]:
        if exchange.status in _SILENT:
            return
        described = operation["responses"].get(str(exchange.status))
        if described is None:
            if exchange.status not in _GENERAL_ERRORS:
                yield f"answer: status {exchange.status} is not described"
            return
        content = self._resolved(described).get("content") or {}
        if not content or not exchange.response_body:
            return  # nothing described, or nothing said: openapi-core would ask for a body
        response = MockResponse(
            exchange.response_body,
            status_code=exchange.status,
            content_type="application/json",
        )
        for error in self._api(exchange).iter_response_errors(_request(exchange), response):
            yield f"answer: {_words(error)}"


def _request(exchange: Exchange) -> MockRequest:
    parts = urlsplit(exchange.url)
    return MockRequest(
        _HOST,
        exchange.method.lower(),
        parts.path,
        args=parse_qs(parts.query, keep_blank_values=True),
        headers={},
        data=exchange.request_body or None,
        content_type="application/json",
    )


def _words(error: Exception) -> str:
    cause = error.__cause__ or error
    inner = getattr(cause, "schema_errors", None)
    if inner:
        first = next(iter(inner))
        where = "/".join(map(str, first.absolute_path))
        return f"{where}: {first.message[:300]}"
    return f"{type(error).__name__}: {str(cause)[:300]}"


def _mend_software(raw: Json) -> None:
    """Cloud's document shows sprints by example only; here is what the examples say."""
    sprint = {
        "type": "object",
        "required": ["id", "self", "state", "name", "originBoardId"],
        "properties": {
            "id": {"type": "integer"},
            "self": {"type": "string"},
            "state": {"type": "string", "enum": ["future", "active", "closed"]},
            "name": {"type": "string"},
            "startDate": {"type": "string", "format": "date-time"},
            "endDate": {"type": "string", "format": "date-time"},
            "completeDate": {"type": "string", "format": "date-time"},
            "createdDate": {"type": "string", "format": "date-time"},
            "originBoardId": {"type": "integer"},
            "goal": {"type": "string"},
        },
        "additionalProperties": False,
    }
    paths = raw["paths"]
    _answer(paths["/rest/agile/1.0/sprint/{sprintId}"]["get"], lambda _schema: sprint)
    _answer(paths["/rest/agile/1.0/board/{boardId}/sprint"]["get"], lambda _schema: _paged(sprint))


def _mend_datacenter(raw: Json) -> None:
    schemas = raw["components"]["schemas"]
    schemas["IssueBean"]["properties"]["fields"]["additionalProperties"] = {}
    schemas["IssueUpdateBean"]["properties"]["fields"]["additionalProperties"] = {}
    schemas["EntityPropertyBean"]["properties"]["value"] = {}
    schemas["StringList"] = {"type": "string"}
    # The document says date-time; Jira writes a day.
    for name in ("releaseDate", "startDate"):
        schemas["VersionBean"]["properties"][name].pop("format", None)
    paths = raw["paths"]
    for path, method in _LISTS:
        _answer(paths[path][method], lambda schema: {"type": "array", "items": schema})
    for path in ("/agile/1.0/board", "/agile/1.0/board/{boardId}/sprint"):
        _answer(paths[path]["get"], _paged)
    either = paths["/api/2/issue/{issueIdOrKey}/remotelink"]["get"]
    _answer(either, lambda schema: {"oneOf": [{"type": "array", "items": schema}, schema]})
    values = raw["paths"]["/api/2/project/{projectIdOrKey}/version"]["get"]
    version = {"$ref": "#/components/schemas/VersionBean"}
    _answer(values, lambda _schema: _paged(version))
    for path in _PROPERTIES:
        for content in paths[path]["put"]["requestBody"]["content"].values():
            content["schema"] = {}


_LISTS = (
    ("/api/2/field", "get"),
    ("/api/2/project", "get"),
    ("/api/2/project/{projectIdOrKey}/versions", "get"),
    ("/api/2/worklog/list", "post"),
)
_PROPERTIES = (
    "/api/2/issue/{issueIdOrKey}/properties/{propertyKey}",
    "/api/2/comment/{commentId}/properties/{propertyKey}",
)


def _paged(schema: Json) -> Json:
    return {
        "type": "object",
        "required": ["values", "startAt", "maxResults", "isLast"],
        "properties": {"values": {"type": "array", "items": schema}, "isLast": {"type": "boolean"}},
    }


def _answer(operation: Json, change: Any) -> None:
    for content in operation["responses"]["200"]["content"].values():
        content["schema"] = change(content.get("schema", {}))


def _text_errors(body: bytes, flavour: str) -> Iterator[str]:
    """Texts must be Atlassian documents on Cloud, and never on Data Center."""
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return
    for path, node in _nodes(found, ""):
        if path.endswith(("properties/value", "object")) or "type" not in node:
            continue
        if node["type"] == "doc":
            if flavour == "datacenter":
                yield f"{path}: an Atlassian document where Data Center has wiki text"
            elif node.get("version") != 1 or not isinstance(node.get("content"), list):
                yield f"{path}: a document without version 1 and content"
        if node["type"] == "text" and "text" in node and not node["text"]:
            yield f"{path}: an empty text node, which Jira refuses"


def _nodes(value: Any, path: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if isinstance(value, dict):
        yield path, value
        for key, entry in value.items():
            yield from _nodes(entry, f"{path}/{key}")
    elif isinstance(value, list):
        for entry in value:
            yield from _nodes(entry, path)


def _paging_errors(exchange: Exchange) -> Iterator[str]:
    if exchange.status != 200 or not exchange.response_body.startswith(b"{"):
        return
    try:
        answer = orjson.loads(exchange.response_body)
    except orjson.JSONDecodeError:
        return
    if "nextPageToken" in answer and answer.get("isLast") is True:
        yield "a last page that names a next one"
    if "isLast" in answer and "total" in answer and isinstance(answer.get("values"), list):
        end = answer["startAt"] + len(answer["values"])
        if answer["isLast"] != (end >= answer["total"]):
            yield "isLast contradicts startAt, values and total"
