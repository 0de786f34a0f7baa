"""Nothing of a file is marked as deleted while nobody can know what is in it: real pulls."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connectors.files.connector import FilesConnector
from connectors.files.settings import FilesSettings
from itpm_sync.connector import Context
from itpm_sync.mapping import compile_mapping
from itpm_sync.pull import PullResult, PullSource, pull
from itpm_sync.store import Store

HEADER = "No,Project,Text,Date,Net\n"
ORDINARY = {n: f"R-{n},NET,switch,2026-11-02,{500 + n}" for n in range(1, 13)}
TABLE = {
    "file": "bills.csv",
    "kind": "invoice_line",
    "key": ["No"],
    "columns": {
        "invoice": "No", "project_key": "Project", "description": "Text",
        "invoiced_on": {"column": "Date", "as": "date"},
        "amount": {"column": "Net", "as": "money"},
    },
}  # fmt: skip


class Bills:
    """A file of twelve bills that was pulled when it was whole, and a store beside it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "bills.csv"
        self.store = Store.open(f"sqlite:///{folder / 'store.db'}")
        self.now = datetime(2026, 11, 2, tzinfo=UTC)
        settings = FilesSettings.model_validate(
            {"defaults": {"currency": "EUR"}, "tables": {"bills": TABLE}}
        )
        connector = FilesConnector("files", settings, Context(base_dir=folder))
        mapper = compile_mapping(connector.mapping(), {}, "test")
        self.source = PullSource("files", lambda _: (connector, mapper))

    def pull(self, *, confirm: bool = False, **rows: str) -> PullResult:
        """Pulls the file with other rows; an empty one is left out."""
        lines = {f"R{n}": row for n, row in ORDINARY.items()} | rows
        text = HEADER + "".join(f"{line}\n" for line in lines.values() if line)
        self.path.write_bytes(text.encode())
        self.now += timedelta(hours=1)
        run = self.store.begin_run("pull", self.now)
        result = pull(self.store, [self.source], run=run, now=self.now, inline=True,
                      confirm=confirm)  # fmt: skip
        self.store.finish_run(run, state=result.state, now=self.now, counts=result.counts)
        return result

    @property
    def deleted(self) -> list[str]:
        return [r.raw.source_id for r in self.store.raw_records("files") if r.absent is not None]


@pytest.fixture
def bills(tmp_path: Path) -> Iterator[Bills]:
    made = Bills(tmp_path)
    assert made.pull().exit_code == 0
    yield made
    made.store.close()


def test_a_row_that_left_the_file_is_deleted(bills: Bills) -> None:
    assert bills.pull(R5="").exit_code == 0
    assert bills.deleted == ["R-5"]


@pytest.mark.parametrize(
    "row",
    [
        'R-5,NET,"switch 19" rack,2026-11-02,505',
        "R-5,NET,swi\0tch,2026-11-02,505",
        "R-5,NET,screen, 19,2026-11-02,505",
    ],
)
def test_a_row_that_cannot_be_trusted_but_names_itself_is_there(bills: Bills, row: str) -> None:
    result = bills.pull(R5=row, R7="")
    assert (result.exit_code, bills.deleted) == (0, ["R-7"])
    assert [r.source_id for r in bills.store.rejected()] == ["R-5"]


@pytest.mark.parametrize(
    "row",
    [
        '"R"-5,NET,switch,2026-11-02,505',
        "R\0-5,NET,switch,2026-11-02,505",
        "R-5 NET,switch,2026-11-02,505",
        ",NET,switch,2026-11-02,505",
    ],
)
def test_a_row_that_does_not_name_itself_may_be_any_that_is_missing(bills: Bills, row: str) -> None:
    for confirm in (False, True):
        result = bills.pull(confirm=confirm, R5=row, R7="")
        assert (result.exit_code, bills.deleted) == (3, [])
        assert "2 of its stored records are not listed" in result.message
        assert "nothing is taken for deleted" in result.message
    assert bills.pull(R7="").exit_code == 0
    assert bills.deleted == ["R-7"]
