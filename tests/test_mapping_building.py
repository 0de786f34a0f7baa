"""What is generated for a path gives what following the path gives."""

from __future__ import annotations

from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from itpm_sync.connector import RawRecord
from itpm_sync.mapping import compile_mapping
from itpm_sync.mapping.values import Frame, Path, follow

NAMES = st.sampled_from(["a", "b", "c"])
JSON = st.recursive(
    st.none() | st.integers(0, 3) | st.sampled_from(["", "a", "word"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=10,
)
STEPS = st.lists(NAMES, min_size=1, max_size=3)
PATHS = STEPS.map(tuple) | st.tuples(STEPS, STEPS).map(lambda both: (*both[0], "*", *both[1]))


@given(JSON, PATHS, st.booleans())
@example({"a": [{"b": 1}, {"b": None}, {"c": 1}, 7, {"b": ""}]}, ("a", "*", "b"), False)
@example({"a": {"b": 1}}, ("a", "*", "b"), False)
def test_what_is_generated_for_a_path_finds_what_following_it_finds(
    body: Any, steps: tuple[str, ...], from_parent: bool
) -> None:
    text = ("^" if from_parent else "") + ".".join(steps)
    rule = {"to": "project", "fields": {"code": {"value": "1"}, "name": {"value": "n"}},
            "attributes": {"found": text}}  # fmt: skip
    mapper = compile_mapping({"streams": {"s": [rule]}})
    given_: list[Any] = []

    def keep(*values: Any) -> Any:
        given_.append(values)

    mapper.apply("c", "s", RawRecord("1", b"{}", parsed=body), lambda _: keep)
    followed = Path(steps, follow(steps), from_parent)(body, Frame(body, "c:s:1"))
    (values,) = given_
    attributes = next(v for v in values if isinstance(v, dict))
    assert ("found" in attributes) == (followed not in (None, "", []))
    if "found" in attributes:
        listed = compile_mapping(
            {"streams": {"s": [{**rule, "attributes": {"found": {"value": followed}}}]}}
        )
        assert listed.apply("c", "s", RawRecord("1", b"{}")).records[0].attributes == attributes
