"""A realistic programme of three projects as a snapshot, with hostile content among it.

Network refresh (EUR, late supplier, contract about to lapse), service desk migration (GBP, on
track), data platform (USD, growing scope); week by week, so that there is a last week and a
history. Figures are computed from few inputs by the textbook formulas.
"""

# ruff: noqa: E501, PLR0917  # a table of figures reads better in long lines

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from itpm_sync.model import Money, Stage
from itpm_sync.reconcile.inputs import Coverage
from itpm_sync.reconcile.status import (  # fmt: skip
    BurnPoint,
    Colour,
    ContractStatus,
    CurvePoint,
    Evidence,
    Figure,
    Finding,
    HelpDeskStatus,
    HelpDeskWeek,
    PackageStatus,
    ProjectStatus,
    Rating,
    ScopeChange,
    Severity,
    Snapshot,
    Unallocated,
)

DATA_DATE = date(2026, 11, 22)
START = date(2026, 8, 31)
SCRIPT = "<script>alert(1)</script>"
FORMULA = '=HYPERLINK("http://evil.example","click")'
COMMAND = "+cmd|' /C calc'!A0"
OVERRIDE = "invoice \u202efdp.exe\u202c \x07bell"
LONG = "Longwinded " * 910  # 10,010 characters
JIRA = "https://jira.example.com/browse/"


def figure(name: str, value: Any, unit: str, note: str = "", reason: str = "") -> Figure:
    """A figure from a number in words (`"0.94"`), or None with the reason."""
    number = None if value is None else Decimal(str(value))
    return Figure(name=name, label=LABELS.get(name, name.upper()), value=number, unit=unit,
                  note=note, reason=reason)  # fmt: skip


LABELS = {
    "bac": "Budget at completion", "pv": "Planned value", "ev": "Earned value",
    "ac": "Actual cost", "ordered": "Ordered", "eac": "Estimate at completion", "committed": "Committed: open order balance",
    "invoiced": "Invoiced", "paid": "Paid", "budget": "Budget",
}  # fmt: skip


def evm(bac: int, pv: int, ev: int, ac: int, unit: str) -> dict[str, Figure]:
    """The earned-value figures of four inputs, exact to 28 digits."""
    b, p, e, a = (Decimal(n) for n in (bac, pv, ev, ac))
    made = {
        "bac": figure("bac", b, unit),
        "pv": figure("pv", p, unit),
        "ev": figure("ev", e, unit),
        "ac": figure("ac", a, unit),
        "cv": figure("cv", e - a, unit, "EV − AC"),
        "sv": figure("sv", e - p, unit, "EV − PV"),
        "cpi": figure("cpi", e / a if a else None, "ratio", "EV / AC", "" if a else "no cost is booked"),
        "spi": figure("spi", e / p if p else None, "ratio", "EV / PV", "" if p else "no work was planned to start by the data date"),
        "percent": figure("percent", e * 100 / b, "percent"),
    }  # fmt: skip
    if a and e:
        eac = b * a / e
        made["eac"] = figure("eac", eac, unit, "BAC / CPI")
        made["etc"] = figure("etc", eac - a, unit)
        made["vac"] = figure("vac", b - eac, unit, "BAC − EAC")
    else:
        why = "nothing is earned yet"
        made |= {n: figure(n, None, unit, reason=why) for n in ("eac", "etc", "vac")}
    return made


def package(
    code: str,
    name: str,
    team: str,
    state: str,
    weeks: tuple[int, int],
    numbers: tuple[int, int, int, int],
    money: tuple[int, int, int, int],
    items: tuple[int, int],
    unit: str,
    method: str = "items",
) -> PackageStatus:
    """A work package; `numbers` are BAC, PV, EV, AC, `money` budget, ordered, invoiced, paid."""
    figures = evm(*numbers, unit)
    names = ("budget", "ordered", "invoiced", "paid")
    figures |= {n: figure(n, m, unit) for n, m in zip(names, money, strict=True)}
    figures["committed"] = figure("committed", money[1] - money[2], unit, "ordered − received")
    figures["items"] = figure("items", items[0], "items")
    figures["items_done"] = figure("items_done", items[1], "items")
    return PackageStatus(
        code=code, name=name, team=team, method=method, state=state, figures=figures,
        planned_start=START + timedelta(weeks=weeks[0]),
        planned_finish=START + timedelta(weeks=weeks[1], days=-3),
    )  # fmt: skip


def curve(bac: int, pv: int, ev: int, ac: int, weeks: int, now: int) -> tuple[CurvePoint, ...]:
    """An S-curve that passes through the given values in week `now`."""

    def smooth(x: float) -> float:
        return x * x * (3 - 2 * x)

    points = []
    for week in range(weeks + 1):
        on = START + timedelta(weeks=week, days=-1)
        if week <= now:
            scale = smooth(week / weeks) / smooth(now / weeks)
            lag = (week / now) ** 0.25
            points.append(CurvePoint(on=on, pv=Decimal(round(pv * scale)),
                                     ev=Decimal(round(ev * scale * lag)),
                                     ac=Decimal(round(ac * scale))))  # fmt: skip
        else:
            span = (smooth(week / weeks) - smooth(now / weeks)) / (1 - smooth(now / weeks))
            points.append(
                CurvePoint(on=on, pv=Decimal(round(pv + (bac - pv) * span)), ev=None, ac=None)
            )
    return tuple(points)


def rating(dimension: str, colour: Colour, reason: str) -> Rating:
    """Shorthand."""
    return Rating(dimension=dimension, colour=colour, reason=reason)


def finding(
    code: str,
    severity: Severity,
    project: str,
    subject: str,
    message: str,
    action: str,
    amount: Money | None = None,
    evidence: tuple[Evidence, ...] = (),
) -> Finding:
    """Shorthand."""
    return Finding(code=code, severity=severity, project=project, subject=subject, message=message,
                   action=action, amount=amount, evidence=evidence)  # fmt: skip


def money(amount: str, currency: str) -> Money:
    """Shorthand."""
    return Money(Decimal(amount), currency)


def ticket(key: str, label: str = "") -> Evidence:
    """A ticket as evidence, with a link that may be followed."""
    return Evidence(identity=f"jira-main:issue:{key}", label=label or key, url=JIRA + key)


def network() -> ProjectStatus:
    """Late and over: red."""
    unit = "EUR"
    packages = (
        package("NET-1", "Site survey and design", "Network", "done", (0, 4), (96000, 96000, 96000, 101200), (96000, 52000, 52000, 52000), (18, 18), unit),
        package("NET-2", "Core switches", "Network", "late", (3, 9), (420000, 420000, 294000, 371500), (420000, 455800, 318400, 214000), (40, 28), unit),
        package("NET-3", "Wireless access points", "Network", "in progress", (6, 14), (265000, 172000, 121900, 148300), (265000, 231000, 96500, 61000), (62, 29), unit),
        package("NET-4", "Firewall and segmentation", "Information security", "in progress", (8, 16), (188000, 84600, 75200, 69400), (188000, 120000, 43000, 20000), (34, 14), unit, "weighted_milestones"),
        package("NET-5", "Cut-over weekends", "Service management", "not started", (14, 18), (74000, 0, 0, 0), (74000, 0, 0, 0), (12, 0), unit, "0/100"),
        package("NET-6", "Project management", "Service management", "in progress", (0, 18), (82000, 54700, 54700, 58900), (82000, 0, 0, 0), (0, 0), unit, "level_of_effort"),
    )  # fmt: skip
    figures = evm(1_125_000, 827_300, 641_800, 749_300, unit) | {
        "budget": figure("budget", 1_125_000, unit), "ordered": figure("ordered", 858_800, unit), "committed": figure("committed", 298_400, unit),
        "received": figure("received", 560_400, unit), "invoiced": figure("invoiced", 509_900, unit),
        "paid": figure("paid", 347_000, unit), "labour": figure("labour", 239_400, unit),
        "items": figure("items", 166, "items"), "items_done": figure("items_done", 89, "items"),
        "baseline_items": figure("baseline_items", 154, "items"),
        "added": figure("added", 14, "items"), "removed": figure("removed", 2, "items"),
        "creep": figure("creep", Decimal(12) / Decimal(154), "ratio", "net added / baseline"),
    }  # fmt: skip
    contracts = (
        ContractStatus(identity="files:contract:C-1041", number="C-1041", title="Switch and access point supply", vendor="Nordwind Netzwerke GmbH", ceiling=money("640000", unit), committed=money("686800", unit), invoiced=money("414900", unit), accrued=money("31500.50", unit), start=date(2026, 6, 1), end=date(2027, 5, 31), notice_deadline=date(2027, 2, 28), burn=figure("burn", "1.36", "ratio", "value used / time elapsed"), colour=Colour.RED, reason="orders of EUR 686,800 exceed the ceiling of EUR 640,000", url="https://erp.example.com/contracts/1041"),
        ContractStatus(identity="files:contract:C-0977", number="C-0977", title="Managed WAN", vendor="Telekontor AG", ceiling=money("180000", unit), committed=money("150000", unit), invoiced=money("137500", unit), accrued=money("0", unit), start=date(2024, 3, 1), end=date(2027, 2, 28), notice_deadline=date(2026, 11, 30), burn=figure("burn", "0.84", "ratio"), colour=Colour.AMBER, reason="renews by itself for 24 months unless notice is given by 30 Nov 2026", url="javascript:alert(1)"),
        ContractStatus(identity="files:contract:C-1102", number="C-1102", title="Cabling framework", vendor="Elektro Brandt", ceiling=None, committed=money("22000", unit), invoiced=None, start=date(2026, 9, 15), end=date(2027, 9, 14), notice_deadline=None, burn=figure("burn", None, "ratio", reason="the contract has no ceiling"), colour=Colour.GREY, reason="no ceiling is recorded"),
    )  # fmt: skip
    findings = (
        finding("over_ceiling", Severity.HIGH, "NET", "C-1041", "Orders on contract C-1041 exceed its ceiling of EUR 640,000 by EUR 46,800.", "Stop new orders on it, or have the ceiling raised by an amendment before 1 Dec.", money("46800", unit), (Evidence(identity="files:contract:C-1041", label="C-1041", url="https://erp.example.com/contracts/1041"), Evidence(identity="files:order_line:PO-7731/2", label="PO-7731 line 2"))),
        finding("late_package", Severity.HIGH, "NET", "NET-2", "Core switches should have been finished on 30 Oct 2026 and are 70 % done.", "Agree a recovery date with Nordwind; the cut-over weekends depend on it.", None, (ticket("NET-118"), ticket("NET-121"), ticket("NET-140"))),
        finding("notice_near", Severity.HIGH, "NET", "C-0977", "The notice deadline of contract C-0977 (Managed WAN) is in 8 days; it renews by itself.", "Decide by 27 Nov whether to renew; give notice in writing.", money("120000", unit)),
        finding("invoice_over_order", Severity.MEDIUM, "NET", "INV-2291", "Invoice INV-2291 bills EUR 18,412.50 more than its order PO-7731.", "Ask the vendor for a credit note before payment.", money("18412.50", unit), (Evidence(identity="files:invoice_line:INV-2291/1", label=FORMULA, url="javascript:alert(document.cookie)"),)),
        finding("unplanned_scope", Severity.MEDIUM, "NET", "scope", "14 items were added to the baseline, 3 of them with an approved change request.", "Raise change requests for the other 11, or take them out.", None, (ticket("NET-171"), ticket("NET-172", SCRIPT))),
        finding("no_estimate", Severity.LOW, "NET", "estimates", "9 open items have neither estimate nor points.", "Estimate them at the next refinement.", None, tuple(ticket(f"NET-{n}") for n in range(150, 159))),
    )  # fmt: skip
    changes = tuple(
        ScopeChange(change="added", identity=f"jira-main:issue:{10171 + n}", key=f"NET-{171 + n}", title=title, work_package=wp, on=DATA_DATE - timedelta(days=3 * n + 1), approved_by=cr, url=JIRA + f"NET-{171 + n}")
        for n, (title, wp, cr) in enumerate((
            ("Additional uplinks for building C", "NET-2", ""), (SCRIPT, "NET-3", ""),
            (FORMULA, "NET-3", ""), (COMMAND, "NET-3", "CR-12"), (OVERRIDE, "NET-4", ""),
            (LONG, "NET-2", ""), ("Guest network for the canteen", "NET-3", "CR-12"),
            ("Out-of-band management", "NET-2", "CR-9"), ("Spare power supplies", "NET-2", ""),
            ("IPv6 addressing plan", "NET-1", ""), ("Quarantine VLAN", "NET-4", ""),
            ("Rack earthing in building A", "NET-2", ""), ("Fibre re-test", "NET-2", ""),
            ("Door phones on the new network", "NET-3", ""),
        ))
    )  # fmt: skip
    removed = tuple(
        ScopeChange(change="removed", identity=f"jira-main:issue:1002{n}", key=f"NET-2{n}", title=title, work_package="NET-5", on=date(2026, 10, 5 + n), approved_by="CR-7", url=None)
        for n, title in enumerate(("Cut-over rehearsal in Graz", "Old modem pool"))
    )  # fmt: skip
    return ProjectStatus(
        code="NET", name="Network refresh", stage=Stage.EXECUTION, manager="Ana Pereira",
        sponsor="J. Okafor, COO", unit=unit, planned_start=START, planned_finish=date(2027, 1, 1),
        declared_rating="Amber", rating=rating("overall", Colour.RED, "time and cost are red: SPI 0.78, CPI 0.86"),
        ratings=(
            rating("time", Colour.RED, "SPI 0.78 is below 0.90; core switches are 23 days late"),
            rating("cost", Colour.RED, "CPI 0.86 is below 0.90"),
            rating("scope", Colour.GREEN, "7.8 % net growth is below 10 %"),
            rating("quality", Colour.AMBER, "91 % of help-desk items met their SLA; target 95 %"),
            rating("risk", Colour.GREY, "no risk register was found"),
        ),
        figures=figures, packages=packages, curve=curve(1_125_000, 827_300, 641_800, 749_300, 18, 12),
        burnup=tuple(BurnPoint(on=START + timedelta(weeks=w, days=-1), scope=154 + (0, 0, 0, 2, 2, 0, 1, 3, 4, 6, 9, 10, 12)[w], done=(0, 3, 8, 15, 22, 30, 37, 45, 55, 63, 72, 80, 89)[w]) for w in range(13)),
        scope_changes=(*changes, *removed), contracts=contracts,
        help_desk=HelpDeskStatus(
            open_now=37, open_by_priority=(("P1", 1), ("P2", 6), ("P3", 19), ("P4", 11)),
            response_breaches=2, resolve_breaches=5, within_sla=figure("within_sla", "91.3", "percent"),
            weeks=tuple(HelpDeskWeek(monday=START + timedelta(weeks=w), opened=o, resolved=r, open_at_end=e) for w, (o, r, e) in enumerate(((12, 10, 18), (15, 13, 20), (11, 14, 17), (18, 15, 20), (22, 16, 26), (19, 20, 25), (25, 19, 31), (21, 22, 30), (28, 21, 37), (24, 26, 35), (27, 24, 38), (23, 24, 37)))),
            effort=figure("effort", 183_600, "s"),
        ),
        unallocated=(
            Unallocated(kind="time_entry", count=14, amount=money("4410", unit), duration_s=176_400, examples=(ticket("NET-9"), ticket("NET-44"))),
            Unallocated(kind="invoice_line", count=1, amount=money("2380.40", unit), duration_s=None, examples=(Evidence(identity="files:invoice_line:INV-2304/3", label="INV-2304 line 3"),)),
        ),
        findings=findings,
    )  # fmt: skip


def service_desk() -> ProjectStatus:
    """On track: green."""
    unit = "GBP"
    packages = (
        package("SDM-1", "Tool selection", "Service management", "done", (0, 5), (42000, 42000, 42000, 40100), (42000, 18000, 18000, 18000), (14, 14), unit),
        package("SDM-2", "Configuration and catalogue", "Help desk", "in progress", (5, 13), (118000, 97000, 96800, 95200), (118000, 64000, 41000, 41000), (52, 43), unit),
        package("SDM-3", "Migration of open tickets", "Data and analytics", "in progress", (9, 15), (61000, 27500, 29000, 27600), (61000, 22000, 8000, 0), (24, 11), unit),
        package("SDM-4", "Training and go-live", "Help desk", "not started", (14, 17), (38000, 0, 0, 0), (38000, 9500, 0, 0), (16, 0), unit),
    )  # fmt: skip
    figures = evm(259_000, 166_500, 167_800, 162_900, unit) | {
        "budget": figure("budget", 259_000, unit), "ordered": figure("ordered", 113_500, unit), "committed": figure("committed", 46_500, unit),
        "received": figure("received", 67_000, unit), "invoiced": figure("invoiced", 67_000, unit),
        "paid": figure("paid", 59_000, unit), "labour": figure("labour", 95_900, unit),
        "items": figure("items", 106, "items"), "items_done": figure("items_done", 68, "items"),
        "baseline_items": figure("baseline_items", 104, "items"),
        "added": figure("added", 4, "items"), "removed": figure("removed", 2, "items"),
        "creep": figure("creep", Decimal(2) / Decimal(104), "ratio", "net added / baseline"),
    }  # fmt: skip
    return ProjectStatus(
        code="SDM", name="Service desk migration", stage=Stage.EXECUTION, manager="Tom Hale",
        sponsor="R. Lindqvist, CIO", unit=unit, planned_start=START, planned_finish=date(2026, 12, 25),
        declared_rating="Green", rating=rating("overall", Colour.GREEN, "every dimension is within its limits"),
        ratings=tuple(rating(d, Colour.GREEN, why) for d, why in (("time", "SPI 1.01"), ("cost", "CPI 1.03"), ("scope", "1.9 % net growth"), ("quality", "97 % within SLA"), ("risk", "exposure GBP 6,000"))),
        figures=figures, packages=packages, curve=curve(259_000, 166_500, 167_800, 162_900, 17, 12),
        burnup=tuple(BurnPoint(on=START + timedelta(weeks=w, days=-1), scope=104 + (w > 4) + (w > 9), done=round(68 * w / 12)) for w in range(13)),
        scope_changes=(), contracts=(), help_desk=None, unallocated=(),
        findings=(finding("unbooked_time", Severity.LOW, "SDM", "2026-W47", "Two people of the team booked no time this week.", "Ask them to book it before the month closes."),),
        risks=(("R-3", "Vendor ends support of the old tool early", "GBP 6,000"),),
    )  # fmt: skip


def data_platform() -> ProjectStatus:
    """Scope grows: amber. No cost is booked, so that money figures are n/a with a reason."""
    unit = "USD"
    why = "no cost is booked: no time entry has a rate and no invoice was found"
    figures = evm(780_000, 268_000, 246_500, 0, unit) | {
        n: figure(n, None, unit, reason=why) for n in ("ac", "cv", "eac", "vac", "etc")
    }
    figures |= {
        "cpi": figure("cpi", None, "ratio", reason=why),
        "budget": figure("budget", 780_000, unit), "ordered": figure("ordered", 145_000, unit), "committed": figure("committed", 145_000, unit),
        "received": figure("received", 0, unit), "invoiced": figure("invoiced", 0, unit),
        "paid": figure("paid", 0, unit), "labour": figure("labour", None, unit, reason=why),
        "items": figure("items", 214, "items"), "items_done": figure("items_done", 61, "items"),
        "baseline_items": figure("baseline_items", 181, "items"),
        "added": figure("added", 38, "items"), "removed": figure("removed", 5, "items"),
        "creep": figure("creep", Decimal(33) / Decimal(181), "ratio", "net added / baseline"),
    }  # fmt: skip
    packages = (
        package("DAP-1", "Landing zone", "Data and analytics", "in progress", (4, 12), (210000, 180000, 168000, 0), (210000, 95000, 0, 0), (48, 36), unit),
        package("DAP-2", "Ingestion of the ERP", "Data and analytics", "in progress", (8, 20), (340000, 88000, 78500, 0), (340000, 50000, 0, 0), (96, 25), unit),
        package("DAP-3", SCRIPT, COMMAND, "not started", (16, 28), (230000, 0, 0, 0), (230000, 0, 0, 0), (70, 0), unit),
    )  # fmt: skip
    return ProjectStatus(
        code="../../etc", name="Data platform " + OVERRIDE, stage=Stage.PLANNING, manager="Mei Tanaka",
        sponsor="", unit=unit, planned_start=START, planned_finish=date(2027, 3, 15),
        declared_rating="", rating=rating("overall", Colour.AMBER, "scope has grown by 18 % against the baseline"),
        ratings=(rating("time", Colour.AMBER, "SPI 0.92"), rating("cost", Colour.GREY, why), rating("scope", Colour.AMBER, "18.2 % net growth; red from 20 %"), rating("quality", Colour.GREEN, "no defect is older than 30 days"), rating("risk", Colour.AMBER, "exposure USD 92,000 is 12 % of the budget")),
        figures=figures, packages=packages,
        curve=tuple(replace(p, ac=None) for p in curve(780_000, 268_000, 246_500, 0, 28, 12)),
        burnup=tuple(BurnPoint(on=START + timedelta(weeks=w, days=-1), scope=181 + round(33 * (w / 12) ** 2), done=round(61 * (w / 12) ** 1.4)) for w in range(13)),
        scope_changes=(), contracts=(), help_desk=None, unallocated=(),
        findings=(finding("scope_growth", Severity.HIGH, "../../etc", "scope", f"38 items were added since the baseline, none with an approved change request. {SCRIPT}", "Bring them to the change board on 26 Nov.", None, (ticket("DAP-301"),)),),
        risks=(("R-7", "Licence model of the warehouse may change", "USD 60,000"), ("R-9", FORMULA, "USD 32,000")),
    )  # fmt: skip


def register_project() -> ProjectStatus:
    """Known only as a row of a register: planned and actual cost and dates."""
    why = "no work package has a budget"
    figures = {
        n: figure(n, None, "USD", reason=why)
        for n in ("bac", "pv", "ev", "ac", "cv", "sv", "eac", "vac")
    }
    figures |= {n: figure(n, None, "ratio", reason=why) for n in ("cpi", "spi")}
    figures |= {
        "percent": figure("percent", None, "percent", reason=why),
        "planned_cost": figure("planned_cost", 1_250_000, "USD"),
        "actual_cost": figure("actual_cost", 1_400_000, "USD"),
        "cost_variance": figure("cost_variance", -150_000, "USD"),
        "cost_variance_percent": figure("cost_variance_percent", -12, "percent"),
        "schedule_variance_days": figure("schedule_variance_days", -31, "days"),
        "schedule_variance_percent": figure(
            "schedule_variance_percent", None, "percent", reason="the planned duration is 0"
        ),
    }
    return replace(
        service_desk(), code="US-1", name="Register row", unit="USD", figures=figures, packages=(),
        curve=(), burnup=(), ratings=(), findings=(), risks=(),
        rating=rating("overall", Colour.RED, "cost: 12 % over plan"),
    )  # fmt: skip


def snapshot() -> Snapshot:
    """This week's snapshot."""
    projects = (network(), service_desk(), data_platform())
    names = ("bac", "pv", "ev", "ac", "eac", "ordered", "committed", "invoiced", "paid")
    totals = tuple(replace(p.figures[n], note="") for p in projects for n in names)
    read = datetime(2026, 11, 22, 5, 2, tzinfo=UTC)
    return Snapshot(
        title="IT programme 2026", data_date=DATA_DATE, run="20261122-050001-4f2a", projects=projects,
        totals=totals,
        unallocated=(Unallocated(kind="work_item", count=23, amount=None, duration_s=388_800, examples=(ticket("OPS-12"), ticket("OPS-19"))),),
        findings=(finding("quarantined", Severity.MEDIUM, "", "invoices.csv", "2 rows of invoices.csv could not be read: row 14, column Net; row 31, column Date.", "Mend the rows in the file; the next pull takes them.", None, (Evidence(identity="files:invoice_line:14", label="invoices.csv row 14"),)),),
        coverage=(
            Coverage(connection="jira-main", stream="issue", scope="NET", stored=166, source_count=166, exact=True, as_of=read, complete=True),
            Coverage(connection="jira-main", stream="issue", scope="SDM", stored=106, source_count=106, exact=True, as_of=read, complete=True),
            Coverage(connection="jira-main", stream="worklog", scope="", stored=1204, source_count=None, exact=False, as_of=read, complete=True),
            Coverage(connection="helpdesk", stream="ticket", scope="Network", stored=241, source_count=252, exact=True, as_of=datetime(2026, 11, 20, 5, 1, tzinfo=UTC), complete=False, note="the server answered 503 on 22 Nov; 11 tickets are missing"),
            Coverage(connection="purchasing", stream="invoices.csv", scope="", stored=87, source_count=89, exact=True, as_of=read, complete=False, note="2 rows were quarantined"),
        ),
    )  # fmt: skip


def earlier(weeks: int) -> Snapshot:
    """The snapshot of some weeks ago: better then, and without some of today's findings."""
    base = snapshot()
    colours = {"NET": (Colour.RED, Colour.AMBER, Colour.AMBER, Colour.AMBER, Colour.GREEN), "SDM": (Colour.GREEN, Colour.AMBER, Colour.GREEN), "../../etc": (Colour.AMBER, Colour.AMBER, Colour.GREEN)}  # fmt: skip
    projects = []
    for p in base.projects:
        track = colours[p.code]
        colour = track[min(weeks, len(track) - 1)]
        figures = {
            n: replace(f, value=f.value * (100 - 6 * weeks) / 100) if f.value is not None and n in ("pv", "ev", "ac", "percent", "added", "creep") else f
            for n, f in p.figures.items()
        }  # fmt: skip
        if p.code == "NET" and weeks == 1:
            figures["cpi"] = figure("cpi", "0.91", "ratio")
            figures["eac"] = figure("eac", 1_236_264, "EUR")
            figures["spi"] = figure("spi", "0.81", "ratio")
        gone = finding("unpaid_invoice", Severity.MEDIUM, p.code, "INV-2207", "Invoice INV-2207 was 12 days overdue.", "Release the payment.")  # fmt: skip
        projects.append(
            replace(p, figures=figures, findings=(*p.findings[:2], gone),
                    rating=replace(p.rating, colour=colour))
        )  # fmt: skip
    return replace(
        base, data_date=DATA_DATE - timedelta(weeks=weeks), projects=tuple(projects), findings=()
    )
