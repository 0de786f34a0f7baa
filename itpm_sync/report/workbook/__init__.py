"""Snapshot → an Excel workbook with live numbers.

Inputs are numbers, what follows from them are formulas over those cells, with their values stored
too, so that a viewer that does not calculate shows them. n/a stands as text, with the reason in the
last column. The same snapshot gives the same bytes: the document's date is the data date.

`cells` is what a sheet is made of; `earned_value`, `forecast`, `money`, `records` and `tracking`
decide what stands on each (pure), `book` their order; `writing` puts them into the file.
"""

from itpm_sync.report.workbook.book import render_workbook

__all__ = ["render_workbook"]
