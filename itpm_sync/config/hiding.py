"""What no message shows: values of references, and logins and passwords within addresses."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any
from urllib.parse import unquote

from itpm_sync.errors import Problem

_LONGEST = 300  # characters of a message
_RECOGNIZED = 40  # characters by which the beginning of a value that was cut is known
_LOGIN = re.compile(r"//(.*)@|^([^\s/:@]+:(?!//)\S*@)", re.DOTALL)
_QUERY = re.compile(r"[?&][\w-]*(?:password|passwd|pwd|token|secret|key)=([^&]+)", re.IGNORECASE)


class Hidden:
    """Hides in problems the values that references gave, and what is secret in any address of the
    configuration. To be applied to every problem, so that no check has to think of it.

    A value that could be an ordinary word or number is hidden where it stands in quotes or in a
    list of what is known; any other wherever it stands.
    """

    def __init__(self, given: Iterable[str], data: Any) -> None:
        self._given, self._data = given, data

    def without(self, problem: Problem) -> Problem:
        """The problem with `***` for what is hidden, and not longer than can be read."""
        message, hint = self._cleaned(problem.message), self._cleaned(f": {problem.hint}")[2:]
        return replace(problem, message=message[:_LONGEST], hint=hint)

    def _cleaned(self, text: str) -> str:
        for pattern in self._patterns:
            text = pattern.sub("***", text)
        return text

    @cached_property
    def _patterns(self) -> tuple[re.Pattern[str], ...]:
        """Asked for by the first problem: a sound configuration does not wait for it."""
        given = {v for v in self._given if v.strip()}
        secret = given | {v for text in _texts(self._data) for v in _in_address(text)}
        forms = {f for v in secret for f in (v, v.strip(), repr(v)[1:-1])}
        parts = {p for v in given for p in re.split(r"[:{}]", v) if p.strip()}
        longest = sorted(forms | parts, key=lambda f: (-len(f), f))
        return tuple(re.compile(_pattern(f, whole=f in forms), re.DOTALL) for f in longest)


def _pattern(form: str, *, whole: bool) -> str:
    text, plain = re.escape(form), re.fullmatch("[a-z]+", form) is not None
    if whole and len(form) >= 8 and not plain:
        cut = len(form) > _RECOGNIZED
        return f"{text}|{re.escape(form[:_RECOGNIZED])}.*" if cut else text
    if whole and len(form) >= (12 if plain else 4):
        return rf"(?<!\w){text}(?!\w)"
    return rf"(?<=['\"]){text}(?=['\"])|(?<=[:,] ){text}(?=,|$)"


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for part in value.values():
            yield from _texts(part)
    elif isinstance(value, list):
        for part in value:
            yield from _texts(part)
    elif isinstance(value, str):
        yield value


def _in_address(text: str) -> Iterator[str]:
    """The login of an address, user and password, and what the keys of its query keep secret."""
    login = _LOGIN.search(text) if "@" in text else None
    if login:
        yield login[1] or login[2][:-1]
    yield from _QUERY.findall(text)


def passwords(url: str) -> set[str]:
    """The password before the host and those in the query, as written and as meant."""
    written = re.findall(r"^[^:/]+://[^:/@]*:([^@]*)@", url)
    written += re.findall(r"[?&]\w*password=([^&]*)", url)
    return {*written, *map(unquote, written)}
