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
from itpm_sync.model import InvoiceLine
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

    def __init__(self, folder: Path, **table: object) -> None:
        self.path = folder / "bills.csv"
        self.store = Store.open(f"sqlite:///{folder / 'store.db'}")
        self.now = datetime(2026, 11, 2, tzinfo=UTC)
        settings = FilesSettings.model_validate(
            {"defaults": {"currency": "EUR"}, "tables": {"bills": TABLE | table}}
        )
        connector = FilesConnector("files", settings, Context(base_dir=folder))
        mapper = compile_mapping(connector.mapping(), {}, "test")
        self.source = PullSource("files", lambda _: (connector, mapper))

    def pull(self, *, confirm: bool = False, cut: int = 0, **rows: str) -> PullResult:
        """Pulls the file with other rows; an empty one is left out, and so are the last bytes."""
        lines = {f"R{n}": row for n, row in ORDINARY.items()} | rows
        text = HEADER + "".join(f"{line}\n" for line in lines.values() if line)
        whole = text.encode()
        return self.pull_bytes(whole[: len(whole) - cut], confirm=confirm)

    def pull_bytes(self, content: bytes, *, confirm: bool = False) -> PullResult:
        self.path.write_bytes(content)
        self.now += timedelta(hours=1)
        run = self.store.begin_run("pull", self.now)
        result = pull(self.store, [self.source], run=run, now=self.now, inline=True,
                      confirm=confirm)  # fmt: skip
        self.store.finish_run(run, state=result.state, now=self.now, counts=result.counts)
        return result

    @property
    def stored(self) -> dict[str, tuple[str | None, str]]:
        """By bill, what it says and costs."""
        lines = [r for r in self.store.records("invoice_line") if isinstance(r, InvoiceLine)]
        return {r.invoice: (r.description, str(r.amount.amount)) for r in lines}

    @property
    def deleted(self) -> list[str]:
        return [r.raw.source_id for r in self.store.raw_records("files") if r.absent is not None]


@pytest.fixture
def bills(tmp_path: Path) -> Iterator[Bills]:
    made = Bills(tmp_path)
    assert made.pull().exit_code == 0
    assert made.stored["R-5"] == ("switch", "505")
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
    assert (result.exit_code, bills.deleted) == (3, ["R-7"])  # it stands in quarantine
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


OPEN = 'R-5,NET,"switch,2026-11-02,505'


@pytest.mark.parametrize(
    ("rows", "named"),
    [
        ({"R5": OPEN, "R9": 'R-9,NET,19" screen,2026-11-02,509'}, "rows 6 to 10"),
        ({"R5": OPEN, "R9": 'R-9,NET,screen 19",509'}, "rows 6 to 10"),  # one cell too few
        ({"R5": OPEN, "R9": 'R-9,NET,screen 19",2026-11-02,509'}, "rows 6 to 10"),
        ({"R5": OPEN, "R6": 'R-6,NET,screen 19",2026-11-02,506'}, "rows 6 to 7"),
        ({"R5": OPEN, "R6": 'R-6,NET, screen 19",2026-11-02, 506'}, "rows 6 to 7"),
        ({"R5": 'R-5,NET,"' + "s\n" * 2**16 + '19",2026-11-02,505', "R6": ""}, "rows 6 to 65542"),
        ({"R12": 'R-12,NET,"switch,2026-11-02,512'}, "row 12"),
    ],
)
def test_rows_that_a_quote_swallowed_are_not_deleted(
    bills: Bills, rows: dict[str, str], named: str
) -> None:
    before = bills.stored
    for confirm in (False, True):
        result = bills.pull(confirm=confirm, R11="", **rows)
        assert (result.exit_code, bills.deleted) == (3, [])
        assert f"could not be read: {named}" in result.message
        assert bills.stored == before
    assert bills.pull().exit_code == 0


@pytest.mark.parametrize("cut", range(5, 31))  # R-12,NET,switch,2026-11-02,512: up to its R
def test_nothing_is_deleted_while_the_file_ends_within_a_row(bills: Bills, cut: int) -> None:
    before = bills.stored
    for confirm in (False, True):
        result = bills.pull(confirm=confirm, R3="", cut=cut)
        assert (result.exit_code, bills.deleted, bills.stored) == (3, [], before)
        assert "the file seems cut off: row 12 is the last one" in result.message
        assert "export or upload the whole file again" in result.message
    assert bills.pull(R3="").exit_code == 0
    assert bills.deleted == ["R-3"]


def test_a_file_that_ends_within_quotes_or_within_a_letter_seems_cut_off(bills: Bills) -> None:
    accent = "R-2,NET,câblé à 19,2026-11-02,502"  # in UTF-8, by which half a letter is known
    bills.pull(R2=accent)
    before = bills.stored
    for row, cut, found in (
        ('R-12,NET,"switches, blue\nand red",2026-11-02,512', 25, "within quotes after 3 of 5"),
        ("R-12,NET,switch,2026-11-02,512 €", 2, "after 5 of 5"),
    ):
        result = bills.pull(R2=accent, R12=row, R3="", cut=cut)
        assert (result.exit_code, bills.deleted, bills.stored) == (3, [], before)
        assert f"row 12 is the last one and ends {found} cells" in result.message
    (one,) = bills.store.rejected()
    assert one.source_id == "R-12"


@pytest.mark.parametrize("end", ["", "\n"])
def test_a_footer_that_is_declared_in_skip_rows_is_no_cut_row(tmp_path: Path, end: str) -> None:
    skip = {"column": "No", "starts_with": "Total"}
    bills = Bills(tmp_path, skip_rows=skip)
    whole = HEADER + "".join(f"{ORDINARY[n]}\n" for n in ORDINARY if n != 3)
    bills.pull()
    assert bills.pull_bytes(f"{whole}Total: 11 rows{end}".encode()).exit_code == 0
    assert bills.deleted == ["R-3"]
    assert bills.pull_bytes(f"{whole}Tot".encode()).exit_code == 3
    bills.store.close()


@pytest.mark.parametrize("before", ["", "Total NET,,,,9\n"])
def test_a_declared_subtotal_within_which_the_file_ends_is_cut(tmp_path: Path, before: str) -> None:
    bills = Bills(tmp_path, skip_rows={"column": "No", "starts_with": "Total"})
    whole = HEADER + "".join(f"{ORDINARY[n]}\n" for n in ORDINARY if n != 3)
    bills.pull()
    result = bills.pull_bytes(f"{whole}{before}{'Total' if before else 'Total,,'}".encode())
    assert (result.exit_code, bills.deleted) == (3, [])
    assert "seems cut off" in result.message
    bills.store.close()


def test_a_footer_that_is_not_declared_stops_deletions_and_says_what_to_do(bills: Bills) -> None:
    whole = HEADER + "".join(f"{ORDINARY[n]}\n" for n in ORDINARY if n != 3)
    result = bills.pull_bytes(f"{whole}Total: 11 rows".encode())
    assert (result.exit_code, bills.deleted) == (3, [])
    assert "declare the beginning of its first cell in skip_rows: starts_with" in result.message


@pytest.mark.parametrize("key", [["No"], []])
def test_a_last_row_as_short_as_another_may_be_cut_and_nothing_is_deleted(
    tmp_path: Path, key: list[str]
) -> None:
    bills = Bills(tmp_path, key=key)
    lines = {**ORDINARY, 2: "R-2,NET"}
    whole = HEADER + "".join(f"{line}\n" for line in lines.values())
    bills.pull()
    result = bills.pull_bytes(f"{whole[: whole.index('R-11')]}R-11,NET".encode())
    assert (result.exit_code, bills.deleted) == (3, [])
    assert "seems cut off" not in result.message
    bills.store.close()


def test_a_last_row_without_an_end_of_line_that_is_whole_is_read(bills: Bills) -> None:
    assert bills.pull(cut=1, R7="").exit_code == 0
    assert bills.deleted == ["R-7"]


def test_a_text_of_several_lines_with_some_commas_is_read(bills: Bills) -> None:
    text = (
        "12 switches, blue, used, 1,5 m\nwith rails, screws, 2, 3, 4\n1,2,3,4,5,6,7\n"
        "feet, to Bern,CH, by rail"
    )
    assert bills.pull(R5=f'R-5,NET,"{text}",2026-11-02,505', R7="").exit_code == 0
    assert bills.deleted == ["R-7"]
    assert bills.stored["R-5"][0] == text
