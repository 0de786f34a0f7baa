"""What an office says about duplicates, people and capacity, as frozen values; YAML fills them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from itpm_sync.reconcile.workdays import STANDARD, Calendar

GENERIC_WORDS = tuple(
    "the and for with from that this not are was new all has have our your their into onto per via "
    "der die das und den dem des ein eine mit von zur zum auf fuer für nicht ist im "
    "le la les et de du des un une pour avec sur dans "
    "daily weekly monthly quarterly yearly annual meeting meetings call sync standup stand up "
    "retro retrospective planning review status report reporting update updates "
    "agenda minutes notes follow followup test testing ticket issue task request "
    "please help fw fwd re aw wg besprechung sitzung jour fixe woche wöchentlich monatlich "
    "bericht réunion hebdomadaire".split()
)
"""Words that a title says without saying what it is about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A person's word on a pair of tickets, by their identities; it stays until it is taken out."""

    pair: tuple[str, str]
    same: bool  # confirmed, else rejected
    author: str = ""
    on: date | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DuplicateChoices:
    """Thresholds and limits of the search; docs/configuration.md cites their sources."""

    search: bool = True
    suggest: Decimal = Decimal("0.75")
    sure: Decimal = Decimal("0.90")
    closed_days: int = 90  # closed tickets take part for so long after
    recurring_after: int = 5  # a title that more tickets of a connection share names none of them
    series_after: int = 3  # so many pairs between two epics, parents or projects are told as one
    block_limit: int = 50  # tickets that share a rare word and are all compared with each other
    listed: int = 200  # single findings; the rest is counted
    generic_words: tuple[str, ...] = GENERIC_WORDS
    decisions: tuple[Decision, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonChoices:
    """Somebody who works on projects, as the office knows them; what is None, a source may say."""

    name: str
    email: str = ""
    team: str = ""
    skills: tuple[str, ...] = ()
    percent: Decimal | None = None  # 0..100, of a full week and available for planned work
    calendar: Calendar | None = None  # in place of the portfolio's
    leave: tuple[date, ...] = ()
    left_on: date | None = None  # the last day at work


@dataclass(frozen=True, slots=True, kw_only=True)
class CapacityChoices:
    """How load and capacity are computed; docs/configuration.md says why."""

    hours_per_day: Decimal = Decimal(8)
    weeks: int = 8  # that are looked ahead
    undated_weeks: int = 4  # over which work without any date is spread
    tolerance: Decimal = Decimal("0.10")  # above capacity, as a share of it
    calendar: Calendar = STANDARD
    people: tuple[PersonChoices, ...] = ()
