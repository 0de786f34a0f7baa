"""How values read on a page: clean text, numbers, money, dates, links. Pure.

Rounding happens here and only here, half-even. Text from outside loses what could mislead a reader
(control characters, direction overrides); escaping is the template's and the workbook's work.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from itpm_sync.model import Money, currency_exponent
from itpm_sync.reconcile import wording
from itpm_sync.reconcile.figures import IMPLAUSIBLE
from itpm_sync.reconcile.inputs import Coverage
from itpm_sync.reconcile.status import Colour, Figure

NBSP = "\u00a0"
DOUBT = f"{NBSP}?"
"""What follows a figure that is computed rightly and can hardly be meant."""
_ABSURD = 18  # digits before the point from which on a number is an error at its source
# C0 and C1 controls but tab and newline, direction marks and overrides, byte-order marks,
# surrogates and non-characters: invisible at best, illegal in XML at worst.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff"
    "\ud800-\udfff\ufff9-\ufffb\ufffe\uffff]"
)
_PLAIN_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,59}")
_TAKEN_NAMES = re.compile(r"(?i)index|status|latest|con|prn|aux|nul|com\d|lpt\d")
_COUNTED = {"items": "item", "points": "point", "days": "day", "weeks": "week"}
WORDS = {
    Colour.GREEN: "Green",
    Colour.AMBER: "Amber",
    Colour.RED: "Red",
    Colour.GREY: "Unknown",
}
WORST_FIRST = (Colour.RED, Colour.AMBER, Colour.GREY, Colour.GREEN)


@dataclass(frozen=True, slots=True)
class Shown:
    """A figure as it stands on the page; `hint` is its reason, or its note and exact value."""

    text: str
    hint: str = ""
    missing: bool = False
    doubtful: bool = False  # computed, but hardly meant: the hint says why
    sort: str = ""  # plain decimal for sorting, empty where there is no value


def clean(text: str, limit: int | None = None) -> str:
    """Text without invisible and illegal characters, cut to `limit` characters with an ellipsis."""
    seen = _INVISIBLE.sub("", text)
    return seen if limit is None or len(seen) <= limit else seen[: limit - 1].rstrip() + "…"


def safe_url(url: str | None) -> str:
    """The address if a browser may follow it from a report, else the empty text.

    Only http and https with a host; none with a login in it, which would be a secret on paper.
    """
    if not url or url != clean(url) or any(c.isspace() for c in url):
        return ""
    try:
        parts = urlsplit(url)
        follow = (
            parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
        )
    except ValueError:  # urlsplit on "http://[" and the like
        return ""
    return url if follow else ""


def project_file(code: str) -> str:
    """The name of a project's page, from its code alone: a plain file name, never a path."""
    if _PLAIN_CODE.fullmatch(code) and not _TAKEN_NAMES.fullmatch(code):
        return f"{code}.html"
    mark = hashlib.sha256(code.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    stem = re.sub(r"[^A-Za-z0-9_-]+", "-", code).strip("-")[:50]
    return f"{stem}-{mark}.html" if stem else f"project-{mark}.html"


def day(value: date | None) -> str:
    """`22 Nov 2026`, in non-breaking spaces; a dash where there is none."""
    return wording.day(value).replace(" ", NBSP) if value else "–"


def moment(value: datetime | None, zone: str) -> str:
    """`22 Nov 2026, 07:00 CET`: in a zone (IANA name), with its abbreviation or its offset."""
    if value is None:
        return "never"
    local = value.astimezone(ZoneInfo(zone))
    name = local.tzname() or ""
    offset = f"{local:%z}"
    label = name if name.isalpha() else f"UTC{offset[:3]}:{offset[3:]}"
    return f"{day(local.date())}, {local:%H:%M}{NBSP}{label}"


def read_later(row: Coverage, zone: str) -> str:
    """Of a past data date: as of when a later pull read the scope again, and whether whole."""
    if row.later is None or row.later.as_of in (None, row.as_of):
        return ""
    part = "" if row.later.complete else ", in part"
    return f"read {'again' if row.as_of else 'first'} as of {moment(row.later.as_of, zone)}{part}"


def left_out(rows: Iterable[Coverage]) -> str:
    """`2 records that came later left out`: they count for nothing on a past data date."""
    added = sum(row.later.added for row in rows if row.later)
    return f"{count(added, 'record')} that came later left out" if added else ""


def told_later(row: Coverage, zone: str) -> str:
    """Both, of one scope."""
    return "; ".join(filter(None, (read_later(row, zone), left_out((row,)))))


def iso_week(value: date) -> str:
    """`Week 47, 2026` by ISO 8601."""
    year, week, _ = value.isocalendar()
    return f"Week{NBSP}{week}, {year}"


def count(number: int, one: str, many: str = "") -> str:
    """`1 project`, `3 projects`, `no projects`."""
    text = wording.count(number, one, many)
    return text.replace(" ", NBSP, 1) if number else f"no {text[2:]}"


def plain(value: Decimal, digits: int = 0) -> str:
    """A number with thousands separators, rounded half-even, with a true minus sign."""
    if value.adjusted() >= _ABSURD:
        return f"{value:.3E}"
    rounded = value.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_EVEN)
    return wording.plain(rounded)


def money(amount: Money, *, exact: bool = False) -> str:
    """`EUR 1,240,000` beside charts and tables; `exact`: `EUR 1,240,000.00`, as in sentences.

    Below 1,000 a broken amount has its currency's minor unit in any case.
    """
    broken = amount.amount != amount.amount.to_integral_value()
    digits = 0
    if exact or (broken and abs(amount.amount) < 1000):
        digits = currency_exponent(amount.currency)
    return f"{amount.currency}{NBSP}{plain(amount.amount, digits)}"


def digits_of(value: Decimal, unit: str) -> int:
    """How many decimals a value of this unit is shown with."""
    if unit == "ratio":
        return 2
    if unit == "percent":
        # 99.6 is not yet 100, and 0.4 is more than nothing
        return 0 if 10 <= abs(value) <= 99 or value == value.to_integral_value() else 1
    if unit in _COUNTED:
        return 0 if value == value.to_integral_value() else 1
    return 0


def percent(value: Decimal) -> str:
    """`62 %`; one decimal where none would read as 0 or 100."""
    return f"{plain(value, digits_of(value, 'percent'))}{NBSP}%"


def hours(seconds: Decimal | int) -> str:
    """`12.5 h`; whole hours from ten on."""
    value = Decimal(seconds) / 3600
    digits = 0 if abs(value) >= 10 or value == value.to_integral_value() else 1
    return f"{plain(value, digits)}{NBSP}h"


def is_currency(unit: str) -> bool:
    """Whether a figure's unit is an ISO 4217 code."""
    return len(unit) == 3 and unit.isascii() and unit.isupper()


def is_rounded(figures: Iterable[Figure | None]) -> bool:
    """Whether amounts of money are shown without a part that they have."""
    values = [f.value for f in figures if f is not None and f.value and is_currency(f.unit)]
    return any(value != value.to_integral_value() for value in values)


def amount(value: Decimal, unit: str, *, bare: bool = False) -> str:
    """A value in its unit; `bare` leaves currency and counted nouns to a table's heading."""
    if unit == "percent":
        return percent(value)
    if unit == "s":
        return hours(value)
    if is_currency(unit):
        return plain(value) if bare else money(Money(value, unit))
    number = plain(value, digits_of(value, unit))
    if bare or unit not in _COUNTED:
        return number
    return f"{number}{NBSP}{_COUNTED[unit] if value == 1 else unit}"


def normal(figure: Figure) -> tuple[Decimal | None, str]:
    """Value and unit for the reader: shares read as percent, indices stay ratios."""
    if figure.value is not None and figure.unit == "ratio" and figure.name in ("creep", "percent"):
        return figure.value * 100, "percent"
    return figure.value, figure.unit


def shown(figure: Figure | None, *, bare: bool = False) -> Shown:
    """A figure as text, or `n/a` with its reason."""
    if figure is None:
        return Shown("n/a", "not part of this status", missing=True)
    value, unit = normal(figure)
    if value is None:
        return Shown("n/a", clean(figure.reason, 300) or "no reason was recorded", missing=True)
    text = amount(value, unit, bare=bare)
    return Shown(
        text,
        clean(figure.note, 300),
        doubtful=figure.note.startswith(IMPLAUSIBLE),
        sort=format(value.normalize(), "f"),
    )


def change(now: Figure | None, before: Figure | None, when: str) -> str:
    """How a figure moved since the last report: `▲ 0.03 from 0.91 last week`."""
    if before is None:
        return ""
    if now is None or now.unit != before.unit:
        return f"{shown(before).text} {when}"
    (new, unit), (old, _) = normal(now), normal(before)
    if new is None or old is None or max(new.adjusted(), old.adjusted()) >= _ABSURD:
        return f"{shown(before).text} {when}"
    digits = max(digits_of(new, unit), digits_of(old, unit))
    step = round(new, digits) - round(old, digits)
    then = when.removeprefix("on ")
    if not step:
        return f"unchanged since {then}"
    size = f"{'▲' if step > 0 else '▼'}{NBSP}{plain(abs(step), digits)}"
    if is_currency(unit):  # two long amounts would crowd the place
        return f"{size} since {then}"
    return f"{size} from {amount(old, unit, bare=True)} {when}"
