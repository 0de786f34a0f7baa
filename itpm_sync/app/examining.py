"""A configuration with all that it names: every mistake at once, wherever it can be known."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from itpm_sync.app.mappings import Mappings
from itpm_sync.config import Config, examine, in_order
from itpm_sync.errors import ConfigError


def examined(path: Path, *, secrets: bool) -> tuple[Config, Mappings]:
    """The configuration and its mappings. Raises ConfigError with every problem of both; those of
    the configuration come first, then each mapping's, all in the order of their file.

    Without `secrets` the settings of a connection may not be known, nor what it maps; and whoever
    asks the store does not wait for what computes findings: what waivers name is not looked at.
    """
    found = examine(path, secrets=secrets, findings=_finding_codes if secrets else None)
    if found.config is None:
        raise ConfigError(found.problems)
    mappings = Mappings(found.config)
    of_mappings = tuple(mappings.problems())
    problems = found.problems
    if secrets and not of_mappings and found.complete:
        problems = in_order((*problems, *found.located(mappings.unknown_words())))
    if problems or of_mappings:
        raise ConfigError((*problems, *of_mappings))
    return found.config, mappings


def _finding_codes() -> Collection[str]:
    """Loaded only where a waiver asks: who only pulls waits for no check."""
    from itpm_sync.reconcile import finding_codes

    return finding_codes()
