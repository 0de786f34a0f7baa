"""Checks of people: too much work, work of those who left, work that nobody has estimated."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from shlex import quote

from itpm_sync.errors import up_to
from itpm_sync.model import Money, Record
from itpm_sync.reconcile.capacity import Assignment, Load, Week
from itpm_sync.reconcile.facts import PortfolioFacts, finding
from itpm_sync.reconcile.long_days import DAY_S, LongDay
from itpm_sync.reconcile.number import decimal
from itpm_sync.reconcile.status import Finding, Severity
from itpm_sync.reconcile.wording import apart, count, day, money, show

_HIGH = 2  # of a week's capacity
_SHOWN = 3


def over_allocated(facts: PortfolioFacts) -> Iterator[Finding]:
    """Somebody has more work in a week than time."""
    tolerance = Fraction(facts.inputs.capacity.tolerance)
    for load in facts.capacity.loads:
        weeks = load.over(tolerance)
        if not weeks or not load.worker.here(weeks[0].first):
            continue  # whoever has left is told by another check
        worst = max(weeks, key=lambda w: (w.over, -w.monday.toordinal()))
        grave = any((w.load.value or 0) >= w.capacity * _HIGH for w in weeks)
        items = _items(a for w in weeks for a, _ in w.parts)
        yield finding(
            "over-allocated",
            Severity.HIGH if grave else Severity.MEDIUM,
            facts.home(items),
            load.worker.form,
            f"{load.worker.name} has too much work in {count(len(weeks), 'week')}: "
            f"{', '.join(map(_week, weeks[:_SHOWN]))}{' …' if len(weeks) > _SHOWN else ''}"
            f"{_notes(load)}. "
            f"{_able(facts, load, worst)}",
            action="Move work to somebody with room, or its dates, or agree on overtime: "
            f"`itpm-sync capacity {quote(load.worker.name)} --week {worst.monday}` shows it.",
            evidence=[a.item for a, _ in worst.largest],
        )


def _items(assignments: Iterable[Assignment]) -> list[Record]:
    return list({a.item.id: a.item for a in assignments}.values())


def _week(week: Week) -> str:
    return (
        f"week of {day(week.monday)} {hours(week.load.value or Fraction())} for "
        f"{hours(week.capacity)} (+{hours(week.over)})"
    )


def hours(seconds: Fraction) -> str:
    """`12.5 h`."""
    return f"{show(seconds / 3600, 1)} h"


def _notes(load: Load) -> str:
    notes = []
    if load.unestimated:
        notes.append(f"{count(load.unestimated, 'item')} without estimate not counted")
    if not load.worker.known:
        notes.append("not listed, so taken to work full time")
    return f" ({'; '.join(notes)})" if notes else ""


def _able(facts: PortfolioFacts, load: Load, week: Week) -> str:
    able, by = facts.capacity.able(load, week)[:_SHOWN], facts.capacity.sought(load, week)
    when, team = f"in the week of {day(week.monday)}", load.worker.team
    if not by:
        return "Who could help is not known: neither skills nor a team are told"
    if not able:
        who = "with the skill" if by == "skill" else f"else in {team}"
        return f"Nobody {who} is known to have room {when}"
    what = "Skill and room" if by == "skill" else f"Room in {team}"
    return f"{what} {when}: " + ", ".join(f"{o.worker.name} {hours(r)}" for o, r in able)


def work_of_leaver(facts: PortfolioFacts) -> Iterator[Finding]:
    """Open work is assigned to somebody who has left, or will have before it is due."""
    for load in facts.capacity.loads:
        worker, today = load.worker, facts.inputs.data_date
        if worker.here(today) and worker.left_on is None:
            continue
        gone = not worker.here(today)
        left = load.assignments if gone else _due_later(load)
        if not left:
            continue
        on = f" on {day(worker.left_on)}" if worker.left_on else ""
        known = [a.seconds for a in left if a.seconds is not None]
        effort = hours(Fraction(sum(known))) if known else "n/a: not estimated"
        verb = "leaves" if not gone else "left" if on else "has left"
        yield finding(
            "work-of-leaver",
            Severity.HIGH if gone else Severity.MEDIUM,
            facts.home([a.item for a in left]),
            worker.form,
            f"{worker.name} {verb}{on}; {count(len(left), 'open item')} "
            f"{'is' if len(left) == 1 else 'are'} assigned to them{'' if gone else ' for later'}. "
            f"Effort at stake: {effort}",
            action="Assign each to somebody else, and have it handed over while that can be.",
            evidence=[a.item for a in left],
        )


def _due_later(load: Load) -> Sequence[Assignment]:
    until = load.worker.left_on
    return [a for a in load.assignments if until is not None and a.last > until]


def load_unknown(facts: PortfolioFacts) -> Iterator[Finding]:
    """Load or capacity is a guess: items without estimates, words on people that cannot be read."""
    loads = facts.capacity.loads
    open_items = [a for load in loads for a in load.assignments]
    blind = [a.item for a in open_items if a.seconds is None]
    if blind:
        people = [x.worker.name for x in loads if x.assignments and x.unestimated]
        yield finding(
            "load-unknown",
            Severity.LOW,
            "",
            "estimates",
            f"{len(blind):,} of {count(len(open_items), 'assigned open item')} have no estimate: "
            f"the load of {up_to(_SHOWN, people)} is higher than shown, or n/a",
            action="Estimate them, the next to be worked on first.",
            evidence=blind,
        )
    for load in loads:
        if load.worker.unread:
            yield finding(
                "load-unknown",
                Severity.MEDIUM,
                "",
                f"people/{load.worker.form}",
                f"{load.worker.name}: {'; '.join(load.worker.unread)}: left out of the capacity",
                action="Correct the person's record at its source.",
                evidence=[load.worker.record] if load.worker.record is not None else [],
            )


def hours_impossible(facts: PortfolioFacts) -> Iterator[Finding]:
    """One person is booked for more than 24 hours on one day, over all projects and systems."""
    for d in facts.long_days:
        amount = Money(decimal(d.cost.value), d.currency) if d.cost.value is not None else None
        yield finding(
            "hours-impossible",
            Severity.MEDIUM,
            facts.home(d.entries),
            f"{d.person} {d.on}",
            f"{d.entries[0].person} is booked for {_exactly(d.seconds, 24)} on "
            f"{day(d.on)}, {_exactly(d.seconds - DAY_S)} more than a day has{_by_connection(d)}; "
            f"what is too much costs {_cost(d)}",
            action="Correct hours and days where they are booked; where two systems hand over the "
            "same worklog, read it from one of them only, as its cost counts twice.",
            amount=amount,
            evidence=d.entries,
        )


def _by_connection(found: LongDay) -> str:
    parts = [f"{name} {_exactly(seconds)}" for name, seconds in found.by_connection.items()]
    return f" ({', '.join(parts)})" if len(parts) > 1 else ""


def _cost(found: LongDay) -> str:
    if found.cost.value is None:
        return f"n/a: {found.cost.reason}"
    return f"{money(found.cost.value, found.currency)} at the average rate of the day"


def _exactly(seconds: int, beyond: int = 0) -> str:
    """Hours, in digits that tell them from as many as they are beyond."""
    return f"{apart(Fraction(seconds, 3600), beyond)} h"
