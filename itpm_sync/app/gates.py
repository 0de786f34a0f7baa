"""Stage gates: what stands before the next one; approvals and attestations, recorded for good."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from itpm_sync.app.gate_advice import approval_refused, attestation_refused
from itpm_sync.app.gathering import inputs
from itpm_sync.app.reconciling import previous_of
from itpm_sync.app.session import Session
from itpm_sync.config import gate_criteria
from itpm_sync.errors import ConfigError, Problem, SafetyStop, suggestion
from itpm_sync.model import Stage
from itpm_sync.reconcile.gates import GATES, before, next_gate
from itpm_sync.reconcile.status import GateStatus
from itpm_sync.store import GateRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectGates:
    """A project's gates as they stand now, with every criterion."""

    project: str
    name: str
    stage: Stage
    owner: str  # to whom closing hands over, as configured
    gates: tuple[GateStatus, ...]
    coming: GateStatus | None  # the first not approved from the project's stage on


def gate_status(
    session: Session, project: str | None = None, *, owner: str = ""
) -> tuple[ProjectGates, ...]:
    """The gates of a project or of all, judged by what the store holds now.

    `owner` is to take over in place of the configured one. Raises ConfigError for a project that
    is not there.
    """
    from itpm_sync.reconcile import gates_of

    today = session.today()
    given = inputs(session, today)
    if owner:
        projects = tuple(replace(s, operations_owner=owner) for s in given.projects)
        given = replace(given, projects=projects)
    setups = {s.code: s for s in given.projects}
    if project is not None and project not in setups:
        raise _unknown("project", project, setups, "PROJECT")
    judged = gates_of(given, previous_of(session, today))
    return tuple(
        ProjectGates(
            project=code,
            name=setup.name,
            stage=setup.stage,
            owner=setup.operations_owner,
            gates=tuple(judged.get(code, ())),
            coming=next_gate(judged.get(code, ()), setup.stage),
        )
        for code, setup in setups.items()
        if project in (None, code)
    )


def gate_approve(
    session: Session,
    project: str,
    gate: str,
    *,
    by: str,
    note: str = "",
    despite: str = "",
    owner: str = "",
) -> tuple[str, ...]:
    """Records the approval of a gate; closing hands the project over to `owner`.

    Raises SafetyStop where mandatory criteria fail or an earlier gate is open, unless `despite`
    says why; ConfigError for names that are not known, a gate that is approved already, and
    closing without an owner. Nothing is recorded then.
    """
    [found] = gate_status(session, project, owner=owner.strip())
    status = _gate(found, gate)
    author = _said(by, "--by")
    if status.approved_by and not status.despite:
        on = f" on {status.approved_on}" if status.approved_on else ""
        message = f"the gate was approved by {status.approved_by}{on}"
        hint = f"nothing is left to do; itpm-sync gate status {project} shows the next gate"
        raise ConfigError([Problem((), message, hint, where="GATE")])
    closing = status.gate is Stage.CLOSING
    heir = found.owner if closing else ""
    if closing and not heir:
        hint = "say who takes over: --owner NAME, or `operations_owner` in the configuration"
        raise ConfigError(
            [Problem((), "closing needs a named owner in operations", hint, where="--owner")]
        )
    failing = _failing(found, status)
    if failing and not despite.strip():
        earlier = before(found.gates, status.gate, found.stage)
        raise SafetyStop(
            approval_refused(project, gate, earlier, status.missing, _evidence(session)),
            confirm=f"itpm-sync gate approve {project} {gate} --by NAME --despite REASON",
        )
    session.store.outcome.put_gate_record(
        GateRecord(
            project=project,
            act="approved",
            subject=gate,
            author=author,
            on=session.today(),
            recorded=session.now(),
            note=note.strip(),
            despite=despite.strip() if failing else "",
            owner=heir,
            failing=tuple(failing),
        )
    )
    told = [f"the gate of {gate} of {project} is approved by {author}"]
    told += [f"despite: {text}" for text in failing.values()]
    told += [f"{project} is handed over to {heir}"] if closing else []
    return tuple(told)


def _failing(found: ProjectGates, status: GateStatus) -> dict[str, str]:
    """What stands against an approval, in words, by criterion or gate."""
    earlier = before(found.gates, status.gate, found.stage)
    against = {f"gate {g}": f"the gate of {g} is not approved" for g in earlier}
    return against | {c.id: f"{c.id}: {c.told}" for c in status.missing}


def gate_attest(
    session: Session, project: str, criterion: str, *, by: str, note: str = "", withdraw: bool
) -> tuple[str, ...]:
    """Records a named person's word that a criterion is met, or its withdrawal.

    Raises ConfigError for names that are not known, for a criterion of which the sources tell, and
    for the withdrawal of what nobody attested.
    """
    [found] = gate_status(session, project)
    criteria = {c.id: c for status in found.gates for c in status.criteria}
    if criterion not in criteria:
        raise _unknown("criterion", criterion, criteria, "CRITERION")
    one, author = criteria[criterion], _said(by, "--by")
    wrong, hint = attestation_refused(project, one, withdraw=withdraw, evidence=_evidence(session))
    if wrong:
        raise ConfigError([Problem((), wrong, hint, where="CRITERION")])
    session.store.outcome.put_gate_record(
        GateRecord(
            project=project,
            act="withdrawn" if withdraw else "attested",
            subject=criterion,
            author=author,
            on=session.today(),
            recorded=session.now(),
            note=note.strip(),
        )
    )
    verb = "is no longer attested, says" if withdraw else "is attested by"
    return (f"{criterion} of {project} {verb} {author}",)


def _evidence(session: Session) -> dict[str, str]:
    """What answers each criterion in force, by the criterion's id."""
    return {c.id: c.evidence for c in gate_criteria(session.config.root.gates)}


def _gate(found: ProjectGates, gate: str) -> GateStatus:
    for status in found.gates:
        if status.gate == gate:
            return status
    if gate not in GATES:
        raise _unknown("gate", gate, [g.value for g in GATES], "GATE")
    hint = "give it criteria under `gates`, or take some back from `without`"
    raise ConfigError([Problem((), f"the gate of {gate} asks nothing", hint, where="GATE")])


def _said(name: str, where: str) -> str:
    if not name.strip():
        hint = f'say who answers for it, as in {where} "Ann Lee"'
        raise ConfigError([Problem((), "a name is wanted", hint, where=where)])
    return name.strip()


def _unknown(what: str, name: str, known: Iterable[str], where: str) -> ConfigError:
    hint = suggestion(name, list(known)[:60])
    return ConfigError([Problem((), f"no {what} {name!r}", hint, where)])
