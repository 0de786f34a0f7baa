"""How files are opened: what is found in them, and what is refused."""

from __future__ import annotations

import io
import os
import warnings
import zipfile
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import xlsxwriter

from connectors.files.cells import Cell
from connectors.files.excel import EXCEL_1904
from connectors.files.reader import open_table
from connectors.files.table import Layout, OpenTable, Row, clean, letter
from itpm_sync.errors import ConnectionFailed, RetryableError

NINE_THIRTY = datetime(2026, 3, 1, 9, 30)  # noqa: DTZ001 — Excel knows no zones
Read = tuple[OpenTable, list[Row]]


def rows_of(path: Path, *headers: str, **layout: Any) -> Read:
    with open_table(path, Layout(headers=headers, **layout)) as table:
        return table, list(table.rows)


def texts(rows: list[Row]) -> list[list[str]]:
    return [[cell.text for cell in row.cells] for row in rows]


@pytest.fixture
def csv_file(tmp_path: Path) -> Callable[[bytes | str], Path]:
    def write(content: bytes | str) -> Path:
        path = tmp_path / "data.csv"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


@pytest.fixture
def workbook(tmp_path: Path) -> Callable[..., Path]:
    """Writes an .xlsx with one sheet per keyword: lists of rows."""

    def write(**sheets: list[list[Any]]) -> Path:
        book = openpyxl.Workbook()
        del book["Sheet"]
        for title, rows in sheets.items():
            sheet = book.create_sheet(title)
            for row in rows:
                sheet.append(row)
        path = tmp_path / "book.xlsx"
        book.save(path)
        return path

    return write


class TestCsv:
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1252"])
    def test_finds_the_encoding(self, csv_file: Any, encoding: str) -> None:
        table, rows = rows_of(csv_file("Größe;Wert\nübel;1\n".encode(encoding)), "Größe")
        assert table.header == ("Größe", "Wert")
        assert texts(rows) == [["übel", "1"]]
        assert bool(table.advice) == (encoding == "cp1252")

    def test_one_damaged_row_does_not_change_the_encoding_of_the_file(self, csv_file: Any) -> None:
        content = "A;B\nä;ö\nü;é\n".encode() + b"\xff\xfe\xfa;x\n" + "ß;1\n".encode()
        table, rows = rows_of(csv_file(content), "A")
        assert not table.advice
        assert [row.problem for row in rows] == [
            "", "", "holds bytes that are not text in the encoding of the file", "",
        ]  # fmt: skip
        assert texts(rows)[3] == ["ß", "1"]

    def test_a_declared_encoding_is_kept_to(self, csv_file: Any) -> None:
        path = csv_file("A;B\nä;1\n".encode("latin-1"))
        _, rows = rows_of(path, "A", encoding="utf-8")
        assert rows[0].problem
        _, rows = rows_of(path, "A", encoding="latin-1")
        assert texts(rows) == [["ä", "1"]]

    def test_a_mark_in_the_file_outweighs_the_declaration(self, csv_file: Any) -> None:
        path = csv_file("A;B\nä;1\n".encode("utf-8-sig"))
        table, rows = rows_of(path, "A", encoding="cp1252")
        assert texts(rows) == [["ä", "1"]]
        assert table.advice == ("data.csv is marked as utf-8, not cp1252",)
        assert not rows_of(path, "A", encoding="utf-8")[0].advice

    @pytest.mark.parametrize(("encoding", "cut"), [("utf-16", 1), ("utf-32", 1), ("utf-32", 3)])
    def test_a_file_that_ends_within_a_character_seems_cut_off(
        self, csv_file: Any, encoding: str, cut: int
    ) -> None:
        with pytest.raises(ConnectionFailed, match=r"seems cut off: it ends within a character of"):
            rows_of(csv_file("A;B\nx;y\n".encode(encoding)[:-cut]), "A")

    def test_half_a_pair_of_utf16_at_the_end_seems_cut_off(self, csv_file: Any) -> None:
        with pytest.raises(ConnectionFailed, match="seems cut off"):
            rows_of(csv_file("A;B\nx;\U0001f600".encode("utf-16")[:-2]), "A")

    def test_what_is_no_utf16_in_the_middle_is_not_called_cut(self, csv_file: Any) -> None:
        content = "A;B\nx;".encode("utf-16") + b"\x00\xdc" + "y\n".encode("utf-16-le")
        with pytest.raises(ConnectionFailed, match="is not text in utf-16"):
            rows_of(csv_file(content), "A")

    @pytest.mark.parametrize("end", ["\r\n\x1a", "\x1a", "\r\n\x1a\x1a"])
    def test_a_ctrl_z_ends_the_file_and_is_no_row(self, csv_file: Any, end: str) -> None:
        _, rows = rows_of(csv_file("A,B\r\n1,2\r\n2,3" + end), "A")
        assert texts(rows) == [["1", "2"], ["2", "3"]]
        assert not any(row.problem for row in rows)

    def test_a_row_that_is_cut_before_a_ctrl_z_is_cut(self, csv_file: Any) -> None:
        with pytest.raises(ConnectionFailed, match="seems cut off: row 3 is the last one"):
            rows_of(csv_file("A,B\r\n1,2\r\n2\x1a"), "A")

    def test_a_last_row_as_short_as_one_before_it_is_no_cut(self, csv_file: Any) -> None:
        _, rows = rows_of(csv_file("No,Net,Text\n1,2\n2,3,x\n3,4"), "No")
        short = "has 2 cells under 3 headers"
        assert [row.problem for row in rows] == [short, "", short]
        with pytest.raises(ConnectionFailed, match="seems cut off: row 4"):
            rows_of(csv_file("No,Net,Text\n1,2\n2,3,x\n3"), "No")
        with pytest.raises(ConnectionFailed, match="seems cut off: row 4"):
            rows_of(csv_file('No,Net,Text\n1,2\n2,3,x\n3,"4'), "No")

    def test_utf16_without_a_mark_is_named(self, csv_file: Any) -> None:
        with pytest.raises(ConnectionFailed, match="UTF-16 without its mark"):
            rows_of(csv_file("A;B\nx;y\n".encode("utf-16-le")), "A")

    @pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
    def test_finds_the_delimiter_by_the_wanted_columns(self, csv_file: Any, delimiter: str) -> None:
        content = f'Code{delimiter}Net\n"a{delimiter}b"{delimiter}1\n'
        _, rows = rows_of(csv_file(content), "Code", "Net")
        assert texts(rows) == [[f"a{delimiter}b", "1"]]

    def test_a_header_that_holds_commas_does_not_mislead(self, csv_file: Any) -> None:
        _, rows = rows_of(csv_file("Name, first, last;Net\nx;1,5\ny;2,5\n"), "Net")
        assert texts(rows) == [["x", "1,5"], ["y", "2,5"]]

    def test_excels_own_separator_line_is_obeyed(self, csv_file: Any) -> None:
        table, rows = rows_of(csv_file("sep=|\nA|B;C\n1|2\n"), "A")
        assert table.header == ("A", "B;C")
        assert rows[0].number == 3

    def test_numbers_rows_by_the_line_on_which_they_begin(self, csv_file: Any) -> None:
        _, rows = rows_of(csv_file('A,B\r\n"one\r\ntwo",1\r\n\r\n,\r\nx,2\r\n'), "A")
        assert [(row.number, row.cells[0].text) for row in rows] == [(2, "one\r\ntwo"), (6, "x")]

    def test_rows_with_too_many_or_too_few_cells_are_marked(self, csv_file: Any) -> None:
        _, rows = rows_of(csv_file("A,B\n1,2\n1\n1,2,3\n1,2,\n"), "A")
        assert [row.problem for row in rows] == [
            "", "has 1 cells under 2 headers", "has 3 cells under 2 headers", "",
        ]  # fmt: skip

    def test_a_quote_that_is_not_doubled_costs_its_row_only(self, csv_file: Any) -> None:
        _, rows = rows_of(csv_file('A,B\n"x"y,1\nz,2\n'), "A")
        assert [bool(row.problem) for row in rows] == [True, False]
        assert rows[1].number == 3

    def test_a_quote_that_never_closes_names_the_rows_that_were_not_read(
        self, csv_file: Any
    ) -> None:
        path = csv_file('A,B\nx,1\n"y,2\nz,3\n')
        with open_table(path, Layout(headers=("A",))) as table:
            assert next(table.rows).cells[0].text == "x"
            with pytest.raises(ConnectionFailed, match=r"a quote opens and does not.*rows 3 to 4"):
                next(table.rows)

    def test_a_quote_that_swallows_rows_names_them_and_the_others_are_read(
        self, csv_file: Any
    ) -> None:
        path = csv_file('A,B\nu,1\n"v,2\nw,3\n"x",4\ny,5\n"z,6\n')
        found: list[str] = []
        with open_table(path, Layout(headers=("A",))) as table:
            with pytest.raises(ConnectionFailed, match=r"could not be read: rows 3 to 5, row 7 "):
                found.extend(row.cells[0].text for row in table.rows)
            assert found == ["u", "y"]

    @pytest.mark.parametrize("end", ["", "\n", "\n5\n"])
    def test_a_quote_that_swallows_rows_of_one_column_is_told_at_the_end_of_the_file_too(
        self, csv_file: Any, end: str
    ) -> None:
        path = csv_file('No\n1\n"2\n3\n4"' + end)
        with pytest.raises(ConnectionFailed, match=r"could not be read: rows 3 to 5"):
            rows_of(path, "No")

    def test_a_cell_in_one_line_beyond_all_bounds_costs_its_row_only(self, csv_file: Any) -> None:
        _, rows = rows_of(csv_file(f"A,B\nx,{'l' * (2**20 + 1)}\ny,{'k' * 2**20}\nz,1\n"), "A")
        assert [row.problem for row in rows] == [
            "has a cell of more than 1,048,576 characters", "", "",
        ]  # fmt: skip
        assert [(row.number, len(row.cells[1].text)) for row in rows[1:]] == [(3, 2**20), (4, 1)]

    def test_an_endless_cell_of_several_lines_has_swallowed_rows_in_any_column(
        self, csv_file: Any
    ) -> None:
        path = csv_file('A,B\nx,1\ny,"' + "l\n" * (2**16 + 1) + '"\nz,1\n')
        with pytest.raises(ConnectionFailed, match=r"could not be read: rows 3 to 65540"):
            rows_of(path, "A")
        _, rows = rows_of(csv_file('A,B\ny,"' + "l\n" * (2**16 - 1) + '"\nz,1\n'), "A")
        assert [row.problem for row in rows] == ["", ""]

    def test_a_quote_in_the_header_that_swallows_a_row_is_told(self, csv_file: Any) -> None:
        path = csv_file('A,B,"Note\nx,1,19"\ny,2,\n')
        with pytest.raises(ConnectionFailed, match=r"could not be read: rows 1 to 2"):
            rows_of(path, "A", "B")

    def test_an_open_quote_that_swallows_a_megabyte_is_told_as_one(self, csv_file: Any) -> None:
        path = csv_file('A,B\n"x,1\n' + "y,2\n" * 2**18)
        with pytest.raises(ConnectionFailed, match=r"row 2: a quote opens and does not close with"):
            rows_of(path, "A")

    def test_a_nul_byte_costs_its_row_only(self, csv_file: Any) -> None:
        _, rows = rows_of(csv_file(b"A,B\n1\0,2\n3,4\n"), "A")
        assert [row.problem for row in rows] == ["holds a NUL byte", ""]

    def test_an_empty_file_is_named(self, csv_file: Any) -> None:
        with pytest.raises(ConnectionFailed, match=r"data\.csv is empty"):
            rows_of(csv_file(""), "A")

    def test_a_file_of_blank_lines_has_no_header(self, csv_file: Any) -> None:
        with pytest.raises(ConnectionFailed, match="no header"):
            rows_of(csv_file("\n\n,,\n"), "A")

    def test_a_file_that_changes_while_it_is_read_is_read_again(self, csv_file: Any) -> None:
        path = csv_file("A\n1\n")
        opened = open_table(path, Layout(headers=("A",)))
        list(opened.__enter__().rows)
        path.write_text("A\n1\n2\n")
        with pytest.raises(RetryableError, match="changed while it was read"):
            opened.__exit__(None, None, None)

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
    def test_a_file_without_permission_is_named(self, csv_file: Any) -> None:
        path = csv_file("A\n1\n")
        path.chmod(0)
        with pytest.raises(ConnectionFailed, match="may not be read"):
            rows_of(path, "A")


class TestHeader:
    def test_stands_in_the_first_row_that_is_not_blank(self, csv_file: Any) -> None:
        table, rows = rows_of(csv_file("\n,\nA,B\n1,2\n"), "A")
        assert (table.header, rows[0].number) == (("A", "B"), 4)

    def test_stands_where_declared(self, csv_file: Any) -> None:
        path = csv_file("Report of,June\n\nA,B\n1,2\n")
        table, rows = rows_of(path, "A", header_row=(3,))
        assert (table.header, texts(rows)) == (("A", "B"), [["1", "2"]])
        with pytest.raises(ConnectionFailed, match="row 2 is blank"):
            rows_of(path, "A", header_row=(2,))
        with pytest.raises(ConnectionFailed, match="row 9 is blank"):
            rows_of(path, "A", header_row=(9,))

    def test_is_compared_without_regard_to_white_space(self, csv_file: Any) -> None:
        table, _ = rows_of(csv_file('"Work\n  package\u00a0",B\nx,1\n'), "Work package")
        assert table.header == ("Work package", "B")

    def test_a_missing_column_is_named_with_a_suggestion_and_what_is_there(
        self, csv_file: Any
    ) -> None:
        with pytest.raises(ConnectionFailed) as caught:
            rows_of(csv_file("Work package,Bugdet\nx,1\n"), "Work package", "Budget")
        assert 'no column "Budget"' in caught.value.message
        assert 'did you mean "Bugdet"?' in caught.value.advice
        assert 'the columns are "Work package", "Bugdet"' in caught.value.advice

    def test_a_repeated_header_that_is_wanted_is_an_error(self, csv_file: Any) -> None:
        with pytest.raises(ConnectionFailed, match='"Net" in B and D'):
            rows_of(csv_file("A,Net,B,Net\n1,2,3,4\n"), "Net")

    def test_repeated_and_blank_headers_that_nobody_wants_are_kept_apart(
        self, csv_file: Any
    ) -> None:
        table, _ = rows_of(csv_file("A,Note,,Note\n1,2,3,4\n"), "A")
        assert table.header == ("A", "Note", "@C", "@D")

    def test_may_span_two_rows_with_merged_cells(self, workbook: Any) -> None:
        path = workbook(
            Plan=[["WBS", "Budget", None, "Start"], [None, "Net", "Gross", None], [1, 2, 3, 4]]
        )
        table, rows = rows_of(path, "Budget Gross", header_row=(1, 2))
        assert table.header == ("WBS", "Budget Net", "Budget Gross", "Start")
        assert texts(rows) == [["1", "2", "3", "4"]]


class TestExcel:
    def test_cells_come_as_exact_text(self, workbook: Any) -> None:
        values = [
            "  text ", 12, 0.1 + 0.2, 1e21, 123456789.12, 1.0, True, date(2026, 3, 1),
            NINE_THIRTY, time(7, 30), timedelta(hours=37, minutes=5), None, "#REF!",
        ]  # fmt: skip
        _, rows = rows_of(workbook(S=[[f"c{i}" for i in range(len(values))], values]), "c0")
        assert rows[0].cells == [
            Cell("text"),
            Cell("12", "number"),
            Cell("0.3", "number"),
            Cell("1" + "0" * 21, "number"),
            Cell("123456789.12", "number"),
            Cell("1", "number"),
            Cell("true", "bool"),
            Cell("2026-03-01", "date"),
            Cell("2026-03-01T09:30:00", "date"),
            Cell("07:30:00", "time"),
            Cell("37:05:00", "time"),
            Cell(),
            Cell("#REF!", "error"),
        ]

    @pytest.mark.parametrize(
        ("form", "expected"),
        [
            ("0%", Cell("45%", "number")),
            ("0.00 %", Cell("45%", "number")),
            ('#,##0.00 "CHF"', Cell("0.45", "number", "CHF")),
            ("#,##0.00 [$€-407]", Cell("0.45", "number", "€")),
            ("[$CHF-807] #,##0.00", Cell("0.45", "number", "CHF")),
            ("$#,##0.00", Cell("0.45", "number", "$")),
            ('[Red]0.00 "days"', Cell("0.45", "number")),
            ("General", Cell("0.45", "number")),
        ],
    )
    def test_what_the_number_format_shows_is_not_lost(
        self, tmp_path: Path, form: str, expected: Cell
    ) -> None:
        path = tmp_path / "formats.xlsx"
        book = xlsxwriter.Workbook(str(path))
        sheet = book.add_worksheet()
        sheet.write("A1", "Value")
        sheet.write_number("A2", 0.45, book.add_format({"num_format": form}))
        book.close()
        _, rows = rows_of(path, "Value")
        assert rows[0].cells == [expected]

    def test_formulas_give_their_stored_results(self, tmp_path: Path) -> None:
        path = tmp_path / "formulas.xlsx"
        book = xlsxwriter.Workbook(str(path))
        sheet = book.add_worksheet()
        sheet.write_row("A1", ["Sum", "Text"])
        sheet.write_formula("A2", "=1+2", None, 3)
        sheet.write_formula("B2", '="a"', None, "a")
        book.close()
        _, rows = rows_of(path, "Sum")
        assert rows[0].cells == [Cell("3", "number"), Cell("a")]

    def test_a_formula_without_a_stored_result_is_no_empty_cell(self, workbook: Any) -> None:
        _, rows = rows_of(workbook(S=[["A", "B"], ["x", "=1+2"], ["y", None]]), "A")
        assert rows[0].cells[1] == Cell("formula without a stored result", "error")
        assert rows[1].cells[1] == Cell()

    def test_rows_keep_excels_numbers_and_blank_ones_are_left_out(self, workbook: Any) -> None:
        path = workbook(S=[["A"], [None], ["x"], ["  "], [None], ["y"]])
        _, rows = rows_of(path, "A")
        assert [(row.number, row.cells[0].text) for row in rows] == [(3, "x"), (6, "y")]

    def test_many_rows_come_in_order(self, workbook: Any) -> None:
        _, rows = rows_of(workbook(S=[["A"], *([i] for i in range(1500))]), "A")
        assert [row.cells[0].text for row in rows] == [str(i) for i in range(1500)]
        assert rows[-1].number == 1501

    def test_notes_beside_the_table_are_not_of_it(self, workbook: Any) -> None:
        path = workbook(S=[["A", "B"], ["x", None, None, "a note"], [None, None, "alone"], ["y"]])
        _, rows = rows_of(path, "A")
        assert texts(rows) == [["x", ""], ["y", ""]]

    def test_the_only_sheet_is_taken_and_else_it_must_be_named(self, workbook: Any) -> None:
        path = workbook(Plan=[["A"], [1]], Notes=[["A"], [2]])
        with pytest.raises(ConnectionFailed) as caught:
            rows_of(path, "A")
        assert '"Plan", "Notes"' in caught.value.advice
        assert texts(rows_of(path, "A", sheet="Notes")[1]) == [["2"]]
        with pytest.raises(ConnectionFailed, match='no sheet "Plans"'):
            rows_of(path, "A", sheet="Plans")

    def test_a_workbook_is_known_by_its_content_not_by_its_name(self, workbook: Any) -> None:
        path = workbook(S=[["A"], [1]])
        renamed = path.rename(path.with_suffix(".csv"))
        assert texts(rows_of(renamed, "A")[1]) == [["1"]]

    def test_dates_of_a_1904_workbook_count_from_1904(self, tmp_path: Path) -> None:
        path = tmp_path / "mac.xlsx"
        book = xlsxwriter.Workbook(str(path), {"date_1904": True})
        sheet = book.add_worksheet()
        sheet.write_row("A1", ["Shown", "Bare"])
        sheet.write_datetime("A2", date(2026, 3, 1), book.add_format({"num_format": "d.m.yy"}))
        sheet.write_number("B2", 44620)
        book.close()
        table, rows = rows_of(path, "Shown")
        assert table.epoch == EXCEL_1904
        assert rows[0].cells == [Cell("2026-03-01", "date"), Cell("44620", "number")]

    def test_an_impossible_date_is_an_error_cell_without_a_warning(self, tmp_path: Path) -> None:
        path = tmp_path / "dates.xlsx"
        book = xlsxwriter.Workbook(str(path))
        sheet = book.add_worksheet()
        sheet.write("A1", "When")
        sheet.write_number("A2", 1e9, book.add_format({"num_format": "yyyy-mm-dd"}))
        book.close()
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            _, rows = rows_of(path, "When")
        assert rows[0].cells[0].kind == "error"

    def test_dimensions_that_the_file_declares_are_not_believed(self, workbook: Any) -> None:
        path = workbook(S=[["A"], ["x"], ["y"]])
        rewritten(path, "xl/worksheets/sheet1.xml", b'ref="A1:A3"', b'ref="A1:XFD1048576"')
        assert texts(rows_of(path, "A")[1]) == [["x"], ["y"]]


class TestHostile:
    def test_an_old_or_protected_workbook_is_refused_with_advice(self, tmp_path: Path) -> None:
        path = tmp_path / "old.xls"
        path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600)
        with pytest.raises(ConnectionFailed, match=r"old Excel file \(.xls\).*password"):
            rows_of(path, "A")

    def test_a_bomb_is_measured_before_it_is_unpacked(self, workbook: Any) -> None:
        path = workbook(S=[["A"], ["x"]])
        with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("xl/media/huge.bin", b"\0" * (8 * 2**20))
        assert path.stat().st_size < 100_000
        with pytest.raises(ConnectionFailed, match="unpacks to 8 MB"):
            rows_of(path, "A", max_excel_bytes=4 * 2**20)

    def test_entities_that_explode_are_refused(self, workbook: Any) -> None:
        path = workbook(S=[["A"], ["x"]])
        lol = b'<!DOCTYPE w [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;">]>'
        rewritten(path, "xl/worksheets/sheet1.xml", b"<worksheet", lol + b"<worksheet")
        with pytest.raises(ConnectionFailed, match="damaged or no Excel workbook"):
            rows_of(path, "A")
        assert openpyxl.DEFUSEDXML

    @pytest.mark.parametrize("cut", [30, 200, 2000])
    def test_a_truncated_workbook_is_one_clear_failure(self, workbook: Any, cut: int) -> None:
        path = workbook(S=[["A"], ["x"]])
        path.write_bytes(path.read_bytes()[:cut])
        with pytest.raises(ConnectionFailed, match="damaged"):
            rows_of(path, "A")

    def test_a_damaged_sheet_is_one_clear_failure(self, workbook: Any) -> None:
        path = workbook(S=[["A"], ["x"]])
        rewritten(path, "xl/worksheets/sheet1.xml", b"</sheetData>", b"")
        with pytest.raises(ConnectionFailed, match="damaged"):
            rows_of(path, "A")

    @pytest.mark.parametrize(
        ("old", "new", "said"),
        [
            (b'<row r="3"', b'<row r="2000000000"', "row 2000000000 is out of order"),
            (b'<row r="3"', b'<row r ="2000000000"', "row 2000000000 is out of order"),
            (b'<row r="3"', b'<row r="&#50;000000000"', "row 2000000000 is out of order"),
            (b'<row r="3"', b'<row r="1048577"', "row 1048577 is out of order"),
            (b'<row r="3"', b'<row r="2"', "row 2 is out of order after 2"),
            (b'<row r="3"', b'<row r ="1"', "row 1 is out of order after 2"),
            (b'<row r="3"', b'<row\nr\n=\n"1.0"', "row 1 is out of order after 2"),
            (b'<row r="3"', b"<row  spans=\"1:2\" r='1'", "row 1 is out of order after 2"),
            (b'<row r="2"', b'<row r="0"', "row 0 is out of order after 1"),
            (b'<row r="2"', b'<row r="two"', "could not convert"),
            (b'<c r="A3"', b'<c r="C3"', "row 3: cell B3 is out of order"),
            (b'<c r="A3"', b'<c r ="C3"', "row 3: cell B3 is out of order"),
            (b'<c r="B3"', b'<c r="A3"', "row 3: cell A3 is out of order"),
            (b'<c r="B3"', b'<row r="9" /><c r="B3"', "row 9 is out of order"),
        ],
    )
    def test_rows_and_cells_out_of_order_are_no_rows_left_out(
        self, workbook: Any, old: bytes, new: bytes, said: str
    ) -> None:
        path = workbook(S=[["A", "B"], ["x", 1], ["y", 2]])
        rewritten(path, "xl/worksheets/sheet1.xml", old, new)
        with pytest.raises(ConnectionFailed, match=rf"damaged or no Excel workbook \({said}"):
            rows_of(path, "A")

    def test_rows_and_cells_without_a_number_follow_the_last(self, workbook: Any) -> None:
        path = workbook(S=[["A", "B"], ["x", 1], ["y", 2]])
        for old, new in ((b'<row r="3"', b"<row"), (b'<c r="A3"', b"<c"), (b'<c r="B3"', b"<c")):
            rewritten(path, "xl/worksheets/sheet1.xml", old, new)
        _, rows = rows_of(path, "A")
        assert [row.number for row in rows] == [2, 3]
        assert texts(rows) == [["x", "1"], ["y", "2"]]

    def test_a_damaged_sheet_that_is_not_read_refuses_no_other(self, workbook: Any) -> None:
        path = workbook(S=[["A"], ["x"]], T=[["A"], ["y"], ["z"]])
        rewritten(path, "xl/worksheets/sheet2.xml", b'<row r="3"', b'<row r="1"')
        assert texts(rows_of(path, "A", sheet="S")[1]) == [["x"]]
        with pytest.raises(ConnectionFailed, match=r"sheet T is damaged .*row 1 is out of order"):
            rows_of(path, "A", sheet="T")

    @pytest.mark.parametrize("junk", [b"<c ", b"<c r", b"<c r=", b"<row\n"])
    def test_a_sheet_of_tags_that_never_end_is_refused_in_one_reading(
        self, workbook: Any, junk: bytes
    ) -> None:
        path = workbook(S=[["A"], ["x"]])
        rewritten(path, "xl/worksheets/sheet1.xml", b"<sheetData>", b"<sheetData>" + junk * 500_000)
        with pytest.raises(ConnectionFailed, match="damaged"):
            rows_of(path, "A")

    def test_another_archive_is_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "plan.xlsx"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("content.xml", "<office/>")
        with pytest.raises(ConnectionFailed, match="without Excel sheets"):
            rows_of(path, "A")


def rewritten(path: Path, part: str, old: bytes, new: bytes) -> None:
    """Replaces bytes of one part of a workbook."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    assert old in parts[part]
    parts[part] = parts[part].replace(old, new, 1)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    path.write_bytes(buffer.getvalue())


def test_letters_are_excels() -> None:
    assert [letter(i) for i in (0, 25, 26, 701, 702)] == ["A", "Z", "AA", "ZZ", "AAA"]


def test_clean_drops_a_second_mark_of_the_byte_order() -> None:
    assert clean("\ufeffInvoice") == "Invoice"


def test_clean_composes_accents() -> None:
    assert clean(" Gro\u0308\u00dfe \n net ") == "Größe net"
