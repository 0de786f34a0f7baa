"""The records behind the figures of quality and risk."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction

from itpm_sync.model import HelpDeskItem, Risk
from itpm_sync.reconcile.explanation import Part
from itpm_sync.reconcile.facts import ProjectFacts, evidence_of, label, place
from itpm_sync.reconcile.number import Number, known
from itpm_sync.reconcile.quality import Defect
from itpm_sync.reconcile.ratings import is_open_risk
from itpm_sync.reconcile.risks import exposure_before
from itpm_sync.reconcile.tracing import Traces
from itpm_sync.reconcile.wording import day

Parts = Callable[[], Iterable[Part]]


def told(facts: ProjectFacts, traces: Traces) -> Mapping[str, Parts]:
    """Figures that are the sum of records, each with how to list them."""
    quality, exposure = facts.quality, facts.exposure

    def each(
        defects: Sequence[Defect], share: Fraction = Fraction(1), unit: str = "items"
    ) -> Parts:
        return lambda: [
            traces.of(d.item, known(share), unit, source=d.item.source_status) for d in defects
        ]

    judged = sum(d.escaped is not None for d in quality.defects)
    open_risks = [p.record for p in facts.records.of(Risk) if is_open_risk(p.record)]
    return {
        "open_defects": each([d for d, _ in quality.open]),
        "defects_opened": each(quality.opened),
        "defects_closed": each(quality.closed),
        "defects_reopened": each(quality.reopened),
        "defects_escaped": each(quality.escaped),
        "escaped_share": each(quality.escaped, Fraction(100, judged or 1), "percent"),
        "desk_reopened": lambda: _desk(quality.desk, traces),
        "risks_open": lambda: [traces.of(r, known(1), "items") for r in open_risks],
        "risk_exposure": lambda: [
            traces.of(r, number, facts.currency, source=f"{r.probability} · {r.impact}")
            for r, number in exposure.parts
        ],
        "risk_exposure_before": lambda: _before(facts),
    }


def _before(facts: ProjectFacts) -> Iterable[Part]:
    """The figure as the snapshot before kept it."""
    number = exposure_before(facts.previous, facts.previous_on, facts.currency, facts.data_date)
    if number.value is not None and facts.previous_on is not None:
        words = f"Risk exposure of the snapshot of {day(facts.previous_on)}"
        yield Part(label=words, value=number.value, unit=facts.currency, on=facts.previous_on)


def _desk(judged: Sequence[tuple[HelpDeskItem, bool]], traces: Traces) -> Iterable[Part]:
    for item, again in judged:
        share: Number = known(Fraction(100, len(judged)) if again else 0)
        note = f"reopened {item.reopened} times" if again else "never reopened"
        yield traces.of(item, share, "percent", note=note)


def ages(facts: ProjectFacts) -> Sequence[Part]:
    """The open defects by their age in days, the oldest first."""
    return [
        Part(
            label=label(d.item), value=Fraction(age), unit="days", kind=d.item.kind,
            identity=d.item.id, url=evidence_of(d.item).url or "", place=place(d.item),
            source=d.item.source_status,
        )
        for d, age in facts.quality.open
    ]  # fmt: skip
