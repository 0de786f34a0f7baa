"""Texts for outside systems without the names of persons: who is meant stands in the report."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from itertools import groupby
from types import MappingProxyType

from itpm_sync.reconcile.status import Finding
from itpm_sync.reconcile.wording import count

SOMEBODY = "somebody"
_SHORTEST = 3  # characters; what is shorter stands in too many words
_NO_NAMES = frozenset({"nobody", "somebody", "unassigned", "none"})
_COUNTED: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "over-allocated": (
            "person has too much work in a week", "people have too much work in a week",
        ),
        "work-of-leaver": (
            "person leaving or gone has open work", "people leaving or gone have open work",
        ),
        "hours-impossible": (
            "day on which a person is booked for more than 24 hours",
            "days on which a person is booked for more than 24 hours",
        ),
        "no-rate": (
            "person has no hourly rate for booked time",
            "people have no hourly rate for booked time",
        ),
    }
)  # fmt: skip
"""What is said of findings of which each is about one person: of one of them, and of several."""

_NO_MONTH = r"(?!(?<=\d\s)\w+\s\d{4})"  # `7 Jan 2027` is a day, whoever is called Jan

Unnamed = Callable[[str], str]


def unnamed(names: Iterable[str], others: Iterable[str] = ()) -> Unnamed:
    """The function that puts `somebody` in the place of each of these names. What is said alike of
    several persons, parted by `; `, it says once. Names that `others` have too, a project or a team
    (queues are assignees as well), stay.
    """
    taken = {other.strip().casefold() for other in others}
    told = {n.strip() for n in names} - {""}
    known = sorted((n for n in told if _is_name(n) and n.casefold() not in taken),
                   key=len, reverse=True)  # fmt: skip
    if not known:
        return as_it_is
    name = "|".join(map(re.escape, known))
    found = re.compile(rf"(?<!\w){_NO_MONTH}(?:{name})(?!\w)", re.IGNORECASE)

    def without(text: str) -> str:
        replaced, count = found.subn(SOMEBODY, text)
        return _each_once(replaced.split("; ")) if count else text

    return without


def _each_once(parts: Iterable[str]) -> str:
    """Parts without those that repeat one before, or with what it ends: `CPI is n/a: …; …`."""
    kept: list[str] = []
    for part in parts:
        if not any(before == part or before.endswith(f": {part}") for before in kept):
            kept.append(part)
    return "; ".join(kept)


def _is_name(text: str) -> bool:
    return len(text) >= _SHORTEST and text.casefold() not in _NO_NAMES


def as_it_is(text: str) -> str:
    """The one that leaves every name."""
    return text


def counted(findings: Iterable[Finding], without: Unnamed) -> tuple[str, ...]:
    """A line a finding with its severity, in their order; those that are about one person each are
    one line a severity, which counts them.
    """
    lines = []
    for (severity, code), group in groupby(findings, key=_alike):
        several = tuple(group)
        if code not in _COUNTED:
            lines += [f"{severity}: {without(f.message)}" for f in several]
            continue
        one, many = _COUNTED[code]
        told = count(len(several), one, many)
        lines.append(f"{severity}: {told}; the report says who")
    return tuple(lines)


def _alike(finding: Finding) -> tuple[str, str]:
    return finding.severity.value, finding.code
