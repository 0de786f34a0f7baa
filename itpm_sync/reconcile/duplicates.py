"""Work that is done twice: pairs of tickets, across systems and within, suggested and never merged.

First what people have written: a link that says "duplicates", a title, link or attribute that names
the other ticket by key or address. Then what looks alike: titles that share a rare word are scored
(`likeness`). A pair takes part while one of its tickets is open and the other is open too or was
closed lately. These are no duplicates, whatever their titles say:

- parent and child, epic and story, and tickets that are linked otherwise (`blocks`, `clones`):
  people know both;
- titles whose numbers differ on both sides (`Patch server 12`, `Patch server 13`), and like titles
  that one person entered within an hour of each other, or whose most telling words differ: a
  series, entered on purpose;
- titles that many tickets of a connection share (`Weekly meeting`), and those of fewer than two
  telling words: they name nothing;
- a help-desk item that was closed before the other came: it happened again.

Many pairs between two epics or projects are one finding: a template, or a plan carried out twice.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from operator import attrgetter
from typing import NamedTuple

from itpm_sync.model import HelpDeskItem, Person, WorkItem
from itpm_sync.reconcile.choices import Decision, DuplicateChoices
from itpm_sync.reconcile.likeness import (
    ONE,
    Item,
    Likeness,
    People,
    Ticket,
    Weights,
    cancelled,
    likeness,
    needed,
    open_at,
    plain,
    ticket,
)
from itpm_sync.reconcile.references import References

_COMPARISONS = 1_000_000  # most of all large blocks together: some seconds
_WHOLE = ONE * ONE  # what the square of a cosine is out of
_SAME_SITTING = timedelta(hours=1)
_NAMED_ALIKE = ONE // 2  # a ticket that names another is its duplicate if half of its title is too
_LEAST = ONE // 3  # titles less alike are never compared, whatever the threshold
_SAYS_DUPLICATE = re.compile("dupli[ckz]|doublon|doppel", re.IGNORECASE)


class Basis(StrEnum):
    """Why two tickets are taken for the same work, the surest first."""

    CONFIRMED = "confirmed"
    LINKED = "linked"  # a link says so
    NAMED = "named"  # one names the other, and the titles agree
    ALIKE = "alike"


@dataclass(frozen=True, slots=True)
class Pair:
    """Two tickets that look like the same work; `a` has the smaller identity."""

    a: Ticket
    b: Ticket
    basis: Basis
    found: Likeness
    sure: bool
    decision: Decision | None = None

    @property
    def key(self) -> tuple[str, str]:
        """The identities of both."""
        return self.a.record.id, self.b.record.id

    @property
    def at_stake_s(self) -> int | None:
        """What closing one of them would save: the lesser remaining effort of the open ones, in
        seconds; None where no open one is estimated.
        """
        known = [s for t in (self.a, self.b) if t.open and (s := remaining_s(t.record)) is not None]
        return min(known, default=None)


@dataclass(frozen=True, slots=True)
class Series:
    """Pairs between the same two epics, parents or projects of one connection."""

    between: tuple[str, str]
    pairs: tuple[Pair, ...]


@dataclass(frozen=True, slots=True)
class Capped:
    """A word that too many titles share: each was compared only with those entered nearest."""

    word: str
    tickets: int
    compared_with: int


@dataclass(frozen=True, slots=True)
class Duplicates:
    """What was found, and how much was looked at."""

    pairs: tuple[Pair, ...] = ()  # the surest first
    series: tuple[Series, ...] = ()
    capped: tuple[Capped, ...] = ()
    compared: int = 0  # tickets that took part
    unnamed: int = 0  # of these, with a title that names nothing
    recurring: int = 0  # of these, with a title that many share


def duplicates(
    records: Iterable[Item],
    people: Iterable[Person],
    choices: DuplicateChoices,
    end: datetime,
) -> Duplicates:
    """The pairs that look like the same work at `end`, in no order that depends on the records'."""
    if not choices.search:
        return Duplicates()
    records = sorted(_taking_part(records, choices, end), key=attrgetter("id"))
    references = References(records)
    tickets = _tickets(records, references, People(people), choices, end)
    recurring = _recurring(tickets, choices.recurring_after)
    titled = [t for t in tickets if t.words and t.words not in recurring]
    weights = Weights(titled)
    decided = {frozenset(d.pair): d for d in choices.decisions}
    by_id = {t.record.id: t for t in tickets}
    written, known = _written(by_id, references, weights)
    alike, capped = _alike(titled, weights, choices)
    found = {frozenset(p.key): p for p in alike if frozenset(p.key) not in known} | written
    found |= _confirmed(by_id, decided, weights)
    kept = [p for key, p in found.items() if key not in decided or p.decision is not None]
    pairs, series = _series(kept, choices.series_after)
    return Duplicates(
        pairs=tuple(sorted(pairs, key=_surest)),
        series=series,
        capped=capped,
        compared=len(tickets),
        unnamed=sum(not t.words for t in tickets),
        recurring=sum(t.words in recurring for t in tickets),
    )


def _surest(pair: Pair) -> tuple[int, int, tuple[str, str]]:
    return list(Basis).index(pair.basis), -pair.found.score, pair.key


def remaining_s(record: Item) -> int | None:
    """Remaining effort in seconds: as the source says, else estimate − spent; None if unknown."""
    if isinstance(record, HelpDeskItem):
        return None
    if record.remaining_s is not None:
        return record.remaining_s
    return None if record.estimate_s is None else max(0, record.estimate_s - (record.spent_s or 0))


def _taking_part(
    records: Iterable[Item], choices: DuplicateChoices, end: datetime
) -> Iterator[Item]:
    since = end - timedelta(days=choices.closed_days)
    for record in records:
        lately = record.resolved_at is not None and record.resolved_at >= since
        if open_at(record, end) or (lately and not cancelled(record)):
            yield record


def _tickets(
    records: Sequence[Item],
    references: References,
    people: People,
    choices: DuplicateChoices,
    end: datetime,
) -> list[Ticket]:
    generic = frozenset(plain(w) for w in choices.generic_words)
    return [ticket(r, end, people, generic, references.in_title(r)) for r in records]


def _recurring(tickets: Iterable[Ticket], most: int) -> frozenset[tuple[str, ...]]:
    seen = Counter((t.connection, t.words) for t in tickets if t.words)
    return frozenset(words for (_, words), n in seen.items() if n > most)


# ---- what people have written -------------------------------------------------------------------


def _written(
    by_id: Mapping[str, Ticket], references: References, weights: Weights
) -> tuple[dict[frozenset[str], Pair], set[frozenset[str]]]:
    """Pairs that people have written down as duplicates, and those that they have put in another
    relation.
    """
    pairs: dict[frozenset[str], Pair] = {}
    known: set[frozenset[str]] = set()
    named: list[tuple[Ticket, Ticket]] = []
    for mine in by_id.values():
        record = mine.record
        for link in record.links:
            for other in references.named(record, link):
                theirs = by_id[other.id]
                if _SAYS_DUPLICATE.search(link):
                    _put(pairs, mine, theirs, Basis.LINKED, weights)
                elif other.ref.connection == record.ref.connection:
                    known.add(frozenset((record.id, other.id)))
                else:
                    named.append((mine, theirs))
        for text in (record.title, *record.attributes.values()):
            named += [(mine, by_id[o.id]) for o in references.named(record, text)]
    for mine, theirs in named:
        key = frozenset((mine.record.id, theirs.record.id))
        free = len(key) == 2 and key not in pairs and key not in known
        if free and _could_be(mine, theirs) and _title(mine, theirs, weights) >= _NAMED_ALIKE:
            _put(pairs, mine, theirs, Basis.NAMED, weights)
    return pairs, known | pairs.keys()


def _put(
    pairs: dict[frozenset[str], Pair], a: Ticket, b: Ticket, basis: Basis, weights: Weights
) -> None:
    if a.record.id != b.record.id and (a.open or b.open):
        a, b = sorted((a, b), key=lambda t: t.record.id)
        found = likeness(a, b, _title(a, b, weights))
        pairs[frozenset((a.record.id, b.record.id))] = Pair(a, b, basis, found, sure=True)


def _title(a: Ticket, b: Ticket, weights: Weights) -> int:
    if not a.words or not b.words:
        return 0
    return ONE if a.words == b.words else weights.likeness(a.words, b.words)


def _confirmed(
    by_id: Mapping[str, Ticket], decided: Mapping[frozenset[str], Decision], weights: Weights
) -> dict[frozenset[str], Pair]:
    """Pairs that a person has confirmed, while both are open."""
    found = {}
    for key, decision in decided.items():
        both = [by_id[i] for i in sorted(key) if i in by_id]
        if decision.same and len(both) == 2 and all(t.open for t in both):
            a, b = both
            like = likeness(a, b, _title(a, b, weights))
            found[key] = Pair(a, b, Basis.CONFIRMED, like, sure=True, decision=decision)
    return found


# ---- what looks alike ---------------------------------------------------------------------------


def _alike(
    tickets: Sequence[Ticket], weights: Weights, choices: DuplicateChoices
) -> tuple[list[Pair], tuple[Capped, ...]]:
    suggest, sure = (int(t * ONE) for t in (choices.suggest, choices.sure))
    same, unknown, other = (max(_LEAST, needed(suggest, asked)) for asked in (ONE, None, 0))
    words, live = [t.words for t in tickets], [t.open for t in tickets]
    asked, norms = [t.asked for t in tickets], [weights.norm(t.words) for t in tickets]
    blocks, capped = _blocks(tickets, norms, weights, same, choices.block_limit)
    near, blind, far = (reach * reach for reach in (same, unknown, other))
    found: dict[tuple[int, int], Pair] = {}
    for block in blocks:
        for n, i in enumerate(block.members, start=1):
            own, who, mine, longest = frozenset(words[i]), asked[i], norms[i], block.longest
            limit = longest[i]
            others = block.members[n : n + block.window]
            for j in others if live[i] else [j for j in others if live[j]]:
                whom = asked[j]
                reach = (near if who == whom else far) if who and whom else blind
                theirs = norms[j]
                if reach * theirs > limit or reach * mine > longest[j]:
                    continue
                shared = weights.shared(own, words[j])
                if shared * shared * _WHOLE < reach * mine * theirs:
                    continue
                key = (i, j) if i < j else (j, i)
                if key not in found and (pair := _judged(tickets, key, weights, suggest, sure)):
                    found[key] = pair
    return list(found.values()), capped


def _judged(
    tickets: Sequence[Ticket], pair: tuple[int, int], weights: Weights, suggest: int, sure: int
) -> Pair | None:
    """Two tickets with titles alike as a pair, if all that is known of them speaks for it."""
    a, b = (tickets[i] for i in pair)
    if _other_number(a, b):
        return None
    like = likeness(a, b, weights.likeness(a.words, b.words))
    if like.score < suggest or not _could_be(a, b) or _one_series(a, b, weights):
        return None
    return Pair(a, b, Basis.ALIKE, like, sure=like.score >= sure)


def _other_number(a: Ticket, b: Ticket) -> bool:
    return bool(a.numbers - b.numbers and b.numbers - a.numbers)


class _Block(NamedTuple):
    """Titles with a rare word in common, by position; each is compared with the next `window`.

    `longest` is the squared length, times the square of what they must reach, beyond which another
    title is too long for it: even all of its words that are no rarer would be too little. A pair
    that shares a rarer word is compared there, unless too many titles have that word: then it
    counts here too.
    """

    members: Sequence[int]
    window: int
    longest: Mapping[int, int]


def _blocks(
    tickets: Sequence[Ticket], norms: Sequence[int], weights: Weights, least: int, limit: int
) -> tuple[Iterator[_Block], tuple[Capped, ...]]:
    """The titles to compare with each other, and the words that too many share."""
    index: dict[str, list[int]] = defaultdict(list)
    for position, found in enumerate(tickets):
        for word in weights.rarest(found.words, least):
            index[word].append(position)
    live = {
        w: m for w, m in sorted(index.items()) if len(m) > 1 and any(tickets[i].open for i in m)
    }
    large = sum(len(m) for m in live.values() if len(m) > limit)
    window = max(1, min(limit, _COMPARISONS // large)) if large else limit
    capped = {w: Capped(w, len(m), window) for w, m in live.items() if len(m) > limit}

    def blocks() -> Iterator[_Block]:
        for word, members in live.items():
            most = ((i, weights.rest(tickets[i].words, word, capped)) for i in members)
            longest = {i: shared * shared * _WHOLE // norms[i] for i, shared in most}
            if word in capped:
                near = sorted(members, key=lambda i: (_stamp(tickets[i]), i))
                yield _Block(near, window, longest)
            else:
                yield _Block(members, len(members), longest)

    return blocks(), tuple(sorted(capped.values(), key=lambda c: (-c.tickets, c.word)))


def _stamp(found: Ticket) -> float:
    return found.created.timestamp() if found.created else 0.0


def _could_be(a: Ticket, b: Ticket) -> bool:
    """Not parent and child, and not the same trouble come again."""
    if not (a.open or b.open):
        return False
    first, second = a.record, b.record
    if isinstance(first, WorkItem) and isinstance(second, WorkItem):
        return a.connection != b.connection or not (_owns(first, second) or _owns(second, first))
    if isinstance(first, HelpDeskItem) and isinstance(second, HelpDeskItem):
        return not (_over_before(a, b) or _over_before(b, a))
    return True


def _owns(parent: WorkItem, child: WorkItem) -> bool:
    names = {parent.ref.source_id, parent.key, parent.title} - {""}
    return child.parent in names or child.epic in names


def _over_before(a: Ticket, b: Ticket) -> bool:
    over = a.record.resolved_at
    return not a.open and over is not None and b.created is not None and over <= b.created


def _one_series(a: Ticket, b: Ticket, weights: Weights) -> bool:
    """Whether one person entered both as two: with different titles at one sitting, or with
    titles whose most telling words differ (`Implement the clipboard`, `Implement the camera`).
    """
    if a.words == b.words or a.connection != b.connection or not a.asked or a.asked != b.asked:
        return False
    first, second = frozenset(a.words), frozenset(b.words)
    shared = weights.heaviest(first & second)
    own = min(weights.heaviest(first - second), weights.heaviest(second - first))
    return own > shared or (
        a.created is not None
        and b.created is not None
        and abs(a.created - b.created) <= _SAME_SITTING
    )


def _series(pairs: Iterable[Pair], least: int) -> tuple[list[Pair], tuple[Series, ...]]:
    """Single pairs, and those of which many lie between the same two epics, parents or projects."""
    groups: dict[tuple[str, str], list[Pair]] = defaultdict(list)
    single: list[Pair] = []
    for pair in sorted(pairs, key=attrgetter("key")):
        between = _between(pair) if pair.basis is Basis.ALIKE else None
        if between is None:
            single.append(pair)
        else:
            groups[between].append(pair)
    series = []
    for between, found in sorted(groups.items()):
        if len(found) >= least:
            series.append(Series(between, tuple(found)))
        else:
            single += found
    return single, tuple(series)


def _between(pair: Pair) -> tuple[str, str] | None:
    """What the two tickets of one work system hang on, where that is not the same."""
    a, b = pair.a.record, pair.b.record
    if not (isinstance(a, WorkItem) and isinstance(b, WorkItem)):
        return None
    if pair.a.connection != pair.b.connection:
        return None
    first, second = sorted((_holder(a), _holder(b)))
    return None if first == second else (first, second)


def _holder(item: WorkItem) -> str:
    return item.parent or item.epic or item.project_key
