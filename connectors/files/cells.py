"""One cell → one canonical value, by the declared format; pure.

A cell is read exactly as declared or not at all: `1,234` is 1234 only where the comma was declared
to group thousands. Anything else raises BadCell, which says what was expected. Canonical values
are JSON: numbers as plain decimal text, dates and times in ISO 8601, durations in whole seconds,
money as `{"amount", "currency"}`, None for a cell that says "nothing".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, TypeAlias
from zoneinfo import ZoneInfo

Json: TypeAlias = Any
CellKind = Literal["text", "number", "date", "time", "bool", "error"]

MISSING = ("", "-", "--", "–", "—", "n/a", "n.a.", "na", "null", "none", "k.a.")
EXCEL_EPOCH = date(1899, 12, 30)  # day 0 of Excel's serial dates from 1 March 1900 on
_LONGEST_NUMBER = 100  # characters; bounds the work of the patterns below
_LARGEST = Decimal(10) ** 24
_EXACT = Context(prec=200, rounding=ROUND_HALF_EVEN)  # no product of two such cells is rounded

# Active codes of ISO 4217 list one, without funds, metals and testing codes.
CURRENCIES = frozenset(
    """
    AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP
    BYN BZD CAD CDF CHF CLF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP
    GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS
    KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR
    MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF
    SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD
    TZS UAH UGX USD UYU UYW UZS VED VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG
    """.split()
)

# What a currency sign can mean; the first is taken only where it is the only one.
_SIGNS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "€": ("EUR",), "£": ("GBP",), "₹": ("INR",), "₩": ("KRW",), "₽": ("RUB",), "₺": ("TRY",),
        "₪": ("ILS",), "zł": ("PLN",), "kč": ("CZK",), "fr": ("CHF",), "sfr": ("CHF",),
        "us$": ("USD",), "ca$": ("CAD",), "c$": ("CAD",), "au$": ("AUD",), "a$": ("AUD",),
        "nz$": ("NZD",), "hk$": ("HKD",), "s$": ("SGD",), "r$": ("BRL",), "euro": ("EUR",),
        "$": ("USD", "CAD", "AUD", "NZD", "HKD", "SGD", "TWD", "MXN", "ARS", "CLP", "COP"),
        "¥": ("JPY", "CNY"), "￥": ("JPY", "CNY"), "kr": ("SEK", "NOK", "DKK", "ISK"),
    }
)  # fmt: skip

# "billion" is not among them: it is 10^9 in English and 10^12 in German and French.
_MULTIPLIERS: Mapping[str, int] = MappingProxyType(
    {
        **dict.fromkeys(("k", "tsd", "tausend", "thousand"), 10**3),
        **dict.fromkeys("m mio mln mn million millions millionen".split(), 10**6),
        **dict.fromkeys("bn mrd mia milliarde milliarden milliard milliards".split(), 10**9),
    }
)
_GLUED = MappingProxyType({"T": 10**3, "k": 10**3, "K": 10**3, "M": 10**6})  # TEUR, kEUR, M€

_SPACES = dict.fromkeys(map(ord, "\u00a0\u202f\u2009\u2007\u2002\u2003\t\n\r"), " ")
_LOOK_ALIKES = {
    **_SPACES,
    **dict.fromkeys(map(ord, "’ʼ′´`"), "'"),
    **dict.fromkeys(map(ord, "−–—‐‑"), "-"),
}
_BRACKETS = re.compile(r"([^0-9()]*)\(([^()]*)\)([^0-9()]*)")
_WORD = re.compile(r"(?:[A-Z]{1,2})?\$|[€£¥￥₹₩₽₺₪]|[^\W\d_]+")
_ISO_DATE = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ].*)?", re.DOTALL)
_PLAIN_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
_CLOCK = re.compile(r"([0-9]{1,5}):([0-5][0-9])(?::([0-5][0-9]))?")
_TRUE = frozenset("true yes y x 1 ja wahr oui vrai si sì sí vero ✓".split())
_FALSE = frozenset("false no n 0 nein falsch non faux falso".split())


class BadCell(ValueError):
    """A cell that is not what was declared. `expected` completes "expected …"."""

    def __init__(self, expected: str, hint: str = "") -> None:
        self.expected, self.hint = expected, hint
        super().__init__(expected)


class Cell(NamedTuple):
    """One cell as it stands in the file.

    `kind` is "text" where only the declared format can say what it means (every CSV cell); Excel's
    own numbers, dates, times and booleans need no format and come as exact canonical text.
    `unit` is the currency sign of Excel's number format, which a person sees and the value lacks.
    """

    text: str = ""
    kind: CellKind = "text"
    unit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """How the cells of a column are written."""

    decimal: str = "."
    thousands: str = ""
    dates: tuple[str, ...] = ()  # strptime formats
    zone: str = ""  # IANA name, of times that carry none
    currency: str = ""  # of amounts that name none
    currency_is_stated: bool = False  # stated for this very column: another one contradicts it
    scale: Decimal = Decimal(1)
    hours_per_day: Decimal = Decimal(8)
    separator: str = ","
    missing: frozenset[str] = frozenset(MISSING)  # casefolded
    epoch: date = EXCEL_EPOCH  # day 0 of the workbook's serial dates


def constant(word: str) -> Cell:
    """A word of the configuration: plain numbers need no declared format there."""
    return Cell(word, "number" if _PLAIN_NUMBER.fullmatch(word) else "text")


class Amount(NamedTuple):
    """A number and the currency that its cell names ("" if none)."""

    value: Decimal
    currency: str


def read(cell: Cell, kind: str, fmt: Format) -> Json:
    """The canonical value of a cell read as `kind` (a key of READERS); None if it says nothing.

    Raises BadCell.
    """
    if cell.kind == "error":
        raise BadCell("a value", _error_advice(cell.text))
    if not cell.text or (kind not in WORDS and cell.text.casefold() in fmt.missing):
        return None
    return READERS[kind](cell, fmt)


def _error_advice(text: str) -> str:
    if text == NO_CACHED_VALUE:
        return "open the workbook in Excel or LibreOffice and save it, so that results are stored"
    return "the spreadsheet itself shows an error here: mend its formula"


NO_CACHED_VALUE = "formula without a stored result"


# ---- numbers ------------------------------------------------------------------------------------


@lru_cache(maxsize=64)
def _number_pattern(decimal: str, thousands: str) -> re.Pattern[str]:
    """Sign, words, digits, words, sign; groups of exactly three, by one separator.

    A space and an apostrophe always group, as neither can be anything else.
    """
    point = re.escape(decimal)
    groups = "".join(re.escape(sign) for sign in {" ", "'", *thousands} - {decimal})
    whole = rf"(?:[0-9]{{1,3}}(?P<group>[{groups}])[0-9]{{3}}(?:(?P=group)[0-9]{{3}})*|[0-9]+)"
    return re.compile(
        rf"(?P<sign1>[+-]?)\s*(?P<before>[^0-9+-]*?)\s*(?P<sign2>[+-]?)\s*"
        rf"(?P<number>{whole}(?:{point}(?:[0-9]+|-{{1,2}}))?|(?<![^\W\d_]){point}[0-9]+)"
        rf"(?P<exponent>[eE][+-]?[0-9]{{1,2}}(?![0-9]))?"
        rf"\s*(?P<sign3>-?)\s*(?P<after>[^0-9+-]*?)\s*(?P<sign4>-?)"
    )


def amount(cell: Cell, fmt: Format) -> Amount:
    """The number in a cell, with its multiplier word applied, and the currency it names.

    Not yet scaled. Raises BadCell.
    """
    if cell.kind == "number" and not cell.text.endswith("%"):
        return Amount(Decimal(cell.text), currency_of((cell.unit,) if cell.unit else (), fmt))
    expected = _number_expected(fmt)
    text = cell.text.translate(_LOOK_ALIKES).strip()
    if cell.kind != "text" or len(text) > _LONGEST_NUMBER:
        raise BadCell(expected)
    bracketed = _BRACKETS.fullmatch(text)
    if bracketed:
        text = " ".join(bracketed.groups()).strip()
    found = _number_pattern(fmt.decimal, fmt.thousands).fullmatch(text)
    if not found:
        raise BadCell(expected, _number_hint(text, fmt))
    signs = [found[f"sign{n}"] for n in range(1, 5) if found[f"sign{n}"]]
    if len(signs) + bool(bracketed) > 1:
        raise BadCell(expected, "it carries more than one sign")
    words = f"{found['before']} {found['after']}".strip()
    factor, currency = _words(words, expected, fmt) if words else (1, "")
    value = _EXACT.multiply(_plain_number(found, fmt), Decimal(factor))
    return Amount(-value if bracketed or "-" in signs else value, currency)


def _plain_number(found: re.Match[str], fmt: Format) -> Decimal:
    whole, _, rest = found["number"].partition(fmt.decimal)
    digits = re.sub(r"[^0-9]", "", whole) or "0"
    fraction = rest.strip("-")  # "1'000.-" means no cents
    return Decimal(digits + (f".{fraction}" if fraction else "") + (found["exponent"] or ""))


def _words(text: str, expected: str, fmt: Format) -> tuple[int, str]:
    """The factor and the currency that the words around a number mean; any other word is bad."""
    words = _WORD.findall(text)
    if re.sub(r"[\s./]", "", _WORD.sub("", text)):
        raise BadCell(expected)
    factors: list[int] = []
    signs: list[str] = []
    for word in words:
        if word.casefold() in _SIGNS or word.upper() in CURRENCIES:
            signs.append(word)
        elif word.casefold() in _MULTIPLIERS:
            factors.append(_MULTIPLIERS[word.casefold()])
        elif word[0] in _GLUED and word[1:] in CURRENCIES:  # TEUR, kCHF
            factors.append(_GLUED[word[0]])
            signs.append(word[1:])
        elif word == "T" and len(words) > 1:  # T€
            factors.append(10**3)
        elif word.casefold().startswith("billion"):
            raise BadCell(expected, 'a "billion" is 10^9 or 10^12: write bn or Mrd for 10^9')
        else:
            raise BadCell(expected, f'"{word}" is neither a currency nor a multiplier')
    if len(factors) > 1:
        raise BadCell(expected, "it carries more than one multiplier")
    return (factors or [1])[0], currency_of(tuple(signs), fmt)


def currency_of(signs: tuple[str, ...], fmt: Format) -> str:
    """The one currency that these codes and signs mean; the declared one decides between several.

    An ambiguous sign without a declared currency, or two different ones, are bad.
    """
    meanings = [
        (sign.upper(),) if sign.upper() in CURRENCIES else _SIGNS.get(sign.casefold(), ())
        for sign in signs
    ]
    if not meanings:
        return ""
    common = set(meanings[0]).intersection(*meanings[1:])
    shown = " ".join(signs)
    if not common:
        raise BadCell("an amount in one currency", f'"{shown}" is not one known currency')
    if len(common) == 1:
        return common.pop()
    if fmt.currency in common:
        return fmt.currency
    raise BadCell(
        "an amount in an unambiguous currency",
        f'"{shown}" can mean {", ".join(sorted(common))}: declare the currency of the column',
    )


def _number_expected(fmt: Format) -> str:
    return f'a number written with decimal "{fmt.decimal}"' + (
        f' and thousands "{fmt.thousands}"' if fmt.thousands else ""
    )


def _number_hint(text: str, fmt: Format) -> str:
    other = "," if fmt.decimal == "." else "."
    if other in text and other != fmt.thousands:
        return f'"{other}" is not declared: set decimal and thousands as the file writes them'
    return ""


def plain(value: Decimal) -> str:
    """A Decimal as plain text without exponent: `1E+3` is "1000", `1234.50` stays "1234.50"."""
    return format(value, "f")


def _scaled(value: Decimal, fmt: Format) -> Decimal:
    if fmt.scale != 1:
        value = _EXACT.normalize(_EXACT.multiply(value, fmt.scale))
    if abs(value) >= _LARGEST:
        raise BadCell("a number below 10^24")
    return value


def _number(cell: Cell, fmt: Format) -> Decimal:
    """A number without a currency."""
    value, currency = amount(cell, fmt)
    if currency and not cell.unit:
        raise BadCell("a number without a currency", "read the column as: money")
    return value


def _without_percent(cell: Cell) -> Cell:
    return cell._replace(text=cell.text.removesuffix("%").rstrip())


def _decimal(cell: Cell, fmt: Format) -> Json:
    """A number; "45 %" is 0.45."""
    value = _number(_without_percent(cell), fmt)
    if cell.text.endswith("%"):
        value = _EXACT.multiply(value, Decimal("0.01"))
    return plain(_scaled(value, fmt))


def _integer(cell: Cell, fmt: Format) -> Json:
    value = _scaled(_number(cell, fmt), fmt)
    if value != value.to_integral_value() or abs(value) >= 2**63:
        raise BadCell("a whole number of at most 63 bits")
    return int(value)


def _percent(cell: Cell, fmt: Format) -> Json:
    """0..100; a bare 45 is 45 %, and so is 0.45 that Excel shows as a percentage."""
    value = _scaled(_number(_without_percent(cell), fmt), fmt)
    if not 0 <= value <= 100:
        raise BadCell("a percentage from 0 to 100")
    return plain(value)


def _money(cell: Cell, fmt: Format) -> Json:
    value, named = amount(cell, fmt)
    if named and fmt.currency_is_stated and fmt.currency and named != fmt.currency:
        raise BadCell(f"an amount in {fmt.currency}", f"the cell itself says {named}")
    currency = named or fmt.currency
    if not currency:
        raise BadCell("an amount with its currency", "declare the currency of the column")
    return {"amount": plain(_scaled(value, fmt)), "currency": currency}


# ---- durations, dates, words --------------------------------------------------------------------


def _duration(seconds: int | None) -> Callable[[Cell, Format], Json]:
    """Whole seconds, half-even; `seconds` None counts working days.

    A clock time such as 7:30, or Excel's 37:30:00, means hours and minutes.
    """

    def reader(cell: Cell, fmt: Format) -> Json:
        clock = _CLOCK.fullmatch(cell.text)
        if clock:
            hours, minutes, rest = clock.groups(default="0")
            return int(hours) * 3600 + int(minutes) * 60 + int(rest)
        unit = Decimal(seconds) if seconds else fmt.hours_per_day * 3600
        value = _EXACT.multiply(_scaled(_number(cell, fmt), fmt), unit)
        if abs(value) >= 2**63:
            raise BadCell("a duration of at most 63 bits of seconds")
        return int(value.to_integral_value(ROUND_HALF_EVEN))

    return reader


def _parsed(cell: Cell, fmt: Format) -> datetime:
    """A date or time stamp by ISO 8601, by the declared formats, or as Excel's serial number."""
    if cell.kind == "number":
        return _from_serial(cell.text, fmt.epoch)
    if cell.kind in ("text", "date"):
        if _ISO_DATE.fullmatch(cell.text):
            return _attempt(datetime.fromisoformat, cell.text, fmt)
        for form in fmt.dates:
            try:
                return datetime.strptime(cell.text, form)  # noqa: DTZ007 — the caller adds the zone
            except ValueError:
                continue
    raise BadCell(_date_expected(fmt))


def _attempt(parse: Callable[[str], datetime], text: str, fmt: Format) -> datetime:
    try:
        return parse(text)
    except ValueError as error:
        raise BadCell(_date_expected(fmt)) from error


def _from_serial(text: str, epoch: date) -> datetime:
    """Days since the workbook's epoch; before March 1900 Excel counts a day that never was."""
    days = Decimal(text.removesuffix("%"))
    if text.endswith("%") or not 61 <= days < 2958466:
        raise BadCell("a date", "the cell holds a number that is no date of Excel")
    whole = int(days)
    seconds = int(((days - whole) * 86400).to_integral_value(ROUND_HALF_EVEN))
    return datetime.combine(epoch, datetime.min.time()) + timedelta(days=whole, seconds=seconds)


def _date_expected(fmt: Format) -> str:
    forms = " or ".join(f'"{form}"' for form in fmt.dates)
    return f"an existing date written as {forms} or YYYY-MM-DD" if forms else "a date YYYY-MM-DD"


def _day(cell: Cell, fmt: Format) -> Json:
    """The calendar day as written, whatever time or offset follows it."""
    return _parsed(cell, fmt).date().isoformat()


def _moment(cell: Cell, fmt: Format) -> Json:
    when = _parsed(cell, fmt)
    if when.tzinfo is None:
        if not fmt.zone:
            raise BadCell("a time with its offset", "declare zone:, for example Europe/Zurich")
        when = when.replace(tzinfo=ZoneInfo(fmt.zone))
    try:
        return when.astimezone(UTC).isoformat()
    except OverflowError as error:
        raise BadCell("a time within the years 1 to 9999") from error


def _truth(cell: Cell, _fmt: Format) -> Json:
    word = cell.text.casefold()
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    raise BadCell("yes or no")


def _text(cell: Cell, _fmt: Format) -> Json:
    return cell.text


def _lower(cell: Cell, _fmt: Format) -> Json:
    return cell.text.casefold()


def _list(cell: Cell, fmt: Format) -> Json:
    return [part for part in map(str.strip, cell.text.split(fmt.separator)) if part]


READERS: Mapping[str, Callable[[Cell, Format], Json]] = MappingProxyType(
    {
        "text": _text, "lower": _lower, "list": _list, "bool": _truth, "int": _integer,
        "decimal": _decimal, "percent": _percent, "money": _money, "date": _day,
        "datetime": _moment, "seconds": _duration(1), "minutes": _duration(60),
        "hours": _duration(3600), "days": _duration(None),
    }
)  # fmt: skip
"""What `as:` can be, and how it is read."""

WORDS = frozenset(("text", "lower", "list"))
"""Readings in which "n/a" or "-" are words like any other, not "nothing"."""
