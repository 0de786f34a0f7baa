"""The formulas of figures, and what their abbreviations mean. Pure.

`explain` computes by these formulas and the pages of the report put them into words, so that the
two cannot disagree. What a figure is called stands in `figures.LABELS`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from itpm_sync.reconcile import pace_terms
from itpm_sync.reconcile.figures import IMPLAUSIBLE, LABELS
from itpm_sync.reconcile.status import Figure

FORMULAS: Mapping[str, str] = MappingProxyType(
    {
        "pv": "planned share · BAC",
        "ev": "earned share · BAC",
        "ac": "labour + invoiced + accrued",
        "cv": "EV − AC",
        "sv": "EV − PV",
        "cpi": "EV / AC",
        "spi": "EV / PV",
        "etc": "EAC − AC",
        "vac": "BAC − EAC",
        "tcpi_bac": "(BAC − EV) / (BAC − AC)",
        "tcpi_eac": "(BAC − EV) / (EAC − AC)",
        "percent": "100 · EV / BAC",
        **pace_terms.FORMULAS,
    }
)
"""Formulas over other figures. That of EAC is chosen by the policy: `form` of its note."""

SYMBOLS: Mapping[str, str] = MappingProxyType(
    {
        "PD": "pd", "ES": "es", "AT": "at", "SPI(t)": "spi_t",
        "BAC": "bac", "PV": "pv", "EV": "ev", "AC": "ac", "CPI": "cpi", "SPI": "spi", "EAC": "eac",
    }
)  # fmt: skip
"""How formulas call a figure."""

_MEANINGS: Mapping[str, str] = MappingProxyType(
    {
        "bac": "The budget of all the work in the plan; without budgets its items are counted.",
        "pv": "The budget of the work that was planned to be done by the data date.",
        "ev": "The budget of the work that is done.",
        "ac": "What has been spent; accrued is what was received and is not invoiced yet.",
        "cv": "Below 0, the work that is done has cost more than its budget.",
        "sv": "Below 0, less is done than was planned.",
        "cpi": "Below 1, the work costs more than its budget.",
        "spi": "Below 1, less is done than was planned.",
        "eac": "What all the work will have cost in the end, going by the work done so far.",
        "etc": "What is still to be spent by this forecast.",
        "vac": "Below 0, the forecast is over the budget.",
        "tcpi_bac": "Above 1, what is left must cost less than its share of the budget.",
        "pd": "From the first working day of the plan until all of it is to be done.",
        "at": "From the first working day of the plan to now.",
        "es": "From the first working day until, by the plan, as much was to be done as is now.",
        "sv_t": "Below 0, the work is behind its plan by that time.",
        "spi_t": "Below 1, the work takes longer than planned.",
        "ieac_t": "How long all the work will take at the pace so far.",
        "tspi": "Above 1, what is left must go faster than planned to finish on time.",
        "p_factor": "Below 1, work was done before some that comes first in the plan.",
        "fx_variance": "What exchange rates (FX) that moved since the baseline add to the cost.",
        "within_sla": "Share of help-desk items in time by their service level agreement (SLA).",
    }
)


class Term(NamedTuple):
    """An abbreviation: what it is short for, its formula in words (may be empty), a sentence."""

    short: str
    name: str
    formula: str
    meaning: str


def form(note: str) -> str:
    """The formula that the note of an estimate begins with: of several equal ones the first."""
    if note.startswith(IMPLAUSIBLE):
        note = note.partition("; ")[2]
    return note.partition(", as ")[0].partition(":")[0].partition(" or ")[0]


def terms(figures: Iterable[Figure]) -> tuple[Term, ...]:
    """The abbreviations in the names of figures, in the order in which they build on each other."""
    found: dict[str, list[Figure]] = {}
    for figure in figures:
        found.setdefault(figure.name, []).append(figure)
    return tuple(_term(name, found[name]) for name in _MEANINGS if name in found)


def _term(name: str, figures: Iterable[Figure]) -> Term:
    label = LABELS.get(name) or next(f.label for f in figures)
    called, short = _named(label)
    formulas = {form(f.note): None for f in figures} if name == "eac" else [FORMULAS.get(name, "")]
    told = " or ".join(in_words(f) for f in formulas if f)
    return Term(short, called, told, _MEANINGS[name])


def in_words(formula: str) -> str:
    """The formula with the names of figures in place of their symbols."""
    words = "|".join(re.escape(s) for s in sorted(SYMBOLS, key=len, reverse=True))
    return re.sub(
        rf"(?<!\w)(?:{words})(?!\w)", lambda m: _named(LABELS[SYMBOLS[m[0]]])[0].lower(), formula
    ).replace(" / ", " ÷ ")


def _named(label: str) -> tuple[str, str]:
    """`Earned value (EV)` → name and abbreviation; else the word in capitals is the latter."""
    if ended := re.fullmatch(r"(.+?) \((\S+)\)", label):
        return ended[1], ended[2]
    capitals = re.search(r"\b[A-Z]{2,}\b", label)
    return label, capitals[0] if capitals else ""
