"""Whatever a configuration holds, it loads or is a ConfigError with a place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

import itpm_sync.config.loading
from itpm_sync.config import Root, load
from itpm_sync.errors import ConfigError, Problem
from tests.config.config_world import ENVIRON, EXAMPLE, POINTS

SNIPPETS = (
    "&a ", "*a", "<<: ", "!!int ", "${env:", "${file:", "}", "[", "]", "{", ": ", "- ", "? ", "|\n",
    "\t", "\n", "  ", "'", '"', "#", "%", "@", "`", "\x00", "\ufeff", "null", "~", "yes", ".nan",
    "1e999", "0x", "-", "9" * 400, "!!timestamp x", "!!binary x", "!!set {a}", "\\ud800",
)  # fmt: skip


@st.composite
def _mutated(draw: st.DrawFn) -> str:
    text = EXAMPLE.split("    token: ${cmd")[0] + EXAMPLE.split("'}\n")[1]
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = draw(st.integers(start, min(len(text), start + 12)))
        text = text[:start] + draw(st.sampled_from(SNIPPETS) | st.text(max_size=3)) + text[end:]
    return text


def _problems_of(path: Path) -> tuple[Problem, ...]:
    """What `load` says; any exception but ConfigError fails the test."""
    try:
        load(path, environ=ENVIRON)
    except ConfigError as error:
        return error.problems
    return ()


@given(text=_mutated())
def test_a_mutilated_file_loads_or_is_a_config_error(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    path = tmp_path_factory.getbasetemp() / "mutated.yaml"
    path.write_bytes(text.encode(errors="surrogatepass"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(itpm_sync.config.loading, "installed", lambda: POINTS)
        found = _problems_of(path)
    assert all(p.message and p.where.startswith(str(path)) for p in found)


_YAML = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.dates(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)
_BLOCKS = sorted(Root.model_fields)


@given(block=st.sampled_from(_BLOCKS), value=_YAML)
def test_any_value_in_any_block_loads_or_is_a_config_error(
    tmp_path_factory: pytest.TempPathFactory, block: str, value: Any
) -> None:
    path = tmp_path_factory.getbasetemp() / "block.yaml"
    (path.parent / "pw.txt").write_text("from-file")
    data = {**yaml.safe_load(EXAMPLE), block: value}
    del data["connections" if block == "x" else "title"]
    path.write_text(yaml.safe_dump(data))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(itpm_sync.config.loading, "installed", lambda: POINTS)
        found = _problems_of(path)
    assert all(p.message and p.where.startswith(str(path)) for p in found)
