"""Any mapping compiles or is a ConfigError; any body is mapped or quarantined."""

from __future__ import annotations

import dataclasses
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from itpm_sync.connector import RawRecord
from itpm_sync.errors import ConfigError, RecordError
from itpm_sync.mapping import Mapped, Mapper, compile_mapping
from itpm_sync.mapping.fields import FITTING, FieldType, declared_fields
from itpm_sync.model import KINDS, Money, Record, as_plain

# ---- strategies ---------------------------------------------------------------------------------

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.sampled_from(
        ["12.50 EUR", "2024-03-01", "2024-03-01T10:00:00+0100", "yes", "1e999", "1E+9999999", "-0",
         "0001-01-01T00:00+14:00", "9999-12-31T23:59-14:00", "9" * 99, "NaN", "٣", "²", "50 %",
         "01.03.2024", "\x00", "1_000", "12,5", "done", "EUR"]
    )
)  # fmt: skip
JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["a", "b", "0", "id", "name", "value", "amount", "currency"])
            | st.text(max_size=3),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
PATHS = (
    st.sampled_from("a a.b a.0 a.* a.*.b a[name=b] ^a ^@id {var}.a ^ id".split())
    | st.text(alphabet="ab.*[]{}=^@0²٣ ", max_size=8)
)  # fmt: skip
CONVERSIONS = "text lower int decimal percent bool list seconds minutes hours date datetime money"
RULES = PATHS | st.fixed_dictionaries(
    {},
    optional={
        "path": PATHS | SCALARS,
        "value": JSON,
        "first": st.lists(PATHS, max_size=3) | SCALARS,
        "map": st.dictionaries(st.text(max_size=3), SCALARS, max_size=2) | SCALARS,
        "default": JSON,
        "as": st.sampled_from(CONVERSIONS.split()) | SCALARS,
        "format": st.sampled_from(["%d.%m.%Y", "%Q", "%d%d", "%s", "%z", "%"]) | JSON,
        "zone": st.sampled_from(["Europe/Zurich", "../etc/passwd", "UTC"]) | SCALARS,
        "currency": st.sampled_from(["EUR", {"value": "CHF"}, {"path": "a"}]) | JSON,
        "scale": st.sampled_from([1000, "0.01", "abc", "1e400"]) | JSON,
        "soft": SCALARS,
    },
)
CONDITIONS = st.fixed_dictionaries(
    {"path": PATHS}, optional={"is": JSON, "not": JSON, "in": JSON, "present": JSON}
)


@st.composite
def _blocks(draw: st.DrawFn, *, sound: bool) -> dict[str, Any]:
    """A block for any kind; with `sound` its rules fit their fields, so that it compiles."""
    kind = draw(st.sampled_from(sorted(KINDS)))
    declared = declared_fields(KINDS[kind])
    needed = {name for name, (required, _) in declared.items() if required}
    chosen = needed | draw(st.sets(st.sampled_from(sorted(declared)), max_size=5))
    fields = {name: draw(RULES) for name in sorted(chosen)}
    if sound:
        soft = {n: draw(_fitting(declared[n][1].default)) for n in sorted(chosen - needed)}
        fields = {**soft, **{name: {"value": _constant(declared[name][1])} for name in needed}}
    block: dict[str, Any] = {"to": kind, "fields": fields}
    paths = st.sampled_from(["a", "b", "a.*", "id"]) if sound else PATHS
    extras: dict[str, st.SearchStrategy[Any]] = {
        "each": paths, "id": paths, "url": paths, "when": CONDITIONS if not sound else st.none(),
        "attributes": st.dictionaries(st.text(max_size=3), paths if sound else RULES, max_size=2),
    }  # fmt: skip
    for name in draw(st.sets(st.sampled_from(sorted(extras)), max_size=2)):
        block[name] = draw(extras[name])
    return block


def _constant(target: FieldType) -> Any:
    words = {"money": "12.50 EUR", "date": "2024-03-01", "datetime": "2024-03-01T10:00:00Z"}
    return next(iter(target.enum)).value if target.enum else words.get(target.default, "12")


def _fitting(target: str) -> st.SearchStrategy[Any]:
    paths = st.sampled_from("a b id a.b a.* ^a ^@id".split())
    rule = {"path": paths, "as": st.sampled_from(FITTING[target])}
    extras = {"default": SCALARS, "soft": st.booleans(), "map": st.just({"a": "done", "x": "12"})}
    return paths | st.fixed_dictionaries(rule, optional=extras)


def _mappings(*, sound: bool) -> st.SearchStrategy[Any]:
    blocks = st.lists(_blocks(sound=sound), min_size=1, max_size=2)
    return blocks.map(lambda some: {"version": 1, "streams": {"s": some}})


BODIES = JSON | st.fixed_dictionaries(
    {"id": st.integers(1, 99)}, optional={"a": JSON, "b": SCALARS | st.just("2024-03-01")}
)


def _compiled(data: Any) -> Mapper | ConfigError:
    try:
        return compile_mapping(data, {"var": "a"})
    except ConfigError as error:
        return error


# ---- promises -----------------------------------------------------------------------------------


@given(JSON | st.builds(lambda s: {"version": 1, "streams": s}, JSON) | _mappings(sound=False))
def test_any_data_compiles_or_names_its_mistakes(data: Any) -> None:
    result = _compiled(data)
    if isinstance(result, ConfigError):
        assert result.problems
        assert all(p.message and isinstance(p.path, tuple) for p in result.problems)
    else:
        assert len(result.fingerprint) == 16


@given(_mappings(sound=True) | _mappings(sound=False), BODIES)
def test_any_body_is_mapped_to_typed_records_or_quarantined(mapping: Any, body: Any) -> None:
    mapper = _compiled(mapping)
    if isinstance(mapper, ConfigError):
        return
    result = _applied(mapper, RawRecord("1", orjson.dumps(body), url="https://source.example/1"))
    if isinstance(result, RecordError):
        assert (bool(result.place), bool(result.expected)) == (True, True)
        return
    for record in result.records:
        assert record.ref.connection == "c"
        for field in dataclasses.fields(record):
            _assert_typed(record, field)


def _applied(mapper: Mapper, raw: RawRecord) -> Mapped | RecordError:
    try:
        return mapper.apply("c", "s", raw)
    except RecordError as error:
        return error


def _assert_typed(record: Record, field: dataclasses.Field[Any]) -> None:
    """Each value has the type that the model declares, and the store can write it as text."""
    value = getattr(record, field.name)
    if field.name not in ("ref", "attributes"):
        orjson.dumps(as_plain(value))
    declared = str(field.type)
    kinds = {
        "Decimal": Decimal, "Money": Money, "int": int, "str": str, "bool": bool,
        "date": date, "datetime": datetime, "tuple[str, ...]": tuple,
    }  # fmt: skip
    expected = kinds.get(declared.removesuffix(" | None"))
    if expected is not None and value is not None:
        assert isinstance(value, expected), f"{field.name}: {declared} holds {value!r}"
    if isinstance(value, datetime):
        assert value.tzinfo is UTC


@given(st.binary(max_size=20))
def test_bytes_that_are_no_json_quarantine_the_record(body: bytes) -> None:
    mapper = compile_mapping(
        {"streams": {"s": [{"to": "team", "fields": {"name": {"path": "a", "default": "x"}}}]}}
    )
    try:
        orjson.loads(body)
    except orjson.JSONDecodeError:
        with pytest.raises(RecordError, match="body: expected JSON"):
            mapper.apply("c", "s", RawRecord("1", body))
    else:
        assert mapper.apply("c", "s", RawRecord("1", body)).records


@pytest.mark.parametrize(("opening", "closing"), [(b'{"a":', b"}"), (b"[", b"]")])
def test_a_body_nested_beyond_sense_is_text_or_quarantined(opening: bytes, closing: bytes) -> None:
    mapper = compile_mapping({"streams": {"s": [{"to": "team", "fields": {"name": "a"}}]}})
    outcomes = set()
    for depth in (10, 300, 1000, 5000):
        body = b'{"a":' + opening * depth + b"1" + closing * depth + b"}"
        result = _applied(mapper, RawRecord("1", body, url="https://source.example/1"))
        outcomes.add((depth, type(result)))
    assert {(10, Mapped), (5000, RecordError)} < outcomes


# ---- what the fuzzing found ---------------------------------------------------------------------


def _one(rule: Any, body: Any, kind: str = "milestone") -> Any:
    fields = {"code": "id", "name": "id", "planned": rule}
    if kind == "order_line":
        fields = {"order": "id", "amount": rule}
    mapper = compile_mapping({"streams": {"s": [{"to": kind, "fields": fields}]}})
    return mapper.apply("c", "s", RawRecord("1", orjson.dumps({"id": "1", **body}))).records[0]


def test_a_declared_date_is_the_day_as_written_whatever_the_zone() -> None:
    rule = {"path": "d", "format": "%d.%m.%Y", "zone": "Europe/Zurich"}
    assert _one(rule, {"d": "01.03.2024"}).planned == date(2024, 3, 1)


def test_milliseconds_are_a_day_in_the_declared_zone() -> None:
    """2024-02-29T23:30Z is half past midnight of 1 March in Zurich."""
    ms = int(datetime(2024, 2, 29, 23, 30, tzinfo=UTC).timestamp() * 1000)
    assert _one({"path": "d", "zone": "Europe/Zurich"}, {"d": ms}).planned == date(2024, 3, 1)
    assert _one("d", {"d": ms}).planned == date(2024, 2, 29)


def test_the_currency_may_stand_at_a_path_of_its_own() -> None:
    rule = {"path": "net", "currency": {"path": "cur"}, "scale": "0.01"}
    line = _one(rule, {"net": 1250, "cur": "CHF"}, kind="order_line")
    assert line.amount == Money(Decimal("12.50"), "CHF")
    with pytest.raises(RecordError, match="currency code"):
        _one(rule, {"net": 1250}, kind="order_line")


def test_children_that_are_no_list_quarantine_the_record() -> None:
    block = {"to": "team", "each": "a", "fields": {"name": "id"}}
    mapper = compile_mapping({"streams": {"s": [block]}})
    with pytest.raises(RecordError, match="each of team: expected a list, found 5"):
        mapper.apply("c", "s", RawRecord("1", b'{"a": 5}'))


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"path": "a", "as": "int"}, "'int' does not fit the field 'name' — use text or lower"),
        ({"path": "a", "as": "integer"}, "unknown conversion 'integer' — did you mean"),
        ({"path": "a", "scale": "abc"}, "scale: expected a number, found str 'abc'"),
        ({"path": "a", "format": "%d%d"}, "expected a date format, found str '%d%d'"),
        ({"path": "a", "format": 5}, "expected a date format, found int 5"),
    ],
)
def test_a_rule_that_could_never_work_is_refused_when_it_is_compiled(
    rule: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError) as failure:
        compile_mapping({"streams": {"s": [{"to": "team", "fields": {"name": rule}}]}})
    assert message in str(failure.value)


@pytest.mark.parametrize("value", ["1E+9999999", "9" * 5000, 1e300, "1e-99"])
def test_a_number_beyond_sense_quarantines_the_record_at_once(value: object) -> None:
    with pytest.raises(RecordError, match="at most 30 digits"):
        _one({"path": "n", "currency": "EUR"}, {"n": value}, kind="order_line")
