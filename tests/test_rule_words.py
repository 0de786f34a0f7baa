"""Words that allocation rules ask records for: those that no record can have are mistakes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from itpm_sync import app
from itpm_sync.config import RULE_WORDS
from itpm_sync.errors import ConfigError
from itpm_sync.reconcile import rules

Problems = Callable[[str], list[str]]
CONFIGURATION = """
version: 1
title: Office
connections:
  jira-main: {{connector: jira, url: "https://jira.example.org", flavor: datacenter,
              auth: {{token: "${{env:ITPM_TEST_TOKEN}}"}}, projects: [NET],
              fields: {{cost_code: Cost Code}}}}
  office:
    connector: files
    folder: office
    tables:
      plan: {{file: plan.csv, kind: work_package, key: [WBS],
             columns: {{code: WBS, name: Name, project_key: Project}},
             attributes: {{site_code: Site}}}}
projects: [{{code: NET, name: Network, currency: CHF}}]
allocation:
  - {rule}
jobs: {{weekly: [pull]}}
"""


@pytest.fixture
def problems(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Problems:
    monkeypatch.setenv("ITPM_TEST_TOKEN", "t0ken")

    def found(rule: str) -> list[str]:
        path = tmp_path / "itpm.yaml"
        path.write_text(CONFIGURATION.format(rule=rule))
        try:
            with app.open_session(path):
                return []
        except ConfigError as error:
            return [str(p) for p in error.problems]

    return found


def test_a_misspelt_word_of_a_rule_is_named_with_its_place_and_the_one_meant(
    problems: Problems,
) -> None:
    (told,) = problems("{when: {kind: work_item, componnent: LAN}, work_package: '1.1'}")
    assert "itpm.yaml:17:30: no record has a word called 'componnent'" in told
    assert "did you mean component or connection?" in told


@pytest.mark.parametrize("word", ["site_code", "cost_code"])
def test_attributes_of_any_mapping_can_be_asked_for(problems: Problems, word: str) -> None:
    assert problems(f"{{when: {{{word}: A}}, work_package: '{{{word}}}'}}") == []


def test_a_misspelt_attribute_is_compared_with_those_of_the_mappings(problems: Problems) -> None:
    (told,) = problems("{when: {site_cod: A}, work_package: '1.1'}")
    assert "did you mean site_code" in told


def test_a_misspelt_placeholder_is_a_mistake_too(problems: Problems) -> None:
    (told,) = problems("{when: {kind: work_item}, work_package: '{cost_cod}'}")
    assert "no record has a word called 'cost_cod' — did you mean cost_code" in told


def test_what_is_like_no_word_lists_them_all(problems: Problems) -> None:
    (told,) = problems("{when: {zzz: A}, work_package: '1.1'}")
    assert "known: assignee, category, code, component," in told
    assert "site_code" in told


def test_a_kind_of_record_that_does_not_exist_is_a_mistake(problems: Problems) -> None:
    (told,) = problems("{when: {kind: [invoice_line, order_lien]}, work_package: '1.1'}")
    assert "no kind of record is called 'order_lien' — did you mean \"order_line\"?" in told
    assert problems("{when: {kind: '*_line'}, work_package: '1.1'}") == []


def test_every_word_that_the_reconciliation_knows_can_be_asked_for() -> None:
    own = {"kind", "connection", "project", "work_package", "type", "contract"}
    assert own | set(rules._LISTS) | rules._FIELDS == RULE_WORDS
