"""Which tickets a text names: by key, by `#number`, by address."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from urllib.parse import parse_qsl, urlsplit

from itpm_sync.reconcile.likeness import Item

_LONGEST = 2_000  # characters of a link or an attribute that are searched for references
_URL = re.compile(r"https?://[^\s<>\"'|\]]+", re.IGNORECASE)
_KEY = re.compile(r"(?<![A-Za-z0-9_-])[A-Za-z][A-Za-z0-9_]{0,30}-[0-9]{1,12}(?![A-Za-z0-9_-])")
_PROJECT = re.compile(r"([A-Za-z][A-Za-z0-9_]*)-\d+")
_NUMBER = re.compile(r"(?<![\w#])#([0-9]{1,12})(?!\w)")


def project_of(key: str) -> str:
    """The project in a ticket's key (`NET` of `NET-12`); empty for what is no key."""
    found = _PROJECT.fullmatch(key)
    return found[1] if found else ""


def keys_in(text: str) -> Iterator[str]:
    """What a text could call tickets, without knowing them: keys, and the ends of addresses; in
    lower case.
    """
    text = text[:_LONGEST]
    for url in _URL.findall(text):
        yield from _last_words(url.rstrip(".,;:)"))
    yield from (key.casefold() for key in _KEY.findall(text))


class References:
    """Tickets by what others call them: key, `#number`, address."""

    def __init__(self, records: Sequence[Item]) -> None:
        self._records = records

    @cached_property
    def _by_key(self) -> Mapping[str, Sequence[Item]]:
        found: dict[str, list[Item]] = {}
        for record in self._records:
            found.setdefault(record.key.casefold(), []).append(record)
        return found

    @cached_property
    def _by_url(self) -> Mapping[str, Item]:
        found: dict[str, Item] = {}
        for record in self._records:
            if record.ref.url:
                found.setdefault(_address(record.ref.url), record)
        return found

    @cached_property
    def _hosts(self) -> Mapping[str, set[str]]:
        found: dict[str, set[str]] = {}
        for record in self._records:
            if record.ref.url:
                found.setdefault(_host(record.ref.url), set()).add(record.ref.connection)
        return found

    def in_title(self, record: Item) -> list[str]:
        """The words of its title that name a ticket, be it itself; they are not its subject."""
        title = record.title[:_LONGEST]
        if "-" not in title and "#" not in title:
            return []
        keys = [k for k in _KEY.findall(title) if k.casefold() in self._by_key]
        return keys + [f"#{n}" for n in _NUMBER.findall(title) if n in self._by_key]

    def named(self, record: Item, text: str) -> Iterable[Item]:
        """The tickets that a text of a record names; what could mean two is passed over."""
        if "-" not in text and "#" not in text and "://" not in text:
            return ()
        return self._named(record, text[:_LONGEST])

    def _named(self, record: Item, text: str) -> Iterator[Item]:
        for url in _URL.findall(text):
            yield from self._addressed(url.rstrip(".,;:)"))
        rest = _URL.sub(" ", text) if "://" in text else text
        for key in _KEY.findall(rest):
            yield from self._called(record, key)
        for number in _NUMBER.findall(rest):
            yield from self._called(record, number)

    def _called(self, record: Item, key: str) -> Iterator[Item]:
        found = self._by_key.get(key.casefold(), ())
        own = [r for r in found if r.ref.connection == record.ref.connection]
        wanted = own or found
        if len(wanted) == 1:
            yield wanted[0]

    def _addressed(self, url: str) -> Iterator[Item]:
        exact = self._by_url.get(_address(url))
        if exact is not None:
            yield exact
            return
        connections = self._hosts.get(_host(url), ())
        for word in _last_words(url):
            found = [r for r in self._by_key.get(word, ()) if r.ref.connection in connections]
            if len(found) == 1:
                yield found[0]
                return


def _address(url: str) -> str:
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    return f"{'http' if scheme.casefold() == 'https' else scheme}://{host.casefold()}{slash}{path.rstrip('/')}"


def _host(url: str) -> str:
    return url.partition("://")[2].partition("/")[0].casefold()


def _last_words(url: str) -> Iterator[str]:
    """Where a ticket's key stands in an address: the last part of the path, or of the query."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return
    yield parts.path.rstrip("/").rpartition("/")[2].casefold()
    yield from (value.casefold() for _, value in parse_qsl(parts.query)[:10])
