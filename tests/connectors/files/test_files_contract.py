"""The files connector keeps the connector contract, with CSV and with Excel files."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import openpyxl
import pytest

import connectors.files.connector
from connectors.files.connector import FilesConnector
from connectors.files.settings import FilesSettings
from itpm_sync.connector import Context
from itpm_sync.testing import ConnectorContract, ContractWorld

PAGE = 10
HEADER = ("WBS", "Work package")


class Plan:
    """A plan file that a person keeps; every change saves it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows = {"0": "there before"}
        self.made = 0
        self.save()

    def save(self) -> None:
        rows = [HEADER, *self.rows.items()]
        if self.path.suffix == ".csv":
            with self.path.open("w", encoding="utf-8", newline="") as file:
                csv.writer(file).writerows(rows)
            return
        book = openpyxl.Workbook()
        sheet = book.worksheets[0]
        for number, row in enumerate(rows, 1):
            for column, text in enumerate(row, 1):
                sheet.cell(number, column, text).data_type = "s"  # a text, also one with a "="
        book.save(self.path)

    def create(self, _scope: str, title: str) -> str:
        self.made += 1
        self.edit(str(self.made), title)
        return str(self.made)

    def edit(self, code: str, title: str) -> None:
        self.rows[code] = title
        self.save()

    def delete(self, code: str) -> None:
        del self.rows[code]
        self.save()


def connector(folder: Path, file: str) -> FilesConnector:
    table: dict[str, Any] = {
        "file": file, "kind": "work_package", "key": ["WBS"],
        "columns": {"code": "WBS", "name": "Work package"},
    }  # fmt: skip
    settings = FilesSettings.model_validate({"tables": {"plan": table}})
    return FilesConnector("plan-files", settings, Context(base_dir=folder))


class TestFiles(ConnectorContract):
    @pytest.fixture(params=["plan.csv", "plan.xlsx"])
    def world(
        self, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> ContractWorld:
        monkeypatch.setattr(connectors.files.connector, "_PAGE", PAGE)
        plan = Plan(tmp_path / request.param)
        return ContractWorld(
            connector=lambda: connector(tmp_path, request.param),
            stream="plan",
            create=plan.create,
            title_of=lambda body: str(body["row"]["Work package"]),
            edit=plan.edit,
            delete=plan.delete,
            offline=lambda: connector(tmp_path / "not-mounted", request.param),
            astray=lambda: connector(tmp_path, f"another-{request.param}"),
            cannot={
                "incremental": "a row has no stamp: a file is always read whole",
                "hide": "who may read a file may read all of its rows",
                "move": "a table is one scope",
                "publishing": "files are only read",
                "whereabouts": "a row stands in its file or nowhere",
                "wire": "files are opened, not asked for by HTTP",
            },
        )
