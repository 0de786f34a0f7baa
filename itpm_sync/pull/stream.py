"""Pulling one stream of a connection: read every scope, look for absence, prove what is stored."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from itpm_sync.connector import (
    Count,
    Deletes,
    ListsUnchanged,
    Stream,
    TellsTime,
    TellsWhereabouts,
    Window,
)
from itpm_sync.errors import StoreError, scope_name
from itpm_sync.pull import plan, proving, schedule, sweeping
from itpm_sync.pull.reading import ScopeReader, ScopeReading, Wires, describe, ends_connection
from itpm_sync.pull.result import StreamResult
from itpm_sync.store import Checkpoint, Completeness

log = logging.getLogger(__name__)


class _Failures:
    """The failures of a connection in the order in which its scopes, read side by side, meet them.

    `last` is the latest one, None after a success; `final` the one after which asking on is
    pointless.
    """

    def __init__(self, last: Exception | None) -> None:
        self.last = last
        self.final: Exception | None = None
        self._lock = threading.Lock()

    def add(self, error: Exception | None) -> None:
        """Notes how the next scope ended."""
        with self._lock:
            if ends_connection(error, self.last):
                self.final = error
            self.last = error


class StreamPull:
    """One stream of a connection: read every scope, sweep if due, prove what is stored."""

    def __init__(
        self, wires: Wires, stream: Stream, policy: plan.Policy, proofs: Sequence[Completeness]
    ) -> None:
        self._wires, self._stream, self._policy = wires, stream, policy
        self._earlier = {p.scope: p for p in proofs if p.stream == stream.name}
        self._checkpoints = dict(wires.store.checkpoints(wires.name, stream.name))
        self._problems: dict[str, str] = {}
        self._sweep = sweeping.Sweep()
        self._due = plan.sweep_is_due(stream, self._checkpoints, policy)
        self._lists_first = self._due and plan.lists_before_reading(stream, policy)
        self._parted = self._lists_first and isinstance(wires.connector, ListsUnchanged)
        self._reader = ScopeReader(wires, stream, sights=self._parted)
        self._set_back = self._find_set_back()
        self._failures = _Failures(None)

    @property
    def is_due(self) -> bool:
        """Whether the stream is to be read in this run."""
        known = self._earlier.values()
        return schedule.is_due(self._stream, self._checkpoints, known, self._policy)

    def run(self, last: Exception | None) -> tuple[StreamResult, Exception | None]:
        """`last` is the latest failure of the connection; gives the one after this stream."""
        wires, stream = self._wires, self._stream
        before = dict(self._checkpoints)
        windows = {scope: self._window(scope) for scope in plan.scopes_of(stream)}
        if any(window.since is None for window in windows.values()):  # their ids will be sighted
            wires.write(partial(wires.store.census_begin, wires.name, stream.name)).result()
        listed = self._lists_first and self._list(windows)
        readings, last = self._read(windows, last)
        self._read_what_was_refused(readings)
        stored = self._stored()
        counts = self._ask_counts(readings, stored)
        if self._look_for_absence(readings, before, counts, stored, listed=listed):
            stored = self._stored()
        return self._prove(readings, counts, stored), last

    # ---- read -----------------------------------------------------------------------------------

    def _window(self, scope: str) -> Window:
        known = self._checkpoints.get(scope)
        return plan.window(
            self._stream, known, self._policy, sweeps=self._due, source_time=self._source_time()
        )

    def _find_set_back(self) -> str:
        """That the source's clock went back beyond a checkpoint, in words, or nothing."""
        if not self._stream.incremental or self._policy.full:
            return ""
        told = self._source_time()
        now, overlap = self._policy.now, self._stream.overlap
        by = max(
            plan.set_back(self._checkpoints.get(scope), told, now, overlap)
            for scope in plan.scopes_of(self._stream)
        )
        if not by:
            return ""
        about = timedelta(seconds=round(by.total_seconds()))
        said = (
            f"{self._stream.name}: the source's clock is {about} behind what it showed when it was "
            "last read: it was set back, or the source was restored from a backup; everything is "
            "read again"
        )
        log.warning("%s: %s", self._wires.name, said)
        return said

    def _read(
        self, windows: Mapping[str, Window], last: Exception | None
    ) -> tuple[dict[str, ScopeReading], Exception | None]:
        """Reads the scopes, side by side or together; gives the latest failure beside, if any."""
        self._failures = _Failures(last)
        joint = self._stream.joint and not self._parted  # a census knows the scope of each id
        units = schedule.together(replace(self._stream, joint=joint), windows)
        futures = [
            self._wires.listers.submit(self._read_unit, scopes, windows[scopes[0]])
            for scopes in units
        ]
        try:
            readings = {r.scope: r for future in futures for r in future.result()}
        except StoreError:
            self._wires.stop.set()  # the scopes beside end between two pages
            raise
        whole = all(r.error is None for r in readings.values()) and self._reads_all
        if whole:
            wires, stream = self._wires, self._stream.name
            wires.write(lambda: wires.store.clear_rejected(wires.name, stream, wires.run)).result()
        return {scope: readings[scope] for scope in windows}, self._failures.last

    def _read_unit(self, scopes: Sequence[str], window: Window) -> list[ScopeReading]:
        """Scopes that are asked for together; each alone if that fails, so that one which cannot be
        read does not keep the others from it."""
        if len(scopes) > 1:
            reading = self._reader.read_together(scopes, window)
            if reading.error is None:
                self._advance(scopes, reading)
                return [replace(reading, scope=scope) for scope in scopes]
            log.info("%s %s: reading each scope alone: %s",
                     self._wires.name, self._stream.name, reading.message)  # fmt: skip
        return [self._read_alone(scope, window) for scope in scopes]

    def _read_alone(self, scope: str, window: Window) -> ScopeReading:
        if error := self._failures.final:
            return self._noted(ScopeReading(scope=scope, error=error))
        reading = self._read_scope(scope, window)
        self._failures.add(reading.error)
        return reading

    def _read_what_was_refused(self, readings: Mapping[str, ScopeReading]) -> None:
        """Asks by id for what the source listed in an earlier run and then would not give: no
        window brings a record that has not changed since.
        """
        wires, stream, policy = self._wires, self._stream, self._policy
        if not (stream.incremental and isinstance(wires.connector, TellsWhereabouts)):
            return
        since = policy.now - plan.PATIENCE
        refused = wires.store.unread(wires.name, stream.name, run=policy.run, since=since)
        for scope, ids in refused.items():
            if scope in readings and readings[scope].error is None:
                self._noted(self._reader.read_again(scope, ids, policy.now))

    @property
    def _reads_all(self) -> bool:
        return self._policy.full or not self._stream.incremental

    def _read_scope(self, scope: str, window: Window) -> ScopeReading:
        reading = self._reader.read(scope, window, first=scope not in self._checkpoints)
        if reading.error is None:
            self._advance([scope], reading)
        return self._noted(reading)

    def _advance(self, scopes: Sequence[str], reading: ScopeReading) -> None:
        told = self._source_time()
        now, ahead = plan.beginning(self._policy, told), told - self._policy.now if told else None
        # nothing can be missing after a first read: the first census is due a while from now
        known = [
            self._checkpoints.get(scope)
            or Checkpoint(
                connection=self._wires.name, stream=self._stream.name, scope=scope,
                at=now, swept_at=now,
            )
            for scope in scopes
        ]  # fmt: skip
        stream, unread = self._stream, reading.unread
        self._put(*(plan.advanced(c, stream, now, unread=unread, ahead=ahead) for c in known))

    def _source_time(self) -> datetime | None:
        connector = self._wires.connector
        return connector.first_answer_at() if isinstance(connector, TellsTime) else None

    def _noted(self, reading: ScopeReading) -> ScopeReading:
        if reading.error is not None:
            where = scope_name(self._stream.name, reading.scope)
            self._problems[reading.scope] = f"{where}: {reading.message}"
            log.error("%s %s: %s", self._wires.name, where, reading.message)
        return reading

    def _put(self, *checkpoints: Checkpoint) -> None:
        self._wires.write(partial(self._wires.store.put_checkpoints, checkpoints)).result()
        self._checkpoints.update({checkpoint.scope: checkpoint for checkpoint in checkpoints})

    # ---- sweep ----------------------------------------------------------------------------------

    def _list(self, windows: Mapping[str, Window] | None = None) -> bool:
        """Takes a census, or of it what reading the windows leaves out; False if a scope cannot be
        listed, which is then a problem."""
        problems = sweeping.list_ids(self._wires, self._stream, windows)
        self._problems |= problems
        return not problems

    def _look_for_absence(
        self,
        readings: Mapping[str, ScopeReading],
        before: Mapping[str, Checkpoint],
        counts: Mapping[str, Count | None],
        stored: Mapping[str, int],
        *,
        listed: bool,
    ) -> bool:
        """Marks what is gone, by a complete census of all scopes or not at all: what is missing
        in one scope may have moved to another that could not be read. `listed`: there is one.
        Gives whether there may be other records now than the `stored` ones.
        """
        stream, due = self._stream, self._due
        without = self._lists_first and not listed
        if without:
            self._read_what_is_not_stored(readings)
        if any(reading.error for reading in readings.values()):
            return without
        if all(reading.listed for reading in readings.values()):
            self._conclude(before, scheduled=True)
        elif listed:
            self._conclude_and_complete(before, scheduled=True, listed_first=True)
        elif (
            stream.deletes is Deletes.CENSUS
            and ((due and self._reads_all and stored) or self._disagree(counts, before, stored))
            and self._list()
        ):
            self._conclude_and_complete(before, scheduled=due and not stream.incremental)
        else:
            return without
        return True

    def _read_what_is_not_stored(self, readings: Mapping[str, ScopeReading]) -> None:
        """Asks by id for what is listed but not stored, in a sweep that could not list every scope
        and concludes nothing: what came to be seen again in the others waits for nobody."""
        if not isinstance(self._wires.connector, TellsWhereabouts):
            return
        for scope, ids in sweeping.not_stored(self._wires, self._stream, self._policy).items():
            if scope in readings and readings[scope].error is None:
                self._noted(self._reader.read_again(scope, ids, self._policy.now))

    def _disagree(
        self,
        counts: Mapping[str, Count | None],
        before: Mapping[str, Checkpoint],
        stored: Mapping[str, int],
    ) -> bool:
        """Whether an exact count of the source is another than what is stored."""
        return any(
            not plan.agrees(plan.with_unlisted(count, known), stored.get(scope, 0) + unread)
            for scope, count in counts.items()
            for known in [before.get(scope)]
            for unread in [len(plan.unreadable(known))]
            if count is not None and count.exact
        )

    def _conclude(
        self, before: Mapping[str, Checkpoint], *, scheduled: bool, listed_first: bool = False
    ) -> None:
        self._sweep = sweeping.conclude(
            self._wires, self._stream, before, self._policy, listed_first=listed_first,
            unnamed=self._reader.tally.unnamed,
        )  # fmt: skip
        now, scopes = self._policy.now, plan.scopes_of(self._stream)
        known = [schedule.counted(self._checkpoints[scope], now) for scope in scopes]
        self._put(*(sweeping.remember(one, self._sweep, scheduled=scheduled) for one in known))
        for scope in plan.scopes_of(self._stream):
            if problem := self._sweep.problems.get(scope):
                self._problems[scope] = f"{scope_name(self._stream.name, scope)}: {problem}"
        for scope, ids in self._sweep.unlisted.items():
            log.info("%s %s: %d records are not listed, yet given by id",
                     self._wires.name, scope_name(self._stream.name, scope), len(ids))  # fmt: skip
            self._noted(self._reader.read_again(scope, ids, self._policy.now))

    def _conclude_and_complete(
        self, before: Mapping[str, Checkpoint], *, scheduled: bool, listed_first: bool = False
    ) -> None:
        """Also reads what is listed but not stored, which no window would bring: whole scopes, but
        by id what the source would not give in an earlier sweep."""
        self._conclude(before, scheduled=scheduled, listed_first=listed_first)
        scopes = sweeping.worth_reading(self._sweep, before)
        first, landed = self._sweep, self._reader.tally.landed.total
        for scope, ids in sweeping.worth_asking(self._wires, self._sweep, before).items():
            if scope not in scopes:
                self._noted(self._reader.read_again(scope, ids, self._policy.now))
        for scope in scopes:
            log.info("%s %s %s: listed but not stored; reading it whole",
                     self._wires.name, self._stream.name, scope)  # fmt: skip
            self._read_scope(scope, Window(None, self._policy.now))
        read = scopes or self._reader.tally.landed.total != landed
        if read and not any(scope in self._problems for scope in scopes):
            self._conclude(before, scheduled=scheduled, listed_first=listed_first)
            marked = Counter(first.marked) + Counter(self._sweep.marked)
            self._sweep = replace(self._sweep, marked=marked)

    # ---- prove ----------------------------------------------------------------------------------

    def _ask_counts(
        self, readings: Mapping[str, ScopeReading], stored: Mapping[str, int]
    ) -> dict[str, Count | None]:
        """What the source says it has, where no census will say it better."""
        listed = all(reading.listed for reading in readings.values())
        if listed or self._due:
            return {}
        scopes = [scope for scope, reading in readings.items() if not reading.error]
        if not self._stream.joint or len(scopes) < 2:
            return {scope: self._ask_count(scope) for scope in scopes}
        return self._count_together(scopes, stored) or self._count_each(scopes)

    def _count_together(
        self, scopes: Sequence[str], stored: Mapping[str, int]
    ) -> dict[str, Count | None]:
        """The counts that each had last, where their total still agrees and the same number is
        stored; a scope that has changed is counted anew. Nothing where each must be.
        """
        if schedule.counts_each(scopes, self._checkpoints, self._policy):
            return {}
        known = {scope: self._checkpoints[scope] for scope in scopes}
        unlisted = {scope: plan.unlisted(checkpoint) for scope, checkpoint in known.items()}
        there = [
            stored.get(scope, 0) + len(plan.unreadable(checkpoint)) - unlisted[scope]
            for scope, checkpoint in known.items()
        ]
        try:
            total = self._wires.connector.count(replace(self._stream, scopes=tuple(scopes)), "")
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 — the connector's; each scope will tell
            log.info("%s: %s", self._wires.name, describe(error))
            return {}
        if total is None or not schedule.agree_together(total, there):
            return {}
        counts: dict[str, Count | None] = {}
        for scope in scopes:
            last = self._earlier.get(scope)
            holds = last is not None and last.complete and last.stored == stored.get(scope, 0)
            if last is None or last.source_count is None or not holds:
                counts[scope] = self._ask_count(scope)
            else:
                value = last.source_count - unlisted[scope]
                counts[scope] = Count(value, exact=last.exact and total.exact)
        return counts

    def _count_each(self, scopes: Sequence[str]) -> dict[str, Count | None]:
        counts = {scope: self._ask_count(scope) for scope in scopes}
        known = [self._checkpoints[scope] for scope in scopes if counts[scope] is not None]
        self._put(*(schedule.counted(one, self._policy.now) for one in known))
        return counts

    def _ask_count(self, scope: str) -> Count | None:
        own = replace(self._stream, scopes=(scope,) if self._stream.scopes else ())
        try:
            return self._wires.connector.count(own, scope)
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 — the connector's; `describe` logs it
            where = scope_name(self._stream.name, scope)
            self._problems[scope] = f"{where}: cannot be counted: {describe(error)}"
            return None

    def _stored(self) -> Mapping[str, int]:
        return self._wires.store.counts(self._wires.name, self._stream.name)

    def _prove(
        self,
        readings: Mapping[str, ScopeReading],
        counts: Mapping[str, Count | None],
        stored: Mapping[str, int],
    ) -> StreamResult:
        proofs = [self._proof(scope, stored.get(scope, 0), counts.get(scope)) for scope in readings]
        wires, marked = self._wires, self._sweep.marked
        wires.write(lambda: wires.store.put_completeness(wires.run, proofs, wires.now)).result()
        return StreamResult(
            stream=self._stream.name,
            scopes=tuple(
                proving.scope_result(p, readings[p.scope], self._problems.get(p.scope, ""))
                for p in proofs
            ),
            landed=self._reader.tally.landed,
            deleted=marked.get("deleted", 0),
            moved=marked.get("moved", 0),
            hidden=marked.get("hidden", 0),
            merged=marked.get("merged", 0),
            notes=self._notes(),
            safety_stop=self._sweep.safety_stop,
        )

    def _proof(self, scope: str, stored: int, count: Count | None) -> Completeness:
        stream, sweep = self._stream, self._sweep
        checkpoint, census = self._checkpoints.get(scope), sweep.counts.get(scope)
        known = Count(census) if census is not None else plan.with_unlisted(count, checkpoint)
        problem = self._problems.get(scope) or proving.doubt(
            stream, scope, stored=stored, count=known, sweep=sweep
        )
        if problem:
            self._problems[scope] = problem
        return proving.proof(
            self._wires.name, stream, scope, stored=stored, count=known, sweep=sweep,
            checkpoint=checkpoint, problem=problem,
        )  # fmt: skip

    def _notes(self) -> tuple[str, ...]:
        stream, found = self._stream.name, [self._set_back] if self._set_back else []
        if stream not in self._wires.mapper.streams:
            found.append(f"{stream}: no rule of the mapping uses it; its records are kept raw")
        return tuple(found)
