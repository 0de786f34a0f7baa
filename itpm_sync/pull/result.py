"""What a pull reports: frozen values, and the words for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from itpm_sync.errors import EXIT_CODES, up_to, worst
from itpm_sync.store import Landed


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeResult:
    """One scope of a stream. `problem` is empty if it was read and is whole."""

    scope: str
    stored: int
    source_count: int | None = None
    complete: bool = False
    problem: str = ""
    failed: bool = False  # it could not be read at all


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamResult:
    """One stream. `deleted`, `moved`, `hidden` and `merged` were marked by a sweep."""

    stream: str
    scopes: tuple[ScopeResult, ...]
    landed: Landed
    deleted: int = 0
    moved: int = 0
    hidden: int = 0
    merged: int = 0
    notes: tuple[str, ...] = ()  # nothing is wrong, but somebody may wonder
    safety_stop: str = ""  # why nothing was marked

    @property
    def state(self) -> str:
        """ok, partial, failed or safety_stop."""
        if self.safety_stop:
            return "safety_stop"
        if self.scopes and all(scope.failed for scope in self.scopes):
            return "failed"
        return "partial" if self.problems else "ok"

    @property
    def problems(self) -> tuple[str, ...]:
        """What is wrong, each once."""
        found = [self.safety_stop, *(scope.problem for scope in self.scopes)]
        return tuple(dict.fromkeys(problem for problem in found if problem))

    @property
    def message(self) -> str:
        """What happened, in one line."""
        landed = self.landed
        counts = {
            "new": landed.new, "changed": landed.changed, "returned": landed.returned,
            "deleted": self.deleted + landed.gone, "moved": self.moved, "merged": self.merged,
            "no longer visible": self.hidden, "quarantined": landed.quarantined,
        }  # fmt: skip
        said = ", ".join(f"{count} {word}" for word, count in counts.items() if count)
        return f"{self.stream}: {said or 'nothing new'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionResult:
    """One connection. `message` is one line for a person, `advice` what to do, if anything."""

    name: str
    streams: tuple[StreamResult, ...] = ()
    failure: str = ""  # it could not even begin
    remapped: int = 0  # mapped records that changed because the mapping did
    quarantine: tuple[str, ...] = ()  # what stands in it, whichever run met it
    confirm: str = ""  # the command that confirms deletions

    @property
    def state(self) -> str:
        """ok, quarantine (all was read, and a record of it cannot be used), partial, failed or
        safety_stop.
        """
        states = {stream.state for stream in self.streams}
        if self.failure or states == {"failed"}:
            return "failed"
        if "safety_stop" in states:
            return "safety_stop"
        if not states <= {"ok"}:
            return "partial"
        return "quarantine" if self.quarantine else "ok"

    @property
    def advice(self) -> str:
        """What a person should do about a safety stop, whatever else went wrong."""
        stopped = [s.stream for s in self.streams if s.state == "safety_stop"]
        if not stopped:
            return ""
        return f"look at {', '.join(stopped)} at the source, and if it is right: {self.confirm}"

    @property
    def message(self) -> str:
        """Problems if there are any, else what happened."""
        if self.failure:
            return self.failure
        problems = tuple(dict.fromkeys(p for stream in self.streams for p in stream.problems))
        if problems:
            told = tuple(_each_once(problems))
            said = "; ".join((up_to(5, told, "; "), *_quarantine_told(self.quarantine)))
            return said + (f" — {self.advice}" if self.advice else "")
        remapped = [f"mapping changed: {self.remapped} records"] if self.remapped else []
        busy = [s.message for s in self.streams if not s.message.endswith("nothing new")]
        said = "; ".join([*remapped, *busy]) or "nothing new"
        return "; ".join((said, *_quarantine_told(self.quarantine)))

    @property
    def counts(self) -> Mapping[str, Any]:
        """For the store's record of the run."""
        return {
            "state": self.state,
            **({"failure": self.failure} if self.failure else {}),
            "streams": {
                s.stream: {
                    "new": s.landed.new, "changed": s.landed.changed,
                    "returned": s.landed.returned, "unchanged": s.landed.unchanged,
                    "deleted": s.deleted + s.landed.gone, "moved": s.moved, "hidden": s.hidden,
                    "merged": s.merged, "quarantined": s.landed.quarantined,
                }
                for s in self.streams
            },
        }  # fmt: skip


def _quarantine_told(problems: Sequence[str]) -> Iterator[str]:
    """How much stands in quarantine and the first of it, if anything does."""
    if problems:
        what = "record or value stands" if len(problems) == 1 else "records or values stand"
        first = problems[0] if len(problems) == 1 else f"the first: {problems[0]}"
        rest = "" if len(problems) == 1 else " (all of them: itpm-sync status)"
        yield f"{len(problems):,} {what} in quarantine, {first}{rest}"


def _each_once(problems: Iterable[str]) -> Iterator[str]:
    """`where: what` each, what holds in several places once."""
    places: dict[str, list[str]] = {}
    for problem in problems:
        where, _, what = problem.partition(": ")
        places.setdefault(what, []).append(where)
    for what, found in places.items():
        if not what or len(found) == 1:
            yield from (f"{place}: {what}" if what else place for place in found)
            continue
        yield f"{what} (for {up_to(3, found)})"


@dataclass(frozen=True, slots=True, kw_only=True)
class PullResult:
    """Every connection's outcome."""

    connections: tuple[ConnectionResult, ...]

    @property
    def state(self) -> str:
        """The worst of the connections' states; `failed` only if all failed."""
        states = {connection.state for connection in self.connections}
        if "failed" in states and states != {"failed"}:
            states = states - {"failed"} | {"partial"}
        return worst(states)

    @property
    def exit_code(self) -> int:
        """0 all well, 3 something failed or cannot be used and the rest went on, 4 a person must
        confirm.
        """
        return EXIT_CODES[self.state]

    @property
    def counts(self) -> Mapping[str, Any]:
        """For the store's record of the run."""
        return {"connections": {c.name: c.counts for c in self.connections}}

    @property
    def message(self) -> str:
        """A line that names what is not well; empty if all is."""
        return "; ".join(f"{c.name}: {c.message}" for c in self.connections if c.state != "ok")
