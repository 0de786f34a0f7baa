from __future__ import annotations

import csv
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

from itpm_sync.frames import export, frame
from itpm_sync.model import InvoiceLine, Money, SourceRef, WorkItem

INVOICE = InvoiceLine(
    ref=SourceRef("office", "invoices", "A-1/1"),
    invoice="A-1",
    invoiced_on=date(2026, 11, 20),
    amount=Money(Decimal("0.10"), "CHF"),
)


def item(title: str) -> WorkItem:
    return WorkItem(
        ref=SourceRef("jira", "issue", "7", "https://jira/browse/NET-7"),
        key="NET-7",
        title=title,
        labels=("a", "b"),
        created_at=datetime(2026, 11, 20, 8, 0, tzinfo=UTC),
    )


def test_money_stays_exact_and_names_its_currency() -> None:
    row = frame("invoice_line", [INVOICE]).iloc[0]
    assert (row["amount"], row["amount_currency"]) == (Decimal("0.10"), "CHF")
    assert sum([row["amount"]] * 3) == Decimal("0.30")


def test_the_columns_of_a_kind_do_not_depend_on_the_data() -> None:
    assert list(frame("work_item", []).columns) == list(frame("work_item", [item("x")]).columns)


def test_lists_and_times_are_readable() -> None:
    row = frame("work_item", [item("x")]).iloc[0]
    assert (row["labels"], row["created_at"].isoformat()) == ("a; b", "2026-11-20T08:00:00+00:00")


def test_exported_titles_cannot_become_formulas(tmp_path: Path) -> None:
    tables = {"work_item": frame("work_item", [item('=HYPERLINK("http://evil")')])}
    (path,) = export({**tables, "risk": frame("risk", [])}, tmp_path)
    with path.open(encoding="utf-8-sig", newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["title"] == '\'=HYPERLINK("http://evil")'
