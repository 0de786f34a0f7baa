"""An independent implementation of earned value and earned schedule agrees with ours."""

from __future__ import annotations

import math
import random
import sys
from fractions import Fraction
from itertools import accumulate
from types import SimpleNamespace

import pytest

from itpm_sync.reconcile import evm
from itpm_sync.reconcile.evm import Performance


def test_another_implementation_agrees_on_ten_thousand_projects(monkeypatch):
    """`pmcontrols` 0.2 gives the same indices, estimates and earned schedule, in floats.

    Differences, each by rule: where a denominator is 0 it says NaN (TCPI: infinity), ours is n/a
    with the reason; TCPI of an exhausted budget (AC > BAC) it divides all the same to a negative
    number, ours is n/a; for a finished project it still forecasts, where ours knows the cost (EAC
    by CPI is then AC in both); planned duration it takes from the table's last period, ours from
    the first in which PV reaches BAC, so tables end there; it starts at a period 0, which ours
    implies.
    """
    oracle = pytest.importorskip("pmcontrols")
    # Its table of results repeats the numbers and costs nine tenths of the time.
    quick = SimpleNamespace(DataFrame=lambda columns: columns)
    monkeypatch.setattr(sys.modules["pmcontrols.evm"], "pd", quick)
    same_pv, chance = {}, random.Random(1)  # noqa: S311
    for n in range(10_000):
        if n % 20 == 0:
            steps = [chance.choice((0, *range(1, 50))) for _ in range(chance.randint(1, 30))]
            pv = list(accumulate([*steps, chance.randint(1, 60)]))
            same_pv = oracle.PMB(
                periods=tuple(map(float, range(len(pv) + 1))), pv=(0.0, *map(float, pv)),
                bac=float(pv[-1]), created_at="", version="",
            )  # fmt: skip
        bac, pd = pv[-1], len(pv)
        ev = chance.choice((0, bac, chance.choice(pv), chance.randint(0, bac)))
        ac, at = chance.choice((0, chance.randint(1, 2 * bac))), chance.randint(1, pd + 5)
        theirs = oracle.evm(same_pv, ev, ac, at).stats
        es = evm.earned_schedule(pv, ev)
        assert es.value is not None
        assert evm.planned_duration(pv) == pd
        planned = pv[min(at, pd) - 1]
        p = Performance(Fraction(bac), Fraction(planned), Fraction(ev), Fraction(ac))
        agree(theirs["es"], es.value)
        agree(theirs["sv_t"], es.value - at)
        agree(theirs["spi_t"], evm.spi_t(es.value, at).value)
        agree(theirs["ieac_t"], evm.ieac_t(pd, es.value, at).value)
        agree(theirs["cpi"], p.cpi.value)
        agree(theirs["spi"], p.spi.value)
        agree(theirs["eac_typical"], evm.eac(p, "budget").value)
        if p.cpi.value and p.spi.value:
            agree(theirs["eac_cpi"], evm.eac(p, "cpi").value)
            if ev < bac:
                agree(theirs["eac_cpi_spi"], evm.eac(p, "cpi_spi").value)
        if ev < bac and ac < bac:
            agree(theirs["tcpi_bac"], evm.tcpi_bac(p).value)


def agree(theirs: float, ours: Fraction | None) -> None:
    if ours is None:
        assert math.isnan(theirs)
    else:
        assert float(ours) == pytest.approx(theirs, rel=1e-9, abs=1e-9)
