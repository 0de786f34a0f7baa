"""Every kind of wrong value is told in plain words: expected, found, where, and what to do."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from connectors.files.settings import FilesSettings
from connectors.jira.settings import JiraSettings
from connectors.request_tracker.connector import RequestTrackerSettings
from itpm_sync.config import ConnectionCore, Root
from itpm_sync.config.wording import EXPECTED
from tests.config.config_world import EXAMPLE, Read, problems

NO_TEXT = 'YAML reads On and Yes as true: put the word in quotes, as in "Yes"'
WAYS = "'cpi', 'budget', 'spi', 'spi_t', 'cpi_spi', 'cpi_spi_t', 'weighted' or 'weighted_t'"
BELOW = "write what belongs to it below, indented, or remove the key"
VALUES = {
    # block, what is written there, what is said of it
    "a word for a truth": (
        "duplicates: {search: maybe}", "14: expected true or false, found 'maybe'",
    ),
    "a truth misspelt": (
        "duplicates: {search: Flase}",
        "14: expected true or false, found 'Flase' — did you mean \"false\"?",
    ),
    "a number for a truth": (
        "privacy: {publish_names: 3}", "11: expected true or false, found 3",
    ),
    "a list for a truth": (
        "privacy: {publish_names: [true]}",
        "11: expected true or false, found a list — write one value",
    ),
    "nothing for a truth": (
        "privacy: {publish_names: }",
        "11: expected true or false, found nothing — give it a value, or remove the key",
    ),
    "a word for a number": ("duplicates: {sure: high}", "14: expected a number, found 'high'"),
    "a decimal comma": (
        "capacity: {hours_per_day: '8,4'}",
        "12: expected a number, found '8,4' — write a point: 8.4",
    ),
    "a percent sign": (
        "people: [{name: Ann, percent: 80 %}]",
        "22: expected a number, found '80 %' — write the number alone; docs/configuration.md says",
    ),
    "a number without end": (
        "capacity: {tolerance: '1e999'}", "12: expected 10 or less, found '1e999'",
    ),
    "a number that is none": (
        "capacity: {tolerance: NaN}", "12: expected a number that is finite, found 'NaN'",
    ),
    "days of the week, nested": (
        "calendar: {week: [[mon]]}",
        "12: expected a mapping of keys, found a list — write `key: value`, without `- ` before it",
    ),
    "a unit behind a whole number": (
        "safety: {sweep_every_h: 24h}",
        "10: expected a whole number, found '24h' — write the digits alone",
    ),
    "a part of a whole number": (
        "safety: {max_writes: 1.5}", "10: expected a whole number, found 1.5",
    ),
    "a truth for a whole number": (
        "safety: {sweep_every_h: yes}", "10: expected a whole number, found true",
    ),
    "below the least": (
        "duplicates: {block_limit: 1}", "14: expected 2 or more, found 1",
    ),
    "above the most": ("people: [{name: A, percent: 101}]", "20: expected 100 or less, found 101"),
    "not above nothing": ("safety: {max_writes: 0}", "10: expected more than 0, found 0"),
    "an unknown word": (
        "thresholds: {eac_method: cpy}",
        f"14: expected {WAYS}, found 'cpy' — did you mean \"cpi\"?",
    ),
    "a truth for a word": (
        "overrides: [{project: NET, rating: Yes, reason: r, author: a, expires: 2030-01-01}]",
        f"28: expected 'green', 'amber', 'red' or 'grey', found true — {NO_TEXT}",
    ),
    "two ways, neither taken": (
        "projects: [{code: NET, plan_file: {baseline: first}}]",
        "36: expected a whole number, or 'schedule', found 'first'",
    ),
    "two ways, out of bounds": (
        "projects: [{code: NET, plan_file: {baseline: 11}}]",
        "36: expected 10 or less, or 'schedule', found 11",
    ),
    "a day with dots": (
        "projects: [{code: NET, start: 24.12.2026}]",
        "24: expected a date as YYYY-MM-DD, found '24.12.2026'",
    ),
    "a day that is none": (
        "projects: [{code: NET, start: 2026-02-30}]",
        "24: expected a date as YYYY-MM-DD, of a day that exists, found '2026-02-30'",
    ),
    "a time for a day": (
        "projects: [{code: NET, start: 2026-02-03T10:00:00}]",
        "24: expected a date as YYYY-MM-DD, found '2026-02-03T10:00:00'",
    ),
    "a truth for a day": (
        "projects: [{code: NET, start: true}]",
        "24: expected a date as YYYY-MM-DD, found true",
    ),
    "a span that goes back": (
        "calendar: {holidays: [2026-12-31..2026-12-24]}",
        "12: expected a span of 1 to 367 days, found 2026-12-31..2026-12-24",
    ),
    "a day of no week": (
        "calendar: {week: {monday: 1}}",
        "19: expected 'mon', 'tue', 'wed', 'thu', 'fri', 'sat' or 'sun', found 'monday' — did you",
    ),
    "nothing for a block": (
        "thresholds:", f"1: expected a mapping of keys, found nothing — {BELOW}",
    ),
    "a list for a block": (
        "capacity: [weeks: 8]",
        "1: expected a mapping of keys, found a list — write `key: value`, without `- ` before it",
    ),
    "a text for a block": (
        "reports: out", "1: expected a mapping of keys, found 'out'",
    ),
    "nothing for a list": ("waivers:", f"1: expected a list, found nothing — {BELOW}"),
    "a block for a list": (
        "people: {name: Ann}",
        "1: expected a list, found a mapping of keys — begin each entry with `- `",
    ),
    "a text for a list": (
        "plan_from: plan", "1: expected a list, found 'plan' — write it in brackets: [plan]",
    ),
    "an empty list": (
        "thresholds: {forecast_percentiles: []}", "14: expected at least 1 of them, found none",
    ),
    "a list too long": (
        "thresholds: {forecast_percentiles: [1, 2, 3, 4, 5, 6]}",
        "14: expected at most 5 of them, found 6",
    ),
    "numbers that do not ascend": (
        "thresholds: {forecast_percentiles: [80, 50]}", "14: expected ascending numbers, each once",
    ),
    "braces without quotes": (
        "projects: [{code: NET, name: {net}}]",
        "24: expected a text, found a mapping of keys — a text that begins with { or holds `: `",
    ),
    "nothing for a text": (
        "projects: [{code: NET, name: }]",
        "24: expected a text, found nothing — give it a value, or remove the key",
    ),
    "a text that says nothing": (
        "people: [{name: ''}]", "11: expected a text that says something, found ''",
    ),
    "a text too long": (
        f"people: [{{name: {'x' * 201}}}]", "11: expected at most 200 characters, found 201",
    ),
    "a number for a path": (
        "reports: {folder: 7}", "11: expected the path of a file or folder, found 7",
    ),
    "an address without a scheme": (
        "reports: {url: pmo.example.org}",
        "11: expected an address that begins with http:// or https://, found 'pmo.example.org'",
    ),
    "another version": ("version: 2", "1: expected 1, found 2"),
}  # fmt: skip


@pytest.mark.parametrize("value", VALUES)
def test_a_wrong_value_is_told_in_plain_words(read: Read, value: str) -> None:
    block, expected = VALUES[value]
    key = block.partition(":")[0]
    text = _without(EXAMPLE, key)
    line = text.count("\n") + 1
    (found,) = problems(read, f"{text}{block}\n")
    assert found.startswith(f"{line}:{expected}"), found


def _without(text: str, key: str) -> str:
    """The example without one of its blocks; what refers to it goes too."""
    lines, kept, skipping = text.splitlines(keepends=True), [], False
    for line in lines:
        if not line.startswith((" ", "-")):
            skipping = line.startswith(f"{key}:")
        if not skipping:
            kept.append(line)
    return "".join(kept)


NASTY: tuple[Any, ...] = (
    None, True, 3, -1, 10**30, 0.5, float("nan"), float("inf"), 2**70, "", " ", "x", "x" * 3000,
    "1,5", "2026-13-01", "2026-01-01T10:00", "9" * 5000, [], ["x"], [None], [[]], {}, {"x": 1},
    {"x": {"y": []}}, [{"x": 1}], list(range(300)),
)  # fmt: skip
OWN = {"value_error", "several_keys", "files", "missing", "extra_forbidden"}


@pytest.mark.parametrize(
    "model", [Root, ConnectionCore, FilesSettings, JiraSettings, RequestTrackerSettings]
)
def test_no_kind_of_mistake_is_told_in_the_words_of_the_library(model: type[BaseModel]) -> None:
    kinds = {kind for each in _models(model) for kind in _kinds(each)}
    assert {"missing", "extra_forbidden"} <= kinds  # else nothing was tried
    assert kinds - OWN <= set(EXPECTED)


def _kinds(model: type[BaseModel]) -> Iterator[str]:
    """Every kind of mistake that wrong values raise in a model's own keys."""
    for name, info in model.model_fields.items():
        for value in NASTY:
            try:
                model.model_validate({info.alias or name: value, "unknown": 1})
            except ValidationError as error:
                yield from (e["type"] for e in error.errors(include_context=False))


def _models(hint: Any) -> Iterator[type[BaseModel]]:
    """A settings model and those of its keys, however deep."""
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        yield hint
        for info in hint.model_fields.values():
            yield from _models(info.annotation)
    elif isinstance(hint, types.UnionType) or typing.get_origin(hint) is not None:
        for part in typing.get_args(hint):
            yield from _models(part)
