"""A portfolio made up at any size, reconciled, and beside it a bare pass over the same records.

    python -m benchmarks.reconcile ours|floor [--projects N] [--items N] [--entries N] [--lines N]

Each run is a process of its own: it makes the portfolio (unmeasured), then reconciles it once, or
only groups and sums its records with plain Python, and prints wall and CPU seconds of that and the
peak resident memory of the whole process, its records included, as JSON.
"""

from __future__ import annotations

import argparse
import gc
import json
import random
import resource
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TypeVar

from benchmarks.measuring import ROOT, Failed
from itpm_sync.cli import YOUNG_OBJECTS
from itpm_sync.model import (
    Contract,
    FieldChange,
    HelpDeskItem,
    InvoiceLine,
    ItemType,
    Method,
    Money,
    OrderLine,
    Person,
    Rate,
    Receipt,
    Record,
    SourceRef,
    TicketStatus,
    TicketType,
    TimeEntry,
    WorkItem,
    WorkPackage,
    WorkStatus,
)
from itpm_sync.reconcile import reconcile
from itpm_sync.reconcile.inputs import (
    BaselineItem,
    BaselinePackage,
    Inputs,
    ProjectSetup,
    RecordedBaseline,
)

R = TypeVar("R", bound=Record)
START, TODAY = date(2026, 1, 5), date(2026, 6, 26)
PACKAGES, PEOPLE = 20, 12  # of a project
WORDS = (
    "router switch rack cable firewall backup database ledger invoice portal login report export "
    "mail gateway cluster node storage tape licence printer laptop image patch release schema "
    "index query dashboard metric alert ticket queue contract vendor order audit policy token "
    "certificate"
).split()
SYLLABLES = (
    "ba",
    "ce",
    "di",
    "fo",
    "gu",
    "la",
    "me",
    "ni",
    "po",
    "ru",
    "sa",
    "te",
    "vi",
    "xo",
    "zu",
)
RARE = [a + b + c for a in SYLLABLES for b in SYLLABLES for c in SYLLABLES]
METHODS = (Method.ITEMS, Method.ITEMS, Method.PERCENT, Method.LEVEL_OF_EFFORT, Method.FIFTY_FIFTY)


@dataclass(frozen=True, slots=True)
class Size:
    """How many of each, over the whole portfolio."""

    projects: int
    items: int
    entries: int
    lines: int  # invoice lines; a fifth as many order lines and receipts


ORDINARY = Size(200, 20_000, 20_000, 4_000)
LARGE = Size(500, 1_000_000, 1_000_000, 100_000)


def portfolio(size: Size) -> Inputs:
    """Projects of twenty packages each, with budgets, tickets, time, orders and help-desk items.

    Amounts have cents. A project's baseline is recorded; a tenth of its items came later. Every
    tenth item is a defect, three in five are done, and every fifth done one was reopened once.
    """
    made = _Made(random.Random(size.projects))
    setups, baselines = [], []
    for number in range(size.projects):
        code = f"P{number:03}"
        setups.append(ProjectSetup(code=code, name=f"Project {number}", currency="EUR"))
        shares = (_share(n, number, size.projects) for n in (size.items, size.entries, size.lines))
        baselines.append(made.project(code, *shares))
    return Inputs(
        title="Portfolio", data_date=TODAY, zone="Europe/Berlin", rules=(), projects=tuple(setups),
        records={kind: tuple(found) for kind, found in made.records.items()},
        baselines=tuple(baselines),
    )  # fmt: skip


def _share(whole: int, number: int, of: int) -> int:
    return whole * (number + 1) // of - whole * number // of


class _Made:
    """The records so far."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self.records: dict[str, list[Record]] = defaultdict(list)

    def project(self, code: str, items: int, entries: int, lines: int) -> RecordedBaseline:
        """Adds a project's records; gives its baseline."""
        packages = [self._package(code, n) for n in range(PACKAGES)]
        people = [f"{code} person {n}" for n in range(PEOPLE)]
        for name in people:
            self._add(Person, name, "", name=name, email=f"{name}@x.test".replace(" ", "."))
            self._add(Rate, name, "", of=name, per_hour=self._money(60, 140))
        tickets = [self._item(code, n, packages, people) for n in range(items)]
        for n in range(entries):
            self._entry(code, n, tickets, people)
        for n in range(lines):
            self._purchase(code, n, packages)
        for n in range(items // 20):
            self._help(code, n)
        return _baseline(code, packages, [t for t in tickets if t.work_package])

    def _add(self, kind: type[Record], source_id: str, project: str, **fields: object) -> Record:
        ref = SourceRef("main", kind.kind, source_id, f"https://main.test/{kind.kind}/{source_id}")
        record = kind(ref=ref, project_key=project, **fields)  # type: ignore[arg-type]
        self.records[kind.kind].append(record)
        return record

    def _money(self, least: int, most: int) -> Money:
        return Money(Decimal(self._chance.randint(least * 100, most * 100)) / 100, "EUR")

    def _title(self) -> str:
        """Three common words and two of some thousand, few of which are frequent, as in tickets."""
        chance = self._chance
        rare = (RARE[int(chance.random() ** 3 * len(RARE))] for _ in range(2))
        return " ".join((*chance.sample(WORDS, 3), *rare))

    def _day(self, first: int, last: int) -> date:
        return START + timedelta(days=self._chance.randint(first, last))

    def _package(self, code: str, n: int) -> WorkPackage:
        start = START + timedelta(days=7 * n)
        made = WorkPackage(
            ref=SourceRef("plan", "work_package", f"{code}.{n}", f"plan.csv row {n}"),
            project_key=code, code=f"{code}.{n}", name=f"Package {n} of {code}",
            planned_start=start, planned_finish=start + timedelta(days=60),
            budget=self._money(5_000, 90_000), planned_effort_s=400_000,
            method=METHODS[n % len(METHODS)], percent_complete=Decimal(min(100, 105 - 5 * n)),
        )  # fmt: skip
        self.records["work_package"].append(made)
        return made

    def _item(self, code: str, n: int, packages: list[WorkPackage], people: list[str]) -> WorkItem:
        chance = self._chance
        done = chance.random() < 0.6
        created = self._moment(0 if n % 10 else 60, 80)
        resolved = created + timedelta(days=chance.randint(1, 80)) if done else None
        made = WorkItem(
            ref=SourceRef("jira", "work_item", f"{code}-{n}", f"https://jira.test/{code}-{n}"),
            project_key=code, work_package=packages[n % PACKAGES].code, key=f"{code}-{n}",
            title=self._title(),
            type=ItemType.TASK if n % 10 else ItemType.DEFECT,
            status=WorkStatus.DONE if done else WorkStatus.TODO, source_status="Done",
            points=Decimal(chance.randint(1, 8)), estimate_s=3600 * chance.randint(1, 40),
            assignee=chance.choice(people), created_at=created, resolved_at=resolved,
        )  # fmt: skip
        self.records["work_item"].append(made)
        if resolved and n % 5 == 0:
            self._reopened(made, resolved)
        return made

    def _reopened(self, item: WorkItem, resolved: datetime) -> None:
        for hours, before, after in ((50, "To Do", "Done"), (40, "Done", "To Do"),
                                     (0, "To Do", "Done")):  # fmt: skip
            self._add(FieldChange, f"{item.key}-{hours}", item.project_key, item=item.id,
                      at=resolved - timedelta(hours=hours), field_name="status", before=before,
                      after=after)  # fmt: skip

    def _moment(self, first: int, last: int) -> datetime:
        day = self._day(first, last)
        minute = timedelta(minutes=self._chance.randint(480, 1080))
        return datetime(day.year, day.month, day.day, tzinfo=UTC) + minute

    def _entry(self, code: str, n: int, tickets: list[WorkItem], people: list[str]) -> None:
        self._add(TimeEntry, f"{code}-{n}", code, item=tickets[n % len(tickets)].id,
                  person=self._chance.choice(people), on=self._day(0, 165),
                  duration_s=900 * self._chance.randint(1, 32))  # fmt: skip

    def _purchase(self, code: str, n: int, packages: list[WorkPackage]) -> None:
        order, package = f"{code}-PO{n // 5}", packages[n % PACKAGES].code
        if n % 5 == 0:
            contract = f"{code}-C{n // 50}"
            if n % 50 == 0:
                self._add(Contract, contract, code, number=contract, title="Services",
                          vendor="Acme", ceiling=self._money(200_000, 300_000), start=START,
                          end=START + timedelta(days=700), notice_days=90)  # fmt: skip
            self._add(OrderLine, order, code, work_package=package, order=order, vendor="Acme",
                      contract=contract, ordered_on=self._day(0, 90), quantity=Decimal(10),
                      amount=self._money(4_000, 9_000))  # fmt: skip
            self._add(Receipt, order, code, order=order, quantity=Decimal(5),
                      received_on=self._day(91, 160))  # fmt: skip
        self._add(InvoiceLine, f"{code}-{n}", code, work_package=package, invoice=f"{code}-R{n}",
                  order=order, order_line="1", vendor="Acme", invoiced_on=self._day(91, 170),
                  quantity=Decimal(1), amount=self._money(300, 900))  # fmt: skip

    def _help(self, code: str, n: int) -> None:
        opened = self._moment(0, 165)
        closed = opened + timedelta(hours=self._chance.randint(1, 200)) if n % 4 else None
        self._add(HelpDeskItem, f"{code}-{n}", code, key=f"H{code}-{n}",
                  title=self._title(),
                  type=TicketType.INCIDENT, priority="2", created_at=opened, resolved_at=closed,
                  status=TicketStatus.RESOLVED if closed else TicketStatus.OPEN,
                  resolve_due_at=opened + timedelta(hours=72))  # fmt: skip


def _baseline(code: str, packages: list[WorkPackage], items: list[WorkItem]) -> RecordedBaseline:
    frozen = tuple(
        BaselinePackage(
            code=p.code, name=p.name, planned_start=p.planned_start, budget=p.budget,
            planned_finish=p.planned_finish, method=str(p.method),
            planned_effort_s=p.planned_effort_s,
        )
        for p in packages
    )  # fmt: skip
    scope = tuple(
        BaselineItem(identity=i.id, key=i.key, title=i.title, work_package=i.work_package,
                     points=i.points, estimate_s=i.estimate_s)
        for n, i in enumerate(items) if n % 10
    )  # fmt: skip
    return RecordedBaseline(
        project=code, version=1, on=START, author="PMO", approval="board", change_request="",
        packages=frozen, items=scope,
    )  # fmt: skip


def bare(inputs: Inputs) -> int:
    """Groups the records by project and package and sums what can be summed: how many groups.

    The least that any reconciliation does: items and done items, seconds by person and day, and
    amounts, each in one pass, without a check, a history, a rate or a plan.
    """
    items: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    homes: dict[str, tuple[str, str]] = {}
    for item in _of(inputs, WorkItem):
        home = item.project_key, item.work_package
        homes[item.id] = home
        items[home][0] += 1
        items[home][1] += item.status is WorkStatus.DONE
    seconds: dict[tuple[str, str, str, date], int] = defaultdict(int)
    for entry in _of(inputs, TimeEntry):
        seconds[*homes[entry.item], entry.person, entry.on] += entry.duration_s
    money: dict[tuple[str, str, str], Decimal] = defaultdict(Decimal)
    for kind in (OrderLine, InvoiceLine):
        for line in _of(inputs, kind):
            money[kind.kind, line.project_key, line.work_package] += line.amount.amount
    return len(items) + len(seconds) + len(money)


def _of(inputs: Inputs, kind: type[R]) -> Iterator[R]:
    return (r for r in inputs.records[kind.kind] if isinstance(r, kind))


def measured(what: str, size: Size) -> dict[str, float]:
    """One run in a process of its own. Raises Failed if it does not end well."""
    counts = [word for n in Size.__slots__ for word in (f"--{n}", str(getattr(size, n)))]
    command = [sys.executable, "-m", "benchmarks.reconcile", what, *counts]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    if done.returncode:
        raise Failed((done.stderr.strip().splitlines() or [f"ended with {done.returncode}"])[-1])
    found: dict[str, float] = json.loads(done.stdout)
    return found


def section(size: Size, repeat: int) -> list[str]:
    """What `repeat` runs of ours and of the floor, in turn, took: a table of medians."""
    title = (
        f"{size.items:,} work items, {size.entries:,} time entries, {size.lines:,} invoice lines, "
        f"{size.projects} projects of {PACKAGES} packages"
    )
    print(title, flush=True)
    runs: dict[str, list[dict[str, float]]] = {"ours": [], "floor": []}
    for _ in range(repeat):
        for what, found in runs.items():
            found.append(measured(what, size))
            print(f"  {what}: {found[-1]}", flush=True)
    rows = (_row(what, found, runs["floor"]) for what, found in runs.items())
    return [f"**{title}**", "", "| | wall s | CPU s | peak MB | of it records MB | CPU ÷ floor |",
            "|---|--:|--:|--:|--:|--:|", *rows, ""]  # fmt: skip


def _row(what: str, found: list[dict[str, float]], floor: list[dict[str, float]]) -> str:
    m = {name: statistics.median(f[name] for f in found) for name in found[0]}
    ratios = [f["cpu_s"] / base["cpu_s"] for f, base in zip(found, floor, strict=True)]
    span = f" ({min(ratios):.1f}–{max(ratios):.1f})" if len(ratios) > 1 else ""
    ratio = "1" if found is floor else f"{statistics.median(ratios):.1f}{span}"
    return (f"| {what} | {m['wall_s']:.2f} | {m['cpu_s']:.2f} | {m['peak_mb']:.0f} | "
            f"{m['records_mb']:.0f} | {ratio} |")  # fmt: skip


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("ours", "floor"))
    for name in Size.__slots__:
        parser.add_argument(f"--{name}", type=int, default=getattr(ORDINARY, name))
    given = parser.parse_args()
    gc.set_threshold(YOUNG_OBJECTS, 20, 20)  # as the command does
    inputs = portfolio(Size(given.projects, given.items, given.entries, given.lines))
    gc.collect()
    before = resource.getrusage(resource.RUSAGE_SELF)
    cpu, wall = time.process_time(), time.monotonic()
    if given.what == "ours":
        reconcile(inputs)
    else:
        bare(inputs)
    used = {
        "wall_s": time.monotonic() - wall,
        "cpu_s": time.process_time() - cpu,
        "records_mb": before.ru_maxrss / 1024,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    print(json.dumps(used))


if __name__ == "__main__":
    main()
