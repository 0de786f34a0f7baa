"""No secret is shown by what is said of a configuration, wherever it stands in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

import itpm_sync.config.loading
from itpm_sync.config import examine, read_yaml
from itpm_sync.connector import installed
from itpm_sync.reconcile import finding_codes
from tests.config.config_world import ENVIRON, Read, changed, problems

WHOLE_EXAMPLE = Path(__file__).resolve().parents[2] / "config" / "itpm.yaml"
SPOILT = {  # so that what is known is listed, and said of what is right as well
    "waivers": [{"finding": "no", "project": "Q*"}, {"finding": "no-rate", "project": "Q"}],
    "jobs": {"often": {"steps": ["pul"], "connections": ["qq"]}},
    "projects": [{"code": "NET", "publish": [{"connection": "office", "address": "1"}]}],
}
SECRETS = {
    "a word": "hunter2-very-secret",
    "a record's identity": "hunter2:issue:very-secret",
    "a word of a record": "NET-{hunter2}",
    "an address": "https://joe:hunter2@j.example?x",
    "a text of several lines": "-----\nhunter2 is\nvery 'secret'\n" + "hunter2" * 60,
}


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(value, dict | list):
        steps = value.items() if isinstance(value, dict) else enumerate(value)
        for step, part in steps:
            yield from _places(part, (*path, step))
    else:
        yield path


def _with(value: Any, path: tuple[Any, ...], put: Any) -> Any:
    if not path:
        return put
    copy = value.copy()
    copy[path[0]] = _with(value[path[0]], path[1:], put)
    return copy


def _spoilt(data: Any) -> Any:
    return {
        **data,
        "waivers": data["waivers"] + SPOILT["waivers"],
        "projects": data["projects"] + SPOILT["projects"],
        "jobs": {**data["jobs"], **SPOILT["jobs"]},
    }


@pytest.mark.parametrize("kind", SECRETS)
def test_a_value_from_a_reference_is_shown_of_no_place(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(itpm_sync.config.loading, "installed", installed)
    environ = {"JIRA_TOKEN": "x", "RT_TOKEN": "x", "SEC": SECRETS[kind]}
    data = _spoilt(read_yaml(WHOLE_EXAMPLE).data)
    places = [*_places(data)]
    assert len(places) > 150
    for nth in range(_FILES):
        secret = data
        for place in places[nth::_FILES]:
            secret = _with(secret, place, "${env:SEC}")
        path = tmp_path / "itpm.yaml"
        path.write_text(yaml.safe_dump(secret))
        found = examine(path, environ=environ, findings=finding_codes)
        assert len(found.problems) > 5
        shown = [p for p in found.problems if re.search("unter2|very", f"{p.message}{p.hint}")]
        assert shown == []


_FILES = 20  # each has the secret at every so manieth place, so that all have it once


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("connector: silent", "connector: ${env:SEC}", "13:5: no connector '***' is installed"),
        ("connections: [desk]", 'connections: ["${env:SEC}"]', "33:19: no connection '***' — "),
        ("Europe/Zurich", "${env:SEC}", "3:1: unknown time zone '***'; expected a name such as "),
        ("index_green: 0.96", "index_green: ${env:ONE}", "28:3: "),
        ("max_connections: 2", "max_connections: ${env:TEXT}", "16:5: expected a whole number"),
    ],
)
def test_what_is_hidden_leaves_the_message_readable(
    read: Read, old: str, new: str, said: str
) -> None:
    environ = {**ENVIRON, "SEC": "hunter", "ONE": "0.1", "TEXT": "whole"}
    (found,) = problems(read, changed(old, new), environ=environ)
    assert found.startswith(said)
    assert "hunter" not in found


def test_a_short_value_or_an_ordinary_word_is_hidden_alone_and_in_no_other_word(
    read: Read,
) -> None:
    text = changed("title: Office", 'title: "${env:ONE}${env:TEXT}"')
    text = text.replace("max_connections: 2", "max_connections: 1x1")
    text = text.replace("project: NET", "project: NTE").replace("code: NET", "code: ${env:CODE}")
    environ = {**ENVIRON, "ONE": "1", "TEXT": "whole", "CODE": "SDM"}
    assert problems(read, text, environ=environ) == [
        "16:5: expected a whole number, found '1x1' — write the digits alone",
        "25:5: no project 'NTE' — known: ***",
    ]


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("ftp://joe:hunter2@j.example?x", "'ftp://***@j.example?x'"),
        ("ftp://joe:hun/ter2 @hunter2@j.example", "'ftp://***@j.example'"),
        ("joe:hunter2@j.example", "'***@j.example'"),
        ("ftp://j.example?user=joe&password=hunter2&x=y", "'ftp://j.example?user=joe&password=***"),
        (f"ftp://joe:{'hunter2' * 20}@j.example", "'ftp://***"),
    ],
)
def test_an_address_is_shown_without_login_and_password(
    read: Read, address: str, shown: str
) -> None:
    (found,) = problems(read, changed("url: https://desk.example", f"url: {address}"))
    assert found.startswith(f"8:5: expected an https:// address, found {shown}")
    assert "ter2" not in found


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("*hunter2x", "9:12: not valid YAML: an alias (*) of what stands nowhere above — a text "),
        ("!hunter2x abc", "9:12: not valid YAML: an unknown tag (!) — a text that begins with ! "),
        ("!hunter2!x abc", "9:12: not valid YAML: an unknown tag (!) — a text that begins with ! "),
        ("!!hunter2x abc", "9:12: not valid YAML: an unknown tag (!) — a text that begins with ! "),
        ("{hunter2x}", "9:5: expected a text, found a mapping of keys"),
        ("@hunter2x", "9:12: not valid YAML: found character '@' that cannot start any token"),
    ],
)
def test_a_secret_that_lacks_its_quotes_is_not_shown(read: Read, value: str, said: str) -> None:
    (found,) = problems(read, changed("token: ${env:DESK_TOKEN}", f"token: {value}"))
    assert found.startswith(said)
    assert "hunter2" not in found


def test_a_secret_in_braces_is_not_told_as_the_name_of_a_key(read: Read) -> None:
    block = "    login:\n      password: ${file:pw.txt}\n"
    (found,) = problems(read, changed(block, "    login: {hunter2secret}\n"))
    assert found == (
        "10:13: unknown key without a value; a text that begins with { needs quotes"
        " — known: password, user"
    )
    (misspelt,) = problems(read, changed(block, "    login: {pasword: x}\n"))
    assert "unknown key 'pasword'" in misspelt
