"""A page as a test reads it, and the pages of the sample."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser

from itpm_sync.reconcile.status import ProjectStatus, Snapshot
from itpm_sync.report import Past, build_portfolio, build_project, render_portfolio, render_project
from tests.report import sample

VOID = {"meta", "br", "input", "link", "img", "hr"}


class Page(HTMLParser):
    """The elements, the visible text and the addresses of a page."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.raw: dict[str, str] = {}
        self.unclosed: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {k: v or "" for k, v in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {k: v or "" for k, v in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.unclosed.append(tag)

    def handle_data(self, data: str) -> None:
        inside = self.open[-1] if self.open else ""
        if inside in ("style", "script"):
            self.raw[inside] = self.raw.get(inside, "") + data
        else:
            self.words.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.words).replace("\u00a0", " "))

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attrs for name, attrs in self.tags if name == tag]


@cache
def past() -> Past:
    history = [sample.earlier(n) for n in (5, 4, 3, 2)]
    return Past.of(sample.snapshot(), sample.earlier(1), history)


@cache
def project_html(index: int) -> str:
    snapshot = sample.snapshot()
    return render_project(build_project(snapshot.projects[index], snapshot, past())).decode()


@cache
def portfolio_html() -> str:
    return render_portfolio(build_portfolio(sample.snapshot(), past())).decode()


def many(number: int) -> Snapshot:
    snapshot = sample.snapshot()
    base = replace(sample.register_project(), help_desk=None)
    more = tuple(replace(base, code=f"P-{n}", name=f"Project {n}") for n in range(number))
    return replace(snapshot, projects=(*snapshot.projects, *more))


def pages() -> Iterator[str]:
    yield from (project_html(n) for n in range(3))
    yield portfolio_html()
    yield render_portfolio(build_portfolio(many(20), past())).decode()


def alone(project: ProjectStatus) -> Page:
    """The page of a project without any report before it and without charts."""
    bare = replace(project, curve=(), burnup=(), help_desk=None)
    snapshot = replace(sample.snapshot(), projects=(bare,))
    return Page(render_project(build_project(bare, snapshot, Past.of(snapshot, None))).decode())
