"""Recording baselines, listing them, and saying how two of them differ."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from itpm_sync.app.baseline_lines import lines, recorded
from itpm_sync.app.gathering import inputs
from itpm_sync.app.plan_files import plan_of_file
from itpm_sync.app.session import Session
from itpm_sync.config import PlanFileOptions
from itpm_sync.config.validation import validated
from itpm_sync.errors import ConfigError, Problem, suggestion
from itpm_sync.model import Money
from itpm_sync.reconcile.folding import fold
from itpm_sync.reconcile.inputs import (
    BaselinePackage,
    BaselineRate,
    Element,
    FrozenPlan,
    Inputs,
    ProjectSetup,
    RecordedBaseline,
)
from itpm_sync.reconcile.wording import count


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanSource:
    """What a baseline is recorded from: `plan` (the store's work packages), `tickets`, or a file.

    What is not given is as the project's `plan_file` block says.
    """

    name: str = "plan"
    baseline: str = ""  # of a file: 0 to 10, or `schedule`
    package_field: str = ""
    project_field: str = ""
    level: int | None = None
    measure: str = "points"  # of tickets: points or estimate
    rate: str = ""  # `CHF 120` for each point or hour
    budget: str = ""  # `CHF 90000` for all tickets


def baseline_record(
    session: Session,
    project: str,
    *,
    author: str,
    approval: str = "",
    change_request: str = "",
    source: PlanSource | None = None,
) -> tuple[str, ...]:
    """Freezes the plan and the scope of a project: lines that say what was taken, and what not.

    Raises ConfigError for a project, file or option that cannot be used; then nothing is recorded.
    """
    from itpm_sync.reconcile import freeze

    today = session.today()
    given, source = inputs(session, today), source or PlanSource()
    setup = next((p for p in given.projects if fold(p.code) == fold(project)), None)
    if setup is None:
        hint = suggestion(project, [p.code for p in given.projects][:50])
        raise ConfigError([Problem((), f"no project {project!r}", hint, "PROJECT")])
    plan, remarks = _planned(session, given, setup, source)
    frozen = freeze(given, setup.code, plan)
    assert frozen is not None  # noqa: S101 - the project is known
    _check_not_empty(given, setup.code, frozen)
    number = session.store.outcome.put_baseline(
        setup.code,
        on=today,
        author=author,
        now=session.now(),
        lines=lines(frozen),
        approval=approval,
        change_request=change_request,
    )
    return (f"baseline {number} of {setup.code} recorded: {_counts(frozen)}", *remarks)


def _check_not_empty(given: Inputs, code: str, frozen: FrozenPlan) -> None:
    """A baseline without any package after one with some is a missing source, not a plan."""
    before = any(fold(b.project) == fold(code) and _work(b.packages) for b in given.baselines)
    if not before and not _work(frozen.packages) and not frozen.items:
        hint = "pull its sources first, or record --from a plan file"
        raise ConfigError([Problem((), f"{code} has neither plan nor tickets", hint)])
    if before and not _work(frozen.packages):
        message = f"no source gives work packages of {code}, and its last baseline has some"
        hint = "record --from the plan's file, or pull its source"
        raise ConfigError([Problem((), message, hint, "--from")])


def _work(packages: Iterable[BaselinePackage]) -> bool:
    """Whether there is any line that work is planned in, not only an amount set apart."""
    return any(p.element in (Element.WORK, Element.PLANNING) for p in packages)


def _counts(frozen: FrozenPlan) -> str:
    """What was recorded: packages and items, BAC, what of it is set apart, and what beside it."""
    number = Counter(p.element for p in frozen.packages)
    parts = [count(number[Element.WORK], "work package")]
    if number[Element.PLANNING]:
        parts.append(count(number[Element.PLANNING], "planning package"))
    parts.append(count(len(frozen.items), "scope item"))
    if frozen.milestones:
        parts.append(count(len(frozen.milestones), "milestone"))
    parts += _sums(frozen, set(Element) - {Element.RESERVE})
    for element in (Element.UNDISTRIBUTED, Element.RESERVE):
        word = f"{'of which ' if element is Element.UNDISTRIBUTED else ''}{_word(element)}"
        parts += [f"{word} {amount}" for amount in _sums(frozen, {element})]
    source = f", from {frozen.source}" if frozen.source else ""
    return f"{', '.join(parts)}{source}"


def _sums(frozen: FrozenPlan, elements: Collection[Element]) -> Iterator[str]:
    """The budgets of some elements, a sum a currency; summaries would count them twice."""
    totals: dict[str, Decimal] = defaultdict(Decimal)
    for package in frozen.packages:
        counts = package.element in elements and package.code not in frozen.summaries
        if counts and package.budget is not None:
            totals[package.budget.currency] += package.budget.amount
    return (str(Money(amount, name)) for name, amount in sorted(totals.items()))


def _word(element: Element) -> str:
    return element.value.replace("_", " ")


def _planned(
    session: Session, given: Inputs, setup: ProjectSetup, source: PlanSource
) -> tuple[FrozenPlan | None, tuple[str, ...]]:
    if source.name == "plan":
        return None, ()
    if source.name == "tickets":
        return _of_tickets(given, setup, source)
    return plan_of_file(
        Path(source.name), _options(session, setup.code, source), setup.code, setup.currency
    )


def _of_tickets(
    given: Inputs, setup: ProjectSetup, source: PlanSource
) -> tuple[FrozenPlan, tuple[str, ...]]:
    from itpm_sync.reconcile.ticket_plan import Measure, Worth, plan_of_tickets

    if source.measure not in set(Measure):
        raise _wrong("--measure", f"expected points or estimate, found {source.measure!r}")
    if source.rate and source.budget:
        raise _wrong("--budget", "give a rate or a budget, not both")
    worth = Worth(
        rate=_money("--rate", source.rate, setup.currency),
        budget=_money("--budget", source.budget, setup.currency),
    )
    try:
        found = plan_of_tickets(given, setup.code, Measure(source.measure), worth)
    except ValueError as error:
        raise _wrong("--from", str(error)) from None
    assert found is not None  # noqa: S101 - the project is known
    if not found[0].packages:
        raise _wrong(
            "--from", f"no ticket of {setup.code} is in a work package: give them fix versions, or "
            "add allocation rules",
        )  # fmt: skip
    return found


def _money(option: str, text: str, currency: str) -> Money | None:
    """`CHF 120.50`, `120.50 CHF`, or a number in the project's currency."""
    if not text:
        return None
    words = text.replace("'", "").split()
    numbers = [w for w in words if w[:1].isdigit()]
    codes = [w.upper() for w in words if w not in numbers] or [currency]
    wrong = _wrong(option, f"expected an amount such as CHF 120.50, found {text[:40]!r}")
    if len(numbers) != 1 or len(codes) != 1:
        raise wrong
    try:
        return Money(Decimal(numbers[0]), codes[0])
    except (ValueError, InvalidOperation):
        raise wrong from None


def _wrong(option: str, message: str) -> ConfigError:
    return ConfigError([Problem((), message, where=option)])


def _options(session: Session, code: str, source: PlanSource) -> PlanFileOptions:
    """The project's block, with what the command says instead."""
    configured = next(
        (p.plan_file for p in session.config.root.projects if p.code == code), PlanFileOptions()
    )
    said = {
        "baseline": source.baseline,
        "work_package": source.package_field,
        "project": source.project_field,
        "level": source.level,
    }
    changed = {name: value for name, value in said.items() if value not in ("", None)}
    found, problems = validated(PlanFileOptions, {**configured.model_dump(), **changed})
    if found is None:
        raise ConfigError(problems)
    return found


def baseline_list(session: Session, project: str | None = None) -> tuple[RecordedBaseline, ...]:
    """The recorded versions, oldest first. Raises ConfigError for a project that nobody knows.

    A project that left the configuration keeps its baselines, and its name is still known.
    """
    every = tuple(map(recorded, session.store.outcome.baselines()))
    known = {p.code for p in session.config.root.projects} | {b.project for b in every}
    if project is not None and project not in known:
        problem = Problem((), f"no project {project!r}", suggestion(project, known), "PROJECT")
        raise ConfigError([problem])
    return tuple(b for b in every if project in (None, b.project))


def baseline_diff(session: Session, project: str, old: int, new: int) -> tuple[str, ...]:
    """What two versions have differently, a line each."""
    versions = {b.version: b for b in baseline_list(session, project)}
    for number in (old, new):
        if number not in versions:
            known = ", ".join(map(str, versions)) or "none"
            raise ConfigError(
                [
                    Problem(
                        (), f"{project} has no baseline {number}", f"recorded: {known}", "VERSION"
                    )
                ]
            )
    told = [
        *_package_differences(versions[old].packages, versions[new].packages),
        *_differences(
            "item",
            {i.identity: i for i in versions[old].items},
            {i.identity: i for i in versions[new].items},
        ),
        *_differences(
            "milestone",
            {m.code: m for m in versions[old].milestones},
            {m.code: m for m in versions[new].milestones},
        ),
        *_calendars(versions[old], versions[new]),
        *_differences("exchange rate", _rates(versions[old]), _rates(versions[new])),
    ]
    return tuple(told) or (f"versions {old} and {new} of {project} are equal",)


def _package_differences(
    old: Iterable[BaselinePackage], new: Iterable[BaselinePackage]
) -> Iterator[str]:
    """Of packages, then of the amounts that are set apart, which are none."""
    for word, elements in (
        ("work package", (Element.WORK, Element.PLANNING)),
        (_word(Element.UNDISTRIBUTED), (Element.UNDISTRIBUTED,)),
        (_word(Element.RESERVE), (Element.RESERVE,)),
    ):
        before, after = ({p.code: p for p in ps if p.element in elements} for ps in (old, new))
        yield from _differences(word, before, after)


def _calendars(old: RecordedBaseline, new: RecordedBaseline) -> Iterator[str]:
    if old.calendar is not None and new.calendar is not None and old.calendar != new.calendar:
        yield "changed  calendar: other working days"


def _rates(baseline: RecordedBaseline) -> Mapping[str, BaselineRate]:
    """The frozen rates of the currencies that budgets are in."""
    used = {p.budget.currency for p in baseline.packages if p.budget is not None}
    return {
        f"{r.currency} → {r.base}": r for r in baseline.rates if used & {r.currency, r.base}
    }  # fmt: skip


def _differences(what: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    for key in sorted({*old, *new}):
        before, after = old.get(key), new.get(key)
        name = getattr(after or before, "key", key)
        told = what if name == what else f"{what} {name}"
        if before is None:
            yield f"added    {told}"
        elif after is None:
            yield f"removed  {told}"
        elif before != after:
            changed = [
                f"{n}: {getattr(before, n)} → {getattr(after, n)}"
                for n in before.__dataclass_fields__
                if getattr(before, n) != getattr(after, n)
            ]
            yield f"changed  {told}: {'; '.join(changed)}"
