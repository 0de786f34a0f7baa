"""What one part of a configuration says of another: names that stand nowhere, and what is said
twice. Works on what was read, whatever else is wrong with it, and tells no consequence of that.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import translate
from typing import Any

from pydantic import BaseModel

from itpm_sync.config.document import KeyPath
from itpm_sync.config.gates import default_criteria
from itpm_sync.config.settings import Criterion, Override, Waiver
from itpm_sync.connector import Connector
from itpm_sync.errors import Problem, suggestion
from itpm_sync.model import KINDS

Block = Mapping[str, Any]
Kinds = Mapping[str, type[Connector]]
Findings = Callable[[], Collection[str]]
Sound = Callable[[KeyPath], bool]


def disagreements(
    data: Block, kinds: Kinds, findings: Findings | None, sound: Sound
) -> Iterator[Problem]:
    """Every disagreement within the file. `kinds` are the connectors of the connections for which
    they are known; `findings` gives the codes of all findings, where they are; `sound` says whether
    nothing wrong is known yet at a place or below it.
    """
    connections = data.get("connections")
    found = _Agreement(
        _data=data,
        _kinds=kinds,
        _findings=findings,
        _sound=sound,
        _names=set(connections) if isinstance(connections, dict) else None,
        _codes=_certain_codes(data, sound),
    )
    for problem in found.all():
        if sound(problem.path):
            yield problem


def _certain_codes(data: Block, sound: Sound) -> tuple[str, ...]:
    """The codes of all projects; none where sources name further ones, or one cannot be read."""
    listed = data.get("projects")
    codes = [_text(block, "code") for _, block in _entries(listed)]
    whole = isinstance(listed, list) and len(codes) == len(listed) and all(codes)
    readable = all(sound(("projects", i, "code")) for i in range(len(codes)))
    return tuple(codes) if whole and readable and not data.get("discover_projects") else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Agreement:
    _data: Block
    _kinds: Kinds
    _findings: Findings | None
    _sound: Sound
    _names: Collection[str] | None  # of connections; None: cannot be known
    _codes: Collection[str]  # of projects; empty: cannot be known

    def all(self) -> Iterator[Problem]:
        for key in ("discover_projects", "plan_from"):
            yield from self._connections((key,), self._data.get(key))
        yield from self._projects()
        yield from self._published_twice()
        for i, rule in _entries(self._data.get("allocation")):
            yield from self._rule(("allocation", i), rule)
        yield from self._waivers()
        yield from self._overrides()
        yield from self._people()
        yield from self._decided_pairs()
        yield from self._gates()
        for name, job in _blocks(self._data.get("jobs")):
            yield from self._connections(("jobs", name, "connections"), job.get("connections"))

    # ---- names of connections and projects

    def _connections(self, path: KeyPath, named: Any) -> Iterator[Problem]:
        for at, name in _texts(named):
            yield from self._connection((*path, *at), name)

    def _connection(self, path: KeyPath, name: str) -> Iterator[Problem]:
        if self._names is not None and name and name not in self._names:
            yield Problem(path, f"no connection {name!r}", suggestion(name, self._names))

    def _project(self, path: KeyPath, code: str) -> Iterator[Problem]:
        if self._codes and code and code not in self._codes:
            yield Problem(path, f"no project {code!r}", suggestion(code, self._codes))

    # ---- projects

    def _projects(self) -> Iterator[Problem]:
        seen: set[str] = set()
        for i, project in _entries(self._data.get("projects")):
            code = _text(project, "code")
            if code and code in seen:
                yield Problem(("projects", i, "code"), f"the project {code!r} stands twice")
            seen.add(code)
            for j, target in _entries(project.get("publish")):
                yield from self._target(("projects", i, "publish", j), target)
        if not self._data.get("projects") and not self._data.get("discover_projects"):
            hint = "list them, or take them from a source with `discover_projects: [CONNECTION]`"
            yield Problem(("projects",), "no project is configured", hint)

    def _target(self, path: KeyPath, target: Block) -> Iterator[Problem]:
        name = _text(target, "connection")
        yield from self._connection((*path, "connection"), name)
        kind = self._kinds.get(name)
        if kind is None:
            return
        offered = kind.info.publishes
        if not offered:
            message = f"the connector {kind.info.name!r} does not publish"
            yield Problem((*path, "connection"), message, self._publishing())
            return
        for at, field in _texts(target.get("fields")):
            if field not in offered:
                message = f"{kind.info.name} has no field {field!r} to publish"
                yield Problem((*path, "fields", *at), message, suggestion(field, offered))

    def _publishing(self) -> str:
        """What to name instead of a connection that cannot publish."""
        can = sorted(name for name, kind in self._kinds.items() if kind.info.publishes)
        return f"these do: {', '.join(can)}" if can else "no connection does: remove the entry"

    def _published_twice(self) -> Iterator[Problem]:
        """Targets that a project names twice, which would make two comments of one, and those where
        two projects would overwrite each other in turn.
        """
        taken: dict[tuple[str, ...], str] = {}
        for i, project in _entries(self._data.get("projects")):
            code = _text(project, "code")
            for j, target in _entries(project.get("publish")):
                path, name = ("projects", i, "publish", j), _text(target, "connection")
                kind = self._kinds.get(name)
                if kind is None or not self._sound(path):
                    continue
                info, address = kind.info, _text(target, "address")
                for field in [f for _, f in _texts(target.get("fields"))] or info.publishes:
                    place = (name, address, field)
                    key = place if field in info.publishes_one else (*place, code)
                    if key in taken:
                        message = (
                            f"{field} of {address} is published to already, for the project "
                            f"{taken[key]!r}"
                        )
                        hint = "give another address, or list other `fields`"
                        yield Problem(path, message, hint)
                    taken.setdefault(key, code)

    # ---- rules

    def _rule(self, path: KeyPath, rule: Block) -> Iterator[Problem]:
        project = _text(rule, "project")
        if not project and not _text(rule, "work_package"):
            hint = "name the one, the other, or both that matching records belong to"
            yield Problem(path, "the rule names neither `project` nor `work_package`", hint)
        if "{" not in project:
            yield from self._project((*path, "project"), project)
        when = rule.get("when")
        asked = when if isinstance(when, dict) else {}
        for at, name in _texts(asked.get("connection")):
            if not _wild(name):
                yield from self._connection((*path, "when", "connection", *at), name)
        for at, kind in _texts(asked.get("kind")):
            if not _wild(kind) and kind.casefold() not in KINDS:
                message = f"no kind of record is called {kind!r}"
                yield Problem((*path, "when", "kind", *at), message, suggestion(kind, KINDS))

    # ---- decisions

    def _waivers(self) -> Iterator[Problem]:
        waivers = self._data.get("waivers")
        yield from _twice(("waivers",), waivers, Waiver, "finding", "project", "subject", "expires")
        for i, waiver in _entries(waivers):
            yield from self._finding(("waivers", i, "finding"), _text(waiver, "finding").strip())
            code = _text(waiver, "project")
            if code and not _wild(code):
                folded = {c.casefold(): c for c in self._codes}
                yield from self._project(
                    ("waivers", i, "project"), folded.get(code.strip().casefold(), code)
                )
            elif code and self._codes and not any(_like(code, c) for c in self._codes):
                message = f"no project's code is like {code!r}"
                yield Problem(("waivers", i, "project"), message, suggestion(code, self._codes))

    def _finding(self, path: KeyPath, code: str) -> Iterator[Problem]:
        known = self._findings() if code and self._findings else ()
        if known and code not in known:
            close = suggestion(code, known)
            hint = close if close.startswith("did you") else "docs/findings.md describes all codes"
            yield Problem(path, f"no finding is called {code!r}", hint)

    def _overrides(self) -> Iterator[Problem]:
        overrides = self._data.get("overrides")
        yield from _twice(("overrides",), overrides, Override, "project", "dimension", "expires")
        for i, override in _entries(overrides):
            yield from self._project(("overrides", i, "project"), _text(override, "project"))

    def _people(self) -> Iterator[Problem]:
        """One person in two entries: whose team and part time would count?"""
        seen: set[str] = set()
        for i, person in _entries(self._data.get("people")):
            name = _text(person, "name")
            if name and name.casefold() in seen:
                hint = "make one entry of the two"
                yield Problem(("people", i, "name"), f"the person {name!r} stands twice", hint)
            seen.add(name.casefold())

    def _decided_pairs(self) -> Iterator[Problem]:
        """Decisions on tickets of connections that do not exist, and on one pair twice."""
        block = self._data.get("duplicates")
        seen: set[frozenset[str]] = set()
        for i, decision in _entries(block.get("decisions") if isinstance(block, dict) else None):
            path: KeyPath = ("duplicates", "decisions", i, "pair")
            identities = list(_texts(decision.get("pair")))
            for at, identity in identities:
                yield from self._connection((*path, *at), identity.partition(":")[0])
            pair = frozenset(text for _, text in identities)
            if pair in seen:
                yield Problem(path, "this pair was decided already, further up", "remove one")
            seen.add(pair)

    def _gates(self) -> Iterator[Problem]:
        """Own criteria that stand twice, and dropped ones that are no default."""
        block = self._data.get("gates")
        if not isinstance(block, dict) or not block:
            return
        yield from _twice(("gates", "criteria"), block.get("criteria"), Criterion, "id")
        known = {c.id for c in default_criteria()}
        for at, name in _texts(block.get("without")):
            if name not in known:
                message = f"no default criterion {name!r}"
                yield Problem(("gates", "without", *at), message, suggestion(name, known))


def _twice(path: KeyPath, items: Any, model: type[BaseModel], *keys: str) -> Iterator[Problem]:
    """Decisions about the same thing until the same day: which reason is the one?"""
    taken: set[tuple[str, ...]] = set()
    for i, item in _entries(items):
        about = tuple(
            _text(item, key) if key in item else str(model.model_fields[key].default)
            for key in keys
        )
        if about in taken:
            yield Problem((*path, i), "the same is decided above already", "remove one")
        taken.add(about)


# ---- what was read, whatever its shape ----------------------------------------------------------


def _entries(items: Any) -> Iterator[tuple[int, Block]]:
    """The blocks of a list, with their index."""
    for i, item in enumerate(items if isinstance(items, list) else ()):
        if isinstance(item, dict):
            yield i, item


def _blocks(blocks: Any) -> Iterator[tuple[str, Block]]:
    for name, block in (blocks if isinstance(blocks, dict) else {}).items():
        if isinstance(block, dict):
            yield name, block


def _texts(value: Any) -> Iterator[tuple[KeyPath, str]]:
    """The words of a list, or a word alone, each with its step."""
    if isinstance(value, list):
        yield from (((i,), each) for i, each in enumerate(value) if isinstance(each, str))
    elif isinstance(value, str):
        yield (), value


def _text(block: Block, key: str) -> str:
    """The text of a key; a number is its digits, and what is no text is empty."""
    value = block.get(key)
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return str(value) if number else value if isinstance(value, str) else ""


def _wild(text: str) -> bool:
    return bool(set(text) & set("*?"))


def _like(words: str, code: str) -> bool:
    form = words.strip().casefold().replace("[", "[[]")
    return re.match(translate(form), code.strip().casefold()) is not None
