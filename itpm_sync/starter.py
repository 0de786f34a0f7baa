"""The configuration that `itpm-sync init` writes: small, commented, and ready to be edited."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from string import Template

TOKEN_VARIABLE = "JIRA_TOKEN"  # noqa: S105 — the name of a variable

_PLAN = Template("""\
Project,WBS,Work package,Start,Finish,Budget,Currency,Method
$project,1.1,Design,2026-01-05,2026-01-30,20000,$currency,items
$project,1.2,Roll-out,2026-02-02,2026-04-24,80000,$currency,items
""")

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
  jira-main:
    connector: jira
    url: $url
    flavor: $flavor   # cloud or datacenter
    auth: $auth
    projects: [$project]
    fields:                       # custom fields by name or id; remove what your site has not
      points: Story Points
  office:                         # the plan, contracts, orders and invoices in spreadsheets
    connector: files
    folder: office
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
          budget: {column: Budget, as: money, currency: {column: Currency}}
          method: Method          # items, points, percent_complete, 0/100, 50/50, …

projects:
  - code: $project
    name: My first project
    currency: $currency
    # manager, sponsor, stage, start, finish, baseline_on: see docs/configuration.md
    # publish:                    # the status goes to this ticket, once you say so
    #   - {connection: jira-main, address: $project-1}

plan_from: [office]               # whose work packages are the plan

# Which work package a ticket belongs to; the first rule that matches wins.
allocation:
  - name: everything to the roll-out, until you know better
    when: {connection: jira-main}
    work_package: "1.2"

jobs:
  weekly: [pull, reconcile, report, publish]
""")

_DEFAULTS = {
    "url": "https://example.atlassian.net",
    "email": "you@example.org",
    "project": "NET",
    "currency": "EUR",
    "timezone": "UTC",
}


def configuration(answers: Mapping[str, str]) -> str:
    """The starter's text. `answers`: url, email (empty: Jira Data Center), project, currency,
    timezone, all of them `cleaned`.
    """
    given = _complete(answers)
    token = f"${{env:{TOKEN_VARIABLE}}}"
    auth = f'{{email: {json.dumps(given["email"])}, token: "{token}"}}'
    return _STARTER.substitute(
        given,
        url=json.dumps(given["url"]),
        flavor="cloud" if given["email"] else "datacenter",
        auth=auth if given["email"] else f'{{token: "{token}"}}',
    )


def plan(answers: Mapping[str, str]) -> str:
    """An example plan (CSV) of the same project in the same currency."""
    return _PLAN.substitute(_complete(answers))


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
    if not re.fullmatch(r"https?://[^/\s?#]+\S*", address):
        raise ValueError(f"expected an address such as {_DEFAULTS['url']}, found {text!r}")
    # /jira may be the context path of a Data Center; only Cloud has pages below it.
    page = r"[?#]|/(?:browse|projects|secure)(?:/|$)|/jira/(?:software|core|dashboards|for-you)"
    return re.split(page, address)[0].rstrip("/")
