"""Nothing in a page can do harm or load anything, and everyone can read it."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace

import pytest

from itpm_sync.report import (
    build_portfolio,
    build_project,
    project_file,
    render_portfolio,
    render_project,
)
from tests.report import sample
from tests.report.page import Page, alone, many, pages, past, portfolio_html, project_html


def test_pages_are_well_formed_whatever_the_titles_hold() -> None:
    for html in pages():
        page = Page(html)
        assert page.unclosed == []
        assert page.open == []


def test_titles_stand_as_text_and_never_as_markup() -> None:
    page = Page(project_html(0))
    assert page.all("script") == []
    assert sample.SCRIPT in page.text
    assert sample.FORMULA in page.text
    assert "<script>alert" not in project_html(0) + project_html(2) + portfolio_html()


def test_no_attribute_is_an_event_handler() -> None:
    for html in pages():
        names = {name for _, attrs in Page(html).tags for name in attrs}
        assert not [n for n in names if n.startswith("on")]


def test_direction_overrides_and_control_characters_do_not_reach_a_page() -> None:
    for html in pages():
        assert not re.search("[\u202a-\u202e\u2066-\u2069\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", html)


def test_a_title_of_ten_thousand_characters_is_cut() -> None:
    assert "Longwinded" in project_html(0)
    assert sample.LONG[:200] not in project_html(0)


def test_a_page_refers_to_nothing_outside_but_evidence() -> None:
    siblings = {"index.html", "status.xlsx", *map(project_file, ("NET", "SDM", "../../etc"))}
    siblings |= {f"P-{n}.html" for n in range(20)}
    siblings |= {f"{name}#findings" for name in siblings}
    for html in pages():
        page = Page(html)
        addresses = [a["href"] for a in page.all("a")]
        assert addresses
        for href in addresses:
            assert href in siblings or href.startswith(("#", "https://jira.example.com/",
                                                        "https://erp.example.com/"))  # fmt: skip
        loaded = [a for t, a in page.tags if "src" in a or t in ("link", "iframe", "object", "img")]
        assert loaded == []
        assert not re.search(r"url\((?!#)|@import", page.raw["style"])
        assert "xlink:href" not in html


def test_links_to_evidence_give_nothing_away() -> None:
    outside = [a for a in Page(project_html(0)).all("a") if a["href"].startswith("http")]
    assert outside
    assert all(a["rel"] == "noopener noreferrer" for a in outside)


def test_the_policy_forbids_everything_but_our_own_style() -> None:
    metas = {m.get("http-equiv"): m.get("content", "") for m in Page(project_html(0)).all("meta")}
    policy = metas["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert "script-src" not in policy


def test_the_only_script_is_ours_and_allowed_by_its_hash() -> None:
    html = render_portfolio(build_portfolio(many(20), past())).decode()
    page = Page(html)
    assert len(page.all("script")) == 1
    digest = base64.b64encode(hashlib.sha256(page.raw["script"].encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in html.replace("&#39;", "'")


def test_pages_fit_a_phone_and_a_printer() -> None:
    for html in pages():
        metas = {m.get("name"): m.get("content", "") for m in Page(html).all("meta")}
        assert metas["viewport"] == "width=device-width, initial-scale=1"
        assert "@media print" in html
        assert "@media screen and (max-width: 720px)" in html


def test_pages_have_landmarks_and_headed_tables_and_described_charts() -> None:
    for html in pages():
        page = Page(html)
        assert len(page.all("main")) == 1
        assert len(page.all("h1")) == 1
        assert page.all("html")[0]["lang"] == "en"
        assert all(th.get("scope") in ("col", "row") for th in page.all("th"))
        for svg in page.all("svg"):
            assert svg.get("aria-hidden") == "true" or svg.get("aria-label")


def test_a_rating_is_a_word_and_a_shape_not_only_a_colour() -> None:
    html = alone(sample.network())
    assert "Red" in html.text
    shapes = {
        re.search(r"<svg class=\"shape .*?</svg>", project_html(i), re.DOTALL)[0].split(">", 1)[1]  # type: ignore[index]
        for i in range(3)
    }
    assert len(shapes) == 3


def test_a_table_that_a_small_screen_cuts_shows_that_it_goes_on() -> None:
    page = Page(project_html(0))
    assert "Scroll the table sideways for all its columns" in page.text
    css = page.raw["style"]
    [rule] = re.findall(r"(?m)^\.scroll \{(.*?)\}", css, re.DOTALL)
    assert "overflow-x: auto" in rule
    assert "var(--shade)" in rule
    narrow = css.partition("(max-width: 720px)")[2].partition("@media")[0]
    assert ".sideways { display: inline; }" in narrow
    [first] = re.findall(r"\.scroll th:first-child \{(.*?)\}", narrow)
    assert "position: sticky" in first
    assert "white-space: normal" in first  # a long heading does not cover the next one


def test_an_absurd_number_spoils_no_page() -> None:
    figures = sample.network().figures | {"ac": sample.figure("ac", "1e400", "EUR")}
    text = alone(replace(sample.network(), figures=figures)).text
    assert "EUR 1.000E+400" in text


@pytest.mark.parametrize("index", [0, 2])
def test_the_same_snapshot_gives_the_same_page(index: int) -> None:
    snapshot = sample.snapshot()
    again = render_project(build_project(snapshot.projects[index], snapshot, past()))
    assert again.decode() == project_html(index)
