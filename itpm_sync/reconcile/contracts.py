"""Contracts against their ceiling, their term and the clock of their notice.

Burn = ((invoiced + accrued) / ceiling) ÷ (elapsed / term), both in calendar days. A contract's
money is that of all orders and invoices which name it, in whichever project they are; an invoice
that names none is under the contracts of the order lines that it bills, else of its order.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from itpm_sync.model import Contract, InvoiceLine, Money, OrderLine
from itpm_sync.reconcile.accruals import still_open
from itpm_sync.reconcile.exchange import FxGap
from itpm_sync.reconcile.folding import fold
from itpm_sync.reconcile.inputs import Policy
from itpm_sync.reconcile.money import Documents
from itpm_sync.reconcile.netting import net_amount
from itpm_sync.reconcile.number import Number, as_money, decimal, figure, known, total, unknown
from itpm_sync.reconcile.status import Colour, ContractStatus
from itpm_sync.reconcile.wording import apart, count, day, plain, sentence, show

_OVER = frozenset({"closed", "cancelled", "canceled", "terminated", "expired", "draft"})
_WHOLE = Fraction(1)


class ContractEntry(NamedTuple):
    """What a record adds to a state of a contract, in the contract's currency at the day's rate;
    `own` is it in the record's own currency.
    """

    record: OrderLine | InvoiceLine
    own: Fraction
    number: Number
    on: date


@dataclass(frozen=True, slots=True)
class ContractFacts:
    """A contract with its money in its own currency, and what findings need."""

    contract: Contract
    status: ContractStatus
    currency: str  # of its money; empty where documents have several and there is no ceiling
    ordered: Number
    committed: Number
    invoiced: Number
    burn: Number
    notice_deadline: date | None
    late_invoices: tuple[InvoiceLine, ...]  # dated after the end of the term
    entries: Mapping[str, Sequence[ContractEntry]]  # by state: what each record adds, in `currency`
    sums: Mapping[str, Number]  # by state: ordered, committed, accrued, invoiced
    gaps: tuple[FxGap, ...]

    @property
    def used(self) -> Number:
        """Invoiced, and received and not invoiced yet."""
        return total((self.invoiced, self.sums["accrued"]))

    @property
    def is_live(self) -> bool:
        """Whether its clock still runs, in the source's own word."""
        return fold(self.contract.status) not in _OVER


class Billed(NamedTuple):
    """The part of an invoice line that is under a contract."""

    invoice: InvoiceLine
    part: Fraction  # of 1


class ContractMoney:
    """Orders and invoices of every contract, by its number; indexed once for the portfolio.

    `not_netted`: what open orders are not lessened by, see `unread`.
    """

    def __init__(
        self, documents: Documents, invoices: Sequence[InvoiceLine], not_netted: str = ""
    ) -> None:
        self.documents, self.not_netted = documents, not_netted
        self._orders: dict[str, list[OrderLine]] = defaultdict(list)
        self._billed: dict[str, list[Billed]] = defaultdict(list)
        for order in documents.orders:
            if order.contract:
                self._orders[fold(order.contract)].append(order)
        for invoice in invoices:
            for contract, part in self._parts(invoice).items():
                if contract:
                    self._billed[contract].append(Billed(invoice, part))

    def _parts(self, invoice: InvoiceLine) -> Mapping[str, Fraction]:
        """The contracts of an invoice line: its own word; else those of the order lines that it
        bills; else, as without a rate, the first of those that it can be for.
        """
        if named := fold(invoice.contract):
            return {named: _WHOLE}
        found: dict[str, Fraction] = defaultdict(Fraction)
        for line, part in self.documents.shares.get(invoice.id, ()):
            found[fold(line.contract)] += part
        if found:
            return found
        of_order = (fold(line.contract) for line in self.documents.likely.get(invoice.id, ()))
        return {next(filter(None, of_order), ""): _WHOLE}

    def orders(self, contract: Contract) -> Sequence[OrderLine]:
        """Order lines under the contract, cancelled ones left out."""
        return self._orders.get(fold(contract.number), ())

    def billed(self, contract: Contract) -> Sequence[Billed]:
        """What is invoiced under the contract or under one of its order lines."""
        return self._billed.get(fold(contract.number), ())


def contract_facts(
    contract: Contract, money: ContractMoney, policy: Policy, data_date: date
) -> ContractFacts:
    """One contract on the data date."""
    currency, gaps = _currency(contract, money), list[FxGap]()
    fx = money.documents.fx

    def entry(
        amount: Fraction, on: date | None, record: OrderLine | InvoiceLine, gap: FxGap | None = None
    ) -> ContractEntry:
        on, own = on or data_date, record.amount.currency
        rate = fx.rate(own, currency, on) if currency else unknown("no currency")
        if gap is not None:
            return ContractEntry(record, amount, gap.number, on)
        if rate.value is None:
            gaps.append(FxGap(own, currency, on, record))
            return ContractEntry(record, amount, rate, on)
        return ContractEntry(record, amount, known(amount * rate.value), on)

    rows = [money.documents.netted[o.id] for o in money.orders(contract)]
    billed = money.billed(contract)
    entries = {
        "ordered": [entry(r.ordered, r.line.ordered_on, r.line) for r in rows],
        "committed": [entry(r.open, r.line.ordered_on, r.line, r.gap) for r in rows],
        "accrued": [
            entry(left, since, r.line, r.gap)
            for r in rows
            for since, left in still_open(r.postings)
        ],
        "invoiced": [entry(net_amount(i) * part, i.invoiced_on, i) for i, part in billed],
    }
    sums = {state: total(e.number for e in found) for state, found in entries.items()}
    if rows and sums["committed"].value is not None:
        sums["committed"] = sums["committed"].noted(money.not_netted)
    ordered, committed, invoiced = sums["ordered"], sums["committed"], sums["invoiced"]
    burn = _burn(contract, total((invoiced, sums["accrued"])), data_date)
    deadline = notice_deadline(contract)
    colour, reason = _rate(contract, invoiced, burn, deadline, policy, today=data_date)
    late = tuple(i for i, _ in billed if contract.end and i.invoiced_on > contract.end)
    status = ContractStatus(
        identity=contract.id,
        number=contract.number,
        title=contract.title,
        vendor=contract.vendor,
        ceiling=contract.ceiling,
        committed=as_money(committed, currency),
        invoiced=as_money(invoiced, currency),
        accrued=as_money(sums["accrued"], currency),
        start=contract.start,
        end=contract.end,
        notice_deadline=deadline,
        burn=figure("burn", "Value used ÷ time elapsed", burn, "ratio"),
        colour=colour,
        reason=sentence(reason),
        url=contract.ref.url,
    )
    return ContractFacts(
        contract, status, currency, ordered, committed, invoiced, burn, deadline, late, entries,
        sums, tuple(gaps),
    )  # fmt: skip


def _currency(contract: Contract, money: ContractMoney) -> str:
    if contract.ceiling is not None:
        return contract.ceiling.currency
    documents: Iterable[OrderLine | InvoiceLine] = (
        *money.orders(contract),
        *(b.invoice for b in money.billed(contract)),
    )
    found = {d.amount.currency for d in documents}
    return found.pop() if len(found) == 1 else ""


def notice_deadline(contract: Contract) -> date | None:
    """The last day on which notice can be given: end − notice period."""
    if contract.end is None or contract.notice_days is None:
        return None
    try:
        return contract.end - timedelta(days=contract.notice_days)
    except OverflowError:
        return None


def _burn(contract: Contract, used: Number, data_date: date) -> Number:
    if contract.ceiling is None or contract.ceiling.amount <= 0:
        return unknown("the contract has no ceiling")
    if contract.start is None or contract.end is None or contract.end < contract.start:
        return unknown("the contract has no usable term")
    if used.value is None:
        return used
    elapsed = elapsed_days(contract.start, contract.end, data_date)
    if elapsed <= 0:
        return unknown("the term has not begun")
    term = term_days(contract.start, contract.end)
    return known(used.value / Fraction(contract.ceiling.amount) / Fraction(elapsed, term))


def elapsed_days(start: date, end: date, data_date: date) -> int:
    """Calendar days of a term up to the data date, both included."""
    return term_days(start, min(data_date, end))


def term_days(start: date, end: date) -> int:
    """Calendar days of a term, both ends included."""
    return (end - start).days + 1


def _rate(  # noqa: PLR0911 - a decision table, the worst first
    contract: Contract,
    invoiced: Number,
    burn: Number,
    deadline: date | None,
    policy: Policy,
    *,
    today: date,
) -> tuple[Colour, str]:
    """The worst that is true of the contract, and the sentence that says so."""
    if fold(contract.status) in _OVER:
        return Colour.GREY, f"status {contract.status}"
    ceiling = contract.ceiling
    if ceiling is not None and invoiced.value is not None and invoiced.value > ceiling.amount:
        money = Money(decimal(invoiced.value), ceiling.currency)
        return Colour.RED, f"invoiced {money} of a ceiling of {ceiling}"
    if contract.end is not None and contract.end < today:
        return Colour.RED, f"expired on {day(contract.end)}"
    if burn.value is not None and burn.value >= policy.burn_red:
        return Colour.RED, _fast(burn.value, policy.burn_red, policy)
    soon = _notice_colour(deadline, policy, today)
    if soon is not None:
        return soon
    if burn.value is not None and burn.value >= policy.burn_amber:
        return Colour.AMBER, _fast(burn.value, policy.burn_amber, policy)
    if contract.end is None and burn.value is None:
        return Colour.GREY, f"no end date; burn: {burn.reason}"
    known_burn = f"burn {show(burn.value)}" if burn.value is not None else burn.reason
    ends = f"; ends {day(contract.end)}" if contract.end is not None else ""
    return Colour.GREEN, f"{known_burn}{ends}"


def _fast(burn: Fraction, bound: Decimal, policy: Policy) -> str:
    """In digits that tell it from the next bound, too."""
    return f"burn {apart(burn, policy.burn_red)} is at or above {plain(bound)}"


def _notice_colour(deadline: date | None, policy: Policy, today: date) -> tuple[Colour, str] | None:
    if deadline is None or not policy.notice_days:
        return None
    days = (deadline - today).days
    if days < 0:
        return Colour.AMBER, f"the notice deadline {day(deadline)} has passed"
    if days > max(policy.notice_days):
        return None
    colour = Colour.RED if days <= sorted(policy.notice_days)[:2][-1] else Colour.AMBER
    left = f"in {count(days, 'day')}" if days else "today"
    return colour, f"notice is due by {day(deadline)}, {left}"
