"""Writing a project's status to Jira: an issue property, a remote link, a comment.

Jira knows neither idempotency keys nor conditional writes, so each object carries our mark where
it can be looked up on the issue itself (the search index lags): the remote link as its `globalId`,
the comment as a property that is set in the very request that creates it. No POST is repeated.

The address is the key or the id of an issue. The canonical content of each field:

- `property`: JSON of the status, at most 32,768 characters (Jira's limit). README.md describes it;
  SCHEMA changes with its form.
- `remote_link`: JSON of the link; the empty text where there is no report to link to, which means
  that nothing is wanted there.
- `comment`: on Cloud an Atlassian document as JSON, on Data Center wiki markup. What Jira adds to a
  document on its own (ids, widths) is left out, so that a difference is a person's edit.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar
from urllib.parse import urlsplit

import orjson

from connectors.jira.client import JiraClient
from itpm_sync.connector import Observed, StatusMessage, Target
from itpm_sync.errors import NotFound, PreconditionFailed, RetryableError

Json = dict[str, Any]

PROPERTY = "itpm-sync.status"
SCHEMA = 2
MARK = "itpm-sync.mark"
INTERNAL = "sd.public.comment"
FOOTER = "Written by ITPM Sync; changed again when the status changes."

_PROPERTY_CHARS = 32_000  # Jira allows 32,768; the mark comes on top
_TEXT = 300  # characters of one reason or finding in a comment, whose limit is 32,767
_FINDINGS = 10
_TITLE = 250
_ADDRESS = re.compile(r"[A-Z][A-Z0-9_]*-[1-9]\d*|[1-9]\d*")
_COLOURS = {"green": "green", "amber": "yellow", "red": "red"}  # of Jira's status lozenge


class JiraPublisher:
    """Implements itpm_sync.connector.Publisher for both flavours."""

    fields: ClassVar[tuple[str, ...]] = ("property", "remote_link", "comment")

    def __init__(self, client: JiraClient) -> None:
        self._client = client

    def validate_address(self, address: str) -> str | None:
        """An issue key (NET-12) or id."""
        if _ADDRESS.fullmatch(address):
            return None
        return f"{address!r} is neither an issue key such as NET-12 nor an issue id"

    def render(self, target: Target, message: StatusMessage) -> str:
        """The canonical text of a field; for `remote_link` empty if there is no report URL."""
        if target.field == "property":
            return _fitting(message)
        if target.field == "remote_link":
            link = _link(message)
            return _dump(link) if link else ""
        if self._client.cloud:
            return _dump(canonical(adf(message)))
        return wiki(message)

    def readable(self, target: Target, content: str) -> str:
        """A comment of the Cloud as its text; all else is readable as it is."""
        is_document = target.field == "comment" and self._client.cloud and content
        return plain(orjson.loads(content)) if is_document else content

    def observe(self, target: Target, mark: str, remote_id: str | None) -> Observed:
        """What stands there now. Raises NotFound if the issue is gone, and PreconditionFailed for
        a property that we never wrote and that speaks of another project."""
        if target.field == "comment":
            return self._observe_comment(target.address, mark, remote_id)
        try:
            if target.field == "property":
                return self._observe_property(target, mark, known=remote_id is not None)
            return self._observe_link(target.address, mark)
        except NotFound:
            self._must_exist(target.address)
            return Observed(None)

    def write(self, target: Target, content: str, mark: str, current: Observed) -> Observed:
        """Creates or replaces the field and reads it back. Jira has no conditional write, so a
        comment is read once more: PreconditionFailed if it was edited or deleted meanwhile."""
        if target.field == "property":
            return self._write_property(target, content, mark)
        if not content:
            return self._remove_link(target.address, mark, current)
        if target.field == "remote_link":
            return self._write_link(target.address, content, mark)
        return self._write_comment(target.address, content, mark, current)

    def _must_exist(self, address: str) -> None:
        self._client.issue(address, ["project"])

    # ---- property -------------------------------------------------------------------------------

    def _observe_property(self, target: Target, mark: str, *, known: bool) -> Observed:
        """An issue has one such property: two projects on one issue would overwrite each other in
        turn, so the second is told. Another mark for the same project is an earlier store's."""
        path = self._client.issue_path(target.address, f"/properties/{PROPERTY}")
        value = self._client.http.get(path).get("value")
        ours = isinstance(value, dict) and value.get("mark") == mark
        if ours:
            value = {k: v for k, v in value.items() if k != "mark"}
        elif not known and not (isinstance(value, dict) and value.get("project") == target.project):
            raise PreconditionFailed(
                f"the property {PROPERTY} of {target.address} holds something else than the status "
                f"of {target.project}: publish each project on an issue of its own"
            )
        return Observed(_dump(value), PROPERTY)

    def _write_property(self, target: Target, content: str, mark: str) -> Observed:
        path = self._client.issue_path(target.address, f"/properties/{PROPERTY}")
        body = orjson.loads(content) | {"mark": mark}
        self._client.http.request("PUT", path, body=body)
        return self._observe_property(target, mark, known=True)

    # ---- remote link ----------------------------------------------------------------------------

    def _observe_link(self, address: str, mark: str) -> Observed:
        path = self._client.issue_path(address, "/remotelink")
        found = self._client.http.get(path, {"globalId": _global_id(mark)})
        for link in found if isinstance(found, list) else [found]:
            if isinstance(link, dict) and link.get("globalId") == _global_id(mark):
                return Observed(_dump(_link_parts(link)), str(link.get("id")))
        return Observed(None)

    def _write_link(self, address: str, content: str, mark: str) -> Observed:
        """An upsert by `globalId`; every field is sent, as what is left out becomes null."""
        path = self._client.issue_path(address, "/remotelink")
        body = orjson.loads(content) | {"globalId": _global_id(mark)}
        self._client.http.request("POST", path, body=body, idempotent=False)
        return self._observe_link(address, mark)

    def _remove_link(self, address: str, mark: str, current: Observed) -> Observed:
        """There is no report to link to any more: our link, found by our mark, goes."""
        if current.content is not None:
            path = self._client.issue_path(address, "/remotelink")
            params = {"globalId": _global_id(mark)}
            self._client.http.request("DELETE", path, params=params, allow=(404,))
        return Observed(None)

    # ---- comment --------------------------------------------------------------------------------

    def _observe_comment(self, address: str, mark: str, remote_id: str | None) -> Observed:
        if remote_id is None:
            found = self._marked_comment(address, mark)
            return self._seen(found) if found else Observed(None)
        try:
            return self._seen(self._client.http.get(self._comment_path(address, remote_id)))
        except NotFound:
            self._must_exist(address)
            return Observed(None)

    def _seen(self, comment: Mapping[str, Any]) -> Observed:
        body = comment.get("body")
        content = _dump(canonical(body)) if self._client.cloud else _lines(str(body or ""))
        return Observed(content, str(comment["id"]))

    def _comment_path(self, address: str, ident: str = "") -> str:
        return self._client.issue_path(address, f"/comment/{ident}" if ident else "/comment")

    def _marked_comment(self, address: str, mark: str) -> Json | None:
        """Our comment, by the mark in its property. Not every Jira shows properties in the list;
        where it does not, each comment that could be ours is asked for its own."""
        me = _person(self._client.myself())
        for comment in self._comments(address):
            shown = comment.get("properties")
            if isinstance(shown, list):
                if any(_carries(p.get("value"), mark) for p in shown if p.get("key") == MARK):
                    return comment
            elif _could_be_ours(comment, me) and self._carries_mark(comment, mark):
                return comment
        return None

    def _comments(self, address: str) -> Iterator[Json]:
        start = 0
        while True:
            params = {"startAt": start, "maxResults": 100, "expand": "properties"}
            page = self._client.http.get(self._comment_path(address), params)
            found = page.get("comments") or []
            yield from found
            start += len(found)
            if start >= int(page.get("total") or 0):
                return
            if not found:
                raise RetryableError(f"the comments of {address} ended early: {start} of "
                                     f"{page['total']}")  # fmt: skip

    def _carries_mark(self, comment: Mapping[str, Any], mark: str) -> bool:
        path = f"{self._client.api}/comment/{comment['id']}/properties/{MARK}"
        answer, found = self._client.http.request("GET", path, allow=(404,), parse=True)
        return answer.status == 200 and _carries(found.get("value"), mark)

    def _write_comment(self, address: str, content: str, mark: str, current: Observed) -> Observed:
        body: Any = orjson.loads(content) if self._client.cloud else content
        ident = current.remote_id if current.content is not None else None
        if ident is None:
            # `internal` keeps the comment from the customers of a service desk, and means nothing
            # on other issues: sent always, it cannot be forgotten where it matters.
            properties = [
                {"key": MARK, "value": {"mark": mark}},
                {"key": INTERNAL, "value": {"internal": True}},
            ]
            made = self._client.http.json(
                "POST", self._comment_path(address),
                body={"body": body, "properties": properties}, idempotent=False,
            )  # fmt: skip
            ident = str(made["id"])
        else:
            path = self._comment_path(address, ident)
            try:
                if self._seen(self._client.http.get(path)).content != current.content:
                    raise PreconditionFailed(f"comment {ident} of {address} was edited meanwhile")
                self._client.http.request("PUT", path, body={"body": body})
            except NotFound:
                raise PreconditionFailed(
                    f"comment {ident} of {address} was deleted meanwhile"
                ) from None
        return self._seen(self._client.http.get(self._comment_path(address, ident)))


# ---- pure: values -------------------------------------------------------------------------------


def _dump(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def _lines(text: str) -> str:
    """Wiki text with the line ends that we send; Jira may store others."""
    return "\n".join(line.rstrip() for line in text.replace("\r\n", "\n").split("\n")).strip()


def _short(text: str, limit: int = _TEXT) -> str:
    text = " ".join(text.split())
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _global_id(mark: str) -> str:
    """The mark itself, or a digest of it where Jira's 255 characters do not hold it."""
    return mark if len(mark) <= 255 else "itpm-sync:" + hashlib.sha256(mark.encode()).hexdigest()


def _web(url: str | None) -> str | None:
    return url if url and urlsplit(url).scheme in ("http", "https") else None


def _carries(value: Any, mark: str) -> bool:
    if isinstance(value, str):  # Data Center's document calls a property's value a text
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError:
            return False
    return isinstance(value, dict) and value.get("mark") == mark


def _person(user: Mapping[str, Any] | None) -> str:
    return str((user or {}).get("accountId") or (user or {}).get("name") or "")


def _could_be_ours(comment: Mapping[str, Any], me: str) -> bool:
    """By author, or by its last line if another account wrote it for us then."""
    return _person(comment.get("author")) == me or FOOTER in _dump(comment.get("body"))


def _fitting(message: StatusMessage) -> str:
    """The status as JSON, with as many findings as fit."""
    value: Json = {
        "version": SCHEMA, "project": message.project, "name": _short(message.name),
        "data_date": message.data_date.isoformat(), "rating": message.rating,
        "previous_rating": message.previous_rating, "reason": _short(message.reason),
        "ratings": [
            {"dimension": d, "rating": c, "reason": _short(r)} for d, c, r in message.ratings
        ],
        "figures": {
            v.name: {"label": _short(v.label), "value": v.value, "unit": v.unit,
                     "text": _short(v.text)}
            for v in message.values
        },
        "findings": [_short(f) for f in message.findings],
        "findings_total": message.findings_total,
        "report_url": message.report_url,
    }  # fmt: skip
    while len(text := _dump(value)) > _PROPERTY_CHARS and value["findings"]:
        value["findings"].pop()
    return text


def _link(message: StatusMessage) -> Json | None:
    url = _web(message.report_url)
    if url is None:
        return None
    title = f"Status of {message.name}: {message.rating.upper()} on {message.data_date}"
    return _link_parts(
        {
            "application": {"type": "itpm-sync", "name": "ITPM Sync"},
            "relationship": "status report",
            "object": {
                "url": url,
                "title": _short(title, _TITLE),
                "summary": _short(message.reason, _TITLE),
                # A resolved link is struck through, so it never is.
                "status": {"resolved": False},
            },
        }
    )  # fmt: skip


def _link_parts(link: Mapping[str, Any]) -> Json:
    """What we own of a remote link, every field of it, whatever Jira leaves out or adds."""
    application, target = link.get("application") or {}, link.get("object") or {}
    return {
        "application": {k: application.get(k) or "" for k in ("type", "name")},
        "relationship": link.get("relationship") or "",
        "object": {
            **{k: target.get(k) or "" for k in ("url", "title", "summary")},
            "status": {"resolved": bool((target.get("status") or {}).get("resolved"))},
        },
    }


# ---- pure: the comment as an Atlassian document -------------------------------------------------


def adf(message: StatusMessage) -> Json:
    """The comment as an Atlassian document (developer.atlassian.com, Atlassian Document Format)."""
    content = [
        _block("heading", _text(_headline(message)), level=3),
        _block("paragraph", _lozenge(message.rating), _text(f" {_short(message.reason)}")),
    ]
    if message.previous_rating and message.previous_rating != message.rating:
        content.append(_block("paragraph", _text("Before: "), _lozenge(message.previous_rating)))
    if message.ratings:
        rows = [_row("tableCell", _text(_short(d)), _lozenge(c), _text(_short(r)))
                for d, c, r in message.ratings]  # fmt: skip
        head = _row("tableHeader", _text("Dimension"), _text("Rating"), _text("Reason"))
        content.append(_block("table", head, *rows))
    if message.figures:
        rows = [_row("tableCell", _text(_short(a)), _text(_short(b))) for a, b in message.figures]
        head = _row("tableHeader", _text("Figure"), _text("Value"))
        content.append(_block("table", head, *rows))
    if findings := tuple(_findings(message)):
        content.append(_block("heading", _text("Findings"), level=4))
        items = (_block("listItem", _block("paragraph", _text(f))) for f in findings)
        content.append(_block("bulletList", *items))
    if url := _web(message.report_url):
        mark = {"type": "link", "attrs": {"href": url}}
        content.append(_block("paragraph", _text("Full report", mark)))
    content.append(_block("paragraph", _text(FOOTER, {"type": "em"})))
    return {"type": "doc", "version": 1, "content": content}


def _headline(message: StatusMessage) -> str:
    return f"{_short(message.name)}: status on {message.data_date:%d %b %Y}"


def _findings(message: StatusMessage) -> Iterable[str]:
    shown = message.findings[:_FINDINGS]
    yield from (_short(f) for f in shown)
    if (more := message.findings_total - len(shown)) > 0:
        yield f"and {more} more"


def _block(kind: str, *content: Json | None, **attrs: Any) -> Json:
    block: Json = {"type": kind, "content": [c for c in content if c]}
    return block | ({"attrs": attrs} if attrs else {})


def _row(cell: str, *inline: Json | None) -> Json:
    return _block("tableRow", *(_block(cell, _block("paragraph", i)) for i in inline))


def _text(text: str, *marks: Json) -> Json | None:
    """A text node; Jira refuses empty ones. Any text is safe here: it is data, not markup."""
    if not text:
        return None
    return {"type": "text", "text": text} | ({"marks": list(marks)} if marks else {})


def _lozenge(rating: str) -> Json:
    colour = _COLOURS.get(rating, "neutral")
    return {"type": "status", "attrs": {"text": rating.upper() or "N/A", "color": colour}}


def plain(node: Any) -> str:
    """A document as lines of text: one a paragraph, row or item."""
    if not isinstance(node, dict):
        return ""
    attrs, kind = node.get("attrs") or {}, node.get("type")
    own = str(node.get("text") or attrs.get("text") or attrs.get("url") or "")
    parts = [plain(n) for n in node.get("content") or ()]
    if kind == "tableRow":
        return " | ".join(parts)
    joined = ("" if kind in ("paragraph", "heading") else "\n").join(parts)
    marks = [(m.get("attrs") or {}).get("href") for m in node.get("marks") or ()]
    link = "".join(f" ({href})" for href in marks if href)
    return ("- " if kind == "listItem" else "") + own + joined + link


_ATTRS = frozenset({"level", "text", "color", "href", "url", "shortName"})


def canonical(node: Any) -> Any:
    """A document without what Jira adds on its own: local ids, layouts, widths."""
    if isinstance(node, list):
        return [canonical(n) for n in node]
    if not isinstance(node, dict):
        return node
    kept = {k: v for k, v in node.items() if k in ("type", "text", "version") and v is not None}
    attrs = {k: v for k, v in (node.get("attrs") or {}).items() if k in _ATTRS}
    kept |= {"attrs": attrs} if attrs else {}
    for name in ("content", "marks"):
        if node.get(name):
            kept[name] = canonical(node[name])
    return kept


# ---- pure: the comment as wiki markup -----------------------------------------------------------

_SPECIAL = re.compile(r"[{}\[\]*_\-+^~?!#|()@:&\\]")
_ENTITIES = {"&": "&amp;", "\\": "&#92;"}
_WIKI_COLOURS = {"green": "green", "amber": "#b38600", "red": "red"}


def escaped(text: str) -> str:
    """A text as wiki markup that shows just this text, on one line.

    A backslash escapes each character that markup can begin with; a backslash itself is written
    as an entity, because two of them are a line break.
    """
    return _SPECIAL.sub(lambda m: _ENTITIES.get(m[0], f"\\{m[0]}"), _short(text))


def wiki(message: StatusMessage) -> str:
    """The comment as wiki markup, as Data Center takes it."""
    lines = [f"h3. {escaped(_headline(message))}", ""]
    lines += [f"{_coloured(message.rating)} {escaped(message.reason)}".rstrip(), ""]
    if message.previous_rating and message.previous_rating != message.rating:
        lines += [f"Before: {_coloured(message.previous_rating)}", ""]
    if message.ratings:
        lines.append("||Dimension||Rating||Reason||")
        lines += [_cells(escaped(d), _coloured(c), escaped(r)) for d, c, r in message.ratings]
        lines.append("")
    if message.figures:
        lines.append("||Figure||Value||")
        lines += [_cells(escaped(a), escaped(b)) for a, b in message.figures]
        lines.append("")
    if findings := [f"* {escaped(f)}" for f in _findings(message)]:
        lines += ["h4. Findings", "", *findings, ""]
    if url := _web(message.report_url):
        lines += [f"[Full report|{_link_target(url)}]", ""]
    lines.append(f"_{escaped(FOOTER)}_")
    return _lines("\n".join(lines))


def _cells(*cells: str) -> str:
    return "|" + "|".join(cell or " " for cell in cells) + "|"


def _coloured(rating: str) -> str:
    word = escaped(rating.upper() or "N/A")
    colour = _WIKI_COLOURS.get(rating)
    return f"{{color:{colour}}}*{word}*{{color}}" if colour else f"*{word}*"


def _link_target(url: str) -> str:
    """A URL that cannot end the link it stands in."""
    quoted = {"|": "%7C", "[": "%5B", "]": "%5D", "{": "%7B", "}": "%7D", " ": "%20", "\n": ""}
    return "".join(quoted.get(c, c) for c in url)
