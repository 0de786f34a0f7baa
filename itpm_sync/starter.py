"""The configuration that `itpm-sync init` writes: small, commented, and ready to be edited."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import date
from string import Template
from urllib.parse import urlsplit

from itpm_sync import example

TOKEN_VARIABLE = "JIRA_TOKEN"  # noqa: S105 — the name of a variable

_STARTER = Template("""\
# ITPM Sync. Every key is described in docs/configuration.md; `itpm-sync schema` prints a JSON
# Schema for your editor. Check your changes with: itpm-sync check
version: 1
title: IT project office
timezone: $timezone          # days begin here; IANA name, such as Europe/Zurich
store: sqlite:///itpm.db         # or postgresql+psycopg://user:$${env:PGPASSWORD}@host/itpm
reports:
  folder: reports
  # url: https://pmo.example.org/reports    # where stakeholders reach that folder

connections:
$jira  office:                         # the plan, orders and invoices in spreadsheets: an example
    connector: files
    folder: office
    defaults: {currency: $currency, zone: $timezone}
    tables:
      plan:
        file: plan.csv
        kind: work_package
        key: [Project, WBS]
        columns:
          project_key: Project
          code: WBS
          name: Work package
          planned_start: Start
          planned_finish: Finish
          budget: Budget
          method: Method          # items, points, percent_complete, 0/100, 50/50, …
          percent_complete: Percent
$tickets      rates:                      # what an hour of a person, a role or a team costs
        file: rates.csv
        kind: rate
        key: [Of, From]
        columns: {of: Of, valid_from: From, per_hour: Rate}
      orders:
        file: orders.csv
        kind: order_line
        key: [Order, Line]
        columns:
          project_key: Project
          work_package: WBS
          order: Order
          line: Line
          description: What
          vendor: Vendor
          ordered_on: Date
          amount: Net
      invoices:
        file: invoices.csv
        kind: invoice_line
        key: [Vendor, Invoice, Line]   # two vendors may have an INV-77
        columns:
          project_key: Project
          work_package: WBS
          invoice: Invoice
          line: Line
          vendor: Vendor
          order: Order
          order_line: Order line
          invoiced_on: Date
          amount: Net

projects:
  - code: $project
    name: My first project
    currency: $currency
    stage: execution
    start: $start
    finish: $finish
    baseline_on: $start       # scope is judged against the tickets of that day
    # manager, sponsor, operations_owner, calendar: see docs/configuration.md
    # publish:                    # the status goes to this ticket, once you say so
    #   - {connection: jira-main, address: $project-1}

plan_from: [office]               # whose work packages are the plan
$allocation
jobs:
  weekly: [pull, reconcile, report, publish]
""")

_JIRA = Template("""\
  jira-main:
    connector: jira
    url: $url
    flavor: $flavor   # cloud or datacenter
    auth: $auth
    projects: [$project]
    fields:                       # custom fields by name or id; remove what your site has not
      points: Story Points
""")

_ALLOCATION = """
# Which work package a ticket belongs to; the first rule that matches wins.
allocation:
  - name: everything to the roll-out, until you know better
    when: {connection: jira-main}
    work_package: "1.2"
"""

_TICKETS = """\
      tickets:                    # an example; remove it and `time` once jira-main gives yours
        file: tickets.csv
        kind: work_item
        key: Key
        columns:
          project_key: Project
          work_package: WBS
          key: Key
          title: Title
          status: {column: Status, map: {Open: todo, In progress: in_progress, Done: done}}
          assignee: Assignee
          estimate_s: {column: Estimate, as: hours}
          created_at: Created
          resolved_at: Resolved
      time:
        file: time.csv
        kind: time_entry
        key: [Person, Date, Ticket]
        columns:
          project_key: Project
          item: Ticket
          person: Person
          on: Date
          duration_s: {column: Hours, as: hours}
"""

_DEFAULTS = {
    "url": "https://example.atlassian.net",
    "email": "you@example.org",
    "project": "NET",
    "currency": "EUR",
    "timezone": "UTC",
}


def configuration(answers: Mapping[str, str], today: date) -> str:
    """The starter's text. `answers`: url, email (empty: Jira Data Center), project, currency,
    timezone, all of them `cleaned`. Without a url Jira stands in it as a comment.
    """
    given, plan = _complete(answers), example.plan(today)
    jira, allocation = _JIRA.substitute(_login(given)), _ALLOCATION
    if not answers.get("url"):
        hint = "  # Your Jira: remove the # of these lines and of `allocation` below.\n"
        jira, allocation = hint + _commented(jira), _commented(allocation)
    return _STARTER.substitute(
        given,
        jira=jira,
        tickets="" if answers.get("url") else _TICKETS,
        allocation=allocation,
        start=plan.start.isoformat(),
        finish=plan.finish.isoformat(),
    )


def files(answers: Mapping[str, str], today: date) -> dict[str, str]:
    """The example's CSV files of the same project, by name; `today` lies in its sixth week.
    Tickets and time are only among them where no Jira gives them.
    """
    given = _complete(answers)
    return example.files(given["project"], today, tickets=not answers.get("url"))


def _login(given: Mapping[str, str]) -> dict[str, str]:
    token = f"${{env:{TOKEN_VARIABLE}}}"
    auth = f'{{email: {json.dumps(given["email"])}, token: "{token}"}}'
    return {
        **given,
        "url": json.dumps(given["url"]),
        "flavor": "cloud" if given["email"] else "datacenter",
        "auth": auth if given["email"] else f'{{token: "{token}"}}',
    }


def _commented(block: str) -> str:
    """Each line a comment, where its text begins at the earliest; blank ones and comments stay."""
    lines = block.splitlines()
    depth = min(len(line) - len(line.lstrip()) for line in lines if line)
    plain = ("", "#")
    return "".join(
        f"{line}\n" if line[:1] in plain else f"{line[:depth]}# {line[depth:]}\n" for line in lines
    )


def _complete(answers: Mapping[str, str]) -> dict[str, str]:
    # An empty e-mail is an answer: Jira Data Center knows none.
    return {**_DEFAULTS, **{k: v for k, v in answers.items() if v or k == "email"}}


def cleaned(key: str, text: str) -> str:
    """An answer as the configuration takes it. Raises ValueError that says what is expected."""
    text = text.strip()
    if key == "url" and text:
        return _site(text)
    if key == "project" and text and not re.fullmatch(r"[A-Z][A-Z0-9_]*", text := text.upper()):
        raise ValueError(f"expected a project key such as NET, found {text!r}")
    if key == "currency" and text and not re.fullmatch(r"[A-Z]{3}", text := text.upper()):
        raise ValueError(f"expected a currency code such as EUR, found {text!r}")
    return text


def _site(text: str) -> str:
    """The address of the site, from whatever page of it was copied out of a browser."""
    address = text if "://" in text else f"https://{text}"
    wrong = _wrong_address(address)
    if not wrong and address != text and not re.search(r"[.:]", text.partition("/")[0]):
        wrong = f"a name without a dot needs its scheme, as in {address}"
    if wrong:
        # What stands before an @ may be a password: it is not shown.
        shown = "" if "@" in text else f", found {text!r}"
        raise ValueError(f"expected an address such as {_DEFAULTS['url']}{shown}: {wrong}")
    # /jira may be the context path of a Data Center; only Cloud has pages below it.
    page = r"[?#]|/(?:browse|projects|secure)(?:/|$)|/jira/(?:software|core|dashboards|for-you)"
    return re.split(page, address)[0].rstrip("/")


_LABEL = r"[^\W_](?:[\w-]*[^\W_])?"
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\.?|[0-9a-f]*:[0-9a-f:.]+", re.IGNORECASE)


def _wrong_address(address: str) -> str:
    """Why nothing can be reached under an address; empty if something may be."""
    scheme = address.partition("://")[0]
    if scheme.lower() not in ("http", "https"):
        return f"it begins with {scheme}://"
    if re.search(r"[\s\"'<>\\^`{|}]", address):
        return "it holds a blank or another character that no address has"
    return _wrong_host(address)


def _wrong_host(address: str) -> str:
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "its port is no number up to 65535, or its brackets do not close"
    if "@" in parts.netloc:
        return "no name and no password belong in it; --email and the token say who you are"
    if not host:
        return "it names no host"
    known = _HOST.fullmatch(host) and port != 0 and not parts.netloc.endswith(":")
    return "" if known else f"{parts.netloc} is no host"
