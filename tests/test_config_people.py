"""Decisions on duplicates and people in the configuration: mistakes are told with their place."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from itpm_sync.config import Config, load
from itpm_sync.errors import ConfigError

BASE = """\
connections:
  office:
    connector: files
    tables: {items: {file: items.csv, kind: work_item, key: [K], columns: {key: K, title: T}}}
projects: [{code: NET}]
"""


def loaded(folder: Path, text: str) -> Config:
    path = folder / "itpm.yaml"
    path.write_text(BASE + text, encoding="utf-8")
    return load(path)


@pytest.mark.parametrize(
    ("pair", "message"),
    [
        ('["offise:items:1", "office:items:2"]', "no connection 'offise'"),
        ('["N-1", "office:items:2"]', "CONNECTION:STREAM:ID, as findings show it"),
        ('["office:items:1", "office:items:1"]', "the pair names office:items:1 twice"),
        ('["office:items:1"]', "expected a list of two records' identities"),
    ],
)
def test_a_decision_names_two_records_of_connections_that_exist(
    tmp_path: Path, pair: str, message: str
) -> None:
    block = f"duplicates: {{decisions: [{{pair: {pair}, verdict: rejected, author: A}}]}}\n"
    with pytest.raises(ConfigError) as found:
        loaded(tmp_path, block)
    assert message in str(found.value)


def test_a_pair_is_decided_once(tmp_path: Path) -> None:
    one = '{pair: ["office:items:1", "office:items:2"], verdict: rejected, author: A}'
    two = '{pair: ["office:items:2", "office:items:1"], verdict: confirmed, author: B}'
    with pytest.raises(ConfigError, match="decided already"):
        loaded(tmp_path, f"duplicates:\n  decisions:\n    - {one}\n    - {two}\n")


def test_sure_is_not_below_suggest(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"`sure` \(0.7\) is below `suggest` \(0.8\)"):
        loaded(tmp_path, "duplicates: {suggest: 0.8, sure: 0.7}\n")


def test_leave_is_days_and_spans(tmp_path: Path) -> None:
    text = "people: [{name: Ana, leave: [2026-12-30..2027-01-01, 2027-02-01]}]\n"
    (person,) = loaded(tmp_path, text).root.people
    assert person.leave == (
        date(2026, 12, 30), date(2026, 12, 31), date(2027, 1, 1), date(2027, 2, 1),
    )  # fmt: skip
