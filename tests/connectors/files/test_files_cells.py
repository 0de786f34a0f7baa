"""How single cells are read: exactly as declared, or not at all."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.files.cells import MISSING, READERS, BadCell, Cell, Format, read

ENGLISH = Format(decimal=".", thousands=",", currency="USD")
GERMAN = Format(decimal=",", thousands=".", currency="EUR", dates=("%d.%m.%Y",))
SWISS = Format(decimal=".", thousands="'", currency="CHF", dates=("%d.%m.%Y", "%d.%m.%y"))
FRENCH = Format(decimal=",", thousands=" ", currency="EUR", dates=("%d/%m/%Y",))
PLAIN = Format()
LOCALES = {"en": ENGLISH, "de": GERMAN, "ch": SWISS, "fr": FRENCH, "plain": PLAIN}


def money(text: str, fmt: Format = GERMAN) -> tuple[str, str]:
    value = read(Cell(text), "money", fmt)
    return value["amount"], value["currency"]


@pytest.mark.parametrize(
    ("text", "fmt", "expected"),
    [
        ("1234.50", ENGLISH, "1234.50"),
        ("1,234.50", ENGLISH, "1234.50"),
        ("1.234,50", GERMAN, "1234.50"),
        ("1.234.567", GERMAN, "1234567"),
        ("1'234.50", SWISS, "1234.50"),
        ("1’234’567.5", SWISS, "1234567.5"),
        ("1 234,50", FRENCH, "1234.50"),
        ("1\u202f234\u202f567,5", FRENCH, "1234567.5"),  # narrow no-break space
        ("1\u00a0234,50", GERMAN, "1234.50"),  # a space always groups
        ("-12", PLAIN, "-12"),
        ("−12", PLAIN, "-12"),  # U+2212
        ("12-", PLAIN, "-12"),
        ("(1,234.50)", ENGLISH, "-1234.50"),
        ("+5", PLAIN, "5"),
        (".5", PLAIN, "0.5"),
        ("5E-4", PLAIN, "0.0005"),
        ("1.5e3", PLAIN, "1500"),
        ("1.2k", PLAIN, "1200.0"),
        ("12,5 Mio", GERMAN, "12500000.0"),
        ("12,5 Mio.", GERMAN, "12500000.0"),
        ("3 Mrd.", GERMAN, "3000000000"),
        ("45 %", PLAIN, "0.45"),
        ("0", PLAIN, "0"),
        ("007", PLAIN, "7"),
    ],
)
def test_reads_a_number_as_declared(text: str, fmt: Format, expected: str) -> None:
    assert read(Cell(text), "decimal", fmt) == expected


@pytest.mark.parametrize(
    ("text", "fmt"),
    [
        ("1.234.50", ENGLISH),
        ("1234.5", GERMAN),  # neither three digits in the group nor a decimal comma
        ("1,234", PLAIN),  # 1.234 or 1234? nothing declared says which
        ("1.23", GERMAN),
        ("1,23,456", ENGLISH),
        ("1.234'567", replace(GERMAN, thousands=".")),  # two different separators
        ("12 34", PLAIN),
        ("12 (345)", PLAIN),
        ("(-5)", PLAIN),
        ("-5-", PLAIN),
        ("twelve", PLAIN),
        ("12 pcs", PLAIN),
        ("1 billion", ENGLISH),  # 10^9 or 10^12
        ("1 k Mio", PLAIN),
        ("12 EUR", PLAIN),  # a currency where a bare number is expected
        ("1E999999999", PLAIN),
        ("٣", PLAIN),  # a digit, but not one that a file of ours declares
        ("9" * 101, PLAIN),
        ("Infinity", PLAIN),
        ("NaN", PLAIN),
        ("0x10", PLAIN),
        ("1_000", PLAIN),
        ("=1+1", PLAIN),
        ("%", PLAIN),
    ],
)
def test_refuses_a_number_that_is_not_written_as_declared(text: str, fmt: Format) -> None:
    with pytest.raises(BadCell, match="a number"):
        read(Cell(text), "decimal", fmt)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("€ 1.234,50", ("1234.50", "EUR")),
        ("1.234,50 €", ("1234.50", "EUR")),
        ("1.234,50", ("1234.50", "EUR")),  # the declared currency
        ("1'234,50 CHF", ("1234.50", "CHF")),
        ("CHF 1.000,-", ("1000", "CHF")),
        ("Fr. 1'000,--", ("1000", "CHF")),
        ("SFr.50", ("50", "CHF")),
        ("EUR -5", ("-5", "EUR")),
        ("-€5", ("-5", "EUR")),
        ("EUR (5,10)", ("-5.10", "EUR")),
        ("(5,10 €)", ("-5.10", "EUR")),
        ("1.234,50- EUR", ("-1234.50", "EUR")),
        ("1.234,50 EUR-", ("-1234.50", "EUR")),
        ("3 TEUR", ("3000", "EUR")),
        ("3 T€", ("3000", "EUR")),
        ("1,5 k€", ("1500.0", "EUR")),
        ("12,5 Mio. CHF", ("12500000.0", "CHF")),
        ("£12", ("12", "GBP")),
        ("US$ 12", ("12", "USD")),
        ("5 usd", ("5", "USD")),
    ],
)
def test_reads_money_with_its_own_currency_or_the_declared_one(
    text: str, expected: tuple[str, str]
) -> None:
    assert money(text) == expected


def test_swiss_amounts_end_in_a_dash_for_no_cents() -> None:
    assert money("CHF 1'000.-", SWISS) == ("1000", "CHF")
    assert money("1'000.– Fr.", SWISS) == ("1000", "CHF")


def test_an_ambiguous_sign_takes_the_declared_currency_if_that_is_one_of_its_meanings() -> None:
    assert money("$5", ENGLISH) == ("5", "USD")
    assert money("$5", replace(ENGLISH, currency="CAD")) == ("5", "CAD")
    assert money("¥5", replace(PLAIN, currency="JPY")) == ("5", "JPY")
    for fmt in (GERMAN, PLAIN):
        with pytest.raises(BadCell, match="unambiguous") as caught:
            money("$5", fmt)
        assert "declare the currency" in caught.value.hint


def test_refuses_money_without_any_currency_or_with_two() -> None:
    with pytest.raises(BadCell, match="with its currency"):
        money("5", PLAIN)
    with pytest.raises(BadCell, match="one currency"):
        money("€ 5 CHF")


def test_a_cell_that_contradicts_the_stated_currency_of_its_column_is_bad() -> None:
    stated = replace(GERMAN, currency_is_stated=True)
    assert money("5 EUR", stated) == ("5", "EUR")
    with pytest.raises(BadCell, match="amount in EUR"):
        money("5 CHF", stated)


def test_scale_multiplies_exactly() -> None:
    millions = replace(PLAIN, currency="USD", scale=Decimal(1_000_000))
    assert money("15.297", millions) == ("15297000", "USD")
    assert money("5E-4", millions) == ("500", "USD")
    assert read(Cell("0.1"), "decimal", replace(PLAIN, scale=Decimal("0.1"))) == "0.01"


@pytest.mark.parametrize("word", [*MISSING, "N/A", "  "])
@pytest.mark.parametrize("kind", sorted(set(READERS) - {"text", "lower", "list"}))
def test_words_for_nothing_are_no_value(word: str, kind: str) -> None:
    assert read(Cell(word.strip()), kind, PLAIN) is None


def test_words_for_nothing_stay_words_in_text() -> None:
    assert read(Cell("n/a"), "text", PLAIN) == "n/a"
    assert read(Cell(""), "text", PLAIN) is None


@pytest.mark.parametrize(
    ("cell", "fmt", "expected"),
    [
        (Cell("31.12.2026"), GERMAN, "2026-12-31"),
        (Cell("1.2.2026"), GERMAN, "2026-02-01"),
        (Cell("2026-12-31"), GERMAN, "2026-12-31"),
        (Cell("2026-12-31T23:59:59+02:00"), GERMAN, "2026-12-31"),  # the day as written
        (Cell("31.12.26"), SWISS, "2026-12-31"),  # %y is among the declared formats
        (Cell("45000", "number"), PLAIN, "2023-03-15"),  # Excel's serial date
        (Cell("45000.5", "number"), PLAIN, "2023-03-15"),
        (Cell("2024-02-29", "date"), PLAIN, "2024-02-29"),
    ],
)
def test_reads_a_date_as_declared_or_iso(cell: Cell, fmt: Format, expected: str) -> None:
    assert read(cell, "date", fmt) == expected


@pytest.mark.parametrize(
    ("cell", "fmt"),
    [
        (Cell("31.02.2026"), GERMAN),
        (Cell("2026-02-30"), GERMAN),
        (Cell("31.12.26"), GERMAN),  # a two-digit year was not declared
        (Cell("12/31/2026"), GERMAN),
        (Cell("31.12.2026 x"), GERMAN),
        (Cell("45000"), GERMAN),  # a serial number, but in a text file
        (Cell("12", "number"), GERMAN),  # before the serials that are unambiguous
        (Cell("99999999", "number"), GERMAN),
        (Cell("true", "bool"), GERMAN),
    ],
)
def test_refuses_a_date_that_does_not_exist_or_is_not_as_declared(cell: Cell, fmt: Format) -> None:
    with pytest.raises(BadCell, match="date"):
        read(cell, "date", fmt)


def test_times_become_utc_by_their_offset_or_the_declared_zone() -> None:
    zurich = replace(PLAIN, zone="Europe/Zurich", dates=("%d.%m.%Y %H:%M",))
    assert read(Cell("01.07.2026 09:00"), "datetime", zurich) == "2026-07-01T07:00:00+00:00"
    assert read(Cell("2026-01-01T09:00:00-05:00"), "datetime", PLAIN) == "2026-01-01T14:00:00+00:00"
    with pytest.raises(BadCell) as caught:
        read(Cell("2026-01-01T09:00:00"), "datetime", PLAIN)
    assert "zone" in caught.value.hint
    with pytest.raises(BadCell):
        read(Cell("0001-01-01T00:00:00+14:00"), "datetime", PLAIN)


@pytest.mark.parametrize(
    ("text", "kind", "seconds"),
    [
        ("90", "seconds", 90),
        ("1.5", "minutes", 90),
        ("7.5", "hours", 27_000),
        ("7:30", "hours", 27_000),
        ("37:30:05", "hours", 135_005),
        ("2.5", "days", 72_000),  # of eight hours
        ("0.333", "days", 9_590),  # 9,590.4 s
    ],
)
def test_durations_are_whole_seconds(text: str, kind: str, seconds: int) -> None:
    assert read(Cell(text), kind, PLAIN) == seconds


def test_a_working_day_is_as_long_as_declared() -> None:
    assert read(Cell("2"), "days", replace(PLAIN, hours_per_day=Decimal("8.4"))) == 60_480


def test_percent_is_0_to_100_however_it_is_written() -> None:
    assert read(Cell("45 %"), "percent", PLAIN) == "45"
    assert read(Cell("45"), "percent", PLAIN) == "45"
    assert read(Cell("12,5%"), "percent", GERMAN) == "12.5"
    assert read(Cell("45%", "number"), "percent", GERMAN) == "45"  # Excel's 0.45 shown as 45 %
    assert read(Cell("30%", "number"), "decimal", GERMAN) == "0.30"
    for text in ("101", "-1", "45%%"):
        with pytest.raises(BadCell):
            read(Cell(text), "percent", PLAIN)


@pytest.mark.parametrize(
    ("cell", "kind", "expected"),
    [
        (Cell("Ja"), "bool", True),
        (Cell("no"), "bool", False),
        (Cell("true", "bool"), "bool", True),
        (Cell("0", "number"), "bool", False),
        (Cell("12.0", "number"), "int", 12),
        (Cell("Straße"), "lower", "strasse"),
        (Cell("a, b,,c"), "list", ["a", "b", "c"]),
        (Cell("1234.5", "number"), "decimal", "1234.5"),
    ],
)
def test_reads_other_kinds(cell: Cell, kind: str, expected: Any) -> None:
    assert read(cell, kind, GERMAN) == expected


@pytest.mark.parametrize(
    ("cell", "kind"),
    [
        (Cell("maybe"), "bool"),
        (Cell("1.5"), "int"),
        (Cell("9223372036854775808"), "int"),
        (Cell("9e24"), "decimal"),
        (Cell("1e20"), "days"),
        (Cell("2026-01-02", "date"), "decimal"),  # Excel made a date of 1.2
        (Cell("12%", "number"), "money"),
        (Cell("12%", "number"), "date"),
        (Cell("#REF!", "error"), "text"),
        (Cell("#N/A", "error"), "decimal"),
    ],
)
def test_refuses_what_is_of_another_kind(cell: Cell, kind: str) -> None:
    with pytest.raises(BadCell):
        read(cell, kind, replace(PLAIN, currency="EUR"))


# ---- properties ---------------------------------------------------------------------------------

amounts = st.decimals(
    min_value=Decimal("-1e15"), max_value=Decimal("1e15"), allow_nan=False, places=2
)
separators = {"en": ",", "de": ".", "ch": "’", "fr": "\u202f", "plain": " "}


def written(amount: Decimal, locale: str, *, grouped: bool) -> str:
    """The amount as a person of the locale writes it."""
    text = f"{amount:,f}" if grouped else f"{amount:f}"
    point = LOCALES[locale].decimal
    return text.translate({ord(","): separators[locale], ord("."): point})


@given(amounts, st.sampled_from(sorted(LOCALES)), st.booleans())
def test_any_amount_is_read_back_as_written_in_its_locale(
    amount: Decimal, locale: str, grouped: bool
) -> None:
    text = written(amount, locale, grouped=grouped)
    assert Decimal(read(Cell(text), "decimal", LOCALES[locale])) == amount


@given(
    amounts.filter(lambda each: each != 0),
    st.sampled_from(sorted(LOCALES)),
    st.sampled_from(["{}-", "({})", "-{}", "- {}", "−{}"]),
    st.sampled_from(["{} EUR", "EUR {}", "€{}", "{}€", "€\u00a0{}"]),
)
def test_any_negative_with_a_currency_is_read_back(
    amount: Decimal, locale: str, sign: str, currency: str
) -> None:
    text = currency.format(sign.format(written(abs(amount), locale, grouped=True)))
    value = read(Cell(text), "money", LOCALES[locale])
    assert (Decimal(value["amount"]), value["currency"]) == (-abs(amount), "EUR")


@given(st.text(max_size=120), st.sampled_from(sorted(READERS)), st.sampled_from(sorted(LOCALES)))
def test_any_text_is_read_or_refused_but_never_breaks(text: str, kind: str, locale: str) -> None:
    with contextlib.suppress(BadCell):
        value = read(Cell(text.strip()), kind, LOCALES[locale])
        assert orjson.loads(orjson.dumps(value)) == value


@given(st.text("0123456789.,'()-+ €$kMEURCHF%eE", max_size=40), st.sampled_from(sorted(LOCALES)))
def test_a_number_read_has_exactly_the_digits_of_its_cell(text: str, locale: str) -> None:
    """Nothing is made up: the significant digits of the value are those of the cell."""
    value = None
    with contextlib.suppress(BadCell):
        value = read(Cell(text.strip()), "money", LOCALES[locale])
    if value is None or {"e", "E"} & set(text.replace("EUR", "")):
        return
    digits = "".join(char for char in text if char.isdigit()).strip("0")
    assert "".join(c for c in value["amount"] if c.isdigit()).strip("0") == digits
