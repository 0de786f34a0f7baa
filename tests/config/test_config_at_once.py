"""All mistakes are told at once: none hides another, and none is a mere consequence of another."""

from __future__ import annotations

import pytest

from tests.config.config_world import EXAMPLE, Read, changed, problems

WAIVER = "{finding: no-rate, project: NTE, author: Ann, expires: 2026-05-01%s}\n"


def edited(*edits: tuple[str, str]) -> str:
    """The example with mistakes in it."""
    text = EXAMPLE
    for old, new in edits:
        assert old in text
        text = text.replace(old, new, 1)
    return text


def test_a_key_that_stands_twice_hides_no_other_mistake(read: Read) -> None:
    text = edited(("title: Office", "title: Office\ntitle: Bureau"), ("index_green: 0.96", "x: 1"))
    assert [p.split(" — ")[0] for p in problems(read, text)] == [
        "3:1: the key 'title' stands twice",
        "29:3: unknown key 'x'",
    ]


def test_a_block_that_stands_twice_is_examined_in_both_and_breaks_no_reference(read: Read) -> None:
    text = EXAMPLE + (
        "projects:\n  - {code: SDM, stage: exekution}\n"
        "connections:\n  more: {connector: fake, token: t, url: http://x}\n"
        "plan_from: [desk, more]\n"
    )
    found = problems(read, text)
    assert [p.split(",")[0].split(" — ")[0] for p in found] == [
        "35:1: the key 'projects' stands twice",
        "36:17: expected 'initiation'",
        "37:1: the key 'connections' stands twice",
        "38:37: expected an https:// address",
    ]


def test_a_file_pasted_twice_is_told_key_by_key_and_nothing_else(read: Read) -> None:
    found = problems(read, EXAMPLE + EXAMPLE)
    assert len(found) == EXAMPLE.count("\n") - EXAMPLE.count("\n  ")  # keys at the margin
    assert all("stands twice — remove one" in p for p in found)


def test_an_empty_repetition_takes_nothing_away(read: Read) -> None:
    (found,) = problems(read, f"{EXAMPLE}projects:\n")
    assert found == "35:1: the key 'projects' stands twice — remove one"


def test_what_aliases_join_again_and_again_is_read_to_its_end(read: Read) -> None:
    lines = ["a0: &a0 {x: 1}", "b0: &b0 {y: 1}"]
    for i in range(1, 30):
        lines += [f"{n}{i}: &{n}{i} {{l: *{n}{i - 1}, r: *{n}{i - 1}}}" for n in "ab"]
    lines += ["title: *a29", "title: *b29"]
    assert any("aliases that multiply?" in p for p in problems(read, "\n".join(lines)))


@pytest.mark.parametrize(
    ("old", "new", "first"),
    [
        ("connections:\n", "conections:\n", "5:1: unknown key 'conections'"),
        ("connector: fake", "conector: fake", "7:5: unknown key 'conector'"),
        ("projects:\n", "projcts:\n", "17:1: unknown key 'projcts'"),
        ("allocation:\n", "alocation:\n", "23:1: unknown key 'alocation'"),
        ("    publish:", "    publsh:", "21:5: unknown key 'publsh'"),
        ("max_connections: 2", "max_conections: 2", "16:5: unknown key 'max_conections'"),
    ],
)
def test_a_misspelt_key_is_taken_for_the_one_meant(
    read: Read, old: str, new: str, first: str
) -> None:
    text = edited((old, new), ("address: NET-1", "adress: NET-1"), ("password:", "pasword:"))
    text = text.replace("project: NET", "project: NTE").replace("[desk]", "[dsk]")
    assert [p.split(" — ")[0] for p in problems(read, text)] == sorted(
        [
            first,
            "11:7: unknown key 'pasword'",
            "22:28: unknown key 'adress'",
            "25:5: no project 'NTE'",
            "33:19: no connection 'dsk'",
        ],
        key=lambda p: int(p.split(":")[0]),
    )


def test_what_was_no_misspelling_after_all_is_one_mistake(read: Read) -> None:
    (found,) = problems(read, changed("thresholds:\n  index_green: 0.96", "threshold: 0.96"))
    assert found == "27:1: unknown key 'threshold' — did you mean \"thresholds\"?"


def test_a_reference_to_what_cannot_be_read_is_no_mistake(read: Read) -> None:
    text = edited(("code: NET", "code: [NET]"), ("connections: [desk]", "connections: desk"))
    assert [p.split(",")[0] for p in problems(read, text)] == [
        "18:5: expected a text",
        "33:5: expected a list",
    ]
    (found,) = problems(read, EXAMPLE[: EXAMPLE.index("connections:")] + "connections: []\n" + (
        EXAMPLE[EXAMPLE.index("projects:") :]
    ))  # fmt: skip
    assert found.startswith("5:1: expected a mapping of keys, found a list")


def test_what_a_wrong_rule_or_decision_names_is_looked_up_all_the_same(read: Read) -> None:
    text = edited(
        ("version: 1.10", "version: {a: b}"), ("    project: NET", "    project: NTE"),
        ("thresholds:", "waivers:\n  - " + WAIVER % "" + "overrides:\n  - {project: NOT, rating: x,"
         " reason: r, author: a, expires: never}\nthresholds:"),
    )  # fmt: skip
    assert [p.split(", ")[0].split(" — ")[0] for p in problems(read, text)] == [
        "24:44: expected a list",
        "25:5: no project 'NTE'",
        "28:5: the key 'reason' is missing",
        "28:24: no project 'NTE'",
        "30:6: no project 'NOT'",
        "30:20: expected 'green'",
        "30:53: expected a date as YYYY-MM-DD",
    ]


def test_checks_of_several_keys_look_at_what_is_right(read: Read) -> None:
    text = edited(("index_green: 0.96", "index_green: 0.8\n  top_findings: many\n  sla_red: 2"))
    assert [p.split(",")[0] for p in problems(read, text)] == [
        "28:3: `index_green` (0.8) is below `index_amber` (0.90)",
        "29:3: expected a whole number",
        "30:3: `sla_amber` (0.95) is below `sla_red` (2)",
    ]


def test_a_connection_that_is_no_block_is_one_mistake(read: Read) -> None:
    block = EXAMPLE[EXAMPLE.index("  desk:") : EXAMPLE.index("  plan:")]
    (found,) = problems(read, EXAMPLE.replace(block, "  desk: fake\n"))
    assert found == "6:3: expected a mapping of keys, found 'fake'"
