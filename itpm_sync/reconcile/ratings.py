"""Ratings per dimension, each with the numbers that made it. Unknown is grey, never green.

Indices are read on FEMA's two-sided bands: an index far above 1 is as suspicious as one far below
(a bad plan, or cost that was not booked). Ratings use unrounded values. Thresholds: see
`inputs.Policy`, with their sources in docs/configuration.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction

from itpm_sync.model import Money, Risk
from itpm_sync.reconcile.decisions import Override
from itpm_sync.reconcile.inputs import Policy
from itpm_sync.reconcile.number import Number
from itpm_sync.reconcile.quality import Quality
from itpm_sync.reconcile.scope import Scope
from itpm_sync.reconcile.status import Colour, Rating
from itpm_sync.reconcile.wording import apart, count, day, money, plain, sentence, show

_RANK = {Colour.GREEN: 0, Colour.GREY: 1, Colour.AMBER: 2, Colour.RED: 3}
_TREND_MINIMUM = 3  # fewer defects are no trend

_WORDS = {
    "green": Colour.GREEN, "g": Colour.GREEN, "on track": Colour.GREEN,
    "amber": Colour.AMBER, "yellow": Colour.AMBER, "a": Colour.AMBER, "y": Colour.AMBER,
    "at risk": Colour.AMBER, "amber/green": Colour.AMBER, "a/g": Colour.AMBER,
    "red": Colour.RED, "r": Colour.RED, "off track": Colour.RED, "amber/red": Colour.RED,
    "a/r": Colour.RED,
}  # fmt: skip


def declared_colour(word: str) -> Colour | None:
    """What a project manager's word for the status means; None if it is not known."""
    return _WORDS.get(word.strip().casefold())


def is_worse(a: Colour, b: Colour) -> bool:
    """Whether `a` is a worse rating than `b`."""
    return _RANK[a] > _RANK[b]


def band(index: Fraction, policy: Policy) -> Colour:
    """The colour of a performance index; unrounded, bounds included in the better band."""
    return _broken(index, policy)[0]


def _broken(index: Fraction, policy: Policy) -> tuple[Colour, Decimal | None]:
    """The colour of an index, and the bound that it broke."""
    for colour, bound in ((Colour.RED, policy.index_amber), (Colour.AMBER, policy.index_green)):
        if index < bound:
            return colour, bound
        if policy.two_sided and index > 2 - bound:
            return colour, 2 - bound
    return Colour.GREEN, None


def _worst(colours: Sequence[Colour]) -> Colour:
    return max(colours, key=_RANK.__getitem__)


def index_rating(dimension: str, name: str, index: Number, policy: Policy) -> Rating:
    """A rating from one index."""
    if index.value is None:
        return Rating(
            dimension=dimension, colour=Colour.GREY, reason=f"{name} is n/a: {index.reason}"
        )
    colour, bound = _broken(index.value, policy)
    return Rating(
        dimension=dimension, colour=colour, reason=f"{name} {_beyond(index.value, bound)}"
    )


def _beyond(index: Fraction, bound: Decimal | None) -> str:
    """`0.86, below 0.90`."""
    if bound is None:
        return show(index)
    told = apart(index, bound)
    if index < bound:
        return f"{told}, below {plain(bound)}"
    return f"{told}, above {plain(bound)}: check the plan and unbooked work"


def cost_rating(numbers: Mapping[str, Number], unit: str, policy: Policy) -> Rating:
    """The worse of CPI and BAC ÷ EAC; an estimate below the budget is no fault of its own.

    `unit` is the currency of the numbers: where there is none, CPI is undefined already.
    """
    rating = index_rating("cost", "CPI", numbers["cpi"], policy)
    eac, bac = numbers["eac"].value, numbers["bac"].value
    if rating.colour is Colour.GREY or eac is None or bac is None or eac <= 0:
        return rating
    index = min(bac / eac, Fraction(1))
    forecast, bound = _broken(index, policy)
    if not is_worse(forecast, Colour.GREEN):
        return rating
    worse = is_worse(forecast, rating.colour)
    share = f" (BAC ÷ EAC {_beyond(index, bound)})" if worse else ""
    return Rating(
        dimension="cost",
        colour=_worst([rating.colour, forecast]),
        reason=f"{rating.reason}; EAC {money(eac, unit)} against BAC {money(bac, unit)}{share}",
    )


def scope_rating(scope: Scope, unplanned: Number, policy: Policy) -> Rating:
    """Net creep without splits and merges that kept their size, and gross additions that nobody
    approved: removals do not hide additions; and the percentage of the effort that went to
    `unplanned` work.
    """
    creep, unapproved = scope.judged_creep, scope.count("added", unapproved=True)
    if creep.value is None:
        return Rating(dimension="scope", colour=Colour.GREY, reason=f"n/a: {creep.reason}")
    share = scope.of_baseline(unapproved).value or Fraction(0)
    colour = Colour.GREEN
    if max(abs(creep.value), share) >= 100 * policy.creep_amber:
        colour = Colour.AMBER
    if abs(creep.value) >= 100 * policy.creep_red:
        colour = Colour.RED
    extra, words = (unplanned.value or Fraction(0)) / 100, ""
    if extra >= policy.unplanned_amber:
        colour = _worst([colour, Colour.RED if extra >= policy.unplanned_red else Colour.AMBER])
        words = f"; {show(100 * extra, 1)} % of the effort is unplanned"
    if not (scope.count("added") or scope.count("removed")):
        told = f"nothing was added to or removed from {scope.label}"
    else:
        told = (
            f"{count(scope.count('added'), 'item')} added to {scope.label}"
            f"{_split(scope, 'added')}, {scope.count('removed')} removed"
            f"{_split(scope, 'removed')}: {_net(scope.creep, creep)}; "
            f"{unapproved} of the added without approval"
        )
    return Rating(dimension="scope", colour=colour, reason=told + words)


def _net(printed: Number, judged: Number) -> str:
    """Both where they differ: the published definition's figure, and what is rated."""
    net, rated = (show(n.value or Fraction(0), 1) for n in (printed, judged))
    without = f", {rated} % without splits and merges that kept their size"
    return f"net {net} %{without if printed.value != judged.value else ''}"


def _split(scope: Scope, change: str) -> str:
    number = len(scope.by_split(change))
    return f" ({number:,} by splitting or merging)" if number else ""


def quality_rating(within_sla: Number, quality: Quality, policy: Policy) -> Rating:
    """The worst of three: the share within SLA (28 days), whether open defects grew by more than a
    share in as many days, and the share of defects that were found in production.
    """
    reasons, colours = [], []
    defects_now, defects_before = len(quality.open), quality.open_before
    if within_sla.value is not None:
        share = within_sla.value / 100
        colours.append(
            Colour.RED
            if share < policy.sla_red
            else Colour.AMBER
            if share < policy.sla_amber
            else Colour.GREEN
        )
        reasons.append(f"{show(within_sla.value, 1)} % resolved within SLA")
    if defects_now or defects_before:
        grew = defects_now - defects_before >= _TREND_MINIMUM
        worse = grew and defects_now > (1 + policy.defects_amber) * defects_before
        colours.append(Colour.AMBER if worse else Colour.GREEN)
        reasons.append(f"{count(defects_now, 'defect')} open, {defects_before} four weeks ago")
    share_escaped, escaped = quality.numbers["escaped_share"].value, len(quality.escaped)
    if share_escaped is not None:
        few = escaped < _TREND_MINIMUM  # of a handful of defects a share says nothing
        bands = ((policy.escaped_red, Colour.RED), (policy.escaped_amber, Colour.AMBER))
        above = next((c for bound, c in bands if share_escaped > 100 * bound), Colour.GREEN)
        colours.append(Colour.GREEN if few else above)
        reasons.append(
            f"{count(escaped, 'defect')} found in production ({show(share_escaped, 1)} %)"
        )
    if not colours:
        reason = "n/a: no defects and no help-desk items with targets"
        return Rating(dimension="quality", colour=Colour.GREY, reason=reason)
    worst = _worst(colours)  # only what makes the rating is its reason
    telling = [r for r, colour in zip(reasons, colours, strict=True) if colour is worst]
    return Rating(dimension="quality", colour=worst, reason=sentence("; ".join(telling)))


def is_open_risk(risk: Risk) -> bool:
    """Whether the risk can still happen."""
    return risk.status.strip().casefold() not in {"closed", "retired", "resolved", "expired"}


def exposure(risk: Risk) -> Money | None:
    """Probability × impact, where both are known."""
    if risk.probability is None or risk.impact is None:
        return None
    return risk.impact * risk.probability


def risk_rating(
    risks: Sequence[Risk],
    exposed: Number,
    reserve: Number,
    bac: Number,
    policy: Policy,
    *,
    currency: str,
    today: date,
) -> Rating:
    """Exposure against the management reserve, else against a share of BAC; overdue risks.

    `exposed` is the sum of the exposures; it, reserve and BAC are in the project's `currency`.
    """
    if not risks:
        return Rating(dimension="risk", colour=Colour.GREY, reason="n/a: no risk is registered")
    live = [r for r in risks if is_open_risk(r)]
    overdue = [r.code for r in live if r.due is not None and r.due < today]
    late = Colour.AMBER if overdue else Colour.GREEN
    words = f"; {len(overdue)} overdue ({', '.join(overdue[:3])})" if overdue else ""
    if not live:
        return Rating(dimension="risk", colour=Colour.GREEN, reason="No risk is open")
    colour, reason = _exposure_colour(exposed, reserve, bac, policy, currency)
    # An amber from overdue risks is known, even where the exposure is not.
    return Rating(
        dimension="risk",
        colour=_worst([colour, late]),
        reason=f"{count(len(live), 'risk')} open; {reason}{words}",
    )


def _exposure_colour(
    exposed: Number, reserve: Number, bac: Number, policy: Policy, currency: str
) -> tuple[Colour, str]:
    if exposed.value is None:
        return Colour.GREY, f"exposure n/a: {exposed.reason}"
    amount = money(exposed.value, currency)
    if reserve.value is not None:
        colour, much = Colour.GREEN, reserve.value * Fraction(policy.reserve_amber)
        if exposed.value > reserve.value:
            colour = Colour.RED
        elif exposed.value > much:
            colour = Colour.AMBER
        return colour, (
            f"exposure {amount} of a management reserve of {money(reserve.value, currency)}"
        )
    if bac.value is None or bac.value <= 0:
        return Colour.GREY, f"exposure {amount}; no reserve or budget to hold it against"
    share = exposed.value / bac.value
    colour = Colour.AMBER if share >= policy.exposure_amber else Colour.GREEN
    if share >= policy.exposure_red:
        colour = Colour.RED
    return colour, f"exposure {amount} is {show(100 * share, 1)} % of BAC"


def overall_rating(ratings: Sequence[Rating]) -> Rating:
    """Red or amber if any dimension is; else grey if time or cost is unknown; else green.

    A grey scope, quality or risk does not hide a green time and cost, but an unknown time or cost
    can never be green.
    """
    worst = max(ratings, key=lambda r: (_RANK[r.colour], -ratings.index(r)))
    if worst.colour in (Colour.RED, Colour.AMBER):
        return Rating(
            dimension="overall",
            colour=worst.colour,
            reason=sentence(f"{worst.dimension}: {worst.reason}"),
        )
    unknown_ = [r for r in ratings if r.colour is Colour.GREY and r.dimension in ("time", "cost")]
    if unknown_:
        return Rating(
            dimension="overall",
            colour=Colour.GREY,
            reason="; ".join(sentence(f"{r.dimension}: {r.reason}") for r in unknown_),
        )
    return Rating(dimension="overall", colour=Colour.GREEN, reason="No dimension is amber or red")


# ---- what a person sets in their place -----------------------------------------------------------


def overridden(rating: Rating, overrides: Iterable[Override], today: date) -> Rating:
    """The rating with the first override of its dimension that is in force, which it names."""
    own = (o for o in overrides if o.dimension == rating.dimension and o.holds(today))
    found = next(own, None)
    if found is None:
        return rating
    return replace(
        rating,
        colour=Colour(found.rating),
        reason=f"Set by {found.author} until {day(found.expires)}: {found.reason} "
        f"(computed {rating.colour}: {rating.reason})",
        computed=rating.colour,
        override=found,
    )
