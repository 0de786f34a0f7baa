"""What the benchmark prints can be trusted: ratios, failures, sections. Nothing is timed here."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

bench = pytest.importorskip("benchmarks.bench", reason="the benchmarks are not part of the sdist")
measuring = pytest.importorskip("benchmarks.measuring")

Usage = measuring.Usage


def test_ratios_are_medians_of_the_rounds_ratios_with_their_span() -> None:
    found = {
        "itpm-sync": [Usage(3.0, 2.0, 90.0), Usage(4.0, 2.0, 100.0), Usage(9.0, 2.0, 95.0)],
        "floor": [Usage(2.0, 1.0, 50.0), Usage(2.0, 1.0, 50.0), Usage(3.0, 1.0, 50.0)],
    }
    rows = bench.table(found, 1_000)
    assert rows[2:] == [
        "| itpm-sync | 4.00 | 250 | 2.00 | 95 | 2.00 (1.50–3.00) | 2.00 (2.00–2.00) |",
        "| floor | 2.00 | 500 | 1.00 | 50 | 1 | 1 |",
    ]


def test_a_program_without_figures_shows_its_reason() -> None:
    found = {"itpm-sync": [Usage(1.0, 1.0, 1.0)], "peer": "does not install: a | b"}
    cells = [cell.strip() for cell in bench.table(found, 10)[-1].strip("|").split("|")]
    assert cells == ["peer", "skipped: does not install: a / b", *[""] * 6]


@pytest.mark.parametrize(
    ("code", "stored", "reason"),
    [
        ("print(1)", 9, "stored 9 of 10 issues"),
        ("raise SystemExit('no such server')", 10, "no such server"),
    ],
)
def test_a_run_that_did_not_store_everything_has_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, stored: int, reason: str
) -> None:
    monkeypatch.setattr(measuring, "WORK", tmp_path)
    command = [sys.executable, "-c", code]
    program = measuring.Program("one", command, tmp_path, stored=lambda: stored)
    assert measuring.rounds([program], 2, 10) == {"one": reason}


def test_every_part_has_its_section_in_the_readme() -> None:
    text = bench.README.read_text(encoding="utf-8")
    for part in (*bench.PARTS, "where"):
        assert text.count(f"<!-- {part} -->") == 1
        assert text.count(f"<!-- /{part} -->") == 1
