"""Turns the sandbox's documents into what Jira Cloud (v3) or Jira Data Center (v2) answers.

Cloud: users by `accountId` with the e-mail hidden, texts as Atlassian documents, epics as
`parent`, sprints as objects. Data Center: users by `name` and `key`, wiki text, Epic Link, and
sprints as the strings that its plugin writes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from connectors.jira.sandbox_state import Json, State

INLINE_WORKLOGS = 20
INLINE_CHANGELOG = 40
_DAY_S = 8 * 3600


@lru_cache(maxsize=20_000)
def account_id(name: str) -> str:
    """A user's stable Cloud id, made from the name."""
    return hashlib.sha256(name.encode()).hexdigest()[:24]


def document_of(text: str | None) -> Json | None:
    """Plain or wiki text as an Atlassian document; `text_of` is its exact inverse.

    A blank line parts paragraphs, a line end inside one becomes a hard break.
    """
    if text is None:
        return None
    paragraphs = text.replace("\r\n", "\n").split("\n\n")
    return {"version": 1, "type": "doc", "content": [_paragraph(part) for part in paragraphs]}


def _paragraph(text: str) -> Json:
    content: list[Json] = []
    for number, line in enumerate(text.split("\n")):
        if number:
            content.append({"type": "hardBreak"})
        if line:
            content.append({"type": "text", "text": line})
    return {"type": "paragraph", "content": content} if content else {"type": "paragraph"}


def text_of(node: Any) -> str:
    """The plain text of an Atlassian document: paragraphs parted by a blank line."""
    if not isinstance(node, dict):
        return ""
    if node.get("type") == "text":
        return str(node.get("text", ""))
    if node.get("type") == "hardBreak":
        return "\n"
    parts = [text_of(child) for child in node.get("content") or ()]
    return ("\n\n" if node.get("type") == "doc" else "").join(parts)


def plain_of(text: str | Json) -> str:
    """The words of a text that may be an Atlassian document."""
    return text if isinstance(text, str) else text_of(text)


def duration(seconds: int) -> str:
    """Seconds as Jira writes them with 8-hour days and 5-day weeks: `1w 2d 3h 30m`."""
    parts = []
    for unit, length in (("w", 5 * _DAY_S), ("d", _DAY_S), ("h", 3600), ("m", 60)):
        count, seconds = divmod(seconds, length)
        if count:
            parts.append(f"{count}{unit}")
    return " ".join(parts) or "0m"


@dataclass
class Renderer:
    """Renders for one flavour at one base URL."""

    state: State
    cloud: bool
    base: str
    api: str = field(init=False)  # base of the platform's addresses
    avatars: Json = field(init=False)
    people: dict[str, Json] = field(init=False, default_factory=dict)  # rendered users by name

    def __post_init__(self) -> None:
        self.api = f"{self.base}/rest/api/{3 if self.cloud else 2}"
        sizes = (16, 24, 32, 48)
        self.avatars = {f"{size}x{size}": f"{self.base}/avatar/{size}.png" for size in sizes}

    # ---- people and small things

    def user(self, user: Json | None) -> Json | None:
        """A user as the flavour shows one to others; not to be changed by the caller."""
        if not user:
            return None
        name = str(user["name"])
        if name not in self.people:
            self.people[name] = self._user(user, name)
        return self.people[name]

    def _user(self, user: Json, name: str) -> Json:
        common = {
            "avatarUrls": self.avatars, "displayName": user["displayName"],
            "active": user.get("active", True), "timeZone": user.get("timeZone", "UTC"),
        }  # fmt: skip
        if self.cloud:
            ident = account_id(name)
            place = f"{self.api}/user?accountId={ident}"
            return {"self": place, "accountId": ident, "accountType": "atlassian", **common}
        address = user.get("emailAddress") or f"{name}@example.com"
        return {
            "self": f"{self.api}/user?username={name}", "name": name,
            "key": user.get("key") or name, "emailAddress": address, **common,
        }  # fmt: skip

    def text(self, text: str | Json | None) -> Any:
        """A long text in the flavour's form; what was written as a document stays just that."""
        if not self.cloud:
            return None if text is None else plain_of(text)
        return text if isinstance(text, dict) else document_of(text)

    def linked(self, kind: str, thing: Json | None) -> Json | None:
        """A named thing with the address that answers carry."""
        if not thing:
            return None
        result = {"self": f"{self.api}/{kind}/{thing.get('id', '')}", **thing}
        if "statusCategory" in result:
            category = result["statusCategory"]
            place = f"{self.api}/statuscategory/{category['id']}"
            result["statusCategory"] = {"self": place, **category}
        if kind in ("status", "issuetype", "priority"):
            result.setdefault("iconUrl", f"{self.base}/images/icons/{kind}.png")
        return result

    def version(self, version: Json) -> Json:
        """A version, with `overdue` left out as for released ones."""
        return {"self": f"{self.api}/version/{version['id']}", **version}

    def project(self, project: Json, *, full: bool = False) -> Json:
        """A project; `full` adds what only the single project answers."""
        result = {
            "self": f"{self.api}/project/{project['id']}", "id": project["id"],
            "key": project["key"], "name": project["name"], "avatarUrls": self.avatars,
            "projectTypeKey": "software",
        }  # fmt: skip
        if self.cloud:
            result |= {"simplified": False, "style": "classic", "isPrivate": False}
        if full:
            result |= {
                "description": project["description"],
                "lead": self.user(self.state.users["itpm-sync"]),
                "components": [self.linked("component", c) for c in project["components"]],
                "issueTypes": [self.linked("issuetype", t) for t in project["issueTypes"]],
                "versions": [self.version(v) for v in project["versions"]],
                "assigneeType": "UNASSIGNED",
            }
        return result

    # ---- what hangs on an issue

    def comment(self, issue_id: int, comment: Json, *, expand: str = "") -> Json:
        """A comment; its properties only where `expand` asks for them."""
        result = {
            "self": f"{self.api}/issue/{issue_id}/comment/{comment['id']}", "id": comment["id"],
            "author": self.user(comment.get("author")),
            "body": self.text(comment.get("body") or ""),
            "updateAuthor": self.user(comment.get("updateAuthor") or comment.get("author")),
            "created": comment["created"], "updated": comment["updated"],
        }  # fmt: skip
        if self.cloud:
            result["jsdPublic"] = not _internal(comment)
        if "visibility" in comment:
            result["visibility"] = comment["visibility"]
        if "properties" in expand:
            result["properties"] = comment.get("properties", [])
        return result

    def worklog(self, issue_id: int, entry: Json, *, expand: str = "") -> Json:
        """A worklog."""
        result = {
            "self": f"{self.api}/issue/{issue_id}/worklog/{entry['id']}", "id": entry["id"],
            "issueId": str(issue_id), "author": self.user(entry["author"]),
            "updateAuthor": self.user(entry.get("updateAuthor") or entry["author"]),
            "created": entry["created"], "updated": entry["updated"],
            "started": entry["started"], "timeSpentSeconds": entry["timeSpentSeconds"],
            "timeSpent": duration(entry["timeSpentSeconds"]),
        }  # fmt: skip
        if entry.get("comment") is not None:
            result["comment"] = self.text(entry["comment"])
        if "properties" in expand and self.cloud:
            result["properties"] = []
        return result

    def history(self, entry: Json) -> Json:
        """One entry of an issue's history."""
        items = [self._item(item) for item in entry["items"]]
        return {
            "id": entry["id"], "author": self.user(entry["author"]),
            "created": entry["created"], "items": items,
        }  # fmt: skip

    def _item(self, item: Json) -> Json:
        shown = {name: value for name, value in item.items() if name != "fieldId" or self.cloud}
        if self.cloud and item.get("fieldId") in ("assignee", "reporter"):
            shown["from"] = account_id(item["from"]) if item["from"] else None
            shown["to"] = account_id(item["to"]) if item["to"] else None
        return {name: value for name, value in shown.items() if value is not None}

    def remote_link(self, issue_id: int, link: Json) -> Json:
        """A remote link."""
        place = f"{self.api}/issue/{issue_id}/remotelink/{link['id']}"
        shown = {name: value for name, value in link.items() if value is not None}
        return {"self": place, **shown}

    def sprint(self, sprint: Json) -> Json:
        """A sprint as the board API answers it."""
        place = f"{self.base}/rest/agile/1.0/sprint/{sprint['id']}"
        return {"self": place, **{k: v for k, v in sprint.items() if v is not None}}

    def board(self, board: Json) -> Json:
        """A board with its first project as location."""
        result = {
            "id": board["id"], "self": f"{self.base}/rest/agile/1.0/board/{board['id']}",
            "name": board["name"], "type": board["type"],
        }  # fmt: skip
        project = self.state.projects[board["projects"][0]]
        if self.cloud:
            result["location"] = {
                "projectId": int(project["id"]), "displayName": project["name"],
                "projectName": project["name"], "projectKey": project["key"],
                "projectTypeKey": "software", "name": f"{project['name']} ({project['key']})",
                "avatarURI": f"{self.base}/avatar/p16.png",
            }  # fmt: skip
        return result

    # ---- the issue

    def issue(
        self, document: Json, wanted: Sequence[str], expand: str = "", *, inline: int = 10_000
    ) -> Json:
        """An issue with the fields asked for; `inline` is how much history fits into it."""
        if self.cloud and set(wanted) == {"id"}:
            return {"id": document["id"]}
        result = {
            "expand": "renderedFields,names,schema,operations,editmeta,changelog",
            "id": document["id"], "self": f"{self.api}/issue/{document['id']}",
            "key": document["key"],
        }  # fmt: skip
        if set(wanted) - {"id", "key", "issuekey"}:
            result["fields"] = self._fields(document, wanted)
        if "changelog" in expand.split(","):
            result["changelog"] = self._changelog(document.get("history", []), inline)
        return result

    def _changelog(self, entries: Sequence[Json], inline: int) -> Json:
        shown = list(reversed(entries))[:inline] if self.cloud else list(entries)
        return {
            "startAt": 0, "maxResults": len(shown), "total": len(entries),
            "histories": [self.history(entry) for entry in shown],
        }  # fmt: skip

    def _fields(self, document: Json, wanted: Sequence[str]) -> Json:
        chosen = _selection(wanted)
        fields = document["fields"]
        result: Json = {}
        for name in (*fields, *_COMPUTED):
            for shown in self._names(name, fields):
                if chosen(shown, self.state.fields.navigable(shown)):
                    result[shown] = self._value(name, document)
        return result

    def _names(self, name: str, fields: Mapping[str, Any]) -> tuple[str, ...]:
        """Under which name of the flavour a field of the document appears, if at all."""
        registry = self.state.fields
        if name in ("closedSprints", "sprint"):
            return (registry.sprint,) if name == "sprint" or "sprint" not in fields else ()
        if name == "epic":
            if not self.cloud:
                return (registry.epic_link,)
            return () if fields.get("parent") else ("parent",)
        if name == "flagged":
            return (registry.flagged,)
        if name == "worklog" and name not in fields:
            return ("worklog",)
        return (name,)

    def _value(self, name: str, document: Json) -> Any:
        render = _RENDERERS.get(name)
        if render is None:
            return document["fields"].get(name)
        return render(self, document)

    def _links(self, document: Json) -> list[Json]:
        return [self._link(link) for link in document["fields"].get("issuelinks") or ()]

    def _link(self, link: Json) -> Json:
        shown = {"self": f"{self.api}/issueLink/{link['id']}", **link}
        shown["type"] = self.linked("issueLinkType", link["type"])
        for side in ("inwardIssue", "outwardIssue"):
            if side in link:
                shown[side] = self.brief(link[side])
        return shown

    def brief(self, issue: Json | None) -> Json | None:
        """An issue as another one shows it: parent, sub-task, link."""
        if not issue:
            return None
        fields = {
            name: self.linked(name, value) if isinstance(value, dict) else value
            for name, value in (issue.get("fields") or {}).items()
        }
        return {
            "id": str(issue["id"]), "key": issue["key"],
            "self": f"{self.api}/issue/{issue['id']}", "fields": fields,
        }  # fmt: skip

    def _epic(self, document: Json) -> Any:
        epic = document["fields"].get("epic")
        if not epic:
            return None
        if not self.cloud:
            return epic["key"]
        owner = self.state.get(str(epic["id"]))
        found = owner.document()["fields"] if owner else {"summary": epic.get("summary", "")}
        fields = {k: found[k] for k in ("summary", "status", "priority", "issuetype") if k in found}
        return self.brief({"id": epic["id"], "key": epic["key"], "fields": fields})

    def _sprints(self, document: Json) -> Any:
        fields = document["fields"]
        sprints = [*(fields.get("closedSprints") or ())]
        if fields.get("sprint"):
            sprints.append(fields["sprint"])
        if not sprints:
            return None
        return [self._sprint_object(s) if self.cloud else _sprint_text(s) for s in sprints]

    def _sprint_object(self, sprint: Json) -> Json:
        shown = {k: v for k, v in sprint.items() if v is not None and k != "originBoardId"}
        return shown | {"boardId": sprint.get("originBoardId", 0), "goal": sprint.get("goal", "")}

    def _flagged(self, document: Json) -> Any:
        if not document["fields"].get("flagged"):
            return None
        return [{"self": f"{self.api}/customFieldOption/1", "value": "Impediment", "id": "1"}]

    def _comments(self, document: Json) -> Json:
        number = int(document["id"])
        entries = (document["fields"].get("comment") or {}).get("comments", [])
        shown = [self.comment(number, entry) for entry in entries]
        page = {"comments": shown, "maxResults": len(shown), "total": len(shown), "startAt": 0}
        return page | ({"self": f"{self.api}/issue/{number}/comment"} if self.cloud else {})

    def _worklogs(self, document: Json) -> Json:
        number = int(document["id"])
        entries = worklogs(document)
        shown = [self.worklog(number, entry) for entry in entries[:INLINE_WORKLOGS]]
        return {
            "startAt": 0, "maxResults": INLINE_WORKLOGS, "total": len(entries), "worklogs": shown,
        }  # fmt: skip

    def _timetracking(self, document: Json) -> Json:
        found = {
            "originalEstimate": document["fields"].get("timeoriginalestimate"),
            "remainingEstimate": document["fields"].get("timeestimate"),
            "timeSpent": document["fields"].get("timespent"),
        }
        texts = {name: duration(value) for name, value in found.items() if value is not None}
        seconds = {f"{name}Seconds": value for name, value in found.items() if value is not None}
        return texts | seconds

    def _attachments(self, document: Json) -> list[Json]:
        place = f"{self.api}/attachment"
        return [
            {"self": f"{place}/{a['id']}", "content": f"{place}/content/{a['id']}", **a,
             "author": self.user(a.get("author"))}
            for a in document["fields"].get("attachment") or ()
        ]  # fmt: skip

    def _project(self, document: Json) -> Json:
        project = document["fields"]["project"]
        known = self.state.projects.get(project["key"])
        shown = self.project(known) if known else dict(project)
        if "projectCategory" in project:
            shown["projectCategory"] = self.linked("projectCategory", project["projectCategory"])
        return shown


def _internal(comment: Json) -> bool:
    """Whether a service desk hides the comment from its customer."""
    marks = (p["value"] for p in comment.get("properties", ()) if p["key"] == "sd.public.comment")
    return any(isinstance(mark, dict) and mark.get("internal") is True for mark in marks)


def worklogs(document: Json) -> list[Json]:
    """An issue's worklogs, oldest start first."""
    entries = (document["fields"].get("worklog") or {}).get("worklogs", [])
    return sorted(entries, key=lambda entry: (entry["started"], int(entry["id"])))


def _selection(wanted: Sequence[str]) -> Callable[[str, bool], bool]:
    """Which fields a `fields` parameter chooses: names, `*all`, `*navigable`, `-name`."""
    names = {name for name in wanted if not name.startswith(("-", "*"))}
    without = {name[1:] for name in wanted if name.startswith("-")}
    everything = "*all" in wanted
    navigable = "*navigable" in wanted or (not everything and not names)

    def chosen(name: str, is_navigable: bool) -> bool:
        if name in without:
            return False
        return everything or name in names or (navigable and is_navigable)

    return chosen


def _sprint_text(sprint: Json) -> str:
    """A sprint as Data Center's Sprint field writes it: a Java object's text."""
    parts = {
        "id": sprint["id"], "rapidViewId": sprint.get("originBoardId"),
        "state": str(sprint.get("state", "")).upper(), "name": sprint.get("name", ""),
        "startDate": sprint.get("startDate"), "endDate": sprint.get("endDate"),
        "completeDate": sprint.get("completeDate"), "activatedDate": sprint.get("activatedDate"),
        "sequence": sprint["id"], "goal": sprint.get("goal", ""),
    }  # fmt: skip
    text = ",".join(f"{k}={'<null>' if v is None else v}" for k, v in parts.items())
    return f"com.atlassian.greenhopper.service.sprint.Sprint@{sprint['id']:x}[{text}]"


_Render = Callable[[Renderer, Json], Any]


def _user_field(name: str) -> _Render:
    return lambda renderer, document: renderer.user(document["fields"].get(name))


def _one(name: str, kind: str) -> _Render:
    return lambda renderer, document: renderer.linked(kind, document["fields"].get(name))


def _many(name: str, kind: str) -> _Render:
    def render(renderer: Renderer, document: Json) -> Any:
        things: Iterable[Json] = document["fields"].get(name) or ()
        return [renderer.linked(kind, thing) for thing in things]

    return render


def _text_field(name: str) -> _Render:
    return lambda renderer, document: renderer.text(document["fields"].get(name))


_COMPUTED = ("worklog", "timetracking")
_RENDERERS: Mapping[str, _Render] = {
    "assignee": _user_field("assignee"),
    "reporter": _user_field("reporter"),
    "creator": _user_field("creator"),
    "issuetype": _one("issuetype", "issuetype"),
    "status": _one("status", "status"),
    "priority": _one("priority", "priority"),
    "resolution": _one("resolution", "resolution"),
    "components": _many("components", "component"),
    "versions": _many("versions", "version"),
    "fixVersions": _many("fixVersions", "version"),
    "description": _text_field("description"),
    "environment": _text_field("environment"),
    "project": Renderer._project,  # noqa: SLF001 - this table is part of the renderer
    "parent": lambda renderer, document: renderer.brief(document["fields"].get("parent")),
    "subtasks": lambda renderer, document: [
        renderer.brief(issue) for issue in document["fields"].get("subtasks") or ()
    ],
    "issuelinks": Renderer._links,  # noqa: SLF001
    "epic": Renderer._epic,  # noqa: SLF001
    "sprint": Renderer._sprints,  # noqa: SLF001
    "closedSprints": Renderer._sprints,  # noqa: SLF001
    "flagged": Renderer._flagged,  # noqa: SLF001
    "comment": Renderer._comments,  # noqa: SLF001
    "worklog": Renderer._worklogs,  # noqa: SLF001
    "timetracking": Renderer._timetracking,  # noqa: SLF001
    "attachment": Renderer._attachments,  # noqa: SLF001
}
