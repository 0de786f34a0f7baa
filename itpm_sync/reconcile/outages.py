"""One cause that kept several parts of a source from being read, as one value, and what of which
project rests on them. Pure.

Findings of sources are about a scope each: that is what waivers name and what runs are compared by.
What one cause makes of them is told once: under the name of the connection where it takes the whole
of it, else under that of its first scope. So no waiver moves on to what its author did not see.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from types import MappingProxyType
from typing import Self
from zoneinfo import ZoneInfo

from itpm_sync.errors import told_apart
from itpm_sync.model import Record
from itpm_sync.reconcile.allocate import Allocation, ProjectRecords
from itpm_sync.reconcile.inputs import Coverage, Inputs
from itpm_sync.reconcile.waiving import named_by_waivers
from itpm_sync.reconcile.wording import day

INCOMPLETE, STALE = "incomplete-source", "stale-source"
_SECOND = timedelta(seconds=1)
UNREAD = frozenset((INCOMPLETE, STALE))
"""The codes of findings by which all others are in doubt."""

_RESTS: Mapping[str, str] = MappingProxyType(
    {
        "work_package": "plan (BAC, PV)",
        "work_item": "progress and scope (EV)",
        "time_entry": "labour (AC)",
        "rate": "labour (AC)",
        "invoice_line": "invoices (AC)",
        "receipt": "receipts (AC)",
        "order_line": "orders (committed)",
        "payment": "payments",
        "contract": "contracts",
        "fx_rate": "exchange rates",
        "help_desk_item": "help desk",
        "milestone": "milestones",
        "risk": "risks",
        "change_request": "approved changes",
        "gate": "gates",
        "person": "capacity",
    }
)
"""What of a report rests on a kind of record."""
_OF_ALL = frozenset(("rate", "fx_rate"))  # what every project's figures may rest on


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFinding:
    """What a finding of a scope is about, as waivers name it."""

    code: str
    subject: str
    project: str = ""

    @property
    def key(self) -> str:
        """That of the finding."""
        return f"{self.code}/{self.project}/{self.subject}"

    @classmethod
    def of(cls, key: str) -> Self:
        """The one that has this key."""
        code, project, subject = key.split("/", 2)
        return cls(code=code, project=project, subject=subject)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """Scopes of a connection that were not read, for one reason. `of` is how many the connection
    has, `subject` that of its finding, `stands_for` the keys of the findings that it is told in
    place of. `projects`: by code, the kinds of record that each has of them; `kinds`: all that
    there are of them; `missing`: those that what was never read could be of.
    """

    connection: str
    reason: str
    advice: str
    rows: tuple[Coverage, ...]
    of: int
    subject: str
    stands_for: tuple[str, ...]
    projects: Mapping[str, frozenset[str]]
    kinds: frozenset[str]
    missing: frozenset[str]

    @property
    def read(self) -> datetime | None:
        """As of when the oldest of what was read is; None: nothing of it ever was."""
        return min((c.as_of for c in self.rows if c.as_of), default=None)

    @property
    def told(self) -> str:
        """What was not read: `Source jira was never read`."""
        (first, *more) = self.rows
        if not more and first.stream:
            how = "was never read" if first.as_of is None else "was not read whole"
            return f"Source {first.place} {how}"
        if len(self.rows) == self.of:
            return f"Source {self.connection} was {'never' if self.read is None else 'not'} read"
        return f"Source {self.connection}: {len(self.rows)} of {self.of} scopes were not read"

    @property
    def never(self) -> int:
        """How many of its scopes were never read."""
        return sum(c.as_of is None for c in self.rows)


def subject_of(row: Coverage) -> str:
    """What a finding of a scope is about; where no stream is known, of the whole connection."""
    return f"{row.connection}/{row.stream}/{row.scope}" if row.stream else row.connection


def shortages(inputs: Inputs) -> Iterator[Coverage]:
    """Scopes whose latest pull did not complete, or whose count is not that of the source. A past
    data date lacks nothing that a later pull has read whole. Where only quarantined records are
    missing, the scope is not short.
    """
    lacking = {(r.connection, r.stream, r.source_id) for r in inputs.rejected if not r.soft}
    quarantined = Counter((c, s) for c, s, _ in lacking)
    for c in inputs.coverage:
        gap = (c.source_count or c.stored) - c.stored if c.exact else 0
        later = c.later is not None and (c.as_of is None or c.later.complete)
        if (c.complete and not gap) or later or 0 < gap <= quarantined[c.connection, c.stream]:
            continue
        yield c


def hours_old(row: Coverage, end: datetime) -> Fraction | None:
    """How long before the end of the data date a scope was last read; None: never. What was read
    after a past data date tells of that day too.
    """
    read = (row.later.as_of if row.later else None) or row.as_of
    return None if read is None else Fraction((end - read) // _SECOND, 3600)


def is_stale(row: Coverage, inputs: Inputs, end: datetime) -> bool:
    """Whether it was last read longer ago than the policy allows."""
    hours = hours_old(row, end)
    return hours is None or hours > inputs.policy.stale_after_h


def wholly_stale(inputs: Inputs, end: datetime) -> frozenset[str]:
    """The connections of several scopes that are all stale, wherever that is told."""
    fresh = {c.connection for c in inputs.coverage if not is_stale(c, inputs, end)}
    scopes = Counter(c.connection for c in inputs.coverage)
    return frozenset(name for name, n in scopes.items() if n > 1) - fresh


def is_named(row: Coverage, code: str, inputs: Inputs) -> bool:
    """Whether a waiver names the finding of this scope alone."""
    return named_by_waivers(SourceFinding(code=code, subject=subject_of(row)), inputs.waivers)


def outages(
    inputs: Inputs, end: datetime, allocation: Allocation, records: Mapping[str, Sequence[Record]]
) -> tuple[Outage, ...]:
    """The causes by which scopes were not read, each with all of its scopes; the widest of a
    connection first. A scope that a waiver names, expired or not, is told by itself instead.
    """
    causes: dict[tuple[str, str], list[Coverage]] = defaultdict(list)
    for row in sorted(shortages(inputs), key=lambda c: (c.stream, c.scope)):
        if not row.complete and row.reason:
            causes[row.connection, row.reason].append(row)
    ordered = sorted(causes.items(), key=lambda c: (c[0][0], -len(c[1]), c[0][1]))
    total = Counter(c.connection for c in inputs.coverage)
    found = []
    for (connection, message), alike in ordered:
        rows = [row for row in alike if not is_named(row, INCOMPLETE, inputs)]
        if not rows:
            continue
        reason, advice = told_apart(message)
        whole = len(alike) == total[connection] > 1
        subject = connection if whole else subject_of(rows[0])
        keys = _keys(rows, inputs, end)
        found.append(
            Outage(
                connection=connection,
                reason=reason,
                advice=advice,
                rows=tuple(rows),
                of=total[connection],
                subject=subject,
                stands_for=tuple(k for k in keys if k != f"{INCOMPLETE}//{subject}"),
                projects=_projects(_given(rows, inputs), allocation),
                kinds=_kinds_of(_given(rows, inputs), records),
                missing=_missing(rows, inputs, records),
            )
        )
    return tuple(found)


def _keys(rows: Iterable[Coverage], inputs: Inputs, end: datetime) -> Iterator[str]:
    """The keys of the findings of scopes: that they are incomplete, and stale where they are; and
    that the connection is stale, where all of it is.
    """
    stale: list[Coverage] = []
    for row in rows:
        yield SourceFinding(code=INCOMPLETE, subject=subject_of(row)).key
        if is_stale(row, inputs, end) and not is_named(row, STALE, inputs):
            yield SourceFinding(code=STALE, subject=subject_of(row)).key
            stale.append(row)
    for connection in {row.connection for row in stale} & wholly_stale(inputs, end):
        yield SourceFinding(code=STALE, subject=connection).key


def _streams(rows: Iterable[Coverage]) -> frozenset[tuple[str, str]]:
    return frozenset((c.connection, c.stream) for c in rows)


def _stream_of(record: Record) -> tuple[str, str]:
    """The stream that was pulled; what stood in a record of it has its kind added to the name."""
    return record.ref.connection, record.ref.stream.removesuffix(f".{record.kind}")


def _given(rows: Iterable[Coverage], inputs: Inputs) -> Callable[[Record], bool]:
    """Whether scopes that were read before gave a record, or could have: where it is not known of
    which scope it is, its stream tells.
    """
    old = [c for c in rows if c.as_of]
    streams = _streams(old)
    scopes = {(c.connection, c.stream, c.scope) for c in old}

    def given(record: Record) -> bool:
        at = _stream_of(record)
        if at not in streams:
            return False
        scope = inputs.scopes.get(record.id)
        return scope is None or (*at, scope) in scopes

    return given


def _projects(
    given: Callable[[Record], bool], allocation: Allocation
) -> Mapping[str, frozenset[str]]:
    found = {code: _kinds_of(given, _records(p)) for code, p in allocation.projects.items()}
    return {code: kinds for code, kinds in sorted(found.items()) if kinds}


def _records(found: ProjectRecords) -> Mapping[str, Sequence[Record]]:
    return {kind: [placed.record for placed in group] for kind, group in found.kinds.items()}


def _missing(
    rows: Sequence[Coverage], inputs: Inputs, records: Mapping[str, Sequence[Record]]
) -> frozenset[str]:
    """What scopes that were never read could give: what their streams are mapped to, or gave."""
    names = {f"{connection} {stream}".strip() for connection, stream in _streams(rows)}
    mapped = frozenset(kind for kind, given in inputs.never_read.items() if names & set(given))
    never = _streams(c for c in rows if c.as_of is None)
    return mapped | _kinds_of(lambda r: _stream_of(r) in never, records)


def _kinds_of(
    given: Callable[[Record], bool], records: Mapping[str, Sequence[Record]]
) -> frozenset[str]:
    """The kinds of the records that were so given."""
    return frozenset(kind for kind, found in records.items() if any(map(given, found)))


def told_of(outage: Outage, project: str, zone: str) -> str:
    """What an outage means for a project: `Source jira was not read (HTTP 503). As of 22 Nov 2026,
    07:00: progress and scope (EV)`. Empty where nothing of it rests on what was not read. Of what
    was never read nobody knows whose it is.
    """
    old = rests_on(outage.projects.get(project, frozenset()) | (outage.kinds & _OF_ALL))
    missing = rests_on(outage.missing)
    means = [f"As of {read_at(outage, zone)}: {old}"] if old else []
    means += [f"Missing: {missing}"] if missing else []
    return ". ".join([f"{outage.told} ({outage.reason})", *means]) if means else ""


def read_at(outage: Outage, zone: str) -> str:
    """`22 Nov 2026, 07:00`: as of when what was read before is."""
    if outage.read is None:
        return "never"
    local = outage.read.astimezone(ZoneInfo(zone))
    return f"{day(local.date())}, {local:%H:%M}"


def rests_on(kinds: frozenset[str]) -> str:
    """`progress and scope (EV), labour (AC)`: what of a report rests on kinds of record."""
    return ", ".join(dict.fromkeys(words for kind, words in _RESTS.items() if kind in kinds))
