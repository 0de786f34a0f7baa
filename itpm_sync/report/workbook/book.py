"""Which sheets the workbook has, in which order, and what the document says of itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, time
from io import BytesIO

from xlsxwriter import Workbook

from itpm_sync.reconcile.status import Snapshot
from itpm_sync.report.wording import clean
from itpm_sync.report.workbook.cells import Sheet
from itpm_sync.report.workbook.earned_value import packages_sheet, portfolio_sheet
from itpm_sync.report.workbook.forecast import baselines_sheet, pace_sheet
from itpm_sync.report.workbook.money import contracts_sheet, money_sheet, totals_sheet
from itpm_sync.report.workbook.records import (
    coverage_sheet,
    findings_sheet,
    gates_sheet,
    unallocated_sheet,
)
from itpm_sync.report.workbook.tracking import (
    defect_weeks_sheet,
    desk_sheet,
    desk_weeks_sheet,
    effort_sheet,
    quality_sheet,
    scope_sheet,
)
from itpm_sync.report.workbook.writing import Formats, write_sheet


def render_workbook(snapshot: Snapshot) -> bytes:
    """The workbook's bytes."""
    content = BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False,
               "strings_to_numbers": False}  # fmt: skip
    book = Workbook(content, options)
    book.set_properties(
        {
            "title": clean(snapshot.title, 120),
            "subject": f"Status on {snapshot.data_date.isoformat()}",
            "created": datetime.combine(snapshot.data_date, time()),
        }
    )
    book.set_calc_mode("auto")
    formats = Formats(book)
    for sheet in _sheets(snapshot):
        write_sheet(book, formats, sheet)
    book.close()
    return content.getvalue()


def _sheets(snapshot: Snapshot) -> Iterator[Sheet]:
    """The sheets in their order, each made when the one before is written."""
    projects = snapshot.projects
    yield (portfolio := portfolio_sheet(snapshot))
    yield packages_sheet(projects)
    yield pace_sheet(snapshot)
    yield baselines_sheet(projects)
    yield (money := money_sheet(projects))
    yield totals_sheet(snapshot, portfolio, money)
    yield findings_sheet(snapshot)
    yield gates_sheet(projects)
    yield contracts_sheet(snapshot)
    yield desk_sheet(projects)
    yield desk_weeks_sheet(projects)
    yield quality_sheet(projects)
    yield defect_weeks_sheet(projects)
    yield effort_sheet(projects)
    yield scope_sheet(projects)
    yield unallocated_sheet(snapshot)
    yield coverage_sheet(snapshot.coverage)
