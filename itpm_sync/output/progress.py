"""How far a pull is, for whoever watches it on a terminal: a line a connection."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TaskID,
    TextColumn,
)
from rich.text import Text


class PullProgress:
    """Shows the stream that each connection is at: what is done, of how many, how fast, and how
    long it will still take. What is listed grows while the source is still asked: a
    project after the other.
    """

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._rows: dict[str, tuple[TaskID, str]] = {}
        self._lock = threading.Lock()

    def update(self, connection: str, stream: str, done: int, total: int | None) -> None:
        """`done` records of `total` (None: not known) of a stream have been landed."""
        with self._lock:
            row, shown = self._rows.get(connection, (None, ""))
            if row is None or shown != stream:  # a rate of its own
                if row is not None:
                    self._bars.remove_task(row)
                row = self._bars.add_task(
                    "", total=None, connection=escape(connection), stream=escape(stream)
                )
                self._rows[connection] = row, stream
            self._bars.update(row, completed=done, total=total)
            if done == total:  # else the end of a short stream would never be seen
                self._bars.refresh()


@contextmanager
def shown_on(console: Console) -> Iterator[PullProgress]:
    """Bars that are gone when the pull is over; log lines pass above them."""
    columns = (
        SpinnerColumn(finished_text="·"), TextColumn("{task.fields[connection]}"),
        TextColumn("[cyan]{task.fields[stream]}"), BarColumn(bar_width=24), _Done(), _Rate(),
        _Left(),
    )  # fmt: skip
    with Progress(*columns, console=console, transient=True) as bars:
        yield PullProgress(bars)


class _Done(ProgressColumn):
    def render(self, task: Task) -> Text:
        listed = f" of {task.total:,.0f} listed" if task.total is not None else ""
        return Text(f"{task.completed:,.0f}{listed}")


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(f"{speed:,.0f}/s" if speed else "", style="green")


class _Left(ProgressColumn):
    """How long what is listed will still take, hours to seconds."""

    def render(self, task: Task) -> Text:
        if task.finished or task.time_remaining is None:
            return Text()
        return Text(f"{timedelta(seconds=int(task.time_remaining))} left", style="cyan")
