"""The writer of a pull: one thread, in order, pages together, never far behind."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from itpm_sync.connector import Page, RawRecord
from itpm_sync.errors import RecordError, Stopped, StoreError
from itpm_sync.pull import writing
from itpm_sync.pull.writing import Writer
from itpm_sync.store import Landed, PreparedPage, Store

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


class Nothing:
    records = problems = ()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(f"sqlite:///{tmp_path}/itpm.db") as opened:
        yield opened


def page(store: Store, *ids: str, stream: str = "issue") -> PreparedPage:
    records = [RawRecord(i, b"{}", "NET") for i in ids]
    return store.prepare(
        Page(records), connection="jira", stream=stream, fingerprint="f",
        map_record=lambda *_: Nothing(),
    )  # fmt: skip


class Slow:
    """A store whose first landing waits for `go`; notes every transaction."""

    def __init__(self) -> None:
        self.go, self.begun = threading.Event(), threading.Event()
        self.landed: list[list[str]] = []

    def land(self, pages: Sequence[PreparedPage], **_: Any) -> Landed:
        self.begun.set()
        assert self.go.wait(20)
        self.landed.append([p.head.source_id for page in pages for p in page.records])
        return Landed(new=len(self.landed[-1]))


def test_pages_that_wait_are_landed_in_one_transaction_and_counted_once(store: Store) -> None:
    slow = Slow()
    writer = Writer(slow, run="r", now=NOON, stop=threading.Event())  # type: ignore[arg-type]
    writer.land(page(store, "1"))
    writer.submit(lambda: None)  # ends the group of the first
    assert slow.begun.wait(20)
    futures = [writer.land(page(store, "2")), writer.land(page(store, "3", "4"))]
    slow.go.set()
    writer.submit(lambda: None).result(20)
    assert slow.landed == [["1"], ["2", "3", "4"]]
    assert [f.result().new for f in futures] == [3, 0]
    writer.close()


def test_a_job_sees_every_page_before_it_and_none_after(store: Store) -> None:
    writer = Writer(store, run="r", now=NOON, stop=threading.Event())
    writer.land(page(store, "1"))
    seen = writer.submit(lambda: store.counts("jira", "issue"))
    writer.land(page(store, "2"))
    assert seen.result(20) == {"NET": 1}
    writer.close()
    assert store.counts("jira", "issue") == {"NET": 2}


def test_pages_of_two_streams_are_never_mixed(store: Store) -> None:
    writer = Writer(store, run="r", now=NOON, stop=threading.Event())
    for number in range(4):
        writer.land(page(store, str(number), stream=("issue", "sprint")[number % 2]))
    writer.close()
    assert store.counts("jira", "issue") == store.counts("jira", "sprint") == {"NET": 2}


def test_a_transaction_that_fails_fails_each_of_its_pages(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise StoreError("the disk is full")

    monkeypatch.setattr(Store, "land", full)
    writer = Writer(store, run="r", now=NOON, stop=threading.Event())
    futures = [writer.land(page(store, "1")), writer.land(page(store, "2"))]
    writer.close()
    assert [str(f.exception()) for f in futures] == ["the disk is full"] * 2


def test_who_brings_pages_faster_than_they_are_written_waits(store: Store) -> None:
    slow = Slow()
    writer = Writer(slow, run="r", now=NOON, stop=threading.Event())  # type: ignore[arg-type]
    brought: list[int] = []

    def bring() -> None:
        for number in range(3 * writing.WAITING):
            writer.land(page(store, str(number)))
            brought.append(number)

    thread = threading.Thread(target=bring)
    thread.start()
    assert slow.begun.wait(20)
    thread.join(0.2)  # enough for all of them, if nobody had to wait
    assert len(brought) <= writing.WAITING
    slow.go.set()
    thread.join(20)
    writer.close()
    assert sorted(int(i) for group in slow.landed for i in group) == list(
        range(3 * writing.WAITING)
    )


def test_in_the_callers_thread_each_page_is_stored_when_the_call_returns(store: Store) -> None:
    writer = Writer(store, run="r", now=NOON, stop=threading.Event(), inline=True)
    assert writer.land(page(store, "1"), ("NET", ["1", "9"])).result().new == 1
    assert store.counts("jira", "issue") == {"NET": 1}
    (census,) = store.census_compare("jira", "issue", "another run")
    assert (census.listed, census.unknown) == (2, ("9",))


def test_what_is_handed_in_after_the_end_is_refused_and_not_waited_for(store: Store) -> None:
    writer = Writer(store, run="r", now=NOON, stop=threading.Event())
    writer.close()
    with pytest.raises(Stopped):
        writer.submit(lambda: None)
    with pytest.raises(Stopped):
        writer.land(page(store, "1"))


def test_a_page_that_cannot_be_landed_does_not_fail_those_that_wait_with_it(store: Store) -> None:
    """A connector's mistake in one project: a time without a zone."""
    naive = RawRecord("2", b"{}", "NET", updated_at=datetime(2026, 3, 1))  # noqa: DTZ001
    bad = store.prepare(
        Page([naive]), connection="jira", stream="issue", fingerprint="f",
        map_record=lambda *_: Nothing(),
    )  # fmt: skip
    go = threading.Event()
    writer = Writer(store, run="r", now=NOON, stop=threading.Event())
    writer.submit(lambda: go.wait(20))
    futures = [writer.land(p) for p in (page(store, "1"), bad, page(store, "3"))]
    go.set()
    writer.close()
    assert [future.exception() is None for future in futures] == [True, False, True]
    assert store.counts("jira", "issue") == {"NET": 2}


def test_a_record_that_the_second_attempt_gives_is_not_in_quarantine(store: Store) -> None:
    unread = RecordError(
        field="id", value="1", expected="an issue that can be read", source_id="1"
    )  # fmt: skip
    first = store.prepare(
        Page((), [unread]), connection="jira", stream="issue", fingerprint="f",
        map_record=lambda *_: Nothing(),
    )  # fmt: skip
    store.land([first, page(store, "1")], run="r", now=NOON)
    assert store.rejected() == ()
    store.land([page(store, "1"), first], run="r", now=NOON)
    assert [found.source_id for found in store.rejected()] == ["1"]
