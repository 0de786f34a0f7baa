"""What a mistake in the configuration says: each with its place, all in one go, no secret shown."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from itpm_sync.config import load, read_yaml
from itpm_sync.errors import ConfigError
from itpm_sync.mapping import compile_mapping
from tests.config.config_world import EXAMPLE, Read, changed, problems

WAIVER = "  - {finding: no-rate, author: Ann, expires: 2026-05-01, reason: 'gift'}\n"
MISTAKES = {
    "a wrong key": (
        "timezone:", "timezon:", "3:1: unknown key 'timezon' — did you mean \"timezone\"?",
    ),
    "a wrong key of a connection": (
        "url: https://desk", "ulr: https://desk",
        "8:5: unknown key 'ulr' — did you mean \"url\"?",
    ),
    "a wrong key deep in a connection": (
        "password:", "pasword:", "11:7: unknown key 'pasword' — did you mean \"password\"?",
    ),
    "a missing connector": (
        "connector: fake\n    ", "", "6:3: the key 'connector' is missing",
    ),
    "a wrong type": (
        "max_connections: 2", "max_connections: two",
        "16:5: expected a whole number, found 'two'",
    ),
    "a text where a block belongs": (
        "thresholds:\n  index_green: 0.96", "thresholds: strict",
        "27:1: expected a mapping of keys, found 'strict'",
    ),
    "a block where a list belongs": (
        "fields: [comment]", "fields: {comment: 1}", "22:44: expected a list",
    ),
    "a word that YAML takes for a truth value": (
        "name: Network refresh", "name: NO",
        "19:5: expected a text, found false — YAML reads No and Off as false: put the word in",
    ),
    "such a word where a block belongs": (
        "thresholds:\n  index_green: 0.96", "thresholds: Off",
        "27:1: expected a mapping of keys, found false — YAML reads No and Off as false",
    ),
    "a number out of range": (
        "max_connections: 2", "max_connections: 65",
        "16:5: expected 64 or less, found 65",
    ),
    "an unknown word": (
        "[pull, reconcile,", "[pull, reconsile,",
        "30:18: expected 'pull', 'remap', 'reconcile', 'report' or 'publish', found 'reconsile'",
    ),
    "an unknown zone": (
        "Europe/Zurich", "Europe/Zuerich",
        "3:1: unknown time zone 'Europe/Zuerich'; expected a name such as Europe/Zurich",
    ),
    "a currency that is none": (
        "title: Office", "currency: Euro",
        "2:1: expected a currency code such as EUR, found 'Euro'",
    ),
    "a name with a blank": (
        "  plan:", "  my plan:",
        "12:3: expected a name of letters, digits, - and _ that begins with a letter, ",
    ),
    "an impossible date": (
        "2024-01-08", "2024-02-30",
        "20:5: expected a date as YYYY-MM-DD, of a day that exists, found ",
    ),
    "a project that ends before it begins": (
        "start: 2024-01-08", "start: 2024-01-08\n    finish: 2024-01-05",
        "21:5: `finish` (2024-01-05) is before `start` (2024-01-08)",
    ),
    "thresholds in the wrong order": (
        "index_green: 0.96", "index_green: 0.8",
        "28:3: `index_green` (0.8) is below `index_amber` (0.90)",
    ),
    "an unknown connector": (
        "connector: silent", "connector: silnt",
        "13:5: no connector 'silnt' is installed — did you mean \"silent\"?",
    ),
    "a connector that cannot be loaded": (
        "connector: silent", "connector: broken",
        "13:5: the connector 'broken' cannot be loaded: ",
    ),
    "an unknown connection": (
        "connections: [desk]", "connections: [dsk]",
        "33:19: no connection 'dsk' — did you mean \"desk\"?",
    ),
    "an unknown connection of the plan": (
        "title: Office", "plan_from: [plon]", "2:13: no connection 'plon'",
    ),
    "an unknown connection to publish to": (
        "connection: desk,", "connection: dosk,",
        "22:10: no connection 'dosk' — did you mean \"desk\"?",
    ),
    "publishing to a connector that cannot": (
        "connection: desk,", "connection: plan,",
        "22:10: the connector 'silent' does not publish",
    ),
    "an unknown field to publish": (
        "fields: [comment]", "fields: [coment]",
        "22:53: fake has no field 'coment' to publish — did you mean \"comment\"?",
    ),
    "an unknown project in a rule": (
        "project: NET", "project: NTE", "25:5: no project 'NTE' — did you mean \"NET\"?",
    ),
    "a rule without a target": (
        '\n    project: NET\n    work_package: "007"', "",
        "24:5: the rule names neither `project` nor `work_package`",
    ),
    "a project that stands twice": (
        "projects:\n", "projects:\n  - code: NET\n",
        "19:5: the project 'NET' stands twice",
    ),
    "a waiver without a reason": (
        "jobs:\n", f"waivers:\n{WAIVER.replace('gift', ' ')}jobs:\n",
        "30:58: expected a text that says something, found ' '",
    ),
    "a waiver that stands twice": (
        "jobs:\n", f"waivers:\n{WAIVER}{WAIVER}jobs:\n",
        "31:5: the same is decided above already — remove one",
    ),
    "a target that stands twice": (
        "fields: [comment]}", "fields: [comment, comment]}",
        "22:9: comment of NET-1 is published to already, for the project 'NET' — ",
    ),
    "a field of one object for two projects": (
        "fields: [comment]}",
        "fields: [field]}\n  - code: SDM\n    publish: [{connection: desk, address: NET-1}]",
        "24:15: field of NET-1 is published to already, for the project 'NET' — ",
    ),
    "a key that stands twice": (
        "title: Office", "title: Office\ntitle: Bureau", "3:1: the key 'title' stands twice",
    ),
    "an unknown reference": (
        "${env:DESK", "${vault:DESK",
        "9:5: unknown reference ${vault:DESK_TOKEN} — use ${env:NAME}, ${file:PATH} or ",
    ),
    "a reference that does not end": (
        "DESK_TOKEN}", "DESK_TOKEN", "9:5: a reference that does not end — add the `}`",
    ),
    "an environment variable that is not set": (
        "DESK_TOKEN", "OTHER",
        "9:5: the environment variable OTHER is not set — export it (for cron, whose",
    ),
    "a secret file that is not there": (
        "file:pw.txt", "file:/nowhere/pw",
        "11:7: cannot read the secret file /nowhere/pw: No such file or directory — check its path",
    ),
    "a secret file in a home that nobody has": (
        "file:pw.txt", "file:~no-such-user/pw",
        "11:7: cannot read the secret file ~no-such-user/pw: nobody knows whose home that is",
    ),
    "a path that no file can have": (
        "sqlite:///var/itpm.db", '"sqlite:///a\\0b"', "4:8: not valid YAML: a text with \\0, or",
    ),
    "half a letter in a title": (
        "title: Office", 'title: "\\ud83d"', "2:8: not valid YAML: a text with \\0, or",
    ),
    "an escape for no character": (
        "title: Office", 'title: "\\U00110000"', "1:1: not valid YAML: an escape such as \\U001100",
    ),
    "half a letter in a key": ("title: Office", '"\\ud83d": x', "2:1: not valid YAML: a text"),
    "a command that fails": (
        "'print(\"from-cmd\")'", "'exit(3)'",
        "15:5: the command of ${cmd:…} ended with 3 — run it by hand",
    ),
    "a command that is not there": (
        sys.executable, "/nowhere/vault",
        "15:5: the command of ${cmd:…} did not run: No such file or directory",
    ),
    "a command with an open quote": (
        "'print(\"from-cmd\")'", "'print", "15:5: the command of ${cmd:…} did not run: ValueError",
    ),
    "a tab": ("  plan:", "\tplan:", "12:1: not valid YAML: found character '\\t' that cannot"),
    "a colon too many": (
        "title: Office", "title: Office: IT",
        "2:14: not valid YAML: mapping values are not allowed here — check indentation",
    ),
    "a list that does not end": (
        "connections: [desk]\n", "connections: [desk\n", "34:19: not valid YAML: ",
    ),
    "an undefined alias": (
        "title: Office", "title: *nobody",
        "2:8: not valid YAML: an alias (*) of what stands nowhere above — a text that begins with",
    ),
    "a malformed merge": (
        "title: Office", "<<: Office",
        "2:5: not valid YAML: expected a mapping or list of mappings for merging",
    ),
    "a value of bytes": (
        "title: Office", "title: !!binary ä",
        "2:8: not valid YAML: failed to convert base64 data into ascii: ",
    ),
    "a Python object": (
        "title: Office", "title: !!python/object/apply:os.system [ls]",
        "2:1: expected a text",
    ),
    "a Python name": (
        "title: Office", "title: !!python/name:os.system x",
        "2:8: not valid YAML: an unknown tag (!) — a text that begins with ! needs quotes",
    ),
    "a tag that does not fit": (
        "title: Office", "title: !!bool maybe",
        "2:8: not valid YAML: the value does not fit its tag tag:yaml.org,2002:bool",
    ),
    "a list as a key": (
        "title: Office", "? [a, b]\n: Office", "2:3: not valid YAML: a key must be plain text",
    ),
    "an alias that contains itself": (
        "title: Office", "title: &a [*a]", "2:8: not valid YAML: an alias that contains itself",
    ),
    "a control character": (
        "title: Office", "title: Of\x07fice", "2:10: not valid YAML: the character U+0007",
    ),
    "two documents": (
        "title: Office", "title: Office\n---\nx: 1", "3:1: not valid YAML: but found another doc",
    ),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_says_where_what_was_expected_and_what_to_do(read: Read, mistake: str) -> None:
    old, new, expected = MISTAKES[mistake]
    found = problems(read, changed(old, new))
    wanted = expected.split(" | ")
    assert len(found) == len(wanted), found
    assert all(f.startswith(w) for f, w in zip(found, wanted, strict=True)), found


def test_all_problems_come_in_one_go_and_in_the_order_of_the_file(read: Read) -> None:
    text = EXAMPLE
    edits = (
        ("timezone: Europe/Zurich", "timezone: Mars"), ("connector: fake", "connector: fke"),
        ("${cmd:", "${cmmd:"), ("max_connections: 2", "max_connections: 0"),
        ("start: 2024-01-08", "begin: 2024-01-08"), ("project: NET", "project: NTE"),
        ("connections: [desk]", "connections: [dusk]"), ("weekly: [pull", "weekly: [pul"),
    )  # fmt: skip
    for old, new in edits:
        assert old in text
        text = text.replace(old, new)
    places = [line.split(": ")[0] for line in problems(read, text)]
    assert places == ["3:1", "7:5", "15:5", "16:5", "20:5", "25:5", "30:12", "33:19"]


def test_an_unknown_project_is_named_beside_any_other_mistake(read: Read) -> None:
    text = changed("project: NET", "project: NTE").replace("timezone:", "timezon:")
    assert [p.split(": ")[0] for p in problems(read, text)] == ["3:1", "25:5"]


@pytest.mark.parametrize("text", ["", "# nothing\n", "- a\n- b\n", "just words", "---\n..."])
def test_a_file_that_holds_no_keys_is_named_with_advice(read: Read, text: str) -> None:
    assert problems(read, text) == [
        "1:1: the file is empty or no mapping of keys — write one with `itpm-sync init`"
    ]


def test_a_file_without_the_essentials_names_them_all(read: Read) -> None:
    found = problems(read, "title: Office\n")
    assert found[0] == "1:1: the key 'connections' is missing"
    assert found[1].startswith("1:1: no project is configured — list them, or take them from a")
    assert len(found) == 2


def test_bytes_that_are_no_utf8_are_placed(read: Read) -> None:
    text = EXAMPLE.replace("Office", "Büro").encode("latin-1")
    assert problems(read, text) == ["2:9: not UTF-8 text: the byte 0xFC — save the file as UTF-8"]


def test_a_missing_file_and_a_folder_are_named(folder: Path) -> None:
    with pytest.raises(ConfigError, match=r"no such file: .*nothing\.yaml — write one with"):
        load(folder / "nothing.yaml")
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        load(folder)


def test_aliases_that_multiply_are_stopped(read: Read) -> None:
    lines = ["a0: &a0 [1, 2, 3, 4, 5, 6, 7, 8, 9]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 9)]
    (found,) = problems(read, "\n".join(lines))
    assert "aliases that multiply?" in found


@pytest.mark.parametrize(
    "text", ["[" * 1000, "a: " + "{b: " * 900 + "}" * 900, "- " * 2000, "- " * 100_000]
)
def test_a_file_nested_beyond_sense_is_stopped(read: Read, text: str) -> None:
    (found,) = problems(read, text)
    assert "nested" in found


def test_a_value_from_a_reference_is_never_shown(read: Read) -> None:
    text = changed("max_connections: 2", "max_connections: ${env:DESK_TOKEN}")
    text = text.replace("url: https://desk.example", "url: ${file:pw.txt}")
    found = "\n".join(problems(read, text))
    assert found.count("\n") == 1
    assert "from-env" not in found
    assert "from-file" not in found


def test_a_mapping_that_is_malformed_is_placed_in_its_own_file(folder: Path) -> None:
    path = folder / "mapping.yaml"
    path.write_text(
        "version: 1\nstreams:\n  issue:\n    - to: work_itm\n      fields: {key: key}\n"
        "    - to: work_item\n      fields:\n        key: key\n        titel: fields.summary\n"
    )
    document = read_yaml(path)
    with pytest.raises(ConfigError) as failure:
        compile_mapping(document.data)
    assert [str(p) for p in document.located(failure.value.problems)] == [
        f"{path}:4:7: expected a kind of record, found 'work_itm' — did you mean \"work_item\"?",
        f"{path}:7:7: work_item needs the field 'title'",
        f"{path}:9:9: work_item has no field 'titel' — did you mean \"title\"?",
    ]


@pytest.mark.parametrize(
    ("line", "advice"),
    [
        ("<<: 5", "`<<` takes in the keys of another block: `<<: *ITS_ANCHOR`"),
        ("title: !!binary x", "remove !!binary: no value here is made of bytes"),
        ("title: &a [*a]", "write what is meant in place of the *"),
        ("title:\tOffice\n\tcurrency: EUR", "indent with spaces, not with tabs"),
    ],
)
def test_what_is_no_yaml_is_told_with_the_advice_that_mends_it(
    read: Read, line: str, advice: str
) -> None:
    (found,) = problems(read, changed("title: Office", line))
    assert found.endswith(f" — {advice}")
