"""Mapping data → a compiled mapping, or every mistake in it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from itpm_sync.errors import ConfigError, Problem, RecordError, suggestion
from itpm_sync.mapping.applying import Block, Mapper
from itpm_sync.mapping.building import FieldRule
from itpm_sync.mapping.fields import FITTING, FieldType, declared_fields
from itpm_sync.mapping.values import (
    NOTHING,
    Constant,
    Convert,
    First,
    Frame,
    Getter,
    Json,
    OrElse,
    Path,
    Translated,
    condition,
    follow,
    nothing,
    owner,
    reads_dates,
    scaled,
    shape,
    to_bool,
    to_date,
    to_datetime,
    to_decimal,
    to_int,
    to_list,
    to_member_of,
    to_money,
    to_percent,
    to_seconds,
    to_text,
    with_currency,
)
from itpm_sync.model import KINDS, Record

_STEP = re.compile(r"\.?(?:\[([^\]=]+)=([^\]]*)\]|([^.\[\]]+))")
_INDEX = re.compile(r"[0-9]{1,9}")
RULE_KEYS = frozenset("path value first map default as format zone currency scale soft".split())
BLOCK_KEYS = frozenset("to each id when fields attributes url".split())


def compile_mapping(
    data: Json, variables: Mapping[str, str] | None = None, origin: str = "mapping"
) -> Mapper:
    """Compiles a mapping. Raises ConfigError with every problem; paths are relative to `data`.

    `variables` replace `{name}` in paths: a path with an unknown variable yields no value.
    """
    compiler = _Compiler(variables or {})
    blocks = compiler.mapping(data)
    if compiler.problems:
        raise ConfigError(
            Problem(p.path, p.message, p.hint, p.where or f"{origin}: {'/'.join(map(str, p.path))}")
            for p in compiler.problems
        )
    canonical = json.dumps([data, sorted((variables or {}).items())], sort_keys=True, default=str)
    return Mapper(blocks, hashlib.sha256(canonical.encode()).hexdigest()[:16])


class _Compiler:
    def __init__(self, variables: Mapping[str, str]) -> None:
        self.variables = variables
        self.problems: list[Problem] = []

    def bad(self, path: tuple[str | int, ...], message: str, hint: str = "") -> None:
        self.problems.append(Problem(path, message, hint))

    def keys(
        self, path: tuple[str | int, ...], data: Mapping[str, Json], known: frozenset[str]
    ) -> None:
        for key in data:
            if key not in known:
                self.bad((*path, key), f"unknown key {key!r}", suggestion(str(key), known))

    def mapping(self, data: Json) -> dict[str, tuple[Block, ...]]:
        if not isinstance(data, Mapping):
            self.bad((), f"expected a mapping with `streams`, found {shape(data)}")
            return {}
        self.keys((), data, frozenset({"version", "streams"}))
        if data.get("version", 1) != 1:
            self.bad(("version",), f"expected version 1, found {data['version']!r}")
        streams = data.get("streams")
        if not isinstance(streams, Mapping):
            self.bad(("streams",), f"expected a mapping of streams, found {shape(streams)}")
            return {}
        return {str(n): self.stream(("streams", str(n)), rules) for n, rules in streams.items()}

    def stream(self, path: tuple[str | int, ...], rules: Json) -> tuple[Block, ...]:
        if not isinstance(rules, Sequence) or isinstance(rules, str):
            self.bad(path, f"expected a list of rules, found {shape(rules)}")
            return ()
        blocks = [self.block((*path, i), rule) for i, rule in enumerate(rules)]
        return tuple(b for b in blocks if b is not None)

    def block(self, path: tuple[str | int, ...], rule: Json) -> Block | None:
        if not isinstance(rule, Mapping):
            self.bad(path, f"expected a rule with `to` and `fields`, found {shape(rule)}")
            return None
        self.keys(path, rule, BLOCK_KEYS)
        kind = KINDS.get(str(rule.get("to", "")))
        if kind is None:
            known = suggestion(str(rule.get("to", "")), KINDS)
            self.bad((*path, "to"), f"expected a kind of record, found {rule.get('to')!r}", known)
            return None
        fields = rule.get("fields")
        if not isinstance(fields, Mapping):
            self.bad((*path, "fields"), f"expected a mapping of fields, found {shape(fields)}")
            return None
        attributes = rule.get("attributes") or {}
        if not isinstance(attributes, Mapping):
            self.bad((*path, "attributes"), f"expected a mapping, found {shape(attributes)}")
            attributes = {}
        return Block(
            kind=kind,
            each=self.path((*path, "each"), rule["each"]) if "each" in rule else None,
            child_id=self.path((*path, "id"), rule.get("id", "id")),
            url=self.path((*path, "url"), rule["url"]) if "url" in rule else None,
            when=self.conditions((*path, "when"), rule.get("when")),
            fields=self.fields((*path, "fields"), kind, fields),
            attributes=tuple(
                (str(n), get)
                for n, r in attributes.items()
                if (get := self.getter((*path, "attributes", str(n)), r)) is not nothing
            ),
        )

    def fields(
        self, path: tuple[str | int, ...], kind: type[Record], rules: Mapping[str, Json]
    ) -> tuple[FieldRule, ...]:
        declared = declared_fields(kind)
        result = []
        for name, rule in rules.items():
            here = (*path, str(name))
            if name not in declared:
                hint = suggestion(str(name), declared)
                self.bad(here, f"{kind.kind} has no field {name!r}", hint)
                continue
            required, hint_type = declared[name]
            options = rule if isinstance(rule, Mapping) else {}
            self.keys(here, options, RULE_KEYS)
            convert = self.converter(here, options, hint_type)
            get = self.getter(here, rule)
            if get is nothing and not required:
                continue  # a field that this connection does not have
            shown = options.get("path", rule if isinstance(rule, str) else name)
            result.append(
                FieldRule(
                    name=str(name),
                    path=self._resolved(str(shown)) or str(shown),
                    get=get,
                    convert=convert,
                    soft=bool(options.get("soft", False)),
                    required=required,
                    coded=hint_type.enum is not None,
                )
            )
        for name, (required, _) in declared.items():
            if required and name not in rules:
                self.bad(path, f"{kind.kind} needs the field {name!r}")
        return tuple(result)

    # ---- getters --------------------------------------------------------------------------------

    def getter(self, path: tuple[str | int, ...], rule: Json) -> Getter:
        if isinstance(rule, str):
            return self.path(path, rule)
        if not isinstance(rule, Mapping):
            self.bad(path, f"expected a path or a rule, found {shape(rule)}")
            return nothing
        if "value" in rule:
            return Constant(rule["value"])
        get = self._source(path, rule)
        currency = rule.get("currency")
        if isinstance(currency, Mapping) and "path" in currency:
            get = with_currency(get, self.path((*path, "currency", "path"), currency["path"]))
        if "map" in rule:
            get = self._translated(path, rule, get)
        elif "default" in rule:
            get = OrElse(get, rule["default"])
        return get

    def _source(self, path: tuple[str | int, ...], rule: Mapping[str, Json]) -> Getter:
        if "first" in rule:
            paths = rule["first"]
            if not isinstance(paths, list) or not paths:
                self.bad((*path, "first"), f"expected a list of paths, found {shape(paths)}")
                return nothing
            gets = tuple(self.path((*path, "first", i), p) for i, p in enumerate(paths))
            return First(gets)
        if "path" not in rule:
            self.bad(path, "a rule needs one of: path, value, first")
            return nothing
        return self.path((*path, "path"), rule["path"])

    def _translated(
        self, path: tuple[str | int, ...], rule: Mapping[str, Json], get: Getter
    ) -> Getter:
        table = rule["map"]
        if not isinstance(table, Mapping):
            self.bad((*path, "map"), f"expected a mapping of words, found {shape(table)}")
            return get
        folded = {str(k).casefold(): v for k, v in table.items()}
        return Translated(get, folded, rule.get("default", NOTHING))

    def path(self, at: tuple[str | int, ...], text: Json) -> Getter:
        if not isinstance(text, str) or not text:
            self.bad(at, f"expected a path such as fields.summary, found {shape(text)}")
            return nothing
        if text == "^@id":
            return owner
        resolved = self._resolved(text.removeprefix("^"))
        if resolved is None:
            return nothing
        steps = self._steps(at, resolved)
        return Path(steps, follow(steps), from_parent=text.startswith("^"))

    def _resolved(self, text: str) -> str | None:
        """The path with its variables; None if one is not configured."""
        names = re.findall(r"\{(\w+)\}", text)
        if any(n not in self.variables for n in names):
            return None
        return re.sub(r"\{(\w+)\}", lambda m: self.variables[m[1]], text)

    def _steps(self, at: tuple[str | int, ...], text: str) -> tuple[Any, ...]:
        steps: list[Any] = []
        position = 0
        while position < len(text):
            match = _STEP.match(text, position)
            if not match:
                self.bad(at, f"malformed path {text!r} at {text[position:]!r}", "try a.b.0.c")
                return ()
            key, value, name = match.groups()
            steps.append((key, value) if key else int(name) if _INDEX.fullmatch(name) else name)
            position = match.end()
        return tuple(steps)

    # ---- conditions -----------------------------------------------------------------------------

    def conditions(
        self, path: tuple[str | int, ...], rule: Json
    ) -> tuple[Callable[[Json, Frame], bool], ...]:
        if rule is None:
            return ()
        if isinstance(rule, list):
            return tuple(t for i, r in enumerate(rule) for t in self.conditions((*path, i), r))
        if not isinstance(rule, Mapping):
            self.bad(path, f"expected a condition with `path`, found {shape(rule)}")
            return ()
        tests = frozenset({"is", "not", "in", "present"})
        self.keys(path, rule, tests | {"path"})
        used = [t for t in rule if t in tests]
        if len(used) != 1:
            self.bad(path, "a condition needs exactly one of: is, not, in, present")
            return ()
        get, wanted = self.path((*path, "path"), rule.get("path")), rule[used[0]]
        return (condition(used[0], get, wanted),)

    # ---- conversions ----------------------------------------------------------------------------

    def converter(
        self, path: tuple[str | int, ...], options: Mapping[str, Json], target: FieldType
    ) -> Convert:
        name = str(options.get("as", target.default))
        scale, formats = self._scale(path, options), self._formats(path, options)
        makers: dict[str, Callable[[], Convert]] = {
            "text": lambda: to_text,
            "lower": lambda: lambda v: to_text(v).lower(),
            "int": lambda: to_int,
            "decimal": lambda: scaled(to_decimal, scale),
            "percent": lambda: to_percent,
            "bool": lambda: to_bool,
            "list": lambda: to_list,
            "seconds": lambda: to_seconds(1),
            "minutes": lambda: to_seconds(60),
            "hours": lambda: to_seconds(3600),
            "date": lambda: to_date(formats, self._zone(path, options)),
            "datetime": lambda: to_datetime(formats, self._zone(path, options)),
            "money": lambda: self._money(path, options, scale),
        }
        if name not in makers:
            self.bad((*path, "as"), f"unknown conversion {name!r}", suggestion(name, makers))
            return to_text
        if name not in FITTING[target.default]:
            known = f"use {' or '.join(FITTING[target.default])}"
            self.bad((*path, "as"), f"{name!r} does not fit the field {path[-1]!r}", known)
            return to_text
        convert = makers[name]()
        return to_member_of(convert, target.enum) if target.enum else convert

    def _scale(self, path: tuple[str | int, ...], options: Mapping[str, Json]) -> Decimal | None:
        if options.get("scale") is None:
            return None
        try:
            return to_decimal(options["scale"])
        except RecordError:
            found = shape(options["scale"])
            self.bad((*path, "scale"), f"expected a number, found {found}")
            return None

    def _formats(self, path: tuple[str | int, ...], options: Mapping[str, Json]) -> tuple[str, ...]:
        given = options.get("format")
        formats = [given] if isinstance(given, str) else given or []
        good = isinstance(formats, list) and all(map(reads_dates, formats))
        if not good:
            self.bad(
                (*path, "format"), f"expected a date format, found {shape(given)}", "try %d.%m.%Y"
            )
        return tuple(formats) if good else ()

    def _zone(self, path: tuple[str | int, ...], options: Mapping[str, Json]) -> ZoneInfo | None:
        if "zone" not in options:
            return None
        try:
            return ZoneInfo(str(options["zone"]))
        except (ValueError, OSError, KeyError):
            self.bad((*path, "zone"), f"unknown time zone {options['zone']!r}", "try Europe/Zurich")
            return None

    def _money(
        self, path: tuple[str | int, ...], options: Mapping[str, Json], scale: Decimal | None
    ) -> Convert:
        currency = options.get("currency")
        if isinstance(currency, Mapping):
            if set(currency) == {"path"}:
                return to_money(None, scale)  # the getter pairs amount and currency
            currency = currency["value"] if set(currency) == {"value"} else currency
        if isinstance(currency, str) and re.fullmatch(r"[A-Z]{3}", currency):
            return to_money(lambda _v: currency, scale)
        if currency is None:
            return to_money(None, scale)
        self.bad(
            (*path, "currency"),
            f"expected a currency code such as EUR, found {currency!r}",
            "or {path: …}, or let the value itself carry it: {amount, currency} or `12.50 EUR`",
        )
        return to_text
