"""A process that is killed at a request, or at a transaction of the store."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from connectors.jira.connector import JiraConnector
from itpm_sync.store import Store

WHEN = ("before", "inside", "after")  # of a transaction of the store


class Killed(BaseException):
    """Stands for kill -9: nothing of ours may handle it."""


@contextmanager
def killing(store: Store, connector: JiraConnector, how: str, at: int) -> Iterator[None]:
    """Dies at the n-th request ("request"), or at the n-th transaction of the store ("before",
    "inside", "after")."""
    numbers = itertools.count()
    send, write = connector._http._send, store._db.write

    def sending(*args: Any, **options: Any) -> Any:
        if next(numbers) == at:
            raise Killed
        return send(*args, **options)

    @contextmanager
    def writing() -> Iterator[Any]:
        mine = next(numbers) == at
        if mine and how == "before":
            raise Killed
        with write() as db:
            yield db
            if mine and how == "inside":
                raise Killed
        if mine:
            raise Killed

    if how == "request":
        connector._http._send = sending  # type: ignore[method-assign]
    else:
        store._db.write = writing  # type: ignore[method-assign]
    try:
        yield
    finally:
        connector._http._send = send  # type: ignore[method-assign]
        store._db.write = write  # type: ignore[method-assign]
