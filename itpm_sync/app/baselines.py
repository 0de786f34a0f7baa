"""Recording baselines, listing them, and saying how two of them differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from itpm_sync.app.baseline_lines import lines, recorded
from itpm_sync.app.gathering import inputs
from itpm_sync.app.session import Session
from itpm_sync.errors import ConfigError, Problem
from itpm_sync.reconcile.status import RecordedBaseline


def baseline_record(
    session: Session, project: str, *, author: str, approval: str = "", change_request: str = ""
) -> tuple[str, ...]:
    """Freezes the plan and the scope of a project, as they are in the store now."""
    from itpm_sync.reconcile import freeze

    today = session.today()
    frozen = freeze(inputs(session, today), project)
    if frozen is None:
        raise ConfigError([Problem((), f"no project {project!r}", where="PROJECT")])
    number = session.store.put_baseline(
        project,
        on=today,
        author=author,
        now=session.now(),
        lines=lines(frozen),
        approval=approval,
        change_request=change_request,
    )
    counts = f"{len(frozen.packages)} work packages, {len(frozen.items)} scope items"
    return (f"baseline {number} of {project} recorded: {counts}",)


def baseline_list(session: Session, project: str | None = None) -> tuple[RecordedBaseline, ...]:
    """The recorded versions, oldest first."""
    return tuple(
        b for b in map(recorded, session.store.baselines()) if project in (None, b.project)
    )


def baseline_diff(session: Session, project: str, old: int, new: int) -> tuple[str, ...]:
    """What two versions have differently, a line each."""
    versions = {b.version: b for b in baseline_list(session, project)}
    for number in (old, new):
        if number not in versions:
            known = ", ".join(map(str, versions)) or "none"
            raise ConfigError(
                [
                    Problem(
                        (), f"{project} has no baseline {number}", f"recorded: {known}", "VERSION"
                    )
                ]
            )
    told = [
        *_differences(
            "work package",
            {p.code: p for p in versions[old].packages},
            {p.code: p for p in versions[new].packages},
        ),
        *_differences(
            "item",
            {i.identity: i for i in versions[old].items},
            {i.identity: i for i in versions[new].items},
        ),
    ]
    return tuple(told) or (f"versions {old} and {new} of {project} are equal",)


def _differences(what: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    for key in sorted({*old, *new}):
        before, after = old.get(key), new.get(key)
        name = getattr(after or before, "key", key)
        if before is None:
            yield f"added    {what} {name}"
        elif after is None:
            yield f"removed  {what} {name}"
        elif before != after:
            changed = [
                f"{n}: {getattr(before, n)} → {getattr(after, n)}"
                for n in before.__dataclass_fields__
                if getattr(before, n) != getattr(after, n)
            ]
            yield f"changed  {what} {name}: {'; '.join(changed)}"
