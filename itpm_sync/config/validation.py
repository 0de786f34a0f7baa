"""Settings models → problems for people: where, what was expected, what was found, a suggestion.

All that is wrong is told at once, and no consequence of it. So a misspelt key is taken for the one
that was meant, and what is wrong is left out, and the rest is looked at again.
"""

from __future__ import annotations

import difflib
import re
import types
import typing
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Generic

from pydantic import BaseModel, SecretStr, ValidationError

from itpm_sync.config.document import KeyPath
from itpm_sync.config.wording import told
from itpm_sync.errors import Problem, suggestion

M = typing.TypeVar("M", bound=BaseModel)
Error = Mapping[str, Any]
_ROUNDS = 10


@dataclass(frozen=True, slots=True)
class Checked(Generic[M]):
    """A block and all that is wrong in it.

    `rest` is the block without what is wrong (None where too much is); `data` has misspelt keys as
    they were meant, and `written` says by their path how they stand in the file.
    """

    value: M | None
    problems: Sequence[Problem]
    rest: M | None
    data: Any
    written: Mapping[KeyPath, str] = field(default_factory=dict)


def validated(
    model: type[M], data: Any, hidden: Collection[KeyPath] = ()
) -> tuple[M | None, Sequence[Problem]]:
    """The validated block and its problems; values at `hidden` paths are never shown."""
    found = checked(model, data, hidden)
    return found.value, found.problems


def checked(
    model: type[M],
    data: Any,
    hidden: Collection[KeyPath] = (),
    besides: Collection[str] = (),
) -> Checked[M]:
    """The block, examined to the end. `besides`: keys at its top that are somebody else's."""
    given = {k: v for k, v in data.items() if k not in besides} if besides else data
    value, errors = _tried(model, given)
    if value is not None:
        return Checked(value, (), value, given)
    given, written = _respelt(model, given)
    problems = [
        Problem(path, f"unknown key {name!r}", f'did you mean "{path[-1]}"?')
        for path, name in written.items()
    ]
    value, errors = _tried(model, given)
    rest, later = _without_mistakes(model, given, errors)
    for path, group in _grouped([*errors, *later], given):
        if path not in written:
            secret = as_written(path, written) in hidden
            problems.append(_problem(model, path, group, besides, secret=secret))
    problems = [*_no_consequences(problems)]
    located = [Problem(as_written(p.path, written), p.message, p.hint) for p in problems]
    return Checked(None, located, rest, given, written)


def as_written(path: KeyPath, written: Mapping[KeyPath, str]) -> KeyPath:
    """A path with its keys as they stand in the file, misspelt as they are."""
    return tuple(written.get(path[: n + 1], step) for n, step in enumerate(path))


def near(word: str, known: Iterable[str]) -> str:
    """The known key that a misspelt one is taken for, or nothing."""
    return next(iter(difflib.get_close_matches(word, sorted(known), n=1, cutoff=0.75)), "")


def _tried(model: type[M], data: Any) -> tuple[M | None, list[Error]]:
    try:
        return model.model_validate(data), []
    except ValidationError as error:
        return None, [dict(e) for e in error.errors(include_url=False)]


# ---- misspelt keys ------------------------------------------------------------------------------


def _respelt(model: type[BaseModel], data: Any) -> tuple[Any, dict[KeyPath, str]]:
    """The data with misspelt keys as they were meant, and how they are written. Again and again,
    as a misspelt block hides what is misspelt in it.
    """
    written: dict[KeyPath, str] = {}
    for _ in range(_ROUNDS):
        meant = dict(_meant(model, data))
        if not meant:
            break
        for path, name in meant.items():
            written[path] = name
            data = _renamed(data, path, name)
    return data, written


def _meant(model: type[BaseModel], data: Any) -> Iterator[tuple[KeyPath, str]]:
    """Of unknown keys: the path of the key that was meant, where it is free, and the word there."""
    for error in _tried(model, data)[1]:
        path = _in_data(error, data)
        if error["type"] == "extra_forbidden" and path:
            block, name = _at(data, path[:-1]), str(path[-1])
            free = [k for k in _known_keys(model, error["loc"][:-1]) if k not in block]
            key = near(name, free)
            if key:
                yield (*path[:-1], key), name


def _renamed(data: Any, path: KeyPath, name: str) -> Any:
    if isinstance(data, dict) and len(path) == 1:
        return {path[0] if key == name else key: value for key, value in data.items()}
    return _changed(data, path[0], _renamed(data[path[0]], path[1:], name))


def _changed(data: Any, step: Any, value: Any) -> Any:
    """A block or list with another value at a step."""
    if isinstance(data, dict):
        return {**data, step: value}
    return [value if i == step else old for i, old in enumerate(data)]


# ---- what is wrong left out ---------------------------------------------------------------------


def _without_mistakes(
    model: type[M], data: Any, errors: Sequence[Error]
) -> tuple[M | None, list[Error]]:
    """What is left as soon as what is wrong is left out, and the mistakes that only then show: of
    checks that look at several values. None of what may be a consequence of leaving out.
    """
    gone: set[KeyPath] = set()
    later: list[Error] = []
    value = None
    for _ in range(_ROUNDS):
        left_out = {_cut(data, _in_data(e, data)) for e in errors}
        if not left_out or () in left_out:
            break
        gone |= left_out
        for path in sorted(left_out, key=len, reverse=True):
            data = _dropped(data, path)
        value, errors = _tried(model, data)
        later += [e for e in errors if _stands_alone(e, _in_data(e, data), gone)]
    return value, later


def _cut(data: Any, path: KeyPath) -> KeyPath:
    """The path up to its last key that is there: what can be left out, and shifts no index. Where a
    required key is missing, that is the block which lacks it.
    """
    there: KeyPath = ()
    for n in range(1, len(path) + 1):
        if _has(_at(data, path[: n - 1]), path[n - 1]):
            there = path[:n]
    while there and not isinstance(there[-1], str):
        there = there[:-1]
    return there


def _dropped(data: Any, path: KeyPath) -> Any:
    if not _has(data, path[0]):
        return data
    if len(path) == 1:
        return {k: v for k, v in data.items() if k != path[0]}
    return _changed(data, path[0], _dropped(data[path[0]], path[1:]))


def _stands_alone(error: Error, path: KeyPath, gone: Collection[KeyPath]) -> bool:
    if error["type"] in ("missing", "extra_forbidden") or any(g[: len(path)] == path for g in gone):
        return False
    words = set(re.findall(r"\w+", error["msg"]))
    return not any(g[-1] in words for g in gone)


# ---- problems -----------------------------------------------------------------------------------


def _grouped(errors: Sequence[Error], data: Any) -> Iterator[tuple[KeyPath, list[Error]]]:
    """The mistakes by place. Those of a union's members share one; where a member's keys are told
    about, that another member is no block is not.
    """
    groups: dict[KeyPath, list[Error]] = {}
    for error in errors:
        groups.setdefault(_in_data(error, data), []).append(error)
    for path, group in groups.items():
        deeper = any(p[: len(path)] == path and len(p) > len(path) for p in groups)
        kept = [e for e in group if not (deeper and _of_shape(e))]
        if kept:
            yield path, kept


def _of_shape(error: Error) -> bool:
    return isinstance(error.get("input"), dict | list) and error["type"] != "value_error"


def _problem(
    model: type[BaseModel],
    path: KeyPath,
    errors: Sequence[Error],
    besides: Collection[str],
    *,
    secret: bool,
) -> Problem:
    kinds, place = {e["type"] for e in errors}, tuple(errors[0]["loc"])
    if "extra_forbidden" in kinds:
        known = _known_keys(model, place[:-1]) + (tuple(besides) if len(path) == 1 else ())
        hint = suggestion(str(path[-1]), known)
        if errors[0].get("input") is None and _has_a_secret(_annotation(model, place[:-1])):
            message = "unknown key without a value; a text that begins with { needs quotes"
            return Problem(path, message, hint)  # `auth: {TOKEN}`
        return Problem(path, f"unknown key {path[-1]!r}", hint)
    if "missing" in kinds:
        return Problem(path, f"the key {path[-1]!r} is missing")
    return Problem(path, *told(errors, secret=secret or _is_secret(model, place)))


def _no_consequences(problems: Sequence[Problem]) -> Iterator[Problem]:
    """Without keys that are missing only because an unknown one beside them is misspelt."""
    unknown = {(*p.path[:-1], p.hint) for p in problems if p.message.startswith("unknown key")}
    for problem in problems:
        meant = (*problem.path[:-1], f'did you mean "{problem.path[-1]}"?') if problem.path else ()
        if not (problem.message.endswith("is missing") and meant in unknown):
            yield problem


def _in_data(error: Error, data: Any) -> KeyPath:
    """Where a mistake stands in the data: without the steps that the library adds itself (names of
    a union's members), and those of shorthands.
    """
    steps: list[str | int] = []
    for step in error["loc"]:
        if _has(data, step):
            steps.append(step)
            data = data[step]
        elif step == error["loc"][-1] and error["type"] == "missing":
            steps.append(step)
    return tuple(steps)


def _at(data: Any, path: KeyPath) -> Any:
    for step in path:
        data = data[step] if _has(data, step) else None
    return data


def _has(data: Any, step: Any) -> bool:
    if isinstance(data, dict):
        return step in data
    return isinstance(data, list) and isinstance(step, int) and 0 <= step < len(data)


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


def _has_a_secret(kind: Any) -> bool:
    """A block with a key of its own that takes a secret."""
    if not (isinstance(kind, type) and issubclass(kind, BaseModel)):
        return False
    return any(_unwrapped(f.annotation) is SecretStr for f in kind.model_fields.values())


def _annotation(model: Any, path: KeyPath) -> Any:
    """The type that a settings model declares at a path; unions give their first model."""
    here = _unwrapped(model)
    for step in path:
        if isinstance(here, type) and issubclass(here, BaseModel):
            if step == here.__name__:  # of a union's member
                continue
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
