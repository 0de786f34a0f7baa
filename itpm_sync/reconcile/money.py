"""The money ledger: budget → committed → received → invoiced → paid.

Everything is exact and in one currency, converted at the rate in force on the day of each
transaction. No rate means an undefined sum and a gap to report, never a rate of 1. Orders, receipts
and invoices are netted once: what is received leaves the open order balance; where nothing is
received in the order's books, what is invoiced does.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import NamedTuple

from itpm_sync.model import InvoiceLine, OrderLine, Payment, Receipt, Record
from itpm_sync.reconcile.accruals import Movement, Posting, accruals, still_open
from itpm_sync.reconcile.allocate import Placed, fold
from itpm_sync.reconcile.exchange import ForeignCost, FxGap, FxTable
from itpm_sync.reconcile.number import ZERO, Exact, Number, exact, exact_sum, unknown

# ---- allocation to the cent ---------------------------------------------------------------------


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


# ---- documents ----------------------------------------------------------------------------------

OrderKey = tuple[str, str]


class Netted(NamedTuple):
    """An order line with everything that happened to it, in the order's own currency and net."""

    line: OrderLine
    ordered: Fraction
    received: Fraction
    invoiced: Fraction
    open: Fraction  # the order balance still committed
    accruals: Sequence[Posting]  # their sum is what was received and is not invoiced
    has_receipts: bool
    gap: FxGap | None  # an invoice of the order that cannot be converted: `open` is then unknown

    @property
    def accrued(self) -> Fraction:
        """Received and not invoiced, at the order's price."""
        return sum((posting.amount for posting in self.accruals), Fraction(0))


class _Billed(NamedTuple):
    """What the invoices of an order bill of one of its lines."""

    net: Fraction
    movements: Sequence[Movement]  # at the order's price: what takes accruals back


class Paid(NamedTuple):
    """A part of a payment that belongs to one invoice line: net, in the invoice's currency."""

    line: InvoiceLine
    amount: Fraction
    on: date
    payment: Payment | None = None  # None: the invoice itself says that it is paid


class Documents:
    """Orders, receipts, invoices and payments of the whole portfolio, joined once.

    `lines` must be live at the data date; later documents are not in the sequences. Cancelled
    orders are left out; a closed order has no open balance.
    """

    def __init__(
        self,
        orders: Sequence[OrderLine],
        receipts: Sequence[Receipt],
        invoices: Sequence[InvoiceLine],
        payments: Sequence[Payment],
        fx: FxTable,
        *,
        data_date: date,
    ) -> None:
        self.fx = fx
        self.orders = [o for o in orders if not is_cancelled(o)]
        self._lines: dict[OrderKey, OrderLine] = {}
        self._by_order: dict[str, list[OrderLine]] = defaultdict(list)
        for order in self.orders:
            self._lines.setdefault(order_key(order.order, order.line), order)
            self._by_order[fold(order.order)].append(order)
        self.invoices_of_order: dict[str, list[InvoiceLine]] = defaultdict(list)
        for invoice in invoices:
            if invoice.order:
                self.invoices_of_order[fold(invoice.order)].append(invoice)
        self.orphan_receipts = [r for r in receipts if fold(r.order) not in self._by_order]
        self.netted: dict[str, Netted] = {}
        self._net(receipts)
        # a connection that books no receipts says nothing by their absence
        self.books_receipts = {
            n.line.ref.connection for n in self.netted.values() if n.has_receipts
        }
        self.paid, self.orphan_payments = _paid(invoices, payments, fx, data_date)

    def has_order(self, order: str) -> bool:
        """Whether an order of that number is known and not cancelled."""
        return fold(order) in self._by_order

    def lines_of(self, order: str) -> Sequence[OrderLine]:
        """The lines of an order."""
        return self._by_order.get(fold(order), ())

    def _line(self, order: str, line: str) -> OrderLine | None:
        found = self._lines.get(order_key(order, line))
        lines = self._by_order.get(fold(order), ())
        return found or (lines[0] if len(lines) == 1 else None)

    def _net(self, receipts: Sequence[Receipt]) -> None:
        received: dict[str, list[Movement]] = defaultdict(list)
        for receipt in receipts:
            line = self._line(receipt.order, receipt.line)
            if line is not None and line.quantity:
                worth = _unit_price(line) * exact(receipt.quantity)
                received[line.id].append(Movement(receipt.received_on, worth))
        for lines in self._by_order.values():
            billed, gap = self._billed(lines)
            for line in lines:
                ordered, has = exact(line.amount.amount), line.id in received
                moved, bills = received.get(line.id, ()), billed[line.id]
                got = sum((m.amount for m in moved), Fraction(0))
                used = got if has else bills.net
                still = Fraction(0) if is_closed(line) else max(Fraction(0), ordered - used)
                accrued = accruals(moved, bills.movements) if has else ()
                self.netted[line.id] = Netted(
                    line, ordered, got, bills.net, still, accrued, has, gap
                )

    def _billed(self, lines: Sequence[OrderLine]) -> tuple[dict[str, _Billed], FxGap | None]:
        """What is billed of each line; invoices that name no line fill the lines in turn."""
        gap: FxGap | None = None
        net = dict.fromkeys((o.id for o in lines), Fraction(0))
        moved: dict[str, list[Movement]] = {o.id: [] for o in lines}
        floating: list[Movement] = []
        for invoice in self.invoices_of_order.get(fold(lines[0].order), ()):
            own, base = invoice.amount.currency, lines[0].amount.currency
            rate = self.fx.rate(own, base, invoice.invoiced_on)
            if rate.value is None:
                gap = FxGap(own, base, invoice.invoiced_on, invoice)
                continue
            amount = net_amount(invoice) * rate.value
            line = self._line(invoice.order, invoice.order_line)
            if line is not None and line.id in net:
                net[line.id] += amount
                taken_back = _at_order_price(invoice, line, amount)
                moved[line.id].append(Movement(invoice.invoiced_on, taken_back))
            else:
                floating.append(Movement(invoice.invoiced_on, amount))
        for line, part in _filling(lines, net, sum((m.amount for m in floating), Fraction(0))):
            net[line.id] += part
        taken = {i: sum((m.amount for m in found), Fraction(0)) for i, found in moved.items()}
        for on, amount in sorted(m for m in floating if m.amount > 0):
            for line, part in _filling(lines, taken, amount):
                taken[line.id] += part
                moved[line.id].append(Movement(on, part))
        return {i: _Billed(net[i], moved[i]) for i in net}, gap


def _unit_price(line: OrderLine) -> Fraction:
    return exact(line.amount.amount) / exact(line.quantity or 1)


def _at_order_price(invoice: InvoiceLine, line: OrderLine, amount: Fraction) -> Fraction:
    """What an invoice line, worth `amount` in the order's currency, bills of an order line at the
    order's price: by quantity if both tell one. A credit note without one corrects the price: what
    it credits stays billed.
    """
    if invoice.quantity is None or not line.quantity:
        return Fraction(0) if invoice.credit_note else amount
    quantity = exact(invoice.quantity)
    return _unit_price(line) * (-abs(quantity) if invoice.credit_note else quantity)


def _filling(
    lines: Sequence[OrderLine], taken: Mapping[str, Fraction], amount: Fraction
) -> list[tuple[OrderLine, Fraction]]:
    """An amount in parts that fill the lines in turn; the last line takes what is too much."""
    parts: list[tuple[OrderLine, Fraction]] = []
    for line in lines:
        room = max(Fraction(0), exact(line.amount.amount) - taken[line.id])
        part = min(room, amount)
        parts.append((line, part))
        amount -= part
    line, part = parts[-1]
    return [*parts[:-1], (line, part + amount)]


def order_key(order: str, line: str) -> OrderKey:
    """How an order line is found from other documents."""
    return fold(order), fold(line)


def is_cancelled(line: OrderLine) -> bool:
    """Cancelled orders commit nothing."""
    return fold(line.status) in {"cancelled", "canceled", "void", "rejected"}


def is_closed(line: OrderLine) -> bool:
    """A closed order will receive nothing more, whatever was ordered."""
    return fold(line.status) in {"closed", "done", "finished", "completed"}


def _paid(
    invoices: Sequence[InvoiceLine], payments: Sequence[Payment], fx: FxTable, data_date: date
) -> tuple[list[Paid], list[Payment]]:
    """Payments spread over the lines of their invoice by gross amount; else the line's own date.

    A payment is gross, a ledger is net: each line's share is its net amount times the part of the
    invoice that is paid.
    """
    documents: dict[tuple[str, str], list[InvoiceLine]] = defaultdict(list)
    by_number: dict[str, list[InvoiceLine]] = defaultdict(list)
    for line in invoices:
        documents[fold(line.invoice), fold(line.vendor)].append(line)
        by_number[fold(line.invoice)].append(line)
    parts: list[Paid] = []
    orphans: list[Payment] = []
    settled: set[str] = set()
    for payment in payments:
        number = fold(payment.invoice)
        lines = documents.get((number, fold(payment.vendor))) or by_number.get(number, [])
        gross = sum((_gross(line) for line in lines), Fraction(0))
        amount = (
            fx.convert(payment.amount, lines[0].amount.currency, payment.paid_on).value
            if (lines)
            else None
        )
        if not gross or amount is None:
            orphans.append(payment)
            continue
        settled.update(line.id for line in lines)
        parts += [
            Paid(line, net_amount(line) * amount / gross, payment.paid_on, payment)
            for line in lines
        ]
    parts += [
        Paid(line, net_amount(line), line.paid_on)
        for line in invoices
        if line.paid_on is not None and line.paid_on <= data_date and line.id not in settled
    ]
    return parts, orphans


def net_amount(line: InvoiceLine) -> Fraction:
    """Net of tax; a credit note takes away, whichever sign its source gave it."""
    amount = exact(line.amount.amount)
    return -abs(amount) if line.credit_note else amount


def _gross(line: InvoiceLine) -> Fraction:
    tax = exact(line.tax.amount) if line.tax is not None else Fraction(0)
    return net_amount(line) + (-abs(tax) if line.credit_note else tax)


# ---- the ledger of a project --------------------------------------------------------------------

_SAME = Number(Fraction(1))
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
        return ForeignCost(*self.own, self.amount)


@dataclass(frozen=True, slots=True)
class Ledger:
    """Sums of a project by state and package; package `""` is what no package could take."""

    currency: str
    entries: tuple[Entry, ...]
    sums: Mapping[tuple[str, str], Number]  # (state, package)
    totals: Mapping[str, Number]  # by state
    accruals: Sequence[tuple[date, Fraction]] | None  # by day, reversals too; None: a rate lacks
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
    packages = {}
    for bill in invoices:
        invoice = bill.record
        packages[invoice.id] = bill.package
        money = (net_amount(invoice), invoice.amount.currency)
        book.post(bill.package, "invoiced", invoice.invoiced_on, money, invoice)
    for part in paid:
        money = (part.amount, part.line.amount.currency)
        package = packages.get(part.line.id, "")
        book.post(package, "paid", part.on, money, part.line, by=part.payment)
    for orphan in payments:
        payment = orphan.record
        money = (exact(payment.amount.amount), payment.amount.currency)
        book.post(orphan.package, "paid", payment.paid_on, money, payment)
    accrued = _accrued(currency, documents, [o.record for o in orders])
    return _summed(currency, book.entries, accrued, book.gaps)


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
        for state, amount in (("ordered", netted.ordered), ("received", netted.received)):
            if amount:
                self.post(package, state, on, (amount, own), line)
        opens = [("committed", on, netted.open)]
        opens += [("accrued", since, left) for since, left in still_open(netted.accruals)]
        if netted.gap is not None:
            self.gaps.append(netted.gap)
        for state, day_of, amount in opens:
            if netted.gap is not None:
                money = (amount, own)
                self.entries.append(Entry(package, state, day_of, netted.gap.number, line, money))
            elif amount:
                self.post(package, state, day_of, (amount, own), line)


def _accrued(
    currency: str, documents: Documents, lines: Iterable[OrderLine]
) -> Sequence[tuple[date, Fraction]] | None:
    """The accruals and reversals of order lines by day, at the rate of the receipt's."""
    result: list[tuple[date, Fraction]] = []
    for line in lines:
        netted, own = documents.netted.get(line.id), line.amount.currency
        for posting in netted.accruals if netted else ():
            rate = documents.fx.rate(own, currency, posting.since) if own != currency else _SAME
            if rate.value is None:
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
