"""Raw record → model, driven by mapping YAML.

A mapping is plain data (the format is described in docs/configuration.md): per stream a list of
rules, each of which makes one record, or with `each` one child per element of a list. It is
compiled once into closures; every mistake in it is a `Problem` with its path, so that the caller
can say file, line and column. `Mapper.fingerprint` changes exactly when the result could.

A conversion that fails raises RecordError, which quarantines the whole raw record; with `soft:
true` only that field is left empty and the problem is returned beside the records.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
import types
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal, InvalidOperation
from enum import Enum
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from itpm_sync.connector import RawRecord
from itpm_sync.errors import ConfigError, Problem, RecordError, suggestion
from itpm_sync.model import KINDS, Money, Record, SourceRef

Json = Any
Getter = Callable[[Json, "Frame"], Json]
Convert = Callable[[Json], Any]

_STEP = re.compile(r"\.?(?:\[([^\]=]+)=([^\]]*)\]|([^.\[\]]+))")
_INDEX = re.compile(r"[0-9]{1,9}")
_RULE_KEYS = frozenset("path value first map default as format zone currency scale soft".split())
_BLOCK_KEYS = frozenset("to each id when fields attributes url".split())
_MISSING = object()


@dataclass(frozen=True, slots=True)
class Frame:
    """What a path can refer to besides the element itself: the parent record and its identity."""

    parent: Json
    identity: str


@dataclass(frozen=True, slots=True)
class Mapped:
    """The model records of one raw record, its own first, and the fields that were left empty."""

    records: tuple[Record, ...]
    problems: tuple[RecordError, ...]


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    path: str
    get: Getter
    convert: Convert
    soft: bool
    required: bool


@dataclass(frozen=True, slots=True)
class _Block:
    kind: type[Record]
    each: Getter | None
    child_id: Getter
    url: Getter | None
    when: tuple[Callable[[Json, Frame], bool], ...]
    fields: tuple[_Field, ...]
    attributes: tuple[tuple[str, Getter], ...]


class Mapper:
    """A compiled mapping. Thread-safe: it holds no state."""

    def __init__(self, blocks: Mapping[str, tuple[_Block, ...]], fingerprint: str) -> None:
        self._blocks = blocks
        self.fingerprint = fingerprint

    @property
    def streams(self) -> tuple[str, ...]:
        """The streams that this mapping knows."""
        return tuple(self._blocks)

    def kinds(self, stream: str) -> tuple[str, ...]:
        """The kinds of model records that a stream can give, its own first."""
        return tuple(dict.fromkeys(b.kind.kind for b in self._blocks.get(stream, ())))

    def apply(self, connection: str, stream: str, raw: RawRecord) -> Mapped:
        """The model records of one raw record. Raises RecordError to quarantine all of it."""
        identity = f"{connection}:{stream}:{raw.source_id}"
        try:
            return self._apply(connection, stream, raw, Frame(orjson.loads(raw.body), identity))
        except orjson.JSONDecodeError as error:
            broken = RecordError(
                field="body", value=str(error), expected="JSON", place=raw.url or identity
            )
            raise broken from None
        except RecursionError:
            deep = RecordError(
                field="body", value="…", expected="fewer nested levels", place=raw.url or identity
            )
            raise deep from None

    def _apply(self, connection: str, stream: str, raw: RawRecord, frame: Frame) -> Mapped:
        records: list[Record] = []
        problems: list[RecordError] = []
        for block in self._blocks.get(stream, ()):
            for ref, element in self._elements(block, connection, stream, raw, frame):
                if all(test(element, frame) for test in block.when):
                    records.append(_build(block, ref, element, frame, problems=problems))
        return Mapped(tuple(records), tuple(problems))

    @staticmethod
    def _elements(
        block: _Block, connection: str, stream: str, raw: RawRecord, frame: Frame
    ) -> Iterator[tuple[SourceRef, Json]]:
        if block.each is None:
            yield SourceRef(connection, stream, raw.source_id, raw.url), frame.parent
            return
        child_stream = f"{stream}.{block.kind.kind}"
        elements = block.each(frame.parent, frame)
        if not isinstance(elements, list | None):
            raise RecordError(
                field=f"each of {block.kind.kind}",
                value=elements,
                expected="a list",
                place=raw.url or frame.identity,
            )
        for position, element in enumerate(elements or ()):
            own = block.child_id(element, frame)
            own = position if own is None else own
            url = block.url(element, frame) if block.url else raw.url
            yield SourceRef(connection, child_stream, f"{raw.source_id}/{own}", url), element


def _build(
    block: _Block, ref: SourceRef, element: Json, frame: Frame, *, problems: list[RecordError]
) -> Record:
    values: dict[str, Any] = {"ref": ref}
    for field in block.fields:
        try:
            value = _field_value(field, element, frame)
        except RecordError as error:
            error = RecordError(
                field=field.path,
                value=error.value,
                expected=error.expected,
                place=ref.url or ref.identity,
                hint=error.hint,
            )
            if not field.soft or field.required:
                raise error from None
            problems.append(error)
            continue
        if value is not None:
            values[field.name] = value
    if block.attributes:
        found = ((name, get(element, frame)) for name, get in block.attributes)
        values["attributes"] = {n: _text(v) for n, v in found if v not in (None, "", [])}
    return block.kind(**values)


def _field_value(field: _Field, element: Json, frame: Frame) -> Any:
    value = field.get(element, frame)
    value = None if value is None else field.convert(value)
    if value is None and field.required:
        raise RecordError(field=field.path, value=None, expected=f"a {field.name}")
    return value


# ---- compiling ----------------------------------------------------------------------------------


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

    def mapping(self, data: Json) -> dict[str, tuple[_Block, ...]]:
        if not isinstance(data, Mapping):
            self.bad((), f"expected a mapping with `streams`, found {_shape(data)}")
            return {}
        self.keys((), data, frozenset({"version", "streams"}))
        if data.get("version", 1) != 1:
            self.bad(("version",), f"expected version 1, found {data['version']!r}")
        streams = data.get("streams")
        if not isinstance(streams, Mapping):
            self.bad(("streams",), f"expected a mapping of streams, found {_shape(streams)}")
            return {}
        return {str(n): self.stream(("streams", str(n)), rules) for n, rules in streams.items()}

    def stream(self, path: tuple[str | int, ...], rules: Json) -> tuple[_Block, ...]:
        if not isinstance(rules, Sequence) or isinstance(rules, str):
            self.bad(path, f"expected a list of rules, found {_shape(rules)}")
            return ()
        blocks = [self.block((*path, i), rule) for i, rule in enumerate(rules)]
        return tuple(b for b in blocks if b is not None)

    def block(self, path: tuple[str | int, ...], rule: Json) -> _Block | None:
        if not isinstance(rule, Mapping):
            self.bad(path, f"expected a rule with `to` and `fields`, found {_shape(rule)}")
            return None
        self.keys(path, rule, _BLOCK_KEYS)
        kind = KINDS.get(str(rule.get("to", "")))
        if kind is None:
            known = suggestion(str(rule.get("to", "")), KINDS)
            self.bad((*path, "to"), f"expected a kind of record, found {rule.get('to')!r}", known)
            return None
        fields = rule.get("fields")
        if not isinstance(fields, Mapping):
            self.bad((*path, "fields"), f"expected a mapping of fields, found {_shape(fields)}")
            return None
        attributes = rule.get("attributes") or {}
        if not isinstance(attributes, Mapping):
            self.bad((*path, "attributes"), f"expected a mapping, found {_shape(attributes)}")
            attributes = {}
        return _Block(
            kind=kind,
            each=self.path((*path, "each"), rule["each"]) if "each" in rule else None,
            child_id=self.path((*path, "id"), rule.get("id", "id")),
            url=self.path((*path, "url"), rule["url"]) if "url" in rule else None,
            when=self.conditions((*path, "when"), rule.get("when")),
            fields=self.fields((*path, "fields"), kind, fields),
            attributes=tuple(
                (str(n), self.getter((*path, "attributes", str(n)), r))
                for n, r in attributes.items()
            ),
        )

    def fields(
        self, path: tuple[str | int, ...], kind: type[Record], rules: Mapping[str, Json]
    ) -> tuple[_Field, ...]:
        declared = _declared(kind)
        result = []
        for name, rule in rules.items():
            here = (*path, str(name))
            if name not in declared:
                hint = suggestion(str(name), declared)
                self.bad(here, f"{kind.kind} has no field {name!r}", hint)
                continue
            required, hint_type = declared[name]
            options = rule if isinstance(rule, Mapping) else {}
            self.keys(here, options, _RULE_KEYS)
            convert = self.converter(here, options, hint_type)
            shown = options.get("path", rule if isinstance(rule, str) else name)
            result.append(
                _Field(
                    name=str(name),
                    path=self._resolved(str(shown)) or str(shown),
                    get=self.getter(here, rule),
                    convert=convert,
                    soft=bool(options.get("soft", False)),
                    required=required,
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
            self.bad(path, f"expected a path or a rule, found {_shape(rule)}")
            return _nothing
        if "value" in rule:
            constant = rule["value"]
            return lambda _e, _f: constant
        get = self._source(path, rule)
        currency = rule.get("currency")
        if isinstance(currency, Mapping) and "path" in currency:
            get = _with_currency(get, self.path((*path, "currency", "path"), currency["path"]))
        if "map" in rule:
            get = self._translated(path, rule, get)
        elif "default" in rule:
            get = _or_else(get, rule["default"])
        return get

    def _source(self, path: tuple[str | int, ...], rule: Mapping[str, Json]) -> Getter:
        if "first" in rule:
            paths = rule["first"]
            if not isinstance(paths, list):
                self.bad((*path, "first"), f"expected a list of paths, found {_shape(paths)}")
                return _nothing
            gets = tuple(self.path((*path, "first", i), p) for i, p in enumerate(paths))
            return lambda e, f: next((v for g in gets if (v := g(e, f)) not in (None, "")), None)
        if "path" not in rule:
            self.bad(path, "a rule needs one of: path, value, first")
            return _nothing
        return self.path((*path, "path"), rule["path"])

    def _translated(
        self, path: tuple[str | int, ...], rule: Mapping[str, Json], get: Getter
    ) -> Getter:
        table = rule["map"]
        if not isinstance(table, Mapping):
            self.bad((*path, "map"), f"expected a mapping of words, found {_shape(table)}")
            return get
        folded = {str(k).casefold(): v for k, v in table.items()}
        default = rule.get("default", _MISSING)

        def translate(element: Json, frame: Frame) -> Json:
            value = get(element, frame)
            if value is None:
                return None if default is _MISSING else default
            found = folded.get(str(value).strip().casefold(), default)
            return value if found is _MISSING else found

        return translate

    def path(self, at: tuple[str | int, ...], text: Json) -> Getter:
        if not isinstance(text, str) or not text:
            self.bad(at, f"expected a path such as fields.summary, found {_shape(text)}")
            return _nothing
        if text == "^@id":
            return lambda _e, frame: frame.identity
        from_parent = text.startswith("^")
        resolved = self._resolved(text.removeprefix("^"))
        if resolved is None:
            return _nothing
        steps = self._steps(at, resolved)
        if from_parent:
            return lambda _e, frame: _walk(frame.parent, steps)
        return lambda element, _f: _walk(element, steps)

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
            self.bad(path, f"expected a condition with `path`, found {_shape(rule)}")
            return ()
        tests = frozenset({"is", "not", "in", "present"})
        self.keys(path, rule, tests | {"path"})
        used = [t for t in rule if t in tests]
        if len(used) != 1:
            self.bad(path, "a condition needs exactly one of: is, not, in, present")
            return ()
        get, wanted = self.path((*path, "path"), rule.get("path")), rule[used[0]]
        return (_condition(used[0], get, wanted),)

    # ---- conversions ----------------------------------------------------------------------------

    def converter(
        self, path: tuple[str | int, ...], options: Mapping[str, Json], target: _Target
    ) -> Convert:
        name = str(options.get("as", target.default))
        scale, formats = self._scale(path, options), self._formats(path, options)
        makers: dict[str, Callable[[], Convert]] = {
            "text": lambda: _text,
            "lower": lambda: lambda v: _text(v).lower(),
            "int": lambda: _int,
            "decimal": lambda: _scaled(_decimal, scale),
            "percent": lambda: _percent,
            "bool": lambda: _bool,
            "list": lambda: _list,
            "seconds": lambda: _duration(1),
            "minutes": lambda: _duration(60),
            "hours": lambda: _duration(3600),
            "date": lambda: _date(formats, self._zone(path, options)),
            "datetime": lambda: _datetime(formats, self._zone(path, options)),
            "money": lambda: self._money(path, options, scale),
        }
        if name not in makers:
            self.bad((*path, "as"), f"unknown conversion {name!r}", suggestion(name, makers))
            return _text
        if name not in _FITTING[target.default]:
            known = f"use {' or '.join(_FITTING[target.default])}"
            self.bad((*path, "as"), f"{name!r} does not fit the field {path[-1]!r}", known)
            return _text
        convert = makers[name]()
        return _coded(convert, target.enum) if target.enum else convert

    def _scale(self, path: tuple[str | int, ...], options: Mapping[str, Json]) -> Decimal | None:
        if options.get("scale") is None:
            return None
        try:
            return _decimal(options["scale"])
        except RecordError:
            found = _shape(options["scale"])
            self.bad((*path, "scale"), f"expected a number, found {found}")
            return None

    def _formats(self, path: tuple[str | int, ...], options: Mapping[str, Json]) -> tuple[str, ...]:
        given = options.get("format")
        formats = [given] if isinstance(given, str) else given or []
        good = isinstance(formats, list) and all(map(_reads_dates, formats))
        if not good:
            self.bad(
                (*path, "format"), f"expected a date format, found {_shape(given)}", "try %d.%m.%Y"
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
                return _money(None, scale)  # the getter pairs amount and currency
            currency = currency["value"] if set(currency) == {"value"} else currency
        if isinstance(currency, str) and re.fullmatch(r"[A-Z]{3}", currency):
            return _money(lambda _v: currency, scale)
        if currency is None:
            return _money(None, scale)
        self.bad(
            (*path, "currency"),
            f"expected a currency code such as EUR, found {currency!r}",
            "or {path: …}, or let the value itself carry it: {amount, currency} or `12.50 EUR`",
        )
        return _text


_FITTING: Mapping[str, tuple[str, ...]] = types.MappingProxyType(
    {
        "text": ("text", "lower"),
        "list": ("list",),
        "int": ("int", "seconds", "minutes", "hours"),
        "decimal": ("decimal", "percent"),
        "bool": ("bool",),
        "date": ("date",),
        "datetime": ("datetime",),
        "money": ("money",),
    }
)
"""Which conversions give what a field holds."""


@dataclass(frozen=True, slots=True)
class _Target:
    """What a model field holds: the conversion it gets by itself, and its enum if it is coded."""

    default: str
    enum: type[Enum] | None = None


def _declared(kind: type[Record]) -> dict[str, tuple[bool, _Target]]:
    """The mappable fields of a kind: whether each is required, and what it holds."""
    hints = typing.get_type_hints(kind)
    return {
        f.name: (
            f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING,
            _target(hints[f.name]),
        )
        for f in dataclasses.fields(kind)
        if f.name not in ("ref", "attributes")
    }


def _target(hint: Any) -> _Target:
    if isinstance(hint, types.UnionType):
        hint = next(a for a in typing.get_args(hint) if a is not type(None))
    if typing.get_origin(hint) is tuple:
        return _Target("list")
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _Target("text", hint)
    names = {int: "int", Decimal: "decimal", bool: "bool", datetime: "datetime", date: "date"}
    return _Target("money" if hint is Money else names.get(hint, "text"))


# ---- values -------------------------------------------------------------------------------------


def _nothing(_element: Json, _frame: Frame) -> Json:
    return None


def _with_currency(amount: Getter, currency: Getter) -> Getter:
    """Both as one value, which `as: money` reads; nothing without an amount."""

    def pair(element: Json, frame: Frame) -> Json:
        found = amount(element, frame)
        return None if found is None else {"amount": found, "currency": currency(element, frame)}

    return pair


def _or_else(get: Getter, default: Json) -> Getter:
    return lambda e, f: default if (v := get(e, f)) is None else v


def _walk(value: Json, steps: tuple[Any, ...]) -> Json:
    for index, step in enumerate(steps):
        if isinstance(step, str):
            if step == "*":
                rest = steps[index + 1 :]
                found = (_walk(v, rest) for v in value) if isinstance(value, list) else ()
                return [v for v in found if v is not None]
            value = value.get(step) if isinstance(value, dict) else None
        elif isinstance(step, int):
            if isinstance(value, dict):
                value = value.get(str(step))
            else:
                inside = isinstance(value, list) and step < len(value)
                value = value[step] if inside else None
        else:
            key, wanted = step
            candidates = value if isinstance(value, list) else ()
            value = next(
                (v for v in candidates if isinstance(v, dict) and str(v.get(key)) == wanted), None
            )
        if value is None:
            return None
    return value


def _condition(test: str, get: Getter, wanted: Json) -> Callable[[Json, Frame], bool]:
    if test == "present":
        return lambda e, f: (get(e, f) not in (None, "", [])) == bool(wanted)
    allowed = {
        str(w).casefold()
        for w in (wanted if isinstance(wanted, list) and test == "in" else [wanted])
    }
    positive = test != "not"
    return lambda e, f: (str(get(e, f)).casefold() in allowed) == positive


def _shape(value: Json) -> str:
    return "nothing" if value is None else f"{type(value).__name__} {value!r}"[:60]


def _text(value: Json) -> str:
    if isinstance(value, str):
        return value.replace("\x00", "�")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ", ".join(_text(v) for v in value)
    if isinstance(value, dict):  # a choice or user of the source: its word for people
        for key in ("value", "displayName", "name", "key", "id"):
            if value.get(key) is not None:
                return _text(value[key])
        return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return "" if value is None else str(value)


def _blank(value: Json) -> bool:
    return isinstance(value, str) and not value.strip()


def _decimal(value: Json) -> Decimal | None:
    if _blank(value):
        return None
    if isinstance(value, bool | list | dict):
        raise RecordError(field="", value=value, expected="a number")
    text = str(value).strip()  # str(float) is the shortest text that means it
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        raise RecordError(field="", value=value, expected="a number")
    if len(text) > 60 or abs(number.adjusted()) > 30:
        raise RecordError(field="", value=value, expected="a number of at most 30 digits")
    return number


def _int(value: Json) -> int | None:
    number = _decimal(value)
    if number is None:
        return None
    if number != number.to_integral_value() or abs(number) >= 2**63:
        raise RecordError(field="", value=value, expected="a whole number of at most 63 bits")
    return int(number)


def _scaled(convert: Convert, factor: Decimal | None) -> Convert:
    if factor is None:
        return convert
    return lambda v: None if (n := convert(v)) is None else n * factor


def _percent(value: Json) -> Decimal | None:
    text = str(value).strip().removesuffix("%")
    number = _decimal(text)
    if number is not None and not 0 <= number <= 100:
        raise RecordError(field="", value=value, expected="a percentage between 0 and 100")
    return number


def _bool(value: Json) -> bool | None:
    if isinstance(value, bool):
        return value
    word = str(value).strip().casefold()
    if not word:
        return None
    if word in ("true", "yes", "y", "1", "ja", "oui", "x"):
        return True
    if word in ("false", "no", "n", "0", "nein", "non"):
        return False
    raise RecordError(field="", value=value, expected="yes or no")


def _list(value: Json) -> tuple[str, ...]:
    if isinstance(value, list):
        return tuple(_text(v) for v in value if v not in (None, ""))
    return tuple(part.strip() for part in _text(value).split(",") if part.strip())


def _duration(unit_s: int) -> Convert:
    def convert(value: Json) -> int | None:
        number = _decimal(value)
        if number is not None and abs(number * unit_s) >= 2**63:
            raise RecordError(field="", value=value, expected="a duration")
        return None if number is None else round(number * unit_s)

    return convert


def _date(formats: tuple[str, ...], zone: ZoneInfo | None) -> Convert:
    """The day as the source wrote it, in the source's own zone; of a count of ms, in `zone`."""
    read = _moment(formats, zone)

    def convert(value: Json) -> date | None:
        if _blank(value):
            return None
        text = str(value).strip()
        if not formats and len(text) >= 10 and (len(text) == 10 or text[10] in "T "):
            try:
                return date.fromisoformat(text[:10])
            except ValueError:
                pass
        return read(value).date()

    return convert


def _datetime(formats: tuple[str, ...], zone: ZoneInfo | None) -> Convert:
    read = _moment(formats, zone)

    def convert(value: Json) -> datetime | None:
        return None if _blank(value) else read(value).astimezone(UTC)

    return convert


def _moment(formats: tuple[str, ...], zone: ZoneInfo | None) -> Callable[[Json], datetime]:
    """Reads an aware time that UTC can express; one without a zone is in `zone`, else in UTC."""
    parsers = (*(_strptime(f) for f in formats), _fromiso)
    expected = f"a date like {formats[0]}" if formats else "an ISO 8601 date or time"

    def read(value: Json) -> datetime:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return _epoch_ms(value, zone or UTC)
        text = str(value).strip()
        for parse in parsers:
            try:
                moment = parse(text)
                moment = moment if moment.tzinfo else moment.replace(tzinfo=zone or UTC)
                moment.astimezone(UTC)
            except (ValueError, OverflowError):
                continue
            return moment
        raise RecordError(field="", value=value, expected=expected)

    return read


def _reads_dates(form: Json) -> bool:
    """Whether a format is one that strptime can use at all."""
    try:
        datetime.strptime(datetime(2024, 2, 29, tzinfo=UTC).strftime(form), form)  # noqa: DTZ007
    except (ValueError, TypeError, re.error):
        return False
    return True


def _strptime(form: str) -> Callable[[str], datetime]:
    return lambda text: datetime.strptime(text, form)  # noqa: DTZ007 — the caller sets the zone


def _fromiso(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _epoch_ms(value: float, zone: tzinfo) -> datetime:
    try:
        return datetime.fromtimestamp(value / 1000, UTC).astimezone(zone)
    except (ValueError, OverflowError, OSError):
        raise RecordError(field="", value=value, expected="milliseconds since 1970") from None


def _money(currency: Callable[[Json], str] | None, scale: Decimal | None) -> Convert:
    number = _scaled(_decimal, scale)

    def convert(value: Json) -> Money | None:
        amount, code = value, currency(value) if currency else ""
        if isinstance(value, dict):
            amount, code = value.get("amount"), code or str(value.get("currency") or "")
        elif isinstance(value, str) and not currency:
            amount, _, code = value.strip().replace("\xa0", " ").partition(" ")
            code = code.strip()
        exact = None if amount is None else number(amount)
        if exact is None:
            return None
        try:
            return Money(exact, code)
        except ValueError:
            raise RecordError(
                field="", value=value, expected="an amount with a currency code such as EUR"
            ) from None

    return convert


def _coded(convert: Convert, enum: type[Enum]) -> Convert:
    words = {str(m.value).casefold(): m for m in enum}

    def to_member(value: Json) -> Enum | None:
        text = _text(convert(value)).strip()
        if not text:
            return None
        member = words.get(text.casefold())
        if member is None:
            known = ", ".join(str(m.value) for m in enum)
            raise RecordError(
                field="", value=text, expected=f"one of {known}", hint="add it to the `map`"
            )
        return member

    return to_member
