"""A mistake in the settings is named at its place, before any file is opened."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel, ValidationError

import connectors.files.settings
from connectors.files.cells import READERS
from connectors.files.settings import Defaults, FilesSettings, Rule, Table
from itpm_sync.model import KINDS, Record

TABLE: dict[str, Any] = {
    "file": "plan.csv",
    "kind": "work_package",
    "columns": {"code": "WBS", "name": "Name"},
}


def problems(settings: dict[str, Any]) -> list[tuple[str, str]]:
    with pytest.raises(ValidationError) as caught:
        FilesSettings.model_validate(settings)
    return [
        ("/".join(map(str, error["loc"])), error["msg"].removeprefix("Value error, "))
        for error in caught.value.errors()
    ]


def table_problems(columns: dict[str, Any] | None = None, **changes: Any) -> list[tuple[str, str]]:
    table = {**TABLE, **changes, "columns": {**TABLE["columns"], **(columns or {})}}
    return problems({"tables": {"plan": table}})


@pytest.mark.parametrize(
    ("rule", "place", "message"),
    [
        ({"budgt": "B"}, "budgt", '"budgt" is not a field of work_package; did you mean "budget"?'),
        ({"planned_effort_s": "D"}, "planned_effort_s",
         "say the unit of the column with as: seconds, minutes, hours, days"),
        ({"planned_start": {"column": "S", "as": "money"}}, "planned_start/as",
         "money does not fit planned_start; use date"),
        ({"planned_start": {"column": "S", "as": "dat"}}, "planned_start/as",
         '"dat" is not a way to read a cell; did you mean "date"?'),
        ({"code": {"column": "S", "soft": True}}, "code/soft",
         "there is no work_package without code: leave soft: out"),
        ({"team": {"column": "S", "currency": "EUR"}}, "team/currency",
         "team is no amount of money"),
        ({"method": {"column": "S", "map": {"x": "itms"}}}, "method/map/x",
         '"itms" is not one of its values; did you mean "items"?'),
        ({"method": {"column": "S", "default": "pints"}}, "method/default",
         '"pints" is not one of its values; did you mean "points"?'),
        ({"budget": {"column": "B", "currency": "EURO"}}, "budget/currency",
         '"EURO" is not a currency code of ISO 4217, such as EUR'),
        ({"planned_start": {"value": "soon"}}, "planned_start/value",
         '"soon" cannot be used: expected a date YYYY-MM-DD'),
        ({"percent_complete": {"column": "P", "map": {"full": "110"}}}, "percent_complete/map/full",
         '"110" cannot be used: expected a percentage from 0 to 100'),
        ({"budget": {"as": "money"}}, "budget",
         "give either column: (a header) or value: (a constant)"),
        ({"budget": {"column": "B", "decimal": ",", "thousands": ","}}, "budget",
         'decimal and thousands are both "," for this column'),
        ({"updated_at": {"column": "U", "zone": "Europe/Zurch"}}, "updated_at/zone",
         '"Europe/Zurch" is not a time zone of the IANA list, such as "Europe/Zurich"'),
        ({"planned_start": {"column": "S", "format": "%d.%m."}}, "planned_start/format/0",
         '"%d.%m." is not a date format with day, month and year, such as "%d.%m.%Y"'),
    ],
)  # fmt: skip
def test_a_wrong_rule_is_named_at_its_place(rule: dict[str, Any], place: str, message: str) -> None:
    found = table_problems(rule)
    assert [text for _, text in found if text == message], found
    assert found[0][0].startswith(f"tables/plan/columns/{place}")


def test_a_required_field_without_a_column_is_named() -> None:
    broken = {**TABLE, "columns": {"code": "WBS"}}
    assert problems({"tables": {"plan": broken}}) == [
        ("tables/plan/columns", 'work_package needs the field "name", which has no column')
    ]


@pytest.mark.parametrize(
    ("changes", "place", "part"),
    [
        ({"file": "../plan.csv"}, "file", "inside the folder"),
        ({"file": "/etc/passwd"}, "file", "inside the folder"),
        ({"file": "a**.csv"}, "file", "folders only"),
        ({"kind": "work_packge"}, "kind", 'did you mean "work_package"?'),
        ({"header_row": [1, 3]}, "header_row", "rows that follow each other"),
        ({"header_row": 0}, "header_row/0", "greater than or equal to 1"),
        ({"skip_rows": {"column": "A"}}, "skip_rows/0", "give a condition"),
        ({"kye": ["A"]}, "kye", "Extra inputs"),
        ({"attributes": {"a.b": "A"}}, "attributes/a.b/[key]", "should match pattern"),
        ({"defaults": {"encoding": "utf-9"}}, "defaults/encoding", "not a known encoding"),
        ({"defaults": {"encoding": "idna"}}, "defaults/encoding", "not a known encoding"),
        ({"defaults": {"encoding": "hex"}}, "defaults/encoding", "not a known encoding"),
    ],
)
def test_a_wrong_table_is_named_at_its_place(
    changes: dict[str, Any], place: str, part: str
) -> None:
    ((found, message),) = table_problems(**changes)
    assert found == f"tables/plan/{place}"
    assert part in message


def test_a_required_field_that_is_only_misspelt_is_not_missing_too() -> None:
    columns = dict(TABLE["columns"])
    columns["cod"] = columns.pop("code")
    ((place, message),) = problems({"tables": {"plan": {**TABLE, "columns": columns}}})
    assert place == "tables/plan/columns/cod"
    assert message == '"cod" is not a field of work_package; did you mean "code"?'


README = (Path(connectors.files.settings.__file__).parent / "README.md").read_text("utf-8")


def test_the_example_of_the_readme_is_valid() -> None:
    block = README.split("```yaml\n")[1].split("```")[0]
    connection = yaml.safe_load(block)["connections"]["plan-files"]
    assert connection.pop("connector") == "files"
    settings = FilesSettings.model_validate(connection)
    assert set(settings.tables) == {"work_packages", "invoices"}


@pytest.mark.parametrize("block", [FilesSettings, Table, Defaults, Rule])
def test_every_option_is_in_the_readme(block: type[BaseModel]) -> None:
    names = {field.alias or name for name, field in block.model_fields.items()}
    assert [name for name in sorted(names) if f"`{name}`" not in README] == []


@pytest.mark.parametrize("reading", sorted(READERS))
def test_every_reading_is_in_the_readme(reading: str) -> None:
    assert f"`{reading}`" in README.split("| `as` | reads |")[1]


def test_a_connection_needs_a_table() -> None:
    assert problems({"tables": {}})[0][0] == "tables"


@pytest.mark.parametrize("changes", [{"key": ["WBS", True]}, {"fill_down": [True]}])
def test_a_header_that_yaml_takes_for_a_truth_value_is_a_mistake(changes: dict[str, Any]) -> None:
    """`On` without quotes; the configuration says so, with line and column."""
    [(place, message)] = table_problems(**changes)
    name, words = next(iter(changes.items()))
    assert place == f"tables/plan/{name}/{len(words) - 1}"
    assert message == "Input should be a valid string"


def test_words_that_yaml_takes_for_something_else_are_words_again() -> None:
    rule = {"column": "A", "map": {"x": True, "y": 1}, "default": False}
    settings = FilesSettings.model_validate(
        {"tables": {"t": {**TABLE, "columns": {**TABLE["columns"], "team": rule}, "key": 2026}}}
    )
    table = settings.tables["t"]
    assert table.columns["team"].map == {"x": "true", "y": "1"}
    assert table.columns["team"].default == "false"
    assert table.key == ("2026",)


@pytest.mark.parametrize("name", ["auto", "cp1252", "utf-16-le", "utf-8-sig", "ascii", "shift_jis"])
def test_an_encoding_of_files_is_taken(name: str) -> None:
    assert Defaults.model_validate({"encoding": name}).encoding == name


def test_the_readme_names_the_fields_of_each_kind_and_which_a_row_must_have() -> None:
    text = Path(connectors.files.settings.__file__).with_name("README.md").read_text("utf-8")
    section = text.partition("## Fields of each kind")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| [^|]+ \| ([^|]+) \|$", section, re.MULTILINE)
    told = {kind: re.findall(r"(\*\*)?`(\w+)`", names) for kind, names in rows}
    common = {f.name for f in dataclasses.fields(Record)}
    for kind, names in told.items():
        own = [f for f in dataclasses.fields(KINDS[kind]) if f.name not in common]
        assert [(bool(bold), name) for bold, name in names] == [(_must(f), f.name) for f in own]
    assert set(KINDS) - set(told) == {"baseline", "field_change", "sprint"}


def _must(field: dataclasses.Field[Any]) -> bool:
    missing = dataclasses.MISSING
    return field.default is missing and field.default_factory is missing
