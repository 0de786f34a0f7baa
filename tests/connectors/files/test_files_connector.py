"""The files connector: nothing lost, every bad cell named, the rest loaded."""

from __future__ import annotations

import functools
import io
import os
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.files.connector import FilesConnector
from connectors.files.settings import FilesSettings
from itpm_sync.connector import CheckItem, Connector, Context, Count, Deletes, RawRecord, Window
from itpm_sync.errors import ConnectionFailed, RecordError
from itpm_sync.mapping import compile_mapping
from itpm_sync.model import InvoiceLine, Method, Money, Record, WorkPackage

WINDOW = Window(since=None, until=datetime(2026, 3, 31, tzinfo=UTC))
GERMAN = {"date": "%d.%m.%Y", "decimal": ",", "thousands": ".", "currency": "EUR"}
PLAN = {
    "file": "plan*.csv",
    "kind": "work_package",
    "key": ["WBS"],
    "columns": {
        "code": "WBS",
        "name": "Work package",
        "planned_start": {"column": "Start", "as": "date"},
        "budget": {"column": "Budget", "as": "money"},
        "planned_effort_s": {"column": "Days", "as": "days"},
        "percent_complete": "% done",
        "method": {"column": "Method", "map": {"Meilensteine": "weighted_milestones"}},
    },
    "attributes": {"cost_centre": "Cost centre"},
    "skip_rows": {"column": "WBS", "starts_with": "Total"},
}
HEADER = "WBS;Work package;Start;Budget;Days;% done;Method;Cost centre\n"
GOOD = "1.1;Switches;01.02.2026;1.234,50;10;45 %;Meilensteine;4711\n"


class Loaded:
    """Everything that a fetch of one table gave."""

    def __init__(self, connector: FilesConnector, table: str) -> None:
        self.records: list[RawRecord] = []
        self.rejected: list[RecordError] = []
        self.failure = ""
        stream = next(s for s in connector.streams() if s.name == table)
        mapper = compile_mapping(connector.mapping(), connector.variables())
        try:
            for partition in connector.partitions(stream, WINDOW):
                for page in connector.fetch(stream, partition, WINDOW):
                    self.records += page.records
                    self.rejected += page.rejected
        except ConnectionFailed as error:
            self.failure = str(error)
        self.model: list[Record] = [
            each for raw in self.records for each in mapper.apply("files", table, raw).records
        ]

    @property
    def ids(self) -> list[str]:
        return [raw.source_id for raw in self.records]

    @property
    def messages(self) -> list[str]:
        return [str(error) for error in self.rejected]


def connector(base: Path, **tables: Mapping[str, Any]) -> FilesConnector:
    validated = FilesSettings.model_validate({"defaults": GERMAN, "tables": tables})
    return FilesConnector("plan-files", validated, Context(base_dir=base))


def load(base: Path, **table: Any) -> Loaded:
    return Loaded(connector(base, plan={**PLAN, **table}), "plan")


def save(base: Path, content: str, name: str = "plan.csv") -> None:
    (base / name).write_bytes(content.encode())


def test_a_row_becomes_a_record_of_the_model(tmp_path: Path) -> None:
    save(tmp_path, HEADER + GOOD)
    loaded = load(tmp_path)
    assert not loaded.rejected
    (package,) = loaded.model
    assert isinstance(package, WorkPackage)
    assert package.id == "files:plan:1.1"
    assert package.code == "1.1"
    assert package.name == "Switches"
    assert package.planned_start == date(2026, 2, 1)
    assert package.budget == Money(Decimal("1234.50"), "EUR")
    assert package.planned_effort_s == 288_000  # ten days of eight hours
    assert package.percent_complete == Decimal(45)
    assert package.method is Method.MILESTONES
    assert package.attributes == {"cost_centre": "4711"}


def test_the_raw_record_keeps_the_row_as_it_stands_in_the_file(tmp_path: Path) -> None:
    save(tmp_path, HEADER + GOOD)
    (raw,) = load(tmp_path).records
    assert (raw.scope, raw.url) == ("plan*.csv", "plan.csv row 2")
    body = orjson.loads(raw.body)
    assert body["row"] == {
        "@file": "plan.csv", "WBS": "1.1", "Work package": "Switches",
        "Start": "01.02.2026", "Budget": "1.234,50", "Days": "10", "% done": "45 %",
        "Method": "Meilensteine", "Cost centre": "4711",
    }  # fmt: skip


def test_excel_and_csv_give_the_same_record(tmp_path: Path) -> None:
    save(tmp_path, HEADER + GOOD)
    book = openpyxl.Workbook()
    sheet = book.create_sheet("Plan", 0)
    sheet.append(HEADER.strip().split(";"))
    sheet.append(["1.1", "Switches", date(2026, 2, 1), 1234.5, 10, 0.45, "Meilensteine", 4711])
    sheet["F2"].number_format = "0%"
    book.save(tmp_path / "book.xlsx")
    (excel,) = load(tmp_path, file="book.xlsx", sheet="Plan").model
    (csv,) = load(tmp_path).model
    assert excel.ref.url == "book.xlsx sheet Plan row 2"
    assert csv.ref.url == "plan.csv row 2"
    assert replace(excel, ref=csv.ref) == csv


def test_a_bad_cell_of_an_optional_field_costs_the_cell_and_is_reported(tmp_path: Path) -> None:
    save(tmp_path, HEADER + GOOD.replace("1.234,50", "about 5").replace("01.02", "31.02"))
    loaded = load(tmp_path)
    (package,) = loaded.model
    assert isinstance(package, WorkPackage)
    assert (package.budget, package.planned_start, package.name) == (None, None, "Switches")
    start, budget = loaded.rejected
    assert (start.field, start.value, start.place) == (
        "Start", "31.02.2026", "plan.csv row 2, column Start",
    )  # fmt: skip
    assert start.expected == 'an existing date written as "%d.%m.%Y" or YYYY-MM-DD'
    assert start.hint == "only this cell is left out"
    assert start.source_id == "1.1"
    assert (budget.field, budget.value) == ("Budget", "about 5")


def test_a_bad_cell_of_a_required_field_costs_its_row_only(tmp_path: Path) -> None:
    table = {
        "file": "invoices.csv", "kind": "invoice_line", "key": ["No"],
        "columns": {"invoice": "No", "invoiced_on": "Date", "amount": "Net"},
    }  # fmt: skip
    save(tmp_path, "No;Date;Net\n1;01.03.2026;5\n2;x;y\n3;;1\n4;02.03.2026;6\n", "invoices.csv")
    loaded = Loaded(connector(tmp_path, lines=table), "lines")
    assert [r.amount.amount for r in loaded.model if isinstance(r, InvoiceLine)] == [5, 6]
    assert [(e.place, e.source_id) for e in loaded.rejected] == [
        ("invoices.csv row 3, column Date", "2"),
        ("invoices.csv row 3, column Net", "2"),
        ("invoices.csv row 4, column Date", "3"),
    ]
    assert "expected a value, found ''" in loaded.messages[2]


def test_a_bad_cell_never_becomes_an_assumed_value(tmp_path: Path) -> None:
    """`method` has a default: leaving a bad one out would put "items" in its place."""
    save(tmp_path, HEADER + GOOD.replace("Meilensteine", "gefühlt"))
    loaded = load(tmp_path)
    assert not loaded.records
    assert "expected one of 0/100, 50/50" in loaded.messages[0]


@pytest.mark.parametrize(("soft", "loads"), [(True, 1), (False, 0)])
def test_a_rule_can_say_what_a_bad_cell_costs(tmp_path: Path, soft: bool, loads: int) -> None:
    save(tmp_path, HEADER + GOOD.replace("1.234,50", "x"))
    columns = {**PLAN["columns"], "budget": {"column": "Budget", "soft": soft}}  # type: ignore[dict-item]
    loaded = load(tmp_path, columns=columns)
    assert (len(loaded.records), len(loaded.rejected)) == (loads, 1)


def test_an_empty_cell_is_reported_where_the_rule_requires_a_value(tmp_path: Path) -> None:
    save(tmp_path, HEADER + GOOD.replace("1.234,50", "n/a"))
    columns = {**PLAN["columns"], "budget": {"column": "Budget", "required": True}}  # type: ignore[dict-item]
    assert not load(tmp_path).rejected
    loaded = load(tmp_path, columns=columns)
    assert (len(loaded.records), loaded.rejected[0].expected) == (1, "a value")


def test_words_are_translated_and_missing_ones_have_a_default(tmp_path: Path) -> None:
    save(tmp_path, HEADER + GOOD + GOOD.replace("1.1", "1.2").replace("Meilensteine", ""))
    method = {"column": "Method", "map": {"MEILENSTEINE": "0/100"}, "default": "points"}
    loaded = load(tmp_path, columns={**PLAN["columns"], "method": method})  # type: ignore[dict-item]
    methods = [p.method for p in loaded.model if isinstance(p, WorkPackage)]
    assert methods == [Method.ZERO_HUNDRED, Method.POINTS]


def test_a_constant_can_stand_for_a_column(tmp_path: Path) -> None:
    """Its number is written as YAML writes numbers, whatever the file's decimal sign is."""
    save(tmp_path, HEADER + GOOD)
    constants = {"project_key": {"value": "NET"}, "budget": {"value": 1234.5}}
    loaded = load(tmp_path, columns={**PLAN["columns"], **constants})  # type: ignore[dict-item]
    (package,) = loaded.model
    assert isinstance(package, WorkPackage)
    assert (package.project_key, package.budget) == ("NET", Money(Decimal("1234.5"), "EUR"))


def test_amounts_take_their_currency_from_a_column(tmp_path: Path) -> None:
    save(tmp_path, "No;Net;Cur\n1;5;chf\n2;5;\n5;7;£\n3;5 EUR;CHF\n4;5;XXX\n", "plan.csv")
    columns = {"number": "No", "title": {"value": "x"}, "amount": {
        "column": "Net", "currency": {"column": "Cur"}, "soft": False}}  # fmt: skip
    table = {"file": "plan.csv", "kind": "change_request", "key": ["No"], "columns": columns}
    loaded = Loaded(connector(tmp_path, changes=table), "changes")
    assert [getattr(r, "amount", None) for r in loaded.model] == [
        Money(Decimal(5), "CHF"),
        Money(Decimal(5), "EUR"),
        Money(Decimal(7), "GBP"),
    ]
    assert "expected an amount in CHF" in loaded.messages[0]
    assert '"XXX" is not one known currency' in loaded.messages[1]


def test_the_same_key_again_is_rejected_with_both_rows_named(tmp_path: Path) -> None:
    save(tmp_path, HEADER + GOOD + GOOD.replace("Switches", "Routers") + GOOD)
    loaded = load(tmp_path)
    assert [getattr(r, "name", "") for r in loaded.model] == ["Switches"]
    assert loaded.messages == [
        f"plan.csv row {row}, column WBS: expected a key that no other row has, "
        f"found '1.1' — plan.csv row 2 has {cells}; only that row is used"
        for row, cells in ((3, "other cells under the same key"), (4, "the same cells"))
    ]


def test_the_same_row_in_overlapping_files_can_be_allowed(tmp_path: Path) -> None:
    save(tmp_path, HEADER + GOOD)
    save(tmp_path, HEADER + GOOD + GOOD.replace("1.1", "1.2"), "plan-2.csv")
    loaded = load(tmp_path, repeated_rows="allow")
    assert (sorted(loaded.ids), loaded.rejected) == (["1.1", "1.2"], [])


def test_an_endless_cell_costs_its_row_or_less_and_the_others_are_read(tmp_path: Path) -> None:
    endless = "l" * (2**17 + 1)
    save(tmp_path, HEADER + GOOD.replace("4711", endless)
         + GOOD.replace("1.1", "1.2").replace("45 %", endless)
         + GOOD.replace("1.1", "1.3"))  # fmt: skip
    loaded = load(tmp_path)
    assert loaded.ids == ["1.1", "1.2", "1.3"]
    assert [str(e).partition(", found")[0] for e in loaded.rejected] == [
        f"plan.csv row {n}, column {name}: expected at most 131,072 characters"
        for n, name in ((2, "Cost centre"), (3, "% done"))
    ]
    assert all("only this cell is left out" in text for text in loaded.messages)
    save(tmp_path, HEADER + GOOD.replace("1.234,50", endless) + GOOD.replace("1.1", "1.2"))
    loaded = load(tmp_path, columns={**PLAN["columns"], "budget": {
        "column": "Budget", "as": "money", "soft": False}})  # fmt: skip
    assert (loaded.ids, [e.source_id for e in loaded.rejected]) == (["1.2"], ["1.1"])


def test_rows_that_a_quote_swallowed_are_told_and_never_taken_for_deleted(tmp_path: Path) -> None:
    save(tmp_path, HEADER + GOOD + GOOD.replace("1.1;", '1.2;"') + GOOD.replace("1.1;S", '1.3;"S'))
    loaded = load(tmp_path)
    assert loaded.ids == ["1.1"]
    assert "could not be read: rows 3 to 4" in loaded.failure
    with pytest.raises(ConnectionFailed):
        list(read_census(connector(tmp_path, plan=PLAN)))


@pytest.mark.parametrize(
    ("bad", "known"),
    [
        (GOOD.replace("Switches", "Swit\0ches"), ["1.1"]),
        (GOOD.replace("1.1", "1\0.1"), []),  # its key itself
        (GOOD.replace("4711", "4711;8"), ["1.1"]),  # the key stands before what is not quoted
        (GOOD.replace("1.1;", '"1.1";').replace("Swi", '"19"" and 20" Swi'), ["1.1"]),
        (GOOD.replace("1.1;", '"1".1;'), []),  # its key itself
        (GOOD.replace("1.1;", "1.1 "), []),  # a delimiter is missing: who knows which
    ],
)
def test_a_row_that_cannot_be_trusted_is_known_by_its_key_if_that_can_be(
    tmp_path: Path, bad: str, known: list[str]
) -> None:
    save(tmp_path, HEADER + bad + GOOD.replace("1.1", "1.2"))
    loaded = load(tmp_path)
    assert loaded.ids == ["1.2"]
    assert [e.source_id for e in loaded.rejected] == (known or [""])
    census = read_census(connector(tmp_path, plan=PLAN))
    if known:
        assert sorted(census) == [*known, "1.2"]
    else:
        with pytest.raises(ConnectionFailed, match="key of 1 rows cannot be read"):
            list(census)


def test_a_key_behind_a_text_that_is_not_quoted_is_not_believed(tmp_path: Path) -> None:
    save(tmp_path, "Work package;WBS\nSwitches;1.1\nSwitches; 19;1.2\n")
    loaded = load(tmp_path, columns={"code": "WBS", "name": "Work package"},
                  attributes={}, skip_rows=())  # fmt: skip
    assert (loaded.ids, [e.source_id for e in loaded.rejected]) == (["1.1"], [""])


def test_a_row_without_its_key_is_rejected(tmp_path: Path) -> None:
    save(tmp_path, HEADER + GOOD.replace("1.1;", ";") + GOOD)
    loaded = load(tmp_path)
    assert loaded.ids == ["1.1"]
    assert "as it identifies the row" in loaded.messages[0]


def test_the_parts_of_a_compound_key_cannot_be_confused(tmp_path: Path) -> None:
    save(tmp_path, "A;B\nx/y;z\nx;y/z\n")
    columns = {"code": "A", "name": "B"}
    assert load(tmp_path, key=["A", "B"], columns=columns, attributes={}, skip_rows=()).ids == [
        "x%2Fy/z",
        "x/y%2Fz",
    ]


def test_without_a_key_rows_are_known_by_number_and_check_warns(tmp_path: Path) -> None:
    save(tmp_path, HEADER + GOOD + GOOD)
    loaded = load(tmp_path, key=())
    assert loaded.ids == ["plan.csv#2", "plan.csv#3"]
    items = list(connector(tmp_path, plan={**PLAN, "key": ()}).check())
    assert any("name the columns that identify a row" in item.advice for item in items)


def test_skipped_rows_and_cells_repeated_from_above(tmp_path: Path) -> None:
    save(tmp_path, "Team;WBS\nNet;1\n;2\nData;3\n;\n;Total 3\n;4\n")
    loaded = load(
        tmp_path,
        columns={"code": "WBS", "name": "WBS", "team": "Team"},
        attributes={},
        fill_down=["Team"],
        skip_rows=[{"column": "WBS", "empty": True}, {"column": "WBS", "starts_with": ["total"]}],
    )
    assert [(getattr(r, "code", ""), getattr(r, "team", "")) for r in loaded.model] == [
        ("1", "Net"), ("2", "Net"), ("3", "Data"), ("4", "Data"),
    ]  # fmt: skip
    assert not loaded.rejected


def test_a_ragged_row_is_rejected_with_its_number(tmp_path: Path) -> None:
    save(tmp_path, HEADER + "1.0;too;few\n" + GOOD)
    loaded = load(tmp_path)
    assert loaded.ids == ["1.1"]
    assert str(*loaded.rejected) == (
        "plan.csv row 2: the row: expected 8 readable cells, found '1.0 | too | few' — "
        "it has 3 cells under 8 headers"
    )


def test_one_file_that_fails_is_named_and_the_others_load(tmp_path: Path) -> None:
    save(tmp_path, HEADER + GOOD, "plan-a.csv")
    save(tmp_path, "", "plan-b.csv")
    save(tmp_path, HEADER + GOOD.replace("1.1", "1.2"), "plan-c.csv")
    loaded = load(tmp_path)
    assert loaded.ids == ["1.1", "1.2"]
    assert "plan-b.csv is empty" in loaded.failure
    with pytest.raises(ConnectionFailed):  # a census must never end early
        list(read_census(connector(tmp_path, plan=PLAN)))


def test_a_missing_file_stops_its_table_only(tmp_path: Path) -> None:
    save(tmp_path, HEADER + GOOD)
    save(tmp_path, HEADER + GOOD, "pln-2026.csv")
    both = connector(tmp_path, plan=PLAN, other={**PLAN, "file": "pln.csv"})
    assert Loaded(both, "plan").ids == ["1.1"]
    assert Loaded(both, "other").failure == (
        "no file pln.csv in the configuration's folder — put it there, or correct `file`; did you "
        'mean "pln-2026.csv"?'
    )


def test_a_file_that_another_table_reads_was_not_meant(tmp_path: Path) -> None:
    save(tmp_path, HEADER + GOOD)
    other = {**PLAN, "file": "pln.csv"}
    both = connector(tmp_path, plan={**PLAN, "file": "pl*.csv"}, other=other)
    assert Loaded(both, "other").failure.endswith("other tables read all that the folder holds")
    save(tmp_path, "", "notes.txt")
    assert Loaded(both, "other").failure.endswith(
        "of what the folder holds, no table reads notes.txt"
    )


@pytest.mark.parametrize(
    ("folder", "told"),
    [("office", "the folder office"), ("in/office", "the folder in/office"), ("", "the folder ex")],
)
def test_where_the_folder_lies_on_the_server_is_in_no_failure(
    tmp_path: Path, folder: str, told: str
) -> None:
    whole = tmp_path / (folder or "ex")
    settings = FilesSettings.model_validate({"folder": folder or str(whole), "tables": {"p": PLAN}})
    made = FilesConnector("office", settings, Context(tmp_path))
    failures = [Loaded(made, "p").failure]
    whole.mkdir(parents=True)
    failures.append(Loaded(made, "p").failure)
    (whole / "plan.csv").symlink_to(tmp_path.parent)
    failures.append(Loaded(made, "p").failure)
    assert failures[0].startswith(f"{told} does not exist")
    assert failures[1].startswith(f"no file plan*.csv in {told} — ")
    assert not any(str(tmp_path) in failure for failure in failures)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    assert "does not exist" in load(tmp_path / "nowhere").failure


def test_a_folder_that_may_not_be_looked_at_is_told_by_each_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(_: Path) -> bool:
        raise PermissionError(13, "Permission denied")

    made = connector(tmp_path / "theirs", plan=PLAN)
    monkeypatch.setattr(Path, "is_dir", denied)
    assert [item.ok for item in made.check()] == [False]


def test_a_check_tells_a_missing_folder_once(tmp_path: Path) -> None:
    tables = {n: {"file": f"{n}.csv", "kind": "work_package", "key": ["A"],
                  "columns": {"code": "A", "name": "A", "project_key": "A"}}
              for n in ("plan", "other")}  # fmt: skip
    settings = FilesSettings.model_validate({"folder": "nowhere", "tables": tables})
    (item,) = FilesConnector("office", settings, Context(tmp_path)).check()
    assert (item.name, item.ok, item.advice) == ("folder", False, "create it, or correct `folder`")
    assert item.detail == f"the folder {tmp_path / 'nowhere'} does not exist"


def test_a_table_without_rows_is_a_problem_unless_it_may_be_empty(tmp_path: Path) -> None:
    save(tmp_path, HEADER)
    assert "there is a header and no rows" in load(tmp_path).failure
    assert load(tmp_path, may_be_empty=True).failure == ""


def test_files_cannot_lead_out_of_the_folder(tmp_path: Path) -> None:
    inside = tmp_path / "in"
    inside.mkdir()
    save(tmp_path, HEADER + GOOD, "secret.csv")
    (inside / "plan.csv").symlink_to(tmp_path / "secret.csv")
    loaded = load(inside)
    assert not loaded.records
    assert "plan.csv leads out of" in loaded.failure


def test_what_is_no_regular_file_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "plan.csv")
    assert "plan.csv is not a regular file" in load(tmp_path).failure
    (tmp_path / "plan.csv").unlink()
    (tmp_path / "plan.csv").symlink_to(tmp_path / "plan.csv")
    assert "plan.csv is not a regular file" in load(tmp_path).failure


@pytest.mark.parametrize(
    ("name", "shown", "stored"),
    [
        (os.fsdecode(b"plan-\xdcber.csv"), "plan-\\xdcber.csv", "plan-\\xdcber.csv"),
        ("plan-\n\x1b[31m.csv", "plan-\\n\\x1b[31m.csv", "plan-\n\x1b[31m.csv"),
        ("plan-\u202evsc.csv", "plan-\\u202evsc.csv", "plan-\u202evsc.csv"),
        ("plan-Über.csv", "plan-Über.csv", "plan-Über.csv"),
        ("plan\xa0Q3.csv", "plan\xa0Q3.csv", "plan\xa0Q3.csv"),
        ("plan-計画\u3000表.csv", "plan-計画\u3000表.csv", "plan-計画\u3000表.csv"),
    ],
)
def test_any_name_of_a_file_can_be_told_and_is_kept_as_it_is(
    tmp_path: Path, name: str, shown: str, stored: str
) -> None:
    save(tmp_path, HEADER + GOOD + "short\n", name)
    loaded = load(tmp_path)
    assert loaded.ids == ["1.1"]
    assert orjson.loads(loaded.records[0].body)["row"]["@file"] == stored
    assert loaded.messages[0].startswith(f"{shown} row 3: ")
    (item, _) = connector(tmp_path, plan=PLAN).check()
    assert item.detail.startswith(f"{shown} (")


def test_a_name_with_brackets_is_a_name_before_it_is_a_pattern(tmp_path: Path) -> None:
    save(tmp_path, HEADER + GOOD, "plan [2026].csv")
    assert load(tmp_path, file="plan [2026].csv").ids == ["1.1"]


DIRT = [GOOD.encode(), GOOD.encode("utf-16"), b'"', b"\0", b";;;\n", b"\r"]
HEADS = [HEADER.encode(), HEADER.encode("utf-8-sig"), HEADER.encode("utf-16"), b""]


@given(st.lists(st.binary(max_size=40) | st.sampled_from(DIRT), max_size=8), st.sampled_from(HEADS))
def test_any_bytes_are_read_or_reported_but_never_break(parts: list[bytes], head: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "plan.csv").write_bytes(head + b"".join(parts))
        loaded = load(Path(folder))
        assert loaded.records or loaded.rejected or loaded.failure


@given(st.integers(0, 10_000), st.binary(min_size=1, max_size=30))
@settings(max_examples=30, deadline=None)
def test_a_workbook_with_any_damage_is_read_or_reported(at: int, damage: bytes) -> None:
    content = bytearray(small_workbook())
    at %= len(content)
    content[at : at + len(damage)] = damage
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "plan.xlsx").write_bytes(content)
        loaded = load(Path(folder), file="plan.xlsx")
        assert loaded.records or loaded.rejected or loaded.failure


@functools.cache
def small_workbook() -> bytes:
    book = openpyxl.Workbook()
    sheet = book.create_sheet("Plan", 0)
    del book["Sheet"]
    sheet.append(HEADER.strip().split(";"))
    sheet.append(["1.1", "Switches", date(2026, 2, 1), 1234.5, 10, 0.45, "items", 4711])
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def test_lock_files_of_office_programs_are_no_data(tmp_path: Path) -> None:
    save(tmp_path, HEADER + GOOD)
    save(tmp_path, "x", "~$plan.csv")
    save(tmp_path, "x", ".plan.csv")
    assert load(tmp_path, file="*.csv").ids == ["1.1"]


def test_census_names_quarantined_rows_too_so_that_they_are_not_deleted(tmp_path: Path) -> None:
    save(tmp_path, HEADER + GOOD + GOOD.replace("1.1", "1.2").replace("Switches", "") + GOOD)
    files = connector(tmp_path, plan=PLAN)
    assert Loaded(files, "plan").ids == ["1.1"]
    assert list(read_census(files)) == ["1.1", "1.2"]
    assert files.count(files.streams()[0], "plan*.csv") == Count(2)


def read_census(files: FilesConnector) -> Iterable[str]:
    for batch in files.census(files.streams()[0], "plan*.csv"):
        yield from batch


def test_reading_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    save(tmp_path, HEADER + GOOD)
    assert load(tmp_path).records == load(tmp_path).records


def test_pages_hold_a_thousand_rows(tmp_path: Path) -> None:
    save(tmp_path, HEADER + "".join(GOOD.replace("1.1", f"1.{n}") for n in range(2500)))
    files = connector(tmp_path, plan=PLAN)
    (stream,) = files.streams()
    (partition,) = files.partitions(stream, WINDOW)
    sizes = [len(page.records) for page in files.fetch(stream, partition, WINDOW)]
    assert sizes == [1000, 1000, 500]


def test_a_table_is_a_stream_that_every_fetch_reads_whole(tmp_path: Path) -> None:
    files = connector(tmp_path, plan=PLAN)
    assert isinstance(files, Connector)
    (stream,) = files.streams()
    assert (stream.name, stream.scopes, stream.deletes, stream.incremental) == (
        "plan", ("plan*.csv",), Deletes.WHOLE, False,
    )  # fmt: skip
    assert files.publisher() is None


class TestCheck:
    def items(self, base: Path, **table: Any) -> list[CheckItem]:
        return list(connector(base, plan={**PLAN, **table}).check())

    def test_counts_rows_and_says_what_it_guessed(self, tmp_path: Path) -> None:
        save(tmp_path, HEADER + GOOD)
        found, rows = self.items(tmp_path)
        assert (found.ok, found.detail) == (True, 'plan.csv (utf-8, delimiter ";")')
        assert (rows.ok, rows.detail) == (True, "1 of 1 rows can be loaded")

    def test_names_the_first_bad_cells(self, tmp_path: Path) -> None:
        save(tmp_path, HEADER + "".join(GOOD.replace("1.234", f"x{n}") for n in range(5)))
        _, rows = self.items(tmp_path, key=())
        assert not rows.ok
        assert "5 problems: plan.csv row 2, column Budget" in rows.detail
        assert "… and 2 more" in rows.detail

    def test_reports_what_it_cannot_open(self, tmp_path: Path) -> None:
        save(tmp_path, "A;B\n1;2\n")
        (item,) = self.items(tmp_path)
        assert not item.ok
        assert 'no column "WBS"' in item.detail
        assert 'the columns are "A", "B"' in item.advice

    def test_says_when_the_encoding_was_guessed(self, tmp_path: Path) -> None:
        (tmp_path / "plan.csv").write_bytes((HEADER + GOOD).replace("S", "Ü").encode("cp1252"))
        columns = {"code": "WBÜ", "name": "Work package"}
        item = self.items(tmp_path, columns=columns, key=(), attributes={}, skip_rows=())[0]
        assert item.ok
        assert "declare encoding: cp1252" in item.advice
