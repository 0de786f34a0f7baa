"""Earned value and earned schedule: formulas over exact numbers, nothing else.

Definitions as in PMBOK and ISO 21508; earned schedule and p-factor after Lipke, the forecast forms
after Vanhoucke. Every function takes exact numbers (int, Decimal, Fraction) and returns a `Number`:
the unrounded value, or None with the reason. Never 0, 1 or infinity for what is undefined.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType

from itpm_sync.reconcile.number import Exact, Number, exact, exact_sum, known, unknown

# ---- indices ------------------------------------------------------------------------------------


def ratio(numerator: Exact, denominator: Exact, reason: str) -> Number:
    """`numerator / denominator`, or undefined for that reason where the denominator is 0."""
    if denominator == 0:
        return unknown(reason)
    return known(exact(numerator) / exact(denominator))


def cpi(ev: Exact, ac: Exact) -> Number:
    """Cost performance index, EV / AC."""
    if ac < 0:
        return unknown("cumulative AC is negative")
    return ratio(ev, ac, "AC is 0: no cost booked yet")


def spi(ev: Exact, pv: Exact) -> Number:
    """Schedule performance index, EV / PV."""
    return ratio(ev, pv, "PV is 0: nothing is planned to be done yet")


# ---- estimates at completion --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Performance:
    """Cumulative values of one project or package; `spi_t` only where earned schedule is known."""

    bac: Fraction
    pv: Fraction
    ev: Fraction
    ac: Fraction
    spi_t: Fraction | None = None

    @property
    def cpi(self) -> Number:
        """EV / AC."""
        return cpi(self.ev, self.ac)

    @property
    def spi(self) -> Number:
        """EV / PV."""
        return spi(self.ev, self.pv)


def _spi_t(p: Performance) -> Number:
    return unknown("no earned schedule") if p.spi_t is None else known(p.spi_t)


def _product(a: Number, b: Number) -> Number:
    if a.value is None or b.value is None:
        return unknown(a.reason or b.reason)
    return known(a.value * b.value)


def _weighted(a: Number, b: Number) -> Number:
    if a.value is None or b.value is None:
        return unknown(a.reason or b.reason)
    return known(Fraction(4, 5) * a.value + Fraction(1, 5) * b.value)


@dataclass(frozen=True, slots=True)
class EacMethod:
    """A performance factor (PF) of `EAC = AC + (BAC − EV) / PF`, and how the result is labelled."""

    label: str
    factor: Callable[[Performance], Number]


EAC_METHODS: Mapping[str, EacMethod] = MappingProxyType(
    {
        "budget": EacMethod("AC + BAC − EV", lambda p: known(1)),  # noqa: ARG005
        "cpi": EacMethod("AC + (BAC − EV) / CPI", lambda p: p.cpi),
        "spi": EacMethod("AC + (BAC − EV) / SPI", lambda p: p.spi),
        "spi_t": EacMethod("AC + (BAC − EV) / SPI(t)", _spi_t),
        "cpi_spi": EacMethod("AC + (BAC − EV) / (CPI·SPI)", lambda p: _product(p.cpi, p.spi)),
        "cpi_spi_t": EacMethod(
            "AC + (BAC − EV) / (CPI·SPI(t))", lambda p: _product(p.cpi, _spi_t(p))
        ),
        "weighted": EacMethod(
            "AC + (BAC − EV) / (0.8·CPI + 0.2·SPI)", lambda p: _weighted(p.cpi, p.spi)
        ),
        "weighted_t": EacMethod(
            "AC + (BAC − EV) / (0.8·CPI + 0.2·SPI(t))", lambda p: _weighted(p.cpi, _spi_t(p))
        ),
    }
)
"""Every form by its name in the policy. `cpi` equals BAC / CPI."""


def eac(p: Performance, method: str = "cpi") -> Number:
    """Estimate at completion; `note` is the label of the form that was really used.

    A complete project costs what it cost. Where the factor is undefined or not positive the
    remaining work is taken at budget, and the label says so.
    """
    form = EAC_METHODS[method]
    if p.ac < 0:
        return unknown("cumulative AC is negative")
    if p.ev == p.bac:
        return known(p.ac, "AC: the work is complete")
    factor = form.factor(p)
    if factor.value is not None and factor.value > 0:
        return known(p.ac + (p.bac - p.ev) / factor.value, form.label)
    why = factor.reason or "the factor is not positive"
    return known(p.ac + p.bac - p.ev, f"AC + BAC − EV, as {form.label} is undefined: {why}")


@dataclass(frozen=True, slots=True)
class EacRange:
    """The lowest and the highest estimate; the note of each names the forms that give it."""

    low: Number
    high: Number


def eac_range(p: Performance) -> EacRange:
    """The range over every form whose factor is defined and positive."""
    if p.ev == p.bac or p.ac < 0:
        only = eac(p)
        return EacRange(only, only)
    found: dict[Fraction, list[str]] = {}
    for form in EAC_METHODS.values():
        factor = form.factor(p).value
        if factor is not None and factor > 0:
            found.setdefault(p.ac + (p.bac - p.ev) / factor, []).append(form.label)
    low, high = min(found), max(found)
    return EacRange(known(low, _either(found[low])), known(high, _either(found[high])))


def _either(labels: Sequence[str]) -> str:
    return " or ".join(labels)


def tcpi_bac(p: Performance) -> Number:
    """To-complete performance index for the budget, (BAC − EV) / (BAC − AC). Above 1: harder."""
    if p.ev == p.bac:
        return unknown("complete")
    if p.bac - p.ac <= 0:
        return unknown("budget exhausted")
    return known((p.bac - p.ev) / (p.bac - p.ac))


def tcpi_eac(p: Performance, at_completion: Exact) -> Number:
    """To-complete performance index for an estimate, (BAC − EV) / (EAC − AC)."""
    if p.ev == p.bac:
        return unknown("complete")
    if exact(at_completion) <= p.ac:
        return unknown("the estimate at completion is spent")
    return known((p.bac - p.ev) / (exact(at_completion) - p.ac))


# ---- earned schedule ----------------------------------------------------------------------------


def planned_duration(pv: Sequence[Exact]) -> int:
    """Periods until PV reaches BAC: the first period with the last value. `pv` never falls."""
    return bisect_left(pv, pv[-1]) + 1


def earned_schedule(pv: Sequence[Exact], ev: Exact) -> Number:
    """The time, in periods, at which EV was planned to be earned. `pv` is cumulative, one a period.

    EV beyond BAC is clamped; a plateau of PV counts to its end; the first period interpolates
    from 0. `pv` never falls; only the few periods of a binary search are looked at.
    """
    if not pv or pv[-1] <= 0:
        return unknown("no time-phased plan")
    duration = planned_duration(pv)
    if ev >= pv[-1]:
        return known(duration)
    if ev <= 0:
        return known(0)
    whole = bisect_right(pv, ev)
    before = exact(pv[whole - 1]) if whole else Fraction(0)
    return known(whole + (exact(ev) - before) / (exact(pv[whole]) - before))


def spi_t(es: Exact, at: Exact) -> Number:
    """Schedule performance index in time, ES / AT."""
    return ratio(es, at, "AT is 0: the project has not begun")


def ieac_t(pd: Exact, es: Exact, at: Exact, factor: Exact | None = None) -> Number:
    """Independent estimate of the duration, AT + (PD − ES) / PF; PF is SPI(t) unless given.

    With SPI(t) it equals PD / SPI(t).
    """
    if factor is None:
        index = spi_t(es, at)
        if index.value is None:
            return index
        factor = index.value
    if factor <= 0:
        return unknown("no schedule earned yet: the factor is not positive")
    return known(exact(at) + (exact(pd) - exact(es)) / exact(factor))


def tspi(pd: Exact, es: Exact, at: Exact) -> Number:
    """To-complete schedule index, (PD − ES) / (PD − AT)."""
    if at >= pd:
        return unknown("the planned duration is over")
    return known((exact(pd) - exact(es)) / (exact(pd) - exact(at)))


def p_factor(planned_at_es: Iterable[Exact], earned: Iterable[Exact]) -> Number:
    """Schedule adherence: Σ min(PV at ES, EV) / Σ PV at ES, over the same tasks in one order."""
    pairs = [(exact(p), exact(e)) for p, e in zip(planned_at_es, earned, strict=True)]
    whole = exact_sum(p for p, _ in pairs)
    return ratio(exact_sum(min(p, e) for p, e in pairs), whole, "nothing is planned")
