"""What `check` says before it tries a connection: of the configuration and its mappings at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from itpm_sync import app
from itpm_sync.errors import ConfigError

Problems = Callable[..., list[str]]
CONFIGURATION = """\
version: 1
connections:
  jira-main:
    connector: jira
    url: https://jira.example.org
    flavor: datacenter
    auth: {token: "${env:ITPM_TEST_TOKEN}"}
    projects: [NET]
    mapping: mapping.yaml
projects: [{code: NET}]
allocation:
  - {when: {componnent: LAN}, work_package: "1"}
waivers:
  - {finding: no-rat, project: net, reason: r, author: a, expires: 2030-01-01}
  - {finding: no-rate, project: "S*", reason: r, author: a, expires: 2030-01-01}
"""
MAPPING = """\
version: 1
streams:
  issue:
    - to: work_item
      fields: {key: key, title: fields.summary}
"""


@pytest.fixture
def problems(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Problems:
    monkeypatch.setenv("ITPM_TEST_TOKEN", "t0ken")

    def found(text: str = CONFIGURATION, mapping: str = MAPPING) -> list[str]:
        (tmp_path / "itpm.yaml").write_text(text)
        (tmp_path / "mapping.yaml").write_text(mapping)
        try:
            with app.open_session(tmp_path / "itpm.yaml"):
                return []
        except ConfigError as error:
            return [str(p).removeprefix(f"{tmp_path}/") for p in error.problems]

    return found


def test_a_misspelt_finding_and_a_project_that_is_not_there_are_mistakes_of_a_waiver(
    problems: Problems,
) -> None:
    first, *others = problems()
    assert first.startswith("itpm.yaml:12:13: no record has a word called 'componnent' — did you")
    assert others == [
        "itpm.yaml:14:6: no finding is called 'no-rat' — did you mean \"no-rate\"?",
        "itpm.yaml:15:24: no project's code is like 'S*' — known: NET",
    ]


def test_projects_of_waivers_and_overrides_are_not_judged_where_sources_may_name_more(
    problems: Problems,
) -> None:
    text = CONFIGURATION.replace("componnent", "component").replace("no-rat,", "no-rate,")
    text += "overrides: [{project: SDM, rating: red, reason: r, author: a, expires: 2030-01-01}]\n"
    assert len(problems(text)) == 2
    assert problems(f"{text}discover_projects: [jira-main]\n") == []


def test_mistakes_of_a_mapping_are_told_beside_those_of_the_configuration(
    problems: Problems,
) -> None:
    mapping = MAPPING.replace("version: 1", "version: 1\nversion: 1").replace("title:", "titel:")
    told = problems(CONFIGURATION.replace("version: 1", "version: 2"), mapping)
    assert [p.partition(" — ")[0] for p in told] == [
        "itpm.yaml:1:1: expected 1, found 2",
        "itpm.yaml:14:6: no finding is called 'no-rat'",
        "itpm.yaml:15:24: no project's code is like 'S*'",
        "mapping.yaml:2:1: the key 'version' stands twice",
        "mapping.yaml:6:7: work_item needs the field 'title'",
        "mapping.yaml:6:26: work_item has no field 'titel'",
    ]


def test_words_of_rules_are_not_judged_while_a_connection_cannot_be_read(
    problems: Problems,
) -> None:
    told = problems(CONFIGURATION.replace("flavor: datacenter", "flavor: server"))
    assert not any("componnent" in p for p in told)
    assert any("expected 'cloud' or 'datacenter', found 'server'" in p for p in told)


def test_a_mapping_that_two_connections_share_is_told_once(problems: Problems) -> None:
    block = CONFIGURATION[CONFIGURATION.index("  jira-main:") : CONFIGURATION.index("projects: [{")]
    text = CONFIGURATION.replace(block, block + block.replace("jira-main", "jira-more"))
    told = problems(text, MAPPING.replace("work_item", "work_itm"))
    assert sum(p.startswith("mapping.yaml") for p in told) == 1
