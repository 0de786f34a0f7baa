"""CSV and Excel files as a source: plans, contracts, orders, invoices, time, rates, risks.

One table of the configuration is one stream with one scope, its file or pattern of files. Every
fetch reads all of it, so that a fetch is its own census. A row becomes a raw record that holds the
row as it stands in the file and the values that its columns were read as; a row or cell that
cannot be read is reported with file, row and column, and the rest goes on.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, ClassVar

from connectors.files.reader import open_table
from connectors.files.rows import Outcome, Spot, outcomes
from connectors.files.settings import FilesSettings, Table, model_fields
from connectors.files.table import Layout, shown_name, stored_name
from itpm_sync.connector import (
    CheckItem,
    ConnectorInfo,
    ConnectorSettings,
    Context,
    Count,
    Deletes,
    Page,
    Partition,
    Publisher,
    Stream,
    Window,
)
from itpm_sync.errors import ConnectionFailed, ItpmError, RecordError, suggestion

log = logging.getLogger(__name__)

_NO_FOLDER = "create it, or correct `folder`"
_PAGE = 1000


class FilesConnector:
    """Reads the tables of one folder; see README.md beside this file for every setting."""

    info: ClassVar[ConnectorInfo] = ConnectorInfo(
        name="files",
        title="CSV and Excel files",
        system="CSV (UTF-8, UTF-16, Windows-1252), Excel .xlsx and .xlsm",
        verified_against="2,472 real projects of the US federal IT dashboard; invented dirt",
    )
    Settings: ClassVar[type[ConnectorSettings]] = FilesSettings
    mapping_file: ClassVar[Path] = Path(__file__).with_name("mapping.yaml")

    def __init__(self, name: str, settings: FilesSettings, context: Context) -> None:
        self._name = name
        self._settings = settings
        self._folder = context.base_dir / settings.folder

    # ---- what there is --------------------------------------------------------------------------

    def variables(self) -> Mapping[str, str]:
        """None: columns are named in the configuration."""
        return {}

    def mapping(self) -> Mapping[str, Any]:
        """The mapping of every configured table, as plain data of the mapping format."""
        return {
            "version": 1,
            "streams": {name: [_mapping(t)] for name, t in self._settings.tables.items()},
        }

    def streams(self) -> Sequence[Stream]:
        """One per table."""
        return [
            Stream(
                name=name,
                scopes=(table.file,),
                deletes=Deletes.WHOLE,
                may_be_empty=table.may_be_empty,
            )
            for name, table in self._settings.tables.items()
        ]

    def partitions(self, stream: Stream, window: Window) -> Iterator[Partition]:  # noqa: ARG002
        """One: rows with the same key are found across all files of a table."""
        for scope in stream.scopes:
            yield Partition(key=scope, scope=scope)

    def publisher(self) -> Publisher | None:
        """Files are only read."""
        return None

    def close(self) -> None:
        """Files are closed after each fetch."""

    # ---- reading --------------------------------------------------------------------------------

    def fetch(
        self,
        stream: Stream,
        partition: Partition,  # noqa: ARG002 — a table is one partition
        window: Window,  # noqa: ARG002 — and is always read whole
    ) -> Iterator[Page]:
        """Pages of 1,000 rows. Raises ConnectionFailed after the last page if a file failed."""
        with closing(self._outcomes(stream.name)) as outcomes:
            for batch in _batches(outcomes):
                yield Page(
                    records=[each.record for each in batch if each.record],
                    rejected=[problem for each in batch for problem in each.problems],
                )

    def census(self, stream: Stream, scope: str) -> Iterator[Sequence[str]]:  # noqa: ARG002
        """The id of every row that names itself, quarantined ones too: they are not deleted.
        Raises ConnectionFailed at the end if a row does not: it may be any that is not listed.
        """
        unnamed = 0
        with closing(self._outcomes(stream.name)) as outcomes:
            for batch in _batches(outcomes):
                unnamed += sum(not each.source_id for each in batch)
                yield [each.source_id for each in batch if each.source_id and not each.repeats]
        if unnamed:
            raise ConnectionFailed(
                f"the key of {unnamed:,} rows cannot be read, so what is missing is not known",
                advice="mend these rows; what lacks but a key can be left out by skip_rows",
            )

    def count(self, stream: Stream, scope: str) -> Count | None:  # noqa: ARG002
        """Rows that ought to be records: all but blank, skipped and word-for-word repeated ones."""
        with closing(self._outcomes(stream.name)) as outcomes:
            return Count(sum(not each.repeats for each in outcomes))

    def check(self) -> Iterable[CheckItem]:
        """Per table: files, header, columns; then how many rows can be read. Without the folder
        nothing of that can be told, and its absence is told once.
        """
        if self._is_missing():
            detail = f"the folder {self._folder} does not exist"
            yield CheckItem("folder", ok=False, detail=detail, advice=_NO_FOLDER)
            return
        for name, table in self._settings.tables.items():
            yield from self._check(name, table)

    def _is_missing(self) -> bool:
        try:
            return not self._folder.is_dir()
        except OSError:  # it may not be looked at: each table says so
            return False

    def _check(self, name: str, table: Table) -> Iterator[CheckItem]:
        title = f"{name}: {table.file}"
        try:
            notes: list[str] = []
            advice: list[str] = []
            for path in self._paths(table):
                with open_table(path, self._layout(table)) as file:
                    notes.append(file.place + (f" ({', '.join(file.notes)})" if file.notes else ""))
                    advice += file.advice
            yield CheckItem(title, ok=True, detail="; ".join(notes), advice="; ".join(advice))
            yield self._check_rows(name, table)
        except ConnectionFailed as error:
            yield CheckItem(title, ok=False, detail=error.message, advice=error.advice)
        except ItpmError as error:
            yield CheckItem(title, ok=False, detail=str(error))

    def _check_rows(self, name: str, table: Table) -> CheckItem:
        rows = loaded = repeated = 0
        problems: list[RecordError] = []
        for outcome in self._outcomes(name):
            rows += 1
            loaded += outcome.record is not None
            repeated += outcome.repeats
            problems += outcome.problems
        detail = f"{loaded:,} of {rows:,} rows can be loaded"
        detail += f", {repeated:,} repeat another word for word" if repeated else ""
        if problems:
            more = f" … and {len(problems) - 3:,} more" if len(problems) > 3 else ""
            detail += f"; {len(problems):,} problems: " + "; ".join(map(str, problems[:3])) + more
        ok = all(p.soft for p in problems) and (rows > 0 or table.may_be_empty)
        return CheckItem(f"{name}: rows", ok, detail, "" if table.key else _NO_KEY)

    def _outcomes(self, name: str) -> Generator[Outcome, None, None]:
        """Every row of every file of a table; a file that fails is named after the others."""
        table = self._settings.tables[name]
        defaults = table.defaults.over(self._settings.defaults)
        seen: dict[str, Spot] = {}
        failures: list[ConnectionFailed] = []
        rows = 0
        if not table.key:
            log.warning("%s %s: %s", self._name, name, _NO_KEY)
        for path in self._paths(table):
            try:
                with open_table(path, self._layout(table)) as file:
                    for line in file.advice:
                        log.warning("%s %s: %s", self._name, name, line)
                    for outcome in outcomes(table, defaults, file, stored_name(path), seen):
                        rows += 1
                        yield outcome
            except ConnectionFailed as error:
                failures.append(error)
        if failures:
            raise ConnectionFailed(
                "; ".join(error.message for error in failures),
                advice="; ".join(error.advice for error in failures if error.advice),
            )
        if not rows and not table.may_be_empty:
            raise ConnectionFailed(
                "there is a header and no rows",
                advice="export it again, or set may_be_empty: true if that is right",
            )

    # ---- files ----------------------------------------------------------------------------------

    def _layout(self, table: Table) -> Layout:
        written = table.defaults.over(self._settings.defaults)
        return Layout(
            headers=table.headers(),
            header_row=table.header_row,
            sheet=table.sheet,
            encoding=written.encoding,
            delimiter=written.delimiter,
            footers=tuple((skip.column, skip.starts_with) for skip in table.skip_rows),
            max_excel_bytes=self._settings.max_excel_mb * 2**20,
        )

    @property
    def _where(self) -> str:
        """The folder as messages name it, which reports show to people who need not know where on
        the server it lies.
        """
        written = Path(self._settings.folder)
        named = written.name if written.is_absolute() else str(written)
        return f"the folder {named}" if named not in ("", ".") else "the configuration's folder"

    def _elsewhere(self, folder: Path, table: Table) -> set[Path]:
        """The files that other tables read."""
        others = (t for t in self._settings.tables.values() if t is not table)
        return {path for other in others for path in _matching(folder, other.file)}

    def _paths(self, table: Table) -> list[Path]:
        """The files of a table, sorted by name; all of them regular and inside the folder.

        Raises ConnectionFailed where there is none, or one leads elsewhere.
        """
        try:
            folder = self._folder.resolve()
            if not folder.is_dir():
                raise ConnectionFailed(f"{self._where} does not exist", advice=_NO_FOLDER)
            found = _matching(folder, table.file)
            if not found:
                raise ConnectionFailed(
                    f"no file {table.file} in {self._where}",
                    advice=_file_advice(folder, table.file, self._elsewhere(folder, table)),
                )
            for path in found:
                self._insist_inside(path, folder)
        except (OSError, RuntimeError) as error:  # RuntimeError: links in a circle
            reason = getattr(error, "strerror", "") or "its links form a circle"
            raise ConnectionFailed(
                f"{self._where} cannot be read ({reason})",
                advice="give the account of the job the right to read it",
            ) from error
        return found

    def _insist_inside(self, path: Path, folder: Path) -> None:
        if not path.is_file():
            raise ConnectionFailed(
                f"{shown_name(path)} is not a regular file", advice="put the file itself there"
            )
        if not path.resolve().is_relative_to(folder):
            raise ConnectionFailed(
                f"{shown_name(path)} leads out of {self._where}",
                advice="put the file itself into the folder, not a link to it",
            )


_NO_KEY = (
    "no key: is set, so a row is known by its number only: a row inserted above makes every "
    "later row another record; name the columns that identify a row"
)


def _batches(outcomes: Iterable[Outcome]) -> Iterator[list[Outcome]]:
    """Batches of a page's size; what was read before a failure comes before the failure."""
    batch: list[Outcome] = []
    failure: ItpmError | None = None
    try:
        for outcome in outcomes:
            batch.append(outcome)
            if len(batch) == _PAGE:
                yield batch
                batch = []
    except ItpmError as error:
        failure = error
    if batch:
        yield batch
    if failure:
        raise failure


def _matching(folder: Path, pattern: str) -> list[Path]:
    """The file of that very name, else those that match, sorted."""
    if (folder / pattern).exists():
        return [folder / pattern]
    return sorted(path for path in folder.glob(pattern) if _is_data(path))


def _is_data(path: Path) -> bool:
    """Not what an office program leaves beside an open document."""
    return not path.name.startswith((".", "~$")) and not path.is_dir()


def _file_advice(folder: Path, pattern: str, elsewhere: Collection[Path]) -> str:
    """What to do about a file that is not there. One that another table reads was not meant."""
    present = [path for path in folder.iterdir() if _is_data(path)]
    unused = sorted(shown_name(path) for path in present if path not in elsewhere)
    near = suggestion(pattern, unused)
    listed = f"of what the folder holds, no table reads {', '.join(unused[:20])}"
    if not unused:
        listed = "other tables read all that the folder holds" if present else "the folder is empty"
    loose = [name for name in unused if fnmatch(name.lower(), pattern.lower())]
    meant = f'did you mean "{loose[0]}"?' if loose else near if near[:3] == "did" else listed
    return f"put it there, or correct `file`; {meant}"


# ---- the mapping of a table -----------------------------------------------------------------


def _mapping(table: Table) -> Mapping[str, Any]:
    """One table's rule of the mapping format: every value is taken as the connector read it."""
    known = model_fields(table.kind)
    return {
        "to": table.kind,
        "fields": {n: _mapped(n, rule.reading(known[n])) for n, rule in table.columns.items()},
        "attributes": {name: f"attributes.{name}" for name in table.attributes},
    }


def _mapped(name: str, reading: str) -> Any:
    path = f"values.{name}"
    kept = {
        "money": "money", "int": "int", "decimal": "decimal", "percent": "decimal",
        "bool": "bool", "date": "date", "datetime": "datetime", "list": "list",
        **dict.fromkeys(("seconds", "minutes", "hours", "days"), "int"),
    }  # fmt: skip
    return {"path": path, "as": kept[reading]} if reading in kept else path
