"""The composition root: one function a job. Only here meet configuration, store and connectors.

`session` opens what a command works on; `pulling`, `reconciling`, `reporting` and `publishing` are
the flow, `jobs` runs it for cron, `checking`, `inquiry` and `baselines` answer a person. Names are
loaded where first used: who pulls waits neither for the reconciliation nor for the reports.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from itpm_sync.app.baselines import (
        PlanSource,
        baseline_diff,
        baseline_list,
        baseline_record,
    )
    from itpm_sync.app.checking import ConnectionCheck, check, connectors
    from itpm_sync.app.gates import ProjectGates, gate_approve, gate_attest, gate_status
    from itpm_sync.app.gathering import inputs
    from itpm_sync.app.inquiry import (
        Explained,
        Found,
        Listed,
        Loads,
        Ratings,
        Status,
        capacity,
        explain,
        export,
        figures,
        findings,
        ratings,
        status,
    )
    from itpm_sync.app.jobs import JobResult, JobStanding, run_job
    from itpm_sync.app.publishing import publish
    from itpm_sync.app.pulling import Remapped, pull, remap
    from itpm_sync.app.reconciling import reconcile, snapshot_of
    from itpm_sync.app.reporting import report
    from itpm_sync.app.session import Session, locked, open_session

_HOMES = {
    "ConnectionCheck": "checking",
    "Explained": "inquiry",
    "Found": "inquiry",
    "JobResult": "jobs",
    "JobStanding": "jobs",
    "Listed": "inquiry",
    "Loads": "inquiry",
    "PlanSource": "baselines",
    "ProjectGates": "gates",
    "Ratings": "inquiry",
    "Remapped": "pulling",
    "Session": "session",
    "Status": "inquiry",
    "baseline_diff": "baselines",
    "baseline_list": "baselines",
    "baseline_record": "baselines",
    "capacity": "inquiry",
    "check": "checking",
    "connectors": "checking",
    "explain": "inquiry",
    "export": "inquiry",
    "figures": "inquiry",
    "findings": "inquiry",
    "gate_approve": "gates",
    "gate_attest": "gates",
    "gate_status": "gates",
    "inputs": "gathering",
    "locked": "session",
    "open_session": "session",
    "publish": "publishing",
    "pull": "pulling",
    "ratings": "inquiry",
    "reconcile": "reconciling",
    "remap": "pulling",
    "report": "reporting",
    "run_job": "jobs",
    "snapshot_of": "reconciling",
    "status": "inquiry",
}
__all__ = (
    "ConnectionCheck",
    "Explained",
    "Found",
    "JobResult",
    "JobStanding",
    "Listed",
    "Loads",
    "PlanSource",
    "ProjectGates",
    "Ratings",
    "Remapped",
    "Session",
    "Status",
    "baseline_diff",
    "baseline_list",
    "baseline_record",
    "capacity",
    "check",
    "connectors",
    "explain",
    "export",
    "figures",
    "findings",
    "gate_approve",
    "gate_attest",
    "gate_status",
    "inputs",
    "locked",
    "open_session",
    "publish",
    "pull",
    "ratings",
    "reconcile",
    "remap",
    "report",
    "run_job",
    "snapshot_of",
    "status",
)


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
