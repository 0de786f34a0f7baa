"""How values read: numbers, money, dates, text from outside, links and file names."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from itpm_sync.model import Money
from itpm_sync.report.wording import (
    amount,
    change,
    clean,
    count,
    day,
    hours,
    iso_week,
    moment,
    money,
    percent,
    project_file,
    safe_url,
    shown,
)
from tests.report.sample import COMMAND, FORMULA, LONG, OVERRIDE, figure


def spaced(text: str) -> str:
    return text.replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("value", "currency", "text"),
    [
        ("1240000", "EUR", "EUR 1,240,000"),
        ("1240000.50", "EUR", "EUR 1,240,000"),  # half-even
        ("1240001.50", "EUR", "EUR 1,240,002"),
        ("412.5", "EUR", "EUR 412.50"),
        ("-188434.87", "EUR", "EUR −188,435"),
        ("5000", "JPY", "JPY 5,000"),
        ("12.3456", "KWD", "KWD 12.346"),
        ("0", "USD", "USD 0"),
    ],
)
def test_money_has_its_currency_and_sensible_digits(value: str, currency: str, text: str) -> None:
    assert spaced(money(Money(Decimal(value), currency))) == text


def test_an_amount_of_a_finding_keeps_its_cents() -> None:
    assert spaced(money(Money(Decimal("18412.5"), "EUR"), exact=True)) == "EUR 18,412.50"


@pytest.mark.parametrize(
    ("value", "text"),
    [("57.04", "57 %"), ("99.6", "99.6 %"), ("0.4", "0.4 %"), ("100", "100 %"), ("-3", "−3 %")],
)
def test_a_percentage_is_never_rounded_to_nothing_or_to_complete(value: str, text: str) -> None:
    assert spaced(percent(Decimal(value))) == text


def test_dates_weeks_hours_and_counts_read_as_people_write_them() -> None:
    assert spaced(day(date(2026, 11, 22))) == "22 Nov 2026"
    assert day(None) == "–"
    assert spaced(iso_week(date(2027, 1, 1))) == "Week 53, 2026"  # the ISO year, not the calendar's
    assert spaced(hours(9000)) == "2.5 h"
    assert spaced(count(2472, "project")) == "2,472 projects"
    assert spaced(count(1, "time entry", "time entries")) == "1 time entry"
    assert spaced(amount(Decimal(1), "items")) == "1 item"


def test_a_figure_without_value_says_why() -> None:
    cell = shown(figure("cpi", None, "ratio", reason="no cost is booked"))
    assert (cell.text, cell.hint, cell.missing) == ("n/a", "no cost is booked", True)
    assert shown(None).missing


def test_a_change_is_told_against_the_last_report() -> None:
    now, then = figure("cpi", "0.8565", "ratio"), figure("cpi", "0.91", "ratio")
    assert spaced(change(now, then, "last week")) == "▼ 0.05 from 0.91 last week"
    assert change(now, now, "last week") == "unchanged since last week"
    assert change(now, None, "last week") == ""
    missing = figure("cpi", None, "ratio", reason="no cost")
    assert change(now, missing, "last week") == "n/a last week"
    spent, before = figure("ac", 749_300, "EUR"), figure("ac", 704_342, "EUR")
    assert spaced(change(spent, before, "on 8 Nov 2026")) == "▲ 44,958 since 8 Nov 2026"
    assert spaced(change(spent, figure("ac", 5, "USD"), "last week")) == "USD 5 last week"


def test_text_loses_control_characters_and_direction_overrides_and_nothing_else() -> None:
    assert clean(OVERRIDE) == "invoice fdp.exe bell"
    assert clean("naïve 日本 👩\u200d💻\ttab\nline") == "naïve 日本 👩\u200d💻\ttab\nline"
    assert clean("broken \ud800 surrogate") == "broken  surrogate"
    assert clean(FORMULA) == FORMULA
    assert clean(COMMAND) == COMMAND


def test_long_text_is_cut_with_an_ellipsis() -> None:
    cut = clean(LONG, 160)
    assert len(cut) <= 160
    assert cut.endswith("…")


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)", "JaVaScRiPt:alert(1)", " javascript:alert(1)",
        "java\tscript:alert(1)",
        "data:text/html,x", "file:///etc/passwd", "//evil.example", "/relative", "http://", "http://[",
        "https://user:secret@host.example/", "https://ok.example/\u202e", "vbscript:x", "", None,
    ],
)  # fmt: skip
def test_only_plain_http_addresses_become_links(url: str | None) -> None:
    assert safe_url(url) == ""


@pytest.mark.parametrize("url", ["http://jira:8080/browse/A-1", "https://x.example/?a=1&b=%22#c"])
def test_http_addresses_stay_as_they_are(url: str) -> None:
    assert safe_url(url) == url


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("NET", "NET.html"),
        ("my-project_2", "my-project_2.html"),
        ("../../etc", "etc-74ccf3c5.html"),
    ],
)
def test_a_project_file_is_named_after_its_code(code: str, name: str) -> None:
    assert project_file(code) == name


@given(st.text(max_size=200))
def test_no_code_leads_out_of_the_folder_or_onto_our_own_files(code: str) -> None:
    name = project_file(code)
    assert all(c.isascii() and (c.isalnum() or c in "-_.") for c in name)
    assert name.endswith(".html")
    assert not name.startswith(".")
    assert ".." not in name
    assert len(name) <= 80
    assert name.lower() not in {"index.html", "status.html", "latest.html", "con.html"}


def test_codes_that_only_differ_in_what_a_file_name_cannot_hold_get_different_files() -> None:
    codes = ["a/b", "a\\b", "a b", "", "..", "index", "Ä", "é", "x" * 61, "x" * 62]
    assert len({project_file(c) for c in codes}) == len(codes)


@pytest.mark.parametrize(
    ("zone", "text"),
    [
        ("UTC", "22 Nov 2026, 23:30 UTC"),
        ("Europe/Zurich", "23 Nov 2026, 00:30 CET"),
        ("Asia/Kathmandu", "23 Nov 2026, 05:15 UTC+05:45"),
        ("America/Sao_Paulo", "22 Nov 2026, 20:30 UTC-03:00"),
    ],
)
def test_a_moment_is_told_in_the_offices_zone_and_names_it(zone: str, text: str) -> None:
    at = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)
    assert spaced(moment(at, zone)) == text
    assert moment(None, zone) == "never"
