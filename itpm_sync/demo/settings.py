"""The demo's configuration, with a comment where a reader of YAML will want one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import yaml

from itpm_sync.demo.plan import OFFICE_PROJECTS, PROJECTS, WEEKS, working_day
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
        attributes: {budget_element: Element}
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
      payments:
        file: payments.csv
        kind: payment
        key: [Payment]
        columns:
          invoice: Invoice
          vendor: Vendor
          paid_on: Paid
          amount: {column: Gross, as: money, currency: {column: Currency}}
      timesheet:
        file: timesheet.csv
        kind: time_entry
        key: [Sheet]
        columns:
          person: Person
          project_key: Project
          work_package: WBS
          on: Day
          duration_s: {column: Hours, as: hours}
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
  branches:                      # what the branch coordinator sends now and then: not in the job
    connector: files
    folder: branches
    defaults: {date: "%d.%m.%Y", thousands: "'", delimiter: ";"}
    tables:
      register:
        file: register.csv
        kind: project
        key: [Branch, Name]
        columns:
          code: Branch
          name: Name
          planned_start: Start
          planned_finish: Planned finish
          actual_finish: Actual finish
          planned_cost: {column: Planned cost, as: money, currency: {column: Currency}}
          actual_cost: {column: Actual cost, as: money, currency: {column: Currency}}
        attributes:
          published_cost_variance: {column: Cost variance, as: decimal}
          published_schedule_variance_days: {column: Days, as: decimal}
      leases:
        file: leases.csv
        kind: contract
        key: [Number]
        columns: {number: Number, title: Title, vendor: Vendor, start: Start, end: End}
"""


def configuration(
    world: Programme,
    connections: Mapping[str, Mapping[str, Any]],
    publish_to: Sequence[str],
) -> str:
    """The demo's itpm.yaml. `publish_to` names the connections that carry the status tickets."""
    blocks = "".join(yaml_block({name: dict(block)}) for name, block in connections.items())
    projects = "".join(_project(world, row, publish_to) for row in PROJECTS)
    projects += "".join(_project(world, row, ()) for row in OFFICE_PROJECTS)
    weekly = ", ".join([*connections, "office"])
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
discover_projects: [branches]    # each row of the register is a project of its own

# Which work package a ticket belongs to: here a field of the ticket says so.
allocation:
  - name: by cost code
    when: {{cost_code: "*"}}
    work_package: "{{cost_code}}"

duplicates: {{listed: 2}}         # as many pairs as the weekly meeting can decide

# What people have decided, with their name and until when.
waivers:
{_indented(_yaml(_waivers(world.today)))}overrides:
{_indented(_yaml(_overrides(world.today)))}
jobs:
  weekly: {{steps: [pull, reconcile, report, publish], connections: [{weekly}]}}
"""


def _waivers(today: date) -> list[dict[str, object]]:
    """One in force, one that has run out, and one whose matter is settled."""
    return [
        {
            "finding": "package-late", "project": "NET", "subject": "1.2",
            "reason": "the second delivery is agreed with the supplier",
            "author": "Chief Information Officer", "expires": today + timedelta(days=21),
        },
        {
            "finding": "invoice-over-receipt", "project": "NET",
            "reason": "the goods were said to be on their way",
            "author": "Ana Ruiz", "expires": today - timedelta(days=3),
        },
        {
            "finding": "no-rate", "project": "SDM", "reason": "new rates come with the contract",
            "author": "Tom Becker", "expires": today + timedelta(days=30),
        },
    ]  # fmt: skip


def _overrides(today: date) -> list[dict[str, object]]:
    """One in force, one that has run out, and one of a project that is not there any more."""
    return [
        {
            "project": "DAP", "dimension": "quality", "rating": "amber",
            "reason": "the auditors wait for an export that nobody has begun",
            "author": "Chief Data Officer", "expires": today + timedelta(days=14),
        },
        {
            "project": "NET", "dimension": "cost", "rating": "amber",
            "reason": "a credit of the supplier was promised",
            "author": "Ana Ruiz", "expires": today - timedelta(days=10),
        },
        {
            "project": "VPN", "rating": "red", "reason": "the project was stopped",
            "author": "Chief Information Officer", "expires": today + timedelta(days=20),
        },
    ]  # fmt: skip


def _project(world: Programme, row: tuple[str, ...], publish_to: Sequence[str]) -> str:
    code, name, manager, sponsor, currency = row
    stage = "initiation" if code == "TEL" else "execution"
    finish = working_day(world.start, WEEKS + 0.8)
    declared = "green" if code == "NET" else "amber"
    block: dict[str, object] = {
        "code": code, "name": name, "stage": stage, "manager": manager,
        "sponsor": sponsor, "currency": currency, "start": world.start, "finish": finish,
        "declared_rating": declared, "baseline_on": world.start,
    }  # fmt: skip
    if publish_to:
        block["publish"] = [{"connection": c, "address": f"{code}-1"} for c in publish_to]
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
