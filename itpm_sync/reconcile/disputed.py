"""What of the actual cost findings dispute: bills booked twice, and deliveries beyond the order.

Cost stays as it is booked until somebody settles the finding; a waived finding disputes nothing.
What is disputed is part of the cost: of a package and of the project never more than their AC.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from itpm_sync.model import InvoiceLine, OrderLine, Record
from itpm_sync.reconcile.accruals import still_open
from itpm_sync.reconcile.facts import ProjectFacts
from itpm_sync.reconcile.folding import fold
from itpm_sync.reconcile.inputs import Inputs
from itpm_sync.reconcile.money import Disputed
from itpm_sync.reconcile.netting import Netted, net_amount
from itpm_sync.reconcile.number import Number, exact, exact_sum, total
from itpm_sync.reconcile.order_lines import over_delivered
from itpm_sync.reconcile.waiving import unwaived

_NOTHING = Fraction(0)
_WHOLE_PROJECT = "*"  # no code of a package


def disputed(facts: ProjectFacts, copies: Collection[str], inputs: Inputs) -> Sequence[Disputed]:
    """What is disputed of a project's AC; `copies` are the invoice lines that are booked twice.

    A credit note booked twice makes the cost too low: nothing of it is disputed.
    """
    again = [
        Disputed(e.record, e.package, e.on, e.own, e.amount, "duplicate-invoice")
        for e in (facts.ledger.entries if copies else ())
        if e.state == "invoiced" and e.record.id in copies and e.own[0] > 0
    ]
    over = over_delivered(facts.code, facts.deliveries, facts.policy)
    worth = {o.delivery.order.id: exact(o.worth.amount) for o in unwaived(over, inputs)}
    surplus = _Surplus(facts, copies).found(worth) if worth else ()
    return tuple(_within(facts, (*again, *surplus))) if again or worth else ()


@dataclass(frozen=True, slots=True)
class _Cost:
    """What a bill, or an accrual, adds to the cost of an order line in a package."""

    record: Record
    package: str
    on: date
    amount: Fraction  # in the line's currency
    own: tuple[Fraction, str]


class _Surplus:
    """What the cost of order lines is beyond what is ordered, the bills left out that are copies
    of others.
    """

    def __init__(self, facts: ProjectFacts, copies: Collection[str]) -> None:
        self._facts, self._copies = facts, copies
        self._doubled: dict[str, list[InvoiceLine]] = {}  # the copies, by order
        self._billed: dict[str, list[tuple[str, InvoiceLine, Fraction]]] = defaultdict(list)
        for record, package, _ in facts.records.of(InvoiceLine):
            for line, part in facts.documents.shares.get(record.id, ()):
                self._billed[line.id].append((package, record, part))

    def found(self, worth: Mapping[str, Fraction]) -> Iterator[Disputed]:
        """Of the lines of which so much came beyond the order, by identity; in their currency."""
        packages = {o.record.id: o.package for o in self._facts.records.of(OrderLine)}
        spare: dict[str, Fraction] = {}  # by order
        for identity, most in worth.items():
            netted = self._facts.documents.netted[identity]
            number = fold(netted.line.order)
            if number not in spare:
                self._doubled[number] = [*self._copies_of(number)]
                spare[number] = self._taken_in(number)
            beyond = min(most, self._cost(netted) - netted.ordered)
            covered = min(spare[number], max(_NOTHING, beyond))
            spare[number] -= covered
            costs = [*self._costs(netted, packages[identity])]
            yield from self._spread(beyond - covered, costs)

    def _cost(self, netted: Netted) -> Fraction:
        """What a line costs without the copies among its bills, whoever bears it."""
        return netted.invoiced + netted.accrued - exact_sum(self._again(netted))

    def _again(self, netted: Netted, *, unnamed: bool = False) -> Iterator[Fraction]:
        """The parts of copies that bill a line; those only that name none, if asked for."""
        documents, line = self._facts.documents, netted.line
        named = {i.id for i in documents.bills.get(line.id, ())} if unnamed else ()
        for bill in self._doubled[fold(line.order)]:
            for of, part in documents.shares.get(bill.id, ()) if bill.id not in named else ():
                if of.id == line.id:
                    yield self._in_currency(bill, line, part)

    def _copies_of(self, number: str) -> Iterator[InvoiceLine]:
        for bill in self._facts.documents.invoices_of_order.get(number, ()):
            if bill.id in self._copies and net_amount(bill) > 0:
                yield bill

    def _taken_in(self, number: str) -> Fraction:
        """What copies that name no line have taken of what came within an order: the bills that
        they repeat paid for the surplus instead.
        """
        found = _NOTHING
        for line in self._facts.documents.lines_of(number):
            netted = self._facts.documents.netted[line.id]
            within = min(netted.ordered, netted.received)
            again = exact_sum(self._again(netted, unnamed=True))
            found += min(again, max(_NOTHING, within - self._cost(netted)))
        return found

    def _costs(self, netted: Netted, package: str) -> Iterator[_Cost]:
        """What bears the cost of a line in this project, copies left out."""
        line, own = netted.line, netted.line.amount.currency
        for since, left in still_open(netted.postings):
            yield _Cost(line, package, since, left, (left, own))
        for of_bill, bill, part in self._billed[line.id]:
            if bill.id not in self._copies or net_amount(bill) < 0:
                amount = self._in_currency(bill, line, part)
                money = (part * net_amount(bill), bill.amount.currency)
                yield _Cost(bill, of_bill or package, bill.invoiced_on, amount, money)

    def _in_currency(self, bill: InvoiceLine, line: OrderLine, part: Fraction) -> Fraction:
        """The part of a bill in a line's currency; nothing without a rate, as in `netting`."""
        rate = self._facts.documents.fx.rate(
            bill.amount.currency, line.amount.currency, bill.invoiced_on
        )
        return _NOTHING if rate.value is None else part * net_amount(bill) * rate.value

    def _spread(self, worth: Fraction, costs: Sequence[_Cost]) -> Iterator[Disputed]:
        """The surplus over what bears it: what is accrued first, then the latest bills; of each
        package no more than it bears.
        """
        room: dict[str, Fraction] = defaultdict(Fraction)
        for cost in costs:
            room[cost.package] += cost.amount
        latest = sorted(costs, key=lambda c: (isinstance(c.record, OrderLine), c.on), reverse=True)
        for cost in latest:
            part = min(worth, room[cost.package], cost.amount)
            if part > 0:
                worth -= part
                room[cost.package] -= part
                amount, own = cost.own
                amount *= part / cost.amount
                number = self._in_project(amount, own, cost.on)
                yield Disputed(
                    cost.record, cost.package, cost.on, (amount, own), number, "receipt-over-order"
                )

    def _in_project(self, amount: Fraction, own: str, on: date) -> Number:
        rate = self._facts.documents.fx.rate(own, self._facts.currency, on)
        return rate if rate.value is None else Number(amount * rate.value)


def _within(facts: ProjectFacts, found: Iterable[Disputed]) -> Iterator[Disputed]:
    """No more than the cost of the package, nor of the project: credit notes may have taken back
    what they do not name.
    """
    left: dict[str, Fraction | None] = {_WHOLE_PROJECT: _spent(facts, None)}
    for one in found:
        if one.package not in left:
            left[one.package] = _spent(facts, one.package)
        value = one.amount.value
        if value is not None:
            rooms = [r for key in (one.package, _WHOLE_PROJECT) if (r := left[key]) is not None]
            part = min([value, *rooms])
            if part <= 0:
                continue
            for key in (one.package, _WHOLE_PROJECT):
                if (room := left[key]) is not None:
                    left[key] = room - part
            own, currency = one.own
            one = one._replace(amount=Number(part), own=(own * part / value, currency))  # noqa: PLW2901
        yield one


def _spent(facts: ProjectFacts, package: str | None) -> Fraction | None:
    """The actual cost of a package, or of the project; None: it is not known."""
    book, labour = facts.ledger, facts.labour
    if package is None:
        return total((labour.total, book.totals["invoiced"], book.totals["accrued"])).value
    booked = (book.sum(state, package) for state in ("invoiced", "accrued"))
    return total((labour.cost(package), *booked)).value
