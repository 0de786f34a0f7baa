"""The programme on one day, and the ticket that is finished at the demo's end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from itpm_sync.demo.office import Row, branches, files, plan
from itpm_sync.demo.plan import PROJECTS, RE_PLANNED, WEEK_NOW, working_day
from itpm_sync.demo.tickets import tickets
from itpm_sync.model import Record, WorkItem, WorkStatus

ZONE = "Europe/Zurich"


@dataclass(frozen=True, slots=True)
class Programme:
    """The invented programme on one day: tickets for the sandboxes, rows for the files."""

    today: date
    start: date
    records: tuple[Record, ...]
    files: Mapping[str, tuple[Row, ...]]  # file name → header and rows
    branches: Mapping[str, tuple[Row, ...]]  # the branch coordinator's files

    @property
    def re_planned(self) -> date:
        """The day on which a new baseline replaced the first one."""
        return working_day(self.start, RE_PLANNED)

    def files_in(self, week: float) -> Mapping[str, tuple[Row, ...]]:
        """The office's files with the plan of an earlier week."""
        return {**self.files, "plan.xlsx": plan(self.start, week)}


def local_today() -> date:
    """Today in the programme's zone."""
    return datetime.now(ZoneInfo(ZONE)).date()


def programme(today: date) -> Programme:
    """The programme as of `today`, which is in its tenth week."""
    start = today - timedelta(days=today.weekday(), weeks=WEEK_NOW - 1)
    return Programme(
        today=today,
        start=start,
        records=tickets(today, start),
        files=files(today, start),
        branches=branches(today, start),
    )


def changed_ticket(world: Programme) -> WorkItem:
    """The next open ticket of the second project, finished: what the demo changes at its end."""
    item = next(
        r
        for r in world.records
        if isinstance(r, WorkItem)
        and r.project_key == PROJECTS[1][0]
        and r.status is WorkStatus.IN_PROGRESS
        and r.work_package
    )
    now = datetime.now(UTC)
    return replace(
        item, status=WorkStatus.DONE, source_status="Done", resolved_at=now, updated_at=now
    )
