"""A figure taken apart, as cells of tables: its inputs, and parts that add up as printed. Pure."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

from rich.markup import escape

from itpm_sync.output.rows import stamp
from itpm_sync.reconcile.explanation import Explanation, Part, adding_up, amount_text, sum_of
from itpm_sync.reconcile.wording import count, day

TERM = ("Term", "Value", "What it is", "From")
SAMPLE = ("Value", "Drawn from", "What it is made of")
PART = ("Value", "What", "Source", "Placed by", "Fetched by")
_LARGEST = 20  # parts of a figure that are shown unless all are asked for
_NO_RUN = "(run not kept)"  # of the first state of a record that another has superseded


def terms(found: Explanation, as_of: date | None) -> list[tuple[str, ...]]:
    """The inputs of the formula; those that are figures with the command of the day asked for."""
    return [_term(found.project, p, as_of) for p in found.inputs]


def parts_told(found: Explanation) -> str:
    """How many parts there are: `1 part`."""
    return count(len(found.parts), "part")


def parts(found: Explanation, as_of: date | None, *, everything: bool) -> list[tuple[str, ...]]:
    """The parts as amounts that add up as printed, the smallest ones in one line."""
    amounts = adding_up(found.parts)
    shown = len(found.parts) if everything else _LARGEST
    rows = [_part(found.project, p, v, as_of) for p, v in zip(found.parts, amounts, strict=True)]
    rest = amounts[shown:]
    if not rest:
        return rows
    left = amount_text(sum_of(rest), found.parts[0].unit)
    return [*rows[:shown], (left, f"{len(rest)} more: --all shows them", "", "", "")]


def samples(found: Explanation) -> list[tuple[str, ...]]:
    """The weeks that a simulated figure was drawn from, in their order."""
    return [
        tuple(
            escape(t)
            for t in (
                amount_text(p.value, p.unit, p.reason),
                "; ".join(w for w in (p.label, p.note) if w),
                p.source,
            )
        )
        for p in found.samples
    ]


def _term(project: str, part: Part, as_of: date | None) -> tuple[str, ...]:
    """An input of a formula, with the command that explains it in its turn."""
    value = amount_text(part.value, part.unit, part.reason)
    detail = "; ".join(t for t in (part.label, part.note) if t)
    return escape(part.symbol), escape(value), escape(detail), escape(_origin(project, part, as_of))


def _part(project: str, part: Part, value: Fraction | None, as_of: date | None) -> tuple[str, ...]:
    """A part of a figure: what it adds, what it is, where it stands, who placed and fetched it."""
    on = f"on {day(part.on)}" if part.on and day(part.on) not in part.label else ""
    detail = "; ".join(t for t in (part.label, on, part.note) if t)
    origin = _origin(project, part, as_of)
    source = "; ".join(t for t in (part.source, part.rate, part.fx, origin) if t)
    fetched = f"{part.run or _NO_RUN} {stamp(part.seen_at)}" if part.seen_at else ""
    if part.superseded:
        fetched += "; superseded since"
    texts = (amount_text(value, part.unit, part.reason), detail, source, part.rule, fetched)
    return tuple(escape(t) for t in texts)


def _origin(project: str, part: Part, as_of: date | None) -> str:
    """How to go on: the command for another figure, the place of a record."""
    if part.figure:
        package = f" --package {part.package}" if part.package else ""
        day = f" --as-of {as_of}" if as_of else ""
        return f"explain {part.project or project} {part.figure}{package}{day}"
    return part.url or part.place
