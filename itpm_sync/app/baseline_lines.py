"""How a baseline is kept: each part of it as lines of JSON values, by section.

Versions recorded by an older release lack sections and keys; what they lack has its default.
"""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from typing import Any

from pydantic import TypeAdapter

from itpm_sync.reconcile.inputs import (
    BaselineItem,
    BaselineMilestone,
    BaselinePackage,
    BaselineRate,
    FrozenPlan,
    RecordedBaseline,
)
from itpm_sync.reconcile.workdays import Calendar
from itpm_sync.store import BaselineLine, StoredBaseline

_PACKAGES: TypeAdapter[list[BaselinePackage]] = TypeAdapter(list[BaselinePackage])
_ITEMS: TypeAdapter[list[BaselineItem]] = TypeAdapter(list[BaselineItem])
_MILESTONES: TypeAdapter[list[BaselineMilestone]] = TypeAdapter(list[BaselineMilestone])
_RATES: TypeAdapter[list[BaselineRate]] = TypeAdapter(list[BaselineRate])


def lines(plan: FrozenPlan) -> tuple[BaselineLine, ...]:
    """A frozen plan and its scope as the store keeps them."""
    sections: dict[str, list[Any]] = {
        "package": _PACKAGES.dump_python(list(plan.packages), mode="json", exclude_defaults=True),
        "item": _ITEMS.dump_python(list(plan.items), mode="json"),
        "milestone": _MILESTONES.dump_python(list(plan.milestones), mode="json"),
        "rate": _RATES.dump_python(list(plan.rates), mode="json"),
        "calendar": [_calendar_data(plan.calendar)] if plan.calendar is not None else [],
        "source": [{"name": plan.source}] if plan.source else [],
    }
    return tuple(
        BaselineLine(section=name, data=data) for name, found in sections.items() for data in found
    )


def recorded(stored: StoredBaseline) -> RecordedBaseline:
    """A stored baseline as the reconciliation takes it."""

    def section(name: str) -> list[Any]:
        return [line.data for line in stored.lines if line.section == name]

    return RecordedBaseline(
        project=stored.project,
        version=stored.version,
        on=stored.on,
        author=stored.author,
        approval=stored.approval,
        change_request=stored.change_request,
        packages=tuple(_PACKAGES.validate_python(section("package"))),
        items=tuple(_ITEMS.validate_python(section("item"))),
        milestones=tuple(_MILESTONES.validate_python(section("milestone"))),
        rates=tuple(_RATES.validate_python(section("rate"))),
        calendar=next((_calendar(data) for data in section("calendar")), None),
        source=next((data["name"] for data in section("source")), ""),
    )


def _calendar_data(calendar: Calendar) -> dict[str, Any]:
    """Shares of a day as text: fractions such as 14/15 have no decimals."""
    return {
        "week": [str(share) for share in calendar.week],
        "days": {day.isoformat(): str(share) for day, share in calendar.days},
    }


def _calendar(data: dict[str, Any]) -> Calendar:
    days: dict[date, int | Fraction] = {
        date.fromisoformat(day): Fraction(share) for day, share in data["days"].items()
    }
    return Calendar.of((Fraction(share) for share in data["week"]), days)
