"""The examples under config/ load, and say what the documentation says."""

from __future__ import annotations

from pathlib import Path

import pytest

from itpm_sync.config import Config, Thresholds, load, read_yaml
from itpm_sync.connector import installed
from itpm_sync.mapping import compile_mapping

FOLDER = Path(__file__).resolve().parents[1] / "config"
EXAMPLES = ("itpm.yaml", "jira.yaml", "request_tracker.yaml", "files.yaml")
ENVIRON = {"JIRA_TOKEN": "jira-token-x", "RT_TOKEN": "rt-token-x"}


def _loaded(name: str, tmp_path: Path) -> Config:
    """The example, with the secret file that one of them names put where it can be read."""
    secret = tmp_path / "pat"
    secret.write_text("pat-from-a-file\n")
    text = (FOLDER / name).read_text(encoding="utf-8").replace("/run/secrets/jira-pat", str(secret))
    copy = tmp_path / name
    copy.write_text(text, encoding="utf-8")
    return load(copy, environ=ENVIRON)


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_loads_without_a_warning_and_names_no_secret(name: str, tmp_path: Path) -> None:
    config = _loaded(name, tmp_path)
    assert config.warnings == ()
    assert config.root.jobs["weekly"].steps[:2] == ("pull", "reconcile")


def test_the_complete_example_shows_every_block_and_every_connector(tmp_path: Path) -> None:
    config = _loaded("itpm.yaml", tmp_path)
    shown = set(config.root.model_fields_set)
    assert set(type(config.root).model_fields) - shown == {"discover_projects"}
    assert {c.connector.info.name for c in config.connections.values()} == set(installed())
    mapping = config.connections["jira-main"].mapping
    assert mapping is not None
    assert (FOLDER / mapping).is_file()


def test_there_is_an_example_for_each_installed_connector() -> None:
    assert {f"{name}.yaml" for name in installed()} <= set(EXAMPLES)


def test_the_listed_thresholds_are_the_defaults() -> None:
    listed = Thresholds.model_validate(read_yaml(FOLDER / "thresholds.yaml").data["thresholds"])
    assert listed == Thresholds()
    assert listed.model_fields_set == set(Thresholds.model_fields)


def test_the_example_of_a_mapping_covers_every_stream_of_the_shipped_one() -> None:
    example = compile_mapping(read_yaml(FOLDER / "mappings" / "jira-example.yaml").data)
    shipped = compile_mapping(read_yaml(installed()["jira"].load().mapping_file).data)
    assert set(example.streams) == set(shipped.streams)
    assert example.kinds("issue") == ("risk", "work_item", "time_entry")
