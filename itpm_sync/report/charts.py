"""The charts of a page as static SVG, by Vega-Lite and vl-convert.

A specification is plain data and pure; only `svg` renders. No text from outside enters a chart:
series and axes are ours, names of packages and vendors stand in the page's HTML. Colours are those
of `report.css`, which swaps them by attribute in dark mode.

Rendering takes about 0.05 s a chart and 1 s for the first; a chart without data is not drawn.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import vl_convert

from itpm_sync.reconcile.status import BurnPoint, CurvePoint, HelpDeskWeek
from itpm_sync.report.wording import day

Spec = dict[str, Any]

INK, MUTED, GRID = "#1d2733", "#5b6776", "#e3e7ec"
PLAN, EARNED, COST, FILL = "#7b8794", "#1f5fa8", "#b4540a", "#dbe7f5"
_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
_CLIP = re.compile(r"\bclip\d+\b")
_VL_VERSION = "5.21"  # named, so that an upgrade of the library does not change a status


def svg(spec: Spec, label: str, name: str) -> str:
    """The chart as an `<svg>` element that scales with its place; `name` is unique on the page."""
    text = vl_convert.vegalite_to_svg(spec, vl_version=_VL_VERSION)
    opening = re.match(r"<svg[^>]*?viewBox=\"([^\"]+)\"[^>]*>", text)
    if opening is None:
        raise RuntimeError("vl-convert gave no SVG with a viewBox")
    # the renderer counts its ids through the life of the process; ours start anew in each chart
    ids: dict[str, str] = {}
    body = _CLIP.sub(
        lambda found: ids.setdefault(found[0], f"{name}-{len(ids)}"), text[opening.end() :]
    )
    head = f'<svg class="chart {name}" viewBox="{opening[1]}" role="img" aria-label="{label}">'
    return head + body


def s_curve(
    points: Sequence[CurvePoint], bac: Decimal | None, today: date, *, width: int, height: int
) -> Spec:
    """Planned value, earned value and actual cost over time, with data date and budget."""
    series = (("pv", "PV"), ("ev", "EV"), ("ac", "AC"))
    rows = [
        {"on": p.on.isoformat(), "series": label, "value": float(value)}
        for name, label in series
        for p in points
        if (value := getattr(p, name)) is not None and (name == "pv" or p.on <= _week_end(today))
    ]
    highest = max(v for p in points for v in (p.pv, p.ev, p.ac, bac) if v is not None)
    top = float(highest) * 1.1 or 1.0
    layers: list[Spec] = [
        _today(today, points[0].on, points[-1].on),
        *([_ceiling(float(bac), points[0].on)] if bac else []),
        {
            "data": {"values": rows},
            "mark": {"type": "line", "strokeWidth": 2.25, "strokeCap": "round"},
            "encoding": {
                "x": _time(points[0].on, points[-1].on, width),
                "y": _amount(top),
                "color": _colours(("PV", PLAN), ("EV", EARNED), ("AC", COST)),
                "strokeDash": _dashes(("PV", [5, 4]), ("EV", [1, 0]), ("AC", [9, 3])),
                "detail": {"field": "series", "type": "nominal"},
            },
        },
        {
            "data": {"values": _ends(rows, ("EV", "AC"))},
            "mark": {"type": "point", "filled": True, "size": 46, "opacity": 1},
            "encoding": {
                "x": {"field": "on", "type": "temporal"},
                "y": {"field": "value", "type": "quantitative"},
                "color": {"field": "series", "type": "nominal"},
                "shape": {
                    "field": "series",
                    "type": "nominal",
                    "legend": None,
                    "scale": {"domain": ["EV", "AC"], "range": ["circle", "square"]},
                },
            },
        },
    ]
    return _chart(layers, width, height)


def burn_up(points: Sequence[BurnPoint], *, width: int, height: int) -> Spec:
    """The scope in items, and the part of it that is done, week by week."""
    rows = [{"on": p.on.isoformat(), "scope": p.scope, "done": p.done} for p in points]
    time = _time(points[0].on, points[-1].on, width)
    value = _amount(max(1, *(max(p.scope, p.done) for p in points)) * 1.1)
    layers: list[Spec] = [
        {
            "data": {"values": rows},
            "mark": {"type": "area", "color": FILL, "opacity": 1,
                     "line": {"color": EARNED, "strokeWidth": 2.25}},
            "encoding": {"x": time, "y": {**value, "field": "done"}},
        },
        {
            "data": {"values": rows},
            "mark": {"type": "line", "color": INK, "strokeWidth": 2, "strokeDash": [5, 3],
                     "interpolate": "step-after"},
            "encoding": {"x": time, "y": {**value, "field": "scope"}},
        },
    ]  # fmt: skip
    return _chart(layers, width, height)


def desk_load(weeks: Sequence[HelpDeskWeek], *, width: int, height: int) -> Spec:
    """Opened and resolved tickets of each week as bars, those open at its end as a line."""
    names = {"opened": "Opened", "resolved": "Resolved"}
    rows = [
        {"week": _label(w.monday), "series": label, "value": getattr(w, name)}
        for w in weeks
        for name, label in names.items()
    ]
    line = [{"week": _label(w.monday), "value": w.open_at_end} for w in weeks]
    top = max(1, *(max(w.opened, w.resolved, w.open_at_end) for w in weeks)) * 1.1
    step = max(1, -(-len(weeks) // (width // 70)))
    ticks = [_label(w.monday) for w in weeks[::step]]
    axis = {"values": ticks, "labelAngle": 0, "title": None, "grid": False}
    week = {"field": "week", "type": "ordinal", "sort": None, "axis": axis}
    bars: Spec = {
        "data": {"values": rows},
        "mark": {"type": "bar", "cornerRadiusEnd": 1},
        "encoding": {
            "x": {**week, "scale": {"paddingInner": 0.3}},
            "xOffset": {"field": "series", "type": "nominal", "sort": list(names.values())},
            "y": _amount(top),
            "color": _colours(("Opened", PLAN), ("Resolved", EARNED)),
        },
    }
    open_line: Spec = {
        "data": {"values": line},
        "mark": {"type": "line", "color": COST, "strokeWidth": 2,
                 "point": {"color": COST, "size": 26, "filled": True}},
        "encoding": {"x": week, "y": _amount(top)},
    }  # fmt: skip
    return _chart([bars, open_line], width, height)


def _chart(layers: list[Spec], width: int, height: int) -> Spec:
    axis = {
        "labelFontSize": 12, "labelColor": MUTED, "domainColor": GRID, "tickColor": GRID,
        "gridColor": GRID, "labelPadding": 6, "ticks": False, "titleColor": MUTED,
    }  # fmt: skip
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "width": width,
        "height": height,
        "autosize": {"type": "fit", "contains": "padding"},
        "padding": {"left": 2, "right": 10, "top": 6, "bottom": 2},
        "background": None,
        "layer": layers,
        "config": {"font": _FONT, "view": {"stroke": None}, "axis": axis},
    }


def _week_end(today: date) -> date:
    return today + timedelta(days=6 - today.weekday())


def _label(monday: date) -> str:
    return day(monday)[:-5].replace("\u00a0", " ")


def _time(first: date, last: date, width: int) -> Spec:
    months = (last - first).days / 30.4
    form = "%-d %b" if months < 4 else "%b" if months < 11 else "%b %y"
    return {
        "field": "on",
        "type": "temporal",
        "scale": {"type": "utc"},
        "axis": {"format": form, "tickCount": max(2, min(width // 80, 8)), "title": None,
                 "grid": False, "labelOverlap": True, "labelSeparation": 8, "labelFlush": True},
    }  # fmt: skip


def _amount(top: float) -> Spec:
    return {
        "field": "value",
        "type": "quantitative",
        "scale": {"domain": [0, top], "nice": False},
        "axis": {
            "format": "~s",
            "tickCount": 4,
            "tickMinStep": 1,
            "title": None,
            "domain": False,
            "labelExpr": "datum.value === 0 ? '0' : datum.label",
        },
    }


def _colours(*pairs: tuple[str, str]) -> Spec:
    scale = {"domain": [name for name, _ in pairs], "range": [colour for _, colour in pairs]}
    return {"field": "series", "type": "nominal", "scale": scale, "legend": None}


def _dashes(*pairs: tuple[str, list[int]]) -> Spec:
    scale = {"domain": [name for name, _ in pairs], "range": [dash for _, dash in pairs]}
    return {"field": "series", "type": "nominal", "scale": scale, "legend": None}


def _ends(rows: list[Spec], series: Sequence[str]) -> list[Spec]:
    last = {row["series"]: row for row in rows}
    return [last[name] for name in series if name in last]


def _today(today: date, first: date, last: date) -> Spec:
    on = min(max(today, first), last).isoformat()
    late = (today - first).days * 2 > (last - first).days
    return {
        "data": {"values": [{"on": on, "text": f"data date {_label(today)}"}]},
        "encoding": {"x": {"field": "on", "type": "temporal"}},
        "layer": [
            {"mark": {"type": "rule", "color": MUTED, "strokeWidth": 1}},
            {
                "mark": {"type": "text", "align": "right" if late else "left", "dx": -5 if late
                         else 5, "baseline": "bottom", "fontSize": 12, "color": MUTED},
                "encoding": {"y": {"value": {"expr": "height - 6"}}, "text": {"field": "text"}},
            },
        ],
    }  # fmt: skip


def _ceiling(bac: float, first: date) -> Spec:
    return {
        "data": {"values": [{"on": first.isoformat(), "value": bac}]},
        "encoding": {"y": {"field": "value", "type": "quantitative"}},
        "layer": [
            {"mark": {"type": "rule", "color": INK, "strokeWidth": 1, "strokeDash": [2, 3]}},
            {
                "mark": {"type": "text", "align": "left", "baseline": "bottom", "dy": -4, "dx": 4,
                         "fontSize": 12, "fontWeight": 600, "color": INK, "text": "BAC"},
                "encoding": {"x": {"field": "on", "type": "temporal"}},
            },
        ],
    }  # fmt: skip
