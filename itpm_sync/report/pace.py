"""Forecast and pace of a project, as a few compact figures. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from itpm_sync.reconcile.status import ProjectStatus
from itpm_sync.reconcile.wording import MINUS, sentence
from itpm_sync.report import view
from itpm_sync.report.effort import effort
from itpm_sync.report.sections import value_of
from itpm_sync.report.wording import Shown, shown


def pace(project: ProjectStatus) -> tuple[view.KeyFigure, ...]:
    """The figures of the block; none where not a single one is known."""
    found = tuple(_figures(project))
    return found if any(not f.value.missing for f in found) else ()


def why_missing(figures: tuple[view.KeyFigure, ...]) -> tuple[str, ...]:
    """The distinct reasons of what is n/a."""
    return tuple(dict.fromkeys(f.value.hint for f in figures if f.value.missing))


def _figures(project: ProjectStatus) -> Iterator[view.KeyFigure]:
    def of(name: str) -> Shown:
        return shown(project.figures.get(name))

    def figure(label: str, value: Shown, beside: str = "") -> view.KeyFigure:
        return view.KeyFigure(
            label=label, value=value, beside="" if value.missing else beside, change=""
        )

    if "spi_t" in project.figures:
        yield figure("Forecast duration", of("ieac_t"), _finish(of("ieac_t"), of("pd")))
        yield figure("Index in time, SPI(t)", of("spi_t"), _behind(of("sv_t")))
        yield figure("Index to finish on time, TSPI", of("tspi"))
        yield figure("Work in planned order, p-factor", of("p_factor"))
    if "spi_recent" in project.figures:
        yield figure("SPI of the last 4 weeks", of("spi_recent"), of("spi_recent").hint)
        yield figure("CPI of the last 4 weeks", of("cpi_recent"), of("cpi_recent").hint)
    if "eac_low" in project.figures:
        yield figure("Range of estimates", _range(of("eac_low"), of("eac_high")))
        beside = of("tcpi_eac")
        to_meet = "" if beside.missing else f"{beside.text} to meet the forecast"
        yield figure("Index to meet the budget, TCPI", of("tcpi_bac"), to_meet)
    if value_of(project, "fx_variance") is not None:
        yield figure("FX variance", of("fx_variance"), of("fx_variance").hint)
    if value_of(project, "effort_share"):
        share = f"{of('effort_share').text} of the budget is level of effort"
        yield figure("SPI without level of effort", of("spi_discrete"), share)
        yield figure("CPI without level of effort", of("cpi_discrete"))
    yield from effort(project)


def _finish(forecast: Shown, planned: Shown) -> str:
    told = "" if planned.missing else f"{planned.text} planned"
    return "; ".join(t for t in (sentence(forecast.hint), told) if t)


def _behind(variance: Shown) -> str:
    if variance.missing:
        return ""
    late = variance.text.startswith(MINUS)
    return f"{variance.text.lstrip(MINUS)} {'behind' if late else 'ahead of'} plan"


def _range(low: Shown, high: Shown) -> Shown:
    if low.missing or high.missing or low.text == high.text:
        return low
    hint = f"lowest: {low.hint}; highest: {high.hint}"
    return Shown(f"{low.text} to {high.text}", hint, doubtful=low.doubtful)
