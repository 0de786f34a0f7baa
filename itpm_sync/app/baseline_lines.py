"""How a baseline is kept: its work packages and scope items as lines of JSON values."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import TypeAdapter

from itpm_sync.reconcile.status import BaselineItem, BaselinePackage, RecordedBaseline
from itpm_sync.store import BaselineLine, StoredBaseline

_PACKAGES: TypeAdapter[list[BaselinePackage]] = TypeAdapter(list[BaselinePackage])
_ITEMS: TypeAdapter[list[BaselineItem]] = TypeAdapter(list[BaselineItem])


def lines(
    packages: Iterable[BaselinePackage], items: Iterable[BaselineItem]
) -> tuple[BaselineLine, ...]:
    """A plan and its scope as the store keeps them."""
    return (
        *(
            BaselineLine(section="package", data=p)
            for p in _PACKAGES.dump_python(list(packages), mode="json")
        ),
        *(
            BaselineLine(section="item", data=i)
            for i in _ITEMS.dump_python(list(items), mode="json")
        ),
    )


def recorded(stored: StoredBaseline) -> RecordedBaseline:
    """A stored baseline as the reconciliation takes it."""

    def section(name: str) -> list[Any]:
        return [line.data for line in stored.lines if line.section == name]

    return RecordedBaseline(
        project=stored.project,
        version=stored.version,
        on=stored.on,
        author=stored.author,
        approval=stored.approval,
        change_request=stored.change_request,
        packages=tuple(_PACKAGES.validate_python(section("package"))),
        items=tuple(_ITEMS.validate_python(section("item"))),
    )
