"""The blocks of the configuration, as frozen settings; docs/configuration.md describes each key.

Annotations are evaluated when this is imported, not kept as text: pydantic would do so for each.
"""

import difflib
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, available_timezones

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError, PydanticKnownError

from itpm_sync.model import Stage

NAME = r"^[A-Za-z][A-Za-z0-9_-]{0,62}$"
CURRENCY = r"^([A-Z]{3})?$"
URL = r"^https?://"
IDENTITY = r"^[^:\s]+:[^:\s]+:\S"


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        known = {z.rpartition("/")[2].casefold(): z for z in sorted(available_timezones())}
        close = difflib.get_close_matches(name.rpartition("/")[2].casefold(), known, n=1)
        meant = known[close[0]] if close else "Europe/Zurich"
        raise ValueError(f"unknown time zone {name!r}; expected a name such as {meant}") from None
    return name


def _store_url(url: str) -> str:
    if not url.startswith(("sqlite:///", "postgresql://", "postgresql+psycopg://")):
        raise ValueError(
            "expected sqlite:///FILE or postgresql+psycopg://USER:PASSWORD@HOST/DATABASE"
        )
    return url


def _steps(value: Any) -> Any:
    return {"steps": value} if isinstance(value, list) else value


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str | int | float) else value


def _rising(values: tuple[Decimal | int, ...]) -> tuple[Decimal | int, ...]:
    if any(a >= b for a, b in pairwise(values)):
        raise ValueError("expected ascending numbers, each once")
    return values


Currency = Annotated[str, Field(pattern=CURRENCY)]
Name = Annotated[str, Field(pattern=NAME)]
Code = Annotated[str, Field(min_length=1, max_length=200)]
Zone = Annotated[str, AfterValidator(_zone)]
Words = Annotated[
    tuple[str, ...],
    BeforeValidator(_listed, json_schema_input_type=str | float | tuple[str | float, ...]),
    Field(min_length=1),
]
Said = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
Share = Annotated[Decimal, Field(ge=0, le=10)]
Score = Annotated[Decimal, Field(ge=Decimal("0.5"), le=1)]
Identity = Annotated[str, Field(pattern=IDENTITY)]
Steps = Annotated[
    tuple[Literal["pull", "remap", "reconcile", "report", "publish"], ...], Field(min_length=1)
]


class Settings(BaseModel):
    """Base of every block: unknown keys are errors, values are frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)

    @field_validator("*", mode="before")
    @classmethod
    def _no_truth_for_a_number(cls, value: Any, info: ValidationInfo) -> Any:
        """`sweep_every_h: yes` would be 1."""
        if value is True or value is False:
            field = cls.model_fields.get(info.field_name or "")
            if field is not None and field.annotation is int:
                raise PydanticKnownError("int_type")
        return value


def _raise_each(problems: Sequence[tuple[str, str]]) -> None:
    """Raises what a check of several keys found, each at the key that it is about."""
    if problems:
        errors = [
            InitErrorDetails(
                type=PydanticCustomError("several_keys", "{text}", {"text": text}),
                loc=(key,), input="",
            )
            for key, text in problems
        ]  # fmt: skip
        raise ValidationError.from_exception_data("settings", errors)


class PublishTarget(Settings):
    """Where a project's status goes: which fields of which object we own."""

    connection: Name
    address: Code
    fields: tuple[Name, ...] | None = None  # all that the connector offers


def _spans(value: Any) -> Any:
    """`2026-12-24..2026-12-31` as its days; anything else as it is, for pydantic to judge."""
    found: list[Any] = []
    for entry in value if isinstance(value, list) else [value]:
        first, dots, last = str(entry).partition("..")
        found += _days(first, last) if dots else [entry]
    return found


def _days(first: str, last: str) -> list[date]:
    try:
        start, end = date.fromisoformat(first.strip()), date.fromisoformat(last.strip())
    except ValueError:
        raise ValueError("expected DATE or DATE..DATE, as in 2026-12-24..2026-12-31") from None
    if not 0 <= (end - start).days <= _LONGEST_HOLIDAY:
        raise ValueError(
            f"expected a span of 1 to {_LONGEST_HOLIDAY + 1} days, found {first}..{last}"
        )
    return [start + timedelta(days=n) for n in range((end - start).days + 1)]


def _week(value: Any) -> Any:
    days = isinstance(value, list) and all(isinstance(day, str) for day in value)
    return dict.fromkeys(value, 1) if days else value


WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_LONGEST_HOLIDAY = 366
DayShare = Annotated[Decimal, Field(ge=0, le=3)]
Week = Annotated[
    dict[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], DayShare],
    BeforeValidator(_week, json_schema_input_type=list[str] | dict[str, Decimal]),
    Field(min_length=1),
]
Holidays = Annotated[
    tuple[date, ...], BeforeValidator(_spans, json_schema_input_type=str | list[str])
]


class WorkingCalendar(Settings):
    """Which days are worked; a project's calendar adds its days to those of the portfolio."""

    week: Week | None = None  # Monday to Friday
    holidays: Holidays = ()
    part_days: dict[date, DayShare] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _some_work(self) -> Self:
        if self.week is not None and not any(self.week.values()):
            raise ValueError("no day of the `week` is worked")
        return self


class PlanFileOptions(Settings):
    """How a plan in Microsoft Project XML becomes work packages of a project."""

    baseline: Annotated[int, Field(ge=0, le=10)] | Literal["schedule"] = 0
    work_package: Code = "wbs"
    level: Annotated[int, Field(ge=1, le=50)] | None = None
    project: str = ""
    element: str = ""
    currency: Currency = ""


class Project(Settings):
    """A project of the portfolio."""

    code: Code
    name: str = ""
    stage: Stage = Stage.EXECUTION
    manager: str = ""
    sponsor: str = ""
    operations_owner: str = ""  # who takes over at closing; empty: that of `gates`
    currency: Currency = ""
    start: date | None = None
    finish: date | None = None
    declared_rating: Literal["", "green", "amber", "red"] = ""
    baseline_on: date | None = None
    management_reserve: Annotated[Decimal, Field(ge=0)] | None = None
    undistributed_budget: Annotated[Decimal, Field(ge=0)] | None = None
    budget_base: Annotated[Decimal, Field(ge=0)] | None = None
    calendar: WorkingCalendar = WorkingCalendar()
    plan_file: PlanFileOptions = PlanFileOptions()
    publish: tuple[PublishTarget, ...] = ()

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.start and self.finish and self.finish < self.start:
            _raise_each([("finish", f"`finish` ({self.finish}) is before `start` ({self.start})")])
        return self


RULE_WORDS = frozenset(
    "kind connection project work_package type component label version sprint link epic queue "
    "category vendor contract order priority role team person code key resolution source_type "
    "source_status assignee requester reporter number".split()
)
"""What an allocation rule can ask any record for; besides, there are the mappings' attributes."""


class AllocationRule(Settings):
    """What matches all of `when` belongs to `project` and `work_package`; the first match wins."""

    name: str = ""
    when: dict[str, Words]
    project: str = ""
    work_package: str = ""


class Thresholds(Settings):
    """Thresholds of ratings and findings; see docs/configuration.md for their sources."""

    index_green: Share = Decimal("0.95")
    index_amber: Share = Decimal("0.90")
    two_sided: bool = True
    creep_amber: Share = Decimal("0.10")
    creep_red: Share = Decimal("0.20")
    unplanned_amber: Share = Decimal("0.20")
    unplanned_red: Share = Decimal("0.35")
    scope_growth_watch: Share = Decimal("0.02")
    orphan_share: Share = Decimal("0.10")
    eac_method: Literal[
        "cpi", "budget", "spi", "spi_t", "cpi_spi", "cpi_spi_t", "weighted", "weighted_t"
    ] = "cpi"
    price_tolerance: Share = Decimal("0.02")
    quantity_tolerance: Share = Decimal("0.02")
    amount_tolerance_minor: Annotated[int, Field(ge=0, le=1_000_000)] = 100
    burn_amber: Share = Decimal("1.10")
    burn_red: Share = Decimal("1.25")
    ceiling_shares: Annotated[
        tuple[Annotated[Decimal, Field(gt=0, le=1)], ...],
        Field(max_length=10),
        AfterValidator(_rising),
    ] = (Decimal("0.75"), Decimal("0.90"), Decimal(1))
    notice_days: tuple[Annotated[int, Field(ge=0)], ...] = (90, 60, 30, 7)
    sla_amber: Share = Decimal("0.95")
    sla_red: Share = Decimal("0.90")
    defects_amber: Share = Decimal("0.10")
    exposure_amber: Share = Decimal("0.05")
    exposure_red: Share = Decimal("0.10")
    reserve_amber: Share = Decimal("0.75")
    overrun_high: Share = Decimal("0.05")
    tcpi_high: Share = Decimal("1.10")
    tspi_high: Share = Decimal("1.10")
    tcpi_gap: Share = Decimal("0.10")
    effort_share: Share = Decimal("0.15")
    stale_after_h: Annotated[int, Field(gt=0)] = 36
    top_findings: Annotated[int, Field(ge=0, le=50)] = 5
    escaped_words: Words = ("production", "prod", "live", "escaped")
    escaped_amber: Share = Decimal("0.05")
    escaped_red: Share = Decimal("0.15")
    defect_days: Annotated[int, Field(ge=0)] = 30
    forecast_percentiles: Annotated[
        tuple[Annotated[int, Field(ge=1, le=99)], ...],
        Field(min_length=1, max_length=5),
        AfterValidator(_rising),
    ] = (50, 80, 95)
    forecast_trials: Annotated[int, Field(ge=100, le=100_000)] = 10_000
    forecast_weeks: Annotated[int, Field(ge=2, le=260)] = 26
    forecast_min_weeks: Annotated[int, Field(ge=2, le=260)] = 7
    forecast_growth: bool = False
    forecast_seed: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        wrong = []
        for better, worse in (
            ("index_green", "index_amber"), ("creep_red", "creep_amber"),
            ("unplanned_red", "unplanned_amber"),
            ("burn_red", "burn_amber"), ("sla_amber", "sla_red"),
            ("exposure_red", "exposure_amber"), ("escaped_red", "escaped_amber"),
            ("forecast_weeks", "forecast_min_weeks"),
        ):  # fmt: skip
            high, low = getattr(self, better), getattr(self, worse)
            if high < low:
                at = better if better in self.model_fields_set else worse
                wrong.append((at, f"`{better}` ({high}) is below `{worse}` ({low})"))
        _raise_each(wrong)
        return self


class Waiver(Settings):
    """Findings that are known and accepted until a day: why, and by whom."""

    finding: Said
    project: str = "*"
    subject: str = "*"
    reason: Said
    author: Said
    expires: date


class Override(Settings):
    """A rating in place of the computed one until a day: why, and by whom."""

    project: Code
    dimension: Literal["overall", "time", "cost", "scope", "quality", "risk"] = "overall"
    rating: Literal["green", "amber", "red", "grey"]
    reason: Said
    author: Said
    expires: date


def _pair(value: Any) -> Any:
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise ValueError("expected a list of two records' identities, as findings show them")
    return value


class DuplicateDecision(Settings):
    """A person's word on a pair of tickets, by their identities."""

    pair: Annotated[tuple[Identity, Identity], BeforeValidator(_pair)]
    verdict: Literal["confirmed", "rejected"]
    author: Said
    on: date | None = None
    reason: str = ""

    @model_validator(mode="after")
    def _two(self) -> Self:
        if self.pair[0] == self.pair[1]:
            raise ValueError(f"the pair names {self.pair[0]} twice")
        return self


class Duplicates(Settings):
    """The search for work that is done twice; see docs/configuration.md for the formula."""

    search: bool = True
    suggest: Score = Decimal("0.75")
    sure: Score = Decimal("0.90")
    closed_days: Annotated[int, Field(ge=0)] = 90
    recurring_after: Annotated[int, Field(ge=1)] = 5
    series_after: Annotated[int, Field(ge=2)] = 3
    block_limit: Annotated[int, Field(ge=2, le=1000)] = 50
    listed: Annotated[int, Field(ge=0)] = 200
    generic_words: tuple[Code, ...] | None = None
    decisions: tuple[DuplicateDecision, ...] = ()

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.sure < self.suggest:
            message = f"`sure` ({self.sure}) is below `suggest` ({self.suggest})"
            _raise_each([("sure" if "sure" in self.model_fields_set else "suggest", message)])
        return self


class PersonSettings(Settings):
    """Somebody who works on projects; what is not said here, a source's person record may say."""

    name: Code
    email: str = ""
    team: str = ""
    skills: tuple[Code, ...] = ()
    percent: Annotated[Decimal, Field(ge=0, le=100)] | None = None
    calendar: WorkingCalendar | None = None
    leave: Holidays = ()
    left_on: date | None = None


class Capacity(Settings):
    """How the load of people is set against their time."""

    hours_per_day: Annotated[Decimal, Field(gt=0, le=24)] = Decimal(8)
    weeks: Annotated[int, Field(ge=1, le=53)] = 8
    undated_weeks: Annotated[int, Field(ge=1, le=53)] = 4
    tolerance: Annotated[Decimal, Field(ge=0, le=10)] = Decimal("0.10")


class Criterion(Settings):
    """What a stage gate asks. Evidence that the sources give goes before anybody's word."""

    id: Name
    gate: Literal["initiation", "planning", "execution", "monitoring", "closing"]
    text: Said
    evidence: Literal[
        "attestation", "manager-named", "sponsor-named", "owner-named", "plan-dated",
        "budget-known", "baseline-recorded", "risks-registered", "work-done", "scope-approved",
        "no-open-defects", "no-priority-one", "no-high-findings", "changes-decided",
        "milestones-met", "orders-settled", "receipts-billed", "invoices-paid", "contracts-owned",
        "risks-closed",
    ] = "attestation"  # fmt: skip
    mandatory: bool = True


class Gates(Settings):
    """The stage gates: to whom closing hands over, and what their criteria are."""

    operations_owner: str = ""
    priority_one: Words = ("1", "1 *", "1-*", "P1*", "Critical", "Highest", "Blocker")
    criteria: tuple[Criterion, ...] = ()
    without: tuple[Name, ...] = ()


class Reports(Settings):
    """Where reports are written, and under which address stakeholders reach that folder."""

    folder: Path = Path("reports")
    url: Annotated[str, Field(pattern=URL)] | None = None
    formats: tuple[Literal["html", "xlsx"], ...] = ("html", "xlsx")


class Safety(Settings):
    """Limits beyond which a person must confirm."""

    max_deleted_share: Annotated[Decimal, Field(gt=0, le=1)] = Decimal("0.20")
    max_writes: Annotated[int, Field(gt=0)] = 200
    sweep_every_h: Annotated[int, Field(ge=0)] = 24
    refresh_every_h: Annotated[int, Field(ge=0)] = 1


class Privacy(Settings):
    """What leaves for outside systems of persons."""

    publish_names: bool = False


class Monitoring(Settings):
    """Files that tell a dead cron from a healthy one."""

    status_file: Path = Path("itpm-status.json")
    metrics_file: Path | None = Path("itpm-metrics.prom")


class Job(Settings):
    """What `itpm-sync run` does, in order; the list of steps alone will do."""

    steps: Steps
    connections: tuple[Name, ...] | None = None
    expect_every_h: Annotated[int, Field(gt=0)] = 24 * 7  # `status` warns if no run for longer


class Root(Settings):
    """The whole file, but for the connectors' own blocks."""

    version: Literal[1] = 1
    title: str = "IT project office"
    timezone: Zone = "UTC"
    currency: Currency = ""
    store: Annotated[str, AfterValidator(_store_url), Field(repr=False)] = "sqlite:///itpm.db"
    calendar: WorkingCalendar = WorkingCalendar()
    reports: Reports = Reports()
    connections: dict[Name, dict[str, Any]] = Field(min_length=1, repr=False)
    projects: tuple[Project, ...] = ()
    discover_projects: tuple[Name, ...] = ()
    plan_from: tuple[Name, ...] = ()  # whose work packages are the plan; empty: all
    allocation: tuple[AllocationRule, ...] = ()
    thresholds: Thresholds = Thresholds()
    waivers: tuple[Waiver, ...] = ()
    overrides: tuple[Override, ...] = ()
    duplicates: Duplicates = Duplicates()
    people: tuple[PersonSettings, ...] = ()
    capacity: Capacity = Capacity()
    gates: Gates = Gates()
    safety: Safety = Safety()
    privacy: Privacy = Privacy()
    monitoring: Monitoring = Monitoring()
    jobs: dict[
        Name, Annotated[Job, BeforeValidator(_steps, json_schema_input_type=Job | Steps)]
    ] = Field(default_factory=dict)


class ConnectionCore(Settings):
    """The keys of a connection that belong to the core."""

    connector: Name
    mapping: Path | None = None
    max_connections: Annotated[int, Field(ge=1, le=64)] = 8
    timeout_s: Annotated[float, Field(gt=0, le=600)] = 60.0
    attempts: Annotated[int, Field(ge=1, le=20)] = 5
