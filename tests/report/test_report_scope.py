"""Splits and merges of the scope on the project's page and in the workbook."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO

import openpyxl

from itpm_sync.report import Past, build_project, render_project, render_workbook
from tests.report import sample

ORIGINAL = sample.network()
FIRST = ORIGINAL.scope_changes[0]
SPLIT = replace(
    FIRST, change="added", key="NET-171", approved_by="", by="split", origins=("NET-3", "NET-<4>"),
    results=("NET-171",), size_kept=True,
)  # fmt: skip
MERGED = replace(
    FIRST, change="removed", key="NET-9", approved_by="", by="merged", origins=("NET-9",),
    results=("NET-5",), size_kept=None,
)  # fmt: skip
FIGURES = {
    **ORIGINAL.figures,
    **{f.name: f for f in (
        sample.figure("added", 14, "items"), sample.figure("removed", 3, "items"),
        sample.figure("added_by_split", 2, "items"),
    )},
}  # fmt: skip
PROJECT = replace(ORIGINAL, figures=FIGURES, scope_changes=(SPLIT, MERGED))
SNAPSHOT = replace(sample.snapshot(), projects=(PROJECT,))


def test_the_page_tells_how_many_were_split_and_from_what():
    page = build_project(PROJECT, SNAPSHOT, Past())
    growth = next(k for k in page.key_figures if k.label == "Scope growth")
    assert growth.beside.startswith("14 added (2 by splitting or merging), 3 removed")
    told = {row.item.label: (row.how, row.approved_by) for row in page.scope}
    assert told == {
        "NET-171": ("split from NET-3, NET-<4>, size kept", "needs none"),
        "NET-9": ("merged into NET-5", ""),
    }
    html = render_project(page).decode()
    assert "split from NET-3, NET-&lt;4&gt;, size kept" in html
    assert html.count("not approved") == 1


def test_the_workbook_has_from_and_to():
    book = openpyxl.load_workbook(BytesIO(render_workbook(SNAPSHOT)), data_only=True)
    head, *lines = book["Scope"].iter_rows(values_only=True)
    wanted = ("Change", "Item", "Approved by", "By", "From", "To", "Size")
    rows = [tuple(dict(zip(head, line, strict=True))[w] for w in wanted) for line in lines]
    assert rows == [
        ("added", "NET-171", "needs none", "split", "NET-3, NET-<4>", "NET-171", "kept"),
        ("removed", "NET-9", "not approved", "merged", "NET-9", "NET-5", "not known"),
    ]
