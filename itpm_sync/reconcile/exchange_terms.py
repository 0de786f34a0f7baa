"""The records behind the FX variance, each with the rate of its day and that of the baseline."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from itpm_sync.reconcile.exchange import NO_FOREIGN_COST, signed
from itpm_sync.reconcile.explanation import Part
from itpm_sync.reconcile.facts import ProjectFacts
from itpm_sync.reconcile.number import Number, decimal, figure, unknown
from itpm_sync.reconcile.status import Figure
from itpm_sync.reconcile.tracing import Traces
from itpm_sync.reconcile.wording import money

NAME, LABEL = "fx_variance", "FX variance"


def numbers(facts: ProjectFacts, package: str = "") -> Mapping[str, Number]:
    """The number of the project or of a package, also where the status leaves it out: without cost
    in another currency.
    """
    if not package or not facts.in_money:
        return {NAME: facts.numbers[NAME]}
    return {NAME: facts.fx_variances.get(package, unknown(NO_FOREIGN_COST))}


def figures(facts: ProjectFacts, package: str = "") -> Mapping[str, Figure]:
    """The same as a figure."""
    return {NAME: figure(NAME, LABEL, numbers(facts, package)[NAME], facts.unit)}


def parts(facts: ProjectFacts, traces: Traces, package: str = "") -> Iterable[Part]:
    """amount × (rate of its day − rate of the baseline) of each foreign cost; those of a package
    add up to its variance, and all of them to the project's.
    """
    base = facts.currency
    if facts.rates.baseline is None:
        return
    for record, on, cost in traces.foreign():
        if package not in ("", cost.package):
            continue
        then, now = facts.rates.then(cost.currency, base), traces.rate_of(cost.currency, on)
        note = ""
        if then.value is not None and now.value is not None:
            how = f" ({then.note})" if then.note else ""
            note = (
                f"{facts.rates.version}: {decimal(then.value)} {base}{how}; difference "
                f"{signed(now.value - then.value)}"
            )
        yield traces.of(
            record, cost.moved(then), base, on=on, note=note, package=cost.package,
            source=money(cost.amount, cost.currency), fx=traces.fx_to(base, cost.currency, on),
        )  # fmt: skip
