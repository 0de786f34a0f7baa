"""What a good configuration gives: frozen settings, secrets resolved and never shown."""

from __future__ import annotations

from pathlib import Path

import jsonschema
import pytest
import yaml

from itpm_sync.config import json_schema
from tests.config.config_world import ENVIRON, EXAMPLE, FakeSettings, Read, changed, problems


def test_a_good_file_gives_frozen_settings_with_secrets_resolved(read: Read, folder: Path) -> None:
    config = read()
    desk, plan = config.connections["desk"], config.connections["plan"]
    assert isinstance(desk.settings, FakeSettings)
    assert isinstance(plan.settings, FakeSettings)
    assert desk.settings.token.get_secret_value() == "from-env"
    assert desk.settings.login.password.get_secret_value() == "from-file"
    assert plan.settings.token.get_secret_value() == "from-cmd"
    assert (plan.max_connections, plan.timeout_s, plan.attempts) == (2, 60.0, 5)
    assert config.store_url == f"sqlite:///{folder}/var/itpm.db"
    assert config.file(Path("reports")) == folder / "reports"
    assert config.warnings == ()
    with pytest.raises(Exception, match="frozen"):
        config.root.title = "x"  # type: ignore[misc]


def test_every_secret_is_collected_for_redaction_and_none_is_in_a_repr(read: Read) -> None:
    text = changed("store: sqlite:///var/itpm.db", "store: postgresql://itpm:p%40ss@db/itpm")
    text = text.replace("    token: ${env", "    keys:\n      a: ${env:DESK_KEY}\n    token: ${env")
    config = read(text, environ={**ENVIRON, "DESK_KEY": "key-of-desk"})
    assert set(config.secrets) == {
        "from-env", "from-file", "from-cmd", "key-of-desk", "p%40ss", "p@ss",
    }  # fmt: skip
    assert [s for s in config.secrets if s in repr(config)] == []


def test_a_password_in_the_query_of_the_stores_address_is_collected_too(read: Read) -> None:
    query = "postgresql://db/itpm?user=joe&password=p%40ss&sslpassword=key-word"
    config = read(changed("sqlite:///var/itpm.db", query))
    assert {"p%40ss", "p@ss", "key-word"} <= set(config.secrets)


def test_a_store_that_is_none_of_ours_is_not_shown_as_it_may_hold_a_password(read: Read) -> None:
    (problem,) = problems(read, changed("sqlite:///var/itpm.db", "mysql://joe:secret-word@db/x"))
    assert problem.startswith("4:1: expected sqlite:///FILE or postgresql+psycopg://")
    assert "secret-word" not in problem


def test_a_secret_in_place_of_the_block_that_it_belongs_to_is_not_shown(read: Read) -> None:
    text = EXAMPLE.replace(
        "    login:\n      password: ${file:pw.txt}\n", "    login: secret-word\n"
    )
    (problem,) = problems(read, text)
    assert problem.endswith(": expected a mapping of keys, found a text")


def test_a_secret_in_plain_yaml_is_a_warning_with_its_place_not_an_error(read: Read) -> None:
    config = read(changed("${env:DESK_TOKEN}", "plain-token"))
    (warning,) = config.warnings
    assert str(warning).endswith(
        "itpm.yaml:9:5: a secret stands in plain YAML — move it: ${env:…}, ${file:…} or ${cmd:…}"
    )
    assert "plain-token" in config.secrets
    assert "plain-token" not in str(warning)


def test_without_secrets_nothing_is_looked_up(read: Read, folder: Path) -> None:
    mark = folder / "mark"
    text = changed("'print(\"from-cmd\")'", f'\'open("{mark}", "w")\'')
    text = text.replace("https://desk.example", "${env:DESK_URL}")
    (folder / "pw.txt").unlink()
    config = read(text, secrets=False, environ={})
    assert set(config.connections) == {"desk", "plan"}
    assert not mark.exists()
    assert config.secrets == ()


def test_without_secrets_every_other_mistake_is_still_found(read: Read) -> None:
    text = changed("url: https://desk.example", "url: ftp://desk.example")
    assert problems(read, text, secrets=False, environ={}) == [
        "8:5: expected an https:// address, found 'ftp://desk.example'"
    ]


def test_a_job_may_be_the_list_of_its_steps(read: Read) -> None:
    jobs = read().root.jobs
    assert jobs["weekly"].steps == ("pull", "reconcile", "report", "publish")
    assert (jobs["nightly"].connections, jobs["nightly"].expect_every_h) == (("desk",), 24)


def test_codes_and_versions_that_look_like_numbers_or_dates_stay_as_written(read: Read) -> None:
    odd = "version: 1.10, epic: 007, sprint: 12:30, cost_code: 1_000, component: 2024-01-31"
    text = changed("component: [Switches, Cabling], version: 1.10", f"{odd}, type: [1, 2.5]")
    when = read(text).root.allocation[0].when
    assert when == {
        "version": ("1.10",), "epic": ("007",), "sprint": ("12:30",), "cost_code": ("1_000",),
        "component": ("2024-01-31",), "type": ("1", "2.5"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("store", "url"),
    [
        ("sqlite:///itpm.db", "sqlite:///{folder}/itpm.db"),
        ("sqlite:////var/lib/itpm.db", "sqlite:////var/lib/itpm.db"),
        ("'sqlite:///:memory:'", "sqlite:///:memory:"),
        ("postgresql://db/itpm", "postgresql://db/itpm"),
    ],
)
def test_a_relative_store_lies_beside_the_configuration(
    read: Read, folder: Path, store: str, url: str
) -> None:
    config = read(changed("sqlite:///var/itpm.db", store))
    assert config.store_url == url.format(folder=folder)


def test_merge_keys_and_anchors_work_and_what_is_written_wins(read: Read) -> None:
    text = EXAMPLE.replace(
        "  plan:\n", "  copy: &copy\n    <<: *desk\n    url: https://copy.example\n  plan:\n"
    ).replace("  desk:\n", "  desk: &desk\n")
    text = text.replace("  plan:\n", "  again: *copy\n  plan:\n")
    config = read(text)
    assert {n: getattr(c.settings, "url") for n, c in config.connections.items()} == {  # noqa: B009
        "desk": "https://desk.example", "copy": "https://copy.example",
        "again": "https://copy.example", "plan": "https://plan.example",
    }  # fmt: skip


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(read: Read) -> None:
    assert read(b"\xef\xbb\xbf" + EXAMPLE.replace("\n", "\r\n").encode()).root.title == "Office"


def test_the_json_schema_accepts_a_good_file_and_refuses_a_wrong_one() -> None:
    validator = jsonschema.Draft202012Validator(json_schema())
    validator.check_schema(json_schema())
    good = yaml.load(EXAMPLE, yaml.BaseLoader)  # noqa: S506 — every scalar as text
    good["version"], good["thresholds"]["index_green"] = 1, 0.96
    good["connections"]["plan"]["max_connections"] = 2
    good["jobs"]["nightly"]["expect_every_h"] = 24
    good["allocation"][0]["when"]["version"] = 1.1
    assert [e.message for e in validator.iter_errors(good)] == []
    good["connections"]["plan"]["pages"] = 7
    good["jobs"]["weekly"].append("pulish")
    good["timezon"] = "UTC"
    assert {e.json_path for e in validator.iter_errors(good)} == {
        "$", "$.connections.plan", "$.jobs.weekly",
    }  # fmt: skip
