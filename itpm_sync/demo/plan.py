"""What was planned: the projects, their work packages, the people, and what nobody planned."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

WEEKS, WEEK_NOW = 12, 10
RE_PLANNED = 6.6  # Thursday of the sixth week: a new baseline replaced the first one


@dataclass(frozen=True, slots=True)
class Package:
    """A work package of the invented plan. Weeks count from 1; `late` weeks of real delay.

    `first_budget` is what the plan said before the week `changed`, where it was changed.
    """

    project: str
    code: str
    name: str
    team: str
    first: int
    last: int
    budget: int
    currency: str
    method: str
    hours_per_item: int
    titles: str
    late: float = 0.0
    percent: int | None = None
    first_budget: int | None = None
    changed: float = RE_PLANNED
    element: str = ""

    def budget_in(self, week: float) -> int:
        """What the plan of a week said."""
        first = self.first_budget if week < self.changed else None
        return self.budget if first is None else first

    @property
    def items(self) -> tuple[str, ...]:
        """The planned items' titles."""
        return tuple(t.strip() for t in self.titles.split(";") if t.strip())


# Projects whose work stands in tickets, and whose status is published.
PROJECTS = (
    ("NET", "Network refresh", "Ana Ruiz", "Chief Information Officer", "CHF"),
    ("SDM", "Service desk migration", "Tom Becker", "Head of Service Management", "EUR"),
    ("DAP", "Data platform", "Mei Tanaka", "Chief Data Officer", "USD"),
)

# Smaller ones that the office keeps in spreadsheets alone; of the last nothing is known yet.
OFFICE_PROJECTS = (
    ("WAN", "Branch lines", "Luc Meyer", "Chief Information Officer", "CHF"),
    ("UPS", "Branch power", "Iva Novak", "Chief Information Officer", "CHF"),
    ("PRN", "Printer return", "Ana Ruiz", "Head of Service Management", "CHF"),
    ("TEL", "Telephone exchange", "Sara Lind", "Head of Service Management", "CHF"),
)

PACKAGES = (
    Package(
        "NET", "1.1", "Design and site survey", "network", 1, 3, 42_000, "CHF", "items", 52,
        "Survey headquarters; Survey plant Nord; Survey plant Süd; Addressing plan; "
        "Target design; Security zones; Design review",
    ),
    Package(
        "NET", "1.2", "Core switches", "hardware", 3, 7, 184_000, "CHF", "weighted_milestones", 22,
        "Order core switches; Stage configuration; Rack core A; Rack core B; Failover test; "
        "Acceptance of the core", late=3.5, first_budget=120_000,
    ),
    Package(
        "NET", "1.3", "Access points", "hardware", 5, 9, 96_000, "CHF", "items", 18,
        "Mount floor 1; Mount floor 2; Mount floor 3; Mount plant Nord; Mount plant Süd; "
        "Tune radio cells; Guest access; Coverage report", late=1.5,
    ),
    Package(
        "NET", "1.4", "Site migration", "network", 7, 11, 74_000, "CHF", "items", 95,
        "Migrate headquarters; Migrate plant Nord; Migrate plant Süd; Migrate branch Bern; "
        "Migrate branch Basel; Remove old switches", late=2.5, first_budget=68_000,
        changed=WEEK_NOW,
    ),
    Package(
        "NET", "1.5", "Project management", "service management", 1, 12, 30_000, "CHF",
        "level_of_effort", 230, "Steering and reporting",
    ),
    Package(
        "SDM", "2.1", "Process design", "service management", 1, 4, 38_000, "EUR", "items", 64,
        "Incident process; Request process; Problem process; Change process; Service catalogue; "
        "Roles and groups",
    ),
    Package(
        "SDM", "2.2", "Configuration", "help desk", 3, 8, 74_000, "EUR", "points", 26,
        "Queues and routing; SLA timers; E-mail intake; Self-service portal; Approvals; "
        "Single sign-on; Asset lookup; Dashboards; Knowledge base", late=0.5,
    ),
    Package(
        "SDM", "2.3", "Data migration", "data and analytics", 6, 10, 45_000, "EUR", "items", 44,
        "Export the old desk; Map categories; Load open tickets; Load history; Reconcile counts; "
        "Archive attachments", late=1.0,
    ),
    Package(
        "SDM", "2.4", "Training and go-live", "help desk", 9, 12, 33_000, "EUR", "items", 60,
        "Train agents; Train approvers; Cut-over rehearsal; Go-live; Early life support",
    ),
    Package(
        "DAP", "3.1", "Landing zone", "information security", 1, 4, 60_000, "USD",
        "percent_complete", 92, "Accounts and guardrails; Network peering; Key management; "
        "Logging; Cost controls", percent=100,
    ),
    Package(
        "DAP", "3.2", "Ingestion", "data and analytics", 3, 8, 120_000, "USD", "items", 44,
        "Finance feed; HR feed; Sales feed; Ticket feed; Sensor feed; Quality checks; "
        "Lineage; Backfill", late=0.5,
    ),
    Package(
        "DAP", "3.3", "Reports", "data and analytics", 7, 12, 80_000, "USD", "items", 100,
        "Finance cube; Board dashboard; Self-service layer; Access reviews; Performance test; "
        "Hand-over to operations", late=0.5, first_budget=72_000, changed=WEEK_NOW,
    ),
    Package(
        "WAN", "4.1", "Order branch lines", "network", 2, 6, 30_000, "CHF", "percent_complete", 0,
        "", percent=60,
    ),
    Package(
        "WAN", "4.2", "Connect branches", "network", 7, 3, 44_000, "CHF", "percent_complete", 0, "",
    ),
    Package(
        "UPS", "5.1", "Replace batteries", "hardware", 1, 8, 60_000, "CHF", "percent_complete", 0,
        "", percent=100,
    ),
    Package(
        "UPS", "5.2", "Supervision", "service management", 1, 12, 20_000, "CHF", "level_of_effort",
        0, "",
    ),
    Package(
        "UPS", "5.3", "Power monitoring", "hardware", 11, 12, 18_000, "CHF", "percent_complete", 0,
        "", percent=0,
    ),
    Package(
        "PRN", "6.1", "Collect leased printers", "hardware", 4, 9, 12_000, "CHF",
        "percent_complete", 0, "", percent=70,
    ),
    Package(
        "PRN", "6.2", "Plant printers", "hardware", 9, 12, 9_000, "CHF", "percent_complete", 0, "",
        element="planning package",
    ),
)  # fmt: skip

UNPLANNED = {
    "SDM": (
        "Chat channel for the desk", "Second approval step for laptops", "Works council view",
        "Satisfaction survey",
    ),
    "NET": ("Extra access points for the canteen",),
    "DAP": ("Hotfix of the HR feed", "Export for the auditors", "Restore a deleted table"),
}  # fmt: skip

CANCELLED = frozenset({("DAP", "Sensor feed")})  # by word of mouth: no change request says so

PEOPLE = (
    ("Ana Ruiz", "service management", "NET", 118), ("Luc Meyer", "network", "NET", 112),
    ("Iva Novak", "hardware", "NET", 96), ("Tom Becker", "service management", "SDM", 98),
    ("Sara Lind", "help desk", "SDM", 84), ("Omar Haddad", "data and analytics", "SDM", 102),
    ("Mei Tanaka", "data and analytics", "DAP", 124),
    ("Jon Price", "information security", "DAP", 131),
    ("Rita Gomez", "data and analytics", "DAP", 109),
)  # fmt: skip


def project_row(code: str) -> tuple[str, str, str, str, str]:
    """Code, name, manager, sponsor and currency of a project."""
    return next(p for p in PROJECTS if p[0] == code)


def working_day(start: date, week: float) -> date:
    """A working day: week 1.0 is the first Monday, 1.8 its Friday."""
    whole, part = divmod(week - 1, 1)
    return start + timedelta(weeks=int(whole), days=min(int(part * 5), 4))
