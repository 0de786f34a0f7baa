"""Publishing as desired state: a pure three-way plan, then the outbox that delivers it.

For each field that we own: what we want (rendered from the snapshot), what we last wrote (the
outbox), what is there now (observed) → write, skip or conflict. Unchanged means no request. What a
person edited or deleted is never overwritten in silence. Before a write its intention is committed
to the outbox, so that after a crash the next run looks the mark up instead of writing twice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from functools import partial
from types import MappingProxyType
from typing import Protocol

import orjson

from itpm_sync.connector import FigureValue, Observed, Publisher, Readable, StatusMessage, Target
from itpm_sync.errors import (
    ConnectionFailed,
    ItpmError,
    NotFound,
    PreconditionFailed,
    RequestRejected,
    SafetyStop,
    up_to,
    visible,
)
from itpm_sync.model import Money, round_fraction
from itpm_sync.persons import Unnamed, as_it_is, counted
from itpm_sync.reconcile.figures import OF_WHICH_DISPUTED
from itpm_sync.reconcile.status import Figure, ProjectStatus, Severity, Snapshot
from itpm_sync.reconcile.wording import show

PUBLISHED_FIGURES = (
    "percent", "items_done", "items", "bac", "ev", "ac", "disputed", "eac", "cpi", "spi",
    "committed", "invoiced", "paid", "planned_cost", "actual_cost", "added", "removed",
)  # fmt: skip

_OUTPUT: Mapping[str, tuple[int, str]] = MappingProxyType(
    {
        "ratio": (2, ""), "percent": (1, " %"), "s": (1, " h"), "days": (0, " days"),
        "items": (0, ""), "points": (1, " points"), "weeks": (1, " weeks"),
    }
)  # fmt: skip
"""Digits and word of the units that are no currency."""

NOTHING_THERE = Observed(None)
DATE_STANDS_DAYS = 7  # a status in which nothing but the data date has changed is left so long


class State(StrEnum):
    """State of a target in the outbox."""

    SENDING = "sending"  # the intention is committed, the outcome not yet known
    DONE = "done"
    CONFLICT = "conflict"  # a person changed the field; waits for a decision
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What the outbox knows of a target.

    `written` is the text that we last wrote for certain, `standing` what then stood there as read
    back; `pending` the text whose write has begun.
    """

    target: Target
    mark: str
    state: State
    written: str | None = None
    standing: str | None = None
    pending: str | None = None
    remote_id: str | None = None
    attempts: int = 0
    message: str = ""
    updated_at: datetime | None = None


class Outbox(Protocol):
    """The part of the store that publishing needs; each call is one committed transaction."""

    def instance(self) -> str:
        """The store's own unique id."""
        ...

    def outbox_entry(self, target: Target) -> Entry | None: ...

    def put_outbox_entry(self, entry: Entry) -> None: ...


class Action(StrEnum):
    """What the plan does with a target."""

    SKIP = "unchanged"
    CREATE = "create"
    UPDATE = "update"
    ADOPT = "already there"  # an interrupted write had acted: nothing to send
    CONFLICT = "conflict"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One target's part of the plan, and after delivery its outcome.

    `text` is what is wanted as people read it, `text_now` what stands there.
    """

    target: Target
    action: Action
    reason: str = ""
    content: str = ""
    current: Observed = NOTHING_THERE
    text: str = ""
    text_now: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishResult:
    """Every target's outcome; `failed` names connections that could not be reached."""

    steps: tuple[Step, ...]
    dry_run: bool
    stop: SafetyStop | None = None  # of a dry run: with what publishing would end

    @property
    def written(self) -> tuple[Step, ...]:
        """The steps that wrote (or would write, in a dry run)."""
        return tuple(s for s in self.steps if s.action in (Action.CREATE, Action.UPDATE))

    @property
    def troubled(self) -> tuple[Step, ...]:
        """Conflicts and failures."""
        return tuple(s for s in self.steps if s.action in (Action.CONFLICT, Action.FAILED))

    @property
    def message(self) -> str:
        """A line that names what is not well; empty if all is."""
        return up_to(5, [f"{s.target.id}: {s.reason}" for s in self.troubled], "; ")


def mark_for(instance: str, target: Target) -> str:
    """The mark of a target: the same each week, different for another installation."""
    digest = hashlib.sha256(f"{instance}|{target.id}".encode()).hexdigest()[:24]
    return f"itpm-sync:{digest}"


def unchanged(content: str, entry: Entry | None) -> bool:
    """True if the text that stands there is the one wanted: no request is needed to know."""
    return entry is not None and entry.state is State.DONE and entry.written == content


def restated(render: Callable[[date], str], entry: Entry | None, data_date: date) -> bool:
    """True if what stands there is the status wanted, with a data date of the last six days.

    A status that is published daily is so written when something in it changes, or else once a
    week: its date is true, and never older than a week.
    """
    if entry is None or entry.state is not State.DONE or not entry.written:
        return False
    earlier = (data_date - timedelta(days=n) for n in range(1, DATE_STANDS_DAYS))
    return any(render(day) == entry.written for day in earlier)


def decide(  # noqa: PLR0911 - a decision table
    content: str, entry: Entry | None, now: Observed, *, take_over: bool
) -> tuple[Action, str]:
    """The decision for one target: an action and its reason.

    | last written | there now            | decision                                  |
    |--------------|----------------------|-------------------------------------------|
    | never        | nothing              | create (also: what a lost write had made, |
    |              |                      | deleted before we ever saw it)            |
    | never        | our mark             | update (an earlier store's), or adopt     |
    | begun only   | something else       | conflict: it had acted, somebody edited it|
    | begun only   | nothing, after that  | conflict: somebody deleted it             |
    | text         | as we left it        | update                                    |
    | text         | the text begun       | adopt: the interrupted write had acted    |
    | text         | a text begun earlier | update: that write had acted              |
    | text         | something else       | conflict: somebody edited it              |
    | text         | nothing              | conflict: somebody deleted it             |
    """
    if now.content is not None and now.content == content:
        return Action.ADOPT, "the wanted text stands there already"
    known = entry.standing if entry is not None else None
    begun = entry.pending if entry is not None else None
    seen = entry is not None and entry.state is State.CONFLICT  # a text of ours stood there
    if known is None and now.content is None and not seen:
        return Action.CREATE, ""
    if known is None and begun is None:
        return Action.UPDATE, "found by our mark"
    if now.content is not None and now.content in (known, begun):
        return Action.UPDATE, ""
    if take_over:
        action = Action.CREATE if now.content is None else Action.UPDATE
        return action, "taken over on request"
    if now.content is None:
        return Action.CONFLICT, "somebody deleted what we had written"
    return Action.CONFLICT, "somebody edited what we had written"


def publish(
    destinations: Sequence[tuple[Target, Publisher, StatusMessage]],
    outbox: Outbox,
    *,
    clock: Callable[[], datetime],
    dry_run: bool = False,
    max_writes: int = 200,
    take_over: Collection[str] = (),
) -> PublishResult:
    """Plans all targets, then delivers. `take_over` names targets (Target.id) to overwrite.

    Raises SafetyStop before any write if the plan holds more than `max_writes`; a dry run gives it
    beside the plan. A connection that fails is not asked again in this run; the others go on.
    """
    instance = outbox.instance()
    publishers = {target.id: publisher for target, publisher, _ in destinations}
    steps = tuple(_plan(destinations, outbox, instance, take_over))
    result = PublishResult(steps=steps, dry_run=dry_run)
    stop = _too_many(len(result.written), max_writes)
    if dry_run:
        return replace(result, stop=stop)
    if stop is not None:
        raise stop
    delivered: list[Step] = []
    down: dict[str, str] = {}
    for step in steps:
        if step.action in (Action.CREATE, Action.UPDATE) and step.target.connection in down:
            reason = f"not tried: {down[step.target.connection]}"
            delivered.append(replace(step, action=Action.FAILED, reason=reason))
            continue
        done, broken = _deliver(step, publishers[step.target.id], outbox, instance, clock)
        delivered.append(done)
        if broken:
            down[step.target.connection] = done.reason
    return PublishResult(steps=tuple(delivered), dry_run=False)


def _too_many(writes: int, limit: int) -> SafetyStop | None:
    if writes <= limit:
        return None
    return SafetyStop(
        f"publishing would write {writes} fields, more than the limit of {limit}; nothing was "
        "written",
        confirm=f"itpm-sync publish --max-writes {writes}",
    )


def _plan(
    destinations: Sequence[tuple[Target, Publisher, StatusMessage]],
    outbox: Outbox,
    instance: str,
    take_over: Collection[str],
) -> Iterator[Step]:
    down: dict[str, str] = {}
    for target, publisher, message in destinations:
        content = publisher.render(target, message)
        entry = outbox.outbox_entry(target)
        if unchanged(content, entry) and target.id not in take_over:
            yield Step(target=target, action=Action.SKIP)
            continue
        dated = partial(_dated, publisher, target, message)
        if restated(dated, entry, message.data_date) and target.id not in take_over:
            yield Step(target=target, action=Action.SKIP, reason="only its date would change")
            continue
        if not content and (entry is None or not entry.written):
            yield Step(target=target, action=Action.SKIP, reason="nothing to say there")
            continue
        if target.connection in down:
            reason = f"not tried: {down[target.connection]}"
            yield Step(target=target, action=Action.FAILED, reason=reason, content=content)
            continue
        try:
            mark = mark_for(instance, target)
            now = publisher.observe(target, mark, entry.remote_id if entry else None)
        except ItpmError as error:
            if isinstance(error, ConnectionFailed) and not isinstance(error, RequestRejected):
                down[target.connection] = str(error)
            yield Step(
                target=target, action=Action.FAILED, reason=_advice(target, error), content=content
            )
            continue
        action, reason = decide(content, entry, now, take_over=target.id in take_over)
        if action is Action.CONFLICT:
            reason += f"; to overwrite it: itpm-sync publish --take-over '{target.id}'"
        yield Step(
            target=target, action=action, reason=reason, content=content, current=now,
            text=_readable(publisher, target, content),
            text_now=_readable(publisher, target, now.content or ""),
        )  # fmt: skip


def _dated(publisher: Publisher, target: Target, message: StatusMessage, day: date) -> str:
    return publisher.render(target, replace(message, data_date=day))


def _readable(publisher: Publisher, target: Target, content: str) -> str:
    """A canonical text as people read it; JSON a line a key."""
    if isinstance(publisher, Readable):
        content = publisher.readable(target, content)
    if not content.startswith("{"):
        return content
    try:
        return orjson.dumps(orjson.loads(content), option=orjson.OPT_INDENT_2).decode()
    except orjson.JSONDecodeError:
        return content


def _deliver(
    step: Step, publisher: Publisher, outbox: Outbox, instance: str, clock: Callable[[], datetime]
) -> tuple[Step, bool]:
    """Acts on one step; returns its outcome and whether the whole connection is down."""
    if step.action in (Action.SKIP, Action.FAILED):
        return step, False
    entry = outbox.outbox_entry(step.target) or Entry(
        target=step.target, mark=mark_for(instance, step.target), state=State.SENDING
    )
    entry = replace(entry, updated_at=clock(), message=step.reason)
    if step.action is Action.CONFLICT:
        outbox.put_outbox_entry(replace(entry, state=State.CONFLICT))
        return step, False
    if step.action is Action.ADOPT:
        outbox.put_outbox_entry(_written(entry, step.content, step.current))
        return step, False
    if entry.pending is not None and step.current.content == entry.pending:
        # An earlier write had acted: should this one fail, it is what stands there of ours.
        entry = replace(entry, written=entry.pending, standing=entry.pending)
    entry = replace(entry, state=State.SENDING, pending=step.content, attempts=entry.attempts + 1)
    outbox.put_outbox_entry(entry)
    try:
        stands = publisher.write(step.target, step.content, entry.mark, step.current)
    except PreconditionFailed as error:
        state = State.FAILED if step.action is Action.CREATE else State.CONFLICT
        outbox.put_outbox_entry(replace(entry, state=state, message=str(error)))
        return replace(step, action=Action.CONFLICT, reason=str(error)), False
    except ItpmError as error:
        reason = _advice(step.target, error)
        outbox.put_outbox_entry(replace(entry, state=State.FAILED, message=reason))
        down = isinstance(error, ConnectionFailed) and not isinstance(error, RequestRejected)
        return replace(step, action=Action.FAILED, reason=reason), down
    outbox.put_outbox_entry(_written(entry, step.content, stands))
    return step, False


def _written(entry: Entry, content: str, stands: Observed) -> Entry:
    return replace(
        entry,
        state=State.DONE,
        written=content,
        standing=stands.content,
        pending=None,
        remote_id=stands.remote_id,
        attempts=0,
        message="",
    )


def _advice(target: Target, error: ItpmError) -> str:
    if isinstance(error, NotFound):
        return f"{target.address} is gone or hidden: correct `publish` of project {target.project}"
    return str(error)


# ---- the message --------------------------------------------------------------------------------


def status_message(
    status: ProjectStatus,
    snapshot: Snapshot,
    previous: Snapshot | None,
    report_url: str | None,
    top_findings: int = 5,
    *,
    without: Unnamed | None = None,
) -> StatusMessage:
    """What a project's status says, ready for people: rounded, labelled, severe things first.
    `without` takes the names of persons out of a text; None publishes them.

    Titles are anybody's: what cannot be seen in them, or turns the order of letters, is shown as
    `�`, since a system may refuse it, drop it, or let it reach beyond the title.
    """
    order = list(Severity)
    unwaived = (f for f in status.findings if f.waiver is None)
    findings = sorted(unwaived, key=lambda f: (order.index(f.severity), f.key))
    said = as_it_is if without is None else without
    if without is None:
        lines = tuple(f"{f.severity.value}: {f.message}" for f in findings)
    else:
        lines = counted(findings, without)
    published = tuple(
        replace(figure, reason=said(figure.reason), note=said(figure.note))
        for name in PUBLISHED_FIGURES
        if (figure := status.figures.get(name)) is not None
    )
    before = (
        next((p for p in previous.projects if p.code == status.code), None) if previous else None
    )
    return StatusMessage(
        project=status.code,
        name=visible(status.name),
        data_date=snapshot.data_date,
        rating=status.rating.colour.value,
        reason=visible(said(status.rating.reason)),
        previous_rating=before.rating.colour.value if before else None,
        ratings=tuple(
            (r.dimension, r.colour.value, visible(said(r.reason))) for r in status.ratings
        ),
        figures=tuple(map(_line, published)),
        findings=tuple(map(visible, lines[:top_findings])),
        findings_total=len(lines),
        report_url=report_url,
        values=tuple(map(figure_value, published)),
    )


def _line(figure: Figure) -> tuple[str, str]:
    """Label and text; what is disputed is called by what it stands below, the actual cost."""
    if figure.name == "disputed":
        return OF_WHICH_DISPUTED, visible(f"{figure_text(figure)} ({figure.note})")
    return figure.label, visible(figure_text(figure))


def figure_value(figure: Figure) -> FigureValue:
    """A figure for programs, with the digits that people see: it changes when the text does."""
    label, text = _line(figure)
    return FigureValue(
        name=figure.name,
        label=label,
        value=None if figure.value is None else f"{_rounded(figure.value, figure.unit):f}",
        unit="hours" if figure.unit == "s" else figure.unit,
        text=text,
    )


def _rounded(value: Decimal, unit: str) -> Decimal:
    """With the digits that people see; seconds as hours."""
    if unit not in _OUTPUT:
        return Money(value, unit).rounded().amount
    return round_fraction(_in_output(value, unit), _OUTPUT[unit][0])


def _in_output(value: Decimal, unit: str) -> Fraction:
    return Fraction(value) / 3600 if unit == "s" else Fraction(value)


def figure_text(figure: Figure) -> str:
    """A figure for people: `EUR 1,234.50`, `0.93`, `41.7 %`, or `n/a (why)`."""
    if figure.value is None:
        return f"n/a ({figure.reason})"
    if figure.unit not in _OUTPUT:
        return str(Money(figure.value, figure.unit))
    digits, suffix = _OUTPUT[figure.unit]
    return f"{show(_in_output(figure.value, figure.unit), digits)}{suffix}"
