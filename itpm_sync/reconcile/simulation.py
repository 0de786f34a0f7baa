"""Many courses that work may take, drawn from weeks that were: a bootstrap, seeded.

Steps, costs and what is left are whole numbers below 2**53 in size, so that sums are exact. Draws
come from the raw stream of a named bit generator, whose values its authors promise never to change
(NEP 19; drawing through a `Generator` has no such promise): the same seed gives the same courses on
every machine and with every version.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

HORIZON = 260
"""Weeks after which a course is given up: beyond five years nothing of the past weeks holds."""
_NEVER = np.iinfo(np.int64).max
_HALF = np.uint64(32)

Whole = NDArray[np.int64]


class Draws:
    """Which of the `samples` weeks each trial draws as its first, second, third, … week to come.

    Every question asked of the same draws looks at the same courses: a long one is also dear.
    """

    def __init__(self, seed: int, samples: int, trials: int) -> None:
        self._bits, self._samples, self.trials = np.random.PCG64(seed), np.uint64(samples), trials
        self._weeks: list[Whole] = []

    def week(self, number: int) -> Whole:
        """The sample drawn by each trial for a week to come, counted from 0."""
        while len(self._weeks) <= number:
            raw = self._bits.random_raw(self.trials)
            for bits in (raw >> _HALF, raw & np.uint64(0xFFFFFFFF)):
                # multiply and shift: an even choice to within samples / 2**32
                self._weeks.append(((bits * self._samples) >> _HALF).view(np.int64))
        return self._weeks[number]


def seed_of(*facts: object) -> int:
    """A seed that depends on the facts alone, not on the machine or the process."""
    text = "\0".join(str(f) for f in facts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "big")


def courses(
    draws: Draws, steps: Sequence[int], costs: Sequence[int], left: int
) -> tuple[Whole, Whole]:
    """Of each trial the weeks until its steps reach what is left, and what these weeks cost.

    The last week counts whole as time and in part as cost: as much of it as is needed. A trial that
    is not finished within the horizon has neither.
    """
    done, paid = np.array(steps, dtype=np.int64), np.array(costs, dtype=np.int64)
    weeks = np.full(draws.trials, _NEVER, dtype=np.int64)
    total = np.full(draws.trials, _NEVER, dtype=np.int64)
    rest = np.full(draws.trials, left, dtype=np.int64)
    spent = np.zeros(draws.trials, dtype=np.int64)
    going = np.arange(draws.trials)
    for number in range(HORIZON):
        if not len(going):
            break
        drawn = draws.week(number)
        drawn = drawn if len(going) == draws.trials else drawn[going]
        step, cost = done.take(drawn, mode="clip"), paid.take(drawn, mode="clip")
        before, rest = rest, rest - step
        if rest.min() <= 0:
            # indices, not masks: picking by a mask takes ten times as long
            over, on = np.flatnonzero(rest <= 0), np.flatnonzero(rest > 0)
            part = np.rint(cost[over] * (before[over] / step[over])).astype(np.int64)
            weeks[going[over]], total[going[over]] = number + 1, spent[over] + part
            going, rest, spent, cost = going[on], rest[on], spent[on], cost[on]
        spent = spent + cost
    return weeks, total


def percentile(values: Whole, percent: int) -> int | None:
    """The smallest value that `percent` of the trials do not exceed; None: they have none."""
    rank = -(-percent * len(values) // 100)
    found = int(np.partition(values, rank - 1)[rank - 1])
    return None if found == _NEVER else found
