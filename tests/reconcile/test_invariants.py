"""What must hold of every reconciliation: parts sum to wholes, and nothing but facts matters."""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
import sys
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

from itpm_sync.model import (
    FxRate,
    InvoiceLine,
    Method,
    Money,
    OrderLine,
    Payment,
    Rate,
    Receipt,
    SourceRef,
    TimeEntry,
    WorkItem,
    WorkPackage,
    WorkStatus,
)
from itpm_sync.reconcile import reconcile
from itpm_sync.reconcile.inputs import Inputs, ProjectSetup
from itpm_sync.reconcile.status import Figure, Snapshot, to_json

ROOT = Path(__file__).resolve().parents[2]
DAY = date(2026, 1, 5)
MONEY = ("budget", "ordered", "committed", "received", "accrued", "invoiced", "paid", "labour")
VALUE = ("bac", "pv", "ev")


def programme(seed: int) -> Inputs:
    """Three projects in two currencies with orders, invoices, payments, time and items, at random.

    Amounts have cents, quantities and rates thirds in them, so that nothing divides evenly.
    """
    chance, records = random.Random(seed), defaultdict(list)  # noqa: S311

    def add(kind, n, project, **fields):
        ref = SourceRef("src", kind.kind, f"{kind.kind}-{n}", None)
        records[kind.kind].append(kind(ref=ref, project_key=project, **fields))

    def cents(most):
        return Decimal(chance.randint(1, most * 100)) / 100

    def day(most=80):  # all before the data date
        return DAY + timedelta(days=chance.randint(0, most))

    methods = (Method.ITEMS, Method.PERCENT, Method.LEVEL_OF_EFFORT, Method.FIFTY_FIFTY)
    homes = [(p, f"{p}-{n}") for p in ("A", "B", "C") for n in range(3)]
    for n, (project, code) in enumerate(homes):
        start = day(30)
        add(WorkPackage, n, project, code=code, name=code, planned_start=start,
            planned_finish=start + timedelta(days=chance.randint(1, 90)),
            budget=Money(cents(9999), chance.choice(("EUR", "CHF"))), method=methods[n % 4],
            percent_complete=Decimal(chance.randint(0, 100)))  # fmt: skip
    for n in range(60):
        project, code = chance.choice(homes)
        order, currency = f"PO-{n % 20}", ("EUR", "CHF")[n % 20 % 2]
        if n < 20:
            add(OrderLine, n, project, work_package=code, order=order, ordered_on=day(),
                quantity=Decimal(chance.randint(1, 7)),
                amount=Money(cents(5000), currency))  # fmt: skip
            add(Receipt, n, project, order=order, received_on=day(),
                quantity=Decimal(chance.randint(1, 7)))  # fmt: skip
        add(InvoiceLine, n, project, work_package=code, invoice=f"R-{n}", order=order,
            invoiced_on=day(), credit_note=n % 9 == 0, amount=Money(cents(900), currency),
            tax=Money(cents(90), currency))  # fmt: skip
        if n % 2:
            add(Payment, n, project, invoice=f"R-{n}", paid_on=day(),
                amount=Money(cents(500), currency))  # fmt: skip
        status = chance.choice((WorkStatus.TODO, WorkStatus.DONE))
        moment = datetime.combine(day(), datetime.min.time(), UTC)
        add(WorkItem, n, project, work_package=code, key=f"{project}-{n}", title="t",
            status=status, created_at=moment,
            resolved_at=moment if status is WorkStatus.DONE else None)  # fmt: skip
        add(TimeEntry, n, project, work_package=code, person=f"p{n % 4}", on=day(),
            duration_s=chance.randint(1, 40_000))  # fmt: skip
    for n in range(4):
        add(Rate, n, "", of=f"p{n}", per_hour=Money(cents(150), "EUR"))
    add(FxRate, 0, "", currency="CHF", base="EUR", on=DAY, rate=Decimal("1.0611"))
    return Inputs(
        title="t", data_date=date(2026, 3, 27), zone="America/St_Johns", rules=(),
        projects=tuple(ProjectSetup(code=c, name=c, currency=u, baseline_on=date(2026, 2, 1))
                       for c, u in (("A", "EUR"), ("B", "CHF"), ("C", "EUR"))),
        records={kind: tuple(found) for kind, found in records.items()},
    )  # fmt: skip


def figures_of(snapshot: Snapshot) -> list[Figure]:
    parts = [*snapshot.projects, *(w for p in snapshot.projects for w in p.packages)]
    return [*snapshot.totals, *(f for part in parts for f in part.figures.values())]


@pytest.mark.parametrize("seed", range(5))
def test_parts_sum_to_the_whole(seed):
    snapshot = reconcile(programme(seed))
    sums: dict[tuple[str, str], Fraction] = defaultdict(Fraction)
    for project in snapshot.projects:
        for name in (*MONEY, *VALUE):
            whole = project.figures[name]
            assert whole.value is not None, (name, whole.reason)
            sums[whole.unit, name] += Fraction(whole.value)
            parts = sum(Fraction(w.figures[name].value) for w in project.packages)
            # Each figure is exact or kept to 12 places: far below a cent.
            assert abs(parts - Fraction(whole.value)) < Fraction(1, 10**9), (project.code, name)
        terms = ("labour", "invoiced", "accrued")
        spent = sum(Fraction(project.figures[name].value) for name in terms)
        assert abs(Fraction(project.figures["ac"].value) - spent) < Fraction(1, 10**9)
    for total in snapshot.totals:
        if (total.unit, total.name) in sums:
            assert abs(Fraction(total.value) - sums[total.unit, total.name]) < Fraction(1, 10**9)
    assert {t.unit for t in snapshot.totals} == {"EUR", "CHF"}


@pytest.mark.parametrize("seed", range(3))
def test_order_of_records_and_runs_change_nothing(seed):
    inputs = programme(seed)
    expected = to_json(reconcile(inputs))
    assert to_json(reconcile(inputs)) == expected
    shuffled = {k: tuple(random.Random(9).sample(v, len(v))) for k, v in inputs.records.items()}  # noqa: S311
    assert to_json(reconcile(Inputs(**(vars_of(inputs) | {"records": shuffled})))) == expected


def vars_of(inputs: Inputs) -> dict[str, object]:
    return {name: getattr(inputs, name) for name in Inputs.__dataclass_fields__}


def test_zone_of_the_machine_and_its_hashes_change_nothing():
    expected = hashlib.sha256(to_json(reconcile(programme(0)))).hexdigest()
    code = (
        "import hashlib; from tests.reconcile.test_invariants import programme;"
        "from itpm_sync.reconcile import reconcile; from itpm_sync.reconcile.status import to_json;"
        "print(hashlib.sha256(to_json(reconcile(programme(0)))).hexdigest())"
    )
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    env = {**os.environ, "TZ": "Pacific/Auckland", "PYTHONHASHSEED": "7", "PYTHONPATH": path}
    made = subprocess.run(
        [sys.executable, "-c", code], env=env, cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert made.stdout.strip() == expected


@pytest.mark.parametrize("kinds", [(), ("work_package",), ("work_package", "work_item"), ("rate",)])
def test_each_undefined_figure_says_why(kinds):
    inputs = programme(1)
    records = {k: v for k, v in inputs.records.items() if k in kinds}
    for given in (records, {k: v for k, v in inputs.records.items() if k not in kinds}):
        snapshot = reconcile(Inputs(**(vars_of(inputs) | {"records": given})))
        found = figures_of(snapshot)
        assert found
        for figure in found:
            assert (figure.value is None) == bool(figure.reason), figure
            assert figure.value is None or figure.value.is_finite()
