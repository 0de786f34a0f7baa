"""Which findings a waiver covers. It is told by what they are about, before they are worded, since
what is waived disputes no cost and fails no gate.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Protocol, TypeVar

from itpm_sync.reconcile.decisions import Waiver
from itpm_sync.reconcile.folding import fold, pattern
from itpm_sync.reconcile.inputs import Inputs


class Waivable(Protocol):
    """What a waiver can name: a finding, or what a check makes one of."""

    @property
    def code(self) -> str:
        """The code of the finding."""
        ...

    @property
    def project(self) -> str:
        """The project's code; empty: the portfolio."""
        ...

    @property
    def subject(self) -> str:
        """What it is about."""
        ...


W = TypeVar("W", bound=Waivable)


class Cover:
    """The waivers by code. The first in force covers; what each covers, or would cover if it had
    not expired, is counted.
    """

    def __init__(self, waivers: Sequence[Waiver], today: date) -> None:
        self._today = today
        self._by_code: dict[str, list[tuple[int, Waiver]]] = defaultdict(list)
        self.matched: Counter[int] = Counter()
        for position, waiver in enumerate(waivers):
            self._by_code[waiver.finding].append((position, waiver))

    def of(self, found: Waivable) -> Waiver | None:
        """The waiver that covers it."""
        matching = list(self._matching(found))
        holding = [(n, w) for n, w in matching if w.holds(self._today)]
        self.matched.update(n for n, _ in holding or matching)
        return holding[0][1] if holding else None

    def _matching(self, found: Waivable) -> Iterator[tuple[int, Waiver]]:
        for position, waiver in self._by_code.get(found.code, ()):
            if _is_meant(waiver, found):
                yield position, waiver


def unwaived(found: Iterable[W], inputs: Inputs) -> tuple[W, ...]:
    """What no waiver in force covers."""
    cover = Cover(inputs.waivers, inputs.data_date)
    return tuple(one for one in found if cover.of(one) is None)


def named_by_waivers(found: Waivable, waivers: Iterable[Waiver]) -> bool:
    """Whether a waiver is meant for it, expired or not."""
    return any(w.finding == found.code and _is_meant(w, found) for w in waivers)


def _is_meant(waiver: Waiver, found: Waivable) -> bool:
    return _fits(waiver.project, found.project) and _fits(waiver.subject, found.subject)


def _fits(words: str, text: str) -> bool:
    return pattern(fold(words)).match(fold(text)) is not None
