"""The money ledger: budget → committed → received → invoiced → paid.

Everything is exact and in one currency, converted at the rate in force on the day of each
transaction. No rate means an undefined sum and a gap to report, never a rate of 1. Orders, receipts
and invoices are netted once: what is received leaves the open order balance; where nothing is
received in the order's books, what is invoiced does.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from typing import NamedTuple

from itpm_sync.model import InvoiceLine, Money, OrderLine, Payment, Receipt, Record
from itpm_sync.reconcile.accruals import still_open
from itpm_sync.reconcile.allocate import Placed
from itpm_sync.reconcile.exchange import ForeignCost, FxGap, FxTable
from itpm_sync.reconcile.folding import fold
from itpm_sync.reconcile.netting import (
    Home,
    Netted,
    Order,
    Share,
    is_cancelled,
    net_amount,
)
from itpm_sync.reconcile.number import ZERO, Exact, Number, exact, exact_sum, unknown

# ---- amounts ------------------------------------------------------------------------------------


def allocate_minor(total_minor: int, weights: Sequence[Exact]) -> tuple[int, ...]:
    """Split minor units (cents) by weight so that the parts sum to the whole.

    Largest remainder (Hamilton); ties go to the earlier part, so order the parts by a stable id.
    The sign is kept; weights that are all zero split equally. Raises ValueError without parts or
    with a negative weight.
    """
    if not weights:
        raise ValueError("nothing to allocate to: no weights")
    shares = [Fraction(w) for w in weights]
    if min(shares) < 0:
        raise ValueError("a weight is negative")
    if not sum(shares):
        shares = [Fraction(1)] * len(shares)
    sign, whole, base = (-1 if total_minor < 0 else 1), abs(total_minor), sum(shares)
    exact = [whole * s / base for s in shares]
    parts = [int(e) for e in exact]
    ranked = sorted(range(len(parts)), key=lambda i: (parts[i] - exact[i], i))
    for i in ranked[: whole - sum(parts)]:
        parts[i] += 1
    return tuple(sign * p for p in parts)


def money_total(amounts: Iterable[Money]) -> Money | None:
    """The sum, if all are of one currency."""
    found = list(amounts)
    currencies = {m.currency for m in found}
    if len(currencies) != 1:
        return None
    return Money(sum((m.amount for m in found), Decimal(0)), currencies.pop())


def is_credit(lines: Sequence[InvoiceLine]) -> bool:
    """True of a credit note: where its source says so, or where the lines together are below 0."""
    whole = money_total(i.amount for i in lines)
    return any(i.credit_note for i in lines) or (whole is not None and whole.amount < 0)


# ---- documents ----------------------------------------------------------------------------------


class Paid(NamedTuple):
    """A part of a payment that belongs to one invoice line: net, in the invoice's currency."""

    line: InvoiceLine
    amount: Fraction
    on: date
    payment: Payment | None = None  # None: the invoice itself says that it is paid


class Documents:
    """Orders, receipts, invoices and payments of the whole portfolio, joined once.

    The records must be live at the data date, and none of a later day. `homes`: project and package
    of order and invoice lines, by identity. Cancelled orders commit nothing; what came of them
    counts all the same.
    """

    def __init__(
        self,
        orders: Sequence[OrderLine],
        receipts: Sequence[Receipt],
        invoices: Sequence[InvoiceLine],
        payments: Sequence[Payment],
        fx: FxTable,
        *,
        homes: Mapping[str, Home],
        data_date: date,
    ) -> None:
        self.fx = fx
        self.orders = [o for o in orders if not is_cancelled(o)]
        self._by_order = _by_order(self.orders)
        self.invoices_of_order: dict[str, list[InvoiceLine]] = defaultdict(list)
        for invoice in invoices:
            if invoice.order:
                self.invoices_of_order[fold(invoice.order)].append(invoice)
        netting = {n: Order(lines, fx, homes) for n, lines in _by_order(orders).items()}
        self._numbers = netting.keys()
        self.orphan_receipts = [
            r for r in receipts if (o := netting.get(fold(r.order))) is None or not o.receive(r)
        ]
        self.netted: dict[str, Netted] = {}
        self.bills: dict[str, Sequence[InvoiceLine]] = {}  # that name an order line, by its id
        self.shares: dict[str, Sequence[Share]] = {}  # what each invoice line of an order bills
        self.likely: dict[str, Sequence[OrderLine]] = {}  # that one can be for which has no shares
        for number, order in netting.items():
            order.bill(self.invoices_of_order.get(number, ()))
            self.netted |= {n.line.id: n for n in order.netted()}
            self.bills |= order.bills
            self.shares |= order.shares
            self.likely |= order.likely
        # a connection that books no receipts says nothing by their absence
        self.books_receipts = {
            n.line.ref.connection for n in self.netted.values() if n.has_receipts
        }
        self.settlements, self.orphan_payments = _settled(invoices, payments, fx, data_date)
        self.paid = [part for s in self.settlements for part in s.parts()]

    def has_order(self, order: str) -> bool:
        """Whether an order of that number is known and not cancelled."""
        return fold(order) in self._by_order

    def knows(self, order: str) -> bool:
        """Whether an order of that number is known, be it cancelled."""
        return fold(order) in self._numbers

    def lines_of(self, order: str) -> Sequence[OrderLine]:
        """The lines of an order that are not cancelled."""
        return self._by_order.get(fold(order), ())


def _by_order(lines: Iterable[OrderLine]) -> dict[str, list[OrderLine]]:
    found: dict[str, list[OrderLine]] = defaultdict(list)
    for line in lines:
        found[fold(line.order)].append(line)
    return dict(found)


@dataclass(eq=False)
class Settlement:
    """An invoice or credit note with what was paid for it, in its currency and gross."""

    lines: Sequence[InvoiceLine]
    currency: str
    payments: list[tuple[Payment, Fraction]] = field(default_factory=list)
    marked: Sequence[InvoiceLine] = ()  # without payments: lines that say that they are paid

    @cached_property
    def gross(self) -> Fraction:
        """Net and tax of all lines; below 0: a credit note."""
        return exact_sum(gross_amount(line) for line in self.lines)

    @property
    def paid(self) -> Fraction:
        """What was paid, less what was paid back."""
        marked = (gross_amount(line) for line in self.marked)
        return exact_sum((*(amount for _, amount in self.payments), *marked))

    def parts(self) -> Iterable[Paid]:
        """What is paid of each line, net: by gross amount, of a bill that its own credit note takes
        back over the bill's lines; else, without payments, what lines say themselves.
        """
        lines = self.lines if self.gross else [i for i in self.lines if gross_amount(i) > 0]
        whole = exact_sum(gross_amount(line) for line in lines)
        for payment, amount in self.payments:
            for line in lines:
                yield Paid(line, net_amount(line) * amount / whole, payment.paid_on, payment)
        for line in self.marked:
            if line.paid_on is not None:
                yield Paid(line, net_amount(line), line.paid_on)


def _settled(
    invoices: Sequence[InvoiceLine], payments: Sequence[Payment], fx: FxTable, data_date: date
) -> tuple[Sequence[Settlement], list[Payment]]:
    """Every invoice with its payments, and payments of none. A payment that names no vendor, or
    another, is for all invoices of its number.
    """
    documents: dict[tuple[str, str], list[InvoiceLine]] = defaultdict(list)
    by_number: dict[str, list[InvoiceLine]] = defaultdict(list)
    for line in invoices:
        documents[fold(line.invoice), fold(line.vendor)].append(line)
        by_number[fold(line.invoice)].append(line)
    found: dict[tuple[str, ...], Settlement] = {}
    orphans: list[Payment] = []
    for payment in payments:
        number = fold(payment.invoice)
        lines = documents.get((number, fold(payment.vendor))) or by_number.get(number, [])
        if not any(gross_amount(line) for line in lines):
            orphans.append(payment)
            continue
        currency = lines[0].amount.currency
        amount = fx.convert(payment.amount, currency, payment.paid_on).value
        if amount is None:
            orphans.append(payment)
            continue
        key = tuple(line.id for line in lines)
        found.setdefault(key, Settlement(lines, currency)).payments.append((payment, amount))
    settled = {line.id for one in found.values() for line in one.lines}
    for lines in documents.values():
        left = [line for line in lines if line.id not in settled]
        marked = [i for i in left if i.paid_on is not None and i.paid_on <= data_date]
        if left:
            key = tuple(line.id for line in left)
            found[key] = Settlement(left, left[0].amount.currency, marked=marked)
    return [*found.values()], orphans


def gross_amount(line: InvoiceLine) -> Fraction:
    """Net and tax, as far as the line tells it; a credit note takes away."""
    tax = exact(line.tax.amount) if line.tax is not None else Fraction(0)
    return net_amount(line) + (-abs(tax) if line.credit_note else tax)


# ---- the ledger of a project --------------------------------------------------------------------

STATES = ("ordered", "committed", "received", "accrued", "invoiced", "paid")


class Entry(NamedTuple):
    """One amount of the ledger, in the project's currency; `own` is it in the document's."""

    package: str
    state: str
    on: date
    amount: Number
    record: Record
    own: tuple[Fraction, str]
    payment: Payment | None = None  # by which an invoice line was paid

    @property
    def foreign(self) -> ForeignCost:
        """The amount in the document's own currency beside what it came to."""
        return ForeignCost(*self.own, self.amount, self.package)


class Disputed(NamedTuple):
    """An amount within the cost that a finding disputes; as in `Entry`."""

    record: Record
    package: str
    on: date
    own: tuple[Fraction, str]
    amount: Number
    code: str  # of the finding


@dataclass(frozen=True, slots=True)
class Ledger:
    """Sums of a project by state and package; package `""` is what no package could take."""

    currency: str
    entries: tuple[Entry, ...]
    sums: Mapping[tuple[str, str], Number]  # (state, package)
    totals: Mapping[str, Number]  # by state
    accrued_by_day: Sequence[tuple[date, Fraction]] | None  # reversals too; None: a rate lacks
    gaps: tuple[FxGap, ...]

    @property
    def foreign(self) -> Iterable[Entry]:
        """What of the actual cost is in another currency."""
        spent = ("invoiced", "accrued")
        return (e for e in self.entries if e.state in spent and e.own[1] != self.currency)

    def sum(self, state: str, package: str) -> Number:
        """The sum of a state in a package; 0 where nothing was booked."""
        return self.sums.get((state, package), ZERO)


def ledger(
    currency: str,
    documents: Documents,
    *,
    orders: Sequence[Placed[OrderLine]],
    invoices: Sequence[Placed[InvoiceLine]],
    paid: Sequence[Paid],
    payments: Sequence[Placed[Payment]],
    data_date: date,
) -> Ledger:
    """The ledger of one project: `paid` are the parts that belong to its invoice lines, `payments`
    those of its payments that no invoice explains.
    """
    book = _Book(currency, documents.fx)
    for placed in orders:
        netted = documents.netted.get(placed.record.id)
        if netted is not None:
            book.post_order(placed.package, netted, data_date)
    packages, of_lines = {}, {o.record.id: o.package for o in orders}
    for bill in invoices:
        invoice = bill.record
        packages[invoice.id] = bill.package
        for package, share in _by_package(bill, documents, of_lines):
            money = (share * net_amount(invoice), invoice.amount.currency)
            book.post(package, "invoiced", invoice.invoiced_on, money, invoice)
    for part in paid:
        money = (part.amount, part.line.amount.currency)
        package = packages.get(part.line.id, "")
        book.post(package, "paid", part.on, money, part.line, by=part.payment)
    for orphan in payments:
        payment = orphan.record
        money = (exact(payment.amount.amount), payment.amount.currency)
        book.post(orphan.package, "paid", payment.paid_on, money, payment)
    accrued = _accrued(currency, documents, [o.record for o in orders], book.gaps)
    return _summed(currency, book.entries, accrued, book.gaps)


def _by_package(
    bill: Placed[InvoiceLine], documents: Documents, of_lines: Mapping[str, str]
) -> Iterable[tuple[str, Fraction]]:
    """The packages of a bill, with their shares: its own, else those of the order lines that it
    bills, so that a package's cost stays where its accrual was.
    """
    shares = documents.shares.get(bill.record.id, ())
    if bill.package or not shares:
        return [(bill.package, Fraction(1))]
    found: dict[str, Fraction] = defaultdict(Fraction)
    for line, part in shares:
        found[of_lines.get(line.id, "")] += part
    return found.items()


class _Book:
    """Collects the entries of a ledger, each in the project's currency at the rate of its day."""

    def __init__(self, currency: str, fx: FxTable) -> None:
        self._currency, self._fx = currency, fx
        self.entries: list[Entry] = []
        self.gaps: list[FxGap] = []

    def post(
        self,
        package: str,
        state: str,
        on: date,
        money: tuple[Fraction, str],
        of: Record,
        *,
        by: Payment | None = None,
    ) -> None:
        """One amount; without a rate it is not known, and a gap."""
        amount, own = money
        number = Number(amount)
        if own != self._currency:
            rate = self._fx.rate(own, self._currency, on)
            number = rate if rate.value is None else Number(amount * rate.value)
            if rate.value is None:
                self.gaps.append(FxGap(own, self._currency, on, of))
        self.entries.append(Entry(package, state, on, number, of, money, by))

    def post_order(self, package: str, netted: Netted, data_date: date) -> None:
        """The states of an order line; what an invoice without a rate leaves open is not known."""
        line, own = netted.line, netted.line.amount.currency
        on = line.ordered_on or data_date
        if netted.ordered:
            self.post(package, "ordered", on, (netted.ordered, own), line)
        for came in netted.receipts:
            self.post(package, "received", came.on, (came.amount, own), came.receipt)
        opens = [("committed", on, netted.open)]
        opens += [("accrued", since, left) for since, left in still_open(netted.postings)]
        if netted.gap is not None:
            self.gaps.append(netted.gap)
        for state, day_of, amount in opens:
            if netted.gap is not None:
                money = (amount, own)
                self.entries.append(Entry(package, state, day_of, netted.gap.number, line, money))
            elif amount:
                self.post(package, state, day_of, (amount, own), line)


def _accrued(
    currency: str, documents: Documents, lines: Iterable[OrderLine], gaps: list[FxGap]
) -> Sequence[tuple[date, Fraction]] | None:
    """The accruals and reversals of order lines by day, at the rate of the receipt's day."""
    result: list[tuple[date, Fraction]] = []
    for line in lines:
        netted, own = documents.netted.get(line.id), line.amount.currency
        for posting in netted.postings if netted else ():
            rate = documents.fx.rate(own, currency, posting.since)
            if rate.value is None:
                gaps.append(FxGap(own, currency, posting.since, line))
                return None
            result.append((posting.on, posting.amount * rate.value))
    return result


def _summed(
    currency: str,
    entries: Sequence[Entry],
    accrued: Sequence[tuple[date, Fraction]] | None,
    gaps: Sequence[FxGap],
) -> Ledger:
    values: dict[tuple[str, str], list[Fraction]] = defaultdict(list)
    reasons: dict[tuple[str, str], str] = {}
    for entry in entries:
        for key in ((entry.state, entry.package), (entry.state, "*")):
            if entry.amount.value is None:
                reasons.setdefault(key, entry.amount.reason)
            else:
                values[key].append(entry.amount.value)
    keys = {*values, *reasons}
    sums = {k: unknown(reasons[k]) if k in reasons else Number(exact_sum(values[k])) for k in keys}
    totals = {state: sums.pop((state, "*"), ZERO) for state in STATES}
    return Ledger(currency, tuple(entries), sums, totals, accrued, tuple(gaps))
