"""Which invoices may be booked twice, and which of their lines are then too many.

Hard: same vendor, normalised number and kind of document: an invoice, or a credit note, which is
called so at its source or is below 0 as a whole. Strong: same vendor, currency and gross, and
almost the same number. Weak: same vendor and gross within 30 days. What a credit note of the same
gross has taken back already is no duplicate any more.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import groupby
from operator import attrgetter
from typing import ClassVar, NamedTuple

from itpm_sync.model import InvoiceLine, Money, Record
from itpm_sync.reconcile.folding import fold
from itpm_sync.reconcile.money import is_credit, money_total

Home = Callable[[Iterable[Record]], str]
Payee = tuple[str, str]  # a vendor, folded, and a currency
Group = tuple[str, str, bool]  # a vendor, folded, a number, normalised, and whether it is a credit
_WEAK_DAYS = 30
_SAME_GROSS = Decimal("0.01")
_SERIES = 3  # bills of one amount, as a schedule of payments sends them
_TELLING = 4  # characters of a number below which any two are alike


class Bill(NamedTuple):
    """The lines of one invoice number of a vendor, all of one kind of document."""

    gross: Money  # net and tax of all lines, as far as they tell
    number: str  # normalised
    lines: Sequence[InvoiceLine]

    @property
    def on(self) -> date:
        """The day of the document."""
        return self.lines[0].invoiced_on

    def ranked(self) -> tuple[date, str]:
        """Sorts the earlier first."""
        return self.on, self.number

    def told(self, field: str) -> frozenset[str]:
        """What the lines say in a field or attribute, folded."""
        found = (getattr(i, field, "") or i.attributes.get(field, "") for i in self.lines)
        return frozenset(fold(word) for word in found if word)


@dataclass(frozen=True, slots=True)
class Rebooked:
    """Hard: a vendor's number that is booked more than once."""

    code: ClassVar[str] = "duplicate-invoice"
    project: str  # that all lines belong to; empty: the portfolio
    number: str  # normalised
    lines: Sequence[InvoiceLine]  # of all documents, the earliest first
    again: Sequence[InvoiceLine]  # those that are too many

    @property
    def subject(self) -> str:
        """What it is about, for findings and their waivers."""
        return f"{self.lines[0].vendor} {self.number}"


@dataclass(frozen=True, slots=True)
class Lookalike:
    """Strong or weak: two bills of a vendor over the same gross."""

    code: ClassVar[str] = "duplicate-invoice"
    project: str
    first: Bill
    second: Bill
    strong: bool  # almost the same number

    @property
    def subject(self) -> str:
        """What it is about, for findings and their waivers."""
        numbers = sorted((self.first.number, self.second.number))
        return f"{self.first.lines[0].vendor} {' ~ '.join(numbers)}"

    @property
    def lines(self) -> Sequence[InvoiceLine]:
        """Those of both."""
        return (*self.first.lines, *self.second.lines)

    @property
    def again(self) -> Sequence[InvoiceLine]:
        """Those that are too many: the later bill's."""
        return self.second.lines

    @property
    def days_apart(self) -> int:
        """From the first to the second."""
        return (self.second.on - self.first.on).days


Doubled = Rebooked | Lookalike
"""What seems to be booked twice."""


def doubled(invoices: Iterable[InvoiceLine], home: Home) -> Iterator[Doubled]:
    """Whatever is doubled; `home` tells the project that lines all belong to."""
    groups = _groups(invoices)
    repeated: list[tuple[str, list[InvoiceLine], list[InvoiceLine]]] = []
    bills: dict[Payee, list[Bill]] = defaultdict(list)
    notes: dict[Payee, list[Bill]] = defaultdict(list)
    again: dict[Payee, list[Bill]] = defaultdict(list)  # bills whose number is booked already
    for (vendor, number, credit), lines in sorted(groups.items()):
        lines.sort(key=lambda i: (i.invoiced_on, i.id))
        copies = _copies(lines) if number else []
        first = _without(lines, copies) if copies else lines
        if copies:
            repeated.append((number, lines, copies))
        for one in _bills(vendor, number, first):
            of = notes if credit else bills
            of[vendor, one.gross.currency].append(one)
        for one in () if credit else _bookings(vendor, number, copies):
            again[vendor, one.gross.currency].append(one)
    credited = {
        id(line)
        for payee, found in notes.items()
        for bill in _credited([*bills[payee], *again[payee]], found)
        for line in bill.lines
    }
    for number, booked, copies in repeated:
        if left := [i for i in copies if id(i) not in credited]:
            yield Rebooked(home(booked), number, booked, left)
    for found in bills.values():
        yield from _alike(home, [b for b in found if id(b.lines[0]) not in credited])


def _groups(invoices: Iterable[InvoiceLine]) -> Mapping[Group, list[InvoiceLine]]:
    """The lines by vendor and number, those of credit notes apart."""
    documents: dict[tuple[object, ...], list[InvoiceLine]] = defaultdict(list)
    for line in invoices:
        documents[fold(line.vendor), line.credit_note, *_document(line)].append(line)
    groups: dict[Group, list[InvoiceLine]] = defaultdict(list)
    for lines in documents.values():
        one = lines[0]
        key = (fold(one.vendor), normalised_number(one.invoice), is_credit(lines))
        groups[key] += lines
    return groups


def normalised_number(number: str) -> str:
    """An invoice number without what people vary: case, punctuation, leading zeros."""
    plain = re.sub(r"[^0-9A-Z]", "", number.upper())
    return re.sub(r"(?<![0-9])0+(?=[0-9])", "", plain)


# ---- hard ---------------------------------------------------------------------------------------


def _copies(lines: Sequence[InvoiceLine]) -> list[InvoiceLine]:
    """Lines of all documents but the first; within one document, lines that repeat exactly."""
    first, seen, copies = _document(lines[0]), set[tuple[object, ...]](), []
    for line in lines:
        content = _content(line)
        if _document(line) != first or content in seen:
            copies.append(line)
        else:
            seen.add(content)
    return copies


def _document(i: InvoiceLine) -> tuple[object, ...]:
    return (fold(i.invoice), i.invoiced_on, i.ref.connection, i.ref.stream)


def _content(i: InvoiceLine) -> tuple[object, ...]:
    return (i.line, i.amount, i.description, i.order, i.order_line)


def _without(lines: Sequence[InvoiceLine], again: Sequence[InvoiceLine]) -> list[InvoiceLine]:
    copies = {id(i) for i in again}
    return [i for i in lines if id(i) not in copies]


def _bills(vendor: str, number: str, lines: Sequence[InvoiceLine]) -> Iterator[Bill]:
    """The lines as one bill, where vendor, number and gross are known."""
    gross = _gross(lines) if vendor and number else None
    if gross is not None:
        yield Bill(gross, number, lines)


def _bookings(vendor: str, number: str, copies: Sequence[InvoiceLine]) -> Iterator[Bill]:
    """Each time that a bill is booked once more: by document, of one document by repetition."""
    times: dict[tuple[object, ...], list[InvoiceLine]] = defaultdict(list)
    seen: Counter[tuple[object, ...]] = Counter()
    for line in copies:
        content = (*_document(line), *_content(line))
        seen[content] += 1
        times[*_document(line), seen[content]].append(line)
    for lines in times.values():
        yield from _bills(vendor, number, lines)


def _gross(lines: Sequence[InvoiceLine]) -> Money | None:
    """Net and tax of all lines; None: several currencies."""
    if len(lines) == 1 and lines[0].tax is None:
        return lines[0].amount
    taxes = (i.tax for i in lines if i.tax is not None)
    return money_total((*(i.amount for i in lines), *taxes))


# ---- strong and weak ----------------------------------------------------------------------------


def _alike(home: Home, bills: Iterable[Bill]) -> Iterator[Doubled]:
    """Pairs of bills of one vendor and currency with the same gross, strong or weak."""
    for cluster in _clusters(bills):
        for first, second in _candidates(sorted(cluster, key=Bill.ranked)):
            strong = almost_same(first.number, second.number)
            weak = first.gross == second.gross and (second.on - first.on).days <= _WEAK_DAYS
            if (strong or weak) and not _is_other_service(first, second):
                yield Lookalike(home((*first.lines, *second.lines)), first, second, strong)


def _clusters(bills: Iterable[Bill]) -> Iterator[list[Bill]]:
    """Two bills and more whose gross differs by a cent at most from one to the next."""
    cluster: list[Bill] = []
    for bill in sorted(bills, key=_amount):
        if cluster and bill.gross.amount - cluster[-1].gross.amount > _SAME_GROSS:
            if len(cluster) > 1:
                yield cluster
            cluster = []
        if bill.gross.amount > 0:
            cluster.append(bill)
    if len(cluster) > 1:
        yield cluster


def _amount(bill: Bill) -> Decimal:
    return bill.gross.amount


def _candidates(left: Sequence[Bill]) -> Iterator[tuple[Bill, Bill]]:
    """Pairs over one amount; two bills alone may be a cent apart."""
    same: dict[Decimal, list[Bill]] = defaultdict(list)
    for bill in left:
        same[bill.gross.amount].append(bill)
    for found in same.values() if len(left) > 2 else [left]:
        yield from _pairs(found)


def _credited(bills: Sequence[Bill], notes: Iterable[Bill]) -> Iterator[Bill]:
    """The bills that credit notes of the same gross take back: each the latest of its own number
    before it, else the latest of any.
    """
    by_amount: dict[Decimal, list[Bill]] = defaultdict(list)
    for bill in sorted(bills, key=Bill.ranked):
        by_amount[bill.gross.amount].append(bill)
    for note in sorted(notes, key=Bill.ranked):
        standing = by_amount.get(abs(note.gross.amount), [])
        before = [n for n, bill in enumerate(standing) if bill.on <= note.on]
        same = [n for n in before if standing[n].number == note.number]
        if found := same or before:
            yield standing.pop(found[-1])


def _pairs(ranked: Sequence[Bill]) -> Iterator[tuple[Bill, Bill]]:
    """The two, the earlier first; of a series over one amount the two of any one day."""
    days = [list(found) for _, found in groupby(ranked, attrgetter("on"))]
    for found in days if len(ranked) >= _SERIES else [ranked]:
        if len(found) == 2:
            yield found[0], found[1]


def _is_other_service(a: Bill, b: Bill) -> bool:
    """Whether both name what they bill, and it is not the same."""
    fields = ("order", "order_line", "contract", "service_period")
    told = ((a.told(field), b.told(field)) for field in fields)
    return any(one and other and one.isdisjoint(other) for one, other in told)


def almost_same(a: str, b: str) -> bool:
    """Whether two normalised numbers differ by one character, or by two neighbours that swapped."""
    if min(len(a), len(b)) < _TELLING or abs(len(a) - len(b)) > 1 or a == b:
        return False
    differing = (n for n, (x, y) in enumerate(zip(a, b, strict=False)) if x != y)
    at = next(differing, min(len(a), len(b)))
    if len(a) != len(b):
        longer, shorter = (a, b) if len(a) > len(b) else (b, a)
        return longer[at + 1 :] == shorter[at:]
    swapped = a[at : at + 2] == b[at : at + 2][::-1]
    return a[at + 1 :] == b[at + 1 :] or (swapped and a[at + 2 :] == b[at + 2 :])
