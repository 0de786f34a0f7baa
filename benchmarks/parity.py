"""Is the floor fair? It must store what the store stores: `python -m benchmarks.parity`.

Both pull the same few hundred issues. Then each of the floor's tables is compared with our store's:
columns, primary key, indexes, kind of table, number of rows, and every value but those that only
the engine knows. The benchmark begins with it, so that a floor which has drifted away from the
schema stops it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing

from benchmarks import programs
from benchmarks.floor import RAW, TABLES
from benchmarks.measuring import WORK, measure, mock

ISSUES = 300
ENGINE = frozenset({"seen_at", "run", "hash", "fingerprint", "kinds", "body", "state_from"})
"""Columns of which the floor keeps the room but not the value."""


class Drifted(Exception):
    """The floor stores something else than the store; the text says what."""


def check() -> None:
    """Raises Drifted if the floor does not store what we do."""
    with mock(ISSUES, 0) as served:
        for program in (programs.ours(served.url), programs.floor(served.url)):
            measure(program, ISSUES)
    problems = compare()
    if problems:
        raise Drifted("benchmarks/floor.py no longer stores what the store does:\n  "
                      + "\n  ".join(problems))  # fmt: skip


def compare() -> list[str]:
    """How the two databases that were pulled last differ."""
    with (
        closing(sqlite3.connect(programs.store_of(programs.OURS))) as ours,
        closing(sqlite3.connect(programs.store_of(programs.FLOOR))) as floor,
    ):
        return [
            f"{table}: {problem}"
            for table in ("raw_record", *TABLES)
            for problem in _differences(ours, floor, table)
        ]


def _differences(
    ours: sqlite3.Connection, floor: sqlite3.Connection, table: str
) -> Iterator[str]:  # fmt: skip
    wanted, found = _shape(ours, table), _shape(floor, table)
    for what, value in wanted.items():
        if found[what] != value:
            yield f"the store's {what} are {value}, the floor's {found[what]}"
    names = [c for c in (RAW if table == "raw_record" else TABLES[table]) if c not in ENGINE]
    if wanted["columns"] != found["columns"]:
        return
    stored, written = (_rows(db, table, names) for db in (ours, floor))
    if len(stored) != len(written):
        yield f"the store has {len(stored)} rows, the floor {len(written)}"
    for name, (one, other) in _first_differences(names, stored, written).items():
        yield f"{name}: the store has {one!r}, the floor {other!r}"


def _shape(db: sqlite3.Connection, table: str) -> dict[str, list[str]]:
    columns = db.execute(f"PRAGMA table_info({table})").fetchall()
    indexes = [row[1] for row in db.execute(f"PRAGMA index_list({table})") if row[3] == "c"]
    keyed = [[r[2] for r in db.execute(f"PRAGMA index_info({name})")] for name in indexes]
    sql = db.execute("SELECT sql FROM sqlite_master WHERE name = ?", (table,)).fetchone()
    rowid = "WITHOUT ROWID" in sql[0].upper() if sql else False
    return {
        "columns": sorted(c[1] for c in columns),
        "primary key": [c[1] for c in columns if c[5]],
        "indexes": sorted(" ".join(names) for names in keyed),
        "row ids": ["none"] if rowid else ["kept"],
    }


def _rows(db: sqlite3.Connection, table: str, names: list[str]) -> list[tuple[object, ...]]:
    """Rows of issues, without what else a connection has (projects, versions)."""
    chosen = ", ".join(f'"{n}"' for n in names)
    query = f"SELECT {chosen} FROM {table} WHERE stream LIKE 'issue%' ORDER BY id"
    return db.execute(query).fetchall()


def _first_differences(
    names: list[str], stored: list[tuple[object, ...]], written: list[tuple[object, ...]]
) -> dict[str, tuple[object, object]]:
    found: dict[str, tuple[object, object]] = {}
    for one, other in zip(stored, written, strict=False):
        for name, a, b in zip(names, one, other, strict=True):
            if a != b:
                found.setdefault(name, (a, b))
    return found


if __name__ == "__main__":
    WORK.mkdir(exist_ok=True)
    check()
    print("The floor stores what the store does.")
