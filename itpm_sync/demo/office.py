"""What the office keeps in spreadsheets, as rows: plan, contracts, orders, invoices, rates, risks.

They hold the mistakes that such files hold: an invoice entered twice, a date that does not exist,
a delivery for an order that nobody knows. `BRANCHES` is the register of finished branch refits
that the branch coordinator sends now and then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from itpm_sync.demo.plan import PACKAGES, PEOPLE, WEEK_NOW, Package, project_row, working_day

Row = Sequence[object]

# `@8.6` is a working day of the plan (week 8, Thursday), `+42` and `-60` are days from today.
_OFFICE = {
    "milestones.csv": """
Project;WBS;Code;Milestone;Planned;Actual;Weight
NET;1.2;M1;Switches ordered;@3.4;@3.6;10
NET;1.2;M2;Switches delivered;@5.2;@8.4;40
NET;1.2;M3;Core installed;@6.4;;30
NET;1.2;M4;Core accepted;@7.6;;20
""",
    "contracts.csv": """
Number;Title;Vendor;Project;Ceiling;Currency;Start;End;Notice (days);Renewal;Owner
C-100;Switches and access points;Alpnet AG;NET;260'000.00;CHF;-125;+135;30;none;Ana Ruiz
C-200;Migration consultants;Deskworks GmbH;SDM;60'000.00;EUR;-85;+35;30;manual;Tom Becker
C-300;Cloud platform;Nimbus Inc;DAP;90'000.00;USD;-323;+42;30;automatic;Mei Tanaka
C-400;Battery service;Voltwerk AG;UPS;20'000.00;CHF;-400;-30;30;none;Iva Novak
""",
    "orders.csv": """
Order;Line;Description;Vendor;Contract;Project;WBS;Ordered;Quantity;Net;Currency;Status
PO-1001;1;Core switch;Alpnet AG;C-100;NET;1.2;@3.6;8;136'000.00;CHF;open
PO-1002;1;Access point;Alpnet AG;C-100;NET;1.3;@5.0;120;66'000.00;CHF;open
PO-1003;1;Fibre modules;Lumen SARL;;NET;1.2;@4.2;64;9'600.00;EUR;open
PO-2001;1;Consulting days;Deskworks GmbH;C-200;SDM;2.2;@2.0;40;48'000.00;EUR;open
PO-2002;1;Data loader licence;Deskworks GmbH;C-200;SDM;2.3;@6.0;1;14'500.00;EUR;open
PO-3001;1;Platform subscription;Nimbus Inc;C-300;DAP;3.2;@1.0;12;84'000.00;USD;open
PO-4001;1;Branch line, set-up;Norrnet AB;;WAN;4.1;@2.4;6;180'000.00;SEK;open
PO-5001;1;Battery set;Voltwerk AG;;UPS;5.1;@2.0;10;24'000.00;CHF;open
PO-5002;1;Battery cabinet;Voltwerk AG;;UPS;5.1;@2.0;4;6'000.00;CHF;closed
PO-5003;1;Power sensor;Voltwerk AG;;UPS;5.3;@7.0;20;9'000.00;CHF;open
""",
    "receipts.csv": """
Order;Line;Received;Quantity
PO-1001;1;@8.4;5
PO-1002;1;@6.2;120
PO-1003;1;@5.6;64
PO-2001;1;@8.0;38
PO-3001;1;@9.0;9
PO-4001;1;@6.0;6
PO-5001;1;@4.0;10
PO-5002;1;@4.0;3
PO-5003;1;@9.0;24
PO-5009;1;@8.2;2
""",
    "invoices.csv": """
Invoice;Line;Type;Vendor;Order;Order line;Contract;Project;WBS;Date;Quantity;Net;Currency;Paid
A-778;1;invoice;Alpnet AG;PO-1001;1;C-100;NET;1.2;@8.6;8;136'000.00;CHF;
A-791;1;invoice;Alpnet AG;PO-1002;1;C-100;NET;1.3;@6.6;120;67'980.00;CHF;@9.0
L-14;1;invoice;Lumen SARL;PO-1003;1;;NET;1.2;@6.0;64;9'600.00;EUR;@8.0
D-31;1;invoice;Deskworks GmbH;PO-2001;1;C-200;SDM;2.2;@5.8;20;24'000.00;EUR;@7.8
D-32;1;invoice;Deskworks GmbH;PO-2001;1;C-200;SDM;2.2;@8.8;18;21'600.00;EUR;
D-032;1;invoice;Deskworks GmbH;PO-2001;1;C-200;SDM;2.2;@9.2;18;21'600.00;EUR;
N-900;1;invoice;Nimbus Inc;PO-3001;1;C-300;DAP;3.2;@8.0;9;63'000.00;USD;@9.2
N-907;1;invoice;Nimbus Inc;;;C-300;DAP;3.2;@9.0;1;7'400.00;USD;
N-908;1;credit note;Nimbus Inc;PO-3001;1;C-300;DAP;3.2;@9.4;;-2'000.00;USD;
K-55;1;invoice;Kopierfix;;;;SDM;2.1;@4.0;1;860.00;CHF;
NN-7;1;invoice;Norrnet AB;PO-4001;1;;WAN;4.1;@7.0;6;180'000.00;SEK;
V-310;1;invoice;Voltwerk AG;PO-5001;1;;UPS;5.1;@5.0;5;14'000.00;CHF;
V-322;1;invoice;Voltwerk AG;PO-5002;1;;UPS;5.1;@5.0;3;4'500.00;CHF;
V-340;1;invoice;Voltwerk AG;PO-5003;1;;UPS;5.3;@9.0;10;4'500.00;CHF;
V-351;1;invoice;Voltwerk AG;;;C-400;UPS;5.1;-12;1;1'900.00;CHF;
P-18;1;credit note;Druckhaus AG;PO-0900;1;;PRN;6.1;@7.0;;-5'400.00;CHF;
X-1;1;invoice;Kopierfix;;;;NET;;31.02.2026;1;1'2O0.00;CHF;
""",
    "payments.csv": """
Payment;Invoice;Vendor;Paid;Gross;Currency
B-71;L-41;Lumen SARL;@8.0;2'210.00;EUR
""",
    "timesheet.csv": """
Sheet;Person;Project;WBS;Day;Hours
T-1;Nils Berg (Norrnet);WAN;4.1;@4.2;7.5
T-2;Nils Berg (Norrnet);WAN;4.1;@5.4;6.0
T-3;Nils Berg (Norrnet);WAN;4.1;@5.4;20.0
""",
    "fx.csv": """
Date;Currency;Base;Rate
-120;EUR;CHF;0.9430
@5.0;EUR;CHF;0.9385
@6.4;EUR;CHF;0.9350
""",
    "risks.csv": """
Project;Code;Risk;Probability;Impact;Currency;Owner;Status;Due
NET;R1;Second delivery slips again;40 %;30'000.00;CHF;Ana Ruiz;open;@9.4
SDM;R2;Works council objects to the survey;20 %;12'000.00;EUR;Tom Becker;open;
DAP;R3;Platform contract lapses;50 %;45'000.00;USD;Mei Tanaka;open;
DAP;R4;Key people leave;;;;Mei Tanaka;open;
""",
    "changes.csv": """
Project;Number;Title;Status;Approved by;Approved on;Amount;Currency
SDM;CR-7;Chat channel for the desk;approved;Head of Service Management;@4.4;6'000.00;EUR
NET;CR-3;Second core for plant Nord;approved;Chief Information Officer;@4.0;40'000.00;CHF
SDM;CR-9;Works council view;requested;;;4'000.00;EUR
""",
}

BRANCHES = {
    "register.csv": """
Branch;Name;Start;Planned finish;Actual finish;Planned cost;Actual cost;Currency;Cost variance;Days
B-01;Refit Bern;-400;-300;-290;38'000.00;41'500.00;CHF;-3'500.00;-10.0
B-02;Refit Basel;-360;-250;-252;26'000.00;24'900.00;CHF;1'900.00;2
B-03;Refit Chur;-330;-240;-220;19'000.00;21'000.00;CHF;-2'000.00;-2.0
B-04;Refit Thun;-300;-200;-195;;17'800.00;CHF;;-5.0
B-05;Refit Sion;-280;-190;-190;12'000.00;11'700.00;CHF;300.00;0
B-05;Refit Sierre;-270;-180;-176;14'000.00;14'300.00;CHF;-300.00;-4.0
""",
    "leases.csv": """
Number;Title;Vendor;Start;End
L-1;Lease of the branch in Bern;Immo Bern AG;-900;+900
""",
}

_PLAN_HEADER = (
    "Project", "WBS", "Work package", "Team", "Start", "Finish",
    "Budget", "Currency", "Method", "% done", "Baseline hours", "Element",
)  # fmt: skip


_PEOPLE_HEADER = ("Name", "E-mail", "Team", "Skills", "% of a week", "Leave", "Last day")


def files(today: date, start: date) -> dict[str, tuple[Row, ...]]:
    """File name → header and rows, as of `today`; `start` is the Monday of the first week."""
    rows = _tables(_OFFICE, today, start)
    rows["plan.xlsx"] = plan(start, WEEK_NOW)
    rows["people.csv"] = (_PEOPLE_HEADER, *(_person_row(*p[:2], today) for p in PEOPLE))
    since = _written(start - timedelta(days=200))
    rows["rates.csv"] = (
        ("Person", "Per hour", "Currency", "From"),
        *((name, f"{rate}.00", project_row(code)[4], since) for name, _, code, rate in PEOPLE),
    )
    return rows


def plan(start: date, week: float) -> tuple[Row, ...]:
    """The plan as it was in a week."""
    return (_PLAN_HEADER, *(_plan_row(p, start, week) for p in PACKAGES))


def branches(today: date, start: date) -> dict[str, tuple[Row, ...]]:
    """The branch coordinator's files, by name."""
    return _tables(BRANCHES, today, start)


def _tables(texts: Mapping[str, str], today: date, start: date) -> dict[str, tuple[Row, ...]]:
    def cell(text: str) -> str:
        if text[:1] == "@":
            return _written(working_day(start, float(text[1:])))
        is_offset = text[:1] in ("+", "-") and text[1:].isdigit()
        return _written(today + timedelta(days=int(text))) if is_offset else text

    return {
        name: tuple(tuple(map(cell, line.split(";"))) for line in text.strip().splitlines())
        for name, text in texts.items()
    }


def _person_row(name: str, team: str, today: date) -> Row:
    """Who can do what. One is away next week, one works part time, one left a week ago, and one
    wrote a leave that no program can read.
    """
    monday = today + timedelta(days=7 - today.weekday())
    percent, leave, left = {
        "Iva Novak": ("100", f"{monday}..{monday + timedelta(days=4)}", ""),
        "Mei Tanaka": ("60", "", ""),
        "Tom Becker": ("100", "week before Christmas", ""),
        "Jon Price": ("100", "", _written(today - timedelta(days=7))),
    }.get(name, ("100", "", ""))
    skills = {"Luc Meyer": "network/hardware", "Iva Novak": "hardware/network"}.get(name, team)
    address = f"{name.casefold().replace(' ', '.')}@example.org"
    return name, address, team, skills, percent, leave, left


def _plan_row(package: Package, start: date, week: float) -> Row:
    return (
        package.project, package.code, package.name, package.team,
        working_day(start, package.first), working_day(start, package.last + 0.8),
        package.budget_in(week), package.currency, package.method, package.percent,
        package.hours_per_item * len(package.items) or None, package.element,
    )  # fmt: skip


def _written(day: date) -> str:
    return day.strftime("%d.%m.%Y")
