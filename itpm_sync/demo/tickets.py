"""What became of the plan: projects, sprints, work items, their time, and the help desk."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from itpm_sync.demo.plan import (
    CANCELLED,
    PACKAGES,
    PEOPLE,
    PROJECTS,
    UNPLANNED,
    WEEKS,
    Package,
    project_row,
    working_day,
)
from itpm_sync.model import (
    FieldChange,
    HelpDeskItem,
    ItemType,
    Project,
    Record,
    SourceRef,
    Sprint,
    TicketStatus,
    TicketType,
    TimeEntry,
    WorkItem,
    WorkStatus,
)

TICKETS = (
    "Cannot log in to the portal", "Wireless drops in meeting room 4", "Laptop does not start",
    "Access to the finance cube", "Switch in rack 12 unreachable", "Reset of a token",
    "Printer prints blank pages", "New joiner needs a phone", "Dashboard shows yesterday's data",
    "VPN slow from home", "Mailbox is full", "Certificate about to expire",
)  # fmt: skip


def tickets(today: date, start: date) -> tuple[Record, ...]:
    """Everything that the work system and the help desk hold on `today`; `start` is a Monday."""
    work = tuple(_work_items(today, start))
    desk = (*_help_desk(today, start), *_asked_twice(start))
    return (
        *_projects(),
        *_sprints(today, start),
        *work,
        *_worklogs(work, today),
        *desk,
        *_desk_time(desk),
    )


def _projects() -> Iterator[Project]:
    for number, (code, name, manager, sponsor, currency) in enumerate(PROJECTS, start=1):
        yield Project(
            ref=_ref("project", 10_000 + number),
            project_key=code,
            code=code,
            name=name,
            manager=manager,
            sponsor=sponsor,
            currency=currency,
        )


def _sprints(today: date, start: date) -> Iterator[Sprint]:
    for code, *_ in PROJECTS:
        for number in range(1, WEEKS // 2 + 1):
            first = start + timedelta(weeks=2 * (number - 1))
            last = first + timedelta(days=11)
            state = "closed" if last < today else "active" if first <= today else "future"
            yield Sprint(
                ref=_ref("sprint", f"{PROJECTS.index(project_row(code)) + 1}0{number}"),
                project_key=code,
                name=f"{code} sprint {number}",
                state=state,
                start=_at(first),
                finish=_at(last, 17),
            )


def _work_items(today: date, start: date) -> Iterator[WorkItem]:
    for index, (code, name, manager, _, _) in enumerate(PROJECTS, start=1):
        number = 1
        base = 20_000 + index * 1_000
        yield WorkItem(
            ref=_ref("issue", base + number),
            project_key=code,
            work_package="",
            key=f"{code}-1",
            title=f"{name}: status for the steering committee",
            type=ItemType.EPIC,
            source_type="Epic",
            status=WorkStatus.IN_PROGRESS,
            source_status="In Progress",
            assignee=manager,
            reporter=manager,
            created_at=_at(start - timedelta(days=10)),
            updated_at=_at(start - timedelta(days=10)),
        )
        for package in (p for p in PACKAGES if p.project == code):
            for position, title in enumerate(package.items):
                number += 1
                key = f"{code}-{number}"
                yield _planned(package, position, title, key, base + number, today, start)
        for position, title in enumerate(UNPLANNED[code]):
            number += 1
            yield _unplanned(code, position, title, f"{code}-{number}", base + number, today, start)


def _planned(  # noqa: PLR0917 — a row of a table
    package: Package, position: int, title: str, key: str, source_id: int, today: date, start: date
) -> WorkItem:
    count = len(package.items)
    span = (package.last - package.first + 1) / count
    pace = span + package.late / count
    begin = working_day(start, package.first + position * pace)
    end = working_day(start, package.first + (position + 1) * pace - 0.2)
    created = start - timedelta(days=7 - position % 3)
    team = [name for name, team, code, _ in PEOPLE if code == package.project]
    status, word = _state(begin, end, today)
    if (package.project, title) in CANCELLED and status is WorkStatus.DONE:
        status, word = WorkStatus.CANCELLED, "Cancelled"
    hours = package.hours_per_item
    spent = round(_share(begin, end, today) * hours * 3600)
    return WorkItem(
        ref=_ref("issue", source_id),
        project_key=package.project,
        work_package=package.code,
        key=key,
        title=title,
        type=ItemType.STORY if position % 3 else ItemType.TASK,
        source_type="Story" if position % 3 else "Task",
        status=status,
        source_status=word,
        points=Decimal(2 + position % 3 * 3) if package.method == "points" else None,
        estimate_s=round(hours * 3600 * 0.92),
        spent_s=spent,
        remaining_s=max(0, hours * 3600 - spent),
        assignee=team[position % len(team)],
        reporter=team[0],
        versions=(f"{package.project} {'first' if package.last <= 7 else 'second'} release",),
        created_at=_at(created),
        resolved_at=_at(end, 16) if end < today else None,
        updated_at=_at(min(end, today), 16) if begin <= today else _at(created),
    )


def _unplanned(  # noqa: PLR0917 — a row of a table
    code: str, position: int, title: str, key: str, source_id: int, today: date, start: date
) -> WorkItem:
    created = working_day(start, 4 + position * 0.8)
    if (code, position) == ("SDM", 3):
        created = today - timedelta(days=14)  # the scope goes on growing
    end = created + timedelta(days=12)
    if (code, position) == ("DAP", 2):
        end = today + timedelta(days=9)  # found by users, and nobody has got to it for weeks
    status, word = _state(created, end, today)
    team = [name for name, _, project, _ in PEOPLE if project == code]
    request = {("SDM", 0): ("CR-7",), ("SDM", 2): ("CR-9",)}.get((code, position), ())
    defect = code == "DAP"
    return WorkItem(
        ref=_ref("issue", source_id),
        project_key=code,
        work_package="2.2" if code == "SDM" else "1.3" if code == "NET" else "",
        key=key,
        title=title,
        type=ItemType.DEFECT if defect else ItemType.STORY,
        source_type="Bug" if defect else "Story",
        status=status,
        source_status=word,
        points=Decimal(3) if code == "SDM" else None,
        estimate_s=16 * 3600,
        spent_s=round(_share(created, end, today) * 14 * 3600),
        assignee=team[-1],
        reporter=team[0],
        labels=("production",) if (code, position) == ("DAP", 2) else request,
        created_at=_at(created),
        resolved_at=_at(end, 15) if status is WorkStatus.DONE else None,
        updated_at=_at(min(end, today), 15),
    )


def _state(begin: date, end: date, today: date) -> tuple[WorkStatus, str]:
    if end < today:
        return WorkStatus.DONE, "Done"
    return (WorkStatus.IN_PROGRESS, "In Progress") if begin <= today else (WorkStatus.TODO, "To Do")


def _share(begin: date, end: date, today: date) -> float:
    if today <= begin:
        return 0.0
    return min(1.0, (today - begin).days / max(1, (end - begin).days + 1))


def _worklogs(items: Iterable[WorkItem], today: date) -> Iterator[TimeEntry | FieldChange]:
    for item in items:
        done_on = item.resolved_at.date() if item.resolved_at else today
        left, day, part = item.spent_s or 0, done_on, 0
        while left > 0:
            while day.weekday() > 4:
                day -= timedelta(days=1)
            part += 1
            seconds = min(left, 6 * 3600)
            yield TimeEntry(
                ref=_ref("worklog", f"{item.ref.source_id}{part:02}"),
                project_key=item.project_key,
                item=item.id,
                person=item.assignee,
                on=day,
                started_at=_at(day, 8),
                duration_s=seconds,
            )
            left, day = left - seconds, day - timedelta(days=1)
        if item.resolved_at:
            yield FieldChange(
                ref=_ref("change", f"{item.ref.source_id}1"),
                item=item.id,
                at=item.resolved_at,
                author=item.assignee,
                field_name="status",
                before="In Progress",
                after=item.source_status,
            )


def _help_desk(today: date, start: date) -> Iterator[HelpDeskItem]:
    priorities, targets_h = ("P1", "P2", "P3", "P4"), (4, 8, 24, 72)
    days = (today - start).days
    for number in range(90):
        created = _at(start + timedelta(days=number * days // 90), 8 + number % 9)
        level = (0, 2, 3, 1, 2, 3, 3, 2)[number % 8]
        pace = 1.7 if number in {19, 42, 65} else 0.15 + (number * 7 % 13) / 16
        took = timedelta(hours=targets_h[level] * pace)
        resolved = created + took if (created + took).date() < today else None
        code = PROJECTS[(0, 1, 1, 2, 1)[number % 5]][0]
        yield HelpDeskItem(
            ref=_ref("ticket", 1001 + number),
            project_key=code,
            key=str(1001 + number),
            title=TICKETS[number % len(TICKETS)],
            type=TicketType.INCIDENT if level < 3 else TicketType.REQUEST,
            status=TicketStatus.RESOLVED if resolved else TicketStatus.OPEN,
            source_status="resolved" if resolved else "open",
            priority=priorities[level],
            queue="Helpdesk",
            category=("Access", "Hardware", "Software")[number % 3],
            requester=f"user{number % 40:02}@example.org",
            assignee=next(n for n, _, project, _ in PEOPLE[number % 3 :] if project == code),
            spent_s=(20 + number * 11 % 90) * 60,
            created_at=created,
            started_at=created + timedelta(minutes=20 + number % 50),
            resolved_at=resolved,
            sla="standard",
            resolve_due_at=created + timedelta(hours=targets_h[level]),
            updated_at=resolved or created,
        )


def _asked_twice(start: date) -> Iterator[HelpDeskItem]:
    """Requests for what work items of the projects plan already."""
    asked = (
        ("NET", "Please remove the old switches", "Ana Ruiz", "Iva Novak"),
        ("NET", "Migrate branch Basel, please", "Ana Ruiz", "Luc Meyer"),
        ("SDM", "Train the approvers", "Tom Becker", "Sara Lind"),
        ("DAP", "Board dashboard", "Mei Tanaka", "Rita Gomez"),
    )
    created = _at(start - timedelta(days=6))
    for number, (code, title, requester, assignee) in enumerate(asked, start=1091):
        yield HelpDeskItem(
            ref=_ref("ticket", number),
            project_key=code,
            key=str(number),
            title=title,
            type=TicketType.REQUEST,
            status=TicketStatus.OPEN,
            source_status="open",
            priority="P4",
            queue="Helpdesk",
            category="Hardware" if code == "NET" else "Software",
            requester=f"{requester.casefold().replace(' ', '.')}@example.org",
            assignee=assignee,
            created_at=created,
            updated_at=created,
        )


def _desk_time(items: Iterable[HelpDeskItem]) -> Iterator[TimeEntry]:
    for item in items:
        if item.started_at is not None and item.spent_s:
            yield TimeEntry(
                ref=_ref("desk-time", item.ref.source_id),
                project_key=item.project_key,
                item=item.id,
                person=item.assignee,
                on=item.started_at.date(),
                started_at=item.started_at,
                duration_s=item.spent_s,
            )


def _ref(stream: str, source_id: object) -> SourceRef:
    return SourceRef("demo", stream, str(source_id))


def _at(day: date, hour: int = 9) -> datetime:
    return datetime.combine(day, time(hour), UTC)
