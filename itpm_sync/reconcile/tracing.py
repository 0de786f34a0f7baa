"""The records behind a project's numbers, each with its contribution, rule and rates.

Contributions are computed by the functions that compute the figures (`labour.costed`, the ledger's
entries, `progress.earned_share`); nothing here has a formula of its own but a record's share.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from fractions import Fraction
from functools import cached_property
from typing import Any

from itpm_sync.model import Method, Milestone, Record, TimeEntry, WorkItem
from itpm_sync.reconcile.allocate import Placed
from itpm_sync.reconcile.baseline_terms import told
from itpm_sync.reconcile.context import Context
from itpm_sync.reconcile.exchange import ForeignCost
from itpm_sync.reconcile.explanation import Part
from itpm_sync.reconcile.facts import ProjectFacts, evidence_of, label, place
from itpm_sync.reconcile.folding import fold
from itpm_sync.reconcile.labour import foreign_cost
from itpm_sync.reconcile.money import Entry
from itpm_sync.reconcile.netting import Netted
from itpm_sync.reconcile.number import Number, decimal, exact_sum
from itpm_sync.reconcile.progress import Plan, earned_share, measured_by
from itpm_sync.reconcile.scope import is_done
from itpm_sync.reconcile.splits import restructured
from itpm_sync.reconcile.status import ScopeChange
from itpm_sync.reconcile.wording import count, day, money, show

_ONE = Number(Fraction(1))


class Traces:
    """The records of one project as parts. A `package` of `""` means all of the project."""

    def __init__(self, run: Context, facts: ProjectFacts) -> None:
        self._run, self._facts = run, facts
        self.by_code: Mapping[str, Plan] = {fold(f.plan.code): f.plan for f in facts.packages}

    @cached_property
    def _placed(self) -> Mapping[str, Placed[Record]]:
        own = self._facts.records.kinds
        gone = self._run.allocation.gone_from(self._facts.code).kinds
        return {p.record.id: p for kinds in (gone, own) for found in kinds.values() for p in found}

    def of(self, record: Record, number: Number, unit: str, **more: Any) -> Part:
        """A record with what it contributes."""
        placed, seen = self._placed.get(record.id), evidence_of(record)
        return Part(
            label=label(record),
            value=number.value,
            unit=unit,
            reason=number.reason,
            kind=record.kind,
            identity=record.id,
            url=seen.url or "",
            place=place(record),
            rule=placed.rule if placed else "",
            package=more.pop("package", placed.package if placed else ""),
            **more,
        )

    # ---- money ----------------------------------------------------------------------------------

    def booked(self, state: str, package: str) -> Iterable[Part]:
        """The ledger's entries of a state: orders, invoices or payments."""
        for entry in self._facts.ledger.entries:
            if entry.state == state and (not package or entry.package == package):
                yield self._entry(entry)

    def _entry(self, entry: Entry) -> Part:
        amount, own = entry.own
        note = self.netting(entry.record, entry.state, entry.on)
        if entry.payment is not None:
            note = f"net part of payment {entry.payment.id}"
        elif entry.state in ("invoiced", "accrued") and entry.record.id in self._disputed:
            note = "; ".join(t for t in (note, self._disputed[entry.record.id]) if t)
        return self.of(
            entry.record,
            entry.amount,
            self._facts.currency,
            package=entry.package,
            on=entry.on,
            source=money(amount, own),
            fx=self._fx(own, entry.on),
            note=note,
        )

    @cached_property
    def _disputed(self) -> Mapping[str, str]:
        return {d.record.id: f"disputed: {d.code}" for d in self._facts.disputed}

    def disputed(self, package: str) -> Iterable[Part]:
        """Each amount within AC that a finding disputes."""
        for one in self._facts.disputed:
            if package in ("", one.package):
                yield self.of(
                    one.record, one.amount, self._facts.currency, package=one.package, on=one.on,
                    source=money(*one.own), fx=self._fx(one.own[1], one.on), note=one.code,
                )  # fmt: skip

    def netting(self, record: Record, state: str, on: date) -> str:
        """What of an order line is committed, or accrued since a day, in its own currency; else
        empty.
        """
        netted = self._facts.documents.netted.get(record.id)
        if netted is None or state not in ("committed", "accrued"):
            return ""
        own = netted.line.amount.currency
        return _accrual(netted, on, own) if state == "accrued" else _netting(netted, own)

    def foreign(self) -> Iterable[tuple[Record, date, ForeignCost]]:
        """Each invoice line, accrual (by its order line) and time entry that is cost in another
        currency, with the day whose rate counts.
        """
        for entry in self._facts.ledger.foreign:
            yield entry.record, entry.on, entry.foreign
        currency = self._facts.currency
        for time, package, _ in self._facts.records.of(TimeEntry):
            abroad = foreign_cost(self._run.costed(time, currency), currency, time.duration_s)
            if abroad is not None:
                yield time, time.on, abroad._replace(package=package)

    def rate_of(self, own: str, on: date) -> Number:
        """What one unit of `own` was in the project's currency on a day."""
        return self._run.fx.rate(own, self._facts.currency, on)

    def _fx(self, own: str, on: date) -> str:
        return self.fx_to(self._facts.currency, own, on)

    def fx_to(self, base: str, own: str, on: date | None) -> str:
        """The rate that converts `own` to `base`, in words; empty where none is needed."""
        if not base or own == base:
            return ""
        on, fx = on or self._facts.data_date, self._run.fx
        return _rate_told(own, base, on, fx.rate(own, base, on), fx.quoted_on(own, base, on))

    def _planned_fx(self, own: str, planned: date | None) -> str:
        base, rates = self._facts.currency, self._facts.rates
        if not base or own == base:
            return ""
        days = rates.quoted_on(own, base, planned)
        return _rate_told(own, base, rates.day(planned), rates.rate(own, base, planned), days)

    def labour(self, package: str) -> Iterable[Part]:
        """Each time entry at the hourly rate in force on its day."""
        currency = self._facts.currency
        for entry in self._time(package):
            rate, cost, _ = self._run.costed(entry, currency)
            per_hour = f"{rate.per_hour} an hour, rate of {rate.of} ({rate.id})" if rate else ""
            yield self.of(
                entry,
                cost,
                currency,
                on=entry.on,
                source=f"{show(Fraction(entry.duration_s, 3600))} h",
                rate=per_hour,
                fx=self._fx(rate.per_hour.currency, entry.on) if rate else "",
            )

    def effort(self, package: str) -> Iterable[Part]:
        """Each time entry in seconds."""
        return self.seconds(self._time(package))

    def seconds(self, entries: Iterable[TimeEntry]) -> Iterable[Part]:
        """Time entries by their duration."""
        for entry in entries:
            hours = f"{show(Fraction(entry.duration_s, 3600))} h"
            yield self.of(entry, Number(Fraction(entry.duration_s)), "s", on=entry.on, source=hours)

    def _time(self, package: str) -> Iterable[TimeEntry]:
        found = self._facts.records.of(TimeEntry)
        return (p.record for p in found if not package or p.package == package)

    # ---- the plan -------------------------------------------------------------------------------

    def planned(self, plan: Plan, number: Number, unit: str, **more: Any) -> Part:
        """The work package that carries a number, as the baseline in force froze it."""
        note, baseline = more.pop("note", ""), self._facts.baseline
        if baseline is not None and any(fold(p.code) == fold(plan.code) for p in baseline.packages):
            frozen = told(baseline)
            note = f"{note}; {frozen}" if note else frozen
        if plan.record is not None:
            return self.of(plan.record, number, unit, package=plan.code, note=note, **more)
        name = " ".join(w for w in (plan.code, plan.name) if w)
        return Part(
            label=name, value=number.value, unit=unit, reason=number.reason, package=plan.code,
            note=note, **more,
        )  # fmt: skip

    def budget(self, plan: Plan) -> Part:
        """The budget of a package, as planned in its own currency."""
        own, on = plan.money, plan.start or plan.finish
        fx = self._planned_fx(own.currency, on) if own and plan.budget.value else ""
        source = str(own) if own is not None else ""
        return self.planned(plan, plan.budget, self._facts.currency, source=source, fx=fx)

    def planned_share(self, plan: Plan) -> Part:
        """How much of the package is planned to be done by the data date, as a term."""
        on, share = self._facts.data_date, plan.planned_share(self._facts.data_date)
        note = ""
        if share.value is not None and plan.finish is not None:
            start = plan.start or plan.finish
            gone, whole = (
                plan.calendar.worked(start, min(on, plan.finish)),
                plan.calendar.worked(start, plan.finish),
            )
            days = f"{day(start)} to {day(plan.finish)}"
            note = f"{_number(gone)} of {_number(whole)} working days from {days}"
            if plan.phases:
                parts = count(len(plan.phases), "part")
                note = f"time-phased by the plan in {parts} from {days}"
        return self.planned(plan, share, "ratio", symbol="planned share", note=note)

    def earned_share(self, plan: Plan) -> Part:
        """How much of the package is earned, by its measurement method, as a term."""
        share = earned_share(plan, self._facts.work, self.by_code)
        note = f"method: {measured_by(plan, self._facts.work).value}"
        note = f"{note}; {share.note}" if share.note else note
        return self.planned(plan, share, "ratio", symbol="earned share", note=note)

    # ---- progress -------------------------------------------------------------------------------

    def earned(self, plan: Plan) -> Iterable[Part]:
        """What the earned value of a budgeted package is made of: items, milestones or its plan."""
        share = earned_share(plan, self._facts.work, self.by_code)
        worth = plan.budget.value
        if not share.value or worth is None:
            return ()
        method, unit = measured_by(plan, self._facts.work), self._facts.unit
        if method is Method.ITEMS:
            return self._weighed({i.id: Fraction(1) for i in self._items(plan)}, plan, worth)
        if method is Method.POINTS:
            points = {i.id: Fraction(i.points) for i in self._items(plan) if i.points is not None}
            return self._weighed(points, plan, worth)
        if method is Method.MILESTONES:
            return self._milestones(plan, worth)
        term = self.earned_share(plan)
        return (replace(term, value=share.value * worth, unit=unit, symbol=""),)

    def _items(self, plan: Plan) -> Iterable[WorkItem]:
        return [p.record for p in self._facts.scope.current if p.package == plan.code]

    def _weighed(self, weights: Mapping[str, Fraction], plan: Plan, worth: Fraction) -> list[Part]:
        """The done items of a package, each with its share of the budget."""
        whole = sum(weights.values())
        return [
            self.of(
                item,
                Number(worth * weights[item.id] / whole),
                self._facts.unit,
                source=f"{decimal(weights[item.id])} of {decimal(Fraction(whole))}",
                on=self._facts.zone.day_of(item.resolved_at) if item.resolved_at else None,
            )
            for item in self._items(plan)
            if item.id in weights and is_done(item, self._facts.end)
        ]

    def _milestones(self, plan: Plan, worth: Fraction) -> list[Part]:
        found = self._facts.work.milestones.get(plan.code, ())
        weights = [Fraction(1 if m.weight is None else m.weight) for m in found]
        return [
            self.of(
                m,
                Number(worth * weight / sum(weights)),
                self._facts.unit,
                source=f"weight {decimal(weight)} of {decimal(sum(weights, Fraction(0)))}",
                on=m.actual,
            )
            for m, weight in zip(found, weights, strict=True)
            if _is_reached(m, self._facts.data_date)
        ]

    # ---- scope ----------------------------------------------------------------------------------

    def items(self, package: str | None, *, done: bool = False) -> Iterable[Part]:
        """Live scope items, one each; `package` None: all of the project."""
        for item, home, _ in self._facts.scope.current:
            if package in (None, home) and (not done or is_done(item, self._facts.end)):
                yield self.of(item, _ONE, "items", source=item.source_status)

    def items_earlier(self) -> Iterable[Part]:
        """What was in scope a month ago, one each; some of it was cancelled or deleted since."""
        for item in self._facts.scope.earlier:
            yield self.of(item, _ONE, "items", source=item.source_status)

    @property
    def gone_items(self) -> Sequence[Placed[WorkItem]]:
        """The project's items that were deleted at their source."""
        return self._run.allocation.gone_from(self._facts.code).of(WorkItem)

    def members(self, package: str | None, *, done: bool = False) -> Iterable[Part]:
        """Items of the baseline, one each; those that left since have no live record."""
        facts = self._facts
        live = {p.record.id: p.record for p in facts.scope.current}
        for identity, home in sorted((facts.scope.members or {}).items()):
            if package not in (None, home):
                continue
            if done and (identity not in live or not is_done(live[identity], facts.end)):
                continue
            yield self._member(identity, home)

    def _member(self, identity: str, home: str) -> Part:
        placed, baseline = self._placed.get(identity), self._facts.baseline
        note = f"in {self._facts.scope.label}"
        if placed is not None:
            return self.of(placed.record, _ONE, "items", package=home, note=note)
        frozen = (
            next((i for i in baseline.items if i.identity == identity), None) if baseline else None
        )
        name = f"{frozen.key} {frozen.title}" if frozen else identity
        return Part(
            label=name, value=_ONE.value, unit="items", kind="work_item", identity=identity,
            package=home, note=f"{note}; no longer in the project",
        )  # fmt: skip

    def changes(self, change: str, *, by_split: bool = False) -> Iterable[Part]:
        """Items added to the baseline's scope or removed from it, one each; all, or those that
        were split or merged.
        """
        for one in self._facts.scope.changes:
            if one.change == change and (one.by or not by_split):
                yield self._change(one)

    def _change(self, one: ScopeChange) -> Part:
        unapproved = "needs no approval" if one.size_kept else "without approval"
        note = f"approved by {one.approved_by}" if one.approved_by else unapproved
        note = f"{restructured(one)}; {note}" if one.by else note
        placed = self._placed.get(one.identity)
        if placed is not None:
            more = {"package": one.work_package, "on": one.on, "note": note}
            return self.of(placed.record, _ONE, "items", **more)
        return Part(
            label=f"{one.key} {one.title}".strip() or one.identity, value=_ONE.value, unit="items",
            kind="work_item", identity=one.identity, package=one.work_package, on=one.on,
            note=f"{note}; no longer in the project",
        )  # fmt: skip


def _rate_told(own: str, base: str, on: date, rate: Number, quoted: Sequence[date]) -> str:
    """`1 USD = 0.88 EUR on 5 Mar 2026 (rate of 2 Mar 2026)`; of a later quote its note tells."""
    if rate.value is None:
        return rate.reason
    older = quoted if quoted and quoted[0] < on and quoted[-1] <= on else ()
    of = f"rate{'s' if len(older) > 1 else ''} of {' and '.join(map(day, older))}" if older else ""
    over = "; ".join(note for note in (rate.note, of) if note)
    return f"1 {own} = {decimal(rate.value)} {base} on {day(on)}" + (f" ({over})" if over else "")


def _is_reached(milestone: Milestone, on: date) -> bool:
    return milestone.actual is not None and milestone.actual <= on


def _number(days: int | Fraction) -> str:
    return show(Fraction(days), 0 if days == int(days) else 2)


def _netting(netted: Netted, own: str) -> str:
    used = netted.ordered - netted.open
    word = "received" if used == netted.received else "invoiced"
    return f"ordered {money(netted.ordered, own)} − {word} {money(used, own)}"


def _accrual(netted: Netted, since: date, own: str) -> str:
    """The receipts of the day, and how much of all that came is invoiced."""
    found = [came for came in netted.receipts if came.on == since and came.amount > 0]
    places = "; ".join(place(came.receipt) or came.receipt.id for came in found)
    worth = money(exact_sum(came.amount for came in found), own)
    came = f"received {worth} ({places})" if found else "invoiced, and credited again"
    whole, billed = netted.received, netted.received - netted.accrued
    return f"{came}; of {money(whole, own)} in all, {money(billed, own)} is invoiced"
