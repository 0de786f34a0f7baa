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
    pairs, going = _Pairs(steps, costs), np.arange(draws.trials)
    weeks = np.full(draws.trials, _NEVER, dtype=np.int64)
    total = np.full(draws.trials, _NEVER, dtype=np.int64)
    rest = np.full(draws.trials, left, dtype=np.int64)
    spent = np.zeros(draws.trials, dtype=np.int64)
    unfinished = np.ones(draws.trials, dtype=np.bool_)
    unfinished_number = draws.trials
    for number in range(HORIZON // 2):
        if not unfinished_number:
            break
        if 2 * unfinished_number <= len(going):
            # Not each time: to walk on with some that are finished is less than to pick the others.
            on = np.flatnonzero(unfinished)
            going, rest, spent, unfinished = going[on], rest[on], spent[on], unfinished[on]
        drawn = draws.pair(number)
        drawn = drawn if len(going) == draws.trials else drawn.take(going, mode="clip")
        short = rest - pairs.most.take(drawn, mode="clip")
        # indices, not masks: picking by a mask takes ten times as long
        over = np.flatnonzero((short <= 0) & unfinished)
        if len(over):
            last, part = pairs.last(drawn[over], rest[over])
            weeks[going[over]], total[going[over]] = 2 * number + last, spent[over] + part
            unfinished[over] = False
            unfinished_number -= len(over)
        rest = short if pairs.steady else rest - pairs.done.take(drawn, mode="clip")
        if pairs.priced:
            spent += pairs.paid.take(drawn, mode="clip")
    return weeks, total


class _Pairs:
    """What any two weeks take off what is left, and cost, by the number that `Draws.pair` gives
    them: a table of all pairs is small, and half as many arrays are walked.
    """

    def __init__(self, steps: Sequence[int], costs: Sequence[int]) -> None:
        self._steps, self._costs = (np.array(of, dtype=np.int64) for of in (steps, costs))
        self.done, self.paid = (np.add.outer(of, of).ravel() for of in (self._steps, self._costs))
        self._first, self._second = (of.ravel() for of in np.indices((len(steps),) * 2))
        self.most = np.maximum(self.done, self._steps[self._first])  # at the end of either week
        self.steady, self.priced = min(steps) >= 0, any(costs)  # steady: then `most` is `done`

    def last(self, drawn: Whole, rest: Whole) -> tuple[Whole, Whole]:
        """Of trials that are finished in the first or the second of two weeks: which, and what is
        paid until then.
        """
        first, second = self._first.take(drawn), self._second.take(drawn)
        then = rest - self._steps.take(first)
        early = then <= 0
        number = np.where(early, 1, 2)
        if not self.priced:
            return number, np.zeros_like(rest)
        week = np.where(early, first, second)
        share = np.where(early, rest, then) / self._steps.take(week)
        part = np.rint(self._costs.take(week) * share).astype(np.int64)
        return number, np.where(early, part, self._costs.take(first) + part)


def percentile(values: Whole, percent: int) -> int | None:
    """The smallest value that `percent` of the trials do not exceed; None: they have none."""
    rank = -(-percent * len(values) // 100)
    found = int(np.partition(values, rank - 1)[rank - 1])
    return None if found == _NEVER else found
