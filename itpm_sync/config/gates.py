"""The criteria of the stage gates that come with the product, as a configuration changes them."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from itpm_sync.config.document import read_yaml
from itpm_sync.config.settings import Criterion, Gates


@cache
def default_criteria() -> tuple[Criterion, ...]:
    """The criteria of `gates.yaml`, in the order of the gates."""
    listed = read_yaml(Path(__file__).with_name("gates.yaml")).data["criteria"]
    return tuple(Criterion.model_validate(entry) for entry in listed)


def gate_criteria(gates: Gates) -> tuple[Criterion, ...]:
    """The criteria in force: an own one replaces the default of its id, or comes after all."""
    own = {c.id: c for c in gates.criteria}
    kept = [own.pop(c.id, c) for c in default_criteria() if c.id not in gates.without]
    return (*kept, *own.values())
