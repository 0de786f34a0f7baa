"""How alike two tickets are: the words of their titles, who asked, about what, and when.

Titles are compared as sets of words: case, accents, punctuation and generic words (`weekly`,
`meeting`) do not count; scripts that are written without spaces are cut into pairs of characters.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from sys import intern

from itpm_sync.model import HelpDeskItem, Person, TicketStatus, WorkItem, WorkStatus
from itpm_sync.reconcile.helpdesk import is_open

ONE = 10_000
"""Scores are whole ten-thousandths: they compare exactly, and the same on every machine."""

_LONGEST, _MOST_WORDS = 500, 40  # of a title; what stands beyond says nothing about its subject
_DECAY_S = 72 * 3600
_WORD = re.compile(r"[^\W_]+")
_SPACELESS = re.compile("[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]+")
_IGNORED = re.compile(r"https?://\S+", re.IGNORECASE)
_DONE = frozenset({WorkStatus.DONE, WorkStatus.CANCELLED})

_NONE = frozenset[str]()

Item = WorkItem | HelpDeskItem


@dataclass(frozen=True, slots=True, eq=False)
class Ticket:
    """A work item or help-desk item, ready to be compared."""

    record: Item
    open: bool
    words: tuple[str, ...]  # of the title, ascending; empty: it says too little
    numbers: frozenset[str]  # those of the words that contain a digit
    asked: str  # who asked for it, in one form for all systems; empty: not known
    about: frozenset[str]  # components, category, customer
    created: datetime | None

    @property
    def connection(self) -> str:
        """Where it comes from."""
        return self.record.ref.connection


@dataclass(frozen=True, slots=True)
class Likeness:
    """The score of a pair and its parts, each in ten-thousandths; None: not known on both sides."""

    score: int
    title: int
    asked: int | None
    about: int | None
    near: int | None


class People:
    """One form for the many ways in which systems write a person: name, `Name, First`, address."""

    def __init__(self, people: Iterable[Person]) -> None:
        self._known: dict[str, str] = {}
        self._forms: dict[str, str] = {}
        for person in sorted(people, key=lambda p: p.id):
            form = _name(person.name)
            for way in (person.name, person.email):
                if way.strip():
                    self._known.setdefault(way.strip().casefold(), form)

    def form(self, text: str) -> str:
        """The form of a name or address as a source writes it."""
        found = self._forms.get(text)
        if found is None:
            found = self._forms[text] = self._form(text.strip().casefold())
        return found

    def _form(self, word: str) -> str:
        return self._known.get(word) or _name(word.partition("@")[0] if "@" in word else word)


def _name(text: str) -> str:
    return " ".join(sorted(_WORD.findall(plain(text))))


def plain(text: str) -> str:
    """Without case, accents and invisible characters, in one Unicode form."""
    if text.isascii():
        return text.casefold()
    marks = ("M", "C")
    kept = (
        c for c in unicodedata.normalize("NFKD", text) if unicodedata.category(c)[0] not in marks
    )
    return unicodedata.normalize("NFC", "".join(kept)).casefold()


def title_words(
    title: str, generic: frozenset[str], left_out: Iterable[str] = ()
) -> tuple[str, ...]:
    """What a title is about: its words but for generic ones, each once and ascending; empty where
    fewer than two are left or all are numbers. `left_out` are references in it to other tickets.
    """
    text = title[:_LONGEST]
    for reference in left_out:
        text = text.replace(reference, " ")
    if "://" in text:
        text = _IGNORED.sub(" ", text)
    found = _WORD.findall(plain(text))
    if not text.isascii():
        found = [part for word in found for part in _parts(word)]
    found = [w for w in found if w not in generic and (len(w) > 1 or w.isdigit())]
    words = list(dict.fromkeys(found))[:_MOST_WORDS]
    if len(words) < 2 or all(map(str.isdigit, words)):
        return ()
    # A million titles are made of some thousand words: each is kept once, and in tuples, of which
    # sets take seven times the memory.
    return tuple(map(intern, sorted(words)))


def _parts(word: str) -> Sequence[str]:
    if not _SPACELESS.search(word):
        return (word,)
    return [word[i : i + 2] for i in range(len(word) - 1)] or (word,)


def ticket(
    record: Item, end: datetime, people: People, generic: frozenset[str], left_out: Iterable[str]
) -> Ticket:
    """The record as it is compared; `end` is the first moment after the data date."""
    words = title_words(record.title, generic, left_out)
    asked = record.reporter if isinstance(record, WorkItem) else record.requester
    return Ticket(
        record,
        open=open_at(record, end),
        words=words,
        numbers=_set([w for w in words if not w.isalpha()]),
        asked=people.form(asked) if asked else "",
        about=_about(record),
        created=record.created_at,
    )


def _set(words: Sequence[str]) -> frozenset[str]:
    """The words as a set; that of none is one for all tickets."""
    return frozenset(words) if words else _NONE


def open_at(record: Item, end: datetime) -> bool:
    """Whether work on it was still to be done at `end`."""
    if isinstance(record, HelpDeskItem):
        return is_open(record, end)
    later = record.resolved_at is not None and record.resolved_at >= end
    return record.status not in _DONE or later


def cancelled(record: Item) -> bool:
    """Whether it was given up rather than done."""
    return record.status in (WorkStatus.CANCELLED, TicketStatus.CANCELLED)


def _about(record: Item) -> frozenset[str]:
    own = record.components if isinstance(record, WorkItem) else (record.category,)
    given = record.attributes
    named = [given.get(n, "") for n in ("component", "customer", "service")] if given else ()
    return _set([plain(w).strip() for w in (*own, *named) if w.strip()])


class Weights:
    """How much each word tells: the rarer, the more. Cosine of weighted words, 0 to ONE."""

    def __init__(self, tickets: Sequence[Ticket]) -> None:
        seen = Counter(chain.from_iterable(t.words for t in tickets))
        whole = len(tickets)
        self._square = {w: round(1000 * math.log(1 + whole / n)) ** 2 for w, n in seen.items()}
        ordered = sorted(self._square, key=lambda w: (-self._square[w], w))
        self._rank = {word: rank for rank, word in enumerate(ordered)}

    def norm(self, words: Iterable[str]) -> int:
        """The squared length of a title; a word that no compared title has weighs nothing."""
        square = self._square
        return sum([square.get(w, 0) for w in words])

    def rest(self, words: Iterable[str], word: str, also: Collection[str]) -> int:
        """The squared weight of the words of a title that are no rarer than `word` or in `also`."""
        square, rank = self._square, self._rank
        least = rank[word]
        return sum([square[w] for w in words if rank[w] >= least or w in also])

    def rarest(self, words: Sequence[str], least: int) -> list[str]:
        """The rare words of a title of which any title at least that like it must have one.

        Words in the order of their weight; the rest is too light to reach `least` by itself
        (the prefix filter of similarity joins: Bayardo, Ma, Srikant, WWW 2007).
        """
        ordered = sorted(words, key=self._rank.__getitem__)
        spare = self.norm(words) * least * least
        rest = 0
        while ordered:
            rest += self._square[ordered[-1]]
            if rest * ONE * ONE >= spare:
                break
            ordered.pop()
        return ordered

    def heaviest(self, words: Iterable[str]) -> int:
        """The weight of the most telling of the words; 0 if there is none."""
        return max((self._square.get(w, 0) for w in words), default=0)

    def likeness(self, a: Sequence[str], b: Sequence[str]) -> int:
        """The cosine of two titles."""
        return cosine(self.shared(frozenset(a), b), self.norm(a), self.norm(b))

    def shared(self, a: frozenset[str], b: Iterable[str]) -> int:
        """The squared weight of the words that two titles share."""
        return self.norm(a.intersection(b))


def cosine(shared: int, norm_a: int, norm_b: int) -> int:
    """Of two titles, from what they share and their squared lengths."""
    return math.isqrt(shared * shared * ONE * ONE // (norm_a * norm_b)) if shared else 0


def needed(suggest: int, asked: int | None) -> int:
    """What two titles must reach to be suggested, where component and time speak for the pair."""
    return -(-(10 * suggest - 2 * (ONE // 2 if asked is None else asked) - 2 * ONE) // 6)


def likeness(a: Ticket, b: Ticket, title: int) -> Likeness:
    """0.6 · title + 0.2 · same requester + 0.1 · same component + 0.1 · e^(-time apart / 72 h).

    What is not known on both sides counts half: it speaks neither for nor against. Components of
    two systems that differ are other words, not other things: they count half as well.
    """
    asked = None if not (a.asked and b.asked) else ONE * (a.asked == b.asked)
    about = _same_subject(a, b)
    near = _near(a.created, b.created)
    parts = ((asked, 2), (about, 1), (near, 1))
    score = 6 * title + sum(n * (ONE // 2 if part is None else part) for part, n in parts)
    return Likeness(score // 10, title, asked, about, near)


def _same_subject(a: Ticket, b: Ticket) -> int | None:
    if a.about & b.about:
        return ONE
    return 0 if a.about and b.about and a.connection == b.connection else None


def _near(a: datetime | None, b: datetime | None) -> int | None:
    if a is None or b is None:
        return None
    return round(ONE * math.exp(-abs((a - b).total_seconds()) / _DECAY_S))


def told(found: Likeness) -> Mapping[str, str]:
    """The parts of a score in words, for an explanation."""

    def share(part: int | None) -> str:
        return "n/a" if part is None else f"{part / ONE:.2f}"

    return {
        "title": share(found.title), "requester": share(found.asked),
        "component": share(found.about), "time": share(found.near),
    }  # fmt: skip
