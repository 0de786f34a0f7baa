"""The demo's configuration, with a comment where a reader of YAML will want one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from itpm_sync.demo.plan import PROJECTS, WEEKS, working_day
from itpm_sync.demo.world import ZONE, Programme

_FILES = """\
  office:                        # what the office keeps in spreadsheets
    connector: files
    folder: office
    defaults: {date: "%d.%m.%Y", thousands: "'", delimiter: ";"}
    tables:
      plan:
        file: plan.xlsx
        kind: work_package
        key: [Project, WBS]
        columns:
          project_key: Project
          code: WBS
          name: Work package
          team: Team
          planned_start: Start
          planned_finish: Finish
          budget: {column: Budget, as: money, currency: {column: Currency}}
          method: Method
          percent_complete: {column: "% done", as: percent}
          planned_effort_s: {column: Baseline hours, as: hours}
      milestones:
        file: milestones.csv
        kind: milestone
        key: [Project, Code]
        columns:
          project_key: Project
          work_package: WBS
          code: Code
          name: Milestone
          planned: Planned
          actual: Actual
          weight: Weight
      contracts:
        file: contracts.csv
        kind: contract
        key: [Number]
        columns:
          number: Number
          title: Title
          vendor: Vendor
          project_key: Project
          ceiling: {column: Ceiling, as: money, currency: {column: Currency}}
          start: Start
          end: End
          notice_days: Notice (days)
          renewal: Renewal
          owner: Owner
      orders:
        file: orders.csv
        kind: order_line
        key: [Order, Line]
        columns:
          order: Order
          line: Line
          description: Description
          vendor: Vendor
          contract: Contract
          project_key: Project
          work_package: WBS
          ordered_on: Ordered
          quantity: Quantity
          amount: {column: Net, as: money, currency: {column: Currency}}
          status: Status
      receipts:
        file: receipts.csv
        kind: receipt
        key: [Order, Line, Received]
        columns: {order: Order, line: Line, received_on: Received, quantity: Quantity}
      invoices:
        file: invoices.csv
        kind: invoice_line
        key: [Invoice, Line, Vendor]
        columns:
          invoice: Invoice
          line: Line
          credit_note: {column: Type, map: {invoice: "no", credit note: "yes"}}
          vendor: Vendor
          order: Order
          order_line: Order line
          contract: Contract
          project_key: Project
          work_package: WBS
          invoiced_on: Date
          quantity: Quantity
          amount: {column: Net, as: money, currency: {column: Currency}}
          paid_on: Paid
      rates:
        file: rates.csv
        kind: rate
        key: [Person, From]
        columns:
          of: Person
          per_hour: {column: Per hour, as: money, currency: {column: Currency}}
          valid_from: From
      people:
        file: people.csv
        kind: person
        key: [Name]
        columns:
          name: Name
          email: E-mail
          team: Team
          skills: {column: Skills, as: list, separator: "/"}
        attributes:
          percent: "% of a week"
          leave: Leave
          left_on: {column: Last day, as: date}
      fx:
        file: fx.csv
        kind: fx_rate
        key: [Date, Currency, Base]
        columns: {on: Date, currency: Currency, base: Base, rate: Rate}
      risks:
        file: risks.csv
        kind: risk
        key: [Code]
        columns:
          project_key: Project
          code: Code
          title: Risk
          probability: {column: Probability, as: percent, scale: 0.01}
          impact: {column: Impact, as: money, currency: {column: Currency}}
          owner: Owner
          status: Status
          due: Due
      changes:
        file: changes.csv
        kind: change_request
        key: [Number]
        columns:
          project_key: Project
          number: Number
          title: Title
          status: Status
          approved_by: Approved by
          approved_on: Approved on
          amount: {column: Amount, as: money, currency: {column: Currency}}
"""


def configuration(
    world: Programme,
    connections: Mapping[str, Mapping[str, Any]],
    publish_to: Sequence[str],
) -> str:
    """The demo's itpm.yaml. `publish_to` names the connections that carry the status tickets."""
    blocks = "".join(yaml_block({name: dict(block)}) for name, block in connections.items())
    projects = "".join(_project(world, row, publish_to) for row in PROJECTS)
    return f"""\
# The demo of ITPM Sync: an invented programme, served by sandboxes on this machine.
version: 1
title: Example programme office
timezone: {ZONE}
store: sqlite:///itpm.db
reports: {{folder: reports, url: "https://pmo.example.org/reports"}}

connections:
{blocks}{_FILES}
projects:
{projects}
plan_from: [office]              # versions of the work system are no work packages here

# Which work package a ticket belongs to: here a field of the ticket says so.
allocation:
  - name: by cost code
    when: {{cost_code: "*"}}
    work_package: "{{cost_code}}"

jobs:
  weekly: [pull, reconcile, report, publish]
"""


def _project(world: Programme, row: tuple[str, ...], publish_to: Sequence[str]) -> str:
    code, name, manager, sponsor, currency = row
    finish = working_day(world.start, WEEKS + 0.8)
    declared = "green" if code == "NET" else "amber"
    block = {
        "code": code, "name": name, "stage": "execution", "manager": manager,
        "sponsor": sponsor, "currency": currency, "start": world.start, "finish": finish,
        "declared_rating": declared, "baseline_on": world.start,
        "publish": [{"connection": c, "address": f"{code}-1"} for c in publish_to],
    }  # fmt: skip
    return _indented(_yaml([block]))


def yaml_block(block: Mapping[str, Any]) -> str:
    """Connections as they stand in a configuration."""
    return _indented(_yaml(dict(block)))


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, _data: Any) -> bool:
        """A value that stands twice is written twice: people read this."""
        return True


def _yaml(value: Any) -> str:
    text: str = yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True)
    return text


def _indented(text: str) -> str:
    return "".join(f"  {line}\n" for line in text.splitlines())
