"""The three-way match agrees with its published example, and with an independent one."""

from __future__ import annotations

import random
from decimal import Decimal
from fractions import Fraction

import pytest

from itpm_sync.reconcile.matching import Line, Match, Reason, Status, Tolerance, match, relative

WORDS = {
    "": Reason.NONE,
    "Receipt or invoice with no matching purchase order line": Reason.ORPHAN,
    "No receipt and no invoice yet": Reason.NOT_STARTED,
    "Invoiced but nothing received": Reason.NOT_RECEIVED,
    "Billed for more than was received": Reason.OVER_BILLED,
    "Received more than was ordered": Reason.OVER_DELIVERED,
    "Short delivery against the order": Reason.SHORT,
    "Invoice price differs from the PO price": Reason.PRICE,
    "Value gap with matching quantities": Reason.VALUE,
}
USUAL = Tolerance(Fraction(2), Fraction(1), Fraction(5, 1000))


def line(ordered, price, received, invoiced, invoice_price) -> Line:
    return Line(
        ordered=None if ordered is None else Fraction(ordered),
        order_price=Fraction(price),
        received=Fraction(received),
        invoiced=Fraction(invoiced),
        invoice_price=Fraction(invoice_price),
    )


def test_published_exceptions(vector):
    """All seven printed exceptions, their variances and their sum.

    The unit prices are a reconstruction that agrees with every printed number.
    """
    case = vector("13")
    given = case["inputs_reconstructed"]
    tolerance = Tolerance(
        Fraction(case["tolerances"]["qty"]),
        Fraction(case["tolerances"]["value"]),
        Fraction(case["tolerances"]["pct"]) / 100,
    )
    orders = {(po, item): (q, p) for po, item, q, p in given["po"]}
    received = {(po, item): q for po, item, q in given["grn"]}
    invoiced = {(po, item): (q, p) for po, item, q, p in given["inv"]}
    total = Fraction(0)
    for po, item, ordered, got, billed, quantity, value, words in case["published_exceptions"]:
        own = orders.get((po, item))
        made = line(
            own[0] if own else None, own[1] if own else 0, received.get((po, item), 0),
            *invoiced[po, item],
        )  # fmt: skip
        assert (made.ordered or 0, made.received, made.invoiced) == (ordered, got, billed)
        assert made.quantity_variance == Fraction(quantity)
        assert made.value_variance == Fraction(value)
        expected = Status.EXCEPTION if own else Status.ORPHAN
        assert match(made, tolerance) == Match(expected, WORDS[words]), po
        total += made.value_variance
    assert total == Fraction(case["published_total_exception_value"])


@pytest.mark.parametrize(
    ("made", "status", "reason"),
    [
        (line(10, 5, 0, 0, 0), Status.NOT_STARTED, Reason.NOT_STARTED),
        (line(10, 5, 10, 10, "5.1"), Status.MATCHED, Reason.NONE),  # both at the limit
        (line(10, 5, 10, 10, "5.101"), Status.CHECK, Reason.PRICE),
        (line(10, 5, 10, 10, "5.3"), Status.CHECK, Reason.PRICE),
        (line(10, 5, 10, 10, "5.301"), Status.EXCEPTION, Reason.PRICE),
        (line(100, 1, 96, 100, "0.97"), Status.CHECK, Reason.OVER_BILLED),
        (line(100, 1, 95, 100, "0.95"), Status.EXCEPTION, Reason.OVER_BILLED),
    ],
)
def test_tolerances_are_inclusive(made, status, reason):
    assert match(made, USUAL) == Match(status, reason)


def test_shares_scale_with_the_order():
    big = line(1000, 5, 1000, 1020, 5)
    assert match(big, relative(big, Fraction(2, 100), Fraction(2, 100))).status is Status.MATCHED
    small = line(10, 5, 10, 11, 5)
    assert match(small, relative(small, Fraction(2, 100), Fraction(2, 100))).status is (
        Status.EXCEPTION
    )


def test_an_independent_implementation_agrees_on_ten_thousand_lines():
    """`threeway` 1.1 decides the same status, reason and variances.

    Differences: it calls an orphan an exception, where ours has a status of its own; it takes the
    tolerances as absolute numbers only; units of measure and cut-off dates, which ours lacks, are
    left out.
    """
    oracle = pytest.importorskip("threeway.core")
    chance = random.Random(13)  # noqa: S311
    for n in range(10_000):
        ordered = None if chance.random() < 0.1 else Decimal(chance.randint(0, 40))
        price = Decimal(chance.randint(0, 2000)) / 100
        received = Decimal(chance.choice((0, 0, ordered or 5, chance.randint(0, 45))))
        invoiced = Decimal(
            chance.choice((0, received, received + chance.randint(-5, 5), chance.randint(0, 45)))
        )
        billed = price + Decimal(chance.choice((0, 0, 1, 3, 10, -2, chance.randint(0, 500)))) / 100
        limits = (Decimal(chance.randint(0, 4)), Decimal(chance.randint(0, 900)) / 100,
                  Decimal(chance.randint(0, 40)) / 10)  # fmt: skip
        raw = oracle.RawLine
        theirs = oracle.reconcile(
            [] if ordered is None else [raw("P", "I", ordered, price)],
            [raw("P", "I", received)],
            [raw("P", "I", invoiced, billed)],
            *limits,
        ).lines[0]
        price = price if ordered is not None else Decimal(0)
        ours = line(ordered, price, received, invoiced, billed)
        quantity, value, percent = map(Fraction, limits)
        verdict = match(ours, Tolerance(quantity, value, percent / 100))
        status = "exception" if verdict.status is Status.ORPHAN else verdict.status
        assert (status.replace(" ", "_"), verdict.reason) == (
            theirs.status, WORDS[theirs.reason]
        ), n  # fmt: skip
        assert ours.quantity_variance == Fraction(theirs.qty_variance)
        assert ours.value_variance == Fraction(theirs.value_variance)
