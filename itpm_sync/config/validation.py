"""Settings models → problems for people: where, what was expected, what was found, a suggestion."""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import BaseModel, SecretStr, ValidationError

from itpm_sync.config.document import KeyPath
from itpm_sync.config.settings import CURRENCY, IDENTITY, NAME, URL
from itpm_sync.errors import Problem, suggestion

M = typing.TypeVar("M", bound=BaseModel)


def validated(
    model: type[M], data: Any, hidden: typing.Collection[KeyPath] = ()
) -> tuple[M | None, list[Problem]]:
    """The validated block and its problems; values at `hidden` paths are never shown."""
    try:
        return model.model_validate(data), []
    except ValidationError as error:
        return None, [_problem(model, dict(e), hidden) for e in error.errors(include_url=False)]


_EXPECTED = {
    NAME: "expected a name of letters, digits, - and _ that begins with a letter",
    CURRENCY: "expected a currency code such as EUR",
    URL: "expected an address that begins with http:// or https://",
    IDENTITY: "expected a record's identity, CONNECTION:STREAM:ID, as findings show it",
    "model_type": "expected a mapping of keys",
    "dict_type": "expected a mapping of keys",
    "mapping_type": "expected a mapping of keys",
    "tuple_type": "expected a list",
    "list_type": "expected a list",
    "string_type": "expected a text",
}
_DATES = ("date_type", "date_parsing", "date_from_datetime_parsing", "date_from_datetime_inexact")
_QUOTED = frozenset(
    "string_type model_type model_attributes_type dict_type mapping_type tuple_type list_type "
    "literal_error enum".split()
)
"""Kinds of mistakes behind which a word can be that YAML has read as true or false."""


def _problem(
    model: type[BaseModel], error: dict[str, Any], hidden: typing.Collection[KeyPath]
) -> Problem:
    path: KeyPath = tuple(error["loc"])
    kind, value = error["type"], error.get("input")
    if kind == "extra_forbidden":
        known = _known_keys(model, path[:-1])
        return Problem(path, f"unknown key {path[-1]!r}", suggestion(str(path[-1]), known))
    if kind == "missing":
        return Problem(path, f"the key {path[-1]!r} is missing")
    context = error.get("ctx", {})
    message = _EXPECTED.get(context.get("pattern", kind)) or _in_words(kind, context, error["msg"])
    message = message.removeprefix("Value error, ").replace("Input should be", "expected")
    secret = path in hidden or _is_secret(model, path)
    if not secret and not isinstance(value, dict | list):
        message += _found(value, message)
    return Problem(path, message[:300], "" if secret else _hint(kind, value, context))


def _found(value: Any, message: str) -> str:
    """What stands there, unless the message has said so, or (of a connector) gives no value."""
    told = repr(value) in message or f'"{value}"' in message
    if isinstance(value, str) and (told if value else not message.startswith("expected")):
        return ""
    if isinstance(value, bool):
        return f", found {str(value).lower()}"
    return ", found nothing" if value is None else f", found {value!r}"


def _in_words(kind: str, context: Mapping[str, Any], message: str) -> str:
    """The library's own message where it is plain, ours where it speaks of types and patterns."""
    if kind in _DATES:
        exists = "outside" not in str(context.get("error", ""))
        return f"expected a date as YYYY-MM-DD{'' if exists else ', of a day that exists'}"
    pattern = str(context.get("pattern", ""))
    if pattern.startswith("^https?:"):
        return _EXPECTED[URL]
    if pattern:
        return f"expected a text of the form {pattern}"
    if kind == "string_too_short":
        return "expected a text that says something"
    if kind == "too_short":
        return f"expected at least {context.get('min_length', 1)} of them, none is there or valid"
    return message


def _hint(kind: str, value: Any, context: Mapping[str, Any]) -> str:
    if kind in _QUOTED and isinstance(value, bool):
        read = "On and Yes as true" if value else "No and Off as false"
        return f'YAML reads {read}: put the word in quotes, as in "{"Yes" if value else "No"}"'
    words = re.findall(r"'([^']*)'", str(context.get("expected", "")))
    hint = suggestion(value, words) if words and isinstance(value, str) else ""
    return hint if hint.startswith("did you") else ""


def _known_keys(model: type[BaseModel], path: KeyPath) -> tuple[str, ...]:
    found = _annotation(model, path)
    if not (isinstance(found, type) and issubclass(found, BaseModel)):
        return ()
    return tuple(info.alias or name for name, info in found.model_fields.items())


def _is_secret(model: type[BaseModel], path: KeyPath) -> bool:
    """A secret, or a value that may hold one: whose field is left out of the settings' repr, or
    that stands where a block with a secret in it ought to (`auth: TOKEN`).
    """
    own = model.model_fields.get(str(path[0])) if len(path) == 1 else None
    return _holds_secret(_annotation(model, path)) or (own is not None and not own.repr)


def _holds_secret(kind: Any) -> bool:
    if not (isinstance(kind, type) and issubclass(kind, BaseModel)):
        return kind is SecretStr
    return any(_holds_secret(_unwrapped(f.annotation)) for f in kind.model_fields.values())


def _annotation(model: Any, path: KeyPath) -> Any:
    """The type that a settings model declares at a path; unions give their first model."""
    here = _unwrapped(model)
    for step in path:
        if isinstance(here, type) and issubclass(here, BaseModel):
            info = here.model_fields.get(str(step))
            here = _unwrapped(info.annotation) if info else None
        elif typing.get_origin(here) in (tuple, list) and isinstance(step, int):
            here = _unwrapped(typing.get_args(here)[0])
        elif typing.get_origin(here) in (dict, Mapping):
            here = _unwrapped(typing.get_args(here)[1])
        # else: a step that pydantic adds itself (the name of a union's member)
    return here


def _unwrapped(hint: Any) -> Any:
    while typing.get_origin(hint) is Annotated:
        hint = typing.get_args(hint)[0]
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        members = [_unwrapped(a) for a in typing.get_args(hint) if a is not type(None)]
        models = [m for m in members if isinstance(m, type) and issubclass(m, BaseModel)]
        return (models or members)[0]
    return hint


def secrets_in(value: Any, at: KeyPath = ()) -> Iterator[tuple[KeyPath, str]]:
    """Every secret within a value and the path at which it stands in the file."""
    if isinstance(value, SecretStr):
        yield at, value.get_secret_value()
    elif isinstance(value, BaseModel):
        for name, info in type(value).model_fields.items():
            yield from secrets_in(getattr(value, name, None), (*at, info.alias or name))
    elif isinstance(value, Mapping):
        for key, part in value.items():
            yield from secrets_in(part, (*at, key))
    elif isinstance(value, list | tuple):
        for index, part in enumerate(value):
            yield from secrets_in(part, (*at, index))
