"""Projects known only as rows of a register: planned and actual cost and dates, nothing else.

Cost variance = planned − actual, in percent of the planned cost. Schedule variance in days =
planned finish − actual finish, in percent of the planned duration (planned start to planned
finish). Negative is bad in both, as in the register of the US IT Dashboard. What the register
publishes itself arrives in the attributes `published_cost_variance`,
`published_cost_variance_percent`, `published_schedule_variance_days` and
`published_schedule_variance_percent`; `published_cost_scale` says how many currency units one
published unit is (default 1).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from fractions import Fraction

from itpm_sync.model import Money, Project, currency_exponent
from itpm_sync.reconcile.folding import fold
from itpm_sync.reconcile.inputs import ProjectSetup
from itpm_sync.reconcile.number import Number, known, unknown
from itpm_sync.reconcile.wording import day, money, show
from itpm_sync.reconcile.workdays import impossible

# The last digits that registers publish: amounts to a thousandth of their unit, percents to a
# hundredth. Half of that is rounding, more is a disagreement.
_AMOUNT_ROUNDING = Fraction(5, 10_000)
_PERCENT_ROUNDING = Fraction(51, 10_000)


@dataclass(frozen=True, slots=True)
class Register:
    """The computed figures of one row, and where they disagree with the published ones."""

    record: Project
    planned_cost: Number
    actual_cost: Number
    cost_variance: Number
    cost_variance_percent: Number
    schedule_variance_days: Number
    schedule_variance_percent: Number
    cost_disagreements: tuple[str, ...]
    schedule_disagreements: tuple[str, ...]

    @property
    def numbers(self) -> Mapping[str, Number]:
        """The figures by name."""
        return {
            "planned_cost": self.planned_cost,
            "actual_cost": self.actual_cost,
            "cost_variance": self.cost_variance,
            "cost_variance_percent": self.cost_variance_percent,
            "schedule_variance_days": self.schedule_variance_days,
            "schedule_variance_percent": self.schedule_variance_percent,
        }


def is_register(record: Project) -> bool:
    """Whether the record says anything of cost or an actual finish, or publishes a variance."""
    return bool(
        record.planned_cost is not None
        or record.actual_cost is not None
        or record.actual_finish is not None
        or any(name.startswith("published_") for name in record.attributes)
    )


def register(record: Project) -> Register:
    """The figures of one register row."""
    planned, actual = _amount(record.planned_cost, "planned"), _amount(record.actual_cost, "actual")
    variance = _difference(record.planned_cost, record.actual_cost)
    percent = _percent(variance, planned, "the planned cost is 0")
    days, share = _schedule(record)
    scale = _published(record, "published_cost_scale") or Fraction(1)
    currency = record.planned_cost.currency if record.planned_cost is not None else ""
    return Register(
        record,
        planned,
        actual,
        variance,
        percent,
        days,
        share,
        _disagreements(
            record,
            ("published_cost_variance", variance, scale, _AMOUNT_ROUNDING * scale, currency),
            ("published_cost_variance_percent", percent, Fraction(1), _PERCENT_ROUNDING, "%"),
        ),
        _disagreements(
            record,
            ("published_schedule_variance_days", days, Fraction(1), Fraction(0), "days"),
            ("published_schedule_variance_percent", share, Fraction(1), _PERCENT_ROUNDING, "%"),
        ),
    )


def _amount(money: Money | None, word: str) -> Number:
    return known(money.amount) if money is not None else unknown(f"no {word} cost")


def _difference(planned: Money | None, actual: Money | None) -> Number:
    if planned is None or actual is None:
        missing = [w for w, m in (("planned", planned), ("actual", actual)) if m is None]
        return unknown(f"no {' and no '.join(missing)} cost")
    if planned.currency != actual.currency:
        return unknown(
            f"planned in {planned.currency} and actual in {actual.currency}: not comparable"
        )
    return known(planned.amount - actual.amount)


def _percent(part: Number, whole: Number, reason: str) -> Number:
    if part.value is None or whole.value is None:
        return unknown(part.reason or whole.reason)
    return known(100 * part.value / whole.value) if whole.value else unknown(reason)


def _schedule(record: Project) -> tuple[Number, Number]:
    start, planned, actual = record.planned_start, record.planned_finish, record.actual_finish
    if planned is None or actual is None:
        missing = [w for w, d in (("planned", planned), ("actual", actual)) if d is None]
        reason = unknown(f"no {' and no '.join(missing)} finish")
        return reason, reason
    wrong = impossible(planned, actual)
    if wrong is not None:
        reason = unknown(f"the date {day(wrong)} is impossible")
        return reason, reason
    days = known((planned - actual).days)
    if start is None or impossible(start):
        return days, unknown("no usable planned start")
    duration = (planned - start).days
    if duration <= 0:
        return days, unknown(
            f"the planned finish {day(planned)} is not after the start {day(start)}"
        )
    return days, _percent(days, known(duration), "")


def _published(record: Project, name: str) -> Fraction | None:
    text = record.attributes.get(name, "").replace(",", "").replace("%", "").strip()
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    return Fraction(value) if value.is_finite() else None


def _disagreements(
    record: Project, *pairs: tuple[str, Number, Fraction, Fraction, str]
) -> tuple[str, ...]:
    """What is published against what is computed: (name, computed, scale, tolerance, unit)."""
    found = []
    for name, computed, scale, tolerance, unit in pairs:
        published = _published(record, name)
        if published is None:
            continue
        word = name.removeprefix("published_").removesuffix("_percent").removesuffix("_days")
        word = word.replace("_", " ")
        expected = published * scale
        if computed.value is None:
            # A register fills 0 where it knows nothing; any other value claims to know.
            if published:
                found.append(
                    f"{word}: published {_told(expected, unit)}, computed n/a: {computed.reason}"
                )
        elif abs(computed.value - expected) > tolerance:
            gap = computed.value - expected
            found.append(
                f"{word}: published {_told(expected, unit)} ≠ computed "
                f"{_told(computed.value, unit)} (difference {_told(gap, unit)})"
            )
    return tuple(found)


def _told(value: Fraction, unit: str) -> str:
    """An amount, days or percent, with as many digits as tell the two sides apart."""
    if unit == "days":
        return f"{show(value, 0)} days"
    if unit == "%":
        return f"{show(value, 3)} %"
    cents = value * 10 ** currency_exponent(unit)
    return money(value, unit) if cents.denominator == 1 else f"{unit} {show(value, 3)}"


def cost_index(found: Register) -> Number:
    """Planned ÷ actual cost, read on the same bands as CPI."""
    planned, actual = found.planned_cost.value, found.actual_cost.value
    if found.cost_variance.value is None or planned is None or actual is None:
        return unknown(found.cost_variance.reason)
    return known(planned / actual) if actual else unknown("the actual cost is 0")


def time_index(found: Register) -> Number:
    """Planned ÷ actual duration, read on the same bands as SPI."""
    record = found.record
    if found.schedule_variance_percent.value is None:
        return unknown(found.schedule_variance_percent.reason)
    start, planned, actual = record.planned_start, record.planned_finish, record.actual_finish
    if start is None or planned is None or actual is None or actual <= start:
        return unknown("the actual finish is not after the planned start")
    return known(Fraction((planned - start).days, (actual - start).days))


# ---- the projects there are ----------------------------------------------------------------------


def registers(records: Sequence[Project]) -> Mapping[str, Sequence[Register]]:
    """Register rows by folded code, those of the first connection and stream that has any.

    A stream with one register row is a register, also where a row of it says nothing: that is
    what is wrong with the row. Two sources that know one project are not two projects; two rows
    of one register are.
    """
    sources = {_source(r) for r in records if is_register(r)}
    found: dict[str, list[Register]] = defaultdict(list)
    for record in records:
        rows = found[fold(record.code)]
        if _source(record) in sources and (not rows or _source(record) == _source(rows[0].record)):
            rows.append(register(record))
    return found


def _source(record: Project) -> tuple[str, str]:
    return record.ref.connection, record.ref.stream


def setups(
    projects: Iterable[ProjectSetup], rows: Mapping[str, Sequence[Register]]
) -> Iterable[tuple[ProjectSetup, Register | None]]:
    """Every project; a code that a register repeats gives one project a row.

    The first row (by identity) keeps the code, the next are `code (2)`, `code (3)`, ….
    """
    seen: set[str] = set()
    for setup in projects:
        if fold(setup.code) in seen:
            continue
        seen.add(fold(setup.code))
        found = rows.get(fold(setup.code), ())
        yield setup, found[0] if found else None
        for number, row in enumerate(found[1:], 2):
            yield _of_row(setup, row.record, f"{setup.code} ({number})"), row


def _of_row(setup: ProjectSetup, record: Project, code: str) -> ProjectSetup:
    return replace(
        setup,
        code=code,
        name=record.name,
        stage=record.stage,
        manager=record.manager,
        sponsor=record.sponsor,
        currency=record.currency or setup.currency,
        start=record.planned_start,
        finish=record.planned_finish,
        declared_rating=record.declared_rating,
    )
