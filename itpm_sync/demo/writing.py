"""The office's files on disk: the plan as a workbook, the rest as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from itpm_sync.demo.office import Row


def write_files(files: Mapping[str, Sequence[Row]], folder: Path) -> None:
    """Writes the plan as a workbook and the rest as the CSV files that an office would export."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in files.items():
        if name.endswith(".xlsx"):
            _write_workbook(folder / name, rows)
        else:
            text = io.StringIO()
            csv.writer(text, delimiter=";", lineterminator="\r\n").writerows(rows)
            (folder / name).write_bytes(text.getvalue().encode("utf-8-sig"))


def _write_workbook(path: Path, rows: Sequence[Row]) -> None:
    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.active
    if sheet is None:  # a new workbook has a sheet; this is for the type checker
        sheet = book.create_sheet()
    sheet.title = "Plan"
    for row in rows:
        sheet.append(list(row))
    for column in "EF":
        for cell in sheet[column][1:]:
            cell.number_format = "dd.mm.yyyy"
    book.save(path)
