"""What a connector's author gives: a source to read, and the hands that change it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from itpm_sync.connector import Connector, Observed

HOSTILE_TITLES = (
    '"; DROP TABLE issue; --',
    '=HYPERLINK("http://evil.example")',
    "<script>alert(1)</script>",
    "line one\nline two\ttab",
    "Grüße – 日本語 – 🧨 – \u202eright to left",
    "back\\slash 'single' and \"double\"",
    "{{ 7 * 7 }} ${env:HOME} %s",
)


@dataclass(frozen=True, slots=True)
class PublishWorld:
    """The hands for what is published.

    `address()` makes a new object to publish to. `written(address, field)` asks the source how
    many texts of ours were put there: objects, or changes where a field has one value only.
    `edit[field](address, observed)` changes the field as a person would; a field that nobody can
    change stands in `fixed` instead, with the reason.
    """

    address: Callable[[], str]
    written: Callable[[str, str], int]
    edit: Mapping[str, Callable[[str, Observed], None]]
    fixed: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ContractWorld:
    """A connector and the hands that change its source.

    What a source cannot do is None, and `cannot` says why, by the hand's name; so it does for
    `incremental` (a stream that is always read whole), `whereabouts` (a source that could say no
    more than its census) and `wire` (a source that is not asked by HTTP). The suite holds each of
    these words against what the connector declares and does.

    `connector` builds a fresh one. `create(scope, title)` adds a record of `stream` and gives its
    source id; `edit(source_id, title)`, `delete(source_id)`, `move(source_id, scope)` change it,
    `hide(source_id)` takes the right to see it from the connector's account.
    `title_of(raw)` reads the title from a raw record's JSON, `stored(title)` is what the source
    itself makes of one. `offline` builds a connector that reaches no host, `astray` one for a
    scope that does not exist. `stream` is the name of the stream tested; `crosses` is how many
    records cross a page limit of the source (or of its test settings). `secrets` are those that
    the connector was built with.
    """

    connector: Callable[[], Connector]
    stream: str
    create: Callable[[str, str], str]
    title_of: Callable[[Mapping[str, Any]], str]
    offline: Callable[[], Connector]
    astray: Callable[[], Connector]
    edit: Callable[[str, str], None] | None = None
    delete: Callable[[str], None] | None = None
    move: Callable[[str, str], None] | None = None
    hide: Callable[[str], None] | None = None
    publishing: PublishWorld | None = None
    crosses: int = 25
    stored: Callable[[str], str] = str
    secrets: tuple[str, ...] = ()
    cannot: Mapping[str, str] = field(default_factory=dict)

    def needs(self, *names: str) -> None:
        """Skips a test for what the source cannot do, with the declared reason."""
        for name in names:
            if name in self.cannot:
                pytest.skip(f"declared: {self.cannot[name]}")
