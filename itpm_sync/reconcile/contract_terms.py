"""What the figures of a project's contracts are made of: `contract:NUMBER:burn` and its terms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from itpm_sync.reconcile.contracts import ContractEntry, ContractFacts, elapsed_days, term_days
from itpm_sync.reconcile.explanation import Part
from itpm_sync.reconcile.facts import ProjectFacts, evidence_of, label, place
from itpm_sync.reconcile.number import Number, figure, known, unknown
from itpm_sync.reconcile.status import Figure
from itpm_sync.reconcile.tracing import Traces
from itpm_sync.reconcile.wording import day, money

_BURN = "((invoiced + accrued) / ceiling) / (elapsed / term)"
_LABELS: Mapping[str, str] = {
    "ordered": "Ordered under contract",
    "committed": "Open orders under contract",
    "accrued": "Received and not invoiced under contract",
    "invoiced": "Invoiced under contract",
    "burn": "Value used ÷ time elapsed of contract",
}


class Made(NamedTuple):
    """A formula over inputs, or the sum of parts."""

    formula: str = ""
    inputs: Sequence[Part] = ()
    parts: Sequence[Part] = ()


def numbers(facts: ProjectFacts) -> Mapping[str, Number]:
    """The unrounded numbers of each contract by the name of their figure."""
    return {
        name_of(c, state): c.burn if state == "burn" else c.sums[state]
        for c in facts.contracts
        for state in _LABELS
    }


def figures(facts: ProjectFacts) -> Mapping[str, Figure]:
    """The figures of each contract by name, money in the contract's own currency."""
    found = numbers(facts)
    return {
        (name := name_of(c, state)): figure(
            name,
            f"{words} {c.contract.number}",
            found[name] if state == "burn" or c.currency else unknown("several currencies"),
            "ratio" if state == "burn" else c.currency,
        )
        for c in facts.contracts
        for state, words in _LABELS.items()
    }


def name_of(contract: ContractFacts, state: str) -> str:
    """How a figure of a contract is called in `explain`."""
    return f"contract:{contract.contract.number}:{state}"


def made(facts: ProjectFacts, traces: Traces, name: str) -> Made:
    """How a figure of a contract is made; `name` is one of `numbers`."""
    contract, state = next(
        (c, s) for c in facts.contracts for s in _LABELS if name_of(c, s) == name
    )
    if state != "burn":
        return Made(parts=[_entry(traces, contract, state, e) for e in contract.entries[state]])
    return Made(_BURN, [*_money_terms(contract), *_time_terms(contract, facts)])


def _entry(traces: Traces, contract: ContractFacts, state: str, entry: ContractEntry) -> Part:
    record, base, own = entry.record, contract.currency, entry.record.amount.currency
    fx = traces.fx_to(base, own, entry.on)
    source, note = money(entry.own, own), traces.netting(record, state, entry.on)
    return traces.of(record, entry.number, base, on=entry.on, source=source, fx=fx, note=note)


def _money_terms(c: ContractFacts) -> Sequence[Part]:
    ceiling = c.contract.ceiling
    spent = [
        Part(
            label=f"{_LABELS[state]} {c.contract.number}", value=c.sums[state].value,
            unit=c.currency, reason=c.sums[state].reason, symbol=state, figure=name_of(c, state),
        )
        for state in ("invoiced", "accrued")
    ]  # fmt: skip
    value = known(ceiling.amount) if ceiling is not None else unknown("no ceiling")
    return [*spent, _of_contract(c, "ceiling", value, c.currency)]


def _time_terms(c: ContractFacts, facts: ProjectFacts) -> Sequence[Part]:
    start, end = c.contract.start, c.contract.end
    if start is None or end is None:
        none = unknown("no usable term")
        return [_of_contract(c, w, none, "days") for w in ("elapsed", "term")]
    until = min(facts.data_date, end)
    gone, whole = known(elapsed_days(start, end, facts.data_date)), known(term_days(start, end))
    return [
        _of_contract(c, "elapsed", gone, "days", f"{day(start)} to {day(until)}"),
        _of_contract(c, "term", whole, "days", f"{day(start)} to {day(end)}"),
    ]


def _of_contract(c: ContractFacts, symbol: str, number: Number, unit: str, note: str = "") -> Part:
    record = c.contract
    return Part(
        label=label(record), value=number.value, unit=unit, reason=number.reason, symbol=symbol,
        kind=record.kind, identity=record.id, url=evidence_of(record).url or "",
        place=place(record), note=note,
    )  # fmt: skip
