"""A plan and bills in dollars, and what the dollar was worth on which day."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from itpm_sync.model import (
    FxRate,
    InvoiceLine,
    Method,
    Money,
    Rate,
    TimeEntry,
    WorkPackage,
)
from itpm_sync.reconcile.inputs import BaselinePackage, BaselineRate, RecordedBaseline

MONDAY = date(2026, 3, 2)
USD_09 = BaselineRate(currency="USD", base="EUR", on=date(2026, 2, 27), rate=Decimal("0.9"))


def money(amount, currency="USD"):
    return Money(Decimal(amount), currency)


def planned(budget, *rates, number=1, on=MONDAY):
    return RecordedBaseline(
        project="NET", version=number, on=on, author="Ann", approval="Board", change_request="",
        items=(), rates=rates,
        packages=(
            BaselinePackage(
                code="A", name="A", planned_start=MONDAY, planned_finish=date(2026, 3, 13),
                budget=budget, method=Method.PERCENT.value,
            ),
        ),
    )  # fmt: skip


def rate(world, on, value, currency="USD", base="EUR"):
    world.add(FxRate, f"{currency}{on}", currency=currency, base=base, on=on, rate=Decimal(value))


def bill(world, number, amount, on, **fields):
    world.add(
        InvoiceLine, number, invoice=number, amount=amount, invoiced_on=on, work_package="A",
        **fields,
    )  # fmt: skip


def half_earned(world):
    """Half of USD 2,000, planned at EUR 0.90, with a bill at 0.95 and labour at 0.80."""
    world.add(
        WorkPackage, "w", code="A", name="A", method=Method.PERCENT, percent_complete=Decimal(50)
    )
    rate(world, date(2026, 2, 27), "0.9")
    rate(world, date(2026, 3, 9), "0.95")
    rate(world, date(2026, 3, 10), "0.8")
    bill(world, "R1", money(1000), date(2026, 3, 9))
    bill(world, "R2", money(100, "EUR"), date(2026, 3, 9))
    world.add(Rate, "r", of="Ada", per_hour=money(100))
    world.add(TimeEntry, "t", person="Ada", on=date(2026, 3, 10), duration_s=7200, work_package="A")
    world.options["baselines"] = (planned(money(2000), USD_09),)
