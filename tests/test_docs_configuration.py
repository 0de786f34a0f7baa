"""docs/configuration.md describes every key, each connector's README every setting of its own."""

from __future__ import annotations

import re
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from itpm_sync import config
from itpm_sync.connector import installed
from itpm_sync.mapping.compiling import BLOCK_KEYS, RULE_KEYS
from itpm_sync.mapping.fields import FITTING

TEXT = (Path(__file__).resolve().parents[1] / "docs" / "configuration.md").read_text("utf-8")
SECTIONS: dict[str, type[BaseModel]] = {
    "## The file": config.Root,
    "### Calendar": config.WorkingCalendar,
    "### Reports": config.Reports,
    "### Connections": config.ConnectionCore,
    "### Projects": config.Project,
    "PROJECT --from plan.xml`); options of the command go before it:": config.PlanFileOptions,
    "An entry of `publish`:": config.PublishTarget,
    "### Allocation": config.AllocationRule,
    "### Thresholds": config.Thresholds,
    "### Overrides": config.Override,
    "### Waivers": config.Waiver,
    "### Duplicates": config.Duplicates,
    "it, and outlive the store. An entry of `decisions`:": config.DuplicateDecision,
    "### People": config.PersonSettings,
    "The block `capacity`; `over-allocated` in docs/findings.md has the formula:": config.Capacity,
    "### Gates": config.Gates,
    "An entry of `criteria`:": config.Criterion,
    "### Safety": config.Safety,
    "### Privacy": config.Privacy,
    "### Monitoring": config.Monitoring,
    "### Jobs": config.Job,
}


def _table(start: str) -> dict[str, list[str]]:
    """The first table after a line: the cells of each row by the keys of its first column."""
    rows: dict[str, list[str]] = {}
    lines = TEXT[TEXT.index(f"\n{start}\n") :].split("\n")[2:]
    begin = next(i for i, line in enumerate(lines) if line.startswith("|"))
    for line in lines[begin + 2 :]:
        if not line.startswith("|"):
            break
        cells = [c.strip() for c in line.strip("|").split("|")]
        rows.update(dict.fromkeys(re.findall(r"`(\w+)`", cells[0]), cells[1:]))
    return rows


@pytest.mark.parametrize("start", SECTIONS)
def test_every_key_is_described_and_no_other(start: str) -> None:
    assert set(_table(start)) == set(SECTIONS[start].model_fields)


@pytest.mark.parametrize("start", SECTIONS)
def test_the_described_defaults_are_the_real_ones(start: str) -> None:
    rows = _table(start)
    described = {key: rows[key][1] for key in rows}
    for key, field in SECTIONS[start].model_fields.items():
        assert _shown(field) in (None, described[key].strip("`")), key


def _shown(field: FieldInfo) -> str | None:
    """A default as the documentation writes it; None where it is told in words."""
    if field.is_required():
        return "required"
    default: Any = field.default
    if isinstance(default, bool):
        return str(default).lower()
    if isinstance(default, Enum):
        return str(default.value)
    if isinstance(default, int | float | Decimal | Path):
        return str(default)
    if default and isinstance(default, tuple) and isinstance(default[0], int):
        return ", ".join(map(str, default))
    return default if default and isinstance(default, str) else None


def test_every_key_and_conversion_of_a_mapping_is_described() -> None:
    blocks = _table("A stream has a list of rules, each of which makes records:")
    assert set(blocks) == BLOCK_KEYS
    rules = TEXT[TEXT.index("| Key of a field |") : TEXT.index("**Paths.**")]
    assert set(re.findall(r"^\| `(\w+)` \|", rules, re.MULTILINE)) == RULE_KEYS
    known = {name for names in FITTING.values() for name in names}
    assert set(_table("**`as`** must fit the field:")) == known


def test_every_kind_of_evidence_is_described() -> None:
    table = TEXT[TEXT.index("| Evidence | Met when |") : TEXT.index("\n### Safety\n")]
    described = re.findall(
        r"`([a-z-]+)`", "".join(re.findall(r"^\|([^|]*)\|", table, re.MULTILINE))
    )
    known = get_args(config.Criterion.model_fields["evidence"].annotation)
    assert set(described) == set(known)


def test_every_source_of_a_reference_is_described() -> None:
    assert all(f"| `${{{source}:" in TEXT for source in ("env", "file", "cmd"))


@pytest.mark.parametrize("name", sorted(installed()))
def test_every_setting_of_a_connector_stands_in_its_readme(name: str) -> None:
    cls = installed()[name].load()
    readme = (cls.mapping_file.parent / "README.md").read_text("utf-8")
    missing = {
        key
        for key, info in cls.Settings.model_fields.items()
        if not re.search(rf"`{info.alias or key}`|\b{info.alias or key}:", readme)
    }
    assert missing == set()
