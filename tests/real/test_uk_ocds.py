"""291 real procurement releases: what amends a contract becomes its history, and is reconciled.

Run with `make real`. The connector reads tables, so the test turns releases into two of them: a
process (`ocid`) is a contract with the tender's value as its ceiling, an award an order under it.
They are read twice: as first released, and with every amendment.
"""

from __future__ import annotations

import csv
import json
import lzma
import subprocess
import sys
from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from itpm_sync.store import Store
from tests.beside import SHARED, on_real_data

DATA = SHARED / "data" / "uk-ocds" / "ocds_releases.json.xz"

pytestmark = on_real_data(DATA)

CONFIGURATION = """
title: Procurement
store: sqlite:///itpm.db
projects:
  - {code: UK, name: Public procurement, currency: GBP}
connections:
  buying:
    connector: files
    folder: .
    tables:
      contracts:
        file: contracts.csv
        kind: contract
        key: [ocid]
        columns:
          project_key: {value: UK}
          number: ocid
          title: title
          vendor: vendor
          ceiling: {column: ceiling, currency: {column: currency}}
          start: start
          end: end
          status: status
      orders:
        file: orders.csv
        kind: order_line
        key: [award]
        columns:
          project_key: {value: UK}
          order: award
          contract: ocid
          vendor: vendor
          ordered_on: date
          amount: {column: amount, currency: {column: currency}}
jobs:
  weekly: {steps: [pull, reconcile, report]}
"""
SEVERN = "ocds-b5fd17-09a309a3-8541-48b9-91c4-411c52e5bd34"
BATH = "ocds-b5fd17-0cb08240-82a6-4be3-b63a-1ba819a00d18"

Releases = dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def releases() -> Releases:
    """By `ocid`, the oldest first."""
    found: Releases = defaultdict(list)
    for release in json.loads(lzma.decompress(DATA.read_bytes()), parse_float=Decimal):
        found[release["ocid"]].append(release)
    return {ocid: sorted(each, key=lambda r: r["date"]) for ocid, each in found.items()}


def vendors(awards: list[dict[str, Any]]) -> str:
    return "; ".join(s["name"] or "" for award in awards for s in award["suppliers"])


def contract(release: dict[str, Any]) -> dict[str, object]:
    tender, awards = release["tender"], release.get("awards", [])
    term = (awards[-1] if awards else tender).get("contractPeriod") or {}
    value = tender.get("value") or {}
    return {
        "ocid": release["ocid"], "title": tender.get("title", ""), "vendor": vendors(awards[-1:]),
        "ceiling": value.get("amount", ""), "currency": value.get("currency", ""),
        "start": term.get("startDate", "")[:10], "end": term.get("endDate", "")[:10],
        "status": tender.get("status", ""),
    }  # fmt: skip


def orders(releases: Sequence[dict[str, Any]]) -> list[dict[str, object]]:
    """Every award, as its last release says."""
    awards = {a["id"]: (r["ocid"], a) for r in releases for a in r.get("awards", [])}
    return [
        {
            "award": ident, "ocid": ocid, "date": award["date"][:10],
            "vendor": vendors([award]),
            "amount": award["value"]["amount"], "currency": award["value"]["currency"],
        }
        for ident, (ocid, award) in awards.items()
    ]  # fmt: skip


def write(path: Path, rows: list[dict[str, object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)


def itpm_sync(home: Path, *words: str) -> str:
    command = [sys.executable, "-m", "itpm_sync.cli", *words]
    done = subprocess.run(
        command, cwd=home, capture_output=True, text=True, check=False, timeout=600
    )
    assert "Traceback" not in done.stdout + done.stderr
    assert done.returncode in (0, 3), done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def runs(releases: Releases, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list, list]:
    """The folder, and the findings after the first releases and after all of them."""
    home = tmp_path_factory.mktemp("ocds")
    (home / "itpm.yaml").write_text(CONFIGURATION)
    found = []
    for known in ([each[:1] for each in releases.values()], list(releases.values())):
        write(home / "contracts.csv", [contract(each[-1]) for each in known])
        write(home / "orders.csv", orders([r for each in known for r in each]))
        itpm_sync(home, "run", "weekly")
        found.append(json.loads(itpm_sync(home, "findings", "--json")))
    return home, *found


def over(releases: Sequence[Sequence[dict[str, Any]]]) -> dict[str, Decimal]:
    """By how much awards exceed the tender's value, by arithmetic of this test."""
    result = {}
    for each in releases:
        value = each[-1]["tender"].get("value") or {}
        awarded = sum((Decimal(str(o["amount"])) for o in orders(each)), Decimal(0))
        if "amount" in value and awarded > value["amount"]:
            result[each[0]["ocid"]] = awarded - value["amount"]
    return result


def told(findings: list[dict[str, Any]]) -> dict[str, Decimal]:
    return {
        f["subject"]: Decimal(str(f["amount"]["amount"]))
        for f in findings
        if f["code"] == "order-over-contract"
    }


def test_every_process_is_a_contract_and_every_award_an_order(releases, runs):
    assert sum(map(len, releases.values())) == 291
    assert not [f for f in runs[2] if f["code"] == "rejected-records"]
    with Store.open(f"sqlite:///{runs[0] / 'itpm.db'}") as store:
        assert {c.number for c in store.records("contract")} == set(releases)
        assert len(list(store.records("order_line"))) == 143


def test_what_was_amended_is_a_version_and_nothing_else_is(releases, runs):
    with Store.open(f"sqlite:///{runs[0] / 'itpm.db'}") as store:
        versions = {c.number: store.versions("contract", c.id) for c in store.records("contract")}
        awards = {o.order: store.versions("order_line", o.id) for o in store.records("order_line")}
    changed = {o for o, each in releases.items() if contract(each[0]) != contract(each[-1])}
    assert {ocid for ocid, each in versions.items() if len(each) > 1} == changed
    # Looked at by hand: the term became shorter, and the winner's name came, with the award.
    before, after = (v for _, v in versions[BATH])
    assert (str(before.end), before.vendor) == ("2025-04-30", "")
    assert (str(after.end), after.vendor) == ("2025-03-31", "OpenView Security Solutions Limited")
    # An amount a hundred times too large was corrected six minutes later.
    assert [str(v.amount.amount) for _, v in awards[f"{SEVERN}-1"]] == ["10932000", "109320"]


def test_awards_over_the_tenders_value_are_those_of_a_plain_recomputation(releases, runs):
    first, last = (told(found) for found in runs[1:])
    assert first == over([each[:1] for each in releases.values()])
    assert last == over(list(releases.values()))
    assert first[SEVERN] == 10932000 - 109320
    assert SEVERN not in last
