"""Values as cells of a table. Pure; what comes from outside is escaped here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from itpm_sync.app import Found, JobStanding
    from itpm_sync.reconcile.inputs import Coverage


def escape(text: str) -> str:
    """The markup that shows this text as it is."""
    from rich.markup import escape  # 20 ms, of which plain lines need none

    return escape(text)


def stamp(moment: datetime | None) -> str:
    """A moment, in UTC."""
    return moment.strftime("%Y-%m-%d %H:%MZ") if moment else "never"


def took(started: datetime, finished: datetime | None) -> str:
    """How long a run took."""
    return f"{(finished - started).total_seconds():.0f} s" if finished else "not finished"


def job_line(job: JobStanding) -> str:
    """A job: whether it is late or has never run, when it last ended well, and until when it is
    due.
    """
    word = "[red]late[/]" if job.late else "[green]on time[/]"
    if job.last_run is None:
        word = f"[{'red' if job.late else 'yellow'}]never run[/]"
        told = f"due {'since' if job.late else 'by'} {stamp(job.due)}"
    elif job.last_success is None:
        told = f"has not ended well yet, last tried at {stamp(job.last_run)}"
    else:
        told = f"last ended well at {stamp(job.last_success)}, due again by {stamp(job.due)}"
    return f"{word} the job {escape(job.job)}: {told}"


def reasons(coverage: Iterable[Coverage]) -> dict[str, list[str]]:
    """Why something is incomplete, each reason once, with all that it holds for."""
    notes: dict[str, list[str]] = {}
    for one in coverage:
        if not one.complete:
            notes.setdefault(one.reason, []).append(one.place)
    return notes


def coverage_row(one: Coverage) -> tuple[str, ...]:
    """A scope: how much of it is stored, of how much in the source, and as of when."""
    source = "?" if one.source_count is None else f"{'' if one.exact else '~'}{one.source_count}"
    word = "[green]complete[/]" if one.complete else "[red]incomplete[/]"
    return (
        escape(one.connection), escape(one.stream), escape(one.scope), str(one.stored), source,
        stamp(one.as_of), word,
    )  # fmt: skip


_SEVERITIES: Mapping[str, str] = MappingProxyType({"high": "red", "medium": "yellow"})


def finding_line(one: Found) -> str:
    """A finding with since when it stands and what became of it; in place of what to do, who waived
    it, where somebody did.
    """
    f, state = one.finding, one.state.value
    word, colour = f.severity.value, _SEVERITIES.get(f.severity.value, "bright_black")
    if f.waiver or state == "resolved":
        word, colour = "waived" if f.waiver else "resolved", "bright_black"
    project = f"{escape(f.project)}  " if f.project else ""
    line = f"[{colour}]{word:8}[/] {project}[bold]{f.code}[/]  {escape(f.message)}"
    if state == "resolved":
        return line
    since = f" ({'' if state == 'still open' else f'{state}, '}since {f.since})" if f.since else ""
    told = f" → {escape(f.action)}"
    if f.waiver:
        told = escape(f" — waived by {f.waiver.author} until {f.waiver.expires}: {f.waiver.reason}")
    return f"{line}{since}{told}"
