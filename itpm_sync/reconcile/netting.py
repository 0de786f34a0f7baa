"""One purchase order netted: what was ordered, received and billed of each line, day by day.

Receipts and bills are followed in the order of their days, so that nothing later changes what stood
on an earlier day. A bill takes back what was accrued (see `accruals`) at the order's price: by
quantity where order and bill tell one, else by its amount. A bill that names no line goes first to
what is received and not billed, then to what room there is, in its own project alone. A credit note
that takes a whole bill back makes it unbilled again, what came of it since its own day; one with a
quantity so many pieces; any other corrects the price.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import NamedTuple

from itpm_sync.model import InvoiceLine, OrderLine, Receipt
from itpm_sync.reconcile.accruals import Billed, Movement, Posting, accruals
from itpm_sync.reconcile.exchange import FxGap, FxTable
from itpm_sync.reconcile.folding import fold
from itpm_sync.reconcile.number import exact, exact_sum

_NOTHING, _WHOLE = Fraction(0), Fraction(1)
_OTHER_UNIT = 2  # so many times the order's price, or its part: a quantity counts something else
Home = tuple[str, str]  # project and package of a record


class Came(NamedTuple):
    """What a receipt is worth at the order's price."""

    receipt: Receipt
    amount: Fraction

    @property
    def on(self) -> date:
        """The day on which it came."""
        return self.receipt.received_on


class Netted(NamedTuple):
    """An order line with everything that happened to it, in its own currency and net."""

    line: OrderLine
    ordered: Fraction
    receipts: Sequence[Came]
    invoiced: Fraction
    open: Fraction  # the order balance still committed
    postings: Sequence[Posting]  # accruals and reversals: what is received and not invoiced
    gap: FxGap | None  # a bill that cannot be converted: what is open or accrued is then unknown

    @property
    def has_receipts(self) -> bool:
        """Whether anything was booked as received, be it taken back since."""
        return bool(self.receipts)

    @property
    def received(self) -> Fraction:
        """What came, at the order's price."""
        return exact_sum(m.amount for m in self.receipts)

    @property
    def accrued(self) -> Fraction:
        """Received and not invoiced, at the order's price."""
        return exact_sum(posting.amount for posting in self.postings)


class Share(NamedTuple):
    """The part of an invoice line that bills an order line."""

    line: OrderLine
    part: Fraction  # of 1


def is_cancelled(line: OrderLine) -> bool:
    """Cancelled orders commit nothing."""
    return fold(line.status) in {"cancelled", "canceled", "void", "rejected"}


def is_closed(line: OrderLine) -> bool:
    """A closed order will receive nothing more, whatever was ordered."""
    return fold(line.status) in {"closed", "done", "finished", "completed"}


def net_amount(line: InvoiceLine) -> Fraction:
    """Net of tax; a credit note takes away, whichever sign its source gave it."""
    amount = exact(line.amount.amount)
    return -abs(amount) if line.credit_note else amount


def _line_number(text: str) -> str:
    """A line's number without the zeros that systems write before it."""
    return fold(text).lstrip("0")


@dataclass(slots=True)
class _Account:
    """What was received and billed of one line so far, at the order's price. Of a discount, a line
    below 0, more is billed when more is taken off: both are kept with its sign turned.
    """

    line: OrderLine
    net: Fraction = _NOTHING  # of what is billed, at the bills' prices
    billed: Fraction = _NOTHING
    receipts: list[Came] = field(default_factory=list)
    bills: list[Billed] = field(default_factory=list)  # their sum is `billed`
    gap: FxGap | None = None

    @property
    def sign(self) -> int:
        return -1 if self.line.amount.amount < 0 else 1

    @property
    def currency(self) -> str:
        return self.line.amount.currency

    @property
    def room(self) -> Fraction:
        """What is ordered and not billed."""
        return max(_NOTHING, abs(exact(self.line.amount.amount)) - self.billed)

    def unbilled(self, on: date) -> Fraction:
        """What is received on a day and not billed so far."""
        came = exact_sum(m.amount for m in self.receipts if m.on <= on)
        return max(_NOTHING, came - self.billed)

    def bill(self, on: date, amount: Fraction, of: str) -> None:
        """Books what a bill takes, or, below 0, what is taken back of it."""
        self.bills.append(Billed(on, amount, of))
        self.billed += amount

    def take_back(self, on: date, amount: Fraction, of: str = "") -> None:
        """Makes so much unbilled again, and no more than is billed: of a bill, or of any."""
        self.bill(on, -min(amount, self.billed), of)

    def netted(self) -> Netted:
        """The line as it is now, with its own sign."""
        line, sign = self.line, self.sign
        ordered = _NOTHING if is_cancelled(line) else exact(line.amount.amount)
        came = exact_sum(c.amount for c in self.receipts)
        used = sign * max(came, self.billed)  # what is billed already costs: it is no more to come
        committed = _NOTHING if is_closed(line) else min(ordered, max(_NOTHING, ordered - used))
        moved = [Movement(c.on, c.amount) for c in self.receipts]
        postings = accruals(moved, self.bills) if moved else ()
        return Netted(
            line, ordered, [Came(receipt, sign * a) for receipt, a in self.receipts], self.net,
            max(_NOTHING, committed), [p._replace(amount=sign * p.amount) for p in postings],
            self.gap,
        )  # fmt: skip


class _Bill(NamedTuple):
    """An invoice line and what it billed: of each line, at the order's price."""

    of: str  # its identity
    amount: Fraction  # in its own currency
    currency: str
    taken: Sequence[tuple[_Account, Fraction]]


class Order:
    """The lines that bear one order number. `homes` are the projects and packages of lines and
    invoices, by identity: what is in no project takes nothing back.
    """

    def __init__(self, lines: Sequence[OrderLine], fx: FxTable, homes: Mapping[str, Home]) -> None:
        self._accounts = [_Account(line) for line in sorted(lines, key=_natural)]
        self._fx, self._homes = fx, homes
        self._bills: dict[str, list[_Bill]] = defaultdict(list)  # by the line's identity, or ""
        self.bills: dict[str, list[InvoiceLine]] = defaultdict(list)  # that name a line, by its id
        self.shares: dict[str, Sequence[Share]] = {}  # what each invoice bills
        self.likely: dict[str, Sequence[OrderLine]] = {}  # that one can be for which bills none

    def receive(self, receipt: Receipt) -> bool:
        """Books a receipt; False if no line, or no only one, can take it."""
        account = self._named(receipt.line, receipt.ref.connection)
        if account is None or not account.line.quantity:
            return False
        worth = account.sign * _unit_price(account.line) * exact(receipt.quantity)
        account.receipts.append(Came(receipt, worth))
        return True

    def bill(self, invoices: Iterable[InvoiceLine]) -> None:
        """Books all bills, after all receipts."""
        for invoice in sorted(invoices, key=lambda i: (i.invoiced_on, i.credit_note, i.id)):
            account = self._named(invoice.order_line, invoice.ref.connection)
            if account is not None:
                self.bills[account.line.id].append(invoice)
                self.shares[invoice.id] = [Share(account.line, _WHOLE)]
            candidates = [account] if account else self._candidates(invoice)
            amount = self._in_currency(invoice, candidates)
            if account is None and not amount:  # no line bears a part of it
                own = (*candidates, *self._of(invoice.ref.connection))
                self.likely[invoice.id] = [a.line for a in own if not is_cancelled(a.line)]
            if amount is None:
                continue
            sign = account.sign if account else 1
            if sign * net_amount(invoice) < 0:
                self._credit(invoice, account, amount, candidates)
            else:
                taken = self._take(invoice, account, amount, candidates)
                key = account.line.id if account else ""
                amount, currency = net_amount(invoice), invoice.amount.currency
                self._bills[key].append(_Bill(invoice.id, amount, currency, taken))

    def netted(self) -> Iterable[Netted]:
        """Every line; of the cancelled ones those of which something came."""
        for account in self._accounts:
            if account.receipts or not is_cancelled(account.line):
                yield account.netted()

    # ---- which line -----------------------------------------------------------------------------

    def _of(self, connection: str) -> Sequence[_Account]:
        """The order of the document's own system, where there is one of that number."""
        own = [a for a in self._accounts if a.line.ref.connection == connection]
        return own or self._accounts

    def _named(self, line: str, connection: str) -> _Account | None:
        """The line that a document names; an order's only line takes all."""
        accounts = self._of(connection)
        if len(accounts) == 1:
            return accounts[0]
        found = [a for a in accounts if _line_number(a.line.line) == _line_number(line)]
        return found[0] if len(found) == 1 and line else None

    def _candidates(self, invoice: InvoiceLine) -> Sequence[_Account]:
        """The lines that a bill which names none can be for, the likeliest first: of its project,
        its package and its currency.
        """
        accounts = [
            a for a in self._of(invoice.ref.connection) if a.sign > 0 and not is_cancelled(a.line)
        ]
        home = self._homes.get(invoice.id)
        at = {a.line.id: self._homes.get(a.line.id) for a in accounts}
        if home is not None:
            accounts = [a for a in accounts if (at[a.line.id] or home)[0] == home[0]]
        own = [a for a in accounts if a.currency == invoice.amount.currency]
        one = own or [a for a in accounts if a.currency == accounts[0].currency]
        return sorted(one, key=lambda a: at[a.line.id] != home)

    def _in_currency(self, invoice: InvoiceLine, accounts: Sequence[_Account]) -> Fraction | None:
        """The bill in the currency of its lines; None, and a gap of each, without a rate."""
        if not accounts:
            return None
        own, base = invoice.amount.currency, accounts[0].currency
        rate = self._fx.rate(own, base, invoice.invoiced_on)
        if rate.value is not None:
            return net_amount(invoice) * rate.value
        for account in accounts:
            account.gap = FxGap(own, base, invoice.invoiced_on, invoice)
        return None

    # ---- what is billed -------------------------------------------------------------------------

    def _take(
        self, invoice: InvoiceLine, account: _Account | None, amount: Fraction,
        candidates: Sequence[_Account],
    ) -> Sequence[tuple[_Account, Fraction]]:  # fmt: skip
        """Books a bill; gives what it takes of each line."""
        on = invoice.invoiced_on
        if account is not None:
            account.net += amount
            taken = [(account, _pieces(invoice, account.line, amount) or abs(amount))]
        else:
            taken = _spread(amount, candidates, lambda a: a.unbilled(on), lambda a: a.room)
            self._share(invoice, amount, taken)
            if invoice.id not in self._homes:  # its cost is in no project yet
                return []
        for one, part in taken:
            one.bill(on, part, invoice.id)
        return taken

    def _share(
        self, invoice: InvoiceLine, amount: Fraction, parts: Iterable[tuple[_Account, Fraction]]
    ) -> None:
        """Books the parts of an amount that names no line, and notes whose they are."""
        found = list(parts)
        for one, part in found:
            one.net += part
        if amount:
            self.shares[invoice.id] = [Share(one.line, part / amount) for one, part in found]

    def _credit(
        self, invoice: InvoiceLine, account: _Account | None, amount: Fraction,
        candidates: Sequence[_Account],
    ) -> None:  # fmt: skip
        """Books a credit note, or a bill below 0."""
        bills = self._bills[account.line.id if account else ""]
        whole = [b for b in bills if b.currency == invoice.amount.currency]
        back = next(([b] for b in reversed(whole) if b.amount == -net_amount(invoice)), [])
        if not back and exact_sum(b.amount for b in whole) == -net_amount(invoice):
            back = whole
        for bill in back:
            bills.remove(bill)
            for one, part in bill.taken:
                one.take_back(invoice.invoiced_on, part, bill.of)
        if account is None:
            parts = _spread(-amount, candidates, lambda a: a.net)
            self._share(invoice, amount, ((one, -part) for one, part in parts))
            return
        account.net += amount
        if not back:
            account.take_back(invoice.invoiced_on, _pieces(invoice, account.line, amount))


def _natural(line: OrderLine) -> tuple[str, int, str, str]:
    number = _line_number(line.line)
    return line.ref.connection, int(number) if number.isdecimal() else 0, number, line.id


def _unit_price(line: OrderLine) -> Fraction:
    return exact(line.amount.amount) / exact(line.quantity)


def _pieces(invoice: InvoiceLine, line: OrderLine, amount: Fraction) -> Fraction:
    """What a bill's quantity is worth at the order's price, whatever the sign; 0 where it has none,
    or counts in another unit than the order: its price is then no price of a piece.
    """
    if not invoice.quantity or not line.quantity:
        return _NOTHING
    worth = abs(_unit_price(line) * exact(invoice.quantity))
    if amount and not worth <= _OTHER_UNIT * abs(amount) <= _OTHER_UNIT**2 * worth:
        return _NOTHING
    return worth


def _spread(
    amount: Fraction, accounts: Sequence[_Account], *rooms: Callable[[_Account], Fraction]
) -> list[tuple[_Account, Fraction]]:
    """An amount over lines: each takes what room it has, in the first sense, then in the next; the
    last line takes what is too much.
    """
    parts = dict.fromkeys((a.line.id for a in accounts), _NOTHING)
    left = amount
    for room in rooms:
        for account in accounts:
            part = min(left, max(_NOTHING, room(account) - parts[account.line.id]))
            parts[account.line.id] += part
            left -= part
    parts[accounts[-1].line.id] += left
    return [(a, parts[a.line.id]) for a in accounts if parts[a.line.id]]
