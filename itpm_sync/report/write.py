"""Writes the reports of a data date, each file whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from itpm_sync.errors import ConfigError, Problem, StoreError, suggestion
from itpm_sync.reconcile.status import ProjectStatus, Snapshot
from itpm_sync.report.build import build_project
from itpm_sync.report.html import render_portfolio, render_project
from itpm_sync.report.past import Past
from itpm_sync.report.portfolio import build_portfolio
from itpm_sync.report.wording import WORST_FIRST, count, project_file

FORMATS = ("html", "xlsx")


@dataclass(frozen=True, slots=True)
class Written:
    """The documents of a data date, and which of them were new or had another content before."""

    files: tuple[Path, ...]
    changed: frozenset[Path]


def write_reports(
    snapshot: Snapshot,
    previous: Snapshot | None,
    history: Sequence[Snapshot],
    out: Path,
    formats: Sequence[str] = FORMATS,
    *,
    current: bool = True,
    limit_projects: int | None = None,
) -> Written:
    """Writes `<out>/<data date>/` and, of the current status, refreshes `<out>/latest/`; gives the
    paths of the former.

    Pages: `index.html` for the portfolio and one a project, named by `project_file`; the workbook
    is `status.xlsx`. `latest/` has the same files of the newest data date; a report of an earlier
    one (not `current`), or one older than what stands in `out`, leaves it alone. It has copies, as
    pages that lead on stay blank in previews and do not print. A page that is not written any more
    goes from there, as nothing on it says how old it is. With `limit_projects`, only so many
    projects get a page of their own, the worst first; portfolio and workbook have them all.

    Raises ConfigError for an unknown format and StoreError if `out` cannot be written: it says how
    much had been by then. Where nothing changes, nothing is written, so none is needed for that.
    """
    _check(formats)
    folder, latest = out / snapshot.data_date.isoformat(), out / "latest"
    files: list[Path] = []
    changed: set[Path] = set()

    def put(name: str, content: bytes) -> None:
        files.append(folder / name)
        changed.update(_write(folder / name, content))
        if newest:
            changed.update(_write(latest / name, content))

    try:
        newest = current and not _later_reports(out, snapshot)
        if "html" in formats:
            past = Past.of(snapshot, previous, history)
            _put_pages(snapshot, past, limit_projects, "xlsx" in formats, put)
            if newest:
                _drop_pages(latest, keep={path.name for path in files})
        if "xlsx" in formats:
            from itpm_sync.report.workbook import render_workbook  # only where asked

            put("status.xlsx", render_workbook(snapshot))
    except OSError as error:
        so_far = f" ({count(len(changed), 'file')} had been by then)" if changed else ""
        raise StoreError(
            f"the report cannot be written to {out}: {error.strerror}{so_far} — give the account "
            "that runs ITPM Sync the right, name another folder with --out, or change "
            "`reports: folder`"
        ) from error
    return Written(tuple(files), frozenset(changed & {*files}))


def _drop_pages(folder: Path, *, keep: Collection[str]) -> None:
    for page in folder.glob("*.html"):
        if page.name not in keep:
            page.unlink()


def _check(formats: Sequence[str]) -> None:
    problems = [
        Problem((), f"unknown format {name!r}", suggestion(name, FORMATS), "--format")
        for name in formats
        if name not in FORMATS
    ]  # fmt: skip
    if problems:
        raise ConfigError(problems)


def _later_reports(out: Path, snapshot: Snapshot) -> bool:
    today = snapshot.data_date.isoformat()
    return any(f.name > today and f.is_dir() and any(f.iterdir()) for f in out.glob("????-??-??"))


def _put_pages(
    snapshot: Snapshot,
    past: Past,
    limit: int | None,
    workbook: bool,
    put: Callable[[str, bytes], None],
) -> None:
    """Projects first, so that the portfolio never leads to a page that is not there yet."""
    chosen = _chosen(snapshot.projects, limit)
    for project in chosen:
        page = render_project(build_project(project, snapshot, past), workbook=workbook)
        put(project_file(project.code), page)
    codes = frozenset(p.code for p in chosen)
    index = render_portfolio(build_portfolio(snapshot, past, codes), workbook=workbook)
    put("index.html", index)


def _chosen(projects: Sequence[ProjectStatus], limit: int | None) -> Sequence[ProjectStatus]:
    if limit is None or len(projects) <= limit:
        return projects
    return sorted(projects, key=lambda p: WORST_FIRST.index(p.rating.colour))[:limit]


def _write(path: Path, content: bytes) -> tuple[Path, ...]:
    """The file appears complete or stays as it was; unchanged content is not written again. Gives
    the file if it was written.
    """
    if path.is_file() and path.read_bytes() == content:
        return ()
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return (path,)
