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
"""Weeks (even) after which a course is given up: beyond five years the past weeks say nothing."""
_NEVER = np.iinfo(np.int64).max
_HALF = np.uint64(32)

Whole = NDArray[np.int64]


class Draws:
    """Which of the `samples` weeks each trial draws as its first, second, third, … week to come.

    Every question asked of the same draws looks at the same courses: a long one is also dear.
    """

    def __init__(self, seed: int, samples: int, trials: int) -> None:
        self._bits, self.samples, self.trials = np.random.PCG64(seed), samples, trials
        self._pairs: list[Whole] = []

    def pair(self, number: int) -> Whole:
        """What each trial draws for two weeks to come, the pairs counted from 0, as one number:
        first · samples + second.
        """
        while len(self._pairs) <= number:
            samples, second = np.uint64(self.samples), self._bits.random_raw(self.trials)
            first = second >> _HALF
            second &= np.uint64(0xFFFFFFFF)
            for bits in (first, second):
                # multiply and shift, in place: an even choice to within samples / 2**32
                np.multiply(bits, samples, out=bits)
                np.right_shift(bits, _HALF, out=bits)
            np.multiply(first, samples, out=first)
            np.add(first, second, out=first)
            self._pairs.append(first.view(np.int64))
        return self._pairs[number]


def seed_of(*facts: object) -> int:
    """A seed that depends on the facts alone, not on the machine or the process."""
    text = "\0".join(str(f) for f in facts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "big")


def courses(
    draws: Draws, steps: Sequence[int], costs: Sequence[int], left: int
) -> tuple[Whole, Whole]:
    """Of each trial the weeks until its steps reach what is left, and what these weeks cost.

    The last week counts whole as time and in part as cost: as much of it as is needed. A trial that
    is not finished within the horizon has neither. Costs that are all 0 are not added up.
    """
    done, paid = np.array(steps, dtype=np.int64), np.array(costs, dtype=np.int64)
    # Two weeks at a time: a table of all pairs is small, and half as many arrays are walked.
    both, cost = (np.add.outer(of, of).ravel() for of in (done, paid))
    most = np.maximum(both, np.repeat(done, len(done)))  # reached at the end of either week
    steady, priced = min(steps) >= 0, any(costs)  # steady: then `most` is `both`
    weeks = np.full(draws.trials, _NEVER, dtype=np.int64)
    total = np.full(draws.trials, _NEVER, dtype=np.int64)
    rest = np.full(draws.trials, left, dtype=np.int64)
    spent = np.zeros(draws.trials, dtype=np.int64)
    going = np.arange(draws.trials)
    for number in range(HORIZON // 2):
        if not len(going):
            break
        drawn = draws.pair(number)
        drawn = drawn if len(going) == draws.trials else drawn.take(going, mode="clip")
        short = rest - most.take(drawn, mode="clip")
        if short.min() <= 0:
            # indices, not masks: picking by a mask takes ten times as long
            over, on = np.flatnonzero(short <= 0), np.flatnonzero(short > 0)
            last, part = _last(done, paid, drawn[over], rest[over])
            weeks[going[over]], total[going[over]] = 2 * number + last, spent[over] + part
            going, drawn, rest, short, spent = (
                of.take(on, mode="clip") for of in (going, drawn, rest, short, spent)
            )
        rest = short if steady else rest - both.take(drawn, mode="clip")
        if priced:
            spent += cost.take(drawn, mode="clip")
    return weeks, total


def _last(done: Whole, paid: Whole, drawn: Whole, rest: Whole) -> tuple[Whole, Whole]:
    """Of trials that are finished in the first or the second of two weeks: which, and its cost."""
    first, second = np.divmod(drawn, len(done))
    then = rest - done[first]
    early = then <= 0
    week = np.where(early, first, second)
    part = np.rint(paid[week] * (np.where(early, rest, then) / done[week])).astype(np.int64)
    return np.where(early, 1, 2), np.where(early, part, paid[first] + part)


def percentile(values: Whole, percent: int) -> int | None:
    """The smallest value that `percent` of the trials do not exceed; None: they have none."""
    rank = -(-percent * len(values) // 100)
    found = int(np.partition(values, rank - 1)[rank - 1])
    return None if found == _NEVER else found
