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

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from fractions import Fraction

from itpm_sync.model import Money, Project
from itpm_sync.reconcile.number import Number, known, show, unknown
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
            ("published_cost_variance", variance, scale, _AMOUNT_ROUNDING * scale),
            ("published_cost_variance_percent", percent, Fraction(1), _PERCENT_ROUNDING),
        ),
        _disagreements(
            record,
            ("published_schedule_variance_days", days, Fraction(1), Fraction(0)),
            ("published_schedule_variance_percent", share, Fraction(1), _PERCENT_ROUNDING),
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
        reason = unknown(f"the date {wrong} is impossible")
        return reason, reason
    days = known((planned - actual).days)
    if start is None or impossible(start):
        return days, unknown("no usable planned start")
    duration = (planned - start).days
    if duration <= 0:
        return days, unknown(f"the planned finish {planned} is not after the start {start}")
    return days, _percent(days, known(duration), "")


def _published(record: Project, name: str) -> Fraction | None:
    text = record.attributes.get(name, "").replace(",", "").replace("%", "").strip()
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    return Fraction(value) if value.is_finite() else None


def _disagreements(
    record: Project, *pairs: tuple[str, Number, Fraction, Fraction]
) -> tuple[str, ...]:
    found = []
    for name, computed, scale, tolerance in pairs:
        published = _published(record, name)
        if published is None:
            continue
        word = name.removeprefix("published_").replace("_", " ")
        expected = published * scale
        if computed.value is None:
            # A register fills 0 where it knows nothing; any other value claims to know.
            if published:
                found.append(f"{word}: published {show(expected)}, computed n/a: {computed.reason}")
        elif abs(computed.value - expected) > tolerance:
            gap = computed.value - expected
            found.append(
                f"{word}: published {show(expected, 3)} ≠ computed {show(computed.value, 3)} "
                f"(difference {show(gap, 3)})"
            )
    return tuple(found)


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
