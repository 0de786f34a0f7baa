"""Pages → bytes of self-contained HTML.

Every text is escaped by the template engine; the only markup that is not, is our own style sheet,
our own script and the charts. A page loads nothing: its policy forbids it, and the one script, on
large portfolios, is allowed by its hash.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable
from decimal import Decimal
from functools import cache
from importlib.resources import files
from types import SimpleNamespace
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from itpm_sync.reconcile.glossary import Term
from itpm_sync.report import view
from itpm_sync.report.wording import NBSP, Shown

_STRICT = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'"
)

_TAG = re.compile("<[^>]*>")  # of our own templates: attributes are escaped
_CURVE = "Planned value, earned value and actual cost by week; the legend has the values of now"
_BURNUP = "Scope and work done in items by week; the legend has the values of now"
_DESK = "Tickets opened and resolved in each week, and those open at its end"


def render_project(page: view.ProjectPage, *, workbook: bool = True) -> bytes:
    """A project's page as UTF-8 HTML; `workbook`: whether `status.xlsx` stands beside it."""
    charts = _charts(page)
    return _render("project.html.j2", page=page, charts=charts, policy=_STRICT, workbook=workbook)


def render_portfolio(page: view.PortfolioPage, *, workbook: bool = True) -> bytes:
    """The portfolio's page as UTF-8 HTML; `workbook`: whether `status.xlsx` stands beside it."""
    script = _resource("portfolio.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = f"{_STRICT}; script-src 'sha256-{digest}'"
    return _render("portfolio.html.j2", page=page, script=script, policy=policy, workbook=workbook)


def _render(name: str, **values: Any) -> bytes:
    return _template(name).render(css=_resource("report.css"), **values).encode("utf-8")


@cache
def _template(name: str) -> Template:
    environment = Environment(
        loader=PackageLoader("itpm_sync.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "figure": _figure, "reasons": _reasons, "doubtful": _doubtful, "printed": _printed,
    }  # fmt: skip
    return environment.get_template(name)


@cache
def _resource(name: str) -> Markup:
    text = files("itpm_sync.report").joinpath("templates", name).read_text(encoding="utf-8")
    return Markup(text)  # noqa: S704  # our own file, not data


def _figure(value: Shown) -> Markup | str:
    """A key figure with its currency set smaller than its digits."""
    head, gap, rest = value.text.partition(NBSP)
    if not gap:
        return value.text
    small = Markup('<span class="cur">{}</span>')
    return (
        small.format(head) + f" {rest}" if head.isalpha() else f"{head}{NBSP}" + small.format(rest)
    )


def _reasons(rows: Iterable[view.PackageRow | view.ProjectLine | view.TotalRow]) -> tuple[str, ...]:
    """The distinct reasons why figures of a table are n/a, the first four."""
    missing = (s.hint for row in rows for s in row.figures if s.missing and s.hint)
    return tuple(dict.fromkeys(missing))[:4]


def _doubtful(rows: Iterable[view.PackageRow]) -> bool:
    """Whether any figure of a table is marked as implausible."""
    return any(s.doubtful for row in rows for s in row.figures)


def _printed(terms: Iterable[Term], page: Markup) -> tuple[Term, ...]:
    """The terms whose abbreviation stands in the text of a page."""
    found = {t.short: t for t in terms if t.short}
    words = "|".join(re.escape(s) for s in sorted(found, key=len, reverse=True))
    seen = set(re.findall(rf"(?<!\w)(?:{words})(?!\w)", _TAG.sub(" ", page))) if found else ()
    return tuple(t for short, t in found.items() if short in seen)


def _charts(page: view.ProjectPage) -> SimpleNamespace:
    """The page's charts as markup, empty where there is nothing to draw: less than two weeks."""
    curve = [p for p in page.curve if _drawable(p.pv, p.ev, p.ac)]
    weeks = page.help_desk.weeks if page.help_desk else ()
    drawn = SimpleNamespace(curve="", burnup="", desk="")
    if max(len(curve), len(page.burnup), len(weeks)) < 2:
        return drawn
    from itpm_sync.report import charts  # a second to load; many pages draw none

    if len(curve) > 1:
        wide = charts.s_curve(curve, page.bac, page.data_date, width=660, height=270)
        small = charts.s_curve(curve, page.bac, page.data_date, width=360, height=240)
        drawn.curve = _svg(charts.svg(wide, _CURVE, "curve-wide"), "wide")
        drawn.curve += _svg(charts.svg(small, _CURVE, "curve-narrow"), "narrow")
    if len(page.burnup) > 1:
        spec = charts.burn_up(page.burnup, width=400, height=250)
        drawn.burnup = _svg(charts.svg(spec, _BURNUP, "burnup"))
    if len(weeks) > 1:
        drawn.desk = _svg(charts.svg(charts.desk_load(weeks, width=400, height=210), _DESK, "desk"))
    return drawn


def _drawable(*values: Decimal | None) -> bool:
    known = [v for v in values if v is not None]
    return bool(known) and all(v.adjusted() < 18 for v in known)


def _svg(chart: str, kind: str = "") -> Markup:
    opening = Markup('<div class="{}">').format(kind) if kind else Markup("<div>")
    return opening + Markup(chart) + Markup("</div>")  # noqa: S704  # no text of others is in it
