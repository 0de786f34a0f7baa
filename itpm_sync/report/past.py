"""The reports before this one: what a page needs to say what has changed. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from itpm_sync.reconcile.changes import Changes, changes
from itpm_sync.reconcile.comparing import LONGEST
from itpm_sync.reconcile.status import Colour, ProjectStatus, Snapshot
from itpm_sync.report import view
from itpm_sync.report.wording import WORDS, count, day

_FIRST = "First report, nothing to compare with"
TRAIL = 12  # weeks of ratings on a page, this one included


@dataclass(frozen=True, slots=True)
class Past:
    """The reports before this one, looked up by project. `when` is how a reader calls the one that
    this is compared with, of the day `on`; without one `alone` says why.
    """

    when: str = ""
    on: str = ""
    alone: str = _FIRST
    projects: Mapping[str, ProjectStatus] = field(default_factory=dict)
    colours: Mapping[Colour, int] = field(default_factory=dict)
    changes: Changes = field(default_factory=Changes)
    trails: Mapping[str, tuple[view.TrailPoint, ...]] = field(default_factory=dict)

    @classmethod
    def of(
        cls, snapshot: Snapshot, previous: Snapshot | None, history: Sequence[Snapshot] = ()
    ) -> Past:
        """What lies before `snapshot`; snapshots of the same or a later data date do not."""
        trails = _trails(snapshot, (*history, *((previous,) if previous else ())))
        if previous is None or previous.data_date >= snapshot.data_date:
            alone = _alone(snapshot, history)
            return cls(alone=alone, changes=changes(snapshot, None), trails=trails)
        age = (snapshot.data_date - previous.data_date).days
        return cls(
            when="last week" if 5 <= age <= 9 else f"on {day(previous.data_date)}",
            on=day(previous.data_date),
            projects={p.code: p for p in previous.projects},
            colours=Counter(p.rating.colour for p in previous.projects),
            changes=changes(snapshot, previous),
            trails=trails,
        )


def _alone(snapshot: Snapshot, history: Iterable[Snapshot]) -> str:
    """Why there is nothing to compare with."""
    on = max((s.data_date for s in history if s.data_date < snapshot.data_date), default=None)
    if on is None:
        return _FIRST
    age = count((snapshot.data_date - on).days, "day")
    older = f"is {age} older, more than {LONGEST}"
    return f"Nothing to compare with: the report before, of {day(on)}, {older}"


def _trails(
    snapshot: Snapshot, history: Iterable[Snapshot]
) -> dict[str, tuple[view.TrailPoint, ...]]:
    by_date = {s.data_date: s for s in history if s.data_date < snapshot.data_date}
    trails: dict[str, list[view.TrailPoint]] = {}
    for on in sorted(by_date)[-(TRAIL - 1) :]:
        for project in by_date[on].projects:
            colour = project.rating.colour
            point = view.TrailPoint(on=day(on), colour=colour, word=WORDS[colour])
            trails.setdefault(project.code, []).append(point)
    return {code: tuple(points) for code, points in trails.items()}
