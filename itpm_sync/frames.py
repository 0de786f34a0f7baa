"""The unified project model as pandas tables, for analysis and for `itpm-sync export`.

One DataFrame a kind of record: identity, source and every field of the model. Amounts and decimals
stay exact (`decimal.Decimal` in object columns), money has a column for its currency, times are
UTC, lists are joined by `; `. A field that no record has a value for stays, as an empty column, so
that the columns of a kind never depend on the data.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from itpm_sync.model import KINDS, Money, Record

if TYPE_CHECKING:
    import pandas as pd

# A cell that begins with one of these is a formula to a spreadsheet that opens the file.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def frame(kind: str, records: Iterable[Record]) -> pd.DataFrame:
    """The records of a kind as a table, a row each, in the order given."""
    import pandas as pd

    columns = list(_columns(KINDS[kind]))
    return pd.DataFrame([_row(r) for r in records], columns=columns, dtype=object)


def _columns(kind: type[Record]) -> Iterator[str]:
    yield from ("id", "connection", "stream", "source_id", "url")
    for field in dataclasses.fields(kind):
        if field.name == "ref":
            continue
        yield field.name
        if "Money" in str(field.type):
            yield f"{field.name}_currency"


def _row(record: Record) -> dict[str, Any]:
    ref = record.ref
    row: dict[str, Any] = {
        "id": ref.identity, "connection": ref.connection, "stream": ref.stream,
        "source_id": ref.source_id, "url": ref.url,
    }  # fmt: skip
    for field in dataclasses.fields(record):
        value = getattr(record, field.name)
        if isinstance(value, Money):
            row[field.name], row[f"{field.name}_currency"] = value.amount, value.currency
        elif isinstance(value, tuple):
            row[field.name] = "; ".join(map(str, value))
        elif isinstance(value, Mapping):
            row[field.name] = "; ".join(f"{k}={v}" for k, v in sorted(value.items()))
        elif field.name != "ref":
            row[field.name] = value
    return row


def export(tables: Mapping[str, pd.DataFrame], folder: Path) -> tuple[Path, ...]:
    """Writes one CSV file a table that is not empty; text that a spreadsheet would take for a
    formula is marked as text. Returns the files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for kind, table in tables.items():
        if table.empty:
            continue
        path = folder / f"{kind}.csv"
        table.map(_as_text).to_csv(path, index=False, encoding="utf-8-sig", lineterminator="\r\n")
        written.append(path)
    return tuple(written)


def _as_text(cell: Any) -> Any:
    dangerous = isinstance(cell, str) and cell.startswith(_FORMULA_STARTS)
    return f"'{cell}" if dangerous else cell
