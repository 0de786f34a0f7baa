"""The small project of `itpm-sync init`: five weeks done of thirteen, so that every figure is one.

Amounts are without a currency: the configuration says which.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

_ANA, _BEN, _VENDOR = "Ana Example", "Ben Example", "Example Ltd"
_ITEMS = (  # package, title, assignee, hours estimated, day of the project when done, hours booked
    ("1.1", "List the sites", _ANA, 10, 2, (6, 4)),
    ("1.1", "Draw the target", _ANA, 12, 4, (8, 6)),
    ("1.1", "Choose the hardware", _BEN, 8, 9, (7,)),
    ("1.1", "Have the design approved", _ANA, 8, 11, (5, 3)),
    ("1.2", "Prepare the first site", _BEN, 12, 17, (8, 4)),
    ("1.2", "Move the first site", _BEN, 16, 23, (8, 6)),
    ("1.2", "Move the second site", _ANA, 8, 31, (8,)),
    ("1.2", "Move the third site", _BEN, 16, None, (5,)),
    ("1.2", "Move the fourth site", "", 16, None, ()),
    ("1.2", "Move the fifth site", "", 16, None, ()),
    ("1.2", "Train the users", "", 10, None, ()),
    ("1.2", "Update the manual", "", 10, None, ()),
    ("1.2", "Hand over to operations", "", 12, None, ()),
)


@dataclass(frozen=True, slots=True)
class Plan:
    """Days of the plan: `split` is the Monday on which the second work package begins."""

    start: date
    split: date
    finish: date


def plan(today: date) -> Plan:
    """The plan that is in its sixth week today."""
    start = today - timedelta(days=today.weekday(), weeks=5)
    return Plan(start, start + timedelta(weeks=2), start + timedelta(weeks=13))


def files(project: str, today: date, *, tickets: bool) -> dict[str, str]:
    """The files by name, each CSV with a header; without `tickets` the design's progress, too, is
    a percentage that the plan declares.
    """
    days = plan(today)
    end = days.split - timedelta(days=3)
    ordered, invoiced = _on(days.start, 8), _on(days.start, 30)
    design = ("items", "") if tickets else ("percent_complete", 100)
    of_tickets = {
        "tickets.csv": _csv(
            "Project,WBS,Key,Title,Status,Assignee,Estimate,Created,Resolved",
            _tickets(project, days.start),
        ),
        "time.csv": _csv("Project,Ticket,Person,Date,Hours", _time(project, days.start)),
    }
    return (of_tickets if tickets else {}) | {
        "plan.csv": _csv(
            "Project,WBS,Work package,Start,Finish,Budget,Method,Percent",
            [
                (project, "1.1", "Design", days.start, end, 4000, *design),
                (project, "1.2", "Roll-out", days.split, days.finish, 18000, "items", ""),
            ],
        ),
        "rates.csv": _csv("Of,From,Rate", [(_ANA, days.start, 95), (_BEN, days.start, 90)]),
        "orders.csv": _csv(
            "Project,WBS,Order,Line,What,Vendor,Date,Net",
            [
                (project, "1.2", "PO-1", 1, "Access points", _VENDOR, ordered, 3200),
                (project, "1.2", "PO-1", 2, "Mounting", _VENDOR, ordered, 1800),
            ],
        ),
        "invoices.csv": _csv(
            "Project,WBS,Invoice,Line,Vendor,Order,Order line,Date,Net",
            [(project, "1.2", "INV-77", 1, _VENDOR, "PO-1", 1, invoiced, 3200)],
        ),
    }


def _tickets(project: str, start: date) -> Iterable[tuple[object, ...]]:
    for number, (package, title, assignee, estimate, done, hours) in enumerate(_ITEMS, start=1):
        status = "Done" if done is not None else "In progress" if hours else "Open"
        resolved = "" if done is None else _on(start, done)
        key, created = f"{project}-{number}", start
        yield project, package, key, title, status, assignee, estimate, created, resolved


def _time(project: str, start: date) -> Iterable[tuple[object, ...]]:
    """The hours of each item, one day after the other up to the one on which it was done."""
    for number, (_, _, assignee, _, done, hours) in enumerate(_ITEMS, start=1):
        last = 32 if done is None else done
        for back, worked in enumerate(reversed(hours)):
            yield project, f"{project}-{number}", assignee, _on(start, last - back), worked


def _on(start: date, day: int) -> date:
    return start + timedelta(days=day)


def _csv(header: str, rows: Iterable[tuple[object, ...]]) -> str:
    """No cell holds a comma or a quote."""
    return "\n".join((header, *(",".join(map(str, row)) for row in rows), ""))
