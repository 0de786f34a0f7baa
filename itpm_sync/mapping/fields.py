"""What the fields of the model hold, and which conversions give that."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

from itpm_sync.model import Money, Record

FITTING: Mapping[str, tuple[str, ...]] = types.MappingProxyType(
    {
        "text": ("text", "lower"),
        "list": ("list",),
        "int": ("int", "seconds", "minutes", "hours"),
        "decimal": ("decimal", "percent"),
        "bool": ("bool",),
        "date": ("date",),
        "datetime": ("datetime",),
        "money": ("money",),
    }
)
"""Which conversions give what a field holds."""


@dataclass(frozen=True, slots=True)
class FieldType:
    """What a model field holds: the conversion it gets by itself, and its enum if it is coded."""

    default: str
    enum: type[Enum] | None = None


def declared_fields(kind: type[Record]) -> dict[str, tuple[bool, FieldType]]:
    """The mappable fields of a kind: whether each is required, and what it holds."""
    hints = typing.get_type_hints(kind)
    return {
        f.name: (
            f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING,
            _target(hints[f.name]),
        )
        for f in dataclasses.fields(kind)
        if f.name not in ("ref", "attributes")
    }


def _target(hint: Any) -> FieldType:
    if isinstance(hint, types.UnionType):
        hint = next(a for a in typing.get_args(hint) if a is not type(None))
    if typing.get_origin(hint) is tuple:
        return FieldType("list")
    if isinstance(hint, type) and issubclass(hint, Enum):
        return FieldType("text", hint)
    names = {int: "int", Decimal: "decimal", bool: "bool", datetime: "datetime", date: "date"}
    return FieldType("money" if hint is Money else names.get(hint, "text"))
