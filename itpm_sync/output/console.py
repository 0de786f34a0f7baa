"""Tables and progress on a terminal, plain lines in a pipe, JSON where asked.

What is shown is imported by the method that shows it: a pull waits for no reconciliation, and who
pulls from cron for no terminal.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any

import orjson

from itpm_sync.errors import visible
from itpm_sync.output.rows import (
    coverage_row,
    escape,
    finding_line,
    job_line,
    reasons,
    stamp,
    took,
)

if TYPE_CHECKING:
    from rich.console import Console

    from itpm_sync.app import (
        ConnectionCheck,
        Explained,
        Found,
        JobResult,
        Listed,
        Loads,
        ProjectGates,
        Ratings,
        Remapped,
        Status,
    )
    from itpm_sync.connector import ConnectorInfo
    from itpm_sync.output.progress import PullProgress
    from itpm_sync.publish import PublishResult
    from itpm_sync.pull import PullResult
    from itpm_sync.reconcile.inputs import RecordedBaseline
    from itpm_sync.reconcile.status import Snapshot
    from itpm_sync.report import Written

_COLOURS = {"green": "green", "amber": "yellow", "red": "red", "grey": "bright_black"}
_STATES = {
    "ok": "green",
    "quarantine": "yellow",
    "partial": "yellow",
    "failed": "red",
    "safety_stop": "red",
}


class Output:
    """Prints results. `quiet` leaves only problems; `tell` also shows jobs that went well."""

    def __init__(self, *, quiet: bool = False, tell: bool = False) -> None:
        self._quiet = quiet
        self._tell = tell
        self._terminal = sys.stdout.isatty()

    @cached_property
    def _out(self) -> Console:
        from rich.console import Console

        return Console(highlight=False, emoji=False, soft_wrap=not self._terminal)

    def _print(self, text: Any, **options: Any) -> None:
        self._out.print(visible(text) if isinstance(text, str) else text, **options)

    def _plain(self, text: str) -> None:
        sys.stdout.write(f"{visible(text)}\n")
        sys.stdout.flush()  # here and not at the end, where nobody hears of a pipe that is closed

    def line(self, text: str = "") -> None:
        """One line, as it is."""
        if not self._quiet:
            self._plain(text)

    def lines(self, lines: Iterable[str]) -> None:
        """Several lines, as they are."""
        for text in lines:
            self.line(text)

    def _json(self, value: Any) -> None:
        data = orjson.dumps(value, default=_plain, option=orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z)
        sys.stdout.write(data.decode() + "\n")

    def _table(
        self, headers: Sequence[str], rows: Iterable[Sequence[str]], *, whole: Collection[str] = ()
    ) -> None:
        """A table on a terminal, in a pipe tab-separated lines, the first with the columns' names.
        Columns in `whole` never wrap.
        """
        if not self._terminal:
            cells = [[_strip(cell) for cell in row] for row in rows]
            if cells and not self._quiet:  # not by the console: it expands tabs
                sys.stdout.writelines("\t".join(row) + "\n" for row in (headers, *cells))
            return
        from rich.table import Table

        table = Table(box=None, pad_edge=False, header_style="bold")
        for header in headers:
            table.add_column(header, no_wrap=header in whole, overflow="fold")
        for row in rows:
            table.add_row(*map(visible, row))
        self._print(table)

    # ---- the flow -------------------------------------------------------------------------------

    @contextmanager
    def progress(self) -> Iterator[PullProgress | None]:
        """Bars where standard error is a terminal; elsewhere the log has a line a stream."""
        if self._quiet or not sys.stderr.isatty():
            yield None
            return
        from rich.console import Console

        from itpm_sync.output.progress import shown_on

        with shown_on(Console(stderr=True)) as progress:
            yield progress

    def pull(self, result: PullResult) -> None:
        """A line a connection, with what to do where one failed."""
        for one in result.connections:
            if self._quiet and one.state == "ok":
                continue
            word, text = f"{one.state:8}", f" {one.name}  {one.message}"
            if self._terminal:
                self._print(f"[{_STATES.get(one.state, 'red')}]{word}[/]{escape(text)}")
            else:
                self._plain(word + text)

    def snapshot(self, snapshot: Snapshot, *, as_json: bool = False) -> None:
        """A line a project: rating and reason."""
        from itpm_sync.reconcile.status import Severity, to_json
        from itpm_sync.reconcile.wording import count

        if as_json:
            sys.stdout.write(to_json(snapshot).decode() + "\n")
            return
        for project in snapshot.projects[:50]:
            colour = _COLOURS[project.rating.colour.value]
            word = f"[{colour}]{project.rating.colour.value:6}[/]"
            self._print(
                f"{word} {escape(project.code)}  {escape(project.name)} — "
                f"{escape(project.rating.reason)}"
            )
        more = len(snapshot.projects) - 50
        if more > 0:
            self.line(f"… and {more} more projects; see the report")
        found = [f for f in snapshot.all_findings if f.waiver is None]
        high = sum(f.severity is Severity.HIGH for f in found)
        waived = len(snapshot.all_findings) - len(found)
        self.line(
            f"{count(len(found), 'finding')}, {high} of them high"
            + (f", and {waived} waived" if waived else "")
            + f", as of {snapshot.data_date}"
        )

    def reports(self, found: Written | None) -> None:
        """Where the reports are, and how many of their files had to be written."""
        if found is None or not found.files:
            return
        index = next((p for p in found.files if p.name == "index.html"), found.files[0])
        total, written = len(found.files), len(found.changed)
        told = f"{total} files written" if total > 1 else "1 file written"
        if not written:
            told = f"{total} files are up to date" if total > 1 else "1 file is up to date"
        elif written < total:
            told = f"{written} of {total} files written, the others are up to date"
        self.line(f"{told}; start with {index}")

    def published(self, result: PublishResult, *, as_json: bool = False) -> None:
        """The plan or its outcome, a line a target, a plan with its texts; unchanged targets are
        named in a plan, and counted after publishing.
        """
        from itpm_sync.output import publication
        from itpm_sync.publish import Action

        if as_json:
            self._json(publication.data(result))
            return
        for step in result.steps:
            if step.action is Action.SKIP and not result.dry_run:
                continue
            colour = "red" if step in result.troubled else "green"
            reason = f" — {escape(step.reason)}" if step.reason else ""
            would = "would " if result.dry_run and step in result.written else ""
            word = "up to date" if step.action is Action.SKIP else f"{would}{step.action.value}"
            self._print(f"[{colour}]{word}[/] {escape(step.target.id)}{reason}")
            for text in publication.difference(step) if result.dry_run else ():
                self._print(text, soft_wrap=True)
        same = sum(s.action is Action.SKIP for s in result.steps)
        if not result.steps:
            self.line("nothing to publish: no project has `publish` targets")
        elif same == len(result.steps):
            self.line(f"nothing published: all {same} targets are up to date")
        elif same and not result.dry_run:
            self.line(f"{same} more {'target is' if same == 1 else 'targets are'} up to date")

    def job(self, result: JobResult) -> None:
        """All of a job. In a pipe only what needs somebody."""
        if result.exit_code == 0 and not (self._terminal or self._tell):
            return
        if result.pulled:
            self.pull(result.pulled)
        if result.snapshot:
            self.snapshot(result.snapshot)
        self.reports(result.reports)
        if result.published:
            self.published(result.published)

    def remap(self, results: Sequence[Remapped], *, dry_run: bool) -> None:
        """How many records a changed mapping changes."""
        verb = "would change" if dry_run else "changed"
        for one in results:
            rejected = f", {one.rejected} rejected" if one.rejected else ""
            self.line(f"{one.connection}: {one.changed} of {one.records} records {verb}{rejected}")
        if not results:
            self.line("nothing stored yet: pull first")

    # ---- looking --------------------------------------------------------------------------------

    def check(self, results: Sequence[ConnectionCheck], *, as_json: bool) -> None:
        """Each item of each connection: ok, failed, or ok with something to know; with advice."""
        if as_json:
            self._json([asdict(r) for r in results])
            return
        self.line("configuration and mappings: ok")
        for one in results:
            self._print(f"[bold]{escape(one.name)}[/] ({escape(one.connector)})")
            for item in one.items:
                word = "[yellow]note[/]" if item.advice else "[green]ok  [/]"
                word = word if item.ok else "[red]FAIL[/]"
                advice = f" — {item.advice}" if item.advice else ""
                self._print(f"  {word} {escape(item.name)}  {escape(item.detail + advice)}")

    def connectors(self, found: Sequence[ConnectorInfo], *, as_json: bool) -> None:
        """Installed connectors."""
        if as_json:
            self._json([asdict(i) for i in found])
            return
        rows = [
            (escape(i.name), escape(i.system), ", ".join(i.publishes), escape(i.verified_against))
            for i in found
        ]
        self._table(("Connector", "System", "Publishes", "Verified against"), rows)

    def status(self, status: Status, *, as_json: bool) -> None:
        """Runs, completeness, rejected records, outbox."""
        if as_json:
            self._json(asdict(status))
            return
        self._table(
            ("Run", "Job", "State", "Started", "Took"),
            [
                (
                    escape(r.id), escape(r.job), r.state, stamp(r.started),
                    took(r.started, r.finished),
                )
                for r in status.runs
            ],
            whole=("Run", "Started"),
        )  # fmt: skip
        latest = status.runs[0] if status.runs else None
        if latest and latest.message:
            self.line(f"the latest said: {latest.message}")
        for job in status.jobs:
            self._print(job_line(job))
        self.line()
        self._table(
            ("Connection", "Stream", "Scope", "Stored", "Source", "As of", "Read"),
            [coverage_row(c) for c in status.coverage],
            whole=("Stored", "Source", "As of", "Read"),
        )
        for note, where in reasons(status.coverage).items():
            self._print(f"[red]incomplete[/] {escape(', '.join(where))}: {escape(note)}")
        if status.rejected:
            many = len(status.rejected) > 1
            what = "rejected records or values" if many else "rejected record or value"
            self.line(f"\n{len(status.rejected):,} {what}:")
            for one in status.rejected[:20]:
                self.line(f"  {one.message}")
            if len(status.rejected) > 20:
                self.line("  … all of them: itpm-sync status --json")
        for entry in status.outbox:
            if entry.state.value != "done":
                text = f"{entry.state.value}: {entry.target.id} {entry.message}"
                self._print(f"[red]outbox[/] {escape(text)}")

    def findings(self, found: Sequence[Found], *, as_json: bool) -> None:
        """Findings, the most severe first, with what became of each; waived and resolved last."""
        if as_json:
            self._json(
                [{**asdict(f.finding), "key": f.finding.key, "state": f.state.value} for f in found]
            )
            return
        for one in found:
            self._print(finding_line(one))
        if not found:
            self.line("no findings")

    def figures(self, told: Listed, *, as_json: bool) -> None:
        """Every figure that can be explained: its name, what it is, its value."""
        from itpm_sync.publish import figure_text

        found = told.figures
        if as_json:
            self._json({name: asdict(figure) for name, figure in found.items()})
            return
        of = _subject(told.project, told.package)
        self._print(f"[bold]Figures[/] of {escape(of)} on {told.data_date}")
        rows = [(escape(n), escape(f.label), escape(figure_text(f))) for n, f in found.items()]
        self._table(("Figure", "What it is", "Value"), rows, whole=("Figure",))

    def explanation(self, told: Explained, *, everything: bool, as_json: bool) -> None:
        """A figure with its formula, its inputs and its parts; `everything`: all of the parts."""
        from itpm_sync.output import explanation
        from itpm_sync.publish import figure_text

        found, figure = told.found, told.found.figure
        if as_json:
            self._json({**asdict(found), "total": found.total, "run": told.run,
                        "changed": told.changed, "kept": told.kept})  # fmt: skip
            return
        of = _subject(found.project, found.package)
        self._print(
            f"[bold]{escape(figure.label)}[/] of {escape(of)} on {found.data_date}: "
            f"[bold]{escape(figure_text(figure))}[/]"
        )
        if told.changed:
            self._print(f"[red]changed[/] {escape(told.changed)}")
        if not told.kept:
            self.line(
                "the snapshot does not keep this figure: whether records changed since is not known"
            )
        if found.formula:
            self.line(f"= {found.formula}\n= {found.filled}")
        if figure.note:
            self.line(f"note: {figure.note}")
        if found.inputs:
            self._table(
                explanation.TERM, explanation.terms(found, told.as_of), whole=("Term", "Value")
            )
        if found.parts:
            self.line(f"the sum of {explanation.parts_told(found)}:")
            rows = explanation.parts(found, told.as_of, everything=everything)
            self._table(explanation.PART, rows, whole=("Value",))
        if found.samples:
            self._table(explanation.SAMPLE, explanation.samples(found), whole=("Value",))
        self.line(f"from run {told.run}")

    def capacity(
        self, told: Loads, *, person: str, skill: str, week: date | None, as_json: bool
    ) -> None:
        """Load and capacity by person and week, or in one week; of one person, the items behind
        a week.
        """
        from itpm_sync.output import loads

        tolerance = Fraction(told.tolerance)
        shown = loads.chosen(told.found, person, skill)
        if as_json:
            self._json(loads.data(loads.within(shown, week), tolerance))
        elif not person:
            if not shown:
                self.line("nobody is known under `people`, and no open work is assigned")
            listed = loads.within(shown, week)
            self._table(loads.headers(listed), loads.rows(listed, tolerance))
        for load in shown if person and not as_json else ():
            one = loads.week_of(load, week, tolerance)
            self.lines(loads.lines(told.found, load, one, told.hours_per_day))
            self._table(loads.PARTS, loads.parts(one), whole=("Hours",))

    def ratings(self, told: Ratings, *, as_json: bool) -> None:
        """How a project is rated: a line a dimension, the overall rating first."""
        if as_json:
            self._json(asdict(told))
            return
        self._print(f"[bold]Ratings[/] of {escape(told.project)} on {told.data_date}")
        for one in told.ratings:
            colour = _COLOURS[one.colour.value]
            line = f"[{colour}]{one.colour.value:6}[/] {one.dimension:8} {escape(one.reason)}"
            self._print(line)
        self.line(f"declared by the project's manager: {told.declared or 'nothing'}")

    def gates(self, found: Sequence[ProjectGates], *, whole: bool, as_json: bool) -> None:
        """A line a project: its next gate and what is missing; `whole`: each gate's criteria."""
        from itpm_sync.output import gates

        if as_json:
            self._json([asdict(one) for one in found])
            return
        for one in found:
            for text in gates.whole(one) if whole else (gates.line(one),):
                self._print(text)

    def baselines(self, found: Sequence[RecordedBaseline], *, as_json: bool) -> None:
        """Recorded baselines."""
        if as_json:
            self._json([asdict(b) for b in found])
            return
        self._table(
            (
                "Project", "Version", "On", "Author", "Approval", "Change", "Packages", "Items",
                "From",
            ),
            [
                (
                    escape(b.project), str(b.version), b.on.isoformat(), escape(b.author),
                    escape(b.approval), escape(b.change_request), str(len(b.work)),
                    str(len(b.items)), escape(b.source or "plan"),
                )
                for b in found
            ],
        )  # fmt: skip
        if not found:
            self.line("no baseline is recorded: itpm-sync baseline record PROJECT --author NAME")


def _subject(project: str, package: str) -> str:
    return f"{project} package {package}" if package else project


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, Fraction):
        from itpm_sync.reconcile.number import decimal

        return f"{decimal(value):f}"
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def _strip(cell: str) -> str:
    """Without markup, and without what ends a cell or a line in a pipe."""
    from rich.text import Text

    return Text.from_markup(visible(re.sub(r"[\t\r\n]+", " ", cell)), emoji=False).plain
