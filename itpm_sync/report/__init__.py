"""Snapshot → reports: self-contained HTML pages and an Excel workbook.

`build_*` are pure and decide what is shown, `render_*` turn that into bytes, `write_reports` puts
the bytes on disk. The same snapshots give the same bytes. Names are loaded where first used: the
template engine, the workbook writer and above all the chart renderer are slow to import.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from itpm_sync.report.build import build_project
    from itpm_sync.report.html import render_portfolio, render_project
    from itpm_sync.report.past import Past
    from itpm_sync.report.portfolio import build_portfolio
    from itpm_sync.report.wording import project_file
    from itpm_sync.report.workbook import render_workbook
    from itpm_sync.report.write import Written, write_reports

_HOMES = {
    "Past": "past",
    "Written": "write",
    "build_portfolio": "portfolio",
    "build_project": "build",
    "project_file": "wording",
    "render_portfolio": "html",
    "render_project": "html",
    "render_workbook": "workbook",
    "write_reports": "write",
}
__all__ = (
    "Past",
    "Written",
    "build_portfolio",
    "build_project",
    "project_file",
    "render_portfolio",
    "render_project",
    "render_workbook",
    "write_reports",
)


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
