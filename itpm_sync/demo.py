"""An invented twelve-week IT programme, for the demo: three projects in three currencies.

*Network refresh* waits for a late supplier, *Service desk migration* grows, *Data platform* has a
contract about to lapse and tickets that nobody planned. The programme is in its tenth week on the
day that is given. Everything is a value of the unified model or a file's rows: whichever sandboxes
are installed serve the tickets, so that the demo names no outside system.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml

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

WEEKS, WEEK_NOW = 12, 10
Row = Sequence[object]


@dataclass(frozen=True, slots=True)
class Package:
    """A work package of the invented plan. Weeks count from 1; `late` weeks of real delay."""

    project: str
    code: str
    name: str
    team: str
    first: int
    last: int
    budget: int
    currency: str
    method: str
    hours_per_item: int
    titles: str
    late: float = 0.0
    percent: int | None = None

    @property
    def items(self) -> tuple[str, ...]:
        """The planned items' titles."""
        return tuple(t.strip() for t in self.titles.split(";") if t.strip())


PROJECTS = (
    ("NET", "Network refresh", "Ana Ruiz", "Chief Information Officer", "CHF"),
    ("SDM", "Service desk migration", "Tom Becker", "Head of Service Management", "EUR"),
    ("DAP", "Data platform", "Mei Tanaka", "Chief Data Officer", "USD"),
)

PACKAGES = (
    Package(
        "NET", "1.1", "Design and site survey", "network", 1, 3, 42_000, "CHF", "items", 52,
        "Survey headquarters; Survey plant Nord; Survey plant Süd; Addressing plan; "
        "Target design; Security zones; Design review",
    ),
    Package(
        "NET", "1.2", "Core switches", "hardware", 3, 7, 184_000, "CHF", "weighted_milestones", 22,
        "Order core switches; Stage configuration; Rack core A; Rack core B; Failover test; "
        "Acceptance of the core", late=3.5,
    ),
    Package(
        "NET", "1.3", "Access points", "hardware", 5, 9, 96_000, "CHF", "items", 18,
        "Mount floor 1; Mount floor 2; Mount floor 3; Mount plant Nord; Mount plant Süd; "
        "Tune radio cells; Guest access; Coverage report", late=1.5,
    ),
    Package(
        "NET", "1.4", "Site migration", "network", 7, 11, 68_000, "CHF", "items", 95,
        "Migrate headquarters; Migrate plant Nord; Migrate plant Süd; Migrate branch Bern; "
        "Migrate branch Basel; Remove old switches", late=2.5,
    ),
    Package(
        "NET", "1.5", "Project management", "service management", 1, 12, 30_000, "CHF",
        "level_of_effort", 230, "Steering and reporting",
    ),
    Package(
        "SDM", "2.1", "Process design", "service management", 1, 4, 38_000, "EUR", "items", 64,
        "Incident process; Request process; Problem process; Change process; Service catalogue; "
        "Roles and groups",
    ),
    Package(
        "SDM", "2.2", "Configuration", "help desk", 3, 8, 74_000, "EUR", "points", 26,
        "Queues and routing; SLA timers; E-mail intake; Self-service portal; Approvals; "
        "Single sign-on; Asset lookup; Dashboards; Knowledge base", late=0.5,
    ),
    Package(
        "SDM", "2.3", "Data migration", "data and analytics", 6, 10, 45_000, "EUR", "items", 44,
        "Export the old desk; Map categories; Load open tickets; Load history; Reconcile counts; "
        "Archive attachments", late=1.0,
    ),
    Package(
        "SDM", "2.4", "Training and go-live", "help desk", 9, 12, 33_000, "EUR", "items", 60,
        "Train agents; Train approvers; Cut-over rehearsal; Go-live; Early life support",
    ),
    Package(
        "DAP", "3.1", "Landing zone", "information security", 1, 4, 60_000, "USD",
        "percent_complete", 92, "Accounts and guardrails; Network peering; Key management; "
        "Logging; Cost controls", percent=100,
    ),
    Package(
        "DAP", "3.2", "Ingestion", "data and analytics", 3, 8, 120_000, "USD", "items", 44,
        "Finance feed; HR feed; Sales feed; Ticket feed; Sensor feed; Quality checks; "
        "Lineage; Backfill", late=0.5,
    ),
    Package(
        "DAP", "3.3", "Reports", "data and analytics", 7, 12, 80_000, "USD", "items", 100,
        "Finance cube; Board dashboard; Self-service layer; Access reviews; Performance test; "
        "Hand-over to operations", late=0.5,
    ),
)  # fmt: skip

UNPLANNED = {
    "SDM": (
        "Chat channel for the desk", "Second approval step for laptops", "Works council view",
        "Satisfaction survey",
    ),
    "NET": ("Extra access points for the canteen",),
    "DAP": ("Hotfix of the HR feed", "Export for the auditors", "Restore a deleted table"),
}  # fmt: skip

PEOPLE = (
    ("Ana Ruiz", "service management", "NET", 118), ("Luc Meyer", "network", "NET", 112),
    ("Iva Novak", "hardware", "NET", 96), ("Tom Becker", "service management", "SDM", 98),
    ("Sara Lind", "help desk", "SDM", 84), ("Omar Haddad", "data and analytics", "SDM", 102),
    ("Mei Tanaka", "data and analytics", "DAP", 124),
    ("Jon Price", "information security", "DAP", 131),
    ("Rita Gomez", "data and analytics", "DAP", 109),
)  # fmt: skip

TICKETS = (
    "Cannot log in to the portal", "Wireless drops in meeting room 4", "Laptop does not start",
    "Access to the finance cube", "Switch in rack 12 unreachable", "Reset of a token",
    "Printer prints blank pages", "New joiner needs a phone", "Dashboard shows yesterday's data",
    "VPN slow from home", "Mailbox is full", "Certificate about to expire",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Programme:
    """The invented programme on one day: tickets for the sandboxes, rows for the files."""

    today: date
    start: date
    records: tuple[Record, ...]
    files: Mapping[str, tuple[Row, ...]]  # file name → header and rows


ZONE = "Europe/Zurich"


def local_today() -> date:
    """Today in the programme's zone."""
    return datetime.now(ZoneInfo(ZONE)).date()


def programme(today: date) -> Programme:
    """The programme as of `today`, which is in its tenth week."""
    start = today - timedelta(days=today.weekday(), weeks=WEEK_NOW - 1)
    tickets = tuple(_tickets(today, start))
    desk = tuple(_help_desk(today, start))
    records: tuple[Record, ...] = (
        *_projects(),
        *_sprints(today, start),
        *tickets,
        *_worklogs(tickets, today),
        *desk,
        *_desk_time(desk),
    )
    return Programme(today, start, records, _files(today, start))


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


# ---- tickets ------------------------------------------------------------------------------------


def _ref(stream: str, source_id: object) -> SourceRef:
    return SourceRef("demo", stream, str(source_id))


def _at(day: date, hour: int = 9) -> datetime:
    return datetime.combine(day, time(hour), UTC)


def _day(start: date, week: float) -> date:
    """A working day: week 1.0 is the first Monday, 1.8 its Friday."""
    whole, part = divmod(week - 1, 1)
    return start + timedelta(weeks=int(whole), days=min(int(part * 5), 4))


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
                ref=_ref("sprint", f"{PROJECTS.index(_row(code)) + 1}0{number}"),
                project_key=code,
                name=f"{code} sprint {number}",
                state=state,
                start=_at(first),
                finish=_at(last, 17),
            )


def _row(code: str) -> tuple[str, str, str, str, str]:
    return next(p for p in PROJECTS if p[0] == code)


def _tickets(today: date, start: date) -> Iterator[WorkItem]:
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
    begin = _day(start, package.first + position * pace)
    end = _day(start, package.first + (position + 1) * pace - 0.2)
    created = start - timedelta(days=7 - position % 3)
    team = [name for name, team, code, _ in PEOPLE if code == package.project]
    status, word = _state(begin, end, today)
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
        resolved_at=_at(end, 16) if status is WorkStatus.DONE else None,
        updated_at=_at(min(end, today), 16) if begin <= today else _at(created),
    )


def _unplanned(  # noqa: PLR0917 — a row of a table
    code: str, position: int, title: str, key: str, source_id: int, today: date, start: date
) -> WorkItem:
    created = _day(start, 4 + position * 0.8)
    end = created + timedelta(days=12)
    status, word = _state(created, end, today)
    team = [name for name, _, project, _ in PEOPLE if project == code]
    approved = ("CR-7",) if (code, position) == ("SDM", 0) else ()
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
        labels=approved,
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
        if item.status is WorkStatus.DONE and item.resolved_at:
            yield FieldChange(
                ref=_ref("change", f"{item.ref.source_id}1"),
                item=item.id,
                at=item.resolved_at,
                author=item.assignee,
                field_name="status",
                before="In Progress",
                after="Done",
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


# ---- files --------------------------------------------------------------------------------------


# `@8.6` is a working day of the plan (week 8, Thursday), `+42` and `-60` are days from today.
_OFFICE = {
    "milestones.csv": """
Project;WBS;Code;Milestone;Planned;Actual;Weight
NET;1.2;M1;Switches ordered;@3.4;@3.6;10
NET;1.2;M2;Switches delivered;@5.2;@8.4;40
NET;1.2;M3;Core installed;@6.4;;30
NET;1.2;M4;Core accepted;@7.6;;20
""",
    "contracts.csv": """
Number;Title;Vendor;Project;Ceiling;Currency;Start;End;Notice (days);Renewal;Owner
C-100;Switches and access points;Alpnet AG;NET;260'000.00;CHF;-125;+135;30;none;Ana Ruiz
C-200;Migration consultants;Deskworks GmbH;SDM;60'000.00;EUR;-85;+35;30;manual;Tom Becker
C-300;Cloud platform;Nimbus Inc;DAP;90'000.00;USD;-323;+42;30;automatic;Mei Tanaka
""",
    "orders.csv": """
Order;Line;Description;Vendor;Contract;Project;WBS;Ordered;Quantity;Net;Currency;Status
PO-1001;1;Core switch;Alpnet AG;C-100;NET;1.2;@3.6;8;136'000.00;CHF;open
PO-1002;1;Access point;Alpnet AG;C-100;NET;1.3;@5.0;120;66'000.00;CHF;open
PO-1003;1;Fibre modules;Lumen SARL;;NET;1.2;@4.2;64;9'600.00;EUR;open
PO-2001;1;Consulting days;Deskworks GmbH;C-200;SDM;2.2;@2.0;40;48'000.00;EUR;open
PO-2002;1;Data loader licence;Deskworks GmbH;C-200;SDM;2.3;@6.0;1;14'500.00;EUR;open
PO-3001;1;Platform subscription;Nimbus Inc;C-300;DAP;3.2;@1.0;12;84'000.00;USD;open
""",
    "receipts.csv": """
Order;Line;Received;Quantity
PO-1001;1;@8.4;5
PO-1002;1;@6.2;120
PO-1003;1;@5.6;64
PO-2001;1;@8.0;38
PO-3001;1;@9.0;9
""",
    "invoices.csv": """
Invoice;Line;Type;Vendor;Order;Order line;Contract;Project;WBS;Date;Quantity;Net;Currency;Paid
A-778;1;invoice;Alpnet AG;PO-1001;1;C-100;NET;1.2;@8.6;8;136'000.00;CHF;
A-791;1;invoice;Alpnet AG;PO-1002;1;C-100;NET;1.3;@6.6;120;67'980.00;CHF;@9.0
L-14;1;invoice;Lumen SARL;PO-1003;1;;NET;1.2;@6.0;64;9'600.00;EUR;@8.0
D-31;1;invoice;Deskworks GmbH;PO-2001;1;C-200;SDM;2.2;@5.8;20;24'000.00;EUR;@7.8
D-32;1;invoice;Deskworks GmbH;PO-2001;1;C-200;SDM;2.2;@8.8;18;21'600.00;EUR;
D-032;1;invoice;Deskworks GmbH;PO-2001;1;C-200;SDM;2.2;@9.2;18;21'600.00;EUR;
N-900;1;invoice;Nimbus Inc;PO-3001;1;C-300;DAP;3.2;@8.0;9;63'000.00;USD;@9.2
N-907;1;invoice;Nimbus Inc;;;C-300;DAP;3.2;@9.0;1;7'400.00;USD;
N-908;1;credit note;Nimbus Inc;PO-3001;1;C-300;DAP;3.2;@9.4;;-2'000.00;USD;
X-1;1;invoice;Kopierfix;;;;NET;;31.02.2026;1;1'2O0.00;CHF;
""",
    "fx.csv": """
Date;Currency;Base;Rate
-120;EUR;CHF;0.9430
@5.0;EUR;CHF;0.9385
""",
    "risks.csv": """
Project;Code;Risk;Probability;Impact;Currency;Owner;Status
NET;R1;Second delivery slips again;40 %;30'000.00;CHF;Ana Ruiz;open
SDM;R2;Works council objects to the survey;20 %;12'000.00;EUR;Tom Becker;open
DAP;R3;Platform contract lapses;50 %;45'000.00;USD;Mei Tanaka;open
""",
    "changes.csv": """
Project;Number;Title;Status;Approved by;Approved on;Amount;Currency
SDM;CR-7;Chat channel for the desk;approved;Head of Service Management;@4.4;6'000.00;EUR
SDM;CR-9;Works council view;requested;;;4'000.00;EUR
""",
}

_PLAN_HEADER = (
    "Project", "WBS", "Work package", "Team", "Start", "Finish",
    "Budget", "Currency", "Method", "% done", "Baseline hours",
)  # fmt: skip


def _files(today: date, start: date) -> dict[str, tuple[Row, ...]]:
    def cell(text: str) -> str:
        if text[:1] == "@":
            return _written(_day(start, float(text[1:])))
        is_offset = text[:1] in ("+", "-") and text[1:].isdigit()
        return _written(today + timedelta(days=int(text))) if is_offset else text

    files: dict[str, tuple[Row, ...]] = {
        name: tuple(tuple(map(cell, line.split(";"))) for line in text.strip().splitlines())
        for name, text in _OFFICE.items()
    }
    files["plan.xlsx"] = (_PLAN_HEADER, *(_plan_row(p, start) for p in PACKAGES))
    since = _written(start - timedelta(days=200))
    files["rates.csv"] = (
        ("Person", "Per hour", "Currency", "From"),
        *((name, f"{rate}.00", _row(code)[4], since) for name, _, code, rate in PEOPLE),
    )
    return files


def _plan_row(package: Package, start: date) -> Row:
    return (
        package.project, package.code, package.name, package.team,
        _day(start, package.first), _day(start, package.last + 0.8),
        package.budget, package.currency, package.method, package.percent,
        package.hours_per_item * len(package.items),
    )  # fmt: skip


def _written(day: date) -> str:
    return day.strftime("%d.%m.%Y")


def write_files(world: Programme, folder: Path) -> None:
    """Writes the plan as a workbook and the rest as the CSV files that an office would export."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in world.files.items():
        if name.endswith(".xlsx"):
            _write_workbook(folder / name, rows)
        else:
            text = io.StringIO()
            csv.writer(text, delimiter=";", lineterminator="\r\n").writerows(rows)
            (folder / name).write_bytes(text.getvalue().encode("utf-8-sig"))


def _write_workbook(path: Path, rows: Sequence[Row]) -> None:
    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.active
    if sheet is None:  # a new workbook has a sheet; this is for the type checker
        sheet = book.create_sheet()
    sheet.title = "Plan"
    for row in rows:
        sheet.append(list(row))
    for column in "EF":
        for cell in sheet[column][1:]:
            cell.number_format = "dd.mm.yyyy"
    book.save(path)


# ---- configuration ------------------------------------------------------------------------------

_FILES = """\
  office:                        # what the office keeps in spreadsheets
    connector: files
    folder: office
    defaults: {date: "%d.%m.%Y", thousands: "'", delimiter: ";"}
    tables:
      plan:
        file: plan.xlsx
        kind: work_package
        key: [Project, WBS]
        columns:
          project_key: Project
          code: WBS
          name: Work package
          team: Team
          planned_start: Start
          planned_finish: Finish
          budget: {column: Budget, as: money, currency: {column: Currency}}
          method: Method
          percent_complete: {column: "% done", as: percent}
          planned_effort_s: {column: Baseline hours, as: hours}
      milestones:
        file: milestones.csv
        kind: milestone
        key: [Project, Code]
        columns:
          project_key: Project
          work_package: WBS
          code: Code
          name: Milestone
          planned: Planned
          actual: Actual
          weight: Weight
      contracts:
        file: contracts.csv
        kind: contract
        key: [Number]
        columns:
          number: Number
          title: Title
          vendor: Vendor
          project_key: Project
          ceiling: {column: Ceiling, as: money, currency: {column: Currency}}
          start: Start
          end: End
          notice_days: Notice (days)
          renewal: Renewal
          owner: Owner
      orders:
        file: orders.csv
        kind: order_line
        key: [Order, Line]
        columns:
          order: Order
          line: Line
          description: Description
          vendor: Vendor
          contract: Contract
          project_key: Project
          work_package: WBS
          ordered_on: Ordered
          quantity: Quantity
          amount: {column: Net, as: money, currency: {column: Currency}}
          status: Status
      receipts:
        file: receipts.csv
        kind: receipt
        key: [Order, Line, Received]
        columns: {order: Order, line: Line, received_on: Received, quantity: Quantity}
      invoices:
        file: invoices.csv
        kind: invoice_line
        key: [Invoice, Line, Vendor]
        columns:
          invoice: Invoice
          line: Line
          credit_note: {column: Type, map: {invoice: "no", credit note: "yes"}}
          vendor: Vendor
          order: Order
          order_line: Order line
          contract: Contract
          project_key: Project
          work_package: WBS
          invoiced_on: Date
          quantity: Quantity
          amount: {column: Net, as: money, currency: {column: Currency}}
          paid_on: Paid
      rates:
        file: rates.csv
        kind: rate
        key: [Person, From]
        columns:
          of: Person
          per_hour: {column: Per hour, as: money, currency: {column: Currency}}
          valid_from: From
      fx:
        file: fx.csv
        kind: fx_rate
        key: [Date, Currency, Base]
        columns: {on: Date, currency: Currency, base: Base, rate: Rate}
      risks:
        file: risks.csv
        kind: risk
        key: [Code]
        columns:
          project_key: Project
          code: Code
          title: Risk
          probability: {column: Probability, as: percent, scale: 0.01}
          impact: {column: Impact, as: money, currency: {column: Currency}}
          owner: Owner
          status: Status
      changes:
        file: changes.csv
        kind: change_request
        key: [Number]
        columns:
          project_key: Project
          number: Number
          title: Title
          status: Status
          approved_by: Approved by
          approved_on: Approved on
          amount: {column: Amount, as: money, currency: {column: Currency}}
"""


def configuration(
    world: Programme,
    connections: Mapping[str, Mapping[str, Any]],
    publish_to: Sequence[str],
) -> str:
    """The demo's itpm.yaml. `publish_to` names the connections that carry the status tickets."""
    blocks = "".join(yaml_block({name: dict(block)}) for name, block in connections.items())
    projects = "".join(_project(world, row, publish_to) for row in PROJECTS)
    return f"""\
# The demo of ITPM Sync: an invented programme, served by sandboxes on this machine.
version: 1
title: Example programme office
timezone: {ZONE}
store: sqlite:///itpm.db
reports: {{folder: reports, url: "https://pmo.example.org/reports"}}

connections:
{blocks}{_FILES}
projects:
{projects}
plan_from: [office]              # versions of the work system are no work packages here

# Which work package a ticket belongs to: here a field of the ticket says so.
allocation:
  - name: by cost code
    when: {{cost_code: "*"}}
    work_package: "{{cost_code}}"

jobs:
  weekly: [pull, reconcile, report, publish]
"""


def _project(world: Programme, row: tuple[str, ...], publish_to: Sequence[str]) -> str:
    code, name, manager, sponsor, currency = row
    finish = _day(world.start, WEEKS + 0.8)
    declared = "green" if code == "NET" else "amber"
    block = {
        "code": code, "name": name, "stage": "execution", "manager": manager,
        "sponsor": sponsor, "currency": currency, "start": world.start, "finish": finish,
        "declared_rating": declared, "baseline_on": world.start,
        "publish": [{"connection": c, "address": f"{code}-1"} for c in publish_to],
    }  # fmt: skip
    return _indented(_yaml([block]))


def yaml_block(block: Mapping[str, Any]) -> str:
    """Connections as they stand in a configuration."""
    return _indented(_yaml(dict(block)))


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, _data: Any) -> bool:
        """A value that stands twice is written twice: people read this."""
        return True


def _yaml(value: Any) -> str:
    text: str = yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True)
    return text


def _indented(text: str) -> str:
    return "".join(f"  {line}\n" for line in text.splitlines())
