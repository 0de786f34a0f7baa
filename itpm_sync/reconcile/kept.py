"""What a snapshot keeps of the figures that `explain` names, wherever in the status it stands."""

from __future__ import annotations

from collections.abc import Mapping

from itpm_sync.model import Money
from itpm_sync.reconcile.number import figure, known
from itpm_sync.reconcile.status import ContractStatus, Figure, HelpDeskStatus, ProjectStatus


def kept(status: ProjectStatus, name: str, package: str = "") -> Figure | None:
    """A figure of a project, of one of its packages (`package`), contracts (`contract:C-1:burn`),
    of its help desk (`desk_open:P1`) or of a group of effort (`effort_spent_s:type:Story`) as it
    was reported; None: the snapshot does not keep it.
    """
    if package:
        return next((p.figures.get(name) for p in status.packages if p.code == package), None)
    if name in status.figures:
        return status.figures[name]
    if name.startswith("contract:"):
        return _of_contract(status, name)
    if status.help_desk is not None and (told := _of_desk(status.help_desk, name)) is not None:
        return told
    of, _, group = name.partition(":")
    return next((g.figures.get(of) for g in status.effort if f"{g.by}:{g.name}" == group), None)


def _of_contract(status: ProjectStatus, name: str) -> Figure | None:
    number, _, state = name.removeprefix("contract:").rpartition(":")
    contract = next((c for c in status.contracts if c.number == number), None)
    if contract is None:
        return None
    return contract.burn if state == "burn" else _money(contract, state, name)


def _money(contract: ContractStatus, state: str, name: str) -> Figure | None:
    """Snapshots keep no `ordered`, and older ones no `accrued`."""
    kept_states: Mapping[str, Money | None] = {
        "committed": contract.committed,
        "invoiced": contract.invoiced,
    }
    amount = contract.accrued if state == "accrued" else kept_states.get(state)
    if amount is None:
        none = Figure(name=name, label=name, value=None, unit="", reason="not known then")
        return none if state in kept_states else None
    return Figure(name=name, label=name, value=amount.amount, unit=amount.currency)


def _of_desk(desk: HelpDeskStatus, name: str) -> Figure | None:
    plain, _, priority = name.partition(":")
    if plain == "desk_open" and priority:
        return figure(name, name, known(dict(desk.open_by_priority).get(priority, 0)), "items")
    counts = {
        "desk_open": desk.open_now,
        "desk_response_breaches": desk.response_breaches,
        "desk_resolve_breaches": desk.resolve_breaches,
    }
    if name in counts:
        return figure(name, name, known(counts[name]), "items")
    return {"within_sla": desk.within_sla, "desk_effort_s": desk.effort}.get(name)
