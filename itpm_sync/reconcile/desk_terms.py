"""The help-desk items behind a project's counts: open ones, and those that missed a target."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from itpm_sync.model import HelpDeskItem
from itpm_sync.reconcile.explanation import Part
from itpm_sync.reconcile.facts import ProjectFacts
from itpm_sync.reconcile.number import Number, figure, known
from itpm_sync.reconcile.status import Figure
from itpm_sync.reconcile.tracing import Traces

_LABELS: Mapping[str, str] = {
    "desk_open": "Help-desk items open",
    "desk_response_breaches": "Response targets missed",
    "desk_resolve_breaches": "Resolution targets missed",
}


def figures(facts: ProjectFacts) -> Mapping[str, Figure]:
    """The counts by name; `desk_open:P1` counts one priority."""
    return {name: figure(name, _label(name), n, "items") for name, n in numbers(facts).items()}


def numbers(facts: ProjectFacts) -> Mapping[str, Number]:
    """The counts by the name of their figure; none for a project without a help desk."""
    return {name: known(len(found)) for name, found in _counted(facts).items()}


def parts(facts: ProjectFacts, traces: Traces, name: str) -> Iterable[Part]:
    """The items behind a count, one each."""
    for item in _counted(facts)[name]:
        note = f"priority {item.priority}" if item.priority else ""
        yield traces.of(item, known(1), "items", source=item.source_status, note=note)


def _label(name: str) -> str:
    plain, _, priority = name.partition(":")
    return f"{_LABELS[plain]}, priority {priority}" if priority else _LABELS[plain]


def _counted(facts: ProjectFacts) -> Mapping[str, Sequence[HelpDeskItem]]:
    desk = facts.desk
    if desk is None:
        return {}
    by_priority = {
        f"desk_open:{word}": [i for i in desk.live if (i.priority or "none") == word]
        for word, _ in desk.status.open_by_priority
    }
    return {
        "desk_open": desk.live,
        **by_priority,
        "desk_response_breaches": desk.answered_late,
        "desk_resolve_breaches": desk.resolved_late,
    }
