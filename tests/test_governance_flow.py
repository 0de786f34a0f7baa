"""Findings, waivers, overrides and gates by the command line: a project office's view."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from itpm_sync.app.gate_advice import REMEDIES
from itpm_sync.config import default_criteria
from itpm_sync.reconcile.gates import EVIDENCE
from tests.calling import Ended, Run

TODAY = date.today()  # noqa: DTZ011 — a day or two around it make no difference here
SOON, PAST = TODAY + timedelta(days=90), TODAY - timedelta(days=10)
OFFICE = """
timezone: UTC
connections:
  office:
    connector: files
    folder: .
    tables:
      plan:
        file: plan.csv
        kind: work_package
        key: [Project, WBS]
        columns:
          {project_key: Project, code: WBS, name: Name, planned_start: Start,
           planned_finish: Finish, budget: {column: Budget, as: money, currency: CHF}}
      invoices:
        file: invoices.csv
        kind: invoice_line
        key: Invoice
        columns:
          {project_key: Project, invoice: Invoice, vendor: Vendor, invoiced_on: Date,
           amount: {column: Net, as: money, currency: CHF}}
projects:
  - {code: NET, name: Network, currency: CHF}
jobs: {weekly: [pull, reconcile, report]}
"""


@pytest.fixture
def run(call: Run, monkeypatch: pytest.MonkeyPatch, office: Path) -> Run:
    monkeypatch.chdir(office)
    return call


@pytest.fixture
def office(tmp_path: Path) -> Path:
    """A plan and one invoice without an order: an overdue project."""
    (tmp_path / "itpm.yaml").write_text(OFFICE)
    (tmp_path / "plan.csv").write_text(
        f"Project,WBS,Name,Start,Finish,Budget\nNET,1,Roll-out,2026-01-05,{PAST},10000\n"
    )
    (tmp_path / "invoices.csv").write_text(
        f"Project,Invoice,Vendor,Date,Net\nNET,R-1,ACME,{PAST},500\n"
    )
    return tmp_path


def configure(office: Path, **blocks: Any) -> None:
    """The configuration with further blocks; JSON is YAML."""
    extra = "".join(f"{name}: {json.dumps(block)}\n" for name, block in blocks.items())
    (office / "itpm.yaml").write_text(OFFICE + extra)


def rows(result: Ended, code: str) -> list[tuple[str, str]]:
    return [(f["subject"], f["state"]) for f in result.json if f["code"] == code]


def days_ago(number: int) -> str:
    return (TODAY - timedelta(days=number)).isoformat()


# ---- findings across runs -----------------------------------------------------------------------


def test_a_finding_is_open_then_resolved_then_reopened(run: Run, office: Path) -> None:
    code, bill = "invoice-without-order", (office / "invoices.csv").read_text()
    assert run("pull").code == 0
    run("reconcile", "--as-of", days_ago(7))
    assert rows(run("findings", "--json"), code) == [("ACME R-1", "still open")]  # nothing before

    (office / "invoices.csv").write_text(bill.replace("R-1", "R-2"))
    run("pull", "--sweep", "--confirm-deletions")
    run("reconcile")
    assert rows(run("findings", "--json"), code) == [("ACME R-2", "new"), ("ACME R-1", "resolved")]
    assert f"(new, since {TODAY})" in run("findings", "NET").out
    run("report")
    page = (office / "reports" / str(TODAY) / "NET.html").read_text()
    assert "resolved since" in page


def test_a_past_figure_whose_records_changed_says_what_was_reported(run: Run, office: Path) -> None:
    run("pull")
    run("reconcile", "--as-of", days_ago(7))
    bills = (office / "invoices.csv").read_text()
    (office / "invoices.csv").write_text(f"{bills}NET,R-2,ACME,{PAST},70\n")  # told late
    run("pull")
    out = run("explain", "NET", "invoiced", "--as-of", days_ago(7)).out
    assert f"on {days_ago(7)}: CHF 570.00" in out
    assert "the snapshot says CHF 500.00: records changed since" in out
    assert f"run: itpm-sync reconcile --as-of {days_ago(7)}" in out


def test_the_newest_day_that_was_reconciled_becomes_the_latest_report_though_it_is_over(
    run: Run, office: Path
) -> None:
    run("pull")
    run("reconcile", "--as-of", days_ago(1))
    out = office / "elsewhere"
    assert run("report", "--as-of", days_ago(1), "--out", str(out)).code == 0
    assert sorted(p.name for p in out.iterdir()) == [days_ago(1), "latest"]


def test_a_report_of_a_past_day_does_not_become_the_latest(run: Run, office: Path) -> None:
    run("pull")
    run("reconcile", "--as-of", days_ago(7))
    run("reconcile")
    out = office / "elsewhere"
    assert run("report", "--as-of", days_ago(7), "--out", str(out)).code == 0
    assert [p.name for p in out.iterdir()] == [days_ago(7)]
    assert run("report", "--as-of", str(TODAY), "--out", str(out)).code == 0
    assert (out / "latest" / "index.html").is_file()


RECEIPTS = """
      deliveries:
        file: receipts.csv
        kind: receipt
        key: Slip
        columns: {order: Order, quantity: Quantity, received_on: Date}
"""


def test_a_table_that_was_never_read_is_named_where_the_cost_stands(run: Run, office: Path) -> None:
    text = OFFICE.replace("projects:", f"{RECEIPTS.strip(chr(10))}\nprojects:", 1)
    (office / "itpm.yaml").write_text(text)

    def told() -> tuple[str, str]:
        run("pull")
        run("reconcile")
        run("report")
        page = (office / "reports" / str(TODAY) / "NET.html").read_text()
        return page, run("explain", "NET", "ac").out

    lack = "receipts never read (office deliveries): their accruals are not in it"
    page, explained = told()
    assert f'<dd class="parts">of it invoiced 500; {lack}</dd>' in page
    assert f"; {lack}\n" in explained
    (office / "receipts.csv").write_text(f"Slip,Order,Quantity,Date\n1,PO-9,1,{PAST}\n")
    assert not [text for text in told() if "never read" in text]
    (office / "receipts.csv").unlink()  # what was read once is old, and stands with its day
    assert not [text for text in told() if "never read" in text]


ORDERS = """
      orders:
        file: orders.csv
        kind: order_line
        key: Order
        columns:
          {project_key: Project, order: Order, vendor: Vendor, ordered_on: Date,
           amount: {column: Net, as: money, currency: CHF}}
"""


def test_a_table_that_was_read_and_has_no_rows_yet_leaves_nothing_unknown(
    run: Run, office: Path
) -> None:
    tables = f"{ORDERS.rstrip()}{RECEIPTS.rstrip()}\n        may_be_empty: true\n"
    text = OFFICE.replace("projects:", f"{tables.lstrip(chr(10))}projects:", 1)
    (office / "itpm.yaml").write_text(text)
    (office / "orders.csv").write_text(f"Project,Order,Vendor,Date,Net\nNET,PO-1,ACME,{PAST},800\n")

    def told() -> list[str]:
        run("pull")
        run("reconcile")
        return [run("explain", "NET", figure).out for figure in ("received", "committed")]

    never = "receipts never read (office deliveries)"
    assert all(never in text for text in told())
    (office / "receipts.csv").write_text("Slip,Order,Quantity,Date\n")
    received, committed = told()
    assert "CHF 0.00" in received  # nothing has come, which is known
    assert "CHF 800.00" in committed
    assert "receipts" not in received + committed


def test_a_waived_finding_is_shown_as_waived_and_counts_nowhere(run: Run, office: Path) -> None:
    run("pull")
    before = run("reconcile").out
    waiver = {"finding": "invoice-without-order", "reason": "power bill", "author": "Ann"}
    configure(office, waivers=[{**waiver, "expires": str(SOON)}])
    after = run("reconcile").out
    counted = int(before.splitlines()[-1].split()[0]) - 1
    assert f"{counted} findings" in after
    assert "and 1 waived" in after
    assert f"waived by Ann until {SOON}: power bill" in run("findings").out
    run("run", "weekly")
    status = json.loads((office / "itpm-status.json").read_text())
    assert sum(status["findings"].values()) == counted


def test_an_expired_waiver_is_reported_and_its_finding_is_back(run: Run, office: Path) -> None:
    waiver = {"finding": "invoice-without-order", "reason": "power bill", "author": "Ann"}
    configure(office, waivers=[{**waiver, "expires": str(PAST)}])
    run("pull")
    run("reconcile")
    told = run("findings", "--json").json
    assert next(f for f in told if f["code"] == "invoice-without-order")["waiver"] is None
    assert any(f["code"] == "waiver-expired" and "back" in f["message"] for f in told)


# ---- overrides ----------------------------------------------------------------------------------


def test_a_set_rating_is_shown_as_such_wherever_a_rating_is_shown(run: Run, office: Path) -> None:
    told = {"project": "NET", "rating": "green", "reason": "accepted delay", "author": "Ann"}
    configure(office, overrides=[{**told, "expires": str(SOON)}])
    run("pull")
    said = f"Set by Ann until {SOON.day} "
    assert said in run("reconcile").out
    assert said in run("explain", "NET", "rating").out
    overall = run("explain", "NET", "rating", "--json").json["ratings"][0]
    assert (overall["colour"], overall["override"]["author"]) == ("green", "Ann")
    assert overall["computed"] == "grey"
    run("report")
    page = (office / "reports" / str(TODAY) / "NET.html").read_text()
    assert "Set by Ann until" in page
    assert "set, computed unknown" in page
    assert run("explain", "NOPE", "rating").code == 2


def test_an_override_of_an_unknown_project_is_a_mistake(run: Run, office: Path) -> None:
    told = {"project": "NOT", "rating": "green", "reason": "x", "author": "Ann"}
    configure(office, overrides=[{**told, "expires": str(SOON)}])
    result = run("findings")
    assert result.code == 2
    assert "no project 'NOT'" in result.err


# ---- stage gates --------------------------------------------------------------------------------

CRITERIA = [
    {"id": "go", "gate": "execution", "text": "The board says go"},
    {"id": "paid", "gate": "execution", "text": "A budget is set", "evidence": "budget-known"},
]


@pytest.fixture
def gated(run: Run, office: Path) -> Run:
    """An office that asks two things before execution ends, and only who takes over at closing."""
    names = ["deliverables", "scope-approved", "defects"]
    dropped = [c.id for c in default_criteria() if c.gate in ("monitoring", "closing")]
    configure(office, gates={"criteria": CRITERIA, "without": names + dropped})
    assert run("pull").code == 0
    return run


def test_an_approval_is_refused_while_a_criterion_is_missing(gated: Run) -> None:
    assert "next gate execution: 1 of 2 missing: go" in gated("gate", "status").out
    refused = gated("gate", "approve", "NET", "execution", "--by", "Ann")
    assert refused.code == 4
    assert "nobody has attested go — itpm-sync gate attest NET CRITERION" in refused.err
    assert "--despite REASON" in refused.err
    assert "not approved" in gated("gate", "status", "NET").out


def test_a_refused_approval_says_what_to_do_about_each_thing(gated: Run, office: Path) -> None:
    file, base = office / "itpm.yaml", ("gate", "approve", "NET", "closing", "--by", "Ann")
    sponsor = {"id": "who", "gate": "closing", "text": "Who", "evidence": "sponsor-named"}
    signed = {"id": "signed", "gate": "closing", "text": "It is signed"}
    own = f'"criteria": [{json.dumps(sponsor)}, {json.dumps(signed)}, '
    file.write_text(file.read_text().replace('"criteria": [', own))
    *lines, last = gated(*base, "--owner", "Ops").err.splitlines()
    assert lines == [
        "itpm-sync: the gate of closing of NET is not approved:",
        "- the gate of execution is not approved — itpm-sync gate approve NET execution --by NAME",
        "- who: no sponsor is named — name the project's `sponsor` in the configuration",
        "- nobody has attested signed — itpm-sync gate attest NET CRITERION --by NAME",
    ]
    assert last.startswith("What stands against it is recorded with an approval in spite of it — ")
    assert last.endswith("itpm-sync gate approve NET closing --by NAME --despite REASON")


def test_every_evidence_has_advice_for_when_it_is_denied() -> None:
    assert set(REMEDIES) == set(EVIDENCE)


def test_an_attested_gate_is_approved_once_with_name_and_note(gated: Run) -> None:
    assert gated("gate", "attest", "NET", "go", "--by", "Bo", "--note", "minutes 4").code == 0
    assert gated("gate", "approve", "NET", "execution", "--by", "Ann").code == 0
    [net] = gated("gate", "status", "NET", "--json").json
    execution = next(g for g in net["gates"] if g["gate"] == "execution")
    assert (execution["approved_by"], execution["approved_on"]) == ("Ann", str(TODAY))
    told = {c["id"]: c["told"] for c in execution["criteria"]}
    assert f"attested by Bo on {TODAY.day} " in told["go"]
    again = gated("gate", "approve", "NET", "execution", "--by", "Cy")
    assert again.code == 2
    assert f"approved by Ann on {TODAY} — nothing is left to do; itpm-sync gate" in again.err


def test_an_approval_despite_what_is_missing_says_so_until_it_is_settled(gated: Run) -> None:
    words = ("gate", "approve", "NET", "execution", "--by", "Ann")
    assert gated(*words, "--despite", "fixed date").code == 0
    gated("reconcile")
    assert "gate-approved-despite" in gated("findings", "NET").out
    gated("gate", "attest", "NET", "go", "--by", "Bo")
    gated("reconcile")
    assert rows(gated("findings", "--json"), "gate-approved-despite") == []
    assert gated(*words).code == 0  # now approved in earnest


def test_a_withdrawn_word_is_missing_again(gated: Run) -> None:
    gated("gate", "attest", "NET", "go", "--by", "Bo")
    assert gated("gate", "attest", "NET", "go", "--by", "Bo", "--withdraw").code == 0
    assert "1 of 2 missing" in gated("gate", "status").out
    assert gated("gate", "attest", "NET", "go", "--by", "Bo", "--withdraw").code == 2


def test_closing_hands_over_to_a_named_owner_or_not_at_all(gated: Run, office: Path) -> None:
    base = ("gate", "approve", "NET", "closing", "--by", "Ann", "--despite", "stopped")
    text = (office / "itpm.yaml").read_text()
    closing = {"id": "owner", "gate": "closing", "text": "An owner", "evidence": "owner-named"}
    (office / "itpm.yaml").write_text(
        text.replace('"criteria": [', f'"criteria": [{json.dumps(closing)}, ')
    )
    refused = gated(*base)
    assert refused.code == 2
    assert "closing needs a named owner in operations — say who takes over: --owner" in refused.err
    done = gated(*base, "--owner", "Service operations")
    assert done.code == 0
    assert "NET is handed over to Service operations" in done.out
    assert "despite: the gate of execution is not approved" in done.out
    gated("reconcile")
    gated("report")
    page = (office / "reports" / str(TODAY) / "NET.html").read_text()
    assert "Service operations" in page


def test_the_report_has_a_line_a_project_with_its_next_gate(gated: Run, office: Path) -> None:
    gated("reconcile")
    gated("report")
    page = (office / "reports" / str(TODAY) / "index.html").read_text()
    assert "Next gate execution: 1 of 2 missing: go" in page


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("status", "NOT"), "no project 'NOT'"),
        (("approve", "NET", "executon", "--by", "Ann"), 'did you mean "execution"?'),
        (
            ("approve", "NET", "execution", "--by", " "),
            "wanted — say who answers for it, as in --by",
        ),
        (
            ("approve", "NET", "closing", "--by", "Ann"),
            "the gate of closing asks nothing — give it",
        ),
        (("attest", "NET", "go", "--by", "Ann", "--withdraw"), "go — nothing is to be withdrawn"),
        (("attest", "NET", "gone", "--by", "Ann"), "no criterion 'gone'"),
        (("attest", "NET", "paid", "--by", "Ann"), "paid: CHF 10,000.00 — it is met: nothing is"),
    ],
)
def test_a_mistake_at_the_gates_records_nothing(
    gated: Run, words: tuple[str, ...], said: str
) -> None:
    before = gated("gate", "status", "NET", "--json").out
    result = gated("gate", *words)
    assert result.code == 2
    assert said in result.err
    assert gated("gate", "status", "NET", "--json").out == before
